// Package vector rates what was measured: how well an account is doing (the
// level), which way it is going, and exactly why. A model says which signals
// count how much. Everything is pure, and levels are sums of integers, so that
// reasons add up exactly and equally on every machine.
package vector

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"math"

	"cairn"
	"cairn/internal/signal"
)

// A Model is the body of the book page "model/<name>".
type Model struct {
	Name   string  `json:"name"`
	Rev    int     `json:"-"` // of the page; set by whoever reads it
	Groups []Group `json:"groups"`
}

// A Group is an aspect of success. The weights of all groups add up to 100.
type Group struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"` // percent of the level
	Leaves []Leaf  `json:"leaves"`
}

// A Leaf rates one signal on a straight scale, clamped at both ends. The
// weights of a group's leaves add up to 100.
type Leaf struct {
	Signal  string  `json:"signal"`
	Label   string  `json:"label,omitempty"` // empty: the signal's own
	Weight  float64 `json:"weight"`          // percent of the group
	Worst   float64 `json:"worst"`           // gives nothing
	Best    float64 `json:"best"`            // gives everything; may be below Worst
	Missing Missing `json:"missing,omitempty"`
}

// Missing says what a leaf gives whose signal is missing.
type Missing string

// The policies for missing signals.
const (
	LeaveOut Missing = "leave_out" // the default: its weight goes to the others
	Neutral  Missing = "neutral"   // half of what it could
	Poor     Missing = "poor"      // nothing
)

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

// weightUnit is the smallest weight that counts: a millionth of a percent.
const weightUnit = 1e6

func units(weight float64) int64 { return int64(math.Round(weight * weightUnit)) }

// Check refuses a model that could not be rated, naming the field to correct.
func (m Model) Check(c signal.Catalogue) error {
	if m.Name == "" {
		return cairn.Errorf(cairn.Invalid, "A model needs a name.").At("name")
	}
	if len(m.Groups) == 0 {
		return cairn.Errorf(cairn.Invalid, "A model needs at least one group.").At("groups")
	}
	weights, seen := make([]float64, 0, len(m.Groups)), map[string]bool{}
	for i, g := range m.Groups {
		if err := g.check(c, seen); err != nil {
			return err.At(fmt.Sprintf("groups.%d.%s", i, err.Field))
		}
		weights = append(weights, g.Weight)
	}
	if err := hundred(weights); err != nil {
		return err.At("groups")
	}
	return nil
}

// check looks at one group. seen are the signals that have occurred so far.
func (g Group) check(c signal.Catalogue, seen map[string]bool) *cairn.Error {
	switch {
	case g.Name == "":
		return cairn.Errorf(cairn.Invalid, "A group needs a name.").At("name")
	case !positive(g.Weight):
		return cairn.Errorf(cairn.Invalid, "A weight must be above 0.").At("weight")
	case len(g.Leaves) == 0:
		return cairn.Errorf(cairn.Invalid, "A group needs at least one signal.").At("leaves")
	}
	weights := make([]float64, 0, len(g.Leaves))
	for i, l := range g.Leaves {
		if err := l.check(c, seen); err != nil {
			return err.At(fmt.Sprintf("leaves.%d.%s", i, err.Field))
		}
		weights = append(weights, l.Weight)
	}
	if err := hundred(weights); err != nil {
		return err.At("leaves")
	}
	return nil
}

func (l Leaf) check(c signal.Catalogue, seen map[string]bool) *cairn.Error {
	def, known := c.Def(l.Signal)
	switch {
	case !known:
		return cairn.Errorf(cairn.Invalid, "There is no signal %q.", l.Signal).At("signal")
	case seen[l.Signal]:
		return cairn.Errorf(cairn.Invalid, "%s is rated twice.", def.Label).At("signal")
	case !positive(l.Weight):
		return cairn.Errorf(cairn.Invalid, "A weight must be above 0.").At("weight")
	case l.Worst == l.Best || math.IsNaN(l.Worst-l.Best) || math.IsInf(l.Worst-l.Best, 0):
		return cairn.Errorf(cairn.Invalid, "Worst and best must differ.").At("best")
	}
	switch l.Missing {
	case "", LeaveOut, Neutral, Poor:
	default:
		return cairn.Errorf(cairn.Invalid, "%q is not leave_out, neutral or poor.", l.Missing).At("missing")
	}
	seen[l.Signal] = true
	return nil
}

func positive(w float64) bool { return units(w) > 0 && w <= 100 }

func hundred(weights []float64) *cairn.Error {
	var sum int64
	for _, w := range weights {
		sum += units(w)
	}
	if math.Abs(float64(sum-units(100))) > weightUnit/1000 {
		return cairn.Errorf(cairn.Invalid, "The weights add up to %.6g, not to 100.", float64(sum)/weightUnit)
	}
	return nil
}
