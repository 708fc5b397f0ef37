package postgres

import (
	"context"
	"database/sql"
	"log/slog"
	"testing"
	"time"

	"cairn"
	"cairn/internal/flow"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
	"cairn/internal/store/storetest"
	"cairn/internal/turn"
)

// cluster opens nodes on one database, each of which lives for a lease after
// it was last heard of.
func cluster(t *testing.T, lease time.Duration, n int) (nodes []*sqlstore.Store, address string) {
	t.Helper()
	address = storetest.PostgresURL(t)
	for range n {
		nodes = append(nodes, node(t, address, lease))
	}
	return nodes, address
}

func node(t *testing.T, address string, lease time.Duration) *sqlstore.Store {
	t.Helper()
	s, err := Open(context.Background(), address, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.SetLease(lease)
	t.Cleanup(func() { s.Close() })
	return s
}

// holds returns what a node holds, as a beat of its fold would find it.
func holds(t *testing.T, s *sqlstore.Store) []signal.Cursor {
	t.Helper()
	_, cs, err := s.Cursors(t.Context(), signal.StageName, 0)
	if err != nil {
		t.Fatal(err)
	}
	return cs
}

// shared waits until the nodes hold so many partitions each, and no
// partition is held by two, and returns how long that took.
func shared(t *testing.T, nodes []*sqlstore.Store, want ...int) time.Duration {
	t.Helper()
	start := time.Now()
	for {
		var got []int
		held := map[int]int{}
		for i, s := range nodes {
			cs := holds(t, s)
			got = append(got, len(cs))
			for _, c := range cs {
				held[c.Part] = i
			}
		}
		ok := len(held) == cairn.Partitions
		for i := range got {
			ok = ok && got[i] == want[i]
		}
		if ok {
			return time.Since(start)
		}
		if time.Since(start) > 20*time.Second {
			t.Fatalf("after 20 seconds the nodes hold %v of %d partitions, want %v", got, len(held), want)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestNodesShareThePartitions(t *testing.T) {
	const lease = 800 * time.Millisecond
	nodes, address := cluster(t, lease, 1)
	shared(t, nodes, 64)
	for range 2 {
		nodes = append(nodes, node(t, address, lease))
	}
	// Which of the three has the odd one is decided by their names.
	for _, s := range nodes {
		holds(t, s)
	}
	var total int
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		total = 0
		fair := true
		for _, s := range nodes {
			n := len(holds(t, s))
			total += n
			fair = fair && (n == 21 || n == 22)
		}
		if fair && total == 64 {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("three nodes hold %d partitions, unfairly", total)
		}
	}

	if err := nodes[0].Release(t.Context()); err != nil { // a server that stops
		t.Fatal(err)
	}
	shared(t, nodes[1:], 32, 32)

	if err := nodes[1].Close(); err != nil { // as a process that is killed: nothing is given back
		t.Fatal(err)
	}
	if took := shared(t, nodes[2:], 64); took < lease/4 || took > 4*lease {
		t.Errorf("what a dead node held was taken over after %v, with a lease of %v", took, lease)
	}
}

func TestANodeThatIsBusyIsNotTakenForDead(t *testing.T) {
	const lease = 600 * time.Millisecond
	nodes, _ := cluster(t, lease, 2)
	holds(t, nodes[0])
	holds(t, nodes[1])
	shared(t, nodes, 32, 32)
	before := holds(t, nodes[0])
	for end := time.Now().Add(4 * lease); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if n := len(holds(t, nodes[1])); n != 32 { // nodes[0] is in one long beat meanwhile
			t.Fatalf("the other node holds %d partitions while the first one works", n)
		}
	}
	if after := holds(t, nodes[0]); after[0] != before[0] || len(after) != len(before) {
		t.Errorf("the first node holds %v, held %v", after, before)
	}
}

// declareDead ends the life of a node as if it had slept for an hour.
func declareDead(t *testing.T, address string, s *sqlstore.Store) {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	time.Sleep(200 * time.Millisecond) // nodes that joined make the others say that they live
	if _, err := db.Exec("update node set until = 0 where name = $1", s.Node()); err != nil {
		t.Fatal(err)
	}
}

func TestANodeThatSleptCommitsNothing(t *testing.T) {
	// With a lease of an hour nobody says within the test that it lives.
	nodes, address := cluster(t, time.Hour, 2)
	slept, other := nodes[0], nodes[1]
	if _, err := storetest.Fill(slept, 10); err != nil {
		t.Fatal(err)
	}
	gen, cursors, err := slept.Cursors(t.Context(), signal.StageName, 0)
	if err != nil {
		t.Fatal(err)
	}
	ends, err := slept.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	beat := func() signal.Beat {
		b := signal.Beat{Gen: gen, Live: true, Streams: map[cairn.StreamID]*signal.Delta{}}
		for _, c := range cursors {
			if ends[c.Part] > 0 {
				b.Moves = append(b.Moves, signal.Move{Cursor: c, To: ends[c.Part]})
			}
		}
		return b
	}
	holds(t, other)
	declareDead(t, address, slept)
	shared(t, []*sqlstore.Store{other}, 64)

	if _, err := slept.CommitFold(t.Context(), beat()); cairn.KindOf(err) != cairn.Conflict {
		t.Errorf("a beat of a node that slept gives %v", err)
	}
	f := &signal.Folder{Log: other, Store: other, Live: true}
	for worked := true; worked; {
		if worked, err = f.Beat(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := slept.CommitFold(t.Context(), beat()); cairn.KindOf(err) != cairn.Conflict {
		t.Errorf("a beat of a node that slept, after another folded the same, gives %v", err)
	}
	// Once it is awake it has its share again.
	for _, s := range nodes {
		holds(t, s)
	}
}

func TestATurnOfANodeThatSleptIsLeftOut(t *testing.T) {
	nodes, address := cluster(t, time.Hour, 2)
	slept, other := nodes[0], nodes[1]
	if _, err := storetest.Fill(slept, 10); err != nil {
		t.Fatal(err)
	}
	f := &signal.Folder{Log: slept, Store: slept, Live: true}
	for worked := true; worked; {
		var err error
		if worked, err = f.Beat(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	due := func(s *sqlstore.Store, want int) []turn.Due {
		t.Helper()
		ds, err := s.Due(t.Context(), now, 10)
		if err != nil || len(ds) != want {
			t.Fatalf("%d accounts are due, want %d, %v", len(ds), want, err)
		}
		return ds
	}
	first := due(slept, 1)
	due(other, 0)
	declareDead(t, address, slept)
	second := due(other, 1)

	r := turn.Result{Due: first[0], At: now, Vector: cairn.Vector{Known: true, Level: 11}, Next: now.Add(time.Hour)}
	if err := slept.CommitTurns(t.Context(), []turn.Result{r}); err != nil {
		t.Fatal(err)
	}
	if a, err := other.Account(t.Context(), cairn.Everything, first[0].Account); err != nil || a.Vector.Known {
		t.Errorf("the turn of a node that slept was kept: %+v, %v", a.Vector, err)
	}
	// A turn that could not be taken is due again at once.
	other.GiveBack(second)
	due(other, 1)
}

// Nodes that work rebuild together, whichever of them comes to its end swaps,
// and one that was not told folds nothing into what is served.
func TestNodesRebuildTogether(t *testing.T) {
	nodes, _ := cluster(t, time.Minute, 2)
	one, two := nodes[0], nodes[1]
	if _, err := storetest.Fill(one, 300); err != nil {
		t.Fatal(err)
	}
	beat := func(f flow.Stage) bool {
		t.Helper()
		worked, err := f.Beat(t.Context(), time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		return worked
	}
	for _, s := range nodes {
		holds(t, s)
	}
	time.Sleep(100 * time.Millisecond)
	for range 2 { // until the first has given up the half of the second
		for _, s := range nodes {
			for f := (&signal.Folder{Log: s, Store: s, Live: true}); beat(f); {
			}
		}
		time.Sleep(100 * time.Millisecond)
	}
	before, err := one.DumpFold(t.Context())
	if err != nil || before == "" {
		t.Fatal(before, err)
	}
	gen, err := one.Grow(t.Context(), signal.StageName)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range nodes {
		for r := (&signal.Rebuilder{Store: s, Gen: gen}); beat(r); {
		}
		if _, cs, err := s.Cursors(t.Context(), signal.StageName, gen); err != nil || len(cs) != 32 {
			t.Fatalf("a node holds %d partitions of what grows, %v", len(cs), err)
		}
	}
	_, stale, err := one.Cursors(t.Context(), signal.StageName, gen)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // of two that come to the end one swaps, and both are done
		if swapped, err := two.Swap(t.Context(), signal.StageName, gen, time.Now()); err != nil || !swapped {
			t.Fatalf("swapped is %v, %v", swapped, err)
		}
	}
	b := signal.Beat{Gen: gen, Moves: []signal.Move{{Cursor: stale[0], To: stale[0].N + 1}}}
	if _, err := one.CommitFold(t.Context(), b); cairn.KindOf(err) != cairn.Conflict {
		t.Errorf("a beat of a rebuild that is over gives %v", err)
	}
	after, err := one.DumpFold(t.Context())
	if err != nil || after != before {
		t.Errorf("the rebuild ends with other rows, %v", err)
	}
	if _, err := two.Swap(t.Context(), signal.StageName, gen+7, time.Now()); cairn.KindOf(err) != cairn.Conflict {
		t.Errorf("a rebuild that was given up is swapped: %v", err)
	}
}

func TestAPersonErasedOnOneNodeIsForgottenByTheOthers(t *testing.T) {
	nodes, _ := cluster(t, time.Minute, 2)
	one, two := nodes[0], nodes[1]
	person, _, _ := storetest.Personal(t, one)
	known := func() bool {
		t.Helper()
		for p := range cairn.Partitions {
			events, err := two.After(t.Context(), p, 0, 100)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Person == person && len(e.Personal) > 0 {
					return true
				}
			}
		}
		return false
	}
	if !known() {
		t.Fatal("the other node reads nothing personal to begin with, so this test shows nothing")
	}
	if _, err := one.Erase(t.Context(), storetest.Eraser, person, ""); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(20 * time.Second); known(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("20 seconds after a person was erased another node still reads what was sealed")
		}
	}
}
