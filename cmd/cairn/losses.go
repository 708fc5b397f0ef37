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
	"cairn/internal/ledger"
	"cairn/internal/outcome"
)

func (c *cli) churnCommand() *cobra.Command {
	var q metricsQuery
	cmd := &cobra.Command{
		Use:   "churn",
		Short: "Who left month by month, of all customers and of those who could leave",
		Long: `Print churn month by month on both bases: of all customers at the start, and of
those who could leave in that month, in customers and in what they paid; with
the change against the month before, what upsells made up for, who left within
90 days of the sale, and retention and renewal apart.`,
		Example: "  cairn churn --from 2026-01 --to 2026-06\n  cairn churn --from 2026-01 --to 2026-06 --by owner --json",
		Args:    cobra.NoArgs,
	}
	q.flags(cmd)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query, err := q.read()
		if err != nil {
			return err
		}
		r, err := call(c, cmd, app.Churn, query, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, r)
		}
		if n := len(r.Problems); n > 0 {
			fmt.Fprintf(c.err, "%d of %d contracts are left out; cairn metrics says why.\n", n, r.Contracts)
		}
		printChurn(c.out, r, query.By)
		return nil
	}
	return cmd
}

// flags adds those of months, policy, dimension and moment.
func (q *metricsQuery) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&q.from, "from", "", "first month, as 2023-01 (default: eleven months before the last)")
	cmd.Flags().StringVar(&q.to, "to", "", "last month (default: the one that is going on)")
	cmd.Flags().StringVar(&q.policy, "policy", "", "what counts: "+presetNames()+", or one of the workspace's own (default: the workspace's)")
	cmd.Flags().StringVar(&q.by, "by", "", "a field of accounts, such as industry or owner, or of contracts: product, currency, contract.FIELD")
	cmd.Flags().StringVar(&q.at, "at", "", "as known then, as 2026-03-01 or 2026-03-01T12:00:00Z (default: now)")
}

func printChurn(w io.Writer, r app.ChurnAnswer, by string) {
	fmt.Fprintf(w, "MRR in %s; policy %s (%s).\n", r.Currency, r.Policy.Name, r.Policy.Title)
	head := []string{"MONTH", ">LOST", ">OF ALL", ">RATE", ">CHANGE", ">OF ELIGIBLE", ">RATE", ">MRR LOST", ">OF ALL", ">OF ELIGIBLE", ">MRR CHURN", ">EXPANSION", ">GROWTH", ">EARLY", ">RETAINED", ">DUE", ">RENEWED"}
	if by != "" {
		head = append([]string{strings.ToUpper(by)}, head...)
	}
	g := grid{head: head}
	add := func(f ledger.AttritionFigures, month string) {
		cells := []string{month, fmt.Sprint(f.CustomersLost), fmt.Sprint(f.CustomersStart), percent(f.Rate), points(f.Reduction), fmt.Sprint(f.CustomersCould), percent(f.RateCould),
			f.Lost, percent(f.LostRate), percent(f.LostCould), percent(f.MRRChurn), percent(f.MRRExpansion), percent(f.Growth), fmt.Sprint(f.LostEarly), percent(f.Retention), fmt.Sprint(f.Up), percent(f.Renewal)}
		if by != "" {
			cells = append([]string{dash(*f.Value)}, cells...)
		}
		g.add(cells...)
	}
	if by != "" {
		for _, f := range r.Together {
			add(f, f.Month+" …")
		}
		g.print(w)
		return
	}
	for _, f := range r.Months {
		add(f, f.Month)
	}
	for _, f := range r.Together {
		add(f, "all")
	}
	g.print(w)
}

// points writes a difference of two shares.
func points(f *float64) string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%+.1f", 100**f)
}

