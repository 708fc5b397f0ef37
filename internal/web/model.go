package web

import (
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/model"
	"cairn/internal/sheet"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

func (s *site) modelRoutes(mux *http.ServeMux) {
	if s.Model == nil {
		return
	}
	mux.Handle("GET /models", s.page(s.models))
	mux.Handle("GET /models/new", s.page(s.newModel))
	mux.Handle("GET /models/{name}", s.page(s.model))
	mux.Handle("POST /models/try", s.page(s.tryModel))
	mux.Handle("POST /models", s.page(s.publishModel))
	mux.Handle("POST /models/{name}/restore", s.page(s.restoreModel))
	mux.Handle("POST /models/{name}/delete", s.page(s.deleteModel))
	mux.Handle("POST /models/order", s.page(s.orderModels))
	mux.Handle("GET /signals", s.page(s.signals))
	mux.Handle("GET /signals/{name}", s.page(s.signal))
	s.files(mux, "/signals", s.signalsTable)
}

// A modelsView is the list of models.
type modelsView struct {
	Models []model.Published
	Said   string // what was just done
}

func (s *site) models(w http.ResponseWriter, r *http.Request, v View) error {
	all, err := s.Model.Models(r.Context())
	if err != nil {
		return err
	}
	t := modelsView{Models: all, Said: modelDone[r.FormValue("did")]}
	p := Page{Title: "Success Vector", Active: "models"}
	if v.Session.User.Admin {
		p.Action = newModelLink()
	}
	return s.render(w, r, v, p, modelsPage(v, t))
}

var modelDone = map[string]string{
	"published": "The model is in force. Accounts are rated again, their way included; nothing fires because of it.",
	"deleted":   "The model is deleted. Its accounts are rated by the next that is for them.",
	"ordered":   "The order is in force.",
}

// A modelView is the page on which one model is looked at and changed.
type modelView struct {
	Saved     model.Published // as it is in force; Rev 0: it is new
	Text      string          // as it stands in the form
	Note      string
	Model     vector.Model // of the text, where it could be read
	Trial     *model.Trial
	Problem   *cairn.Error
	Revisions []model.Published
	Said      string
}

func (s *site) model(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.modelView(r, r.PathValue("name"))
	if err != nil {
		return err
	}
	t.Said = modelDone[r.FormValue("did")]
	return s.showModel(w, r, v, t)
}

func (s *site) modelView(r *http.Request, name string) (t modelView, err error) {
	if t.Saved, err = s.Model.Model(r.Context(), name); err != nil {
		return t, err
	}
	if t.Revisions, err = s.Model.Revisions(r.Context(), name); err != nil {
		return t, err
	}
	t.Model = t.Saved.Model
	t.Text, err = model.Text(t.Saved.Model)
	return t, err
}

// newModel begins with what the model for everybody says, for some accounts.
func (s *site) newModel(w http.ResponseWriter, r *http.Request, v View) error {
	all, err := s.Model.Models(r.Context())
	if err != nil {
		return err
	}
	m := vector.Default()
	if len(all) > 0 {
		m = all[len(all)-1].Model
	}
	m.Name, m.Title = "some-accounts", "Some accounts"
	m.For = []signal.Test{{Field: "trait.segment", Op: "is", Value: "partner"}}
	t := modelView{Model: m}
	if t.Text, err = model.Text(m); err != nil {
		return err
	}
	return s.showModel(w, r, v, t)
}

func (s *site) showModel(w http.ResponseWriter, r *http.Request, v View, t modelView) error {
	return s.render(w, r, v, Page{Title: t.title(), Active: "models", Charts: true, Crumbs: []Crumb{{"Success Vector", "/models"}}}, modelPageOf(v, t))
}

func (t modelView) title() string {
	if t.Saved.Rev == 0 {
		return "New model"
	}
	return modelTitle(t.Saved.Model)
}

func modelTitle(m vector.Model) string { return firstOf(m.Title, upperFirst(m.Name)) }

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// modelAsked reads the form.
func (s *site) modelAsked(r *http.Request) (modelView, error) {
	t := modelView{Text: r.PostFormValue("text"), Note: strings.TrimSpace(r.PostFormValue("note"))}
	if was := r.PostFormValue("was"); was != "" {
		var err error
		text, note := t.Text, t.Note
		if t, err = s.modelView(r, was); err != nil {
			return t, err
		}
		t.Text, t.Note = text, note
	}
	m, err := model.Parse(t.Text)
	if err != nil {
		t.Problem = asError(err)
		return t, nil
	}
	t.Model = m
	return t, nil
}

// tryModel shows what the text of the form would change.
func (s *site) tryModel(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.modelAsked(r)
	if err != nil {
		return err
	}
	s.tryOn(r, v, &t)
	return s.write(w, r, http.StatusOK, modelEffect(v, t))
}

// tryOn rates every account by the model; what is wrong with it stands beside.
func (s *site) tryOn(r *http.Request, v View, t *modelView) {
	if t.Problem != nil {
		return
	}
	trial, err := s.Model.Try(r.Context(), v.Scope(), t.Model)
	if err != nil {
		t.Problem = asError(err)
		return
	}
	t.Trial = &trial
}

func (s *site) publishModel(w http.ResponseWriter, r *http.Request, v View) error {
	if err := mayDefine(v); err != nil {
		return err
	}
	t, err := s.modelAsked(r)
	if err != nil {
		return err
	}
	rev, _ := strconv.Atoi(r.PostFormValue("rev"))
	if t.Problem == nil && t.Saved.Rev > 0 && t.Model.Name != t.Saved.Name {
		t.Problem = cairn.Errorf(cairn.Invalid, "The name of a model stays; its title may change. For another model begin a new one.").At("name")
	}
	if t.Problem == nil {
		var p model.Published
		if p, err = s.Model.Publish(r.Context(), v.Actor(), t.Model, rev, t.Note); err == nil {
			http.Redirect(w, r, "/models/"+p.Name+"?did=published", http.StatusSeeOther)
			return nil
		}
		if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.Conflict {
			return err
		}
		t.Problem = asError(err)
	}
	return s.write(w, r, http.StatusUnprocessableEntity, frame(v, Page{Title: t.title(), Active: "models", Charts: true, Crumbs: []Crumb{{"Success Vector", "/models"}}}, modelPageOf(v, t)))
}

// mayDefine refuses who may not change what is measured.
func mayDefine(v View) error {
	if !v.Session.User.Admin {
		return cairn.Errorf(cairn.Forbidden, "Administrators change models.")
	}
	return nil
}

func (s *site) restoreModel(w http.ResponseWriter, r *http.Request, v View) error {
	if err := mayDefine(v); err != nil {
		return err
	}
	rev, _ := strconv.Atoi(r.PostFormValue("rev"))
	name := r.PathValue("name")
	if _, err := s.Model.Restore(r.Context(), v.Actor(), name, rev); err != nil {
		return err
	}
	http.Redirect(w, r, "/models/"+name+"?did=published", http.StatusSeeOther)
	return nil
}

func (s *site) deleteModel(w http.ResponseWriter, r *http.Request, v View) error {
	if err := mayDefine(v); err != nil {
		return err
	}
	if err := s.Model.Delete(r.Context(), v.Actor(), r.PathValue("name")); err != nil {
		return err
	}
	http.Redirect(w, r, "/models?did=deleted", http.StatusSeeOther)
	return nil
}

// orderModels puts one of them before the one above it.
func (s *site) orderModels(w http.ResponseWriter, r *http.Request, v View) error {
	if err := mayDefine(v); err != nil {
		return err
	}
	all, err := s.Model.Models(r.Context())
	if err != nil {
		return err
	}
	var names []string
	for i, m := range all {
		names = append(names, m.Name)
		if i > 0 && m.Name == r.PostFormValue("up") {
			names[i-1], names[i] = names[i], names[i-1]
		}
	}
	if err := s.Model.Order(r.Context(), v.Actor(), names); err != nil {
		return err
	}
	http.Redirect(w, r, "/models?did=ordered", http.StatusSeeOther)
	return nil
}

// rates says which accounts a model is for.
func rates(m vector.Model) string {
	if len(m.For) == 0 {
		return "all accounts that no other model is for"
	}
	parts := make([]string, len(m.For))
	for i, t := range m.For {
		parts[i] = strings.TrimPrefix(t.String(), "trait.")
	}
	return "accounts of which " + strings.Join(parts, " and ")
}

func leavesOf(m vector.Model) (n int) {
	for range m.Leaves() {
		n++
	}
	return n
}

// A modelRow is a group or a leaf of a model's picture.
type modelRow struct {
	Depth  int
	Name   string
	Signal string  // of a leaf
	Says   string  // the scale, or how parts come to the whole
	Weight float64 // percent of what it stands in
	Share  float64 // percent of the level, of a group that is a mean
	Adds   bool
}

var howWords = map[vector.How]string{vector.Mean: "the weighted mean of its parts", vector.Worst: "its worst part counts", vector.Add: "a sum from its start"}

// picture lays a model out row by row.
func picture(m vector.Model) []modelRow {
	var out []modelRow
	var walk func(gs []vector.Group, depth int, whole float64, in vector.How)
	part := func(whole, weight float64, in vector.How) float64 {
		if in == vector.Worst {
			return whole
		}
		return whole * weight / 100
	}
	walk = func(gs []vector.Group, depth int, whole float64, in vector.How) {
		for _, g := range gs {
			share := part(whole, g.Weight, in)
			says := howWords[g.How]
			if g.How == vector.Add {
				says += " of " + strconv.FormatFloat(g.Start, 'f', -1, 64) + " %"
			}
			out = append(out, modelRow{Depth: depth, Name: g.Name, Says: says, Weight: g.Weight, Share: share, Adds: in == vector.Add})
			for _, l := range g.Leaves {
				def, _ := signal.Find(l.Signal)
				out = append(out, modelRow{Depth: depth + 1, Name: firstOf(l.Label, def.Label, l.Signal), Signal: l.Signal, Says: l.Scale(), Weight: l.Weight, Share: part(share, l.Weight, g.How), Adds: g.How == vector.Add})
			}
			walk(g.Groups, depth+1, share, g.How)
		}
	}
	walk(m.Groups, 0, 100, vector.Mean)
	return out
}

// chart draws how levels are distributed before and after.
func (t modelView) chart() map[string]any {
	return levelBars(t.Trial.Before.Tens, t.Trial.After.Tens, "now", "with this model")
}

// levelBars draws how many accounts have a level within each ten points, twice.
func levelBars(was, is [10]int, wasName, isName string) map[string]any {
	var names, before, after []any
	for i := range was {
		names = append(names, fmt.Sprintf("%d–%d", 10*i, 10*(i+1)))
		before, after = append(before, was[i]), append(after, is[i])
	}
	bar := func(name, colour string, data []any) map[string]any {
		return map[string]any{"type": "bar", "name": name, "data": data, "itemStyle": map[string]any{"color": colour}, "barGap": "10%"}
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"legend":  map[string]any{"top": 0, "left": 8, "textStyle": map[string]any{"color": "--ink"}, "selectedMode": false},
		"tooltip": map[string]any{"trigger": "axis", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": 12, "top": 34, "bottom": 8, "containLabel": true},
		"xAxis":   map[string]any{"type": "category", "data": names, "axisTick": map[string]any{"show": false}, "axisLabel": map[string]any{"color": "--dim", "fontSize": 11}, "axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}},
		"yAxis":   map[string]any{"type": "value", "minInterval": 1, "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series":  []any{bar(wasName, "--grey", before), bar(isName, "--accent", after)},
	}
}

func (t modelView) chartWords() string {
	var out []string
	for i := range t.Trial.Before.Tens {
		out = append(out, fmt.Sprintf("%d to %d: %d, then %d", 10*i, 10*(i+1), t.Trial.Before.Tens[i], t.Trial.After.Tens[i]))
	}
	return "Accounts by level, now and with this model. " + strings.Join(out, "; ") + "."
}

// gradeCounts pairs grades before and after by their name.
func (t modelView) gradeCounts() []gradeCount {
	var out []gradeCount
	at := map[string]int{}
	for _, c := range t.Trial.Before.Grades {
		at[c.Grade.Name] = len(out)
		out = append(out, gradeCount{c.Grade.Name, c.Accounts, 0})
	}
	for _, c := range t.Trial.After.Grades {
		if i, ok := at[c.Grade.Name]; ok {
			out[i].After += c.Accounts
		} else {
			out = append(out, gradeCount{c.Grade.Name, 0, c.Accounts})
		}
	}
	return append(out, gradeCount{"no level", t.Trial.Before.None, t.Trial.After.None})
}

type gradeCount struct {
	Name          string
	Before, After int
}

// changes says what a revision changed in the one before it.
func (t modelView) changes(i int) []book.Line {
	if i+1 >= len(t.Revisions) {
		return nil
	}
	before, _ := model.Text(t.Revisions[i+1].Model)
	after, _ := model.Text(t.Revisions[i].Model)
	return book.Diff(before, after, 1)
}

// A signalsView is the list of signals.
type signalsView struct {
	Groups []signalGroup
	Search string
}

type signalGroup struct {
	Name    string
	Signals []model.Signal
}

func (s *site) signalsView(r *http.Request, v View) (signalsView, error) {
	t := signalsView{Search: strings.TrimSpace(r.FormValue("q"))}
	all, err := s.Model.Signals(r.Context(), v.Scope())
	if err != nil {
		return t, err
	}
	for _, x := range all {
		if t.Search != "" && !likeWords(t.Search, x.Name, x.Label, x.Description) && !strings.Contains(strings.ToLower(x.Label+" "+x.Name), strings.ToLower(t.Search)) {
			continue
		}
		n := len(t.Groups)
		if n == 0 || t.Groups[n-1].Name != x.Group {
			t.Groups = append(t.Groups, signalGroup{Name: x.Group})
			n++
		}
		t.Groups[n-1].Signals = append(t.Groups[n-1].Signals, x)
	}
	return t, nil
}

func (s *site) signals(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.signalsView(r, v)
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: "Success Vector", Active: "models", Wide: true}, signalsPage(v, t))
}

func (s *site) signal(w http.ResponseWriter, r *http.Request, v View) error {
	x, err := s.Model.Signal(r.Context(), v.Scope(), r.PathValue("name"))
	if err != nil {
		return err
	}
	return s.render(w, r, v, Page{Title: x.Label, Active: "models", Charts: true, Crumbs: []Crumb{{"Success Vector", "/models"}, {"Signals", "/signals"}}}, signalPage(v, x))
}

func (s *site) signalsTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.signalsView(r, v)
	return sheet.Table{
		Name: "signals", Columns: sheet.Columns("signal", "label", "group", "unit", "from", "accounts", "known", "stale", "tenth", "median", "nine_tenths", "read_by"),
		Rows: func(yield func([]sheet.Cell, error) bool) {
			for _, g := range t.Groups {
				for _, x := range g.Signals {
					q := func(i int) sheet.Cell {
						if len(x.Spread) <= i {
							return sheet.Text("")
						}
						return sheet.Number(&x.Spread[i])
					}
					if !yield([]sheet.Cell{sheet.Text(x.Name), sheet.Text(x.Label), sheet.Text(x.Group), sheet.Text(x.Unit), sheet.Text(x.Source), sheet.Count(x.Accounts), sheet.Count(x.Known), sheet.Count(x.Stale), q(2), q(10), q(18), sheet.Text(strings.Join(x.Readers, ", "))}, nil) {
						return
					}
				}
			}
		},
	}, err
}

// queryOf is one part of an address, where it says anything.
func queryOf(name, value string) url.Values {
	if value == "" {
		return url.Values{}
	}
	return url.Values{name: {value}}
}

// coverage is the share of accounts of which a signal is known.
func coverage(x model.Signal) float64 {
	if x.Accounts == 0 {
		return 0
	}
	return float64(x.Known) / float64(x.Accounts)
}

// quantile writes one of the 21 quantiles of a signal, in its unit.
func quantile(v View, x model.Signal, i int) string {
	if len(x.Spread) <= i {
		return "–"
	}
	if x.Type == cairn.Amount {
		return v.Money(cairn.Money{Minor: int64(x.Spread[i]), Currency: v.Currency})
	}
	return v.Decimal(x.Spread[i], 1)
}

// spreadChart draws a signal's quantiles: at each height, which share of
// accounts lies below.
func spreadChart(v View, x model.Signal) map[string]any {
	var data []any
	for i, q := range x.Spread {
		if x.Type == cairn.Amount {
			q /= math.Pow10(cairn.MinorDigits(v.Currency))
		}
		data = append(data, []any{5 * i, q})
	}
	return map[string]any{
		"aria":    map[string]any{"enabled": false},
		"tooltip": map[string]any{"trigger": "axis", "confine": true, "backgroundColor": "--ink", "borderWidth": 0, "textStyle": map[string]any{"color": "--surface", "fontSize": 12.5}},
		"grid":    map[string]any{"left": 8, "right": 16, "top": 16, "bottom": 24, "containLabel": true},
		"xAxis": map[string]any{"type": "value", "min": 0, "max": 100, "interval": 25, "name": "percent of accounts lie below", "nameLocation": "middle", "nameGap": 26, "nameTextStyle": map[string]any{"color": "--dim"},
			"axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"show": false}, "axisLine": map[string]any{"lineStyle": map[string]any{"color": "--line-strong"}}},
		"yAxis":  map[string]any{"type": "value", "axisLabel": map[string]any{"color": "--dim"}, "splitLine": map[string]any{"lineStyle": map[string]any{"color": "--line"}}},
		"series": []any{map[string]any{"type": "line", "name": x.Label, "data": data, "step": "end", "showSymbol": false, "lineStyle": map[string]any{"color": "--accent", "width": 2}, "areaStyle": map[string]any{"color": "--accent-soft"}}},
	}
}

func spreadWords(v View, x model.Signal) string {
	return fmt.Sprintf("%s: a tenth of accounts lie at or below %s, half at or below %s, nine tenths at or below %s.", x.Label, quantile(v, x, 2), quantile(v, x, 10), quantile(v, x, 18))
}
