package outcome

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

// A SuggestRule says from where on a signal speaks for buying more, such as
// licences that are nearly used up.
type SuggestRule struct {
	Signal string  `json:"signal"`   // its name, also of a metric of the workspace
	Least  float64 `json:"at_least"` // from where on
	Type   string  `json:"type"`     // of the opportunity that it would be
}

// mostSuggest is how many rules of suggestions there may be.
const mostSuggest = 20

func checkSuggest(rules []SuggestRule) error {
	if len(rules) > mostSuggest {
		return cairn.Errorf(cairn.Invalid, "At most %d signals suggest.", mostSuggest).At("suggest")
	}
	for i, r := range rules {
		at := fmt.Sprintf("suggest.%d.", i)
		if def, ok := signal.Find(r.Signal); !ok || def.Type == cairn.Text {
			return cairn.Errorf(cairn.Invalid, "%q is no signal that is a number.", r.Signal).At(at + "signal")
		}
		if math.IsNaN(r.Least) || math.IsInf(r.Least, 0) {
			return cairn.Errorf(cairn.Invalid, "A border is a number.").At(at + "at_least")
		}
		if !slices.Contains(OpportunityTypes, r.Type) {
			return cairn.Errorf(cairn.Invalid, "A type is one of %s.", strings.Join(OpportunityTypes, ", ")).At(at + "type")
		}
		if slices.ContainsFunc(rules[:i], func(q SuggestRule) bool { return q.Signal == r.Signal }) {
			return cairn.Errorf(cairn.Invalid, "%s suggests once only.", r.Signal).At(at + "signal")
		}
	}
	return nil
}

// A Suggestion is that a signal of a customer speaks for buying more.
type Suggestion struct {
	Of      cairn.Account
	Rule    SuggestRule
	Value   float64
	Said    string    // of the value, in words
	Fresh   time.Time // of the newest that is behind the value
	Holds   []string  // why it is too early to ask, in words
	Team    string
	TeamWhy string
}

// Reason says in words what speaks for it, and from where on it does.
func (s Suggestion) Reason() string {
	def, _ := signal.Find(s.Rule.Signal)
	return fmt.Sprintf("%s (from %s on)", s.Said, strings.TrimSpace(number(s.Rule.Least)+" "+def.Unit))
}

func number(v float64) string { return fmt.Sprintf("%g", math.Round(v*10)/10) }

// restAfter is for how many days what was decided is not suggested again.
const restAfter = 90

// An answered is what was said of suggestions to one account.
type answered struct {
	types   []string             // of what is not decided yet
	signals map[string]cairn.Day // the last day on which a signal is not to suggest
}

// answers sorts what was said by account.
func answers(said []Opportunity) map[cairn.AccountID]answered {
	out := map[cairn.AccountID]answered{}
	for _, o := range said {
		a := out[o.Account]
		if a.signals == nil {
			a.signals = map[string]cairn.Day{}
		}
		switch {
		case o.Said == Dismissed:
			a.signals[o.Suggested] = max(a.signals[o.Suggested], o.Until)
		case o.decided() == 0:
			a.types = append(a.types, o.Type)
		case o.Suggested != "" && o.Closed != 0:
			a.signals[o.Suggested] = max(a.signals[o.Suggested], o.Closed+restAfter)
		}
		out[o.Account] = a
	}
	return out
}

func (a answered) quiet(r SuggestRule, today cairn.Day) bool {
	return slices.Contains(a.types, r.Type) || a.signals[r.Signal] >= today
}

// Suggestions returns what signals speak for, of customers of the scope: of each
// the one that is furthest over its border. What may be asked now comes first,
// whoever pays most before others. Nothing is suggested while an opportunity of
// the type is open, while it is dismissed, or for 90 days after it was decided.
func (s *Opportunities) Suggestions(ctx context.Context, scope cairn.Scope) ([]Suggestion, error) {
	rules, _, err := s.Rules(ctx)
	if err != nil || len(rules.Suggest) == 0 {
		return nil, err
	}
	set := s.Settings()
	zone := set.Zone
	if zone == nil {
		zone = time.UTC
	}
	said, err := s.said(ctx, scope, set, zone)
	if err != nil {
		return nil, err
	}
	spoken, err := s.spoken(ctx, scope, rules)
	if err != nil {
		return nil, err
	}
	rates, today, known := ledger.NewRates(set.Currency, set.Rates), cairn.DayOf(s.Now(), zone), answers(said)
	var out []Suggestion
	for i := range spoken {
		if one, ok := spoken[i].best(known[spoken[i].of.ID], today); ok {
			one.Team, one.TeamWhy = rules.team(Opportunity{Type: one.Rule.Type}, rates, today)
			out = append(out, one)
		}
	}
	pays := func(x Suggestion) int64 {
		home, _ := rates.Into(x.Of.MRR, today)
		return home
	}
	slices.SortStableFunc(out, func(a, b Suggestion) int {
		return cmp.Or(cmp.Compare(min(len(a.Holds), 1), min(len(b.Holds), 1)), cmp.Compare(pays(b), pays(a)))
	})
	return out, nil
}

// A spoken is what the signals of one customer speak for, whatever was answered.
type spoken struct {
	of    cairn.Account // without signals and reasons
	holds []string
	hits  []hit
}

// A hit is a rule whose border a signal has reached.
type hit struct {
	rule  SuggestRule
	value float64
	said  string
	fresh time.Time
}

