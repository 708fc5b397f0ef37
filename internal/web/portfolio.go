package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/portfolio"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

func (s *site) portfolioRoutes(mux *http.ServeMux) {
	if s.Portfolio == nil {
		return
	}
	mux.Handle("GET /portfolio", s.page(s.portfolio))
	mux.Handle("GET /portfolio/accounts", s.page(s.portfolioWho))
	s.files(mux, "/portfolio", s.portfolioTable)
	s.files(mux, "/portfolio/accounts", s.portfolioWhoTable)
}

// A portfolioView is how all accounts were scored on two days.
type portfolioView struct {
	portfolio.Report
	Dimensions []accountsChoice
	Reasons    map[int]string // of movers, by their place
	Was, Is    string         // grades, of a list of accounts
}

// portfolioAsked reads what an address asks for.
func portfolioAsked(r *http.Request) (q portfolio.Query, err error) {
	for name, into := range map[string]*cairn.Day{"from": &q.From, "to": &q.To} {
		if text := r.FormValue(name); text != "" {
			t, err := time.Parse(time.DateOnly, text)
			if err != nil {
				return q, cairn.Errorf(cairn.Invalid, "%q is not a day such as 2026-03-01.", text).At(name)
			}
			*into = cairn.DayOf(t, time.UTC)
		}
	}
	where, err := revenue.ParseWhere(strings.Join(r.Form["where"], "\n"))
	if err != nil {
		return q, err
	}
	q.By, q.Where = r.FormValue("by"), revenue.WhereText(where)
	return q, nil
}

// reasonsShown is of how many movers the page says what did most of it, each of
// which is compared anew.
const reasonsShown = 10

func (s *site) portfolioView(r *http.Request, v View) (t portfolioView, err error) {
	q, err := portfolioAsked(r)
	if err != nil {
		return t, err
	}
	if t.Report, err = s.Portfolio.Report(r.Context(), v.Scope(), q); err != nil {
		return t, err
	}
	if s.Revenue != nil {
		fields, err := s.Revenue.Fields(r.Context())
		if err != nil {
			return t, err
		}
		for _, f := range fields {
			if f.Name != "owner" && f.Name != "name" {
				t.Dimensions = append(t.Dimensions, accountsChoice{Key: f.Name, Label: "By " + f.Name})
			}
		}
	}
	return t, nil
}

func (s *site) portfolio(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.portfolioView(r, v)
	if err != nil {
		return err
	}
	t.Movers = t.Movers[:min(len(t.Movers), reasonsShown)]
	if err := s.portfolioReasons(r, v, &t); err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Success Vector", Active: "models", Charts: true, Wide: true}, portfolioPage(v, t))
}

// portfolioReasons says of the first movers what did most of it.
func (s *site) portfolioReasons(r *http.Request, v View, t *portfolioView) error {
	t.Reasons = map[int]string{}
	if s.Diff == nil {
		return nil
	}
	for i, m := range t.Movers[:min(len(t.Movers), reasonsShown)] {
		if m.By() == 0 {
			continue
		}
		d, err := s.Diff.Diff(r.Context(), v.Scope(), m.Account, t.From.End(v.Zone).Add(-time.Microsecond), t.To.End(v.Zone).Add(-time.Microsecond))
		if err != nil {
			return err
		}
		for _, c := range d.Changes { // the first that goes the same way
			if (c.Points > 0) == (m.By() > 0) {
				t.Reasons[i] = c.Text
				break
			}
		}
	}
	return nil
}

// mostWho is how many accounts of a stream a page lists.
const mostWho = 500

func (s *site) whoView(r *http.Request, v View) (t portfolioView, err error) {
	q, err := portfolioAsked(r)
	if err != nil {
		return t, err
	}
	t.Was, t.Is = r.FormValue("was"), r.FormValue("is")
	t.Movers, t.Query, err = s.Portfolio.Who(r.Context(), v.Scope(), q, t.Was, t.Is)
	t.Accounts = len(t.Movers)
	return t, err
}

func (s *site) portfolioWho(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.whoView(r, v)
	if err != nil {
		return err
	}
	t.Movers = t.Movers[:min(len(t.Movers), mostWho)]
	if err := s.portfolioReasons(r, v, &t); err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Success Vector", Active: "models", Wide: true, Crumbs: []Crumb{{"Portfolio", t.address("/portfolio")}}}, portfolioWhoPage(v, t))
}

// address leads to the same question.
func (t portfolioView) address(path string) string { return addressOf(path, t.query()) }

