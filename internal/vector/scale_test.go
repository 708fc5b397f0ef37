package vector

import (
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/signal"
)

func at(v float64) *float64 { return &v }

// one is a model of a single leaf.
func one(l Leaf) Model {
	l.Weight = 100
	return Model{Name: "one", Groups: []Group{{Name: "All", Weight: 100, Leaves: []Leaf{l}}}}
}

// Gainsight: "From" is exclusive except in the first band; 0-50, 50-75, 75-100.
func TestTheValueWhereBandsMeetBelongsToTheOneThatTheBorderSays(t *testing.T) {
	bands := []Band{{"red", nil, at(50), nil, 0}, {"yellow", at(50), at(75), nil, 50}, {"green", at(75), at(100), nil, 100}}
	for _, tt := range []struct {
		border Border
		value  float64
		want   string
	}{
		{ToLower, 50, "red"}, {ToLower, 51, "yellow"}, {ToLower, 75, "yellow"}, {ToLower, 76, "green"}, {ToLower, 100, "green"}, {ToLower, 130, "green"},
		{ToHigher, 49.9, "red"}, {ToHigher, 50, "yellow"}, {ToHigher, 75, "green"}, {ToHigher, 100, "green"}, {ToHigher, -3, "red"},
	} {
		m := one(Leaf{Signal: signal.LicenceUse, Bands: bands, Border: tt.border})
		if err := m.Check(signal.New(signal.Settings{})); err != nil {
			t.Fatal(err)
		}
		_, _, reasons := m.Rate(known(map[string]float64{signal.LicenceUse: tt.value}))
		if !strings.Contains(reasons[0].Text, "("+tt.want+")") {
			t.Errorf("%v with border %q: %s, want %s", tt.value, tt.border, reasons[0].Text, tt.want)
		}
	}
	lower, higher := Leaf{Signal: signal.LicenceUse, Bands: bands}, Leaf{Signal: signal.LicenceUse, Bands: bands, Border: ToHigher}
	if got, want := lower.Scale(), "red: nothing up to and with 50 %; yellow: half above 50 up to and with 75 %; green: all above 75 up to and with 100 %"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := higher.Scale(), "red: nothing below 50 %; yellow: half from 50 to below 75 %; green: all from 75 to below 100 %"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

// The same as grades: levels have thousandths, so "above 50" begins at 50.001.
func TestGradesAreOfTheirLowestLevelOn(t *testing.T) {
	m := Model{Grades: []Grade{{"red", "red", 0}, {"yellow", "amber", 50.001}, {"green", "green", 75.001}}}
	for level, want := range map[cairn.Points]string{0: "red", 50_000: "red", 51_000: "yellow", 75_000: "yellow", 76_000: "green", 100_000: "green"} {
		if got := m.Grade(level).Name; got != want {
			t.Errorf("%s is %s, want %s", level, got, want)
		}
	}
	if got := (Model{}).Grade(40_000).Name; got != "Fair" {
		t.Errorf("without grades of its own a model calls 40 %s", got)
	}
}

func TestBandsThatOverlapOrLeaveAGapAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name        string
		bands       []Band
		field, says string
	}{
		{"overlapping", []Band{{Label: "few", To: at(5), Gives: 100}, {Label: "many", From: at(2), Gives: 0}}, "bands.1.from", "The bands “few” and “many” overlap: 3.5 is in both."},
		{"both open", []Band{{Label: "few", To: at(5)}, {Label: "any"}}, "bands.1.from", "overlap"},
		{"a gap", []Band{{Label: "red", To: at(50)}, {Label: "yellow", From: at(51), Gives: 50}}, "bands.1.from", "50.5 is in no band. Let “yellow” begin at 50"},
		{"empty", []Band{{From: at(5), To: at(5)}}, "bands.0.to", "number 1 is empty"},
		{"the same text twice", []Band{{Is: []string{"Poor"}}, {Is: []string{"poor "}, Gives: 50}}, "bands.1.is", "in two bands"},
		{"a text and a range", []Band{{Is: []string{"Poor"}, To: at(3)}}, "bands.0.is", "not both"},
		{"more than all", []Band{{Gives: 101}}, "bands.0.gives", "from 0 to 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err, ok := one(Leaf{Signal: signal.LicenceUse, Bands: tt.bands}).Check(signal.New(signal.Settings{})).(*cairn.Error)
			if !ok || err.Field != "groups.0.leaves.0."+tt.field || !strings.Contains(err.Text, tt.says) {
				t.Errorf("%v, want %s at %s", err, tt.says, tt.field)
			}
		})
	}
}

