package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"cairn"
)

func (c *cli) benchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure a running server",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.benchIngestCommand(), c.benchRebuildCommand(), c.benchMetricsCommand(), c.benchPagesCommand(), c.benchScoreCommand(), c.benchDoorCommand())
	return cmd
}

// A doorBench sends batches to a front door for a while.
type doorBench struct {
	URL      string
	Key      string
	Senders  int
	Batch    int
	Accounts int
	For      time.Duration
}

func (c *cli) benchDoorCommand() *cobra.Command {
	var b doorBench
	cmd := &cobra.Command{
		Use:   "door",
		Short: "Count the events per second that a server's /v1/batch takes",
		Long: `Send batches of made-up events to /v1/batch and count what is accepted. The
events stay in the workspace: measure one that is for measuring.`,
		Example: "  cairn bench door --key \"$(cairn source key bench)\" --senders 8 --for 20s",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&b.URL, "url", "http://127.0.0.1:8080", "address of the server")
	cmd.Flags().StringVar(&b.Key, "key", "", "write key of the source to send as")
	cmd.Flags().IntVar(&b.Senders, "senders", 8, "senders at once, 1 to 256")
	cmd.Flags().IntVar(&b.Batch, "batch", 100, "events in a batch, 1 to 1000")
	cmd.Flags().IntVar(&b.Accounts, "accounts", 1000, "accounts that the events are spread over")
	cmd.Flags().DurationVar(&b.For, "for", 20*time.Second, "how long, at most 10m")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		r, err := b.run(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, r)
		}
		fmt.Fprintf(c.out, "%d events in %.1f s from %d senders: %.0f events/s; a batch of %d took %.1f ms (median), %.1f ms (p99); %d rejected.\n",
			r.Events, r.Seconds, b.Senders, r.PerSecond, b.Batch, r.P50, r.P99, r.Rejected)
		return nil
	}
	return cmd
}

// A doorResult is what --json prints; see docs/cli.md.
type doorResult struct {
	Events    int64   `json:"events"` // accepted
	Rejected  int64   `json:"rejected"`
	Batches   int64   `json:"batches"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"events_per_second"`
	P50       float64 `json:"batch_p50_ms"`
	P99       float64 `json:"batch_p99_ms"`
}

func (b doorBench) run(ctx context.Context) (doorResult, error) {
	switch {
	case b.Key == "":
		return doorResult{}, cairn.Errorf(cairn.Invalid, "A write key is needed: cairn source key NAME makes one.").At("key")
	case b.Senders < 1 || b.Senders > 256:
		return doorResult{}, cairn.Errorf(cairn.Invalid, "There may be 1 to 256 senders.").At("senders")
	case b.Batch < 1 || b.Batch > 1000:
		return doorResult{}, cairn.Errorf(cairn.Invalid, "A batch may have 1 to 1000 events.").At("batch")
	case b.For <= 0 || b.For > 10*time.Minute:
		return doorResult{}, cairn.Errorf(cairn.Invalid, "It may last up to 10 minutes.").At("for")
	}
	b.Accounts = max(b.Accounts, 1)
	transport := &http.Transport{MaxIdleConnsPerHost: b.Senders}
	defer transport.CloseIdleConnections()
	hc := &http.Client{Transport: transport, Timeout: time.Minute}

	results := make([]senderResult, b.Senders)
	start := time.Now()
	end := start.Add(b.For)
	var wg sync.WaitGroup
	for i := range results {
		wg.Go(func() { results[i] = b.send(ctx, hc, i, start, end) })
	}
	wg.Wait()
	return sum(results, time.Since(start))
}

// A senderResult is what one sender counted.
type senderResult struct {
	events, rejected int64
	took             []time.Duration
	err              error
}

func sum(results []senderResult, elapsed time.Duration) (doorResult, error) {
	r := doorResult{Seconds: elapsed.Seconds()}
	var took []time.Duration
	for _, s := range results {
		if s.err != nil {
			return r, s.err
		}
		r.Events += s.events
		r.Rejected += s.rejected
		took = append(took, s.took...)
	}
	r.Batches = int64(len(took))
	r.PerSecond = float64(r.Events) / r.Seconds
	if len(took) > 0 {
		slices.SortFunc(took, cmp.Compare[time.Duration])
		r.P50, r.P99 = quantile(took, 0.5), quantile(took, 0.99)
	}
	return r, nil
}

// quantile returns the q-th of sorted durations, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	return float64(sorted[int(q*float64(len(sorted)-1))].Microseconds()) / 1000
}

// send posts batches one after the other until end.
func (b doorBench) send(ctx context.Context, hc *http.Client, sender int, start, end time.Time) (r senderResult) {
	for n := 0; time.Now().Before(end) && ctx.Err() == nil; n++ {
		body, err := json.Marshal(b.batch(sender, n, start))
		if err != nil {
			r.err = err
			return r
		}
		begun := time.Now()
		rejected, err := b.post(ctx, hc, body)
		if err != nil {
			r.err = err
			return r
		}
		r.took = append(r.took, time.Since(begun))
		r.events += int64(b.Batch - rejected)
		r.rejected += int64(rejected)
	}
	return r
}

// batch returns events as a Segment SDK would send them.
func (b doorBench) batch(sender, n int, start time.Time) map[string]any {
	names := []string{"Report Created", "Report Shared", "Dashboard Viewed", "Shift Planned", "Export Made"}
	now := time.Now().UTC()
	events := make([]map[string]any, b.Batch)
	for i := range events {
		k := (sender*7919 + n*b.Batch + i)
		a := k % b.Accounts
		events[i] = map[string]any{
			"type":       "track",
			"messageId":  fmt.Sprintf("bench-%d-%d-%d-%d", start.UnixNano(), sender, n, i),
			"userId":     fmt.Sprintf("bench-user-%d-%d", a, k%7),
			"event":      names[k%len(names)],
			"timestamp":  now.Format(time.RFC3339Nano),
			"context":    map[string]any{"groupId": fmt.Sprintf("bench-account-%d", a)},
			"properties": map[string]any{"plan": "standard", "rows": k % 500},
		}
	}
	return map[string]any{"batch": events, "sentAt": now.Format(time.RFC3339Nano)}
}

// post sends one batch and returns how many of it were rejected.
func (b doorBench) post(ctx context.Context, hc *http.Client, body []byte) (int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL+"/v1/batch", bytes.NewReader(body))
	if err != nil {
		return 0, cairn.Errorf(cairn.Invalid, "%q is not an address.", b.URL).At("url")
	}
	req.Header.Set("Content-Type", "application/json")
	req.SetBasicAuth(b.Key, "")
	resp, err := hc.Do(req)
	if err != nil {
		return 0, cairn.Errorf(cairn.Unavailable, "%s did not answer.", b.URL).Because(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Rejected []json.RawMessage `json:"rejected"`
	}
	if resp.StatusCode != http.StatusOK {
		return 0, cairn.Errorf(cairn.Unavailable, "The server answered %s.", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return 0, cairn.Errorf(cairn.Unavailable, "%s does not answer as Cairn does.", b.URL).Because(err)
	}
	return len(answer.Rejected), nil
}
