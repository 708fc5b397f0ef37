package demo

import (
	"strings"

	"cairn"
)

// A customer is one account with its whole story, of which every day is told
// by functions of the day.
type customer struct {
	n        int
	key      string
	name     string
	industry string
	plan     plan
	csm      string
	soldBy   string
	trial    cairn.Day // when their trial began; 0: they were customers before the first day told
	since    cairn.Day // when they became a customer
	term     int       // months of one contract
	seats    int       // bought at first
	discount int       // per cent
	cause    Cause
	onset    cairn.Day // when the cause begins to work
	lost     cairn.Day // when they leave, unless saved
	dip      cairn.Day // of a wobble: its deepest day
	saved    cairn.Day // when they were turned round; 0: not
	use      float64   // how intensely they use it when all is well
	part     float64   // of the seats that people take then
	spirit   float64   // how content they are by nature
	aloof    bool      // nobody there speaks for us
	growth   []step
	people   []person
	story    []fact // made once; see Company.facts
}

// A step is an expansion: from a day on they have so many more seats.
type step struct {
	day   cairn.Day
	seats int
}

// A plan is what Quillmere sells.
type plan struct {
	name       string
	low, high  int   // seats
	base, seat int64 // cents a month
}

var plans = []plan{
	{"Starter", 4, 8, 0, 4900},
	{"Team", 8, 16, 15000, 5400},
	{"Business", 16, 32, 60000, 6200},
	{"Enterprise", 32, 56, 240000, 6900},
}

// customer invents the n-th customer.
func (c *Company) customer(n int, order []int, s share) *customer {
	d := c.dice(n, profileTheme, 0)
	a := &customer{n: n, cause: s.cause}
	a.name, a.key, a.industry = business(order, n)
	a.plan = plans[[...]int{0, 0, 0, 1, 1, 1, 1, 2, 2, 3}[d.IntN(10)]]
	a.seats = d.between(a.plan.low, a.plan.high)
	a.discount = 5 * max(0, d.between(-3, 4))
	a.csm = staff[d.IntN(len(staff))].Mail
	if s.after && d.chance(0.4) { // the visitor shall have something to do
		a.csm = staff[0].Mail
	}
	a.nature(d)
	a.soldBy = "own team"
	if s.cause == BadFit || d.chance(0.1) {
		a.soldBy = "reseller"
	}
	if s.cause.Loses() {
		c.fate(a, s.after, d)
	} else {
		c.arrival(a, d)
	}
	a.people = c.hire(a)
	return a
}

// nature is how a does when all is well: no two are alike, and many who stay
// could do better.
func (a *customer) nature(d dice) {
	a.use, a.part, a.spirit = d.in(0.8, 1.15), d.in(0.75, 0.95), d.in(0.85, 1.02)
	switch a.cause {
	case Steadfast, Wobble:
		a.use, a.part, a.spirit = d.in(0.25, 1.1), d.in(0.3, 0.95), d.in(0.5, 1.0)
		a.aloof = d.chance(0.25)
	case OverLicence:
		a.part = 1.1
	case LowAdoption, BadFit:
		a.part = 0.6
	}
}

// fate decides when a customer with a losing cause leaves, and from there
// backwards when it began and when they came.
func (c *Company) fate(a *customer, after bool, d dice) {
	lead := min(35, int(c.end-c.start)/2)
	a.lost = c.start + cairn.Day(d.between(lead, int(c.end-c.start)-1))
	if after {
		a.lost = c.end + cairn.Day(d.between(6, 75))
	}
	a.lost = monthly(a.lost)
	a.term = 12
	switch a.cause {
	case BadHandOff:
		a.term, a.since = 1, months(a.lost, -d.between(4, 8))
		a.onset = a.since
	case BadFit:
		a.term, a.since = 1, months(a.lost, -d.between(5, 9))
		a.onset = a.since + 30
	case LatePayer:
		a.term, a.since = 1, months(a.lost, -d.between(9, 30))
		a.onset = a.lost - cairn.Day(d.between(95, 140))
	case LowAdoption:
		a.since = months(a.lost, -12)
		a.onset = a.lost - cairn.Day(d.between(150, 210))
	default: // a lost champion, unresolved tickets
		a.since = months(a.lost, -12*d.between(1, 3))
		a.onset = a.lost - cairn.Day(d.between(85, 135))
	}
	if first := a.since - 14; first >= c.start {
		a.trial = first
	}
}

// arrival decides when a customer who stays came, and what becomes of them.
func (c *Company) arrival(a *customer, d dice) {
	window := int(c.end - c.start)
	a.term = [...]int{1, 12, 12}[d.IntN(3)]
	switch {
	case a.cause == Newcomer:
		a.trial = c.end - cairn.Day(d.between(3, min(45, window-1)))
		a.since = a.trial + 14
	case d.chance(0.62):
		a.since = monthly(c.start - cairn.Day(d.between(30, 1000)))
	default:
		a.since = monthly(c.start + cairn.Day(d.between(14, max(15, window*3/4))))
		if a.since-14 >= c.start {
			a.trial = a.since - 14
		}
	}
	if a.since == a.trial+14 && a.cause == Newcomer {
		a.since = monthly(a.since)
		a.trial = a.since - 14
	}
	if a.cause == Wobble {
		a.dip = c.end - cairn.Day(d.between(10, max(11, window*2/3)))
	}
	if a.cause.Grows() {
		a.growth = c.steps(a, d)
	}
}

