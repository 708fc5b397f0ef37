package signal

import (
	"sort"
	"time"

	"cairn"
)

// Measure returns the signals of s as of t, given the yardsticks of t's day.
// A signal that cannot be known at t is missing, not zero. Facts with an At
// after t do not count; tallies count by day, up to the day that t falls on,
// and a midnight is the end of the day before it.
func (c Catalogue) Measure(s *State, y Yardsticks, t time.Time) cairn.Signals {
	m := &measurement{
		settings: c.settings, state: s, x: s.indexed(c), yardsticks: y,
		t: t, day: cairn.DayOf(t.Add(-time.Microsecond), c.settings.Zone),
		out: make(cairn.Signals, len(defs)+8),
	}
	m.contracts() // before usage: seats, and by which set usage is told
	m.account()
	m.set = c.settings.Meaningful.SetOf(m.out)
	m.usage()
	m.products()
	m.support()
	m.billing()
	m.sentiment()
	m.people()
	m.engagement()
	m.metrics()
	return m.out
}

// Counting returns which tallies are Meaningful Activity for the account of st
// as of t.
func (s Settings) Counting(st *State, t time.Time) func(product, name string) bool {
	set := Everybody
	if len(s.Meaningful.Sets) > 0 {
		c := New(s)
		m := &measurement{settings: c.settings, state: st, x: st.indexed(c), t: t, day: cairn.DayOf(t.Add(-time.Microsecond), c.settings.Zone), out: cairn.Signals{}}
		m.contracts()
		m.account()
		set = s.Meaningful.SetOf(m.out)
	}
	return func(product, name string) bool { return s.Meaningful.Counts(set, product, name) }
}

// A measurement is one Measure under way.
type measurement struct {
	settings   Settings
	state      *State
	x          *index
	yardsticks Yardsticks
	t          time.Time
	day        cairn.Day // the last that counts
	set        int       // of Meaningful, that the account belongs to as of t
	out        cairn.Signals
}

func (m *measurement) number(name string, v float64, fresh time.Time) {
	if fresh.After(m.t) {
		fresh = m.t // something on t's own day
	}
	m.out[name] = cairn.Signal{Name: name, Known: true, Number: v, Fresh: fresh}
}

func (m *measurement) missing(why string, names ...string) {
	for _, name := range names {
		m.out[name] = cairn.Signal{Name: name, Why: why}
	}
}

// fresh returns the At of the newest fact of a kind, zero when there is none.
func (m *measurement) fresh(kind cairn.EventKind) time.Time {
	times := m.x.freshest[kind]
	i := sort.Search(len(times), func(i int) bool { return times[i].After(m.t) })
	if i == 0 {
		return time.Time{}
	}
	return times[i-1]
}

// records calls f with the records of a kind of which anything was known at t.
func (m *measurement) records(kind cairn.EventKind, f func(r *record)) {
	for _, r := range m.x.records[kind] {
		if !r.first.After(m.t) {
			f(r)
		}
	}
}

// dayOf returns the day that a date names, or that a moment falls on.
func (m *measurement) dayOf(v version) cairn.Day {
	if v.isDate {
		return cairn.DayOf(v.when, time.UTC)
	}
	return cairn.DayOf(v.when, m.settings.Zone)
}

// since returns whole days from a moment to t, counted by the calendar.
func (m *measurement) since(d cairn.Day) float64 { return float64(max(m.day-d, 0)) }

// within reports whether a moment lies in the days before t.
func (m *measurement) within(when time.Time, days int) bool {
	return !when.After(m.t) && when.After(m.t.AddDate(0, 0, -days))
}

func percent(part, whole float64) float64 { return part / whole * 100 }
