package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/auth"
	"cairn/internal/book"
	"cairn/internal/model"
	"cairn/internal/signal"
	"cairn/internal/turn"
	"cairn/internal/vector"
)

// measuredAll are forty accounts as their last turns measured them.
type measuredAll struct{ none bool }

func (m measuredAll) Measured(_ context.Context, _ cairn.Scope, f func(model.Account) error) error {
	for i := range 40 {
		if m.none {
			return nil
		}
		sig := cairn.Signals{"trait.segment": {Known: true, Text: []string{"partner", "direct"}[i%2]}}
		for j, d := range signal.Defs() {
			sig[d.Name] = cairn.Signal{Name: d.Name, Known: (i+j)%5 != 0, Number: float64((i * 7 * (j + 1)) % 40), Fresh: noon.AddDate(0, 0, -i), Why: "Nobody said."}
		}
		id := cairn.Space("").Account(fmt.Sprint("m", i))
		if err := f(model.Account{ID: id, Key: fmt.Sprint("m", i), Name: fmt.Sprint("Account ", i), Owner: "ada@cairn.example", Signals: sig}); err != nil {
			return err
		}
	}
	return nil
}

// modelling is a site with models, and their pages in the book.
func modelling(t testing.TB, none bool, user auth.User) (http.Handler, *shelf) {
	t.Helper()
	c := fullCompany()
	if none {
		c = bareCompany()
	}
	pages := &shelf{c: c, pages: map[string][]book.Revision{}}
	body, err := json.Marshal(vector.Default())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pages.Write(context.Background(), cairn.House, vector.PageOf("default"), 0, body, "As Cairn comes.", noon.AddDate(0, -3, 0)); err != nil {
		t.Fatal(err)
	}
	m := &model.Service{
		Store: measuredAll{none}, Book: pages, Now: func() time.Time { return noon }, Changed: func(context.Context) error { pages.changed++; return nil },
		Definitions: func(ctx context.Context) (turn.Definitions, error) {
			d := turn.Definitions{Catalogue: signal.New(signal.Settings{Zone: time.UTC, Currency: "EUR"})}
			all, _ := pages.Pages(ctx, vector.PageOf(""))
			for _, r := range all {
				var m vector.Model
				if !vector.Deleted(r.Body) {
					if err := json.Unmarshal(r.Body, &m); err != nil {
						return d, err
					}
					m.Rev = r.Rev
					d.Models = append(d.Models, m)
				}
			}
			var o vector.Order
			if r, err := pages.Page(ctx, vector.OrderPage); err == nil {
				if err := json.Unmarshal(r.Body, &o); err != nil {
					return d, err
				}
			}
			d.Models = vector.InOrder(d.Models, o.Models)
			return d, nil
		},
	}
	return New(Deps{
		Usage: counting(c, c.accounts), Model: m, Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: someone{c, user}, Users: c,
		Now: func() time.Time { return noon },
	}), pages
}

func TestPagesOfModelsRenderEmptyAndFull(t *testing.T) {
	for _, none := range []bool{true, false} {
		h, _ := modelling(t, none, ada)
		for _, path := range []string{"/models", "/models/default", "/models/new", "/signals", "/signals?q=people", "/signals?q=zzz", "/signals/" + signal.Active28} {
			res := ask(t, h, "GET", path, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s (empty %v) answers %d: %s", path, none, res.StatusCode, res.body)
			}
			sound(t, res.body)
		}
	}
	h, _ := modelling(t, false, ada)
	has(t, ask(t, h, "GET", "/models", nil).body, "Default", "all accounts that no other model is for", "revision 1")
	has(t, ask(t, h, "GET", "/models/default", nil).body, "Age of the oldest open ticket", "0 at 30 days … full at 3 days", "6.3", "signal: usage.licence_use")
	has(t, ask(t, h, "GET", "/signals", nil).body, "Active people in 28 days", "80 %", "the model default")
	if !strings.Contains(ask(t, h, "GET", "/signals?q=people", nil).body, `href="/signals.csv?q=people"`) {
		t.Error("what is searched for cannot be saved")
	}
	has(t, ask(t, h, "GET", "/signals/"+signal.Active28, nil).body, "Known of 32 of 40 accounts", "Nobody said.", "lie at or below")
	if got := ask(t, h, "GET", "/signals.csv", nil).body; !strings.Contains(got, "usage.active_people_28d,Active people in 28 days") {
		t.Errorf("the file begins %.200q", got)
	}
	if res := ask(t, h, "GET", "/models/none", nil); res.StatusCode != http.StatusNotFound {
		t.Errorf("no such model answers %d", res.StatusCode)
	}
}

