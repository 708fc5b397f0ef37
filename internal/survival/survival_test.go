package survival

import (
	"encoding/csv"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cairn"
)

func near(t *testing.T, what string, got, want, within float64) {
	t.Helper()
	if !(math.Abs(got-want) <= within) {
		t.Errorf("%s = %v, want %v within %v", what, got, want, within)
	}
}

func file(t testing.TB, name string) *os.File {
	t.Helper()
	f, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func read(t testing.TB, name string, c Columns) Table {
	t.Helper()
	table, err := Read(file(t, name), c)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// telco is IBM's sample, out of how many rows there are of each sort.
func telco(t *testing.T, by bool) Table {
	t.Helper()
	rows, err := csv.NewReader(file(t, "telco_counts.csv")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("Contract,tenure,Churn\n")
	for _, r := range rows[1:] {
		n, err := strconv.Atoi(r[3])
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(strings.Repeat(strings.Join(r[:3], ",")+"\n", n))
	}
	c := Columns{Time: "tenure", Event: "Churn"}
	if by {
		c.Group = "Contract"
	}
	table, err := Read(strings.NewReader(b.String()), c)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// reference reads the points that R's survfit found, by stratum.
func reference(t *testing.T, name string) map[string][][]string {
	t.Helper()
	rows, err := csv.NewReader(file(t, name)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][][]string{}
	for _, r := range rows[1:] {
		stratum := r[0]
		if _, value, ok := strings.Cut(stratum, "="); ok {
			stratum = value
		}
		out[stratum] = append(out[stratum], r[1:])
	}
	return out
}

func number(t *testing.T, s string) *float64 {
	t.Helper()
	if s == "NA" {
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return &f
}

func TestKaplanMeierAgreesWithR(t *testing.T) {
	for _, c := range []struct {
		name  string
		table Table
		file  string
	}{
		{"waltons", read(t, "waltons.csv", Columns{Group: "group"}), "waltons_km.csv"},
		{"lung by sex", read(t, "lung.csv", Columns{Group: "sex"}), "lung_km_by_sex.csv"},
		{"telco", telco(t, false), "telco_km_overall.csv"},
		{"telco by contract", telco(t, true), "telco_km_by_contract.csv"},
	} {
		t.Run(c.name, func(t *testing.T) {
			want := reference(t, c.file)
			if len(c.table.Groups) != len(want) {
				t.Fatalf("%d groups, want %d", len(c.table.Groups), len(want))
			}
			for _, g := range c.table.Groups {
				curve, err := KaplanMeier(g.Lifetimes, Log)
				if err != nil {
					t.Fatal(err)
				}
				name := g.Name
				if name == "" {
					name = "all"
				}
				compare(t, name, curve, want[name])
			}
		})
	}
}

func compare(t *testing.T, name string, c Curve, want [][]string) {
	t.Helper()
	if len(c.Points) != len(want) {
		t.Fatalf("%s: %d points, want %d", name, len(c.Points), len(want))
	}
	for i, p := range c.Points {
		r := want[i]
		for j, got := range []*float64{&p.Time, ptr(float64(p.Risk)), ptr(float64(p.Ended)), &p.Survival, p.Err, p.Lower, p.Upper} {
			w := number(t, r[j])
			if got == nil || w == nil {
				if got != nil || w != nil {
					t.Errorf("%s at %v, column %d: %v, want %v", name, p.Time, j, got, r[j])
				}
				continue
			}
			near(t, name+" at "+r[0]+", column "+strconv.Itoa(j), *got, *w, 1e-6)
		}
	}
}

func ptr(f float64) *float64 { return &f }

// The medians of the lung data are those that R prints for survfit(Surv(time,
// status) ~ 1) and ~ sex.
func TestMediansAgreeWithR(t *testing.T) {
	whole := read(t, "lung.csv", Columns{}).Groups[0]
	bySex := read(t, "lung.csv", Columns{Group: "sex"}).Groups
	for _, c := range []struct {
		name                string
		group               Group
		median, lower, uppr float64
	}{
		{"all", whole, 310, 285, 363},
		{"men", bySex[0], 270, 212, 310},
		{"women", bySex[1], 426, 348, 550},
	} {
		curve, err := KaplanMeier(c.group.Lifetimes, Log)
		if err != nil {
			t.Fatal(err)
		}
		m := curve.Median()
		near(t, c.name+" median", *m.Time, c.median, 0)
		near(t, c.name+" lower", *m.Lower, c.lower, 0)
		near(t, c.name+" upper", *m.Upper, c.uppr, 0)
	}
}

func TestMedianOfACurveThatRunsAlongOneHalfLiesInTheMiddle(t *testing.T) {
	c, err := KaplanMeier(Lifetimes{Time: []float64{1, 2, 5, 9}, Ended: []bool{true, true, true, false}}, Log)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "median", *c.Median().Time, 3.5, 0)
}

func TestMedianIsUnknownWhereTheCurveStaysAbove(t *testing.T) {
	c, err := KaplanMeier(Lifetimes{Time: []float64{1, 9, 9}, Ended: []bool{true, false, false}}, Log)
	if err != nil {
		t.Fatal(err)
	}
	if m := c.Median(); m.Time != nil || m.Upper != nil {
		t.Errorf("median %v, want none", m)
	}
}

func TestRestrictedMeanHasGreenwoodsError(t *testing.T) {
	l := Lifetimes{Time: []float64{10, 15, 23, 30, 35, 52, 100}, Ended: []bool{true, true, true, true, true, true, false}}
	c, err := KaplanMeier(l, Log)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Mean(100)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "mean", m.Mean, 37.857, 5e-4)
	near(t, "error", m.Err, 10.739, 5e-4)
	near(t, "lower", m.Lower, 16.81, 5e-3)
	near(t, "upper", m.Upper, 58.90, 5e-3)
}

func TestMeanIsNotGuessedBeyondTheLastObservation(t *testing.T) {
	c, err := KaplanMeier(Lifetimes{Time: []float64{1, 9}, Ended: []bool{true, false}}, Log)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Mean(10); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("error %v, want an invalid horizon", err)
	}
}

func TestLogRankAgreesWithR(t *testing.T) {
	for _, c := range []struct {
		name      string
		table     Table
		chisq, p  float64
		expected  []float64
		tolerance float64
	}{
		{"lung by sex", read(t, "lung.csv", Columns{Group: "sex"}), 10.326741954886, 0.001311164520355, []float64{91.581739029573, 73.418260970427}, 1e-6},
		{"waltons", read(t, "waltons.csv", Columns{Group: "group"}), 122.249125573006, 2.035983222285e-28, []float64{148.924489728689, 7.075510271311}, 1e-6},
		{"telco by contract", telco(t, true), 2352.87253825934, 0, []float64{708.445595507873, 470.72782609582, 689.826578396307}, 1e-6},
	} {
		t.Run(c.name, func(t *testing.T) {
			var groups []Lifetimes
			for _, g := range c.table.Groups {
				groups = append(groups, g.Lifetimes)
			}
			r, err := Compare(groups)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "chi squared", r.ChiSquared, c.chisq, c.tolerance)
			near(t, "p", r.P, c.p, 1e-6*c.p+1e-300)
			for i, e := range c.expected {
				near(t, "expected", r.Expected[i], e, c.tolerance)
			}
		})
	}
}

func TestLateEntriesCountFromTheirEntryOn(t *testing.T) {
	// Worked by hand: at 3 only the first two are under observation, at 5 the
	// second and third (who entered at 4), at 8 the third alone.
	l := Lifetimes{Time: []float64{3, 5, 8}, Ended: []bool{true, true, true}, Entry: []float64{0, 1, 4}}
	c, err := KaplanMeier(l, LogLog)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		risk int
		s    float64
	}{{2, 0.5}, {2, 0.25}, {1, 0}} {
		if c.Points[i].Risk != want.risk || c.Points[i].Survival != want.s {
			t.Errorf("point %d: %+v, want %+v", i, c.Points[i], want)
		}
	}
	if got := l.AtRisk([]float64{0, 2, 4, 5, 9}); !slices.Equal(got, []int{1, 2, 1, 2, 0}) {
		t.Errorf("at risk %v", got)
	}
}

