// Package action is the log of effects: each is written down before it is
// done, under a key that makes it happen once, with why and its result.
package action

import (
	"context"
	"log/slog"
	"time"

	"cairn"
)

// A Store keeps the log of effects.
type Store interface {
	// Planned returns actions that are not yet done, oldest first.
	Planned(ctx context.Context, limit int) ([]cairn.Action, error)
	// Finish records the result of an action.
	Finish(ctx context.Context, id cairn.ActionID, state cairn.ActionState, result string, at time.Time) error
	// Actions returns the actions about an account, newest first.
	Actions(ctx context.Context, scope cairn.Scope, account cairn.AccountID, limit int) ([]cairn.Action, error)
}

// A Doer does actions of one kind. Doing one a second time must change
// nothing: after a crash it is asked again.
type Doer interface {
	Do(ctx context.Context, a cairn.Action) (result string, err error)
}

// StageName is what the performing of actions is called in the list of stages.
const StageName = "action"

// A Performer is the stage that has planned actions done.
type Performer struct {
	Store Store
	Doers map[string]Doer // by kind of action
	Log   *slog.Logger
}

// Beat has a bounded number of actions done, and reports whether there were
// any. A doer that is busy or unavailable ends the beat with its error; the
// action stays planned.
func (p *Performer) Beat(ctx context.Context, now time.Time) (worked bool, err error) {
	const most = 100
	planned, err := p.Store.Planned(ctx, most)
	if err != nil {
		return false, err
	}
	for _, a := range planned {
		state := cairn.Done
		result, err := p.do(ctx, a)
		if err != nil {
			switch cairn.KindOf(err) {
			case cairn.Busy, cairn.Unavailable, cairn.TooMany:
				return false, err
			}
			p.Log.Error("action failed", "action", a.ID.String(), "kind", a.Kind, "err", err)
			state, result = cairn.Failed, cairn.TextOf(err)
		}
		if err := p.Store.Finish(ctx, a.ID, state, result, now); err != nil {
			return false, err
		}
	}
	return len(planned) > 0, nil
}

func (p *Performer) do(ctx context.Context, a cairn.Action) (string, error) {
	d, ok := p.Doers[a.Kind]
	if !ok {
		return "", cairn.Errorf(cairn.Invalid, "Nothing here can do an action of kind %q.", a.Kind)
	}
	return d.Do(ctx, a)
}
