package web

import (
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
	"cairn/internal/survival"
)

// A survivalView is the page of how long customers stay.
type survivalView struct {
	keptView
	revenue.Stay
	Said      float64 // the horizon that was asked for; 0: none
	Projected revenue.Projected
	Projects  bool
}

// stayAsked reads what an address asks for.
func (s *site) stayAsked(r *http.Request) (revenue.StayQuery, error) {
	asked, err := lensAsked(r, s.view(r))
	if err != nil {
		return revenue.StayQuery{}, err
	}
	q := revenue.StayQuery{
		Query:    asked,
		Interval: survival.Interval(r.FormValue("interval")), Complete: r.FormValue("complete") != "",
	}
	if text := r.FormValue("since"); text != "" {
		day, err := time.Parse(time.DateOnly, text)
		if err != nil {
			return q, cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2026-01-31 is needed.", text).At("since")
		}
		q.Since = cairn.DayOf(day, time.UTC)
	}
	if text := r.FormValue("horizon"); text != "" {
		var err error
		if q.Horizon, err = strconv.ParseFloat(text, 64); err != nil || !(q.Horizon > 0) {
			return q, cairn.Errorf(cairn.Invalid, "%q is not a number of months over 0.", text).At("horizon")
		}
	}
	return q, nil
}

func (s *site) survivalView(r *http.Request, v View) (t survivalView, err error) {
	q, err := s.stayAsked(r)
	if err != nil {
		return t, err
	}
	t.Said = q.Horizon
	if t.Stay, err = s.Revenue.Stays(r.Context(), v.Scope(), q); err != nil {
		return t, err
	}
	if t.By == "" {
		t.Projected, t.Projects = t.Project()
	}
	t.keptView, err = s.offer(r, v, q.Query, t.Policy)
	return t, err
}

func (s *site) revenueSurvival(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.survivalView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Charts: true, Wide: true, Date: lensDate(v, t.Lens)}, survivalPage(v, t))
}

// survivalTable is the curves of the page, step by step.
func (s *site) survivalTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.survivalView(r, v)
	return t.Figures().Table(), err
}

// link leads to the same question, changed in some of its parts.
func (t survivalView) link(path string, change ...string) string {
	var parts []string
	if t.Since != 0 {
		parts = append(parts, "since", t.Since.String())
	}
	if t.Complete {
		parts = append(parts, "complete", "1")
	}
	if t.Interval == survival.LogLog {
		parts = append(parts, "interval", string(t.Interval))
	}
	if t.Said != 0 {
		parts = append(parts, "horizon", strconv.FormatFloat(t.Said, 'f', -1, 64))
	}
	return t.address(path, append(parts, change...)...)
}

// behind leads to the customers who were watched just before a time, or who
// left between two times; "": the group is no one value.
func (t survivalView) behind(g revenue.StayGroup, what string, from, to float64) string {
	if g.Others > 0 {
		return ""
	}
	parts := []string{"what", what, "from", strconv.FormatFloat(from, 'g', -1, 64), "to", ""}
	if what == revenue.StayLeft {
		parts[5] = strconv.FormatFloat(to, 'g', -1, 64)
	}
	if !g.Whole {
		parts = append(parts, "value", "="+g.Value)
	}
	return t.link("/revenue/survival/accounts", parts...)
}

// sentence says how long customers stay, as far as is known.
func (t survivalView) sentence(v View) string {
	var out string
	switch m := t.All.Median; {
	case m.Time != nil:
		out = fmt.Sprintf("Half of all customers stay longer than %s months%s.", v.Decimal(*m.Time, 1), t.bounds(v, m.Lower, m.Upper))
	case t.Horizon > 0:
		p := t.All.At(t.Horizon)
		out = fmt.Sprintf("%s of all customers stay longer than %s months, so nobody knows yet how long half of them stay.", v.Decimal(100*p, 0)+" %", v.Decimal(t.Horizon, 0))
	}
	if m := t.All.Mean; m != nil {
		out += fmt.Sprintf(" Of their first %s months they stay %s on average (%s to %s).", v.Decimal(m.Horizon, 0), v.Decimal(m.Mean, 1), v.Decimal(max(0, m.Lower), 1), v.Decimal(min(m.Horizon, m.Upper), 1))
	}
	return strings.TrimSpace(out)
}

// bounds writes an interval in brackets.
func (t survivalView) bounds(v View, lower, upper *float64) string {
	switch {
	case lower == nil:
		return ""
	case upper == nil:
		return " (at least " + v.Decimal(*lower, 1) + ")"
	}
	return " (" + v.Decimal(*lower, 1) + " to " + v.Decimal(*upper, 1) + ")"
}

// verdict says in words whether the groups differ.
func (t survivalView) verdict(v View) string {
	if t.Test == nil {
		return t.Untested
	}
	words := "differ no more than chance would explain"
	if t.Test.P < 0.05 {
		words = "differ more than chance would explain"
	}
	return fmt.Sprintf("The groups %s (log-rank test: χ² %s, %s, p %s).", words, v.Decimal(t.Test.ChiSquared, 2), v.several(t.Test.Freedom, "degree of freedom", "degrees of freedom"), chance(v, t.Test.P))
}

