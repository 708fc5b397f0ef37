package web

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"cairn"
	"cairn/internal/ingest"
)

// accountTextLimit is how many bytes may be written down in one go.
const accountTextLimit = 20_000

// An accountNote is what somebody writes down about an account: the form as it
// was sent, so that it can be shown again with nothing lost.
type accountNote struct {
	ID      string   // made with the form; sending it twice writes it once
	Type    string   // note, call, meeting or mail
	When    string   // as a browser's datetime-local says it, in the workspace's zone; empty: now
	People  []string // keys of people of the account
	Others  string   // free names, by comma
	Text    string
	Mood    string // good, neutral, bad; empty: not said
	Next    string // the next step
	NextDue string // date of the next step
	Errors  map[string]string
}

// accountTalks are the kinds of interaction, in order.
var accountTalks = []struct{ Key, Label string }{
	{"note", "Note"}, {"call", "Call"}, {"meeting", "Meeting"}, {"mail", "Mail"},
}

// accountMoods are the moods, in order.
var accountMoods = []struct{ Key, Label string }{
	{"good", "Good"}, {"neutral", "Neutral"}, {"bad", "Bad"},
}

// accountPeopleOffered is how many people of the account can be picked; others
// are named.
const accountPeopleOffered = 12

// newAccountNote is an empty form.
func newAccountNote() accountNote { return accountNote{ID: rand.Text(), Type: "note"} }

func readAccountNote(v url.Values) accountNote {
	return accountNote{
		ID: strings.TrimSpace(v.Get("id")), Type: v.Get("type"), When: strings.TrimSpace(v.Get("when")),
		People: v["person"], Others: strings.TrimSpace(v.Get("others")),
		Text: strings.TrimSpace(v.Get("text")), Mood: v.Get("mood"),
		Next: strings.TrimSpace(v.Get("next")), NextDue: strings.TrimSpace(v.Get("next_due")),
	}
}

// more reports whether the part of the form that is folded away holds something.
func (n accountNote) more() bool {
	return n.Others != "" || len(n.People) > 0 || n.When != "" || n.Mood != ""
}

// check returns n with an error for each field that must be corrected, and
// whether there is none.
func (n accountNote) check(now time.Time, z *time.Location) (accountNote, bool) {
	n.Errors = map[string]string{}
	if !slices.ContainsFunc(accountTalks, func(t struct{ Key, Label string }) bool { return t.Key == n.Type }) {
		n.Errors["type"] = "Choose note, call, meeting or mail."
	}
	switch {
	case n.Text == "" && n.Next == "":
		n.Errors["text"] = "Write down what was said, or at least a next step."
	case len(n.Text) > accountTextLimit:
		n.Errors["text"] = "This is longer than 20,000 characters. Keep the decisions and link to the rest."
	case !utf8.ValidString(n.Text):
		n.Errors["text"] = "Some of these characters cannot be read."
	}
	if at, ok := n.at(now, z); !ok {
		n.Errors["when"] = "Write the day and time as 2026-03-01 14:30."
	} else if at.After(now.Add(5 * time.Minute)) {
		n.Errors["when"] = "This lies in the future. What is still to come is a next step."
	}
	if n.Mood != "" && !slices.ContainsFunc(accountMoods, func(t struct{ Key, Label string }) bool { return t.Key == n.Mood }) {
		n.Errors["mood"] = "Choose good, neutral or bad."
	}
	_, err := time.ParseInLocation(time.DateOnly, n.NextDue, z)
	switch {
	case n.Next != "" && n.NextDue == "":
		n.Errors["next_due"] = "Say until when, so that it comes up in your day."
	case n.NextDue != "" && err != nil:
		n.Errors["next_due"] = "Write the date as 2026-03-01."
	case n.Next == "" && n.NextDue != "":
		n.Errors["next"] = "Say what the next step is."
	case len(n.Next) > 300:
		n.Errors["next"] = "Keep the next step under 300 characters."
	}
	return n, len(n.Errors) == 0
}

// at is when it happened, and false when that cannot be read.
func (n accountNote) at(now time.Time, z *time.Location) (time.Time, bool) {
	if n.When == "" {
		return now, true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, n.When, z); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}

// who are the names and keys of those who took part.
func (n accountNote) who() []string {
	out := slices.Clone(n.People)
	for _, s := range strings.Split(n.Others, ",") {
		if s = strings.TrimSpace(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// records are what n sends in at the front door: the interaction and, with a
// next step, a task for whoever wrote it. n must have been checked.
func (n accountNote) records(by cairn.Actor, a cairn.Account, now time.Time, z *time.Location) []ingest.Record {
	at, _ := n.at(now, z)
	props := map[string]any{"type": n.Type, "by": by.ID}
	set := func(name, value string) {
		if value != "" {
			props[name] = value
		}
	}
	set("mood", n.Mood)
	set("text", n.Text)
	set("next_step", n.Next)
	set("next_step_due", n.NextDue)
	if who := n.who(); len(who) > 0 {
		props["who"] = who
	}
	out := []ingest.Record{{
		Index: 0, Kind: cairn.Interaction, Name: accountTalkWord(n.Type), ID: "interaction-" + n.ID, At: at,
		Keys: cairn.Keys{Account: a.Key}, In: a.Space, Props: props,
	}}
	if n.Next == "" {
		return out
	}
	day, _ := time.ParseInLocation(time.DateOnly, n.NextDue, z)
	due := cairn.DayOf(day, z).End(z).Add(-time.Second) // that day is still time enough
	return append(out, ingest.Record{
		Index: 1, Kind: cairn.OfTask, Name: "planned", ID: "next-step-" + n.ID, At: now,
		Keys: cairn.Keys{Account: a.Key, Record: "next-step-" + n.ID}, In: a.Space,
		Props: map[string]any{
			"title": n.Next, "why": "Next step of the " + strings.ToLower(accountTalkWord(n.Type)) + " on " + at.In(z).Format("2 January 2006"),
			"type": "next_step", "owner": by.Mail, "priority": 3, "due": due.UTC().Format(time.RFC3339), "by": by.ID,
			"state": string(cairn.TaskOpen), "planned": now.UTC().Format(time.RFC3339),
		},
	})
}

// writtenEntry is n as the timeline will show it in a moment.
func writtenEntry(v View, a cairn.Account, n accountNote, names map[string]string) accountEntry {
	at, _ := n.at(v.Now, v.Zone)
	fields, _ := json.Marshal(map[string]any{
		"text": n.Text, "next_step": n.Next, "who": n.who(),
	})
	plain, _ := json.Marshal(map[string]any{
		"type": n.Type, "mood": n.Mood, "next_step_due": n.NextDue, "by": v.Actor().ID,
	})
	e := cairn.Event{
		Kind: cairn.Interaction, Name: accountTalkWord(n.Type), Source: houseSource, At: at, Seen: v.Now,
		Account: a.ID, N: 1, Props: plain, Personal: fields,
	}
	return accountEntryOf(e, nil, names)
}
