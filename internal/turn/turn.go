// Package turn takes one account through the stages that are pure functions
// of it: measured, rated, tested, decided. An account that something touched
// is loaded, all of that happens in memory, and the results are committed
// with its due mark in one transaction.
package turn

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/internal/play"
	"cairn/internal/rule"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

// StageName is what the turns are called where stages are listed and rebuilt.
const StageName = "turn"

// Definitions are what is in force.
type Definitions struct {
	Settings  signal.Settings
	Models    vector.Models
	Rules     []rule.Rule
	Plays     map[string]play.Play // by name
	Catalogue signal.Catalogue
}

// A Loaded is all that a turn needs to know of one account.
type Loaded struct {
	Due     Due
	Account cairn.Account
	State   *signal.State
	Prev    *rule.Input               // as of the turn before; nil: there was none
	Held    map[string]cairn.Decision // the last decision of each rule
	Open    map[string]bool           // plays with a task that is still open
	Steady  bool                      // since Prev nothing changed that lies before its day, nor any definition of what is measured
	Gaps    []signal.Gap              // of the sources that feed the account
}

// A Due is an account whose turn has come, under a lease.
type Due struct {
	Account cairn.AccountID
	Mark    int64 // of what made it due; a newer one keeps it due
	Lease   int64
	Quiet   bool  // only history arrived: measure, decide nothing
	Version int64 // of the account when it was leased
	Pos     int64 // events folded by then, of all partitions
}

// A Result is what a turn found, to be committed as a whole.
type Result struct {
	Due       Due
	At        time.Time
	Vector    cairn.Vector
	Signals   cairn.Signals
	MRR       cairn.Money // zero Currency: no contract
	Renews    time.Time
	LastSeen  time.Time
	Decisions []cairn.Decision // those that are new or differ from the last
	Actions   []cairn.Action
	Band      int         // which of the model's grades the level has
	Stands    bool        // nothing that is kept of the day differs from what the turn before kept
	Base      *rule.Input // what rules compare the next turn with: of it all, what they read
	Next      time.Time   // when the account's turn comes again though nothing touches it
}

// A Store leases accounts that are due, loads them and keeps results.
type Store interface {
	// Due leases accounts whose turn has come as of now, as long as this node
	// lives.
	Due(ctx context.Context, now time.Time, limit int) ([]Due, error)
	// GiveBack lets turns be leased again that could not be taken. Those of a
	// commit that failed are given back by it.
	GiveBack(ds []Due)
	// Load returns what a turn at now needs.
	Load(ctx context.Context, d Due, now time.Time) (Loaded, error)
	// CommitTurns is one transaction. An account whose lease was lost is left
	// out; one that was touched since it was leased stays due.
	CommitTurns(ctx context.Context, rs []Result) error
	// Yardsticks returns those of the days from `from` to `to`, and makes
	// those of the last day when nobody has yet.
	Yardsticks(ctx context.Context, from, to cairn.Day) (signal.Yard, error)
	// NextDue returns when the next account is due that nobody has leased;
	// zero: there is none.
	NextDue(ctx context.Context) (time.Time, error)
	// Pressed reports whether admission needs all the room that it can get.
	Pressed() bool
	// State is loaded for a moment that lies before what Load loads.
	State(ctx context.Context, id cairn.AccountID, from, to time.Time) (*signal.State, error)
	Silences
}

// A Turner is the stage that takes the turns.
type Turner struct {
	Store       Store
	Definitions func(ctx context.Context) (Definitions, error)

	full  bool // there may be more that are due
	batch int  // how many are leased at once
}

// Pace is how often turns are taken while few accounts are due: what touches
// an account meanwhile is looked at together.
const Pace = 50 * time.Millisecond

// Rest is how long to wait before the next turns are taken.
func (t *Turner) Rest(busy time.Duration) time.Duration {
	switch {
	case t.full && t.Store.Pressed():
		return 2 * busy
	case t.full:
		return 0
	}
	return Pace - busy
}

// How many turns are taken at once: twice as many from beat to beat while more
// are due, since each beat waits for the disk and for the door.
const (
	smallestBatch = 128
	largestBatch  = 1024
)

