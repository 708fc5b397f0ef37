package signal

import (
	"cairn"
)

// untrait are fields of accounts that are no traits: they name somebody, or
// are measured in another way.
var untrait = map[string]bool{"name": true, "domain": true, "owner": true, "created_at": true, "card_expires": true}

func (m *measurement) account() {
	begun, known := m.state.First, !m.state.First.IsZero() && !m.state.First.After(m.t)
	day := cairn.DayOf(begun, m.settings.Zone)
	m.records(cairn.OfAccount, func(r *record) {
		if v, ok := r.time("created_at", m.t); ok && m.dayOf(v) <= m.day {
			begun, day, known = v.at, m.dayOf(v), true
		}
		m.traits(r)
	})
	if !known {
		m.missing("Nothing was known of the account.", Tenure)
		return
	}
	m.number(Tenure, m.since(day), begun)
}

func (m *measurement) traits(r *record) {
	for _, f := range r.fields {
		v, ok := f.at(m.t)
		if !ok || untrait[f.name] {
			continue
		}
		name := traitPrefix + f.name
		s := cairn.Signal{Name: name, Known: true, Fresh: v.at, Text: v.text}
		if v.isNum {
			s.Number, s.Text = v.number, ""
		}
		m.out[name] = s
	}
}
