package demo

import (
	"fmt"

	"cairn"
	"cairn/internal/ingest"
)

// faultID begins the ids of records that are wrong on purpose.
const faultID = "fault-"

// faults are records that a door refuses: senders make mistakes too.
func (c *Company) faults(d cairn.Day) []delivery {
	roll := c.dice(-1, faultTheme, int64(d))
	var out []delivery
	add := func(source string, r ingest.Record) {
		second := roll.office()
		r.ID, r.At = fmt.Sprintf("%s%s-%d", faultID, source, d), at(d, second)
		r.Stamp = r.At
		out = append(out, delivery{source, arrives(source, d, second), r})
	}
	if len(c.customers) == 0 {
		return nil
	}
	a := c.customers[roll.IntN(len(c.customers))]
	if roll.chance(0.05) { // a release of the app forgot the name of the event
		add("product", ingest.Record{Kind: cairn.Track, Keys: cairn.Keys{Account: a.key}})
	}
	if roll.chance(0.02) { // an invoice without its number
		add("billing", ingest.Record{Kind: cairn.OfInvoice, Keys: cairn.Keys{Account: a.key},
			Props: map[string]any{"amount": "120.00", "currency": "EUR"}})
	}
	if roll.chance(0.015) { // a contact whom the CRM lost the number of
		add("crm", ingest.Record{Kind: cairn.OfPerson, Keys: cairn.Keys{Account: a.key},
			Props: map[string]any{"title": "Team Lead"}})
	}
	return out
}

// redeliver repeats some records in a later batch of the same source, as a
// sender does that missed our answer.
func (c *Company) redeliver(d cairn.Day, batches []Batch) []Batch {
	roll := c.dice(-1, faultTheme, int64(d)<<1|1<<40)
	if len(batches) < 2 || !roll.chance(0.18) {
		return batches
	}
	from := roll.IntN(len(batches) - 1)
	for i := from + 1; i < len(batches); i++ {
		if batches[i].Source != batches[from].Source {
			continue
		}
		records := batches[from].Records
		for n := min(len(records), roll.between(1, 6)); n > 0; n-- {
			batches[i].put(records[len(records)-n])
		}
		break
	}
	return batches
}
