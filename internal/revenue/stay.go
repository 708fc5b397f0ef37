package revenue

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/survival"
)

// A StayQuery asks how long customers stay. Of its Query the months mean
// nothing: a lifetime lasts as long as it lasts.
type StayQuery struct {
	Query                      // By: the groups that are compared
	Since    cairn.Day         `json:"since"`    // nobody is watched before; 0: from the first thing known of each
	Complete bool              `json:"complete"` // the records hold everybody from the beginning, also whom they tell of late
	Interval survival.Interval `json:"interval"` // "": log
	Horizon  float64           `json:"horizon"`  // of the mean, in months; 0: as far as all groups were watched
}

// MonthDays is how many days a month of a lifetime has: a twelfth of a year.
const MonthDays = 365.25 / 12

// A Stay is how long customers stay. A lifetime runs from the day on which a
// customer came first until the day from which it paid nothing any more, or
// until now; whoever comes back after that has left nevertheless.
type Stay struct {
	Policy   ledger.Policy
	Currency string
	By       string
	Where    string // only some accounts; see [ParseWhere]
	Since    cairn.Day
	Complete bool
	Interval survival.Interval
	Horizon  float64 // in months; 0: there is nothing to reckon a mean of
	Last     cairn.Day
	Late     int // were customers before they were watched, and count from then on
	Unseen   int // had left before anybody watched, and do not count
	Back     int // came back after they had left
	All      StayGroup
	Groups   []StayGroup // by the dimension, the largest first; the rest share one
	Test     *survival.LogRank
	Untested string // why the groups are not compared; "": they are, or there are none
}

// A StayGroup is one group of customers.
type StayGroup struct {
	Value  string
	Others int  // that it stands for so many values; 0: for the one
	Whole  bool // it stands for all
	survival.Curve
	Median survival.Median
	Mean   *survival.Mean // nil: it was not watched as far as the horizon
	lives  survival.Lifetimes
}

// Name is what a group is called in files and in print.
func (g StayGroup) Name() string { return valueName(g.Value, g.Others, g.Whole) }

// Curves are those that are shown: the groups, or all together.
func (s Stay) Curves() []StayGroup {
	if s.By == "" {
		return []StayGroup{s.All}
	}
	return s.Groups
}

// AtRisk returns how many customers were watched just before each of the
// times, in months.
func (g StayGroup) AtRisk(times []float64) []int { return g.lives.AtRisk(times) }

// mostGroups is how many values are compared; the rest share one group.
const mostGroups = 8

// Stays estimates how long customers stay, all together and group by group.
func (s *Service) Stays(ctx context.Context, scope cairn.Scope, q StayQuery) (Stay, error) {
	if q.Interval == "" {
		q.Interval = survival.Log
	}
	out := Stay{By: q.By, Where: q.Where, Since: q.Since, Complete: q.Complete, Interval: q.Interval, All: StayGroup{Whole: true}}
	groups := map[string]*StayGroup{}
	q.From, q.To = 0, 0
	err := s.narrow(ctx, scope, &q.Query, func(v view, x *shelf, fields *roster, of func(cairn.AccountID) bool) {
		out.Policy, out.Currency, out.Last = v.policy, x.currency, v.last
		x.lives(fields, q, v.last, of, func(value string, l life) {
			out.count(l)
			g := groups[value]
			if g == nil {
				g = &StayGroup{Value: value}
				groups[value] = g
			}
			if l.entry < l.time {
				g.add(l)
				out.All.add(l)
			}
		})
	})
	if err != nil || out.All.lives.Len() == 0 {
		return out, err
	}
	if q.By != "" {
		out.Groups = largest(groups)
	}
	return out, out.estimate(q)
}

// A life is how long one customer stayed, in months.
type life struct {
	account     cairn.AccountID
	start, end  cairn.Day // end 0: it still lasts
	entry, time float64
	back        bool
}

// shortest is how long a customer at least stays, in days: who leaves on the
// day of coming was here nevertheless.
const shortest = 0.5

