package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

// fakeStages stands for stages that can be rebuilt.
type fakeStages struct{ err error }

func (f fakeStages) Standing(context.Context) (Standing, error) {
	return Standing{Stages: []Stage{{Name: "fold", Unit: "events", Position: 12, Lag: 3}}}, f.err
}

func (f fakeStages) Rebuild(ctx context.Context, stage string, say func(done, of int64)) error {
	say(1, 2)
	say(2, 2)
	return f.err
}

// serving runs a server of h on dir until the test ends.
func serving(t *testing.T, dir string, h House) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	up, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- ServeDir(ctx, dir, slog.New(slog.DiscardHandler),
			func() (House, func() error, error) { return h, func() error { return nil }, nil },
			func(ctx context.Context) error { close(up); <-ctx.Done(); return nil })
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
	select {
	case <-up:
	case err := <-ended:
		t.Fatalf("the server did not start: %v", err)
	}
}

func link(t *testing.T, dir string, h House) *Link {
	t.Helper()
	l, err := Connect(t.Context(), dir, "cairn test", func() (House, func() error, error) {
		return h, func() error { return nil }, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func TestACommandWorksThroughTheRunningServer(t *testing.T) {
	// The second is longer than a socket address may be.
	for _, dir := range []string{t.TempDir(), filepath.Join(t.TempDir(), strings.Repeat("long/", 40))} {
		serving(t, dir, House{Version: "the server", Stages: fakeStages{}})
		info, err := os.Stat(filepath.Join(dir, SocketName))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Fatalf("socket: %v, %v, want mode 0600", info, err)
		}
		l := link(t, dir, House{Version: "the command"})
		if !l.Remote() {
			t.Error("the command opened the store itself")
		}
		got, err := Call(t.Context(), l, Ping, None{}, nil)
		if err != nil || got != "the server" {
			t.Errorf("got %q, %v", got, err)
		}
		standing, err := Call(t.Context(), l, Standings, None{}, nil)
		want, _ := fakeStages{}.Standing(t.Context())
		if diff := cmp.Diff(want, standing); err != nil || diff != "" {
			t.Error("(-want +got)", diff, err)
		}
	}
}

func TestACommandOpensTheStoreItselfWhenNoServerRuns(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	l := link(t, dir, House{Version: "the command"})
	got, err := Call(t.Context(), l, Ping, None{}, nil)
	if l.Remote() || err != nil || got != "the command" {
		t.Errorf("got %q, %v, remote %v", got, err, l.Remote())
	}
}

func TestProgressComesBeforeTheAnswer(t *testing.T) {
	dir := t.TempDir()
	serving(t, dir, House{Stages: fakeStages{}})
	var got []Progress
	_, err := Call(t.Context(), link(t, dir, House{}), Rebuild, "fold", func(p Progress) { got = append(got, p) })
	want := []Progress{
		{What: "Rebuilding fold", Done: 1, Of: 2, Unit: "events"},
		{What: "Rebuilding fold", Done: 2, Of: 2, Unit: "events"},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Error("(-want +got)", diff, err)
	}
}

func TestAnErrorKeepsKindFieldAndTextButNotItsCause(t *testing.T) {
	dir := t.TempDir()
	refused := cairn.Errorf(cairn.NotFound, "There is no stage so named.").At("stage").Because(errors.New("secret"))
	serving(t, dir, House{Stages: fakeStages{refused}})
	_, err := Call(t.Context(), link(t, dir, House{}), Rebuild, "none", nil)
	want := &cairn.Error{Kind: cairn.NotFound, Field: "stage", Text: "There is no stage so named."}
	if diff := cmp.Diff(want, err); diff != "" {
		t.Error("(-want +got)", diff)
	}
}

func TestASecondServerIsRefusedWithWhoHoldsTheDirectory(t *testing.T) {
	dir := t.TempDir()
	serving(t, dir, House{})
	err := ServeDir(t.Context(), dir, slog.New(slog.DiscardHandler), nil, nil)
	if cairn.KindOf(err) != cairn.Conflict || !strings.Contains(cairn.TextOf(err), dir) {
		t.Errorf("got %v", err)
	}
	_, err = LockDir(dir, "another")
	if cairn.KindOf(err) != cairn.Conflict || !strings.Contains(cairn.TextOf(err), "cairn serve (process") {
		t.Errorf("got %v", err)
	}
}

func TestALockEndsWithItsHolder(t *testing.T) {
	dir := t.TempDir()
	first, err := LockDir(dir, "cairn import")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := LockDir(dir, "cairn vector"); !strings.Contains(cairn.TextOf(err), "cairn import (process") {
		t.Errorf("got %v", err)
	}
	if err := first.Release(); err != nil {
		t.Fatal(err)
	}
	second, err := LockDir(dir, "cairn vector")
	if err != nil {
		t.Fatal(err)
	}
	second.Release()
}

func TestACommandWaitsForWhoeverHoldsTheDirectoryForAMoment(t *testing.T) {
	dir := t.TempDir()
	lock, err := LockDir(dir, "cairn import")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	got, err := lockPatiently(t.Context(), dir, "cairn vector", func() bool {
		if asked++; asked == 2 {
			lock.Release()
		}
		return false
	})
	if err != nil || got == nil {
		t.Fatalf("got %v, %v", got, err)
	}
	got.Release()
}

func TestTheSocketOfAKilledServerIsReplaced(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, SocketName), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	serving(t, dir, House{Version: "new"})
	got, err := Call(t.Context(), link(t, dir, House{}), Ping, None{}, nil)
	if err != nil || got != "new" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestAnOperationThatTheServerDoesNotKnowNamesTheRemedy(t *testing.T) {
	dir := t.TempDir()
	serving(t, dir, House{})
	newer := Op[None, None]{Name: "newer"}
	_, err := Call(t.Context(), link(t, dir, House{}), newer, None{}, nil)
	if cairn.KindOf(err) != cairn.Conflict || !strings.Contains(cairn.TextOf(err), "Restart it") {
		t.Errorf("got %v", err)
	}
}

func TestNothingIsLeftInTheDirectoryButTheLock(t *testing.T) {
	dir := t.TempDir()
	t.Run("served", func(t *testing.T) { serving(t, dir, House{}) })
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != LockName {
		t.Errorf("got %v, %v", entries, err)
	}
}
