package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"cairn/internal/signal"
	"cairn/internal/web"
)

const recountName = "recount"

// A recounter is the stage that counts history again for a metric that tallies
// do not tell: in a generation beside the one that is served. It also goes on
// with a rebuild that a killed process left, and deletes what was replaced.
type recounter struct {
	app  *App
	want string            // the counters that fold tallies
	fold *signal.Rebuilder // under way; nil: none is
}

// Beat does a bounded part and reports whether there was any.
func (r *recounter) Beat(ctx context.Context, _ time.Time) (worked bool, err error) {
	a := r.app
	if !a.rebuild.TryLock() {
		return false, nil // a command rebuilds already
	}
	defer a.rebuild.Unlock()
	behind, err := a.Store.Behind(ctx)
	if err != nil {
		return false, err
	}
	if !behind {
		r.fold = nil
		a.growing.Store(nil)
		return a.Store.Prune(ctx)
	}
	return r.step(ctx)
}

// Rest leaves the door its room.
func (r *recounter) Rest(busy time.Duration) time.Duration {
	if r.fold == nil {
		return 0
	}
	return r.fold.Rest(busy)
}

// step does a part of the growing generation, and swaps it in as soon as it has
// come as far as the one that is served.
func (r *recounter) step(ctx context.Context) (worked bool, err error) {
	defer func() {
		if err != nil {
			r.fold = nil // another node may have given the generation up
			r.app.growing.Store(nil)
		}
	}()
	s := r.app.Store
	if want := fmt.Sprint(s.Settings().Counters()); r.fold == nil || want != r.want {
		gen, err := s.Grow(ctx, signal.StageName)
		if err != nil {
			return false, err
		}
		r.fold, r.want = &signal.Rebuilder{Store: s, Gen: gen}, want
		r.app.growing.Store(r.fold)
	}
	if worked, err = r.fold.Beat(ctx, time.Time{}); err != nil {
		return worked, err
	}
	swapped, err := s.Swap(ctx, signal.StageName, r.fold.Gen, r.app.Clock.Now())
	if swapped {
		r.fold = nil
		r.app.growing.Store(nil)
	}
	return worked || swapped, err
}

// grown is how many events the growing generation has counted, of how many; of
// is 0 when none grows.
func (a *App) grown(ctx context.Context) (done, of int64, err error) {
	done, of, err = a.Store.Grown(ctx)
	if r := a.growing.Load(); r != nil {
		done += r.Under()
	}
	return min(done, of), of, err
}

// configure puts in force what the book says now.
func (a *App) configure(ctx context.Context) error {
	defs, err := a.definitions(ctx)
	if err != nil {
		return err
	}
	a.Store.Configure(defs.Settings)
	return nil
}

// changed follows a change of what counts: it is in force at once, every
// account is measured again, and nothing is decided about that.
func (a *App) changed(ctx context.Context) error {
	return errors.Join(a.configure(ctx), a.Store.MeasureAll(ctx, a.Clock.Now()))
}

// fewWaiting is how many accounts may wait for being measured anew before
// pages tell of it: fewer are done before a page is read.
const fewWaiting = 20

// works remembers for a moment what is under way, since every open page asks.
type works struct {
	mu    sync.Mutex
	at    time.Time
	under []web.Progress
}

// progress are the long works under way.
func (a *App) progress() []web.Progress {
	a.works.mu.Lock()
	defer a.works.mu.Unlock()
	if time.Since(a.works.at) > time.Second {
		a.works.under, a.works.at = a.counting(), time.Now()
	}
	return append(a.feeds.list(), a.works.under...)
}

// counting is what is made anew: tallies from the log, else accounts from
// tallies.
func (a *App) counting() []web.Progress {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if done, of, err := a.grown(ctx); err == nil && of > 0 {
		return []web.Progress{{Name: "Counting history anew", Done: done, Of: of, Note: "events"}}
	}
	if quiet, all, err := a.Store.Waiting(ctx); err == nil && quiet > fewWaiting {
		return []web.Progress{{Name: "Measuring accounts anew", Done: all - quiet, Of: all, Note: "accounts"}}
	}
	return nil
}
