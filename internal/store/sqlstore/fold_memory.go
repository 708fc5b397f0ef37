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
	days    aged[streamDay, map[signal.Key]*signal.Tally]
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
	for _, mv := range moves {
		m.at[foldPart{gen, mv.Part}] = mv.To
	}
}

// forget forgets everything.
func (m *foldMemory) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.at = nil
	m.days = aged[streamDay, map[signal.Key]*signal.Tally]{}
	m.numbers = aged[cairn.StreamID, map[cairn.PersonID]uint32]{}
}

func (m *foldMemory) day(k streamDay) (map[signal.Key]*signal.Tally, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.days.get(k)
}

func (m *foldMemory) keepDay(k streamDay, v map[signal.Key]*signal.Tally) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.days.put(k, v, 1+len(v), maxTallies)
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

// An aged map remembers what was used lately: when it is full, what was not
// used since it was full before is forgotten.
type aged[K comparable, V any] struct {
	young, old map[K]V
	weight     int // of what was put into young
}

func (a *aged[K, V]) get(k K) (V, bool) {
	v, ok := a.young[k]
	if ok {
		return v, true
	}
	if v, ok = a.old[k]; ok {
		delete(a.old, k)
		if a.young == nil {
			a.young = map[K]V{}
		}
		a.young[k] = v
		a.weight++
	}
	return v, ok
}

func (a *aged[K, V]) put(k K, v V, weight, most int) {
	if a.weight >= most {
		a.young, a.old, a.weight = nil, a.young, 0
	}
	if a.young == nil {
		a.young = map[K]V{}
	}
	if _, known := a.young[k]; !known || weight == 1 {
		a.weight += weight
	}
	delete(a.old, k)
	a.young[k] = v
}

func (a *aged[K, V]) drop(which func(K) bool) {
	for _, m := range []map[K]V{a.young, a.old} {
		for k := range m {
			if which(k) {
				delete(m, k)
			}
		}
	}
}
