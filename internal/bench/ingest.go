// Package bench measures a running Cairn the way its users load it, and beside
// it what the bare database could do on the same machine at the same time.
package bench

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/internal/app"
)

// An Ingest says how the front door is loaded.
type Ingest struct {
	Database string // postgres://…; empty: the embedded one, in a directory of its own
	Senders  int
	Batch    int // events in a request
	Accounts int
	For      time.Duration // at full speed; half as long at each of the other rates
	Floor    int           // events that the floor writes; 0: as many as fit into about ten seconds
	Say      func(string)  // what is going on; never nil
}

// An IngestResult is what cairn bench ingest --json prints; see docs/cli.md.
type IngestResult struct {
	Store    string  `json:"store"`
	Senders  int     `json:"senders"`
	Batch    int     `json:"batch"`
	Accounts int     `json:"accounts"`
	Cores    int     `json:"cores"`
	Events   int64   `json:"events"` // accepted in all phases, without those of probes
	Stored   int64   `json:"stored"` // in the log at the end
	Seconds  float64 `json:"seconds"`

	EventsPerS    float64 `json:"events_per_s"`
	NewPeoplePerS float64 `json:"new_people_per_s"` // before: events of people who were not known
	FloorPerS     float64 `json:"floor_events_per_s"`
	Ratio         float64 `json:"ratio"`
	AnswerP50     float64 `json:"answer_p50_ms"`
	AnswerP99     float64 `json:"answer_p99_ms"`
	VisibleP50    float64 `json:"visible_p50_ms"` // from accepted to visible in the vector
	VisibleP99    float64 `json:"visible_p99_ms"`

	BytesOnDisk  float64 `json:"bytes_on_disk_per_event"`
	BytesWritten float64 `json:"bytes_written_per_event"` // by the server's process; 0: not known
	CPU          float64 `json:"cpu_us_per_event"`        // of the server's process, at full speed
	SettleS      float64 `json:"settle_s"`                // until nothing was left to do, after full speed
	MemoryMB     []int64 `json:"memory_mb"`               // resident, ten readings over the full speed

	At2000 Paced `json:"at_2000"`
	AtHalf Paced `json:"at_half"`

	Lanes []app.Lane `json:"lanes"` // queues to the writer, since the server's start until after full speed
}

// A Paced is a phase at a chosen rate.
type Paced struct {
	Rate       float64 `json:"rate"`
	EventsPerS float64 `json:"events_per_s"`
	AnswerP50  float64 `json:"answer_p50_ms"`
	AnswerP99  float64 `json:"answer_p99_ms"`
	VisibleP50 float64 `json:"visible_p50_ms"`
	VisibleP99 float64 `json:"visible_p99_ms"`
	Probes     int     `json:"probes"`
}

// check says what is wrong with the settings.
func (b Ingest) check() error {
	switch {
	case b.Senders < 1 || b.Senders > 256:
		return cairn.Errorf(cairn.Invalid, "There may be 1 to 256 senders.").At("senders")
	case b.Batch < 1 || b.Batch > 1000:
		return cairn.Errorf(cairn.Invalid, "A batch may have 1 to 1000 events.").At("batch")
	case b.Accounts < 2*probeAccounts || b.Accounts > 1_000_000:
		return cairn.Errorf(cairn.Invalid, "There may be %d to 1000000 accounts.", 2*probeAccounts).At("accounts")
	case b.For < time.Second || b.For > time.Hour:
		return cairn.Errorf(cairn.Invalid, "It may last a second to an hour.").At("seconds")
	}
	return nil
}

