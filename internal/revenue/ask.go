package revenue

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

// A Moved is one movement of one account.
type Moved struct {
	Account cairn.AccountID  `json:"account"`
	Name    string           `json:"name"`
	Day     cairn.Day        `json:"-"`
	On      string           `json:"day"` // the same as text
	Kind    ledger.Kind      `json:"kind"`
	Amount  int64            `json:"-"`      // minor units
	Text    string           `json:"amount"` // the same in major ones, as a decimal
	Since   cairn.Day        `json:"-"`      // when the customer had come
	Causes  []ledger.Because `json:"causes"` // what it comes from
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
// the months that q asks for, the largest first; at most so many, after having
// left out the first of them. [Service.Explain] tells their causes.
func (s *Service) Movements(ctx context.Context, scope cairn.Scope, q Query, kind ledger.Kind, skip, limit int) (Picked, error) {
	out := Picked{Movements: []Moved{}}
	v, err := s.ask(ctx, scope, &q, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		books, what := x.books, "movements "+string(kind)
		if part, ok := q.part(); ok {
			if books, what = x.parts[part], what+" of "+part; books == nil {
				books = ledger.NewBooks()
			}
		}
		all := remembered(x, fields, scope, q, what, func() Picked { return x.moved(books, q, kind, everybody(of)) })
		out = all
		from := min(skip, len(all.Movements))
		out.Movements = slices.Clone(all.Movements[from:min(from+limit, len(all.Movements))])
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Policy = v.policy
	return out, s.name(ctx, &out)
}

// name puts in what accounts are called, and days and amounts as text.
func (s *Service) name(ctx context.Context, p *Picked) error {
	return s.accounts().read(ctx, s.Store, func(fields *roster) error {
		for i := range p.Movements {
			m := &p.Movements[i]
			m.Name, m.On, m.Text, m.Causes = fields.name(m.Account), m.Day.String(), ledger.Decimal(m.Amount, p.Currency), []ledger.Because{}
		}
		return nil
	})
}

// part returns the value of a field of contracts whose ledger is asked for.
func (q Query) part() (string, bool) {
	if _, ok := contractField(q.By); !ok || q.Part == nil {
		return "", false
	}
	return *q.Part, true
}

// moved picks movements.
func (x *shelf) moved(books *ledger.Books, q Query, kind ledger.Kind, of func(cairn.AccountID) bool) Picked {
	out := Picked{Currency: x.currency}
	from, to := q.From.First(), q.To.Last()
	books.Each(func(r *ledger.Result) {
		any, let := false, of(r.Account)
		for _, m := range r.Movements {
			if !let || m.Day < from || m.Day > to || kind != "" && m.Kind != kind {
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
	slices.SortFunc(out.Movements, func(a, b Moved) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), slices.Compare(a.Account.ID[:], b.Account.ID[:]), cmp.Compare(a.Day, b.Day), cmp.Compare(a.Kind, b.Kind))
	})
	return out
}

// Account returns all movements of one account, the latest first.
func (s *Service) Account(ctx context.Context, scope cairn.Scope, q Query, account cairn.AccountID) (Picked, error) {
	out := Picked{Movements: []Moved{}}
	v, err := s.ask(ctx, scope, &q, func(x *shelf, _ *roster, _ func(cairn.AccountID) bool) error {
		out.Currency = x.currency
		if r, ok := x.books.Of(account); ok && scope.Sees(account) {
			for _, m := range r.Movements {
				out.Movements = append(out.Movements, Moved{Account: account, Day: m.Day, Kind: m.Kind, Amount: m.Amount, Since: m.Since})
				out.Sum += m.Signed()
			}
		}
		return nil
	})
	if err != nil {
		return out, err
	}
	slices.Reverse(out.Movements)
	out.Count, out.Accounts, out.Policy = len(out.Movements), min(1, len(out.Movements)), v.policy
	return out, s.name(ctx, &out)
}

// Explain puts their causes into movements that q was answered with: their
// customers are booked again from what was said of their contracts.
func (s *Service) Explain(ctx context.Context, q Query, p *Picked) error {
	v, err := s.view(ctx, q)
	if err != nil {
		return err
	}
	of := map[cairn.AccountID][]int{}
	for i, m := range p.Movements {
		of[m.Account] = append(of[m.Account], i)
	}
	if len(of) == 0 {
		return nil
	}
	d := ledger.NewDeriver(v.policy, ledger.NewRates(p.Currency, v.rates), v.last)
	var r ledger.Result
	for some := range slices.Chunk(sortedAccounts(of), atOnce) {
		err := s.each(ctx, cairn.Scope{Accounts: some}, v, func(c customer, facts map[cairn.RecordID][]cairn.Fact) {
			lines := c.lines
			if part, ok := q.part(); ok {
				field, _ := contractField(q.By)
				lines = c.split(field)[part]
			}
			causes := d.Explain(v.reader, lines, facts, &r)
			c.nameContracts(causes)
			for _, i := range of[c.account] {
				m := &p.Movements[i]
				for j, n := range r.Movements {
					if n.Day == m.Day && n.Kind == m.Kind && n.Amount == m.Amount {
						m.Causes = causes[j]
					}
				}
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// nameContracts puts in what the contracts are called that causes are of.
func (c customer) nameContracts(causes [][]ledger.Because) {
	for _, all := range causes {
		for i := range all {
			at := slices.IndexFunc(c.lines, func(l ledger.Line) bool { return l.Record == all[i].Record })
			for _, field := range []string{"name", "product", "plan"} {
				if at >= 0 && all[i].Contract == "" {
					all[i].Contract = cairn.Record{Fields: c.says[at]}.Text(field)
				}
			}
		}
	}
}

func sortedAccounts[T any](of map[cairn.AccountID]T) []cairn.AccountID {
	out := make([]cairn.AccountID, 0, len(of))
	for account := range of {
		out = append(out, account)
	}
	slices.SortFunc(out, func(a, b cairn.AccountID) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return out
}

// each calls f with each customer of a scope and all that was said of its
// contracts.
func (s *Service) each(ctx context.Context, scope cairn.Scope, v view, f func(customer, map[cairn.RecordID][]cairn.Fact)) error {
	facts := map[cairn.RecordID][]cairn.Fact{}
	v.stands = true
	v.heard = func(record cairn.RecordID, said []cairn.Fact) { facts[record] = slices.Clone(said) }
	return s.customers(ctx, scope, v, func(*ledger.Problem) {}, func(c customer) {
		f(c, facts)
		clear(facts)
	})
}

// Kept returns what was left at the end of the months that q asks for of those
// who were customers before them.
func (s *Service) Kept(ctx context.Context, scope cairn.Scope, q Query) (out ledger.Kept, err error) {
	_, err = s.ask(ctx, scope, &q, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		out = remembered(x, fields, scope, q, "kept", func() ledger.Kept { return x.books.Kept(q.From, q.To, everybody(of)) })
		return nil
	})
	return out, err
}

// ask opens the books for a question of all customers together, or of those
// that it is narrowed to, and fills in its months: those that have begun. A
// dimension matters only to the question for the ledger of one of its values.
func (s *Service) ask(ctx context.Context, scope cairn.Scope, q *Query, f func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error) (view, error) {
	if _, ok := q.part(); !ok {
		q.By = ""
	}
	v, err := s.view(ctx, *q)
	if err != nil {
		return v, err
	}
	if *q = q.fill(v.last); q.Check() != nil {
		return v, q.Check()
	}
	where, err := ParseWhere(q.Where)
	if err != nil {
		return v, err
	}
	q.To = min(q.To, ledger.MonthOf(v.last))
	return v, s.look(ctx, scope, *q, v, where, f)
}

// Dimensions are the fields by which figures can be told that contracts have.
func Dimensions() []string {
	return strings.Fields("product currency")
}
