package ledger

import "cairn"

// An Attrition is a month as it is asked for when one wants to know who left:
// its sums, and beside them those who could leave, those who left soon after
// the sale, and the contracts that came up. Amounts are minor units.
type Attrition struct {
	Sums
	Left       int   `json:"customers_left"` // customers at the start who were lost in the month
	LeftMRR    int64 `json:"mrr_left"`       // what they paid at the start
	CouldMRR   int64 `json:"mrr_eligible"`   // what those paid at the start who could leave in the month
	NewEarly   int   `json:"new_lost_early"` // of the customers new in the month, lost within Early days of the sale
	Up         int   `json:"contracts_due"`  // contracts in force at the start whose term ended in the month
	Renewed    int   `json:"contracts_renewed"`
	UpMRR      int64 `json:"mrr_due"`
	RenewedMRR int64 `json:"mrr_renewed"` // of UpMRR still paid at the end of the month: of no contract more than at its start
}

func (a *Attrition) add(b Attrition) {
	a.Left += b.Left
	a.LeftMRR += b.LeftMRR
	a.CouldMRR += b.CouldMRR
	a.NewEarly += b.NewEarly
	a.Up += b.Up
	a.Renewed += b.Renewed
	a.UpMRR += b.UpMRR
	a.RenewedMRR += b.RenewedMRR
}

// An AttritionTally adds up what [Tally] leaves out.
type AttritionTally struct {
	from   Month
	months []Attrition
}

// NewAttritionTally returns one for the months from and to, both included.
func NewAttritionTally(from, to Month) *AttritionTally {
	return &AttritionTally{from: from, months: make([]Attrition, max(0, to-from+1))}
}

// at returns the month m, and what nobody reads when it is not asked for.
func (t *AttritionTally) at(m Month) *Attrition {
	if i := int(m - t.from); i >= 0 && i < len(t.months) {
		return &t.months[i]
	}
	return new(Attrition)
}

// Add adds one customer.
func (t *AttritionTally) Add(r *Result) {
	mrr, next := int64(0), 0
	for _, m := range r.Could {
		for first := m.First(); next < len(r.Movements) && r.Movements[next].Day < first; next++ {
			mrr += r.Movements[next].Signed()
		}
		t.at(m).CouldMRR += mrr
	}
	t.left(r)
}

// left adds when the customer left: after how long, and what it paid before.
func (t *AttritionTally) left(r *Result) {
	var came Movement
	month, atStart, mrr := Month(0), int64(0), int64(0)
	for _, m := range r.Movements {
		if now := MonthOf(m.Day); now != month {
			month, atStart = now, mrr
		}
		mrr += m.Signed()
		switch m.Came {
		case 1:
			came = m
		case -1:
			if MonthOf(came.Day) < month {
				t.at(month).Left++
				t.at(month).LeftMRR += atStart
			}
			if came.Kind == New && m.Day-m.Since <= Early {
				t.at(MonthOf(came.Day)).NewEarly++
			}
		}
	}
}

// CameUp adds the contracts of a customer that came up.
func (t *AttritionTally) CameUp(ups []Up) {
	for _, u := range ups {
		a := t.at(u.Month)
		a.Up++
		a.UpMRR += u.MRR
		if u.Renewed {
			a.Renewed++
			a.RenewedMRR += u.Kept
		}
	}
}

// Months joins what was added with the sums of the same months.
func (t *AttritionTally) Months(sums []Sums) []Attrition {
	out := make([]Attrition, len(sums))
	for i, s := range sums {
		out[i] = *t.at(s.Month)
		out[i].Sums = s
	}
	return out
}

// TotalAttrition adds up months that follow each other into one stretch of
// time, as [Total] does.
func TotalAttrition(months []Attrition) Attrition {
	var out Attrition
	var sums []Sums
	for _, m := range months {
		out.add(m)
		sums = append(sums, m.Sums)
	}
	out.Sums = Total(sums)
	return out
}

// An Up is a contract whose term ended in a month that is over: it could be
// renewed, or not.
type Up struct {
	Month   Month
	Record  cairn.RecordID
	MRR     int64 // at the start of the month
	Kept    int64 // of it still paid at its end
	Renewed bool  // in force at its end
}

// Ups appends the contracts that came up, of the lines that Derive was given
// last. From month to month a contract comes up every month; with a term, when
// the term ends; one that is broken off in between did not come up.
func (d *Deriver) Ups(lines []Line, out []Up) []Up {
	for i := range lines {
		out = d.ups(lines, i, out)
	}
	return out
}

func (d *Deriver) ups(lines []Line, i int, out []Up) []Up {
	l := &lines[i]
	var steps []step
	for _, s := range d.steps {
		if s.line == int32(i) {
			steps = append(steps, s)
		}
	}
	if len(steps) == 0 {
		return out
	}
	var at step
	for m, next := MonthOf(steps[0].day)+1, 0; m.Last() < d.until; m++ {
		for ; next < len(steps) && steps[next].day < m.First(); next++ {
			at = steps[next]
		}
		if at.state != paying {
			if next == len(steps) {
				break
			}
			continue
		}
		end := at
		for k := next; k < len(steps) && steps[k].day <= m.Last(); k++ {
			end = steps[k]
		}
		u := Up{Month: m, Record: l.Record, MRR: at.minor, Renewed: end.state != gone}
		u.Kept = min(at.minor, end.minor)
		term := l.termAt(at.term, m.First())
		switch renews := l.Terms[term].Renews; {
		case l.canEnd(term, m):
			out = append(out, u)
		case !u.Renewed && d.policy.ChurnAt == WhenSaid && renews > m.Last() && MonthOf(renews).Last() < d.until:
			u.Month = MonthOf(renews) // booked when notice was given, and it went on until then
			out = append(out, u)
		}
	}
	return out
}

