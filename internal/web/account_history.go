package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/event"
	"cairn/internal/vector"
)

// accountHistorySpans are how many weeks of history are offered.
var accountHistorySpans = []int{26, 52, 104}

// accountMarkersShown bounds the markers of a chart.
const accountMarkersShown = 200

// An accountHistoryView is the level over time, with what happened meanwhile.
type accountHistoryView struct {
	View    accountView // for addresses
	Marks   []cairn.Mark
	Markers []accountMarker
	Scored  []account.Scored // as it was said then
	Ahead   vector.Projection
}

// An accountMarker is something that happened and may explain a level.
type accountMarker struct {
	At   time.Time
	Lane string // one of accountLanes
	Text string
	Bad  bool
}

// accountLanes are the kinds of markers, from the top.
var accountLanes = []string{"Contract", "Billing", "Support", "Talks", "Changes"}

// accountWeeks reads how many weeks of history an address asks for.
func accountWeeks(q url.Values) int {
	return oneOfSpans(q.Get("weeks"), accountHistorySpans)
}

// oneOfSpans returns the span that text names, else the first.
func oneOfSpans(text string, spans []int) int {
	if n, err := strconv.Atoi(text); err == nil && slices.Contains(spans, n) {
		return n
	}
	return spans[0]
}

// weekEnds are the ends of the last weeks before now, oldest first, and now;
// none before first.
func weekEnds(first, now time.Time, weeks int, z *time.Location) []time.Time {
	ends := slices.DeleteFunc(vector.WeekEnds(now, z, weeks), func(t time.Time) bool { return !t.After(first) })
	return append(ends, now)
}

// lastDay is the day that a mark at the end of a week belongs to: its Sunday.
func lastDay(m cairn.Mark) time.Time { return m.At.Add(-time.Microsecond) }

func (s *site) accountHistoryPart(w http.ResponseWriter, r *http.Request, v View, id cairn.AccountID) error {
	ctx, scope := r.Context(), v.Scope()
	av, err := s.accountAt(r, v, id)
	if err != nil {
		return err
	}
	h := accountHistoryView{View: av}
	// The whole history is shown also from the past: it is how one comes back.
	ends := weekEnds(av.Account.First, v.Now, av.Weeks, v.Zone)
	if h.Marks, err = s.Explain.Levels(ctx, scope, id, ends); err != nil {
		return err
	}
	if h.Markers, err = s.accountMarkers(ctx, v, id, ends[0]); err != nil {
		return err
	}
	if h.Scored, err = s.Accounts.Scored(ctx, scope, id, cairn.DayOf(ends[0], v.Zone), v.Today()); err != nil {
		return err
	}
	owners, err := s.ownerMarkers(ctx, v, id, ends[0])
	if err != nil {
		return err
	}
	if h.Ahead, err = s.accountAhead(ctx, v, id, r.FormValue("project")); err != nil {
		return err
	}
	h.Markers = append(append(h.Markers, owners...), modelMarkers(h.Scored, v.Zone)...)
	slices.SortFunc(h.Markers, func(a, b accountMarker) int { return b.At.Compare(a.At) })
	return s.write(w, r, http.StatusOK, accountHistorySection(v, h))
}

// accountAhead projects the level of now to a day, by default that of the next
// renewal.
func (s *site) accountAhead(ctx context.Context, v View, id cairn.AccountID, day string) (vector.Projection, error) {
	now, signals, err := s.Explain.Explain(ctx, v.Scope(), id, v.Now)
	if err != nil {
		return vector.Projection{}, err
	}
	to := vector.Ahead(v.Now, signals, v.Zone)
	if day != "" {
		t, err := time.ParseInLocation(time.DateOnly, day, v.Zone)
		d := cairn.DayOf(t, v.Zone)
		if err != nil || d <= v.Today() {
			return vector.Projection{}, cairn.Errorf(cairn.Invalid, "A level is projected to a day after today, such as %s.", (v.Today() + 90).String()).At("project")
		}
		to = d.End(v.Zone)
	}
	return vector.Project(now.Trail, to), nil
}

