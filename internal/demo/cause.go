package demo

import "time"

// A Cause is the hidden truth about a customer: what will happen, and why.
type Cause string

// Why customers are lost (R110, R112, R114, R117, R119).
const (
	BadHandOff        Cause = "bad_hand_off"       // nobody took them on after the sale
	LostChampion      Cause = "lost_champion"      // the one who carried it left
	UnresolvedTickets Cause = "unresolved_tickets" // problems stay open
	LatePayer         Cause = "late_payer"         // bills are paid later and later, then not
	LowAdoption       Cause = "low_adoption"       // never used by more than a few
	BadFit            Cause = "bad_fit"            // oversold: it cannot do what they need
)

// Why customers grow (R106), and what else may be.
const (
	NewTeam     Cause = "new_team"     // another team takes it up
	Milestones  Cause = "milestones"   // they reach what they came for, step by step
	OverLicence Cause = "over_licence" // more people than seats
	Advocate    Cause = "advocate"     // they tell others, and buy more
	Wobble      Cause = "wobble"       // a dip that passes by itself: no cause for alarm
	Steadfast   Cause = "steady"       // nothing in particular
	Newcomer    Cause = "on_boarding"  // came in the last weeks
)

var losing = []Cause{BadHandOff, LostChampion, UnresolvedTickets, LatePayer, LowAdoption, BadFit}
var growing = []Cause{NewTeam, Milestones, OverLicence, Advocate}

// Loses reports whether customers with this cause are lost in the end, unless
// they are rescued.
func (c Cause) Loses() bool { return within(c, losing) }

// Grows reports whether customers with this cause buy more.
func (c Cause) Grows() bool { return within(c, growing) }

func within(c Cause, list []Cause) bool {
	for _, x := range list {
		if c == x {
			return true
		}
	}
	return false
}

// rescue is the share of customers with a cause whom the right talk in time
// brings back.
var rescue = map[Cause]float64{
	BadHandOff: 0.35, LostChampion: 0.25, UnresolvedTickets: 0.35, LatePayer: 0.3, LowAdoption: 0.3, BadFit: 0.05,
}

// A Truth is what only the demo knows about a customer.
type Truth struct {
	Account string // key
	Name    string
	Cause   Cause
	Since   time.Time // when they became a customer; may lie before the first day told
	Onset   time.Time // when the cause began to work; zero when it loses nobody
	Lost    time.Time // when they leave; zero: never, or rescued
	Rescued time.Time // when Quillmere's people turned it round; zero: not
	Grown   []time.Time
}

// Truth returns the hidden truth of every customer, in the order of accounts.
// A Lost after the last day told is one that is on its way.
func (c *Company) Truth() []Truth {
	var out []Truth
	for _, a := range c.customers {
		t := Truth{Account: a.key, Name: a.name, Cause: a.cause, Since: at(a.since, 0)}
		if a.cause.Loses() {
			t.Onset = at(a.onset, 0)
			t.Lost = at(a.lost, 0)
		}
		if a.saved != 0 {
			t.Rescued, t.Lost = at(a.saved, 0), time.Time{}
		}
		for _, g := range a.growth {
			t.Grown = append(t.Grown, at(g.day, 0))
		}
		out = append(out, t)
	}
	return out
}

// A share of all customers has one cause.
type share struct {
	cause Cause
	per   int  // of a thousand
	after bool // the loss lies ahead of the last day told
}

// shares of customers by cause; what is missing to a thousand is steady.
var shares = []share{
	{BadHandOff, 50, false}, {LostChampion, 55, false}, {UnresolvedTickets, 55, false},
	{LatePayer, 40, false}, {LowAdoption, 45, false}, {BadFit, 35, false},
	{BadHandOff, 10, true}, {LostChampion, 20, true}, {UnresolvedTickets, 20, true},
	{LatePayer, 15, true}, {LowAdoption, 15, true}, {BadFit, 10, true},
	{NewTeam, 90, false}, {Milestones, 100, false}, {OverLicence, 70, false}, {Advocate, 50, false},
	{Wobble, 50, false}, {Newcomer, 20, false},
}

// deal returns one share for each of n customers: exactly in proportion,
// in an order that the seed shuffles.
func (c *Company) deal(n int) []share {
	out, sum := make([]share, 0, n), 0
	for _, s := range shares {
		sum += s.per
		for len(out) < (sum*n+500)/1000 {
			out = append(out, s)
		}
	}
	for len(out) < n {
		out = append(out, share{cause: Steadfast})
	}
	d := c.dice(-1, houseTheme, 1)
	d.Shuffle(n, func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
