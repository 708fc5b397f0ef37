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
	"cairn/internal/watch"
)

// A Store tells what was said of contracts and accounts.
type Store interface {
	// Facts calls f with the facts about each record of a kind that belongs to
	// an account of the scope, account by account. Facts are only lent.
	Facts(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, f func(account cairn.AccountID, record cairn.RecordID, facts []cairn.Fact) error) error
	watch.Store
	// Fields calls f with what is shown of the fields of each account of the scope.
	Fields(ctx context.Context, scope cairn.Scope, f func(account cairn.AccountID, fields map[string]cairn.Said)) error
	// AtRisk returns the accounts whose level is low or whose way is falling.
	AtRisk(ctx context.Context, scope cairn.Scope) (map[cairn.AccountID]Risk, error)
}

// A Service is what pages and commands ask.
type Service struct {
	Store    Store
	Book     book.Store
	Settings func() Settings
	Now      func() time.Time
	Changed  func(ctx context.Context) error // what follows when something else counts; optional

	memory memory

	upsMu sync.Mutex
	ups   renewals
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
	Where    string       `json:"where"`    // only some accounts; see [ParseWhere]
	Part     *string      `json:"-"`        // of movements, where By is a field of contracts: those of the ledger of this value; nil: of all
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
	case q.Booked && q.Where != "":
		return cairn.Errorf(cairn.Invalid, "Months are closed for all customers together: ask for what is booked of all of them.").At("where")
	case q.Booked && !q.Known.IsZero():
		return cairn.Errorf(cairn.Invalid, "What is booked does not change with what is known: ask for one of the two.").At("at")
	case q.To-q.From >= maxMonths:
		return cairn.Errorf(cairn.Invalid, "One report has at most %d months.", maxMonths).At("from")
	}
	return nil
}

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
	r, err := s.fromBooks(ctx, scope, q, v)
	if err != nil {
		return r, err
	}
	return r, s.asBooked(ctx, q, &r)
}

// A view is how one looks at contracts: the policy, the rates and the moment.
type view struct {
	policy ledger.Policy
	rates  []ledger.Rate
	reader ledger.Reader
	last   cairn.Day // looked at
	mark   string    // differs whenever the definitions do
	now    time.Time
	usual  bool                               // the workspace's policy, as known now
	stands bool                               // how each contract stands is asked for too
	heard  func(cairn.RecordID, []cairn.Fact) // told of all that was said, where somebody asks
}

// zone is the one whose days count.
func (s *Service) zone() *time.Location {
	if z := s.Settings().Zone; z != nil {
		return z
	}
	return time.UTC
}

func (s *Service) view(ctx context.Context, q Query) (view, error) {
	set := s.Settings()
	v := view{now: s.Now(), reader: ledger.Reader{Zone: set.Zone, Currency: set.Currency, Precedence: set.Precedence, Known: q.Known}}
	if !q.Known.IsZero() {
		v.now = q.Known
	}
	v.reader.Zone = s.zone()
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
		if v.heard != nil {
			v.heard(record, facts)
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

// split sorts the lines of a customer by the value of a field of contracts. It
// keeps a ledger for each value, so that a customer who changes from one product
// to another leaves one and is new at the other.
func (c customer) split(field string) map[string][]ledger.Line {
	out := map[string][]ledger.Line{}
	for i, l := range c.lines {
		value := cairn.Record{Fields: c.says[i]}.Text(field)
		out[value] = append(out[value], l)
	}
	return out
}

// contractField returns the field of contracts that a dimension names.
func contractField(by string) (string, bool) {
	if field, ok := strings.CutPrefix(by, "contract."); ok {
		return field, true
	}
	return by, slices.Contains([]string{"product", "currency", "type", "interval", "billing", "paper"}, by)
}
