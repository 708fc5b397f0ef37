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

	"cairn"
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
	if err := s.Erase(context.Background(), storetest.Eraser, person); err != nil {
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
