package signal

import (
	"slices"
	"time"

	"cairn"
)

// A Dropped tells of events that the log no longer holds, because somebody set
// an end for them: of one source and name, dropped while the same counters
// looked into their properties. What they came to is kept, and every rebuild
// begins with it; what nobody counted then cannot be counted any more.
type Dropped struct {
	Source  string    `json:"source"`
	Name    string    `json:"event"`
	Counted []string  `json:"-"` // keys of the counters that told its properties
	N       int64     `json:"events"`
	Bytes   int64     `json:"bytes"` // about, of rows and their index
	First   time.Time `json:"first"` // of their times
	Last    time.Time `json:"last"`
	At      time.Time `json:"dropped"` // when the last of them was
}

// lacks reports whether c would need what was dropped.
func (d Dropped) lacks(c Counter) bool {
	return slices.ContainsFunc(c.Events, func(name string) bool { return Tracked(name) == d.Name }) && !slices.Contains(d.Counted, c.Key())
}

// Tracked returns the name under which tallies and volumes have a track event.
func Tracked(name string) string { return tracked(name) }

// Of returns the keys of the counters that look into events of a name.
func (c *Counters) Of(name string) []string {
	if c == nil {
		return nil
	}
	var keys []string
	for _, p := range c.by[name] {
		keys = append(keys, p.key)
	}
	slices.Sort(keys)
	return keys
}

// Since makes c know what was dropped before its counters were kept.
func (c *Counters) Since(dropped []Dropped, zone *time.Location) *Counters {
	if c == nil || len(dropped) == 0 {
		return c
	}
	out := &Counters{by: c.by, keys: c.keys, whole: map[string]cairn.Day{}}
	for _, by := range c.by {
		for _, p := range by {
			for _, d := range dropped {
				if d.lacks(p.Counter) {
					out.whole[p.key] = max(out.whole[p.key], cairn.DayOf(d.Last, zone)+1)
				}
			}
		}
	}
	return out
}

// wholeFrom returns the first day from which nothing that a counter needs was
// dropped; 0: nothing ever was.
func (c *Counters) wholeFrom(key string) cairn.Day {
	if c == nil {
		return 0
	}
	return c.whole[key]
}

// A Loss is what a metric would need of the log and cannot have.
type Loss struct {
	Source string `json:"source"`
	Event  string `json:"event"`
	N      int64  `json:"events"`
	Before string `json:"before"`               // the day: events from before it are gone
	Right  string `json:"right_from,omitempty"` // the day from which the metric is right for everybody; empty: never for who did it before

	right cairn.Day
}

// Sentence says in words what is lost.
func (l Loss) Sentence() string {
	text := "“" + l.Event + "” events of " + l.Source + " from before " + l.Before + " are not kept one by one any more, so their properties cannot be looked at. "
	if l.Right == "" {
		return text + "Accounts that had any of them then have no value."
	}
	return text + "Accounts that had any of them have a value as of " + l.Right + " and later."
}

// Losses returns what a metric would need of what was dropped. Other metrics
// are found by name, for a ratio.
func (m Metric) Losses(dropped []Dropped, zone *time.Location, other func(name string) (Metric, bool)) []Loss {
	if m.Count == CountRatio {
		var out []Loss
		for _, name := range []string{m.Of, m.By} {
			part, ok := other(name)
			if !ok || part.Count == CountRatio {
				continue
			}
			for _, l := range part.Losses(dropped, zone, other) {
				if m.Change && l.right > 0 {
					l.right += cairn.Day(max(part.Days, 1))
					l.Right = l.right.String()
				}
				out = append(out, l)
			}
		}
		return out
	}
	c, needs := m.counter()
	if !needs {
		return nil
	}
	var out []Loss
	for _, d := range dropped {
		if !d.lacks(c) {
			continue
		}
		before := cairn.DayOf(d.Last, zone) + 1
		l := Loss{Source: d.Source, Event: d.Name, N: d.N, Before: before.String()}
		if back := m.lookBack(); back > 0 {
			l.right = before + cairn.Day(back) - 1
			l.Right = l.right.String()
		}
		out = append(out, l)
	}
	return out
}

// droppedBefore says why a metric cannot be told as of a day: the account did
// what it counts on days of which the single events were dropped before its
// counter was kept. Otherwise it returns "".
func (m *measurement) droppedBefore(metric Metric, c Counter, day cairn.Day) string {
	whole := m.state.Counters.wholeFrom(c.Key())
	if whole == 0 {
		return ""
	}
	from := cairn.Day(0)
	switch metric.Count {
	case CountFirst:
	case CountLast: // what came after tells it
		if u := m.counts(metric); u.upTo(day) > u.upTo(whole-1) {
			return ""
		}
	default:
		from = day - cairn.Day(metric.Days) + 1
	}
	by := m.counts(Metric{Name: "\x00" + metric.Name, Events: metric.Events, Products: metric.Products})
	if by.upTo(min(whole-1, day)) <= by.upTo(from-1) {
		return "" // none of it happened at this account on those days
	}
	why := "Single events from before " + whole.String() + " are no longer kept, and were dropped before this was counted."
	if metric.Days > 0 {
		why += " It is known from " + (whole + cairn.Day(metric.Days) - 1).String() + " on."
	}
	return why
}

// Batch folds events that follow each other nowhere in particular, with
// counters, into what they add to a generation.
func Batch(gen int, events []cairn.Event, set Settings, counters *Counters) Beat {
	b := Beat{Gen: gen, Streams: map[cairn.StreamID]*Delta{}, Volumes: map[VolumeKey]Volume{}, counters: counters}
	for i := range events {
		b.add(&events[i], set)
	}
	return b
}

// LooksInto reports whether the metric looks into properties of events of a
// name, so that tallies by name do not tell it.
func (m Metric) LooksInto(name string) bool {
	c, needs := m.counter()
	return needs && slices.ContainsFunc(c.Events, func(e string) bool { return Tracked(e) == name })
}
