package cairn

import "time"

// A Day is a calendar day, counted from 1970-01-01. Which moments belong to
// it depends on the workspace's zone.
type Day int32

// DayOf returns the day that t falls on in zone z.
func DayOf(t time.Time, z *time.Location) Day {
	t = t.In(z)
	y, m, d := t.Date()
	return Day(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

// Start returns the first moment of d in zone z.
func (d Day) Start(z *time.Location) time.Time {
	y, m, dd := time.Unix(int64(d)*86400, 0).UTC().Date()
	return time.Date(y, m, dd, 0, 0, 0, 0, z)
}

// End returns the first moment after d in zone z.
func (d Day) End(z *time.Location) time.Time { return (d + 1).Start(z) }

// Weekday returns the day of the week.
func (d Day) Weekday() time.Weekday { return time.Unix(int64(d)*86400, 0).UTC().Weekday() }

func (d Day) String() string { return time.Unix(int64(d)*86400, 0).UTC().Format(time.DateOnly) }

// Micros returns t as whole microseconds since 1970, which is how times are
// stored. The zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// FromMicros is the inverse of [Micros]; the result is in UTC.
func FromMicros(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}
