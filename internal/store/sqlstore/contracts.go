package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"cairn"
	"cairn/internal/revenue"
	"cairn/internal/watch"
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

// whose is the column of a record that says which account it is about.
func whose(kind cairn.EventKind) string {
	if kind == cairn.OfAccount {
		return "id"
	}
	return "account"
}

// Stamps differ for each account of which a record of a kind does.
func (s *Store) Stamps(ctx context.Context, kind cairn.EventKind, some watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	var st statement
	st.add(`
		/* contracts.Stamps */
		select ` + whose(kind) + `, count(*), cast(sum(version) as bigint)`)
	if err := st.between(kind, some); err != nil {
		return nil, err
	}
	st.add(` group by ` + whose(kind))
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[cairn.AccountID]watch.Stamp{}
	for rows.Next() {
		var account cairn.AccountID
		var stamp watch.Stamp
		if err := rows.Scan(&account, &stamp.Records, &stamp.Versions); err != nil {
			return nil, err
		}
		out[account] = stamp
	}
	return out, rows.Err()
}

// between adds where records of a kind are found whose accounts are within a
// span. The kind stands in the text, so that its own index is used.
func (q *statement) between(kind cairn.EventKind, some watch.Span) error {
	if !kind.IsRecord() {
		return fmt.Errorf("%q is no kind of record", kind)
	}
	q.add(` from record where kind = '` + string(kind) + `' and ` + whose(kind) + ` is not null`)
	if !some.From.IsZero() {
		q.add(` and `+whose(kind)+` >= ?`, some.From)
	}
	if !some.To.IsZero() {
		q.add(` and `+whose(kind)+` < ?`, some.To)
	}
	return nil
}

// Fields calls f with what is shown of the fields of each account, without
// what is personal.
func (s *Store) Fields(ctx context.Context, scope cairn.Scope, f func(account cairn.AccountID, fields map[string]cairn.Said)) error {
	var st statement
	st.add(`
		/* contracts.Fields */
		select r.id, r.doc from record r where r.kind = 'account' and `)
	st.within(scope, "r.id")
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.AccountID
		var doc []byte
		if err := rows.Scan(&id, &doc); err != nil {
			return err
		}
		var fields map[string]cairn.Said
		if err := json.Unmarshal(doc, &fields); err != nil {
			return err
		}
		f(id, fields)
	}
	return rows.Err()
}

// AtRisk returns the accounts whose level is low or whose way is falling, as
// last measured.
func (s *Store) AtRisk(ctx context.Context, scope cairn.Scope) (map[cairn.AccountID]revenue.Risk, error) {
	var st statement
	st.add(`
		/* contracts.AtRisk */
		select account, level, way from vector where known = 1 and (level < 40000 or way = 'falling') and `)
	st.within(scope, "account")
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[cairn.AccountID]revenue.Risk{}
	for rows.Next() {
		var id cairn.AccountID
		var r revenue.Risk
		if err := rows.Scan(&id, &r.Level, &r.Way); err != nil {
			return nil, err
		}
		out[id] = r
	}
	return out, rows.Err()
}

// Traits returns what is shown of one field of each account.
func (s *Store) Traits(ctx context.Context, scope cairn.Scope, field string) (map[cairn.AccountID]string, error) {
	out := map[cairn.AccountID]string{}
	return out, s.Fields(ctx, scope, func(id cairn.AccountID, fields map[string]cairn.Said) {
		if text := (cairn.Record{Fields: fields}).Text(field); text != "" {
			out[id] = text
		}
	})
}
