package signal

import "cairn"

func (m *measurement) billing() {
	var invoices, open int
	var overdue, failed float64
	m.records(cairn.OfInvoice, func(r *record) {
		if v, ok := r.time("issued", m.t); ok && m.dayOf(v) > m.day {
			return
		}
		invoices++
		failed += m.failed(r)
		if !m.unpaid(r) {
			return
		}
		open++
		if due, ok := r.time("due", m.t); ok {
			overdue = max(overdue, m.since(m.dayOf(due)))
		}
	})
	if invoices == 0 {
		m.missing("No invoice is known.", Overdue, FailedPayments, OpenInvoices)
		return
	}
	fresh := m.fresh(cairn.OfInvoice)
	m.number(Overdue, overdue, fresh)
	m.number(FailedPayments, failed, fresh)
	m.number(OpenInvoices, float64(open), fresh)
}

// unpaid reports whether an invoice waited for its money at t.
func (m *measurement) unpaid(r *record) bool {
	paid, ok := r.time("paid_at", m.t)
	switch r.text("status", m.t) {
	case "void":
		return false
	case "paid":
		return ok && paid.when.After(m.t)
	}
	return !ok || paid.when.After(m.t)
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
