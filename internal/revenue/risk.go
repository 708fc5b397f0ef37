package revenue

import (
	"context"
	"sync"
	"time"

	"cairn"
)

// A Risk is why what an account pays is at risk: its level is low, or it is
// falling.
type Risk struct {
	Level cairn.Points
	Way   cairn.Way
}

// risks are the accounts at risk as they were read last. Vectors are measured
// all the time; a reading serves for a moment.
type risks struct {
	mu sync.Mutex
	at time.Time
	by map[cairn.AccountID]Risk
}

// fresh is for how long a reading serves.
const fresh = 5 * time.Second

// read returns who is at risk, which must not be changed, and a text that
// differs for each reading.
func (r *risks) read(ctx context.Context, store Store) (map[cairn.AccountID]Risk, string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.by != nil && time.Since(r.at) < fresh {
		return r.by, r.at.String(), nil
	}
	by, err := store.AtRisk(ctx, cairn.Everything)
	if err == nil {
		r.by, r.at = by, time.Now()
	}
	return by, r.at.String(), err
}
