package payment

import (
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// ByCard reports whether somebody pays by card who said so much of how they
// pay. Where nothing is said, a card that is on file is what is charged.
func ByCard(method string) bool {
	switch strings.ToLower(strings.TrimSpace(method)) {
	case "", "card", "credit_card", "debit_card", "link":
		return true
	}
	return false
}

// Expiry returns the last day on which a card can be charged: that of the month
// that stands on it. Text is a month such as 2026-08, or a day in it.
func Expiry(text string) (cairn.Day, bool) {
	if len(text) < len("2026-08") {
		return 0, false
	}
	m, err := ledger.ParseMonth(text[:len("2026-08")])
	if err != nil {
		return 0, false
	}
	return m.Last(), true
}

// A Charge is an invoice that is to be expected.
type Charge struct {
	On     cairn.Day   `json:"-"`
	Amount cairn.Money `json:"amount"`
	Every  string      `json:"every,omitempty"` // how often more come after it; empty: it stands there already
	Key    string      `json:"invoice,omitempty"`
}

// month is how many days one has, on average, in thirty-seconds.
const monthDays = 30.4375

// Expect returns the first charge after a day that would come if invoices go on
// as they came: as long after each other as the last two, and as large as the
// last one. It reports false where fewer than two are known.
func Expect(issued []Issue, after cairn.Day) (Charge, bool) {
	last, before := latest(issued)
	if before.On == 0 {
		return Charge{}, false
	}
	every := ledger.Interval{N: int32(last.On - before.On), Unit: ledger.Days}
	if n := int32(float64(last.On-before.On)/monthDays + 0.5); every.N >= 26 {
		every = ledger.Interval{N: n, Unit: ledger.Months}
	}
	return Charge{On: every.Next(last.On, max(after, last.On)+1), Amount: last.Amount, Every: every.String()}, true
}

// An Issue is that an invoice was issued.
type Issue struct {
	On     cairn.Day
	Amount cairn.Money
}

// latest returns the last of them, and the last on a day before.
func latest(issued []Issue) (last, before Issue) {
	for _, i := range issued {
		switch {
		case i.On == 0:
		case i.On > last.On:
			last, before = i, last
		case i.On == last.On:
			last.Amount = larger(last.Amount, i.Amount)
		case i.On > before.On:
			before = i
		}
	}
	return last, before
}

func larger(a, b cairn.Money) cairn.Money {
	if b.Currency == a.Currency && b.Minor > a.Minor {
		return b
	}
	return a
}

// whenPaid reads a moment or a day.
func whenPaid(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
