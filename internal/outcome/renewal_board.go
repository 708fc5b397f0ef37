package outcome

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/forecast"
	"cairn/internal/ledger"
)

// A RenewalQuery asks for the renewals of a quarter.
type RenewalQuery struct {
	Quarter Quarter   `json:"quarter"` // 0: the one that is going on
	At      time.Time `json:"at"`      // as of then, as known then; zero: now
	Owner   string    `json:"owner"`   // who looks after it; "-": nobody; empty: all
	Show    string    `json:"show"`    // one of Shows; empty: all
	Field   string    `json:"field"`   // of accounts, whose value must be Value
	Value   string    `json:"value"`
	Where   string    `json:"where"` // only some accounts; see [revenue.ParseWhere]
	Sort    string    `json:"sort"`  // one of RenewalSorts; a leading "-" turns it round; empty: due
}

// Shows are the parts of a quarter that one can ask for.
var Shows = []string{"open", "closed", "risk", "disagree", "call", "plan", "notice", "contradicted"}

// RenewalSorts are what a list can be sorted by.
var RenewalSorts = []string{"due", "notice", "amount", "probability", "disagreement", "account", "owner"}

// risky is the chance under which a renewal is at risk.
const risky = 0.7

// Check refuses what cannot be asked.
func (q RenewalQuery) Check() error {
	switch {
	case q.Show != "" && !slices.Contains(Shows, q.Show):
		return cairn.Errorf(cairn.Invalid, "%q is no part of a quarter; there are %s.", q.Show, strings.Join(Shows, ", ")).At("show")
	case q.Sort != "" && !slices.Contains(RenewalSorts, strings.TrimPrefix(q.Sort, "-")):
		return cairn.Errorf(cairn.Invalid, "Renewals cannot be sorted by %q; there are %s.", q.Sort, strings.Join(RenewalSorts, ", ")).At("sort")
	case q.Value != "" && q.Field == "":
		return cairn.Errorf(cairn.Invalid, "Say which field of accounts must be %q.", q.Value).At("field")
	}
	return nil
}

// A Board is the renewals of a quarter. Amounts are a month, in minor units.
type Board struct {
	Quarter  Quarter
	Now      Quarter // the one that is going on
	At       time.Time
	Today    cairn.Day
	Currency string
	Policy   string
	Rows     []Renewal // those asked for
	All      int       // of the quarter, without what narrows
	Owners   []string  // of all of them
	Months   []Span    // of Rows
	Total    Span      // of Rows
	Passing  int       // of Rows: the last day for notice is within a week
	Pool     Pool
	Kept, Of int // all renewals that came up until then
	Problems []ledger.Problem
}

// A Span is what comes up in a stretch of time.
type Span struct {
	From, To cairn.Day
	Count    int
	Open     int
	Original int64
	Outlook  forecast.Outlook // of all: what is closed counts as it ended
	Booked   int64            // what of Original is kept, of those that are closed
	Sold     int64            // beyond Original, of those that are closed
	Lost     int64            // of Original, of those that are closed
	Human    int64            // as Outlook.Expected, with what people expect in place of the model
	Called   int              // open ones of which people said something
}

// A Pool is the contracts that go on from month to month, where renewal and
// retention are the same.
type Pool struct {
	Count  int
	MRR    int64
	Kept   int // months of such contracts at whose end they went on
	Of     int
	Chance forecast.Estimate // of one month
	Months int               // that end until the end of the quarter
	Left   forecast.Outlook  // of MRR by then
}

