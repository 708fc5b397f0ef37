package signal

import "cairn"

const (
	week  = 7
	month = 28
)

func (m *measurement) usage() {
	last, ok := m.lastUse()
	if !ok {
		m.missing("No use of the product has been seen.",
			Active7, Active28, ActiveChange, DaysActive, Events28, Distinct28, SinceActivity, LicenceUse, PeerRank)
		return
	}
	use := &m.x.use
	fresh := last.Start(m.settings.Zone)
	if i := use.upTo(m.day); i > 0 {
		fresh = use.last[i-1]
	}
	from7, to := use.window(m.day, week)
	from, _ := use.window(m.day, month)
	active := size(use.people[from:to])
	events, days := int64(0), 0
	for _, n := range m.x.events[from:to] {
		events += n
		days++
	}
	m.number(Active7, float64(size(use.people[from7:to])), fresh)
	m.number(Active28, float64(active), fresh)
	m.number(DaysActive, float64(days), fresh)
	m.number(Events28, float64(events), fresh)
	m.number(Distinct28, float64(size(m.x.names[from:to])), fresh)
	m.number(SinceActivity, m.since(last), fresh)
	m.change(active)
	m.licence(active)
	m.rank(active)
}

// lastUse returns the last day with meaningful activity that counts.
func (m *measurement) lastUse() (cairn.Day, bool) {
	if i := m.x.use.upTo(m.day); i > 0 {
		return m.x.use.days[i-1], true
	}
	return m.state.Before, m.state.Before != 0 && m.state.Before <= m.day
}

// change compares with the window before, which must lie within history.
func (m *measurement) change(active int) {
	use := &m.x.use
	if cairn.DayOf(m.state.First, m.settings.Zone) > m.day-2*month+1 {
		m.missing("The account is not yet known for 56 days, to compare.", ActiveChange)
		return
	}
	from, to := use.window(m.day-month, month)
	before := size(use.people[from:to])
	if before == 0 {
		m.missing("Nobody was active in the 28 days before, to compare with.", ActiveChange)
		return
	}
	m.number(ActiveChange, percent(float64(active-before), float64(before)), m.out[Active28].Fresh)
}

func (m *measurement) licence(active int) {
	seats, ok := m.out.Number(Seats)
	if !ok || seats <= 0 {
		m.missing("The number of seats is not known.", LicenceUse)
		return
	}
	m.number(LicenceUse, percent(float64(active), seats), m.out[Active28].Fresh)
}

func (m *measurement) rank(active int) {
	y := m.yardsticks[Active28]
	rank, ok := y.Rank(float64(active))
	if !ok || y.N < FewestPeers {
		m.missing("Too few accounts are known to compare with.", PeerRank)
		return
	}
	m.number(PeerRank, rank, m.out[Active28].Fresh)
}
