package ingest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cairn"
)

// A Cadence is how often a source is expected to send: at least once in so
// many hours, of which only those on its days, and within its hours of the
// day, count.
type Cadence struct {
	Hours int      `json:"every_hours" yaml:"every_hours"`
	Days  []string `json:"days,omitempty" yaml:"days,omitempty,flow"` // mon … sun; empty: all
	From  int      `json:"from,omitempty" yaml:"from,omitempty"`      // hour of the day, 0 to 23
	To    int      `json:"to,omitempty" yaml:"to,omitempty"`          // 1 to 24; 0: 24
}

var weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

// WorkingDays are Monday to Friday.
func WorkingDays() []string { return []string{"mon", "tue", "wed", "thu", "fri"} }

// Check refuses a cadence that says nothing.
func (c Cadence) Check() error {
	switch {
	case c.Hours < 1 || c.Hours > 24*90:
		return cairn.Errorf(cairn.Invalid, "A source is expected at least once in 1 to 2,160 hours.").At("cadence.every_hours")
	case c.From < 0 || c.From > 23 || c.To < 0 || c.To > 24 || c.until() <= c.From:
		return cairn.Errorf(cairn.Invalid, "The hours of the day go from 0 to 24, and the first lies before the last.").At("cadence.from")
	}
	for _, d := range c.Days {
		if !slices.Contains(weekdays, d) {
			return cairn.Errorf(cairn.Invalid, "%q is no day: mon, tue, wed, thu, fri, sat or sun.", d).At("cadence.days")
		}
	}
	return nil
}

func (c Cadence) until() int {
	if c.To == 0 {
		return 24
	}
	return c.To
}

func (c Cadence) on(d time.Weekday) bool {
	return len(c.Days) == 0 || slices.Contains(c.Days, weekdays[d])
}

// Overdue returns the moment at which a source that was heard last at a moment
// has been silent for longer than c allows. Hours that do not count do not
// pass.
func (c Cadence) Overdue(last time.Time, zone *time.Location) time.Time {
	left := time.Duration(c.Hours) * time.Hour
	for day := cairn.DayOf(last, zone); ; day++ {
		if !c.on(day.Weekday()) {
			continue
		}
		start := day.Start(zone)
		from, to := hourOn(start, c.From), hourOn(start, c.until())
		if from.Before(last) {
			from = last
		}
		if span := to.Sub(from); span > 0 {
			if left <= span {
				return from.Add(left)
			}
			left -= span
		}
	}
}

// hourOn is an hour of a day by the clock on the wall.
func hourOn(start time.Time, hour int) time.Time {
	y, m, d := start.Date()
	return time.Date(y, m, d, hour, 0, 0, 0, start.Location())
}

// counted returns how much of the time between two moments counts.
func (c Cadence) counted(a, b time.Time, zone *time.Location) (sum time.Duration) {
	for day := cairn.DayOf(a, zone); day <= cairn.DayOf(b, zone); day++ {
		if !c.on(day.Weekday()) {
			continue
		}
		start := day.Start(zone)
		from, to := hourOn(start, c.From), hourOn(start, c.until())
		if from.Before(a) {
			from = a
		}
		if to.After(b) {
			to = b
		}
		sum += max(to.Sub(from), 0)
	}
	return sum
}

// String says the cadence in words: "at least every 6 hours, Monday to Friday".
func (c Cadence) String() string {
	out := "at least every hour"
	switch {
	case c.Hours == 24:
		out = "at least once in 24 hours"
	case c.Hours > 48 && c.Hours%24 == 0:
		out = fmt.Sprintf("at least every %d days", c.Hours/24)
	case c.Hours > 1:
		out = fmt.Sprintf("at least every %d hours", c.Hours)
	}
	switch {
	case slices.Equal(c.Days, WorkingDays()):
		out += ", Monday to Friday"
	case len(c.Days) > 0:
		out += " on " + strings.Join(c.Days, ", ")
	}
	if c.From != 0 || c.until() != 24 {
		out += fmt.Sprintf(", from %d to %d o'clock", c.From, c.until())
	}
	return out
}

// LearnCadence returns what the past of a source suggests: half as long again
// as the longest it was silent. It needs two weeks with arrivals on most days;
// weekends are left out when nothing ever came on one.
func LearnCadence(hours []Arrival, zone *time.Location) (Cadence, bool) {
	var came []time.Time
	days, weekend := map[cairn.Day]bool{}, false
	for _, h := range hours {
		if h.Accepted+h.Late+h.Duplicate+h.Rejected == 0 {
			continue
		}
		came = append(came, h.Hour)
		day := cairn.DayOf(h.Hour, zone)
		days[day] = true
		if wd := day.Weekday(); wd == time.Saturday || wd == time.Sunday {
			weekend = true
		}
	}
	if len(days) < 8 || came[len(came)-1].Sub(came[0]) < 13*24*time.Hour {
		return Cadence{}, false
	}
	slices.SortFunc(came, time.Time.Compare)
	c := Cadence{Hours: 1}
	if !weekend {
		c.Days = WorkingDays()
	}
	longest := time.Hour
	for i := 1; i < len(came); i++ {
		longest = max(longest, c.counted(came[i-1], came[i], zone))
	}
	c.Hours = min(max(int(math.Ceil(longest.Hours()*1.5)), 2), 24*90)
	return c, true
}
