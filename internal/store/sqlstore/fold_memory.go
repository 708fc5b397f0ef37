package sqlstore

import (
	"sync"

	"cairn"
	"cairn/internal/signal"
)

// A foldMemory is what the fold wrote lately, so that a beat asks the database
// only about streams and days that it has not met. It is only ever a shortcut:
// what is remembered of a partition counts while its cursor stands where the
// memory's own last commit left it.
type foldMemory struct {
	mu      sync.Mutex
	at      map[foldPart]int64 // where the cursor stands, if what is remembered counts
	days    aged[streamDay, []keptTally]
	numbers aged[cairn.StreamID, map[cairn.PersonID]uint32]
}

type foldPart struct{ gen, part int }

type streamDay struct {
	gen    int
	stream cairn.StreamID
	day    cairn.Day
}

// How much is remembered at most, in tallies and people, twice each.
const (
	maxTallies = 150_000
	maxNumbers = 400_000
)

// trusts forgets what is remembered of partitions that somebody else moved.
func (m *foldMemory) trusts(gen int, moves []signal.Move) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, mv := range moves {
		p := foldPart{gen, mv.Part}
		if at, ok := m.at[p]; ok && at == mv.N {
			continue
		}
		m.days.drop(func(k streamDay) bool { return k.gen == gen && k.stream.Partition() == mv.Part })
		if m.at == nil {
			m.at = map[foldPart]int64{}
		}
		m.at[p] = mv.N
	}
}

// moved notes where the cursors stand after a commit.
func (m *foldMemory) moved(gen int, moves []signal.Move) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == nil { // everything was forgotten meanwhile
		m.at = map[foldPart]int64{}
	}
	for _, mv := range moves {
		m.at[foldPart{gen, mv.Part}] = mv.To
	}
}

// forget forgets everything.
func (m *foldMemory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = nil
	m.days = aged[streamDay, []keptTally]{}
	m.numbers = aged[cairn.StreamID, map[cairn.PersonID]uint32]{}
}

// A keptTally is a tally as it is kept: people as the row has them, which takes
// a fifth of the room that a bitmap does.
type keptTally struct {
	product, name string
	n, sum, last  int64
	people        []byte
}

// day returns the tallies that a stream has on a day.
func (m *foldMemory) day(k streamDay) (map[signal.Key]*signal.Tally, bool, error) {
	m.mu.Lock()
	kept, ok := m.days.get(k)
	m.mu.Unlock()
	if !ok {
		return nil, false, nil
	}
	out := make(map[signal.Key]*signal.Tally, len(kept)+1)
	for _, t := range kept {
		people, err := bitmap(t.people)
		if err != nil {
			return nil, false, err
		}
		out[signal.Key{Product: t.product, Day: k.day, Name: t.name}] = &signal.Tally{N: t.n, Sum: t.sum, Last: cairn.FromMicros(t.last), People: people}
	}
	return out, true, nil
}

func (m *foldMemory) keepDay(k streamDay, kept []keptTally) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.days.put(k, kept, 1+len(kept), maxTallies)
}

// number returns what is remembered of people's numbers within a stream.
func (m *foldMemory) number(id cairn.StreamID, p cairn.PersonID) (uint32, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ns, _ := m.numbers.get(id)
	n, ok := ns[p]
	return n, ok
}

func (m *foldMemory) keepNumber(id cairn.StreamID, p cairn.PersonID, n uint32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	ns, ok := m.numbers.get(id)
	if !ok {
		ns = map[cairn.PersonID]uint32{}
	}
	ns[p] = n
	m.numbers.put(id, ns, 1, maxNumbers)
}
