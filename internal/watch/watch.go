// Package watch tells whose records changed since somebody last looked, so that
// what was made of the records of all accounts can be remembered, and made again
// of only those that differ.
package watch

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

// A Store tells that records changed, and whose.
type Store interface {
	// Changes counts how often records of a kind changed, by the shard of the
	// account that they belong to, or did before; see [ShardOf].
	Changes(ctx context.Context, kind cairn.EventKind) ([Shards]int64, error)
	// Stamps differ for each of some accounts of which a record of a kind does.
	Stamps(ctx context.Context, kind cairn.EventKind, some Span) (map[cairn.AccountID]Stamp, error)
}

// A Log notes whose records of one kind changed, in order, as far back as it
// may matter to whoever remembers what was made of them. Its zero value, with
// a kind, is ready for use, by several at once.
type Log struct {
	Kind cairn.EventKind

	mu     sync.Mutex
	known  bool
	counts [Shards]int64
	stamps [Shards]map[cairn.AccountID]Stamp
	of     []cairn.AccountID // the changes that are kept, in order
	before int               // how many there were before these
}

// logged is how many changes are kept at most.
const logged = 20_000

// Look looks for changes and returns how many there were since the process
// began. The counts are read before the stamps: what changes in between is
// found the next time.
func (l *Log) Look(ctx context.Context, store Store) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	counts, err := store.Changes(ctx, l.Kind)
	if err != nil {
		return 0, err
	}
	for i := range counts {
		if l.known && counts[i] == l.counts[i] {
			continue
		}
		now, err := store.Stamps(ctx, l.Kind, shard(i))
		if err != nil {
			return 0, err
		}
		l.note(l.stamps[i], now)
		l.counts[i], l.stamps[i] = counts[i], now
	}
	if !l.known || len(l.of) > logged {
		drop := len(l.of)
		if l.known {
			drop -= logged / 2
		}
		l.of, l.before, l.known = slices.Clone(l.of[drop:]), l.before+drop, true
	}
	return l.before + len(l.of), nil
}

// note notes whose records differ between what was and what is now.
func (l *Log) note(was, now map[cairn.AccountID]Stamp) {
	for account, stamp := range now {
		if was[account] != stamp {
			l.of = append(l.of, account)
		}
	}
	for account := range was {
		if _, ok := now[account]; !ok {
			l.of = append(l.of, account)
		}
	}
}

// Since returns whose records changed after the first n changes; false when
// that is not known any more.
func (l *Log) Since(n int) ([]cairn.AccountID, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < l.before {
		return nil, false
	}
	out := slices.Clone(l.of[n-l.before:])
	slices.SortFunc(out, func(a, b cairn.AccountID) int { return slices.Compare(a.ID[:], b.ID[:]) })
	return slices.Compact(out), true
}

// Several returns how many accounts have records.
func (l *Log) Several() (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.stamps {
		n += len(s)
	}
	return n
}