func TestATextThatNoBandNamesIsMissing(t *testing.T) {
	m := one(Leaf{Signal: "trait.sentiment", Bands: []Band{{"poor", nil, nil, []string{"Poor"}, 0}, {"healthy", nil, nil, []string{"Healthy"}, 100}}})
	said := func(s string) cairn.Signals {
		return cairn.Signals{"trait.sentiment": {Name: "trait.sentiment", Known: true, Text: s}}
	}
	if level, ok, r := m.Rate(said("healthy")); !ok || level != cairn.Full || r[0].Text != "sentiment: healthy (healthy)" {
		t.Errorf("%v %v %q", level, ok, r[0].Text)
	}
	if level, ok, r := m.Rate(said("Splendid")); ok || level != 0 || r[0].Known || !strings.Contains(r[0].Text, "“Splendid”, which is in no band") {
		t.Errorf("%v %v %q", level, ok, r[0].Text)
	}
}

func TestWhereTheWorstCountsTheOthersDoNot(t *testing.T) {
	m := Model{Name: "m", Groups: []Group{
		{Name: "Use", Weight: 60, How: Worst, Leaves: []Leaf{{Signal: signal.Active28, Best: 10}, {Signal: signal.LicenceUse, Best: 100}},
			Groups: []Group{{Name: "Depth", Leaves: []Leaf{{Signal: signal.Distinct28, Weight: 100, Best: 4}}}}},
		{Name: "Money", Weight: 40, Leaves: []Leaf{{Signal: signal.Overdue, Weight: 100, Worst: 30}}},
	}}
	if err := m.Check(signal.New(signal.Settings{})); err != nil {
		t.Fatal(err)
	}
	level, _, reasons := m.Rate(known(map[string]float64{signal.Active28: 9, signal.LicenceUse: 20, signal.Distinct28: 2, signal.Overdue: 0}))
	if level != 52_000 {
		t.Errorf("level %s, want 52", level)
	}
	want := []struct {
		points, of cairn.Points
		beat       bool
	}{{0, 0, true}, {12_000, 60_000, false}, {0, 0, true}, {40_000, 40_000, false}}
	for i, r := range reasons {
		if r.Points != want[i].points || r.Of != want[i].of || strings.Contains(r.Text, "something else is worse") != want[i].beat {
			t.Errorf("%+v, want %+v", r, want[i])
		}
	}
	if g := reasons[2].Group; g != "Use › Depth" {
		t.Errorf("a group within a group is called %q", g)
	}
	// What is missing is not the worst.
	if level, _, _ := m.Rate(known(map[string]float64{signal.Active28: 10, signal.Overdue: 0})); level != cairn.Full {
		t.Errorf("level %s, want 100", level)
	}
}

func TestAGroupThatAddsUpBeginsAtItsStartAndStopsAtItsEnds(t *testing.T) {
	m := Model{Name: "m", Groups: []Group{{Name: "Sum", Weight: 100, How: Add, Start: 50, Leaves: []Leaf{
		{Signal: signal.Active28, Weight: 40, Best: 10}, {Signal: signal.OpenTickets, Weight: -30, Best: 3}, {Signal: signal.NPS, Weight: 30, Worst: 6, Best: 9},
	}}}}
	if err := m.Check(signal.New(signal.Settings{})); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name   string
		values map[string]float64
		level  cairn.Points
		points []cairn.Points
	}{
		{"as it comes", map[string]float64{signal.Active28: 5, signal.OpenTickets: 1}, 60_000, []cairn.Points{50_000, 20_000, -10_000, 0}},
		{"over the top", map[string]float64{signal.Active28: 10, signal.OpenTickets: 0, signal.NPS: 9}, 100_000, []cairn.Points{50_000, 40_000, 0, 30_000, -20_000}},
		{"all that is bad", map[string]float64{signal.Active28: 0, signal.OpenTickets: 9}, 20_000, []cairn.Points{50_000, 0, -30_000, 0}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			level, _, reasons := m.Rate(known(tt.values))
			if level != tt.level || len(reasons) != len(tt.points) {
				t.Fatalf("level %s of %d reasons, want %s of %d", level, len(reasons), tt.level, len(tt.points))
			}
			for i, r := range reasons {
				if r.Points != tt.points[i] {
					t.Errorf("%s: %s, want %s", r.Label, r.Points, tt.points[i])
				}
			}
		})
	}
}

func TestWhatIsCarriedForwardCountsUntilItExpires(t *testing.T) {
	zone := time.UTC
	now := time.Date(2026, 3, 4, 12, 0, 0, 0, zone) // a Wednesday
	m := one(Leaf{Signal: signal.NPS, Best: 10, Missing: Carry, Expires: 30})
	if err := m.Check(signal.New(signal.Settings{})); err != nil {
		t.Fatal(err)
	}
	until := func(last time.Time) func(time.Time) cairn.Signals {
		return func(t time.Time) cairn.Signals {
			if t.After(last) {
				return cairn.Signals{signal.NPS: {Name: signal.NPS, Why: "Nobody has answered"}}
			}
			return known(map[string]float64{signal.NPS: 8})
		}
	}
	v := m.Vector(until(now.AddDate(0, 0, -20)), zone, now)
	if !v.Known || v.Level != 80_000 || !strings.Contains(v.Reasons[0].Text, "as it was last known on 8 February 2026") {
		t.Errorf("%v %s %q", v.Known, v.Level, v.Reasons[0].Text)
	}
	if v := m.Vector(until(now.AddDate(0, 0, -40)), zone, now); v.Known {
		t.Errorf("what expired still counts: %s", v.Level)
	}
}

