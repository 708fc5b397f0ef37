package app

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/model"
	"cairn/internal/portfolio"
	"cairn/internal/vector"
)

// A Differ says why a level changed.
type Differ interface {
	Diff(ctx context.Context, scope cairn.Scope, id cairn.AccountID, from, to time.Time) (vector.Difference, error)
}

// A DiffQuery asks what changed at an account between two moments.
type DiffQuery struct {
	Account string    `json:"account"` // id, key, domain or name
	From    time.Time `json:"from"`    // zero: 30 days before
	To      time.Time `json:"to"`      // zero: now
}

// A Differed is what changed.
type Differed struct {
	Account cairn.Account `json:"account"`
	vector.Difference
}

// VectorDiff says why a level changed between two moments.
var VectorDiff = Op[DiffQuery, Differed]{"vector-diff", func(ctx context.Context, h House, q DiffQuery, _ func(Progress)) (out Differed, err error) {
	id, err := h.Accounts.Find(ctx, cairn.Everything, q.Account)
	if err != nil {
		return out, err
	}
	if out.Account, err = h.Accounts.Account(ctx, cairn.Everything, id); err != nil {
		return out, err
	}
	if q.To.IsZero() {
		q.To = h.Now()
	}
	if q.From.IsZero() {
		q.From = q.To.AddDate(0, 0, -30)
	}
	out.Difference, err = h.Diff.Diff(ctx, cairn.Everything, id, q.From, q.To)
	return out, err
}}

// PortfolioShow tells how all accounts were scored on two days.
var PortfolioShow = Op[portfolio.Query, portfolio.Report]{"portfolio", func(ctx context.Context, h House, q portfolio.Query, say func(Progress)) (portfolio.Report, error) {
	say(Progress{What: "Looking at how accounts were scored"})
	return h.Portfolio.Report(ctx, cairn.Everything, q)
}}

// SignalsList tells of all signals what there is to know over all accounts.
var SignalsList = Op[None, []model.Signal]{"signals", func(ctx context.Context, h House, _ None, say func(Progress)) ([]model.Signal, error) {
	say(Progress{What: "Looking through what was measured"})
	return h.Model.Signals(ctx, cairn.Everything)
}}

// SignalShow tells of one.
var SignalShow = Op[string, model.Signal]{"signal", func(ctx context.Context, h House, name string, say func(Progress)) (model.Signal, error) {
	say(Progress{What: "Looking through what was measured"})
	return h.Model.Signal(ctx, cairn.Everything, name)
}}

// ModelsList lists the models in the order in which an account is held against
// them.
var ModelsList = Op[None, []model.Published]{"models", func(ctx context.Context, h House, _ None, _ func(Progress)) ([]model.Published, error) {
	return h.Model.Models(ctx)
}}

// A ModelQuery asks for a revision of a model.
type ModelQuery struct {
	Name string `json:"name"`
	Rev  int    `json:"rev"` // 0: the newest
}

// ModelShow tells of one.
var ModelShow = Op[ModelQuery, model.Published]{"model", func(ctx context.Context, h House, q ModelQuery, _ func(Progress)) (model.Published, error) {
	if q.Rev == 0 {
		return h.Model.Model(ctx, q.Name)
	}
	all, err := h.Model.Revisions(ctx, q.Name)
	if err != nil {
		return model.Published{}, err
	}
	for _, p := range all {
		if p.Rev == q.Rev {
			return p, nil
		}
	}
	return model.Published{}, cairn.Errorf(cairn.NotFound, "The model %q has no revision %d.", q.Name, q.Rev).At("rev")
}}

// ModelCheck refuses a model's text, or tells what the model would change.
var ModelCheck = Op[string, model.Trial]{"model-check", func(ctx context.Context, h House, text string, say func(Progress)) (model.Trial, error) {
	m, err := model.Parse(text)
	if err != nil {
		return model.Trial{}, err
	}
	say(Progress{What: "Rating every account by it"})
	return h.Model.Try(ctx, cairn.Everything, m)
}}

// A ModelText is a model to publish, or a revision to go back to.
type ModelText struct {
	Text string `json:"text"` // YAML; empty: name and rev say which
	Name string `json:"name"`
	Rev  int    `json:"rev"`  // of Text: that it was made from, 0 being whatever is in force; without Text: to go back to
	Note string `json:"note"` // why
}

// ModelPublish puts a model in force.
var ModelPublish = Op[ModelText, model.Published]{"model-publish", func(ctx context.Context, h House, t ModelText, _ func(Progress)) (model.Published, error) {
	if t.Text == "" {
		return h.Model.Restore(ctx, cairn.House, t.Name, t.Rev)
	}
	m, err := model.Parse(t.Text)
	if err != nil {
		return model.Published{}, err
	}
	if t.Rev == 0 {
		was, err := h.Model.Model(ctx, m.Name)
		if err != nil && cairn.KindOf(err) != cairn.NotFound {
			return was, err
		}
		t.Rev = was.Rev
	}
	return h.Model.Publish(ctx, cairn.House, m, t.Rev, t.Note)
}}

// ModelDelete ends a model.
var ModelDelete = Op[string, None]{"model-delete", func(ctx context.Context, h House, name string, _ func(Progress)) (None, error) {
	return None{}, h.Model.Delete(ctx, cairn.House, name)
}}
