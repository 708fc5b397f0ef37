// Package revenue tells the figures of recurring revenue over all customers:
// it reads what was said of contracts, has the ledger book it under a policy,
// and adds up. Nothing that it tells is kept but what somebody closed: every
// figure is made of the facts when it is asked for, and remembered only as
// long as they stay as they are.
package revenue

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
)

// A Store tells what was said of contracts and accounts.
type Store interface {
	// Facts calls f with the facts about each record of a kind that belongs to
	// an account of the scope, account by account. Facts are only lent.
	Facts(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error
	// ContractsMark differs whenever a contract does.
	ContractsMark(ctx context.Context) (string, error)
	// ContractStamps differ for each account of which a contract does.
	ContractStamps(ctx context.Context) (map[cairn.AccountID]Stamp, error)
	// Traits returns what is shown of one field of each account of the scope.
	Traits(ctx context.Context, scope cairn.Scope, field string) (map[cairn.AccountID]string, error)
}

// A Service is what pages and commands ask.
type Service struct {
	Store    Store
	Book     book.Store
	Settings func() Settings
	Now      func() time.Time

	memory memory

	mu   sync.Mutex
	kept []kept
}

// Settings are those of the workspace that matter here.
type Settings struct {
	Zone       *time.Location
	Currency   string
	Precedence cairn.Precedence
}

// A Query asks for figures.
type Query struct {
	Policy   string       `json:"policy"`   // "": the workspace's
	From     ledger.Month `json:"from"`     // 0: eleven months before To
	To       ledger.Month `json:"to"`       // 0: the month that is going on
	By       string       `json:"by"`       // dimension; "": all together
	Currency string       `json:"currency"` // "": the workspace's
	Known    time.Time    `json:"known"`    // as known then; zero: now
	Booked   bool         `json:"booked"`   // closed months as they were booked
}

// A Report is what was asked for.
type Report struct {
	Policy    ledger.Policy    `json:"policy"`
	Currency  string           `json:"currency"`
	By        string           `json:"by"`
	At        time.Time        `json:"at"` // the moment it is of
	Groups    []Group          `json:"groups"`
	Contracts int              `json:"contracts"`
	Problems  []ledger.Problem `json:"problems"` // contracts that are left out
	Closed    ledger.Month     `json:"closed"`   // the last month that is closed under the policy; 0: none
}

// A Group is one value of the dimension.
type Group struct {
	Value  string        `json:"value"`
	Months []ledger.Sums `json:"months"`
}

// Figures returns a report's months as they are told, group by group.
func (r Report) Figures() []ledger.Figures {
	out := []ledger.Figures{}
	for _, g := range r.Groups {
		for _, s := range g.Months {
			f := s.Figures(r.Currency)
			if r.By != "" {
				f.By, f.Value = r.By, &g.Value
			}
			out = append(out, f)
		}
	}
	return out
}

// fill puts in the months that were not said.
func (q Query) fill(today cairn.Day) Query {
	if q.To == 0 {
		q.To = ledger.MonthOf(today)
	}
	if q.From == 0 {
		q.From = q.To - 11
	}
	return q
}

// maxMonths is how many months one report may have.
const maxMonths = 1200

// Check refuses what cannot be asked.
func (q Query) Check() error {
	switch {
	case q.To < q.From:
		return cairn.Errorf(cairn.Invalid, "The months end in %v, before they begin in %v.", q.To, q.From).At("to")
	case q.Booked && q.By != "":
		return cairn.Errorf(cairn.Invalid, "Months are closed for all customers together: ask for what is booked without a dimension.").At("by")
	case q.Booked && !q.Known.IsZero():
		return cairn.Errorf(cairn.Invalid, "What is booked does not change with what is known: ask for one of the two.").At("at")
	case q.To-q.From >= maxMonths:
		return cairn.Errorf(cairn.Invalid, "One report has at most %d months.", maxMonths).At("from")
	}
	return nil
}

// A kept report is as good as new while nothing has changed.
type kept struct {
	query Query
	mark  string
	day   cairn.Day
	r     Report
}

// keep is how many reports are remembered.
const keep = 16

// Report returns the figures that q asks for. Months that have not begun are
// left out; the last may be going on.
func (s *Service) Report(ctx context.Context, scope cairn.Scope, q Query) (Report, error) {
	v, err := s.view(ctx, q)
	if err != nil {
		return Report{}, err
	}
	if q = q.fill(v.last); q.Check() != nil {
		return Report{}, q.Check()
	}
	mark, err := s.Store.ContractsMark(ctx)
	if err != nil {
		return Report{}, err
	}
	mark += "/" + v.mark
	_, contract := contractField(q.By)
	keeps := scope.All && (q.By == "" || contract) // the mark says nothing of accounts
	if keeps {
		if r, ok := s.remembered(q, mark, v.last); ok {
			return r, nil
		}
	}
	r, err := s.answer(ctx, scope, q, v, mark)
	if err != nil {
		return r, err
	}
	if err := s.asBooked(ctx, q, &r); err != nil {
		return r, err
	}
	if keeps {
		s.remember(kept{q, mark, v.last, r})
	}
	return r, nil
}

func (s *Service) remembered(q Query, mark string, day cairn.Day) (Report, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		if k.query == q && k.mark == mark && k.day == day {
			return k.r, true
		}
	}
	return Report{}, false
}

