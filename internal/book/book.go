// Package book keeps definitions: models, rules, settings, sources … as
// revisions of pages, each with who wrote it and the moment from which it
// holds.
package book

import (
	"context"
	"encoding/json"
	"time"

	"cairn"
)

// A Revision is what one page said from At on.
type Revision struct {
	Page string          `json:"page"` // "model/default", "rule/level-low", "settings"
	Rev  int             `json:"rev"`  // from 1
	At   time.Time       `json:"at"`
	By   cairn.Actor     `json:"by"`
	Note string          `json:"note"`
	Body json.RawMessage `json:"body"`
}

// A Store keeps pages.
type Store interface {
	// Write adds a revision on top of revision base (0: the page is new); a
	// page that has moved on is a cairn.Conflict.
	Write(ctx context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (Revision, error)
	// Page returns the newest revision; cairn.NotFound when there is none.
	Page(ctx context.Context, page string) (Revision, error)
	// PageAt returns the revision that held at t.
	PageAt(ctx context.Context, page string, t time.Time) (Revision, error)
	// Pages returns the newest revision of every page whose name begins so.
	Pages(ctx context.Context, prefix string) ([]Revision, error)
	// Revisions returns all revisions of a page, newest first.
	Revisions(ctx context.Context, page string) ([]Revision, error)
}
