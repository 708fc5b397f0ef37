package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cairn/internal/app"
	"cairn/internal/demo"
)

func demoCommand(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Feed a made-up company with a past",
		Long: `Feed a made-up company through the front door: its customers, their people,
and what they did, day by day up to today, with the tasks that came of it.

The same numbers give the same company. Interrupted, the next call goes on
where this one stopped. With "cairn serve --demo" it also goes on living.`,
		Args: cobra.NoArgs,
	}
	var o demo.Options
	cmd.Flags().IntVar(&o.Accounts, "accounts", 0, fmt.Sprintf("customers (default %d)", demo.UsualAccounts))
	cmd.Flags().IntVar(&o.Months, "months", 0, fmt.Sprintf("length of the past (default %d)", demo.UsualMonths))
	cmd.Flags().Int64Var(&o.Seed, "seed", 0, fmt.Sprintf("another number is another company (default %d)", demo.UsualSeed))
	cmd.Flags().StringVar(&o.Until, "until", "", "day at whose start the past ends, as YYYY-MM-DD (default today, UTC)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		say, done := c.progress()
		fed, err := call(c, cmd, app.Demo, o, say)
		done()
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, fed)
		}
		fmt.Fprintf(c.out, "%d accounts with %d months up to %s (seed %d). Sign in as %s with the password %s.\n",
			fed.Accounts, fed.Months, fed.Until, fed.Seed, fed.Login, fed.Password)
		return nil
	}
	return cmd
}
