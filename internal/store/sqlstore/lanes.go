package sqlstore

import (
	"context"
	"database/sql"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
)

// A Lane is a queue to the writer. People come first; the door and the turns
// take turns.
type Lane int

// The lanes.
const (
	People Lane = iota // what somebody is waiting for at a screen
	Door               // admission
	Turns              // stages, turns and jobs
	laneCount
)

func (l Lane) String() string { return [...]string{"people", "door", "turns"}[l] }

// Hold is how long one transaction may hold the writer.
const Hold = 20 * time.Millisecond

type job struct {
	ctx    context.Context
	fn     func(*Tx) error
	plain  func(context.Context, *sql.DB) error // instead of fn: outside of any transaction
	queued time.Time
	done   chan error
}

// lanes run writing transactions: on SQLite all of them one after the other
// in one goroutine, on PostgreSQL side by side.
type lanes struct {
	queue [laneCount]chan *job
	stats [laneCount]laneStats
	mu    sync.RWMutex
	shut  bool
}

type laneStats struct {
	count, waited, held, longest atomic.Int64 // transactions; nanoseconds
}

// A LaneStanding tells how a lane has fared since the start.
type LaneStanding struct {
	Lane    string        `json:"lane"`
	Count   int64         `json:"count"`
	Waited  time.Duration `json:"waited_ns"`  // mean wait for the writer
	Held    time.Duration `json:"held_ns"`    // mean time a transaction held it
	Longest time.Duration `json:"longest_ns"` // longest hold
	Queued  int           `json:"queued"`
}

// Lanes returns the standing of each lane.
func (s *Store) Lanes() []LaneStanding {
	var out []LaneStanding
	for l := range laneCount {
		st := &s.lanes.stats[l]
		n := max(st.count.Load(), 1)
		out = append(out, LaneStanding{
			Lane: l.String(), Count: st.count.Load(),
			Waited: time.Duration(st.waited.Load() / n), Held: time.Duration(st.held.Load() / n),
			Longest: time.Duration(st.longest.Load()), Queued: len(s.lanes.queue[l]),
		})
	}
	return out
}

func (s *Store) startLanes() {
	for l := range s.lanes.queue {
		s.lanes.queue[l] = make(chan *job, 1024)
	}
	if !s.engine.Single() {
		return
	}
	s.done.Add(1)
	go s.writer()
}

// writer is the one goroutine that writes on SQLite.
func (s *Store) writer() {
	defer s.done.Done()
	q := &s.lanes.queue
	turn := Door
	for {
		var j *job
		lane := People
		select {
		case j = <-q[People]:
		default:
			// Whose turn it is goes first, if it is waiting; then anybody.
			select {
			case j = <-q[turn]:
				lane = turn
			default:
				select {
				case j = <-q[People]:
				case j = <-q[Door]:
					lane = Door
				case j = <-q[Turns]:
					lane = Turns
				case <-s.closing:
					s.drain()
					return
				}
			}
		}
		if lane != People {
			turn = Door + Turns - lane
		}
		j.done <- s.perform(j, lane)
	}
}

// drain performs what was queued before the store closed.
func (s *Store) drain() {
	s.lanes.mu.Lock()
	s.lanes.shut = true
	s.lanes.mu.Unlock()
	for l := range laneCount {
		for {
			select {
			case j := <-s.lanes.queue[l]:
				j.done <- s.perform(j, l)
				continue
			default:
			}
			break
		}
	}
}

func (s *Store) perform(j *job, lane Lane) error {
	start := time.Now()
	var err error
	for try := 0; ; try++ {
		err = s.transact(j)
		if err == nil || try == 8 || j.ctx.Err() != nil || !s.engine.Again(err) {
			break
		}
	}
	st := &s.lanes.stats[lane]
	held := int64(time.Since(start))
	st.count.Add(1)
	st.waited.Add(int64(start.Sub(j.queued)))
	st.held.Add(held)
	for {
		old := st.longest.Load()
		if held <= old || st.longest.CompareAndSwap(old, held) {
			break
		}
	}
	return s.db.told(err)
}

func (s *Store) transact(j *job) error {
	if err := j.ctx.Err(); err != nil {
		return err
	}
	// Once begun, a transaction is finished: its statements do not watch the
	// caller's context, which also saves a goroutine each.
	ctx := context.WithoutCancel(j.ctx)
	s.wdb.catchUp(ctx)
	if j.plain != nil {
		return j.plain(ctx, s.wdb.DB)
	}
	tx, err := s.wdb.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := j.fn(&Tx{tx, s.wdb}); err != nil {
		tx.Rollback()
		return err
	}
	return tx.Commit()
}

// write runs fn in a writing transaction of the lane and returns when it is
// on disk. fn may run again when the database asks for it.
func (s *Store) write(ctx context.Context, lane Lane, fn func(tx *Tx) error) error {
	s.written.Store(true)
	return s.perhaps(lane, &job{ctx: ctx, fn: fn, queued: time.Now(), done: make(chan error, 1)})
}

// Between runs fn between two transactions, with the connection that writes.
func (s *Store) Between(ctx context.Context, fn func(context.Context, *sql.DB) error) error {
	return s.perhaps(Turns, &job{ctx: ctx, plain: fn, queued: time.Now(), done: make(chan error, 1)})
}

// Written reports whether anything was written since it was last asked.
func (s *Store) Written() bool { return s.written.Swap(false) }

// perhaps performs a job unless the store closes.
func (s *Store) perhaps(lane Lane, j *job) error {
	if !s.engine.Single() {
		select {
		case <-s.closing:
			return errClosing
		default:
		}
		s.done.Add(1)
		defer s.done.Done()
		return s.perform(j, lane)
	}
	s.lanes.mu.RLock()
	if s.lanes.shut {
		s.lanes.mu.RUnlock()
		return errClosing
	}
	s.lanes.queue[lane] <- j
	s.lanes.mu.RUnlock()
	return <-j.done
}

var errClosing = cairn.Errorf(cairn.Unavailable, "Cairn is shutting down. What was accepted before is safe; send this again.")
