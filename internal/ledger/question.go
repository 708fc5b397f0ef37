package ledger

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cairn"
)

// A Question is one on which policies differ.
type Question struct {
	Key     string   // the field of a policy, as its JSON has it
	Text    string   // what is asked; an answer completes it
	Answers []Answer // to choose from; none: a number is the answer
	Hint    string   // what numbers mean

	value func(Policy) string
	words func(Policy) string
	set   func(*Policy, string) error
}

// An Answer is one way to count.
type Answer struct{ Key, Text string }

// Value is the answer of p as [Question.Set] takes it.
func (q Question) Value(p Policy) string { return q.value(p) }

// Answer is the answer of p in words.
func (q Question) Answer(p Policy) string { return q.words(p) }

// Set has p answer in another way.
func (q Question) Set(p *Policy, value string) error { return q.set(p, strings.TrimSpace(value)) }

// take has p answer as other does.
func (q Question) take(p Policy, other Policy) Policy {
	q.set(&p, q.value(other)) // an answer of a policy can be set
	return p
}

func choice[T ~string](key, text string, of func(*Policy) *T, answers ...Answer) Question {
	q := Question{Key: key, Text: text, Answers: answers}
	q.value = func(p Policy) string { return string(*of(&p)) }
	q.words = func(p Policy) string {
		for _, a := range answers {
			if a.Key == q.value(p) {
				return a.Text
			}
		}
		return q.value(p)
	}
	q.set = func(p *Policy, value string) error {
		if !slices.ContainsFunc(answers, func(a Answer) bool { return a.Key == value }) {
			return cairn.Errorf(cairn.Invalid, "%q is no answer to: %s …", value, text).At(key)
		}
		*of(p) = T(value)
		return nil
	}
	return q
}

func days(key, text, hint string, of func(*Policy) *int, words func(int) string) Question {
	return Question{
		Key: key, Text: text, Hint: hint,
		value: func(p Policy) string { return strconv.Itoa(*of(&p)) },
		words: func(p Policy) string { return words(*of(&p)) },
		set: func(p *Policy, value string) error {
			n, err := strconv.Atoi(value)
			if err != nil {
				return cairn.Errorf(cairn.Invalid, "%q is not a number of days: %s.", value, hint).At(key)
			}
			*of(p) = n
			return nil
		},
	}
}

// Questions are all on which policies differ, in the order in which they are
// best read.
var Questions = []Question{
	choice("netting", "One movement is all that changed in", func(p *Policy) *Netting { return &p.Netting },
		Answer{string(ByDay), "a day"}, Answer{string(ByMonth), "a month: its ends are compared"}),
	choice("discounts", "Discounts that lower MRR", func(p *Policy) *Discounts { return &p.Discounts },
		Answer{string(AllDiscounts), "all"}, Answer{string(ForeverDiscounts), "those for ever"}, Answer{string(NoDiscounts), "none"}),
	days("past_due_days", "Past due", "0 counts until it is cancelled, −1 is churn at once, another number is churn after so many days", func(p *Policy) *int { return &p.PastDue },
		func(n int) string {
			switch {
			case n > 0:
				return fmt.Sprintf("churn after %d days", n)
			case n < 0:
				return "churn at once"
			}
			return "counts until cancelled"
		}),
	choice("churn_at", "Churn is booked when", func(p *Policy) *ChurnAt { return &p.ChurnAt },
		Answer{string(WhenEnded), "the subscription ends"}, Answer{string(WhenPeriodEnd), "the paid period is over"}, Answer{string(WhenSaid), "notice is given"}),
	choice("second_subscription", "A further subscription is", func(p *Policy) *Second { return &p.Second },
		Answer{string(SecondExpansion), "expansion"}, Answer{string(SecondNew), "new"}),
	choice("same_month", "Come and gone within a month", func(p *Policy) *SameMonth { return &p.SameMonth },
		Answer{string(SameMonthBoth), "new and churn"}, Answer{string(SameMonthIgnored), "nothing"}),
	days("reactivation_days", "Who comes back is", "0 is reactivated always, −1 is always new, another number is reactivated within so many days", func(p *Policy) *int { return &p.Return },
		func(n int) string {
			switch {
			case n > 0:
				return fmt.Sprintf("reactivated within %d days, then new", n)
			case n < 0:
				return "new"
			}
			return "reactivated"
		}),
	choice("refunds", "A refund", func(p *Policy) *Refunds { return &p.Refunds },
		Answer{string(RefundsIgnored), "is ignored"}, Answer{string(RefundsAnnual), "of a yearly plan ends it"}, Answer{string(RefundsEnd), "ends the subscription"}),
	choice("pause", "A pause is", func(p *Policy) *Pause { return &p.Pause },
		Answer{string(PauseContraction), "contraction to nothing"}, Answer{string(PauseChurn), "churn"}, Answer{string(PauseKeep), "nothing: MRR goes on"}),
	choice("free_downgrade", "Who pays nothing any more, and stays, is", func(p *Policy) *Free { return &p.Free },
		Answer{string(FreeChurn), "churn"}, Answer{string(FreeContraction), "contraction"}),
	usage(),
	choice("rates", "Exchange rate", func(p *Policy) *RatesPolicy { return &p.Rates },
		Answer{string(RateFixed), "of the line's beginning"}, Answer{string(RateMonthly), "of each month, its effect apart"}),
}

func usage() Question {
	q := Question{Key: "usage", Text: "Metered usage", Answers: []Answer{{"false", "is left out"}, {"true", "counts"}}}
	q.value = func(p Policy) string { return strconv.FormatBool(p.Usage) }
	q.words = func(p Policy) string {
		if p.Usage {
			return "counts"
		}
		return "is left out"
	}
	q.set = func(p *Policy, value string) (err error) {
		if p.Usage, err = strconv.ParseBool(value); err != nil {
			return cairn.Errorf(cairn.Invalid, "Metered usage counts (true) or is left out (false).").At("usage")
		}
		return nil
	}
	return q
}

// Differ returns the questions that two policies answer in different ways.
func Differ(a, b Policy) []Question {
	return slices.DeleteFunc(slices.Clone(Questions), func(q Question) bool { return q.value(a) == q.value(b) })
}

// Decides returns those questions that make the movements of a customer differ
// between two policies in the months from and to: those of which the answer of
// b alone changes what a tells or the answer of a alone what b tells. When only
// several together do, it is all on which they differ.
func Decides(a, b Policy, rates *Rates, last cairn.Day, lines []Line, from, to Month) []Question {
	told := func(p Policy) string {
		var r Result
		NewDeriver(p, rates, last).Derive(lines, &r)
		return r.told(from, to)
	}
	x, y := told(a), told(b)
	if x == y {
		return nil
	}
	var out []Question
	for _, q := range Differ(a, b) {
		if told(q.take(a, b)) != x || told(q.take(b, a)) != y {
			out = append(out, q)
		}
	}
	if len(out) == 0 {
		return Differ(a, b)
	}
	return out
}

// told writes the movements of some months, month by month.
func (r *Result) told(from, to Month) string {
	var b strings.Builder
	for _, m := range r.Movements {
		if month := MonthOf(m.Day); month >= from && month <= to {
			fmt.Fprintf(&b, "%v %s %d;", month, m.Kind, m.Amount)
		}
	}
	return b.String()
}
