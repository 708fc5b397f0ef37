package flow

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// A counter is a stage with some work left, which it may pass on.
type counter struct {
	left, beats int
	err         error
	then        func()
}

func (c *counter) Beat(context.Context, time.Time) (bool, error) {
	c.beats++
	if c.err != nil {
		return false, c.err
	}
	if c.left == 0 {
		return false, nil
	}
	c.left--
	if c.then != nil {
		c.then()
	}
	return true, nil
}

func TestSettleGoesRoundUntilNobodyHasAnythingLeft(t *testing.T) {
	first, last := &counter{left: 3}, &counter{left: 2}
	last.then = func() { first.left++ } // what the last does comes in at the front door again
	f := Flow{Steps: []Step{{Name: "first", Stage: first}, {Name: "last", Stage: last}}}
	if err := f.Settle(t.Context(), time.Time{}); err != nil {
		t.Fatal(err)
	}
	if first.left != 0 || last.left != 0 {
		t.Errorf("%d and %d are left", first.left, last.left)
	}
	last.err = errors.New("no")
	if err := f.Settle(t.Context(), time.Time{}); !errors.Is(err, last.err) {
		t.Errorf("an error is lost: %v", err)
	}
}

func TestAStepSleepsUntilItIsWokenOrItsTimeComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, wake := &counter{}, make(chan struct{}, 1)
		due := time.Now().Add(10 * time.Second)
		f := Flow{Now: time.Now, Log: slog.New(slog.DiscardHandler), Steps: []Step{{
			Name: "c", Stage: c, Wake: wake,
			Next: func(context.Context) (time.Time, error) {
				if time.Now().Before(due) {
					return due, nil
				}
				return time.Time{}, nil
			},
		}}}
		f.Start(t.Context())
		at := func(d time.Duration, beats int, why string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if c.beats != beats {
				t.Errorf("%s: %d beats, want %d", why, c.beats, beats)
			}
		}
		at(9*time.Second, 1, "before anything happens")
		wake <- struct{}{}
		at(0, 2, "woken")
		at(time.Second, 3, "its time has come")
		at(longest-time.Second, 3, "nothing more is due")
		at(time.Second, 4, "it looks by itself")
		f.Stop()
		at(time.Hour, 4, "stopped")
	})
}

func TestAStageThatFailsIsTriedAgainEverMoreSlowly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{err: errors.New("no")}
		f := Flow{Now: time.Now, Log: slog.New(slog.DiscardHandler), Steps: []Step{{Name: "c", Stage: c}}}
		f.Start(t.Context())
		time.Sleep(time.Second) // after 0, 100, 300 and 700 ms
		synctest.Wait()
		if c.beats != 4 {
			t.Errorf("%d tries in the first second, want 4", c.beats)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if c.beats < 100 || c.beats > 150 {
			t.Errorf("%d tries in an hour, want one in %v", c.beats, longest)
		}
		f.Stop()
	})
}

func TestAFlowThatWasNotStartedStops(t *testing.T) { new(Flow).Stop() }
