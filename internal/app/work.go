package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"

	"cairn"
)

// Work runs the stages until ctx ends. It answers nothing but health checks,
// where the configuration names an address for them.
func (a *App) Work(ctx context.Context) error {
	a.serving, a.watch.Rest = true, time.Second
	if err := a.Store.Join(ctx, "work", true); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	srv, err := a.checks(cancel)
	if err != nil {
		return err
	}
	a.log.Info("working", "node", a.Store.Node())
	a.flow.Start(ctx)
	a.follow(ctx)
	a.log.Info("shutting down")
	a.flow.Stop()
	return srv.Close()
}

// checks answers health checks, if an address is set for them.
func (a *App) checks(broken func()) (*http.Server, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("ok\n")) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := a.ready(); err != nil {
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte("ok\n"))
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	if a.cfg.Health == "" {
		return srv, nil
	}
	l, err := net.Listen("tcp", a.cfg.Health)
	if err != nil {
		return nil, cairn.Errorf(cairn.Unavailable, "The address %s cannot be listened on; --health names another.", a.cfg.Health).At("health").Because(err)
	}
	go func() {
		if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.log.Error("health checks are not answered any more", "err", err)
			broken()
		}
	}()
	return srv, nil
}

// ready reports whether the database answers.
func (a *App) ready() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return a.Store.Ping(ctx)
}

// follow puts settings in force that another node wrote, until ctx ends.
func (a *App) follow(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.book:
		}
		defs, err := a.definitions(ctx)
		if err != nil {
			if ctx.Err() == nil {
				a.log.Warn("the settings in force cannot be read; the last ones go on", "err", err)
			}
			continue
		}
		a.Store.Configure(defs.Settings)
	}
}