// Renewals returns the renewals that q asks for.
func (s *Renewals) Renewals(ctx context.Context, scope cairn.Scope, q RenewalQuery) (Board, error) {
	if err := q.Check(); err != nil {
		return Board{}, err
	}
	h, err := s.read(ctx, q.At)
	if err != nil {
		return Board{}, err
	}
	b := Board{Quarter: q.Quarter, Now: QuarterOf(h.Today), At: h.At, Today: h.Today, Currency: h.Currency, Policy: h.Policy.Name}
	if b.Quarter == 0 {
		b.Quarter = b.Now
	}
	b.Kept, b.Of = h.model.Cases()
	var rows []Renewal
	err = s.among(ctx, scope, q.Where, func(lets func(cairn.AccountID) bool) error {
		rows = h.board(&b, lets)
		return nil
	})
	if err != nil {
		return b, err
	}
	b.All = len(rows)
	if err := s.dress(ctx, scope, q, rows); err != nil {
		return b, err
	}
	for i := range rows {
		b.Owners = append(b.Owners, rows[i].Owner)
	}
	slices.Sort(b.Owners)
	b.Owners = slices.Compact(b.Owners)
	b.Rows = slices.DeleteFunc(rows, func(r Renewal) bool { return !q.holds(&r) })
	sortRenewals(b.Rows, q.Sort)
	b.sum(h.model.Held())
	return b, s.steps(ctx, scope, h, b.Rows)
}

// among calls f with what tells whom a filter lets pass.
func (s *Renewals) among(ctx context.Context, scope cairn.Scope, where string, f func(lets func(cairn.AccountID) bool) error) error {
	if where == "" {
		return f(scope.Sees)
	}
	return s.Among(ctx, scope, where, f)
}

// board puts into b what is told of some accounts, and returns their renewals
// of its quarter.
func (h *history) board(b *Board, lets func(cairn.AccountID) bool) (rows []Renewal) {
	for _, p := range h.problems {
		if lets(p.Account) {
			b.Problems = append(b.Problems, p)
		}
	}
	for i := range h.all {
		if e := &h.all[i]; QuarterOf(e.Due) == b.Quarter && lets(e.Account) && (e.Ended == 0 || e.Ended >= b.Quarter.First()) {
			rows = append(rows, h.renewal(e))
		}
	}
	if b.Quarter >= b.Now {
		b.Pool = h.pool(lets, b.Quarter.Last())
	}
	return rows
}

// renewal tells an entry as of the history's moment.
func (h *history) renewal(e *entry) Renewal {
	c := &h.contracts[e.contract]
	r := Renewal{
		Renewal: e.Renewal, Day: h.Today, Contract: c.key, Product: c.product, Paper: c.paper, Lock: c.lock, AutoSaid: c.autoSaid,
		Human: h.human(e, time.Time{}),
	}
	if c.notice >= 0 {
		r.By = e.Due - cairn.Day(c.notice)
	}
	if e.Open {
		r.Estimate = h.estimate(h.model, e, h.Today, e.Original)
	}
	return r
}

// estimate says how likely an entry is as of a day.
func (h *history) estimate(m *forecast.Model, e *entry, day cairn.Day, original int64) forecast.Estimate {
	t := traits(&e.Renewal, h.contracts[e.contract].product)
	t.Amount = original
	return m.Estimate(t, int32(e.Due-day), e.Notice(day))
}

// dress adds what is known of the accounts.
func (s *Renewals) dress(ctx context.Context, scope cairn.Scope, q RenewalQuery, rows []Renewal) error {
	if len(rows) == 0 {
		return nil
	}
	var ids []cairn.AccountID
	for i := range rows {
		ids = append(ids, rows[i].Account)
	}
	accounts, err := s.Store.Several(ctx, scope, ids)
	if err != nil {
		return err
	}
	var traits map[cairn.AccountID]string
	if q.Field != "" {
		if traits, err = s.Store.Traits(ctx, cairn.Scope{Accounts: ids}, q.Field); err != nil {
			return err
		}
	}
	for i := range rows {
		r := &rows[i]
		r.Customer, r.Trait = accounts[r.Account], traits[r.Account]
		r.Name, r.Owner = cmp.Or(r.Customer.Name, r.Account.String()), cmp.Or(r.Human.Owner, r.Customer.Owner)
	}
	return nil
}

// holds reports whether q asks for r.
func (q RenewalQuery) holds(r *Renewal) bool {
	if q.Owner != "" && !strings.EqualFold(r.Owner, strings.TrimPrefix(q.Owner, "-")) || q.Field != "" && !strings.EqualFold(r.Trait, q.Value) {
		return false
	}
	switch q.Show {
	case "open":
		return !r.Closed()
	case "closed":
		return r.Closed()
	case "risk":
		return !r.Closed() && r.Estimate.Known && r.Estimate.Chance < risky
	case "disagree":
		return r.Differs()
	case "call", "plan":
		return r.Needs() == q.Show
	case "notice":
		return r.Unheard()
	case "contradicted":
		return r.Contradicted()
	}
	return true
}

