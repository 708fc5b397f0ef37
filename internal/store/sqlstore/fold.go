package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
	"cairn/internal/signal"
)

// generation returns the current generation of a stage and the one that a
// rebuild is growing (0: none).
func (s *Store) generation(ctx context.Context, q querier, stage string) (current, growing int, err error) {
	err = q.QueryRowContext(ctx, `
		/* fold.generation */
		select current, growing from generation where stage = $1`, stage).Scan(&current, &growing)
	if errors.Is(err, sql.ErrNoRows) {
		return 1, 0, nil
	}
	return current, growing, err
}

// CommitFold adds a beat to the tallies and moves the cursors; see
// [signal.FoldStore]. What the beat makes of the rows is found out before the
// writer is held: only this node folds what it has leased.
func (s *Store) CommitFold(ctx context.Context, b signal.Beat) (held time.Duration, err error) {
	s.memory.trusts(b.Gen, b.Moves)
	rows, err := s.foldRows(ctx, b)
	if err != nil {
		return 0, err
	}
	var touched touched
	err = s.write(ctx, Turns, func(tx *Tx) (err error) {
		start := time.Now()
		defer func() { held = time.Since(start) }()
		touched, err = s.commitFold(ctx, tx, b, rows)
		return err
	})
	if err != nil {
		s.held.drop()
		s.memory.forget()
		return held, err
	}
	s.held.move(signal.StageName, b.Gen, b.Moves)
	s.feedsKept(b)
	if err := rows.remember(&s.memory); err != nil {
		s.memory.forget()
	} else {
		s.memory.moved(b.Gen, b.Moves)
	}
	if b.Live {
		s.tail.drop(b.Moves)
	}
	for id, version := range touched.versions {
		s.recent.folded(id, version, touched.deltas[id])
	}
	if len(touched.versions) > 0 {
		s.ring("due")
		s.ring("page")
	}
	return held, nil
}

// commitFold writes a beat and, where it is live, marks accounts as due.
func (s *Store) commitFold(ctx context.Context, tx *Tx, b signal.Beat, rows *foldRows) (touched, error) {
	if err := s.moveCursors(ctx, tx, b); err != nil {
		return touched{}, err
	}
	for _, insert := range []foldInsert{rows.timeline, rows.people, rows.tallies} {
		if insert.cols[0].Len() == 0 {
			continue
		}
		if err := s.engine.Insert(ctx, tx, insert.table, insert.tail, insert.cols...); err != nil {
			return touched{}, err
		}
	}
	if err := s.addVolumes(ctx, tx, b); err != nil {
		return touched{}, err
	}
	if err := s.addFeeds(ctx, tx, b); err != nil {
		return touched{}, err
	}
	t, err := s.streamsTouched(ctx, tx, b, rows.streams)
	if err != nil || !b.Live {
		return touched{}, err
	}
	return t, s.touch(ctx, tx, &t, b.Seen)
}

// touched are the accounts of which a beat counted something.
type touched struct {
	late     map[cairn.AccountID]bool // everything was
	deltas   map[cairn.AccountID][]*signal.State
	versions map[cairn.AccountID]int64 // that the accounts have after it
}

// moveCursors moves each cursor of a beat if it stands where it was read and
// the lease is still this node's.
func (s *Store) moveCursors(ctx context.Context, tx *Tx, b signal.Beat) error {
	if !b.Live {
		var growing int
		if err := tx.QueryRowContext(ctx, `
			/* fold.moveCursors */
			select growing from generation where stage = $1`, signal.StageName).Scan(&growing); err != nil {
			return err
		}
		if growing != b.Gen { // another node swapped it in, or gave it up
			return errGivenUp
		}
	}
	for _, m := range b.Moves {
		res, err := tx.ExecContext(ctx, `
			/* fold.moveCursors */
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
	return nil
}

// touch marks accounts as due.
func (s *Store) touch(ctx context.Context, tx *Tx, t *touched, now time.Time) error {
	n := len(t.late)
	if n == 0 {
		return nil
	}
	if err := s.markLate(ctx, tx, t.late, now); err != nil {
		return err
	}
	t.versions = make(map[cairn.AccountID]int64, n)
	for in := range inChunks(slices.Collect(maps.Keys(t.late)), func(id cairn.AccountID) any { return id }) {
		if err := scanVersions(t.versions)(tx.QueryContext(ctx, `
			/* fold.touch */
			select a.id, a.version + d.version from account a join due d on d.account = a.id where a.id in (`+in.marks(1)+`)`, in.args...)); err != nil {
			return err
		}
	}
	return pageChanged(ctx, tx)
}

// markLate marks accounts as due, quietly those of which everything was late.
func (s *Store) markLate(ctx context.Context, tx *Tx, accounts map[cairn.AccountID]bool, now time.Time) error {
	ids := slices.SortedFunc(maps.Keys(accounts), func(a, b cairn.AccountID) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	late := make([]bool, len(ids))
	for i, id := range ids {
		late[i] = accounts[id]
	}
	return s.markAllDue(ctx, tx, ids, late, now)
}

// streamsTouched notes earlier first events and returns whose the streams are.
func (s *Store) streamsTouched(ctx context.Context, tx *Tx, b signal.Beat, ids []cairn.StreamID) (t touched, _ error) {
	type standing struct {
		id      cairn.StreamID
		account cairn.AccountID
		first   int64
	}
	all := make([]standing, 0, len(ids))
	for in := range inChunks(ids, func(id cairn.StreamID) any { return id }) {
		rows, err := tx.QueryContext(ctx, `
			/* fold.streamsTouched */
			select id, account, first from stream where id in (`+in.marks(1)+`)`+s.engine.Share(), in.args...)
		if err != nil {
			return t, err
		}
		for rows.Next() {
			var st standing
			if err := rows.Scan(&st.id, &st.account, &st.first); err != nil {
				rows.Close()
				return t, err
			}
			all = append(all, st)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return t, err
		}
	}
	t.late = make(map[cairn.AccountID]bool, len(all))
	t.deltas = make(map[cairn.AccountID][]*signal.State, len(all))
	for _, st := range all {
		d := b.Streams[st.id]
		if at := cairn.Micros(d.State.First); at != 0 && at < st.first {
			if err := s.earlier(ctx, tx, st.id, st.account, at); err != nil {
				return t, err
			}
		}
		if !st.account.IsZero() {
			late, ok := t.late[st.account]
			t.late[st.account] = d.Late && (late || !ok)
			t.deltas[st.account] = append(t.deltas[st.account], d.State)
		}
	}
	return t, nil
}

// earlier notes that a stream, and so perhaps its account, began earlier.
func (s *Store) earlier(ctx context.Context, tx *Tx, id cairn.StreamID, account cairn.AccountID, at int64) error {
	if _, err := tx.ExecContext(ctx, `
		/* fold.earlier */
		update stream set first = $2 where id = $1 and first > $2`, id, at); err != nil || account.IsZero() {
		return err
	}
	_, err := tx.ExecContext(ctx, `
		/* fold.earlier */
		update account set first = $2 where id = $1 and first > $2`, account, at)
	return err
}

type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) row
}

// bitmap reads numbers of people. Damaged bytes are an error, also where they
// would only break what is done with them later.
func bitmap(b []byte) (*roaring.Bitmap, error) {
	m := roaring.New()
	err := m.UnmarshalBinary(b)
	if err == nil {
		err = m.Validate()
	}
	if err != nil {
		return nil, fmt.Errorf("sqlstore: a bitmap of people is damaged: %w", err)
	}
	return m, nil
}
