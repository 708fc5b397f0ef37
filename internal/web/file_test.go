package web

import (
	"archive/zip"
	"encoding/base64"
	"encoding/csv"
	"image/png"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// revenueFiles are the tables that the pages about revenue save.
var revenueFiles = []string{"/revenue/months", "/revenue/months?by=owner", "/revenue/groups?by=owner", "/revenue/movements?kind=churn", "/revenue/movements",
	"/revenue/cohorts", "/revenue/cohorts?by=owner&of=money", "/revenue/cohorts/accounts?age=0", "/revenue/survival", "/revenue/survival?by=owner",
	"/revenue/accounts?of=end", "/revenue/accounts?of=lost", "/revenue/compare?a=cairn&b=stripe"}

func TestEveryTableOfRevenueIsSavedAsCSVAndAsXLSX(t *testing.T) {
	for _, empty := range []bool{true, false} {
		for _, address := range revenueFiles {
			res := ask(t, earningSite(empty), "GET", fileAt(address, "csv"), nil)
			rows, err := csv.NewReader(strings.NewReader(res.body)).ReadAll()
			if res.StatusCode != http.StatusOK || err != nil || len(rows) == 0 || rows[0][0] != "policy" || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv") {
				t.Fatalf("%s as CSV, empty %v: %d %v\n%s", address, empty, res.StatusCode, err, res.body)
			}
			if !empty && len(rows) < 2 && !strings.HasPrefix(address, "/revenue/compare") {
				t.Errorf("%s as CSV has no rows", address)
			}
			x := ask(t, earningSite(empty), "GET", fileAt(address, "xlsx"), nil)
			if name := x.Header.Get("Content-Disposition"); x.StatusCode != http.StatusOK || !strings.HasSuffix(name, `.xlsx"`) {
				t.Fatalf("%s as XLSX, empty %v: %d %s", address, empty, x.StatusCode, name)
			}
			if got := strings.Count(part(t, x.body, "xl/worksheets/sheet1.xml"), "<row "); got != len(rows) {
				t.Errorf("%s has %d rows as XLSX and %d as CSV", address, got, len(rows))
			}
			if about := part(t, x.body, "xl/worksheets/sheet2.xml"); !strings.Contains(about, ">cairn<") || !strings.Contains(about, ">Made<") {
				t.Errorf("%s does not say its policy and when it was made: %s", address, about)
			}
		}
	}
}

func TestClosedMonthsAndWhatMovedSaveWhatStandsBehindThem(t *testing.T) {
	h := earningSite(false)
	ask(t, h, "POST", "/revenue/closing", url.Values{"csrf": {"csrf-of-ada"}, "month": {"2026-10"}, "note": {"Q3"}})
	closed := ask(t, h, "GET", "/revenue/closing.csv", nil)
	if closed.StatusCode != http.StatusOK || !strings.Contains(closed.body, "2026-10,cairn,EUR,") {
		t.Errorf("closed months: %d\n%s", closed.StatusCode, closed.body)
	}
	moved := ask(t, h, "GET", "/revenue/movements.csv?kind=churn", nil)
	if moved.StatusCode != http.StatusOK || !strings.Contains(moved.body, "mrr 300.50 (billing)") {
		t.Errorf("movements do not say what caused them: %d\n%s", moved.StatusCode, moved.body)
	}
}

// part returns one part of a workbook.
func part(t *testing.T, book, name string) string {
	t.Helper()
	z, err := zip.NewReader(strings.NewReader(book), int64(len(book)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestFileIsRefusedAsItsPageIs(t *testing.T) {
	for address, want := range map[string]int{"/revenue/months.xlsx?from=March": http.StatusBadRequest, "/revenue/movements.csv?kind=luck": http.StatusNotFound} {
		if res := ask(t, earningSite(false), "GET", address, nil); res.StatusCode != want || strings.Contains(res.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d, want %d", address, res.StatusCode, want)
		}
	}
}

// handled is a site for the browser.
type handled struct{ http.Handler }

func (h handled) site() http.Handler { return h.Handler }

// TestChartIsSavedAsAPicture presses the button and looks at what the browser
// would write into the file: the chart and the words above and below it, in
// light, whatever the page is in.
func TestChartIsSavedAsAPicture(t *testing.T) {
	tab := newBrowser(t).open(t, handled{earningSite(false)}, 390, 844, true)
	tab.visit("/revenue")
	tab.text(`(() => { window.saved = null; URL.createObjectURL = b => { window.saved = b; return "#" };
		HTMLAnchorElement.prototype.click = function () { window.savedAs = this.download }; document.querySelector("[data-save-chart]").click() })()`)
	tab.until(`!!window.saved && !!window.savedAs`)
	data := tab.text(`new Promise(done => { const r = new FileReader(); r.onload = () => done(r.result); r.readAsDataURL(window.saved) })`)
	if name := tab.text(`window.savedAs`); name != "bridge.png" {
		t.Errorf("it is saved as %s", name)
	}
	kind, encoded, _ := strings.Cut(data, ",")
	if kind != "data:image/png;base64" {
		t.Fatalf("it is %s", kind)
	}
	picture, err := png.Decode(base64.NewDecoder(base64.StdEncoding, strings.NewReader(encoded)))
	if err != nil {
		t.Fatal(err)
	}
	box := picture.Bounds()
	if box.Dx() != 2400 || box.Dy() < 900 {
		t.Errorf("it is %v large", box)
	}
	if r, g, b, _ := picture.At(2, 2).RGBA(); min(r, g, b) < 0xf000 {
		t.Error("it is not light")
	}
	marked := func(from, to int) (n int) { // dots that are not paper
		for y := from; y < to; y += 2 {
			for x := 0; x < box.Dx(); x += 2 {
				if r, g, b, _ := picture.At(x, y).RGBA(); min(r, g, b) < 0xb000 {
					n++
				}
			}
		}
		return n
	}
	for what, n := range map[string]int{"title and policy": marked(0, 140), "chart": marked(180, box.Dy()-110), "date": marked(box.Dy()-80, box.Dy())} {
		if n < 100 {
			t.Errorf("there is no %s in it: %d dots", what, n)
		}
	}
	tab.healthy()
}
