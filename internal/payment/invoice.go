package payment

import (
	"time"

	"cairn"
)

// An Invoice is one as it stood at a moment.
type Invoice struct {
	Status string    // open, paid, failed, void, disputed, uncollectible; empty: not said
	Issued cairn.Day // 0: not said, as with Due
	Due    cairn.Day
	Paid   time.Time // zero: not said
}

// Issues reports whether i had been issued by a day.
func (i Invoice) Issues(day cairn.Day) bool { return i.Issued == 0 || i.Issued <= day }

// Unpaid reports whether i waited for its money at t.
func (i Invoice) Unpaid(t time.Time) bool {
	switch i.Status {
	case "void":
		return false
	case "paid":
		return !i.Paid.IsZero() && i.Paid.After(t)
	}
	return i.Paid.IsZero() || i.Paid.After(t)
}

// DaysLate returns for how many days i, which is not paid, was due on a day; 0
// when it was not.
func (i Invoice) DaysLate(day cairn.Day) int {
	if i.Due == 0 || i.Due >= day {
		return 0
	}
	return int(day - i.Due)
}

// Punctual reports whether i was paid by the end of the day on which it was
// due, and false for known when it fell due after day or is void.
func (i Invoice) Punctual(t time.Time, day cairn.Day, zone *time.Location) (punctual, known bool) {
	if i.Due == 0 || i.Due >= day || i.Status == "void" {
		return false, false
	}
	if i.Unpaid(t) {
		return false, true
	}
	return i.Paid.IsZero() || cairn.DayOf(i.Paid, zone) <= i.Due, true
}

// Stopped reports whether i cannot be collected any more as things stand: the
// customer's bank took the payment back, or it was given up.
func (i Invoice) Stopped(t time.Time) bool {
	return (i.Status == "disputed" || i.Status == "uncollectible") && i.Unpaid(t)
}

// StoppedWhy says in words what a status of an invoice or a contract means.
func StoppedWhy(status string) string {
	switch status {
	case "disputed":
		return "the payment is disputed"
	case "uncollectible":
		return "given up as uncollectible"
	case "past_due":
		return "billing says the contract is past due"
	case "unpaid":
		return "billing has given up collecting for the contract"
	}
	return ""
}
