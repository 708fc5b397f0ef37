package vector

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/signal"
)

// says returns the sentence for a leaf whose signal is known, with the name of
// the band that the value lies in.
func (l *Leaf) says(r cairn.Reason, s cairn.Signal, sig cairn.Signals, band int) string {
	text := r.Label + ": " + inUnit(r.Signal, r.Value)
	if said, ok := sayings[r.Signal]; ok {
		text = said.is(r.Value, sig)
	} else if s.Text != "" {
		text = r.Label + ": " + s.Text
	}
	if band >= 0 && l.Bands[band].Label != "" {
		text += " (" + l.Bands[band].Label + ")"
	}
	if s.Why != "" {
		text += ", " + s.Why
	}
	return text
}

// Says returns what a signal that is a number says of an account, as a customer
// success manager would; "" where it is not known.
func Says(name string, sig cairn.Signals) string {
	v, ok := sig.Number(name)
	if !ok {
		return ""
	}
	if said, ok := sayings[name]; ok {
		return said.is(v, sig)
	}
	def, _ := signal.Find(name)
	return cmp.Or(def.Label, name) + ": " + inUnit(name, v)
}

// inUnit writes a value with the unit of its signal.
func inUnit(name string, v float64) string {
	def, _ := signal.Find(name)
	if def.Type == cairn.Truth {
		if v == 0 {
			return "no"
		}
		return "yes"
	}
	unit := def.Unit
	switch {
	case v == 1 && unit == "people":
		unit = "person"
	case v == 1:
		unit = strings.Replace(strings.TrimSuffix(unit, "s"), "kinds ", "kind ", 1)
	}
	return strings.TrimSpace(plain(v) + " " + unit)
}

// missing says why a leaf's signal is missing and what follows from it.
func (l *Leaf) missing(s cairn.Signal) string {
	why := cmp.Or(strings.TrimSuffix(s.Why, "."), "Not measured")
	switch l.Missing {
	case Neutral:
		return why + ", which counts as half"
	case Poor:
		return why + ", which counts as the worst"
	}
	return why
}

// why says in one sentence how an account is doing and what matters most: what
// costs it most, or where little does, what carries it.
func why(v cairn.Vector) string {
	if !v.Known {
		return "Nothing is known yet by which to tell how the account is doing."
	}
	head := fmt.Sprintf("Level %d, %s", v.Level.Round(), heading(v))
	costly := strongest(v.Reasons, func(r cairn.Reason) cairn.Points { return r.Of - r.Points }, 2_000)
	if len(costly) == 0 {
		costly = strongest(v.Reasons, func(r cairn.Reason) cairn.Points { return r.Points }, 1)
	}
	var parts []string
	for _, r := range costly {
		parts = append(parts, lower(r.Text))
	}
	if len(parts) == 0 {
		return head + "."
	}
	return head + ": " + strings.Join(parts, ", and ") + "."
}

func heading(v cairn.Vector) string {
	switch v.Way {
	case cairn.Rising, cairn.Falling:
		return fmt.Sprintf("%s by %s in 30 days", v.Way, count(math.Abs(float64(v.Slope.Round())), "point", "points"))
	case cairn.Steady:
		return "steady"
	}
	return "too new to tell which way it is going"
}

// strongest returns the two reasons with most weight, and at least so much.
func strongest(reasons []cairn.Reason, weight func(cairn.Reason) cairn.Points, least cairn.Points) []cairn.Reason {
	sorted := slices.DeleteFunc(slices.Clone(reasons), func(r cairn.Reason) bool { return weight(r) < least })
	slices.SortStableFunc(sorted, func(a, b cairn.Reason) int { return cmp.Compare(weight(b), weight(a)) })
	return sorted[:min(2, len(sorted))]
}

// plain writes a number with at most one decimal, a negative one with a
// proper minus.
func plain(v float64) string {
	s := strings.TrimSuffix(strconv.FormatFloat(v, 'f', 1, 64), ".0")
	if s == "-0" {
		return "0"
	}
	return strings.Replace(s, "-", "−", 1)
}

func signed(v float64) string {
	if s := plain(v); v <= 0 || s == "0" {
		return s
	}
	return "+" + plain(v)
}

func count(v float64, one, many string) string {
	if v == 1 {
		return "1 " + one
	}
	return plain(v) + " " + many
}

// first is count at the beginning of a sentence.
func first(v float64, one, many string) string {
	if v == 0 {
		return "No " + one
	}
	return count(v, one, many)
}

var numbers = [...]string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

// several writes a small whole number as a word.
func several(v float64, one, many string) string {
	if v == 1 {
		return "one " + one
	}
	if v == math.Trunc(v) && v >= 0 && int(v) < len(numbers) {
		return numbers[int(v)] + " " + many
	}
	return plain(v) + " " + many
}

func people(v float64, one, many string) string {
	switch v {
	case 0:
		return "Nobody " + one
	case 1:
		return "1 person " + one
	}
	return plain(v) + " people " + many
}

func tickets(v float64, state string) string {
	if v == 0 {
		return "No ticket is " + state
	}
	return count(v, "ticket is", "tickets are") + " " + state
}

func ago(days float64) string {
	switch days {
	case 0:
		return "today"
	case 1:
		return "yesterday"
	}
	return plain(days) + " days ago"
}

func duration(hours float64) string {
	if hours < 48 {
		return count(math.Round(hours), "hour", "hours")
	}
	return count(math.Round(hours/24), "day", "days")
}

func times(v float64) string {
	switch v {
	case 1:
		return "once"
	case 2:
		return "twice"
	}
	return plain(v) + " times"
}

func mood(v float64) string {
	switch {
	case v > 0:
		return "good"
	case v < 0:
		return "bad"
	}
	return "neutral"
}

func isAre(v float64) string {
	if v == 1 {
		return "is"
	}
	return "are"
}

func wasWere(v float64) string {
	if v == 1 {
		return "was"
	}
	return "were"
}

func sentenceCase(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func lower(s string) string {
	if len(s) < 2 || s[1] >= 'A' && s[1] <= 'Z' {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
