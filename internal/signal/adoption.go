package signal

import (
	"cmp"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
)

// An Adoption is how an account took up the product: by week how deep, broad
// and frequent its use was, and which events it consists of.
type Adoption struct {
	Weeks    []AdoptionWeek  // oldest first; each ends with its day
	Products []AdoptionPart  // where there are several
	Events   []AdoptionEvent // the most frequent of the last 28 days first
}

// An AdoptionWeek is how the 28 days were used that end with a day.
type AdoptionWeek struct {
	Day      cairn.Day
	Active   cairn.Signal // depth: people
	Distinct cairn.Signal // breadth: different things done
	Days     cairn.Signal // frequency: days of 28
	Seats    cairn.Signal // what was bought, as of then
	Licence  cairn.Signal // Active in percent of Seats
}

// An AdoptionPart is the use of one product.
type AdoptionPart struct {
	Product string
	Active  cairn.Signal
	Change  cairn.Signal
	Days    cairn.Signal
	Events  cairn.Signal
	Since   cairn.Signal
}

// An AdoptionEvent is one event name in one product.
type AdoptionEvent struct {
	Product string
	Name    string
	Counts  bool    // as usage, for this account
	N       int64   // in 28 days
	People  int     // in 28 days
	Days    int     // of 28
	Weeks   []int64 // oldest first
	Last    time.Time
}

// Adoption tells how s was used in the weeks up to t.
func (c Catalogue) Adoption(s *State, t time.Time, weeks int) Adoption {
	var a Adoption
	zone := c.settings.Zone
	day := cairn.DayOf(t.Add(-time.Microsecond), zone)
	for i := weeks - 1; i >= 0; i-- {
		d := day - cairn.Day(7*i)
		at := d.End(zone)
		if i == 0 {
			at = t
		}
		out := c.Measure(s, nil, at)
		a.Weeks = append(a.Weeks, AdoptionWeek{d, out[Active28], out[Distinct28], out[DaysActive], out[Seats], out[LicenceUse]})
		if i == 0 {
			a.Products = parts(s.indexed(c).productsBy(day), out)
		}
	}
	a.Events = c.adopted(s, t, day, weeks)
	return a
}

func parts(products []string, out cairn.Signals) []AdoptionPart {
	if len(products) < 2 {
		return nil
	}
	var parts []AdoptionPart
	for _, p := range products {
		of := func(name string) cairn.Signal { return out[name+inProduct+p] }
		parts = append(parts, AdoptionPart{p, of(Active28), of(ActiveChange), of(DaysActive), of(Events28), of(SinceActivity)})
	}
	return parts
}

func (c Catalogue) adopted(s *State, t time.Time, day cairn.Day, weeks int) []AdoptionEvent {
	counts := c.settings.Counting(s, t)
	at, people := map[[2]string]int{}, map[int]*roaring.Bitmap{}
	var out []AdoptionEvent
	for k, tally := range s.Tallies {
		ago := int(day - k.Day)
		if !IsEvent(k.Name) || tally.N <= 0 || ago < 0 || ago >= 7*weeks {
			continue
		}
		key := [2]string{k.Product, k.Name}
		i, known := at[key]
		if !known {
			i = len(out)
			at[key], people[i] = i, roaring.New()
			out = append(out, AdoptionEvent{Product: k.Product, Name: k.Name, Counts: counts(k.Product, k.Name), Weeks: make([]int64, weeks)})
		}
		e := &out[i]
		e.Weeks[weeks-1-ago/7] += tally.N
		if tally.Last.After(e.Last) {
			e.Last = tally.Last
		}
		if ago < month {
			e.N += tally.N
			e.Days++
			if tally.People != nil {
				people[i].Or(tally.People)
			}
		}
	}
	for i := range out {
		out[i].People = int(people[i].GetCardinality())
	}
	slices.SortFunc(out, func(a, b AdoptionEvent) int {
		return cmp.Or(cmp.Compare(b.N, a.N), b.Last.Compare(a.Last), cmp.Compare(a.Product, b.Product), cmp.Compare(a.Name, b.Name))
	})
	return out
}