func TestAModelIsTriedPublishedAndRolledBack(t *testing.T) {
	h, pages := modelling(t, false, ada)
	text, err := model.Text(vector.Default())
	if err != nil {
		t.Fatal(err)
	}
	try := func(text string) string {
		return ask(t, h, "POST", "/models/try", fields("text", text, "was", "default"), "HX-Request", "true").body
	}
	has(t, try(text), "The level of no account.")
	other := strings.Replace(text, "best: 80", "best: 30", 1)
	has(t, try(other), "The level of ", "Who changes grade", "Publish")
	has(t, try(strings.Replace(text, "weight: 50\n", "weight: 51\n", 1)), "add up to 101")
	has(t, try(strings.Replace(text, "usage.licence_use", "usage.joy", 1)), "There is no signal", "groups.0.leaves.0.signal")
	has(t, try("groups: ["), "The text cannot be read")

	bad := ask(t, h, "POST", "/models", fields("text", "groups: [", "was", "default", "rev", "1"))
	if bad.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(bad.body, "groups: [") {
		t.Errorf("a text that cannot be read answers %d, and what was typed must stay", bad.StatusCode)
	}
	renamed := ask(t, h, "POST", "/models", fields("text", strings.Replace(text, "name: default", "name: other", 1), "was", "default", "rev", "1"))
	if renamed.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(renamed.body, "The name of a model stays") {
		t.Errorf("another name answers %d", renamed.StatusCode)
	}
	res := ask(t, h, "POST", "/models", fields("text", other, "was", "default", "rev", "1", "note", "Fewer seats are enough"))
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "/models/default?did=published" || pages.changed != 1 {
		t.Fatalf("publishing answers %d, changed %d: %s", res.StatusCode, pages.changed, res.body)
	}
	page := ask(t, h, "GET", "/models/default?did=published", nil).body
	has(t, page, "The model is in force", "Fewer seats are enough", "Revision 2", "Go back to this", "best: 30")
	sound(t, page)
	if res := ask(t, h, "POST", "/models", fields("text", text, "was", "default", "rev", "1")); res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("on top of an old revision answers %d", res.StatusCode)
	}
	if res := ask(t, h, "POST", "/models/default/restore", fields("rev", "1")); res.StatusCode != http.StatusSeeOther || pages.changed != 2 {
		t.Errorf("rolling back answers %d", res.StatusCode)
	}
	has(t, ask(t, h, "GET", "/models/default", nil).body, "As in revision 1.", "best: 80")

	for _, name := range []string{"gold", "partners"} {
		some := strings.Replace(text, "name: default\n", "name: "+name+"\nfor: [{field: trait.segment, op: is, value: partner}]\n", 1)
		if res := ask(t, h, "POST", "/models", fields("text", some, "rev", "0")); res.StatusCode != http.StatusSeeOther {
			t.Fatalf("a new model answers %d: %s", res.StatusCode, res.body)
		}
	}
	ask(t, h, "POST", "/models/order", fields("up", "partners"))
	list := ask(t, h, "GET", "/models?did=ordered", nil).body
	if g, p, d := strings.Index(list, "/models/gold"), strings.Index(list, "/models/partners"), strings.Index(list, "/models/default"); !(p < g && g < d) {
		t.Errorf("the order is gold %d, partners %d, default %d", g, p, d)
	}
	has(t, list, "accounts of which segment is partner")
	if res := ask(t, h, "POST", "/models/gold/delete", fields()); res.StatusCode != http.StatusSeeOther || strings.Contains(ask(t, h, "GET", "/models", nil).body, "/models/gold") {
		t.Errorf("deleting answers %d", res.StatusCode)
	}
	if res := ask(t, h, "POST", "/models/default/delete", fields()); res.StatusCode != http.StatusConflict {
		t.Errorf("deleting the last one for everybody answers %d", res.StatusCode)
	}
}

func TestOnlyAdministratorsPublishModels(t *testing.T) {
	h, pages := modelling(t, false, auth.User{ID: "2", Mail: "bob@cairn.example", Name: "Bob"})
	if page := ask(t, h, "GET", "/models/default", nil).body; strings.Contains(page, "Publish") || !strings.Contains(page, "readonly") {
		t.Error("somebody who may not is shown the form")
	}
	for _, path := range []string{"/models", "/models/default/restore", "/models/default/delete", "/models/order"} {
		if got := ask(t, h, "POST", path, fields("text", "name: x")); got.StatusCode != http.StatusForbidden {
			t.Errorf("%s answers %d", path, got.StatusCode)
		}
	}
	if pages.changed != 0 {
		t.Error("something was changed")
	}
}

// TestPagesOfModelsAreSoundInABrowser loads them in two of four windows: no
// error, no serious finding of axe-core, nothing wider than the window; and
// tries a model as it is typed.
func TestPagesOfModelsAreSoundInABrowser(t *testing.T) {
	b := newBrowser(t)
	for _, l := range looks {
		for name, path := range map[string]string{"models": "/models", "model": "/models/default", "signals": "/signals", "signal": "/signals/" + signal.Active28, "signals-no": "/signals?q=zz"} {
			if !l.sees(name) {
				continue
			}
			t.Run(name+"/"+l.name, func(t *testing.T) {
				h, _ := modelling(t, false, ada)
				tab := b.open(t, handled{h}, l.width, l.height, l.dark)
				tab.visit(path)
				if name == "model" {
					tab.text(`(() => { const a = document.querySelector(".model-text"); a.value = a.value.replace("best: 80", "best: 30"); a.dispatchEvent(new Event("input", {bubbles: true})) })()`)
					tab.until(`!!document.querySelector("#model-levels svg, #model-levels canvas")`)
				}
				tab.shot(name + "-" + l.name)
				tab.narrow()
				tab.accessible()
				tab.healthy()
			})
		}
	}
}

func TestAnAccountSaysWhatWouldTurnIt(t *testing.T) {
	c := regulars()
	pages := &shelf{c: c, pages: map[string][]book.Revision{}}
	body, err := json.Marshal(vector.Default())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := pages.Write(t.Context(), cairn.House, vector.PageOf("default"), 0, body, "", noon); err != nil {
		t.Fatal(err)
	}
	h := New(Deps{
		Usage: counting(c, nil), Model: &model.Service{Store: measuredAll{}, Book: pages, Now: func() time.Time { return noon }},
		Accounts: c, Explain: c, Past: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c, Now: func() time.Time { return noon },
	})
	page := ask(t, h, "GET", c.one(), nil)
	if page.StatusCode != http.StatusOK {
		t.Fatal(page.body)
	}
	has(t, page.body, "What would turn it", "To be ")
	if past := ask(t, h, "GET", c.one()+"?at=2026-09-06", nil).body; strings.Contains(past, "What would turn it") {
		t.Error("the past is asked what would turn it")
	}
}
