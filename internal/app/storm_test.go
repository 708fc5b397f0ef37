package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/config"
	"cairn/internal/ingest"
	sig "cairn/internal/signal"
	"cairn/internal/store/storetest"
	"cairn/internal/turn"
)

// A storm is a Cairn of one or several processes under load, which are killed
// at random, put to sleep and started again. What it ends with is compared
// with what the senders were told, and with a count of the log by hand.
// CAIRN_TEST_STORM_KILLS and CAIRN_TEST_STORM_PAUSE say how often and how far
// apart; scripts/storm-test says more than a commit can wait for.
type storm struct {
	t     *testing.T
	cfg   config.Config
	nodes []*process
	key   string
	hc    *http.Client

	stop     atomic.Bool
	mu       sync.Mutex
	sent     map[cairn.EventID]string // account
	accepted map[cairn.EventID]bool
	tries    int // requests that were not answered with 200
	answers  map[int]int
}

// stormNode is what a child process of a storm does.
func stormNode(kind string) error {
	cfg, err := config.Load(nil, os.Environ(), "")
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: cfg.LogLevel}))
	if kind == "work" {
		return RunWorker(ctx, cfg, log)
	}
	return Run(ctx, cfg, log)
}

// A process is one of a storm. It is killed and started by one goroutine.
type process struct {
	kind string // serve or work
	addr string // of a server
	env  []string
	cmd  *exec.Cmd
	log  *bytes.Buffer
	gone chan error
}

func (p *process) start(t *testing.T) {
	t.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), p.env...)
	p.log = new(bytes.Buffer)
	p.cmd.Stderr = p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p.gone = make(chan error, 1)
	go func() { p.gone <- p.cmd.Wait() }()
}

// kill ends the process as a power cut would end it.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.gone
}

// newStorm starts processes of kinds: serve, work, and serves for one that
// leaves the stages to others.
func newStorm(t *testing.T, cfg config.Config, kinds ...string) *storm {
	t.Helper()
	s := &storm{
		t: t, cfg: cfg, sent: map[cairn.EventID]string{}, accepted: map[cairn.EventID]bool{}, answers: map[int]int{},
		hc: &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 16}},
	}
	a, err := New(t.Context(), cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, s.key, err = a.Store.AddKey(t.Context(), cairn.House, ingest.Key{Source: "segment", Name: "Storm"}, time.Now()); err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		p := &process{kind: kind, env: []string{"CAIRN_TEST_NODE=" + kind, "CAIRN_DATA=" + cfg.Data, "CAIRN_LOG_LEVEL=warn"}}
		if !cfg.Embedded() {
			p.env = append(p.env[:1], "CAIRN_DATABASE="+cfg.Database, "CAIRN_LOG_LEVEL=warn")
		}
		if kind != "work" {
			p.addr = freeAddress(t)
			p.env = append(p.env, "CAIRN_LISTEN="+p.addr, "CAIRN_NO_WORK="+strconv.FormatBool(kind == "serves"))
		}
		s.nodes = append(s.nodes, p)
		p.start(t)
	}
	t.Cleanup(func() {
		s.stop.Store(true)
		for _, p := range s.nodes {
			p.cmd.Process.Signal(syscall.SIGCONT)
			p.cmd.Process.Kill()
		}
	})
	return s
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

var stormNames = []string{"Report Created", "Report Shared", "Shift Planned", "Export Made"}

