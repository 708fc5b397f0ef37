package revenue

import (
	"context"
	"slices"
	"strings"
	"sync"

	"cairn"
	"cairn/internal/ledger"
)

// A memory is the books under the workspace's policy as of now, of which most
// questions are answered. It is lost with the process and only a shortcut:
// without it the same is made of the facts. When a contract changes, only the
// customers whose contracts did are booked again.
type memory struct {
	making sync.Mutex   // by whoever makes or mends the books
	other  aside        // under making
	mu     sync.RWMutex // of what follows
	key    string       // of definitions and day; "": there is none
	mark   string       // of the contracts
	stamps map[cairn.AccountID]Stamp
	folio
}

// A folio is the books with what was found while they were made.
type folio struct {
	currency string
	books    *ledger.Books
	of       map[cairn.AccountID]int // contracts
	problems map[cairn.AccountID][]ledger.Problem
}

// A Stamp differs whenever a contract of an account does.
type Stamp struct {
	Contracts int64
	Versions  int64
}

// An aside is the books of the last question about anything else.
type aside struct {
	key string
	folio
}

// open calls f with the books that answer a question, which nobody changes
// meanwhile: those that are remembered, or others that are made for it.
func (s *Service) open(ctx context.Context, q Query, v view, mark string, f func(*folio) error) error {
	currency := strings.ToUpper(strings.TrimSpace(q.Currency))
	if v.usual && currency == "" {
		return s.recall(ctx, v, mark, f)
	}
	m := &s.memory
	key := strings.Join([]string{v.mark, mark, v.policy.Name, v.last.String(), currency, q.Known.String()}, "/")
	m.making.Lock()
	defer m.making.Unlock()
	if m.other.key != key {
		made, err := folio{}, error(nil)
		if currency != "" {
			made, _, err = s.book(ctx, cairn.Everything, v, currency)
		} else {
			made, err = s.make(ctx, v)
		}
		if err != nil {
			return err
		}
		m.other = aside{key, made}
	}
	return f(&m.other.folio)
}

