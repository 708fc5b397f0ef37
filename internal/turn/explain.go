package turn

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

// A StateStore loads what measuring needs.
type StateStore interface {
	State(ctx context.Context, id cairn.AccountID, from, to time.Time) (*signal.State, error)
	// Today adds to a state what happened on the day of t until t.
	Today(ctx context.Context, id cairn.AccountID, st *signal.State, t time.Time) error
	// PastYardsticks returns those that were made on the days.
	PastYardsticks(ctx context.Context, from, to cairn.Day) (signal.Yard, error)
	Silences
}

// An Explainer measures and rates accounts as of any moment, from history and
// as the definitions in force see it.
type Explainer struct {
	Store       StateStore
	Definitions func(ctx context.Context) (Definitions, error)
	Now         func() time.Time
	// Models returns the models that were in force at t; nil: those that are.
	Models func(ctx context.Context, t time.Time) (vector.Models, error)
}

// Explain returns the vector of an account as of t, zero being now, and the
// signals behind it.
func (x Explainer) Explain(ctx context.Context, scope cairn.Scope, id cairn.AccountID, t time.Time) (cairn.Vector, cairn.Signals, error) {
	if !scope.Sees(id) {
		return cairn.Vector{}, nil, cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	defs, err := x.Definitions(ctx)
	if err != nil {
		return cairn.Vector{}, nil, err
	}
	now := x.Now()
	if t.IsZero() || t.After(now) {
		t = now
	}
	of, err := gaps(ctx, x.Store, []cairn.AccountID{id}, t.Add(-defs.trail()), t)
	if err != nil {
		return cairn.Vector{}, nil, err
	}
	from := t
	if old := signal.Oldest(of[id]); tooOld(old, defs.trail(), t) {
		from = old
	}
	st, err := x.state(ctx, defs, id, from, t, now)
	if err != nil {
		return cairn.Vector{}, nil, err
	}
	yard, err := x.Store.PastYardsticks(ctx, dayOf(t, defs)-defs.lookBack(), dayOf(t, defs))
	if err != nil {
		return cairn.Vector{}, nil, err
	}
	measure := defs.Catalogue.Through(of[id], defs.measure(st, yard))
	sig := measure(t)
	v := defs.Models.For(sig).Vector(but(measure, t, sig), defs.Settings.Zone, t)
	defs.Catalogue.Note(of[id], v.Trail)
	return v, sig, nil
}

// state loads the state for a moment and those before it from another on. Tallies are by day, so of a day that is
// not over at t the events up to t are folded again.
func (x Explainer) state(ctx context.Context, defs Definitions, id cairn.AccountID, from, t, now time.Time) (*signal.State, error) {
	start := cairn.DayOf(t, defs.Settings.Zone).Start(defs.Settings.Zone)
	if cairn.DayOf(t, defs.Settings.Zone) == cairn.DayOf(now, defs.Settings.Zone) && !t.Before(now) {
		return x.Store.State(ctx, id, from, t)
	}
	st, err := x.Store.State(ctx, id, from, start.Add(-time.Microsecond))
	if err != nil {
		return nil, err
	}
	return st, x.Store.Today(ctx, id, st, t)
}

// Levels returns the levels at each of the moments, which are in order.
func (x Explainer) Levels(ctx context.Context, scope cairn.Scope, id cairn.AccountID, at []time.Time) ([]cairn.Mark, error) {
	if !scope.Sees(id) {
		return nil, cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	if len(at) == 0 {
		return nil, nil
	}
	defs, err := x.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	of, err := gaps(ctx, x.Store, []cairn.AccountID{id}, at[0], at[len(at)-1])
	if err != nil {
		return nil, err
	}
	from := at[0]
	if old := signal.Oldest(of[id]); !old.IsZero() && old.Before(from) {
		from = old
	}
	st, err := x.Store.State(ctx, id, from, at[len(at)-1])
	if err != nil {
		return nil, err
	}
	yard, err := x.Store.PastYardsticks(ctx, dayOf(at[0], defs)-7, dayOf(at[len(at)-1], defs))
	if err != nil {
		return nil, err
	}
	measure := defs.Catalogue.Through(of[id], defs.measure(st, yard))
	// As the model in force for the account sees them, one for the whole series.
	model := defs.Models.For(measure(at[len(at)-1]))
	measure = model.Carrying(measure, defs.Settings.Zone)
	out := make([]cairn.Mark, len(at))
	for i, t := range at {
		level, known := model.Level(measure(t))
		out[i] = cairn.Mark{At: t, Level: level, Known: known}
	}
	defs.Catalogue.Note(of[id], out)
	return out, nil
}

// Together measures two accounts as the one that they would be.
func (x Explainer) Together(ctx context.Context, scope cairn.Scope, a, b cairn.AccountID) (cairn.Vector, error) {
	if !scope.Sees(a) || !scope.Sees(b) {
		return cairn.Vector{}, cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	defs, err := x.Definitions(ctx)
	if err != nil {
		return cairn.Vector{}, err
	}
	now := x.Now()
	st, err := x.state(ctx, defs, a, now, now, now)
	if err != nil {
		return cairn.Vector{}, err
	}
	other, err := x.state(ctx, defs, b, now, now, now)
	if err != nil {
		return cairn.Vector{}, err
	}
	for i, f := range other.Facts {
		if f.Kind == cairn.OfAccount {
			other.Facts[i].Record = a.Record()
		}
	}
	st.Merge(other)
	yard, err := x.Store.PastYardsticks(ctx, dayOf(now, defs)-defs.lookBack(), dayOf(now, defs))
	if err != nil {
		return cairn.Vector{}, err
	}
	measure := defs.measure(st, yard)
	sig := measure(now)
	return defs.Models.For(sig).Vector(but(measure, now, sig), defs.Settings.Zone, now), nil
}
