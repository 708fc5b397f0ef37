package app

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/keep"
	"cairn/internal/signal"
)

// howItStood is the level and the signals of acme as of midnights, oldest first.
func howItStood(t *testing.T, a *App, days ...int) (out []cairn.Vector, signals []cairn.Signals) {
	t.Helper()
	id, err := a.Store.Find(t.Context(), cairn.Everything, "acme")
	if err != nil {
		t.Fatal(err)
	}
	today := cairn.DayOf(a.Clock.Now(), time.UTC)
	for _, n := range days {
		v, sig, err := a.Explain.Explain(t.Context(), cairn.Everything, id, (today - cairn.Day(n)).Start(time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		out, signals = append(out, v), append(signals, sig)
	}
	return out, signals
}

func TestWhatIsDroppedChangesNoLevelOfAnyDay(t *testing.T) {
	a := counted(t)
	days := []int{75, 60, 45, 31, 30, 20, 1, 0}
	levels, signals := howItStood(t, a, days...)
	same := func(when string) {
		t.Helper()
		l, s := howItStood(t, a, days...)
		if diff := cmp.Diff(levels, l); diff != "" {
			t.Errorf("%s levels differ:\n%s", when, diff)
		}
		if diff := cmp.Diff(signals, s); diff != "" {
			t.Errorf("%s signals differ:\n%s", when, diff)
		}
	}
	change := KeepChange{For: "30 days", Try: true}
	tried, err := asked(t, a, ChangeKeeping, change)
	if err != nil {
		t.Fatal(err)
	}
	if tried.Due < 200 || tried.Due >= tried.Events || tried.Rev != 0 {
		t.Fatalf("of %d events %d would go, revision %d", tried.Events, tried.Due, tried.Rev)
	}
	change.Try = false
	set, err := asked(t, a, ChangeKeeping, change)
	if err != nil || set.Rev != 1 {
		t.Fatal(set.Rev, err)
	}
	held := func() int {
		t.Helper()
		n := 0
		for q := (event.FeedQuery{Kind: cairn.Track}); ; {
			page, err := a.Store.Feed(t.Context(), cairn.Everything, q)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page.Events)
			if q.After = page.Cursor; !page.More {
				return n
			}
		}
	}
	before := held()
	settle(t, a)
	if got := held(); got != before {
		t.Fatalf("%d events were dropped within the grace", before-got)
	}
	if err := a.Settle(t.Context(), a.Clock.Now().Add(keep.Grace)); err != nil {
		t.Fatal(err)
	}
	if got := held(); got != before-int(tried.Due) {
		t.Errorf("%d of %d events are left, want %d fewer", got, before, tried.Due)
	}
	same("after dropping")
	if _, err := asked(t, a, Rebuild, signal.StageName); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	same("after a rebuild")
	state, err := asked(t, a, Keeping, None{})
	if err != nil {
		t.Fatal(err)
	}
	gone := int64(0)
	for _, d := range state.Dropped {
		gone += d.N
	}
	if gone != tried.Due || state.Due != 0 || state.Events != tried.Events-tried.Due {
		t.Errorf("it is told that %d were dropped, %d are due and %d are left", gone, state.Due, state.Events)
	}
	// A metric that is made now looks into properties of events that are gone.
	late := MetricTrial{Text: "name: pages\ntitle: Pages\ncount: sum\nproperty: pages\nevents: [Report Created]\ndays: 60\n", Accounts: []string{"acme"}}
	got, err := asked(t, a, TryMetric, late)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Losses) != 1 || got.Losses[0].Event != "Report Created" || got.Accounts[0].Signal.Known {
		t.Errorf("a metric that comes too late loses %+v and is %+v", got.Losses, got.Accounts[0].Signal)
	}
	late.Text = "name: pages\ntitle: Pages\ncount: sum\nproperty: pages\nevents: [Report Created]\ndays: 14\n"
	if got, err = asked(t, a, TryMetric, late); err != nil || !got.Accounts[0].Signal.Known {
		t.Errorf("one whose window is kept is %+v: %v", got.Accounts[0].Signal, err)
	}
	late.Text = "name: pages\ntitle: Pages\ncount: people\nevents: [Report Created]\ndays: 60\n"
	if got, err = asked(t, a, TryMetric, late); err != nil || !got.Accounts[0].Signal.Known || got.Accounts[0].Signal.Number != 3 || len(got.Losses) != 0 {
		t.Errorf("one over names is %+v, and loses %+v: %v", got.Accounts[0].Signal, got.Losses, err)
	}
}

func TestAMetricThatIsMadeBeforeStaysRightWhenItsEventsGo(t *testing.T) {
	a := counted(t)
	text := MetricText{Text: "name: pages\ntitle: Pages\ncount: sum\nproperty: pages\nevents: [Report Created]\ndays: 60\n"}
	if _, err := asked(t, a, SaveMetric, text); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	before := of(t, a, "metric.pages")
	if !before.Known || before.Number == 0 {
		t.Fatalf("before it is %+v", before)
	}
	change := KeepChange{For: "30 days"}
	if got, err := asked(t, a, ChangeKeeping, change); err != nil || len(got.Stays) != 1 || got.Stays[0] != "Pages" {
		t.Fatalf("what stays is %v: %v", got.Stays, err)
	}
	if err := a.Settle(t.Context(), a.Clock.Now().Add(keep.Grace)); err != nil {
		t.Fatal(err)
	}
	if _, err := asked(t, a, Rebuild, signal.StageName); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if after := of(t, a, "metric.pages"); after.Number != before.Number || !after.Known {
		t.Errorf("after its events were dropped, and a rebuild, it is %+v, and was %+v", after, before)
	}
	if told, err := a.Store.Dropped(t.Context()); err != nil || len(told) == 0 {
		t.Errorf("nothing was dropped, so this shows nothing: %v", err)
	}
}
