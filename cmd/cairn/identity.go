package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/app"
)

func (c *cli) unclaimedCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "unclaimed",
		Short: "What nobody has said whose it is: list, claim, ignore",
		Long: `Accounts, people and records of which it is not known whose they are. They are
kept, and count from their first day once they are claimed.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.unclaimedListCommand(), c.unclaimedClaimCommand(), c.unclaimedIgnoreCommand())
	return cmd
}

func (c *cli) unclaimedListCommand() *cobra.Command {
	var q account.TrayQuery
	cmd := &cobra.Command{Use: "list", Short: "List what waits, the newest first", Args: cobra.NoArgs}
	f := cmd.Flags()
	f.StringVar(&q.What, "kind", "", "account, person, record or visitor (default: all but visitors)")
	f.StringVar(&q.Search, "search", "", "part of an id, or of a name or address")
	f.BoolVar(&q.Aside, "ignored", false, "what is ignored instead")
	f.IntVar(&q.Limit, "limit", 50, "at most so many, up to 200")
	f.StringVar(&q.Cursor, "cursor", "", "go on after a page")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		tray, err := call(c, cmd, app.Unclaimed, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			tray.Waiting = append([]account.Waiting{}, tray.Waiting...)
			return printJSON(c.out, tray)
		}
		g := grid{head: []string{"ID", "KIND", "CALLED", "SOURCE", ">EVENTS", "LAST", "SUGGESTED"}}
		for _, w := range tray.Waiting {
			suggested := "-"
			if len(w.Chance) > 0 {
				suggested = w.Chance[0].Name + ": " + w.Chance[0].Why
			}
			g.add(w.Ref.ID.String(), w.Kind, dash(waitingName(w)), w.Source, fmt.Sprint(w.Events), lastSeen(w.Last), suggested)
		}
		g.print(c.out)
		if tray.Next != "" {
			fmt.Fprintf(c.out, "\nMore: --cursor %s\n", tray.Next)
		}
		return nil
	}
	return cmd
}

// waitingName is what something that waits is called.
func waitingName(w account.Waiting) string {
	key := w.Ref.Key
	if w.Ref.Space != "" {
		key = string(w.Ref.Space) + ": " + key
	}
	for _, s := range []string{w.Name, key, w.Facts["id"]} {
		if s != "" {
			return s
		}
	}
	return ""
}

func (c *cli) unclaimedClaimCommand() *cobra.Command {
	var q app.ClaimAsked
	own := false
	cmd := &cobra.Command{
		Use:   "claim ID…",
		Short: "Give what waits to an account, or make accounts of it",
		Example: `  cairn unclaimed claim salesforce:0018 --account acme
  cairn unclaimed claim salesforce:0019 salesforce:0020 --new`,
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().StringVar(&q.Account, "account", "", "to this account: id, key, domain or name")
	cmd.Flags().BoolVar(&own, "new", false, "make each an account of its own")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if own == (q.Account != "") {
			return cairn.Errorf(cairn.Invalid, "Say either --account, whose they are, or --new, to make accounts of them.").At("account")
		}
		q.IDs = args
		ties, err := call(c, cmd, app.Claim, q, nil)
		if err != nil {
			return err
		}
		return c.printTies(ties, "Claimed", *asJSON)
	}
	return cmd
}

func (c *cli) unclaimedIgnoreCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "ignore ID…", Short: "Keep it, and ask nobody whose it is", Args: cobra.MinimumNArgs(1)}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ties, err := call(c, cmd, app.Ignore, args, nil)
		if err != nil {
			return err
		}
		return c.printTies(ties, "Ignored", *asJSON)
	}
	return cmd
}

func (c *cli) printTies(ties []cairn.Tie, verb string, asJSON bool) error {
	if asJSON {
		return printJSON(c.out, ties)
	}
	for _, t := range ties {
		fmt.Fprintf(c.out, "%s. To take it back: cairn identity undo %s\n", verb, t.ID)
	}
	return nil
}

func (c *cli) identityCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Who is who: show, merge, undo, parent",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(c.identityShowCommand(), c.identityMergeCommand(), c.identityUndoCommand(), c.identityParentCommand())
	return cmd
}

func (c *cli) identityShowCommand() *cobra.Command {
	person := false
	cmd := &cobra.Command{Use: "show ACCOUNT", Short: "Show under which ids an account or a person is known, and why", Args: cobra.ExactArgs(1)}
	cmd.Flags().BoolVar(&person, "person", false, "a person instead, by the id that your product sends")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if person {
			p, err := call(c, cmd, app.Somebody, args[0], nil)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.out, p)
			}
			c.printNames(p.Names)
			for _, at := range p.Places {
				note := ""
				if at.Home {
					note = ", where events belong that name no account"
				}
				fmt.Fprintf(c.out, "At %s (%s)%s\n", at.Name, dash(strings.Join(at.Sources, ", ")), note)
			}
			return nil
		}
		k, err := call(c, cmd, app.KnownAs, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, k)
		}
		c.printKnown(k)
		return nil
	}
	return cmd
}

func (c *cli) printKnown(k account.Known) {
	c.printNames(k.Names)
	if len(k.Given) > 0 {
		fmt.Fprintln(c.out, "\nGiven to it:")
		c.printNames(k.Given)
	}
	for _, p := range k.Parents {
		fmt.Fprintf(c.out, "Parent: %s\n", p.Name)
	}
	for _, p := range k.Children {
		fmt.Fprintf(c.out, "Child: %s\n", p.Name)
	}
	if k.Circle != "" {
		fmt.Fprintf(c.out, "Its parents run in a circle, so that it has none: %s\n", k.Circle)
	}
}

func (c *cli) printNames(names []account.Name) {
	g := grid{head: []string{"SPACE", "KEY", "SOURCE", ">EVENTS", "LAST", "BECAUSE", "UNDO"}}
	for _, n := range names {
		why, undo := "its own id", "-"
		if n.Tie != nil {
			why, undo = tieWords(*n.Tie), n.Tie.ID.String()
		}
		space := string(n.Ref.Space)
		if n.Ref.What != cairn.AnAccount {
			space = string(n.Ref.What)
		}
		g.add(dash(space), dash(n.Ref.Key), dash(n.Source), fmt.Sprint(n.Events), lastSeen(n.Last), why, undo)
	}
	g.print(c.out)
}

// tieWords say who said so, and why.
func tieWords(t cairn.Tie) string {
	words := t.Verb()
	if t.Why != "" {
		return words + ": " + t.Why
	}
	return words + " by " + t.By
}

func (c *cli) identityMergeCommand() *cobra.Command {
	var q app.MergeAsked
	preview := false
	cmd := &cobra.Command{
		Use:   "merge FROM INTO",
		Short: "Merge an account into another, or a person",
		Long: `Make FROM another name of INTO. Nothing is lost: what arrives under FROM's ids
