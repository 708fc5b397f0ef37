package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

// A keptView is what the pages of cohorts and of survival ask by.
type keptView struct {
	Asked    revenue.Query
	Policies []ledger.Policy
	Use      ledger.Policy
	Offered  []revenue.Field // of accounts
	Lens     lens
}

// A cohortsView is the page of cohorts.
type cohortsView struct {
	keptView
	revenue.Cohorts
	ByMoney bool
}

// cohortsAsked reads what an address asks for.
func (s *site) cohortsAsked(r *http.Request) (revenue.Query, error) {
	q, err := s.revenueAsked(r)
	q.Booked = false
	return q, err
}

// valueAsked reads one value of the dimension, which may be that nothing is
// told; nil: all.
func valueAsked(r *http.Request) *string {
	if text, ok := strings.CutPrefix(r.FormValue("value"), "="); ok {
		return &text
	}
	return nil
}

// offer fills in by what one can ask.
func (s *site) offer(r *http.Request, v View, q revenue.Query, use ledger.Policy) (t keptView, err error) {
	d, _, err := s.Revenue.Definitions(r.Context())
	if err != nil {
		return t, err
	}
	t = keptView{Asked: q, Policies: d.All(), Use: use}
	t.Lens, err = s.lens(r, v)
	t.Offered = t.Lens.Fields
	return t, err
}

// fields are those that one can ask by: of accounts, and of contracts.
func (t keptView) fields() []string {
	var out []string
	for _, f := range t.Offered {
		out = append(out, f.Name)
	}
	return append(out, revenue.Dimensions()...)
}

// address leads to the same question, changed in some of its parts: a name
// and its value each. Of where there may be several.
func (t keptView) address(path string, change ...string) string {
	q := url.Values{}
	if t.Asked.From != 0 {
		change = append([]string{"from", t.Asked.From.String(), "to", t.Asked.To.String()}, change...)
	}
	if t.Lens.At != 0 {
		change = append([]string{"at", t.Lens.At.String()}, change...)
	}
	change = append([]string{"policy", t.Asked.Policy, "by", t.Asked.By, "where", t.Asked.Where}, change...)
	for i := 0; i+1 < len(change); i += 2 {
		q.Del(change[i])
		for line := range strings.SplitSeq(change[i+1], "\n") {
			if line != "" {
				q.Add(change[i], line)
			}
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}

// conditions are those that narrow the question.
func (t keptView) conditions() []revenue.Where {
	out, err := revenue.ParseWhere(t.Asked.Where)
	if err != nil {
		return nil // the question itself was refused
	}
	return out
}

// with is the filter with one more condition.
func (t keptView) with(field, value string) string {
	return revenue.WhereText(append(t.conditions(), revenue.Where{Field: field, Value: value}))
}

// narrowed says in a few words who is counted; "": everybody.
func (t keptView) narrowed() string {
	var parts []string
	for _, w := range t.conditions() {
		parts = append(parts, w.Field+" "+valueName(w.Value))
	}
	if len(parts) == 0 {
		return ""
	}
	return ", only " + strings.Join(parts, ", ")
}

// ofAccounts reports whether a field is one of accounts, so that figures can
// be narrowed by it.
func (t keptView) ofAccounts(field string) bool {
	return slices.ContainsFunc(t.Offered, func(f revenue.Field) bool { return f.Name == field })
}

func (s *site) cohortsView(r *http.Request, v View) (t cohortsView, err error) {
	q, err := s.cohortsAsked(r)
	if err != nil {
		return t, err
	}
	t.ByMoney = r.FormValue("of") == "money"
	if t.Cohorts, err = s.Revenue.Cohorts(r.Context(), v.Scope(), q); err != nil {
		return t, err
	}
	q.From, q.To = t.From, t.To
	t.keptView, err = s.offer(r, v, q, t.Policy)
	return t, err
}

func (s *site) revenueCohorts(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.cohortsView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Charts: true, Wide: true, Date: lensDate(v, t.Lens)}, cohortsPage(v, t))
}

// cohortsTable is the table of the page.
func (s *site) cohortsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.cohortsView(r, v)
	return t.Cohorts.Table(t.ByMoney), err
}

// link leads to the same question, changed in some of its parts.
func (t cohortsView) link(path string, change ...string) string {
	return t.address(path, append([]string{"of", map[bool]string{true: "money"}[t.ByMoney]}, change...)...)
}

// nobody reports whether nobody came in these months.
func (t cohortsView) nobody() bool {
	return !slices.ContainsFunc(t.All.Of, func(r ledger.Remains) bool { return r.Customers > 0 })
}

// sentence says how many are left after as long as most were watched.
func (t cohortsView) sentence(v View) string {
	for _, age := range []int{12, 6, 3, 1} {
		if age >= len(t.All.Left) || t.All.Of[age].Customers == 0 {
			continue
		}
		return fmt.Sprintf("Of %s who came at least %s ago, %s are left, and pay %s of what all of them paid at first.",
			v.several(t.All.Of[age].Customers, "customer", "customers"), v.several(age, "month", "months"), share(v, t.All.Logos(age)), share(v, t.All.Money(age)))
	}
	return v.several(t.All.Of[0].Customers, "customer", "customers") + " came, and none of them is a month old yet."
}

