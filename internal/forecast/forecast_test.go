package forecast

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"
)

var yearly = Traits{Months: 12, Tenure: 24, Auto: true, Amount: 100_00, Product: "Team"}

// past returns so many cases of which so many were kept.
func past(t Traits, kept, of int) []Case {
	var out []Case
	for i := range of {
		out = append(out, Case{Traits: t, Term: 365, Kept: i < kept, Noticed: -1, Back: -1, Booked: t.Amount})
	}
	return out
}

func near(t *testing.T, what string, got, want, off float64) {
	t.Helper()
	if math.Abs(got-want) > off {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestWithoutACaseNothingIsSaid(t *testing.T) {
	for _, e := range []Estimate{New(nil).Estimate(yearly, 30, false), New(nil).Plain()} {
		if e.Known || e.Chance != 0 || !strings.Contains(e.Why(), "nothing to compare with") {
			t.Errorf("%+v: %s", e, e.Why())
		}
	}
	o := Sum(10, 1, []Stake{{Amount: 5, Estimate: New(nil).Estimate(yearly, 30, false)}})
	if o != (Outlook{Worst: 10, Low: 10, Expected: 10, High: 10, Best: 15, Unknown: 5}) {
		t.Errorf("%+v", o)
	}
}

// With one group only, the estimate is the textbook's: Jeffreys' prior and the
// cases. The quantiles of Beta(31.5, 7.5) are checked against its distribution.
func TestAllCasesAlikeGiveTheirPosterior(t *testing.T) {
	e := New(past(yearly, 31, 38)).Estimate(yearly, 0, false)
	near(t, "the chance", e.Chance, 31.5/39, 1e-12)
	beta := distuv.Beta{Alpha: 31.5, Beta: 7.5}
	near(t, "below low", beta.CDF(e.Low), 0.1, 1e-9)
	near(t, "below high", beta.CDF(e.High), 0.9, 1e-9)
	if want := "31 of 38 yearly contracts for Team of the larger third with 1 to 2 years’ tenure that renew by themselves without notice renewed."; e.Why() != want {
		t.Errorf("%q, want %q", e.Why(), want)
	}
}

func TestAGroupWithTooFewCasesBacksOffToAWiderOne(t *testing.T) {
	old := yearly
	old.Tenure = 100
	m := New(append(past(yearly, 30, 40), past(old, 1, Enough-1)...))
	e := m.Estimate(old, 0, false)
	if e.Of != 40+Enough-1 || !strings.HasPrefix(e.Group, "yearly contracts without") {
		t.Errorf("%+v", e)
	}
	quarterly := Traits{Months: 3, Tenure: 3}
	if e := m.Estimate(quarterly, 0, false); e.Of != 40+Enough-1 || !strings.HasPrefix(e.Group, "contracts without") {
		t.Errorf("%+v", e)
	}
}

// A group keeps its own rate the more, the more groups of its kind differ.
func TestGroupsAreDrawnTogetherTheLessTheyDiffer(t *testing.T) {
	var alike, apart []Case
	for i, months := range []int32{3, 6, 12, 36} {
		x := Traits{Months: months, Tenure: 3}
		alike = append(alike, past(x, 32, 40)...)
		apart = append(apart, past(x, []int{8, 38, 20, 36}[i], 40)...)
	}
	x := Traits{Months: 3, Tenure: 3}
	near(t, "alike", New(alike).Estimate(x, 0, false).Chance, 0.8, 0.01)
	if p := New(apart).Estimate(x, 0, false).Chance; p < 0.2 || p > 0.25 {
		t.Errorf("apart: %v, near 8 of 40 was wanted", p)
	}
}

func TestWhoHasEndedOrGivenNoticeIsNotComparable(t *testing.T) {
	cases := past(yearly, 20, 20)
	for range 20 {
		cases = append(cases, Case{Traits: yearly, Term: 365, Ended: 100, Noticed: -1, Back: -1}, Case{Traits: yearly, Term: 365, Noticed: 50, Back: -1})
	}
	saved := Case{Traits: yearly, Term: 365, Kept: true, Noticed: 40, Back: 35}
	m := New(append(cases, saved))
	for _, c := range []struct {
		days     int32
		noticed  bool
		kept, of int
	}{
		{365, false, 21, 61}, {90, false, 21, 41}, {30, false, 21, 21}, {45, true, 0, 20}, {30, true, 0, 20}, {60, true, 0, 0}, {31, true, 0, 20},
	} {
		if e := m.Estimate(yearly, c.days, c.noticed); e.Kept != c.kept || e.Of != c.of || e.Known != (c.of > 0) {
			t.Errorf("%d days before, notice %v: %d of %d, want %d of %d", c.days, c.noticed, e.Kept, e.Of, c.kept, c.of)
		}
	}
}

// An interval holds its estimate and lies within 0 and 1; the same cases in
// another order give the same.
func TestEstimatesAreSoundWhateverTheCases(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		traits := rapid.Custom(func(t *rapid.T) Traits {
			return Traits{
				Months: int32(rapid.SampledFrom([]int{3, 6, 12, 36}).Draw(t, "months")), Tenure: int32(rapid.IntRange(1, 90).Draw(t, "tenure")),
				Auto: rapid.Bool().Draw(t, "auto"), Amount: int64(rapid.IntRange(1, 9).Draw(t, "amount")), Product: rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "product"),
			}
		})
		cases := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Case {
			c := Case{Traits: traits.Draw(t, "traits"), Term: 365, Kept: rapid.Bool().Draw(t, "kept"), Noticed: int32(rapid.IntRange(-1, 60).Draw(t, "noticed")), Back: -1}
			if c.Booked = c.Amount; !c.Kept {
				c.Ended, c.Booked = int32(rapid.IntRange(0, 200).Draw(t, "ended")), 0
			}
			return c
		}), 0, 120).Draw(t, "cases")
		x, days, noticed := traits.Draw(t, "asked"), int32(rapid.IntRange(0, 800).Draw(t, "days")), rapid.Bool().Draw(t, "noticed")
		e := New(cases).Estimate(x, days, noticed)
		if e.Known && !(0 <= e.Low && e.Low <= e.Chance && e.Chance <= e.High && e.High <= 1 || e.Of < 3) || e.Kept > e.Of || !e.Known && e.Of != 0 {
			t.Fatalf("%+v", e)
		}
		if other := New(rapid.Permutation(cases).Draw(t, "order")).Estimate(x, days, noticed); other != e {
			t.Fatalf("%+v and %+v", e, other)
		}
	})
}

func TestASumLiesBetweenNoneAndAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := New(append(past(yearly, rapid.IntRange(0, 40).Draw(t, "kept"), 40), past(Traits{Months: 3, Amount: 5}, 10, 20)...))
		var stakes []Stake
		for range rapid.IntRange(0, 250).Draw(t, "stakes") {
			stakes = append(stakes, Stake{int64(rapid.IntRange(1, 500).Draw(t, "amount")), m.Estimate(yearly, 0, false)})
		}
		o := Sum(7, 1, stakes)
		if o.Worst != 7 || o.Low < o.Worst || o.Low > o.High || o.High > o.Best || o.Expected < o.Worst || o.Expected > o.Best {
			t.Fatalf("%+v", o)
		}
		if again := Sum(7, 1, stakes); again != o {
			t.Fatalf("%+v and then %+v", o, again)
		}
	})
}

// Against what can be worked out: 100 equal stakes of one group are
// beta-binomial. Its 10 % and 90 % quantiles are counted from its terms.
func TestTheQuantilesOfASumAreThoseOfItsDistribution(t *testing.T) {
	e := New(past(yearly, 30, 40)).Estimate(yearly, 0, false)
	var stakes []Stake
	for range 100 {
		stakes = append(stakes, Stake{1, e})
	}
	lg := func(x float64) float64 { v, _ := math.Lgamma(x); return v }
	beta := func(a, b float64) float64 { return lg(a) + lg(b) - lg(a+b) }
	sum, low, high := 0.0, -1, -1
	for k := range 101 {
		sum += math.Exp(lg(101) - lg(float64(k)+1) - lg(101-float64(k)) + beta(float64(k)+e.a, 100-float64(k)+e.b) - beta(e.a, e.b))
		if low < 0 && sum >= 0.1 {
			low = k
		}
		if high < 0 && sum >= 0.9 {
			high = k
		}
	}
	o := Sum(0, 1, stakes)
	near(t, "low", float64(o.Low), float64(low), 1)
	near(t, "high", float64(o.High), float64(high), 1)
	near(t, "expected", float64(o.Expected), 100*e.Chance, 0.5)
}

func TestWhatThoseWhoRenewGoOnPayingCountsInTheSum(t *testing.T) {
	cases := past(yearly, 40, 40)
	for i := range cases {
		cases[i].Booked = 80_00
	}
	m := New(cases)
	near(t, "held", m.Held(), 0.8, 1e-12)
	o := Sum(0, m.Held(), []Stake{{100_00, m.Estimate(yearly, 0, false)}})
	near(t, "expected", float64(o.Expected), 80_00*40.5/41, 1)
}

// The interval of 8 of 10 is (0.490, 0.943): Newcombe, "Two-sided confidence
// intervals for the single proportion", Statistics in Medicine 17 (1998), gives
// for 81 of 263 (0.2553, 0.3662) and for 0 of 20 (0, 0.1611), by method 3.
func TestWilsonIsThePublishedInterval(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{81, 263, 0.2553, 0.3662}, {15, 148, 0.0624, 0.1605}, {0, 20, 0, 0.1611}, {1, 29, 0.0061, 0.1718}} {
		low, high := Wilson(c.k, c.n)
		near(t, "low", low, c.low, 5e-5)
		near(t, "high", high, c.high, 5e-5)
	}
}

func TestCallsAreGraded(t *testing.T) {
	calls := []Call{{0.9, true}, {0.9, true}, {0.92, false}, {0.3, false}, {1, true}}
	near(t, "Brier", *Brier(calls), (0.01+0.01+0.92*0.92+0.09+0)/5, 1e-12)
	if Brier(nil) != nil {
		t.Error("no call has no score")
	}
	bins := Calibrate(calls)
	if len(bins) != 3 || bins[1].N != 3 || bins[1].Kept != 2 || bins[2].N != 1 || bins[0].Rate != 0 {
		t.Errorf("%+v", bins)
	}
	near(t, "said", bins[1].Mean, 0.90667, 1e-4)
}