// Beat takes the turns of a bounded number of accounts and reports whether
// there were any.
func (t *Turner) Beat(ctx context.Context, now time.Time) (worked bool, err error) {
	if t.batch = max(t.batch/2, smallestBatch); t.full {
		t.batch = min(4*t.batch, largestBatch)
	}
	due, err := t.Store.Due(ctx, now, t.batch)
	t.full = len(due) == t.batch
	if err != nil || len(due) == 0 {
		return false, err
	}
	results, err := t.results(ctx, due, now)
	if err != nil {
		t.Store.GiveBack(due)
		return false, err
	}
	return true, t.Store.CommitTurns(ctx, results)
}

func (t *Turner) results(ctx context.Context, due []Due, now time.Time) ([]Result, error) {
	defs, err := t.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	today := dayOf(now, defs)
	yard, err := t.Store.Yardsticks(ctx, today-defs.lookBack(), today)
	if err != nil {
		return nil, err
	}
	gaps, err := gapsOf(ctx, t.Store, due, defs.trail(), now)
	if err != nil {
		return nil, err
	}
	return t.take(ctx, defs, yard, gaps, due, now)
}

// take takes the turns side by side; the results are in the order of due.
func (t *Turner) take(ctx context.Context, defs Definitions, yard signal.Yard, gaps map[cairn.AccountID][]signal.Gap, due []Due, now time.Time) ([]Result, error) {
	results, errs := make([]Result, len(due)), make([]error, len(due))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(due)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(due); i = int(next.Add(1)) - 1 {
				l, err := t.Store.Load(ctx, due[i], now)
				if err != nil {
					errs[i] = err
					return
				}
				l.Gaps = gaps[due[i].Account]
				if old := signal.Oldest(l.Gaps); tooOld(old, defs.trail(), now) {
					if l.State, err = t.Store.State(ctx, due[i].Account, old, now); err != nil {
						errs[i] = err
						return
					}
				}
				results[i] = defs.Take(l, yard, now)
			}
		})
	}
	wg.Wait()
	return results, errors.Join(errs...)
}

// lookBack is how many days of yardsticks a trail of levels needs.
func (defs Definitions) lookBack() cairn.Day { return cairn.Day(defs.Settings.TrailDays()) }

// trail is how far back a vector looks.
func (defs Definitions) trail() time.Duration {
	return time.Duration(defs.Settings.TrailDays()) * 24 * time.Hour
}

// dayOf returns the day that a moment belongs to; a midnight ends the day
// before it.
func dayOf(t time.Time, defs Definitions) cairn.Day {
	return cairn.DayOf(t.Add(-time.Microsecond), defs.Settings.Zone)
}

// measure returns the function that measures a state as of any moment with
// the yardsticks of its day.
func (defs Definitions) measure(st *signal.State, yard signal.Yard) func(time.Time) cairn.Signals {
	return func(at time.Time) cairn.Signals {
		return defs.Catalogue.Measure(st, yard.On(dayOf(at, defs)), at)
	}
}

// Take is a turn: a pure function of what was loaded, the definitions and the
// moment.
func (defs Definitions) Take(l Loaded, yard signal.Yard, now time.Time) Result {
	measure := defs.Catalogue.Through(l.Gaps, defs.measure(l.State, yard))
	r := Result{Due: l.Due, At: now, Signals: measure(now)}
	counted, model := defs.counted(l.State), defs.Models.For(r.Signals)
	r.Vector = model.VectorFrom(defs.past(l, model, counted), but(measure, now, r.Signals), defs.Settings.Zone, now)
	r.Vector.Counted = counted
	defs.Catalogue.Note(l.Gaps, r.Vector.Trail)
	r.Band = model.Band(r.Vector.Level)
	if l.Prev != nil { // the same revision of a model has the same grades
		was, v := l.Prev.Vector, r.Vector
		r.Stands = was.Known == v.Known && was.Level == v.Level && was.Way == v.Way && was.Model == v.Model && was.Rev == v.Rev
	}
	r.MRR, r.Renews, r.LastSeen = columns(r.Signals, defs, now)
	// The next day begins for the account the moment after midnight, which
	// itself is still the end of the day.
	r.Next = dayOf(now, defs).End(defs.Settings.Zone).Add(time.Microsecond)

	input := rule.Input{Account: l.Account, Vector: r.Vector, Signals: r.Signals, Pos: l.Due.Pos}
	r.Base = defs.base(input)
	for _, ru := range defs.Rules {
		if ru.Off {
			continue
		}
		d := defs.decide(ru, l, input)
		if was, ok := l.Held[ru.Name]; !ok || d.Fire || was.Fire != d.Fire || was.Holds != d.Holds || was.Rev != d.Rev || was.Why != d.Why {
			r.Decisions = append(r.Decisions, d)
		}
		if !d.Fire || l.Open[ru.Play] {
			continue
		}
		if a, ok := defs.Plays[ru.Play].Plan(d, input, defs.Settings.Zone); ok {
			r.Actions = append(r.Actions, a)
		}
	}
	return r
}

