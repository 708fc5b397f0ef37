package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// Cells are the columns of a row.
type Cells interface {
	// Number returns an integer.
	Number(i int) int64
	// Bytes returns text or bytes, which are good until the next row; nil for
	// null.
	Bytes(i int) []byte
}

// ScanByDriver is [Engine.Scan] for drivers that hand out values.
func ScanByDriver(ctx context.Context, db *sql.DB, text string, args []int64, f func(Cells) error) error {
	some := make([]any, len(args))
	for i, a := range args {
		some[i] = a
	}
	return walk(ctx, db, text, some, func(row []driver.Value) error {
		v := &values{row: row}
		if err := f(v); err != nil {
			return err
		}
		return v.err
	})
}

// walk calls f with every row of a query as the driver hands it out: int64,
// string, []byte or nil. A row is good until f returns. It takes half the time
// that database/sql does.
func walk(ctx context.Context, db *sql.DB, text string, args []any, f func(row []driver.Value) error) error {
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	return conn.Raw(func(c any) error {
		named := make([]driver.NamedValue, len(args))
		for i, a := range args {
			named[i] = driver.NamedValue{Ordinal: i + 1, Value: a}
		}
		asks, ok := c.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("sqlstore: the driver's connection %T does not run queries", c)
		}
		rows, err := asks.QueryContext(ctx, text, named)
		if err != nil {
			return err
		}
		defer rows.Close()
		row := make([]driver.Value, len(rows.Columns()))
		for {
			if err := rows.Next(row); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
			if err := f(row); err != nil {
				return err
			}
		}
	})
}

func (p *pool) walk(ctx context.Context, text string, args []any, f func(row []driver.Value) error) error {
	return p.told(walk(ctx, p.DB, text, args, f))
}

// Walk appends to into the events of a partition in (from, to], at most limit
// of them, with no more than the fold looks at; see [signal.RebuildStore].
func (s *Store) Walk(ctx context.Context, part int, from, to int64, limit int, into []cairn.Event) ([]cairn.Event, error) {
	texts := interned{}
	err := s.engine.Scan(ctx, s.db.DB, `
		/* rebuild.Walk */
		select key, stream, kind, name, source, product, at, person, n, props from event
		where key > $1 and key <= $2 order by key limit $3`,
		[]int64{cairn.Position{Part: part, N: from}.Key(), cairn.Position{Part: part, N: to}.Key(), int64(limit)},
		func(row Cells) error {
			if len(into) < cap(into) {
				into = into[:len(into)+1]
			} else {
				into = append(into, cairn.Event{})
			}
			return texts.scan(row, &into[len(into)-1])
		})
	return into, s.db.told(err)
}

// interned are texts that occur again and again, so that each is made once.
type interned map[string]string

func (in interned) of(b []byte) string {
	t, ok := in[string(b)]
	if !ok {
		t = string(b)
		in[t] = t
	}
	return t
}

// scan reads a row of Walk. What e had before makes room.
func (in interned) scan(row Cells, e *cairn.Event) (err error) {
	e.Pos = cairn.PositionOf(row.Number(0))
	e.Kind, e.Name, e.Source, e.Product = cairn.EventKind(in.of(row.Bytes(2))), in.of(row.Bytes(3)), in.of(row.Bytes(4)), in.of(row.Bytes(5))
	e.At, e.N = cairn.FromMicros(row.Number(6)), row.Number(8)
	e.Props = append(e.Props[:0], row.Bytes(9)...)
	if e.Stream.ID, err = idOf(row.Bytes(1)); err == nil {
		e.Person.ID, err = idOf(row.Bytes(7))
	}
	return err
}

func idOf(b []byte) (id cairn.ID, err error) {
	if b != nil && len(b) != len(id) {
		return id, fmt.Errorf("sqlstore: %d bytes are not an id", len(b))
	}
	copy(id[:], b)
	return id, nil
}

// values are the columns of a row that a driver handed out.
type values struct {
	row []driver.Value
	err error
}