// Run starts a server of this program, loads it in three phases, and measures
// the floor.
func (b Ingest) Run(ctx context.Context) (r IngestResult, err error) {
	if err := b.check(); err != nil {
		return r, err
	}
	s, err := startServer(ctx, b.Database)
	if err != nil {
		return r, err
	}
	defer s.stop()
	l := load{Ingest: b, server: s, tag: tag(), hc: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 300}}}
	defer l.hc.CloseIdleConnections()
	r = IngestResult{Store: "sqlite", Senders: b.Senders, Batch: b.Batch, Accounts: b.Accounts, Cores: cores()}
	if b.Database != "" {
		r.Store = "postgres"
	}

	before, err := s.stored(ctx)
	if err != nil {
		return r, err
	}
	b.Say("Everybody is met once.")
	begun := time.Now()
	if err := l.everybody(ctx); err != nil {
		return r, err
	}
	r.NewPeoplePerS = float64(b.Accounts*peoplePerAccount) / time.Since(begun).Seconds()
	if err := s.settled(ctx); err != nil {
		return r, err
	}
	b.Say(fmt.Sprintf("%d senders at full speed for %s.", b.Senders, b.For))
	full, err := l.phase(ctx, 0, b.For)
	if err != nil {
		return r, err
	}
	r.MemoryMB, r.CPU = full.memory, full.cpu.Seconds()*1e6/float64(full.events)
	r.Seconds, r.EventsPerS = full.seconds, float64(full.events)/full.seconds
	r.AnswerP50, r.AnswerP99 = quantiles(full.answers)
	r.VisibleP50, r.VisibleP99 = quantiles(full.visible)
	begun = time.Now()
	if err := s.settled(ctx); err != nil {
		return r, err
	}
	r.SettleS = time.Since(begun).Seconds()
	standing, err := app.Call(ctx, s.link, app.Standings, app.None{}, nil)
	if err != nil {
		return r, err
	}
	r.Lanes = standing.Lanes
	r.BytesWritten = float64(s.written()-full.written) / float64(full.events)

	for _, p := range []struct {
		rate float64
		into *Paced
	}{{2000, &r.At2000}, {r.EventsPerS / 2, &r.AtHalf}} {
		b.Say(fmt.Sprintf("%.0f events/s for %s.", p.rate, b.For/2))
		paced, err := l.phase(ctx, p.rate, b.For/2)
		if err != nil {
			return r, err
		}
		*p.into = paced.paced(p.rate)
		if err := s.settled(ctx); err != nil {
			return r, err
		}
	}
	r.Events = l.accepted.Load()
	if r.Stored, err = s.stored(ctx); err != nil {
		return r, err
	}
	if want := r.Events + l.probes.Load(); r.Stored-before != want {
		return r, fmt.Errorf("bench: %d events were answered with 200 and %d are in the log", want, r.Stored-before)
	}
	size, err := s.size(ctx)
	if err != nil {
		return r, err
	}
	r.BytesOnDisk = float64(size) / float64(r.Stored)

	b.Say("The floor: the same rows, written by the bare driver.")
	if r.FloorPerS, err = b.floor(ctx, min(max(int(r.EventsPerS*10), 20_000), 300_000)); err != nil {
		return r, err
	}
	r.Ratio = r.EventsPerS / r.FloorPerS
	return r, nil
}

// A load is a run under way.
type load struct {
	Ingest
	server   *server
	tag      string
	hc       *http.Client
	accepted atomic.Int64
	probes   atomic.Int64
}

// probeAccounts are the last of the accounts. Only probes write to them.
const probeAccounts = 50

// What was measured in a phase.
type measured struct {
	events  int64
	seconds float64
	answers []time.Duration
	visible []time.Duration
	cpu     time.Duration // of the server
	written int64         // by the server before
	memory  []int64
}

func (m measured) paced(rate float64) Paced {
	p := Paced{Rate: rate, EventsPerS: float64(m.events) / m.seconds, Probes: len(m.visible)}
	p.AnswerP50, p.AnswerP99 = quantiles(m.answers)
	p.VisibleP50, p.VisibleP99 = quantiles(m.visible)
	return p
}

