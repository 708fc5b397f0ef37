package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"cairn"
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
	var sure bool
	cmd := &cobra.Command{
		Use:   "erase KEY",
		Short: "Erase a person for ever: destroy the key that seals what is known of them",
		Long: `Destroy the key of a person, so that nothing personal about them can be read
again, in the log or in any copy of it that lacks the key. Counts stay. KEY is
the id that your product sends as userId. There is no way back.`,
		Example: "  cairn person erase ann@acme.example --yes",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().BoolVar(&sure, "yes", false, "do it; there is no way back")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !sure {
			return cairn.Errorf(cairn.Invalid, "Erasing cannot be undone: say --yes to erase this person.").At("yes")
		}
		id, err := call(c, cmd, app.ErasePerson, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, erased{id})
		}
		fmt.Fprintf(c.out, "Erased. What is left of them is the number %s.\n", id)
		return nil
	}
	return cmd
}

// erased is what --json prints; see docs/cli.md.
type erased struct {
	Person cairn.PersonID `json:"person"`
}