// Number returns an integer; see [Cells].
func (v *values) Number(i int) int64 {
	n, ok := v.row[i].(int64)
	if !ok {
		v.bad(i, "a number")
	}
	return n
}

func (v *values) text(i int) string {
	t, ok := v.row[i].(string)
	if !ok {
		v.bad(i, "text")
	}
	return t
}

// Bytes returns text or bytes; see [Cells].
func (v *values) Bytes(i int) []byte {
	switch b := v.row[i].(type) {
	case nil:
	case []byte:
		return b
	case string:
		return []byte(b)
	default:
		v.bad(i, "bytes")
	}
	return nil
}

func (v *values) id(i int, into *cairn.ID) {
	switch b := v.row[i].(type) {
	case nil:
		*into = cairn.ID{}
		return
	case []byte:
		if len(b) == len(into) {
			copy(into[:], b)
			return
		}
	}
	v.bad(i, "an id")
}

func (v *values) bad(i int, want string) {
	if v.err == nil {
		v.err = fmt.Errorf("sqlstore: column %d holds %T and not %s", i+1, v.row[i], want)
	}
}

// Folded returns how far the current generation has read each partition; see
// [signal.RebuildStore].
func (s *Store) Folded(ctx context.Context) ([cairn.Partitions]int64, error) {
	return ReadCounters(s.db.QueryContext(ctx, `
		/* rebuild.Folded */
		select part, n from cursor where stage = $1
			and gen = coalesce((select current from generation where stage = $1), 1)`, signal.StageName))
}

// originGen is the generation that holds what streams had come to when the log
// lost a part of them. Every other begins with it.
const originGen = 0

// Origins returns the streams of which the log has lost a part; see
// [signal.RebuildStore].
func (s *Store) Origins(ctx context.Context) (out []cairn.StreamID, err error) {
	err = s.db.walk(ctx, `
		/* rebuild.Origins */
		select distinct stream from tally where gen = $1`, []any{int64(originGen)}, func(row []driver.Value) error {
		v := values{row: row}
		var id cairn.StreamID
		v.id(0, &id.ID)
		out = append(out, id)
		return v.err
	})
	return out, err
}

// Begin has streams begin with their people's numbers, and with what they had
// come to when the log lost a part of them; see [signal.RebuildStore].
func (s *Store) Begin(ctx context.Context, w *signal.Whole, streams []cairn.StreamID) error {
	for in := range inChunks(streams, func(id cairn.StreamID) any { return id.ID[:] }) {
		if err := s.db.walk(ctx, `
			/* rebuild.Begin */
			select stream, num, person from stream_person where stream in (`+in.marks(1)+`)`, in.args, func(row []driver.Value) error {
			v := values{row: row}
			n := signal.Number{N: uint32(v.Number(1))}
			v.id(0, &n.Stream.ID)
			v.id(2, &n.Person.ID)
			w.Begin(n)
			return v.err
		}); err != nil {
			return err
		}
		if err := s.origin(ctx, w, in); err != nil {
			return err
		}
	}
	return nil
}

// origin adds what some streams had come to when the log lost a part of them.
func (s *Store) origin(ctx context.Context, w *signal.Whole, in chunk) error {
	return s.db.walk(ctx, `
		/* rebuild.origin */
		select stream, product, day, name, n, total, last, people from tally where gen = $1 and stream in (`+in.marks(2)+`)`,
		append([]any{int64(originGen)}, in.args...), func(row []driver.Value) error {
			v := values{row: row}
			r := signal.TallyRow{N: v.Number(4), Sum: v.Number(5), Last: v.Number(6), People: v.Bytes(7)}
			r.Key = signal.Key{Product: v.text(1), Day: cairn.Day(v.Number(2)), Name: v.text(3)}
			v.id(0, &r.Stream.ID)
			if v.err != nil {
				return v.err
			}
			if err := w.Origin(r); err != nil {
				return fmt.Errorf("origin of tally %q of %v, stream %v: %w", r.Name, r.Day, r.Stream, err)
			}
			return nil
		})
}

