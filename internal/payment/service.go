package payment

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/watch"
)

// A Store tells what was said of invoices, contracts and accounts.
type Store interface {
	// Stated calls f with what was said about some fields (none: all) of each
	// record of a kind that belongs to an account of the scope, account by
	// account in the order of their ids. Facts are only lent.
	Stated(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, fields []string, f func(Stated) error) error
	watch.Store
	// AccountsByID returns those of the accounts that the scope sees.
	AccountsByID(ctx context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error)
}

// Settings are those of the workspace that matter here.
type Settings struct {
	Zone       *time.Location
	Currency   string
	Precedence cairn.Precedence
	Policy     ledger.Policy
	Rates      []ledger.Rate
	Mark       string // differs whenever one of them does
}

// A Service is what pages and commands ask.
type Service struct {
	Store    Store
	Settings func() Settings
	Now      func() time.Time

	mu     sync.Mutex
	logs   [len(kinds)]watch.Log
	memory memory
}

// A memory is what was found as of today. It is lost with the process and only
// a shortcut: when a record changes, only its account is judged again.
type memory struct {
	mark      string // of settings and day
	seen      [len(kinds)]int
	customers map[cairn.AccountID]Customer
}

// A Report is what keeps customers from paying, as of a moment.
type Report struct {
	At        time.Time
	Currency  string // of MRR, and of what can be added up
	Customers []Customer
	Rates     *ledger.Rates
	Day       cairn.Day
}

// kinds are those that are read.
var kinds = [...]cairn.EventKind{cairn.OfInvoice, cairn.OfContract, cairn.OfAccount}

// Report judges all accounts of the scope as of a moment, by what was known
// then; zero is now.
func (s *Service) Report(ctx context.Context, scope cairn.Scope, at time.Time) (Report, error) {
	r, mark := s.reader(at)
	out := Report{At: r.At, Currency: r.Rates.Home, Rates: r.Rates, Day: cairn.DayOf(r.At.Add(-time.Microsecond), r.Zone)}
	var all map[cairn.AccountID]Customer
	var err error
	if at.IsZero() {
		all, err = s.recall(ctx, r, mark)
	} else {
		all, err = s.judge(ctx, scope, r)
	}
	if err != nil {
		return out, err
	}
	for _, c := range all {
		if scope.Sees(c.Account) {
			out.Customers = append(out.Customers, c)
		}
	}
	slices.SortFunc(out.Customers, func(a, b Customer) int { return slices.Compare(a.Account.ID[:], b.Account.ID[:]) })
	return out, nil
}

// Account judges one account; see [Service.Report].
func (s *Service) Account(ctx context.Context, scope cairn.Scope, id cairn.AccountID, at time.Time) (Customer, error) {
	if !scope.Sees(id) {
		return Customer{Account: id}, nil
	}
	r, _ := s.reader(at)
	all, err := s.judge(ctx, cairn.Scope{Accounts: []cairn.AccountID{id}}, r)
	c := all[id]
	c.Account = id
	return c, err
}

func (s *Service) reader(at time.Time) (Reader, string) {
	set := s.Settings()
	if set.Zone == nil {
		set.Zone = time.UTC
	}
	r := Reader{
		Reader: ledger.Reader{Zone: set.Zone, Currency: set.Currency, Precedence: set.Precedence, Known: at},
		Policy: set.Policy, Rates: ledger.NewRates(set.Currency, set.Rates), At: at,
	}
	if at.IsZero() {
		r.At = s.Now()
	}
	if r.Policy.Name == "" {
		r.Policy = ledger.Presets[0]
	}
	return r, set.Mark + "/" + cairn.DayOf(r.At, set.Zone).String()
}

// recall returns what was found as of now, and judges again what has changed.
func (s *Service) recall(ctx context.Context, r Reader, mark string) (map[cairn.AccountID]Customer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &s.memory
	seen, changed, known, err := s.changed(ctx)
	if err != nil {
		return nil, err
	}
	switch {
	case m.mark != mark || !known || len(changed) > anew:
		made, err := s.judge(ctx, cairn.Everything, r)
		if err != nil {
			return nil, err
		}
		s.memory = memory{mark, seen, made}
	case len(changed) > 0:
		made, err := s.judge(ctx, cairn.Scope{Accounts: changed}, r)
		if err != nil {
			return nil, err
		}
		customers := maps.Clone(m.customers) // somebody may be reading it
		for _, id := range changed {
			delete(customers, id)
			if c, there := made[id]; there {
				customers[id] = c
			}
		}
		s.memory = memory{mark, seen, customers}
	}
	return s.memory.customers, nil
}

// anew is of how many accounts at most what changed is judged by itself.
const anew = 500

