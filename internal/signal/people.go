package signal

import (
	"time"

	"cairn"
)

func (m *measurement) people() {
	roles, out := 0, 0
	var stated, champions []cairn.PersonID
	m.records(cairn.OfPerson, func(r *record) {
		stated = append(stated, cairn.PersonID(r.id))
		role := r.text("role", m.t)
		if role != "" {
			roles++
		}
		if role == "champion" {
			champions = append(champions, cairn.PersonID(r.id))
		}
		if r.truth("opted_out", m.t) {
			out++
		}
	})
	m.known(stated)
	fresh := m.fresh(cairn.OfPerson)
	if len(stated) == 0 {
		m.missing("No source has stated anything about people.", OptedOut)
	} else {
		m.number(OptedOut, float64(out), fresh)
	}
	if roles == 0 {
		m.missing("Nobody's role is known.", Champion, SinceChampion)
		return
	}
	if len(champions) == 0 {
		m.number(Champion, 0, fresh)
		m.missing("Nobody is marked as champion.", SinceChampion)
		return
	}
	m.number(Champion, 1, fresh)
	m.champion(champions)
}

// known counts who was stated, and who was seen lately without being stated.
func (m *measurement) known(stated []cairn.PersonID) {
	from, to := m.x.seen.window(m.day, month)
	seen := union(m.x.seen.people[from:to])
	n := len(stated) + size([][]uint64{seen})
	for _, id := range stated {
		if number, ok := m.x.number[id]; ok && has(seen, number) {
			n--
		}
	}
	if n == 0 {
		m.missing("Nobody at the account is known.", KnownPeople)
		return
	}
	fresh := m.fresh(cairn.OfPerson)
	if to > 0 && m.x.seen.last[to-1].After(fresh) {
		fresh = m.x.seen.last[to-1]
	}
	m.number(KnownPeople, float64(n), fresh)
}

func (m *measurement) champion(champions []cairn.PersonID) {
	last, at, found := cairn.Day(0), time.Time{}, false
	for _, id := range champions {
		n, ok := m.x.number[id]
		if !ok {
			continue
		}
		d, fresh, ok := m.lastSeen(n)
		if ok && (!found || d > last) {
			last, at, found = d, fresh, true
		}
	}
	if !found {
		m.missing("The champion has not been seen in any event.", SinceChampion)
		return
	}
	m.number(SinceChampion, m.since(last), at)
}

// lastSeen returns the last day on which a person was seen. One who was
// numbered before what was loaded counts as seen on the day before it.
func (m *measurement) lastSeen(n uint32) (cairn.Day, time.Time, bool) {
	seen := &m.x.seen
	for i := seen.upTo(m.day) - 1; i >= 0; i-- {
		if has(seen.people[i], n) {
			return seen.days[i], seen.last[i], true
		}
	}
	before := m.state.Window - 1
	return before, before.Start(m.settings.Zone), m.state.Window > 0
}
