package ledger

import (
	"strconv"
	"strings"

	"cairn"
)

// An Interval is a length of time by the calendar, such as 3 months. The zero
// one is not known.
type Interval struct {
	N    int32
	Unit Unit
}

// A Unit is what an interval counts.
type Unit byte

// The units.
const (
	Days   Unit = 'd'
	Weeks  Unit = 'w'
	Months Unit = 'm'
	Years  Unit = 'y'
)

// Monthly is an interval of one month.
var Monthly = Interval{1, Months}

var intervalWords = map[string]Interval{
	"day": {1, Days}, "daily": {1, Days}, "week": {1, Weeks}, "weekly": {1, Weeks},
	"biweekly": {2, Weeks}, "fortnight": {2, Weeks}, "fortnightly": {2, Weeks},
	"month": {1, Months}, "monthly": {1, Months}, "bimonthly": {2, Months},
	"quarter": {3, Months}, "quarterly": {3, Months},
	"semiannual": {6, Months}, "semiannually": {6, Months}, "halfyear": {6, Months}, "halfyearly": {6, Months}, "biannual": {6, Months},
	"year": {1, Years}, "yearly": {1, Years}, "annual": {1, Years}, "annually": {1, Years}, "annum": {1, Years},
	"biennial": {2, Years},
}

var intervalUnits = map[string]Interval{
	"d": {1, Days}, "day": {1, Days}, "days": {1, Days},
	"w": {1, Weeks}, "week": {1, Weeks}, "weeks": {1, Weeks},
	"m": {1, Months}, "month": {1, Months}, "months": {1, Months},
	"quarter": {3, Months}, "quarters": {3, Months},
	"y": {1, Years}, "year": {1, Years}, "years": {1, Years},
}

// ParseInterval reads a word such as monthly, a number of units such as "3
// months", or an ISO 8601 duration such as P3M.
func ParseInterval(s string) (Interval, error) {
	word := strings.ToLower(strings.TrimSpace(s))
	if i, ok := intervalWords[strings.NewReplacer("-", "", "_", "", " ", "").Replace(word)]; ok {
		return i, nil
	}
	word = strings.NewReplacer("_", " ", "-", " ").Replace(strings.TrimPrefix(strings.TrimPrefix(word, "every "), "p"))
	digits := len(word) - len(strings.TrimLeft(word, "0123456789"))
	n, err := strconv.Atoi(word[:digits])
	unit, ok := intervalUnits[strings.TrimSpace(word[digits:])]
	if err != nil || !ok || n < 1 || n > 1000 {
		return Interval{}, cairn.Errorf(cairn.Invalid, "%q is not an interval: monthly, quarterly, annual, or one such as 3 months is needed.", s)
	}
	return Interval{unit.N * int32(n), unit.Unit}, nil
}

// String writes i as [ParseInterval] reads it.
func (i Interval) String() string {
	name := map[Unit]string{Days: "day", Weeks: "week", Months: "month", Years: "year"}[i.Unit]
	switch {
	case i.N == 0:
		return ""
	case i.N == 1:
		return name
	}
	return strconv.Itoa(int(i.N)) + " " + name + "s"
}

// perMonth returns by which fraction an amount for i becomes one for a month.
// A month is a twelfth of a year; a year has 365 days, or 52 weeks.
func (i Interval) perMonth() (num, den int64) {
	n := int64(i.N)
	switch i.Unit {
	case Days:
		return 365, 12 * n
	case Weeks:
		return 52, 12 * n
	case Years:
		return 1, 12 * n
	}
	return 1, n
}

// months returns how many months i has, at least; 0 below one.
func (i Interval) months() int32 {
	switch i.Unit {
	case Days:
		return i.N / 31
	case Weeks:
		return i.N * 7 / 31
	case Years:
		return i.N * 12
	}
	return i.N
}

// times returns the day that lies k intervals after d. The 31st of a month
// that has none is its last day; counted from d, so that nothing drifts.
func (i Interval) times(d cairn.Day, k int32) cairn.Day {
	switch i.Unit {
	case Days:
		return d + cairn.Day(k*i.N)
	case Weeks:
		return d + cairn.Day(k*i.N*7)
	}
	month, day := civil(d)
	month += Month(k * i.months())
	return min(month.First()+cairn.Day(day-1), month.Last())
}

// next returns the first day not before d at which one interval that began
// at start ends and another begins.
func (i Interval) next(start, d cairn.Day) cairn.Day {
	if i.N == 0 || start == 0 || d <= start {
		return d
	}
	var k int32
	switch i.Unit {
	case Days:
		k = int32(d-start) / i.N
	case Weeks:
		k = int32(d-start) / (7 * i.N)
	default:
		k = max(0, int32(MonthOf(d)-MonthOf(start))/i.months()-1)
	}
	for ; ; k++ {
		if b := i.times(start, k); b >= d {
			return b
		}
	}
}

// Next returns the first day not before d at which an interval ends, of those
// that follow each other from start on.
func (i Interval) Next(start, d cairn.Day) cairn.Day { return i.next(start, d) }
