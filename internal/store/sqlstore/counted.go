package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// counters remembers what generations tally beside names, which never changes
// within one.
type counters struct {
	mu sync.Mutex
	by map[int]*signal.Counters
}

func (c *counters) of(gen int) (*signal.Counters, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	made, ok := c.by[gen]
	return made, ok
}

func (c *counters) keep(gen int, made *signal.Counters) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.by == nil || len(c.by) > 16 {
		c.by = map[int]*signal.Counters{}
	}
	c.by[gen] = made
}

// Counters returns what a generation of the fold tallies beside names; see
// [signal.FoldStore].
func (s *Store) Counters(ctx context.Context, gen int) (*signal.Counters, error) {
	if made, ok := s.counters.of(gen); ok {
		return made, nil
	}
	var body string
	err := s.db.QueryRowContext(ctx, `
		/* counted.Counters */
		select case when current = $2 then counts else counting end from generation
		where stage = $1 and (current = $2 or growing = $2)`, signal.StageName, gen).Scan(&body)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, err
	}
	var list []signal.Counter
	if err == nil {
		if err := json.Unmarshal([]byte(body), &list); err != nil {
			return nil, err
		}
	}
	dropped, derr := s.Dropped(ctx)
	if derr != nil {
		return nil, derr
	}
	// What is dropped from now on is counted by these, so this stays true.
	made := signal.Prepare(list).Since(dropped, s.zone())
	if err == nil {
		s.counters.keep(gen, made)
	}
	return made, nil
}

// Behind reports whether the current generation lacks something that the
// settings tally beside names, or another is growing: whether there is a
// rebuild to begin or to go on with.
func (s *Store) Behind(ctx context.Context) (bool, error) {
	gen, growing, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil || growing > 0 {
		return growing > 0, err
	}
	have, err := s.Counters(ctx, gen)
	if err != nil {
		return false, err
	}
	for _, c := range s.Settings().Counters() {
		if !have.Has(c.Key()) {
			return true, nil
		}
	}
	return false, nil
}

// countsOf writes counters so that the same ones are the same text.
func countsOf(list []signal.Counter) (string, error) {
	slices.SortFunc(list, func(a, b signal.Counter) int { return cmp.Compare(a.Key(), b.Key()) })
	list = slices.CompactFunc(list, func(a, b signal.Counter) bool { return a.Key() == b.Key() })
	if len(list) == 0 {
		return "[]", nil
	}
	b, err := json.Marshal(list)
	return string(b), err
}

// addVolumes counts a beat over all streams.
func (s *Store) addVolumes(ctx context.Context, tx *Tx, b signal.Beat) error {
	keys := make([]signal.VolumeKey, 0, len(b.Volumes))
	for k := range b.Volumes {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, func(a, b signal.VolumeKey) int {
		return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Source, b.Source))
	})
	n := len(keys)
	gens, slots, days, ns, lasts := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	products, names, sources := make([]string, n), make([]string, n), make([]string, n)
	for i, k := range keys {
		v := b.Volumes[k]
		gens[i], slots[i], days[i], products[i], names[i], sources[i] = int64(b.Gen), int64(b.Slot), int64(k.Day), k.Product, k.Name, k.Source
		ns[i], lasts[i] = v.N, cairn.Micros(v.Last)
	}
	return s.engine.Insert(ctx, tx, "volume", `on conflict (gen, slot, day, product, name, source) do update set
		n = volume.n + excluded.n, last = case when excluded.last > volume.last then excluded.last else volume.last end`,
		Col{"gen", gens}, Col{"slot", slots}, Col{"day", days}, Col{"product", products}, Col{"name", names}, Col{"source", sources},
		Col{"n", ns}, Col{"last", lasts})
}

// Volumes returns what happened over all accounts from a day on, those of
// nobody included, by day, product, name and source.
func (s *Store) Volumes(ctx context.Context, from cairn.Day) (map[signal.VolumeKey]signal.Volume, error) {
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return nil, err
	}
	return s.volumes(ctx, `
		/* counted.Volumes */
		select day, product, name, source, sum(n), max(last) from volume where gen = $1 and day >= $2
		group by day, product, name, source`, gen, int64(from))
}

