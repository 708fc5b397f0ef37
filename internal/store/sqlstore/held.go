package sqlstore

import (
	"context"
	"sync"

	"cairn"
	"cairn/internal/signal"
)

// held are the cursors that this node has leased, so that a beat need not
// read them. The compare-and-swap of the commit is what keeps them right.
type held struct {
	mu  sync.Mutex
	by  map[grown][]signal.Cursor
	old map[grown]bool // that are to be asked for again
}

// grown is a generation of a stage.
type grown struct {
	stage string
	gen   int
}

// cursors returns the leased cursors, and nil when they must be asked for.
func (h *held) cursors(stage string, gen int) []signal.Cursor {
	h.mu.Lock()
	defer h.mu.Unlock()
	key := grown{stage, gen}
	if h.old[key] {
		return nil
	}
	return append([]signal.Cursor(nil), h.by[key]...)
}

func (h *held) keep(stage string, gen int, cs []signal.Cursor, current bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.by == nil {
		h.by, h.old = map[grown][]signal.Cursor{}, map[grown]bool{}
	}
	key := grown{stage, gen}
	h.by[key] = append([]signal.Cursor(nil), cs...)
	delete(h.old, key)
	for other := range h.by {
		if current && other.stage == stage && other.gen < gen { // it was swapped out
			delete(h.by, other)
			delete(h.old, other)
		}
	}
}

func (h *held) move(stage string, gen int, moves []signal.Move) {
	h.mu.Lock()
	defer h.mu.Unlock()
	cs := h.by[grown{stage, gen}]
	for _, m := range moves {
		for i := range cs {
			if cs[i].Part == m.Part {
				cs[i].N = m.To
			}
		}
	}
}

// stale has all cursors asked for again.
func (h *held) stale() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for key := range h.by {
		h.old[key] = true
	}
}

// drop forgets all cursors.
func (h *held) drop() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.by)
	clear(h.old)
}

// short reports whether of a stage fewer cursors are held than a share is.
func (h *held) short(share int) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, cs := range h.by {
		if len(cs) < share {
			return true
		}
	}
	return false
}

// Cursors leases partitions of a stage's generation and returns all that this
// node holds; see [signal.FoldStore]. Each node that works has a share: what is
// more is given up, what others left or died with is taken. Of a generation
// that grows, a command that rebuilds takes all that is free.
func (s *Store) Cursors(ctx context.Context, stage string, gen int) (int, []signal.Cursor, error) {
	current, growing, err := s.generation(ctx, s.db, stage)
	if err != nil {
		return 0, nil, err
	}
	switch gen {
	case 0:
		gen = current
	case growing:
	default: // it was swapped in, where only beats that are live belong, or given up
		return 0, nil, errGivenUp
	}
	if err := s.join(ctx, gen == current); err != nil {
		return 0, nil, err
	}
	if held := s.held.cursors(stage, gen); len(held) > 0 && !s.lapsed() {
		return gen, held, nil
	}
	var out []signal.Cursor
	err = s.write(ctx, Turns, func(tx *Tx) (err error) {
		out, err = s.lease(ctx, tx, stage, gen)
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	s.held.keep(stage, gen, out, gen == current)
	return gen, out, nil
}

// lease gives up what is more than this node's share and takes what is free,
// and returns what it then holds.
func (s *Store) lease(ctx context.Context, tx *Tx, stage string, gen int) ([]signal.Cursor, error) {
	if err := s.insertNode(ctx, tx); err != nil { // it may have been taken for dead
		return nil, err
	}
	most := cairn.Partitions
	if s.member.is(true) {
		live, err := s.working(ctx, tx)
		if err != nil {
			return nil, err
		}
		most = share(live, s.member.name)
	}
	mine, free, err := s.leases(ctx, tx, stage, gen)
	if err != nil {
		return nil, err
	}
	for len(mine) > most {
		c := mine[len(mine)-1]
		if _, err := s.hand(ctx, tx, stage, gen, c, s.member.name, ""); err != nil {
			return nil, err
		}
		mine = mine[:len(mine)-1]
	}
	for _, c := range free {
		if len(mine) >= most {
			break
		}
		took, err := s.hand(ctx, tx, stage, gen, c.Cursor, c.node, s.member.name)
		if err != nil {
			return nil, err
		}
		if took {
			c.Lease++
			mine = append(mine, c.Cursor)
		}
	}
	return mine, nil
}

// A free cursor is one that no living node holds.
type freeCursor struct {
	signal.Cursor
	node string // that held it
}

// leases returns the cursors that this node holds and those that are free,
// and makes them when there are none yet. One that a commit moves just now is
// not free.
func (s *Store) leases(ctx context.Context, tx *Tx, stage string, gen int) (mine []signal.Cursor, free []freeCursor, err error) {
	n := 0
	if err := tx.QueryRowContext(ctx, `
		/* held.leases */
		select count(*) from cursor where stage = $1 and gen = $2`, stage, gen).Scan(&n); err != nil {
		return nil, nil, err
	}
	for p := n; p < cairn.Partitions; p++ {
		if _, err := tx.ExecContext(ctx, `
			/* held.leases */
			insert into cursor (stage, gen, part, n, lease, node) values ($1, $2, $3, 0, 0, '') on conflict do nothing`, stage, gen, p); err != nil {
			return nil, nil, err
		}
	}
	rows, err := tx.QueryContext(ctx, `
		/* held.leases */
		select part, n, lease, node from cursor
		where stage = $1 and gen = $2 and (node = $3 or node not in (`+s.alive()+`)) order by part `+s.engine.Skip(), stage, gen, s.member.name)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c freeCursor
		if err := rows.Scan(&c.Part, &c.N, &c.Lease, &c.node); err != nil {
			return nil, nil, err
		}
		if c.node == s.member.name {
			mine = append(mine, c.Cursor)
		} else {
			free = append(free, c)
		}
	}
	return mine, free, rows.Err()
}

// hand gives a cursor from one node to another, ” is nobody, under a new
// lease, and reports whether it could.
func (s *Store) hand(ctx context.Context, tx *Tx, stage string, gen int, c signal.Cursor, from, to string) (bool, error) {
	res, err := tx.ExecContext(ctx, `
		/* held.hand */
		update cursor set node = $1, lease = lease + 1 where stage = $2 and gen = $3 and part = $4 and lease = $5 and node = $6`,
		to, stage, gen, c.Part, c.Lease, from)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}