// lives calls f with the first stay of every customer that counts.
func (x *shelf) lives(fields *roster, q StayQuery, last cairn.Day, of func(cairn.AccountID) bool, f func(value string, l life)) {
	x.each(fields, q.Query, of, func(value string, r *ledger.Result) {
		if l, ok := lifeOf(r, q, last); ok {
			f(value, l)
		}
	})
}

// lifeOf returns the first stay of a customer, looked at until the last day.
func lifeOf(r *ledger.Result, q StayQuery, last cairn.Day) (life, bool) {
	l := life{account: r.Account}
	for _, m := range r.Movements {
		switch {
		case m.Came == 1 && l.end != 0:
			l.back = true
		case m.Came == 1 && l.start == 0:
			l.start = m.Since
		case m.Came == -1 && l.end == 0:
			l.end = max(m.Day, l.start)
		}
	}
	if l.start == 0 || l.start > last {
		return l, false
	}
	until := last
	if l.end != 0 {
		until = l.end
	}
	watched := q.Since
	if !q.Complete {
		watched = max(watched, r.Known)
	}
	if watched == 0 {
		watched = l.start
	}
	l.time = max(float64(until-l.start), shortest) / MonthDays
	l.entry = max(float64(watched-l.start), 0) / MonthDays
	return l, true
}

func (s *Stay) count(l life) {
	switch {
	case l.entry >= l.time:
		s.Unseen++
	case l.entry > 0:
		s.Late++
	}
	if l.back {
		s.Back++
	}
}

func (g *StayGroup) add(l life) {
	g.lives.Add(l.time, l.end != 0)
	g.lives.Entry = append(g.lives.Entry, l.entry)
}

// largest returns the largest groups, and the rest as one.
func largest(groups map[string]*StayGroup) []StayGroup {
	var out []StayGroup
	for _, g := range groups {
		if g.lives.Len() > 0 {
			out = append(out, *g)
		}
	}
	slices.SortFunc(out, func(a, b StayGroup) int {
		return cmp.Or(cmp.Compare(b.lives.Len(), a.lives.Len()), strings.Compare(a.Value, b.Value))
	})
	if len(out) <= mostGroups {
		return out
	}
	rest := StayGroup{Others: len(out) - mostGroups + 1}
	for _, g := range out[mostGroups-1:] {
		rest.lives.Time = append(rest.lives.Time, g.lives.Time...)
		rest.lives.Ended = append(rest.lives.Ended, g.lives.Ended...)
		rest.lives.Entry = append(rest.lives.Entry, g.lives.Entry...)
	}
	return append(out[:mostGroups-1], rest)
}

// estimate makes the curves and compares them.
func (s *Stay) estimate(q StayQuery) error {
	all := []*StayGroup{&s.All}
	for i := range s.Groups {
		all = append(all, &s.Groups[i])
	}
	for _, g := range all {
		c, err := survival.KaplanMeier(g.lives, s.Interval)
		if err != nil {
			return err
		}
		g.Curve, g.Median = c, c.Median()
	}
	if s.Horizon = q.Horizon; s.Horizon == 0 {
		s.Horizon = horizon(all)
	}
	if math.IsNaN(s.Horizon) || s.Horizon < 0 || s.Horizon > maxMonths {
		return cairn.Errorf(cairn.Invalid, "The horizon is a number of months over 0.").At("horizon")
	}
	for _, g := range all {
		if m, err := g.Curve.Mean(s.Horizon); err == nil {
			g.Mean = &m
		}
	}
	s.compare()
	return nil
}

// few is of how many customers a group does not hold up the horizon.
const few = 10

// horizon is as far as all groups that are not small were watched, in whole
// years, or else in whole months; and as far as anybody was if it is less.
func horizon(groups []*StayGroup) float64 {
	h := groups[0].Last
	for _, g := range groups {
		if g.N >= few {
			h = min(h, g.Last)
		}
	}
	switch {
	case h >= 12:
		return 12 * math.Floor(h/12)
	case h >= 1:
		return math.Floor(h)
	}
	return h
}