// chance writes a p-value.
func chance(v View, p float64) string {
	if p < 0.0001 {
		return "below " + v.Decimal(0.0001, 4)
	}
	return v.Decimal(p, 4)
}

// watched says who is counted from when on.
func (t survivalView) watched(v View) string {
	var parts []string
	if t.Late > 0 {
		parts = append(parts, fmt.Sprintf("%s here before %s; they count from then on", v.several(t.Late, "customer was", "customers were"), t.from()))
	}
	if t.Unseen > 0 {
		parts = append(parts, fmt.Sprintf("%s before that, and cannot count", v.several(t.Unseen, "customer had left", "customers had left")))
	}
	if t.Back > 0 {
		parts = append(parts, fmt.Sprintf("%s back later; they count as having left", v.several(t.Back, "customer came", "customers came")))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + "."
}

func (t survivalView) from() string {
	if t.Since != 0 {
		return t.Since.Start(time.UTC).Format("2 January 2006")
	}
	return "anything was known of them"
}

// note says how the figures are reckoned.
func (t survivalView) note() string {
	out := "Share of customers that stays longer, in months since they came (Kaplan and Meier), with intervals of 95 % (" + string(t.Interval) + ")"
	return out + t.narrowed() + "; policy " + t.Policy.Name
}

// last is where the chart ends, in months.
func (t survivalView) last() float64 {
	last := 1.0
	for _, g := range t.Curves() {
		last = max(last, math.Ceil(g.Last))
	}
	return last
}

// ticks are the ages under which counts stand.
func (t survivalView) ticks() []float64 {
	var out []float64
	last := t.last()
	for m := 0.0; m <= last; m += monthStep(last) {
		out = append(out, m)
	}
	return out
}

// A survivalRisk is one group with how many of it were watched at each tick.
type survivalRisk struct {
	revenue.StayGroup
	Risk []drawnNumber
}

// risks are the numbers at risk, group by group.
func (t survivalView) risks(v View) []survivalRisk {
	var out []survivalRisk
	ticks := t.ticks()
	for _, g := range t.Curves() {
		r := survivalRisk{StayGroup: g}
		for i, n := range g.AtRisk(ticks) {
			tip := fmt.Sprintf("%s: %s watched at month %s", g.Name(), v.several(n, "customer", "customers"), v.Decimal(ticks[i], 0))
			r.Risk = append(r.Risk, drawnNumber{ticks[i], n, tip, t.behind(g, revenue.StayWatched, ticks[i], 0)})
		}
		out = append(out, r)
	}
	return out
}

// mostSteps is how many steps of one curve are drawn.
const mostSteps = 240

// steps are the points of a curve: where many follow each other closely, the
// last of each stretch, which opens all that left in it.
func (t survivalView) steps(v View, g revenue.StayGroup) []drawnPoint {
	out := []drawnPoint{{X: 0, Y: 100, Tip: g.Name() + ": all, at the beginning", Href: t.behind(g, revenue.StayWatched, 0, 0)}}
	one := 1.0
	out[0].Lower, out[0].Upper = &one, &one
	stretch := t.last() / mostSteps
	for i, p := range g.Points {
		if i+1 < len(g.Points) && math.Floor(g.Points[i+1].Time/stretch) == math.Floor(p.Time/stretch) {
			continue
		}
		begin := math.Floor(p.Time/stretch) * stretch
		tip := fmt.Sprintf("%s: %s stay longer than %s months", g.Name(), v.Decimal(100*p.Survival, 1)+" %", v.Decimal(p.Time, 1))
		if p.Lower != nil {
			tip += fmt.Sprintf(" (%s to %s), of %d watched", v.Decimal(100**p.Lower, 1), v.Decimal(100**p.Upper, 1), p.Risk)
		}
		out = append(out, drawnPoint{X: p.Time, Y: 100 * p.Survival, Lower: p.Lower, Upper: p.Upper, Tip: tip, Href: t.behind(g, revenue.StayLeft, min(begin, p.Time), math.Nextafter(p.Time, math.Inf(1)))})
	}
	last := out[len(out)-1]
	if g.Last > last.X {
		last.X, last.Tip, last.Href = g.Last, g.Name()+": until here anybody was watched", ""
		out = append(out, last)
	}
	return out
}

// curves is the picture: steps with bands, and the numbers at risk under it.
func (t survivalView) curves(v View) map[string]any {
	var lines []drawnLine
	var counts []drawnCount
	for i, r := range t.risks(v) {
		l := drawnLine{Name: r.Name(), Step: true, Points: t.steps(v, r.StayGroup), Thick: r.Whole}
		l.Look, l.Dash = lineLook(i)
		lines = append(lines, l)
		counts = append(counts, drawnCount{r.Name(), l.Look, r.Risk})
	}
	if t.Projects {
		lines = append(lines, t.projection(v))
	}
	return monthLines(v, lines, counts, t.last(), 100, t.By != "")
}

// projection is the line that the model draws through the years.
func (t survivalView) projection(v View) drawnLine {
	l := drawnLine{Name: "projected", Look: "--dim", Dash: "dotted", Step: true}
	for year, share := range t.Projected.Share {
		if x := 12 * float64(year); x <= t.last() {
			l.Points = append(l.Points, drawnPoint{X: x, Y: 100 * share, Tip: fmt.Sprintf("projected: %s after %s", v.Decimal(100*share, 1)+" %", v.several(year, "year", "years"))})
		}
	}
	return l
}

func (t survivalView) curvesWords(v View) string {
	var parts []string
	for _, g := range t.Curves() {
		parts = append(parts, fmt.Sprintf("%s: %s left after %s months, of %d customers", g.Name(), v.Decimal(100*g.At(g.Last), 0)+" %", v.Decimal(g.Last, 0), g.N))
	}
	return t.note() + ". " + strings.Join(parts, "; ") + "."
}

// years are the whole years that any curve reaches, in months.
func (t survivalView) years() []float64 {
	var out []float64
	for m := 12.0; m <= t.last(); m += 12 {
		out = append(out, m)
	}
	return out
}

// stays writes the share of a group that stays longer than a time, and a dash
// where nobody was watched so long.
func (t survivalView) stays(v View, g revenue.StayGroup, time float64) string {
	if time > g.Last {
		return "–"
	}
	return v.Decimal(100*g.At(time), 0) + " %"
}

// A survivalAccountsView is the page of the customers behind a step or a
// number at risk.
type survivalAccountsView struct {
	survivalView
	Cell    revenue.StayCell
	Members []revenue.Stayed
}

func (s *site) survivalAccountsView(r *http.Request, v View) (t survivalAccountsView, err error) {
	q, err := s.stayAsked(r)
	if err != nil {
		return t, err
	}
	t.Cell = revenue.StayCell{Value: valueAsked(r), What: r.FormValue("what")}
	for name, into := range map[string]*float64{"from": &t.Cell.From, "to": &t.Cell.To} {
		if text := r.FormValue(name); text != "" {
			if *into, err = strconv.ParseFloat(text, 64); err != nil {
				return t, cairn.Errorf(cairn.Invalid, "%q is not a number of months.", text).At(name)
			}
		}
	}
	t.Members, err = s.Revenue.StayMembers(r.Context(), v.Scope(), q, t.Cell)
	t.Asked, t.By, t.Since, t.Complete, t.Interval, t.Said = q.Query, q.By, q.Since, q.Complete, q.Interval, q.Horizon
	if err == nil {
		t.Lens, err = s.lens(r, v)
	}
	return t, err
}

func (s *site) survivalAccounts(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.survivalAccountsView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: t.title(v), Active: "revenue", Crumbs: []Crumb{{"Revenue", "/revenue"}, {"How long they stay", t.link("/revenue/survival")}}, Date: lensDate(v, t.Lens)}, survivalAccountsPage(v, t))
}

