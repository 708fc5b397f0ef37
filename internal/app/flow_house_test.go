package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	"cairn"
	"cairn/internal/config"
	"cairn/internal/demo"
	"cairn/internal/work"
)

// atEnd is what TestMain does when all tests have ended.
var atEnd []func()

// A site is a whole Cairn that people use over HTTP: a real store in a
// temporary directory, a real server, and the stages running.
type site struct {
	*App
	url, mail, password string
}

// serve opens a Cairn on a directory and serves it until the test ends. With a
// moment, the workspace's clock starts there.
func serve(t *testing.T, dir string, now time.Time) *site {
	t.Helper()
	a, err := New(t.Context(), config.Config{Data: dir}, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	if !now.IsZero() {
		t.Cleanup(startClock(a.Clock, now))
	}
	srv := httptest.NewServer(a.Handler())
	t.Cleanup(srv.Close)
	a.flow.Start(t.Context())
	return &site{App: a, url: srv.URL}
}

// startClock lets c go on from a moment as fast as the machine's, and returns
// what stops it.
func startClock(c *Clock, from time.Time) (stop func()) {
	c.Set(from)
	began, tick, end := time.Now(), time.NewTicker(time.Millisecond), make(chan struct{})
	var gone sync.WaitGroup
	gone.Go(func() {
		for {
			select {
			case <-tick.C:
				c.Set(from.Add(time.Since(began)))
			case <-end:
				return
			}
		}
	})
	return func() { tick.Stop(); close(end); gone.Wait() }
}

// A told is a demo company whose history has been told, and the sign-in of the
// one there who has most to do.
type told struct {
	dir, mail, password string
	now                 time.Time // the morning after
}

// toldDemo tells the history of a small demo company, once for all tests.
var toldDemo = sync.OnceValues(func() (told, error) {
	dir, err := os.MkdirTemp("", "cairn-demo-")
	if err != nil {
		return told{}, err
	}
	atEnd = append(atEnd, func() { os.RemoveAll(dir) })
	ctx := context.Background()
	a, err := New(ctx, config.Config{Data: dir}, slog.New(slog.DiscardHandler))
	if err != nil {
		return told{}, err
	}
	defer a.Close()
	d := told{dir: dir, password: "a password to test with", now: time.Date(2025, 3, 4, 9, 0, 0, 0, time.UTC)}
	if _, err := a.Feed(ctx, demo.Options{Accounts: 24, Months: 4, Seed: 1, Until: "2025-03-04"}, func(Progress) {}); err != nil {
		return told{}, err
	}
	if d.mail, err = busiest(ctx, a, d.now); err != nil {
		return told{}, err
	}
	return d, a.Auth.SetPassword(ctx, cairn.House, d.mail, d.password)
})

// busiest is the owner of most open tasks.
func busiest(ctx context.Context, a *App, now time.Time) (mail string, err error) {
	items, err := a.Store.Tasks(ctx, cairn.Everything, work.Query{}, now)
	open := map[string]int{}
	for _, i := range items {
		open[i.Task.Owner]++
		if open[i.Task.Owner] > open[mail] {
			mail = i.Task.Owner
		}
	}
	if err == nil && mail == "" {
		err = errors.New("the demo company has no open task")
	}
	return mail, err
}

// quillmere serves a copy of the small demo company, on the morning after its
// history ends.
func quillmere(t *testing.T) *site {
	t.Helper()
	d, err := toldDemo()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(d.dir)); err != nil {
		t.Fatal(err)
	}
	s := serve(t, dir, d.now)
	s.mail, s.password = d.mail, d.password
	return s
}
