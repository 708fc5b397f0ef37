package usage

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/internal/driver"
	"cairn/internal/signal"
)

// MostSampled is how many accounts the drivers are looked for in; where there
// are more, a random sample that is always the same.
const MostSampled = 3000

// Found is what drivers of staying were found, as of a moment.
type Found struct {
	At       time.Time `json:"at"`
	Accounts int       `json:"accounts"`     // that were looked at
	Of       int       `json:"accounts_all"` // that there are
	Since    time.Time `json:"since"`        // people first seen before are left out: they may have begun before Cairn listened
	driver.Finding
}

// Drivers looks, in the background, for what people of a product who stay do
// early.
func (s *Service) Drivers(ctx context.Context, p driver.Params, wait bool) (Found, Progress, error) {
	if err := p.Check(); err != nil {
		return Found{}, Progress{}, err
	}
	_, rev, err := s.Choice(ctx)
	if err != nil {
		return Found{}, Progress{}, err
	}
	key := fmt.Sprint(p.Product, "\x00", p.Early, p.Later, rev)
	s.mu.Lock()
	if s.findings == nil || len(s.findings) > 8 && s.findings[key] == nil {
		s.findings = map[string]*job[Found]{}
	}
	j := s.findings[key]
	if j == nil {
		j = &job[Found]{}
		s.findings[key] = j
	}
	s.mu.Unlock()
	return run(ctx, s, j, wait, func(ctx context.Context, done, of *atomic.Int64) (Found, error) {
		return s.find(ctx, p, done, of)
	})
}

func (s *Service) find(ctx context.Context, p driver.Params, done, of *atomic.Int64) (Found, error) {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return Found{}, err
	}
	zone := defs.Settings.Zone
	f := Found{At: s.Now()}
	p.Today = cairn.DayOf(f.At, zone) - 1
	ever, err := s.Store.VolumesEver(ctx)
	if err != nil {
		return f, err
	}
	begun := p.Today + 1
	for k := range ever {
		begun = min(begun, k.Day)
	}
	// Whoever is seen in the first weeks of all history may be an old hand.
	p.Since = begun + cairn.Day(p.Early)
	f.Since = p.Since.Start(zone)
	all, err := s.Store.AccountIDs(ctx)
	if err != nil {
		return f, err
	}
	f.Of = len(all)
	sample := driver.NewSample(p)
	err = s.everybody(ctx, MostSampled, 0, p.Today, done, of, func(_ cairn.AccountID, st *signal.State) {
		f.Accounts++
		sample.Add(st, func(product, name string) bool {
			return defs.Settings.Meaningful.Counts(signal.Everybody, product, name)
		})
	})
	if err != nil {
		return f, err
	}
	f.Finding = sample.Find(func(product, name string) bool {
		return defs.Settings.Meaningful.Counts(signal.Everybody, product, name)
	})
	return f, nil
}
