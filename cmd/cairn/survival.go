package main

import (
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/revenue"
	"cairn/internal/survival"
)

func (c *cli) survivalCommand() *cobra.Command {
	var q metricsQuery
	var since, interval string
	ask := revenue.StayQuery{}
	cmd := &cobra.Command{
		Use:   "survival",
		Short: "How long customers stay, with intervals and a comparison of groups",
		Long: `Estimate by Kaplan and Meier how long customers stay, in months since they came:
the share that stays longer, the median, the mean as far as a horizon, and,
by a field, whether the groups differ more than chance would explain.
Customers who were here before anything is known of them count from then on;
--complete says that the records hold everybody from the beginning.`,
		Example: "  cairn survival\n  cairn survival --by segment --horizon 24 --json",
		Args:    cobra.NoArgs,
	}
	cmd.Flags().StringVar(&q.policy, "policy", "", "what counts: "+presetNames()+", or one of the workspace's own (default: the workspace's)")
	cmd.Flags().StringVar(&q.by, "by", "", "a field of accounts or of contracts whose values are compared")
	cmd.Flags().StringArrayVar(&q.where, "where", nil, "only accounts of which a field says so, as owner:ann@example.com; may be given again")
	cmd.Flags().StringVar(&q.at, "at", "", "as known then, as 2026-03-01 or 2026-03-01T12:00:00Z (default: now)")
	cmd.Flags().StringVar(&since, "since", "", "count nobody before this day, as 2023-01-01; who was here already enters late")
	cmd.Flags().BoolVar(&ask.Complete, "complete", false, "the records hold everybody from the beginning")
	cmd.Flags().Float64Var(&ask.Horizon, "horizon", 0, "how far the mean looks, in months (default: as far as all groups were watched)")
	cmd.Flags().StringVar(&interval, "interval", string(survival.Log), "how intervals are made: log or log-log")
	asJSON, files := jsonFlag(cmd), fileFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		ask.Interval = survival.Interval(interval)
		if ask.Query, err = q.read(); err != nil {
			return err
		}
		if ask.Since, err = readDay("since", since); err != nil {
			return err
		}
		got, err := call(c, cmd, app.Stays, ask, nil)
		switch {
		case err != nil:
			return err
		case files.asked():
			return files.save(c, got.Table())
		case *asJSON:
			return printJSON(c.out, got)
		}
		printStays(c.out, got)
		return nil
	}
	return cmd
}

func readDay(field, text string) (cairn.Day, error) {
	if text == "" {
		return 0, nil
	}
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return 0, cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2023-01-31 is needed.", text).At(field)
	}
	return cairn.DayOf(t, time.UTC), nil
}

func printStays(w io.Writer, f revenue.StayFigures) {
	if len(f.Curves) == 0 {
		fmt.Fprintln(w, "No customer was watched yet.")
		return
	}
	fmt.Fprintf(w, "How long customers stay, in months since they came; policy %s, intervals of 95 %% (%s).\n", f.Policy, f.Interval)
	head := []string{"GROUP", ">CUSTOMERS", ">LEFT", ">MEDIAN", "95 %", ">MEAN UNTIL " + short(f.Horizon), ">± STD. ERROR"}
	for _, at := range longest(f) {
		head = append(head, ">STAY "+short(at.Months))
	}
	g := grid{head: head}
	for _, c := range f.Curves {
		mean, err := "–", "–"
		if c.Mean != nil {
			mean, err = fmt.Sprintf("%.1f", c.Mean.Mean), fmt.Sprintf("%.1f", c.Mean.Err)
		}
		cells := []string{c.Group, strconv.Itoa(c.N), strconv.Itoa(c.Ended), months(c.Median.Time), months(c.Median.Lower) + " to " + months(c.Median.Upper), mean, err}
		for i := range longest(f) {
			if i < len(c.At) {
				cells = append(cells, percent(&c.At[i].Survival))
			} else {
				cells = append(cells, "")
			}
		}
		g.add(cells...)
	}
	g.print(w)
	if t := f.Test; t != nil {
		word := "no more than chance would explain"
		if t.P < 0.05 {
			word = "more than chance would explain"
		}
		fmt.Fprintf(w, "The groups differ %s: log-rank chi² %.2f, %d degrees of freedom, p %.4f.\n", word, t.ChiSquared, t.Freedom, t.P)
	}
	if f.Untested != "" {
		fmt.Fprintln(w, f.Untested)
	}
	if f.Late+f.Unseen > 0 {
		fmt.Fprintf(w, "%d were customers before they were watched and count from then on; %d had left before and do not count.\n", f.Late, f.Unseen)
	}
}

// longest are the years of the group that was watched longest.
func longest(f revenue.StayFigures) []revenue.StayAt {
	var out []revenue.StayAt
	for _, c := range f.Curves {
		if len(c.At) > len(out) {
			out = c.At
		}
	}
	return out
}

// months writes months to a tenth, and – for what is not known.
func months(f *float64) string {
	if f == nil {
		return "–"
	}
	return fmt.Sprintf("%.1f", *f)
}
