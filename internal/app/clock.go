package app

import (
	"sync"
	"time"
)

// A Clock is what the workspace takes for now: the machine's, unless the demo
// drives it through the months.
type Clock struct {
	mu     sync.RWMutex
	driven time.Time // zero: the machine's
}

// Now returns the workspace's now, in UTC.
func (c *Clock) Now() time.Time {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.driven.IsZero() {
		return time.Now().UTC()
	}
	return c.driven
}

// Set drives the clock to t.
func (c *Clock) Set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.driven = t.UTC()
}

// Free lets the clock be the machine's again.
func (c *Clock) Free() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.driven = time.Time{}
}
