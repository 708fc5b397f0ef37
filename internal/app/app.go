// Package app puts the house together: it opens the store, joins the stages,
// serves the surfaces, and shuts them down so that nothing is lost.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/action"
	"cairn/internal/api"
	"cairn/internal/auth"
	"cairn/internal/config"
	"cairn/internal/flow"
	"cairn/internal/ingest"
	"cairn/internal/keep"
	"cairn/internal/model"
	"cairn/internal/outcome"
	"cairn/internal/payment"
	"cairn/internal/portfolio"
	"cairn/internal/revenue"
	"cairn/internal/signal"
	"cairn/internal/store/postgres"
	"cairn/internal/store/sqlite"
	"cairn/internal/store/sqlstore"
	"cairn/internal/turn"
	"cairn/internal/usage"
	"cairn/internal/vector"
	"cairn/internal/web"
)

// An App is an open Cairn.
type App struct {
	Store         *sqlstore.Store
	Door          *ingest.Door // on the workspace's clock
	Auth          *auth.Service
	Explain       turn.Explainer
	Past          *turn.Past
	Usage         *usage.Service
	Model         *model.Service
	Keep          *keep.Service
	Revenue       *revenue.Service
	Renewals      *outcome.Renewals
	Payment       *payment.Service
	Losses        *outcome.Losses
	Opportunities *outcome.Opportunities
	Portfolio     *portfolio.Service
	Clock         *Clock

	cfg     config.Config
	log     *slog.Logger
	fold    *signal.Folder
	flow    *flow.Flow
	ledger  *ingest.Ledger
	watch   *ingest.Watcher
	feeds   feeds
	works   works
	book    <-chan struct{} // rung when a definition was written
	rebuild sync.Mutex
	growing atomic.Pointer[signal.Rebuilder] // of whoever has rebuild; nil: nothing grows here
	serving bool                             // nobody else may run the stages, or set the clock

	stopping context.Context // ends when the server begins to stop: for requests that would go on for long
	stop     context.CancelFunc
}

// New opens the workspace that cfg names and writes the definitions that it
// lacks. With the embedded database the caller holds the directory's lock.
func New(ctx context.Context, cfg config.Config, log *slog.Logger) (*App, error) {
	cfg = cfg.OrDefault()
	open := func() (*sqlstore.Store, error) { return postgres.Open(ctx, cfg.Database, log) }
	if cfg.Embedded() {
		open = func() (*sqlstore.Store, error) { return sqlite.Open(ctx, cfg.Data, log) }
	}
	store, err := open()
	if err != nil {
		return nil, err
	}
	store.KeepRejects(cfg.Rejects)
	a := &App{Store: store, Clock: &Clock{}, Auth: auth.New(store), cfg: cfg, log: log}
	a.stopping, a.stop = context.WithCancel(context.Background())
	if err := a.seed(ctx); err != nil {
		return nil, errors.Join(err, store.Close())
	}
	defs, err := a.definitions(ctx)
	if err != nil {
		return nil, errors.Join(err, store.Close())
	}
	store.Configure(defs.Settings)
	a.book = store.Bell("book")
	a.ledger = &ingest.Ledger{Store: store}
	a.Door = a.door(a.Clock.Now)
	a.Explain = turn.Explainer{Store: store, Definitions: a.definitions, Now: a.Clock.Now, Models: a.modelsAt}
	a.Past = &turn.Past{Explainer: a.Explain, Accounts: store}
	a.Usage = &usage.Service{
		Store: store, Book: store, Accounts: store, Definitions: a.definitions, Changed: a.changed,
		Now: a.Clock.Now, Lifetime: store.Lifetime(),
	}
	a.Model = &model.Service{Store: store, Book: store, Definitions: a.definitions, Changed: a.changed, Now: a.Clock.Now}
	a.Revenue = &revenue.Service{Store: store, Book: store, Now: a.Clock.Now, Changed: a.changed, Settings: func() revenue.Settings {
		set := store.Settings()
		return revenue.Settings{Zone: set.Zone, Currency: set.Currency, Precedence: set.Precedence}
	}}
	a.Payment = &payment.Service{Store: store, Now: a.Clock.Now, Settings: a.paymentSettings}
	a.Renewals = &outcome.Renewals{Store: store, Book: store, Basis: a.Revenue.Basis, Among: a.Revenue.Among}
	a.Losses = &outcome.Losses{Store: store, Book: store, Ledger: a.Revenue, Settings: a.Revenue.Settings, Now: a.Clock.Now}
	a.Opportunities = &outcome.Opportunities{Store: store, Accounts: store, Book: store, Settings: a.paymentSettings, Now: a.Clock.Now}
	a.Portfolio = &portfolio.Service{
		Scores: store, Fields: a.Revenue, Now: a.Clock.Now, Zone: func() *time.Location { return store.Settings().Zone },
		Models: func(ctx context.Context) ([]vector.Model, error) {
			defs, err := a.definitions(ctx)
			return defs.Models, err
		},
	}
	a.Keep = &keep.Service{Store: store, Book: store, Memos: store, Settings: store.Settings, Now: a.Clock.Now}
	a.join()
	return a, nil
}

