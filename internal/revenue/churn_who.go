package revenue

import (
	"context"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

// A Behind says whom a figure counts.
type Behind string

// Whom figures count.
const (
	AtStart    Behind = "start"    // customers at the start of the months
	AtEnd      Behind = "end"      // customers at the end of them
	Eligible   Behind = "eligible" // of them, those who could leave in one of the months
	LostOnes   Behind = "lost"     // who left in one of them
	LostEarly  Behind = "early"    // of those, who left within 90 days of the sale
	NewOnes    Behind = "new"      // who came first in one of them
	NewEarly   Behind = "newearly" // of those, who left within 90 days of the sale
	DueOnes    Behind = "due"      // whose contracts came up in one of them
	RenewedOne Behind = "renewed"  // of those, whose contracts all were renewed
	NotRenewed Behind = "lapsed"   // of those, of whom a contract was not
)

// A Counted is one customer behind a figure.
type Counted struct {
	Account cairn.AccountID `json:"account"`
	Name    string          `json:"name"`
	MRR     int64           `json:"mrr"`   // of what it is about: at the start of the months, lost, won, or come up
	Since   cairn.Day       `json:"since"` // when the customer had come
	Left    cairn.Day       `json:"left"`  // 0: not in these months
	Times   int             `json:"times"` // contracts that came up, month by month
}

// A Crowd is a part of the customers behind a figure.
type Crowd struct {
	Customers []Counted // those who pay most first
	Count     int       // of all
	Sum       int64     // of all
	Currency  string
	Policy    ledger.Policy
}

// Who returns the customers behind a figure of the months that q asks for, at
// most so many. With a dimension only those of one value count.
func (s *Service) Who(ctx context.Context, scope cairn.Scope, q Query, value string, b Behind, limit int) (Crowd, error) {
	var out Crowd
	if !slices.Contains([]Behind{AtStart, AtEnd, Eligible, LostOnes, LostEarly, NewOnes, NewEarly, DueOnes, RenewedOne, NotRenewed}, b) {
		return out, cairn.Errorf(cairn.NotFound, "No figure counts %q.", string(b)).At("of")
	}
	if field, contract := OfContracts(q.By); contract {
		return s.whoOfLines(ctx, scope, q, field, value, b, limit)
	}
	if q.By != "" {
		q.Where = strings.TrimPrefix(q.Where+"\n"+Where{q.By, value}.Text(), "\n")
	}
	stood := map[cairn.AccountID]cairn.Day{} // since when, of those who count
	v, err := s.ask(ctx, scope, &q, func(x *shelf, _ *roster, of func(cairn.AccountID) bool) error {
		out.Currency = x.currency
		let := everybody(of)
		x.books.Each(func(r *ledger.Result) {
			if !let(r.Account) {
				return
			}
			if n := len(r.Movements); n > 0 {
				stood[r.Account] = r.Movements[n-1].Since
			}
			if c, ok := counts(r, b, q.From, q.To); ok {
				out.Customers = append(out.Customers, c)
			}
		})
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Policy = v.policy
	if b == DueOnes || b == RenewedOne || b == NotRenewed {
		err = s.cameUp(ctx, v, out.Currency, func(a cairn.AccountID, ups []ledger.Up) {
			since, in := stood[a]
			if c, ok := cameUp(ups, b, q.From, q.To); ok && in {
				c.Account, c.Since = a, since
				out.Customers = append(out.Customers, c)
			}
		})
		if err != nil {
			return out, err
		}
	}
	return out, s.callRoll(ctx, &out, limit)
}

// whoOfLines is [Service.Who] of one value of a field of contracts, which has a
// ledger of its own.
func (s *Service) whoOfLines(ctx context.Context, scope cairn.Scope, q Query, field, value string, b Behind, limit int) (Crowd, error) {
	var out Crowd
	in := map[cairn.AccountID]bool{}
	v, err := s.ask(ctx, scope, &q, func(x *shelf, _ *roster, of func(cairn.AccountID) bool) error {
		out.Currency = x.currency
		let := everybody(of)
		x.books.Each(func(r *ledger.Result) { in[r.Account] = let(r.Account) })
		return nil
	})
	if err != nil {
		return out, err
	}
	out.Policy = v.policy
	d := ledger.NewDeriver(v.policy, ledger.NewRates(out.Currency, v.rates), v.last)
	v.stands = true
	var r ledger.Result
	err = s.customers(ctx, scope, v, func(*ledger.Problem) {}, func(c customer) {
		lines := c.split(field)[value]
		if !in[c.account] || len(lines) == 0 {
			return
		}
		d.Derive(lines, &r)
		counted, ok := counts(&r, b, q.From, q.To)
		if b == DueOnes || b == RenewedOne || b == NotRenewed {
			if counted, ok = cameUp(d.Ups(lines, nil), b, q.From, q.To); ok && len(r.Movements) > 0 {
				counted.Since = r.Movements[len(r.Movements)-1].Since
			}
		}
		if counted.Account = c.account; ok {
			out.Customers = append(out.Customers, counted)
		}
	})
	if err != nil {
		return out, err
	}
	return out, s.callRoll(ctx, &out, limit)
}

// callRoll counts and names the customers of a crowd, and keeps those who pay
// most.
func (s *Service) callRoll(ctx context.Context, out *Crowd, limit int) error {
	for _, c := range out.Customers {
		out.Count++
		out.Sum += c.MRR
	}
	slices.SortFunc(out.Customers, func(a, b Counted) int {
		if a.MRR != b.MRR {
			return int(min(max(b.MRR-a.MRR, -1), 1))
		}
		return slices.Compare(a.Account.ID[:], b.Account.ID[:])
	})
	out.Customers = out.Customers[:min(limit, len(out.Customers))]
	return s.accounts().read(ctx, s.Store, func(fields *roster) error {
		for i := range out.Customers {
			out.Customers[i].Name = fields.name(out.Customers[i].Account)
		}
		return nil
	})
}

// counts reports whether a figure counts a customer.
func counts(r *ledger.Result, b Behind, from, to ledger.Month) (Counted, bool) {
	if b == Eligible { // as it stood when it could leave first
		i := slices.IndexFunc(r.Could, func(m ledger.Month) bool { return m >= from && m <= to })
		if i < 0 {
			return Counted{}, false
		}
		return counts(r, AtStart, r.Could[i], to)
	}
	c := Counted{Account: r.Account}
	first, last := from.First(), to.Last()
	mrr, is := int64(0), false
	var came ledger.Movement
	ok := false
	for _, m := range r.Movements {
		if m.Day > last && b != NewEarly {
			break
		}
		within := m.Day >= first && m.Day <= last
		mrr += m.Signed()
		switch {
		case m.Came == 1:
			came, is = m, true
		case m.Came == -1:
			is = false
		}
		switch {
		case m.Day < first:
			c.MRR, c.Since, ok = mrr, m.Since, is && b == AtStart
		case within && m.Came == -1:
			c.Left = m.Day
			if early := m.Day-m.Since <= ledger.Early; b == LostOnes || b == LostEarly && early {
				if !ok {
					c.MRR = 0
				}
				c.MRR, c.Since, ok = c.MRR+m.Amount, m.Since, true
			}
		case within && m.Kind == ledger.New && m.Came == 1 && b == NewOnes:
			c.MRR, c.Since, ok = m.Amount, m.Since, true
		}
		if b == NewEarly && m.Came == -1 && came.Kind == ledger.New && came.Day >= first && came.Day <= last && m.Day-m.Since <= ledger.Early {
			c.MRR, c.Since, c.Left, ok = came.Amount, m.Since, m.Day, true
		}
	}
	if n := len(r.Movements); b == AtEnd && is {
		c.MRR, c.Since, ok = mrr, r.Movements[n-1].Since, true
	}
	return c, ok
}

// cameUp reports whether a figure counts a customer of whom contracts came up.
func cameUp(ups []ledger.Up, b Behind, from, to ledger.Month) (c Counted, ok bool) {
	all := true
	for _, u := range ups {
		if u.Month < from || u.Month > to {
			continue
		}
		c.Times++
		c.MRR += u.MRR
		all = all && u.Renewed
	}
	return c, c.Times > 0 && (b == DueOnes || all == (b == RenewedOne))
}
