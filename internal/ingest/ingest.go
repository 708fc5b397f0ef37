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
	Name    string      // of the event; for records a verb such as "updated" may be left empty
	ID      string      // the producer's own id; empty: derived from the content
	At      time.Time   // when it happened, corrected for the sender's clock; zero: now
	Stamp   time.Time   // the sender's own timestamp, which a retry repeats; zero: none
	Keys    cairn.Keys  // as sent
	In      cairn.Space `json:"In,omitempty"` // of the account's key, where that is another than its source's: for what people do on pages
	Via     Via         // find the account through another record
	Product string
	N       int64          // 0 is 1
	Props   map[string]any // properties, or the fields of a patch (nil value: null, clears)
	Context map[string]any // Segment's context; all of it is personal but library and groupId
	Problem *cairn.Error   // why it could not be read; the door refuses it and keeps its body
	Body    string         // as sent, for the list of what was refused; empty: made of the fields
	Shared  *Shared        `json:"-"` // what Body leaves to its request; nil: nothing
}

// A Via names the record whose account an event belongs to when the event
// itself names no account: "the account of contract c-17".
type Via struct {
	Kind cairn.EventKind
	Key  string
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
