package account

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/event"
)

// MatchStage is what matching is called where stages are listed.
const MatchStage = "match"

// An Asked is an id of which something changed that it may be recognised by.
type Asked struct {
	ID   cairn.ID
	What cairn.What
	Mark int64
}

// Found is what speaks for whom an id may stand, or whose it may be.
type Found struct {
	Subject  cairn.Ref
	Root     cairn.ID // who a person is now
	Waits    bool     // it is nobody's yet
	People   []Chance // that a person may be
	Accounts []Chance // that an account may be, or a person belong to
}

// A MatchStore knows what was asked, and what speaks for whom.
type MatchStore interface {
	// Append admits the events that say what was decided.
	Append(ctx context.Context, events []cairn.Event) ([]event.Admitted, error)
	// Unmatched returns some that were asked about.
	Unmatched(ctx context.Context, limit int) ([]Asked, error)
	// Answered forgets them, unless they were asked about again.
	Answered(ctx context.Context, as []Asked) error
	// Chances returns what speaks for whom.
	Chances(ctx context.Context, what cairn.What, id cairn.ID) (Found, error)
}

// A Matcher is the stage that recognises accounts and people under ids that
// were not known as theirs. What it decides it says in an event, so that it
// can be seen, undone, and read again from the log without being decided
// again.
type Matcher struct {
	Store MatchStore
}

// Beat decides about some that were asked about and reports whether there
// were any.
func (m *Matcher) Beat(ctx context.Context, now time.Time) (worked bool, err error) {
	asked, err := m.Store.Unmatched(ctx, 100)
	if err != nil || len(asked) == 0 {
		return false, err
	}
	for _, a := range asked {
		// A match may make another possible: who somebody is, then where they belong.
		for range 3 {
			f, err := m.Store.Chances(ctx, a.What, a.ID)
			if err != nil {
				return true, err
			}
			t, ok := f.Tie()
			if !ok {
				break
			}
			if err := m.say(ctx, t, now); err != nil {
				return true, err
			}
		}
	}
	return true, m.Store.Answered(ctx, asked)
}

func (m *Matcher) say(ctx context.Context, t cairn.Tie, now time.Time) error {
	t.At = now
	e, err := t.Event(now)
	if err != nil {
		return err
	}
	_, err = m.Store.Append(ctx, []cairn.Event{e})
	return err
}

// Tie returns what follows from f without asking anybody, if anything does.
func (f Found) Tie() (cairn.Tie, bool) {
	if c, ok := Decide(f.People); ok {
		subject, target := f.Subject, c.Who
		if c.Who.Space != "" && c.Own == "" { // the shared id is the one that stays
			subject, target = target, cairn.Ref{What: cairn.APerson, ID: f.Root}
		}
		return matched(cairn.Into, subject, target, c.Why), true
	}
	if !f.Waits {
		return cairn.Tie{}, false
	}
	c, ok := Decide(f.Accounts)
	if !ok {
		return cairn.Tie{}, false
	}
	slot := cairn.Into
	if f.Subject.What != cairn.AnAccount {
		slot = cairn.Home
	}
	return matched(slot, f.Subject, c.Who, c.Why), true
}

// matched is a tie whose id is the same whoever makes it, so that two nodes
// say it once.
func matched(slot cairn.Slot, subject, target cairn.Ref, why string) cairn.Tie {
	subject.Space, target.Space = spaceOf(subject), spaceOf(target)
	return cairn.Tie{
		ID:   cairn.EventID{ID: cairn.HashID("matched", string(slot), subject.ID.String(), target.ID.String())},
		Slot: slot, Subject: subject, Target: target, Why: why, By: "Cairn",
	}
}

// spaceOf leaves the space of people out: only accounts' ids are readable.
func spaceOf(r cairn.Ref) cairn.Space {
	if r.What == cairn.AnAccount {
		return r.Space
	}
	return ""
}
