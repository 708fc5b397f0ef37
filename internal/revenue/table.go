package revenue

import (
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/sheet"
)

// Same is what holds for every row of a table about revenue.
func Same(policy ledger.Policy, currency string) []sheet.Fact {
	return []sheet.Fact{{Key: "policy", Cell: sheet.Text(policy.Name)}, {Key: "currency", Cell: sheet.Text(currency)}}
}

// InMoney returns what writes minor units of a currency into cells.
func InMoney(currency string) func(minor int64) sheet.Cell {
	return func(minor int64) sheet.Cell { return sheet.Money(cairn.Money{Minor: minor, Currency: currency}) }
}

// valued is one month of one value of the dimension.
type valued struct {
	value string
	ledger.Sums
}

// Table returns a report's months as a table, group by group.
func (r Report) Table() sheet.Table {
	t := sheet.Table{Name: "revenue", Same: Same(r.Policy, r.Currency)}
	if r.By != "" {
		t.Same = append(t.Same, sheet.Fact{Key: "by", Cell: sheet.Text(r.By)})
		t.Columns = sheet.Columns("value")
	}
	t.Columns = append(t.Columns, sheet.Columns("month", "start", "new", "expansion", "reactivation", "contraction", "churn", "rates", "correction", "end")...)
	t.Columns = append(t.Columns, sheet.Column{Key: "nrr", Title: "NRR"}, sheet.Column{Key: "grr", Title: "GRR"},
		sheet.Column{Key: "mrr_churn", Title: "MRR churn"}, sheet.Column{Key: "mrr_expansion", Title: "MRR expansion"})
	t.Columns = append(t.Columns, sheet.Columns("portfolio_growth", "customers_start", "customers_lost", "churn_base", "customers_eligible", "churn_eligible", "customers_lost_early", "customers_end", "quick_ratio")...)
	var all []valued
	for _, g := range r.Groups {
		for _, s := range g.Months {
			all = append(all, valued{g.Value, s})
		}
	}
	money := InMoney(r.Currency)
	t.Rows = sheet.Of(all, func(g valued) []sheet.Cell {
		var out []sheet.Cell
		if r.By != "" {
			out = append(out, sheet.Text(g.value))
		}
		f := g.Figures(r.Currency)
		return append(out, sheet.Text(g.Month.String()), money(g.Start), money(g.New), money(g.Expansion), money(g.Reactivation), money(g.Contraction), money(g.Churn), money(g.Effect), money(g.Correction), money(g.End),
			sheet.Share(f.NRR), sheet.Share(f.GRR), sheet.Share(f.MRRChurn), sheet.Share(f.MRRExpansion), sheet.Share(f.Growth), sheet.Count(g.CustomersStart), sheet.Count(g.CustomersLost), sheet.Share(f.ChurnBase),
			sheet.Count(g.CustomersCould), sheet.Share(f.ChurnCould), sheet.Count(g.CustomersEarly), sheet.Count(g.CustomersEnd), sheet.Number(f.QuickRatio))
	})
	return t
}

// Table returns the movements as a table.
func (p Picked) Table() sheet.Table {
	money := InMoney(p.Currency)
	return sheet.Table{
		Name: "movements", Same: Same(p.Policy, p.Currency),
		Columns: []sheet.Column{{Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "day"}, {Key: "movement"}, {Key: "mrr", Title: "MRR"}, {Key: "customer_since"}, {Key: "causes"}},
		Rows: sheet.Of(p.Movements, func(m Moved) []sheet.Cell {
			return []sheet.Cell{sheet.Text(m.Account.String()), sheet.Text(m.Name), sheet.Date(m.Day), sheet.Text(string(m.Kind)), money(m.Amount), sheet.Date(m.Since), sheet.Text(m.causes())}
		}),
	}
}

// causes says what a movement comes from: each contract, why it took effect
// then, and which of its fields were said anew by whom.
func (m Moved) causes() string {
	var all []string
	for _, b := range m.Causes {
		var parts []string
		if b.Contract != "" {
			parts = append(parts, b.Contract)
		}
		if b.Why != "" {
			parts = append(parts, b.Why)
		}
		for _, c := range b.Changes {
			text := c.Field + " " + c.New
			if c.Old != "" {
				text = c.Field + " " + c.Old + " → " + c.New
			}
			parts = append(parts, text+" ("+c.Source+")")
		}
		all = append(all, strings.Join(parts, ", "))
	}
	return strings.Join(all, "; ")
}

// Table returns the cohorts as a table: a row for each, a column for each age,
// and the share that is left of customers, or of what they pay.
func (c Cohorts) Table(money bool) sheet.Table {
	t := sheet.Table{Name: "cohorts", Same: append(Same(c.Policy, c.Currency), sheet.Fact{Key: "left_of", Cell: sheet.Text(map[bool]string{false: "customers", true: "mrr"}[money])})}
	if c.Where != "" {
		t.Same = append(t.Same, sheet.Fact{Key: "where", Cell: sheet.Text(strings.ReplaceAll(c.Where, "\n", ", "))})
	}
	t.Columns = []sheet.Column{{Key: "cohort"}, {Key: "customers"}, {Key: "mrr", Title: "MRR"}}
	for age := range c.Ages() {
		t.Columns = append(t.Columns, sheet.Column{Key: "month_" + strconv.Itoa(age), Title: strconv.Itoa(age)})
	}
	amount := InMoney(c.Currency)
	t.Rows = sheet.Of(append(slices.Clone(c.Rows), c.All), func(r CohortRow) []sheet.Cell {
		out := []sheet.Cell{sheet.Text(r.Name()), {}, {}}
		for age := range r.Left {
			if age == 0 {
				out[1], out[2] = sheet.Count(r.Left[0].Customers), amount(r.Left[0].MRR)
			}
			out = append(out, sheet.Share(r.Share(age, money)))
		}
		return out
	})
	return t
}
