// Package work is the daily queue: the tasks of a person in the order in
// which they should be taken, and what is done with them. Every change is an
// event that goes in at the front door.
package work

import (
	"context"
	"time"

	"cairn"
)

// A Query asks for tasks.
type Query struct {
	Owner   string            // address; empty: everybody's; "-": nobody's
	Account cairn.AccountID   // zero: all
	States  []cairn.TaskState // empty: open, and snoozed ones whose time has come
	Limit   int               // 0 is 200
}

// An Item is a task in somebody's day, with the account and why it stands
// where it stands.
type Item struct {
	Task    cairn.Task
	Account cairn.Account
	AtRisk  cairn.Money // MRR that stands behind it
	Order   string      // why it is at this place, in words
	Version int64       // of the task; a change names the one it saw
}

// A Moved is an account whose level changed since a moment.
type Moved struct {
	Account cairn.Account
	From    cairn.Points
	To      cairn.Points
}

// A Store answers questions about tasks.
type Store interface {
	Tasks(ctx context.Context, scope cairn.Scope, q Query, now time.Time) ([]Item, error)
	Task(ctx context.Context, scope cairn.Scope, id cairn.RecordID) (Item, error)
	// Moved returns the accounts of an owner (empty: all) whose level moved
	// most between the last measurement before day and now, most first.
	Moved(ctx context.Context, scope cairn.Scope, owner string, day cairn.Day, limit int) ([]Moved, error)
	// ClosedSince counts tasks of an owner closed since t.
	ClosedSince(ctx context.Context, scope cairn.Scope, owner string, t time.Time) (int, error)
	// Version returns a number that grows whenever anything a page of this
	// account (zero: of any) shows has changed: for live updates.
	Version(ctx context.Context, id cairn.AccountID) (int64, error)
}
