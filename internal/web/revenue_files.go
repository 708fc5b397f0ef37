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

// movementsTable is the movements behind a figure.
func (s *site) movementsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.movementsView(r, v, manyMovements)
	return t.Picked.Table(), err
}
