package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// A metricsQuery is what the flags of cairn metrics say.
type metricsQuery struct {
	from, to, policy, by, at, currency string
	where                              []string
	booked                             bool
}

func (c *cli) metricsCommand() *cobra.Command {
	var q metricsQuery
	cmd := &cobra.Command{
		Use:   "metrics",
		Short: "Recurring revenue month by month: movements, retention and churn",
		Long: `Print recurring revenue month by month: what it was at the start, every
movement in one bucket, the end, and the shares made of them. What counts is
said by a policy. Contracts that cannot be counted are named on standard error.`,
		Example: "  cairn metrics --from 2023-01 --to 2023-12\n  cairn metrics --from 2023-01 --to 2023-12 --policy stripe --by industry --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&q.from, "from", "", "first month, as 2023-01 (default: eleven months before the last)")
	cmd.Flags().StringVar(&q.to, "to", "", "last month (default: the one that is going on)")
	cmd.Flags().StringVar(&q.policy, "policy", "", "what counts: "+presetNames()+", or one of the workspace's own (default: the workspace's)")
	cmd.Flags().StringVar(&q.by, "by", "", "a field of accounts, such as industry or owner, or of contracts: product, currency, contract.FIELD")
	cmd.Flags().StringVar(&q.at, "at", "", "as known then, as 2026-03-01 or 2026-03-01T12:00:00Z (default: now)")
	cmd.Flags().StringVar(&q.currency, "currency", "", "currency to add up in (default: the workspace's, or the only one that contracts are in)")
	cmd.Flags().StringArrayVar(&q.where, "where", nil, "only accounts of which a field says so, as owner:ann@example.com; may be given again")
	cmd.Flags().BoolVar(&q.booked, "booked", false, "closed months as they were booked, and what was learnt since as a correction of the open one")
	asJSON, files := jsonFlag(cmd), fileFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		query, err := q.read()
		if err != nil {
			return err
		}
		r, err := call(c, cmd, app.Revenue, query, nil)
		if err != nil {
			return err
		}
		leftOut(c.err, r)
		if files.asked() {
			return files.save(c, r.Table())
		}
		if *asJSON {
			return printJSON(c.out, r.Figures())
		}
		printMetrics(c.out, r)
		return nil
	}
	cmd.AddCommand(c.metricsPoliciesCommand(), c.metricsUseCommand(), c.metricsRatesCommand(), c.metricsCompareCommand(), c.metricsMovementsCommand(),
		c.metricsCloseCommand(), c.metricsReopenCommand(), c.metricsCorrectionsCommand())
	return cmd
}

func presetNames() string {
	var names []string
	for _, p := range ledger.Presets {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}

func (q metricsQuery) read() (revenue.Query, error) {
	out := revenue.Query{Policy: q.policy, By: q.by, Currency: q.currency, Booked: q.booked, Where: strings.Join(q.where, "\n")}
	var err error
	if out.Known, err = moment(q.at); err != nil {
		return out, err
	}
	if q.from != "" {
		if out.From, err = readMonth("from", q.from); err != nil {
			return out, err
		}
	}
	if q.to != "" {
		out.To, err = readMonth("to", q.to)
	}
	return out, err
}

func readMonth(field, text string) (ledger.Month, error) {
	m, err := ledger.ParseMonth(text)
	if err != nil {
		return 0, cairn.Errorf(cairn.Invalid, "%q is not a month: one such as 2023-01 is needed.", text).At(field)
	}
	return m, nil
}

// leftOut says which contracts could not be counted.
func leftOut(w io.Writer, r revenue.Report) {
	if len(r.Problems) == 0 {
		return
	}
	fmt.Fprintf(w, "%d of %d contracts are left out:\n", len(r.Problems), r.Contracts)
	why := map[string]int{}
	var order []string
	for _, p := range r.Problems {
		if why[p.Text] == 0 {
			order = append(order, p.Text)
		}
		why[p.Text]++
	}
	for _, text := range order[:min(len(order), 5)] {
		fmt.Fprintf(w, "  %d: %s\n", why[text], text)
	}
	if len(order) > 5 {
		fmt.Fprintf(w, "  and %d other reasons.\n", len(order)-5)
	}
}

func printMetrics(w io.Writer, r revenue.Report) {
	fmt.Fprintf(w, "MRR in %s; policy %s (%s).\n", r.Currency, r.Policy.Name, r.Policy.Title)
	if r.Closed != 0 {
		fmt.Fprintf(w, "Closed until %v; --booked tells what was booked.\n", r.Closed)
	}
	head := []string{"MONTH", ">START", ">NEW", ">EXPANSION", ">REACTIVATION", ">CONTRACTION", ">CHURN", ">END", ">NRR", ">GRR", ">CUSTOMERS", ">LOST", ">CHURN OF ALL", ">OF ELIGIBLE"}
	if r.By != "" {
		head = append([]string{strings.ToUpper(r.By)}, head...)
	}
	g := grid{head: head}
	defer func() { corrected(w, r) }()
	for _, f := range r.Figures() {
		cells := []string{f.Month, f.Start, f.New, f.Expansion, f.Reactivation, f.Contraction, f.Churn, f.End, percent(f.NRR), percent(f.GRR),
			fmt.Sprint(f.CustomersStart), fmt.Sprint(f.CustomersLost), percent(f.ChurnBase), percent(f.ChurnCould)}
		if r.By != "" {
			cells = append([]string{dash(*f.Value)}, cells...)
		}
		g.add(cells...)
	}
	g.print(w)
}

// corrected says what was learnt about closed months.
func corrected(w io.Writer, r revenue.Report) {
	for _, f := range r.Figures() {
		if f.Correction != "" {
			fmt.Fprintf(w, "%s has a correction of %s: what was learnt about closed months since; cairn metrics corrections names the accounts.\n", f.Month, f.Correction)
		}
	}
}

func percent(f *float64) string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100**f)
}

