package signal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math"
	"slices"
	"strings"

	"cairn"
)

// A Counter is a tally beside those by event name: of events whose properties
// pass tests, or which sums another property than "value". What tallies by
// name can tell needs no counter.
type Counter struct {
	Events   []string `json:"events"` // names of track events; at least one
	Where    []Test   `json:"where,omitempty"`
	Property string   `json:"property,omitempty"` // that is summed; empty: "value"
}

// counted is how the names of counters' tallies begin, as no event's does.
const counted = "\x01"

// CounterMark is the first letter of a counter's key.
const CounterMark = counted

// Key returns the name of the counter's tally. The same events, tests and
// property have the same key.
func (c Counter) Key() string {
	c.Events = slices.Compact(slices.Sorted(slices.Values(c.Events)))
	b, err := json.Marshal(c)
	if err != nil {
		return counted // a value that JSON cannot hold does not pass check
	}
	sum := sha256.Sum256(b)
	return counted + hex.EncodeToString(sum[:8])
}

// Counters are counters made ready for the fold. Nil counts nothing.
type Counters struct {
	by    map[string][]prepared // by the name of the event
	keys  map[string]bool
	whole map[string]cairn.Day // by key: before that day events were dropped that it would need
}

type prepared struct {
	Counter
	key string
}

// Prepare makes counters ready; of those with the same key one is left.
func Prepare(cs []Counter) *Counters {
	if len(cs) == 0 {
		return nil
	}
	out := &Counters{by: map[string][]prepared{}, keys: map[string]bool{}}
	for _, c := range cs {
		p := prepared{c, c.Key()}
		if out.keys[p.key] {
			continue
		}
		out.keys[p.key] = true
		for _, name := range slices.Compact(slices.Sorted(slices.Values(c.Events))) {
			out.by[name] = append(out.by[name], p)
		}
	}
	return out
}

// Has reports whether a tally of this key is kept.
func (c *Counters) Has(key string) bool { return c != nil && c.keys[key] }

// more calls f for the counters that a track event passes. Personal properties
// are sealed and therefore not there.
func (c *Counters) more(e *cairn.Event, f func(name string, sum int64)) {
	if c == nil {
		return
	}
	by := c.by[e.Name]
	if len(by) == 0 {
		return
	}
	props := propertiesOf(e.Props)
	for _, p := range by {
		if p.passes(props) {
			f(p.key, p.sum(props, e))
		}
	}
}

// isCounted reports whether a tally's name is that of a counter.
func isCounted(name string) bool { return strings.HasPrefix(name, counted) }

func (c Counter) passes(props map[string]any) bool {
	for _, t := range c.Where {
		if v, there := property(props, t.Field); !t.holds(v, there) {
			return false
		}
	}
	return true
}

func (c Counter) sum(props map[string]any, e *cairn.Event) int64 {
	if c.Property == "" {
		return millionths(e.Props)
	}
	v, _ := property(props, c.Property)
	n, ok := numberOf(v)
	if !ok || math.Abs(n) > 1e11 {
		return 0
	}
	return int64(math.Round(n * 1e6))
}
