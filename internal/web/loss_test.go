package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/outcome"
	"cairn/internal/revenue"
)

// A ledgerOfLosses is a till beside which things are said of those who left.
type ledgerOfLosses struct {
	*till
	said map[cairn.AccountID]string // fields
}

func (s *ledgerOfLosses) Words(_ context.Context, scope cairn.Scope, kind cairn.EventKind, _ []string, f func(cairn.AccountID, cairn.RecordID, []cairn.Fact) error) error {
	if kind != cairn.OfLoss {
		return nil
	}
	for a, text := range s.said {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &fields); err != nil {
			return err
		}
		var facts []cairn.Fact
		for name, v := range fields {
			facts = append(facts, cairn.Fact{Field: name, Source: "crm", At: noon.AddDate(0, -1, 0), Seen: noon, Value: v})
		}
		if !scope.Sees(a) {
			continue
		}
		if err := f(a, cairn.RecordID{ID: cairn.HashID(a.String())}, facts); err != nil {
			return err
		}
	}
	return nil
}

// losingSite is a workspace of which four customers left: of one nobody knows
// why, of one it is written down, one is called unavoidable by a source, and
// one by who looks.
func losingSite(empty bool) (http.Handler, *company) {
	c := fullCompany()
	rev := earning(true)
	s := &ledgerOfLosses{till: rev.Store.(*till), said: map[cairn.AccountID]string{}}
	if !empty {
		for i, name := range []string{"Open & Co", "Pricey <b>", "Bought", "Mine", "Stays", "Bound"} {
			id := cairn.AccountID{ID: cairn.HashID("losing", fmt.Sprint(i))}
			c.accounts = append(c.accounts, cairn.Account{ID: id, Key: fmt.Sprintf("losing-%d", i), Name: name, Status: cairn.Churned})
			s.names[id] = name
			from, fields := noon.AddDate(0, -20+i, 0), fmt.Sprintf(`{"mrr":"%d.50","month_to_month":true,"end":%q}`, 100*(i+1), noon.AddDate(0, -2, -i).Format(time.DateOnly))
			if i == 1 {
				from = noon.AddDate(0, -4, 0)
			}
			if i > 3 {
				fields = `{"mrr":"500","term":"1 year"}`
			}
			s.contracts = append(s.contracts, sold{id, from.Format(time.DateOnly), fields})
			on := noon.AddDate(0, -2, -i).Format(time.DateOnly)
			switch i {
			case 1:
				s.said[id] = fmt.Sprintf(`{"on":%q,"reason":"pricing","detail":"Too dear </script>"}`, on)
			case 2:
				s.said[id] = fmt.Sprintf(`{"on":%q,"reason":"acquired","unavoidable":true,"evidence":"Press"}`, on)
			case 3:
				s.said[id] = fmt.Sprintf(`{"on":%q,"reason":"closed","unavoidable":true,"evidence":"Register","claimed_by":"1"}`, on)
			case 4:
				s.said[id] = fmt.Sprintf(`{"on":%q,"reason":"price"}`, on)
			}
		}
	}
	slices.SortStableFunc(s.contracts, func(a, b sold) int { return slices.Compare(a.account.ID[:], b.account.ID[:]) }) // account by account
	rev.Store = s
	l := &outcome.Losses{Store: s, Book: s, Ledger: rev, Settings: rev.Settings, Now: rev.Now}
	return New(Deps{
		Usage: counting(c, nil), Revenue: rev, Losses: l, Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c,
		Now: func() time.Time { return noon },
	}), c
}

func losing(i int) string {
	return cairn.AccountID{ID: cairn.HashID("losing", fmt.Sprint(i))}.String()
}

