package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"slices"
	"time"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/ingest"
)

// An admission is one transaction at the door.
type admission struct {
	s     *Store
	tx    *Tx
	fresh map[cairn.ID]subjectKey  // keys made in this transaction
	known known                    // what it made sure of; shared once it is committed
	new   []*cairn.Event           // in order of position
	rows  []*incoming              // those of new, in the same order
	due   map[cairn.AccountID]bool // accounts whose set of streams changed
	came  map[came]*ingest.Arrival
	dirty map[cairn.AccountID]bool // accounts of which a page shows something else now

	holders map[cairn.AccountID]cairn.AccountID // what accounts' ids were found to stand for
	sources map[string]ingest.Source
	asked   bool // something may be recognised now
	changed map[changedKey]int64
}

func (s *Store) admission(tx *Tx) *admission {
	return &admission{
		s: s, tx: tx, fresh: map[cairn.ID]subjectKey{},
		due: map[cairn.AccountID]bool{}, dirty: map[cairn.AccountID]bool{}, changed: map[changedKey]int64{},
		came: map[came]*ingest.Arrival{},
	}
}

// committed shares what the transaction learnt and wakes who waits for it.
func (ad *admission) committed() {
	ad.s.keys.putAll(ad.fresh)
	ad.s.known.merge(&ad.known)
	if len(ad.new) > 0 {
		ad.s.tail.add(ad.new)
		ad.s.ring("log")
		ad.s.ring("page")
	}
	if len(ad.due) > 0 {
		ad.s.ring("due")
	}
	if ad.asked {
		ad.s.ring("unmatched")
	}
}

// MemoryKey is what is remembered of an id with the sender's own timestamp,
// which a retry repeats: 4 bytes of its second, so that what is sent at about
// the same time is remembered side by side, and 12 of the hash of source and id.
func MemoryKey(id cairn.EventID, stamp time.Time) []byte { return memoryKey(id, stamp.Unix()) }

func memoryKey(id cairn.EventID, second int64) []byte {
	b := make([]byte, 16)
	binary.BigEndian.PutUint32(b, uint32(second))
	copy(b[4:], id.ID[:12])
	return b
}

// hourOf is the second at which an hour began: of an id without a timestamp
// the hour is remembered in which it was seen.
func hourOf(t time.Time) int64 { return t.Unix() / 3600 * 3600 }

// admit appends what is new of events, and projects the state they patch.
func (ad *admission) admit(ctx context.Context, events []incoming) ([]event.Admitted, error) {
	ends, err := ad.s.engine.Lock(ctx, ad.tx) // before anything else, or writers deadlock
	if err != nil {
		return nil, err
	}
	news, err := ad.dedupe(ctx, events)
	if err != nil {
		return nil, err
	}
	out := make([]event.Admitted, len(events))
	zone := ad.s.Settings().Zone
	var touched [cairn.Partitions]bool
	for i := range events {
		if !news[i] {
			out[i].Duplicate = true
			ad.count(&events[i].Event, out[i])
			continue
		}
		e := &events[i].Event
		p := e.Stream.Partition()
		ends[p]++
		touched[p] = true
		e.Pos = cairn.Position{Part: p, N: ends[p]}
		out[i].Pos = e.Pos
		out[i].Late = cairn.DayOf(e.At, zone) < cairn.DayOf(e.Seen, zone)
		ad.count(e, out[i])
		ad.rows = append(ad.rows, &events[i])
	}
	if err := ad.writeCounts(ctx); err != nil {
		return nil, err
	}
	if len(ad.rows) == 0 {
		return out, nil
	}
	if err := ad.write(ctx); err != nil {
		return nil, err
	}
	if err := ad.fillGaps(ctx); err != nil {
		return nil, err
	}
	var parts, ns []int64
	for p, n := range ends {
		if touched[p] {
			parts, ns = append(parts, int64(p)), append(ns, n)
		}
	}
	if err := ad.s.engine.Insert(ctx, ad.tx, "counter", "on conflict (part) do update set n = excluded.n",
		Col{"part", parts}, Col{"n", ns}); err != nil {
		return nil, err
	}
	return out, ad.project(ctx)
}

// dedupe reports which events are new, and remembers them. The memory is
// keyed by source and id, never by partition.
func (ad *admission) dedupe(ctx context.Context, events []incoming) ([]bool, error) {
	ids := make([][]byte, len(events))
	before := make([]bool, len(events))
	for i := range events {
		e := &events[i]
		ids[i] = e.memory
		if !e.Stamp.IsZero() {
			continue
		}
		hour := hourOf(e.Seen)
		err := ad.tx.QueryRowContext(ctx, `
			/* log.dedupe */
			select exists (select 1 from admitted where id in ($1, $2))`,
			memoryKey(e.ID, hour-3600), memoryKey(e.ID, hour-2*3600)).Scan(&before[i])
		if err != nil {
			return nil, err
		}
	}
	fresh, err := ad.s.engine.Admit(ctx, ad.tx, ids)
	if err != nil {
		return nil, err
	}
	for i := range fresh {
		fresh[i] = fresh[i] && !before[i]
	}
	return fresh, nil
}

