package sqlstore

import (
	"bytes"
	"cmp"
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
		if e.Kind == cairn.OfIdentity {
			if err := ad.hear(ctx, e); err != nil {
				return err
			}
		}
	}
	if err := ad.patch(ctx); err != nil {
		return err
	}
	// Whether anything is decided is said by the fold, which marks the account
	// again once it has read the events: only it knows if they are history.
	for id := range ad.due {
		if _, err := ad.tx.ExecContext(ctx, `
			/* project */
			update account set first = coalesce((select min(s.first) from stream s where s.account = account.id and s.kind <> 'said'),
				(select i.first from identity i where i.id = account.id), first)
			where id = $1`, id); err != nil {
			return err
		}
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
	return ad.countChanges(ctx)
}

// sure reports whether a row was made sure of before, and remembers it.
func (ad *admission) sure(row knownRow) bool {
	if ad.s.known.has(row) || ad.known.has(row) {
		return true
	}
	ad.known.add(row)
	return false
}

// meet makes rows for streams, accounts and people that are new.
func (ad *admission) meet(ctx context.Context) error {
	for _, e := range ad.new {
		if !e.Account.IsZero() && !ad.sure(knownRow{kind: 'a', a: e.Account.ID}) {
			if err := ad.meetAccount(ctx, e); err != nil {
				return err
			}
		}
		if !e.Person.IsZero() && e.Kind != cairn.OfIdentity && !ad.sure(knownRow{kind: 'p', a: e.Person.ID}) {
			if err := ad.meetPerson(ctx, e); err != nil {
				return err
			}
		}
		if e.Kind == cairn.OfIdentity || !ad.sure(knownRow{kind: 's', a: e.Stream.ID}) {
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
	space, err := ad.spaceOf(ctx, e)
	if err != nil {
		return err
	}
	isNew, err := ad.meetIdent(ctx, cairn.Ref{What: cairn.AnAccount, ID: e.Account.ID, Space: space, Key: e.Keys.Account}, e)
	if err != nil {
		return err
	}
	if space != "" { // it waits until somebody says whose it is
		if isNew {
			return ad.ask(ctx, e.Account.ID, cairn.AnAccount)
		}
		return nil
	}
	res, err := ad.tx.ExecContext(ctx, `
		/* project.meetAccount */
		insert into account (id, key, name, domain, owner, status, first, version)
		select $1, $2, $2, '', '', 'customer', $3, 1 from identity where id = $1 and holder = $1 on conflict do nothing`, e.Account, e.Keys.Account, cairn.Micros(e.At))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err
	}
	ad.due[e.Account] = true
	if err := ad.askKnowers(ctx, e.Account.ID); err != nil {
		return err
	}
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
	if err := ad.askKnowers(ctx, e.Person.ID); err != nil {
		return err
	}
	if err := putTokens(ctx, ad.tx, "person", e.Person.ID, e.Keys.Person); err != nil {
		return err
	}
	root, tied, err := ad.rootOf(ctx, e.Person.ID)
	if err != nil || !tied || root != e.Person.ID {
		return err
	}
	return ad.redraw(ctx, cairn.OfPerson, root) // other ids of this person came before
}

// meetStream makes the row of a stream: an account's, a person's or visitor's,
// or that of a record that belongs to nobody known.
func (ad *admission) meetStream(ctx context.Context, e *cairn.Event) error {
	var account, person []byte
	kind, born, tied := "record", e.Record.ID, false
	switch e.Stream {
	case e.Account.Stream():
		kind, born = "account", e.Account.ID
		holder, err := ad.holderOf(ctx, e.Account)
		if err != nil {
			return err
		}
		if account = bytesOf(holder.ID); account != nil {
			ad.due[holder] = true // its set of streams grows
		}
	case e.Person.Stream():
		kind, born = "person", e.Person.ID
	case e.Anon.Stream():
		kind, born = "visitor", e.Anon.ID
	case e.Record.Stream():
	default: // another record's, or one that is only spoken of
		born = cairn.ID{}
	}
	var root cairn.ID
	if kind == "person" || kind == "visitor" {
		var err error
		if root, tied, err = ad.rootOf(ctx, born); err != nil {
			return err
		}
		person = bytesOf(root)
	}
	stored := kind
	if e.Kind == cairn.OfIdentity { // it is spoken of, and nothing else has come yet
		stored = "said"
	}
	_, err := ad.tx.ExecContext(ctx, `
		/* project.meetStream */
		insert into stream (id, account, person, born, kind, aside, source, first) values ($1, $2, $3, $4, $5, 0, $6, $7)
		on conflict (id) do update set account = excluded.account, person = excluded.person, born = excluded.born,
			kind = excluded.kind, source = excluded.source, first = excluded.first where stream.kind = 'said' and excluded.kind <> 'said'`,
		e.Stream, account, person, born, stored, e.Source, cairn.Micros(e.At))
	if err != nil || kind == "visitor" && !tied { // nobody can have said whose an untied visitor is
		return err
	}
	if tied || kind == "account" && account == nil {
		what := cairn.What(kind)
		if err := ad.settleAside(ctx, cairn.Ref{What: what, ID: born}); err != nil {
			return err
		}
	}
	switch kind {
	case "record":
		return ad.settleStream(ctx, e.Stream)
	case "account":
		return nil
	}
	return ad.claim(ctx, cairn.PersonID{ID: root})
}

// accountOf returns whose e is now: who the account that it names is, else the
// account that its stream belongs to.
func (ad *admission) accountOf(ctx context.Context, e *cairn.Event) (cairn.AccountID, error) {
	if !e.Account.IsZero() {
		if h, err := ad.holderOf(ctx, e.Account); err != nil || !h.IsZero() {
			return h, err
		}
	}
	return ad.ownerOf(ctx, e.Stream)
}

func (ad *admission) ownerOf(ctx context.Context, stream cairn.StreamID) (cairn.AccountID, error) {
	var id cairn.AccountID
	err := ad.tx.QueryRowContext(ctx, `
		/* project.ownerOf */
		select account from stream where id = $1`, stream).Scan(&id)
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
		row := knownRow{kind: 'm', a: e.Account.ID, b: e.Person.ID, source: e.Source}
		if said {
			// The time of the latest group call counts, so it is always noted.
			if err := ad.member(ctx, e, 1); err != nil {
				return err
			}
			ad.known.add(row)
			root, _, err := ad.rootOf(ctx, e.Person.ID)
			if err != nil {
				return err
			}
			if err := ad.claim(ctx, cairn.PersonID{ID: root}); err != nil {
				return err
			}
		} else if !ad.sure(row) {
			if err := ad.member(ctx, e, 0); err != nil {
				return err
			}
			if root, _, err := ad.rootOf(ctx, e.Person.ID); err != nil {
				return err
			} else if root != e.Person.ID { // whoever remembers the account must know
				if h, err := ad.holderOf(ctx, e.Account); err != nil {
					return err
				} else if !h.IsZero() {
					ad.dirty[h] = true
				}
			}
		}
	}
	if e.Kind != cairn.Alias && e.Kind != cairn.OfPerson || e.Person.IsZero() || e.Anon.IsZero() {
		return nil
	}
	// The key that an alias names as the one before may be a visitor's or a person's.
	subjects := []cairn.Ref{{What: cairn.AVisitor, ID: e.Anon.ID}}
	if e.Kind == cairn.Alias && !e.Record.IsZero() {
		subjects = append(subjects, cairn.Ref{What: cairn.APerson, ID: e.Record.ID})
	}
	for _, r := range subjects {
		if changed, err := ad.said(ctx, r, e.Person, e); err != nil {
			return err
		} else if changed {
			if err := ad.settlePeople(ctx, r.ID, e.Person.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (ad *admission) member(ctx context.Context, e *cairn.Event, said int) error {
	_, err := ad.tx.ExecContext(ctx, `
		/* project.member */
		insert into member (account, person, source, at, first, said) values ($1, $2, $3, $4, $4, $5)
		on conflict (account, person, source) do update set
			said = case when excluded.said > member.said then excluded.said else member.said end,
			at = case when excluded.said < member.said then member.at
				when excluded.said > member.said or excluded.at > member.at then excluded.at else member.at end,
			first = case when excluded.said < member.said then member.first
				when excluded.said > member.said or excluded.first < member.first then excluded.first else member.first end`,
		e.Account, e.Person, e.Source, cairn.Micros(e.At), said)
	return err
}

// claim settles which account the streams of a person belong to: the one that
// they were given to by hand, else the one that the sources say. When they say
// several, the rule of the source that had the last word decides.
func (ad *admission) claim(ctx context.Context, p cairn.PersonID) error {
	group, err := ad.group(ctx, p.ID)
	if err != nil {
		return err
	}
	owner, given, err := ad.given(ctx, group)
	if err != nil {
		return err
	}
	if !given {
		if owner, err = ad.homeOf(ctx, group); err != nil {
			return err
		}
	}
	return ad.assign(ctx, p, owner)
}

// given returns the account that anybody of a group was given to by hand.
func (ad *admission) given(ctx context.Context, group []cairn.ID) (owner cairn.AccountID, given bool, err error) {
	by, err := ad.pointers(ctx, cairn.Home, group)
	if err != nil || len(by) == 0 {
		return owner, false, err
	}
	var best pointer
	for _, p := range by {
		if best.target.IsZero() || p.stronger(best) > 0 {
			best = p
		}
	}
	owner, err = ad.holderOf(ctx, cairn.AccountID{ID: best.target})
	return owner, true, err
}

// A word is what one source said of where somebody belongs.
type word struct {
	account   cairn.AccountID // who it is now
	source    string
	at, first int64
}

// homeOf returns the account that the sources say somebody belongs to.
func (ad *admission) homeOf(ctx context.Context, group []cairn.ID) (cairn.AccountID, error) {
	var st statement
	st.add(`
		/* project.homeOf */
		select i.holder, m.source, m.at, m.first from member m join identity i on i.id = m.account
		where m.said = 1 and i.holder is not null and `)
	in(&st, "m.person", group)
	st.add(` order by m.at desc, i.holder, m.source`)
	rows, err := ad.tx.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return cairn.AccountID{}, err
	}
	defer rows.Close()
	var said []word
	several := false
	for rows.Next() {
		var w word
		if err := rows.Scan(&w.account, &w.source, &w.at, &w.first); err != nil {
			return cairn.AccountID{}, err
		}
		said = append(said, w)
		several = several || w.account != said[0].account
	}
	if err := rows.Err(); err != nil || len(said) == 0 {
		return cairn.AccountID{}, err
	}
	rows.Close()
	if !several {
		return said[0].account, nil
	}
	src, err := ad.source(ctx, said[0].source)
	switch {
	case err != nil:
		return cairn.AccountID{}, err
	case src.Several == ingest.Latest:
		return said[0].account, nil
	case src.Several == ingest.Primary:
		first := slices.MinFunc(said, func(a, b word) int {
			return cmp.Or(cmp.Compare(a.first, b.first), bytes.Compare(a.account.ID[:], b.account.ID[:]))
		})
		return first.account, nil
	}
	return cairn.AccountID{}, nil
}

// source returns the settings of a source; of one that is not known, none.
func (ad *admission) source(ctx context.Context, name string) (ingest.Source, error) {
	if src, ok := ad.sources[name]; ok {
		return src, nil
	}
	var src ingest.Source
	var body string
	err := ad.tx.QueryRowContext(ctx, `
		/* project.source */
		select body from source where name = $1`, name).Scan(&body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return src, err
	default:
		if err := json.Unmarshal([]byte(body), &src); err != nil {
			return src, err
		}
	}
	if ad.sources == nil {
		ad.sources = map[string]ingest.Source{}
	}
	ad.sources[name] = src
	return src, nil
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

// give makes a stream, and the records in it that name no account, an account's.
func (ad *admission) give(ctx context.Context, id cairn.StreamID, owner cairn.AccountID) error {
	if _, err := ad.tx.ExecContext(ctx, `
		/* project.give */
		update stream set account = $2 where id = $1`, id, owner); err != nil {
		return err
	}
	n, err := ad.changeAll(ctx, `
		/* project.give */
		select kind, id, account from record where stream = $1`, id)
	if err != nil || n == 0 {
		return err
	}
	_, err = ad.changeAll(ctx, `
		/* project.give */
		update record set version = version + 1, account = coalesce(
			(select i.holder from identity i where i.id = record.named),
			(select s.account from stream s where s.id = record.stream and (record.named is null or s.kind = 'record')))
		where stream = $1 returning kind, id, account`, id)
	return err
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
