package app

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/config"
	"cairn/internal/ingest"
	"cairn/internal/store/storetest"
	"cairn/internal/work"
)

// A hush is a workspace whose clock is driven through days on which a source
// feeds the usage of twenty accounts, and days on which it is silent.
type hush struct {
	*testing.T
	*App
	now time.Time
	ids []cairn.AccountID
}

const (
	hushed    = "product"
	alsoHeard = "website" // feeds the first account too, and is never silent
)

func newHush(t *testing.T, cfg config.Config) *hush {
	a, err := New(t.Context(), cfg, slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	h := &hush{T: t, App: a, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)} // a Monday
	for _, src := range []ingest.Source{{Name: hushed}, {Name: alsoHeard}} {
		if err := a.Store.SaveSource(t.Context(), cairn.House, src, "", h.now); err != nil {
			t.Fatal(err)
		}
	}
	body := `{"name":"unused","title":"The product lies idle","all":[{"field":"usage.days_since_activity","op":"at_least","value":3}],"play":"` + a.anyPlay(t) + `"}`
	if _, err := a.Store.Write(t.Context(), cairn.House, "rule/unused", 0, []byte(body), "", h.now); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		h.ids = append(h.ids, cairn.Space("").Account(fmt.Sprint("acct-", i)))
	}
	return h
}

// anyPlay is one of the plays that Cairn comes with.
func (a *App) anyPlay(t *testing.T) string {
	defs, err := a.definitions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return slices.Min(slices.Collect(maps.Keys(defs.Plays)))
}

// send lets a source report what people of the accounts did just now.
func (h *hush) send(source string, accounts int) {
	h.Helper()
	var recs []ingest.Record
	for i := range accounts {
		for p := range 3 {
			recs = append(recs, ingest.Record{
				Kind: cairn.Track, Name: fmt.Sprint("Report ", p), At: h.now, Stamp: h.now,
				ID:   fmt.Sprint(source, i, p, h.now.Unix()),
				Keys: cairn.Keys{Account: fmt.Sprint("acct-", i), Person: fmt.Sprint("u-", i, "-", p)},
			})
		}
	}
	src, err := h.Store.Source(h.Context(), source)
	if err != nil {
		h.Fatal(err)
	}
	if _, err := h.Door.Admit(h.Context(), src, recs); err != nil {
		h.Fatal(err)
	}
}

// to drives the clock to a moment and lets the stages settle.
func (h *hush) to(now time.Time) {
	h.Helper()
	h.now = now
	h.Clock.Set(now)
	if err := h.Settle(h.Context(), now); err != nil {
		h.Fatal(err)
	}
}

// day lets a day pass, at the end of which the sources send.
func (h *hush) day(product bool) {
	h.Helper()
	h.to(h.now.AddDate(0, 0, 1))
	if product {
		h.send(hushed, 20)
	}
	h.send(alsoHeard, 1)
	h.to(h.now)
}

// agree states how often the source is expected to send.
func (h *hush) agree(c ingest.Cadence) {
	h.Helper()
	src, err := h.Store.Source(h.Context(), hushed)
	if err != nil {
		h.Fatal(err)
	}
	src.Cadence = &c
	if err := h.Store.SaveSource(h.Context(), cairn.House, src, "", h.now); err != nil {
		h.Fatal(err)
	}
}

// levels are the levels as the turns left them.
func (h *hush) levels() []cairn.Points {
	h.Helper()
	var out []cairn.Points
	for _, id := range h.ids {
		a, err := h.Store.Account(h.Context(), cairn.Everything, id)
		if err != nil {
			h.Fatal(err)
		}
		out = append(out, a.Vector.Level)
	}
	return out
}

// stale returns why the usage of an account is stale as of a moment, by its
// signals and its reasons; empty when it is not.
func (h *hush) stale(i int, at time.Time) string {
	h.Helper()
	v, sig, err := h.Explain.Explain(h.Context(), cairn.Everything, h.ids[i], at)
	if err != nil {
		h.Fatal(err)
	}
	s := sig["usage.active_people_7d"].Stale
	why := ""
	if s != nil {
		why = s.Why
	}
	for _, r := range v.Reasons {
		if strings.HasPrefix(r.Signal, "usage.") && r.Known && (r.Stale != nil) != (s != nil) {
			h.Errorf("account %d at %v: the signal says %q, and the reason is %q", i, at, why, r.Text)
		}
		if r.Stale != nil && !strings.Contains(r.Text, why) {
			h.Errorf("account %d: the reason %q does not say %q", i, r.Text, why)
		}
	}
	return why
}

