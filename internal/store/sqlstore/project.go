package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"cairn"
	"cairn/internal/ingest"
)

// State is projected where it is admitted: the transaction that appends an
// event also updates the rows of whom it is about, so that everybody reads
// what they just wrote. All of it can be rebuilt from the log.

func (ad *admission) project(ctx context.Context) error {
	if err := ad.meet(ctx); err != nil {
		return err
	}
	for _, e := range ad.new {
		if err := ad.belong(ctx, e); err != nil {
			return err
		}
	}
	if err := ad.patch(ctx); err != nil {
		return err
	}
	// Whether anything is decided is said by the fold, which marks the account
	// again once it has read the events: only it knows if they are history.
	for id := range ad.due {
		if err := ad.s.markDue(ctx, ad.tx, id, true, ad.new[0].Seen); err != nil {
			return err
		}
	}
	for id := range ad.dirty {
		if _, err := ad.tx.ExecContext(ctx, `
			/* project */
			update account set version = version + 1 where id = $1`, id); err != nil {
			return err
		}
	}
	return nil
}

// sure reports whether a row was made sure of before, and remembers it.
func (ad *admission) sure(row string) bool {
	if ad.s.known.has(row) || ad.known.has(row) {
		return true
	}
	ad.known.add(row)
	return false
}

// meet makes rows for streams, accounts and people that are new.
func (ad *admission) meet(ctx context.Context) error {
	for _, e := range ad.new {
		if !e.Account.IsZero() && !ad.sure("a"+string(e.Account.ID[:])) {
			if err := ad.meetAccount(ctx, e); err != nil {
				return err
			}
		}
		if !e.Person.IsZero() && !ad.sure("p"+string(e.Person.ID[:])) {
			if err := ad.meetPerson(ctx, e); err != nil {
				return err
			}
		}
		if !ad.sure("s" + string(e.Stream.ID[:])) {
			if err := ad.meetStream(ctx, e); err != nil {
				return err
			}
		}
		if e.Kind == cairn.Interaction || e.Kind.IsRecord() {
			if acct, err := ad.accountOf(ctx, e); err != nil {
				return err
			} else if !acct.IsZero() {
				ad.dirty[acct] = true
			}
		}
	}
	return nil
}

func (ad *admission) meetAccount(ctx context.Context, e *cairn.Event) error {
	res, err := ad.tx.ExecContext(ctx, `
		/* project.meetAccount */
		insert into account (id, key, name, domain, owner, status, first, version)
		values ($1, $2, $2, '', '', 'customer', $3, 1) on conflict do nothing`, e.Account, e.Keys.Account, cairn.Micros(e.At))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	ad.due[e.Account] = true
	return putTokens(ctx, ad.tx, "account", e.Account.ID, e.Keys.Account)
}

func (ad *admission) meetPerson(ctx context.Context, e *cairn.Event) error {
	res, err := ad.tx.ExecContext(ctx, `
		/* project.meetPerson */
		insert into person (id, key, name, mail, title, role, opted_out, erased)
		values ($1, $2, '', '', '', '', 0, 0) on conflict do nothing`, e.Person, e.Keys.Person)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	return putTokens(ctx, ad.tx, "person", e.Person.ID, e.Keys.Person)
}

// meetStream makes the row of a stream: an account's, a person's or visitor's,
// or that of a record that belongs to nobody known.
func (ad *admission) meetStream(ctx context.Context, e *cairn.Event) error {
	var account, person, born []byte
	switch e.Stream {
	case e.Account.Stream():
		account = bytesOf(e.Account.ID)
		born = account
	case e.Person.Stream():
		person = bytesOf(e.Person.ID)
	case e.Anon.Stream():
		person = bytesOf(e.Anon.ID)
	}
	_, err := ad.tx.ExecContext(ctx, `
		/* project.meetStream */
		insert into stream (id, account, person, born, first) values ($1, $2, $3, $4, $5) on conflict do nothing`,
		e.Stream, account, person, born, cairn.Micros(e.At))
	if err != nil || person == nil {
		return err
	}
	var p cairn.PersonID
	copy(p.ID[:], person)
	return ad.claim(ctx, p)
}

