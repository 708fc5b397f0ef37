package vector

import (
	"math"
	"slices"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// A Projection is the level that an account would have at a moment to come if it
// went on as it did, with an interval of [ProjectedShare].
type Projection struct {
	At    time.Time    `json:"at"`
	Known bool         `json:"known"` // false: there are too few levels to tell
	Level cairn.Points `json:"level"` // 0..100000
	Low   cairn.Points `json:"low"`
	High  cairn.Points `json:"high"`
}

// ProjectedShare is how much of what may come lies within a projection's
// interval, if it goes on as it did.
const ProjectedShare = 0.8

// farAhead is how many days ahead a level is projected of whom no renewal is
// known.
const farAhead = 90

// Ahead is to when the level of an account is projected unless somebody chooses
// another day: to the end of the day on which its first contract is to be
// renewed, or 90 days on.
func Ahead(at time.Time, sig cairn.Signals, zone *time.Location) time.Time {
	days, ok := sig.Number(signal.RenewsIn)
	if !ok || days <= 0 {
		days = farAhead
	}
	return (cairn.DayOf(at.Add(-time.Microsecond), zone) + cairn.Day(days)).End(zone)
}

// normal80 is the quantile of the normal distribution for it.
const normal80 = 1.2815515655446004

// Project returns the level that a vector's trail leads to at t: the Theil–Sen
// line, whose intercept is the median of what each level leaves (Conover). The
// interval joins the limits of the slope, which are those that Sen (1968) gives
// by the variance of Kendall's statistic, with the spread of the levels about
// the line, of which the middle 80 % counts. At the moment of the last mark the
// level is that mark's own, and so is its projection. It is no forecast of what
// people will do about it, and is clamped to 0..100.
func Project(trail []cairn.Mark, t time.Time) Projection {
	out := Projection{At: t}
	known := slices.DeleteFunc(slices.Clone(trail), func(m cairn.Mark) bool { return !m.Known })
	n := len(known)
	if n < fewest {
		return out
	}
	last := known[n-1]
	out.Known, out.Level, out.Low, out.High = true, last.Level, last.Level, last.Level
	days := t.Sub(last.At).Hours() / 24
	if days <= 0 {
		return out
	}
	var slopes []float64
	for i := range known {
		slopes = append(slopes, pairs(known[:i], known[i])...)
	}
	if len(slopes) == 0 {
		return out
	}
	slices.Sort(slopes)
	low, high := slopeLimits(slopes, n)
	out.Level = clamped(reach(known, median(slopes), days, 0.5))
	// The lower limit of the slope leads from the lower side of the band, the
	// upper one from the upper side.
	out.Low = min(out.Level, clamped(reach(known, low, days, (1-ProjectedShare)/2)))
	out.High = max(out.Level, clamped(reach(known, high, days, (1+ProjectedShare)/2)))
	return out
}

// slopeLimits are the limits of the slope of n marks, of sorted slopes of pairs.
func slopeLimits(slopes []float64, n int) (low, high float64) {
	half := normal80 * math.Sqrt(float64(n*(n-1)*(2*n+5))/18) / 2
	middle := float64(len(slopes)) / 2
	at := func(rank float64) float64 { return slopes[min(max(int(math.Round(rank)), 0), len(slopes)-1)] }
	return at(middle - half - 1), at(middle + half)
}

// reach is where a line of a slope a day, through the share q of what the marks
// leave of it, is so many days after the last of them.
func reach(known []cairn.Mark, slope, days, q float64) float64 {
	last := known[len(known)-1].At
	left := make([]float64, len(known))
	for i, m := range known {
		left[i] = float64(m.Level) + slope*last.Sub(m.At).Hours()/24
	}
	slices.Sort(left)
	return quantile(left, q) + slope*days
}

// quantile interpolates between the values of a sorted list.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	i := int(at)
	if i+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
}

func median(sorted []float64) float64 { return quantile(sorted, 0.5) }

func clamped(level float64) cairn.Points {
	return cairn.Points(math.Round(min(max(level, 0), 100_000)))
}
