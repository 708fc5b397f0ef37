package outcome

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/payment"
	"cairn/internal/signal"
)

var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

// A shop is the store of a few opportunities, their accounts and the book.
type shop struct {
	book.Store
	said     []payment.Stated
	accounts map[cairn.AccountID]cairn.Account
	pages    []book.Revision
	asked    int // how often accounts were asked for
}

func (s *shop) Stated(_ context.Context, scope cairn.Scope, _ cairn.EventKind, _ []string, f func(payment.Stated) error) error {
	for _, x := range s.said {
		if scope.Sees(x.Account) {
			if err := f(x); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shop) Measures(_ context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	s.asked++
	out := map[cairn.AccountID]cairn.Account{}
	for _, id := range ids {
		if scope.Sees(id) {
			out[id] = s.accounts[id]
		}
	}
	return out, nil
}

func (s *shop) EachCustomer(_ context.Context, scope cairn.Scope, f func(cairn.Account) error) error {
	for id, a := range s.accounts {
		if scope.Sees(id) {
			if err := f(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func (s *shop) Page(context.Context, string) (book.Revision, error) {
	if len(s.pages) == 0 {
		return book.Revision{}, cairn.Errorf(cairn.NotFound, "There is no such page.")
	}
	return s.pages[len(s.pages)-1], nil
}

func (s *shop) Write(_ context.Context, _ cairn.Actor, page string, base int, body json.RawMessage, _ string, _ time.Time) (book.Revision, error) {
	r := book.Revision{Page: page, Rev: base + 1, Body: body}
	s.pages = append(s.pages, r)
	return r, nil
}

func (s *shop) say(key, fields string, at time.Time) {
	id := cairn.Space("").Account("acme")
	var props map[string]json.RawMessage
	if err := json.Unmarshal([]byte(fields), &props); err != nil {
		panic(err)
	}
	i := slices.IndexFunc(s.said, func(x payment.Stated) bool { return x.Key == key })
	if i < 0 {
		i = len(s.said)
		s.said = append(s.said, payment.Stated{Kind: cairn.OfOpportunity, Account: id, Record: cairn.Space("").Record(cairn.OfOpportunity, key), Key: key})
	}
	for name, v := range props {
		if string(v) == "null" {
			v = nil
		}
		s.said[i].Facts = append(s.said[i].Facts, cairn.Fact{Field: name, Source: "cairn", At: at, Seen: at, Event: cairn.EventID{ID: cairn.HashID(fields)}, Value: v})
	}
}

// healthy is an account that has had value.
func (s *shop) healthy() *cairn.Account {
	a := cairn.Account{
		ID: cairn.Space("").Account("acme"), Key: "acme", Owner: "ana@x.example", Vector: cairn.Vector{Known: true, Level: 80_000, Way: cairn.Steady},
		Signals: cairn.Signals{signal.SinceActivity: {Known: true, Number: 1}, signal.Overdue: {Known: true}},
	}
	s.accounts = map[cairn.AccountID]cairn.Account{a.ID: a}
	return &a
}

func (s *shop) one(t *testing.T, key string) Listed {
	t.Helper()
	o, err := s.service().One(context.Background(), cairn.Everything, key)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func (s *shop) service() *Opportunities {
	return &Opportunities{Store: s, Accounts: s, Book: s, Now: func() time.Time { return noon }, Settings: func() payment.Settings {
		return payment.Settings{Zone: time.UTC, Currency: "EUR"}
	}}
}

func TestAnOpportunityIsHeldWhileTheCustomerHasNoValueAndLiftsByItself(t *testing.T) {
	for _, tt := range []struct {
		name string
		make func(a *cairn.Account)
		why  []string
	}{
		{"all is well", func(*cairn.Account) {}, nil},
		{"a low level", func(a *cairn.Account) { a.Vector.Level = 39_000 }, []string{"the level is 39, below 40"}},
		{"at the border", func(a *cairn.Account) { a.Vector.Level = 40_000 }, nil},
		{"falling", func(a *cairn.Account) { a.Vector.Way, a.Vector.Slope = cairn.Falling, -9_000 }, []string{"it is falling by 9 points in 30 days"}},
		{"an escalated ticket", func(a *cairn.Account) { a.Signals[signal.EscalatedOpen] = cairn.Signal{Known: true, Number: 1} }, []string{"1 escalated ticket is open"}},
		{"a late payment", func(a *cairn.Account) { a.Signals[signal.Overdue] = cairn.Signal{Known: true, Number: 12} }, []string{"an invoice is 12 days overdue"}},
		{"no use", func(a *cairn.Account) { a.Signals[signal.SinceActivity] = cairn.Signal{Known: true, Number: 28} }, []string{"nobody has used the product for 28 days"}},
		{"nothing is known", func(a *cairn.Account) { *a = cairn.Account{ID: a.ID, Vector: cairn.Vector{Way: cairn.Unknown}} }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &shop{}
			a := s.healthy()
			tt.make(a)
			s.accounts[a.ID] = *a
			s.say("o", `{"type":"upsell","amount":"100"}`, noon)
			o := s.one(t, "o")
			stage := Open
			if len(tt.why) > 0 {
				stage = Held
			}
			if diff := cmp.Diff(tt.why, o.Why); diff != "" || o.Stage != stage {
				t.Errorf("it is %s (-want +got):\n%s", o.Stage, diff)
			}
			s.say("o", `{"released":true}`, noon.Add(time.Minute))
			if o = s.one(t, "o"); o.Stage != Open || len(o.Why) != len(tt.why) {
				t.Errorf("let go it is %s, %v", o.Stage, o.Why)
			}
			s.healthy()
			s.say("o", `{"released":null}`, noon.Add(2*time.Minute))
			if o = s.one(t, "o"); o.Stage != Open {
				t.Errorf("with value it is %s", o.Stage)
			}
		})
	}
}

func TestWhatAPersonSaysOfItsStageStands(t *testing.T) {
	s := &shop{}
	a := s.healthy()
	a.Vector.Level = 10_000
	s.accounts[a.ID] = *a
	s.say("won", `{"stage":"won","closed":"2026-03-01"}`, noon)
	s.say("held", `{"stage":"held","held":"wait for the roll-out"}`, noon)
	if o := s.one(t, "won"); o.Stage != Won || o.Why != nil {
		t.Errorf("%+v", o.Opportunity)
	}
	if o := s.one(t, "held"); o.Stage != Held || o.Why[0] != "wait for the roll-out" {
		t.Errorf("%+v", o.Opportunity)
	}
}

func TestTheRulesSayWhoseAnOpportunityIs(t *testing.T) {
	s := &shop{}
	s.healthy()
	s.say("small", `{"type":"upsell","amount":"999.99"}`, noon)
	s.say("large", `{"type":"upsell","amount":"1000"}`, noon)
	s.say("renewal", `{"type":"renewal","amount":"5000"}`, noon)
	s.say("foreign", `{"type":"upsell","amount":"5000","currency":"USD"}`, noon) // no rate: not known to be large
	s.say("by hand", `{"type":"renewal","team":"sales","owner":"Bo@x.example"}`, noon)
	for key, want := range map[string]string{
		"small": "success, as no rule says otherwise, ana@x.example", "large": "sales, 1000 EUR a month or more, ana@x.example", "renewal": "renewals, a renewal, ana@x.example",
		"foreign": "success, as no rule says otherwise, ana@x.example", "by hand": "sales, chosen by hand, bo@x.example",
	} {
		o := s.one(t, key)
		if got := o.Team + ", " + o.TeamWhy + ", " + o.Owner; got != want {
			t.Errorf("%s: %q, want %q", key, got, want)
		}
	}
	rules := DefaultRules()
	rules.Teams, rules.Otherwise = nil, "sales"
	if _, err := s.service().SetRules(context.Background(), cairn.House, rules, 0, ""); err != nil {
		t.Fatal(err)
	}
	if o := s.one(t, "small"); o.Team != "sales" {
		t.Errorf("after the change: %s", o.Team)
	}
}

func TestRulesThatCannotBeAreRefused(t *testing.T) {
	for field, change := range map[string]func(r *Rules){
		"teams.0.team": func(r *Rules) { r.Teams[0].Team = "hunters" }, "teams.0.type": func(r *Rules) { r.Teams[0].Type = "luck" },
		"teams.0.least": func(r *Rules) { r.Teams[0].Least = "much" }, "otherwise": func(r *Rules) { r.Otherwise = "" },
		"test.level_below": func(r *Rules) { v := -1.0; r.Test.Level = &v },
		"suggest.0.signal": func(r *Rules) { r.Suggest[0].Signal = "luck" }, "suggest.1.signal": func(r *Rules) { r.Suggest[1].Signal = r.Suggest[0].Signal },
		"suggest.0.type": func(r *Rules) { r.Suggest[0].Type = "" }, "suggest.0.at_least": func(r *Rules) { r.Suggest[0].Least = math.NaN() },
	} {
		r := DefaultRules()
		change(&r)
		err, _ := r.Check("EUR").(*cairn.Error)
		if err == nil || err.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestAChangeNamesWhatMustBeCorrected(t *testing.T) {
	text := func(s string) *string { return &s }
	yes := true
	for _, tt := range []struct {
		field string
		c     Change
	}{
		{"type", Change{Type: text("luck")}}, {"stage", Change{Stage: text("perhaps")}}, {"team", Change{Team: text("hunters")}},
		{"amount", Change{Amount: text("much")}}, {"amount", Change{Amount: text("-5")}}, {"amount", Change{Amount: text("1.005")}}, {"close", Change{Close: text("soon")}},
		{"held", Change{Stage: text(Held)}}, {"why", Change{Release: &yes}}, {"", Change{}}, {"name", Change{Name: text(strings.Repeat("x", 301))}},
	} {
		_, err := tt.c.Props(noon, time.UTC, "EUR")
		e, ok := err.(*cairn.Error)
		if !ok || e.Field != tt.field {
			t.Errorf("%+v: %v, want the field %q", tt.c, err, tt.field)
		}
	}
	p, err := Change{Stage: text(Won), Owner: text("")}.Props(noon, time.UTC, "EUR")
	if want := map[string]any{"stage": "won", "closed": "2026-03-31", "owner": nil}; err != nil || cmp.Diff(want, p) != "" {
		t.Errorf("%v, %v", p, err)
	}
}

func TestAmountsAreAddedByCurrency(t *testing.T) {
	s := &shop{}
	s.healthy()
	for i, fields := range []string{`{"amount":"1.50"}`, `{"amount":"2"}`, `{"amount":"7","currency":"USD"}`, `{}`} {
		s.say(fmt.Sprint(i), fields+"", noon)
	}
	list, err := s.service().List(context.Background(), cairn.Everything)
	if want := []cairn.Money{{Minor: 350, Currency: "EUR"}, {Minor: 700, Currency: "USD"}}; err != nil || cmp.Diff(want, Sum(list)) != "" {
		t.Errorf("%v, %v", Sum(list), err)
	}
}
