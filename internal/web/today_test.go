package web

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

// words returns the text of a page without its tags, one space between words.
func words(html string) string {
	html = regexp.MustCompile(`(?s)<(script|style|svg)[^>]*>.*?</(script|style|svg)>`).ReplaceAllString(html, " ")
	return strings.Join(strings.Fields(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(html, " ")), " ")
}

func has(t *testing.T, body string, wants ...string) {
	t.Helper()
	text := words(body)
	for _, w := range wants {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not said in:\n%s", w, text)
		}
	}
}

func TestTodayOpensWithTheSentenceItsReaderCameFor(t *testing.T) {
	has(t, seen(t, fullCompany(), "/today").body,
		"6 accounts need you today, 1 task is late.", "424,488 € a year renews within 30 days and 2 of 6 accounts are falling.", "4 of 10 done today")
	c := fullCompany()
	c.items, c.closed = nil, 0
	has(t, seen(t, c, "/today").body, "Nothing needs you today.", "Nothing to do")
	has(t, seen(t, fullCompany(), "/today?who=nobody").body, "1 account needs somebody and nobody has taken them.")
	has(t, seen(t, bareCompany(), "/today").body, "Send the first event", "YOUR_WRITE_KEY", "http://example.com/v1/batch")
}

func TestEachTaskSaysWhatForWhomWhyAndUntilWhen(t *testing.T) {
	has(t, seen(t, fullCompany(), "/today").body, "Halden Robotics", "Call the economic buyer", "Urgent",
		"Why: Level fell from 47 to 31 in 30 days: two of three champions stopped logging in", "124,800 € 2 days late",
		"4 tickets are open, the oldest for 23 days", "Its place in the list: Urgent, 2 days overdue")
}

func TestEveryNumberOfTheSentenceOpensItsRows(t *testing.T) {
	body := seen(t, fullCompany(), "/today").body
	for _, want := range []string{`href="#queue"`, `href="#renewals"`, `href="/accounts?owner=ada%40cairn.example&amp;renews=30&amp;sort=renews&amp;status=customer&amp;way=falling"`} {
		if !strings.Contains(body, want) {
			t.Errorf("%s is not there", want)
		}
	}
}

func TestATitleThatHoldsTheNameSaysItOnce(t *testing.T) {
	c := fullCompany()
	c.items[0].Task.Title = "Secure the renewal of Halden Robotics today"
	c.items = c.items[:1]
	body := seen(t, c, "/today?who=nobody").body + seen(t, c, "/today").body
	row := body[strings.Index(body, `<ol class="queue">`):strings.Index(body, "</ol>")]
	if n := strings.Count(words(row), "Halden Robotics"); n != 1 {
		t.Errorf("the name stands %d times in %s", n, words(row))
	}
}

func TestWhatIsDoneToATaskIsAnEvent(t *testing.T) {
	for _, tt := range []struct {
		verb  string
		extra []string
		name  string
		props map[string]any
	}{
		{"done", []string{"outcome", "They will renew"}, "done", map[string]any{"state": "done", "closed": "2026-11-23T11:20:00Z", "outcome": "They will renew"}},
		{"dismiss", nil, "dismissed", map[string]any{"state": "dismissed", "closed": "2026-11-23T11:20:00Z"}},
		{"snooze", []string{"until", "2026-11-30"}, "snoozed", map[string]any{"state": "snoozed", "until": "2026-11-30T00:00:00Z"}},
		{"reopen", nil, "reopened", map[string]any{"state": "open", "until": nil, "closed": nil, "outcome": nil}},
		{"outcome", []string{"outcome", "Called"}, "outcome", map[string]any{"outcome": "Called"}},
	} {
		t.Run(tt.verb, func(t *testing.T) {
			c := fullCompany()
			res := ask(t, c.site(), "POST", "/tasks/"+c.items[0].Task.ID.String()+"/"+tt.verb, form(append(tt.extra, "version", "1", "back", "/today?who=everybody")...))
			if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/today?did="+tt.name+"&task=") {
				t.Fatalf("%d %s", res.StatusCode, res.Header.Get("Location"))
			}
			if len(c.admitted) != 1 {
				t.Fatalf("%d records admitted", len(c.admitted))
			}
			r := c.admitted[0]
			tt.props["by"], tt.props["play"] = "1", "rule/level-low"
			if diff := cmp.Diff(tt.props, r.Props); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if r.Kind != cairn.OfTask || r.Name != tt.name || r.Keys != (cairn.Keys{Record: "task-0"}) || !r.At.Equal(noon) || r.ID != "task-0/"+tt.name+"/1" {
				t.Errorf("%+v", r)
			}
		})
	}
}

func TestASecondPressOfTheButtonIsTheSameEvent(t *testing.T) {
	c := fullCompany()
	h := c.site()
	path := "/tasks/" + c.items[0].Task.ID.String() + "/done"
	ask(t, h, "POST", path, form("version", "1"))
	res := ask(t, h, "POST", path, form("version", "1"))
	if res.StatusCode != http.StatusConflict || len(c.admitted) != 1 {
		t.Errorf("%d, %d admitted", res.StatusCode, len(c.admitted))
	}
}

