package usage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// metricPage is how the book's pages of metrics begin.
const metricPage = "metric/"

// A Metric is a definition with what there is to know about it.
type Metric struct {
	signal.Metric
	Rev      int       `json:"rev"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Sentence string    `json:"sentence"`
	Readers  []string  `json:"used_by"` // models, rules and other metrics
}

// Metrics returns all metrics by title.
func (s *Service) Metrics(ctx context.Context) ([]Metric, error) {
	pages, err := s.Book.Pages(ctx, metricPage)
	if err != nil {
		return nil, err
	}
	defs, err := s.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	out := []Metric{}
	for _, p := range pages {
		m, ok, err := ReadMetric(p)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, Metric{m, p.Rev, p.At, p.By.Name, m.Sentence(), s.readers(defs, m)})
		}
	}
	slices.SortFunc(out, func(a, b Metric) int {
		return cmp.Or(cmp.Compare(strings.ToLower(a.Title), strings.ToLower(b.Title)), cmp.Compare(a.Name, b.Name))
	})
	return out, nil
}

// ReadMetric reads a page of the book, and reports false when the metric was
// deleted.
func ReadMetric(p book.Revision) (signal.Metric, bool, error) {
	var m signal.Metric
	if bytes.Equal(bytes.TrimSpace(p.Body), []byte("null")) {
		return m, false, nil
	}
	err := json.Unmarshal(p.Body, &m)
	return m, err == nil, err
}

func (s *Service) readers(defs turn.Definitions, m signal.Metric) []string {
	out := defs.Readers(m.Signal())
	for _, o := range defs.Settings.Metrics {
		if o.Count == signal.CountRatio && (o.Of == m.Name || o.By == m.Name) {
			out = append(out, "the metric “"+o.Title+"”")
		}
	}
	return out
}

// Metric returns one metric; cairn.NotFound when there is none.
func (s *Service) Metric(ctx context.Context, name string) (Metric, error) {
	all, err := s.Metrics(ctx)
	if err != nil {
		return Metric{}, err
	}
	i := slices.IndexFunc(all, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, cairn.Errorf(cairn.NotFound, "There is no metric %q.", name).At("name")
	}
	return all[i], nil
}

// CheckMetric refuses a metric that could not be measured, naming the field.
func (s *Service) CheckMetric(ctx context.Context, m signal.Metric) error {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return err
	}
	return check(defs, m)
}

func check(defs turn.Definitions, m signal.Metric) error {
	for _, o := range defs.Settings.Metrics {
		if m.Count == signal.CountRatio && o.Count == signal.CountRatio && (o.Of == m.Name || o.By == m.Name) {
			return cairn.Errorf(cairn.Invalid, "The metric “%s” is a ratio of this one, which therefore cannot be a ratio itself.", o.Title).At("count")
		}
	}
	return m.Check(func(name string) (signal.Metric, bool) {
		i := slices.IndexFunc(defs.Settings.Metrics, func(o signal.Metric) bool { return o.Name == name })
		if i < 0 {
			return signal.Metric{}, false
		}
		return defs.Settings.Metrics[i], true
	})
}

// SaveMetric writes a metric on top of revision base (0: it is new). Its
// history is counted in the background where tallies do not tell it.
func (s *Service) SaveMetric(ctx context.Context, by cairn.Actor, m signal.Metric, base int, note string) (book.Revision, error) {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return book.Revision{}, err
	}
	if err := check(defs, m); err != nil {
		return book.Revision{}, err
	}
	was, err := s.Book.Page(ctx, metricPage+m.Name)
	switch {
	case err != nil && cairn.KindOf(err) != cairn.NotFound:
		return was, err
	case err == nil && base == 0:
		if _, there, err := ReadMetric(was); err != nil || there {
			return was, cmp.Or(err, error(cairn.Errorf(cairn.Conflict, "There is a metric %q already.", m.Name).At("name")))
		}
		base = was.Rev // it was deleted, and comes back
	case len(defs.Settings.Metrics) >= signal.MostMetrics && base == 0:
		return was, cairn.Errorf(cairn.TooMany, "There may be at most %d metrics. Delete one that nobody reads.", signal.MostMetrics)
	}
	body, err := json.Marshal(m)
	if err != nil {
		return was, err
	}
	r, err := s.Book.Write(ctx, by, metricPage+m.Name, base, body, note, s.Now())
	if err != nil {
		return r, err
	}
	return r, s.Changed(ctx)
}

// DeleteMetric ends a metric. One that a model, a rule or another metric
// reads is kept, and the error says who reads it.
func (s *Service) DeleteMetric(ctx context.Context, by cairn.Actor, name string) error {
	m, err := s.Metric(ctx, name)
	if err != nil {
		return err
	}
	if len(m.Readers) > 0 {
		return cairn.Errorf(cairn.Conflict, "“%s” is read by %s. Change that first.", m.Title, strings.Join(m.Readers, " and ")).At("name")
	}
	if _, err := s.Book.Write(ctx, by, metricPage+name, m.Rev, json.RawMessage("null"), "Deleted.", s.Now()); err != nil {
		return err
	}
	return s.Changed(ctx)
}

// MetricText writes a metric as people edit it; ParseMetric reads it again.
func MetricText(m signal.Metric) (string, error) {
	b, err := yaml.Marshal(m)
	return string(b), err
}

// ParseMetric reads a metric as YAML or JSON. A field that is not known is
// refused.
func ParseMetric(text string) (signal.Metric, error) {
	var m signal.Metric
	err := book.Parse(text, &m)
	return m, err
}

// MeaningfulText writes a choice as people edit it; ParseMeaningful reads it
// again.
func MeaningfulText(m signal.Meaningful) (string, error) {
	return book.Text(m)
}

// ParseMeaningful reads a choice as YAML or JSON.
func ParseMeaningful(text string) (signal.Meaningful, error) {
	var m signal.Meaningful
	err := book.Parse(text, &m)
	return m, err
}
