package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/ingest"
)

func TestSourcesSayWhatArrivedAndWhatCouldNotBeTaken(t *testing.T) {
	has(t, seen(t, fullCompany(), "/sources").body, "1,319,853 in all. 30 could not be taken", "segment", "1,284,031", "nothing yet")
	has(t, seen(t, fullCompany(), "/sources/segment").body, "event A track call needs the name of its event.", "Record 17 of what was sent", "&#34;report&#34;: &#34;Q3&#34;", "the newest 3 of 27")
	has(t, seen(t, bareCompany(), "/sources/segment").body, "None yet. A sender needs one.", "Nothing was rejected.")
}

func TestANewKeyIsShownOnceAndStandsInTheSnippets(t *testing.T) {
	c := bareCompany()
	h := c.site()
	res := ask(t, h, "POST", "/sources/segment/keys", form("on", "overview"))
	if res.StatusCode != 200 || strings.Count(res.body, "wk_9f3c51d0a7b24e6c8d1f") < 4 || strings.Contains(res.body, noKey) {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	sound(t, res.body)
	if again := ask(t, h, "GET", "/sources/segment", nil).body; strings.Contains(again, "wk_9f3c51d0a7b24e6c8d1f") || !strings.Contains(again, "wk_9f3c…") {
		t.Error("the key can be read a second time, or its beginning cannot")
	}
	part := ask(t, h, "POST", "/sources/segment/keys", form("on", "overview"), "HX-Request", "true")
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, "wk_9f3c51d0a7b24e6c8d1f") {
		t.Error(part.body)
	}
}

