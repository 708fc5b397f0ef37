package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// A node is one start of one process among those that share the database.
// While it lives it owns what it has leased: partitions of a stage's log,
// accounts whose turn it takes. It lives as long as it puts off the end that
// stands in its row, four times in the time of a lease, from a goroutine and
// over a connection of their own, so that no work however long is taken for
// death. All times are the database's, so that clocks that differ do no harm.
//
// The embedded database has one node, which its directory's lock keeps alone:
// it lives until the next one joins, which after a kill goes on at once.

// DefaultLease is how long a node lives after it was last heard of.
const DefaultLease = 4 * time.Second

// forgotten is how long the row of a dead node is kept, to be seen in lists.
const forgotten = 10 * time.Minute

// A member is this process as a node.
type member struct {
	name  string
	lease time.Duration

	io        sync.Mutex // held while the node's row is written
	mu        sync.Mutex
	kind      string
	works     bool // has a share of the partitions
	joined    bool
	beating   bool
	live      []string  // nodes that live and work, in order of their names
	confirmed time.Time // when the last renewal was sent that the database took
}

func newMember() member {
	host, err := os.Hostname()
	if err != nil {
		host = "unnamed"
	}
	return member{
		name: fmt.Sprintf("%s/%d/%s", host, os.Getpid(), strings.ToLower(rand.Text()[:6])),
		kind: "command", lease: DefaultLease,
	}
}

// SetLease changes how long a node lives after it was last heard of: how long
// what it held waits until others take over. It must be called before anything
// is leased.
func (s *Store) SetLease(d time.Duration) { s.member.lease = d }

// Node is the name of this process among those that share the database.
func (s *Store) Node() string { return s.member.name }

// alive is a subquery of the names of nodes that live.
func (s *Store) alive() string {
	return "select name from node where until > " + s.engine.Clock()
}

// Join makes this process a node of a kind (serve, work or command). One that
// works has a share of the partitions; see [Store.Cursors].
func (s *Store) Join(ctx context.Context, kind string, works bool) error {
	s.member.mu.Lock()
	s.member.kind = kind
	s.member.mu.Unlock()
	return s.join(ctx, works)
}

