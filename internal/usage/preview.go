package usage

import (
	"context"
	"slices"
	"time"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// Previewed is how many accounts a definition is tried on.
const Previewed = 3

// mostRecounted is how many events of an account are folded again to try a
// metric whose history is not counted.
const mostRecounted = 20_000

// A Tried is what a metric would be of one account.
type Tried struct {
	Account cairn.Account `json:"account"`
	Signal  cairn.Signal  `json:"signal"`
	Partial bool          `json:"partial,omitempty"` // of the newest events only: there are too many to count at once
}

// TryMetric measures a metric, saved or not, on some accounts; of none given,
// on those with the most events.
func (s *Service) TryMetric(ctx context.Context, scope cairn.Scope, m signal.Metric, ids []cairn.AccountID) ([]Tried, error) {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	if err := check(defs, m); err != nil {
		return nil, err
	}
	set := defs.Settings
	set.Metrics = append(slices.DeleteFunc(slices.Clone(set.Metrics), func(o signal.Metric) bool { return o.Name == m.Name }), m)
	c, now := signal.New(set), s.Now()
	var out []Tried
	back := signal.Settings{Metrics: []signal.Metric{m}}.LookBack()
	err = s.each(ctx, scope, ids, back, func(a cairn.Account, st *signal.State) error {
		t := Tried{Account: a}
		if whole, err := s.fill(ctx, a.ID, st, set, m, now); err != nil {
			return err
		} else if !whole {
			t.Partial = true
		}
		t.Signal = c.Measure(st, nil, now)[m.Signal()]
		out = append(out, t)
		return nil
	})
	return out, err
}

// fill adds to a state what a metric needs and is not kept yet, and reports
// whether that is all there is.
func (s *Service) fill(ctx context.Context, id cairn.AccountID, st *signal.State, set signal.Settings, m signal.Metric, now time.Time) (bool, error) {
	lacking := slices.DeleteFunc(signal.Settings{Metrics: []signal.Metric{m}}.Counters(), func(c signal.Counter) bool { return st.Counters.Has(c.Key()) })
	if len(lacking) == 0 {
		return true, nil
	}
	days := signal.Settings{Metrics: []signal.Metric{m}}.LookBack()
	from := now.AddDate(0, 0, -days-1)
	if days == 0 {
		from = time.Time{}
	}
	more, whole, err := s.Store.Recount(ctx, id, from, now, signal.Prepare(lacking), mostRecounted)
	if err != nil {
		return false, err
	}
	st.Add(more)
	return whole, nil
}

// Losses returns what a metric, saved or not, would need of events that are
// not kept any more.
func (s *Service) Losses(ctx context.Context, m signal.Metric) ([]signal.Loss, error) {
	dropped, err := s.Store.Dropped(ctx)
	if err != nil || len(dropped) == 0 {
		return nil, err
	}
	defs, err := s.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	return m.Losses(dropped, defs.Settings.Zone, func(name string) (signal.Metric, bool) {
		i := slices.IndexFunc(defs.Settings.Metrics, func(o signal.Metric) bool { return o.Name == name })
		if i < 0 {
			return signal.Metric{}, false
		}
		return defs.Settings.Metrics[i], true
	}), nil
}

// An Effect is what another choice of Meaningful Activity changes at one
// account.
type Effect struct {
	Account cairn.Account `json:"account"`
	Before  Use           `json:"before"`
	After   Use           `json:"after"`
}

// A Use is how an account is measured under one choice.
type Use struct {
	Known  bool         `json:"known"` // false: no use is seen
	Active float64      `json:"active_people_28d"`
	Events float64      `json:"events_28d"`
	Rated  bool         `json:"rated"`
	Level  cairn.Points `json:"level"`
}

// TryChoice measures some accounts as they are and under another choice; of
// none given, those with the most events.
func (s *Service) TryChoice(ctx context.Context, scope cairn.Scope, m signal.Meaningful, ids []cairn.AccountID) ([]Effect, error) {
	if err := m.Check(); err != nil {
		return nil, err
	}
	defs, err := s.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	set, now := defs.Settings, s.Now()
	set.Meaningful = m
	was, will := defs.Catalogue, signal.New(set)
	var out []Effect
	err = s.each(ctx, scope, ids, 1, func(a cairn.Account, st *signal.State) error {
		e := Effect{Account: a}
		e.Before = useOf(defs, was.Measure(st, nil, now))
		e.After = useOf(defs, will.Measure(st, nil, now))
		out = append(out, e)
		return nil
	})
	return out, err
}

func useOf(defs turn.Definitions, s cairn.Signals) Use {
	var u Use
	u.Active, u.Known = s.Number(signal.Active28)
	u.Events, _ = s.Number(signal.Events28)
	u.Level, u.Rated = defs.Models.For(s).Level(s)
	return u
}

// each calls f with accounts and their states as of now, which reach back so
// many days (0: all).
func (s *Service) each(ctx context.Context, scope cairn.Scope, ids []cairn.AccountID, back int, f func(cairn.Account, *signal.State) error) error {
	if len(ids) == 0 {
		reach, _, err := s.Reach(ctx, false)
		if err != nil {
			return err
		}
		ids = reach.Accounts[:min(Previewed, len(reach.Accounts))]
	}
	now := s.Now()
	from := now.AddDate(0, 0, -back)
	if back == 0 {
		from = time.Unix(0, 0)
	}
	for _, id := range ids {
		a, err := s.Accounts.Account(ctx, scope, id)
		if err != nil {
			return err
		}
		st, err := s.Store.State(ctx, id, from, now)
		if err != nil {
			return err
		}
		if err := f(a, st); err != nil {
			return err
		}
	}
	return nil
}
