package sqlstore

import (
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
	account cairn.AccountID
	person  cairn.PersonID
	first   int64
	last    int64
	plain   map[string]cairn.Said
	sealed  map[string]cairn.Said // values are sealed, as JSON strings in base64
	isNew   bool
}

// patchRecord keeps the facts of the events, which are all about one record,
// and updates its row and the rows that copy from it.
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
	return nil
}

func (ad *admission) standing(ctx context.Context, id cairn.RecordID, e *cairn.Event) (*standing, error) {
	st := &standing{id: id, kind: e.Kind, plain: map[string]cairn.Said{}, sealed: map[string]cairn.Said{}}
	var doc string
	var sealed []byte
	err := ad.tx.QueryRowContext(ctx, `
		/* standing */
		select key, stream, account, person, first, last, doc, sealed from record where id = $1`, id).Scan(
		&st.key, &st.stream, &st.account, &st.person, &st.first, &st.last, &doc, &sealed)
	if errors.Is(err, sql.ErrNoRows) {
		st.isNew, st.stream = true, e.Stream
		if e.Kind != cairn.OfPerson {
			st.key = e.Keys.Record
		}
		return st, nil
	}
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal([]byte(doc), &st.plain); err != nil {
		return nil, err
	}
	if sealed != nil {
		err = json.Unmarshal(sealed, &st.sealed)
	}
	return st, err
}

// place notes when the record was spoken of and whose it is. A record that
// landed in a stream of nobody's follows the account that is named later.
func (ad *admission) place(ctx context.Context, st *standing, e *cairn.Event) error {
	at := cairn.Micros(e.At)
	if st.first == 0 || at < st.first {
		st.first = at
	}
	st.last = max(st.last, at)
	if st.person.IsZero() {
		st.person = e.Person
	}
	owner, err := ad.accountOf(ctx, e)
	if err != nil || owner.IsZero() || owner == st.account {
		return err
	}
	if st.account.IsZero() && st.stream == st.id.Stream() {
		ad.due[owner] = true
		if err := ad.give(ctx, st.stream, owner); err != nil {
			return err
		}
	}
	if st.account.IsZero() || at >= st.last {
		st.account = owner
	}
	return nil
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
	if st.isNew && !known && f.Value != nil || known && was.Source == f.Source && f.At.After(was.At) && f.Value != nil {
		said = cairn.Said{Value: f.Value, Source: f.Source, At: f.At, Seen: f.Seen}
	} else {
		var err error
		if said, sealed, err = ad.choose(ctx, st.id, f.Field); err != nil {
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
	box, err := ad.boxed(ctx, st.id, f.Field, said)
	if err != nil {
		return err
	}
	said.Value = box
	st.sealed[f.Field] = said
	return nil
}

// choose reads all that was said of one field and applies the order of
// sources.
func (ad *admission) choose(ctx context.Context, id cairn.RecordID, name string) (cairn.Said, bool, error) {
	rows, err := ad.tx.QueryContext(ctx, `
		/* standing.choose */
		select source, at, seen, event, value, sealed from fact where record = $1 and field = $2`, id, name)
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
		rest := box[len(subject):]
		return a.Open(nil, rest[:nonceSize], rest[nonceSize:], subject[:])
	}
	return ad.s.open(ctx, box)
}

// boxed returns the sealed value of the fact that is shown, as a JSON string.
func (ad *admission) boxed(ctx context.Context, id cairn.RecordID, name string, said cairn.Said) (json.RawMessage, error) {
	var box []byte
	err := ad.tx.QueryRowContext(ctx, `
		/* standing.boxed */
		select sealed from fact where record = $1 and field = $2 and source = $3 and at = $4 and sealed is not null
		order by event desc limit 1`, id, name, said.Source, cairn.Micros(said.At)).Scan(&box)
	if err != nil {
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
	r := cairn.Record{Kind: st.kind, Fields: st.plain}
	_, err = ad.tx.ExecContext(ctx, `
		/* standing.save */
		insert into record (id, kind, key, stream, account, person, state, owner, due, until, prio, closed, first, last, version, doc, sealed)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, 1, $15, $16)
		on conflict (id) do update set account = excluded.account, person = excluded.person, state = excluded.state,
			owner = excluded.owner, due = excluded.due, until = excluded.until, prio = excluded.prio, closed = excluded.closed,
			first = excluded.first, last = excluded.last, version = record.version + 1, doc = excluded.doc, sealed = excluded.sealed`,
		st.id, string(st.kind), st.key, st.stream, st.account, st.person,
		firstText(r, "state", "status"), strings.ToLower(r.Text("owner")), firstTime(r, "due", "renews", "end"), firstTime(r, "until"),
		wholeNumber(r, "priority"), firstTime(r, "closed", "paid_at", "cancelled_at"), st.first, st.last, string(doc), sealed)
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
		select key from account where id = $1`, id).Scan(&key); err != nil {
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
	if _, err := ad.tx.ExecContext(ctx, `
		/* standing.saveAccount */
		update account set name = $2, domain = $3, owner = $4, status = $5 where id = $1`,
		id, name, r.Text("domain"), strings.ToLower(r.Text("owner")), status); err != nil {
		return err
	}
	return putTokens(ctx, ad.tx, "account", id.ID, name, r.Text("domain"), key)
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
	accounts, nodes := make([][]byte, n), make([]string, n)
	at, mark, lease, quiets := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, id := range ids {
		accounts[i], mark[i], quiets[i] = id.ID[:], cairn.Micros(now), one(quiet[i])
	}
	return s.engine.Insert(ctx, tx, "due", `on conflict (account) do update set at = 0, mark = due.mark + 1,
		since = case when due.at = 0 then due.since else excluded.since end,
		quiet = case when due.at <= excluded.mark and due.quiet < excluded.quiet then due.quiet else excluded.quiet end`,
		Col{"account", accounts}, Col{"at", at}, Col{"since", mark}, Col{"mark", mark}, Col{"lease", lease}, Col{"node", nodes}, Col{"quiet", quiets})
}
