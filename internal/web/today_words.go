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

func atRiskTip(v View, i work.Item) string {
	if i.AtRisk.Currency == "" {
		return "No contract is known, so no value stands behind this."
	}
	return "A year of recurring revenue: 12 × " + v.MoneyExact(i.AtRisk) + ". " + i.Order
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