// termAt returns which terms hold before a day, from a term on: some change no
// amount and so are no step.
func (l *Line) termAt(term int32, day cairn.Day) int32 {
	for int(term)+1 < len(l.Terms) && l.Terms[term+1].From < day {
		term++
	}
	return term
}

// AttritionFigures are what is told of a month, or of months together. Amounts
// are decimal text in major units; shares are numbers, nil where there is
// nothing to divide by.
type AttritionFigures struct {
	By    string  `json:"by,omitempty"`
	Value *string `json:"value,omitempty"`
	Month string  `json:"month"` // of months together: the first

	CustomersStart int      `json:"customers_start"`
	CustomersLost  int      `json:"customers_lost"`
	Rate           *float64 `json:"churn_rate"`           // R069
	Reduction      *float64 `json:"churn_rate_reduction"` // R070
	CustomersCould int      `json:"customers_eligible"`
	RateCould      *float64 `json:"churn_rate_eligible"` // R093

	Start        string   `json:"mrr_start"`
	Lost         string   `json:"mrr_lost"`
	Contracted   string   `json:"mrr_contracted"`
	Expanded     string   `json:"mrr_expanded"`
	LostRate     *float64 `json:"mrr_lost_rate"`
	CouldMRR     string   `json:"mrr_eligible"`
	LostCould    *float64 `json:"mrr_lost_rate_eligible"`
	MRRChurn     *float64 `json:"mrr_churn"`        // R071
	MRRExpansion *float64 `json:"mrr_expansion"`    // R072
	Growth       *float64 `json:"portfolio_growth"` // R073

	CustomersNew  int      `json:"customers_new"`
	LostEarly     int      `json:"lost_early"` // R089
	NewEarly      int      `json:"new_lost_early"`
	NewEarlyShare *float64 `json:"new_lost_early_share"`
	NewWatched    bool     `json:"new_watched"` // the Early days are over for all who were new

	Retention    *float64 `json:"retention"` // R094
	RetentionMRR *float64 `json:"retention_mrr"`
	Up           int      `json:"contracts_due"`
	Renewed      int      `json:"contracts_renewed"`
	Renewal      *float64 `json:"renewal_rate"`
	UpMRR        string   `json:"mrr_due"`
	RenewedMRR   string   `json:"mrr_renewed"`
	RenewalMRR   *float64 `json:"renewal_rate_mrr"`
}

// Figures returns what is told of a in a currency, after what was before it,
// as of a day. Churn is told of all customers (R069) and of those who could
// leave (R093), in customers and in what they paid. Retention counts whoever
// did not leave, renewal the contracts that came up: from month to month they
// are the same (R092, R094).
func (a Attrition) Figures(before Attrition, currency string, today cairn.Day) AttritionFigures {
	s := a.Sums
	plain := s.Figures(currency)
	money := func(minor int64) string { return Decimal(minor, currency) }
	f := AttritionFigures{
		Month: plain.Month, CustomersStart: s.CustomersStart, CustomersLost: s.CustomersLost, Rate: plain.ChurnBase,
		Reduction: less(plain.ChurnBase, before.Sums.Figures(currency).ChurnBase), CustomersCould: s.CustomersCould, RateCould: plain.ChurnCould,
		Start: plain.Start, Lost: money(s.Churn), Contracted: money(s.Contraction), Expanded: money(s.Expansion), LostRate: share(s.Churn, s.Start),
		CouldMRR: money(a.CouldMRR), LostCould: share(s.Churn, a.CouldMRR), MRRChurn: plain.MRRChurn, MRRExpansion: plain.MRRExpansion, Growth: plain.Growth,
		CustomersNew: s.CustomersNew, LostEarly: s.CustomersEarly, NewEarly: a.NewEarly, NewEarlyShare: share(int64(a.NewEarly), int64(s.CustomersNew)),
		Retention: share(int64(s.CustomersStart-a.Left), int64(s.CustomersStart)), RetentionMRR: share(s.Start-a.LeftMRR, s.Start),
		Up: a.Up, Renewed: a.Renewed, Renewal: share(int64(a.Renewed), int64(a.Up)),
		UpMRR: money(a.UpMRR), RenewedMRR: money(a.RenewedMRR), RenewalMRR: share(a.RenewedMRR, a.UpMRR),
	}
	f.NewWatched = s.Month.Last()+Early < today
	return f
}

// less is a − b, and nil where one is not known.
func less(a, b *float64) *float64 {
	if a == nil || b == nil {
		return nil
	}
	f := *a - *b
	return &f
}
