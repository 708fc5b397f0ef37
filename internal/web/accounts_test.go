package web

import (
	"encoding/csv"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/account"
)

func TestAddressAndFilterAreInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pick := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(t, label) }
		f := accountsFilter{
			Search: strings.TrimSpace(rapid.StringMatching(`[a-zA-Zåö&=+ #%/]{0,12}`).Draw(t, "search")),
			Owner:  pick("owner", "", "-", "ada@cairn.example"),
			Status: cairn.Status(pick("status", "", "customer", "churned")),
			Way:    cairn.Way(pick("way", "", "falling", "unknown")),
			Band:   pick("band", "", "low", "high"),
			Renews: rapid.SampledFrom([]int{0, 30, 45, 365}).Draw(t, "renews"),
			Sort:   pick("sort", "", "-name", "mrr", "-renews", "metric.exports", "-metric.exports"),
			Cursor: pick("cursor", "", "a1+/="),
			Then:   rapid.SampledFrom([]cairn.Day{0, 16436, 20000}).Draw(t, "then"),
		}
		if rapid.Bool().Draw(t, "metric") {
			least := rapid.SampledFrom([]float64{-1, 0, 2.5}).Draw(t, "least")
			f.Metric = metricFilter{Name: "exports", Least: &least}
		}
		for _, c := range append(accountsColumns, accountsColumn{Key: "m_exports"}, accountsColumn{Key: "m_a_b"}) {
			if rapid.Bool().Draw(t, c.Key) {
				f.Columns = append(f.Columns, c.Key)
			}
		}
		u, err := url.Parse(f.address())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(f, readAccountsFilter(u.Query())); diff != "" {
			t.Fatalf("the address does not say the filter (-want +got)\n%s", diff)
		}
	})
}

