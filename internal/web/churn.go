package web

import (
	"cmp"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

func (s *site) churnRoutes(mux *http.ServeMux) {
	if s.Revenue == nil {
		return
	}
	mux.Handle("GET /revenue/churn", s.page(s.staysOn(s.churn)))
	mux.Handle("GET /revenue/churn/customers", s.page(s.churnCustomers))
	s.files(mux, "/revenue/churn", s.churnTable)
	s.files(mux, "/revenue/churn/by", s.churnGroupsTable)
	s.files(mux, "/revenue/churn/customers", s.churnCustomersTable)
}

// A leaving is what pages about who left are asked for.
type leaving struct {
	question
	Currency string
	Policy   ledger.Policy
}

// leavingAsked reads what an address asks for; without months, the last twelve.
func (s *site) leavingAsked(r *http.Request, v View) (leaving, error) {
	var t leaving
	var err error
	if t.question, err = s.question(r, v); err != nil {
		return t, err
	}
	t.Asked.By, t.Asked.Booked = strings.TrimSpace(t.Asked.By), false
	if t.Asked.To == 0 {
		t.Asked.To = ledger.MonthOf(v.Today())
		untilThen(&t.Asked, v)
	}
	if t.Asked.From == 0 {
		t.Asked.From = t.Asked.To - 11
	}
	return t, nil
}

func (t leaving) money(minor int64) cairn.Money {
	return cairn.Money{Minor: minor, Currency: t.Currency}
}

// months says which months the page is about.
func (t leaving) months() string {
	if t.Asked.From == t.Asked.To {
		return "in " + monthName(t.Asked.From)
	}
	return "from " + monthName(t.Asked.From) + " to " + monthName(t.Asked.To)
}

// who leads to the customers behind a figure of some months.
func (t leaving) who(b revenue.Behind, from, to ledger.Month) string {
	return t.address("/revenue/churn/customers", "of", string(b), "from", from.String(), "to", to.String(), "by", "")
}

// A churnView is the page of who left, on both bases.
type churnView struct {
	leaving
	Report revenue.ChurnReport // by the dimension
	Whole  revenue.ChurnGroup  // all together
	All    ledger.AttritionFigures
	Kept   ledger.Kept
}

func (s *site) churnView(r *http.Request, v View) (churnView, error) {
	var t churnView
	var err error
	if t.leaving, err = s.leavingAsked(r, v); err != nil {
		return t, err
	}
	all := t.Asked
	all.By = ""
	whole, err := s.Revenue.Churn(r.Context(), v.Scope(), all)
	if err != nil {
		return t, err
	}
	t.Report, t.Currency, t.Policy = whole, whole.Currency, whole.Policy
	if len(whole.Groups) > 0 {
		t.Whole = whole.Groups[0]
		t.All = whole.Together(t.Whole)
	}
	if t.Asked.By != "" {
		if t.Report, err = s.Revenue.Churn(r.Context(), v.Scope(), t.Asked); err != nil {
			return t, err
		}
	}
	if n := len(t.Whole.Months); n > 0 {
		t.Asked.From, t.Asked.To = t.Whole.Months[0].Month, t.Whole.Months[n-1].Month
		t.Kept, err = s.Revenue.Kept(r.Context(), v.Scope(), t.Asked)
	}
	return t, err
}

func (s *site) churn(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.churnView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Charts: true, Wide: true, Date: lensDate(v, lensOf(v))}, churnPage(v, t))
}

func (t churnView) none() bool { return t.Report.Contracts == 0 || len(t.Whole.Months) == 0 }

// over reports whether a month is over.
func (t churnView) over(m ledger.Month) bool { return m.Last() < t.Report.Today }

// figures are the months, the latest first, each beside the one before it.
func (t churnView) figures() []ledger.AttritionFigures { return t.Report.Months(t.Whole) }

// monthAt is the month of the i-th figures.
func (t churnView) monthAt(i int) ledger.Month { return t.Whole.Months[i].Month }

