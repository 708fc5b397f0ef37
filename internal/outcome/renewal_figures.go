package outcome

import (
	"time"

	"cairn"
	"cairn/internal/forecast"
	"cairn/internal/ledger"
)

// Figures are a board as programs read it. Amounts are a month, decimal text in
// major units; days are dates, and null where there is none.
type Figures struct {
	Quarter  Quarter          `json:"quarter"`
	At       time.Time        `json:"at"`
	Currency string           `json:"currency"`
	Policy   string           `json:"policy"`
	Renewals int              `json:"renewals"`
	All      int              `json:"renewals_all"` // of the quarter, without what narrows
	Open     int              `json:"open"`
	Original string           `json:"original"`
	Booked   string           `json:"booked"` // of original
	Upsell   string           `json:"upsell"` // beyond it
	Lost     string           `json:"lost"`   // of original
	Forecast OutlookFigures   `json:"forecast"`
	Human    string           `json:"forecast_human"`
	Called   int              `json:"called"`
	Kept     int              `json:"history_renewed"` // of all that came up until then
	Of       int              `json:"history"`
	Months   []SpanFigures    `json:"months"`
	Monthly  PoolFigures      `json:"month_to_month"`
	Rows     []RenewalFigures `json:"rows"`
	Problems []ledger.Problem `json:"problems"`
}

// OutlookFigures are what a sum may come to.
type OutlookFigures struct {
	Worst    string `json:"worst"`
	Low      string `json:"low"`
	Expected string `json:"expected"`
	High     string `json:"high"`
	Best     string `json:"best"`
	Unknown  string `json:"unknown"`
}

// SpanFigures are one month of a quarter.
type SpanFigures struct {
	Month    string         `json:"month"`
	Renewals int            `json:"renewals"`
	Original string         `json:"original"`
	Booked   string         `json:"booked"`
	Forecast OutlookFigures `json:"forecast"`
}

// PoolFigures are the contracts that go on from month to month.
type PoolFigures struct {
	Contracts int               `json:"contracts"`
	MRR       string            `json:"mrr"`
	Estimate  forecast.Estimate `json:"estimate"` // of one month
	Months    int               `json:"months"`
	Left      OutlookFigures    `json:"left"`
}

// RenewalFigures are one renewal.
type RenewalFigures struct {
	Account      cairn.AccountID   `json:"account"`
	Name         string            `json:"name"`
	Contract     string            `json:"contract"`
	Record       cairn.RecordID    `json:"record"`
	Product      string            `json:"product"`
	Due          string            `json:"due"`
	Notice       *string           `json:"notice"` // the last day for it
	NoticeGiven  *string           `json:"notice_given"`
	Months       int32             `json:"term_months"`
	Auto         *bool             `json:"auto_renew"` // null: not told
	Paper        string            `json:"paper"`
	Lock         *string           `json:"price_lock"`
	Original     string            `json:"original"`
	Year         string            `json:"original_year"`
	Model        forecast.Estimate `json:"model"`
	Why          string            `json:"why"`
	Probability  *float64          `json:"human_probability"`
	Forecast     *string           `json:"human_forecast"`
	Disagreement float64           `json:"disagreement"`
	Differs      bool              `json:"differs"`
	Next         string            `json:"next_step"`
	NextDue      *string           `json:"next_step_due"`
	Owner        string            `json:"owner"`
	Needs        string            `json:"needs"`
	Outcome      string            `json:"outcome"`
	Booked       *string           `json:"booked"`
	Contradicted bool              `json:"contradicted"`
}

// Figures returns b as programs read it.
func (b Board) Figures() Figures {
	f := Figures{
		Quarter: b.Quarter, At: b.At, Currency: b.Currency, Policy: b.Policy, Renewals: b.Total.Count, All: b.All, Open: b.Total.Open,
		Original: b.text(b.Total.Original), Booked: b.text(b.Total.Booked), Upsell: b.text(b.Total.Sold), Lost: b.text(b.Total.Lost),
		Forecast: b.outlook(b.Total.Outlook), Human: b.text(b.Total.Human), Called: b.Total.Called, Kept: b.Kept, Of: b.Of,
		Monthly: PoolFigures{b.Pool.Count, b.text(b.Pool.MRR), b.Pool.Chance, b.Pool.Months, b.outlook(b.Pool.Left)},
		Months:  []SpanFigures{}, Rows: []RenewalFigures{}, Problems: b.Problems,
	}
	if f.Problems == nil {
		f.Problems = []ledger.Problem{}
	}
	for _, m := range b.Months {
		f.Months = append(f.Months, SpanFigures{ledger.MonthOf(m.From).String(), m.Count, b.text(m.Original), b.text(m.Booked), b.outlook(m.Outlook)})
	}
	for i := range b.Rows {
		f.Rows = append(f.Rows, b.Row(&b.Rows[i]))
	}
	return f
}

