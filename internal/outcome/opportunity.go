// Package outcome is what became of customers, and what may: opportunities to sell
// more, whose they are, and what holds them back; contracts that come up, what is
// forecast of them and how that turned out.
//
// That a contract comes up, and what became of it, is derived from what was said
// of the contract. What people say of a renewal (how likely it is, what is next,
// how it ended) are records of their own, which are matched to it.
package outcome

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
	"cairn/internal/payment"
	"cairn/internal/signal"
)

// The stages of an opportunity. Held is one that waits until the customer has
// had value, whether a person said so or the value test does.
const (
	Open = "open"
	Held = "held"
	Won  = "won"
	Lost = "lost"
)

// Dismissed is the stage of what was suggested and is not to be, for a time. It
// is no opportunity.
const Dismissed = "dismissed"

// Stages, types and teams, in the order in which they are offered.
var (
	OpportunityStages = []string{Open, Held, Won, Lost}
	OpportunityTypes  = []string{"upsell", "cross_sell", "renewal", "new"}
	OpportunityTeams  = []string{"success", "sales", "renewals"}
)

// An Opportunity is that a customer may buy more.
type Opportunity struct {
	Account cairn.AccountID
	Record  cairn.RecordID
	Key     string
	Name    string
	Type    string // upsell, cross_sell, renewal, new
	Product string
	Amount  cairn.Money // a month; no currency: not said
	Stage   string      // as it stands: see [Opportunity.judge]
	Said    string      // the stage that was said
	Team    string
	TeamWhy string // how it was chosen
	Owner   string
	Close   cairn.Day // when it is expected to be decided; 0: not said
	Closed  cairn.Day // when it was won or lost
	Why     []string  // what holds it back, in words
	Free    bool      // a person lets it go on though the test holds it back

	Suggested string    // the signal that spoke for it; empty: nobody suggested it
	Until     cairn.Day // while dismissed, the last day on which it is not suggested
}

// Rules are what a workspace decides about opportunities: whose they are, and
// when a customer has had enough value to be asked (R132).
type Rules struct {
	Teams     []TeamRule    `json:"teams"`     // the first that fits says which team
	Otherwise string        `json:"otherwise"` // the team where none does
	Test      ValueTest     `json:"test"`
	Suggest   []SuggestRule `json:"suggest"` // what speaks for buying more
}

// A TeamRule gives opportunities to a team: of a type, of an amount, or both.
type TeamRule struct {
	Type  string `json:"type,omitempty"`  // empty: any
	Least string `json:"least,omitempty"` // a month, in the workspace's currency; empty: any
	Team  string `json:"team"`
}

// A ValueTest says when a customer has not had value. A part that is absent
// holds nothing back.
type ValueTest struct {
	Level     *float64 `json:"level_below,omitempty"`
	Falling   bool     `json:"falling"`
	Escalated bool     `json:"escalated_ticket"`
	Overdue   *float64 `json:"overdue_days,omitempty"`
	Idle      *float64 `json:"idle_days,omitempty"`
}

// DefaultRules are those of a workspace that has not said otherwise: farmers
// grow customers, hunters come for large amounts, renewals have their own team.
func DefaultRules() Rules {
	level, overdue, idle := 40.0, 1.0, 28.0
	return Rules{
		Teams:     []TeamRule{{Type: "renewal", Team: "renewals"}, {Type: "new", Team: "sales"}, {Least: "1000", Team: "sales"}},
		Otherwise: "success",
		Suggest:   []SuggestRule{{signal.LicenceUse, 90, "upsell"}, {signal.ActiveChange, 25, "upsell"}},
		Test:      ValueTest{Level: &level, Falling: true, Escalated: true, Overdue: &overdue, Idle: &idle},
	}
}