func (c *cli) lossesCommand() *cobra.Command {
	var q metricsQuery
	var ask outcome.LossQuery
	var value string
	var open bool
	cmd := &cobra.Command{
		Use:   "losses",
		Short: "Who left and why: reasons, evidence, audits, and what is still open",
		Long: `Print the customers who left, the latest first, with what was said of why, and
what each reason cost. A loss without a reason is open.`,
		Example: "  cairn losses --from 2026-01 --open\n  cairn losses --by owner --json\n  cairn losses say \"Acme\" --reason price --detail \"The new board cut it\"",
		Args:    cobra.NoArgs,
	}
	q.flags(cmd)
	cmd.Flags().StringVar(&ask.Reason, "reason", "", "only those of one reason, by key, title or a source's word")
	cmd.Flags().BoolVar(&open, "open", false, "only those of which nobody knows why")
	cmd.Flags().StringVar(&ask.Only, "only", "", "only these: "+strings.Join(outcome.Onlys, ", "))
	cmd.Flags().StringVar(&value, "value", "", "only those of one value of --by")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query, err := q.read()
		if err != nil {
			return err
		}
		ask.Query = query
		if cmd.Flags().Changed("value") {
			ask.Value = &value
		}
		if open {
			ask.Only = "open"
		}
		r, err := call(c, cmd, app.LossList, ask, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, r)
		}
		printLosses(c.out, r)
		return nil
	}
	cmd.AddCommand(c.lossSayCommand(), c.lossAuditCommand(), c.lossUndoCommand(), c.lossReasonsCommand())
	return cmd
}

func printLosses(w io.Writer, r outcome.LossFigures) {
	fmt.Fprintf(w, "%s to %s: %d customers left with %s %s a month; policy %s.\n", r.From, r.To, r.All.Customers, r.All.MRR, r.Currency, r.Policy)
	fmt.Fprintf(w, "Nobody knows why of %d. Called unavoidable: %d, of which %d were audited and %d confirmed.\n", r.All.Open, r.All.Claimed, r.All.Audited, r.All.Confirmed)
	sums := func(title string, all []outcome.SumFigures, none string) {
		if len(all) == 0 {
			return
		}
		fmt.Fprintln(w)
		g := grid{head: []string{title, ">CUSTOMERS", ">SHARE", ">MRR", ">SHARE", ">OPEN", ">EARLY", ">UNAVOIDABLE", ">CONFIRMED"}}
		for _, s := range all {
			name := s.Title
			if s.Key == "" {
				name = none
			}
			g.add(name, fmt.Sprint(s.Customers), percent(s.OfAll), s.MRR, percent(s.MRROfAll), fmt.Sprint(s.Open), fmt.Sprint(s.Early), fmt.Sprint(s.Claimed), fmt.Sprint(s.Confirmed))
		}
		g.print(w)
	}
	sums("REASON", r.Reasons, "(nobody knows)")
	sums(strings.ToUpper(r.By), r.Values, "–")
	if len(r.Losses) > 0 {
		fmt.Fprintln(w)
		g := grid{head: []string{"ACCOUNT", "LEFT", ">MRR", "SINCE", "EARLY", "REASON", "UNAVOIDABLE"}}
		for _, l := range r.Losses {
			g.add(l.Name, l.On, l.MRR, l.Since, yesNo(l.Early), dash(l.Title), claim(l))
		}
		g.print(w)
	}
	if len(r.Odd) > 0 {
		fmt.Fprintln(w, "\nSaid to be lost, and not booked:")
		g := grid{head: []string{"ACCOUNT", "SAID TO HAVE LEFT", "REASON", "CUSTOMER SINCE"}}
		for _, o := range r.Odd {
			g.add(o.Name, o.On, dash(o.Reason), dash(o.Since))
		}
		g.print(w)
	}
}

func claim(l outcome.LossRow) string {
	switch {
	case !l.Unavoidable:
		return "–"
	case l.Audit == "":
		return "claimed"
	}
	return l.Audit
}

// lossFlags are those that name a loss and who speaks.
func lossFlags(cmd *cobra.Command, s *app.LossSaid, on *string) {
	cmd.Flags().StringVar(on, "on", "", "a day that belongs to the loss, as 2026-03-01 (default: the latest loss)")
	cmd.Flags().StringVar(&s.As, "as", "", "address of the user for whom it is written down (default: Cairn itself)")
	cmd.Flags().StringVar(&s.Policy, "policy", "", "policy under which the loss is booked (default: the workspace's)")
}

// tellLoss performs op and prints the loss as it stands then.
func (c *cli) tellLoss(cmd *cobra.Command, op app.Op[app.LossSaid, outcome.LossRow], s app.LossSaid, on string, asJSON bool) error {
	var err error
	if s.On, err = readDay("on", on); err != nil {
		return err
	}
	row, err := call(c, cmd, op, s, nil)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, row)
	}
	fmt.Fprintf(c.out, "%s, which left on %s: %s; unavoidable: %s.\n", row.Name, row.On, dash(row.Title), claim(row))
	return nil
}

