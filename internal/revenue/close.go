package revenue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/book"
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
	added, all, rev, err := s.closing(ctx, by, m)
	if err != nil {
		return nil, err
	}
	return added, s.write(ctx, by, append(all, added...), rev, note)
}

// WouldClose returns what [Service.Close] would book.
func (s *Service) WouldClose(ctx context.Context, by cairn.Actor, m ledger.Month) ([]Closing, error) {
	added, _, _, err := s.closing(ctx, by, m)
	return added, err
}

// closing returns what closing a month adds to what is closed, and the page's
// revision.
func (s *Service) closing(ctx context.Context, by cairn.Actor, m ledger.Month) (added, all []Closing, rev int, err error) {
	now := s.Now()
	if today := cairn.DayOf(now, s.zone()); today <= m.Last() {
		return nil, nil, 0, cairn.Errorf(cairn.Invalid, "%v is not over: it can be closed from %v on.", m, m.Last()+1).At("month")
	}
	if all, rev, err = s.closings(ctx); err != nil {
		return nil, nil, 0, err
	}
	from, err := s.begin(ctx, m)
	if err != nil {
		return nil, nil, 0, err
	}
	r, err := s.Report(ctx, cairn.Everything, Query{From: from, To: m, Booked: true})
	if err != nil {
		return nil, nil, 0, err
	}
	have := closed(all, r.Policy.Name, r.Currency)
	if _, ok := have[m]; ok {
		return nil, nil, 0, cairn.Errorf(cairn.Conflict, "%v is closed already under the policy %s.", m, r.Policy.Name).At("month")
	}
	for _, sums := range r.Groups[0].Months {
		if _, ok := have[sums.Month]; !ok {
			added = append(added, Closing{sums.Month.String(), r.Policy.Name, r.Currency, now, by.Name, sums})
		}
	}
	return added, all, rev, nil
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

// begin returns the first month in which anything moved, m at the latest.
func (s *Service) begin(ctx context.Context, m ledger.Month) (ledger.Month, error) {
	first := m
	_, err := s.ask(ctx, cairn.Everything, &Query{}, func(x *shelf, _ *roster, _ func(cairn.AccountID) bool) error {
		x.books.Each(func(r *ledger.Result) {
			if len(r.Movements) > 0 {
				first = min(first, ledger.MonthOf(r.Movements[0].Day))
			}
		})
		return nil
	})
	return max(first, m-maxMonths+1), err
}

// Reopen takes back that a month was closed, and those after it.
func (s *Service) Reopen(ctx context.Context, by cairn.Actor, m ledger.Month, note string) (int, error) {
	again, left, rev, err := s.reopening(ctx, m)
	if err != nil {
		return 0, err
	}
	return len(again), s.write(ctx, by, left, rev, note)
}

// WouldReopen returns what [Service.Reopen] would take back.
func (s *Service) WouldReopen(ctx context.Context, m ledger.Month) ([]Closing, error) {
	again, _, _, err := s.reopening(ctx, m)
	return again, err
}

func (s *Service) reopening(ctx context.Context, m ledger.Month) (again, left []Closing, rev int, err error) {
	v, err := s.view(ctx, Query{})
	if err != nil {
		return nil, nil, 0, err
	}
	all, rev, err := s.closings(ctx)
	if err != nil {
		return nil, nil, 0, err
	}
	for _, c := range all {
		if c.Policy == v.policy.Name && c.Sums.Month >= m {
			again = append(again, c)
		} else {
			left = append(left, c)
		}
	}
	if len(again) == 0 {
		return nil, nil, 0, cairn.Errorf(cairn.NotFound, "%v is not closed under the policy %s.", m, v.policy.Name).At("month")
	}
	return again, left, rev, nil
}

// restore writes down again what an earlier revision of a page says.
func (s *Service) restore(ctx context.Context, by cairn.Actor, page string, rev int, note string) error {
	all, err := s.Book.Revisions(ctx, page)
	if err != nil {
		return err
	}
	body := json.RawMessage(nil)
	newest := 0
	for _, r := range all {
		newest = max(newest, r.Rev)
		if r.Rev == rev {
			body = r.Body
		}
	}
	switch {
	case rev == 0 && page == ClosedPage:
		body = json.RawMessage("[]")
	case rev == 0:
		body = json.RawMessage("{}")
	case body == nil:
		return cairn.Errorf(cairn.NotFound, "There is no revision %d.", rev).At("rev")
	}
	_, err = s.Book.Write(ctx, by, page, newest, body, note, s.Now())
	return err
}

// RestoreClosed puts back what was closed as of an earlier revision; 0: nothing
// was.
func (s *Service) RestoreClosed(ctx context.Context, by cairn.Actor, rev int) error {
	return s.restore(ctx, by, ClosedPage, rev, fmt.Sprintf("As of revision %d again.", rev))
}

// Restore puts policies and rates in force as of an earlier revision; 0: as
// Cairn comes.
func (s *Service) Restore(ctx context.Context, by cairn.Actor, rev int) error {
	return s.restore(ctx, by, Page, rev, fmt.Sprintf("As of revision %d again.", rev))
}

// ClosedRevisions returns who closed and opened what, the latest first.
func (s *Service) ClosedRevisions(ctx context.Context) ([]book.Revision, error) {
	return s.Book.Revisions(ctx, ClosedPage)
}

// Revisions returns who changed policies and rates, the latest first.
func (s *Service) Revisions(ctx context.Context) ([]book.Revision, error) {
	return s.Book.Revisions(ctx, Page)
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
