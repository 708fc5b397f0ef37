package demo

import (
	"math"
	"time"

	"cairn"
)

// dayOf returns the day of a date.
func dayOf(y int, m time.Month, d int) cairn.Day {
	return cairn.Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// at returns the moment of a second of a day.
func at(d cairn.Day, second int) time.Time {
	return d.Start(time.UTC).Add(time.Duration(second) * time.Second)
}

// date is the day as records name it; nothing for the zero day.
func date(d cairn.Day) any {
	if d == 0 {
		return nil
	}
	return d.String()
}

// months returns the day n months after d, which keeps its day of the month:
// stories begin on the 28th at the latest.
func months(d cairn.Day, n int) cairn.Day {
	y, m, dd := d.Start(time.UTC).Date()
	return dayOf(y, m+time.Month(n), dd)
}

// monthly moves d back to the 28th when it lies after it.
func monthly(d cairn.Day) cairn.Day {
	if over := d.Start(time.UTC).Day() - 28; over > 0 {
		return d - cairn.Day(over)
	}
	return d
}

// workday returns d, or the Monday after it when d is on a weekend.
func workday(d cairn.Day) cairn.Day {
	switch d.Weekday() {
	case time.Saturday:
		return d + 2
	case time.Sunday:
		return d + 1
	}
	return d
}

// rhythm is how much is done on a day compared with an ordinary Tuesday:
// weekdays, public holidays, the lull of August and of the turn of the year.
func rhythm(d cairn.Day) float64 {
	week := [...]float64{0.06, 1.02, 1.0, 1.03, 0.98, 0.82, 0.08}[d.Weekday()]
	return week * season(d)
}

func season(d cairn.Day) float64 {
	y, m, day := d.Start(time.UTC).Date()
	switch {
	case m == time.December && (day == 25 || day == 26), m == time.January && day == 1, m == time.May && day == 1:
		return 0.05
	case m == time.December && day > 21, m == time.January && day < 4:
		return 0.45
	case m == time.August:
		return 0.82
	case m == time.July && day > 14:
		return 0.9
	}
	if e := easter(y); d == e-2 || d == e+1 {
		return 0.06
	}
	return 1
}

// easter returns Easter Sunday (the Gauss algorithm in the form of Butcher,
// Meeus, Astronomical Algorithms, chapter 8).
func easter(y int) cairn.Day {
	a, b, c := y%19, y/100, y%100
	d, e := b/4, b%4
	g := (8*b + 13) / 25
	h := (19*a + b - d - g + 15) % 30
	i, k := c/4, c%4
	l := (32 + 2*e + 2*i - h - k) % 7
	m := (a + 11*h + 22*l) / 451
	n := h + l - 7*m + 114
	return dayOf(y, time.Month(n/31), n%31+1)
}

// smooth goes from 0 at x ≤ 0 to 1 at x ≥ 1 without a corner.
func smooth(x float64) float64 {
	x = math.Min(math.Max(x, 0), 1)
	return x * x * (3 - 2*x)
}
