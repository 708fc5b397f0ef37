// Package postgres keeps the workspace in PostgreSQL 15 or later, shared by
// any number of nodes.
package postgres

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"cairn"
	"cairn/internal/store/sqlstore"
)

// Open connects to a database, such as postgres://user@host/cairn, and
// migrates it.
func Open(ctx context.Context, address string, log *slog.Logger) (*sqlstore.Store, error) {
	cfg, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The database address cannot be read; it looks like postgres://user@host:5432/cairn.").At("database").Because(err)
	}
	if cfg.ConnectTimeout == 0 {
		cfg.ConnectTimeout = 5 * time.Second
	}
	db := stdlib.OpenDB(*cfg, stdlib.OptionAfterConnect(patience))
	db.SetMaxOpenConns(16)
	db.SetMaxIdleConns(16)
	var version int
	if err := db.QueryRowContext(ctx, `
		/* postgres.Open */
		select current_setting('server_version_num')::int`).Scan(&version); err != nil {
		db.Close()
		return nil, cairn.Errorf(cairn.Unavailable, "The database does not answer.").At("database").Because(err)
	}
	if version < 150000 {
		db.Close()
		return nil, cairn.Errorf(cairn.Invalid, "PostgreSQL 15 or later is needed; this is %d.", version/10000).At("database")
	}
	s, err := openAlone(ctx, db, log)
	if err != nil {
		db.Close()
		return nil, err
	}
	go listen(cfg, s, log)
	return s, nil
}

// patience has the server end a transaction soon whose node is gone without
// a word, or sleeps: what it has locked others wait for.
func patience(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `
		/* postgres.patience */
		select set_config('idle_in_transaction_session_timeout', '10s', false), set_config('tcp_keepalives_idle', '5', false),
			set_config('tcp_keepalives_interval', '2', false), set_config('tcp_keepalives_count', '3', false)`)
	return err
}

// channel is where nodes tell each other which bell was rung.
const channel = "cairn_bell"

// listen rings the bells that other nodes tell of, until the store closes. A
// lost connection is made again; what was told meanwhile is found by those
// who look by themselves.
func listen(cfg *pgx.ConnConfig, s *sqlstore.Store, log *slog.Logger) {
	ctx := s.Lifetime()
	const again = 2 * time.Second
	for well := true; ctx.Err() == nil; {
		heard, err := listenOnce(ctx, cfg, s)
		if well = well || heard; well && ctx.Err() == nil {
			log.Warn("not listening to other nodes", "again_every", again, "err", err)
		}
		well = false
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// listenOnce listens until the connection is lost, and reports whether there
// was one.
func listenOnce(ctx context.Context, cfg *pgx.ConnConfig, s *sqlstore.Store) (heard bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, cfg.Copy())
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "/* postgres.listenOnce */ listen "+channel); err != nil {
		return false, err
	}
	s.RingAll()
	for {
		n, err := conn.WaitForNotification(ctx)
		if err != nil {
			return true, err
		}
		s.Ring(n.Payload)
	}
}

// migrating is the advisory lock under which nodes migrate, one after the
// other. It ends with its session, however that ends.
const migrating = 0x636169726e // "cairn"

// openAlone opens the store while no other node does.
func openAlone(ctx context.Context, db *sql.DB, log *slog.Logger) (*sqlstore.Store, error) {
	c, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, `
		/* postgres.openAlone */
		select pg_advisory_lock($1)`, migrating); err != nil {
		return nil, err
	}
	s, err := sqlstore.Open(ctx, db, db, engine{}, log)
	if err != nil {
		return nil, err
	}
	_, err = c.ExecContext(ctx, `
		/* postgres.openAlone */
		select pg_advisory_unlock($1)`, migrating)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// engine is PostgreSQL.
type engine struct{}

// Schema returns the texts that make the tables of an empty database.
func Schema() ([]string, error) { return sqlstore.Schema(engine{}) }

func (engine) Migration(text string) string {
	return strings.ReplaceAll(text, "/* clustered */", "")
}

func (engine) Single() bool { return false }

func (engine) Lock(ctx context.Context, tx *sqlstore.Tx) ([cairn.Partitions]int64, error) {
	return sqlstore.ReadCounters(tx.QueryContext(ctx, `
		/* postgres.Lock */
		select part, n from counter order by part for update`))
}

