package sqlstore

import "sync"

// known remembers rows that are certain to exist, so that the door does not
// ask for them again. It is only ever a shortcut: forgetting costs a query.
type known struct {
	mu   sync.RWMutex
	rows map[string]struct{}
}

const maxKnown = 500_000

func (k *known) has(row string) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.rows[row]
	return ok
}

func (k *known) add(row string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rows == nil || len(k.rows) > maxKnown {
		k.rows = map[string]struct{}{}
	}
	k.rows[row] = struct{}{}
}

func (k *known) merge(o *known) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.rows == nil || len(k.rows)+len(o.rows) > maxKnown {
		k.rows = map[string]struct{}{}
	}
	for r := range o.rows {
		k.rows[r] = struct{}{}
	}
}
