package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cairn/internal/app"
)

func (c *cli) serveCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve pages, front door and stages",
		Long: `Serve pages, the front door and the stages until interrupted.

The first start makes the data directory, or the tables in the database.
Interrupting once stops gracefully: what was accepted is on disk.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.config(cmd)
			if err != nil {
				return err
			}
			return app.Run(cmd.Context(), cfg, c.logger(cfg))
		},
	}
	settingFlags(cmd.Flags(), "listen", "url", "rejects", "demo", "no-work")
	return cmd
}

func (c *cli) workCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "work",
		Short: "Run the stages beside other nodes, and serve nothing",
		Long: `Run stages, turns and actions on a PostgreSQL until interrupted, and serve
neither pages nor the front door.

Any number of cairn work and cairn serve may share a database. They share the
partitions of the log evenly; what a dead one held is taken over within seconds.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := c.config(cmd)
			if err != nil {
				return err
			}
			return app.RunWorker(cmd.Context(), cfg, c.logger(cfg))
		},
	}
	settingFlags(cmd.Flags(), "health")
	return cmd
}

func (c *cli) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			fmt.Fprintln(c.out, app.Version())
			return nil
		},
	}
}
