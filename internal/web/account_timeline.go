package web

import (
	"bytes"
	"encoding/json"
	"net/url"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/event"
)

// An accountTimelineFilter is what the address of an account says about its
// timeline.
type accountTimelineFilter struct {
	Kind    string // a key of accountTimelineKinds; empty: everything
	Person  cairn.PersonID
	Text    string
	Cursor  string
	Product string
}

// accountTimelineKinds are the kinds as people choose them, in order.
var accountTimelineKinds = []struct {
	Key, Label string
	Kinds      []cairn.EventKind
}{
	{"", "Everything", nil},
	{"usage", "Usage", []cairn.EventKind{cairn.Track}},
	{"talks", "Notes and talks", []cairn.EventKind{cairn.Interaction}},
	{"support", "Support", []cairn.EventKind{cairn.OfTicket}},
	{"money", "Money", []cairn.EventKind{cairn.OfContract, cairn.OfInvoice}},
	{"answers", "Answers", []cairn.EventKind{cairn.OfAnswer}},
	{"tasks", "Tasks", []cairn.EventKind{cairn.OfTask}},
	{"facts", "Changed facts", []cairn.EventKind{cairn.OfAccount, cairn.OfPerson, cairn.Alias, cairn.OfIdentity}},
}

func readAccountTimelineFilter(v url.Values) accountTimelineFilter {
	f := accountTimelineFilter{Text: strings.TrimSpace(v.Get("text")), Cursor: v.Get("cursor")}
	for _, k := range accountTimelineKinds {
		if k.Key == v.Get("kind") {
			f.Kind = k.Key
		}
	}
	f.Product = v.Get("product")
	if id, err := cairn.ParseID(v.Get("person")); err == nil {
		f.Person = cairn.PersonID{ID: id}
	}
	return f
}

// addTo writes f into v; it is the inverse of readAccountTimelineFilter.
func (f accountTimelineFilter) addTo(v url.Values) {
	for name, value := range map[string]string{"kind": f.Kind, "text": f.Text, "cursor": f.Cursor, "product": f.Product} {
		if value != "" {
			v.Set(name, value)
		}
	}
	if !f.Person.IsZero() {
		v.Set("person", f.Person.String())
	}
}

// narrowed reports whether f leaves events out.
func (f accountTimelineFilter) narrowed() bool {
	return f.Kind != "" || f.Text != "" || f.Product != "" || !f.Person.IsZero()
}

// query is what f asks of the history of an account up to t (zero: now).
func (f accountTimelineFilter) query(id cairn.AccountID, t time.Time) event.Query {
	q := event.Query{Account: id, Person: f.Person, Name: f.Text, Product: f.Product, To: t, Cursor: f.Cursor, Limit: 100}
	for _, k := range accountTimelineKinds {
		if k.Key == f.Kind {
			q.Kinds = k.Kinds
		}
	}
	return q
}

// An accountDay is one day of a timeline, newest entry first.
type accountDay struct {
	Day     cairn.Day
	Entries []accountEntry
}

// An accountEntry is one line of a timeline: an event, or several of one name
// and person that followed each other on one day.
type accountEntry struct {
	Kind   cairn.EventKind
	Title  string // what happened
	Detail string // one line more; may be empty
	Body   string // what was said, of an interaction or an answer
	Mood   string // of an interaction
	Next   string // the next step that was agreed
	Who    string // who did it; empty: nobody is named
	First  time.Time
	Last   time.Time // equal to First for a single event
	Events []cairn.Event
}

// accountRunShown is how many events of a run are shown when it is opened.
const accountRunShown = 20

// path is where the account of the timeline lives.
func (tv accountTimelineView) path() string { return "/accounts/" + tv.ID.String() }

// address is the page of the account with this filter of its timeline.
func (tv accountTimelineView) address(f accountTimelineFilter) string {
	q := url.Values{}
	for name, values := range tv.Base {
		q[name] = values
	}
	f.addTo(q)
	return addressOf(tv.path(), q)
}

