// Package sqlite is the embedded default: one file, one writer, WAL,
// synchronous=FULL, secure_delete.
package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	_ "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"cairn"
	"cairn/internal/store/sqlstore"
)

// File is the name of the database in the data directory.
const File = "cairn.db"

// Open opens the workspace in a directory and makes it when it is new. Only
// one process may have it open for writing; the caller holds the lock.
func Open(ctx context.Context, dir string, log *slog.Logger) (*sqlstore.Store, error) {
	return open(ctx, dir, log)
}

// open opens with more pragmas for the writing connection.
func open(ctx context.Context, dir string, log *slog.Logger, pragmas ...string) (*sqlstore.Store, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, cairn.Errorf(cairn.Unavailable, "The data directory %s cannot be made.", dir).Because(err)
	}
	path := filepath.Join(dir, File)
	writes, err := sql.Open("sqlite", dsn(path, false, pragmas...))
	if err != nil {
		return nil, err
	}
	writes.SetMaxOpenConns(1)
	if err := writes.PingContext(ctx); err != nil {
		writes.Close()
		return nil, cairn.Errorf(cairn.Unavailable, "The database %s cannot be opened.", path).Because(err)
	}
	reads, err := sql.Open("sqlite", dsn(path, true))
	if err != nil {
		writes.Close()
		return nil, err
	}
	reads.SetMaxOpenConns(8)
	reads.SetMaxIdleConns(8)
	s, err := sqlstore.Open(ctx, reads, writes, engine{scanner: &scanner{path: path}}, log)
	if err != nil {
		reads.Close()
		writes.Close()
		return nil, err
	}
	if err := checkpoint(s, path, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// DSN names the database in a directory for the bare driver, with the settings
// that the writing connection has.
func DSN(dir string) string { return dsn(filepath.Join(dir, File), false) }

func dsn(path string, readOnly bool, more ...string) string {
	q := url.Values{}
	pragmas := []string{"busy_timeout(10000)", "journal_mode(wal)", "synchronous(full)", "secure_delete(on)", "temp_store(memory)"}
	pragmas = append(pragmas, more...)
	if readOnly {
		pragmas = append(pragmas, "query_only(on)", "cache_size(-8192)") // there are several
	} else {
		pragmas = append(pragmas, "cache_size(-65536)")
		pragmas = append(pragmas, "wal_autocheckpoint(0)") // see checkpoint
		q.Set("_txlock", "immediate")
	}
	for _, p := range pragmas {
		q.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + q.Encode()
}

// engine is SQLite.
type engine struct{ scanner *scanner }

// Scan reads beside the driver, where the engine knows which file.
func (e engine) Scan(ctx context.Context, db *sql.DB, text string, args []int64, f func(sqlstore.Cells) error) error {
	if e.scanner == nil {
		return sqlstore.ScanByDriver(ctx, db, text, args, f)
	}
	return e.scanner.Scan(text, args, f)
}

// Close closes what reads beside the driver.
func (e engine) Close() error {
	if e.scanner == nil {
		return nil
	}
	return e.scanner.Close()
}

func (engine) Migration(text string) string {
	text = strings.ReplaceAll(text, "bigint   not null primary key, -- rowid", "integer primary key,")
	return strings.ReplaceAll(text, "/* clustered */", "without rowid")
}

func (engine) Single() bool { return true }

func (engine) Lock(ctx context.Context, tx *sqlstore.Tx) ([cairn.Partitions]int64, error) {
	return sqlstore.ReadCounters(tx.QueryContext(ctx, `
		/* sqlite.Lock */
		select part, n from counter order by part`))
}

func (engine) Admit(ctx context.Context, tx *sqlstore.Tx, ids [][]byte) ([]bool, error) {
	st, err := tx.PrepareContext(ctx, `
		/* sqlite.Admit */
		insert into admitted (id) values (?) on conflict do nothing`)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	out := make([]bool, len(ids))
	order := make([]int, len(ids)) // of ids, which are found faster one beside the other
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return bytes.Compare(ids[a], ids[b]) })
	for _, i := range order {
		res, err := st.ExecContext(ctx, ids[i])
		if err != nil {
			return nil, err
		}
		n, err := res.RowsAffected()
		if err != nil {
			return nil, err
		}
		out[i] = n > 0
	}
	return out, nil
}

func (engine) Insert(ctx context.Context, tx *sqlstore.Tx, table, tail string, cols ...sqlstore.Col) error {
	names := make([]string, len(cols))
	marks := make([]string, len(cols))
	for i, c := range cols {
		names[i], marks[i] = c.Name, "?"
	}
	st, err := tx.PrepareContext(ctx, "/* sqlite.Insert */ insert into "+table+" ("+strings.Join(names, ", ")+") values ("+strings.Join(marks, ", ")+") "+tail)
	if err != nil {
		return err
	}
	defer st.Close()
	args := make([]any, len(cols))
	for row := range cols[0].Len() {
		for i, c := range cols {
			switch v := c.V.(type) {
			case []int64:
				args[i] = v[row]
			case []string:
				args[i] = v[row]
			case [][]byte:
				args[i] = any(v[row])
				if v[row] == nil {
					args[i] = nil
				}
			default:
				return fmt.Errorf("sqlite: column %s holds %T", c.Name, c.V)
			}
		}
		if _, err := st.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return nil
}

func (engine) InsertRows(ctx context.Context, tx *sqlstore.Tx, table string, names []string, rows [][]any) error {
	marks := slices.Repeat([]string{"?"}, len(names)) // the driver looks up what has a number by name
	st, err := tx.PrepareContext(ctx, "/* sqlite.InsertRows */ insert into "+table+" ("+strings.Join(names, ", ")+") values ("+strings.Join(marks, ", ")+")")
	if err != nil {
		return err
	}
	defer st.Close()
	for _, row := range rows {
		if _, err := st.ExecContext(ctx, row...); err != nil {
			return err
		}
	}
	return nil
}

// Scrub writes everything to the database file, where secure_delete has
// overwritten what was deleted, and empties the write-ahead log.
func (engine) Scrub(ctx context.Context, db *sql.DB) error {
	for range 50 {
		var busy, frames, done int
		if err := db.QueryRowContext(ctx, `
			/* sqlite.Scrub */
			pragma wal_checkpoint(truncate)`).Scan(&busy, &frames, &done); err != nil {
			return err
		}
		if busy == 0 {
			return nil
		}
	}
	return cairn.Errorf(cairn.Busy, "The person is erased, but readers kept the write-ahead log from being emptied; it empties itself soon.")
}

// Tell has nobody to tell: one process has the file open.
func (engine) Tell(context.Context, *sql.DB, string) error { return nil }

func (engine) Share() string { return "" }

func (engine) Update(string) string { return "" }

func (engine) Again(error) bool { return false }

func (engine) Trouble(err error) string {
	var se interface{ Code() int } // the driver's, or a scanner's
	if !errors.As(err, &se) {
		return ""
	}
	switch code := se.Code(); {
	case code&0xff == lib.SQLITE_FULL:
		return "The disk is full. What was accepted before is safe; send this again when there is room."
	case code&0xff == lib.SQLITE_READONLY:
		return "The disk is read-only. What was accepted before is safe; send this again when it can be written."
	case code&0xff == lib.SQLITE_IOERR, code&0xff == lib.SQLITE_CANTOPEN:
		return "The disk does not do what it is asked to. What was accepted before is safe; send this again when it works."
	}
	return ""
}

func (engine) Clock() string { return "cast(unixepoch('subsec') * 1000000 as integer)" }

func (engine) Skip() string { return "" }
