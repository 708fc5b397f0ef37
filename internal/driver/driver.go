// Package driver finds what people who stay do early and others do not.
//
// Of everybody who began long enough ago it asks two questions: which events
// did they do in their first days, and did they still do something meaningful
// at the end of the time that followed? For each event it then compares those
// who did it early with those who did not. What comes out goes with staying; it
// need not be what makes people stay.
package driver

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"cairn"
	"cairn/internal/signal"
)

// Params say which people are looked at and how.
type Params struct {
	Product string    `json:"product"` // in which they began
	Early   int       `json:"early"`   // days from the first event that count as early
	Later   int       `json:"later"`   // days after those, at whose end they stay or not
	Since   cairn.Day `json:"-"`       // people seen before may have begun earlier, unseen
	Today   cairn.Day `json:"-"`       // the last day that is over
}

// The defaults of the windows.
const (
	DefaultEarly = 14
	DefaultLater = 90
)

// ending is how many days at the end of Later somebody who stayed was active in.
const ending = 28

// Check refuses windows that say nothing.
func (p Params) Check() error {
	switch {
	case p.Early < 1 || p.Early > 90:
		return cairn.Errorf(cairn.Invalid, "The first days are 1 to 90.").At("early")
	case p.Later < ending || p.Later > 730:
		return cairn.Errorf(cairn.Invalid, "The time after is %d to 730 days.", ending).At("later")
	}
	return nil
}

// A Sample collects people, account by account.
type Sample struct {
	Params
	names  []string
	number map[string]int
	people map[cairn.PersonID]*person
	old    map[cairn.PersonID]bool // seen before Since
}

// A person is somebody who began long enough ago.
type person struct {
	first  cairn.Day
	early  []bool // by number of the name
	stayed bool
}

// NewSample returns a sample without people.
func NewSample(p Params) *Sample {
	return &Sample{Params: p, number: map[string]int{}, people: map[cairn.PersonID]*person{}, old: map[cairn.PersonID]bool{}}
}

// Add adds the people of an account. st holds all of its tallies, its streams
// merged; counts tells what is Meaningful Activity there. Somebody known at
// several accounts counts once, at the account of the first event.
func (s *Sample) Add(st *signal.State, counts func(product, name string) bool) {
	first := map[uint32]cairn.Day{}
	s.each(st, func(day cairn.Day, _ string, n uint32) {
		if d, known := first[n]; !known || day < d {
			first[n] = day
		}
	})
	mine := map[uint32]*person{}
	for n, day := range first {
		if p := s.begins(st.People[n], day); p != nil {
			mine[n] = p
		}
	}
	s.each(st, func(day cairn.Day, name string, n uint32) {
		p := mine[n]
		if p == nil {
			return
		}
		since := int(day - p.first)
		if since < s.Early {
			p.did(s.name(name))
		}
		if since >= s.Early+s.Later-ending && since < s.Early+s.Later && counts(s.Product, name) {
			p.stayed = true
		}
	})
}

// each calls f with who did what on which day in the product.
func (s *Sample) each(st *signal.State, f func(day cairn.Day, name string, n uint32)) {
	for k, t := range st.Tallies {
		if k.Product != s.Product || !signal.IsEvent(k.Name) || t.People == nil {
			continue
		}
		t.People.Iterate(func(n uint32) bool {
			f(k.Day, k.Name, n)
			return true
		})
	}
}

// begins notes that somebody was first seen on a day, and returns nil when
// that was too early or too late to be looked at, or earlier elsewhere.
func (s *Sample) begins(id cairn.PersonID, day cairn.Day) *person {
	if s.old[id] || day < s.Since {
		s.old[id] = true
		delete(s.people, id)
		return nil
	}
	if was := s.people[id]; was != nil && was.first <= day || day+cairn.Day(s.Early+s.Later) > s.Today+1 {
		return nil
	}
	p := &person{first: day}
	s.people[id] = p
	return p
}

func (s *Sample) name(name string) int {
	n, known := s.number[name]
	if !known {
		n = len(s.names)
		s.number[name] = n
		s.names = append(s.names, name)
	}
	return n
}

func (p *person) did(n int) {
	for len(p.early) <= n {
		p.early = append(p.early, false)
	}
	p.early[n] = true
}

// A Driver compares those who did something early with those who did not.
type Driver struct {
	Name       string  `json:"name"`
	Did        int     `json:"did"`            // people who did it in their first days
	DidStayed  int     `json:"did_stayed"`     // of those, who stayed
	Not        int     `json:"did_not"`        // people who did not
	NotStayed  int     `json:"did_not_stayed"` // of those, who stayed
	Rate       float64 `json:"stayed"`         // of those who did, in percent
	Other      float64 `json:"stayed_of_rest"` // of those who did not, in percent
	Lift       float64 `json:"lift"`           // Rate / Other
	Low        float64 `json:"lift_low"`       // its 95 % interval
	High       float64 `json:"lift_high"`      //
	Chance     float64 `json:"q"`              // the false discovery rate at which it would be called a difference
	Meaningful bool    `json:"meaningful"`     // counts as Meaningful Activity already
	Verdict    Verdict `json:"verdict"`
}

// A Verdict says in one word what a comparison shows.
type Verdict string

