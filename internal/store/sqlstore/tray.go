package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/signal"
)

// Named returns how an id is called; see [account.IdentityStore].
func (s *Store) Named(ctx context.Context, id cairn.ID) (cairn.Ref, error) {
	r := cairn.Ref{ID: id}
	err := s.db.QueryRowContext(ctx, `
		/* tray.Named */
		select what, space, key from identity where id = $1`, id).Scan(&r.What, &r.Space, &r.Key)
	if !errors.Is(err, sql.ErrNoRows) {
		return r, err
	}
	var person, stream bool
	if err := s.db.QueryRowContext(ctx, `
		/* tray.Named */
		select exists (select 1 from person where id = $1), exists (select 1 from stream where id = $1 and kind = 'record')`, id).Scan(&person, &stream); err != nil {
		return r, err
	}
	var visitor bool
	if !person && !stream {
		if err := s.db.QueryRowContext(ctx, `
			/* tray.Named */
			select exists (select 1 from stream where id = $1)`, cairn.PersonID{ID: id}.Stream()).Scan(&visitor); err != nil {
			return r, err
		}
	}
	switch {
	case person:
		r.What = cairn.APerson
	case stream:
		r.What = cairn.AStream
	case visitor:
		r.What = cairn.AVisitor
	default:
		return r, cairn.Errorf(cairn.NotFound, "Nothing is known under the id %s.", id)
	}
	return r, nil
}

