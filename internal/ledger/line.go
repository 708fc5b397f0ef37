package ledger

import (
	"slices"

	"cairn"
)

// A Sort says what was sold.
type Sort byte

// What is sold.
const (
	Recurring  Sort = iota
	Membership      // recurring, counted apart where one asks by type
	OneOff          // a sale that has no MRR
)

// A Status is what a source says of a line.
type Status byte

// The statuses. Unsaid goes by the dates alone.
const (
	Unsaid Status = iota
	Active
	Trialing
	Paused
	PastDue
	Unpaid // given up to collect
	Ended
)

// A Discount lowers what a line costs for a time.
type Discount struct {
	Percent int64     // thousandths of a percent, 100000 at most
	Off     int64     // minor units of each period, instead
	From    cairn.Day // 0: from the beginning
	Until   cairn.Day // the first day without it; 0: none
}

// Terms are what was said of a line, from one day on.
type Terms struct {
	From      cairn.Day
	Event     cairn.EventID
	Status    Status
	Amount    int64    // minor units of Currency for one Every, without tax, before discounts
	Every     Interval // what Amount is for
	Currency  string
	Usage     bool      // metered
	Start     cairn.Day // 0: not said, as with the other days
	End       cairn.Day // the first day that is not paid for any more
	Cancelled cairn.Day // notice was given, or the line cancelled
	Trial     cairn.Day // the first day after the trial
	Pause     cairn.Day
	Resume    cairn.Day
	Renews    cairn.Day
	Refunded  cairn.Day
	Lapses    bool     // it was said that it does not renew by itself
	Term      Interval // how long one is bound; zero: not said
	Discounts []Discount
}

// A Line is one subscription, with all that was ever said of its terms, in
// order.
type Line struct {
	Record  cairn.RecordID
	Account cairn.AccountID
	Sort    Sort
	Terms   []Terms
}

// A state is how a line counts on a day.
type state byte

const (
	gone state = iota
	free       // in force, for nothing
	held       // paused, as a customer
	paying
)

// A step is a change of what a line counts for, until the next step.
type step struct {
	day   cairn.Day
	minor int64 // of the ledger's currency
	rated int64 // of minor's change, what exchange rates did
	state state
	term  int32 // of Terms
	line  int32 // of the account
}

// A walker turns lines into steps. It is used again and again, so that a
// million lines need the memory of one.
type walker struct {
	policy *Policy
	rates  *Rates
	until  cairn.Day // the day after the last that is looked at
	steps  []step
	days   []cairn.Day
	last   exact           // what the line was worth at its latest paying step, in its own currency
	used   map[usedAt]Rate // which rates were used, where somebody asks; see [Deriver.Explain]
	blind  bool            // prices are not looked at
}

// walk appends the steps of a line. A line that cannot be priced has none, and
// the problem is returned.
func (w *walker) walk(l *Line, number int32) *Problem {
	begin := len(w.steps)
	late := cairn.Day(0) // the first day of the days past due that go on
	var was state
	for i := range l.Terms {
		t := &l.Terms[i]
		switch {
		case t.Status != PastDue:
			late = 0
		case late == 0:
			late = t.From
		}
		from, to := t.From, w.until
		if i == 0 {
			from = l.First()
		}
		if i+1 < len(l.Terms) {
			to = min(to, max(from, l.Terms[i+1].From))
		}
		over := w.over(l, i, late)
		if over != 0 && over < from {
			w.cut(begin, over, int32(i), number)
			was = gone
		}
		if problem := w.span(l, i, number, begin, from, to, over, was); problem != nil {
			w.steps = w.steps[:begin]
			return problem
		}
		if was = gone; len(w.steps) > begin {
			was = w.steps[len(w.steps)-1].state
		}
	}
	return nil
}

// First returns the day from which the first terms hold: that on which they
// were said, or an earlier one on which the line is said to have begun.
func (l *Line) First() cairn.Day {
	first := l.Terms[0].From
	for i := range l.Terms {
		if s := l.Terms[i].Start; s != 0 {
			first = min(first, s)
		}
	}
	return first
}

