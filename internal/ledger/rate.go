package ledger

import (
	"slices"

	"cairn"
)

// A Rate is what one unit of a currency is worth in the ledger's, from a day
// until the next rate: Num/Den.
type Rate struct {
	Currency string
	Day      cairn.Day
	Num, Den int64
}

// Rates are all that are known, in the ledger's currency.
type Rates struct {
	Home string
	by   map[string][]Rate // in order of day
}

// NewRates returns a table of rates into home.
func NewRates(home string, rates []Rate) *Rates {
	r := &Rates{Home: home, by: map[string][]Rate{}}
	for _, x := range rates {
		r.by[x.Currency] = append(r.by[x.Currency], x)
	}
	for _, list := range r.by {
		slices.SortFunc(list, func(a, b Rate) int { return int(a.Day - b.Day) })
	}
	return r
}

// On returns the latest rate of a currency that is not later than a day.
func (r *Rates) On(currency string, day cairn.Day) (Rate, bool) {
	if currency == r.Home {
		return Rate{Currency: currency, Day: day, Num: 1, Den: 1}, true
	}
	rate, ok := r.said(currency, day)
	if !ok {
		return rate, false
	}
	// From minor unit to minor unit: yen have no hundredths.
	for d := cairn.MinorDigits(currency); d < cairn.MinorDigits(r.Home); d++ {
		rate.Num *= 10
	}
	for d := cairn.MinorDigits(r.Home); d < cairn.MinorDigits(currency); d++ {
		rate.Den *= 10
	}
	return rate, true
}

// said returns the same as it was said: from major unit to major unit.
func (r *Rates) said(currency string, day cairn.Day) (Rate, bool) {
	list := r.by[currency]
	i, exact := slices.BinarySearchFunc(list, day, func(x Rate, d cairn.Day) int { return int(x.Day - d) })
	if !exact {
		i--
	}
	if i < 0 {
		return Rate{}, false
	}
	return list[i], true
}

// convert returns an amount in the ledger's currency, rounded.
func (r Rate) convert(e exact) int64 { return e.times(r.Num, r.Den).round() }

// Into returns an amount in the table's currency by the rate of a day, rounded
// to the nearest minor unit; false where there is no rate.
func (r *Rates) Into(m cairn.Money, day cairn.Day) (int64, bool) {
	if m.Currency == r.Home {
		return m.Minor, true
	}
	rate, ok := r.On(m.Currency, day)
	if !ok {
		return 0, false
	}
	return rate.convert(exactly(m.Minor)), true
}
