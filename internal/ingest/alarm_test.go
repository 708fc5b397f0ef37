package ingest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

// A watched is what a watcher sees, and what it makes of it.
type watched struct {
	src      Source
	heard    time.Time
	arrivals []Arrival
	breaches []Breach
	alarms   []Alarm
}

func (w *watched) Watched(context.Context) ([]Source, map[string]time.Time, error) {
	return []Source{w.src}, map[string]time.Time{w.src.Name: w.heard}, nil
}

func (w *watched) Arrivals(context.Context, cairn.Scope, string, time.Time) ([]Arrival, error) {
	return w.arrivals, nil
}

func (w *watched) Breaches(context.Context, cairn.Scope, string, time.Time) ([]Breach, error) {
	return w.breaches, nil
}

func (w *watched) Alarms(context.Context, cairn.Scope, string, time.Time) ([]Alarm, error) {
	return w.alarms, nil
}

func (w *watched) CommitWatch(_ context.Context, _ time.Time, began, ended, filled []Alarm) error {
	for _, e := range append(ended, filled...) {
		for i := range w.alarms {
			if w.alarms[i].ID == e.ID {
				w.alarms[i] = e
			}
		}
	}
	for _, b := range began {
		b.ID = int64(len(w.alarms) + 1)
		w.alarms = append(w.alarms, b)
	}
	return nil
}

// look lets a watcher look as of a moment, and returns what lasts.
func (w *watched) look(t *testing.T, now time.Time) (open []string) {
	t.Helper()
	worked, err := (&Watcher{Store: w}).Beat(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := (&Watcher{Store: w}).Beat(t.Context(), now); again || err != nil {
		t.Errorf("a second look at the same moment changes something (the first: %v), %v", worked, err)
	}
	for _, a := range w.alarms {
		if a.Ended.IsZero() {
			open = append(open, string(a.Kind))
		}
	}
	return open
}

var monday = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func TestASilentSourceIsAnAlarmUntilItSpeaksAgain(t *testing.T) {
	w := &watched{src: Source{Name: "crm", Cadence: &Cadence{Hours: 6}}}
	if open := w.look(t, monday); open != nil {
		t.Errorf("a source that was never heard: %v", open)
	}
	w.heard = monday
	for h, want := range map[time.Duration]bool{5: false} {
		if open := w.look(t, monday.Add(h*time.Hour)); (open != nil) != want {
			t.Errorf("after %d hours: %v", h, open)
		}
	}
	w.look(t, monday.Add(9*time.Hour))
	w.heard = monday.Add(10 * time.Hour)
	if open := w.look(t, monday.Add(10*time.Hour+time.Minute)); open != nil {
		t.Errorf("it spoke again: %v", open)
	}
	want := []Alarm{{
		ID: 1, Source: "crm", Kind: Silent, Heard: monday, Began: monday.Add(6 * time.Hour), Ended: w.heard, Stale: true,
		Why: "Silent since 2 Mar, 00:00. It is expected at least every 6 hours.",
	}}
	if diff := cmp.Diff(want, w.alarms); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBreachesOfAContractAreAnAlarmAndMayCostTrust(t *testing.T) {
	w := &watched{src: Source{Name: "shop", Distrust: 40, Contract: &Contract{Rules: []Rule{{Event: "Ordered"}}}}, heard: monday}
	hour := func(h int, checked, missing int64) {
		at := monday.Add(time.Duration(h) * time.Hour)
		w.breaches = append(w.breaches, Breach{"shop", at, "Ordered", "", Checked, checked}, Breach{"shop", at, "Ordered", "amount", Missing, missing})
	}
	hour(0, 1000, 10)
	if open := w.look(t, monday.Add(30*time.Minute)); open != nil {
		t.Errorf("one in a hundred: %v", open)
	}
	hour(1, 1000, 100)
	if open := w.look(t, monday.Add(90*time.Minute)); len(open) != 1 || !strings.HasPrefix(w.alarms[0].Why, "amount of Ordered: missing, though required, in 6 % of 2,000 records") {
		t.Errorf("one in ten: %v %+v", open, w.alarms)
	}
	hour(2, 1000, 500)
	hour(3, 1000, 900)
	open := w.look(t, monday.Add(230*time.Minute))
	if diff := cmp.Diff([]string{"drift", "distrust"}, open); diff != "" {
		t.Fatalf("(-want +got)\n%s", diff)
	}
	if a := w.alarms[1]; !a.Stale || !a.Heard.Equal(monday.Add(2*time.Hour)) || a.Why != "90 % of 1,000 records break the contract, so nothing is measured by them." {
		t.Errorf("%+v", a)
	}
	hour(4, 1000, 0)
	hour(5, 1000, 0)
	if open := w.look(t, monday.Add(330*time.Minute)); open != nil {
		t.Errorf("it sends what was agreed again: %v", open)
	}
}

func TestFarLessOrFarMoreThanUsualIsAnAlarm(t *testing.T) {
	w := &watched{src: Source{Name: "shop"}, heard: monday}
	add := func(at time.Time, n int64) { w.arrivals = append(w.arrivals, Arrival{Hour: at, Accepted: n, Last: at}) }
	for week := 8; week >= 1; week-- {
		for h := range 4 {
			add(monday.AddDate(0, 0, -7*week).Add(time.Duration(h)*time.Hour), 100+int64(week%3))
		}
	}
	add(monday, 95)
	add(monday.Add(time.Hour), 12)
	if open := w.look(t, monday.Add(125*time.Minute)); open != nil {
		t.Errorf("one odd hour: %v", open)
	}
	add(monday.Add(2*time.Hour), 9)
	if open := w.look(t, monday.Add(185*time.Minute)); len(open) != 1 || w.alarms[0].Stale || w.alarms[0].Why != "Fewer than usual: 9 records in the last full hour, where 61 to 141 are usual at this hour of the week." {
		t.Errorf("two: %v %+v", open, w.alarms)
	}
	add(monday.Add(3*time.Hour), 101)
	if open := w.look(t, monday.Add(245*time.Minute)); open != nil {
		t.Errorf("as usual again: %v", open)
	}
	if _, ok := BandOf(w.arrivals[20:], monday, time.UTC); ok {
		t.Error("two weeks are enough to know what is usual")
	}
}

// Filling returns the silences of which records came later.
func (w *watched) Filling(context.Context) (out []Alarm, _ error) {
	for _, a := range w.alarms {
		if a.Late > 0 && a.Filled.IsZero() && !a.Ended.IsZero() {
			out = append(out, a)
		}
	}
	return out, nil
}
