package ledger

import (
	"math/big"
	"slices"
	"strconv"
	"time"

	"cairn"
)

// A Because is a cause with all that is known of it: what was said, by whom,
// and, where it took effect later than it was said, why then.
type Because struct {
	Cause
	Contract string   `json:"contract"`       // what it is called; "": it has no name
	Why      string   `json:"why"`            // such as "a discount ended"; "": it took effect as it was said
	Rate     *Used    `json:"rate,omitempty"` // the exchange rate, where one was used
	Changes  []Change `json:"changes"`
}

// A Change is one field of a contract of which something else was said.
type Change struct {
	Field  string    `json:"field"`
	Old    string    `json:"old"` // "": nothing
	New    string    `json:"new"`
	Source string    `json:"source"`
	At     time.Time `json:"at"`   // when it happened
	Seen   time.Time `json:"seen"` // when it was learnt
}

// A Used is the exchange rate by which an amount was told in another currency.
type Used struct {
	Currency string    `json:"currency"`
	Home     string    `json:"home"`
	Rate     string    `json:"rate"` // what one unit is worth, as a decimal
	Day      cairn.Day `json:"-"`    // from which it holds
	On       string    `json:"day"`  // the same as text
}

// usedAt is the line and the day for which a rate was used.
type usedAt struct {
	record cairn.RecordID
	day    cairn.Day
}

// Explain derives as [Deriver.Derive] does and tells of each movement its
// causes in full. facts are what was said of each line.
func (d *Deriver) Explain(r Reader, lines []Line, facts map[cairn.RecordID][]cairn.Fact, out *Result) [][]Because {
	d.used = map[usedAt]Rate{}
	defer func() { d.used = nil }()
	d.Derive(lines, out)
	all := make([][]Because, len(out.Movements))
	for i, m := range out.Movements {
		for _, c := range m.Causes {
			all[i] = append(all[i], d.because(r, lines, facts[c.Record], c))
		}
	}
	return all
}

func (d *Deriver) because(r Reader, lines []Line, facts []cairn.Fact, c Cause) Because {
	b := Because{Cause: c, Changes: []Change{}}
	i := slices.IndexFunc(lines, func(l Line) bool { return l.Record == c.Record })
	if i < 0 {
		return b
	}
	l := &lines[i]
	if rate, ok := d.used[usedAt{c.Record, c.Day}]; ok {
		b.Rate = &Used{Currency: rate.Currency, Home: d.rates.Home, Rate: rate.text(), Day: rate.Day, On: rate.Day.String()}
	}
	if t := slices.IndexFunc(l.Terms, func(t Terms) bool { return t.Event == c.Event }); t >= 0 {
		b.Why = d.why(l, t, c)
		b.Changes = r.Changes(facts, l.Terms[t].From)
	}
	return b
}

// why says what made the i-th terms of a line take effect on another day than
// that on which they were said.
func (d *Deriver) why(l *Line, i int, c Cause) string {
	t := &l.Terms[i]
	if c.Day == t.From {
		return ""
	}
	for _, x := range []struct {
		day  cairn.Day
		text string
	}{
		{t.Start, "it began then"}, {t.Trial, "its trial ended"}, {t.Pause, "its pause began"}, {t.Resume, "its pause ended"},
		{t.End, "it ended then"}, {t.Refunded, "it was refunded"}, {t.Renews, "it was not renewed"}, {t.Cancelled, "it was cancelled then"},
	} {
		if x.day == c.Day {
			return x.text
		}
	}
	for _, x := range t.Discounts {
		switch c.Day {
		case x.From:
			return "a discount began"
		case x.Until:
			return "a discount ended"
		}
	}
	if rate := d.used[usedAt{c.Record, c.Day}]; rate.Currency != "" && c.Day == MonthOf(c.Day).First() && d.policy.Rates == RateMonthly {
		return "the exchange rate of the month"
	}
	switch {
	case t.Status == PastDue && c.Day > t.From && d.policy.PastDue > 0:
		return "it was past due for " + strconv.Itoa(d.policy.PastDue) + " days"
	case c.Day > t.From:
		return "what was paid for was over"
	}
	return "told later than it was"
}

// Changes returns what was said anew of a contract on a day: field by field,
// what was shown of it before and after.
func (r Reader) Changes(facts []cairn.Fact, day cairn.Day) []Change {
	if !r.Known.IsZero() {
		facts = slices.DeleteFunc(slices.Clone(facts), func(f cairn.Fact) bool { return f.Seen.After(r.Known) })
	}
	var before, until []cairn.Fact
	for _, f := range facts {
		switch d := cairn.DayOf(f.At, r.Zone); {
		case d < day:
			before, until = append(before, f), append(until, f)
		case d == day:
			until = append(until, f)
		}
	}
	a, b := cairn.Record{Fields: r.Precedence.Choose(before, time.Time{})}, cairn.Record{Fields: r.Precedence.Choose(until, time.Time{})}
	out := []Change{}
	done := map[string]bool{}
	for _, f := range until[0:] {
		if cairn.DayOf(f.At, r.Zone) != day || done[f.Field] || a.Text(f.Field) == b.Text(f.Field) {
			continue
		}
		done[f.Field] = true
		c := Change{Field: f.Field, Old: a.Text(f.Field), New: b.Text(f.Field), Source: f.Source, At: f.At, Seen: f.Seen}
		if s, ok := b.Fields[f.Field]; ok {
			c.Source, c.At, c.Seen = s.Source, s.At, s.Seen
		}
		out = append(out, c)
	}
	slices.SortFunc(out, func(x, y Change) int { return compareFields(x.Field, y.Field) })
	return out
}

// telling are the fields that say most of what a contract costs, in order.
var telling = []string{"mrr", "amount", "unit_amount", "seats", "status", "end", "cancelled_at", "renews"}

func compareFields(a, b string) int {
	rank := func(s string) int {
		if i := slices.Index(telling, s); i >= 0 {
			return i
		}
		return len(telling)
	}
	if x := rank(a) - rank(b); x != 0 {
		return x
	}
	if a < b {
		return -1
	}
	return 1
}

// text writes what one unit is worth as a decimal.
func (r Rate) text() string {
	v := big.NewRat(r.Num, r.Den)
	n, exact := v.FloatPrec()
	if !exact {
		n = 10
	}
	return v.FloatString(n)
}
