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

// The account's turn may come between the commit of the door and the fold, and
// again between two batches of one file.
func TestHistoryThatArrivesInBatchesWhileTheStagesRunDecidesNothing(t *testing.T) {
	a, err := New(t.Context(), config.Config{Data: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	now := a.Clock.Now()
	turns := turn.Turner{Store: a.Store, Definitions: a.definitions}
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
		if _, err := turns.Beat(t.Context(), now); err != nil {
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
