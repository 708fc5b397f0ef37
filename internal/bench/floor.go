package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/jackc/pgx/v5"

	"cairn"
	"cairn/internal/store/postgres"
	"cairn/internal/store/sqlite"
	"cairn/internal/store/sqlstore"
)

// The floor is what the bare driver needs for the same rows: of each event the
// log's row, its id's key, the timeline's index, and the tally of its name,
// in transactions of floorBeat events, each table in the
// order of its key. Nothing is parsed, checked, hashed, sealed or asked for.
const floorBeat = 5000

// floor writes n events and returns how many a second.
func (b Ingest) floor(ctx context.Context, n int) (float64, error) {
	w, err := b.floorWriter(ctx)
	if err != nil {
		return 0, err
	}
	defer w.close()
	f := newFloor(b.Accounts)
	var took time.Duration
	for written := 0; written < n && ctx.Err() == nil; written += floorBeat {
		beat := f.beat()
		begun := time.Now()
		if err := w.write(ctx, beat, f.tallies(beat)); err != nil {
			return 0, err
		}
		took += time.Since(begun)
	}
	return float64((n+floorBeat-1)/floorBeat*floorBeat) / took.Seconds(), ctx.Err()
}

type floorWriter interface {
	write(ctx context.Context, events []floorEvent, tallies []floorTally) error
	close()
}

type floorEvent struct {
	part            int
	key, at         int64
	id, admitted    []byte
	stream, person  []byte
	name, accountID string
	props           string
	sealed          []byte
	num             uint32
}

type floorTally struct {
	stream  []byte
	day     int64
	name    string
	n, last int64
	people  []byte
}

// A floor makes up events as the load does.
type floor struct {
	accounts int
	streams  []cairn.StreamID
	ends     [cairn.Partitions]int64
	now      map[floorKey]*floorCount
	start    int64
}

type floorKey struct {
	account int
	name    string
}

type floorCount struct {
	n, last int64
	people  *roaring.Bitmap
}

func newFloor(accounts int) *floor {
	f := &floor{accounts: accounts, streams: make([]cairn.StreamID, accounts), now: map[floorKey]*floorCount{}, start: time.Now().UnixMicro()}
	for i := range f.streams {
		f.streams[i] = cairn.Space("").Account("floor-" + strconv.Itoa(i)).Stream()
	}
	return f
}

func (f *floor) beat() []floorEvent {
	out := make([]floorEvent, floorBeat)
	for i := range out {
		a, p := mathrand.IntN(f.accounts), mathrand.IntN(10)
		stream := f.streams[a]
		part := stream.Partition()
		f.ends[part]++
		now := time.Now().UnixMicro()
		e := floorEvent{
			part: part, key: cairn.Position{Part: part, N: f.ends[part]}.Key(), at: now,
			id: make([]byte, 16), admitted: make([]byte, 16), stream: stream.ID[:], person: make([]byte, 16),
			name: eventNames[mathrand.IntN(len(eventNames))], accountID: "account-01234567-" + strconv.Itoa(a),
			props: `{"plan":"standard","rows":128}`, sealed: make([]byte, 16+12+60+16), num: uint32(p),
		}
		rand.Read(e.id)
		copy(e.admitted, sqlstore.MemoryKey(cairn.EventID{ID: cairn.ID(e.id)}, time.UnixMicro(now)))
		rand.Read(e.sealed)
		binary.BigEndian.PutUint64(e.person, uint64(a*10+p))
		out[i] = e
		k := floorKey{a, e.name}
		c := f.now[k]
		if c == nil {
			c = &floorCount{people: roaring.New()}
			f.now[k] = c
		}
		c.n++
		c.last = now
		c.people.Add(e.num)
	}
	return out
}

// tallies returns the rows that a beat changes, as they are after it.
func (f *floor) tallies(events []floorEvent) []floorTally {
	changed := map[floorKey]bool{}
	for _, e := range events {
		a, _ := strconv.Atoi(e.accountID[len("account-01234567-"):])
		changed[floorKey{a, e.name}] = true
	}
	day := int64(cairn.DayOf(time.Now(), time.UTC))
	out := make([]floorTally, 0, len(changed))
	for k := range changed {
		c := f.now[k]
		people, _ := c.people.ToBytes()
		out = append(out, floorTally{f.streams[k.account].ID[:], day, k.name, c.n, c.last, people})
	}
	slices.SortFunc(out, func(a, b floorTally) int {
		return cmp.Or(bytes.Compare(a.stream, b.stream), cmp.Compare(a.name, b.name))
	})
	return out
}

const (
	floorEventColumns = "key, id, stream, kind, name, source, product, at, seen, stamp, account, person, anon, record, acct_key, rec_key, n, skewed, props, sealed"
	floorTallyTail    = "on conflict (gen, stream, day, product, name) do update set n = excluded.n, total = excluded.total, last = excluded.last, people = excluded.people"
)

func (e *floorEvent) row() []any {
	return []any{e.key, e.id, e.stream, "track", e.name, "bench", "", e.at, e.at, e.at, e.stream, e.person, nil, nil, e.accountID, "", int64(1), int64(0), e.props, e.sealed}
}

// orders returns the events in the order of the log, of the ids and of the
// timeline.
func orders(events []floorEvent) (log, ids, timeline []floorEvent) {
	by := func(less func(a, b floorEvent) int) []floorEvent {
		out := slices.Clone(events)
		slices.SortFunc(out, less)
		return out
	}
	return by(func(a, b floorEvent) int { return cmp.Compare(a.key, b.key) }),
		by(func(a, b floorEvent) int { return bytes.Compare(a.admitted, b.admitted) }),
		by(func(a, b floorEvent) int {
			return cmp.Or(bytes.Compare(a.stream, b.stream), cmp.Compare(a.at, b.at), cmp.Compare(a.key, b.key))
		})
}