is INTO's from then on, and what was decided about FROM stays. It can be undone.`,
		Example: "  cairn identity merge acme-ltd acme --preview",
		Args:    cobra.ExactArgs(2),
	}
	cmd.Flags().BoolVar(&q.People, "person", false, "they are people, by the ids that your product sends")
	cmd.Flags().BoolVar(&preview, "preview", false, "say what would move and change nothing")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q.From, q.Into = args[0], args[1]
		if preview {
			p, err := call(c, cmd, app.PreviewMerge, q, nil)
			if err != nil {
				return err
			}
			if *asJSON {
				return printJSON(c.out, p)
			}
			c.printPreview(p)
			return nil
		}
		t, err := call(c, cmd, app.Merge, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, t)
		}
		return c.printTies([]cairn.Tie{t}, "Merged", false)
	}
	return cmd
}

func (c *cli) printPreview(p account.Preview) {
	fmt.Fprintf(c.out, "%s becomes another name of %s.\n", p.FromName, p.IntoName)
	fmt.Fprintf(c.out, "To move: %d streams, %d people, %d records (%d open tasks).\n", p.Streams, p.People, p.Records, p.Tasks)
	if p.Before != nil && p.After != nil && p.After.Known {
		before := "not known"
		if p.Before.Known {
			before = p.Before.Level.String()
		}
		fmt.Fprintf(c.out, "Level: %s now, %s after.\n", before, p.After.Level)
	}
	if len(p.Clashes) == 0 {
		return
	}
	g := grid{head: []string{"FIELD", p.FromName, p.IntoName, "THEN"}}
	for _, d := range p.Clashes {
		g.add(d.Field, string(d.From.Value), string(d.Into.Value), string(d.Then.Value)+" ("+d.Then.Source+")")
	}
	g.print(c.out)
}

func (c *cli) identityUndoCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "undo TIE", Short: "Take back a merge, a match, a claim or an ignoring", Args: cobra.ExactArgs(1)}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		t, err := call(c, cmd, app.UndoTie, args[0], nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, t)
		}
		fmt.Fprintln(c.out, "Undone.")
		return nil
	}
	return cmd
}

func (c *cli) identityParentCommand() *cobra.Command {
	var q app.ParentAsked
	none := false
	cmd := &cobra.Command{Use: "parent ACCOUNT [PARENT]", Short: "Set the parent of an account by hand", Args: cobra.RangeArgs(1, 2)}
	cmd.Flags().BoolVar(&none, "none", false, "take back what was set by hand")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if none == (len(args) == 2) {
			return cairn.Errorf(cairn.Invalid, "Name the parent, or say --none.").At("parent")
		}
		if q.Account = args[0]; !none {
			q.Parent = args[1]
		}
		k, err := call(c, cmd, app.SetParent, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, k)
		}
		c.printKnown(k)
		return nil
	}
	return cmd
}