func (c *cli) metricsPoliciesCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "policies",
		Short: "List the policies: what counts, in each",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		t, err := call(c, cmd, app.RevenueTerms, app.None{}, nil)
		if err != nil {
			return err
		}
		all := t.Definitions.All()
		use := t.Definitions.Policy
		if use == "" {
			use = ledger.Presets[0].Name
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"policies": all, "in_use": use})
		}
		g := grid{head: []string{"POLICY", "NETS BY", "DISCOUNTS", ">PAST DUE", "CHURN AT", "SECOND", "SAME MONTH", ">RETURN", "REFUNDS", "PAUSE", "FREE", "USAGE", "RATES", "IN USE"}}
		for _, p := range all {
			g.add(p.Name, string(p.Netting), string(p.Discounts), fmt.Sprint(p.PastDue), string(p.ChurnAt), string(p.Second), string(p.SameMonth),
				fmt.Sprint(p.Return), string(p.Refunds), string(p.Pause), string(p.Free), yesNo(p.Usage), string(p.Rates), yesNo(p.Name == use))
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func (c *cli) metricsUseCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:     "use POLICY",
		Short:   "Say which policy the workspace's figures follow",
		Example: "  cairn metrics use chartmogul --note \"as the board knows it\"",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&note, "note", "", "why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return c.redefine(cmd, note, func(d *revenue.Definitions) error {
			d.Policy = args[0]
			return nil
		}, "Figures follow the policy "+args[0]+" from now on.")
	}
	return cmd
}

// redefine changes what counts as revenue and says so.
func (c *cli) redefine(cmd *cobra.Command, note string, change func(*revenue.Definitions) error, done string) error {
	t, err := call(c, cmd, app.RevenueTerms, app.None{}, nil)
	if err != nil {
		return err
	}
	if err := change(&t.Definitions); err != nil {
		return err
	}
	t.Note = note
	rev, err := call(c, cmd, app.RevenueDefine, t, nil)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.out, "%s This is revision %d.\n", done, rev)
	return nil
}

func (c *cli) metricsRatesCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "rates [FILE]",
		Short: "Show the exchange rates, or replace them from a file",
		Long: `Show the exchange rates into the workspace's currency, or replace them from a
CSV file with the columns currency, day and rate: what one unit is worth from
that day on, until the next.`,
		Example: "  cairn metrics rates rates.csv",
		Args:    cobra.MaximumNArgs(1),
	}
	cmd.Flags().StringVar(&note, "note", "", "why")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if len(args) == 1 {
			rates, err := readRates(args[0])
			if err != nil {
				return err
			}
			return c.redefine(cmd, note, func(d *revenue.Definitions) error {
				d.Said = rates
				return nil
			}, fmt.Sprintf("%d rates are in force.", len(rates)))
		}
		t, err := call(c, cmd, app.RevenueTerms, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			if t.Definitions.Said == nil {
				t.Definitions.Said = []revenue.SaidRate{}
			}
			return printJSON(c.out, map[string]any{"rates": t.Definitions.Said, "rev": t.Rev})
		}
		g := grid{head: []string{"CURRENCY", "FROM", ">RATE"}}
		for _, r := range t.Definitions.Said {
			g.add(r.Currency, r.Day, r.Rate)
		}
		g.print(c.out)
		return nil
	}
	return cmd
}