func TestWhatAnAddressSaysThatIsNotKnownIsLeftOut(t *testing.T) {
	v, _ := url.ParseQuery("status=asleep&way=sideways&band=huge&renews=-3&sort=shoe&col=level.nose.m_No&q=+halden+&metric=a%27b&least=x")
	want := accountsFilter{Search: "halden", Columns: []string{"level"}}
	if diff := cmp.Diff(want, readAccountsFilter(v)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestFilterAsksTheStoreForWhatItSays(t *testing.T) {
	forty := 40
	got := accountsFilter{Band: "low", Renews: 30, Owner: "-", Sort: "-mrr"}.query(noon, time.UTC)
	want := account.Query{Below: &forty, Owner: "-", Sort: "-mrr", Limit: accountsPageSize, RenewsBy: time.Date(2026, 12, 24, 0, 0, 0, 0, time.UTC)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSecondClickOnAColumnTurnsTheOrderRound(t *testing.T) {
	var mrr accountsColumn
	for _, c := range accountsColumns {
		if c.Key == "mrr" {
			mrr = c
		}
	}
	f := accountsFilter{Cursor: "50"}.sorted(mrr)
	if f.Sort != "-mrr" || f.Cursor != "" || f.ariaSort(mrr) != "descending" {
		t.Errorf("money comes largest first, from the first page: %+v", f)
	}
	if f = f.sorted(mrr); f.Sort != "mrr" || f.ariaSort(mrr) != "ascending" {
		t.Errorf("the second click turns it round: %+v", f)
	}
	if f = (accountsFilter{}).sorted(accountsNameColumn); f.Sort != "-name" {
		t.Errorf("the list is by name already: %+v", f)
	}
}

var rowAddress = regexp.MustCompile(`class="account-name" href="/accounts/([0-9a-f]{32})"`)

func TestEveryAccountIsReachedThroughThePages(t *testing.T) {
	c := regulars()
	_, page := c.visit(t, "/accounts?sort=-mrr")
	seen := map[string]int{}
	pages := 0
	for {
		pages++
		for _, m := range rowAddress.FindAllStringSubmatch(page, -1) {
			seen[m[1]]++
		}
		next := regexp.MustCompile(`hx-get="(/accounts\?cursor=[^"]*)"`).FindStringSubmatch(page)
		if next == nil {
			break
		}
		_, page = c.visit(t, strings.ReplaceAll(next[1], "&amp;", "&"), "HX-Request", "true", "HX-Target", "accounts-more")
		if strings.Contains(page, "<thead") {
			t.Fatal("a further page holds rows and nothing else")
		}
	}
	if len(seen) != len(c.accounts) || pages != 3 {
		t.Errorf("%d of %d accounts on %d pages", len(seen), len(c.accounts), pages)
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s was shown %d times", id, n)
		}
	}
	for _, q := range c.queries {
		if q.Sort != "-mrr" {
			t.Errorf("the order was lost: %+v", q)
		}
	}
}

func TestSearchAnswersWithThePartThatChanges(t *testing.T) {
	c := regulars()
	w := c.send(t, asked("/accounts?q=halden&owner=&way="), "HX-Request", "true", "HX-Target", "accounts-results")
	if got := w.Header().Get("HX-Replace-Url"); got != "/accounts?q=halden" {
		t.Errorf("the address says what is shown and nothing empty: %q", got)
	}
	for _, want := range []string{`id="accounts-results"`, "Halden Robotics", "1 of 129 accounts", `id="accounts-tools" class="bar-tools" hx-swap-oob="true"`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %q", want)
		}
	}
	if strings.Contains(w.Body.String(), "<html") || strings.Contains(w.Body.String(), "accounts-filter\" class") {
		t.Error("the form that is being typed into must stay as it is")
	}
	_, whole := c.visit(t, "/accounts?q=halden", "HX-Request", "true", "HX-Target", "accounts-results", "HX-History-Restore-Request", "true")
	if !strings.Contains(whole, "<html") {
		t.Error("going back shows the whole page")
	}
}

func TestListSaysHowManyThereAreAndWhatTheyPay(t *testing.T) {
	c := regulars()
	c.accounts = c.accounts[:9]
	_, page := c.visit(t, "/accounts")
	for _, want := range []string{"9 accounts,", "4 falling,", "2 rising,", "43,164", "of recurring revenue a month."} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
}

func TestListWithoutMatchesLeadsBack(t *testing.T) {
	status, page := regulars().visit(t, "/accounts?q=zzz&sort=mrr")
	if status != 200 || !strings.Contains(page, "No account matches") || !strings.Contains(page, `href="/accounts?sort=mrr"`) {
		t.Errorf("status %d, and no way to clear the filter", status)
	}
}

func TestNewcomersLearnHowToSendTheirFirstEvent(t *testing.T) {
	status, page := newcomers().visit(t, "/accounts")
	if status != 200 || !strings.Contains(page, "/v1/") {
		t.Errorf("status %d, and no snippet", status)
	}
}

func TestChosenColumnsStayInTheBrowserAndInTheAddress(t *testing.T) {
	c := regulars()
	w := c.post(t, "/accounts/columns", url.Values{"col": {"mrr", "level", "nose"}, "view": {"way=falling"}})
	if w.Code != 303 || w.Header().Get("Location") != "/accounts?col=level.mrr&way=falling" {
		t.Fatalf("%d to %q", w.Code, w.Header().Get("Location"))
	}
	cookie := w.Result().Cookies()[0]
	if cookie.Name != accountsColumnsCookie || cookie.Value != "level.mrr" || !cookie.HttpOnly {
		t.Errorf("cookie %v", cookie)
	}
	r := asked("/accounts")
	r.AddCookie(cookie)
	page := c.send(t, r).Body.String()
	if !strings.Contains(page, `class="col-mrr right"`) || strings.Contains(page, `class="col-owner"`) {
		t.Error("the columns of the cookie are shown and no others")
	}
	w = c.post(t, "/accounts/columns", url.Values{"usual": {"1"}, "view": {""}})
	if w.Header().Get("Location") != "/accounts" || w.Result().Cookies()[0].Value != "" {
		t.Error("as usual forgets the choice")
	}
}

func TestExportHoldsEveryAccountOfTheView(t *testing.T) {
	c := regulars()
	for i := range 900 {
		c.accounts = append(c.accounts, anAccount(fmt.Sprintf("More%04d", i), 50, -5, 100, 30))
	}
	c.accounts[1].Name = `=HYPERLINK("http://evil.example";"pay")`
	w := c.send(t, asked("/accounts.csv?way=falling&cursor=50"))
	if got := w.Header().Get("Content-Disposition"); got != `attachment; filename="accounts-2026-11-23.csv"` {
		t.Error(got)
	}
	rows, err := csv.NewReader(w.Body).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	falling := 0
	for _, a := range c.accounts {
		if a.Vector.Way == cairn.Falling {
			falling++
		}
	}
	if len(rows) != falling+1 || falling < 900 {
		t.Fatalf("%d rows for %d accounts", len(rows)-1, falling)
	}
	if diff := cmp.Diff([]string{"halden", "Halden Robotics", "halden.example", ada.Mail, "customer", "31.423", "falling", "-14.2", "10400.00", "EUR", "2026-12-14", "2026-11-21", "1", "2025-09-23"}, rows[1][1:]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if rows[2][2] != `'=HYPERLINK("http://evil.example";"pay")` {
		t.Errorf("a spreadsheet would run %q", rows[2][2])
	}
}

func TestSpreadsheetsTakeNoTextForAFormula(t *testing.T) {
	for in, want := range map[string]string{
		"Halden": "Halden", "": "", "=1+1": "'=1+1", "+49": "'+49", "-2": "'-2", "@sum": "'@sum", "\t=1": "'\t=1", "a=1": "a=1",
	} {
		if got := safeCell(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestListOfAPastDaySaysSoAndStaysThere(t *testing.T) {
	c := regulars()
	_, now := c.visit(t, "/accounts")
	if strings.Contains(now, "As of the end of") && strings.Contains(now, "past-banner") {
		t.Error("the list of now says that it is of the past")
	}
	_, page := c.visit(t, "/accounts?at=2026-08-23&way=falling")
	if want := time.Date(2026, 8, 24, 0, 0, 0, 0, time.UTC); !c.then.Equal(want) {
		t.Errorf("it was asked as of %v, want the end of the day, %v", c.then, want)
	}
	for _, want := range []string{
		"past-banner", "As of the end of 23 August 2026.", `href="/accounts?way=falling"`, // back to now
		`?at=2026-08-23#reasons"`, `name="at" value="2026-08-23"`, "/accounts.csv?at=2026-08-23&amp;way=falling",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q", want)
		}
	}
	c.then = time.Time{}
	for _, today := range []string{"/accounts?at=2026-11-23", "/accounts?at=2027-01-01", "/accounts?at=soon"} {
		if _, page := c.visit(t, today); !c.then.IsZero() || strings.Contains(page, "past-banner") {
			t.Errorf("%s is not the list of now", today)
		}
	}
}
