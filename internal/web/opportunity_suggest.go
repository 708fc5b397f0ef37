package web

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/outcome"
	"cairn/internal/sheet"
	"cairn/internal/signal"
)

// suggestedAtOnce is how many suggestions a page shows unless all are asked for.
const suggestedAtOnce = 20

// suggestions are those within owner and type of the filter, and its team.
func (s *site) suggestions(r *http.Request, v View, f expansionFilter) ([]outcome.Suggestion, error) {
	all, err := s.Opportunities.Suggestions(r.Context(), v.Scope())
	return slices.DeleteFunc(all, func(one outcome.Suggestion) bool {
		return f.Owner != "" && one.Of.Owner != f.Owner || f.Type != "" && one.Rule.Type != f.Type || f.Team != "" && one.Team != f.Team
	}), err
}

func (t expansionView) suggestedShown() []outcome.Suggestion {
	if t.Whole {
		return t.Suggested
	}
	return t.Suggested[:min(len(t.Suggested), suggestedAtOnce)]
}

// suggestedWords says how many there are, and for how many it is too early.
func suggestedWords(v View, list []outcome.Suggestion) string {
	early := 0
	for _, one := range list {
		if len(one.Holds) > 0 {
			early++
		}
	}
	out := v.several(len(list), "customer", "customers") + ", who pay most first."
	if early > 0 {
		out += fmt.Sprintf(" For %s it is too early, since they had no value yet: these come last.", v.Count(int64(early)))
	}
	return out
}

// joiner is what stands between an address of the filter and one more value.
func joiner(f expansionFilter) string {
	if len(f.values()) == 0 {
		return "?"
	}
	return "&"
}

// answerSuggestion makes a suggestion an opportunity, or dismisses it for some
// days and a reason.
func (s *site) answerSuggestion(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := cairn.ParseID(r.PostFormValue("account"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "Name the account by its id.").At("account")
	}
	one, err := s.Opportunities.Suggested(r.Context(), v.Scope(), cairn.AccountID{ID: id}, r.PostFormValue("signal"))
	if err != nil {
		return err
	}
	key, props := "opportunity-"+strings.ToLower(rand.Text()), one.Take()
	switch r.PostFormValue("do") {
	case "take":
	case "dismiss":
		days, _ := strconv.Atoi(r.PostFormValue("days"))
		if key, props, err = one.Dismiss(r.PostFormValue("why"), days, v.Today()); err != nil {
			return err
		}
	default:
		return cairn.Errorf(cairn.Invalid, "A suggestion is taken or dismissed.").At("do")
	}
	props["by"] = v.Actor().ID
	err = s.admit(r.Context(), ingest.Record{
		Kind: cairn.OfOpportunity, Name: "suggested", ID: "suggestion-" + rand.Text(), At: v.Now, Keys: cairn.Keys{Account: one.Of.Key, Record: key}, In: one.Of.Space, Props: props,
	})
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/revenue/expansion", http.StatusSeeOther)
	return nil
}

// teamLines are the rules of teams, and room for two more.
func (t expansionView) teamLines() []outcome.TeamRule {
	return append(slices.Clone(t.Rules.Teams), outcome.TeamRule{}, outcome.TeamRule{})
}

// suggestLines are the rules of suggestions, and room for two more.
func (t expansionView) suggestLines() []outcome.SuggestRule {
	return append(slices.Clone(t.Rules.Suggest), outcome.SuggestRule{}, outcome.SuggestRule{})
}

// suggestSignals are the signals that may suggest.
func suggestSignals() []signal.Def {
	return slices.DeleteFunc(signal.Defs(), func(d signal.Def) bool { return d.Type == cairn.Text })
}

func suggestBorder(r outcome.SuggestRule) string {
	if r.Signal == "" {
		return ""
	}
	return borderText(&r.Least)
}

func borderText(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'f', -1, 64)
}

// readBorder reads a number of a form; empty is none.
func readBorder(field, text string) (*float64, error) {
	if text = strings.TrimSpace(text); text == "" {
		return nil, nil
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "%q is not a number.", text).At(field)
	}
	return &n, nil
}

