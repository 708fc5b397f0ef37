package revenue

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/watch"
)

// A memory is the books of the questions that are asked most: those under the
// workspace's policy as of now, and of some others. It is lost with the process
// and only a shortcut: without it the same is made of the facts. When a
// contract changes, only the customers whose contracts did are booked again, in
// each of the books when it is asked for next.
type memory struct {
	contracts watch.Log
	roster    roster
	risk      risks

	mu      sync.Mutex
	shelves []*shelf // the latest asked for last
}

// mostShelves is how many books are remembered.
const mostShelves = 5

// A shelf is the books that answer questions of one kind.
type shelf struct {
	key    string
	by     string // the field of contracts that the books are told apart by; "": none
	usual  bool
	making sync.Mutex // by whoever makes or mends the books

	mu   sync.RWMutex // of what follows
	made bool
	seen int // how many of the changes are in it
	folio

	kept answers // what was made of the books as they are
}

// A folio is the books with what was found while they were made.
type folio struct {
	currency string
	books    *ledger.Books
	parts    map[string]*ledger.Books // by the value of a field of contracts, where one is asked by
	of       map[cairn.AccountID]int  // contracts
	problems map[cairn.AccountID][]ledger.Problem
}

// answers are what was made of books, until they change.
type answers struct {
	mu sync.Mutex
	by map[string]any
}

// mostAnswers is how many answers of one shelf are remembered.
const mostAnswers = 64

// once returns what is remembered under a name, or makes it.
func once[T any](a *answers, name string, make func() (T, error)) (T, error) {
	a.mu.Lock()
	got, ok := a.by[name]
	a.mu.Unlock()
	if ok {
		return got.(T), nil
	}
	made, err := make()
	if err != nil {
		return made, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.by == nil || len(a.by) >= mostAnswers {
		a.by = map[string]any{}
	}
	a.by[name] = made
	return made, nil
}

func (a *answers) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.by = nil
}

// contracts, accounts and shelf are the parts of the memory, ready for use.
func (s *Service) contracts() *watch.Log {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	s.memory.contracts.Kind = cairn.OfContract
	return &s.memory.contracts
}

func (s *Service) accounts() *roster {
	s.memory.mu.Lock()
	defer s.memory.mu.Unlock()
	s.memory.roster.watch.Kind = cairn.OfAccount
	return &s.memory.roster
}

// shelf returns the one with a key. The least used one makes room, but for the
// one that is asked for most.
func (s *Service) shelf(key, by string, usual bool) *shelf {
	m := &s.memory
	m.mu.Lock()
	defer m.mu.Unlock()
	if i := slices.IndexFunc(m.shelves, func(x *shelf) bool { return x.key == key }); i >= 0 {
		x := m.shelves[i]
		m.shelves = append(slices.Delete(m.shelves, i, i+1), x)
		return x
	}
	if usual { // what was usual before is of yesterday, or under another policy
		m.shelves = slices.DeleteFunc(m.shelves, func(x *shelf) bool { return x.usual })
	}
	if len(m.shelves) >= mostShelves {
		if i := slices.IndexFunc(m.shelves, func(x *shelf) bool { return !x.usual }); i >= 0 {
			m.shelves = slices.Delete(m.shelves, i, i+1)
		}
	}
	x := &shelf{key: key, by: by, usual: usual}
	m.shelves = append(m.shelves, x)
	return x
}

// open calls f with the books that answer a question, which nobody changes
// meanwhile: those that are remembered, mended, or others that are made.
func (s *Service) open(ctx context.Context, q Query, v view, f func(*shelf) error) error {
	n, err := s.contracts().Look(ctx, s.Store)
	if err != nil {
		return err
	}
	currency := strings.ToUpper(strings.TrimSpace(q.Currency))
	known := ""
	if !q.Known.IsZero() {
		known = q.Known.UTC().Format(time.RFC3339Nano)
	}
	by, contract := contractField(q.By)
	if !contract {
		by = ""
	}
	x := s.shelf(strings.Join([]string{v.mark, v.policy.Name, v.last.String(), currency, known, by}, "/"), by, v.usual && currency == "" && by == "")
	x.mu.RLock()
	if !x.made || x.seen < n {
		x.mu.RUnlock()
		if err := s.refresh(ctx, x, v, currency, n); err != nil {
			return err
		}
		x.mu.RLock()
	}
	defer x.mu.RUnlock()
	return f(x)
}

