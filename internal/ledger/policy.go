package ledger

import (
	"slices"
	"strings"

	"cairn"
)

// A Policy says what counts. Each tool of the field has its own; see [Presets].
type Policy struct {
	Name      string      `json:"name"`
	Title     string      `json:"title"`
	Netting   Netting     `json:"netting"`
	Discounts Discounts   `json:"discounts"`
	PastDue   int         `json:"past_due_days"` // after so many days past due a customer has churned; 0: not before it is cancelled; -1: at once
	ChurnAt   ChurnAt     `json:"churn_at"`
	Second    Second      `json:"second_subscription"`
	SameMonth SameMonth   `json:"same_month"`
	Return    int         `json:"reactivation_days"` // who comes back within so many days is reactivated, later new; 0: reactivated always; -1: always new
	Refunds   Refunds     `json:"refunds"`
	Pause     Pause       `json:"pause"`
	Free      Free        `json:"free_downgrade"`
	Usage     bool        `json:"usage"` // metered amounts count
	Rates     RatesPolicy `json:"rates"`
}

// A Netting says which changes of one customer are one movement. Trials never
// count, and taxes never do, under any policy.
type Netting string

// The nettings.
const (
	ByDay   Netting = "day"   // all of a day
	ByMonth Netting = "month" // all of a month: ends of months are compared
)

// Discounts says which ones lower MRR.
type Discounts string

// The discounts.
const (
	AllDiscounts     Discounts = "all"
	ForeverDiscounts Discounts = "forever" // only those without an end
	NoDiscounts      Discounts = "none"
)

// A ChurnAt says when one who leaves has left.
type ChurnAt string

// The moments of churn.
const (
	WhenEnded     ChurnAt = "ended"      // when the subscription ends in billing
	WhenPeriodEnd ChurnAt = "period_end" // when what was paid for is over
	WhenSaid      ChurnAt = "said"       // when notice was given
)

// A Second says what a further subscription of a customer is.
type Second string

// A further subscription.
const (
	SecondExpansion Second = "expansion"
	SecondNew       Second = "new"
)

// A SameMonth says what becomes of one who comes and leaves within a month.
type SameMonth string

// Who comes and leaves within a month.
const (
	SameMonthBoth    SameMonth = "both"    // both movements are booked
	SameMonthIgnored SameMonth = "ignored" // neither
)

// A Refunds says what a refund does.
type Refunds string

// Refunds.
const (
	RefundsIgnored Refunds = "ignored"
	RefundsAnnual  Refunds = "annual" // one of a plan of a year or longer ends it
	RefundsEnd     Refunds = "end"    // ends the subscription
)

// A Pause says what a pause is.
type Pause string

// Pauses.
const (
	PauseContraction Pause = "contraction" // a downgrade to nothing; the customer stays
	PauseChurn       Pause = "churn"
	PauseKeep        Pause = "keep" // MRR goes on
)

// A Free says what a paying customer becomes who pays nothing any more.
type Free string

// Downgrades to nothing.
const (
	FreeChurn       Free = "churn"
	FreeContraction Free = "contraction" // the customer stays
)

// A RatesPolicy says which exchange rate counts.
type RatesPolicy string

// Rates.
const (
	RateFixed   RatesPolicy = "fixed"   // that of the day on which the line began: no movement ever comes from rates
	RateMonthly RatesPolicy = "monthly" // that of the first of each month; the effect is a movement apart
)