// steps are the expansions of a customer who grows: the first some months
// after they came, the others as long as the story goes.
func (c *Company) steps(a *customer, d dice) []step {
	var out []step
	seats := a.seats
	day := max(a.since, c.start) + cairn.Day(d.between(60, 200))
	for ; day < c.horizon; day += cairn.Day(d.between(150, 300)) {
		more := max(2, int(float64(seats)*d.in(0.15, 0.4)))
		seats += more
		out = append(out, step{workday(day), more})
		if len(out) == 4 {
			break
		}
	}
	return out
}

func (a *customer) domain() string { return strings.ReplaceAll(a.key, ".", "") + ".example" }

// first is the day on which anything can be known of a.
func (a *customer) first(c *Company) cairn.Day {
	if a.trial != 0 {
		return a.trial
	}
	return c.start
}

// leaves reports whether a is lost in the end, as things stand.
func (a *customer) leaves() bool { return a.cause.Loses() && a.saved == 0 }

// gone reports whether a has left by day d.
func (a *customer) gone(d cairn.Day) bool { return a.leaves() && d >= a.lost }

// fated reports whether the cause of a loss would be at work on day d if
// nobody helped.
func (a *customer) fated(d cairn.Day) bool { return a.cause.Loses() && d >= a.onset && d < a.lost }

// troubled reports whether the cause of a loss is at work on day d.
func (a *customer) troubled(d cairn.Day) bool {
	return a.fated(d) && (a.saved == 0 || d <= a.saved)
}

// seatsOn returns the seats bought by day d.
func (a *customer) seatsOn(d cairn.Day) int {
	n := a.seats
	for _, s := range a.growth {
		if s.day <= d {
			n += s.seats
		}
	}
	if cut, ok := a.contraction(); ok && cut <= d {
		n -= a.cutSeats()
	}
	return n
}

// contraction is the day on which a customer who hardly uses it gives seats
// back, and whether there is one.
func (a *customer) contraction() (cairn.Day, bool) {
	if a.cause != LowAdoption {
		return 0, false
	}
	day := workday(a.onset + 40)
	return day, day < a.lost && (a.saved == 0 || day <= a.saved)
}

func (a *customer) cutSeats() int { return a.seats / 4 }

// mrr returns the monthly recurring revenue on day d in cents. Whoever has
// been a customer for a year pays three per cent more.
func (a *customer) mrr(d cairn.Day) int64 {
	full := a.plan.base + int64(a.seatsOn(d))*a.plan.seat
	if a.term == 12 && d >= months(a.since, 12) {
		full += full * 3 / 100
	}
	return full * int64(100-a.discount) / 100
}

// health is how well a customer does on day d, from 0 to about 1.2: what
// their use follows, and what people say. It is 0 before they come and after
// they have gone.
func (a *customer) health(d cairn.Day, c *Company) float64 {
	if d < a.first(c) || a.gone(d) {
		return 0
	}
	h := a.ramp(d) * a.course(d)
	if a.saved != 0 && d > a.saved {
		low := a.ramp(a.saved) * a.course(a.saved)
		h = low + (0.95-low)*smooth(float64(d-a.saved)/45)
	}
	return h
}

// ramp is how far they have come with taking it up.
func (a *customer) ramp(d cairn.Day) float64 {
	begin, length := a.since-14, 45.0
	switch a.cause {
	case BadHandOff:
		length = 80
	case Advocate, Milestones:
		length = 30
	}
	return 0.15 + 0.85*smooth(float64(d-begin)/length)
}

// course is what the cause does to them by day d, as if nobody helped.
func (a *customer) course(d cairn.Day) float64 {
	if a.dip != 0 {
		return 1 - 0.6*smooth(1-absDays(d, a.dip)/28)
	}
	if a.cause.Grows() {
		return 1.02 + 0.15*smooth(float64(d-a.since)/365)
	}
	top, depth := 1.0, 0.0
	switch a.cause {
	case BadHandOff:
		top, depth = 0.36, 0.97
	case LostChampion:
		depth = 0.96
	case UnresolvedTickets:
		depth = 0.92
	case LatePayer:
		depth = 0.85
	case LowAdoption:
		top, depth = 0.3, 0.94
	case BadFit:
		top, depth = 0.65, 0.97
	}
	if depth == 0 {
		return top
	}
	gone := float64(d-a.onset) / float64(max(a.lost-a.onset-25, 20))
	return top * (1 - depth*smooth(gone))
}

func absDays(a, b cairn.Day) float64 {
	if a < b {
		a, b = b, a
	}
	return float64(a - b)
}
