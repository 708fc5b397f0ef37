package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

func (s *site) revenueRoutes(mux *http.ServeMux) {
	if s.Revenue == nil {
		return
	}
	mux.Handle("GET /revenue", s.page(s.revenue))
	mux.Handle("GET /revenue/movements", s.page(s.revenueMovements))
	mux.Handle("GET /revenue/movements/{id}", s.page(s.accountMovements))
	mux.Handle("GET /revenue/accounts", s.page(s.revenueBehind))
	s.policyRoutes(mux)
	s.closingRoutes(mux)
	mux.Handle("GET /revenue/cohorts", s.page(s.staysOn(s.revenueCohorts)))
	mux.Handle("GET /revenue/cohorts/accounts", s.page(s.cohortAccounts))
	mux.Handle("GET /revenue/survival", s.page(s.staysOn(s.revenueSurvival)))
	mux.Handle("GET /revenue/survival/accounts", s.page(s.survivalAccounts))
	s.files(mux, "/revenue/cohorts", s.cohortsTable)
	s.files(mux, "/revenue/cohorts/accounts", s.cohortAccountsTable)
	s.files(mux, "/revenue/survival", s.survivalTable)
	s.files(mux, "/revenue/survival/accounts", s.survivalAccountsTable)
	mux.Handle("GET /revenue/definitions", s.page(s.revenueDefinitions))
	s.files(mux, "/revenue/accounts", s.behindTable)
	s.files(mux, "/revenue/compare", s.compareTable)
	s.files(mux, "/revenue/closing", s.closedTable)
	s.files(mux, "/revenue/months", s.monthsTable)
	s.files(mux, "/revenue/groups", s.groupsTable)
	s.files(mux, "/revenue/movements", s.movementsTable)
}

// A revenueView is the page of what customers pay.
type revenueView struct {
	question
	Report   revenue.Report
	Total    ledger.Sums   // of all months, all together
	Months   []ledger.Sums // all together
	Kept     ledger.Kept   // of those who were customers before the first month
	Renewals revenue.Payers
	Risk     revenue.Payers
}

// revenueAsked reads what an address asks for.
func (s *site) revenueAsked(r *http.Request) (revenue.Query, error) {
	v := s.view(r)
	q, err := lensAsked(r, v)
	if err != nil {
		return q, err
	}
	q.Booked = r.FormValue("booked") != ""
	for name, into := range map[string]*ledger.Month{"from": &q.From, "to": &q.To} {
		if text := r.FormValue(name); text != "" {
			m, err := ledger.ParseMonth(text)
			if err != nil {
				return q, cairn.Errorf(cairn.Invalid, "%q is not a month: one such as 2026-01 is needed.", text).At(name)
			}
			*into = m
		}
	}
	untilThen(&q, v)
	if !q.Known.IsZero() || q.Where != "" || q.By != "" {
		q.Booked = false // months are closed for all customers together, as of now
	}
	return q, nil
}

// knownOn is the day at whose end q looks at what was known; 0: now.
func knownOn(q revenue.Query, v View) cairn.Day {
	if q.Known.IsZero() {
		return 0
	}
	return cairn.DayOf(q.Known, v.Zone)
}

func (s *site) revenueView(r *http.Request, v View) (t revenueView, err error) {
	if t.Asked, err = s.revenueAsked(r); err != nil {
		return t, err
	}
	t.At = knownOn(t.Asked, v)
	o, err := s.Revenue.Overview(r.Context(), v.Scope(), t.Asked)
	if err != nil {
		return t, err
	}
	t.Asked, t.Policies, t.Fields = o.Query, o.Definitions.All(), o.Fields
	t.Report, t.Kept, t.Renewals, t.Risk = o.By, o.Kept, o.Renewals, o.Risk
	if len(o.Whole.Groups) > 0 {
		t.Months = o.Whole.Groups[0].Months
	}
	if t.Total = ledger.Total(t.Months); len(t.Months) > 0 {
		t.Asked.From, t.Asked.To = t.Months[0].Month, t.Months[len(t.Months)-1].Month
	}
	return t, nil
}

func (s *site) revenue(w http.ResponseWriter, r *http.Request, v View) error {
	if moved, err := s.stay(w, r, v, stayingHome); err != nil || moved {
		return err
	}
	t, err := s.revenueView(r, v)
	if err != nil {
		return err
	}
	p := Page{Title: "Revenue", Active: "revenue", Charts: true, Wide: true}
	if !t.none() || t.At != 0 || t.Asked.Where != "" {
		p.Date = lensDate(v, lensOf(v))
	}
	return s.render(w, r, v, p, revenuePage(v, t))
}

