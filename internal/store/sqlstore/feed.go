package sqlstore

import (
	"context"
	"slices"
	"time"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/signal"
)

const (
	feedWindow = 20_000      // positions that one statement looks through
	feedTime   = time.Second // after which a page that is still empty is handed out
)

// Feed returns events after a cursor; see [event.Feed]. What belongs to nobody
// is in it, so only a scope of everything sees it.
func (s *Store) Feed(ctx context.Context, scope cairn.Scope, q event.FeedQuery) (event.FeedPage, error) {
	page := event.FeedPage{Cursor: q.After}
	ends, err := s.Ends(ctx)
	if err != nil || !scope.All {
		return page, err
	}
	most, begun := limit(q.Limit, 1000, 10_000), time.Now()
	wanted, err := s.feedPartitions(ctx, q)
	if err != nil {
		return page, err
	}
	gaps, err := s.gaps(ctx, q)
	if err != nil {
		return page, err
	}
	for len(page.Events) < most {
		ahead := feedAhead(page.Cursor, ends, wanted)
		if len(ahead) == 0 {
			break
		}
		// Each partition gets its share, or one that is busy would hold up the others.
		share := max((most-len(page.Events))/len(ahead), 1)
		for _, p := range ahead {
			if len(page.Events) == most || time.Since(begun) > feedTime {
				break
			}
			n := min(share, most-len(page.Events))
			to := min(ends[p], page.Cursor[p]+max(feedWindow, int64(n)))
			events, err := s.feedPart(ctx, q, p, page.Cursor[p], to, n)
			if err != nil {
				return page, err
			}
			for _, e := range events {
				page.Events = append(page.Events, event.Fed{Event: e})
			}
			from := page.Cursor[p]
			if page.Cursor[p] = to; len(events) == n {
				page.Cursor[p] = events[n-1].Pos.N
			}
			if from < gaps[p] {
				there, err := s.between(ctx, p, from, page.Cursor[p])
				if err != nil {
					return page, err
				}
				page.Dropped += page.Cursor[p] - from - there
			}
		}
		if time.Since(begun) > feedTime {
			break
		}
	}
	page.More = len(feedAhead(page.Cursor, ends, wanted)) > 0
	return page, s.feedOwners(ctx, page.Events)
}

// gaps returns up to where each partition has gaps in which something may have
// been that is asked for.
func (s *Store) gaps(ctx context.Context, q event.FeedQuery) (upto [cairn.Partitions]int64, _ error) {
	if q.Kind != "" && q.Kind != cairn.Track {
		return upto, nil
	}
	if q.Source != "" || q.Name != "" {
		dropped, err := s.Dropped(ctx)
		if err != nil || !slices.ContainsFunc(dropped, func(d signal.Dropped) bool {
			return (q.Source == "" || d.Source == q.Source) && (q.Name == "" || d.Name == signal.Tracked(q.Name))
		}) {
			return upto, err
		}
	}
	return ReadCounters(s.db.QueryContext(ctx, `
		/* feed.gaps */
		select part, upto from dropped_part`))
}

// between counts the events of a partition in (from, to].
func (s *Store) between(ctx context.Context, part int, from, to int64) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* feed.between */
		select count(*) from event where key > $1 and key <= $2`,
		cairn.Position{Part: part, N: from}.Key(), cairn.Position{Part: part, N: to}.Key()).Scan(&n)
	return n, err
}

// feedAhead returns the partitions in which there is something after c.
func feedAhead(c event.Cursor, ends, wanted [cairn.Partitions]int64) []int {
	var out []int
	for p := range ends {
		if ends[p] > c[p] && wanted[p] > 0 {
			out = append(out, p)
		}
	}
	return out
}

// feedPartitions marks the partitions that can hold what is asked for.
func (s *Store) feedPartitions(ctx context.Context, q event.FeedQuery) (wanted [cairn.Partitions]int64, _ error) {
	if q.Account.IsZero() {
		for p := range wanted {
			wanted[p] = 1
		}
		return wanted, nil
	}
	rows, err := s.db.QueryContext(ctx, `
		/* feed.feedPartitions */
		select id from stream where account = $1`, q.Account)
	if err != nil {
		return wanted, err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.StreamID
		if err := rows.Scan(&id); err != nil {
			return wanted, err
		}
		wanted[id.Partition()] = 1
	}
	return wanted, rows.Err()
}

// feedPart returns at most most events of a partition after position n and up
// to position to.
func (s *Store) feedPart(ctx context.Context, q event.FeedQuery, part int, n, to int64, most int) ([]cairn.Event, error) {
	var st statement
	st.add(`
		/* feed.feedPart */
		select `+eventColumns+` from event e where e.key > ? and e.key <= ?`,
		cairn.Position{Part: part, N: n}.Key(), cairn.Position{Part: part, N: to}.Key())
	if q.Source != "" {
		st.add(` and e.source = ?`, q.Source)
	}
	if q.Kind != "" {
		st.add(` and e.kind = ?`, string(q.Kind))
	}
	if q.Name != "" {
		st.add(` and e.name = ?`, q.Name)
	}
	if !q.Since.IsZero() {
		st.add(` and e.seen >= ?`, cairn.Micros(q.Since))
	}
	if !q.Account.IsZero() {
		st.add(` and e.stream in (select id from stream where account = ?)`, q.Account)
	}
	st.add(` order by e.key limit ?`, most)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	if q.Personal {
		return s.scanEvents(ctx, rows)
	}
	events, _, err := readEvents(rows)
	return events, err
}

// feedOwners sets whose each event is now.
func (s *Store) feedOwners(ctx context.Context, events []event.Fed) error {
	type owner struct {
		id  cairn.AccountID
		key string
	}
	owners := map[cairn.StreamID]owner{}
	var ids []cairn.StreamID
	for i := range events {
		if _, ok := owners[events[i].Stream]; !ok {
			owners[events[i].Stream] = owner{}
			ids = append(ids, events[i].Stream)
		}
	}
	for len(ids) > 0 {
		some := ids[:min(len(ids), atOnce)]
		ids = ids[len(some):]
		var st statement
		st.add(`
			/* feed.feedOwners */
			select t.id, a.id, a.key from stream t join account a on a.id = t.account where `)
		in(&st, "t.id", some)
		rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
		if err != nil {
			return err
		}
		for rows.Next() {
			var id cairn.StreamID
			var o owner
			if err := rows.Scan(&id, &o.id, &o.key); err != nil {
				rows.Close()
				return err
			}
			owners[id] = o
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
	}
	for i := range events {
		o := owners[events[i].Stream]
		events[i].Owner, events[i].OwnerKey = o.id, o.key
	}
	return nil
}

// Hear returns a bell as [Store.Bell] does, until it is let go.
func (s *Store) Hear(name string) (bell <-chan struct{}, let func()) {
	own := s.Bell(name)
	return own, func() {
		s.bells.mu.Lock()
		defer s.bells.mu.Unlock()
		list := s.bells.m[name]
		for i, c := range list {
			if c == own {
				s.bells.m[name] = append(list[:i:i], list[i+1:]...)
				return
			}
		}
	}
}
