package web

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/ledger"
	"cairn/internal/outcome"
	"cairn/internal/revenue"
	"cairn/internal/sheet"
)

func (s *site) opportunityRoutes(mux *http.ServeMux) {
	if s.Opportunities == nil {
		return
	}
	mux.Handle("GET /revenue/expansion", s.page(s.expansion))
	mux.Handle("POST /revenue/expansion", s.page(s.addOpportunity))
	mux.Handle("POST /revenue/expansion/suggestions", s.page(s.answerSuggestion))
	mux.Handle("POST /revenue/expansion/rules", s.page(s.saveExpansionRules))
	mux.Handle("GET /revenue/expansion/{id}", s.page(s.opportunity))
	mux.Handle("POST /revenue/expansion/{id}", s.page(s.changeOpportunity))
	s.files(mux, "/revenue/expansion", s.expansionTable)
	s.files(mux, "/revenue/expansion/suggestions", s.suggestionsTable)
}

// An expansionFilter is what the address says.
type expansionFilter struct{ Team, Stage, Type, Owner string }

func (f expansionFilter) values() url.Values {
	q := url.Values{}
	for name, value := range map[string]string{"team": f.Team, "stage": f.Stage, "type": f.Type, "owner": f.Owner} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

func (f expansionFilter) address(path string) string { return addressOf(path, f.values()) }

func (f expansionFilter) with(team, stage string) expansionFilter {
	f.Team, f.Stage = team, stage
	return f
}

// An expansionView is the page of what customers may buy more.
type expansionView struct {
	Filter    expansionFilter
	All       []outcome.Listed // within owner and type
	Shown     []outcome.Listed // within the filter
	Owners    []string
	Rules     outcome.Rules
	Followed  map[cairn.RecordID]revenue.Moved // of what was won, the expansion that followed
	Undo      *outcome.Listed                  // what was just changed
	UndoStage string                           // as it was before
	Suggested []outcome.Suggestion             // within owner and type
	Whole     bool                             // all suggestions are shown
	Rev       int                              // of the rules
}

func (s *site) readExpansion(r *http.Request) (expansionFilter, error) {
	f := expansionFilter{Team: r.FormValue("team"), Stage: r.FormValue("stage"), Type: r.FormValue("type"), Owner: strings.ToLower(r.FormValue("owner"))}
	for _, c := range []struct {
		name, value string
		words       []string
	}{{"team", f.Team, outcome.OpportunityTeams}, {"stage", f.Stage, outcome.OpportunityStages}, {"type", f.Type, outcome.OpportunityTypes}} {
		if c.value != "" && !slices.Contains(c.words, c.value) {
			return f, cairn.Errorf(cairn.Invalid, "The %s is one of %s.", c.name, strings.Join(c.words, ", ")).At(c.name)
		}
	}
	return f, nil
}

func (s *site) expansionView(r *http.Request, v View) (expansionView, error) {
	var t expansionView
	var err error
	if t.Filter, err = s.readExpansion(r); err != nil {
		return t, err
	}
	if t.Rules, t.Rev, err = s.Opportunities.Rules(r.Context()); err != nil {
		return t, err
	}
	all, err := s.Opportunities.List(r.Context(), v.Scope())
	if err != nil {
		return t, err
	}
	for _, o := range all {
		if o.Owner != "" && !slices.Contains(t.Owners, o.Owner) {
			t.Owners = append(t.Owners, o.Owner)
		}
		if t.Filter.Owner != "" && o.Owner != t.Filter.Owner || t.Filter.Type != "" && o.Type != t.Filter.Type {
			continue
		}
		t.All = append(t.All, o)
		if (t.Filter.Team == "" || o.Team == t.Filter.Team) && (t.Filter.Stage == "" || o.Stage == t.Filter.Stage) {
			t.Shown = append(t.Shown, o)
		}
	}
	slices.Sort(t.Owners)
	t.Followed, err = s.followed(r, v, t.Shown)
	return t, err
}

// followed finds the expansion of the ledger that followed what was won, within
// 120 days.
func (s *site) followed(r *http.Request, v View, list []outcome.Listed) (map[cairn.RecordID]revenue.Moved, error) {
	out := map[cairn.RecordID]revenue.Moved{}
	from, to := ledger.Month(0), ledger.MonthOf(v.Today())
	for _, o := range list {
		if o.Stage == outcome.Won && o.Closed != 0 && (from == 0 || ledger.MonthOf(o.Closed) < from) {
			from = ledger.MonthOf(o.Closed)
		}
	}
	if from == 0 || from > to || s.Revenue == nil {
		return out, nil
	}
	picked, err := s.Revenue.Movements(r.Context(), v.Scope(), revenue.Query{From: from, To: to}, ledger.Expansion, 0, 1<<20)
	if err != nil {
		return out, err
	}
	for _, o := range list {
		if o.Stage != outcome.Won {
			continue
		}
		for _, m := range picked.Movements {
			if m.Account == o.Account && m.Day >= o.Closed-7 && m.Day <= o.Closed+120 {
				if was, there := out[o.Record]; !there || m.Day < was.Day {
					out[o.Record] = m
				}
			}
		}
	}
	return out, nil
}

func (s *site) expansion(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.expansionView(r, v)
	if err != nil {
		return err
	}
	if t.Suggested, err = s.suggestions(r, v, t.Filter); err != nil {
		return err
	}
	t.Whole = r.FormValue("suggestions") == "all"
	if key := r.FormValue("did"); key != "" {
		for i := range t.All {
			if t.All[i].Record.String() == key && slices.Contains(outcome.OpportunityStages, r.FormValue("was")) {
				t.Undo, t.UndoStage = &t.All[i], r.FormValue("was")
			}
		}
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Wide: true}, expansionPage(v, t))
}

