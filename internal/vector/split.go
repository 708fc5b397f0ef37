package vector

import (
	"math/bits"

	"cairn"
)

// A Split says how much of the change of a level each of four causes did. The
// four sum to the whole exactly.
type Split struct {
	Data    cairn.Points `json:"data"`    // what happened and what was stated since
	Time    cairn.Points `json:"time"`    // time that passed: things grew older, and windows moved on
	Missing cairn.Points `json:"missing"` // what became known, or is not known any more
	Model   cairn.Points `json:"model"`   // another model, or another revision of it
}

// A Difference says why the level of an account is another than it was. The
// causes sum to the change, and so do the changes of all leaves.
type Difference struct {
	From    cairn.Vector `json:"from"` // without a way
	To      cairn.Vector `json:"to"`
	Causes  Split        `json:"causes"`
	Changes []Change     `json:"changes"` // leaf by leaf, the largest first
}

// Whole returns the change of the level.
func (s Split) Whole() cairn.Points { return s.Data + s.Time + s.Missing + s.Model }

// A Mix says which of the four causes have taken place already.
type Mix struct{ Data, Time, Missing, Model bool }

const causes = 4

func mixOf(s int) Mix { return Mix{s&1 != 0, s&2 != 0, s&4 != 0, s&8 != 0} }

// SplitOf shares the change of a level among its causes: to each its Shapley
// value, which is what it changes when it takes place, on the mean over all 24
// orders in which the four can. level says what the level is when some of them
// have (Shapley, "A value for n-person games", 1953). Thousandths that rounding
// leaves go to the largest fractions.
func SplitOf(level func(Mix) cairn.Points) Split {
	var worth [1 << causes]int64
	for s := range worth {
		worth[s] = int64(level(mixOf(s)))
	}
	orders := [causes + 1]int64{1, 1, 2, 6, 24} // factorials
	var exact, rest [causes]int64
	left := worth[len(worth)-1] - worth[0]
	for cause := range exact {
		var sum int64 // of all 24 orders
		for s := range worth {
			if s&(1<<cause) != 0 {
				continue
			}
			before := bits.OnesCount(uint(s))
			sum += orders[before] * orders[causes-1-before] * (worth[s|1<<cause] - worth[s])
		}
		exact[cause] = floorDiv(sum, orders[causes])
		rest[cause] = sum - exact[cause]*orders[causes]
		left -= exact[cause]
	}
	largest(rest[:], left, func(i int) { exact[i]++ })
	return Split{Data: cairn.Points(exact[0]), Time: cairn.Points(exact[1]), Missing: cairn.Points(exact[2]), Model: cairn.Points(exact[3])}
}

func floorDiv(a, b int64) int64 {
	if a < 0 && a%b != 0 {
		return a/b - 1
	}
	return a / b
}

// Known returns what would have been measured if as much had been known as in
// another measurement: what is not known there is missing, and what is known
// there and not here is as it is in the first of others that knows it.
func Known(here, as cairn.Signals, others ...cairn.Signals) cairn.Signals {
	out := make(cairn.Signals, len(here))
	for name, s := range as {
		if !s.Known {
			out[name] = s
			continue
		}
		if v := here[name]; v.Known {
			out[name] = v
			continue
		}
		for _, o := range others {
			if v := o[name]; v.Known {
				out[name] = v
				break
			}
		}
	}
	return out
}
