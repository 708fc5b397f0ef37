package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/app"
	"cairn/internal/config"
	"cairn/internal/ingest"
)

func TestAnImportGoesOnWhereTheWorkspaceSaysItWasBrokenOff(t *testing.T) {
	dir, file := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "f.ndjson")
	var text strings.Builder
	for i := range 10 {
		fmt.Fprintf(&text, `{"type":"track","messageId":"m-%d","userId":"zoe","event":"Clicked","timestamp":"2024-01-01T10:00:00Z","context":{"groupId":"acme"}}`+"\n", i)
	}
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	id, err := (&importRun{source: "import", kind: "messages"}).identity(file, int64(text.Len()))
	if err != nil {
		t.Fatal(err)
	}
	brokenOff := func(rows int64) {
		t.Helper()
		l, err := app.Dial(t.Context(), config.Config{Data: dir}, "test", slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		_, err = app.Call(t.Context(), l, app.ImportReached, app.ImportMark{File: id, Mark: ingest.Mark{Report: ingest.Report{Read: rows, Accepted: rows}}}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	imported := func(want ingest.Report, goingOn bool, more ...string) {
		t.Helper()
		got := run(t, "", append([]string{"import", file, "--kind", "messages", "--json", "--data", dir}, more...)...)
		var r ingest.Report
		if err := json.Unmarshal([]byte(got.out), &r); err != nil || got.code != 0 {
			t.Fatalf("%+v, %v", got, err)
		}
		if diff := cmp.Diff(want, r); diff != "" || strings.Contains(got.err, "going on after row 4,") != goingOn {
			t.Errorf("(-want +got)\n%s%s", diff, got.err)
		}
	}
	brokenOff(4) // as if the first rows had been taken
	imported(ingest.Report{Read: 10, Accepted: 10}, true)
	// It came to its end, so that the next one begins anew and finds the first
	// rows missing.
	imported(ingest.Report{Read: 10, Accepted: 4, Duplicate: 6}, false)
	brokenOff(4)
	imported(ingest.Report{Read: 10, Duplicate: 10}, false, "--from-start")
	// Under another source it is another import.
	brokenOff(4)
	imported(ingest.Report{Read: 10, Accepted: 10}, false, "--source", "other")
}
