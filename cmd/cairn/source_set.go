package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/ingest"
)

func (c *cli) sourceShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show SOURCE",
		Short: "Print what is agreed with a source: its cadence and its contract",
		Args:  cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		told, err := call(c, cmd, app.SourceShow, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, told.Source)
		}
		fmt.Fprint(c.out, told.Text)
		return nil
	}
	return cmd
}

func (c *cli) sourceSetCommand() *cobra.Command {
	var note string
	var rev int
	cmd := &cobra.Command{
		Use:   "set SOURCE [FILE]",
		Short: "Write down what is agreed with a source, as a new revision",
		Long: `Write down what is agreed with a source, in YAML or JSON as cairn source show
and cairn source suggest print it. FILE may be - for standard input. With --rev
it is as in an earlier revision again; cairn source revisions lists them.`,
		Args: cobra.RangeArgs(1, 2),
	}
	cmd.Flags().IntVar(&rev, "rev", 0, "as in this revision, without a file")
	cmd.Flags().StringVar(&note, "note", "", "why, for who reads the revisions")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if (rev > 0) == (len(args) == 2) {
			return cairn.Errorf(cairn.Invalid, "Name a file, or --rev to go back to an earlier revision.").At("rev")
		}
		if rev > 0 {
			src, err := call(c, cmd, app.SourceRestore, app.SourceRev{Source: args[0], Rev: rev}, nil)
			return c.printSourceSet(src, *asJSON, err)
		}
		text, err := c.text(args[1])
		if err != nil {
			return err
		}
		src, err := call(c, cmd, app.SourceSet, app.SourceText{Source: args[0], Text: text, Note: note}, nil)
		return c.printSourceSet(src, *asJSON, err)
	}
	return cmd
}

func (c *cli) printSourceSet(src ingest.Source, asJSON bool, err error) error {
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, src)
	}
	fmt.Fprintf(c.out, "This is revision %d of %s.\n", src.Rev, src.Name)
	return nil
}

func (c *cli) sourceRevisionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "revisions SOURCE",
		Short: "List what was ever agreed with a source, and what each revision changed",
		Args:  cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := call(c, cmd, app.SourceRevisions, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"revisions": list})
		}
		for _, r := range list {
			fmt.Fprintf(c.out, "Revision %d, %s, %s: %s\n", r.Rev, lastSeen(r.At), r.By, dash(r.Note))
			for _, l := range r.Changed {
				fmt.Fprintf(c.out, "  %s %s\n", l.Sign, l.Text)
			}
		}
		return nil
	}
	return cmd
}

// text reads a file, or standard input for "-".
func (c *cli) text(name string) (string, error) {
	in := c.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", cairn.Errorf(cairn.Invalid, "The file %s cannot be opened.", name).Because(err)
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 1<<20))
	return string(b), err
}

func (c *cli) sourceSuggestCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "suggest SOURCE",
		Short: "Print the cadence and the contract that a source's past suggests",
		Long:  "Print the cadence and the contract that what a source sent lately suggests, in\nthe form that cairn source set reads. Nothing is changed.",
		Args:  cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := call(c, cmd, app.SourceSuggest, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, s)
		}
		fmt.Fprintf(c.out, "# Of %d records of the last 7 days.\n%s", s.Records, s.Text)
		return nil
	}
	return cmd
}

func (c *cli) sourceAlarmsCommand() *cobra.Command {
	var since string
	cmd := &cobra.Command{
		Use:   "alarms [SOURCE]",
		Short: "List what is wrong with sources, and what was",
		Args:  cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&since, "since", "90d", "how far back, also of alarms that have ended")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		d, err := span(since)
		if err != nil {
			return err
		}
		list, err := call(c, cmd, app.SourceAlarms, app.AlarmQuery{Source: strings.Join(args, ""), Since: d}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"alarms": list})
		}
		g := grid{head: []string{"SOURCE", "KIND", "STALE AS OF", "BEGAN", "ENDED", "WHY"}}
		for _, a := range list {
			stale := "–"
			if a.Stale {
				stale = lastSeen(a.Heard)
			}
			g.add(a.Source, string(a.Kind), stale, lastSeen(a.Began), lastSeen(a.Ended), a.Why)
		}
		g.print(c.out)
		return nil
	}
	return cmd
}
