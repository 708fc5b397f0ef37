// Command cairn is the whole of Cairn: the server and everything an operator
// does with it. See docs/cli.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	c := &cli{in: os.Stdin, out: os.Stdout, err: os.Stderr, environ: os.Environ()}
	os.Exit(c.run(ctx, os.Args[1:]))
}

// A cli is one invocation of the program.
type cli struct {
	in       io.Reader
	out, err io.Writer
	environ  []string
}

// run performs one command and returns the exit code.
func (c *cli) run(ctx context.Context, args []string) int {
	root := c.rootCommand()
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	text, code := explain(ctx, err)
	fmt.Fprintln(c.err, text)
	return code
}

// exitCodes are stable; see docs/cli.md.
var exitCodes = map[cairn.Kind]int{
	cairn.Internal:    1,
	cairn.Invalid:     2,
	cairn.TooLarge:    2,
	cairn.NotFound:    3,
	cairn.Conflict:    4,
	cairn.Busy:        5,
	cairn.TooMany:     5,
	cairn.Unavailable: 5,
	cairn.Unauthentic: 6,
	cairn.Forbidden:   6,
}

// explain returns the one sentence for people and the exit code for scripts.
// The operator is at the terminal, so the cause is told too.
func explain(ctx context.Context, err error) (string, int) {
	var e *cairn.Error
	switch {
	case errors.As(err, &e):
		text := e.Text
		if e.Cause != nil {
			text += " (" + e.Cause.Error() + ")"
		}
		return text, exitCodes[e.Kind]
	case ctx.Err() != nil:
		return "Interrupted.", 130
	}
	return err.Error(), exitCodes[cairn.Internal]
}

func (c *cli) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "cairn",
		Short:         "Cairn tells how well every customer is doing, which way it is going, and why",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return cairn.Errorf(cairn.Invalid, "%s; see %s --help.", strings.TrimSuffix(err.Error(), "."), cmd.CommandPath())
	})
	root.PersistentFlags().String("config", "", "file with settings (default cairn.yaml in the data directory, if there is one)")
	settingFlags(root.PersistentFlags(), "data", "database", "log-level", "log-json")
	root.AddCommand(
		c.serveCommand(), c.workCommand(), importCommand(c), demoCommand(c),
		c.accountsCommand(), c.vectorCommand(), c.portfolioCommand(), c.decisionsCommand(), c.unclaimedCommand(), c.identityCommand(),
		c.stagesCommand(), c.rebuildCommand(),
		c.userCommand(), c.personCommand(), c.sourceCommand(),
		c.eventsCommand(), c.meaningfulCommand(), c.metricCommand(), c.signalCommand(), c.modelCommand(), c.driversCommand(), c.keepCommand(),
		c.metricsCommand(), c.churnCommand(), c.lossesCommand(), c.paymentsCommand(), c.opportunitiesCommand(), c.cohortsCommand(), c.survivalCommand(), c.renewalsCommand(), c.fitCommand(),
		c.benchCommand(), c.versionCommand(),
	)
	sentences(root)
	return root
}

// sentences makes what cobra says of wrong arguments an error of ours.
func sentences(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			err := check(cmd, args)
			if err != nil && cmd.HasSubCommands() && len(args) > 0 && !strings.Contains(cmd.Use, " ") {
				return cairn.Errorf(cairn.Invalid, "There is no command %q; %s --help lists them.", args[0], cmd.CommandPath())
			}
			if err != nil {
				return cairn.Errorf(cairn.Invalid, "Use: %s. %s --help says more.", cmd.UseLine(), cmd.CommandPath())
			}
			return nil
		}
	}
	for _, sub := range cmd.Commands() {
		sentences(sub)
	}
}

// settingFlags adds flags for the named settings.
func settingFlags(fs *pflag.FlagSet, names ...string) {
	for _, s := range config.Settings {
		for _, n := range names {
			switch {
			case n != s.Name:
			case s.Bool:
				fs.Bool(n, false, s.Usage)
			default:
				fs.String(n, "", s.Usage)
			}
		}
	}
}

// config joins the command's flags with environment and file.
func (c *cli) config(cmd *cobra.Command) (config.Config, error) {
	flags, file := map[string]string{}, ""
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if f.Name == "config" {
			file = f.Value.String()
			return
		}
		for _, s := range config.Settings {
			if s.Name == f.Name {
				flags[f.Name] = f.Value.String()
			}
		}
	})
	return config.Load(flags, c.environ, file)
}

// logger writes to standard error.
func (c *cli) logger(cfg config.Config) *slog.Logger {
	o := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogJSON {
		return slog.New(slog.NewJSONHandler(c.err, o))
	}
	return slog.New(slog.NewTextHandler(c.err, o))
}

// link returns a way to the Cairn that the command's flags name. Commands log
// warnings only, unless told otherwise.
func (c *cli) link(cmd *cobra.Command) (*app.Link, error) {
	cfg, err := c.config(cmd)
	if err != nil {
		return nil, err
	}
	if cfg.LogLevel == slog.LevelInfo {
		cfg.LogLevel = slog.LevelWarn
	}
	return app.Dial(cmd.Context(), cfg, cmd.CommandPath(), c.logger(cfg))
}

// call performs op through the link of the command.
func call[In, Out any](c *cli, cmd *cobra.Command, op app.Op[In, Out], in In, say func(app.Progress)) (out Out, err error) {
	l, err := c.link(cmd)
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, l.Close()) }()
	return app.Call(cmd.Context(), l, op, in, say)
}

// terminal reports whether f is one that a person looks at.
func terminal(f any) bool {
	t, ok := f.(*os.File)
	return ok && term.IsTerminal(int(t.Fd()))
}