// none reports whether there is nothing to tell.
func (t revenueView) none() bool {
	return t.Report.Contracts == 0
}

// accounts leads to the accounts behind a figure.
func (t revenueView) accounts(f revenue.Figure, from, to ledger.Month) string {
	return t.address("/revenue/accounts", "of", string(f), "from", from.String(), "to", to.String(), "by", "", "booked", "")
}

// dimensions are the fields that figures can be told by: of accounts, and of
// contracts.
func (t revenueView) dimensions() []string {
	var out []string
	for _, f := range t.Fields {
		if len(f.Values) <= 60 && f.More == 0 {
			out = append(out, f.Name)
		}
	}
	out = append(out, revenue.Dimensions()...)
	if t.Asked.By != "" && !slices.Contains(out, t.Asked.By) {
		out = append(out, t.Asked.By)
	}
	return out
}

// ofAccounts reports whether the dimension is a field of accounts.
func (t revenueView) ofAccounts() bool {
	return slices.ContainsFunc(t.Fields, func(f revenue.Field) bool { return f.Name == t.Asked.By })
}

// behind leads to the movements behind a figure of some months.
func (t revenueView) behind(kind ledger.Kind, from, to ledger.Month) string {
	return t.address("/revenue/movements", "kind", string(kind), "from", from.String(), "to", to.String(), "by", "", "booked", "")
}

func (t revenueView) money(minor int64) cairn.Money {
	return cairn.Money{Minor: minor, Currency: t.Report.Currency}
}

// sentence says what there is to know first: gross before net, since upsells
// hide churn (R173).
func (t revenueView) sentence(v View) string {
	end := t.Total.End
	out := fmt.Sprintf("Customers pay %s a month", v.Money(t.money(end)))
	if t.Total.Start > 0 {
		out += fmt.Sprintf(", %s than before %s", change(v, t.money(end-t.Total.Start)), monthName(t.Asked.From))
	}
	out += "."
	if g := t.Kept.GRR(); g != nil {
		out += fmt.Sprintf(" Of what the %s of then paid, %s is left, and %s with what they added.",
			v.several(t.Kept.CustomersStart, "customer", "customers"), share(v, g), share(v, t.Kept.NRR()))
	}
	return out
}

// hides reports whether upsells hide what is lost.
func (t revenueView) hides() bool {
	g, n := t.Kept.GRR(), t.Kept.NRR()
	return g != nil && *g < 0.9 && *n >= 1
}

func change(v View, m cairn.Money) string {
	if m.Minor < 0 {
		m.Minor = -m.Minor
		return v.Money(m) + " less"
	}
	return v.Money(m) + " more"
}

func monthName(m ledger.Month) string {
	return m.First().Start(time.UTC).Format("January 2006")
}

func monthShort(m ledger.Month) string {
	return m.First().Start(time.UTC).Format("Jan 2006")
}

// share writes a share as percent, and a dash where there is none.
func share(v View, f *float64) string {
	if f == nil {
		return "–"
	}
	return v.Decimal(100**f, 1) + " %"
}

// each is what a customer pays on average (R091).
func each(s ledger.Sums) int64 { return ledger.PerHead(s.End, s.CustomersEnd) }

// A pillar is one bar of the bridge.
type pillar struct {
	Name   string
	Amount int64
	From   int64 // where it begins
	Kind   ledger.Kind
	Look   string
}

// pillars are the bars from the start to the end. Bars of a correction or of
// exchange rates stand only where there is one.
func (t revenueView) pillars() []pillar {
	s := t.Total
	out := []pillar{{Name: "Start", Amount: s.Start, Look: "--grey"}}
	at := s.Start
	for _, p := range []pillar{
		{Name: "New", Amount: s.New, Kind: ledger.New, Look: "--teal"},
		{Name: "Expansion", Amount: s.Expansion, Kind: ledger.Expansion, Look: "--teal"},
		{Name: "Reactivation", Amount: s.Reactivation, Kind: ledger.Reactivation, Look: "--teal"},
		{Name: "Rates", Amount: s.Effect, Kind: ledger.Effect, Look: "--grey"},
		{Name: "Correction", Amount: s.Correction, Look: "--grey"},
		{Name: "Contraction", Amount: -s.Contraction, Kind: ledger.Contraction, Look: "--orange"},
		{Name: "Churn", Amount: -s.Churn, Kind: ledger.Churn, Look: "--orange"},
	} {
		if p.Amount == 0 && (p.Name == "Rates" || p.Name == "Correction") {
			continue
		}
		p.From = at
		at += p.Amount
		out = append(out, p)
	}
	return append(out, pillar{Name: "End", Amount: s.End, Look: "--grey"})
}