// expansionRulesOf reads the rules out of a form.
func expansionRulesOf(r *http.Request) (outcome.Rules, error) {
	rules := outcome.Rules{Otherwise: r.PostForm.Get("otherwise"), Suggest: []outcome.SuggestRule{}}
	types, least, teams := r.PostForm["type"], r.PostForm["least"], r.PostForm["team"]
	names, borders, kinds := r.PostForm["suggest-signal"], r.PostForm["suggest-least"], r.PostForm["suggest-type"]
	if len(types) != len(teams) || len(least) != len(teams) || len(borders) != len(names) || len(kinds) != len(names) {
		return rules, cairn.Errorf(cairn.Invalid, "A line of the form is not whole. Load the page again.")
	}
	for i, team := range teams {
		if team != "" {
			rules.Teams = append(rules.Teams, outcome.TeamRule{Type: types[i], Least: strings.TrimSpace(least[i]), Team: team})
		}
	}
	for i, name := range names {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		border, err := readBorder(fmt.Sprintf("suggest.%d.at_least", i), borders[i])
		if err != nil {
			return rules, err
		}
		if border == nil {
			return rules, cairn.Errorf(cairn.Invalid, "Say from where on %s suggests.", name).At(fmt.Sprintf("suggest.%d.at_least", i))
		}
		rules.Suggest = append(rules.Suggest, outcome.SuggestRule{Signal: name, Least: *border, Type: kinds[i]})
	}
	rules.Test.Falling, rules.Test.Escalated = r.PostForm.Get("falling") == "1", r.PostForm.Get("escalated") == "1"
	for field, into := range map[string]**float64{"level_below": &rules.Test.Level, "overdue_days": &rules.Test.Overdue, "idle_days": &rules.Test.Idle} {
		border, err := readBorder(field, r.PostForm.Get(field))
		if err != nil {
			return rules, err
		}
		*into = border
	}
	return rules, nil
}

// saveExpansionRules puts the rules of a form in force, on top of the revision
// that the form is of.
func (s *site) saveExpansionRules(w http.ResponseWriter, r *http.Request, v View) error {
	if !v.Session.User.Admin {
		return cairn.Errorf(cairn.Forbidden, "Only an administrator may change whose opportunities are and what holds them back.")
	}
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "The form cannot be read.").Because(err)
	}
	base, err := strconv.Atoi(r.PostForm.Get("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "Load the page again: the form does not say which rules it is of.").At("rev")
	}
	rules, err := expansionRulesOf(r)
	if err != nil {
		return err
	}
	if _, err := s.Opportunities.SetRules(r.Context(), v.Actor(), rules, base, strings.TrimSpace(r.PostForm.Get("note"))); err != nil {
		return err
	}
	http.Redirect(w, r, "/revenue/expansion#rules-title", http.StatusSeeOther)
	return nil
}

// suggestionsTable is all that signals suggest, as the filter says.
func (s *site) suggestionsTable(r *http.Request, v View) (sheet.Table, error) {
	t := sheet.Table{Name: "suggestions", Columns: []sheet.Column{{Key: "account"}, {Key: "name", Title: "Account name"}, {Key: "signal"}, {Key: "value"}, {Key: "at_least"}, {Key: "why"}, {Key: "type"}, {Key: "held_by"}, {Key: "team"}, {Key: "owner"}}}
	f, err := s.readExpansion(r)
	if err != nil {
		return t, err
	}
	list, err := s.suggestions(r, v, f)
	t.Rows = sheet.Of(list, func(one outcome.Suggestion) []sheet.Cell {
		return []sheet.Cell{
			sheet.Text(one.Of.ID.String()), sheet.Text(one.Of.Name), sheet.Text(one.Rule.Signal), sheet.Text(borderText(&one.Value)), sheet.Text(borderText(&one.Rule.Least)), sheet.Text(one.Reason()),
			sheet.Text(one.Rule.Type), sheet.Text(strings.Join(one.Holds, "; ")), sheet.Text(one.Team), sheet.Text(one.Of.Owner),
		}
	})
	return t, err
}
