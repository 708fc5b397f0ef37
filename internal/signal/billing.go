package signal

import (
	"cairn"
	"cairn/internal/payment"
)

// A billed is what the invoices of an account come to as of t.
type billed struct {
	invoices, open  int
	overdue         float64 // days of the longest
	late            int64   // what is overdue, in the workspace's currency
	apart           string  // a currency in which something is overdue, and of which there is no rate
	failed, failing float64
	due, untimely   int
	stopped         int
}

func (m *measurement) billing() {
	var b billed
	m.records(cairn.OfInvoice, func(r *record) { m.invoice(r, &b) })
	m.card()
	m.stopped(b)
	if b.invoices == 0 {
		m.missing("No invoice is known.", Overdue, OverdueAmount, LateShare, FailedPayments, FailingInvoices, OpenInvoices)
		return
	}
	fresh := m.fresh(cairn.OfInvoice)
	m.number(Overdue, b.overdue, fresh)
	m.number(FailedPayments, b.failed, fresh)
	m.number(FailingInvoices, b.failing, fresh)
	m.number(OpenInvoices, float64(b.open), fresh)
	if b.apart != "" {
		m.missing("An overdue invoice is in "+b.apart+", which is not added to "+m.settings.Currency+": there is no rate.", OverdueAmount)
	} else {
		m.number(OverdueAmount, float64(b.late), fresh)
	}
	if b.due == 0 {
		m.missing("No invoice fell due in the last 365 days.", LateShare)
		return
	}
	m.number(LateShare, percent(float64(b.untimely), float64(b.due)), fresh)
}

// invoice adds one as it stood at t; what is late and what is not is said where
// the page of payments says it.
func (m *measurement) invoice(r *record, b *billed) {
	i := payment.Invoice{Status: r.text("status", m.t)}
	if v, ok := r.time("issued", m.t); ok {
		i.Issued = m.dayOf(v)
	}
	if v, ok := r.time("due", m.t); ok {
		i.Due = m.dayOf(v)
	}
	if v, ok := r.time("paid_at", m.t); ok {
		i.Paid = v.when
	}
	if !i.Issues(m.day) {
		return
	}
	b.invoices++
	b.failed += m.failed(r)
	if in, known := i.Punctual(m.t, m.day, m.settings.Zone); known && i.Due > m.day-year {
		if b.due++; !in {
			b.untimely++
		}
	}
	if !i.Unpaid(m.t) {
		return
	}
	if i.Stopped(m.t) {
		b.stopped++
	}
	b.open++
	if n, _ := r.number("failed_payments", m.t); n > 0 || i.Status == "failed" {
		b.failing++
	}
	if late := i.DaysLate(m.day); late > 0 {
		b.overdue = max(b.overdue, float64(late))
		m.owed(r, b)
	}
}

const year = 365

// owed adds what an overdue invoice is about.
func (m *measurement) owed(r *record, b *billed) {
	amount := r.text("amount", m.t)
	if amount == "" {
		return
	}
	currency := r.text("currency", m.t)
	if currency == "" {
		currency = m.settings.Currency
	}
	owed, err := cairn.ParseMoney(amount, currency)
	if err != nil {
		return
	}
	home, ok := m.x.rates.Into(owed, m.day)
	if !ok {
		b.apart = owed.Currency
	}
	b.late += home
}

// failed counts the attempts to collect that failed in the last 90 days.
func (m *measurement) failed(r *record) float64 {
	if n, ok := m.grown(r, "failed_payments"); ok {
		return n
	}
	if v, _ := r.at("status", m.t); r.text("status", m.t) == "failed" && m.within(v.at, quarter) {
		return 1
	}
	return 0
}

// card is the one that expires first, of those that contracts in force name;
// where none does, the one that the account itself names.
func (m *measurement) card() {
	earliest, at, found, bare, running := cairn.Day(0), m.t, false, 0, 0
	take := func(r *record) bool {
		v, _ := r.at("card_expires", m.t)
		expires, ok := payment.Expiry(v.text)
		if ok && (!found || expires < earliest) {
			earliest, at, found = expires, v.at, true
		}
		return ok
	}
	known := 0
	m.records(cairn.OfContract, func(r *record) {
		known++
		if !m.contract(r).InForce {
			return
		}
		running++
		if method := r.text("payment_method", m.t); method != "" && !payment.ByCard(method) {
			return
		}
		if !take(r) {
			bare++
		}
	})
	if known == 0 || bare > 0 {
		m.records(cairn.OfAccount, func(r *record) {
			if payment.ByCard(r.text("payment_method", m.t)) {
				take(r)
			}
		})
	}
	switch {
	case known > 0 && running == 0:
		m.missing("No contract is in force.", CardExpiresIn)
	case !found:
		m.missing("No card is known that pays.", CardExpiresIn)
	default:
		m.number(CardExpiresIn, float64(earliest-m.day), at)
	}
}

// stopped counts what billing has given up, or was taken back by the customer's
// bank: invoices, and contracts.
func (m *measurement) stopped(b billed) {
	n, known := b.stopped, b.invoices > 0
	m.records(cairn.OfContract, func(r *record) {
		known = true
		if payment.StoppedWhy(r.text("status", m.t)) != "" {
			n++
		}
	})
	if !known {
		m.missing("Neither an invoice nor a contract is known.", Stopped)
		return
	}
	fresh := m.fresh(cairn.OfInvoice)
	if c := m.fresh(cairn.OfContract); c.After(fresh) {
		fresh = c
	}
	m.number(Stopped, float64(n), fresh)
}
