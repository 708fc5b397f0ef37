package web

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/usage"
)

// A metricsView is the list of metrics.
type metricsView struct {
	Metrics  []usage.Metric
	Progress []Progress
}

// A metricView is the page on which one metric is made or changed.
type metricView struct {
	Metric   signal.Metric
	Saved    usage.Metric // as it is in force; Rev 0: it is new
	Text     string       // as YAML
	Events   []string     // names to choose from
	Products []string
	Others   []signal.Metric // of which a ratio can be made
	Tried    []usage.Tried
	Losses   []signal.Loss // of what it would need
	Problem  *cairn.Error
	Accounts string
}

func (s *site) metrics(w http.ResponseWriter, r *http.Request, v View) error {
	all, err := s.Usage.Metrics(r.Context())
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Usage", Active: "usage", Action: newMetricLink()}, metricsPage(v, metricsView{all, s.Progress()}))
}

// metricView fills in what there is to choose from.
func (s *site) metricView(r *http.Request, m signal.Metric) (metricView, error) {
	t := metricView{Metric: m}
	all, err := s.Usage.Metrics(r.Context())
	if err != nil {
		return t, err
	}
	for _, o := range all {
		if o.Name == m.Name {
			t.Saved = o
		} else if o.Count != signal.CountRatio {
			t.Others = append(t.Others, o.Metric)
		}
	}
	c, err := s.Usage.Events(r.Context(), false)
	if err != nil {
		return t, err
	}
	t.Products = c.Products
	for _, e := range c.Events {
		if !slices.Contains(t.Events, e.Name) && len(t.Events) < mostEvents {
			t.Events = append(t.Events, e.Name)
		}
	}
	for _, n := range m.Events {
		if !slices.Contains(t.Events, n) {
			t.Events = append(t.Events, n)
		}
	}
	t.Text, err = usage.MetricText(m)
	return t, err
}

func (s *site) newMetric(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.metricView(r, signal.Metric{Count: signal.CountEvents, Days: 28})
	if err != nil {
		return err
	}
	return s.showMetric(w, r, v, t)
}

func (s *site) metric(w http.ResponseWriter, r *http.Request, v View) error {
	m, err := s.Usage.Metric(r.Context(), r.PathValue("name"))
	if err != nil {
		return err
	}
	t, err := s.metricView(r, m.Metric)
	if err != nil {
		return err
	}
	return s.showMetric(w, r, v, t)
}

func (s *site) showMetric(w http.ResponseWriter, r *http.Request, v View, t metricView) error {
	title := firstOf(t.Saved.Title, "New metric")
	s.try(r, v, &t)
	return s.render(w, r, v, Page{Title: title, Active: "usage", Crumbs: []Crumb{{"Usage", "/usage"}, {"Metrics", "/usage/metrics"}}}, metricPageOf(v, t))
}

// try measures the metric of the page; what is wrong with it stands beside.
func (s *site) try(r *http.Request, v View, t *metricView) {
	if t.Problem != nil || t.Metric.Title == "" && len(t.Metric.Events) == 0 && t.Metric.Of == "" {
		return
	}
	m := t.Metric
	if m.Title == "" {
		m.Title = "Metric"
	}
	if m.Name == "" {
		m.Name = nameOf(m.Title)
	}
	ids, err := s.accountsNamed(r, v, t.Accounts)
	if err == nil {
		t.Tried, err = s.Usage.TryMetric(r.Context(), v.Scope(), m, ids)
	}
	if err == nil {
		t.Losses, err = s.Usage.Losses(r.Context(), m)
	}
	if err != nil {
		t.Problem = asError(err)
	}
}

