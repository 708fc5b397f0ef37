package revenue

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

// A Comparison is what two policies say of the same months.
type Comparison struct {
	A        ledger.Policy    `json:"a"`
	B        ledger.Policy    `json:"b"`
	Currency string           `json:"currency"`
	MonthsA  []ledger.Figures `json:"months_a"`
	MonthsB  []ledger.Figures `json:"months_b"`
	Accounts int              `json:"accounts"` // about which they differ
	Differ   []Difference     `json:"differ"`   // the first of them, month by month
}

// A Difference is what two policies say of one account in one month.
type Difference struct {
	Account cairn.AccountID `json:"account"`
	Name    string          `json:"name"`
	Month   string          `json:"month"`
	A       string          `json:"a"` // such as "churn 100.00"; "–": nothing
	B       string          `json:"b"`
}

// most is how many differences are named.
const most = 200

// Compare tells what another policy would say, and about which accounts.
func (s *Service) Compare(ctx context.Context, scope cairn.Scope, q Query, other string) (Comparison, error) {
	out := Comparison{MonthsA: []ledger.Figures{}, MonthsB: []ledger.Figures{}, Differ: []Difference{}}
	q.By = ""
	v, err := s.view(ctx, q)
	if err != nil {
		return out, err
	}
	q = q.fill(v.last)
	a, err := s.Report(ctx, scope, q)
	if err != nil {
		return out, err
	}
	q.Policy, q.Currency = other, a.Currency
	b, err := s.Report(ctx, scope, q)
	if err != nil {
		return out, err
	}
	out.A, out.B, out.Currency, out.MonthsA, out.MonthsB = a.Policy, b.Policy, a.Currency, a.Figures(), b.Figures()
	w := v
	w.policy = b.Policy
	v.policy = a.Policy
	return out, s.differences(ctx, scope, q, v, w, &out)
}

// differences names what two views of the contracts say otherwise.
func (s *Service) differences(ctx context.Context, scope cairn.Scope, q Query, v, w view, out *Comparison) error {
	rates := ledger.NewRates(out.Currency, v.rates)
	one, two := ledger.NewDeriver(v.policy, rates, v.last), ledger.NewDeriver(w.policy, rates, w.last)
	var ra, rb ledger.Result
	lines := map[cairn.AccountID][]ledger.Line{} // as the other view reads them
	if !v.reader.Known.Equal(w.reader.Known) {
		if err := s.customers(ctx, scope, v, func(*ledger.Problem) {}, func(c customer) { lines[c.account] = slices.Clone(c.lines) }); err != nil {
			return err
		}
	}
	err := s.customers(ctx, scope, w, func(*ledger.Problem) {}, func(c customer) {
		first := c.lines
		if !v.reader.Known.Equal(w.reader.Known) {
			first = lines[c.account]
		}
		one.Derive(first, &ra)
		two.Derive(c.lines, &rb)
		found := differ(&ra, &rb, q, out.Currency)
		if len(found) > 0 {
			out.Accounts++
		}
		for _, d := range found {
			if d.Account = c.account; len(out.Differ) < most {
				out.Differ = append(out.Differ, d)
			}
		}
	})
	if err != nil || len(out.Differ) == 0 {
		return err
	}
	names, err := s.Store.Traits(ctx, scope, "name")
	for i := range out.Differ {
		if out.Differ[i].Name = names[out.Differ[i].Account]; out.Differ[i].Name == "" {
			out.Differ[i].Name = out.Differ[i].Account.String()
		}
	}
	slices.SortStableFunc(out.Differ, func(x, y Difference) int { return strings.Compare(x.Name, y.Name) })
	return err
}

// differ returns the months in which two results are not the same.
func differ(a, b *ledger.Result, q Query, currency string) []Difference {
	var out []Difference
	said := func(r *ledger.Result) map[ledger.Month]string {
		by := map[ledger.Month]string{}
		for _, m := range r.Movements {
			month := ledger.MonthOf(m.Day)
			if by[month] != "" {
				by[month] += ", "
			}
			by[month] += fmt.Sprintf("%s %s", m.Kind, ledger.Decimal(m.Amount, currency))
		}
		return by
	}
	x, y := said(a), said(b)
	for m := q.From; m <= q.To; m++ {
		if x[m] == y[m] {
			continue
		}
		d := Difference{Month: m.String(), A: x[m], B: y[m]}
		for _, text := range []*string{&d.A, &d.B} {
			if *text == "" {
				*text = "–"
			}
		}
		out = append(out, d)
	}
	return out
}
