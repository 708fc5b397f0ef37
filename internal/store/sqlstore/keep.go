package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"cairn"
	"cairn/internal/keep"
	"cairn/internal/signal"
)

// Held returns what the log holds of usage: what ever happened without what
// was dropped; see [keep.Store].
func (s *Store) Held(ctx context.Context) ([]keep.Held, error) {
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return nil, err
	}
	rows, err := s.db.QueryContext(ctx, `
		/* keep.Held */
		select source, name, day, cast(sum(case when gen = $1 then n else -n end) as bigint) from volume where gen in ($1, $2)
		group by source, name, day having sum(case when gen = $1 then n else -n end) > 0 order by source, name, day`, gen, originGen)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []keep.Held
	for rows.Next() {
		var h keep.Held
		if err := rows.Scan(&h.Source, &h.Event, &h.Day, &h.N); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}

// Dropped returns what was dropped so far; see [keep.Store].
func (s *Store) Dropped(ctx context.Context) ([]signal.Dropped, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* keep.Dropped */
		select source, name, counted, n, bytes, first, last, at from dropped order by source, name, counted`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []signal.Dropped
	for rows.Next() {
		var d signal.Dropped
		var counted string
		var first, last, at int64
		if err := rows.Scan(&d.Source, &d.Name, &counted, &d.N, &d.Bytes, &first, &last, &at); err != nil {
			return nil, err
		}
		d.First, d.Last, d.At = cairn.FromMicros(first), cairn.FromMicros(last), cairn.FromMicros(at)
		if err := json.Unmarshal([]byte(counted), &d.Counted); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// Drop drops what a sweep finds next; see [keep.Store].
func (s *Store) Drop(ctx context.Context, sweep keep.Sweep, most int) (keep.Swept, error) {
	out := keep.Swept{Place: sweep.Place}
	if !s.leads() {
		out.Done = true
		return out, nil
	}
	gen, growing, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return out, err
	}
	behind, err := s.Behind(ctx)
	if err != nil {
		return out, err
	}
	if growing > 0 || behind {
		out.Waits = true
		return out, nil
	}
	turn, err := s.serialOf(ctx, droppedSerial)
	if err != nil {
		return out, err
	}
	folded, err := s.Folded(ctx)
	if err != nil {
		return out, err
	}
	var read []signal.Move
	for p, n := range folded {
		read = append(read, signal.Move{Cursor: signal.Cursor{Part: p}, To: n})
	}
	found, weights, err := s.past(ctx, sweep, most, folded, &out)
	if err != nil || len(found) == 0 {
		return out, err
	}
	counters, err := s.Counters(ctx, gen)
	if err != nil {
		return out, err
	}
	b := signal.Batch(originGen, found, s.Settings(), counters)
	rows, err := s.foldRows(ctx, b)
	if err != nil {
		return out, err
	}
	told, err := droppedRows(found, weights, counters, sweep.At)
	if err != nil {
		return out, err
	}
	err = s.write(ctx, Turns, func(tx *Tx) error {
		start := time.Now()
		defer func() { out.Held = time.Since(start) }()
		if err := s.mayDrop(ctx, tx, gen, turn); err != nil {
			return err
		}
		return s.drop(ctx, tx, b, rows, found, told)
	})
	if err != nil {
		return out, err
	}
	out.Dropped = len(found)
	s.tail.drop(read) // a rebuild would find there what is gone
	return out, nil
}

// droppedSerial grows with every transaction that drops: whoever worked out
// what to drop before another one did has to begin again.
const droppedSerial = "dropped"

func (s *Store) serialOf(ctx context.Context, name string) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* keep.serialOf */
		select n from serial where name = $1`, name).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// mayDrop keeps rebuilds from beginning before the transaction ends, and
