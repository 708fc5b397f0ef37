package app

import (
	"context"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/driver"
	"cairn/internal/signal"
	"cairn/internal/usage"
)

// Events lists the event names ever seen, with how far each reaches.
var Events = Op[None, usage.Catalogue]{"events", func(ctx context.Context, h House, _ None, say func(Progress)) (usage.Catalogue, error) {
	say(Progress{What: "Counting people and accounts"})
	return h.Usage.Events(ctx, true)
}}

// A Choice is what counts as Meaningful Activity, with its revision.
type Choice struct {
	Choice signal.Meaningful `json:"meaningful"`
	Rev    int               `json:"rev"`
}

// Meaningful tells what counts.
var Meaningful = Op[None, Choice]{"meaningful", func(ctx context.Context, h House, _ None, _ func(Progress)) (Choice, error) {
	m, rev, err := h.Usage.Choice(ctx)
	return Choice{m, rev}, err
}}

// A NewChoice is another choice, or an earlier revision of it.
type NewChoice struct {
	Choice signal.Meaningful `json:"meaningful"`
	Rev    int               `json:"rev"` // not 0: as in this revision
	Note   string            `json:"note"`
	Try    bool              `json:"try"` // only tell what it would change
}

// A Chosen is what came of it.
type Chosen struct {
	Rev     int            `json:"rev,omitempty"`
	Effects []usage.Effect `json:"effects"` // at the accounts with the most events
}

// Choose changes what counts, or tells what that would change.
var Choose = Op[NewChoice, Chosen]{"meaningful-set", func(ctx context.Context, h House, c NewChoice, _ func(Progress)) (out Chosen, err error) {
	if out.Effects, err = h.Usage.TryChoice(ctx, cairn.Everything, c.Choice, nil); err != nil || c.Try {
		return out, err
	}
	var r book.Revision
	if c.Rev > 0 {
		r, err = h.Usage.Restore(ctx, cairn.House, c.Rev)
	} else {
		r, err = h.Usage.Choose(ctx, cairn.House, c.Choice, 0, c.Note)
	}
	out.Rev = r.Rev
	return out, err
}}

// Metrics lists the metrics that the workspace defines.
var Metrics = Op[None, []usage.Metric]{"metrics", func(ctx context.Context, h House, _ None, _ func(Progress)) ([]usage.Metric, error) {
	return h.Usage.Metrics(ctx)
}}

// Metric tells one of them.
var Metric = Op[string, usage.Metric]{"metric", func(ctx context.Context, h House, name string, _ func(Progress)) (usage.Metric, error) {
	return h.Usage.Metric(ctx, name)
}}

// A MetricTrial asks what a metric would be.
type MetricTrial struct {
	Text     string   `json:"text"`               // YAML
	Accounts []string `json:"accounts,omitempty"` // ids, keys, domains or names; none: those with the most events
}

// A MetricTried is what it would be.
type MetricTried struct {
	Metric   signal.Metric `json:"metric"`
	Sentence string        `json:"sentence"`
	Accounts []usage.Tried `json:"accounts"`
	Losses   []signal.Loss `json:"lost,omitempty"` // what it would need of events that are not kept any more
}

// TryMetric measures a metric that is not saved.
var TryMetric = Op[MetricTrial, MetricTried]{"metric-try", func(ctx context.Context, h House, q MetricTrial, _ func(Progress)) (out MetricTried, err error) {
	if out.Metric, err = usage.ParseMetric(q.Text); err != nil {
		return out, err
	}
	var ids []cairn.AccountID
	for _, text := range q.Accounts {
		id, err := h.Accounts.Find(ctx, cairn.Everything, text)
		if err != nil {
			return out, err
		}
		ids = append(ids, id)
	}
	out.Sentence = out.Metric.Sentence()
	if out.Losses, err = h.Usage.Losses(ctx, out.Metric); err != nil {
		return out, err
	}
	out.Accounts, err = h.Usage.TryMetric(ctx, cairn.Everything, out.Metric, ids)
	return out, err
}}

// A MetricText is a metric as text.
type MetricText struct {
	Text string `json:"text"` // YAML
	Note string `json:"note"`
}

// SaveMetric makes or changes a metric.
var SaveMetric = Op[MetricText, usage.Metric]{"metric-save", func(ctx context.Context, h House, t MetricText, _ func(Progress)) (usage.Metric, error) {
	m, err := usage.ParseMetric(t.Text)
	if err != nil {
		return usage.Metric{}, err
	}
	was, err := h.Usage.Metric(ctx, m.Name)
	if err != nil && cairn.KindOf(err) != cairn.NotFound {
		return was, err
	}
	if _, err := h.Usage.SaveMetric(ctx, cairn.House, m, was.Rev, t.Note); err != nil {
		return was, err
	}
	return h.Usage.Metric(ctx, m.Name)
}}

// DeleteMetric ends a metric that nothing reads.
var DeleteMetric = Op[string, None]{"metric-delete", func(ctx context.Context, h House, name string, _ func(Progress)) (None, error) {
	return None{}, h.Usage.DeleteMetric(ctx, cairn.House, name)
}}

// Drivers looks for what people who stay do early.
var Drivers = Op[driver.Params, usage.Found]{"drivers", func(ctx context.Context, h House, p driver.Params, say func(Progress)) (usage.Found, error) {
	say(Progress{What: "Going through what people did"})
	f, _, err := h.Usage.Drivers(ctx, p, true)
	return f, err
}}
