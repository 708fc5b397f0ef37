package signal

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"cairn"
)

// A Silence is a time in which what a source sends is not to be measured by:
// it was not heard for longer than agreed, or what it sent could not be
// trusted. It is kept as data, so that every past moment sees it as it was.
type Silence struct {
	Source string
	Heard  time.Time // the last moment as of which it can be measured by
	From   time.Time // when that began to hold
	To     time.Time // when it ended; zero: it lasts
	Filled time.Time // when what was missing had come; zero: it has not
	Says   string    // "has been silent since", after the source's name
}

// Covers reports whether t lies in the silence.
func (s Silence) Covers(t time.Time) bool {
	return !t.Before(s.From) && (s.To.IsZero() || t.Before(s.To))
}

// Holds reports whether what the source feeds is held at t: what was missing
// then is missing still.
func (s Silence) Holds(t time.Time) bool { return s.Filled.IsZero() && s.Covers(t) }

// Note notes on levels at past moments that they lie in a gap: as of when they
// are, or that the gap was filled since.
func (c Catalogue) Note(gaps []Gap, marks []cairn.Mark) {
	for i := range marks {
		m := &marks[i]
		m.Gap = ""
		for _, g := range gaps {
			switch {
			case g.Holds(m.At):
				m.Gap = c.asOf(g.Silence, m.At)
			case g.Covers(m.At) && m.Gap == "":
				m.Gap = g.Source + " was silent; what it missed had come by " + g.Filled.In(c.settings.Zone).Format("2 Jan")
			}
		}
	}
}

// A Feed is that a source feeds an account with one kind of record.
type Feed struct {
	Source string
	Kind   cairn.EventKind
	First  time.Time // when it was learnt first
}

// A Gap is a silence of a source that feeds an account, with what it feeds.
type Gap struct {
	Silence
	Feeds []Feed
}

// Gaps joins silences with the feeds of one account.
func Gaps(silences []Silence, feeds []Feed) []Gap {
	var out []Gap
	for _, s := range silences {
		g := Gap{Silence: s}
		for _, f := range feeds {
			if f.Source == s.Source && !f.First.After(s.Heard) {
				g.Feeds = append(g.Feeds, f)
			}
		}
		if len(g.Feeds) > 0 {
			out = append(out, g)
		}
	}
	// Of two sources that are silent the one heard earlier comes later, and counts.
	slices.SortStableFunc(out, func(a, b Gap) int { return cmp.Or(b.Heard.Compare(a.Heard), cmp.Compare(a.Source, b.Source)) })
	return out
}

// Oldest returns the earliest moment that has to be measured because of gaps;
// zero: none.
func Oldest(gaps []Gap) (heard time.Time) {
	for _, g := range gaps {
		if !g.Filled.IsZero() {
			continue
		}
		if heard.IsZero() || g.Heard.Before(heard) {
			heard = g.Heard
		}
	}
	return heard
}

// Through returns a function that measures as measure does, except that within
// a gap every signal that the source feeds is as it was when the source was
// heard last, and says so. A gap that was filled since is measured like any
// other time. Signals that count days to or from a date that was
// stated go on with the calendar, and say so too.
func (c Catalogue) Through(gaps []Gap, measure func(time.Time) cairn.Signals) func(time.Time) cairn.Signals {
	if len(gaps) == 0 {
		return measure
	}
	known := map[time.Time]cairn.Signals{}
	return func(t time.Time) cairn.Signals {
		out := measure(t)
		for _, g := range gaps {
			if !g.Holds(t) {
				continue
			}
			then, ok := known[g.Heard]
			if !ok {
				then = measure(g.Heard)
				known[g.Heard] = then
			}
			stale := &cairn.Stale{Since: g.Heard, Source: g.Source, Why: c.asOf(g.Silence, t)}
			for name, s := range then {
				if !g.feeds(name) {
					continue
				}
				if calendar[name] {
					if s, ok = out[name]; !ok {
						continue
					}
				}
				s.Stale = stale
				out[name] = s
			}
		}
		return out
	}
}

// asOf says as of when a signal is: "as of 12 Nov, billing has been silent since".
func (c Catalogue) asOf(s Silence, t time.Time) string {
	heard := s.Heard.In(c.settings.Zone)
	day := heard.Format("2 Jan")
	switch {
	case cairn.DayOf(heard, c.settings.Zone) == cairn.DayOf(t, c.settings.Zone):
		day = heard.Format("15:04")
	case t.Sub(heard) > 300*24*time.Hour:
		day = heard.Format("2 Jan 2006")
	}
	return "as of " + day + ", " + s.Source + " " + cmp.Or(s.Says, "has been silent since")
}

// calendar are the signals that count days to or from a date that somebody
// stated: the date does not go away when its source is silent.
var calendar = map[string]bool{RenewsIn: true, ContractTenure: true, CardExpiresIn: true}

// feeds reports whether the source of a gap feeds a signal.
func (g Gap) feeds(name string) bool {
	for _, f := range g.Feeds {
		if FedBy(name, f.Kind) {
			return true
		}
	}
	return false
}

// FedBy reports whether a signal is measured from records of a kind.
func FedBy(name string, kind cairn.EventKind) bool {
	if name == CardExpiresIn {
		return kind == cairn.OfContract || kind == cairn.OfAccount
	}
	if more, ok := alsoFed[name]; ok && slices.Contains(more, kind) {
		return true
	}
	family, _, _ := strings.Cut(name, ".")
	of, ok := fed[family]
	return ok && of == kind
}

// fed are the kinds of records by the beginnings of signals' names.
var fed = map[string]cairn.EventKind{
	"usage": cairn.Track, "metric": cairn.Track, "support": cairn.OfTicket, "billing": cairn.OfInvoice, "contract": cairn.OfContract,
	"sentiment": cairn.OfAnswer, "people": cairn.OfPerson, "engagement": cairn.Interaction, "trait": cairn.OfAccount,
}

// alsoFed are signals that are measured from further kinds.
var alsoFed = map[string][]cairn.EventKind{
	LicenceUse: {cairn.OfContract}, Seats: {cairn.OfAccount}, SinceChampion: {cairn.Track}, KnownPeople: {cairn.Track}, Stopped: {cairn.OfContract},
}

// feed notes that e's source feeds the stream.
func (d *Delta) feed(e *cairn.Event) {
	for i := range d.Feeds {
		if f := &d.Feeds[i]; f.Source == e.Source && f.Kind == e.Kind {
			return
		}
	}
	d.Feeds = append(d.Feeds, Feed{e.Source, e.Kind, e.Seen})
}
