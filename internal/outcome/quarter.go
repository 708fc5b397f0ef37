package outcome

import (
	"fmt"

	"cairn"
	"cairn/internal/ledger"
)

// A Quarter is three calendar months, counted from the first of the year 0.
type Quarter int32

// QuarterOf returns the quarter of a day.
func QuarterOf(d cairn.Day) Quarter { return Quarter(ledger.MonthOf(d) / 3) }

// ParseQuarter reads 2026-Q4.
func ParseQuarter(s string) (Quarter, error) {
	var year, n int
	if _, err := fmt.Sscanf(s, "%4d-Q%1d", &year, &n); err != nil || n < 1 || n > 4 || year < 1 || s != fmt.Sprintf("%04d-Q%d", year, n) {
		return 0, cairn.Errorf(cairn.Invalid, "%q is not a quarter: one such as 2026-Q4 is needed.", s).At("quarter")
	}
	return Quarter(year*4 + n - 1), nil
}

// First returns the first day of q.
func (q Quarter) First() cairn.Day { return ledger.Month(q * 3).First() }

// Last returns the last day of q.
func (q Quarter) Last() cairn.Day { return ledger.Month(q*3 + 2).Last() }

func (q Quarter) String() string { return fmt.Sprintf("%04d-Q%d", int(q)/4, int(q)%4+1) }

// MarshalText writes q as [ParseQuarter] reads it; nothing for the zero one.
func (q Quarter) MarshalText() ([]byte, error) {
	if q == 0 {
		return []byte{}, nil
	}
	return []byte(q.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (q *Quarter) UnmarshalText(b []byte) (err error) {
	if *q = 0; len(b) > 0 {
		*q, err = ParseQuarter(string(b))
	}
	return err
}
