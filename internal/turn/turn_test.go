package turn

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/play"
	"cairn/internal/rule"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// definitions are a default model and one rule that holds when nobody used
// the product for 14 days.
func definitions() Definitions {
	set := signal.Settings{Zone: time.UTC, Currency: "EUR"}
	model := vector.Default()
	model.Rev = 1
	return Definitions{
		Settings: set, Models: vector.Models{model}, Catalogue: signal.New(set),
		Rules: []rule.Rule{{
			Name: "silent", Rev: 1, Play: "ask",
			All: []rule.Condition{{Field: signal.SinceActivity, Op: "at_least", Value: 14.0}},
		}},
		Plays: map[string]play.Play{"ask": {Name: "ask", Title: "Ask {account}", Due: 1}},
	}
}

// used is an account that used the product every day for four weeks up to
// noon, as a turn at t loads it.
func used(t time.Time, prev *Result) Loaded {
	st := signal.NewState(time.UTC)
	for d := range 28 {
		st.Fold(cairn.Event{Kind: cairn.Track, Name: "Report Created", At: noon.AddDate(0, 0, -d), N: 1, Person: cairn.PersonID{ID: cairn.HashID("ann")}})
	}
	l := Loaded{Account: cairn.Account{ID: cairn.Space("").Account("acme"), Name: "Acme", Status: cairn.Customer}, State: st, Held: map[string]cairn.Decision{}, Open: map[string]bool{}}
	if prev != nil {
		l.Prev = &rule.Input{Account: l.Account, Vector: prev.Vector, Signals: prev.Signals}
		for _, d := range prev.Decisions {
			l.Held[d.Rule] = d
		}
	}
	return l
}

func TestATurnFiresWhenARuleBeginsToHoldAndNotAgain(t *testing.T) {
	defs := definitions()
	busy := defs.Take(used(noon, nil), nil, noon)
	later := noon.AddDate(0, 0, 15)
	silent := defs.Take(used(later, &busy), nil, later)
	if len(silent.Actions) != 1 || silent.Actions[0].Task.Title != "Ask Acme" {
		t.Fatalf("a rule that begins to hold planned %+v", silent.Actions)
	}
	still := defs.Take(used(later, &silent), nil, later.AddDate(0, 0, 1))
	if len(still.Actions) != 0 {
		t.Errorf("a rule that holds still planned %+v", still.Actions)
	}
}

func TestATurnDecidesNothingWhere(t *testing.T) {
	later := noon.AddDate(0, 0, 15)
	for _, tt := range []struct {
		name   string
		change func(d *Definitions, l *Loaded)
	}{
		{"there was no turn before", func(_ *Definitions, l *Loaded) { l.Prev = nil }},
		{"the rule is new", func(_ *Definitions, l *Loaded) { l.Held = map[string]cairn.Decision{} }},
		{"the rule has another revision", func(d *Definitions, _ *Loaded) { d.Rules[0].Rev = 2 }},
		{"the model has another revision", func(d *Definitions, _ *Loaded) { d.Models[0].Rev = 2 }},
		{"only history arrived", func(_ *Definitions, l *Loaded) { l.Due.Quiet = true }},
		{"the play's task is still open", func(_ *Definitions, l *Loaded) { l.Open["ask"] = true }},
		{"the rule is off", func(d *Definitions, _ *Loaded) { d.Rules[0].Off = true }},
		{"the account has left", func(_ *Definitions, l *Loaded) { l.Account.Status = cairn.Churned }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			defs := definitions()
			busy := defs.Take(used(noon, nil), nil, noon)
			l := used(later, &busy)
			tt.change(&defs, &l)
			r := defs.Take(l, nil, later)
			if len(r.Actions) != 0 {
				t.Errorf("planned %+v", r.Actions)
			}
			for _, d := range r.Decisions {
				if d.Why == "" {
					t.Errorf("decision %+v does not say why", d)
				}
			}
			if !r.Vector.Known {
				t.Error("the account was not measured")
			}
		})
	}
}

func TestTheNextTurnComesWhenTheDayBegins(t *testing.T) {
	defs := definitions()
	begins := time.Date(2026, 3, 3, 0, 0, 0, 1000, time.UTC)
	if got := defs.Take(used(noon, nil), nil, noon).Next; !got.Equal(begins) {
		t.Errorf("after a turn at noon it comes at %v", got)
	}
	midnight := time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	if got := defs.Take(used(midnight, nil), nil, midnight).Next; !got.Equal(begins) {
		t.Errorf("after the midnight that ends the day it comes at %v", got)
	}
}

// accounts are ten that the explainer knows.
type accounts struct{ n int }

func (a accounts) Accounts(context.Context, cairn.Scope, account.Query) (account.Page, error) {
	p := account.Page{Total: a.n}
	for i := range min(a.n, 10) {
		p.Accounts = append(p.Accounts, cairn.Account{ID: cairn.Space("").Account(fmt.Sprint(i)), Name: fmt.Sprint("Acme ", i), First: noon.AddDate(0, 0, i-20)})
	}
	return p, nil
}

func (a accounts) Totals(context.Context, cairn.Scope, account.Query) (account.Totals, error) {
	return account.Totals{}, errors.New("not asked")
}

// states are of accounts of which the i-th was used on i days before noon.
type states struct{}

