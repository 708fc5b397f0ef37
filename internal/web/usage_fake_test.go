package web

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/book"
	"cairn/internal/rule"
	"cairn/internal/signal"
	"cairn/internal/turn"
	"cairn/internal/usage"
	"cairn/internal/vector"
)

// A shelf is a book in memory, and what happened at the accounts beside it:
// the store that counting asks.
type shelf struct {
	c        account.Store
	accounts []cairn.Account // that have events
	pages    map[string][]book.Revision
	changed  int
	dropped  []signal.Dropped
}

func (s *shelf) Dropped(context.Context) ([]signal.Dropped, error) { return s.dropped, nil }

// counting is the service behind the pages about usage, over accounts that
// have done something in two products.
func counting(c account.Store, accounts []cairn.Account) *usage.Service {
	s := &shelf{c: c, accounts: accounts, pages: map[string][]book.Revision{}}
	return &usage.Service{
		Store: s, Book: s, Accounts: c, Now: func() time.Time { return noon },
		Changed: func(context.Context) error { s.changed++; return nil },
		Definitions: func(context.Context) (turn.Definitions, error) {
			d := turn.Definitions{Models: vector.Models{vector.Default()}, Settings: signal.Settings{Zone: time.UTC, Currency: "EUR"}}
			d.Rules = []rule.Rule{{Name: "few-exports", Title: "Few exports", All: []rule.Condition{{Field: "metric.exports", Op: "below", Value: 3.0}}}}
			for page, revs := range s.pages {
				last := revs[len(revs)-1]
				if page == usage.Page {
					if err := json.Unmarshal(last.Body, &d.Settings.Meaningful); err != nil {
						return d, err
					}
				} else if m, there, err := usage.ReadMetric(last); err != nil {
					return d, err
				} else if there {
					d.Settings.Metrics = append(d.Settings.Metrics, m)
				}
			}
			d.Catalogue = signal.New(d.Settings)
			return d, nil
		},
	}
}

// events are what one account did, the same every week.
func (s *shelf) events(i int) (out []cairn.Event) {
	for week := range 10 {
		at := noon.AddDate(0, 0, -7*week-1)
		for n, name := range []string{"Report Created", "Export Run", "Page Viewed"} {
			for p := range 3 + i%3 {
				product := ""
				if name == "Export Run" {
					product = "mobile"
				}
				out = append(out, cairn.Event{
					Kind: cairn.Track, Name: name, Source: "segment", Product: product, At: at.Add(time.Duration(n) * time.Hour), N: 1,
					Person: cairn.PersonID{ID: cairn.HashID("p", fmt.Sprint(i, p))}, Props: json.RawMessage(fmt.Sprintf(`{"pages":%d}`, p)),
				})
			}
		}
	}
	return out
}

func (s *shelf) Volumes(_ context.Context, from cairn.Day) (map[signal.VolumeKey]signal.Volume, error) {
	out := map[signal.VolumeKey]signal.Volume{}
	for i := range s.accounts {
		for _, e := range s.events(i) {
			k := signal.VolumeKey{Day: cairn.DayOf(e.At, time.UTC), Product: e.Product, Name: e.Name, Source: e.Source}
			if k.Day >= from {
				out[k] = signal.Volume{N: out[k].N + 1, Last: e.At}
			}
		}
	}
	return out, nil
}

func (s *shelf) VolumesEver(ctx context.Context) (map[signal.VolumeKey]signal.Volume, error) {
	days, err := s.Volumes(ctx, 0)
	out := map[signal.VolumeKey]signal.Volume{}
	for k, v := range days {
		day := k.Day
		for o := range out {
			if o.Product == k.Product && o.Name == k.Name && o.Source == k.Source {
				was := out[o]
				delete(out, o)
				day, v.N = min(day, o.Day), v.N+was.N
				if was.Last.After(v.Last) {
					v.Last = was.Last
				}
			}
		}
		k.Day = day
		out[k] = v
	}
	return out, err
}

func (s *shelf) AccountIDs(context.Context) ([]cairn.AccountID, error) {
	var ids []cairn.AccountID
	for _, a := range s.accounts {
		ids = append(ids, a.ID)
	}
	return ids, nil
}

func (s *shelf) state(id cairn.AccountID, counters *signal.Counters) *signal.State {
	st := signal.NewState(time.UTC)
	st.Counters = counters
	i := slices.IndexFunc(s.accounts, func(a cairn.Account) bool { return a.ID == id })
	if i < 0 {
		return st
	}
	for _, e := range s.events(i) {
		st.Fold(e)
	}
	return st
}

func (s *shelf) Usage(_ context.Context, ids []cairn.AccountID, _, _ cairn.Day, f func(cairn.AccountID, *signal.State) error) error {
	for _, id := range ids {
		if err := f(id, s.state(id, nil)); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) State(_ context.Context, id cairn.AccountID, _, _ time.Time) (*signal.State, error) {
	return s.state(id, nil), nil
}

func (s *shelf) Recount(_ context.Context, id cairn.AccountID, _, _ time.Time, counters *signal.Counters, _ int) (*signal.State, bool, error) {
	return s.state(id, counters), true, nil
}

func (s *shelf) Write(_ context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (book.Revision, error) {
	if len(s.pages[page]) != base {
		return book.Revision{}, cairn.Errorf(cairn.Conflict, "Page %s has moved on.", page)
	}
	r := book.Revision{Page: page, Rev: base + 1, At: at, By: by, Note: note, Body: body}
	s.pages[page] = append(s.pages[page], r)
	return r, nil
}

func (s *shelf) Page(_ context.Context, page string) (book.Revision, error) {
	revs := s.pages[page]
	if len(revs) == 0 {
		return book.Revision{}, cairn.Errorf(cairn.NotFound, "The book has no page %q.", page)
	}
	return revs[len(revs)-1], nil
}

func (s *shelf) PageAt(ctx context.Context, page string, _ time.Time) (book.Revision, error) {
	return s.Page(ctx, page)
}

func (s *shelf) Pages(_ context.Context, prefix string) (out []book.Revision, _ error) {
	for page, revs := range s.pages {
		if strings.HasPrefix(page, prefix) {
			out = append(out, revs[len(revs)-1])
		}
	}
	return out, nil
}

func (s *shelf) Revisions(_ context.Context, page string) ([]book.Revision, error) {
	revs := slices.Clone(s.pages[page])
	slices.Reverse(revs)
	return revs, nil
}
