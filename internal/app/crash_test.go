package app

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/config"
	"cairn/internal/ingest"
	"cairn/internal/store/storetest"
	"cairn/internal/work"
)

// The crash test kills a whole Cairn again and again while it admits, folds,
// takes turns and makes tasks, and compares what it ends with to one that was
// never killed. CAIRN_TEST_KILLS says how often; scripts/crash-test says 50.

func TestMain(m *testing.M) {
	if kind := os.Getenv("CAIRN_TEST_NODE"); kind != "" {
		if err := stormNode(kind); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if dir := os.Getenv("CAIRN_CRASH_DATA"); dir != "" {
		if err := crashStory(config.Config{Data: dir, Database: os.Getenv("CAIRN_CRASH_DATABASE")}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	code := m.Run()
	for _, end := range atEnd {
		end()
	}
	os.Exit(code)
}

var crashStart = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// crashStory is the same every time: three weeks of use by ten accounts, with
// contracts and tickets, and then a silence that makes tasks.
func crashStory(cfg config.Config) error {
	ctx := context.Background()
	a, err := New(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	end := crashStart.AddDate(0, 0, 21)
	a.Store.SetLease(300 * time.Millisecond)
	a.Clock.Set(end)
	a.flow.Start(ctx)
	for day := range 21 {
		var recs []ingest.Record
		for n := range 10 {
			at := crashStart.AddDate(0, 0, day).Add(time.Duration(n) * time.Minute)
			keys := cairn.Keys{Account: fmt.Sprintf("acct-%d", n), Person: fmt.Sprintf("person-%d-%d", n, day%4)}
			recs = append(recs, ingest.Record{Kind: cairn.Track, Name: "Report Created", ID: fmt.Sprintf("e-%d-%d", n, day), At: at, Stamp: at, Keys: keys})
			if day == 0 {
				recs = append(recs, ingest.Record{
					Kind: cairn.OfContract, ID: fmt.Sprintf("c-%d", n), At: at, Stamp: at,
					Keys:  cairn.Keys{Account: keys.Account, Record: fmt.Sprintf("contract-%d", n)},
					Props: map[string]any{"mrr": "100.50", "currency": "EUR", "start": "2026-03-01", "renews": "2027-03-01", "seats": 5},
				})
			}
			if day%5 == n%5 {
				recs = append(recs, ingest.Record{
					Kind: cairn.OfTicket, ID: fmt.Sprintf("t-%d-%d", n, day), At: at, Stamp: at,
					Keys:  cairn.Keys{Account: keys.Account, Person: keys.Person, Record: fmt.Sprintf("ticket-%d-%d", n, day)},
					Props: map[string]any{"status": "open", "opened": at.Format(time.RFC3339), "subject": "It is slow"},
				})
			}
		}
		if _, err := a.Door.Admit(ctx, ingest.Source{Name: "product"}, recs); err != nil {
			return err
		}
	}
	a.flow.Stop()
	for day := range 30 {
		midnight := cairn.DayOf(end, time.UTC).Start(time.UTC).AddDate(0, 0, day+1)
		a.Clock.Set(midnight)
		if err := settleFully(ctx, a, midnight); err != nil {
			return err
		}
	}
	return a.Close()
}

// settleFully settles until nothing lags: what a killed node had leased is
// free only when its lease ends.
func settleFully(ctx context.Context, a *App, now time.Time) error {
	for {
		if err := a.Settle(ctx, now); err != nil {
			return err
		}
		st, err := a.Standing(ctx)
		if err != nil {
			return err
		}
		lag := int64(0)
		for _, s := range st.Stages {
			lag += s.Lag
		}
		if lag == 0 {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// An ending is what can be told of a workspace when the story is over.
type ending struct {
	Log     []string
	Vectors map[string]string
	Tasks   map[string]int // open tasks by account and play
}

func endOf(t *testing.T, cfg config.Config) ending {
	t.Helper()
	ctx := context.Background()
	a, err := New(ctx, cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	e := ending{Vectors: map[string]string{}, Tasks: map[string]int{}}
	for p := range cairn.Partitions {
		events, err := a.Store.After(ctx, p, 0, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		for i, ev := range events {
			if ev.Pos.N != int64(i+1) {
				t.Fatalf("partition %d has a gap before %v", p, ev.Pos)
			}
			if ev.Kind != cairn.OfTask { // when a task is made depends on when turns were taken
				e.Log = append(e.Log, fmt.Sprintf("%d %s %s %s", p, ev.ID, ev.Kind, ev.Personal))
			}
		}
	}
	accounts, err := a.Store.Accounts(ctx, cairn.Everything, account.Query{Limit: 500})
	if err != nil {
		t.Fatal(err)
	}
	for _, acct := range accounts.Accounts {
		v, _, err := a.Explain.Explain(ctx, cairn.Everything, acct.ID, crashStart.AddDate(0, 0, 40))
		if err != nil {
			t.Fatal(err)
		}
		e.Vectors[acct.Key] = fmt.Sprintf("%v %v %v %v", v.Level, v.Way, acct.MRR, v.Reasons)
	}
	items, err := a.Store.Tasks(ctx, cairn.Everything, work.Query{Limit: 1000}, crashStart.AddDate(1, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	for _, it := range items {
		e.Tasks[it.Account.Key+" "+it.Task.Play]++
	}
	return e
}

func TestAKilledCairnEndsAsOneThatWasNeverKilled(t *testing.T) {
	t.Run("SQLite", func(t *testing.T) {
		crash(t, func() config.Config { return config.Config{Data: t.TempDir()} })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		crash(t, func() config.Config { return config.Config{Data: t.TempDir(), Database: storetest.PostgresURL(t)} })
	})
}

func crash(t *testing.T, fresh func() config.Config) {
	kills := 5
	if n, err := strconv.Atoi(os.Getenv("CAIRN_TEST_KILLS")); err == nil {
		kills = n
	}
	whole := fresh()
	start := time.Now()
	child(t, whole, 0)
	took := time.Since(start)
	want := endOf(t, whole)
	if len(want.Log) == 0 || len(want.Tasks) == 0 {
		t.Fatalf("the story came to nothing: %d events, tasks %v", len(want.Log), want.Tasks)
	}
	r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 1))
	for left := kills; left > 0; {
		killed := fresh()
		for left > 0 && child(t, killed, time.Duration(float64(took)*(0.1+0.8*r.Float64()))) {
			left--
		}
		child(t, killed, 0)
		if diff := cmp.Diff(want, endOf(t, killed)); diff != "" {
			t.Errorf("%d kills before the last (-never killed +killed)\n%s", left, diff)
		}
	}
}

// child tells the story in a process of its own and kills it after a while
// (0: never). It reports whether it was killed.
func child(t *testing.T, cfg config.Config, after time.Duration) bool {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CAIRN_CRASH_DATA="+cfg.Data, "CAIRN_CRASH_DATABASE="+cfg.Database)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	var timer <-chan time.Time
	if after > 0 {
		timer = time.After(after)
	}
	select {
	case err := <-ended:
		if err != nil {
			t.Fatalf("the child failed: %v", err)
		}
		return false
	case <-timer:
		cmd.Process.Kill()
		<-ended
		return true
	}
}
