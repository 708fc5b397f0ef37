package signal

import (
	"bytes"
	"cmp"
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
)

// A Key names a tally: of an event's name, or of a [Counter].
type Key struct {
	Product string
	Day     cairn.Day
	Name    string
}

// A Tally is what happened on one day under one name.
type Tally struct {
	N      int64           // how many times
	Sum    int64           // of the numeric property "value" (or the counter's) times N, in millionths
	Last   time.Time       // At of the latest
	People *roaring.Bitmap // numbers: indices of State.People
}

// Interaction is the name under which notes, calls, meetings and mails are
// tallied. Those that state a mood are tallied once more, under
// [InteractionMood]. Neither is Meaningful Activity: we did it, not they.
const Interaction = "Interaction"

// InteractionMood is the name under which interactions of a mood are tallied.
func InteractionMood(mood string) string { return Interaction + ": " + mood }

var moods = []string{"good", "neutral", "bad"}

func isInteraction(name string) bool {
	return name == Interaction || strings.HasPrefix(name, Interaction+": ")
}

// A State is what is kept of one account or one stream: tallies and facts. Of
// definitions it knows the counters alone: what is Meaningful Activity is said
// when it is measured. Once measured it must be changed through its methods
// only, and it is not safe for concurrent use.
type State struct {
	Zone     *time.Location
	Counters *Counters        // what is tallied beside names; nil: nothing
	People   []cairn.PersonID // number → person
	Tallies  map[Key]*Tally
	Facts    []cairn.Fact // plain ones, in any order
	Before   cairn.Day    // last day with meaningful activity before Window; 0: none
	Window   cairn.Day    // first day that Tallies cover; 0: all
	First    time.Time    // At of the first event ever; zero: there was none

	numbers map[cairn.PersonID]uint32
	index   *index
}

// NewState returns a state without history whose days are those of zone.
func NewState(zone *time.Location) *State {
	return &State{Zone: zone, Tallies: map[Key]*Tally{}}
}

// Until leaves out what was stated after t. A state holds the facts of all
// times, of which each measuring takes those of its moment; here it is to know
// no more than was known then, whenever it is measured.
func (s *State) Until(t time.Time) {
	s.Facts = slices.DeleteFunc(s.Facts, func(f cairn.Fact) bool { return f.At.After(t) })
}

// Fold adds e to s. The same events give the same state in any order; that
// each comes once is the caller's business. What is personal is not looked at.
func (s *State) Fold(e cairn.Event) {
	s.index = nil
	if e.Kind == cairn.OfIdentity { // who is who is nothing that happened to them
		return
	}
	if s.First.IsZero() || e.At.Before(s.First) {
		s.First = e.At
	}
	if e.Kind.IsRecord() {
		s.state(e)
		return
	}
	s.Counters.each(&e, func(name string, sum int64) { s.count(name, &e, sum) })
}

// each calls f for every tally that e counts in, with its name and what e adds
// to its sum each time.
func (c *Counters) each(e *cairn.Event, f func(name string, sum int64)) {
	switch e.Kind {
	case cairn.Track:
		f(tracked(e.Name), millionths(e.Props))
		c.more(e, f)
	case cairn.Interaction:
		f(Interaction, millionths(e.Props))
		if mood := textOf(e.Props, "mood"); slices.Contains(moods, mood) {
			f(InteractionMood(mood), millionths(e.Props))
		}
	}
}

// tracked returns the tally of a track event, which never is one of the names
// that are kept for other things.
func tracked(name string) string {
	if name == "" || isInteraction(name) || isCounted(name) {
		return "(tracked) " + name
	}
	return name
}

// count adds e to the tally of a name, with what it adds to the sum each time.
func (s *State) count(name string, e *cairn.Event, sum int64) {
	n := max(e.N, 1)
	t := s.tally(Key{e.Product, cairn.DayOf(e.At, s.Zone), name})
	t.N += n
	t.Sum += sum * n
	if e.At.After(t.Last) {
		t.Last = e.At
	}
	if !e.Person.IsZero() {
		t.People.Add(s.Number(e.Person))
	}
}

