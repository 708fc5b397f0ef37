package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"cairn"
	"cairn/internal/action"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// A StageStanding tells how far a stage has come.
type StageStanding struct {
	Stage    string `json:"stage"`
	Gen      int    `json:"generation,omitempty"` // that is being served
	Growing  int    `json:"growing,omitempty"`    // that a rebuild is making
	Position int64  `json:"position"`             // events read; for turns and actions: done
	End      int64  `json:"end"`                  // events there are; for turns and actions: done and waiting
	Lag      int64  `json:"lag"`                  // End - Position
	Nodes    int    `json:"nodes,omitempty"`      // that hold leases
}

// Stages returns the standing of every stage as of now.
func (s *Store) Stages(ctx context.Context, now time.Time) ([]StageStanding, error) {
	fold := StageStanding{Stage: signal.StageName}
	var err error
	if fold.Gen, fold.Growing, err = s.generation(ctx, s.db, signal.StageName); err != nil {
		return nil, err
	}
	turns := StageStanding{Stage: turn.StageName}
	actions := StageStanding{Stage: action.StageName}
	for _, q := range []struct {
		text string
		args []any
		into []any
	}{
		{`/* stages */ select coalesce(sum(n), 0), count(distinct case when node in (` + s.alive() + `) then node end) from cursor where stage = 'fold' and gen = $1`,
			[]any{fold.Gen}, []any{&fold.Position, &fold.Nodes}},
		{`/* stages */ select coalesce(sum(n), 0) from counter`, nil, []any{&fold.End}},
		{`/* stages */ select count(*), coalesce(sum(case when at <= $1 then 1 else 0 end), 0) from due`, []any{cairn.Micros(now)}, []any{&turns.End, &turns.Lag}},
		{`/* stages */ select count(*), coalesce(sum(case when state = 'planned' then 1 else 0 end), 0) from action`, nil, []any{&actions.End, &actions.Lag}},
	} {
		if err := s.db.QueryRowContext(ctx, q.text, q.args...).Scan(q.into...); err != nil {
			return nil, err
		}
	}
	fold.Lag = fold.End - fold.Position
	turns.Position, actions.Position = turns.End-turns.Lag, actions.End-actions.Lag
	return []StageStanding{fold, turns, actions}, nil
}

// Grow begins a new generation of the fold with what the settings tally beside
// names, or returns the one that an interrupted rebuild left growing. One that
// grew with other counters is given up.
func (s *Store) Grow(ctx context.Context, stage string) (gen int, err error) {
	want, err := countsOf(s.Settings().Counters())
	if err != nil {
		return 0, err
	}
	err = s.write(ctx, Turns, func(tx *Tx) error {
		if _, err := tx.ExecContext(ctx, `
			/* stages.Grow */
			insert into generation (stage, current, growing, counts, counting) values ($1, 1, 0, '[]', '[]') on conflict do nothing`, stage); err != nil {
			return err
		}
		res, err := tx.ExecContext(ctx, `
			/* stages.Grow */
			update generation set growing = case when growing = 0 then current else growing end + 1, counting = $2
			where stage = $1 and (growing = 0 or counting <> $2)`, stage, want)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n > 0 { // it begins with what the log lost
			if _, err := tx.ExecContext(ctx, `
				/* stages.Grow */
				insert into volume (gen, slot, day, product, name, source, n, last)
				select g.growing, v.slot, v.day, v.product, v.name, v.source, v.n, v.last
				from volume v, generation g where v.gen = $2 and g.stage = $1`, stage, originGen); err != nil {
				return err
			}
		}
		if _, err := tx.ExecContext(ctx, `
			/* stages.Grow */
			delete from cursor where stage = $1 and gen not in (
				select current from generation where stage = $1 union all select growing from generation where stage = $1)`, stage); err != nil {
			return err
		}
		return tx.QueryRowContext(ctx, `
			/* stages.Grow */
			select growing from generation where stage = $1`, stage).Scan(&gen)
	})
	if err == nil {
		s.tell.add("settings") // nodes that work help
	}
	return gen, err
}

