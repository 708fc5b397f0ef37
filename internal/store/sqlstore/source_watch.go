package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"maps"
	"slices"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/signal"
)

// Breached adds to how often contracts were broken.
func (s *Store) Breached(ctx context.Context, breaches []ingest.Breach) error {
	n := len(breaches)
	hours, ns := make([]int64, n), make([]int64, n)
	sources, rules, fields, problems := make([]string, n), make([]string, n), make([]string, n), make([]string, n)
	for i, b := range breaches {
		hours[i], ns[i] = cairn.Micros(b.Hour), b.N
		sources[i], rules[i], fields[i], problems[i] = b.Source, b.Rule, b.Field, b.Problem
	}
	return s.write(ctx, Door, func(tx *Tx) error {
		return s.engine.Insert(ctx, tx, "breach", "on conflict (source, hour, rule, field, problem) do update set n = breach.n + excluded.n",
			Col{"source", sources}, Col{"hour", hours}, Col{"rule", rules}, Col{"field", fields}, Col{"problem", problems}, Col{"n", ns})
	})
}

// Breaches returns how often a contract was broken; see [ingest.Sources].
func (s *Store) Breaches(ctx context.Context, scope cairn.Scope, source string, from time.Time) ([]ingest.Breach, error) {
	var st statement
	st.add(`
		/* source_watch.Breaches */
		select source, hour, rule, field, problem, n from breach where source = ? and hour >= ? and `, source, cairn.Micros(from))
	st.whole(scope)
	st.add(` order by hour, rule, field, problem`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []ingest.Breach
	for rows.Next() {
		var b ingest.Breach
		var hour int64
		if err := rows.Scan(&b.Source, &hour, &b.Rule, &b.Field, &b.Problem, &b.N); err != nil {
			return nil, err
		}
		b.Hour = cairn.FromMicros(hour)
		out = append(out, b)
	}
	return out, rows.Err()
}

// Arrivals returns what a source sent in each hour; see [ingest.Sources].
func (s *Store) Arrivals(ctx context.Context, scope cairn.Scope, source string, from time.Time) ([]ingest.Arrival, error) {
	var st statement
	st.add(`
		/* source_watch.Arrivals */
		select source, hour, accepted, duplicate, late, rejected, last from arrival where source = ? and hour >= ? and `, source, cairn.Micros(from))
	st.whole(scope)
	st.add(` order by hour`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	var out []ingest.Arrival
	err = scanArrivals(rows, func(a ingest.Arrival) { out = append(out, a) })
	return out, err
}

// sampled is how many of the newest events of each partition are looked at.
const sampled = 400

// Sample returns some of the newest events of a source; see [ingest.Sources].
func (s *Store) Sample(ctx context.Context, scope cairn.Scope, source string, since time.Time) ([]cairn.Event, error) {
	if !scope.All {
		return nil, nil
	}
	var out []cairn.Event
	for p := range cairn.Partitions {
		rows, err := s.db.QueryContext(ctx, `
			/* source_watch.Sample */
			select `+eventColumns+` from event e
			where e.key in (select n.key from event n where n.key > $1 and n.key < $2 order by n.key desc limit $3)
				and e.source = $4 and e.seen >= $5`,
			cairn.Position{Part: p}.Key(), cairn.Position{Part: p + 1}.Key(), sampled, source, cairn.Micros(since))
		if err != nil {
			return nil, err
		}
		some, err := s.scanEvents(ctx, rows)
		if err != nil {
			return nil, err
		}
		out = append(out, some...)
	}
	return out, nil
}

// Watched returns all sources with when each was heard last; see
// [ingest.WatchStore].
func (s *Store) Watched(ctx context.Context) ([]ingest.Source, map[string]time.Time, error) {
	list, err := s.sourcesOf(ctx, cairn.Everything)
	if err != nil {
		return nil, nil, err
	}
	var out []ingest.Source
	heard := map[string]time.Time{}
	for _, sum := range list {
		var last int64
		err := s.db.QueryRowContext(ctx, `
			/* source_watch.Watched */
			select coalesce((select last from arrival where source = $1 order by hour desc limit 1), 0)`, sum.Source.Name).Scan(&last)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, sum.Source)
		heard[sum.Source.Name] = cairn.FromMicros(last)
	}
	return out, heard, nil
}

// Alarms returns what was wrong with sources; see [ingest.Alarms].
func (s *Store) Alarms(ctx context.Context, scope cairn.Scope, source string, after time.Time) ([]ingest.Alarm, error) {
	var st statement
	st.add(`
		/* source_watch.Alarms */
		select `+alarmColumns+` from alarm
		where (source = ? or ? = '') and (ended = 0 or ended > ?) and `, source, source, cairn.Micros(after))
	st.whole(scope)
	st.add(` order by began desc, id desc limit 1000`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	return scanAlarms(rows)
}

const alarmColumns = `id, source, kind, rule, heard, began, ended, stale, late, filled, why`

func scanAlarms(rows *sql.Rows) ([]ingest.Alarm, error) {
	defer rows.Close()
	var out []ingest.Alarm
	for rows.Next() {
		var a ingest.Alarm
		var heard, began, ended, filled int64
		if err := rows.Scan(&a.ID, &a.Source, &a.Kind, &a.Rule, &heard, &began, &ended, &a.Stale, &a.Late, &filled, &a.Why); err != nil {
			return nil, err
		}
		a.Heard, a.Began, a.Ended, a.Filled = cairn.FromMicros(heard), cairn.FromMicros(began), cairn.FromMicros(ended), cairn.FromMicros(filled)
		out = append(out, a)
	}
	return out, rows.Err()
}

// Filling returns silences that are being filled; see [ingest.WatchStore].
func (s *Store) Filling(ctx context.Context) ([]ingest.Alarm, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* source_watch.Filling */
		select `+alarmColumns+` from alarm where stale = 1 and ended > 0 and late > 0 and filled = 0 order by id`)
	if err != nil {
		return nil, err
	}
	return scanAlarms(rows)
}

// CommitWatch keeps alarms that began and ends others; see
// [ingest.WatchStore]. Of two nodes that raise the same alarm one does.
func (s *Store) CommitWatch(ctx context.Context, now time.Time, began, ended, filled []ingest.Alarm) error {
	due := false
	err := s.write(ctx, Turns, func(tx *Tx) error {
		due = false
		for _, a := range began {
			id, err := serial(ctx, tx, "alarm", 1)
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, `
				/* source_watch.CommitWatch */
				insert into alarm (id, source, kind, rule, heard, began, ended, stale, late, filled, why)
				values ($1, $2, $3, $4, $5, $6, 0, $7, 0, 0, $8) on conflict do nothing`,
				id, a.Source, string(a.Kind), a.Rule, cairn.Micros(a.Heard), cairn.Micros(a.Began), one(a.Stale), a.Why); err != nil {
				return err
			}
		}
		for _, a := range ended {
			if _, err := tx.ExecContext(ctx, `
				/* source_watch.CommitWatch */
				update alarm set ended = $2 where id = $1 and ended = 0`, a.ID, cairn.Micros(a.Ended)); err != nil {
				return err
			}
		}
		for _, a := range filled {
			if _, err := tx.ExecContext(ctx, `
				/* source_watch.CommitWatch */
				update alarm set filled = $2 where id = $1 and filled = 0`, a.ID, cairn.Micros(a.Filled)); err != nil {
				return err
			}
		}
		for i, a := range slices.Concat(filled, began, ended) {
			if !a.Stale {
				continue
			}
			due = true
			if err := measureFed(ctx, tx, a.Source, i < len(filled), now); err != nil {
				return err
			}
		}
		return pageChanged(ctx, tx)
	})
	if err != nil {
		return err
	}
	s.filling.forget()
	if due {
		s.ring("due")
	}
	s.ring("page")
	return nil
}

// measureFed lets all accounts that a source feeds be measured again; quietly
// unless something else is asked of them already.
func measureFed(ctx context.Context, tx *Tx, source string, quiet bool, now time.Time) error {
	_, err := tx.ExecContext(ctx, `
		/* source_watch.measureFed */
		update due set at = 0, mark = mark + 1, quiet = case when at <= $3 or $2 = 0 then quiet else 1 end
		where account in (
			select t.account from feed f join stream t on t.id = f.stream where f.source = $1 and t.account is not null)`,
		source, one(quiet), cairn.Micros(now))
	return err
}

// Silences returns the times in which sources cannot be measured by; see
// [turn.Silences].
func (s *Store) Silences(ctx context.Context, from, to time.Time) ([]signal.Silence, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* source_watch.Silences */
		select source, kind, heard, began, ended, filled from alarm
		where stale = 1 and began <= $2 and (ended = 0 or ended > $1) order by began, id`, cairn.Micros(from), cairn.Micros(to))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []signal.Silence
	for rows.Next() {
		var q signal.Silence
		var kind ingest.AlarmKind
		var heard, began, ended, filled int64
		if err := rows.Scan(&q.Source, &kind, &heard, &began, &ended, &filled); err != nil {
			return nil, err
		}
		q.Heard, q.From, q.To, q.Filled = cairn.FromMicros(heard), cairn.FromMicros(began), cairn.FromMicros(ended), cairn.FromMicros(filled)
		if kind == ingest.Untrusted {
			q.Says = "has not sent what was agreed since"
		}
		out = append(out, q)
	}
	return out, rows.Err()
}

// Feeds returns what sources feed accounts with; see [turn.Silences].
func (s *Store) Feeds(ctx context.Context, ids []cairn.AccountID, sources []string) (map[cairn.AccountID][]signal.Feed, error) {
	out := map[cairn.AccountID][]signal.Feed{}
	for len(ids) > 0 {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		var st statement
		st.add(`
			/* source_watch.Feeds */
			select t.account, f.source, f.kind, min(f.first) from stream t join feed f on f.stream = t.id where `)
		in(&st, "t.account", some)
		st.add(" and ")
		in(&st, "f.source", sources)
		st.add(" group by t.account, f.source, f.kind order by t.account, f.source, f.kind")
		rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id cairn.AccountID
			var f signal.Feed
			var first int64
			if err := rows.Scan(&id, &f.Source, &f.Kind, &first); err != nil {
				rows.Close()
				return nil, err
			}
			f.First = cairn.FromMicros(first)
			out[id] = append(out[id], f)
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// feedRow is what known remembers a feed by.
func feedRow(stream cairn.StreamID, f signal.Feed) knownRow {
	return knownRow{kind: 'f', a: stream.ID, source: f.Source, of: f.Kind}
}

// addFeeds keeps what feeds streams, once for each.
func (s *Store) addFeeds(ctx context.Context, tx *Tx, b signal.Beat) error {
	var streams [][]byte
	var sources, kinds []string
	var firsts []int64
	ids := slices.SortedFunc(maps.Keys(b.Streams), func(a, b cairn.StreamID) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, id := range ids {
		for _, f := range b.Streams[id].Feeds {
			if s.known.has(feedRow(id, f)) {
				continue
			}
			streams, sources = append(streams, bytesOf(id.ID)), append(sources, f.Source)
			kinds, firsts = append(kinds, string(f.Kind)), append(firsts, cairn.Micros(f.First))
		}
	}
	if len(streams) == 0 {
		return nil
	}
	return s.engine.Insert(ctx, tx, "feed", "on conflict do nothing",
		Col{"stream", streams}, Col{"source", sources}, Col{"kind", kinds}, Col{"first", firsts})
}

// feedsKept remembers what a beat has kept.
func (s *Store) feedsKept(b signal.Beat) {
	for id, d := range b.Streams {
		for _, f := range d.Feeds {
			if row := feedRow(id, f); !s.known.has(row) {
				s.known.add(row)
			}
		}
	}
}
