package ingest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"cairn"
)

// An admission is one call of Admit: what all its records share.
type admission struct {
	src      Source
	seen     time.Time
	zone     *time.Location
	currency string
	pepper   cairn.Pepper
	owners   map[cairn.RecordID]Owner // of the store, and of the records before in this call
	classes  classes
	contract *held // nil: there is none
	fresh    func() string
}

func (d *Door) admission(ctx context.Context, src Source, recs []Record) (*admission, error) {
	ready := d.ready.prepare(src)
	a := &admission{
		src:      src,
		seen:     d.Now().UTC().Truncate(time.Microsecond),
		zone:     time.UTC,
		currency: "EUR",
		classes:  ready.classes,
		contract: ready.contract.hold(src.File),
		fresh:    d.Fresh,
	}
	if d.Zone != nil {
		a.zone = d.Zone()
	}
	if d.Currency != nil {
		a.currency = d.Currency()
	}
	if a.fresh == nil {
		a.fresh = rand.Text
	}
	var err error
	if a.pepper, err = d.Store.Pepper(ctx); err != nil {
		return nil, err
	}
	a.owners = map[cairn.RecordID]Owner{}
	if ids := a.asked(recs); len(ids) > 0 {
		known, err := d.Store.Owners(ctx, ids)
		if err != nil {
			return nil, err
		}
		for id, o := range known {
			a.owners[id] = o
		}
	}
	return a, nil
}

// asked returns the records whose owners decide where something belongs.
func (a *admission) asked(recs []Record) []cairn.RecordID {
	var ids []cairn.RecordID
	for _, r := range recs {
		switch {
		case r.Problem != nil:
		case r.Via.Key != "":
			ids = append(ids, a.via(r.Via))
		case keyless(r):
			ids = append(ids, a.src.Space.Record(r.Kind, r.Keys.Record))
		}
	}
	return ids
}

// keyless reports whether r patches a record and says neither whose account
// nor which person it belongs to.
func keyless(r Record) bool {
	return r.Kind.IsRecord() && r.Keys.Record != "" && r.Keys.Account == "" && r.Keys.Person == "" && r.Keys.Anonymous == ""
}

// via returns the record that v names.
func (a *admission) via(v Via) cairn.RecordID {
	switch v.Kind {
	case cairn.OfAccount:
		return a.src.Space.Account(v.Key).Record()
	case cairn.OfPerson:
		return a.pepper.Person(a.src.Space, v.Key).Record()
	}
	return a.src.Space.Record(v.Kind, v.Key)
}

// remember lets later records of the same call find the owner of e's record.
func (a *admission) remember(e cairn.Event) {
	o := Owner{Account: e.Account, Key: e.Keys.Account, Person: e.Person, Stream: e.Stream}
	if e.Kind.IsRecord() {
		if _, known := a.owners[e.Record]; !known || !o.Account.IsZero() {
			a.owners[e.Record] = o
		}
	}
	if (e.Kind == cairn.OfAccount || e.Kind == cairn.OfPerson) && !e.Account.IsZero() && !e.Person.IsZero() {
		a.owners[e.Person.Record()] = o
	}
}

