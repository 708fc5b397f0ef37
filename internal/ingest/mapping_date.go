package ingest

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// A dated is a date as it was written: a day, or a moment.
type dated struct {
	t   time.Time
	day bool // no time of day was written
}

// String writes it as the fields of records hold dates.
func (d dated) String() string {
	if d.day {
		return d.t.Format(time.DateOnly)
	}
	return d.t.UTC().Format(time.RFC3339Nano)
}

// A dateReader reads one form of dates. Without a zone of its own, z holds.
type dateReader func(s string, z *time.Location) (dated, bool)

// named are the forms of dates that have a name. A form may also be a layout
// as Go has them, such as "02-01-2006", with or without a time of day.
func named(form string) (dateReader, bool) {
	switch form {
	case "iso":
		return readISO, true
	case "words":
		return readWords, true
	case "dmy":
		return numbered(`(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})`, 4, 3, 1), true
	case "mdy":
		return numbered(`(\d{1,2})([-/.])(\d{1,2})[-/.](\d{4})`, 4, 1, 3), true
	case "epoch":
		return readEpoch, true
	case "epoch_s":
		return epochIn(time.Second), true
	case "epoch_ms":
		return epochIn(time.Millisecond), true
	}
	return nil, false
}

// unmistakable are the forms that are read when no mapping says more: a date
// that neither begins with its year nor names its month could be read in two
// ways, and is refused.
var unmistakable = forms{"iso", "words", "epoch"}

// compile returns a reader of any of the forms, tried in turn.
func (f forms) compile() (dateReader, error) {
	if len(f) == 0 {
		f = unmistakable
	}
	var readers []dateReader
	for _, form := range f {
		r, ok := named(form)
		if !ok {
			if r, ok = layout(form); !ok {
				return nil, cairn.Errorf(cairn.Invalid, "%q is not a form of dates: iso, dmy, mdy, words, epoch, epoch_s, epoch_ms, or how 2 January 2006 is written, such as 02-01-2006.", form)
			}
		}
		readers = append(readers, r)
	}
	return func(s string, z *time.Location) (dated, bool) {
		for _, r := range readers {
			if d, ok := r(s, z); ok {
				return d, true
			}
		}
		return dated{}, false
	}, nil
}

// clocks are the ways in which a time of day follows a date.
var clocks = []string{"15:04:05", "15:04", "3:04:05 PM", "3:04 PM", "15:04:05Z07:00", "15:04Z07:00", "15:04:05Z0700"}

// clock reads a day and what follows it: nothing, or a time of day with or
// without a zone.
func clock(y, m, d int, rest string, z *time.Location) (dated, bool) {
	day := time.Date(y, time.Month(m), d, 0, 0, 0, 0, z)
	if day.Month() != time.Month(m) || day.Day() != d || y < 1 {
		return dated{}, false
	}
	if rest == "" {
		return dated{day, true}, true
	}
	rest = strings.TrimLeft(rest, "T ,")
	if head, ok := cutAny(rest, " UTC", " GMT", " Z"); ok {
		rest, z = head, time.UTC
	}
	rest = strings.Replace(strings.Replace(rest, " +", "+", 1), " -", "-", 1)
	for _, layout := range clocks {
		if c, err := time.ParseInLocation(layout, strings.Replace(rest, ",", ".", 1), z); err == nil {
			if strings.HasSuffix(layout, "00") {
				_, ahead := c.Zone()
				z = time.FixedZone("", ahead)
			}
			h, mi, s := c.Clock()
			return dated{time.Date(y, time.Month(m), d, h, mi, s, c.Nanosecond(), z).UTC(), false}, true
		}
	}
	return dated{}, false
}

func cutAny(s string, tails ...string) (string, bool) {
	for _, t := range tails {
		if head, ok := strings.CutSuffix(s, t); ok {
			return head, true
		}
	}
	return s, false
}

// numbered reads dates of numbers; the groups of the pattern that hold year,
// month and day are given.
func numbered(pattern string, year, month, day int) dateReader {
	re := regexp.MustCompile(`^` + pattern + `([T ,].*)?$`)
	return func(s string, z *time.Location) (dated, bool) {
		g := re.FindStringSubmatch(s)
		if g == nil {
			return dated{}, false
		}
		y, _ := strconv.Atoi(g[year])
		m, _ := strconv.Atoi(g[month])
		d, _ := strconv.Atoi(g[day])
		return clock(y, m, d, g[len(g)-1], z)
	}
}

var (
	isoDashes  = numbered(`(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})`, 1, 2, 3)
	isoCompact = numbered(`(\d{4})(\d{2})(\d{2})`, 1, 2, 3)
)

