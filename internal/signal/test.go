package signal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"cairn"
)

// A Test compares one field with a value: a property of an event, or a signal
// of an account. Texts are compared without regard to case.
type Test struct {
	Field string `json:"field" yaml:"field"`
	Op    string `json:"op" yaml:"op"` // see [Ops]
	Value any    `json:"value,omitempty" yaml:"value,omitempty"`
}

// Ops are the comparisons of a [Test], in the order in which a form offers
// them, each with what people call it.
var Ops = []struct{ Op, Says string }{
	{"is", "is"}, {"is_not", "is not"}, {"in", "is one of"}, {"not_in", "is none of"},
	{"above", "is above"}, {"at_least", "is at least"}, {"below", "is below"}, {"at_most", "is at most"},
	{"contains", "contains"}, {"exists", "is there"}, {"missing", "is not there"},
}

// String says the test as a sentence's part: "plan is one of gold, silver".
func (t Test) String() string {
	says := t.Op
	for _, o := range Ops {
		if o.Op == t.Op {
			says = o.Says
		}
	}
	if list, ok := t.Value.([]any); ok {
		words := make([]string, len(list))
		for i, v := range list {
			words[i] = wordOf(v)
		}
		return t.Field + " " + says + " " + strings.Join(words, ", ")
	}
	if t.Value == nil {
		return t.Field + " " + says
	}
	return t.Field + " " + says + " " + wordOf(t.Value)
}

func wordOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// check refuses a test that could not be made, naming what to correct.
func (t Test) check() *cairn.Error {
	if strings.TrimSpace(t.Field) == "" {
		return cairn.Errorf(cairn.Invalid, "A condition needs the name of a field.").At("field")
	}
	switch t.Op {
	case "exists", "missing":
		if t.Value != nil {
			return cairn.Errorf(cairn.Invalid, "%s compares with nothing; leave the value out.", t.Op).At("value")
		}
	case "in", "not_in":
		list, ok := t.Value.([]any)
		if !ok || len(list) == 0 {
			return cairn.Errorf(cairn.Invalid, "%s compares with a list of values.", t.Op).At("value")
		}
		for _, v := range list {
			if !scalar(v) {
				return cairn.Errorf(cairn.Invalid, "A value must be a number, a text, true or false.").At("value")
			}
		}
	case "above", "below", "at_least", "at_most":
		if _, ok := numberOf(t.Value); !ok {
			return cairn.Errorf(cairn.Invalid, "%s compares with a number.", t.Op).At("value")
		}
	case "is", "is_not":
		if !scalar(t.Value) {
			return cairn.Errorf(cairn.Invalid, "A value must be a number, a text, true or false.").At("value")
		}
	case "contains":
		if text, ok := t.Value.(string); !ok || text == "" {
			return cairn.Errorf(cairn.Invalid, "contains compares with a text.").At("value")
		}
	default:
		names := make([]string, len(Ops))
		for i, o := range Ops {
			names[i] = o.Op
		}
		return cairn.Errorf(cairn.Invalid, "%q is no comparison; there are %s.", t.Op, strings.Join(names, ", ")).At("op")
	}
	return nil
}

func scalar(v any) bool {
	switch v.(type) {
	case string, bool, float64, int, int64, uint64, json.Number:
		return true
	}
	return false
}

// holds reports whether the test is true of a value as JSON gives it. Of what
// is not there only missing, is_not and not_in are true.
func (t Test) holds(v any, there bool) bool {
	switch t.Op {
	case "exists":
		return there
	case "missing":
		return !there
	case "is":
		return there && same(v, t.Value)
	case "is_not":
		return !there || !same(v, t.Value)
	case "in", "not_in":
		list, _ := t.Value.([]any)
		found := there && slices.ContainsFunc(list, func(w any) bool { return same(v, w) })
		return found == (t.Op == "in")
	case "contains":
		text, _ := t.Value.(string)
		if list, ok := v.([]any); ok {
			return slices.ContainsFunc(list, func(w any) bool { return same(w, t.Value) })
		}
		return there && strings.Contains(strings.ToLower(wordOf(v)), strings.ToLower(text))
	}
	n, ok := numberOf(v)
	want, _ := numberOf(t.Value)
	if !there || !ok {
		return false
	}
	switch t.Op {
	case "above":
		return n > want
	case "below":
		return n < want
	case "at_least":
		return n >= want
	case "at_most":
		return n <= want
	}
	return false
}

// same compares as a number when the wanted value is one, else as text.
func same(v, want any) bool {
	if b, ok := want.(bool); ok {
		have, isBool := v.(bool)
		return isBool && have == b || !isBool && strings.EqualFold(wordOf(v), strconv.FormatBool(b))
	}
	if w, ok := want.(string); !ok {
		n, isNumber := numberOf(v)
		m, _ := numberOf(want)
		return isNumber && n == m
	} else {
		return strings.EqualFold(wordOf(v), w)
	}
}

// numberOf reads a number, or a text that is one.
func numberOf(v any) (float64, bool) {
	var n float64
	var err error
	switch v := v.(type) {
	case float64:
		n = v
	case int:
		n = float64(v)
	case int64:
		n = float64(v)
	case uint64:
		n = float64(v)
	case json.Number:
		n, err = v.Float64()
	case string:
		n, err = strconv.ParseFloat(strings.TrimSpace(v), 64)
	default:
		return 0, false
	}
	return n, err == nil && !math.IsNaN(n) && !math.IsInf(n, 0)
}

// property returns a property of an event, "a.b" also from within a, and
// false when there is none or it is null.
func property(props map[string]any, name string) (any, bool) {
	if v, ok := props[name]; ok {
		return v, v != nil
	}
	head, rest, nested := strings.Cut(name, ".")
	if !nested {
		return nil, false
	}
	inner, ok := props[head].(map[string]any)
	if !ok {
		return nil, false
	}
	return property(inner, rest)
}

// propertiesOf reads the properties of an event; nil when there are none.
func propertiesOf(raw json.RawMessage) map[string]any {
	if len(bytes.TrimSpace(raw)) == 0 {
		return nil
	}
	var p map[string]any
	if json.Unmarshal(raw, &p) != nil {
		return nil
	}
	return p
}
