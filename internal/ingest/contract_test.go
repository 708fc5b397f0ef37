package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

const agreement = `
cadence:
  every_hours: 6
  days: [mon, tue, wed, thu, fri]
distrust: 50
contract:
  unknown: note
  rules:
    - event: Invoice Sent
      breach: reject
      unknown: reject
      fields:
        - name: amount
          required: true
          type: number
          least: 0
        - name: currency
          values: [EUR, CHF]
        - name: to.city
          type: text
          personal: true
    - event: Report Created
      fields:
        - name: report
          required: true
          type: text
          personal: false
    - kind: ticket
      fields:
        - name: status
          required: true
          values: [open, closed]
`

func agreedSource(t *testing.T) Source {
	t.Helper()
	src, err := Source{Name: "billing"}.ReadText(agreement)
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func TestAnAgreementIsReadAndWrittenAsText(t *testing.T) {
	src := agreedSource(t)
	text, err := src.Text()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Source{Name: "billing"}.ReadText(text)
	if diff := cmp.Diff(src, again); diff != "" || err != nil {
		t.Errorf("%v (-want +got)\n%s\n%s", err, diff, text)
	}
	for text, says := range map[string]string{
		"cadence: {every_hours: 0}":                                     "1 to 2,160 hours",
		"cadence: {every_hours: 3, days: [moon]}":                       `"moon" is no day`,
		"contract: {rules: [{event: A}, {event: A}]}":                   `two rules for "A"`,
		"contract: {rules: [{fields: []}]}":                             "names an event or a kind",
		"contract: {rules: [{event: A, fields: [{name: x, type: y}]}]}": `"y" is no type`,
		"contract: {rules: [{kind: ticket, event: A}]}":                 "Only track events have names",
		"contract: {breach: allow, rules: []}":                          `"allow" is not one of note and reject`,
		"contrakt: 1":                                                   "cannot be read",
		"distrust: 101":                                                 "percentage",
	} {
		if _, err := (Source{Name: "x"}).ReadText(text); cairn.KindOf(err) != cairn.Invalid || !strings.Contains(cairn.TextOf(err), says) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAContractNotesOrRefusesWhatBreaksIt(t *testing.T) {
	h := agree(agreedSource(t).Contract).hold(false)
	for _, c := range []struct {
		name, kind, event, props, note, refused, field string
	}{
		{"as agreed", "track", "Invoice Sent", `{"amount":12.5,"currency":"EUR","to":{"city":"Bern"}}`, "", "", ""},
		{"without the required", "track", "Invoice Sent", `{"currency":"EUR"}`, "", "By the contract this field is required.", "amount"},
		{"null is missing", "track", "Invoice Sent", `{"amount":null}`, "", "By the contract this field is required.", "amount"},
		{"a text for a number", "track", "Invoice Sent", `{"amount":"12"}`, "", "By the contract it is a number.", "amount"},
		{"below the least", "track", "Invoice Sent", `{"amount":-1}`, "", "By the contract it is at least 0.", "amount"},
		{"none of the values", "track", "Invoice Sent", `{"amount":1,"currency":"USD"}`, "", "By the contract it is one of EUR, CHF.", "currency"},
		{"within an object", "track", "Invoice Sent", `{"amount":1,"to":{"city":3}}`, "", "By the contract it is a text.", "to.city"},
		{"an unknown field", "track", "Invoice Sent", `{"amount":1,"extra":true}`, "", `The contract of Invoice Sent has no field "extra".`, "extra"},
		{"noted", "track", "Report Created", `{}`, "By the contract this field is required.", "", ""},
		{"unknown fields are let through", "track", "Report Created", `{"report":"Q3","x":1}`, "", "", ""},
		{"an unknown event", "track", "Clicked", `{}`, `The contract of this source has no event "Clicked".`, "", ""},
		{"a record", "ticket", "", `{"status":"lost"}`, "By the contract it is one of open, closed.", "", ""},
		{"a record without a rule", "contract", "", `{}`, "", "", ""},
	} {
		props, _ := decodeObject([]byte(c.props))
		note, problem := h.check(&Record{Kind: cairn.EventKind(c.kind), Name: c.event, Props: props})
		refused, field := "", ""
		if problem != nil {
			refused, field = problem.Text, problem.Field
		}
		if note != c.note || refused != c.refused || field != c.field {
			t.Errorf("%s: noted %q, refused %q at %q", c.name, note, refused, field)
		}
	}
	counted := map[string]int64{}
	for _, b := range h.breaches("billing", time.Time{}, h.counts, h.unknown) {
		counted[b.Rule+"/"+b.Field+"/"+b.Problem] = b.N
	}
	if diff := cmp.Diff(map[string]int64{
		"Invoice Sent//checked": 8, "Invoice Sent/amount/missing": 2, "Invoice Sent/amount/type": 1, "Invoice Sent/amount/range": 1,
		"Invoice Sent/currency/value": 1, "Invoice Sent/to.city/type": 1, "Invoice Sent/(unnamed)/unknown": 1,
		"Report Created//checked": 2, "Report Created/report/missing": 1, "Clicked//unknown": 1, "ticket//checked": 1, "ticket/status/value": 1,
	}, counted); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhatAContractMarksPersonalIsSealed(t *testing.T) {
	open, sealed := newClasses(agreedSource(t)).split(cairn.Track, map[string]any{
		"report": "ann@example.com", "to": map[string]any{"city": "Bern", "plan": "pro"},
	})
	if diff := cmp.Diff(map[string]any{"report": "ann@example.com", "to": map[string]any{"plan": "pro"}}, open); diff != "" {
		t.Errorf("open (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[string]any{"to": map[string]any{"city": "Bern"}}, sealed); diff != "" {
		t.Errorf("sealed (-want +got)\n%s", diff)
	}
}

func TestAContractIsSuggestedFromWhatWasSeen(t *testing.T) {
	var events []cairn.Event
	for i := range 200 {
		props := map[string]any{"plan": []string{"free", "pro"}[i%2], "rows": i, "label": fmt.Sprint("r", i)}
		if i%4 == 0 {
			props["note"] = nil
		}
		b, _ := json.Marshal(props)
		events = append(events, cairn.Event{Kind: cairn.Track, Name: "Report Created", Props: b, Personal: []byte(`{"email":"a@b.example","context":{}}`)})
	}
	events = append(events, cairn.Event{Kind: cairn.Track, Name: "Once", Props: []byte(`{}`)})
	c, seen := Suggest(events)
	yes := true
	if diff := cmp.Diff(Contract{Rules: []Rule{{Event: "Report Created", Fields: []Field{
		{Name: "email", Required: true, Type: "text", Personal: &yes}, {Name: "label", Required: true, Type: "text"},
		{Name: "plan", Required: true, Type: "text", Values: []string{"free", "pro"}}, {Name: "rows", Required: true, Type: "whole"},
	}}}}, c); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(seen) != 2 || seen[0].N != 200 || seen[0].Fields[3].Most != 199 || seen[1].Rule.Event != "Once" {
		t.Errorf("%+v", seen)
	}
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	for _, b := range Try(c, events) {
		if b.Problem != Checked {
			t.Errorf("what a contract was made of breaks it: %+v", b)
		}
	}
	c.Rules[0].Fields[2].Values = []string{"pro"}
	if b := Try(c, events); b[0].N+b[1].N != 300 {
		t.Errorf("a tried contract: %+v", b)
	}
}

func TestHoursThatDoNotCountDoNotPass(t *testing.T) {
	zone, err := time.LoadLocation("Europe/Zurich")
	if err != nil {
		t.Fatal(err)
	}
	at := func(s string) time.Time {
		x, err := time.ParseInLocation("Mon 2006-01-02 15:04", s, zone)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	for _, c := range []struct {
		cadence    Cadence
		last, want string
	}{
		{Cadence{Hours: 6}, "Fri 2026-11-20 22:00", "Sat 2026-11-21 04:00"},
		{Cadence{Hours: 6, Days: WorkingDays()}, "Fri 2026-11-20 22:00", "Mon 2026-11-23 04:00"},
		{Cadence{Hours: 6, Days: WorkingDays()}, "Sat 2026-11-21 10:00", "Mon 2026-11-23 06:00"},
		{Cadence{Hours: 6, Days: WorkingDays(), From: 8, To: 18}, "Fri 2026-11-20 15:00", "Mon 2026-11-23 11:00"},
		{Cadence{Hours: 6}, "Sat 2026-10-24 22:00", "Sun 2026-10-25 03:00"}, // the clock goes back at three
		{Cadence{Hours: 72}, "Mon 2026-11-16 09:00", "Thu 2026-11-19 09:00"},
	} {
		if got := c.cadence.Overdue(at(c.last), zone); !got.Equal(at(c.want)) {
			t.Errorf("%v after %s: %v, want %s", c.cadence, c.last, got, c.want)
		}
	}
	if got := (Cadence{Hours: 6, Days: WorkingDays(), From: 8, To: 18}).String(); got != "at least every 6 hours, Monday to Friday, from 8 to 18 o'clock" {
		t.Error(got)
	}
}

func TestACadenceIsLearntFromThePast(t *testing.T) {
	start := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC) // a Monday
	var daily, office []Arrival
	for d := range 20 {
		day := start.AddDate(0, 0, d)
		daily = append(daily, Arrival{Hour: day.Add(2 * time.Hour), Accepted: 9})
		if wd := day.Weekday(); wd != time.Saturday && wd != time.Sunday {
			for h := 8; h < 18; h++ {
				office = append(office, Arrival{Hour: day.Add(time.Duration(h) * time.Hour), Accepted: 1})
			}
		}
	}
	for name, c := range map[string]struct {
		hours []Arrival
		want  Cadence
		ok    bool
	}{
		"nightly":      {daily, Cadence{Hours: 36}, true},
		"office hours": {office, Cadence{Hours: 23, Days: WorkingDays()}, true},
		"too little":   {daily[:5], Cadence{}, false},
	} {
		got, ok := LearnCadence(c.hours, time.UTC)
		if diff := cmp.Diff(c.want, got); diff != "" || ok != c.ok {
			t.Errorf("%s: %v (-want +got)\n%s", name, ok, diff)
		}
	}
}
