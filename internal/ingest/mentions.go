package ingest

import (
	"slices"
	"strings"
	"unicode"
)

// A Sought is somebody who is looked for in messages: by the keys under which
// sources know them, and by their addresses.
type Sought []string

// surely is how long a key must be to be somebody's wherever it stands. A
// shorter one may be a number of seats or a word, and counts only where a
// person is named.
const surely = 6

// namesPeople are the fields of a message whose values are people.
var namesPeople = strings.Fields("userid anonymousid previousid user person author requester assignee recipient email mail contact")

// In reports whether a message names them: as a value of its own, or by an
// address in the middle of a text.
func (w Sought) In(message string) bool {
	m, ok := decodeObject([]byte(message))
	if !ok {
		return w.within(message, true)
	}
	return w.among("", m)
}

func (w Sought) among(field string, v any) bool {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			if w.among(name, inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, func(x any) bool { return w.among(field, x) })
	default:
		s, _ := textOf(v)
		return w.is(field, s) || w.within(s, false)
	}
	return false
}

// is reports whether the value of a field is one of them.
func (w Sought) is(field, value string) bool {
	name := strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(field))
	here := slices.ContainsFunc(namesPeople, func(p string) bool { return strings.Contains(name, p) })
	return slices.ContainsFunc(w, func(key string) bool {
		return key != "" && strings.EqualFold(key, value) && (here || len(key) >= surely)
	})
}

// within reports whether a text holds one of their addresses, or with any one
// of their longer keys, as a word of its own.
func (w Sought) within(text string, any bool) bool {
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !strings.ContainsRune("._%+-@", r)
	})
	return slices.ContainsFunc(w, func(key string) bool {
		if !strings.Contains(key, "@") && (!any || len(key) < surely) {
			return false
		}
		return slices.ContainsFunc(words, func(word string) bool { return strings.Trim(word, ".-") == strings.ToLower(key) })
	})
}
