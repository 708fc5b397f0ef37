package storetest

import (
	"context"
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

// tallied is a tally with its people by name, to be compared with a recount.
type tallied struct {
	N, Sum int64
	Last   time.Time
	People []string
}

// paid is a metric that tallies by name cannot tell.
var paid = signal.Metric{
	Name: "paid_exports", Title: "Paid exports", Count: signal.CountSum, Property: "pages", Days: 28, Events: []string{"Export Run"},
	Where: []signal.Test{{Field: "plan", Op: "in", Value: []any{"gold", "silver"}}, {Field: "pages", Op: "at_least", Value: 3.0}},
}

func paidKey(t testing.TB) string {
	t.Helper()
	counters := signal.Settings{Metrics: []signal.Metric{paid}}.Counters()
	if len(counters) != 1 {
		t.Fatal("a metric that filters needs a counter")
	}
	return counters[0].Key()
}

// usageOf makes n events with properties, in order of At.
func usageOf(n int, seed uint64) []said {
	r := rand.New(rand.NewPCG(seed, 11))
	names, plans := []string{"Report Created", "Page Viewed", "Export Run"}, []string{"gold", "silver", "free"}
	var out []said
	for i := range n {
		out = append(out, said{
			id: fmt.Sprintf("u-%d", i), name: names[r.IntN(len(names))], account: fmt.Sprintf("acct-%d", r.IntN(3)),
			person: fmt.Sprintf("person-%d", r.IntN(40)), at: epoch.Add(time.Duration(i) * 37 * time.Minute),
			props: fmt.Sprintf(`{"plan":%q,"pages":%d,"value":%d}`, plans[r.IntN(len(plans))], r.IntN(7), r.IntN(5)),
			seen:  epoch.Add(time.Duration(i)*37*time.Minute + time.Duration(r.IntN(72))*time.Hour),
		})
	}
	return out
}

// recount tallies events of an account without the fold: plainly, one by one.
func recount(t testing.TB, s *sqlstore.Store, events []said, account, paidKey string) map[signal.Key]tallied {
	t.Helper()
	pepper, err := s.Pepper(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out, known := map[signal.Key]tallied{}, map[string]bool{}
	count := func(k signal.Key, e cairn.Event, sum int64) {
		c := out[k]
		c.N++
		c.Sum += sum
		if e.At.After(c.Last) {
			c.Last = e.At
		}
		if who := e.Person.String(); !slices.Contains(c.People, who) {
			c.People = append(c.People, who)
			slices.Sort(c.People)
		}
		out[k] = c
	}
	for _, ev := range events {
		if ev.account != account || known[ev.id] {
			continue
		}
		known[ev.id] = true
		e := ev.event(pepper)
		var plan string
		var pages, value int64
		if _, err := fmt.Sscanf(plainly(ev.props), "plan %s pages %d value %d", &plan, &pages, &value); err != nil {
			t.Fatal(err)
		}
		day := cairn.DayOf(e.At, time.UTC)
		count(signal.Key{Day: day, Name: e.Name}, e, value*1e6)
		if paidKey != "" && e.Name == "Export Run" && plan != "free" && pages >= 3 {
			count(signal.Key{Day: day, Name: paidKey}, e, pages*1e6)
		}
	}
	return out
}

// plainly turns {"plan":"gold","pages":3,"value":1} into "plan gold pages 3 value 1".
func plainly(props string) string {
	out := []rune{}
	for _, r := range props {
		switch r {
		case '{', '}', '"':
		case ':', ',':
			out = append(out, ' ')
		default:
			out = append(out, r)
		}
	}
	return string(out)
}

// talliesOf returns what the store tells of an account.
func talliesOf(t testing.TB, s *sqlstore.Store, account string, now time.Time) map[signal.Key]tallied {
	t.Helper()
	st, err := s.State(context.Background(), cairn.Space("").Account(account), now, now)
	if err != nil {
		t.Fatal(err)
	}
	out := map[signal.Key]tallied{}
	for k, v := range st.Tallies {
		c := tallied{N: v.N, Sum: v.Sum, Last: v.Last}
		for _, n := range v.People.ToArray() {
			c.People = append(c.People, st.People[n].String())
		}
		slices.Sort(c.People)
		out[k] = c
	}
	return out
}

// Counted is the contract of what is counted beside names, and of volumes.
func Counted(t *testing.T, open Opener) {
	ctx := context.Background()
	const n = 400
	now := epoch.Add(n * 37 * time.Minute)

	// Arrive admits in random order, in batches, a quarter of it twice.
	arrive := func(t *testing.T, s *sqlstore.Store, f *signal.Folder, events []said, seed uint64) {
		r := rand.New(rand.NewPCG(seed, 5))
		sent := slices.Clone(events)
		for range len(events) / 4 {
			sent = append(sent, events[r.IntN(len(events))])
		}
		r.Shuffle(len(sent), func(i, j int) { sent[i], sent[j] = sent[j], sent[i] })
		for len(sent) > 0 {
			part := sent[:min(1+r.IntN(60), len(sent))]
			sent = sent[len(part):]
			admit(t, s, part...)
			if r.IntN(2) == 0 {
				fold(t, s, f)
			}
		}
		fold(t, s, f)
	}
	same := func(t *testing.T, s *sqlstore.Store, events []said, key string) {
		t.Helper()
		for i := range 3 {
			account := fmt.Sprintf("acct-%d", i)
			want := recount(t, s, events, account, key)
			if len(want) == 0 {
				t.Fatal("the account has no events, so this shows nothing")
			}
			if diff := cmp.Diff(want, talliesOf(t, s, account, now)); diff != "" {
				t.Errorf("%s: tallies differ from a recount (-recount +tallies):\n%s", account, diff)
			}
		}
	}

	t.Run("TalliesEqualARecountOfWhatArrivedLateAndTwice", func(t *testing.T) {
		for seed := range uint64(3) {
			s := open(t)
			events := usageOf(n, seed)
			arrive(t, s, &signal.Folder{Log: s, Store: s, Live: true}, events, seed)
			same(t, s, events, "")
		}
	})

	t.Run("AMetricThatFiltersIsCountedOverHistoryBesideWhatIsServed", func(t *testing.T) {
		s := open(t)
		f := &signal.Folder{Log: s, Store: s, Live: true}
		events := usageOf(n, 9)
		arrive(t, s, f, events[:n/2], 9)
		if behind, err := s.Behind(ctx); behind || err != nil {
			t.Fatalf("without metrics the fold is behind: %v, %v", behind, err)
		}
		set := s.Settings()
		set.Metrics = []signal.Metric{paid}
		s.Configure(set)
		if behind, err := s.Behind(ctx); !behind || err != nil {
			t.Fatalf("with a new metric the fold is not behind: %v", err)
		}
		why := func() string {
			st, err := s.State(ctx, cairn.Space("").Account("acct-0"), now, now)
			if err != nil {
				t.Fatal(err)
			}
			return signal.New(s.Settings()).Measure(st, nil, now)[paid.Signal()].Why
		}
		if why() == "" {
			t.Error("a metric is known before its history was counted")
		}
		gen, err := s.Grow(ctx, signal.StageName)
		if err != nil {
			t.Fatal(err)
		}
		// What arrives meanwhile is folded into what is served, without the counter.
		arrive(t, s, f, events[n/2:], 10)
		same(t, s, events, "")
		rebuild(t, s)
		if behind, err := s.Behind(ctx); behind || err != nil {
			t.Errorf("after the rebuild the fold is behind: %v, %v", behind, err)
		}
		if current, err := s.Grow(ctx, signal.StageName); err != nil || current != gen+1 {
			t.Errorf("the next generation is %d, want %d: %v", current, gen+1, err)
		}
		same(t, s, events, paidKey(t))
		if text := why(); text != "" {
			t.Errorf("the metric is missing after the rebuild: %s", text)
		}
	})

	t.Run("OtherCountersGiveUpWhatGrows", func(t *testing.T) {
		s := open(t)
		events := usageOf(60, 2)
		arrive(t, s, &signal.Folder{Log: s, Store: s, Live: true}, events, 2)
		first, err := s.Grow(ctx, signal.StageName)
		if err != nil {
			t.Fatal(err)
		}
		grow(t, s, &signal.Rebuilder{Store: s, Gen: first})
		if again, err := s.Grow(ctx, signal.StageName); err != nil || again != first {
			t.Fatalf("a rebuild that was interrupted goes on in generation %d, want %d: %v", again, first, err)
		}
		set := s.Settings()
		set.Metrics = []signal.Metric{paid}
		s.Configure(set)
		if other, err := s.Grow(ctx, signal.StageName); err != nil || other == first {
			t.Fatalf("with other counters generation %d goes on: %v", other, err)
		}
		rebuild(t, s)
		same(t, s, events, paidKey(t))
	})

	t.Run("VolumesEqualARecountAndSurviveARebuild", func(t *testing.T) {
		s := open(t)
		events := usageOf(n, 4)
		arrive(t, s, &signal.Folder{Log: s, Store: s, Live: true}, events, 4)
		want := map[signal.VolumeKey]signal.Volume{}
		for _, e := range events {
			k := signal.VolumeKey{Day: cairn.DayOf(e.at, time.UTC), Name: e.name, Source: "product"}
			v := want[k]
			v.N++
			if e.at.After(v.Last) {
				v.Last = e.at
			}
			want[k] = v
		}
		for _, when := range []string{"as it arrived", "after a rebuild"} {
			got, err := s.Volumes(ctx, 0)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s volumes differ from a recount (-recount +volumes):\n%s", when, diff)
			}
			rebuild(t, s)
		}
	})
}
