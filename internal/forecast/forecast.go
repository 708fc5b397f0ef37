// Package forecast says how likely it is that a contract renews, and what a sum
// of contracts comes to.
//
// A chance is never a constant and never an opinion: it is the share of
// comparable contracts of this workspace that renewed when they came up, with
// an interval. What is comparable is decided by [Traits], by whether notice had
// been given, and by how long before its day one looks: those that had ended by
// then are no longer among them. From the narrowest group with enough cases one
// backs off to wider ones, and without any case nothing is said.
//
// The estimator is empirical Bayes with a beta-binomial model: the cases of a
// group are added to a prior made of the wider group's other cases, so that no
// case counts twice. How much those count follows from how much groups of that
// kind differ among themselves, by the moment estimator of Kleinman,
// "Proportions with extraneous variance: single and independent samples",
// Journal of the American Statistical Association 68 (1973), pooled over the
// wider groups. The widest group begins with the prior of Jeffreys. Intervals
// are the central ones of the posterior.
package forecast

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"gonum.org/v1/gonum/mathext"
)

// Interval is how much of a posterior an interval holds.
const Interval = 0.8

// Enough is how many cases a group needs to be asked before a wider one.
const Enough = 12

// Traits are what makes contracts comparable.
type Traits struct {
	Months  int32  // how long the term is
	Tenure  int32  // months from the beginning of the contract until it comes up
	Auto    bool   // renews by itself
	Amount  int64  // a month, in minor units of one currency
	Product string // "": not told
}

// A Case is a renewal that came up, and what became of it.
type Case struct {
	Traits
	Term    int32 // days from the beginning of its term until it came up
	Kept    bool
	Ended   int32 // days before it came up on which the contract ended; 0: on that day, or kept
	Noticed int32 // days before it came up on which notice was given; -1: it was not
	Back    int32 // days before it came up on which notice was taken back; -1: it was not
	Booked  int64 // a month afterwards
}

// An Estimate is how likely a renewal is.
type Estimate struct {
	Known      bool    `json:"known"` // false: there is nothing to compare with
	Chance     float64 `json:"probability"`
	Low        float64 `json:"low"` // of an interval of 80 %
	High       float64 `json:"high"`
	Kept       int     `json:"renewed"` // of the group it was taken from
	Of         int     `json:"of"`
	KeptAmount int64   `json:"-"` // what they paid a month when they came up
	OfAmount   int64   `json:"-"`
	Group      string  `json:"group"` // "yearly contracts with 1 to 2 years' tenure"
	By         string  `json:"by"`    // who made it; another maker may join, such as the vector

	a, b float64 // of the posterior
}

// BaseRates is who makes the estimates of this package.
const BaseRates = "base rates"

// Why says in one sentence what the estimate is taken from.
func (e Estimate) Why() string {
	if !e.Known {
		return "There is nothing to compare with: of " + e.Group + " none has come up yet."
	}
	verb := "renewed"
	return fmt.Sprintf("%d of %d %s %s.", e.Kept, e.Of, e.Group, verb)
}

// ahead are the days before its own at which renewals are compared.
var ahead = []int32{0, 7, 14, 30, 45, 60, 90, 120, 180, 270, 365, 730}

// levels are the groups, each within the one before it.
const levels = 6 // all, term, tenure, auto, size, product

// A key names a group.
type key struct {
	level   int8
	term    int8
	tenure  int8
	auto    bool
	size    int8
	product string
}

// A count is what became of a group.
type count struct {
	kept, of             int
	keptAmount, ofAmount int64
}

func (c *count) add(x *Case) {
	c.of++
	c.ofAmount += x.Amount
	if x.Kept {
		c.kept++
		c.keptAmount += x.Amount
	}
}

// A table holds the groups of the cases that were still there so many days
// before they came up, with or without notice by then.
type table struct {
	groups   map[key]*count
	strength [levels]float64 // how many cases a prior is worth
}

