package vector

import (
	"fmt"
	"math"

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
	signal.OverdueAmount: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "Nothing is overdue"
			}
			return "Money is overdue"
		},
		func(a, b float64) string {
			switch {
			case b == 0:
				return "What was overdue is paid"
			case b < a:
				return "Less is overdue"
			}
			return "More is overdue"
		},
	},
	signal.LateShare: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "Every invoice of the last 365 days was paid in time"
			}
			return plain(v) + " % of the invoices of the last 365 days were not paid in time"
		},
		func(a, b float64) string {
			return "Invoices not paid in time went from " + plain(a) + " % to " + plain(b) + " %"
		},
	},
	signal.FailingInvoices: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "No payment waits after it failed"
			}
			return first(v, "invoice", "invoices") + " could not be collected and " + isAre(v) + " still open"
		},
		func(a, b float64) string {
			if b < a {
				return sentenceCase(several(a-b, "invoice", "invoices")) + " whose payment had failed " + wasWere(a-b) + " settled"
			}
			return sentenceCase(several(b-a, "further invoice", "further invoices")) + " could not be collected"
		},
	},
	signal.CardExpiresIn: {
		func(v float64, _ cairn.Signals) string {
			switch {
			case v < 0:
				return "The card expired " + count(-v, "day", "days") + " ago"
			case v == 0:
				return "The card expires today"
			}
			return "The card expires in " + count(v, "day", "days")
		},
		func(a, b float64) string {
			if b > a {
				return "There is a new card"
			}
			if b < 0 {
				return "The card has expired"
			}
			return "The card now expires in " + count(b, "day", "days")
		},
	},
	signal.Stopped: {
		func(v float64, _ cairn.Signals) string {
			if v == 0 {
				return "No payment is disputed or given up"
			}
			return first(v, "payment is", "payments are") + " disputed or given up"
		},
		fewerMore("stopped payment", "stopped payments"),
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