// sentence says what there is to know first: both bases of the last month that
// is over.
func (t churnView) sentence(v View) string {
	out := fmt.Sprintf("%s left %s, and with them %s a month.", v.several(t.All.CustomersLost, "customer", "customers"), t.months(), v.Money(t.money(t.sum().Churn)))
	all := t.figures()
	for i := len(all) - 1; i >= 0; i-- {
		f := all[i]
		if !t.over(t.monthAt(i)) || f.CustomersStart == 0 {
			continue
		}
		out += fmt.Sprintf(" In %s it was %s of %s (%s)", monthName(t.monthAt(i)), v.Count(int64(f.CustomersLost)), v.Count(int64(f.CustomersStart)), share(v, f.Rate))
		if f.CustomersCould > 0 && f.CustomersCould < f.CustomersStart {
			return out + fmt.Sprintf(", but only %s could leave: of those it was %s.", v.Count(int64(f.CustomersCould)), share(v, f.RateCould))
		}
		return out + "."
	}
	return out
}

// sum is all months together.
func (t churnView) sum() ledger.Sums { return ledger.TotalAttrition(t.Whole.Months).Sums }

// hides reports whether upsells made up for what was lost (R173).
func (t churnView) hides() bool {
	g, n := t.Kept.GRR(), t.Kept.NRR()
	return g != nil && *g < 0.95 && *n >= 1
}

func (t churnView) hidden(v View) string {
	return fmt.Sprintf("Upsells hide what is lost: those who were customers before %s pay %s of what they did, and without what was sold to some of them since it would be %s.", monthName(t.Asked.From), share(v, t.Kept.NRR()), share(v, t.Kept.GRR()))
}

// points writes a difference of two shares.
func points(v View, f *float64) string {
	switch {
	case f == nil:
		return "–"
	case math.Abs(*f) < 0.0005:
		return "0"
	case *f > 0:
		return "+" + v.Decimal(100**f, 1)
	}
	return v.Decimal(100**f, 1)
}

