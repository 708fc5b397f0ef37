package sqlstore

import (
	"maps"
	"sync"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// A turnMemory is what accounts were loaded with for their last turn, carried
// on by the beats of the fold since, so that the next turn reads nothing. It is
// only ever a shortcut: an entry counts while it is at the account's version,
// which grows with everything that a turn reads.
type turnMemory struct {
	mu       sync.Mutex
	accounts aged[cairn.AccountID, *remembered]
}

type remembered struct {
	version int64
	day     cairn.Day // on which it was loaded; it serves no other
	loaded  turn.Loaded
	deltas  []*signal.State // of beats since, to be added
}

// How much is remembered at most, in tallies and facts, twice.
const maxRemembered = 300_000

// take returns what is remembered of an account, for the one turn that has it
// leased, if it is not older than the lease.
func (m *turnMemory) take(d turn.Due, today cairn.Day) (turn.Loaded, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.accounts.get(d.Account)
	if !ok || e.version < d.Version || e.day != today {
		m.forget(d.Account)
		return turn.Loaded{}, false
	}
	for _, delta := range e.deltas {
		e.loaded.State.Merge(delta)
	}
	e.deltas = nil
	l := e.loaded
	l.Due, l.Steady = d, l.Prev != nil
	return l, true
}

// keep remembers an account as it was loaded at a version.
func (m *turnMemory) keep(l turn.Loaded, version int64, today cairn.Day) {
	m.mu.Lock()
	defer m.mu.Unlock()
	weight := 10 + len(l.State.Tallies) + len(l.State.Facts)
	m.accounts.put(l.Account.ID, &remembered{version: version, day: today, loaded: l}, weight, maxRemembered)
}

// folded adds what a beat counted of an account, which is at version then. An
// account of which anything else changed, or of which the beat counted an
// earlier day, is forgotten.
func (m *turnMemory) folded(id cairn.AccountID, version int64, deltas []*signal.State) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok := m.accounts.get(id)
	if !ok {
		return
	}
	if version != e.version+1 {
		m.forget(id)
		return
	}
	for _, d := range deltas {
		if len(d.Facts) > 0 || len(e.deltas) > 100 {
			m.forget(id)
			return
		}
		for k := range d.Tallies {
			if k.Day < e.day {
				m.forget(id)
				return
			}
		}
		e.deltas = append(e.deltas, d)
	}
	e.version = version
}

// took notes the results of a turn, after which the account is at version.
func (m *turnMemory) took(r *turn.Result, version int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	id := r.Due.Account
	e, ok := m.accounts.get(id)
	if !ok {
		return
	}
	if version != e.version+1 || r.Base == nil {
		m.forget(id)
		return
	}
	e.version = version
	l := &e.loaded
	l.Prev = r.Base
	if len(r.Decisions) > 0 {
		l.Held = maps.Clone(l.Held)
		for _, d := range r.Decisions {
			d.Account = id
			l.Held[d.Rule] = d
		}
	}
	if len(r.Actions) > 0 {
		l.Open = maps.Clone(l.Open)
		for _, a := range r.Actions {
			l.Open[a.Play] = true
		}
	}
}

func (m *turnMemory) drop(id cairn.AccountID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget(id)
}

func (m *turnMemory) forget(id cairn.AccountID) {
	m.accounts.forget(id)
}

// forgetAll forgets everything: other definitions are in force.
func (m *turnMemory) forgetAll() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.accounts = aged[cairn.AccountID, *remembered]{}
}