// A Model estimates from cases. It may be used by several goroutines.
type Model struct {
	cases  []Case
	thirds [2]int64 // amounts that part the cases in three
	kept   float64
	tables []func() [2]table // by ahead, then notice; made when first asked for
}

// New returns the model of cases that had come up by the moment asked about.
func New(cases []Case) *Model {
	m := &Model{cases: cases, kept: keptShare(cases)}
	amounts := make([]int64, len(cases))
	for i := range cases {
		amounts[i] = cases[i].Amount
	}
	slices.Sort(amounts)
	if n := len(amounts); n > 0 {
		m.thirds = [2]int64{amounts[n/3], amounts[2*n/3]}
	}
	for _, days := range ahead {
		m.tables = append(m.tables, sync.OnceValue(func() [2]table { return m.tally(days) }))
	}
	return m
}

// Cases returns how many cases there are, and how many of them were kept.
func (m *Model) Cases() (kept, of int) {
	for i := range m.cases {
		if m.cases[i].Kept {
			kept++
		}
	}
	return kept, len(m.cases)
}

// Held is the share of what they paid that those who renewed went on paying;
// what was sold to them is not in it. 1 without a case.
func (m *Model) Held() float64 { return m.kept }

func keptShare(cases []Case) float64 {
	var before, after int64
	for i := range cases {
		if c := &cases[i]; c.Kept {
			before += c.Amount
			after += min(c.Booked, c.Amount)
		}
	}
	if before == 0 {
		return 1
	}
	return float64(after) / float64(before)
}

// Plain is the estimate that looks at no trait: the share of all cases. It is
// what others are measured against.
func (m *Model) Plain() Estimate {
	var c count
	for i := range m.cases {
		c.add(&m.cases[i])
	}
	return estimate(0.5, 0.5, c, "contracts")
}

// Estimate says how likely a renewal is that comes up in so many days, with
// or without notice given until now.
func (m *Model) Estimate(t Traits, days int32, noticed bool) Estimate {
	at := slices.IndexFunc(ahead, func(d int32) bool { return d >= days })
	if at < 0 {
		at = len(ahead) - 1
	}
	b := 0
	if noticed {
		b = 1
	}
	table := m.tables[at]()[b]
	name := name{traits: t, days: ahead[at], noticed: noticed, size: m.size(t.Amount)}
	k := m.key(t)
	all := table.groups[k.at(0)]
	if all == nil {
		return Estimate{Group: name.at(0), By: BaseRates}
	}
	level, a, b2 := 0, 0.5, 0.5
	group := *all
	for next := 1; next < levels; next++ {
		c := table.groups[k.at(next)]
		if c == nil || c.of < Enough {
			break
		}
		a, b2 = shrink(a+float64(group.kept-c.kept), b2+float64(group.of-group.kept-c.of+c.kept), table.strength[next])
		group, level = *c, next
	}
	return estimate(a, b2, group, name.at(level))
}

// shrink lets a prior count for at most so many cases.
func shrink(a, b, strength float64) (float64, float64) {
	if n := a + b; n > strength {
		return a * strength / n, b * strength / n
	}
	return a, b
}

// estimate adds cases to a prior.
func estimate(a, b float64, c count, group string) Estimate {
	a, b = a+float64(c.kept), b+float64(c.of-c.kept)
	e := Estimate{
		Known: c.of > 0, Chance: a / (a + b), Kept: c.kept, Of: c.of, KeptAmount: c.keptAmount, OfAmount: c.ofAmount, Group: group, By: BaseRates, a: a, b: b,
	}
	if !e.Known {
		e.Chance = 0
		return e
	}
	e.Low, e.High = mathext.InvRegIncBeta(a, b, (1-Interval)/2), mathext.InvRegIncBeta(a, b, (1+Interval)/2)
	return e
}

