// Package event is the log: append, read after a position, and the few
// questions that are asked of history. The log never moves and never changes:
// a record keeps the keys as sent and its stream for ever.
package event

import (
	"context"
	"time"

	"cairn"
)

// An Admitted says what became of one appended event.
type Admitted struct {
	Pos       cairn.Position // zero for a duplicate
	Duplicate bool           // the same id from the same source was admitted before: nothing changed
	Late      bool           // At lies on an earlier day than Seen
}

// A Log is append-only, in [cairn.Partitions] partitions by stream. Within a
// partition positions start at 1, are given without gaps, and become visible in
// order: whoever has read up to n has missed nothing at or below n. Gaps come
// later, where old events are dropped because somebody set an end for them.
type Log interface {
	// Append admits the events in one transaction, in which it also updates
	// the state that they patch (accounts, people, records, streams). Either
	// all of it is on disk when it returns, or nothing is. Duplicates, also
	// within the call, change nothing; they are counted per source and hour
	// beside what was new. A full disk or a closing store is a
	// cairn.Unavailable error.
	Append(ctx context.Context, events []cairn.Event) ([]Admitted, error)
	// After returns at most limit events of one partition after position n,
	// in order, with their personal part opened where its key still exists.
	After(ctx context.Context, part int, n int64, limit int) ([]cairn.Event, error)
	// Ends returns the last position of each partition.
	Ends(ctx context.Context) ([cairn.Partitions]int64, error)
}

// A Query asks for part of an account's timeline, newest first.
type Query struct {
	Account cairn.AccountID
	Person  cairn.PersonID    // zero: everybody
	Kinds   []cairn.EventKind // empty: all
	Name    string            // contains, any case; empty: all
	Product string            // of this product; empty: of all
	From    time.Time         // At not before; zero: from the start
	To      time.Time         // At not after; zero: to the end
	Cursor  string            // from the page before; empty: from the newest
	Limit   int               // 1..500; 0 is 50
}

// A Page is part of a timeline.
type Page struct {
	Events []cairn.Event
	People map[cairn.PersonID]cairn.Person // those who occur in Events and are still known
	Next   string                          // cursor of the next page; empty: this was the last

	// Of the last page: how often something else happened that is not kept one
	// by one any more, and when the last of it did.
	Dropped   int64
	DroppedAt time.Time
}

// A History answers what pages ask of the past.
type History interface {
	Timeline(ctx context.Context, scope cairn.Scope, q Query) (Page, error)
	// Products returns the products of which an account has events, in order;
	// "" is the only or main one.
	Products(ctx context.Context, scope cairn.Scope, id cairn.AccountID) ([]string, error)
}
