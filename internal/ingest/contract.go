package ingest

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// A Policy says what is done with what a contract does not foresee.
type Policy string

// The policies.
const (
	Allow  Policy = "allow"
	Note   Policy = "note"   // taken, and counted as a breach
	Refuse Policy = "reject" // refused with the reason, and kept like everything refused
)

// A Contract is what a source has agreed to send. It is checked at the door,
// against what was sent and not against what Cairn makes of it.
type Contract struct {
	Breach  Policy `json:"breach,omitempty" yaml:"breach,omitempty"`   // what is done with a record that breaks a rule: note (the default) or reject
	Unknown Policy `json:"unknown,omitempty" yaml:"unknown,omitempty"` // with events that no rule names: allow (the default), note or reject
	Rules   []Rule `json:"rules" yaml:"rules"`
}

// A Rule is what one event, or one kind of record, has to look like.
type Rule struct {
	Event   string          `json:"event,omitempty" yaml:"event,omitempty"` // the name of a track event
	Kind    cairn.EventKind `json:"kind,omitempty" yaml:"kind,omitempty"`   // or a kind of record, such as ticket
	Breach  Policy          `json:"breach,omitempty" yaml:"breach,omitempty"`
	Unknown Policy          `json:"unknown,omitempty" yaml:"unknown,omitempty"` // fields that the rule does not name
	Fields  []Field         `json:"fields,omitempty" yaml:"fields,omitempty"`
}

// A Field is what one field has to be.
type Field struct {
	Name     string   `json:"name" yaml:"name"` // within objects as "address.city"
	Required bool     `json:"required,omitempty" yaml:"required,omitempty"`
	Type     string   `json:"type,omitempty" yaml:"type,omitempty"`
	Values   []string `json:"values,omitempty" yaml:"values,omitempty,flow"`
	Least    *float64 `json:"least,omitempty" yaml:"least,omitempty"`
	Most     *float64 `json:"most,omitempty" yaml:"most,omitempty"`
	Personal *bool    `json:"personal,omitempty" yaml:"personal,omitempty"` // sealed, or not; absent: what looks so
}

// Types are the types of fields; "" is any.
func Types() []string {
	return []string{"text", "number", "whole", "truth", "date", "list", "object"}
}

// Called is what a rule is about: the event's name, or the kind of record.
func (r Rule) Called() string {
	if r.Kind != "" && r.Kind != cairn.Track {
		return string(r.Kind)
	}
	return r.Event
}

// Check refuses a contract that cannot be meant so, naming the place.
func (c Contract) Check() error {
	if err := c.Breach.check("contract.breach", Note, Refuse); err != nil {
		return err
	}
	if err := c.Unknown.check("contract.unknown", Allow, Note, Refuse); err != nil {
		return err
	}
	seen := map[string]bool{}
	for i, r := range c.Rules {
		at := fmt.Sprintf("contract.rules.%d", i)
		if err := r.check(at); err != nil {
			return err
		}
		key := string(r.Kind) + "/" + r.Event
		if seen[key] {
			return cairn.Errorf(cairn.Invalid, "There are two rules for %q.", r.Called()).At(at)
		}
		seen[key] = true
	}
	return nil
}

func (p Policy) check(at string, may ...Policy) error {
	if p == "" || slices.Contains(may, p) {
		return nil
	}
	return cairn.Errorf(cairn.Invalid, "%q is not one of %s.", p, join(may)).At(at)
}

func (r Rule) check(at string) error {
	switch {
	case r.Kind == "" && r.Event == "":
		return cairn.Errorf(cairn.Invalid, "A rule names an event or a kind of record.").At(at)
	case r.Kind != "" && r.Kind != cairn.Track && r.Event != "":
		return cairn.Errorf(cairn.Invalid, "Only track events have names; a rule for %ss names no event.", r.Kind).At(at + ".event")
	case r.Kind == cairn.Track && r.Event == "":
		return cairn.Errorf(cairn.Invalid, "A rule for track events names one.").At(at + ".event")
	case r.Kind != "" && !slices.Contains(writable, r.Kind):
		return cairn.Errorf(cairn.Invalid, "%q is no kind of record: %s.", r.Kind, join(writable)).At(at + ".kind")
	}
	if err := r.Breach.check(at+".breach", Note, Refuse); err != nil {
		return err
	}
	if err := r.Unknown.check(at+".unknown", Allow, Note, Refuse); err != nil {
		return err
	}
	names := map[string]bool{}
	for i, f := range r.Fields {
		place := fmt.Sprintf("%s.fields.%d", at, i)
		switch {
		case strings.TrimSpace(f.Name) == "":
			return cairn.Errorf(cairn.Invalid, "A field needs a name.").At(place + ".name")
		case names[f.Name]:
			return cairn.Errorf(cairn.Invalid, "The field %q is named twice.", f.Name).At(place + ".name")
		case f.Type != "" && !slices.Contains(Types(), f.Type):
			return cairn.Errorf(cairn.Invalid, "%q is no type: %s.", f.Type, strings.Join(Types(), ", ")).At(place + ".type")
		case (f.Least != nil || f.Most != nil) && f.Type != "number" && f.Type != "whole":
			return cairn.Errorf(cairn.Invalid, "Only a number has a least and a most.").At(place + ".type")
		case f.Least != nil && f.Most != nil && *f.Least > *f.Most:
			return cairn.Errorf(cairn.Invalid, "The least is more than the most.").At(place + ".least")
		}
		names[f.Name] = true
	}
	return nil
}

