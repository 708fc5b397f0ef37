package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
	"cairn/internal/signal"
)

// generation returns the current generation of a stage and the one that a
// rebuild is growing (0: none).
func (s *Store) generation(ctx context.Context, stage string) (current, growing int, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* fold.generation */
		select current, growing from generation where stage = $1`, stage).Scan(&current, &growing)
	if errors.Is(err, sql.ErrNoRows) {
		return 1, 0, nil
	}
	return current, growing, err
}

// CommitFold adds a beat to the tallies and moves the cursors; see
// [signal.FoldStore].
func (s *Store) CommitFold(ctx context.Context, b signal.Beat) (held time.Duration, err error) {
	var due bool
	err = s.write(ctx, Turns, func(tx *Tx) error {
		start := time.Now()
		defer func() { held = time.Since(start) }()
		due = false
		for _, m := range b.Moves {
			res, err := tx.ExecContext(ctx, `
				/* fold.CommitFold */
				update cursor set n = $1 where stage = $2 and gen = $3 and part = $4 and n = $5 and lease = $6 and node = $7`,
				m.To, signal.StageName, b.Gen, m.Part, m.N, m.Lease, s.member.name)
			if err != nil {
				return err
			}
			if n, err := res.RowsAffected(); err != nil {
				return err
			} else if n == 0 {
				return cairn.Errorf(cairn.Conflict, "Partition %d was taken over by another node.", m.Part)
			}
		}
		if err := s.insertTimeline(ctx, tx, b); err != nil {
			return err
		}
		if err := s.addVolumes(ctx, tx, b); err != nil {
			return err
		}
		touched := map[cairn.AccountID]bool{} // value: everything was late
		streams := make([]cairn.StreamID, 0, len(b.Streams))
		for id := range b.Streams {
			streams = append(streams, id)
		}
		slices.SortFunc(streams, func(a, b cairn.StreamID) int { return bytes.Compare(a.ID[:], b.ID[:]) })
		for _, id := range streams {
			d := b.Streams[id]
			if err := s.mergeTallies(ctx, tx, b.Gen, id, d.State); err != nil {
				return err
			}
			account, err := s.streamTouched(ctx, tx, id, d.State.First)
			if err != nil {
				return err
			}
			if !account.IsZero() {
				late, ok := touched[account]
				touched[account] = d.Late && (late || !ok)
			}
		}
		if !b.Live {
			return nil
		}
		due = len(touched) > 0
		return s.touch(ctx, tx, touched, b.Seen)
	})
	if err != nil {
		s.held.drop()
		return held, err
	}
	s.held.move(signal.StageName, b.Gen, b.Moves)
	if due {
		s.ring("due")
		s.ring("page")
	}
	return held, nil
}

func (s *Store) touch(ctx context.Context, tx *Tx, touched map[cairn.AccountID]bool, now time.Time) error {
	ids := make([]cairn.AccountID, 0, len(touched))
	for id := range touched {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b cairn.AccountID) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, id := range ids {
		if err := s.markDue(ctx, tx, id, touched[id], now); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			/* fold.touch */
			update account set version = version + 1 where id = $1`, id); err != nil {
			return err
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return pageChanged(ctx, tx)
}

func (s *Store) insertTimeline(ctx context.Context, tx *Tx, b signal.Beat) error {
	slices.SortFunc(b.Events, func(x, y signal.Entry) int {
		return cmp.Or(bytes.Compare(x.Stream.ID[:], y.Stream.ID[:]), x.At.Compare(y.At), cmp.Compare(x.Pos.Key(), y.Pos.Key()))
	})
	n := len(b.Events)
	gens, ats, keys, streams := make([]int64, n), make([]int64, n), make([]int64, n), make([][]byte, n)
	for i, e := range b.Events {
		gens[i], ats[i], keys[i], streams[i] = int64(b.Gen), cairn.Micros(e.At), e.Pos.Key(), bytesOf(e.Stream.ID)
	}
	return s.engine.Insert(ctx, tx, "timeline", "", Col{"gen", gens}, Col{"stream", streams}, Col{"at", ats}, Col{"key", keys})
}

// streamTouched notes an earlier first event and returns whose the stream is.
func (s *Store) streamTouched(ctx context.Context, tx *Tx, id cairn.StreamID, first time.Time) (cairn.AccountID, error) {
	var account cairn.AccountID
	var was int64
	err := tx.QueryRowContext(ctx, `
		/* fold.streamTouched */
		select account, first from stream where id = $1`, id).Scan(&account, &was)
	if err != nil {
		return account, err
	}
	if at := cairn.Micros(first); at < was {
		if _, err := tx.ExecContext(ctx, `
			/* fold.streamTouched */
			update stream set first = $2 where id = $1`, id, at); err != nil {
			return account, err
		}
		if !account.IsZero() {
			_, err = tx.ExecContext(ctx, `
				/* fold.streamTouched */
				update account set first = $2 where id = $1 and first > $2`, account, at)
		}
	}
	return account, err
}

