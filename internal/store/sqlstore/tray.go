package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/account"
)

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
