package bench

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/app"
	"cairn/internal/signal"
	"cairn/internal/store/postgres"
	"cairn/internal/store/sqlite"
	"cairn/internal/store/sqlstore"
)

// A Rebuild says what log is folded anew.
type Rebuild struct {
	Database string // postgres://…; empty: the embedded one, in a directory of its own
	Events   int
	Accounts int
	Days     int          // over which the events are spread
	Say      func(string) // what is going on; never nil
}

// A RebuildResult is what cairn bench rebuild --json prints; see docs/cli.md.
type RebuildResult struct {
	Store    string `json:"store"`
	Events   int64  `json:"events"` // in the log
	Accounts int    `json:"accounts"`
	Days     int    `json:"days"`
	Cores    int    `json:"cores"`
	Tallies  int64  `json:"tallies"` // rows that the rebuild writes

	AppendPerS float64 `json:"append_events_per_s"` // when the log was filled, in process
	LivePerS   float64 `json:"live_events_per_s"`   // of the live fold of the same log

	Seconds    float64 `json:"seconds"` // until the new generation was served
	EventsPerS float64 `json:"events_per_s"`
	CPU        float64 `json:"cpu_s"`       // of the server's process meanwhile, pages included
	PagesCPU   float64 `json:"pages_cpu_s"` // of it: what as many pages took before
	PerCore    float64 `json:"events_per_s_per_core"`
	ScanPerS   float64 `json:"scan_events_per_s"` // the same rows, read by the bare driver
	Ratio      float64 `json:"ratio"`
	PruneS     float64 `json:"prune_s"` // until the old rows were gone

	Idle      Pages   `json:"pages_idle"`
	Meanwhile Pages   `json:"pages"`
	MemoryMB  []int64 `json:"memory_mb"` // resident: before, at most meanwhile

	Lanes []app.Lane `json:"lanes"` // queues to the writer, since the server's start
}

// Pages are how long pages took, in milliseconds.
type Pages struct {
	Today    Took `json:"today"`
	Accounts Took `json:"accounts"`
	Account  Took `json:"account"`
	All      Took `json:"all"`
}

// A Took is a distribution of times.
type Took struct {
	N   int     `json:"n"`
	P50 float64 `json:"p50_ms"`
	P95 float64 `json:"p95_ms"`
	P99 float64 `json:"p99_ms"`
}

// check says what is wrong with the settings.
func (b Rebuild) check() error {
	switch {
	case b.Events < 1000 || b.Events > 1_000_000_000:
		return cairn.Errorf(cairn.Invalid, "There may be 1000 to 1000000000 events.").At("events")
	case b.Accounts < 1 || b.Accounts > 1_000_000:
		return cairn.Errorf(cairn.Invalid, "There may be 1 to 1000000 accounts.").At("accounts")
	case b.Days < 1 || b.Days > 3650:
		return cairn.Errorf(cairn.Invalid, "There may be 1 to 3650 days.").At("days")
	}
	return nil
}

// Run fills a log, starts a server of this program on it, and has it rebuild
// the fold while pages are read.
func (b Rebuild) Run(ctx context.Context) (r RebuildResult, err error) {
	if err := b.check(); err != nil {
		return r, err
	}
	s, err := newServer(b.Database)
	if err != nil {
		return r, err
	}
	defer s.stop()
	r = RebuildResult{Store: "sqlite", Accounts: b.Accounts, Days: b.Days, Cores: cores()}
	if b.Database != "" {
		r.Store = "postgres"
	}
	if err := b.fill(ctx, s, &r); err != nil {
		return r, err
	}
	b.Say("The server takes every account's turn.")
	if err := s.start(ctx); err != nil {
		return r, err
	}
	if err := s.settled(ctx); err != nil {
		return r, err
	}
	if r.Events, err = s.stored(ctx); err != nil {
		return r, err
	}
	bare, err := s.bare()
	if err != nil {
		return r, err
	}
	defer bare.Close()
	reader, err := newReader(ctx, s)
	if err != nil {
		return r, err
	}
	b.Say("Pages are read while nothing else goes on.")
	quiet, cancel := context.WithTimeout(ctx, 5*time.Second)
	cpu := s.cpu()
	idle, err := reader.read(quiet)
	cancel()
	if err != nil {
		return r, err
	}
	if r.Idle = idle.pages(); r.Idle.All.N > 0 {
		reader.cpu = (s.cpu() - cpu).Seconds() / float64(r.Idle.All.N)
	}
	return r, b.measure(ctx, s, bare, reader, &r)
}