func TestTheHouseNeedsNoKey(t *testing.T) {
	if res := ask(t, fullCompany().site(), "POST", "/sources/cairn/keys", form()); res.StatusCode != http.StatusForbidden {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestASourceIsNamedOnceAndPlainly(t *testing.T) {
	for name, want := range map[string]int{"crm": 303, " Billing-2 ": 303, "": 400, "9lives": 400, "a b": 400, "<x>": 400, "segment": 409} {
		if res := ask(t, bareCompany().site(), "POST", "/sources", form("name", name)); res.StatusCode != want {
			t.Errorf("%q: %d, want %d", name, res.StatusCode, want)
		}
	}
}

func TestSnippetsNameThisServerAndTheKey(t *testing.T) {
	for address, want := range map[string]string{
		"https://cs.example.com": "apiHost: 'cs.example.com/v1', protocol: 'https'",
		"http://localhost:8080":  "apiHost: 'localhost:8080/v1', protocol: 'http'",
	} {
		for _, s := range samples(View{Address: address}, "wk_1") {
			if !strings.Contains(s.Text, "wk_1") || !strings.Contains(s.Text, address) {
				t.Errorf("%s:\n%s", s.Name, s.Text)
			}
			if s.ID == "browser" && !strings.Contains(s.Text, want) {
				t.Errorf("%q is not in\n%s", want, s.Text)
			}
		}
	}
}

func TestBarsStandOnZeroAndShowWhatWasRefused(t *testing.T) {
	bars := barsOf(View{Now: noon, Zone: time.UTC}, []ingest.Arrival{{Hour: noon}, {Hour: noon, Accepted: 80, Late: 10, Rejected: 10}, {Hour: noon, Accepted: 1}}, 20)
	var got []string
	for _, b := range bars {
		got = append(got, b.Y+"+"+b.H+" "+b.BadY+"+"+b.BadH)
	}
	if diff := cmp.Diff([]string{"20.0+0.0 20.0+0.0", "0.0+18.0 18.0+2.0", "19.0+1.0 20.0+0.0"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestALookAtSourcesAnswersNothingUntilSomethingArrives(t *testing.T) {
	c := fullCompany()
	h := c.site()
	for path, id := range map[string]string{"/live/sources": "sources", "/live/sources/segment": "source-facts"} {
		v := sourceVersion(c.sums)
		if path == "/live/sources/segment" {
			v = sourceVersion(c.sums[:1])
		}
		if res := ask(t, h, "GET", path+"?v="+v, nil); res.StatusCode != http.StatusNoContent {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
		c.sums[0].Total.Accepted++
		if res := ask(t, h, "GET", path+"?v="+v, nil); res.StatusCode != 200 || !strings.Contains(res.body, `id="`+id+`"`) {
			t.Errorf("%s: %d %s", path, res.StatusCode, res.body)
		}
	}
}

func TestKeysAreNamedLimitedRotatedAndWithdrawn(t *testing.T) {
	c := fullCompany()
	h := c.site()
	page := ask(t, h, "GET", "/sources/segment/keys", nil).body
	sound(t, page)
	has(t, page, "Website", "last used on 2026-03-15", "only track · from https://app.example.com", "ends", "Old export", "withdrawn", "Take that back")
	res := ask(t, h, "POST", "/sources/segment/keys", form("name", "Nightly", "scope", "read", "expires", "2027-04-30"))
	has(t, res.body, "wk_9f3c51d0a7b24e6c8d1f", "Nightly", "shown this once")
	if again := ask(t, h, "GET", "/sources/segment/keys", nil).body; strings.Contains(again, "wk_9f3c51d0a7b24e6c8d1f") || !strings.Contains(again, "Nightly") {
		t.Error("the key can be read a second time, or is not listed")
	}
	if res := ask(t, h, "POST", "/sources/segment/keys", form("name", "x", "expires", "2020-01-01")); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a key that has expired before it is made: %d", res.StatusCode)
	}
	has(t, ask(t, h, "POST", "/sources/segment/keys/1/rotate", form("overlap", "168")).body, "wk_9f3c51d0a7b24e6c8d1f")
	if k := c.key("segment", 1); !k.Expires.Equal(noon.AddDate(0, 0, 7)) {
		t.Errorf("the old key ends %v", k.Expires)
	}
	for path, want := range map[string]int{"1/withdraw": 303, "9/withdraw": 404, "x/rotate": 404, "2/change": 303} {
		if res := ask(t, h, "POST", "/sources/segment/keys/"+path, form("overlap", "1", "name", "Shop")); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
	if c.key("segment", 1).Withdrawn.IsZero() || c.key("segment", 2).Name != "Shop" {
		t.Error("the key is not withdrawn, or not renamed")
	}
	if ask(t, h, "POST", "/sources/segment/keys/1/withdraw", form("back", "1")); !c.key("segment", 1).Withdrawn.IsZero() {
		t.Error("the withdrawal is not taken back")
	}
}

func TestTheSourcesPageSaysWhichSourceIsNotWell(t *testing.T) {
	c := fullCompany()
	h := c.site()
	page := ask(t, h, "GET", "/sources", nil).body
	sound(t, page)
	has(t, page, "billing : Silent since 13 Mar, 12:00. It is expected at least every 6 hours, Monday to Friday.", "What it feeds is shown as it was", "silent")
	one := ask(t, h, "GET", "/sources/billing", nil).body
	sound(t, one)
	has(t, one, "no rule fires because of it", "amount of Invoice Sent: missing, though required", "Revision 2: Invoices name their currency")
	has(t, ask(t, h, "GET", "/sources/crm", nil).body, "say how often it should send")
	has(t, ask(t, h, "GET", "/today?who=everybody", nil).body, "billing : Silent since")
	if mine := ask(t, h, "GET", "/today", nil).body; strings.Contains(mine, "Silent since") {
		t.Error("who looks at their own day is told of sources")
	}
}

func TestAnEarlierRevisionOfASourceIsOneClickAway(t *testing.T) {
	c := fullCompany()
	h := c.site()
	page := ask(t, h, "GET", "/sources/billing", nil).body
	sound(t, page)
	has(t, page, "in force", "What changed", "added: every_hours", "name: currency", "Go back to this")
	if n := strings.Count(page, "/restore"); n != 1 {
		t.Errorf("%d revisions can be restored, and one is not in force", n)
	}
	res := ask(t, h, "POST", "/sources/billing/restore", form("rev", "1", "base", "2"))
	if res.StatusCode != http.StatusSeeOther || c.saved.Cadence == nil || c.saved.Cadence.Hours != 24 || c.saved.Contract != nil || c.saved.Rev != 2 {
		t.Errorf("%d: %+v", res.StatusCode, c.saved)
	}
	if res := ask(t, h, "POST", "/sources/billing/restore", form("rev", "9", "base", "2")); res.StatusCode != http.StatusNotFound {
		t.Errorf("a revision that never was: %d", res.StatusCode)
	}
}

func TestCadenceAndContractAreWrittenInFormsAndAsText(t *testing.T) {
	c := fullCompany()
	h := c.site()
	page := ask(t, h, "GET", "/sources/billing/contract", nil).body
	sound(t, page)
	has(t, page, "Expected at least every 6 hours, Monday to Friday", "Of 3 records looked at: amount is of another type in 1.", "every_hours: 6")
	sound(t, ask(t, h, "GET", "/sources/crm/contract", nil).body)
	suggested := ask(t, h, "GET", "/sources/crm/contract?suggest=1", nil).body
	sound(t, suggested)
	has(t, suggested, "This is what 3 records of the last seven days suggest", "event: Invoice Sent")

	saved := func(pairs ...string) ingest.Source {
		t.Helper()
		if res := ask(t, h, "POST", "/sources/billing/contract", form(pairs...)); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("%d %s", res.StatusCode, res.body)
		}
		return c.saved
	}
	got := saved("part", "cadence", "hours", "12", "day", "sat", "from", "8", "to", "24")
	if diff := cmp.Diff(&ingest.Cadence{Hours: 12, Days: []string{"sat"}, From: 8}, got.Cadence); diff != "" || got.Contract == nil {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := saved("part", "cadence", "hours", ""); got.Cadence != nil {
		t.Errorf("%+v", got.Cadence)
	}
	got = saved("part", "contract", "breach", "reject", "unknown", "allow", "distrust", "40",
		"rule-0-event", "Paid", "rule-0-kind", "", "rule-0-breach", "", "rule-0-unknown", "note",
		"rule-0-0-name", "amount", "rule-0-0-type", "number", "rule-0-0-required", "1", "rule-0-0-least", "0.5", "rule-0-0-personal", "no",
		"rule-0-1-name", "plan", "rule-0-1-values", "free, pro", "rule-0-2-name", "",
		"rule-1-event", "", "rule-1-kind", "ticket", "rule-1-0-name", "status", "rule-2-event", "", "rule-2-kind", "")
	least, no := 0.5, false
	want := &ingest.Contract{Breach: ingest.Refuse, Unknown: ingest.Allow, Rules: []ingest.Rule{
		{Event: "Paid", Unknown: ingest.Note, Fields: []ingest.Field{{Name: "amount", Type: "number", Required: true, Least: &least, Personal: &no}, {Name: "plan", Values: []string{"free", "pro"}}}},
		{Kind: "ticket", Fields: []ingest.Field{{Name: "status"}}},
	}}
	if diff := cmp.Diff(want, got.Contract); diff != "" || got.Distrust != 40 {
		t.Errorf("%d (-want +got)\n%s", got.Distrust, diff)
	}
	if got := saved("part", "text", "text", "cadence: {every_hours: 3}"); got.Cadence.Hours != 3 || got.Contract != nil {
		t.Errorf("%+v", got)
	}
	for _, bad := range [][]string{{"part", "cadence", "hours", "x"}, {"part", "text", "text", "cadence: {every_hours: -1}"}, {"part", "contract", "rule-0-event", "A", "rule-0-0-name", "n", "rule-0-0-least", "x"}} {
		if res := ask(t, h, "POST", "/sources/billing/contract", form(bad...)); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", bad, res.StatusCode)
		}
	}
}