func (b Ingest) floorWriter(ctx context.Context) (floorWriter, error) {
	if b.Database != "" {
		return newFloorPostgres(ctx, b.Database)
	}
	return newFloorSQLite(ctx)
}

type floorSQLite struct {
	dir string
	db  *sql.DB
}

func newFloorSQLite(ctx context.Context) (*floorSQLite, error) {
	dir, err := os.MkdirTemp("", "cairn-floor-")
	if err != nil {
		return nil, err
	}
	f := &floorSQLite{dir: dir}
	s, err := sqlite.Open(ctx, dir, nil) // makes the tables
	if err == nil {
		err = s.Close()
	}
	if err == nil {
		f.db, err = sql.Open("sqlite", sqlite.DSN(dir))
	}
	if err != nil {
		f.close()
		return nil, err
	}
	f.db.SetMaxOpenConns(1)
	// The store has another connection copy the log into the database; alone it
	// is done by the writer.
	_, err = f.db.ExecContext(ctx, "pragma wal_autocheckpoint(4000)")
	return f, err
}

func (f *floorSQLite) close() {
	if f.db != nil {
		f.db.Close()
	}
	os.RemoveAll(f.dir)
}

func (f *floorSQLite) write(ctx context.Context, events []floorEvent, tallies []floorTally) error {
	tx, err := f.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	run := func(text string, n int, row func(i int) []any) error {
		st, err := tx.PrepareContext(ctx, text)
		if err != nil {
			return err
		}
		defer st.Close()
		for i := range n {
			if _, err := st.Exec(row(i)...); err != nil {
				return err
			}
		}
		return nil
	}
	log, ids, timeline := orders(events)
	if err := run("insert into event ("+floorEventColumns+") values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", len(log),
		func(i int) []any { return log[i].row() }); err != nil {
		return err
	}
	if err := run("insert into admitted (id) values (?) on conflict do nothing", len(ids),
		func(i int) []any { return []any{ids[i].admitted} }); err != nil {
		return err
	}
	if err := run("insert into timeline (stream, at, key) values (?, ?, ?)", len(timeline),
		func(i int) []any { return []any{timeline[i].stream, timeline[i].at, timeline[i].key} }); err != nil {
		return err
	}
	if err := run("insert into tally (gen, stream, product, day, name, n, total, last, people) values (1, ?, '', ?, ?, ?, 0, ?, ?) "+floorTallyTail, len(tallies),
		func(i int) []any {
			t := &tallies[i]
			return []any{t.stream, t.day, t.name, t.n, t.last, t.people}
		}); err != nil {
		return err
	}
	return tx.Commit()
}

type floorPostgres struct {
	conn *pgx.Conn
}

const floorSchema = "cairn_floor"

func newFloorPostgres(ctx context.Context, database string) (*floorPostgres, error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return nil, err
	}
	f := &floorPostgres{conn}
	texts, err := postgres.Schema()
	if err != nil {
		f.close()
		return nil, err
	}
	texts = append([]string{"drop schema if exists " + floorSchema + " cascade", "create schema " + floorSchema, "set search_path to " + floorSchema}, texts...)
	for _, text := range texts {
		if _, err := conn.Exec(ctx, text); err != nil {
			f.close()
			return nil, err
		}
	}
	return f, nil
}

func (f *floorPostgres) close() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	f.conn.Exec(ctx, "drop schema if exists "+floorSchema+" cascade")
	f.conn.Close(ctx)
}

func (f *floorPostgres) write(ctx context.Context, events []floorEvent, tallies []floorTally) error {
	tx, err := f.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer tx.Rollback(ctx)
	log, ids, timeline := orders(events)
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"event"}, strings.Split(floorEventColumns, ", "),
		pgx.CopyFromSlice(len(log), func(i int) ([]any, error) { return log[i].row(), nil })); err != nil {
		return err
	}
	keys := make([][]byte, len(ids))
	for i := range ids {
		keys[i] = ids[i].admitted
	}
	if _, err := tx.Exec(ctx, "insert into admitted (id) select unnest($1::bytea[]) on conflict do nothing", keys); err != nil {
		return err
	}
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"timeline"}, []string{"stream", "at", "key"},
		pgx.CopyFromSlice(len(timeline), func(i int) ([]any, error) {
			return []any{timeline[i].stream, timeline[i].at, timeline[i].key}, nil
		})); err != nil {
		return err
	}
	n := len(tallies)
	streams, people, names := make([][]byte, n), make([][]byte, n), make([]string, n)
	days, ns, lasts := make([]int64, n), make([]int64, n), make([]int64, n)
	for i, t := range tallies {
		streams[i], people[i], names[i], days[i], ns[i], lasts[i] = t.stream, t.people, t.name, t.day, t.n, t.last
	}
	if _, err := tx.Exec(ctx, `insert into tally (gen, stream, product, day, name, n, total, last, people)
		select 1, stream, '', day, name, n, 0, last, people
		from unnest($1::bytea[], $2::bigint[], $3::text[], $4::bigint[], $5::bigint[], $6::bytea[]) as t (stream, day, name, n, last, people) `+floorTallyTail,
		streams, days, names, ns, lasts, people); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "update counter set n = n + 1 where part = 0"); err != nil {
		return fmt.Errorf("counter: %w", err)
	}
	return tx.Commit(ctx)
}
