package outcome

import (
	"time"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

// LossFigures are a report as it is printed. Amounts are decimal text in major
// units, days are 2026-03-01; shares are numbers, null where there is nothing
// to divide by.
type LossFigures struct {
	Policy   string           `json:"policy"`
	Currency string           `json:"currency"`
	From     string           `json:"from"`
	To       string           `json:"to"`
	By       string           `json:"by"`
	All      SumFigures       `json:"all"`
	Reasons  []SumFigures     `json:"by_reason"`
	Values   []SumFigures     `json:"by_value"`
	Losses   []LossRow        `json:"losses"`
	Odd      []OddLossFigures `json:"contradictions"`
}

// A LossRow is one loss as it is printed.
type LossRow struct {
	Account     cairn.AccountID `json:"account"`
	Name        string          `json:"name"`
	Value       string          `json:"value,omitempty"` // of the dimension
	On          string          `json:"on"`
	Month       string          `json:"month"`
	MRR         string          `json:"mrr"`
	Since       string          `json:"since"`
	Back        string          `json:"back,omitempty"` // when the customer came back
	Early       bool            `json:"early"`          // within 90 days of the sale
	Open        bool            `json:"open"`
	Reason      string          `json:"reason"`
	Title       string          `json:"reason_title"`
	Source      string          `json:"source,omitempty"`
	Detail      string          `json:"detail,omitempty"`
	Asked       string          `json:"asked_on,omitempty"`
	Unavoidable bool            `json:"unavoidable"`
	Evidence    string          `json:"evidence,omitempty"`
	ClaimedBy   string          `json:"claimed_by,omitempty"`
	Audit       string          `json:"audit,omitempty"`
	AuditedBy   string          `json:"audited_by,omitempty"`
}

// SumFigures are losses added up, as they are printed.
type SumFigures struct {
	Key       string   `json:"key"`
	Title     string   `json:"title"`
	Customers int      `json:"customers"`
	OfAll     *float64 `json:"customers_share"`
	MRR       string   `json:"mrr"`
	MRROfAll  *float64 `json:"mrr_share"`
	Open      int      `json:"open"`
	OpenMRR   string   `json:"open_mrr"`
	Early     int      `json:"early"`

	Claimed      int      `json:"claimed_unavoidable"`
	ClaimedShare *float64 `json:"claimed_share"` // of the customers
	ClaimedMRR   string   `json:"claimed_mrr"`
	Audited      int      `json:"audited"`
	AuditedShare *float64 `json:"audited_share"` // of those claimed
	Confirmed    int      `json:"confirmed"`
	ConfirmedOf  *float64 `json:"confirmed_share"` // of those audited
	ConfirmedMRR string   `json:"confirmed_mrr"`
}

// An OddLossFigures is a loss that is told and not booked, as it is printed.
type OddLossFigures struct {
	Account cairn.AccountID `json:"account"`
	Name    string          `json:"name"`
	On      string          `json:"on"`
	Reason  string          `json:"reason"`
	Since   string          `json:"customer_since,omitempty"` // "": the ledger never had it as a customer
}

// Share is n of d, and nil of nothing.
func Share[N ~int | ~int64](n, d N) *float64 {
	if d == 0 {
		return nil
	}
	f := float64(n) / float64(d)
	return &f
}

func dayText(d cairn.Day) string {
	if d == 0 {
		return ""
	}
	return d.Start(time.UTC).Format(time.DateOnly)
}

// Figures returns the report as it is printed.
func (r LossReport) Figures() LossFigures {
	out := LossFigures{
		Policy: r.Policy.Name, Currency: r.Currency, From: r.Asked.From.String(), To: r.Asked.To.String(), By: r.Asked.By,
		All: r.sumFigures(r.All), Reasons: []SumFigures{}, Values: []SumFigures{}, Losses: []LossRow{}, Odd: []OddLossFigures{},
	}
	for _, s := range r.ByReason {
		out.Reasons = append(out.Reasons, r.sumFigures(s))
	}
	for _, s := range r.ByValue {
		out.Values = append(out.Values, r.sumFigures(s))
	}
	for _, l := range r.Losses {
		out.Losses = append(out.Losses, r.Row(l))
	}
	for _, c := range r.Odd {
		out.Odd = append(out.Odd, OddLossFigures{c.Account, c.Name, dayText(c.On), r.Reasons.Title(c.Said.Reason), dayText(c.Since)})
	}
	return out
}

func (r LossReport) sumFigures(s LossSum) SumFigures {
	money := func(minor int64) string { return ledger.Decimal(minor, r.Currency) }
	return SumFigures{
		Key: s.Key, Title: s.Title, Customers: s.Customers, OfAll: Share(s.Customers, r.All.Customers), MRR: money(s.MRR), MRROfAll: Share(s.MRR, r.All.MRR),
		Open: s.Open, OpenMRR: money(s.OpenMRR), Early: s.Early,
		Claimed: s.Claimed, ClaimedShare: Share(s.Claimed, s.Customers), ClaimedMRR: money(s.ClaimedMRR),
		Audited: s.Audited, AuditedShare: Share(s.Audited, s.Claimed),
		Confirmed: s.Confirmed, ConfirmedOf: Share(s.Confirmed, s.Audited), ConfirmedMRR: money(s.ConfirmedMRR),
	}
}

// Row returns one loss as it is printed.
func (r LossReport) Row(l Leaver) LossRow {
	s := l.Said
	return LossRow{
		Account: l.Account, Name: l.Name, Value: l.Value, On: dayText(l.On), Month: ledger.MonthOf(l.On).String(), MRR: ledger.Decimal(l.MRR, r.Currency),
		Since: dayText(l.Since), Back: dayText(l.Back), Early: l.Early(), Open: l.Open(), Reason: s.Reason, Title: r.Reasons.Title(s.Reason), Source: s.Source,
		Detail: s.Detail, Asked: dayText(s.Asked), Unavoidable: s.Unavoidable, Evidence: s.Evidence, ClaimedBy: s.ClaimedBy, Audit: s.Audit, AuditedBy: s.AuditedBy,
	}
}

// Table returns the losses as a table.
func (r LossReport) Table() sheet.Table {
	money := revenue.InMoney(r.Currency)
	t := sheet.Table{Name: "losses", Same: revenue.Same(r.Policy, r.Currency), Columns: sheet.Columns("account", "name")}
	if r.Asked.By != "" {
		t.Same = append(t.Same, sheet.Fact{Key: "by", Cell: sheet.Text(r.Asked.By)})
		t.Columns = append(t.Columns, sheet.Columns("value")...)
	}
	t.Columns = append(t.Columns, sheet.Column{Key: "on"}, sheet.Column{Key: "mrr", Title: "MRR"})
	t.Columns = append(t.Columns, sheet.Columns("since", "back", "within_90_days", "reason", "reason_title", "source", "detail", "asked_on", "unavoidable", "evidence", "claimed_by", "audit", "audited_by")...)
	yes := map[bool]string{true: "yes", false: "no"}
	t.Rows = sheet.Of(r.Losses, func(l Leaver) []sheet.Cell {
		row, s := r.Row(l), l.Said
		out := []sheet.Cell{sheet.Text(l.Account.String()), sheet.Text(l.Name)}
		if r.Asked.By != "" {
			out = append(out, sheet.Text(l.Value))
		}
		return append(out, sheet.Date(l.On), money(l.MRR), sheet.Date(l.Since), sheet.Date(l.Back), sheet.Text(yes[l.Early()]), sheet.Text(s.Reason), sheet.Text(row.Title),
			sheet.Text(s.Source), sheet.Text(s.Detail), sheet.Date(s.Asked), sheet.Text(yes[s.Unavoidable]), sheet.Text(s.Evidence), sheet.Text(s.ClaimedBy), sheet.Text(s.Audit), sheet.Text(s.AuditedBy))
	})
	return t
}