// The ways to break a rule.
const (
	Missing   = "missing"   // a required field is absent or null
	WrongType = "type"      // a field is of another type
	WrongWord = "value"     // a field is none of the values
	OutOf     = "range"     // a number is less than the least or more than the most
	Unnamed   = "unknown"   // an event, or a field, that is not named
	Checked   = "checked"   // no breach: how many records the rule was held against
	perField  = 5           // the first five are counted for each field
	mostNames = 50          // of unknown events that are counted by name
	others    = "(others)"  // the unknown events beyond
	nowhere   = "(unnamed)" // unknown fields of a rule
)

var problems = [perField]string{Missing, WrongType, WrongWord, OutOf, Unnamed}

// A Breach is how often one rule was broken in one way within an hour.
type Breach struct {
	Source  string    `json:"source"`
	Hour    time.Time `json:"hour"`
	Rule    string    `json:"rule"`
	Field   string    `json:"field"`
	Problem string    `json:"problem"`
	N       int64     `json:"n"`
}

// agreed is a contract made ready: nothing of it is read again for a record.
type agreed struct {
	unknown Policy
	events  map[string]*terms
	kinds   map[cairn.EventKind]*terms
	counts  int // how many counters the terms need together
}

// terms are a rule made ready.
type terms struct {
	called  string
	breach  Policy
	unknown Policy
	fields  []term
	named   map[string]bool // first parts of the fields' names
	base    int             // of its counters: checked, unknown fields, then five a field
}

type term struct {
	Field
	path   []string
	values map[string]bool
}

// agree makes a contract ready; nil when there is none.
func agree(c *Contract) *agreed {
	if c == nil || len(c.Rules) == 0 && (c.Unknown == "" || c.Unknown == Allow) {
		return nil
	}
	a := &agreed{unknown: c.Unknown, events: map[string]*terms{}, kinds: map[cairn.EventKind]*terms{}}
	for _, r := range c.Rules {
		t := &terms{called: r.Called(), breach: c.Breach, unknown: r.Unknown, base: a.counts, named: map[string]bool{}}
		if r.Breach != "" {
			t.breach = r.Breach
		}
		for _, f := range r.Fields {
			m := term{Field: f, path: strings.Split(f.Name, ".")}
			if len(f.Values) > 0 {
				m.values = map[string]bool{}
				for _, v := range f.Values {
					m.values[v] = true
				}
			}
			t.fields = append(t.fields, m)
			t.named[m.path[0]] = true
		}
		a.counts += 2 + perField*len(t.fields)
		if r.Kind == "" || r.Kind == cairn.Track {
			a.events[r.Event] = t
		} else {
			a.kinds[r.Kind] = t
		}
	}
	return a
}

// A held is what one call of Admit counts against a contract.
type held struct {
	*agreed
	counts  []int64
	unknown map[string]int64 // events
	file    bool             // numbers may come as texts
}

// hold returns the counters for a call; nil when there is no contract.
func (a *agreed) hold(file bool) *held {
	if a == nil {
		return nil
	}
	return &held{agreed: a, counts: make([]int64, a.counts), file: file}
}

// check holds a record against the contract: what was noted, or why it is
// refused.
func (h *held) check(r *Record) (note string, _ *cairn.Error) {
	t := h.kinds[r.Kind]
	if r.Kind == cairn.Track {
		t = h.events[r.Name]
	}
	if t == nil {
		return h.stranger(r)
	}
	h.counts[t.base]++
	for i := range t.fields {
		f := &t.fields[i]
		problem := f.problem(at(r.Props, f.path), h.file)
		if problem < 0 {
			continue
		}
		h.counts[t.base+2+perField*i+problem]++
		if note == "" {
			note = f.says(problem)
			if t.breach == Refuse {
				return "", cairn.Errorf(cairn.Invalid, "%s", note).At(f.Name).Coded(CodeContract)
			}
		}
	}
	if t.unknown == Note || t.unknown == Refuse {
		for name := range r.Props {
			if t.named[name] {
				continue
			}
			h.counts[t.base+1]++
			text := fmt.Sprintf("The contract of %s has no field %q.", t.called, cut(name, 80))
			if t.unknown == Refuse {
				return "", cairn.Errorf(cairn.Invalid, "%s", text).At(name).Coded(CodeContract)
			}
			if note == "" {
				note = text
			}
			break
		}
	}
	return note, nil
}

