package sqlstore

import (
	"fmt"
	"sync"
	"time"

	"cairn/internal/signal"
)

// held are the cursors that this node has leased, so that a beat need not
// read them. The compare-and-swap of the commit is what keeps them right.
type held struct {
	mu    sync.Mutex
	by    map[string]*lease
	renew time.Duration // a lease is asked for again after so long
}

type lease struct {
	cursors []signal.Cursor
	renew   time.Time // wall time from which the lease is asked for again
}

func heldKey(stage string, gen int) string { return fmt.Sprintf("%s/%d", stage, gen) }

// cursors returns the leased cursors, and nil when they must be asked for.
func (h *held) cursors(stage string, gen int) []signal.Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.by[heldKey(stage, gen)]
	if l == nil || time.Now().After(l.renew) {
		return nil
	}
	return append([]signal.Cursor(nil), l.cursors...)
}

func (h *held) keep(stage string, gen int, cs []signal.Cursor) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by = map[string]*lease{}
	}
	h.by[heldKey(stage, gen)] = &lease{append([]signal.Cursor(nil), cs...), time.Now().Add(h.renew)}
}

func (h *held) move(stage string, gen int, moves []signal.Move) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.by[heldKey(stage, gen)]
	if l == nil {
		return
	}
	for _, m := range moves {
		for i := range l.cursors {
			if l.cursors[i].Part == m.Part {
				l.cursors[i].N = m.To
			}
		}
	}
}

func (h *held) drop(stage string, gen int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.by, heldKey(stage, gen))
}
