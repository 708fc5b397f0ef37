package survival

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"cairn"
)

// The two segments of Fader and Hardie, "How to project customer retention"
// (2007), table 1, with the parameters that they print in it for 7 years.
func TestFitAgreesWithFaderAndHardie(t *testing.T) {
	for _, c := range []struct {
		name        string
		survivors   []float64
		alpha, beta float64
		within      float64
	}{
		{"high end", []float64{100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1}, 0.66809, 3.80609, 1e-3},
		{"regular", []float64{100, 63.1, 46.8, 38.2, 32.6, 28.9, 26.2, 24.1}, 0.704, 1.182, 1e-3},
	} {
		t.Run(c.name, func(t *testing.T) {
			m, err := FitBeta(c.survivors)
			if err != nil {
				t.Fatal(err)
			}
			near(t, "alpha", m.Alpha, c.alpha, c.within)
			near(t, "beta", m.Beta, c.beta, c.within)
		})
	}
}

func TestProjectionOfTheHighEndSegment(t *testing.T) {
	m, err := FitBeta([]float64{100, 86.9, 74.3, 65.3, 59.3, 55.1, 51.7, 49.1})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "log-likelihood", m.LogLik, -161.1158147391154, 1e-6)
	s := m.Survival(12)
	near(t, "period 1", s[1], 0.8506792606978636, 1e-4)
	near(t, "period 12", s[12], 0.3779990720182088, 1e-4)
	near(t, "retention 12", m.Retention(12), 0.9568256153919665, 1e-4)
}

// TestFitFindsTheParametersThatMadeTheCurve: the expected survivors of a model
// are fitted best by that model.
func TestFitFindsTheParametersThatMadeTheCurve(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		made := Beta{Alpha: rapid.Float64Range(0.1, 4).Draw(rt, "alpha"), Beta: rapid.Float64Range(0.1, 40).Draw(rt, "beta")}
		s := made.Survival(rapid.IntRange(5, 40).Draw(rt, "periods"))
		for i := range s {
			s[i] *= 1000
		}
		m, err := FitBeta(s)
		if err != nil {
			rt.Fatal(err)
		}
		if math.Abs(m.Alpha/made.Alpha-1) > 1e-3 || math.Abs(m.Beta/made.Beta-1) > 1e-3 {
			rt.Fatalf("%+v, want %+v", m, made)
		}
	})
}

func TestCustomersWhoAreAllAlikeLeaveWithOneChance(t *testing.T) {
	m, err := FitBeta([]float64{1000, 900, 810, 729})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "churn", m.Churn(), 0.1, 1e-9)
	near(t, "period 10", m.Survival(10)[10], math.Pow(0.9, 10), 1e-6)
	if !m.Alike {
		t.Error("a difference between customers was found where there is none")
	}
}

func TestFitNamesWhatToCorrect(t *testing.T) {
	for _, c := range []struct {
		name string
		s    []float64
	}{
		{"too short", []float64{100, 90}},
		{"nobody left", []float64{100, 100, 100}},
		{"all left", []float64{100, 0, 0}},
		{"came back", []float64{100, 80, 90}},
		{"below 0", []float64{100, 80, -1}},
		{"not a number", []float64{100, math.NaN(), 1}},
	} {
		if _, err := FitBeta(c.s); cairn.KindOf(err) != cairn.Invalid {
			t.Errorf("%s: error %v, want an invalid table", c.name, err)
		}
	}
}

func TestSurvivorsAreReadInAnyOrder(t *testing.T) {
	got, err := ReadSurvivors(strings.NewReader("\"year\",\"high_end\"\n1,86.9\n0,100\n2,74.3\n"), "", "", "")
	if err != nil {
		t.Fatal(err)
	}
	if s := got[""]; len(s) != 3 || s[0] != 100 || s[1] != 86.9 || s[2] != 74.3 {
		t.Errorf("%v", got)
	}
}

func TestSurvivorsByGroup(t *testing.T) {
	got, err := ReadSurvivors(strings.NewReader("therapy,time_period,value\na,0,10\nb,0,7\na,1,9\n"), "", "", "therapy")
	if err != nil {
		t.Fatal(err)
	}
	if len(got["a"]) != 2 || len(got["b"]) != 1 {
		t.Errorf("%v", got)
	}
}

func TestSurvivorsNameWhatToCorrect(t *testing.T) {
	for _, c := range []struct{ name, text, field string }{
		{"a gap", "year,survivors\n0,10\n2,7\n", "year"},
		{"no beginning", "year,survivors\n1,10\n2,7\n", "year"},
		{"twice", "year,survivors\n0,10\n0,7\n", "year"},
		{"no number", "year,survivors\n0,many\n", "survivors"},
		{"no column", "year,a,b\n0,1,2\n", "survivors"},
		{"no rows", "year,survivors\n", ""},
	} {
		_, err := ReadSurvivors(strings.NewReader(c.text), "", "", "")
		e, ok := err.(*cairn.Error)
		if !ok || e.Kind != cairn.Invalid || e.Field != c.field {
			t.Errorf("%s: error %v, want one at %q", c.name, err, c.field)
		}
	}
}
