package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"cairn"
)

// Holder returns the account that an id stands for now: itself, or the one
// that it was merged into; see [account.Store].
func (s *Store) Holder(ctx context.Context, scope cairn.Scope, id cairn.AccountID) (cairn.AccountID, error) {
	var holder cairn.AccountID
	err := s.db.QueryRowContext(ctx, `
		/* Holder */
		select holder from identity where id = $1 and what = 'account'`, id).Scan(&holder)
	if errors.Is(err, sql.ErrNoRows) {
		return id, errNoAccount
	}
	if err != nil {
		return id, err
	}
	if holder.IsZero() {
		return id, cairn.Errorf(cairn.NotFound, "Nobody has said yet which account this id stands for: it waits among what is unclaimed.")
	}
	return holder, s.sees(ctx, scope, holder)
}

// anyMerged reports whether somebody at an account is known under several ids:
// what beats of the fold count of them cannot be added up without looking.
func (s *Store) anyMerged(ctx context.Context, id cairn.AccountID) (merged bool, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* anyMerged */
		select exists (select 1 from member m join identity i on i.id = m.person
			where m.account in (select id from identity where holder = $1) and i.root <> i.id)`, id).Scan(&merged)
	return merged, err
}

// DumpStanding writes how things stand that follows from the log, one row a
// line: to compare a projection from the start with what was there before.
func (s *Store) DumpStanding(ctx context.Context) (string, error) {
	var b strings.Builder
	for _, q := range []struct{ name, text string }{
		{"stream", `select id, account, person, born, kind, aside from stream where kind <> 'said' order by id`},
		{"identity", `select id, root, holder, what, space, key from identity where what = 'account' or root <> id order by id`},
		{"account", `select id, key, name, domain, owner, status, parent from account order by id`},
		{"record", `select id, kind, case when kind <> 'person' then account end, named, named_at, state, doc from record order by id`},
		{"person", `select id, key, name, mail, title, role from person order by id`},
		{"member", `select account, person, source, at * said, first * said, said from member order by account, person, source`},
		{"handle", `select kind, value, subject, field, source, verified from handle order by kind, value, subject, field`},
		{"token", `select word, what, id from token order by word, what, id`},
	} {
		rows, err := s.db.QueryContext(ctx, `/* DumpStanding */ `+q.text)
		if err != nil {
			return "", err
		}
		if err := dump(&b, q.name, rows); err != nil {
			return "", err
		}
	}
	return b.String(), nil
}

func dump(b *strings.Builder, name string, rows *sql.Rows) error {
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	values, into := make([]any, len(columns)), make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		b.WriteString(name)
		for i, v := range values {
			if bytes, ok := v.([]byte); ok {
				v = fmt.Sprintf("%x", bytes)
			}
			fmt.Fprintf(b, " %s=%v", columns[i], v)
		}
		b.WriteByte('\n')
	}
	return rows.Err()
}
