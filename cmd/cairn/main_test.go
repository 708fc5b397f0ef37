package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/app"
	"cairn/internal/auth"
	"cairn/internal/ingest"
)

// ran is what one invocation left behind.
type ran struct {
	out, err string
	code     int
}

func run(t *testing.T, in string, args ...string) ran {
	t.Helper()
	var out, err bytes.Buffer
	c := &cli{in: strings.NewReader(in), out: &out, err: &err}
	code := c.run(t.Context(), args)
	return ran{out.String(), err.String(), code}
}

// house is a Cairn with one account, for what the command line makes of it.
type house struct {
	account.Store
	ingest.Sources
	users []app.NewUser
}

var acme = cairn.Account{
	ID: cairn.Space("").Account("acme"), Key: "acme", Name: "Acme Überwerk", Owner: "ann@example.com",
	MRR: cairn.Money{Minor: 120450, Currency: "EUR"}, OpenTasks: 2,
	Vector: cairn.Vector{Known: true, Level: 62_500, Way: cairn.Falling, Slope: -4_200},
}

func (h *house) Find(_ context.Context, _ cairn.Scope, text string) (cairn.AccountID, error) {
	if text != acme.Key {
		return cairn.AccountID{}, cairn.Errorf(cairn.NotFound, "There is no account %q.", text)
	}
	return acme.ID, nil
}

func (h *house) Account(context.Context, cairn.Scope, cairn.AccountID) (cairn.Account, error) {
	return acme, nil
}

// Accounts gives one account a page, of three.
func (h *house) Accounts(_ context.Context, _ cairn.Scope, q account.Query) (account.Page, error) {
	next := map[string]string{"": "2", "2": "3", "3": ""}[q.Cursor]
	return account.Page{Accounts: []cairn.Account{acme}, Total: 3, Next: next}, nil
}

func (h *house) Scored(_ context.Context, _ cairn.Scope, _ cairn.AccountID, from, _ cairn.Day) ([]account.Scored, error) {
	return []account.Scored{{Day: from - 2, Known: true, Level: 71_000, Way: cairn.Steady, Band: 2, Model: "default", Rev: 1, Pos: 99}}, nil
}

func (h *house) Explain(_ context.Context, _ cairn.Scope, _ cairn.AccountID, t time.Time) (cairn.Vector, cairn.Signals, error) {
	if t.IsZero() {
		t = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	}
	return cairn.Vector{
			At: t, Known: true, Level: 62_500, Way: cairn.Falling, Slope: -4_200, Model: "default", Rev: 1,
			Why: "Few people are active.",
			Reasons: []cairn.Reason{
				{Group: "Support", Label: "Open tickets", Known: true, Points: 50_000, Of: 50_000, Text: "No ticket is open"},
				{Group: "Usage", Label: "Active people", Known: true, Points: 12_500, Of: 50_000, Text: "3 of 12 people were active in 28 days"},
				{Group: "Sentiment", Label: "Last NPS", Text: "no survey was answered"},
			},
		}, cairn.Signals{
			"usage.active_people_28d": {Name: "usage.active_people_28d", Known: true, Number: 3},
			"sentiment.last_nps":      {Name: "sentiment.last_nps", Why: "no survey was answered"},
		}, nil
}

func (h *house) Levels(context.Context, cairn.Scope, cairn.AccountID, []time.Time) ([]cairn.Mark, error) {
	return nil, nil
}

func (h *house) Standing(context.Context) (app.Standing, error) {
	return app.Standing{
		Stages: []app.Stage{{Name: "fold", Unit: "events", Position: 33948, Lag: 12, Growing: true}},
		Lanes:  []app.Lane{{Name: "people", Count: 7, Waited: 0.25, Held: 1.5, Longest: 19.9}},
	}, nil
}

func (h *house) Rebuild(_ context.Context, stage string, say func(done, of int64)) error {
	if stage != "fold" {
		return cairn.Errorf(cairn.NotFound, "There is no stage %q: there are fold and turn.", stage)
	}
	say(1, 1)
	return nil
}

func (h *house) AddUser(_ context.Context, by cairn.Actor, mail, name, password string, admin bool) (auth.User, error) {
	h.users = append(h.users, app.NewUser{Mail: mail, Name: name, Password: password, Admin: admin})
	return auth.User{ID: "1", Mail: mail, Name: name}, nil
}

