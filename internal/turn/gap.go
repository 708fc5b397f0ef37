package turn

import (
	"context"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// Silences are what is known of sources that cannot be measured by.
type Silences interface {
	// Silences returns those that cover any moment from one to another.
	Silences(ctx context.Context, from, to time.Time) ([]signal.Silence, error)
	// Feeds returns what the sources feed each of the accounts with.
	Feeds(ctx context.Context, ids []cairn.AccountID, sources []string) (map[cairn.AccountID][]signal.Feed, error)
}

// tooOld reports whether a moment has to be measured that lies before what is
// loaded for now.
func tooOld(heard time.Time, trail time.Duration, now time.Time) bool {
	return !heard.IsZero() && heard.Before(now.Add(-trail))
}

// gapsOf returns the gaps of the accounts that are due. While no source is
// silent it costs one look at a small table.
func gapsOf(ctx context.Context, s Silences, due []Due, trail time.Duration, now time.Time) (map[cairn.AccountID][]signal.Gap, error) {
	ids := make([]cairn.AccountID, len(due))
	for i, d := range due {
		ids[i] = d.Account
	}
	return gaps(ctx, s, ids, now.Add(-trail), now)
}

func gaps(ctx context.Context, s Silences, ids []cairn.AccountID, from, to time.Time) (map[cairn.AccountID][]signal.Gap, error) {
	silences, err := s.Silences(ctx, from, to)
	if err != nil || len(silences) == 0 {
		return nil, err
	}
	var sources []string
	for _, q := range silences {
		sources = append(sources, q.Source)
	}
	feeds, err := s.Feeds(ctx, ids, sources)
	if err != nil {
		return nil, err
	}
	out := map[cairn.AccountID][]signal.Gap{}
	for id, f := range feeds {
		out[id] = signal.Gaps(silences, f)
	}
	return out, nil
}
