package vector

import (
	"cmp"
	"math"
	"slices"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// Rate returns the level of what was measured, and what each leaf has to do
// with it, in the model's order. The points of all reasons sum to the level
// exactly. known is false, and the level 0, when no leaf could be measured.
//
// A leaf that is left out gives its weight to the others of its group, and a
// group without any to the other groups, in proportion to their weights.
func (m Model) Rate(sig cairn.Signals) (level cairn.Points, known bool, reasons []cairn.Reason) {
	leaves, of := m.shares(sig)
	scores := make([]int64, len(leaves))
	for i, l := range leaves {
		s := sig[l.Signal]
		known = known || s.Known
		scores[i] = l.score(s)
	}
	if !known {
		of, scores = make([]int64, len(leaves)), make([]int64, len(leaves))
	}
	points, level := contributions(of, scores)
	for i, l := range leaves {
		reasons = append(reasons, l.reason(sig, points[i], cairn.Points(of[i])))
	}
	return level, known, reasons
}

// A placed leaf knows its group.
type placed struct {
	*Leaf
	group string
}

// shares returns the leaves in order and what each could give at best, which
// sums to a full level unless all are left out.
func (m Model) shares(sig cairn.Signals) ([]placed, []int64) {
	n := 0
	for _, g := range m.Groups {
		n += len(g.Leaves)
	}
	leaves, of := make([]placed, 0, n), make([]int64, 0, n)
	groups, within := make([]int64, len(m.Groups)), make([]int64, 0, n)
	for i := range m.Groups {
		g := &m.Groups[i]
		for j := range g.Leaves {
			l := &g.Leaves[j]
			leaves = append(leaves, placed{l, g.Name})
			weight := int64(0)
			if sig[l.Signal].Known || l.Missing == Neutral || l.Missing == Poor {
				weight = units(l.Weight)
				groups[i] = units(g.Weight)
			}
			within = append(within, weight)
		}
	}
	for i, share := range apportion(int64(cairn.Full), groups) {
		k := len(m.Groups[i].Leaves)
		of = append(of, apportion(share, within[:k])...)
		within = within[k:]
	}
	return leaves, of
}

// apportion divides total by weights into whole numbers that sum to it, by
// largest remainder (Hamilton), the first of equal remainders first. Without
// any weight all are 0.
func apportion(total int64, weights []int64) []int64 {
	out, rest := make([]int64, len(weights)), make([]int64, len(weights))
	var sum int64
	for _, w := range weights {
		sum += w
	}
	if sum == 0 {
		return out
	}
	left := total
	for i, w := range weights {
		out[i], rest[i] = total*w/sum, total*w%sum
		left -= out[i]
	}
	largest(rest, left, func(i int) { out[i]++ })
	return out
}

// largest calls add for the n largest remainders.
func largest(rest []int64, n int64, add func(i int)) {
	order := make([]int, len(rest))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:n] {
		add(i)
	}
}

// fullScore is the score of a leaf at its best.
const fullScore = 1_000_000

// score returns where a signal lies between worst and best, in millionths.
func (l Leaf) score(s cairn.Signal) int64 {
	switch {
	case s.Known:
		part := (s.Number - l.Worst) / (l.Best - l.Worst)
		return int64(math.Round(min(max(part, 0), 1) * fullScore))
	case l.Missing == Neutral:
		return fullScore / 2
	}
	return 0
}

// contributions returns what each leaf gives and their sum: the level, rounded
// once, and distributed by largest remainder. No leaf gives more than it could.
func contributions(of, scores []int64) ([]cairn.Points, cairn.Points) {
	points, rest := make([]cairn.Points, len(of)), make([]int64, len(of))
	var sum, whole int64
	for i := range of {
		exact := of[i] * scores[i]
		sum += exact
		whole += exact / fullScore
		points[i], rest[i] = cairn.Points(exact/fullScore), exact%fullScore
	}
	level := (sum + fullScore/2) / fullScore
	largest(rest, level-whole, func(i int) { points[i]++ })
	return points, cairn.Points(level)
}

func (l placed) reason(sig cairn.Signals, points, of cairn.Points) cairn.Reason {
	s := sig[l.Signal]
	def, _ := signal.Find(l.Signal)
	r := cairn.Reason{
		Signal: l.Signal, Group: l.group, Label: cmp.Or(l.Label, def.Label), Value: s.Number, Known: s.Known,
		Points: points, Of: of, Rule: l.scale(),
	}
	if s.Known {
		r.Text = says(r, sig)
	} else {
		r.Text = l.missing(s)
	}
	if s.Stale != nil {
		r.Stale, r.Text = s.Stale, r.Text+" ("+s.Stale.Why+")"
	}
	if !s.Fresh.IsZero() {
		r.Fresh = s.Fresh.UTC().Format(time.RFC3339)
	}
	return r
}

// level is Rate without the reasons.
func (m Model) level(sig cairn.Signals) (cairn.Points, bool) {
	leaves, of := m.shares(sig)
	known, sum := false, int64(0)
	for i, l := range leaves {
		s := sig[l.Signal]
		known = known || s.Known
		sum += of[i] * l.score(s)
	}
	if !known {
		return 0, false
	}
	return cairn.Points((sum + fullScore/2) / fullScore), true
}
