package signal

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// A record is what was stated of one contract, ticket, person … over time.
type record struct {
	id     cairn.RecordID
	first  time.Time // At of the first fact
	fields []field
	facts  []cairn.Fact    // of a contract
	ledger *ledger.History // of a contract, once it was asked for
}

// A field is one field's shown value over time, oldest first.
type field struct {
	name     string
	versions []version
}

// A version is what was shown of a field from since on, read in every way that
// signals need.
type version struct {
	since  time.Time // shown from then on
	at     time.Time // when its source said so, which may be earlier
	known  bool      // false: cleared
	text   string
	number float64
	isNum  bool
	when   time.Time // of a date or time
	isDate bool      // a date without a time of day
}

// recordsOf builds the records of all kinds, and per kind the sorted times of
// the facts.
func recordsOf(facts []cairn.Fact, p cairn.Precedence) (map[cairn.EventKind][]*record, map[cairn.EventKind][]time.Time) {
	sorted := sortedFacts(slices.DeleteFunc(slices.Clone(facts), func(f cairn.Fact) bool {
		return f.Sealed || f.Kind == cairn.OfTask // tasks are ours: no signal looks at them
	}))
	records, times := map[cairn.EventKind][]*record{}, map[cairn.EventKind][]time.Time{}
	for len(sorted) > 0 {
		kind, id, name := sorted[0].Kind, sorted[0].Record, sorted[0].Field
		n := 1
		for n < len(sorted) && sorted[n].Kind == kind && sorted[n].Record == id && sorted[n].Field == name {
			n++
		}
		of := records[kind]
		if len(of) == 0 || of[len(of)-1].id != id {
			of = append(of, &record{id: id, first: sorted[0].At})
			records[kind] = of
		}
		r := of[len(of)-1]
		for _, f := range sorted[:n] {
			times[kind] = append(times[kind], f.At)
			if f.At.Before(r.first) {
				r.first = f.At
			}
		}
		r.fields = append(r.fields, field{name, versionsOf(sorted[:n], p)})
		if kind == cairn.OfContract {
			r.facts = append(r.facts, sorted[:n]...)
		}
		sorted = sorted[n:]
	}
	for _, t := range times {
		slices.SortFunc(t, time.Time.Compare)
	}
	return records, times
}

// versionsOf returns what is shown of one field at each moment at which a
// source said something about it.
func versionsOf(facts []cairn.Fact, p cairn.Precedence) []version {
	facts = slices.Clone(facts)
	slices.SortFunc(facts, cairn.Fact.Later)
	var latest []cairn.Fact // one of each source
	out := make([]version, 0, len(facts))
	for i, f := range facts {
		latest = slices.DeleteFunc(latest, func(g cairn.Fact) bool { return g.Source == f.Source })
		latest = append(latest, f)
		if i+1 < len(facts) && facts[i+1].At.Equal(f.At) {
			continue
		}
		shown := f
		if len(latest) > 1 || f.Value == nil {
			said := p.Choose(latest, time.Time{})[f.Field]
			shown.At, shown.Value = said.At, said.Value
		}
		v := versionOf(shown.Value)
		v.since, v.at = f.At, shown.At
		out = append(out, v)
	}
	return out
}

func versionOf(raw json.RawMessage) version {
	if len(raw) == 0 || string(raw) == "null" {
		return version{}
	}
	v := version{known: true, text: string(raw)}
	switch raw[0] {
	case '"':
		if json.Unmarshal(raw, &v.text) != nil {
			return version{}
		}
	case '{', '[':
		return version{}
	}
	v.text = strings.TrimSpace(v.text)
	if v.text == "" {
		return version{}
	}
	v.read()
	return v
}

func (v *version) read() {
	if c := v.text[0]; c == '-' || c == '.' || c >= '0' && c <= '9' {
		n, err := strconv.ParseFloat(v.text, 64)
		v.number, v.isNum = n, err == nil && !math.IsInf(n, 0) && !math.IsNaN(n)
	}
	if len(v.text) < len(time.DateOnly) || v.text[4] != '-' {
		return
	}
	if t, err := time.Parse(time.DateOnly, v.text); err == nil {
		v.when, v.isDate = t, true
	} else if t, err := time.Parse(time.RFC3339Nano, v.text); err == nil {
		v.when = t.UTC()
	}
}

// at returns what was shown of a field at t; the second result is false when
// there was nothing.
func (r *record) at(name string, t time.Time) (version, bool) {
	for i := range r.fields {
		if r.fields[i].name == name {
			return r.fields[i].at(t)
		}
	}
	return version{}, false
}

func (f *field) at(t time.Time) (version, bool) {
	for i := len(f.versions) - 1; i >= 0; i-- {
		if !f.versions[i].since.After(t) {
			return f.versions[i], f.versions[i].known
		}
	}
	return version{}, false
}

func (r *record) text(name string, t time.Time) string {
	v, _ := r.at(name, t)
	return strings.ToLower(v.text)
}

func (r *record) truth(name string, t time.Time) bool {
	switch r.text(name, t) {
	case "true", "yes", "1":
		return true
	}
	return false
}

func (r *record) number(name string, t time.Time) (float64, bool) {
	v, ok := r.at(name, t)
	return v.number, ok && v.isNum
}

func (r *record) time(name string, t time.Time) (version, bool) {
	v, ok := r.at(name, t)
	return v, ok && !v.when.IsZero()
}
