package storetest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
)

// fold folds everything that is there.
func fold(t testing.TB, s *sqlstore.Store, f *signal.Folder) {
	t.Helper()
	for {
		worked, err := f.Beat(context.Background(), epoch)
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			return
		}
	}
}

// history makes n events of a few accounts over some months, in order of At.
func history(n int, seed uint64) []said {
	r := rand.New(rand.NewPCG(seed, 7))
	names := []string{"Report Created", "Page Viewed", "Invite Sent", "Export Run"}
	var out []said
	for i := range n {
		s := said{
			id: fmt.Sprintf("h-%d", i), name: names[r.IntN(len(names))], account: fmt.Sprintf("acct-%d", r.IntN(4)),
			person: fmt.Sprintf("person-%d", r.IntN(12)), at: epoch.Add(time.Duration(i) * 3 * time.Hour),
			props: fmt.Sprintf(`{"value":%d.5}`, r.IntN(9)),
		}
		switch r.IntN(12) {
		case 0:
			s.account = "" // lands in the person's stream
		case 1:
			s.kind, s.name, s.props = cairn.OfAccount, "updated", fmt.Sprintf(`{"plan":"p%d"}`, r.IntN(3))
		case 2:
			s.kind, s.name, s.record, s.props = cairn.OfTicket, "updated", fmt.Sprintf("t-%d", r.IntN(9)), `{"status":"open","opened":"2026-03-05"}`
		}
		out = append(out, s)
	}
	return out
}

// state is what measuring sees of every account, in one form for all orders.
func state(t testing.TB, s *sqlstore.Store, now time.Time) map[string]string {
	t.Helper()
	out := map[string]string{}
	for i := range 4 {
		key := fmt.Sprintf("acct-%d", i)
		st, err := s.State(context.Background(), cairn.Space("").Account(key), now, now)
		if err != nil {
			t.Fatal(err)
		}
		out[key] = string(st.Canonical())
	}
	return out
}

// Fold is the contract of the fold and its rebuild.
func Fold(t *testing.T, open Opener) {
	ctx := context.Background()
	const n = 300
	now := epoch.Add(n * 3 * time.Hour)

	t.Run("ArrivalInAnyOrderEndsInTheSameState", func(t *testing.T) {
		events := history(n, 1)
		a, b := open(t), open(t)
		for _, s := range []*sqlstore.Store{a, b} { // so that people have the same ids in both
			if err := s.UsePepper(ctx, [32]byte{1}); err != nil {
				t.Fatal(err)
			}
		}
		admit(t, a, events...)
		fold(t, a, &signal.Folder{Log: a, Store: a, Live: true})
		shuffled := slices.Clone(events)
		rand.New(rand.NewPCG(3, 3)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		bf := &signal.Folder{Log: b, Store: b, Live: true}
		for part := range slices.Chunk(shuffled, 23) {
			admit(t, b, part...)
			fold(t, b, bf)
		}
		got, want := state(t, b, now), state(t, a, now)
		for key := range want {
			if got[key] != want[key] {
				t.Errorf("%s: shuffled arrival gives\n%s\nwant\n%s", key, got[key], want[key])
			}
		}
		if want["acct-0"] == string(signal.NewState(time.UTC).Canonical()) {
			t.Error("the state is empty, so this shows nothing")
		}
		rebuild(t, b)
		for key, after := range state(t, b, now) {
			if after != want[key] {
				t.Errorf("%s: a rebuild after shuffled arrival ends in another state", key)
			}
		}
	})

	t.Run("ARebuildEndsWithTheSameRowsAndDecidesNothing", func(t *testing.T) {
		s := open(t)
		f := &signal.Folder{Log: s, Store: s, Live: true}
		for part := range slices.Chunk(history(n, 2), 31) {
			admit(t, s, part...)
			fold(t, s, f)
		}
		before, rows := state(t, s, now), dump(t, s)
		rebuild(t, s)
		if after := dump(t, s); after != rows {
			t.Errorf("rows differ after the rebuild:\n%s\nwant\n%s", after, rows)
		}
		for key, want := range before {
			if got := state(t, s, now)[key]; got != want {
				t.Errorf("%s differs after the rebuild", key)
			}
		}
		// The fold goes on in the new generation.
		admit(t, s, said{id: "more", account: "acct-0", at: now})
		fold(t, s, f)
		if dump(t, s) == rows {
			t.Error("an event after the rebuild was not folded")
		}
	})

	t.Run("ALostLeaseCannotCommit", func(t *testing.T) {
		s := open(t)
		admit(t, s, said{id: "1", account: "acme"})
		gen, cursors, err := s.Cursors(ctx, signal.StageName, 0)
		if err != nil {
			t.Fatal(err)
		}
		b := signal.Beat{Gen: gen, Live: true}
		c := cursors[cairn.Space("").Account("acme").Stream().Partition()]
		c.Lease--
		b.Moves = []signal.Move{{Cursor: c, To: 1}}
		if _, err := s.CommitFold(ctx, b); cairn.KindOf(err) != cairn.Conflict {
			t.Errorf("a beat under a lost lease gives %v", err)
		}
	})
}

// rebuild folds the log into a new generation and swaps it in.
func rebuild(t testing.TB, s *sqlstore.Store) {
	t.Helper()
	ctx := context.Background()
	gen, err := s.Grow(ctx, signal.StageName)
	if err != nil {
		t.Fatal(err)
	}
	grow(t, s, &signal.Rebuilder{Store: s, Gen: gen})
	swapped, err := s.Swap(ctx, signal.StageName, gen, epoch)
	if err != nil || !swapped {
		t.Fatalf("swapped is %v, %v", swapped, err)
	}
	for more := true; more; {
		if more, err = s.Prune(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// grow does all that there is for a rebuild to do.
func grow(t testing.TB, s *sqlstore.Store, r *signal.Rebuilder) {
	t.Helper()
	for worked := true; worked; {
		var err error
		if worked, err = r.Beat(context.Background(), epoch); err != nil {
			t.Fatal(err)
		}
	}
}

// dump is every row of the current generation, in order.
func dump(t testing.TB, s *sqlstore.Store) string {
	t.Helper()
	text, err := s.DumpFold(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return text
}
