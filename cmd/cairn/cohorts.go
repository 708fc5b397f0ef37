package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cairn/internal/app"
	"cairn/internal/revenue"
)

func (c *cli) cohortsCommand() *cobra.Command {
	var q metricsQuery
	var money bool
	cmd := &cobra.Command{
		Use:   "cohorts",
		Short: "Who is left of those who came, by month or by a field",
		Long: `Print who is left of the customers who came in each month, month by month since:
of customers, or of what they pay. --by puts the values of a field in place of
months; --where looks at some only. Who left and came back is there again.`,
		Example: "  cairn cohorts --from 2023-01 --to 2023-12\n  cairn cohorts --by industry --money\n  cairn cohorts --where segment:large --xlsx cohorts.xlsx",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&q.from, "from", "", "first month in which they came, as 2023-01 (default: eleven months before the last)")
	cmd.Flags().StringVar(&q.to, "to", "", "last month, and how far they are followed (default: the one that is going on)")
	cmd.Flags().StringVar(&q.policy, "policy", "", "what counts: "+presetNames()+", or one of the workspace's own (default: the workspace's)")
	cmd.Flags().StringVar(&q.by, "by", "", "a field of accounts or of contracts whose values are the rows (default: months)")
	cmd.Flags().StringArrayVar(&q.where, "where", nil, "only accounts of which a field says so, as owner:ann@example.com; may be given again")
	cmd.Flags().StringVar(&q.at, "at", "", "as known then, as 2026-03-01 or 2026-03-01T12:00:00Z (default: now)")
	cmd.Flags().StringVar(&q.currency, "currency", "", "currency to add up in (default: the workspace's, or the only one that contracts are in)")
	cmd.Flags().BoolVar(&money, "money", false, "print what is left of what they pay, not of customers")
	asJSON, files := jsonFlag(cmd), fileFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query, err := q.read()
		if err != nil {
			return err
		}
		got, err := call(c, cmd, app.Cohorts, query, nil)
		switch {
		case err != nil:
			return err
		case files.asked():
			return files.save(c, got.Table(money))
		case *asJSON:
			return printJSON(c.out, got.Figures())
		}
		printCohorts(c.out, got, money)
		return nil
	}
	return cmd
}

func printCohorts(w io.Writer, c revenue.Cohorts, money bool) {
	of := "customers"
	if money {
		of = "what they pay, in " + c.Currency
	}
	fmt.Fprintf(w, "Percent left of %s, by months since they came; policy %s.\n", of, c.Policy.Name)
	first := "CAME IN"
	if c.By != "" {
		first = strings.ToUpper(c.By)
	}
	g := grid{head: []string{first, ">CUSTOMERS"}}
	for age := range c.Ages() {
		g.head = append(g.head, ">"+strconv.Itoa(age))
	}
	for _, r := range append(c.Rows[:len(c.Rows):len(c.Rows)], c.All) {
		cells := []string{r.Name(), "0"}
		for age := range c.Ages() {
			switch {
			case age >= len(r.Left):
				cells = append(cells, "")
				continue
			case age == 0:
				cells[1] = strconv.Itoa(r.Left[0].Customers)
			}
			cells = append(cells, wholePercent(r.Share(age, money)))
		}
		g.add(cells...)
	}
	g.print(w)
}

func wholePercent(f *float64) string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%.0f", 100**f)
}