// Vitally: three measures of 10, 5 and 0 points; healthy, healthy and poor are 6.67 of 10.
func TestThreeMeasuresOfTwoHealthyAndOnePoorAreTwoThirds(t *testing.T) {
	state := []Band{{"poor", nil, nil, []string{"poor"}, 0}, {"concerning", nil, nil, []string{"concerning"}, 50}, {"healthy", nil, nil, []string{"healthy"}, 100}}
	w := []float64{33.333334, 33.333333, 33.333333}
	m := Model{Name: "m", Groups: []Group{{Name: "G", Weight: 100, Leaves: []Leaf{
		{Signal: "trait.a", Weight: w[0], Bands: state}, {Signal: "trait.b", Weight: w[1], Bands: state}, {Signal: "trait.c", Weight: w[2], Bands: state}}}}}
	if err := m.Check(signal.New(signal.Settings{})); err != nil {
		t.Fatal(err)
	}
	sig := cairn.Signals{"trait.a": {Known: true, Text: "healthy"}, "trait.b": {Known: true, Text: "healthy"}, "trait.c": {Known: true, Text: "poor"}}
	if level, _, _ := m.Rate(sig); level != 66_667 {
		t.Errorf("level %s, want 66.667", level)
	}
}

// Planhat: a parent of 10 with three children of 5 is 6.25, of 0 is 3.75, of
// 10. Totango: five good (100), three average (60) and two poor (40) are 76.
func TestALevelOfAFamilyIsMadeAsChosen(t *testing.T) {
	family := func(levels ...cairn.Points) (out []Member) {
		for i, l := range levels {
			out = append(out, Member{Level: l, Known: true, MRR: int64(100 * i)})
		}
		return out
	}
	for _, tt := range []struct {
		name    string
		how     Family
		members []Member
		want    cairn.Points
	}{
		{"parent 10, three children 5", Equal, family(100_000, 50_000, 50_000, 50_000), 62_500},
		{"parent 0, three children 5", Equal, family(0, 50_000, 50_000, 50_000), 37_500},
		{"quality of a portfolio", Equal, family(100_000, 100_000, 100_000, 100_000, 100_000, 60_000, 60_000, 60_000, 40_000, 40_000), 76_000},
		{"own data", OwnData, family(10_000, 90_000), 10_000},
		{"by contract, the parent having none", Weighted, family(10_000, 30_000, 90_000), 70_000},
		{"nobody has a contract", Weighted, []Member{{Level: 10_000, Known: true}, {Level: 20_000, Known: true}}, 15_000},
		{"the worst", TheWorst, family(50_000, 20_000, 30_000), 20_000},
		{"the worst that is known", TheWorst, []Member{{}, {Level: 20_000, Known: true}}, 20_000},
	} {
		t.Run(tt.name, func(t *testing.T) {
			level, ok, gives := tt.how.Level(tt.members)
			var sum cairn.Points
			for _, p := range gives {
				sum += p
			}
			if !ok || level != tt.want || sum != level {
				t.Errorf("level %s, of which %s are accounted for, want %s", level, sum, tt.want)
			}
		})
	}
	if _, ok, _ := Equal.Level([]Member{{}, {}}); ok {
		t.Error("a family of which nothing is known has a level")
	}
}

func TestAModelOnWhichNPSWeighsMuchIsWarnedOf(t *testing.T) {
	m := Default()
	for l := range m.Leaves() {
		if l.Signal == signal.NPS {
			l.Weight = 40
		}
	}
	if w := m.Warnings(); len(w) != 0 {
		t.Errorf("2 %% of the level is warned of: %s", w)
	}
	m.Groups[4].Weight = 50
	if w := m.Warnings(); len(w) != 1 || !strings.Contains(w[0], "20 % of the level") {
		t.Errorf("20 %% of the level: %s", w)
	}
	m.NPSMost = at(25)
	if w := m.Warnings(); len(w) != 0 {
		t.Errorf("where 25 %% are meant, 20 are warned of: %s", w)
	}
}

func TestBalancedWeightsAddUpAndKeepTheirProportions(t *testing.T) {
	for _, tt := range []struct{ in, want []float64 }{
		{[]float64{1, 1, 1}, []float64{33.34, 33.33, 33.33}}, {[]float64{60, 60}, []float64{50, 50}},
		{[]float64{0, 0}, []float64{50, 50}}, {[]float64{30, 0, 90}, []float64{25, 0, 75}},
	} {
		got := Balance(tt.in)
		for i := range got {
			if got[i] != tt.want[i] {
				t.Errorf("%v becomes %v, want %v", tt.in, got, tt.want)
			}
		}
	}
}
