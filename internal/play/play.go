// Package play turns a fired decision into what is to be done about it: an
// action, written down before it is done, under a key that makes it happen
// once.
package play

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/rule"
)

// A Play of one step plans a task for the owner of the account.
type Play struct {
	Name     string `json:"name"`
	Rev      int    `json:"rev"`
	Title    string `json:"title"`    // of the task; {account} stands for the account's name
	Type     string `json:"type"`     // "call", "mail", "review", …
	Priority int    `json:"priority"` // 1 urgent, 2 high, 3 normal
	Due      int    `json:"due"`      // business days from the firing
	Reasons  int    `json:"reasons"`  // how many of the vector's costliest go with it; 0 is 3
}

// Stem is what the keys of all actions of one rule about one account begin
// with. While a task with this stem is open, the caller makes no other.
func Stem(rule string, account cairn.AccountID) string {
	return "rule/" + rule + "/" + account.String() + "/"
}

// Key names the action that follows from a firing: the rule, the account and
// the day in the workspace's zone, so that replaying that day makes no second.
func Key(rule string, account cairn.AccountID, day cairn.Day) string {
	return Stem(rule, account) + day.String()
}

// Plan returns the action that p takes on a decision about the account in, and
// false when the decision did not fire. Days are those of zone.
func (p Play) Plan(d cairn.Decision, in rule.Input, zone *time.Location) (cairn.Action, bool) {
	if !d.Fire {
		return cairn.Action{}, false
	}
	key := Key(d.Rule, d.Account, cairn.DayOf(d.At, zone))
	task := p.task(d, in, zone)
	task.Key, task.ID = key, cairn.Space("").Record(cairn.OfTask, key)
	return cairn.Action{
		ID: cairn.ActionKey(key), Key: key, Kind: "task", Account: d.Account,
		Play: p.Name, Rev: p.Rev, Why: d.Why, Task: &task, At: d.At, State: cairn.Planned,
	}, true
}

func (p Play) task(d cairn.Decision, in rule.Input, zone *time.Location) cairn.Task {
	return cairn.Task{
		Account: d.Account,
		Title:   strings.ReplaceAll(p.Title, "{account}", cmp.Or(in.Account.Name, in.Account.Domain, in.Account.Key, "the account")),
		Why:     capital(d.Why) + ".",
		Type:    p.Type, Priority: p.Priority, Owner: in.Account.Owner,
		Due: due(d.At, p.Due, zone), State: cairn.TaskOpen, Play: p.Name, Planned: d.At,
		Reasons: costliest(in.Vector.Reasons, cmp.Or(p.Reasons, 3)),
	}
}

// due returns the end of the n-th business day (Monday to Friday) after t's.
func due(t time.Time, n int, zone *time.Location) time.Time {
	day := cairn.DayOf(t, zone)
	for isWeekend(day) && n == 0 {
		day++
	}
	for n > 0 {
		day++
		if !isWeekend(day) {
			n--
		}
	}
	return day.End(zone).Add(-time.Second)
}

func isWeekend(d cairn.Day) bool {
	return d.Weekday() == time.Saturday || d.Weekday() == time.Sunday
}

// costliest returns the n reasons that cost the level most, most first.
func costliest(reasons []cairn.Reason, n int) []cairn.Reason {
	sorted := slices.DeleteFunc(slices.Clone(reasons), func(r cairn.Reason) bool { return r.Of <= r.Points })
	slices.SortStableFunc(sorted, func(a, b cairn.Reason) int { return cmp.Compare(b.Of-b.Points, a.Of-a.Points) })
	return sorted[:min(n, len(sorted))]
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// Defaults returns the plays that the default rules name.
func Defaults() []Play {
	return []Play{
		{Name: "save", Title: "Find out what holds {account} back", Type: "call", Priority: 1, Due: 2},
		{Name: "re-engage", Title: "Ask {account} why nobody is using the product", Type: "mail", Priority: 2, Due: 3},
		{Name: "secure-renewal", Title: "Secure the renewal of {account}", Type: "call", Priority: 1, Due: 3},
		{Name: "settle-invoice", Title: "Settle the overdue invoice of {account}", Type: "mail", Priority: 2, Due: 2},
		{Name: "check-payment", Title: "Check how {account} pays", Type: "mail", Priority: 3, Due: 3},
		{Name: "renew-card", Title: "Ask {account} for a new card before the next invoice", Type: "mail", Priority: 3, Due: 5},
		{Name: "find-champion", Title: "Find out where the champion of {account} has gone", Type: "call", Priority: 2, Due: 5},
	}
}

// Find returns the default play of this name.
func Find(name string) (Play, bool) {
	plays := Defaults()
	i := slices.IndexFunc(plays, func(p Play) bool { return p.Name == name })
	if i < 0 {
		return Play{}, false
	}
	return plays[i], true
}
