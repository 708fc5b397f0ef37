package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/app"
	"cairn/internal/vector"
)

func (c *cli) vectorCommand() *cobra.Command {
	var at, project string
	cmd := &cobra.Command{
		Use:   "vector ACCOUNT",
		Short: "Explain how an account is doing, now or at any past moment",
		Long: `Explain an account's Success Vector: its level, its way, and every reason
with the points that it gives; how it was scored on that day, whatever was learnt
since; and where it is by the next renewal if it goes on like this, with an
interval of 80 %. ACCOUNT is an id, a key, a domain or a name.`,
		Example: "  cairn vector acme\n  cairn vector acme --at 2026-03-01\n  cairn vector acme --project 2027-03-01 --json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&at, "at", "", "moment to explain, as 2026-03-01 (the end of that day, UTC) or 2026-03-01T12:00:00Z")
	cmd.Flags().StringVar(&project, "project", "", "moment to which the level is projected (default: the renewal, or 90 days on)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		t, err := moment(at)
		if err != nil {
			return err
		}
		to, err := moment(project)
		if err != nil {
			return cairn.Errorf(cairn.Invalid, "%q is not a moment such as 2027-03-01.", project).At("project")
		}
		x, err := call(c, cmd, app.Explain, app.VectorQuery{Account: args[0], At: t, Project: to}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, explained{
				Account: accountName{x.Account.ID, x.Account.Key, x.Account.Name},
				Vector:  x.Vector, Signals: x.Signals, Projection: x.Projection, Scored: x.Scored,
			})
		}
		printVector(c.out, x)
		return nil
	}
	cmd.AddCommand(c.vectorDiffCommand())
	return cmd
}

func (c *cli) vectorDiffCommand() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use:   "diff ACCOUNT",
		Short: "Say why an account's level changed between two moments",
		Long: `Say why an account's level is another than it was: how much of the change new
data did, time that passed, what became known or is missing, and another model
(the Shapley values of the four, which sum to the whole), and leaf by leaf.`,
		Example: "  cairn vector diff acme --from 2026-03-01\n  cairn vector diff acme --from 2026-03-01 --to 2026-06-01 --json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&from, "from", "", "the earlier moment, as 2026-03-01 (the end of that day, UTC) or 2026-03-01T12:00:00Z (default: 30 days before the later)")
	cmd.Flags().StringVar(&to, "to", "", "the later moment (default: now)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		q := app.DiffQuery{Account: args[0]}
		var err error
		if q.From, err = moment(from); err != nil {
			return cairn.Errorf(cairn.Invalid, "%q is not a moment such as 2026-03-01 or 2026-03-01T12:00:00Z.", from).At("from")
		}
		if q.To, err = moment(to); err != nil {
			return cairn.Errorf(cairn.Invalid, "%q is not a moment such as 2026-03-01 or 2026-03-01T12:00:00Z.", to).At("to")
		}
		d, err := call(c, cmd, app.VectorDiff, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, differed{accountName{d.Account.ID, d.Account.Key, d.Account.Name}, d.From, d.To, d.Causes, d.Changes})
		}
		printDiff(c.out, d)
		return nil
	}
	return cmd
}

// differed is what --json prints; see docs/cli.md.
type differed struct {
	Account accountName     `json:"account"`
	From    cairn.Vector    `json:"from"`
	To      cairn.Vector    `json:"to"`
	Causes  vector.Split    `json:"causes"`
	Changes []vector.Change `json:"changes"`
}

func printDiff(w io.Writer, d app.Differed) {
	when := func(v cairn.Vector) string { return v.At.UTC().Format("2 January 2006, 15:04 UTC") }
	fmt.Fprintf(w, "%s (%s), from %s to %s\n", d.Account.Name, d.Account.Key, when(d.From), when(d.To))
	fmt.Fprintf(w, "Level %s, then %s: %s.\n\n", level(d.From.Known, d.From.Level), level(d.To.Known, d.To.Level), signed(d.To.Level-d.From.Level))
	g := grid{head: []string{">POINTS", "BECAUSE"}}
	g.add(signed(d.Causes.Data), "of what happened and was stated since")
	g.add(signed(d.Causes.Time), "time passed")
	g.add(signed(d.Causes.Missing), "of what became known, or is missing now")
	g.add(signed(d.Causes.Model), fmt.Sprintf("of the model: %s revision %d, then %s revision %d", d.From.Model, d.From.Rev, d.To.Model, d.To.Rev))
	g.print(w)
	if len(d.Changes) == 0 {
		return
	}
	fmt.Fprintln(w)
	g = grid{head: []string{">POINTS", "CHANGE", "GROUP"}}
	for _, c := range d.Changes {
		g.add(signed(c.Points), c.Text, c.Group)
	}
	g.print(w)
}

