package ingest

import (
	"context"
	"log/slog"
	"time"
	"unicode/utf8"

	"cairn"
	"cairn/internal/event"
)

// What the door takes.
const (
	MaxEvent = 32 << 10 // bytes of one record, as JSON
	MaxID    = 99       // characters of a producer's own id

	maxText  = 255             // bytes of a key, a name or a product
	maxField = 1000            // bytes of a field that is searched and sorted by
	skew     = 5 * time.Minute // how far ahead of us a sender's clock may be
)

// A Door admits records. It may be used by many at once.
type Door struct {
	Store    Store
	Now      func() time.Time
	Zone     func() *time.Location // the workspace's; decides what is late; nil: UTC
	Currency func() string         // the workspace's, for amounts that name none; nil: EUR
	Fresh    func() string         // an id that was never given before; nil: random
	Log      *slog.Logger          // nil: the default one
	Limits   *Limiter              // of keys; nil: none has any
	Ledger   *Ledger               // of breaches; nil: they are not counted

	ready ready
}

// New returns a door in UTC and EUR.
func New(store Store, now func() time.Time) *Door {
	return &Door{
		Store:    store,
		Now:      now,
		Zone:     func() *time.Location { return time.UTC },
		Currency: func() string { return "EUR" },
		Log:      slog.Default(),
	}
}

// Admit checks each record and appends those that can be taken in one
// transaction. It returns one verdict per record, in order. An error means
// that nothing was admitted and that the same call may be tried again.
//
// An id that repeats is a duplicate. A record without an id is known by its
// content and its sender's timestamp; one that has neither is always new,
// unless it comes from a file.
func (d *Door) Admit(ctx context.Context, src Source, recs []Record) ([]Verdict, error) {
	verdicts, rejects, err := d.admit(ctx, src, recs)
	if err == nil && len(rejects) > 0 {
		d.refused(ctx, src, rejects[0].Seen, rejects)
	}
	return verdicts, err
}

// admit is Admit, but returns what was refused instead of keeping it.
func (d *Door) admit(ctx context.Context, src Source, recs []Record) ([]Verdict, []Reject, error) {
	if len(recs) == 0 {
		return nil, nil, nil
	}
	a, err := d.admission(ctx, src, recs)
	if err != nil {
		return nil, nil, err
	}
	verdicts := make([]Verdict, len(recs))
	var events []cairn.Event
	var place []int // of each event among the records
	var rejects []Reject
	for i, r := range recs {
		e, note, problem := a.event(r)
		if problem != nil {
			verdicts[i] = rejection(r, problem)
			rejects = append(rejects, a.reject(r, problem))
			continue
		}
		a.remember(e)
		verdicts[i].Note = note
		events, place = append(events, e), append(place, i)
	}
	var admitted []event.Admitted
	if len(events) > 0 {
		if admitted, err = d.Store.Append(ctx, events); err != nil {
			return nil, nil, err
		}
	}
	for j, i := range place {
		v := &verdicts[i]
		v.Index, v.Status, v.ID = recs[i].Index, a.status(events[j], admitted[j]), events[j].ID
	}
	if a.contract != nil {
		if err := d.Ledger.add(ctx, src.Name, a.contract, a.seen); err != nil {
			d.logger().ErrorContext(ctx, "breaches could not be counted", "source", src.Name, "cause", err)
		}
	}
	return verdicts, rejects, nil
}

// status says what became of an event that the store has taken.
func (a *admission) status(e cairn.Event, as event.Admitted) Status {
	switch {
	case as.Duplicate:
		return Duplicate
	case cairn.DayOf(e.At, a.zone) < cairn.DayOf(e.Seen, a.zone):
		return Late
	}
	return Accepted
}

// refused keeps what was refused. The other records are already safe by then,
// so a failure is told to the operator and not to the sender, who would send
// again.
func (d *Door) refused(ctx context.Context, src Source, seen time.Time, rejects []Reject) {
	n := Arrival{Source: src.Name, Hour: seen.Truncate(time.Hour), Last: seen, Rejected: int64(len(rejects))}
	if err := d.Store.Arrived(ctx, n, rejects); err != nil {
		d.logger().ErrorContext(ctx, "rejects could not be kept", "source", src.Name, "records", len(rejects), "cause", err)
	}
}

func (d *Door) logger() *slog.Logger {
	if d.Log == nil {
		return slog.Default()
	}
	return d.Log
}

// reject keeps a record that was refused, cut to the size of an event.
func (a *admission) reject(r Record, problem *cairn.Error) Reject {
	return Reject{
		Source: a.src.Name, State: RejectOpen, Seen: a.seen, Index: r.Index, File: a.src.File,
		Code: codeOf(problem), Field: problem.Field, Reason: problem.Text, Body: cut(r.Message(), MaxEvent),
		Person: a.named(r),
	}
}

// named returns whom a record that was refused names, and zero for nobody or
// when it cannot be told.
func (a *admission) named(r Record) cairn.PersonID {
	k := r.Keys
	if k.Person == "" && k.Anonymous == "" {
		m, _ := decodeObject([]byte(r.Body))
		k.Person, _ = textOf(m["userId"])
		k.Anonymous, _ = textOf(m["anonymousId"])
	}
	switch {
	case k.Person != "":
		return a.pepper.Person(a.src.Space, k.Person)
	case k.Anonymous != "":
		return a.pepper.Anonymous(a.src.Space, k.Anonymous)
	}
	return cairn.PersonID{}
}

// cut shortens s to at most n bytes without breaking a character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
