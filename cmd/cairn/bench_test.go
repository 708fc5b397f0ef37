package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestTheDoorBenchCountsWhatWasAcceptedAndNeverRepeatsAnID(t *testing.T) {
	var mu sync.Mutex
	seen, twice, strangers := map[string]bool{}, 0, 0
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct {
			Batch []struct{ MessageID string }
		}
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if key, _, _ := r.BasicAuth(); key != "wk" || r.URL.Path != "/v1/batch" {
			strangers++
		}
		for _, e := range body.Batch {
			if seen[e.MessageID] {
				twice++
			}
			seen[e.MessageID] = true
		}
		io.WriteString(w, `{"success":true,"rejected":[{"index":0}]}`)
	}))
	defer door.Close()
	got := run(t, "", "bench", "door", "--url", door.URL, "--key", "wk", "--senders", "3", "--batch", "10", "--for", "100ms", "--json")
	var r doorResult
	if err := json.Unmarshal([]byte(got.out), &r); err != nil {
		t.Fatal(err, got)
	}
	if twice > 0 || strangers > 0 || int64(len(seen)) != r.Events+r.Rejected || r.Rejected != r.Batches || r.Events == 0 || r.P99 < r.P50 {
		t.Errorf("got %+v; %d ids, %d twice, %d strangers", r, len(seen), twice, strangers)
	}
}

func TestTheDoorBenchStopsAtARefusal(t *testing.T) {
	door := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "bad key", http.StatusUnauthorized)
	}))
	defer door.Close()
	got := run(t, "", "bench", "door", "--url", door.URL, "--key", "wrong", "--for", "1m")
	if got.code != 5 || !strings.Contains(got.err, "401 Unauthorized") {
		t.Errorf("got %+v", got)
	}
}
