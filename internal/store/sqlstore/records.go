package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"strconv"
	"time"

	"cairn"
)

// recordColumns are what scanRecord reads, of record r.
const recordColumns = `r.id, r.kind, r.key, r.account, r.person, r.first, r.last, r.doc, r.sealed`

// scanRecord reads recordColumns and what follows them. Sealed fields stand
// in it as they are stored: see openRecord.
func scanRecord(rows interface{ Scan(...any) error }, more ...any) (cairn.Record, map[string]cairn.Said, error) {
	var r cairn.Record
	var first, last int64
	var doc string
	var box []byte
	into := append([]any{&r.ID, &r.Kind, &r.Key, &r.Account, &r.Person, &first, &last, &doc, &box}, more...)
	if err := rows.Scan(into...); err != nil {
		return r, nil, err
	}
	r.First, r.Last = cairn.FromMicros(first), cairn.FromMicros(last)
	r.Fields = map[string]cairn.Said{}
	if err := json.Unmarshal([]byte(doc), &r.Fields); err != nil {
		return r, nil, err
	}
	var sealed map[string]cairn.Said
	if box == nil {
		return r, nil, nil
	}
	return r, sealed, json.Unmarshal(box, &sealed)
}

// openRecord adds the sealed fields whose keys still exist.
func (s *Store) openRecord(ctx context.Context, r *cairn.Record, sealed map[string]cairn.Said) error {
	for name, said := range sealed {
		var box []byte
		if err := json.Unmarshal(said.Value, &box); err != nil {
			return err
		}
		plain, err := s.open(ctx, box)
		if err != nil {
			return err
		}
		if plain != nil {
			said.Value = plain
			r.Fields[name] = said
		}
	}
	return nil
}

// ofAccount adds the condition that record r is one of the account's. People
// may belong to several accounts, other records to one.
func (q *statement) ofAccount(scope cairn.Scope, id cairn.AccountID, k cairn.EventKind) {
	switch k {
	case cairn.OfAccount:
		q.add(`r.id = ?`, id)
	case cairn.OfPerson: // no kind, or SQLite goes through all records of it
		q.add(`r.id in (`+peopleAt+`)`, id, id)
	default:
		q.add(`r.account = ? and r.kind = ?`, id, string(k))
	}
	if !scope.Sees(id) {
		q.add(` and 1 = 0`)
	}
}

// Records returns the account's records of one kind; see [account.Store].
func (s *Store) Records(ctx context.Context, scope cairn.Scope, id cairn.AccountID, k cairn.EventKind, t time.Time) ([]cairn.Record, error) {
	var st statement
	st.add(`
		/* records.Records */
		select ` + recordColumns + ` from record r where `)
	st.ofAccount(scope, id, k)
	if !t.IsZero() {
		st.add(` and r.first <= ?`, cairn.Micros(t))
	}
	st.add(` order by r.last desc, r.id`)
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
	if !t.IsZero() {
		return s.recordsAt(ctx, out, t)
	}
	for i := range out {
		if err := s.openRecord(ctx, &out[i], sealed[i]); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// recordsAt returns how the records stood at t, out of all that was said of
// them until then, newest first.
func (s *Store) recordsAt(ctx context.Context, records []cairn.Record, t time.Time) ([]cairn.Record, error) {
	var out []cairn.Record
	for len(records) > 0 {
		some := records[:min(len(records), atOnce)]
		records = records[len(some):]
		facts, boxes, err := s.factsUntil(ctx, some, t)
		if err != nil {
			return nil, err
		}
		for _, r := range some {
			if r, err = s.recordAt(ctx, r, facts[r.ID], boxes, t); err != nil {
				return nil, err
			}
			if !r.First.IsZero() {
				out = append(out, r)
			}
		}
	}
	newestFirst(out)
	return out, nil
}

// factsUntil returns the facts about records with At not after t. What is
// sealed is in boxes, under the text that stands in its place in the facts.
func (s *Store) factsUntil(ctx context.Context, records []cairn.Record, t time.Time) (map[cairn.RecordID][]cairn.Fact, map[string][]byte, error) {
	ids := make([]cairn.RecordID, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	names, err := s.namesOf(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	for name := range names {
		ids = append(ids, name)
	}
	var st statement
	st.add(`
		/* records.factsUntil */
		select record, field, source, at, seen, event, value, sealed from fact where at <= ? and `, cairn.Micros(t))
	in(&st, "record", ids)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	out, boxes := map[cairn.RecordID][]cairn.Fact{}, map[string][]byte{}
	for rows.Next() {
		var f cairn.Fact
		var at, seen int64
		var value sql.NullString
		var box []byte
		if err := rows.Scan(&f.Record, &f.Field, &f.Source, &at, &seen, &f.Event, &value, &box); err != nil {
			return nil, nil, err
		}
		f.At, f.Seen = cairn.FromMicros(at), cairn.FromMicros(seen)
		switch {
		case box != nil:
			f.Sealed = true
			f.Value = json.RawMessage("\x00" + strconv.Itoa(len(boxes))) // no JSON begins so
			boxes[string(f.Value)] = box
		case value.String != "":
			f.Value = json.RawMessage(value.String)
		}
		if root, ok := names[f.Record]; ok {
			f.Record = root
		}
		out[f.Record] = append(out[f.Record], f)
	}
	return out, boxes, rows.Err()
}

// namesOf returns the other ids under which accounts and people among ids are
// known, with who each is.
func (s *Store) namesOf(ctx context.Context, ids []cairn.RecordID) (map[cairn.RecordID]cairn.RecordID, error) {
	var st statement
	st.add(`
		/* records.namesOf */
		select id, root from identity where id <> root and `)
	in(&st, "root", ids)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[cairn.RecordID]cairn.RecordID{}
	for rows.Next() {
		var id, root cairn.RecordID
		if err := rows.Scan(&id, &root); err != nil {
			return nil, err
		}
		out[id] = root
	}
	return out, rows.Err()
}

func (s *Store) recordAt(ctx context.Context, r cairn.Record, facts []cairn.Fact, boxes map[string][]byte, t time.Time) (cairn.Record, error) {
	r.Fields = s.Settings().Precedence.Choose(facts, t)
	r.First, r.Last = time.Time{}, time.Time{}
	for _, f := range facts {
		if r.First.IsZero() || f.At.Before(r.First) {
			r.First = f.At
		}
		if f.At.After(r.Last) {
			r.Last = f.At
		}
	}
	for name, said := range r.Fields {
		box, ok := boxes[string(said.Value)]
		if !ok {
			continue
		}
		plain, err := s.open(ctx, box)
		if err != nil {
			return r, err
		}
		if said.Value = plain; plain == nil {
			delete(r.Fields, name)
			continue
		}
		r.Fields[name] = said
	}
	return r, nil
}
