package web

import (
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A browser is one Chromium for all tests of a run.
type browser struct {
	ctx  context.Context
	stop func()
}

// chromium is started by the first test that needs it.
var chromium = sync.OnceValues(startBrowser)

func TestMain(m *testing.M) {
	code := m.Run()
	if os.Getenv("CAIRN_TEST_CHROMIUM") != "" {
		if b, err := chromium(); err == nil {
			b.stop()
		}
	}
	os.Exit(code)
}

// newBrowser returns the Chromium that CAIRN_TEST_CHROMIUM names. Without it
// the test fails: a page that nobody has seen is not tested.
func newBrowser(t *testing.T) *browser {
	t.Helper()
	b, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func startBrowser() (*browser, error) {
	path := os.Getenv("CAIRN_TEST_CHROMIUM")
	if path == "" {
		return nil, errors.New("CAIRN_TEST_CHROMIUM must name a Chromium, such as /usr/bin/chromium")
	}
	dir, err := os.MkdirTemp("", "cairn-chromium-")
	if err != nil {
		return nil, err
	}
	opts := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(path), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck,
		chromedp.Flag("headless", "new"), chromedp.Flag("disable-gpu", true), chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true), chromedp.Flag("hide-scrollbars", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.UserDataDir(dir), chromedp.WSURLReadTimeout(60 * time.Second),
	}
	if os.Geteuid() == 0 {
		opts = append(opts, chromedp.NoSandbox)
	}
	alloc, end := chromedp.NewExecAllocator(context.Background(), opts...)
	ctx, cancel := chromedp.NewContext(alloc)
	b := &browser{ctx: ctx, stop: func() { cancel(); end(); os.RemoveAll(dir) }}
	if err := chromedp.Do(ctx); err != nil {
		b.stop()
		return nil, fmt.Errorf("Chromium does not start: %w", err)
	}
	return b, nil
}

// A tab is one page of a browser that notes what goes wrong in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	mu   sync.Mutex
	bad  []string
}

// open opens a tab on a server of its own, signed in.
func (b *browser) open(t *testing.T, c interface{ site() http.Handler }, width, height int64, dark bool) *tab {
	t.Helper()
	srv := httptest.NewServer(c.site())
	t.Cleanup(srv.Close)
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 60*time.Second)
	t.Cleanup(cancel)
	p := &tab{t: t, ctx: ctx, base: srv.URL}
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatal(err)
	}
	scheme := "light"
	if dark {
		scheme = "dark"
	}
	viewport := []chromedp.EmulateViewportOption{}
	if width < 600 {
		viewport = append(viewport, chromedp.EmulateMobile)
	}
	p.run(
		call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{}), call(runtime.Enable, cdp.Empty{}),
		chromedp.EmulateViewport(width, height, viewport...),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}),
		call(cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `document.addEventListener("securitypolicyviolation",
			e => console.error("CSP " + e.violatedDirective + " " + e.blockedURI + " " + e.sourceFile + ":" + e.lineNumber))`}),
		call(network.ClearBrowserCookies, cdp.Empty{}),
		call(network.SetCookie, network.SetCookieParams{Name: sessionCookie, Value: "token-of-ada", URL: srv.URL}),
	)
	return p
}

// call sends one command of the protocol.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// note keeps console errors, exceptions and violations of the policy.
func (p *tab) note(ev any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		p.bad = append(p.bad, "exception: "+e.ExceptionDetails.Text+" "+exceptionText(e.ExceptionDetails))
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			p.bad = append(p.bad, "console: "+strings.Join(words, " "))
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			p.bad = append(p.bad, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.t.Fatalf("%v\n%s", err, strings.Join(p.bad, "\n"))
	}
}

// visit loads a page and waits until its fonts are there.
func (p *tab) visit(path string) {
	p.t.Helper()
	p.run(chromedp.Navigate(p.base+path), chromedp.Evaluate[chromedp.Void](`document.fonts.ready.then(() => true)`, chromedp.EvalAwaitPromise))
}

// text returns what an expression in the page comes to, as text.
func (p *tab) text(expression string) string {
	p.t.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[any](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatal(err)
	}
	return fmt.Sprint(out)
}

