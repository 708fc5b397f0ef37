package rule

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/signal"
)

var now = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

// seen is an account as a turn saw it, at a level in points (negative: not known).
func seen(points float64, way cairn.Way, signals map[string]float64) Input {
	in := Input{
		Account: cairn.Account{ID: cairn.Space("").Account("acme"), Status: cairn.Customer},
		Vector:  cairn.Vector{At: now, Known: points >= 0, Level: cairn.Points(max(points, 0) * 1000), Way: way},
		Signals: cairn.Signals{"account.tenure_days": {Known: true, Number: 400}},
		Pos:     7,
	}
	for name, n := range signals {
		in.Signals[name] = cairn.Signal{Name: name, Known: true, Number: n}
	}
	return in
}

func byName(t *testing.T, name string) Rule {
	t.Helper()
	for _, r := range Defaults() {
		if r.Name == name {
			r.Rev = 3
			return r
		}
	}
	t.Fatalf("no default rule %s", name)
	return Rule{}
}

func TestARuleFiresWhenItBeginsToHoldAndSaysWhy(t *testing.T) {
	at := func(points float64) Input { return seen(points, cairn.Steady, nil) }
	prev := func(in Input) *Input { return &in }
	churned := at(32)
	churned.Account.Status = cairn.Churned
	renewal := func(days float64, way cairn.Way) Input {
		return seen(50, way, map[string]float64{"contract.renews_in_days": days})
	}
	idle := func(days float64) Input {
		return seen(50, cairn.Steady, map[string]float64{"usage.days_since_activity": days})
	}
	noContract := seen(50, cairn.Falling, nil)
	noContract.Signals["contract.renews_in_days"] = cairn.Signal{Why: "No contract is known."}
	young := at(32)
	young.Signals["account.tenure_days"] = cairn.Signal{Known: true, Number: 9}
	tests := []struct {
		name        string
		rule        string
		now         Input
		prev        *Input
		holds, fire bool
		why         string
	}{
		{"fell below", "level-low", at(32), prev(at(45)), true, true, "level fell to 32, below 40 (was 45)"},
		{"was below already", "level-low", at(32), prev(at(35)), true, false, "level is 32, below 40, as it was before"},
		{"not below", "level-low", at(62), prev(at(80)), false, false, "level is 62, not below 40"},
		{"exactly at the border", "level-low", at(40), prev(at(80)), false, false, "level is 40, not below 40"},
		{"base line", "level-low", at(32), nil, true, false, "level is 32, below 40; this is the base line, which fires nothing"},
		{"not known", "level-low", at(-1), prev(at(80)), false, false, "the level is not known"},
		{"not known before", "level-low", at(32), prev(at(-1)), true, true, "level is 32, below 40 (not known before)"},
		{"churned", "level-low", churned, prev(at(80)), false, false, "the account is churned, and such accounts are left out"},
		{"churned until now", "level-low", at(32), &churned, true, true, "level is 32, below 40"},
		{"too young", "level-low", young, prev(at(80)), false, false, "days as an account is 9, less than 28"},
		{"no activity", "no-activity", idle(14), prev(idle(13)), true, true, "nobody has used the product for 14 days (was 13)"},
		{"activity again", "no-activity", idle(0), prev(idle(20)), false, false, "days since activity is 0, less than 14"},
		{"renewal comes near while falling", "renewal-falling", renewal(90, cairn.Falling), prev(renewal(91, cairn.Falling)), true, true,
			"the contract renews in 90 days (was 91) and the way is falling"},
		{"begins to fall before renewal", "renewal-falling", renewal(1, cairn.Falling), prev(renewal(2, cairn.Steady)), true, true,
			"the contract renews in 1 day and the way is falling (was steady)"},
		{"steady before renewal", "renewal-falling", renewal(50, cairn.Steady), prev(renewal(51, cairn.Steady)), false, false, "the way is steady, not falling"},
		{"no renewal date", "renewal-falling", noContract, prev(noContract), false, false, "days to renewal is not known: no contract is known"},
		{"everything is otherwise", "renewal-falling", renewal(120, cairn.Rising), nil, false, false, "days to renewal is 120, more than 90 and the way is rising, not falling"},
		{"a payment failed", "payment-failed", seen(50, cairn.Steady, map[string]float64{"billing.failed_payments_90d": 1}),
			prev(seen(50, cairn.Steady, map[string]float64{"billing.failed_payments_90d": 0})), true, true,
			"failed payments in 90 days rose to 1, at least 1 (was 0)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := byName(t, tt.rule)
			want := cairn.Decision{Rule: tt.rule, Rev: 3, Account: tt.now.Account.ID, At: now, Holds: tt.holds, Fire: tt.fire, Why: tt.why, Pos: 7}
			if diff := cmp.Diff(want, r.Decide(tt.now, tt.prev)); diff != "" {
				t.Errorf("decision (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsComparedMayBeTextOrTruth(t *testing.T) {
	in := seen(50, cairn.Steady, map[string]float64{"people.champion_present": 0})
	in.Signals["trait.industry"] = cairn.Signal{Known: true, Text: "Steel"}
	for _, tt := range []struct {
		c     Condition
		holds bool
		says  string
	}{
		{Condition{Field: "trait.industry", Op: "is", Value: "steel"}, true, "industry is Steel"},
		{Condition{Field: "trait.industry", Op: "is_not", Value: "steel"}, false, "industry is Steel"},
		{Condition{Field: "trait.industry", Op: "is_not", Value: "wood"}, true, "industry is Steel"},
		{Condition{Field: "trait.plan", Op: "is_not", Value: "gold"}, false, "plan is not known"},
		{Condition{Field: "people.champion_present", Op: "is", Value: true}, false, "champion present is no, not yes"},
		{Condition{Field: "people.champion_present", Op: "is", Value: false}, true, "champion present is no"},
		{Condition{Field: "vector.slope", Op: "at_most", Value: -5}, false, "slope is 0, more than −5"},
	} {
		if got, says := tt.c.holds(in), tt.c.phrase(in); got != tt.holds || says != tt.says {
			t.Errorf("%+v: %v %q, want %v %q", tt.c, got, says, tt.holds, tt.says)
		}
	}
}

func TestARuleFiresOnceForEachTimeItBeginsToHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Defaults()[0]
		var prev *Input
		begun, fired, held := 0, 0, true // the base line counts as held before
		for i := range rapid.IntRange(1, 30).Draw(t, "turns") {
			in := seen(rapid.Float64Range(-20, 100).Draw(t, "level"), cairn.Steady, nil)
			d := r.Decide(in, prev)
			if d.Why == "" || d.Fire && !d.Holds {
				t.Fatalf("%+v", d)
			}
			if d.Holds && !held {
				begun++
			}
			if d.Fire {
				fired++
			}
			if i == 0 && d.Fire {
				t.Fatal("the base line fired")
			}
			prev, held = &in, d.Holds
		}
		if fired != begun {
			t.Fatalf("fired %d times, began to hold %d times", fired, begun)
		}
	})
}

func signals(name string) (cairn.Type, bool) {
	def, ok := signal.Find(name)
	return def.Type, ok
}

func TestTheDefaultRulesPassTheirCheckAlsoAfterTheBook(t *testing.T) {
	for _, r := range Defaults() {
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back Rule
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back); diff != "" {
			t.Errorf("%s does not survive the book (-want +got):\n%s", r.Name, diff)
		}
		if err := back.Check(signals); err != nil {
			t.Errorf("%s: %v", r.Name, err)
		}
		if r.Play == "" {
			t.Errorf("%s does nothing", r.Name)
		}
	}
}

