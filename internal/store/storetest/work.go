package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/turn"
	"cairn/internal/work"
)

// Work is the contract of work.Store.
func Work(t *testing.T, open Opener) {
	t.Run("TheQueue", func(t *testing.T) {
		w := busyDay(newWorld(t, open(t)))
		t.Run("StandsInTheOrderInWhichToTakeIt", func(t *testing.T) { taskOrder(t, w) })
		t.Run("KeepsToItsFilters", func(t *testing.T) { taskFilters(t, w) })
		t.Run("KeepsToTheScope", func(t *testing.T) { taskScope(t, w) })
		t.Run("ShowsATaskWhole", func(t *testing.T) { oneTask(t, w) })
	})
	t.Run("WhatMovedIsToldMostFirst", func(t *testing.T) { moved(t, newWorld(t, open(t))) })
	t.Run("TheVersionGrowsWithWhatPagesShow", func(t *testing.T) { versions(t, newWorld(t, open(t))) })
}

// task makes the event of a task that a play planned.
func (w *world) task(account, key string, f fields) cairn.Event {
	plain := fields{"title": "Call " + account, "owner": "ann@example.com", "priority": 3, "state": "open", "planned": days(5)}
	for k, v := range f {
		plain[k] = v
	}
	return w.an(cairn.OfTask, cairn.Keys{Account: account, Record: key}, days(5), plain, nil)
}

func busyDay(w *world) *world {
	w.Helper()
	today := noon.Truncate(24 * time.Hour)
	for _, a := range []string{"big", "small", "safe", "new"} {
		w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: a}, days(30), fields{"owner": "Ann@Example.com"}, nil))
	}
	w.admit(
		w.task("small", "small-risk", fields{"due": noon}),
		w.task("big", "big-risk", fields{"due": noon.AddDate(0, 0, 9)}),
		w.task("safe", "safe-first", fields{"due": today}), // today is not overdue
		w.task("safe", "safe-later", fields{"due": noon.AddDate(0, 0, 2)}),
		w.task("safe", "safe-some-day", nil),
		w.task("new", "overdue", fields{"due": noon.AddDate(0, 0, -1)}),
		w.task("new", "urgent", fields{"priority": 1, "due": noon.AddDate(0, 0, 3)}),
		w.task("new", "high", fields{"priority": 2}),
		w.task("big", "back", fields{"state": "snoozed", "until": noon}),
		w.task("big", "asleep", fields{"state": "snoozed", "until": noon.Add(time.Second)}),
		w.task("big", "done", fields{"state": "done", "closed": days(1)}),
		w.task("new", "dismissed", fields{"state": "dismissed", "closed": days(3)}),
		w.task("small", "bobs", fields{"owner": "Bob@example.com"}),
		w.task("small", "nobodys", fields{"owner": nil}),
		w.task("", "house", nil), // belongs to no account
	)
	w.fold()
	w.measure(noon, map[string]turn.Result{
		"big":   worth(level(70, cairn.Falling, -3000), 900_00, time.Time{}, noon),
		"small": worth(level(39, cairn.Steady, 0), 100_00, time.Time{}, noon),
		"safe":  worth(level(80, cairn.Rising, 0), 5000_00, time.Time{}, noon),
	})
	return w
}

func taskKey(n work.Item) string { return n.Task.Key }

func taskOrder(t *testing.T, w *world) {
	items := must(w.Tasks(t.Context(), cairn.Everything, work.Query{Owner: "Ann@Example.com"}, noon))(t)
	want := []string{
		"urgent: Urgent, due in 3 days",
		"high: High priority, no due date",
		"overdue: Normal priority, 1 day overdue",
		"big-risk: Normal priority, due in 9 days, 900.00 EUR a month at risk (level 70, falling)",
		"back: Normal priority, no due date, 900.00 EUR a month at risk (level 70, falling)",
		"small-risk: Normal priority, due today, 100.00 EUR a month at risk (level 39, steady)",
		"safe-first: Normal priority, due today",
		"safe-later: Normal priority, due in 2 days",
	}
	var got []string
	for _, n := range items {
		got = append(got, n.Task.Key+": "+n.Order)
	}
	same(t, "the queue", want, got[:min(len(got), len(want))])
	same(t, "without a date", "house safe-some-day", sorted(names(items[len(want):], taskKey)))
	first := must(w.Tasks(t.Context(), cairn.Everything, work.Query{Owner: "ann@example.com", Limit: 2}, noon))(t)
	same(t, "the first two", "urgent high", names(first, taskKey))
}