// Check refuses rules that say what cannot be.
func (r Rules) Check(currency string) error {
	for i, t := range r.Teams {
		at := fmt.Sprintf("teams.%d.", i)
		if t.Type != "" && !slices.Contains(OpportunityTypes, t.Type) {
			return cairn.Errorf(cairn.Invalid, "A type is one of %s.", strings.Join(OpportunityTypes, ", ")).At(at + "type")
		}
		if !slices.Contains(OpportunityTeams, t.Team) {
			return cairn.Errorf(cairn.Invalid, "A team is one of %s.", strings.Join(OpportunityTeams, ", ")).At(at + "team")
		}
		if t.Least != "" {
			if m, err := cairn.ParseMoney(t.Least, currency); err != nil || m.Minor < 0 {
				return cairn.Errorf(cairn.Invalid, "%q is not an amount such as 1000.", t.Least).At(at + "least")
			}
		}
	}
	if !slices.Contains(OpportunityTeams, r.Otherwise) {
		return cairn.Errorf(cairn.Invalid, "A team is one of %s.", strings.Join(OpportunityTeams, ", ")).At("otherwise")
	}
	for name, v := range map[string]*float64{"level_below": r.Test.Level, "overdue_days": r.Test.Overdue, "idle_days": r.Test.Idle} {
		if v != nil && (math.IsNaN(*v) || *v < 0 || *v > 3650) {
			return cairn.Errorf(cairn.Invalid, "A border of the test is a number from 0.").At("test." + name)
		}
	}
	return checkSuggest(r.Suggest)
}

// team says whose an opportunity is, and why.
func (r Rules) team(o Opportunity, rates *ledger.Rates, day cairn.Day) (team, why string) {
	for _, t := range r.Teams {
		words := []string{}
		if t.Type != "" {
			if t.Type != o.Type {
				continue
			}
			words = append(words, "a "+strings.ReplaceAll(t.Type, "_", "-"))
		}
		if t.Least != "" {
			least, err := cairn.ParseMoney(t.Least, rates.Home)
			home, known := rates.Into(o.Amount, day)
			if err != nil || !known || o.Amount.Currency == "" || home < least.Minor {
				continue
			}
			words = append(words, t.Least+" "+rates.Home+" a month or more")
		}
		return t.Team, strings.Join(words, " of ")
	}
	return r.Otherwise, "as no rule says otherwise"
}

// Holds says in words what of the test an account does not fulfil. What is not
// known holds nothing back.
func (t ValueTest) Holds(v cairn.Vector, s cairn.Signals) (out []string) {
	level := float64(v.Level) / 1000
	if t.Level != nil && v.Known && level < *t.Level {
		out = append(out, fmt.Sprintf("the level is %d, below %g", v.Level.Round(), *t.Level))
	}
	if t.Falling && v.Way == cairn.Falling {
		out = append(out, fmt.Sprintf("it is falling by %d points in 30 days", -v.Slope.Round()))
	}
	if n, _ := s.Number(signal.EscalatedOpen); t.Escalated && n > 0 {
		out = append(out, plural(n, "escalated ticket is", "escalated tickets are")+" open")
	}
	if n, ok := s.Number(signal.Overdue); t.Overdue != nil && ok && n > 0 && n >= *t.Overdue {
		out = append(out, "an invoice is "+plural(n, "day", "days")+" overdue")
	}
	if n, ok := s.Number(signal.SinceActivity); t.Idle != nil && ok && n >= *t.Idle {
		out = append(out, "nobody has used the product for "+plural(n, "day", "days"))
	}
	return out
}

func plural(n float64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%g %s", n, many)
}

// judge says how an opportunity stands: what was said, but that one that is open
// is held while the account does not fulfil the test, unless a person lets it go
// on. It lifts by itself.
func (o *Opportunity) judge(t ValueTest, v cairn.Vector, s cairn.Signals) {
	if o.Stage != Open {
		return
	}
	if o.Why = t.Holds(v, s); len(o.Why) > 0 && !o.Free {
		o.Stage = Held
	}
}

// ReadOpportunity reads what was said of one.
func ReadOpportunity(said payment.Stated, p cairn.Precedence, zone *time.Location, currency string) Opportunity {
	rec := cairn.Record{Fields: p.Choose(said.Facts, time.Time{})}
	day := func(field string) cairn.Day {
		t, ok := rec.Time(field)
		if !ok {
			return 0
		}
		if len(rec.Text(field)) == len(time.DateOnly) {
			return cairn.DayOf(t, time.UTC)
		}
		return cairn.DayOf(t, zone)
	}
	o := Opportunity{
		Account: said.Account, Record: said.Record, Key: said.Key, Name: rec.Text("name"), Type: rec.Text("type"), Product: rec.Text("product"),
		Stage: cmp.Or(rec.Text("stage"), Open), Team: rec.Text("team"), Owner: strings.ToLower(rec.Text("owner")), Close: day("close"), Closed: day("closed"), Free: rec.Bool("released"),
	}
	o.Said, o.Suggested, o.Until = o.Stage, rec.Text("suggested"), day("until")
	o.Amount, _ = rec.Money("amount", currency)
	if held := rec.Text("held"); o.Stage == Held {
		o.Why = []string{cmp.Or(held, "held back by hand")}
	}
	return o
}

