package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/driver"
	"cairn/internal/signal"
	"cairn/internal/usage"
)

func group(use, short string, subs ...*cobra.Command) *cobra.Command {
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(subs...)
	return cmd
}

func (c *cli) eventsCommand() *cobra.Command {
	list := &cobra.Command{
		Use:   "list",
		Short: "List the event names ever seen: how often, by whom, and whether they count",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(list)
	list.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.Events, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			if got.Events == nil {
				got.Events = []usage.Event{}
			}
			return printJSON(c.out, got)
		}
		g := grid{head: []string{"EVENT", "PRODUCT", ">28 DAYS", ">BEFORE", ">PEOPLE", ">ACCOUNTS", "LAST", "COUNTS", "SOURCES"}}
		for _, e := range got.Events {
			g.add(e.Name, dash(e.Product), fmt.Sprint(e.Recent), fmt.Sprint(e.Before), fmt.Sprint(e.People), fmt.Sprint(e.Joined),
				lastSeen(e.Last), yesNo(e.Counts), strings.Join(e.Sources, ", "))
		}
		g.print(c.out)
		return nil
	}
	return group("events", "The event names that were ever seen", list)
}

func (c *cli) meaningfulCommand() *cobra.Command {
	return group("meaningful", "Which events count as usage: Meaningful Activity", c.meaningfulShowCommand(), c.meaningfulSetCommand())
}

func (c *cli) meaningfulShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show which events count, as text that meaningful set reads",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.Meaningful, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, got)
		}
		text, err := usage.MeaningfulText(got.Choice)
		if err != nil {
			return err
		}
		fmt.Fprint(c.out, text)
		return nil
	}
	return cmd
}

func (c *cli) meaningfulSetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "set",
		Short: "Say which events count; accounts are measured again and nothing fires",
		Long: `Say which events count as Meaningful Activity. Accounts are measured again,
their history included, and nothing fires about it. --file reads the whole
choice with its products and groups of accounts, as meaningful show prints it;
--rev brings an earlier revision back.`,
		Example: "  cairn meaningful set --except \"Page Viewed\" --except \"Signed In\"\n  cairn meaningful set --file choice.yaml --dry-run",
		Args:    cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	only := cmd.Flags().StringArray("only", nil, "this event counts and, beside others named so, no other")
	except := cmd.Flags().StringArray("except", nil, "this event does not count; all that are not named do")
	file := cmd.Flags().String("file", "", "file with the whole choice as YAML or JSON; - is standard input")
	rev := cmd.Flags().Int("rev", 0, "as in this revision")
	note := cmd.Flags().String("note", "", "why, for the book")
	try := cmd.Flags().Bool("dry-run", false, "change nothing and show what would change at the accounts with the most events")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		n := app.NewChoice{Rev: *rev, Note: *note, Try: *try}
		switch {
		case *file != "":
			text, err := c.read(*file)
			if err != nil {
				return err
			}
			if n.Choice, err = usage.ParseMeaningful(text); err != nil {
				return err
			}
		case len(*only) > 0 || len(*except) > 0:
			n.Choice.Choice = signal.Choice{Only: *only, Except: *except}
		case *rev == 0:
			return cairn.Errorf(cairn.Invalid, "Say what counts, with --only, --except, --file or --rev.")
		}
		got, err := call(c, cmd, app.Choose, n, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, got)
		}
		if !*try {
			fmt.Fprintf(c.out, "Revision %d is in force. Accounts are being measured again.\n", got.Rev)
			return nil
		}
		g := grid{head: []string{"ACCOUNT", ">ACTIVE PEOPLE", ">THEN", ">EVENTS", ">THEN", ">LEVEL", ">THEN"}}
		for _, e := range got.Effects {
			g.add(e.Account.Name, number(e.Before.Known, e.Before.Active), number(e.After.Known, e.After.Active),
				number(e.Before.Known, e.Before.Events), number(e.After.Known, e.After.Events), levelOf(e.Before), levelOf(e.After))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func number(known bool, n float64) string {
	if !known {
		return "–"
	}
	return fmt.Sprintf("%.6g", n)
}

func levelOf(u usage.Use) string {
	if !u.Rated {
		return "–"
	}
	return fmt.Sprint(u.Level.Round())
}

// read returns the text of a file, "-" being standard input.
func (c *cli) read(name string) (string, error) {
	if name == "-" {
		b, err := io.ReadAll(c.in)
		return string(b), err
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", cairn.Errorf(cairn.NotFound, "The file %s cannot be read.", name).Because(err)
	}
	return string(b), nil
}

func (c *cli) metricCommand() *cobra.Command {
	return group("metric", "Metrics that this workspace defines", c.metricListCommand(), c.metricShowCommand(), c.metricCheckCommand(), c.metricSaveCommand(), c.metricDeleteCommand())
}

func (c *cli) metricListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List metrics with what they measure and who reads them", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.Metrics, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string][]usage.Metric{"metrics": append([]usage.Metric{}, got...)})
		}
		g := grid{head: []string{"METRIC", "TITLE", "USED BY", "MEASURES"}}
		for _, m := range got {
			g.add(m.Name, m.Title, dash(strings.Join(m.Readers, ", ")), m.Sentence)
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func (c *cli) metricShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show a metric as text that metric save reads", Args: cobra.ExactArgs(1)}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := call(c, cmd, app.Metric, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, m)
		}
		text, err := usage.MetricText(m.Metric)
		if err != nil {
			return err
		}
		fmt.Fprint(c.out, text)
		return nil
	}
	return cmd
}