// survivalAccountsTable is the customers behind a step or a number at risk.
func (s *site) survivalAccountsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.survivalAccountsView(r, v)
	return sheet.Table{
		Name: "survival-accounts", Same: []sheet.Fact{{Key: "shown", Cell: sheet.Text(t.title(v))}},
		Columns: sheet.Columns("account", "name", "came", "left", "months", "watched_from_month"),
		Rows: sheet.Of(t.Members, func(m revenue.Stayed) []sheet.Cell {
			return []sheet.Cell{sheet.Text(m.Account.String()), sheet.Text(m.Name), sheet.Date(m.Start), sheet.Date(m.End), sheet.Number(&m.Months), sheet.Number(&m.Entry)}
		}),
	}, err
}

// title says who is shown.
func (t survivalAccountsView) title(v View) string {
	who := "Customers"
	if t.Cell.Value != nil {
		who = capital(t.By) + " " + valueName(*t.Cell.Value)
	}
	if t.Cell.What == revenue.StayLeft {
		return fmt.Sprintf("%s: left after %s to %s months", who, v.Decimal(t.Cell.From, 1), v.Decimal(t.Cell.To, 1))
	}
	return fmt.Sprintf("%s: watched at month %s", who, v.Decimal(t.Cell.From, 0))
}

// here leads to the same customers.
func (t survivalAccountsView) here(path string) string {
	parts := []string{"what", t.Cell.What, "from", strconv.FormatFloat(t.Cell.From, 'g', -1, 64), "to", strconv.FormatFloat(t.Cell.To, 'g', -1, 64)}
	if t.Cell.Value != nil {
		parts = append(parts, "value", "="+*t.Cell.Value)
	}
	return t.link(path, parts...)
}
