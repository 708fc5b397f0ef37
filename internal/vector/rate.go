package vector

import (
	"cmp"
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
// group without any to the other groups, in proportion to their weights. In a
// group that adds up it adds nothing. Where the worst counts, the worst leaf
// has all the points of the group, the others none. A group that adds up has a
// reason for its start, and one for what its sum was over the top or below
// nothing; these have no signal.
func (m Model) Rate(sig cairn.Signals) (level cairn.Points, known bool, reasons []cairn.Reason) {
	items, known := m.items(sig)
	points, level := contributions(items)
	reasons = make([]cairn.Reason, len(items))
	for i := range items {
		reasons[i] = items[i].reason(sig, points[i])
	}
	return level, known, reasons
}

// Level is [Model.Rate] without the reasons.
func (m Model) Level(sig cairn.Signals) (cairn.Points, bool) {
	items, known := m.items(sig)
	var sum int64
	for i := range items {
		sum += items[i].of * items[i].score
	}
	return wholePoints(sum), known
}

// An item is what becomes a reason: a leaf, or the start or the limit of a
// group that adds up.
type item struct {
	leaf  *Leaf // nil: a start or a limit
	group string
	what  part
	of    int64 // thousandths of a point that it could give, below 0: take away
	score int64 // how much of that it does, in millionths
	band  int   // of the leaf's bands, that the value lies in; -1: none
	known bool
	beat  bool // another is worse, and so it does not count
}

type part int

const (
	aLeaf part = iota
	aStart
	aLimit
)

// items takes a model apart for what was measured.
func (m Model) items(sig cairn.Signals) ([]item, bool) {
	r := rating{sig: sig, items: make([]item, 0, 32)}
	root := Group{Groups: m.Groups}
	known := r.known(&root)
	share := int64(cairn.Full)
	if !known {
		share = 0
	}
	r.group(&root, "", share)
	return r.items, known
}

// A rating is a model being applied to what was measured.
type rating struct {
	sig   cairn.Signals
	items []item
}

// known reports whether anything in a group was measured.
func (r *rating) known(g *Group) bool {
	return slices.ContainsFunc(g.Leaves, func(l Leaf) bool { _, _, ok := l.score(r.sig[l.Signal]); return ok }) ||
		slices.ContainsFunc(g.Groups, func(in Group) bool { return r.known(&in) })
}

// counts reports whether a leaf has points to give: it was measured, or the
// model says what it gives when it was not.
func (r *rating) counts(l *Leaf) bool {
	if l.Missing == Neutral || l.Missing == Poor {
		return true
	}
	_, _, known := l.score(r.sig[l.Signal])
	return known
}

// countsAny reports whether a group has points to give.
func (r *rating) countsAny(g *Group) bool {
	if g.How == Add {
		return r.known(g)
	}
	for i := range g.Leaves {
		if r.counts(&g.Leaves[i]) {
			return true
		}
	}
	for i := range g.Groups {
		if r.countsAny(&g.Groups[i]) {
			return true
		}
	}
	return false
}

// group appends the items of a group that shares so many points among its
// parts: leaves first, then groups. path is how people call the group.
func (r *rating) group(g *Group, path string, share int64) {
	switch g.How {
	case Add:
		r.add(g, path, share)
	case Worst:
		r.worst(g, path, share)
	default:
		r.mean(g, path, share)
	}
}

func (r *rating) mean(g *Group, path string, share int64) {
	weights := make([]int64, 0, 16)
	for i := range g.Leaves {
		if l := &g.Leaves[i]; r.counts(l) {
			weights = append(weights, units(l.Weight))
		} else {
			weights = append(weights, 0)
		}
	}
	for i := range g.Groups {
		if in := &g.Groups[i]; r.countsAny(in) {
			weights = append(weights, units(in.Weight))
		} else {
			weights = append(weights, 0)
		}
	}
	shares := apportion(share, weights)
	for i := range g.Leaves {
		r.leaf(&g.Leaves[i], path, shares[i], false)
	}
	for i := range g.Groups {
		in := &g.Groups[i]
		r.group(in, join(path, in.Name), shares[len(g.Leaves)+i])
	}
}

// worst gives all points to the worst part, the first of equal ones.
func (r *rating) worst(g *Group, path string, share int64) {
	least, at := int64(fullScore+1), -1
	for i := range g.Leaves {
		if l := &g.Leaves[i]; r.counts(l) {
			if s := r.scoreOf(l, false); s < least {
				least, at = s, i
			}
		}
	}
	for i := range g.Groups {
		if in := &g.Groups[i]; r.countsAny(in) {
			if s := r.scoreOfGroup(in); s < least {
				least, at = s, len(g.Leaves)+i
			}
		}
	}
	for i := range g.Leaves {
		r.leaf(&g.Leaves[i], path, alone(share, i == at), false)
		r.items[len(r.items)-1].beat = i != at && r.items[len(r.items)-1].known
	}
	for i := range g.Groups {
		in := &g.Groups[i]
		from := len(r.items)
		r.group(in, join(path, in.Name), alone(share, len(g.Leaves)+i == at))
		for j := from; j < len(r.items) && len(g.Leaves)+i != at; j++ {
			r.items[j].beat = r.items[j].known
		}
	}
}

func alone(share int64, it bool) int64 {
	if it {
		return share
	}
	return 0
}

// scoreOfGroup returns how much of what it could a group gives, in millionths.
func (r *rating) scoreOfGroup(g *Group) int64 {
	in := rating{sig: r.sig}
	in.group(g, "", int64(cairn.Full))
	var sum int64
	for _, it := range in.items {
		sum += it.of * it.score
	}
	return sum / int64(cairn.Full)
}

// add begins at the start, adds what each part gives and takes away, and stops
// at nothing and at everything.
func (r *rating) add(g *Group, path string, share int64) {
	from := len(r.items)
	r.items = append(r.items, item{group: path, what: aStart, of: portion(share, g.Start), score: fullScore, band: -1, known: true})
	for i := range g.Leaves {
		l := &g.Leaves[i]
		of := portion(share, l.Weight)
		if !r.counts(l) {
			of = 0
		}
		r.leaf(l, path, of, l.Weight < 0)
	}
	for i := range g.Groups {
		in := &g.Groups[i]
		of := portion(share, in.Weight)
		if !r.countsAny(in) {
			of = 0
		}
		r.group(in, join(path, in.Name), of)
	}
	var sum int64
	for _, it := range r.items[from:] {
		sum += it.of * it.score
	}
	// What lies outside is taken back, rounded so that the sum lies within.
	if over := sum - max(share, 0)*fullScore; over > 0 {
		r.limit(path, -ceil(over))
	} else if under := min(share, 0)*fullScore - sum; under > 0 {
		r.limit(path, ceil(under))
	}
}

func (r *rating) limit(path string, of int64) {
	r.items = append(r.items, item{group: path, what: aLimit, of: of, score: fullScore, band: -1, known: true})
}

func ceil(n int64) int64 { return (n + fullScore - 1) / fullScore }

// portion returns so many percent of a share, rounded half away from zero.
func portion(share int64, percent float64) int64 {
	exact := share * units(percent)
	const whole = 100 * weightUnit
	if exact < 0 {
		return -((-exact + whole/2) / whole)
	}
	return (exact + whole/2) / whole
}

func (r *rating) leaf(l *Leaf, path string, of int64, takes bool) {
	score, band, known := l.score(r.sig[l.Signal])
	if !known {
		score = r.scoreOf(l, takes)
	}
	r.items = append(r.items, item{leaf: l, group: path, of: of, score: score, band: band, known: known})
}

// scoreOf returns the score of a leaf, measured or not. What takes away is at
// its poorest when it takes all.
func (r *rating) scoreOf(l *Leaf, takes bool) int64 {
	score, _, known := l.score(r.sig[l.Signal])
	switch {
	case known:
		return score
	case l.Missing == Neutral:
		return fullScore / 2
	case l.Missing == Poor && takes:
		return fullScore
	}
	return 0
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + " › " + name
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
	if sum == 0 || total == 0 {
		return out
	}
	if total < 0 {
		for i, p := range apportion(-total, weights) {
			out[i] = -p
		}
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
	if n <= 0 {
		return
	}
	order := make([]int, len(rest))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(rest[b], rest[a]) })
	for _, i := range order[:n] {
		add(i)
	}
}