func (c *cli) metricCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "check FILE",
		Short:   "Say what a metric would be of three accounts, and save nothing; - is standard input",
		Example: "  cairn metric check exports.yaml --account acme",
		Args:    cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	accounts := cmd.Flags().StringArray("account", nil, "an account to try it on; may be given several times (default those with the most events)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := c.read(args[0])
		if err != nil {
			return err
		}
		got, err := call(c, cmd, app.TryMetric, app.MetricTrial{Text: text, Accounts: *accounts}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, got)
		}
		fmt.Fprintln(c.out, got.Sentence)
		for _, l := range got.Losses {
			fmt.Fprintln(c.out, l.Sentence())
		}
		g := grid{head: []string{"ACCOUNT", ">" + strings.ToUpper(got.Metric.Title), ""}}
		for _, t := range got.Accounts {
			note := t.Signal.Why
			if t.Partial {
				note = cmp.Or(note, "of the newest events only")
			}
			g.add(t.Account.Name, number(t.Signal.Known, t.Signal.Number), note)
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func (c *cli) metricSaveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "save FILE",
		Short: "Make or change a metric; its history is counted in the background; - is standard input",
		Args:  cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	note := cmd.Flags().String("note", "", "why, for the book")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := c.read(args[0])
		if err != nil {
			return err
		}
		m, err := call(c, cmd, app.SaveMetric, app.MetricText{Text: text, Note: *note}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, m)
		}
		fmt.Fprintf(c.out, "%s is in force as revision %d: %s\n", m.Signal(), m.Rev, m.Sentence)
		return nil
	}
	return cmd
}

func (c *cli) metricDeleteCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "delete NAME", Short: "End a metric that no model, rule or metric reads", Args: cobra.ExactArgs(1)}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := call(c, cmd, app.DeleteMetric, args[0], nil); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]string{"deleted": args[0]})
		}
		fmt.Fprintf(c.out, "%s is deleted. Its revisions stay in the book.\n", args[0])
		return nil
	}
	return cmd
}

func (c *cli) driversCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "drivers",
		Short: "Show what people who stay do early and others do not",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	p := driver.Params{}
	cmd.Flags().StringVar(&p.Product, "product", "", "the product that people began to use (default the one without a name)")
	cmd.Flags().IntVar(&p.Early, "early", driver.DefaultEarly, "days from somebody's first event that count as early")
	cmd.Flags().IntVar(&p.Later, "later", driver.DefaultLater, "days after those, at whose end they are still active or not")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		f, err := call(c, cmd, app.Drivers, p, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			if f.Drivers == nil {
				f.Drivers = []driver.Driver{}
			}
			return printJSON(c.out, f)
		}
		fmt.Fprintf(c.out, "%d people began at least %d days ago and after %s; %d stayed.\n", f.People, f.Early+f.Later, f.Since.Format("2 January 2006"), f.Stayed)
		if f.TooFew != "" {
			fmt.Fprintln(c.out, f.TooFew)
		}
		g := grid{head: []string{"EARLY EVENT", ">DID", ">STAYED", ">DID NOT", ">STAYED", ">LIFT", "95 %", "SHOWS"}}
		for _, d := range f.Drivers {
			g.add(d.Name, fmt.Sprint(d.Did), fmt.Sprintf("%.0f %%", d.Rate), fmt.Sprint(d.Not), fmt.Sprintf("%.0f %%", d.Other),
				fmt.Sprintf("%.2f", d.Lift), fmt.Sprintf("%.2f to %.2f", d.Low, d.High), string(d.Verdict))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}