// event makes a record into an event, with what its sender should know of how
// it was taken, or says what is wrong with it.
func (a *admission) event(r Record) (cairn.Event, string, *cairn.Error) {
	if problem := check(r); problem != nil {
		return cairn.Event{}, "", problem
	}
	if len(a.src.Only) > 0 && !slices.Contains(a.src.Only, r.Kind) {
		return cairn.Event{}, "", cairn.Errorf(cairn.Forbidden, "The key may write %s records only, and this is of kind %s.", join(a.src.Only), r.Kind).At("kind").Coded(CodeAllowed)
	}
	breach := ""
	if a.contract != nil {
		var problem *cairn.Error
		if breach, problem = a.contract.check(&r); problem != nil {
			return cairn.Event{}, "", problem
		}
	}
	e := cairn.Event{
		Kind: r.Kind, Name: r.Name, Source: a.src.Name, Product: a.product(r),
		Seen: a.seen, Stamp: r.Stamp, Keys: r.Keys, N: max(r.N, 1),
	}
	if e.Name == "" && r.Kind.IsRecord() {
		e.Name = "updated"
	}
	if e.Keys.Account == "" {
		e.Keys.Account = contextGroup(r.Context)
	}
	if e.Stamp.IsZero() {
		e.Stamp = r.At
	}
	if problem := a.date(&e, r.At); problem != nil {
		return e, "", problem
	}
	a.identify(&e, r.In)
	if problem := a.place(&e, r.Via); problem != nil {
		return e, "", problem
	}
	note, problem := a.fill(&e, r)
	if problem != nil {
		return e, "", problem
	}
	e.ID = a.id(r, &e)
	return e, strings.TrimSpace(note + " " + breach), nil
}

// check finds what is wrong with a record without knowing any other.
func check(r Record) *cairn.Error {
	if r.Problem != nil {
		return r.Problem
	}
	k := r.Keys
	switch {
	case !knownKind(r.Kind):
		return cairn.Errorf(cairn.Invalid, "This kind of record is not known.").At("kind").Coded(CodeType)
	case r.Kind == cairn.Track && strings.TrimSpace(r.Name) == "":
		return cairn.Errorf(cairn.Invalid, "An event needs a name.").At("name").Coded(CodeMissing)
	case utf8.RuneCountInString(r.ID) > MaxID:
		return cairn.Errorf(cairn.Invalid, "An id has at most %d characters.", MaxID).At("id").Coded(CodeLong)
	case r.N < 0:
		return cairn.Errorf(cairn.Invalid, "A record cannot count less than once.").At("n").Coded(CodeRange)
	case k == (cairn.Keys{Previous: k.Previous}) && r.Via.Key == "" && contextGroup(r.Context) == "":
		return cairn.Errorf(cairn.Invalid, "An account, a person, a visitor or a record must be named.").At("keys").Coded(CodeMissing)
	case r.Via.Key != "" && !r.Via.Kind.IsRecord():
		return cairn.Errorf(cairn.Invalid, "An account can be found through an account, person, contract, invoice, ticket, answer or task.").At("via").Coded(CodeType)
	}
	if problem := checkOwnKey(r); problem != nil {
		return problem
	}
	for _, t := range []struct{ field, text string }{
		{"name", r.Name}, {"id", r.ID}, {"product", r.Product}, {"account", k.Account}, {"person", k.Person},
		{"anonymous", k.Anonymous}, {"record", k.Record}, {"previous", k.Previous},
	} {
		if problem := checkText(t.field, t.text); problem != nil {
			return problem
		}
	}
	return nil
}

func knownKind(k cairn.EventKind) bool {
	return k == cairn.Track || k == cairn.Interaction || k == cairn.Alias || k.IsRecord()
}

// checkOwnKey sees to it that a record names what it is about.
func checkOwnKey(r Record) *cairn.Error {
	k := r.Keys
	switch {
	case r.Kind == cairn.OfAccount && k.Account == "" && contextGroup(r.Context) == "" && r.Via.Key == "":
		return cairn.Errorf(cairn.Invalid, "The account must be named.").At("account").Coded(CodeMissing)
	case r.Kind == cairn.OfPerson && k.Person == "" && k.Anonymous == "":
		return cairn.Errorf(cairn.Invalid, "The person must be named.").At("person").Coded(CodeMissing)
	case r.Kind == cairn.Alias && (k.Person == "" || k.Previous == ""):
		return cairn.Errorf(cairn.Invalid, "Both the new and the previous key of the person are needed.").At("previous").Coded(CodeMissing)
	case r.Kind.IsRecord() && r.Kind != cairn.OfAccount && r.Kind != cairn.OfPerson && k.Record == "":
		return cairn.Errorf(cairn.Invalid, "The id of the %s is missing.", r.Kind).At("record").Coded(CodeMissing)
	}
	return nil
}