// compare tests whether the groups last equally long.
func (s *Stay) compare() {
	if s.By == "" {
		return
	}
	var lives []survival.Lifetimes
	for _, g := range s.Groups {
		lives = append(lives, g.lives)
	}
	t, err := survival.Compare(lives)
	if err != nil {
		s.Untested = cairn.TextOf(err)
		return
	}
	s.Test = &t
}

// A Projected is how many of all who came would be left after a number of
// years, by the shifted-beta-geometric fitted to the whole years that were
// watched.
type Projected struct {
	Model survival.Beta
	Seen  []float64 // share left after 0, 1, 2 … years
	Share []float64 // the same as the model has it, and some years more
}

// ahead is how many years are projected beyond those that were watched.
const ahead = 3

// Project fits the model to the curve of all customers; false: it was watched
// for less than two whole years, or shows too little to fit anything to.
func (s Stay) Project() (Projected, bool) {
	var p Projected
	years := min(int(s.All.Last/12), maxMonths/12)
	for y := range years + 1 {
		if y > 0 && s.AtRiskOf(12*float64(y)) < few {
			break
		}
		p.Seen = append(p.Seen, s.All.At(12*float64(y)))
	}
	if len(p.Seen) < 3 {
		return p, false
	}
	m, err := survival.FitBeta(p.Seen)
	if err != nil {
		return p, false
	}
	p.Model, p.Share = m, m.Survival(len(p.Seen)-1+ahead)
	return p, true
}

// AtRiskOf returns how many customers were watched just before a time.
func (s Stay) AtRiskOf(time float64) int { return s.All.AtRisk([]float64{time})[0] }

// What a list of customers behind the curve shows.
const (
	StayWatched = "watched" // who was watched just before a time
	StayLeft    = "left"    // who left between two times
)

// A StayCell is a part of the customers behind the curve.
type StayCell struct {
	Value    *string // of the dimension; nil: all
	What     string  // StayWatched or StayLeft
	From, To float64 // in months; To only of StayLeft, and not included
}

// A Stayed is one customer with its lifetime.
type Stayed struct {
	Account cairn.AccountID
	Name    string
	Start   cairn.Day
	End     cairn.Day // 0: it still lasts
	Months  float64
	Entry   float64 // from which age on it was watched, in months
}

// StayMembers returns the customers behind a number at risk or a step.
func (s *Service) StayMembers(ctx context.Context, scope cairn.Scope, q StayQuery, cell StayCell) ([]Stayed, error) {
	var out []Stayed
	if cell.What != StayWatched && cell.What != StayLeft {
		return nil, cairn.Errorf(cairn.Invalid, "Who was watched before a time can be shown, and who left at it: %s or %s.", StayWatched, StayLeft).At("what")
	}
	q.From, q.To = 0, 0
	err := s.narrow(ctx, scope, &q.Query, func(v view, x *shelf, fields *roster, of func(cairn.AccountID) bool) {
		x.lives(fields, q, v.last, of, func(value string, l life) {
			if cell.Value == nil || value == *cell.Value {
				if cell.holds(l) {
					out = append(out, Stayed{Account: l.account, Start: l.start, End: l.end, Months: l.time, Entry: l.entry})
				}
			}
		})
	})
	if err != nil {
		return nil, err
	}
	err = s.called(ctx, func(name func(cairn.AccountID) string) {
		for i := range out {
			out[i].Name = name(out[i].Account)
		}
	})
	slices.SortFunc(out, func(a, b Stayed) int {
		return cmp.Or(cmp.Compare(b.Months, a.Months), strings.Compare(a.Name, b.Name))
	})
	return out, err
}

// holds reports whether a lifetime is behind the cell. At the beginning those
// count who were watched at once, as in [survival.Lifetimes.AtRisk].
func (c StayCell) holds(l life) bool {
	switch {
	case l.entry >= l.time:
		return false
	case c.What == StayLeft:
		return l.end != 0 && l.time >= c.From && l.time < c.To
	}
	return l.time >= c.From && (l.entry < c.From || c.From == 0 && l.entry == 0)
}
