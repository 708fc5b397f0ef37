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

// A saying is how a signal is put into words.
type saying struct {
	// is says what was measured.
	is func(v float64, sig cairn.Signals) string
	// moved says how it went from a to b, which differ.
	moved func(a, b float64) string
}

// sayings are the signals that people have better words for than "label: value".
var sayings = map[string]saying{
	signal.Active7: {
		func(v float64, _ cairn.Signals) string {
			return people(v, "was", "were") + " active in the last 7 days"
		},
		active,
	},
	signal.Active28: {
		func(v float64, _ cairn.Signals) string {
			return people(v, "was", "were") + " active in the last 28 days"
		},
		active,
	},
	signal.ActiveChange: {
		func(v float64, _ cairn.Signals) string {
			switch n := math.Round(v); {
			case n < 0:
				return plain(-n) + " % fewer people were active than in the 28 days before"
			case n > 0:
				return plain(n) + " % more people were active than in the 28 days before"
			}
			return "As many people were active as in the 28 days before"
		},
		func(a, b float64) string {
			return fmt.Sprintf("The change of active people went from %s %% to %s %%", signed(a), signed(b))
		},
	},
	signal.DaysActive: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "The product was not used in the last 28 days"
			}
			return "The product was used on " + plain(v) + " of the last 28 days"
		},
		func(a, b float64) string {
			if b < a {
				return "The product was used on " + several(a-b, "day", "days") + " fewer"
			}
			return "The product was used on " + several(b-a, "day", "days") + " more"
		},
	},
	signal.Events28: {
		func(v float64, _ cairn.Signals) string {
			return first(v, "meaningful event", "meaningful events") + " in the last 28 days"
		},
		fewerMore("meaningful event", "meaningful events"),
	},
	signal.Distinct28: {
		func(v float64, _ cairn.Signals) string {
			return first(v, "different thing was", "different things were") + " done in the last 28 days"
		},
		func(a, b float64) string {
			if b < a {
				return sentenceCase(several(a-b, "kind of activity", "kinds of activity")) + " stopped"
			}
			return sentenceCase(several(b-a, "kind of activity", "kinds of activity")) + " began"
		},
	},
	signal.SinceActivity: {
		func(v float64, _ cairn.Signals) string { return "The product was last used " + ago(v) },
		func(a, b float64) string {
			if b < a {
				return "The product is in use again"
			}
			return "Nobody has used the product for " + count(b, "day", "days")
		},
	},
	signal.LicenceUse: {seatsUsed, func(a, b float64) string {
		return fmt.Sprintf("Licence use went from %s %% to %s %%", plain(a), plain(b))
	}},
	signal.PeerRank: {
		func(v float64, _ cairn.Signals) string {
			return "More people are active here than at " + plain(v) + " % of all accounts"
		},
		nil,
	},
	signal.OpenTickets: {
		func(v float64, _ cairn.Signals) string { return tickets(v, "open") },
		func(a, b float64) string {
			if b < a {
				return sentenceCase(several(a-b, "ticket", "tickets")) + " fewer " + isAre(a-b) + " open"
			}
			return sentenceCase(several(b-a, "more ticket", "more tickets")) + " " + isAre(b-a) + " open"
		},
	},
	signal.OldestOpen: {
		func(v float64, sig cairn.Signals) string {
			if n, ok := sig.Number(signal.OpenTickets); ok && n == 0 {
				return "No ticket is open"
			}
			return "Oldest open ticket is " + count(v, "day", "days") + " old"
		},
		func(a, b float64) string {
			if b < a {
				return "The oldest open ticket was dealt with"
			}
			return "The oldest open ticket grew " + count(b-a, "day", "days") + " older"
		},
	},
	signal.MedianClose: {
		func(v float64, _ cairn.Signals) string {
			return "Half of the tickets were closed within " + duration(v)
		},
		func(a, b float64) string {
			if b < a {
				return "Tickets are closed faster: in " + duration(b) + " instead of " + duration(a)
			}
			return "Tickets take longer: " + duration(b) + " instead of " + duration(a)
		},
	},
	signal.Reopened: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "No ticket was reopened in the last 90 days"
			}
			return "Tickets were reopened " + times(v) + " in the last 90 days"
		},
		nil,
	},
	signal.EscalatedOpen: {
		func(v float64, _ cairn.Signals) string { return tickets(v, "escalated") },
		func(a, b float64) string {
			if b < a {
				return sentenceCase(several(a-b, "escalation", "escalations")) + " ended"
			}
			return sentenceCase(several(b-a, "ticket", "tickets")) + " " + wasWere(b-a) + " escalated"
		},
	},
	signal.Tickets90: {
		func(v float64, _ cairn.Signals) string {
			return first(v, "ticket was", "tickets were") + " opened in the last 90 days"
		},
		fewerMore("ticket", "tickets"),
	},
	signal.Overdue: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "No invoice is overdue"
			}
			return "An invoice is " + count(v, "day", "days") + " overdue"
		},
		func(a, b float64) string {
			switch {
			case b == 0:
				return "The overdue invoice was settled"
			case b < a:
				return "The longest overdue invoice was settled"
			}
			return "An invoice is now " + count(b, "day", "days") + " overdue"
		},
	},
	signal.FailedPayments: {
		func(v float64, _ cairn.Signals) string {
			return first(v, "payment", "payments") + " failed in the last 90 days"
		},
		fewerMore("failed payment", "failed payments"),
	},
	signal.OpenInvoices: {
		func(v float64, _ cairn.Signals) string { return first(v, "invoice is", "invoices are") + " open" },
		fewerMore("open invoice", "open invoices"),
	},
	signal.RenewsIn: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "The contract renews today"
			}
			return "The contract renews in " + count(v, "day", "days")
		},
		func(_, b float64) string { return "The contract now renews in " + count(b, "day", "days") },
	},
	signal.ContractTenure: {
		func(v float64, _ cairn.Signals) string { return "Under contract for " + count(v, "day", "days") },
		nil,
	},
	signal.NPS:  score("recommendation score", "10"),
	signal.CSAT: score("satisfaction score", "5"),
	signal.CES:  score("effort score", "7"),
	signal.SinceAnswer: {
		func(v float64, _ cairn.Signals) string { return "A survey was last answered " + ago(v) },
		nil,
	},
	signal.Champion: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "The account has no champion"
			}
			return "The account has a champion"
		},
		func(_, b float64) string {
			if b == 0 {
				return "The champion is gone"
			}
			return "A champion was found"
		},
	},
	signal.SinceChampion: {
		func(v float64, _ cairn.Signals) string { return "The champion was last seen " + ago(v) },
		func(a, b float64) string {
			if b < a {
				return "The champion was seen again"
			}
			return "The champion has not been seen for " + count(b, "day", "days")
		},
	},
	signal.OptedOut: {
		func(v float64, _ cairn.Signals) string { return people(v, "has", "have") + " opted out of mail" },
		nil,
	},
	signal.KnownPeople: {
		func(v float64, _ cairn.Signals) string { return people(v, "is", "are") + " known" },
		fewerMore("person known", "people known"),
	},
	signal.SinceTalk: {
		func(v float64, _ cairn.Signals) string { return "We last talked " + ago(v) },
		func(a, b float64) string {
			if b < a {
				return "We talked again"
			}
			return "We have not talked for " + count(b, "day", "days")
		},
	},
	signal.Mood: {
		func(v float64, _ cairn.Signals) string { return "The mood at the last talk was " + mood(v) },
		func(a, b float64) string { return "The mood went from " + mood(a) + " to " + mood(b) },
	},
}

