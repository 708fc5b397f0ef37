package cairn

import "time"

// A Way is the direction of a Success Vector.
type Way string

// The ways. Unknown is not steady: there is too little to tell.
const (
	Rising  Way = "rising"
	Steady  Way = "steady"
	Falling Way = "falling"
	Unknown Way = "unknown"
)

// A Reason is one leaf's part in a level. The Points of all reasons of a
// vector sum to its level exactly.
type Reason struct {
	Signal string  `json:"signal"`
	Group  string  `json:"group"`           // "Usage", "Support", …
	Label  string  `json:"label"`           // what the signal is called by people
	Value  float64 `json:"value"`           // as measured; 0 when missing
	Known  bool    `json:"known"`           // false: left out, its weight given to the others
	Points Points  `json:"points"`          // what it gives
	Of     Points  `json:"of"`              // what it could give at best, after re-weighting
	Text   string  `json:"text"`            // a sentence for people: "3 of 12 people were active in 28 days"
	Rule   string  `json:"rule,omitempty"`  // the scale in words: "0 at 0 % … full at 80 %"
	Fresh  string  `json:"fresh,omitempty"` // RFC 3339
	Stale  *Stale  `json:"stale,omitempty"` // as of when it was measured; nil: as of the vector's moment
}

// A Mark is a level at the end of a week (or now), the last of which is the
// vector's own level.
type Mark struct {
	At    time.Time `json:"at"`
	Level Points    `json:"level"`
	Known bool      `json:"known"`         // false: nothing was known of the account then
	Gap   string    `json:"gap,omitempty"` // a source that feeds the account was silent then: "as of 12 Nov, billing has been silent since"
}

// A Vector is the Success Vector of one account at one moment: how well it is
// doing, which way it is going, and why.
type Vector struct {
	At      time.Time `json:"at"`
	Known   bool      `json:"known"` // false: no leaf of the model could be measured; Why says so
	Level   Points    `json:"level"` // 0..100000, higher is better
	Way     Way       `json:"way"`
	Slope   Points    `json:"slope"` // change of the level in 30 days, by the Theil–Sen line through Trail
	Reasons []Reason  `json:"reasons"`
	Trail   []Mark    `json:"trail"`             // levels at the last 13 week ends and now, oldest first
	Model   string    `json:"model"`             // name of the model
	Rev     int       `json:"rev"`               // its revision
	Counted string    `json:"counted,omitempty"` // differs where something else counted as usage, or in a metric
	Why     string    `json:"why"`               // one sentence: the level, the way, the strongest reasons
}