func TestPagesAboutLossesRenderEmptyAndFull(t *testing.T) {
	for _, empty := range []bool{true, false} {
		h, _ := losingSite(empty)
		for _, path := range []string{
			"/revenue/churn", "/revenue/churn?by=owner&policy=stripe&from=2026-06&to=2026-11", "/revenue/churn?by=product", "/revenue/churn?from=2020-01&to=2020-02",
			"/revenue/churn/customers", "/revenue/churn/customers?of=eligible&from=2026-09&to=2026-09", "/revenue/churn/customers?of=due", "/revenue/churn/customers?of=newearly",
			"/revenue/losses", "/revenue/losses?by=owner", "/revenue/losses?by=owner&value=", "/revenue/losses?only=open", "/revenue/losses?reason=price&policy=stripe", "/revenue/losses?only=rejected",
			"/revenue/losses?did=told&account=x&name=%3Cb%3E&on=2026-09-23", "/revenue/losses/reasons", "/revenue/losses/reasons?saved=1",
		} {
			res := ask(t, h, "GET", path, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s, empty %v: %d\n%s", path, empty, res.StatusCode, res.body)
			}
			sound(t, res.body)
		}
	}
	h, _ := losingSite(false)
	for i := range 4 {
		res := ask(t, h, "GET", "/revenue/losses/say?account="+losing(i)+"&back=%2Frevenue%2Flosses", nil)
		if res.StatusCode != http.StatusOK {
			t.Fatalf("%d\n%s", res.StatusCode, res.body)
		}
		sound(t, res.body)
	}
}

func TestLossesPageSaysWhatIsKnownAndWhatIsNot(t *testing.T) {
	h, _ := losingSite(false)
	body := ask(t, h, "GET", "/revenue/losses", nil).body
	for _, want := range []string{
		"4 customers left", "Of 1 nobody knows why", "Say why", "Pricey &lt;b&gt;", "within 90 days", "2 of 4 losses are called unavoidable", "0 of them were audited",
		"Said to be lost, and not booked", "Somebody else has to audit what you claimed", "Confirm that the loss of Bought was unavoidable", "crm",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if strings.Contains(body, "Confirm that the loss of Mine") {
		t.Error("one may audit what one claimed")
	}
	body = ask(t, h, "GET", "/revenue/losses?only=open", nil).body
	if !strings.Contains(body, "Open &amp; Co") || strings.Contains(between(body, `aria-label="Who left"`, "</table>"), "Bought") {
		t.Error("the list is not narrowed down")
	}
}

func TestChurnPageHasBothBasesAndEveryCountOpens(t *testing.T) {
	h, _ := losingSite(false)
	body := ask(t, h, "GET", "/revenue/churn?from=2026-08&to=2026-11", nil).body
	for _, want := range []string{
		"4 customers left from August 2026 to November 2026", "of=eligible", "of=lost", "of=start", "of=early", "of=lapsed", "of those who could leave", "of all customers",
		"/revenue/churn.csv", "portfolio growth",
	} {
		if !strings.Contains(strings.ToLower(body), strings.ToLower(want)) {
			t.Errorf("the page does not say %q", want)
		}
	}
	// In September all six were customers, of whom four left; the two bound for a year could not.
	row := between(body, "Sep 2026</a>", "</tr>")
	for _, want := range []string{">4</a>", ">6</a>", "66.7\u00a0%", "100\u00a0%"} {
		if !strings.Contains(strings.ReplaceAll(row, " %", "\u00a0%"), want) {
			t.Errorf("September does not say %q: %s", want, row)
		}
	}
	csv := ask(t, h, "GET", "/revenue/churn.csv?from=2026-09&to=2026-09", nil).body
	if !strings.Contains(csv, "churn_rate_eligible") || !strings.Contains(csv, "2026-09,6,4,") {
		t.Error(csv)
	}
	if by := ask(t, h, "GET", "/revenue/churn?by=owner&from=2026-08&to=2026-11", nil).body; !strings.Contains(by, "/revenue/losses?by=owner&amp;from=2026-08&amp;to=2026-11&amp;value=Bought") {
		t.Error("a value does not lead to its losses")
	}
}

func TestSayWhyGoesInAtTheFrontDoor(t *testing.T) {
	h, c := losingSite(false)
	form := url.Values{"csrf": {"csrf-of-ada"}, "account": {losing(0)}, "on": {"2026-09-23"}, "version": {"0"}, "back": {"/revenue/losses?only=open"}, "reason": {"price"}, "detail": {"The board"}, "asked_on": {"2026-10-01"}}
	res := ask(t, h, "POST", "/revenue/losses/say", form)
	if res.StatusCode != http.StatusSeeOther || !strings.HasPrefix(res.Header.Get("Location"), "/revenue/losses?") || !strings.Contains(res.Header.Get("Location"), "did=told") || !strings.Contains(res.Header.Get("Location"), "only=open") {
		t.Fatalf("%d %s\n%s", res.StatusCode, res.Header.Get("Location"), res.body)
	}
	rec := c.admitted[len(c.admitted)-1]
	if rec.Kind != cairn.OfLoss || rec.Keys.Account != "losing-0" || rec.Props["reason"] != "price" || rec.Props["detail"] != "The board" || rec.Props["by"] != "1" || rec.Props["on"] != "2026-09-23" {
		t.Errorf("%+v", rec)
	}
	form.Set("version", "7")
	if res := ask(t, h, "POST", "/revenue/losses/say", form); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "meanwhile") {
		t.Errorf("over what somebody else said: %d", res.StatusCode)
	}
	form.Set("version", "0")
	n := len(c.admitted)
	for _, bad := range []struct{ field, value, says string }{
		{"reason", "", "every loss has a reason"}, {"unavoidable", "1", "cannot be called unavoidable"}, {"asked_on", "2027-01-01", "still to come"},
	} {
		f := url.Values{}
		for k, v := range form {
			f[k] = v
		}
		f.Set(bad.field, bad.value)
		res := ask(t, h, "POST", "/revenue/losses/say", f)
		if res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, bad.says) || !strings.Contains(res.body, "The board") {
			t.Errorf("%s: %d, want %q and what was typed", bad.field, res.StatusCode, bad.says)
		}
		sound(t, res.body)
	}
	form.Set("reason", "closed")
	form.Set("unavoidable", "1")
	if res := ask(t, h, "POST", "/revenue/losses/say", form); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "with evidence only") {
		t.Errorf("without evidence: %d", res.StatusCode)
	}
	if len(c.admitted) != n {
		t.Error("something was written down all the same")
	}
}

