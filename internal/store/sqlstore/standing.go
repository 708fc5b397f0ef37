package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"cairn"
)

// A standing is the row of one record: how it stands now.
type standing struct {
	id      cairn.RecordID
	kind    cairn.EventKind
	key     string
	stream  cairn.StreamID
	account cairn.AccountID // whose it is now
	was     cairn.AccountID // whose it was before
	named   cairn.AccountID // that its events last named
	namedAt int64
	person  cairn.PersonID
	first   int64
	last    int64
	group   []cairn.ID // whose facts it shows; nil: its own
	plain   map[string]cairn.Said
	sealed  map[string]cairn.Said // values are sealed, as JSON strings in base64
	isNew   bool
}

// patchRecord keeps the facts of the events, which are all about one record,
// and updates its row and the rows that copy from it. What is said of an
// account or a person under one of its ids is shown under the one that stands
// for all of them.
func (ad *admission) patchRecord(ctx context.Context, id cairn.RecordID, events []*cairn.Event) error {
	facts, err := ad.keepFacts(ctx, events)
	if err != nil {
		return err
	}
	st, err := ad.standing(ctx, id, events[0])
	if err != nil {
		return err
	}
	for _, e := range events {
		if err := ad.place(ctx, st, e); err != nil {
			return err
		}
	}
	if st.kind == cairn.OfAccount || st.kind == cairn.OfPerson {
		root, tied, err := ad.rootOf(ctx, id.ID)
		if err != nil {
			return err
		}
		if tied {
			if st.group, err = ad.group(ctx, root); err != nil {
				return err
			}
		}
		if len(st.group) < 2 {
			st.group = nil
		}
		if err := ad.recognise(ctx, st, facts); err != nil {
			return err
		}
		if root != id.ID {
			if err := ad.save(ctx, st); err != nil {
				return err
			}
			return ad.redraw(ctx, st.kind, root)
		}
	}
	open := map[string]json.RawMessage{} // what the changed fields say, personal ones opened
	for _, f := range facts {
		if err := ad.show(ctx, st, f, open); err != nil {
			return err
		}
	}
	if err := ad.save(ctx, st); err != nil {
		return err
	}
	switch st.kind {
	case cairn.OfAccount:
		return ad.saveAccount(ctx, cairn.AccountID(id), st)
	case cairn.OfPerson:
		return ad.savePerson(ctx, cairn.PersonID(id), st, open)
	}
	if st.stream != st.id.Stream() {
		return nil
	}
	if st.isNew { // somebody may have spoken of its stream before
		if _, err := ad.tx.ExecContext(ctx, `
			/* standing */
			update stream set born = $2 where id = $1 and born is null`, st.stream, id); err != nil {
			return err
		}
	}
	// A stream of the record's own follows the account that is named later.
	return ad.settleStream(ctx, st.stream)
}

func (ad *admission) standing(ctx context.Context, id cairn.RecordID, e *cairn.Event) (*standing, error) {
	st := &standing{id: id, kind: e.Kind, plain: map[string]cairn.Said{}, sealed: map[string]cairn.Said{}}
	var doc string
	var sealed []byte
	err := ad.tx.QueryRowContext(ctx, `
		/* standing */
		select key, stream, account, named, named_at, person, first, last, doc, sealed from record where id = $1`, id).Scan(
		&st.key, &st.stream, &st.account, &st.named, &st.namedAt, &st.person, &st.first, &st.last, &doc, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		st.isNew, st.stream = true, e.Stream
		if e.Kind == cairn.OfAccount || e.Kind == cairn.OfPerson {
			st.stream = streamOf(e.Kind, id.ID)
		}
		if e.Kind != cairn.OfPerson {
			st.key = e.Keys.Record
		}
		return st, nil
	}
	if err != nil {
		return nil, err
	}
	st.was = st.account
	if err := json.Unmarshal([]byte(doc), &st.plain); err != nil {
		return nil, err
	}
	if sealed != nil {
		err = json.Unmarshal(sealed, &st.sealed)
	}
	return st, err
}

