package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/a-h/templ"

	"cairn"
	"cairn/internal/signal"
)

// How many rows of a list are shown before one asks for the others.
const (
	accountPeopleShown = 10
	accountRowsShown   = 6
)

// accountAnchors are the sections of the page, in order.
var accountAnchors = []struct{ ID, Label string }{
	{"changed", "What changed"}, {"reasons", "Why"}, {"history", "History"}, {"usage", "Usage"}, {"adoption", "Adoption"},
	{"people", "People"}, {"money", "Money"}, {"support", "Support"}, {"timeline", "Timeline"},
	{"signals", "Numbers"}, {"facts", "Facts"}, {"identity", "Known as"},
}

// The signals that the sections of the page show as figures.
var (
	accountUsageSignals = []string{
		signal.Active28, signal.Active7, signal.ActiveChange, signal.LicenceUse,
		signal.DaysActive, signal.Distinct28, signal.Events28, signal.SinceActivity,
	}
	accountMoneySignals   = []string{signal.Overdue, signal.OpenInvoices, signal.FailedPayments, signal.Seats}
	accountSupportSignals = []string{signal.OpenTickets, signal.OldestOpen, signal.MedianClose, signal.NPS}
)

// path is where the account lives.
func (av accountView) path() string { return "/accounts/" + av.Account.ID.String() }

// base is what every address of this page says: the moment and the spans.
func (av accountView) base(v View, t time.Time) url.Values {
	q := url.Values{}
	if !t.IsZero() && cairn.DayOf(t, v.Zone) < v.Today() {
		q.Set("at", cairn.DayOf(t, v.Zone).String())
	}
	if av.Days != accountSpans[0] {
		q.Set("days", strconv.Itoa(av.Days))
	}
	if av.Weeks != accountHistorySpans[0] {
		q.Set("weeks", strconv.Itoa(av.Weeks))
	}
	return q
}

// address is this page at another moment.
func (av accountView) address(v View, t time.Time) string {
	return addressOf(av.path(), av.base(v, t))
}

// now is this page now.
func (av accountView) now() string { return av.address(View{}, time.Time{}) }

// spanAddress is this page comparing with so many days before.
func (av accountView) spanAddress(v View, days int) string {
	av.Days = days
	return av.address(v, av.At)
}

// historyAddress is this page with so many weeks of history.
func (av accountView) historyAddress(v View, weeks int) string {
	av.Weeks = weeks
	return av.address(v, av.At)
}

// liveAddress asks for what has changed since the version shown.
func (av accountView) liveAddress() string {
	q := url.Values{"version": {strconv.FormatInt(av.Version, 10)}}
	if av.Days != accountSpans[0] {
		q.Set("days", strconv.Itoa(av.Days))
	}
	f := av.Timeline.Filter
	f.Cursor = ""
	f.addTo(q)
	return addressOf(av.path()+"/live", q)
}

// timelineAddress is this page with another filter of its timeline.
func (av accountView) timelineAddress(f accountTimelineFilter) string {
	tv := av.Timeline
	return tv.address(f)
}

// An accountJump is a day that people often travel to.
type accountJump struct{ Label, Note, Href string }

func (av accountView) jumps(v View) []accountJump {
	var out []accountJump
	if av.Past() {
		out = append(out, accountJump{"Now", "", av.now()})
	}
	for _, days := range []int{1, 7, 30, 90, 365} {
		t := v.Now.AddDate(0, 0, -days)
		if t.Before(av.Account.First) {
			break
		}
		label := fmt.Sprintf("%d days ago", days)
		switch days {
		case 1:
			label = "Yesterday"
		case 365:
			label = "A year ago"
		}
		out = append(out, accountJump{label, v.Date(t), av.address(v, t)})
	}
	return out
}

// firstDay is the first day that can be travelled to.
func (av accountView) firstDay(v View) string {
	if av.Account.First.IsZero() {
		return ""
	}
	return cairn.DayOf(av.Account.First, v.Zone).String()
}

func (av accountView) dayShown(v View) string { return cairn.DayOf(av.Moment(v), v.Zone).String() }