func (s *State) tally(k Key) *Tally {
	if s.Tallies == nil {
		s.Tallies = map[Key]*Tally{}
	}
	t := s.Tallies[k]
	if t == nil {
		t = &Tally{People: roaring.New()}
		s.Tallies[k] = t
	}
	return t
}

// Number returns the number of a person, and gives the next one when the
// person is new.
func (s *State) Number(p cairn.PersonID) uint32 {
	if s.numbers == nil || len(s.numbers) != len(s.People) {
		s.numbers = make(map[cairn.PersonID]uint32, len(s.People))
		for i, q := range s.People {
			s.numbers[q] = uint32(i)
		}
	}
	n, ok := s.numbers[p]
	if !ok {
		n = uint32(len(s.People))
		s.People = append(s.People, p)
		s.numbers[p] = n
	}
	return n
}

// state adds the fields of a record's patch as facts.
func (s *State) state(e cairn.Event) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(e.Props, &fields) != nil {
		return
	}
	for field, value := range fields {
		if string(value) == "null" {
			value = nil
		}
		s.Facts = append(s.Facts, cairn.Fact{
			Kind: e.Kind, Record: e.Record, Field: field, Source: e.Source,
			At: e.At, Seen: e.Seen, Event: e.ID, Value: value,
		})
	}
}

// millionths reads the property "value", and returns 0 when there is none or
// it is too large to be added up.
func millionths(props json.RawMessage) int64 {
	if !bytes.Contains(props, []byte(`"value"`)) {
		return 0
	}
	var p struct{ Value any }
	if json.Unmarshal(props, &p) != nil {
		return 0
	}
	v, ok := p.Value.(float64)
	if text, isText := p.Value.(string); isText {
		var err error
		v, err = strconv.ParseFloat(text, 64)
		ok = err == nil
	}
	if !ok || math.IsNaN(v) || math.Abs(v) > 1e11 {
		return 0
	}
	return int64(math.Round(v * 1e6))
}

func textOf(props json.RawMessage, field string) string {
	var p map[string]any
	if json.Unmarshal(props, &p) != nil {
		return ""
	}
	text, _ := p[field].(string)
	return text
}

// add counts o into t. Numbers of o are looked up in renumber unless it is nil.
func (t *Tally) add(o *Tally, renumber []uint32) {
	t.N += o.N
	t.Sum += o.Sum
	if o.Last.After(t.Last) {
		t.Last = o.Last
	}
	if o.People == nil {
		return
	}
	if renumber == nil {
		t.People.Or(o.People)
		return
	}
	o.People.Iterate(func(n uint32) bool {
		t.People.Add(renumber[n])
		return true
	})
}

// Merge makes s the union of both, which must not share events: that of two
// streams of one account. o stays as it is.
func (s *State) Merge(o *State) {
	s.index = nil
	renumber := make([]uint32, len(o.People))
	for i, p := range o.People {
		renumber[i] = s.Number(p)
	}
	for k, t := range o.Tallies {
		s.tally(k).add(t, renumber)
	}
	s.Facts = append(s.Facts, o.Facts...)
	s.Before = max(s.Before, o.Before)
	s.Window = max(s.Window, o.Window)
	if s.First.IsZero() || !o.First.IsZero() && o.First.Before(s.First) {
		s.First = o.First
	}
}

// keys returns the keys of all tallies in order.
func (s *State) keys() []Key {
	keys := make([]Key, 0, len(s.Tallies))
	for k := range s.Tallies {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b Key) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Name, b.Name))
	})
	return keys
}

// IsEvent reports whether a tally's name is that of a track event: neither of
// what the team wrote down nor of a counter.
func IsEvent(name string) bool {
	return name != "" && !isInteraction(name) && !isCounted(name)
}
