package web

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/event"
	"cairn/internal/ingest"
)

func asked(path string) *http.Request { return httptest.NewRequest("GET", path, nil) }

func TestAccountPageRendersFullAndEmpty(t *testing.T) {
	c := regulars()
	for name, tt := range map[string]struct {
		path string
		want []string
		not  []string
	}{
		"full": {c.one(), []string{
			"<h1>Halden Robotics</h1>", "Why 31", "5 of 20 seats were used", "in 21 days", "10,400", "Marta Quist", "economic buyer",
			"Planning", "12 days overdue", "Export of shift plan 0 stops half-way", "The export has been broken for weeks", "Call the economic buyer",
			"Report Created", "3 times", "Write down", "Recurring revenue a month", "Nobody has answered the satisfaction question", "Robotics",
			"crm said so of", "with Marta Quist, Ray from procurement", "Agree a date for the fix",
		}, []string{"This is not now"}},
		"bare": {"/accounts/" + c.accounts[6].ID.String(), []string{"<h1>Nightingale Clinics</h1>", "Why there is no level", "No level is known"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "bare" {
				c.records, c.people, c.timeline = nil, nil, nil
				tt.want = append(tt.want, "No contract is known", "No ticket is known", "Nobody is known yet", "Nothing has happened yet", "No source has described this account yet")
			}
			status, page := c.visit(t, tt.path)
			if status != 200 {
				t.Fatalf("status %d", status)
			}
			for _, want := range tt.want {
				if !strings.Contains(page, want) {
					t.Errorf("no %q", want)
				}
			}
			for _, not := range tt.not {
				if strings.Contains(page, not) {
					t.Errorf("has %q", not)
				}
			}
		})
		c = regulars()
	}
}

func TestWrongIdsAreNotFound(t *testing.T) {
	c := regulars()
	for _, path := range []string{
		"/accounts/" + cairn.Space("").Account("nobody").String(), "/accounts/nobody", "/accounts/zz", c.one() + "/nothing",
		"/accounts/" + cairn.Space("").Account("nobody").String() + "/live",
	} {
		if status, _ := c.visit(t, path); status != http.StatusNotFound {
			t.Errorf("%s: status %d", path, status)
		}
	}
}

func TestAKeyOfElsewhereLeadsToTheAccount(t *testing.T) {
	c := regulars()
	w := c.send(t, asked("/accounts/halden?days=30"))
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.one()+"?days=30" {
		t.Errorf("%d to %q", w.Code, w.Header().Get("Location"))
	}
}