// more is where the next page of the timeline is.
func (tv accountTimelineView) more() string {
	f := tv.Filter
	f.Cursor = tv.Next
	return tv.address(f)
}

// withWritten returns the days of a timeline with what was just written down
// at their head, unless the log's index has it already or the filter leaves
// it out.
func withWritten(tv accountTimelineView, n accountNote, v View, e accountEntry) []accountDay {
	if tv.Filter.narrowed() || tv.Filter.Cursor != "" {
		return tv.Days
	}
	for _, d := range tv.Days {
		for _, old := range d.Entries {
			if old.Kind == cairn.Interaction && old.Body == n.Text && old.Last.Sub(e.Last).Abs() < time.Minute {
				return tv.Days
			}
		}
	}
	today := cairn.DayOf(e.Last, v.Zone)
	i := slices.IndexFunc(tv.Days, func(d accountDay) bool { return d.Day <= today })
	if i >= 0 && tv.Days[i].Day == today {
		d := tv.Days[i]
		d.Entries = slices.Insert(slices.Clone(d.Entries), 0, e)
		return slices.Concat(tv.Days[:i], []accountDay{d}, tv.Days[i+1:])
	}
	if i < 0 {
		i = len(tv.Days)
	}
	return slices.Insert(slices.Clone(tv.Days), i, accountDay{Day: today, Entries: []accountEntry{e}})
}

// accountDayHeading names a day as people do.
func accountDayHeading(v View, d cairn.Day) string {
	t := d.Start(v.Zone)
	switch v.Today() - d {
	case 0:
		return "Today"
	case 1:
		return "Yesterday"
	}
	if t.Year() == v.Now.In(v.Zone).Year() {
		return t.Format("Monday 2 January")
	}
	return t.Format("Monday 2 January 2006")
}

// accountEntryTime is when on its day an entry happened; a moment at midnight
// is a day without a time.
func accountEntryTime(v View, e accountEntry) string {
	first, last := e.First.In(v.Zone).Format("15:04"), e.Last.In(v.Zone).Format("15:04")
	switch {
	case first == last && last == "00:00":
		return ""
	case first == last:
		return last
	}
	return first + "–" + last
}

func accountMoodWord(mood string) string {
	for _, m := range accountMoods {
		if m.Key == mood {
			return m.Label + " mood"
		}
	}
	return mood
}

func accountMoodLook(mood string) string {
	switch mood {
	case "good":
		return "good"
	case "bad":
		return "bad"
	}
	return ""
}

// accountEntryIcon is the picture of what sort of thing happened.
func accountEntryIcon(e accountEntry) string {
	switch e.Kind {
	case cairn.Interaction:
		return accountTalkIcon(accountFields(e.Events[0])["type"])
	case cairn.OfTicket:
		return "ticket"
	case cairn.OfContract:
		return "file-text"
	case cairn.OfInvoice:
		return "currency-euro"
	case cairn.OfAnswer:
		return "message"
	case cairn.OfTask:
		return "list-check"
	case cairn.OfAccount:
		return "building"
	case cairn.OfPerson:
		return "user"
	case cairn.Alias:
		return "id"
	}
	return "click"
}

// Count is how many times the entry happened.
func (e accountEntry) Count() int64 {
	var n int64
	for _, v := range e.Events {
		n += max(v.N, 1)
	}
	return n
}

// An accountProp is one property of an event as it is shown.
type accountProp struct {
	Name, Value string
	Personal    bool
}

