package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cairn/internal/bench"
)

func (c *cli) benchMetricsCommand() *cobra.Command {
	var b bench.Metrics
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Measure the ledger and the estimators of survival on made-up subscriptions",
		Long: `Make subscriptions, book them, add them up by month, by a dimension of 20 values
and as cohorts, and estimate how long customers stay. All of it happens in
memory: what is measured is reckoning, without reading.`,
		Example: "  cairn bench metrics --subscriptions 1000000 --years 5 --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().IntVar(&b.Subscriptions, "subscriptions", 1_000_000, "subscriptions to make")
	cmd.Flags().IntVar(&b.Years, "years", 5, "over how many years, 1 to 20")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b.Say = func(s string) { fmt.Fprintln(c.err, s) }
		r, err := b.Run(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, r)
		}
		fmt.Fprintf(c.out, `%d subscriptions of %d customers booked in %.2f s on %d cores: %.0f a second, %d movements
all monthly figures from month sums: %.2f ms; by a dimension: %.2f s; cohorts of %d × %d months: %.2f s
Kaplan-Meier of %d lifetimes: %.2f s in memory, %.2f s from CSV
memory: %.0f MB for the books, %.0f MB in all
`, r.Subscriptions, r.Customers, r.Recompute, r.Cores, r.PerSecond, r.Movements, r.MonthSums, r.ByDimension, r.CohortMonths, r.CohortMonths, r.Cohorts,
			r.Lifetimes, r.KM, r.KMFromCSV, r.BooksMB, r.MemoryMB)
		return nil
	}
	return cmd
}
