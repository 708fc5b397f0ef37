package app

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"

	"cairn"
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
		if err := a.settleAlone(ctx); err != nil {
			return House{}, nil, errors.Join(err, a.Close())
		}
		return a.House(), func() error {
			return errors.Join(a.settleAlone(context.WithoutCancel(ctx)), a.Close())
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

// settleAlone catches the stages up if no other node runs them, and leaves
// them to whoever comes.
func (a *App) settleAlone(ctx context.Context) error {
	others, err := a.Store.Workers(ctx)
	if err != nil || others > 0 {
		return err
	}
	return errors.Join(a.Settle(ctx, a.Clock.Now()), a.Store.Release(ctx))
}

// tuneMemory lets a server that lives long spend memory to save time: what
// admission and stages leave behind is collected half as often. GOGC says
// otherwise.
func tuneMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
}

// Run is a server, until ctx ends.
func Run(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	tuneMemory()
	switch {
	case cfg.NoWork && cfg.Embedded():
		return cairn.Errorf(cairn.Invalid, "Nobody else can run the stages of an embedded database; --no-work goes with --database.").At("no-work")
	case cfg.NoWork && cfg.Demo:
		return cairn.Errorf(cairn.Invalid, "The made-up company needs the stages in the same process; leave out --demo or --no-work.").At("no-work")
	}
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

// RunWorker is a node that runs the stages and serves nothing, until ctx ends.
func RunWorker(ctx context.Context, cfg config.Config, log *slog.Logger) error {
	tuneMemory()
	if cfg.Embedded() {
		return cairn.Errorf(cairn.Invalid, "An embedded database belongs to one process, cairn serve, which runs the stages too; cairn work goes with --database.").At("database")
	}
	a, err := New(ctx, cfg, log)
	if err != nil {
		return err
	}
	return errors.Join(a.Work(ctx), a.Close())
}
