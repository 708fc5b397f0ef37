package forecast

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// A Stake is one renewal within a sum: it is won or lost as a whole.
type Stake struct {
	Amount   int64 // minor units
	Estimate Estimate
}

// An Outlook is what a sum of renewals may come to, in minor units.
type Outlook struct {
	Worst    int64 `json:"worst"`    // none of those that are open renews
	Low      int64 `json:"low"`      // one time in ten it is less
	Expected int64 `json:"expected"` // the mean
	High     int64 `json:"high"`     // one time in ten it is more
	Best     int64 `json:"best"`     // all renew
	Unknown  int64 `json:"unknown"`  // of Best, what nothing can be said of; it is in neither of the three
}

// draws is how often a sum is drawn.
const draws = 4000

// Sum says what renewals come to beside what is settled already. Who renews
// goes on paying the share held of the amount.
//
// The mean is exact. Low and High are quantiles of 4,000 draws with a fixed
// seed: for every group a chance out of its posterior, so that all who were
// estimated from the same cases are wrong together, and then every renewal by
// that chance. From 200 renewals of a group on, their sum is drawn from the
// normal distribution of the same mean and variance.
func Sum(settled int64, held float64, stakes []Stake) Outlook {
	o := Outlook{Worst: settled, Best: settled}
	stakes = slices.Clone(stakes)
	slices.SortStableFunc(stakes, func(a, b Stake) int {
		return cmp.Or(cmp.Compare(a.Estimate.a, b.Estimate.a), cmp.Compare(a.Estimate.b, b.Estimate.b), cmp.Compare(a.Amount, b.Amount))
	})
	mean := 0.0
	var known []Stake
	for _, s := range stakes {
		o.Best += s.Amount
		if !s.Estimate.Known {
			o.Unknown += s.Amount
			continue
		}
		mean += held * s.Estimate.Chance * float64(s.Amount)
		known = append(known, s)
	}
	o.Expected = settled + int64(math.RoundToEven(mean))
	o.Low, o.High = o.Expected, o.Expected
	if len(known) == 0 {
		return o
	}
	sums := drawn(known, held)
	slices.Sort(sums)
	o.Low = settled + int64(math.RoundToEven(sums[draws/10]))
	o.High = settled + int64(math.RoundToEven(sums[draws-draws/10-1]))
	return o
}

// drawn returns sums of stakes, which are in order of their groups.
func drawn(stakes []Stake, held float64) []float64 {
	src := rand.NewPCG(1, 2)
	dice := rand.New(src)
	sums := make([]float64, draws)
	for len(stakes) > 0 {
		e := stakes[0].Estimate
		n := slices.IndexFunc(stakes, func(s Stake) bool { return s.Estimate.a != e.a || s.Estimate.b != e.b })
		if n < 0 {
			n = len(stakes)
		}
		group := stakes[:n]
		stakes = stakes[n:]
		total, squares := 0.0, 0.0
		for _, s := range group {
			total += float64(s.Amount)
			squares += float64(s.Amount) * float64(s.Amount)
		}
		chance := distuv.Beta{Alpha: e.a, Beta: e.b, Src: src}
		for i := range sums {
			p := chance.Rand()
			won := 0.0
			if n >= 200 {
				won = min(max(total*p+math.Sqrt(p*(1-p)*squares)*dice.NormFloat64(), 0), total)
			} else {
				for _, s := range group {
					if dice.Float64() < p {
						won += float64(s.Amount)
					}
				}
			}
			sums[i] += held * won
		}
	}
	return sums
}
