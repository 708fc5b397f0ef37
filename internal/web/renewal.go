package web

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/forecast"
	"cairn/internal/ingest"
	"cairn/internal/ledger"
	"cairn/internal/outcome"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

func (s *site) renewalRoutes(mux *http.ServeMux) {
	if s.Renewals == nil || s.Revenue == nil {
		return
	}
	mux.Handle("GET /renewals", s.page(s.staysOn(s.renewalBoard)))
	s.files(mux, "/renewals", s.renewalsTable)
	s.files(mux, "/renewals/grades", s.gradesTable)
	mux.Handle("GET /renewals/grades", s.page(s.renewalGrades))
	mux.Handle("GET /renewals/of/{account}", s.page(s.renewalOf))
	mux.Handle("GET /renewals/{contract}/{due}", s.page(s.renewalForm))
	mux.Handle("POST /renewals/{contract}/{due}", s.page(s.renewalSay))
}

// A renewalsView is the page of the contracts that come up in a quarter.
type renewalsView struct {
	Asked outcome.RenewalQuery
	outcome.Board
	Said string // what was just written down, for browsers without script
	Lens lens
	Most int // rows that are shown
}

// mostRenewals is how many rows are shown unless more are asked for: what a
// browser draws at once, and more than a quarter has for most.
const mostRenewals = 300

// shown are the rows that are shown.
func (t renewalsView) shown() []outcome.Renewal { return t.Rows[:min(len(t.Rows), t.Most)] }

// renewalsAsked reads what an address asks for.
func renewalsAsked(q url.Values, v View) (out outcome.RenewalQuery, err error) {
	out = outcome.RenewalQuery{Owner: q.Get("owner"), Show: q.Get("show"), Field: q.Get("field"), Value: strings.TrimSpace(q.Get("value")), Sort: q.Get("sort")}
	if out.Value == "" {
		out.Field = ""
	}
	where, err := revenue.ParseWhere(strings.Join(q["where"], "\n"))
	if err != nil {
		return out, err
	}
	out.Where = revenue.WhereText(where)
	if out.At, err = accountMoment(q, v); err != nil {
		return out, err
	}
	if text := q.Get("quarter"); text != "" {
		out.Quarter, err = outcome.ParseQuarter(text)
	}
	return out, err
}

func (s *site) renewalsView(r *http.Request, v View, q url.Values) (renewalsView, error) {
	t := renewalsView{Lens: newLens("/renewals", q, v), Most: mostRenewals}
	if n, err := strconv.Atoi(q.Get("rows")); err == nil && n > t.Most {
		t.Most = n
	}
	var err error
	if t.Lens.Fields, err = s.Revenue.Fields(r.Context()); err != nil {
		return t, err
	}
	if t.Asked, err = renewalsAsked(q, v); err != nil {
		return t, err
	}
	t.Board, err = s.Renewals.Renewals(r.Context(), v.Scope(), t.Asked)
	t.Asked.Quarter = t.Quarter
	return t, err
}

func (s *site) renewalBoard(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.renewalsView(r, v, r.URL.Query())
	if err != nil {
		return err
	}
	t.Said = r.FormValue("did")
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Charts: true, Wide: true, Date: lensDate(v, t.Lens)}, renewalsPage(v, t))
}

// none reports whether no contract has ever come up, and none will.
func (t renewalsView) none() bool { return t.All == 0 && t.Of == 0 && t.Pool.Count == 0 }

// address is the page, changed in some of its parts.
func (t renewalsView) address(path string, change ...string) string {
	q := url.Values{}
	set := func(name, value string) {
		if q.Del(name); value != "" {
			q.Set(name, value)
		}
	}
	if t.Quarter != t.Now {
		set("quarter", t.Quarter.String())
	}
	set("owner", t.Asked.Owner)
	set("show", t.Asked.Show)
	set("field", t.Asked.Field)
	set("value", t.Asked.Value)
	set("sort", t.Asked.Sort)
	t.Lens.keep(q)
	for i := 0; i+1 < len(change); i += 2 {
		set(change[i], change[i+1])
	}
	return addressOf(path, q)
}

// narrowed reports whether rows are left out.
func (t renewalsView) narrowed() bool {
	return t.Asked.Owner != "" || t.Asked.Show != "" || t.Asked.Field != ""
}

// year writes an amount a month as one a year.
func (t renewalsView) year(v View, minor int64) string {
	return v.Money(cairn.Money{Minor: 12 * minor, Currency: t.Currency})
}

