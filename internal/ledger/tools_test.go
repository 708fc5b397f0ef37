package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestEachToolBooksAsItDocuments holds a row for each question that a tool
// answers in its own documentation, in its words and with their address. Where
// a tool says nothing there is no row, and the preset answers as ours does.
func TestEachToolBooksAsItDocuments(t *testing.T) {
	const (
		chartmogul  = "https://help.chartmogul.com/hc/en-us/articles/"
		profitwell  = "https://learn.profitwell.com/article/"
		stripe      = "https://docs.stripe.com/billing/subscriptions/analytics/glossary"
		stripeChurn = "https://support.stripe.com/questions/calculating-churn-rate-in-billing"
		baremetrics = "https://help.baremetrics.com/en/articles/5380330-monthly-recurring-revenue"
	)
	trial := []said{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "status": "trial"}`}, {"2023-02-10", `{"status": "active"}`}}
	later := []said{{"2023-02-10", `{"mrr": "60", "start": "2023-02-10", "status": "active"}`}}
	back := []said{{"2024-01-10", `{"mrr": "70", "start": "2024-01-10", "status": "active"}`}}
	left := ends([]said{plan}, "2023-03-15")
	for _, c := range []struct {
		policy, topic, says, source string
		lines                       [][]said
		want                        []string
	}{
		{"chartmogul", "discounts", "a discount added is contraction, one expired is expansion", chartmogul + "203299912",
			[][]said{{plan, {"2023-03-10", `{"discount_amount": "25", "discount_from": "2023-03-10", "discount_until": "2023-06-10"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 25.00", "2023-06-10 expansion 25.00"}},
		{"profitwell", "discounts", "always subtracted, whatever their duration", profitwell + "gf9qqkyplu-profitwell-vs-stripe",
			[][]said{{{"2023-01-10", `{"amount": "120", "interval": "annual", "start": "2023-01-10", "discount_percent": 10, "discount_duration": "once"}`}}},
			[]string{"2023-01-10 new 9.00", "2024-01-10 expansion 1.00"}},
		{"stripe", "discounts", "once and repeating coupons leave MRR unchanged", "https://support.stripe.com/questions/billing-analytics",
			[][]said{{plan, {"2023-03-10", `{"discount_percent": 50, "discount_duration": "repeating", "discount_months": 3}`}, {"2023-08-10", `{"discount_percent": 50, "discount_duration": "forever"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-08-10 contraction 50.00"}},
		{"baremetrics", "discounts", "a coupon is removed from MRR; one of 100 % on a payer is churn", baremetrics,
			[][]said{{plan, {"2023-03-10", `{"discount_percent": 30, "discount_duration": "forever"}`}, {"2023-04-10", `{"discount_percent": 100}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 30.00", "2023-04-10 churn 70.00"}},

		{"chartmogul", "trials", "a trial is a lead and has no MRR", chartmogul + "201244842", [][]said{trial}, []string{"2023-02-10 new 100.00"}},
		{"profitwell", "trials", "neither free nor paid trials are counted", profitwell + "ldosvdtpmm", [][]said{trial}, []string{"2023-02-10 new 100.00"}},
		{"stripe", "trials", "counts on becoming active even if the first invoice is unpaid", stripeChurn,
			[][]said{{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "status": "trial"}`}, {"2023-02-10", `{"status": "past_due"}`}}}, []string{"2023-02-10 new 100.00"}},

		{"chartmogul", "tax", "the amount is less tax", "https://dev.chartmogul.com/docs/how-mrr-is-calculated-from-prorated-invoices",
			[][]said{{{"2023-02-10", `{"amount": "1190", "tax": "190", "interval": "annual"}`}}}, []string{"2023-02-10 new 83.33"}},
		{"stripe", "tax", "excluded", stripe, [][]said{{{"2023-02-10", `{"amount": "119", "tax": "19", "interval": "month"}`}}}, []string{"2023-02-10 new 100.00"}},

		{"profitwell", "metered", "recurring metered amounts are rolled in", "https://www.paddle.com/help/profitwell-metrics/measure/compare/profitwell-vs-chargebee",
			[][]said{{{"2023-02-10", `{"mrr": "40", "usage": true}`}}}, []string{"2023-02-10 new 40.00"}},
		{"stripe", "metered", "excluded", stripe, [][]said{{{"2023-02-10", `{"mrr": "40", "usage": true}`}}}, []string{}},

		{"chartmogul", "past due", "stays in MRR until it is cancelled, unless another number of days is set", "https://help.chartmogul.com/article/303-handling-past-due-subscriptions",
			[][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}, {"2023-09-10", `{"status": "cancelled", "end": "2023-09-10"}`}}}, []string{"2023-01-10 new 100.00", "2023-09-10 churn 100.00"}},
		{"profitwell", "past due", "active until the dunning window ends, then delinquent churn", "https://learn.profitwell.com/article/ldosvdtpmm",
			[][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}}}, []string{"2023-01-10 new 100.00", "2023-04-09 churn 100.00"}},
		{"stripe", "past due", "past_due counts, unpaid and cancelled do not", stripe,
			[][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}, {"2023-06-10", `{"status": "unpaid"}`}}}, []string{"2023-01-10 new 100.00", "2023-06-10 churn 100.00"}},
		{"baremetrics", "past due", "delinquent for more than 30 days is churned", baremetrics,
			[][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}}}, []string{"2023-01-10 new 100.00", "2023-04-09 churn 100.00"}},

		{"chartmogul", "churn timing", "by default at the end of the last service period", "https://help.chartmogul.com/article/242-churn-recognition", [][]said{left}, []string{"2023-01-10 new 100.00", "2023-04-10 churn 100.00"}},
		{"profitwell", "churn timing", "at the end of the billing cycle", profitwell + "gf9qqkyplu-profitwell-vs-stripe", [][]said{left}, []string{"2023-01-10 new 100.00", "2023-04-10 churn 100.00"}},
		{"stripe", "churn timing", "at cancellation", profitwell + "gf9qqkyplu-profitwell-vs-stripe", [][]said{left}, []string{"2023-01-10 new 100.00", "2023-03-15 churn 100.00"}},

		{"chartmogul", "one of two subscriptions cancelled", "contraction", chartmogul + "203299912", [][]said{{plan}, ends(later, "2023-05-10")},
			[]string{"2023-01-10 new 100.00", "2023-02-10 expansion 60.00", "2023-05-10 contraction 60.00"}},
		{"profitwell", "one of two subscriptions cancelled", "a downgrade", profitwell + "gf9qqkyplu-profitwell-vs-stripe", [][]said{{plan}, ends(later, "2023-05-10")},
			[]string{"2023-01-10 new 100.00", "2023-02-10 expansion 60.00", "2023-05-10 contraction 60.00"}},
		{"stripe", "one of two subscriptions cancelled", "a downgrade; the last one is churn", stripeChurn, [][]said{ends([]said{plan}, "2023-07-10"), ends(later, "2023-05-10")},
			[]string{"2023-01-10 new 100.00", "2023-02-10 expansion 60.00", "2023-05-10 contraction 60.00", "2023-07-10 churn 100.00"}},

		{"chartmogul", "second subscription", "expansion, not new", chartmogul + "201244842", [][]said{{plan}, later}, []string{"2023-01-10 new 100.00", "2023-02-10 expansion 60.00"}},
		{"profitwell", "second subscription", "an upgrade", profitwell + "gf9qqkyplu-profitwell-vs-stripe", [][]said{{plan}, later}, []string{"2023-01-10 new 100.00", "2023-02-10 expansion 60.00"}},
		{"stripe", "second subscription", "expansion", stripe, [][]said{{plan}, later}, []string{"2023-01-10 new 100.00", "2023-02-10 expansion 60.00"}},

		{"chartmogul", "reactivation", "previously paying, churned, pays again", chartmogul + "203299912", [][]said{left, back},
			[]string{"2023-01-10 new 100.00", "2023-04-10 churn 100.00", "2024-01-10 reactivation 70.00"}},
		{"profitwell", "reactivation", "any time later", profitwell + "gf9qqkyplu-profitwell-vs-stripe", [][]said{left, back},
			[]string{"2023-01-10 new 100.00", "2023-04-10 churn 100.00", "2024-01-10 reactivation 70.00"}},
		{"stripe", "reactivation", "counted as a subscriber again, and a second churn counts again", stripeChurn, [][]said{left, ends(back, "2024-04-01")},
			[]string{"2023-01-10 new 100.00", "2023-03-15 churn 100.00", "2024-01-10 reactivation 70.00", "2024-04-01 churn 70.00"}},
		{"baremetrics", "reactivation", "from free to paid is new", baremetrics, [][]said{left, back},
			[]string{"2023-01-10 new 100.00", "2023-03-15 churn 100.00", "2024-01-10 new 70.00"}},

		{"chartmogul", "new and churned in one month", "both", chartmogul + "4416682609426-Understanding-MRR-movements", [][]said{{plan, {"2023-01-20", `{"status": "cancelled", "end": "2023-01-20"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-01-20 churn 100.00"}},
		{"profitwell", "new and churned in one month", "ignored entirely", profitwell + "gf9qqkyplu-profitwell-vs-stripe", [][]said{{plan, {"2023-01-20", `{"status": "cancelled", "end": "2023-01-20"}`}}}, []string{}},
		{"stripe", "new and churned in one month", "in numerator and denominator", stripeChurn, [][]said{{plan, {"2023-01-20", `{"status": "cancelled", "end": "2023-01-20"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-01-20 churn 100.00"}},

		{"profitwell", "refunds", "ignored, except of an annual plan that is cancelled early", profitwell + "ecb3zzxewx-refunds",
			[][]said{{plan, {"2023-03-15", `{"refunded_at": "2023-03-15"}`}}, {{"2023-01-10", `{"amount": "600", "interval": "annual", "start": "2023-01-10"}`}, {"2023-05-15", `{"refunded_at": "2023-05-15"}`}}},
			[]string{"2023-01-10 new 150.00", "2023-05-15 contraction 50.00"}},

		{"profitwell", "pauses", "a downgrade to 0", profitwell + "gf9qqkyplu-profitwell-vs-stripe", [][]said{{plan, {"2023-03-10", `{"status": "paused"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 100.00"}},

		{"chartmogul", "free downgrade", "by default active, not churned", chartmogul + "15384089786524", [][]said{{plan, {"2023-03-10", `{"mrr": "0"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 100.00"}},
		{"stripe", "free downgrade", "no MRR is churn", stripeChurn, [][]said{{plan, {"2023-03-10", `{"mrr": "0"}`}}}, []string{"2023-01-10 new 100.00", "2023-03-10 churn 100.00"}},
		{"baremetrics", "free downgrade", "a cancellation", baremetrics, [][]said{{plan, {"2023-03-10", `{"mrr": "0"}`}}}, []string{"2023-01-10 new 100.00", "2023-03-10 churn 100.00"}},
	} {
		t.Run(c.policy+", "+c.topic, func(t *testing.T) {
			if diff := cmp.Diff(c.want, moved(t, c.policy, "2024-06-30", lines(t, c.lines...))); diff != "" {
				t.Errorf("%s says: %s (%s)\n(-want +got)\n%s", c.policy, c.says, c.source, diff)
			}
		})
	}
}

// What each says of other currencies: ChartMogul moves nothing because of
// rates, ProfitWell takes the rate of the day of purchase, Stripe shows the
// effect of rates apart.
func TestEachToolTreatsRatesAsItDocuments(t *testing.T) {
	line := [][]said{{{"2023-01-10", `{"mrr": "100", "currency": "EUR", "start": "2023-01-10"}`}}}
	for policy, want := range map[string][]string{
		"chartmogul": {"2023-01-10 new 110.00"},
		"profitwell": {"2023-01-10 new 110.00"},
		"stripe":     {"2023-01-10 new 110.00", "2023-02-01 currency 10.00", "2023-03-01 currency -5.00"},
	} {
		p, err := Preset(policy)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, movedUnder(t, p, rates(t), "2023-06-30", lines(t, line...))); diff != "" {
			t.Errorf("%s (-want +got)\n%s", policy, diff)
		}
	}
}