func TestAuditsAndUndoOfLosses(t *testing.T) {
	h, c := losingSite(false)
	post := func(path string, i int, more ...string) answer {
		f := url.Values{"csrf": {"csrf-of-ada"}, "account": {losing(i)}, "back": {"/revenue/losses"}}
		for j := 0; j+1 < len(more); j += 2 {
			f.Set(more[j], more[j+1])
		}
		return ask(t, h, "POST", path, f)
	}
	if res := post("/revenue/losses/audit", 2, "verdict", "reject"); res.StatusCode != http.StatusSeeOther || c.admitted[len(c.admitted)-1].Props["audit"] != "rejected" || c.admitted[len(c.admitted)-1].Props["audited_by"] != "1" {
		t.Errorf("%d\n%s", res.StatusCode, res.body)
	}
	if res := post("/revenue/losses/audit", 3, "verdict", "confirm"); res.StatusCode != http.StatusForbidden {
		t.Errorf("of one's own claim: %d", res.StatusCode)
	}
	if res := post("/revenue/losses/audit", 2, "verdict", "perhaps"); res.StatusCode != http.StatusBadRequest {
		t.Errorf("neither: %d", res.StatusCode)
	}
	if res := post("/revenue/losses/undo", 1); res.StatusCode != http.StatusNotFound {
		t.Errorf("nobody wrote anything down: %d", res.StatusCode)
	}
	if res := post("/revenue/losses/say", 4, "reason", "price"); res.StatusCode != http.StatusNotFound {
		t.Errorf("of who still pays: %d", res.StatusCode)
	}
}

