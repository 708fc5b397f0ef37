package ledger

import (
	"slices"

	"cairn"
)

// A Renewal is one day on which a line comes up: a term of it is over, and it
// goes on or does not. What it is worth is what the line pays when it comes up;
// whatever it pays beyond that afterwards was sold to it.
type Renewal struct {
	Record   cairn.RecordID
	Account  cairn.AccountID
	Due      cairn.Day
	Begun    cairn.Day // when the line began
	From     cairn.Day // when the term began that is over on Due
	Months   int32     // how long that term is
	Auto     bool      // by what was said when that term began, it renews by itself
	Noticed  cairn.Day // when notice was given in that term; 0: it was not
	Back     cairn.Day // when notice was taken back; 0: it was not
	Settled  cairn.Day // on which a later day of renewal was told; 0: none was
	Ended    cairn.Day // when the line ended, on Due or before; 0: it did not
	Original int64     // MRR when it came up, or comes up by what is said; minor units
	Booked   int64     // MRR afterwards; 0 while it is open
	Open     bool      // it has not come up yet, and nothing is told of it
}

// Kept reports whether the line goes on.
func (r *Renewal) Kept() bool { return !r.Open && r.Ended == 0 }

// Notice reports whether notice stands at the end of a day.
func (r *Renewal) Notice(day cairn.Day) bool {
	return r.Noticed != 0 && r.Noticed <= day && (r.Back == 0 || r.Back > day)
}

// Loose is what became of a line from month to month, where renewal and
// retention are the same.
type Loose struct {
	Kept int       // months at whose end the line went on
	Lost int       // months in which it ended
	Next cairn.Day // when the month is over that is going on; 0: the line is not loose now
	MRR  int64     // while it is loose
}

// How far what is said of a renewal may lie from its day.
const (
	early = 183 // a later day of renewal that is told sooner is a correction
	late  = 45  // and one that is told later is another renewal
)

// Renewals appends the renewals of a line to out: all that came up until today
// and the next one, by what was said of its terms. A term of a month or less is
// no renewal, and counts in Loose. The deriver must look ahead as far as terms
// are long; see [NewDeriver].
//
// A line comes up when it renews or ends, else whenever its term is over. It
// is kept if it goes on under the policy, on that day or on the one on which a
// later day of renewal is told, within 45 days of it.
func (d *Deriver) Renewals(l *Line, today cairn.Day, out []Renewal) ([]Renewal, Loose, *Problem) {
	d.steps = d.steps[:0]
	if l.Sort == OneOff || len(l.Terms) == 0 {
		return out, Loose{}, nil
	}
	if problem := d.walk(l, 0); problem != nil {
		return out, Loose{}, problem
	}
	var loose Loose
	from, ok := d.goesOn(0)
	begun := from
	for ok && from <= today {
		r := d.renewal(l, begun, from, today)
		if r.Due <= from {
			break // bound to nothing
		}
		switch {
		case r.Months > 1:
			if r.Original > 0 {
				out = append(out, r)
			}
		case r.Open:
			loose.Next, loose.MRR = r.Due, r.Original
		case r.Ended != 0:
			loose.Lost++
		default:
			loose.Kept++
		}
		if r.Open {
			break
		}
		if from = r.Due; r.Ended != 0 {
			from, ok = d.goesOn(max(r.Due, r.Ended+1))
		}
	}
	return out, loose, nil
}

// goesOn returns the first day from which on the line is in force.
func (d *Deriver) goesOn(from cairn.Day) (cairn.Day, bool) {
	for i, s := range d.steps {
		over := i+1 < len(d.steps) && d.steps[i+1].day <= from
		if s.state != gone && !over {
			return max(s.day, from), true
		}
	}
	return 0, false
}

// renewal tells of the term that began on a day.
func (d *Deriver) renewal(l *Line, begun, from, today cairn.Day) Renewal {
	i := l.inForce(from)
	r := Renewal{Record: l.Record, Account: l.Account, Begun: begun, From: from, Auto: !l.Terms[i].Lapses}
	r.Due = l.due(i, from)
	d.told(l, i, &r)
	j := l.inForce(max(from, r.Due-1))
	if r.Months = between(from, r.Due); l.Terms[j].Term.months() > 0 {
		term := l.Terms[j].Term
		r.Months, r.From = term.months(), max(from, term.times(r.Due, -1)) // terms before it were not told
	}
	r.Noticed, r.Back = l.noticed(r.From, min(r.Due, today))
	d.settle(&r, today)
	return r
}