// Waiting returns how many accounts wait to be measured anew though nothing
// happened to them, and how many accounts there are.
func (s *Store) Waiting(ctx context.Context) (quiet, all int64, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* stages.Waiting */
		select coalesce(sum(case when at = 0 and quiet = 1 then 1 else 0 end), 0), count(*) from due`).Scan(&quiet, &all)
	return quiet, all, err
}

// Grown returns how many events the growing generation has read, of how many;
// of is 0 when none grows.
func (s *Store) Grown(ctx context.Context) (done, of int64, err error) {
	_, growing, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil || growing == 0 {
		return 0, 0, err
	}
	err = s.db.QueryRowContext(ctx, `
		/* stages.Grown */
		select (select coalesce(sum(n), 0) from cursor where stage = $1 and gen = $2), (select coalesce(sum(n), 0) from counter)`,
		signal.StageName, growing).Scan(&done, &of)
	return done, of, err
}

var errGivenUp = cairn.Errorf(cairn.Conflict, "This rebuild is over: another node came to its end, or a newer one took its place.")

// MeasureAll has every account measured again. Nothing is decided about it,
// except where a turn was due by now anyway.
func (s *Store) MeasureAll(ctx context.Context, now time.Time) error {
	err := s.write(ctx, Turns, func(tx *Tx) error { return s.measureAll(ctx, tx, now) })
	s.ring("due")
	return err
}

func (s *Store) measureAll(ctx context.Context, tx *Tx, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		/* stages.measureAll */
		update due set quiet = case when at <= $1 then quiet else 1 end, at = 0, since = $1, mark = mark + 1, version = version + 1`, cairn.Micros(now))
	return err
}

// Prune deletes what older generations left, a little at a time, and reports
// whether there is more. Generation 0 is the origin of all others and stays.
func (s *Store) Prune(ctx context.Context) (more bool, err error) {
	gen, growing, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return false, err
	}
	var some bool
	if err := s.db.QueryRowContext(ctx, `
		/* stages.Prune */
		select exists (select 1 from tally where gen > 0 and gen < $1 or gen > $1 and gen < $2)
			or exists (select 1 from volume where gen > 0 and gen < $1 or gen > $1 and gen < $2)`, gen, growing).Scan(&some); err != nil || !some {
		return false, err
	}
	err = s.write(ctx, Turns, func(tx *Tx) error {
		begun := time.Now()
		if _, err := tx.ExecContext(ctx, `
			/* stages.Prune */
			delete from volume where gen > 0 and gen <> $1 and gen <> $2`, gen, growing); err != nil {
			return err
		}
		// A stream is deleted in no time, or it has much: half of what the writer
		// may be held leaves room for the last one.
		for more = true; more && time.Since(begun) < Hold/2; {
			if more, err = pruneStream(ctx, tx, gen, growing); err != nil {
				return err
			}
		}
		return nil
	})
	return more, err
}

// pruneStream deletes what an older generation says of one stream, and reports
// whether there was any.
func pruneStream(ctx context.Context, tx *Tx, gen, growing int) (bool, error) {
	var stream cairn.StreamID
	var old int
	err := tx.QueryRowContext(ctx, `
		/* stages.pruneStream */
		select gen, stream from tally where gen > 0 and gen < $1 or gen > $1 and gen < $2 limit 1`, gen, growing).Scan(&old, &stream)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	_, err = tx.ExecContext(ctx, `
		/* stages.pruneStream */
		delete from tally where gen = $1 and stream = $2`, old, stream)
	return err == nil, err
}

// DumpFold writes every row of the fold's current generation in order, one a
// line: to compare a rebuild with what was there before.
func (s *Store) DumpFold(ctx context.Context) (string, error) {
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	rows, err := s.db.QueryContext(ctx, `
		/* stages.DumpFold */
		select stream, day, product, name, n, total, last, people from tally where gen = $1 order by stream, day, product, name`, gen)
	if err != nil {
		return "", err
	}
	defer rows.Close()
	for rows.Next() {
		var stream, people []byte
		var product, name string
		var day, n, total, last int64
		if err := rows.Scan(&stream, &day, &product, &name, &n, &total, &last, &people); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "tally %x %d %q %q %d %d %d %x\n", stream, day, product, name, n, total, last, people)
	}
	if err := rows.Err(); err != nil {
		return "", err
	}
	rows.Close()
	if err := s.dumpVolumes(ctx, gen, &b); err != nil {
		return "", err
	}
	lines, err := s.db.QueryContext(ctx, `
		/* stages.DumpFold */
		select stream, at, key from timeline order by stream, at, key`)
	if err != nil {
		return "", err
	}
	defer lines.Close()
	for lines.Next() {
		var stream []byte
		var at, key int64
		if err := lines.Scan(&stream, &at, &key); err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "timeline %x %d %d\n", stream, at, key)
	}
	return b.String(), lines.Err()
}
