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
// not known counts as level 0. Leaves whose points stayed are left out.
func Diff(a, b cairn.Vector) []Change {
	var out []Change
	before := byLeaf(a)
	for _, r := range b.Reasons {
		old, was := before[leafKey(r)]
		delete(before, leafKey(r))
		if r.Points != old.Points {
			out = append(out, change(old, r, was, true))
		}
	}
	for _, r := range a.Reasons { // what b's model does not rate
		if _, left := before[leafKey(r)]; left && r.Points != 0 {
			out = append(out, change(r, cairn.Reason{}, true, false))
		}
	}
	slices.SortStableFunc(out, func(a, b Change) int { return cmp.Compare(abs(b.Points), abs(a.Points)) })
	return out
}

func leafKey(r cairn.Reason) string { return r.Group + "\x00" + r.Signal }

func byLeaf(v cairn.Vector) map[string]cairn.Reason {
	out := make(map[string]cairn.Reason, len(v.Reasons))
	for _, r := range v.Reasons {
		out[leafKey(r)] = r
	}
	return out
}

func change(a, b cairn.Reason, was, is bool) Change {
	r := b
	if !is {
		r = a
	}
	c := Change{Signal: r.Signal, Group: r.Group, Label: r.Label, Points: b.Points - a.Points}
	c.Text = fmt.Sprintf("%s (%s)", moved(a, b, was, is), Delta(c.Points))
	return c
}

// moved says what happened to a leaf between two vectors.
func moved(a, b cairn.Reason, was, is bool) string {
	switch {
	case !is:
		return a.Label + " is no longer rated"
	case !was:
		return "Now rated: " + lower(b.Text)
	case !a.Known && b.Known:
		return "Newly known: " + lower(b.Text)
	case a.Known && !b.Known:
		return "No longer known: " + lower(a.Label)
	case a.Value == b.Value || !b.Known:
		if b.Of > a.Of {
			return b.Label + " weighs more than before"
		}
		return b.Label + " weighs less than before"
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
