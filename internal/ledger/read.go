package ledger

import (
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"time"

	"cairn"
)

// A Reader makes lines of what sources said of contracts.
type Reader struct {
	Zone       *time.Location // whose days count
	Currency   string         // of contracts that name none
	Precedence cairn.Precedence
	Known      time.Time // only what was known by then; zero: all
}

// Line makes a line of the facts about one contract, in any order. It is nil
// when nothing was known of it yet.
func (r Reader) Line(record cairn.RecordID, account cairn.AccountID, facts []cairn.Fact) (*Line, *Problem) {
	if !r.Known.IsZero() {
		facts = slices.DeleteFunc(slices.Clone(facts), func(f cairn.Fact) bool { return f.Seen.After(r.Known) })
	}
	if len(facts) == 0 {
		return nil, nil
	}
	said := r.History(record, account, facts).All()
	switch {
	case said.Problem != "":
		return nil, &Problem{Record: record, Account: account, Text: said.Problem}
	case !said.Priced:
		return nil, &Problem{Record: record, Account: account, Text: "It is not told what it costs: mrr, or amount and interval."}
	}
	return said.Line, nil
}

// A moment is a time at which something was said, and the last event then.
type moment struct {
	at    time.Time
	event cairn.EventID
}

// moments returns the times at which something was said, in order.
func moments(facts []cairn.Fact) []moment {
	var out []moment
	for _, f := range facts {
		i, found := slices.BinarySearchFunc(out, f.At, func(m moment, t time.Time) int { return m.at.Compare(t) })
		switch {
		case !found:
			out = slices.Insert(out, i, moment{f.At, f.Event})
		case slices.Compare(f.Event.ID[:], out[i].event.ID[:]) > 0:
			out[i].event = f.Event
		}
	}
	return out
}

func sortOf(rec cairn.Record) Sort {
	switch word(rec.Text("type")) {
	case "one_off", "oneoff", "one_time", "onetime":
		return OneOff
	case "membership":
		return Membership
	}
	return Recurring
}

func word(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}

var statuses = map[string]Status{
	"active": Active, "trial": Trialing, "trialing": Trialing, "paused": Paused,
	"past_due": PastDue, "unpaid": Unpaid, "incomplete": Unpaid,
	"cancelled": Ended, "canceled": Ended, "ended": Ended, "expired": Ended, "churned": Ended,
}

// terms reads what was said by a moment, and whether it told a price.
func (r Reader) terms(rec cairn.Record, m moment) (t Terms, priced bool, problem string) {
	t = Terms{
		From: cairn.DayOf(m.at, r.Zone), Event: m.event, Status: statuses[word(rec.Text("status"))],
		Currency: strings.ToUpper(rec.Text("currency")), Usage: rec.Bool("usage") || rec.Bool("metered"),
		Start: r.day(rec, "start"), End: r.day(rec, "end"), Cancelled: r.day(rec, "cancelled_at"), Trial: r.day(rec, "trial_end"),
		Pause: r.day(rec, "paused_at"), Resume: r.day(rec, "resumes_at"), Renews: r.day(rec, "renews"), Refunded: r.day(rec, "refunded_at"),
		Lapses: rec.Text("auto_renew") != "" && !rec.Bool("auto_renew"),
	}
	if t.Currency == "" {
		t.Currency = r.Currency
	}
	said := func(fields ...string) (i Interval) {
		for _, f := range fields {
			if text := rec.Text(f); text != "" && i.N == 0 {
				var err error
				if i, err = ParseInterval(text); err != nil && problem == "" {
					problem = "Its " + f + " cannot be read: " + cairn.TextOf(err)
				}
			}
		}
		return i
	}
	every := said("interval", "billing")
	t.Term = said("term")
	if rec.Bool("month_to_month") {
		t.Term = Monthly
	}
	t.Every = every
	switch {
	case rec.Text("mrr") != "":
		if t.Term.N == 0 && t.Renews == 0 && t.End == 0 {
			t.Term = every
		}
		t.Every = Monthly
		t.Amount, priced = minor(rec.Text("mrr"), t.Currency)
	default:
		if t.Every.N == 0 {
			t.Every = Monthly
		}
		t.Amount, priced = amount(rec.Text, t.Currency)
	}
	if t.Status == Ended || t.Status == Trialing {
		priced = true // it may never have been told
	}
	t.Discounts = r.discounts(rec, &t)
	return t, priced, problem
}

