package revenue

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"cairn"
	"cairn/internal/ledger"
)

// A Figure is one behind which there are accounts.
type Figure string

// The figures whose accounts can be asked for.
const (
	OfStart    Figure = "start"    // customers before the first month
	OfEnd      Figure = "end"      // customers at the end of the last
	OfKept     Figure = "kept"     // customers before the first month, with what is left of each
	OfLost     Figure = "lost"     // who left
	OfEarly    Figure = "early"    // who left within 90 days of the sale
	OfEligible Figure = "eligible" // who could leave in one of the months, or left
	OfRenewals Figure = "renewals" // whose contracts are to be renewed within [Ahead] days
	OfRisk     Figure = "risk"     // customers whose level is low or who are falling
)

// Figures are all of them.
var Figures = []Figure{OfStart, OfEnd, OfKept, OfLost, OfEarly, OfEligible, OfRenewals, OfRisk}

// Ahead is how many days of renewals are looked ahead.
const Ahead = 90

// A Payer is one account behind a figure.
type Payer struct {
	ledger.Stood
	Name      string
	Renews    cairn.Day // the first contract that is to be renewed; of renewals only
	Contracts int       // that are to be renewed
	Due       int64     // what these are a month
	Risk      *Risk
}

// Payers are the accounts behind a figure.
type Payers struct {
	List     []Payer // the largest first
	Count    int     // of all
	Start    int64   // of all, as Due, Gross and End are
	Gross    int64
	End      int64
	Due      int64
	Dues     int // contracts that are to be renewed
	Currency string
	Policy   ledger.Policy
}

// Behind returns the accounts behind a figure of the months that q asks for, at
// most so many, after having left out the first of them.
func (s *Service) Behind(ctx context.Context, scope cairn.Scope, q Query, f Figure, skip, limit int) (Payers, error) {
	var out Payers
	if !slices.Contains(Figures, f) {
		return out, cairn.Errorf(cairn.NotFound, "There are no accounts behind a figure %q.", f).At("of")
	}
	risk, at, err := map[cairn.AccountID]Risk{}, "", error(nil)
	if f == OfRisk || f == OfRenewals {
		if risk, at, err = s.memory.risk.read(ctx, s.Store); err != nil {
			return out, err
		}
	}
	v, err := s.ask(ctx, scope, &q, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		last := cairn.Day(0)
		if f == OfRenewals || f == OfRisk {
			last = s.today(q)
		}
		out = remembered(x, fields, scope, q, "behind "+string(f)+at+strconv.Itoa(int(last)), func() Payers { return x.behind(q, f, everybody(of), risk, last) })
		from := min(skip, len(out.List))
		out.List = slices.Clone(out.List[from:min(from+limit, len(out.List))])
		return nil
	})
	if err != nil || limit == 0 {
		return out, err
	}
	out.Policy = v.policy
	return out, s.accounts().read(ctx, s.Store, func(fields *roster) error {
		for i := range out.List {
			out.List[i].Name = fields.name(out.List[i].Account)
		}
		return nil
	})
}

// today is the last day that a question looks at.
func (s *Service) today(q Query) cairn.Day {
	now, zone := s.Now(), s.zone()
	if !q.Known.IsZero() {
		now = q.Known
	}
	return cairn.DayOf(now, zone)
}

// behind picks the accounts behind a figure.
func (x *shelf) behind(q Query, f Figure, of func(cairn.AccountID) bool, risk map[cairn.AccountID]Risk, today cairn.Day) Payers {
	out := Payers{Currency: x.currency}
	due := map[cairn.AccountID]Payer{}
	if f == OfRenewals {
		x.books.Dues(today, today+Ahead+1, func(d ledger.Due) {
			p := due[d.Account]
			if p.Contracts++; p.Renews == 0 || d.Day < p.Renews {
				p.Renews = d.Day
			}
			p.Due += d.Amount
			due[d.Account] = p
		})
	}
	x.books.Stood(q.From, q.To, of, func(st *ledger.Stood) {
		p := due[st.Account]
		p.Stood = *st
		r, low := risk[st.Account]
		if low {
			p.Risk = &r
		}
		if !f.counts(&p) {
			return
		}
		out.Count++
		out.Start += p.Start
		out.End += p.End
		out.Gross += p.Gross()
		out.Due += p.Due
		out.Dues += p.Contracts
		out.List = append(out.List, p)
	})
	slices.SortFunc(out.List, func(a, b Payer) int {
		return cmp.Or(cmp.Compare(f.weight(&b), f.weight(&a)), slices.Compare(a.Account.ID[:], b.Account.ID[:]))
	})
	return out
}

// counts reports whether an account is behind the figure.
func (f Figure) counts(p *Payer) bool {
	switch f {
	case OfStart, OfKept:
		return p.Was
	case OfEnd:
		return p.Is
	case OfLost:
		return p.Lost != 0
	case OfEarly:
		return p.Early
	case OfEligible:
		return p.Could
	case OfRenewals:
		return p.Contracts > 0
	}
	return p.Is && p.Risk != nil
}

// weight is what accounts behind the figure are ordered by: of what is kept,
// what was lost of it.
func (f Figure) weight(p *Payer) int64 {
	switch f {
	case OfStart, OfLost, OfEarly:
		return p.Start
	case OfKept:
		return p.Start - p.Gross()
	case OfRenewals:
		return p.Due
	}
	return p.End
}
