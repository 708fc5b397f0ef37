package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/ingest"
)

// keyFlags are what a key is limited to.
type keyFlags struct {
	name, expires                 string
	scopes, kinds, origins, paths []string
	perSecond, burst, perDay      int64
}

func (f *keyFlags) add(cmd *cobra.Command) {
	fs := cmd.Flags()
	fs.StringVar(&f.name, "name", "", "what the key is for, such as \"website\"")
	fs.StringVar(&f.expires, "expires", "", "when it ends: a span such as 90d, a day or a time (default: never)")
	fs.StringSliceVar(&f.kinds, "kinds", nil, "kinds of records that it may write, such as track,person (default: all)")
	fs.StringSliceVar(&f.origins, "origins", nil, "web pages that may use it, such as https://app.example.com (default: any client)")
	fs.Int64Var(&f.perSecond, "per-second", 0, "records a second that it may send, on each server (default: no limit)")
	fs.Int64Var(&f.burst, "burst", 0, "records that it may send at once (default: as many as in ten seconds)")
	fs.Int64Var(&f.perDay, "per-day", 0, "records that it may send a day (default: no limit)")
	fs.StringSliceVar(&f.paths, "paths", nil, "endpoints at which it may be used, such as /v1/batch (default: all)")
}

func (c *cli) sourceKeyCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "key NAME",
		Short: "The keys of sources; with a source's name, make one",
		Args:  cobra.ExactArgs(1),
	}
	c.keyAdder(cmd)
	add := &cobra.Command{Use: "add SOURCE", Short: "Make a key for a source; it is shown once", Args: cobra.ExactArgs(1)}
	c.keyAdder(add)
	cmd.AddCommand(add, c.keyListCommand(), c.keyRotateCommand(), c.keyChangeCommand(), c.keyWithdrawCommand())
	return cmd
}

func (c *cli) keyAdder(cmd *cobra.Command) {
	var f keyFlags
	f.add(cmd)
	cmd.Flags().StringSliceVar(&f.scopes, "scope", []string{"write"}, "what it allows: write, read, personal, manage")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		k := ingest.Key{Source: args[0], Name: f.name, Scopes: texts[ingest.KeyScope](f.scopes), Kinds: texts[cairn.EventKind](f.kinds), Origins: f.origins, Paths: f.paths,
			Limits: ingest.Limits{PerSecond: f.perSecond, Burst: f.burst, PerDay: f.perDay}}
		var err error
		if k.Expires, err = later(f.expires, time.Now()); err != nil {
			return err
		}
		made, err := call(c, cmd, app.SourceKeyAdd, k, nil)
		if err != nil {
			return err
		}
		return c.printKey(made, *asJSON)
	}
}

// printKey prints a key that was just made: its text alone, so that scripts
// can take it.
func (c *cli) printKey(made app.KeyMade, asJSON bool) error {
	if asJSON {
		return printJSON(c.out, struct {
			Source string `json:"source"`
			Key    string `json:"key"`
			Of     keyRow `json:"of"`
		}{made.Key.Source, made.Text, keyJSON(made.Key)})
	}
	fmt.Fprintln(c.out, made.Text)
	return nil
}

// A keyRow is what --json prints of a key; see docs/cli.md.
type keyRow struct {
	ingest.Key
	State ingest.KeyState `json:"state"`
}

func keyJSON(k ingest.Key) keyRow {
	state, _ := k.State(time.Now())
	return keyRow{k, state}
}

func (c *cli) keyListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list [SOURCE]",
		Short: "List keys: of a source, or of all",
		Args:  cobra.MaximumNArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		keys, err := call(c, cmd, app.SourceKeys, strings.Join(args, ""), nil)
		if err != nil {
			return err
		}
		rows := []keyRow{}
		g := grid{head: []string{">NUMBER", "SOURCE", "NAME", "KEY", "MAY", "STATE", "MADE", "BY", "LAST USED", "ENDS"}}
		for _, k := range keys {
			row := keyJSON(k)
			rows = append(rows, row)
			ends := k.Expires
			if !k.Withdrawn.IsZero() {
				ends = k.Withdrawn
			}
			g.add(strconv.FormatInt(k.ID, 10), k.Source, dash(k.Name), k.Hint, may(k), string(row.State), date(k.Made), k.By.Name, dash(k.LastUsed), lastSeen(ends))
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"keys": rows})
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

