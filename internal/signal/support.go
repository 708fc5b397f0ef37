package signal

import (
	"slices"
	"time"

	"cairn"
)

const quarter = 90

// A ticket as it stood at a moment.
type ticket struct {
	opened time.Time
	open   bool
	closed time.Time // when not open
}

func (m *measurement) support() {
	var tickets, open, escalated, recent int
	var oldest, reopened float64
	var hours []float64
	m.records(cairn.OfTicket, func(r *record) {
		k, ok := m.ticket(r)
		if !ok {
			return
		}
		tickets++
		if m.within(k.opened, quarter) {
			recent++
		}
		if n, ok := m.grown(r, "reopened"); ok {
			reopened += n
		}
		switch {
		case k.open:
			open++
			oldest = max(oldest, m.t.Sub(k.opened).Hours()/24)
			if r.truth("escalated", m.t) {
				escalated++
			}
		case m.within(k.closed, quarter):
			hours = append(hours, max(k.closed.Sub(k.opened).Hours(), 0))
		}
	})
	if tickets == 0 {
		m.missing("No ticket is known.", OpenTickets, OldestOpen, MedianClose, Reopened, EscalatedOpen, Tickets90)
		return
	}
	fresh := m.fresh(cairn.OfTicket)
	m.number(OpenTickets, float64(open), fresh)
	m.number(OldestOpen, float64(int(oldest)), fresh)
	m.number(Reopened, reopened, fresh)
	m.number(EscalatedOpen, float64(escalated), fresh)
	m.number(Tickets90, float64(recent), fresh)
	if len(hours) == 0 {
		m.missing("No ticket was closed in the last 90 days.", MedianClose)
		return
	}
	m.number(MedianClose, median(hours), fresh)
}

// ticket returns how a ticket stood at t, and false when it was not yet
// opened. A ticket whose status says solved or closed was closed at the time
// that its field states, else when the status was stated; one that is said to
// be open after it was closed has been reopened.
func (m *measurement) ticket(r *record) (ticket, bool) {
	k := ticket{opened: r.first, open: true}
	if v, ok := r.time("opened", m.t); ok {
		k.opened = v.when
	}
	status, _ := r.at("status", m.t)
	closed, hasClosed := r.time("closed", m.t)
	switch r.text("status", m.t) {
	case "solved", "closed":
		k.open, k.closed = false, status.at
		if hasClosed {
			k.closed, k.open = closed.when, closed.when.After(m.t)
		}
	case "":
		if hasClosed && !closed.when.After(m.t) {
			k.open, k.closed = false, closed.when
		}
	default:
		if hasClosed && !closed.when.After(m.t) && !status.at.After(closed.at) {
			k.open, k.closed = false, closed.when
		}
	}
	return k, !k.opened.After(m.t)
}

// grown returns by how much a counting field grew in the last 90 days.
func (m *measurement) grown(r *record, name string) (float64, bool) {
	now, ok := r.number(name, m.t)
	if !ok {
		return 0, false
	}
	before, _ := r.number(name, m.t.AddDate(0, 0, -quarter))
	return max(now-before, 0), true
}

func median(v []float64) float64 {
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (v[n/2-1] + v[n/2]) / 2
	}
	return v[len(v)/2]
}
