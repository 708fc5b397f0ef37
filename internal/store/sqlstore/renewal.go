package sqlstore

import (
	"context"
	"fmt"

	"cairn"
)

// RecordKeys returns how sources name the records of a kind; see
// [outcome.Store].
func (s *Store) RecordKeys(ctx context.Context, scope cairn.Scope, kind cairn.EventKind) (map[cairn.RecordID]string, error) {
	if !kind.IsRecord() {
		return nil, fmt.Errorf("%q is no kind of record", kind)
	}
	var st statement
	st.add(`
		/* renewal.RecordKeys */
		select r.id, r.key from record r where r.kind = '` + string(kind) + `' and r.account is not null and r.key <> '' and `)
	st.within(scope, "r.account")
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[cairn.RecordID]string{}
	for rows.Next() {
		var id cairn.RecordID
		var key string
		if err := rows.Scan(&id, &key); err != nil {
			return nil, err
		}
		out[id] = key
	}
	return out, rows.Err()
}

// Standing returns records as they stand, with what is personal opened; see
// [outcome.Store].
func (s *Store) Standing(ctx context.Context, scope cairn.Scope, ids []cairn.RecordID) ([]cairn.Record, error) {
	var out []cairn.Record
	for len(ids) > 0 {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		records, sealed, err := s.standing(ctx, scope, some)
		if err != nil {
			return nil, err
		}
		for i := range records {
			if err := s.openRecord(ctx, &records[i], sealed[i]); err != nil {
				return nil, err
			}
		}
		out = append(out, records...)
	}
	return out, nil
}

func (s *Store) standing(ctx context.Context, scope cairn.Scope, ids []cairn.RecordID) ([]cairn.Record, []map[string]cairn.Said, error) {
	var st statement
	st.add(`
		/* renewal.Standing */
		select ` + recordColumns + ` from record r where r.account is not null and `)
	st.within(scope, "r.account")
	st.add(` and `)
	in(&st, "r.id", ids)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	var records []cairn.Record
	var sealed []map[string]cairn.Said
	for rows.Next() {
		r, box, err := scanRecord(rows)
		if err != nil {
			return nil, nil, err
		}
		records, sealed = append(records, r), append(sealed, box)
	}
	return records, sealed, rows.Err()
}

// Several returns accounts by their ids, with what was last measured of them;
// see [outcome.Store].
func (s *Store) Several(ctx context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	var seen []cairn.Record
	for _, id := range ids {
		if scope.Sees(id) {
			seen = append(seen, cairn.Record{Account: id})
		}
	}
	return s.accountsOf(ctx, seen)
}