// recall calls f with the books as of now, which nobody changes meanwhile.
func (s *Service) recall(ctx context.Context, v view, mark string, f func(*folio) error) error {
	m := &s.memory
	key := v.mark + "/" + v.policy.Name + "/" + v.last.String()
	m.mu.RLock()
	if m.key == key && m.mark == mark {
		defer m.mu.RUnlock()
		return f(&m.folio)
	}
	m.mu.RUnlock()
	if err := s.refresh(ctx, v, key); err != nil {
		return err
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	return f(&m.folio)
}

// refresh makes the books, or books those again whose contracts changed.
func (s *Service) refresh(ctx context.Context, v view, key string) error {
	m := &s.memory
	m.making.Lock()
	defer m.making.Unlock()
	mark, err := s.Store.ContractsMark(ctx)
	if err != nil {
		return err
	}
	if m.key == key && m.mark == mark { // somebody else did meanwhile
		return nil
	}
	stamps, err := s.Store.ContractStamps(ctx)
	if err != nil {
		return err
	}
	if m.key == key {
		done, err := s.mend(ctx, v, stamps)
		if err != nil {
			return err
		}
		if done {
			m.mu.Lock()
			defer m.mu.Unlock()
			m.mark, m.stamps = mark, stamps
			return nil
		}
	}
	f, err := s.make(ctx, v)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.key, m.mark, m.stamps, m.folio = key, mark, stamps, f
	return nil
}

// tooMany is the share of customers of whom it is as quick to book all again.
const tooMany = 4

// atOnce is how many customers are asked for together.
const atOnce = 500

// mend books those again whose contracts changed; false: too many did, or some
// cannot be counted, which may be since the books want another currency.
func (s *Service) mend(ctx context.Context, v view, stamps map[cairn.AccountID]Stamp) (bool, error) {
	m := &s.memory
	if m.currency != v.reader.Currency {
		return false, nil
	}
	var changed []cairn.AccountID
	for account, stamp := range stamps {
		if m.stamps[account] != stamp {
			changed = append(changed, account)
		}
	}
	for account := range m.stamps {
		if _, ok := stamps[account]; !ok {
			changed = append(changed, account)
		}
	}
	if len(changed) > atOnce && len(changed) > len(stamps)/tooMany {
		return false, nil
	}
	for some := range slices.Chunk(changed, atOnce) {
		part, _, err := s.book(ctx, cairn.Scope{Accounts: some}, v, m.currency)
		if err != nil || len(part.problems) > 0 {
			return false, err
		}
		m.mu.Lock()
		for _, account := range some {
			r, _ := part.books.Of(account) // nothing, when all its contracts are gone
			m.books.Set(account, &r)
			m.of[account] = part.of[account]
			delete(m.problems, account)
			if p := part.problems[account]; p != nil {
				m.problems[account] = p
			}
		}
		m.mu.Unlock()
	}
	return true, nil
}

// make makes the books of everybody, in the workspace's currency, or in the
// only one that contracts are in.
func (s *Service) make(ctx context.Context, v view) (folio, error) {
	f, currencies, err := s.book(ctx, cairn.Everything, v, v.reader.Currency)
	if err != nil || !another(currencies, v.reader.Currency) || len(v.rates) > 0 {
		return f, err
	}
	f, _, err = s.book(ctx, cairn.Everything, v, currencies[0])
	return f, err
}

// another reports whether all contracts are in one currency that is not home.
func another(currencies []string, home string) bool {
	return len(currencies) == 1 && currencies[0] != home
}

// book makes the books of the accounts of a scope, and tells in which
// currencies their contracts are.
func (s *Service) book(ctx context.Context, scope cairn.Scope, v view, currency string) (folio, []string, error) {
	f := folio{currency: currency, books: ledger.NewBooks(), of: map[cairn.AccountID]int{}, problems: map[cairn.AccountID][]ledger.Problem{}}
	seen := map[string]bool{}
	d := ledger.NewDeriver(v.policy, ledger.NewRates(currency, v.rates), v.last)
	var r ledger.Result
	v.stands = false
	err := s.customers(ctx, scope, v, func(p *ledger.Problem) {
		f.of[p.Account]++
		f.problems[p.Account] = append(f.problems[p.Account], *p)
	}, func(c customer) {
		f.of[c.account] += len(c.lines)
		for _, l := range c.lines {
			for i := range l.Terms {
				seen[l.Terms[i].Currency] = true
			}
		}
		d.Derive(c.lines, &r)
		f.books.Set(c.account, &r)
		if len(r.Problems) > 0 {
			f.problems[c.account] = append(f.problems[c.account], r.Problems...)
		}
	})
	var currencies []string
	for c := range seen {
		currencies = append(currencies, c)
	}
	slices.SortFunc(currencies, strings.Compare)
	return f, currencies, err
}

// fromBooks answers a question about accounts from their books.
func (s *Service) fromBooks(ctx context.Context, scope cairn.Scope, q Query, v view, mark string) (Report, error) {
	var traits map[cairn.AccountID]string
	if q.By != "" {
		var err error
		if traits, err = s.Store.Traits(ctx, scope, q.By); err != nil {
			return Report{}, err
		}
	}
	r := Report{Policy: v.policy, By: q.By, At: v.now, Groups: []Group{}, Problems: []ledger.Problem{}}
	to := min(q.To, ledger.MonthOf(v.last))
	err := s.open(ctx, q, v, mark, func(f *folio) error {
		r.Currency = f.currency
		tallies := f.books.Tally(q.From, to, func(a cairn.AccountID) (string, bool) { return traits[a], scope.Sees(a) })
		if q.By == "" && len(tallies) == 0 {
			tallies[""] = ledger.NewTally(q.From, to)
		}
		for value, t := range tallies {
			r.Groups = append(r.Groups, Group{value, t.Months()})
		}
		for account, n := range f.of {
			if scope.Sees(account) {
				r.Contracts += n
				r.Problems = append(r.Problems, f.problems[account]...)
			}
		}
		return nil
	})
	sortReport(&r)
	return r, err
}

func sortReport(r *Report) {
	slices.SortFunc(r.Groups, func(a, b Group) int { return strings.Compare(a.Value, b.Value) })
	slices.SortFunc(r.Problems, func(a, b ledger.Problem) int { return slices.Compare(a.Record.ID[:], b.Record.ID[:]) })
}
