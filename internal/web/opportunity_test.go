package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/book"
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
	return &outcome.Opportunities{Store: d, Accounts: c, Book: &till{pages: map[string][]book.Revision{}}, Now: func() time.Time { return noon }, Settings: func() payment.Settings {
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

func TestASuggestionIsAnsweredWithOnePress(t *testing.T) {
	h, c := sellingSite(true)
	for i := range c.accounts {
		c.accounts[i].Signals = cairn.Signals{"usage.licence_use": {Known: true, Number: 97.5}}
	}
	body := ask(t, h, "GET", "/revenue/expansion", nil).body
	sound(t, body)
	for _, want := range []string{"Suggested by signals", "97.5 % of the seats were used in the last 28 days (from 90 % on)", "Too early, since"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	press := func(more url.Values) answer {
		more.Set("csrf", "csrf-of-ada")
		more.Set("account", c.accounts[0].ID.String())
		if more.Get("signal") == "" {
			more.Set("signal", "usage.licence_use")
		}
		return ask(t, h, "POST", "/revenue/expansion/suggestions", more)
	}
	if res := press(url.Values{"do": {"take"}}); res.StatusCode != http.StatusSeeOther || len(c.admitted) != 1 {
		t.Fatalf("%d, %d admitted: %s", res.StatusCode, len(c.admitted), res.body)
	}
	if r := c.admitted[0]; r.Kind != cairn.OfOpportunity || r.Props["stage"] != "open" || r.Props["suggested"] != "usage.licence_use" || r.Props["type"] != "upsell" {
		t.Errorf("%+v", r)
	}
	if res := press(url.Values{"do": {"dismiss"}, "why": {"they merge"}, "days": {"30"}}); res.StatusCode != http.StatusSeeOther || c.admitted[1].Props["until"] != "2026-12-23" || c.admitted[1].Props["held"] != "they merge" {
		t.Errorf("%d %+v", res.StatusCode, c.admitted)
	}
	for status, wrong := range map[int]url.Values{http.StatusBadRequest: {"do": {"dismiss"}, "days": {"30"}}, http.StatusConflict: {"do": {"take"}, "signal": {"usage.peer_rank"}}} {
		if res := press(wrong); res.StatusCode != status {
			t.Errorf("%v: %d", wrong, res.StatusCode)
		}
	}
}

func TestTheRulesOfExpansionAreAForm(t *testing.T) {
	h, _ := sellingSite(false)
	form := func() url.Values {
		return url.Values{
			"csrf": {"csrf-of-ada"}, "rev": {"0"}, "type": {"renewal", "", "upsell"}, "least": {"", "500", ""}, "team": {"renewals", "sales", ""}, "otherwise": {"success"}, "level_below": {"55"},
			"falling": {"1"}, "suggest-signal": {"usage.peer_rank", ""}, "suggest-least": {"80", ""}, "suggest-type": {"cross_sell", "upsell"}, "note": {"sales takes all from 500"},
		}
	}
	for field, wrong := range map[string]string{"otherwise": "hunters", "level_below": "low", "suggest-signal": "luck", "suggest-least": "much", "least": "much", "rev": "x"} {
		f := form()
		f[field] = append([]string{wrong}, f[field][1:]...)
		if res := ask(t, h, "POST", "/revenue/expansion/rules", f); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %q: %d", field, wrong, res.StatusCode)
		}
	}
	if res := ask(t, h, "POST", "/revenue/expansion/rules", form()); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d: %s", res.StatusCode, res.body)
	}
	body := ask(t, h, "GET", "/revenue/expansion", nil).body
	for _, want := range []string{"Every opportunity, from 500 EUR a month: sales.", "Rank among all accounts of at least 80 % suggests cross-sell.", "An opportunity waits while its level is below 55, or it is falling."} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}