// batch makes events that no other batch has, of the last five days, and
// notes them.
func (s *storm) batch(r *rand.Rand, sender, n int) (body []byte, ids []cairn.EventID) {
	var events []map[string]any
	for i := range 20 {
		id := fmt.Sprintf("storm-%d-%d-%d", sender, n, i)
		acct := r.IntN(40)
		key := fmt.Sprintf("storm-account-%d", acct)
		events = append(events, map[string]any{
			"type": "track", "messageId": id, "userId": fmt.Sprintf("storm-user-%d-%d", acct, r.IntN(7)), "event": stormNames[r.IntN(len(stormNames))],
			"timestamp": time.Now().Add(-time.Duration(r.IntN(5*24*3600)) * time.Second).UTC().Format(time.RFC3339Nano),
			"context":   map[string]any{"groupId": key},
		})
		event := cairn.EventID{ID: cairn.HashID("event", "segment", id)}
		ids = append(ids, event)
		s.mu.Lock()
		s.sent[event] = key
		s.mu.Unlock()
	}
	body, _ = json.Marshal(map[string]any{"batch": events})
	return body, ids
}

// send posts batches until the storm stops: again until it is told 200, or
// now and then not again, so that nobody knows what became of the batch.
func (s *storm) send(sender int) {
	r := rand.New(rand.NewPCG(uint64(sender), uint64(time.Now().UnixNano())))
	for n := 0; !s.stop.Load(); n++ {
		body, ids := s.batch(r, sender, n)
		for try := 0; ; try++ {
			status, err := s.post(r, body)
			s.mu.Lock()
			s.answers[status]++
			if status != http.StatusOK {
				s.tries++
			}
			s.mu.Unlock()
			if status == http.StatusOK {
				if err != nil {
					s.t.Errorf("a batch was refused: %v", err)
				}
				s.mu.Lock()
				for _, id := range ids {
					s.accepted[id] = true
				}
				s.mu.Unlock()
				if r.IntN(20) > 0 {
					break
				}
				continue // a sender that did not hear the answer
			}
			if r.IntN(30) == 0 || s.stop.Load() && try > 200 {
				break // one that loses patience
			}
			time.Sleep(time.Duration(20+r.IntN(80)) * time.Millisecond)
		}
		time.Sleep(time.Duration(r.IntN(20)) * time.Millisecond)
	}
}

// post sends a batch to one of the servers. The status is 0 when there was no
// answer.
func (s *storm) post(r *rand.Rand, body []byte) (status int, err error) {
	var servers []string
	for _, p := range s.nodes {
		if p.addr != "" {
			servers = append(servers, p.addr)
		}
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+servers[r.IntN(len(servers))]+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.SetBasicAuth(s.key, "")
	resp, err := s.hc.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err // the answer broke off: nothing was promised
	}
	if resp.StatusCode == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") == "" {
		s.t.Errorf("503 without Retry-After: %s", text)
	}
	if resp.StatusCode == http.StatusInternalServerError {
		s.t.Errorf("an answer that says nothing: %s", text)
	}
	var said struct {
		Rejected []any `json:"rejected"`
	}
	if resp.StatusCode == http.StatusOK {
		if err := json.Unmarshal(text, &said); err != nil || len(said.Rejected) > 0 {
			return resp.StatusCode, fmt.Errorf("%s %w", text, err)
		}
	}
	return resp.StatusCode, nil
}

// rage kills so many processes, one after the other, and starts them again.
// Where there are several, one of four is put to sleep for longer than a lease
// instead, and wakes up to find that it was taken for dead.
func (s *storm) rage(kills int, pause time.Duration) (killed, slept int) {
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 2))
	for n := range kills {
		time.Sleep(pause/2 + time.Duration(r.Int64N(int64(pause))))
		p := s.nodes[r.IntN(len(s.nodes))]
		if len(s.nodes) > 1 && n%4 == 1 {
			slept++
			p.cmd.Process.Signal(syscall.SIGSTOP)
			time.Sleep(5 * time.Second)
			p.cmd.Process.Signal(syscall.SIGCONT)
			continue
		}
		killed++
		p.kill()
		time.Sleep(time.Duration(r.IntN(700)) * time.Millisecond)
		p.start(s.t)
	}
	return killed, slept
}

