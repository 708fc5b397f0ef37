package main

import (
	"github.com/spf13/cobra"

	"cairn/internal/app"
)

func (c *cli) decisionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "decisions ACCOUNT",
		Short: "Show what each rule last found about an account, fired or not, and why",
		Long: `Show what each rule last found about an account. A rule fires when it begins
to hold; one that did not fire says why not. ACCOUNT is an id, a key, a domain
or a name.`,
		Example: "  cairn decisions acme",
		Args:    cobra.ExactArgs(1),
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ds, err := call(c, cmd, app.Decisions, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, ds)
		}
		g := grid{head: []string{"RULE", "HOLDS", "FIRED", "DECIDED", "WHY"}}
		for _, d := range ds {
			g.add(d.Rule, yesNo(d.Holds), yesNo(d.Fire), date(d.At), d.Why)
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