// bridge is the waterfall from the start to the end.
func (t revenueView) bridge(v View) map[string]any {
	var names []string
	var under, bars []any
	for _, p := range t.pillars() {
		names = append(names, p.Name)
		under = append(under, t.units(min(p.From, p.From+p.Amount)))
		size := p.Amount
		if size < 0 {
			size = -size
		}
		bar := map[string]any{
			"value": t.units(size), "name": p.Name + ": " + v.MoneyExact(t.money(p.Amount)), "itemStyle": map[string]any{"color": p.Look},
			"label": map[string]any{"show": true, "position": "top", "color": "--ink", "fontSize": 12, "formatter": v.Money(t.money(p.Amount))},
		}
		if p.Kind != "" {
			bar["href"] = t.behind(p.Kind, t.Asked.From, t.Asked.To)
		}
		bars = append(bars, bar)
	}
	line := map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": 8, "top": 28, "bottom": 8, "containLabel": true},
		"xAxis":   map[string]any{"type": "category", "data": names, "axisLine": line, "axisTick": map[string]any{"show": false}, "axisLabel": map[string]any{"color": "--dim", "interval": 0, "fontSize": 12}},
		"yAxis":   map[string]any{"type": "value", "min": 0, "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series": []any{
			map[string]any{"type": "bar", "stack": "all", "silent": true, "data": under, "itemStyle": map[string]any{"color": "transparent"}, "barWidth": "56%", "tooltip": map[string]any{"show": false}},
			map[string]any{"type": "bar", "stack": "all", "data": bars, "cursor": "pointer", "barWidth": "56%"},
		},
	}
}

func (t revenueView) bridgeWords(v View) string {
	var parts []string
	for _, p := range t.pillars() {
		parts = append(parts, p.Name+" "+v.Money(t.money(p.Amount)))
	}
	return "From start to end: " + strings.Join(parts, ", ") + "."
}

// bridgeCaption is what the bridge says of itself as a picture.
func (t revenueView) bridgeCaption() caption {
	return caption{"From " + monthName(t.Asked.From) + " to " + monthName(t.Asked.To), "MRR in " + t.Report.Currency + ", policy " + t.Report.Policy.Name, t.address("/revenue/months")}
}

// A revenueGroup is one value of a dimension, all months together.
type revenueGroup struct {
	Value string
	ledger.Sums
}

// groups are the values of the dimension, those that pay most first.
func (t revenueView) groups() []revenueGroup {
	var out []revenueGroup
	for _, g := range t.Report.Groups {
		out = append(out, revenueGroup{g.Value, ledger.Total(g.Months)})
	}
	slices.SortStableFunc(out, func(a, b revenueGroup) int { return int(min(max(b.End-a.End, -1), 1)) })
	return out
}

// inGroup leads to what is behind an amount of one value of the dimension: who
// paid it, or the movements.
func (t revenueView) inGroup(value, part string) string {
	stands := part == "start" || part == "end"
	switch {
	case t.ofAccounts():
		where := revenue.WhereText(append(t.where(), revenue.Where{Field: t.Asked.By, Value: value}))
		if stands {
			return t.address("/revenue/accounts", "of", part, "by", "", "booked", "", "where", where)
		}
		return t.address("/revenue/movements", "kind", part, "by", "", "booked", "", "where", where)
	case stands:
		return t.whose(value, revenue.Behind(part))
	}
	q := t.query("kind", part, "booked", "")
	q.Set("value", value) // the empty one too
	return addressOf("/revenue/movements", q)
}

// months says which months the page is about.
func (t revenueView) months() string {
	if t.Asked.From == t.Asked.To {
		return "in " + monthName(t.Asked.From)
	}
	return "from " + monthName(t.Asked.From) + " to " + monthName(t.Asked.To)
}
