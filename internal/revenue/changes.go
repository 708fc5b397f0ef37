package revenue

import (
	"context"
	"slices"
	"sync"

	"cairn"
)

// A Span is the accounts from an id to before another; zero: no bound.
type Span struct{ From, To cairn.AccountID }

// A Stamp differs whenever a record of an account does.
type Stamp struct {
	Records  int64
	Versions int64
}

// Shards is in how many parts accounts are looked through for what changed.
const Shards = 64

// ShardOf returns the part that an account is in. Ids are hashes, so that all
// are of a size.
func ShardOf(a cairn.AccountID) int { return int(a.ID[0]) * Shards / 256 }

// shard returns the accounts of the i-th part.
func shard(i int) (s Span) {
	s.From.ID[0] = byte(i * 256 / Shards)
	if i+1 < Shards {
		s.To.ID[0] = byte((i + 1) * 256 / Shards)
	}
	if i == 0 {
		s.From = cairn.AccountID{}
	}
	return s
}

// changes are whose records of one kind changed, in order, as far back as it
// may matter to whoever remembers what was made of them.
type changes struct {
	kind cairn.EventKind

	mu     sync.Mutex
	known  bool
	counts [Shards]int64
	stamps [Shards]map[cairn.AccountID]Stamp
	log    []cairn.AccountID
	before int // how many there were before the log begins
}

// logged is how many changes are kept at most.
const logged = 20_000

// look looks for changes and returns how many there were since the process
// began. The counts are read before the stamps: what changes in between is
// found the next time.
func (c *changes) look(ctx context.Context, store Store) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts, err := store.Changes(ctx, c.kind)
	if err != nil {
		return 0, err
	}
	for i := range counts {
		if c.known && counts[i] == c.counts[i] {
			continue
		}
		now, err := store.Stamps(ctx, c.kind, shard(i))
		if err != nil {
			return 0, err
		}
		c.note(c.stamps[i], now)
		c.counts[i], c.stamps[i] = counts[i], now
	}
	if !c.known || len(c.log) > logged {
		drop := len(c.log)
		if c.known {
			drop -= logged / 2
		}
		c.log, c.before, c.known = slices.Clone(c.log[drop:]), c.before+drop, true
	}
	return c.before + len(c.log), nil
}

// note notes whose records differ between what was and what is now.
func (c *changes) note(was, now map[cairn.AccountID]Stamp) {
	for account, stamp := range now {
		if was[account] != stamp {
			c.log = append(c.log, account)
		}
	}
	for account := range was {
		if _, ok := now[account]; !ok {
			c.log = append(c.log, account)
		}
	}
}

// since returns whose records changed after the first n changes; false when
// that is not known any more.
func (c *changes) since(n int) ([]cairn.AccountID, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n < c.before {
		return nil, false
	}
	out := slices.Clone(c.log[n-c.before:])
	slices.SortFunc(out, func(a, b cairn.AccountID) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return slices.Compact(out), true
}

// several returns how many accounts have records.
func (c *changes) several() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.stamps {
		n += len(s)
	}
	return n
}