// measure scans the log, rebuilds, and scans again.
func (b Rebuild) measure(ctx context.Context, s *server, bare *sql.DB, reader *reader, r *RebuildResult) error {
	before, err := sums(ctx, bare)
	if err != nil {
		return err
	}
	r.Tallies = before.rows
	first, err := scan(ctx, bare, r.Events)
	if err != nil {
		return err
	}
	b.Say(fmt.Sprintf("%d events are folded anew.", r.Events))
	if err := b.rebuild(ctx, s, bare, reader, r); err != nil {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	after, err := sums(ctx, bare)
	if err != nil {
		return err
	}
	if after != before {
		return fmt.Errorf("bench: before the rebuild tallies came to %+v, after it to %+v", before, after)
	}
	second, err := scan(ctx, bare, r.Events)
	if err != nil {
		return err
	}
	r.ScanPerS = float64(r.Events) / (min(first, second).Seconds())
	r.PagesCPU = min(reader.cpu*float64(r.Meanwhile.All.N), r.CPU)
	r.EventsPerS = float64(r.Events) / r.Seconds
	if own := r.CPU - r.PagesCPU; own > 0 { // a small log is folded between two ticks
		r.PerCore = float64(r.Events) / own
	}
	r.Ratio = r.EventsPerS / r.ScanPerS
	return nil
}

// rebuild has the server rebuild its fold while pages are read.
func (b Rebuild) rebuild(ctx context.Context, s *server, bare *sql.DB, reader *reader, r *RebuildResult) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var took times
	var problem error
	var wg sync.WaitGroup
	wg.Go(func() { took, problem = reader.read(reading) })
	r.MemoryMB = []int64{s.memory() >> 20, 0}
	cpu, begun := s.cpu(), time.Now()
	done := make(chan error, 1)
	go func() {
		_, err := app.Call(ctx, s.link, app.Rebuild, signal.StageName, nil)
		done <- err
	}()
	was, err := generation(ctx, bare)
	if err != nil {
		return err
	}
	for over := false; !over; {
		select {
		case err := <-done:
			if err != nil {
				return err
			}
			over = true
		case <-time.After(20 * time.Millisecond):
		}
		r.MemoryMB[1] = max(r.MemoryMB[1], s.memory()>>20)
		if r.Seconds > 0 {
			continue
		}
		// The server is not asked, since it is measured.
		current, err := generation(ctx, bare)
		if err != nil {
			return err
		}
		if current != was {
			stop()
			r.Seconds, r.CPU = time.Since(begun).Seconds(), (s.cpu() - cpu).Seconds()
		}
	}
	if r.Seconds == 0 {
		return fmt.Errorf("bench: the rebuild ended and generation %d is served as before", was)
	}
	r.PruneS = time.Since(begun).Seconds() - r.Seconds
	wg.Wait()
	standing, err := app.Call(ctx, s.link, app.Standings, app.None{}, nil)
	if err != nil {
		return err
	}
	r.Lanes = standing.Lanes
	r.Meanwhile = took.pages()
	return problem
}

// fill writes a log as the door does and folds it as the stages do, in this
// process, before there is a server.
func (b Rebuild) fill(ctx context.Context, s *server, r *RebuildResult) (err error) {
	log := slog.New(slog.DiscardHandler)
	var store *sqlstore.Store
	if b.Database != "" {
		store, err = postgres.Open(ctx, b.Database, log)
	} else {
		store, err = sqlite.Open(ctx, s.cfg.Data, log)
	}
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	b.Say(fmt.Sprintf("%d events of %d accounts are written.", b.Events, b.Accounts))
	begun := time.Now()
	if err := b.append(ctx, store); err != nil {
		return err
	}
	r.AppendPerS = float64(b.Events) / time.Since(begun).Seconds()
	b.Say("They are folded as what arrives is.")
	begun = time.Now()
	f := &signal.Folder{Log: store, Store: store, Live: true}
	for worked := true; worked; {
		if worked, err = f.Beat(ctx, time.Time{}); err != nil {
			return err
		}
	}
	r.LivePerS = float64(b.Events) / time.Since(begun).Seconds()
	return nil
}