// everybody sends one event of each person, so that what is measured is not
// how fast strangers are met.
func (l *load) everybody(ctx context.Context) error {
	total := l.Accounts * peoplePerAccount
	var next atomic.Int64
	errs := make([]error, l.Senders)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			c := composer{load: l}
			for ctx.Err() == nil && errs[i] == nil {
				from := int(next.Add(500)) - 500
				if from >= total {
					return
				}
				to := min(from+500, total)
				c.begin()
				for p := from; p < to; p++ {
					c.event(p/peoplePerAccount, p%peoplePerAccount, 0)
				}
				errs[i] = l.post(ctx, c.end(), to-from)
				l.accepted.Add(int64(to - from))
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

const peoplePerAccount = 10

// phase sends at a rate (0: as fast as it goes) and probes meanwhile.
func (l *load) phase(ctx context.Context, rate float64, length time.Duration) (measured, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := measured{written: l.server.written()}
	cpu := l.server.cpu()
	before := l.accepted.Load()
	start := time.Now()
	end := start.Add(length)
	answers, errs := make([][]time.Duration, l.Senders), make([]error, l.Senders+probers)
	visible := make([][]time.Duration, probers)
	var senders, rest sync.WaitGroup
	for i := range l.Senders {
		senders.Go(func() { answers[i], errs[i] = l.send(ctx, rate/float64(l.Senders), i, start, end) })
	}
	for i := range probers {
		rest.Go(func() { visible[i], errs[l.Senders+i] = l.probe(ctx, i, end) })
	}
	rest.Go(func() {
		for i := range 10 {
			wait(ctx, time.Until(start.Add(length*time.Duration(2*i+1)/20)))
			m.memory = append(m.memory, l.server.memory()>>20)
		}
	})
	senders.Wait()
	m.seconds = time.Since(start).Seconds()
	m.events = l.accepted.Load() - before
	m.cpu = l.server.cpu() - cpu
	rest.Wait()
	for _, err := range errs {
		if err != nil {
			return m, err
		}
	}
	for _, a := range answers {
		m.answers = append(m.answers, a...)
	}
	for _, v := range visible {
		m.visible = append(m.visible, v...)
	}
	return m, nil
}

// send posts batches until end, not faster than rate events a second.
func (l *load) send(ctx context.Context, rate float64, sender int, start, end time.Time) (took []time.Duration, err error) {
	c := composer{load: l}
	for n := 0; time.Now().Before(end) && ctx.Err() == nil; n++ {
		if rate > 0 {
			// Senders begin one after the other, so that batches come evenly.
			due := (float64(n) + float64(sender)/float64(l.Senders)) * float64(l.Batch) / rate
			wait(ctx, time.Until(start.Add(time.Duration(due*float64(time.Second)))))
			if !time.Now().Before(end) {
				break
			}
		}
		c.begin()
		for range l.Batch {
			c.event(mathrand.IntN(l.Accounts-probeAccounts), mathrand.IntN(peoplePerAccount), mathrand.IntN(len(eventNames)))
		}
		body := c.end()
		begun := time.Now()
		if err := l.post(ctx, body, l.Batch); err != nil {
			return took, err
		}
		took = append(took, time.Since(begun))
		l.accepted.Add(int64(l.Batch))
	}
	return took, nil
}

const probers = 4

// probe sends single events to accounts of its own, and asks for the account's
// signals until the event is counted.
func (l *load) probe(ctx context.Context, prober int, end time.Time) (took []time.Duration, err error) {
	c := composer{load: l}
	for time.Now().Before(end) && ctx.Err() == nil {
		a := l.Accounts - probeAccounts + prober + probers*mathrand.IntN(probeAccounts/probers)
		before, err := l.server.counted(ctx, l.account(a))
		if err != nil {
			return took, err
		}
		c.begin()
		c.event(a, mathrand.IntN(peoplePerAccount), mathrand.IntN(len(eventNames)))
		if err := l.post(ctx, c.end(), 1); err != nil {
			return took, err
		}
		l.probes.Add(1)
		begun := time.Now()
		for {
			n, err := l.server.counted(ctx, l.account(a))
			if err != nil {
				return took, err
			}
			if n > before {
				break
			}
			if time.Since(begun) > 2*time.Minute {
				return took, fmt.Errorf("bench: an accepted event was not counted within two minutes")
			}
			// Asking is work for the server too: the longer it takes, the less often.
			wait(ctx, min(max(time.Since(begun)/10, 10*time.Millisecond), 200*time.Millisecond))
		}
		took = append(took, time.Since(begun))
		wait(ctx, 50*time.Millisecond)
	}
	return took, nil
}

func (l *load) account(a int) string { return "account-" + l.tag + "-" + strconv.Itoa(a) }

var eventNames = []string{"Report Created", "Report Shared", "Dashboard Viewed", "Shift Planned", "Export Made"}

// A composer writes request bodies as a Segment SDK would, cheaply.
type composer struct {
	*load
	b   []byte
	now []byte
	n   int
}

func (c *composer) begin() {
	c.now = time.Now().UTC().AppendFormat(c.now[:0], "2006-01-02T15:04:05.000Z")
	c.b, c.n = append(c.b[:0], `{"batch":[`...), 0
}

func (c *composer) event(account, person, name int) {
	if c.n > 0 {
		c.b = append(c.b, ',')
	}
	c.n++
	var id [16]byte
	rand.Read(id[:])
	b := append(c.b, `{"type":"track","messageId":"node-next-`...)
	b = hex.AppendEncode(b, id[:])
	b = append(b, `","userId":"user-`...)
	b = append(b, c.tag...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(account), 10)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(person), 10)
	b = append(b, `","event":"`...)
	b = append(b, eventNames[name]...)
	b = append(b, `","timestamp":"`...)
	b = append(b, c.now...)
	b = append(b, `","properties":{"plan":"standard","rows":`...)
	b = strconv.AppendInt(b, int64(id[0]), 10)
	b = append(b, `},"context":{"groupId":"account-`...)
	b = append(b, c.tag...)
	b = append(b, '-')
	b = strconv.AppendInt(b, int64(account), 10)
	c.b = append(b, `","library":{"name":"@segment/analytics-node","version":"2.3.0"}},"integrations":{}}`...)
}

func (c *composer) end() []byte {
	c.b = append(c.b, `],"sentAt":"`...)
	c.b = append(c.b, c.now...)
	c.b = append(c.b, `"}`...)
	return c.b
}

// post sends a batch of n events, all of which must be accepted.
func (l *load) post(ctx context.Context, body []byte, n int) error {
	for try := 0; ; try++ {
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.server.url+"/v1/batch", bytes.NewReader(body))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		req.SetBasicAuth(l.server.key, "")
		resp, err := l.hc.Do(req)
		if err != nil {
			return err
		}
		text, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusServiceUnavailable && try < 10 {
			wait(ctx, time.Second)
			continue
		}
		var answer struct {
			Rejected []json.RawMessage `json:"rejected"`
		}
		if resp.StatusCode != http.StatusOK || json.Unmarshal(text, &answer) != nil || len(answer.Rejected) > 0 {
			return fmt.Errorf("bench: the server answered %s: %.300s", resp.Status, text)
		}
		return nil
	}
}

func wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// tag tells the accounts of one run from those of another on one database.
func tag() string {
	var b [4]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// quantiles returns the median and the 99th percentile in milliseconds, 0 when
// there are none.
func quantiles(took []time.Duration) (p50, p99 float64) {
	if len(took) == 0 {
		return 0, 0
	}
	slices.SortFunc(took, cmp.Compare[time.Duration])
	at := func(q float64) float64 {
		return float64(took[int(q*float64(len(took)-1))].Microseconds()) / 1000
	}
	return at(0.5), at(0.99)
}

// counted is the number of events that the account's last turn counted.
func (s *server) counted(ctx context.Context, account string) (float64, error) {
	m, err := app.Call(ctx, s.link, app.Measured, account, nil)
	if cairn.KindOf(err) == cairn.NotFound {
		return 0, nil
	}
	n, _ := m.Signals.Number("usage.events_28d")
	return n, err
}
