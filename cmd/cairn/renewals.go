package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/forecast"
	"cairn/internal/outcome"
)

func (c *cli) renewalsCommand() *cobra.Command {
	var quarter, at string
	var q outcome.RenewalQuery
	cmd := &cobra.Command{
		Use:   "renewals",
		Short: "Contracts that come up in a quarter: what is forecast of them, and how they ended",
		Long: `Print the contracts that come up in a quarter: what each paid a month when it
came up, how likely it is to renew by what comparable contracts did, what people
think of it, and how it ended. Amounts are a month.`,
		Example: "  cairn renewals\n  cairn renewals --quarter 2027-Q1 --show disagree --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&quarter, "quarter", "", "as 2026-Q4 (default: the one that is going on)")
	cmd.Flags().StringVar(&q.Owner, "owner", "", "who looks after it, by address; - is nobody")
	cmd.Flags().StringVar(&q.Show, "show", "", "only "+strings.Join(outcome.Shows, ", "))
	cmd.Flags().StringVar(&q.Field, "field", "", "only accounts of which this field is --value")
	cmd.Flags().StringVar(&q.Value, "value", "", "see --field")
	cmd.Flags().StringVar(&q.Sort, "sort", "", strings.Join(outcome.RenewalSorts, ", ")+"; - before it turns it round")
	cmd.Flags().StringVar(&at, "at", "", "as of then, as known then: 2026-03-01 or 2026-03-01T12:00:00Z (default: now)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if q.At, err = moment(at); err != nil {
			return err
		}
		if quarter != "" {
			if q.Quarter, err = outcome.ParseQuarter(quarter); err != nil {
				return err
			}
		}
		f, err := call(c, cmd, app.Renewals, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, f)
		}
		printRenewals(c.out, f)
		return nil
	}
	cmd.AddCommand(c.renewalsSetCommand(), c.renewalsBookCommand(), c.renewalsGradesCommand())
	return cmd
}

func printRenewals(w io.Writer, f outcome.Figures) {
	fmt.Fprintf(w, "%s: %d renewals of %s %s a month; %s are expected (%s to %s), %s are booked.\n",
		f.Quarter, f.Renewals, f.Original, f.Currency, f.Forecast.Expected, f.Forecast.Low, f.Forecast.High, f.Booked)
	if f.Of == 0 {
		fmt.Fprintln(w, "No contract has come up yet, so there is nothing to compare with.")
	}
	if m := f.Monthly; m.Contracts > 0 {
		fmt.Fprintf(w, "From month to month: %d contracts of %s %s; %d of %d such months were kept.\n", m.Contracts, m.MRR, f.Currency, m.Estimate.Kept, m.Estimate.Of)
	}
	g := grid{head: []string{"ACCOUNT", "CONTRACT", "DUE", "NOTICE BY", ">MRR", ">MODEL", ">FROM", ">TO", ">PEOPLE", "NEEDS", "OUTCOME", ">BOOKED", "NEXT STEP"}}
	for _, r := range f.Rows {
		model := []string{"–", "–", "–"}
		if r.Model.Known {
			model = []string{whole(r.Model.Chance), whole(r.Model.Low), whole(r.Model.High)}
		}
		people, booked := "–", "–"
		if r.Probability != nil {
			people = whole(*r.Probability)
		}
		if r.Booked != nil {
			booked = *r.Booked
		}
		g.add(clip(r.Name, 28), clip(r.Contract, 16), r.Due, deref(r.Notice), r.Original, model[0], model[1], model[2], people, dash(r.Needs), dash(r.Outcome), booked, r.Next)
	}
	if len(g.rows) > 0 {
		g.print(w)
	}
}

func whole(f float64) string { return fmt.Sprintf("%.0f %%", 100*f) }

func deref(s *string) string {
	if s == nil {
		return "–"
	}
	return *s
}

// sayRenewal says something of a renewal and tells how it stands then.
func (c *cli) sayRenewal(cmd *cobra.Command, contract, due string, say outcome.Saying, asJSON bool) error {
	w := app.RenewalWord{Contract: contract, Say: say}
	if due != "" {
		t, err := time.Parse(time.DateOnly, due)
		if err != nil {
			return cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2026-03-01 is needed.", due).At("due")
		}
		w.Due = cairn.DayOf(t, time.UTC)
	}
	r, err := call(c, cmd, app.RenewalSay, w, nil)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(c.out, r)
	}
	fmt.Fprintf(c.out, "%s, %s, due %s: written down.\n", r.Name, dash(r.Contract), r.Due)
	return nil
}

