package web

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/usage"
)

// metricColumn begins the key of the column of a metric.
const metricColumn = "m_"

// metricOfColumn returns the name of the metric that a column shows.
func metricOfColumn(key string) (string, bool) {
	name, ok := strings.CutPrefix(key, metricColumn)
	return name, ok && account.MetricName(name)
}

// A metricFilter is what a metric of the listed accounts must be.
type metricFilter struct {
	Name        string // empty: nothing is asked
	Least, Most *float64
}

func readMetricFilter(v url.Values) (f metricFilter) {
	if name := v.Get("metric"); account.MetricName(name) {
		f = metricFilter{name, readNumber(v.Get("least")), readNumber(v.Get("most"))}
	}
	return f
}

func readNumber(text string) *float64 {
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		return nil
	}
	return &n
}

// bounds are what is asked of the store; a metric alone asks nothing.
func (f metricFilter) bounds() []account.Bound {
	if f.Name == "" || f.Least == nil && f.Most == nil {
		return nil
	}
	return []account.Bound{{Metric: f.Name, Least: f.Least, Most: f.Most}}
}

// metrics are those that the workspace defines.
func (s *site) definedMetrics(ctx context.Context) ([]usage.Metric, error) {
	if s.Usage == nil {
		return nil, nil
	}
	return s.Usage.Metrics(ctx)
}

// offered are all columns that can be chosen: those there always are, and the
// metrics.
func offered(metrics []usage.Metric) []accountsColumn {
	out := append([]accountsColumn{}, accountsColumns...)
	for _, m := range metrics {
		out = append(out, accountsColumn{Key: metricColumn + m.Name, Label: m.Title, Sort: m.Signal(), Desc: true, Right: true})
	}
	return out
}

// Offered are the columns that can be chosen.
func (av accountsView) Offered() []accountsColumn { return offered(av.Metrics) }

// metric tells what the column of a metric says of an account.
func (av accountsView) metric(v View, a cairn.Account, column string) string {
	name, ok := metricOfColumn(column)
	if !ok {
		return ""
	}
	for _, m := range av.Metrics {
		if s := a.Signals[m.Signal()]; m.Name == name && s.Known {
			return metricValue(v, m.Metric, s)
		}
	}
	return ""
}

// metricsShown are the names of the metrics among columns.
func metricsShown(columns []accountsColumn) (out []string) {
	for _, c := range columns {
		if name, ok := metricOfColumn(c.Key); ok {
			out = append(out, name)
		}
	}
	return out
}

// accountsMetricChoices are the metrics that can be filtered by.
func accountsMetricChoices(av accountsView) []accountsChoice {
	var out []accountsChoice
	for _, m := range av.Metrics {
		out = append(out, accountsChoice{m.Name, m.Title})
	}
	return out
}

// metricWord says what is asked of a metric: "Exports, at least 10".
func (av accountsView) metricWord() string {
	f := av.Filter.Metric
	if f.bounds() == nil {
		return "Metric"
	}
	word := f.Name
	for _, m := range av.Metrics {
		if m.Name == f.Name {
			word = m.Title
		}
	}
	switch {
	case f.Most == nil:
		return word + " ≥ " + numberText(f.Least)
	case f.Least == nil:
		return word + " ≤ " + numberText(f.Most)
	}
	return word + " " + numberText(f.Least) + " to " + numberText(f.Most)
}
