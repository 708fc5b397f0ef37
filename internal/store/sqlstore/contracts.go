package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"cairn"
	"cairn/internal/revenue"
)

// Facts calls f with the facts about each record of a kind that belongs to an
// account, account by account; see [revenue.Store]. What is personal is left
// out.
func (s *Store) Facts(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error {
	if !kind.IsRecord() {
		return fmt.Errorf("%q is no kind of record", kind)
	}
	var st statement
	st.add(`
		/* contracts.Facts */
		select r.account, r.id, f.field, f.source, f.at, f.seen, f.event, f.value
		from record r join fact f on f.record = r.id
		where r.kind = '` + string(kind) + `' and r.account is not null and f.sealed is null and `)
	st.within(scope, "r.account")
	st.add(` order by r.account, r.id`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var account cairn.AccountID
	var record cairn.RecordID
	var facts []cairn.Fact
	flush := func() error {
		if len(facts) == 0 {
			return nil
		}
		defer func() { facts = facts[:0] }()
		return f(account, record, facts)
	}
	for rows.Next() {
		var a cairn.AccountID
		x := cairn.Fact{Kind: kind}
		var at, seen int64
		var value sql.NullString
		if err := rows.Scan(&a, &x.Record, &x.Field, &x.Source, &at, &seen, &x.Event, &value); err != nil {
			return err
		}
		if x.Record != record {
			if err := flush(); err != nil {
				return err
			}
			account, record = a, x.Record
		}
		x.At, x.Seen = cairn.FromMicros(at), cairn.FromMicros(seen)
		if value.String != "" {
			x.Value = json.RawMessage(value.String)
		}
		facts = append(facts, x)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return flush()
}

// ContractsMark differs whenever a contract does: every change of one raises
// its version.
func (s *Store) ContractsMark(ctx context.Context) (string, error) {
	var n, sum int64
	err := s.db.QueryRowContext(ctx, `
		/* contracts.ContractsMark */
		select count(*), cast(coalesce(sum(version), 0) as bigint) from record where kind = 'contract'`).Scan(&n, &sum)
	return fmt.Sprintf("%d.%d", n, sum), err
}

// ContractStamps differ for each account of which a contract does.
func (s *Store) ContractStamps(ctx context.Context) (map[cairn.AccountID]revenue.Stamp, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* contracts.ContractStamps */
		select account, count(*), cast(sum(version) as bigint) from record where kind = 'contract' and account is not null group by account`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[cairn.AccountID]revenue.Stamp{}
	for rows.Next() {
		var account cairn.AccountID
		var stamp revenue.Stamp
		if err := rows.Scan(&account, &stamp.Contracts, &stamp.Versions); err != nil {
			return nil, err
		}
		out[account] = stamp
	}
	return out, rows.Err()
}

// Traits returns what is shown of one field of each account.
func (s *Store) Traits(ctx context.Context, scope cairn.Scope, field string) (map[cairn.AccountID]string, error) {
	var st statement
	st.add(`
		/* contracts.Traits */
		select r.id, r.doc from record r where r.kind = 'account' and `)
	st.within(scope, "r.id")
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[cairn.AccountID]string{}
	for rows.Next() {
		var id cairn.AccountID
		var doc []byte
		if err := rows.Scan(&id, &doc); err != nil {
			return nil, err
		}
		var fields map[string]cairn.Said
		if err := json.Unmarshal(doc, &fields); err != nil {
			return nil, err
		}
		if text := (cairn.Record{Fields: fields}).Text(field); text != "" {
			out[id] = text
		}
	}
	return out, rows.Err()
}
