package web

import (
	"fmt"
	"net/http"

	"cairn"
	"cairn/internal/ledger"
)

// A cohortsView is the page of cohorts.
type cohortsView struct {
	revenueView
	Rows     []ledger.Cohort
	ByMoney  bool
	Currency string
}

func (s *site) revenueCohorts(w http.ResponseWriter, r *http.Request, v View) error {
	var t cohortsView
	var err error
	if t.Asked, err = s.revenueAsked(r); err != nil {
		return err
	}
	t.ByMoney = r.FormValue("of") == "money"
	if t.Rows, t.Currency, err = s.Revenue.Cohorts(r.Context(), v.Scope(), t.Asked); err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Wide: true}, cohortsPage(v, t))
}

// A cohortCell is what was left of a cohort at an age.
type cohortCell struct {
	Text  string // percent
	Tip   string
	Depth string // of the colour, as a style
}

// cells are what is left of a cohort, of all that it began with.
func (t cohortsView) cells(v View, c ledger.Cohort) []cohortCell {
	var out []cohortCell
	for age, left := range c.Left {
		n, of := int64(left.Customers), int64(c.Left[0].Customers)
		tip := fmt.Sprintf("%s, month %d: %s of %s", monthName(c.Month), age, v.Count(n), v.several(int(of), "customer", "customers"))
		if t.ByMoney {
			n, of = left.MRR, c.Left[0].MRR
			tip = fmt.Sprintf("%s, month %d: %s of %s", monthName(c.Month), age,
				v.Money(cairn.Money{Minor: n, Currency: t.Currency}), v.Money(cairn.Money{Minor: of, Currency: t.Currency}))
		}
		if of == 0 {
			out = append(out, cohortCell{Text: "–", Tip: monthName(c.Month) + ": nobody came and stayed until its end"})
			continue
		}
		f := float64(n) / float64(of)
		out = append(out, cohortCell{v.Decimal(100*f, 0), tip, fmt.Sprintf("--depth:%.0f%%", 60*min(f, 1.2)/1.2)})
	}
	return out
}
