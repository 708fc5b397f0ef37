package vector

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/signal"
)

func rated(m Model, sig cairn.Signals) cairn.Vector {
	return m.Vector(func(time.Time) cairn.Signals { return sig }, time.UTC, monday)
}

func TestChangesAddUpToTheDifferenceOfLevelsExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := drawn(t)
		other := m
		if rapid.Bool().Draw(t, "another model") {
			other = drawn(t)
		}
		a, b := rated(m, measured(t, "a")), rated(other, measured(t, "b"))
		var sum, last cairn.Points
		for i, c := range Diff(a, b) {
			if c.Points == 0 || c.Text == "" || c.Label == "" {
				t.Fatalf("an empty change: %+v", c)
			}
			if i > 0 && abs(c.Points) > last {
				t.Fatalf("%+v comes after one of %d", c, last)
			}
			sum, last = sum+c.Points, abs(c.Points)
		}
		if sum != b.Level-a.Level {
			t.Fatalf("changes sum to %d, levels differ by %d", sum, b.Level-a.Level)
		}
	})
}

func TestAChangeIsToldInWords(t *testing.T) {
	base := map[string]float64{signal.Active28: 5, signal.DaysActive: 15, signal.SinceActivity: 0, signal.Distinct28: 4}
	changed := func(name string, v float64) cairn.Signals {
		s := known(base)
		s[name] = cairn.Signal{Name: name, Known: true, Number: v}
		return s
	}
	m := Default()
	for _, tt := range []struct {
		name string
		sig  cairn.Signals
		want string
	}{
		{"people left", changed(signal.Active28, 3), "Two people stopped being active (−7)"},
		{"one person left", changed(signal.Active28, 4), "One person stopped being active (−4)"},
		{"fewer days", changed(signal.DaysActive, 14), "The product was used on one day fewer (−2)"},
		{"no use", changed(signal.SinceActivity, 20), "Nobody has used the product for 20 days (−34)"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := Diff(rated(m, known(base)), rated(m, tt.sig))
			if len(got) != 1 || got[0].Text != tt.want {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestASignalThatBecomesKnownAnswersForTheWeightItTakes(t *testing.T) {
	m, use := Default(), known(map[string]float64{signal.Active28: 5, signal.DaysActive: 15, signal.SinceActivity: 0, signal.Distinct28: 4})
	late := known(map[string]float64{signal.Active28: 5, signal.DaysActive: 15, signal.SinceActivity: 0, signal.Distinct28: 4, signal.Overdue: 45})
	a, b := rated(m, use), rated(m, late)
	got := Diff(a, b)
	if len(got) == 0 || got[0].Signal != signal.Overdue || got[0].Text != "Newly known: an invoice is 45 days overdue (−19)" {
		t.Errorf("got %+v", got)
	}
	for _, c := range got[1:] {
		if abs(c.Points) > 10 {
			t.Errorf("blamed as well: %+v", c)
		}
	}
	back := Diff(b, a)
	if len(back) == 0 || back[0].Text != "No longer known: days overdue (+19)" {
		t.Errorf("and back: %+v", back)
	}
}

func TestADifferenceIsWrittenAsPeopleReadIt(t *testing.T) {
	for p, want := range map[cairn.Points]string{0: "0", 9_200: "+9", -9_200: "−9", 400: "+0.4", -50: "−0.1", 3: "+0", 999: "+1"} {
		if got := Delta(p); got != want {
			t.Errorf("%d: %s, want %s", p, got, want)
		}
	}
}