// The verdicts. Few: too few people on one side to tell.
const (
	Stays  Verdict = "stays"  // those who do it early stay more often
	Leaves Verdict = "leaves" // less often
	Same   Verdict = "same"   // no difference that chance could not make
	Few    Verdict = "few"
)

// A Finding is what a sample shows.
type Finding struct {
	Params
	People  int      `json:"people"` // who began long enough ago
	Stayed  int      `json:"people_stayed"`
	Drivers []Driver `json:"drivers"`
	TooFew  string   `json:"too_few,omitempty"` // why nothing can be said
}

// The fewest people that anything is said of: all together, of those who
// stayed and who did not, and on each side of one comparison.
const (
	FewestPeople = 100
	FewestEnds   = 20
	FewestSide   = 20
)

// Find compares for each event. Events come by what they show: the clearest
// first.
func (s *Sample) Find(counts func(product, name string) bool) Finding {
	f := Finding{Params: s.Params, People: len(s.people)}
	did, both := make([]int, len(s.names)), make([]int, len(s.names))
	for _, p := range s.people {
		if p.stayed {
			f.Stayed++
		}
		for n, yes := range p.early {
			if yes {
				did[n]++
				if p.stayed {
					both[n]++
				}
			}
		}
	}
	left := f.People - f.Stayed
	switch {
	case f.People < FewestPeople:
		f.TooFew = fmt.Sprintf("%d people began at least %d days ago, while Cairn was listening; %d are needed to tell anything.", f.People, s.Early+s.Later, FewestPeople)
	case f.Stayed < FewestEnds:
		f.TooFew = fmt.Sprintf("Of %d people %d stayed; at least %d must have, to be compared with the others.", f.People, f.Stayed, FewestEnds)
	case left < FewestEnds:
		f.TooFew = fmt.Sprintf("Of %d people %d did not stay; at least %d must have left, to be compared with the others.", f.People, left, FewestEnds)
	}
	for n, name := range s.names {
		if did[n] == 0 {
			continue
		}
		d := Compare(both[n], did[n], f.Stayed-both[n], f.People-did[n])
		d.Name, d.Meaningful = name, counts(s.Product, name)
		f.Drivers = append(f.Drivers, d)
	}
	judge(f.Drivers, f.TooFew != "")
	return f
}

// Compare compares a of n who did something with c of m who did not. The
// interval of the lift (the risk ratio) is that of its logarithm: Katz,
// Baptista, Azen and Pike, Biometrics 34 (1978) 469–474; the standard error of
// ln(a/n ÷ c/m) is √(1/a − 1/n + 1/c − 1/m). Where a or c is nought, one half
// is added to both and to n and m one (Walter, Biometrika 62 (1975) 371–374
// for the first).
func Compare(a, n, c, m int) Driver {
	d := Driver{Did: n, DidStayed: a, Not: m, NotStayed: c, Chance: 1, Lift: 1}
	if n > 0 {
		d.Rate = 100 * float64(a) / float64(n)
	}
	if m > 0 {
		d.Other = 100 * float64(c) / float64(m)
	}
	if n == 0 || m == 0 || a+c == 0 {
		d.Low, d.High = 0, 0
		return d
	}
	x, nn, y, mm := float64(a), float64(n), float64(c), float64(m)
	if a == 0 || c == 0 {
		x, nn, y, mm = x+0.5, nn+1, y+0.5, mm+1
	}
	log := math.Log(x / nn / (y / mm))
	se := math.Sqrt(1/x - 1/nn + 1/y - 1/mm)
	const z = 1.959963984540054
	d.Lift, d.Low, d.High = math.Exp(log), math.Exp(log-z*se), math.Exp(log+z*se)
	if se > 0 {
		d.Chance = math.Erfc(math.Abs(log) / se / math.Sqrt2)
	}
	return d
}

// judge corrects for having compared many events (Benjamini and Hochberg, J.
// R. Statist. Soc. B 57 (1995) 289–300), says what each comparison shows, and
// sorts.
func judge(ds []Driver, tooFew bool) {
	var told []*Driver
	for i := range ds {
		d := &ds[i]
		if d.Did >= FewestSide && d.Not >= FewestSide {
			told = append(told, d)
		} else {
			d.Verdict = Few
		}
	}
	slices.SortFunc(told, func(a, b *Driver) int { return cmp.Or(cmp.Compare(a.Chance, b.Chance), cmp.Compare(a.Name, b.Name)) })
	q := 1.0
	for i := len(told) - 1; i >= 0; i-- {
		q = min(q, told[i].Chance*float64(len(told))/float64(i+1))
		told[i].Chance = q
	}
	for _, d := range told {
		switch {
		case tooFew:
			d.Verdict = Few
		case d.Chance > 0.05:
			d.Verdict = Same
		case d.Lift > 1:
			d.Verdict = Stays
		default:
			d.Verdict = Leaves
		}
	}
	order := map[Verdict]int{Stays: 0, Leaves: 1, Same: 2, Few: 3}
	slices.SortFunc(ds, func(a, b Driver) int {
		return cmp.Or(cmp.Compare(order[a.Verdict], order[b.Verdict]), cmp.Compare(b.Lift, a.Lift), cmp.Compare(b.Did, a.Did), cmp.Compare(a.Name, b.Name))
	})
}
