package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/signal"
)

// An entry is a row of a timeline.
type entry struct {
	At  int64 `json:"a"`
	Key int64 `json:"k"`
}

// newer orders entries newest first.
func newer(a, b entry) int { return cmp.Or(cmp.Compare(b.At, a.At), cmp.Compare(b.Key, a.Key)) }

// Timeline returns part of what happened at an account, newest first; see
// [event.History]. Of each stream only as many rows are sorted as fit the page.
func (s *Store) Timeline(ctx context.Context, scope cairn.Scope, q event.Query) (event.Page, error) {
	var from entry
	if q.Cursor != "" {
		if err := decodeCursor(q.Cursor, &from); err != nil {
			return event.Page{}, err
		}
	}
	most := limit(q.Limit, 50, 500)
	found, err := s.newest(ctx, scope, q, from, most+1)
	if err != nil {
		return event.Page{}, err
	}
	var page event.Page
	if len(found) > most {
		found = found[:most]
		page.Next = encodeCursor(found[most-1])
	} else if err := s.gone(ctx, scope, q, &page); err != nil {
		return page, err
	}
	if len(found) == 0 {
		return page, nil
	}
	if page.Events, err = s.eventsAt(ctx, found); err != nil {
		return event.Page{}, err
	}
	page.People, err = s.peopleIn(ctx, q.Account, page.Events)
	return page, err
}

// newest returns the first most entries after from, merged over the streams
// of the account: of each stream those from its own most-th newest on. The
// joins are crossed so that SQLite goes from streams to rows, never back.
func (s *Store) newest(ctx context.Context, scope cairn.Scope, q event.Query, from entry, most int) ([]entry, error) {
	var st statement
	st.add(`
		/* timeline.newest */
		select t.at, t.key from stream s cross join timeline t`)
	st.eventsOf(q)
	st.add(` where s.account = ? and `, q.Account)
	st.within(scope, "s.account")
	if !q.Person.IsZero() {
		st.add(` and (s.person is null or s.person = ?)`, q.Person) // what others did alone lies elsewhere
	}
	st.add(` and t.stream = s.id and t.at >= coalesce((
			select t.at from timeline t`)
	st.eventsOf(q)
	st.add(` where t.stream = s.id`)
	st.happened(q, from)
	st.add(` order by t.at desc limit 1 offset ?), ?)`, most-1, cairn.Micros(q.From))
	st.happened(q, from)
	st.add(` order by t.at desc, t.key desc limit ?`, most)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []entry
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.At, &e.Key); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// gone counts in page what happened and is not kept one by one any more.
func (s *Store) gone(ctx context.Context, scope cairn.Scope, q event.Query, page *event.Page) error {
	some, err := s.anyDropped(ctx)
	if err != nil || !some || len(q.Kinds) > 0 && !slices.Contains(q.Kinds, cairn.Track) {
		return err
	}
	var st statement
	st.add(`
		/* timeline.gone */
		select cast(coalesce(sum(t.n), 0) as bigint), coalesce(max(t.last), 0) from stream s cross join tally t
		where s.account = ? and `, q.Account)
	st.within(scope, "s.account")
	st.add(` and t.gen = ? and t.stream = s.id and substr(t.name, 1, 1) <> ?`, originGen, signal.CounterMark)
	if !q.Person.IsZero() {
		st.add(` and (s.person is null or s.person = ?)`, q.Person)
	}
	if !q.From.IsZero() {
		st.add(` and t.day >= ?`, int64(cairn.DayOf(q.From, s.zone())))
	}
	if !q.To.IsZero() {
		st.add(` and t.day <= ?`, int64(cairn.DayOf(q.To, s.zone())))
	}
	if q.Product != "" {
		st.add(` and t.product = ?`, q.Product)
	}
	if q.Name != "" {
		st.add(` and lower(t.name) like ? escape '\'`, "%"+plainPattern.Replace(strings.ToLower(q.Name))+"%")
	}
	var last int64
	if err := s.db.QueryRowContext(ctx, st.String(), st.args...).Scan(&page.Dropped, &last); err != nil {
		return err
	}
	page.DroppedAt = cairn.FromMicros(last)
	return nil
}

// asksOfEvents reports whether a query asks for more than times.
func asksOfEvents(q event.Query) bool {
	return !q.Person.IsZero() || len(q.Kinds) > 0 || q.Name != "" || q.Product != ""
}

