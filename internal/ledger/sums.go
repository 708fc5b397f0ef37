package ledger

import (
	"slices"
	"strings"

	"cairn"
)

// Early is within how many days of the sale churn says that something was
// wrong with the sale (R089).
const Early = 90

// Sums are the movements of one month, added up. Amounts are minor units.
type Sums struct {
	Month        Month `json:"month"`
	Start        int64 `json:"start"`
	New          int64 `json:"new"`
	Expansion    int64 `json:"expansion"`
	Contraction  int64 `json:"contraction"`
	Churn        int64 `json:"churn"`
	Reactivation int64 `json:"reactivation"`
	Effect       int64 `json:"currency"`   // of exchange rates
	Correction   int64 `json:"correction"` // of months that were closed, learnt since; see [Booked]
	End          int64 `json:"end"`

	CustomersStart  int `json:"customers_start"`
	CustomersNew    int `json:"customers_new"`
	CustomersBack   int `json:"customers_reactivated"`
	CustomersLost   int `json:"customers_lost"`
	CustomersEarly  int `json:"customers_lost_early"` // of those lost, within Early days of the sale
	CustomersCould  int `json:"customers_eligible"`   // of those at the start, who could leave
	CustomersLearnt int `json:"customers_correction"` // by how many customers closed months were corrected
	CustomersEnd    int `json:"customers_end"`
}

// A Tally adds up the results of customers by month.
type Tally struct {
	from   Month
	months []Sums // deltas; Start and End are made by Months
	could  []int  // of each month, by how many more could leave than in the one before
	before Sums   // everything before from
}

// NewTally returns one for the months from and to, both included.
func NewTally(from, to Month) *Tally {
	t := &Tally{from: from, months: make([]Sums, max(0, to-from+1))}
	t.could = make([]int, len(t.months)+1)
	for i := range t.months {
		t.months[i].Month = from + Month(i)
	}
	return t
}

// Add adds one customer.
func (t *Tally) Add(r *Result) {
	for _, m := range r.Movements {
		t.move(move{m.Amount, int32(m.Day), int32(m.Since), kindCode[m.Kind], int8(m.Came)})
	}
	for _, m := range r.Could {
		t.run(run{int32(m), 1})
	}
}

func (t *Tally) move(m move) {
	s := &t.before
	switch i := int(MonthOf(cairn.Day(m.day)) - t.from); {
	case i >= len(t.months):
		return
	case i >= 0:
		s = &t.months[i]
	}
	switch kinds[m.kind] {
	case New:
		s.New += m.amount
		s.CustomersNew += int(m.came)
	case Expansion:
		s.Expansion += m.amount
	case Contraction:
		s.Contraction += m.amount
	case Churn:
		s.Churn += m.amount
		s.CustomersLost++
		if m.day-m.since <= Early {
			s.CustomersEarly++
		}
	case Reactivation:
		s.Reactivation += m.amount
		s.CustomersBack++
	case Effect:
		s.Effect += m.amount
	}
}

// run counts one who could leave in some months.
func (t *Tally) run(r run) {
	first, end := max(0, int(r.from)-int(t.from)), min(len(t.months), int(r.from)-int(t.from)+int(r.n))
	if first < end {
		t.could[first]++
		t.could[end]--
	}
}

// Merge adds what another tally of the same months has.
func (t *Tally) Merge(u *Tally) {
	t.before.add(u.before)
	for i := range t.months {
		t.months[i].add(u.months[i])
	}
	for i := range t.could {
		t.could[i] += u.could[i]
	}
}

func (s *Sums) add(u Sums) {
	s.New += u.New
	s.Expansion += u.Expansion
	s.Contraction += u.Contraction
	s.Churn += u.Churn
	s.Reactivation += u.Reactivation
	s.Effect += u.Effect
	s.CustomersNew += u.CustomersNew
	s.CustomersBack += u.CustomersBack
	s.CustomersLost += u.CustomersLost
	s.CustomersEarly += u.CustomersEarly
	s.CustomersCould += u.CustomersCould
	s.Correction += u.Correction
	s.CustomersLearnt += u.CustomersLearnt
}

// net is by how much MRR and customers grew.
func (s *Sums) net() (int64, int) {
	return s.New + s.Expansion + s.Reactivation + s.Effect - s.Contraction - s.Churn,
		s.CustomersNew + s.CustomersBack - s.CustomersLost
}

// Months returns the sums of each month, with what stood at start and end.
func (t *Tally) Months() []Sums {
	out := slices.Clone(t.months)
	mrr, customers := t.before.net()
	could := 0
	for i := range out {
		could += t.could[i]
		out[i].CustomersCould = could
		out[i].Start, out[i].CustomersStart = mrr, customers
		more, come := out[i].net()
		mrr, customers = mrr+more, customers+come
		out[i].End, out[i].CustomersEnd = mrr, customers
	}
	return out
}

