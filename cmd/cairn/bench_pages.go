package main

import (
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"cairn/internal/bench"
)

func (c *cli) benchPagesCommand() *cobra.Command {
	var b bench.LeaderPages
	cmd := &cobra.Command{
		Use:   "pages",
		Short: "Measure the pages about revenue over HTTP, with many accounts",
		Long: `Start a server on a directory of its own, fill it through the front door with
accounts that have a contract each, and open the pages about revenue as somebody
does who is signed in: for the first time, again and again while nothing
changes, and while a contract changes each second. The server and its directory
are gone at the end, unless a directory is named to keep it in: filling takes
most of the time, and is not done again where it was.`,
		Example: "  cairn bench pages --accounts 100000 --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().IntVar(&b.Accounts, "accounts", 100_000, "accounts, each with a contract")
	cmd.Flags().IntVar(&b.Rounds, "rounds", 30, "how often each page is opened")
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
		fmt.Fprintf(c.out, "%d accounts with a contract each, taken in %.0f s and settled after %.0f s, on %d cores; %d MB in memory\n", r.Accounts, r.Fill, r.Settled, r.Cores, r.MemoryMB)
		g := grid{head: []string{"PAGE", ">FIRST MS", ">P50", ">P95", ">P50 CHANGING", ">P95"}}
		for _, name := range slices.Sorted(maps.Keys(r.First)) {
			g.add(name, fmt.Sprintf("%.0f", r.First[name]), fmt.Sprintf("%.0f", r.Later[name].P50), fmt.Sprintf("%.0f", r.Later[name].P95),
				fmt.Sprintf("%.0f", r.Changing[name].P50), fmt.Sprintf("%.0f", r.Changing[name].P95))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}