func taskFilters(t *testing.T, w *world) {
	for _, c := range []struct {
		name string
		q    work.Query
		want string
	}{
		{"another's", work.Query{Owner: "bob@example.com"}, "bobs"},
		{"nobody's", work.Query{Owner: "-"}, "nobodys"},
		{"of an account", work.Query{Account: acct("small")}, "bobs nobodys small-risk"},
		{"closed", work.Query{States: []cairn.TaskState{cairn.TaskDone, cairn.TaskDismissed}}, "dismissed done"},
		{"snoozed, whenever", work.Query{States: []cairn.TaskState{cairn.TaskSnoozed}}, "asleep back"},
	} {
		got := must(w.Tasks(t.Context(), cairn.Everything, c.q, noon))(t)
		same(t, c.name, c.want, sorted(names(got, taskKey)))
	}
	for since, want := range map[int]int{4: 2, 2: 1, 0: 0} {
		same(t, "closed since", want, must(w.ClosedSince(t.Context(), cairn.Everything, "ann@example.com", days(since)))(t))
	}
	same(t, "closed by another", 0, must(w.ClosedSince(t.Context(), cairn.Everything, "bob@example.com", days(9)))(t))
}

func taskScope(t *testing.T, w *world) {
	for _, c := range []struct {
		scope  cairn.Scope
		want   string
		closed int
	}{
		{only("big"), "back big-risk", 1},
		{cairn.Scope{}, "", 0},
	} {
		same(t, "tasks", c.want, sorted(names(must(w.Tasks(t.Context(), c.scope, work.Query{}, noon))(t), taskKey)))
		same(t, "closed", c.closed, must(w.ClosedSince(t.Context(), c.scope, "", days(9)))(t))
		_, err := w.Task(t.Context(), c.scope, cairn.Space("").Record(cairn.OfTask, "high"))
		wantKind(t, err, cairn.NotFound)
	}
}

func oneTask(t *testing.T, w *world) {
	id := cairn.Space("").Record(cairn.OfTask, "big-risk")
	reasons := []cairn.Reason{{Signal: "usage.days_active", Label: "Days active", Known: true, Points: 1, Of: 2}}
	e := w.task("big", "big-risk", fields{"why": "level fell to 39", "type": "call", "play": "level-low", "reasons": reasons, "until": nil, "due": "2026-03-24"})
	e.At = days(4)
	e.Personal = w.json(fields{"outcome": "Spoke to Ann"})
	before := must(w.Task(t.Context(), cairn.Everything, id))(t)
	w.admit(e)
	n := must(w.Task(t.Context(), cairn.Everything, id))(t)
	same(t, "task", cairn.Task{
		ID: id, Key: "big-risk", Account: acct("big"), Title: "Call big", Why: "level fell to 39", Type: "call",
		Owner: "ann@example.com", Priority: 3, Due: time.Date(2026, 3, 24, 0, 0, 0, 0, time.UTC), State: cairn.TaskOpen,
		Play: "level-low", Outcome: "Spoke to Ann", Planned: days(5), Reasons: reasons,
	}, n.Task)
	if n.Version <= before.Version {
		t.Errorf("version %d does not follow %d", n.Version, before.Version)
	}
	if n.Account.Key != "big" || n.AtRisk != (cairn.Money{Minor: 900_00, Currency: "EUR"}) || n.Account.OpenTasks != 3 {
		t.Errorf("the task's account: %+v, at risk %v", n.Account, n.AtRisk)
	}
	_, err := w.Task(t.Context(), cairn.Everything, acct("big").Record())
	wantKind(t, err, cairn.NotFound)
}

