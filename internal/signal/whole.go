package signal

import (
	"cmp"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
)

// A Whole folds the whole log of many streams, from its beginning, into the
// rows that beats would have ended with. A tally takes some fifty bytes in it
// where a [State] takes hundreds, and an event of somebody known allocates
// nothing.
type Whole struct {
	counters *Counters
	days     clocks

	streams map[cairn.StreamID]int32
	ids     []cairn.StreamID
	next    []uint32 // of each stream: the number of who is new in it
	numbers map[inStream]uint32
	fresh   []Number

	names   map[named]int32
	named   []named
	sources map[string]int32
	source  []string

	tallies map[tallied]int32
	counts  []count
	volumes map[volumed]Volume
	packed  map[uint64][]byte // rows' bytes of small sets of people
}

type inStream struct {
	stream int32
	person cairn.PersonID
}

type named struct{ product, name string }

type tallied struct{ stream, day, name int32 }

type volumed struct{ day, name, source int32 }

// A count is a tally in the making. Of its people the first 64 numbers are
// bits, since most streams have no more.
type count struct {
	n, sum, last int64
	few          uint64
	many         *roaring.Bitmap // from 64 on; nil: nobody
}

// A Number is that of a person within a stream.
type Number struct {
	Stream cairn.StreamID
	Person cairn.PersonID
	N      uint32
}

// A TallyRow is a tally as it is stored.
type TallyRow struct {
	Stream cairn.StreamID
	Key
	N, Sum, Last int64
	People       []byte // numbers, as roaring writes them
}

// NewWhole returns a fold of nothing, with what it tallies beside names.
func NewWhole(zone *time.Location, counters *Counters) *Whole {
	return &Whole{
		counters: counters, days: clocks{zone: zone},
		streams: map[cairn.StreamID]int32{}, numbers: map[inStream]uint32{}, names: map[named]int32{}, sources: map[string]int32{},
		tallies: map[tallied]int32{}, volumes: map[volumed]Volume{}, packed: map[uint64][]byte{},
	}
}

// Has reports whether a stream was met.
func (w *Whole) Has(id cairn.StreamID) bool {
	_, ok := w.streams[id]
	return ok
}

// Len is how many tallies there are.
func (w *Whole) Len() int { return len(w.counts) }

func (w *Whole) stream(id cairn.StreamID) int32 {
	s, ok := w.streams[id]
	if !ok {
		s = int32(len(w.ids))
		w.streams[id] = s
		w.ids, w.next = append(w.ids, id), append(w.next, 0)
	}
	return s
}

// Begin has a stream begin with people who have their numbers already.
func (w *Whole) Begin(n Number) {
	s := w.stream(n.Stream)
	w.numbers[inStream{s, n.Person}] = n.N
	w.next[s] = max(w.next[s], n.N+1)
}

// Origin has a stream begin with a tally of events that the log no longer has.
// One of a counter that is not asked for is left out.
func (w *Whole) Origin(r TallyRow) error {
	if isCounted(r.Name) && !w.counters.Has(r.Name) {
		return nil
	}
	people := roaring.New()
	if err := people.UnmarshalBinary(r.People); err != nil {
		return err
	}
	if err := people.Validate(); err != nil {
		return err
	}
	c := w.count(tallied{w.stream(r.Stream), int32(r.Day), w.name(r.Product, r.Name)})
	c.n, c.sum, c.last = c.n+r.N, c.sum+r.Sum, max(c.last, r.Last)
	people.Iterate(func(n uint32) bool {
		c.add(n)
		return true
	})
	return nil
}

// Fold adds e to the tallies, as [State.Fold] and a beat would. What is
// personal is not looked at.
func (w *Whole) Fold(e *cairn.Event) {
	if e.Kind != cairn.Track && e.Kind != cairn.Interaction { // makes no tally
		return
	}
	s, day, at, n := w.stream(e.Stream), w.days.of(e.At), cairn.Micros(e.At), max(e.N, 1)
	num, known := uint32(0), !e.Person.IsZero()
	if known {
		num = w.number(s, e)
	}
	w.counters.each(e, func(name string, sum int64) {
		c := w.count(tallied{s, day, w.name(e.Product, name)})
		c.n += n
		c.sum += sum * n
		c.last = max(c.last, at)
		if known {
			c.add(num)
		}
	})
}

// Volume adds e to the volumes.
func (w *Whole) Volume(e *cairn.Event) {
	if e.Kind != cairn.Track {
		return
	}
	k := volumed{w.days.of(e.At), w.name(e.Product, tracked(e.Name)), w.sourced(e.Source)}
	v := w.volumes[k]
	v.N += max(e.N, 1)
	if e.At.After(v.Last) {
		v.Last = e.At
	}
	w.volumes[k] = v
}

func (w *Whole) number(s int32, e *cairn.Event) uint32 {
	who := inStream{s, e.Person}
	n, ok := w.numbers[who]
	if !ok {
		n = w.next[s]
		w.next[s]++
		w.numbers[who] = n
		w.fresh = append(w.fresh, Number{e.Stream, e.Person, n})
	}
	return n
}

