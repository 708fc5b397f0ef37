package ledger

import (
	"cmp"
	"slices"

	"cairn"
)

// A Result is what became of one customer. Its memory is used again by the
// next Derive into it.
type Result struct {
	Account   cairn.AccountID
	Movements []Movement
	Could     []Month // those at whose start it was a customer and in which it could leave, or did
	Dues      []Due   // of each contract that is in force, when it is to be renewed next
	Problems  []Problem
	Known     cairn.Day // the first on which anything was said of its lines; they may have begun long before
	causes    []Cause
}

// A Deriver makes movements of lines under one policy. It may be used by one
// goroutine at a time.
type Deriver struct {
	walker
	lines []standing
	marks [][2]int // where the causes of each movement begin and end
}

// A standing is how a line counts at a moment.
type standing struct {
	minor int64
	state state
	term  int32
}

// NewDeriver returns one that looks as far as the end of a day.
func NewDeriver(p Policy, rates *Rates, last cairn.Day) *Deriver {
	return &Deriver{walker: walker{policy: &p, rates: rates, until: last + 1}}
}

// Derive makes the movements of one customer from all its lines.
func (d *Deriver) Derive(lines []Line, out *Result) {
	*out = Result{Movements: out.Movements[:0], Could: out.Could[:0], Dues: out.Dues[:0], Problems: out.Problems[:0], causes: out.causes[:0]}
	if len(lines) == 0 {
		return
	}
	out.Account = lines[0].Account
	d.steps = d.steps[:0]
	for i := range lines {
		if lines[i].Sort == OneOff || len(lines[i].Terms) == 0 {
			continue
		}
		if said := lines[i].Terms[0].From; out.Known == 0 || said < out.Known {
			out.Known = said
		}
		if problem := d.walk(&lines[i], int32(i)); problem != nil {
			out.Problems = append(out.Problems, *problem)
		}
	}
	if len(d.steps) == 0 {
		return
	}
	if len(lines) > 1 {
		slices.SortStableFunc(d.steps, func(a, b step) int {
			return cmp.Or(cmp.Compare(a.day, b.day), cmp.Compare(a.line, b.line))
		})
	}
	d.book(lines, out)
	d.dues(lines, out)
	d.could(lines, out)
}

// dues lists when the lines that are in force are to be renewed, of which no
// notice was given. It needs the lines as [Deriver.book] leaves them.
func (d *Deriver) dues(lines []Line, out *Result) {
	today := d.until - 1
	for i := range lines {
		if s := &d.lines[i]; s.state == paying {
			l := &lines[i]
			if day := l.renewal(today); day != 0 {
				out.Dues = append(out.Dues, Due{Account: out.Account, Record: l.Record, Day: day, Amount: s.minor})
			}
		}
	}
}

// renewal returns the next day on which a line is to be renewed, by the terms
// that hold on a day: the one that is told, or the end of the term. 0: notice
// was given, or one is bound to nothing.
func (l *Line) renewal(today cairn.Day) cairn.Day {
	t := &l.Terms[0]
	for i := range l.Terms {
		if l.Terms[i].From <= today {
			t = &l.Terms[i]
		}
	}
	if t.Cancelled != 0 {
		return 0
	}
	for _, day := range []cairn.Day{t.Renews, t.End} {
		if day > today {
			return day
		}
	}
	bound := t.Term
	if bound.N == 0 {
		bound = t.Every
	}
	if bound.months() <= 1 {
		return 0
	}
	for _, day := range []cairn.Day{t.Renews, t.Start, l.Terms[0].From} {
		if day != 0 {
			return bound.next(day, today+1)
		}
	}
	return 0
}

// A customer is how one stands while its steps are gone through.
type customer struct {
	is    bool
	ever  bool
	since cairn.Day
	left  cairn.Day
	total int64
	count [4]int // lines by state
}

// book makes movements of the steps.
func (d *Deriver) book(lines []Line, out *Result) {
	d.reset(len(lines))
	d.marks = d.marks[:0]
	c := customer{}
	var atStart customer // of the month
	month, first := Month(-1<<31), 0
	for i := 0; i < len(d.steps); {
		day, m := d.steps[i].day, MonthOf(d.steps[i].day)
		if m != month {
			d.forget(&c, atStart, first, out)
			month, first, atStart = m, len(out.Movements), c
		}
		begin, last := day, day
		if d.policy.Netting == ByMonth {
			last = m.Last()
		}
		rated, began := int64(0), false
		a, mark := c.total, len(out.causes)
		for ; i < len(d.steps) && d.steps[i].day <= last; i++ {
			day = d.steps[i].day
			rated += d.steps[i].rated
			began = d.take(&c, lines, d.steps[i], out) || began
		}
		d.move(&c, window{before: a, rated: rated, begin: begin, day: day, began: began, causes: mark}, out)
	}
	d.forget(&c, atStart, first, out)
	for i, m := range d.marks {
		out.Movements[i].Causes = out.causes[m[0]:m[1]:m[1]]
	}
}

