package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"cairn/internal/store/sqlstore"
)

// What is read beside the driver is what the driver reads.
func TestAScanReadsWhatTheDriverReads(t *testing.T) {
	dir := t.TempDir()
	openIn(t, dir)
	path := filepath.Join(dir, File)
	db, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for i, what := range []any{"", nil, "plain", "Ünïcode\x00and more", []byte{0, 1, 2}, []byte{}, strings.Repeat("long ", 5000)} {
		for _, n := range []int64{0, -1, 1<<63 - 1, -1 << 63} {
			if _, err := db.Exec("insert into member (account, person, source, at, first, said) values (?, ?, ?, ?, 0, 0)", []byte{byte(i)}, fmt.Sprint(n), what, n); what == nil {
				if err == nil {
					t.Fatal("a null was taken")
				}
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	const text = "select at, source, account, (select null) from member where at > $1 order by account, at"
	s := &scanner{path: path}
	defer s.Close()
	read := func(scan func(text string, args []int64, f func(sqlstore.Cells) error) error) (out []string) {
		t.Helper()
		for range 2 { // the second time with the statement that there is
			out = nil
			if err := scan(text, []int64{-5}, func(c sqlstore.Cells) error {
				out = append(out, fmt.Sprintf("%d %q %q %v", c.Number(0), c.Bytes(1), c.Bytes(2), c.Bytes(3) == nil))
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
		return out
	}
	got := read(s.Scan)
	want := read(func(text string, args []int64, f func(sqlstore.Cells) error) error {
		return sqlstore.ScanByDriver(t.Context(), db, text, args, f)
	})
	if len(want) != 18 || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%d and %d rows:\n%.3000s\nwant\n%.3000s", len(got), len(want), got, want)
	}

	stop := errors.New("enough")
	if err := s.Scan(text, []int64{-5}, func(sqlstore.Cells) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("a scan that is stopped ends with %v", err)
	}
	if got := read(s.Scan); len(got) != len(want) {
		t.Errorf("after a scan that was stopped the next has %d rows", len(got))
	}
	if err := s.Scan("select nothing from nowhere", nil, nil); err == nil {
		t.Error("a statement that makes no sense is taken")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Scan(text, []int64{0}, nil); err == nil {
		t.Error("a scanner that is closed reads")
	}
	if err := (&scanner{path: filepath.Join(dir, "none", File)}).Scan(text, []int64{0}, nil); (engine{}).Trouble(err) == "" {
		t.Errorf("a file that cannot be opened is no trouble: %v", err)
	}
}
