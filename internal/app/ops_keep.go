package app

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/keep"
	"cairn/internal/signal"
)

// A KeepState tells how long events are kept, what the log holds, what was
// dropped, and how much room there is.
type KeepState struct {
	keep.Preview
	Rev     int              `json:"rev"` // of the policy; 0: nobody set anything
	At      time.Time        `json:"at,omitzero"`
	By      string           `json:"by,omitempty"`
	Begins  time.Time        `json:"drops_from,omitzero"` // nothing is dropped before
	Dropped []signal.Dropped `json:"dropped"`
	Room    keep.Status      `json:"room"`
}

// Keeping tells how events are kept.
var Keeping = Op[None, KeepState]{"keep", func(ctx context.Context, h House, _ None, _ func(Progress)) (out KeepState, err error) {
	p, rev, err := h.Keep.Policy(ctx)
	if err != nil {
		return out, err
	}
	if out.Preview, err = h.Keep.TryPolicy(ctx, p); err != nil {
		return out, err
	}
	out.Rev, out.At, out.By = rev.Rev, rev.At, rev.By.Name
	if rev.Rev > 0 {
		out.Begins = rev.At.Add(keep.Grace)
	}
	if out.Dropped, err = h.Keep.Store.Dropped(ctx); err != nil {
		return out, err
	}
	out.Room, err = h.Keep.RoomAhead(ctx, out.Preview)
	return out, err
}}

// A KeepChange changes the policy: one end, or the quota, or all of it as text,
// or to an earlier revision.
type KeepChange struct {
	Source string  `json:"source,omitempty"`
	Event  string  `json:"event,omitempty"`
	For    string  `json:"for,omitempty"`   // as [keep.End.Span] says
	Unset  bool    `json:"unset,omitempty"` // the end of source and event
	Quota  *int64  `json:"quota,omitempty"` // 0: the disk
	Text   *string `json:"text,omitempty"`
	Rev    *int    `json:"rev,omitempty"` // 0: as before anybody set anything
	Note   string  `json:"note,omitempty"`
	Try    bool    `json:"try,omitempty"` // only tell what it would mean
}

// A KeepChanged is what came of it.
type KeepChanged struct {
	keep.Preview
	Rev    int       `json:"rev,omitempty"`
	Begins time.Time `json:"drops_from,omitzero"`
}

// policy is the policy in force as c changes it.
func (c KeepChange) policy(p keep.Policy) (keep.Policy, error) {
	switch {
	case c.Text != nil:
		return keep.ParsePolicy(*c.Text)
	case c.Quota != nil:
		p.Quota = *c.Quota
	case c.Unset:
		if !p.Says(c.Source, c.Event) {
			return p, cairn.Errorf(cairn.NotFound, "There is no end for %s.", keep.End{Source: c.Source, Event: c.Event}.What())
		}
		p = p.Without(c.Source, c.Event)
	default:
		e := keep.End{Source: c.Source, Event: c.Event}
		if err := keep.ParseSpan(c.For, &e); err != nil {
			return p, err
		}
		p = p.With(e)
	}
	return p, p.Check()
}

// ChangeKeeping changes how long events are kept, or tells what that would mean.
var ChangeKeeping = Op[KeepChange, KeepChanged]{"keep-change", func(ctx context.Context, h House, c KeepChange, _ func(Progress)) (out KeepChanged, err error) {
	was, rev, err := h.Keep.Policy(ctx)
	if err != nil {
		return out, err
	}
	var r book.Revision
	if c.Rev != nil {
		r, err = h.Keep.Restore(ctx, cairn.House, *c.Rev)
	} else {
		var p keep.Policy
		if p, err = c.policy(was); err != nil {
			return out, err
		}
		if out.Preview, err = h.Keep.TryPolicy(ctx, p); err != nil || c.Try {
			return out, err
		}
		r, err = h.Keep.Save(ctx, cairn.House, p, rev.Rev, c.Note)
	}
	if err != nil {
		return out, err
	}
	out.Rev, out.Begins = r.Rev, r.At.Add(keep.Grace)
	return out, nil
}}

// KeepHistory lists the revisions of the policy.
var KeepHistory = Op[None, []book.Revision]{"keep-history", func(ctx context.Context, h House, _ None, _ func(Progress)) ([]book.Revision, error) {
	return h.Keep.History(ctx)
}}
