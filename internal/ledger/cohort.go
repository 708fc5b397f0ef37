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
	if len(r.Movements) == 0 {
		return
	}
	first := MonthOf(r.Movements[0].Day)
	at := int(first - c.from)
	if at < 0 || at >= c.n {
		return
	}
	left := c.rows[at].Left
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
			if is {
				for i := range left[age+1:] {
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
