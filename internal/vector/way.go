package vector

import (
	"cmp"
	"math"
	"slices"

	"cairn"
)

// A Course says how the way of a model is found: how far it looks back, and
// the band within which it is steady, in points of the level per 30 days. The
// band has two edges, so that a slope close to one does not make the way flap:
// a way is entered beyond the outer edge and left inside the inner one.
type Course struct {
	Weeks int     `json:"weeks,omitempty"` // week ends that are looked at, 4 to 26; 0: 13
	Enter float64 `json:"enter,omitempty"` // 0: 4
	Leave float64 `json:"leave,omitempty"` // 0: 2.5, or enter where that is less
}

// How many week ends a way may look at.
const (
	FewestWeeks = 4
	Weeks       = 13
	MostWeeks   = 26
)

// The band of a course that states none.
const (
	Enter cairn.Points = 4_000
	Leave cairn.Points = 2_500
)

func (c Course) check() *cairn.Error {
	switch {
	case c.Weeks != 0 && (c.Weeks < FewestWeeks || c.Weeks > MostWeeks):
		return cairn.Errorf(cairn.Invalid, "A way looks at the ends of %d to %d weeks.", FewestWeeks, MostWeeks).At("weeks")
	case !(c.Enter >= 0 && c.Enter <= 100):
		return cairn.Errorf(cairn.Invalid, "A way begins at 0 to 100 points in 30 days.").At("enter")
	case !(c.Leave >= 0 && points(c.Leave) <= c.enter()):
		return cairn.Errorf(cairn.Invalid, "A way ends no later than it begins: at 0 to %s points in 30 days.", c.enter()).At("leave")
	}
	return nil
}

func points(p float64) cairn.Points { return cairn.Points(math.Round(p * 1000)) }

func (c Course) weeks() int { return cmp.Or(c.Weeks, Weeks) }

func (c Course) enter() cairn.Points { return cmp.Or(points(c.Enter), Enter) }

func (c Course) leave() cairn.Points { return cmp.Or(points(c.Leave), min(Leave, c.enter())) }

// fewest is how many known marks it takes to speak of a way.
const fewest = 4

// Of returns the way of a series of marks, oldest first, and the slope of
// the Theil–Sen line through it in points per 30 days. With fewer than four
// known marks the way is unknown. It depends on the series alone: the band's
// memory begins as steady at the start of the series and is carried along it.
func (c Course) Of(trail []cairn.Mark) (cairn.Way, cairn.Points) {
	known := slices.DeleteFunc(slices.Clone(trail), func(m cairn.Mark) bool { return !m.Known })
	way, slope := cairn.Unknown, cairn.Points(0)
	var slopes []float64 // of all pairs so far
	for i := range known {
		slopes = append(slopes, pairs(known[:i], known[i])...)
		if i+1 < fewest {
			continue
		}
		slope = perMonth(slopes)
		way = c.step(way, slope)
	}
	return way, slope
}

// step returns the way after one that was before, at this slope.
func (c Course) step(before cairn.Way, slope cairn.Points) cairn.Way {
	enter, leave := c.enter(), c.leave()
	switch {
	case slope >= enter, before == cairn.Rising && slope > leave:
		return cairn.Rising
	case slope <= -enter, before == cairn.Falling && slope < -leave:
		return cairn.Falling
	}
	return cairn.Steady
}

// pairs returns the slopes between m and each mark before it, in points a
// day. Marks at one moment have none.
func pairs(before []cairn.Mark, m cairn.Mark) []float64 {
	var out []float64
	for _, b := range before {
		if days := m.At.Sub(b.At).Hours() / 24; days > 0 {
			out = append(out, float64(m.Level-b.Level)/days)
		}
	}
	return out
}

// perMonth returns the median of slopes a day as points per 30 days.
func perMonth(slopes []float64) cairn.Points {
	if len(slopes) == 0 {
		return 0
	}
	s := slices.Sorted(slices.Values(slopes))
	n := len(s)
	median := s[n/2]
	if n%2 == 0 {
		median = (s[n/2-1] + s[n/2]) / 2
	}
	return cairn.Points(math.Round(median * 30))
}
