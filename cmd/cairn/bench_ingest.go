package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cairn/internal/bench"
)

func (c *cli) benchIngestCommand() *cobra.Command {
	b := bench.Ingest{Say: func(string) {}}
	var seconds int
	cmd := &cobra.Command{
		Use:   "ingest",
		Short: "Load a server of its own with Segment batches, beside what the bare database could do",
		Long: `Start a server on a new data directory (or on --store, an empty PostgreSQL
database), send it batches as Segment's SDKs do, first as fast as it takes them,
then 2,000 events a second, then half of the most, and measure how long an answer
takes and how long until an accepted event is seen in the account's vector. Then
write the same rows with the bare driver: the floor. The server and its directory
are gone at the end; a database keeps what was sent.`,
		Example: "  cairn bench ingest --seconds 30 --json\n  cairn bench ingest --store postgres://postgres@127.0.0.1/measure --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&b.Database, "store", "", "PostgreSQL database to measure on (default: embedded)")
	cmd.Flags().IntVar(&b.Senders, "senders", 32, "senders at once, 1 to 256")
	cmd.Flags().IntVar(&b.Batch, "batch", 100, "events in a request, 1 to 1000")
	cmd.Flags().IntVar(&b.Accounts, "accounts", 10_000, "accounts that the events are spread over")
	cmd.Flags().IntVar(&seconds, "seconds", 30, "how long at full speed; half as long at the other rates")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		b.For = time.Duration(seconds) * time.Second
		b.Say = func(s string) { fmt.Fprintln(c.err, s) }
		r, err := b.Run(cmd.Context())
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, r)
		}
		fmt.Fprintf(c.out, `%.0f events/s from %d senders, %.2f of the bare driver's %.0f
a request of %d took %.1f ms (median), %.1f ms (p99)
accepted to visible in the vector: %.0f ms (median), %.0f ms (p99)
  at %.0f events/s: %.0f ms, %.0f ms; at %.0f events/s: %.0f ms, %.0f ms
an event: %.0f bytes on disk, %.0f written, %.0f µs of CPU
`, r.EventsPerS, r.Senders, r.Ratio, r.FloorPerS, r.Batch, r.AnswerP50, r.AnswerP99, r.VisibleP50, r.VisibleP99,
			r.At2000.EventsPerS, r.At2000.VisibleP50, r.At2000.VisibleP99, r.AtHalf.EventsPerS, r.AtHalf.VisibleP50, r.AtHalf.VisibleP99,
			r.BytesOnDisk, r.BytesWritten, r.CPU)
		return nil
	}
	return cmd
}