// chart draws both rates, with the counts behind each point under it.
func (t churnView) chart(v View) map[string]any {
	var names, all, could []any
	figures := t.figures()
	for i, f := range figures {
		m := t.monthAt(i)
		names = append(names, fmt.Sprintf("%s\n%d of %d\nof %d", monthShort(m), f.CustomersLost, f.CustomersCould, f.CustomersStart))
		point := func(rate *float64, of int, what string) any {
			if rate == nil {
				return map[string]any{"value": nil}
			}
			return map[string]any{
				"value": 100 * *rate, "name": fmt.Sprintf("%s: %d of %d %s (%s)", monthName(m), f.CustomersLost, of, what, share(v, rate)),
				"href": t.who(revenue.LostOnes, m, m),
			}
		}
		all = append(all, point(f.Rate, f.CustomersStart, "customers left"))
		could = append(could, point(f.RateCould, f.CustomersCould, "who could leave left"))
	}
	line := func(name, colour string, data []any, dash string) map[string]any {
		return map[string]any{
			"type": "line", "name": name, "data": data, "symbol": "circle", "symbolSize": 8, "cursor": "pointer", "connectNulls": false,
			"lineStyle": map[string]any{"color": colour, "width": 2, "type": dash}, "itemStyle": map[string]any{"color": colour},
		}
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"legend":  map[string]any{"top": 0, "left": 8, "textStyle": map[string]any{"color": "--ink"}, "selectedMode": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": 24, "top": 34, "bottom": 8, "containLabel": true},
		"xAxis": map[string]any{"type": "category", "data": names, "axisTick": map[string]any{"show": false}, "axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}},
			"axisLabel": map[string]any{"color": "--dim", "fontSize": 11, "lineHeight": 14, "hideOverlap": true}},
		"yAxis": map[string]any{"type": "value", "min": 0, "axisLabel": map[string]any{"color": "--dim", "formatter": "{value} %"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series": []any{
			line("of those who could leave", "--orange", could, "solid"),
			line("of all customers", "--grey", all, "dashed"),
		},
	}
}

func (t churnView) chartWords(v View) string {
	out := "Churn of those who could leave, and of all customers, month by month:"
	for i, f := range t.figures() {
		out += fmt.Sprintf(" %s %s and %s;", monthShort(t.monthAt(i)), share(v, f.RateCould), share(v, f.Rate))
	}
	return out[:len(out)-1] + "."
}

func (t churnView) caption() caption {
	return caption{Title: "Churn " + t.months(), Note: "Policy " + t.Policy.Name, Data: t.address("/revenue/churn", "by", "")}
}

// A churnBy is one value of the dimension, all months together.
type churnBy struct {
	Value string
	ledger.AttritionFigures
	Sums ledger.Attrition
}

// groups are the values of the dimension, those of which most was lost first.
func (t churnView) groups() []churnBy {
	var out []churnBy
	for _, g := range t.Report.Groups {
		out = append(out, churnBy{g.Value, t.Report.Together(g), ledger.TotalAttrition(g.Months)})
	}
	slices.SortStableFunc(out, func(a, b churnBy) int {
		return cmp.Or(cmp.Compare(b.Sums.Churn, a.Sums.Churn), cmp.Compare(b.CustomersStart, a.CustomersStart))
	})
	return out
}

// whose leads to the customers of one value of the dimension behind a figure of
// all months.
func (t question) whose(value string, b revenue.Behind) string {
	q := t.query("of", string(b))
	q.Set("value", value) // the empty one too
	return addressOf("/revenue/churn/customers", q)
}

// movements leads to the movements of a kind in one month; "" is any.
func (t question) movements(kind ledger.Kind, m ledger.Month) string {
	return t.address("/revenue/movements", "kind", string(kind), "from", m.String(), "to", m.String(), "by", "", "booked", "")
}

// lossesOf leads to the losses of one value of the dimension.
func (t churnView) lossesOf(value string) string {
	q := t.query()
	q.Set("value", value) // the empty one too
	return addressOf("/revenue/losses", q)
}

var churnColumns = []string{"customers_start", "customers_lost", "churn_rate", "churn_rate_reduction", "customers_eligible", "churn_rate_eligible",
	"mrr_start", "mrr_lost", "mrr_lost_rate", "mrr_eligible", "mrr_lost_rate_eligible", "mrr_churn", "mrr_expansion", "portfolio_growth",
	"customers_new", "lost_early", "new_lost_early", "new_lost_early_share", "retention", "retention_mrr", "contracts_due", "contracts_renewed", "renewal_rate", "mrr_due", "mrr_renewed", "renewal_rate_mrr"}

func (t leaving) churnCells(a ledger.Attrition, f ledger.AttritionFigures) []sheet.Cell {
	money := revenue.InMoney(t.Currency)
	return []sheet.Cell{sheet.Count(f.CustomersStart), sheet.Count(f.CustomersLost), sheet.Share(f.Rate), sheet.Share(f.Reduction), sheet.Count(f.CustomersCould), sheet.Share(f.RateCould),
		money(a.Start), money(a.Churn), sheet.Share(f.LostRate), money(a.CouldMRR), sheet.Share(f.LostCould), sheet.Share(f.MRRChurn), sheet.Share(f.MRRExpansion), sheet.Share(f.Growth),
		sheet.Count(f.CustomersNew), sheet.Count(f.LostEarly), sheet.Count(f.NewEarly), sheet.Share(f.NewEarlyShare), sheet.Share(f.Retention), sheet.Share(f.RetentionMRR),
		sheet.Count(f.Up), sheet.Count(f.Renewed), sheet.Share(f.Renewal), money(a.UpMRR), money(a.RenewedMRR), sheet.Share(f.RenewalMRR)}
}

// churnTable is every month, all together.
func (s *site) churnTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.churnView(r, v)
	if err != nil {
		return sheet.Table{}, err
	}
	figures := t.figures()
	return sheet.Table{
		Name: "churn", Same: revenue.Same(t.Policy, t.Currency), Columns: sheet.Columns(append([]string{"month"}, churnColumns...)...),
		Rows: func(yield func([]sheet.Cell, error) bool) {
			for i, f := range figures {
				if !yield(append([]sheet.Cell{sheet.Text(f.Month)}, t.churnCells(t.Whole.Months[i], f)...), nil) {
					return
				}
			}
		},
	}, nil
}

// churnGroupsTable is every value of the dimension, all months together.
func (s *site) churnGroupsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.churnView(r, v)
	if err != nil {
		return sheet.Table{}, err
	}
	return sheet.Table{
		Name: "churn-by", Same: append(revenue.Same(t.Policy, t.Currency), sheet.Fact{Key: "by", Cell: sheet.Text(t.Asked.By)}, sheet.Fact{Key: "from", Cell: sheet.Text(t.Asked.From.String())}, sheet.Fact{Key: "to", Cell: sheet.Text(t.Asked.To.String())}),
		Columns: sheet.Columns(append([]string{"value"}, churnColumns...)...),
		Rows: sheet.Of(t.groups(), func(g churnBy) []sheet.Cell {
			return append([]sheet.Cell{sheet.Text(g.Value)}, t.churnCells(g.Sums, g.AttritionFigures)...)
		}),
	}, nil
}