func (s *Service) remember(k kept) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept = slices.DeleteFunc(s.kept, func(o kept) bool { return o.query == k.query })
	if s.kept = append(s.kept, k); len(s.kept) > keep {
		s.kept = slices.Delete(s.kept, 0, 1)
	}
}

// A view is how one looks at contracts: the policy, the rates and the moment.
type view struct {
	policy ledger.Policy
	rates  []ledger.Rate
	reader ledger.Reader
	last   cairn.Day // looked at
	mark   string    // differs whenever the definitions do
	now    time.Time
	usual  bool // the workspace's policy, as known now
	stands bool // how each contract stands is asked for too
}

func (s *Service) view(ctx context.Context, q Query) (view, error) {
	set := s.Settings()
	v := view{now: s.Now(), reader: ledger.Reader{Zone: set.Zone, Currency: set.Currency, Precedence: set.Precedence, Known: q.Known}}
	if !q.Known.IsZero() {
		v.now = q.Known
	}
	if v.reader.Zone == nil {
		v.reader.Zone = time.UTC
	}
	v.last = cairn.DayOf(v.now, v.reader.Zone)
	d, mark, err := s.definitions(ctx)
	if err != nil {
		return v, err
	}
	_, closed, err := s.closings(ctx)
	if err != nil {
		return v, err
	}
	v.rates, v.mark = d.Rates, mark+"/"+strconv.Itoa(closed)+"/"+v.reader.Zone.String()+"/"+set.Currency+"/"+strings.Join(set.Precedence, ",")
	if q.Policy == "" {
		q.Policy = d.Policy
	}
	v.policy, err = d.policy(q.Policy)
	use := d.Policy
	if use == "" {
		use = ledger.Presets[0].Name
	}
	v.usual = q.Known.IsZero() && v.policy.Name == use
	return v, err
}

// answer makes a report of books, or, by a field of contracts, of the
// contracts themselves.
func (s *Service) answer(ctx context.Context, scope cairn.Scope, q Query, v view, mark string) (Report, error) {
	if _, contract := contractField(q.By); contract {
		return s.report(ctx, scope, q, v)
	}
	contracts, _, _ := strings.Cut(mark, "/")
	return s.fromBooks(ctx, scope, q, v, contracts)
}

// report reads contracts and adds up.
func (s *Service) report(ctx context.Context, scope cairn.Scope, q Query, v view) (Report, error) {
	currency := strings.ToUpper(strings.TrimSpace(q.Currency))
	if currency == "" {
		currency = v.reader.Currency
	}
	r, others, err := s.tally(ctx, scope, q, v, currency)
	if err != nil || q.Currency != "" || !another(others, currency) || len(v.rates) > 0 {
		return r, err
	}
	// All contracts are in one currency, and it is not the workspace's.
	r, _, err = s.tally(ctx, scope, q, v, others[0])
	return r, err
}