// tally groups the cases that were still there so many days before they came
// up: those without notice by then, and those with.
func (m *Model) tally(days int32) [2]table {
	out := [2]table{{groups: map[key]*count{}}, {groups: map[key]*count{}}}
	for i := range m.cases {
		c := &m.cases[i]
		if c.Term < days || !c.Kept && c.Ended > 0 && c.Ended >= days {
			continue
		}
		t := &out[0]
		if c.Noticed >= days && c.Back < days { // days is never below 0
			t = &out[1]
		}
		k := m.key(c.Traits)
		for level := range levels {
			g := t.groups[k.at(level)]
			if g == nil {
				g = &count{}
				t.groups[k.at(level)] = g
			}
			g.add(c)
		}
	}
	for i := range out {
		out[i].strengths()
	}
	return out
}

// The least and the most that a prior counts for, in cases.
const (
	leastStrength = 2
	mostStrength  = 400
)

// strengths estimates for each level how many cases the wider group is worth:
// (1 − ρ)/ρ, where ρ is how much of the variance lies between groups.
func (t *table) strengths() {
	type sums struct{ p, n, squares, groups, spread float64 }
	for level := 1; level < levels; level++ {
		by := map[key]*sums{}
		for _, k := range sortedKeys(t.groups) {
			if int(k.level) != level {
				continue
			}
			c := t.groups[k]
			wider := k.at(level - 1)
			s := by[wider]
			if s == nil {
				w := t.groups[wider]
				s = &sums{p: float64(w.kept) / float64(w.of)}
				by[wider] = s
			}
			n := float64(c.of)
			off := float64(c.kept)/n - s.p
			s.n, s.squares, s.groups, s.spread = s.n+n, s.squares+n*n, s.groups+1, s.spread+n*off*off
		}
		var over, under float64
		for _, k := range sortedKeys(by) {
			s := by[k]
			v := s.p * (1 - s.p)
			over += s.spread - v*(s.groups-1)
			under += v * (s.n - s.squares/s.n - (s.groups - 1))
		}
		t.strength[level] = mostStrength
		if over > 0 && under > 0 {
			rho := min(over/under, 1)
			t.strength[level] = min(max((1-rho)/rho, leastStrength), mostStrength)
		}
	}
}

// sortedKeys keeps sums of floats in one order, so that the same cases give the
// same numbers.
func sortedKeys[V any](m map[key]V) []key {
	out := make([]key, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	truth := func(b bool) int {
		if b {
			return 1
		}
		return 0
	}
	slices.SortFunc(out, func(a, b key) int {
		return cmp.Or(cmp.Compare(a.term, b.term), cmp.Compare(a.tenure, b.tenure), cmp.Compare(truth(a.auto), truth(b.auto)), cmp.Compare(a.size, b.size), cmp.Compare(a.product, b.product))
	})
	return out
}

func (m *Model) key(t Traits) key {
	return key{level: levels - 1, term: termOf(t.Months), tenure: tenureOf(t.Tenure), auto: t.Auto, size: m.size(t.Amount), product: t.Product}
}

// at returns the group of a level that k lies in.
func (k key) at(level int) key {
	out := key{level: int8(level)}
	switch {
	case level >= 5:
		out.product = k.product
		fallthrough
	case level >= 4:
		out.size = k.size
		fallthrough
	case level >= 3:
		out.auto = k.auto
		fallthrough
	case level >= 2:
		out.tenure = k.tenure
		fallthrough
	case level >= 1:
		out.term = k.term
	}
	return out
}

// size returns which third of all cases an amount lies in.
func (m *Model) size(amount int64) int8 {
	switch {
	case amount < m.thirds[0]:
		return 0
	case amount < m.thirds[1]:
		return 1
	}
	return 2
}

func termOf(months int32) int8 {
	switch {
	case months <= 4:
		return 0
	case months <= 8:
		return 1
	case months <= 18:
		return 2
	}
	return 3
}

func tenureOf(months int32) int8 {
	switch {
	case months <= 13:
		return 0
	case months <= 25:
		return 1
	case months <= 49:
		return 2
	}
	return 3
}

// Share is the estimate of a share of things that are all alike, of which so
// many were kept.
func Share(kept, of int, group string) Estimate {
	return estimate(0.5, 0.5, count{kept: kept, of: of}, group)
}
