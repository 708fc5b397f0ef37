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
	"cairn/internal/watch"
)

// A RenewalStore tells what was said of contracts and of their renewals. Each
// method keeps to the scope.
type RenewalStore interface {
	// Facts calls f with the facts about each record of a kind that belongs to
	// an account, in the order of accounts. Facts are only lent.
	Facts(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error
	watch.Store
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

	mu        sync.Mutex
	contracts watch.Log
	words     watch.Log
	kept      []*history // the latest last
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
	seen      int // how many of the changes of contracts are in it
	said      int // and of what people said
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
	s.mu.Lock()
	defer s.mu.Unlock()
	s.contracts.Kind, s.words.Kind = cairn.OfContract, cairn.OfRenewal
	h := &history{Basis: basis, known: known, at: map[cairn.RecordID]int{}}
	if h.seen, err = s.contracts.Look(ctx, s.Store); err != nil {
		return nil, err
	}
	if h.said, err = s.words.Look(ctx, s.Store); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(s.kept, func(o *history) bool { return o.Mark == h.Mark && o.known.Equal(known) })
	var was *history
	if i >= 0 {
		if was = s.kept[i]; was.seen == h.seen && was.said == h.said {
			return was, nil
		}
		s.kept = slices.Delete(s.kept, i, i+1)
	}
	if err := s.fill(ctx, h, was); err != nil {
		return nil, err
	}
	if err := s.hear(ctx, h); err != nil {
		return nil, err
	}
	if s.kept = append(s.kept, h); len(s.kept) > remembered {
		s.kept = s.kept[1:]
	}
	return h, nil
}

// mostAfresh is of how many accounts contracts are read again by themselves.
const mostAfresh = 500

// fill reads all contracts, or only those that changed since an earlier
// history, which stays as it is for whoever reads it.
func (s *Renewals) fill(ctx context.Context, h, was *history) error {
	if changed, ok := s.since(was); ok {
		afresh := &history{Basis: h.Basis, known: h.known}
		if len(changed) > 0 {
			if err := s.add(ctx, cairn.Scope{Accounts: changed}, afresh); err != nil {
				return err
			}
		}
		h.merge(was, changed, afresh)
	} else if err := s.add(ctx, cairn.Everything, h); err != nil {
		return err
	}
	for i := range h.contracts {
		h.at[h.contracts[i].record] = i
	}
	h.model = h.modelAt(h.Today)
	return nil
}

// since returns whose contracts changed since an earlier history, in order;
// false when it is better to read all of them.
func (s *Renewals) since(was *history) ([]cairn.AccountID, bool) {
	if was == nil {
		return nil, false
	}
	changed, ok := s.contracts.Since(was.seen)
	return changed, ok && len(changed) <= mostAfresh
}

// merge puts together the contracts of an earlier history, but for those of
// some accounts, and what was read of these afresh: in the order of accounts in
// which all would have been read.
func (h *history) merge(was *history, changed []cairn.AccountID, afresh *history) {
	left := func(a cairn.AccountID) bool {
		_, found := slices.BinarySearchFunc(changed, a, compareIDs)
		return found
	}
	h.contracts, h.all = make([]contract, 0, len(was.contracts)+len(afresh.contracts)), make([]entry, 0, len(was.all)+len(afresh.all))
	next := 0
	upTo := func(a cairn.AccountID) {
		for ; next < len(afresh.contracts) && compareIDs(afresh.contracts[next].account, a) < 0; next++ {
			h.take(afresh, next)
		}
	}
	for i := range was.contracts {
		if a := was.contracts[i].account; !left(a) {
			upTo(a)
			h.take(was, i)
		}
	}
	for ; next < len(afresh.contracts); next++ {
		h.take(afresh, next)
	}
	for _, p := range was.problems {
		if !left(p.Account) {
			h.problems = append(h.problems, p)
		}
	}
	h.problems = append(h.problems, afresh.problems...)
}

func compareIDs(a, b cairn.AccountID) int { return slices.Compare(a.ID[:], b.ID[:]) }

// take takes over a contract of another history, before people said anything.
func (h *history) take(from *history, i int) {
	c := from.contracts[i]
	begin := len(h.all)
	for _, e := range from.all[c.from:c.to] {
		e.contract, e.facts, e.records = len(h.contracts), nil, nil
		h.all = append(h.all, e)
	}
	c.from, c.to = begin, len(h.all)
	h.contracts = append(h.contracts, c)
}

// add reads the contracts of the accounts of a scope.
func (s *Renewals) add(ctx context.Context, scope cairn.Scope, h *history) error {
	keys, err := s.Store.RecordKeys(ctx, scope, cairn.OfContract)
	if err != nil {
		return err
	}
	d := ledger.NewDeriver(h.Policy, h.Rates, h.Today+lookAhead)
	var found []ledger.Renewal
	return s.Store.Facts(ctx, scope, cairn.OfContract, func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error {
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
		h.contracts = append(h.contracts, c)
		return nil
	})
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

// A remark is what somebody said of a renewal.
type remark struct {
	account cairn.AccountID
	record  cairn.RecordID
	facts   []cairn.Fact
}

// hear reads what people said of renewals, and puts it to them.
func (s *Renewals) hear(ctx context.Context, h *history) error {
	var words []remark
	of := map[cairn.AccountID][]int{} // contracts of whom something was said
	err := s.Store.Facts(ctx, cairn.Everything, cairn.OfRenewal, func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error {
		if facts = h.knownOf(facts); len(facts) > 0 {
			words, of[account] = append(words, remark{account, record, facts}), nil
		}
		return nil
	})
	if err != nil || len(words) == 0 {
		return err
	}
	for i := range h.contracts {
		if theirs, ok := of[h.contracts[i].account]; ok {
			of[h.contracts[i].account] = append(theirs, i)
		}
	}
	for _, w := range words {
		said := cairn.Record{Fields: h.Reader.Stands(w.facts)}
		c := h.meant(of[w.account], said.Text("contract"))
		if c == nil {
			continue
		}
		if e := h.nearest(c, h.day(said, "due"), w.facts); e != nil {
			e.facts, e.records = append(e.facts, w.facts...), append(e.records, w.record)
		}
	}
	return nil
}

// meant returns which of an account's contracts a name means, which is its id or
// its source's key; without a name the only one. The latest of a key counts.
func (h *history) meant(of []int, name string) *contract {
	if name == "" {
		if len(of) == 1 {
			return &h.contracts[of[0]]
		}
		return nil
	}
	for _, i := range slices.Backward(of) {
		if c := &h.contracts[i]; c.key == name || c.record.String() == name {
			return c
		}
	}
	return nil
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