func (w *Whole) name(product, name string) int32 {
	k := named{product, name}
	n, ok := w.names[k]
	if !ok {
		n = int32(len(w.named))
		w.names[k] = n
		w.named = append(w.named, k)
	}
	return n
}

func (w *Whole) sourced(name string) int32 {
	n, ok := w.sources[name]
	if !ok {
		n = int32(len(w.source))
		w.sources[name] = n
		w.source = append(w.source, name)
	}
	return n
}

func (w *Whole) count(k tallied) *count {
	i, ok := w.tallies[k]
	if !ok {
		i = int32(len(w.counts))
		w.tallies[k] = i
		w.counts = append(w.counts, count{})
	}
	return &w.counts[i]
}

func (c *count) add(n uint32) {
	if n < 64 {
		c.few |= 1 << n
		return
	}
	if c.many == nil {
		c.many = roaring.New()
	}
	c.many.Add(n)
}

// Fresh are the numbers that people got who had none in their stream.
func (w *Whole) Fresh() []Number { return w.fresh }

// Volumes are the events by name, over all streams.
func (w *Whole) Volumes() map[VolumeKey]Volume {
	out := make(map[VolumeKey]Volume, len(w.volumes))
	for k, v := range w.volumes {
		n := w.named[k.name]
		out[VolumeKey{cairn.Day(k.day), n.product, n.name, w.source[k.source]}] = v
	}
	return out
}

// Order returns all tallies in the order of their rows, for [Whole.Rows].
func (w *Whole) Order() []Ordered {
	out := make([]Ordered, 0, len(w.tallies))
	streams := ranks(w.ids, func(a, b cairn.StreamID) int { return slices.Compare(a.ID[:], b.ID[:]) })
	names := ranks(w.named, func(a, b named) int { return cmp.Or(cmp.Compare(a.product, b.product), cmp.Compare(a.name, b.name)) })
	for k, i := range w.tallies {
		out = append(out, Ordered{streams[k.stream], k.day, names[k.name], k.stream, k.name, i})
	}
	slices.SortFunc(out, func(a, b Ordered) int {
		return cmp.Or(cmp.Compare(a.stream, b.stream), cmp.Compare(a.day, b.day), cmp.Compare(a.name, b.name))
	})
	return out
}

// An Ordered is a tally's place among the rows.
type Ordered struct {
	stream, day, name int32 // in the order of rows
	ofStream, ofName  int32
	count             int32
}

// ranks returns the place of each of some values in their order.
func ranks[T any](values []T, compare func(a, b T) int) []int32 {
	order := make([]int32, len(values))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int { return compare(values[a], values[b]) })
	out := make([]int32, len(values))
	for place, i := range order {
		out[i] = int32(place)
	}
	return out
}

// Rows returns the rows of some tallies.
func (w *Whole) Rows(some []Ordered) ([]TallyRow, error) {
	out := make([]TallyRow, len(some))
	for i, o := range some {
		c, n := &w.counts[o.count], w.named[o.ofName]
		people, err := w.people(c)
		if err != nil {
			return nil, err
		}
		out[i] = TallyRow{w.ids[o.ofStream], Key{n.product, cairn.Day(o.day), n.name}, c.n, c.sum, c.last, people}
	}
	return out, nil
}

// maxPacked is how many small sets of people are remembered as bytes.
const maxPacked = 50_000

func (w *Whole) people(c *count) ([]byte, error) {
	if c.many == nil {
		if b, ok := w.packed[c.few]; ok {
			return b, nil
		}
	}
	set := roaring.New()
	if c.many != nil {
		set = c.many
	}
	for n := range uint32(64) {
		if c.few&(1<<n) != 0 {
			set.Add(n)
		}
	}
	set.RunOptimize()
	b, err := set.ToBytes()
	if c.many == nil && err == nil && len(w.packed) < maxPacked {
		w.packed[c.few] = b
	}
	return b, err
}

// Clocks tell days as [cairn.DayOf] does, and remember between which
// moments the zone's clocks stood how.
type clocks struct {
	zone    *time.Location
	from    int64 // seconds
	to      int64 // exclusive; not after from: nothing is remembered
	offset  int64
	periods []period // others that were met
}

type period struct{ from, to, offset int64 }

const secondsADay = 86400

func (c *clocks) of(t time.Time) int32 {
	s := t.Unix()
	if s < c.from || s >= c.to {
		c.look(t, s)
	}
	s += c.offset
	day := s / secondsADay
	if s%secondsADay < 0 {
		day--
	}
	return int32(day)
}

// look finds how the clocks stand at t.
func (c *clocks) look(t time.Time, s int64) {
	for _, p := range c.periods {
		if s >= p.from && s < p.to {
			c.from, c.to, c.offset = p.from, p.to, p.offset
			return
		}
	}
	in := t.In(c.zone)
	start, end := in.ZoneBounds()
	_, offset := in.Zone()
	p := period{-1 << 62, 1 << 62, int64(offset)}
	if !start.IsZero() {
		p.from = start.Unix()
	}
	if !end.IsZero() {
		p.to = end.Unix()
	}
	c.periods = append(c.periods, p)
	c.from, c.to, c.offset = p.from, p.to, p.offset
}