// place notes when the record was spoken of and whose it is: the account that
// was last named, else that of its stream.
func (ad *admission) place(ctx context.Context, st *standing, e *cairn.Event) error {
	at := cairn.Micros(e.At)
	if st.first == 0 || at < st.first {
		st.first = at
	}
	st.last = max(st.last, at)
	if st.person.IsZero() {
		st.person = e.Person
	}
	if !e.Account.IsZero() && (st.named.IsZero() || at > st.namedAt || at == st.namedAt && bytes.Compare(e.Account.ID[:], st.named.ID[:]) > 0) {
		st.named, st.namedAt = e.Account, at
	}
	if e.Stream == st.id.Stream() {
		st.stream = e.Stream
	}
	owner := cairn.AccountID{}
	var err error
	if !st.named.IsZero() {
		owner, err = ad.holderOf(ctx, st.named)
	}
	if owner.IsZero() && err == nil && (st.named.IsZero() || st.stream == st.id.Stream()) {
		owner, err = ad.ownerOf(ctx, st.stream)
	}
	st.account = owner
	return err
}

// show puts into st what is shown for the field of f, now that f is known.
// The usual case, the same source saying something newer, needs no reading.
func (ad *admission) show(ctx context.Context, st *standing, f cairn.Fact, open map[string]json.RawMessage) error {
	was, known := st.plain[f.Field]
	if !known {
		was, known = st.sealed[f.Field]
	}
	var said cairn.Said
	sealed := f.Sealed
	alone := st.group == nil && f.Value != nil
	if alone && (st.isNew && !known || known && was.Source == f.Source && f.At.After(was.At)) {
		said = cairn.Said{Value: f.Value, Source: f.Source, At: f.At, Seen: f.Seen}
	} else {
		var err error
		if said, sealed, err = ad.choose(ctx, st.ids(), f.Field); err != nil {
			return err
		}
	}
	delete(st.plain, f.Field)
	delete(st.sealed, f.Field)
	open[f.Field] = said.Value
	if said.Value == nil {
		return nil
	}
	if !sealed {
		st.plain[f.Field] = said
		return nil
	}
	box, err := ad.boxed(ctx, st.ids(), f.Field, said)
	if err != nil {
		return err
	}
	said.Value = box
	st.sealed[f.Field] = said
	return nil
}

// ids are the ids whose facts the record shows.
func (st *standing) ids() []cairn.ID {
	if st.group != nil {
		return st.group
	}
	return []cairn.ID{st.id.ID}
}

// choose reads all that was said of one field and applies the order of
// sources.
func (ad *admission) choose(ctx context.Context, ids []cairn.ID, name string) (cairn.Said, bool, error) {
	var st statement
	st.add(`
		/* standing.choose */
		select source, at, seen, event, value, sealed from fact where field = ? and `, name)
	in(&st, "record", ids)
	rows, err := ad.tx.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return cairn.Said{}, false, err
	}
	defer rows.Close()
	var facts []cairn.Fact
	boxes := map[string][]byte{}
	for rows.Next() {
		var f cairn.Fact
		var at, seen int64
		var value sql.NullString
		var box []byte
		if err := rows.Scan(&f.Source, &at, &seen, &f.Event, &value, &box); err != nil {
			return cairn.Said{}, false, err
		}
		f.Field, f.At, f.Seen = name, cairn.FromMicros(at), cairn.FromMicros(seen)
		switch {
		case box != nil:
			f.Value = json.RawMessage(`"` + f.Event.String() + `"`) // stands for the sealed value
			boxes[string(f.Value)] = box
		case value.String != "":
			f.Value = json.RawMessage(value.String)
		}
		facts = append(facts, f)
	}
	if err := rows.Err(); err != nil {
		return cairn.Said{}, false, err
	}
	rows.Close()
	said := ad.s.Settings().Precedence.Choose(facts, time.Time{})[name]
	box, sealed := boxes[string(said.Value)]
	if !sealed {
		return said, false, nil
	}
	said.Value, err = ad.open(ctx, box)
	return said, true, err
}

