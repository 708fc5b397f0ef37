package app

import (
	"context"
	"math"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// Revenue tells the figures of recurring revenue, month by month.
var Revenue = Op[revenue.Query, revenue.Report]{"revenue", func(ctx context.Context, h House, q revenue.Query, say func(Progress)) (revenue.Report, error) {
	say(Progress{What: "Booking what every customer pays"})
	return h.Revenue.Report(ctx, cairn.Everything, q)
}}

// RevenueTerm is what counts as revenue, with its revision.
type RevenueTerm struct {
	Definitions revenue.Definitions `json:"definitions"`
	Rev         int                 `json:"rev"`
	Note        string              `json:"note,omitempty"`
}

// RevenueTerms tells what counts.
var RevenueTerms = Op[None, RevenueTerm]{"revenue-terms", func(ctx context.Context, h House, _ None, _ func(Progress)) (RevenueTerm, error) {
	d, rev, err := h.Revenue.Definitions(ctx)
	return RevenueTerm{Definitions: d, Rev: rev}, err
}}

// RevenueDefine says what counts from now on, on top of a revision.
var RevenueDefine = Op[RevenueTerm, int]{"revenue-define", func(ctx context.Context, h House, t RevenueTerm, _ func(Progress)) (int, error) {
	r, err := h.Revenue.Define(ctx, cairn.House, t.Definitions, t.Rev, t.Note)
	return r.Rev, err
}}

// A PolicyPair asks what another policy would say.
type PolicyPair struct {
	Query revenue.Query `json:"query"`
	Other string        `json:"other"`
}

// RevenueCompare tells what two policies say.
var RevenueCompare = Op[PolicyPair, revenue.Comparison]{"revenue-compare", func(ctx context.Context, h House, p PolicyPair, say func(Progress)) (revenue.Comparison, error) {
	say(Progress{What: "Booking under both policies"})
	return h.Revenue.Compare(ctx, cairn.Everything, p.Query, p.Other)
}}

// A MovementQuestion asks for movements: of some months, or of one account.
type MovementQuestion struct {
	Query   revenue.Query `json:"query"`
	Kind    ledger.Kind   `json:"kind"`    // "": all
	Account string        `json:"account"` // id, key, domain or name; "": all
	Limit   int           `json:"limit"`   // 0: all
}

// Movements are what it is answered with.
type Movements struct {
	Policy    string          `json:"policy"`
	Currency  string          `json:"currency"`
	Count     int             `json:"count"` // of all, also those beyond the limit
	Movements []revenue.Moved `json:"movements"`
}

// RevenueMovements tells movements with what caused them.
var RevenueMovements = Op[MovementQuestion, Movements]{"revenue-movements", func(ctx context.Context, h House, m MovementQuestion, say func(Progress)) (Movements, error) {
	say(Progress{What: "Booking what every customer pays"})
	if m.Limit <= 0 {
		m.Limit = math.MaxInt32
	}
	if m.Account == "" {
		got, err := h.Revenue.Movements(ctx, cairn.Everything, m.Query, m.Kind, 0, m.Limit)
		if err == nil {
			err = h.Revenue.Explain(ctx, m.Query, &got)
		}
		return Movements{got.Policy.Name, got.Currency, got.Count, got.Movements}, err
	}
	id, err := h.Accounts.Find(ctx, cairn.Everything, m.Account)
	if err != nil {
		return Movements{}, err
	}
	got, err := h.Revenue.Account(ctx, cairn.Everything, m.Query, id)
	if err == nil {
		err = h.Revenue.Explain(ctx, m.Query, &got)
	}
	out := Movements{got.Policy.Name, got.Currency, 0, []revenue.Moved{}}
	for _, one := range got.Movements {
		if month := ledger.MonthOf(one.Day); (m.Kind == "" || one.Kind == m.Kind) && (m.Query.From == 0 || month >= m.Query.From) && (m.Query.To == 0 || month <= m.Query.To) {
			if out.Count++; out.Count <= m.Limit {
				out.Movements = append(out.Movements, one)
			}
		}
	}
	return out, err
}}

// A MonthNote is a month to close or to open again, and why.
type MonthNote struct {
	Month ledger.Month `json:"month"`
	Note  string       `json:"note"`
}

// RevenueClose books a month and the open ones before it.
var RevenueClose = Op[MonthNote, []revenue.Closing]{"revenue-close", func(ctx context.Context, h House, m MonthNote, say func(Progress)) ([]revenue.Closing, error) {
	say(Progress{What: "Booking what every customer paid"})
	return h.Revenue.Close(ctx, cairn.House, m.Month, m.Note)
}}

// RevenueReopen takes that back; it tells how many months are open again.
var RevenueReopen = Op[MonthNote, int]{"revenue-reopen", func(ctx context.Context, h House, m MonthNote, _ func(Progress)) (int, error) {
	return h.Revenue.Reopen(ctx, cairn.House, m.Month, m.Note)
}}

// RevenueCorrections tells what was learnt about closed months since.
var RevenueCorrections = Op[None, revenue.Comparison]{"revenue-corrections", func(ctx context.Context, h House, _ None, _ func(Progress)) (revenue.Comparison, error) {
	return h.Revenue.Corrections(ctx, cairn.Everything)
}}

// Cohorts tells what is left of those who came, by month or by value.
var Cohorts = Op[revenue.Query, revenue.Cohorts]{"cohorts", func(ctx context.Context, h House, q revenue.Query, say func(Progress)) (revenue.Cohorts, error) {
	say(Progress{What: "Following everybody who came"})
	return h.Revenue.Cohorts(ctx, cairn.Everything, q)
}}

// Stays tells how long customers stay.
var Stays = Op[revenue.StayQuery, revenue.StayFigures]{"stays", func(ctx context.Context, h House, q revenue.StayQuery, say func(Progress)) (revenue.StayFigures, error) {
	say(Progress{What: "Looking how long everybody stayed"})
	s, err := h.Revenue.Stays(ctx, cairn.Everything, q)
	return s.Figures(), err
}}
