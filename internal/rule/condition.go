package rule

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"cairn"
)

// A Condition compares one field of an account with a value.
type Condition struct {
	Field string `json:"field"`           // a signal, or vector.level, vector.way, vector.slope
	Op    string `json:"op"`              // below, above, at_least, at_most, is, is_not
	Value any    `json:"value"`           // a number, a text or a truth value; levels and slopes in whole points
	Label string `json:"label,omitempty"` // what people call the field; empty: made of its name
	// Says is what is so when the condition holds, with {value} for the value
	// and (s) for the ending of a plural; empty: made of label, value and op.
	Says string `json:"says,omitempty"`
	// Guard: the condition must hold, but is no reason for anything.
	Guard bool `json:"guard,omitempty"`
}

// Fields of a vector. Levels and slopes are compared in points (0 to 100).
const (
	level = "vector.level"
	way   = "vector.way"
	slope = "vector.slope"
)

var ops = map[string]struct {
	number    bool // compares numbers only
	says, not string
}{
	"below":    {true, "below", "not below"},
	"above":    {true, "above", "not above"},
	"at_least": {true, "at least", "less than"},
	"at_most":  {true, "at most", "more than"},
	"is":       {},
	"is_not":   {},
}

// A value is what a field was, or why it is not known.
type value struct {
	known  bool
	number float64
	text   string // of a text; empty for numbers
	why    string
}

func (c Condition) value(in Input) value {
	if field, ok := strings.CutSuffix(c.Field, stale); ok {
		return truth(staleness(field, in) != nil)
	}
	switch c.Field {
	case level, slope, way:
		if !in.Vector.Known {
			return value{why: "the level is not known"}
		}
	}
	switch c.Field {
	case level:
		return value{known: true, number: float64(in.Vector.Level) / 1000}
	case slope:
		if in.Vector.Way == cairn.Unknown {
			return value{why: "too little is known to tell the way"}
		}
		return value{known: true, number: float64(in.Vector.Slope) / 1000}
	case way:
		return value{known: true, text: string(in.Vector.Way)}
	}
	s, ok := in.Signals[c.Field]
	if !ok || !s.Known {
		return value{why: c.missing(s)}
	}
	return value{known: true, number: s.Number, text: s.Text}
}

// stale ends the name of a field that says whether another field is as of an
// earlier moment, because a source is silent. It is for guards: that a source
// falls silent, or speaks again, fires nothing.
const stale = ".stale"

func truth(is bool) value {
	if is {
		return value{known: true, number: 1}
	}
	return value{known: true}
}

// staleness says as of when a field is; nil: as of the turn.
func staleness(field string, in Input) *cairn.Stale {
	switch field {
	case "vector", level, way, slope:
		for _, r := range in.Vector.Reasons {
			if r.Stale != nil {
				return r.Stale
			}
		}
		return nil
	}
	return in.Signals[field].Stale
}

// Stale names the sources that were silent, and since when, of all that r
// looks at; empty when it sees everything as of the turn.
func (r Rule) Stale(in Input) string {
	out := ""
	for _, c := range r.All {
		field := strings.TrimSuffix(c.Field, stale)
		if s := staleness(field, in); s != nil {
			out += field + " " + s.Source + " " + s.Since.String() + "; "
		}
	}
	return out
}

func (c Condition) missing(s cairn.Signal) string {
	if s.Why == "" {
		return c.label() + " is not known"
	}
	why := strings.TrimSuffix(s.Why, ".")
	return c.label() + " is not known: " + strings.ToLower(why[:1]) + why[1:]
}

// holds reports whether c is true of in.
func (c Condition) holds(in Input) bool {
	v := c.value(in)
	return v.known && c.test(v)
}

// phrase says what is so: "level is 62, not below 40", "level is 32, below 40".
func (c Condition) phrase(in Input) string {
	v := c.value(in)
	if !v.known {
		return v.why
	}
	ok := c.test(v)
	if ok && c.Says != "" {
		return c.said(v)
	}
	return c.compared("is", v, ok)
}

// became says what is so now that c has begun to hold: "level fell to 32,
// below 40 (was 45)".
func (c Condition) became(now, prev Input) string {
	v, old := c.value(now), c.value(prev)
	switch {
	case !old.known:
		return c.phrase(now) + " (not known before)"
	case c.Says != "":
		return c.said(v) + " (was " + c.shown(old) + ")"
	case v.text == "" && v.number < old.number:
		return c.compared("fell to", v, true) + " (was " + c.shown(old) + ")"
	case v.text == "" && v.number > old.number:
		return c.compared("rose to", v, true) + " (was " + c.shown(old) + ")"
	}
	return c.compared("is", v, true) + " (was " + c.shown(old) + ")"
}

func (c Condition) said(v value) string {
	ending := "s"
	if c.shown(v) == "1" {
		ending = ""
	}
	return strings.NewReplacer("{value}", c.shown(v), "(s)", ending).Replace(c.Says)
}

func (c Condition) compared(verb string, v value, ok bool) string {
	text := fmt.Sprintf("%s %s %s", c.label(), verb, c.shown(v))
	switch op := ops[c.Op]; {
	case op.number && ok:
		return text + ", " + op.says + " " + c.wanted()
	case op.number:
		return text + ", " + op.not + " " + c.wanted()
	case c.Op == "is" && !ok:
		return text + ", not " + c.wanted()
	}
	return text
}

func (c Condition) test(v value) bool {
	if want, isNumber := numberOf(c.Value); isNumber && v.text == "" {
		switch c.Op {
		case "below":
			return v.number < want
		case "above":
			return v.number > want
		case "at_least":
			return v.number >= want
		case "at_most":
			return v.number <= want
		case "is":
			return v.number == want
		case "is_not":
			return v.number != want
		}
		return false
	}
	same := strings.EqualFold(v.String(), fmt.Sprint(c.Value))
	return c.Op == "is" && same || c.Op == "is_not" && !same
}

func (v value) String() string {
	if v.text != "" {
		return v.text
	}
	return plain(v.number)
}

// shown writes a value of c's field as it is compared: truth as yes or no.
func (c Condition) shown(v value) string {
	if _, truth := c.Value.(bool); truth && v.text == "" {
		return yesNo(v.number != 0)
	}
	return v.String()
}

func (c Condition) wanted() string {
	if b, ok := c.Value.(bool); ok {
		return yesNo(b)
	}
	if n, ok := numberOf(c.Value); ok {
		return plain(n)
	}
	return fmt.Sprint(c.Value)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// plain writes a number with at most one decimal, for people.
func plain(n float64) string {
	s := strings.TrimSuffix(strconv.FormatFloat(n, 'f', 1, 64), ".0")
	if s == "-0" {
		return "0"
	}
	return strings.Replace(s, "-", "−", 1)
}

func (c Condition) label() string {
	if c.Label != "" {
		return c.Label
	}
	if field, ok := strings.CutSuffix(c.Field, stale); ok {
		return "staleness of " + Condition{Field: field}.label()
	}
	name := c.Field[strings.LastIndex(c.Field, ".")+1:]
	return strings.ReplaceAll(name, "_", " ")
}

// numberOf reads what JSON or Go code put into a condition; truth is 0 or 1.
func numberOf(v any) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int:
		return float64(v), true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	}
	return 0, false
}
