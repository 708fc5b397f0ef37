package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
	"cairn/internal/watch"
)

// A till is the store of a few contracts, and a book.
type till struct {
	book.Store
	names     map[cairn.AccountID]string
	contracts []sold
	pages     map[string][]book.Revision
}

type sold struct {
	account cairn.AccountID
	at      string
	fields  string
}

func (s *till) Facts(_ context.Context, _ cairn.Scope, _ cairn.EventKind, f func(cairn.AccountID, cairn.RecordID, []cairn.Fact) error) error {
	for i, c := range s.contracts {
		at, err := time.Parse(time.DateOnly, c.at)
		if err != nil {
			return err
		}
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(c.fields), &fields); err != nil {
			return err
		}
		var facts []cairn.Fact
		for name, v := range fields {
			facts = append(facts, cairn.Fact{Field: name, Source: "billing", At: at, Seen: at, Event: cairn.EventID{ID: cairn.HashID(fmt.Sprint(i))}, Value: v})
		}
		if err := f(c.account, cairn.RecordID{ID: cairn.HashID("contract", fmt.Sprint(i))}, facts); err != nil {
			return err
		}
	}
	return nil
}

func (s *till) Changes(_ context.Context, kind cairn.EventKind) (out [watch.Shards]int64, _ error) {
	out[0] = int64(len(s.contracts))
	if kind == cairn.OfAccount {
		out[0] = int64(len(s.names))
	}
	return out, nil
}

func (s *till) Stamps(context.Context, cairn.EventKind, watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	return map[cairn.AccountID]watch.Stamp{}, nil
}

func (s *till) Fields(_ context.Context, _ cairn.Scope, f func(cairn.AccountID, map[string]cairn.Said)) error {
	for id, name := range s.names {
		text, err := json.Marshal(name)
		if err != nil {
			return err
		}
		f(id, map[string]cairn.Said{"name": {Value: text}, "owner": {Value: text}, "segment": {Value: json.RawMessage(fmt.Sprintf("%q", []string{"big", "small"}[len(name)%2]))}})
	}
	return nil
}

func (s *till) AtRisk(context.Context, cairn.Scope) (map[cairn.AccountID]revenue.Risk, error) {
	out := map[cairn.AccountID]revenue.Risk{}
	for id := range s.names {
		out[id] = revenue.Risk{Level: 35_000, Way: cairn.Falling}
	}
	return out, nil
}

func (s *till) Page(_ context.Context, page string) (book.Revision, error) {
	if n := len(s.pages[page]); n > 0 {
		return s.pages[page][n-1], nil
	}
	return book.Revision{}, cairn.Errorf(cairn.NotFound, "There is no such page.")
}

