// Package flow moves things along: named stages that do a bounded amount of
// work in a beat, woken by the commit before them and never by polling.
package flow

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"cairn"
)

// A Stage does a bounded amount of work in a beat and reports whether there
// was any. It commits its results and its cursor together.
type Stage interface {
	Beat(ctx context.Context, now time.Time) (worked bool, err error)
}

// A Rester is a stage that does better when work gathers: after a beat that
// worked it says how long it may rest, though there may be work, given for how
// long it has been busy since it rested last.
type Rester interface {
	Rest(busy time.Duration) time.Duration
}

// A Step is a stage with what wakes it.
type Step struct {
	Name  string
	Stage Stage
	Wake  <-chan struct{} // rung by the commit before it
	// Next returns when the stage has something to do though nothing wakes
	// it, in the time of Now; zero: never. Nil: never.
	Next func(ctx context.Context) (time.Time, error)
}

// A Flow runs steps, each in a goroutine of its own.
type Flow struct {
	Steps []Step
	Now   func() time.Time // the workspace's clock
	Log   *slog.Logger

	stop context.CancelFunc
	wg   sync.WaitGroup
}

// Start runs the steps until Stop. It returns at once.
func (f *Flow) Start(ctx context.Context) {
	ctx, f.stop = context.WithCancel(ctx)
	for _, s := range f.Steps {
		f.wg.Go(func() { f.run(ctx, s) })
	}
}

// Stop lets each step finish its beat and returns when all have. A flow that
// was not started stops at once.
func (f *Flow) Stop() {
	if f.stop == nil {
		return
	}
	f.stop()
	f.wg.Wait()
	f.stop = nil
}

// patient is how long a step waits at most for a database that is full or away.
const patient = 2 * time.Second

// longest is how long a step sleeps at most before it looks whether time
// alone gave it something to do, and how long it waits after repeated errors.
const longest = 30 * time.Second

func (f *Flow) run(ctx context.Context, s Step) {
	wait := 100 * time.Millisecond // after an error
	busy := time.Duration(0)       // since the last rest
	for ctx.Err() == nil {
		begun := time.Now()
		worked, err := s.Stage.Beat(context.WithoutCancel(ctx), f.Now())
		switch {
		case err != nil:
			if cairn.KindOf(err) == cairn.Unavailable {
				wait = min(wait, patient)
			}
			f.Log.Warn("stage will try again", "stage", s.Name, "after", wait, "err", err)
			f.sleep(ctx, nil, wait)
			wait = min(2*wait, longest)
		case worked:
			wait = 100 * time.Millisecond
			busy += time.Since(begun)
			if r, ok := s.Stage.(Rester); ok {
				if rest := r.Rest(busy); rest > 0 {
					f.sleep(ctx, nil, rest)
					busy = 0
				}
			}
		default:
			wait, busy = 100*time.Millisecond, 0
			f.sleep(ctx, s.Wake, f.until(ctx, s))
		}
	}
}

// until returns how long the step may sleep unless it is woken.
func (f *Flow) until(ctx context.Context, s Step) time.Duration {
	if s.Next == nil {
		return longest
	}
	next, err := s.Next(ctx)
	if err != nil || next.IsZero() {
		return longest
	}
	return min(max(next.Sub(f.Now()), time.Millisecond), longest)
}

func (f *Flow) sleep(ctx context.Context, wake <-chan struct{}, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-wake:
	case <-t.C:
	}
}

// Settle runs the steps, one after the other in order and in this goroutine,
// until none has anything left to do as of now. It must not be called while
// the flow runs.
func (f *Flow) Settle(ctx context.Context, now time.Time) error {
	for again := true; again; {
		again = false
		for _, s := range f.Steps {
			for {
				worked, err := s.Stage.Beat(ctx, now)
				if err != nil {
					return err
				}
				if !worked {
					break
				}
				again = true
			}
		}
	}
	return nil
}