// sentence is the level, the way and the strongest reasons, or why there is none.
func (av accountView) sentence() string {
	if av.Vector.Why == "" && av.Vector.At.IsZero() {
		return "This account has not been measured yet; that takes a moment after its first event."
	}
	return glyphWhy(av.Vector)
}

// renewalText says how far the renewal is, seen from the moment shown.
func (av accountView) renewalText(v View) string {
	v.Now = av.Moment(v)
	return accountRenewalText(v, av.Account.Renews)
}

func (av accountView) renewalLook(v View) string {
	v.Now = av.Moment(v)
	return accountRenewalLook(v, av.Account)
}

// peopleNote says how many there are, and that the past does not change them.
func (av accountView) peopleNote(v View) string {
	if len(av.People) == 0 {
		return ""
	}
	note := v.several(len(av.People), "person", "people")
	if av.Past() {
		note += ", as they are known now"
	}
	return note
}

// age says for how long the account has been one, in the largest fitting unit:
// since when it was created, which is often before Cairn first heard of it.
func (av accountView) age() string {
	n, known := av.Signals.Number(signal.Tenure)
	days := int(n)
	switch {
	case !known || days < 0:
		return "–"
	case days < 1:
		return "less than a day"
	case days < 60:
		return plural(days, "day")
	case days < 730:
		return plural(days*12/365, "month")
	}
	return plural(days/365, "year")
}

func plural(n int, unit string) string {
	if n == 1 {
		return "1 " + unit
	}
	return strconv.Itoa(n) + " " + unit + "s"
}

// accountPastDays says how long ago the day of t was: "78 days ago".
func accountPastDays(v View, t time.Time) string {
	return plural(int(v.Today()-cairn.DayOf(t, v.Zone)), "day") + " ago"
}

// An accountSignal is one signal as it is shown.
type accountSignal struct {
	signal.Def
	Known   bool
	Value   string
	Missing string
	Fresh   time.Time
}

// An accountSignalGroup is what was measured of one kind.
type accountSignalGroup struct {
	Name    string
	Signals []accountSignal
}

// signals are the named ones, in that order; those that nothing was said of
// at all are left out.
func (av accountView) signals(v View, names []string) []accountSignal {
	var out []accountSignal
	for _, name := range names {
		if s, ok := av.Signals[name]; ok {
			s.Name = name
			out = append(out, accountSignalOf(v, s, av.Meaning))
		}
	}
	return out
}

// signalGroups are all signals in the order of the catalogue, then traits.
func (av accountView) signalGroups(v View) []accountSignalGroup {
	var names []string
	for _, d := range av.Meaning.Defs() {
		names = append(names, d.Name)
	}
	for _, name := range sortedKeys(av.Signals) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	var out []accountSignalGroup
	for _, s := range av.signals(v, names) {
		i := slices.IndexFunc(out, func(g accountSignalGroup) bool { return g.Name == s.Group })
		if i < 0 {
			i = len(out)
			out = append(out, accountSignalGroup{Name: s.Group})
		}
		out[i].Signals = append(out[i].Signals, s)
	}
	return out
}

func accountSignalOf(v View, s cairn.Signal, c signal.Catalogue) accountSignal {
	def, ok := c.Def(s.Name)
	if !ok {
		def = signal.Def{Name: s.Name, Label: s.Name, Group: "Other"}
	}
	out := accountSignal{Def: def, Known: s.Known, Fresh: s.Fresh, Missing: firstOf(s.Why, "not known")}
	if !s.Known {
		return out
	}
	switch {
	case def.Type == cairn.Truth:
		out.Value = "no"
		if s.Number != 0 {
			out.Value = "yes"
		}
	case def.Type == cairn.Amount:
		out.Value = v.MoneyExact(cairn.Money{Minor: int64(s.Number), Currency: v.Currency})
	case def.Type == cairn.Date:
		out.Value = cairn.Day(s.Number).String()
	case s.Text != "":
		out.Value = s.Text
	default:
		out.Value = v.Decimal(s.Number, 1)
	}
	if s.Number == 1 {
		switch def.Unit {
		case "days", "tickets", "events", "invoices", "payments", "times", "hours", "seats":
			out.Unit = strings.TrimSuffix(def.Unit, "s")
		case "people":
			out.Unit = "person"
		}
	}
	return out
}

