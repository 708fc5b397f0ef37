package vector

import (
	"cmp"
	"slices"

	"cairn"
)

// A Family says what the level of an account with child accounts is made of.
type Family string

// The families.
const (
	OwnData  Family = ""         // the account's own data, the children's events not among them
	Weighted Family = "contract" // the mean of its own and the children's levels, each weighing what its contracts bring in a month
	Equal    Family = "mean"     // the mean of its own and the children's levels
	TheWorst Family = "worst"    // the worst of them
)

// A Member is an account of a family: the parent, or a child.
type Member struct {
	Name  string
	Level cairn.Points
	Known bool
	MRR   int64 // minor units of one currency
}

// Level returns the level of a family, rounded half up to a thousandth of a
// point, and which member gives how much of it: its points sum to the level
// exactly. Members without a level do not count; where nobody has a contract,
// all weigh the same. The parent is the first.
func (f Family) Level(members []Member) (level cairn.Points, known bool, gives []cairn.Points) {
	gives = make([]cairn.Points, len(members))
	if f == OwnData {
		members = members[:min(1, len(members))]
	}
	known = slices.ContainsFunc(members, func(m Member) bool { return m.Known })
	if !known {
		return 0, false, gives
	}
	if f == TheWorst {
		worst := slices.MinFunc(members, func(a, b Member) int {
			return cmp.Or(cmp.Compare(later(a), later(b)), cmp.Compare(a.Level, b.Level))
		})
		at := slices.Index(members, worst)
		gives[at] = worst.Level
		return worst.Level, true, gives
	}
	weight := f.weights(members)
	items := make([]item, len(members))
	for i, share := range apportion(int64(cairn.Full), weight) {
		items[i] = item{of: share, score: int64(members[i].Level) * (fullScore / int64(cairn.Full))}
	}
	points, level := contributions(items)
	copy(gives, points)
	return level, true, gives
}

// later puts members without a level behind the others.
func later(m Member) int {
	if m.Known {
		return 0
	}
	return 1
}

func (f Family) weights(members []Member) []int64 {
	out := make([]int64, len(members))
	any := false
	for i, m := range members {
		if f == Weighted && m.Known {
			out[i] = max(m.MRR, 0)
		}
		any = any || out[i] > 0
	}
	for i, m := range members {
		if !any && m.Known {
			out[i] = 1
		}
	}
	return out
}
