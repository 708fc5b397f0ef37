package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
	"cairn/internal/outcome"
	"cairn/internal/revenue"
	"cairn/internal/watch"
)

// A register is the store of contracts that come up, and of what people say of
// them at the door.
type register struct {
	*till
	*company
}

func (g *register) Facts(ctx context.Context, scope cairn.Scope, kind cairn.EventKind, f func(cairn.AccountID, cairn.RecordID, []cairn.Fact) error) error {
	if kind != cairn.OfRenewal {
		return g.till.Facts(ctx, scope, kind, f)
	}
	for i, r := range g.company.admitted {
		var facts []cairn.Fact
		for name, v := range r.Props {
			b, _ := json.Marshal(v)
			if v == nil {
				b = nil
			}
			if name != "next_step" { // it is sealed
				facts = append(facts, cairn.Fact{Field: name, Source: "cairn", At: r.At.Add(time.Duration(i)), Seen: r.At.Add(time.Duration(i)), Value: b})
			}
		}
		id, err := cairn.ParseID(r.Props["contract"].(string))
		if err != nil {
			return err
		}
		if err := f(g.ownerOf(cairn.RecordID{ID: id}), cairn.Space("").Record(cairn.OfRenewal, fmt.Sprint(r.Keys.Record, i)), facts); err != nil {
			return err
		}
	}
	return nil
}

func (g *register) ownerOf(id cairn.RecordID) cairn.AccountID {
	for i, c := range g.till.contracts {
		if (cairn.RecordID{ID: cairn.HashID("contract", fmt.Sprint(i))}) == id {
			return c.account
		}
	}
	return cairn.AccountID{}
}

func (g *register) Changes(context.Context, cairn.EventKind) (out [watch.Shards]int64, _ error) {
	out[0] = int64(len(g.company.admitted))
	return out, nil
}

func (g *register) Stamps(context.Context, cairn.EventKind, watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	return map[cairn.AccountID]watch.Stamp{{}: {Versions: int64(len(g.company.admitted))}}, nil
}

func (g *register) RecordKeys(context.Context, cairn.Scope, cairn.EventKind) (map[cairn.RecordID]string, error) {
	return nil, nil
}

func (g *register) Standing(_ context.Context, _ cairn.Scope, ids []cairn.RecordID) (out []cairn.Record, _ error) {
	for i, r := range g.company.admitted {
		step, _ := r.Props["next_step"].(string)
		b, _ := json.Marshal(step)
		out = append(out, cairn.Record{ID: cairn.Space("").Record(cairn.OfRenewal, fmt.Sprint(r.Keys.Record, i)), Fields: map[string]cairn.Said{"next_step": {Value: b}}})
	}
	return out, nil
}

func (g *register) Several(_ context.Context, _ cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	out := map[cairn.AccountID]cairn.Account{}
	for _, a := range g.company.accounts {
		out[a.ID] = a
	}
	return out, nil
}

func (g *register) Traits(context.Context, cairn.Scope, string) (map[cairn.AccountID]string, error) {
	return nil, nil
}

func (g *register) Pages(context.Context, string) ([]book.Revision, error) { return nil, nil }

func (g *register) Revisions(context.Context, string) ([]book.Revision, error) { return nil, nil }

// renewing is a site with contracts that come up; empty: nobody has bought
// anything.
func renewing(empty bool) (http.Handler, *register) {
	c := fullCompany()
	g := &register{till: &till{names: map[cairn.AccountID]string{}, pages: map[string][]book.Revision{}}, company: c}
	if !empty {
		for i, a := range c.accounts {
			for n := range 4 { // years of the past, some of them lost, and one that is going on
				start := noon.AddDate(-1-n, 0, 10*i-30)
				fields := fmt.Sprintf(`{"mrr":"%d.50","start":%q,"end":%q,"product":"Team","notice_days":30,"auto_renew":true,"paper":"customer","price_lock":"2027-06-30"}`,
					100*(i+1), start.Format(time.DateOnly), start.AddDate(1, 0, 0).Format(time.DateOnly))
				if (i+n)%3 > 0 && n > 0 {
					fields = strings.Replace(fields, `"end"`, `"renews"`, 1)
				}
				if n == 0 {
					fields = strings.Replace(fields, `"end"`, `"renews"`, 1)
				}
				g.till.contracts = append(g.till.contracts, sold{a.ID, start.Format(time.DateOnly), fields})
			}
		}
		g.till.contracts = append(g.till.contracts, sold{c.accounts[0].ID, "2026-01-05", `{"mrr":"50","start":"2026-01-05","month_to_month":true}`},
			sold{c.accounts[1].ID, "2026-01-05", `{"seats":3}`})
	}
	at := func(known time.Time) time.Time {
		if known.IsZero() {
			return noon
		}
		return known
	}
	earned := earning(empty)
	return New(Deps{
		Usage: counting(c, nil), Revenue: earned, Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c,
		Now: func() time.Time { return noon },
		Renewals: &outcome.Renewals{Store: g, Book: g, Among: earned.Among, Basis: func(_ context.Context, known time.Time) (revenue.Basis, error) {
			t := at(known)
			return revenue.Basis{
				Policy: ledger.Presets[0], Reader: ledger.Reader{Zone: time.UTC, Currency: "EUR", Known: known}, Rates: ledger.NewRates("EUR", nil),
				Currency: "EUR", At: t, Today: cairn.DayOf(t, time.UTC),
			}, nil
		}},
	}), g
}

