package app

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/outcome"
)

// An OpportunityTold is one opportunity with its account.
type OpportunityTold struct {
	Key     string       `json:"opportunity"`
	Account string       `json:"account"`
	Name    string       `json:"account_name"`
	Title   string       `json:"name"`
	Type    string       `json:"type"`
	Product string       `json:"product"`
	Amount  *cairn.Money `json:"amount"`
	Stage   string       `json:"stage"`
	Why     []string     `json:"held_by,omitempty"`
	Free    bool         `json:"released"`
	Team    string       `json:"team"`
	TeamWhy string       `json:"team_why"`
	Owner   string       `json:"owner"`
	Close   string       `json:"close,omitempty"`
	Closed  string       `json:"closed,omitempty"`
}

// OpportunitiesAsked says which; empty: all.
type OpportunitiesAsked struct {
	Team  string `json:"team"`
	Stage string `json:"stage"`
}

// OpportunityList tells what customers may buy more.
var OpportunityList = Op[OpportunitiesAsked, []OpportunityTold]{"opportunities", func(ctx context.Context, h House, q OpportunitiesAsked, _ func(Progress)) ([]OpportunityTold, error) {
	for _, c := range []struct {
		name, value string
		words       []string
	}{{"team", q.Team, outcome.OpportunityTeams}, {"stage", q.Stage, outcome.OpportunityStages}} {
		if c.value != "" && !slices.Contains(c.words, c.value) {
			return nil, cairn.Errorf(cairn.Invalid, "The %s is one of %s.", c.name, strings.Join(c.words, ", ")).At(c.name)
		}
	}
	all, err := h.Opportunities.List(ctx, cairn.Everything)
	out := []OpportunityTold{}
	for _, o := range all {
		if (q.Team == "" || o.Team == q.Team) && (q.Stage == "" || o.Stage == q.Stage) {
			out = append(out, opportunityTold(o))
		}
	}
	return out, err
}}

// A SuggestionTold is what a signal of a customer suggests.
type SuggestionTold struct {
	Account string   `json:"account"`
	Name    string   `json:"account_name"`
	Signal  string   `json:"signal"`
	Value   float64  `json:"value"`
	Least   float64  `json:"at_least"`
	Reason  string   `json:"why"`
	Type    string   `json:"type"`
	Holds   []string `json:"held_by,omitempty"`
	Team    string   `json:"team"`
	TeamWhy string   `json:"team_why"`
	Owner   string   `json:"owner"`
}

// OpportunitiesSuggested tells what signals speak for.
var OpportunitiesSuggested = Op[None, []SuggestionTold]{"opportunities-suggested", func(ctx context.Context, h House, _ None, _ func(Progress)) ([]SuggestionTold, error) {
	all, err := h.Opportunities.Suggestions(ctx, cairn.Everything)
	out := []SuggestionTold{}
	for _, s := range all {
		out = append(out, SuggestionTold{s.Of.ID.String(), s.Of.Name, s.Rule.Signal, s.Value, s.Rule.Least, s.Reason(), s.Rule.Type, s.Holds, s.Team, s.TeamWhy, s.Of.Owner})
	}
	return out, err
}}

func opportunityTold(o outcome.Listed) OpportunityTold {
	t := OpportunityTold{
		Key: o.Key, Account: o.Account.String(), Name: o.Of.Name, Title: o.Name, Type: o.Type, Product: o.Product, Stage: o.Stage, Why: o.Why,
		Free: o.Free, Team: o.Team, TeamWhy: o.TeamWhy, Owner: o.Owner,
	}
	if o.Amount.Currency != "" {
		t.Amount = &o.Amount
	}
	if o.Close != 0 {
		t.Close = o.Close.String()
	}
	if o.Closed != 0 {
		t.Closed = o.Closed.String()
	}
	return t
}

// An OpportunityChange is what is written down of one; without a key it is new.
type OpportunityChange struct {
	Key     string         `json:"key"`
	Account string         `json:"account"` // of a new one: id, key, domain or name
	Change  outcome.Change `json:"change"`
}

// OpportunitySet adds or changes one and tells how it stands.
var OpportunitySet = Op[OpportunityChange, OpportunityTold]{"opportunity-set", func(ctx context.Context, h House, c OpportunityChange, _ func(Progress)) (OpportunityTold, error) {
	set := h.Opportunities.Settings()
	props, err := c.Change.Props(h.Now(), set.Zone, set.Currency)
	if err != nil {
		return OpportunityTold{}, err
	}
	rec := ingest.Record{Kind: cairn.OfOpportunity, Name: "changed", ID: "opportunity-change-" + rand.Text(), At: h.Now(), Props: props}
	if c.Key == "" {
		id, err := h.Accounts.Find(ctx, cairn.Everything, c.Account)
		if err != nil {
			return OpportunityTold{}, err
		}
		a, err := h.Accounts.Account(ctx, cairn.Everything, id)
		if err != nil {
			return OpportunityTold{}, err
		}
		c.Key = "opportunity-" + strings.ToLower(rand.Text())
		rec.Name, rec.ID, rec.In, rec.Keys = "added", c.Key, a.Space, cairn.Keys{Account: a.Key, Record: c.Key}
	} else {
		o, err := h.Opportunities.One(ctx, cairn.Everything, c.Key)
		if err != nil {
			return OpportunityTold{}, err
		}
		c.Key = o.Key
		rec.In, rec.Keys = o.Of.Space, cairn.Keys{Account: o.Of.Key, Record: o.Key}
	}
	src, err := h.Sources.Source(ctx, "cairn")
	if err != nil {
		return OpportunityTold{}, err
	}
	verdicts, err := h.Door.Admit(ctx, src, []ingest.Record{rec})
	if err != nil {
		return OpportunityTold{}, err
	}
	for _, d := range verdicts {
		if d.Status == ingest.Rejected {
			return OpportunityTold{}, cairn.Errorf(cairn.Invalid, "%s", d.Reason).At(d.Field)
		}
	}
	o, err := h.Opportunities.One(ctx, cairn.Everything, c.Key)
	return opportunityTold(o), err
}}

// OpportunityRule is what the workspace decides about them, with its revision.
type OpportunityRule struct {
	Rules outcome.Rules `json:"rules"`
	Rev   int           `json:"rev"`
	Note  string        `json:"note,omitempty"`
}

// OpportunityRules tells whose they are and what holds them back.
var OpportunityRules = Op[None, OpportunityRule]{"opportunity-rules", func(ctx context.Context, h House, _ None, _ func(Progress)) (OpportunityRule, error) {
	r, rev, err := h.Opportunities.Rules(ctx)
	return OpportunityRule{Rules: r, Rev: rev}, err
}}

// OpportunityRulesSet says it from now on, on top of the newest revision.
var OpportunityRulesSet = Op[OpportunityRule, OpportunityRule]{"opportunity-rules-set", func(ctx context.Context, h House, r OpportunityRule, _ func(Progress)) (OpportunityRule, error) {
	_, base, err := h.Opportunities.Rules(ctx)
	if err != nil {
		return r, err
	}
	r.Rev, err = h.Opportunities.SetRules(ctx, cairn.House, r.Rules, base, r.Note)
	return r, err
}}
