package revenue

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// ClosedPage is the book's page of the months that are closed.
const ClosedPage = "revenue/closed"

// A Closing is one month as it was booked.
type Closing struct {
	Month    string      `json:"month"`
	Policy   string      `json:"policy"`
	Currency string      `json:"currency"`
	At       time.Time   `json:"at"` // when it was closed: what was known by then is in it
	By       string      `json:"by"`
	Sums     ledger.Sums `json:"sums"`
}

// closings returns the months that are closed, and the page's revision.
func (s *Service) closings(ctx context.Context) ([]Closing, int, error) {
	r, err := s.Book.Page(ctx, ClosedPage)
	if err != nil && cairn.KindOf(err) == cairn.NotFound {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	var out []Closing
	return out, r.Rev, json.Unmarshal(r.Body, &out)
}

// Closings returns the months that are closed, oldest first.
func (s *Service) Closings(ctx context.Context) ([]Closing, error) {
	out, _, err := s.closings(ctx)
	return out, err
}

// closed returns the months that are closed under a policy, in a currency.
func closed(all []Closing, policy, currency string) map[ledger.Month]ledger.Sums {
	out := map[ledger.Month]ledger.Sums{}
	for _, c := range all {
		if c.Policy == policy && c.Currency == currency {
			out[c.Sums.Month] = c.Sums
		}
	}
	return out
}

// asBooked tells which months of a report are closed, and where it asks for
// it, puts in what was booked.
func (s *Service) asBooked(ctx context.Context, q Query, r *Report) error {
	all, _, err := s.closings(ctx)
	if err != nil {
		return err
	}
	months := closed(all, r.Policy.Name, r.Currency)
	for m := range months {
		r.Closed = max(r.Closed, m)
	}
	if q.Booked {
		for i := range r.Groups {
			r.Groups[i].Months = ledger.Booked(r.Groups[i].Months, months)
		}
	}
	return nil
}

// Close books a month, and those before it that are open, as they are read in
// the books now, under the workspace's policy. It returns what was booked.
func (s *Service) Close(ctx context.Context, by cairn.Actor, m ledger.Month, note string) ([]Closing, error) {
	now := s.Now()
	if today := cairn.DayOf(now, s.zone()); today <= m.Last() {
		return nil, cairn.Errorf(cairn.Invalid, "%v is not over: it can be closed from %v on.", m, m.Last()+1).At("month")
	}
	all, rev, err := s.closings(ctx)
	if err != nil {
		return nil, err
	}
	from, err := s.begin(ctx, m)
	if err != nil {
		return nil, err
	}
	r, err := s.Report(ctx, cairn.Everything, Query{From: from, To: m, Booked: true})
	if err != nil {
		return nil, err
	}
	have := closed(all, r.Policy.Name, r.Currency)
	if _, ok := have[m]; ok {
		return nil, cairn.Errorf(cairn.Conflict, "%v is closed already under the policy %s.", m, r.Policy.Name).At("month")
	}
	var added []Closing
	for _, sums := range r.Groups[0].Months {
		if _, ok := have[sums.Month]; !ok {
			added = append(added, Closing{sums.Month.String(), r.Policy.Name, r.Currency, now, by.Name, sums})
		}
	}
	return added, s.write(ctx, by, append(all, added...), rev, note)
}

func (s *Service) write(ctx context.Context, by cairn.Actor, all []Closing, rev int, note string) error {
	slices.SortFunc(all, func(a, b Closing) int {
		if c := strings.Compare(a.Policy+a.Currency, b.Policy+b.Currency); c != 0 {
			return c
		}
		return strings.Compare(a.Month, b.Month)
	})
	body, err := json.Marshal(all)
	if err != nil {
		return err
	}
	_, err = s.Book.Write(ctx, by, ClosedPage, rev, body, note, s.Now())
	return err
}

// begin returns the first month in which anybody paid, m at the latest.
func (s *Service) begin(ctx context.Context, m ledger.Month) (ledger.Month, error) {
	v, err := s.view(ctx, Query{})
	if err != nil {
		return m, err
	}
	first := m
	err = s.customers(ctx, cairn.Everything, v, func(*ledger.Problem) {}, func(c customer) {
		for i := range c.lines {
			first = min(first, ledger.MonthOf(c.lines[i].First()))
		}
	})
	return max(first, m-maxMonths+1), err
}

// Reopen takes back that a month was closed, and those after it.
func (s *Service) Reopen(ctx context.Context, by cairn.Actor, m ledger.Month, note string) (int, error) {
	v, err := s.view(ctx, Query{})
	if err != nil {
		return 0, err
	}
	all, rev, err := s.closings(ctx)
	if err != nil {
		return 0, err
	}
	left := slices.DeleteFunc(slices.Clone(all), func(c Closing) bool { return c.Policy == v.policy.Name && c.Sums.Month >= m })
	if n := len(all) - len(left); n > 0 {
		return n, s.write(ctx, by, left, rev, note)
	}
	return 0, cairn.Errorf(cairn.NotFound, "%v is not closed under the policy %s.", m, v.policy.Name).At("month")
}

// Corrections names what was learnt about closed months since the last of them
// was closed, account by account: A is what was known then, B what is now.
func (s *Service) Corrections(ctx context.Context, scope cairn.Scope) (Comparison, error) {
	out := Comparison{Differ: []Difference{}}
	q := Query{}
	now, err := s.view(ctx, q)
	if err != nil {
		return out, err
	}
	all, _, err := s.closings(ctx)
	if err != nil {
		return out, err
	}
	var last Closing
	for _, c := range all {
		if c.Policy != now.policy.Name {
			continue
		}
		if q.From == 0 {
			q.From = c.Sums.Month
		}
		q.From, q.To = min(q.From, c.Sums.Month), max(q.To, c.Sums.Month)
		if c.At.After(last.At) {
			last = c
		}
	}
	if last.At.IsZero() {
		return out, nil
	}
	q.Currency = last.Currency
	then := q
	then.Known = last.At
	out.A, out.B, out.Currency, out.Closed = now.policy, now.policy, last.Currency, q.To
	return out, s.differences(ctx, scope, then, q, &out)
}
