package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/outcome"
	"cairn/internal/payment"
)

// selling is the service behind the pages about expansion, on the accounts of c.
func selling(c *company, empty bool) *outcome.Opportunities {
	d := &desk{}
	for i := range 4 {
		if empty {
			break
		}
		d.say(cairn.OfOpportunity, c.accounts[i%len(c.accounts)].ID, fmt.Sprint("opp", i), noon.AddDate(0, 0, -5), []string{
			`{"name":"More <seats>","type":"upsell","amount":"120","close":"2026-12-01"}`, `{"type":"cross_sell","product":"Forms","amount":"2000","stage":"held","held":"wait"}`,
			`{"type":"renewal","stage":"won","closed":"2026-01-02","amount":"10","currency":"USD"}`, `{"type":"upsell","stage":"lost","closed":"2026-01-02"}`,
		}[i])
	}
	return &outcome.Opportunities{Store: d, Accounts: c, Book: &till{}, Now: func() time.Time { return noon }, Settings: func() payment.Settings {
		return payment.Settings{Zone: time.UTC, Currency: "EUR"}
	}}
}

func sellingSite(empty bool) (http.Handler, *company) {
	c := fullCompany()
	return New(Deps{
		Usage: counting(c, nil), Revenue: earning(false), Payments: owing(false, false), Opportunities: selling(c, empty), Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c,
		Now: func() time.Time { return noon },
	}), c
}

func opportunityPath(n int) string {
	return "/revenue/expansion/" + cairn.Space("").Record(cairn.OfOpportunity, fmt.Sprint("opp", n)).String()
}

func TestExpansionPagesRenderEmptyAndFull(t *testing.T) {
	for _, empty := range []bool{true, false} {
		h, _ := sellingSite(empty)
		paths := []string{"/revenue/expansion", "/revenue/expansion?team=sales&stage=held", "/revenue/expansion?type=upsell&owner=ana@x.example"}
		for n := range 4 {
			if !empty {
				paths = append(paths, opportunityPath(n))
			}
		}
		for _, path := range paths {
			res := ask(t, h, "GET", path, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s, empty %v: %d\n%s", path, empty, res.StatusCode, res.body)
			}
			sound(t, res.body)
		}
	}
	h, _ := sellingSite(true)
	if body := ask(t, h, "GET", "/revenue/expansion", nil).body; !strings.Contains(body, "No opportunity is known yet") {
		t.Error("the empty page does not say so")
	}
	h, _ = sellingSite(false)
	body := ask(t, h, "GET", "/revenue/expansion", nil).body
	for _, want := range []string{"More &lt;seats&gt;", "held back, since value comes first", "Of type renewal: renewals.", "All others: success."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestAnOpportunityIsWrittenDownThroughTheFrontDoor(t *testing.T) {
	h, c := sellingSite(false)
	res := ask(t, h, "POST", "/revenue/expansion", url.Values{"csrf": {"csrf-of-ada"}, "account": {c.accounts[0].Key}, "type": {"upsell"}, "amount": {"99.50"}, "team": {""}})
	if res.StatusCode != http.StatusSeeOther || len(c.admitted) != 1 {
		t.Fatalf("%d, %d admitted: %s", res.StatusCode, len(c.admitted), res.body)
	}
	if r := c.admitted[0]; r.Kind != cairn.OfOpportunity || r.Props["amount"] != "99.50" || r.Props["stage"] != "open" || r.Keys.Account != c.accounts[0].Key {
		t.Errorf("%+v", r)
	}
	res = ask(t, h, "POST", opportunityPath(0), url.Values{"csrf": {"csrf-of-ada"}, "stage": {"won"}})
	if res.StatusCode != http.StatusSeeOther || !strings.Contains(res.Header.Get("Location"), "was=open") || c.admitted[1].Props["stage"] != "won" || c.admitted[1].Props["closed"] == nil {
		t.Errorf("%d %s %+v", res.StatusCode, res.Header.Get("Location"), c.admitted)
	}
	for _, wrong := range []url.Values{{"stage": {"held"}}, {"release": {"1"}, "why": {""}}, {"amount": {"much"}}, {}} {
		wrong.Set("csrf", "csrf-of-ada")
		if res := ask(t, h, "POST", opportunityPath(0), wrong); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%v: %d", wrong, res.StatusCode)
		}
	}
	if res := ask(t, h, "GET", "/revenue/expansion?team=hunters", nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("a team that is none: %d", res.StatusCode)
	}
}
