package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
)

// A river makes up what sources send: of all kinds, early and late, some of it
// twice, some to accounts that have more people than fit into one word.
type river struct {
	*rand.Rand
	sent []said
}

func (r *river) next(n int) []said {
	names := []string{"Report Created", "Export Run", "Page Viewed", "", "Interaction", "\x01odd"}
	var out []said
	for range n {
		if len(r.sent) > 0 && r.IntN(5) == 0 {
			out = append(out, r.sent[r.IntN(len(r.sent))])
			continue
		}
		s := said{
			id: fmt.Sprintf("r-%d", len(r.sent)), name: names[r.IntN(len(names))], source: []string{"product", "crm"}[r.IntN(2)],
			account: fmt.Sprintf("acct-%d", r.IntN(6)), person: fmt.Sprintf("person-%d", r.IntN(150)),
			at: epoch.Add(time.Duration(r.IntN(60*24)) * time.Hour), // over summer time's beginning
		}
		s.seen = s.at.Add(time.Duration(max(r.IntN(90)-45, 0)) * time.Hour)
		s.props = fmt.Sprintf(`{"plan":%q,"pages":%d,"value":%d.25,"mood":%q}`, []string{"gold", "free"}[r.IntN(2)], r.IntN(9), r.IntN(9), []string{"good", "bad", "odd"}[r.IntN(3)])
		switch r.IntN(10) {
		case 0:
			s.account = "" // lands in the person's stream
		case 1:
			s.person = ""
			if s.account == "" {
				s.account = "acct-0"
			}
		case 2:
			s.kind = cairn.Interaction
		case 3:
			s.kind, s.name, s.props = cairn.OfAccount, "updated", `{"plan":"gold"}`
		}
		r.sent, out = append(r.sent, s), append(out, s)
	}
	return out
}