func sortRenewals(rows []Renewal, by string) {
	key, back := strings.CutPrefix(by, "-")
	slices.SortStableFunc(rows, func(a, b Renewal) int {
		var c int
		switch key {
		case "notice":
			c = cmp.Compare(a.By, b.By)
		case "amount":
			c = cmp.Compare(a.Original, b.Original)
		case "probability":
			c = cmp.Compare(a.Estimate.Chance, b.Estimate.Chance)
		case "disagreement":
			c = cmp.Compare(math.Abs(a.Disagreement()), math.Abs(b.Disagreement()))
		case "account":
			c = strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
		case "owner":
			c = strings.Compare(a.Owner, b.Owner)
		default:
			c = cmp.Compare(a.Due, b.Due)
		}
		if back {
			c = -c
		}
		return cmp.Or(c, cmp.Compare(a.Due, b.Due), slices.Compare(a.Record.ID[:], b.Record.ID[:]))
	})
}

// sum adds up the rows, together and month by month.
func (b *Board) sum(held float64) {
	b.Total = span(b.Rows, b.Quarter.First(), b.Quarter.Last(), held)
	for m := ledger.MonthOf(b.Quarter.First()); m <= ledger.MonthOf(b.Quarter.Last()); m++ {
		b.Months = append(b.Months, span(b.Rows, m.First(), m.Last(), held))
	}
	for i := range b.Rows {
		if r := &b.Rows[i]; r.By >= b.Today && r.By < b.Today+7 && !r.Closed() {
			b.Passing++
		}
	}
}

func span(rows []Renewal, from, to cairn.Day, held float64) Span {
	s := Span{From: from, To: to}
	var stakes []forecast.Stake
	for i := range rows {
		r := &rows[i]
		if r.Due < from || r.Due > to {
			continue
		}
		s.Count++
		s.Original += r.Original
		if r.Closed() {
			_, booked := r.Outcome()
			s.Booked += r.Base()
			s.Sold += max(0, booked-r.Original)
			s.Lost += r.Original - r.Base()
			continue
		}
		s.Open++
		stakes = append(stakes, forecast.Stake{Amount: r.Original, Estimate: r.Estimate})
		expects, said := r.HumanExpects()
		if said {
			s.Called++
		} else if r.Estimate.Known {
			expects = share(r.Original, held*r.Estimate.Chance)
		}
		s.Human += expects
	}
	s.Human += s.Booked
	s.Outlook = forecast.Sum(s.Booked, held, stakes)
	return s
}

// pool tells of the contracts that go on from month to month, until a day.
func (h *history) pool(lets func(cairn.AccountID) bool, until cairn.Day) Pool {
	var p Pool
	lost := 0
	for i := range h.contracts {
		c := &h.contracts[i]
		p.Kept += c.loose.Kept
		lost += c.loose.Lost
		if c.loose.Next != 0 && lets(c.account) {
			p.Count++
			p.MRR += c.loose.MRR
		}
	}
	p.Of = p.Kept + lost
	p.Chance = forecast.Share(p.Kept, p.Of, "months of contracts from month to month")
	p.Months = max(0, int(ledger.MonthOf(until)-ledger.MonthOf(h.Today))+1)
	left := func(chance float64) int64 { return share(p.MRR, math.Pow(chance, float64(p.Months))) }
	p.Left = forecast.Outlook{Best: p.MRR}
	if !p.Chance.Known {
		p.Left.Unknown = p.MRR
		return p
	}
	p.Left.Low, p.Left.Expected, p.Left.High = left(p.Chance.Low), left(p.Chance.Chance), left(p.Chance.High)
	return p
}