// append writes the events in the order in which they happened, from several
// senders at once, as the door merges them.
func (b Rebuild) append(ctx context.Context, store *sqlstore.Store) error {
	pepper, err := store.Pepper(ctx)
	if err != nil {
		return err
	}
	const batch, senders = 500, 4
	run, end := tag(), time.Now().Add(-time.Minute)
	step := time.Duration(b.Days) * 24 * time.Hour / time.Duration(b.Events)
	var next counter
	errs := make([]error, senders)
	var wg sync.WaitGroup
	for i := range errs {
		wg.Go(func() {
			for ctx.Err() == nil && errs[i] == nil {
				from := next.take(batch)
				if from >= b.Events {
					return
				}
				events := make([]cairn.Event, min(batch, b.Events-from))
				for j := range events {
					k := from + j
					events[j] = b.event(pepper, run, k, end.Add(-step*time.Duration(b.Events-k)))
				}
				_, errs[i] = store.Append(ctx, events)
			}
		})
	}
	wg.Wait()
	return errors.Join(append(errs, ctx.Err())...)
}

// valued are events of which the values are added up.
const valued = "Export Made"

// event makes up one event as the load of [Ingest] does.
func (b Rebuild) event(pepper cairn.Pepper, run string, k int, at time.Time) cairn.Event {
	account, person := rand.IntN(b.Accounts), rand.IntN(peoplePerAccount)
	space := cairn.Space("")
	at = at.UTC().Truncate(time.Microsecond)
	e := cairn.Event{
		ID: cairn.EventID{ID: cairn.HashID("event", "bench", run, strconv.Itoa(k))}, Kind: cairn.Track, Name: eventNames[rand.IntN(len(eventNames))], Source: "bench",
		At: at, Seen: at, Stamp: at, N: 1, Props: []byte(`{"plan":"standard","rows":` + strconv.Itoa(rand.IntN(256)) + `}`),
		Keys: cairn.Keys{Account: rebuildAccount(run, account), Person: "user-" + run + "-" + strconv.Itoa(account) + "-" + strconv.Itoa(person)},
	}
	if e.Name == valued {
		e.Props = []byte(`{"plan":"standard","value":` + strconv.Itoa(rand.IntN(256)) + `}`)
	}
	e.Account, e.Person = space.Account(e.Keys.Account), pepper.Person(space, e.Keys.Person)
	e.Stream = e.Account.Stream()
	return e
}

func rebuildAccount(run string, n int) string { return "account-" + run + "-" + strconv.Itoa(n) }

// A counter gives out numbers to several senders.
type counter struct {
	mu sync.Mutex
	n  int
}

func (c *counter) take(n int) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n += n
	return c.n - n
}

// bare opens the server's database beside it.
func (s *server) bare() (*sql.DB, error) {
	if s.cfg.Database != "" {
		return sql.Open("pgx", s.cfg.Database)
	}
	return sql.Open("sqlite", sqlite.DSN(s.cfg.Data))
}

// scan reads every event's columns that the fold looks at, in the order of the
// log, with nothing but the driver, and returns how long that took.
func scan(ctx context.Context, db *sql.DB, want int64) (time.Duration, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	n, begun := int64(0), time.Now()
	err = conn.Raw(func(c any) error {
		asks, ok := c.(driver.QueryerContext)
		if !ok {
			return fmt.Errorf("bench: the driver's connection %T does not run queries", c)
		}
		rows, err := asks.QueryContext(ctx, "select key, stream, kind, name, source, product, at, person, n, props from event order by key", nil)
		if err != nil {
			return err
		}
		defer rows.Close()
		for row := make([]driver.Value, 10); ; n++ {
			if err := rows.Next(row); errors.Is(err, io.EOF) {
				return nil
			} else if err != nil {
				return err
			}
		}
	})
	if err == nil && n != want {
		err = fmt.Errorf("bench: %d events were scanned of %d", n, want)
	}
	return time.Since(begun), err
}

// generation returns which generation is served.
func generation(ctx context.Context, db *sql.DB) (current int, err error) {
	err = db.QueryRowContext(ctx, `select current from generation where stage = 'fold'`).Scan(&current)
	if errors.Is(err, sql.ErrNoRows) {
		return 1, nil
	}
	return current, err
}

// A tallySum is what all tallies that are served come to.
type tallySum struct{ rows, n, total, last, people int64 }