// changed returns of whom something has changed since what is remembered was
// made, in order; false when that is not known any more.
func (s *Service) changed(ctx context.Context) (seen [len(kinds)]int, of []cairn.AccountID, known bool, err error) {
	known = true
	for i := range kinds {
		s.logs[i].Kind = kinds[i]
		if seen[i], err = s.logs[i].Look(ctx, s.Store); err != nil {
			return seen, nil, false, err
		}
		some, ok := s.logs[i].Since(s.memory.seen[i])
		of, known = append(of, some...), known && ok
	}
	slices.SortFunc(of, func(a, b cairn.AccountID) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return seen, slices.Compact(of), known, nil
}

// judge reads what was said and judges each account with an invoice, a contract
// or a card.
func (s *Service) judge(ctx context.Context, scope cairn.Scope, r Reader) (map[cairn.AccountID]Customer, error) {
	said := map[cairn.AccountID][]Stated{}
	for _, kind := range kinds {
		err := s.Store.Stated(ctx, scope, kind, fields[kind], func(x Stated) error {
			x.Facts = slices.Clone(x.Facts)
			said[x.Account] = append(said[x.Account], x)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	out := make(map[cairn.AccountID]Customer, len(said))
	for id, of := range said {
		if c := r.Customer(id, of); c.Invoices > 0 || len(c.Findings) > 0 || c.MRR != 0 {
			out[id] = c
		}
	}
	return out, nil
}

// Findings returns those of one kind, or all, the longest first; of cards the
// first to expire first.
func (r Report) Findings(kind Kind) (out []Finding) {
	for _, c := range r.Customers {
		for _, f := range c.Findings {
			if kind == "" || f.Kind == kind {
				out = append(out, f)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Finding) int {
		if kind == Card {
			a, b = b, a
		}
		return cmp.Or(cmp.Compare(b.Days, a.Days), cmp.Compare(a.Key, b.Key))
	})
	return out
}

// Named returns the accounts that findings are about.
func (s *Service) Named(ctx context.Context, scope cairn.Scope, findings []Finding) (map[cairn.AccountID]cairn.Account, error) {
	seen := map[cairn.AccountID]bool{}
	var ids []cairn.AccountID
	for _, f := range findings {
		if !seen[f.Account] {
			seen[f.Account] = true
			ids = append(ids, f.Account)
		}
	}
	return s.Store.AccountsByID(ctx, scope, ids)
}

// Stake is what the accounts of findings pay a month, each counted once, in the
// report's currency.
func (r Report) Stake(findings []Finding) int64 {
	seen := map[cairn.AccountID]bool{}
	for _, f := range findings {
		seen[f.Account] = true
	}
	var sum int64
	for _, c := range r.Customers {
		if seen[c.Account] {
			sum += c.MRR
		}
	}
	return sum
}

// MRR is what each account pays a month.
func (r Report) MRR() map[cairn.AccountID]int64 {
	out := make(map[cairn.AccountID]int64, len(r.Customers))
	for _, c := range r.Customers {
		out[c.Account] = c.MRR
	}
	return out
}

// Invoices is how many are known.
func (r Report) Invoices() (n int) {
	for _, c := range r.Customers {
		n += c.Invoices
	}
	return n
}

// A Sum is an amount: all that could be turned into one currency, and apart
// what is in a currency of which no rate is known.
type Sum struct {
	Money cairn.Money
	Apart []cairn.Money
}

// Zero reports whether there is nothing.
func (s Sum) Zero() bool { return s.Money.Minor == 0 && len(s.Apart) == 0 }

// Sum adds up the amounts of findings, at the rates of the report's day. Without
// a rate nothing is added to another currency.
func (r Report) Sum(findings []Finding) Sum {
	out := Sum{Money: cairn.Money{Currency: r.Currency}}
	apart := map[string]int64{}
	for _, f := range findings {
		switch home, ok := r.Rates.Into(f.Amount, r.Day); {
		case f.Amount.Currency == "":
		case ok:
			out.Money.Minor += home
		default:
			apart[f.Amount.Currency] += f.Amount.Minor
		}
	}
	for _, c := range slices.Sorted(maps.Keys(apart)) {
		out.Apart = append(out.Apart, cairn.Money{Minor: apart[c], Currency: c})
	}
	return out
}

// An Age is a span of days late, with what is late for so long.
type Age struct {
	From, To int // days, both included; To 0: open
	Findings []Finding
	Sum      Sum
}

// ages are the spans by which what is late is told.
var ages = [][2]int{{1, 30}, {31, 60}, {61, 90}, {91, 0}}

// Ageing sorts late invoices by how long they are.
func (r Report) Ageing(late []Finding) []Age {
	out := make([]Age, len(ages))
	for i, a := range ages {
		out[i].From, out[i].To = a[0], a[1]
		for _, f := range late {
			if f.Days >= a[0] && (a[1] == 0 || f.Days <= a[1]) {
				out[i].Findings = append(out[i].Findings, f)
			}
		}
		out[i].Sum = r.Sum(out[i].Findings)
	}
	return out
}
