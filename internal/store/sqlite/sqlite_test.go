package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
	"cairn/internal/store/storetest"
)

func openNew(t testing.TB) *sqlstore.Store {
	t.Helper()
	return openIn(t, t.TempDir())
}

func openIn(t testing.TB, dir string) *sqlstore.Store {
	t.Helper()
	s, err := Open(context.Background(), dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestSQLiteKeepsTheContract(t *testing.T) { storetest.Run(t, openNew) }

// The address must be in no file of the data directory once the person is
// erased: neither in the log, nor in a state table, nor in a freed page, nor
// in the write-ahead log.
func TestAnErasedPersonLeavesNoTraceInAnyFile(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	person, address, name := storetest.Personal(t, s)
	if !holds(t, dir, address) {
		t.Fatal("the address was in no file to begin with, so this test shows nothing")
	}
	if _, err := s.Erase(context.Background(), storetest.Eraser, person, ""); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{address, name} {
		if holds(t, dir, text) {
			t.Errorf("%q is still in a file of the data directory", text)
		}
	}
}

func holds(t *testing.T, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || bytes.Contains(bytes.ToLower(b), bytes.ToLower([]byte(text)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// What was accepted before the disk was full is there when there is room again.
func TestAFullDiskRefusesAndLosesNothing(t *testing.T) {
	dir := t.TempDir()
	s := openIn(t, dir)
	storetest.Personal(t, s)
	before := storetest.Count(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	full, err := open(context.Background(), dir, slog.New(slog.DiscardHandler), "max_page_count(1)") // it becomes what there is already
	if err != nil {
		t.Fatal(err)
	}
	taken, err := storetest.Fill(full, 100_000)
	if cairn.KindOf(err) != cairn.Unavailable {
		t.Errorf("a full disk gives %v after %d events", err, taken)
	}
	if n := storetest.Count(t, full); n != before+taken {
		t.Errorf("%d events are there, want %d", n, before+taken)
	}
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}
	roomy := openIn(t, dir)
	if n := storetest.Count(t, roomy); n != before+taken {
		t.Errorf("%d events are there when there is room again, want %d", n, before+taken)
	}
	if more, err := storetest.Fill(roomy, taken+10); err != nil || more < 10 {
		t.Errorf("%d more were taken, %v", more, err)
	}
}

// The schema that all migrations end in can be read in schema.sql.
func TestTheSchemaIsTheOneThatIsWrittenDown(t *testing.T) {
	dir := t.TempDir()
	if err := openIn(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, File), true))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`select sql from sqlite_master where sql is not null order by tbl_name, type desc, name`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var got strings.Builder
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		got.WriteString(text + ";\n\n")
	}
	storetest.Written(t, "schema.sql", got.String())
}

// A server whose disk is full, or cannot be written, says so in a sentence and
// takes nothing; when there is room again it goes on in the same process, and
// so do its stages.
func TestADiskThatRefusesIsWaitedFor(t *testing.T) {
	for _, tt := range []struct {
		name, begin, end, says string
	}{
		{"full", "pragma max_page_count = 1", "pragma max_page_count = 1000000", "The disk is full."},
		{"read-only", "pragma query_only = on", "pragma query_only = off", "The disk is read-only."},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ctx := t.Context()
			path := filepath.Join(t.TempDir(), File)
			writes, err := sql.Open("sqlite", dsn(path, false))
			if err != nil {
				t.Fatal(err)
			}
			writes.SetMaxOpenConns(1)
			reads, err := sql.Open("sqlite", dsn(path, true))
			if err != nil {
				t.Fatal(err)
			}
			s, err := sqlstore.Open(ctx, reads, writes, engine{}, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			f := &signal.Folder{Log: s, Store: s, Live: true}
			before, err := storetest.Fill(s, 500)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := writes.Exec(tt.begin); err != nil {
				t.Fatal(err)
			}
			taken, err := storetest.Fill(s, 100_000)
			if cairn.KindOf(err) != cairn.Unavailable || !strings.HasPrefix(cairn.TextOf(err), tt.says) {
				t.Errorf("at the door there is %v", err)
			}
			for err = nil; err == nil; { // until the tallies do not fit either
				var worked bool
				if worked, err = f.Beat(ctx, time.Now()); !worked && err == nil {
					break
				}
			}
			if tt.name == "read-only" && (cairn.KindOf(err) != cairn.Unavailable || !strings.HasPrefix(cairn.TextOf(err), tt.says)) {
				t.Errorf("a stage finds %v", err)
			}
			if n := storetest.Count(t, s); n != before+taken {
				t.Errorf("%d events can be read, want %d", n, before+taken)
			}
			if _, err := writes.Exec(tt.end); err != nil {
				t.Fatal(err)
			}
			more, err := storetest.Fill(s, before+taken+200)
			if err != nil || more < 200 {
				t.Errorf("%d more were taken, %v", more, err)
			}
			for worked := true; worked; {
				if worked, err = f.Beat(ctx, time.Now()); err != nil {
					t.Fatal(err)
				}
			}
			st, err := s.Stages(ctx, time.Now())
			if err != nil || st[0].Lag != 0 || st[0].Position != int64(before+taken+more) {
				t.Errorf("the fold stands at %+v, %v, want %d events", st[0], err, before+taken+more)
			}
		})
	}
}