// CommitWhole writes a slice of what partitions were folded to; see
// [signal.RebuildStore].
func (s *Store) CommitWhole(ctx context.Context, b signal.WholeBeat) (held time.Duration, err error) {
	tallies := tallyInsert(b)
	err = s.write(ctx, Turns, func(tx *Tx) error {
		start := time.Now()
		defer func() { held = time.Since(start) }()
		if b.Last {
			if err := s.moveCursors(ctx, tx, signal.Beat{Gen: b.Gen, Moves: b.Moves}); err != nil {
				return err
			}
			if err := s.addVolumes(ctx, tx, signal.Beat{Gen: b.Gen, Slot: b.Slot, Volumes: b.Volumes}); err != nil {
				return err
			}
		} else if err := s.leased(ctx, tx, b.Gen, b.Moves); err != nil {
			return err
		}
		for _, insert := range []foldInsert{numberInsert(b.Numbers), tallies} {
			if insert.cols[0].Len() == 0 {
				continue
			}
			if err := s.engine.Insert(ctx, tx, insert.table, insert.tail, insert.cols...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.held.drop()
		return held, err
	}
	if b.Last {
		s.held.move(signal.StageName, b.Gen, b.Moves)
	}
	return held, nil
}

// leased reports an error unless the cursors are where they were read, and
// their leases this node's, until the transaction ends.
func (s *Store) leased(ctx context.Context, tx *Tx, gen int, moves []signal.Move) error {
	rows, err := tx.QueryContext(ctx, `
		/* rebuild.leased */
		select part, n, lease from cursor where stage = $1 and gen = $2 and node = $3 order by part`+s.engine.Share(), signal.StageName, gen, s.member.name)
	if err != nil {
		return err
	}
	defer rows.Close()
	stands := map[signal.Cursor]bool{}
	for rows.Next() {
		var c signal.Cursor
		if err := rows.Scan(&c.Part, &c.N, &c.Lease); err != nil {
			return err
		}
		stands[c] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, m := range moves {
		if !stands[m.Cursor] {
			return cairn.Errorf(cairn.Conflict, "Partition %d was taken over by another node.", m.Part)
		}
	}
	return nil
}

func numberInsert(numbers []signal.Number) foldInsert {
	streams, people, nums := make([][]byte, len(numbers)), make([][]byte, len(numbers)), make([]int64, len(numbers))
	for i := range numbers {
		n := &numbers[i]
		streams[i], people[i], nums[i] = n.Stream.ID[:], n.Person.ID[:], int64(n.N)
	}
	return foldInsert{"stream_person", "", []Col{{"stream", streams}, {"num", nums}, {"person", people}}}
}

// tallyInsert writes rows over those of a rebuild that was killed.
func tallyInsert(b signal.WholeBeat) foldInsert {
	c := &tallyCols{}
	for i := range b.Rows {
		r := &b.Rows[i]
		c.row(b.Gen, r)
	}
	return foldInsert{"tally", tallyOver, c.cols()}
}

// Swap makes the growing generation the current one if it has read as far as
// that one in every partition, in one transaction, and has every account
// measured again. Nothing is decided about that, but for what the new one has
// read and the old one has not: that is news. It reports false when there is
// more to read.
func (s *Store) Swap(ctx context.Context, stage string, gen int, now time.Time) (bool, error) {
	if ready, err := s.ready(ctx, s.db, stage, gen); err != nil || !ready {
		return false, err
	}
	swapped := false
	err := s.write(ctx, Turns, func(tx *Tx) (err error) {
		swapped, err = s.swap(ctx, tx, stage, gen, now)
		return err
	})
	if swapped && err == nil {
		s.held.drop() // it is shared from now on
		s.ring("log") // what was appended meanwhile is folded into the new one
		s.ring("due")
	}
	return swapped, err
}

// ready reports whether a generation can be swapped in, or was.
func (s *Store) ready(ctx context.Context, q querier, stage string, gen int) (bool, error) {
	var current, growing int
	if err := q.QueryRowContext(ctx, `
		/* rebuild.ready */
		select current, growing from generation where stage = $1`, stage).Scan(&current, &growing); err != nil {
		return false, err
	}
	if current == gen { // another node was first
		return true, nil
	}
	if growing != gen {
		return false, errGivenUp
	}
	var left int
	err := q.QueryRowContext(ctx, `
		/* rebuild.ready */
		select count(*) from cursor c left join cursor g on g.stage = c.stage and g.gen = $3 and g.part = c.part
		where c.stage = $1 and c.gen = $2 and coalesce(g.n, 0) < c.n`, stage, current, gen).Scan(&left)
	return left == 0, err
}

func (s *Store) swap(ctx context.Context, tx *Tx, stage string, gen int, now time.Time) (bool, error) {
	// No cursor of either moves from here on.
	stands, err := s.cursors(ctx, tx, stage)
	if err != nil {
		return false, err
	}
	ready, err := s.ready(ctx, tx, stage, gen)
	if err != nil || !ready {
		return false, err
	}
	current, growing, err := s.generation(ctx, tx, stage)
	if err != nil || current == gen {
		return err == nil, err
	}
	for _, text := range []string{
		`/* rebuild.swap */ update generation set current = $2, growing = 0, counts = counting, counting = '[]' where stage = $1 and growing = $2`,
		`/* rebuild.swap */ delete from cursor where stage = $1 and gen <> $2`,
		`/* rebuild.swap */ update cursor set node = '', lease = lease + 1 where stage = $1 and gen = $2`,
	} {
		if _, err := tx.ExecContext(ctx, text, stage, growing); err != nil {
			return false, err
		}
	}
	for p := range cairn.Partitions {
		if err := s.news(ctx, tx, p, stands[foldPart{current, p}], stands[foldPart{growing, p}], now); err != nil {
			return false, err
		}
	}
	return true, s.measureAll(ctx, tx, now)
}

// cursors returns where the cursors of all generations stand, and has them
// stand there until the transaction ends.
func (s *Store) cursors(ctx context.Context, tx *Tx, stage string) (map[foldPart]int64, error) {
	rows, err := tx.QueryContext(ctx, `
		/* rebuild.cursors */
		select gen, part, n from cursor where stage = $1 order by gen, part`+s.engine.Update("cursor"), stage)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[foldPart]int64{}
	for rows.Next() {
		var p foldPart
		var n int64
		if err := rows.Scan(&p.gen, &p.part, &n); err != nil {
			return nil, err
		}
		out[p] = n
	}
	return out, rows.Err()
}

// news marks the accounts as due that events of a partition in (from, to] are
// about, as a beat that is live would.
func (s *Store) news(ctx context.Context, tx *Tx, part int, from, to int64, now time.Time) error {
	if from >= to {
		return nil
	}
	rows, err := tx.QueryContext(ctx, `
		/* rebuild.news */
		select s.account, e.kind, e.at, e.seen from event e join stream s on s.id = e.stream
		where e.key > $1 and e.key <= $2 and s.account is not null`,
		cairn.Position{Part: part, N: from}.Key(), cairn.Position{Part: part, N: to}.Key())
	if err != nil {
		return err
	}
	defer rows.Close()
	zone, late := s.Settings().Zone, map[cairn.AccountID]bool{}
	for rows.Next() {
		var id cairn.AccountID
		var e cairn.Event
		var at, seen int64
		if err := rows.Scan(&id, &e.Kind, &at, &seen); err != nil {
			return err
		}
		e.At, e.Seen = cairn.FromMicros(at), cairn.FromMicros(seen)
		before, met := late[id]
		late[id] = signal.Late(&e, zone) && (before || !met)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	return s.markLate(ctx, tx, late, now)
}
