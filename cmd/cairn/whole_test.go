package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// serveWhole runs the whole server on dir until stop is called, which returns
// its exit code.
func serveWhole(t *testing.T, dir string) (url string, stop func() int) {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	free.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() {
		c := &cli{in: strings.NewReader(""), out: io.Discard, err: io.Discard}
		ended <- c.run(ctx, []string{"serve", "--data", dir, "--listen", addr})
	}()
	stop = func() int { cancel(); return <-ended }
	until := time.Now().Add(30 * time.Second)
	for time.Now().Before(until) {
		if resp, err := http.Get("http://" + addr + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return "http://" + addr, stop
			}
		}
		select {
		case code := <-ended:
			t.Fatalf("the server ended with %d", code)
		case <-time.After(10 * time.Millisecond):
		}
	}
	t.Fatal("the server was not ready within 30 s")
	return "", nil
}

func TestCommandsWorkWithAServerAndWithoutOne(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file := filepath.Join(t.TempDir(), "accounts.csv")
	if err := os.WriteFile(file, []byte("account_id,name,owner\nacme,Acme,ann@example.com\nbolt,Bolt,\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	importing := []string{"import", file, "--kind", "accounts", "--as-of", "2026-01-01", "--json", "--data", dir}
	var counts struct{ Read, Accepted, Duplicate, Rejected int }

	// Nobody serves: the command opens the store itself.
	got := run(t, "", importing...)
	if err := json.Unmarshal([]byte(got.out), &counts); err != nil || counts.Read != 2 || counts.Accepted != 2 {
		t.Fatalf("the first import gave %+v", got)
	}
	url, stop := serveWhole(t, dir)

	// A server does: the same commands work through it.
	got = run(t, "", importing...)
	if err := json.Unmarshal([]byte(got.out), &counts); err != nil || counts.Duplicate != 2 || counts.Accepted != 0 {
		t.Errorf("the second import gave %+v", got)
	}
	key := strings.TrimSpace(run(t, "", "source", "key", "bench", "--data", dir).out)
	got = run(t, "", "bench", "door", "--url", url, "--key", key, "--senders", "2", "--batch", "5", "--accounts", "3", "--for", "200ms", "--json")
	var sent doorResult
	if err := json.Unmarshal([]byte(got.out), &sent); err != nil || sent.Events == 0 || sent.Rejected != 0 {
		t.Errorf("the bench gave %+v", got)
	}
	if code := stop(); code != 0 {
		t.Errorf("the server ended with %d", code)
	}

	// And it is all there afterwards.
	got = run(t, "", "accounts", "--json", "--data", dir)
	var l listed
	if err := json.Unmarshal([]byte(got.out), &l); err != nil || l.Total < 3 {
		t.Errorf("accounts gave %+v", got)
	}
	got = run(t, "", "vector", "bench-account-0", "--data", dir)
	if got.code != 0 || !strings.Contains(got.out, "Level ") {
		t.Errorf("vector gave %+v", got)
	}
	got = run(t, "", "rebuild", "fold", "--data", dir)
	if got.code != 0 {
		t.Errorf("rebuild gave %+v", got)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".sock") || strings.HasPrefix(e.Name(), ".") {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}
