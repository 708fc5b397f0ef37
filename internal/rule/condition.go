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
}

// Fields of a vector. Levels and slopes are compared in points (0 to 100).
const (
	level = "vector.level"
	way   = "vector.way"
	slope = "vector.slope"
)

var ops = map[string]struct {
	number bool // compares numbers only
	says   string
	not    string
}{
	"below":    {true, "below", "not below"},
	"above":    {true, "above", "not above"},
	"at_least": {true, "at least", "less than"},
	"at_most":  {true, "at most", "more than"},
	"is":       {false, "", "not"},
	"is_not":   {false, "not", ""},
}

// A value is what a field was, or why it is not known.
type value struct {
	known  bool
	number float64
	text   string // of a text; empty for numbers
	why    string
}

func (c Condition) value(in Input) value {
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

func (c Condition) missing(s cairn.Signal) string {
	if s.Why == "" {
		return c.label() + " is not known"
	}
	why := strings.TrimSuffix(s.Why, ".")
	return c.label() + " is not known: " + strings.ToLower(why[:1]) + why[1:]
}

// holds reports whether c is true of in, and says what is so: "level is 62,
// not below 40" or "level is 32, below 40".
func (c Condition) holds(in Input) (bool, string) {
	v := c.value(in)
	if !v.known {
		return false, v.why
	}
	ok := c.test(v)
	op, phrase := ops[c.Op], ""
	switch {
	case !op.number && ok:
		phrase = fmt.Sprintf("%s is %s", c.label(), v)
	case !op.number:
		phrase = strings.Join(strings.Fields(fmt.Sprintf("%s is %s, %s %s", c.label(), v, op.not, c.wanted())), " ")
	case ok:
		phrase = fmt.Sprintf("%s is %s, %s %s", c.label(), v, op.says, c.wanted())
	default:
		phrase = fmt.Sprintf("%s is %s, %s %s", c.label(), v, op.not, c.wanted())
	}
	return ok, phrase
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

// before says what the field was when c did not yet hold.
func (c Condition) before(prev Input) string {
	v := c.value(prev)
	if !v.known {
		return "not known before"
	}
	return "was " + v.String()
}

func (v value) String() string {
	if v.text != "" {
		return v.text
	}
	return plain(v.number)
}

func (c Condition) wanted() string {
	if n, ok := numberOf(c.Value); ok {
		return plain(n)
	}
	return fmt.Sprint(c.Value)
}

// plain writes a number with at most one decimal.
func plain(n float64) string {
	s := strconv.FormatFloat(n, 'f', 1, 64)
	return strings.TrimPrefix(strings.TrimSuffix(s, ".0"), "-0")
}

func (c Condition) label() string {
	if c.Label != "" {
		return c.Label
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