// stranger deals with a record that no rule names.
func (h *held) stranger(r *Record) (string, *cairn.Error) {
	if r.Kind != cairn.Track || h.agreed.unknown != Note && h.agreed.unknown != Refuse {
		return "", nil
	}
	if h.unknown == nil {
		h.unknown = map[string]int64{}
	}
	h.unknown[r.Name]++
	text := fmt.Sprintf("The contract of this source has no event %q.", cut(r.Name, 80))
	if h.agreed.unknown == Refuse {
		return "", cairn.Errorf(cairn.Invalid, "%s", text).At("name").Coded(CodeContract)
	}
	return text, nil
}

// at returns the value at a path.
func at(props map[string]any, path []string) any {
	v := props[path[0]]
	for _, name := range path[1:] {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// problem returns which of problems a value has, and -1 when it has none.
func (f *term) problem(v any, file bool) int {
	if v == nil || v == "" {
		if f.Required {
			return 0
		}
		return -1
	}
	if f.Type != "" && !f.isType(v, file) {
		return 1
	}
	if f.values != nil {
		if s, ok := textOf(v); !ok || !f.values[s] {
			return 2
		}
	}
	if f.Least != nil || f.Most != nil {
		if n, ok := numeric(v, true); ok && (f.Least != nil && n < *f.Least || f.Most != nil && n > *f.Most) {
			return 3
		}
	}
	return -1
}

func (f *term) isType(v any, file bool) bool {
	switch f.Type {
	case "text":
		_, ok := v.(string)
		return ok
	case "number":
		_, ok := numeric(v, file)
		return ok
	case "whole":
		n, ok := numeric(v, file)
		return ok && n == math.Trunc(n)
	case "truth":
		_, ok := v.(bool)
		return ok || file && (v == "true" || v == "false")
	case "date":
		_, ok := moment(v)
		return ok
	case "list":
		_, ok := v.([]any)
		return ok
	case "object":
		_, ok := v.(map[string]any)
		return ok
	}
	return true
}

// numeric reads a number; of files also one that is written as a text.
func numeric(v any, text bool) (float64, bool) {
	switch v := v.(type) {
	case json.Number:
		n, err := v.Float64()
		return n, err == nil
	case float64:
		return v, true
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case string:
		if text {
			n, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			return n, err == nil
		}
	}
	return 0, false
}

var typeWords = map[string]string{
	"text": "a text", "number": "a number", "whole": "a whole number", "truth": "true or false", "date": "a date or time", "list": "a list", "object": "an object",
}

// says what is wrong with a field; it repeats nothing that was sent.
func (f *term) says(problem int) string {
	switch problems[problem] {
	case Missing:
		return "By the contract this field is required."
	case WrongType:
		return "By the contract it is " + typeWords[f.Type] + "."
	case WrongWord:
		return "By the contract it is one of " + cut(strings.Join(f.Values, ", "), 200) + "."
	}
	switch {
	case f.Least == nil:
		return "By the contract it is at most " + bound(*f.Most) + "."
	case f.Most == nil:
		return "By the contract it is at least " + bound(*f.Least) + "."
	}
	return "By the contract it lies between " + bound(*f.Least) + " and " + bound(*f.Most) + "."
}

func bound(n float64) string { return strconv.FormatFloat(n, 'f', -1, 64) }

// breaches writes counters as what was broken, with how often each rule was
// held against a record.
func (a *agreed) breaches(source string, hour time.Time, counts []int64, unknown map[string]int64) []Breach {
	var out []Breach
	add := func(rule, field, problem string, n int64) {
		if n > 0 {
			out = append(out, Breach{source, hour, rule, field, problem, n})
		}
	}
	of := func(t *terms) {
		add(t.called, "", Checked, counts[t.base])
		add(t.called, nowhere, Unnamed, counts[t.base+1])
		for i, f := range t.fields {
			for p := range problems {
				add(t.called, f.Name, problems[p], counts[t.base+2+perField*i+p])
			}
		}
	}
	for _, t := range a.events {
		of(t)
	}
	for _, t := range a.kinds {
		of(t)
	}
	for name, n := range unknown {
		add(name, "", Unnamed, n)
	}
	return out
}
