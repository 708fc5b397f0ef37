package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// Source returns a sender by name; see [ingest.Sources].
func (s *Store) Source(ctx context.Context, name string) (ingest.Source, error) {
	var body string
	err := s.db.QueryRowContext(ctx, `
		/* sources.Source */
		select body from source where name = $1`, name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return ingest.Source{}, cairn.Errorf(cairn.NotFound, "There is no source called %q.", name).At("source")
	}
	if err != nil {
		return ingest.Source{}, err
	}
	var src ingest.Source
	return src, json.Unmarshal([]byte(body), &src)
}

// SaveSource adds or changes a source; see [ingest.Sources].
func (s *Store) SaveSource(ctx context.Context, by cairn.Actor, src ingest.Source, note string, at time.Time) error {
	switch {
	case by.Kind == "":
		return cairn.Errorf(cairn.Forbidden, "Only who is signed in may change a source.")
	}
	if err := src.Check(); err != nil {
		return err
	}
	return s.write(ctx, People, func(tx *Tx) error {
		base := src.Rev
		rev, err := s.revise(ctx, tx, by, "source/"+src.Name, note, at, func(rev int) any { src.Rev = rev; return src })
		if err != nil {
			return err
		}
		if base != 0 && rev != base+1 {
			return cairn.Errorf(cairn.Conflict, "Somebody else has changed the source %s meanwhile. Look at it again and change that.", src.Name).At("rev")
		}
		body, err := json.Marshal(src)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `
			/* sources.SaveSource */
			insert into source (name, rev, body) values ($1, $2, $3)
			on conflict (name) do update set rev = excluded.rev, body = excluded.body`, src.Name, rev, string(body))
		return err
	})
}

// revise adds a revision on top of the newest of a page, in a transaction that
// changes what the page tells of, and returns its number.
func (s *Store) revise(ctx context.Context, tx *Tx, by cairn.Actor, page, note string, at time.Time, body func(rev int) any) (int, error) {
	var rev int
	if err := tx.QueryRowContext(ctx, `
		/* sources.revise */
		select coalesce(max(rev), 0) + 1 from book where page = $1`, page).Scan(&rev); err != nil {
		return 0, err
	}
	by.Mail = "" // an address is personal; the book is not
	actor, err := json.Marshal(by)
	if err != nil {
		return 0, err
	}
	text, err := json.Marshal(body(rev))
	if err != nil {
		return 0, err
	}
	res, err := tx.ExecContext(ctx, `
		/* sources.revise */
		insert into book (page, rev, at, actor, note, body) values ($1, $2, $3, $4, $5, $6)
		on conflict (page, rev) do nothing`, page, rev, cairn.Micros(at), string(actor), note, string(text))
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 {
		err = cairn.Errorf(cairn.Conflict, "Somebody else has changed this at the same moment. Look at it again.")
	}
	return rev, err
}

// base62 returns n random digits and letters, each equally likely.
func base62(n int) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	out := make([]byte, 0, n)
	var b [64]byte
	for {
		rand.Read(b[:]) // never fails; see crypto/rand
		for _, v := range b {
			if len(out) == n {
				return string(out)
			}
			if int(v) < 256-256%len(digits) {
				out = append(out, digits[int(v)%len(digits)])
			}
		}
	}
}

// serial takes n numbers that nobody else gets and returns the last of them.
func serial(ctx context.Context, tx *Tx, name string, n int) (int64, error) {
	var last int64
	err := tx.QueryRowContext(ctx, `
		/* sources.serial */
		insert into serial (name, n) values ($1, $2)
		on conflict (name) do update set n = serial.n + excluded.n returning n`, name, n).Scan(&last)
	return last, err
}

// Arrived adds to the counts of a source and keeps its newest rejects, which
// are sealed; see [ingest.Store].
func (s *Store) Arrived(ctx context.Context, a ingest.Arrival, rejects []ingest.Reject) error {
	fresh := map[cairn.ID]subjectKey{}
	err := s.write(ctx, Door, func(tx *Tx) error {
		clear(fresh)
		if _, err := tx.ExecContext(ctx, `
			/* sources.Arrived */
			insert into arrival (source, hour, accepted, duplicate, late, rejected, last) values ($1, $2, $3, $4, $5, $6, $7)
			`+addArrival,
			a.Source, cairn.Micros(a.Hour.UTC().Truncate(time.Hour)), a.Accepted, a.Duplicate, a.Late, a.Rejected, cairn.Micros(a.Last)); err != nil {
			return err
		}
		return s.keepRejects(ctx, tx, a.Source, rejects, fresh)
	})
	if err != nil {
		return err
	}
	s.keys.putAll(fresh)
	s.ring("page")
	return nil
}

// hoursShown is how far back the Sources page looks.
const hoursShown = 48

// Summaries returns every source with what it sent; see [ingest.Sources].
// Sources belong to no account: only a scope of everything sees them.
func (s *Store) Summaries(ctx context.Context, scope cairn.Scope, now time.Time) ([]ingest.Summary, error) {
	out, err := s.sourcesOf(ctx, scope)
	if err != nil {
		return nil, err
	}
	at := map[string]int{}
	first := now.UTC().Truncate(time.Hour).Add(-(hoursShown - 1) * time.Hour)
	for i := range out {
		name := out[i].Source.Name
		at[name] = i
		out[i].Total.Source = name
		for h := range hoursShown {
			out[i].Hours = append(out[i].Hours, ingest.Arrival{Source: name, Hour: first.Add(time.Duration(h) * time.Hour)})
		}
	}
	if err := s.sumArrivals(ctx, scope, out, at); err != nil {
		return nil, err
	}
	if err := s.hourlyArrivals(ctx, scope, first, out, at); err != nil {
		return nil, err
	}
	open, err := s.Alarms(ctx, scope, "", now)
	if err != nil {
		return nil, err
	}
	for _, a := range open {
		if i, ok := at[a.Source]; ok && a.Ended.IsZero() {
			out[i].Alarms = append(out[i].Alarms, a)
		}
	}
	return out, s.keysOf(ctx, scope, out, at)
}

