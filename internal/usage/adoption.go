package usage

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// Adoption tells how an account took up the product in the weeks up to t.
func (s *Service) Adoption(ctx context.Context, scope cairn.Scope, id cairn.AccountID, t time.Time, weeks int) (signal.Adoption, error) {
	if !scope.Sees(id) {
		return signal.Adoption{}, cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	defs, err := s.Definitions(ctx)
	if err != nil {
		return signal.Adoption{}, err
	}
	st, err := s.Store.State(ctx, id, t.AddDate(0, 0, -7*weeks), t)
	if err != nil {
		return signal.Adoption{}, err
	}
	return defs.Catalogue.Adoption(st, t, weeks), nil
}

// Catalogue returns what signals there are and what they mean, metrics included.
func (s *Service) Catalogue(ctx context.Context) (signal.Catalogue, error) {
	defs, err := s.Definitions(ctx)
	return defs.Catalogue, err
}