func (states) State(_ context.Context, id cairn.AccountID, _, _ time.Time) (*signal.State, error) {
	st := signal.NewState(time.UTC)
	for i := range 10 {
		if id != cairn.Space("").Account(fmt.Sprint(i)) {
			continue
		}
		for d := range i + 1 {
			st.Fold(cairn.Event{Kind: cairn.Track, Name: "Report Created", At: noon.AddDate(0, 0, -d-1), N: 1})
		}
	}
	return st, nil
}

func (states) Today(context.Context, cairn.AccountID, *signal.State, time.Time) error { return nil }

func (states) Silences(context.Context, time.Time, time.Time) ([]signal.Silence, error) {
	return nil, nil
}

func (states) Feeds(context.Context, []cairn.AccountID, []string) (map[cairn.AccountID][]signal.Feed, error) {
	return nil, nil
}

func (states) PastYardsticks(context.Context, cairn.Day, cairn.Day) (signal.Yard, error) {
	return nil, nil
}

func TestAListOfThePastIsMeasuredSortedAndPagedAsOfThen(t *testing.T) {
	past := &Past{
		Explainer: Explainer{Store: states{}, Definitions: func(context.Context) (Definitions, error) { return definitions(), nil }, Now: func() time.Time { return noon.AddDate(1, 0, 0) }},
		Accounts:  accounts{10},
	}
	list := past.At(noon.AddDate(0, 0, -14)) // Acme 7 and later were first seen after that
	q := account.Query{Sort: "-name", Limit: 3}
	var names []string
	for {
		p, err := list.Accounts(t.Context(), cairn.Everything, q)
		if err != nil {
			t.Fatal(err)
		}
		if p.Total != 7 {
			t.Errorf("%d accounts were known then, want 7", p.Total)
		}
		for _, a := range p.Accounts {
			names = append(names, a.Name)
		}
		if p.Next == "" {
			break
		}
		q.Cursor = p.Next
	}
	if diff := cmp.Diff([]string{"Acme 6", "Acme 5", "Acme 4", "Acme 3", "Acme 2", "Acme 1", "Acme 0"}, names); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	levels, err := past.At(noon).Accounts(t.Context(), cairn.Everything, account.Query{Sort: "-level"})
	if err != nil || levels.Accounts[0].Name != "Acme 9" || levels.Accounts[0].Vector.Level <= levels.Accounts[9].Vector.Level {
		t.Errorf("by level the first is %+v, %v", levels.Accounts[0], err)
	}
	if _, err := list.Accounts(t.Context(), cairn.Everything, account.Query{Cursor: "odd"}); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("a cursor of another list gives %v", err)
	}
	past.Accounts = accounts{MostPast + 1}
	if _, err := past.At(noon.Add(time.Hour)).Accounts(t.Context(), cairn.Everything, account.Query{}); cairn.KindOf(err) != cairn.TooLarge {
		t.Errorf("a list that is too long gives %v", err)
	}
}

// billed are of an account with an invoice that is late, until somebody pays.
type billed struct {
	states
	paid time.Time // zero: nobody does
}

func (b billed) State(context.Context, cairn.AccountID, time.Time, time.Time) (*signal.State, error) {
	st := signal.NewState(time.UTC)
	say := func(n int, at time.Time, fields string) {
		st.Fold(cairn.Event{ID: cairn.EventID{ID: cairn.HashID(fmt.Sprint(n))}, Kind: cairn.OfInvoice, Source: "billing", Record: cairn.Space("").Record(cairn.OfInvoice, "i1"), At: at, Seen: at, Props: []byte(fields)})
	}
	say(1, noon.AddDate(0, 0, -60), `{"amount":"100","currency":"EUR","status":"open","due":"`+noon.AddDate(0, 0, -40).Format(time.DateOnly)+`"}`)
	if !b.paid.IsZero() {
		say(2, b.paid, `{"status":"paid","paid_at":"`+b.paid.Format(time.DateOnly)+`"}`)
	}
	for d := range 60 {
		st.Fold(cairn.Event{Kind: cairn.Track, Name: "Report Created", At: noon.AddDate(0, 0, -d-1), N: 1})
	}
	return st, nil
}

// The state that a store gives holds what was stated at all times, as that of a
// real one does: a comparison must not take for known what was said later.
func TestWhatWasStatedSinceIsNotTheDoingOfTime(t *testing.T) {
	from := noon.AddDate(0, 0, -20)
	for _, tt := range []struct {
		name       string
		paid       time.Time
		data, time int // signs
	}{
		{"nobody pays", time.Time{}, 0, -1},
		{"somebody paid before", from.AddDate(0, 0, -2), 0, 0},
		{"somebody paid since", from.AddDate(0, 0, 10), 1, -1},
	} {
		x := Explainer{Store: billed{paid: tt.paid}, Definitions: func(context.Context) (Definitions, error) { return definitions(), nil }, Now: func() time.Time { return noon }}
		d, err := x.Diff(t.Context(), cairn.Everything, cairn.Space("").Account("a"), from, noon)
		if err != nil {
			t.Fatal(err)
		}
		if sign(d.Causes.Data) != tt.data || sign(d.Causes.Time) != tt.time || d.Causes.Model != 0 || d.Causes.Whole() != d.To.Level-d.From.Level {
			t.Errorf("%s: %+v of %v", tt.name, d.Causes, d.To.Level-d.From.Level)
		}
	}
}

func sign(p cairn.Points) int {
	switch {
	case p > 0:
		return 1
	case p < 0:
		return -1
	}
	return 0
}