// coming is the path of the renewal that a board shows first.
func coming(t *testing.T, h http.Handler) string {
	t.Helper()
	body := ask(t, h, "GET", "/renewals?show=open", nil).body
	path := "/renewals/" + between(body, `href="/renewals/`, `?back=`)
	for strings.Contains(path, "grades") || !strings.Contains(path, "-") {
		_, body, _ = strings.Cut(body, `href="/renewals/`)
		path = "/renewals/" + between(body, `href="/renewals/`, `?back=`)
		if body == "" {
			t.Fatal("no renewal comes up")
		}
	}
	return path
}

func TestRenewalPagesRenderEmptyAndFull(t *testing.T) {
	for _, empty := range []bool{true, false} {
		h, g := renewing(empty)
		paths := []string{
			"/renewals", "/renewals?quarter=2020-Q1", "/renewals?quarter=2027-Q1&show=open&sort=-amount", "/renewals?quarter=2025-Q4", "/renewals?show=disagree&owner=-", "/renewals?field=industry&value=Toys", "/renewals/grades",
		}
		if !empty {
			paths = append(paths, coming(t, h))
		}
		for _, path := range paths {
			res := ask(t, h, "GET", path, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s, empty %v: %d\n%s", path, empty, res.StatusCode, res.body)
			}
			sound(t, res.body)
		}
		for _, path := range []string{"/renewals", "/renewals/grades"} {
			for _, kind := range []string{"csv", "xlsx"} {
				if res := ask(t, h, "GET", path+"."+kind, nil); res.StatusCode != http.StatusOK || !strings.Contains(res.Header.Get("Content-Disposition"), "attachment") {
					t.Errorf("%s as %s, empty %v: %d", path, kind, empty, res.StatusCode)
				}
			}
		}
		of := ask(t, h, "GET", "/renewals/of/"+g.company.accounts[3].ID.String(), nil, "HX-Request", "true")
		if want := map[bool]string{true: "No contract of theirs comes up", false: "a year comes up"}[empty]; of.StatusCode != http.StatusOK || !strings.Contains(of.body, want) {
			t.Errorf("of an account, empty %v: %d %s", empty, of.StatusCode, of.body)
		}
	}
}

func TestTheRenewalPageSaysWhatThereIs(t *testing.T) {
	h, _ := renewing(false)
	body := ask(t, h, "GET", "/renewals", nil).body
	for _, want := range []string{
		"a year come up this quarter", "we expect", "Worst", "People expect", "customer’s paper", "price lock", "Month to month", "contract pays", "1 contract is left out", " renewed.", "call due", "/renewals.csv",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q: %q", want, between(body, "<p class=\"lead-line", "</p>"))
		}
	}
	h, _ = renewing(true)
	if body := ask(t, h, "GET", "/renewals", nil).body; !strings.Contains(body, "No contract is known that comes up") {
		t.Error("the empty page does not say so")
	}
}

