package turn

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

// Diff compares two moments, each as it is known now and as the models see it
// that were in force then; a zero moment is now.
func (x Explainer) Diff(ctx context.Context, scope cairn.Scope, id cairn.AccountID, from, to time.Time) (vector.Difference, error) {
	now := x.Now()
	if to.IsZero() || to.After(now) {
		to = now
	}
	if !scope.Sees(id) {
		return vector.Difference{}, cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	if !from.Before(to) {
		return vector.Difference{}, cairn.Errorf(cairn.Invalid, "The first moment must lie before the second.").At("from")
	}
	defs, err := x.Definitions(ctx)
	if err != nil {
		return vector.Difference{}, err
	}
	d := differing{defs: defs, at: [2]time.Time{from, to}}
	for i, t := range d.at {
		if d.models[i], err = x.modelsAt(ctx, defs, t); err != nil {
			return vector.Difference{}, err
		}
		if d.states[i], err = x.state(ctx, defs, id, t.Add(-defs.trail()), t, now); err != nil {
			return vector.Difference{}, err
		}
	}
	d.states[0].Until(from)
	of, err := gaps(ctx, x.Store, []cairn.AccountID{id}, from.Add(-defs.trail()), to)
	if err != nil {
		return vector.Difference{}, err
	}
	d.gaps = of[id]
	if d.yard, err = x.Store.PastYardsticks(ctx, dayOf(from, defs)-defs.lookBack(), dayOf(to, defs)); err != nil {
		return vector.Difference{}, err
	}
	return d.difference(), nil
}

// modelsAt returns the models that were in force at t. Before there were any
// those count that came first.
func (x Explainer) modelsAt(ctx context.Context, defs Definitions, t time.Time) (vector.Models, error) {
	if x.Models == nil {
		return defs.Models, nil
	}
	return x.Models(ctx, t)
}

// A differing is two moments being compared: of everything the earlier and
// the later.
type differing struct {
	defs   Definitions
	at     [2]time.Time
	states [2]*signal.State
	models [2]vector.Models
	gaps   []signal.Gap
	yard   signal.Yard
}

// measured returns what is measured at one of the moments of what had happened
// by one of them.
func (d *differing) measured(data, at int, m vector.Model) cairn.Signals {
	measure := d.defs.Catalogue.Through(d.gaps, d.defs.measure(d.states[data], d.yard))
	return m.Carrying(measure, d.defs.Settings.Zone)(d.at[at])
}

func (d *differing) difference() vector.Difference {
	var ends [2]cairn.Vector
	var models [2]vector.Model
	for i := range ends {
		plain := d.measured(i, i, vector.Model{})
		models[i] = d.models[i].For(plain)
		m := models[i]
		v := cairn.Vector{At: d.at[i], Model: m.Name, Rev: m.Rev, Way: cairn.Unknown}
		v.Level, v.Known, v.Reasons = m.Rate(d.measured(i, i, m))
		ends[i] = v
	}
	out := vector.Difference{From: ends[0], To: ends[1], Changes: vector.Diff(ends[0], ends[1])}
	level := func(x vector.Mix) cairn.Points {
		m := models[end(x.Model)]
		first, last := d.measured(0, 0, m), d.measured(1, 1, m)
		as := first
		if x.Missing {
			as = last
		}
		level, _ := m.Level(vector.Known(d.measured(end(x.Data), end(x.Time), m), as, first, last))
		return level
	}
	out.Causes = vector.SplitOf(func(x vector.Mix) cairn.Points {
		if !x.Data || x.Time {
			return level(x)
		}
		// What happened after the earlier moment cannot be seen from it: what it
		// does is looked at from the later one.
		none, then, both := x, x, x
		none.Data, then.Data, then.Time, both.Time = false, false, true, true
		return level(none) + level(both) - level(then)
	})
	return out
}

func end(later bool) int {
	if later {
		return 1
	}
	return 0
}
