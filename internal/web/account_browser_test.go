package web

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// TestAccountPagesAreSoundInABrowser loads the accounts pages in four windows:
// no error, no violation of the policy, no serious finding of axe-core, and
// nothing wider than the window.
func TestAccountPagesAreSoundInABrowser(t *testing.T) {
	b := newBrowser(t)
	for _, l := range looks {
		for _, p := range []struct {
			name string
			path func(*customers) string
			do   func(*tab)

			picture bool // of a part of a page that is on the list already
		}{
			{"accounts", func(c *customers) string { return "/accounts" }, nil, false},
			{"accounts-filter", func(c *customers) string { return "/accounts?way=falling&sort=-mrr&col=level.slope.mrr.renews.key" }, nil, false},
			{"accounts-none", func(c *customers) string { return "/accounts?q=zzz" }, nil, false},
			{"account", (*customers).one, drawn, false},
			{"account-history", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#history") }, true},
			{"account-reasons", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#reasons") }, true},
			{"account-people", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#usage") }, true},
			{"account-support", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#support") }, true},
			{"account-timeline", (*customers).one, func(p *tab) {
				drawn(p)
				p.text(`document.querySelectorAll("#timeline .entry details")[0].open = true`)
				p.scrollTo("#timeline")
			}, false},
			{"account-signals", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#signals") }, true},
			{"account-past", func(c *customers) string { return c.one() + "?at=2026-09-06&days=30" }, drawn, false},
			{"account-bare", func(c *customers) string { return "/accounts/nightingale" }, drawn, false},
		} {
			if !l.sees(p.name) || p.picture && os.Getenv("CAIRN_TEST_SHOTS") == "" {
				continue
			}
			t.Run(p.name+"/"+l.name, func(t *testing.T) {
				c := regulars()
				tab := b.open(t, c, l.width, l.height, l.dark)
				tab.visit(p.path(c))
				if p.do != nil {
					p.do(tab)
				}
				tab.shot(p.name + "-" + l.name)
				tab.narrow()
				tab.accessible()
				tab.healthy()
			})
		}
	}
}

// emptied empties the field that has the focus.
const emptied = `document.activeElement.value = ""`

// drawn waits until the history has come.
func drawn(p *tab) { p.until(`!document.querySelector("#history .chart-waiting")`) }

func (p *tab) scrollTo(selector string) {
	p.t.Helper()
	p.text(`document.querySelector("` + selector + `").scrollIntoView(); new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
}

func TestAnAccountIsFoundAndUnderstoodWithTheKeyboard(t *testing.T) {
	c := regulars()
	p := newBrowser(t).open(t, c, 1440, 960, false)
	p.visit("/accounts")
	p.key("f")
	p.text(emptied) // the protocol types the key's letter even though the page took the key
	for _, k := range "halden" {
		p.key(string(k))
	}
	p.until(`document.querySelectorAll(".accounts-table tbody tr").length === 1`)
	p.until(`location.search === "?q=halden"`)
	if got := p.text(`document.activeElement.id + " " + document.activeElement.value`); got != "accounts-q halden" {
		t.Errorf("whoever types keeps the field: %s", got)
	}
	p.until(`document.querySelector("#accounts-sentence").textContent.includes("1 of 129 accounts")`)
	p.key(kb.ArrowDown)
	p.key(kb.Enter)
	p.until(`location.pathname.length === "/accounts/".length + 32 && !!document.querySelector("#reasons")`)
	drawn(p)
	p.text(`document.querySelector("#changed .segmented a:nth-child(2)").click()`)
	p.until(`location.search === "?days=30" && document.querySelector("#changed .segmented [aria-current]").textContent === "30 days"`)
	p.text(`document.querySelector("#reasons .reason summary").focus()`)
	p.key(kb.Enter)
	p.until(`document.querySelector("#reasons .reason").open && document.querySelector("#reasons .reason dl").textContent.includes("Scale")`)
	p.text(`document.querySelector("#history-table summary").click(); document.querySelector("#history-table tbody tr:nth-child(4) a").click()`)
	p.until(`!!document.querySelector(".past-banner") && location.search.includes("at=2026-11-08")`)
	drawn(p)
	p.text(`document.querySelector(".past-banner .btn-primary").click()`)
	p.until(`!document.querySelector(".past-banner") && !!document.querySelector("#write")`)
	drawn(p)
	p.healthy()
}

func TestWhatIsWrittenDownAppearsAtOnceAndNothingTypedIsLost(t *testing.T) {
	c := regulars()
	p := newBrowser(t).open(t, c, 1440, 960, false)
	p.visit(c.one())
	drawn(p)
	p.key("e")
	p.until(`document.activeElement.id === "write-text"`)
	p.text(emptied)
	for _, k := range "They want SSO" {
		p.key(string(k))
	}
	p.text(`document.querySelector("#write-next").value = "Send the offer"; document.querySelector("#write-next").dispatchEvent(new Event("input", {bubbles: true}))`)
	p.visit(c.one()) // a reload, by accident
	drawn(p)
	p.until(`document.querySelector("#write-text").value === "They want SSO" && document.querySelector("#write-next").value === "Send the offer"`)
	p.text(`document.querySelector(".write-foot .btn-primary").click()`)
	p.until(`document.querySelector("#write-problem-next_due") && document.activeElement.id === "write-due"`)
	if got := p.text(`document.querySelector("#write-text").value`); got != "They want SSO" {
		t.Errorf("what was typed is lost: %q", got)
	}
	if len(c.admitted) > 0 {
		t.Error("half a note was admitted")
	}
	p.mu.Lock()
	p.bad = nil // the browser notes the status 422
	p.mu.Unlock()
	p.text(`document.querySelector("#write-due").value = "2026-11-27"; document.querySelector(".write-foot .btn-primary").click()`)
	p.until(`[...document.querySelectorAll("#timeline blockquote")].some(q => q.textContent === "They want SSO")`)
	p.until(`document.querySelector("#write-text").value === "" && document.querySelector("#toast").textContent.includes("Written down")`)
	p.visit(c.one())
	drawn(p)
	if got := p.text(`document.querySelector("#write-text").value`); got != "" {
		t.Errorf("what was sent comes back: %q", got)
	}
	p.healthy()
}

func TestATimelineThatIsReadFurtherDownStaysWhereItIs(t *testing.T) {
	c := regulars()
	p := newBrowser(t).open(t, c, 1440, 960, false)
	p.visit(c.one())
	drawn(p)
	was := p.text(`document.querySelectorAll("#timeline .entry").length`)
	p.text(`document.querySelector("#timeline-more a").click()`)
	p.until(`document.querySelectorAll("#timeline .entry").length > ` + was)
	more := p.text(`document.querySelectorAll("#timeline .entry").length`)
	c.mu.Lock()
	c.version++
	c.mu.Unlock()
	p.until(`!!document.querySelector("#timeline .fresh-note")`)
	if got := p.text(`document.querySelectorAll("#timeline .entry").length`); got != more {
		t.Errorf("%s entries became %s", more, got)
	}
	p.healthy()
}