// accountRoleLook marks those whose going is felt.
func accountRoleLook(role string) string {
	switch role {
	case "champion", "sponsor", "economic_buyer":
		return "accent"
	}
	return ""
}

// accountStateWord is a record's state as people read it.
func accountStateWord(state string) string {
	if state == "" {
		return "not said"
	}
	return accountFieldWord(state)
}

// accountStateLook colours the states that ask for something.
func accountStateLook(state string) string {
	switch state {
	case "cancelled", "failed":
		return "bad"
	case "open", "pending", "paused", "trial":
		return "warn"
	}
	return ""
}

// accountInvoiceWord is the state of an invoice at the moment shown; an open
// one that is past its day says how late it is.
func accountInvoiceWord(v View, av accountView, r cairn.Record) string {
	if days := accountInvoiceLate(v, av, r); days > 0 {
		return plural(days, "day") + " overdue"
	}
	if _, paid := r.Time("paid_at"); paid && r.Text("status") == "" {
		return "paid"
	}
	return accountStateWord(r.Text("status"))
}

func accountInvoiceLook(v View, av accountView, r cairn.Record) string {
	if accountInvoiceLate(v, av, r) > 0 {
		return "bad"
	}
	if _, paid := r.Time("paid_at"); paid {
		return ""
	}
	return accountStateLook(r.Text("status"))
}

func accountInvoiceLate(v View, av accountView, r cairn.Record) int {
	due, ok := r.Time("due")
	_, paid := r.Time("paid_at")
	if s := r.Text("status"); !ok || paid || s == "paid" || s == "void" {
		return 0
	}
	return int(cairn.DayOf(av.Moment(v), v.Zone) - cairn.DayOf(due, time.UTC))
}

func accountSurveyWord(survey string) string {
	switch survey {
	case "nps":
		return "Recommendation (NPS), of 10"
	case "csat":
		return "Satisfaction (CSAT), of 5"
	case "ces":
		return "Effort (CES), of 7"
	}
	return "Survey"
}

// accountScoreLook sorts a score into good, middling and bad as its survey's
// own convention does: promoters and detractors, satisfied and not.
func accountScoreLook(r cairn.Record) string {
	n, ok := r.Number("score")
	if !ok {
		return ""
	}
	good, bad := 9.0, 6.0
	switch r.Text("survey") {
	case "csat":
		good, bad = 4, 2
	case "ces":
		good, bad = 5, 3
	}
	switch {
	case n >= good:
		return "good"
	case n <= bad:
		return "bad"
	}
	return "middling"
}

// accountDateOf returns the first of the fields that holds a date.
func accountDateOf(r cairn.Record, fields ...string) (time.Time, bool) {
	for _, f := range fields {
		if t, ok := r.Time(f); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

// accountDayWord writes a record's date. A date without a time was sent as a
// calendar day and is not moved by the zone.
func accountDayWord(v View, t time.Time) string {
	v.Zone = zoneOfDate(v, t)
	return v.Date(t)
}

func accountExactDay(v View, t time.Time) string {
	return t.In(zoneOfDate(v, t)).Format("Monday 2 January 2006")
}

func zoneOfDate(v View, t time.Time) *time.Location {
	if t.Equal(t.UTC().Truncate(24 * time.Hour)) {
		return time.UTC
	}
	return v.Zone
}

// openTasks is how many tasks are open or snoozed.
func (av accountView) openTasks() int { return len(av.Tasks) }

// writtenNote says what became of what was written down.
func (av accountView) writtenNote() string {
	if av.Written.Next == "" {
		return accountTalkWord(av.Written.Type) + " about " + av.Account.Name
	}
	return accountTalkWord(av.Written.Type) + " about " + av.Account.Name + ", with a task for you"
}

func accountTalkIcon(kind string) string {
	switch kind {
	case "call":
		return "phone"
	case "meeting":
		return "users"
	case "mail":
		return "mail"
	}
	return "note"
}

// accountInvalid marks a field that must be corrected, for those who do not
// see the text beside it.
func accountInvalid(n accountNote, field string) templ.Attributes {
	if n.Errors[field] == "" {
		return nil
	}
	return templ.Attributes{"aria-invalid": "true", "aria-describedby": "write-problem-" + field}
}
