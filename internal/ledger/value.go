package ledger

import "cairn"

// A Basis says how many days a month has when only a part of it counts.
type Basis int

// The bases.
const (
	ThirtyDays Basis = iota // always 30
	ActualDays              // as many as that month has
)

// Value returns what an amount a month comes to from one day to another, both
// included: whole months, and of the first and last the days by the basis. It
// is rounded once (total contract value; with list prices, extended list
// price).
func Value(monthly int64, from, to cairn.Day, basis Basis) int64 {
	if to < from {
		return 0
	}
	whole, days := int64(0), exactly(0)
	for m := MonthOf(from); m <= MonthOf(to); m++ {
		first, last := max(from, m.First()), min(to, m.Last())
		if first == m.First() && last == m.Last() {
			whole++
			continue
		}
		length := int64(30)
		if basis == ActualDays {
			length = int64(m.Last()-m.First()) + 1
		}
		days = days.plus(int64(last-first)+1, length)
	}
	return days.plus(whole, 1).times(monthly, 1).round()
}
