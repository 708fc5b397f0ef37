package revenue

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/ledger"
)

// A CohortRow is the customers of one month, or of one value of the dimension,
// by age.
type CohortRow struct {
	Month  ledger.Month // 0: of all months
	Value  string
	Others int  // that it stands for so many values; 0: for the one
	Whole  bool // it stands for all
	ledger.Ages
}

// Cohorts are what was asked for: months oldest first, values largest first.
type Cohorts struct {
	Policy   ledger.Policy
	Currency string
	By       string
	Where    string // only some accounts; see [ParseWhere]
	From, To ledger.Month
	Rows     []CohortRow
	All      CohortRow // every row, weighted by its size
}

// mostRows is how many values have a row of their own; the rest share one.
const mostRows = 40

// Cohorts returns customers by the month in which they came, or by the values
// of the query's dimension, and what was left of them at every age in months.
// The query's months are those in which they came, and until the last of which
// they are followed.
func (s *Service) Cohorts(ctx context.Context, scope cairn.Scope, q Query) (out Cohorts, err error) {
	err = s.narrow(ctx, scope, &q, func(v view, x *shelf, fields *roster, of func(cairn.AccountID) bool) {
		out = remembered(x, fields, scope, q, "cohorts", func() Cohorts { return x.cohorts(fields, q, of) })
		out.Policy = v.policy
	})
	return out, err
}

func (x *shelf) cohorts(fields *roster, q Query, of func(cairn.AccountID) bool) Cohorts {
	out := Cohorts{Currency: x.currency, By: q.By, Where: q.Where, From: q.From, To: q.To, All: CohortRow{Whole: true}}
	if q.By != "" {
		values := map[string]*ledger.Ages{}
		x.each(fields, q, of, func(value string, r *ledger.Result) {
			ages := values[value]
			if ages == nil {
				ages = &ledger.Ages{}
				values[value] = ages
			}
			ages.Add(r, q.From, q.To)
		})
		out.Rows, out.All.Ages = byValue(values)
		return out
	}
	months := ledger.NewCohorts(q.From, q.To)
	x.each(fields, q, of, func(_ string, r *ledger.Result) { months.Add(r) })
	for _, c := range months.Rows() {
		out.Rows = append(out.Rows, CohortRow{Month: c.Month, Ages: c.Ages()})
	}
	out.All.Ages = ledger.Together(months.Rows())
	return out
}

// byValue returns a row for each of the largest values, and everybody
// together.
func byValue(values map[string]*ledger.Ages) (rows []CohortRow, all ledger.Ages) {
	for value, ages := range values {
		if len(ages.Left) > 0 {
			rows = append(rows, CohortRow{Value: value, Ages: *ages})
			all.Merge(*ages)
		}
	}
	slices.SortFunc(rows, func(a, b CohortRow) int {
		return cmp.Or(cmp.Compare(b.Left[0].Customers, a.Left[0].Customers), strings.Compare(a.Value, b.Value))
	})
	if len(rows) <= mostRows {
		return rows, all
	}
	rest := CohortRow{Others: len(rows) - mostRows + 1}
	for _, r := range rows[mostRows-1:] {
		rest.Merge(r.Ages)
	}
	return append(rows[:mostRows-1], rest), all
}

// A CohortCell is one cell of the table.
type CohortCell struct {
	Month ledger.Month // 0: all
	Value *string      // of the dimension; nil: all
	Age   int          // in months
}

// A Member is one customer of a cohort at an age.
type Member struct {
	Account cairn.AccountID
	Name    string
	Came    cairn.Day
	Start   int64 // MRR at age 0, in minor units
	MRR     int64 // at the age
	There   bool
	Left    cairn.Day // 0: it is there
}

// Members are the customers behind a cell.
type Members struct {
	Policy   ledger.Policy
	Currency string
	All      []Member // those who left first, the largest before the others
	There    int
	Start    int64 // of all
	MRR      int64 // of all
}

// CohortMembers returns the customers behind a cell of the table: those who
// were there at the end of the month in which they came, or are at the age.
func (s *Service) CohortMembers(ctx context.Context, scope cairn.Scope, q Query, cell CohortCell) (Members, error) {
	var out Members
	if cell.Age < 0 || cell.Age >= maxMonths {
		return out, cairn.Errorf(cairn.Invalid, "An age is a number of months from 0 on.").At("age")
	}
	err := s.narrow(ctx, scope, &q, func(v view, x *shelf, fields *roster, of func(cairn.AccountID) bool) {
		out.Policy, out.Currency = v.policy, x.currency
		x.each(fields, q, of, func(value string, r *ledger.Result) {
			first, ok := ledger.Came(r)
			switch {
			case !ok, cell.Value != nil && value != *cell.Value, cell.Month != 0 && first != cell.Month:
			case first < q.From, first+ledger.Month(cell.Age) > q.To:
			default:
				if m, counts := member(r, first, cell.Age); counts {
					out.add(m)
				}
			}
		})
	})
	if err != nil {
		return out, err
	}
	if err := s.called(ctx, func(name func(cairn.AccountID) string) {
		for i := range out.All {
			out.All[i].Name = name(out.All[i].Account)
		}
	}); err != nil {
		return out, err
	}
	slices.SortFunc(out.All, func(a, b Member) int {
		return cmp.Or(cmp.Compare(count(a.There), count(b.There)), cmp.Compare(b.Start, a.Start), strings.Compare(a.Name, b.Name))
	})
	return out, nil
}

// member tells how a customer stood at an age, and whether it belongs to the
// cohort's count at all.
func member(r *ledger.Result, first ledger.Month, age int) (Member, bool) {
	left := ledger.Remain(r, age+1)
	m := Member{Account: r.Account, Came: r.Movements[0].Since, Start: left[0].MRR, MRR: left[age].MRR, There: left[age].Customers > 0}
	if !m.There {
		last := (first + ledger.Month(age)).Last()
		for _, x := range r.Movements {
			if x.Came == -1 && x.Day <= last {
				m.Left = x.Day
			}
		}
	}
	return m, left[0].Customers > 0 || m.There
}

func (m *Members) add(x Member) {
	m.All = append(m.All, x)
	m.Start += x.Start
	m.MRR += x.MRR
	if x.There {
		m.There++
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// Share is what is left of a row at an age, of customers or of money; nil of
// nothing.
func (r CohortRow) Share(age int, money bool) *float64 {
	if money {
		return r.Money(age)
	}
	return r.Logos(age)
}

// Ages is how many ages the oldest row has.
func (c Cohorts) Ages() int { return len(c.All.Left) }

// Name is what a row is called in files and in print.
func (r CohortRow) Name() string {
	if r.Month != 0 {
		return r.Month.String()
	}
	return valueName(r.Value, r.Others, r.Whole)
}

// valueName is what one value of a dimension, or what stands beside the
// values, is called.
func valueName(value string, others int, whole bool) string {
	switch {
	case whole:
		return "all"
	case others > 0:
		return strconv.Itoa(others) + " others"
	case value == "":
		return "not told"
	}
	return value
}
