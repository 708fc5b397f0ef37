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
		usage.Page:      signal.Meaningful{Choice: signal.Choice{Except: signal.DefaultExcept()}},
		"model/default": vector.Default(),
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
			err = json.Unmarshal(p.Body, &defs.Model)
			defs.Model.Rev = p.Rev
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
	defs.Catalogue = signal.New(defs.Settings)
	title(&defs)
	return defs, nil
}

// title has reasons call a metric by its title.
func title(defs *turn.Definitions) {
	for _, g := range defs.Model.Groups {
		for i := range g.Leaves {
			if l := &g.Leaves[i]; l.Label == "" {
				if def, ok := defs.Catalogue.Def(l.Signal); ok {
					l.Label = def.Label
				}
			}
		}
	}
}

func add[T any](to []T, p book.Revision, then func(*T)) ([]T, error) {
	var v T
	if err := json.Unmarshal(p.Body, &v); err != nil {
		return to, err
	}
	then(&v)
	return append(to, v), nil
}
