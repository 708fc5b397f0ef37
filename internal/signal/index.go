package signal

import (
	"cmp"
	"slices"
	"time"

	"cairn"
)

// An index is a state laid out for measuring at many moments: by day, with
// running totals and people as dense words. It is made at the first Measure.
type index struct {
	precedence cairn.Precedence
	meaningful Meaningful

	use      daily // meaningful activity
	events   []int64
	names    [][]uint64 // of use: which meaningful names occurred
	seen     daily      // everything a person was seen in
	number   map[cairn.PersonID]uint32
	talks    []talk // interactions, by day
	moods    []talk // those with a mood
	records  map[cairn.EventKind][]*record
	freshest map[cairn.EventKind][]time.Time // At of all facts of the kind, sorted
}

// daily are the days on which something happened, in order, and per day the
// moment of the latest and the people as bits.
type daily struct {
	days   []cairn.Day
	last   []time.Time
	people [][]uint64
}

// A talk is a day with interactions, at the moment of the latest.
type talk struct {
	day  cairn.Day
	last time.Time
	mood string
}

// upTo returns how many days of d are not after day.
func (d *daily) upTo(day cairn.Day) int {
	i, found := slices.BinarySearch(d.days, day)
	if found {
		i++
	}
	return i
}

// window returns the range of days in (day-length, day].
func (d *daily) window(day cairn.Day, length int) (from, to int) {
	return d.upTo(day - cairn.Day(length)), d.upTo(day)
}

// add counts a tally of a day, which must not be before the last one added.
func (d *daily) add(day cairn.Day, t *Tally) {
	i := len(d.days) - 1
	if i < 0 || d.days[i] != day {
		d.days, d.last, d.people = append(d.days, day), append(d.last, time.Time{}), append(d.people, nil)
		i++
	}
	if t.Last.After(d.last[i]) {
		d.last[i] = t.Last
	}
	if t.People != nil {
		d.people[i] = or(d.people[i], t.People.ToDense())
	}
}

// or returns the union of two sets of bits and may reuse either.
func or(a, b []uint64) []uint64 {
	if len(a) < len(b) {
		a, b = b, a
	}
	for i, w := range b {
		a[i] |= w
	}
	return a
}

// indexed returns the index of s under these settings.
func (s *State) indexed(p cairn.Precedence, m Meaningful) *index {
	x := s.index
	if x == nil || !slices.Equal(x.precedence, p) || !slices.Equal(x.meaningful.Except, m.Except) {
		s.index = newIndex(s, p, m)
	}
	return s.index
}

func newIndex(s *State, p cairn.Precedence, m Meaningful) *index {
	x := &index{precedence: p, meaningful: m, number: make(map[cairn.PersonID]uint32, len(s.People))}
	for i, id := range s.People {
		x.number[id] = uint32(i)
	}
	x.tallies(s)
	x.records, x.freshest = recordsOf(s.Facts, p)
	return x
}

// tallies lays out the tallies by day.
func (x *index) tallies(s *State) {
	keys := s.byDay()
	names := map[string]int{}
	for _, k := range keys {
		t := s.Tallies[k]
		if t.N <= 0 {
			continue
		}
		switch {
		case k.Name == "":
			x.union(k.Day, t)
		case k.Name == Interaction:
			x.talks = append(x.talks, talk{k.Day, t.Last, ""})
		case isInteraction(k.Name):
			x.moods = append(x.moods, talk{k.Day, t.Last, k.Name[len(Interaction)+2:]})
		default:
			if _, known := names[k.Name]; !known && x.meaningful.Counts(k.Product, k.Name) {
				names[k.Name] = len(names)
			}
		}
		if k.Name != "" {
			x.seen.add(k.Day, t)
		}
	}
	x.distinct(keys, names)
	slices.SortFunc(x.talks, byLast)
	slices.SortFunc(x.moods, byLast)
}

func byLast(a, b talk) int {
	return cmp.Or(a.last.Compare(b.last), cmp.Compare(a.mood, b.mood))
}

// byDay returns the keys of all tallies by day; those of one day in any order,
// which saves most of the time that sorting takes.
func (s *State) byDay() []Key {
	keys := make([]Key, 0, len(s.Tallies))
	order := make([]int64, 0, len(s.Tallies))
	for k := range s.Tallies {
		order = append(order, int64(k.Day)<<32|int64(len(keys)))
		keys = append(keys, k)
	}
	slices.Sort(order)
	sorted := make([]Key, len(keys))
	for i, o := range order {
		sorted[i] = keys[o&(1<<32-1)]
	}
	return sorted
}

func (x *index) union(day cairn.Day, t *Tally) {
	x.use.add(day, t)
	if len(x.events) < len(x.use.days) {
		x.events = append(x.events, 0)
	}
	x.events[len(x.events)-1] += t.N
}

// distinct notes which meaningful names occurred on which day of use.
func (x *index) distinct(keys []Key, names map[string]int) {
	x.names = make([][]uint64, len(x.use.days))
	i := 0
	for _, k := range keys {
		n, known := names[k.Name]
		if !known {
			continue
		}
		for i < len(x.use.days) && x.use.days[i] < k.Day {
			i++
		}
		if i < len(x.use.days) && x.use.days[i] == k.Day {
			x.names[i] = with(x.names[i], n)
		}
	}
}

// with returns the set with n in it and may reuse it.
func with(set []uint64, n int) []uint64 {
	for len(set) <= n/64 {
		set = append(set, 0)
	}
	set[n/64] |= 1 << (n % 64)
	return set
}
