package web

import (
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// An answer is what a page answered.
type answer struct {
	*http.Response
	body string
}

// ask sends one request to the company's pages, signed in as Ada unless the
// headers say otherwise.
func ask(t *testing.T, h http.Handler, method, path string, form url.Values, headers ...string) answer {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	r.AddCookie(&http.Cookie{Name: sessionCookie, Value: "token-of-ada"})
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			r.Header.Del(headers[i])
		} else {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	res := w.Result()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res, string(b)}
}

func seen(t *testing.T, c *company, path string) answer {
	t.Helper()
	return ask(t, c.site(), http.MethodGet, path, nil)
}

func form(pairs ...string) url.Values {
	f := url.Values{"csrf": {"csrf-of-ada"}}
	for i := 0; i < len(pairs); i += 2 {
		f.Set(pairs[i], pairs[i+1])
	}
	return f
}

var (
	inline = regexp.MustCompile(`(?i)<[^>]+\s(on[a-z]+|hx-on[^=]*|hx-vals)\s*=|javascript:|="js:`)
	script = regexp.MustCompile(`(?i)<script([^>]*)>`)
	input  = regexp.MustCompile(`(?i)<(input|select|textarea)\b[^>]*>`)
	named  = regexp.MustCompile(`\bid="([^"]+)"`)
)

