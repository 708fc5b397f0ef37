package sqlstore

import (
	"sync"

	"cairn"
)

// known remembers rows that are certain to exist, so that the door does not
// ask for them again. It is only ever a shortcut: forgetting costs a query.
type known struct {
	mu   sync.RWMutex
	rows aged[knownRow, struct{}]
}

// A knownRow names a row: of an account, a person or a stream, of a person at
// an account by a source, or of what a source feeds a stream with.
type knownRow struct {
	kind   byte
	a, b   cairn.ID
	source string
	of     cairn.EventKind
}

const maxKnown = 250_000 // twice

func (k *known) has(row knownRow) bool {
	k.mu.RLock()
	_, ok := k.rows.young[row]
	_, old := k.rows.old[row]
	k.mu.RUnlock()
	if old && !ok {
		k.add(row)
	}
	return ok || old
}

func (k *known) add(row knownRow) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.rows.put(row, struct{}{}, 1, maxKnown)
}

func (k *known) merge(o *known) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for r := range o.rows.young {
		k.rows.put(r, struct{}{}, 1, maxKnown)
	}
}