// join makes this process a node, and one that works if it was not yet.
func (s *Store) join(ctx context.Context, works bool) error {
	m := &s.member
	if m.is(works) {
		return nil
	}
	m.io.Lock()
	defer m.io.Unlock()
	m.mu.Lock()
	m.works = m.works || works
	m.mu.Unlock()
	sent := time.Now()
	err := s.write(ctx, People, func(tx *Tx) error {
		if s.engine.Single() {
			if _, err := tx.ExecContext(ctx, `
				/* node.join */
				delete from node where name <> $1`, m.name); err != nil {
				return err
			}
		}
		return s.insertNode(ctx, tx)
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.joined, m.confirmed = true, sent
	start := !m.beating && !s.engine.Single()
	m.beating = m.beating || start
	m.mu.Unlock()
	s.held.stale()
	if start {
		s.done.Add(1)
		go s.beat()
	}
	s.ring("node")
	return nil
}

// is reports whether this process is a node, and one that works if asked so.
func (m *member) is(works bool) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.joined && (m.works || !works)
}

func (s *Store) insertNode(ctx context.Context, q execer) error {
	m := &s.member
	m.mu.Lock()
	kind, works := m.kind, m.works
	m.mu.Unlock()
	clock, until := s.engine.Clock(), s.engine.Clock()+" + $4"
	lease := m.lease.Microseconds()
	if s.engine.Single() {
		until, lease = "$4", math.MaxInt64
	}
	_, err := q.ExecContext(ctx, `
		/* node.insertNode */
		insert into node (name, kind, works, since, until) values ($1, $2, $3, `+clock+`, `+until+`)
		on conflict (name) do update set kind = excluded.kind, works = excluded.works, until = excluded.until`,
		m.name, kind, one(works), lease)
	return err
}

type execer interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// beat puts off this node's end and looks who else lives, until the store
// closes, four times in the time of a lease and whenever another node comes
// or goes.
func (s *Store) beat() {
	defer s.done.Done()
	every := s.member.lease / 4
	bell := s.Bell("node")
	var conn *sql.Conn
	well := true
	for {
		ctx, cancel := context.WithTimeout(s.ctx, s.member.lease/2)
		next, err := s.renew(ctx, conn)
		cancel()
		if err != nil && s.ctx.Err() == nil && well {
			s.log.Warn("this node cannot be heard of; others take over what it holds", "node", s.member.name, "err", err)
		}
		conn, well = next, err == nil
		select {
		case <-s.ctx.Done():
			if conn != nil {
				conn.Close()
			}
			return
		case <-bell:
		case <-time.After(every):
		}
	}
}

// renew puts off this node's end over conn, or over a new connection, and
// returns the one to be used next.
func (s *Store) renew(ctx context.Context, conn *sql.Conn) (_ *sql.Conn, err error) {
	if conn == nil {
		if conn, err = s.db.Conn(ctx); err != nil {
			return nil, err
		}
	}
	sent := time.Now()
	live, err := s.renewOn(ctx, conn)
	if err != nil {
		conn.Close()
		return nil, err
	}
	s.noted(live, sent)
	return conn, nil
}

func (s *Store) renewOn(ctx context.Context, conn *sql.Conn) ([]string, error) {
	s.member.io.Lock()
	defer s.member.io.Unlock()
	if !s.member.is(false) {
		return nil, nil
	}
	if err := s.insertNode(ctx, conn); err != nil {
		return nil, err
	}
	if _, err := conn.ExecContext(ctx, `
		/* node.renew */
		delete from node where until < `+s.engine.Clock()+` - $1`, forgotten.Microseconds()); err != nil {
		return nil, err
	}
	return s.working(ctx, conn)
}

type rowsQuerier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// working returns the names of the nodes that live and work, in order.
func (s *Store) working(ctx context.Context, q rowsQuerier) ([]string, error) {
	rows, err := q.QueryContext(ctx, `
		/* node.working */
		select name from node where works = 1 and until > `+s.engine.Clock()+` order by name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		out = append(out, name)
	}
	slices.Sort(out) // collations differ
	return out, rows.Err()
}

// noted keeps who lives, and wakes the stages of this node when its share has
// become another or it holds less than that: somebody died, came or went.
func (s *Store) noted(live []string, sent time.Time) {
	m := &s.member
	m.mu.Lock()
	changed := !slices.Equal(live, m.live)
	m.live, m.confirmed = live, sent
	works := m.joined && m.works
	m.mu.Unlock()
	if !works {
		return
	}
	if changed || s.held.short(share(live, m.name)) {
		s.held.stale()
		s.Ring("log")
	}
	if changed {
		s.Ring("due")
		s.Ring("action")
		s.Ring("settings") // of a rebuild
	}
}

// share is how many partitions a node may hold when these nodes work.
func share(live []string, name string) int {
	i, ok := slices.BinarySearch(live, name)
	if !ok {
		return 0
	}
	n := cairn.Partitions / len(live)
	if i < cairn.Partitions%len(live) {
		n++
	}
	return n
}

// lapsed reports whether this node may have been given up by the others.
func (s *Store) lapsed() bool {
	s.member.mu.Lock()
	defer s.member.mu.Unlock()
	return !s.engine.Single() && time.Since(s.member.confirmed) > s.member.lease
}

// leads reports whether this node is the one that does what one is enough
// for: performing actions.
func (s *Store) leads() bool {
	s.member.mu.Lock()
	defer s.member.mu.Unlock()
	return len(s.member.live) == 0 || s.member.live[0] == s.member.name
}

// Workers returns how many other nodes live and run the stages.
func (s *Store) Workers(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* node.Workers */
		select count(*) from node where works = 1 and name <> $1 and until > `+s.engine.Clock(), s.member.name).Scan(&n)
	return n, err
}

// Release gives back what this node has leased and takes it from the list of
// nodes, so that others can take over at once. It may join again.
func (s *Store) Release(ctx context.Context) error {
	m := &s.member
	m.io.Lock()
	defer m.io.Unlock()
	if !m.is(false) {
		return nil
	}
	err := s.write(ctx, Turns, func(tx *Tx) error {
		for _, text := range []string{
			`/* node.Release */ update cursor set node = '', lease = lease + 1 where node = $1`,
			`/* node.Release */ update due set node = '' where node = $1`,
			`/* node.Release */ delete from node where name = $1`,
		} {
			if _, err := tx.ExecContext(ctx, text, m.name); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.joined, m.works, m.live = false, false, nil
	m.mu.Unlock()
	s.turns.owed()
	s.held.drop()
	return s.engine.Tell(ctx, s.db.DB, "node")
}

// A NodeStanding tells what one node does.
type NodeStanding struct {
	Name  string        `json:"name"`
	Kind  string        `json:"kind"`  // serve, work or command
	Works bool          `json:"works"` // runs the stages
	Since time.Time     `json:"since"`
	Alive bool          `json:"alive"`
	Quiet time.Duration `json:"quiet_ns"` // since it was last heard of
	Parts int           `json:"partitions"`
	Lag   int64         `json:"lag"`   // events in its partitions that are not folded
	Turns int           `json:"turns"` // that it has leased
}

// Nodes returns the nodes of the last ten minutes, by name. What nobody holds
// stands under a name that is empty, if there is any.
func (s *Store) Nodes(ctx context.Context) ([]NodeStanding, error) {
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return nil, err
	}
	out, err := s.nodes(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `
		/* node.Nodes */
		select c.node, count(*), coalesce(sum(k.n - c.n), 0), 0 from cursor c left join counter k on k.part = c.part
		where c.stage = $1 and c.gen = $2 group by c.node
		union all select node, 0, 0, count(*) from due where node <> '' group by node`, signal.StageName, gen)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var free NodeStanding
	for rows.Next() {
		var name string
		var parts, turns int
		var lag int64
		if err := rows.Scan(&name, &parts, &lag, &turns); err != nil {
			return nil, err
		}
		of := &free
		if i := slices.IndexFunc(out, func(n NodeStanding) bool { return n.Name == name }); i >= 0 {
			of = &out[i]
		}
		of.Parts, of.Lag, of.Turns = of.Parts+parts, of.Lag+lag, of.Turns+turns
	}
	if free.Parts > 0 {
		out = append(out, free)
	}
	return out, rows.Err()
}

func (s *Store) nodes(ctx context.Context) ([]NodeStanding, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* node.nodes */
		select name, kind, works, since, until, `+s.engine.Clock()+` from node order by name`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []NodeStanding{}
	for rows.Next() {
		var n NodeStanding
		var since, until, now int64
		if err := rows.Scan(&n.Name, &n.Kind, &n.Works, &since, &until, &now); err != nil {
			return nil, err
		}
		n.Since, n.Alive = cairn.FromMicros(since), until > now
		if until < math.MaxInt64 {
			n.Quiet = max(s.member.lease-time.Duration(until-now)*time.Microsecond, 0)
		}
		out = append(out, n)
	}
	return out, rows.Err()
}