// An opportunityView is the page of one.
type opportunityView struct {
	outcome.Listed
	Why string // what was written down when it was let go, or decided
}

func (s *site) opportunity(w http.ResponseWriter, r *http.Request, v View) error {
	o, err := s.Opportunities.One(r.Context(), v.Scope(), r.PathValue("id"))
	if err != nil {
		return err
	}
	t := opportunityView{Listed: o}
	records, err := s.Accounts.Records(r.Context(), v.Scope(), o.Account, cairn.OfOpportunity, time.Time{})
	if err != nil {
		return err
	}
	for _, rec := range records {
		if rec.ID == o.Record {
			t.Why = rec.Text("why")
		}
	}
	return s.render(w, r, v, Page{Title: opportunityName(o.Opportunity), Active: "revenue", Crumbs: []Crumb{{"Expansion", "/revenue/expansion"}}}, opportunityPage(v, t))
}

// opportunityChange reads what a form says; fields that it does not have are
// left alone.
func opportunityChange(r *http.Request) outcome.Change {
	text := func(name string) *string {
		if _, there := r.PostForm[name]; !there {
			return nil
		}
		v := strings.TrimSpace(r.PostFormValue(name))
		return &v
	}
	c := outcome.Change{
		Name: text("name"), Type: text("type"), Product: text("product"), Amount: text("amount"), Currency: text("currency"), Stage: text("stage"),
		Team: text("team"), Owner: text("owner"), Close: text("close"), Held: text("held"), Why: text("why"),
	}
	if said := text("release"); said != nil {
		on := *said == "1"
		c.Release = &on
	}
	return c
}