func (t renewalsView) month(v View, minor int64) string {
	return v.Money(cairn.Money{Minor: minor, Currency: t.Currency})
}

// quarterName says which quarter it is, as people do.
func (t renewalsView) quarterName(q outcome.Quarter) string {
	switch q {
	case t.Now:
		return "This quarter"
	case t.Now + 1:
		return "Next quarter"
	case t.Now - 1:
		return "Last quarter"
	}
	return quarterText(q)
}

func quarterText(q outcome.Quarter) string { return fmt.Sprintf("Q%d %d", int(q)%4+1, int(q)/4) }

// quarters are those that the page leads to: three past ones, this one and
// three to come, and the one that is shown.
func (t renewalsView) quarters() []outcome.Quarter {
	from, to := min(t.Now-3, t.Quarter), max(t.Now+3, t.Quarter)
	var out []outcome.Quarter
	for q := from; q <= to; q++ {
		if q == t.Quarter || q >= t.Now-3 && q <= t.Now+3 {
			out = append(out, q)
		}
	}
	return out
}

// sentence says what there is to know first. Amounts are a year's worth.
func (t renewalsView) sentence(v View) string {
	o, s := t.Total.Outlook, t.Total
	when := "in " + quarterText(t.Quarter)
	if t.Quarter == t.Now || t.Quarter == t.Now+1 {
		when = strings.ToLower(t.quarterName(t.Quarter))
	}
	if s.Count == 0 {
		return fmt.Sprintf("No contract comes up %s.", when)
	}
	if s.Open == 0 {
		return fmt.Sprintf("%s a year came up %s: %s renewed, %s was lost, and %s was sold beyond it.", t.year(v, s.Original), when, t.year(v, s.Booked), t.year(v, s.Lost), t.year(v, s.Sold))
	}
	out := fmt.Sprintf("%s a year come up %s", t.year(v, s.Original), when)
	if o.Unknown < o.Best-o.Worst {
		out += fmt.Sprintf("; we expect %s (%s to %s)", t.year(v, o.Expected), t.year(v, o.Low), t.year(v, o.High))
	}
	if s.Booked > 0 {
		out += fmt.Sprintf(", %s of it is booked", t.year(v, s.Booked))
	}
	if t.Passing > 0 {
		verb := "pass"
		if t.Passing == 1 {
			verb = "passes"
		}
		out += fmt.Sprintf("; %s %s this week", v.several(t.Passing, "notice date", "notice dates"), verb)
	}
	return out + "."
}

// A scenario is one way in which a quarter may end.
type scenario struct {
	Name, Text, Tip string
}

func (t renewalsView) scenarios(v View) []scenario {
	o := t.Total.Outlook
	return []scenario{
		{"Worst", t.year(v, o.Worst), "None of what is open renews."},
		{"Low", t.year(v, o.Low), "One time in ten it is less."},
		{"Expected", t.year(v, o.Expected), "Each by how likely it is, and what is booked already."},
		{"High", t.year(v, o.High), "One time in ten it is more."},
		{"Best", t.year(v, o.Best), "All of what is open renews."},
		{"People expect", t.year(v, t.Total.Human), fmt.Sprintf("What people said of %d of %d that are open, and the model of the others.", t.Total.Called, t.Total.Open)},
		{"Booked", t.year(v, t.Total.Booked), "Of what came up, without what was sold beyond it."},
		{"Sold beyond", t.year(v, t.Total.Sold), "Upsell: it is no part of the renewal."},
	}
}

// A renewalBar is one bar of the picture.
type renewalBar struct {
	Month, Name string
	Amount      int64
	Low, High   int64  // of an interval; equal: none
	Look, Ink   string // of the bar, and of what stands in it
}

func (t renewalsView) bars() []renewalBar {
	var out []renewalBar
	for _, m := range t.Months {
		month := m.From.Start(time.UTC).Format("Jan")
		out = append(out,
			renewalBar{month, "comes up", m.Original, 0, 0, "--grey-soft", "--ink"},
			renewalBar{month, "forecast", m.Outlook.Expected, m.Outlook.Low, m.Outlook.High, "--accent-soft", "--ink"},
			renewalBar{month, "booked", m.Booked, 0, 0, "--teal-soft", "--ink"})
	}
	return out
}

