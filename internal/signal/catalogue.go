package signal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// A Def says what a signal means.
type Def struct {
	Name        string     `json:"name"`
	Label       string     `json:"label"` // what people call it
	Unit        string     `json:"unit"`  // "people", "days", "%", "" when it has none
	Type        cairn.Type `json:"type"`
	Group       string     `json:"group"`
	Source      string     `json:"source"` // what it is measured from, and so what its freshness is the freshness of
	Description string     `json:"description"`
}

// A Catalogue measures signals under the settings of one workspace.
type Catalogue struct {
	settings Settings
	stamp    string // differs where something else is measured
}

// New returns the catalogue of a workspace.
func New(settings Settings) Catalogue {
	if settings.Zone == nil {
		settings.Zone = time.UTC
	}
	if settings.Currency == "" {
		settings.Currency = "EUR"
	}
	if settings.Policy.Name == "" {
		settings.Policy = ledger.Presets[0]
	}
	return Catalogue{settings, settings.stamp()}
}

// stamp tells settings apart that measure differently.
func (s Settings) stamp() string {
	b, err := json.Marshal(struct {
		Precedence cairn.Precedence
		Meaningful Meaningful
		Metrics    []Metric
		Policy     ledger.Policy
		Rates      []ledger.Rate
	}{s.Precedence, s.Meaningful, s.Metrics, s.Policy, s.Rates})
	if err != nil {
		return fmt.Sprintf("%#v", s) // a value that JSON cannot hold does not pass Check
	}
	return string(b)
}

// Settings returns what the catalogue was made with, defaults filled in.
func (c Catalogue) Settings() Settings { return c.settings }

// Defs returns all signals that every account has, missing or not, metrics
// last. Traits, which follow from the fields that sources send, and signals of
// one product are not among them.
func (c Catalogue) Defs() []Def {
	out := Defs()
	for _, m := range c.settings.Metrics {
		out = append(out, m.def())
	}
	return out
}

// Def returns what a signal means, also of a trait, and false when there is
// no such signal.
func (c Catalogue) Def(name string) (Def, bool) {
	if short, ok := strings.CutPrefix(name, metricPrefix); ok {
		m, ok := c.settings.metric(short)
		return m.def(), ok
	}
	return Find(name)
}

// Defs returns all signals but traits and metrics.
func Defs() []Def { return slices.Clone(defs) }

// Find returns what a signal means, also of a trait or in one product. Of a
// metric it knows no more than the name; see [Catalogue.Def].
func Find(name string) (Def, bool) {
	if short, ok := strings.CutPrefix(name, metricPrefix); ok {
		m := Metric{Name: short, Title: upper(strings.ReplaceAll(short, "_", " ")), Meaning: "A metric that this workspace defines."}
		return m.def(), metricName.MatchString(short)
	}
	if whole, product, ok := strings.Cut(name, inProduct); ok && slices.Contains(perProduct, whole) {
		def, _ := Find(whole)
		def.Name, def.Group = name, inProducts
		def.Label += ", " + cmp.Or(product, "main product")
		def.Description += " Of events in this product alone."
		return def, true
	}
	if field, ok := strings.CutPrefix(name, traitPrefix); ok && field != "" {
		return Def{
			Name: name, Label: strings.ReplaceAll(field, "_", " "), Type: cairn.Text, Group: "Traits",
			Source: "account", Description: "The account's field " + field + ", as its sources state it; a number when it is one.",
		}, true
	}
	i := slices.IndexFunc(defs, func(d Def) bool { return d.Name == name })
	if i < 0 {
		return Def{}, false
	}
	return defs[i], true
}

// The groups of signals.
const (
	inUsage     = "Usage"
	inSupport   = "Support"
	inBilling   = "Billing"
	inContract  = "Contract"
	inSentiment = "Sentiment"
	inPeople    = "People"
	inTouch     = "Engagement"
	inAccount   = "Account"
	inProducts  = "Usage by product"
	inMetrics   = "Metrics"
)

// perProduct are the signals that each of several products has.
var perProduct = []string{Active7, Active28, ActiveChange, DaysActive, Events28, Distinct28, SinceActivity}