func (s *site) addOpportunity(w http.ResponseWriter, r *http.Request, v View) error {
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "The form cannot be read.").Because(err)
	}
	id, err := s.Accounts.Find(r.Context(), v.Scope(), strings.TrimSpace(r.PostFormValue("account")))
	if err != nil {
		return err
	}
	a, err := s.Accounts.Account(r.Context(), v.Scope(), id)
	if err != nil {
		return err
	}
	c := opportunityChange(r)
	open := outcome.Open
	c.Stage = &open
	props, err := c.Props(v.Now, v.Zone, v.Currency)
	if err != nil {
		return err
	}
	for name, value := range props {
		if value == nil {
			delete(props, name)
		}
	}
	props["by"] = v.Actor().ID
	key := "opportunity-" + strings.ToLower(rand.Text())
	err = s.admit(r.Context(), ingest.Record{
		Kind: cairn.OfOpportunity, Name: "added", ID: key, At: v.Now, Keys: cairn.Keys{Account: a.Key, Record: key}, In: a.Space, Props: props,
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/revenue/expansion", http.StatusSeeOther)
	return nil
}

// changeOpportunity writes down what a form says of one, and leads back with the
// way back where its stage changed.
func (s *site) changeOpportunity(w http.ResponseWriter, r *http.Request, v View) error {
	o, err := s.Opportunities.One(r.Context(), v.Scope(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "The form cannot be read.").Because(err)
	}
	c := opportunityChange(r)
	props, err := c.Props(v.Now, v.Zone, v.Currency)
	if err != nil {
		return err
	}
	props["by"] = v.Actor().ID
	err = s.admit(r.Context(), ingest.Record{
		Kind: cairn.OfOpportunity, Name: "changed", ID: "opportunity-change-" + rand.Text(), At: v.Now, Keys: cairn.Keys{Account: o.Of.Key, Record: o.Key}, In: o.Of.Space, Props: props,
	})
	if err != nil {
		return err
	}
	to := "/revenue/expansion"
	if c.Stage != nil && *c.Stage != o.Said && o.Said != outcome.Held {
		to += "?did=" + o.Record.String() + "&was=" + o.Said
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// sums writes amounts of several currencies.
func sums(v View, list []outcome.Listed) string {
	var parts []string
	for _, m := range outcome.Sum(list) {
		parts = append(parts, v.Money(m))
	}
	if len(parts) == 0 {
		return "an unknown amount"
	}
	return strings.Join(parts, " and ")
}

// at are those in a stage; "" for a team is any.
func (t expansionView) at(team, stage string) (out []outcome.Listed) {
	for _, o := range t.All {
		if (team == "" || o.Team == team) && o.Stage == stage {
			out = append(out, o)
		}
	}
	return out
}

// sentence says what customers may buy more, and what is held back.
func (t expansionView) sentence(v View) string {
	open, held, won := t.at("", outcome.Open), t.at("", outcome.Held), t.at("", outcome.Won)
	out := "No opportunity is open."
	if len(open) > 0 {
		out = fmt.Sprintf("%s open: %s a month.", v.several(len(open), "opportunity is", "opportunities are"), sums(v, open))
	}
	if len(held) > 0 {
		out += fmt.Sprintf(" %s held back, since value comes first: %s.", v.several(len(held), "is", "are"), sums(v, held))
	}
	if len(won) > 0 {
		out += fmt.Sprintf(" %s won.", v.several(len(won), "was", "were"))
	}
	return out
}

var opportunityTypes = map[string]string{"upsell": "Upsell", "cross_sell": "Cross-sell", "renewal": "Renewal", "new": "New", "": "–"}

var stageNames = map[string]string{outcome.Open: "open", outcome.Held: "held back", outcome.Won: "won", outcome.Lost: "lost"}

var stageLooks = map[string]string{outcome.Open: "accent", outcome.Held: "warn", outcome.Won: "good", outcome.Lost: ""}

func opportunityName(o outcome.Opportunity) string {
	switch {
	case o.Name != "":
		return o.Name
	case o.Product != "":
		return opportunityTypes[o.Type] + ": " + o.Product
	}
	return opportunityTypes[o.Type]
}

// expansionTable is what the page shows.
func (s *site) expansionTable(r *http.Request, v View) (sheet.Table, error) {
	t, err := s.expansionView(r, v)
	return sheet.Table{
		Name: "expansion",
		Columns: []sheet.Column{{Key: "opportunity"}, {Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "title"}, {Key: "type"}, {Key: "product"}, {Key: "amount"}, {Key: "currency"},
			{Key: "stage"}, {Key: "held_by"}, {Key: "team"}, {Key: "team_why"}, {Key: "owner"}, {Key: "close"}, {Key: "closed"}, {Key: "followed_by"}},
		Rows: sheet.Of(t.Shown, func(o outcome.Listed) []sheet.Cell {
			followed := sheet.Text("")
			if m, there := t.Followed[o.Record]; there {
				followed = sheet.Text(m.Text)
			}
			return []sheet.Cell{
				sheet.Text(o.Key), sheet.Text(o.Account.String()), sheet.Text(o.Of.Name), sheet.Text(opportunityName(o.Opportunity)), sheet.Text(o.Type), sheet.Text(o.Product), moneyCell(o.Amount), sheet.Text(o.Amount.Currency),
				sheet.Text(o.Stage), sheet.Text(strings.Join(o.Why, "; ")), sheet.Text(o.Team), sheet.Text(o.TeamWhy), sheet.Text(o.Owner), sheet.Date(o.Close), sheet.Date(o.Closed), followed,
			}
		}),
	}, err
}