// A window is what happened to a customer within one day or month.
type window struct {
	before int64 // MRR
	rated  int64 // of its change, what exchange rates did
	begin  cairn.Day
	day    cairn.Day // of the last change
	began  bool      // a line began
	causes int       // where they begin
}

func (d *Deriver) reset(lines int) {
	d.lines = slices.Grow(d.lines[:0], lines)[:lines]
	clear(d.lines)
}

// take takes in one step of one line, and reports whether the line began.
func (d *Deriver) take(c *customer, lines []Line, s step, out *Result) (began bool) {
	l := &d.lines[s.line]
	if s.minor != l.minor || s.state != l.state {
		t := &lines[s.line].Terms[s.term]
		out.causes = append(out.causes, Cause{Record: lines[s.line].Record, Event: t.Event, Day: s.day, Amount: s.minor - l.minor})
	}
	c.total += s.minor - l.minor
	c.count[l.state]--
	c.count[s.state]++
	began = l.state == gone && s.state != gone
	l.minor, l.state = s.minor, s.state
	return began
}

// move books what happened to a customer.
func (d *Deriver) move(c *customer, w window, out *Result) {
	add := func(k Kind, amount int64, came int) {
		d.marks = append(d.marks, [2]int{w.causes, len(out.causes)})
		out.Movements = append(out.Movements, Movement{Account: out.Account, Day: w.day, Kind: k, Amount: amount, Since: c.since, Came: came})
	}
	if !c.is {
		if c.total != 0 {
			c.is, c.since = true, w.begin
			add(d.arrival(c, w.begin), c.total, 1)
			c.ever = true
		}
		return
	}
	a := w.before + w.rated
	if w.rated != 0 {
		add(Effect, w.rated, 0)
	}
	stays := c.total != 0 || c.count[held] > 0 || c.count[free] > 0 && d.policy.Free == FreeContraction
	switch {
	case !stays:
		c.is, c.left = false, w.day
		add(Churn, a, -1)
	case c.total > a && w.began && d.policy.Second == SecondNew:
		add(New, c.total-a, 0)
	case c.total > a:
		add(Expansion, c.total-a, 0)
	case c.total < a:
		add(Contraction, a-c.total, 0)
	}
}

// arrival says whether one who pays is new or back.
func (d *Deriver) arrival(c *customer, day cairn.Day) Kind {
	switch r := d.policy.Return; {
	case !c.ever, r < 0, r > 0 && day > c.left+cairn.Day(r):
		return New
	}
	return Reactivation
}

// forget takes back what was booked of a month in which one came and left,
// where the policy says so.
func (d *Deriver) forget(c *customer, was customer, first int, out *Result) {
	if d.policy.SameMonth != SameMonthIgnored || was.is || c.is || len(out.Movements) == first {
		return
	}
	out.Movements, d.marks = out.Movements[:first], d.marks[:first]
	c.ever, c.left = was.ever, was.left
}

// could lists the months in which the customer could leave: those in which
// every line that was in force at their start could end, or in which it left.
func (d *Deriver) could(lines []Line, out *Result) {
	d.reset(len(lines))
	next := 0
	for i, m := range out.Movements {
		if m.Came != 1 {
			continue
		}
		end, left := MonthOf(d.until-1), false
		for _, n := range out.Movements[i+1:] {
			if n.Came == -1 {
				end, left = MonthOf(n.Day), true
				break
			}
		}
		for month := MonthOf(m.Day) + 1; month <= end; month++ {
			for start := month.First(); next < len(d.steps) && d.steps[next].day < start; next++ {
				s := d.steps[next]
				d.lines[s.line] = standing{state: s.state, term: s.term}
			}
			if left && month == end || d.all(lines, month) {
				out.Could = append(out.Could, month)
			}
		}
	}
}

func (d *Deriver) all(lines []Line, m Month) bool {
	start := m.First()
	for i := range d.lines {
		s, terms := &d.lines[i], lines[i].Terms
		if s.state == gone {
			continue
		}
		for int(s.term)+1 < len(terms) && terms[s.term+1].From < start {
			s.term++ // terms that change no amount are no step
		}
		if !lines[i].canEnd(s.term, m) {
			return false
		}
	}
	return true
}

// canEnd reports whether whoever has a line could leave it in a month, under
// the terms that held at its start. Without a term one is bound for as long as
// one has paid ahead, and otherwise not at all.
func (l *Line) canEnd(term int32, m Month) bool {
	t := &l.Terms[term]
	if t.End != 0 && MonthOf(t.End) == m {
		return true
	}
	bound := t.Term
	if bound.N == 0 {
		switch {
		case t.Renews != 0:
			return MonthOf(t.Renews) <= m
		case t.End != 0:
			return t.End < m.First()
		}
		bound = t.Every
	}
	n := Month(bound.months())
	if n <= 1 {
		return true
	}
	anchor := t.Renews
	if anchor == 0 {
		anchor = t.Start
	}
	if anchor == 0 {
		anchor = l.Terms[0].From
	}
	if bound.Unit == Months || bound.Unit == Years {
		return (m-MonthOf(anchor))%n == 0
	}
	return MonthOf(bound.next(anchor, m.First())) == m
}
