package revenue

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
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
	SumsA    []ledger.Sums    `json:"-"`
	SumsB    []ledger.Sums    `json:"-"`
	KeptA    ledger.Kept      `json:"-"` // of those who were customers before the first month
	KeptB    ledger.Kept      `json:"-"`
	Accounts int              `json:"accounts"` // about which they differ
	Differ   []Difference     `json:"differ"`   // the first of them, the largest first
	More     int              `json:"more"`     // differences that are not named
	Closed   ledger.Month     `json:"-"`        // of corrections: the last month that is closed
}

// A Difference is what two policies say of one account in one month.
type Difference struct {
	Account cairn.AccountID   `json:"account"`
	Name    string            `json:"name"`
	Month   string            `json:"month"`
	A       string            `json:"a"`   // such as "churn 100.00"; "–": nothing
	B       string            `json:"b"`   //
	By      string            `json:"by"`  // by how much more MRR changes in that month under B
	Minor   int64             `json:"-"`   // the same in minor units
	Why     []string          `json:"why"` // the questions that decide it, by the keys of a policy
	Asks    []ledger.Question `json:"-"`   // the same
}

// most is how many differences are named.
const most = 200

// Compare tells what another policy would say, about which accounts, by how
// much, and which of the questions that they answer in different ways decides.
func (s *Service) Compare(ctx context.Context, scope cairn.Scope, q Query, other string) (Comparison, error) {
	out := Comparison{MonthsA: []ledger.Figures{}, MonthsB: []ledger.Figures{}, Differ: []Difference{}}
	q.By, q.Booked = "", false
	a, err := s.Report(ctx, scope, q)
	if err != nil {
		return out, err
	}
	q.Currency = a.Currency
	p := q
	p.Policy = other
	b, err := s.Report(ctx, scope, p)
	if err != nil {
		return out, err
	}
	out.A, out.B, out.Currency, out.MonthsA, out.MonthsB = a.Policy, b.Policy, a.Currency, a.Figures(), b.Figures()
	out.SumsA, out.SumsB = a.Groups[0].Months, b.Groups[0].Months
	if err := s.differences(ctx, scope, q, p, &out); err != nil {
		return out, err
	}
	return out, s.decides(ctx, q, &out)
}

// differences names what two questions say otherwise of the same months.
func (s *Service) differences(ctx context.Context, scope cairn.Scope, q, p Query, out *Comparison) error {
	one, mark := map[cairn.AccountID][]ledger.Movement{}, ""
	if _, err := s.ask(ctx, scope, &q, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		mark = x.key + "/" + strconv.Itoa(x.seen)
		out.KeptA = remembered(x, fields, scope, q, "kept", func() ledger.Kept { return x.books.Kept(q.From, q.To, everybody(of)) })
		one = remembered(x, fields, scope, q, "moves", func() map[cairn.AccountID][]ledger.Movement { return x.within(q, everybody(of)) })
		return nil
	}); err != nil {
		return err
	}
	type found struct {
		differ         []Difference
		accounts, more int
	}
	if _, err := s.ask(ctx, scope, &p, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		out.KeptB = remembered(x, fields, scope, p, "kept", func() ledger.Kept { return x.books.Kept(p.From, p.To, everybody(of)) })
		got := remembered(x, fields, scope, p, "differ "+mark, func() (f found) {
			two := x.within(p, everybody(of))
			f.differ, f.accounts, f.more = differ(one, two, p, out.Currency)
			return f
		})
		out.Differ, out.Accounts, out.More = slices.Clone(got.differ), got.accounts, got.more
		return nil
	}); err != nil {
		return err
	}
	return s.accounts().read(ctx, s.Store, func(fields *roster) error {
		for i := range out.Differ {
			out.Differ[i].Name = fields.name(out.Differ[i].Account)
		}
		return nil
	})
}

