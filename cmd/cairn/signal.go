package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"cairn/internal/app"
	"cairn/internal/model"
)

func (c *cli) signalCommand() *cobra.Command {
	return group("signal", "Signals: the facts that are measured of every account", c.signalListCommand(), c.signalShowCommand())
}

func (c *cli) signalListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List all signals: what they mean, of how many accounts they are known, and who reads them",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.SignalsList, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string][]model.Signal{"signals": got})
		}
		g := grid{head: []string{"SIGNAL", "UNIT", ">KNOWN", ">LOW", ">MEDIAN", ">HIGH", "FROM", "READ BY"}}
		for _, s := range got {
			g.add(s.Name, dash(s.Unit), share(s), quantileText(s, 2), quantileText(s, 10), quantileText(s, 18), s.Source, dash(strings.Join(s.Readers, ", ")))
		}
		g.print(c.out)
		fmt.Fprintln(c.out, "\nLow and high: a tenth of the accounts lie below, and above.")
		return nil
	}
	return cmd
}

func share(s model.Signal) string {
	if s.Accounts == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f %%", 100*float64(s.Known)/float64(s.Accounts))
}

// quantileText is one of the 21 quantiles of a signal, as numbers go.
func quantileText(s model.Signal, i int) string {
	if len(s.Spread) <= i {
		return "–"
	}
	return fmt.Sprintf("%.6g", s.Spread[i])
}

func (c *cli) signalShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show all that is known of a signal over all accounts", Args: cobra.ExactArgs(1)}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s, err := call(c, cmd, app.SignalShow, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, s)
		}
		printSignal(c.out, s)
		return nil
	}
	return cmd
}

func printSignal(w io.Writer, s model.Signal) {
	fmt.Fprintf(w, "%s: %s\n%s\n\n", s.Name, s.Label, s.Description)
	g := grid{head: []string{"", ""}}
	g.add("unit", dash(s.Unit))
	g.add("measured from", s.Source)
	g.add("known of", fmt.Sprintf("%d of %d accounts (%s)", s.Known, s.Accounts, share(s)))
	if !s.Fresh.IsZero() {
		g.add("newest data", s.Fresh.UTC().Format("2 January 2006, 15:04 UTC"))
	}
	if s.Stale > 0 {
		g.add("stale", fmt.Sprintf("of %d accounts, because a source is silent", s.Stale))
	}
	g.add("read by", dash(strings.Join(s.Readers, ", ")))
	if len(s.Spread) > 0 {
		for _, q := range []struct {
			i    int
			says string
		}{{0, "lowest"}, {2, "tenth"}, {5, "quarter"}, {10, "median"}, {15, "three quarters"}, {18, "nine tenths"}, {20, "highest"}} {
			g.add(q.says, quantileText(s, q.i))
		}
	}
	for _, t := range s.Texts {
		g.add("is “"+t.Text+"”", fmt.Sprintf("%d accounts", t.Accounts))
	}
	for _, t := range s.Missing {
		g.add("missing", fmt.Sprintf("%d accounts: %s", t.Accounts, t.Text))
	}
	g.print(w)
}
