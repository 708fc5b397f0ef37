package app

import (
	"context"
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/config"
	"cairn/internal/demo"
)

func TestEqualSeedsGiveIdenticalLogs(t *testing.T) {
	o := demo.Options{Accounts: 6, Months: 2, Seed: 7, Until: "2026-06-01"}
	one, two := demoLog(t, o), demoLog(t, o)
	if len(one) < 200 {
		t.Fatalf("the demo's log has only %d events", len(one))
	}
	tasks := 0
	for _, e := range one {
		if e.Kind == cairn.OfTask {
			tasks++
		}
	}
	if tasks == 0 {
		t.Error("nothing was decided in the demo's past")
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("(-first +second)\n%s", diff)
	}
	o.Seed = 8
	if cmp.Equal(one, demoLog(t, o)) {
		t.Error("another seed gives the same log")
	}
}

// demoLog feeds a demo into a workspace of its own and returns its log.
func demoLog(t *testing.T, o demo.Options) []cairn.Event {
	t.Helper()
	ctx := context.Background()
	a, err := New(ctx, config.Config{Data: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := a.Feed(ctx, o, func(Progress) {}); err != nil {
		t.Fatal(err)
	}
	var out []cairn.Event
	for p := range cairn.Partitions {
		es, err := a.Store.After(ctx, p, 0, 100_000)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, es...)
	}
	return out
}
