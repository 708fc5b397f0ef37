package vector

import (
	"math"
	"slices"

	"cairn"
)

// The band within which a way is steady, in points of the level per 30 days.
// It has two edges, so that a slope close to one does not make the way flap:
// a way is entered beyond the outer edge and left inside the inner one.
const (
	Enter cairn.Points = 4_000
	Leave cairn.Points = 2_500
)

// fewest is how many known marks it takes to speak of a way.
const fewest = 4

// WayOf returns the way of a series of marks, oldest first, and the slope of
// the Theil–Sen line through it in points per 30 days. With fewer than four
// known marks the way is unknown. It depends on the series alone: the band's
// memory begins as steady at the start of the series and is carried along it.
func WayOf(trail []cairn.Mark) (cairn.Way, cairn.Points) {
	known := slices.DeleteFunc(slices.Clone(trail), func(m cairn.Mark) bool { return !m.Known })
	way, slope := cairn.Unknown, cairn.Points(0)
	var slopes []float64 // of all pairs so far
	for i := range known {
		slopes = append(slopes, pairs(known[:i], known[i])...)
		if i+1 < fewest {
			continue
		}
		slope = perMonth(slopes)
		way = step(way, slope)
	}
	return way, slope
}

// step returns the way after one that was before, at this slope.
func step(before cairn.Way, slope cairn.Points) cairn.Way {
	switch {
	case slope >= Enter, before == cairn.Rising && slope > Leave:
		return cairn.Rising
	case slope <= -Enter, before == cairn.Falling && slope < -Leave:
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
