package sqlstore

import (
	"context"

	"cairn"
)

// Measures returns those of the accounts that the scope sees, with the signals
// of their last turn; see [outcome.Opportunities].
func (s *Store) Measures(ctx context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	out := make(map[cairn.AccountID]cairn.Account, len(ids))
	for len(ids) > 0 {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		var st statement
		st.add(`
			/* opportunity.Measures */
			select` + accountColumns + `, coalesce(v.signals, '') from account a left join vector v on v.account = a.id where `)
		st.within(scope, "a.id")
		st.add(` and `)
		in(&st, "a.id", some)
		err := s.eachMeasured(ctx, &st, func(a cairn.Account) error {
			out[a.ID] = a
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// EachCustomer calls f with each customer of the scope that was measured, in
// the order of ids.
func (s *Store) EachCustomer(ctx context.Context, scope cairn.Scope, f func(cairn.Account) error) error {
	var st statement
	st.add(`
		/* opportunity.EachCustomer */
		select`+accountColumns+`, v.signals from account a join vector v on v.account = a.id where a.status = ? and `, string(cairn.Customer))
	st.within(scope, "a.id")
	st.add(` order by a.id`)
	return s.eachMeasured(ctx, &st, f)
}

// eachMeasured calls f with the account of each row, which ends with its signals.
func (s *Store) eachMeasured(ctx context.Context, st *statement, f func(cairn.Account) error) error {
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var packed []byte
		a, err := scanAccount(rows, &packed)
		if err != nil {
			return err
		}
		if len(packed) > 0 {
			if a.Signals, err = unpackSignals(packed); err != nil {
				return err
			}
		}
		if err := f(a); err != nil {
			return err
		}
	}
	return rows.Err()
}
