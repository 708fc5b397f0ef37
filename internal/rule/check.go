package rule

import (
	"fmt"
	"strings"

	"cairn"
)

// Check refuses a rule that could never be decided, naming the field to
// correct. signal tells the type of a signal, and false when there is none.
func (r Rule) Check(signal func(name string) (cairn.Type, bool)) error {
	switch {
	case r.Name == "":
		return cairn.Errorf(cairn.Invalid, "A rule needs a name.").At("name")
	case r.Title == "":
		return cairn.Errorf(cairn.Invalid, "A rule needs a title that people read.").At("title")
	case len(r.All) == 0:
		return cairn.Errorf(cairn.Invalid, "A rule needs at least one condition.").At("all")
	}
	for i, c := range r.All {
		if err := c.check(signal); err != nil {
			return err.At(fmt.Sprintf("all.%d.%s", i, err.Field))
		}
	}
	return nil
}

func (c Condition) check(signal func(name string) (cairn.Type, bool)) *cairn.Error {
	kind, known := cairn.Number, true
	switch c.Field {
	case level, slope:
	case way:
		kind = cairn.Text
	default:
		field, ofStale := strings.CutSuffix(c.Field, stale)
		if kind, known = signal(field); ofStale {
			kind, known = cairn.Truth, known || field == "vector"
		}
	}
	if !known {
		return cairn.Errorf(cairn.Invalid, "There is no signal %q.", c.Field).At("field")
	}
	op, ok := ops[c.Op]
	if !ok {
		return cairn.Errorf(cairn.Invalid, "%q is no comparison: below, above, at_least, at_most, is or is_not.", c.Op).At("op")
	}
	_, isNumber := numberOf(c.Value)
	_, isText := c.Value.(string)
	switch {
	case !isNumber && !isText:
		return cairn.Errorf(cairn.Invalid, "The value must be a number, a text, true or false.").At("value")
	case op.number && !isNumber:
		return cairn.Errorf(cairn.Invalid, "%s compares with a number.", c.Op).At("value")
	case c.Field == way && op.number:
		return cairn.Errorf(cairn.Invalid, "A way is compared with is or is_not.").At("op")
	case c.Field == way && !isWay(c.Value):
		return cairn.Errorf(cairn.Invalid, "A way is rising, steady, falling or unknown.").At("value")
	case kind != cairn.Text && !isNumber:
		return cairn.Errorf(cairn.Invalid, "%s is compared with a number.", c.Field).At("value")
	}
	return nil
}

func isWay(v any) bool {
	switch v {
	case string(cairn.Rising), string(cairn.Steady), string(cairn.Falling), string(cairn.Unknown):
		return true
	}
	return false
}
