package demo

import (
	"cmp"
	"slices"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A Batch is what one source delivers at one moment.
type Batch struct {
	Source  string
	At      time.Time // what the clock shows when it arrives; no record in it is later
	Records []ingest.Record
}

// Limits of a batch, so that none holds up the door.
const batchSize = 500

// storyDays is how far the story reaches past the end of history.
const storyDays = 400

// A Company is Quillmere and its customers. It is not safe for concurrent use.
type Company struct {
	Seed     int64
	Accounts int
	Months   int

	start, end cairn.Day // history: start ≤ day < end
	horizon    cairn.Day // nothing is told from here on
	customers  []*customer
	byID       map[cairn.AccountID]*customer
}

// New invents a company of so many accounts whose history of so many months
// ends at until (00:00 UTC of its day). The same arguments give the same
// company.
func New(seed int64, accounts, months int, until time.Time) *Company {
	until = until.UTC()
	c := &Company{Seed: seed, Accounts: accounts, Months: months, byID: map[cairn.AccountID]*customer{}}
	c.end = cairn.DayOf(until, time.UTC)
	c.start = cairn.DayOf(c.end.Start(time.UTC).AddDate(0, -months, 0), time.UTC)
	c.horizon = c.end + storyDays
	order := make([]int, len(stems)*len(trades))
	for i := range order {
		order[i] = i
	}
	c.dice(-1, houseTheme, 0).Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	for n, s := range c.deal(accounts) {
		a := c.customer(n, order, s)
		c.customers = append(c.customers, a)
		c.byID[cairn.Space("").Account(a.key)] = a
	}
	return c
}

// Start is the first day of history, End the first day after it. Days from End
// on can be told too, for somewhat more than a year: that is how the company
// goes on living.
func (c *Company) Start() cairn.Day { return c.start }

// End is the first day after history.
func (c *Company) End() cairn.Day { return c.end }

// Day tells what arrives on day d, in order. It is a function of the company
// and of the rescues before d: days may be told in any order and repeatedly.
func (c *Company) Day(d cairn.Day) []Batch {
	if d < c.start || d >= c.horizon {
		return nil
	}
	var told []delivery
	for _, a := range c.customers {
		told = append(told, a.told(c, d)...)
		told = append(told, c.usage(a, d)...)
		told = append(told, c.lateUsage(a, d)...)
	}
	told = append(told, c.faults(d)...)
	batches := bundle(told)
	return c.redeliver(d, batches)
}

// A delivery is one record on its way: who sends it, and when it arrives.
type delivery struct {
	source string
	seen   time.Time
	record ingest.Record
}

// rounds are the seconds of the day at which each source delivers.
var rounds = map[string][]int{
	"product": {11 * 3600, 15 * 3600, 19 * 3600, 86390},
	"crm":     {7 * 3600, 18*3600 + 1800, 86300},
	"billing": {21 * 3600, 86300},
	"support": {12*3600 + 1800, 20 * 3600, 86300},
	"survey":  {20*3600 + 1800, 86300},
}

// sources are the senders, in the order in which they are heard when they
// deliver at the same second.
var sources = []string{"crm", "billing", "support", "survey", "product", "cairn"}

// arrives is the source's first round on day d that is not before second.
func arrives(source string, d cairn.Day, second int) time.Time {
	for _, r := range rounds[source] {
		if second <= r {
			return at(d, r)
		}
	}
	return at(d, 86395)
}

// bundle makes batches of deliveries: by arrival, then source; within one by
// the time it happened, then id.
func bundle(told []delivery) []Batch {
	slices.SortFunc(told, func(x, y delivery) int {
		return cmp.Or(x.seen.Compare(y.seen),
			cmp.Compare(slices.Index(sources, x.source), slices.Index(sources, y.source)),
			x.record.At.Compare(y.record.At), cmp.Compare(x.record.ID, y.record.ID))
	})
	var out []Batch
	for _, t := range told {
		last := len(out) - 1
		if last < 0 || out[last].Source != t.source || !out[last].At.Equal(t.seen) || len(out[last].Records) >= batchSize {
			out = append(out, Batch{Source: t.source, At: t.seen})
			last++
		}
		out[last].put(t.record)
	}
	return out
}

// put appends a record and numbers it.
func (b *Batch) put(r ingest.Record) {
	r.Index = len(b.Records)
	b.Records = append(b.Records, r)
}
