package app

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"strings"

	"cairn/internal/config"
)

// Version tells which Cairn this is: the released version, or the commit that
// it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	version := strings.Trim(info.Main.Version, "()")
	if version == "" {
		version = "devel"
	}
	said := map[string]string{}
	for _, s := range info.Settings {
		said[s.Key] = s.Value
	}
	if rev := said["vcs.revision"]; version == "devel" && len(rev) >= 12 {
		version += " " + rev[:12]
		if said["vcs.modified"] == "true" {
			version += " with changes"
		}
	}
	return version + ", " + info.GoVersion
}

// Dial returns a link to the Cairn that cfg names: through the socket of the
// server on its data directory when one runs, otherwise opened by this
// process, with its stages caught up before the first call and after the
// last. Holder names the command to whoever has to wait for it.
func Dial(ctx context.Context, cfg config.Config, holder string, log *slog.Logger) (*Link, error) {
	open := func() (House, func() error, error) {
		a, err := New(ctx, cfg, log)
		if err != nil {
			return House{}, nil, err
		}
		if err := a.Settle(ctx, a.Clock.Now()); err != nil {
			return House{}, nil, errors.Join(err, a.Close())
		}
		return a.House(), func() error {
			return errors.Join(a.Settle(context.WithoutCancel(ctx), a.Clock.Now()), a.Close())
		}, nil
	}
	if cfg.Embedded() {
		return Connect(ctx, cfg.Data, holder, open)
	}
	h, closeStore, err := open()
	if err != nil {
		return nil, err
	}
	return &Link{house: h, close: closeStore}, nil
}

// Run is a server, until ctx ends.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	var a *App
	open := func() (h House, closeStore func() error, err error) {
		if a, err = New(ctx, cfg, log); err != nil {
			return h, nil, err
		}
		return a.House(), a.Close, nil
	}
	if cfg.Embedded() {
		return ServeDir(ctx, cfg.Data, log, open, func(ctx context.Context) error { return a.Serve(ctx) })
	}
	_, closeStore, err := open()
	if err != nil {
		return err
	}
	return errors.Join(a.Serve(ctx), closeStore())
}