func TestARefusedRuleNamesTheFieldToCorrect(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(r *Rule)
		field  string
	}{
		{"no name", func(r *Rule) { r.Name = "" }, "name"},
		{"no title", func(r *Rule) { r.Title = "" }, "title"},
		{"no condition", func(r *Rule) { r.All = nil }, "all"},
		{"unknown signal", func(r *Rule) { r.All[1].Field = "usage.joy" }, "all.1.field"},
		{"unknown comparison", func(r *Rule) { r.All[0].Op = "about" }, "all.0.op"},
		{"no value", func(r *Rule) { r.All[0].Value = nil }, "all.0.value"},
		{"text below", func(r *Rule) { r.All[0].Value = "low" }, "all.0.value"},
		{"text for a number", func(r *Rule) { r.All[0] = Condition{Field: "account.tenure_days", Op: "is", Value: "x"} }, "all.0.value"},
		{"no such way", func(r *Rule) { r.All[0] = Condition{Field: "vector.way", Op: "is", Value: "up"} }, "all.0.value"},
		{"a way is no number", func(r *Rule) { r.All[0] = Condition{Field: "vector.way", Op: "below", Value: 4} }, "all.0.op"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Defaults()[0]
			tt.change(&r)
			err, ok := r.Check(signals).(*cairn.Error)
			if !ok || err.Kind != cairn.Invalid || err.Field != tt.field {
				t.Errorf("got %v, want field %s", err, tt.field)
			}
		})
	}
}

func TestARuleCanSeeThatASourceIsSilent(t *testing.T) {
	stale := &cairn.Stale{Since: time.Date(2026, 3, 12, 0, 0, 0, 0, time.UTC), Source: "product", Why: "as of 12 Mar, product has been silent since"}
	signals := func(s *cairn.Stale) cairn.Signals {
		return cairn.Signals{"usage.events_28d": {Name: "usage.events_28d", Known: true, Number: 3, Stale: s}}
	}
	r := Rule{Name: "r", Title: "r", All: []Condition{{Field: "usage.events_28d", Op: "below", Value: 5}, {Field: "usage.events_28d.stale", Op: "is", Value: false, Guard: true}}}
	known := func(name string) (cairn.Type, bool) { return cairn.Number, name == "usage.events_28d" }
	if err := r.Check(known); err != nil {
		t.Error(err)
	}
	if err := (Rule{Name: "r", Title: "r", All: []Condition{{Field: "nothing.stale", Op: "is", Value: true}}}).Check(known); err == nil {
		t.Error("the staleness of nothing is compared")
	}
	if d := r.Decide(Input{Signals: signals(nil)}, nil); !d.Holds {
		t.Errorf("what is heard: %s", d.Why)
	}
	if d := r.Decide(Input{Signals: signals(stale)}, nil); d.Holds || d.Why != "staleness of events 28d is yes, not no" {
		t.Errorf("what is not heard: %v %q", d.Holds, d.Why)
	}
	level := Rule{All: []Condition{{Field: "vector.level", Op: "below", Value: 40}}}
	in := Input{Vector: cairn.Vector{Reasons: []cairn.Reason{{Signal: "a"}, {Signal: "b", Stale: stale}}}}
	if r.Stale(Input{Signals: signals(nil)}) != "" || r.Stale(Input{Signals: signals(stale)}) == "" || level.Stale(in) == "" {
		t.Error("a rule does not know which of what it looks at is stale")
	}
}