// speak reads what the signals of an account speak for.
func (r Rules) speak(a cairn.Account) (out spoken) {
	for _, rule := range r.Suggest {
		if v, ok := a.Signals.Number(rule.Signal); ok && v >= rule.Least {
			out.hits = append(out.hits, hit{rule, v, vector.Says(rule.Signal, a.Signals), a.Signals[rule.Signal].Fresh})
		}
	}
	if len(out.hits) > 0 {
		out.holds = r.Test.Holds(a.Vector, a.Signals)
		a.Signals, a.Vector.Reasons = nil, nil
		out.of = a
	}
	return out
}

// best finds the signal that is furthest over its border, by the share of the
// border, among those that are not to be quiet.
func (p *spoken) best(said answered, today cairn.Day) (best Suggestion, found bool) {
	over := func(s Suggestion) float64 { return (s.Value - s.Rule.Least) / max(math.Abs(s.Rule.Least), 1) }
	for _, h := range p.hits {
		if said.quiet(h.rule, today) {
			continue
		}
		one := Suggestion{Of: p.of, Rule: h.rule, Value: h.value, Said: h.said, Fresh: h.fresh, Holds: p.holds}
		if !found || over(one) > over(best) {
			best, found = one, true
		}
	}
	return best, found
}

// A hearing is what all customers' signals spoke for when they were read last.
type hearing struct {
	mu     sync.Mutex
	rules  string // that were in force
	at     time.Time
	took   time.Duration
	spoken []spoken
	asking bool // it is being read again
}

// A hearing serves for so many times what it took, and is read again meanwhile;
// one that took no time is read every time.
const (
	servesFor = 10
	noTime    = 50 * time.Millisecond
)

// spoken returns what signals of the customers of a scope speak for.
func (s *Opportunities) spoken(ctx context.Context, scope cairn.Scope, rules Rules) ([]spoken, error) {
	if !scope.All {
		return s.hear(ctx, scope, rules)
	}
	name, err := json.Marshal(rules)
	if err != nil {
		return nil, err
	}
	h := &s.hearing
	h.mu.Lock()
	defer h.mu.Unlock()
	age := time.Since(h.at)
	switch {
	case h.rules != string(name) || h.took < noTime || age > 2*servesFor*h.took:
		if err := h.read(ctx, s, rules, string(name)); err != nil {
			return nil, err
		}
	case age > servesFor*h.took && !h.asking:
		h.asking = true
		go s.hearAgain(context.WithoutCancel(ctx), rules, string(name))
	}
	return h.spoken, nil
}

// read reads it, while the caller holds the lock.
func (h *hearing) read(ctx context.Context, s *Opportunities, rules Rules, name string) error {
	begun := time.Now()
	spoken, err := s.hear(ctx, cairn.Everything, rules)
	if err == nil {
		h.rules, h.at, h.took, h.spoken = name, time.Now(), time.Since(begun), spoken
	}
	return err
}

// hearAgain reads it while others are served. What fails is tried again by
// whoever asks next.
func (s *Opportunities) hearAgain(ctx context.Context, rules Rules, name string) {
	begun := time.Now()
	spoken, err := s.hear(ctx, cairn.Everything, rules)
	h := &s.hearing
	h.mu.Lock()
	defer h.mu.Unlock()
	h.asking = false
	if err == nil && h.rules == name {
		h.at, h.took, h.spoken = time.Now(), time.Since(begun), spoken
	}
}

func (s *Opportunities) hear(ctx context.Context, scope cairn.Scope, rules Rules) (out []spoken, err error) {
	err = s.Accounts.EachCustomer(ctx, scope, func(a cairn.Account) error {
		if p := rules.speak(a); len(p.hits) > 0 {
			out = append(out, p)
		}
		return nil
	})
	return out, err
}

// Suggested returns what a signal suggests of an account now.
func (s *Opportunities) Suggested(ctx context.Context, scope cairn.Scope, id cairn.AccountID, name string) (Suggestion, error) {
	if !scope.Sees(id) {
		return Suggestion{}, errNoSuggestion
	}
	all, err := s.Suggestions(ctx, cairn.Scope{Accounts: []cairn.AccountID{id}})
	if err != nil {
		return Suggestion{}, err
	}
	for _, one := range all {
		if one.Rule.Signal == name {
			return one, nil
		}
	}
	return Suggestion{}, errNoSuggestion
}

var errNoSuggestion = cairn.Errorf(cairn.Conflict, "This is not suggested any more: somebody answered it, or the signal changed. Look at the page again.")

// Take returns the fields of the opportunity that a suggestion becomes.
func (s Suggestion) Take() map[string]any {
	return map[string]any{"name": s.Reason(), "type": s.Rule.Type, "stage": Open, "suggested": s.Rule.Signal}
}

// DismissDays are for how long a suggestion may be dismissed.
var DismissDays = []int{30, 90, 180, 365}

// Dismiss returns the key and the fields of the record by which it is not
// suggested for some days, and why.
func (s Suggestion) Dismiss(why string, days int, today cairn.Day) (key string, fields map[string]any, err error) {
	why = strings.TrimSpace(why)
	switch {
	case why == "":
		return "", nil, cairn.Errorf(cairn.Invalid, "Say why it is dismissed.").At("why")
	case len(why) > 300:
		return "", nil, cairn.Errorf(cairn.TooLarge, "The reason has at most 300 characters.").At("why")
	case !slices.Contains(DismissDays, days):
		return "", nil, cairn.Errorf(cairn.Invalid, "It is dismissed for 30, 90, 180 or 365 days.").At("days")
	}
	key = "suggestion-" + s.Rule.Signal + "-" + s.Of.ID.String()
	return key, map[string]any{"stage": Dismissed, "suggested": s.Rule.Signal, "held": why, "until": (today + cairn.Day(days)).String()}, nil
}
