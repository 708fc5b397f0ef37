package ledger

// Cohorts are customers by the month in which they came, and what was left of
// each at the end of every month since.
type Cohorts struct {
	from Month
	n    int
	rows []Cohort
}

// A Cohort are the customers who came in one month. Left[0] is the end of that
// month.
type Cohort struct {
	Month Month
	Left  []Remains
}

// Remains are the customers that are left at an age, and what they pay.
type Remains struct {
	Customers int
	MRR       int64
}

// NewCohorts returns the cohorts of the months from and to, both included,
// each followed until to.
func NewCohorts(from, to Month) *Cohorts {
	c := &Cohorts{from: from, n: max(0, int(to-from)+1)}
	all := make([]Remains, c.n*(c.n+1)/2)
	for i := range c.n {
		c.rows = append(c.rows, Cohort{Month: from + Month(i), Left: all[: c.n-i : c.n-i]})
		all = all[c.n-i:]
	}
	return c
}

// Add adds a customer to the cohort of the month in which it came first. Who
// left and came back is there again.
func (c *Cohorts) Add(r *Result) {
	first, ok := Came(r)
	if at := int(first - c.from); ok && at >= 0 && at < c.n {
		remain(r, first, c.rows[at].Left)
	}
}

// Came returns the month in which a customer came first, and whether it ever
// did.
func Came(r *Result) (Month, bool) {
	if len(r.Movements) == 0 {
		return 0, false
	}
	return MonthOf(r.Movements[0].Day), true
}

// Remain returns what was left of one customer at the end of each of n months
// from the one in which it came first.
func Remain(r *Result, n int) []Remains {
	left := make([]Remains, n)
	if first, ok := Came(r); ok {
		remain(r, first, left)
	}
	return left
}

// remain adds what was left of a customer, who came in the month first, at the
// end of each month since.
func remain(r *Result, first Month, left []Remains) {
	mrr, is, next := int64(0), false, 0
	for age := range left {
		for last := (first + Month(age)).Last(); next < len(r.Movements) && r.Movements[next].Day <= last; next++ {
			m := &r.Movements[next]
			mrr += m.Signed()
			is = m.Came == 1 || is && m.Came != -1
		}
		if is {
			left[age].Customers++
			left[age].MRR += mrr
		}
		if next == len(r.Movements) { // nothing changes any more
			for i := range left[age+1:] {
				if is {
					left[age+1+i].Customers++
					left[age+1+i].MRR += mrr
				}
			}
			return
		}
	}
}

// Merge adds what other cohorts of the same months have.
func (c *Cohorts) Merge(d *Cohorts) {
	for i := range c.rows {
		for j := range c.rows[i].Left {
			c.rows[i].Left[j].Customers += d.rows[i].Left[j].Customers
			c.rows[i].Left[j].MRR += d.rows[i].Left[j].MRR
		}
	}
}

// Rows returns the cohorts, oldest first.
func (c *Cohorts) Rows() []Cohort { return c.rows }

// Ages are cohorts put together by age: what was left of all that came, and of
// how much. Of an age only those count who are old enough: Of is what they
// began with, so that young cohorts do not pass for lost ones.
type Ages struct {
	Left []Remains
	Of   []Remains
	one  []Remains // of whom is added
}

// Add adds a customer who came first in the months from to to, followed until
// to.
func (a *Ages) Add(r *Result, from, to Month) {
	first, ok := Came(r)
	if !ok || first < from || first > to {
		return
	}
	n := int(to-first) + 1
	a.grow(n)
	a.one = append(a.one[:0], make([]Remains, n)...)
	remain(r, first, a.one)
	for age := range a.one {
		a.Left[age].add(a.one[age])
		a.Of[age].add(a.one[0])
	}
}

// Merge adds what others have.
func (a *Ages) Merge(b Ages) {
	a.grow(len(b.Left))
	for age := range b.Left {
		a.Left[age].add(b.Left[age])
		a.Of[age].add(b.Of[age])
	}
}

// Together puts cohorts together, weighted by their size.
func Together(rows []Cohort) Ages {
	var a Ages
	for _, c := range rows {
		a.grow(len(c.Left))
		for age, left := range c.Left {
			a.Left[age].add(left)
			a.Of[age].add(c.Left[0])
		}
	}
	return a
}

// Ages returns a cohort by age.
func (c Cohort) Ages() Ages { return Together([]Cohort{c}) }

func (a *Ages) grow(n int) {
	for len(a.Left) < n {
		a.Left, a.Of = append(a.Left, Remains{}), append(a.Of, Remains{})
	}
}

func (r *Remains) add(s Remains) {
	r.Customers += s.Customers
	r.MRR += s.MRR
}

// Logos is the share of customers that is left at an age, and nil of none.
func (a Ages) Logos(age int) *float64 {
	return share(int64(a.Left[age].Customers), int64(a.Of[age].Customers))
}

// Money is the share of MRR that is left at an age: over 1 where those who
// stay pay more than those who left did. Nil of nothing.
func (a Ages) Money(age int) *float64 { return share(a.Left[age].MRR, a.Of[age].MRR) }
