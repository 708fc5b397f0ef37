package sqlstore

import (
	"context"
	"sync"
	"time"

	"cairn"
	"cairn/internal/event"
)

// A committer merges the batches that wait at the door into one transaction.
type committer struct {
	mu      sync.Mutex
	waiting []*append1
	wake    chan struct{}
	shut    bool
	stopped chan struct{}
	load    load
}

// A load is the share of the last second or so in which more waited at the door
// than one transaction takes. That it waits for the writer itself says nothing:
// it may be the stages that hold it.
type load struct {
	mu         sync.Mutex
	idle, busy time.Duration
}

func (l *load) add(idle, busy time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.idle, l.busy = l.idle+idle, l.busy+busy
	if sum := l.idle + l.busy; sum > time.Second { // what is longer ago counts less
		l.idle = time.Duration(float64(l.idle) / float64(sum) * float64(time.Second/2))
		l.busy = time.Duration(float64(l.busy) / float64(sum) * float64(time.Second/2))
	}
}

// Pressed reports whether the door has hardly any rest: stages that can wait
// leave it room.
func (s *Store) Pressed() bool {
	l := &s.door.load
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy > 4*l.idle && l.busy > 100*time.Millisecond
}

type append1 struct {
	ctx    context.Context
	events []incoming
	out    []event.Admitted
	done   chan error
}

func (s *Store) startDoor() {
	s.door.wake = make(chan struct{}, 1)
	s.door.stopped = make(chan struct{})
	go s.commitLoop()
}

// stopDoor commits what waits and refuses what comes later.
func (s *Store) stopDoor() {
	s.door.mu.Lock()
	s.door.shut = true
	s.door.mu.Unlock()
	s.door.ring()
	<-s.door.stopped
}

func (c *committer) ring() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Append admits events; see [event.Log].
func (s *Store) Append(ctx context.Context, events []cairn.Event) ([]event.Admitted, error) {
	if len(events) == 0 {
		return nil, nil
	}
	if _, err := s.Pepper(ctx); err != nil {
		return nil, err
	}
	rows, err := s.incoming(events)
	if err != nil {
		return nil, err
	}
	a := &append1{ctx: ctx, events: rows, done: make(chan error, 1)}
	s.door.mu.Lock()
	if s.door.shut {
		s.door.mu.Unlock()
		return nil, errClosing
	}
	s.door.waiting = append(s.door.waiting, a)
	s.door.mu.Unlock()
	s.door.ring()
	err = <-a.done
	return a.out, err
}

// take returns waiting batches of together at most most events, at least one
// batch, whether others are left, and whether the door is shut and empty.
func (c *committer) take(most int) (batch []*append1, left, end bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := 0
	for len(c.waiting) > 0 {
		a := c.waiting[0]
		if n > 0 && n+len(a.events) > most {
			break
		}
		n += len(a.events)
		batch = append(batch, a)
		c.waiting = c.waiting[1:]
	}
	return batch, len(c.waiting) > 0, c.shut && len(batch) == 0
}

// commitLoop is the one committer of this node. How many events one
// transaction takes follows from how long the last ones took, so that it
// holds the writer for about [Hold].
func (s *Store) commitLoop() {
	defer close(s.door.stopped)
	most := 500
	for {
		batch, left, end := s.door.take(most)
		if end {
			return
		}
		begun := time.Now()
		if len(batch) == 0 {
			<-s.door.wake
			s.door.load.add(time.Since(begun), 0)
			continue
		}
		var events []incoming
		for _, a := range batch {
			events = append(events, a.events...)
		}
		out, took, err := s.admitAll(context.Background(), events)
		for _, a := range batch {
			if err == nil {
				a.out, out = out[:len(a.events):len(a.events)], out[len(a.events):]
			}
			a.done <- err
		}
		if took > 0 {
			most = min(max(int(float64(len(events))*float64(Hold)/float64(took)), 100), 5000)
		}
		if left {
			s.door.load.add(0, time.Since(begun))
		} else {
			s.door.load.add(time.Since(begun), 0)
		}
	}
}

// admitAll appends events in one transaction and says how long it held the
// writer.
func (s *Store) admitAll(ctx context.Context, events []incoming) (out []event.Admitted, took time.Duration, err error) {
	var ad *admission
	err = s.write(ctx, Door, func(tx *Tx) error {
		start := time.Now()
		defer func() { took = time.Since(start) }()
		ad = s.admission(tx)
		out, err = ad.admit(ctx, events)
		return err
	})
	if err != nil {
		return nil, took, err
	}
	ad.committed()
	return out, took, nil
}