func (b Board) text(minor int64) string { return ledger.Decimal(minor, b.Currency) }

func (b Board) outlook(o forecast.Outlook) OutlookFigures {
	return OutlookFigures{b.text(o.Worst), b.text(o.Low), b.text(o.Expected), b.text(o.High), b.text(o.Best), b.text(o.Unknown)}
}

// Row returns one renewal as programs read it.
func (b Board) Row(r *Renewal) RenewalFigures {
	day := func(d cairn.Day) *string {
		if d == 0 {
			return nil
		}
		s := d.String()
		return &s
	}
	amount := func(n *int64) *string {
		if n == nil {
			return nil
		}
		s := b.text(*n)
		return &s
	}
	f := RenewalFigures{
		Account: r.Account, Name: r.Name, Contract: r.Contract, Record: r.Record, Product: r.Product, Due: r.Due.String(),
		Notice: day(r.By), Months: r.Months, Paper: r.Paper, Lock: day(r.Lock), Original: b.text(r.Original), Year: b.text(12 * r.Original),
		Model: r.Estimate, Probability: r.Human.Chance, Forecast: amount(r.Human.Forecast), Disagreement: r.Disagreement(), Differs: r.Differs(),
		Next: r.Human.Next, NextDue: day(r.Human.NextDue), Owner: r.Owner, Needs: r.Needs(), Contradicted: r.Contradicted(),
	}
	if r.Renewal.Notice(r.Day) {
		f.NoticeGiven = day(r.Noticed)
	}
	if r.AutoSaid {
		f.Auto = &r.Auto
	}
	if !r.Closed() {
		f.Why = r.Estimate.Why()
		return f
	}
	outcome, booked := r.Outcome()
	f.Outcome, f.Booked = outcome, amount(&booked)
	return f
}

// GradeFigures are grades as programs read them.
type GradeFigures struct {
	At               time.Time        `json:"at"`
	Currency         string           `json:"currency"`
	Quarters         []QuarterFigures `json:"quarters"` // the latest first
	All              Scores           `json:"all"`
	Calibration      []forecast.Bin   `json:"calibration"`
	CalibrationHuman []forecast.Bin   `json:"calibration_human"`
}

// QuarterFigures are the grade of one quarter.
type QuarterFigures struct {
	Quarter  Quarter        `json:"quarter"`
	Known    time.Time      `json:"known"` // by what was known then
	Recorded *time.Time     `json:"recorded"`
	Renewals int            `json:"renewals"`
	Renewed  int            `json:"renewed"`
	Moved    int            `json:"moved"`
	Unsaid   int            `json:"unsaid"`
	Original string         `json:"original"`
	Forecast OutlookFigures `json:"forecast"`
	Human    string         `json:"forecast_human"`
	Booked   string         `json:"booked"`
	Error    string         `json:"error"` // expected less booked
	Share    *float64       `json:"error_share"`
	Within   bool           `json:"within_interval"`
	Scores   Scores         `json:"scores"`
}

// Figures returns g as programs read it.
func (g Grades) Figures() GradeFigures {
	out := GradeFigures{At: g.At, Currency: g.Currency, Quarters: []QuarterFigures{}, All: g.All, Calibration: g.Model, CalibrationHuman: g.Human}
	b := Board{Currency: g.Currency}
	for _, q := range g.Quarters {
		f := QuarterFigures{
			Quarter: q.Quarter, Known: q.At, Renewals: q.Renewals, Renewed: q.Renewed, Moved: q.Moved, Unsaid: q.Unsaid, Original: b.text(q.Original), Forecast: b.outlook(q.Outlook),
			Human: b.text(q.Human), Booked: b.text(q.Booked), Error: b.text(q.Error()), Share: q.Share(), Within: q.Within(), Scores: q.Scores,
		}
		if !q.Made.IsZero() {
			f.Recorded = &q.Made
		}
		out.Quarters = append(out.Quarters, f)
	}
	return out
}
