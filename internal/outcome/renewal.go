package outcome

import (
	"cairn"
	"cairn/internal/forecast"
	"cairn/internal/ledger"
)

// How a renewal may end.
const (
	Renewed  = "renewal"  // for what it paid
	Upsell   = "upsell"   // for more: a renewal with upsell
	Downsell = "downsell" // for less: a renewal with downsell
	Loss     = "loss"
)

// outcomes are all of them.
var outcomes = []string{Renewed, Upsell, Downsell, Loss}

// A Renewal is one contract that comes up, or came up, as of a moment. Amounts
// are a month, in minor units of the currency of its board.
type Renewal struct {
	ledger.Renewal
	Day      cairn.Day // as of which it is told
	Contract string    // how its source names it; empty: it does not
	Owner    string    // who looks after it: said of it, else of its account
	Product  string
	Paper    string    // whose contract it is: ours, customer; empty: not told
	Lock     cairn.Day // until when its price is fixed; 0: not told
	By       cairn.Day // the last day for notice; 0: not told
	AutoSaid bool      // whether it renews by itself was told
	Name     string    // of the account
	Customer cairn.Account
	Trait    string // of the account, where one was asked for

	Estimate forecast.Estimate // of the model; while it is open
	Human    Human             // what people said
}

// A Human is what people said of a renewal.
type Human struct {
	Chance   *float64 // how likely it is
	Forecast *int64   // what it will pay a month, if it renews; without Chance what they expect
	Said     cairn.Day
	Next     string // the next step
	NextDue  cairn.Day
	Owner    string
	Outcome  string // empty: not said
	Booked   *int64
	Closed   cairn.Day
}

// Contracts returns how it ended by what contracts say, and what it pays then;
// nothing while it is open.
func (r *Renewal) Contracts() (outcome string, booked int64) {
	switch {
	case r.Open:
		return "", 0
	case !r.Kept():
		return Loss, 0
	}
	return outcomeOf(r.Original, r.Booked), r.Booked
}

func outcomeOf(original, booked int64) string {
	switch {
	case booked == 0:
		return Loss
	case booked > original:
		return Upsell
	case booked < original:
		return Downsell
	}
	return Renewed
}

// said returns how it ended by what people say.
func (r *Renewal) said() (outcome string, booked int64) {
	switch {
	case r.Human.Outcome == "", r.Human.Outcome == Loss:
		return r.Human.Outcome, 0
	case r.Human.Booked != nil:
		return r.Human.Outcome, *r.Human.Booked
	}
	return r.Human.Outcome, r.Original
}

// Outcome returns how it ended, and what it pays a month then; nothing while it
// is open. What contracts say counts, since it is what revenue is made of; what
// people say counts until contracts say something.
func (r *Renewal) Outcome() (outcome string, booked int64) {
	if outcome, booked = r.Contracts(); outcome != "" {
		return outcome, booked
	}
	return r.said()
}

// Closed reports whether it has ended one way or the other.
func (r *Renewal) Closed() bool {
	outcome, _ := r.Outcome()
	return outcome != ""
}

// Base returns what of what it paid goes on being paid: what was sold to it is
// no part of the renewal.
func (r *Renewal) Base() int64 {
	_, booked := r.Outcome()
	return min(booked, r.Original)
}

// Contradicted reports whether people say something else than contracts do.
func (r *Renewal) Contradicted() bool {
	said, amount := r.said()
	told, booked := r.Contracts()
	return said != "" && told != "" && (said != told || r.Human.Booked != nil && amount != booked)
}

// HumanChance returns how likely people take it to be: what they said, else
// what share of it they expect.
func (r *Renewal) HumanChance() (float64, bool) {
	switch {
	case r.Human.Chance != nil:
		return *r.Human.Chance, true
	case r.Human.Forecast != nil && r.Original > 0:
		return min(1, float64(*r.Human.Forecast)/float64(r.Original)), true
	}
	return 0, false
}

// HumanExpects returns what people expect of what it pays.
func (r *Renewal) HumanExpects() (int64, bool) {
	p, ok := r.HumanChance()
	if !ok {
		return 0, false
	}
	amount := r.Original
	if r.Human.Chance != nil && r.Human.Forecast != nil {
		amount = min(amount, *r.Human.Forecast)
	}
	return share(amount, p), true
}

func share(amount int64, p float64) int64 { return int64(float64(amount)*p + 0.5) }

// Disagreement returns by how much people take it for more likely than the
// model does; 0 where one of the two says nothing, or it is closed.
func (r *Renewal) Disagreement() float64 {
	p, ok := r.HumanChance()
	if !ok || !r.Estimate.Known || r.Closed() {
		return 0
	}
	return p - r.Estimate.Chance
}

// Differs reports whether people and model differ by more than the model's
// interval allows.
func (r *Renewal) Differs() bool {
	p, _ := r.HumanChance()
	return r.Disagreement() != 0 && (p < r.Estimate.Low || p > r.Estimate.High)
}

// Days returns in how many days it comes up.
func (r *Renewal) Days() int { return int(r.Due - r.Day) }

// When people have their say at the latest: half a year before, and a quarter
// before, when there must be a plan too.
const (
	firstCall  = 180
	secondCall = 90
)

// Needs says what is missing: "call", what people think of it, or think of it
// by now; "plan", a next step; empty: nothing.
func (r *Renewal) Needs() string {
	late := func(days int) bool { return r.Days() <= days && r.Human.Said < r.Due-cairn.Day(days) }
	switch {
	case r.Closed():
		return ""
	case late(firstCall), late(secondCall):
		return "call"
	case r.Days() <= secondCall && r.Human.NextDue == 0:
		return "plan"
	}
	return ""
}

// Unheard reports whether the last day for notice has passed and nobody has
// said anything since: neither the customer nor people here.
func (r *Renewal) Unheard() bool {
	return r.By != 0 && r.By < r.Day && !r.Closed() && !r.Renewal.Notice(r.Day) && r.Human.Said <= r.By
}

// traits are what makes a renewal comparable.
func traits(r *ledger.Renewal, product string) forecast.Traits {
	return forecast.Traits{Months: r.Months, Tenure: (int32(r.Due-r.Begun)*12 + 182) / 365, Auto: r.Auto, Amount: r.Original, Product: product}
}

// caseOf is what became of a renewal that is not open.
func caseOf(r *ledger.Renewal, product string) forecast.Case {
	before := func(day cairn.Day) int32 {
		if day == 0 {
			return -1
		}
		return max(0, int32(r.Due-day))
	}
	return forecast.Case{
		Traits: traits(r, product), Term: int32(r.Due - r.From), Kept: r.Kept(), Ended: max(0, before(r.Ended)),
		Noticed: before(r.Noticed), Back: before(r.Back), Booked: r.Booked,
	}
}