// picture is the months of the quarter: what comes up, what is forecast of it
// with its interval, and what is booked.
func (t renewalsView) picture(v View) map[string]any {
	var names []string
	var bars, lines []any
	units := func(minor int64) float64 { return ledgerUnits(12*minor, t.Currency) }
	most := int64(0) // bars that are low beside the highest have no room for words
	for _, b := range t.bars() {
		most = max(most, b.Amount)
	}
	for i, b := range t.bars() {
		name := strings.Repeat(" ", i+1) // the month stands under the middle one of its three bars
		if i%3 == 1 {
			name = b.Month
		}
		names = append(names, name)
		tip := fmt.Sprintf("%s, %s: %s", b.Month, b.Name, t.year(v, b.Amount))
		if b.Low != b.High {
			tip += fmt.Sprintf(" (%s to %s)", t.year(v, b.Low), t.year(v, b.High))
			end := func(minor int64) map[string]any { return map[string]any{"coord": []any{name, units(minor)}} }
			lines = append(lines, []any{end(b.Low), end(b.High)})
		}
		bars = append(bars, map[string]any{
			"value": units(b.Amount), "name": tip, "itemStyle": map[string]any{"color": b.Look},
			"label": map[string]any{"show": 6*b.Amount > most, "position": "insideBottom", "color": b.Ink, "fontSize": 11, "lineHeight": 15, "align": "center", "formatter": b.Name + "\n" + t.year(v, b.Amount)},
		})
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": 8, "top": 16, "bottom": 4, "containLabel": true},
		"xAxis":   map[string]any{"type": "category", "data": names, "axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}, "axisTick": map[string]any{"show": false}, "axisLabel": map[string]any{"color": "--dim", "interval": 0, "fontSize": 11}},
		"yAxis":   map[string]any{"type": "value", "min": 0, "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series": []any{map[string]any{
			"type": "bar", "data": bars, "barWidth": "76%", "labelLayout": map[string]any{"hideOverlap": true},
			"markLine": map[string]any{"silent": true, "symbol": []string{"rect", "rect"}, "symbolSize": []int{14, 2}, "label": map[string]any{"show": false}, "lineStyle": map[string]any{"type": "solid", "width": 2, "color": "--ink"}, "data": lines},
		}},
	}
}

// ledgerUnits is an amount in major units, for pictures.
func ledgerUnits(minor int64, currency string) float64 {
	f := float64(minor)
	for range cairn.MinorDigits(currency) {
		f /= 10
	}
	return f
}

// caption is what the picture says of itself.
func (t renewalsView) caption() caption {
	return caption{"Renewals in " + quarterText(t.Quarter), "A year’s worth in " + t.Currency + ", policy " + t.Policy, t.address("/renewals", "quarter", t.Quarter.String())}
}

func (t renewalsView) pictureWords(v View) string {
	var parts []string
	for _, b := range t.bars() {
		parts = append(parts, b.Month+" "+b.Name+" "+t.year(v, b.Amount))
	}
	return "A year’s worth by month: " + strings.Join(parts, ", ") + "."
}

// renewalShows are the parts of a quarter, in order, as they are offered.
var renewalShows = []accountsChoice{
	{"open", "Open"}, {"closed", "Closed"}, {"risk", "At risk"}, {"disagree", "People and model differ"}, {"call", "A call is due"}, {"plan", "The plan is missing"},
	{"notice", "Notice date passed"}, {"contradicted", "Contradicted by contracts"},
}

func (t renewalsView) owners() []accountsChoice {
	var out []accountsChoice
	for _, o := range t.Owners {
		if o == "" {
			out = append(out, accountsChoice{"-", "Nobody"})
			continue
		}
		out = append(out, accountsChoice{o, personName(o)})
	}
	return out
}

// sortBy leads to the list sorted by a column, and says how it is sorted now.
func (t renewalsView) sortBy(key string, down bool) (href, order string) {
	now := t.Asked.Sort
	if now == "" {
		now = "due"
	}
	next := key
	if down {
		next = "-" + key
	}
	switch now {
	case key:
		next, order = "-"+key, "ascending"
	case "-" + key:
		next, order = key, "descending"
	}
	return t.address("/renewals", "sort", next), order
}

// chanceText writes a chance in whole percent.
func chanceText(f float64) string { return strconv.Itoa(int(f*100+0.5)) + "\u00a0%" }

// estimateText is the model's word with its interval.
func estimateText(e forecast.Estimate) string {
	if !e.Known {
		return "not known"
	}
	return fmt.Sprintf("%s (%d to %s)", chanceText(e.Chance), int(e.Low*100+0.5), chanceText(e.High))
}

// disagreementText says how people and model differ.
func disagreementText(r *outcome.Renewal) string {
	p, _ := r.HumanChance()
	return fmt.Sprintf("People say %s; the model says %s. %s", chanceText(p), estimateText(r.Estimate), r.Estimate.Why())
}

// outcomeWords say how a renewal ended.
var outcomeWords = map[string]string{
	outcome.Renewed: "renewed", outcome.Upsell: "renewed with upsell", outcome.Downsell: "renewed with downsell", outcome.Loss: "lost",
}

// outcomeChips say so in short.
var outcomeChips = map[string]string{outcome.Renewed: "renewed", outcome.Upsell: "upsell", outcome.Downsell: "downsell", outcome.Loss: "lost"}

func endedLook(word string) string {
	switch word {
	case outcome.Renewed, outcome.Upsell:
		return "good"
	case outcome.Downsell, outcome.Loss:
		return "warn"
	}
	return ""
}

// contradiction says that people and contracts differ about how it ended.
func (t renewalsView) contradiction(v View, r *outcome.Renewal) string {
	told, booked := r.Contracts()
	return fmt.Sprintf("It was written down as %s; contracts say %s with %s a month.", outcomeWords[r.Human.Outcome], outcomeWords[told], v.MoneyExact(cairn.Money{Minor: booked, Currency: t.Currency}))
}

// renewalPath is where one renewal lives.
func renewalPath(r *outcome.Renewal) string {
	return "/renewals/" + r.Record.String() + "/" + r.Due.String()
}

// A renewalOne is the page of one renewal, or its form within the list.
type renewalOne struct {
	renewalsView
	Row  outcome.Renewal
	Back string
}

func (s *site) renewalOne(r *http.Request, v View) (t renewalOne, err error) {
	id, err := cairn.ParseID(r.PathValue("contract"))
	due, wrong := time.Parse(time.DateOnly, r.PathValue("due"))
	if err != nil || wrong != nil {
		return t, cairn.Errorf(cairn.NotFound, "There is no such renewal.")
	}
	t.Row, t.Board, err = s.Renewals.One(r.Context(), v.Scope(), cairn.RecordID{ID: id}, cairn.DayOf(due, time.UTC))
	if t.Back = local(r.FormValue("back")); r.FormValue("back") == "" {
		t.Back = "/renewals?quarter=" + t.Quarter.String()
	}
	return t, err
}

func (s *site) renewalForm(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.renewalOne(r, v)
	if err != nil {
		return err
	}
	if v.Partial {
		return s.write(w, r, http.StatusOK, renewalEdit(v, t))
	}
	return s.render(w, r, v, Page{Title: t.Row.Name, Active: "revenue", Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Renewals", t.Back}}}, renewalPage(v, t))
}

// renewalSay writes down what somebody says of a renewal: only what changed, as
// an event, with the way back.
func (s *site) renewalSay(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.renewalOne(r, v)
	if err != nil {
		return err
	}
	row := &t.Row
	say, any := row.Changes(t.Currency, sayingOf(r.PostForm))
	if !any {
		return s.answerRenewal(w, r, v, t, "Nothing changed", nil)
	}
	p, err := row.Say(t.Currency, say)
	if err != nil {
		return err
	}
	a, err := s.Accounts.Account(r.Context(), v.Scope(), row.Account)
	if err != nil {
		return err
	}
	p.Fields["by"] = v.Actor().ID
	err = s.admit(r.Context(), ingest.Record{
		Kind: cairn.OfRenewal, Name: "said", ID: p.Key + "-" + rand.Text(), At: v.Now, Keys: cairn.Keys{Account: a.Key, Record: p.Key}, In: a.Space, Props: p.Fields,
	})
	if err != nil {
		return err
	}
	word := "Written down"
	if r.PostFormValue("undo") != "" {
		return s.answerRenewal(w, r, v, t, "Taken back", nil)
	}
	return s.answerRenewal(w, r, v, t, word, &p.Before)
}

// sayingOf reads a form: what is not in it is left as it is.
func sayingOf(form url.Values) outcome.Saying {
	field := func(name string) *string {
		if !form.Has(name) {
			return nil
		}
		text := form.Get(name)
		return &text
	}
	return outcome.Saying{
		Forecast: field("forecast"), Probability: field("probability"), Next: field("next_step"), NextDue: field("next_step_due"),
		Owner: field("owner"), Outcome: field("outcome"), Booked: field("booked"),
	}
}

// answerRenewal shows the page as it stands now, with what was done and the way
// back.
func (s *site) answerRenewal(w http.ResponseWriter, r *http.Request, v View, t renewalOne, done string, before *outcome.Saying) error {
	if !v.Partial {
		u, err := url.Parse(t.Back)
		if err != nil {
			return err
		}
		q := u.Query()
		q.Set("did", done)
		u.RawQuery = q.Encode()
		http.Redirect(w, r, u.String(), http.StatusSeeOther)
		return nil
	}
	u, err := url.Parse(t.Back)
	if err != nil {
		return err
	}
	fresh, err := s.renewalsView(r, v, u.Query())
	if err != nil {
		return err
	}
	return s.write(w, r, http.StatusOK, renewalsChanged(v, fresh, t, done, before))
}

// A renewalField is one field of the way back.
type renewalField struct{ Name, Value string }

// fields are what a saying says.
func renewalFields(say *outcome.Saying) []renewalField {
	var out []renewalField
	for _, f := range []struct {
		name  string
		value *string
	}{
		{"forecast", say.Forecast}, {"probability", say.Probability}, {"next_step", say.Next}, {"next_step_due", say.NextDue},
		{"owner", say.Owner}, {"outcome", say.Outcome}, {"booked", say.Booked},
	} {
		if f.value != nil {
			out = append(out, renewalField{f.name, *f.value})
		}
	}
	return out
}

// renewalsTable is the rows of the page.
func (s *site) renewalsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.renewalsView(r, v, r.URL.Query())
	if err != nil {
		return sheet.Table{}, err
	}
	return t.Table(), nil
}

// A gradesView is the page of how forecasts turned out.
type gradesView struct{ outcome.Grades }

func (s *site) renewalGrades(w http.ResponseWriter, r *http.Request, v View) error {
	g, err := s.Renewals.Grades(r.Context(), v.Scope(), time.Time{})
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "How forecasts turned out", Active: "revenue", Charts: true, Wide: true, Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Renewals", "/renewals"}}}, gradesPage(v, gradesView{g}))
}

// gradesTable is the quarters of the page.
func (s *site) gradesTable(r *http.Request, v View) (sheet.Table, error) {
	g, err := s.Renewals.Grades(r.Context(), v.Scope(), time.Time{})
	return g.Table(), err
}

// caption is what the picture says of itself.
func (t gradesView) caption() caption {
	return caption{"What was forecast, and what became of it", "Of each share that was forecast, how many renewed; intervals of 95 %", "/renewals/grades"}
}

func (t gradesView) year(v View, minor int64) string {
	return v.Money(cairn.Money{Minor: 12 * minor, Currency: t.Currency})
}

// sentence says how good forecasts were.
func (t gradesView) sentence(v View) string {
	var expected, booked int64
	within := 0
	for _, q := range t.Quarters {
		expected += q.Outlook.Expected
		booked += q.Booked
		if q.Within() {
			within++
		}
	}
	out := fmt.Sprintf("Over %s we expected %s a year and %s was booked; %d of %d lie within their interval, of which 4 in 5 should.",
		v.several(len(t.Quarters), "quarter", "quarters"), t.year(v, expected), t.year(v, booked), within, len(t.Quarters))
	if t.All.Model != nil && t.All.Plain != nil {
		verb := "better than"
		if *t.All.Model >= *t.All.Plain {
			verb = "no better than"
		}
		out += fmt.Sprintf(" The model was %s one share for all.", verb)
	}
	return out
}

func scoreText(v View, f *float64) string {
	if f == nil {
		return "–"
	}
	return v.Decimal(*f, 3)
}

// calibration draws what was observed against what was forecast, with
// intervals: on the line, forecasts were right.
func (t gradesView) calibration() map[string]any {
	line := map[string]any{"type": "line", "data": []any{[]any{0, 0}, []any{100, 100}}, "symbol": "none", "silent": true, "lineStyle": map[string]any{"color": "--line-strong", "type": "dashed"}, "tooltip": map[string]any{"show": false}}
	axis := func(name string) map[string]any {
		return map[string]any{"type": "value", "min": 0, "max": 100, "name": name, "nameLocation": "middle", "nameGap": 42, "axisLabel": map[string]any{"color": "--dim", "formatter": "{value} %"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}}
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "item", "formatter": "{b}", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 34, "right": 24, "top": 24, "bottom": 34, "containLabel": true},
		"xAxis":   axis("forecast"), "yAxis": axis("renewed"),
		"series": []any{line, calibrationSeries("Model", "circle", "--accent", t.Model), calibrationSeries("People", "diamond", "--orange", t.Human)},
	}
}

func calibrationSeries(who, symbol, look string, bins []forecast.Bin) map[string]any {
	var points, lines []any
	for _, b := range bins {
		x := 100 * b.Mean
		points = append(points, map[string]any{
			"value": []any{x, 100 * b.Rate}, "name": calibrationWords(who, b), "symbolSize": min(9+b.N/4, 22),
		})
		end := func(y float64) map[string]any { return map[string]any{"coord": []any{x, 100 * y}} }
		lines = append(lines, []any{end(b.Low), end(b.High)})
	}
	return map[string]any{
		"type": "scatter", "name": who, "symbol": symbol, "data": points, "itemStyle": map[string]any{"color": look},
		"markLine": map[string]any{"silent": true, "symbol": []string{"rect", "rect"}, "symbolSize": []int{9, 2}, "label": map[string]any{"show": false}, "lineStyle": map[string]any{"type": "solid", "width": 1.5, "color": look}, "data": lines},
	}
}

func calibrationWords(who string, b forecast.Bin) string {
	return fmt.Sprintf("%s: forecast %s on average, %d of %d renewed", who, chanceText(b.Mean), b.Kept, b.N)
}

func (t gradesView) calibrationText() string {
	var parts []string
	for _, b := range t.Model {
		parts = append(parts, calibrationWords("Model", b))
	}
	for _, b := range t.Human {
		parts = append(parts, calibrationWords("People", b))
	}
	return strings.Join(parts, "; ") + "."
}

// binText says which chances a bin holds.
func binText(b forecast.Bin) string { return fmt.Sprintf("%.0f to %.0f\u00a0%%", 100*b.From, 100*b.To) }

// monthsOf names the month of a span.
func monthsOf(s outcome.Span) string { return monthName(ledger.MonthOf(s.From)) }

// renewalOf tells of the renewal of an account that comes up next: as a part of
// the account's page, else on the page of the renewal itself.
func (s *site) renewalOf(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := cairn.ParseID(r.PathValue("account"))
	if err != nil {
		return cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	rows, b, err := s.Renewals.Of(r.Context(), v.Scope(), cairn.AccountID{ID: id})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(rows, func(r outcome.Renewal) bool { return r.Open })
	switch {
	case v.Partial && i < 0:
		return s.write(w, r, http.StatusOK, accountRenewalNone())
	case v.Partial:
		return s.write(w, r, http.StatusOK, accountRenewalNext(v, renewalOne{renewalsView: renewalsView{Board: b}, Row: rows[i]}))
	case i < 0:
		http.Redirect(w, r, "/renewals", http.StatusSeeOther)
		return nil
	}
	http.Redirect(w, r, renewalPath(&rows[i]), http.StatusSeeOther)
	return nil
}

// exactAmount writes an amount as forms take it.
func exactAmount(minor int64, currency string) string { return ledger.Decimal(minor, currency) }

// escaped is an address as a part of another.
func escaped(address string) string { return url.QueryEscape(address) }

// renewalTermsShort are the terms that matter most, after the product.
func renewalTermsShort(r *outcome.Renewal) string {
	var out string
	if r.AutoSaid && r.Auto {
		out += ", auto"
	}
	if r.AutoSaid && !r.Auto {
		out += ", to sign"
	}
	if r.Paper == "customer" {
		out += ", customer’s paper"
	}
	if r.Lock != 0 {
		out += ", price lock"
	}
	return out
}

// renewalTermsText says them in full.
func renewalTermsText(r *outcome.Renewal) string {
	parts := []string{fmt.Sprintf("A term of %d months.", r.Months)}
	switch {
	case r.AutoSaid && r.Auto:
		parts = append(parts, "It renews by itself when its term is over.")
	case r.AutoSaid:
		parts = append(parts, "It must be signed again.")
	}
	if r.Paper == "customer" {
		parts = append(parts, "The contract is the customer’s own: their terms, and they may leave within the term.")
	}
	if r.Lock != 0 {
		parts = append(parts, "Its price is fixed until "+r.Lock.Start(time.UTC).Format("2 January 2006")+".")
	}
	return strings.Join(parts, " ")
}

// dueWord says when a renewal comes up, or came.
func dueWord(v View, r *outcome.Renewal) string {
	at := r.Due.Start(v.Zone)
	if r.Days() < 0 {
		return "came up " + v.DayAgo(at)
	}
	return "comes up " + v.DayAgo(at)
}
