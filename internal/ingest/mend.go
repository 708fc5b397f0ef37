package ingest

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// A Step is one change that a patch makes to a message. Fields are paths with
// dots, such as "traits.status"; a field whose own name has dots is found too.
type Step struct {
	Op    string `json:"op"` // one of StepOps
	Field string `json:"field"`
	To    string `json:"to,omitempty"`    // rename: the new path
	Value any    `json:"value,omitempty"` // set
	As    string `json:"as,omitempty"`    // convert: one of ConvertTo
}

// A Patch is a list of steps that mends many messages in the same way.
type Patch []Step

// StepOps are the steps there are, and ConvertTo what a value can be made.
var (
	StepOps   = []string{"rename", "set", "drop", "convert"}
	ConvertTo = []string{"number", "integer", "text", "truth", "date", "lower"}
)

// Check refuses a patch that says nothing or cannot be carried out.
func (p Patch) Check() error {
	if len(p) == 0 {
		return cairn.Errorf(cairn.Invalid, "A patch needs a step: rename, set, drop or convert.").At("patch")
	}
	for i, s := range p {
		at := "patch." + strconv.Itoa(i)
		switch {
		case strings.Trim(s.Field, ". ") == "":
			return cairn.Errorf(cairn.Invalid, "Name the field to change, such as traits.status.").At(at + ".field")
		case s.Op == "rename" && strings.Trim(s.To, ". ") == "":
			return cairn.Errorf(cairn.Invalid, "Name what the field is to be called.").At(at + ".to")
		case s.Op == "convert" && !contains(ConvertTo, s.As):
			return cairn.Errorf(cairn.Invalid, "A value can be made %s.", strings.Join(ConvertTo, ", ")).At(at + ".as")
		case !contains(StepOps, s.Op):
			return cairn.Errorf(cairn.Invalid, "A step is one of %s.", strings.Join(StepOps, ", ")).At(at + ".op")
		}
	}
	return nil
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// Apply returns a message after the steps, and whether they changed it. What
// is not a JSON object is left as it is. A step that does not fit a message
// (no such field, a value that cannot be converted, a name that is taken)
// leaves it alone.
func (p Patch) Apply(text string) (string, bool) {
	m, ok := decodeObject([]byte(text))
	if !ok {
		return text, false
	}
	before, err := object(m)
	if err != nil {
		return text, false
	}
	for _, s := range p {
		s.apply(m)
	}
	after, err := object(m)
	if err != nil || string(after) == string(before) {
		return text, false
	}
	return string(after), true
}

func (s Step) apply(m map[string]any) {
	in, name, there := lookup(m, s.Field)
	switch s.Op {
	case "set":
		if in, name, ok := reach(m, s.Field); ok {
			in[name] = s.Value
		}
	case "drop":
		if there {
			delete(in, name)
		}
	case "rename":
		if !there {
			return
		}
		if _, _, taken := lookup(m, s.To); taken {
			return
		}
		v := in[name]
		delete(in, name)
		if to, last, ok := reach(m, s.To); ok {
			to[last] = v
			return
		}
		in[name] = v
	case "convert":
		if v, ok := converted(in[name], s.As); there && ok {
			in[name] = v
		}
	}
}

// lookup returns the object that holds a field, and its name in there.
func lookup(m map[string]any, path string) (in map[string]any, name string, ok bool) {
	if _, ok := m[path]; ok {
		return m, path, true
	}
	for i := range len(path) {
		if path[i] != '.' {
			continue
		}
		if inner, ok := m[path[:i]].(map[string]any); ok {
			if in, name, ok := lookup(inner, path[i+1:]); ok {
				return in, name, true
			}
		}
	}
	return nil, "", false
}

// reach is lookup for a field that need not exist: the objects on the way are
// made. It fails where something that is no object stands in the way.
func reach(m map[string]any, path string) (in map[string]any, name string, ok bool) {
	if in, name, ok := lookup(m, path); ok {
		return in, name, true
	}
	head, rest, deeper := strings.Cut(path, ".")
	if !deeper {
		return m, path, true
	}
	inner, isObject := m[head].(map[string]any)
	if !isObject {
		if v, there := m[head]; there && v != nil {
			return nil, "", false
		}
		inner = map[string]any{}
		m[head] = inner
	}
	return reach(inner, rest)
}

// converted returns v as another type of value.
func converted(v any, as string) (any, bool) {
	s, ok := textOf(v)
	if b, is := v.(bool); is {
		s, ok = strconv.FormatBool(b), true
	}
	if !ok {
		return nil, false
	}
	switch as {
	case "text":
		return s, true
	case "lower":
		return strings.ToLower(s), true
	case "number", "integer":
		n := plainNumber(s)
		if !decimal(n) {
			return nil, false
		}
		if as == "integer" {
			f, err := strconv.ParseFloat(n, 64)
			if err != nil || f != float64(int64(f)) {
				return nil, false
			}
			n = strconv.FormatInt(int64(f), 10)
		}
		return json.Number(n), true
	case "truth":
		b, problem := readTruth(s, patch{})
		return b, problem == fine
	case "date":
		t, ok := moment(s)
		if !ok {
			var err error
			for _, layout := range []string{"02.01.2006", "2 January 2006", "January 2, 2006", "2 Jan 2006", "2006/01/02", time.RFC1123, time.RFC1123Z} {
				if t, err = time.Parse(layout, s); err == nil {
					ok = true
					break
				}
			}
		}
		return t.UTC().Format(time.RFC3339Nano), ok
	}
	return nil, false
}

// plainNumber takes a currency sign, spaces and separators of thousands out of
// a number as people write it. Of comma and point the last is the decimal one.
func plainNumber(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r == '-', r == ',', r == '.':
			return r
		case strings.ContainsRune("$€£¥'’ \u00a0\u202f", r):
			return -1
		}
		return 'x' // so that it is no number
	}, s)
	comma, point := strings.LastIndex(s, ","), strings.LastIndex(s, ".")
	switch {
	case comma >= 0 && point >= 0 && comma > point:
		s = strings.ReplaceAll(strings.ReplaceAll(s, ".", ""), ",", ".")
	case comma >= 0 && point >= 0:
		s = strings.ReplaceAll(s, ",", "")
	case comma >= 0 && strings.Count(s, ",") == 1 && len(s)-comma != 4:
		s = strings.ReplaceAll(s, ",", ".")
	case comma >= 0:
		s = strings.ReplaceAll(s, ",", "")
	}
	// 070 is no number in JSON.
	sign := ""
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, s = "-", rest
	}
	if t := strings.TrimLeft(s, "0"); t != s {
		if t == "" || t[0] == '.' {
			t = "0" + t
		}
		s = t
	}
	return sign + s
}

// FieldPaths returns the paths of the fields of a message, for choosing one.
func FieldPaths(text string) []string {
	m, ok := decodeObject([]byte(text))
	if !ok {
		return nil
	}
	var out []string
	var walk func(prefix string, m map[string]any)
	walk = func(prefix string, m map[string]any) {
		for name, v := range m {
			out = append(out, prefix+name)
			if inner, ok := v.(map[string]any); ok && strings.Count(prefix, ".") < 6 {
				walk(prefix+name+".", inner)
			}
		}
	}
	walk("", m)
	return out
}
