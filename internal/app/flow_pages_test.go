package app

import (
	"bytes"
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"cairn"
	"cairn/internal/outcome"
)

// TestEveryPageIsSoundInEveryWindow looks at every page of a whole Cairn, full
// and empty, wide and narrow, light and dark, each in two of four windows: no error, and nothing wider than
// the window. scripts/screenshots keeps pictures of what it sees:
// CAIRN_SHOTS names where, CAIRN_SHOTS_DATA the data directory of a demo to be
// looked at in place of the small one.
func TestEveryPageIsSoundInEveryWindow(t *testing.T) {
	full, empty := demoToLookAt(t), serve(t, t.TempDir(), time.Time{})
	empty.mail, empty.password = "ada@cairn.example", "a password to test with"
	if _, err := empty.Auth.AddUser(t.Context(), cairn.House, empty.mail, "Ada Lind", empty.password, true); err != nil {
		t.Fatal(err)
	}
	first := "/accounts/" + full.tasksNow(t)[0].Account.ID.String()
	for _, l := range looks {
		w := open(t, full.url, l)
		w.visit("/signin")
		w.sound("signin", l)
		w.signIn(full.mail, full.password)
		for name, path := range map[string]string{
			"today": "/today", "today-everybody": "/today?who=everybody", "accounts": "/accounts", "accounts-renewing": "/accounts?renews=90&sort=renews", "accounts-falling": "/accounts?way=falling&sort=-mrr",
			"account": first, "account-past": first + "?at=" + full.Clock.Now().AddDate(0, -2, 0).Format(time.DateOnly),
			"sources": "/sources", "source": "/sources/product",
			"source-keys": "/sources/product/keys", "source-contract": "/sources/product/contract", "rejects": "/sources/product/rejects",
			"usage": "/usage", "usage-tick": "/usage?tick=Page+Viewed", "usage-metrics": "/usage/metrics", "usage-metric": "/usage/metrics/new", "usage-drivers": "/usage/drivers",
			"models": "/models", "model": "/models/default", "model-new": "/models/new", "signals": "/signals", "signal": "/signals/usage.active_people_28d", "portfolio": "/portfolio", "portfolio-who": "/portfolio/accounts?is=Poor",
			"keeping": "/keeping", "keeping-try": "/keeping?for=90+days",
			"revenue": "/revenue", "revenue-by": "/revenue?by=owner&policy=stripe", "revenue-movements": "/revenue/movements?kind=expansion", "revenue-cohorts": "/revenue/cohorts", "revenue-cohorts-by": "/revenue/cohorts?by=plan&of=money", "revenue-cohort-accounts": "/revenue/cohorts/accounts?age=3", "revenue-survival": "/revenue/survival", "revenue-survival-by": "/revenue/survival?by=plan", "revenue-survival-accounts": "/revenue/survival/accounts?what=watched&from=6", "revenue-definitions": "/revenue/definitions",
			"renewals": "/renewals", "renewals-next": "/renewals?sort=-disagreement&quarter=" + (outcome.QuarterOf(cairn.DayOf(full.Clock.Now(), time.UTC)) + 1).String(), "renewals-grades": "/renewals/grades",
			"payments": "/revenue/payments", "expansion": "/revenue/expansion", "expansion-held": "/revenue/expansion?stage=held", "payments-late": "/revenue/payments?kind=late&age=1-30", "payments-past": "/revenue/payments?at=2020-01-01",
			"revenue-only": "/revenue?where=owner:nobody@example.com", "revenue-past": "/revenue?at=" + full.Clock.Now().AddDate(0, -2, 0).Format(time.DateOnly), "revenue-behind": "/revenue/accounts?of=risk",
			"revenue-account": "/revenue/movements/" + full.tasksNow(t)[0].Account.ID.String(), "revenue-policy": "/revenue/policy?try=stripe", "revenue-policy-form": "/revenue/policy/edit?copy=stripe",
			"revenue-compare": "/revenue/compare?a=cairn&b=stripe", "revenue-closing": "/revenue/closing",
			"churn": "/revenue/churn", "churn-by": "/revenue/churn?by=owner&policy=stripe", "churn-customers": "/revenue/churn/customers?of=eligible",
			"losses": "/revenue/losses", "losses-by": "/revenue/losses?by=owner&only=open", "loss-reasons": "/revenue/losses/reasons",
		} {
			if l.sees(name) {
				w.visit(path)
				w.sound(name, l)
			}
		}
		w = open(t, empty.url, l)
		w.signIn(empty.mail, empty.password)
		for name, path := range map[string]string{
			"empty-today": "/today", "empty-accounts": "/accounts", "empty-sources": "/sources", "empty-source": "/sources/segment",
			"empty-keys": "/sources/segment/keys", "empty-contract": "/sources/segment/contract", "empty-rejects": "/sources/segment/rejects", "empty-unclaimed": "/unclaimed",
			"empty-usage": "/usage", "empty-metrics": "/usage/metrics", "empty-models": "/models", "empty-model": "/models/default", "empty-signals": "/signals", "empty-signal": "/signals/usage.active_people_28d", "empty-metric": "/usage/metrics/new", "empty-keeping": "/keeping", "empty-drivers": "/usage/drivers",
			"empty-revenue": "/revenue", "empty-cohorts": "/revenue/cohorts", "empty-survival": "/revenue/survival", "empty-definitions": "/revenue/definitions", "empty-movements": "/revenue/movements", "empty-renewals": "/renewals", "empty-grades": "/renewals/grades", "empty-payments": "/revenue/payments", "empty-expansion": "/revenue/expansion",
			"empty-behind": "/revenue/accounts?of=lost", "empty-policy": "/revenue/policy", "empty-compare": "/revenue/compare", "empty-closing": "/revenue/closing",
			"empty-churn": "/revenue/churn", "empty-losses": "/revenue/losses", "empty-churn-customers": "/revenue/churn/customers",
		} {
			if l.sees(name) {
				w.visit(path)
				w.sound(name, l)
			}
		}
	}
}

