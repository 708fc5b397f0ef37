package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/portfolio"
)

func (c *cli) portfolioCommand() *cobra.Command {
	var from, to string
	var q portfolio.Query
	cmd := &cobra.Command{
		Use:   "portfolio",
		Short: "Say how all accounts are doing together, and who moved",
		Long: `Say how all accounts were scored on two days: how many have which grade, who
went from which grade to which, by any field of accounts, and who moved most. It
is as it was said then: nothing that was learnt since changes it.`,
		Example: "  cairn portfolio\n  cairn portfolio --from 2026-01-01 --to 2026-06-30 --by segment --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&from, "from", "", "the first day, as 2026-01-01 (default: 90 days before the second)")
	cmd.Flags().StringVar(&to, "to", "", "the second day (default: today)")
	cmd.Flags().StringVar(&q.By, "by", "owner", "a field of accounts")
	cmd.Flags().StringVar(&q.Where, "where", "", "only some accounts, such as owner:ann@example.com")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for name, into := range map[string]*cairn.Day{"from": &q.From, "to": &q.To} {
			text := map[string]string{"from": from, "to": to}[name]
			if text == "" {
				continue
			}
			t, err := time.Parse(time.DateOnly, text)
			if err != nil {
				return cairn.Errorf(cairn.Invalid, "%q is not a day such as 2026-01-01.", text).At(name)
			}
			*into = cairn.DayOf(t, time.UTC)
		}
		r, err := call(c, cmd, app.PortfolioShow, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, portfolioTold{r.From.String(), r.To.String(), r})
		}
		printPortfolio(c.out, r)
		return nil
	}
	return cmd
}

// portfolioTold is what --json prints, with days as text; see docs/cli.md.
type portfolioTold struct {
	From string `json:"from"`
	To   string `json:"to"`
	portfolio.Report
}

func printPortfolio(w io.Writer, r portfolio.Report) {
	mean := func(f *float64) string {
		if f == nil {
			return "–"
		}
		return fmt.Sprintf("%.1f", *f)
	}
	fmt.Fprintf(w, "%d accounts on %s, of which %d have a level; the grade of %d is what it was on %s.\n\n", r.Accounts, r.To, r.Known, r.Same, r.From)
	g := grid{head: []string{"FROM", "TO", ">ACCOUNTS"}}
	for _, f := range r.Flows {
		g.add(f.From, f.To, fmt.Sprint(f.Accounts))
	}
	g.print(w)
	fmt.Fprintln(w)
	g = grid{head: []string{"BY " + r.By, ">ACCOUNTS", ">MEAN", ">BEFORE"}}
	for _, b := range r.Bands {
		g.head = append(g.head, ">"+b.Name)
	}
	for _, x := range r.Groups {
		row := []string{x.Value, fmt.Sprint(x.Accounts), mean(x.Mean), mean(x.Before)}
		for _, n := range x.Bands {
			row = append(row, fmt.Sprint(n))
		}
		g.add(row...)
	}
	g.print(w)
	if len(r.Movers) == 0 {
		return
	}
	fmt.Fprintln(w)
	g = grid{head: []string{"MOVED MOST", ">WAS", ">IS", ">CHANGE", "OWNER"}}
	for _, m := range r.Movers {
		g.add(m.Name, level(m.From.Known, m.From.Level), level(m.To.Known, m.To.Level), signed(m.By()), m.Owner)
	}
	g.print(w)
}