func (t portfolioView) query() url.Values {
	q := url.Values{"from": {t.From.String()}, "to": {t.To.String()}}
	if t.By != "" && t.By != "owner" {
		q.Set("by", t.By)
	}
	for line := range strings.SplitSeq(t.Where, "\n") {
		if line != "" {
			q.Add("where", line)
		}
	}
	return q
}

// who leads to the accounts of a stream.
func (t portfolioView) who(was, is string) string {
	q := t.query()
	q.Set("was", was)
	q.Set("is", is)
	return addressOf("/portfolio/accounts", q)
}

func (t portfolioView) whoAddress(path string) string {
	q := t.query()
	if t.Was != "" {
		q.Set("was", t.Was)
	}
	if t.Is != "" {
		q.Set("is", t.Is)
	}
	return addressOf(path, q)
}

// only leads to the accounts of one value of the field.
func (t portfolioView) only(value string) string {
	q := t.query()
	q.Add("where", t.By+":"+value)
	return addressOf("/portfolio", q)
}

// whoOf leads to those of them that have a grade.
func (t portfolioView) whoOf(value, is string) string {
	q := t.query()
	q.Add("where", t.By+":"+value)
	q.Set("is", is)
	return addressOf("/portfolio/accounts", q)
}

// moved counts the accounts that went up and down in grade.
func (t portfolioView) moved() (up, down int) {
	at := func(name string) int {
		return slices.IndexFunc(t.Bands, func(b portfolio.Band) bool { return b.Name == name })
	}
	for _, f := range t.Flows {
		switch a, b := at(f.From), at(f.To); {
		case a < 0 || b < 0:
		case b > a:
			up += f.Accounts
		case b < a:
			down += f.Accounts
		}
	}
	return up, down
}

// days are the two days as people write them.
func (t portfolioView) days(v View) (from, to string) {
	return v.Date(t.From.Start(v.Zone)), v.Date(t.To.Start(v.Zone))
}

func (t portfolioView) sentence(v View) string {
	from, to := t.days(v)
	if t.Accounts == 0 {
		return "No account was scored by " + to + "."
	}
	up, down := t.moved()
	var grades []string
	for _, b := range t.Bands {
		grades = append(grades, fmt.Sprintf("%s %s", v.Count(int64(b.Accounts)), strings.ToLower(b.Name)))
	}
	return fmt.Sprintf("%s: %s. Since %s %s moved up a grade and %s down.", v.several(t.Accounts, "account", "accounts"), strings.Join(grades, ", "), from, v.Count(int64(up)), v.Count(int64(down)))
}

func (t portfolioView) whoSentence(v View) string {
	from, to := t.days(v)
	switch {
	case t.Was == "" && t.Is == "":
		return v.several(t.Accounts, "account was scored.", "accounts were scored.")
	case t.Was == "":
		return fmt.Sprintf("%s %s on %s.", v.several(t.Accounts, "account was", "accounts were"), strings.ToLower(t.Is), to)
	case t.Is == "":
		return fmt.Sprintf("%s %s on %s.", v.several(t.Accounts, "account was", "accounts were"), strings.ToLower(t.Was), from)
	}
	return fmt.Sprintf("%s %s on %s and %s on %s.", v.several(t.Accounts, "account was", "accounts were"), strings.ToLower(t.Was), from, strings.ToLower(t.Is), to)
}

// gradeColours are the colours of grades as the page has them.
var gradeColours = map[string]string{"red": "--red", "amber": "--orange", "green": "--teal"}

// flowChart draws who went from which grade to which.
func (t portfolioView) flowChart(v View) map[string]any {
	colours := map[string]string{portfolio.Unknown: "--line-strong", portfolio.Absent: "--line-strong"}
	for _, b := range t.Bands {
		colours[b.Name] = "--grey"
		if c := gradeColours[b.Colour]; c != "" {
			colours[b.Name] = c
		}
	}
	var nodes, links []any
	seen := map[string]bool{}
	node := func(side, name string) string {
		id := side + name
		if !seen[id] {
			seen[id] = true
			nodes = append(nodes, map[string]any{"name": id, "depth": map[string]int{"was ": 0, "is ": 1}[side], "itemStyle": map[string]any{"color": colours[name]},
				"label": map[string]any{"formatter": name, "color": "--ink", "position": map[string]string{"was ": "right", "is ": "left"}[side]}})
		}
		return id
	}
	for _, f := range slices.Backward(t.Flows) {
		links = append(links, map[string]any{
			"source": node("was ", f.From), "target": node("is ", f.To), "value": f.Accounts, "name": fmt.Sprintf("%s → %s: %s", f.From, f.To, v.several(f.Accounts, "account", "accounts")),
			"href": t.who(f.From, f.To), "lineStyle": map[string]any{"color": colours[f.To], "opacity": 0.35},
		})
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"series": []any{map[string]any{
			"type": "sankey", "left": 16, "right": 16, "top": 12, "bottom": 12, "nodeWidth": 14, "nodeGap": 10, "draggable": false, "layoutIterations": 0, "cursor": "pointer",
			"emphasis": map[string]any{"focus": "none"}, "data": nodes, "links": links,
		}},
	}
}