// refresh makes the books, or books those again whose contracts changed.
func (s *Service) refresh(ctx context.Context, x *shelf, v view, currency string, n int) error {
	x.making.Lock()
	defer x.making.Unlock()
	if x.made && x.seen >= n { // somebody else did meanwhile
		return nil
	}
	if x.made {
		done, err := s.mend(ctx, x, v, currency)
		if err != nil {
			return err
		}
		if done {
			x.mu.Lock()
			defer x.mu.Unlock()
			x.seen = n
			x.kept.forget()
			return nil
		}
	}
	f, err := s.make(ctx, v, currency, x.by)
	if err != nil {
		return err
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.made, x.seen, x.folio = true, n, f
	x.kept.forget()
	return nil
}

// tooMany is the share of customers of whom it is as quick to book all again.
const tooMany = 4

// atOnce is how many customers are asked for together.
const atOnce = 500

// mend books those again whose contracts changed; false: too many did, or the
// books may want another currency now.
func (s *Service) mend(ctx context.Context, x *shelf, v view, currency string) (bool, error) {
	changed, ok := s.contracts().Since(x.seen)
	if !ok || len(changed) > atOnce && len(changed) > s.contracts().Several()/tooMany {
		return false, nil
	}
	for some := range slices.Chunk(changed, atOnce) {
		part, currencies, err := s.book(ctx, cairn.Scope{Accounts: some}, v, x.currency, x.by)
		if err != nil {
			return false, err
		}
		if currency == "" && !settled(x, v, currencies, len(part.problems) > 0) {
			return false, nil
		}
		x.mu.Lock()
		for _, account := range some {
			r, _ := part.books.Of(account) // nothing, when all its contracts are gone
			x.books.Set(account, &r)
			x.setParts(account, part)
			x.of[account] = part.of[account]
			delete(x.problems, account)
			if p := part.problems[account]; p != nil {
				x.problems[account] = p
			}
		}
		x.kept.forget()
		x.mu.Unlock()
	}
	return true, nil
}

// setParts puts the parts of one customer in place of what was there.
func (x *shelf) setParts(account cairn.AccountID, from folio) {
	for value := range from.parts {
		if x.parts[value] == nil {
			x.parts[value] = ledger.NewBooks()
		}
	}
	for value, books := range x.parts {
		var r ledger.Result
		if p := from.parts[value]; p != nil {
			r, _ = p.Of(account)
		}
		if _, was := books.Of(account); was || len(r.Movements) > 0 {
			books.Set(account, &r)
		}
	}
}

// settled reports whether the currency of the books stays as it is, whatever
// the customers are in that changed. Books that are in the only currency of
// all contracts stay so while these are in it; books in the workspace's while
// somebody is in them, or all can be counted.
func settled(x *shelf, v view, currencies []string, problems bool) bool {
	if x.currency != v.reader.Currency {
		return len(currencies) == 0 || len(currencies) == 1 && currencies[0] == x.currency
	}
	return !problems || x.books.Len() > len(x.problems)
}

// make makes the books of everybody, in a currency, or where none is asked for
// in the workspace's, or in the only one that contracts are in.
func (s *Service) make(ctx context.Context, v view, currency, by string) (folio, error) {
	if currency != "" {
		f, _, err := s.book(ctx, cairn.Everything, v, currency, by)
		return f, err
	}
	f, currencies, err := s.book(ctx, cairn.Everything, v, v.reader.Currency, by)
	if err != nil || !another(currencies, v.reader.Currency) || len(v.rates) > 0 {
		return f, err
	}
	f, _, err = s.book(ctx, cairn.Everything, v, currencies[0], by)
	return f, err
}

// another reports whether all contracts are in one currency that is not home.
func another(currencies []string, home string) bool {
	return len(currencies) == 1 && currencies[0] != home
}

// book makes the books of the accounts of a scope, and tells in which
// currencies their contracts are.
func (s *Service) book(ctx context.Context, scope cairn.Scope, v view, currency, by string) (folio, []string, error) {
	f := folio{currency: currency, books: ledger.NewBooks(), of: map[cairn.AccountID]int{}, problems: map[cairn.AccountID][]ledger.Problem{}}
	if by != "" {
		f.parts = map[string]*ledger.Books{}
	}
	seen := map[string]bool{}
	d := ledger.NewDeriver(v.policy, ledger.NewRates(currency, v.rates), v.last)
	var r ledger.Result
	v.stands = by != ""
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
		if by != "" {
			f.part(d, c, by)
		}
	})
	return f, slices.Sorted(maps.Keys(seen)), err
}

