package ledger

import (
	"math"

	"cairn"
)

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

// PerHead is an amount by a number of customers, rounded half to even: what
// one pays on average, or what it cost to win one. It is 0 of nobody.
func PerHead(minor int64, customers int) int64 {
	if customers == 0 {
		return 0
	}
	return exactly(minor).times(1, int64(customers)).round()
}

// Trailing is over how many months customer churn is averaged for [Lifetime].
const Trailing = 6

// Lifetime is what a customer is worth as ChartMogul has it: what one pays on
// average a month by the average churn of the six months before the current
// one. It is unknown while nobody was lost.
func Lifetime(average int64, churn float64) (minor int64, known bool) {
	if churn <= 0 {
		return 0, false
	}
	return int64(math.RoundToEven(float64(average) / churn)), true
}

// TrailingChurn is the average churn of all customers of the last six of some
// months; false where there are none.
func TrailingChurn(months []Sums) (float64, bool) {
	months = months[max(0, len(months)-Trailing):]
	sum, n := 0.0, 0
	for _, s := range months {
		if f := share(int64(s.CustomersLost), int64(s.CustomersStart)); f != nil {
			sum, n = sum+*f, n+1
		}
	}
	if n == 0 {
		return 0, false
	}
	return sum / float64(n), true
}