func TestThePastIsShownLoudlyAndReadOnly(t *testing.T) {
	c := regulars()
	_, page := c.visit(t, c.one()+"?at=2026-09-06&days=30")
	for _, want := range []string{"This is not now.", "Sunday 6 September 2026", "78 days ago", `href="` + c.one() + `?days=30"`, "at=2026-08-30", "Why 40"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	for _, not := range []string{`id="write"`, `id="live"`, "Report Created</strong> <span class=\"count\">3 times"} {
		if strings.Contains(page, not) {
			t.Errorf("the past shows %q", not)
		}
	}
}

func TestMomentOfAnAddress(t *testing.T) {
	zone := time.FixedZone("", 2*3600)
	v := View{Now: noon, Zone: zone}
	for _, tt := range []struct {
		at   string
		want time.Time
		kind cairn.Kind
	}{
		{"", time.Time{}, 0},
		{"2026-03-01", time.Date(2026, 3, 1, 23, 59, 59, 999999000, zone), 0},
		{"2026-11-23", time.Time{}, 0}, // today is now
		{"2030-01-01", time.Time{}, 0},
		{"march", time.Time{}, cairn.Invalid},
	} {
		got, err := accountMoment(url.Values{"at": {tt.at}}, v)
		if !got.Equal(tt.want) || (err != nil) != (tt.kind != 0) || err != nil && cairn.KindOf(err) != tt.kind {
			t.Errorf("%q: %v, %v", tt.at, got, err)
		}
	}
}

func TestChangesSumToTheChangeOfTheLevel(t *testing.T) {
	vec := rapid.Custom(func(t *rapid.T) cairn.Vector {
		v := cairn.Vector{Known: true}
		for i := range rapid.IntRange(0, 8).Draw(t, "n") {
			p := cairn.Points(rapid.Int64Range(0, 12_000).Draw(t, "points"))
			v.Reasons = append(v.Reasons, cairn.Reason{Signal: fmt.Sprint("s", i*rapid.IntRange(1, 2).Draw(t, "step")), Points: p})
			v.Level += p
		}
		seen := map[string]bool{}
		for _, r := range v.Reasons {
			if seen[r.Signal] {
				t.Skip("a signal counts once")
			}
			seen[r.Signal] = true
		}
		return v
	})
	rapid.Check(t, func(t *rapid.T) {
		c := compareAccount(vec.Draw(t, "from"), vec.Draw(t, "to"))
		var sum cairn.Points
		for i, d := range c.Changes {
			sum += d.Delta
			if i > 0 && magnitude(d.Delta) > magnitude(c.Changes[i-1].Delta) {
				t.Fatalf("changes come most first: %+v", c.Changes)
			}
		}
		if sum != c.Delta() {
			t.Fatalf("changes sum to %d, the level changed by %d", sum, c.Delta())
		}
	})
}

func TestGroupsOfReasonsSumToTheLevel(t *testing.T) {
	v, _, _ := measured()
	var sum, of cairn.Points
	groups := accountReasonGroups(v.Reasons)
	for _, g := range groups {
		sum, of = sum+g.Points, of+g.Of
		for i, r := range g.Reasons {
			if i > 0 && r.Known && !g.Reasons[i-1].Known {
				t.Errorf("%s: what is missing comes last", g.Name)
			}
		}
	}
	if sum != v.Level || of != cairn.Full {
		t.Errorf("%d of %d, want %d of %d", sum, of, v.Level, cairn.Full)
	}
	if groups[0].Name != "Usage" {
		t.Errorf("the weightiest group comes first: %s", groups[0].Name)
	}
}

func TestTimelinePagesReachEveryEvent(t *testing.T) {
	c := regulars()
	one := regexp.MustCompile(`<dd class="mono">([0-9a-f]{32})</dd>`)
	seen := map[string]bool{}
	_, page := c.visit(t, c.one()+"?kind=usage", "HX-Request", "true", "HX-Target", "timeline-list")
	pages := 0
	for {
		pages++
		for _, m := range one.FindAllStringSubmatch(page, -1) {
			seen[m[1]] = true
		}
		next := regexp.MustCompile(`hx-get="([^"]*cursor=[^"]*)"`).FindStringSubmatch(page)
		if next == nil {
			break
		}
		_, page = c.visit(t, strings.ReplaceAll(next[1], "&amp;", "&"), "HX-Request", "true", "HX-Target", "timeline-more")
	}
	want := 0
	for _, e := range c.timeline {
		if e.Kind == cairn.Track {
			want++
		}
	}
	if len(seen) != want || pages != 2 {
		t.Errorf("%d of %d events on %d pages", len(seen), want, pages)
	}
}

func TestTimelineFilterLivesInTheAddress(t *testing.T) {
	c := regulars()
	f := accountTimelineFilter{Kind: "talks", Person: c.people[0].ID, Text: "call & more", Cursor: "7"}
	v := url.Values{}
	f.addTo(v)
	if diff := cmp.Diff(f, readAccountTimelineFilter(v)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	w := c.send(t, asked(c.one()+"?kind=talks&text=&person=&days=30"), "HX-Request", "true", "HX-Target", "timeline-list")
	if got := w.Header().Get("HX-Replace-Url"); got != c.one()+"?days=30&kind=talks" {
		t.Errorf("the address is %q", got)
	}
	if body := w.Body.String(); !strings.Contains(body, "Marta is frustrated") || strings.Contains(body, "Report Created") {
		t.Error("the filter does not filter")
	}
	if _, page := c.visit(t, c.one()+"?text=zzz"); !strings.Contains(page, "Nothing in this timeline matches") {
		t.Error("an empty answer says so")
	}
}

func TestErasedPeopleAreNeverNamed(t *testing.T) {
	c := regulars()
	gone := c.people[5]
	gone.Name, gone.Mail = "Should Not Show", "leak@halden.example"
	c.people[5], c.known[gone.ID] = gone, gone
	_, page := c.visit(t, c.one())
	if strings.Contains(page, "Should Not Show") || strings.Contains(page, "leak@") {
		t.Error("an erased person is named")
	}
	if !strings.Contains(page, "Somebody (details erased)") || !strings.Contains(page, "Details erased") {
		t.Error("and the page says why it cannot name them")
	}
}

func TestRunsOfOneEventAreOneLine(t *testing.T) {
	at := func(min int, name string, person byte) cairn.Event {
		return cairn.Event{Kind: cairn.Track, Name: name, Person: cairn.PersonID{ID: cairn.ID{person}}, At: noon.Add(-time.Duration(min) * time.Minute), N: 2}
	}
	days := accountDays(event.Page{Events: []cairn.Event{at(1, "A", 1), at(2, "A", 1), at(3, "A", 2), at(4, "B", 2), at(24*60, "B", 2)}}, nil, time.UTC)
	if len(days) != 2 || len(days[0].Entries) != 3 || len(days[1].Entries) != 1 {
		t.Fatalf("%+v", days)
	}
	if e := days[0].Entries[0]; e.Count() != 4 || e.Last.Sub(e.First) != time.Minute {
		t.Errorf("two events that count twice each: %d over %v", e.Count(), e.Last.Sub(e.First))
	}
}

// form is a note that can be taken.
func noteForm() url.Values {
	return url.Values{
		"id": {"N1"}, "type": {"call"}, "text": {"They want <b>SSO</b>."}, "mood": {"good"}, "person": {"u-0"}, "others": {"Ray, Bo"},
		"when": {"2026-11-22T15:30"}, "next": {"Send the offer"}, "next_due": {"2026-11-27"},
	}
}

func TestWhatIsWrittenDownGoesThroughTheDoorWithItsNextStep(t *testing.T) {
	c := regulars()
	w := c.post(t, c.one()+"/interactions", noteForm(), "HX-Request", "true", "HX-Target", "write")
	if w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
	want := []ingest.Record{{
		Index: 0, Kind: cairn.Interaction, Name: "Call", ID: "interaction-N1", At: time.Date(2026, 11, 22, 15, 30, 0, 0, time.UTC), Keys: cairn.Keys{Account: "halden"},
		Props: map[string]any{
			"type": "call", "mood": "good", "text": "They want <b>SSO</b>.", "who": []string{"u-0", "Ray", "Bo"},
			"next_step": "Send the offer", "next_step_due": "2026-11-27", "by": "1",
		},
	}, {
		Index: 1, Kind: cairn.OfTask, Name: "planned", ID: "next-step-N1", At: noon, Keys: cairn.Keys{Account: "halden", Record: "next-step-N1"},
		Props: map[string]any{
			"title": "Send the offer", "why": "Next step of the call on 22 November 2026", "type": "next_step", "owner": ada.Mail, "by": "1",
			"priority": 3, "due": "2026-11-27T23:59:59Z", "state": "open", "planned": "2026-11-23T11:20:00Z",
		},
	}}
	if diff := cmp.Diff(want, c.admitted); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	body := w.Body.String()
	for _, want := range []string{"They want &lt;b&gt;SSO&lt;/b&gt;.", "with Marta Quist, Ray, Bo", "Written down", "with a task for you", `id="timeline"`, `id="tasks"`} {
		if !strings.Contains(body, want) {
			t.Errorf("it does not appear at once: no %q", want)
		}
	}
	if strings.Contains(body, `value="N1"`) {
		t.Error("the next form must not carry the id of the one before")
	}
}

func TestNoteWithoutANextStepMakesNoTask(t *testing.T) {
	c := regulars()
	form := url.Values{"id": {"N2"}, "type": {"note"}, "text": {"Quiet week."}}
	if w := c.post(t, c.one()+"/interactions", form); w.Code != http.StatusSeeOther || w.Header().Get("Location") != c.one()+"#timeline" {
		t.Fatal(w.Code, w.Header())
	}
	if len(c.admitted) != 1 || !c.admitted[0].At.Equal(noon) {
		t.Errorf("%+v", c.admitted)
	}
}

func TestNoteThatCannotBeTakenComesBackAsItWasTyped(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(url.Values)
		field  string
	}{
		"nothing said":             {func(v url.Values) { v.Set("text", " "); v.Set("next", ""); v.Set("next_due", "") }, "text"},
		"too long":                 {func(v url.Values) { v.Set("text", strings.Repeat("x", accountTextLimit+1)) }, "text"},
		"in the future":            {func(v url.Values) { v.Set("when", "2026-11-24T10:00") }, "when"},
		"no time":                  {func(v url.Values) { v.Set("when", "tomorrow") }, "when"},
		"a step without a date":    {func(v url.Values) { v.Set("next_due", "") }, "next_due"},
		"a date without a step":    {func(v url.Values) { v.Set("next", "") }, "next"},
		"a date that cannot be":    {func(v url.Values) { v.Set("next_due", "2026-02-30") }, "next_due"},
		"a mood that is not known": {func(v url.Values) { v.Set("mood", "hungry") }, "mood"},
		"a kind that is not known": {func(v url.Values) { v.Set("type", "fax") }, "type"},
	} {
		t.Run(name, func(t *testing.T) {
			c, form := regulars(), noteForm()
			tt.change(form)
			w := c.post(t, c.one()+"/interactions", form, "HX-Request", "true", "HX-Target", "write")
			body := w.Body.String()
			if w.Code != http.StatusUnprocessableEntity || len(c.admitted) > 0 {
				t.Fatalf("status %d, %d admitted", w.Code, len(c.admitted))
			}
			if !strings.Contains(body, `id="write-problem-`+tt.field+`"`) || strings.Count(body, `class="problem"`) != 1 {
				t.Errorf("the problem must stand beside %s: %d problems", tt.field, strings.Count(body, `class="problem"`))
			}
			for _, kept := range []string{"Ray, Bo", `value="N1"`, `value="u-0" checked`, "hx-swap-oob"} {
				if !strings.Contains(body, kept) {
					t.Errorf("lost %q", kept)
				}
			}
		})
	}
}

func TestNoteTheDoorRefusesIsNotLost(t *testing.T) {
	c := regulars()
	form := noteForm()
	c.company.broken = nil
	refusing := &refusal{customers: c}
	r := httptest.NewRequest("POST", c.one()+"/interactions", strings.NewReader(form.Encode()+"&csrf=csrf-of-ada"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: "token-of-ada"})
	w := httptest.NewRecorder()
	New(Deps{Usage: counting(c, nil), Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: refusing, Auth: c, Users: c, Now: func() time.Time { return noon }}).ServeHTTP(w, r)
	body := w.Body.String()
	if w.Code != http.StatusUnprocessableEntity || !strings.Contains(body, "They want &lt;b&gt;SSO&lt;/b&gt;.") || !strings.Contains(body, "The disk is full.") {
		t.Errorf("status %d; what was typed and why it was refused must be on the page", w.Code)
	}
}

// refusal is a door that takes nothing.
type refusal struct{ *customers }

func (*refusal) Admit(_ context.Context, _ ingest.Source, _ []ingest.Record) ([]ingest.Verdict, error) {
	return nil, cairn.Errorf(cairn.Unavailable, "The disk is full.")
}

func TestLiveSaysNothingWhileNothingHasChanged(t *testing.T) {
	c := regulars()
	if status, body := c.visit(t, c.one()+"/live?version=7"); status != http.StatusNoContent || body != "" {
		t.Errorf("status %d", status)
	}
	c.version = 8
	status, body := c.visit(t, c.one()+"/live?version=7&days=30&kind=talks")
	if status != 200 || !strings.Contains(body, "version=8") || !strings.Contains(body, "days=30") || !strings.Contains(body, "kind=talks") {
		t.Errorf("status %d: the next question must know the version and the view", status)
	}
	for _, id := range []string{"account-head", "account-hero", "tasks", "changed", "reasons", "usage", "people", "money", "support", "timeline", "signals", "facts"} {
		if !regexp.MustCompile(`id="` + id + `"[^>]*hx-swap-oob="true"`).MatchString(body) {
			t.Errorf("%s does not change", id)
		}
	}
	if strings.Contains(body, `id="write"`) {
		t.Error("the form that somebody may be filling in must stay")
	}
}

func TestHistoryHasATableBehindItAndDaysToTravelTo(t *testing.T) {
	c := regulars()
	today := cairn.DayOf(noon, time.UTC)
	c.scored = map[cairn.AccountID][]account.Scored{c.accounts[0].ID: {
		{Day: today - 70, Known: true, Level: 71_500, Way: cairn.Steady, Model: "default", Rev: 1},
		{Day: today - 20, Known: true, Level: 44_400, Way: cairn.Falling, Model: "strict", Rev: 2},
	}}
	status, body := c.visit(t, c.one()+"?weeks=52", "HX-Request", "true", "HX-Target", "history")
	if status != 200 {
		t.Fatal(status)
	}
	for _, want := range []string{"Scored then", "71.5", "44.4", "Scored by the model strict, revision 2, before by the model default, revision 1", "Show as a table", "Invoice paid late", "Ticket opened, urgent", "?at=2026-10-11&amp;weeks=52", `type="application/json"`, "A year"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestWeekEndsAreMidnightsOfSundayInTheZone(t *testing.T) {
	zone := time.FixedZone("", -5*3600)
	got := weekEnds(noon.AddDate(0, 0, -16), noon, 26, zone)
	want := []time.Time{
		time.Date(2026, 11, 9, 0, 0, 0, 0, zone), time.Date(2026, 11, 16, 0, 0, 0, 0, zone),
		time.Date(2026, 11, 23, 0, 0, 0, 0, zone), noon,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
