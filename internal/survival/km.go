package survival

import (
	"math"

	"cairn"
)

// An Interval is how the bounds of a curve are made.
type Interval string

// The intervals. Log is symmetric about the logarithm of the curve, which is
// what R draws by default; LogLog about the logarithm of the cumulative
// hazard, which never leaves 0 to 1 and is better where few are at risk.
const (
	Log    Interval = "log"
	LogLog Interval = "log-log"
)

// A Point is the curve from one time at which somebody ended until the next.
type Point struct {
	Time     float64  `json:"time"`
	Risk     int      `json:"n_risk"`
	Ended    int      `json:"n_event"`
	Survival float64  `json:"survival"`
	Err      *float64 `json:"std_err"` // Greenwood's; nil once nobody is left
	Lower    *float64 `json:"lower95"`
	Upper    *float64 `json:"upper95"`
}

// A Curve is a Kaplan-Meier estimate: the share that lasts longer than a time.
type Curve struct {
	Points []Point // at the times at which somebody ended
	N      int
	Ended  int
	Last   float64 // the last time at which anybody was observed
}

// z is the quantile of the normal distribution for intervals of 95 %.
var z = math.Sqrt2 * math.Erfinv(0.95)

// KaplanMeier estimates the curve of lifetimes, with intervals of 95 %.
func KaplanMeier(l Lifetimes, how Interval) (Curve, error) {
	if err := l.Check(); err != nil {
		return Curve{}, err
	}
	if how != Log && how != LogLog {
		return Curve{}, cairn.Errorf(cairn.Invalid, "%q is not an interval: log or log-log.", how).At("interval")
	}
	c := Curve{N: l.Len()}
	s, greenwood := 1.0, 0.0
	for _, t := range l.tallies() {
		c.Last = t.time
		if t.ended == 0 {
			continue
		}
		c.Ended += t.ended
		n, d := float64(t.risk), float64(t.ended)
		s *= (n - d) / n
		greenwood += d / (n * (n - d)) // infinite when all that are left end
		p := Point{Time: t.time, Risk: t.risk, Ended: t.ended, Survival: s}
		if s > 0 {
			p.bounds(how, math.Sqrt(greenwood))
		}
		c.Points = append(c.Points, p)
	}
	return c, nil
}

// bounds sets the error and interval, given the error of the logarithm.
func (p *Point) bounds(how Interval, err float64) {
	var lower, upper float64
	switch how {
	case Log:
		lower, upper = p.Survival*math.Exp(-z*err), min(1, p.Survival*math.Exp(z*err))
	default:
		wide := z * err / math.Log(p.Survival) // below 0
		lower, upper = math.Pow(p.Survival, math.Exp(-wide)), math.Pow(p.Survival, math.Exp(wide))
	}
	err *= p.Survival
	p.Err, p.Lower, p.Upper = &err, &lower, &upper
}

// At returns the share that lasts longer than t.
func (c Curve) At(t float64) float64 {
	s := 1.0
	for _, p := range c.Points {
		if p.Time > t {
			break
		}
		s = p.Survival
	}
	return s
}

// A Median is the time by which half have ended, with its interval of 95 %.
// What the curve does not reach is nil.
type Median struct {
	Time  *float64 `json:"time"`
	Lower *float64 `json:"lower95"`
	Upper *float64 `json:"upper95"`
}

// Median returns where the curve and its bounds cross one half. A curve that
// runs along one half for a while has its median in the middle of that.
func (c Curve) Median() Median {
	value := func(of func(Point) *float64) *float64 {
		const tolerance = 1.5e-8
		for i, p := range c.Points {
			v := of(p)
			if v == nil || *v >= 0.5+tolerance {
				continue
			}
			if math.Abs(*v-0.5) >= tolerance {
				return &p.Time
			}
			for _, q := range c.Points[i+1:] {
				if w := of(q); w != nil && *w < *v {
					middle := (p.Time + q.Time) / 2
					return &middle
				}
			}
			return &p.Time
		}
		return nil
	}
	return Median{
		Time:  value(func(p Point) *float64 { return &p.Survival }),
		Lower: value(func(p Point) *float64 { return p.Lower }),
		Upper: value(func(p Point) *float64 { return p.Upper }),
	}
}

// A Mean is the mean lifetime when one looks no further than a horizon.
type Mean struct {
	Horizon float64 `json:"horizon"`
	Mean    float64 `json:"mean"`
	Err     float64 `json:"std_err"`
	Lower   float64 `json:"lower95"`
	Upper   float64 `json:"upper95"`
}

// Mean returns the area under the curve up to the horizon. Its variance adds
// up Greenwood's terms at the times at which not all that were left ended,
// without a factor for small samples.
func (c Curve) Mean(horizon float64) (Mean, error) {
	if !(horizon > 0) || math.IsInf(horizon, 0) {
		return Mean{}, cairn.Errorf(cairn.Invalid, "The horizon must be over 0.").At("horizon")
	}
	if last := len(c.Points); horizon > c.Last && (last == 0 || c.Points[last-1].Survival > 0) {
		return Mean{}, cairn.Errorf(cairn.Invalid, "Nobody was observed beyond %v: how long those who are left last until %v is not known.", c.Last, horizon).At("horizon")
	}
	m := Mean{Horizon: horizon}
	after, variance, end := 0.0, 0.0, horizon // after: the area from the point to the horizon
	for i := len(c.Points) - 1; i >= 0; i-- {
		p := c.Points[i]
		if p.Time >= horizon {
			continue
		}
		after += p.Survival * (end - p.Time)
		end = p.Time
		if n, d := float64(p.Risk), float64(p.Ended); p.Risk > p.Ended {
			variance += after * after * d / (n * (n - d))
		}
	}
	m.Mean = after + end
	m.Err = math.Sqrt(variance)
	m.Lower, m.Upper = m.Mean-z*m.Err, m.Mean+z*m.Err
	return m, nil
}
