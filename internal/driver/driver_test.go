package driver

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// By hand: 30 of 40 against 20 of 60 is 0.75 / 0.3333 = 2.25. The logarithm is
// 0.81093, its error √(1/30 − 1/40 + 1/20 − 1/60) = √0.0416667 = 0.204124, and
// exp(0.81093 ± 1.959964 · 0.204124) = exp(0.410854), exp(1.211006).
func TestALiftIsTheOneWorkedOutByHand(t *testing.T) {
	d := Compare(30, 40, 20, 60)
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 5e-4*want {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	near("lift", d.Lift, 2.25)
	near("low", d.Low, 1.50811)
	near("high", d.High, 3.35686)
	near("rate", d.Rate, 75)
	near("other", d.Other, 33.3333)
	near("chance", d.Chance, 7.108e-5) // z = 3.97273
}

func TestALiftStaysFiniteAtTheEdges(t *testing.T) {
	for _, c := range [][4]int{{0, 30, 10, 30}, {10, 30, 0, 30}, {30, 30, 30, 30}, {0, 30, 0, 30}, {5, 5, 0, 0}, {30, 30, 0, 30}} {
		d := Compare(c[0], c[1], c[2], c[3])
		for _, v := range []float64{d.Lift, d.Low, d.High, d.Chance, d.Rate, d.Other} {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				t.Errorf("%v gives %+v", c, d)
			}
		}
		if d.Low > d.Lift && d.Low > 0 || d.High < d.Lift && d.High > 0 {
			t.Errorf("%v: the lift %v lies outside of %v to %v", c, d.Lift, d.Low, d.High)
		}
	}
}

// Benjamini and Hochberg by hand: of p = 0.01, 0.02, 0.03, 0.5 the first three
// become 0.04 (0.01·4/1, 0.02·4/2, 0.03·4/3, the least from the right).
func TestManyComparisonsAreCorrected(t *testing.T) {
	ds := []Driver{{Name: "a", Chance: 0.5}, {Name: "b", Chance: 0.03, Lift: 2}, {Name: "c", Chance: 0.01, Lift: 0.5}, {Name: "d", Chance: 0.02, Lift: 3}, {Name: "few", Chance: 1e-9, Did: 3}}
	for i := range ds[:4] {
		ds[i].Did, ds[i].Not = 50, 50
	}
	judge(ds, false)
	got := ""
	for _, d := range ds {
		got += fmt.Sprintf("%s %s %.2f; ", d.Name, d.Verdict, d.Chance)
	}
	if want := "d stays 0.04; b stays 0.04; c leaves 0.04; a same 0.50; few few 0.00; "; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

const today = cairn.Day(20000)

func all(string, string) bool { return true }

// does folds that people did something on days.
func does(st *signal.State, who, name string, product string, days ...cairn.Day) {
	for _, d := range days {
		st.Fold(cairn.Event{Kind: cairn.Track, Name: name, Product: product, At: d.Start(time.UTC).Add(time.Hour), Person: cairn.PersonID{ID: cairn.HashID(who)}, N: 1})
	}
}

func TestTheBeginningAndTheEndOfWindowsCount(t *testing.T) {
	p := Params{Product: "app", Early: 14, Later: 90, Since: today - 300, Today: today}
	begin := today - 150
	tests := []struct {
		name          string
		events        map[string][]cairn.Day // of one person
		people        int
		early, stayed bool
	}{
		{"the 14th day is early", map[string][]cairn.Day{"Start": {begin}, "X": {begin + 13}}, 1, true, false},
		{"the 15th is not", map[string][]cairn.Day{"Start": {begin}, "X": {begin + 14}}, 1, false, false},
		{"active on the last day", map[string][]cairn.Day{"Start": {begin, begin + 103}}, 1, false, true},
		{"active a day later", map[string][]cairn.Day{"Start": {begin, begin + 104}}, 1, false, false},
		{"active on the first day that counts", map[string][]cairn.Day{"Start": {begin, begin + 76}}, 1, false, true},
		{"active before it only", map[string][]cairn.Day{"Start": {begin, begin + 75}}, 1, false, false},
		{"began just long enough ago", map[string][]cairn.Day{"Start": {today - 103}}, 1, false, false},
		{"began a day too late", map[string][]cairn.Day{"Start": {today - 102}}, 0, false, false},
		{"began before Cairn listened", map[string][]cairn.Day{"Start": {today - 301}}, 0, false, false},
	}
	for _, tt := range tests {
		st := signal.NewState(time.UTC)
		for name, days := range tt.events {
			does(st, "ann", name, "app", days...)
		}
		does(st, "ann", "Elsewhere", "other", today-400)
		s := NewSample(p)
		s.Add(st, all)
		f := s.Find(all)
		early := false
		for _, d := range f.Drivers {
			early = early || d.Name == "X"
		}
		if f.People != tt.people || early != tt.early || (f.Stayed == 1) != tt.stayed {
			t.Errorf("%s: %d people, X early %v, %d stayed", tt.name, f.People, early, f.Stayed)
		}
	}
}

func TestSomebodyAtTwoAccountsCountsOnceFromTheirFirstEvent(t *testing.T) {
	p := Params{Early: 14, Later: 90, Since: today - 300, Today: today}
	for _, turned := range []bool{false, true} {
		a, b := signal.NewState(time.UTC), signal.NewState(time.UTC)
		does(a, "ann", "Late", "", today-120)
		does(b, "ann", "First", "", today-200)
		if turned {
			a, b = b, a
		}
		s := NewSample(p)
		s.Add(a, all)
		s.Add(b, all)
		f := s.Find(all)
		told := 0
		for _, d := range f.Drivers {
			told += d.Did
			if d.Name != "First" {
				t.Errorf("%s is told", d.Name)
			}
		}
		if f.People != 1 || told != 1 {
			t.Errorf("%d people, %d early", f.People, told)
		}
	}
}

// Of 200 people half invite somebody early; those stay. Reading pages goes
// with nothing.
func TestADriverIsFoundAndChanceIsNot(t *testing.T) {
	p := Params{Early: 14, Later: 90, Since: today - 300, Today: today}
	s := NewSample(p)
	for i := range 10 {
		st := signal.NewState(time.UTC)
		for j := range 20 {
			who, begin := fmt.Sprintf("p-%d-%d", i, j), today-150-cairn.Day(i)
			does(st, who, "Start", "", begin)
			if j%2 == 0 {
				does(st, who, "Invite Sent", "", begin+3)
			}
			if j%4 < 2 {
				does(st, who, "Page Viewed", "", begin+1)
			}
			if j%2 == 0 && j < 16 || j == 1 || j == 3 {
				does(st, who, "Work Done", "", begin+90)
			}
		}
		s.Add(st, all)
	}
	f := s.Find(all)
	if f.TooFew != "" || f.People != 200 || f.Stayed != 100 {
		t.Fatalf("%+v", f)
	}
	verdicts := map[string]Verdict{}
	for _, d := range f.Drivers {
		verdicts[d.Name] = d.Verdict
	}
	// Everybody starts, so there is nobody to compare with. 80 of 100 against 20 of 100.
	if d := f.Drivers[0]; d.Name != "Invite Sent" || d.Verdict != Stays || d.DidStayed != 80 || d.NotStayed != 20 || verdicts["Page Viewed"] != Same || verdicts["Start"] != Few {
		t.Errorf("%+v", f.Drivers)
	}
	few := NewSample(p)
	if text := few.Find(all).TooFew; !strings.Contains(text, "0 people began at least 104 days ago") {
		t.Errorf("of nobody it says %q", text)
	}
}