func moved(t *testing.T, w *world) {
	for i, a := range []string{"up", "down", "still", "fresh", "bobs", "quiet"} {
		owner := "ann@example.com"
		if a == "bobs" {
			owner = "bob@example.com"
		}
		w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: a}, days(30+i), fields{"owner": owner}, nil))
	}
	w.fold()
	steady := func(points int) turn.Result { return level(points, cairn.Steady, 0) }
	w.measure(days(9), map[string]turn.Result{"up": steady(10), "down": steady(80), "quiet": steady(50)})
	w.measure(days(1), map[string]turn.Result{"up": steady(50), "down": steady(60), "still": steady(50), "bobs": steady(50), "fresh": {}})
	w.measure(noon, map[string]turn.Result{"up": steady(55), "down": steady(40), "still": steady(50), "bobs": steady(40), "fresh": steady(90)})
	ask := func(scope cairn.Scope, owner string, day, most int) string {
		var out []string
		for _, m := range must(w.Moved(t.Context(), scope, owner, cairn.DayOf(days(day), time.UTC), most))(t) {
			out = append(out, fmt.Sprintf("%s %v→%v", m.Account.Key, m.From, m.To))
		}
		return strings.Join(out, ", ")
	}
	same(t, "since yesterday", "down 60→40, bobs 50→40, up 50→55", ask(cairn.Everything, "", 0, 0))
	same(t, "Ann's", "down 60→40, up 50→55", ask(cairn.Everything, "Ann@example.com", 0, 0))
	same(t, "the first", "down 60→40", ask(cairn.Everything, "", 0, 1))
	same(t, "since before the measurement of yesterday", "up 10→55, down 80→40", ask(cairn.Everything, "", 1, 0))
	same(t, "of one account", "up 50→55", ask(only("up"), "", 0, 0))
	same(t, "of none", "", ask(cairn.Scope{}, "", 0, 0))
}

func versions(t *testing.T, w *world) {
	version := func(key string) int64 {
		id := cairn.AccountID{}
		if key != "" {
			id = acct(key)
		}
		return must(w.Version(t.Context(), id))(t)
	}
	steps := []struct {
		name  string
		quiet bool // the account's own page shows nothing else yet
		do    func()
	}{
		{"a note", false, func() {
			w.admit(w.an(cairn.Interaction, cairn.Keys{Account: "a"}, days(1), fields{"type": "note"}, nil))
		}},
		{"a patch", false, func() {
			w.admit(w.an(cairn.OfContract, cairn.Keys{Account: "a", Record: "c"}, days(1), fields{"mrr": 1}, nil))
		}},
		{"an event that waits to be folded", true, func() { w.admit(w.did("a", "p", "Report Created", days(1))) }},
		{"the fold", false, func() { w.fold() }},
		{"a turn", false, func() { w.measure(noon, map[string]turn.Result{"a": level(1, cairn.Steady, 0)}) }},
		{"erasure", false, func() {
			if _, err := w.Erase(t.Context(), cairn.House, w.person("p"), ""); err != nil {
				t.Fatal(err)
			}
		}},
	}
	w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: "a"}, days(9), nil, nil), w.an(cairn.OfAccount, cairn.Keys{Account: "b"}, days(9), nil, nil))
	w.fold()
	for _, s := range steps {
		all, one, other := version(""), version("a"), version("b")
		s.do()
		if now := version(""); now <= all {
			t.Errorf("%s: the version of everything went from %d to %d", s.name, all, now)
		}
		if now := version("a"); now <= one && !s.quiet {
			t.Errorf("%s: the account's version went from %d to %d", s.name, one, now)
		}
		if now := version("b"); now != other && s.name != "a turn" { // every account has its turn
			t.Errorf("%s: another account's version went from %d to %d", s.name, other, now)
		}
	}
	same(t, "an account that is not", int64(0), version("nobody"))
}
