package ingest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"cairn"
	"cairn/internal/event"
)

// memory is a Store that remembers in memory what the tests look at.
type memory struct {
	mu       sync.Mutex
	log      [cairn.Partitions][]cairn.Event
	all      []cairn.Event // in the order of arrival
	ids      map[cairn.EventID]bool
	owners   map[cairn.RecordID]Owner
	arrivals []Arrival
	rejects  []Reject
	full     bool // the disk is
	deaf     bool // arrivals cannot be counted
}

func newMemory() *memory {
	return &memory{ids: map[cairn.EventID]bool{}, owners: map[cairn.RecordID]Owner{}}
}

func (m *memory) Append(_ context.Context, events []cairn.Event) ([]event.Admitted, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.full {
		return nil, cairn.Errorf(cairn.Unavailable, "The disk is full.")
	}
	out := make([]event.Admitted, len(events))
	for i, e := range events {
		if m.ids[e.ID] {
			out[i].Duplicate = true
			continue
		}
		part := e.Stream.Partition()
		e.Pos = cairn.Position{Part: part, N: int64(len(m.log[part]) + 1)}
		out[i].Pos = e.Pos
		m.ids[e.ID] = true
		m.log[part] = append(m.log[part], e)
		m.all = append(m.all, e)
		if e.Kind.IsRecord() && !e.Account.IsZero() {
			m.owners[e.Record] = Owner{Account: e.Account, Key: e.Keys.Account, Person: e.Person, Stream: e.Stream}
		}
	}
	return out, nil
}

func (m *memory) After(_ context.Context, part int, n int64, limit int) ([]cairn.Event, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	rest := m.log[part][n:]
	return slices.Clone(rest[:min(limit, len(rest))]), nil
}

func (m *memory) Ends(context.Context) (ends [cairn.Partitions]int64, err error) {
	for i := range m.log {
		ends[i] = int64(len(m.log[i]))
	}
	return ends, nil
}

func (m *memory) Pepper(context.Context) (cairn.Pepper, error) { return cairn.Pepper("pepper"), nil }

func (m *memory) Owners(_ context.Context, ids []cairn.RecordID) (map[cairn.RecordID]Owner, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[cairn.RecordID]Owner{}
	for _, id := range ids {
		if o, ok := m.owners[id]; ok {
			out[id] = o
		}
	}
	return out, nil
}

func (m *memory) Arrived(_ context.Context, a Arrival, rejects []Reject) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.deaf {
		return errors.New("cannot count")
	}
	m.arrivals = append(m.arrivals, a)
	m.rejects = append(m.rejects, rejects...)
	return nil
}

// now is when everything arrives in these tests.
var now = time.Date(2026, 11, 21, 20, 0, 0, 0, time.UTC)

func newDoor() (*Door, *memory) {
	m := newMemory()
	return New(m, func() time.Time { return now }), m
}

var shop = Source{Name: "segment"}
