// Package keep decides how long single events are kept, and how much room
// there is for them. Without a word from anybody everything is kept for ever.
// Where an end is set, what old usage events came to is written down first, and
// is what every rebuild begins with; then the events themselves go, a few at a
// time. Room that runs out is told of and never made by itself.
package keep

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/signal"
)

// Page is the book's page of the policy.
const Page = "keeping"

// A Policy says which events have an end, and how much room Cairn may take.
type Policy struct {
	Ends  []End `json:"ends"`
	Quota int64 `json:"quota_bytes,omitempty"` // most that Cairn's data should take; 0: the disk
}

// An End says how long single usage events are kept: of one source or any, of
// one name or any. Of several that fit an event the one that names the event
// holds, then the one that names the source.
type End struct {
	Source  string `json:"source,omitempty"` // empty: any
	Event   string `json:"event,omitempty"`  // empty: any
	Days    int    `json:"days,omitempty"`
	Months  int    `json:"months,omitempty"`
	ForEver bool   `json:"for_ever,omitempty"` // an exception from an end that says less
}

// Fewest is how many days single events are kept at least: the present is
// measured, and definitions are tried, on what is younger. Most is the longest
// time that can be said, and MostEnds how many ends there may be.
const (
	Fewest   = 30
	Most     = 3660
	MostEnds = 500
)

// Check refuses a policy that says something that cannot be, naming what to
// correct.
func (p Policy) Check() error {
	if len(p.Ends) > MostEnds {
		return cairn.Errorf(cairn.TooMany, "There may be at most %d ends.", MostEnds).At("ends")
	}
	said := map[[2]string]bool{}
	for i, e := range p.Ends {
		at := func(field string) string { return fmt.Sprintf("ends.%d.%s", i, field) }
		ways := 0
		for _, has := range []bool{e.Days != 0, e.Months != 0, e.ForEver} {
			if has {
				ways++
			}
		}
		switch key := [2]string{e.Source, e.Event}; {
		case ways != 1:
			return cairn.Errorf(cairn.Invalid, "Say how long %s are kept: a number of days, a number of months, or for ever.", e.What()).At(at("days"))
		case e.Days < 0 || e.Months < 0 || e.Days > 0 && e.Days < Fewest:
			return cairn.Errorf(cairn.Invalid, "Events are kept for %d days or one month at least.", Fewest).At(at("days"))
		case e.Days > Most || e.Months > Most/30:
			return cairn.Errorf(cairn.Invalid, "The longest end is %d days or %d months; what is to stay longer stays for ever.", Most, Most/30).At(at("days"))
		case said[key]:
			return cairn.Errorf(cairn.Invalid, "There are two ends for %s.", e.What()).At(at("event"))
		default:
			said[key] = true
		}
	}
	if p.Quota < 0 {
		return cairn.Errorf(cairn.Invalid, "The room that Cairn may take is a number of bytes, such as 50 GB.").At("quota_bytes")
	}
	return nil
}

// What says in words which events an end is about.
func (e End) What() string {
	switch {
	case e.Source == "" && e.Event == "":
		return "all usage events"
	case e.Source == "":
		return "“" + e.Event + "” events"
	case e.Event == "":
		return "usage events of " + e.Source
	}
	return "“" + e.Event + "” events of " + e.Source
}

// Span says in words how long.
func (e End) Span() string {
	switch {
	case e.ForEver:
		return "for ever"
	case e.Months == 1:
		return "1 month"
	case e.Months > 0:
		return strconv.Itoa(e.Months) + " months"
	}
	return strconv.Itoa(e.Days) + " days"
}

// ParseSpan reads what Span writes: "90 days", "13 months", "2 years", "for ever".
func ParseSpan(text string, into *End) error {
	into.Days, into.Months, into.ForEver = 0, 0, false
	words := strings.Fields(strings.ToLower(text))
	if s := strings.Join(words, " "); s == "for ever" || s == "forever" {
		into.ForEver = true
		return nil
	}
	wrong := cairn.Errorf(cairn.Invalid, "How long is said as 90 days, 13 months, 2 years or for ever.").At("keep")
	if len(words) == 1 { // 90d, 13m, 2y
		i := strings.IndexFunc(words[0], func(r rune) bool { return r < '0' || r > '9' })
		if i <= 0 {
			return wrong
		}
		words = []string{words[0][:i], words[0][i:]}
	}
	if len(words) != 2 {
		return wrong
	}
	n, err := strconv.Atoi(words[0])
	if err != nil || n < 1 || n > Most {
		return wrong
	}
	switch words[1] {
	case "d", "day", "days":
		into.Days = n
	case "m", "month", "months":
		into.Months = n
	case "y", "year", "years":
		into.Months = 12 * n
	default:
		return wrong
	}
	return nil
}