// standing asks a running Cairn how it stands.
func (s *storm) standing() (Standing, error) {
	if s.cfg.Embedded() {
		if !served(s.t.Context(), s.cfg.Data) {
			return Standing{}, errNoServer
		}
		l, err := Connect(s.t.Context(), s.cfg.Data, "test", nil)
		if err != nil {
			return Standing{}, err
		}
		defer l.Close()
		return Call(s.t.Context(), l, Standings, None{}, nil)
	}
	a, err := New(s.t.Context(), s.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return Standing{}, err
	}
	defer a.Close()
	return a.Standing(s.t.Context())
}

// settle waits until nothing lags and nothing is leased.
func (s *storm) settle() {
	s.t.Helper()
	start := time.Now()
	for {
		st, err := s.standing()
		lag := int64(0)
		for _, g := range st.Stages {
			lag += g.Lag
		}
		turns := 0
		for _, n := range st.Nodes {
			turns += n.Turns
		}
		if err == nil && lag == 0 && turns == 0 {
			s.t.Logf("settled %v after the last event", time.Since(start).Round(time.Millisecond))
			return
		}
		if time.Since(start) > 60*time.Second {
			s.t.Fatalf("nothing settles: %+v, %v\n%s", st, err, s.logs())
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// logs is what the processes that run now have said.
func (s *storm) logs() string {
	var b bytes.Buffer
	for _, p := range s.nodes {
		p.cmd.Process.Kill()
		<-p.gone
		p.gone <- nil
		fmt.Fprintf(&b, "%s:\n%s\n", p.kind, p.log)
	}
	return b.String()
}

// end stops the processes as an operator would.
func (s *storm) end() {
	s.t.Helper()
	for _, p := range s.nodes {
		p.cmd.Process.Signal(syscall.SIGTERM)
	}
	for _, p := range s.nodes {
		if err := <-p.gone; err != nil {
			s.t.Errorf("%s ended with %v:\n%s", p.kind, err, p.log)
		}
	}
}

// A recount is what the log says of one account, counted by hand.
type recount struct {
	Events  int64
	Tallies map[sig.Key]handTally
}

type handTally struct {
	N      int64
	People int
}

// check compares the log with what the senders were told, and what was
// measured with the log.
func (s *storm) check() {
	t := s.t
	t.Helper()
	ctx := t.Context()
	a, err := New(ctx, s.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	there := map[cairn.EventID]int{}
	want := map[cairn.AccountID]*recount{}
	people := map[cairn.AccountID]map[sig.Key]map[cairn.PersonID]bool{}
	for p := range cairn.Partitions {
		for n := int64(0); ; {
			events, err := a.Store.After(ctx, p, n, 5000)
			if err != nil {
				t.Fatal(err)
			}
			if len(events) == 0 {
				break
			}
			for _, e := range events {
				if n++; e.Pos.N != n {
					t.Fatalf("partition %d has a gap before %v", p, e.Pos)
				}
				if e.Kind != cairn.Track {
					continue
				}
				there[e.ID]++
				if _, ok := s.sent[e.ID]; !ok {
					t.Fatalf("the log has %v, which nobody sent", e.ID)
				}
				if want[e.Account] == nil {
					want[e.Account], people[e.Account] = &recount{Tallies: map[sig.Key]handTally{}}, map[sig.Key]map[cairn.PersonID]bool{}
				}
				want[e.Account].Events += e.N
				k := sig.Key{Day: cairn.DayOf(e.At, time.UTC), Name: e.Name}
				if people[e.Account][k] == nil {
					people[e.Account][k] = map[cairn.PersonID]bool{}
				}
				people[e.Account][k][e.Person] = true
				h := want[e.Account].Tallies[k]
				want[e.Account].Tallies[k] = handTally{h.N + e.N, len(people[e.Account][k])}
			}
		}
	}
	for id := range s.accepted {
		if there[id] == 0 {
			t.Errorf("%v was answered with 200 and is not in the log", id)
		}
	}
	for id, n := range there {
		if n != 1 {
			t.Errorf("%v is in the log %d times", id, n)
		}
	}
	if len(s.accepted) < 1000 {
		t.Errorf("only %d events were accepted, which shows little", len(s.accepted))
	}
	page, err := a.Store.Accounts(ctx, cairn.Everything, account.Query{Limit: 500})
	if err != nil || len(page.Accounts) != len(want) {
		t.Errorf("there are %d accounts, want %d, %v", len(page.Accounts), len(want), err)
	}
	now := time.Now().UTC()
	for id, w := range want {
		state, err := a.Store.State(ctx, id, now, now)
		if err != nil {
			t.Fatal(err)
		}
		got := recount{Events: w.Events, Tallies: map[sig.Key]handTally{}}
		for k, tally := range state.Tallies {
			got.Tallies[k] = handTally{tally.N, int(tally.People.GetCardinality())}
		}
		if diff := cmp.Diff(*w, got); diff != "" {
			t.Errorf("the tallies of %v are not what the log says (-log +tallies)\n%s", id, diff)
		}
		l, err := a.Store.Load(ctx, turn.Due{Account: id}, now)
		if err != nil || l.Prev == nil {
			t.Errorf("%v was not measured, %v", id, err)
			continue
		}
		if n, ok := l.Prev.Signals.Number("usage.events_28d"); !ok || int64(n) != w.Events {
			t.Errorf("the vector of %v knows of %v events, the log of %d", id, n, w.Events)
		}
	}
	t.Logf("%d events in the log, %d answered with 200, %d sent; answers %v", len(there), len(s.accepted), len(s.sent), s.answers)
}

// stormy runs a storm that kills.
func stormy(t *testing.T, cfg config.Config, kinds ...string) {
	kills, pause := 5, 800*time.Millisecond
	if n, err := strconv.Atoi(os.Getenv("CAIRN_TEST_STORM_KILLS")); err == nil {
		kills = n
	}
	if d, err := time.ParseDuration(os.Getenv("CAIRN_TEST_STORM_PAUSE")); err == nil {
		pause = d
	}
	s := newStorm(t, cfg, kinds...)
	s.blow(func() {
		killed, slept := s.rage(kills, pause)
		t.Logf("%d kills, %d naps", killed, slept)
	})
}

// blow has senders send while something happens, and checks what is left.
func (s *storm) blow(happens func()) {
	s.ready()
	var senders sync.WaitGroup
	for i := range 4 {
		senders.Go(func() { s.send(i) })
	}
	happens()
	s.ready()
	s.stop.Store(true)
	senders.Wait()
	s.settle()
	s.end()
	s.check()
}

// ready waits until every server answers.
func (s *storm) ready() {
	s.t.Helper()
	end := time.Now().Add(30 * time.Second)
	for _, p := range s.nodes {
		for p.addr != "" {
			resp, err := http.Get("http://" + p.addr + "/readyz")
			if err == nil {
				resp.Body.Close()
				if resp.StatusCode == http.StatusOK {
					break
				}
			}
			if time.Now().After(end) {
				s.t.Fatalf("%s is not ready: %v\n%s", p.kind, err, s.logs())
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
}

func TestAStormLosesNothingAndCountsNothingTwice(t *testing.T) {
	pg := func(t *testing.T) config.Config { return config.Config{Database: storetest.PostgresURL(t)} }
	tests := []struct {
		name  string
		cfg   func(t *testing.T) config.Config
		kinds []string
	}{
		{"SQLite", func(t *testing.T) config.Config { return config.Config{Data: t.TempDir()} }, []string{"serve"}},
		{"PostgreSQL", pg, []string{"serve"}},
		{"AServerAndTwoWorkers", pg, []string{"serve", "work", "work"}},
		{"TwoServersAndAWorker", pg, []string{"serves", "serve", "work"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { stormy(t, tt.cfg(t), tt.kinds...) })
	}
}