// TestTruncationThatHidesNobodyChangesNothing: entries at 0 are as none.
func TestTruncationThatHidesNobodyChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := draw(rt)
		same := l
		same.Entry = make([]float64, l.Len())
		a, err := KaplanMeier(l, LogLog)
		if err != nil {
			rt.Fatal(err)
		}
		b, err := KaplanMeier(same, LogLog)
		if err != nil {
			rt.Fatal(err)
		}
		for i := range a.Points {
			if a.Points[i].Risk != b.Points[i].Risk || a.Points[i].Survival != b.Points[i].Survival {
				rt.Fatalf("%+v, want %+v", b.Points[i], a.Points[i])
			}
		}
	})
}

// TestCurveIsThatOfTheSimplestAlgorithm compares with counting over and over.
func TestCurveIsThatOfTheSimplestAlgorithm(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := draw(rt)
		if rapid.Bool().Draw(rt, "late") {
			for _, end := range l.Time {
				l.Entry = append(l.Entry, float64(rapid.IntRange(0, int(end)-1).Draw(rt, "entry")))
			}
		}
		c, err := KaplanMeier(l, LogLog)
		if err != nil {
			rt.Fatal(err)
		}
		s := 1.0
		for _, p := range c.Points {
			risk, ended := 0, 0
			for i, end := range l.Time {
				if end >= p.Time && (l.Entry == nil || l.Entry[i] < p.Time) {
					risk++
				}
				if end == p.Time && l.Ended[i] {
					ended++
				}
			}
			s *= float64(risk-ended) / float64(risk)
			if p.Risk != risk || p.Ended != ended || math.Abs(p.Survival-s) > 1e-12 {
				rt.Fatalf("%+v, want %d at risk, %d ended, %v", p, risk, ended, s)
			}
			if p.Lower != nil && (*p.Lower < 0 || *p.Lower > p.Survival || *p.Upper < p.Survival || *p.Upper > 1) {
				rt.Fatalf("%v lies outside its interval %v to %v", p.Survival, *p.Lower, *p.Upper)
			}
		}
	})
}

