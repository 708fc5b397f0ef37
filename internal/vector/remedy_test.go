package vector

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/signal"
)

func TestTheLeastThatTurnsAnAccountIsToldFirst(t *testing.T) {
	sig := known(map[string]float64{
		signal.Active28: 2, signal.Seats: 12, signal.LicenceUse: 2.0 / 12 * 100, signal.OldestOpen: 40, signal.OpenTickets: 3, signal.EscalatedOpen: 1,
		signal.Overdue: 20, signal.SinceTalk: 60, signal.Champion: 0, signal.SinceActivity: 9, signal.DaysActive: 8,
	})
	can := Reach{Tickets: []OpenTicket{{Days: 2}, {Days: 40, Escalated: true}, {Days: 25}}}
	m := Default()
	level, _ := m.Level(sig)
	got := m.Remedies(sig, can, level+10_000)
	if len(got) == 0 {
		t.Fatal("nothing turns it")
	}
	efforts := []int{}
	for _, r := range got {
		efforts = append(efforts, r.Effort)
		if r.Level < level+10_000 || r.Text() == "" {
			t.Errorf("%+v", r)
		}
	}
	if !slices.IsSorted(efforts) {
		t.Errorf("efforts %v are not in order", efforts)
	}
	all := m.Remedies(sig, Reach{Tickets: []OpenTicket{{Days: 40}}}, level+1)
	if !strings.HasPrefix(all[0].Text(), "Talk with them") {
		t.Errorf("a little is lifted by %q", all[0].Text())
	}
	if m.Remedies(sig, can, level) != nil {
		t.Error("what is there already is lifted")
	}
	if m.Remedies(sig, can, cairn.Full) != nil {
		t.Error("what nobody can reach is reached")
	}
	for r, want := range map[*Remedy]string{
		{Steps: []Step{{Text: "talk with them"}}}:                                         "Talk with them",
		{Steps: []Step{{Text: "a"}, {Text: "close the two oldest tickets"}, {Text: "c"}}}: "A, close the two oldest tickets and c",
	} {
		if got := r.Text(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// Against brute force: no set of changes that lifts the level is smaller than
// all that are told, and each that is told can spare nothing.
func TestRemediesAreTheLeast(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, sig := drawn(t), measured(t, "account")
		can := Reach{}
		for range rapid.IntRange(0, 3).Draw(t, "tickets") {
			can.Tickets = append(can.Tickets, OpenTicket{rapid.Float64Range(0, 50).Draw(t, "days"), rapid.Bool().Draw(t, "escalated")})
		}
		line := cairn.Points(rapid.IntRange(0, 100_000).Draw(t, "line"))
		got := m.Remedies(sig, can, line)
		level, ok := m.Level(sig)
		if !ok || level >= line {
			if got != nil {
				t.Fatalf("%s is at %s already: %+v", "it", level, got)
			}
			return
		}
		ls := levers(sig, can)
		lifts := func(n []int) bool {
			changed := maps.Clone(sig)
			for i, k := range n {
				if k > 0 {
					ls[i].does(changed, k)
				}
			}
			level, _ := m.Level(changed)
			return level >= line
		}
		best := -1
		n := make([]int, len(ls))
		var all func(i, effort int)
		all = func(i, effort int) {
			if i == len(ls) {
				if lifts(n) && (best < 0 || effort < best) {
					best = effort
				}
				return
			}
			for n[i] = 0; n[i] <= ls[i].most; n[i]++ {
				all(i+1, effort+n[i]*ls[i].effort)
			}
			n[i] = 0
		}
		all(0, 0)
		if (best < 0) != (len(got) == 0) || best >= 0 && got[0].Effort > best {
			t.Fatalf("the least effort is %d, told %+v", best, got)
		}
		for _, r := range got {
			for i := range r.Steps {
				n := make([]int, len(ls))
				for j, s := range r.Steps {
					at := slices.IndexFunc(ls, func(l lever) bool { return l.name == s.Lever })
					if n[at] = s.N; i == j {
						n[at]--
					}
				}
				if lifts(n) {
					t.Fatalf("%q can spare %q", r.Text(), r.Steps[i].Text)
				}
			}
		}
	})
}

func TestTheLeastLevelAtWhichAWayRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var trail []cairn.Mark
		at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
		for i := range rapid.IntRange(1, 14).Draw(t, "marks") {
			trail = append(trail, cairn.Mark{At: at.AddDate(0, 0, 7*i), Level: cairn.Points(rapid.IntRange(0, 100_000).Draw(t, "level")), Known: rapid.IntRange(0, 9).Draw(t, "known") > 0})
		}
		c := Course{}
		is := func(level cairn.Points) bool {
			x := slices.Clone(trail)
			x[len(x)-1].Level, x[len(x)-1].Known = level, true
			way, _ := c.Of(x)
			return way == cairn.Rising
		}
		level, ok := c.Rises(trail)
		if ok && (!is(level) || level > 0 && is(level-1)) || !ok && is(cairn.Full) {
			t.Fatalf("%s, %v", level, ok)
		}
	})
}