// eventsOf joins event e to timeline t where the query needs it; see happened.
func (st *statement) eventsOf(q event.Query) {
	if asksOfEvents(q) {
		st.add(` cross join event e`)
	}
}

// happened adds the conditions of a query, of timeline t and event e.
func (st *statement) happened(q event.Query, from entry) {
	if asksOfEvents(q) {
		st.add(` and e.key = t.key`)
	}
	if from != (entry{}) {
		st.add(` and t.at <= ? and (t.at < ? or t.key < ?)`, from.At, from.At, from.Key)
	}
	if !q.From.IsZero() {
		st.add(` and t.at >= ?`, cairn.Micros(q.From))
	}
	if !q.To.IsZero() {
		st.add(` and t.at <= ?`, cairn.Micros(q.To))
	}
	if !q.Person.IsZero() {
		st.add(` and (s.person = ? or e.person = ? or e.anon = ? or e.person in (select id from identity where root = ?)
			or e.anon in (select id from identity where root = ?))`, q.Person, q.Person, q.Person, q.Person, q.Person)
	}
	if len(q.Kinds) > 0 {
		kinds := make([]string, len(q.Kinds))
		for i, k := range q.Kinds {
			kinds[i] = string(k)
		}
		st.add(` and `)
		in(st, "e.kind", kinds)
	}
	if q.Product != "" {
		st.add(` and e.product = ?`, q.Product)
	}
	if q.Name != "" {
		st.add(` and lower(e.name) like ? escape '\'`, "%"+plainPattern.Replace(strings.ToLower(q.Name))+"%")
	}
}

// plainPattern makes a text match itself only.
var plainPattern = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// eventsAt returns the events of the entries, in their order.
func (s *Store) eventsAt(ctx context.Context, entries []entry) ([]cairn.Event, error) {
	keys := make([]int64, len(entries))
	for i, e := range entries {
		keys[i] = e.Key
	}
	var st statement
	st.add(`
		/* timeline.eventsAt */
		select ` + eventColumns + ` from event e where `)
	in(&st, "e.key", keys)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	out, err := s.scanEvents(ctx, rows)
	slices.SortFunc(out, func(a, b cairn.Event) int {
		return newer(entry{cairn.Micros(a.At), a.Pos.Key()}, entry{cairn.Micros(b.At), b.Pos.Key()})
	})
	return out, err
}

// peopleIn returns the people who occur in events and are still known.
func (s *Store) peopleIn(ctx context.Context, account cairn.AccountID, events []cairn.Event) (map[cairn.PersonID]cairn.Person, error) {
	out := map[cairn.PersonID]cairn.Person{}
	var ids []cairn.PersonID
	for _, e := range events {
		for _, id := range []cairn.PersonID{e.Person, e.Anon} {
			if _, ok := out[id]; !ok && !id.IsZero() {
				out[id] = cairn.Person{}
				ids = append(ids, id)
			}
		}
	}
	clear(out)
	var st statement
	st.add(`
		/* timeline.peopleIn */
		select ` + personColumns + ` from person p where p.erased = 0 and `)
	roots, err := s.rootsOf(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, r := range roots {
		ids = append(ids, r)
	}
	in(&st, "p.id", ids)
	people, err := s.people(ctx, &st)
	for _, p := range people {
		p.Account = account
		out[p.ID] = p
	}
	for id, r := range roots { // who is known under several ids is one
		if p, ok := out[r]; ok {
			out[id] = p
		}
	}
	return out, err
}

// rootsOf returns who those of ids are now who are somebody else.
func (s *Store) rootsOf(ctx context.Context, ids []cairn.PersonID) (map[cairn.PersonID]cairn.PersonID, error) {
	out := map[cairn.PersonID]cairn.PersonID{}
	for some := range slices.Chunk(ids, atOnce) {
		var st statement
		st.add(`
			/* timeline.rootsOf */
			select id, root from identity where id <> root and `)
		in(&st, "id", some)
		rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id, root cairn.PersonID
			if err := rows.Scan(&id, &root); err != nil {
				rows.Close()
				return nil, err
			}
			out[id] = root
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Products returns the products of which an account has events; see
// [event.History].
func (s *Store) Products(ctx context.Context, scope cairn.Scope, id cairn.AccountID) ([]string, error) {
	if !scope.Sees(id) {
		return nil, nil
	}
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `
		/* timeline.Products */
		select distinct t.product from stream s cross join tally t
		where s.account = $1 and t.gen = $2 and t.stream = s.id order by t.product`, id, gen)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var p string
		if err := rows.Scan(&p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
