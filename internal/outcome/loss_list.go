package outcome

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
	"cairn/internal/watch"
)

// A LossStore tells what was said of losses, and of the contracts that ended.
type LossStore interface {
	// Words calls f with the facts about the named fields (none: all) of each
	// record of a kind that belongs to an account of the scope, account by
	// account, with what is personal opened. What nobody can open any more is
	// left out. Facts may be kept.
	Words(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, fields []string, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error
	watch.Store
}

// A Ledger books who left, and tells what is shown of accounts; see
// [revenue.Service].
type Ledger interface {
	Each(ctx context.Context, scope cairn.Scope, q revenue.Query, f func(*ledger.Result)) (currency string, p ledger.Policy, last cairn.Day, err error)
	Among(ctx context.Context, scope cairn.Scope, where string, f func(lets func(cairn.AccountID) bool) error) error
	Shown(ctx context.Context, f func(value func(field string, a cairn.AccountID) string) error) error
}

// Losses is what pages and commands ask about customers who left.
type Losses struct {
	Store    LossStore
	Book     book.Store
	Ledger   Ledger
	Settings func() revenue.Settings
	Now      func() time.Time

	once      sync.Once
	contracts quotes // why they end
	accounts  quotes // why they left
}

// A LossQuery asks for losses.
type LossQuery struct {
	revenue.Query         // months, policy, dimension, moment
	Value         *string `json:"value"`  // of the dimension; nil: any
	Reason        string  `json:"reason"` // a key, or other words; "": any
	Only          string  `json:"only"`   // "", or one of Onlys
}

// Onlys are what a list of losses can be narrowed down to.
var Onlys = []string{"open", "early", "unavoidable", "unaudited", "confirmed", "rejected"}

// Check refuses what cannot be asked.
func (q LossQuery) Check() error {
	if q.Only != "" && !slices.Contains(Onlys, q.Only) {
		return cairn.Errorf(cairn.Invalid, "Losses can be narrowed down to open, early, unavoidable, unaudited, confirmed or rejected, not %q.", q.Only).At("only")
	}
	return nil
}

// holds reports whether a loss is among those that are asked for.
func (q LossQuery) holds(l *Leaver) bool {
	if q.Reason != "" && l.Said.Reason != q.Reason {
		return false
	}
	switch q.Only {
	case "open":
		return l.Open()
	case "early":
		return l.Early()
	case "unavoidable":
		return l.Said.Unavoidable
	case "unaudited":
		return l.Said.Waits()
	case Confirmed, Rejected:
		return l.Said.Audit == q.Only
	}
	return true
}

// A LossReport is what was asked for. Sums are of all losses of the months (and
// of the value of the dimension); the list is narrowed down further.
type LossReport struct {
	Policy   ledger.Policy
	Currency string
	Asked    LossQuery
	Today    cairn.Day
	Reasons  Reasons
	Losses   []Leaver // the latest first
	Odd      []Contradiction
	All      LossSum
	ByReason []LossSum // what cost most first; those of which nobody knows why last
	ByValue  []LossSum // where a dimension was asked for, the same way
}

// A LossSum are losses added up.
type LossSum struct {
	Key       string // of the reason, or the value of the dimension
	Title     string
	Customers int
	MRR       int64
	Open      int // nobody knows why
	OpenMRR   int64
	Early     int

	Claimed      int // said to be unavoidable
	ClaimedMRR   int64
	Audited      int // of those
	Confirmed    int // of those
	ConfirmedMRR int64
}

func (s *LossSum) add(l *Leaver) {
	s.Customers++
	s.MRR += l.MRR
	if l.Open() {
		s.Open++
		s.OpenMRR += l.MRR
	}
	if l.Early() {
		s.Early++
	}
	if !l.Said.Unavoidable {
		return
	}
	s.Claimed++
	s.ClaimedMRR += l.MRR
	if l.Said.Audit != "" {
		s.Audited++
	}
	if l.Said.Audit == Confirmed {
		s.Confirmed++
		s.ConfirmedMRR += l.MRR
	}
}

// Losses returns who left in the months that q asks for, and why.
func (s *Losses) Losses(ctx context.Context, scope cairn.Scope, q LossQuery) (LossReport, error) {
	if err := q.Check(); err != nil {
		return LossReport{}, err
	}
	out, err := s.read(ctx, scope, q)
	if err != nil {
		return out, err
	}
	if err := s.dress(ctx, scope, &out); err != nil {
		return out, err
	}
	out.sum()
	out.Losses = slices.DeleteFunc(out.Losses, func(l Leaver) bool { return !q.holds(&l) })
	return out, nil
}

// Of returns the losses of one customer, the latest first, with all reasons
// that there are.
func (s *Losses) Of(ctx context.Context, account cairn.AccountID, q LossQuery) (LossReport, error) {
	q.From, q.By = everMonth, ""
	return s.read(ctx, cairn.Scope{Accounts: []cairn.AccountID{account}}, q)
}

// Loss returns the loss of a customer to which a day belongs, and the latest
// for day 0.
func (r LossReport) Loss(on cairn.Day) (Leaver, error) {
	for _, l := range r.Losses {
		if on == 0 || (stint{from: l.Since, until: l.Back}).holds(on) {
			return l, nil
		}
	}
	if on != 0 {
		return Leaver{}, cairn.Errorf(cairn.NotFound, "Under the policy %s this account was not lost around %v.", r.Policy.Name, on).At("on")
	}
	return Leaver{}, cairn.Errorf(cairn.NotFound, "Under the policy %s this account was never lost.", r.Policy.Name).At("account")
}

// everMonth is before anybody sold anything by subscription; far enough for
// losses of all times, and near enough for one report.
var everMonth = ledger.MonthOf(0) + 12*12

// read books who left and joins it with what was said.
func (s *Losses) read(ctx context.Context, scope cairn.Scope, q LossQuery) (LossReport, error) {
	out := LossReport{}
	set := s.Settings()
	r := LossReader{Zone: set.Zone, Precedence: set.Precedence, Known: q.Known}
	if r.Zone == nil {
		r.Zone = time.UTC
	}
	var err error
	if r.Reasons, _, err = s.Reasons(ctx); err != nil {
		return out, err
	}
	said := map[cairn.AccountID][]LossRecord{}
	err = s.Store.Words(ctx, scope, cairn.OfLoss, nil, func(a cairn.AccountID, _ cairn.RecordID, facts []cairn.Fact) error {
		said[a] = append(said[a], facts)
		return nil
	})
	if err != nil {
		return out, err
	}
	var losses []Leaver
	var odd []Contradiction
	out.Asked = q
	q.By, q.Booked = "", false // neither changes who left
	out.Currency, out.Policy, out.Today, err = s.Ledger.Each(ctx, scope, q.Query, func(res *ledger.Result) {
		l, o := r.Join(res, said[res.Account])
		losses, odd = append(losses, l...), append(odd, o...)
		delete(said, res.Account)
	})
	if err != nil {
		return out, err
	}
	err = s.Ledger.Among(ctx, scope, q.Where, func(lets func(cairn.AccountID) bool) error {
		maps.DeleteFunc(said, func(a cairn.AccountID, _ []LossRecord) bool { return !lets(a) })
		return nil
	})
	if err != nil {
		return out, err
	}
	for a, records := range said { // who never had a contract
		_, o := r.Join(&ledger.Result{Account: a}, records)
		odd = append(odd, o...)
	}
	out.months()
	out.Reasons = r.Reasons
	first, last := out.Asked.From.First(), out.Asked.To.Last()
	out.Losses = slices.DeleteFunc(losses, func(l Leaver) bool { return l.On < first || l.On > last })
	out.Odd = slices.DeleteFunc(odd, func(c Contradiction) bool { return c.On < first || c.On > last })
	slices.SortFunc(out.Losses, func(a, b Leaver) int {
		return cmp.Or(cmp.Compare(b.On, a.On), cmp.Compare(b.MRR, a.MRR), slices.Compare(a.Account.ID[:], b.Account.ID[:]))
	})
	slices.SortFunc(out.Odd, func(a, b Contradiction) int {
		return cmp.Or(cmp.Compare(b.On, a.On), slices.Compare(a.Account.ID[:], b.Account.ID[:]))
	})
	return out, s.fromRecords(ctx, r, out.Losses)
}

// months fills in the months that were not said, as [revenue.Query] does.
func (r *LossReport) months() {
	if r.Asked.To == 0 {
		r.Asked.To = ledger.MonthOf(r.Today)
	}
	if r.Asked.From == 0 {
		r.Asked.From = r.Asked.To - 11
	}
}

// fromRecords asks the contracts, and then the accounts themselves, of those of
// whom nothing else is said.
func (s *Losses) fromRecords(ctx context.Context, r LossReader, losses []Leaver) error {
	s.once.Do(func() {
		s.contracts.log.Kind, s.contracts.fields = cairn.OfContract, append([]string{"end", "cancelled_at"}, reasonFields...)
		s.accounts.log.Kind, s.accounts.fields = cairn.OfAccount, traitFields
	})
	err := s.stillOpen(ctx, losses, &s.contracts, func(l []Leaver, facts []cairn.Fact) {
		r.FromContracts(l, []LossRecord{facts})
	})
	if err != nil {
		return err
	}
	return s.stillOpen(ctx, losses, &s.accounts, func(l []Leaver, facts []cairn.Fact) { r.FromAccount(l, facts) })
}

// stillOpen calls f with each loss of which nobody knows why, and with what
// each record of its account says.
func (s *Losses) stillOpen(ctx context.Context, losses []Leaver, said *quotes, f func([]Leaver, []cairn.Fact)) error {
	open := map[cairn.AccountID][]int{}
	var accounts []cairn.AccountID
	for i, l := range losses {
		if l.Open() {
			if open[l.Account] == nil {
				accounts = append(accounts, l.Account)
			}
			open[l.Account] = append(open[l.Account], i)
		}
	}
	return said.each(ctx, s.Store, accounts, func(a cairn.AccountID, facts []cairn.Fact) {
		for _, i := range open[a] {
			f(losses[i:i+1], facts)
		}
	})
}

// dress puts names and values of the dimension beside the losses, and leaves
// out those of other values than one that was asked for.
func (s *Losses) dress(ctx context.Context, scope cairn.Scope, out *LossReport) error {
	by := out.Asked.By
	field, ofContracts := revenue.OfContracts(by)
	values := map[cairn.AccountID]string{}
	if by != "" && ofContracts {
		var err error
		if values, err = s.contractValues(ctx, field, out.Losses, out.Asked.Known); err != nil {
			return err
		}
	}
	err := s.Ledger.Shown(ctx, func(value func(field string, a cairn.AccountID) string) error {
		name := func(a cairn.AccountID) string {
			if !scope.Sees(a) {
				return a.String()
			}
			return cmp.Or(value("name", a), a.String())
		}
		for i := range out.Odd {
			out.Odd[i].Name = name(out.Odd[i].Account)
		}
		for i := range out.Losses {
			l := &out.Losses[i]
			l.Name, l.Value = name(l.Account), values[l.Account]
			if by != "" && !ofContracts {
				l.Value = value(by, l.Account)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if v := out.Asked.Value; v != nil && by != "" {
		out.Losses = slices.DeleteFunc(out.Losses, func(l Leaver) bool { return l.Value != *v })
	}
	return nil
}

// contractValues returns a field of the contracts of those who left: that of
// the contract of which it was said last.
func (s *Losses) contractValues(ctx context.Context, field string, losses []Leaver, known time.Time) (map[cairn.AccountID]string, error) {
	set := s.Settings()
	var accounts []cairn.AccountID
	for _, l := range losses {
		accounts = append(accounts, l.Account)
	}
	slices.SortFunc(accounts, func(a, b cairn.AccountID) int { return slices.Compare(a.ID[:], b.ID[:]) })
	accounts = slices.Compact(accounts)
	out, when := map[cairn.AccountID]string{}, map[cairn.AccountID]time.Time{}
	for some := range slices.Chunk(accounts, atOnce) {
		err := s.Store.Words(ctx, cairn.Scope{Accounts: some}, cairn.OfContract, []string{field}, func(a cairn.AccountID, _ cairn.RecordID, facts []cairn.Fact) error {
			rec := cairn.Record{Fields: set.Precedence.Choose(LossReader{Known: known}.known(facts), time.Time{})}
			if said, ok := rec.Fields[field]; ok && !said.At.Before(when[a]) {
				out[a], when[a] = rec.Text(field), said.At
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// sum adds the losses up, in all, by reason and by value.
func (r *LossReport) sum() {
	reasons, values := map[string]*LossSum{}, map[string]*LossSum{}
	of := func(sums map[string]*LossSum, key, title string) *LossSum {
		if sums[key] == nil {
			sums[key] = &LossSum{Key: key, Title: title}
		}
		return sums[key]
	}
	for i := range r.Losses {
		l := &r.Losses[i]
		r.All.add(l)
		of(reasons, l.Said.Reason, r.Reasons.Title(l.Said.Reason)).add(l)
		if r.Asked.By != "" {
			of(values, l.Value, l.Value).add(l)
		}
	}
	r.ByReason, r.ByValue = sorted(reasons), sorted(values)
}

func sorted(sums map[string]*LossSum) []LossSum {
	var out []LossSum
	for _, s := range sums {
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b LossSum) int {
		if (a.Key == "") != (b.Key == "") {
			return map[bool]int{true: 1, false: -1}[a.Key == ""]
		}
		return cmp.Or(cmp.Compare(b.MRR, a.MRR), cmp.Compare(b.Customers, a.Customers), cmp.Compare(a.Key, b.Key))
	})
	return out
}
