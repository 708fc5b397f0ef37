package web

import (
	"fmt"
	"net/http"
	"strings"

	"cairn/internal/ledger"
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
type term struct{ Name, Key, Formula, Note, Unit, Example string }

// terms are the figures, each with an example from the workspace's own data.
func (t definitionsView) terms(v View) []term {
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
	per := t.Report.Currency + " a month"
	out := []term{
		{"MRR at the end", "end", "start + new + expansion + back − contraction − churn", "Each contract's amount for its interval, as one for a month, rounded once.", per,
			strings.Join([]string{m(s.Start), "+", m(s.New), "+", m(s.Expansion), "+", m(s.Reactivation), "−", m(s.Contraction), "−", m(s.Churn), "=", m(s.End - s.Effect - s.Correction)}, " ")},
		{"Gross retention", "grr", "(start − contraction − churn) / start", "Never over 100 %. Look at it before net retention, in which upsells hide what is lost.", "share", by(s.Start-s.Contraction-s.Churn, s.Start, f.GRR)},
		{"Net retention", "nrr", "(start + expansion − contraction − churn) / start", "Neither new customers nor those who came back count.", "share", by(s.Start+s.Expansion-s.Contraction-s.Churn, s.Start, f.NRR)},
		{"MRR churn", "mrr_churn", "(churn + contraction) / start", "What was lost to churn and downgrades.", "share", by(s.Churn+s.Contraction, s.Start, f.MRRChurn)},
		{"MRR expansion", "mrr_expansion", "expansion / start", "What was won by upsells and cross-sells.", "share", by(s.Expansion, s.Start, f.MRRExpansion)},
		{"Portfolio growth", "portfolio_growth", "MRR expansion − MRR churn", "The same as net retention less 100 %.", "share", fmt.Sprintf("%s − %s = %s", share(v, f.MRRExpansion), share(v, f.MRRChurn), share(v, f.Growth))},
		{"Churn of all", "churn_base", "customers lost / customers at the start", "Looks low where most customers are bound for a year.", "share", heads(s.CustomersLost, s.CustomersStart, f.ChurnBase)},
		{"Churn of those who could leave", "churn_eligible", "customers lost / customers whose every contract could end in that month, or who left", "From month to month everybody could; with a term, when it ends.", "share", heads(s.CustomersLost, s.CustomersCould, f.ChurnCould)},
		{"Lost within 90 days of sale", "customers_lost_early", "customers lost at most 90 days after they came", "Many of them say that the wrong customers were won, too much was promised, or the beginning failed.", "customers", v.Count(int64(s.CustomersEarly))},
		{"Quick ratio", "quick_ratio", "(new + expansion + back) / (contraction + churn)", "How much comes for each that goes.", "number", ratio(v, f.QuickRatio)},
		{"A customer pays", "average", "MRR at the end / customers at the end", "Payments should keep coming, and grow on average.", per, fmt.Sprintf("%s / %s = %s", m(s.End), v.Count(int64(s.CustomersEnd)), m(each(s)))},
	}
	return out
}

func ratio(v View, f *float64) string {
	if f == nil {
		return "– (nothing was lost)"
	}
	return v.Decimal(*f, 2)
}

// A policyQuestion is one on which policies differ, with what each answers.
type policyQuestion struct {
	Text   string
	Answer func(ledger.Policy) string
}

func word[T ~string](of func(ledger.Policy) T, words map[T]string) func(ledger.Policy) string {
	return func(p ledger.Policy) string { return words[of(p)] }
}

var policyQuestions = []policyQuestion{
	{"One movement is all that changed in", word(func(p ledger.Policy) ledger.Netting { return p.Netting }, map[ledger.Netting]string{ledger.ByDay: "a day", ledger.ByMonth: "a month: its ends are compared"})},
	{"Discounts that lower MRR", word(func(p ledger.Policy) ledger.Discounts { return p.Discounts }, map[ledger.Discounts]string{ledger.AllDiscounts: "all", ledger.ForeverDiscounts: "those for ever", ledger.NoDiscounts: "none"})},
	{"Past due", func(p ledger.Policy) string {
		switch {
		case p.PastDue > 0:
			return fmt.Sprintf("churn after %d days", p.PastDue)
		case p.PastDue < 0:
			return "churn at once"
		}
		return "counts until cancelled"
	}},
	{"Churn is booked when", word(func(p ledger.Policy) ledger.ChurnAt { return p.ChurnAt }, map[ledger.ChurnAt]string{ledger.WhenEnded: "the subscription ends", ledger.WhenPeriodEnd: "the paid period is over", ledger.WhenSaid: "notice is given"})},
	{"A further subscription is", word(func(p ledger.Policy) ledger.Second { return p.Second }, map[ledger.Second]string{ledger.SecondExpansion: "expansion", ledger.SecondNew: "new"})},
	{"Come and gone within a month", word(func(p ledger.Policy) ledger.SameMonth { return p.SameMonth }, map[ledger.SameMonth]string{ledger.SameMonthBoth: "new and churn", ledger.SameMonthIgnored: "nothing"})},
	{"Who comes back is", func(p ledger.Policy) string {
		switch {
		case p.Return > 0:
			return fmt.Sprintf("back within %d days, then new", p.Return)
		case p.Return < 0:
			return "new"
		}
		return "back"
	}},
	{"A refund", word(func(p ledger.Policy) ledger.Refunds { return p.Refunds }, map[ledger.Refunds]string{ledger.RefundsIgnored: "is ignored", ledger.RefundsAnnual: "of a yearly plan ends it", ledger.RefundsEnd: "ends the subscription"})},
	{"A pause is", word(func(p ledger.Policy) ledger.Pause { return p.Pause }, map[ledger.Pause]string{ledger.PauseContraction: "contraction to nothing", ledger.PauseChurn: "churn", ledger.PauseKeep: "nothing: MRR goes on"})},
	{"Who pays nothing any more, and stays, is", word(func(p ledger.Policy) ledger.Free { return p.Free }, map[ledger.Free]string{ledger.FreeChurn: "churn", ledger.FreeContraction: "contraction"})},
	{"Metered usage", func(p ledger.Policy) string {
		if p.Usage {
			return "counts"
		}
		return "is left out"
	}},
	{"Exchange rate", word(func(p ledger.Policy) ledger.RatesPolicy { return p.Rates }, map[ledger.RatesPolicy]string{ledger.RateFixed: "of the line's beginning", ledger.RateMonthly: "of each month, its effect apart"})},
}
