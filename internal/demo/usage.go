package demo

import (
	"fmt"
	"math"

	"cairn"
	"cairn/internal/ingest"
)

// What people do in Quillmere's product. The first do it from the beginning;
// the others are found by customers who come far.
var basics = []string{
	"Shift Planned", "Shift Planned", "Shift Planned", "Schedule Published", "Shift Swapped", "Absence Requested",
	"Absence Approved", "Timesheet Approved", "Timesheet Approved", "Report Created",
}

var advanced = []string{"Forecast Created", "Rule Changed", "Integration Synced", "Template Shared", "Budget Checked"}

var pages = []string{"/plan", "/plan/week", "/people", "/timesheets", "/reports", "/settings/rules", "/help/breaks"}

// liveliness tunes how much happens in all: with 200 accounts and 18 months it
// makes about 320,000 events of the product.
const liveliness = 0.62

// usage tells what the people of a did in the product on day d, as far as it
// arrives on that day.
func (c *Company) usage(a *customer, d cairn.Day) []delivery {
	intensity := a.intensity(d, c)
	if intensity <= 0 {
		return nil
	}
	roll := c.dice(a.n, usageTheme, int64(d))
	var out []delivery
	for _, p := range a.people {
		if !p.here(d) || !roll.chance(min(p.likely*intensity, 0.97)) {
			continue
		}
		out = c.session(out, a, p, d, roll)
	}
	return out
}

// intensity is how likely the people of a are to be seen on day d, compared
// with an ordinary day on which all is well.
func (a *customer) intensity(d cairn.Day, c *Company) float64 {
	week := c.dice(a.n, weekTheme, int64(d+4)/7)
	return liveliness * a.health(d, c) * a.use * rhythm(d) * week.in(0.85, 1.15)
}

// session appends what one person does on a day.
func (c *Company) session(out []delivery, a *customer, p person, d cairn.Day, roll dice) []delivery {
	second := roll.office()
	say := func(name string, props map[string]any) {
		r := ingest.Record{
			Kind: cairn.Track, Name: name, ID: fmt.Sprintf("ev-%s-%d-%d", p.key, d, len(out)),
			At: at(d, second), Keys: cairn.Keys{Account: a.key, Person: p.key}, Props: props,
		}
		r.Stamp = r.At
		out = append(out, delivery{"product", arrives("product", d, second), r})
		second = min(second+roll.between(20, 2400), 86380)
	}
	if roll.chance(0.2) {
		say("Signed In", nil)
	}
	if roll.chance(0.2) {
		say("Page Viewed", map[string]any{"path": roll.pick(pages)})
	}
	for n := 1 + roll.poisson(0.85*min(1.2, a.health(d, c))); n > 0; n-- {
		say(a.deed(c, d, roll))
	}
	return out
}

// deed is one thing done with the product, with its properties.
func (a *customer) deed(c *Company, d cairn.Day, roll dice) (string, map[string]any) {
	if d > a.lost-25 && a.troubled(d) && roll.chance(0.15) {
		return "Data Exported", map[string]any{"format": "csv"}
	}
	if d < a.since+40 && a.cause != BadHandOff && roll.chance(0.12) {
		return "Training Completed", map[string]any{"lesson": roll.between(1, 9)}
	}
	if roll.chance(0.03) {
		return "Help Article Read", map[string]any{"article": roll.between(100, 160)}
	}
	if roll.chance(a.depth(d)) {
		return roll.pick(advanced), map[string]any{"sites": roll.between(1, 6)}
	}
	name := roll.pick(basics)
	switch name {
	case "Shift Planned":
		return name, map[string]any{"shifts": roll.between(1, 40)}
	case "Timesheet Approved":
		return name, map[string]any{"hours": roll.between(10, 400)}
	}
	return name, nil
}

// depth is the share of advanced features in what a does.
func (a *customer) depth(d cairn.Day) float64 {
	most := 0.16
	switch {
	case a.cause.Grows():
		most = 0.34
	case a.cause == LowAdoption, a.cause == BadFit, a.cause == BadHandOff:
		most = 0.04
	}
	return most * smooth(float64(d-a.since)/150)
}

// lateUsage tells what happened on the day before and arrives only today:
// from phones that had no network.
func (c *Company) lateUsage(a *customer, d cairn.Day) []delivery {
	yesterday := d - 1
	if yesterday < c.start || a.gone(yesterday) {
		return nil
	}
	roll := c.dice(a.n, lateTheme, int64(d))
	if !roll.chance(math.Min(0.1*a.intensity(yesterday, c), 0.1)) {
		return nil
	}
	p, ok := a.who("user", yesterday)
	if !ok {
		return nil
	}
	second := 17*3600 + roll.IntN(6*3600)
	r := ingest.Record{
		Kind: cairn.Track, Name: "Shift Swapped", ID: fmt.Sprintf("ev-%s-%d-m", p.key, yesterday),
		At: at(yesterday, second), Keys: cairn.Keys{Account: a.key, Person: p.key},
		Props: map[string]any{"device": "phone"},
	}
	r.Stamp = r.At
	return []delivery{{"product", at(d, rounds["product"][0]), r}}
}
