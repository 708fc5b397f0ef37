package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/app"
)

// accountPage is how many accounts are asked for at a time.
const accountPage = 500

func (c *cli) accountsCommand() *cobra.Command {
	var q app.AccountsQuery
	var limit int
	var at string
	var where []string
	cmd := &cobra.Command{
		Use:   "accounts",
		Short: "List accounts with level, way, MRR and renewal",
		Args:  cobra.NoArgs,
	}
	cmd.Flags().StringVar(&q.Search, "search", "", "words that begin a word of the name, domain or key")
	cmd.Flags().StringVar(&q.Owner, "owner", "", "mail address of the owner; - is nobody")
	cmd.Flags().StringVar(&q.KeyBegin, "key-begin", "", "beginning of the key")
	cmd.Flags().StringVar(&q.Sort, "sort", "name", "name, level, slope, mrr, renews, last_seen, owner, status, first or metric.NAME; -level turns it round")
	cmd.Flags().StringSliceVar(&q.Metrics, "metric", nil, "metrics to show as columns, by name")
	cmd.Flags().StringArrayVar(&where, "where", nil, "what a metric must be, as exports>=10 or exports<=99; all must hold")
	cmd.Flags().IntVar(&limit, "limit", 0, "at most so many (default all)")
	cmd.Flags().StringVar(&at, "at", "", "moment to look at, as 2026-03-01 (the end of that day, UTC) or 2026-03-01T12:00:00Z")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) (err error) {
		if q.At, err = moment(at); err != nil {
			return err
		}
		if q.Where, err = bounds(where); err != nil {
			return err
		}
		accounts, total, err := c.accounts(cmd, q, limit)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, listed{accounts, total})
		}
		c.printAccounts(accounts, total, q.Metrics)
		return nil
	}
	return cmd
}

// listed is what --json prints; see docs/cli.md.
type listed struct {
	Accounts []cairn.Account `json:"accounts"`
	Total    int             `json:"total"`
}

// accounts asks page by page until limit (0: all) is reached.
func (c *cli) accounts(cmd *cobra.Command, q app.AccountsQuery, limit int) (out []cairn.Account, total int, err error) {
	l, err := c.link(cmd)
	if err != nil {
		return nil, 0, err
	}
	defer l.Close()
	out = []cairn.Account{}
	for {
		q.Limit = accountPage
		if limit > 0 {
			q.Limit = min(q.Limit, limit-len(out))
		}
		p, err := app.Call(cmd.Context(), l, app.Accounts, q, nil)
		if err != nil {
			return nil, 0, err
		}
		out, total, q.Cursor = append(out, p.Accounts...), p.Total, p.Next
		if p.Next == "" || limit > 0 && len(out) >= limit {
			return out, total, nil
		}
	}
}

// bounds reads what metrics must be.
func bounds(texts []string) (out []account.Bound, err error) {
	for _, text := range texts {
		wrong := cairn.Errorf(cairn.Invalid, "%q is not what a metric must be, such as exports>=10 or exports<=99.", text).At("where")
		i := strings.IndexAny(text, "<>")
		if i < 1 || !strings.HasPrefix(text[i+1:], "=") {
			return nil, wrong
		}
		n, err := strconv.ParseFloat(strings.TrimSpace(text[i+2:]), 64)
		if err != nil {
			return nil, wrong
		}
		b := account.Bound{Metric: strings.TrimSpace(text[:i]), Least: &n}
		if text[i] == '<' {
			b.Least, b.Most = nil, &n
		}
		out = append(out, b)
	}
	return out, nil
}

func (c *cli) printAccounts(accounts []cairn.Account, total int, metrics []string) {
	g := grid{head: []string{"KEY", "NAME", ">LEVEL", "WAY", ">30 DAYS", ">MRR", "RENEWS", "LAST SEEN", ">TASKS", "OWNER"}}
	for _, m := range metrics {
		g.head = append(g.head, ">"+strings.ToUpper(m))
	}
	for _, a := range accounts {
		slope := "–"
		if a.Vector.Known && a.Vector.Way != cairn.Unknown {
			slope = signed(a.Vector.Slope)
		}
		cells := []string{clip(a.Key, 24), clip(a.Name, 32), level(a.Vector.Known, a.Vector.Level), dash(string(a.Vector.Way)), slope,
			money(a.MRR), date(a.Renews), date(a.LastSeen), fmt.Sprint(a.OpenTasks), dash(a.Owner)}
		for _, m := range metrics {
			cell := "–"
			if n, ok := a.Signals.Number("metric." + m); ok {
				cell = strconv.FormatFloat(math.Round(n*100)/100, 'f', -1, 64)
			}
			cells = append(cells, cell)
		}
		g.add(cells...)
	}
	g.print(c.out)
	fmt.Fprintf(c.out, "\n%d of %d accounts\n", len(accounts), total)
}