func (s *Store) sourcesOf(ctx context.Context, scope cairn.Scope) ([]ingest.Summary, error) {
	var st statement
	st.add(`
		/* sources.sourcesOf */
		select body from source where `)
	st.whole(scope)
	st.add(` order by name`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ingest.Summary
	for rows.Next() {
		var body string
		var sum ingest.Summary
		if err := rows.Scan(&body); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(body), &sum.Source); err != nil {
			return nil, err
		}
		out = append(out, sum)
	}
	return out, rows.Err()
}

// scanArrivals hands each row of (source, hour, counts, last) to put.
func scanArrivals(rows *sql.Rows, put func(ingest.Arrival)) error {
	defer rows.Close()
	for rows.Next() {
		var a ingest.Arrival
		var hour, last int64
		if err := rows.Scan(&a.Source, &hour, &a.Accepted, &a.Duplicate, &a.Late, &a.Rejected, &last); err != nil {
			return err
		}
		a.Hour, a.Last = cairn.FromMicros(hour), cairn.FromMicros(last)
		put(a)
	}
	return rows.Err()
}

// sumArrivals sets the totals of all time.
func (s *Store) sumArrivals(ctx context.Context, scope cairn.Scope, out []ingest.Summary, at map[string]int) error {
	var st statement
	st.add(`
		/* sources.sumArrivals */
		select source, 0, cast(sum(accepted) as bigint), cast(sum(duplicate) as bigint), cast(sum(late) as bigint),
			cast(sum(rejected) as bigint), max(last)
		from arrival where `)
	st.whole(scope)
	st.add(` group by source`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	return scanArrivals(rows, func(a ingest.Arrival) {
		if i, ok := at[a.Source]; ok {
			out[i].Total = a
		}
	})
}

// hourlyArrivals fills the hours from first on, which stand there as zeros.
func (s *Store) hourlyArrivals(ctx context.Context, scope cairn.Scope, first time.Time, out []ingest.Summary, at map[string]int) error {
	var st statement
	st.add(`
		/* sources.hourlyArrivals */
		select source, hour, accepted, duplicate, late, rejected, last from arrival where hour >= ? and `, cairn.Micros(first))
	st.whole(scope)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	return scanArrivals(rows, func(a ingest.Arrival) {
		i, ok := at[a.Source]
		if h := int(a.Hour.Sub(first) / time.Hour); ok && h < hoursShown {
			out[i].Hours[h] = a
		}
	})
}

// atOnce is how many ids one statement names.
const atOnce = 500

// Owners returns whom known records belong to; see [ingest.Store]. Accounts
// and people are records too.
func (s *Store) Owners(ctx context.Context, ids []cairn.RecordID) (map[cairn.RecordID]ingest.Owner, error) {
	out := map[cairn.RecordID]ingest.Owner{}
	for len(ids) > 0 {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		if err := s.recordOwners(ctx, some, out); err != nil {
			return nil, err
		}
		if err := s.streamOwners(ctx, some, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// saidOf selects the id of the account, as sent, that makes stream t of a
// person its account's. What is found through a person keeps that id, so that
// it goes where the id goes.
const saidOf = `(
	select m.account from member m join identity n on n.id = m.account
	where m.person = t.born and m.said = 1 and n.holder = t.account order by m.at desc, m.account limit 1)`

func (s *Store) recordOwners(ctx context.Context, ids []cairn.RecordID, out map[cairn.RecordID]ingest.Owner) error {
	var st statement
	st.add(`
		/* sources.recordOwners */
		select r.id, r.kind, r.person, r.stream, i.id, coalesce(i.key, '')
		from record r left join stream t on t.id = r.stream left join identity i on i.id = coalesce(r.named, ` + saidOf + `, t.account)
		where `)
	in(&st, "r.id", ids)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.RecordID
		var kind cairn.EventKind
		var o ingest.Owner
		if err := rows.Scan(&id, &kind, &o.Person, &o.Stream, &o.Account, &o.Key); err != nil {
			return err
		}
		if kind == cairn.OfPerson && o.Person.IsZero() {
			o.Person = cairn.PersonID(id)
		}
		out[id] = o
	}
	return rows.Err()
}

// streamOwners adds the accounts and people among ids of whom only events are
// known: by the streams that would be theirs.
func (s *Store) streamOwners(ctx context.Context, ids []cairn.RecordID, out map[cairn.RecordID]ingest.Owner) error {
	whose := map[cairn.StreamID]cairn.RecordID{}
	people := map[cairn.StreamID]cairn.PersonID{}
	var streams []cairn.StreamID
	for _, id := range ids {
		if _, ok := out[id]; ok {
			continue
		}
		person, account := cairn.PersonID(id).Stream(), cairn.AccountID(id).Stream()
		whose[person], whose[account], people[person] = id, id, cairn.PersonID(id)
		streams = append(streams, person, account)
	}
	var st statement
	st.add(`
		/* sources.streamOwners */
		select t.id, i.id, coalesce(i.key, '') from stream t
		left join identity i on i.id = case when t.kind = 'account' then t.born else coalesce(` + saidOf + `, t.account) end where `)
	in(&st, "t.id", streams)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var o ingest.Owner
		if err := rows.Scan(&o.Stream, &o.Account, &o.Key); err != nil {
			return err
		}
		o.Person = people[o.Stream]
		out[whose[o.Stream]] = o
	}
	return rows.Err()
}
