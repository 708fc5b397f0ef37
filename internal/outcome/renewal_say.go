package outcome

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// A Saying is what somebody says of a renewal. What is nil is left as it is;
// what is empty is taken back.
type Saying struct {
	Forecast    *string `json:"forecast,omitempty"`    // a month, decimal
	Probability *string `json:"probability,omitempty"` // percent
	Next        *string `json:"next_step,omitempty"`
	NextDue     *string `json:"next_step_due,omitempty"` // 2026-03-01
	Owner       *string `json:"owner,omitempty"`
	Outcome     *string `json:"outcome,omitempty"`
	Booked      *string `json:"booked,omitempty"` // a month, decimal
}

// A Patch is what is sent in at the front door to say something of a renewal.
type Patch struct {
	Key    string         // of the record
	Fields map[string]any // null takes back
	Before Saying         // what was said until now of what changes: the way back
}

// longestStep is how long a next step may be.
const longestStep = 300

// Say returns the patch that says something of a renewal, or what is wrong with
// it.
func (r *Renewal) Say(currency string, say Saying) (Patch, error) {
	p := Patch{Key: "renewal-" + r.Record.String() + "-" + r.Due.String(), Fields: map[string]any{
		"contract": r.Record.String(), "due": r.Due.String(), "amount": ledger.Decimal(r.Original, currency), "currency": currency,
	}}
	if err := say.check(r, currency); err != nil {
		return p, err
	}
	was := r.Saying(currency)
	set := func(field string, now, was *string, before **string, value func(string) any) {
		if now == nil {
			return
		}
		text := strings.TrimSpace(*now)
		*before = was
		p.Fields[field] = nil
		if text != "" {
			p.Fields[field] = value(text)
		}
	}
	text := func(s string) any { return s }
	set("forecast", say.Forecast, was.Forecast, &p.Before.Forecast, text)
	set("probability", say.Probability, was.Probability, &p.Before.Probability, func(s string) any {
		n, _ := strconv.Atoi(s) // it was checked
		return n
	})
	set("next_step", say.Next, was.Next, &p.Before.Next, text)
	set("next_step_due", say.NextDue, was.NextDue, &p.Before.NextDue, text)
	set("owner", say.Owner, was.Owner, &p.Before.Owner, func(s string) any { return strings.ToLower(s) })
	set("outcome", say.Outcome, was.Outcome, &p.Before.Outcome, text)
	set("booked", say.Booked, was.Booked, &p.Before.Booked, text)
	if say.Outcome != nil {
		if p.Fields["closed"] = nil; p.Fields["outcome"] != nil {
			p.Fields["closed"] = r.Day.String()
		}
	}
	return p, nil
}

// Saying is what people said of r until now, as forms show it; nothing is nil.
func (r *Renewal) Saying(currency string) Saying {
	h := r.Human
	text := func(s string) *string { return &s }
	amount := func(n *int64) *string {
		if n == nil {
			return text("")
		}
		return text(ledger.Decimal(*n, currency))
	}
	day := func(d cairn.Day) *string {
		if d == 0 {
			return text("")
		}
		return text(d.String())
	}
	out := Saying{
		Forecast: amount(h.Forecast), Probability: text(""), Next: text(h.Next), NextDue: day(h.NextDue),
		Owner: text(h.Owner), Outcome: text(h.Outcome), Booked: amount(h.Booked),
	}
	if h.Chance != nil {
		out.Probability = text(strconv.Itoa(int(*h.Chance*100 + 0.5)))
	}
	return out
}