// but is measure with what was measured already at one moment.
func but(measure func(time.Time) cairn.Signals, at time.Time, sig cairn.Signals) func(time.Time) cairn.Signals {
	return func(t time.Time) cairn.Signals {
		if t.Equal(at) {
			return sig
		}
		return measure(t)
	}
}

// base returns what the rules read of a turn when they decide the next one.
func (defs Definitions) base(in rule.Input) *rule.Input {
	all := in.Signals
	in.Signals, in.Vector.Reasons = cairn.Signals{}, nil
	for _, ru := range defs.Rules {
		for _, c := range ru.All {
			if v, ok := all[c.Field]; ok {
				in.Signals[c.Field] = v
			}
		}
	}
	return &in
}

// past returns the levels at week ends that the turn before found and that are
// still so.
func (defs Definitions) past(l Loaded, m vector.Model, counted string) []cairn.Mark {
	if !l.Steady || slices.ContainsFunc(l.Gaps, func(g signal.Gap) bool {
		return g.To.IsZero() || g.To.After(l.Prev.Vector.At) || g.Filled.After(l.Prev.Vector.At)
	}) {
		return nil
	}
	if was := l.Prev.Vector; was.Model == m.Name && was.Rev == m.Rev && was.Counted == counted {
		return was.Trail
	}
	return nil
}

// decide applies a rule. The turn before is a base line only if it was taken
// under the same model and the same revision of the rule, and the same things
// counted.
func (defs Definitions) decide(ru rule.Rule, l Loaded, now rule.Input) cairn.Decision {
	prev := l.Prev
	if was, ok := l.Held[ru.Name]; !ok || was.Rev != ru.Rev {
		prev = nil
	}
	if prev != nil && (prev.Vector.Model != now.Vector.Model || prev.Vector.Rev != now.Vector.Rev || prev.Vector.Counted != now.Vector.Counted) {
		prev = nil
	}
	if prev != nil && ru.Stale(*prev) != ru.Stale(now) {
		prev = nil // a source fell silent, or speaks again: nothing fires because of that
	}
	d := ru.Decide(now, prev)
	if d.Fire && l.Due.Quiet {
		d.Fire = false
		d.Why += "; but only history arrived, about which nothing is decided"
	}
	return d
}

// counted tells apart what model and rules see counted: another choice of
// Meaningful Activity or another metric, or one whose history has just been
// counted, is a new base line.
func (defs Definitions) counted(st *signal.State) string {
	return defs.Settings.Counted(st, func(name string) bool { return len(defs.Readers(name)) > 0 })
}

// Readers returns who reads a signal: models and rules, as people call them.
func (defs Definitions) Readers(name string) []string {
	var out []string
	for _, m := range defs.Models {
		for l := range m.Leaves() {
			if l.Signal == name {
				out = append(out, "the model "+m.Name)
				break
			}
		}
	}
	for _, r := range defs.Rules {
		if slices.ContainsFunc(r.All, func(c rule.Condition) bool { return c.Field == name }) {
			out = append(out, "the rule “"+r.Title+"”")
		}
	}
	return out
}

// columns are what lists are sorted by.
func columns(s cairn.Signals, defs Definitions, now time.Time) (mrr cairn.Money, renews, seen time.Time) {
	set, today := defs.Settings, dayOf(now, defs)
	if v, ok := s.Number("contract.mrr"); ok {
		mrr = cairn.Money{Minor: int64(v), Currency: set.Currency}
	}
	if v, ok := s.Number("contract.renews_in_days"); ok {
		renews = (today + cairn.Day(v)).Start(set.Zone)
	}
	if v, ok := s.Number("usage.days_since_activity"); ok {
		if stale := s["usage.days_since_activity"].Stale; stale != nil {
			today = dayOf(stale.Since, defs)
		}
		seen = (today - cairn.Day(v)).Start(set.Zone)
	}
	return mrr, renews, seen
}
