package sqlstore

import (
	"sync"

	"cairn"
	"cairn/internal/signal"
)

// A tail is the newest events of each partition, kept from their admission
// until they are folded, so that the fold need not read what was just written.
// Of another node's events it knows nothing, so it may have gaps.
type tail struct {
	mu    sync.Mutex
	parts [cairn.Partitions][]cairn.Event
	n     int
}

// maxTail is how many events are kept. Those that came first go first.
const maxTail = 30_000

// add keeps events that were committed, in the order of their positions. What
// is personal, and the keys of people, are left out: see [signal.Log].
func (t *tail) add(events []*cairn.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.n+len(events) > maxTail {
		t.parts, t.n = [cairn.Partitions][]cairn.Event{}, 0
		if len(events) > maxTail {
			return
		}
	}
	for _, e := range events {
		k := *e
		k.Personal, k.Keys = nil, cairn.Keys{Account: e.Keys.Account, Record: e.Keys.Record}
		if k.Kind == cairn.OfPerson {
			k.Keys.Record = ""
		}
		t.parts[e.Pos.Part] = append(t.parts[e.Pos.Part], k)
	}
	t.n += len(events)
}

// after returns the events that follow a position without a gap, nil when the
// next one is not there.
func (t *tail) after(part int, n int64, limit int) []cairn.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	events := t.parts[part]
	if len(events) == 0 || n+1 < events[0].Pos.N || n >= events[len(events)-1].Pos.N {
		return nil
	}
	from := 0
	for events[from].Pos.N <= n {
		from++
	}
	to := from
	for to < len(events) && to-from < limit && events[to].Pos.N == n+1+int64(to-from) {
		to++
	}
	return events[from:to:to]
}

// drop forgets events that were folded.
func (t *tail) drop(moves []signal.Move) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, m := range moves {
		events := t.parts[m.Part]
		gone := 0
		for gone < len(events) && events[gone].Pos.N <= m.To {
			gone++
		}
		if t.n -= gone; gone == len(events) {
			t.parts[m.Part] = nil
		} else {
			t.parts[m.Part] = events[gone:]
		}
	}
}
