package signal

import (
	"cmp"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// Settings are what a workspace decides that changes what is measured.
type Settings struct {
	Zone       *time.Location // whose days and windows; nil: UTC
	Currency   string         // of money signals; empty: EUR
	Precedence cairn.Precedence
	Meaningful Meaningful
	Metrics    []Metric
	Policy     ledger.Policy // what counts as revenue; zero: Cairn's
	Rates      []ledger.Rate // into Currency
	Trail      int           // for how many days before a moment levels are asked for; 0: 14 weeks
}

// defaultTrail is 13 ends of weeks, and the days since the last of them.
const defaultTrail = 14 * 7

// TrailDays returns for how many days before a moment levels are asked for.
func (s Settings) TrailDays() int { return cmp.Or(s.Trail, defaultTrail) }

// Counters returns what the fold must tally for the metrics beside names.
func (s Settings) Counters() []Counter {
	var out []Counter
	for _, m := range s.Metrics {
		if c, ok := m.counter(); ok {
			out = append(out, c)
		}
	}
	return out
}
