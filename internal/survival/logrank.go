package survival

import (
	"math"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"cairn"
)

// A LogRank tells whether groups last equally long.
type LogRank struct {
	ChiSquared float64   `json:"chisq"`
	Freedom    int       `json:"df"`
	P          float64   `json:"p"`
	N          []int     `json:"n"`
	Observed   []float64 `json:"observed"` // ends, by group
	Expected   []float64 `json:"expected"` // if all groups were alike
}

// Compare compares groups by the log-rank test: at each time at which
// somebody ended, the ends that each group would have had, had all been alike.
func Compare(groups []Lifetimes) (LogRank, error) {
	if len(groups) < 2 {
		return LogRank{}, cairn.Errorf(cairn.Invalid, "The test compares groups: it needs two or more.").At("group")
	}
	r := LogRank{Observed: make([]float64, len(groups)), Expected: make([]float64, len(groups))}
	var all Lifetimes
	for _, g := range groups {
		if err := g.Check(); err != nil {
			return r, err
		}
		r.N = append(r.N, g.Len())
		all.Time, all.Ended = append(all.Time, g.Time...), append(all.Ended, g.Ended...)
	}
	v := mat.NewSymDense(len(groups), nil)
	at := make([]walk, len(groups))
	for i, g := range groups {
		at[i] = walk{tallies: g.tallies(), l: g}
		at[i].prepare()
	}
	for _, t := range all.tallies() {
		if t.ended > 0 {
			r.add(v, at, t.time)
		}
	}
	return r, r.conclude(v)
}

// add takes in what happened at t.
func (r *LogRank) add(v *mat.SymDense, at []walk, t float64) {
	risk, ended := make([]float64, len(at)), make([]float64, len(at))
	n, d := 0.0, 0.0
	for i := range at {
		risk[i], ended[i] = at[i].to(t)
		n, d = n+risk[i], d+ended[i]
	}
	spread := 0.0
	if n > 1 {
		spread = d * (n - d) / (n - 1)
	}
	for i := range at {
		r.Observed[i] += ended[i]
		r.Expected[i] += d * risk[i] / n
		for j := i; j < len(at); j++ {
			c := -risk[i] / n * risk[j] / n
			if i == j {
				c += risk[i] / n
			}
			v.SetSym(i, j, v.At(i, j)+c*spread)
		}
	}
}

// conclude makes the statistic of what was added. Groups of which nobody was
// at risk when anybody ended say nothing and are left out.
func (r *LogRank) conclude(v *mat.SymDense) error {
	var use []int
	for i, e := range r.Expected {
		if e > 0 {
			use = append(use, i)
		}
	}
	if len(use) < 2 {
		return cairn.Errorf(cairn.Invalid, "The groups cannot be compared: nobody ended while two of them were under observation.").At("event")
	}
	r.Freedom = len(use) - 1
	use = use[1:] // the differences of all groups add up to nothing
	small, diff := mat.NewSymDense(len(use), nil), mat.NewVecDense(len(use), nil)
	for i, a := range use {
		diff.SetVec(i, r.Observed[a]-r.Expected[a])
		for j, b := range use[:i+1] {
			small.SetSym(i, j, v.At(a, b))
		}
	}
	var factor mat.Cholesky
	var x mat.VecDense
	if !factor.Factorize(small) || factor.SolveVecTo(&x, diff) != nil {
		return cairn.Errorf(cairn.Invalid, "The groups cannot be compared: they were hardly under observation at the same time.").At("group")
	}
	r.ChiSquared = mat.Dot(&x, diff)
	r.P = distuv.ChiSquared{K: float64(r.Freedom)}.Survival(r.ChiSquared)
	if math.IsNaN(r.ChiSquared) {
		return cairn.Errorf(cairn.Invalid, "The groups cannot be compared.").At("group")
	}
	return nil
}

// A walk goes through one group in order of time.
type walk struct {
	l       Lifetimes
	tallies []tally
	came    []float64 // entries in order
	next    int       // of tallies
	entered int       // of came
	risk    int
}

func (w *walk) prepare() {
	w.came = sorted(w.l.Entry)
	if w.l.Entry == nil {
		w.risk = w.l.Len()
	}
}

// to returns who was at risk at t and who ended at it. It goes forward only.
func (w *walk) to(t float64) (risk, ended float64) {
	for ; w.next < len(w.tallies) && w.tallies[w.next].time < t; w.next++ {
		w.risk -= w.tallies[w.next].ended + w.tallies[w.next].quit
	}
	for ; w.entered < len(w.came) && w.came[w.entered] < t; w.entered++ {
		w.risk++
	}
	if w.next < len(w.tallies) && w.tallies[w.next].time == t {
		ended = float64(w.tallies[w.next].ended)
	}
	return float64(w.risk), ended
}
