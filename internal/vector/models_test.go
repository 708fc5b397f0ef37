package vector

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/signal"
)

func TestTheFirstModelWhoseConditionsHoldRates(t *testing.T) {
	model := func(name, plan string) Model {
		m := Default()
		m.Name = name
		if plan != "" {
			m.For = []signal.Test{{Field: "trait.plan", Op: "is", Value: plan}}
		}
		if err := m.Check(signal.New(signal.Settings{})); err != nil {
			t.Fatal(err)
		}
		return m
	}
	ms := InOrder([]Model{model("default", ""), model("gold", "gold"), model("all-gold", "gold"), model("free", "free")}, []string{"free", "gold"})
	var names []string
	for _, m := range ms {
		names = append(names, m.Name)
	}
	if diff := cmp.Diff([]string{"free", "gold", "all-gold", "default"}, names); diff != "" {
		t.Fatalf("-want +got:\n%s", diff)
	}
	for plan, want := range map[string]string{"gold": "gold", "Free": "free", "": "default"} {
		sig := cairn.Signals{}
		if plan != "" {
			sig["trait.plan"] = cairn.Signal{Known: true, Text: plan}
		}
		if got := ms.For(sig).Name; got != want {
			t.Errorf("plan %q is rated by %s, want %s", plan, got, want)
		}
	}
}

func TestAModelMayLookBackFourToTwentySixWeeks(t *testing.T) {
	m := one(Leaf{Signal: signal.NPS, Best: 10})
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)
	measure := func(time.Time) cairn.Signals { return known(map[string]float64{signal.NPS: 8}) }
	for _, weeks := range []int{0, 4, 26} {
		m.Way.Weeks = weeks
		want := weeks
		if weeks == 0 {
			want = Weeks
		}
		if got := len(m.Vector(measure, time.UTC, now).Trail) - 1; got != want {
			t.Errorf("%d weeks: looked at %d, want %d", weeks, got, want)
		}
	}
	// Wider edges make steady what was rising.
	m.Way = Course{}
	rises := func(at time.Time) cairn.Signals {
		return known(map[string]float64{signal.NPS: 8 - now.Sub(at).Hours()/24/60})
	}
	if v := m.Vector(rises, time.UTC, now); v.Way != cairn.Rising || v.Slope != 5_000 {
		t.Errorf("%s at %s", v.Way, v.Slope)
	}
	m.Way.Enter = 6
	if v := m.Vector(rises, time.UTC, now); v.Way != cairn.Steady {
		t.Errorf("within edges of 6, 5 points in 30 days are %s", v.Way)
	}
}