// checkText refuses what no engine and no page can hold as a name or key.
func checkText(field, s string) *cairn.Error {
	switch {
	case len(s) > maxText:
		return cairn.Errorf(cairn.Invalid, "It is longer than %d bytes.", maxText).At(field).Coded(CodeLong)
	case strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return cairn.Errorf(cairn.Invalid, "It holds a control character.").At(field).Coded(CodeText)
	case !utf8.ValidString(s):
		return cairn.Errorf(cairn.Invalid, "It is not UTF-8.").At(field).Coded(CodeText)
	}
	return nil
}

// date gives e its time. A clock that runs ahead is corrected, a file is not:
// there a time to come is a mistake of whoever made it.
func (a *admission) date(e *cairn.Event, at time.Time) *cairn.Error {
	e.At = at.UTC().Truncate(time.Microsecond)
	if at.IsZero() {
		e.At = a.seen
	}
	switch {
	case e.At.Unix() <= 0:
		return cairn.Errorf(cairn.Invalid, "The time lies before 1970.").At("at").Coded(CodePast)
	case !e.At.After(a.seen.Add(skew)):
	case a.src.File:
		return cairn.Errorf(cairn.Invalid, "The time lies in the future.").At("at").Coded(CodeFuture)
	default:
		e.At, e.Skewed = a.seen, true
	}
	return nil
}

// identify turns keys into ids.
func (a *admission) identify(e *cairn.Event, in cairn.Space) {
	space := a.src.Space
	if in == "" {
		in = space
	}
	if e.Keys.Account != "" {
		e.Account = in.Account(e.Keys.Account)
	}
	if e.Keys.Person != "" {
		e.Person = a.pepper.Person(space, e.Keys.Person)
	}
	if e.Keys.Anonymous != "" {
		e.Anon = a.pepper.Anonymous(space, e.Keys.Anonymous)
	}
	switch {
	case e.Kind == cairn.Alias: // the previous key may be a visitor's or a person's
		e.Anon = a.pepper.Anonymous(space, e.Keys.Previous)
		e.Record = a.pepper.Person(space, e.Keys.Previous).Record()
	case e.Kind == cairn.OfAccount:
		e.Record = e.Account.Record()
	case e.Kind == cairn.OfPerson && e.Keys.Person != "":
		e.Record = e.Person.Record()
	case e.Kind == cairn.OfPerson:
		e.Record = e.Anon.Record()
	case e.Kind.IsRecord():
		e.Record = space.Record(e.Kind, e.Keys.Record)
	}
}

// place chooses the stream: by the keys as sent, else through the record that
// v names, else where the patched record already is.
func (a *admission) place(e *cairn.Event, v Via) *cairn.Error {
	if v.Key != "" && e.Account.IsZero() {
		o, known := a.owners[a.via(v)]
		if !known {
			return unknownVia(v)
		}
		e.Account, e.Keys.Account = o.Account, o.Key
		if e.Kind == cairn.OfAccount {
			if o.Account.IsZero() {
				return cairn.Errorf(cairn.Invalid, "The account must be named.").At("account").Coded(CodeMissing)
			}
			e.Record = o.Account.Record()
		}
		if o.Account.IsZero() && e.Person.IsZero() && e.Anon.IsZero() {
			e.Person, e.Stream = o.Person, o.Stream
			return nil
		}
	}
	switch {
	case !e.Account.IsZero():
		e.Stream = e.Account.Stream()
	case !e.Person.IsZero():
		e.Stream = e.Person.Stream()
	case !e.Anon.IsZero():
		e.Stream = e.Anon.Stream()
	default:
		e.Stream = e.Record.Stream()
		// The person is kept so that what is personal in every patch of the
		// record is sealed under the same key.
		if o, known := a.owners[e.Record]; known {
			e.Stream, e.Person = o.Stream, o.Person
		}
	}
	return nil
}

