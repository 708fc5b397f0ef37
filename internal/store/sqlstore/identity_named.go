package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/signal"
)

// Named returns how an id is called; see [account.IdentityStore].
func (s *Store) Named(ctx context.Context, id cairn.ID) (cairn.Ref, error) {
	r := cairn.Ref{ID: id}
	err := s.db.QueryRowContext(ctx, `
		/* identity_named.Named */
		select what, space, key from identity where id = $1`, id).Scan(&r.What, &r.Space, &r.Key)
	if !errors.Is(err, sql.ErrNoRows) {
		return r, err
	}
	var person, stream bool
	if err := s.db.QueryRowContext(ctx, `
		/* identity_named.Named */
		select exists (select 1 from person where id = $1), exists (select 1 from stream where id = $1 and kind = 'record')`, id).Scan(&person, &stream); err != nil {
		return r, err
	}
	var visitor bool
	if !person && !stream {
		if err := s.db.QueryRowContext(ctx, `
			/* identity_named.Named */
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
		/* identity_named.Root */
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
		/* identity_named.Tie */
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
		/* identity_named.tiesOf */
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
			/* identity_named.volume */
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
