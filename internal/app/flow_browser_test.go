package app

import (
	"context"
	"errors"
	"fmt"
	"net/url"
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

// chromium is started by the first test that needs it; TestMain ends it.
var chromium = sync.OnceValues(startChromium)

func startChromium() (*browser, error) {
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
	atEnd = append(atEnd, b.stop)
	if err := chromedp.Do(ctx); err != nil {
		return nil, fmt.Errorf("Chromium does not start: %w", err)
	}
	return b, nil
}

// A look is a window that pages are looked at in.
type look struct {
	name          string
	width, height int64
	dark          bool
}

var (
	desk  = look{"1440-light", 1440, 900, false}
	looks = []look{desk, {"1440-dark", 1440, 900, true}, {"390-light", 390, 844, false}, {"390-dark", 390, 844, true}}
)

// sees reports whether a page is looked at in this window: each is in one wide
// and one narrow, one light and one dark, and of all pages as many in each of
// the four. Where pictures are kept, every page is looked at in all of them.
func (l look) sees(page string) bool {
	if os.Getenv("CAIRN_SHOTS") != "" {
		return true
	}
	return (l.dark == (l.width < 600)) == (len(page)%2 == 0)
}

// A window is one tab of Chromium, in which nothing may go wrong: the test
// fails for every error in the console, every exception, every violation of
// the content security policy, and every request to anybody but this machine.
type window struct {
	t    *testing.T
	ctx  context.Context
	base string
	mu   sync.Mutex
	bad  []string
}

// open opens a window on the server at base, where nobody is signed in.
func open(t *testing.T, base string, l look) *window {
	t.Helper()
	w := beside(t, base, l)
	w.run(call(network.ClearBrowserCookies, cdp.Empty{}))
	return w
}

// beside opens one more window, with the cookies of the others.
func beside(t *testing.T, base string, l look) *window {
	t.Helper()
	b, err := chromium()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	w := &window{t: t, ctx: ctx, base: base}
	t.Cleanup(w.healthy)
	if err := chromedp.Listen(ctx, w.note); err != nil {
		t.Fatal(err)
	}
	scheme, viewport := "light", []chromedp.EmulateViewportOption{}
	if l.dark {
		scheme = "dark"
	}
	if l.width < 600 {
		viewport = append(viewport, chromedp.EmulateMobile)
	}
	w.run(
		call(network.Enable, network.EnableParams{}), call(log.Enable, cdp.Empty{}), call(runtime.Enable, cdp.Empty{}),
		chromedp.EmulateViewport(l.width, l.height, viewport...),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}),
		call(emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true}),
		// A window that lies behind another one does not look for changes.
		call(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}),
		call(cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `document.addEventListener("securitypolicyviolation",
			e => console.error("CSP " + e.violatedDirective + " " + e.blockedURI + " " + e.sourceFile + ":" + e.lineNumber))`}),
	)
	return w
}

