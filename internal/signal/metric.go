package signal

import (
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"cairn"
)

// A Metric is a signal that a workspace defines: what is counted, over which
// events, in which window. It is the body of the book page "metric/<name>" and
// measured as "metric.<name>".
type Metric struct {
	Name     string   `json:"name" yaml:"name"`   // as in its page: small letters, digits and _
	Title    string   `json:"title" yaml:"title"` // what people call it
	Unit     string   `json:"unit,omitempty" yaml:"unit,omitempty"`
	Meaning  string   `json:"meaning,omitempty" yaml:"meaning,omitempty"`
	Count    string   `json:"count" yaml:"count"`                           // see [Counts]
	Events   []string `json:"events,omitempty" yaml:"events,omitempty"`     // empty: all Meaningful Activity
	Products []string `json:"products,omitempty" yaml:"products,omitempty"` // empty: all
	Where    []Test   `json:"where,omitempty" yaml:"where,omitempty"`       // over the events' properties; all must hold
	Property string   `json:"property,omitempty" yaml:"property,omitempty"` // that is summed
	Days     int      `json:"days,omitempty" yaml:"days,omitempty"`         // window, today included
	Change   bool     `json:"change,omitempty" yaml:"change,omitempty"`     // in percent against the window before
	PerSeat  bool     `json:"per_seat,omitempty" yaml:"per_seat,omitempty"` // divided by the seats bought
	Of       string   `json:"of,omitempty" yaml:"of,omitempty"`             // of a ratio: the metric above the line
	By       string   `json:"by,omitempty" yaml:"by,omitempty"`             // and the one below
}

// What a metric counts.
const (
	CountEvents = "events"
	CountSum    = "sum"
	CountPeople = "people"
	CountDays   = "days"
	CountFirst  = "first"
	CountLast   = "last"
	CountRatio  = "ratio"
)

// Counts are the ways to count, in the order in which a form offers them.
var Counts = []struct{ Count, Says string }{
	{CountEvents, "How many times"}, {CountPeople, "How many different people"}, {CountDays, "On how many days"},
	{CountSum, "Sum of a property"}, {CountLast, "Days since the last time"}, {CountFirst, "Days since the first time"},
	{CountRatio, "Ratio of two metrics"},
}

// MostDays is the longest window of a metric, MostMetrics how many there may be.
const (
	MostDays    = 366
	MostMetrics = 200
)

const metricPrefix = "metric."

