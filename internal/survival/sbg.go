package survival

import (
	"fmt"
	"math"

	"gonum.org/v1/gonum/mathext"
	"gonum.org/v1/gonum/optimize"

	"cairn"
)

// A Beta is the shifted-beta-geometric: at the end of every period a customer
// leaves with a chance of his own, which never changes, and the chances of all
// are spread as a beta distribution. So the share that renews rises from
// period to period although nobody becomes more loyal: those who leave easily
// have left.
type Beta struct {
	Alpha  float64 `json:"alpha"`
	Beta   float64 `json:"beta"`
	LogLik float64 `json:"loglik"` // of the survivors that it was fitted to
	Alike  bool    `json:"alike"`  // no difference between customers shows: Alpha and Beta only tell the common chance
}

// alike is the logarithm of the strength (alpha + beta) that stands for an
// infinite one.
const alike = 18

// nothing is the share of the log-likelihood that a difference between
// customers must gain to be one.
const nothing = 1e-6

// FitBeta fits the model by maximum likelihood to how many were left at the
// end of each period, of those with whom the first number begins. Shares are
// as good as counts: they give the same parameters.
func FitBeta(survivors []float64) (Beta, error) {
	if err := checkSurvivors(survivors); err != nil {
		return Beta{}, err
	}
	first, last := survivors[0], survivors[len(survivors)-1]
	lost := (first - last) / sum(survivors[:len(survivors)-1]) // the common chance
	problem := optimize.Problem{
		Func: func(x []float64) float64 {
			return -logLik(math.Exp(x[0]), math.Exp(x[1]), survivors) / first
		},
		Grad: func(grad, x []float64) {
			a, b := math.Exp(x[0]), math.Exp(x[1])
			da, db := slope(a, b, survivors)
			grad[0], grad[1] = -da*a/first, -db*b/first
		},
	}
	best := Beta{LogLik: math.Inf(-1)}
	for _, strength := range []float64{1, 10, 100} {
		start := []float64{math.Log(lost * strength), math.Log((1 - lost) * strength)}
		settings := optimize.Settings{GradientThreshold: 1e-11, MajorIterations: 2000}
		r, err := optimize.Minimize(problem, start, &settings, &optimize.BFGS{})
		if r == nil {
			return best, fmt.Errorf("survival: fitting the shifted-beta-geometric: %w", err)
		}
		// A line search that can improve no more ends with an error at the top.
		a, b := math.Exp(r.X[0]), math.Exp(r.X[1])
		if l := logLik(a, b, survivors); l > best.LogLik {
			best = Beta{Alpha: a, Beta: b, LogLik: l}
		}
	}
	common := commonLogLik(lost, survivors)
	if !(best.LogLik-common > nothing*math.Abs(common)) {
		best = Beta{Alpha: lost * math.Exp(alike), Beta: (1 - lost) * math.Exp(alike), LogLik: common, Alike: true}
	}
	return best, nil
}

func checkSurvivors(s []float64) error {
	if len(s) < 3 {
		return cairn.Errorf(cairn.Invalid, "The curve has two parameters: it needs the survivors of the beginning and of two periods or more.").At("survivors")
	}
	for i, n := range s {
		switch {
		case math.IsNaN(n) || math.IsInf(n, 0) || n < 0:
			return cairn.Errorf(cairn.Invalid, "The survivors of period %d are %v: a number of 0 or more is needed.", i, n).At("survivors")
		case i > 0 && n > s[i-1]:
			return cairn.Errorf(cairn.Invalid, "In period %d there are %v survivors and %v in the one before: who has left cannot come back.", i, n, s[i-1]).At("survivors")
		}
	}
	switch {
	case s[len(s)-1] == s[0]:
		return cairn.Errorf(cairn.Invalid, "Nobody left: there is nothing to fit a curve to.").At("survivors")
	case s[1] == 0:
		return cairn.Errorf(cairn.Invalid, "Everybody left in the first period: there is nothing to fit a curve to.").At("survivors")
	}
	return nil
}

// logLik is the logarithm of the likelihood. The chance of leaving in period t
// is B(a+1, b+t-1)/B(a, b), that of lasting longer B(a, b+t)/B(a, b).
func logLik(a, b float64, s []float64) float64 {
	n := len(s) - 1
	l, none := 0.0, mathext.Lbeta(a, b)
	for t := 1; t <= n; t++ {
		if left := s[t-1] - s[t]; left > 0 {
			l += left * (mathext.Lbeta(a+1, b+float64(t)-1) - none)
		}
	}
	if s[n] > 0 {
		l += s[n] * (mathext.Lbeta(a, b+float64(n)) - none)
	}
	return l
}

// slope is the derivative of logLik by a and by b.
func slope(a, b float64, s []float64) (da, db float64) {
	n := len(s) - 1
	add := func(weight, x, y float64) { // of ln B(x, y) - ln B(a, b)
		both, none := mathext.Digamma(x+y), mathext.Digamma(a+b)
		da += weight * (mathext.Digamma(x) - both - mathext.Digamma(a) + none)
		db += weight * (mathext.Digamma(y) - both - mathext.Digamma(b) + none)
	}
	for t := 1; t <= n; t++ {
		if left := s[t-1] - s[t]; left > 0 {
			add(left, a+1, b+float64(t)-1)
		}
	}
	if s[n] > 0 {
		add(s[n], a, b+float64(n))
	}
	return da, db
}

// commonLogLik is the likelihood when all leave with the same chance.
func commonLogLik(chance float64, s []float64) float64 {
	n := len(s) - 1
	stayed := sum(s[1:])
	l := (s[0] - s[n]) * math.Log(chance)
	if stayed > 0 {
		l += stayed * math.Log1p(-chance)
	}
	return l
}

// Survival returns the share that is left at the end of each period from 0 to
// the horizon.
func (m Beta) Survival(horizon int) []float64 {
	out := make([]float64, horizon+1)
	out[0] = 1
	for t := 1; t <= horizon; t++ {
		out[t] = out[t-1] * m.Retention(t)
	}
	return out
}

// Retention returns the share of those who are left after t-1 periods that
// also stays through period t.
func (m Beta) Retention(t int) float64 {
	return (m.Beta + float64(t) - 1) / (m.Alpha + m.Beta + float64(t) - 1)
}

// Churn returns the mean chance of leaving in the first period.
func (m Beta) Churn() float64 { return m.Alpha / (m.Alpha + m.Beta) }

func sum(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v
	}
	return s
}
