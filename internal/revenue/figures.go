package revenue

import (
	"cairn/internal/ledger"
	"cairn/internal/sheet"
	"cairn/internal/survival"
)

// A CohortFigures is one row as cairn cohorts --json prints it; see docs/cli.md.
type CohortFigures struct {
	By    string       `json:"by,omitempty"`
	Value *string      `json:"value,omitempty"`
	Month string       `json:"month,omitempty"`
	Name  string       `json:"cohort"`
	Ages  []AgeFigures `json:"ages"`
}

// An AgeFigures is what is left of a cohort at an age. Of are those who are
// old enough, as they were at age 0.
type AgeFigures struct {
	Age           int      `json:"age"` // in months
	Customers     int      `json:"customers"`
	CustomersOf   int      `json:"customers_of"`
	CustomersKept *float64 `json:"customers_kept"`
	MRR           string   `json:"mrr"`
	MRROf         string   `json:"mrr_of"`
	MRRKept       *float64 `json:"mrr_kept"`
}

// Figures returns the rows as they are told, the last of them for all.
func (c Cohorts) Figures() []CohortFigures {
	out := []CohortFigures{}
	for _, r := range append(c.Rows[:len(c.Rows):len(c.Rows)], c.All) {
		f := CohortFigures{By: c.By, Name: r.Name(), Ages: []AgeFigures{}}
		switch {
		case r.Month != 0:
			f.Month = r.Month.String()
		case !r.Whole && r.Others == 0:
			f.Value = &r.Value
		}
		for age, left := range r.Left {
			of := r.Of[age]
			f.Ages = append(f.Ages, AgeFigures{
				Age: age, Customers: left.Customers, CustomersOf: of.Customers, CustomersKept: r.Logos(age),
				MRR: ledger.Decimal(left.MRR, c.Currency), MRROf: ledger.Decimal(of.MRR, c.Currency), MRRKept: r.Money(age),
			})
		}
		out = append(out, f)
	}
	return out
}

// A StayFigures is what cairn survival --json prints; see docs/cli.md.
type StayFigures struct {
	Policy   string            `json:"policy"`
	Currency string            `json:"-"`
	By       string            `json:"by,omitempty"`
	Unit     string            `json:"unit"`
	Interval survival.Interval `json:"interval"`
	Horizon  float64           `json:"horizon"`
	Since    string            `json:"since,omitempty"`
	Complete bool              `json:"complete"`
	Late     int               `json:"entered_late"`
	Unseen   int               `json:"left_unseen"`
	Back     int               `json:"came_back"`
	Curves   []StayCurve       `json:"curves"`
	Test     *StayTest         `json:"logrank"`
	Untested string            `json:"not_compared,omitempty"` // why
	Beta     *StayBeta         `json:"sbg"`
}

// A StayCurve is the curve of one group.
type StayCurve struct {
	Group  string           `json:"group"`
	N      int              `json:"n"`
	Ended  int              `json:"events"`
	Median survival.Median  `json:"median"`
	Mean   *survival.Mean   `json:"restricted_mean"`
	At     []StayAt         `json:"at"`
	Points []survival.Point `json:"points"`
}

// A StayAt is the curve after a whole number of years.
type StayAt struct {
	Months   float64  `json:"months"`
	Risk     int      `json:"n_risk"` // watched just before
	Survival float64  `json:"survival"`
	Lower    *float64 `json:"lower95"`
	Upper    *float64 `json:"upper95"`
}

// A StayTest says whether the groups last equally long.
type StayTest struct {
	ChiSquared float64      `json:"chisq"`
	Freedom    int          `json:"df"`
	P          float64      `json:"p"`
	Groups     []StayTested `json:"groups"`
}

// A StayTested is how many of a group left, and would have if all were alike.
type StayTested struct {
	Group    string  `json:"group"`
	N        int     `json:"n"`
	Observed float64 `json:"observed"`
	Expected float64 `json:"expected"`
}

// A StayBeta is the projection year by year.
type StayBeta struct {
	Alpha float64   `json:"alpha"`
	Beta  float64   `json:"beta"`
	Seen  []float64 `json:"seen"`
	Share []float64 `json:"projected"`
}

// Figures returns the stays as they are told.
func (s Stay) Figures() StayFigures {
	out := StayFigures{
		Policy: s.Policy.Name, Currency: s.Currency, By: s.By, Unit: "months", Interval: s.Interval, Horizon: s.Horizon, Complete: s.Complete,
		Late: s.Late, Unseen: s.Unseen, Back: s.Back, Curves: []StayCurve{}, Untested: s.Untested,
	}
	if s.Since != 0 {
		out.Since = s.Since.String()
	}
	curves := s.Curves()
	for _, g := range curves {
		if g.N > 0 {
			out.Curves = append(out.Curves, g.figures())
		}
	}
	if t := s.Test; t != nil {
		out.Test = &StayTest{ChiSquared: t.ChiSquared, Freedom: t.Freedom, P: t.P}
		for i, g := range curves {
			out.Test.Groups = append(out.Test.Groups, StayTested{g.Name(), t.N[i], t.Observed[i], t.Expected[i]})
		}
	}
	if p, ok := s.Project(); ok && s.By == "" {
		out.Beta = &StayBeta{Alpha: p.Model.Alpha, Beta: p.Model.Beta, Seen: p.Seen, Share: p.Share}
	}
	return out
}

func (g StayGroup) figures() StayCurve {
	c := StayCurve{Group: g.Name(), N: g.N, Ended: g.Ended, Median: g.Median, Mean: g.Mean, At: []StayAt{}, Points: g.Points}
	if c.Points == nil {
		c.Points = []survival.Point{}
	}
	var years []float64
	for m := 12.0; m <= g.Last; m += 12 {
		years = append(years, m)
	}
	for i, n := range g.AtRisk(years) {
		at := StayAt{Months: years[i], Risk: n, Survival: 1}
		for _, p := range g.Points {
			if p.Time <= years[i] {
				at.Survival, at.Lower, at.Upper = p.Survival, p.Lower, p.Upper
			}
		}
		c.At = append(c.At, at)
	}
	return c
}

// Table returns the curves as a table: a row for each time at which customers
// of a group left.
func (f StayFigures) Table() sheet.Table {
	t := sheet.Table{Name: "survival", Same: []sheet.Fact{{Key: "policy", Cell: sheet.Text(f.Policy)}, {Key: "by", Cell: sheet.Text(f.By)}, {Key: "interval", Cell: sheet.Text(string(f.Interval))}}}
	t.Columns = sheet.Columns("group", "months", "n_risk", "n_event", "survival", "std_err", "lower95", "upper95")
	t.Rows = func(yield func([]sheet.Cell, error) bool) {
		for _, c := range f.Curves {
			for _, p := range c.Points {
				if !yield([]sheet.Cell{sheet.Text(c.Group), sheet.Number(&p.Time), sheet.Count(p.Risk), sheet.Count(p.Ended), sheet.Share(&p.Survival),
					sheet.Number(p.Err), sheet.Share(p.Lower), sheet.Share(p.Upper)}, nil) {
					return
				}
			}
		}
	}
	return t
}
