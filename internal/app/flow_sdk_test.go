package app

import (
	"compress/gzip"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"cairn"
)

// A shop is the product of one of our customers: a page of another origin with
// Segment's own browser SDK, of which nothing was changed.
func shop(t *testing.T, cairnURL, key string) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /sdk.js", func(w http.ResponseWriter, r *http.Request) {
		f, err := os.Open("testdata/analytics-next/index.js.gz")
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("Content-Type", "text/javascript")
		if _, err := io.Copy(w, z); err != nil {
			t.Error(err)
		}
	})
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><title>Shop</title>
<body data-cairn="%s" data-key="%s">
<script src="/sdk.js"></script>
<script>
const {cairn, key} = document.body.dataset
window.analytics = AnalyticsNext.AnalyticsBrowser.load({writeKey: key, cdnURL: cairn},
	{integrations: {"Segment.io": {apiHost: cairn.replace("http://", "") + "/v1", protocol: "http"}}})
</script>`, html.EscapeString(cairnURL), html.EscapeString(key))
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

// Segment's own browser SDK, told only where Cairn is: what people do on the
// customer's page is on the account's page and moves its level, while both
// lie open.
func TestABrowserSDKMovesTheVectorOfAnOpenPage(t *testing.T) {
	s := serve(t, t.TempDir(), time.Time{})
	s.mail, s.password = "ada@cairn.example", "a password to test with"
	if _, err := s.Auth.AddUser(t.Context(), cairn.House, s.mail, "Ada", s.password, true); err != nil {
		t.Fatal(err)
	}
	shop := shop(t, s.url, s.writeKey(t, "segment"))
	product := open(t, shop.URL, desk)
	product.visit("/")
	ada := beside(t, s.url, desk)
	ada.signIn(s.mail, s.password)
	ada.says("#main", "first event")
	ada.text(`window.stillThere = true`)

	// Somebody signs up: the empty workspace shows its first account.
	product.text(`(async () => {
		await analytics.identify("u-zoe", {name: "Zoe Arkwright", email: "zoe@northmill.example"})
		await analytics.group("northmill", {name: "Northmill Looms", plan: "team"})
		await analytics.track("Loom Planned", {looms: 3})
		return true
	})()`)
	ada.until(`!!document.querySelector("#queue")`)
	if got := ada.text(`window.stillThere`); got != "true" {
		t.Error("Today was loaded anew")
	}
	id, err := s.Store.Find(t.Context(), cairn.Everything, "northmill")
	if err != nil {
		t.Fatal(err)
	}
	ada.visit("/accounts/" + id.String())
	ada.says("h1", "Northmill Looms")
	ada.says("#timeline .entry", "Loom Planned")
	ada.says("#people", "Zoe Arkwright")
	ada.text(`window.stillThere = true`)
	title := `document.querySelector("#reasons-title").textContent`
	was := ada.text(title)

	// She and her colleagues work, and the level follows.
	product.text(`(async () => {
		for (const u of ["u-zoe", "u-liv", "u-tom", "u-ida"]) {
			await analytics.identify(u)
			for (const e of ["Loom Planned", "Loom Started", "Cloth Delivered", "Pattern Shared", "Report Created"]) await analytics.track(e)
		}
		return true
	})()`)
	ada.says("#timeline .entry", "Cloth Delivered")
	ada.until(title + ` !== ` + mustJSON(t, was))
	if got := ada.text(`window.stillThere`); got != "true" {
		t.Error("the account was loaded anew")
	}
}
