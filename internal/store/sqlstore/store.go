// Package sqlstore keeps every store interface on database/sql, one file per
// capability, one SQL text for SQLite and PostgreSQL. What the engines do not
// share is behind [Engine].
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/internal/keep"
	"cairn/internal/signal"
)

// An Engine is what SQLite and PostgreSQL do differently.
type Engine interface {
	// Migration turns the shared text of a migration into the engine's.
	Migration(text string) string
	// Single reports whether one goroutine must do all writing.
	Single() bool
	// Lock locks and returns the counters of all partitions, in order.
	Lock(ctx context.Context, tx *Tx) ([cairn.Partitions]int64, error)
	// Admit remembers ids and reports which of them are new, in order. Of an
	// id that occurs twice the first is new.
	Admit(ctx context.Context, tx *Tx, ids [][]byte) ([]bool, error)
	// Insert adds rows, given column by column.
	Insert(ctx context.Context, tx *Tx, table, tail string, cols ...Col) error
	// InsertRows adds rows whose values are int64, string, []byte or nil, each
	// column of one type.
	InsertRows(ctx context.Context, tx *Tx, table string, names []string, rows [][]any) error
	// Scrub leaves no deleted bytes in any file of the database.
	Scrub(ctx context.Context, db *sql.DB) error
	// Again reports whether a transaction that failed so is worth repeating.
	Again(err error) bool
	// Tell wakes the other nodes on the same database, if there can be any.
	Tell(ctx context.Context, db *sql.DB, bell string) error
	// Share ends a query whose rows nobody may change before the transaction
	// ends; empty where there is one writer.
	Share() string
	// Update ends a query of which this transaction will change the rows of one
	// table.
	Update(table string) string
	// Trouble returns a sentence for whoever has to wait when err says that the
	// database cannot work just now: that it is full, read-only or away. It
	// returns "" of any other error.
	Trouble(err error) string
	// Scan calls f with each row of a query whose arguments are numbers, with
	// the least work that the engine can do: for the walk through the log.
	Scan(ctx context.Context, db *sql.DB, text string, args []int64, f func(Cells) error) error
	// Close lets go of what Scan needed.
	Close() error
	// Clock is an expression for the wall time of the database in microseconds.
	Clock() string
	// Room tells how much the database takes, and of which disk.
	Room(ctx context.Context, db *sql.DB) (Room, error)
	// Skip ends a select that locks rows and leaves out those that another
	// transaction has locked.
	Skip() string
}

// A Room is what the database takes of its disk, in bytes; see [keep.Disk].
type Room = keep.Disk

// A Col is one column of the rows of [Engine.Insert]. V is []int64, []string
// or [][]byte (nil elements are null), all of one length.
type Col struct {
	Name string
	V    any
}

// Len returns the number of rows.
func (c Col) Len() int {
	switch v := c.V.(type) {
	case []int64:
		return len(v)
	case []string:
		return len(v)
	case [][]byte:
		return len(v)
	}
	return 0
}

// A Store is a Cairn workspace in one database.
type Store struct {
	db       *pool // reads
	wdb      *pool // writes; the same as db on PostgreSQL
	engine   Engine
	log      *slog.Logger
	lanes    lanes
	door     committer
	keys     keyring
	known    known
	scorers  sync.Map // names of models to their numbers
	filling  gapped
	bells    bells
	held     held
	counters counters
	turns    turns
	member   member
	tell     told
	memory   foldMemory
	recent   turnMemory
	tail     tail

	written atomic.Bool // since somebody asked

	settings   atomic.Pointer[signal.Settings]
	maxRejects atomic.Int64

	granted granted // keys of sources, and the sources

	pepperMu sync.Mutex
	pepper   cairn.Pepper

	closing chan struct{}
	ctx     context.Context // ends with closing
	cancel  context.CancelFunc
	done    sync.WaitGroup
}

