package web

import (
	"net/http"

	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

// monthsTable is every month, value by value of the dimension.
func (s *site) monthsTable(r *http.Request, v View) (sheet.Table, error) {
	q, err := s.revenueAsked(r)
	if err != nil {
		return sheet.Table{}, err
	}
	rep, err := s.Revenue.Report(r.Context(), v.Scope(), q)
	return rep.Table(), err
}

// groupsTable is every value of the dimension, all months together.
func (s *site) groupsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.revenueView(r, v)
	if err != nil {
		return sheet.Table{}, err
	}
	money := revenue.InMoney(t.Report.Currency)
	return sheet.Table{
		Name: "revenue-by", Same: append(revenue.Same(t.Report.Policy, t.Report.Currency), sheet.Fact{Key: "from", Cell: sheet.Text(t.Asked.From.String())},
			sheet.Fact{Key: "to", Cell: sheet.Text(t.Asked.To.String())}, sheet.Fact{Key: "by", Cell: sheet.Text(t.Asked.By)}),
		Columns: sheet.Columns("value", "start", "new", "expansion", "reactivation", "contraction", "churn", "end", "customers", "customers_lost"),
		Rows: sheet.Of(t.groups(), func(g revenueGroup) []sheet.Cell {
			return []sheet.Cell{sheet.Text(g.Value), money(g.Start), money(g.New), money(g.Expansion), money(g.Reactivation), money(g.Contraction), money(g.Churn), money(g.End),
				sheet.Count(g.CustomersEnd), sheet.Count(g.CustomersLost)}
		}),
	}, nil
}

// manyMovements is how many movements a file has at most: what a sheet holds.
const manyMovements = 1<<20 - 1

// movementsTable is the movements behind a figure, with what caused each.
func (s *site) movementsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.movementsView(r, v, manyMovements)
	if err != nil {
		return sheet.Table{}, err
	}
	err = s.Revenue.Explain(r.Context(), t.Asked, &t.Picked)
	return t.Picked.Table(), err
}

// behindTable is the accounts behind a figure.
func (s *site) behindTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.behindView(r, v, manyMovements)
	if err != nil {
		return sheet.Table{}, err
	}
	money := revenue.InMoney(t.Payers.Currency)
	return sheet.Table{
		Name: "accounts", Same: append(revenue.Same(t.Payers.Policy, t.Payers.Currency), sheet.Fact{Key: "of", Cell: sheet.Text(string(t.Of))}),
		Columns: []sheet.Column{{Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "renews"}, {Key: "contracts"}, {Key: "to_renew"}, {Key: "mrr_start", Title: "MRR at the start"},
			{Key: "mrr_left", Title: "Of it left"}, {Key: "mrr_end", Title: "MRR at the end"}, {Key: "customer_since"}, {Key: "left", Title: "Left on"}, {Key: "at_risk"}},
		Rows: sheet.Of(t.List, func(p revenue.Payer) []sheet.Cell {
			risk := ""
			if p.Risk != nil {
				risk = riskWords(p.Risk)
			}
			return []sheet.Cell{sheet.Text(p.Account.String()), sheet.Text(p.Name), sheet.Date(p.Renews), sheet.Count(p.Contracts), money(p.Due), money(p.Start), money(p.Gross()), money(p.End),
				sheet.Date(p.Since), sheet.Date(p.Lost), sheet.Text(risk)}
		}),
	}, nil
}

// compareTable is what differs between two policies, account by account.
func (s *site) compareTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.compareView(r, v, r.FormValue("a"), r.FormValue("b"))
	if err != nil {
		return sheet.Table{}, err
	}
	money := revenue.InMoney(t.Currency)
	return sheet.Table{
		Name: "policies", Same: []sheet.Fact{{Key: "policy", Cell: sheet.Text(t.A.Name)}, {Key: "beside", Cell: sheet.Text(t.B.Name)}, {Key: "currency", Cell: sheet.Text(t.Currency)},
			{Key: "differences_not_named", Cell: sheet.Count(t.More)}},
		Columns: []sheet.Column{{Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "month"}, {Key: "under_policy"}, {Key: "beside_it"}, {Key: "more_beside_it"}, {Key: "why"}},
		Rows: sheet.Of(t.Differ, func(d revenue.Difference) []sheet.Cell {
			return []sheet.Cell{sheet.Text(d.Account.String()), sheet.Text(d.Name), sheet.Text(d.Month), sheet.Text(d.A), sheet.Text(d.B), money(d.Minor), sheet.Text(t.why(d))}
		}),
	}, nil
}

// closedTable is the months that are closed, as they were booked.
func (s *site) closedTable(r *http.Request, v View) (sheet.Table, error) {
	all, err := s.Revenue.Closings(r.Context())
	return sheet.Table{
		Name:    "closed-months",
		Columns: sheet.Columns("month", "policy", "currency", "closed_at", "closed_by", "start", "new", "expansion", "reactivation", "contraction", "churn", "rates", "correction", "end", "customers_start", "customers_lost", "customers_end"),
		Rows: sheet.Of(all, func(c revenue.Closing) []sheet.Cell {
			money := revenue.InMoney(c.Currency)
			m := c.Sums
			return []sheet.Cell{sheet.Text(c.Month), sheet.Text(c.Policy), sheet.Text(c.Currency), sheet.Time(c.At), sheet.Text(c.By), money(m.Start), money(m.New), money(m.Expansion), money(m.Reactivation),
				money(m.Contraction), money(m.Churn), money(m.Effect), money(m.Correction), money(m.End), sheet.Count(m.CustomersStart), sheet.Count(m.CustomersLost), sheet.Count(m.CustomersEnd)}
		}),
	}, err
}
