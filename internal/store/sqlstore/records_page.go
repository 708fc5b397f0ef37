package sqlstore

import (
	"context"
	"fmt"

	"cairn"
	"cairn/internal/account"
)

// RecordPage returns records of one kind, in the order of their accounts; see
// [account.RecordStore].
func (s *Store) RecordPage(ctx context.Context, scope cairn.Scope, q account.RecordsQuery) ([]cairn.Record, error) {
	if !q.Kind.IsRecord() {
		return nil, fmt.Errorf("%q is no kind of record", q.Kind)
	}
	var st statement
	st.add(`
		/* records.RecordPage */
		select ` + recordColumns + ` from record r where r.kind = '` + string(q.Kind) + `' and r.account is not null and `)
	st.within(scope, "r.account")
	if !q.Account.IsZero() {
		st.add(` and r.account = ?`, q.Account)
	}
	if len(q.IDs) > 0 {
		st.add(` and `)
		in(&st, "r.id", q.IDs)
	}
	if q.After != (account.RecordPlace{}) {
		st.add(` and (r.account > ? or r.account = ? and r.id > ?)`, q.After.Account, q.After.Account, q.After.Record)
	}
	st.add(` order by r.account, r.id limit ?`, q.Limit)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []cairn.Record
	var sealed []map[string]cairn.Said
	for rows.Next() {
		r, box, err := scanRecord(rows)
		if err != nil {
			return nil, err
		}
		out, sealed = append(out, r), append(sealed, box)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	rows.Close() // before keys are read, so that one connection is enough
	for i := range out {
		if q.Personal {
			if err := s.openRecord(ctx, &out[i], sealed[i]); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}