func (s *till) Write(_ context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (book.Revision, error) {
	r := book.Revision{Page: page, Rev: base + 1, At: at, By: by, Note: note, Body: body}
	s.pages[page] = append(s.pages[page], r)
	return r, nil
}

func (s *till) Revisions(_ context.Context, page string) ([]book.Revision, error) {
	out := slices.Clone(s.pages[page])
	slices.Reverse(out)
	return out, nil
}

// earning is the service behind the pages about revenue; empty: nobody has
// bought anything.
func earning(empty bool) *revenue.Service {
	s := &till{names: map[cairn.AccountID]string{}, pages: map[string][]book.Revision{}}
	if !empty {
		for i, name := range []string{"Acme", "Beta <b>", "=Gamma"} {
			id := cairn.AccountID{ID: cairn.HashID("earning", fmt.Sprint(i))}
			s.names[id] = name
			s.contracts = append(s.contracts, sold{id, noon.AddDate(0, -9+i, 0).Format(time.DateOnly), fmt.Sprintf(`{"mrr":"%d.50"}`, 100*(i+1))})
		}
		gone := noon.AddDate(0, -2, 0).Format(time.DateOnly)
		s.contracts[2].fields = fmt.Sprintf(`{"mrr":"300.50","end":%q}`, gone)
		s.contracts = append(s.contracts, sold{s.contracts[0].account, noon.AddDate(0, -3, 0).Format(time.DateOnly), `{"amount":"1200","interval":"annual"}`},
			sold{cairn.AccountID{ID: cairn.HashID("earning", "none")}, "2025-01-01", `{"seats":3}`})
	}
	slices.SortStableFunc(s.contracts, func(a, b sold) int { return slices.Compare(a.account.ID[:], b.account.ID[:]) }) // account by account
	return &revenue.Service{
		Store: s, Book: s, Now: func() time.Time { return noon },
		Settings: func() revenue.Settings { return revenue.Settings{Zone: time.UTC, Currency: "EUR"} },
	}
}

// A drawer keeps memos in memory.
type drawer map[string]string

func (d drawer) Memo(_ context.Context, name string) (string, error) { return d[name], nil }

func (d drawer) Remember(_ context.Context, name, body string) error {
	d[name] = body
	return nil
}

func earningSite(empty bool) http.Handler {
	c := fullCompany()
	return New(Deps{
		Usage: counting(c, nil), Revenue: earning(empty), Memos: drawer{}, Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c,
		Now: func() time.Time { return noon },
	})
}

func TestRevenuePagesRenderEmptyAndFull(t *testing.T) {
	for _, empty := range []bool{true, false} {
		for _, path := range []string{
			"/revenue", "/revenue?from=2020-01&to=2020-03", "/revenue?policy=stripe&by=owner", "/revenue?booked=1", "/revenue/movements", "/revenue/movements?kind=churn",
			"/revenue/cohorts", "/revenue/cohorts?of=money", "/revenue/cohorts?by=owner", "/revenue/cohorts?where=owner:Acme", "/revenue/cohorts?by=product&of=money&where=owner:nobody",
			"/revenue/cohorts/accounts?age=0", "/revenue/cohorts/accounts?age=2&by=owner&value=%3DAcme&who=left", "/revenue/cohorts/accounts?age=1&month=2025-11&who=there",
			"/revenue/survival", "/revenue/survival?by=owner&interval=log-log&horizon=3", "/revenue/survival?since=2026-01-01&complete=1", "/revenue/survival?since=2036-01-01", "/revenue/survival?by=product",
			"/revenue/survival/accounts?what=watched&from=0", "/revenue/survival/accounts?what=left&from=0&to=100&by=owner&value=%3D", "/revenue/definitions",
			"/revenue?where=segment:big&by=segment", "/revenue?where=segment:none", "/revenue?at=2020-03-01",
			"/revenue/movements?kind=new&where=segment:small&skip=1", "/revenue/accounts?of=start", "/revenue/accounts?of=end", "/revenue/accounts?of=kept", "/revenue/accounts?of=lost",
			"/revenue/accounts?of=early", "/revenue/accounts?of=eligible", "/revenue/accounts?of=renewals", "/revenue/accounts?of=risk", "/revenue/accounts?of=end&skip=500",
			"/revenue/policy", "/revenue/policy?try=stripe", "/revenue/policy/edit?copy=stripe", "/revenue/compare", "/revenue/compare?a=cairn&b=stripe",
			"/revenue/closing", "/revenue/closing?month=2020-01", "/revenue/closing?month=soon", "/revenue/closing?reopen=2020-01",
		} {
			res := ask(t, earningSite(empty), "GET", path, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s, empty %v: %d\n%s", path, empty, res.StatusCode, res.body)
			}
			sound(t, res.body)
		}
	}
}

func TestRevenuePageSaysWhatThereIsAndWhatIsLeftOut(t *testing.T) {
	body := ask(t, earningSite(false), "GET", "/revenue", nil).body
	for _, want := range []string{"Customers pay 401\u00a0€", "policy cairn", "1 contract is left out", "kind=churn", "of eligible"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q: %q", want, between(body, "<p class=\"lead-line", "</p>"))
		}
	}
	body = ask(t, earningSite(true), "GET", "/revenue", nil).body
	if !strings.Contains(body, "No contract is known yet") {
		t.Error("the empty page does not say so")
	}
}

