package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn/internal/signal"
	"cairn/internal/usage"
)

// counted returns the pages of a company, and its book.
func countedSite(c *company) (http.Handler, *shelf) {
	s := counting(c, c.accounts)
	return c.siteWith(s), s.Store.(*shelf)
}

// fields are the fields of a form, in order; a name may come several times.
func fields(pairs ...string) url.Values {
	out := url.Values{"csrf": {"csrf-of-ada"}}
	for i := 0; i < len(pairs); i += 2 {
		out.Add(pairs[i], pairs[i+1])
	}
	return out
}

// choice is what counts by the book.
func (s *shelf) choice(t *testing.T) signal.Meaningful {
	t.Helper()
	var m signal.Meaningful
	revs := s.pages[usage.Page]
	if len(revs) == 0 {
		t.Fatal("nothing was written")
	}
	if err := json.Unmarshal(revs[len(revs)-1].Body, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func TestUsageListsEveryEventWithWhetherItCounts(t *testing.T) {
	h, _ := countedSite(fullCompany())
	page := ask(t, h, "GET", "/usage", nil)
	has(t, page.body, "2 of 3 events count as usage.", "Report Created", "Export Run", "Page Viewed", "All products", "mobile", "Effect", "events count as usage")
	sound(t, page.body)
	if !strings.Contains(page.body, `value="Export Run" id="e`) {
		t.Error("an event cannot be ticked")
	}
	empty, _ := countedSite(bareCompany())
	for _, path := range []string{"/usage", "/usage/metrics", "/usage/metrics/new", "/usage/drivers"} {
		sound(t, ask(t, empty, "GET", path, nil).body)
	}
	has(t, ask(t, empty, "GET", "/usage", nil).body, "No event has been seen yet", "Connect a source")
}

func TestWhatIsTickedIsSavedAndWhatIsNotShownStaysAsItWas(t *testing.T) {
	h, s := countedSite(fullCompany())
	save := func(want int, pairs ...string) {
		t.Helper()
		if res := ask(t, h, "POST", "/usage", fields(pairs...)); res.StatusCode != want {
			t.Fatalf("%d, want %d: %s", res.StatusCode, want, res.body)
		}
	}
	save(303, "rev", "0", "shown", "Report Created", "shown", "Page Viewed", "counts", "Page Viewed", "new", "yes")
	want := append([]string{"Report Created"}, slices.DeleteFunc(signal.DefaultExcept(), func(n string) bool { return n == "Page Viewed" })...)
	slices.Sort(want)
	if diff := cmp.Diff(want, s.choice(t).Except); diff != "" {
		t.Errorf("except (-want +got):\n%s", diff)
	}
	save(303, "rev", "1", "shown", "Report Created", "shown", "Page Viewed", "counts", "Page Viewed", "new", "no")
	if diff := cmp.Diff([]string{"Page Viewed"}, s.choice(t).Only); diff != "" {
		t.Errorf("only (-want +got):\n%s", diff)
	}
	save(303, "rev", "2", "own", "1", "product", "mobile", "shown", "Export Run", "new", "yes")
	if m := s.choice(t); m.Products["mobile"].Counts("Export Run") || m.Choice.Counts("Export Run") || !m.Choice.Counts("Page Viewed") {
		t.Errorf("the choice of one product: %+v", m)
	}
	has(t, ask(t, h, "GET", "/usage?own=1&product=mobile", nil).body, "mobile has a choice of its own")
	if res := ask(t, h, "POST", "/usage/product", fields("own", "1", "product", "mobile")); res.StatusCode != 303 || len(s.choice(t).Products) != 0 {
		t.Errorf("%d: the product's choice stays", res.StatusCode)
	}
	save(409, "rev", "1", "shown", "Report Created", "new", "yes") // somebody was quicker
	save(400, "rev", "4", "shown", "Report Created", "new", "no")  // nothing would count
	if res := ask(t, h, "POST", "/usage/restore", fields("rev", "2")); res.StatusCode != 303 || !slices.Equal(s.choice(t).Only, []string{"Page Viewed"}) {
		t.Errorf("%d: an earlier revision did not come back: %+v", res.StatusCode, s.choice(t))
	}
	if s.changed != 5 {
		t.Errorf("accounts were measured anew %d times, want 5", s.changed)
	}
}

func TestAGroupOfAccountsBeginsWithWhatCountsForAll(t *testing.T) {
	h, s := countedSite(fullCompany())
	res := ask(t, h, "POST", "/usage/groups", fields("name", "Enterprise", "field", "trait.plan", "op", "in", "value", "gold, 12", "field", "", "op", "is", "value", ""))
	if res.StatusCode != 303 || res.Header.Get("Location") != "/usage?group=0" {
		t.Fatalf("%d %s %s", res.StatusCode, res.Header.Get("Location"), res.body)
	}
	want := []signal.Test{{Field: "trait.plan", Op: "in", Value: []any{"gold", 12.0}}}
	if diff := cmp.Diff(want, s.choice(t).Sets[0].All); diff != "" {
		t.Errorf("conditions (-want +got):\n%s", diff)
	}
	has(t, ask(t, h, "GET", "/usage?group=0", nil).body, "count as usage for the accounts of Enterprise", "trait.plan is one of gold, 12", "Remove the group")
	if res := ask(t, h, "POST", "/usage/groups", fields("name", "Wrong", "field", "usage.active_people_28d", "op", "above", "value", "3")); res.StatusCode != 400 || !strings.Contains(res.body, "depends on what counts") {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	if res := ask(t, h, "GET", "/usage?group=7", nil); res.StatusCode != 404 {
		t.Errorf("%d", res.StatusCode)
	}
	if res := ask(t, h, "POST", "/usage/groups/delete", fields("group", "0")); res.StatusCode != 303 || len(s.choice(t).Sets) != 0 {
		t.Errorf("%d: the group stays", res.StatusCode)
	}
}

func TestTheEffectOfAChoiceIsShownBeforeItIsSaved(t *testing.T) {
	h, s := countedSite(fullCompany())
	res := ask(t, h, "POST", "/usage/try", fields("rev", "0", "shown", "Report Created", "shown", "Export Run", "counts", "Page Viewed", "new", "yes"), "HX-Request", "true")
	has(t, res.body, " becomes ", "Active people")
	if len(s.pages) != 0 {
		t.Error("trying wrote something")
	}
	res = ask(t, h, "POST", "/usage/try", fields("rev", "0", "new", "no"), "HX-Request", "true")
	has(t, res.body, "Nothing would count.")
	page := ask(t, h, "GET", "/usage?"+url.Values{"tick": {"Page Viewed"}}.Encode(), nil)
	has(t, page.body, "Page Viewed: ticked for you, and not saved yet.", "3 of 3 events count")
}

func metricForm(more ...string) url.Values {
	return fields(append([]string{"as", "form", "title", "Exports", "count", "sum", "property", "pages", "events", "Export Run", "days", "28",
		"property_field", "pages", "property_op", "at_least", "property_value", "1"}, more...)...)
}

func TestAMetricIsDefinedTriedSavedAndKeptWhileItIsRead(t *testing.T) {
	h, s := countedSite(fullCompany())
	has(t, ask(t, h, "GET", "/usage/metrics", nil).body, "No metric is defined yet")
	res := ask(t, h, "POST", "/usage/metrics/try", metricForm(), "HX-Request", "true")
	has(t, res.body, "The sum of pages over Export Run where pages is at least 1, in the last 28 days.", "Pemberton Foods 40")
	if len(s.pages) != 0 {
		t.Fatal("trying wrote something")
	}
	if res := ask(t, h, "POST", "/usage/metrics", metricForm("unit", "pages")); res.StatusCode != 303 {
		t.Fatalf("%d %s", res.StatusCode, res.body)
	}
	has(t, ask(t, h, "GET", "/usage/metrics", nil).body, "metric.exports", "the rule “Few exports”")
	page := ask(t, h, "GET", "/usage/metrics/exports", nil)
	has(t, page.body, "As long as that is so the metric cannot be deleted.", "property: pages")
	sound(t, page.body)
	if res := ask(t, h, "POST", "/usage/metrics/exports/delete", fields()); res.StatusCode != 409 || !strings.Contains(res.body, "is read by the rule “Few exports”") {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
	again := ask(t, h, "POST", "/usage/metrics", metricForm())
	has(t, again.body, "There is a metric &#34;exports&#34; already.", "New metric")
	wrong := ask(t, h, "POST", "/usage/metrics", metricForm("was", "exports", "rev", "1", "name", "other"))
	has(t, wrong.body, "A metric keeps its name")
}

func TestAMetricThatDoesNotCompileComesBackAsItWasTyped(t *testing.T) {
	h, s := countedSite(fullCompany())
	text := "name: x\ntitle: X\ncount: evnts\n"
	res := ask(t, h, "POST", "/usage/metrics", fields("as", "text", "text", text))
	if res.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("%d", res.StatusCode)
	}
	has(t, res.body, "&#34;evnts&#34; is no way to count", "count: evnts")
	has(t, ask(t, h, "POST", "/usage/metrics", fields("as", "text", "text", "name: x\nnmae: y")).body, "unknown field &#34;nmae&#34;")
	has(t, ask(t, h, "POST", "/usage/metrics", fields("as", "form", "title", "Many", "count", "events", "days", "many")).body, "The window is a number of days.")
	if len(s.pages) != 0 {
		t.Error("something was written")
	}
	if res := ask(t, h, "POST", "/usage/metrics", fields("as", "text", "text", "name: x\ntitle: X\ncount: people\ndays: 90\n")); res.StatusCode != 303 {
		t.Errorf("%d %s", res.StatusCode, res.body)
	}
}

func TestATitleMakesAName(t *testing.T) {
	for title, want := range map[string]string{"Reports per seat": "reports_per_seat", "  90 days: Exports! ": "days_exports", "Über-Events": "ber_events", "": ""} {
		if got := nameOf(title); got != want {
			t.Errorf("%q: %q, want %q", title, got, want)
		}
	}
}

func TestDriversSayWhenThereIsTooLittle(t *testing.T) {
	h, _ := countedSite(fullCompany())
	page := ask(t, h, "GET", "/usage/drivers", nil)
	has(t, page.body, "That is too little to tell what goes with staying", "How this is worked out")
	sound(t, page.body)
	if res := ask(t, h, "GET", "/usage/drivers?early=0", nil); res.StatusCode != 400 {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestAdoptionShowsEventsByProductAndEveryWeek(t *testing.T) {
	c := fullCompany()
	h, _ := countedSite(c)
	page := ask(t, h, "GET", "/accounts/"+c.accounts[0].ID.String(), nil, "HX-Request", "true", "HX-Target", "adoption")
	has(t, page.body, "Adoption", "Report Created", "mobile", "the main product", "does not count", "Licence use")
}