// door returns a front door that takes now from a clock.
func (a *App) door(now func() time.Time) *ingest.Door {
	return &ingest.Door{
		Store: a.Store, Now: now, Log: a.log, Ledger: a.ledger,
		Zone:     func() *time.Location { return a.Store.Settings().Zone },
		Currency: func() string { return a.Store.Settings().Currency },
	}
}

// join makes the stages, each woken by the commit before it.
func (a *App) join() {
	s := a.Store
	a.fold = &signal.Folder{Log: s, Store: s, Live: true}
	a.watch = &ingest.Watcher{Store: s, Now: a.Clock.Now, Zone: func() *time.Location { return s.Settings().Zone }}
	turner := &turn.Turner{Store: s, Definitions: a.definitions}
	doer := &action.Performer{Store: s, Log: a.log, Doers: map[string]action.Doer{"task": taskDoer{a}}}
	dropper := &keep.Dropper{Store: s, Book: s, Zone: func() *time.Location { return s.Settings().Zone }, Log: a.log}
	forecasts := &outcome.Keeper{Renewals: a.Renewals, Leads: s.Leads, Zone: func() *time.Location { return s.Settings().Zone }}
	a.flow = &flow.Flow{Now: a.Clock.Now, Log: a.log, Steps: []flow.Step{
		{Name: account.MatchStage, Stage: &account.Matcher{Store: s}, Wake: s.Bell("unmatched")},
		{Name: signal.StageName, Stage: a.fold, Wake: s.Bell("log")},
		{Name: "watch", Stage: a.watch, Wake: s.Bell("log"), Next: a.watch.Next},
		{Name: turn.StageName, Stage: turner, Wake: s.Bell("due"), Next: s.NextDue},
		{Name: action.StageName, Stage: doer, Wake: s.Bell("action")},
		{Name: keep.StageName, Stage: dropper, Wake: s.Bell("book"), Next: dropper.Next},
		{Name: keep.WatchName, Stage: &keep.Watcher{Service: a.Keep, Leads: s.Leads, Log: a.log}, Wake: s.Bell("book")},
		{Name: recountName, Stage: &recounter{app: a}, Wake: s.Bell("settings")},
		{Name: outcome.KeeperName, Stage: forecasts, Next: forecasts.Next},
	}}
}

// Settle runs the stages, as of now, until none has anything left to do. The
// stages must not be running.
func (a *App) Settle(ctx context.Context, now time.Time) error { return a.flow.Settle(ctx, now) }

// Close stops what runs, gives back its leases and closes the store.
func (a *App) Close() error {
	a.flow.Stop()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(a.ledger.Flush(ctx), a.Store.Release(ctx), a.Store.Close())
}

// House returns what operations work on.
func (a *App) House() House {
	return House{
		Version: Version(), Accounts: a.Store, Identity: a.identity(), Explain: a.Explain, Past: a.Past, Users: a.Auth, People: a, Decisions: a.Store, Sources: a.Store,
		Rejects: a.mender(), Door: a.Door, Stages: a, Memos: a.Store, Now: a.Clock.Now, Demo: a, Usage: a.Usage, Model: a.Model, Diff: a.Explain, Portfolio: a.Portfolio, Keep: a.Keep, Revenue: a.Revenue, Losses: a.Losses, Members: a.Store, Renewals: a.Renewals, Payments: a.Payment, Opportunities: a.Opportunities,
		Zone: func() *time.Location { return a.Store.Settings().Zone },
	}
}

// mender mends what was refused.
func (a *App) mender() *ingest.Mender {
	return &ingest.Mender{Rejects: a.Store, Door: a.Door, Source: a.Store.Source}
}

// identity is what changes who is who.
func (a *App) identity() account.Identity {
	return account.Identity{IdentityStore: a.Store, Now: a.Clock.Now, Together: a.Explain.Together, Explain: a.Explain}
}

// resources are what the resource API serves.
func (a *App) resources() api.Resources {
	return api.Resources{
		Version: Version(), Keys: a.Store, Find: a.House(), Identity: a.identity(), Usage: a.Usage, Sources: a.Store,
		Rejects: a.mender(), Keep: a.Keep, Records: a.Store, Door: a.Door, Now: a.Clock.Now, Log: a.log,
	}
}