// part books a customer under each value of a field of its contracts.
func (f *folio) part(d *ledger.Deriver, c customer, by string) {
	var r ledger.Result
	for value, lines := range c.split(by) {
		d.Derive(lines, &r)
		if f.parts[value] == nil {
			f.parts[value] = ledger.NewBooks()
		}
		f.parts[value].Set(c.account, &r)
	}
}

// An added is what was added up of books once.
type added struct {
	groups    []Group
	contracts int
	problems  []ledger.Problem
}

// fromBooks answers a question about accounts from their books.
func (s *Service) fromBooks(ctx context.Context, scope cairn.Scope, q Query, v view) (r Report, err error) {
	where, err := ParseWhere(q.Where)
	if err != nil {
		return r, err
	}
	err = s.look(ctx, scope, q, v, where, func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error {
		r = x.report(fields, scope, q, v, of)
		return nil
	})
	return r, err
}

// look opens the books for a question, together with the fields of accounts
// where it needs them; of says who counts, nil is everybody.
func (s *Service) look(ctx context.Context, scope cairn.Scope, q Query, v view, where []Where, f func(x *shelf, fields *roster, of func(cairn.AccountID) bool) error) error {
	if len(where) == 0 && q.By == "" {
		var of func(cairn.AccountID) bool
		if !scope.All {
			of = scope.Sees
		}
		return s.open(ctx, q, v, func(x *shelf) error { return f(x, nil, of) })
	}
	return s.accounts().read(ctx, s.Store, func(fields *roster) error {
		of := fields.among(scope, where)
		return s.open(ctx, q, v, func(x *shelf) error { return f(x, fields, of) })
	})
}

// remembered returns what was made of books and fields as they are, or makes
// it. What only some may see is made every time.
func remembered[T any](x *shelf, fields *roster, scope cairn.Scope, q Query, what string, make func() T) T {
	out, _ := rememberedOr(x, fields, scope, q, what, func() (T, error) { return make(), nil })
	return out
}

// rememberedOr does so for what may fail, which is not remembered then.
func rememberedOr[T any](x *shelf, fields *roster, scope cairn.Scope, q Query, what string, make func() (T, error)) (T, error) {
	if !scope.All {
		return make()
	}
	name := []string{what, q.From.String(), q.To.String(), q.By, q.Where}
	if fields != nil {
		name = append(name, strconv.Itoa(fields.seen))
	}
	return once(&x.kept, strings.Join(name, "\x00"), make)
}

// tell adds up.
func (x *shelf) tell(fields *roster, q Query, to ledger.Month, of func(cairn.AccountID) bool) added {
	out := added{groups: []Group{}, problems: []ledger.Problem{}}
	let := everybody(of)
	tallies := map[string]*ledger.Tally{}
	group := func(a cairn.AccountID) (string, bool) { return "", let(a) }
	switch {
	case x.by != "":
		for value, books := range x.parts {
			if t := books.Tally(q.From, to, group)[""]; t != nil {
				tallies[value] = t
			}
		}
	case q.By != "":
		tallies = x.books.Tally(q.From, to, func(a cairn.AccountID) (string, bool) { return fields.value(q.By, a), let(a) })
	default:
		tallies = x.books.Tally(q.From, to, group)
	}
	if q.By == "" && len(tallies) == 0 {
		tallies[""] = ledger.NewTally(q.From, to)
	}
	for value, t := range tallies {
		out.groups = append(out.groups, Group{value, t.Months()})
	}
	for account, n := range x.of {
		if of == nil || of(account) {
			out.contracts += n
		}
	}
	for account, p := range x.problems {
		if let(account) {
			out.problems = append(out.problems, p...)
		}
	}
	sortGroups(out.groups, out.problems)
	return out
}

func sortGroups(groups []Group, problems []ledger.Problem) {
	slices.SortFunc(groups, func(a, b Group) int { return strings.Compare(a.Value, b.Value) })
	slices.SortFunc(problems, func(a, b ledger.Problem) int { return slices.Compare(a.Record.ID[:], b.Record.ID[:]) })
}
