package revenue

import (
	"context"

	"cairn"
	"cairn/internal/ledger"
)

// A ChurnReport is who left, month by month, on both bases.
type ChurnReport struct {
	Policy    ledger.Policy    `json:"policy"`
	Currency  string           `json:"currency"`
	By        string           `json:"by"`
	Today     cairn.Day        `json:"today"` // the day it is of
	Groups    []ChurnGroup     `json:"groups"`
	Contracts int              `json:"contracts"`
	Problems  []ledger.Problem `json:"problems"` // contracts that are left out
}

// A ChurnGroup is one value of the dimension: the months that were asked for,
// and as many before them, to compare with.
type ChurnGroup struct {
	Value  string             `json:"value"`
	Before []ledger.Attrition `json:"before"`
	Months []ledger.Attrition `json:"months"`
}

// Months returns the figures of a group month by month, each beside the month
// before it.
func (r ChurnReport) Months(g ChurnGroup) []ledger.AttritionFigures {
	out := []ledger.AttritionFigures{}
	before := ledger.Attrition{}
	if n := len(g.Before); n > 0 {
		before = g.Before[n-1]
	}
	for _, m := range g.Months {
		out = append(out, r.of(g, m.Figures(before, r.Currency, r.Today)))
		before = m
	}
	return out
}

// Together returns the figures of all months of a group together, beside as
// many months before them.
func (r ChurnReport) Together(g ChurnGroup) ledger.AttritionFigures {
	return r.of(g, ledger.TotalAttrition(g.Months).Figures(ledger.TotalAttrition(g.Before), r.Currency, r.Today))
}

func (r ChurnReport) of(g ChurnGroup, f ledger.AttritionFigures) ledger.AttritionFigures {
	if r.By != "" {
		f.By, f.Value = r.By, &g.Value
	}
	return f
}

// Churn returns who left in the months that q asks for, and in as many before
// them.
func (s *Service) Churn(ctx context.Context, scope cairn.Scope, q Query) (ChurnReport, error) {
	v, err := s.view(ctx, q)
	if err != nil {
		return ChurnReport{}, err
	}
	if q = q.fill(v.last); q.Check() != nil {
		return ChurnReport{}, q.Check()
	}
	q.To, q.Booked = min(q.To, ledger.MonthOf(v.last)), false
	wide := q
	if wide.From -= max(0, q.To-q.From+1); wide.Check() != nil {
		wide.From = q.From
	}
	sums, err := s.Report(ctx, scope, wide)
	if err != nil {
		return ChurnReport{}, err
	}
	tallies, err := s.attrition(ctx, scope, wide, v, sums.Currency)
	if err != nil {
		return ChurnReport{}, err
	}
	r := ChurnReport{Policy: sums.Policy, Currency: sums.Currency, By: q.By, Today: v.last, Contracts: sums.Contracts, Problems: sums.Problems, Groups: []ChurnGroup{}}
	for _, g := range sums.Groups {
		months := tallies(g.Value).Months(g.Months)
		n := min(max(0, int(q.From-wide.From)), len(months))
		r.Groups = append(r.Groups, ChurnGroup{g.Value, months[:n], months[n:]})
	}
	return r, nil
}

// tallies are attrition by the value of a dimension. Nobody changes those that
// are remembered.
type tallies map[string]*ledger.AttritionTally

// of returns the tally of a value, to be added to.
func (t tallies) of(q Query, value string) *ledger.AttritionTally {
	if t[value] == nil {
		t[value] = ledger.NewAttritionTally(q.From, q.To)
	}
	return t[value]
}

// attrition adds up what sums leave out, group by group.
func (s *Service) attrition(ctx context.Context, scope cairn.Scope, q Query, v view, currency string) (func(string) *ledger.AttritionTally, error) {
	where, err := ParseWhere(q.Where)
	if err != nil {
		return nil, err
	}
	var out tallies
	field, contract := OfContracts(q.By)
	err = s.look(ctx, scope, q, v, where, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		if contract {
			out, err = s.attritionOfLines(ctx, scope, q, field, v, currency, in(x, of))
			return err
		}
		out, err = rememberedOr(x, fields, scope, q, "attrition", func() (tallies, error) { return s.tallies(ctx, x, fields, q, v, currency, of) })
		return err
	})
	return func(value string) *ledger.AttritionTally {
		if t := out[value]; t != nil {
			return t
		}
		return ledger.NewAttritionTally(q.From, q.To)
	}, err
}

// in returns those with a contract who count.
func in(x *shelf, of func(cairn.AccountID) bool) map[cairn.AccountID]bool {
	out, let := map[cairn.AccountID]bool{}, everybody(of)
	x.books.Each(func(r *ledger.Result) {
		if let(r.Account) {
			out[r.Account] = true
		}
	})
	return out
}

// tallies adds up attrition by a field of accounts, or of all together.
func (s *Service) tallies(ctx context.Context, x *shelf, fields *roster, q Query, v view, currency string, of func(cairn.AccountID) bool) (tallies, error) {
	out, let := tallies{}, everybody(of)
	value := func(a cairn.AccountID) string {
		if q.By == "" {
			return ""
		}
		return fields.value(q.By, a)
	}
	x.books.Each(func(r *ledger.Result) {
		if let(r.Account) {
			out.of(q, value(r.Account)).Add(r)
		}
	})
	return out, s.cameUp(ctx, v, currency, func(a cairn.AccountID, ups []ledger.Up) {
		if _, booked := x.books.Of(a); booked && let(a) {
			out.of(q, value(a)).CameUp(ups)
		}
	})
}

// attritionOfLines adds up by a field of contracts, each value of which has a
// ledger of its own.
func (s *Service) attritionOfLines(ctx context.Context, scope cairn.Scope, q Query, field string, v view, currency string, in map[cairn.AccountID]bool) (tallies, error) {
	d := ledger.NewDeriver(v.policy, ledger.NewRates(currency, v.rates), v.last)
	v.stands = true
	out := tallies{}
	var r ledger.Result
	return out, s.customers(ctx, scope, v, func(*ledger.Problem) {}, func(c customer) {
		if !in[c.account] {
			return
		}
		for value, lines := range c.split(field) {
			d.Derive(lines, &r)
			out.of(q, value).Add(&r)
			out.of(q, value).CameUp(d.Ups(lines, nil))
		}
	})
}

// Each calls f with the movements of every customer of the scope, without
// their causes, and tells the currency they are in, the policy, and the last
// day that is looked at. What f is given is only lent.
func (s *Service) Each(ctx context.Context, scope cairn.Scope, q Query, f func(*ledger.Result)) (currency string, p ledger.Policy, last cairn.Day, err error) {
	v, err := s.ask(ctx, scope, &q, func(x *shelf, _ *roster, of func(cairn.AccountID) bool) error {
		currency = x.currency
		if scope.All {
			let := everybody(of)
			x.books.Each(func(r *ledger.Result) {
				if let(r.Account) {
					f(r)
				}
			})
			return nil
		}
		for _, a := range scope.Accounts {
			if r, ok := x.books.Of(a); ok && everybody(of)(a) {
				f(&r)
			}
		}
		return nil
	})
	return currency, v.policy, v.last, err
}

// OfContracts returns the field of contracts that a dimension names, and false
// where it names one of accounts.
func OfContracts(by string) (field string, ok bool) {
	if field, ok = contractField(by); !ok {
		return "", false
	}
	return field, true
}
