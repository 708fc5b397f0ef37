// Package ledger books recurring revenue: what every customer pays a month,
// and every change of it, in exactly one bucket, to the cent.
//
// A [Line] is one subscription with all that was ever said of its terms. Under
// a [Policy] it becomes steps of a whole number of minor units a month, each
// rounded once; a customer's [Movement] is the difference between two sums of
// such numbers, so that nothing can be lost in between. [Sums] add movements up
// by month, and shares such as net retention are made of sums.
//
// The same lines under another policy give other movements and the same truth:
// what counts as churn is a decision, and the tools of the field decide
// differently. So a figure is nothing without the name of its policy.
package ledger

import (
	"fmt"
	"slices"
	"time"

	"cairn"
)

// A Month is a calendar month, counted from January of the year 0.
type Month int32

// MonthOf returns the month of a day.
func MonthOf(d cairn.Day) Month {
	m, _ := civil(d)
	return m
}

// civil returns the month of a day and the day in it, from 1: what package
// time does, in a tenth of the time. Years begin in March, so that leap days
// come last, and run in eras of 400.
func civil(d cairn.Day) (Month, int32) {
	n := int32(d) + 719468
	era := n / 146097
	if n < 0 {
		era = (n - 146096) / 146097
	}
	doe := n - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	return Month((era*400+yoe)*12 + mp + 2), doy - (153*mp+2)/5 + 1
}

// ParseMonth reads 2023-01.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return 0, cairn.Errorf(cairn.Invalid, "%q is not a month: one such as 2023-01 is needed.", s)
	}
	return Month(t.Year()*12 + int(t.Month()) - 1), nil
}

// First returns the first day of m.
func (m Month) First() cairn.Day {
	n := int32(m) - 2 // from March
	year := n / 12
	if n < 0 {
		year = (n - 11) / 12
	}
	era := year / 400
	if year < 0 {
		era = (year - 399) / 400
	}
	yoe, mp := year-era*400, n-year*12
	return cairn.Day(era*146097 + yoe*365 + yoe/4 - yoe/100 + (153*mp+2)/5 - 719468)
}

// Last returns the last day of m.
func (m Month) Last() cairn.Day { return (m + 1).First() - 1 }

func (m Month) String() string { return fmt.Sprintf("%04d-%02d", int(m)/12, int(m)%12+1) }

// MarshalText writes m as [ParseMonth] reads it.
func (m Month) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (m *Month) UnmarshalText(b []byte) (err error) {
	*m, err = ParseMonth(string(b))
	return err
}

// A Kind is the bucket of a movement.
type Kind string

// The buckets. Effect is what exchange rates did, which is nobody's merit; its
// amount alone may be below 0.
const (
	New          Kind = "new"
	Expansion    Kind = "expansion"
	Contraction  Kind = "contraction"
	Churn        Kind = "churn"
	Reactivation Kind = "reactivation"
	Effect       Kind = "currency"
)

// Kinds returns all buckets.
func Kinds() []Kind { return slices.Clone(kinds) }

// A Cause is the change of one line that a movement comes from, with the event
// that said so.
type Cause struct {
	Record cairn.RecordID `json:"record"`
	Event  cairn.EventID  `json:"event"`
	Day    cairn.Day      `json:"-"`      // on which it took effect
	Amount int64          `json:"amount"` // by how much the line's MRR changed; minor units, signed
}

// A Movement is one change of what a customer pays a month.
type Movement struct {
	Account cairn.AccountID
	Day     cairn.Day
	Kind    Kind
	Amount  int64 // minor units of the ledger's currency; 0 where a customer left who paid nothing any more
	Causes  []Cause
	Since   cairn.Day // when the customer had come, or come back
	Came    int       // 1: with it the customer came, -1: left, 0: neither
}

// Signed returns by how much the customer's MRR changed.
func (m Movement) Signed() int64 {
	if m.Kind == Contraction || m.Kind == Churn {
		return -m.Amount
	}
	return m.Amount
}

// A Problem is a line that could not be counted, and why.
type Problem struct {
	Record  cairn.RecordID  `json:"record"`
	Account cairn.AccountID `json:"account"`
	Text    string          `json:"text"`
}