// open opens a value that may have been sealed in this transaction.
func (ad *admission) open(ctx context.Context, box []byte) (json.RawMessage, error) {
	var subject cairn.ID
	copy(subject[:], box)
	if a, ok := ad.fresh[subject]; ok {
		return ad.s.unseal(ctx, a, box)
	}
	return ad.s.open(ctx, box)
}

// boxed returns the sealed value of the fact that is shown, as a JSON string.
func (ad *admission) boxed(ctx context.Context, ids []cairn.ID, name string, said cairn.Said) (json.RawMessage, error) {
	var st statement
	st.add(`
		/* standing.boxed */
		select sealed from fact where field = ? and source = ? and at = ? and sealed is not null and `, name, said.Source, cairn.Micros(said.At))
	in(&st, "record", ids)
	st.add(` order by seen desc, event desc limit 1`)
	var box []byte
	if err := ad.tx.QueryRowContext(ctx, st.String(), st.args...).Scan(&box); err != nil {
		return nil, err
	}
	return json.Marshal(box)
}

// save writes the row of the record.
func (ad *admission) save(ctx context.Context, st *standing) error {
	doc, err := json.Marshal(st.plain)
	if err != nil {
		return err
	}
	var sealed []byte
	if len(st.sealed) > 0 {
		if sealed, err = json.Marshal(st.sealed); err != nil {
			return err
		}
	}
	ad.change(st.kind, st.id, st.account)
	if st.was != st.account {
		ad.change(st.kind, st.id, st.was)
	}
	r := cairn.Record{Kind: st.kind, Fields: st.plain}
	_, err = ad.tx.ExecContext(ctx, `
		/* standing.save */
		insert into record (id, kind, key, stream, account, named, named_at, person, state, owner, due, until, prio, closed, first, last, version, doc, sealed)
		values ($1, $2, $3, $4, $5, $17, $18, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $16)
		on conflict (id) do update set stream = excluded.stream, account = excluded.account, named = excluded.named, named_at = excluded.named_at,
			person = excluded.person, state = excluded.state,
			owner = excluded.owner, due = excluded.due, until = excluded.until, prio = excluded.prio, closed = excluded.closed,
			first = excluded.first, last = excluded.last, version = record.version + 1, doc = excluded.doc, sealed = excluded.sealed`,
		st.id, string(st.kind), st.key, st.stream, st.account, st.person,
		firstText(r, "state", "status"), strings.ToLower(r.Text("owner")), firstTime(r, "due", "renews", "end"), firstTime(r, "until"),
		wholeNumber(r, "priority"), firstTime(r, "closed", "paid_at", "cancelled_at"), st.first, st.last, string(doc), sealed,
		st.named, st.namedAt)
	return err
}

func firstText(r cairn.Record, names ...string) string {
	for _, n := range names {
		if s := r.Text(n); s != "" {
			return s
		}
	}
	return ""
}

func firstTime(r cairn.Record, names ...string) int64 {
	for _, n := range names {
		if t, ok := r.Time(n); ok {
			return cairn.Micros(t)
		}
	}
	return 0
}

func wholeNumber(r cairn.Record, name string) int64 {
	n, _ := r.Number(name)
	return int64(n)
}

// saveAccount copies to the account's row what lists sort and search by.
func (ad *admission) saveAccount(ctx context.Context, id cairn.AccountID, st *standing) error {
	r := cairn.Record{Fields: st.plain}
	var key string
	if err := ad.tx.QueryRowContext(ctx, `
		/* standing.saveAccount */
		select key from account where id = $1`, id).Scan(&key); errors.Is(err, sql.ErrNoRows) {
		return nil // it waits
	} else if err != nil {
		return err
	}
	status := r.Text("status")
	if status == "" {
		status = string(cairn.Customer)
	}
	name := firstText(r, "name", "domain")
	if name == "" {
		name = key
	}
	parent, err := ad.parentOf(ctx, r)
	if err != nil {
		return err
	}
	if _, err := ad.tx.ExecContext(ctx, `
		/* standing.saveAccount */
		update account set name = $2, domain = $3, owner = $4, status = $5, parent = $6 where id = $1`,
		id, name, r.Text("domain"), strings.ToLower(r.Text("owner")), status, bytesOf(parent.ID)); err != nil {
		return err
	}
	return ad.accountTokens(ctx, id)
}

