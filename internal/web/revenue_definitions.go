package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// A definitionsView is the page that says what figures mean.
type definitionsView struct {
	revenueView
	Month ledger.Sums // that examples are made of
}

func (s *site) revenueDefinitions(w http.ResponseWriter, r *http.Request, v View) error {
	var t definitionsView
	var err error
	if t.revenueView, err = s.revenueView(r, v); err != nil {
		return err
	}
	for _, m := range t.Months { // the last that is over, rather one in which somebody was lost
		if m.Month.Last() < v.Today() && (m.CustomersLost > 0 || m.Churn+m.Contraction >= t.Month.Churn+t.Month.Contraction) {
			t.Month = m
		}
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Wide: true}, definitionsPage(v, t))
}

func (t definitionsView) example() string {
	if t.Month.Month == 0 {
		return "once a month is over"
	}
	return "in " + monthName(t.Month.Month)
}

// A term is one figure explained.
type term struct{ Name, Key, Formula, Note, Unit, Source, Example string }

// terms are the figures, each with an example from the workspace's own data.
func (t definitionsView) terms(v View) []term {
	return append(append(t.moneyTerms(v), t.shareTerms(v)...), t.aheadTerms(v)...)
}

// contractsSay is where most figures come from.
const contractsSay = "what sources say of contracts"

// moneyTerms are the movements and what they add up to.
func (t definitionsView) moneyTerms(v View) []term {
	s := t.Month
	m := func(n int64) string { return v.MoneyExact(t.money(n)) }
	per := t.Report.Currency + " a month"
	var out []term
	for _, x := range []struct {
		name, key, is string
		amount        int64
	}{
		{"New", "new", "what customers pay who pay for the first time", s.New},
		{"Expansion", "expansion", "by how much more those pay who were there", s.Expansion},
		{"Reactivation", "reactivation", "what customers pay who had left", s.Reactivation},
		{"Contraction", "contraction", "by how much less those pay who stay", s.Contraction},
		{"Churn", "churn", "what those paid who left", s.Churn},
		{"Exchange rates", "currency", "what moved since a rate did; only where the policy follows rates", s.Effect},
		{"Correction", "correction", "what was learnt about closed months since they were closed", s.Correction},
	} {
		out = append(out, term{x.name, x.key, x.is, "A movement is in exactly one bucket, and knows what was said that caused it.", per, contractsSay, m(x.amount)})
	}
	return append(out,
		term{"MRR at the end", "end", "start + new + expansion + reactivation − contraction − churn", "Each contract's amount for its interval, as one for a month, rounded once, half a cent to the even one.", per, contractsSay,
			strings.Join([]string{m(s.Start), "+", m(s.New), "+", m(s.Expansion), "+", m(s.Reactivation), "−", m(s.Contraction), "−", m(s.Churn), "=", m(s.End - s.Effect - s.Correction)}, " ")},
		term{"A customer pays", "average", "MRR at the end / customers at the end", "Payments should keep coming, and grow on average.", per, contractsSay, fmt.Sprintf("%s / %s = %s", m(s.End), v.Count(int64(s.CustomersEnd)), m(each(s)))},
		term{"A customer is worth", "lifetime_value", "what a customer pays on average / churn of all, averaged over the six months before the current one", "As ChartMogul has it; unknown while nobody was lost.", t.Report.Currency, contractsSay, t.worth(v)},
	)
}

// worth is the example of what a customer is worth.
func (t definitionsView) worth(v View) string {
	over := slices.DeleteFunc(slices.Clone(t.Months), func(s ledger.Sums) bool { return s.Month.Last() >= v.Today() })
	churn, ok := ledger.TrailingChurn(over)
	if !ok || len(over) == 0 {
		return "– (no month is over)"
	}
	average := each(over[len(over)-1])
	worth, known := ledger.Lifetime(average, churn)
	if !known {
		return "– (nobody was lost)"
	}
	return fmt.Sprintf("%s / %s = %s", v.MoneyExact(t.money(average)), share(v, &churn), v.Money(t.money(worth)))
}

