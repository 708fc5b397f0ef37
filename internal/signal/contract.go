package signal

import (
	"math/big"
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

func (m *measurement) contracts() {
	var known []*record
	m.records(cairn.OfContract, func(r *record) { known = append(known, r) })
	m.seats(known)
	if len(known) == 0 {
		m.missing("No contract is known.", MRR, RenewsIn, ContractTenure)
		return
	}
	m.mrr(known)
	m.renewal(known)
	m.tenure(known)
}

// active reports whether a contract was in force at t: begun, not cancelled,
// no trial, not paused, and not past its end. A renewal date that has passed
// ends a contract only where it says that it does not renew by itself.
func (m *measurement) active(r *record) bool {
	switch r.text("status", m.t) {
	case "cancelled", "canceled", "trial", "paused", "unpaid", "ended", "expired":
		return false
	}
	if v, ok := r.time("cancelled_at", m.t); ok && m.dayOf(v) <= m.day {
		return false
	}
	if v, ok := r.time("start", m.t); ok && m.dayOf(v) > m.day {
		return false
	}
	renews, hasRenews := r.time("renews", m.t)
	if hasRenews {
		ends := r.text("auto_renew", m.t) != "" && !r.truth("auto_renew", m.t)
		return !ends || m.dayOf(renews) >= m.day
	}
	end, hasEnd := r.time("end", m.t)
	return !hasEnd || m.dayOf(end) >= m.day
}

func (m *measurement) mrr(known []*record) {
	var sum int64
	for _, r := range known {
		if !m.active(r) {
			continue
		}
		amount := r.text("mrr", m.t)
		currency := r.text("currency", m.t)
		if currency == "" {
			currency = m.settings.Currency
		}
		v, ok := money(amount, currency)
		if amount == "" { // a price for an interval
			v.Currency = strings.ToUpper(currency)
			v.Minor, ok = ledger.PerMonth(func(field string) string { return r.text(field, m.t) }, v.Currency)
			if !ok {
				continue
			}
		}
		switch {
		case !ok:
			m.missing("The monthly amount of a contract cannot be read.", MRR)
			return
		case v.Currency != m.settings.Currency:
			m.missing("A contract is in "+v.Currency+", which is not added to "+m.settings.Currency+".", MRR)
			return
		}
		sum += v.Minor
	}
	m.number(MRR, float64(sum), m.fresh(cairn.OfContract))
}

// money reads an amount, and rounds one with more decimals than its currency
// has (a twelfth of a year's price) to the nearest minor unit.
func money(amount, currency string) (cairn.Money, bool) {
	if v, err := cairn.ParseMoney(amount, currency); err == nil {
		return v, true
	}
	r, ok := new(big.Rat).SetString(amount)
	if !ok {
		return cairn.Money{}, false
	}
	v, err := cairn.ParseMoney(r.FloatString(cairn.MinorDigits(currency)), currency)
	return v, err == nil
}

func (m *measurement) renewal(known []*record) {
	earliest, found := cairn.Day(0), false
	for _, r := range known {
		v, ok := r.time("renews", m.t)
		if !ok {
			v, ok = r.time("end", m.t)
		}
		if !ok || !m.active(r) {
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

func (m *measurement) tenure(known []*record) {
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
func (m *measurement) seats(known []*record) {
	sum, found := 0.0, false
	for _, r := range known {
		if n, ok := r.number("seats", m.t); ok && m.active(r) {
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