func seatsUsed(v float64, sig cairn.Signals) string {
	seats, ok := sig.Number(signal.Seats)
	active, known := sig.Number(signal.Active28)
	if !ok || !known {
		return plain(v) + " % of the seats were used in the last 28 days"
	}
	return fmt.Sprintf("%s of %s %s in the last 28 days", plain(active), count(seats, "seat", "seats"), wasWere(active)+" used")
}

func active(a, b float64) string {
	if b < a {
		return sentenceCase(several(a-b, "person", "people")) + " stopped being active"
	}
	return sentenceCase(several(b-a, "more person", "more people")) + " became active"
}

func fewerMore(one, many string) func(a, b float64) string {
	return func(a, b float64) string {
		if b < a {
			return sentenceCase(several(a-b, one, many)) + " fewer"
		}
		return sentenceCase(several(b-a, one, many)) + " more"
	}
}

func score(what, of string) saying {
	return saying{
		func(v float64, _ cairn.Signals) string {
			return "The last " + what + " was " + plain(v) + " of " + of
		},
		func(a, b float64) string {
			return "The " + what + " went from " + plain(a) + " to " + plain(b) + " of " + of
		},
	}
}

// says returns the sentence for a leaf whose signal is known.
func says(r cairn.Reason, sig cairn.Signals) string {
	if s, ok := sayings[r.Signal]; ok {
		return s.is(r.Value, sig)
	}
	return r.Label + ": " + inUnit(r.Signal, r.Value)
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
func (l Leaf) missing(s cairn.Signal) string {
	why := cmp.Or(strings.TrimSuffix(s.Why, "."), "Not measured")
	switch l.Missing {
	case Neutral:
		return why + ", which counts as half"
	case Poor:
		return why + ", which counts as the worst"
	}
	return why
}

// scale puts a leaf's scale into words.
func (l Leaf) scale(def signal.Def) string {
	unit := ""
	if def.Unit != "" {
		unit = " " + def.Unit
	}
	return fmt.Sprintf("0 at %s%s … full at %s%s", plain(l.Worst), unit, plain(l.Best), unit)
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