// demoToLookAt is the demo of CAIRN_SHOTS_DATA, or the small one.
func demoToLookAt(t *testing.T) *site {
	dir := os.Getenv("CAIRN_SHOTS_DATA")
	if dir == "" {
		return quillmere(t)
	}
	lock, err := LockDir(dir, "scripts/screenshots")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Release() })
	s := serve(t, dir, time.Time{})
	if s.mail, s.password, err = s.demoLogin(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// sound checks the page in the window and keeps pictures of it: as it opens,
// and in full.
func (w *window) sound(name string, l look) {
	w.t.Helper()
	// A phone makes its layout as wide as what overflows, so innerWidth proves nothing.
	if got, err := strconv.ParseInt(w.text(`document.documentElement.scrollWidth`), 10, 64); err != nil || got > l.width {
		w.t.Errorf("%s at %s is %d wide: %v\n%s", name, l.name, got, err, w.text(fmt.Sprintf(tooWide, l.width)))
	}
	w.healthy()
	dir := os.Getenv("CAIRN_SHOTS")
	if dir == "" {
		return
	}
	w.keep(filepath.Join(dir, name+"-"+l.name+".png"), chromedp.CaptureScreenshot())
	w.keep(filepath.Join(dir, name+"-"+l.name+"-full.png"), chromedp.FullScreenshot(100))
}

// tooWide lists what reaches beyond a width and is cut off nowhere.
const tooWide = `[...document.querySelectorAll("body *")].filter(e => {
	if (e.getBoundingClientRect().right <= %d + 0.5) return false;
	const holder = e => getComputedStyle(e).position === "absolute" ? e.offsetParent : e.parentElement;
	for (let p = holder(e); p; p = holder(p)) if (p !== document.body && getComputedStyle(p).overflowX !== "visible") return false;
	return true;
}).map(e => e.tagName + "." + e.getAttribute("class") + "#" + e.id + " to " + Math.round(e.getBoundingClientRect().right)).join("\n")`

// keep writes a picture in 256 colours.
func (w *window) keep(file string, take chromedp.Action[[]byte]) {
	w.t.Helper()
	b, err := chromedp.Run(w.ctx, take)
	if err != nil {
		w.fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	var out bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, paletted(picture)); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(file, out.Bytes(), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// paletted draws a picture in those 256 of its colours that matter most: they
// are many, or strong, since a colour here means something.
func paletted(from image.Image) *image.Paletted {
	count, box := map[color.RGBA]int{}, from.Bounds()
	at := func(x, y int) color.RGBA { return color.RGBAModel.Convert(from.At(x, y)).(color.RGBA) }
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			count[at(x, y)]++
		}
	}
	matters := func(c color.RGBA) int {
		strength := int(max(c.R, c.G, c.B)) - int(min(c.R, c.G, c.B))
		return count[c] * (64 + strength*strength)
	}
	most := slices.SortedFunc(maps.Keys(count), func(a, b color.RGBA) int {
		return cmp.Or(matters(b)-matters(a), int(a.R)-int(b.R), int(a.G)-int(b.G), int(a.B)-int(b.B))
	})
	var colours color.Palette
	for _, c := range most[:min(256, len(most))] {
		colours = append(colours, c)
	}
	nearest := map[color.RGBA]uint8{}
	for c := range count {
		nearest[c] = uint8(colours.Index(c))
	}
	out := image.NewPaletted(box, colours)
	for y := box.Min.Y; y < box.Max.Y; y++ {
		for x := box.Min.X; x < box.Max.X; x++ {
			out.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	return out
}