// metricOf reads the form, or its text where that was changed.
func metricOf(r *http.Request) (signal.Metric, error) {
	if r.PostFormValue("as") == "text" {
		return usage.ParseMetric(r.PostFormValue("text"))
	}
	form := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	m := signal.Metric{
		Name: form("name"), Title: form("title"), Unit: form("unit"), Meaning: form("meaning"), Count: form("count"),
		Change: form("against") == "change", PerSeat: form("against") == "seat",
	}
	if m.Name == "" {
		m.Name = nameOf(m.Title)
	}
	if m.Count == signal.CountRatio {
		m.Of, m.By = form("of"), form("by")
		return m, nil
	}
	m.Events, m.Products = r.PostForm["events"], r.PostForm["products"]
	m.Where = testsOf(r, "property_field", "property_op", "property_value")
	if m.Count == signal.CountSum {
		m.Property = form("property")
	}
	if m.Count == signal.CountFirst || m.Count == signal.CountLast {
		m.Change, m.PerSeat = false, false
		return m, nil
	}
	days, err := strconv.Atoi(form("days"))
	if err != nil {
		return m, cairn.Errorf(cairn.Invalid, "The window is a number of days.").At("days")
	}
	m.Days = days
	return m, nil
}

// nameOf makes a name of a title: "Reports per seat" is reports_per_seat.
func nameOf(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' && b.Len() > 0:
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	name := strings.Trim(b.String(), "_")
	return name[:min(len(name), 60)]
}

func (s *site) tryMetric(w http.ResponseWriter, r *http.Request, v View) error {
	t := metricView{Accounts: r.PostFormValue("accounts")}
	var err error
	if t.Metric, err = metricOf(r); err != nil {
		t.Problem = asError(err)
	}
	s.try(r, v, &t)
	return s.write(w, r, http.StatusOK, metricEffect(v, t))
}

func (s *site) saveMetric(w http.ResponseWriter, r *http.Request, v View) error {
	m, err := metricOf(r)
	if err == nil {
		rev, _ := strconv.Atoi(r.PostFormValue("rev")) // none: it is new
		if was := r.PostFormValue("was"); was != "" && was != m.Name {
			err = cairn.Errorf(cairn.Invalid, "A metric keeps its name, by which models and rules read it; make a new one instead.").At("name")
		} else {
			_, err = s.Usage.SaveMetric(r.Context(), v.Actor(), m, rev, strings.TrimSpace(r.PostFormValue("note")))
		}
	}
	if err == nil {
		http.Redirect(w, r, "/usage/metrics", http.StatusSeeOther)
		return nil
	}
	if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.Conflict {
		return err
	}
	// What was typed stays, with what to correct.
	t, fill := s.metricView(r, m)
	if fill != nil {
		return fill
	}
	if r.PostFormValue("as") == "text" {
		t.Text = r.PostFormValue("text")
	}
	if r.PostFormValue("was") == "" {
		t.Saved = usage.Metric{} // it is new; another of its name is what is wrong
	}
	t.Problem, t.Accounts = asError(err), r.PostFormValue("accounts")
	title := firstOf(t.Saved.Title, "New metric")
	return s.write(w, r, http.StatusUnprocessableEntity, frame(v, Page{Title: title, Active: "usage", Crumbs: []Crumb{{"Usage", "/usage"}, {"Metrics", "/usage/metrics"}}}, metricPageOf(v, t)))
}

func (s *site) deleteMetric(w http.ResponseWriter, r *http.Request, v View) error {
	if err := s.Usage.DeleteMetric(r.Context(), v.Actor(), r.PathValue("name")); err != nil {
		return err
	}
	http.Redirect(w, r, "/usage/metrics", http.StatusSeeOther)
	return nil
}

// against is how the form says what a metric is compared with.
func against(m signal.Metric) string {
	switch {
	case m.Change:
		return "change"
	case m.PerSeat:
		return "seat"
	}
	return ""
}

// metricValue writes a value with its unit.
func metricValue(v View, m signal.Metric, s cairn.Signal) string {
	unit := signal.New(signal.Settings{Metrics: []signal.Metric{m}})
	def, _ := unit.Def(m.Signal())
	return strings.TrimSpace(v.Decimal(s.Number, decimalsOf(s.Number)) + " " + def.Unit)
}

// decimalsOf is how many decimals a number of this size is read with.
func decimalsOf(n float64) int {
	switch n = max(n, -n); {
	case n == float64(int64(n)):
		return 0
	case n >= 10:
		return 1
	}
	return 2
}

// parseAgain is the text of the metric as the form has it, to tell whether
// what somebody typed as text differs.
func parseAgain(t metricView) (string, error) { return usage.MetricText(t.Metric) }
