package ingest

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"cairn"
)

// An AlarmKind is what is wrong with a source.
type AlarmKind string

// The kinds of alarm.
const (
	Silent    AlarmKind = "silence"  // it has not been heard for longer than agreed
	Untrusted AlarmKind = "distrust" // too much of what it sends breaks the contract
	Drifting  AlarmKind = "drift"    // a rule of the contract is broken again and again
	Volume    AlarmKind = "volume"   // it sends much less, or much more, than usual
)

// An Alarm is a time in which something is wrong with a source. It is kept
// when it has ended.
type Alarm struct {
	ID     int64     `json:"id"`
	Source string    `json:"source"`
	Kind   AlarmKind `json:"kind"`
	Rule   string    `json:"rule,omitempty"` // of a drift: the event and the field
	Heard  time.Time `json:"heard"`          // the last moment at which all was well
	Began  time.Time `json:"began"`
	Ended  time.Time `json:"ended,omitzero"`  // zero: it lasts
	Stale  bool      `json:"stale"`           // signals are measured as of Heard
	Late   int64     `json:"late,omitempty"`  // records that came later and are about that time
	Filled time.Time `json:"filled,omitzero"` // when these were enough to measure by; zero: they are not
	Why    string    `json:"why"`
}

// Alarms are kept for the Sources page and for what is measured.
type Alarms interface {
	// Alarms returns those of a source (empty: of all) that last, or ended after
	// a moment, the newest first.
	Alarms(ctx context.Context, scope cairn.Scope, source string, after time.Time) ([]Alarm, error)
}

// A WatchStore is what watching needs.
type WatchStore interface {
	Alarms
	// Watched returns all sources with when each was heard last; zero: never.
	Watched(ctx context.Context) ([]Source, map[string]time.Time, error)
	Arrivals(ctx context.Context, scope cairn.Scope, source string, from time.Time) ([]Arrival, error)
	Breaches(ctx context.Context, scope cairn.Scope, source string, from time.Time) ([]Breach, error)
	// Filling returns the silences that have ended and of which records came
	// later, until they are filled.
	Filling(ctx context.Context) ([]Alarm, error)
	// CommitWatch is one transaction: it keeps alarms that began, ends others,
	// and notes which were filled. It lets the accounts be measured again whose
	// signals these make stale; what was filled is history, about which nothing
	// is decided.
	CommitWatch(ctx context.Context, now time.Time, began, ended, filled []Alarm) error
}

// A Watcher is the stage that raises and clears alarms.
type Watcher struct {
	Store WatchStore
	Zone  func() *time.Location
	Rest  time.Duration // between two looks, by the machine's clock; 0: none
	Now   func() time.Time

	mu     sync.Mutex
	looked time.Time // by the machine's clock
	asked  bool      // to look, while it rested
	next   time.Time // when the next source is overdue; zero: none will be

	volumes map[string]judged // by source
}

// judged is what was found of the volume of full hours, which does not change
// until the next is full.
type judged struct {
	hour  time.Time
	alarm Alarm
	odd   bool
}

// Beat looks at every source and reports whether an alarm began or ended.
func (w *Watcher) Beat(ctx context.Context, now time.Time) (worked bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if time.Since(w.looked) < w.Rest {
		w.asked = true
		return false, nil
	}
	w.looked, w.asked, w.next = time.Now(), false, time.Time{}
	sources, heard, err := w.Store.Watched(ctx)
	if err != nil {
		return false, err
	}
	open, err := w.Store.Alarms(ctx, cairn.Everything, "", now)
	if err != nil {
		return false, err
	}
	var began, ended []Alarm
	for _, src := range sources {
		is, err := w.judge(ctx, src, heard[src.Name], now)
		if err != nil {
			return false, err
		}
		b, e := changes(src.Name, open, is, heard[src.Name], now)
		began, ended = append(began, b...), append(ended, e...)
	}
	filled, err := w.filled(ctx, now)
	if err != nil {
		return false, err
	}
	if len(began)+len(ended)+len(filled) == 0 {
		return false, nil
	}
	return true, w.Store.CommitWatch(ctx, now, began, ended, filled)
}

