package signal

import (
	"cmp"
	"encoding/binary"
	"slices"

	"cairn"
)

// Canonical returns the same bytes for the same events in whatever order they
// were folded or their streams merged: people are numbered by id, tallies and
// facts are sorted. The zone is not part of it.
func (s *State) Canonical() []byte {
	people, renumber := s.sortedPeople()
	var b canonical
	b.number(int64(len(people)))
	for _, p := range people {
		b = append(b, p.ID[:]...)
	}
	b.number(int64(len(s.Tallies)))
	for _, k := range s.keys() {
		b.tally(k, s.Tallies[k], renumber)
	}
	b.number(int64(len(s.Facts)))
	for _, f := range sortedFacts(s.Facts) {
		b.fact(f)
	}
	b.number(int64(s.Before))
	b.number(int64(s.Window))
	b.number(cairn.Micros(s.First))
	return b
}

// sortedPeople returns the people by id, and the new number of each old one.
func (s *State) sortedPeople() ([]cairn.PersonID, []uint32) {
	old := make([]uint32, len(s.People))
	for i := range old {
		old[i] = uint32(i)
	}
	slices.SortFunc(old, func(a, b uint32) int {
		return slices.Compare(s.People[a].ID[:], s.People[b].ID[:])
	})
	people, renumber := make([]cairn.PersonID, len(old)), make([]uint32, len(old))
	for i, o := range old {
		people[i], renumber[o] = s.People[o], uint32(i)
	}
	return people, renumber
}

func sortedFacts(facts []cairn.Fact) []cairn.Fact {
	facts = slices.Clone(facts)
	slices.SortFunc(facts, func(a, b cairn.Fact) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), slices.Compare(a.Record.ID[:], b.Record.ID[:]),
			cmp.Compare(a.Field, b.Field), cmp.Compare(a.Source, b.Source), a.Later(b))
	})
	return facts
}

// canonical is bytes under construction.
type canonical []byte

func (b *canonical) number(n int64) { *b = binary.BigEndian.AppendUint64(*b, uint64(n)) }

func (b *canonical) text(s string) {
	b.number(int64(len(s)))
	*b = append(*b, s...)
}

func (b *canonical) tally(k Key, t *Tally, renumber []uint32) {
	b.text(k.Product)
	b.number(int64(k.Day))
	b.text(k.Name)
	b.number(t.N)
	b.number(t.Sum)
	b.number(cairn.Micros(t.Last))
	var people []uint32
	if t.People != nil {
		people = t.People.ToArray()
	}
	for i, n := range people {
		people[i] = renumber[n]
	}
	slices.Sort(people)
	b.number(int64(len(people)))
	for _, n := range people {
		b.number(int64(n))
	}
}

func (b *canonical) fact(f cairn.Fact) {
	b.text(string(f.Kind))
	*b = append(*b, f.Record.ID[:]...)
	b.text(f.Field)
	b.text(f.Source)
	b.number(cairn.Micros(f.At))
	b.number(cairn.Micros(f.Seen))
	*b = append(*b, f.Event.ID[:]...)
	if f.Value == nil {
		b.number(-1)
	} else {
		b.text(string(f.Value))
	}
}
