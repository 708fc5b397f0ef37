package sqlite

import (
	"bytes"
	"context"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"cairn/internal/store/sqlstore"
	"cairn/internal/store/storetest"
)

func open(t testing.TB) *sqlstore.Store {
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

func TestSQLiteKeepsTheContract(t *testing.T) { storetest.Run(t, open) }

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
