package vector

import (
	"maps"
	"time"

	"cairn"
)

// Carrying returns measure with what the model's leaves carry forward: a signal that
// is missing is what it was at the last end of a week at which it was known,
// unless that has expired.
func (m Model) Carrying(measure func(time.Time) cairn.Signals, zone *time.Location) func(time.Time) cairn.Signals {
	var carry []*Leaf
	for l := range m.Leaves() {
		if l.Missing == Carry {
			carry = append(carry, l)
		}
	}
	if len(carry) == 0 {
		return measure
	}
	seen := map[int64]cairn.Signals{}
	at := func(t time.Time) cairn.Signals {
		key := t.UnixMicro()
		if _, ok := seen[key]; !ok {
			seen[key] = measure(t)
		}
		return seen[key]
	}
	return func(t time.Time) cairn.Signals {
		sig, own := at(t), false
		for _, l := range carry {
			if sig[l.Signal].Known {
				continue
			}
			if was, ok := l.last(at, zone, t); ok {
				if !own {
					sig, own = maps.Clone(sig), true
				}
				sig[l.Signal] = was
			}
		}
		return sig
	}
}

// last returns a leaf's signal at the last end of a week before t at which it
// was known, and false when that has expired.
func (l *Leaf) last(at func(time.Time) cairn.Signals, zone *time.Location, t time.Time) (cairn.Signal, bool) {
	ends := WeekEnds(t, zone, l.Expires/7+1)
	for i := len(ends) - 1; i >= 0 && !ends[i].Before(t.AddDate(0, 0, -l.Expires)); i-- {
		if s := at(ends[i])[l.Signal]; s.Known {
			s.Why = "as it was last known on " + ends[i].Add(-time.Microsecond).In(zone).Format("2 January 2006")
			return s, true
		}
	}
	return cairn.Signal{}, false
}
