package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/auth"
	"cairn/internal/keep"
	"cairn/internal/signal"
)

// A cellar is a log in memory and the room around it, with the book of a shelf.
type cellar struct {
	*shelf
	disk  keep.Disk
	held  []keep.Held
	memos map[string]string
}

func (c *cellar) Held(context.Context) ([]keep.Held, error) { return c.held, nil }
func (c *cellar) Weights(context.Context) (map[keep.Key]float64, error) {
	return map[keep.Key]float64{{}: 500}, nil
}
func (c *cellar) Drop(context.Context, keep.Sweep, int) (keep.Swept, error) {
	return keep.Swept{Done: true}, nil
}
func (c *cellar) Disk(context.Context) (keep.Disk, error)          { return c.disk, nil }
func (c *cellar) Memo(_ context.Context, n string) (string, error) { return c.memos[n], nil }
func (c *cellar) Remember(_ context.Context, name, body string) error {
	c.memos[name] = body
	return nil
}

// someone is a company at which somebody else is signed in.
type someone struct {
	*company
	user auth.User
}

func (s someone) Session(ctx context.Context, token string) (auth.Session, error) {
	in, err := s.company.Session(ctx, token)
	in.User = s.user
	return in, err
}

func cellarOf(c *company) *cellar {
	return &cellar{
		shelf: counting(c, c.accounts).Store.(*shelf), memos: map[string]string{}, disk: keep.Disk{Data: 5e9, Total: 100e9, Avail: 60e9},
		held: []keep.Held{
			{Key: keep.Key{Source: "product", Event: "Page Viewed"}, Day: cairn.DayOf(noon.AddDate(0, 0, -200), time.UTC), N: 4000},
			{Key: keep.Key{Source: "product", Event: "Page Viewed"}, Day: cairn.DayOf(noon.AddDate(0, 0, -3), time.UTC), N: 2800},
			{Key: keep.Key{Source: "product", Event: "Report Created"}, Day: cairn.DayOf(noon.AddDate(0, 0, -200), time.UTC), N: 12},
		},
	}
}

func keptSite(c *company, k *cellar, user auth.User) http.Handler {
	return New(Deps{
		Usage: counting(c, c.accounts), Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: someone{c, user}, Users: c,
		Keep: &keep.Service{
			Store: k, Book: k, Memos: k, Now: func() time.Time { return noon },
			Settings: func() signal.Settings { return signal.Settings{Zone: time.UTC} },
		},
		Now: func() time.Time { return noon },
	})
}