// over returns the day from which a line is over, by its i-th terms; 0 if
// they say of none. Who is past due since late may have been for too long.
func (w *walker) over(l *Line, i int, late cairn.Day) cairn.Day {
	t, p := &l.Terms[i], w.policy
	said := t.Cancelled
	if said != 0 && l.resumed(i) {
		said = 0
	}
	day := t.End
	sooner := func(d cairn.Day) {
		if d != 0 && (day == 0 || d < day) {
			day = d
		}
	}
	switch {
	case t.Status == Ended:
		sooner(w.ended(l, i))
	case said != 0 && t.Renews >= said:
		sooner(t.Renews)
	case said != 0 && day == 0:
		if day = said; t.Status != Unsaid || p.ChurnAt == WhenPeriodEnd {
			day = t.Every.next(t.Start, said)
		}
	case t.Lapses && t.Status != Ended:
		sooner(t.Renews)
	}
	if p.ChurnAt == WhenSaid {
		sooner(said)
	}
	if t.Refunded != 0 && (p.Refunds == RefundsEnd || p.Refunds == RefundsAnnual && t.Every.months() >= 12) {
		sooner(t.Refunded)
	}
	if late != 0 && p.PastDue != 0 {
		sooner(late + cairn.Day(max(p.PastDue, 0)))
	}
	return day
}

// ended returns on which day a line that is said to have ended did.
func (w *walker) ended(l *Line, i int) cairn.Day {
	first := i
	for first > 0 && l.Terms[first-1].Status == Ended {
		first--
	}
	t := &l.Terms[i]
	day := l.Terms[first].From
	if t.Cancelled != 0 && (first == 0 || l.Terms[first-1].Cancelled != t.Cancelled) {
		day = t.Cancelled // said together with its end, so that it is the day of it
	}
	if t.End != 0 {
		day = t.End
	}
	if w.policy.ChurnAt == WhenPeriodEnd && t.End == 0 {
		day = t.Every.next(t.Start, day)
	}
	return day
}

// resumed reports whether the i-th terms are of a line that had ended and
// goes on, of which an old notice still stands.
func (l *Line) resumed(i int) bool {
	if l.Terms[i].Status == Ended || l.Terms[i].Status == Unsaid {
		return false
	}
	for j := i - 1; j >= 0; j-- {
		if l.Terms[j].Status == Ended {
			return l.Terms[j].Cancelled == l.Terms[i].Cancelled
		}
	}
	return false
}

// cut takes back what was booked from a day on: the line had ended by then.
func (w *walker) cut(begin int, day cairn.Day, term, line int32) {
	n := len(w.steps)
	for n > begin && w.steps[n-1].day >= day {
		n--
	}
	w.steps = w.steps[:n]
	if n > begin && w.steps[n-1].state != gone && day < w.until {
		w.steps = append(w.steps, step{day: day, state: gone, term: term, line: line})
	}
}

// span appends the steps of one stretch of terms, from a day to before
// another.
func (w *walker) span(l *Line, i int, number int32, begin int, from, to, over cairn.Day, was state) *Problem {
	t := &l.Terms[i]
	start := t.Start
	if was != gone {
		start = 0 // a line that runs has begun, whatever its new term says
	}
	w.days = append(w.days[:0], from)
	mark := func(d cairn.Day) {
		if d > from && d < to {
			w.days = append(w.days, d)
		}
	}
	mark(start)
	mark(over)
	mark(t.Trial)
	mark(t.Pause)
	mark(t.Resume)
	for _, d := range t.Discounts {
		mark(d.From)
		mark(d.Until)
	}
	if w.policy.Rates == RateMonthly && t.Currency != w.rates.Home {
		for m := MonthOf(from) + 1; m.First() < to; m++ {
			mark(m.First())
		}
	}
	if len(w.days) > 1 {
		slices.Sort(w.days)
		w.days = slices.Compact(w.days)
	}
	if from >= to {
		return nil
	}
	for _, d := range w.days {
		s := step{day: d, term: int32(i), line: number}
		s.state = w.state(t, start, over, d)
		if s.state == paying && !w.blind {
			if problem := w.price(l, t, begin, &s); problem != nil {
				return problem
			}
			if s.minor == 0 {
				s.state = free
			}
		}
		w.push(begin, s)
	}
	return nil
}