// savePerson copies to the person's row what is shown and searched, unless
// the person was erased.
func (ad *admission) savePerson(ctx context.Context, id cairn.PersonID, st *standing, open map[string]json.RawMessage) error {
	var p cairn.Person
	err := ad.tx.QueryRowContext(ctx, `
		/* standing.savePerson */
		select key, name, mail, title, erased from person where id = $1`, id).Scan(&p.Key, &p.Name, &p.Mail, &p.Title, &p.Erased)
	if errors.Is(err, sql.ErrNoRows) || p.Erased {
		return nil
	}
	if err != nil {
		return err
	}
	text := func(name string, was *string) {
		if v, ok := open[name]; ok {
			*was = cairn.Record{Fields: map[string]cairn.Said{name: {Value: v}}}.Text(name)
		}
	}
	text("name", &p.Name)
	text("email", &p.Mail)
	text("title", &p.Title)
	r := cairn.Record{Fields: st.plain}
	out := 0
	if r.Bool("opted_out") {
		out = 1
	}
	_, role := open["role"]
	_, opted := open["opted_out"]
	if role || opted {
		if err := ad.everywhere(ctx, id); err != nil {
			return err
		}
	}
	if _, err := ad.tx.ExecContext(ctx, `
		/* standing.savePerson */
		update person set name = $2, mail = $3, title = $4, role = $5, opted_out = $6 where id = $1`,
		id, p.Name, p.Mail, p.Title, r.Text("role"), out); err != nil {
		return err
	}
	return putTokens(ctx, ad.tx, "person", id.ID, p.Name, p.Mail, p.Key)
}

// everywhere makes all accounts of a person due: what is measured of them
// reads who the person is.
func (ad *admission) everywhere(ctx context.Context, id cairn.PersonID) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* standing.everywhere */
		select distinct account from member where person = $1`, id)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var a cairn.AccountID
		if err := rows.Scan(&a); err != nil {
			return err
		}
		ad.due[a], ad.dirty[a] = true, true
	}
	return rows.Err()
}

// markDue asks for a turn of the account. quiet: only history arrived, so
// nothing is decided unless something else asks too, such as the time that
// has come by now.
func (s *Store) markDue(ctx context.Context, tx *Tx, id cairn.AccountID, quiet bool, now time.Time) error {
	return s.markAllDue(ctx, tx, []cairn.AccountID{id}, []bool{quiet}, now)
}

// markAllDue asks for turns of accounts, each of which occurs once. The first
// mark of an account is the time, which is how the statement knows it.
func (s *Store) markAllDue(ctx context.Context, tx *Tx, ids []cairn.AccountID, quiet []bool, now time.Time) error {
	n := len(ids)
	accounts, nodes, version := make([][]byte, n), make([]string, n), make([]int64, n)
	at, mark, lease, quiets := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, id := range ids {
		accounts[i], mark[i], quiets[i] = id.ID[:], cairn.Micros(now), one(quiet[i])
		version[i] = 1
	}
	return s.engine.Insert(ctx, tx, "due", `on conflict (account) do update set at = 0, mark = due.mark + 1, version = due.version + 1,
		since = case when due.at = 0 then due.since else excluded.since end,
		quiet = case when due.at <= excluded.mark and due.quiet < excluded.quiet then due.quiet else excluded.quiet end`,
		Col{"account", accounts}, Col{"at", at}, Col{"since", mark}, Col{"mark", mark}, Col{"lease", lease}, Col{"node", nodes}, Col{"quiet", quiets},
		Col{"version", version})
}
