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

// shards is in how many parts accounts are looked through for what changed.
const shards = 64

// shard returns the i-th of them. Ids are hashes, so that all are of a size.
func shard(i int) (s Span) {
	s.From.ID[0] = byte(i * 256 / shards)
	if i+1 < shards {
		s.To.ID[0] = byte((i + 1) * 256 / shards)
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
	mark   string
	marks  [shards]string
	stamps [shards]map[cairn.AccountID]Stamp
	log    []cairn.AccountID
	before int // how many there were before the log begins
}

// logged is how many changes are kept at most.
const logged = 20_000

// look looks for changes and returns how many there were since the process
// began.
func (c *changes) look(ctx context.Context, store Store) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	mark, err := store.Mark(ctx, c.kind, Span{})
	if err != nil {
		return 0, err
	}
	if c.known && mark == c.mark {
		return c.before + len(c.log), nil
	}
	for i := range shards {
		if err := c.lookAt(ctx, store, i); err != nil {
			return 0, err
		}
	}
	c.mark = mark
	if !c.known || len(c.log) > logged {
		drop := len(c.log)
		if c.known {
			drop -= logged / 2
		}
		c.log, c.before, c.known = slices.Clone(c.log[drop:]), c.before+drop, true
	}
	return c.before + len(c.log), nil
}

// lookAt notes whose records in one shard changed. The mark is read before the
// stamps: what changes in between is found the next time.
func (c *changes) lookAt(ctx context.Context, store Store, i int) error {
	mark, err := store.Mark(ctx, c.kind, shard(i))
	if err != nil || mark == c.marks[i] {
		return err
	}
	now, err := store.Stamps(ctx, c.kind, shard(i))
	if err != nil {
		return err
	}
	was := c.stamps[i]
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
	c.marks[i], c.stamps[i] = mark, now
	return nil
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