// A crowdView is the page of the customers behind a figure.
type crowdView struct {
	leaving
	revenue.Crowd
	Of    revenue.Behind
	Value string // of the dimension
}

// crowdNames say whom a figure counts.
var crowdNames = map[revenue.Behind]string{
	revenue.AtStart: "Customers at the start", revenue.AtEnd: "Customers at the end", revenue.Eligible: "Customers who could leave", revenue.LostOnes: "Customers who left",
	revenue.LostEarly: "Left within 90 days of the sale", revenue.NewOnes: "New customers", revenue.NewEarly: "New customers who left within 90 days",
	revenue.DueOnes: "Contracts that came up", revenue.RenewedOne: "Contracts that were renewed", revenue.NotRenewed: "Contracts that were not renewed",
}

// crowdMoney say what their amount is.
var crowdMoney = map[revenue.Behind]string{
	revenue.AtEnd: "MRR at the end", revenue.LostOnes: "MRR lost", revenue.LostEarly: "MRR lost", revenue.NewOnes: "MRR won", revenue.NewEarly: "MRR won",
	revenue.DueOnes: "MRR come up", revenue.RenewedOne: "MRR come up", revenue.NotRenewed: "MRR come up",
}

// here leads to the same customers.
func (t crowdView) here(path string) string {
	q := t.query("of", string(t.Of))
	if t.Asked.By != "" {
		q.Set("value", t.Value) // the empty one too
	}
	return addressOf(path, q)
}

func (t crowdView) amount() string { return cmp.Or(crowdMoney[t.Of], "MRR at the start") }

func (s *site) crowdView(r *http.Request, v View, limit int) (crowdView, error) {
	t := crowdView{Of: revenue.Behind(r.FormValue("of")), Value: r.FormValue("value")}
	var err error
	if t.leaving, err = s.leavingAsked(r, v); err != nil {
		return t, err
	}
	if t.Of == "" {
		t.Of = revenue.LostOnes
	}
	t.Besides = [][2]string{{"of", string(t.Of)}, {"value", r.FormValue("value")}}
	t.Crowd, err = s.Revenue.Who(r.Context(), v.Scope(), t.Asked, r.FormValue("value"), t.Of, limit)
	t.leaving.Currency, t.leaving.Policy = t.Crowd.Currency, t.Crowd.Policy
	return t, err
}

func (s *site) churnCustomers(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.crowdView(r, v, mostMovements)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: crowdNames[t.Of], Active: "revenue", Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Churn", t.address("/revenue/churn", "of", "", "value", "")}}, Date: lensDate(v, lensOf(v))}, churnCustomersPage(v, t))
}

// churnCustomersTable is the customers behind a figure.
func (s *site) churnCustomersTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.crowdView(r, v, manyMovements)
	money := revenue.InMoney(t.Crowd.Currency)
	return sheet.Table{
		Name: "customers", Same: append(revenue.Same(t.Crowd.Policy, t.Crowd.Currency), sheet.Fact{Key: "of", Cell: sheet.Text(string(t.Of))}),
		Columns: sheet.Columns("account", "name", "mrr", "customer_since", "left", "times"),
		Rows: sheet.Of(t.Customers, func(c revenue.Counted) []sheet.Cell {
			return []sheet.Cell{sheet.Text(c.Account.String()), sheet.Text(c.Name), money(c.MRR), sheet.Date(c.Since), sheet.Date(c.Left), sheet.Count(c.Times)}
		}),
	}, err
}

// dayName writes a day of the ledger.
func dayName(d cairn.Day) string {
	if d == 0 {
		return "–"
	}
	return d.Start(time.UTC).Format("2 Jan 2006")
}
