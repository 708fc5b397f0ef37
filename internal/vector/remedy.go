package vector

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/signal"
)

// A Remedy is a set of changes within somebody's reach that together lift the
// level over a line. None of them can be left out or made smaller.
type Remedy struct {
	Steps  []Step       `json:"steps"`
	Effort int          `json:"effort"` // of all steps; a talk is 1
	Level  cairn.Points `json:"level"`  // that it comes to
}

// A Step is one change, so many times.
type Step struct {
	Lever string `json:"lever"`
	N     int    `json:"n"`
	Text  string `json:"text"` // "close the three oldest tickets"
}

// A Reach is what somebody could change about an account.
type Reach struct {
	Tickets []OpenTicket // that are open
}

// An OpenTicket is a ticket that could be closed.
type OpenTicket struct {
	Days      float64 // it is open
	Escalated bool
}

// A lever is one thing that somebody can do some times over.
type lever struct {
	name   string
	most   int
	effort int // of each time
	does   func(sig cairn.Signals, n int)
	says   func(n int) string
}

// MostSteps is how many times one thing is done in a remedy at most.
const MostSteps = 4

// mostRemedies is how many remedies are found.
const mostRemedies = 5

// Remedies returns the least sets of changes that lift the level of what was
// measured to a line or over it, in order of effort; at most five. None when it
// is there already, or nothing within reach lifts it so far.
func (m Model) Remedies(sig cairn.Signals, can Reach, line cairn.Points) []Remedy {
	if level, known := m.Level(sig); !known || level >= line {
		return nil
	}
	levers := levers(sig, can)
	var found []Remedy
	for _, s := range sets(levers) {
		if slices.ContainsFunc(found, func(r Remedy) bool { return within(r, levers, s.n) }) {
			continue // a smaller one does
		}
		changed := maps.Clone(sig)
		for i, n := range s.n {
			if n > 0 {
				levers[i].does(changed, n)
			}
		}
		if level, _ := m.Level(changed); level >= line {
			found = append(found, remedy(levers, s, level))
			if len(found) == mostRemedies {
				break
			}
		}
	}
	return found
}

// A set says how many times each lever is pulled.
type set struct {
	n      []int
	effort int
}

// sets returns all of them but the empty one, those of least effort first, and
// of equal ones those of fewer kinds of steps.
func sets(levers []lever) []set {
	out := []set{{n: make([]int, len(levers))}}
	for i, l := range levers {
		for _, s := range slices.Clone(out) {
			for n := 1; n <= l.most; n++ {
				more := set{n: slices.Clone(s.n), effort: s.effort + n*l.effort}
				more.n[i] = n
				out = append(out, more)
			}
		}
	}
	kinds := func(s set) (k int) {
		for _, n := range s.n {
			k += min(n, 1)
		}
		return k
	}
	slices.SortStableFunc(out, func(a, b set) int {
		return cmp.Or(cmp.Compare(a.effort, b.effort), cmp.Compare(kinds(a), kinds(b)))
	})
	return out[1:]
}

// within reports whether a remedy asks for no more of anything than a set.
func within(r Remedy, levers []lever, n []int) bool {
	for _, s := range r.Steps {
		if i := slices.IndexFunc(levers, func(l lever) bool { return l.name == s.Lever }); n[i] < s.N {
			return false
		}
	}
	return true
}

func remedy(levers []lever, s set, level cairn.Points) Remedy {
	r := Remedy{Effort: s.effort, Level: level}
	for i, n := range s.n {
		if n > 0 {
			r.Steps = append(r.Steps, Step{levers[i].name, n, levers[i].says(n)})
		}
	}
	return r
}

// Text says a remedy in a sentence.
func (r Remedy) Text() string {
	var parts []string
	for _, s := range r.Steps {
		parts = append(parts, s.Text)
	}
	last := len(parts) - 1
	if last > 0 {
		parts = []string{strings.Join(parts[:last], ", ") + " and " + parts[last]}
	}
	return sentenceCase(strings.Join(parts, ""))
}

