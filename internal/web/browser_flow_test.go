package web

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// shown is true while a task's row stands on the page.
func shown(c *company, i int) string {
	return `!!document.getElementById("task-` + c.items[i].Task.ID.String() + `")`
}

func TestADayIsWorkedThroughWithTheKeyboard(t *testing.T) {
	b := newBrowser(t)
	c := fullCompany()
	p := b.open(t, c, 1440, 900, false)
	p.visit("/today")
	p.key("j")
	p.key("d")
	p.until(`!(` + shown(c, 0) + `)`)
	p.until(`document.querySelector("#toast strong")?.textContent === "Done"`)
	p.until(`document.querySelector(".progress-line span").textContent === "5 of 10 done today"`)
	p.until(`document.activeElement.textContent === "Brightwater Logistics"`) // the next one has the focus
	p.key("u")
	p.until(shown(c, 0))
	p.until(`document.querySelector("#toast strong")?.textContent === "Open again"`)

	p.key("j")
	p.key("s")
	p.until(`document.activeElement.textContent.trim().startsWith("Tomorrow")`)
	p.key(kb.Enter)
	p.until(`document.querySelector("#toast strong")?.textContent === "Snoozed"`)

	p.key("x")
	p.until(`document.querySelector("#toast strong")?.textContent === "Dismissed"`)
	p.run(chromedp.SendKeys(chromedp.CSS(`#toast input[name=outcome]`), "They moved away"+kb.Enter))
	p.until(`document.querySelector("#toast strong")?.textContent === "Written down"`)
	if last := c.admitted[len(c.admitted)-1]; last.Props["outcome"] != "They moved away" {
		t.Errorf("%+v", last)
	}
	p.healthy()
}

func TestTodayUpdatesInPlaceAndKeepsWhatIsOpen(t *testing.T) {
	b := newBrowser(t)
	c := fullCompany()
	late := c.items[5]
	c.items = c.items[:5]
	p := b.open(t, c, 1440, 900, false)
	p.visit("/today")
	p.key("j")
	p.key("w")
	p.until(`document.querySelectorAll(".why[open]").length === 1`)
	p.text(`window.stillThere = true`)
	c.mu.Lock()
	c.items, c.version = append(c.items, late), c.version+1
	c.mu.Unlock()
	p.until(`[...document.querySelectorAll(".task-account")].some(a => a.textContent === "Pemberton Foods")`)
	if got := p.text(`[window.stillThere, document.querySelectorAll(".why[open]").length, document.activeElement.textContent].join(" ")`); got != "true 1 Halden Robotics" {
		t.Errorf("after the update: %s", got)
	}

	// While a menu is open nothing moves under the hand.
	p.key("s")
	p.until(`!!document.querySelector(".task .menu[open]")`)
	c.mu.Lock()
	c.items, c.version = c.items[1:], c.version+1
	c.mu.Unlock()
	p.text(`htmx.trigger(document.body, "cairn:changed")`)
	p.text(`new Promise(done => setTimeout(done, 300))`)
	if p.text(`!!document.querySelector(".task .menu[open]")`) != "true" {
		t.Error("the menu went away")
	}
	p.key(kb.Escape)
	p.until(`document.querySelectorAll(".task").length === 5`)
	p.healthy()
}

func TestThePaletteLeadsAnywhere(t *testing.T) {
	b := newBrowser(t)
	p := b.open(t, fullCompany(), 1440, 900, true)
	p.visit("/today")
	p.run(chromedp.KeyEvent("k", chromedp.KeyModifiers(2)))
	p.until(`document.querySelectorAll("#palette-results [role=option]").length === 10`)
	p.run(chromedp.SendKeys(chromedp.CSS("#palette-q"), "sour"))
	p.until(`document.querySelectorAll("#palette-results [role=option]").length === 1`)
	p.key(kb.Enter)
	p.until(`location.pathname === "/sources" && document.readyState === "complete"`)
	p.key("?")
	p.until(`document.getElementById("keys").open`)
	p.healthy()
}

func TestTheChosenAppearanceIsKept(t *testing.T) {
	b := newBrowser(t)
	p := b.open(t, fullCompany(), 1440, 900, false)
	p.visit("/today")
	theme := `document.documentElement.getAttribute("data-bs-theme")`
	if got := p.text(theme); got != "light" {
		t.Errorf("as the system says: %s", got)
	}
	p.text(`document.querySelector("[data-theme-set][value=dark]").click()`)
	p.visit("/sources")
	if got := p.text(theme); got != "dark" {
		t.Errorf("as chosen: %s", got)
	}
	p.healthy()
}

func TestOneSignsInAndOut(t *testing.T) {
	b := newBrowser(t)
	p := b.open(t, fullCompany(), 390, 844, false)
	p.run(call(network.ClearBrowserCookies, cdp.Empty{}))
	p.visit("/sources")
	p.run(chromedp.SendKeys(chromedp.CSS("#mail"), "ada@cairn.example"), chromedp.SendKeys(chromedp.CSS("#password"), "correct"+kb.Enter))
	p.until(`location.pathname === "/sources"`)
	p.text(`document.querySelector("form[action='/signout']").requestSubmit()`)
	p.until(`location.pathname === "/signin"`)
	p.visit("/today")
	if got := p.text(`location.href`); !strings.HasSuffix(got, "/signin?next=%2Ftoday") {
		t.Errorf("after signing out Today is %s", got)
	}
	p.healthy()
}

func TestANewKeyIsMadeWithoutLeavingThePage(t *testing.T) {
	b := newBrowser(t)
	p := b.open(t, bareCompany(), 1440, 900, false)
	p.visit("/sources/segment")
	p.text(`document.querySelector("form[action$='/keys'] button").click()`)
	p.until(`!!document.getElementById("new-key")`)
	if got := p.text(`document.getElementById("send-curl").textContent.includes("wk_9f3c51d0a7b24e6c8d1f")`); got != "true" {
		t.Error("the snippet does not hold the key")
	}
	p.accessible()
	p.healthy()
}