// before returns the day before which e drops, as of today.
func (e End) before(today cairn.Day) cairn.Day {
	switch {
	case e.ForEver:
		return 0
	case e.Months > 0:
		// The day of that month, or its last: never a day more than was said.
		t := today.Start(time.UTC)
		first := time.Date(t.Year(), t.Month()-time.Month(e.Months), 1, 0, 0, 0, 0, time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		return cairn.DayOf(first.AddDate(0, 0, min(t.Day(), last)-1), time.UTC)
	}
	return max(today-cairn.Day(e.Days), 0)
}

// Before returns the day before which single events of a source and a name
// are dropped; 0: they are kept for ever.
func (p Policy) Before(source, name string, today cairn.Day) cairn.Day {
	if e, ok := p.end(source, name); ok {
		return e.before(today)
	}
	return 0
}

// end returns the end that holds for a source and a name.
func (p Policy) end(source, name string) (best End, found bool) {
	for _, e := range p.Ends {
		if e.Source != "" && e.Source != source || e.Event != "" && e.Event != name {
			continue
		}
		if !found || e.weight() > best.weight() {
			best, found = e, true
		}
	}
	return best, found
}

func (e End) weight() int {
	w := 0
	if e.Event != "" {
		w += 2
	}
	if e.Source != "" {
		w++
	}
	return w
}

// A Key names usage events of one source.
type Key struct {
	Source string `json:"source"`
	Event  string `json:"event"`
}

// A Held is how much of one source's usage events of one day the log holds.
type Held struct {
	Key
	Day cairn.Day
	N   int64
}

// A Sweep is one pass over the log for what is to be dropped.
type Sweep struct {
	From, To time.Time                           // At of what is looked at: [From, To)
	Before   func(source, name string) time.Time // what happened before is dropped; zero: nothing is
	At       time.Time                           // when it is dropped
	Place                                        // where it goes on
}

// A Place is how far a sweep has come: streams in order of their ids, of each
// the events in order of their times.
type Place struct {
	Stream cairn.StreamID
	At     int64
	Key    int64
	Past   bool // the stream is done
}

// A Swept is what one step of a sweep did.
type Swept struct {
	Place
	Looked  int           // events looked at
	Dropped int           // and dropped
	Held    time.Duration // how long the writer was held
	Done    bool          // there is nothing after
	Waits   bool          // history is being counted anew: nothing is dropped meanwhile
}

// A Disk is how much room there is.
type Disk struct {
	Data  int64 `json:"data_bytes"`            // that Cairn's data takes, without what is free inside its files
	Free  int64 `json:"free_bytes"`            // free inside Cairn's files: used again before they grow
	Total int64 `json:"disk_bytes,omitempty"`  // of the disk; 0: it cannot be seen
	Avail int64 `json:"avail_bytes,omitempty"` // left on the disk
}

// A Store holds the log and what it came to.
type Store interface {
	// Held returns what the log holds of usage, by source, name and day.
	Held(ctx context.Context) ([]Held, error)
	// Weights returns about how many bytes an event takes, of each source and
	// name that a sample met; that of Key{} is the mean.
	Weights(ctx context.Context) (map[Key]float64, error)
	// Dropped returns what was dropped so far.
	Dropped(ctx context.Context) ([]signal.Dropped, error)
	// Drop looks at most at so many events and drops those that are to be:
	// what they came to is added to the origin in the same transaction. Their
	// ids stay known. Only what the current generation has folded is dropped,
	// and nothing while another one grows.
	Drop(ctx context.Context, s Sweep, most int) (Swept, error)
	Disk(ctx context.Context) (Disk, error)
}

// Read returns the policy in force with its revision; Rev 0: nobody ever set
// any end.
func Read(ctx context.Context, b book.Store) (Policy, book.Revision, error) {
	var p Policy
	r, err := b.Page(ctx, Page)
	if err != nil {
		if cairn.KindOf(err) == cairn.NotFound {
			return p, book.Revision{}, nil
		}
		return p, r, err
	}
	return p, r, json.Unmarshal(r.Body, &p)
}

// sorted puts ends in the order in which they are read: the general first.
func sorted(ends []End) []End {
	out := slices.Clone(ends)
	slices.SortFunc(out, func(a, b End) int {
		return cmp.Or(cmp.Compare(a.weight(), b.weight()), strings.Compare(a.Source, b.Source), strings.Compare(a.Event, b.Event))
	})
	return out
}

// Sentence says in words what a policy means.
func (p Policy) Sentence() string {
	if len(p.Ends) == 0 {
		return "everything for ever"
	}
	var parts []string
	for _, e := range sorted(p.Ends) {
		parts = append(parts, e.What()+" "+e.Span())
	}
	return strings.Join(parts, ", ")
}