// contributions returns what each item gives and their sum: the level, rounded
// once, and distributed by largest remainder. No leaf gives more than it could.
func contributions(items []item) ([]cairn.Points, cairn.Points) {
	points, rest := make([]cairn.Points, len(items)), make([]int64, len(items))
	var sum, whole int64
	for i := range items {
		exact := items[i].of * items[i].score
		down := floor(exact)
		sum += exact
		whole += down
		points[i], rest[i] = cairn.Points(down), exact-down*fullScore
	}
	level := wholePoints(sum)
	largest(rest, int64(level)-whole, func(i int) { points[i]++ })
	return points, level
}

func floor(exact int64) int64 {
	if exact < 0 {
		return -((-exact + fullScore - 1) / fullScore)
	}
	return exact / fullScore
}

func wholePoints(sum int64) cairn.Points { return cairn.Points((sum + fullScore/2) / fullScore) }

func (it *item) reason(sig cairn.Signals, points cairn.Points) cairn.Reason {
	if it.leaf == nil {
		return it.ofGroup(points)
	}
	l, s := it.leaf, sig[it.leaf.Signal]
	def, _ := signal.Find(l.Signal)
	r := cairn.Reason{
		Signal: l.Signal, Group: it.group, Label: cmp.Or(l.Label, def.Label), Value: s.Number, Known: it.known,
		Points: points, Of: cairn.Points(max(it.of, 0)), Rule: l.Scale(),
	}
	switch {
	case it.known:
		r.Text = l.says(r, s, sig, it.band)
	case s.Known: // a text that no band names
		r.Text = l.missing(cairn.Signal{Why: r.Label + " is “" + s.Text + "”, which is in no band"})
	default:
		r.Text = l.missing(s)
	}
	if it.beat {
		r.Text += "; something else is worse, and so this does not count"
	}
	if s.Stale != nil {
		r.Stale, r.Text = s.Stale, r.Text+" ("+s.Stale.Why+")"
	}
	if !s.Fresh.IsZero() {
		r.Fresh = s.Fresh.UTC().Format(time.RFC3339)
	}
	return r
}

// ofGroup is the reason of a start, and of a limit.
func (it *item) ofGroup(points cairn.Points) cairn.Reason {
	r := cairn.Reason{Group: it.group, Known: true, Points: points, Of: max(points, 0)}
	switch {
	case it.what == aStart:
		r.Label, r.Text, r.Rule = "Start", "Every account begins with this", "The same for all"
	case points < 0:
		r.Label, r.Text, r.Rule = "Limit", "More than everything is not given", "Stops at everything"
	default:
		r.Label, r.Text, r.Rule = "Limit", "Less than nothing is not given", "Stops at nothing"
	}
	return r
}
