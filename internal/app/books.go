package app

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/revenue"
)

// keepBooks has the books about revenue at hand: they are made when the server
// starts, and anew when the day turns, so that nobody who opens a page waits
// for them. In between they are mended by whoever asks.
func (a *App) keepBooks(ctx context.Context) {
	for {
		if _, err := a.Revenue.Overview(ctx, cairn.Everything, revenue.Query{}); err != nil && ctx.Err() == nil {
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
