package ingest

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/event"
)

// A Record is what a sender said, before it is admitted.
type Record struct {
	Index   int // its place in the request or file, for verdicts
	Kind    cairn.EventKind
	Name    string     // of the event; for records a verb such as "updated" may be left empty
	ID      string     // the producer's own id; empty: derived from the content
	At      time.Time  // when it happened, corrected for the sender's clock; zero: now
	Stamp   time.Time  // the sender's own timestamp, which a retry repeats; zero: none
	Keys    cairn.Keys // as sent
	Via     Via        // find the account through another record
	Product string
	N       int64          // 0 is 1
	Props   map[string]any // properties, or the fields of a patch (nil value: null, clears)
	Context map[string]any // Segment's context; all of it is personal but library and groupId
	Problem *cairn.Error   // why it could not be read; the door refuses it and keeps its body
	Body    string         // as sent, for the list of what was refused; empty: made of the fields
}

// A Via names the record whose account an event belongs to when the event
// itself names no account: "the account of contract c-17".
type Via struct {
	Kind cairn.EventKind
	Key  string
}

// SeveralRule says what becomes of a call without an account whose user
// belongs to several.
type SeveralRule string

// The rules for users of several accounts.
const (
	Unclaimed SeveralRule = "unclaimed" // the default: it waits
	Latest    SeveralRule = "latest"    // the account of the latest group call by At
)

// A Source is a sender as the workspace knows it.
type Source struct {
	Name     string      `json:"name"`  // unique, such as "segment" or "crm"
	Space    cairn.Space `json:"space"` // which ids it uses
	Several  SeveralRule `json:"several"`
	Personal []string    `json:"personal"` // properties it declares personal besides what looks so
	Plain    []string    `json:"plain"`    // properties it declares not personal
	File     bool        `json:"-"`        // records come from a file: a time in the future is rejected, not corrected
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

// A Reject is a record that was refused, kept so that it can be mended. Its
// body is sealed like everything personal.
type Reject struct {
	ID     int64     `json:"id"`
	Source string    `json:"source"`
	Seen   time.Time `json:"seen"`
	Index  int       `json:"index"`
	Code   string    `json:"code"`
	Field  string    `json:"field"`
	Reason string    `json:"reason"`
	Body   string    `json:"body,omitempty"` // the record as JSON, at most 32 KiB
}

// A Store is what the door needs.
type Store interface {
	event.Log
	// Pepper returns the workspace's secret for people's keys; made at first use.
	Pepper(ctx context.Context) (cairn.Pepper, error)
	// Owners returns the account and person that known records belong to.
	Owners(ctx context.Context, ids []cairn.RecordID) (map[cairn.RecordID]Owner, error)
	// Arrived adds to the counts of a source and keeps what was rejected. What
	// is appended is counted by Append, in its transaction.
	Arrived(ctx context.Context, a Arrival, rejects []Reject) error
}

// An Owner is whom a record belongs to; both may be zero.
type Owner struct {
	Account cairn.AccountID
	Key     string // the account's key as sent
	Person  cairn.PersonID
	Stream  cairn.StreamID // where the record's patches have landed so far
}

// Sources are read by the Sources page and the command line.
type Sources interface {
	Source(ctx context.Context, name string) (Source, error) // cairn.NotFound when there is none
	SourceByKey(ctx context.Context, writeKey string) (Source, error)
	SaveSource(ctx context.Context, by cairn.Actor, s Source) error
	// NewKey makes a write key for a source and returns it; only its hash is kept.
	NewKey(ctx context.Context, by cairn.Actor, source string) (string, error)
	Summaries(ctx context.Context, scope cairn.Scope, now time.Time) ([]Summary, error)
	Rejects(ctx context.Context, scope cairn.Scope, source string, limit int) ([]Reject, error)
}

// A Summary is one source on the Sources page.
type Summary struct {
	Source Source    `json:"source"`
	Keys   []string  `json:"keys"`  // as "wk_1a2b…", never whole
	Total  Arrival   `json:"total"` // of all time
	Hours  []Arrival `json:"hours"` // the last 48 hours, oldest first, gaps filled with zeros
}
