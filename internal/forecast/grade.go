package forecast

import "math"

// A Call is a forecast of one renewal, and what became of it.
type Call struct {
	Chance float64
	Kept   bool
}

// Brier is the mean square of what forecasts were off by: 0 is perfect, and
// who always says one half has 0.25 (Brier, "Verification of forecasts
// expressed in terms of probability", Monthly Weather Review 78, 1950). It is
// nil without a call.
func Brier(calls []Call) *float64 {
	if len(calls) == 0 {
		return nil
	}
	sum := 0.0
	for _, c := range calls {
		off := c.Chance
		if c.Kept {
			off--
		}
		sum += off * off
	}
	sum /= float64(len(calls))
	return &sum
}

// A Bin is what became of all renewals that were forecast about alike.
type Bin struct {
	From float64 `json:"from"` // chances from here
	To   float64 `json:"to"`   // to before here; of the last bin, to here
	N    int     `json:"n"`
	Kept int     `json:"renewed"`
	Mean float64 `json:"forecast"` // the mean of what was said
	Rate float64 `json:"observed"`
	Low  float64 `json:"low"` // of an interval of 95 % of Rate
	High float64 `json:"high"`
}

// edges part chances into bins. Most renew, so they are closer at the top.
var edges = []float64{0, 0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1}

// Calibrate sorts calls by what they said. Bins without a call are left out.
func Calibrate(calls []Call) []Bin {
	out := []Bin{}
	for i := range len(edges) - 1 {
		b := Bin{From: edges[i], To: edges[i+1]}
		for _, c := range calls {
			if c.Chance < b.From || c.Chance >= b.To && (b.To < 1 || c.Chance > 1) {
				continue
			}
			b.N++
			b.Mean += c.Chance
			if c.Kept {
				b.Kept++
			}
		}
		if b.N == 0 {
			continue
		}
		b.Mean /= float64(b.N)
		b.Rate = float64(b.Kept) / float64(b.N)
		b.Low, b.High = Wilson(b.Kept, b.N)
		out = append(out, b)
	}
	return out
}

// Wilson returns the score interval of 95 % of a share (Wilson, "Probable
// inference, the law of succession, and statistical inference", Journal of the
// American Statistical Association 22, 1927).
func Wilson(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959963984540054
	p, N := float64(k)/float64(n), float64(n)
	mid := (p + z*z/(2*N)) / (1 + z*z/N)
	half := z / (1 + z*z/N) * math.Sqrt(p*(1-p)/N+z*z/(4*N*N))
	return max(0, mid-half), min(1, mid+half)
}