// refuses when one has begun or somebody else dropped something meanwhile.
func (s *Store) mayDrop(ctx context.Context, tx *Tx, gen int, turn int64) error {
	if _, err := tx.ExecContext(ctx, `
		/* keep.mayDrop */
		insert into generation (stage, current, growing, counts, counting) values ($1, 1, 0, '[]', '[]') on conflict do nothing`, signal.StageName); err != nil {
		return err
	}
	var current, growing int
	if err := tx.QueryRowContext(ctx, `
		/* keep.mayDrop */
		select current, growing from generation where stage = $1`+s.engine.Share(), signal.StageName).Scan(&current, &growing); err != nil {
		return err
	}
	if current != gen || growing != 0 {
		return cairn.Errorf(cairn.Conflict, "History is being counted anew; nothing is dropped meanwhile.")
	}
	if _, err := tx.ExecContext(ctx, `
		/* keep.mayDrop */
		insert into serial (name, n) values ($1, 0) on conflict do nothing`, droppedSerial); err != nil {
		return err
	}
	res, err := tx.ExecContext(ctx, `
		/* keep.mayDrop */
		update serial set n = n + 1 where name = $1 and n = $2`, droppedSerial, turn)
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil {
		return err
	} else if n == 0 {
		return cairn.Errorf(cairn.Conflict, "Another node drops events at the same time.")
	}
	return nil
}

// drop writes down what the events came to, and deletes them.
func (s *Store) drop(ctx context.Context, tx *Tx, b signal.Beat, rows *foldRows, found []cairn.Event, told []foldInsert) error {
	for _, insert := range append([]foldInsert{rows.people, rows.tallies}, told...) {
		if insert.cols[0].Len() == 0 {
			continue
		}
		if err := s.engine.Insert(ctx, tx, insert.table, insert.tail, insert.cols...); err != nil {
			return err
		}
	}
	if err := s.addVolumes(ctx, tx, b); err != nil {
		return err
	}
	for _, e := range found {
		if _, err := tx.ExecContext(ctx, `
			/* keep.drop */
			delete from timeline where stream = $1 and at = $2 and key = $3`, e.Stream, cairn.Micros(e.At), e.Pos.Key()); err != nil {
			return err
		}
	}
	gone := int64(0)
	for in := range inChunks(found, func(e cairn.Event) any { return e.Pos.Key() }) {
		res, err := tx.ExecContext(ctx, `
			/* keep.drop */
			delete from event where key in (`+in.marks(1)+`)`, in.args...)
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return err
		}
		gone += n
	}
	if int(gone) != len(found) {
		return cairn.Errorf(cairn.Conflict, "Some of these events were dropped meanwhile.")
	}
	return nil
}

// past returns events that are past their end, from where the sweep has come
// to, and notes in out how far it looked.
func (s *Store) past(ctx context.Context, sweep keep.Sweep, most int, read [cairn.Partitions]int64, out *keep.Swept) (found []cairn.Event, weights []int64, err error) {
	streams, err := s.streamsFrom(ctx, sweep.Place)
	if err != nil {
		return nil, nil, err
	}
	for _, id := range streams {
		if id != out.Stream {
			out.Place = keep.Place{Stream: id, At: math.MinInt64}
		}
		events, sizes, err := s.usageOf(ctx, sweep, out.Place, most-out.Looked)
		if err != nil {
			return nil, nil, err
		}
		for i, e := range events {
			if e.Pos.N <= read[e.Pos.Part] && e.At.Before(sweep.Before(e.Source, signal.Tracked(e.Name))) {
				found, weights = append(found, e), append(weights, sizes[i])
			}
		}
		if out.Looked += len(events); out.Looked == most {
			last := events[len(events)-1]
			out.At, out.Key = cairn.Micros(last.At), last.Pos.Key()
			return found, weights, nil
		}
		out.Past = true
	}
	out.Done = len(streams) < streamsAtOnce
	return found, weights, nil
}

// streamsAtOnce is how many streams one step looks at.
const streamsAtOnce = 256

