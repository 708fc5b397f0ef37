package web

import (
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

// throughLens are the pages about revenue, with who serves them in tests.
func throughLens() map[string]func() http.Handler {
	full := func() http.Handler { return earningSite(false) }
	lost := func() http.Handler { h, _ := losingSite(false); return h }
	return map[string]func() http.Handler{
		"/revenue": full, "/revenue/movements": full, "/revenue/accounts?of=end": full, "/revenue/compare?a=cairn&b=stripe": full,
		"/revenue/churn": lost, "/revenue/churn/customers?of=start": lost, "/revenue/losses": lost,
		"/revenue/cohorts": full, "/revenue/cohorts/accounts?age=1": full, "/revenue/survival": full, "/revenue/survival/accounts?what=watched&from=0": full,
		"/renewals":         func() http.Handler { h, _ := renewing(false); return h },
		"/revenue/payments": func() http.Handler { return owingSite(false, false) },
	}
}

var links = regexp.MustCompile(`href="([^"]*)"`)

func TestTheLensGoesAlongFromEachPageOfRevenue(t *testing.T) {
	day := noon.AddDate(0, 0, -20).Format(time.DateOnly)
	for path, site := range throughLens() {
		t.Run(path, func(t *testing.T) {
			with := "?"
			if strings.Contains(path, "?") {
				with = "&"
			}
			res := ask(t, site(), "GET", path+with+"where=segment:big&at="+day, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%d\n%s", res.StatusCode, res.body)
			}
			sound(t, res.body)
			for _, want := range []string{"As known at the end of", "segment: big", "Take back segment:big"} {
				if !strings.Contains(res.body, want) {
					t.Errorf("the page does not say %q", want)
				}
			}
			for _, m := range links.FindAllStringSubmatch(res.body, -1) {
				u, err := url.Parse(html.UnescapeString(m[1]))
				if err != nil {
					t.Fatal(err)
				}
				loses := u.Path != "/renewals" && !strings.HasPrefix(u.Path, "/revenue")
				loses = loses || strings.HasPrefix(u.Path, "/revenue/losses/") || strings.HasPrefix(u.Path, "/revenue/definitions") || u.Query().Has("clear") || u.Fragment != ""
				if q := u.Query(); !loses && (q.Get("where") != "segment:big" || q.Get("at") != day) && q.Encode() != "" {
					changes := q.Get("where") == "segment:big" && q.Get("at") != day // another day
					if !changes {
						t.Errorf("%s loses what one looks through", m[1])
					}
				}
			}
		})
	}
}

func TestPagesOfRevenueTellOfThoseWhomTheFilterLetsPass(t *testing.T) {
	for path, who := range map[string][2]string{ // in, and out
		"/revenue/churn/customers?of=start&from=2026-09&to=2026-09": {"Mine", "Open &amp; Co"},
		"/revenue/losses": {"Mine", "Open &amp; Co"},
	} {
		h, _ := losingSite(false)
		with := "?"
		if strings.Contains(path, "?") {
			with = "&"
		}
		all := ask(t, h, "GET", path, nil).body
		some := ask(t, h, "GET", path+with+"where=owner:"+who[0], nil).body
		if !strings.Contains(all, ">"+who[0]+"<") || !strings.Contains(all, ">"+who[1]+"<") {
			t.Fatalf("%s does not show both", path)
		}
		if !strings.Contains(some, ">"+who[0]+"<") || strings.Contains(some, ">"+who[1]+"<") {
			t.Errorf("%s shows others than those who are asked for", path)
		}
	}
	for _, path := range []string{"/renewals?quarter=2027-Q1", "/revenue/payments?kind=late"} {
		for _, site := range []http.Handler{func() http.Handler { h, _ := renewing(false); return h }(), owingSite(false, false)} {
			res := ask(t, site, "GET", path+"&where=segment:nobody", nil)
			if res.StatusCode == http.StatusNotFound {
				continue
			}
			if strings.Contains(res.body, "<tr data-row") || res.StatusCode != http.StatusOK {
				t.Errorf("%s shows somebody whom the filter does not let pass: %d", path, res.StatusCode)
			}
		}
	}
}

func TestAFilterStaysOnEveryPageOfRevenue(t *testing.T) {
	h := earningSite(false)
	ask(t, h, "GET", "/revenue/churn?where=segment:small&policy=stripe", nil)
	for _, path := range []string{"/revenue", "/revenue/churn", "/revenue/cohorts", "/revenue/survival"} {
		res := ask(t, h, "GET", path, nil)
		if got, want := res.Header.Get("Location"), path+"?policy=stripe&where=segment%3Asmall"; res.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("%s leads to %q, not %q", path, got, want)
		}
	}
	if res := ask(t, h, "GET", "/revenue/survival?interval=log-log&clear=1", nil); res.Header.Get("Location") != "/revenue/survival?interval=log-log" {
		t.Errorf("clearing leads to %q", res.Header.Get("Location"))
	}
	if res := ask(t, h, "GET", "/revenue/churn", nil); res.StatusCode != http.StatusOK {
		t.Errorf("a filter that was cleared comes again: %d", res.StatusCode)
	}
}

func TestWhatCannotBeAskedIsRefusedOnEveryPageOfRevenue(t *testing.T) {
	for path, site := range throughLens() {
		with := "?"
		if strings.Contains(path, "?") {
			with = "&"
		}
		for _, query := range []string{"where=segment", "where=product:Team", "at=yesterday"} {
			if res := ask(t, site(), "GET", path+with+query, nil); res.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %d", fmt.Sprint(path, with, query), res.StatusCode)
			}
		}
	}
}

func TestEachValueOfABreakdownOpensItsCustomers(t *testing.T) {
	h, _ := losingSite(false)
	body := ask(t, h, "GET", "/revenue/churn?by=product&from=2026-01&to=2026-11", nil).body
	opened := 0
	for _, m := range links.FindAllStringSubmatch(body, -1) {
		href := html.UnescapeString(m[1])
		if !strings.HasPrefix(href, "/revenue/churn/customers?") || !strings.Contains(href, "by=product") {
			continue
		}
		opened++
		res := ask(t, h, "GET", href, nil)
		if res.StatusCode != http.StatusOK || !strings.Contains(res.body, "<tr data-row") {
			t.Errorf("%s: %d, or nobody", href, res.StatusCode)
		}
		sound(t, res.body)
	}
	if opened < 3 {
		t.Errorf("%d counts open anybody", opened)
	}
	if body := ask(t, earningSite(false), "GET", "/revenue?by=product", nil).body; !strings.Contains(body, "/revenue/churn/customers?by=product") {
		t.Error("the breakdown by product opens nobody")
	}
}
