package vector

import (
	"slices"
	"time"

	"cairn"
)

// LookBack returns how many days before a moment a vector asks what was
// measured.
func (m Model) LookBack() int {
	most := 0
	for l := range m.Leaves() {
		most = max(most, l.Expires)
	}
	return 7*(m.Way.weeks()+1) + most
}

// Vector returns the Success Vector of an account as of t. measure tells what
// was measured of it at any moment; it is asked for the last ends of weeks
// (Sunday midnight in the zone) and for t itself.
func (m Model) Vector(measure func(time.Time) cairn.Signals, zone *time.Location, t time.Time) cairn.Vector {
	return m.VectorFrom(nil, measure, zone, t)
}

// VectorFrom is Vector for an account whose levels at some week ends are known
// already, under this model and the same past.
func (m Model) VectorFrom(past []cairn.Mark, measure func(time.Time) cairn.Signals, zone *time.Location, t time.Time) cairn.Vector {
	v := cairn.Vector{At: t, Model: m.Name, Rev: m.Rev, Trail: make([]cairn.Mark, 0, m.Way.weeks()+1)}
	measure = m.Carrying(measure, zone)
	for _, at := range WeekEnds(t, zone, m.Way.weeks()) {
		i := slices.IndexFunc(past, func(k cairn.Mark) bool { return k.At.Equal(at) })
		if i >= 0 {
			v.Trail = append(v.Trail, past[i])
			continue
		}
		level, known := m.Level(measure(at))
		v.Trail = append(v.Trail, cairn.Mark{At: at, Level: level, Known: known})
	}
	v.Level, v.Known, v.Reasons = m.Rate(measure(t))
	v.Trail = append(v.Trail, cairn.Mark{At: t, Level: v.Level, Known: v.Known})
	v.Way, v.Slope = m.Way.Of(v.Trail)
	if !v.Known {
		v.Way, v.Slope = cairn.Unknown, 0
	}
	v.Why = why(v)
	return v
}

// WeekEnds returns the last n moments before t at which a Sunday ended in the
// zone, oldest first.
func WeekEnds(t time.Time, zone *time.Location, n int) []time.Time {
	day := cairn.DayOf(t.Add(-time.Microsecond), zone)
	for day.Weekday() != time.Sunday {
		day--
	}
	if !day.End(zone).Before(t) {
		day -= 7
	}
	out := make([]time.Time, n)
	for i := range out {
		out[i] = (day - cairn.Day(7*(n-1-i))).End(zone)
	}
	return out
}
