package web

import (
	"fmt"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// A tile is one figure that a leader looks at first. It opens the accounts
// behind it, and what it means.
type tile struct {
	Name, Key string // the key is that of the page of definitions
	Value     string
	Note      string
	Href      string
	Look      string // "", "warn"
}

// tiles are the figures of the months that are shown, gross before net.
func (t revenueView) tiles(v View) []tile {
	s := t.Total
	from, to := t.Asked.From, t.Asked.To
	all, could := t.churn()
	out := []tile{
		{Name: "MRR", Key: "end", Value: v.Money(t.money(s.End)), Note: v.several(s.CustomersEnd, "customer", "customers"), Href: t.accounts(revenue.OfEnd, from, to)},
		{Name: "Gross retention", Key: "grr", Value: share(v, t.Kept.GRR()), Note: fmt.Sprintf("%s of %s is left", v.Money(t.money(t.Kept.Gross)), v.Money(t.money(t.Kept.Start))), Href: t.accounts(revenue.OfKept, from, to)},
		{Name: "Net retention", Key: "nrr", Value: share(v, t.Kept.NRR()), Note: "with what was sold to them since", Href: t.accounts(revenue.OfKept, from, to)},
		{Name: "Churn of all, a month", Key: "churn_base", Value: share(v, all), Note: fmt.Sprintf("%s in %s", v.several(s.CustomersLost, "customer lost", "customers lost"), v.several(len(t.Months), "month", "months")), Href: t.accounts(revenue.OfLost, from, to)},
		{Name: "Of those who could leave", Key: "churn_eligible", Value: share(v, could), Note: fmt.Sprintf("%s times somebody could", v.Count(int64(s.CustomersCould))), Href: t.accounts(revenue.OfEligible, from, to)},
		{Name: "A customer pays", Key: "average", Value: v.Money(t.money(each(s))), Note: t.grew(v), Href: t.accounts(revenue.OfEnd, from, to)},
		{Name: fmt.Sprintf("Renewals in %d days", revenue.Ahead), Key: "renewals_due", Value: v.Money(t.money(t.Renewals.Due)), Note: fmt.Sprintf("a month, of %s", v.several(t.Renewals.Dues, "contract", "contracts")), Href: t.accounts(revenue.OfRenewals, from, to)},
	}
	if t.At == 0 {
		risk := tile{Name: "At risk", Key: "value_at_risk", Value: v.Money(t.money(t.Risk.End)), Note: v.several(t.Risk.Count, "customer is low or falling", "customers are low or falling"), Href: t.accounts(revenue.OfRisk, from, to)}
		if t.Risk.Count > 0 {
			risk.Look = "warn"
		}
		out = append(out, risk)
	}
	return out
}

// churn is the churn of a month of the months that are shown: of all, and of
// those who could leave.
func (t revenueView) churn() (all, could *float64) {
	start := 0
	for _, m := range t.Months {
		start += m.CustomersStart
	}
	of := func(n int) *float64 {
		if n == 0 {
			return nil
		}
		f := float64(t.Total.CustomersLost) / float64(n)
		return &f
	}
	return of(start), of(t.Total.CustomersCould)
}

// grew says by how much the average payment grew.
func (t revenueView) grew(v View) string {
	if t.Total.CustomersStart == 0 {
		return "a month, on average"
	}
	before := ledger.PerHead(t.Total.Start, t.Total.CustomersStart)
	return "a month, " + change(v, t.money(each(t.Total)-before)) + " than before"
}

// A curve is one line of a chart over months.
type curve struct {
	Name string
	Look string
	Dash bool
	At   func(ledger.Sums) *float64
}

// lines is a chart of curves over the months that are shown.
func (t revenueView) lines(unit string, curves ...curve) map[string]any {
	var names []string
	for _, m := range t.Months {
		names = append(names, monthShort(m.Month))
	}
	var series []any
	for _, c := range curves {
		var data []any
		for _, m := range t.Months {
			if f := c.At(m); f != nil {
				data = append(data, round(*f))
			} else {
				data = append(data, nil)
			}
		}
		stroke := map[string]any{"width": 2, "color": c.Look}
		if c.Dash {
			stroke["type"] = "dashed"
		}
		series = append(series, map[string]any{
			"type": "line", "name": c.Name, "data": data, "symbolSize": 6, "symbol": "circle", "lineStyle": stroke, "itemStyle": map[string]any{"color": c.Look},
			"endLabel": map[string]any{"show": true, "formatter": "{a}", "color": "--ink", "fontSize": 12}, "labelLayout": map[string]any{"moveOverlap": "shiftY"},
		})
	}
	line := map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}
	right := 24
	for _, c := range curves {
		right = max(right, 7*len(c.Name)+14)
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "axis", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": right, "top": 28, "bottom": 8, "containLabel": true},
		"xAxis":   map[string]any{"type": "category", "data": names, "axisLine": line, "axisTick": map[string]any{"show": false}, "axisLabel": map[string]any{"color": "--dim", "fontSize": 12}},
		"yAxis":   map[string]any{"type": "value", "min": 0, "name": unit, "nameTextStyle": map[string]any{"color": "--dim", "align": "left"}, "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series":  series,
	}
}

// round keeps as many decimals as a chart can show.
func round(f float64) float64 { return float64(int64(f*100+0.5)) / 100 }

// average is the line of what a customer pays (R091).
func (t revenueView) average() map[string]any {
	return t.lines(t.Report.Currency+" a month", curve{Name: "A customer pays", Look: "--teal", At: func(s ledger.Sums) *float64 {
		if s.CustomersEnd == 0 {
			return nil
		}
		f := t.units(each(s))
		return &f
	}})
}

// churns are the lines of churn both ways.
func (t revenueView) churns() map[string]any {
	percent := func(of func(ledger.Figures) *float64) func(ledger.Sums) *float64 {
		return func(s ledger.Sums) *float64 {
			f := of(s.Figures(t.Report.Currency))
			if f == nil {
				return nil
			}
			n := 100 * *f
			return &n
		}
	}
	return t.lines("percent",
		curve{Name: "of eligible", Look: "--orange", At: percent(func(f ledger.Figures) *float64 { return f.ChurnCould })},
		curve{Name: "of all", Look: "--grey", Dash: true, At: percent(func(f ledger.Figures) *float64 { return f.ChurnBase })})
}

// averageWords and churnWords say the charts in words.
func (t revenueView) averageWords(v View) string {
	out := "What a customer pays on average a month:"
	for _, m := range t.Months {
		out += " " + monthShort(m.Month) + " " + v.Money(t.money(each(m))) + ";"
	}
	return out
}

func (t revenueView) churnWords(v View) string {
	out := "Churn of all customers and of those who could leave:"
	for _, m := range t.Months {
		f := m.Figures(t.Report.Currency)
		out += " " + monthShort(m.Month) + " " + share(v, f.ChurnBase) + " and " + share(v, f.ChurnCould) + ";"
	}
	return out
}

// units is an amount in major units, for charts.
func (t revenueView) units(minor int64) float64 {
	f := float64(minor)
	for range cairn.MinorDigits(t.Report.Currency) {
		f /= 10
	}
	return f
}

// captionOf is what a chart of the page says of itself as a picture.
func (t revenueView) captionOf(title string) caption {
	return caption{title + " " + t.months(), "In " + t.Report.Currency + ", policy " + t.Report.Policy.Name, t.address("/revenue/months")}
}
