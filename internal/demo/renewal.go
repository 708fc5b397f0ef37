package demo

import (
	"fmt"

	"cairn"
)

// conditions are what the contract of a says beside its price: who has signed
// for a year is bound by it, and large customers have lawyers of their own.
func (t *teller) conditions() map[string]any {
	a, d := t.a, t.dice(t.a.n, renewalTheme, 0)
	if a.term == 1 {
		return map[string]any{"month_to_month": true, "term": "month", "notice_days": 14, "paper": "ours"}
	}
	out := map[string]any{"term": "year", "notice_days": 30 + 30*min(2, a.plan.rank()), "paper": "ours"}
	if a.plan.rank() >= 2 && d.chance(0.4) {
		out["paper"] = "customer"
		out["price_lock"] = date(months(a.since, 24))
	}
	return out
}

// When Quillmere's people say what they think of a renewal, in days before it.
const (
	firstCall  = 172
	secondCall = 84
)

// renewals are what they say of those that come up: half a year and a quarter
// before, of most. They hope more than they should.
func (t *teller) renewals() {
	a := t.a
	if a.term == 1 {
		return
	}
	begin := max(a.since, a.first(t.Company))
	for due := t.renewal(begin); due < t.horizon+firstCall; due = months(due, a.term) {
		d := t.dice(a.n, renewalTheme, int64(due))
		key := fmt.Sprintf("ren-%04d-%s", a.n, due)
		if d.chance(0.75) {
			t.call(due, workday(due-firstCall), key, "first", d)
		}
		if d.chance(0.8) {
			t.call(due, workday(due-secondCall), key, "second", d)
		}
		if a.gone(due) {
			return
		}
	}
}

// call is one word on a renewal: how likely they take it to be, and for some
// what is next.
func (t *teller) call(due, day cairn.Day, key, id string, d dice) {
	a := t.a
	hope := 55 + 45*a.feeling(day, t.Company) + d.in(-15, 15)
	fields := map[string]any{
		"contract": t.contractKey(), "due": date(due), "probability": int(min(max(hope, 10), 95)) / 5 * 5, "owner": a.csm,
	}
	if d.chance(0.3) {
		fields["forecast"], fields["currency"] = amount(a.mrr(day)*int64(85+5*d.IntN(4))/100), currency
	}
	if id == "second" && d.chance(0.7) {
		fields["next_step"], fields["next_step_due"] = d.pick(nextSteps), date(workday(due-cairn.Day(d.between(20, 60))))
	}
	second := d.office()
	if day < begun(a, t.Company) || a.gone(day) {
		return
	}
	t.tell("crm", day, second, key+"-"+id, t.patch(cairn.OfRenewal, key, fields))
}

// begun is the first day on which a renewal of a can be talked about.
func begun(a *customer, c *Company) cairn.Day { return max(a.since, a.first(c)) }

var nextSteps = []string{
	"Agree the price of the next year with whoever signs", "Show the sponsor what was reached this year", "Ask who decides, now that procurement is new",
	"Send the offer with the seats that are used", "Call the champion before the notice date", "Bring the open tickets to an end first",
}