func (k *cellar) policy(t *testing.T) keep.Policy {
	t.Helper()
	p, _, err := keep.Read(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestAnEndIsPreviewedBeforeItIsSetAndCanBeTakenBack(t *testing.T) {
	c := fullCompany()
	k := cellarOf(c)
	h := keptSite(c, k, ada)
	page := ask(t, h, "GET", "/keeping", nil).body
	has(t, page, "6,812 single usage events", "for ever", "Page Viewed", "Set an end", "Say for how long")
	sound(t, page)

	end := []string{"event", "Page Viewed", "source", "", "for", "90 days", "rev", "0", "note", "Too many"}
	tried := ask(t, h, "POST", "/keeping/try", fields(end...), "HX-Request", "true")
	has(t, tried.body, "4,000 events", "2.0 MB", "2026-05", "Set the end and drop 4,000 events", "cannot be brought back", "25 Aug 2026")
	if len(k.pages[keep.Page]) != 0 {
		t.Fatal("trying saved something")
	}
	has(t, ask(t, h, "POST", "/keeping/try", fields("for", "90 apples"), "HX-Request", "true").body, "How long is said as 90 days")
	has(t, ask(t, h, "POST", "/keeping/try", fields("for", "3 days"), "HX-Request", "true").body, "30 days or one month at least")

	unsure := ask(t, h, "POST", "/keeping", fields(end...))
	if unsure.StatusCode != http.StatusUnprocessableEntity || len(k.pages[keep.Page]) != 0 {
		t.Fatalf("without being sure it answers %d and has %d revisions", unsure.StatusCode, len(k.pages[keep.Page]))
	}
	has(t, unsure.body, "Tick that you know", "4,000 events")
	if !strings.Contains(unsure.body, `value="Too many"`) {
		t.Error("the note that was typed is gone")
	}
	sound(t, unsure.body)

	sure := append(end, "sure", "1")
	if got := ask(t, h, "POST", "/keeping", fields(sure...)); got.StatusCode != http.StatusSeeOther {
		t.Fatalf("it answers %d: %s", got.StatusCode, got.body)
	}
	if p := k.policy(t); len(p.Ends) != 1 || p.Ends[0] != (keep.End{Event: "Page Viewed", Days: 90}) {
		t.Fatalf("the book says %+v", p)
	}
	page = ask(t, h, "GET", "/keeping", nil).body
	has(t, page, "4,000 events are past their end", "Take it back", "“Page Viewed” events", "kept 90 days", "Too many")
	sound(t, page)
	if got := ask(t, h, "POST", "/keeping", fields(sure...)); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "Somebody else changed") {
		t.Errorf("an old page answers %d", got.StatusCode)
	}
	if got := ask(t, h, "POST", "/keeping/restore", fields("rev", "0")); got.StatusCode != http.StatusSeeOther || len(k.policy(t).Ends) != 0 {
		t.Errorf("taking it back answers %d and leaves %+v", got.StatusCode, k.policy(t))
	}
	// What drops nothing needs no second word.
	if got := ask(t, h, "POST", "/keeping", fields("event", "", "source", "", "for", "2 years", "rev", "2")); got.StatusCode != http.StatusSeeOther {
		t.Errorf("an end that drops nothing answers %d: %s", got.StatusCode, got.body)
	}
	if got := ask(t, h, "POST", "/keeping/unset", fields("event", "", "source", "")); got.StatusCode != http.StatusSeeOther || len(k.policy(t).Ends) != 0 {
		t.Errorf("taking an end back answers %d and leaves %+v", got.StatusCode, k.policy(t))
	}
}

func TestOnlyAdministratorsSetEnds(t *testing.T) {
	c := fullCompany()
	k := cellarOf(c)
	h := keptSite(c, k, auth.User{ID: "2", Mail: "bob@cairn.example", Name: "Bob"})
	page := ask(t, h, "GET", "/keeping", nil).body
	has(t, page, "Page Viewed", "Administrators set how long")
	if strings.Contains(page, "keep-form") || strings.Contains(page, `action="/keeping/quota"`) {
		t.Error("somebody who may not is shown the form")
	}
	for path, form := range map[string][]string{
		"/keeping": {"for", "90 days", "rev", "0", "sure", "1"}, "/keeping/quota": {"quota", "5 GB"}, "/keeping/unset": {}, "/keeping/restore": {"rev", "0"},
	} {
		if got := ask(t, h, "POST", path, fields(form...)); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s answers %d", path, got.StatusCode)
		}
	}
	if len(k.pages[keep.Page]) != 0 {
		t.Error("something was saved")
	}
	k.disk.Avail = 1e9
	if body := ask(t, keptSite(c, k, auth.User{ID: "2", Mail: "bob@cairn.example"}), "GET", "/sources", nil).body; strings.Contains(body, "room-notice") {
		t.Error("who does not look after it is warned of the disk")
	}
}