// aheadWords says where the level is if it goes on like this.
func (h accountHistoryView) aheadWords(v View) string {
	p := h.Ahead
	if !p.Known {
		return "Fewer than four levels are known: too few to say where it goes."
	}
	return fmt.Sprintf("If it goes on like this, the level on %s is %d: in 8 of 10 such cases between %d and %d.", v.Date(lastDay(cairn.Mark{At: p.At})), p.Level.Round(), p.Low.Round(), p.High.Round())
}

// modelMarkers are when another model, or another revision, began to score.
func modelMarkers(scored []account.Scored, zone *time.Location) []accountMarker {
	var out []accountMarker
	for i := 1; i < len(scored); i++ {
		if was, is := scored[i-1], scored[i]; was.Model != is.Model || was.Rev != is.Rev {
			out = append(out, accountMarker{At: is.Day.Start(zone), Lane: "Changes", Text: "Scored by " + modelRevision(is) + ", before by " + modelRevision(was)})
		}
	}
	return out
}

func modelRevision(d account.Scored) string {
	if d.Rev == 0 {
		return "the model " + d.Model
	}
	return fmt.Sprintf("the model %s, revision %d", d.Model, d.Rev)
}

// ownerMarkers are when the account changed hands since t. Each look goes to
// the moment before the last word about the owner.
func (s *site) ownerMarkers(ctx context.Context, v View, id cairn.AccountID, t time.Time) ([]accountMarker, error) {
	var out []accountMarker
	later, since := "", time.Time{}
	for at := (time.Time{}); len(out) < accountMarkersShown; {
		records, err := s.Accounts.Records(ctx, v.Scope(), id, cairn.OfAccount, at)
		if err != nil {
			return nil, err
		}
		if len(records) == 0 {
			return out, nil
		}
		said, known := records[0].Fields["owner"]
		owner := records[0].Text("owner")
		if !since.IsZero() && owner != later {
			out = append(out, accountMarker{At: since, Lane: "Changes", Text: "Owner " + cmp.Or(later, "nobody") + ", before " + cmp.Or(owner, "nobody")})
		}
		if !known || !said.At.After(t) || !since.IsZero() && !said.At.Before(since) {
			return out, nil
		}
		later, since = owner, said.At
		at = said.At.Add(-time.Microsecond)
	}
	return out, nil
}

// accountMarkers are what happened to the account since t.
func (s *site) accountMarkers(ctx context.Context, v View, id cairn.AccountID, t time.Time) ([]accountMarker, error) {
	var out []accountMarker
	for _, kind := range []cairn.EventKind{cairn.OfContract, cairn.OfInvoice, cairn.OfTicket} {
		records, err := s.Accounts.Records(ctx, v.Scope(), id, kind, time.Time{})
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			out = append(out, accountRecordMarkers(r)...)
		}
	}
	page, err := s.History.Timeline(ctx, v.Scope(), event.Query{Account: id, Kinds: []cairn.EventKind{cairn.Interaction}, From: t, Limit: 100})
	if err != nil {
		return nil, err
	}
	for _, e := range page.Events {
		f := accountFields(e)
		out = append(out, accountMarker{At: e.At, Lane: "Talks", Text: accountTalkWord(f["type"]), Bad: f["mood"] == "bad"})
	}
	out = slices.DeleteFunc(out, func(m accountMarker) bool { return m.At.Before(t) || m.At.After(v.Now) })
	slices.SortFunc(out, func(a, b accountMarker) int { return b.At.Compare(a.At) })
	return out[:min(len(out), accountMarkersShown)], nil
}

