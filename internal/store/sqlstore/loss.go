package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"cairn"
)

// Words calls f with the facts about fields of each record of a kind that
// belongs to an account, account by account, with what is personal opened; see
// [outcome.LossStore].
func (s *Store) Words(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, fields []string, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error {
	if !kind.IsRecord() {
		return fmt.Errorf("%q is no kind of record", kind)
	}
	var st statement
	st.add(`
		/* loss.Words */
		select r.account, r.id, f.field, f.source, f.at, f.seen, f.event, f.value, f.sealed
		from record r join fact f on f.record = r.id
		where r.kind = '` + string(kind) + `' and r.account is not null and `)
	st.within(scope, "r.account")
	if len(fields) > 0 {
		st.add(` and `)
		in(&st, "f.field", fields)
	}
	st.add(` order by r.account, r.id`)
	all, err := s.words(ctx, &st, kind)
	if err != nil {
		return err
	}
	for len(all) > 0 {
		n := 1
		for n < len(all) && all[n].fact.Record == all[0].fact.Record {
			n++
		}
		facts, err := s.openWords(ctx, all[:n])
		if err != nil {
			return err
		}
		if len(facts) > 0 {
			if err := f(all[0].account, all[0].fact.Record, facts); err != nil {
				return err
			}
		}
		all = all[n:]
	}
	return nil
}

// A saidWord is a fact as it is stored.
type saidWord struct {
	account cairn.AccountID
	fact    cairn.Fact
	sealed  []byte
}

// words reads all rows, so that keys can be read afterwards.
func (s *Store) words(ctx context.Context, st *statement, kind cairn.EventKind) ([]saidWord, error) {
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []saidWord
	for rows.Next() {
		w := saidWord{fact: cairn.Fact{Kind: kind}}
		var at, seen int64
		var value sql.NullString
		if err := rows.Scan(&w.account, &w.fact.Record, &w.fact.Field, &w.fact.Source, &at, &seen, &w.fact.Event, &value, &w.sealed); err != nil {
			return nil, err
		}
		w.fact.At, w.fact.Seen = cairn.FromMicros(at), cairn.FromMicros(seen)
		if value.String != "" {
			w.fact.Value = json.RawMessage(value.String)
		}
		out = append(out, w)
	}
	return out, rows.Err()
}

// openWords returns facts with what is personal opened, and without those that
// nobody can open any more.
func (s *Store) openWords(ctx context.Context, words []saidWord) ([]cairn.Fact, error) {
	out := make([]cairn.Fact, 0, len(words))
	for _, w := range words {
		if w.sealed != nil {
			plain, err := s.open(ctx, w.sealed)
			if err != nil {
				return nil, err
			}
			if plain == nil {
				continue
			}
			w.fact.Value, w.fact.Sealed = plain, true
		}
		out = append(out, w.fact)
	}
	return out, nil
}