// shareTerms are the shares made of sums.
func (t definitionsView) shareTerms(v View) []term {
	s := t.Month
	f := s.Figures(t.Report.Currency)
	m := func(n int64) string { return v.MoneyExact(t.money(n)) }
	by := func(n, d int64, got *float64) string {
		if got == nil {
			return "– (nothing to divide by)"
		}
		return fmt.Sprintf("%s / %s = %s", m(n), m(d), share(v, got))
	}
	heads := func(n, d int, got *float64) string {
		if got == nil {
			return "– (nobody to divide by)"
		}
		return fmt.Sprintf("%s / %s = %s", v.Count(int64(n)), v.Count(int64(d)), share(v, got))
	}
	return []term{
		{"Gross retention", "grr", "(start − contraction − churn) / start", "Never over 100 %. Look at it before net retention, in which upsells hide what is lost. Over several months: of each customer at the start no more counts than it paid then.", "share", contractsSay, by(s.Start-s.Contraction-s.Churn, s.Start, f.GRR)},
		{"Net retention", "nrr", "(start + expansion − contraction − churn) / start", "Neither new customers nor those who came back count.", "share", contractsSay, by(s.Start+s.Expansion-s.Contraction-s.Churn, s.Start, f.NRR)},
		{"MRR churn", "mrr_churn", "(churn + contraction) / start", "What was lost to churn and downgrades.", "share", contractsSay, by(s.Churn+s.Contraction, s.Start, f.MRRChurn)},
		{"MRR expansion", "mrr_expansion", "expansion / start", "What was won by upsells and cross-sells.", "share", contractsSay, by(s.Expansion, s.Start, f.MRRExpansion)},
		{"Portfolio growth", "portfolio_growth", "MRR expansion − MRR churn", "The same as net retention less 100 %.", "share", contractsSay, fmt.Sprintf("%s − %s = %s", share(v, f.MRRExpansion), share(v, f.MRRChurn), share(v, f.Growth))},
		{"Churn of all", "churn_base", "customers lost / customers at the start", "Looks low where most customers are bound for a year. Over several months: all who were lost by the customers at the start of each.", "share", contractsSay, heads(s.CustomersLost, s.CustomersStart, f.ChurnBase)},
		{"Churn of those who could leave", "churn_eligible", "customers lost / customers whose every contract could end in that month, or who left", "From month to month everybody could; with a term, when it ends.", "share", contractsSay, heads(s.CustomersLost, s.CustomersCould, f.ChurnCould)},
		{"Lost within 90 days of sale", "customers_lost_early", "customers lost at most 90 days after they came", "Many of them say that the wrong customers were won, too much was promised, or the beginning failed.", "customers", contractsSay, v.Count(int64(s.CustomersEarly))},
		{"Quick ratio", "quick_ratio", "(new + expansion + reactivation) / (contraction + churn)", "How much comes for each that goes.", "number", contractsSay, ratio(v, f.QuickRatio)},
	}
}

// aheadTerms are the figures that look ahead.
func (t definitionsView) aheadTerms(v View) []term {
	per := t.Report.Currency + " a month"
	return []term{
		{"Renewals ahead", "renewals_due", fmt.Sprintf("MRR of contracts that are to be renewed within %d days", revenue.Ahead), "By the day that is told (renews, else end), else the end of the term. Of which notice was given is none.", per, contractsSay,
			fmt.Sprintf("%s of %s", v.MoneyExact(t.money(t.Renewals.Due)), v.several(t.Renewals.Dues, "contract", "contracts"))},
		{"At risk", "value_at_risk", "MRR of customers whose level is under 40, or who are falling", "As last measured.", per, "contracts and the Success Vector",
			fmt.Sprintf("%s of %s", v.MoneyExact(t.money(t.Risk.End)), v.several(t.Risk.Count, "customer", "customers"))},
	}
}

func ratio(v View, f *float64) string {
	if f == nil {
		return "– (nothing was lost)"
	}
	return v.Decimal(*f, 2)
}
