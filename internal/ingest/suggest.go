package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"cairn"
)

// A Seen is what came under one event's name, or as one kind of record.
type Seen struct {
	Rule   Rule        `json:"rule"` // what it suggests
	N      int         `json:"n"`    // how many records were looked at
	Last   time.Time   `json:"last"`
	Fields []SeenField `json:"fields"`
}

// A SeenField is what was seen of one field.
type SeenField struct {
	Name   string         `json:"name"`
	Filled int            `json:"filled"` // how many records had it, not null
	Types  map[string]int `json:"types"`
	Least  float64        `json:"least"` // of numbers
	Most   float64        `json:"most"`
	Sealed bool           `json:"sealed"`

	values map[string]int
}

// Share is how many of n records had the field, in percent.
func (f SeenField) Share(n int) float64 { return 100 * float64(f.Filled) / float64(max(n, 1)) }

// What a suggestion needs to be made: a field is required when all but so few
// lack it, and has values when it has few that come again and again.
const (
	fewLack    = 100 // at most one in so many
	fewValues  = 6
	seenOften  = 50 // records
	worthARule = 3
)

// Suggest says what was seen in events of one source and which contract that
// suggests, the most frequent first.
func Suggest(events []cairn.Event) (Contract, []Seen) {
	by := map[string]*Seen{}
	fields := map[string]map[string]*SeenField{}
	for _, e := range events {
		key := string(e.Kind) + "/"
		rule := Rule{Kind: e.Kind}
		if e.Kind == cairn.Track {
			key, rule = key+e.Name, Rule{Event: e.Name}
		}
		s := by[key]
		if s == nil {
			s = &Seen{Rule: rule}
			by[key], fields[key] = s, map[string]*SeenField{}
		}
		s.N++
		if e.Seen.After(s.Last) {
			s.Last = e.Seen
		}
		look(fields[key], e.Props, false)
		look(fields[key], e.Personal, true)
	}
	var c Contract
	var out []Seen
	for key, s := range by {
		for _, name := range slices.Sorted(maps.Keys(fields[key])) {
			f := fields[key][name]
			s.Fields = append(s.Fields, *f)
			s.Rule.Fields = append(s.Rule.Fields, f.suggests(s.N))
		}
		out = append(out, *s)
	}
	slices.SortFunc(out, func(a, b Seen) int {
		if a.N != b.N {
			return b.N - a.N
		}
		return strings.Compare(a.Rule.Called(), b.Rule.Called())
	})
	for _, s := range out {
		if s.N >= worthARule {
			c.Rules = append(c.Rules, s.Rule)
		}
	}
	return c, out
}

// look notes the fields of an object. Segment's context is not the sender's.
func look(into map[string]*SeenField, object json.RawMessage, sealed bool) {
	props, _ := decodeObject(object)
	for name, v := range props {
		if v == nil || v == "" || sealed && name == "context" {
			continue
		}
		f := into[name]
		if f == nil {
			f = &SeenField{Name: name, Types: map[string]int{}, values: map[string]int{}, Least: math.Inf(1), Most: math.Inf(-1)}
			into[name] = f
		}
		f.Filled++
		f.Sealed = f.Sealed || sealed
		f.Types[typed(v)]++
		if n, ok := numeric(v, false); ok {
			f.Least, f.Most = min(f.Least, n), max(f.Most, n)
		}
		if s, ok := v.(string); ok && len(f.values) <= fewValues && len(s) <= 40 {
			f.values[s]++
		} else if ok {
			f.values["\x00"+fmt.Sprint(len(f.values))]++ // one of many, or long
		}
	}
}

// typed is the type of a value as contracts name it.
func typed(v any) string {
	switch v := v.(type) {
	case bool:
		return "truth"
	case map[string]any:
		return "object"
	case []any:
		return "list"
	case string:
		if len(v) >= len(time.DateOnly) && v[4] == '-' {
			if _, ok := moment(v); ok {
				return "date"
			}
		}
		return "text"
	}
	if n, ok := numeric(v, false); ok && n == math.Trunc(n) {
		return "whole"
	}
	return "number"
}

// suggests is the rule for a field that n records suggest.
func (f *SeenField) suggests(n int) Field {
	out := Field{Name: f.Name, Required: f.Filled*fewLack >= n*(fewLack-1)}
	types := slices.Sorted(maps.Keys(f.Types))
	switch {
	case len(types) == 1:
		out.Type = types[0]
	case slices.Equal(types, []string{"number", "whole"}):
		out.Type = "number"
	case slices.Equal(types, []string{"date", "text"}):
		out.Type = "text"
	}
	if f.Sealed {
		yes := true
		out.Personal = &yes
		return out
	}
	if out.Type == "text" && f.Filled >= seenOften && len(f.values) <= fewValues {
		values := slices.Sorted(maps.Keys(f.values))
		if !strings.HasPrefix(values[0], "\x00") {
			out.Values = values
		}
	}
	return out
}

// Try holds events that were taken against a contract, and returns what they
// break of it. Fields that the door wrote in its own form, such as amounts, are
// looked at as they were kept.
func Try(c Contract, events []cairn.Event) []Breach {
	a := agree(&c)
	if a == nil {
		return nil
	}
	h := a.hold(true)
	for _, e := range events {
		props, _ := decodeObject(e.Props)
		sealed, _ := decodeObject(e.Personal)
		if props == nil {
			props = map[string]any{}
		}
		for name, v := range sealed {
			if name != "context" {
				props[name] = v
			}
		}
		h.check(&Record{Kind: e.Kind, Name: e.Name, Props: props})
	}
	return a.breaches("", time.Time{}, h.counts, h.unknown)
}

// SuggestFor returns a source as what it sent in the last seven days (and, for
// its cadence, in the last four weeks) suggests to agree with it.
func SuggestFor(ctx context.Context, s Sources, src Source, zone *time.Location, now time.Time) (Source, []Seen, int, error) {
	events, err := s.Sample(ctx, cairn.Everything, src.Name, now.AddDate(0, 0, -7))
	if err != nil {
		return src, nil, 0, err
	}
	hours, err := s.Arrivals(ctx, cairn.Everything, src.Name, now.AddDate(0, 0, -28))
	if err != nil {
		return src, nil, 0, err
	}
	c, seen := Suggest(events)
	if len(c.Rules) > 0 {
		c.Breach = Note
		src.Contract = &c
	}
	if cadence, ok := LearnCadence(hours, zone); ok {
		src.Cadence = &cadence
	}
	return src, seen, len(events), nil
}