func (h *house) Summaries(context.Context, cairn.Scope, time.Time) ([]ingest.Summary, error) {
	return []ingest.Summary{{
		Source: ingest.Source{Name: "segment"}, Keys: []ingest.Key{{ID: 7, Hint: "wk_1a2b…"}},
		Total: ingest.Arrival{Accepted: 10, Late: 2, Rejected: 1, Last: time.Date(2026, 3, 1, 8, 0, 0, 0, time.UTC)},
	}}, nil
}

func (h *house) Source(_ context.Context, name string) (ingest.Source, error) {
	return ingest.Source{Name: name}, nil
}

func (h *house) AddKey(_ context.Context, by cairn.Actor, k ingest.Key, now time.Time) (ingest.Key, string, error) {
	k.ID, k.Hint, k.Made, k.By = 7, "wk_1a2b…", now, by
	return k, "wk_" + k.Source, nil
}

// serve runs a server of h and returns its data directory.
func serve(t *testing.T, h *house) string {
	t.Helper()
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	up, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- app.ServeDir(ctx, dir, slog.New(slog.DiscardHandler), func() (app.House, func() error, error) {
			return app.House{Accounts: h, Explain: h, Users: h, Sources: h, Stages: h, Now: time.Now}, func() error { return nil }, nil
		}, func(ctx context.Context) error { close(up); <-ctx.Done(); return nil })
	}()
	t.Cleanup(func() { cancel(); <-ended })
	<-up
	return dir
}

func TestAVectorIsExplainedInSentencesWithPoints(t *testing.T) {
	dir := serve(t, &house{})
	got := run(t, "", "vector", "acme", "--data", dir, "--at", "2026-03-01")
	want := ran{out: `Acme Überwerk (acme), 1 March 2026, 23:59 UTC
Level 62.5 of 100, falling (-4.2 in 30 days). Few people are active.
As it was scored since 27 February 2026: 71.0, steady, by default revision 1.

POINTS     OF              REASON                                 GROUP
  12.5   50.0  ■■■·······  3 of 12 people were active in 28 days  Usage
  50.0   50.0  ■■■■■■■■■■  No ticket is open                      Support
  62.5  100.0              is the level

Not known, and left out:
  Last NPS: no survey was answered

Model default, revision 1.
`}
	if diff := cmp.Diff(want.out, got.out); diff != "" || got.code != 0 {
		t.Error("(-want +got)", diff, got.err)
	}
}

func TestJSONOfAVectorKeepsItsNames(t *testing.T) {
	dir := serve(t, &house{})
	got := run(t, "", "vector", "acme", "--data", dir, "--json")
	var v struct {
		Account struct{ Key string }
		Vector  struct {
			Level, Slope int64
			Way          string
			Reasons      []struct{ Points, Of int64 }
		}
		Signals map[string]struct {
			Value   float64
			Missing string
		}
		Projection *struct {
			At    time.Time
			Known bool
		}
		Scored struct{ Level, Band, Rev, Pos int64 }
	}
	if err := json.Unmarshal([]byte(got.out), &v); err != nil {
		t.Fatal(err, got)
	}
	sum := int64(0)
	for _, r := range v.Vector.Reasons {
		sum += r.Points
	}
	if v.Account.Key != "acme" || v.Vector.Level != 62500 || sum != v.Vector.Level || v.Vector.Way != "falling" ||
		v.Projection == nil || v.Projection.Known || v.Projection.At.IsZero() || v.Scored.Level != 71000 || v.Scored.Band != 2 || v.Scored.Pos != 99 ||
		v.Signals["usage.active_people_28d"].Value != 3 || v.Signals["sentiment.last_nps"].Missing == "" {
		t.Errorf("got %s", got.out)
	}
}

