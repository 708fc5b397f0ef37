package app

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/outcome"
	"cairn/internal/revenue"
)

// keepBooks has the books about revenue at hand: they are made when the server
// starts, and anew when the day turns, so that nobody who opens a page waits
// for them. In between they are mended by whoever asks.
func (a *App) keepBooks(ctx context.Context) {
	for {
		if err := a.openBooks(ctx); err != nil && ctx.Err() == nil {
			a.log.Warn("the books about revenue are not at hand; the first page makes them", "err", err)
		}
		now, zone := a.Clock.Now(), a.Store.Settings().Zone
		midnight := time.NewTimer(cairn.DayOf(now, zone).End(zone).Sub(now) + time.Second)
		select {
		case <-ctx.Done():
			midnight.Stop()
			return
		case <-midnight.C:
		}
	}
}

// openBooks asks once what the pages about revenue ask, in the order of a
// leader's visit.
func (a *App) openBooks(ctx context.Context) error {
	all := cairn.Everything
	for _, ask := range []func() error{
		func() error { _, err := a.Revenue.Overview(ctx, all, revenue.Query{}); return err },
		func() error { _, err := a.Renewals.Renewals(ctx, all, outcome.RenewalQuery{}); return err },
		func() error { _, err := a.Revenue.Churn(ctx, all, revenue.Query{}); return err },
		func() error { _, err := a.Losses.Losses(ctx, all, outcome.LossQuery{}); return err },
		func() error { _, err := a.Payment.Report(ctx, all, time.Time{}); return err },
		func() error { _, err := a.Opportunities.Suggestions(ctx, all); return err },
	} {
		if err := ask(); err != nil {
			return err
		}
	}
	return nil
}