func draw(rt *rapid.T) Lifetimes {
	var l Lifetimes
	for range rapid.IntRange(1, 40).Draw(rt, "n") {
		l.Add(float64(rapid.IntRange(1, 20).Draw(rt, "time")), rapid.Bool().Draw(rt, "ended"))
	}
	return l
}

func TestReadTakesWhatFilesSay(t *testing.T) {
	for _, c := range []struct {
		name, text string
		columns    Columns
		ended      []bool
		left       int
	}{
		{"words", "tenure,Churn\n1,Yes\n2,No\n", Columns{}, []bool{true, false}, 0},
		{"R's codes", "time,status\n1,2\n2,1\n", Columns{}, []bool{true, false}, 0},
		{"a mark before the heading", "\ufefftime,event\n1,1\n", Columns{}, []bool{true}, 0},
		{"missing cells", "time,event\n1,1\n,1\n3,NA\n4,0\n", Columns{}, []bool{true, false}, 2},
		{"named", "a,b\n1,true\n", Columns{Time: "a", Event: "b"}, []bool{true}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			table, err := Read(strings.NewReader(c.text), c.columns)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(table.Groups[0].Ended, c.ended) || table.Left != c.left {
				t.Errorf("%v, %d left out; want %v, %d", table.Groups[0].Ended, table.Left, c.ended, c.left)
			}
		})
	}
}

func TestReadNamesWhatToCorrect(t *testing.T) {
	for _, c := range []struct {
		name, text, field string
		columns           Columns
	}{
		{"no rows", "time,event\n", "", Columns{}},
		{"empty", "", "", Columns{}},
		{"no such column", "time,event\n1,1\n", "group", Columns{Group: "plan"}},
		{"which column", "a,b\n1,1\n", "time", Columns{}},
		{"not a number", "time,event\nlong,1\n", "time", Columns{}},
		{"not an event", "time,event\n1,perhaps\n", "event", Columns{}},
		{"0 and 2", "time,event\n1,0\n1,2\n", "event", Columns{}},
		{"below 0", "time,event\n-1,1\n", "time", Columns{}},
		{"entry after the end", "time,event,from\n1,1,2\n", "entry", Columns{Entry: "from"}},
		{"ragged", "time,event\n1\n", "", Columns{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read(strings.NewReader(c.text), c.columns)
			e, ok := err.(*cairn.Error)
			if !ok || e.Kind != cairn.Invalid || e.Field != c.field {
				t.Errorf("error %v, want one at %q", err, c.field)
			}
		})
	}
}

// million are a million lifetimes of a made-up company, in no order.
func million() Lifetimes {
	r := rand.New(rand.NewPCG(1, 2))
	var l Lifetimes
	for range 1_000_000 {
		l.Add(math.Round(r.ExpFloat64()*500*10)/10, r.IntN(10) < 4)
	}
	return l
}

func BenchmarkKaplanMeierOfAMillionInMemory(b *testing.B) {
	l := million()
	for b.Loop() {
		if _, err := KaplanMeier(l, Log); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkKaplanMeierOfAMillionFromCSV(b *testing.B) {
	var text strings.Builder
	text.WriteString("time,event\n")
	l := million()
	for i, t := range l.Time {
		text.WriteString(strconv.FormatFloat(t, 'f', 1, 64))
		if l.Ended[i] {
			text.WriteString(",1\n")
		} else {
			text.WriteString(",0\n")
		}
	}
	for b.Loop() {
		table, err := Read(strings.NewReader(text.String()), Columns{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := KaplanMeier(table.Groups[0].Lifetimes, Log); err != nil {
			b.Fatal(err)
		}
	}
}
