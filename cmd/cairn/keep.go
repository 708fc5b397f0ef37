package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/book"
	"cairn/internal/keep"
	"cairn/internal/signal"
)

func (c *cli) keepCommand() *cobra.Command {
	cmd := group("keep", "How long single events are kept, and how much room there is (retention)",
		c.keepShowCommand(), c.keepSetCommand(true), c.keepSetCommand(false), c.keepUnsetCommand(), c.keepQuotaCommand(), c.keepHistoryCommand(), c.keepRestoreCommand())
	cmd.Aliases = []string{"retention"}
	return cmd
}

func (c *cli) keepShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show what the log holds, for how long it is kept, what was dropped, and how much room there is",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	asText := cmd.Flags().Bool("text", false, "print the ends alone, as YAML that keep set --file reads")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.Keeping, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asText {
			text, err := keep.PolicyText(got.Policy)
			fmt.Fprint(c.out, text)
			return err
		}
		if *asJSON {
			got.Dropped = append([]signal.Dropped{}, got.Dropped...)
			return printJSON(c.out, got)
		}
		c.printRoom(got.Room)
		fmt.Fprintln(c.out)
		c.printKept(got.Preview)
		if got.Due > 0 {
			fmt.Fprintf(c.out, "\n%s are past their end and are being dropped%s.\n", several(int(got.Due), "event", "events"), from(got.Begins))
		}
		if len(got.Dropped) > 0 {
			fmt.Fprintln(c.out)
			g := grid{head: []string{"DROPPED", "SOURCE", ">EVENTS", ">ABOUT", "OF", "TO", "ON"}}
			for _, d := range got.Dropped {
				g.add(d.Name, d.Source, fmt.Sprint(d.N), keep.Bytes(d.Bytes), d.First.Format(time.DateOnly), d.Last.Format(time.DateOnly), d.At.Format(time.DateOnly))
			}
			g.print(c.out)
		}
		return nil
	}
	return cmd
}

// from says when dropping begins, where that is ahead.
func from(t time.Time) string {
	if t.After(time.Now()) {
		return " from " + t.UTC().Format("15:04 UTC") + " on"
	}
	return ""
}

func (c *cli) printRoom(s keep.Status) {
	fmt.Fprintln(c.out, s.Sentence())
	if s.PerDay > 0 {
		line := "It grows by about " + keep.Bytes(s.PerDay) + " a day"
		if s.Left > 0 || !s.Full.IsZero() {
			line += fmt.Sprintf("; at this pace nothing is left in %d days, on %s", s.Left, s.Full.Format(time.DateOnly))
		}
		fmt.Fprintln(c.out, line+".")
	}
	if s.Total == 0 && s.Quota == 0 {
		fmt.Fprintln(c.out, "The database's disk cannot be seen from here. `cairn keep quota` says how much room it may take, to be warned.")
	}
}

func (c *cli) printKept(p keep.Preview) {
	g := grid{head: []string{"EVENT", "SOURCE", ">EVENTS", ">ABOUT", ">A DAY", "FROM", "KEPT", ">PAST ITS END", ">ABOUT"}}
	for _, r := range p.Rows {
		g.add(r.Event, r.Source, fmt.Sprint(r.N), keep.Bytes(r.Bytes), keep.Bytes(r.PerDay), r.First.String(), r.Keep, fmt.Sprint(r.Due), keep.Bytes(r.DueBytes))
	}
	g.print(c.out)
}

// keepSetCommand is `keep preview` and `keep set`.
func (c *cli) keepSetCommand(try bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set --for SPAN",
		Short: "Set an end for single usage events of a source or a name, or of all",
		Long: `Set an end: single usage events that are older are dropped, from 15 minutes after
this on and every night. What they came to stays: counts, people, levels as of
every day. What is gone is the events themselves: their lines in the timeline and
the feed, and their properties for metrics that are made later. Without --source
and --event the end is for all usage events; one that names an event goes before
one that names a source. Contracts, tickets, answers, notes and ties have no end.`,
		Example: "  cairn keep preview --event \"Page Viewed\" --for \"90 days\"\n  cairn keep set --event \"Page Viewed\" --for \"90 days\" --yes",
		Args:    cobra.NoArgs,
	}
	if try {
		cmd.Use, cmd.Short = "preview --for SPAN", "Show what an end would drop, by source, event and month, and drop nothing"
		cmd.Long, cmd.Example = "", "  cairn keep preview --event \"Page Viewed\" --for \"90 days\""
	}
	asJSON := jsonFlag(cmd)
	q := app.KeepChange{Try: true}
	cmd.Flags().StringVar(&q.Source, "source", "", "of this source (default of any)")
	cmd.Flags().StringVar(&q.Event, "event", "", "of this name (default of any)")
	cmd.Flags().StringVar(&q.For, "for", "", `how long: "90 days", "13 months", "2 years", "for ever"`)
	file := cmd.Flags().String("file", "", "file with all ends as YAML, as keep show --text prints them; - is standard input")
	var sure bool
	if !try {
		cmd.Flags().StringVar(&q.Note, "note", "", "why, for the book")
		cmd.Flags().BoolVar(&sure, "yes", false, "also if events are past their end already, which are dropped for good")
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *file != "" {
			text, err := c.read(*file)
			if err != nil {
				return err
			}
			q.Text = &text
		} else if q.For == "" {
			return cairn.Errorf(cairn.Invalid, `Say how long events are kept, such as --for "90 days".`).At("for")
		}
		got, err := call(c, cmd, app.ChangeKeeping, q, nil)
		if err != nil {
			return err
		}
		if try {
			if *asJSON {
				return printJSON(c.out, got)
			}
			c.printKeepPreview(got.Preview)
			return nil
		}
		if got.Due > 0 && !sure {
			return cairn.Errorf(cairn.Conflict, "%s (about %s) are older than that and would be dropped for good. See keep preview, and say --yes to drop them.", several(int(got.Due), "event", "events"), keep.Bytes(got.DueBytes)).At("yes")
		}
		q.Try = false
		if got, err = call(c, cmd, app.ChangeKeeping, q, nil); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, got)
		}
		c.printKeepChanged(got)
		return nil
	}
	return cmd
}

