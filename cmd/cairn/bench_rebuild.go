package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cairn/internal/bench"
)

func (c *cli) benchRebuildCommand() *cobra.Command {
	b := bench.Rebuild{}
	cmd := &cobra.Command{
		Use:   "rebuild",
		Short: "Fold a log of many events anew while pages are read, beside a bare scan of it",
		Long: `Fill a new data directory (or --store, an empty PostgreSQL database) with events,
start a server on it and have it rebuild its fold, while Today, Accounts and
single accounts are read as somebody does who is signed in. Before and after it,
read the same rows with nothing but the driver: the scan. The server and its
directory are gone at the end; a database keeps what was written.`,
		Example: "  cairn bench rebuild --json\n  cairn bench rebuild --store postgres://postgres@127.0.0.1/measure --events 300000 --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&b.Database, "store", "", "PostgreSQL database to measure on (default: embedded)")
	cmd.Flags().IntVar(&b.Events, "events", 1_000_000, "events in the log")
	cmd.Flags().IntVar(&b.Accounts, "accounts", 1000, "accounts that the events are spread over, of 10 people each")
	cmd.Flags().IntVar(&b.Days, "days", 30, "days that the events are spread over")
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
		fmt.Fprintf(c.out, `%d events folded anew in %.1f s: %.0f events/s, %.0f for each second of CPU
%.2f of a bare scan's %.0f events/s; the live fold took %.0f a second
%d tallies written; %d MB in memory before, %d at most
pages meanwhile took %.0f ms (median), %.0f ms (p95); before %.0f ms, %.0f ms
`, r.Events, r.Seconds, r.EventsPerS, r.PerCore, r.Ratio, r.ScanPerS, r.LivePerS, r.Tallies, r.MemoryMB[0], r.MemoryMB[1],
			r.Meanwhile.All.P50, r.Meanwhile.All.P95, r.Idle.All.P50, r.Idle.All.P95)
		return nil
	}
	return cmd
}
