package sqlstore

import (
	"context"
	"fmt"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// A state is loaded with the days that signals and the trail of levels look
// back on: 13 weeks of marks, and before the first of them two windows of 28
// days. What lies before counts as the last active day only.
const (
	windowDays = 2*28 + 2
	// Closed tickets and paid invoices are looked at for this long, and the
	// latest of each for ever: that there were any makes zero known.
	closedDays = 120
)

// State returns what is known of an account for measuring at moments from
// `from` to `to`. A moment within a day that is past sees of that day only
// what had happened by then.
func (s *Store) State(ctx context.Context, id cairn.AccountID, from, to time.Time) (*signal.State, error) {
	set := s.Settings()
	gen, _, err := s.generation(ctx, s.db, signal.StageName)
	if err != nil {
		return nil, err
	}
	st := signal.NewState(set.Zone)
	if st.Counters, err = s.Counters(ctx, gen); err != nil {
		return nil, err
	}
	if back := set.LookBack(); back > 0 {
		st.Window = max(cairn.DayOf(from, set.Zone)-cairn.Day(set.TrailDays())-max(windowDays, cairn.Day(back)), 0)
	}
	streams, err := s.streams(ctx, id, st)
	if err != nil || len(streams) == 0 {
		return st, err
	}
	last := cairn.DayOf(to, set.Zone)
	if err := s.addTallies(ctx, st, streams, gen, id, last); err != nil {
		return nil, err
	}
	if err := s.addFacts(ctx, st, id, from); err != nil {
		return nil, err
	}
	return st, s.addBefore(ctx, st, streams, gen, set.Counting(st, to))
}

// streams returns the streams of an account, its own first, and notes in st
// when the first event happened.
func (s *Store) streams(ctx context.Context, id cairn.AccountID, st *signal.State) ([]cairn.StreamID, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* state.streams */
		select id, first from stream where account = $1 order by case when kind = 'account' then 0 else 1 end, id`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []cairn.StreamID
	for rows.Next() {
		var sid cairn.StreamID
		var first int64
		if err := rows.Scan(&sid, &first); err != nil {
			return nil, err
		}
		out = append(out, sid)
		if at := cairn.FromMicros(first); st.First.IsZero() || at.Before(st.First) {
			st.First = at
		}
	}
	return out, rows.Err()
}

// addTallies reads the window's tallies of all streams and merges them.
func (s *Store) addTallies(ctx context.Context, st *signal.State, streams []cairn.StreamID, gen int, id cairn.AccountID, last cairn.Day) error {
	parts, err := s.streamPeople(ctx, st, id)
	if err != nil {
		return err
	}
	rows, err := s.db.QueryContext(ctx, `
		/* state.addTallies */
		select s.id, t.product, t.day, t.name, t.n, t.total, t.last, t.people
		from stream s cross join tally t -- crossed: SQLite would go through all tallies
		where s.account = $1 and t.gen = $2 and t.stream = s.id and t.day >= $3 and t.day <= $4`, id, gen, int64(st.Window), int64(last))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var sid cairn.StreamID
		var k signal.Key
		var n, total, at int64
		var people []byte
		if err := rows.Scan(&sid, &k.Product, &k.Day, &k.Name, &n, &total, &at, &people); err != nil {
			return err
		}
		part := parts[sid]
		if part == nil {
			part = signal.NewState(st.Zone)
			parts[sid] = part
		}
		t := signal.Tally{N: n, Sum: total, Last: cairn.FromMicros(at)}
		if t.People, err = bitmap(people); err != nil {
			return fmt.Errorf("tally %q of %v, stream %v: %w", k.Name, k.Day, sid, err)
		}
		part.Tallies[k] = &t
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for i, sid := range streams {
		part := parts[sid]
		switch {
		case part == nil:
		case i == 0 && !repeats(part.People):
			st.People, st.Tallies = part.People, part.Tallies
		default:
			st.Merge(part)
		}
	}
	return nil
}

// repeats reports whether somebody is known under two ids.
func repeats(people []cairn.PersonID) bool {
	seen := make(map[cairn.PersonID]struct{}, len(people))
	for _, p := range people {
		seen[p] = struct{}{}
	}
	return len(seen) < len(people)
}

// streamPeople returns for each stream of the account a state with its people.
func (s *Store) streamPeople(ctx context.Context, st *signal.State, id cairn.AccountID) (map[cairn.StreamID]*signal.State, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* state.streamPeople */
		select s.id, p.num, coalesce(i.root, p.person) from stream s join stream_person p on p.stream = s.id
		left join identity i on i.id = p.person
		where s.account = $1 order by s.id, p.num`, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	parts := map[cairn.StreamID]*signal.State{}
	for rows.Next() {
		var sid cairn.StreamID
		var num int
		var p cairn.PersonID
		if err := rows.Scan(&sid, &num, &p); err != nil {
			return nil, err
		}
		if parts[sid] == nil {
			parts[sid] = signal.NewState(st.Zone)
		}
		parts[sid].People = append(parts[sid].People, p)
	}
	return parts, rows.Err()
}

// addBefore notes the last active day before the window. Where there was
// activity by the first mark of the trail, nothing needs to know it.
func (s *Store) addBefore(ctx context.Context, st *signal.State, streams []cairn.StreamID, gen int, counts func(product, name string) bool) error {
	if st.Window == 0 {
		return nil
	}
	for k := range st.Tallies {
		if k.Day <= st.Window+windowDays && counts(k.Product, k.Name) {
			return nil
		}
	}
	for _, sid := range streams {
		day, err := s.lastUse(ctx, gen, sid, st.Window, counts)
		if err != nil {
			return err
		}
		st.Before = max(st.Before, day)
	}
	return nil
}

// lastUse returns the last day before a day on which something counted.
func (s *Store) lastUse(ctx context.Context, gen int, sid cairn.StreamID, before cairn.Day, counts func(product, name string) bool) (cairn.Day, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* state.lastUse */
		select day, product, name from tally where gen = $1 and stream = $2 and day < $3 order by day desc`, gen, sid, int64(before))
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var day cairn.Day
		var product, name string
		if err := rows.Scan(&day, &product, &name); err != nil {
			return 0, err
		}
		if counts(product, name) {
			return day, nil
		}
	}
	return 0, rows.Err()
}

// peopleIDs selects the ids of who is at account $1, with who each is now.
const peopleIDs = `
	select p.person as id, p.root from (
		select m.person, coalesce(i.root, m.person) as root from member m left join identity i on i.id = m.person
		where m.account in (select id from identity where holder = $1)) p
	union
	select g.id, g.root from identity g where g.what = 'person' and g.root in (
		select i.root from member m join identity i on i.id = m.person
		where m.account in (select id from identity where holder = $1))`

// addFacts reads the plain facts about the account's records that may still
// matter, and about the roles of its people.
func (s *Store) addFacts(ctx context.Context, st *signal.State, id cairn.AccountID, from time.Time) error {
	since := cairn.Micros(from.AddDate(0, 0, -s.Settings().TrailDays()-closedDays))
	rows, err := s.db.QueryContext(ctx, `
		/* state.addFacts */
		select f.kind, f.record, f.field, f.source, f.at, f.seen, f.event, f.value
		from record r join fact f on f.record = r.id
		where r.account = $1 and r.kind in ('account', 'contract', 'invoice', 'ticket', 'answer') and f.sealed is null
			and (r.kind in ('account', 'contract') or r.closed = 0 or r.last >= $2
				or r.id in (select id from record where account = $1 and kind = 'ticket' order by last desc limit 1)
				or r.id in (select id from record where account = $1 and kind = 'invoice' order by last desc limit 1))
		union all
		select f.kind, who.root, f.field, f.source, f.at, f.seen, f.event, f.value
		from (`+peopleIDs+`) who join fact f on f.record = who.id and f.field in ('role', 'opted_out')
		where f.sealed is null`, id, since)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var f cairn.Fact
		var at, seen int64
		var value string
		if err := rows.Scan(&f.Kind, &f.Record, &f.Field, &f.Source, &at, &seen, &f.Event, &value); err != nil {
			return err
		}
		f.At, f.Seen = cairn.FromMicros(at), cairn.FromMicros(seen)
		if value != "" {
			f.Value = []byte(value)
		}
		if f.Kind == cairn.OfAccount {
			f.Record = id.Record() // what is said under any of its ids is said of it
		}
		st.Facts = append(st.Facts, f)
	}
	return rows.Err()
}

// Today folds the raw events of one day up to t into a state that was loaded
// up to the day before, so that a moment within a past day is seen exactly.
func (s *Store) Today(ctx context.Context, id cairn.AccountID, st *signal.State, t time.Time) error {
	set := s.Settings()
	rows, err := s.db.QueryContext(ctx, `
		/* state.Today */
		select `+eventColumns+` from stream s
		cross join timeline t cross join event e -- crossed: SQLite would go through the whole timeline
		where s.account = $1 and t.stream = s.id and t.at >= $2 and t.at <= $3
			and e.key = t.key and e.kind in ('track', 'interaction')`,
		id, cairn.Micros(cairn.DayOf(t, set.Zone).Start(set.Zone)), cairn.Micros(t))
	if err != nil {
		return err
	}
	events, err := s.scanEvents(ctx, rows)
	if err != nil {
		return err
	}
	day := signal.NewState(set.Zone)
	day.Counters = st.Counters
	for _, e := range events {
		day.Fold(e)
	}
	if err := s.addDropped(ctx, day, id, t); err != nil {
		return err
	}
	first := st.First
	st.Merge(day)
	st.First = first
	return nil
}

// StreamCount returns how many streams an account consists of.
func (s *Store) StreamCount(ctx context.Context, id cairn.AccountID) (n int, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* state.StreamCount */
		select count(*) from stream where account = $1`, id).Scan(&n)
	return n, err
}
