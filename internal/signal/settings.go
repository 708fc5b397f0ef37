package signal

import (
	"slices"
	"time"

	"cairn"
)

// Settings are what a workspace decides that changes what is measured.
type Settings struct {
	Zone       *time.Location // whose days and windows; nil: UTC
	Currency   string         // of money signals; empty: EUR
	Precedence cairn.Precedence
	Meaningful Meaningful
}

// Meaningful says which events move the customer toward the Desired Outcome;
// only these count as usage. The zero value is [DefaultExcept].
type Meaningful struct {
	// Except are the names of track events that do not count; nil: DefaultExcept.
	Except []string `json:"except"`
}

// DefaultExcept returns the events that happen on the way to doing something
// and are therefore not Meaningful Activity unless the workspace says so.
func DefaultExcept() []string { return slices.Clone(except) }

var except = []string{
	"Page Viewed", "Screen Viewed", "Application Opened", "Application Backgrounded",
	"Signed In", "Signed Out", "Logged In", "Logged Out", "Session Started",
}

// Counts reports whether tallies of this product and name are Meaningful
// Activity. What the team wrote down itself never is.
func (m Meaningful) Counts(product, name string) bool {
	if name == "" || isInteraction(name) {
		return false
	}
	if m.Except == nil {
		return !slices.Contains(except, name)
	}
	return !slices.Contains(m.Except, name)
}
