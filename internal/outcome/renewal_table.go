package outcome

import (
	"cairn"
	"cairn/internal/sheet"
)

// Table returns the rows of b as a table.
func (b Board) Table() sheet.Table {
	return sheet.Table{
		Name: "renewals-" + b.Quarter.String(),
		Same: []sheet.Fact{{Key: "policy", Cell: sheet.Text(b.Policy)}, {Key: "currency", Cell: sheet.Text(b.Currency)}, {Key: "quarter", Cell: sheet.Text(b.Quarter.String())}},
		Columns: append([]sheet.Column{{Key: "account"}, {Key: "name", Title: "Account name"}},
			sheet.Columns("contract", "product", "due", "notice", "notice_given", "term_months", "auto_renew", "paper", "price_lock", "original", "original_year", "probability", "low", "high", "why",
				"human_probability", "human_forecast", "disagreement", "next_step", "next_step_due", "owner", "needs", "outcome", "booked", "contradicted")...),
		Rows: sheet.Of(b.Rows, b.cells),
	}
}

func (b Board) money(n *int64) sheet.Cell {
	if n == nil {
		return sheet.Cell{}
	}
	return sheet.Money(cairn.Money{Minor: *n, Currency: b.Currency})
}

// known returns a share, or an empty cell.
func known(f float64, is bool) sheet.Cell {
	if !is {
		return sheet.Cell{}
	}
	return sheet.Share(&f)
}

func truth(is bool) sheet.Cell {
	if is {
		return sheet.Text("yes")
	}
	return sheet.Text("no")
}

func (b Board) cells(r Renewal) []sheet.Cell {
	var given cairn.Day
	if r.Renewal.Notice(r.Day) {
		given = r.Noticed
	}
	auto, year := sheet.Cell{}, 12*r.Original
	if r.AutoSaid {
		auto = truth(r.Auto)
	}
	var ended *int64
	outcome, booked := r.Outcome()
	if outcome != "" {
		ended = &booked
	}
	e, differ := r.Estimate, r.Disagreement()
	return []sheet.Cell{
		sheet.Text(r.Account.String()), sheet.Text(r.Name), sheet.Text(r.Contract), sheet.Text(r.Product), sheet.Date(r.Due), sheet.Date(r.By), sheet.Date(given),
		sheet.Count(r.Months), auto, sheet.Text(r.Paper), sheet.Date(r.Lock), b.money(&r.Original), b.money(&year), known(e.Chance, e.Known), known(e.Low, e.Known), known(e.High, e.Known),
		sheet.Text(b.Row(&r).Why), sheet.Share(r.Human.Chance), b.money(r.Human.Forecast), known(differ, differ != 0), sheet.Text(r.Human.Next), sheet.Date(r.Human.NextDue),
		sheet.Text(r.Owner), sheet.Text(r.Needs()), sheet.Text(outcome), b.money(ended), truth(r.Contradicted()),
	}
}

// Table returns the quarters of g as a table.
func (g Grades) Table() sheet.Table {
	b := Board{Currency: g.Currency}
	return sheet.Table{
		Name: "renewal-grades", Same: []sheet.Fact{{Key: "currency", Cell: sheet.Text(g.Currency)}},
		Columns: sheet.Columns("quarter", "known", "recorded", "renewals", "renewed", "moved", "original", "expected", "low", "high", "people_expected", "booked", "error", "error_share", "within_interval",
			"brier", "brier_base", "called", "brier_human", "brier_where_called"),
		Rows: sheet.Of(g.Quarters, func(q Grade) []sheet.Cell {
			off, s := q.Error(), q.Scores
			return []sheet.Cell{
				sheet.Text(q.Quarter.String()), sheet.Time(q.At), sheet.Time(q.Made), sheet.Count(q.Renewals), sheet.Count(q.Renewed), sheet.Count(q.Moved), b.money(&q.Original),
				b.money(&q.Outlook.Expected), b.money(&q.Outlook.Low), b.money(&q.Outlook.High), b.money(&q.Human), b.money(&q.Booked), b.money(&off), sheet.Share(q.Share()), truth(q.Within()),
				sheet.Number(s.Model), sheet.Number(s.Plain), sheet.Count(s.Called), sheet.Number(s.Human), sheet.Number(s.ModelThere),
			}
		}),
	}
}