// accountDays puts a page of a timeline, which is newest first, into days of
// zone z, and events of one name and person that follow each other into one
// entry. Names are what
// users of Cairn are called by their id, and people of the account by their key, and
// tasks and tickets by their id.
func accountDays(p event.Page, names map[string]string, z *time.Location) []accountDay {
	var days []accountDay
	for _, e := range p.Events {
		d := cairn.DayOf(e.At, z)
		if len(days) == 0 || days[len(days)-1].Day != d {
			days = append(days, accountDay{Day: d})
		}
		day := &days[len(days)-1]
		if n := len(day.Entries); n > 0 && accountSameRun(day.Entries[n-1].Events[0], e) {
			run := &day.Entries[n-1]
			run.Events = append(run.Events, e)
			run.First = e.At
			continue
		}
		day.Entries = append(day.Entries, accountEntryOf(e, p.People, names))
	}
	return days
}

func accountSameRun(a, b cairn.Event) bool {
	return a.Kind == cairn.Track && b.Kind == cairn.Track &&
		a.Name == b.Name && a.Person == b.Person && a.Anon == b.Anon && a.Source == b.Source
}

// accountEntryOf says in words what e is.
func accountEntryOf(e cairn.Event, people map[cairn.PersonID]cairn.Person, names map[string]string) accountEntry {
	out := accountEntry{Kind: e.Kind, Title: e.Name, First: e.At, Last: e.At, Events: []cairn.Event{e}}
	out.Who = accountWho(e, people)
	f := accountFields(e)
	switch e.Kind {
	case cairn.Track:
		out.Detail = firstOf(f["path"], f["title"], f["name"], f["feature"])
	case cairn.Interaction:
		out.Title = accountTalkWord(f["type"])
		out.Body, out.Mood = f["text"], f["mood"]
		out.Who = firstOf(names[f["by"]], out.Who)
		if who := accountTookPart(e, names); who != "" {
			out.Detail = "with " + who
		}
		if out.Next = f["next_step"]; out.Next != "" && f["next_step_due"] != "" {
			out.Next += ", until " + f["next_step_due"]
		}
		if out.Body == "" && len(e.Personal) == 0 {
			out.Body = "What was said has been erased."
		}
	case cairn.Alias:
		out.Title = "Two ids turned out to be one person"
	case cairn.OfIdentity:
		out.Title, out.Detail = identityWords(e)
		out.Who = ""
	default:
		out.Title, out.Detail = accountPatchWords(e, f, names[e.Record.String()])
		out.Body = f["comment"]
		if e.Kind != cairn.OfPerson {
			out.Who = ""
		}
	}
	return out
}

// accountTookPart names those who took part in an interaction. People of the
// account are named by their key, so that their names go when they are erased.
func accountTookPart(e cairn.Event, names map[string]string) string {
	var sealed struct{ Who []string }
	if json.Unmarshal(e.Personal, &sealed) != nil {
		return ""
	}
	for i, who := range sealed.Who {
		sealed.Who[i] = firstOf(names[who], who)
	}
	return strings.Join(sealed.Who, ", ")
}

// accountWho names whoever did e, without ever showing what has been erased.
func accountWho(e cairn.Event, people map[cairn.PersonID]cairn.Person) string {
	switch {
	case !e.Person.IsZero():
		p, ok := people[e.Person]
		if !ok || p.Erased {
			return "Somebody (details erased)"
		}
		return accountPersonName(p)
	case !e.Anon.IsZero():
		if p, ok := people[e.Anon]; ok && !p.Erased {
			return accountPersonName(p)
		}
		return "A visitor"
	}
	return ""
}

// accountPersonName is what a person is called: the name, else the address,
// else the key.
func accountPersonName(p cairn.Person) string {
	if p.Erased {
		return "Details erased"
	}
	return firstOf(p.Name, p.Mail, p.Key, "Somebody without a name")
}

// accountTalkWord is what an interaction of this type is called.
func accountTalkWord(kind string) string {
	switch kind {
	case "call":
		return "Call"
	case "meeting":
		return "Meeting"
	case "mail":
		return "Mail"
	}
	return "Note"
}