// came is a source and an hour of Seen, in microseconds.
type came struct {
	source string
	hour   int64
}

// count counts an event among what its source sent.
func (ad *admission) count(e *cairn.Event, as event.Admitted) {
	k := came{e.Source, cairn.Micros(e.Seen.Truncate(time.Hour))}
	n := ad.came[k]
	if n == nil {
		n = &ingest.Arrival{}
		ad.came[k] = n
	}
	switch {
	case as.Duplicate:
		n.Duplicate++
	case as.Late:
		n.Late++
	default:
		n.Accepted++
	}
	if e.Seen.After(n.Last) {
		n.Last = e.Seen
	}
}

func (ad *admission) writeCounts(ctx context.Context) error {
	var sources []string
	var hours, accepted, duplicate, late, rejected, last []int64
	for k, n := range ad.came {
		sources, hours = append(sources, k.source), append(hours, k.hour)
		accepted, duplicate, late = append(accepted, n.Accepted), append(duplicate, n.Duplicate), append(late, n.Late)
		rejected, last = append(rejected, n.Rejected), append(last, cairn.Micros(n.Last))
	}
	return ad.s.engine.Insert(ctx, ad.tx, "arrival", addArrival,
		Col{"source", sources}, Col{"hour", hours}, Col{"accepted", accepted}, Col{"duplicate", duplicate},
		Col{"late", late}, Col{"rejected", rejected}, Col{"last", last})
}

// addArrival makes an insertion into arrival add to what is there.
const addArrival = `on conflict (source, hour) do update set
	accepted = arrival.accepted + excluded.accepted, duplicate = arrival.duplicate + excluded.duplicate,
	late = arrival.late + excluded.late, rejected = arrival.rejected + excluded.rejected,
	last = case when excluded.last > arrival.last then excluded.last else arrival.last end`

// A sealedPart is what of an event is written under its subject's key.
type sealedPart struct {
	Keys  *cairn.Keys     `json:"k,omitempty"`
	Props json.RawMessage `json:"p,omitempty"`
}

// An incoming event is on its way into the log, with as much of its row as can
// be made before the writer is held.
type incoming struct {
	cairn.Event
	memory []byte // what is remembered of its id
	row    []any  // of eventNames
	plain  []byte // what is to be sealed under a key that was not at hand; nil: nothing
}

// eventNames are the columns of event; the first is the position, the last what
// is sealed.
var eventNames = []string{"key", "id", "stream", "kind", "name", "source", "product", "at", "seen", "stamp",
	"account", "person", "anon", "record", "acct_key", "rec_key", "n", "skewed", "props", "sealed"}

// incoming makes rows of events, but for what only the writer can say.
func (s *Store) incoming(events []cairn.Event) ([]incoming, error) {
	out := make([]incoming, len(events))
	for i := range events {
		en := &out[i]
		en.Event = events[i]
		e := &en.Event
		second := hourOf(e.Seen)
		if !e.Stamp.IsZero() {
			second = e.Stamp.Unix()
		}
		en.memory = memoryKey(e.ID, second)
		keys := cairn.Keys{Person: e.Keys.Person, Anonymous: e.Keys.Anonymous, Previous: e.Keys.Previous}
		record := e.Keys.Record
		if e.Kind == cairn.OfPerson {
			record = ""
		}
		en.row = []any{nil, e.ID.ID[:], e.Stream.ID[:], string(e.Kind), e.Name, e.Source, e.Product,
			cairn.Micros(e.At), cairn.Micros(e.Seen), cairn.Micros(e.Stamp),
			idOrNull(&e.Account.ID), idOrNull(&e.Person.ID), idOrNull(&e.Anon.ID), idOrNull(&e.Record.ID),
			e.Keys.Account, record, max(e.N, 1), one(e.Skewed), string(e.Props), nil}
		part := sealedPart{Props: e.Personal}
		if keys != (cairn.Keys{}) {
			part.Keys = &keys
		}
		if part.Keys == nil && len(part.Props) == 0 {
			continue
		}
		plain, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if a, ok := s.keys.key(e.Subject()); ok {
			en.row[len(en.row)-1] = sealWith(a, e.Subject(), plain)
			continue
		}
		en.plain = plain
	}
	return out, nil
}

func idOrNull(id *cairn.ID) any {
	if id.IsZero() {
		return nil
	}
	return id[:]
}