// explained is what --json prints; see docs/cli.md.
type explained struct {
	Account accountName   `json:"account"`
	Vector  cairn.Vector  `json:"vector"`
	Signals cairn.Signals `json:"signals"`

	Projection vector.Projection `json:"projection"`
	Scored     *account.Scored   `json:"scored"`
}

type accountName struct {
	ID   cairn.AccountID `json:"id"`
	Key  string          `json:"key"`
	Name string          `json:"name"`
}

// moment reads --at. A day means its end, so that what happened on it counts.
func moment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return t, cairn.Errorf(cairn.Invalid, "%q is not a moment such as 2026-03-01 or 2026-03-01T12:00:00Z.", s).At("at")
	}
	return t.AddDate(0, 0, 1).Add(-time.Microsecond), nil
}

// printVector writes the vector as sentences, the strongest reasons first.
func printVector(w io.Writer, x app.Explained) {
	v := x.Vector
	fmt.Fprintf(w, "%s (%s), %s\n", x.Account.Name, x.Account.Key, v.At.UTC().Format("2 January 2006, 15:04 UTC"))
	if !v.Known {
		fmt.Fprintf(w, "No level: %s\n", v.Why)
		return
	}
	fmt.Fprintf(w, "Level %s of 100, %s", level(true, v.Level), v.Way)
	if v.Way != cairn.Unknown {
		fmt.Fprintf(w, " (%s in 30 days)", signed(v.Slope))
	}
	fmt.Fprintf(w, ". %s\n", v.Why)
	day := func(t time.Time) string { return t.UTC().Add(-time.Microsecond).Format("2 January 2006") }
	if p := x.Projection; p.Known {
		fmt.Fprintf(w, "If it goes on like this: %s on %s (%s to %s).\n", level(true, p.Level), day(p.At), level(true, p.Low), level(true, p.High))
	}
	if s := x.Scored; s != nil {
		fmt.Fprintf(w, "As it was scored since %s: %s, %s, by %s revision %d.\n", day(s.Day.End(time.UTC)), level(s.Known, s.Level), s.Way, s.Model, s.Rev)
	}
	fmt.Fprintln(w)

	g := grid{head: []string{">POINTS", ">OF", "", "REASON", "GROUP"}}
	var left []cairn.Reason
	for _, r := range byLoss(v.Reasons) {
		if !r.Known {
			left = append(left, r)
			continue
		}
		g.add(level(true, r.Points), level(true, r.Of), bar(r), clip(r.Text, 90), r.Group)
	}
	g.add(level(true, v.Level), level(true, cairn.Full), "", "is the level", "")
	g.print(w)
	if len(left) > 0 {
		fmt.Fprintln(w, "\nNot known, and left out:")
		for _, r := range left {
			fmt.Fprintf(w, "  %s: %s\n", r.Label, r.Text)
		}
	}
	fmt.Fprintf(w, "\nModel %s, revision %d.\n", v.Model, v.Rev)
}

// byLoss sorts reasons by how much they take away, most first.
func byLoss(reasons []cairn.Reason) []cairn.Reason {
	out := slices.Clone(reasons)
	slices.SortStableFunc(out, func(a, b cairn.Reason) int {
		return int((b.Of - b.Points) - (a.Of - a.Points))
	})
	return out
}

// bar pictures how much of what it could give a reason gives, in ten steps.
func bar(r cairn.Reason) string {
	full := 0
	if r.Of > 0 {
		full = int((r.Points*10 + r.Of/2) / r.Of)
	}
	out := []rune("··········")
	for i := range min(max(full, 0), len(out)) {
		out[i] = '■'
	}
	return string(out)
}