// filled returns the silences of which enough came later to measure by: half of
// what the source sent in as long a time before. A few records that were late
// make no silent week a busy one.
func (w *Watcher) filled(ctx context.Context, now time.Time) ([]Alarm, error) {
	list, err := w.Store.Filling(ctx)
	if err != nil {
		return nil, err
	}
	var out []Alarm
	for _, a := range list {
		from := a.Heard.Add(-a.Ended.Sub(a.Heard))
		arrivals, err := w.Store.Arrivals(ctx, cairn.Everything, a.Source, from.Truncate(time.Hour))
		if err != nil {
			return nil, err
		}
		var usual int64
		for _, n := range arrivals {
			if n.Hour.Before(a.Heard) {
				usual += n.Accepted + n.Late
			}
		}
		if 2*a.Late >= usual {
			a.Filled = now
			out = append(out, a)
		}
	}
	return out, nil
}

// Next returns when the watcher looks again though nothing wakes it: when it
// has rested, or when the next source is overdue.
func (w *Watcher) Next(context.Context) (time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.asked {
		return w.Now().Add(w.Rest - time.Since(w.looked)), nil
	}
	return w.next, nil
}

// changes compares what is wrong with what was: what began, and what ended.
func changes(source string, open, is []Alarm, heard, now time.Time) (began, ended []Alarm) {
	same := func(a, b Alarm) bool { return a.Source == b.Source && a.Kind == b.Kind && a.Rule == b.Rule }
	for _, a := range is {
		if !slices.ContainsFunc(open, func(o Alarm) bool { return o.Ended.IsZero() && same(o, a) }) {
			began = append(began, a)
		}
	}
	for _, o := range open {
		if o.Source != source || !o.Ended.IsZero() || slices.ContainsFunc(is, func(a Alarm) bool { return same(o, a) }) {
			continue
		}
		o.Ended = now
		if o.Kind == Silent && heard.After(o.Began) && heard.Before(now) {
			o.Ended = heard // when it spoke again
		}
		ended = append(ended, o)
	}
	return began, ended
}

// judge returns what is wrong with a source.
func (w *Watcher) judge(ctx context.Context, src Source, heard, now time.Time) ([]Alarm, error) {
	zone := time.UTC
	if w.Zone != nil {
		zone = w.Zone()
	}
	var out []Alarm
	if a, ok := silence(src, heard, now, zone); ok {
		out = append(out, a)
	} else if src.Cadence != nil && !heard.IsZero() {
		if at := src.Cadence.Overdue(heard, zone); w.next.IsZero() || at.Before(w.next) {
			w.next = at
		}
	}
	if src.Contract != nil {
		breaches, err := w.Store.Breaches(ctx, cairn.Everything, src.Name, now.Truncate(time.Hour).Add(-48*time.Hour))
		if err != nil {
			return nil, err
		}
		out = append(out, drifts(src, breaches, now)...)
	}
	v := w.volumes[src.Name]
	if hour := now.Truncate(time.Hour); !v.hour.Equal(hour) {
		arrivals, err := w.Store.Arrivals(ctx, cairn.Everything, src.Name, hour.AddDate(0, 0, -7*volumeWeeks-1))
		if err != nil {
			return nil, err
		}
		v.hour = hour
		v.alarm, v.odd = volume(src, arrivals, now, zone)
		if w.volumes == nil {
			w.volumes = map[string]judged{}
		}
		w.volumes[src.Name] = v
	}
	if v.odd {
		out = append(out, v.alarm)
	}
	return out, nil
}

