package sqlstore

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/ingest"
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
