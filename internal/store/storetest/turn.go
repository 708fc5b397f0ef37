package storetest

import (
	"context"
	"testing"
	"time"

	"cairn"
	"cairn/internal/model"
	"cairn/internal/play"
	"cairn/internal/rule"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
	"cairn/internal/turn"
	"cairn/internal/vector"
)

// defaults are the definitions as Cairn comes.
func defaults(context.Context) (turn.Definitions, error) {
	set := signal.Settings{Zone: time.UTC, Currency: "EUR"}
	d := turn.Definitions{Settings: set, Models: vector.Models{vector.Default()}, Rules: rule.Defaults(), Plays: map[string]play.Play{}, Catalogue: signal.New(set)}
	d.Models[0].Rev = 1
	for i := range d.Rules {
		d.Rules[i].Rev = 1
	}
	for _, p := range play.Defaults() {
		d.Plays[p.Name] = p
	}
	return d, nil
}

// settle folds and takes turns until nothing is left to do as of now.
func settle(t testing.TB, s *sqlstore.Store, now time.Time) {
	t.Helper()
	f := &signal.Folder{Log: s, Store: s, Live: true}
	tu := &turn.Turner{Store: s, Definitions: defaults}
	fold(t, s, f)
	for {
		worked, err := tu.Beat(context.Background(), now)
		if err != nil {
			t.Fatal(err)
		}
		if !worked {
			return
		}
	}
}