// silence judges whether a source is silent. One that was never heard is not.
func silence(src Source, heard, now time.Time, zone *time.Location) (Alarm, bool) {
	if src.Cadence == nil || heard.IsZero() {
		return Alarm{}, false
	}
	overdue := src.Cadence.Overdue(heard, zone)
	if now.Before(overdue) {
		return Alarm{}, false
	}
	return Alarm{
		Source: src.Name, Kind: Silent, Heard: heard, Began: overdue, Stale: true,
		Why: fmt.Sprintf("Silent since %s. It is expected %s.", heard.In(zone).Format("2 Jan, 15:04"), src.Cadence),
	}, true
}

// What it takes to raise an alarm about breaches.
const (
	fewestChecked = 20 // records in the hour that passes and the one before
	driftShare    = 5  // percent of them
)

// A share is how many records broke a rule in one way.
type share struct{ broke, of int64 }

func (s share) percent() float64 { return 100 * float64(s.broke) / float64(max(s.of, 1)) }

// drifts judges what breaks the contract, in this hour and the one before.
func drifts(src Source, breaches []Breach, now time.Time) []Alarm {
	recent := now.Truncate(time.Hour).Add(-time.Hour)
	checked := map[string]int64{}
	for _, b := range breaches {
		if b.Problem == Checked && !b.Hour.Before(recent) {
			checked[b.Rule] += b.N
		}
	}
	type kind struct{ rule, field, problem string }
	broke := map[kind]int64{}
	for _, b := range breaches {
		if b.Problem != Checked && !b.Hour.Before(recent) && checked[b.Rule] > 0 {
			broke[kind{b.Rule, b.Field, b.Problem}] += b.N
		}
	}
	var out []Alarm
	for k, n := range broke {
		s := share{n, checked[k.rule]}
		if s.of < fewestChecked || s.percent() < driftShare {
			continue
		}
		rule := k.rule + ": " + k.field + " " + k.problem
		out = append(out, Alarm{
			Source: src.Name, Kind: Drifting, Rule: rule, Heard: recent, Began: now,
			Why: fmt.Sprintf("%s of %s: %s in %.0f %% of %s.", k.field, k.rule, driftWords[k.problem], min(s.percent(), 100), several(s.of)),
		})
	}
	slices.SortFunc(out, func(a, b Alarm) int { return cmp.Compare(a.Rule, b.Rule) })
	if a, ok := distrust(src, breaches, now); ok {
		out = append(out, a)
	}
	return out
}

var driftWords = map[string]string{
	Missing: "missing, though required,", WrongType: "of another type than agreed", WrongWord: "none of the agreed values", OutOf: "outside of the agreed range", Unnamed: "not agreed",
}

// distrust judges whether so much breaks the contract that nothing is measured
// by the source.
func distrust(src Source, breaches []Breach, now time.Time) (Alarm, bool) {
	if src.Distrust == 0 {
		return Alarm{}, false
	}
	hours := map[time.Time]share{}
	for hour, of := range byRule(breaches) {
		var sum share
		for _, s := range of {
			sum.broke, sum.of = sum.broke+s.broke, sum.of+s.of
		}
		hours[hour] = sum
	}
	bad := func(hour time.Time) (share, bool) {
		s := hours[hour]
		return s, s.of >= fewestChecked && s.percent() >= float64(src.Distrust)
	}
	hour := now.Truncate(time.Hour)
	if hours[hour].of < fewestChecked { // too early in this hour to tell
		hour = hour.Add(-time.Hour)
	}
	s, ok := bad(hour)
	if !ok {
		return Alarm{}, false
	}
	for _, ok := bad(hour.Add(-time.Hour)); ok; _, ok = bad(hour.Add(-time.Hour)) {
		hour = hour.Add(-time.Hour)
	}
	return Alarm{
		Source: src.Name, Kind: Untrusted, Heard: hour, Began: now, Stale: true,
		Why: fmt.Sprintf("%.0f %% of %s break the contract, so nothing is measured by them.", s.percent(), several(s.of)),
	}, true
}

