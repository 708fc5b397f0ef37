// Package rule decides whether something should be done about an account: it
// compares what is true now with what was true at the turn before, and says
// why, fired or not.
package rule

import (
	"fmt"
	"slices"
	"strings"

	"cairn"
)

// A Rule holds when all its conditions do, and fires when it begins to hold.
// It is the body of the book page "rule/<name>".
type Rule struct {
	Name     string         `json:"name"` // as in its page, such as "level-low"
	Rev      int            `json:"-"`    // of the page; set by whoever reads it
	Title    string         `json:"title"`
	Off      bool           `json:"off,omitempty"`
	Statuses []cairn.Status `json:"statuses,omitempty"` // accounts it looks at; empty: all but churned and ignored
	All      []Condition    `json:"all"`
	Play     string         `json:"play"` // what to do when it fires
}

// An Input is an account as a turn sees it.
type Input struct {
	Account cairn.Account // as it stands; its measured fields are not looked at
	Vector  cairn.Vector
	Signals cairn.Signals
	Pos     int64 // how far the fold stood
}

// Decide compares now with the turn before. It fires when the rule holds now
// and did not hold then. Without a turn before (nil), which is so for the first
// one under a new model or rule, this is the base line and nothing fires. What
// was missing then did not hold.
func (r Rule) Decide(now Input, prev *Input) cairn.Decision {
	d := cairn.Decision{Rule: r.Name, Rev: r.Rev, Account: now.Account.ID, At: now.Vector.At, Pos: now.Pos}
	if why := r.leftOut(now.Account.Status); why != "" {
		d.Why = why
		return d
	}
	if failed := r.failing(now); len(failed) > 0 {
		d.Why = sentence(failed)
		return d
	}
	d.Holds = true
	switch {
	case prev == nil:
		d.Why = r.holding(now) + "; this is the base line, which fires nothing"
	case r.leftOut(prev.Account.Status) == "" && len(r.failing(*prev)) == 0:
		d.Why = r.holding(now) + ", as it was before"
	default:
		d.Fire, d.Why = true, r.became(now, *prev)
	}
	return d
}

// leftOut says why accounts of this status are not looked at.
func (r Rule) leftOut(s cairn.Status) string {
	if r.Off {
		return "the rule is switched off"
	}
	out := s == cairn.Churned || s == cairn.Ignored
	if len(r.Statuses) > 0 {
		out = !slices.Contains(r.Statuses, s)
	}
	if !out {
		return ""
	}
	return fmt.Sprintf("the account is %s, and such accounts are left out", orNone(string(s)))
}

func orNone(s string) string {
	if s == "" {
		return "without a status"
	}
	return s
}

// failing returns, for each condition that does not hold, what is so instead.
func (r Rule) failing(in Input) []string {
	var out []string
	for _, c := range r.All {
		if !c.holds(in) {
			out = append(out, c.phrase(in))
		}
	}
	return out
}

// holding says of each condition what is so.
func (r Rule) holding(in Input) string {
	var out []string
	for _, c := range r.reasons() {
		out = append(out, c.phrase(in))
	}
	return sentence(out)
}

// became says what is so now, and of what has changed, what it was before.
func (r Rule) became(now, prev Input) string {
	var out []string
	for _, c := range r.reasons() {
		if c.holds(prev) {
			out = append(out, c.phrase(now))
		} else {
			out = append(out, c.became(now, prev))
		}
	}
	return sentence(out)
}

// reasons are the conditions but guards; all of them when there are only guards.
func (r Rule) reasons() []Condition {
	var out []Condition
	for _, c := range r.All {
		if !c.Guard {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return r.All
	}
	return out
}

func sentence(parts []string) string {
	if len(parts) < 2 {
		return strings.Join(parts, "")
	}
	return strings.Join(parts[:len(parts)-1], ", ") + " and " + parts[len(parts)-1]
}
