package sqlstore

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"cairn"
)

// A gap is a silence that may yet be filled.
type gap struct {
	alarm        int64
	source       string
	heard, ended int64 // At of what was missing lies between; ended 0: it lasts
}

// gapped remembers the gaps for a few seconds, so that the door asks for them
// rarely. Another node may have seen one begin or end meanwhile; what is then
// not counted is little of what fills a gap.
type gapped struct {
	mu     sync.Mutex
	read   time.Time // by the machine's clock
	source map[string][]gap
}

const (
	gapsKept = 5 * time.Second
	// backfilled is by how much older than its arrival a record must be, to be
	// one that was held back.
	backfilled = 15 * time.Minute
	// fillable is for how long after its end a silence may be filled.
	fillable = 120 * 24 * time.Hour
)

func (g *gapped) forget() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.read = time.Time{}
}

// of returns the gaps by source.
func (g *gapped) of(ctx context.Context, tx *Tx, now time.Time) (map[string][]gap, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if time.Since(g.read) < gapsKept {
		return g.source, nil
	}
	rows, err := tx.QueryContext(ctx, `
		/* source_gap.of */
		select id, source, heard, ended from alarm where stale = 1 and filled = 0 and (ended = 0 or ended > $1)`,
		cairn.Micros(now.Add(-fillable)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string][]gap{}
	for rows.Next() {
		var n gap
		if err := rows.Scan(&n.alarm, &n.source, &n.heard, &n.ended); err != nil {
			return nil, err
		}
		found[n.source] = append(found[n.source], n)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	g.source, g.read = found, time.Now()
	return found, nil
}

// fillGaps counts what was taken just now and is about a time in which its
// source was silent.
func (ad *admission) fillGaps(ctx context.Context) error {
	if len(ad.rows) == 0 {
		return nil
	}
	gaps, err := ad.s.filling.of(ctx, ad.tx, ad.rows[0].Seen)
	if err != nil || len(gaps) == 0 {
		return err
	}
	fills := map[int64]int64{}
	for _, en := range ad.rows {
		if en.Seen.Sub(en.At) < backfilled {
			continue
		}
		at := cairn.Micros(en.At)
		for _, g := range gaps[en.Source] {
			if at > g.heard && (g.ended == 0 || at < g.ended) {
				fills[g.alarm]++
			}
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(fills), cmp.Compare[int64]) { // one order for all, or writers deadlock
		if _, err := ad.tx.ExecContext(ctx, `
			/* source_gap.fillGaps */
			update alarm set late = late + $2 where id = $1`, id, fills[id]); err != nil {
			return err
		}
	}
	return nil
}