// until waits until an expression in the page is true, also when the page is
// left meanwhile.
func (p *tab) until(expression string) {
	p.t.Helper()
	for {
		err := chromedp.Do(p.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(45*time.Second)))
		switch {
		case err == nil:
			return
		case p.ctx.Err() == nil && (strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "context")):
			continue // the page was left
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.t.Fatalf("%v: %s\n%s", err, expression, strings.Join(p.bad, "\n"))
	}
}

// key presses one key where the focus is.
func (p *tab) key(k string) { p.t.Helper(); p.run(chromedp.KeyEvent(k)) }

// healthy fails the test for anything that went wrong in the page so far.
func (p *tab) healthy() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range p.bad {
		p.t.Error(b)
	}
	p.bad = nil
}

// accessible fails for every serious finding of axe-core.
func (p *tab) accessible() { p.t.Helper(); p.accessibleIn("document") }

// accessibleIn does so for a part of the page, named by an expression.
func (p *tab) accessibleIn(part string) {
	p.t.Helper()
	p.run(chromedp.Evaluate[chromedp.Void](axe(p.t)))
	found := p.text(`axe.run(` + part + `, {runOnly: ["wcag2a","wcag2aa","wcag21a","wcag21aa","wcag22aa","best-practice"]}).then(r => JSON.stringify(
		r.violations.filter(v => v.impact === "serious" || v.impact === "critical").map(v => v.id + ": " + v.help + "\n    " +
		v.nodes.slice(0, 4).map(n => n.html.slice(0, 160) + " | " + (n.any[0] || n.all[0] || n.none[0] || {message: ""}).message).join("\n    "))))`)
	var list []string
	if err := json.Unmarshal([]byte(found), &list); err != nil {
		p.t.Fatal(err)
	}
	for _, v := range list {
		p.t.Error("axe: " + v)
	}
}

// narrow fails when the page is wider than the window.
func (p *tab) narrow() {
	p.t.Helper()
	if got := p.text(`(() => {
		const clipped = e => { for (let p = e.parentElement; p; p = p.parentElement) if (/auto|scroll|hidden|clip/.test(getComputedStyle(p).overflowX)) return p !== document.body && p !== document.documentElement; return false };
		return [...document.querySelectorAll("body *")].filter(e => { if (!e.checkVisibility()) return false; const r = e.getBoundingClientRect(); return r.width > 1 && r.right > innerWidth + 1 && !clipped(e) })
			.slice(0, 4).map(e => e.outerHTML.slice(0, 120)).join("\n") })()`); got != "" {
		p.t.Errorf("wider than the window:\n%s", got)
	}
}