// accountRecordMarkers are the moments of a record that may explain a level.
func accountRecordMarkers(r cairn.Record) []accountMarker {
	var out []accountMarker
	add := func(field, lane, text string, bad bool) {
		if t, ok := r.Time(field); ok {
			out = append(out, accountMarker{At: t, Lane: lane, Text: text, Bad: bad})
		}
	}
	switch r.Kind {
	case cairn.OfContract:
		add("start", "Contract", "Contract begins", false)
		add("cancelled_at", "Contract", "Contract cancelled", true)
		add("renews", "Contract", "Renewal", false)
	case cairn.OfInvoice:
		if n, _ := r.Number("failed_payments"); n > 0 {
			add("due", "Billing", "Payment failed", true)
		} else if due, ok := r.Time("due"); ok {
			if paid, isPaid := r.Time("paid_at"); isPaid && paid.Sub(due) > 24*time.Hour {
				add("due", "Billing", "Invoice paid late", true)
			}
		}
	case cairn.OfTicket:
		add("opened", "Support", "Ticket opened"+dashed(r.Text("priority")), r.Bool("escalated") || r.Text("priority") == "urgent")
	}
	return out
}

func dashed(s string) string {
	if s == "" {
		return ""
	}
	return ", " + s
}

// chart is the ECharts option: the level as a line, the markers as lanes under
// it. A point leads to the page as of its day.
func (h accountHistoryView) chart(v View) map[string]any {
	line, lanes := []any{}, []any{}
	for _, m := range h.Marks {
		point := map[string]any{"value": []any{m.At.UnixMilli(), nil}, "name": v.Date(lastDay(m))}
		if m.Known {
			point["value"] = []any{m.At.UnixMilli(), m.Level.Round()}
			point["name"] = fmt.Sprintf("%s: level %d", v.Date(lastDay(m)), m.Level.Round())
			point["href"] = h.View.address(v, lastDay(m))
		}
		line = append(line, point)
	}
	for _, m := range h.Markers {
		colour := "--grey"
		if m.Bad {
			colour = "--red"
		}
		lanes = append(lanes, map[string]any{
			"value": []any{m.At.UnixMilli(), m.Lane}, "name": m.Text + ", " + v.Date(m.At),
			"itemStyle": map[string]any{"color": colour},
			"href":      h.View.address(v, m.At),
		})
	}
	var shown any
	if h.View.Past() {
		shown = map[string]any{
			"symbol": "none", "silent": true, "lineStyle": map[string]any{"color": "--accent", "width": 1.5, "type": "solid"},
			"label": map[string]any{"formatter": "shown", "color": "--accent", "fontSize": 11},
			"data":  []any{map[string]any{"xAxis": h.View.At.UnixMilli()}},
		}
	}
	left, right := v.Now.UnixMilli(), v.Now.UnixMilli()
	if len(h.Marks) > 0 {
		left = h.Marks[0].At.UnixMilli()
	}
	then := h.then(v, left, right)
	axis := func(grid int, labels bool) map[string]any {
		return map[string]any{
			"type": "time", "gridIndex": grid, "min": left, "max": right, "splitNumber": 6,
			"axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}, "axisTick": map[string]any{"show": false},
			"axisLabel": map[string]any{"show": labels, "color": "--dim", "hideOverlap": true, "formatter": map[string]any{
				"year": "{yyyy}", "month": "{MMM}", "day": "{d} {MMM}",
			}},
			"splitLine": map[string]any{"show": false},
		}
	}
	plain := map[string]any{"show": false}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid": []any{
			map[string]any{"left": 62, "right": 16, "top": 16, "height": 176},
			map[string]any{"left": 62, "right": 16, "top": 216, "height": 104},
		},
		"xAxis": []any{axis(0, true), axis(1, false)},
		"yAxis": []any{
			map[string]any{"type": "value", "min": 0, "max": 100, "interval": 25, "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
			map[string]any{"type": "category", "gridIndex": 1, "inverse": true, "data": accountLanes, "axisLine": plain, "axisTick": plain,
				"axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"show": true, "lineStyle": map[string]any{"color": "--line"}}},
		},
		"series": []any{
			map[string]any{
				"type": "line", "data": line, "connectNulls": false, "symbol": "circle", "symbolSize": 7, "cursor": "pointer",
				"showSymbol": len(line) <= 60, "lineStyle": map[string]any{"color": "--accent", "width": 2}, "itemStyle": map[string]any{"color": "--accent"},
				"areaStyle": map[string]any{"color": "--accent", "opacity": 0.06}, "markLine": shown,
			},
			map[string]any{
				"type": "line", "data": then, "step": "end", "connectNulls": false, "symbol": "none", "silent": true,
				"lineStyle": map[string]any{"color": "--dim", "width": 1.5, "type": "dashed"},
			},
			map[string]any{"type": "scatter", "xAxisIndex": 1, "yAxisIndex": 1, "data": lanes, "symbolSize": 9, "cursor": "pointer"},
		},
	}
}

