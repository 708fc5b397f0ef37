package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"cairn"
)

// A LeaderPages measures the pages about revenue over HTTP, as a signed-in
// person opens them, on a server of its own that is filled through its front
// door.
type LeaderPages struct {
	Accounts int
	Rounds   int    // how often each page is opened
	Keep     string // a directory in which the filled server stays, and is used again if it is there; "": none
	Say      func(string)
}

// A LeaderPagesResult is what cairn bench pages --json prints; see docs/cli.md.
type LeaderPagesResult struct {
	Accounts  int                `json:"accounts"`
	Contracts int                `json:"contracts"`
	Fill      float64            `json:"fill_s"`    // until all was accepted
	Settled   float64            `json:"settled_s"` // until no stage had anything left to do
	Cores     int                `json:"cores"`
	First     map[string]float64 `json:"first"` // milliseconds, of a server that has just begun
	Later     map[string]Took    `json:"later"`
	Changing  map[string]Took    `json:"changing"` // while a contract changes each second
	Changed   int64              `json:"changed"`  // contracts meanwhile
	MemoryMB  int64              `json:"memory_mb"`
}

// leaderPages are the pages that are opened, in the order of a leader's visit.
var leaderPages = []struct{ name, path string }{
	{"home", "/revenue?from=2024-01"},
	{"only an owner's", "/revenue?from=2024-01&where=owner:owner-3@example.com"},
	{"by industry", "/revenue?from=2024-01&by=industry"},
	{"movements", "/revenue/movements?kind=churn"},
	{"at risk", "/revenue/accounts?of=risk"},
	{"renewals", "/revenue/accounts?of=renewals"},
	{"kept", "/revenue/accounts?of=kept"},
	{"definitions", "/revenue/definitions"},
	{"cohorts", "/revenue/cohorts?of=money"},
	{"churn", "/revenue/churn?from=2024-01"},
	{"losses", "/revenue/losses?from=2024-01"},
	{"survival", "/revenue/survival?interval=log"},
	{"renewals of a quarter", "/renewals?show=open"},
	{"payments", "/revenue/payments?kind=late"},
	{"expansion", "/revenue/expansion"},
}