// Rebuild is the contract of folding the log anew.
func Rebuild(t *testing.T, open Opener) {
	ctx := context.Background()
	zone, err := time.LoadLocation("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	counting := func(s *sqlstore.Store) *sqlstore.Store {
		s.Configure(signal.Settings{Zone: zone, Currency: "EUR", Metrics: []signal.Metric{paid}})
		return s
	}
	begin := func(t *testing.T, s *sqlstore.Store) int {
		t.Helper()
		gen, err := s.Grow(ctx, signal.StageName)
		if err != nil {
			t.Fatal(err)
		}
		return gen
	}
	swap := func(t *testing.T, s *sqlstore.Store, gen int) bool {
		t.Helper()
		swapped, err := s.Swap(ctx, signal.StageName, gen, epoch)
		if err != nil {
			t.Fatal(err)
		}
		return swapped
	}

	t.Run("ARebuildEndsWithTheRowsOfTheLiveFold", func(t *testing.T) {
		for seed := range uint64(4) {
			s := counting(open(t))
			rebuild(t, s) // so that both generations count the metric
			r := river{Rand: rand.New(rand.NewPCG(seed, 21))}
			live := &signal.Folder{Log: s, Store: s, Live: true}
			admit(t, s, r.next(350)...)
			fold(t, s, live)
			admit(t, s, r.next(50)...) // which the served one has not read
			gen := begin(t, s)
			builder := func() *signal.Rebuilder {
				return &signal.Rebuilder{Store: s, Gen: gen, Tallies: []int{15, 60, 150, 0}[r.IntN(4)]}
			}
			b, steps := builder(), 0
			for swapped := false; !swapped; swapped = swap(t, s, gen) {
				switch r.IntN(12) {
				case 0:
					b = builder() // as after SIGKILL: what is in memory is lost
				case 1:
					admit(t, s, r.next(3)...)
				case 2:
					if _, err := live.Beat(ctx, epoch); err != nil {
						t.Fatal(err)
					}
				}
				if steps++; steps > 20_000 {
					t.Fatal("the rebuild does not come to an end")
				}
				if steps%400 == 0 && b.Tallies < 50 { // few chances between two kills
					b.Tallies = 0
				}
				if _, err := b.Beat(ctx, epoch); err != nil {
					t.Fatal(err)
				}
			}
			fold(t, s, live)
			first := dump(t, s)
			if len(first) < 10_000 {
				t.Fatal("there is little to compare")
			}
			// What beats alone make of the same log.
			o := counting(open(t))
			samePeople(t, o, s)
			rebuild(t, o)
			lo := &signal.Folder{Log: o, Store: o, Live: true}
			for events := everything(t, s); len(events) > 0; {
				n := min(1+r.IntN(60), len(events))
				if _, err := o.Append(ctx, events[:n]); err != nil {
					t.Fatal(err)
				}
				events = events[n:]
				fold(t, o, lo)
			}
			if diff := cmp.Diff(numberless(t, o), numberless(t, s)); diff != "" {
				t.Fatalf("seed %d: a rebuild ends with other rows than the live fold (-live +rebuilt):\n%.2000s", seed, diff)
			}
			rebuild(t, s)
			if dump(t, s) != first {
				t.Errorf("seed %d: another rebuild ends with other bytes", seed)
			}
		}
	})

	t.Run("ARebuildBeginsWithWhatTheLogHasLost", func(t *testing.T) {
		s := counting(open(t))
		rebuild(t, s)
		r := river{Rand: rand.New(rand.NewPCG(5, 22))}
		live := &signal.Folder{Log: s, Store: s, Live: true}
		admit(t, s, append(r.next(300), said{id: "alone", account: "lost", person: "somebody"})...)
		fold(t, s, live)
		forget(t, s)
		for range 3 {
			admit(t, s, r.next(100)...)
			fold(t, s, live)
			before := dump(t, s)
			rebuild(t, s)
			if diff := cmp.Diff(before, dump(t, s)); diff != "" {
				t.Fatalf("after a part of the log was dropped a rebuild ends with other rows:\n%.2000s", diff)
			}
		}
		if n := len(everythingLeft(t, s)); n > 300 {
			t.Fatalf("%d events are in the log: nothing was dropped, so this shows nothing", n)
		}
	})

	t.Run("ALateNodeFoldsNothingIntoWhatIsServed", func(t *testing.T) {
		s := open(t)
		admit(t, s, history(40, 1)...)
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		gen := begin(t, s)
		late := &signal.Rebuilder{Store: s, Gen: gen}
		if worked, err := late.Beat(ctx, epoch); !worked || err != nil {
			t.Fatal(worked, err)
		}
		grow(t, s, &signal.Rebuilder{Store: s, Gen: gen})
		for range 2 { // whoever comes second is told the same
			if !swap(t, s, gen) {
				t.Fatal("a rebuild that has read everything is not swapped in, or not known to be")
			}
		}
		admit(t, s, history(60, 1)[40:]...)
		before := dump(t, s)
		for _, b := range []*signal.Rebuilder{late, {Store: s, Gen: gen}} {
			var err error
			for steps := 0; err == nil && steps < 1000; steps++ {
				_, err = b.Beat(ctx, epoch)
			}
			if cairn.KindOf(err) != cairn.Conflict {
				t.Errorf("a node that does not know that the rebuild is over goes on: %v", err)
			}
		}
		if dump(t, s) != before {
			t.Error("a node that does not know that the rebuild is over folded into what is served")
		}
		for _, explicit := range []int{gen, gen + 1} {
			if _, _, err := s.Cursors(ctx, signal.StageName, explicit); cairn.KindOf(err) != cairn.Conflict {
				t.Errorf("cursors of generation %d, which does not grow, are leased: %v", explicit, err)
			}
		}
	})

	t.Run("ASliceUnderALostLeaseIsNotWritten", func(t *testing.T) {
		s := open(t)
		admit(t, s, history(40, 1)...)
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		gen := begin(t, s)
		_, cursors, err := s.Cursors(ctx, signal.StageName, gen)
		if err != nil {
			t.Fatal(err)
		}
		row := signal.TallyRow{Stream: cairn.Space("").Account("acct-0").Stream(), Key: signal.Key{Day: 3, Name: "Never"}, N: 1}
		c := cursors[row.Stream.Partition()]
		for _, last := range []bool{false, true} {
			stale := c
			stale.Lease--
			b := signal.WholeBeat{Gen: gen, Moves: []signal.Move{{Cursor: stale, To: 1}}, Rows: []signal.TallyRow{row}, Last: last}
			if _, err := s.CommitWhole(ctx, b); cairn.KindOf(err) != cairn.Conflict {
				t.Errorf("under a lost lease a slice (last: %v) gives %v", last, err)
			}
		}
	})

	t.Run("WhatOnlyTheNewGenerationHasReadIsNews", func(t *testing.T) {
		s := open(t)
		at := epoch
		admit(t, s, said{id: "1", account: "old", at: at}, said{id: "2", account: "new", at: at}, said{id: "3", account: "late", at: at})
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		nobodyDue(t, s)
		gen := begin(t, s)
		admit(t, s, said{id: "4", account: "new", at: at}, said{id: "5", account: "late", at: at.AddDate(0, 0, -3), seen: at})
		grow(t, s, &signal.Rebuilder{Store: s, Gen: gen})
		if !swap(t, s, gen) {
			t.Fatal("it is not swapped in")
		}
		due, err := s.Due(ctx, at, 10)
		if err != nil {
			t.Fatal(err)
		}
		got := map[cairn.AccountID]bool{}
		for _, d := range due {
			got[d.Account] = d.Quiet
		}
		want := map[cairn.AccountID]bool{acct("old"): true, acct("new"): false, acct("late"): true}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after the swap accounts are due, quietly or not (-want +got):\n%s", diff)
		}
	})
}

