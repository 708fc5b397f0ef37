package storetest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/keep"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
)

// Keep is the contract of dropping what is past its end: nothing that is
// tallied changes, now or after any rebuild.
func Keep(t *testing.T, open Opener) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("WhatWasDroppedStillCounts/%d", seed), func(t *testing.T) { keepCounts(t, open, seed) })
	}
	t.Run("OnlyUsagePastItsEndGoes", func(t *testing.T) { keepOnly(t, open(t)) })
	t.Run("NothingGoesWhileAGenerationGrows", func(t *testing.T) { keepWaits(t, open(t)) })
	t.Run("ANewMetricSaysWhatItCannotSee", func(t *testing.T) { keepLosses(t, open(t)) })
	t.Run("ThePastOfADroppedDay", func(t *testing.T) { keepPast(t, open(t)) })
	t.Run("TwoWhoDropAtOnceDropOnce", func(t *testing.T) { keepTwice(t, open(t)) })
}

// keepFrom writes a policy into the book, long enough ago to be in force.
func keepFrom(t testing.TB, s *sqlstore.Store, p keep.Policy, now time.Time) {
	t.Helper()
	if err := p.Check(); err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	_, rev, err := keep.Read(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write(t.Context(), cairn.House, keep.Page, rev.Rev, body, "", now.Add(-keep.Grace)); err != nil {
		t.Fatal(err)
	}
}

// drop drops what is past its end as of now.
func drop(t testing.TB, s *sqlstore.Store, now time.Time) {
	t.Helper()
	d := keep.Dropper{Store: s, Book: s, Zone: func() *time.Location { return time.UTC }, Log: slog.New(slog.DiscardHandler)}
	for {
		more, err := d.Beat(t.Context(), now)
		if err != nil {
			t.Fatal(err)
		}
		if !more {
			return
		}
	}
}

// left reads the whole log, gaps and all.
func left(t testing.TB, s *sqlstore.Store) []cairn.Event {
	t.Helper()
	var out []cairn.Event
	for p := range cairn.Partitions {
		for n := int64(0); ; {
			es, err := s.After(t.Context(), p, n, 100)
			if err != nil {
				t.Fatal(err)
			}
			if len(es) == 0 {
				break
			}
			n = es[len(es)-1].Pos.N
			out = append(out, es...)
		}
	}
	return out
}

// tallyLines are the rows of the current generation that a rebuild must make
// again.
func tallyLines(t testing.TB, s *sqlstore.Store) string {
	t.Helper()
	var out []string
	for line := range strings.Lines(dump(t, s)) {
		if !strings.HasPrefix(line, "timeline") {
			out = append(out, line)
		}
	}
	return strings.Join(out, "")
}

// longAgo makes n events of half a year from two sources, some of records,
// some learnt of late, in order of At.
func longAgo(n int, r *rand.Rand) []said {
	names, plans := []string{"Report Created", "Page Viewed", "Export Run", "Interaction"}, []string{"gold", "silver", "free"}
	var out []said
	for i := range n {
		s := said{
			id: fmt.Sprintf("k-%d", i), source: []string{"product", "product", "legacy"}[r.IntN(3)], name: names[r.IntN(len(names))],
			account: fmt.Sprintf("acct-%d", r.IntN(4)), person: fmt.Sprintf("person-%d", r.IntN(12)),
			at:    epoch.Add(time.Duration(i) * 180 * 24 * time.Hour / time.Duration(n)),
			props: fmt.Sprintf(`{"plan":%q,"pages":%d,"value":%d}`, plans[r.IntN(len(plans))], r.IntN(7), r.IntN(5)),
		}
		switch r.IntN(10) {
		case 0:
			s.account = "" // lands in the person's stream
		case 1:
			s.kind, s.name, s.props = cairn.OfAccount, "updated", fmt.Sprintf(`{"plan":"p%d"}`, r.IntN(3))
		case 2:
			s.kind, s.props = cairn.Interaction, `{"mood":"good"}`
		}
		s.seen = s.at.Add(time.Duration(r.IntN(100*24)) * time.Hour)
		out = append(out, s)
	}
	return out
}

var policies = []keep.Policy{
	{Ends: []keep.End{{Days: 30}}},
	{Ends: []keep.End{{Event: "Page Viewed", Days: 45}}},
	{Ends: []keep.End{{Source: "legacy", Months: 1}, {Event: "Export Run", Days: 90}}},
	{Ends: []keep.End{{Months: 2}, {Event: "Report Created", ForEver: true}, {Source: "legacy", Event: "Report Created", Days: 60}}},
}

func keepCounts(t *testing.T, open Opener, seed uint64) {
	ctx := context.Background()
	r := rand.New(rand.NewPCG(seed, 99))
	dropped, kept := open(t), open(t)
	set := signal.Settings{Zone: time.UTC, Currency: "EUR", Metrics: []signal.Metric{paid}}
	for _, s := range []*sqlstore.Store{dropped, kept} {
		if err := s.UsePepper(ctx, [32]byte{1}); err != nil {
			t.Fatal(err)
		}
		s.Configure(set)
		rebuild(t, s)
	}
	folds := map[*sqlstore.Store]*signal.Folder{}
	for _, s := range []*sqlstore.Store{dropped, kept} {
		folds[s] = &signal.Folder{Log: s, Store: s, Live: true}
	}
	events := longAgo(500, r)
	rest := slices.Clone(events)
	r.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	var sent []said
	now := epoch.AddDate(0, 0, 181)
	gone := 0
	for tries := 0; len(rest) > 0 || tries < 5; {
		part := rest[:min(1+r.IntN(90), len(rest))]
		rest = rest[len(part):]
		again := []said{}
		for range min(len(sent), 5) { // what was sent before is known, dropped or not
			again = append(again, sent[r.IntN(len(sent))])
		}
		for _, s := range []*sqlstore.Store{dropped, kept} {
			if len(part) > 0 {
				admit(t, s, part...)
			}
			for _, e := range admit(t, s, again...) {
				if e.Pos != (cairn.Position{}) {
					t.Fatalf("%s was taken for new", e.ID)
				}
			}
			if len(rest) == 0 || r.IntN(3) > 0 {
				fold(t, s, folds[s])
			}
		}
		sent = append(sent, part...)
		switch r.IntN(3) {
		case 0:
			rebuild(t, dropped)
		default:
			if len(rest) == 0 {
				fold(t, dropped, folds[dropped])
			}
			keepFrom(t, dropped, policies[r.IntN(len(policies))], now)
			before, was := tallyLines(t, dropped), len(left(t, dropped))
			drop(t, dropped, now)
			if after := tallyLines(t, dropped); after != before {
				t.Fatalf("dropping changed what is tallied:\n%s", cmp.Diff(before, after))
			}
			if is := len(left(t, dropped)); is < was {
				gone += was - is
			}
		}
		if len(rest) == 0 {
			tries++
			now = now.AddDate(0, 0, 20)
		}
	}
	fold(t, dropped, folds[dropped])
	fold(t, kept, folds[kept])
	before := tallyLines(t, dropped)
	rebuild(t, dropped)
	if after := tallyLines(t, dropped); after != before {
		t.Errorf("a rebuild from the origin ends with other rows:\n%s", cmp.Diff(before, after))
	}
	got, want := state(t, dropped, now), state(t, kept, now)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("accounts differ from those of a store that dropped nothing (-nothing +dropped):\n%s", diff)
	}
	volumes := func(s *sqlstore.Store) map[signal.VolumeKey]signal.Volume {
		v, err := s.Volumes(ctx, 0)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if diff := cmp.Diff(volumes(kept), volumes(dropped)); diff != "" {
		t.Errorf("volumes differ from those of a store that dropped nothing:\n%s", diff)
	}
	if gone < 50 || !strings.Contains(before, paidKey(t)[1:]) {
		t.Errorf("only %d events were dropped, or nothing was paid: this shows nothing", gone)
	}
	told, err := dropped.Dropped(ctx)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, d := range told {
		n += int(d.N)
	}
	if n != gone {
		t.Errorf("%d events are told of as dropped, %d were", n, gone)
	}
}

// keepOnly looks at what goes and what stays.
func keepOnly(t *testing.T, s *sqlstore.Store) {
	now := epoch.AddDate(0, 0, 200)
	day := func(n int) time.Time { return now.AddDate(0, 0, -n) }
	admit(t, s,
		said{id: "old", account: "acme", person: "ann", at: day(91)},
		said{id: "edge", account: "acme", person: "ann", at: cairn.DayOf(now, time.UTC).Start(time.UTC).AddDate(0, 0, -90)},
		said{id: "other name", account: "acme", person: "ann", name: "Kept", at: day(150)},
		said{id: "record", kind: cairn.OfTicket, name: "updated", account: "acme", record: "t-1", props: `{"status":"open"}`, at: day(150)},
		said{id: "call", kind: cairn.Interaction, name: "call", account: "acme", person: "ann", at: day(150)},
		said{id: "nobody's", anon: "visitor", at: day(150)},
		said{id: "late", account: "acme", person: "bob", at: day(150), seen: now},
	)
	fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
	admit(t, s, said{id: "unfolded", account: "acme", person: "ann", at: day(150), seen: now})
	keepFrom(t, s, keep.Policy{Ends: []keep.End{{Days: 90}, {Event: "Kept", ForEver: true}}}, now)

	held, err := s.Held(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]int64{}
	for _, h := range held {
		sum[h.Source+"/"+h.Event] += h.N
	}
	if diff := cmp.Diff(map[string]int64{"product/Report Created": 4, "product/Kept": 1}, sum); diff != "" {
		t.Errorf("held (-want +got):\n%s", diff)
	}
	d := keep.Dropper{Store: s, Book: s, Zone: func() *time.Location { return time.UTC }, Log: slog.New(slog.DiscardHandler)}
	if more, err := d.Beat(t.Context(), now.Add(-time.Second)); more || err != nil || len(left(t, s)) != 8 {
		t.Fatalf("something was dropped before the end is in force: %v, %v", more, err)
	}
	names := func() []string {
		var out []string
		for _, e := range left(t, s) {
			out = append(out, string(e.Kind)+" "+e.Name+" "+e.At.Format(time.DateOnly))
		}
		slices.Sort(out)
		return out
	}
	drop(t, s, now)
	page, err := s.Feed(t.Context(), cairn.Everything, event.FeedQuery{})
	if err != nil || page.Dropped != 3 || len(page.Events) != 5 {
		t.Errorf("a feed of %d events tells of %d that were dropped, want 3: %v", len(page.Events), page.Dropped, err)
	}
	for _, c := range []struct {
		name string
		q    event.FeedQuery
		want int64
	}{
		{"behind the gap", event.FeedQuery{After: page.Cursor}, 0}, {"of tickets", event.FeedQuery{Kind: cairn.OfTicket}, 0},
		{"of a name that stays", event.FeedQuery{Name: "Kept"}, 0}, {"of the name that went", event.FeedQuery{Name: "Report Created"}, 3},
	} {
		got, err := s.Feed(t.Context(), cairn.Everything, c.q)
		if err != nil || got.Dropped != c.want {
			t.Errorf("the feed %s tells of %d dropped events, want %d: %v", c.name, got.Dropped, c.want, err)
		}
	}
	sum2 := int64(0)
	for q := (event.FeedQuery{Limit: 1}); ; {
		got, err := s.Feed(t.Context(), cairn.Everything, q)
		if err != nil {
			t.Fatal(err)
		}
		sum2 += got.Dropped
		if q.After = got.Cursor; !got.More {
			break
		}
	}
	if sum2 != 3 {
		t.Errorf("read event by event the feed tells of %d dropped events, want 3", sum2)
	}
	line, err := s.Timeline(t.Context(), cairn.Everything, event.Query{Account: cairn.Space("").Account("acme")})
	if err != nil || line.Dropped != 2 || !line.DroppedAt.Equal(day(91)) {
		t.Errorf("the timeline tells of %d dropped events, the last at %v: %v", line.Dropped, line.DroppedAt, err)
	}
	at := func(n int) string { return day(n).Format(time.DateOnly) }
	want := []string{
		"interaction call " + at(150), "ticket updated " + at(150), "track Kept " + at(150),
		"track Report Created " + at(150), "track Report Created " + at(90),
	}
	if diff := cmp.Diff(want, names()); diff != "" {
		t.Errorf("after dropping the log holds (-want +got):\n%s", diff)
	}
	// What was not folded goes in the next round, and so does what comes late.
	fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
	drop(t, s, now.Add(2*time.Hour))
	if got := len(left(t, s)); got != 4 {
		t.Errorf("%d events are left after the next round, want 4", got)
	}
	// The cursors of a rebuild come to their ends though the log has gaps there.
	rebuild(t, s)
	st, err := s.Stages(t.Context(), now)
	if err != nil || st[0].Lag != 0 {
		t.Errorf("after the rebuild the fold lags %d: %v", st[0].Lag, err)
	}
}

func keepWaits(t *testing.T, s *sqlstore.Store) {
	now := epoch.AddDate(0, 0, 200)
	admit(t, s, said{id: "1", account: "acme", at: epoch})
	fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
	keepFrom(t, s, keep.Policy{Ends: []keep.End{{Days: 90}}}, now)
	if _, err := s.Grow(t.Context(), signal.StageName); err != nil {
		t.Fatal(err)
	}
	drop(t, s, now)
	if len(left(t, s)) != 1 {
		t.Fatal("an event was dropped while a generation grows")
	}
	rebuild(t, s)
	// A metric whose history is not counted yet needs the events first.
	set := s.Settings()
	set.Metrics = []signal.Metric{paid}
	s.Configure(set)
	drop(t, s, now)
	if len(left(t, s)) != 1 {
		t.Fatal("an event was dropped that a metric waits for")
	}
	rebuild(t, s)
	drop(t, s, now)
	if len(left(t, s)) != 0 {
		t.Fatal("an event past its end was not dropped after the rebuild")
	}
}

// keepLosses makes a metric after what it would count was dropped.
func keepLosses(t *testing.T, s *sqlstore.Store) {
	ctx, now := t.Context(), epoch.AddDate(0, 0, 200)
	old := now.AddDate(0, 0, -95)
	f := &signal.Folder{Log: s, Store: s, Live: true}
	export := func(id, account string, at time.Time) said {
		return said{id: id, account: account, person: "ann", name: "Export Run", at: at, props: `{"plan":"gold","pages":5}`}
	}
	admit(t, s, export("old", "acme", old), export("new", "acme", now.AddDate(0, 0, -5)), export("young", "newer", now.AddDate(0, 0, -5)),
		said{id: "here", account: "newer", person: "bob", at: old})
	fold(t, s, f)
	keepFrom(t, s, keep.Policy{Ends: []keep.End{{Days: 90}}}, now)
	drop(t, s, now)
	wide := paid
	wide.Days = 120
	set := s.Settings()
	set.Metrics = []signal.Metric{wide}
	s.Configure(set)
	rebuild(t, s)
	measured := func(account string, at time.Time) cairn.Signal {
		st, err := s.State(ctx, cairn.Space("").Account(account), at, at)
		if err != nil {
			t.Fatal(err)
		}
		return signal.New(s.Settings()).Measure(st, nil, at)[wide.Signal()]
	}
	if sig := measured("acme", now); sig.Known || !strings.Contains(sig.Why, "before "+cairn.DayOf(old.AddDate(0, 0, 1), time.UTC).String()) {
		t.Errorf("an account whose exports were dropped has %v, %q", sig.Number, sig.Why)
	}
	if sig := measured("newer", now); !sig.Known || sig.Number != 5 {
		t.Errorf("an account that did none of it then has %v, %q", sig.Number, sig.Why)
	}
	right := old.AddDate(0, 0, 120)
	if sig := measured("acme", right); !sig.Known || sig.Number != 5 {
		t.Errorf("when the window is past what was dropped it is %v, %q", sig.Number, sig.Why)
	}
	if sig := measured("acme", right.AddDate(0, 0, -1)); sig.Known {
		t.Errorf("a day before it is known as %v", sig.Number)
	}
	told, err := s.Dropped(ctx)
	if err != nil {
		t.Fatal(err)
	}
	losses := wide.Losses(told, time.UTC, nil)
	if len(losses) != 1 || losses[0].N != 1 || losses[0].Source != "product" || losses[0].Before != (cairn.DayOf(old, time.UTC)+1).String() || losses[0].Right != cairn.DayOf(right, time.UTC).String() {
		t.Errorf("the losses are %+v", losses)
	}
	// The same as tried before it is saved.
	more, whole, err := s.Recount(ctx, cairn.Space("").Account("acme"), time.Time{}, now, signal.Prepare(signal.Settings{Metrics: []signal.Metric{wide}}.Counters()), 100)
	if err != nil || !whole {
		t.Fatal(whole, err)
	}
	st, err := s.State(ctx, cairn.Space("").Account("acme"), now, now)
	if err != nil {
		t.Fatal(err)
	}
	st.Counters = nil // as before it was saved
	st.Add(more)
	if sig := signal.New(s.Settings()).Measure(st, nil, now)[wide.Signal()]; sig.Known {
		t.Errorf("tried, it is known as %v", sig.Number)
	}
	// What it counts from now on is dropped with what it tells of it.
	later := now.AddDate(0, 0, 100)
	drop(t, s, later)
	rebuild(t, s)
	if sig := measured("newer", later); !sig.Known || sig.Number != 5 {
		t.Errorf("after what it counted was dropped it is %v, %q", sig.Number, sig.Why)
	}
	if got := len(left(t, s)); got != 0 {
		t.Errorf("%d events are left", got)
	}
}

// keepPast looks at moments within a day of which events were dropped.
func keepPast(t *testing.T, s *sqlstore.Store) {
	now := epoch.AddDate(0, 0, 200)
	admit(t, s, said{id: "1", account: "acme", person: "ann", at: epoch}, said{id: "2", account: "acme", person: "bob", name: "Export Run", at: epoch.Add(5 * time.Hour)})
	fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
	at := func(t0 time.Time) (names []string) {
		id := cairn.Space("").Account("acme")
		st, err := s.State(t.Context(), id, t0, cairn.DayOf(t0, time.UTC).Start(time.UTC).Add(-time.Microsecond))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Today(t.Context(), id, st, t0); err != nil {
			t.Fatal(err)
		}
		for k := range st.Tallies {
			names = append(names, k.Name)
		}
		slices.Sort(names)
		return names
	}
	keepFrom(t, s, keep.Policy{Ends: []keep.End{{Days: 90}}}, now)
	for _, when := range []string{"before", "after"} {
		if got := at(epoch.Add(time.Hour)); !slices.Equal(got, []string{"Report Created"}) {
			t.Errorf("%s dropping an hour after the first %v is seen", when, got)
		}
		if got := at(epoch.Add(6 * time.Hour)); len(got) != 2 {
			t.Errorf("%s dropping, when both are over, %v is seen", when, got)
		}
		drop(t, s, now)
	}
	if len(left(t, s)) != 0 {
		t.Error("nothing was dropped, so this shows nothing")
	}
}

// keepTwice works out the same drop twice before either is made.
func keepTwice(t *testing.T, s *sqlstore.Store) {
	now := epoch.AddDate(0, 0, 200)
	for i := range 40 {
		admit(t, s, said{id: fmt.Sprint(i), account: fmt.Sprint("acct-", i%4), person: "ann", at: epoch.Add(time.Duration(i) * time.Minute)})
	}
	fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
	want := tallyLines(t, s)
	sweep := keep.Sweep{From: epoch.AddDate(0, 0, -1), To: now, At: now, Before: func(string, string) time.Time { return now }}
	errs := make(chan error, 4)
	for range cap(errs) {
		go func() {
			sw := sweep
			for {
				out, err := s.Drop(context.WithoutCancel(t.Context()), sw, 7)
				if err != nil && cairn.KindOf(err) != cairn.Conflict {
					errs <- err
					return
				}
				if sw.Place = out.Place; err != nil {
					sw.Place = keep.Place{}
				} else if out.Done {
					errs <- nil
					return
				}
			}
		}()
	}
	for range cap(errs) {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := len(left(t, s)); got != 0 {
		t.Errorf("%d events are left", got)
	}
	rebuild(t, s)
	if got := tallyLines(t, s); got != want {
		t.Errorf("what was dropped by several counts otherwise:\n%s", cmp.Diff(want, got))
	}
}