// mergeTallies adds what a beat counted to the rows of one stream.
func (s *Store) mergeTallies(ctx context.Context, tx *Tx, gen int, stream cairn.StreamID, delta *signal.State) error {
	if len(delta.Tallies) == 0 {
		return nil
	}
	numbers, err := s.number(ctx, tx, stream, delta.People)
	if err != nil {
		return err
	}
	keys := make([]signal.Key, 0, len(delta.Tallies))
	for k := range delta.Tallies {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b signal.Key) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Name, b.Name))
	})
	have, err := s.tallies(ctx, tx, gen, stream, keys)
	if err != nil {
		return err
	}
	n := len(keys)
	gens, days, ns, totals, lasts := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	streams, people := make([][]byte, n), make([][]byte, n)
	products, names := make([]string, n), make([]string, n)
	for i, k := range keys {
		t := delta.Tallies[k]
		sum := signal.Tally{N: t.N, Sum: t.Sum, Last: t.Last, People: roaring.New()}
		it := t.People.Iterator()
		for it.HasNext() {
			sum.People.Add(numbers[it.Next()])
		}
		if was := have[k]; was != nil {
			sum.N += was.N
			sum.Sum += was.Sum
			if was.Last.After(sum.Last) {
				sum.Last = was.Last
			}
			sum.People.Or(was.People)
		}
		sum.People.RunOptimize()
		if people[i], err = sum.People.ToBytes(); err != nil {
			return err
		}
		gens[i], streams[i], products[i], days[i], names[i] = int64(gen), stream.ID[:], k.Product, int64(k.Day), k.Name
		ns[i], totals[i], lasts[i] = sum.N, sum.Sum, cairn.Micros(sum.Last)
	}
	return s.engine.Insert(ctx, tx, "tally", `on conflict (gen, stream, day, product, name) do update set
		n = excluded.n, total = excluded.total, last = excluded.last, people = excluded.people`,
		Col{"gen", gens}, Col{"stream", streams}, Col{"product", products}, Col{"day", days}, Col{"name", names},
		Col{"n", ns}, Col{"total", totals}, Col{"last", lasts}, Col{"people", people})
}

// tallies reads the rows of a stream on the days of the keys, which are in
// order of their days.
func (s *Store) tallies(ctx context.Context, tx *Tx, gen int, stream cairn.StreamID, keys []signal.Key) (map[signal.Key]*signal.Tally, error) {
	out := map[signal.Key]*signal.Tally{}
	for i := 0; i < len(keys); {
		j := i
		for j < len(keys) && keys[j].Day-keys[max(i, j-1)].Day < 8 {
			j++
		}
		rows, err := tx.QueryContext(ctx, `
			/* fold.tallies */
			select product, day, name, n, total, last, people from tally
			where gen = $1 and stream = $2 and day >= $3 and day <= $4`,
			gen, stream, int64(keys[i].Day), int64(keys[j-1].Day))
		if err != nil {
			return nil, err
		}
		if err := scanTallies(rows, out); err != nil {
			return nil, err
		}
		i = j
	}
	return out, nil
}

func scanTallies(rows *sql.Rows, into map[signal.Key]*signal.Tally) error {
	defer rows.Close()
	for rows.Next() {
		var k signal.Key
		var t signal.Tally
		var last int64
		var people []byte
		if err := rows.Scan(&k.Product, &k.Day, &k.Name, &t.N, &t.Sum, &last, &people); err != nil {
			return err
		}
		t.Last = cairn.FromMicros(last)
		var err error
		if t.People, err = bitmap(people); err != nil {
			return err
		}
		into[k] = &t
	}
	return rows.Err()
}

// number returns the number of each person within the stream; people who are
// new there get the next ones. Numbers are given once and outlive rebuilds.
func (s *Store) number(ctx context.Context, tx *Tx, stream cairn.StreamID, people []cairn.PersonID) ([]uint32, error) {
	out := make([]uint32, len(people))
	if len(people) == 0 {
		return out, nil
	}
	have, err := s.numbers(ctx, tx, stream, people)
	if err != nil {
		return nil, err
	}
	next := int64(-1)
	for i, p := range people {
		if n, ok := have[p]; ok {
			out[i] = n
			continue
		}
		if next < 0 {
			if err := tx.QueryRowContext(ctx, `
				/* fold.number */
				select coalesce(max(num), -1) + 1 from stream_person where stream = $1`, stream).Scan(&next); err != nil {
				return nil, err
			}
		}
		if _, err := tx.ExecContext(ctx, `
			/* fold.number */
			insert into stream_person (stream, num, person) values ($1, $2, $3)`, stream, next, p); err != nil {
			return nil, err
		}
		out[i] = uint32(next)
		next++
	}
	return out, nil
}

// numbers returns the numbers that people have within a stream.
func (s *Store) numbers(ctx context.Context, q querier, stream cairn.StreamID, people []cairn.PersonID) (map[cairn.PersonID]uint32, error) {
	out := map[cairn.PersonID]uint32{}
	for chunk := range slices.Chunk(people, 100) {
		args := []any{stream}
		for _, p := range chunk {
			args = append(args, p)
		}
		rows, err := q.QueryContext(ctx, `
			/* fold.numbers */
			select person, num from stream_person where stream = $1 and person in (`+marks(2, len(chunk))+`)`, args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var p cairn.PersonID
			var n uint32
			if err := rows.Scan(&p, &n); err != nil {
				rows.Close()
				return nil, err
			}
			out[p] = n
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// marks writes n parameters from $first on.
func marks(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", first+i)
	}
	return b.String()
}

func bitmap(b []byte) (*roaring.Bitmap, error) {
	m := roaring.New()
	return m, m.UnmarshalBinary(b)
}