func TestReasonsAreWrittenDownFromTheForm(t *testing.T) {
	h, _ := losingSite(false)
	form := url.Values{
		"csrf": {"csrf-of-ada"}, "rev": {"0"}, "note": {"fewer"}, "key": {"price", "", ""}, "title": {"Price", "The weather, again", ""}, "group": {"Money", "", ""},
		"unavoidable": {"no", "yes", "no"}, "words": {"pricing, cost", "", ""},
	}
	if res := ask(t, h, "POST", "/revenue/losses/reasons", form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", res.StatusCode, res.body)
	}
	body := ask(t, h, "GET", "/revenue/losses/reasons", nil).body
	if !strings.Contains(body, "the_weather_again") || !strings.Contains(body, "pricing, cost") || strings.Contains(body, "Went out of business") {
		t.Error("the list is another")
	}
	form["words"] = []string{"unknown", "", ""}
	form.Set("rev", "1")
	if res := ask(t, h, "POST", "/revenue/losses/reasons", form); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "is no reason") {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestAnAccountThatLeftAsksWhy(t *testing.T) {
	h, _ := losingSite(false)
	body := ask(t, h, "GET", "/accounts/"+losing(0), nil).body
	if !strings.Contains(body, "Left on 23 Sep 2026") || !strings.Contains(body, "Nobody has written down why") || !strings.Contains(body, "/revenue/losses/say?account="+losing(0)) {
		t.Error("the page does not ask why")
	}
	if body = ask(t, h, "GET", "/accounts/"+losing(1), nil).body; !strings.Contains(body, "<strong>Price</strong>") {
		t.Error("the page does not say why")
	}
	if body = ask(t, h, "GET", "/accounts/"+losing(4), nil).body; strings.Contains(body, "Left on") {
		t.Error("one who pays has left")
	}
}

func TestChurnRefusesWhatCannotBeAsked(t *testing.T) {
	h, _ := losingSite(false)
	for path, want := range map[string]int{
		"/revenue/churn?from=March": http.StatusBadRequest, "/revenue/churn/customers?of=luck": http.StatusNotFound,
		"/revenue/losses?only=sad": http.StatusBadRequest, "/revenue/losses?from=2026-03&to=2026-01": http.StatusBadRequest, "/revenue/losses/say?account=nobody": http.StatusNotFound,
		"/revenue/losses/say?account=losing-0&on=May": http.StatusBadRequest, "/revenue/losses/say?account=losing-0&on=2020-01-01": http.StatusNotFound,
	} {
		if res := ask(t, h, "GET", path, nil); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

var _ revenue.Store = (*ledgerOfLosses)(nil)

// site is a losing workspace for the browser.
func (s losingFake) site() http.Handler {
	h, _ := losingSite(s.empty)
	return h
}

type losingFake struct{ empty bool }

// TestPagesAboutLossesAreSoundInABrowser loads them in four windows: no error,
// no serious finding of axe-core, and nothing wider than the window.
func TestPagesAboutLossesAreSoundInABrowser(t *testing.T) {
	b := newBrowser(t)
	for _, l := range looks {
		for _, p := range []struct {
			name, path string
			empty      bool
		}{
			{"churn", "/revenue/churn?by=owner", false}, {"churn-none", "/revenue/churn", true}, {"churn-customers", "/revenue/churn/customers?of=due", false},
			{"losses", "/revenue/losses?by=owner&did=told&name=Acme&account=x&on=2026-09-23", false}, {"losses-none", "/revenue/losses", true},
			{"loss-say", "/revenue/losses/say?account=" + losing(3), false}, {"loss-reasons", "/revenue/losses/reasons", false}, {"loss-account", "/accounts/" + losing(0), false},
		} {
			if !l.sees(p.name) {
				continue
			}
			t.Run(p.name+"/"+l.name, func(t *testing.T) {
				tab := b.open(t, losingFake{p.empty}, l.width, l.height, l.dark)
				tab.visit(p.path)
				tab.shot(p.name + "-" + l.name)
				tab.narrow()
				tab.accessible()
				tab.healthy()
			})
		}
	}
}
