package vector

import (
	"encoding/json"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/signal"
)

// measured draws what could have been measured: any signal known or missing.
func measured(t *rapid.T, label string) cairn.Signals {
	out := cairn.Signals{}
	for _, d := range signal.Defs() {
		s := cairn.Signal{Name: d.Name, Why: "Nothing is known."}
		if rapid.Bool().Draw(t, label+" knows "+d.Name) {
			n := rapid.OneOf(rapid.Float64Range(-10, 120), rapid.Just(0.0), rapid.Just(1.0)).Draw(t, d.Name)
			s = cairn.Signal{Name: d.Name, Known: true, Number: n, Fresh: time.Unix(1e9, 0)}
		}
		out[d.Name] = s
	}
	return out
}

// drawn draws a model of plain groups that passes its check.
func drawn(t *rapid.T) Model {
	d := drawing{t: t, left: rapid.Permutation(signal.Defs()).Draw(t, "signals"), plain: true}
	return d.model()
}

// drawnTree draws a model of any depth, with every scale and every way in
// which parts come to a whole.
func drawnTree(t *rapid.T) Model {
	d := drawing{t: t, left: rapid.Permutation(signal.Defs()).Draw(t, "signals")}
	return d.model()
}

type drawing struct {
	t     *rapid.T
	left  []signal.Def // not rated yet
	plain bool         // no depth, straight scales and means only
	named int
}

func (d *drawing) model() Model {
	m := Model{Name: "drawn"}
	for _, w := range weights(d.t, rapid.IntRange(1, 5).Draw(d.t, "groups")) {
		m.Groups = append(m.Groups, d.group(w, 1))
	}
	if err := m.Check(signal.New(signal.Settings{})); err != nil {
		d.t.Fatalf("drew a model that is refused: %v", err)
	}
	return m
}

func (d *drawing) group(weight float64, depth int) Group {
	d.named++
	g := Group{Name: fmt.Sprint("Group ", d.named), Weight: weight}
	n, inner := rapid.IntRange(1, min(4, max(1, len(d.left)/8))).Draw(d.t, "leaves"), 0
	if !d.plain {
		g.How = rapid.SampledFrom([]How{Mean, Mean, Worst, Add}).Draw(d.t, "how")
		if depth < 4 && len(d.left) > 12 {
			inner = rapid.IntRange(0, 2).Draw(d.t, "groups within")
		}
		if g.How == Add {
			g.Start = rapid.SampledFrom([]float64{0, 33.33, 50, 100}).Draw(d.t, "start")
		}
	}
	part := weights(d.t, n+inner)
	for i := range part {
		switch g.How {
		case Worst:
			part[i] = 0
		case Add:
			part[i] = rapid.SampledFrom([]float64{-100, -17.3, 5, 33.333, 80}).Draw(d.t, "adds")
		}
	}
	for range n {
		g.Leaves = append(g.Leaves, d.leaf(part[len(g.Leaves)]))
	}
	for range inner {
		g.Groups = append(g.Groups, d.group(part[n+len(g.Groups)], depth+1))
	}
	return g
}

func (d *drawing) leaf(weight float64) Leaf {
	l := Leaf{
		Signal: d.left[0].Name, Weight: weight,
		Missing: rapid.SampledFrom([]Missing{"", LeaveOut, Neutral, Poor}).Draw(d.t, "missing"),
	}
	d.left = d.left[1:]
	if !d.plain && rapid.Bool().Draw(d.t, "in bands") {
		l.Border = rapid.SampledFrom([]Border{ToLower, ToHigher}).Draw(d.t, "border")
		a, b := 1.0, 20.0
		l.Bands = []Band{{To: &a, Gives: 0}, {From: &a, To: &b, Gives: 37.5, Label: "so so"}, {From: &b, Gives: 100}}
		return l
	}
	l.Worst = rapid.Float64Range(-5, 100).Draw(d.t, "worst")
	l.Best = l.Worst + rapid.SampledFrom([]float64{-30, -1, 0.5, 7, 100}).Draw(d.t, "width")
	return l
}

// weights draws n weights that sum to 100, in hundredths.
func weights(t *rapid.T, n int) []float64 {
	out, left := make([]float64, n), 10000
	for i := range out {
		part := left
		if i < n-1 {
			part = rapid.IntRange(1, left-(n-1-i)).Draw(t, "weight")
		}
		out[i], left = float64(part)/100, left-part
	}
	return out
}

func TestReasonsAddUpToTheLevelExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, sig := drawn(t), measured(t, "account")
		level, known, reasons := m.Rate(sig)
		var sum, of cairn.Points
		for _, r := range reasons {
			if r.Points < 0 || r.Points > r.Of {
				t.Fatalf("%s gives %d of %d", r.Signal, r.Points, r.Of)
			}
			if r.Text == "" || r.Label == "" || r.Group == "" || r.Rule == "" {
				t.Fatalf("a reason without words: %+v", r)
			}
			sum, of = sum+r.Points, of+r.Of
		}
		if sum != level || level < 0 || level > cairn.Full {
			t.Fatalf("points sum to %d, level is %d", sum, level)
		}
		if known && of != cairn.Full || !known && (of != 0 || level != 0) {
			t.Fatalf("what could be given sums to %d, known %v", of, known)
		}
		if l, k := m.Level(sig); l != level || k != known {
			t.Fatalf("the level of a mark is %d %v, of the vector %d %v", l, k, level, known)
		}
	})
}

func TestReasonsOfATreeAddUpToTheLevelExactly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, sig := drawnTree(t), measured(t, "account")
		level, known, reasons := m.Rate(sig)
		var sum cairn.Points
		for _, r := range reasons {
			if r.Points > r.Of || r.Of < 0 {
				t.Fatalf("%s of %s gives %d of %d", r.Label, r.Group, r.Points, r.Of)
			}
			if r.Text == "" || r.Label == "" || r.Group == "" || r.Rule == "" {
				t.Fatalf("a reason without words: %+v", r)
			}
			sum += r.Points
		}
		if sum != level || level < 0 || level > cairn.Full {
			t.Fatalf("points sum to %d, level is %d", sum, level)
		}
		if !known && level != 0 {
			t.Fatalf("nothing is known, and the level is %d", level)
		}
		if l, k := m.Level(sig); l != level || k != known {
			t.Fatalf("the level of a mark is %d %v, of the vector %d %v", l, k, level, known)
		}
	})
}

func TestABetterSignalNeverLowersTheLevel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, sig := drawn(t), measured(t, "account")
		before, _, _ := m.Rate(sig)
		leaf := m.Groups[0].Leaves[0]
		s := sig[leaf.Signal]
		if !s.Known {
			return
		}
		s.Number += rapid.Float64Range(0, 50).Draw(t, "better") * math.Copysign(1, leaf.Best-leaf.Worst)
		sig[leaf.Signal] = s
		if after, _, _ := m.Rate(sig); after < before {
			t.Fatalf("the level went from %d to %d", before, after)
		}
	})
}

func known(values map[string]float64) cairn.Signals {
	out := cairn.Signals{}
	for name, n := range values {
		out[name] = cairn.Signal{Name: name, Known: true, Number: n}
	}
	return out
}

func TestAMissingLeafDoesWhatItsPolicySays(t *testing.T) {
	model := func(p Missing) Model {
		return Model{Name: "m", Groups: []Group{
			{Name: "Use", Weight: 60, Leaves: []Leaf{
				{Signal: signal.Active28, Weight: 50, Worst: 0, Best: 10},
				{Signal: signal.LicenceUse, Weight: 50, Worst: 0, Best: 100, Missing: p}}},
			{Name: "Money", Weight: 40, Leaves: []Leaf{{Signal: signal.Overdue, Weight: 100, Worst: 30, Best: 0, Missing: p}}},
		}}
	}
	half := known(map[string]float64{signal.Active28: 10})
	for p, want := range map[Missing]cairn.Points{"": 100_000, LeaveOut: 100_000, Neutral: 65_000, Poor: 30_000} {
		if level, ok, _ := model(p).Rate(half); level != want || !ok {
			t.Errorf("%q: level %v, want %v", p, level, want)
		}
		if level, ok, _ := model(p).Rate(cairn.Signals{}); ok || level != 0 {
			t.Errorf("%q: nothing measured is level %v, known %v", p, level, ok)
		}
	}
	// What a leaf left out leaves goes to its group first.
	_, _, reasons := model("").Rate(known(map[string]float64{signal.Active28: 5, signal.Overdue: 0}))
	want := []cairn.Points{30_000, 0, 40_000}
	for i, r := range reasons {
		if r.Points != want[i] {
			t.Errorf("%s gives %v, want %v", r.Signal, r.Points, want[i])
		}
	}
}

func TestAScaleIsClampedAndRunsEitherWay(t *testing.T) {
	for _, tt := range []struct{ worst, best, value, want float64 }{
		{0, 10, -5, 0}, {0, 10, 2.5, 25}, {0, 10, 50, 100}, {30, 10, 40, 0}, {30, 10, 15, 75}, {30, 10, 0, 100},
	} {
		m := Model{Name: "m", Groups: []Group{{Name: "G", Weight: 100, Leaves: []Leaf{{Signal: signal.Active28, Weight: 100, Worst: tt.worst, Best: tt.best}}}}}
		if level, _, _ := m.Rate(known(map[string]float64{signal.Active28: tt.value})); level != cairn.Points(tt.want*1000) {
			t.Errorf("%v on %v…%v: %v, want %v", tt.value, tt.worst, tt.best, level, tt.want)
		}
	}
}

