// Package usage decides what counts: which events are Meaningful Activity,
// which metrics a workspace measures, and what those who stay do early. What
// is decided is a page of the book; what it means for accounts is tried before
// it is saved, and everything is measured again after.
package usage

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/book"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// A Store tells what happened, from tallies.
type Store interface {
	// Volumes returns what happened over all accounts from a day on.
	Volumes(ctx context.Context, from cairn.Day) (map[signal.VolumeKey]signal.Volume, error)
	// VolumesEver is the same over all time; Day is that of the first.
	VolumesEver(ctx context.Context) (map[signal.VolumeKey]signal.Volume, error)
	AccountIDs(ctx context.Context) ([]cairn.AccountID, error)
	// Usage calls f with what each of some accounts did between two days.
	Usage(ctx context.Context, ids []cairn.AccountID, from, to cairn.Day, f func(cairn.AccountID, *signal.State) error) error
	// State returns what measuring at moments between two needs to know.
	State(ctx context.Context, id cairn.AccountID, from, to time.Time) (*signal.State, error)
	// Recount folds an account's newest events again with counters, and
	// reports whether those were all.
	Recount(ctx context.Context, id cairn.AccountID, from, to time.Time, counters *signal.Counters, limit int) (*signal.State, bool, error)
	// Dropped returns which events the log no longer holds.
	Dropped(ctx context.Context) ([]signal.Dropped, error)
}

// A Service is what pages and commands ask.
type Service struct {
	Store       Store
	Book        book.Store
	Accounts    account.Store
	Definitions func(ctx context.Context) (turn.Definitions, error)
	// Changed puts in force what the book says now, and has every account
	// measured again, about which nothing is decided.
	Changed  func(ctx context.Context) error
	Now      func() time.Time
	Lifetime context.Context // of work in the background

	mu       sync.Mutex
	reach    job[Reach]
	findings map[string]*job[Found]
}

// Page is the book's page of the choice.
const Page = "meaningful"

// An Event is one name of the catalogue, in one product.
type Event struct {
	Product string    `json:"product"`
	Name    string    `json:"name"`
	Sources []string  `json:"sources"`
	Recent  int64     `json:"events_28d"`
	Before  int64     `json:"events_28d_before"`
	Ever    int64     `json:"events_ever"`
	Weeks   []int64   `json:"weeks"` // the last 12, the one that ends today last
	First   cairn.Day `json:"-"`
	Last    time.Time `json:"last"`
	Reached bool      `json:"reached"` // whether accounts and people are known yet
	People  int       `json:"people_28d"`
	Joined  int       `json:"accounts_28d"`
	Counts  bool      `json:"counts"` // for the accounts that no group names
}

// Weeks is how many weeks the trend of an event shows.
const Weeks = 12

// A Catalogue are the event names ever seen.
type Catalogue struct {
	Events   []Event           `json:"events"`
	Products []string          `json:"products"`
	At       time.Time         `json:"people_and_accounts_as_of,omitzero"` // when people and accounts were counted; zero: not yet
	Counting Progress          `json:"-"`
	Choice   signal.Meaningful `json:"-"`
	Rev      int               `json:"-"` // of the choice
}

// Events returns the catalogue. People and accounts are counted in the
// background; with wait it is waited for.
func (s *Service) Events(ctx context.Context, wait bool) (Catalogue, error) {
	var c Catalogue
	var err error
	if c.Choice, c.Rev, err = s.Choice(ctx); err != nil {
		return c, err
	}
	defs, err := s.Definitions(ctx)
	if err != nil {
		return c, err
	}
	today := cairn.DayOf(s.Now(), defs.Settings.Zone)
	ever, err := s.Store.VolumesEver(ctx)
	if err != nil {
		return c, err
	}
	recent, err := s.Store.Volumes(ctx, today-7*Weeks+1)
	if err != nil {
		return c, err
	}
	reach, progress, err := s.Reach(ctx, wait)
	if err != nil {
		return c, err
	}
	c.At, c.Counting = reach.At, progress
	c.Events = merge(ever, recent, today)
	products := map[string]bool{}
	for i := range c.Events {
		e := &c.Events[i]
		products[e.Product] = true
		e.Counts = c.Choice.Counts(signal.Everybody, e.Product, e.Name)
		e.Reached = !reach.At.IsZero()
		r := reach.Events[[2]string{e.Product, e.Name}]
		e.Joined, e.People = r.Accounts, r.People
	}
	for p := range products {
		c.Products = append(c.Products, p)
	}
	slices.Sort(c.Products)
	return c, nil
}