func (s *Store) volumes(ctx context.Context, query string, args ...any) (map[signal.VolumeKey]signal.Volume, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[signal.VolumeKey]signal.Volume{}
	for rows.Next() {
		var k signal.VolumeKey
		var v signal.Volume
		var last int64
		if err := rows.Scan(&k.Day, &k.Product, &k.Name, &k.Source, &v.N, &last); err != nil {
			return nil, err
		}
		v.Last = cairn.FromMicros(last)
		out[k] = v
	}
	return out, rows.Err()
}

func (s *Store) dumpVolumes(ctx context.Context, gen int, b *strings.Builder) error {
	rows, err := s.db.QueryContext(ctx, `
		/* counted.dumpVolumes */
		select day, product, name, source, sum(n), max(last) from volume where gen = $1
		group by day, product, name, source order by day, product, name, source`, gen)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var day, n, last int64
		var product, name, source string
		if err := rows.Scan(&day, &product, &name, &source, &n, &last); err != nil {
			return err
		}
		fmt.Fprintf(b, "volume %d %q %q %q %d %d\n", day, product, name, source, n, last)
	}
	return rows.Err()
}

// Usage calls f with what each of some accounts did from one day to another,
// its streams merged so that a person counts once in it, in the order of the
// accounts. The state holds tallies and no facts.
func (s *Store) Usage(ctx context.Context, ids []cairn.AccountID, from, to cairn.Day, f func(cairn.AccountID, *signal.State) error) error {
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return err
	}
	for _, id := range ids {
		st := signal.NewState(s.zone())
		st.Window = from
		streams, err := s.streams(ctx, id, st)
		if err != nil {
			return err
		}
		if len(streams) == 0 {
			continue
		}
		if err := s.addTallies(ctx, st, streams, gen, id, to); err != nil {
			return err
		}
		if err := f(id, st); err != nil {
			return err
		}
	}
	return nil
}

// AccountIDs returns all accounts, in order of their ids.
func (s *Store) AccountIDs(ctx context.Context) ([]cairn.AccountID, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* counted.AccountIDs */
		select id from account order by id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []cairn.AccountID
	for rows.Next() {
		var id cairn.AccountID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// VolumesEver returns what ever happened over all accounts, by product, name
// and source; Day is that of the first.
func (s *Store) VolumesEver(ctx context.Context) (map[signal.VolumeKey]signal.Volume, error) {
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return nil, err
	}
	return s.volumes(ctx, `
		/* counted.VolumesEver */
		select min(day), product, name, source, sum(n), max(last) from volume where gen = $1
		group by product, name, source`, gen)
}

// Recount folds the newest events of an account's track events in (from, to]
// again, at most so many, with counters that are not kept: to try a definition
// before it is saved. It reports false when there were more. Of what was
// dropped there is what the same counters told when it was.
func (s *Store) Recount(ctx context.Context, id cairn.AccountID, from, to time.Time, counters *signal.Counters, limit int) (*signal.State, bool, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* counted.Recount */
		select `+eventColumns+` from stream s
		cross join timeline t cross join event e -- crossed: SQLite would go through the whole timeline
		where s.account = $1 and t.stream = s.id and t.at > $2 and t.at <= $3
			and e.key = t.key and e.kind = 'track' order by t.at desc limit $4`,
		id, cairn.Micros(from), cairn.Micros(to), limit+1)
	if err != nil {
		return nil, false, err
	}
	events, err := s.scanEvents(ctx, rows)
	if err != nil {
		return nil, false, err
	}
	dropped, err := s.Dropped(ctx)
	if err != nil {
		return nil, false, err
	}
	st := signal.NewState(s.zone())
	st.Counters = counters.Since(dropped, st.Zone)
	for _, e := range events[:min(limit, len(events))] {
		st.Fold(e)
	}
	if len(dropped) > 0 {
		err = s.addCounted(ctx, st, id, cairn.DayOf(from, st.Zone), cairn.DayOf(to, st.Zone))
	}
	return st, len(events) <= limit, err
}