// note says how the figures are reckoned.
func (t cohortsView) note() string {
	what := "Share of customers"
	if t.ByMoney {
		what = "Share of MRR in " + t.Currency
	}
	out := what + " left, by months since they came, from " + monthName(t.From) + " to " + monthName(t.To)
	return out + t.narrowed() + "; policy " + t.Policy.Name
}

// rowName is what a row is called.
func (t cohortsView) rowName(r revenue.CohortRow) string {
	if r.Month != 0 {
		return monthShort(r.Month)
	}
	return r.Name()
}

// behindCell leads to the customers behind a cell; "": there is no one value
// that they have.
func (t cohortsView) behindCell(r revenue.CohortRow, age int) string {
	switch {
	case r.Others > 0:
		return ""
	case r.Month != 0:
		return t.link("/revenue/cohorts/accounts", "month", r.Month.String(), "age", strconv.Itoa(age))
	case r.Whole:
		return t.link("/revenue/cohorts/accounts", "age", strconv.Itoa(age))
	}
	return t.link("/revenue/cohorts/accounts", "value", "="+r.Value, "age", strconv.Itoa(age))
}

// A cohortCell is what was left of a cohort at an age.
type cohortCell struct {
	Text  string // percent
	Tip   string
	Depth string // of the colour, as a style
	Href  string
}

// cells are what is left of a cohort, of all that it began with.
func (t cohortsView) cells(v View, r revenue.CohortRow) []cohortCell {
	var out []cohortCell
	for age := range r.Left {
		f := r.Share(age, t.ByMoney)
		if f == nil {
			out = append(out, cohortCell{Text: "–", Tip: t.rowName(r) + ": nobody came and stayed until the end of the month"})
			continue
		}
		out = append(out, cohortCell{v.Decimal(100**f, 0), t.tip(v, r, age), fmt.Sprintf("--depth:%.0f%%", depth(*f)), t.behindCell(r, age)})
	}
	return out
}

// depth is how strong the colour of a share is, in percent: what is over 1 is
// a little stronger, and never so strong that text cannot be read on it.
func depth(f float64) float64 { return 66*min(max(f, 0), 1) + 14*min(max(f-1, 0), 1) }

func (t cohortsView) tip(v View, r revenue.CohortRow, age int) string {
	left, of := r.Left[age], r.Of[age]
	if t.ByMoney {
		return fmt.Sprintf("%s, month %d: %s of %s", t.rowName(r), age, v.Money(inCurrency(left.MRR, t.Currency)), v.Money(inCurrency(of.MRR, t.Currency)))
	}
	return fmt.Sprintf("%s, month %d: %s of %s", t.rowName(r), age, v.Count(int64(left.Customers)), v.several(of.Customers, "customer", "customers"))
}

// mostLines is how many cohorts have a line: the latest months, or the largest
// values.
const mostLines = 8

// lined are the rows that have a line.
func (t cohortsView) lined() []revenue.CohortRow {
	rows := slices.DeleteFunc(slices.Clone(t.Rows), func(r revenue.CohortRow) bool {
		return len(r.Left) < 2 || !slices.ContainsFunc(r.Of, func(x ledger.Remains) bool { return x.Customers > 0 })
	})
	if len(rows) <= mostLines {
		return rows
	}
	if t.By == "" { // of months, from the oldest to the latest
		var some []revenue.CohortRow
		for i := range mostLines {
			some = append(some, rows[i*(len(rows)-1)/(mostLines-1)])
		}
		return some
	}
	return rows[:mostLines]
}

// lines is the picture of the table: a line for each cohort, and under it how
// many customers are behind each age.
func (t cohortsView) lines(v View) map[string]any {
	rows := t.lined()
	var lines []drawnLine
	var counts []drawnCount
	top := 100.0
	for i, r := range append(slices.Clone(rows), t.All) {
		l := drawnLine{Name: t.rowName(r), Dash: "solid"}
		switch {
		case r.Whole:
			l.Name, l.Look, l.Thick = "all", "--ink", true
		case t.By == "":
			l.Ends = true
			l.Look, l.Faint = "--line-1", 0.35+0.65*float64(i)/float64(max(1, len(rows)))
		default:
			l.Look, l.Dash = lineLook(i)
		}
		c := drawnCount{Name: l.Name, Look: l.Look}
		for age := range r.Left {
			f := r.Share(age, t.ByMoney)
			if f == nil {
				continue
			}
			top = max(top, 100**f)
			l.Points = append(l.Points, drawnPoint{X: float64(age), Y: 100 * *f, Tip: t.tip(v, r, age) + " (" + share(v, f) + ")", Href: t.behindCell(r, age)})
			if age%int(monthStep(float64(t.Ages()-1))) == 0 {
				c.Points = append(c.Points, drawnNumber{float64(age), r.Of[age].Customers, l.Name + ": " + v.several(r.Of[age].Customers, "customer is", "customers are") + " at least so old", t.behindCell(r, age)})
			}
		}
		lines = append(lines, l)
		if r.Whole || t.By != "" {
			counts = append(counts, c)
		}
	}
	return monthLines(v, lines, counts, float64(max(1, t.Ages()-1)), 20*math.Ceil(top/20), true)
}

