package rule

// Defaults returns the rules that a new workspace starts with. Each leaves out
// accounts that are churned or ignored.
func Defaults() []Rule {
	return []Rule{
		{
			Name: "level-low", Title: "Level fell below 40", Play: "save",
			All: []Condition{
				{Field: level, Op: "below", Value: 40.0},
				{Field: "account.tenure_days", Op: "at_least", Value: 28.0, Label: "days as an account", Guard: true},
			},
		},
		{
			Name: "falling-fast", Title: "Falling by 8 points in 30 days", Play: "save",
			All: []Condition{
				{Field: slope, Op: "at_most", Value: -8.0, Label: "change of the level in 30 days", Says: "the level moved by {value} points in 30 days"},
				{Field: "account.tenure_days", Op: "at_least", Value: 56.0, Label: "days as an account", Guard: true},
			},
		},
		{
			Name: "no-activity", Title: "No activity for 14 days", Play: "re-engage",
			All: []Condition{
				{Field: "usage.days_since_activity", Op: "at_least", Value: 14.0, Label: "days since activity", Says: "nobody has used the product for {value} day(s)"},
			},
		},
		{
			Name: "renewal-falling", Title: "Renews within 90 days and is falling", Play: "secure-renewal",
			All: []Condition{
				{Field: "contract.renews_in_days", Op: "at_most", Value: 90.0, Label: "days to renewal", Says: "the contract renews in {value} day(s)"},
				{Field: way, Op: "is", Value: "falling", Label: "the way"},
			},
		},
		{
			Name: "payment-overdue", Title: "An invoice is overdue for 14 days", Play: "settle-invoice",
			All: []Condition{
				{Field: "billing.overdue_days", Op: "at_least", Value: 14.0, Label: "days overdue", Says: "an invoice is {value} day(s) overdue"},
			},
		},
		{
			Name: "payment-failed", Title: "A payment failed", Play: "check-payment",
			All: []Condition{
				{Field: "billing.failed_payments_90d", Op: "at_least", Value: 1.0, Label: "failed payments in 90 days"},
			},
		},
		{
			Name: "card-expiring", Title: "The card expires within 30 days", Play: "renew-card",
			All: []Condition{
				{Field: "billing.card_expires_in_days", Op: "at_most", Value: 30.0, Label: "days until the card expires", Says: "the card that pays expires in {value} day(s)"},
			},
		},
		{
			Name: "champion-gone", Title: "The champion was not seen for 30 days", Play: "find-champion",
			All: []Condition{
				{Field: "people.days_since_champion_seen", Op: "at_least", Value: 30.0, Label: "days since a champion was seen", Says: "the champion was last seen {value} day(s) ago"},
			},
		},
	}
}