// between returns what stands between two texts, for messages.
func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func TestMovementsLeadToTheirAccounts(t *testing.T) {
	body := ask(t, earningSite(false), "GET", "/revenue/movements?kind=churn", nil).body
	id := cairn.AccountID{ID: cairn.HashID("earning", "2")}
	for _, want := range []string{"/accounts/" + id.String(), "300.5", "1 movement of 1 account"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
	if body := ask(t, earningSite(false), "GET", "/revenue/movements?kind=new", nil).body; !strings.Contains(body, "Beta &lt;b&gt;") {
		t.Error("names are not written as text")
	}
}

func TestRevenueRefusesWhatCannotBeAsked(t *testing.T) {
	for path, want := range map[string]int{
		"/revenue?from=March": http.StatusBadRequest, "/revenue?from=2026-03&to=2026-01": http.StatusBadRequest,
		"/revenue/cohorts?from=March": http.StatusBadRequest, "/revenue/cohorts/accounts?age=young": http.StatusBadRequest, "/revenue/cohorts/accounts?age=-1": http.StatusBadRequest, "/revenue/cohorts/accounts?age=1&month=May": http.StatusBadRequest,
		"/revenue/survival?since=May": http.StatusBadRequest, "/revenue/survival?horizon=-3": http.StatusBadRequest, "/revenue/survival?interval=wide": http.StatusBadRequest, "/revenue/survival/accounts?what=luck": http.StatusBadRequest,
		"/revenue/survival/accounts?what=left&from=x": http.StatusBadRequest,
		"/revenue?policy=recurly":                     http.StatusNotFound, "/revenue/movements?kind=luck": http.StatusNotFound,
	} {
		if res := ask(t, earningSite(false), "GET", path, nil); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

func TestRevenueAsAFileHasNoFormulas(t *testing.T) {
	res := ask(t, earningSite(false), "GET", "/revenue/months.csv?by=owner", nil)
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv") || !strings.Contains(res.body, "'=Gamma") || !strings.HasPrefix(res.body, "policy,currency") {
		t.Errorf("%d %s\n%s", res.StatusCode, res.Header.Get("Content-Type"), res.body)
	}
}

func TestTheLeadersHomeOpensEveryNumber(t *testing.T) {
	body := ask(t, earningSite(false), "GET", "/revenue", nil).body
	for _, want := range []string{
		"Gross retention", "Net retention", "Of those who could leave", "Renewals in 90 days", "At risk", "of=kept", "of=lost", "of=eligible", "of=renewals", "of=risk", "of=end",
		"/revenue/definitions#grr", "/revenue/definitions#churn_eligible", `id="average-data"`, `id="churns-data"`, "2 customers are low or falling",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	for by, want := range map[string][]string{
		"owner":   {"/revenue/movements?from=", "kind=new", "where=owner%3AAcme", "of=start", "of=end"},
		"product": {"/revenue/movements?by=product", "kind=new", "value=", "of=end"},
	} {
		body := ask(t, earningSite(false), "GET", "/revenue?by="+by, nil).body
		_, groups, _ := strings.Cut(body, `id="groups-title"`)
		for _, want := range want {
			if !strings.Contains(groups, want) {
				t.Errorf("by %s the breakdown does not lead to %q", by, want)
			}
		}
	}
	if res := ask(t, earningSite(false), "GET", "/revenue/movements?by=product&value=&kind=new", nil); !strings.Contains(res.body, "in the ledger of product not told") {
		t.Error("the movements of one product do not say so")
	}
	terms := ask(t, earningSite(false), "GET", "/revenue/definitions", nil).body
	for _, tile := range (revenueView{}).tiles(View{numbers: numbersOf("")}) {
		if !strings.Contains(terms, `id="`+tile.Key+`"`) {
			t.Errorf("nothing says what %s (%s) is", tile.Name, tile.Key)
		}
	}
}

func TestTheComparisonHasTheRetentionOfTheLeadersHome(t *testing.T) {
	h := earningSite(false)
	known := 0
	for from := range 11 {
		months := fmt.Sprintf("from=2026-%02d&to=2026-11", from+1)
		home := ask(t, h, "GET", "/revenue?policy=cairn&"+months, nil).body
		beside := ask(t, h, "GET", "/revenue/compare?a=cairn&b=stripe&"+months, nil).body
		for _, name := range []string{"Gross retention", "Net retention"} {
			first := func(body string) string {
				_, rest, _ := strings.Cut(body, name)
				return regexp.MustCompile(`[\d.]+ %|–`).FindString(rest)
			}
			if a, b := first(home), first(beside); a != b {
				t.Errorf("%s, %s: %q on the home, %q beside another policy", months, name, a, b)
			} else if a != "–" {
				known++
			}
		}
	}
	if known == 0 {
		t.Error("there is no retention at all")
	}
}

func TestFiltersStayUntilTheyAreCleared(t *testing.T) {
	h := earningSite(false)
	if res := ask(t, h, "GET", "/revenue", nil); res.StatusCode != http.StatusOK {
		t.Fatalf("at first: %d", res.StatusCode)
	}
	body := ask(t, h, "GET", "/revenue?where=segment:small&by=owner&from=2026-01", nil).body
	if !strings.Contains(body, "segment: small") || !strings.Contains(body, "clear=1") {
		t.Error("the filter is not shown as a chip")
	}
	res := ask(t, h, "GET", "/revenue", nil)
	if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != "/revenue?by=owner&where=segment%3Asmall" {
		t.Errorf("the next visit leads to %q", got)
	}
	for _, path := range []string{"/revenue/churn", "/revenue/cohorts", "/revenue/survival"} {
		res := ask(t, h, "GET", path, nil)
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != path+"?where=segment%3Asmall" {
			t.Errorf("the filter goes along to %s as %q", path, got)
		}
		if body := ask(t, h, "GET", path+"?where=segment%3Asmall", nil).body; !strings.Contains(body, "segment: small") {
			t.Errorf("%s does not show whom it is narrowed to", path)
		}
	}
	if res := ask(t, h, "GET", "/revenue?from=2026-01", nil); res.StatusCode != http.StatusOK || strings.Contains(res.body, "where-chips") {
		t.Error("an address without a filter has one")
	}
	if res := ask(t, h, "GET", "/revenue", nil); res.StatusCode != http.StatusOK {
		t.Errorf("a filter that was taken back comes again: %d", res.StatusCode)
	}
	ask(t, h, "GET", "/revenue?where=segment:small", nil)
	if res := ask(t, h, "GET", "/revenue?clear=1", nil); res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/revenue" {
		t.Errorf("clearing leads to %q", res.Header.Get("Location"))
	}
	if res := ask(t, h, "GET", "/revenue", nil); res.StatusCode != http.StatusOK {
		t.Errorf("a filter that was cleared comes again: %d", res.StatusCode)
	}
	if res := ask(t, h, "GET", "/revenue?where=small", nil); res.StatusCode != http.StatusBadRequest {
		t.Errorf("what is no condition: %d", res.StatusCode)
	}
}

func TestMovementsSayWhatCausedThem(t *testing.T) {
	body := ask(t, earningSite(false), "GET", "/revenue/movements?kind=churn", nil).body
	for _, want := range []string{"It ended then", "Price a month 300.50", "by billing", "/revenue/movements/"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestAPastDaySaysThatItIsNotNow(t *testing.T) {
	body := ask(t, earningSite(false), "GET", "/revenue?at="+noon.AddDate(0, -5, 0).Format(time.DateOnly), nil).body
	if !strings.Contains(body, "As known at the end of") || strings.Contains(body, "of=risk") {
		t.Error("the page does not say loudly that it is of the past, or tells who is at risk now")
	}
}

func TestAPolicyIsTriedThenUsedAndUndone(t *testing.T) {
	h := earningSite(false)
	if body := ask(t, h, "GET", "/revenue/policy?try=stripe", nil).body; !strings.Contains(body, "Nothing is changed yet") || !strings.Contains(body, "Follow stripe") {
		t.Error("the policy is not tried")
	}
	csrf := url.Values{"csrf": {"csrf-of-ada"}, "rev": {"0"}, "policy": {"stripe"}}
	res := ask(t, h, "POST", "/revenue/policy/use", csrf)
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", res.StatusCode, res.body)
	}
	if body := ask(t, h, "GET", res.Header.Get("Location"), nil).body; !strings.Contains(body, "Figures follow the policy stripe now.") || !strings.Contains(body, "Undo") {
		t.Error("what was done is not said, or cannot be undone")
	}
	if res := ask(t, h, "POST", "/revenue/policy/use", csrf); res.StatusCode != http.StatusConflict {
		t.Errorf("upon an old revision: %d", res.StatusCode)
	}
	if res := ask(t, h, "POST", "/revenue/policy/restore", csrf); res.StatusCode != http.StatusSeeOther {
		t.Errorf("undone: %d", res.StatusCode)
	}
	if body := ask(t, h, "GET", "/revenue", nil).body; !strings.Contains(body, "policy cairn") {
		t.Error("figures do not follow cairn again")
	}
}

func TestAPolicyOfOnesOwnIsWrittenAsAForm(t *testing.T) {
	h := earningSite(false)
	form := url.Values{"csrf": {"csrf-of-ada"}, "rev": {"0"}, "name": {"Ours"}, "title": {"as the board has it"}}
	own := ledger.Presets[1]
	for _, q := range ledger.Questions {
		form.Set(q.Key, q.Value(own))
	}
	form.Set("past_due_days", "soon")
	if res := ask(t, h, "POST", "/revenue/policy/edit", form); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "is not a number of days") || !strings.Contains(res.body, `aria-invalid="true"`) {
		t.Errorf("%d: what is wrong is not named: %s", res.StatusCode, between(res.body, `id="policy-problem"`, "</form>"))
	}
	form.Set("past_due_days", "14")
	if res := ask(t, h, "POST", "/revenue/policy/edit", form); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", res.StatusCode, between(res.body, "notice bad", "</div>"))
	}
	if body := ask(t, h, "GET", "/revenue/policy", nil).body; !strings.Contains(body, "churn after 14 days") || !strings.Contains(body, "Edit ours") {
		t.Error("the policy is not there")
	}
	form.Set("rev", "1")
	if res := ask(t, h, "POST", "/revenue/policy/edit", form); res.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(res.body, "already") {
		t.Errorf("one of the same name: %d", res.StatusCode)
	}
	if res := ask(t, h, "POST", "/revenue/policy/delete", url.Values{"csrf": {"csrf-of-ada"}, "rev": {"1"}, "policy": {"ours"}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("taken away: %d", res.StatusCode)
	}
}

func TestAMonthIsTriedThenClosedAndUndone(t *testing.T) {
	h := earningSite(false)
	month := ledger.MonthOf(cairn.DayOf(noon, time.UTC)) - 1
	if body := ask(t, h, "GET", "/revenue/closing?month="+month.String(), nil).body; !strings.Contains(body, "Nothing is booked yet") {
		t.Error("the month is not tried")
	}
	res := ask(t, h, "POST", "/revenue/closing", url.Values{"csrf": {"csrf-of-ada"}, "month": {month.String()}, "note": {"board meeting"}})
	if res.StatusCode != http.StatusSeeOther {
		t.Fatalf("%d\n%s", res.StatusCode, res.body)
	}
	if body := ask(t, h, "GET", res.Header.Get("Location"), nil).body; !strings.Contains(body, "Undo") || !strings.Contains(body, "board meeting") || !strings.Contains(body, "Closed until "+monthName(month)) {
		t.Error("what was closed is not said, or cannot be undone")
	}
	if body := ask(t, h, "GET", "/revenue/closing?reopen="+month.String(), nil).body; !strings.Contains(body, "Nothing is opened yet") {
		t.Error("opening is not tried")
	}
	if res := ask(t, h, "POST", "/revenue/closing/restore", url.Values{"csrf": {"csrf-of-ada"}, "rev": {"0"}}); res.StatusCode != http.StatusSeeOther {
		t.Fatalf("undone: %d", res.StatusCode)
	}
	if body := ask(t, h, "GET", "/revenue/closing", nil).body; !strings.Contains(body, "No month is closed") {
		t.Error("the month is closed yet")
	}
}
