package app

import (
	"net/http/httptest"
	"testing"

	"cairn"
	"cairn/internal/config"
	"cairn/internal/ingest"
)

// Of an account whose source is silent the page says as of when it is, in every
// window; and the list shows, sorts and filters by a metric.
func TestASilentSourceAndAMetricAreSeenInEveryWindow(t *testing.T) {
	h := newHush(t, config.Config{Data: t.TempDir()})
	for range 29 {
		h.day(true)
	}
	h.agree(ingest.Cadence{Hours: 6})
	if _, err := asked(t, h.App, SaveMetric, MetricText{Text: "{name: reports, title: Reports made, unit: reports, count: events, events: [Report 0], days: 28}"}); err != nil {
		t.Fatal(err)
	}
	for range 9 {
		h.day(false)
	}
	mail, password := "ada@cairn.example", "a password to test with"
	if _, err := h.Auth.AddUser(t.Context(), cairn.House, mail, "Ada Lind", password, true); err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(h.Handler())
	defer srv.Close()
	account := "/accounts/" + h.ids[3].String()
	for _, l := range looks {
		w := open(t, srv.URL, l)
		w.signIn(mail, password)
		w.visit(account)
		w.says("#account-stale", "as of 31 Mar, product has been silent since")
		w.until(`document.querySelector("#account-stale").getBoundingClientRect().bottom <= document.querySelector(".account").getBoundingClientRect().top`)
		w.sound("stale-account", l)
		w.visit("/sources/product")
		w.says("#history-title", "Changes")
		w.click(".diff-in, details.more summary")
		w.sound("stale-source", l)
		w.visit("/accounts?col=level.mrr.m_reports&sort=-metric.reports")
		w.says("th.col-m_reports", "Reports made")
		w.click("#accounts-metric summary")
		w.sound("metric-filter", l)
		if l != desk {
			continue
		}
		w.set("#metric-least", "9999")
		w.says("#accounts-results", "No account matches")
		w.says("#accounts-metric-word", "Reports made ≥ 9999")
		w.until(`location.search.includes("least=9999")`)
		w.set("#metric-least", "1")
		w.says("#accounts-results", "acct-3")
	}
}
