package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/store/sqlstore"
)

// Log is the contract of the log.
func Log(t *testing.T, open Opener) {
	t.Run("WhatWasAppendedIsReadBackAsItWasSent", func(t *testing.T) {
		s := open(t)
		sent := admit(t, s, said{
			id: "1", account: "acme", person: "ann", at: epoch, seen: epoch.Add(time.Second),
			props: `{"plan":"pro"}`, secret: `{"email":"ann@acme.example"}`,
		})
		got, err := s.After(context.Background(), sent[0].Pos.Part, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(sent, got); diff != "" {
			t.Errorf("(-sent +read)\n%s", diff)
		}
	})

	t.Run("TheSameIdFromTheSameSourceChangesNothing", func(t *testing.T) {
		s := open(t)
		admit(t, s, said{id: "1", account: "acme"})
		// A retry may name another account, and land in another partition.
		again := admit(t, s, said{id: "1", account: "acme"}, said{id: "1", account: "zenith"}, said{id: "1", source: "crm", account: "acme"})
		if again[0].Pos.N != 0 || again[1].Pos.N != 0 {
			t.Errorf("retries were admitted at %v and %v", again[0].Pos, again[1].Pos)
		}
		if again[2].Pos.N == 0 {
			t.Error("the same id from another source was taken for a retry")
		}
		if n := len(everything(t, s)); n != 2 {
			t.Errorf("the log has %d events, want 2", n)
		}
	})

	t.Run("AnIdTwiceInOneCallIsAdmittedOnce", func(t *testing.T) {
		s := open(t)
		admit(t, s, said{id: "1", account: "acme"}, said{id: "1", account: "acme"}, said{id: "2", account: "acme"})
		if n := len(everything(t, s)); n != 2 {
			t.Errorf("the log has %d events, want 2", n)
		}
	})

	t.Run("ARetryWithoutATimestampIsKnownForTwoHours", func(t *testing.T) {
		s := open(t)
		ctx := context.Background()
		pepper, err := s.Pepper(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range []struct {
			after time.Duration
			dup   bool
		}{{0, false}, {time.Hour, true}, {2 * time.Hour, true}} {
			e := said{id: "1", account: "acme", seen: epoch.Add(c.after)}.event(pepper)
			e.Stamp = time.Time{}
			out, err := s.Append(ctx, []cairn.Event{e})
			if err != nil {
				t.Fatal(err)
			}
			if out[0].Duplicate != c.dup {
				t.Errorf("try %d, after %v: duplicate is %v", i, c.after, out[0].Duplicate)
			}
		}
	})

	t.Run("LateAndOutOfOrderEventsAreAdmittedInOrderOfArrival", func(t *testing.T) {
		s := open(t)
		sent := admit(t, s,
			said{id: "1", account: "acme", at: epoch, seen: epoch},
			said{id: "2", account: "acme", at: epoch.AddDate(0, -3, 0), seen: epoch.Add(time.Second)},
			said{id: "3", account: "acme", at: epoch.Add(-time.Hour), seen: epoch.Add(2 * time.Second)})
		for i, e := range sent {
			if e.Pos.N != int64(i+1) {
				t.Errorf("event %d is at %v", i, e.Pos)
			}
		}
	})

	t.Run("ReadersMissNothing", func(t *testing.T) { readersMissNothing(t, open(t)) })
}

// readersMissNothing has eight writers append while a reader follows every
// partition by position. A reader that has seen position n of a partition must
// have seen all before it, and in the end everything.
func readersMissNothing(t *testing.T, s *sqlstore.Store) {
	ctx := context.Background()
	const writers, batches, size = 8, 40, 10
	pepper, err := s.Pepper(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	var stop atomic.Bool
	for w := range writers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(w), 1))
			for b := range batches {
				var es []cairn.Event
				for i := range size {
					es = append(es, said{
						id: fmt.Sprintf("%d-%d-%d", w, b, i), account: fmt.Sprintf("acct-%d", r.IntN(50)), person: fmt.Sprintf("p-%d", r.IntN(20)),
						at: epoch.Add(time.Duration(r.IntN(100000)-90000) * time.Second), seen: epoch,
					}.event(pepper))
				}
				if _, err := s.Append(ctx, es); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	seen := map[cairn.EventID]bool{}
	var cursor [cairn.Partitions]int64
	follow := func() {
		for p := range cursor {
			es, err := s.After(ctx, p, cursor[p], 100)
			if err != nil {
				t.Error(err)
				return
			}
			for _, e := range es {
				if e.Pos.N != cursor[p]+1 {
					t.Errorf("partition %d: %d was read after %d", p, e.Pos.N, cursor[p])
				}
				cursor[p] = e.Pos.N
				seen[e.ID] = true
			}
		}
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !stop.Load() {
			follow()
		}
	}()
	wg.Wait()
	stop.Store(true)
	<-done
	for range 20 { // what is left
		follow()
	}
	if len(seen) != writers*batches*size {
		t.Errorf("the reader saw %d of %d events", len(seen), writers*batches*size)
	}
}
