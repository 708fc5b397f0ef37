package revenue

import (
	"context"

	"cairn"
	"cairn/internal/ledger"
)

// narrow opens the books for a question, told apart by its dimension or not,
// and fills in its months: those that have begun.
func (s *Service) narrow(ctx context.Context, scope cairn.Scope, q *Query, f func(v view, x *shelf, fields *roster, of func(cairn.AccountID) bool)) error {
	v, err := s.view(ctx, *q)
	if err != nil {
		return err
	}
	if *q = q.fill(v.last); q.Check() != nil {
		return q.Check()
	}
	where, err := ParseWhere(q.Where)
	if err != nil {
		return err
	}
	q.To = min(q.To, ledger.MonthOf(v.last))
	return s.look(ctx, scope, *q, v, where, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		f(v, x, fields, of)
		return nil
	})
}

// each calls f with the movements of every customer that counts, and with the
// value of the dimension that they belong to. By a field of contracts there are
// books for each value, so that f may be called several times for one customer.
// Results are only lent.
func (x *shelf) each(fields *roster, q Query, of func(cairn.AccountID) bool, f func(value string, r *ledger.Result)) {
	let := everybody(of)
	if x.by != "" {
		for value, books := range x.parts {
			books.Each(func(r *ledger.Result) {
				if len(r.Movements) > 0 && let(r.Account) {
					f(value, r)
				}
			})
		}
		return
	}
	x.books.Each(func(r *ledger.Result) {
		switch {
		case len(r.Movements) == 0 || !let(r.Account):
		case q.By == "":
			f("", r)
		default:
			f(fields.value(q.By, r.Account), r)
		}
	})
}

// called calls f with what tells the names of accounts.
func (s *Service) called(ctx context.Context, f func(name func(cairn.AccountID) string)) error {
	return s.accounts().read(ctx, s.Store, func(fields *roster) error {
		f(fields.name)
		return nil
	})
}

// Shown calls f with what tells the fields of accounts, as they are shown.
func (s *Service) Shown(ctx context.Context, f func(value func(field string, a cairn.AccountID) string) error) error {
	return s.accounts().read(ctx, s.Store, func(fields *roster) error { return f(fields.value) })
}
