package cairn

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"
)

// A Fact is what one source said about one field of one record at one time.
// A nil Value is a null: the source takes back what it said.
type Fact struct {
	Kind   EventKind
	Record RecordID
	Field  string
	Source string
	At     time.Time
	Seen   time.Time
	Event  EventID
	Value  json.RawMessage // nil clears
	Sealed bool            // the value is personal and was opened from its seal
}

// Later orders facts of one field and source: by At, then Seen, then event id.
func (f Fact) Later(g Fact) int {
	return cmp.Or(f.At.Compare(g.At), f.Seen.Compare(g.Seen), slices.Compare(f.Event.ID[:], g.Event.ID[:]))
}

// A Said is the value that is shown for a field, with who said so and when.
type Said struct {
	Value  json.RawMessage `json:"value"`
	Source string          `json:"source"`
	At     time.Time       `json:"at"`
	Seen   time.Time       `json:"seen"`
}

// A Record is how a contract, ticket, person … stood at a moment: of each
// field what is shown and who said it.
type Record struct {
	ID      RecordID        `json:"id"`
	Kind    EventKind       `json:"kind"`
	Key     string          `json:"key"` // as the source names it; empty when it is personal and sealed
	Account AccountID       `json:"account"`
	Person  PersonID        `json:"person"`
	First   time.Time       `json:"first"` // At of the first fact
	Last    time.Time       `json:"last"`  // At of the last
	Fields  map[string]Said `json:"fields"`
}

// Precedence is the stated order of sources: the first that has something to
// say is shown. Sources that are not listed come after, and among equals the
// latest At wins.
type Precedence []string

func (p Precedence) rank(source string) int {
	if i := slices.Index(p, source); i >= 0 {
		return i
	}
	return len(p)
}

// Choose returns the fields of one record as of moment t (zero: with all
// facts) out of the facts about it, in any order. Of each source the latest
// fact by (At, Seen, Event) counts, and one that clears says nothing; among
// the sources p decides. The result does not depend on the order of facts.
func (p Precedence) Choose(facts []Fact, t time.Time) map[string]Said {
	type key struct{ field, source string }
	latest := map[key]Fact{}
	for _, f := range facts {
		if !t.IsZero() && f.At.After(t) {
			continue
		}
		k := key{f.Field, f.Source}
		if g, ok := latest[k]; !ok || f.Later(g) > 0 {
			latest[k] = f
		}
	}
	out, from := map[string]Said{}, map[string]Fact{}
	for k, f := range latest {
		if f.Value == nil {
			continue
		}
		g, ok := from[k.field]
		if ok {
			c := cmp.Or(cmp.Compare(p.rank(g.Source), p.rank(f.Source)), f.Later(g))
			if c <= 0 {
				continue
			}
		}
		from[k.field] = f
		out[k.field] = Said{Value: f.Value, Source: f.Source, At: f.At, Seen: f.Seen}
	}
	return out
}

// Text returns a field as text, and "" when it is absent or not text.
// Numbers and booleans are written as JSON writes them.
func (r Record) Text(field string) string {
	v, ok := r.Fields[field]
	if !ok {
		return ""
	}
	var s string
	if json.Unmarshal(v.Value, &s) == nil {
		return s
	}
	switch string(v.Value) {
	case "null":
		return ""
	}
	if len(v.Value) > 0 && v.Value[0] != '{' && v.Value[0] != '[' {
		return string(v.Value)
	}
	return ""
}

// Number returns a field as a number. Text that holds a number counts.
func (r Record) Number(field string) (float64, bool) {
	v, ok := r.Fields[field]
	if !ok {
		return 0, false
	}
	return numberOf(v.Value)
}

func numberOf(raw json.RawMessage) (float64, bool) {
	var n json.Number
	if json.Unmarshal(raw, &n) != nil {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil
}

// Bool returns a field as a boolean; absent is false.
func (r Record) Bool(field string) bool {
	switch r.Text(field) {
	case "true", "yes", "1":
		return true
	}
	return false
}

// Time returns a field that holds RFC 3339 or a date (taken as UTC midnight).
func (r Record) Time(field string) (time.Time, bool) {
	s := r.Text(field)
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// Money returns a field that holds a decimal amount, such as 1204.5 or
// "1204.50", in the currency that the record's "currency" field names, or in
// fallback when it names none.
func (r Record) Money(field, fallback string) (Money, bool) {
	amount := r.Text(field)
	if amount == "" {
		return Money{}, false
	}
	currency := r.Text("currency")
	if currency == "" {
		currency = fallback
	}
	m, err := ParseMoney(amount, currency)
	return m, err == nil
}