func (c *cli) lossSayCommand() *cobra.Command {
	var s app.LossSaid
	var on string
	cmd := &cobra.Command{
		Use:   "say ACCOUNT --reason REASON",
		Short: "Say why a customer left",
		Long: `Say why a customer left. The reason is one of the workspace's list (cairn losses
reasons). That nothing could be done is claimed with --unavoidable and needs
--evidence; somebody else audits it.`,
		Example: "  cairn losses say \"Acme\" --reason price --detail \"The new board cut it\" --asked-on 2026-03-01\n  cairn losses say acme --reason closed --unavoidable --evidence \"Court register, 12 March\" --as ada@example.com",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&s.Reason, "reason", "", "why, by key, title or a source's word")
	cmd.Flags().StringVar(&s.Detail, "detail", "", "what else there is to say")
	cmd.Flags().BoolVar(&s.Unavoidable, "unavoidable", false, "claim that nothing could be done")
	cmd.Flags().StringVar(&s.Evidence, "evidence", "", "what shows that")
	cmd.Flags().StringVar(&s.Asked, "asked-on", "", "day on which the customer was asked, as 2026-03-01")
	lossFlags(cmd, &s, &on)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s.Account = args[0]
		return c.tellLoss(cmd, app.LossSay, s, on, *asJSON)
	}
	return cmd
}

func (c *cli) lossAuditCommand() *cobra.Command {
	var s app.LossSaid
	var on string
	cmd := &cobra.Command{
		Use:     "audit ACCOUNT confirm|reject",
		Short:   "Confirm or reject that a loss was unavoidable; not by who claimed it",
		Example: "  cairn losses audit acme reject --as ben@example.com",
		Args:    cobra.ExactArgs(2),
	}
	lossFlags(cmd, &s, &on)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s.Account, s.Verdict = args[0], args[1]
		return c.tellLoss(cmd, app.LossAudit, s, on, *asJSON)
	}
	return cmd
}

func (c *cli) lossUndoCommand() *cobra.Command {
	var s app.LossSaid
	var on string
	cmd := &cobra.Command{
		Use:   "undo ACCOUNT",
		Short: "Take back what was written down last about a loss",
		Args:  cobra.ExactArgs(1),
	}
	lossFlags(cmd, &s, &on)
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		s.Account = args[0]
		return c.tellLoss(cmd, app.LossUndo, s, on, *asJSON)
	}
	return cmd
}

func (c *cli) lossReasonsCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "reasons [FILE]",
		Short: "Show the reasons for which customers leave, or replace the list from a file",
		Long: `Show the reasons that can be chosen, or replace the list by that of a JSON file,
as --json prints it: key, title, group, whether it may be called unavoidable,
and the words in which sources say the same.`,
		Example: "  cairn losses reasons --json > reasons.json\n  cairn losses reasons reasons.json --note \"fewer, clearer\"",
		Args:    cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&note, "note", "", "why the list changes")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		list, err := call(c, cmd, app.LossReasons, app.None{}, nil)
		if err != nil {
			return err
		}
		if len(args) == 1 {
			return c.replaceReasons(cmd, list, args[0], note)
		}
		if *asJSON {
			return printJSON(c.out, list)
		}
		g := grid{head: []string{"KEY", "REASON", "GROUP", "MAY BE UNAVOIDABLE", "ALSO SAID AS"}}
		for _, r := range list.Reasons {
			g.add(r.Key, r.Title, dash(r.Group), yesNo(r.Unavoidable), dash(strings.Join(r.Words, ", ")))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func (c *cli) replaceReasons(cmd *cobra.Command, list app.ReasonList, file, note string) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return cairn.Errorf(cairn.NotFound, "The file %s cannot be read.", file).Because(err)
	}
	var said struct {
		Reasons outcome.Reasons `json:"reasons"`
	}
	if err := json.Unmarshal(b, &said); err != nil {
		return cairn.Errorf(cairn.Invalid, "The file %s is not JSON such as {\"reasons\": [{\"key\", \"title\", \"group\", \"unavoidable\", \"words\"}]}.", file).Because(err)
	}
	list.Reasons, list.Note = said.Reasons, note
	rev, err := call(c, cmd, app.LossDefine, list, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%d reasons can be chosen. This is revision %d.\n", len(said.Reasons), rev)
	return nil
}