// samePeople has a store know people under the same ids as another.
func samePeople(t testing.TB, s, as *sqlstore.Store) {
	t.Helper()
	p, err := as.Pepper(context.Background())
	if err == nil {
		err = s.UsePepper(context.Background(), [32]byte(p))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// numberless is what was counted, with people by their ids: their numbers
// depend on the order in which they came.
func numberless(t testing.TB, s *sqlstore.Store) map[string]map[signal.Key]tallied {
	t.Helper()
	out := map[string]map[signal.Key]tallied{}
	far := epoch.AddDate(1, 0, 0)
	for i := range 6 {
		account := fmt.Sprintf("acct-%d", i)
		out[account] = talliesOf(t, s, account, far)
	}
	volumes, err := s.Volumes(context.Background(), 0)
	if err != nil {
		t.Fatal(err)
	}
	counts := map[signal.Key]tallied{}
	for k, v := range volumes {
		counts[signal.Key{Product: k.Source, Day: k.Day, Name: k.Product + "/" + k.Name}] = tallied{N: v.N, Last: v.Last}
	}
	out["volumes"] = counts
	return out
}

// nobodyDue clears what is due.
func nobodyDue(t testing.TB, s *sqlstore.Store) {
	t.Helper()
	raw(t, s, `update due set at = 4102444800000000, quiet = 0`)
}

// forget drops every event that was folded, and keeps in generation 0 what it
// came to.
func forget(t testing.TB, s *sqlstore.Store) {
	t.Helper()
	const current = `(select current from generation where stage = 'fold')`
	raw(t, s, `insert into tally select 0, stream, product, day, name, n, total, last, people from tally where gen = `+current)
	raw(t, s, `insert into volume select 0, slot, day, product, name, source, n, last from volume where gen = `+current)
	raw(t, s, `delete from event`)
}

// raw runs a statement beside the store.
func raw(t testing.TB, s *sqlstore.Store, text string) {
	t.Helper()
	if err := s.Between(context.Background(), func(ctx context.Context, db *sql.DB) error {
		_, err := db.ExecContext(ctx, text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// everythingLeft reads what the log holds, which may have gaps.
func everythingLeft(t testing.TB, s *sqlstore.Store) (out []cairn.Event) {
	t.Helper()
	for p := range cairn.Partitions {
		es, err := s.After(context.Background(), p, 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, es...)
	}
	return slices.Clip(out)
}
