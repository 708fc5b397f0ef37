package demo

import (
	"cairn"
	"cairn/internal/ingest"
)

// A fact is something about a customer that a source tells on one day. The
// record is made when it is told; all that it depends on is decided before.
type fact struct {
	source string
	day    cairn.Day // on which it happens
	second int
	late   int // days until it arrives
	id     string
	record func() ingest.Record
}

// A teller collects the facts of one customer.
type teller struct {
	*Company
	a     *customer
	facts []fact
}

// tell adds a fact, unless it lies outside the days that are told or the
// customer cannot be known yet.
func (t *teller) tell(source string, d cairn.Day, second int, id string, record func() ingest.Record) {
	t.tellLate(source, d, second, 0, id, record)
}

func (t *teller) tellLate(source string, d cairn.Day, second, late int, id string, record func() ingest.Record) {
	if d < t.a.first(t.Company) || d >= t.horizon {
		return
	}
	t.facts = append(t.facts, fact{source, d, second, late, source + "-" + t.a.key + "-" + id, record})
}

// patch makes the record of a patch of one of the customer's records.
func (t *teller) patch(k cairn.EventKind, record string, props map[string]any) func() ingest.Record {
	keys := cairn.Keys{Account: t.a.key, Record: record}
	return func() ingest.Record { return ingest.Record{Kind: k, Keys: keys, Props: props} }
}

// told delivers the facts about a that arrive on day d.
func (a *customer) told(c *Company, d cairn.Day) []delivery {
	if a.story == nil {
		a.story = c.tellStory(a)
	}
	var out []delivery
	for _, f := range a.story {
		if f.day+cairn.Day(f.late) != d {
			continue
		}
		r := f.record()
		r.ID, r.At = f.id, at(f.day, f.second)
		r.Stamp = r.At
		seen := arrives(f.source, d, f.second)
		if f.late > 0 {
			seen = at(d, rounds[f.source][0])
		}
		out = append(out, delivery{f.source, seen, r})
	}
	return out
}

// tellStory tells everything about a but the use of the product. What is told
// of the days up to a rescue does not depend on it.
func (c *Company) tellStory(a *customer) []fact {
	t := &teller{Company: c, a: a, facts: []fact{}}
	t.entry()
	t.staffing()
	t.ending()
	t.chances()
	t.contract()
	t.renewals()
	t.invoices()
	t.paying()
	t.tickets()
	t.surveys()
	t.talks()
	return t.facts
}
