package web

import (
	"fmt"

	"cairn"
)

// A drawnLine is one line of a chart over months, with its interval where it
// is an estimate.
type drawnLine struct {
	Name   string
	Look   string // a style variable
	Dash   string // "solid", "dashed" or "dotted"
	Faint  float64
	Thick  bool
	Step   bool
	Ends   bool // elsewhere than the others, so that its label needs no room made for it
	Points []drawnPoint
}

// A drawnPoint is a share at an age.
type drawnPoint struct {
	X, Y         float64 // months, percent
	Lower, Upper *float64
	Tip, Href    string
}

// A drawnCount is a row of counts under a chart.
type drawnCount struct {
	Name   string
	Look   string
	Points []drawnNumber
}

// A drawnNumber is one count at an age.
type drawnNumber struct {
	X         float64
	N         int
	Tip, Href string
}

// looks of lines tell groups apart, by colour and, for who cannot see it, by
// how the line is drawn.
func lineLook(i int) (look, dash string) {
	return fmt.Sprintf("--line-%d", i%8+1), []string{"solid", "dashed", "dotted"}[i%3]
}

// rowHeight is that of a row of counts.
const rowHeight = 22

// monthLines is a chart of shares over months, with the counts behind them
// under it.
func monthLines(v View, lines []drawnLine, counts []drawnCount, last, top float64, names bool) map[string]any {
	under := rowHeight * len(counts)
	wide, right := 0, 24
	for _, c := range counts {
		wide = max(wide, min(len([]rune(c.Name)), 14))
	}
	if names {
		right = 116
	}
	left := 52 + max(0, 7*wide-22)
	quiet := map[string]any{"show": false}
	xAxis := map[string]any{"type": "value", "min": 0, "max": last, "interval": monthStep(last), "axisLabel": map[string]any{"color": "--dim"}, "splitLine": quiet,
		"axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}, "name": "months since they came", "nameLocation": "middle", "nameGap": 24, "nameTextStyle": map[string]any{"color": "--dim"}}
	var rows []any
	for _, c := range counts {
		rows = append(rows, map[string]any{"value": clipText(c.Name, 14), "textStyle": map[string]any{"color": c.Look}})
	}
	grids := func(right int) []any {
		return []any{
			map[string]any{"left": left, "right": right, "top": 16, "bottom": under + 52},
			map[string]any{"left": left, "right": right, "height": under, "bottom": 4},
		}
	}
	var series []any
	for _, l := range lines {
		series = append(series, l.band(bandStrength(len(lines)))...)
		series = append(series, l.series(names))
	}
	for _, c := range counts {
		series = append(series, c.series(v))
	}
	base := map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    grids(right),
		"xAxis":   []any{xAxis, map[string]any{"type": "value", "gridIndex": 1, "min": 0, "max": last, "show": false}},
		"yAxis": []any{
			map[string]any{"type": "value", "min": 0, "max": top, "axisLabel": map[string]any{"color": "--dim", "formatter": "{value} %"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
			map[string]any{"type": "category", "gridIndex": 1, "inverse": true, "data": rows, "axisLine": quiet, "axisTick": quiet, "axisLabel": map[string]any{"fontSize": 12, "interval": 0, "margin": 20}},
		},
		"series": series,
	}
	hidden := []any{}
	for range series {
		hidden = append(hidden, map[string]any{"endLabel": quiet})
	}
	return map[string]any{"baseOption": base, "media": []any{
		map[string]any{"query": map[string]any{"minWidth": 560}, "option": map[string]any{"grid": grids(right)}},
		map[string]any{"query": map[string]any{"maxWidth": 560}, "option": map[string]any{"grid": grids(20), "series": hidden}},
	}}
}

// monthStep is how far ticks of months are apart.
func monthStep(last float64) float64 {
	for _, step := range []float64{1, 2, 3, 6, 12, 24} {
		if last/step <= 12 {
			return step
		}
	}
	return 60
}

func (l drawnLine) series(names bool) map[string]any {
	var data []any
	for _, p := range l.Points {
		d := map[string]any{"value": []float64{p.X, p.Y}, "name": p.Tip}
		if p.Href != "" {
			d["href"] = p.Href
		}
		data = append(data, d)
	}
	width, fade := 2.0, 1.0
	if l.Thick {
		width = 3
	}
	if l.Faint > 0 {
		fade = l.Faint
	}
	out := map[string]any{
		"type": "line", "name": l.Name, "data": data, "symbol": "circle", "symbolSize": 7, "cursor": "pointer", "showAllSymbol": true, "z": 3,
		"lineStyle": map[string]any{"color": l.Look, "width": width, "type": l.Dash, "opacity": fade},
		"itemStyle": map[string]any{"color": l.Look, "opacity": 0}, "emphasis": map[string]any{"itemStyle": map[string]any{"opacity": 1}},
		"labelLayout": map[string]any{"moveOverlap": "shiftY"},
	}
	if names {
		out["endLabel"] = map[string]any{"show": true, "formatter": clipText(l.Name, 15), "color": l.Look, "fontSize": 12, "distance": 6}
	}
	if l.Ends {
		out["labelLayout"] = map[string]any{"hideOverlap": true}
	}
	if l.Step {
		out["step"] = "end"
	}
	return out
}

// bandStrength keeps many bands over each other from hiding the lines.
func bandStrength(lines int) float64 {
	if lines > 2 {
		return 0.06
	}
	return 0.13
}

// band draws the interval of a line: its lower bound, which is not seen, and
// on top of it how wide the interval is.
func (l drawnLine) band(strength float64) []any {
	var lower, wide []any
	for _, p := range l.Points {
		if p.Lower == nil || p.Upper == nil {
			continue
		}
		lower = append(lower, []float64{p.X, 100 * *p.Lower})
		wide = append(wide, []float64{p.X, 100 * (*p.Upper - *p.Lower)})
	}
	if len(lower) == 0 {
		return nil
	}
	one := func(data []any, opacity float64) map[string]any {
		return map[string]any{"type": "line", "stack": "band " + l.Name, "data": data, "step": "end", "symbol": "none", "silent": true, "z": 1,
			"lineStyle": map[string]any{"opacity": 0}, "areaStyle": map[string]any{"color": l.Look, "opacity": opacity}}
	}
	return []any{one(lower, 0), one(wide, strength)}
}

func (c drawnCount) series(v View) map[string]any {
	var data []any
	for _, p := range c.Points {
		d := map[string]any{"value": []any{p.X, clipText(c.Name, 14)}, "name": p.Tip, "label": map[string]any{"formatter": v.Count(int64(p.N))}}
		if p.Href != "" {
			d["href"] = p.Href
		}
		data = append(data, d)
	}
	return map[string]any{"type": "scatter", "xAxisIndex": 1, "yAxisIndex": 1, "data": data, "symbol": "rect", "symbolSize": []int{30, rowHeight}, "cursor": "pointer",
		"itemStyle": map[string]any{"color": "transparent"}, "label": map[string]any{"show": true, "position": "inside", "color": "--text", "fontSize": 12}}
}

// clipText shortens text to n characters.
func clipText(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// valueName is what a value of a dimension is called on pages.
func valueName(value string) string {
	if value == "" {
		return "not told"
	}
	return value
}

func inCurrency(minor int64, currency string) cairn.Money {
	return cairn.Money{Minor: minor, Currency: currency}
}
