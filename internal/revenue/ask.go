package revenue

import (
	"context"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

// A Moved is one movement of one account.
type Moved struct {
	Account cairn.AccountID `json:"account"`
	Name    string          `json:"name"`
	Day     cairn.Day       `json:"day"`
	Kind    ledger.Kind     `json:"kind"`
	Amount  int64           `json:"amount"` // minor units
	Since   cairn.Day       `json:"since"`  // when the customer had come
}

// A Picked is a part of the movements behind a figure.
type Picked struct {
	Movements []Moved // the largest first
	Count     int     // of all
	Sum       int64   // of all
	Accounts  int
	Currency  string
	Policy    ledger.Policy
}

// Movements returns the movements behind a figure: those of a kind ("": all) in
// the months that q asks for, at most so many.
func (s *Service) Movements(ctx context.Context, scope cairn.Scope, q Query, kind ledger.Kind, limit int) (Picked, error) {
	var out Picked
	err := s.ask(ctx, &q, func(v view, f *folio) error {
		out.Currency, out.Policy = f.currency, v.policy
		from, to := q.From.First(), q.To.Last()
		f.books.Each(func(r *ledger.Result) {
			if !scope.Sees(r.Account) {
				return
			}
			any := false
			for _, m := range r.Movements {
				if m.Day < from || m.Day > to || kind != "" && m.Kind != kind {
					continue
				}
				any = true
				out.Count++
				out.Sum += m.Amount
				out.Movements = append(out.Movements, Moved{Account: r.Account, Day: m.Day, Kind: m.Kind, Amount: m.Amount, Since: m.Since})
			}
			if any {
				out.Accounts++
			}
		})
		return nil
	})
	if err != nil {
		return out, err
	}
	slices.SortFunc(out.Movements, func(a, b Moved) int {
		if a.Amount != b.Amount {
			if a.Amount > b.Amount {
				return -1
			}
			return 1
		}
		return slices.Compare(a.Account.ID[:], b.Account.ID[:])
	})
	out.Movements = out.Movements[:min(limit, len(out.Movements))]
	names, err := s.Store.Traits(ctx, scope, "name")
	for i, m := range out.Movements {
		if out.Movements[i].Name = names[m.Account]; out.Movements[i].Name == "" {
			out.Movements[i].Name = m.Account.String()
		}
	}
	return out, err
}

// Kept returns what was left at the end of the months that q asks for of those
// who were customers before them.
func (s *Service) Kept(ctx context.Context, scope cairn.Scope, q Query) (out ledger.Kept, err error) {
	err = s.ask(ctx, &q, func(_ view, f *folio) error {
		out = f.books.Kept(q.From, q.To, scope.Sees)
		return nil
	})
	return out, err
}

// Cohorts returns customers by the month in which they came, with the currency
// of what they pay.
func (s *Service) Cohorts(ctx context.Context, scope cairn.Scope, q Query) (out []ledger.Cohort, currency string, err error) {
	err = s.ask(ctx, &q, func(v view, f *folio) error {
		currency = f.currency
		out = f.books.Cohorts(q.From, min(q.To, ledger.MonthOf(v.last)), scope.Sees).Rows()
		return nil
	})
	return out, currency, err
}

// ask opens the books for a question and fills in its months.
func (s *Service) ask(ctx context.Context, q *Query, f func(view, *folio) error) error {
	v, err := s.view(ctx, *q)
	if err != nil {
		return err
	}
	if *q = q.fill(v.last); q.Check() != nil {
		return q.Check()
	}
	mark, err := s.Store.ContractsMark(ctx)
	if err != nil {
		return err
	}
	return s.open(ctx, *q, v, mark, func(b *folio) error { return f(v, b) })
}

// Dimensions are the fields of accounts by which figures can be told, most
// telling first, that any account has.
func Dimensions() []string {
	return strings.Fields("owner industry plan country segment tier status product currency")
}
