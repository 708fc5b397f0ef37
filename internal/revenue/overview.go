package revenue

import (
	"context"
	"slices"
	"strconv"

	"cairn"
	"cairn/internal/ledger"
)

// An Overview is what a leader looks at first: the months, what was kept, and
// what lies ahead.
type Overview struct {
	Query       Query  // with the months that were not said
	Whole       Report // all together
	By          Report // by the dimension; the same as Whole without one
	Kept        ledger.Kept
	Renewals    Payers // totals only, as Risk is
	Risk        Payers // as of now, whatever the query says of what was known
	Fields      []Field
	Definitions Definitions
}

// Overview answers all of it of the same books.
func (s *Service) Overview(ctx context.Context, scope cairn.Scope, q Query) (Overview, error) {
	out := Overview{}
	v, err := s.view(ctx, q)
	if err != nil {
		return out, err
	}
	if q = q.fill(v.last); q.Check() != nil {
		return out, q.Check()
	}
	where, err := ParseWhere(q.Where)
	if err != nil {
		return out, err
	}
	if out.Definitions, _, err = s.Definitions(ctx); err != nil {
		return out, err
	}
	risk, at, err := s.memory.risk.read(ctx, s.Store)
	if err != nil {
		return out, err
	}
	whole := q
	whole.By = ""
	whole.To = min(q.To, ledger.MonthOf(v.last))
	err = s.accounts().read(ctx, s.Store, func(fields *roster) error {
		out.Fields = slices.Clone(fields.fields)
		of := fields.among(scope, where)
		return s.open(ctx, whole, v, func(x *shelf) error {
			out.Whole = x.report(fields, scope, whole, v, of)
			if _, contract := contractField(q.By); q.By != "" && !contract {
				by := whole
				by.By = q.By
				out.By = x.report(fields, scope, by, v, of)
			}
			out.Kept = remembered(x, fields, scope, whole, "kept", func() ledger.Kept { return x.books.Kept(whole.From, whole.To, everybody(of)) })
			for f, into := range map[Figure]*Payers{OfRenewals: &out.Renewals, OfRisk: &out.Risk} {
				*into = remembered(x, fields, scope, whole, "behind "+string(f)+at+strconv.Itoa(int(v.last)), func() Payers { return x.behind(whole, f, everybody(of), risk, v.last) })
				into.List = nil
			}
			return nil
		})
	})
	if err != nil {
		return out, err
	}
	if err := s.asBooked(ctx, whole, &out.Whole); err != nil {
		return out, err
	}
	out.Query = q
	switch _, contract := contractField(q.By); {
	case q.By == "":
		out.By = out.Whole
	case contract:
		out.By, err = s.Report(ctx, scope, q)
	}
	return out, err
}

// report answers a question of the books; see [Service.Report].
func (x *shelf) report(fields *roster, scope cairn.Scope, q Query, v view, of func(cairn.AccountID) bool) Report {
	got := remembered(x, fields, scope, q, "report", func() added { return x.tell(fields, q, min(q.To, ledger.MonthOf(v.last)), of) })
	return Report{
		Policy: v.policy, Currency: x.currency, By: q.By, At: v.now,
		Groups: slices.Clone(got.groups), Contracts: got.contracts, Problems: got.problems,
	}
}