// accountOf returns whose e is now: the account it names, else the account
// that its stream belongs to.
func (ad *admission) accountOf(ctx context.Context, e *cairn.Event) (cairn.AccountID, error) {
	if !e.Account.IsZero() {
		return e.Account, nil
	}
	var id cairn.AccountID
	err := ad.tx.QueryRowContext(ctx, `
		/* project.accountOf */
		select account from stream where id = $1`, e.Stream).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return id, nil
	}
	return id, err
}

// belong notes that a person was at an account, and that two keys are one
// person's, and settles whose their streams are.
func (ad *admission) belong(ctx context.Context, e *cairn.Event) error {
	said := e.Kind == cairn.OfAccount || e.Kind == cairn.OfPerson
	if !e.Account.IsZero() && !e.Person.IsZero() {
		row := "m" + string(e.Account.ID[:]) + string(e.Person.ID[:]) + e.Source
		if said {
			// The time of the latest group call counts, so it is always noted.
			if err := ad.member(ctx, e, 1); err != nil {
				return err
			}
			ad.known.add(row)
			if err := ad.claim(ctx, e.Person); err != nil {
				return err
			}
		} else if !ad.sure(row) {
			if err := ad.member(ctx, e, 0); err != nil {
				return err
			}
		}
	}
	if e.Kind != cairn.Alias && e.Kind != cairn.OfPerson || e.Person.IsZero() || e.Anon.IsZero() {
		return nil
	}
	streams := []cairn.StreamID{e.Anon.Stream()}
	if e.Kind == cairn.Alias && !e.Record.IsZero() { // the previous key may have been a person's
		streams = append(streams, cairn.PersonID(e.Record).Stream())
	}
	changed := false
	for _, stream := range streams {
		res, err := ad.tx.ExecContext(ctx, `
			/* project.belong */
			insert into stream (id, person, first) values ($1, $2, $3)
			on conflict (id) do update set person = excluded.person where stream.person <> excluded.person`,
			stream, e.Person, cairn.Micros(e.At))
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		changed = changed || n > 0
	}
	if !changed {
		return nil
	}
	return ad.claim(ctx, e.Person)
}

func (ad *admission) member(ctx context.Context, e *cairn.Event, said int) error {
	_, err := ad.tx.ExecContext(ctx, `
		/* project.member */
		insert into member (account, person, source, at, said) values ($1, $2, $3, $4, $5)
		on conflict (account, person, source) do update set
			said = case when excluded.said > member.said then excluded.said else member.said end,
			at = case when excluded.said < member.said then member.at
				when excluded.said > member.said or excluded.at > member.at then excluded.at else member.at end`,
		e.Account, e.Person, e.Source, cairn.Micros(e.At), said)
	return err
}

// claim settles which account the streams of a person belong to: the one that
// the sources say, or none when they say several, unless a source's rule is
// that its latest word counts.
func (ad *admission) claim(ctx context.Context, p cairn.PersonID) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* project.claim */
		select account, source from member where person = $1 and said = 1 order by at desc, account`, p)
	if err != nil {
		return err
	}
	var accounts []cairn.AccountID
	var sources []string
	for rows.Next() {
		var a cairn.AccountID
		var s string
		if err := rows.Scan(&a, &s); err != nil {
			rows.Close()
			return err
		}
		accounts, sources = append(accounts, a), append(sources, s)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	var owner cairn.AccountID
	if len(accounts) > 0 {
		owner = accounts[0]
		for _, a := range accounts[1:] {
			if a == owner {
				continue
			}
			latest, err := ad.latestCounts(ctx, sources[0])
			if err != nil {
				return err
			}
			if !latest {
				owner = cairn.AccountID{}
			}
			break
		}
	}
	return ad.assign(ctx, p, owner)
}

// latestCounts reports whether a source's rule for users of several accounts
// is that the latest one counts.
func (ad *admission) latestCounts(ctx context.Context, source string) (bool, error) {
	var body string
	err := ad.tx.QueryRowContext(ctx, `
		/* project.latestCounts */
		select body from source where name = $1`, source).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var src ingest.Source
	err = json.Unmarshal([]byte(body), &src)
	return src.Several == ingest.Latest, err
}

// assign gives the streams of a person to an account, or to none, with the
// records that landed there.
func (ad *admission) assign(ctx context.Context, p cairn.PersonID, owner cairn.AccountID) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* project.assign */
		select id, account from stream where person = $1`, p)
	if err != nil {
		return err
	}
	var streams []cairn.StreamID
	for rows.Next() {
		var id cairn.StreamID
		var was cairn.AccountID
		if err := rows.Scan(&id, &was); err != nil {
			rows.Close()
			return err
		}
		if was == owner {
			continue
		}
		streams = append(streams, id)
		for _, a := range []cairn.AccountID{was, owner} {
			if !a.IsZero() {
				ad.due[a], ad.dirty[a] = true, true
			}
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return err
	}
	for _, id := range streams {
		if err := ad.give(ctx, id, owner); err != nil {
			return err
		}
	}
	return nil
}

