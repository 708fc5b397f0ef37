package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cairn/internal/bench"
)

func (c *cli) benchScoreCommand() *cobra.Command {
	var b bench.Score
	cmd := &cobra.Command{
		Use:   "score",
		Short: "Measure how fast accounts are scored, in memory and by a model change",
		Long: `Score made-up accounts in memory on one core, and then publish a model on a
server of its own with as many accounts as told: each is measured anew with the
series of its way while pages are read. The server and its directory are gone at
the end, unless a directory is named to keep it in.`,
		Example: "  cairn bench score --accounts 100000 --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().IntVar(&b.Accounts, "accounts", 10_000, "accounts of the server")
	cmd.Flags().StringVar(&b.Keep, "keep", "", "a directory to keep what was filled in, and to find it in the next time")
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
		fmt.Fprintf(c.out, `in memory: %.0f accounts measured and rated a second and core; %.0f with the series of the way (%d facts and %d tallies each)
a model change over %d accounts took %.1f s on %d cores: %.0f a second, %.0f µs of CPU each; %d MB in memory
pages meanwhile took %.0f ms (median), %.0f ms (p95); before %.0f ms, %.0f ms
`, r.Pure, r.PureVectors, r.Facts, r.Tallies, r.Accounts, r.Change, r.Cores, r.Persisted, r.CPU, r.MemoryMB, r.Pages.P50, r.Pages.P95, r.PagesBefore.P50, r.PagesBefore.P95)
		return nil
	}
	return cmd
}
