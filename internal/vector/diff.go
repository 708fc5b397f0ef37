package vector

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cairn"
)

// A Change is one leaf's part in the difference of two levels.
type Change struct {
	Signal string       `json:"signal"`
	Group  string       `json:"group"`
	Label  string       `json:"label"`
	Points cairn.Points `json:"points"` // what b has more than a
	Text   string       `json:"text"`   // "Two people stopped being active (−9)"
}

// Diff says what made the level of a that of b, the largest change first. The
// points of all changes sum to b's level less a's exactly; a vector that is
// not known counts as level 0. Leaves that changed nothing are left out.
//
// When a signal becomes known, or is no longer, the weights of all others
// shift. That shift is the doing of the one that came or went and is counted
// there, not at the others.
func Diff(a, b cairn.Vector) []Change {
	pairs := pairLeaves(a, b)
	shift(pairs, a.Level)
	sweep(pairs)
	var out []Change
	for _, p := range pairs {
		if p.points != 0 {
			out = append(out, p.change())
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(abs(b.Points), abs(a.Points)) })
	return out
}

// A pair is one leaf before and after; was and is say whether the models rate
// it.
type pair struct {
	a, b    cairn.Reason
	was, is bool
	points  cairn.Points
}

func pairLeaves(a, b cairn.Vector) []*pair {
	key := func(r cairn.Reason) string { return r.Group + "\x00" + r.Signal }
	var out []*pair
	at := map[string]*pair{}
	for _, r := range a.Reasons {
		p := &pair{a: r, was: true, points: -r.Points}
		out, at[key(r)] = append(out, p), p
	}
	for _, r := range b.Reasons {
		p := at[key(r)]
		if p == nil {
			p = &pair{}
			out = append(out, p)
		}
		p.b, p.is = r, true
		p.points += r.Points
	}
	return out
}

// stayed reports whether the leaf counts in both vectors, and came or went
// whether it counts in one of them only.
func (p *pair) stayed() bool     { return p.a.Of > 0 && p.b.Of > 0 }
func (p *pair) cameOrWent() bool { return (p.a.Of > 0) != (p.b.Of > 0) }

// shift moves what leaves gained or lost by weight alone to those that came or
// went. Each of these displaces others at the level that was (or makes room
// for them); what then remains, by rounding and by groups, goes by weight.
func shift(pairs []*pair, level cairn.Points) {
	var moving []*pair
	var share []int64
	for _, p := range pairs {
		if p.cameOrWent() {
			moving = append(moving, p)
			share = append(share, int64(p.a.Of+p.b.Of))
		}
	}
	if len(moving) == 0 || !slices.ContainsFunc(pairs, (*pair).stayed) {
		return
	}
	var rest cairn.Points
	for _, p := range pairs {
		if p.stayed() {
			byWeight := p.a.Points*p.b.Of/p.a.Of - p.a.Points
			p.points -= byWeight
			rest += byWeight
		}
	}
	for _, p := range moving {
		displaced := (p.a.Of - p.b.Of) * level / cairn.Full
		p.points += displaced
		rest -= displaced
	}
	sign := cairn.Points(1)
	if rest < 0 {
		sign = -1
	}
	for i, part := range apportion(int64(rest*sign), share) {
		moving[i].points += sign * cairn.Points(part)
	}
}

// dust is how far rounding can move a leaf that nothing happened to.
const dust cairn.Points = 3

// sweep gives the dust of leaves that nothing happened to to the largest change.
func sweep(pairs []*pair) {
	if len(pairs) == 0 {
		return
	}
	most := slices.MaxFunc(pairs, func(a, b *pair) int { return cmp.Compare(abs(a.points), abs(b.points)) })
	if abs(most.points) <= dust {
		return
	}
	for _, p := range pairs {
		if p != most && abs(p.points) <= dust && p.a.Known == p.b.Known && p.a.Value == p.b.Value {
			most.points += p.points
			p.points = 0
		}
	}
}

func (p *pair) change() Change {
	r := p.b
	if !p.is {
		r = p.a
	}
	return Change{
		Signal: r.Signal, Group: r.Group, Label: r.Label, Points: p.points,
		Text: fmt.Sprintf("%s (%s)", p.moved(), Delta(p.points)),
	}
}

// moved says what happened to the leaf.
func (p *pair) moved() string {
	a, b := p.a, p.b
	switch {
	case !p.is:
		return a.Label + " is no longer rated"
	case !p.was:
		return "Now rated: " + lower(b.Text)
	case !a.Known && b.Known:
		return "Newly known: " + lower(b.Text)
	case a.Known && !b.Known:
		return "No longer known: " + lower(a.Label)
	case (a.Value == b.Value || !b.Known) && b.Of > a.Of:
		return b.Label + " weighs more than before"
	case (a.Value == b.Value || !b.Known) && b.Of < a.Of:
		return b.Label + " weighs less than before"
	case a.Value == b.Value || !b.Known:
		return b.Label + " is rated in another way"
	}
	if s, ok := sayings[b.Signal]; ok && s.moved != nil {
		return s.moved(a.Value, b.Value)
	}
	return fmt.Sprintf("%s went from %s to %s", b.Label, inUnit(a.Signal, a.Value), inUnit(b.Signal, b.Value))
}

// Delta writes a difference of levels as people read it: "+3", "−9", and
// tenths where it is below a point.
func Delta(p cairn.Points) string {
	text := fmt.Sprintf("%d", abs(p).Round())
	if abs(p) < 1000 {
		text = strings.TrimSuffix(fmt.Sprintf("%.1f", float64(abs(p))/1000), ".0")
	}
	switch {
	case p > 0:
		return "+" + text
	case p < 0:
		return "−" + text
	}
	return "0"
}

func abs(p cairn.Points) cairn.Points { return max(p, -p) }