// Handler returns everything that is served over HTTP.
func (a *App) Handler() http.Handler {
	mux := http.NewServeMux()
	door := a.door(func() time.Time { return time.Now().UTC() })
	door.Limits = &ingest.Limiter{Spend: a.Store.SpendKey, Zone: door.Zone}
	mux.Handle("/v1/", api.Segment(door, a.Store, a.log))
	mux.Handle("GET /api/v1/events", api.Feed(a.Store, a.Store, a.Store, a.stopping, a.log))
	mux.Handle("/api/v1/events:bulk", api.Bulk(door, a.Store, a.Store, a.stopping, a.log))
	mux.Handle("/api/v1/", a.resources().Handler())
	mux.Handle("/", web.New(web.Deps{
		Accounts: a.Store, Identity: a.identity(), Explain: a.Explain, Past: a.Past, Diff: a.Explain, History: a.Store, Work: a.Store, Sources: a.Store, Rejects: a.mender(), Door: a.Door,
		Usage: a.Usage, Model: a.Model, Revenue: a.Revenue, Losses: a.Losses, Renewals: a.Renewals, Memos: a.Store, Payments: a.Payment, Opportunities: a.Opportunities, Portfolio: a.Portfolio, Keep: a.Keep, Auth: a.Auth, Users: a.Store, Progress: a.progress, Now: a.Clock.Now, Log: a.log,
		Settings: func() web.Settings {
			set := a.Store.Settings()
			return web.Settings{Zone: set.Zone, Currency: set.Currency, Address: a.cfg.URL}
		},
		Ready: a.ready,
	}))
	return mux
}

// Serve answers HTTP and runs the stages until ctx ends. It leaves the stages
// to other nodes when it is told so.
func (a *App) Serve(ctx context.Context) error {
	a.serving, a.watch.Rest = true, time.Second
	err := a.Store.Join(ctx, "serve", !a.cfg.NoWork && !a.cfg.Demo) // the demo begins with its past
	if err != nil {
		a.log.Warn("the stages wait", "err", err) // and ask again: a full disk keeps nobody from reading
	}
	l, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return cairn.Errorf(cairn.Unavailable, "The address %s cannot be listened on; --listen names another.", a.cfg.Listen).At("listen").Because(err)
	}
	var protocols http.Protocols // HTTP/2 also from a proxy that speaks it without TLS
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	srv := &http.Server{Handler: a.Handler(), Protocols: &protocols, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	srv.RegisterOnShutdown(a.stop)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	if err := a.greet(ctx, l.Addr().String()); err != nil {
		return errors.Join(err, srv.Close())
	}
	work.Go(func() { a.live(ctx) })
	work.Go(func() { a.follow(ctx) })
	work.Go(func() { a.writeLedger(ctx) })
	work.Go(func() { a.keepBooks(ctx) })

	select {
	case err = <-served:
	case <-ctx.Done():
		a.log.Info("shutting down")
		stop, done := context.WithTimeout(context.Background(), 15*time.Second)
		defer done()
		err = srv.Shutdown(stop)
	}
	cancel()
	work.Wait()
	a.flow.Stop()
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return err
}

// writeLedger writes down every few seconds what the doors have counted.
func (a *App) writeLedger(ctx context.Context) {
	tick := time.NewTicker(5 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := a.ledger.Flush(ctx); err != nil && ctx.Err() == nil {
				a.log.Warn("breaches of contracts were not counted", "err", err)
			}
		}
	}
}

// live feeds the demo, if there is one, and runs the stages.
func (a *App) live(ctx context.Context) {
	if a.cfg.NoWork {
		return
	}
	if !a.cfg.Demo {
		a.flow.Start(ctx)
		return
	}
	if err := a.liveDemo(ctx); err != nil && ctx.Err() == nil {
		a.log.Error("the demo stopped", "err", err)
	}
}

// greet prints where to look and how to get in.
func (a *App) greet(ctx context.Context, addr string) error {
	address := a.cfg.Address(addr)
	fmt.Printf("\n  Cairn is at  %s\n", address)
	if a.cfg.Demo {
		mail, password, err := a.demoLogin(ctx)
		if err != nil {
			return err
		}
		fmt.Printf("  Sign in as   %s\n  Password     %s\n\n", mail, password)
		return nil
	}
	users, err := a.Store.Users(ctx)
	if err != nil {
		return err
	}
	if len(users) == 0 {
		where := "--data " + a.cfg.Data
		if !a.cfg.Embedded() {
			where = "--database …" // its address may hold a password
		}
		fmt.Printf("  Nobody can sign in yet. Add yourself with:\n\n    cairn user add you@example.com %s\n", where)
	}
	fmt.Println()
	return nil
}