// sound fails for a page that breaks a rule of all pages.
func sound(t *testing.T, html string) {
	t.Helper()
	if n := strings.Count(html, "<h1"); n != 1 {
		t.Errorf("%d first headings, want 1", n)
	}
	if m := inline.FindString(html); m != "" {
		t.Errorf("a handler stands in the page: %s", m)
	}
	for _, m := range script.FindAllStringSubmatch(html, -1) {
		if !strings.Contains(m[1], "src=") && !strings.Contains(m[1], "application/json") {
			t.Errorf("a script stands in the page: %s", m[0])
		}
	}
	for _, m := range input.FindAllString(html, -1) {
		id := named.FindStringSubmatch(m)
		switch {
		case strings.Contains(m, `type="hidden"`), strings.Contains(m, "aria-label="), strings.Contains(m, `type="radio"`):
		case id != nil && strings.Contains(html, `for="`+id[1]+`"`):
		case strings.Contains(m, `name="until"`): // stands within its label
		default:
			t.Errorf("an input without a label: %s", m)
		}
	}
	seen := map[string]bool{}
	for _, m := range named.FindAllStringSubmatch(html, -1) {
		if seen[m[1]] {
			t.Errorf("the id %q is given twice", m[1])
		}
		seen[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?s)<form[^>]*method="post".*?</form>`).FindAllString(html, -1) {
		if !strings.Contains(m, `name="csrf"`) {
			t.Errorf("a form without the session's token: %s", m[:min(len(m), 120)])
		}
	}
}

func TestEveryPageRendersEmptyAndFull(t *testing.T) {
	for name, c := range map[string]*company{"empty": bareCompany(), "full": fullCompany(), "nothing": {users: bareCompany().users}} {
		for _, path := range []string{"/today", "/today?who=everybody", "/today?who=nobody", "/sources", "/sources/segment", "/signin", "/nowhere"} {
			t.Run(name+path, func(t *testing.T) {
				res := seen(t, c, path)
				want := http.StatusOK
				if path == "/nowhere" || name == "nothing" && path == "/sources/segment" {
					want = http.StatusNotFound
				}
				if res.StatusCode != want {
					t.Fatalf("status %d, want %d\n%s", res.StatusCode, want, res.body)
				}
				sound(t, res.body)
			})
		}
	}
}

func TestEveryAnswerCarriesThePolicyAndIsNotKept(t *testing.T) {
	for _, path := range []string{"/today", "/signin", "/nowhere", "/healthz"} {
		h := seen(t, fullCompany(), path).Header
		if diff := cmp.Diff("default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'", h.Get("Content-Security-Policy")); diff != "" {
			t.Errorf("%s (-want +got)\n%s", path, diff)
		}
		if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, h)
		}
	}
}

func TestPagesAreForPeopleWhoSignedIn(t *testing.T) {
	h := fullCompany().site()
	res := ask(t, h, "GET", "/sources/segment?x=1", nil, "Cookie", "")
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/signin?next=%2Fsources%2Fsegment%3Fx%3D1" {
		t.Errorf("%d %s", res.StatusCode, res.Header.Get("Location"))
	}
	res = ask(t, h, "GET", "/live/today", nil, "Cookie", sessionCookie+"=stale", "HX-Request", "true")
	if res.Header.Get("HX-Redirect") == "" {
		t.Error("a page whose session has ended does not lead to the way in")
	}
}

func TestSigningInLeadsBackToThePageThatWasAskedFor(t *testing.T) {
	for next, want := range map[string]string{
		"/sources?x=1": "/sources?x=1", "": "/today", "https://evil.example/": "/today", "//evil.example": "/today", `/\evil.example`: "/today", "evil": "/today",
	} {
		f := url.Values{"csrf": {"a-token-of-at-least-26-letters"}, "mail": {" Ada@cairn.example "}, "password": {"correct"}, "next": {next}}
		res := ask(t, fullCompany().site(), "POST", "/signin", f, "Cookie", formCookie+"=a-token-of-at-least-26-letters")
		if got := res.Header.Get("Location"); res.StatusCode != http.StatusSeeOther || got != want {
			t.Errorf("next %q: %d to %q, want %q", next, res.StatusCode, got, want)
		}
		c := res.Cookies()
		if len(c) != 1 || c[0].Name != sessionCookie || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode {
			t.Errorf("cookies %v", c)
		}
	}
}

func TestAWrongPasswordKeepsTheAddressAndSaysSo(t *testing.T) {
	f := url.Values{"csrf": {"a-token-of-at-least-26-letters"}, "mail": {"ada@cairn.example"}, "password": {"guess"}}
	res := ask(t, fullCompany().site(), "POST", "/signin", f, "Cookie", formCookie+"=a-token-of-at-least-26-letters")
	if res.StatusCode != http.StatusUnauthorized || !strings.Contains(res.body, `value="ada@cairn.example"`) || !strings.Contains(res.body, `role="alert"`) {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	if strings.Contains(res.body, "guess") {
		t.Error("the password is in the page")
	}
	sound(t, res.body)
}

func TestASignInFormFromElsewhereIsRefused(t *testing.T) {
	f := url.Values{"csrf": {"other"}, "mail": {"ada@cairn.example"}, "password": {"correct"}}
	res := ask(t, fullCompany().site(), "POST", "/signin", f, "Cookie", formCookie+"=a-token-of-at-least-26-letters")
	if res.StatusCode != http.StatusForbidden || len(res.Cookies()) != 0 {
		t.Errorf("%d %v", res.StatusCode, res.Cookies())
	}
}

func TestWithoutAnyUserThePageSaysHowToMakeOne(t *testing.T) {
	res := seen(t, &company{}, "/signin")
	if !strings.Contains(res.body, "cairn user add") || strings.Contains(res.body, `type="password"`) {
		t.Error(res.body)
	}
}

func TestNothingChangesWithoutTheTokenOfTheSession(t *testing.T) {
	for name, headers := range map[string][]string{
		"no token":     {},
		"other token":  {"X-CSRF-Token", "csrf-of-bob"},
		"another site": {"X-CSRF-Token", "csrf-of-ada", "Sec-Fetch-Site", "cross-site"},
	} {
		c := fullCompany()
		path := "/tasks/" + c.items[0].Task.ID.String() + "/done"
		if res := ask(t, c.site(), "POST", path, nil, headers...); res.StatusCode != http.StatusForbidden || len(c.admitted) != 0 {
			t.Errorf("%s: %d, %d admitted", name, res.StatusCode, len(c.admitted))
		}
	}
}

func TestSigningOutForgetsTheCookie(t *testing.T) {
	res := ask(t, fullCompany().site(), "POST", "/signout", form())
	if c := res.Cookies(); len(c) != 1 || c[0].MaxAge >= 0 || res.Header.Get("Location") != "/signin" {
		t.Errorf("%v %v", c, res.Header)
	}
}

func TestTroubleIsTextForPeopleAndItsCauseIsForTheLog(t *testing.T) {
	c := fullCompany()
	c.broken = errors.New("disk I/O error in table session")
	var log strings.Builder
	h := New(Deps{Usage: counting(c, nil), Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c, Log: slog.New(slog.NewTextHandler(&log, nil))})
	full := ask(t, h, "GET", "/today", nil)
	part := ask(t, h, "GET", "/live/today", nil, "HX-Request", "true")
	for _, res := range []answer{full, part} {
		if res.StatusCode != http.StatusInternalServerError || strings.Contains(res.body, "disk I/O") || !strings.Contains(res.body, "Something went wrong") {
			t.Errorf("%d %s", res.StatusCode, res.body)
		}
	}
	sound(t, full.body)
	if strings.Contains(part.body, "<html") || !strings.Contains(part.body, `id="toast"`) {
		t.Error("a part of a page got a whole one")
	}
	if !strings.Contains(log.String(), "disk I/O error") {
		t.Error("the log does not have the cause")
	}
}

func TestReadinessSaysWhetherTheStoreCanBeReadAndHealthWhetherTheProcessLives(t *testing.T) {
	c := fullCompany()
	h := c.site()
	for _, path := range []string{"/healthz", "/readyz"} {
		if res := ask(t, h, "GET", path, nil, "Cookie", ""); res.StatusCode != http.StatusOK {
			t.Errorf("%s: %d", path, res.StatusCode)
		}
	}
	c.broken = errors.New("gone")
	if res := ask(t, h, "GET", "/readyz", nil); res.StatusCode != http.StatusServiceUnavailable || strings.Contains(res.body, "gone") {
		t.Errorf("not ready: %d %s", res.StatusCode, res.body)
	}
	if res := ask(t, h, "GET", "/healthz", nil); res.StatusCode != http.StatusOK {
		t.Errorf("the process answers: %d %s", res.StatusCode, res.body)
	}
}

func TestAssetsAreKeptForEverUnderTheirContentsName(t *testing.T) {
	h := fullCompany().site()
	page := ask(t, h, "GET", "/today", nil).body
	found := regexp.MustCompile(`/asset/[a-z0-9.-]+`).FindAllString(page, -1)
	if len(found) < 6 {
		t.Fatalf("assets %v", found)
	}
	for _, path := range found {
		plain := ask(t, h, "GET", path, nil)
		if plain.StatusCode != 200 || !strings.Contains(plain.Header.Get("Cache-Control"), "immutable") || plain.body == "" {
			t.Errorf("%s: %d %v", path, plain.StatusCode, plain.Header)
		}
		small := ask(t, h, "GET", path, nil, "Accept-Encoding", "gzip")
		if small.Header.Get("Content-Encoding") == "gzip" && unzip(t, small.body) != plain.body {
			t.Errorf("%s: compressed it is another file", path)
		}
	}
	css := ask(t, h, "GET", regexp.MustCompile(`/asset/cairn\.[0-9a-f]+\.css`).FindString(page), nil).body
	for _, path := range regexp.MustCompile(`url\((/asset/[^)]+)\)`).FindAllStringSubmatch(css, -1) {
		if res := ask(t, h, "GET", path[1], nil); res.StatusCode != 200 {
			t.Errorf("the style sheet names %s: %d", path[1], res.StatusCode)
		}
	}
}

func TestPagesAreCompressedForThoseWhoCanReadIt(t *testing.T) {
	h := fullCompany().site()
	res := ask(t, h, "GET", "/today", nil, "Accept-Encoding", "gzip, br")
	if res.Header.Get("Content-Encoding") != "gzip" || !strings.Contains(unzip(t, res.body), "</html>") {
		t.Errorf("%v", res.Header)
	}
}

func unzip(t *testing.T, s string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestPaletteFindsPagesAccountsAndPeople(t *testing.T) {
	c := fullCompany()
	for q, want := range map[string]string{
		"":        "Go to: Today, Everybody's tasks, Nobody's tasks, Accounts, Accounts that are falling, What counts as usage, Metrics, What people who stay do early, Keeping, Sources",
		"hal rob": "Accounts: Halden Robotics",
		"sou":     "Go to: Sources",
		"marta":   "Accounts: Halden Robotics | People: Marta Quist",
		"zzz":     "",
	} {
		s := &site{Deps: Deps{Accounts: c}}
		groups, err := s.find(context.Background(), View{Now: noon}, q)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, g := range groups {
			var names []string
			for _, d := range g.Items {
				names = append(names, d.Name)
			}
			out = append(out, g.Title+": "+strings.Join(names, ", "))
		}
		if diff := cmp.Diff(want, strings.Join(out, " | ")); diff != "" {
			t.Errorf("%q (-want +got)\n%s", q, diff)
		}
	}
	if body := seen(t, c, "/palette?q=zzz").body; !strings.Contains(body, "Nothing begins with") {
		t.Error(body)
	}
}

func TestWorkUnderWayIsShownOnToday(t *testing.T) {
	c := fullCompany()
	c.progress = []Progress{{Name: "Feeding the demo company", Done: 42, Of: 549, Note: "days of history"}, {Name: "Rebuilding fold", Done: 1200}}
	body := seen(t, c, "/today").body
	for _, want := range []string{"Feeding the demo company", "42 of 549 days of history", "Rebuilding fold", "1,200"} {
		if !strings.Contains(body, want) {
			t.Errorf("%q is not on the page", want)
		}
	}
}
