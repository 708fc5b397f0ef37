package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"cairn/internal/bench"
)

// A small run shows that what is measured is a rebuild: the command fails when
// tallies come to something else after it, or nothing was swapped in.
func TestARebuildIsMeasuredWithARealServer(t *testing.T) {
	self := filepath.Join(t.TempDir(), "cairn")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", self, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), self, "bench", "rebuild", "--events", "3000", "--accounts", "20", "--days", "3", "--json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var r bench.RebuildResult
	if err := json.Unmarshal(out, &r); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	// 20 accounts × 5 names × 3 days, or 4 where they begin in the afternoon
	if r.Events != 3000 || r.Tallies < 290 || r.Tallies > 400 {
		t.Errorf("%d events and %d tallies", r.Events, r.Tallies)
	}
	if r.Seconds <= 0 || r.EventsPerS <= 0 || r.ScanPerS <= 0 || r.Ratio <= 0 || r.Idle.All.N < 10 || r.MemoryMB[1] == 0 {
		t.Errorf("something was not measured: %+v", r)
	}
}

func TestARebuildOfNothingIsNotMeasured(t *testing.T) {
	for _, args := range [][]string{{"--events", "10"}, {"--accounts", "0"}, {"--days", "0"}} {
		if got := run(t, "", append([]string{"bench", "rebuild"}, args...)...); got.code != 2 {
			t.Errorf("%v gave %+v", args, got)
		}
	}
}