// Rises returns the least level at which the way of a trail would be rising if
// its last mark, which is now, were at it; false when none would.
func (c Course) Rises(trail []cairn.Mark) (cairn.Points, bool) {
	if len(trail) == 0 {
		return 0, false
	}
	at := func(level cairn.Points) bool {
		t := slices.Clone(trail)
		t[len(t)-1].Level, t[len(t)-1].Known = level, true
		way, _ := c.Of(t)
		return way == cairn.Rising
	}
	if !at(cairn.Full) {
		return 0, false
	}
	low, high := cairn.Points(0), cairn.Full // a higher level never makes it fall
	for low < high {
		if mid := low + (high-low)/2; at(mid) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	return low, true
}

// levers are what can be done about what was measured.
func levers(sig cairn.Signals, can Reach) []lever {
	var out []lever
	if _, known := sig.Number(signal.Active28); known {
		out = append(out, lever{"people", MostSteps, 3, morePeople, func(n int) string {
			return "get " + several(float64(n), "more person", "more people") + " to use it"
		}})
	}
	tickets := slices.Clone(can.Tickets)
	slices.SortStableFunc(tickets, func(a, b OpenTicket) int { return cmp.Compare(b.Days, a.Days) })
	if len(tickets) > 0 {
		out = append(out, lever{"tickets", min(len(tickets), MostSteps), 2, func(sig cairn.Signals, n int) { closeTickets(sig, tickets, n) }, func(n int) string {
			if n == len(tickets) {
				return "close " + every(n)
			}
			if n == 1 {
				return "close the oldest ticket"
			}
			return "close the " + several(float64(n), "", "oldest tickets")
		}})
	}
	if days, known := sig.Number(signal.Overdue); known && days > 0 {
		out = append(out, lever{"invoices", 1, 2, func(sig cairn.Signals, _ int) { put(sig, signal.Overdue, 0) }, func(int) string { return "have the overdue invoices paid" }})
	}
	if present, known := sig.Number(signal.Champion); known && present == 0 {
		out = append(out, lever{"champion", 1, 4, func(sig cairn.Signals, _ int) {
			put(sig, signal.Champion, 1)
			put(sig, signal.SinceChampion, 0)
		}, func(int) string { return "win a champion" }})
	} else if days, known := sig.Number(signal.SinceChampion); known && days > 0 {
		out = append(out, lever{"champion", 1, 2, func(sig cairn.Signals, _ int) { put(sig, signal.SinceChampion, 0) }, func(int) string { return "get the champion to come back" }})
	}
	if days, known := sig.Number(signal.SinceTalk); known && days > 0 {
		out = append(out, lever{"talk", 1, 1, func(sig cairn.Signals, _ int) { put(sig, signal.SinceTalk, 0) }, func(int) string { return "talk with them" }})
	}
	return out
}

func every(n int) string {
	if n == 1 {
		return "the open ticket"
	}
	return "all " + several(float64(n), "", "open tickets")
}

func put(sig cairn.Signals, name string, v float64) {
	s := sig[name]
	s.Name, s.Known, s.Number, s.Stale, s.Why = name, true, v, nil, ""
	sig[name] = s
}

// morePeople has n more people use the product today.
func morePeople(sig cairn.Signals, n int) {
	was, _ := sig.Number(signal.Active28)
	now := was + float64(n)
	put(sig, signal.Active28, now)
	if v, known := sig.Number(signal.Active7); known {
		put(sig, signal.Active7, v+float64(n))
	}
	if v, known := sig.Number(signal.LicenceUse); known {
		if seats, ok := sig.Number(signal.Seats); ok && seats > 0 {
			v = now / seats * 100
		} else if was > 0 {
			v = v * now / was
		}
		put(sig, signal.LicenceUse, v)
	}
	if v, known := sig.Number(signal.ActiveChange); known && was > 0 {
		put(sig, signal.ActiveChange, (100+v)*now/was-100)
	}
	put(sig, signal.SinceActivity, 0)
}

// closeTickets closes the n oldest.
func closeTickets(sig cairn.Signals, oldestFirst []OpenTicket, n int) {
	left, escalated := oldestFirst[n:], 0.0
	for _, t := range left {
		if t.Escalated {
			escalated++
		}
	}
	oldest := 0.0
	if len(left) > 0 {
		oldest = math.Max(left[0].Days, 0)
	}
	for name, v := range map[string]float64{signal.OpenTickets: float64(len(left)), signal.OldestOpen: oldest, signal.EscalatedOpen: escalated} {
		if _, known := sig.Number(name); known {
			put(sig, name, v)
		}
	}
}
