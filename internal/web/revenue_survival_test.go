package web

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

func TestCohortPageSaysWhoIsLeftAndOpensThem(t *testing.T) {
	body := ask(t, earningSite(false), "GET", "/revenue/cohorts", nil).body
	for _, want := range []string{"Of 3 customers who came at least 6 months ago", "policy cairn", "cohort-all", "/revenue/cohorts.xlsx", "/revenue/cohorts/accounts?age="} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q: %q", want, between(body, "<p class=\"lead-line", "</p>"))
		}
	}
	body = ask(t, earningSite(false), "GET", "/revenue/cohorts?by=owner", nil).body
	if !strings.Contains(body, "where=owner%3A%3DGamma") || !strings.Contains(body, "=Gamma") {
		t.Error("a value does not lead to its months")
	}
	body = ask(t, earningSite(false), "GET", "/revenue/cohorts?where=owner:Acme", nil).body
	if !strings.Contains(body, "owner: Acme") || !strings.Contains(body, "Take back owner:Acme") {
		t.Error("the page does not say that it shows some only")
	}
}

// TestEveryCellOpensAsManyCustomersAsItCounts follows the cells of the page.
func TestEveryCellOpensAsManyCustomersAsItCounts(t *testing.T) {
	site := earningSite(false)
	body := ask(t, site, "GET", "/revenue/cohorts?by=owner", nil).body
	cells := regexp.MustCompile(`href="(/revenue/cohorts/accounts[^"]*)" aria-label="[^"]*: (\d+) of (\d+) customers?`).FindAllStringSubmatch(body, -1)
	if len(cells) < 10 {
		t.Fatalf("%d cells open", len(cells))
	}
	for _, c := range cells {
		page := ask(t, site, "GET", strings.ReplaceAll(c[1], "&amp;", "&"), nil)
		if want := c[2] + " of " + c[3] + " customer"; page.StatusCode != http.StatusOK || !strings.Contains(page.body, want) || strings.Count(page.body, "<tr data-row") == 0 {
			t.Errorf("%s does not show %q: %q", c[1], want, between(page.body, "<p class=\"lead-line", "</p>"))
		}
	}
}

func TestSurvivalPageSaysHowLongAndOpensWhoIsBehindIt(t *testing.T) {
	site := earningSite(false)
	body := ask(t, site, "GET", "/revenue/survival", nil).body
	for _, want := range []string{"Of their first", "Kaplan and Meier", "policy cairn", "Numbers at risk", "/revenue/survival.csv"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q: %q", want, between(body, "<p class=\"lead-line", "</p>"))
		}
	}
	counts := regexp.MustCompile(`href="(/revenue/survival/accounts[^"]*)" aria-label="all: (\d+) customers? watched`).FindAllStringSubmatch(body, -1)
	if len(counts) < 5 {
		t.Fatalf("%d numbers at risk open", len(counts))
	}
	for _, c := range counts {
		page := ask(t, site, "GET", strings.ReplaceAll(c[1], "&amp;", "&"), nil)
		if page.StatusCode != http.StatusOK || strings.Count(page.body, "<tr data-row") != number(t, c[2]) {
			t.Errorf("%s shows %d customers, want %s", c[1], strings.Count(page.body, "<tr data-row"), c[2])
		}
	}
	if left := ask(t, site, "GET", "/revenue/survival/accounts?what=left&from=0&to=100", nil).body; strings.Count(left, "<tr data-row") != 1 || !strings.Contains(left, "=Gamma") {
		t.Error("who left is not shown")
	}
}

func TestSurvivalPageComparesGroupsInWords(t *testing.T) {
	body := ask(t, earningSite(false), "GET", "/revenue/survival?by=owner", nil).body
	if !strings.Contains(body, "log-rank test") && !strings.Contains(body, "cannot be compared") {
		t.Errorf("the page does not compare: %q", between(body, `class="notice"`, "</div>"))
	}
	if !strings.Contains(ask(t, earningSite(true), "GET", "/revenue/survival", nil).body, "Nobody has become a customer yet") {
		t.Error("the empty page does not say so")
	}
	if !strings.Contains(ask(t, earningSite(false), "GET", "/revenue/survival?since=2036-01-01", nil).body, "Nobody was watched") {
		t.Error("a page without anybody who was watched does not say so")
	}
}

// TestPagesOfRevenueAreSoundInABrowser looks at cohorts and survival in every
// window: no error, nothing that axe-core finds, nothing too wide.
func TestPagesOfRevenueAreSoundInABrowser(t *testing.T) {
	b := newBrowser(t)
	for _, l := range looks {
		for name, path := range map[string]string{
			"cohorts": "/revenue/cohorts", "cohorts-by": "/revenue/cohorts?by=owner&of=money", "cohort-accounts": "/revenue/cohorts/accounts?age=2",
			"survival": "/revenue/survival", "survival-by": "/revenue/survival?by=owner", "survival-accounts": "/revenue/survival/accounts?what=watched&from=0",
		} {
			if !l.sees(name) {
				continue
			}
			t.Run(name+"/"+l.name, func(t *testing.T) {
				tab := b.open(t, handled{earningSite(false)}, l.width, l.height, l.dark)
				tab.visit(path)
				tab.shot("revenue-" + name + "-" + l.name)
				tab.narrow()
				tab.accessible()
				tab.healthy()
			})
		}
	}
}

// TestNumbersUnderACurveOpenWhoIsBehindThem clicks in the picture itself.
func TestNumbersUnderACurveOpenWhoIsBehindThem(t *testing.T) {
	tab := newBrowser(t).open(t, handled{earningSite(false)}, 1440, 960, false)
	tab.visit("/revenue/survival")
	tab.until(`!!document.querySelector("#survival svg")`)
	tab.text(`(() => { const n = [...document.querySelectorAll("#survival svg text")].filter(t => t.textContent === "3").pop(), r = n.getBoundingClientRect();
		for (const type of ["mousemove", "mousedown", "mouseup", "click"])
			document.querySelector("#survival svg").parentElement.dispatchEvent(new MouseEvent(type, {bubbles: true, clientX: r.x + r.width / 2, clientY: r.y + r.height / 2, zrX: 0})) })()`)
	tab.until(`location.pathname === "/revenue/survival/accounts"`)
	tab.healthy()
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
