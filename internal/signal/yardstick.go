package signal

import (
	"slices"
	"sort"

	"cairn"
)

// A Yardstick is how one signal was distributed over all accounts on one day:
// its quantiles at 0, 5, … 100 %, by linear interpolation between order
// statistics (Hyndman and Fan's type 7).
type Yardstick struct {
	N int       `json:"n"` // accounts of which the signal was known
	Q []float64 `json:"q"` // 21 quantiles; empty when N is 0
}

// Yardsticks are those of one day, by signal.
type Yardsticks map[string]Yardstick

// A Yard is the yardsticks of several days.
type Yard map[cairn.Day]Yardsticks

// On returns the yardsticks that held on a day: those of the day, or the
// latest of the week before it. Nil when there are none.
func (y Yard) On(day cairn.Day) Yardsticks {
	for d := day; d > day-8; d-- {
		if s := y[d]; s != nil {
			return s
		}
	}
	return nil
}

// FewestPeers is how many accounts must be known before one is compared with
// the others.
const FewestPeers = 10

const yardSteps = 20

// Quantiles returns the yardstick of values, which may be in any order and
// stay as they are.
func Quantiles(values []float64) Yardstick {
	if len(values) == 0 {
		return Yardstick{}
	}
	sorted := slices.Sorted(slices.Values(values))
	q := make([]float64, yardSteps+1)
	for i := range q {
		q[i] = quantile(sorted, float64(i)/yardSteps)
	}
	return Yardstick{N: len(values), Q: q}
}

func quantile(sorted []float64, p float64) float64 {
	at := p * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	step := float64((at - float64(i)) * (sorted[i+1] - sorted[i]))
	return sorted[i] + step
}

// Median returns the middle value, and false when nothing was known.
func (y Yardstick) Median() (float64, bool) {
	if len(y.Q) != yardSteps+1 {
		return 0, false
	}
	return y.Q[yardSteps/2], true
}

// Rank returns where v stands among all: the percentage that lies below, and
// of equal quantiles the middle. It is false when nothing was known.
func (y Yardstick) Rank(v float64) (float64, bool) {
	if len(y.Q) != yardSteps+1 {
		return 0, false
	}
	lo := sort.SearchFloat64s(y.Q, v)
	hi := sort.Search(len(y.Q), func(i int) bool { return y.Q[i] > v })
	switch {
	case hi > lo: // equals quantiles lo … hi-1
		return float64(lo+hi-1) / 2 * 100 / yardSteps, true
	case lo == 0:
		return 0, true
	case lo > yardSteps:
		return 100, true
	}
	part := (v - y.Q[lo-1]) / (y.Q[lo] - y.Q[lo-1])
	return (float64(lo-1) + part) * 100 / yardSteps, true
}
