package app

import (
	"database/sql"
	"fmt"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"cairn"
	"cairn/internal/config"
	"cairn/internal/ingest"
	"cairn/internal/store/sqlite"
)

func TestAfterAKillTheStagesGoOnAtOnceAndNotWhenLeasesEnd(t *testing.T) {
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	open := func() *App {
		t.Helper()
		a, err := New(t.Context(), config.Config{Data: dir}, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Settle(t.Context(), a.Clock.Now()); err != nil {
			t.Fatal(err)
		}
		return a
	}
	a := open()
	_, err := a.Door.Admit(t.Context(), ingest.Source{Name: "import"}, []ingest.Record{
		{Kind: cairn.Track, Name: "Clicked", Keys: cairn.Keys{Account: "acme", Person: "zoe"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	killed(t, filepath.Join(dir, sqlite.File))
	a = open()
	defer a.Close()
	standing, err := a.Standing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range standing.Stages {
		if s.Lag != 0 {
			t.Errorf("%s lags by %d", s.Name, s.Lag)
		}
	}
}

// killed leaves the leases as a process leaves them that could not give them
// back.
func killed(t *testing.T, path string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	until := time.Now().Add(time.Hour).UnixMicro()
	for _, q := range []string{
		fmt.Sprint("insert into node (name, kind, works, since, until) values ('elsewhere/1', 'serve', 1, 0, ", until, ")"),
		"update cursor set node = 'elsewhere/1', lease = lease + 1",
		"update due set node = 'elsewhere/1', lease = lease + 1",
	} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
}
