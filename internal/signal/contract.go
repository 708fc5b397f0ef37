package signal

import (
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

// A contract is one as it stood at t, by the ledger: what counts and what does
// not is decided there alone.
type contract struct {
	*record
	ledger.Standing
	priced  bool
	problem string // why it cannot be told what it counts for
}

func (m *measurement) contracts() {
	var known []contract
	m.records(cairn.OfContract, func(r *record) { known = append(known, m.contract(r)) })
	m.seats(known)
	if len(known) == 0 {
		m.missing("No contract is known.", MRR, RenewsIn, ContractTenure)
		return
	}
	m.mrr(known)
	m.renewal(known)
	m.tenure(known)
}

// contract asks the ledger how a contract stood at t.
func (m *measurement) contract(r *record) contract {
	if r.ledger == nil {
		set := m.settings
		r.ledger = ledger.Reader{Zone: set.Zone, Currency: set.Currency, Precedence: set.Precedence}.History(r.id, cairn.AccountID{}, r.facts)
	}
	said := r.ledger.At(m.t)
	c := contract{record: r, priced: said.Priced, problem: said.Problem}
	standing, problem := m.x.stander.On(said.Line, m.day)
	if c.Standing = standing; problem != nil {
		c.problem = m.unpriced(r)
	}
	return c
}

// unpriced says why a contract has a price that does not count.
func (m *measurement) unpriced(r *record) string {
	currency := r.text("currency", m.t)
	return "A contract is in " + strings.ToUpper(currency) + ", which is not added to " + m.settings.Currency + ": there is no rate."
}

// mrr is what the ledger says of today, under the workspace's policy. A
// contract of which no price is told is left out there too.
func (m *measurement) mrr(known []contract) {
	var sum int64
	priced := false
	for _, c := range known {
		switch {
		case c.problem != "":
			m.missing(c.problem, MRR)
			return
		case !c.priced && c.text("mrr", m.t) != "":
			m.missing("The monthly amount of a contract cannot be read.", MRR)
			return
		}
		sum += c.MRR
		priced = priced || c.priced
	}
	if !priced {
		m.missing("It is not told what a contract costs.", MRR)
		return
	}
	m.number(MRR, float64(sum), m.fresh(cairn.OfContract))
}

func (m *measurement) renewal(known []contract) {
	earliest, found := cairn.Day(0), false
	for _, r := range known {
		v, ok := r.time("renews", m.t)
		if !ok {
			v, ok = r.time("end", m.t)
		}
		if !ok || !r.InForce {
			continue
		}
		if d := m.dayOf(v); d >= m.day && (!found || d < earliest) {
			earliest, found = d, true
		}
	}
	if !found {
		m.missing("No renewal of an active contract is to come.", RenewsIn)
		return
	}
	m.number(RenewsIn, float64(earliest-m.day), m.fresh(cairn.OfContract))
}

func (m *measurement) tenure(known []contract) {
	first, found := cairn.Day(0), false
	for _, r := range known {
		d := cairn.DayOf(r.first, m.settings.Zone)
		if v, ok := r.time("start", m.t); ok {
			d = m.dayOf(v)
		}
		if d <= m.day && (!found || d < first) {
			first, found = d, true
		}
	}
	if !found {
		m.missing("The contract has not begun.", ContractTenure)
		return
	}
	m.number(ContractTenure, float64(m.day-first), m.fresh(cairn.OfContract))
}

// seats are those of the active contracts, else what the account itself says.
func (m *measurement) seats(known []contract) {
	sum, found := 0.0, false
	for _, r := range known {
		if n, ok := r.number("seats", m.t); ok && r.InForce {
			sum, found = sum+n, true
		}
	}
	if found {
		m.number(Seats, sum, m.fresh(cairn.OfContract))
		return
	}
	m.records(cairn.OfAccount, func(r *record) {
		if n, ok := r.number("seats", m.t); ok {
			v, _ := r.at("seats", m.t)
			m.number(Seats, n, v.at)
			found = true
		}
	})
	switch {
	case found:
	case len(known) == 0:
		m.missing("No contract is known.", Seats)
	default:
		m.missing("No active contract states its seats.", Seats)
	}
}