func (t cohortsView) linesWords(v View) string {
	var parts []string
	for _, r := range append(t.lined(), t.All) {
		if last := len(r.Left) - 1; last >= 0 {
			parts = append(parts, fmt.Sprintf("%s %s after %d months", t.rowName(r), share(v, r.Share(last, t.ByMoney)), last))
		}
	}
	return t.note() + ": " + strings.Join(parts, ", ") + "."
}

// chartHeight is that of a chart of lines with rows of counts under it.
func chartHeight(rows int) string { return fmt.Sprintf("--chart-height:%dpx", 320+rowHeight*rows) }

func (t cohortsView) height() string {
	if t.By == "" {
		return chartHeight(1)
	}
	return chartHeight(len(t.lined()) + 1)
}

// A cohortAccountsView is the page of the customers behind a cell.
type cohortAccountsView struct {
	cohortsView
	revenue.Members
	Cell  revenue.CohortCell
	Shown []revenue.Member
	Who   string // "": all, "left", "there"
}

// mostMembers is how many customers the page shows.
const mostMembers = 500

func (s *site) cohortAccountsView(r *http.Request, v View) (t cohortAccountsView, err error) {
	q, err := s.cohortsAsked(r)
	if err != nil {
		return t, err
	}
	t.Cell.Value, t.Who, t.ByMoney = valueAsked(r), r.FormValue("who"), r.FormValue("of") == "money"
	if text := r.FormValue("month"); text != "" {
		if t.Cell.Month, err = ledger.ParseMonth(text); err != nil {
			return t, cairn.Errorf(cairn.Invalid, "%q is not a month: one such as 2026-01 is needed.", text).At("month")
		}
	}
	if t.Cell.Age, err = strconv.Atoi(r.FormValue("age")); err != nil {
		return t, cairn.Errorf(cairn.Invalid, "%q is not an age in months.", r.FormValue("age")).At("age")
	}
	if t.Members, err = s.Revenue.CohortMembers(r.Context(), v.Scope(), q, t.Cell); err != nil {
		return t, err
	}
	t.Asked, t.By = q, q.By
	if t.Lens, err = s.lens(r, v); err != nil {
		return t, err
	}
	for _, m := range t.Members.All {
		if t.Who == "" || (t.Who == "there") == m.There {
			t.Shown = append(t.Shown, m)
		}
	}
	return t, nil
}

func (s *site) cohortAccounts(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.cohortAccountsView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: t.title(), Active: "revenue", Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Cohorts", t.link("/revenue/cohorts")}}, Date: lensDate(v, t.Lens)}, cohortAccountsPage(v, t))
}

// cohortAccountsTable is the customers behind a cell.
func (s *site) cohortAccountsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.cohortAccountsView(r, v)
	money := revenue.InMoney(t.Members.Currency)
	return sheet.Table{
		Name: "cohort-accounts", Same: append(revenue.Same(t.Members.Policy, t.Members.Currency), sheet.Fact{Key: "cohort", Cell: sheet.Text(t.title())}, sheet.Fact{Key: "age", Cell: sheet.Count(t.Cell.Age)}),
		Columns: []sheet.Column{{Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "came"}, {Key: "left", Title: "Left on"}, {Key: "mrr_start", Title: "MRR at first"}, {Key: "mrr", Title: "MRR then"}},
		Rows: sheet.Of(t.Shown, func(m revenue.Member) []sheet.Cell {
			return []sheet.Cell{sheet.Text(m.Account.String()), sheet.Text(m.Name), sheet.Date(m.Came), sheet.Date(m.Left), money(m.Start), money(m.MRR)}
		}),
	}, err
}

func (t cohortAccountsView) title() string {
	switch {
	case t.Cell.Month != 0:
		return "Came in " + monthName(t.Cell.Month)
	case t.Cell.Value != nil:
		return capital(t.By) + " " + valueName(*t.Cell.Value)
	}
	return "All who came"
}

// here leads to the same customers, changed in some parts.
func (t cohortAccountsView) here(path string, change ...string) string {
	return t.link(path, append(t.cellParts(), change...)...)
}

func (t cohortAccountsView) cellParts() []string {
	out := []string{"age", strconv.Itoa(t.Cell.Age), "who", t.Who}
	if t.Cell.Month != 0 {
		out = append(out, "month", t.Cell.Month.String())
	}
	if t.Cell.Value != nil {
		out = append(out, "value", "="+*t.Cell.Value)
	}
	return out
}

func (t cohortAccountsView) sentence(v View) string {
	n := len(t.Members.All)
	return fmt.Sprintf("%s of %s are there at month %d; they pay %s, and all of them paid %s at first. Policy %s.", v.Count(int64(t.There)), v.several(n, "customer", "customers"), t.Cell.Age,
		v.Money(inCurrency(t.Members.MRR, t.Members.Currency)), v.Money(inCurrency(t.Members.Start, t.Members.Currency)), t.Members.Policy.Name)
}
