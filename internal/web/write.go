package web

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"cairn"
)

// numbers says how a locale writes them.
type numbers struct {
	group, point string
	before       bool // the currency stands before the amount
}

func numbersOf(locale string) numbers {
	switch l, _, _ := strings.Cut(strings.ToLower(locale), "-"); l {
	case "de", "es", "it", "nl", "pt":
		return numbers{group: ".", point: ","}
	case "fr", "pl", "cs", "sv", "fi", "nb":
		return numbers{group: "\u202f", point: ","}
	case "ch":
		return numbers{group: "’", point: ".", before: true}
	}
	return numbers{group: ",", point: "."}
}

// Count writes a whole number with separators.
func (v View) Count(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "−", s[1:]
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteString(v.numbers.groupOr())
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

func (n numbers) groupOr() string {
	if n.group == "" {
		return ","
	}
	return n.group
}

// Decimal writes a number with at most so many decimals, none where it is whole.
func (v View) Decimal(f float64, digits int) string {
	p := math.Pow(10, float64(digits))
	f = math.Round(f*p) / p
	whole, frac := math.Modf(math.Abs(f))
	out := v.Count(int64(whole))
	if frac > 1e-9 {
		point := v.numbers.point
		if point == "" {
			point = "."
		}
		out += point + strings.TrimRight(strconv.FormatFloat(frac, 'f', digits, 64)[2:], "0")
	}
	if f < 0 {
		out = "−" + out
	}
	return out
}

var symbols = map[string]string{"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

// Money writes an amount in whole units of its currency: "1,204 €", "$1,204".
// No currency is an en dash: nothing is known, which is not zero.
func (v View) Money(m cairn.Money) string { return v.money(m, 0) }

// MoneyExact writes an amount to its last digit.
func (v View) MoneyExact(m cairn.Money) string { return v.money(m, cairn.MinorDigits(m.Currency)) }

func (v View) money(m cairn.Money, digits int) string {
	if m.Currency == "" {
		return "–"
	}
	f := float64(m.Minor) / math.Pow10(cairn.MinorDigits(m.Currency))
	n := v.Decimal(f, digits)
	if before, after, broken := strings.Cut(n, cmp.Or(v.numbers.point, ".")); broken { // 12.50, not 12.5
		n = before + cmp.Or(v.numbers.point, ".") + after + strings.Repeat("0", digits-len(after))
	}
	sym := symbols[m.Currency]
	switch {
	case sym == "":
		return n + "\u00a0" + m.Currency
	case m.Currency != "EUR" || v.numbers.before:
		return sym + n
	}
	return n + "\u00a0" + sym
}

// Exact writes a moment in full, in the workspace's zone.
func (v View) Exact(t time.Time) string { return t.In(v.Zone).Format("Mon 2 Jan 2006, 15:04 MST") }

// Ago writes a moment as people say it, seen from now: "5 min ago", "in 3
// days", "12 Mar 2025".
func (v View) Ago(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	d := v.Now.Sub(t)
	past := d >= 0
	if !past {
		d = -d
	}
	say := func(s string) string {
		if past {
			return s + " ago"
		}
		return "in " + s
	}
	days := int(v.Today() - cairn.DayOf(t, v.Zone))
	switch {
	case d < 45*time.Second:
		return "just now"
	case d < time.Hour:
		return say(fmt.Sprintf("%d min", max(1, int(d.Round(time.Minute).Minutes()))))
	case days == 0:
		return say(fmt.Sprintf("%d h", int(d.Hours())))
	}
	return v.DayAgo(t)
}

// DayAgo writes a day as people say it: "today", "yesterday", "in 12 days".
func (v View) DayAgo(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	days := int(cairn.DayOf(t, v.Zone) - v.Today())
	switch {
	case days == 0:
		return "today"
	case days == -1:
		return "yesterday"
	case days == 1:
		return "tomorrow"
	case days < 0 && days >= -60:
		return fmt.Sprintf("%d days ago", -days)
	case days > 0 && days <= 120:
		return fmt.Sprintf("in %d days", days)
	}
	return v.Date(t)
}

// Due writes when something is due: "today", "3 days late", "Mon 23 Nov".
func (v View) Due(t time.Time) string {
	if t.IsZero() {
		return "no date"
	}
	days := int(cairn.DayOf(t, v.Zone) - v.Today())
	switch {
	case days == -1:
		return "1 day late"
	case days < 0:
		return fmt.Sprintf("%d days late", -days)
	case days == 0:
		return "today"
	case days == 1:
		return "tomorrow"
	case days < 7:
		return t.In(v.Zone).Format("Monday")
	}
	return v.Date(t)
}

// Late reports whether the day of t is over.
func (v View) Late(t time.Time) bool {
	return !t.IsZero() && cairn.DayOf(t, v.Zone) < v.Today()
}

// Date writes a day, with its year unless it is this one.
func (v View) Date(t time.Time) string {
	if t.IsZero() {
		return "–"
	}
	t = t.In(v.Zone)
	if t.Year() == v.Now.In(v.Zone).Year() {
		return t.Format("2 Jan")
	}
	return t.Format("2 Jan 2006")
}

// several writes "1 account", "7 accounts".
func (v View) several(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return v.Count(int64(n)) + " " + many
}

// initials returns one or two letters for a name or an address.
func initials(name string) string {
	name, _, _ = strings.Cut(name, "@")
	var out []rune
	for _, w := range strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '.' || r == '-' || r == '_' }) {
		out = append(out, []rune(strings.ToUpper(w))[0])
	}
	switch len(out) {
	case 0:
		return "–"
	case 1, 2:
		return string(out)
	}
	return string([]rune{out[0], out[len(out)-1]})
}

// person returns a readable name for an owner's address: the user's own name,
// else what stands before the @.
func personName(mail string) string {
	if mail == "" {
		return "Nobody"
	}
	name, _, _ := strings.Cut(mail, "@")
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '_' || r == '-' })
	for i, w := range words {
		r := []rune(w)
		words[i] = strings.ToUpper(string(r[0])) + string(r[1:])
	}
	return strings.Join(words, " ")
}
