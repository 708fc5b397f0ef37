package ingest

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/book"
)

// SeveralRule says what becomes of a call without an account whose user
// belongs to several.
type SeveralRule string

// The rules for users of several accounts.
const (
	Unclaimed SeveralRule = "unclaimed" // the default: it waits
	Latest    SeveralRule = "latest"    // the account of the latest group call by At
	Primary   SeveralRule = "primary"   // the account of the first group call by At; one set by hand comes before
)

// A Source is a sender as the workspace knows it.
type Source struct {
	Name     string      `json:"name"`  // unique, such as "segment" or "crm"
	Space    cairn.Space `json:"space"` // which ids it uses
	Several  SeveralRule `json:"several"`
	Personal []string    `json:"personal"` // properties it declares personal besides what looks so
	Plain    []string    `json:"plain"`    // properties it declares not personal

	Verifies bool    `json:"verifies,omitempty"` // the domains of accounts that it states are verified: others are matched by them
	Product  Product `json:"product,omitzero"`   // which product its events are of

	Cadence  *Cadence  `json:"cadence,omitempty"`  // how often it is expected to send; nil: whenever it likes
	Contract *Contract `json:"contract,omitempty"` // what it has agreed to send; nil: anything
	// Distrust is the share of records that break the contract, in percent of
	// an hour's, from which what it sends is not measured by; 0: never.
	Distrust int `json:"distrust,omitempty"`

	Rev  int               `json:"rev,omitempty"` // of its page in the book; set by whoever reads it
	File bool              `json:"-"`             // records come from a file: a time in the future is rejected, not corrected
	Only []cairn.EventKind `json:"-"`             // what the key in use may write; empty: everything
}

// A Product says which product an event is of when the record itself does not:
// what a property says, else what the name of the sending app stands for, else
// a fixed one.
type Product struct {
	Property string            `json:"property,omitempty" yaml:"property,omitempty"` // such as "product"; it is read and stays among the properties
	Apps     map[string]string `json:"apps,omitempty" yaml:"apps,omitempty"`         // context.app.name → product
	Default  string            `json:"default,omitempty" yaml:"default,omitempty"`   // empty: the only or main product
}

// SpaceCalled returns the space that a text such as a key of external_ids
// names: "common", "product" and "" are the one that sources share.
func SpaceCalled(name string) cairn.Space {
	switch name {
	case "common", "product", "":
		return ""
	}
	return cairn.Space(name)
}

// An Arrival is what a source sent within one hour. Every record is counted
// once: a late one is not among the accepted.
type Arrival struct {
	Source    string    `json:"source"`
	Hour      time.Time `json:"hour"`
	Accepted  int64     `json:"accepted"`
	Duplicate int64     `json:"duplicate"`
	Late      int64     `json:"late"`
	Rejected  int64     `json:"rejected"`
	Last      time.Time `json:"last"` // when the newest arrived
}

// Sources are read by the Sources page and the command line.
type Sources interface {
	Source(ctx context.Context, name string) (Source, error) // cairn.NotFound when there is none
	// SaveSource adds or changes a source, and keeps what it said as a revision
	// of the book's page "source/NAME". A source with a Rev must be the newest
	// one, or it is a cairn.Conflict.
	SaveSource(ctx context.Context, by cairn.Actor, s Source, note string, at time.Time) error
	Summaries(ctx context.Context, scope cairn.Scope, now time.Time) ([]Summary, error)
	// Sample returns some of the newest events of a source, for a look at what it
	// sends.
	Sample(ctx context.Context, scope cairn.Scope, source string, since time.Time) ([]cairn.Event, error)
	// Arrivals returns what a source sent in each hour from a moment on in which
	// it sent anything, oldest first.
	Arrivals(ctx context.Context, scope cairn.Scope, source string, from time.Time) ([]Arrival, error)
	// Breaches returns how often its contract was broken in each hour from a
	// moment on, oldest first.
	Breaches(ctx context.Context, scope cairn.Scope, source string, from time.Time) ([]Breach, error)
	Rejects(ctx context.Context, scope cairn.Scope, source string, limit int) ([]Reject, error)
	Keys
	Alarms
	// Revisions returns what the book says of a source and of its keys, newest
	// first: the pages "source/NAME" and "source/NAME/keys".
	Revisions(ctx context.Context, page string) ([]book.Revision, error)
}

// A Summary is one source on the Sources page.
type Summary struct {
	Source Source    `json:"source"`
	Keys   []Key     `json:"keys"`             // oldest first, also those that have ended
	Total  Arrival   `json:"total"`            // of all time
	Hours  []Arrival `json:"hours"`            // the last 48 hours, oldest first, gaps filled with zeros
	Alarms []Alarm   `json:"alarms,omitempty"` // those that last, the newest first
}

// A State is how a source is doing.
type State string

// The states of sources, the worst first. Of several the worst is told.
const (
	IsSilent    State = "silent"
	IsUntrusted State = "untrusted"
	IsDrifting  State = "drifting"
	IsOdd       State = "unusual"
	IsAwaited   State = "never heard"
	IsFine      State = "fine"
	IsUnwatched State = "heard" // nothing is agreed by which to tell
)

var stateOf = []struct {
	kind  AlarmKind
	state State
}{{Silent, IsSilent}, {Untrusted, IsUntrusted}, {Drifting, IsDrifting}, {Volume, IsOdd}}

// State says how the source is doing and why.
func (s Summary) State() (State, string) {
	for _, o := range stateOf {
		for _, a := range s.Alarms {
			if a.Kind == o.kind {
				return o.state, a.Why
			}
		}
	}
	switch {
	case s.Total.Last.IsZero():
		return IsAwaited, "Nothing has arrived yet."
	case s.Source.Cadence == nil && s.Source.Contract == nil:
		return IsUnwatched, "Nothing is agreed with it, so that its silence is not noticed."
	case s.Source.Cadence == nil:
		return IsFine, "It sends what was agreed. Its silence is not noticed."
	}
	return IsFine, "Expected " + s.Source.Cadence.String() + "."
}