func (c *cli) renewalsSetCommand() *cobra.Command {
	var due string
	flags := map[string]*string{}
	cmd := &cobra.Command{
		Use:   "set CONTRACT",
		Short: "Say what is thought of a renewal, and what is next",
		Long: `Say what is thought of the renewal of a contract, which is named by its key or
id. What no flag names is left as it is; an empty value takes back.`,
		Example: "  cairn renewals set con-0012 --probability 60 --next-step \"Call Ann\" --next-step-due 2026-12-09",
		Args:    cobra.ExactArgs(1),
	}
	for name, usage := range map[string]string{
		"forecast": "what it will pay a month if it renews, such as 1204.50", "probability": "whole percent, 0 to 100",
		"next-step": "what is to be done next", "next-step-due": "until when, as 2026-03-01", "owner": "who looks after it, by address",
	} {
		flags[name] = cmd.Flags().String(name, "", usage)
	}
	cmd.Flags().StringVar(&due, "due", "", "the day on which it comes up (default: the renewal that is open)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		var say outcome.Saying
		said := false
		for name, into := range map[string]**string{
			"forecast": &say.Forecast, "probability": &say.Probability, "next-step": &say.Next, "next-step-due": &say.NextDue, "owner": &say.Owner,
		} {
			if cmd.Flags().Changed(name) {
				*into, said = flags[name], true
			}
		}
		if !said {
			return cairn.Errorf(cairn.Invalid, "Nothing is said: use one of --forecast, --probability, --next-step, --next-step-due and --owner.")
		}
		return c.sayRenewal(cmd, args[0], due, say, *asJSON)
	}
	return cmd
}

func (c *cli) renewalsBookCommand() *cobra.Command {
	var due, how, booked string
	cmd := &cobra.Command{
		Use:   "book CONTRACT --outcome renewal|upsell|downsell|loss",
		Short: "Say how a renewal ended",
		Long: `Say how the renewal of a contract ended. From the day on which it is due, what
contracts say counts; where it is something else, both are shown. An empty
outcome takes back what was said.`,
		Example: "  cairn renewals book con-0012 --outcome upsell --booked 1350.00",
		Args:    cobra.ExactArgs(1),
	}
	cmd.Flags().StringVar(&how, "outcome", "", "renewal, upsell, downsell or loss")
	cmd.Flags().StringVar(&booked, "booked", "", "what it pays a month from then on; an upsell and a downsell need it")
	cmd.Flags().StringVar(&due, "due", "", "the day on which it comes up (default: the renewal that is open)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !cmd.Flags().Changed("outcome") {
			return cairn.Errorf(cairn.Invalid, "Say how it ended: --outcome renewal, upsell, downsell or loss.").At("outcome")
		}
		return c.sayRenewal(cmd, args[0], due, outcome.Saying{Outcome: &how, Booked: &booked}, *asJSON)
	}
	return cmd
}

func (c *cli) renewalsGradesCommand() *cobra.Command {
	var at string
	cmd := &cobra.Command{
		Use:   "grades",
		Short: "How the forecasts of past quarters turned out",
		Long: `Print how the forecasts of past quarters turned out: what was expected before
the first day of each and what was booked, how far chances were off (Brier
scores: less is better), and what became of renewals forecast about alike.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&at, "at", "", "as known then (default: now)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		known, err := moment(at)
		if err != nil {
			return err
		}
		g, err := call(c, cmd, app.RenewalGrades, known, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, g)
		}
		printGrades(c.out, g)
		return nil
	}
	return cmd
}

func printGrades(w io.Writer, f outcome.GradeFigures) {
	if len(f.Quarters) == 0 {
		fmt.Fprintln(w, "No quarter of which anything was forecast is over yet.")
		return
	}
	fmt.Fprintf(w, "A month, in %s.\n", f.Currency)
	g := grid{head: []string{"QUARTER", ">CAME UP", ">ORIGINAL", ">EXPECTED", ">FROM", ">TO", ">BOOKED", ">OFF BY", ">OFF", "WITHIN", ">BRIER", ">BASE", ">PEOPLE", ">OF", "WRITTEN DOWN"}}
	for _, q := range f.Quarters {
		made := "worked out now"
		if q.Recorded != nil {
			made = date(*q.Recorded)
		}
		g.add(q.Quarter.String(), fmt.Sprint(q.Renewals), q.Original, q.Forecast.Expected, q.Forecast.Low, q.Forecast.High, q.Booked, q.Error, percent(q.Share), yesNo(q.Within),
			score(q.Scores.Model), score(q.Scores.Plain), score(q.Scores.Human), fmt.Sprint(q.Scores.Called), made)
	}
	g.print(w)
	fmt.Fprintf(w, "\nAll %d together: Brier %s, base rate %s; of %d with a word of people: people %s, model %s.\n\n",
		f.All.Count, score(f.All.Model), score(f.All.Plain), f.All.Called, score(f.All.Human), score(f.All.ModelThere))
	printBins(w, f.Calibration)
}

func score(f *float64) string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%.3f", *f)
}

func printBins(w io.Writer, bins []forecast.Bin) {
	g := grid{head: []string{"FORECAST", ">RENEWALS", ">MEAN", ">RENEWED", ">OBSERVED", ">FROM", ">TO"}}
	for _, b := range bins {
		g.add(fmt.Sprintf("%.0f to %.0f %%", 100*b.From, 100*b.To), fmt.Sprint(b.N), whole(b.Mean), fmt.Sprint(b.Kept), whole(b.Rate), whole(b.Low), whole(b.High))
	}
	g.print(w)
}