// call sends one command of the protocol.
func call[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// note keeps what must not happen.
func (w *window) note(ev any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := ev.(type) {
	case *runtime.EventExceptionThrown:
		text := e.ExceptionDetails.Text
		if e.ExceptionDetails.Exception != nil {
			text += " " + e.ExceptionDetails.Exception.Description
		}
		w.bad = append(w.bad, "exception: "+text)
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError {
			var words []string
			for _, a := range e.Args {
				words = append(words, string(a.Value)+a.Description)
			}
			w.bad = append(w.bad, "console: "+strings.Join(words, " "))
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || u.Hostname() != "127.0.0.1" && u.Scheme != "data" {
			w.bad = append(w.bad, "asked somebody else: "+e.Request.URL)
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError {
			w.bad = append(w.bad, "log: "+e.Entry.Text+" "+e.Entry.URL)
		}
	}
}

// healthy fails the test for anything that went wrong in the window so far.
func (w *window) healthy() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, b := range w.bad {
		w.t.Error(b)
	}
	w.bad = nil
}

// expected forgets an error that the test has brought about: the browser
// itself notes every status of 400 and above.
func (w *window) expected(text string) {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, b := range w.bad {
		if strings.Contains(b, text) {
			w.bad = append(w.bad[:i], w.bad[i+1:]...)
			return
		}
	}
	w.t.Errorf("no error says %q: %q", text, w.bad)
}

func (w *window) run(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	if err := chromedp.Do(w.ctx, actions...); err != nil {
		w.fatal(err)
	}
}

func (w *window) fatal(err any) {
	w.t.Helper()
	if dir := os.Getenv("CAIRN_TEST_SHOTS"); dir != "" && w.ctx.Err() == nil {
		if b, err := chromedp.Run(w.ctx, chromedp.CaptureScreenshot()); err == nil {
			_ = os.WriteFile(filepath.Join(dir, w.t.Name()+".png"), b, 0o644)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	bad := w.bad
	w.bad = nil
	w.t.Fatalf("%v\n%s", err, strings.Join(bad, "\n"))
}

// visit loads a page and waits until its fonts and its charts are there.
func (w *window) visit(path string) {
	w.t.Helper()
	w.run(chromedp.Navigate(w.base+path), chromedp.Evaluate[chromedp.Void](`document.fonts.ready.then(() => true)`, chromedp.EvalAwaitPromise))
	w.until(`!document.querySelector("#history .chart-waiting")`)
}

// text returns what an expression in the page comes to, as text.
func (w *window) text(expression string) string {
	w.t.Helper()
	out, err := chromedp.Run(w.ctx, chromedp.Evaluate[any](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		w.fatal(fmt.Sprintf("%v: %s", err, expression))
	}
	return fmt.Sprint(out)
}

// until waits until an expression in the page is true, also when the page is
// left meanwhile.
func (w *window) until(expression string) {
	w.t.Helper()
	for {
		err := chromedp.Do(w.ctx, chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(45*time.Second)))
		switch {
		case err == nil:
			return
		case w.ctx.Err() == nil && (strings.Contains(err.Error(), "navigated") || strings.Contains(err.Error(), "context")):
			continue // the page was left
		}
		w.fatal(fmt.Sprintf("%v: %s", err, expression))
	}
}

// says waits until the part of the page that a selector names holds a text.
func (w *window) says(selector, text string) {
	w.t.Helper()
	w.until(fmt.Sprintf(`[...document.querySelectorAll(%q)].some(e => e.textContent.replace(/\s+/g, " ").includes(%q))`, selector, text))
}

// click clicks the first thing that a selector names.
func (w *window) click(selector string) {
	w.t.Helper()
	w.run(chromedp.Click(chromedp.CSS(selector)))
}

// fill types into the field that a selector names.
func (w *window) fill(selector, keys string) {
	w.t.Helper()
	w.run(chromedp.SendKeys(chromedp.CSS(selector), keys))
}

// key presses one key where the focus is.
func (w *window) key(k string) { w.t.Helper(); w.run(chromedp.KeyEvent(k)) }

// set gives a field its value at once, as a date picker does.
func (w *window) set(selector, value string) {
	w.t.Helper()
	w.text(fmt.Sprintf(`(() => { const f = document.querySelector(%q); f.value = %q; for (const n of ["input", "change"]) f.dispatchEvent(new Event(n, {bubbles: true})) })()`, selector, value))
}

// signIn signs in as if somebody did.
func (w *window) signIn(mail, password string) {
	w.t.Helper()
	w.visit("/signin")
	w.fill("#mail", mail)
	w.fill("#password", password)
	w.click("form[action='/signin'] button")
	w.until(`location.pathname === "/today"`)
}

// choose chooses the first row with the keyboard: a key that is pressed before
// the page listens chooses nothing, so it is pressed until one is chosen.
func (w *window) choose() {
	w.t.Helper()
	for range 200 {
		w.key("j")
		if len(w.list(`[...document.querySelectorAll(".current")].map(e => e.id)`)) > 0 {
			return
		}
	}
	w.t.Fatal("no row can be chosen with the keyboard")
}
