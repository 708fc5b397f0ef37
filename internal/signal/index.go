package signal

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
	"cairn/internal/ledger"
)

// An index is a state laid out for measuring at many moments: by day, with
// people as dense words. It is made at the first Measure, and what counts as
// usage for a set of accounts, or in one product, when it is first asked for.
type index struct {
	catalogue string // of which catalogue it is
	rows      []row  // by day
	uses      map[useKey]*use
	products  []product       // with tallies of track events, by name
	metrics   map[string]*use // by the metric's name and set
	seen      daily           // everything a person was seen in
	number    map[cairn.PersonID]uint32
	talks     []talk // interactions, by day
	moods     []talk // those with a mood
	records   map[cairn.EventKind][]*record
	freshest  map[cairn.EventKind][]time.Time // At of all facts of the kind, sorted
	rates     *ledger.Rates                   // into the workspace's currency
	stander   *ledger.Stander                 // tells what contracts count for
}

// A product has been seen from a day on.
type product struct {
	name string
	from cairn.Day
}

// A useKey says what counts: the number of a set, and one product or all.
type useKey struct {
	set     int
	all     bool
	product string
}

// A use is what happened by day, of Meaningful Activity or of a metric.
type use struct {
	daily
	events []int64
	sums   []int64
	names  [][]uint64 // which names occurred
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
	d.people[i] = with(d.people[i], t.People)
}

// with adds the numbers of b to a set of bits, which it may reuse.
func with(set []uint64, b *roaring.Bitmap) []uint64 {
	if b == nil || b.IsEmpty() {
		return set
	}
	for words := int(b.Maximum())/64 + 1; len(set) < words; {
		set = append(set, 0)
	}
	if b.GetCardinality() > 256 {
		for i, w := range b.ToDense() {
			set[i] |= w
		}
		return set
	}
	b.Iterate(func(n uint32) bool {
		set[n/64] |= 1 << (n % 64)
		return true
	})
	return set
}

// indexed returns the index of s for a catalogue.
func (s *State) indexed(c Catalogue) *index {
	if s.index == nil || s.index.catalogue != c.stamp {
		s.index = newIndex(s, c)
	}
	return s.index
}

func newIndex(s *State, c Catalogue) *index {
	x := &index{
		catalogue: c.stamp, rows: s.byDay(), uses: map[useKey]*use{}, metrics: map[string]*use{},
		number: make(map[cairn.PersonID]uint32, len(s.People)),
	}
	for i, id := range s.People {
		x.number[id] = uint32(i)
	}
	x.tallies()
	x.rates = ledger.NewRates(c.settings.Currency, c.settings.Rates)
	x.stander = ledger.NewStander(c.settings.Policy, x.rates)
	x.records, x.freshest = recordsOf(s.Facts, c.settings.Precedence)
	return x
}

// tallies lays out by day what does not depend on what counts as usage.
func (x *index) tallies() {
	from := map[string]cairn.Day{}
	for _, k := range x.rows {
		t := k.t
		if t.N <= 0 || isCounted(k.Name) {
			continue
		}
		switch {
		case k.Name == Interaction:
			x.talks = append(x.talks, talk{k.Day, t.Last, ""})
		case isInteraction(k.Name):
			x.moods = append(x.moods, talk{k.Day, t.Last, k.Name[len(Interaction)+2:]})
		default:
			if _, known := from[k.Product]; !known {
				from[k.Product] = k.Day
			}
		}
		x.seen.add(k.Day, t)
	}
	for _, name := range slices.Sorted(maps.Keys(from)) {
		x.products = append(x.products, product{name, from[name]})
	}
	slices.SortFunc(x.talks, byLast)
	slices.SortFunc(x.moods, byLast)
}

func byLast(a, b talk) int {
	return cmp.Or(a.last.Compare(b.last), cmp.Compare(a.mood, b.mood))
}

// use returns what counts as usage for a set of accounts.
func (x *index) use(m Meaningful, k useKey) *use {
	if u := x.uses[k]; u != nil {
		return u
	}
	u := &use{}
	x.uses[k] = u
	names := map[string]int{}
	known := map[[2]string]int{} // number of the name; -1: does not count
	for _, r := range x.rows {
		if !k.all && r.Product != k.product || r.t.N <= 0 {
			continue
		}
		which := [2]string{r.Product, r.Name}
		n, seen := known[which]
		if !seen {
			if n = -1; m.Counts(k.set, r.Product, r.Name) {
				var named bool
				if n, named = names[r.Name]; !named {
					n = len(names)
					names[r.Name] = n
				}
			}
			known[which] = n
		}
		if n >= 0 {
			u.count(r.Day, r.t, n)
		}
	}
	return u
}

// count adds a tally of a name, of which n is the number.
func (u *use) count(day cairn.Day, t *Tally, n int) {
	u.add(day, t)
	if len(u.events) < len(u.days) {
		u.events, u.sums, u.names = append(u.events, 0), append(u.sums, 0), append(u.names, nil)
	}
	i := len(u.days) - 1
	u.events[i] += t.N
	u.sums[i] += t.Sum
	for len(u.names[i]) <= n/64 {
		u.names[i] = append(u.names[i], 0)
	}
	u.names[i][n/64] |= 1 << (n % 64)
}

// A row is a tally with its key.
type row struct {
	Key
	t *Tally
}

// byDay returns all tallies by day; those of one day in any order, which saves
// most of the time that sorting takes.
func (s *State) byDay() []row {
	rows := make([]row, 0, len(s.Tallies))
	order := make([]int64, 0, len(s.Tallies))
	for k, t := range s.Tallies {
		order = append(order, int64(k.Day)<<32|int64(len(rows)))
		rows = append(rows, row{k, t})
	}
	slices.Sort(order)
	sorted := make([]row, len(rows))
	for i, o := range order {
		sorted[i] = rows[o&(1<<32-1)]
	}
	return sorted
}
