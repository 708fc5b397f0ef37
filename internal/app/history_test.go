package app

import (
	"log/slog"
	"testing"
	"time"

	"cairn"
	"cairn/internal/config"
	"cairn/internal/ingest"
	"cairn/internal/turn"
	"cairn/internal/work"
)

// A turn may be under way, begun before the fold, while the fold reads what the
// door took; and the next batch of the file comes after.
func TestHistoryThatArrivesInBatchesWhileTheStagesRunDecidesNothing(t *testing.T) {
	a, err := New(t.Context(), config.Config{Data: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	now := a.Clock.Now()
	defs, err := a.definitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for month := range 3 {
		var recs []ingest.Record
		for day := range 20 {
			recs = append(recs, ingest.Record{
				Kind: cairn.Track, Name: "Clicked", At: now.AddDate(-2, month, -day),
				Keys: cairn.Keys{Account: "acme", Person: "zoe"},
			})
		}
		if _, err := a.Door.Admit(t.Context(), ingest.Source{Name: "import", File: true}, recs); err != nil {
			t.Fatal(err)
		}
		early := begin(t, a, defs, now)
		if err := a.Settle(t.Context(), now); err != nil {
			t.Fatal(err)
		}
		if err := a.Store.CommitTurns(t.Context(), early); err != nil {
			t.Fatal(err)
		}
		if err := a.Settle(t.Context(), now); err != nil {
			t.Fatal(err)
		}
	}
	tasks, err := a.Store.Tasks(t.Context(), cairn.Everything, work.Query{}, now.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range tasks {
		t.Errorf("%s: %s", i.Task.Title, i.Task.Why)
	}
}

// begin takes the turns that are due and leaves their results uncommitted.
func begin(t *testing.T, a *App, defs turn.Definitions, now time.Time) (out []turn.Result) {
	t.Helper()
	due, err := a.Store.Due(t.Context(), now, 10)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range due {
		l, err := a.Store.Load(t.Context(), d, now)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, defs.Take(l, nil, now))
	}
	return out
}
