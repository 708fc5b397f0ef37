package web

import (
	"fmt"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/outcome"
	"cairn/internal/signal"
)

var stageVerbs = map[string]string{outcome.Open: "Open it again", outcome.Won: "It is won", outcome.Lost: "It is lost"}

// monthOf writes the month of a day as an address does.
func monthOf(d cairn.Day) string { return ledger.MonthOf(d).String() }

// plainAmount is an amount as a form holds it.
func plainAmount(m cairn.Money) string {
	if m.Currency == "" {
		return ""
	}
	text, _, _ := strings.Cut(m.String(), " ")
	return text
}

// opportunitySentence says how one stands, after the account's name.
func opportunitySentence(v View, t opportunityView) string {
	out := "may buy more"
	if t.Amount.Currency != "" {
		out += " for " + v.Money(t.Amount) + " a month"
	}
	out += fmt.Sprintf("; it is %s, with %s (%s).", stageNames[t.Stage], t.Team, t.TeamWhy)
	if t.Stage == outcome.Held {
		out += " Held back, since " + strings.Join(t.Listed.Why, ", and ") + "."
	}
	return out
}

// ruleWords says the rules as sentences.
func ruleWords(r outcome.Rules, currency string) (out []string) {
	for _, t := range r.Teams {
		text := "Every opportunity"
		if t.Type != "" {
			text = "Of type " + strings.ToLower(opportunityTypes[t.Type])
		}
		if t.Least != "" {
			text += ", from " + t.Least + " " + currency + " a month"
		}
		out = append(out, text+": "+t.Team+".")
	}
	out = append(out, "All others: "+r.Otherwise+".")
	var parts []string
	if r.Test.Level != nil {
		parts = append(parts, fmt.Sprintf("its level is below %g", *r.Test.Level))
	}
	if r.Test.Falling {
		parts = append(parts, "it is falling")
	}
	if r.Test.Escalated {
		parts = append(parts, "an escalated ticket is open")
	}
	if r.Test.Overdue != nil {
		parts = append(parts, fmt.Sprintf("an invoice is overdue for %g days or more", *r.Test.Overdue))
	}
	if r.Test.Idle != nil {
		parts = append(parts, fmt.Sprintf("nobody has used the product for %g days", *r.Test.Idle))
	}
	for _, rule := range r.Suggest {
		def, _ := signal.Find(rule.Signal)
		out = append(out, strings.TrimSpace(fmt.Sprintf("%s of at least %g %s", def.Label, rule.Least, def.Unit))+" suggests "+strings.ToLower(opportunityTypes[rule.Type])+".")
	}
	if len(parts) == 0 {
		return append(out, "Nothing holds an opportunity back but somebody who says so.")
	}
	return append(out, "An opportunity waits while "+strings.Join(parts, ", or ")+". It goes on by itself, or when somebody says why it may.")
}
