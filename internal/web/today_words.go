package web

import (
	"strings"

	"github.com/a-h/templ"

	"cairn"
	"cairn/internal/work"
)

func taskAddress(i work.Item, verb string) templ.SafeURL {
	return templ.SafeURL("/tasks/" + i.Task.ID.String() + "/" + verb)
}

func queueTitle(who string) string {
	switch who {
	case "everybody":
		return "Everybody’s tasks"
	case "nobody":
		return "Nobody’s tasks"
	}
	return "Your tasks"
}

func lateWords(v View, t todayView) string {
	if n := t.LateTasks(v); n > 0 {
		return ", " + v.several(n, "task is late", "tasks are late")
	}
	return ""
}

// yearly is twelve months of a monthly amount.
func yearly(m cairn.Money) cairn.Money { m.Minor *= 12; return m }

// valueTip says what the value of a task is made of.
func valueTip(v View, i work.Item) string {
	switch {
	case i.Account.MRR.Currency == "":
		return "No contract is known, so no value stands behind this."
	case i.AtRisk.Minor > 0:
		return "A year of recurring revenue, at risk: 12 × " + v.MoneyExact(i.Account.MRR)
	}
	return "A year of recurring revenue, not at risk now: 12 × " + v.MoneyExact(i.Account.MRR)
}

func deltaLook(p cairn.Points) string {
	switch {
	case p > 0:
		return "rising"
	case p < 0:
		return "falling"
	}
	return ""
}

// playName makes a play's page readable: "rule/level-low" is "level low".
func playName(page string) string {
	if _, after, ok := strings.Cut(page, "/"); ok {
		page = after
	}
	return strings.ReplaceAll(page, "-", " ")
}

// cutName cuts the account's name out of a title that holds it, so that the
// row says it once.
func cutName(i work.Item) (before, after string, ok bool) {
	if i.Account.Name == "" || i.Account.ID.IsZero() {
		return "", "", false
	}
	return strings.Cut(i.Task.Title, i.Account.Name)
}
