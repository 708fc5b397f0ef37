package web

import (
	"fmt"
	"net/http"
	"slices"

	"cairn"
	"cairn/internal/signal"
)

// accountAdoptionWeeks is how much the section of adoption shows.
const accountAdoptionWeeks = 26

// accountAdoptionEvents is how many events are shown before one asks for more.
const accountAdoptionEvents = 12

// An accountAdoptionView is how an account took up the product.
type accountAdoptionView struct {
	signal.Adoption
	View accountView
}

func (s *site) accountAdoptionPart(w http.ResponseWriter, r *http.Request, v View, id cairn.AccountID) error {
	av, err := s.accountAt(r, v, id)
	if err != nil {
		return err
	}
	a := accountAdoptionView{View: av}
	if a.Adoption, err = s.Usage.Adoption(r.Context(), v.Scope(), id, av.Moment(v), accountAdoptionWeeks); err != nil {
		return err
	}
	// Weeks before anything was known say nothing.
	for len(a.Weeks) > 1 && !a.Weeks[0].Active.Known && !a.Weeks[0].Seats.Known {
		a.Weeks = a.Weeks[1:]
	}
	return s.write(w, r, http.StatusOK, accountAdoption(v, a))
}

// drawable reports whether there is a line to draw.
func (a accountAdoptionView) drawable() bool {
	return len(a.Weeks) > 1 && slices.ContainsFunc(a.Weeks, func(w signal.AdoptionWeek) bool { return w.Active.Known })
}

// several reports whether events are of several products.
func (a accountAdoptionView) several() bool {
	return slices.ContainsFunc(a.Events, func(e signal.AdoptionEvent) bool { return e.Product != a.Events[0].Product })
}

// licensed reports whether seats are known in any week.
func (a accountAdoptionView) licensed() bool {
	return slices.ContainsFunc(a.Weeks, func(w signal.AdoptionWeek) bool { return w.Seats.Known })
}

func (a accountAdoptionView) words(v View) string {
	last := a.Weeks[len(a.Weeks)-1]
	text := "Active people of 28 days, week by week. Last: " + amount(v, last.Active)
	if last.Seats.Known {
		text += " of " + amount(v, last.Seats) + " seats"
	}
	return text + ". The table below has every week."
}

// amount writes a signal, and a dash where it is missing.
func amount(v View, s cairn.Signal) string {
	if !s.Known {
		return "–"
	}
	return v.Decimal(s.Number, 0)
}

// chart draws the people who are active under the seats that were bought.
func (a accountAdoptionView) chart(v View) map[string]any {
	people, seats := []any{}, []any{}
	for _, w := range a.Weeks {
		at := w.Day.End(v.Zone).UnixMilli()
		people = append(people, adoptionPoint(v, at, w, w.Active, "active"))
		seats = append(seats, adoptionPoint(v, at, w, w.Seats, "seats"))
	}
	series := []any{map[string]any{
		"type": "line", "name": "Active people", "data": people, "symbol": "circle", "symbolSize": 6,
		"lineStyle": map[string]any{"color": "--accent", "width": 2}, "itemStyle": map[string]any{"color": "--accent"},
		"areaStyle": map[string]any{"color": "--accent", "opacity": 0.06},
	}}
	if a.licensed() {
		series = append(series, map[string]any{
			"type": "line", "name": "Seats", "data": seats, "step": "end", "symbol": "circle", "symbolSize": 4,
			"lineStyle": map[string]any{"color": "--grey", "width": 1.5, "type": "dashed"}, "itemStyle": map[string]any{"color": "--grey"},
		})
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 46, "right": 16, "top": 16, "bottom": 28},
		"xAxis": map[string]any{
			"type": "time", "splitNumber": 6, "axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}, "axisTick": map[string]any{"show": false},
			"axisLabel": map[string]any{"color": "--dim", "hideOverlap": true, "formatter": map[string]any{"year": "{yyyy}", "month": "{MMM}", "day": "{d} {MMM}"}},
			"splitLine": map[string]any{"show": false},
		},
		"yAxis":  map[string]any{"type": "value", "min": 0, "minInterval": 1, "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series": series,
	}
}

func adoptionPoint(v View, at int64, w signal.AdoptionWeek, s cairn.Signal, what string) map[string]any {
	p := map[string]any{"value": []any{at, nil}, "name": ""}
	if s.Known {
		p["value"] = []any{at, s.Number}
		p["name"] = fmt.Sprintf("%s: %s %s", v.Date(w.Day.Start(v.Zone)), v.Decimal(s.Number, 0), what)
	}
	return p
}

// percentOf writes a signal in percent, and a dash where it is missing.
func percentOf(v View, s cairn.Signal) string {
	if !s.Known {
		return "–"
	}
	return v.Decimal(s.Number, 0) + " %"
}