// state says how a line counts on a day, were it not for its price.
func (w *walker) state(t *Terms, start, over, d cairn.Day) state {
	switch {
	case d < start, over != 0 && d >= over:
		return gone
	case t.Status == Ended && over == 0, t.Status == Unpaid, t.Status == Trialing, d < t.Trial:
		return gone
	case t.Usage && !w.policy.Usage:
		return gone
	case t.Status == Paused && (t.Resume == 0 || d < t.Resume), t.Pause != 0 && d >= t.Pause && (t.Resume == 0 || d < t.Resume || t.Resume < t.Pause):
		switch w.policy.Pause {
		case PauseChurn:
			return gone
		case PauseContraction:
			return held
		}
	}
	return paying
}

// push appends s if it changes anything.
func (w *walker) push(begin int, s step) {
	n := len(w.steps)
	switch {
	case n == begin:
		if s.state == gone {
			return
		}
	case w.steps[n-1].minor == s.minor && w.steps[n-1].state == s.state && s.rated == 0:
		return
	case w.steps[n-1].day == s.day:
		s.rated += w.steps[n-1].rated
		w.steps[n-1] = s
		return
	}
	w.steps = append(w.steps, s)
}

// price sets what a line is worth a month on the day of s: rounded once.
func (w *walker) price(l *Line, t *Terms, begin int, s *step) *Problem {
	e := exactly(t.Amount)
	for _, d := range t.Discounts {
		if !w.counts(t, d, s.day) {
			continue
		}
		if d.Off != 0 {
			e = e.less(d.Off)
		} else {
			e = e.times(100_000-d.Percent, 100_000)
		}
	}
	num, den := t.Every.perMonth()
	if t.Every.N == 0 {
		num, den = 1, 1
	}
	e = e.times(num, den)
	if t.Currency == w.rates.Home {
		s.minor, w.last = e.round(), e
		return nil
	}
	day := w.began(begin, s.day)
	if w.policy.Rates == RateMonthly {
		day = max(day, MonthOf(s.day).First())
	}
	r, ok := w.rates.On(t.Currency, day)
	if w.used != nil && ok {
		w.used[usedAt{l.Record, s.day}], _ = w.rates.said(t.Currency, day)
	}
	if !ok {
		return &Problem{Record: l.Record, Account: l.Account, Text: "There is no rate from " + t.Currency + " to " + w.rates.Home + " for " + day.String() + " or before."}
	}
	if n := len(w.steps); n > begin && w.steps[n-1].state == paying && l.Terms[w.steps[n-1].term].Currency == t.Currency {
		s.rated = r.convert(w.last) - w.steps[n-1].minor // what was paid before, at the rate of now
	}
	s.minor, w.last = r.convert(e), e
	return nil
}

// began returns the day on which the stint began that is going on.
func (w *walker) began(begin int, day cairn.Day) cairn.Day {
	for i := len(w.steps) - 1; i >= begin; i-- {
		if w.steps[i].state == gone {
			break
		}
		day = w.steps[i].day
	}
	return day
}

// counts reports whether a discount lowers MRR on a day.
func (w *walker) counts(t *Terms, d Discount, day cairn.Day) bool {
	if day < d.From || d.Until != 0 && day >= d.Until {
		return false
	}
	switch w.policy.Discounts {
	case NoDiscounts:
		return false
	case ForeverDiscounts:
		return d.Until == 0
	}
	return true
}