// may says what a key allows in a few words.
func may(k ingest.Key) string {
	var parts []string
	for _, s := range k.Scopes {
		parts = append(parts, string(s))
	}
	out := strings.Join(parts, ", ")
	var only []string
	for _, kind := range k.Kinds {
		only = append(only, string(kind))
	}
	for _, s := range append(append(only, k.Origins...), k.Paths...) {
		out += " " + s
	}
	if k.Limits != (ingest.Limits{}) {
		out += ", " + k.Limits.String()
	}
	return out
}

func (c *cli) keyRotateCommand() *cobra.Command {
	var overlap string
	cmd := &cobra.Command{
		Use:     "rotate SOURCE KEY",
		Short:   "Make a new key in place of another, which ends after an overlap",
		Long:    "Make a new key like another one: put it into place during the overlap, after\nwhich the old one ends. KEY is its number, its name or its beginning.",
		Example: "  cairn source key rotate segment website\n  cairn source key rotate segment wk_1a2b --overlap 24h",
		Args:    cobra.ExactArgs(2),
	}
	cmd.Flags().StringVar(&overlap, "overlap", "7d", "how long the old key still works: 0, 12h, 7d")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := span(overlap)
		if err != nil {
			return err
		}
		made, err := call(c, cmd, app.SourceKeyRotate, app.Rotation{KeyName: app.KeyName{Source: args[0], Key: args[1]}, Overlap: d}, nil)
		if err != nil {
			return err
		}
		return c.printKey(made, *asJSON)
	}
	return cmd
}

func (c *cli) keyChangeCommand() *cobra.Command {
	var f keyFlags
	cmd := &cobra.Command{
		Use:   "change SOURCE KEY",
		Short: "Change what a key is called, what it is limited to, and when it ends",
		Args:  cobra.ExactArgs(2),
	}
	f.add(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change := app.KeyChange{KeyName: app.KeyName{Source: args[0], Key: args[1]}}
		given := cmd.Flags().Changed
		if given("name") {
			change.Name = &f.name
		}
		if given("expires") {
			t, err := later(f.expires, time.Now())
			if err != nil {
				return err
			}
			change.Expires = &t
		}
		if given("kinds") {
			kinds := texts[cairn.EventKind](f.kinds)
			change.Kinds = &kinds
		}
		if given("origins") {
			change.Origins = &f.origins
		}
		if given("paths") {
			change.Paths = &f.paths
		}
		if given("per-second") {
			change.Limits.PerSecond = &f.perSecond
		}
		if given("burst") {
			change.Limits.Burst = &f.burst
		}
		if given("per-day") {
			change.Limits.PerDay = &f.perDay
		}
		k, err := call(c, cmd, app.SourceKeyChange, change, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, keyJSON(k))
		}
		fmt.Fprintf(c.out, "Key %s of %s was changed.\n", k.Label(), k.Source)
		return nil
	}
	return cmd
}

func (c *cli) keyWithdrawCommand() *cobra.Command {
	var back bool
	cmd := &cobra.Command{
		Use:   "withdraw SOURCE KEY",
		Short: "End a key at once",
		Long:  "End a key at once, on every server. KEY is its number, its name or its beginning.",
		Args:  cobra.ExactArgs(2),
	}
	cmd.Flags().BoolVar(&back, "back", false, "take a withdrawal back")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		k, err := call(c, cmd, app.SourceKeyWithdraw, app.Withdrawal{KeyName: app.KeyName{Source: args[0], Key: args[1]}, Back: back}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, keyJSON(k))
		}
		what := "has ended: who sends with it is answered 401"
		if back {
			what = "works again"
		}
		fmt.Fprintf(c.out, "Key %s of %s %s.\n", k.Label(), k.Source, what)
		return nil
	}
	return cmd
}

func texts[T ~string](list []string) []T {
	var out []T
	for _, s := range list {
		out = append(out, T(strings.TrimSpace(s)))
	}
	return out
}

// span reads 90m, 12h or 7d.
func span(s string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 10_000 {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, cairn.Errorf(cairn.Invalid, "%q is not a span such as 12h or 7d.", s)
	}
	return d, nil
}

// later reads a span from now, a day (its end) or a time; empty and "never"
// are zero.
func later(s string, now time.Time) (time.Time, error) {
	if s == "" || s == "never" {
		return time.Time{}, nil
	}
	if d, err := span(s); err == nil {
		return now.Add(d).UTC().Truncate(time.Second), nil
	}
	t, err := moment(s)
	if err != nil {
		return t, cairn.Errorf(cairn.Invalid, "%q is not a span such as 90d, a day such as 2027-01-31, or a time.", s).At("expires")
	}
	return t, nil
}