// tally adds up in a currency, and tells in which ones contracts are.
func (s *Service) tally(ctx context.Context, scope cairn.Scope, q Query, v view, currency string) (Report, []string, error) {
	r := Report{Policy: v.policy, Currency: currency, By: q.By, At: v.now, Groups: []Group{}, Problems: []ledger.Problem{}}
	split, err := s.dimension(ctx, scope, q.By)
	if err != nil {
		return r, nil, err
	}
	to := min(q.To, ledger.MonthOf(v.last))
	d := ledger.NewDeriver(v.policy, ledger.NewRates(currency, v.rates), v.last)
	tallies, seen := map[string]*ledger.Tally{}, map[string]bool{}
	var out ledger.Result
	_, v.stands = contractField(q.By)
	err = s.customers(ctx, scope, v, func(problem *ledger.Problem) {
		r.Contracts++
		r.Problems = append(r.Problems, *problem)
	}, func(c customer) {
		r.Contracts += len(c.lines)
		for _, l := range c.lines {
			for i := range l.Terms {
				seen[l.Terms[i].Currency] = true
			}
		}
		for value, lines := range split(c) {
			d.Derive(lines, &out)
			r.Problems = append(r.Problems, out.Problems...)
			t := tallies[value]
			if t == nil {
				t = ledger.NewTally(q.From, to)
				tallies[value] = t
			}
			t.Add(&out)
		}
	})
	if q.By == "" && len(tallies) == 0 {
		tallies[""] = ledger.NewTally(q.From, to)
	}
	for value, t := range tallies {
		r.Groups = append(r.Groups, Group{value, t.Months()})
	}
	sortReport(&r)
	var currencies []string
	for c := range seen {
		currencies = append(currencies, c)
	}
	return r, currencies, err
}

// A customer is an account with its lines.
type customer struct {
	account cairn.AccountID
	lines   []ledger.Line
	says    []said // of each line how it stands, when it is asked for
}

// A said are the fields of a contract as they stand.
type said map[string]cairn.Said

// customers calls f with each customer, and left with each contract that
// cannot be read.
func (s *Service) customers(ctx context.Context, scope cairn.Scope, v view, left func(*ledger.Problem), f func(customer)) error {
	var c customer
	flush := func() {
		if len(c.lines) > 0 {
			f(c)
		}
		c.lines, c.says = c.lines[:0], c.says[:0]
	}
	err := s.Store.Facts(ctx, scope, cairn.OfContract, func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error {
		if account != c.account {
			flush()
			c.account = account
		}
		l, problem := v.reader.Line(record, account, facts)
		switch {
		case problem != nil:
			left(problem)
		case l != nil:
			c.lines = append(c.lines, *l)
			if v.stands {
				c.says = append(c.says, v.reader.Stands(facts))
			}
		}
		return nil
	})
	flush()
	return err
}

// dimension returns what sorts the lines of a customer by the value of a
// dimension. Traits of accounts put all lines of one together; fields of
// contracts keep a ledger for each value, so that a customer who changes from
// one product to another leaves one and is new at the other.
func (s *Service) dimension(ctx context.Context, scope cairn.Scope, by string) (func(customer) map[string][]ledger.Line, error) {
	if by == "" {
		return func(c customer) map[string][]ledger.Line { return map[string][]ledger.Line{"": c.lines} }, nil
	}
	if field, ok := contractField(by); ok {
		return func(c customer) map[string][]ledger.Line {
			out := map[string][]ledger.Line{}
			for i, l := range c.lines {
				value := cairn.Record{Fields: c.says[i]}.Text(field)
				out[value] = append(out[value], l)
			}
			return out
		}, nil
	}
	traits, err := s.Store.Traits(ctx, scope, by)
	return func(c customer) map[string][]ledger.Line { return map[string][]ledger.Line{traits[c.account]: c.lines} }, err
}

// contractField returns the field of contracts that a dimension names.
func contractField(by string) (string, bool) {
	if field, ok := strings.CutPrefix(by, "contract."); ok {
		return field, true
	}
	return by, slices.Contains([]string{"product", "currency", "type", "interval", "billing", "paper"}, by)
}