// write appends the events themselves.
func (ad *admission) write(ctx context.Context) error {
	slices.SortStableFunc(ad.rows, func(a, b *incoming) int { return cmp.Compare(a.Pos.Key(), b.Pos.Key()) })
	rows := make([][]any, len(ad.rows))
	ad.new = make([]*cairn.Event, len(ad.rows))
	for i, en := range ad.rows {
		rows[i], ad.new[i] = en.row, &en.Event
		en.row[0] = en.Pos.Key()
		if en.plain == nil {
			continue
		}
		a, err := ad.s.sealer(ctx, ad.tx, en.Subject(), ad.fresh)
		if err != nil {
			return err
		}
		en.row[len(en.row)-1] = sealWith(a, en.Subject(), en.plain)
	}
	return ad.s.engine.InsertRows(ctx, ad.tx, "event", eventNames, rows)
}

func bytesOf(id cairn.ID) []byte {
	if id.IsZero() {
		return nil
	}
	return slices.Clone(id[:])
}

// eventColumns are what scanEvents reads, of a table named e.
const eventColumns = `e.key, e.id, e.stream, e.kind, e.name, e.source, e.product, e.at, e.seen, e.stamp,
	e.account, e.person, e.anon, e.record, e.acct_key, e.rec_key, e.n, e.skewed, e.props, e.sealed`

// scanEvents reads rows of [eventColumns] and closes them. The personal part
// is opened where its key still exists.
func (s *Store) scanEvents(ctx context.Context, rows *sql.Rows) ([]cairn.Event, error) {
	out, sealed, err := readEvents(rows)
	if err != nil {
		return nil, err
	}
	for i := range out {
		if sealed[i] == nil {
			continue
		}
		plain, err := s.open(ctx, sealed[i])
		if err != nil {
			return nil, err
		}
		if plain == nil {
			continue
		}
		var part sealedPart
		if err := json.Unmarshal(plain, &part); err != nil {
			return nil, err
		}
		out[i].Personal = part.Props
		if k := part.Keys; k != nil {
			out[i].Keys.Person, out[i].Keys.Anonymous, out[i].Keys.Previous = k.Person, k.Anonymous, k.Previous
		}
	}
	return out, nil
}

// readEvents reads rows of [eventColumns] and closes them, before any key is
// read, so that one connection is enough. The personal parts stay sealed.
func readEvents(rows *sql.Rows) (out []cairn.Event, sealed [][]byte, err error) {
	defer rows.Close()
	for rows.Next() {
		var e cairn.Event
		var key, at, seen, stamp int64
		var props string
		var box []byte
		if err := rows.Scan(&key, &e.ID, &e.Stream, &e.Kind, &e.Name, &e.Source, &e.Product, &at, &seen, &stamp,
			&e.Account, &e.Person, &e.Anon, &e.Record, &e.Keys.Account, &e.Keys.Record, &e.N, &e.Skewed, &props, &box); err != nil {
			return nil, nil, err
		}
		e.Pos = cairn.PositionOf(key)
		e.At, e.Seen, e.Stamp = cairn.FromMicros(at), cairn.FromMicros(seen), cairn.FromMicros(stamp)
		if props != "" {
			e.Props = json.RawMessage(props)
		}
		out, sealed = append(out, e), append(sealed, box)
	}
	return out, sealed, rows.Err()
}

// After returns events of a partition after a position; see [event.Log].
func (s *Store) After(ctx context.Context, part int, n int64, limit int) ([]cairn.Event, error) {
	rows, err := s.after(ctx, part, n, limit)
	if err != nil {
		return nil, err
	}
	return s.scanEvents(ctx, rows)
}

// AfterSealed is After without opening what is personal.
func (s *Store) AfterSealed(ctx context.Context, part int, n int64, limit int) ([]cairn.Event, error) {
	if events := s.tail.after(part, n, limit); len(events) > 0 {
		return events, nil
	}
	rows, err := s.after(ctx, part, n, limit)
	if err != nil {
		return nil, err
	}
	events, _, err := readEvents(rows)
	return events, err
}

func (s *Store) after(ctx context.Context, part int, n int64, limit int) (*sql.Rows, error) {
	from := cairn.Position{Part: part, N: n}.Key()
	to := cairn.Position{Part: part + 1}.Key()
	return s.db.QueryContext(ctx, `
		/* log.after */
		select `+eventColumns+` from event e where e.key > $1 and e.key < $2 order by e.key limit $3`, from, to, limit)
}

// Ends returns the last position of each partition.
func (s *Store) Ends(ctx context.Context) ([cairn.Partitions]int64, error) {
	return ReadCounters(s.db.QueryContext(ctx, `
		/* log.Ends */
		select part, n from counter`))
}

// ReadCounters reads what a query for part and n of counter returned, to the
// end, and closes it.
func ReadCounters(rows *sql.Rows, err error) (ends [cairn.Partitions]int64, _ error) {
	if err != nil {
		return ends, err
	}
	defer rows.Close()
	for rows.Next() {
		var p int
		var n int64
		if err := rows.Scan(&p, &n); err != nil {
			return ends, err
		}
		ends[p] = n
	}
	return ends, rows.Err()
}
