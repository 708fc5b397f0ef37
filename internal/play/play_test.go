package play

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/rule"
)

// A Thursday.
var thursday = time.Date(2026, 4, 2, 15, 0, 0, 0, time.UTC)

func fired(at time.Time) (cairn.Decision, rule.Input) {
	in := rule.Input{
		Account: cairn.Account{ID: cairn.Space("").Account("acme"), Key: "acme", Name: "Acme", Owner: "ann@example.com", Status: cairn.Customer},
		Vector: cairn.Vector{Reasons: []cairn.Reason{
			{Signal: "a", Points: 10, Of: 20}, {Signal: "b", Points: 30, Of: 30}, {Signal: "c", Points: 0, Of: 40}, {Signal: "d", Points: 1, Of: 3}, {Signal: "e", Points: 1, Of: 2},
		}},
	}
	return cairn.Decision{Rule: "level-low", Account: in.Account.ID, At: at, Holds: true, Fire: true, Why: "level fell to 32, below 40 (was 45)"}, in
}

func TestAFiredDecisionBecomesATaskInTheOwnersDay(t *testing.T) {
	p, ok := Find("save")
	if !ok {
		t.Fatal("there is no play save")
	}
	d, in := fired(thursday)
	got, ok := p.Plan(d, in, time.UTC)
	if !ok {
		t.Fatal("nothing was planned")
	}
	key := "rule/level-low/" + in.Account.ID.String() + "/2026-04-02"
	want := cairn.Action{
		ID: cairn.ActionKey(key), Key: key, Kind: "task", Account: in.Account.ID, Play: "save", Why: d.Why, At: thursday, State: cairn.Planned,
		Task: &cairn.Task{
			ID: cairn.Space("").Record(cairn.OfTask, key), Key: key, Account: in.Account.ID,
			Title: "Find out what holds Acme back", Why: "Level fell to 32, below 40 (was 45).", Type: "call", Owner: "ann@example.com", Priority: 1,
			Due:   time.Date(2026, 4, 6, 23, 59, 59, 0, time.UTC), // Monday: the weekend does not count
			State: cairn.TaskOpen, Play: "save", Planned: thursday,
			Reasons: []cairn.Reason{{Signal: "c", Points: 0, Of: 40}, {Signal: "a", Points: 10, Of: 20}, {Signal: "d", Points: 1, Of: 3}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("action (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.Key, Stem("level-low", in.Account.ID)) {
		t.Errorf("the key %s does not begin with its stem", got.Key)
	}
}

func TestTheSameFiringIsTheSameActionWheneverItIsReplayed(t *testing.T) {
	p, _ := Find("save")
	d, in := fired(thursday)
	first, _ := p.Plan(d, in, time.UTC)
	d.At = d.At.Add(5 * time.Hour)
	in.Account.Name, p.Title = "Acme Ltd", "Call {account}"
	if again, _ := p.Plan(d, in, time.UTC); again.ID != first.ID || again.Task.ID != first.Task.ID {
		t.Error("a replay of the day made a second action")
	}
	d.At = d.At.Add(24 * time.Hour)
	if next, _ := p.Plan(d, in, time.UTC); next.ID == first.ID {
		t.Error("another day is the same action")
	}
}

func TestADecisionThatDidNotFirePlansNothing(t *testing.T) {
	p, _ := Find("save")
	d, in := fired(thursday)
	d.Fire = false
	if got, ok := p.Plan(d, in, time.UTC); ok || got.Key != "" {
		t.Errorf("planned %+v", got)
	}
}

func TestDueDaysAreBusinessDaysOfTheZone(t *testing.T) {
	zone := time.FixedZone("UTC+10", 10*3600)
	for _, tt := range []struct {
		at   time.Time
		days int
		want string
	}{
		{thursday, 0, "2026-04-03"}, // already Friday there
		{thursday, 1, "2026-04-06"},
		{thursday, 5, "2026-04-10"},
		{thursday.AddDate(0, 0, 1), 0, "2026-04-06"}, // Saturday there: no task is due on a weekend
	} {
		if got := due(tt.at, tt.days, zone).In(zone).Format(time.DateOnly); got != tt.want {
			t.Errorf("%d days after %v: %s, want %s", tt.days, tt.at, got, tt.want)
		}
	}
}

func TestEveryDefaultRuleHasItsPlay(t *testing.T) {
	for _, r := range rule.Defaults() {
		p, ok := Find(r.Play)
		if !ok || p.Title == "" || p.Type == "" || p.Priority < 1 || p.Priority > 3 {
			t.Errorf("%s: %+v", r.Name, p)
		}
	}
	if _, ok := Find("no such play"); ok {
		t.Error("found what is not there")
	}
}

func TestANamelessAccountIsStillNamedInTheTitle(t *testing.T) {
	p, _ := Find("save")
	d, in := fired(thursday)
	in.Account.Name = ""
	if a, _ := p.Plan(d, in, time.UTC); a.Task.Title != "Find out what holds acme back" {
		t.Errorf("title %q", a.Task.Title)
	}
}
