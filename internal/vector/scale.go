package vector

import (
	"fmt"
	"math"
	"strings"

	"cairn"
)

// fullScore is the score of a leaf at its best.
const fullScore = 1_000_000

// score returns how much of what it could a leaf gives for a value, in
// millionths, and in which of its bands it lies (-1: it has none). It is false
// when the signal is missing, or a text that no band names.
func (l *Leaf) score(s cairn.Signal) (score int64, band int, known bool) {
	switch {
	case !s.Known:
		return 0, -1, false
	case len(l.Bands) > 0:
		i := l.band(s)
		if i < 0 {
			return 0, -1, false
		}
		return int64(math.Round(l.Bands[i].Gives * fullScore / 100)), i, true
	}
	part := (s.Number - l.Worst) / (l.Best - l.Worst)
	return int64(math.Round(min(max(part, 0), 1) * fullScore)), -1, true
}

// band returns the band that a value lies in, -1 when there is none. What lies
// outside all ranges belongs to the nearest.
func (l *Leaf) band(s cairn.Signal) int {
	if s.Text != "" {
		for i, b := range l.Bands {
			for _, is := range b.Is {
				if strings.EqualFold(strings.TrimSpace(is), strings.TrimSpace(s.Text)) {
					return i
				}
			}
		}
		return -1
	}
	at, far := -1, math.Inf(1)
	for i := range l.Bands {
		b := &l.Bands[i]
		if len(b.Is) > 0 {
			continue
		}
		from, to := low(*b), high(*b)
		switch v := s.Number; {
		case v > from && v < to, v == from && l.Border == ToHigher, v == to && l.Border == ToLower:
			return i
		case v <= from && from-v < far:
			at, far = i, from-v
		case v >= to && v-to < far:
			at, far = i, v-to
		}
	}
	return at
}

// Scale puts how a leaf rates into words, with its borders: "0 at 30 days …
// full at 3 days", or "healthy: all up to and with 2; poor: nothing above 2".
func (l *Leaf) Scale() string {
	if len(l.Bands) == 0 {
		return fmt.Sprintf("0 at %s … full at %s", inUnit(l.Signal, l.Worst), inUnit(l.Signal, l.Best))
	}
	parts := make([]string, len(l.Bands))
	for i, b := range l.Bands {
		parts[i] = strings.TrimSpace(gives(b.Gives) + " " + l.where(b))
		if b.Label != "" {
			parts[i] = b.Label + ": " + parts[i]
		}
	}
	return strings.Join(parts, "; ")
}

func gives(percent float64) string {
	switch percent {
	case 0:
		return "nothing"
	case 50:
		return "half"
	case 100:
		return "all"
	}
	return plain(percent) + " %"
}

// where says which values a band holds.
func (l *Leaf) where(b Band) string {
	higher := l.Border == ToHigher
	pick := func(a, b string) string {
		if higher {
			return a
		}
		return b
	}
	switch {
	case len(b.Is) > 0:
		return "when it is " + strings.Join(b.Is, " or ")
	case b.From == nil && b.To == nil:
		return "whatever it is"
	case b.From == nil:
		return pick("below ", "up to and with ") + inUnit(l.Signal, *b.To)
	case b.To == nil:
		return pick("from ", "above ") + inUnit(l.Signal, *b.From) + pick(" on", "")
	}
	return pick("from ", "above ") + plain(*b.From) + pick(" to below ", " up to and with ") + inUnit(l.Signal, *b.To)
}