// streamsFrom returns the next streams from a place on.
func (s *Store) streamsFrom(ctx context.Context, p keep.Place) ([]cairn.StreamID, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* keep.streamsFrom */
		select id from stream where id > $1 or id = $1 and $2 = 0 order by id limit $3`, p.Stream.ID[:], one(p.Past), streamsAtOnce)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []cairn.StreamID
	for rows.Next() {
		var id cairn.StreamID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// usageOf returns a stream's usage events within a sweep, after a place in it,
// with about how many bytes each takes.
func (s *Store) usageOf(ctx context.Context, sweep keep.Sweep, p keep.Place, most int) ([]cairn.Event, []int64, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* keep.usageOf */
		select `+eventColumns+` from timeline t cross join event e
		where t.stream = $1 and t.at >= $2 and t.at < $3 and (t.at > $4 or t.at = $4 and t.key > $5)
			and e.key = t.key and e.kind = 'track' order by t.at, t.key limit $6`,
		p.Stream, cairn.Micros(sweep.From), cairn.Micros(sweep.To), p.At, p.Key, most)
	if err != nil {
		return nil, nil, err
	}
	events, sealed, err := readEvents(rows)
	if err != nil {
		return nil, nil, err
	}
	sizes := make([]int64, len(events))
	for i := range events {
		sizes[i] = rowBytes(&events[i], len(sealed[i]))
	}
	return events, sizes, nil
}

// rowBytes is about how much room an event and its line in the timeline's
// index take: what its texts hold, the ids, numbers and headers of both rows,
// and the free part of pages.
func rowBytes(e *cairn.Event, sealed int) int64 {
	n := len(e.Kind) + len(e.Name) + len(e.Source) + len(e.Product) + len(e.Keys.Account) + len(e.Keys.Record) + len(e.Props) + sealed
	for _, id := range []cairn.ID{e.ID.ID, e.Stream.ID, e.Account.ID, e.Person.ID, e.Anon.ID, e.Record.ID} {
		if !id.IsZero() {
			n += len(id)
		}
	}
	const fixed = 70 + 40 // of the event, of its line
	return int64(float64(n+fixed) * 1.2)
}

// droppedRows are the rows that tell what was dropped and where the log has
// gaps.
func droppedRows(found []cairn.Event, weights []int64, counters *signal.Counters, at time.Time) ([]foldInsert, error) {
	type key struct{ source, name, counted string }
	by, keys := map[key]*signal.Dropped{}, []key{}
	var gone, upto [cairn.Partitions]int64
	for i := range found {
		e := &found[i]
		counted, err := json.Marshal(append([]string{}, counters.Of(e.Name)...))
		if err != nil {
			return nil, err
		}
		k := key{e.Source, signal.Tracked(e.Name), string(counted)}
		d := by[k]
		if d == nil {
			d = &signal.Dropped{First: e.At, Last: e.At}
			by[k], keys = d, append(keys, k)
		}
		d.N, d.Bytes = d.N+1, d.Bytes+weights[i]
		if e.At.Before(d.First) {
			d.First = e.At
		}
		if e.At.After(d.Last) {
			d.Last = e.At
		}
		gone[e.Pos.Part]++
		upto[e.Pos.Part] = max(upto[e.Pos.Part], e.Pos.N)
	}
	slices.SortFunc(keys, func(a, b key) int {
		return slices.Compare([]string{a.source, a.name, a.counted}, []string{b.source, b.name, b.counted})
	})
	var sources, names, counteds []string
	var ns, bytes, firsts, lasts, ats []int64
	for _, k := range keys {
		d := by[k]
		sources, names, counteds = append(sources, k.source), append(names, k.name), append(counteds, k.counted)
		ns, bytes = append(ns, d.N), append(bytes, d.Bytes)
		firsts, lasts, ats = append(firsts, cairn.Micros(d.First)), append(lasts, cairn.Micros(d.Last)), append(ats, cairn.Micros(at))
	}
	var parts, partNs, uptos []int64
	for p := range gone {
		if gone[p] > 0 {
			parts, partNs, uptos = append(parts, int64(p)), append(partNs, gone[p]), append(uptos, upto[p])
		}
	}
	return []foldInsert{
		{"dropped", `on conflict (source, name, counted) do update set n = dropped.n + excluded.n, bytes = dropped.bytes + excluded.bytes,
			first = case when excluded.first < dropped.first then excluded.first else dropped.first end,
			last = case when excluded.last > dropped.last then excluded.last else dropped.last end, at = excluded.at`,
			[]Col{{"source", sources}, {"name", names}, {"counted", counteds}, {"n", ns}, {"bytes", bytes}, {"first", firsts}, {"last", lasts}, {"at", ats}}},
		{"dropped_part", `on conflict (part) do update set n = dropped_part.n + excluded.n,
			upto = case when excluded.upto > dropped_part.upto then excluded.upto else dropped_part.upto end`,
			[]Col{{"part", parts}, {"n", partNs}, {"upto", uptos}}},
	}, nil
}

