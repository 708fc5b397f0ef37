package app

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ingest"
	"cairn/internal/play"
	"cairn/internal/revenue"
	"cairn/internal/rule"
	"cairn/internal/signal"
	"cairn/internal/turn"
	"cairn/internal/usage"
	"cairn/internal/vector"
)

// settingsPage is the body of the book page "settings".
type settingsPage struct {
	Zone       string           `json:"zone"`
	Currency   string           `json:"currency"`
	Precedence cairn.Precedence `json:"precedence"`
}

// seed writes the first revision of every page that the book lacks, and the
// default source.
func (a *App) seed(ctx context.Context) error {
	pages := map[string]any{
		"settings": settingsPage{
			Zone: "UTC", Currency: "EUR", Precedence: cairn.Precedence{"cairn", "crm", "billing"},
		},
		usage.Page:               signal.Meaningful{Choice: signal.Choice{Except: signal.DefaultExcept()}},
		vector.PageOf("default"): vector.Default(),
	}
	for _, r := range rule.Defaults() {
		pages["rule/"+r.Name] = r
	}
	for _, p := range play.Defaults() {
		pages["play/"+p.Name] = p
	}
	have, err := a.Store.Pages(ctx, "")
	if err != nil {
		return err
	}
	for _, r := range have {
		delete(pages, r.Page)
	}
	for page, body := range pages {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		_, err = a.Store.Write(ctx, cairn.House, page, 0, b, "As Cairn comes.", time.Now().UTC())
		if err != nil && cairn.KindOf(err) != cairn.Conflict { // another node was first
			return err
		}
	}
	for _, name := range []string{"segment", "import", "cairn"} {
		if _, err := a.Store.Source(ctx, name); err == nil {
			continue
		} else if cairn.KindOf(err) != cairn.NotFound {
			return err
		}
		if err := a.Store.SaveSource(ctx, cairn.House, ingest.Source{Name: name, Several: ingest.Unclaimed}, "As Cairn comes.", time.Now().UTC()); err != nil && cairn.KindOf(err) != cairn.Conflict {
			return err
		}
	}
	return nil
}

// definitions reads what is in force from the book.
func (a *App) definitions(ctx context.Context) (turn.Definitions, error) {
	defs := turn.Definitions{Plays: map[string]play.Play{}}
	pages, err := a.Store.Pages(ctx, "")
	if err != nil {
		return defs, err
	}
	var set settingsPage
	var order []string
	for _, p := range pages {
		switch kind, _, _ := strings.Cut(p.Page, "/"); kind {
		case "settings":
			err = json.Unmarshal(p.Body, &set)
		case usage.Page:
			err = json.Unmarshal(p.Body, &defs.Settings.Meaningful)
		case "metric":
			var m signal.Metric
			var there bool
			if m, there, err = usage.ReadMetric(p); there {
				defs.Settings.Metrics = append(defs.Settings.Metrics, m)
			}
		case revenue.Page:
			var d revenue.Definitions
			if d, err = revenue.ReadDefinitions(p.Body); err == nil {
				defs.Settings.Rates = d.Rates
				defs.Settings.Policy, err = d.InForce()
			}
		case "model":
			if !vector.Deleted(p.Body) {
				defs.Models, err = add(defs.Models, p, func(m *vector.Model) { m.Rev = p.Rev })
			}
		case vector.OrderPage:
			var o vector.Order
			err = json.Unmarshal(p.Body, &o)
			order = o.Models
		case "rule":
			defs.Rules, err = add(defs.Rules, p, func(r *rule.Rule) { r.Rev = p.Rev })
		case "play":
			var pl play.Play
			err = json.Unmarshal(p.Body, &pl)
			pl.Rev = p.Rev
			defs.Plays[pl.Name] = pl
		}
		if err != nil {
			return defs, fmt.Errorf("page %s, revision %d: %w", p.Page, p.Rev, err)
		}
	}
	zone, err := time.LoadLocation(set.Zone)
	if err != nil {
		return defs, cairn.Errorf(cairn.Invalid, "%q is not a time zone.", set.Zone).At("settings.zone").Because(err)
	}
	defs.Settings.Zone, defs.Settings.Currency, defs.Settings.Precedence = zone, set.Currency, set.Precedence
	defs.Models = vector.InOrder(defs.Models, order)
	defs.Settings.Trail = defs.Models.LookBack()
	defs.Catalogue = signal.New(defs.Settings)
	title(&defs)
	return defs, nil
}

// title has reasons call a metric by its title.
func title(defs *turn.Definitions) {
	for _, m := range defs.Models {
		for l := range m.Leaves() {
			if def, ok := defs.Catalogue.Def(l.Signal); ok && l.Label == "" {
				l.Label = def.Label
			}
		}
	}
}

// modelsAt reads the models that were in force at a moment. Of one that was
// written down later its first revision counts: the past before Cairn ran is
// seen as Cairn saw it first.
func (a *App) modelsAt(ctx context.Context, t time.Time) (vector.Models, error) {
	defs, err := a.definitions(ctx)
	if err != nil {
		return nil, err
	}
	pages, err := a.Store.Pages(ctx, vector.PageOf(""))
	if err != nil {
		return nil, err
	}
	var then turn.Definitions
	for _, p := range pages {
		r, err := a.Store.PageAt(ctx, p.Page, t)
		if cairn.KindOf(err) == cairn.NotFound {
			r, err = a.firstRevision(ctx, p.Page)
		}
		if err != nil {
			return nil, err
		}
		if vector.Deleted(r.Body) {
			continue
		}
		if then.Models, err = add(then.Models, r, func(m *vector.Model) { m.Rev = r.Rev }); err != nil {
			return nil, fmt.Errorf("page %s, revision %d: %w", r.Page, r.Rev, err)
		}
	}
	var order vector.Order
	switch r, err := a.Store.PageAt(ctx, vector.OrderPage, t); {
	case err == nil:
		if err := json.Unmarshal(r.Body, &order); err != nil {
			return nil, err
		}
	case cairn.KindOf(err) != cairn.NotFound:
		return nil, err
	}
	then.Models, then.Catalogue = vector.InOrder(then.Models, order.Models), defs.Catalogue
	title(&then)
	return then.Models, nil
}

// firstRevision returns what a page said first.
func (a *App) firstRevision(ctx context.Context, page string) (book.Revision, error) {
	rs, err := a.Store.Revisions(ctx, page)
	if err != nil || len(rs) == 0 {
		return book.Revision{}, err
	}
	return rs[len(rs)-1], nil
}

func add[T any](to []T, p book.Revision, then func(*T)) ([]T, error) {
	var v T
	if err := json.Unmarshal(p.Body, &v); err != nil {
		return to, err
	}
	then(&v)
	return append(to, v), nil
}
