// Package vector rates what was measured: how well an account is doing (the
// level), which way it is going, and exactly why. A model says which signals
// count how much. Everything is pure, and levels are sums of integers, so that
// reasons add up exactly and equally on every machine.
package vector

import (
	_ "embed"
	"encoding/json"
	"iter"
	"math"

	"cairn"
	"cairn/internal/signal"
)

// A Model is the body of the book page "model/<name>": a tree of groups whose
// leaves rate one signal each.
type Model struct {
	Name    string        `json:"name"`
	Title   string        `json:"title,omitempty"` // what people call it; empty: the name
	Rev     int           `json:"-"`               // of the page; set by whoever reads it
	Groups  []Group       `json:"groups"`          // their weights add up to 100
	For     []signal.Test `json:"for,omitempty"`   // which accounts it rates, by all of these; empty: all that no model before it does
	Way     Course        `json:"way,omitzero"`
	Grades  []Grade       `json:"grades,omitempty"`   // presentation only; empty: DefaultGrades
	NPSMost *float64      `json:"nps_most,omitempty"` // percent of the level above which NPS is warned of; nil: DefaultNPSMost
}

// A Group is an aspect of success, or a part of one.
type Group struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"`          // percent of what it stands in
	How    How     `json:"how,omitempty"`   // how its parts come to its level
	Start  float64 `json:"start,omitempty"` // of [Add]: what there is before anything is added, in percent
	Groups []Group `json:"groups,omitempty"`
	Leaves []Leaf  `json:"leaves,omitempty"`
}

// How says in which way the parts of a group come to its level.
type How string

// The ways in which parts come to a whole.
const (
	Mean  How = ""      // the mean, weighted; the weights of all parts add up to 100
	Worst How = "worst" // the worst part that is known counts, the others do not; weights say nothing
	Add   How = "add"   // each part adds its weight, as far as it is reached, to the start; a weight below 0 takes away; no less than nothing, no more than everything
)

// A Leaf rates one signal: on a straight scale, clamped at both ends, or in
// bands.
type Leaf struct {
	Signal  string  `json:"signal"`
	Label   string  `json:"label,omitempty"`   // empty: the signal's own
	Weight  float64 `json:"weight"`            // percent of the group
	Worst   float64 `json:"worst,omitempty"`   // gives nothing
	Best    float64 `json:"best,omitempty"`    // gives everything; may be below Worst
	Bands   []Band  `json:"bands,omitempty"`   // instead of worst and best
	Border  Border  `json:"border,omitempty"`  // of bands that meet
	Missing Missing `json:"missing,omitempty"` // what it gives when the signal is missing
	Expires int     `json:"expires,omitempty"` // of [Carry]: for how many days; at most MostWeeks weeks
}

// MarshalJSON writes a scale with both its ends, also where one is 0, and none
// where there are bands.
func (l Leaf) MarshalJSON() ([]byte, error) {
	type plain Leaf
	if len(l.Bands) > 0 {
		return json.Marshal(plain(l))
	}
	return json.Marshal(struct {
		Signal  string  `json:"signal"`
		Label   string  `json:"label,omitempty"`
		Weight  float64 `json:"weight"`
		Worst   float64 `json:"worst"`
		Best    float64 `json:"best"`
		Missing Missing `json:"missing,omitempty"`
		Expires int     `json:"expires,omitempty"`
		Border  Border  `json:"border,omitempty"`
	}{l.Signal, l.Label, l.Weight, l.Worst, l.Best, l.Missing, l.Expires, l.Border})
}

// A Band is a range of values, or some texts, that give the same.
type Band struct {
	Label string   `json:"label,omitempty"` // "healthy"
	From  *float64 `json:"from,omitempty"`  // nil: from the lowest
	To    *float64 `json:"to,omitempty"`    // nil: to the highest
	Is    []string `json:"is,omitempty"`    // texts, whatever their case, instead of a range
	Gives float64  `json:"gives"`           // percent of the leaf
}

// A Border says to which of two bands the value belongs at which they meet.
type Border string

// The borders.
const (
	ToLower  Border = ""       // "up to and with 50", and "above 50"
	ToHigher Border = "higher" // "below 50", and "50 and more"
)

// Missing says what a leaf gives whose signal is missing.
type Missing string

// The policies for missing signals.
const (
	LeaveOut Missing = "leave_out" // the default: its weight goes to the others
	Neutral  Missing = "neutral"   // half of what it could
	Poor     Missing = "poor"      // nothing
	Carry    Missing = "carry"     // what it was when it was last known at the end of a week, until that expires; then it is left out
)

// A Grade is a colour and a letter for levels from From on. No rule and no
// number reads it.
type Grade struct {
	Name   string  `json:"name"`
	Colour string  `json:"colour"` // "red", "amber", "green"
	From   float64 `json:"from"`   // points; the first is 0
}

// DefaultGrades are the grades of a model that states none.
var DefaultGrades = []Grade{{"Poor", "red", 0}, {"Fair", "amber", 40}, {"Good", "green", 70}}

// DefaultNPSMost is how many percent of the level NPS may make up before a
// model is warned of: it is one input among many, usually weighted too heavily.
const DefaultNPSMost = 10

//go:embed default.json
var defaultModel []byte

// Default returns the model that a new workspace starts with.
func Default() Model {
	var m Model
	if err := json.Unmarshal(defaultModel, &m); err != nil {
		return Model{} // a test reads it
	}
	return m
}

// Leaves yields every leaf in the model's order, which may be changed.
func (m Model) Leaves() iter.Seq[*Leaf] {
	return func(yield func(*Leaf) bool) { leaves(m.Groups, yield) }
}

func leaves(groups []Group, yield func(*Leaf) bool) bool {
	for i := range groups {
		for j := range groups[i].Leaves {
			if !yield(&groups[i].Leaves[j]) {
				return false
			}
		}
		if !leaves(groups[i].Groups, yield) {
			return false
		}
	}
	return true
}

// AllGrades returns the model's grades, the lowest first.
func (m Model) AllGrades() []Grade {
	if len(m.Grades) == 0 {
		return DefaultGrades
	}
	return m.Grades
}

// Grade returns the grade of a level.
func (m Model) Grade(level cairn.Points) Grade { return m.AllGrades()[m.Band(level)] }

// Band returns which of the model's grades a level has; the lowest is 0.
func (m Model) Band(level cairn.Points) int {
	at := 0
	for i, g := range m.AllGrades() {
		if level >= cairn.Points(math.Round(g.From*1000)) {
			at = i
		}
	}
	return at
}

// Next returns the grade above that of a level; false when it has the highest.
func (m Model) Next(level cairn.Points) (Grade, bool) {
	for _, g := range m.AllGrades() {
		if cairn.Points(math.Round(g.From*1000)) > level {
			return g, true
		}
	}
	return Grade{}, false
}

// weightUnit is the smallest weight that counts: a millionth of a percent.
const weightUnit = 1e6

func units(weight float64) int64 { return int64(math.Round(weight * weightUnit)) }