// then is the level as it was scored at the time: each stands until the next.
func (h accountHistoryView) then(v View, left, right int64) []any {
	out := []any{}
	for _, d := range h.Scored {
		at := max(d.Day.Start(v.Zone).UnixMilli(), left)
		if d.Known {
			out = append(out, []any{at, d.Level.Round()})
		} else {
			out = append(out, []any{at, nil})
		}
	}
	if n := len(h.Scored); n > 0 && h.Scored[n-1].Known {
		out = append(out, []any{right, h.Scored[n-1].Level.Round()})
	}
	return out
}

// scoredAt returns how the account stood scored at the end of a week.
func (h accountHistoryView) scoredAt(v View, t time.Time) string {
	day, text := cairn.DayOf(t.Add(-time.Microsecond), v.Zone), "–"
	for _, d := range h.Scored {
		switch {
		case d.Day > day:
			return text
		case d.Known:
			text = tenths(d.Level)
		default:
			text = "not known"
		}
	}
	return text
}

// drawable reports whether there is a line to draw.
func (h accountHistoryView) drawable() bool {
	known := 0
	for _, m := range h.Marks {
		if m.Known {
			known++
		}
	}
	return known > 1
}

// words are the chart for those who do not see it.
func (h accountHistoryView) words(v View) string {
	first, last := cairn.Mark{}, cairn.Mark{}
	for _, m := range h.Marks {
		if m.Known {
			if !first.Known {
				first = m
			}
			last = m
		}
	}
	if !first.Known {
		return "No level is known yet."
	}
	return fmt.Sprintf("Level over time: %d on %s, %d on %s. The table below has every week.",
		first.Level.Round(), v.Date(lastDay(first)), last.Level.Round(), v.Date(last.At))
}

// An accountHistoryRow is one week of the table behind the chart.
type accountHistoryRow struct{ Label, Level, Change, Scored, Happened, Href string }

// rows are the weeks, newest first.
func (h accountHistoryView) rows(v View) []accountHistoryRow {
	var out []accountHistoryRow
	for i := len(h.Marks) - 1; i >= 0; i-- {
		m := h.Marks[i]
		row := accountHistoryRow{Label: v.Date(lastDay(m)), Level: "not known", Change: "–", Scored: h.scoredAt(v, m.At), Href: h.View.address(v, lastDay(m))}
		if i == len(h.Marks)-1 {
			row.Label = "Now"
		}
		from := time.Time{}
		if i > 0 {
			from = h.Marks[i-1].At
		}
		if m.Known {
			row.Level = tenths(m.Level)
			if i > 0 && h.Marks[i-1].Known {
				row.Change = signed(m.Level - h.Marks[i-1].Level)
			}
		}
		row.Happened = h.happened(from, m.At)
		if m.Gap != "" {
			row.Happened = strings.TrimPrefix(row.Happened+"; "+m.Gap, "–; ")
		}
		out = append(out, row)
	}
	return out
}

// happened says what happened after from and until to.
func (h accountHistoryView) happened(from, to time.Time) string {
	counts, order := map[string]int{}, []string{}
	for _, m := range h.Markers {
		if !m.At.After(from) || m.At.After(to) {
			continue
		}
		if counts[m.Text] == 0 {
			order = append(order, m.Text)
		}
		counts[m.Text]++
	}
	for i, text := range order {
		if n := counts[text]; n > 1 {
			order[i] = fmt.Sprintf("%s (%d)", text, n)
		}
	}
	return cmp.Or(strings.Join(order, "; "), "–")
}

func accountSpanWord(weeks int) string {
	switch weeks {
	case 26:
		return "Half a year"
	case 52:
		return "A year"
	}
	return plural(weeks/52, "year")
}