// sampledWeights is how many of the oldest and of the newest events of each
// partition are looked at to tell what an event weighs.
const sampledWeights = 30

// Weights returns about how many bytes an event takes; see [keep.Store].
func (s *Store) Weights(ctx context.Context) (map[keep.Key]float64, error) {
	sum, n := map[keep.Key]int64{}, map[keep.Key]int64{}
	for p := range cairn.Partitions {
		for _, order := range []string{"", " desc"} {
			rows, err := s.db.QueryContext(ctx, `
				/* keep.Weights */
				select `+eventColumns+` from event e where e.key > $1 and e.key < $2 order by e.key`+order+` limit $3`,
				cairn.Position{Part: p}.Key(), cairn.Position{Part: p + 1}.Key(), sampledWeights)
			if err != nil {
				return nil, err
			}
			events, sealed, err := readEvents(rows)
			if err != nil {
				return nil, err
			}
			for i := range events {
				e := &events[i]
				if e.Kind != cairn.Track {
					continue
				}
				w := rowBytes(e, len(sealed[i]))
				for _, k := range []keep.Key{{}, {Source: e.Source, Event: signal.Tracked(e.Name)}} {
					sum[k] += w
					n[k]++
				}
			}
		}
	}
	out := map[keep.Key]float64{}
	for k := range sum {
		out[k] = float64(sum[k]) / float64(n[k])
	}
	return out, nil
}

// addDropped adds to a day up to t what was dropped of it: where all that a
// tally tells was over by then. The rest counts from the end of its day on.
func (s *Store) addDropped(ctx context.Context, day *signal.State, id cairn.AccountID, t time.Time) error {
	some, err := s.anyDropped(ctx)
	if err != nil || !some {
		return err
	}
	was := signal.NewState(day.Zone)
	was.Window = cairn.DayOf(t, day.Zone)
	streams, err := s.streams(ctx, id, was)
	if err != nil {
		return err
	}
	if err := s.addTallies(ctx, was, streams, originGen, id, was.Window); err != nil {
		return err
	}
	maps.DeleteFunc(was.Tallies, func(_ signal.Key, y *signal.Tally) bool { return y.Last.After(t) })
	was.Window = 0 // it is of one day, and says nothing about the others
	day.Merge(was)
	return nil
}

// anyDropped reports whether the log has gaps.
func (s *Store) anyDropped(ctx context.Context) (some bool, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* keep.anyDropped */
		select exists (select 1 from dropped_part)`).Scan(&some)
	return some, err
}

// addCounted adds to st what its counters told of events that were dropped
// from a day on.
func (s *Store) addCounted(ctx context.Context, st *signal.State, id cairn.AccountID, from, to cairn.Day) error {
	was := signal.NewState(st.Zone)
	was.Window = from
	streams, err := s.streams(ctx, id, was)
	if err != nil {
		return err
	}
	if err := s.addTallies(ctx, was, streams, originGen, id, to); err != nil {
		return err
	}
	maps.DeleteFunc(was.Tallies, func(k signal.Key, _ *signal.Tally) bool { return !st.Counters.Has(k.Name) })
	was.Window = 0
	st.Merge(was)
	return nil
}

// Disk tells how much room there is; see [keep.Store].
func (s *Store) Disk(ctx context.Context) (keep.Disk, error) { return s.engine.Room(ctx, s.db.DB) }

// Leads reports whether this node is the one that does what one is enough for.
func (s *Store) Leads() bool { return s.leads() }
