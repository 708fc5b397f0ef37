package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
	"cairn/internal/signal"
)

// foldRows are the rows that a beat writes, in the order of their keys.
type foldRows struct {
	streams  []cairn.StreamID
	timeline foldInsert
	people   foldInsert
	tallies  foldInsert

	days    map[streamDay]map[signal.Key]*signal.Tally // to be remembered after the commit
	asked   map[streamDay]bool                         // of days: not remembered from before
	numbers map[cairn.StreamID]map[cairn.PersonID]uint32
}

type foldInsert struct {
	table, tail string
	cols        []Col
}

// foldRows works out the rows of a beat from those that there are.
func (s *Store) foldRows(ctx context.Context, b signal.Beat) (*foldRows, error) {
	r := &foldRows{
		timeline: timelineRows(b),
		days:     map[streamDay]map[signal.Key]*signal.Tally{},
		asked:    map[streamDay]bool{},
		numbers:  map[cairn.StreamID]map[cairn.PersonID]uint32{},
	}
	for id := range b.Streams {
		r.streams = append(r.streams, id)
	}
	slices.SortFunc(r.streams, func(a, b cairn.StreamID) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	if err := s.numberPeople(ctx, b, r); err != nil {
		return nil, err
	}
	if err := s.recall(ctx, b, r); err != nil {
		return nil, err
	}
	return r, r.add(b)
}

// timelineRows are the lines of a beat's events. Another generation's beat may
// have written them.
func timelineRows(b signal.Beat) foldInsert {
	slices.SortFunc(b.Events, func(x, y signal.Entry) int {
		return cmp.Or(bytes.Compare(x.Stream.ID[:], y.Stream.ID[:]), x.At.Compare(y.At), cmp.Compare(x.Pos.Key(), y.Pos.Key()))
	})
	n := len(b.Events)
	ats, keys, streams := make([]int64, n), make([]int64, n), make([][]byte, n)
	for i := range b.Events {
		e := &b.Events[i]
		ats[i], keys[i], streams[i] = cairn.Micros(e.At), e.Pos.Key(), e.Stream.ID[:]
	}
	return foldInsert{"timeline", "on conflict do nothing", []Col{{"stream", streams}, {"at", ats}, {"key", keys}}}
}

// numberPeople finds the number of each person within the streams; people who
// are new there get the next ones. Numbers are given once and outlive rebuilds.
func (s *Store) numberPeople(ctx context.Context, b signal.Beat, r *foldRows) error {
	var streams, people [][]byte
	var nums []int64
	for _, id := range r.streams {
		var ask []cairn.PersonID
		known := map[cairn.PersonID]uint32{}
		for _, p := range b.Streams[id].State.People {
			if n, ok := s.memory.number(id, p); ok {
				known[p] = n
			} else {
				ask = append(ask, p)
			}
		}
		r.numbers[id] = known
		if len(ask) == 0 {
			continue
		}
		have, next, err := s.numbersOf(ctx, id, ask)
		if err != nil {
			return err
		}
		for _, p := range ask {
			n, ok := have[p]
			if !ok {
				n = next
				next++
				streams, people, nums = append(streams, id.ID[:]), append(people, p.ID[:]), append(nums, int64(n))
			}
			known[p] = n
		}
	}
	r.people = foldInsert{"stream_person", "", []Col{{"stream", streams}, {"num", nums}, {"person", people}}}
	return nil
}

// numbersOf returns the numbers that people have within a stream, and the
// number that comes next.
func (s *Store) numbersOf(ctx context.Context, stream cairn.StreamID, people []cairn.PersonID) (map[cairn.PersonID]uint32, uint32, error) {
	var last sql.NullInt64
	if err := s.db.QueryRowContext(ctx, `
		/* fold.numbersOf */
		select max(num) from stream_person where stream = $1`, stream).Scan(&last); err != nil {
		return nil, 0, err
	}
	if !last.Valid {
		return nil, 0, nil
	}
	out := map[cairn.PersonID]uint32{}
	for in := range inChunks(people, func(p cairn.PersonID) any { return p }) {
		rows, err := s.db.QueryContext(ctx, `
			/* fold.numbersOf */
			select person, num from stream_person where stream = $1 and person in (`+in.marks(2)+`)`, append([]any{stream}, in.args...)...)
		if err != nil {
			return nil, 0, err
		}
		for rows.Next() {
			var p cairn.PersonID
			var n uint32
			if err := rows.Scan(&p, &n); err != nil {
				rows.Close()
				return nil, 0, err
			}
			out[p] = n
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, 0, err
		}
	}
	return out, uint32(last.Int64) + 1, nil
}

// recall finds the tallies that there are on the days that the beat counts.
func (s *Store) recall(ctx context.Context, b signal.Beat, r *foldRows) error {
	cold := map[cairn.Day][]cairn.StreamID{}
	for _, id := range r.streams {
		var ask []cairn.Day
		for k := range b.Streams[id].State.Tallies {
			sd := streamDay{b.Gen, id, k.Day}
			if r.days[sd] != nil {
				continue
			}
			have, ok, err := s.memory.day(sd)
			if err != nil {
				return err
			}
			if ok {
				r.days[sd] = have
				continue
			}
			r.days[sd], r.asked[sd] = map[signal.Key]*signal.Tally{}, true
			ask = append(ask, k.Day)
		}
		if len(ask) == 1 { // asked for together with other streams
			cold[ask[0]] = append(cold[ask[0]], id)
		} else if err := s.recallDays(ctx, b.Gen, id, ask, r); err != nil {
			return err
		}
	}
	for day, ids := range cold {
		for in := range inChunks(ids, func(id cairn.StreamID) any { return id }) {
			if err := r.have(s.db.QueryContext(ctx, `
				/* fold.recall */
				select gen, stream, product, day, name, n, total, last, people from tally
				where gen = $1 and day = $2 and stream in (`+in.marks(3)+`)`, append([]any{b.Gen, int64(day)}, in.args...)...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// recallDays reads the tallies of one stream on several days.
func (s *Store) recallDays(ctx context.Context, gen int, id cairn.StreamID, days []cairn.Day, r *foldRows) error {
	slices.Sort(days)
	for i := 0; i < len(days); {
		j := i + 1
		for j < len(days) && days[j]-days[j-1] < 8 {
			j++
		}
		if err := r.have(s.db.QueryContext(ctx, `
			/* fold.recallDays */
			select gen, stream, product, day, name, n, total, last, people from tally
			where gen = $1 and stream = $2 and day >= $3 and day <= $4`, gen, id, int64(days[i]), int64(days[j-1]))); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// have notes tallies that there are, of the days that were asked for.
func (r *foldRows) have(rows *sql.Rows, err error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var sd streamDay
		var k signal.Key
		var t signal.Tally
		var last int64
		var people []byte
		if err := rows.Scan(&sd.gen, &sd.stream, &k.Product, &k.Day, &k.Name, &t.N, &t.Sum, &last, &people); err != nil {
			return err
		}
		sd.day = k.Day
		if !r.asked[sd] {
			continue // a day between two that were asked for
		}
		t.Last = cairn.FromMicros(last)
		if t.People, err = bitmap(people); err != nil {
			return fmt.Errorf("tally %q of %v, stream %v: %w", k.Name, k.Day, sd.stream, err)
		}
		r.days[sd][k] = &t
	}
	return rows.Err()
}

// add counts the beat to what there was.
func (r *foldRows) add(b signal.Beat) error {
	rows := &tallyCols{}
	for _, id := range r.streams {
		delta := b.Streams[id].State
		keys := make([]signal.Key, 0, len(delta.Tallies))
		for k := range delta.Tallies {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b signal.Key) int {
			return cmp.Or(cmp.Compare(a.Day, b.Day), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Name, b.Name))
		})
		for _, k := range keys {
			have := r.days[streamDay{b.Gen, id, k.Day}]
			have[k] = r.sum(id, delta, have[k], delta.Tallies[k])
			if err := rows.add(b.Gen, id, k, have[k]); err != nil {
				return err
			}
		}
	}
	r.tallies = foldInsert{"tally", tallyOver, rows.cols()}
	return nil
}

// tallyOver writes tallies over those that there are.
const tallyOver = `on conflict (gen, stream, day, product, name) do update set
	n = excluded.n, total = excluded.total, last = excluded.last, people = excluded.people`

// sum returns a tally as it stands after t was added to was, which may be nil.
func (r *foldRows) sum(id cairn.StreamID, delta *signal.State, was, t *signal.Tally) *signal.Tally {
	sum := &signal.Tally{N: t.N, Sum: t.Sum, Last: t.Last}
	if was != nil {
		sum.N += was.N
		sum.Sum += was.Sum
		if was.Last.After(sum.Last) {
			sum.Last = was.Last
		}
		sum.People = was.People
	}
	if sum.People == nil {
		sum.People = roaring.New()
	}
	numbers, before := r.numbers[id], sum.People.GetCardinality()
	it := t.People.Iterator()
	for it.HasNext() {
		sum.People.Add(numbers[delta.People[it.Next()]])
	}
	if sum.People.GetCardinality() != before {
		sum.People.RunOptimize()
	}
	return sum
}

// remember keeps what was committed.
func (r *foldRows) remember(m *foldMemory) error {
	for sd, tallies := range r.days {
		kept := make([]keptTally, 0, len(tallies))
		for k, t := range tallies {
			people, err := t.People.ToBytes()
			if err != nil {
				return err
			}
			kept = append(kept, keptTally{k.Product, k.Name, t.N, t.Sum, cairn.Micros(t.Last), people})
		}
		m.keepDay(sd, kept)
	}
	for id, numbers := range r.numbers {
		for p, n := range numbers {
			m.keepNumber(id, p, n)
		}
	}
	return nil
}

// tallyCols are rows of tally, column by column.
type tallyCols struct {
	gens, days, ns, totals, lasts []int64
	streams, people               [][]byte
	products, names               []string
}

func (c *tallyCols) add(gen int, id cairn.StreamID, k signal.Key, t *signal.Tally) error {
	people, err := t.People.ToBytes()
	if err != nil {
		return err
	}
	c.row(gen, &signal.TallyRow{Stream: id, Key: k, N: t.N, Sum: t.Sum, Last: cairn.Micros(t.Last), People: people})
	return nil
}

func (c *tallyCols) row(gen int, r *signal.TallyRow) {
	c.gens, c.days, c.ns = append(c.gens, int64(gen)), append(c.days, int64(r.Day)), append(c.ns, r.N)
	c.totals, c.lasts = append(c.totals, r.Sum), append(c.lasts, r.Last)
	c.streams, c.people = append(c.streams, r.Stream.ID[:]), append(c.people, r.People)
	c.products, c.names = append(c.products, r.Product), append(c.names, r.Name)
}

func (c *tallyCols) cols() []Col {
	return []Col{{"gen", c.gens}, {"stream", c.streams}, {"product", c.products}, {"day", c.days}, {"name", c.names},
		{"n", c.ns}, {"total", c.totals}, {"last", c.lasts}, {"people", c.people}}
}
