package web

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// An accountContract is a contract with what it counts for.
type accountContract struct {
	cairn.Record
	revenue.Stand
	Told bool // what it counts for is known
}

// counts is what it brings in a month, and false where that is not told.
func (c accountContract) counts() (cairn.Money, bool) {
	return cairn.Money{Minor: c.MRR, Currency: c.Currency}, c.Told && c.Problem == ""
}

// accountContracts sets the contracts with what they count for, and what the
// account may buy beside.
func (s *site) accountContracts(ctx context.Context, v View, av *accountView, contracts []cairn.Record) error {
	var stands []revenue.Stand
	var err error
	if s.Revenue != nil && len(contracts) > 0 {
		if av.Policy, stands, err = s.Revenue.Stands(ctx, contracts, av.At); err != nil {
			return err
		}
	}
	for i, c := range contracts {
		one := accountContract{Record: c, Told: i < len(stands)}
		if one.Told {
			one.Stand = stands[i]
		}
		av.Contracts = append(av.Contracts, one)
	}
	if s.Opportunities != nil && !av.Past() && v.Scope().Sees(av.Account.ID) {
		av.Opportunities, err = s.Opportunities.List(ctx, cairn.Scope{Accounts: []cairn.AccountID{av.Account.ID}})
	}
	return err
}

// terms says what was agreed, in the order in which people ask: what it costs,
// for how long one is bound, how it ends, and what is special about it.
func (c accountContract) terms(v View) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if text := c.price(v); text != "" {
		add("%s", text)
	}
	if c.Bool("usage") || c.Bool("metered") {
		add("metered")
	}
	out = append(out, c.discounts(v)...)
	if c.sale() {
		add("a sale, which has no MRR")
	} else if word(c.Text("type")) == "membership" {
		add("a membership")
	}
	switch term := c.Text("term"); {
	case c.Bool("month_to_month"):
		add("from month to month")
	case term != "":
		add("bound for %s", intervalWords(term))
	}
	out = append(out, c.ending(v)...)
	switch c.Text("paper") {
	case "customer":
		add("on the customer’s paper")
	case "ours":
		add("on our paper")
	}
	for _, f := range []struct{ field, says string }{
		{"price_lock", "price fixed until %s"}, {"trial_end", "on trial until %s"}, {"paused_at", "paused from %s"}, {"resumes_at", "goes on from %s"}, {"refunded_at", "refunded on %s"},
	} {
		if t, ok := c.Time(f.field); ok {
			add(f.says, accountDayWord(v, t))
		}
	}
	return out
}

func (c accountContract) sale() bool {
	return slices.Contains([]string{"one_off", "oneoff", "one_time", "onetime"}, word(c.Text("type")))
}

// word makes a value one of those that are compared.
func word(s string) string {
	return strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(strings.TrimSpace(s)))
}

// price says what it costs and how often.
func (c accountContract) price(v View) string {
	every := firstOf(c.Text("interval"), c.Text("billing"))
	if m, ok := c.Money("mrr", v.Currency); ok {
		text := v.MoneyExact(m) + " a month"
		if every != "" && intervalWords(every) != "1 month" {
			text += ", paid every " + strings.TrimPrefix(intervalWords(every), "1 ")
		}
		return text
	}
	for_ := strings.TrimPrefix(intervalWords(firstOf(every, "month")), "1 ")
	a := "a "
	if for_ != "" && for_[0] >= '0' && for_[0] <= '9' {
		a = "for "
	}
	if m, ok := c.Money("amount", v.Currency); ok {
		if c.sale() {
			return v.MoneyExact(m)
		}
		if tax, ok := c.Money("tax", v.Currency); ok && tax.Minor != 0 {
			return v.MoneyExact(m) + " " + a + for_ + ", of which " + v.MoneyExact(tax) + " are tax"
		}
		return v.MoneyExact(m) + " " + a + for_
	}
	if m, ok := c.Money("unit_amount", v.Currency); ok {
		return v.MoneyExact(m) + " a seat, " + a + for_
	}
	return ""
}

// intervalWords writes an interval as people say it: "1 year", "3 months".
func intervalWords(text string) string {
	i, err := ledger.ParseInterval(text)
	if err != nil {
		return text
	}
	unit := map[ledger.Unit]string{ledger.Days: "day", ledger.Weeks: "week", ledger.Months: "month", ledger.Years: "year"}[i.Unit]
	return plural(int(i.N), unit)
}

// discounts says what is taken off, and until when.
func (c accountContract) discounts(v View) []string {
	off := ""
	if p, ok := c.Number("discount_percent"); ok && p != 0 {
		off = strconv.FormatFloat(p, 'f', -1, 64) + " % off"
	} else if m, ok := c.Money("discount_amount", v.Currency); ok && m.Minor != 0 {
		off = v.MoneyExact(m) + " off"
	}
	if off == "" {
		if _, several := c.Fields["discounts"]; several && c.Text("discounts") != "" && c.Text("discounts") != "[]" {
			return []string{"with discounts"}
		}
		return nil
	}
	if t, ok := c.Time("discount_from"); ok {
		off += " from " + accountDayWord(v, t)
	}
	if t, ok := c.Time("discount_until"); ok {
		return []string{off + " until " + accountDayWord(v, t)}
	}
	switch c.Text("discount_duration") {
	case "once":
		off += " once"
	case "repeating":
		if n, ok := c.Number("discount_months"); ok {
			off += " for " + plural(int(n), "month")
		}
	case "forever":
		off += " for ever"
	}
	return []string{off}
}

// ending says how it goes on or ends, and by when one must have said so.
func (c accountContract) ending(v View) []string {
	var out []string
	renews, comes := c.Time("renews")
	switch end, ends := c.Time("end"); {
	case ends:
		out = append(out, "ends on "+accountDayWord(v, end))
	case !comes:
	case c.Text("auto_renew") != "" && !c.Bool("auto_renew"):
		out = append(out, "ends on "+accountDayWord(v, renews)+" unless it is renewed")
	case c.Bool("auto_renew"):
		out = append(out, "renews by itself on "+accountDayWord(v, renews))
	}
	if t, ok := c.Time("cancelled_at"); ok {
		out = append(out, "notice was given on "+accountDayWord(v, t))
	} else if days, ok := c.Number("notice_days"); ok && days > 0 && comes {
		out = append(out, "notice by "+accountDayWord(v, renews.AddDate(0, 0, -int(days)))+" ("+plural(int(days), "day")+")")
	}
	return out
}
