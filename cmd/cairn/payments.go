package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/payment"
)

func (c *cli) paymentsCommand() *cobra.Command {
	var at string
	kinds := map[payment.Kind]*bool{}
	cmd := &cobra.Command{
		Use:   "payments",
		Short: "Late invoices, failed payments, cards about to expire",
		Long: `Print what keeps customers from paying: invoices past their due day, attempts to
collect that failed in the last 90 days, cards that expire within 60 days, and
what is disputed or given up.`,
		Example: "  cairn payments --late\n  cairn payments --at 2026-03-31 --json",
		Args:    cobra.NoArgs,
	}
	for _, k := range []struct {
		kind        payment.Kind
		flag, usage string
	}{
		{payment.Late, "late", "only late invoices"}, {payment.Failed, "failed", "only failed payments"},
		{payment.Card, "cards", "only cards about to expire"}, {payment.Stopped, "stopped", "only what is disputed or given up"},
	} {
		kinds[k.kind] = cmd.Flags().Bool(k.flag, false, k.usage)
	}
	cmd.MarkFlagsMutuallyExclusive("late", "failed", "cards", "stopped")
	cmd.Flags().StringVar(&at, "at", "", "as known then, as 2026-03-01 or 2026-03-01T12:00:00Z (default: now)")
	asJSON := jsonFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		var q app.PaymentsAsked
		var err error
		if q.At, err = moment(at); err != nil {
			return err
		}
		for kind, on := range kinds {
			if *on {
				q.Kind = kind
			}
		}
		p, err := call(c, cmd, app.PaymentsFind, q, nil)
		if err != nil {
			return err
		}
		if *asJSON {
			return printJSON(c.out, p)
		}
		printPayments(c.out, p)
		return nil
	}
	return cmd
}

func printPayments(w io.Writer, p app.Payments) {
	if len(p.Findings) == 0 {
		fmt.Fprintln(w, "Nothing keeps anybody from paying.")
		return
	}
	g := grid{head: []string{"KIND", "ACCOUNT", "RECORD", ">AMOUNT", "ON", ">DAYS", "WHAT", ">MRR"}}
	for _, f := range p.Findings {
		amount := "–"
		if f.Amount != nil {
			amount = f.Amount.String()
		}
		g.rows = append(g.rows, []string{
			string(f.Kind), f.Name, f.Key, amount, f.On, strconv.Itoa(f.Days), paymentWhat(f), cairn.Money{Minor: f.MRR, Currency: p.Currency}.String(),
		})
	}
	g.print(w)
}

// paymentWhat says in a few words what one finding is.
func paymentWhat(f app.PaymentTold) string {
	switch f.Kind {
	case payment.Late:
		return "not paid"
	case payment.Failed:
		if f.Paid {
			return fmt.Sprintf("failed %d times, paid since", f.Times)
		}
		return fmt.Sprintf("failed %d times, not paid", f.Times)
	case payment.Card:
		if len(f.Next) > 0 {
			return "an invoice is expected on " + f.Next[0].On.String()
		}
		return "no invoice is expected"
	}
	return f.Why
}