func TestAccountsAreAskedForPageByPage(t *testing.T) {
	dir := serve(t, &house{})
	got := run(t, "", "accounts", "--data", dir)
	if strings.Count(got.out, "Acme Überwerk") != 3 || !strings.HasSuffix(got.out, "3 of 3 accounts\n") {
		t.Errorf("got %+v", got)
	}
	got = run(t, "", "accounts", "--data", dir, "--limit", "2", "--json")
	var l listed
	if err := json.Unmarshal([]byte(got.out), &l); err != nil || len(l.Accounts) != 2 || l.Total != 3 {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestTablesAreAligned(t *testing.T) {
	dir := serve(t, &house{})
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"stages"}, `STAGE  POSITION  LAG  UNIT
fold      33948   12  events  being rebuilt

LANE    WRITES  QUEUED  MEAN WAIT  MEAN HOLD  LONGEST
people       7       0     0.2 ms     1.5 ms  19.9 ms
`},
		{[]string{"source", "list"}, `SOURCE   STATE  ACCEPTED  LATE  DUPLICATE  REJECTED  LAST                 KEYS
segment  heard        10     2          0         1  2026-03-01 08:00:00  wk_1a2b…
`},
		{[]string{"source", "key", "crm"}, "wk_crm\n"},
	} {
		got := run(t, "", append(tt.args, "--data", dir)...)
		if diff := cmp.Diff(tt.want, got.out); diff != "" || got.code != 0 {
			t.Error(tt.args, "(-want +got)", diff, got.err)
		}
	}
}

func TestNodesAreListedWhenThereAreSeveral(t *testing.T) {
	var out bytes.Buffer
	c := &cli{out: &out}
	c.printStages(app.Standing{Nodes: []app.Node{
		{Name: "one/12/abcdef", Kind: "serve", Works: true, Alive: true, Partitions: 32, Lag: 7, Turns: 3},
		{Name: "one/13/abcdef", Kind: "serve", Alive: true},
		{Name: "two/5/abcdef", Kind: "work", Works: true, Partitions: 30, Silent: 3.6},
		{Partitions: 2, Lag: 100},
	}})
	want := `NODE           KIND   PARTITIONS  LAG  TURNS
one/12/abcdef  serve          32    7      3
one/13/abcdef  serve           0    0      0  serves only
two/5/abcdef   work           30    0      0  dead, last heard of 4 s ago
(nobody)       -               2  100      0  waits for a node
`
	if _, got, _ := strings.Cut(out.String(), "\n\n"); !strings.HasPrefix(got, want) {
		t.Error("(-want +got)", cmp.Diff(want, got))
	}
}

func TestAPasswordIsMadeAndPrintedWhenNobodyTypesOne(t *testing.T) {
	h := &house{}
	dir := serve(t, h)
	got := run(t, "", "user", "add", "ann@example.com", "--name", "Ann", "--data", dir)
	_, made, ok := strings.Cut(strings.TrimSpace(got.out), "Password: ")
	if !ok || len(made) < 16 || h.users[0].Password != made {
		t.Errorf("got %+v, added %+v", got, h.users)
	}
	got = run(t, "correct horse\n", "user", "add", "bob@example.com", "--password-stdin", "--data", dir)
	if strings.Contains(got.out, "horse") || h.users[1].Password != "correct horse" {
		t.Errorf("got %+v, added %+v", got, h.users)
	}
}

func TestWhatGoesWrongIsOneSentenceAndACode(t *testing.T) {
	dir := serve(t, &house{})
	tests := []struct {
		name string
		args []string
		code int
		text string
	}{
		{"no such account", []string{"vector", "none"}, 3, `There is no account "none".`},
		{"no such stage", []string{"rebuild", "none"}, 3, "there are fold and turn"},
		{"no such command", []string{"nothing"}, 2, `There is no command "nothing"`},
		{"no such subcommand", []string{"user", "remove"}, 2, `There is no command "remove"`},
		{"missing argument", []string{"vector"}, 2, "cairn vector ACCOUNT"},
		{"unknown flag", []string{"vector", "acme", "--when", "now"}, 2, "--when"},
		{"unreadable moment", []string{"vector", "acme", "--at", "yesterday"}, 2, `"yesterday" is not a moment`},
		{"unreadable setting", []string{"stages", "--log-level", "loud"}, 2, "not a log level"},
		{"no key", []string{"bench", "door"}, 2, "write key"},
		{"second server", []string{"serve"}, 4, "runs on the data directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := run(t, "", append(tt.args, "--data", dir)...)
			if got.code != tt.code || !strings.Contains(got.err, tt.text) || strings.Count(got.err, "\n") != 1 {
				t.Errorf("got %d, %q; want %d and a line with %q", got.code, got.err, tt.code, tt.text)
			}
		})
	}
}