// Turns is the contract of turns and of the actions they plan.
func Turns(t *testing.T, open Opener) {
	ctx := context.Background()
	id := cairn.Space("").Account("acme")
	days := func(n int) time.Time { return epoch.AddDate(0, 0, n) }
	busy := func(t *testing.T, s *sqlstore.Store, from, to int) {
		for d := from; d < to; d++ {
			admit(t, s, said{id: days(d).String(), account: "acme", person: "ann", at: days(d)})
			settle(t, s, days(d+1).Truncate(24*time.Hour))
		}
	}

	t.Run("SilenceMakesOneActionAndRepeatingATurnNoSecond", func(t *testing.T) {
		s := open(t)
		busy(t, s, 0, 10)
		for d := 10; d < 40; d++ {
			settle(t, s, days(d+1).Truncate(24*time.Hour))
		}
		actions, err := s.Actions(ctx, cairn.Everything, id, 100)
		if err != nil {
			t.Fatal(err)
		}
		silent := 0
		for _, a := range actions {
			if a.Play == "re-engage" {
				silent++
			}
		}
		if silent != 1 {
			t.Errorf("30 silent days planned %d tasks to re-engage, want 1: %+v", silent, actions)
		}
		before := len(actions)
		if err := s.MeasureAll(ctx, days(40).Truncate(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		settle(t, s, days(41).Truncate(24*time.Hour))
		actions, err = s.Actions(ctx, cairn.Everything, id, 100)
		if err != nil || len(actions) != before {
			t.Errorf("measuring again made %d actions out of %d, %v", len(actions), before, err)
		}
	})

	t.Run("MeasuringAllAnewDoesNotSilenceADayThatHasBegun", func(t *testing.T) {
		s := open(t)
		busy(t, s, 0, 10)
		for d := 10; d < 23; d++ {
			settle(t, s, days(d+1).Truncate(24*time.Hour))
		}
		// The 14th silent day is over and the account's turn is due, but before
		// it is taken everything is to be measured again.
		now := days(24).Truncate(24 * time.Hour)
		if err := s.MeasureAll(ctx, now); err != nil {
			t.Fatal(err)
		}
		settle(t, s, now)
		actions, err := s.Actions(ctx, cairn.Everything, id, 10)
		if err != nil || len(actions) != 1 || actions[0].Play != "re-engage" {
			t.Errorf("the turn that was due planned %+v, %v", actions, err)
		}
	})

	t.Run("ImportedHistoryDecidesNothing", func(t *testing.T) {
		s := open(t)
		var past []said
		for d := range 30 {
			past = append(past, said{id: days(d).String(), account: "acme", person: "ann", at: days(d), seen: days(200)})
		}
		admit(t, s, past...)
		settle(t, s, days(200))
		actions, err := s.Actions(ctx, cairn.Everything, id, 10)
		if err != nil || len(actions) != 0 {
			t.Errorf("an import planned %+v, %v", actions, err)
		}
		a, err := s.Account(ctx, cairn.Everything, id)
		if err != nil || !a.Vector.Known {
			t.Errorf("the account was not measured: %+v, %v", a.Vector, err)
		}
	})

	t.Run("CustomersAreToldWithTheirSignalsWithinTheScope", func(t *testing.T) {
		s := open(t)
		beta := cairn.Space("").Account("beta")
		admit(t, s,
			said{id: "1", account: "acme", person: "ann", at: days(0)}, said{id: "2", account: "beta", person: "bob", at: days(0)}, said{id: "3", account: "guest", person: "eve", at: days(0)},
			said{id: "4", kind: cairn.OfAccount, account: "acme", at: days(0), props: `{"status":"customer"}`}, said{id: "5", kind: cairn.OfAccount, account: "beta", at: days(0), props: `{"status":"customer"}`},
			said{id: "6", kind: cairn.OfAccount, account: "guest", at: days(0), props: `{"status":"trial"}`})
		settle(t, s, days(1))
		for _, tt := range []struct {
			scope cairn.Scope
			want  int
		}{{cairn.Everything, 2}, {cairn.Scope{Accounts: []cairn.AccountID{beta}}, 1}, {cairn.Scope{}, 0}} {
			got := map[cairn.AccountID]cairn.Account{}
			if err := s.EachCustomer(ctx, tt.scope, func(a cairn.Account) error { got[a.ID] = a; return nil }); err != nil || len(got) != tt.want {
				t.Errorf("%v: %v, %v", tt.scope, got, err)
			}
			some, err := s.Measures(ctx, tt.scope, []cairn.AccountID{id, beta, {}})
			if err != nil || len(some) != tt.want {
				t.Errorf("%v: %v, %v", tt.scope, some, err)
			}
			for id, a := range some {
				if n, ok := a.Signals.Number(signal.Active28); !ok || n != 1 || got[id].Key != a.Key {
					t.Errorf("%+v, told as %+v", a, got[id])
				}
			}
		}
	})

	t.Run("WhatWasMeasuredIsToldOfTheScopeOnly", func(t *testing.T) {
		s := open(t)
		admit(t, s, said{id: "1", account: "acme", person: "ann", at: days(0)}, said{id: "2", account: "beta", person: "bob", at: days(0)})
		settle(t, s, days(1))
		told := func(scope cairn.Scope) (out []model.Account) {
			if err := s.Measured(ctx, scope, func(a model.Account) error { out = append(out, a); return nil }); err != nil {
				t.Fatal(err)
			}
			return out
		}
		if all := told(cairn.Everything); len(all) != 2 {
			t.Errorf("told of %+v", all)
		}
		one := told(cairn.Scope{Accounts: []cairn.AccountID{id}})
		if len(one) != 1 || one[0].ID != id || one[0].Key != "acme" {
			t.Fatalf("told of %+v", one)
		}
		if n, ok := one[0].Signals.Number(signal.Active28); !ok || n != 1 {
			t.Errorf("%v people were active, known %v", n, ok)
		}
		if none := told(cairn.Scope{}); len(none) != 0 {
			t.Errorf("who may see nothing is told of %+v", none)
		}
	})

	t.Run("AnAccountTouchedDuringItsTurnStaysDue", func(t *testing.T) {
		s := open(t)
		admit(t, s, said{id: "1", account: "acme"})
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		due, err := s.Due(ctx, epoch, 10)
		if err != nil || len(due) != 1 {
			t.Fatalf("due are %v, %v", due, err)
		}
		if again, err := s.Due(ctx, epoch, 10); err != nil || len(again) != 0 {
			t.Errorf("a leased account was given out again: %v, %v", again, err)
		}
		// Whoever waits for the next turn does not wait for one that is being taken.
		if next, err := s.NextDue(ctx); err != nil || !next.IsZero() {
			t.Errorf("with its only account leased, the next turn is due at %v, %v", next, err)
		}
		admit(t, s, said{id: "2", account: "acme"})
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		l, err := s.Load(ctx, due[0], epoch)
		if err != nil {
			t.Fatal(err)
		}
		defs, _ := defaults(ctx)
		if err := s.CommitTurns(ctx, []turn.Result{defs.Take(l, nil, epoch)}); err != nil {
			t.Fatal(err)
		}
		if due, err := s.Due(ctx, epoch, 10); err != nil || len(due) != 1 {
			t.Errorf("after the commit due are %v, %v", due, err)
		}
	})

	t.Run("APastMomentIsExplainedFromWhatHadHappenedByThen", func(t *testing.T) {
		s := open(t)
		busy(t, s, 0, 5)
		x := turn.Explainer{Store: s, Definitions: defaults, Now: func() time.Time { return days(6) }}
		noon := days(3).Add(-30 * time.Minute) // before that day's event
		before, sig, err := x.Explain(ctx, cairn.Everything, id, noon)
		if err != nil {
			t.Fatal(err)
		}
		if n, _ := sig.Number("usage.events_28d"); n != 3 {
			t.Errorf("at %v there had been %v events, want 3", noon, n)
		}
		admit(t, s, said{id: "later", account: "acme", person: "bob", at: days(5)})
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		after, _, err := x.Explain(ctx, cairn.Everything, id, noon)
		if err != nil || after.Level != before.Level {
			t.Errorf("a later event changed a past level from %v to %v, %v", before.Level, after.Level, err)
		}
	})
}
