package app

import (
	"context"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"cairn/internal/config"
	"cairn/internal/store/storetest"
)

// An outage takes from a running Cairn what it keeps its data in, and gives it
// back. The processes are left alone: they must go on by themselves.
type outage struct {
	name       string
	begin, end func()
	reads      bool // what is there can be read meanwhile
	hands      bool // the processes must be stopped before it can end
}

// suffer goes through an outage under load. While it lasts every server says
// so with 503, Retry-After and a sentence; see [storm.post].
func (s *storm) suffer(o outage, lasts time.Duration) {
	s.t.Helper()
	time.Sleep(time.Second)
	before := s.answered()
	o.begin()
	time.Sleep(lasts)
	if o.reads {
		s.read()
	}
	during := s.answered()
	if o.hands {
		for _, p := range s.nodes {
			p.kill()
		}
	}
	o.end()
	if o.hands {
		for _, p := range s.nodes {
			p.start(s.t)
		}
	}
	ended := time.Now()
	s.mu.Lock()
	refused := s.answers[http.StatusServiceUnavailable]
	s.mu.Unlock()
	if refused == 0 {
		s.t.Errorf("%s: nobody was told to come again; answers %v", o.name, s.answers)
	}
	for s.answered() <= during {
		if time.Since(ended) > 20*time.Second {
			s.t.Fatalf("%s: nothing is accepted 20 seconds after its end\n%s", o.name, s.logs())
		}
		time.Sleep(10 * time.Millisecond)
	}
	s.t.Logf("%s: %d batches before, %d during, accepted again after %v, %d told to come again",
		o.name, before, during-before, time.Since(ended).Round(10*time.Millisecond), refused)
}

func (s *storm) answered() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.answers[http.StatusOK]
}

// read looks at a page.
func (s *storm) read() {
	s.t.Helper()
	resp, err := s.hc.Get("http://" + s.nodes[0].addr + "/signin")
	if err != nil {
		s.t.Error(err)
		return
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); resp.StatusCode != http.StatusOK || !strings.Contains(string(body), "Sign in") {
		s.t.Errorf("a page gives %d, %v", resp.StatusCode, err)
	}
}

func TestADatabaseThatGoesAwayIsWaitedFor(t *testing.T) {
	address := storetest.PostgresURL(t)
	name := address[strings.LastIndex(address, "/")+1:]
	name, _, _ = strings.Cut(name, "?")
	do := func(statements ...string) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c, err := pgx.Connect(ctx, os.Getenv("CAIRN_TEST_POSTGRES"))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(ctx)
		for _, text := range statements {
			if _, err := c.Exec(ctx, text); err != nil {
				t.Fatal(text, err)
			}
		}
	}
	cut := "select pg_terminate_backend(pid) from pg_stat_activity where datname = '" + name + "'"
	outages := []outage{
		{"no connections", func() { do("alter database "+name+" allow_connections false", cut) }, func() { do("alter database " + name + " allow_connections true") }, false, false},
		{"connections cut", func() { do(cut) }, func() { do(cut) }, false, false},
		{"read-only", func() { do("alter database "+name+" set default_transaction_read_only = on", cut) }, func() {
			do("alter database "+name+" reset default_transaction_read_only", cut)
		}, true, false},
	}
	s := newStorm(t, config.Config{Database: address}, "serve", "work")
	s.blow(func() {
		for _, o := range outages {
			s.suffer(o, 2*time.Second)
		}
	})
}