func sums(ctx context.Context, db *sql.DB) (t tallySum, err error) {
	err = db.QueryRowContext(ctx, `select count(*), coalesce(sum(n), 0), coalesce(sum(total), 0), cast(coalesce(sum(last / 1000000), 0) as bigint), coalesce(sum(length(people)), 0)
		from tally where gen = coalesce((select current from generation where stage = 'fold'), 1)`).Scan(&t.rows, &t.n, &t.total, &t.last, &t.people)
	return t, err
}

// A reader reads pages as somebody does who is signed in.
type reader struct {
	hc       *http.Client
	url      string
	accounts []string // paths
	cpu      float64  // seconds that a page took the server while nothing else went on
}

// times are how long pages took, by page.
type times struct{ today, accounts, account []time.Duration }

// all are those of all pages.
func (t times) all() []time.Duration { return slices.Concat(t.today, t.accounts, t.account) }

const readerMail, readerPassword = "bench@example.com", "a password for measuring only"

func newReader(ctx context.Context, s *server) (*reader, error) {
	_, err := app.Call(ctx, s.link, app.AddUser, app.NewUser{Mail: readerMail, Name: "Bench", Password: readerPassword, Admin: true}, nil)
	if err != nil && cairn.KindOf(err) != cairn.Conflict {
		return nil, err
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	r := &reader{hc: &http.Client{Jar: jar, Timeout: time.Minute}, url: s.url}
	if err := r.signIn(ctx); err != nil {
		return nil, err
	}
	list, err := app.Call(ctx, s.link, app.Accounts, app.AccountsQuery{Query: account.Query{Limit: 200}}, nil)
	if err != nil {
		return nil, err
	}
	for _, a := range list.Accounts {
		r.accounts = append(r.accounts, "/accounts/"+a.ID.String())
	}
	if len(r.accounts) == 0 {
		return nil, fmt.Errorf("bench: the server lists no accounts")
	}
	return r, nil
}

func (r *reader) signIn(ctx context.Context) error {
	if _, err := r.get(ctx, "/signin"); err != nil {
		return err
	}
	at, err := url.Parse(r.url)
	if err != nil {
		return err
	}
	form := url.Values{"mail": {readerMail}, "password": {readerPassword}}
	for _, c := range r.hc.Jar.Cookies(at) {
		if c.Name == "cairn_form" {
			form.Set("csrf", c.Value)
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url+"/signin", strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", r.url)
	resp, err := r.hc.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.Request.URL.Path != "/today" {
		return fmt.Errorf("bench: signing in ends at %s with %s", resp.Request.URL.Path, resp.Status)
	}
	return nil
}

// get reads a page to its end and returns how long that took.
func (r *reader) get(ctx context.Context, path string) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.url+path, nil)
	if err != nil {
		return 0, err
	}
	begun := time.Now()
	resp, err := r.hc.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return 0, err
	}
	if resp.StatusCode != http.StatusOK || path != "/signin" && resp.Request.URL.RequestURI() != path {
		return 0, fmt.Errorf("bench: %s answers %s at %s", path, resp.Status, resp.Request.URL.Path)
	}
	return time.Since(begun), nil
}

// read reads pages one after the other, with a pause after each, until ctx
// ends.
func (r *reader) read(ctx context.Context) (t times, err error) {
	for n := 0; ctx.Err() == nil; n++ {
		path, into := "/today", &t.today
		switch n % 3 {
		case 1:
			path, into = "/accounts", &t.accounts
		case 2:
			path, into = r.accounts[rand.IntN(len(r.accounts))], &t.account
		}
		took, err := r.get(ctx, path)
		if ctx.Err() != nil {
			break // it may have been broken off
		}
		if err != nil {
			return t, err
		}
		*into = append(*into, took)
		wait(ctx, 50*time.Millisecond)
	}
	return t, nil
}

func (t times) pages() Pages {
	return Pages{Today: took(t.today), Accounts: took(t.accounts), Account: took(t.account), All: took(slices.Concat(t.today, t.accounts, t.account))}
}

func took(all []time.Duration) Took {
	if len(all) == 0 {
		return Took{}
	}
	slices.SortFunc(all, cmp.Compare[time.Duration])
	at := func(q float64) float64 { return float64(all[int(q*float64(len(all)-1))].Microseconds()) / 1000 }
	return Took{len(all), at(0.5), at(0.95), at(0.99)}
}
