package revenue

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// A Stand is what one contract counts for at a moment.
type Stand struct {
	ledger.Standing
	Currency string // of MRR
	Problem  string // why it cannot be told; empty: it can
}

// Stands tells what contracts, as they stand at t, count for then under the
// policy in force; zero t is now. They are in the order of the contracts.
func (s *Service) Stands(ctx context.Context, contracts []cairn.Record, t time.Time) (ledger.Policy, []Stand, error) {
	v, err := s.view(ctx, Query{})
	if err != nil {
		return v.policy, nil, err
	}
	day := v.last
	if !t.IsZero() {
		day = min(day, cairn.DayOf(t.Add(-time.Microsecond), v.reader.Zone))
	}
	rates := ledger.NewRates(v.reader.Currency, v.rates)
	st := ledger.NewStander(v.policy, rates)
	out := make([]Stand, len(contracts))
	for i, c := range contracts {
		out[i].Currency = v.reader.Currency
		line, problem := v.reader.Line(c.ID, c.Account, factsOf(c))
		if problem == nil && line != nil {
			out[i].Standing, problem = st.On(line, day)
		}
		if problem != nil {
			out[i].Problem = problem.Text
		}
	}
	return v.policy, out, nil
}

// factsOf are what is shown of a record, as it was said.
func factsOf(r cairn.Record) []cairn.Fact {
	var out []cairn.Fact
	for name, said := range r.Fields {
		out = append(out, cairn.Fact{Kind: r.Kind, Record: r.ID, Field: name, Source: said.Source, At: said.At, Seen: said.Seen, Value: said.Value})
	}
	return out
}