func TestWhatPeopleSayGoesInAtTheDoorAndCanBeTakenBack(t *testing.T) {
	h, g := renewing(false)
	path := coming(t, h)
	form := url.Values{
		"csrf": {"csrf-of-ada"}, "back": {"/renewals"}, "probability": {"1"}, "forecast": {""}, "next_step": {"Call Ann"}, "next_step_due": {"2026-11-30"}, "owner": {""}, "outcome": {""}, "booked": {""},
	}
	res := ask(t, h, "POST", path, form, "HX-Request", "true")
	if res.StatusCode != http.StatusOK || len(g.company.admitted) != 1 {
		t.Fatalf("%d, %d admitted\n%s", res.StatusCode, len(g.company.admitted), res.body)
	}
	r := g.company.admitted[0]
	if r.Kind != cairn.OfRenewal || r.Props["probability"] != 1 || r.Props["next_step"] != "Call Ann" {
		t.Errorf("%+v", r)
	}
	for _, untouched := range []string{"forecast", "owner", "outcome", "booked"} {
		if _, ok := r.Props[untouched]; ok {
			t.Errorf("it says something of %s", untouched)
		}
	}
	for _, want := range []string{`id="renewals"`, "Written down", "Call Ann", "less than the model", `name="undo"`} {
		if !strings.Contains(res.body, want) {
			t.Errorf("the answer does not say %q", want)
		}
	}
	back := url.Values{"csrf": form["csrf"], "back": {"/renewals"}, "undo": {"1"}, "probability": {""}, "next_step": {""}, "next_step_due": {""}}
	if res := ask(t, h, "POST", path, back, "HX-Request", "true"); res.StatusCode != http.StatusOK || !strings.Contains(res.body, "Taken back") || strings.Contains(res.body, "less than the model") {
		t.Errorf("taken back: %d", res.StatusCode)
	}
	for field, value := range map[string]string{"probability": "120", "booked": "x"} {
		bad := url.Values{"csrf": form["csrf"], "back": {"/renewals"}, field: {value}}
		if res := ask(t, h, "POST", path, bad, "HX-Request", "true"); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s: %d", field, value, res.StatusCode)
		}
	}
	if res := ask(t, h, "POST", path, url.Values{"csrf": form["csrf"], "probability": {"40"}}); res.StatusCode != http.StatusSeeOther {
		t.Errorf("without script: %d", res.StatusCode)
	}
}

func TestRenewalsRefuseWhatCannotBeAsked(t *testing.T) {
	h, _ := renewing(false)
	for path, want := range map[string]int{
		"/renewals?quarter=Q1": http.StatusBadRequest, "/renewals?show=luck": http.StatusBadRequest, "/renewals?sort=luck": http.StatusBadRequest,
		"/renewals/nothing/2026-01-01": http.StatusNotFound, "/renewals/00112233445566778899aabbccddeeff/2026-01-01": http.StatusNotFound, "/renewals/of/nobody": http.StatusNotFound,
	} {
		if res := ask(t, h, "GET", path, nil); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

// TestRenewalPagesAreSoundInABrowser loads the pages about renewals in four
// windows: no error, no violation of the policy, no serious finding of
// axe-core, and nothing wider than the window.
func TestAQuarterOfManyIsShownPieceByPiece(t *testing.T) {
	h, _ := renewing(false)
	for _, tt := range []struct {
		query string
		most  int
	}{{"", mostRenewals}, {"?rows=5", mostRenewals}, {"?rows=x", mostRenewals}, {"?rows=1000", 1000}} {
		if body := ask(t, h, "GET", "/renewals"+tt.query, nil).body; strings.Contains(body, "Show more") || strings.Count(body, "data-row") == 0 {
			t.Errorf("%q: a short list is cut", tt.query)
		}
	}
	for rows, want := range map[int]string{mostRenewals: "", mostRenewals + 1: "Show more than the first 300 of 301"} {
		v := renewalsView{Most: mostRenewals}
		v.Rows = make([]outcome.Renewal, rows)
		var b strings.Builder
		if err := renewalTable(View{Zone: time.UTC}, v).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(b.String(), "Show more"); got != (want != "") || !strings.Contains(b.String(), want) || strings.Count(b.String(), "data-row") != min(rows, mostRenewals) {
			t.Errorf("%d rows: cut %v, %d shown", rows, got, strings.Count(b.String(), "data-row"))
		}
	}
}

func TestRenewalPagesAreSoundInABrowser(t *testing.T) {
	b := newBrowser(t)
	for _, l := range looks {
		for _, p := range []struct {
			name, path string
			empty      bool
			edit       bool
		}{
			{"renewals", "/renewals", false, false}, {"renewals-edit", "/renewals", false, true}, {"renewals-past", "/renewals?quarter=2025-Q4", false, false},
			{"renewals-grades", "/renewals/grades", false, false}, {"renewals-none", "/renewals", true, false}, {"grades-none", "/renewals/grades", true, false},
		} {
			if !l.sees(p.name) {
				continue
			}
			t.Run(p.name+"/"+l.name, func(t *testing.T) {
				h, _ := renewing(p.empty)
				tab := b.open(t, handled{h}, l.width, l.height, l.dark)
				tab.visit(p.path)
				if p.edit {
					tab.text(`document.querySelector("[data-key=e]").click()`)
					tab.until(`!!document.querySelector(".renewal-form")`)
				}
				tab.shot(p.name + "-" + l.name)
				tab.narrow()
				tab.accessible()
				tab.healthy()
			})
		}
	}
}