var metricName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,59}$`)

// Signal returns the name of the signal that the metric is measured as.
func (m Metric) Signal() string { return metricPrefix + m.Name }

// def says what the metric's signal means.
func (m Metric) def() Def {
	return Def{Name: m.Signal(), Label: cmp.Or(m.Title, m.Name), Unit: m.unit(), Type: cairn.Number, Group: inMetrics, Source: "track events", Description: cmp.Or(m.Meaning, m.Sentence())}
}

func (m Metric) unit() string {
	switch {
	case m.Change:
		return "%"
	case m.Unit != "" || m.PerSeat:
		return m.Unit
	}
	return map[string]string{CountEvents: "times", CountPeople: "people", CountDays: "days", CountFirst: "days", CountLast: "days"}[m.Count]
}

// Sentence says in words what is measured.
func (m Metric) Sentence() string {
	var b strings.Builder
	what := cmp.Or(strings.Join(m.Events, " or "), "a meaningful event")
	switch m.Count {
	case CountEvents:
		b.WriteString("How often " + what + " happened")
	case CountPeople:
		b.WriteString("How many people did " + what)
	case CountDays:
		b.WriteString("On how many days " + what + " happened")
	case CountSum:
		fmt.Fprintf(&b, "The sum of %s over %s", cmp.Or(m.Property, "value"), what)
	case CountFirst:
		b.WriteString("Days since " + what + " happened first")
	case CountLast:
		b.WriteString("Days since " + what + " happened last")
	case CountRatio:
		fmt.Fprintf(&b, "%s divided by %s", m.Of, m.By)
	}
	if len(m.Products) > 0 {
		b.WriteString(" in " + strings.Join(m.Products, " or "))
	}
	for i, t := range m.Where {
		b.WriteString([]string{" where ", " and "}[min(i, 1)] + t.String())
	}
	if m.Days > 0 {
		fmt.Fprintf(&b, ", in the last %d days", m.Days)
	}
	switch {
	case m.Change:
		b.WriteString(", in percent more or less than in the window before")
	case m.PerSeat:
		b.WriteString(", for each seat")
	}
	return b.String() + "."
}

// counter returns the counter that the metric is read from, and false when
// tallies by name do.
func (m Metric) counter() (Counter, bool) {
	property := m.Property
	if m.Count != CountSum || property == "value" {
		property = ""
	}
	if len(m.Where) == 0 && property == "" || m.Count == CountRatio {
		return Counter{}, false
	}
	return Counter{Events: m.Events, Where: m.Where, Property: property}, true
}

// Check refuses a metric that could not be measured, naming what to correct.
// other finds other metrics by name.
func (m Metric) Check(other func(name string) (Metric, bool)) error {
	wrong := func(field, format string, args ...any) error {
		return cairn.Errorf(cairn.Invalid, format, args...).At(field)
	}
	switch {
	case !metricName.MatchString(m.Name):
		return wrong("name", "A metric's name has at most 60 small letters, digits and _, and begins with a letter.")
	case strings.TrimSpace(m.Title) == "":
		return wrong("title", "A metric needs a title that people read.")
	case m.Count == CountRatio:
		return m.checkRatio(other)
	case !slices.ContainsFunc(Counts, func(c struct{ Count, Says string }) bool { return c.Count == m.Count }):
		return wrong("count", "%q is no way to count: events, people, days, sum, last, first or ratio.", m.Count)
	case m.Of != "" || m.By != "":
		return wrong("of", "Only a ratio is made of two metrics.")
	case slices.Contains(m.Events, ""):
		return wrong("events", "An event needs a name.")
	case len(m.Events) == 0 && (len(m.Where) > 0 || m.Count == CountSum):
		return wrong("events", "Name the events whose properties are looked at.")
	case m.Count == CountSum && m.Property == "":
		return wrong("property", "Name the property that is summed.")
	case m.Count != CountSum && m.Property != "":
		return wrong("property", "Only a sum is over a property.")
	}
	for i, t := range m.Where {
		if err := t.check(); err != nil {
			return err.At(fmt.Sprintf("where.%d.%s", i, err.Field))
		}
	}
	since := m.Count == CountFirst || m.Count == CountLast
	switch {
	case since && m.Days != 0:
		return wrong("days", "The first or last time has no window.")
	case since && (m.Change || m.PerSeat):
		return wrong("change", "The first or last time is compared with nothing.")
	case !since && (m.Days < 1 || m.Days > MostDays):
		return wrong("days", "A window has 1 to %d days.", MostDays)
	}
	return m.checkAgainst()
}

func (m Metric) checkAgainst() error {
	if m.Change && m.PerSeat {
		return cairn.Errorf(cairn.Invalid, "A change in percent is the same for each seat; choose one of both.").At("per_seat")
	}
	return nil
}

func (m Metric) checkRatio(other func(name string) (Metric, bool)) error {
	if len(m.Events) > 0 || len(m.Where) > 0 || len(m.Products) > 0 || m.Property != "" || m.Days != 0 {
		return cairn.Errorf(cairn.Invalid, "A ratio takes events, properties and windows from its two metrics.").At("events")
	}
	for _, part := range []struct{ field, name string }{{"of", m.Of}, {"by", m.By}} {
		o, ok := other(part.name)
		switch {
		case !ok || part.name == m.Name:
			return cairn.Errorf(cairn.Invalid, "There is no other metric %q.", part.name).At(part.field)
		case o.Count == CountRatio:
			return cairn.Errorf(cairn.Invalid, "%s is a ratio itself; a ratio is made of two metrics that are not.", o.Title).At(part.field)
		}
	}
	return m.checkAgainst()
}

// lookBack is how many days a metric reads; 0: all.
func (m Metric) lookBack() int {
	switch {
	case m.Count == CountFirst || m.Count == CountLast:
		return 0
	case m.Change || m.Count == CountRatio:
		return 2 * max(m.Days, 1)
	}
	return m.Days
}

// LookBack returns how many days before a moment metrics read; 0: all. A ratio
// that is compared with the window before reads twice that of its parts.
func (s Settings) LookBack() int {
	most, twice := 1, false
	for _, m := range s.Metrics {
		n := m.lookBack()
		if n == 0 {
			return 0
		}
		twice = twice || m.Count == CountRatio && m.Change
		most = max(most, n)
	}
	if twice {
		most *= 2
	}
	return most
}

// Counted tells apart what is counted of the account of st: the choice of
// Meaningful Activity and the metrics that are read, with whether their
// counters cover history yet. The choice as Cairn comes is "".
func (s Settings) Counted(st *State, read func(signal string) bool) string {
	var b []any
	if m := s.Meaningful; len(m.Only) > 0 || m.Except != nil && !slices.Equal(m.Except, except) || len(m.Products) > 0 || len(m.Sets) > 0 {
		b = append(b, m)
	}
	for _, m := range s.Metrics {
		if !read(m.Signal()) && !s.partOfRead(m.Name, read) {
			continue
		}
		c, needs := m.counter()
		b = append(b, m, !needs || st.Counters.Has(c.Key()))
	}
	if len(b) == 0 {
		return ""
	}
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Sprintf("%#v", b) // a value that JSON cannot hold does not pass Check
	}
	return cairn.HashID(string(text)).String()[:12]
}

// partOfRead reports whether a ratio that is read is made of the metric.
func (s Settings) partOfRead(name string, read func(signal string) bool) bool {
	return slices.ContainsFunc(s.Metrics, func(m Metric) bool { return (m.Of == name || m.By == name) && read(m.Signal()) })
}

func (m *measurement) metrics() {
	for _, metric := range m.settings.Metrics {
		v, fresh, why := m.metric(metric)
		if why != "" {
			m.missing(why, metric.Signal())
			continue
		}
		m.number(metric.Signal(), v, fresh)
	}
}

// metric measures one metric, or says why it is missing.
func (m *measurement) metric(metric Metric) (v float64, fresh time.Time, why string) {
	v, fresh, why = m.amount(metric, m.day)
	switch {
	case why != "":
	case metric.Change:
		return m.against(metric, v, fresh)
	case metric.PerSeat:
		seats, ok := m.out.Number(Seats)
		if !ok || seats <= 0 {
			return 0, fresh, "The number of seats is not known."
		}
		v /= seats
	}
	return v, fresh, why
}

// against compares an amount with that of the window before, in percent.
func (m *measurement) against(metric Metric, v float64, fresh time.Time) (float64, time.Time, string) {
	days := metric.Days
	if of, ok := m.settings.metric(metric.Of); ok {
		days = max(of.Days, 1)
	}
	if !m.knownFor(2 * days) {
		return 0, fresh, fmt.Sprintf("The account is not yet known for %d days, to compare.", 2*days)
	}
	before, _, why := m.amount(metric, m.day-cairn.Day(days))
	switch {
	case why != "":
		return 0, fresh, why
	case before == 0:
		return 0, fresh, "There was nothing in the window before, to compare with."
	}
	return percent(v-before, before), fresh, ""
}

func (s Settings) metric(name string) (Metric, bool) {
	i := slices.IndexFunc(s.Metrics, func(m Metric) bool { return m.Name == name && name != "" })
	if i < 0 {
		return Metric{}, false
	}
	return s.Metrics[i], true
}

// amount counts what a metric counts in the window that ends with a day.
func (m *measurement) amount(metric Metric, day cairn.Day) (v float64, fresh time.Time, why string) {
	if metric.Count == CountRatio {
		return m.ratio(metric, day)
	}
	c, needs := metric.counter()
	if needs && !m.state.Counters.Has(c.Key()) {
		return 0, fresh, "Its history is still being counted."
	}
	if m.state.First.IsZero() || cairn.DayOf(m.state.First, m.settings.Zone) > day {
		return 0, fresh, "Nothing has happened at the account yet."
	}
	if needs {
		if why := m.droppedBefore(metric, c, day); why != "" {
			return 0, fresh, why
		}
	}
	u := m.counts(metric)
	if i := u.upTo(day); i > 0 {
		fresh = u.last[i-1]
	} else if i := m.x.seen.upTo(day); i > 0 {
		fresh = m.x.seen.last[i-1]
	}
	from, to := u.window(day, metric.Days)
	switch metric.Count {
	case CountEvents:
		for _, n := range u.events[from:to] {
			v += float64(n)
		}
	case CountSum:
		var sum int64
		for _, n := range u.sums[from:to] {
			sum += n
		}
		v = float64(sum) / 1e6
	case CountPeople:
		v = float64(size(u.people[from:to]))
	case CountDays:
		v = float64(to - from)
	case CountFirst, CountLast:
		i := u.upTo(day)
		if i == 0 {
			return 0, fresh, "It has never happened."
		}
		if metric.Count == CountFirst {
			i = 1
		}
		v, fresh = float64(day-u.days[i-1]), u.last[i-1]
	}
	return v, fresh, ""
}

func (m *measurement) ratio(metric Metric, day cairn.Day) (float64, time.Time, string) {
	of, ok := m.settings.metric(metric.Of)
	by, too := m.settings.metric(metric.By)
	if !ok || !too {
		return 0, time.Time{}, "One of its two metrics is gone."
	}
	above, fresh, why := m.part(of, day)
	if why != "" {
		return 0, fresh, why
	}
	below, at, why := m.part(by, day)
	switch {
	case why != "":
		return 0, at, why
	case below == 0:
		return 0, at, by.Title + " is 0, by which nothing is divided."
	}
	if at.After(fresh) {
		fresh = at
	}
	v := above / below
	if metric.Unit == "%" {
		v *= 100
	}
	return v, fresh, ""
}

// part measures a metric of a ratio as of a day.
func (m *measurement) part(metric Metric, day cairn.Day) (float64, time.Time, string) {
	was := m.day
	m.day = day
	defer func() { m.day = was }()
	return m.metric(metric)
}

// counts returns what a metric counts, by day.
func (m *measurement) counts(metric Metric) *use {
	key := metric.Name
	if len(metric.Events) == 0 {
		key = fmt.Sprint(metric.Name, " ", m.set)
	}
	if u := m.x.metrics[key]; u != nil {
		return u
	}
	u := &use{}
	m.x.metrics[key] = u
	in := m.matching(metric)
	for _, r := range m.x.rows {
		if len(metric.Products) > 0 && !slices.Contains(metric.Products, r.Product) || r.t.N <= 0 || !in(r.Key) {
			continue
		}
		u.count(r.Day, r.t, 0)
	}
	return u
}

// matching tells which tallies a metric is read from.
func (m *measurement) matching(metric Metric) func(Key) bool {
	if c, ok := metric.counter(); ok {
		key := c.Key()
		return func(k Key) bool { return k.Name == key }
	}
	if len(metric.Events) == 0 {
		return func(k Key) bool { return m.settings.Meaningful.Counts(m.set, k.Product, k.Name) }
	}
	names := map[string]bool{}
	for _, n := range metric.Events {
		names[tracked(n)] = true
	}
	return func(k Key) bool { return names[k.Name] }
}

// Add adds what another state counted for the counters that s lacks, which
// are those of o. Both are of one account.
func (s *State) Add(o *State) {
	more := NewState(s.Zone)
	more.People = o.People
	for k, t := range o.Tallies {
		if isCounted(k.Name) && !s.Counters.Has(k.Name) {
			more.Tallies[k] = t
		}
	}
	first := s.First
	s.Merge(more)
	s.First, s.Counters = first, o.Counters
}