// within returns the movements of some months, account by account.
func (x *shelf) within(q Query, of func(cairn.AccountID) bool) map[cairn.AccountID][]ledger.Movement {
	out := map[cairn.AccountID][]ledger.Movement{}
	from, to := q.From.First(), q.To.Last()
	x.books.Each(func(r *ledger.Result) {
		let := of(r.Account)
		for _, m := range r.Movements {
			if let && m.Day >= from && m.Day <= to {
				out[r.Account] = append(out[r.Account], m)
			}
		}
	})
	return out
}

// differ returns the months in which two readings of accounts are not the
// same, those of the accounts first about which they differ most; how many
// accounts those are; and how many differences had no room.
func differ(a, b map[cairn.AccountID][]ledger.Movement, q Query, currency string) (out []Difference, accounts, more int) {
	type one struct {
		weight int64
		months []Difference
	}
	var all []one
	look := func(account cairn.AccountID) {
		if same(a[account], b[account]) {
			return
		}
		var o one
		if o.months = monthsApart(a[account], b[account], q, currency); len(o.months) == 0 {
			return
		}
		for i := range o.months {
			o.months[i].Account = account
			o.weight += max(o.months[i].Minor, -o.months[i].Minor)
		}
		all = append(all, o)
	}
	for account := range a {
		look(account)
	}
	for account := range b {
		if _, both := a[account]; !both {
			look(account)
		}
	}
	slices.SortFunc(all, func(x, y one) int {
		return cmp.Or(cmp.Compare(y.weight, x.weight), slices.Compare(x.months[0].Account.ID[:], y.months[0].Account.ID[:]))
	})
	for _, o := range all {
		out = append(out, o.months...)
	}
	more = max(0, len(out)-most)
	return slices.Clone(out[:len(out)-more]), len(all), more
}

// same reports whether movements are the same ones on the same days.
func same(a, b []ledger.Movement) bool {
	return slices.EqualFunc(a, b, func(x, y ledger.Movement) bool { return x.Day == y.Day && x.Kind == y.Kind && x.Amount == y.Amount })
}

// monthsApart returns the months in which the movements of one account differ.
func monthsApart(a, b []ledger.Movement, q Query, currency string) []Difference {
	type said struct {
		text string
		net  int64
	}
	read := func(all []ledger.Movement) map[ledger.Month]said {
		by := map[ledger.Month]said{}
		for _, m := range all {
			x := by[ledger.MonthOf(m.Day)]
			if x.text != "" {
				x.text += ", "
			}
			x.text += fmt.Sprintf("%s %s", m.Kind, ledger.Decimal(m.Amount, currency))
			x.net += m.Signed()
			by[ledger.MonthOf(m.Day)] = x
		}
		return by
	}
	x, y := read(a), read(b)
	var out []Difference
	for m := q.From; m <= q.To; m++ {
		if x[m].text == y[m].text {
			continue
		}
		by := y[m].net - x[m].net
		out = append(out, Difference{Month: m.String(), A: orDash(x[m].text), B: orDash(y[m].text), Minor: by, By: ledger.Decimal(by, currency), Why: []string{}})
	}
	return out
}

func orDash(s string) string { return cmp.Or(strings.TrimSpace(s), "–") }

// decides puts in which questions make the named accounts differ.
func (s *Service) decides(ctx context.Context, q Query, out *Comparison) error {
	v, err := s.view(ctx, q)
	if err != nil {
		return err
	}
	of := map[cairn.AccountID][]int{}
	for i, d := range out.Differ {
		of[d.Account] = append(of[d.Account], i)
	}
	if len(of) == 0 {
		return nil
	}
	rates := ledger.NewRates(out.Currency, v.rates)
	return s.customers(ctx, cairn.Scope{Accounts: sortedAccounts(of)}, v, func(*ledger.Problem) {}, func(c customer) {
		for _, i := range of[c.account] {
			d := &out.Differ[i]
			month, err := ledger.ParseMonth(d.Month)
			if err != nil {
				continue // it was written by us
			}
			d.Asks = ledger.Decides(out.A, out.B, rates, v.last, c.lines, month, month)
			for _, ask := range d.Asks {
				d.Why = append(d.Why, ask.Key)
			}
		}
	})
}