// number is a signal of an account as measured now.
func (h *hush) number(i int, name string) float64 {
	h.Helper()
	_, sig, err := h.Explain.Explain(h.Context(), cairn.Everything, h.ids[i], h.now)
	if err != nil {
		h.Fatal(err)
	}
	n, _ := sig.Number(name)
	return n
}

func (h *hush) tasks() int {
	h.Helper()
	items, err := h.Store.Tasks(h.Context(), cairn.Everything, work.Query{}, h.now)
	if err != nil {
		h.Fatal(err)
	}
	return len(items)
}

func everyEngine(t *testing.T, run func(t *testing.T, cfg config.Config)) {
	t.Run("SQLite", func(t *testing.T) { run(t, config.Config{Data: t.TempDir()}) })
	t.Run("PostgreSQL", func(t *testing.T) {
		run(t, config.Config{Data: t.TempDir(), Database: storetest.PostgresURL(t)})
	})
}

func TestWhileASourceIsSilentNoLevelFallsAndNoRuleFires(t *testing.T) {
	everyEngine(t, func(t *testing.T, cfg config.Config) {
		h := newHush(t, cfg)
		for range 29 {
			h.day(true)
		}
		h.agree(ingest.Cadence{Hours: 6})
		heard, before, tasks, used := h.now, h.levels(), h.tasks(), h.number(3, "usage.days_active_28d")
		if why := h.stale(3, h.now); why != "" || before[3] == 0 {
			t.Fatalf("before: level %v, stale %q", before[3], why)
		}

		h.to(heard.Add(6 * time.Hour)) // the moment at which it is overdue
		for day := range 7 {
			for i, level := range h.levels() {
				if i > 0 && level < before[i] {
					t.Errorf("day %d: the level of account %d fell from %v to %v", day, i, before[i], level)
				}
			}
			for i := range 20 { // the first has another source that is heard, and is stale all the same
				if why := h.stale(i, h.now); why != "as of 31 Mar, product has been silent since" && day > 0 {
					t.Errorf("day %d: account %d is stale: %q", day, i, why)
				}
			}
			h.day(false)
		}
		if n := h.tasks(); n != tasks {
			t.Errorf("%d tasks became %d", tasks, n)
		}
		alarms, err := h.Store.Alarms(t.Context(), cairn.Everything, hushed, h.now)
		if err != nil || len(alarms) != 1 || alarms[0].Kind != ingest.Silent || !alarms[0].Heard.Equal(heard) || !alarms[0].Began.Equal(heard.Add(6*time.Hour)) || !alarms[0].Ended.IsZero() {
			t.Fatalf("alarms: %+v, %v", alarms, err)
		}

		silent := h.now
		h.to(h.now.Add(time.Hour))
		h.send(hushed, 20)
		h.to(h.now)
		for i, level := range h.levels() {
			if why := h.stale(i, h.now); why != "" {
				t.Errorf("after it spoke again account %d is stale: %q", i, why)
			}
			v, _, err := h.Explain.Explain(t.Context(), cairn.Everything, h.ids[i], h.now)
			if err != nil || v.Level != level {
				t.Errorf("account %d is shown at %v and measured at %v, %v", i, level, v.Level, err)
			}
		}
		if days := h.number(3, "usage.days_active_28d"); days >= used {
			t.Errorf("on %v of 28 days it was used, and it was %v before a week of usage was lost", days, used)
		}
		if n := h.tasks(); n != tasks {
			t.Errorf("when it spoke again %d tasks became %d", tasks, n)
		}
		if alarms, err = h.Store.Alarms(t.Context(), cairn.Everything, hushed, heard); err != nil || len(alarms) != 1 || !alarms[0].Ended.Equal(h.now) {
			t.Errorf("alarms: %+v, %v", alarms, err)
		}
		// The past is seen as it was.
		for at, want := range map[time.Time]bool{heard.Add(5 * time.Hour): false, heard.Add(6 * time.Hour): true, silent: true, h.now: false} {
			if why := h.stale(3, at); (why != "") != want {
				t.Errorf("as of %v it is stale: %q", at, why)
			}
		}
	})
}

// What the test above shows is due to the cadence: without one, levels fall.
func TestASourceWithoutACadenceIsMeasuredByItsSilence(t *testing.T) {
	h := newHush(t, config.Config{Data: t.TempDir()})
	for range 29 {
		h.day(true)
	}
	before := h.levels()
	for range 7 {
		h.day(false)
	}
	if after := h.levels(); after[3] >= before[3] {
		t.Errorf("levels were %v and are %v", before[:4], after[:4])
	}
	if n := h.tasks(); n < 19 {
		t.Errorf("%d tasks were made of 19 accounts that lie idle", n)
	}
}