// amount is what is paid for one interval: the amount, or the price of a seat
// times the seats, without tax.
func amount(said func(field string) string, currency string) (int64, bool) {
	sum, ok := minor(said("amount"), currency)
	if !ok {
		price := said("unit_amount")
		if !decimal(price) {
			return 0, false
		}
		unit, known := new(big.Rat).SetString(price)
		if !known {
			return 0, false
		}
		seats := big.NewRat(1, 1)
		if n := said("seats"); decimal(n) {
			seats.SetString(n)
		}
		sum, ok = minor(unit.Mul(unit, seats).FloatString(10), currency)
	}
	if tax, told := minor(said("tax"), currency); told {
		sum -= tax
	}
	return sum, ok
}

// decimal reports whether text is a plain decimal number of a sane length: no
// exponent, which would take for ever to multiply out, and no fraction.
func decimal(text string) bool {
	digits := strings.TrimLeft(strings.TrimSpace(text), "+-")
	return digits != "" && len(digits) <= 40 && strings.Trim(digits, "0123456789.") == ""
}

// minor reads an amount in minor units; more decimals than the currency has
// are rounded, half to even.
func minor(text, currency string) (int64, bool) {
	if !decimal(text) {
		return 0, false
	}
	if m, err := cairn.ParseMoney(text, currency); err == nil {
		return m.Minor, true
	}
	v, ok := new(big.Rat).SetString(strings.TrimSpace(text))
	if !ok {
		return 0, false
	}
	for range cairn.MinorDigits(currency) {
		v.Mul(v, big.NewRat(10, 1))
	}
	n := exact{wide: v}.round()
	return n, len(currency) == 3
}

// day reads a field that holds a day.
func (r Reader) day(rec cairn.Record, field string) cairn.Day { return dayOf(rec.Text(field), r.Zone) }

// dayOf reads a date, or the day of a moment in a zone; 0 when it is neither.
func dayOf(s string, zone *time.Location) cairn.Day {
	if s == "" {
		return 0
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		return cairn.Day(t.Unix() / 86400)
	}
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return cairn.DayOf(t, zone)
	}
	return 0
}

// A saidDiscount is a discount as sources send it.
type saidDiscount struct {
	Percent  json.Number `json:"percent"`
	Amount   json.Number `json:"amount"`
	Duration string      `json:"duration"`
	Months   int32       `json:"months"`
	From     string      `json:"from"`
	Until    string      `json:"until"`
}

// discounts reads a list of discounts, or the one that flat fields tell.
func (r Reader) discounts(rec cairn.Record, t *Terms) []Discount {
	var said []saidDiscount
	since := t.From
	if v, ok := rec.Fields["discounts"]; ok {
		if json.Unmarshal(v.Value, &said) != nil {
			return nil
		}
		since = cairn.DayOf(v.At, r.Zone)
	}
	one := saidDiscount{
		Percent: json.Number(rec.Text("discount_percent")), Amount: json.Number(rec.Text("discount_amount")), Duration: rec.Text("discount_duration"),
		From: rec.Text("discount_from"), Until: rec.Text("discount_until"),
	}
	if n, ok := rec.Number("discount_months"); ok {
		one.Months = int32(n)
	}
	if one.Percent != "" || one.Amount != "" {
		said = append(said, one)
		for _, f := range []string{"discount_percent", "discount_amount"} {
			if v, ok := rec.Fields[f]; ok {
				since = cairn.DayOf(v.At, r.Zone)
			}
		}
	}
	var out []Discount
	for _, s := range said {
		if d, ok := s.discount(t, since, r.Zone); ok {
			out = append(out, d)
		}
	}
	return out
}

// discount reads s, which was said on a day.
func (s saidDiscount) discount(t *Terms, since cairn.Day, zone *time.Location) (d Discount, ok bool) {
	if decimal(string(s.Percent)) {
		v, known := new(big.Rat).SetString(string(s.Percent))
		if !known {
			return d, false
		}
		d.Percent = exact{wide: v.Mul(v, big.NewRat(1000, 1))}.round()
	} else if d.Off, ok = minor(string(s.Amount), t.Currency); !ok {
		return d, false
	}
	if d.Percent < 0 || d.Percent > 100_000 || d.Off < 0 {
		return d, false
	}
	d.From, d.Until = dayOf(s.From, zone), dayOf(s.Until, zone)
	begin := d.From
	if begin == 0 {
		begin = max(since, t.Start)
	}
	switch {
	case d.Until != 0:
	case word(s.Duration) == "once":
		d.Until = t.Every.times(begin, 1)
	case word(s.Duration) == "repeating" || s.Duration == "" && s.Months > 0:
		d.Until = Monthly.times(begin, max(1, s.Months))
	}
	return d, true
}

// Stands returns how a contract stands, by what was known then.
func (r Reader) Stands(facts []cairn.Fact) map[string]cairn.Said {
	if !r.Known.IsZero() {
		facts = slices.DeleteFunc(slices.Clone(facts), func(f cairn.Fact) bool { return f.Seen.After(r.Known) })
	}
	return r.Precedence.Choose(facts, time.Time{})
}
