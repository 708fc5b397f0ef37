package app

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/config"
	"cairn/internal/ingest"
	"cairn/internal/signal"
	"cairn/internal/usage"
	"cairn/internal/work"
)

// counted is a Cairn at which three people of one account create reports and
// look at pages, today and on each of the last 80 days.
func counted(t *testing.T) *App {
	t.Helper()
	a, err := New(t.Context(), config.Config{Data: t.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { a.Close() })
	now := a.Clock.Now()
	var recs []ingest.Record
	for day := range 80 {
		for p := range 3 {
			for _, name := range []string{"Report Created", "Page Viewed"} {
				if name == "Report Created" && p > 0 && day < 30 {
					continue // of late one of them only
				}
				recs = append(recs, ingest.Record{
					Kind: cairn.Track, Name: name, ID: fmt.Sprint(name, day, p), At: now.AddDate(0, 0, -day).Add(-time.Minute),
					Keys: cairn.Keys{Account: "acme", Person: fmt.Sprint("p", p)}, Props: map[string]any{"pages": p + 1},
				})
			}
		}
	}
	if _, err := a.Door.Admit(t.Context(), ingest.Source{Name: "product"}, recs); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	return a
}

func settle(t *testing.T, a *App) {
	t.Helper()
	if err := a.Settle(t.Context(), a.Clock.Now()); err != nil {
		t.Fatal(err)
	}
}

// asked does an operation as a command would.
func asked[In, Out any](t *testing.T, a *App, op Op[In, Out], in In) (Out, error) {
	t.Helper()
	return op.Do(t.Context(), a.House(), in, func(Progress) {})
}

// of returns a signal of acme as it was last measured.
func of(t *testing.T, a *App, name string) cairn.Signal {
	t.Helper()
	id, err := a.Store.Find(t.Context(), cairn.Everything, "acme")
	if err != nil {
		t.Fatal(err)
	}
	acct, err := a.Store.Account(t.Context(), cairn.Everything, id)
	if err != nil {
		t.Fatal(err)
	}
	return acct.Signals[name]
}

func TestAccountsAreListedByTheirMetrics(t *testing.T) {
	a := counted(t)
	if _, err := asked(t, a, SaveMetric, MetricText{Text: "{name: pages, title: Pages, count: sum, events: [Report Created], property: pages, days: 28}"}); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	least := 1000.0
	for name, q := range map[string]AccountsQuery{
		"now": {}, "as of then": {At: a.Clock.Now().AddDate(0, 0, -40)},
	} {
		q.Metrics, q.Sort = []string{"pages"}, "-metric.pages"
		page, err := asked(t, a, Accounts, q)
		if err != nil || len(page.Accounts) != 1 {
			t.Fatalf("%s: %+v %v", name, page, err)
		}
		if n, ok := page.Accounts[0].Signals.Number("metric.pages"); !ok || n < 28 {
			t.Errorf("%s: %v %t", name, n, ok)
		}
		q.Where = []account.Bound{{Metric: "pages", Least: &least}}
		if page, err = asked(t, a, Accounts, q); err != nil || page.Total != 0 {
			t.Errorf("%s: of at least %v there are %d, %v", name, least, page.Total, err)
		}
	}
	if _, err := asked(t, a, DeleteMetric, "pages"); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if page, err := asked(t, a, Accounts, AccountsQuery{Query: account.Query{Metrics: []string{"pages"}, Sort: "metric.pages"}}); err != nil || page.Total != 1 {
		t.Errorf("an old link: %+v %v", page, err)
	}
}

func TestAnotherChoiceMeasuresHistoryAnewAndFiresNothing(t *testing.T) {
	a := counted(t)
	if n := of(t, a, signal.Active28); n.Number != 1 {
		t.Fatalf("%+v", n)
	}
	tried, err := asked(t, a, Choose, NewChoice{Choice: signal.Meaningful{Choice: signal.Choice{Only: []string{"Page Viewed"}}}, Try: true})
	if err != nil || len(tried.Effects) != 1 || tried.Effects[0].Before.Active != 1 || tried.Effects[0].After.Active != 3 {
		t.Fatalf("%+v %v", tried, err)
	}
	settle(t, a)
	if n := of(t, a, signal.Active28); n.Number != 1 {
		t.Errorf("trying changed %+v", n)
	}
	if _, err := asked(t, a, Choose, NewChoice{Choice: signal.Meaningful{Choice: signal.Choice{Only: []string{"Never Sent"}}}}); err != nil {
		t.Fatal(err)
	}
	// News that comes before the account was measured again is no reason either.
	if _, err := a.Door.Admit(t.Context(), ingest.Source{Name: "product"}, []ingest.Record{{
		Kind: cairn.Track, Name: "Page Viewed", ID: "news", At: a.Clock.Now(), Keys: cairn.Keys{Account: "acme", Person: "p0"},
	}}); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if n := of(t, a, signal.Active28); n.Known {
		t.Errorf("what counted before still does: %+v", n)
	}
	tasks, err := a.Store.Tasks(t.Context(), cairn.Everything, work.Query{}, a.Clock.Now().Add(time.Hour))
	if err != nil || len(tasks) > 0 {
		t.Errorf("%d tasks came of it: %v", len(tasks), err)
	}
	if _, err := asked(t, a, Choose, NewChoice{Rev: 1}); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if n := of(t, a, signal.Active28); n.Number != 1 {
		t.Errorf("the first revision is back and gives %+v", n)
	}
}

func TestAMetricIsCountedOverHistoryAndReadByTheModel(t *testing.T) {
	a := counted(t)
	const text = "name: pages\ntitle: Pages made\nunit: pages\ncount: sum\nproperty: pages\nevents: [Report Created]\nwhere:\n  - {field: pages, op: above, value: 1}\ndays: 60\n"
	tried, err := asked(t, a, TryMetric, MetricTrial{Text: text, Accounts: []string{"acme"}})
	if err != nil || len(tried.Accounts) != 1 || !tried.Accounts[0].Signal.Known {
		t.Fatalf("%+v %v", tried, err)
	}
	m, err := asked(t, a, SaveMetric, MetricText{Text: text})
	if err != nil {
		t.Fatal(err)
	}
	again, err := usage.MetricText(m.Metric)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := usage.ParseMetric(again); err != nil || fmt.Sprint(back) != fmt.Sprint(m.Metric) {
		t.Errorf("the text does not come round: %v %v", back, err)
	}
	settle(t, a)
	// Two people with 2 and 3 pages, on the days 30 to 59.
	if got := of(t, a, "metric.pages"); got.Number != 150 || got.Number != tried.Accounts[0].Signal.Number {
		t.Errorf("%+v, tried %+v", got, tried.Accounts[0].Signal)
	}
	page, err := a.Store.Page(t.Context(), "model/default")
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Replace(string(page.Body), `"usage.events_28d"`, `"metric.pages"`, 1)
	if body == string(page.Body) {
		body = strings.Replace(string(page.Body), `"usage.distinct_events_28d"`, `"metric.pages"`, 1)
	}
	if _, err := a.Store.Write(t.Context(), cairn.House, page.Page, page.Rev, []byte(body), "", a.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := asked(t, a, DeleteMetric, "pages"); cairn.KindOf(err) != cairn.Conflict || !strings.Contains(err.Error(), "the model") {
		t.Errorf("a metric that the model reads: %v", err)
	}
	if err := a.Store.MeasureAll(t.Context(), a.Clock.Now()); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	id, err := a.Store.Find(t.Context(), cairn.Everything, "acme")
	if err != nil {
		t.Fatal(err)
	}
	v, _, err := a.Explain.Explain(t.Context(), cairn.Everything, id, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, r := range v.Reasons {
		told = told || r.Signal == "metric.pages" && r.Label == "Pages made" && r.Known
	}
	if !told {
		t.Errorf("no reason names the metric: %+v", v.Reasons)
	}
}

func TestAMetricGoesWhenNobodyReadsIt(t *testing.T) {
	a := counted(t)
	if _, err := asked(t, a, SaveMetric, MetricText{Text: "name: x\ntitle: X\ncount: people\ndays: 90\n"}); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if got := of(t, a, "metric.x"); got.Number != 3 {
		t.Errorf("%+v", got)
	}
	if _, err := asked(t, a, DeleteMetric, "x"); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if got := of(t, a, "metric.x"); got.Name != "" || got.Known {
		t.Errorf("%+v", got)
	}
	if _, err := asked(t, a, Metric, "x"); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("%v", err)
	}
	if _, err := asked(t, a, SaveMetric, MetricText{Text: "name: x\ntitle: X again\ncount: days\ndays: 7\n"}); err != nil {
		t.Errorf("it cannot come back: %v", err)
	}
}

func TestTheCatalogueTellsEveryNameWithItsReach(t *testing.T) {
	a := counted(t)
	c, err := asked(t, a, Events, None{})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, e := range c.Events {
		got[e.Name] = fmt.Sprint(e.Recent, e.Before, e.Ever, e.People, e.Joined, e.Counts, e.Sources)
	}
	want := map[string]string{"Page Viewed": "84 84 240 3 1 false [product]", "Report Created": "28 80 180 1 1 true [product]"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
}

// A metric that is changed while its history is counted gives up what grew.
func TestABookThatChangesMeanwhileStartsTheCountAnew(t *testing.T) {
	a := counted(t)
	const text = "name: m\ntitle: M\ncount: events\nevents: [Report Created]\ndays: 28\nwhere:\n  - {field: pages, op: is, value: %d}\n"
	if _, err := asked(t, a, SaveMetric, MetricText{Text: fmt.Sprintf(text, 1)}); err != nil {
		t.Fatal(err)
	}
	r := &recounter{app: a}
	if worked, err := r.Beat(context.Background(), a.Clock.Now()); err != nil || !worked {
		t.Fatal(worked, err)
	}
	if _, err := asked(t, a, SaveMetric, MetricText{Text: fmt.Sprintf(text, 3)}); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	if got := of(t, a, "metric.m"); !got.Known || got.Number != 0 {
		t.Errorf("%+v", got)
	}
}