func upper(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// The names that code refers to; see defs for what they mean.
const (
	Active7        = "usage.active_people_7d"
	Active28       = "usage.active_people_28d"
	ActiveChange   = "usage.active_people_change_28d"
	DaysActive     = "usage.days_active_28d"
	Events28       = "usage.events_28d"
	Distinct28     = "usage.distinct_events_28d"
	SinceActivity  = "usage.days_since_activity"
	LicenceUse     = "usage.licence_use"
	PeerRank       = "usage.peer_rank"
	OpenTickets    = "support.open_tickets"
	OldestOpen     = "support.oldest_open_days"
	MedianClose    = "support.median_close_hours_90d"
	Reopened       = "support.reopened_90d"
	EscalatedOpen  = "support.escalated_open"
	Tickets90      = "support.tickets_90d"
	Overdue        = "billing.overdue_days"
	FailedPayments = "billing.failed_payments_90d"
	OpenInvoices   = "billing.open_invoices"

	OverdueAmount   = "billing.overdue_amount"
	LateShare       = "billing.late_share_365d"
	FailingInvoices = "billing.failing_invoices"
	CardExpiresIn   = "billing.card_expires_in_days"
	Stopped         = "billing.stopped"

	MRR            = "contract.mrr"
	RenewsIn       = "contract.renews_in_days"
	ContractTenure = "contract.tenure_days"
	Seats          = "contract.seats"
	NPS            = "sentiment.nps_last"
	CSAT           = "sentiment.csat_last"
	CES            = "sentiment.ces_last"
	SinceAnswer    = "sentiment.days_since_answer"
	Champion       = "people.champion_present"
	SinceChampion  = "people.days_since_champion_seen"
	OptedOut       = "people.opted_out"
	KnownPeople    = "people.known"
	SinceTalk      = "engagement.days_since_interaction"
	Mood           = "engagement.mood_last"
	Tenure         = "account.tenure_days"
)

const traitPrefix = "trait."

var defs = []Def{
	{Active7, "Active people in 7 days", "people", cairn.Number, inUsage, "track events",
		"People with at least one meaningful event in the last 7 days, today included. Visitors who are not signed in are nobody."},
	{Active28, "Active people in 28 days", "people", cairn.Number, inUsage, "track events",
		"People with at least one meaningful event in the last 28 days, today included."},
	{ActiveChange, "Change of active people", "%", cairn.Number, inUsage, "track events",
		"Active people of the last 28 days against the 28 days before. Missing until the account is known for 56 days, and when nobody was active before."},
	{DaysActive, "Days with activity", "days", cairn.Number, inUsage, "track events",
		"Of the last 28 days, those with at least one meaningful event."},
	{Events28, "Meaningful events", "events", cairn.Number, inUsage, "track events",
		"Meaningful events in the last 28 days."},
	{Distinct28, "Different things done", "kinds of event", cairn.Number, inUsage, "track events",
		"Different meaningful events in the last 28 days: how broadly the product is used."},
	{SinceActivity, "Days since activity", "days", cairn.Number, inUsage, "track events",
		"Days since the last meaningful event."},
	{LicenceUse, "Licence use", "%", cairn.Number, inUsage, "track events and contracts",
		"Active people of the last 28 days in percent of the seats bought. Over 100 when more people are active than seats were sold."},
	{PeerRank, "Rank among all accounts", "%", cairn.Number, inUsage, "track events and the day's yardstick",
		"The percentage of accounts with fewer active people in 28 days, as of the last midnight."},
	{OpenTickets, "Open tickets", "tickets", cairn.Number, inSupport, "tickets",
		"Tickets that were opened and are neither solved nor closed."},
	{OldestOpen, "Age of the oldest open ticket", "days", cairn.Number, inSupport, "tickets",
		"Days that the longest waiting open ticket is open; 0 when none is."},
	{MedianClose, "Time to close a ticket", "hours", cairn.Number, inSupport, "tickets",
		"Median hours from opened to closed of the tickets closed in the last 90 days. Missing when none was."},
	{Reopened, "Reopened tickets", "times", cairn.Number, inSupport, "tickets",
		"How often a ticket was reopened in the last 90 days."},
	{EscalatedOpen, "Escalated open tickets", "tickets", cairn.Number, inSupport, "tickets",
		"Open tickets that are marked as escalated."},
	{Tickets90, "Tickets in 90 days", "tickets", cairn.Number, inSupport, "tickets",
		"Tickets opened in the last 90 days."},
	{Overdue, "Days overdue", "days", cairn.Number, inBilling, "invoices",
		"Days that the longest overdue invoice is past its due day; 0 when none is."},
	{FailedPayments, "Failed payments", "payments", cairn.Number, inBilling, "invoices",
		"Attempts to collect an invoice that failed in the last 90 days."},
	{OpenInvoices, "Open invoices", "invoices", cairn.Number, inBilling, "invoices",
		"Invoices that were issued and are neither paid nor void, due or not."},
	{OverdueAmount, "Amount overdue", "", cairn.Amount, inBilling, "invoices",
		"What the overdue invoices come to, in minor units of the workspace's currency; missing while one is in another currency for which there is no rate."},
	{LateShare, "Invoices not paid in time", "%", cairn.Number, inBilling, "invoices",
		"Of the invoices that fell due in the last 365 days, those that were not paid by their due day. Missing when none fell due."},
	{FailingInvoices, "Invoices that could not be collected", "invoices", cairn.Number, inBilling, "invoices",
		"Invoices of which an attempt to collect failed and that are not paid since."},
	{CardExpiresIn, "Days until the card expires", "days", cairn.Number, inBilling, "contracts, else the account",
		"Days to the last day of the month that stands on the card that pays, of several the first to expire; below 0 when it has expired. Missing where no card is known."},
	{Stopped, "Payments stopped", "times", cairn.Number, inBilling, "invoices and contracts",
		"Invoices that are disputed or given up as uncollectible, and contracts of which billing says that they are past due or unpaid."},
	{MRR, "Recurring revenue a month", "", cairn.Amount, inContract, "contracts",
		"What the contracts bring in a month, as the ledger counts them under the workspace's policy: discounts, trials, pauses and ends included. In minor units of the workspace's currency; missing while a contract is in another one for which there is no rate."},
	{RenewsIn, "Days to renewal", "days", cairn.Number, inContract, "contracts",
		"Days to the earliest renewal or end of an active contract that is still to come."},
	{ContractTenure, "Days under contract", "days", cairn.Number, inContract, "contracts",
		"Days since the first contract began."},
	{Seats, "Seats", "seats", cairn.Number, inContract, "contracts, else the account",
		"Seats of the active contracts; where none states them, those that the account's own field states."},
	{NPS, "Last recommendation score", "of 10", cairn.Number, inSentiment, "answers",
		"The latest answer to the recommendation question (NPS), 0 to 10."},
	{CSAT, "Last satisfaction score", "of 5", cairn.Number, inSentiment, "answers",
		"The latest answer to the satisfaction question (CSAT), 1 to 5."},
	{CES, "Last effort score", "of 7", cairn.Number, inSentiment, "answers",
		"The latest answer to the effort question (CES), 1 to 7, where 7 is easy."},
	{SinceAnswer, "Days since an answer", "days", cairn.Number, inSentiment, "answers",
		"Days since anybody answered a survey."},
	{Champion, "Champion known", "", cairn.Truth, inPeople, "people",
		"Whether somebody at the account is marked as champion. Missing until anybody has a role."},
	{SinceChampion, "Days since a champion was seen", "days", cairn.Number, inPeople, "people and events",
		"Days since the last event of a champion; of several, the one seen last."},
	{OptedOut, "People who opted out", "people", cairn.Number, inPeople, "people",
		"People who do not want to be written to."},
	{KnownPeople, "People known", "people", cairn.Number, inPeople, "people and events",
		"People whom a source stated, and those who were seen in the last 28 days."},
	{SinceTalk, "Days since we talked", "days", cairn.Number, inTouch, "interactions",
		"Days since the last call, meeting, mail or note that was written down."},
	{Mood, "Mood at the last talk", "", cairn.Number, inTouch, "interactions",
		"The mood that was noted last: 1 good, 0 neutral, −1 bad."},
	{Tenure, "Days as an account", "days", cairn.Number, inAccount, "account and events",
		"Days since the account was created, or since its first event where that is not stated."},
}