// Opportunities is what pages and commands ask about them.
type Opportunities struct {
	Store interface {
		Stated(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, fields []string, f func(payment.Stated) error) error
	}
	Accounts interface {
		// Measures returns those of the accounts that the scope sees, with
		// the signals of their last turn.
		Measures(ctx context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error)
		// EachCustomer calls f with each customer of the scope that was
		// measured, in the order of ids.
		EachCustomer(ctx context.Context, scope cairn.Scope, f func(cairn.Account) error) error
	}
	Book     book.Store
	Settings func() payment.Settings
	Now      func() time.Time

	hearing hearing
}

// OpportunityPage is the book's page of the rules.
const OpportunityPage = "expansion"

// Rules returns what is in force, and its revision; 0: as Cairn comes.
func (s *Opportunities) Rules(ctx context.Context) (Rules, int, error) {
	r, err := s.Book.Page(ctx, OpportunityPage)
	if err != nil && cairn.KindOf(err) == cairn.NotFound {
		return DefaultRules(), 0, nil
	}
	if err != nil {
		return Rules{}, 0, err
	}
	out := Rules{Suggest: DefaultRules().Suggest} // of rules from before there were any
	return out, r.Rev, json.Unmarshal(r.Body, &out)
}

// SetRules writes them down, on top of a revision.
func (s *Opportunities) SetRules(ctx context.Context, by cairn.Actor, r Rules, base int, note string) (int, error) {
	if err := r.Check(s.Settings().Currency); err != nil {
		return 0, err
	}
	body, err := json.Marshal(r)
	if err != nil {
		return 0, err
	}
	rev, err := s.Book.Write(ctx, by, OpportunityPage, base, body, note, s.Now())
	return rev.Rev, err
}

// A Listed is an opportunity with its account.
type Listed struct {
	Opportunity
	Of cairn.Account
}

// List returns all opportunities of the scope: what is not decided first, by the
// day on which it is to be, then what was, the latest first.
func (s *Opportunities) List(ctx context.Context, scope cairn.Scope) ([]Listed, error) {
	rules, _, err := s.Rules(ctx)
	if err != nil {
		return nil, err
	}
	set := s.Settings()
	zone := set.Zone
	if zone == nil {
		zone = time.UTC
	}
	said, err := s.said(ctx, scope, set, zone)
	if err != nil {
		return nil, err
	}
	said = slices.DeleteFunc(said, func(o Opportunity) bool { return o.Said == Dismissed })
	ids := make([]cairn.AccountID, 0, len(said))
	for _, o := range said {
		ids = append(ids, o.Account)
	}
	slices.SortFunc(ids, func(a, b cairn.AccountID) int { return slices.Compare(a.ID[:], b.ID[:]) })
	known, err := s.Accounts.Measures(ctx, scope, slices.Compact(ids))
	if err != nil {
		return nil, err
	}
	rates, today := ledger.NewRates(set.Currency, set.Rates), cairn.DayOf(s.Now(), zone)
	out := make([]Listed, len(said))
	for i, o := range said {
		a := known[o.Account]
		o.judge(rules.Test, a.Vector, a.Signals)
		if o.Team != "" {
			o.TeamWhy = "chosen by hand"
		} else {
			o.Team, o.TeamWhy = rules.team(o, rates, today)
		}
		o.Owner = cmp.Or(o.Owner, a.Owner)
		out[i] = Listed{o, a}
	}
	slices.SortStableFunc(out, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(a.decided(), b.decided()), cmp.Compare(a.order(), b.order()), cmp.Compare(a.Key, b.Key))
	})
	return out, nil
}

// said reads all opportunities of the scope as they were said, and what was
// dismissed.
func (s *Opportunities) said(ctx context.Context, scope cairn.Scope, set payment.Settings, zone *time.Location) (out []Opportunity, err error) {
	err = s.Store.Stated(ctx, scope, cairn.OfOpportunity, nil, func(x payment.Stated) error {
		out = append(out, ReadOpportunity(x, set.Precedence, zone, set.Currency))
		return nil
	})
	return out, err
}

func (o Opportunity) decided() int {
	if o.Stage == Won || o.Stage == Lost {
		return 1
	}
	return 0
}

