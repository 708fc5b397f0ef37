package sqlstore

import (
	"context"

	"cairn"
	"cairn/internal/model"
)

// Measured calls f with what was measured of each account of the scope at its
// last turn, in the order of ids.
func (s *Store) Measured(ctx context.Context, scope cairn.Scope, f func(model.Account) error) error {
	if scope.All {
		return s.measured(ctx, scope, f)
	}
	for ids := scope.Accounts; len(ids) > 0; {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		if err := s.measured(ctx, cairn.Scope{Accounts: some}, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) measured(ctx context.Context, scope cairn.Scope, f func(model.Account) error) error {
	var st statement
	st.add(`
		/* model.Measured */
		select a.id, a.key, a.name, a.owner, v.signals from account a join vector v on v.account = a.id where `)
	st.within(scope, "a.id")
	st.add(` order by a.id`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a model.Account
		var packed []byte
		if err := rows.Scan(&a.ID, &a.Key, &a.Name, &a.Owner, &packed); err != nil {
			return err
		}
		if a.Signals, err = unpackSignals(packed); err != nil {
			return err
		}
		if err := f(a); err != nil {
			return err
		}
	}
	return rows.Err()
}