func readRates(name string) ([]revenue.SaidRate, error) {
	f, err := openInput(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The file %s is not CSV.", name).Because(err)
	}
	if len(rows) == 0 {
		return nil, cairn.Errorf(cairn.Invalid, "The file %s is empty: currency,day,rate and rows are needed.", name)
	}
	at := map[string]int{}
	for i, h := range rows[0] {
		at[strings.ToLower(strings.TrimSpace(h))] = i
	}
	for _, want := range []string{"currency", "day", "rate"} {
		if _, ok := at[want]; !ok {
			return nil, cairn.Errorf(cairn.Invalid, "The file %s has no column %s.", name, want).At(want)
		}
	}
	var out []revenue.SaidRate
	for _, r := range rows[1:] {
		out = append(out, revenue.SaidRate{Currency: r[at["currency"]], Day: r[at["day"]], Rate: r[at["rate"]]})
	}
	return out, nil
}

func (c *cli) metricsCompareCommand() *cobra.Command {
	var q metricsQuery
	cmd := &cobra.Command{
		Use:     "compare POLICY POLICY",
		Short:   "Say what another policy would tell, and about which accounts they differ",
		Example: "  cairn metrics compare cairn stripe --from 2023-01 --to 2023-12",
		Args:    cobra.ExactArgs(2),
	}
	cmd.Flags().StringVar(&q.from, "from", "", "first month, as 2023-01 (default: eleven months before the last)")
	cmd.Flags().StringVar(&q.to, "to", "", "last month (default: the one that is going on)")
	cmd.Flags().StringVar(&q.currency, "currency", "", "currency to add up in")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		query, err := q.read()
		if err != nil {
			return err
		}
		query.Policy = args[0]
		got, err := call(c, cmd, app.RevenueCompare, app.PolicyPair{Query: query, Other: args[1]}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, got)
		}
		printComparison(c.out, got)
		return nil
	}
	return cmd
}

func printComparison(w io.Writer, d revenue.Comparison) {
	fmt.Fprintf(w, "%s against %s, in %s: they differ about %d accounts.\n", d.A.Name, d.B.Name, d.Currency, d.Accounts)
	g := grid{head: []string{"MONTH", "", ">START", ">NEW", ">EXPANSION", ">REACTIVATION", ">CONTRACTION", ">CHURN", ">END", ">NRR", ">LOST"}}
	for i := range d.MonthsA {
		for j, f := range []ledger.Figures{d.MonthsA[i], d.MonthsB[i]} {
			g.add([]string{f.Month, ""}[j], []string{d.A.Name, d.B.Name}[j], f.Start, f.New, f.Expansion, f.Reactivation, f.Contraction, f.Churn, f.End, percent(f.NRR), fmt.Sprint(f.CustomersLost))
		}
	}
	g.print(w)
	if len(d.Differ) == 0 {
		return
	}
	fmt.Fprintln(w)
	g = grid{head: []string{"ACCOUNT", "MONTH", ">" + strings.ToUpper(d.A.Name), ">" + strings.ToUpper(d.B.Name), ">BY", "DECIDED BY"}}
	for _, x := range d.Differ {
		g.add(x.Name, x.Month, x.A, x.B, x.By, strings.Join(x.Why, ", "))
	}
	g.print(w)
	if d.More > 0 {
		fmt.Fprintf(w, "and %d more, each smaller.\n", d.More)
	}
}

func (c *cli) metricsMovementsCommand() *cobra.Command {
	var q metricsQuery
	var m app.MovementQuestion
	var kind string
	cmd := &cobra.Command{
		Use:   "movements",
		Short: "Name every movement, with what caused it",
		Long: `Name every movement with what caused it: which contract, what was said of it and
by which source, when that happened and when it was learnt, and the exchange
rate with its date where one was used. The largest come first; those of one
account, the latest.`,
		Example: "  cairn metrics movements --from 2023-05 --to 2023-05 --kind churn\n  cairn metrics movements --account acme --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&q.from, "from", "", "first month, as 2023-01 (default: eleven months before the last; of one account: its first)")
	cmd.Flags().StringVar(&q.to, "to", "", "last month (default: the one that is going on)")
	cmd.Flags().StringVar(&kind, "kind", "", "only one kind: new, expansion, contraction, churn, reactivation or currency")
	cmd.Flags().StringVar(&m.Account, "account", "", "only of one account, by id, key, domain or name")
	cmd.Flags().IntVar(&m.Limit, "limit", 0, "at most so many (default: all)")
	cmd.Flags().StringVar(&q.policy, "policy", "", "what counts (default: the workspace's policy)")
	cmd.Flags().StringVar(&q.at, "at", "", "as known then, as 2026-03-01 or 2026-03-01T12:00:00Z (default: now)")
	cmd.Flags().StringVar(&q.currency, "currency", "", "currency to add up in")
	cmd.Flags().StringArrayVar(&q.where, "where", nil, "only accounts of which a field says so, as owner:ann@example.com; may be given again")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if m.Query, err = q.read(); err != nil {
			return err
		}
		if m.Kind = ledger.Kind(kind); kind != "" && !slices.Contains(ledger.Kinds(), m.Kind) {
			return cairn.Errorf(cairn.Invalid, "%q is no kind of movement: new, expansion, contraction, churn, reactivation or currency is needed.", kind).At("kind")
		}
		got, err := call(c, cmd, app.RevenueMovements, m, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, got)
		}
		printMovements(c.out, got)
		return nil
	}
	return cmd
}

