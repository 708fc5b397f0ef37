package auth

import (
	"sync"
	"time"

	"cairn"
)

const (
	freeTries   = 5                // failures in a row that cost no wait
	firstWait   = 10 * time.Second // after the last of them; doubles with each further one
	longestWait = 15 * time.Minute
	maxTried    = 10_000 // addresses remembered
)

// A throttle makes who fails to sign in wait, by address, whether or not the
// address is a user's. It lives in memory: a restart forgets it.
type throttle struct {
	mu    sync.Mutex
	tried map[string]tries
}

type tries struct {
	n     int
	until time.Time // no further try before
	last  time.Time
}

// begin counts a try of address as failed and returns a cairn.TooMany error
// when it may not be made yet. Counting before the password is compared keeps
// many tries at once from all being free.
func (t *throttle) begin(address string, now time.Time) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.tried == nil {
		t.tried = map[string]tries{}
	}
	f := t.tried[address]
	if wait := f.until.Sub(now); wait > 0 {
		return cairn.Errorf(cairn.TooMany, "Too many failed attempts for this address. Try again in %s.", inWords(wait))
	}
	if now.Sub(f.last) > longestWait {
		f = tries{}
	}
	f.n, f.last = f.n+1, now
	if f.n >= freeTries {
		f.until = now.Add(min(firstWait<<min(f.n-freeTries, 10), longestWait))
	}
	t.forget(now)
	t.tried[address] = f
	return nil
}

// succeeded forgets the failures of address.
func (t *throttle) succeeded(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.tried, address)
}

// forget makes room when maxTried are remembered: what no longer counts goes,
// and of the rest as much as leaves a quarter free.
func (t *throttle) forget(now time.Time) {
	if len(t.tried) < maxTried {
		return
	}
	for a, f := range t.tried {
		if now.Sub(f.last) > longestWait {
			delete(t.tried, a)
		}
	}
	for a := range t.tried {
		if len(t.tried) <= maxTried*3/4 {
			return
		}
		delete(t.tried, a)
	}
}

func inWords(d time.Duration) string {
	if d < time.Minute {
		return plural(int((d+time.Second-1)/time.Second), "second")
	}
	return plural(int((d+time.Minute-1)/time.Minute), "minute")
}
