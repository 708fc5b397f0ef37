package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/app"
)

func (c *cli) personCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "person",
		Short: "Erase a person",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.personEraseCommand())
	return cmd
}

func (c *cli) personEraseCommand() *cobra.Command {
	var sure, preview bool
	cmd := &cobra.Command{
		Use:   "erase KEY",
		Short: "Erase a person for ever: destroy the key that seals what is known of them",
		Long: `Destroy the key of a person, so that nothing personal about them can be read
again, in the log or in any copy of it that lacks the key: under every id that
is this person, those that were merged and the visitors that they turned out to
be. Rejected records that name them are emptied. Counts stay. KEY is the id that
your product sends as userId. There is no way back.`,
		Example: `  cairn person erase ann@acme.example --preview
  cairn person erase ann@acme.example --yes`,
		Args: cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&sure, "yes", false, "do it; there is no way back")
	cmd.Flags().BoolVar(&preview, "preview", false, "say what would be erased and change nothing")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if sure == preview {
			return cairn.Errorf(cairn.Invalid, "Erasing cannot be undone: say --preview to see what it reaches, and --yes to erase this person.").At("yes")
		}
		reach, err := call(c, cmd, app.ErasePerson, app.EraseAsked{Key: args[0], Preview: preview}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			reach.Known, reach.Rejects = append([]cairn.Person{}, reach.Known...), append([]int64{}, reach.Rejects...)
			return printJSON(c.out, reach)
		}
		c.printErasure(reach, preview)
		return nil
	}
	return cmd
}

func (c *cli) printErasure(reach account.Erasure, preview bool) {
	if !preview {
		fmt.Fprintf(c.out, "Erased, under %s, with %s. What is left of them is the number %s.\n",
			several(len(reach.IDs), "id", "ids"), several(len(reach.Rejects), "rejected record", "rejected records"), reach.Person)
		return
	}
	fmt.Fprintf(c.out, "Would be erased: %s that are one person, and %s.\n",
		several(len(reach.IDs), "id", "ids"), several(len(reach.Rejects), "rejected record", "rejected records"))
	if len(reach.Known) == 0 {
		return
	}
	fmt.Fprintln(c.out)
	g := grid{head: []string{"KEY", "NAME", "ADDRESS", "ID"}}
	for _, p := range reach.Known {
		g.add(dash(p.Key), dash(p.Name), dash(p.Mail), p.ID.String())
	}
	g.print(c.out)
}

func several(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
