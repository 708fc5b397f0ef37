package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"cairn"
	"cairn/internal/payment"
)

// Stated calls f with what was said of some fields of each record of a kind,
// account by account; see [payment.Store]. What is personal is left out. What
// was said of an account under the ids that were merged into it belongs to it.
func (s *Store) Stated(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, fields []string, f func(payment.Stated) error) error {
	if !kind.IsRecord() {
		return fmt.Errorf("%q is no kind of record", kind)
	}
	if scope.All {
		return s.stated(ctx, scope, kind, fields, f)
	}
	for ids := scope.Accounts; len(ids) > 0; {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		if err := s.stated(ctx, cairn.Scope{Accounts: some}, kind, fields, f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) stated(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, fields []string, f func(payment.Stated) error) error {
	account, named := `r.account`, `fact f on f.record = r.id`
	if kind == cairn.OfAccount {
		account, named = `r.id`, `identity i on i.root = r.id join fact f on f.record = i.id`
	}
	var st statement
	st.add(`
		/* payment.Stated */
		select ` + account + `, r.id, r.key, f.field, f.source, f.at, f.seen, f.event, f.value
		from record r join ` + named + `
		where r.kind = '` + string(kind) + `' and ` + account + ` is not null and f.sealed is null and `)
	if len(fields) > 0 {
		in(&st, "f.field", fields)
		st.add(` and `)
	}
	st.within(scope, account)
	st.add(` order by ` + account + `, r.id`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	return eachStated(rows, kind, f)
}

// eachStated calls f with each record of the rows, which come record by record.
func eachStated(rows *sql.Rows, kind cairn.EventKind, f func(payment.Stated) error) error {
	now := payment.Stated{Kind: kind}
	for rows.Next() {
		next := payment.Stated{Kind: kind}
		x := cairn.Fact{Kind: kind}
		var at, seen int64
		var value sql.NullString
		if err := rows.Scan(&next.Account, &next.Record, &next.Key, &x.Field, &x.Source, &at, &seen, &x.Event, &value); err != nil {
			return err
		}
		if next.Record != now.Record {
			if err := flushStated(now, f); err != nil {
				return err
			}
			next.Facts = now.Facts[:0]
			now = next
		}
		x.Record, x.At, x.Seen = now.Record, cairn.FromMicros(at), cairn.FromMicros(seen)
		if value.String != "" {
			x.Value = json.RawMessage(value.String)
		}
		now.Facts = append(now.Facts, x)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	return flushStated(now, f)
}

func flushStated(x payment.Stated, f func(payment.Stated) error) error {
	if len(x.Facts) == 0 {
		return nil
	}
	return f(x)
}

// AccountsByID returns those of the accounts that the scope sees, as a list
// shows them.
func (s *Store) AccountsByID(ctx context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	out := make(map[cairn.AccountID]cairn.Account, len(ids))
	for len(ids) > 0 {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		var st statement
		st.add(`
			/* payment.AccountsByID */
			select` + accountColumns + ` from account a left join vector v on v.account = a.id where `)
		st.within(scope, "a.id")
		st.add(` and `)
		in(&st, "a.id", some)
		rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
		if err != nil {
			return nil, err
		}
		if err := scanAccounts(rows, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}