// readISO reads dates that begin with the year, among them RFC 3339.
func readISO(s string, z *time.Location) (dated, bool) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return dated{t: t.UTC()}, true
	}
	if d, ok := isoDashes(s, z); ok {
		return d, true
	}
	return isoCompact(s, z)
}

var (
	wordsDayFirst   = regexp.MustCompile(`^(?:\pL{3,9},? )?(\d{1,2})[ -](\pL{3,9})\.?,?[ -](\d{4})([T ,].*)?$`)
	wordsMonthFirst = regexp.MustCompile(`^(?:\pL{3,9},? )?(\pL{3,9})\.? (\d{1,2}),? (\d{4})([T ,].*)?$`)
)

// readWords reads dates that name the month in English: "2 Jan 2006",
// "January 2, 2006 15:04", "Mon, 02 Jan 2006 15:04:05 GMT".
func readWords(s string, z *time.Location) (dated, bool) {
	day, month := 1, 2
	g := wordsDayFirst.FindStringSubmatch(s)
	if g == nil {
		day, month = 2, 1
		if g = wordsMonthFirst.FindStringSubmatch(s); g == nil {
			return dated{}, false
		}
	}
	m := monthOf(g[month])
	if m == 0 {
		return dated{}, false
	}
	d, _ := strconv.Atoi(g[day])
	y, _ := strconv.Atoi(g[3])
	return clock(y, m, d, g[4], z)
}

func monthOf(s string) int {
	for m := time.January; m <= time.December; m++ {
		if strings.EqualFold(s, m.String()) || strings.EqualFold(s, m.String()[:3]) || strings.EqualFold(s, "sept") && m == time.September {
			return int(m)
		}
	}
	return 0
}

// readEpoch tells seconds, milliseconds, microseconds and nanoseconds since
// 1970 apart by their size.
func readEpoch(s string, z *time.Location) (dated, bool) {
	whole, _, _ := strings.Cut(s, ".")
	unit, ok := map[int]time.Duration{9: time.Second, 10: time.Second, 12: time.Millisecond, 13: time.Millisecond, 16: time.Microsecond, 19: time.Nanosecond}[len(whole)]
	if !ok {
		return dated{}, false
	}
	return epochIn(unit)(s, z)
}

func epochIn(unit time.Duration) dateReader {
	return func(s string, _ *time.Location) (dated, bool) {
		whole, part, _ := strings.Cut(s, ".")
		if strings.Trim(whole+part, "0123456789") != "" || whole == "" || len(whole) > 19 || len(part) > 9 {
			return dated{}, false
		}
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil {
			return dated{}, false
		}
		per := int64(time.Second / unit)
		rest := time.Duration(n%per) * unit
		if part != "" {
			f, _ := strconv.ParseFloat("0."+part, 64)
			rest += time.Duration(f * float64(unit))
		}
		return dated{t: time.Unix(n/per, 0).Add(rest).UTC()}, true
	}
}

// layout reads dates as Go's layout writes them. One without a time of day is
// also read with a time of day behind it.
func layout(form string) (dateReader, bool) {
	probe := time.Date(2001, 11, 23, 0, 0, 0, 0, time.UTC)
	back, err := time.Parse(form, probe.Format(form))
	if err != nil || !back.Equal(probe) {
		return nil, false
	}
	later := probe.Add(13 * time.Hour)
	back, err = time.Parse(form, later.Format(form))
	timed := err == nil && back.Equal(later)
	return func(s string, z *time.Location) (dated, bool) {
		if t, err := time.ParseInLocation(form, s, z); err == nil {
			if timed {
				t = t.UTC()
			}
			return dated{t, !timed}, true
		}
		if timed {
			return dated{}, false
		}
		for i := range s {
			if !slices.Contains([]byte("T ,"), s[i]) {
				continue
			}
			if t, err := time.ParseInLocation(form, s[:i], z); err == nil {
				y, m, d := t.Date()
				return clock(y, int(m), d, s[i:], z)
			}
		}
		return dated{}, false
	}, true
}

// ReadDate reads a date in a form that cannot be misread. Without a zone of
// its own, z holds.
func ReadDate(s string, z *time.Location) (time.Time, error) {
	r, err := unmistakable.compile()
	if err != nil {
		return time.Time{}, err
	}
	d, ok := r(strings.TrimSpace(s), z)
	if !ok {
		return time.Time{}, cairn.Errorf(cairn.Invalid, "%q is not a date: YYYY-MM-DD or RFC 3339 is needed.", s)
	}
	return d.t, nil
}
