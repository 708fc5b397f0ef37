package revenue

import (
	"context"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

// renewals is a memory of the contracts that came up, account by account. It
// is lost with the process, and only a shortcut; when a contract changes, those
// accounts alone are gone through again.
type renewals struct {
	key  string // of everything but the contracts; "": there is none
	seen int    // how many of the changes of contracts are in it
	of   map[cairn.AccountID][]ledger.Up
}

// cameUp calls f with the contracts that came up of each account, in a
// currency. What f is given is only lent.
func (s *Service) cameUp(ctx context.Context, v view, currency string, f func(cairn.AccountID, []ledger.Up)) error {
	s.upsMu.Lock()
	defer s.upsMu.Unlock()
	m := &s.ups
	n, err := s.contracts().Look(ctx, s.Store)
	if err != nil {
		return err
	}
	key := strings.Join([]string{v.mark, v.policy.Name, v.last.String(), currency, v.reader.Known.String()}, "/")
	if m.key != key || m.seen < n {
		var changed []cairn.AccountID
		some := m.key == key
		if some {
			changed, some = s.contracts().Since(m.seen)
			some = some && (len(changed) <= atOnce || len(changed) <= s.contracts().Several()/tooMany)
		}
		if !some {
			m.of = map[cairn.AccountID][]ledger.Up{}
		}
		m.key = "" // until it is whole
		if err := s.refreshUps(ctx, v, currency, changed, some); err != nil {
			return err
		}
		m.key, m.seen = key, n
	}
	for a, ups := range m.of {
		f(a, ups)
	}
	return nil
}

// refreshUps goes through the contracts of some accounts, or of all.
func (s *Service) refreshUps(ctx context.Context, v view, currency string, changed []cairn.AccountID, some bool) error {
	d := ledger.NewDeriver(v.policy, ledger.NewRates(currency, v.rates), v.last)
	var r ledger.Result
	v.stands = false
	read := func(scope cairn.Scope) error {
		return s.customers(ctx, scope, v, func(*ledger.Problem) {}, func(c customer) {
			d.Derive(c.lines, &r)
			if ups := d.Ups(c.lines, nil); len(ups) > 0 {
				s.ups.of[c.account] = ups
			}
		})
	}
	if !some {
		return read(cairn.Everything)
	}
	for part := range slices.Chunk(changed, atOnce) {
		for _, a := range part {
			delete(s.ups.of, a)
		}
		if err := read(cairn.Scope{Accounts: part}); err != nil {
			return err
		}
	}
	return nil
}