// byRule returns per hour and rule how many records were checked, and how many
// broke the field that was broken most.
func byRule(breaches []Breach) map[time.Time]map[string]share {
	out := map[time.Time]map[string]share{}
	fields := map[time.Time]map[string]int64{}
	for _, b := range breaches {
		if out[b.Hour] == nil {
			out[b.Hour], fields[b.Hour] = map[string]share{}, map[string]int64{}
		}
		s := out[b.Hour][b.Rule]
		if b.Problem == Checked {
			s.of += b.N
		} else {
			key := b.Rule + "\x00" + b.Field
			fields[b.Hour][key] += b.N
			s.broke = max(s.broke, fields[b.Hour][key])
		}
		out[b.Hour][b.Rule] = s
	}
	for _, of := range out {
		for rule, s := range of {
			if s.of == 0 { // an event that no rule names
				s.of = s.broke
			}
			s.broke = min(s.broke, s.of)
			of[rule] = s
		}
	}
	return out
}

// What it takes to know what is usual.
const (
	volumeWeeks = 8
	knownWeeks  = 4
	usualVolume = 10 // records an hour
)

// A Band is what is usual for an hour of the week.
type Band struct {
	Usual, Least, Most float64
	Weeks              int // that it was learnt from
}

// BandOf returns what is usual for an hour, of the same hour in the weeks
// before: the median, and four median absolute deviations about it (but at
// least a fifth of it, and four times its root, which is what chance alone
// makes of counts). False: too little is known.
func BandOf(arrivals []Arrival, hour time.Time, zone *time.Location) (Band, bool) {
	counts := map[int64]float64{}
	first := hour
	for _, a := range arrivals {
		counts[a.Hour.Unix()] = float64(a.Accepted + a.Late)
		if a.Hour.Before(first) {
			first = a.Hour
		}
	}
	var values []float64
	local := hour.In(zone)
	for week := 1; week <= volumeWeeks; week++ {
		at := local.AddDate(0, 0, -7*week)
		if !at.Before(first) {
			values = append(values, counts[at.Unix()])
		}
	}
	b := Band{Weeks: len(values)}
	if b.Weeks < knownWeeks {
		return b, false
	}
	b.Usual = middle(values)
	off := make([]float64, len(values))
	for i, v := range values {
		off[i] = math.Abs(v - b.Usual)
	}
	width := max(4*1.4826*middle(off), 0.2*b.Usual, 4*math.Sqrt(max(b.Usual, 1)))
	b.Least, b.Most = max(b.Usual-width, 0), b.Usual+width
	return b, true
}

func middle(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	if n := len(s); n%2 == 0 {
		return (s[n/2-1] + s[n/2]) / 2
	}
	return s[len(s)/2]
}

// volume judges whether the last two full hours were both far less, or both
// far more, than usual.
func volume(src Source, arrivals []Arrival, now time.Time, zone *time.Location) (Alarm, bool) {
	last := now.Truncate(time.Hour).Add(-time.Hour)
	counts := map[int64]int64{}
	for _, a := range arrivals {
		counts[a.Hour.Unix()] = a.Accepted + a.Late
	}
	side := 0
	var band Band
	for _, hour := range []time.Time{last.Add(-time.Hour), last} {
		b, ok := BandOf(arrivals, hour, zone)
		n := float64(counts[hour.Unix()])
		is := 0
		switch {
		case !ok, b.Usual < usualVolume: // of little nothing can be said
		case n < b.Least:
			is = -1
		case n > b.Most:
			is = 1
		}
		if is == 0 || side != 0 && is != side {
			return Alarm{}, false
		}
		side, band = is, b
	}
	words := "Fewer"
	if side > 0 {
		words = "More"
	}
	return Alarm{
		Source: src.Name, Kind: Volume, Heard: last.Add(-time.Hour), Began: now,
		Why: fmt.Sprintf("%s than usual: %s in the last full hour, where %s to %s are usual at this hour of the week.",
			words, several(counts[last.Unix()]), groups(int64(math.Ceil(band.Least))), groups(int64(band.Most))),
	}, true
}
