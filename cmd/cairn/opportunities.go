package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/outcome"
)

func (c *cli) opportunitiesCommand() *cobra.Command {
	var q app.OpportunitiesAsked
	cmd := &cobra.Command{
		Use:   "opportunities",
		Short: "What customers may buy more, by whom, and what holds it back",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().StringVar(&q.Team, "team", "", "only of one team: "+strings.Join(outcome.OpportunityTeams, ", "))
	cmd.Flags().StringVar(&q.Stage, "stage", "", "only in one stage: "+strings.Join(outcome.OpportunityStages, ", "))
	held := cmd.Flags().Bool("held", false, "only those held back")
	cmd.MarkFlagsMutuallyExclusive("stage", "held")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *held {
			q.Stage = outcome.Held
		}
		list, err := call(c, cmd, app.OpportunityList, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"opportunities": list})
		}
		printOpportunities(c.out, list)
		return nil
	}
	cmd.AddCommand(c.opportunitiesSuggestedCommand(), c.opportunityAddCommand(), c.opportunitySetCommand(), c.opportunityCloseCommand(), c.opportunityRulesCommand())
	return cmd
}

func (c *cli) opportunitiesSuggestedCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "suggested", Short: "What signals of customers speak for, and what holds it back", Args: cobra.NoArgs}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		list, err := call(c, cmd, app.OpportunitiesSuggested, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"suggestions": list})
		}
		if len(list) == 0 {
			fmt.Fprintln(c.out, "No signal suggests anything.")
			return nil
		}
		g := grid{head: []string{"ACCOUNT", "TYPE", "WHY", "TEAM", "OWNER", "TOO EARLY, SINCE"}}
		for _, s := range list {
			g.add(s.Name, s.Type, s.Reason, s.Team, s.Owner, strings.Join(s.Holds, "; "))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func printOpportunities(w io.Writer, list []app.OpportunityTold) {
	if len(list) == 0 {
		fmt.Fprintln(w, "No opportunity is like this.")
		return
	}
	g := grid{head: []string{"OPPORTUNITY", "ACCOUNT", "TYPE", ">MRR", "STAGE", "TEAM", "OWNER", "DECIDED", "HELD BY"}}
	for _, o := range list {
		amount, day := "–", o.Close
		if o.Amount != nil {
			amount = o.Amount.String()
		}
		if o.Closed != "" {
			day = o.Closed
		}
		g.add(o.Key, o.Name, o.Type, amount, o.Stage, o.Team, o.Owner, day, strings.Join(o.Why, "; "))
	}
	g.print(w)
}

// changeFlags adds flags for what can be said of an opportunity, and returns
// what reads those that were given.
func changeFlags(cmd *cobra.Command) func() outcome.Change {
	var c outcome.Change
	flags := []struct {
		name, usage string
		into        **string
	}{
		{"name", "what it is about", &c.Name}, {"type", strings.Join(outcome.OpportunityTypes, ", "), &c.Type}, {"product", "what would be sold", &c.Product},
		{"amount", "a month, such as 120", &c.Amount}, {"currency", "of the amount (default: the workspace's)", &c.Currency}, {"team", strings.Join(outcome.OpportunityTeams, ", ") + " (default: as the rules say)", &c.Team},
		{"owner", "mail address (default: the account's)", &c.Owner}, {"close", "day on which it is expected to be decided", &c.Close}, {"why", "what there is to know", &c.Why},
	}
	values := make([]string, len(flags))
	for i, f := range flags {
		cmd.Flags().StringVar(&values[i], f.name, "", f.usage)
	}
	return func() outcome.Change {
		for i, f := range flags {
			if cmd.Flags().Changed(f.name) {
				*f.into = &values[i]
			}
		}
		return c
	}
}

// saved writes down a change and prints how the opportunity stands.
func (c *cli) saved(cmd *cobra.Command, change app.OpportunityChange, asJSON bool) error {
	o, err := call(c, cmd, app.OpportunitySet, change, nil)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, o)
	}
	printOpportunities(c.out, []app.OpportunityTold{o})
	return nil
}

func (c *cli) opportunityAddCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "add ACCOUNT", Short: "Add an opportunity of an account", Args: cobra.ExactArgs(1)}
	read, asJSON := changeFlags(cmd), jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change := read()
		open := outcome.Open
		change.Stage = &open
		return c.saved(cmd, app.OpportunityChange{Account: args[0], Change: change}, *asJSON)
	}
	return cmd
}

func (c *cli) opportunitySetCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "set OPPORTUNITY", Short: "Change an opportunity, hold it back or let it go on", Args: cobra.ExactArgs(1)}
	read, asJSON := changeFlags(cmd), jsonFlag(cmd)
	hold := cmd.Flags().String("hold", "", "hold it back, for this reason")
	release := cmd.Flags().String("release", "", "let it go on though the value test holds it back, for this reason")
	open := cmd.Flags().Bool("open", false, "open it again")
	cmd.MarkFlagsMutuallyExclusive("hold", "release", "open")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		change := read()
		switch yes, stage := true, outcome.Open; {
		case *hold != "":
			stage = outcome.Held
			change.Stage, change.Held = &stage, hold
		case *release != "":
			change.Release, change.Why = &yes, release
		case *open:
			change.Stage = &stage
		}
		return c.saved(cmd, app.OpportunityChange{Key: args[0], Change: change}, *asJSON)
	}
	return cmd
}

func (c *cli) opportunityCloseCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "close OPPORTUNITY", Short: "Say that an opportunity is won or lost", Args: cobra.ExactArgs(1)}
	won, lost := cmd.Flags().Bool("won", false, "it is won"), cmd.Flags().Bool("lost", false, "it is lost")
	why := cmd.Flags().String("why", "", "why")
	cmd.MarkFlagsMutuallyExclusive("won", "lost")
	cmd.MarkFlagsOneRequired("won", "lost")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		stage := outcome.Won
		if *lost && !*won {
			stage = outcome.Lost
		}
		change := outcome.Change{Stage: &stage}
		if *why != "" {
			change.Why = why
		}
		return c.saved(cmd, app.OpportunityChange{Key: args[0], Change: change}, *asJSON)
	}
	return cmd
}

func (c *cli) opportunityRulesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "rules [FILE]", Short: "Show which team opportunities belong to and what holds them back, or set it from JSON", Args: cobra.MaximumNArgs(1),
		Example: "  cairn opportunities rules > rules.json\n  cairn opportunities rules rules.json --note \"sales takes all from 500\"",
	}
	note := cmd.Flags().String("note", "", "why, for the book")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			r, err := call(c, cmd, app.OpportunityRules, app.None{}, nil)
			if err != nil {
				return err
			}
			return printJSON(c.out, r)
		}
		b, err := os.ReadFile(args[0])
		if err != nil {
			return cairn.Errorf(cairn.NotFound, "The file %s cannot be read.", args[0]).Because(err)
		}
		var r app.OpportunityRule
		if err := json.Unmarshal(b, &r); err != nil {
			return cairn.Errorf(cairn.Invalid, "%s is not JSON as this command prints it.", args[0]).Because(err)
		}
		r.Note = *note
		if r, err = call(c, cmd, app.OpportunityRulesSet, r, nil); err != nil {
			return err
		}
		return printJSON(c.out, r)
	}
	return cmd
}