func (engine) Admit(ctx context.Context, tx *sqlstore.Tx, ids [][]byte) ([]bool, error) {
	// A statement may not insert one id twice, so repeats are left out first.
	first := map[string]int{}
	var ask [][]byte
	for i, id := range ids {
		if _, ok := first[string(id)]; !ok {
			first[string(id)] = i
			ask = append(ask, id)
		}
	}
	rows, err := tx.QueryContext(ctx, `
		/* postgres.Admit */
		insert into admitted (id) select unnest($1::bytea[]) on conflict do nothing returning id`, ask)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := make([]bool, len(ids))
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out[first[string(id)]] = true
	}
	return out, rows.Err()
}

func (engine) Insert(ctx context.Context, tx *sqlstore.Tx, table, tail string, cols ...sqlstore.Col) error {
	names := make([]string, len(cols))
	marks := make([]string, len(cols))
	args := make([]any, len(cols))
	for i, c := range cols {
		names[i], args[i] = c.Name, c.V
		switch c.V.(type) {
		case []int64:
			marks[i] = fmt.Sprintf("$%d::bigint[]", i+1)
		case []string:
			marks[i] = fmt.Sprintf("$%d::text[]", i+1)
		case [][]byte:
			marks[i] = fmt.Sprintf("$%d::bytea[]", i+1)
		default:
			return fmt.Errorf("postgres: column %s holds %T", c.Name, c.V)
		}
	}
	_, err := tx.ExecContext(ctx, "/* postgres.Insert */ insert into "+table+" ("+strings.Join(names, ", ")+
		") select * from unnest("+strings.Join(marks, ", ")+") "+tail, args...)
	return err
}

func (e engine) InsertRows(ctx context.Context, tx *sqlstore.Tx, table string, names []string, rows [][]any) error {
	cols := make([]sqlstore.Col, len(names))
	for c, name := range names {
		cols[c] = sqlstore.Col{Name: name, V: column(rows, c)}
	}
	return e.Insert(ctx, tx, table, "", cols...)
}

// column returns one column of rows. One that holds nothing but null may be of
// any type that can be.
func column(rows [][]any, c int) any {
	ints, texts, blobs := []int64(nil), []string(nil), make([][]byte, len(rows))
	for i, row := range rows {
		switch v := row[c].(type) {
		case int64:
			ints = append(ints, v)
		case string:
			texts = append(texts, v)
		case []byte:
			blobs[i] = v
		}
	}
	switch {
	case ints != nil:
		return ints
	case texts != nil:
		return texts
	}
	return blobs
}

// Scrub removes dead rows of the tables that hold what is personal in the
// clear, and of the keys. Backups and the server's own write-ahead log are
// the operator's to expire; docs/operations.md says so.
func (engine) Scrub(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, `
		/* postgres.Scrub */
		vacuum subject_key, person, token, handle, record, reject`)
	return err
}

// Tell wakes the other nodes.
func (engine) Tell(ctx context.Context, db *sql.DB, bell string) error {
	_, err := db.ExecContext(ctx, `
		/* postgres.Tell */
		select pg_notify($1, $2)`, channel, bell)
	return err
}

func (engine) Share() string { return " for share" }

func (engine) Update(table string) string { return " for update of " + table }

func (engine) Again(err error) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && (pe.Code == "40001" || pe.Code == "40P01")
}

func (engine) Trouble(err error) string {
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		return refused(pe.Code)
	}
	var ce *pgconn.ConnectError
	var ne *net.OpError
	if errors.As(err, &ce) || errors.As(err, &ne) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.SafeToRetry(err) || strings.Contains(err.Error(), "conn closed") {
		return away
	}
	return ""
}

const away = "The database does not answer. What was accepted before is safe; send this again."

// refused returns what to say of a code with which PostgreSQL refuses to work
// for now, and "" of others.
func refused(code string) string {
	switch {
	case code == "53100":
		return "The disk of the database is full. What was accepted before is safe; send this again when there is room."
	case code == "25006":
		return "The database is read-only. What was accepted before is safe; send this again when it can be written."
	case strings.HasPrefix(code, "53"):
		return "The database has no room for more work. What was accepted before is safe; send this again."
	case strings.HasPrefix(code, "08"), strings.HasPrefix(code, "57P"), strings.HasPrefix(code, "58"), code == "55000", code == "25P03":
		return away // shutting down, starting, not taking connections, or it cannot write
	}
	return ""
}

func (engine) Scan(ctx context.Context, db *sql.DB, text string, args []int64, f func(sqlstore.Cells) error) error {
	return sqlstore.ScanByDriver(ctx, db, text, args, f)
}

func (engine) Close() error { return nil }

func (engine) Clock() string { return "(extract(epoch from clock_timestamp()) * 1000000)::bigint" }

func (engine) Skip() string { return "for update skip locked" }
