package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
)

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
		/* identity_known.names */
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
			/* identity_known.Kinship */
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
			/* identity_known.Kinship */
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
		/* identity_known.family */
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
		/* identity_known.Somebody */
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
		/* identity_known.places */
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
