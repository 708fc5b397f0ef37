package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"cairn/internal/app"
)

func (c *cli) stagesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "stages",
		Short: "Show how far each stage has come, which node does what, and what the writer's queues wait",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		s, err := call(c, cmd, app.Standings, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, s)
		}
		c.printStages(s)
		return nil
	}
	return cmd
}

func (c *cli) printStages(s app.Standing) {
	stages := grid{head: []string{"STAGE", ">POSITION", ">LAG", "UNIT", ""}}
	for _, st := range s.Stages {
		note := ""
		if st.Growing {
			note = "being rebuilt"
		}
		stages.add(st.Name, fmt.Sprint(st.Position), fmt.Sprint(st.Lag), st.Unit, note)
	}
	stages.print(c.out)
	fmt.Fprintln(c.out)
	if s.Room.Level > 0 {
		fmt.Fprintf(c.out, "%s See `cairn keep show`.\n\n", s.Room.Sentence())
	}
	if len(s.Nodes) > 1 {
		c.printNodes(s.Nodes)
	}
	lanes := grid{head: []string{"LANE", ">WRITES", ">QUEUED", ">MEAN WAIT", ">MEAN HOLD", ">LONGEST"}}
	for _, l := range s.Lanes {
		lanes.add(l.Name, fmt.Sprint(l.Count), fmt.Sprint(l.Queued), millis(l.Waited), millis(l.Held), millis(l.Longest))
	}
	lanes.print(c.out)
}

func (c *cli) printNodes(of []app.Node) {
	nodes := grid{head: []string{"NODE", "KIND", ">PARTITIONS", ">LAG", ">TURNS", ""}}
	for _, n := range of {
		nodes.add(cmp.Or(n.Name, "(nobody)"), cmp.Or(n.Kind, "-"), fmt.Sprint(n.Partitions), fmt.Sprint(n.Lag), fmt.Sprint(n.Turns), nodeNote(n))
	}
	nodes.print(c.out)
	fmt.Fprintln(c.out)
}

func nodeNote(n app.Node) string {
	switch {
	case n.Name == "":
		return "waits for a node"
	case !n.Alive:
		return fmt.Sprintf("dead, last heard of %.0f s ago", n.Silent)
	case !n.Works:
		return "serves only"
	}
	return ""
}

func millis(ms float64) string { return fmt.Sprintf("%.1f ms", ms) }

func (c *cli) rebuildCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rebuild STAGE",
		Short: "Make what a stage derived anew from the log; pages serve the old one meanwhile",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			start := time.Now()
			say, done := c.progress()
			_, err := call(c, cmd, app.Rebuild, args[0], say)
			done()
			if err != nil {
				return err
			}
			fmt.Fprintf(c.out, "Rebuilt %s in %s.\n", args[0], time.Since(start).Round(time.Millisecond))
			return nil
		},
	}
}