func printMovements(w io.Writer, got app.Movements) {
	fmt.Fprintf(w, "MRR in %s; policy %s.\n", got.Currency, got.Policy)
	g := grid{head: []string{"DAY", "ACCOUNT", "MOVEMENT", ">MRR", "BECAUSE"}}
	for _, m := range got.Movements {
		for i, text := range causesText(m) {
			if i == 0 {
				g.add(m.On, m.Name, string(m.Kind), m.Text, text)
			} else {
				g.add("", "", "", "", text)
			}
		}
	}
	g.print(w)
	if n := got.Count - len(got.Movements); n > 0 {
		fmt.Fprintf(w, "and %d more; --limit says how many are named.\n", n)
	}
}

// causesText tells what caused a movement, a line for each change.
func causesText(m revenue.Moved) []string {
	var out []string
	for _, b := range m.Causes {
		more := ""
		if b.Why != "" {
			more += "; " + b.Why
		}
		if b.Rate != nil {
			more += fmt.Sprintf("; at %s %s for 1 %s of %s", b.Rate.Rate, b.Rate.Home, b.Rate.Currency, b.Rate.On)
		}
		for i, x := range b.Changes {
			text := fmt.Sprintf("%s %s → %s, by %s on %s", x.Field, dash(x.Old), dash(x.New), x.Source, x.At.Format(time.DateOnly))
			if x.Seen.Format(time.DateOnly) != x.At.Format(time.DateOnly) {
				text += ", learnt on " + x.Seen.Format(time.DateOnly)
			}
			if i == 0 {
				text += more
			}
			out = append(out, text)
		}
		if len(b.Changes) == 0 {
			out = append(out, strings.TrimPrefix(more, "; "))
		}
	}
	if len(out) == 0 {
		out = []string{""}
	}
	return out
}

func (c *cli) metricsCloseCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "close MONTH",
		Short: "Close a month: book its figures, which then no longer change",
		Long: `Close a month that is over, and those before it that are open. Their figures are
booked as they are known now, under the workspace's policy. What is learnt later
appears as a correction of the month that is open then; --booked tells both.`,
		Example: "  cairn metrics close 2023-05 --note \"board meeting\"",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&note, "note", "", "why")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := readMonth("month", args[0])
		if err != nil {
			return err
		}
		done, err := call(c, cmd, app.RevenueClose, app.MonthNote{Month: m, Note: note}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"closed": done})
		}
		last := done[len(done)-1]
		fmt.Fprintf(c.out, "%d months are closed, until %s, with %s %s at the end; policy %s.\n", len(done), last.Month, ledger.Decimal(last.Sums.End, last.Currency), last.Currency, last.Policy)
		return nil
	}
	return cmd
}

func (c *cli) metricsReopenCommand() *cobra.Command {
	var note string
	cmd := &cobra.Command{
		Use:   "reopen MONTH",
		Short: "Take back that a month was closed, and those after it",
		Args:  cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&note, "note", "", "why")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		m, err := readMonth("month", args[0])
		if err != nil {
			return err
		}
		n, err := call(c, cmd, app.RevenueReopen, app.MonthNote{Month: m, Note: note}, nil)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%d months are open again.\n", n)
		return nil
	}
	return cmd
}

func (c *cli) metricsCorrectionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "corrections",
		Short: "Name what was learnt about closed months since they were closed",
		Args:  cobra.NoArgs,
	}
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		got, err := call(c, cmd, app.RevenueCorrections, app.None{}, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, map[string]any{"currency": got.Currency, "accounts": got.Accounts, "corrections": got.Differ})
		}
		g := grid{head: []string{"ACCOUNT", "MONTH", ">KNOWN THEN", ">KNOWN NOW"}}
		for _, x := range got.Differ {
			g.add(x.Name, x.Month, x.A, x.B)
		}
		g.print(c.out)
		return nil
	}
	return cmd
}