// merge joins volumes of several sources and days, the most frequent first.
func merge(ever, recent map[signal.VolumeKey]signal.Volume, today cairn.Day) []Event {
	by := map[[2]string]*Event{}
	for k, v := range ever {
		e := by[[2]string{k.Product, k.Name}]
		if e == nil {
			e = &Event{Product: k.Product, Name: k.Name, First: k.Day, Weeks: make([]int64, Weeks)}
			by[[2]string{k.Product, k.Name}] = e
		}
		e.Sources = append(e.Sources, k.Source)
		e.Ever += v.N
		e.First = min(e.First, k.Day)
		if v.Last.After(e.Last) {
			e.Last = v.Last
		}
	}
	for k, v := range recent {
		e := by[[2]string{k.Product, k.Name}]
		ago := int(today - k.Day)
		if e == nil || ago < 0 {
			continue
		}
		switch {
		case ago < 28:
			e.Recent += v.N
		case ago < 56:
			e.Before += v.N
		}
		if w := Weeks - 1 - ago/7; w >= 0 {
			e.Weeks[w] += v.N
		}
	}
	out := make([]Event, 0, len(by))
	for _, e := range by {
		slices.Sort(e.Sources)
		e.Sources = slices.Compact(e.Sources)
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b Event) int {
		return cmp.Or(cmp.Compare(b.Recent, a.Recent), cmp.Compare(b.Ever, a.Ever), strings.Compare(a.Name, b.Name), strings.Compare(a.Product, b.Product))
	})
	return out
}

// Choice returns what counts as Meaningful Activity, with the revision of its
// page.
func (s *Service) Choice(ctx context.Context) (signal.Meaningful, int, error) {
	var m signal.Meaningful
	r, err := s.Book.Page(ctx, Page)
	if err != nil {
		if cairn.KindOf(err) == cairn.NotFound {
			return m, 0, nil
		}
		return m, 0, err
	}
	return m, r.Rev, json.Unmarshal(r.Body, &m)
}

// Choices returns the revisions of the choice, newest first.
func (s *Service) Choices(ctx context.Context) ([]book.Revision, error) {
	return s.Book.Revisions(ctx, Page)
}

// Choose makes m what counts as Meaningful Activity, on top of revision base
// (0: whatever is newest), and has everybody measured again.
func (s *Service) Choose(ctx context.Context, by cairn.Actor, m signal.Meaningful, base int, note string) (book.Revision, error) {
	if err := m.Check(); err != nil {
		return book.Revision{}, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return book.Revision{}, err
	}
	if base == 0 {
		if _, base, err = s.Choice(ctx); err != nil {
			return book.Revision{}, err
		}
	}
	r, err := s.Book.Write(ctx, by, Page, base, body, note, s.Now())
	if err != nil {
		return r, err
	}
	return r, s.Changed(ctx)
}

// Restore makes an earlier revision of the choice the newest.
func (s *Service) Restore(ctx context.Context, by cairn.Actor, rev int) (book.Revision, error) {
	all, err := s.Choices(ctx)
	if err != nil {
		return book.Revision{}, err
	}
	i := slices.IndexFunc(all, func(r book.Revision) bool { return r.Rev == rev })
	if i < 0 {
		return book.Revision{}, cairn.Errorf(cairn.NotFound, "The choice of Meaningful Activity has no revision %d.", rev).At("rev")
	}
	var m signal.Meaningful
	if err := json.Unmarshal(all[i].Body, &m); err != nil {
		return book.Revision{}, err
	}
	return s.Choose(ctx, by, m, all[0].Rev, "As in revision "+itoa(rev)+".")
}
