package outcome

import (
	"context"
	"slices"
	"sync"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/forecast"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// A RenewalStore tells what was said of contracts and of their renewals. Each
// method keeps to the scope.
type RenewalStore interface {
	// Facts calls f with the facts about each record of a kind that belongs to
	// an account, account by account. Facts are only lent.
	Facts(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error
	// RecordsMark differs whenever a record of a kind does.
	RecordsMark(ctx context.Context, kind cairn.EventKind) (string, error)
	// RecordKeys returns how sources name the records of a kind.
	RecordKeys(ctx context.Context, scope cairn.Scope, kind cairn.EventKind) (map[cairn.RecordID]string, error)
	// Standing returns records as they stand, with what is personal opened.
	Standing(ctx context.Context, scope cairn.Scope, ids []cairn.RecordID) ([]cairn.Record, error)
	// Several returns accounts by their ids, with what was last measured.
	Several(ctx context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error)
	// Traits returns what is shown of one field of each account.
	Traits(ctx context.Context, scope cairn.Scope, field string) (map[cairn.AccountID]string, error)
}

// Renewals is what pages and commands ask about contracts that come up.
type Renewals struct {
	Store RenewalStore
	Book  book.Store
	Basis func(ctx context.Context, known time.Time) (revenue.Basis, error)
	// Among tells whom a filter lets pass; see [revenue.Service.Among].
	Among func(ctx context.Context, scope cairn.Scope, where string, f func(lets func(cairn.AccountID) bool) error) error

	mu   sync.Mutex
	kept []*history // the latest last
}

// remembered is how many histories are kept, which are as good as new while
// nothing has changed.
const remembered = 4

// lookAhead is how many days ahead terms are looked at: further than any
// contract is bound.
const lookAhead = 4000

// A history is every renewal that there ever was by what was known at a moment.
type history struct {
	revenue.Basis
	mark      string // of contracts and of how the workspace counts
	said      string // of what people said
	known     time.Time
	contracts []contract
	at        map[cairn.RecordID]int // in contracts
	all       []entry                // contract by contract, each in order of time
	model     *forecast.Model
	problems  []ledger.Problem
}

// A contract is how one stands.
type contract struct {
	record   cairn.RecordID
	account  cairn.AccountID
	key      string
	product  string
	paper    string
	lock     cairn.Day
	notice   int // days; -1: not told
	autoSaid bool
	loose    ledger.Loose
	from, to int // in all
}

// An entry is one renewal with what people said of it.
type entry struct {
	ledger.Renewal
	contract int
	facts    []cairn.Fact
	records  []cairn.RecordID // in which they said it
}

// read returns the history by what was known at a moment (zero: now).
func (s *Renewals) read(ctx context.Context, known time.Time) (*history, error) {
	basis, err := s.Basis(ctx, known)
	if err != nil {
		return nil, err
	}
	contracts, err := s.Store.RecordsMark(ctx, cairn.OfContract)
	if err != nil {
		return nil, err
	}
	said, err := s.Store.RecordsMark(ctx, cairn.OfRenewal)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := &history{Basis: basis, mark: basis.Mark + "/" + contracts, said: said, known: known, at: map[cairn.RecordID]int{}}
	i := slices.IndexFunc(s.kept, func(o *history) bool { return o.mark == h.mark && o.known.Equal(known) })
	switch {
	case i < 0:
		err = s.fill(ctx, h)
	case s.kept[i].said == said:
		return s.kept[i], nil
	default:
		h = s.kept[i].unsaid(said)
		s.kept = slices.Delete(s.kept, i, i+1)
	}
	if err == nil {
		err = s.words(ctx, h)
	}
	if err != nil {
		return nil, err
	}
	if s.kept = append(s.kept, h); len(s.kept) > remembered {
		s.kept = s.kept[1:]
	}
	return h, nil
}

// fill reads all contracts and all that people said of renewals.
func (s *Renewals) fill(ctx context.Context, h *history) error {
	keys, err := s.Store.RecordKeys(ctx, cairn.Everything, cairn.OfContract)
	if err != nil {
		return err
	}
	d := ledger.NewDeriver(h.Policy, h.Rates, h.Today+lookAhead)
	var found []ledger.Renewal
	err = s.Store.Facts(ctx, cairn.Everything, cairn.OfContract, func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error {
		line, problem := h.Reader.Line(record, account, facts)
		if problem != nil || line == nil {
			h.left(problem)
			return nil
		}
		var loose ledger.Loose
		if found, loose, problem = d.Renewals(line, h.Today, found[:0]); problem != nil {
			h.left(problem)
			return nil
		}
		c := h.contract(record, account, keys[record], facts)
		c.loose, c.from = loose, len(h.all)
		for _, r := range found {
			h.all = append(h.all, entry{Renewal: r, contract: len(h.contracts)})
		}
		c.to = len(h.all)
		h.at[record] = len(h.contracts)
		h.contracts = append(h.contracts, c)
		return nil
	})
	if err != nil {
		return err
	}
	h.model = h.modelAt(h.Today)
	return nil
}

// unsaid returns the same contracts before people said anything.
func (h *history) unsaid(said string) *history {
	out := *h
	out.said, out.all = said, slices.Clone(h.all)
	for i := range out.all {
		out.all[i].facts, out.all[i].records = nil, nil
	}
	return &out
}

func (h *history) left(p *ledger.Problem) {
	if p != nil {
		h.problems = append(h.problems, *p)
	}
}

// contract reads how a contract stands.
func (h *history) contract(record cairn.RecordID, account cairn.AccountID, key string, facts []cairn.Fact) contract {
	stands := cairn.Record{Fields: h.Reader.Stands(facts)}
	c := contract{record: record, account: account, key: key, product: stands.Text("product"), paper: stands.Text("paper"), notice: -1}
	c.lock = h.day(stands, "price_lock")
	c.autoSaid = stands.Text("auto_renew") != ""
	if n, ok := stands.Number("notice_days"); ok && n >= 0 && n <= 3660 {
		c.notice = int(n)
	}
	return c
}

// day reads a field that holds a day; 0 when it does not.
func (h *history) day(r cairn.Record, field string) cairn.Day {
	t, ok := r.Time(field)
	switch {
	case !ok:
		return 0
	case len(r.Text(field)) == len(time.DateOnly):
		return cairn.DayOf(t, time.UTC)
	}
	return cairn.DayOf(t, h.Reader.Zone)
}

// modelAt returns the model of what had come up by a day.
func (h *history) modelAt(day cairn.Day) *forecast.Model {
	var cases []forecast.Case
	for i := range h.all {
		if e := &h.all[i]; !e.Open && e.Due <= day {
			cases = append(cases, caseOf(&e.Renewal, h.contracts[e.contract].product))
		}
	}
	return forecast.New(cases)
}

// openAt reports whether an entry had not ended one way or the other by a day.
func (e *entry) openAt(day cairn.Day) bool {
	return e.From <= day && e.Due > day && (e.Ended == 0 || e.Ended > day) && (e.Settled == 0 || e.Settled > day)
}

// words reads what people said of renewals, and puts it to them.
func (s *Renewals) words(ctx context.Context, h *history) error {
	type name struct {
		account cairn.AccountID
		key     string
	}
	by := map[name]int{}
	first := map[cairn.AccountID]int{} // its only contract; -1: it has several
	for i := range h.contracts {
		c := &h.contracts[i]
		by[name{c.account, c.record.String()}] = i
		if c.key != "" {
			by[name{c.account, c.key}] = i
		}
		if _, several := first[c.account]; several {
			first[c.account] = -1
			continue
		}
		first[c.account] = i
	}
	return s.Store.Facts(ctx, cairn.Everything, cairn.OfRenewal, func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error {
		facts = h.knownOf(facts)
		if len(facts) == 0 {
			return nil
		}
		said := cairn.Record{Fields: h.Reader.Stands(facts)}
		i, ok := by[name{account, said.Text("contract")}]
		if !ok && said.Text("contract") == "" {
			i, ok = first[account]
		}
		if !ok || i < 0 {
			return nil
		}
		if e := h.nearest(&h.contracts[i], h.day(said, "due"), facts); e != nil {
			e.facts, e.records = append(e.facts, facts...), append(e.records, record)
		}
		return nil
	})
}

// knownOf returns those of the facts that were known, which are the caller's to
// keep.
func (h *history) knownOf(facts []cairn.Fact) []cairn.Fact {
	var out []cairn.Fact
	for _, f := range facts {
		if h.known.IsZero() || !f.Seen.After(h.known) {
			out = append(out, f)
		}
	}
	return out
}

// nearest returns the renewal of a contract that is meant: the one nearest to
// the day that was said, at most a quarter away, or the next after the first
// word.
func (h *history) nearest(c *contract, due cairn.Day, facts []cairn.Fact) *entry {
	const quarter = 92
	said := due != 0
	if !said {
		due = cairn.DayOf(facts[0].At, h.Reader.Zone)
		for _, f := range facts {
			due = min(due, cairn.DayOf(f.At, h.Reader.Zone))
		}
	}
	away := func(e *entry) cairn.Day { return max(e.Due-due, due-e.Due) }
	var best *entry
	for i := c.from; i < c.to; i++ {
		e := &h.all[i]
		if said && away(e) > quarter || !said && e.Due < due {
			continue
		}
		if best == nil || away(e) < away(best) {
			best = e
		}
	}
	return best
}

// human reads what people had said of a renewal by a moment (zero: all).
func (h *history) human(e *entry, at time.Time) Human {
	if len(e.facts) == 0 {
		return Human{}
	}
	r := cairn.Record{Fields: h.Reader.Precedence.Choose(e.facts, at)}
	out := Human{Owner: r.Text("owner"), NextDue: h.day(r, "next_step_due"), Outcome: r.Text("outcome"), Closed: h.day(r, "closed")}
	if n, ok := r.Number("probability"); ok {
		p := min(max(n/100, 0), 1)
		out.Chance = &p
	}
	out.Forecast, out.Booked = h.amount(r, "forecast", e.Due), h.amount(r, "booked", e.Due)
	for _, field := range []string{"probability", "forecast"} {
		if f, ok := r.Fields[field]; ok {
			out.Said = max(out.Said, cairn.DayOf(f.At, h.Reader.Zone))
		}
	}
	return out
}

// amount reads an amount in the currency of the figures; nil when it is not
// said, or there is no rate.
func (h *history) amount(r cairn.Record, field string, day cairn.Day) *int64 {
	m, ok := r.Money(field, h.Currency)
	if !ok {
		return nil
	}
	n, ok := h.Rates.Into(m, day)
	if !ok {
		return nil
	}
	return &n
}