func TestRoomThatRunsOutIsToldOnEveryPageUntilItIsHidden(t *testing.T) {
	c := fullCompany()
	k := cellarOf(c)
	told := func(headers ...string) bool {
		t.Helper()
		all := 0
		for _, path := range []string{"/today", "/accounts", "/sources", "/keeping"} { // a service of its own looks anew
			page := ask(t, keptSite(c, k, ada), "GET", path, nil, headers...)
			if path == "/keeping" {
				sound(t, page.body)
			}
			if strings.Contains(page.body, "room-notice") {
				all++
			}
		}
		if all != 0 && all != 4 {
			t.Fatalf("%d of 4 pages tell", all)
		}
		return all == 4
	}
	if told() {
		t.Error("there is room, and pages warn")
	}
	k.disk.Avail = 25e9
	if !told() {
		t.Error("at 75 % no page warns")
	}
	body := ask(t, keptSite(c, k, ada), "GET", "/keeping", nil).body
	has(t, body, "The disk is 75 % full: 25 GB of 100 GB are left.", "What would help", "90 days of Page Viewed", "Most of what is taken is not Cairn")
	hide := ask(t, keptSite(c, k, ada), "POST", "/keeping/hide", fields("to", "/accounts"))
	if hide.StatusCode != http.StatusSeeOther || hide.Header.Get("Location") != "/accounts" || len(hide.Cookies()) != 1 {
		t.Fatalf("hiding answers %d to %s", hide.StatusCode, hide.Header.Get("Location"))
	}
	cookies := sessionCookie + "=token-of-ada; " + hide.Cookies()[0].Name + "=" + hide.Cookies()[0].Value
	if told("Cookie", cookies) {
		t.Error("what was hidden is told again")
	}
	k.disk.Avail = 4e9
	if !told("Cookie", cookies) {
		t.Error("the next level is hidden too")
	}
	for _, to := range []string{"https://elsewhere.example", "//elsewhere.example", `/\elsewhere.example`} {
		if got := ask(t, keptSite(c, k, ada), "POST", "/keeping/hide", fields("to", to)).Header.Get("Location"); got != "/keeping" {
			t.Errorf("hiding leads to %s", got)
		}
	}
	// A quota counts beside the disk, and one that is none is said to be.
	k.disk.Avail = 60e9
	if got := ask(t, keptSite(c, k, ada), "POST", "/keeping/quota", fields("quota", "5 GB")); got.StatusCode != http.StatusSeeOther || k.policy(t).Quota != 5e9 {
		t.Errorf("a quota answers %d, and is %d", got.StatusCode, k.policy(t).Quota)
	}
	has(t, ask(t, keptSite(c, k, ada), "GET", "/keeping", nil).body, "100 % of the room that it may take")
	if got := ask(t, keptSite(c, k, ada), "POST", "/keeping/quota", fields("quota", "lots")); got.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(got.body, "A size is a number with its unit") || !strings.Contains(got.body, `value="lots"`) {
		t.Errorf("a quota that is none answers %d", got.StatusCode)
	}
}

func TestAMetricSaysWhatItCannotSee(t *testing.T) {
	c := fullCompany()
	s := counting(c, c.accounts)
	shelf := s.Store.(*shelf)
	shelf.dropped = []signal.Dropped{{Source: "product", Name: "Export Run", N: 1204, First: noon.AddDate(-1, 0, 0), Last: noon.AddDate(0, 0, -91)}}
	h := c.siteWith(s)
	try := func(pairs ...string) string {
		return ask(t, h, "POST", "/usage/metrics/try", fields(append([]string{"as", "form", "title", "Big exports", "count", "events", "days", "28", "events", "Export Run"}, pairs...)...), "HX-Request", "true").body
	}
	has(t, try("property_field", "rows", "property_op", "above", "property_value", "10"), "“Export Run” events of product from before 2026-08-25 are not kept one by one", "as of 2026-09-21 and later")
	if strings.Contains(try(), "not kept one by one") {
		t.Error("a metric that tallies by name tell is said to lack something")
	}
}

func TestATimelineSaysWhatIsNotKeptOneByOne(t *testing.T) {
	c := fullCompany()
	c.events.Dropped, c.events.DroppedAt = 1204, noon.AddDate(0, 0, -91)
	page := seen(t, c, "/accounts/"+c.accounts[0].ID.String()).body
	has(t, page, "1,204 usage events", "not kept one by one any more", "still counts")
	b, err := json.Marshal(keep.Policy{Ends: []keep.End{}})
	if err != nil || string(b) != `{"ends":[]}` {
		t.Errorf("a policy without ends is %s: %v", b, err)
	}
}