// accountPatchWords says in words what a patch of a record changed; called is
// what the record is called, when it is known.
func accountPatchWords(e cairn.Event, f map[string]string, called string) (title, detail string) {
	noun := accountNoun(e.Kind)
	name := firstOf(f["title"], f["subject"], f["name"], f["survey"], f["product"], called, e.Keys.Record)
	title = noun
	if name != "" && e.Kind != cairn.OfAccount && e.Kind != cairn.OfPerson {
		title += " “" + name + "”"
	}
	state := firstOf(f["state"], f["status"])
	switch {
	case e.Kind == cairn.OfAnswer:
		title = strings.ToUpper(firstOf(f["survey"], "survey")) + " answered"
		if f["score"] != "" {
			title += ": " + f["score"]
		}
	case e.Kind == cairn.OfTask && f["state"] == string(cairn.TaskOpen):
		title += " planned"
	case state != "":
		title += " is now " + strings.ReplaceAll(state, "_", " ")
	case f["paid_at"] != "":
		title += " was paid"
	default:
		title += " changed"
	}
	if e.Kind == cairn.OfTask {
		return title, firstOf(f["outcome"], f["why"])
	}
	var parts []string
	for _, n := range sortedKeys(f) {
		switch n {
		case "title", "subject", "comment", "state", "status", "survey", "score", "reasons":
			continue
		}
		value := f[n]
		if t, err := time.Parse(time.RFC3339, value); err == nil {
			value = t.Format(time.DateOnly)
		}
		parts = append(parts, accountFieldWord(n)+" "+shorten(value, 60))
	}
	return title, strings.Join(parts, ", ")
}

// accountNoun is what a record of this kind is called.
func accountNoun(k cairn.EventKind) string {
	switch k {
	case cairn.OfAccount:
		return "Account"
	case cairn.OfPerson:
		return "Person"
	case cairn.OfContract:
		return "Contract"
	case cairn.OfInvoice:
		return "Invoice"
	case cairn.OfTicket:
		return "Ticket"
	case cairn.OfAnswer:
		return "Answer"
	case cairn.OfTask:
		return "Task"
	case cairn.Interaction:
		return "Interaction"
	case cairn.Alias, cairn.OfIdentity:
		return "Identity"
	}
	return "Usage"
}

// accountFieldWord is a field's name as people read it: "created_at" is
// "created", "economic_buyer" is "economic buyer".
func accountFieldWord(name string) string {
	if name == "mrr" {
		return "MRR"
	}
	return strings.ReplaceAll(strings.TrimSuffix(name, "_at"), "_", " ")
}

// accountFields are the fields of e, plain and personal, as text.
func accountFields(e cairn.Event) map[string]string {
	out := map[string]string{}
	for _, p := range accountProps(e) {
		out[p.Name] = p.Value
	}
	return out
}

// accountProps are the properties of e by name, each as text; what is
// personal is marked.
func accountProps(e cairn.Event) []accountProp {
	var out []accountProp
	for i, raw := range []json.RawMessage{e.Props, e.Personal} {
		var fields map[string]json.RawMessage
		if len(raw) == 0 || json.Unmarshal(raw, &fields) != nil {
			continue
		}
		for _, name := range sortedKeys(fields) {
			out = append(out, accountProp{Name: name, Value: accountValueText(fields[name]), Personal: i == 1})
		}
	}
	return out
}

// accountValueText writes a JSON value as people read it.
func accountValueText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var list []string
	if json.Unmarshal(raw, &list) == nil {
		return strings.Join(list, ", ")
	}
	switch string(raw) {
	case "null":
		return "cleared"
	case "true":
		return "yes"
	case "false":
		return "no"
	}
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		return string(raw)
	}
	return b.String()
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func firstOf(texts ...string) string {
	if i := slices.IndexFunc(texts, func(s string) bool { return s != "" }); i >= 0 {
		return texts[i]
	}
	return ""
}

// shorten returns s with at most n letters, with a sign that there is more.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return strings.TrimSpace(string(r[:n-1])) + "…"
}

// times says how often: "once", "2 times".
func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return strconv.FormatInt(n, 10) + " times"
}
