package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/model"
)

func (c *cli) modelCommand() *cobra.Command {
	return group("model", "Models: which signals make up the Success Vector, and how",
		c.modelListCommand(), c.modelShowCommand(), c.modelCheckCommand(), c.modelPublishCommand(), c.modelDeleteCommand())
}

func (c *cli) modelListCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "list", Short: "List the models, in the order in which an account is held against them", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.ModelsList, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string][]model.Published{"models": append([]model.Published{}, got...)})
		}
		g := grid{head: []string{"MODEL", ">REV", "SINCE", "BY", ">SIGNALS", "RATES"}}
		for _, m := range got {
			signals := 0
			for range m.Leaves() {
				signals++
			}
			var all []string
			for _, t := range m.For {
				all = append(all, t.String())
			}
			rates := strings.Join(all, " and ")
			if rates == "" {
				rates = "all others"
			}
			g.add(m.Name, fmt.Sprint(m.Rev), m.At.UTC().Format("2 January 2006"), m.By, fmt.Sprint(signals), rates)
		}
		g.print(c.out)
		for _, m := range got {
			for _, w := range m.Warnings {
				fmt.Fprintf(c.out, "\n%s: %s\n", m.Name, w)
			}
		}
		return nil
	}
	return cmd
}

func (c *cli) modelShowCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "show NAME", Short: "Show a model as text that model publish reads", Args: cobra.ExactArgs(1)}
	asJSON := jsonFlag(cmd)
	rev := cmd.Flags().Int("rev", 0, "an earlier revision (default the newest)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := call(c, cmd, app.ModelShow, app.ModelQuery{Name: args[0], Rev: *rev}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, m)
		}
		text, err := model.Text(m.Model)
		if err != nil {
			return err
		}
		fmt.Fprint(c.out, text)
		return nil
	}
	return cmd
}

func (c *cli) modelCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Say what a model would change at every account, and publish nothing; - is standard input",
		Long: `Check a model, as YAML or JSON, and say what it would change: how levels are
distributed before and after, and which accounts change their grade. A model
that cannot be used is refused with what to correct.`,
		Example: "  cairn model show default > default.yaml\n  cairn model check default.yaml",
		Args:    cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		text, err := c.read(args[0])
		if err != nil {
			return err
		}
		t, err := call(c, cmd, app.ModelCheck, text, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, t)
		}
		printTrial(c.out, t)
		return nil
	}
	return cmd
}

func printTrial(w io.Writer, t model.Trial) {
	for _, s := range t.Warnings {
		fmt.Fprintln(w, s)
	}
	fmt.Fprintf(w, "The level of %d of %d accounts changes; on the mean it was %.1f and would be %.1f.\n\n", t.Changed, t.Accounts, t.Before.Mean, t.After.Mean)
	g := grid{head: []string{"LEVEL", ">BEFORE", ">AFTER"}}
	for i := range t.Before.Tens {
		g.add(fmt.Sprintf("%d to %d", 10*i, 10*(i+1)), fmt.Sprint(t.Before.Tens[i]), fmt.Sprint(t.After.Tens[i]))
	}
	g.add("none", fmt.Sprint(t.Before.None), fmt.Sprint(t.After.None))
	g.print(w)
	if len(t.Moved) == 0 {
		fmt.Fprintln(w, "\nNo account changes its grade.")
		return
	}
	fmt.Fprintln(w)
	g = grid{head: []string{"ACCOUNT", ">BEFORE", "", ">AFTER", "", "OWNER"}}
	for _, m := range t.Moved {
		g.add(m.Name, level(m.Before.Known, m.Before.Level), dash(m.Before.Grade), level(m.After.Known, m.After.Level), dash(m.After.Grade), dash(m.Owner))
	}
	g.print(w)
}

func (c *cli) modelPublishCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "publish [FILE]",
		Short: "Put a model in force; accounts are rated again and nothing fires; - is standard input",
		Long: `Put a model in force, from YAML or JSON. Accounts are rated again in the
background, their way included, and nothing fires about it. --restore brings an
earlier revision back.`,
		Example: "  cairn model publish default.yaml --note \"Support counts for more\"\n  cairn model publish --name default --restore 3",
		Args:    cobra.MaximumNArgs(1),
	}
	asJSON := jsonFlag(cmd)
	name := cmd.Flags().String("name", "default", "with --restore: of this model")
	restore := cmd.Flags().Int("restore", 0, "as in this revision")
	base := cmd.Flags().Int("base", 0, "refuse where another revision than this is in force (default: whatever is)")
	note := cmd.Flags().String("note", "", "why, for the book")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		t := app.ModelText{Name: *name, Rev: *restore, Note: *note}
		switch {
		case len(args) == 1 && *restore != 0:
			return cairn.Errorf(cairn.Invalid, "Give a file, or --restore, not both.")
		case len(args) == 1:
			text, err := c.read(args[0])
			if err != nil {
				return err
			}
			if strings.TrimSpace(text) == "" {
				return cairn.Errorf(cairn.Invalid, "%s is empty.", args[0])
			}
			t.Text, t.Rev = text, *base
		case *restore == 0:
			return cairn.Errorf(cairn.Invalid, "Give the file of a model, or --restore with a revision.")
		}
		m, err := call(c, cmd, app.ModelPublish, t, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, m)
		}
		fmt.Fprintf(c.out, "%s is in force as revision %d. Accounts are being rated again.\n", m.Name, m.Rev)
		for _, w := range m.Warnings {
			fmt.Fprintln(c.out, w)
		}
		return nil
	}
	return cmd
}

func (c *cli) modelDeleteCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "delete NAME", Short: "End a model; its accounts are rated by the next that is for them", Args: cobra.ExactArgs(1)}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if _, err := call(c, cmd, app.ModelDelete, args[0], nil); err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]string{"deleted": args[0]})
		}
		fmt.Fprintf(c.out, "%s is deleted. Its revisions stay in the book.\n", args[0])
		return nil
	}
	return cmd
}