func TestTheDefaultModelPassesItsCheckAndHasWordsForEverything(t *testing.T) {
	m := Default()
	if err := m.Check(signal.New(signal.Settings{})); err != nil {
		t.Fatal(err)
	}
	for l := range m.Leaves() {
		if s, ok := sayings[l.Signal]; !ok || s.is == nil {
			t.Errorf("no words for %s", l.Signal)
		}
	}
	if w := m.Warnings(); len(w) > 0 {
		t.Errorf("the default model is warned of: %s", w)
	}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back Model
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(m, back); diff != "" {
		t.Errorf("a model does not survive the book (-want +got):\n%s", diff)
	}
}

func TestAnAccountNobodyUsesIsLow(t *testing.T) {
	level, ok, _ := Default().Rate(known(map[string]float64{
		signal.Active28: 0, signal.DaysActive: 0, signal.SinceActivity: 200, signal.Distinct28: 0, signal.Events28: 0,
	}))
	if !ok || level != 0 {
		t.Errorf("level %v, known %v", level, ok)
	}
	busy, _, _ := Default().Rate(known(map[string]float64{
		signal.Active28: 7, signal.DaysActive: 18, signal.SinceActivity: 1, signal.Distinct28: 1, signal.ActiveChange: 0,
	}))
	if busy < 80_000 {
		t.Errorf("an account with nothing but use, and much of it, is at %v", busy)
	}
}

func TestARefusedModelNamesTheFieldToCorrect(t *testing.T) {
	tests := []struct {
		name   string
		break_ func(m *Model)
		field  string
	}{
		{"no name", func(m *Model) { m.Name = "" }, "name"},
		{"no groups", func(m *Model) { m.Groups = nil }, "groups"},
		{"groups do not add up", func(m *Model) { m.Groups[0].Weight++ }, "groups"},
		{"a group without a name", func(m *Model) { m.Groups[1].Name = "" }, "groups.1.name"},
		{"a weight of nothing", func(m *Model) { m.Groups[1].Weight = 0 }, "groups.1.weight"},
		{"an empty group", func(m *Model) { m.Groups[1].Leaves = nil }, "groups.1.leaves"},
		{"leaves do not add up", func(m *Model) { m.Groups[2].Leaves[0].Weight-- }, "groups.2.leaves"},
		{"unknown signal", func(m *Model) { m.Groups[0].Leaves[1].Signal = "usage.joy" }, "groups.0.leaves.1.signal"},
		{"rated twice", func(m *Model) { m.Groups[0].Leaves[1].Signal = m.Groups[0].Leaves[0].Signal }, "groups.0.leaves.1.signal"},
		{"a scale of no width", func(m *Model) { m.Groups[0].Leaves[2].Best = m.Groups[0].Leaves[2].Worst }, "groups.0.leaves.2.best"},
		{"not a number", func(m *Model) { m.Groups[0].Leaves[2].Best = math.NaN() }, "groups.0.leaves.2.best"},
		{"unknown policy", func(m *Model) { m.Groups[0].Leaves[2].Missing = "ignore" }, "groups.0.leaves.2.missing"},
		{"weights where the worst counts", func(m *Model) { m.Groups[3].How = Worst }, "groups.3.leaves.0.weight"},
		{"a start where nothing is added", func(m *Model) { m.Groups[3].Start = 50 }, "groups.3.start"},
		{"an unknown how", func(m *Model) { m.Groups[3].How = "best" }, "groups.3.how"},
		{"expires and is not carried", func(m *Model) { m.Groups[3].Leaves[0].Expires = 9 }, "groups.3.leaves.0.expires"},
		{"carried for ever", func(m *Model) { m.Groups[3].Leaves[0].Missing = Carry }, "groups.3.leaves.0.expires"},
		{"a border without bands", func(m *Model) { m.Groups[3].Leaves[0].Border = ToHigher }, "groups.3.leaves.0.border"},
		{"a group in a group that does not add up", func(m *Model) { m.Groups[3].Groups = []Group{m.Groups[1]} }, "groups.3.groups.0.leaves.0.signal"},
		{"three weeks", func(m *Model) { m.Way.Weeks = 3 }, "way.weeks"},
		{"a way that ends after it begins", func(m *Model) { m.Way = Course{Enter: 2, Leave: 3} }, "way.leave"},
		{"grades that do not rise", func(m *Model) { m.Grades = []Grade{{"a", "red", 0}, {"b", "green", 0}} }, "grades.1.from"},
		{"a negative leaf", func(m *Model) { m.Groups[0].Leaves[2].Weight = -5 }, "groups.0.leaves.2.weight"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := Default()
			tt.break_(&m)
			err, ok := m.Check(signal.New(signal.Settings{})).(*cairn.Error)
			if !ok || err.Kind != cairn.Invalid || err.Field != tt.field || err.Text == "" {
				t.Errorf("got %v, want field %s", err, tt.field)
			}
		})
	}
}