// steps adds the next steps that people wrote down. They are personal, so that
// they are opened only for what is shown. Of the past they are not told.
func (s *Renewals) steps(ctx context.Context, scope cairn.Scope, h *history, rows []Renewal) error {
	if !h.known.IsZero() {
		return nil
	}
	var ids []cairn.RecordID
	at := map[cairn.RecordID]int{}
	for i := range rows {
		if e := h.entry(rows[i].Record, rows[i].Due); e != nil {
			for _, id := range e.records {
				ids, at[id] = append(ids, id), i
			}
		}
	}
	records, err := s.Store.Standing(ctx, scope, ids)
	for _, r := range records {
		if step := r.Text("next_step"); step != "" {
			rows[at[r.ID]].Human.Next = step
		}
	}
	return err
}

// entry returns the renewal of a contract that is due on a day; nil when there
// is none.
func (h *history) entry(record cairn.RecordID, due cairn.Day) *entry {
	i, ok := h.at[record]
	if !ok {
		return nil
	}
	for j := h.contracts[i].from; j < h.contracts[i].to; j++ {
		if h.all[j].Due == due {
			return &h.all[j]
		}
	}
	return nil
}

// Of returns the renewals of one account, the earliest first, as of now.
func (s *Renewals) Of(ctx context.Context, scope cairn.Scope, account cairn.AccountID) ([]Renewal, Board, error) {
	h, err := s.read(ctx, time.Time{})
	if err != nil {
		return nil, Board{}, err
	}
	b := Board{At: h.At, Today: h.Today, Now: QuarterOf(h.Today), Currency: h.Currency, Policy: h.Policy.Name}
	var rows []Renewal
	for i := range h.all {
		if e := &h.all[i]; e.Account == account && scope.Sees(account) {
			rows = append(rows, h.renewal(e))
		}
	}
	if err := s.dress(ctx, scope, RenewalQuery{}, rows); err != nil {
		return nil, b, err
	}
	sortRenewals(rows, "")
	return rows, b, s.steps(ctx, scope, h, rows)
}

// One returns one renewal, as of now.
func (s *Renewals) One(ctx context.Context, scope cairn.Scope, record cairn.RecordID, due cairn.Day) (Renewal, Board, error) {
	h, err := s.read(ctx, time.Time{})
	if err != nil {
		return Renewal{}, Board{}, err
	}
	e := h.entry(record, due)
	if e == nil || !scope.Sees(e.Account) {
		return Renewal{}, Board{}, cairn.Errorf(cairn.NotFound, "This contract does not come up on %v.", due)
	}
	b := Board{Quarter: QuarterOf(due), Now: QuarterOf(h.Today), At: h.At, Today: h.Today, Currency: h.Currency, Policy: h.Policy.Name}
	rows := []Renewal{h.renewal(e)}
	if err := s.dress(ctx, scope, RenewalQuery{}, rows); err != nil {
		return Renewal{}, b, err
	}
	err = s.steps(ctx, scope, h, rows)
	return rows[0], b, err
}

// Find returns the renewal of a contract that somebody names by its key or id:
// the one that is due on a day, or (0) the one that is open, or else the last.
func (s *Renewals) Find(ctx context.Context, scope cairn.Scope, text string, due cairn.Day) (Renewal, Board, error) {
	h, err := s.read(ctx, time.Time{})
	if err != nil {
		return Renewal{}, Board{}, err
	}
	var found *contract
	for i := range h.contracts {
		c := &h.contracts[i]
		if !scope.Sees(c.account) || c.key != text && c.record.String() != text {
			continue
		}
		if found != nil {
			return Renewal{}, Board{}, cairn.Errorf(cairn.Conflict, "Several contracts are called %q: name the one by its id, such as %s or %s.", text, found.record, c.record).At("contract")
		}
		found = c
	}
	switch {
	case found == nil:
		return Renewal{}, Board{}, cairn.Errorf(cairn.NotFound, "There is no contract %q.", text).At("contract")
	case found.from == found.to:
		return Renewal{}, Board{}, cairn.Errorf(cairn.NotFound, "The contract %s never comes up: it goes on from month to month, or has not begun.", text).At("contract")
	case due == 0:
		due = h.all[found.to-1].Due
	}
	return s.One(ctx, scope, found.record, due)
}