func unknownVia(v Via) *cairn.Error {
	if v.Kind == cairn.OfPerson {
		return cairn.Errorf(cairn.Invalid, "This person is not known yet: send the person first, or name the account.").At("person").Coded(CodeUnknown)
	}
	return cairn.Errorf(cairn.Invalid, "The %s %q is not known yet: send it first, or name the account.", v.Kind, cut(v.Key, 80)).At(string(v.Kind)).Coded(CodeUnknown)
}

// fill checks the properties and splits them into what everybody may read and
// what is sealed.
func (a *admission) fill(e *cairn.Event, r Record) (note string, _ *cairn.Error) {
	props, note, problem := checkFields(r.Kind, r.Props, a.currency)
	if problem != nil {
		return "", problem
	}
	plain, personal := a.classes.split(r.Kind, props)
	if c := personalContext(r.Context); len(c) > 0 && !r.Kind.IsRecord() {
		if personal == nil {
			personal = map[string]any{}
		}
		if _, taken := personal["context"]; !taken {
			personal["context"] = c
		}
	}
	var err error
	if e.Props, err = object(plain); err == nil {
		e.Personal, err = object(personal)
	}
	switch {
	case err != nil:
		return "", cairn.Errorf(cairn.Invalid, "The properties cannot be written as JSON.").At("props").Coded(CodeJSON).Because(err)
	case len(e.Props)+len(e.Personal) > MaxEvent:
		return "", cairn.Errorf(cairn.TooLarge, "The record is larger than %d KB.", MaxEvent>>10).At("props").Coded(CodeLarge)
	}
	return note, nil
}

// object writes m as JSON, and nil when it is empty.
func object(m map[string]any) (json.RawMessage, error) {
	if len(m) == 0 {
		return nil, nil
	}
	var b bytes.Buffer
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false) // or an event of "<" would outgrow its limit
	err := w.Encode(m)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// contextGroup returns the account that Segment's context names.
func contextGroup(c map[string]any) string {
	s, _ := textOf(c["groupId"])
	return s
}

// product returns which product a record is of: what it says itself, else what
// its source is set to say of it.
func (a *admission) product(r Record) string {
	p := a.src.Product
	if r.Product != "" || r.Kind != cairn.Track {
		return r.Product
	}
	if p.Property != "" {
		if s, ok := textOf(r.Props[p.Property]); ok && s != "" && len(s) <= maxText {
			return s
		}
	}
	if len(p.Apps) > 0 {
		app, _ := r.Context["app"].(map[string]any)
		name, _ := textOf(app["name"])
		if product, ok := p.Apps[name]; ok {
			return product
		}
	}
	return p.Default
}

// personalContext returns what is kept of Segment's context.
func personalContext(c map[string]any) map[string]any {
	out := make(map[string]any, len(c))
	for k, v := range c {
		if k != "library" && k != "groupId" {
			out[k] = v
		}
	}
	return out
}

// id returns the event's id: of the producer's own, else of the content with
// the sender's timestamp. Where there is neither nothing that comes later is
// the same, except in a file, which may be read twice.
func (a *admission) id(r Record, e *cairn.Event) cairn.EventID {
	if r.ID != "" {
		return cairn.EventID{ID: cairn.HashID("event", a.src.Name, r.ID)}
	}
	k := r.Keys
	parts := []string{
		"event-content", a.src.Name, string(e.Kind), e.Name, e.Product, strconv.FormatInt(e.N, 10),
		e.Keys.Account, k.Person, k.Anonymous, k.Record, k.Previous, string(r.Via.Kind), r.Via.Key,
		string(e.Props), string(e.Personal),
	}
	switch {
	case !e.Stamp.IsZero():
		parts = append(parts, e.Stamp.UTC().Format(time.RFC3339Nano))
	case !a.src.File:
		parts = append(parts, a.fresh())
	}
	return cairn.EventID{ID: cairn.HashID(slices.Clip(parts)...)}
}
