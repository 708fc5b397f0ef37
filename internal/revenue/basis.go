package revenue

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// A Basis is how the workspace counts: what others need who tell of single
// contracts, so that they tell the same.
type Basis struct {
	Policy   ledger.Policy
	Reader   ledger.Reader
	Rates    *ledger.Rates
	Currency string
	At       time.Time
	Today    cairn.Day // of At
	Mark     string    // differs whenever any of this does, and every day
}

// Basis returns how the workspace counts by what was known at a moment (zero:
// now), under its policy and in the currency of its figures.
func (s *Service) Basis(ctx context.Context, known time.Time) (Basis, error) {
	var currency string
	_, err := s.ask(ctx, cairn.Everything, &Query{}, func(x *shelf, _ *roster, _ func(cairn.AccountID) bool) error {
		currency = x.currency
		return nil
	})
	if err != nil {
		return Basis{}, err
	}
	v, err := s.view(ctx, Query{Known: known})
	return Basis{
		Policy: v.policy, Reader: v.reader, Rates: ledger.NewRates(currency, v.rates), Currency: currency,
		At: v.now, Today: v.last, Mark: v.mark + "/" + v.policy.Name + "/" + currency + "/" + v.last.String(),
	}, err
}