// check says what is wrong.
func (say Saying) check(r *Renewal, currency string) error {
	said := func(s *string) string {
		if s == nil {
			return ""
		}
		return strings.TrimSpace(*s)
	}
	for field, text := range map[string]string{"forecast": said(say.Forecast), "booked": said(say.Booked)} {
		if text == "" {
			continue
		}
		if m, err := cairn.ParseMoney(text, currency); err != nil || m.Minor < 0 || strings.ContainsAny(text, "/eE") {
			return cairn.Errorf(cairn.Invalid, "%q is not an amount a month in %s: one such as 1204.50 is needed.", text, currency).At(field)
		}
	}
	if text := said(say.Probability); text != "" {
		if n, err := strconv.Atoi(text); err != nil || n < 0 || n > 100 {
			return cairn.Errorf(cairn.Invalid, "%q is not a probability: a whole number of percent from 0 to 100 is needed.", text).At("probability")
		}
	}
	if err := say.checkStep(r, said); err != nil {
		return err
	}
	if text := said(say.Owner); len(text) > 200 {
		return cairn.Errorf(cairn.Invalid, "An owner’s address has at most 200 characters.").At("owner")
	}
	return say.checkOutcome(r, currency, said)
}

// checkStep says what is wrong with the next step: it needs a day.
func (say Saying) checkStep(r *Renewal, said func(*string) string) error {
	next, due := r.Human.Next, ""
	if r.Human.NextDue != 0 {
		due = r.Human.NextDue.String()
	}
	if say.Next != nil {
		next = said(say.Next)
	}
	if say.NextDue != nil {
		due = said(say.NextDue)
	}
	_, err := time.Parse(time.DateOnly, due)
	switch {
	case say.Next == nil && say.NextDue == nil:
		return nil
	case len(next) > longestStep:
		return cairn.Errorf(cairn.Invalid, "A next step has at most %d characters.", longestStep).At("next_step")
	case due != "" && err != nil:
		return cairn.Errorf(cairn.Invalid, "%q is not a day: one such as 2026-03-01 is needed.", due).At("next_step_due")
	case next != "" && due == "":
		return cairn.Errorf(cairn.Invalid, "Say until when the next step is to be done.").At("next_step_due")
	case next == "" && due != "":
		return cairn.Errorf(cairn.Invalid, "Say what the next step is.").At("next_step")
	}
	return nil
}

// checkOutcome says what is wrong with how it ended: what was booked must fit.
func (say Saying) checkOutcome(r *Renewal, currency string, said func(*string) string) error {
	outcome := said(say.Outcome)
	if outcome == "" {
		return nil
	}
	if !slices.Contains(outcomes, outcome) {
		return cairn.Errorf(cairn.Invalid, "A renewal ends as %s.", strings.Join(outcomes, ", ")).At("outcome")
	}
	booked := said(say.Booked)
	amount, err := cairn.ParseMoney(booked, currency)
	original := ledger.Decimal(r.Original, currency)
	switch {
	case booked == "" && (outcome == Upsell || outcome == Downsell):
		return cairn.Errorf(cairn.Invalid, "Say what it pays a month from now on: before, it was %s.", original).At("booked")
	case booked == "" || err != nil:
		return nil
	case outcome == Upsell && amount.Minor <= r.Original, outcome == Downsell && (amount.Minor >= r.Original || amount.Minor == 0),
		outcome == Renewed && amount.Minor != r.Original, outcome == Loss && amount.Minor != 0:
		return cairn.Errorf(cairn.Invalid, "It paid %s a month before: with %s afterwards it ends as %s.", original, booked, outcomeOf(r.Original, amount.Minor)).At("booked")
	}
	return nil
}

// Changes returns what of say differs from what people said until now, and
// whether anything does.
func (r *Renewal) Changes(currency string, say Saying) (Saying, bool) {
	was, any := r.Saying(currency), false
	differs := func(now, was *string) *string {
		if now == nil || strings.EqualFold(strings.TrimSpace(*now), *was) {
			return nil
		}
		any = true
		return now
	}
	out := Saying{
		Forecast: differs(say.Forecast, was.Forecast), Probability: differs(say.Probability, was.Probability), Next: differs(say.Next, was.Next),
		NextDue: differs(say.NextDue, was.NextDue), Owner: differs(say.Owner, was.Owner), Outcome: differs(say.Outcome, was.Outcome), Booked: differs(say.Booked, was.Booked),
	}
	if any && out.Outcome == nil && out.Booked != nil {
		out.Outcome = say.Outcome // what is booked must fit it
	}
	return out, any
}
