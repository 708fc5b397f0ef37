package web

import "testing"

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
		}{
			{"accounts", func(c *customers) string { return "/accounts" }, nil},
			{"accounts-filter", func(c *customers) string { return "/accounts?way=falling&sort=-mrr&col=level.slope.mrr.renews.key" }, nil},
			{"accounts-none", func(c *customers) string { return "/accounts?q=zzz" }, nil},
			{"account", (*customers).one, drawn},
			{"account-history", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#history") }},
			{"account-reasons", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#reasons") }},
			{"account-people", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#usage") }},
			{"account-support", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#support") }},
			{"account-timeline", (*customers).one, func(p *tab) {
				drawn(p)
				p.text(`document.querySelectorAll("#timeline .entry details")[0].open = true`)
				p.scrollTo("#timeline")
			}},
			{"account-signals", (*customers).one, func(p *tab) { drawn(p); p.scrollTo("#signals") }},
			{"account-past", func(c *customers) string { return c.one() + "?at=2026-09-06&days=30" }, drawn},
			{"account-bare", func(c *customers) string { return "/accounts/nightingale" }, drawn},
		} {
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

// drawn waits until the history has come.
func drawn(p *tab) { p.until(`!document.querySelector("#history .chart-waiting")`) }

func (p *tab) scrollTo(selector string) {
	p.t.Helper()
	p.text(`document.querySelector("` + selector + `").scrollIntoView(); new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(true))))`)
}
