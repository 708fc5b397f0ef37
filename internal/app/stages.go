package app

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/action"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// Standing tells how the stages and the queues to the writer stand.
func (a *App) Standing(ctx context.Context) (Standing, error) {
	stages, err := a.Store.Stages(ctx, a.Clock.Now())
	if err != nil {
		return Standing{}, err
	}
	units := map[string]string{signal.StageName: "events", turn.StageName: "accounts", action.StageName: "actions"}
	var out Standing
	for _, s := range stages {
		out.Stages = append(out.Stages, Stage{Name: s.Stage, Unit: units[s.Stage], Position: s.Position, Lag: s.Lag, Growing: s.Growing > 0})
	}
	nodes, err := a.Store.Nodes(ctx)
	if err != nil {
		return Standing{}, err
	}
	for _, n := range nodes {
		out.Nodes = append(out.Nodes, Node{
			Name: n.Name, Kind: n.Kind, Works: n.Works, Alive: n.Alive, Since: n.Since, Silent: n.Quiet.Seconds(),
			Partitions: n.Parts, Lag: n.Lag, Turns: n.Turns,
		})
	}
	if out.Room, err = a.Keep.Room(ctx); err != nil {
		return Standing{}, err
	}
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	for _, l := range a.Store.Lanes() {
		out.Lanes = append(out.Lanes, Lane{Name: l.Lane, Count: l.Count, Queued: l.Queued, Waited: ms(l.Waited), Held: ms(l.Held), Longest: ms(l.Longest)})
	}
	return out, nil
}

// Rebuild makes what a stage derived anew from the log, beside what is
// served, and swaps. It decides nothing.
func (a *App) Rebuild(ctx context.Context, stage string, say func(done, of int64)) error {
	a.rebuild.Lock() // one at a time
	defer a.rebuild.Unlock()
	switch stage {
	case signal.StageName:
		return a.rebuildFold(ctx, say)
	case turn.StageName:
		return a.Store.MeasureAll(ctx, a.Clock.Now())
	}
	return cairn.Errorf(cairn.NotFound, "There is no stage %q to rebuild; there are %s and %s.", stage, signal.StageName, turn.StageName)
}

func (a *App) rebuildFold(ctx context.Context, say func(done, of int64)) error {
	gen, err := a.Store.Grow(ctx, signal.StageName)
	if err != nil {
		return err
	}
	r := &signal.Rebuilder{Store: a.Store, Gen: gen}
	a.growing.Store(r)
	defer a.growing.Store(nil)
	for swapped := false; !swapped; {
		begun := time.Now()
		worked, err := r.Beat(ctx, time.Time{})
		if cairn.KindOf(err) == cairn.Conflict { // another node may have come to its end
			worked, err = false, nil
		}
		if err != nil {
			return err
		}
		rest := r.Rest(time.Since(begun))
		if swapped, err = a.Store.Swap(ctx, signal.StageName, gen, a.Clock.Now()); err != nil {
			return err
		}
		done, of, err := a.grown(ctx)
		if err != nil {
			return err
		}
		if of > 0 {
			say(done, of)
		}
		if !worked && !swapped { // other nodes have parts of it
			rest = 100 * time.Millisecond
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(rest):
		}
	}
	for {
		more, err := a.Store.Prune(ctx)
		if err != nil || !more {
			return err
		}
	}
}