// told goes through what was said after the term began: of when it is over,
// and of when the next one is.
func (d *Deriver) told(l *Line, i int, r *Renewal) {
	for j := i + 1; j < len(l.Terms); j++ {
		said := l.Terms[j].From
		if r.Due == 0 || said > r.Due+late {
			return
		}
		switch due := l.due(j, r.From); {
		case due == 0, due == r.Due, said > r.Due && due < r.Due:
		case due > r.Due && said >= r.Due-min(early, (r.Due-r.From)/2) && l.Terms[j].Renews == due:
			r.Settled = said
			return
		case said <= r.Due:
			r.Due = due
		}
	}
}

// settle says what became of a renewal by today.
func (d *Deriver) settle(r *Renewal, today cairn.Day) {
	came := r.Due
	if r.Settled != 0 {
		came = min(came, r.Settled)
	}
	if end, over := d.ends(r.From, max(r.Due, r.Settled)); over && end <= today {
		r.Ended = end
		r.Original = d.worth(min(came, end) - 1)
		return
	}
	r.Original = d.worth(came - 1)
	if r.Open = r.Due > today && r.Settled == 0; !r.Open {
		r.Booked = d.worth(max(r.Due, r.Settled))
	}
}

// ends returns when the line ended that is gone on a day, after it was in force
// on another.
func (d *Deriver) ends(from, on cairn.Day) (end cairn.Day, over bool) {
	for _, s := range d.steps {
		if s.day > on {
			break
		}
		switch {
		case s.state != gone:
			over = false
		case !over && s.day > from:
			end, over = s.day, true
		}
	}
	return end, over
}

// worth returns what the line pays a month on a day.
func (d *Deriver) worth(day cairn.Day) int64 {
	i, exact := slices.BinarySearchFunc(d.steps, day, func(s step, day cairn.Day) int { return int(s.day - day) })
	if !exact {
		i--
	}
	if i < 0 {
		return 0
	}
	return d.steps[i].minor
}

// inForce returns the terms that hold on a day.
func (l *Line) inForce(day cairn.Day) int {
	i := 0
	for i+1 < len(l.Terms) && l.Terms[i+1].From <= day {
		i++
	}
	return i
}

// due returns the first day after another on which the line comes up by its
// i-th terms; 0 if they say of none.
func (l *Line) due(i int, after cairn.Day) cairn.Day {
	t := &l.Terms[i]
	switch {
	case t.Renews > after:
		return t.Renews
	case t.Renews == 0 && t.End > after:
		return t.End
	}
	bound, anchor := t.Term, t.Renews
	if anchor == 0 {
		anchor = t.Start
	}
	if anchor == 0 {
		anchor = l.Terms[0].From
	}
	if bound.N == 0 && t.Renews != 0 && t.Every.months() <= 1 {
		bound = Interval{max(1, l.spent(t.Renews)), Months}
	}
	if bound.N == 0 {
		bound = t.Every
	}
	return bound.next(anchor, after+1)
}

// spent returns how many months the term had that was over on a day of renewal
// of which nothing later is told.
func (l *Line) spent(renews cairn.Day) int32 {
	from := l.First()
	for i := range l.Terms {
		if r := l.Terms[i].Renews; r != 0 && r < renews {
			from = max(from, r)
		}
	}
	return between(from, renews)
}

// between returns how many months lie between two days, to the nearest.
func between(from, to cairn.Day) int32 { return (int32(to-from)*12 + 182) / 365 }

// noticed returns when notice was given within a term, and when it was taken
// back.
func (l *Line) noticed(from, to cairn.Day) (given, back cairn.Day) {
	for i := range l.Terms {
		t := &l.Terms[i]
		stands := t.Cancelled != 0 && !l.resumed(i)
		switch {
		case t.From > to:
			return given, back
		case t.From < from && i+1 < len(l.Terms) && l.Terms[i+1].From <= from:
		case stands && (given == 0 || back != 0):
			given, back = max(from, t.From), 0
		case !stands && given != 0 && back == 0:
			back = t.From
		}
	}
	return given, back
}