// Presets are the policies there are, ours first. The others follow what the
// tools document of themselves; where a tool says nothing, ours decides.
var Presets = []Policy{
	{
		Name: "cairn", Title: "Cairn: ends of months compared", Netting: ByMonth, Discounts: AllDiscounts, ChurnAt: WhenEnded,
		Second: SecondExpansion, SameMonth: SameMonthIgnored, Refunds: RefundsIgnored, Pause: PauseContraction, Free: FreeChurn, Rates: RateFixed,
	},
	{
		Name: "chartmogul", Title: "as ChartMogul", Netting: ByDay, Discounts: AllDiscounts, ChurnAt: WhenPeriodEnd,
		Second: SecondExpansion, SameMonth: SameMonthBoth, Refunds: RefundsIgnored, Pause: PauseContraction, Free: FreeContraction, Rates: RateFixed,
	},
	{
		Name: "profitwell", Title: "as ProfitWell", Netting: ByDay, Discounts: AllDiscounts, PastDue: 30, ChurnAt: WhenPeriodEnd,
		Second: SecondExpansion, SameMonth: SameMonthIgnored, Refunds: RefundsAnnual, Pause: PauseContraction, Free: FreeChurn, Usage: true, Rates: RateFixed,
	},
	{
		Name: "stripe", Title: "as Stripe", Netting: ByDay, Discounts: ForeverDiscounts, ChurnAt: WhenEnded,
		Second: SecondExpansion, SameMonth: SameMonthBoth, Refunds: RefundsIgnored, Pause: PauseKeep, Free: FreeChurn, Rates: RateMonthly,
	},
	{
		Name: "baremetrics", Title: "as Baremetrics", Netting: ByDay, Discounts: AllDiscounts, PastDue: 30, ChurnAt: WhenEnded, Return: -1,
		Second: SecondExpansion, SameMonth: SameMonthBoth, Refunds: RefundsIgnored, Pause: PauseContraction, Free: FreeChurn, Rates: RateFixed,
	},
}

// Preset returns the policy of a name; "" is ours.
func Preset(name string) (Policy, error) {
	if name == "" {
		return Presets[0], nil
	}
	var names []string
	for _, p := range Presets {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Policy{}, cairn.Errorf(cairn.NotFound, "There is no policy %q; there are %s.", name, strings.Join(names, ", ")).At("policy")
}

// Check refuses a policy that says what cannot be.
func (p Policy) Check() error {
	for _, c := range []struct {
		field string
		ok    bool
		words string
	}{
		{"name", p.Name != "" && len(p.Name) <= 60, "a name of up to 60 characters"},
		{"netting", slices.Contains([]Netting{ByDay, ByMonth}, p.Netting), "day or month"},
		{"discounts", slices.Contains([]Discounts{AllDiscounts, ForeverDiscounts, NoDiscounts}, p.Discounts), "all, forever or none"},
		{"past_due_days", p.PastDue >= -1 && p.PastDue <= 365, "a number of days up to 365, 0 for never or -1 for at once"},
		{"churn_at", slices.Contains([]ChurnAt{WhenEnded, WhenPeriodEnd, WhenSaid}, p.ChurnAt), "ended, period_end or said"},
		{"second_subscription", slices.Contains([]Second{SecondExpansion, SecondNew}, p.Second), "expansion or new"},
		{"same_month", slices.Contains([]SameMonth{SameMonthBoth, SameMonthIgnored}, p.SameMonth), "both or ignored"},
		{"reactivation_days", p.Return >= -1 && p.Return <= 3650, "a number of days up to 3650, 0 for ever or -1 for never"},
		{"refunds", slices.Contains([]Refunds{RefundsIgnored, RefundsAnnual, RefundsEnd}, p.Refunds), "ignored, annual or end"},
		{"pause", slices.Contains([]Pause{PauseContraction, PauseChurn, PauseKeep}, p.Pause), "contraction, churn or keep"},
		{"free_downgrade", slices.Contains([]Free{FreeChurn, FreeContraction}, p.Free), "churn or contraction"},
		{"rates", slices.Contains([]RatesPolicy{RateFixed, RateMonthly}, p.Rates), "fixed or monthly"},
	} {
		if !c.ok {
			return cairn.Errorf(cairn.Invalid, "The policy needs %s.", c.words).At(c.field)
		}
	}
	return nil
}
