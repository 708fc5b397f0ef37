// Package survival estimates how long customers stay.
//
// A lifetime begins, and is either seen to end or still lasts when we last
// looked (censored). It may have come under observation late: then it only
// counts among those at risk from its entry on (left truncation), since had it
// ended before, we would never have heard of it.
//
// The estimators are the literature's: Kaplan and Meier's product limit with
// Greenwood's variance, the log-rank test of Mantel, and the
// shifted-beta-geometric of Fader and Hardie. Numbers agree with those of R's
// package survival.
package survival

import (
	"math"
	"slices"

	"cairn"
)

// Lifetimes are what was observed of many customers, column by column.
type Lifetimes struct {
	Time  []float64 // when it ended or was last seen to last
	Ended []bool    // false: it lasted beyond Time
	Entry []float64 // when it came under observation; nil: all at 0
}

// Len returns how many there are.
func (l Lifetimes) Len() int { return len(l.Time) }

// Add appends one lifetime that was observed from its beginning.
func (l *Lifetimes) Add(time float64, ended bool) {
	l.Time, l.Ended = append(l.Time, time), append(l.Ended, ended)
}

// Check refuses lifetimes of which nothing can be estimated. The field of its
// error is the number of the row, counted from 1, and the column.
func (l Lifetimes) Check() error {
	switch {
	case len(l.Time) == 0:
		return cairn.Errorf(cairn.Invalid, "There are no lifetimes to estimate from.")
	case len(l.Ended) != len(l.Time) || l.Entry != nil && len(l.Entry) != len(l.Time):
		return cairn.Errorf(cairn.Invalid, "Every lifetime needs a time, whether it ended, and, where entries are told, an entry.")
	}
	for i, t := range l.Time {
		switch {
		case math.IsNaN(t) || math.IsInf(t, 0) || t < 0:
			return cairn.Errorf(cairn.Invalid, "Lifetime %d lasts %v: a number of 0 or more is needed.", i+1, t).At("time")
		case l.Entry == nil:
		case math.IsNaN(l.Entry[i]) || math.IsInf(l.Entry[i], 0) || l.Entry[i] < 0:
			return cairn.Errorf(cairn.Invalid, "Lifetime %d came under observation at %v: a number of 0 or more is needed.", i+1, l.Entry[i]).At("entry")
		case l.Entry[i] >= t:
			return cairn.Errorf(cairn.Invalid, "Lifetime %d came under observation at %v, not before its end at %v.", i+1, l.Entry[i], t).At("entry")
		}
	}
	return nil
}

// A tally is what happened at one distinct time.
type tally struct {
	time  float64
	ended int
	quit  int // censored
	risk  int // at risk just before
}

// tallies returns one for each distinct time at which somebody ended or was
// censored, in order. Who is censored at a time was still at risk at it; who
// enters at a time is not.
func (l Lifetimes) tallies() []tally {
	ended, quit := make([]float64, 0, len(l.Time)), make([]float64, 0, len(l.Time))
	for i, t := range l.Time {
		if l.Ended[i] {
			ended = append(ended, t)
		} else {
			quit = append(quit, t)
		}
	}
	entry := sorted(l.Entry)
	slices.Sort(ended)
	slices.Sort(quit)
	var out []tally
	risk, e, q, in := 0, 0, 0, 0
	if l.Entry == nil {
		risk = len(l.Time)
	}
	for e < len(ended) || q < len(quit) {
		t := math.Inf(1)
		if e < len(ended) {
			t = ended[e]
		}
		if q < len(quit) {
			t = min(t, quit[q])
		}
		for ; in < len(entry) && entry[in] < t; in++ {
			risk++
		}
		n := tally{time: t, risk: risk}
		for ; e < len(ended) && ended[e] == t; e++ {
			n.ended++
		}
		for ; q < len(quit) && quit[q] == t; q++ {
			n.quit++
		}
		risk -= n.ended + n.quit
		out = append(out, n)
	}
	return out
}

// AtRisk returns how many were under observation just before each of the
// times: the numbers under a chart.
func (l Lifetimes) AtRisk(times []float64) []int {
	gone, entry := sorted(l.Time), sorted(l.Entry)
	out := make([]int, len(times))
	for i, t := range times {
		left, _ := slices.BinarySearch(gone, t)
		came := len(gone)
		if l.Entry != nil {
			came, _ = slices.BinarySearch(entry, t)
			if t == 0 { // at the beginning those who are there at once count
				for came < len(entry) && entry[came] == 0 {
					came++
				}
			}
		}
		out[i] = came - left
	}
	return out
}

// Until returns the lifetimes as they were known at a horizon: what ended
// later still lasted then, and who entered later is not among them.
func (l Lifetimes) Until(horizon float64) Lifetimes {
	var out Lifetimes
	for i, t := range l.Time {
		if l.Entry != nil {
			if l.Entry[i] >= horizon {
				continue
			}
			out.Entry = append(out.Entry, l.Entry[i])
		}
		out.Add(min(t, horizon), l.Ended[i] && t <= horizon)
	}
	return out
}

func sorted(x []float64) []float64 {
	x = slices.Clone(x)
	slices.Sort(x)
	return x
}