func TestAPressWithHtmxAnswersWithTheWayBack(t *testing.T) {
	c := fullCompany()
	res := ask(t, c.site(), "POST", "/tasks/"+c.items[0].Task.ID.String()+"/done", form("version", "1"), "HX-Request", "true")
	if res.Header.Get("HX-Trigger") != "cairn:changed" || !strings.Contains(res.body, `hx-swap-oob="true"`) ||
		!strings.Contains(res.body, `name="version" value="2"`) || !strings.Contains(res.body, "/reopen") {
		t.Errorf("%v\n%s", res.Header, res.body)
	}
}

func TestWithoutScriptTheWayBackStandsOnThePage(t *testing.T) {
	c := fullCompany()
	h := c.site()
	res := ask(t, h, "POST", "/tasks/"+c.items[0].Task.ID.String()+"/done", form("version", "1"))
	has(t, ask(t, h, "GET", res.Header.Get("Location"), nil).body, "Done Call the economic buyer", "Undo")
}

func TestASnoozeNeedsADayToCome(t *testing.T) {
	for until, want := range map[string]string{
		"": "Choose the day", "soon": "Choose the day", "2026-11-23": "Choose a day after today", "2031-01-01": "Choose a day within two years",
	} {
		c := fullCompany()
		res := ask(t, c.site(), "POST", "/tasks/"+c.items[0].Task.ID.String()+"/snooze", form("until", until), "HX-Request", "true")
		if res.StatusCode != http.StatusBadRequest || !strings.Contains(res.body, want) || len(c.admitted) != 0 {
			t.Errorf("%q: %d %s", until, res.StatusCode, res.body)
		}
	}
}

func TestSnoozesAreDaysOfTheWorkspaceAndMondayIsTheNext(t *testing.T) {
	v := View{Now: noon, Zone: time.FixedZone("", 13*3600)} // already Tuesday there
	var got []string
	for _, s := range snoozes(v) {
		got = append(got, s.Name+" "+s.Day.Format("Mon 2006-01-02 15:04"))
	}
	want := []string{"Tomorrow Wed 2026-11-25 00:00", "In 3 days Fri 2026-11-27 00:00", "Next Monday Mon 2026-11-30 00:00", "In two weeks Tue 2026-12-08 00:00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestATaskByHandIsPlannedForWhoeverWritesIt(t *testing.T) {
	c := fullCompany()
	res := ask(t, c.site(), "POST", "/tasks", form("title", " Ring Marta ", "account", "halden robotics", "due", "2026-11-27"))
	if res.StatusCode != http.StatusSeeOther || len(c.admitted) != 1 {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	r := c.admitted[0]
	if r.Keys.Account != "halden" || r.Keys.Record == "" || r.Props["title"] != "Ring Marta" || r.Props["owner"] != ada.Mail || r.Props["due"] != "2026-11-27T00:00:00Z" || r.Props["play"] != nil {
		t.Errorf("%+v", r)
	}
	for _, f := range []string{"title", "account", "due"} {
		bad := form("title", "x", "account", "halden", "due", "2026-11-27")
		bad.Set(f, "")
		if res := ask(t, c.site(), "POST", "/tasks", bad); res.StatusCode < 400 {
			t.Errorf("without %s: %d", f, res.StatusCode)
		}
	}
	if len(c.admitted) != 1 {
		t.Error("something was planned all the same")
	}
}

func TestNoSuchTaskAndNoSuchVerbAreNotFound(t *testing.T) {
	c := fullCompany()
	for _, path := range []string{"/tasks/zzz/done", "/tasks/" + cairn.HashID("x").String() + "/done", "/tasks/" + c.items[0].Task.ID.String() + "/explode"} {
		if res := ask(t, c.site(), "POST", path, form()); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
}

func TestALookForChangesAnswersNothingWhileNothingChanged(t *testing.T) {
	c := fullCompany()
	h := c.site()
	live := strings.ReplaceAll(regexp.MustCompile(`hx-get="(/live/today[^"]+)"`).FindStringSubmatch(ask(t, h, "GET", "/today", nil).body)[1], "&amp;", "&")
	if res := ask(t, h, "GET", live, nil, "HX-Request", "true"); res.StatusCode != http.StatusNoContent || res.body != "" {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	c.version++
	res := ask(t, h, "GET", live, nil, "HX-Request", "true")
	if res.StatusCode != 200 || !strings.Contains(res.body, `id="live"`) || !strings.Contains(res.body, `id="today" hx-swap-oob="innerHTML"`) || strings.Contains(res.body, "<html") {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	c.version--
	c.progress = []Progress{{Name: "Feeding", Done: 1, Of: 2}}
	if res := ask(t, h, "GET", live, nil); res.StatusCode != 200 {
		t.Error("work under way is not a change")
	}
}

func TestAMovementSaysWhichReasonsMovedIt(t *testing.T) {
	c := fullCompany()
	has(t, seen(t, c, "/today/moved/"+c.accounts[0].ID.String()).body, "3 of 12 people were active in 28 days", "−9")
}