func (t portfolioView) flowWords(v View) string {
	var out []string
	for _, f := range t.Flows {
		out = append(out, fmt.Sprintf("%s to %s: %d", f.From, f.To, f.Accounts))
	}
	return "Accounts by grade on both days. " + strings.Join(out, "; ") + "."
}

// levelChart draws how levels are spread on both days.
func (t portfolioView) levelChart(v View) map[string]any {
	from, to := t.days(v)
	return levelBars(t.Before, t.Tens, from, to)
}

func (t portfolioView) levelWords() string {
	var out []string
	for i := range t.Tens {
		out = append(out, fmt.Sprintf("%d to %d: %d, then %d", 10*i, 10*(i+1), t.Before[i], t.Tens[i]))
	}
	return "Accounts by level. " + strings.Join(out, "; ") + "."
}

func meanText(v View, mean *float64) string {
	if mean == nil {
		return "–"
	}
	return v.Decimal(*mean, 1)
}

func sinceOf(g portfolio.Group) cairn.Points {
	if g.Mean == nil || g.Before == nil {
		return 0
	}
	return cairn.Points((*g.Mean - *g.Before) * 1000)
}

func sinceText(v View, g portfolio.Group) string {
	if g.Mean == nil || g.Before == nil {
		return "–"
	}
	return signed(sinceOf(g))
}

func sinceLook(g portfolio.Group) string { return deltaLook(sinceOf(g)) }

// heatOf is how deep a cell is coloured: one of five steps of its share.
func heatOf(n, of int) string {
	if of == 0 || n == 0 {
		return ""
	}
	return fmt.Sprintf("heat-%d", 1+min(4*n/of, 4))
}

func scoredText(d account.Scored) string {
	if !d.Known {
		return "–"
	}
	return tenths(d.Level)
}

func (s *site) portfolioTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.portfolioView(r, v)
	if err != nil {
		return sheet.Table{}, err
	}
	keys := []string{"value", "accounts", "known", "mean", "mean_before", "rising", "falling"}
	for _, b := range t.Bands {
		keys = append(keys, strings.ToLower(b.Name))
	}
	return sheet.Table{
		Name: "portfolio", Same: t.same(), Columns: sheet.Columns(keys...),
		Rows: sheet.Of(t.Groups, func(g portfolio.Group) []sheet.Cell {
			row := []sheet.Cell{sheet.Text(g.Value), sheet.Count(g.Accounts), sheet.Count(g.Known), sheet.Number(g.Mean), sheet.Number(g.Before), sheet.Count(g.Rising), sheet.Count(g.Falling)}
			for _, n := range g.Bands {
				row = append(row, sheet.Count(n))
			}
			return row
		}),
	}, nil
}

// same is what is the same in every row of a file.
func (t portfolioView) same() []sheet.Fact {
	return []sheet.Fact{{Key: "from", Cell: sheet.Date(t.From)}, {Key: "to", Cell: sheet.Date(t.To)}, {Key: "by", Cell: sheet.Text(t.By)}, {Key: "only", Cell: sheet.Text(t.Where)}}
}

// levelCell is a level in points, and nothing where it is not known.
func levelCell(d account.Scored) sheet.Cell {
	if !d.Known {
		return sheet.Number(nil)
	}
	f := float64(d.Level) / 1000
	return sheet.Number(&f)
}

func (s *site) portfolioWhoTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.whoView(r, v)
	if err != nil {
		return sheet.Table{}, err
	}
	return sheet.Table{
		Name: "accounts", Same: t.same(), Columns: []sheet.Column{{Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "owner"}, {Key: "level_before"}, {Key: "level"}},
		Rows: sheet.Of(t.Movers, func(m portfolio.Mover) []sheet.Cell {
			return []sheet.Cell{sheet.Text(m.Account.String()), sheet.Text(m.Name), sheet.Text(m.Owner), levelCell(m.From), levelCell(m.To)}
		}),
	}, nil
}
