package storetest

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/store/sqlstore"
)

// Feed is the contract of event.Feed.
func Feed(t *testing.T, open Opener) {
	t.Run("HoldsEverythingOnceAndInOrder", func(t *testing.T) { feedWhole(t, newWorld(t, open(t))) })
	t.Run("IsNarrowedByWhatEventsSay", func(t *testing.T) { feedFiltered(t, newWorld(t, open(t))) })
	t.Run("LosesNothingWhileManyWrite", func(t *testing.T) { s := open(t); FeedWhileWritten(t, s, s) })
}

// feed reads from a cursor to the end, page by page.
func (w *world) feed(q event.FeedQuery) []event.Fed {
	w.Helper()
	var out []event.Fed
	for {
		page, err := w.Feed(w.Context(), cairn.Everything, q)
		if err != nil {
			w.Fatal(err)
		}
		if most := q.Limit; most > 0 && len(page.Events) > most {
			w.Fatalf("a page of %d events, at most %d were asked for", len(page.Events), most)
		}
		out = append(out, page.Events...)
		if q.After = page.Cursor; !page.More {
			return out
		}
	}
}

// inOrder fails unless each partition's events follow each other.
func inOrder(t testing.TB, events []event.Fed) {
	t.Helper()
	var last event.Cursor
	for _, e := range events {
		if e.Pos.N <= last[e.Pos.Part] {
			t.Fatalf("position %s comes after %d", e.Pos, last[e.Pos.Part])
		}
		last[e.Pos.Part] = e.Pos.N
	}
}

func feedWhole(t *testing.T, w *world) {
	var batch []cairn.Event
	for i := range 700 {
		batch = append(batch, w.did(fmt.Sprintf("a%d", i%40), fmt.Sprintf("p%d", i%90), "Report Created", days(3)))
	}
	w.admit(batch...)
	for _, most := range []int{1, 7, 64, 10_000} {
		got := w.feed(event.FeedQuery{Limit: most})
		same(t, fmt.Sprint("events in pages of ", most), 700, len(got))
		inOrder(t, got)
	}
	page := must(w.Feed(t.Context(), cairn.Everything, event.FeedQuery{}))(t)
	same(t, "more", false, page.More)
	same(t, "the cursor at the end", event.Cursor(must(w.Ends(t.Context()))(t)), page.Cursor)
	same(t, "nothing after it", 0, len(w.feed(event.FeedQuery{After: page.Cursor})))
	for _, e := range page.Events {
		if e.Owner != acct(e.OwnerKey) || e.OwnerKey != e.Keys.Account || e.Keys.Person != "" {
			t.Fatalf("%+v", e)
		}
	}
	opened := w.feed(event.FeedQuery{Personal: true})
	same(t, "a person's key when it is asked for", true, opened[0].Keys.Person != "")
	for _, scope := range []cairn.Scope{{}, only("a1")} {
		same(t, "events in a scope", 0, len(must(w.Feed(t.Context(), scope, event.FeedQuery{}))(t).Events))
	}
}

func feedFiltered(t *testing.T, w *world) {
	w.admit(
		w.did("a1", "p1", "Report Created", days(3)),
		w.did("a1", "p2", "Report Shared", days(2)),
		w.did("a2", "p3", "Report Created", days(1)),
		w.did("", "p4", "Report Created", days(1)),
		w.an(cairn.OfContract, cairn.Keys{Account: "a2", Record: "c1"}, days(1), fields{"mrr": 1}, nil),
	)
	w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: "a1", Person: "p4"}, days(0), nil, nil)) // p4's stream becomes a1's
	for _, c := range []struct {
		name string
		q    event.FeedQuery
		want int
	}{
		{"name", event.FeedQuery{Name: "Report Created"}, 3},
		{"kind", event.FeedQuery{Kind: cairn.OfContract}, 1},
		{"source", event.FeedQuery{Source: "nobody"}, 0},
		{"since", event.FeedQuery{Since: days(1)}, 4},
		{"account, with a stream that came later", event.FeedQuery{Account: acct("a1")}, 4},
		{"account and name", event.FeedQuery{Account: acct("a1"), Name: "Report Created"}, 2},
		{"an account that nobody knows", event.FeedQuery{Account: acct("a9")}, 0},
	} {
		for _, most := range []int{1, 1000} {
			c.q.Limit = most
			got := w.feed(c.q)
			same(t, c.name, c.want, len(got))
			inOrder(t, got)
		}
	}
}

// FeedWhileWritten reads from one node while writers append through others,
// waiting on the bell: each event is read exactly once.
func FeedWhileWritten(t *testing.T, reader *sqlstore.Store, nodes ...*sqlstore.Store) {
	const writers, each = 6, 60
	w := newWorld(t, reader)
	bell, let := w.Hear("log")
	defer let()
	var writing sync.WaitGroup
	var done atomic.Bool
	var batches [writers][][]cairn.Event
	for i := range writers {
		for j := range each {
			var es []cairn.Event
			for k := range 5 {
				e := w.did(fmt.Sprintf("a%d", (i*7+j*3+k)%50), fmt.Sprintf("p%d", j), "Report Created", days(1))
				e.ID = cairn.EventID{ID: cairn.HashID("feed", fmt.Sprint(i, j, k))}
				es = append(es, e)
			}
			batches[i] = append(batches[i], es)
		}
	}
	for i := range writers {
		writing.Go(func() {
			for _, es := range batches[i] {
				if _, err := nodes[i%len(nodes)].Append(context.WithoutCancel(w.Context()), es); err != nil {
					t.Error(err)
				}
			}
		})
	}
	go func() { writing.Wait(); done.Store(true) }()
	seen := map[cairn.EventID]bool{}
	var after event.Cursor
	var all []event.Fed
	end := time.Now().Add(time.Minute)
	for len(seen) < writers*each*5 && time.Now().Before(end) {
		last := done.Load() // before the page: then it must hold everything
		page := must(w.Feed(t.Context(), cairn.Everything, event.FeedQuery{After: after, Limit: 37}))(t)
		var err error
		if after, err = event.ParseCursor(page.Cursor.String()); err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Events {
			if seen[e.ID] {
				t.Fatalf("%s is read twice", e.ID)
			}
			seen[e.ID] = true
		}
		all = append(all, page.Events...)
		if len(page.Events) > 0 || page.More {
			continue
		}
		if last {
			break
		}
		select {
		case <-bell:
		case <-time.After(100 * time.Millisecond):
		}
	}
	same(t, "read while they were written", writers*each*5, len(seen))
	inOrder(t, all)
	writing.Wait()
}