// Root returns who an id is now; see [account.IdentityStore].
func (s *Store) Root(ctx context.Context, id cairn.ID) (root cairn.ID, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* tray.Root */
		select root from identity where id = $1`, id).Scan(&root)
	if errors.Is(err, sql.ErrNoRows) {
		return id, nil
	}
	return root, err
}

// Tie returns a statement; see [account.IdentityStore].
func (s *Store) Tie(ctx context.Context, id cairn.EventID) (cairn.Tie, error) {
	var t cairn.Tie
	var body string
	var undone bool
	err := s.db.QueryRowContext(ctx, `
		/* tray.Tie */
		select body, undone from tie where id = $1`, id).Scan(&body, &undone)
	if errors.Is(err, sql.ErrNoRows) || err == nil && body == "" {
		return t, cairn.Errorf(cairn.NotFound, "Nobody said anything under the id %s.", id).At("tie")
	}
	if err != nil {
		return t, err
	}
	err = json.Unmarshal([]byte(body), &t)
	t.Undone = undone
	return t, err
}

// tiesOf returns the tie that counts of each of ids in a slot.
func (s *Store) tiesOf(ctx context.Context, slot cairn.Slot, column string, ids []cairn.ID) ([]cairn.Tie, error) {
	var st statement
	st.add(`
		/* tray.tiesOf */
		select body from tie where slot = ? and undone = 0 and `, string(slot))
	in(&st, column, ids)
	st.add(` order by subject, hand desc, at desc, event desc`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []cairn.Tie
	for rows.Next() {
		var body string
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		var t cairn.Tie
		if err := json.Unmarshal([]byte(body), &t); err != nil {
			return nil, err
		}
		if len(out) == 0 || out[len(out)-1].Subject.ID != t.Subject.ID {
			out = append(out, t)
		}
	}
	return out, rows.Err()
}

// volume counts what lies in streams, up to account.MostCounted, also what was
// dropped.
func (s *Store) volume(ctx context.Context, streams ...cairn.StreamID) (n int, last time.Time, err error) {
	for _, id := range streams {
		var some int
		var at, was int64
		if err := s.db.QueryRowContext(ctx, `
			/* tray.volume */
			select (select count(*) from (select 1 from timeline where stream = $1 limit $2) x)
					+ cast(coalesce((select sum(n) from tally where gen = $3 and stream = $1 and substr(name, 1, 1) <> $4), 0) as bigint),
				coalesce((select max(at) from timeline where stream = $1), 0),
				coalesce((select max(last) from tally where gen = $3 and stream = $1), 0)`,
			id, account.MostCounted, originGen, signal.CounterMark).Scan(&some, &at, &was); err != nil {
			return 0, last, err
		}
		n += some
		if t := cairn.FromMicros(max(at, was)); t.After(last) {
			last = t
		}
	}
	return min(n, account.MostCounted), last, nil
}

// Known returns how an account is known; see [account.IdentityStore].
func (s *Store) Known(ctx context.Context, scope cairn.Scope, id cairn.AccountID) (account.Known, error) {
	out := account.Known{Account: id}
	if err := s.sees(ctx, scope, id); err != nil {
		return out, err
	}
	var err error
	if out.Streams, err = s.StreamCount(ctx, id); err != nil {
		return out, err
	}
	if out.Names, err = s.names(ctx, id.ID, true); err != nil {
		return out, err
	}
	ids := make([]cairn.ID, len(out.Names))
	for i, n := range out.Names {
		ids[i] = n.Ref.ID
	}
	given, err := s.tiesOf(ctx, cairn.Home, "target", ids)
	if err != nil {
		return out, err
	}
	for _, t := range given {
		n := account.Name{Ref: t.Subject, Tie: &t}
		stream := cairn.StreamID{ID: t.Subject.ID}
		if t.Subject.What != cairn.AStream {
			stream = cairn.PersonID{ID: t.Subject.ID}.Stream()
		}
		if n.Events, n.Last, err = s.volume(ctx, stream); err != nil {
			return out, err
		}
		out.Given = append(out.Given, n)
	}
	return out, s.family(ctx, scope, &out)
}

// names returns the ids that a root has, its own first.
func (s *Store) names(ctx context.Context, root cairn.ID, accounts bool) ([]account.Name, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* tray.names */
		select id, what, space, key, source, first from identity where root = $1
		order by case when id = $1 then 0 else 1 end, first, id limit 200`, root)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []account.Name
	var ids []cairn.ID
	for rows.Next() {
		var n account.Name
		var first int64
		if err := rows.Scan(&n.Ref.ID, &n.Ref.What, &n.Ref.Space, &n.Ref.Key, &n.Source, &first); err != nil {
			return nil, err
		}
		n.First = cairn.FromMicros(first)
		out, ids = append(out, n), append(ids, n.Ref.ID)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close()
	ties, err := s.tiesOf(ctx, cairn.Into, "subject", ids)
	if err != nil {
		return nil, err
	}
	for i := range out {
		n := &out[i]
		for _, t := range ties {
			if t.Subject.ID == n.Ref.ID {
				n.Tie = &t
			}
		}
		stream := cairn.PersonID{ID: n.Ref.ID}.Stream()
		if accounts {
			stream = cairn.AccountID{ID: n.Ref.ID}.Stream()
		}
		if n.Events, n.Last, err = s.volume(ctx, stream); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mostKin bounds how far up and how wide a family is shown.
const mostKin = 200

const kinColumns = `a.id, ` + shownName + `, coalesce(v.known, 0), coalesce(v.level, 0), coalesce(v.way, 'unknown')`

func scanKin(rows *sql.Rows) ([]account.Kin, error) {
	defer rows.Close()
	var out []account.Kin
	for rows.Next() {
		var k account.Kin
		if err := rows.Scan(&k.ID, &k.Name, &k.Known, &k.Level, &k.Way); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// Kinship returns an account and its parents upwards, until there is none or
// one comes again; see [account.IdentityStore].
func (s *Store) Kinship(ctx context.Context, id cairn.AccountID) ([]account.Kin, error) {
	var out []account.Kin
	for len(out) < mostKin && !id.IsZero() {
		rows, err := s.db.QueryContext(ctx, `
			/* tray.Kinship */
			select `+kinColumns+` from account a left join vector v on v.account = a.id where a.id = $1`, id)
		if err != nil {
			return nil, err
		}
		one, err := scanKin(rows)
		if err != nil || len(one) == 0 {
			return out, err
		}
		again := slices.ContainsFunc(out, func(k account.Kin) bool { return k.ID == id })
		out = append(out, one[0])
		if again {
			return out, nil
		}
		var parent cairn.AccountID
		err = s.db.QueryRowContext(ctx, `
			/* tray.Kinship */
			select i.holder from account a join identity i on i.id = a.parent where a.id = $1`, id).Scan(&parent)
		if errors.Is(err, sql.ErrNoRows) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		id = parent
	}
	return out, nil
}

// family fills in the parents and the children of an account.
func (s *Store) family(ctx context.Context, scope cairn.Scope, k *account.Known) error {
	chain, err := s.Kinship(ctx, k.Account)
	if err != nil {
		return err
	}
	if n := len(chain); n > 1 && slices.ContainsFunc(chain[:n-1], func(c account.Kin) bool { return c.ID == chain[n-1].ID }) {
		var names []string
		for _, c := range chain {
			names = append(names, c.Name)
		}
		k.Circle = strings.Join(names, " → ")
	} else if n > 1 {
		k.Parents = chain[1:]
	}
	records, err := s.Records(ctx, scope, k.Account, cairn.OfAccount, time.Time{})
	if err != nil {
		return err
	}
	for _, r := range records {
		k.Parent = r.Fields["parent"]
	}
	rows, err := s.db.QueryContext(ctx, `
		/* tray.family */
		select `+kinColumns+` from account a left join vector v on v.account = a.id
		where a.parent in (select id from identity where holder = $1) and a.id <> $1
		order by lower(a.name), a.id limit $2`, k.Account, mostKin)
	if err != nil {
		return err
	}
	k.Children, err = scanKin(rows)
	return err
}

// Somebody returns a person with all ids and places; see [account.IdentityStore].
func (s *Store) Somebody(ctx context.Context, scope cairn.Scope, id cairn.PersonID) (account.Somebody, error) {
	var out account.Somebody
	root, err := s.Root(ctx, id.ID)
	if err != nil {
		return out, err
	}
	if out.Person, err = s.Person(ctx, cairn.PersonID{ID: root}); err != nil {
		return out, err
	}
	if out.Names, err = s.names(ctx, root, false); err != nil {
		return out, err
	}
	if len(out.Names) == 0 { // nothing was ever said about who this is
		n := account.Name{Ref: cairn.Ref{What: cairn.APerson, ID: root}}
		if n.Events, n.Last, err = s.volume(ctx, cairn.PersonID{ID: root}.Stream()); err != nil {
			return out, err
		}
		out.Names = []account.Name{n}
	}
	ids := []cairn.ID{root}
	for _, n := range out.Names {
		if n.Ref.ID != root {
			ids = append(ids, n.Ref.ID)
		}
	}
	homes, err := s.tiesOf(ctx, cairn.Home, "subject", ids)
	if err != nil {
		return out, err
	}
	if len(homes) > 0 {
		out.Home = &homes[0]
	}
	if err := s.places(ctx, scope, root, ids, &out); err != nil {
		return out, err
	}
	rows, err := s.db.QueryContext(ctx, `
		/* tray.Somebody */
		select id from stream where person = $1 and account is null and kind <> 'said'`, root)
	if err != nil {
		return out, err
	}
	loose, err := scanIDs(rows)
	if err != nil {
		return out, err
	}
	streams := make([]cairn.StreamID, len(loose))
	for i, id := range loose {
		streams[i] = cairn.StreamID{ID: id}
	}
	out.Loose, _, err = s.volume(ctx, streams...)
	if !scope.All && len(out.Places) == 0 {
		return account.Somebody{}, cairn.Errorf(cairn.NotFound, "Nobody is known by this id.")
	}
	return out, err
}

func (s *Store) places(ctx context.Context, scope cairn.Scope, root cairn.ID, ids []cairn.ID, out *account.Somebody) error {
	var st statement
	st.add(`
		/* tray.places */
		select a.id, ` + shownName + `, m.source, m.said, m.first, m.at from member m
		join identity i on i.id = m.account join account a on a.id = i.holder where `)
	in(&st, "m.person", ids)
	st.add(` and `)
	st.within(scope, "a.id")
	st.add(` union all
		select a.id, `+shownName+`, '', 2, s.first, s.first from stream s join account a on a.id = s.account where s.person = ? and s.kind in ('person', 'visitor') and `, root)
	st.within(scope, "a.id")
	st.add(` order by 4, 5`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	by := map[cairn.AccountID]*account.Place{}
	for rows.Next() {
		var p account.Place
		var source string
		var said, first, last int64
		if err := rows.Scan(&p.Account, &p.Name, &source, &said, &first, &last); err != nil {
			return err
		}
		q := by[p.Account]
		if q == nil {
			p.First, p.Last = cairn.FromMicros(first), cairn.FromMicros(last)
			q = &p
			by[p.Account] = q
		}
		if t := cairn.FromMicros(first); t.Before(q.First) {
			q.First = t
		}
		if t := cairn.FromMicros(last); t.After(q.Last) {
			q.Last = t
		}
		switch {
		case said == 2:
			q.Home = true
		case said == 1 && !slices.Contains(q.Sources, source):
			q.Sources = append(q.Sources, source)
		}
	}
	for _, p := range by {
		slices.Sort(p.Sources)
		out.Places = append(out.Places, *p)
	}
	slices.SortFunc(out.Places, func(a, b account.Place) int {
		return strings.Compare(a.Name+a.Account.String(), b.Name+b.Account.String())
	})
	return rows.Err()
}

// waits selects what nobody has said whose it is, of stream s: ids that are
// another's name wait with it.
const waits = ` s.account is null and (s.kind <> 'person' or s.born = s.person)
	and (s.kind <> 'visitor' or s.born = s.person)
	and (s.kind <> 'account' or exists (select 1 from identity i where i.id = s.born and i.root = i.id))`

// trayKinds are what waits for somebody, in the order in which it is shown.
var trayKinds = []string{"account", "person", "record", "visitor"}

// WaitingCount returns how many wait; see [account.IdentityStore].
func (s *Store) WaitingCount(ctx context.Context, scope cairn.Scope) (int, error) {
	counts, err := s.trayCounts(ctx, scope, false, trayKinds[:3])
	return account.Tray{Counts: counts}.Open(), err
}

func (s *Store) trayCounts(ctx context.Context, scope cairn.Scope, aside bool, kinds []string) (map[string]int, error) {
	out := map[string]int{}
	if !scope.All {
		return out, nil
	}
	for _, kind := range kinds {
		var n int
		if err := s.db.QueryRowContext(ctx, `
			/* tray.counts */
			select count(*) from (select 1 from stream s where s.kind = $1 and s.aside = $2 and `+waits+` limit $3) x`,
			kind, one(aside), account.MostCounted).Scan(&n); err != nil {
			return nil, err
		}
		out[kind] = n
	}
	return out, nil
}

// A trayPlace is the last row of a page of the tray.
type trayPlace struct {
	First int64          `json:"f"`
	ID    cairn.StreamID `json:"i"`
}

// Tray returns a page of what is unclaimed; see [account.IdentityStore].
func (s *Store) Tray(ctx context.Context, scope cairn.Scope, q account.TrayQuery) (account.Tray, error) {
	var out account.Tray
	var err error
	if out.Counts, err = s.trayCounts(ctx, scope, q.Aside, trayKinds); err != nil || !scope.All {
		return out, err
	}
	kinds := trayKinds[:3]
	if q.What != "" {
		if !slices.Contains(trayKinds, q.What) {
			return out, cairn.Errorf(cairn.Invalid, "What waits is one of %s.", strings.Join(trayKinds, ", ")).At("kind")
		}
		kinds = []string{q.What}
	}
	most := limit(q.Limit, 50, 200)
	var st statement
	st.add(`
		/* tray.Tray */
		select s.id, s.born, s.kind, s.source, s.first from stream s where s.aside = ? and `+waits+` and `, one(q.Aside))
	in(&st, "s.kind", kinds)
	if q.Search != "" {
		like := "%" + plainPattern.Replace(strings.ToLower(q.Search)) + "%"
		st.add(` and (s.born in (select id from identity where root = id and holder is null and lower(key) like ? escape '\')
			or s.born in (select id from record where named is null and lower(key) like ? escape '\')`, like, like)
		for i, w := range searched(q.Search) {
			if i == 0 {
				st.add(` or s.born in (select id from token where word >= ? and word < ? and what = 'person')`, []byte(w), []byte(w+endOfWords))
			}
		}
		st.add(`)`)
	}
	if q.Cursor != "" {
		var p trayPlace
		if err := decodeCursor(q.Cursor, &p); err != nil {
			return out, err
		}
		st.add(` and (s.first < ? or s.first = ? and s.id > ?)`, p.First, p.First, p.ID)
	}
	st.add(` order by s.first desc, s.id limit ?`, most+1)
	found, last, err := s.scanTray(ctx, &st, most)
	if err != nil {
		return out, err
	}
	if last != nil {
		out.Next = encodeCursor(*last)
	}
	for i := range found {
		if err := s.fillWaiting(ctx, &found[i], q.Aside); err != nil {
			return out, err
		}
	}
	out.Waiting = found
	return out, nil
}

func (s *Store) scanTray(ctx context.Context, st *statement, most int) ([]account.Waiting, *trayPlace, error) {
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var out []account.Waiting
	var p trayPlace
	for rows.Next() {
		var w account.Waiting
		var stream cairn.StreamID
		var born cairn.ID
		var first int64
		if err := rows.Scan(&stream, &born, &w.Kind, &w.Source, &first); err != nil {
			return nil, nil, err
		}
		if len(out) == most {
			return out, &p, rows.Err()
		}
		w.Ref = cairn.Ref{What: cairn.What(w.Kind), ID: born}
		if w.Kind == "record" {
			w.Ref = cairn.Ref{What: cairn.AStream, ID: stream.ID}
			w.Facts = map[string]string{"": born.String()} // until it is filled in
		}
		w.First, p = cairn.FromMicros(first), trayPlace{first, stream}
		out = append(out, w)
	}
	return out, nil, rows.Err()
}

// fillWaiting adds what is known of something that waits, and whose it may be.
func (s *Store) fillWaiting(ctx context.Context, w *account.Waiting, aside bool) error {
	born, streams := w.Ref.ID, []cairn.StreamID{}
	switch w.Kind {
	case "record":
		streams = append(streams, cairn.StreamID{ID: w.Ref.ID})
		born, _ = cairn.ParseID(w.Facts[""])
		delete(w.Facts, "")
	case "account":
		streams = append(streams, cairn.AccountID{ID: born}.Stream())
		ref, err := s.Named(ctx, born)
		if err != nil {
			return err
		}
		w.Ref = ref
	default:
		rows, err := s.db.QueryContext(ctx, `
			/* tray.fillWaiting */
			select id from stream where person = $1`, born)
		if err != nil {
			return err
		}
		ids, err := scanIDs(rows)
		if err != nil {
			return err
		}
		for _, id := range ids {
			streams = append(streams, cairn.StreamID{ID: id})
		}
	}
	var err error
	if w.Events, w.Last, err = s.volume(ctx, streams...); err != nil {
		return err
	}
	if err := s.describe(ctx, w, born); err != nil {
		return err
	}
	if aside {
		ties, err := s.tiesOf(ctx, cairn.Aside, "subject", []cairn.ID{w.Ref.ID})
		if err != nil {
			return err
		}
		if len(ties) > 0 {
			w.Aside = &ties[0]
		}
	}
	if w.Ref.What != cairn.AnAccount && w.Ref.What != cairn.APerson {
		return nil
	}
	f, err := s.Chances(ctx, w.Ref.What, w.Ref.ID)
	w.Chance = f.Accounts
	return err
}

// describe adds a few plain facts, and what somebody is called.
func (s *Store) describe(ctx context.Context, w *account.Waiting, born cairn.ID) error {
	if w.Kind == "person" {
		p, err := s.Person(ctx, cairn.PersonID{ID: born})
		if err != nil && cairn.KindOf(err) != cairn.NotFound {
			return err
		}
		w.Name = p.Name
		w.Facts = map[string]string{}
		for name, text := range map[string]string{"id": p.Key, "e-mail": p.Mail, "title": p.Title} {
			if text != "" {
				w.Facts[name] = text
			}
		}
		return nil
	}
	var doc, kind, key string
	err := s.db.QueryRowContext(ctx, `
		/* tray.describe */
		select doc, kind, key from record where id = $1`, born).Scan(&doc, &kind, &key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	r := cairn.Record{}
	if err := json.Unmarshal([]byte(doc), &r.Fields); err != nil {
		return err
	}
	w.Name = r.Text("name")
	w.Facts = map[string]string{}
	if w.Kind == "record" {
		w.Facts["kind"], w.Facts["id"] = kind, key
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		if text := r.Text(name); text != "" && name != "name" && len(w.Facts) < 5 {
			w.Facts[name] = text
		}
	}
	return nil
}

// Compare fills in what merging would move; see [account.IdentityStore].
func (s *Store) Compare(ctx context.Context, scope cairn.Scope, p *account.Preview) error {
	kind := cairn.OfPerson
	if p.Into.What == cairn.AnAccount {
		kind = cairn.OfAccount
	}
	if err := s.compareCounts(ctx, kind, p); err != nil {
		return err
	}
	from, into := cairn.RecordID{ID: p.From.ID}, cairn.RecordID{ID: p.Into.ID}
	facts, boxes, err := s.factsUntil(ctx, []cairn.Record{{ID: from}, {ID: into}}, s.farAway())
	if err != nil {
		return err
	}
	choose := func(facts []cairn.Fact) map[string]cairn.Said {
		fields := s.Settings().Precedence.Choose(facts, time.Time{})
		for name, said := range fields {
			if box, ok := boxes[string(said.Value)]; ok {
				said.Value, err = s.open(ctx, box)
				fields[name] = said
			}
		}
		return fields
	}
	a, b, both := choose(facts[from]), choose(facts[into]), choose(append(slices.Clone(facts[from]), facts[into]...))
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(both)) {
		x, inA := a[name]
		y, inB := b[name]
		if inA && inB && string(x.Value) != string(y.Value) && x.Value != nil && y.Value != nil {
			p.Clashes = append(p.Clashes, account.Clash{Field: name, From: x, Into: y, Then: both[name]})
		}
	}
	p.FromName, p.IntoName = nameIn(a, p.From), nameIn(b, p.Into)
	return nil
}

// farAway is later than any fact.
func (s *Store) farAway() time.Time { return time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }

func nameIn(fields map[string]cairn.Said, r cairn.Ref) string {
	rec := cairn.Record{Fields: fields}
	for _, f := range []string{"name", "domain", "email"} {
		if t := rec.Text(f); t != "" {
			return t
		}
	}
	return r.Key
}

func (s *Store) compareCounts(ctx context.Context, kind cairn.EventKind, p *account.Preview) error {
	if kind == cairn.OfPerson {
		return s.db.QueryRowContext(ctx, `
			/* tray.compareCounts */
			select (select count(*) from stream where person = $1), 1,
				(select count(*) from record where person = $1 and kind <> 'person' and kind <> 'account'), 0`, p.From.ID).Scan(&p.Streams, &p.People, &p.Records, &p.Tasks)
	}
	// What waits with an account that waits is nobody's yet.
	if err := s.db.QueryRowContext(ctx, `
		/* tray.compareCounts */
		select
			(select count(*) from stream where account = $1 and kind <> 'said')
				+ (select count(*) from stream where account is null and kind = 'account' and born in (select id from identity where root = $1)),
			(select count(*) from record where account = $1 and kind not in ('account', 'person'))
				+ (select count(*) from record where account is null and kind not in ('account', 'person') and named in (select id from identity where root = $1)),
			(select count(*) from record where account = $1 and kind = 'task' and state in ('open', 'snoozed')),
			(select count(distinct coalesce(i.root, m.person)) from member m left join identity i on i.id = m.person
				where m.account in (select id from identity where root = $1 and holder is null))`, p.From.ID).Scan(&p.Streams, &p.Records, &p.Tasks, &p.People); err != nil || p.People > 0 {
		return err
	}
	people, err := s.People(ctx, cairn.Everything, cairn.AccountID{ID: p.From.ID})
	p.People = len(people)
	return err
}