// give makes a stream, and the records in it, an account's.
func (ad *admission) give(ctx context.Context, id cairn.StreamID, owner cairn.AccountID) error {
	for _, q := range []string{
		`/* project.give */ update stream set account = $2 where id = $1`,
		`/* project.give */ update record set account = $2 where stream = $1`,
	} {
		if _, err := ad.tx.ExecContext(ctx, q, id, owner); err != nil {
			return err
		}
	}
	return nil
}

// patch keeps what the record events say and shows it.
func (ad *admission) patch(ctx context.Context) error {
	var order []cairn.RecordID
	by := map[cairn.RecordID][]*cairn.Event{}
	for _, e := range ad.new {
		if !e.Kind.IsRecord() || e.Record.IsZero() {
			continue
		}
		if by[e.Record] == nil {
			order = append(order, e.Record)
		}
		by[e.Record] = append(by[e.Record], e)
	}
	for _, id := range order {
		if err := ad.patchRecord(ctx, id, by[id]); err != nil {
			return err
		}
	}
	return nil
}

// keepFacts writes one fact for each field that the events name, and returns
// the names. Personal values are sealed under the event's subject.
func (ad *admission) keepFacts(ctx context.Context, events []*cairn.Event) ([]cairn.Fact, error) {
	var facts []cairn.Fact
	var fields, sources, kinds, values []string
	var ats, seens []int64
	var records, ids, streams, sealed [][]byte
	for _, e := range events {
		for _, half := range []struct {
			fields json.RawMessage
			sealed bool
		}{{e.Props, false}, {e.Personal, true}} {
			said, err := fieldsOf(half.fields)
			if err != nil {
				return nil, err
			}
			for _, f := range said {
				fact := cairn.Fact{Kind: e.Kind, Record: e.Record, Field: f.name, Source: e.Source, At: e.At, Seen: e.Seen, Event: e.ID, Value: f.value, Sealed: half.sealed}
				facts = append(facts, fact)
				var box []byte
				value := string(f.value) // '' clears
				if half.sealed && f.value != nil {
					a, err := ad.s.sealer(ctx, ad.tx, e.Subject(), ad.fresh)
					if err != nil {
						return nil, err
					}
					box, value = sealWith(a, e.Subject(), f.value), ""
				}
				records, ids, streams = append(records, e.Record.ID[:]), append(ids, e.ID.ID[:]), append(streams, e.Stream.ID[:])
				fields, sources, kinds = append(fields, f.name), append(sources, e.Source), append(kinds, string(e.Kind))
				ats, seens = append(ats, cairn.Micros(e.At)), append(seens, cairn.Micros(e.Seen))
				values, sealed = append(values, value), append(sealed, box)
			}
		}
	}
	if len(facts) == 0 {
		return nil, nil
	}
	return facts, ad.s.engine.Insert(ctx, ad.tx, "fact", "on conflict do nothing",
		Col{"record", records}, Col{"field", fields}, Col{"source", sources}, Col{"at", ats}, Col{"event", ids},
		Col{"seen", seens}, Col{"kind", kinds}, Col{"stream", streams}, Col{"value", values}, Col{"sealed", sealed})
}

type field struct {
	name  string
	value json.RawMessage // nil for null
}

// fieldsOf returns the members of a JSON object, by name.
func fieldsOf(object json.RawMessage) ([]field, error) {
	if len(object) == 0 {
		return nil, nil
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(object, &m); err != nil {
		return nil, err
	}
	out := make([]field, 0, len(m))
	for k, v := range m {
		if string(v) == "null" {
			v = nil
		}
		out = append(out, field{k, v})
	}
	slices.SortFunc(out, func(a, b field) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return out, nil
}