func (o Opportunity) order() int64 {
	switch {
	case o.decided() == 1:
		return -int64(o.Closed)
	case o.Close == 0:
		return math.MaxInt64
	}
	return int64(o.Close)
}

// One returns one opportunity by its key or id.
func (s *Opportunities) One(ctx context.Context, scope cairn.Scope, key string) (Listed, error) {
	all, err := s.List(ctx, scope)
	if err != nil {
		return Listed{}, err
	}
	for _, o := range all {
		if o.Key == key || o.Record.String() == key {
			return o, nil
		}
	}
	return Listed{}, cairn.Errorf(cairn.NotFound, "There is no opportunity %q.", key).At("opportunity")
}

// Sum adds up amounts a month by currency, and never across.
func Sum(list []Listed) (out []cairn.Money) {
	for _, o := range list {
		if o.Amount.Currency == "" {
			continue
		}
		i := slices.IndexFunc(out, func(m cairn.Money) bool { return m.Currency == o.Amount.Currency })
		if i < 0 {
			i = len(out)
			out = append(out, cairn.Money{Currency: o.Amount.Currency})
		}
		out[i].Minor += o.Amount.Minor
	}
	slices.SortFunc(out, func(a, b cairn.Money) int { return cmp.Compare(a.Currency, b.Currency) })
	return out
}

// A Change is what a person writes down of an opportunity; nil leaves a field
// as it is, empty clears it.
type Change struct {
	Name, Type, Product, Amount, Currency, Stage, Team, Owner, Close, Held, Why *string
	Release                                                                     *bool
}

// Props returns the patch of a change, or what of it must be corrected.
func (c Change) Props(now time.Time, zone *time.Location, currency string) (map[string]any, error) {
	p := map[string]any{}
	one := func(field string, v *string, words []string) error {
		if v == nil {
			return nil
		}
		if p[field] = any(*v); *v == "" {
			p[field] = nil
			return nil
		}
		if words != nil && !slices.Contains(words, *v) {
			return cairn.Errorf(cairn.Invalid, "The %s is one of %s.", field, strings.Join(words, ", ")).At(field)
		}
		if len(*v) > 300 && words == nil && field != "why" {
			return cairn.Errorf(cairn.TooLarge, "The %s has at most 300 characters.", field).At(field)
		}
		return nil
	}
	for _, f := range []struct {
		name  string
		v     *string
		words []string
	}{
		{"name", c.Name, nil}, {"type", c.Type, OpportunityTypes}, {"product", c.Product, nil}, {"currency", c.Currency, nil}, {"amount", c.Amount, nil},
		{"stage", c.Stage, OpportunityStages}, {"team", c.Team, OpportunityTeams}, {"owner", c.Owner, nil}, {"close", c.Close, nil}, {"held", c.Held, nil}, {"why", c.Why, nil},
	} {
		if err := one(f.name, f.v, f.words); err != nil {
			return nil, err
		}
	}
	if c.Amount != nil && *c.Amount != "" {
		if c.Currency != nil && *c.Currency != "" {
			currency = *c.Currency
		}
		if m, err := cairn.ParseMoney(*c.Amount, currency); err != nil || m.Minor < 0 {
			return nil, cairn.Errorf(cairn.Invalid, "%q is not an amount a month, such as 120 or 99.50.", *c.Amount).At("amount")
		}
	}
	if c.Close != nil && *c.Close != "" {
		if _, err := time.Parse(time.DateOnly, *c.Close); err != nil {
			return nil, cairn.Errorf(cairn.Invalid, "%q is not a day such as 2026-03-31.", *c.Close).At("close")
		}
	}
	if c.Stage != nil {
		p["closed"] = nil
		if *c.Stage == Won || *c.Stage == Lost {
			p["closed"] = cairn.DayOf(now, zone).String()
		}
		if *c.Stage == Held && (c.Held == nil || strings.TrimSpace(*c.Held) == "") {
			return nil, cairn.Errorf(cairn.Invalid, "Say why it is held back.").At("held")
		}
	}
	if c.Release != nil {
		if p["released"] = *c.Release; *c.Release && (c.Why == nil || strings.TrimSpace(*c.Why) == "") {
			return nil, cairn.Errorf(cairn.Invalid, "Say why the customer may be asked all the same.").At("why")
		}
	}
	if len(p) == 0 {
		return nil, cairn.Errorf(cairn.Invalid, "Say what changes.")
	}
	return p, nil
}