// shot writes a picture to the directory CAIRN_TEST_SHOTS, when it is set.
func (p *tab) shot(name string) {
	dir := os.Getenv("CAIRN_TEST_SHOTS")
	if dir == "" {
		return
	}
	b, err := chromedp.Run(p.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		p.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), b, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

func axe(t *testing.T) string {
	t.Helper()
	f, err := os.Open("testdata/vendor/axe.min.js.gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A look is a window that pages are looked at in.
type look struct {
	name          string
	width, height int64
	dark          bool
}

var looks = []look{
	{"wide-light", 1440, 960, false}, {"wide-dark", 1440, 960, true},
	{"phone-light", 390, 844, false}, {"phone-dark", 390, 844, true},
}

// sees reports whether a page is looked at in this window: each is in one wide
// and one narrow, one light and one dark, and of all pages as many in each of
// the four. Where pictures are kept, every page is looked at in all of them.
func (l look) sees(page string) bool {
	if os.Getenv("CAIRN_TEST_SHOTS") != "" {
		return true
	}
	return (l.dark == (l.width < 600)) == (len(page)%2 == 0)
}

// TestPagesAreSoundInABrowser loads every page of this file's list in two of
// four windows: no error, no violation of the policy, no serious finding of
// axe-core, and nothing wider than the window.
func TestPagesAreSoundInABrowser(t *testing.T) {
	b := newBrowser(t)
	busy := fullCompany()
	busy.progress = []Progress{{Name: "Feeding the demo company", Done: 231, Of: 549, Note: "days of history"}}
	refused, unrefused := refusingCompany(t, 70), refusingCompany(t, 0)
	worked := fullCompany()
	worked.items, worked.moved = nil, nil
	for _, l := range looks {
		for _, p := range []struct {
			name, path string
			company    *company
			do         func(*tab)
			part       string // what axe-core looks at; empty: all
		}{
			{"today", "/today", fullCompany(), nil, ""},
			{"today-feeding", "/today?who=everybody", busy, nil, ""},
			{"today-done", "/today", worked, nil, ""},
			{"today-new", "/today", bareCompany(), nil, ""},
			{"today-why", "/today", fullCompany(), func(p *tab) { p.key("j"); p.key("w"); p.until(`!!document.querySelector(".why[open]")`) }, ""},
			{"today-snooze", "/today", fullCompany(), func(p *tab) { p.key("j"); p.key("s"); p.until(`!!document.querySelector(".task .menu[open]")`) }, `document.querySelector(".task .menu[open]")`},
			{"palette", "/today", fullCompany(), func(p *tab) {
				p.text(`document.querySelector("[data-palette]").click()`)
				p.run(chromedp.SendKeys(chromedp.CSS("#palette-q"), "ha"))
				p.until(`!!document.querySelector("#palette-results .glyph")`)
			}, ""},
			{"sources", "/sources", fullCompany(), nil, ""},
			{"sources-new", "/sources", bareCompany(), nil, ""},
			{"source", "/sources/segment", fullCompany(), nil, ""},
			{"source-silent", "/sources/billing", fullCompany(), nil, ""},
			{"source-keys", "/sources/segment/keys", fullCompany(), nil, ""},
			{"source-key-new", "/sources/segment/keys", fullCompany(), func(p *tab) {
				p.text(`document.querySelector(".card-head details.menu summary").click()`)
				p.until(`!!document.querySelector(".menu[open] #key-name-new")`)
			}, ""},
			{"source-contract", "/sources/billing/contract", fullCompany(), nil, ""},
			{"source-contract-none", "/sources/crm/contract", fullCompany(), nil, ""},
			{"rejects", "/sources/segment/rejects", refused, nil, ""},
			{"rejects-none", "/sources/segment/rejects", unrefused, nil, ""},
			{"reject", "/sources/segment/rejects/1", refused, nil, ""},
			{"reject-patch", "/sources/segment/rejects/patch?op=rename&path=properties.name&value=event", refused, nil, ""},
			{"usage", "/usage", fullCompany(), nil, ""},
			{"usage-new", "/usage", bareCompany(), nil, ""},
			{"usage-metric", "/usage/metrics/new", fullCompany(), nil, ""},
			{"usage-drivers", "/usage/drivers", fullCompany(), nil, ""},
			{"not-found", "/nowhere", fullCompany(), nil, ""},
		} {
			if !l.sees(p.name) {
				continue
			}
			t.Run(p.name+"/"+l.name, func(t *testing.T) {
				tab := b.open(t, p.company, l.width, l.height, l.dark)
				tab.visit(p.path)
				if p.do != nil {
					p.do(tab)
				}
				tab.shot(p.name + "-" + l.name)
				tab.narrow()
				tab.accessibleIn(cmp.Or(p.part, "document"))
				if p.name == "not-found" { // the browser itself notes the status
					return
				}
				tab.healthy()
			})
		}
		t.Run("sign-in/"+l.name, func(t *testing.T) {
			for name, c := range map[string]*company{"sign-in": bareCompany(), "sign-in-first": {}} {
				tab := b.open(t, c, l.width, l.height, l.dark)
				tab.run(call(network.ClearBrowserCookies, cdp.Empty{}))
				tab.visit("/today")
				tab.shot(name + "-" + l.name)
				tab.narrow()
				tab.accessible()
				tab.healthy()
			}
		})
	}
}

func exceptionText(d *runtime.ExceptionDetails) string {
	if d.Exception == nil {
		return ""
	}
	return d.Exception.Description
}
