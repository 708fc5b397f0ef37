package cairn

import (
	"encoding/json"
	"strconv"
	"time"
)

// A Type is the type of a signal's value.
type Type string

// The types of signals. A Signal holds numbers, days, money and truth values
// in Number (money in minor units of the workspace's currency, truth as 0 or
// 1, a date as days since 1970), and text in Text.
const (
	Number Type = "number"
	Truth  Type = "bool"
	Text   Type = "text"
	Date   Type = "date"
	Amount Type = "money"
)

// A Signal is a named, typed, measured fact about an account at a moment. A
// signal that could not be known is missing, which is not zero.
type Signal struct {
	Name   string    // as in the catalogue, such as "usage.active_people_28d"
	Known  bool      // false: missing, and Why says why
	Number float64   // for every type but Text
	Text   string    // for Text
	Fresh  time.Time // At of the newest fact or event behind it; zero when missing
	Why    string    // why it is missing, in words
	Stale  *Stale    // nil: as of the moment that was asked for
}

// A Stale says that something was measured as of an earlier moment, because
// the source that feeds it cannot be measured by since.
type Stale struct {
	Since  time.Time `json:"since"`
	Source string    `json:"source"`
	Why    string    `json:"why"` // "as of 12 Nov, billing has been silent since"
}

// Signals are the signals of one account at one moment, by name.
type Signals map[string]Signal

// Number returns the value of a signal, and false when it is missing.
func (s Signals) Number(name string) (float64, bool) {
	v, ok := s[name]
	return v.Number, ok && v.Known
}

type signalJSON struct {
	Value any    `json:"value,omitempty"`
	Fresh string `json:"fresh,omitempty"`
	Why   string `json:"missing,omitempty"`
	Stale *Stale `json:"stale,omitempty"`
}

// MarshalJSON writes {"value":12,"fresh":"…"} or {"missing":"why"}.
func (s Signal) MarshalJSON() ([]byte, error) {
	j := signalJSON{Why: s.Why, Stale: s.Stale}
	if s.Known {
		j.Why = ""
		if j.Value = any(s.Number); s.Text != "" {
			j.Value = s.Text
		}
	}
	if !s.Fresh.IsZero() {
		j.Fresh = s.Fresh.UTC().Format(time.RFC3339)
	}
	return json.Marshal(j)
}

// UnmarshalJSON reads what MarshalJSON writes; the name is the key under
// which it stood and is left to the caller.
func (s *Signal) UnmarshalJSON(b []byte) error {
	var j signalJSON
	if err := json.Unmarshal(b, &j); err != nil {
		return err
	}
	*s = Signal{Name: s.Name, Why: j.Why, Stale: j.Stale}
	switch v := j.Value.(type) {
	case float64:
		s.Known, s.Number = true, v
	case string:
		s.Known, s.Text = true, v
	}
	if j.Fresh != "" {
		t, err := time.Parse(time.RFC3339, j.Fresh)
		if err != nil {
			return err
		}
		s.Fresh = t
	}
	return nil
}

// Points are thousandths of a point of the level, so that contributions add
// up exactly and equally on every machine.
type Points int64

// Full is the highest level: 100 points.
const Full Points = 100_000

// String writes points as a person reads them, such as "62.5".
func (p Points) String() string { return strconv.FormatFloat(float64(p)/1000, 'f', -1, 64) }

// Round returns whole points, halves away from zero.
func (p Points) Round() int {
	if p < 0 {
		return -int((-p + 500) / 1000)
	}
	return int((p + 500) / 1000)
}