func (c *cli) printKeepChanged(got app.KeepChanged) {
	fmt.Fprintf(c.out, "Revision %d is in force.", got.Rev)
	if got.Due > 0 {
		fmt.Fprintf(c.out, " %s are dropped from %s on; until then `cairn keep restore %d` takes it back as if nothing had been.", several(int(got.Due), "event", "events"), got.Begins.UTC().Format("15:04 UTC"), got.Rev-1)
	}
	fmt.Fprintln(c.out)
}

func (c *cli) printKeepPreview(p keep.Preview) {
	c.printKept(p)
	fmt.Fprintf(c.out, "\nOf %s in the log (about %s), %s would be dropped (about %s).\n", several(int(p.Events), "usage event", "usage events"), keep.Bytes(p.Bytes), several(int(p.Due), "event", "events"), keep.Bytes(p.DueBytes))
	if p.Due == 0 {
		return
	}
	g := grid{head: []string{"MONTH", ">WOULD GO"}}
	for _, m := range p.Months {
		g.add(m.Month, fmt.Sprint(m.N))
	}
	g.print(c.out)
	fmt.Fprintln(c.out, "\nCounts, people and levels of every day stay. Single lines of the timeline and of the feed go.")
	for _, m := range p.Stays {
		fmt.Fprintf(c.out, "The metric “%s” looks into properties of what goes, and stays right: what it counted is kept.\n", m)
	}
	fmt.Fprintln(c.out, "A metric that is made later cannot look into properties of what is gone.")
}

func (c *cli) keepUnsetCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "unset", Short: "Take the end for a source, a name or all back; what was dropped does not come back", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	q := app.KeepChange{Unset: true}
	cmd.Flags().StringVar(&q.Source, "source", "", "the end that names this source")
	cmd.Flags().StringVar(&q.Event, "event", "", "the end that names this event")
	cmd.Flags().StringVar(&q.Note, "note", "", "why, for the book")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return c.changeKeeping(cmd, q, *asJSON) }
	return cmd
}

func (c *cli) changeKeeping(cmd *cobra.Command, q app.KeepChange, asJSON bool) error {
	got, err := call(c, cmd, app.ChangeKeeping, q, nil)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, got)
	}
	c.printKeepChanged(got)
	return nil
}

func (c *cli) keepQuotaCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "quota SIZE",
		Short: "Say how much room Cairn's data may take, to be warned at 70, 85 and 95 % of it; none is the disk",
		Long: `Say how much room Cairn's data should take at most. When 70, 85 and 95 % of it are
taken, or of the disk, pages, log and keep show say so. Nothing is refused or
dropped because of it.`,
		Example: "  cairn keep quota \"50 GB\"\n  cairn keep quota none",
		Args:    cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		n := int64(0)
		if args[0] != "none" {
			var err error
			if n, err = keep.ParseBytes(args[0]); err != nil {
				return err
			}
		}
		return c.changeKeeping(cmd, app.KeepChange{Quota: &n}, *asJSON)
	}
	return cmd
}

func (c *cli) keepHistoryCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "history", Short: "Show who set which ends, and when", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.KeepHistory, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string][]book.Revision{"revisions": append([]book.Revision{}, got...)})
		}
		g := grid{head: []string{">REVISION", "WHEN", "WHO", "ENDS", "WHY"}}
		for _, r := range got {
			p, err := keep.ParsePolicy(string(r.Body))
			if err != nil {
				return err
			}
			g.add(fmt.Sprint(r.Rev), r.At.UTC().Format("2006-01-02 15:04"), r.By.Name, p.Sentence(), r.Note)
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func (c *cli) keepRestoreCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "restore REVISION",
		Short: "Put an earlier revision in force (0: as before anybody set anything); what was dropped does not come back",
		Args:  cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var rev int
		if _, err := fmt.Sscanf(args[0], "%d", &rev); err != nil || rev < 0 {
			return cairn.Errorf(cairn.Invalid, "%q is not the number of a revision; keep history lists them.", args[0]).At("rev")
		}
		return c.changeKeeping(cmd, app.KeepChange{Rev: &rev}, *asJSON)
	}
	return cmd
}