// Open migrates the database to this version's schema and starts the lanes.
// reads and writes may be the same pool. Close the store before the pools.
func Open(ctx context.Context, reads, writes *sql.DB, e Engine, log *slog.Logger) (*Store, error) {
	s := &Store{db: newPool(reads, e), engine: e, log: log, closing: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.member = newMember()
	s.wdb = s.db
	if writes != reads {
		s.wdb = newPool(writes, e)
	}
	set := signal.Settings{Zone: time.UTC, Currency: "EUR"}
	s.settings.Store(&set)
	if err := migrate(ctx, writes, e); err != nil {
		return nil, err
	}
	s.tell = told{bells: map[string]bool{}, wake: make(chan struct{}, 1)}
	if !e.Single() {
		s.done.Add(1)
		go s.teller()
	}
	s.startLanes()
	s.startDoor()
	return s, nil
}

// Close waits until everything that was begun is committed, then closes the
// pools. What comes later is refused as cairn.Unavailable.
func (s *Store) Close() error {
	select {
	case <-s.closing:
		return nil
	default:
	}
	s.stopDoor()
	close(s.closing)
	s.cancel()
	s.done.Wait()
	err := errors.Join(s.engine.Close(), s.db.Close())
	if s.wdb != s.db {
		if werr := s.wdb.Close(); err == nil {
			err = werr
		}
	}
	return err
}

// WithLifetime runs fn in a goroutine with a context that ends when the store
// closes. Closing waits for it.
func (s *Store) WithLifetime(fn func(ctx context.Context)) {
	s.done.Add(1)
	go func() {
		defer s.done.Done()
		fn(s.ctx)
	}()
}

// Lifetime returns a context that ends when the store closes.
func (s *Store) Lifetime() context.Context { return s.ctx }

// Settings returns the workspace's settings in force.
func (s *Store) Settings() signal.Settings { return *s.settings.Load() }

// Configure sets the settings that projection and measurement use. The book
// holds them; who changes the page calls this.
func (s *Store) Configure(set signal.Settings) {
	s.settings.Store(&set)
	s.Ring("settings")
	s.recent.forgetAll()
}

// Ping reports whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.db.PingContext(ctx) }

// bells wake who waits for a commit.
type bells struct {
	mu sync.Mutex
	m  map[string][]chan struct{}
}

// Bell returns a channel that receives after commits named so: "log" (events
// were appended), "due" (accounts are due), "action" (actions are planned),
// "page" (something a page shows has changed), "book" (a definition was
// written), "settings" (this node's are others), "node" (a node came or went).
// It holds at most one ring.
func (s *Store) Bell(name string) <-chan struct{} {
	s.bells.mu.Lock()
	defer s.bells.mu.Unlock()
	if s.bells.m == nil {
		s.bells.m = map[string][]chan struct{}{}
	}
	c := make(chan struct{}, 1)
	s.bells.m[name] = append(s.bells.m[name], c)
	return c
}

// ring wakes who waits for a commit, here and on the other nodes.
func (s *Store) ring(name string) {
	s.Ring(name)
	s.tell.add(name)
}

// Ring wakes who waits here: for what another node told.
func (s *Store) Ring(name string) {
	if name == erased {
		s.keys.forget()
	}
	s.bells.mu.Lock()
	defer s.bells.mu.Unlock()
	for _, c := range s.bells.m[name] {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// RingAll wakes everybody who waits here: other nodes may have told of what
// nobody heard.
func (s *Store) RingAll() {
	s.keys.forget()
	s.bells.mu.Lock()
	names := slices.Collect(maps.Keys(s.bells.m))
	s.bells.mu.Unlock()
	for _, name := range names {
		s.Ring(name)
	}
}

// told are bells that other nodes have yet to be told of; many rings before
// they are told are one.
type told struct {
	mu    sync.Mutex
	bells map[string]bool
	wake  chan struct{}
}

func (t *told) add(name string) {
	t.mu.Lock()
	t.bells[name] = true
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

func (t *told) take() map[string]bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	b := t.bells
	t.bells = map[string]bool{}
	return b
}

// teller tells other nodes of bells until the store closes. One that is not
// told looks by itself before long; see package flow.
func (s *Store) teller() {
	defer s.done.Done()
	for {
		select {
		case <-s.closing:
			return
		case <-s.tell.wake:
		}
		for name := range s.tell.take() {
			if err := s.engine.Tell(context.Background(), s.db.DB, name); err != nil {
				s.log.Warn("other nodes were not woken", "bell", name, "err", err)
			}
		}
	}
}
