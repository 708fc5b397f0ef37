package signal

import (
	"time"

	"cairn"
)

const (
	week  = 7
	month = 28
)

// usage measures Meaningful Activity in all products together.
func (m *measurement) usage() {
	use := m.x.use(m.settings.Meaningful, useKey{set: m.set, all: true})
	last, ok := m.lastUse(use)
	if !ok {
		m.missing("No use of the product has been seen.",
			Active7, Active28, ActiveChange, DaysActive, Events28, Distinct28, SinceActivity, LicenceUse, PeerRank)
		return
	}
	active := m.used(use, last, "")
	m.licence(active)
	m.rank(active)
}

// used writes the signals that one product has like all together; at is "" or
// the product's mark. It returns how many people are active.
func (m *measurement) used(use *use, last cairn.Day, at string) int {
	fresh := last.Start(m.settings.Zone)
	if i := use.upTo(m.day); i > 0 {
		fresh = use.last[i-1]
	}
	from7, to := use.window(m.day, week)
	from, _ := use.window(m.day, month)
	active := size(use.people[from:to])
	events, days := int64(0), 0
	for _, n := range use.events[from:to] {
		events += n
		days++
	}
	m.number(Active7+at, float64(size(use.people[from7:to])), fresh)
	m.number(Active28+at, float64(active), fresh)
	m.number(DaysActive+at, float64(days), fresh)
	m.number(Events28+at, float64(events), fresh)
	m.number(Distinct28+at, float64(size(use.names[from:to])), fresh)
	m.number(SinceActivity+at, m.since(last), fresh)
	m.change(use, active, at, fresh)
	return active
}

// inProduct marks a signal of one product: "usage.active_people_28d@mobile".
const inProduct = "@"

// mostProducts is how many products have signals of their own.
const mostProducts = 20

// products measures the use of each product, where the account has several.
func (m *measurement) products() {
	names := m.x.productsBy(m.day)
	if len(names) < 2 {
		return
	}
	for _, p := range names[:min(len(names), mostProducts)] {
		use := m.x.use(m.settings.Meaningful, useKey{set: m.set, product: p})
		if i := use.upTo(m.day); i > 0 {
			m.used(use, use.days[i-1], inProduct+p)
		}
	}
}

// productsBy returns the products seen by a day.
func (x *index) productsBy(day cairn.Day) []string {
	var names []string
	for _, p := range x.products {
		if p.from <= day {
			names = append(names, p.name)
		}
	}
	return names
}

// lastUse returns the last day with meaningful activity that counts.
func (m *measurement) lastUse(use *use) (cairn.Day, bool) {
	if i := use.upTo(m.day); i > 0 {
		return use.days[i-1], true
	}
	return m.state.Before, m.state.Before != 0 && m.state.Before <= m.day
}

// change compares with the window before, which must lie within history.
func (m *measurement) change(use *use, active int, at string, fresh time.Time) {
	if !m.knownFor(2 * month) {
		m.missing("The account is not yet known for 56 days, to compare.", ActiveChange+at)
		return
	}
	from, to := use.window(m.day-month, month)
	before := size(use.people[from:to])
	if before == 0 {
		m.missing("Nobody was active in the 28 days before, to compare with.", ActiveChange+at)
		return
	}
	m.number(ActiveChange+at, percent(float64(active-before), float64(before)), fresh)
}

// knownFor reports whether the account was known for so many days, today included.
func (m *measurement) knownFor(days int) bool {
	return cairn.DayOf(m.state.First, m.settings.Zone) <= m.day-cairn.Day(days)+1
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