// Run measures.
func (b LeaderPages) Run(ctx context.Context) (r LeaderPagesResult, err error) {
	switch {
	case b.Accounts < 1 || b.Accounts > 1_000_000:
		return r, cairn.Errorf(cairn.Invalid, "There may be 1 to 1000000 accounts.").At("accounts")
	case b.Rounds < 1 || b.Rounds > 10_000:
		return r, cairn.Errorf(cairn.Invalid, "There may be 1 to 10000 rounds.").At("rounds")
	}
	f := filling{accounts: b.Accounts, keep: b.Keep, say: b.Say, send: b.fill}
	s, err := f.start(ctx)
	if err != nil {
		return r, err
	}
	defer s.stop()
	r = LeaderPagesResult{Accounts: b.Accounts, Contracts: b.Accounts, Cores: cores(), First: map[string]float64{}}
	b.Say(fmt.Sprintf("%d accounts with a contract each.", b.Accounts))
	if r.Fill, r.Settled, err = f.fill(ctx, s); err != nil {
		return r, err
	}
	reader, err := newReader(ctx, s)
	if err != nil {
		return r, err
	}
	b.Say("Each page is opened for the first time.")
	for _, p := range leaderPages {
		took, err := reader.get(ctx, p.path)
		if err != nil {
			return r, err
		}
		r.First[p.name] = milliseconds(took)
	}
	b.Say("Pages are opened again and again while nothing changes.")
	if r.Later, err = b.open(ctx, reader); err != nil {
		return r, err
	}
	b.Say("And while a contract changes each second.")
	changing, stop := context.WithCancel(ctx)
	var changed atomic.Int64
	failed := make(chan error, 1)
	go func() { failed <- b.change(changing, s, &changed) }()
	r.Changing, err = b.open(ctx, reader)
	stop()
	if problem := <-failed; err == nil && problem != nil {
		err = problem
	}
	r.Changed, r.MemoryMB = changed.Load(), s.memory()>>20
	return r, err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// open opens each page as often as there are rounds, with the pause of
// somebody who reads a little.
func (b LeaderPages) open(ctx context.Context, reader *reader) (map[string]Took, error) {
	all := map[string][]time.Duration{}
	for range b.Rounds {
		for _, p := range leaderPages {
			took, err := reader.get(ctx, p.path)
			if err != nil {
				return nil, err
			}
			all[p.name] = append(all[p.name], took)
			wait(ctx, 20*time.Millisecond)
		}
	}
	out := map[string]Took{}
	for name, each := range all {
		out[name] = took(each)
	}
	return out, ctx.Err()
}

// contractsAtOnce is how many records are sent in one batch.
const contractsAtOnce = 400

// fill sends accounts and contracts over three years: half of them a year
// long, a third grow, a fifth ends.
func (b LeaderPages) fill(ctx context.Context, s *server) error {
	dice := rand.New(rand.NewPCG(uint64(b.Accounts), 7))
	today := time.Now().UTC()
	var batch []map[string]any
	for i := range b.Accounts {
		batch = append(batch, b.account(dice, i)...)
		batch = append(batch, b.contract(dice, i, today)...)
		if len(batch) >= contractsAtOnce || i == b.Accounts-1 {
			if err := s.send(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

func leaderAccount(i int) string { return "leader-" + strconv.Itoa(i) }

func (b LeaderPages) account(dice *rand.Rand, i int) []map[string]any {
	return []map[string]any{{
		"type": "group", "messageId": "a-" + strconv.Itoa(i), "groupId": leaderAccount(i), "userId": "of-" + leaderAccount(i), "timestamp": time.Now().UTC().AddDate(-3, 0, 0).Format(time.RFC3339),
		"traits": map[string]any{
			"name": "Account " + strconv.Itoa(i), "owner": fmt.Sprintf("owner-%d@example.com", dice.IntN(20)),
			"industry": fmt.Sprintf("industry %d", dice.IntN(12)), "segment": []string{"small", "middle", "large"}[dice.IntN(3)], "status": "customer",
		},
	}}
}

func (b LeaderPages) contract(dice *rand.Rand, i int, today time.Time) []map[string]any {
	start := today.AddDate(0, 0, -30-dice.IntN(1000))
	say := func(n int, at time.Time, fields map[string]any) map[string]any {
		return map[string]any{
			"type": "contract", "messageId": fmt.Sprintf("c-%d-%d", i, n), "id": "contract-" + strconv.Itoa(i), "groupId": leaderAccount(i),
			"timestamp": at.Format(time.RFC3339), "traits": fields,
		}
	}
	mrr := 50 + dice.IntN(2000)
	fields := map[string]any{"mrr": strconv.Itoa(mrr), "currency": "EUR", "start": start.Format(time.DateOnly), "status": "active", "product": []string{"Core", "Plus"}[dice.IntN(2)]}
	if dice.IntN(2) == 0 {
		next := start
		for !next.After(today) {
			next = next.AddDate(1, 0, 0)
		}
		fields["term"], fields["renews"] = "1 year", next.Format(time.DateOnly)
	}
	out := []map[string]any{say(0, start, fields)}
	later := start.AddDate(0, 0, 10+dice.IntN(200))
	if later.After(today) {
		return out
	}
	switch dice.IntN(5) {
	case 0:
		out = append(out, say(1, later, map[string]any{"status": "cancelled", "end": later.Format(time.DateOnly)}))
	case 1, 2:
		out = append(out, say(1, later, map[string]any{"mrr": strconv.Itoa(mrr + mrr/5)}))
	}
	return out
}

// change changes a contract each second until ctx ends.
func (b LeaderPages) change(ctx context.Context, s *server, n *atomic.Int64) error {
	for i := 0; ctx.Err() == nil; i++ {
		account := rand.IntN(b.Accounts)
		err := s.send(ctx, []map[string]any{{
			"type": "contract", "messageId": fmt.Sprintf("change-%d-%d", i, account), "id": "contract-" + strconv.Itoa(account), "groupId": leaderAccount(account),
			"timestamp": time.Now().UTC().Format(time.RFC3339Nano), "traits": map[string]any{"mrr": strconv.Itoa(100 + rand.IntN(2000))},
		}})
		if ctx.Err() != nil {
			break // it may have been broken off
		}
		if err != nil {
			return err
		}
		n.Add(1)
		wait(ctx, time.Second)
	}
	return nil
}

// send sends a batch to the front door, all of which must be taken.
func (s *server) send(ctx context.Context, batch []map[string]any) error {
	body, err := json.Marshal(map[string]any{"batch": batch})
	if err != nil {
		return err
	}
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/batch", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth(s.key, "")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusServiceUnavailable || resp.StatusCode == http.StatusTooManyRequests {
			wait(ctx, 200*time.Millisecond)
			continue
		}
		var answer struct {
			Rejected []json.RawMessage `json:"rejected"`
		}
		if err := json.Unmarshal(text, &answer); err != nil || resp.StatusCode != http.StatusOK || len(answer.Rejected) > 0 {
			return fmt.Errorf("bench: the front door answers %s: %.300s", resp.Status, text)
		}
		return nil
	}
}