// Total adds up months that follow each other into one stretch of time: its
// start is that of the first, its end that of the last. Who could leave is
// added up month by month.
func Total(months []Sums) Sums {
	if len(months) == 0 {
		return Sums{}
	}
	out := months[0]
	for _, m := range months[1:] {
		out.add(m)
		out.End, out.CustomersEnd = m.End, m.CustomersEnd
	}
	return out
}

// Booked returns months as they are read in the books: those that were closed
// as they were booked then, and what was learnt about them since as a
// correction of the first month that is still open. The end of an open month
// is what it is known to be now.
func Booked(months []Sums, closed map[Month]Sums) []Sums {
	out := slices.Clone(months)
	for i := range out {
		if b, ok := closed[out[i].Month]; ok {
			out[i] = b
			continue
		}
		before, ok := closed[out[i].Month-1]
		if !ok {
			continue
		}
		out[i].Correction, out[i].CustomersLearnt = out[i].Start-before.End, out[i].CustomersStart-before.CustomersEnd
		out[i].Start, out[i].CustomersStart = before.End, before.CustomersEnd
	}
	return out
}

// Figures are what is told of a month. Amounts are decimal text in major
// units; shares are numbers, nil where there is nothing to divide by.
type Figures struct {
	By             string   `json:"by,omitempty"`    // the dimension
	Value          *string  `json:"value,omitempty"` // of the dimension
	Month          string   `json:"month"`
	Start          string   `json:"start"`
	New            string   `json:"new"`
	Expansion      string   `json:"expansion"`
	Contraction    string   `json:"contraction"`
	Churn          string   `json:"churn"`
	Reactivation   string   `json:"reactivation"`
	Effect         string   `json:"currency,omitempty"`   // of exchange rates, where there is one
	Correction     string   `json:"correction,omitempty"` // of closed months, where there is one
	End            string   `json:"end"`
	NRR            *float64 `json:"nrr"`
	GRR            *float64 `json:"grr"`
	MRRChurn       *float64 `json:"mrr_churn"`
	MRRExpansion   *float64 `json:"mrr_expansion"`
	Growth         *float64 `json:"portfolio_growth"`
	CustomersStart int      `json:"customers_start"`
	CustomersLost  int      `json:"customers_lost"`
	ChurnBase      *float64 `json:"churn_base"`
	CustomersCould int      `json:"customers_eligible"`
	ChurnCould     *float64 `json:"churn_eligible"`
	QuickRatio     *float64 `json:"quick_ratio"`
}

// Figures returns what is told of s, in a currency.
//
// MRR churn is what was lost to churn and downgrades by what there was at the
// start (R071), MRR expansion what was won by upsells and cross-sells by the
// same (R072), and portfolio growth the difference (R073). NRR is 1 plus
// portfolio growth and GRR 1 less MRR churn: neither counts new customers or
// those who came back.
func (s Sums) Figures(currency string) Figures {
	f := Figures{
		Month: s.Month.String(), Start: Decimal(s.Start, currency), New: Decimal(s.New, currency),
		Expansion: Decimal(s.Expansion, currency), Contraction: Decimal(s.Contraction, currency), Churn: Decimal(s.Churn, currency),
		Reactivation: Decimal(s.Reactivation, currency), End: Decimal(s.End, currency),
		NRR: share(s.Start+s.Expansion-s.Contraction-s.Churn, s.Start), GRR: share(s.Start-s.Contraction-s.Churn, s.Start),
		MRRChurn: share(s.Contraction+s.Churn, s.Start), MRRExpansion: share(s.Expansion, s.Start),
		Growth:         share(s.Expansion-s.Contraction-s.Churn, s.Start),
		CustomersStart: s.CustomersStart, CustomersLost: s.CustomersLost, ChurnBase: share(int64(s.CustomersLost), int64(s.CustomersStart)),
		CustomersCould: s.CustomersCould, ChurnCould: share(int64(s.CustomersLost), int64(s.CustomersCould)),
		QuickRatio: share(s.New+s.Expansion+s.Reactivation, s.Contraction+s.Churn),
	}
	if s.Correction != 0 {
		f.Correction = Decimal(s.Correction, currency)
	}
	if s.Effect != 0 {
		f.Effect = Decimal(s.Effect, currency)
	}
	return f
}

// NetChurn is what was lost by what there was at the start, less what was won
// from those who were there or came back, as ChartMogul has it.
func (s Sums) NetChurn() *float64 {
	return share(s.Contraction+s.Churn-s.Expansion-s.Reactivation, s.Start)
}

// share is n of d, and nil of nothing.
func share(n, d int64) *float64 {
	if d == 0 {
		return nil
	}
	f := float64(n) / float64(d)
	return &f
}

// Decimal writes minor units as decimal text in major ones.
func Decimal(minor int64, currency string) string {
	return strings.TrimSuffix(cairn.Money{Minor: minor, Currency: currency}.String(), " "+currency)
}
