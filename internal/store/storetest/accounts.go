package storetest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/event"
	"cairn/internal/turn"
)

// Accounts is the contract of account.Store and event.History.
func Accounts(t *testing.T, open Opener) {
	t.Run("AmongMany", func(t *testing.T) { amongMany(t, manyAccounts(newWorld(t, open(t)))) })
	t.Run("WordsFindAccountsAndTheirPeople", func(t *testing.T) { searchAccounts(t, newWorld(t, open(t))) })
	t.Run("AnAccountComesWithItsSignals", func(t *testing.T) { accountSignals(t, newWorld(t, open(t))) })
	t.Run("PeopleAreSeenOnTheirLastActiveDay", func(t *testing.T) { peopleSeen(t, newWorld(t, open(t))) })
	t.Run("RecordsStandAsTheyStoodThen", func(t *testing.T) { recordsThen(t, newWorld(t, open(t))) })
	t.Run("WhatWasScoredThenStaysAsItWas", func(t *testing.T) { scoredDays(t, newWorld(t, open(t))) })
	t.Run("ATimelineMergesTheStreamsOfAnAccount", func(t *testing.T) { timeline(t, newWorld(t, open(t))) })
	t.Run("ATimelineKeepsToItsFilters", func(t *testing.T) { timelineFilters(t, newWorld(t, open(t))) })
}

// amongMany asks one world all that does not change it, and then what does.
func amongMany(t *testing.T, w *world) {
	t.Run("EverySortShowsEachAccountOnceWithWhatIsMissingLast", func(t *testing.T) {
		for _, sort := range append(account.Sorts, "metric.exports", "metric.never") {
			sortsEvenly(t, w, sort)
			sortsEvenly(t, w, "-"+sort)
		}
	})
	t.Run("MetricsAreColumnsThatSortAndFilter", func(t *testing.T) { byMetric(t, w) })
	t.Run("FiltersKeepWhatMatches", func(t *testing.T) { accountFilters(t, w) })
	t.Run("TotalsSumWhatMatches", func(t *testing.T) { accountTotals(t, w) })
	t.Run("ACursorBelongsToItsSort", func(t *testing.T) { foreignCursor(t, w) })
	t.Run("AScopeHidesOtherAccounts", func(t *testing.T) { scopedAccounts(t, w) })
	t.Run("AnAccountIsFoundByWhatPeopleType", func(t *testing.T) { findAccount(t, w) })
}

// manyAccounts makes accounts with ties and holes in every column.
func manyAccounts(w *world) *world {
	w.Helper()
	for i, a := range []struct{ key, name, domain, owner, status string }{
		{"a1", "Zebra", "zebra.example", "ann@example.com", "customer"},
		{"a2", "apple", "apple.example", "Bob@Example.com", "customer"},
		{"a3", "", "mango.example", "", "trial"},
		{"b4", "", "", "ann@example.com", ""},
		{"b5", "Fig", "", "", "churned"},
		{"b6", "Fig", "fig.example", "ann@example.com", "ignored"},
		{"b7", "Kiwi", "", "bob@example.com", "customer"},
	} {
		f := fields{}
		for name, v := range map[string]string{"name": a.name, "domain": a.domain, "owner": a.owner, "status": a.status} {
			if v != "" {
				f[name] = v
			}
		}
		w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: a.key}, days(30+i/2), f, nil))
	}
	w.fold()
	w.measure(noon, map[string]turn.Result{
		"a1": exporting(worth(level(80, cairn.Rising, 900), 500_00, noon.AddDate(0, 1, 0), days(1)), 12),
		"a2": exporting(worth(level(35, cairn.Falling, -4000), 1200_00, noon.AddDate(0, 2, 0), days(20)), -0.5),
		"a3": exporting(worth(level(35, cairn.Unknown, 0), 500_00, time.Time{}, days(1)), 12),
		"b4": exporting(level(60, cairn.Steady, 0), 1e300),
		"b7": {Vector: cairn.Vector{Way: cairn.Unknown, Why: "nothing is known"}},
	})
	return w
}

// exporting adds a metric to what a turn finds.
func exporting(r turn.Result, n float64) turn.Result {
	r.Signals = cairn.Signals{"metric.exports": {Name: "metric.exports", Known: true, Number: n}, "metric.never": {Name: "metric.never", Why: "nothing"}}
	return r
}

func byMetric(t *testing.T, w *world) {
	least, most := 0.0, 12.0
	for _, c := range []struct {
		bound account.Bound
		want  string
	}{
		{account.Bound{Metric: "exports", Least: &least}, "a1 a3 b4"}, {account.Bound{Metric: "exports", Most: &most}, "a1 a2 a3"},
		{account.Bound{Metric: "exports", Least: &most, Most: &most}, "a1 a3"}, {account.Bound{Metric: "never", Least: &least}, ""},
	} {
		page := must(w.Accounts(t.Context(), cairn.Everything, account.Query{Where: []account.Bound{c.bound}}))(t)
		same(t, "those within a bound", c.want, sorted(names(page.Accounts, keyOf)))
		same(t, "how many", len(strings.Fields(c.want)), page.Total)
	}
	page := must(w.Accounts(t.Context(), cairn.Everything, account.Query{Sort: "metric.exports", Metrics: []string{"exports", "other"}}))(t)
	same(t, "the least first, what is missing last", "a2", page.Accounts[0].Key)
	for i, a := range page.Accounts {
		n, known := a.Signals.Number("metric.exports")
		if known != (i < 4) || a.Key == "a2" && n != -0.5 {
			t.Errorf("%s has %v %t", a.Key, n, known)
		}
	}
	for _, q := range []account.Query{{Sort: "metric.o'brien"}, {Metrics: []string{"A"}}, {Where: []account.Bound{{Metric: "exports"}}}, {Where: []account.Bound{{Metric: "' or", Least: &least}}}} {
		_, err := w.Accounts(t.Context(), cairn.Everything, q)
		wantKind(t, err, cairn.Invalid)
	}
}

func keyOf(a cairn.Account) string { return a.Key }

func sortsEvenly(t *testing.T, w *world, sort string) {
	t.Helper()
	all, err := w.Accounts(t.Context(), cairn.Everything, account.Query{Sort: sort, Limit: 500, Metrics: []string{"exports"}})
	if err != nil {
		t.Fatal(err)
	}
	if got := sorted(names(all.Accounts, keyOf)); got != "a1 a2 a3 b4 b5 b7" || all.Total != 6 || all.Next != "" {
		t.Errorf("by %s: %s, %d in total, next %q", sort, got, all.Total, all.Next)
	}
	for i := 1; i < len(all.Accounts); i++ {
		if c := compareBy(sort, all.Accounts[i-1], all.Accounts[i]); c > 0 {
			t.Errorf("by %s: %s stands before %s", sort, all.Accounts[i-1].Key, all.Accounts[i].Key)
		}
	}
	var paged []string
	for q := (account.Query{Sort: sort, Limit: 2}); ; {
		page, err := w.Accounts(t.Context(), cairn.Everything, q)
		if err != nil {
			t.Fatal(err)
		}
		paged = append(paged, names(page.Accounts, keyOf))
		if q.Cursor = page.Next; q.Cursor == "" {
			break
		}
	}
	if got, want := strings.Join(paged, " "), names(all.Accounts, keyOf); got != want {
		t.Errorf("by %s: page by page %s, at once %s", sort, got, want)
	}
}

// compareBy orders two accounts as a list must: what is missing last, then by
// the column, either way.
func compareBy(sort string, a, b cairn.Account) int {
	name, down := strings.CutPrefix(sort, "-")
	va, oka := columnOf(name, a)
	vb, okb := columnOf(name, b)
	switch {
	case oka != okb && oka:
		return -1
	case oka != okb:
		return 1
	case !oka:
		return 0
	}
	if down {
		return strings.Compare(vb, va)
	}
	return strings.Compare(va, vb)
}

// columnOf returns a text that sorts like the column, and false when the
// account has no value there.
func columnOf(name string, a cairn.Account) (string, bool) {
	number := func(n int64) string { return fmt.Sprintf("%020d", n+1e15) }
	when := func(t time.Time) (string, bool) { return number(cairn.Micros(t) / 1e3), !t.IsZero() }
	switch name {
	case "name":
		return strings.ToLower(a.Name), true
	case "level":
		return number(int64(a.Vector.Level)), a.Vector.Known
	case "slope":
		return number(int64(a.Vector.Slope)), a.Vector.Known && a.Vector.Way != cairn.Unknown
	case "mrr":
		return number(a.MRR.Minor), a.MRR.Currency != ""
	case "renews":
		return when(a.Renews)
	case "last_seen":
		return when(a.LastSeen)
	case "owner":
		return a.Owner, a.Owner != ""
	case "status":
		return string(a.Status), true
	case "first":
		return when(a.First)
	case "metric.exports", "metric.never":
		n, ok := a.Signals.Number(name)
		return number(int64(min(n, 1e9) * 1e3)), ok
	}
	panic("no such column: " + name)
}

func accountFilters(t *testing.T, w *world) {
	forty, eighty := 40, 80
	for _, c := range []struct {
		name string
		q    account.Query
		want string
	}{
		{"all but ignored", account.Query{}, "a1 a2 a3 b4 b5 b7"},
		{"ignored", account.Query{Status: cairn.Ignored}, "b6"},
		{"status", account.Query{Status: cairn.Customer}, "a1 a2 b4 b7"},
		{"owner in any case", account.Query{Owner: "BOB@example.com"}, "a2 b7"},
		{"nobody's", account.Query{Owner: "-"}, "a3 b5"},
		{"way", account.Query{Way: cairn.Falling}, "a2"},
		{"way unknown", account.Query{Way: cairn.Unknown}, "a3 b5 b7"},
		{"below", account.Query{Below: &forty}, "a2 a3"},
		{"above", account.Query{Above: &eighty}, "a1"},
		{"renews by", account.Query{RenewsBy: noon.AddDate(0, 1, 0)}, "a1"},
		{"key begins", account.Query{KeyBegin: "b"}, "b4 b5 b7"},
		{"key begins with a sign of patterns", account.Query{KeyBegin: "_"}, ""},
		{"several at once", account.Query{Owner: "ann@example.com", Way: cairn.Rising, KeyBegin: "a"}, "a1"},
	} {
		page, err := w.Accounts(t.Context(), cairn.Everything, c.q)
		if err != nil {
			t.Fatal(err)
		}
		if got := sorted(names(page.Accounts, keyOf)); got != c.want || page.Total != len(strings.Fields(c.want)) {
			t.Errorf("%s: %q, %d in total, want %q", c.name, got, page.Total, c.want)
		}
	}
}

func accountTotals(t *testing.T, w *world) {
	got := must(w.Totals(t.Context(), cairn.Everything, account.Query{Status: cairn.Customer}))(t)
	same(t, "totals", account.Totals{
		Accounts: 4, Rising: 1, Steady: 1, Falling: 1, Unknown: 1, MRR: map[string]int64{"EUR": 1700_00},
		Owners: []string{"ann@example.com", "bob@example.com"},
	}, got)
}

func foreignCursor(t *testing.T, w *world) {
	page, err := w.Accounts(t.Context(), cairn.Everything, account.Query{Sort: "level", Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []account.Query{{Sort: "-level", Cursor: page.Next}, {Cursor: page.Next}, {Cursor: "garbage"}, {Sort: "favourite"}} {
		_, err := w.Accounts(t.Context(), cairn.Everything, q)
		wantKind(t, err, cairn.Invalid)
	}
}

func scopedAccounts(t *testing.T, w *world) {
	ctx := t.Context()
	w.admit(w.an(cairn.OfPerson, cairn.Keys{Account: "a2", Person: "p2"}, days(9), nil, fields{"name": "Paul"}),
		w.an(cairn.OfContract, cairn.Keys{Account: "a2", Record: "c2"}, days(9), fields{"mrr": 10}, nil))
	w.fold()
	for _, c := range []struct {
		name  string
		scope cairn.Scope
		want  string
	}{{"one account", only("a1"), "a1"}, {"nothing", cairn.Scope{}, ""}} {
		page := must(w.Accounts(ctx, c.scope, account.Query{}))(t)
		if got := names(page.Accounts, keyOf); got != c.want || page.Total != len(strings.Fields(c.want)) {
			t.Errorf("%s: sees %q, %d in total", c.name, got, page.Total)
		}
		totals := must(w.Totals(ctx, c.scope, account.Query{}))(t)
		if totals.Accounts != page.Total || len(totals.Owners) != page.Total {
			t.Errorf("%s: totals %+v", c.name, totals)
		}
		_, err := w.Account(ctx, c.scope, acct("a2"))
		wantKind(t, err, cairn.NotFound)
		_, err = w.Find(ctx, c.scope, "a2")
		wantKind(t, err, cairn.NotFound)
		_, err = w.Find(ctx, c.scope, acct("a2").String())
		wantKind(t, err, cairn.NotFound)
		same(t, c.name+": people", 0, len(must(w.People(ctx, c.scope, acct("a2")))(t)))
		for _, at := range []time.Time{{}, noon} {
			for _, k := range []cairn.EventKind{cairn.OfContract, cairn.OfPerson, cairn.OfAccount} {
				same(t, c.name+": records", 0, len(must(w.Records(ctx, c.scope, acct("a2"), k, at))(t)))
			}
		}
		same(t, c.name+": days", 0, len(must(w.Scored(ctx, c.scope, acct("a2"), 0, 1<<20))(t)))
		same(t, c.name+": timeline", 0, len(must(w.Timeline(ctx, c.scope, event.Query{Account: acct("a2")}))(t).Events))
	}
	for _, scope := range []cairn.Scope{only("a2"), cairn.Everything} {
		must(w.Account(ctx, scope, acct("a2")))(t)
		same(t, "people", 1, len(must(w.People(ctx, scope, acct("a2")))(t)))
		same(t, "records", 1, len(must(w.Records(ctx, scope, acct("a2"), cairn.OfContract, noon))(t)))
		same(t, "days", 1, len(must(w.Scored(ctx, scope, acct("a2"), 0, 1<<20))(t)))
		same(t, "timeline", 3, len(must(w.Timeline(ctx, scope, event.Query{Account: acct("a2")}))(t).Events))
	}
}

func findAccount(t *testing.T, w *world) {
	w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: "Kiwi"}, days(3), fields{"name": "Another"}, nil))
	for text, want := range map[string]string{
		acct("a1").String(): "a1", "a2": "a2", "MANGO.example": "a3", "zebra": "a1", " b4 ": "b4",
		"Kiwi": "Kiwi", // a key is stronger than a name
	} {
		if id, err := w.Find(t.Context(), cairn.Everything, text); err != nil || id != acct(want) {
			t.Errorf("%q finds %v, %v; want %s", text, id, err, want)
		}
	}
	_, err := w.Find(t.Context(), cairn.Everything, "fig")
	wantKind(t, err, cairn.Conflict)
	if text := cairn.TextOf(err); !strings.Contains(text, "b5") || !strings.Contains(text, "b6") {
		t.Errorf("several matches are not named: %s", text)
	}
	_, err = w.Find(t.Context(), cairn.Everything, "nobody")
	wantKind(t, err, cairn.NotFound)
	_, err = w.Find(t.Context(), cairn.Everything, " ")
	wantKind(t, err, cairn.Invalid)
}

func searchAccounts(t *testing.T, w *world) {
	w.admit(
		w.an(cairn.OfAccount, cairn.Keys{Account: "acme-1"}, days(9), fields{"name": "Acme Müller & Söhne", "domain": "acme.example"}, nil),
		w.an(cairn.OfAccount, cairn.Keys{Account: "other"}, days(9), fields{"name": "Acolyte"}, nil),
		w.an(cairn.OfPerson, cairn.Keys{Account: "other", Person: "u7"}, days(9), nil, fields{"name": "Zoë O'Brien", "email": "Zoe.OBrien@Mail.example"}),
		w.did("other", "u8", "Login", days(3)),
	)
	for _, c := range []struct{ text, want string }{
		{"ac", "acme-1 other"},
		{"ACME", "acme-1"},
		{"acme müll", "acme-1"},
		{"söhne acme.exa", "acme-1"},
		{"söhne zoë", ""},
		{"acol zoë", "other"},
		{"zoe.obrien@mail.example", "other"},
		{"zoe.obrien@ma", "other"},
		{"brien", "other"},
		{"rien", ""},
		{"u8", "other"},
		{"-", "acme-1 other"}, // no word: everything
		{"%", "acme-1 other"},
	} {
		page := must(w.Accounts(t.Context(), cairn.Everything, account.Query{Search: c.text}))(t)
		if got := sorted(names(page.Accounts, keyOf)); got != c.want {
			t.Errorf("%q finds %q, want %q", c.text, got, c.want)
		}
	}
	w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: "other"}, days(8), fields{"name": "Renamed"}, nil))
	if _, err := w.Erase(t.Context(), cairn.House, w.person("u7"), ""); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]int{"acolyte": 0, "renamed": 1, "zoë": 0} {
		same(t, text, want, must(w.Accounts(t.Context(), cairn.Everything, account.Query{Search: text}))(t).Total)
	}
}

func accountSignals(t *testing.T, w *world) {
	w.admit(w.did("a1", "p1", "Report Created", days(2)),
		w.an(cairn.OfTask, cairn.Keys{Account: "a1", Record: "t1"}, days(1), fields{"state": "open", "title": "Call"}, nil),
		w.an(cairn.OfTask, cairn.Keys{Account: "a1", Record: "t2"}, days(1), fields{"state": "done", "title": "Called"}, nil))
	w.fold()
	r := worth(level(42, cairn.Falling, -1500), 90_00, noon.AddDate(0, 0, 30), days(2))
	r.Vector.Reasons = []cairn.Reason{{Signal: "usage.days_active", Label: "Days active", Known: true, Points: 42000, Of: 100000}}
	r.Signals = cairn.Signals{
		"usage.days_active": {Name: "usage.days_active", Known: true, Number: 3, Fresh: days(2)},
		"sentiment.nps":     {Name: "sentiment.nps", Why: "nobody was asked"},
	}
	w.measure(noon, map[string]turn.Result{"a1": r})
	got := must(w.Account(t.Context(), cairn.Everything, acct("a1")))(t)
	want := cairn.Account{
		ID: acct("a1"), Key: "a1", Name: "a1", Status: cairn.Customer, First: days(2), Vector: r.Vector, Signals: r.Signals,
		MRR: r.MRR, Renews: r.Renews, LastSeen: r.LastSeen, OpenTasks: 1,
	}
	want.Vector.At, want.Vector.Model, want.Vector.Rev = noon, "default", 1
	same(t, "account", want, got)
	if list := must(w.Accounts(t.Context(), cairn.Everything, account.Query{}))(t); list.Accounts[0].Signals != nil || len(list.Accounts[0].Vector.Reasons) != 1 {
		t.Error("a list carries signals, or leaves out reasons")
	}
}

func peopleSeen(t *testing.T, w *world) {
	w.admit(
		w.an(cairn.OfPerson, cairn.Keys{Account: "a1", Person: "p1"}, days(200), fields{"role": "champion"}, fields{"name": "Ann", "email": "ann@example.com", "title": "CFO"}),
		w.an(cairn.OfPerson, cairn.Keys{Account: "a1", Person: "p2"}, days(200), fields{"opted_out": true}, fields{"name": "Ben"}),
		w.an(cairn.OfPerson, cairn.Keys{Account: "a1", Person: "p3"}, days(200), nil, fields{"name": "Cyd"}),
		w.did("a1", "p1", "Report Created", days(9)), w.did("a1", "p1", "Report Created", days(4)),
		w.did("a1", "p1", "Page Viewed", days(1)), // does not count
		w.did("", "p2", "Report Created", days(2)),
		w.did("a1", "p3", "Report Created", days(150)),
		w.did("a2", "p3", "Report Created", days(1)), // elsewhere
	)
	w.fold()
	day := func(n int) time.Time { return days(n).Truncate(24 * time.Hour) }
	want := []cairn.Person{
		{Account: acct("a1"), ID: w.person("p2"), Key: "p2", Name: "Ben", OptedOut: true, LastSeen: day(2)},
		{Account: acct("a1"), ID: w.person("p1"), Key: "p1", Name: "Ann", Mail: "ann@example.com", Title: "CFO", Role: "champion", LastSeen: day(4)},
		{Account: acct("a1"), ID: w.person("p3"), Key: "p3", Name: "Cyd"},
	}
	same(t, "people", want, must(w.People(t.Context(), cairn.Everything, acct("a1")))(t))
	if _, err := w.Erase(t.Context(), cairn.House, w.person("p1"), ""); err != nil {
		t.Fatal(err)
	}
	got := must(w.People(t.Context(), cairn.Everything, acct("a1")))(t)
	same(t, "an erased person", cairn.Person{Account: acct("a1"), ID: w.person("p1"), Role: "champion", LastSeen: day(4), Erased: true}, got[1])
}

func recordsThen(t *testing.T, w *world) {
	crm, bill := cairn.Keys{Account: "a1", Record: "c1"}, cairn.Keys{Account: "a1", Record: "c1"}
	billing := func(e cairn.Event) cairn.Event { e.Source = "billing"; return e }
	w.admit(
		w.an(cairn.OfContract, crm, days(100), fields{"mrr": "100.50", "currency": "EUR", "seats": 5}, nil),
		billing(w.an(cairn.OfContract, bill, days(50), fields{"mrr": "200", "status": "active"}, nil)),
		w.an(cairn.OfContract, crm, days(20), fields{"mrr": nil}, nil),
		w.an(cairn.OfContract, cairn.Keys{Account: "a1", Record: "c2"}, days(10), fields{"mrr": 7}, nil),
		w.an(cairn.OfTicket, cairn.Keys{Account: "a1", Person: "p1", Record: "t1"}, days(10), fields{"status": "open"}, fields{"subject": "It is broken"}),
		w.an(cairn.OfAccount, cairn.Keys{Account: "a1"}, days(10), fields{"industry": "mining"}, nil),
		w.an(cairn.OfContract, cairn.Keys{Account: "a2", Record: "c3"}, days(10), fields{"mrr": 7}, nil),
	)
	text := func(at time.Time, k cairn.EventKind, fields ...string) string {
		var out []string
		for _, r := range must(w.Records(t.Context(), cairn.Everything, acct("a1"), k, at))(t) {
			line := r.Key
			for _, f := range fields {
				if said, ok := r.Fields[f]; ok {
					line += "," + r.Text(f) + " by " + said.Source
				}
			}
			out = append(out, line)
		}
		return strings.Join(out, "; ")
	}
	for _, c := range []struct {
		name string
		at   time.Time
		kind cairn.EventKind
		want string
	}{
		{"before anything was said", days(101), cairn.OfContract, ""},
		{"after the first word", days(99), cairn.OfContract, "c1,100.50 by crm"},
		{"the CRM comes before billing", days(49), cairn.OfContract, "c1,100.50 by crm,active by billing"},
		{"once it takes it back, billing is shown", days(19), cairn.OfContract, "c1,200 by billing,active by billing"},
		{"then", days(5), cairn.OfContract, "c2,7 by crm; c1,200 by billing,active by billing"},
		{"now", time.Time{}, cairn.OfContract, "c2,7 by crm; c1,200 by billing,active by billing"},
		{"tickets then", days(5), cairn.OfTicket, "t1,open by crm,It is broken by crm"},
		{"tickets now", time.Time{}, cairn.OfTicket, "t1,open by crm,It is broken by crm"},
		{"the account's own then", days(5), cairn.OfAccount, ",mining by crm"},
		{"the account's own now", time.Time{}, cairn.OfAccount, ",mining by crm"},
	} {
		if got := text(c.at, c.kind, "mrr", "status", "subject", "industry"); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
	for _, at := range []time.Time{{}, noon} {
		got := must(w.Records(t.Context(), cairn.Everything, acct("a1"), cairn.OfContract, at))(t)[1]
		if !got.First.Equal(days(100)) || !got.Last.Equal(days(20)) || got.Account != acct("a1") || got.Kind != cairn.OfContract {
			t.Errorf("the record as a whole: %+v", got)
		}
	}
	if _, err := w.Erase(t.Context(), cairn.House, w.person("p1"), ""); err != nil {
		t.Fatal(err)
	}
	for _, at := range []time.Time{{}, days(5)} {
		if got := text(at, cairn.OfTicket, "status", "subject"); got != "t1,open by crm" {
			t.Errorf("after erasure: %q", got)
		}
	}
}

func scoredDays(t *testing.T, w *world) {
	w.admit(w.did("a1", "p1", "Report Created", days(9)), w.did("a2", "p2", "Report Created", days(9)))
	w.fold()
	other := level(60, cairn.Rising, 200)
	other.Vector.Model, other.Vector.Rev, other.Band = "strict", 7, 2
	w.measure(days(5), map[string]turn.Result{"a1": level(50, cairn.Steady, 0)})
	w.measure(days(5).Add(2*time.Hour), map[string]turn.Result{"a1": level(55, cairn.Rising, 100)})
	w.measure(days(3), map[string]turn.Result{"a1": {}})
	stands := level(60, cairn.Rising, 200)
	stands.Stands = true
	w.measure(days(2), map[string]turn.Result{"a1": other, "a2": level(20, cairn.Falling, 0)})
	w.measure(days(1), map[string]turn.Result{"a1": stands})
	day := func(n int) cairn.Day { return cairn.DayOf(days(n), time.UTC) }
	all := []account.Scored{
		{Day: day(5), Known: true, Level: 55000, Way: cairn.Rising, Model: "default", Rev: 1},
		{Day: day(3), Way: cairn.Unknown, Model: "default", Rev: 1},
		{Day: day(2), Known: true, Level: 60000, Way: cairn.Rising, Band: 2, Model: "strict", Rev: 7},
	}
	pos := cmpopts.IgnoreFields(account.Scored{}, "Pos")
	for _, c := range []struct {
		name     string
		from, to cairn.Day
		want     []account.Scored
	}{
		{"all", 0, day(0), all}, {"from between, with what stood then", day(4), day(2), all}, {"from a day that has one", day(3), day(0), all[1:]}, {"until then", 0, day(4), all[:1]}, {"before any", 0, day(6), nil},
	} {
		got := must(w.Scored(t.Context(), cairn.Everything, acct("a1"), c.from, c.to))(t)
		if diff := cmp.Diff(c.want, got, pos); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
		for _, d := range got {
			if d.Pos <= 0 {
				t.Errorf("%s: %v does not say how far the log was read", c.name, d.Day)
			}
		}
	}
	on := func(scope cairn.Scope, d cairn.Day) map[cairn.AccountID]cairn.Points {
		out := map[cairn.AccountID]cairn.Points{}
		if err := w.ScoredOn(t.Context(), scope, d, func(id cairn.AccountID, s account.Scored) { out[id] = s.Level }); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if diff := cmp.Diff(map[cairn.AccountID]cairn.Points{acct("a1"): 55000, acct("a2"): 0}, on(cairn.Everything, day(4))); diff != "" {
		t.Errorf("at the end of a day (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(map[cairn.AccountID]cairn.Points{acct("a2"): 20000}, on(cairn.Scope{Accounts: []cairn.AccountID{acct("a2")}}, day(2))); diff != "" {
		t.Errorf("of a scope (-want +got)\n%s", diff)
	}
}

// happening makes an account of many streams: its own, people's, and one of a
// record that waited unclaimed.
func happening(w *world, rng *rand.Rand, n int) []cairn.Event {
	var all []cairn.Event
	for p := range 70 {
		all = append(all, w.an(cairn.OfPerson, cairn.Keys{Account: "a1", Person: fmt.Sprint("p", p)}, days(300), nil, fields{"name": fmt.Sprint("Person ", p)}))
	}
	for range n {
		at := noon.Add(-time.Duration(rng.IntN(500)) * time.Minute) // with ties
		account := ""
		if rng.IntN(2) == 0 {
			account = "a1"
		}
		all = append(all, w.did(account, fmt.Sprint("p", rng.IntN(70)), []string{"Report Created", "Report Shared 100%"}[rng.IntN(2)], at))
	}
	w.admit(all...)
	w.admit(w.did("a2", "stranger", "Report Created", days(1)))
	w.fold()
	return all
}

func idOf(e cairn.Event) string { return e.ID.String() }

func timeline(t *testing.T, w *world) {
	rng := rand.New(rand.NewPCG(1, 2))
	all := happening(w, rng, 300)
	whole := must(w.Timeline(t.Context(), cairn.Everything, event.Query{Account: acct("a1"), Limit: 500}))(t)
	if whole.Next != "" || len(whole.Events) != len(all) {
		t.Fatalf("%d events on the timeline, next %q; want %d", len(whole.Events), whole.Next, len(all))
	}
	for i := 1; i < len(whole.Events); i++ {
		a, b := whole.Events[i-1], whole.Events[i]
		if a.At.Before(b.At) || a.At.Equal(b.At) && a.Pos.Key() < b.Pos.Key() {
			t.Fatalf("event %d is newer than the one before", i)
		}
	}
	for _, size := range []int{1, 7, 50} {
		var paged []string
		q := event.Query{Account: acct("a1"), Limit: size}
		for range len(all) + 1 {
			page := must(w.Timeline(t.Context(), cairn.Everything, q))(t)
			for _, e := range page.Events {
				paged = append(paged, idOf(e))
				if p := page.People[e.Person]; p.Name == "" {
					t.Fatalf("person %s is not told", e.Keys.Person)
				}
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
			if size == 1 && len(paged) > 20 {
				break
			}
		}
		same(t, fmt.Sprintf("in pages of %d", size), names(whole.Events[:len(paged)], idOf), strings.Join(paged, " "))
		if size > 1 && len(paged) != len(all) {
			t.Errorf("in pages of %d: %d events, want %d", size, len(paged), len(all))
		}
	}
	if _, err := w.Timeline(t.Context(), cairn.Everything, event.Query{Account: acct("a1"), Cursor: "garbage"}); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("a cursor of garbage: %v", err)
	}
}

func timelineFilters(t *testing.T, w *world) {
	all := happening(w, rand.New(rand.NewPCG(3, 4)), 200)
	visit := w.an(cairn.Track, cairn.Keys{Anonymous: "v1"}, noon.Add(-time.Hour), nil, fields{"q": "secret"})
	visit.Name = "Searched"
	w.admit(visit, w.an(cairn.Alias, cairn.Keys{Person: "p1", Anonymous: "v1"}, noon, nil, nil))
	w.fold()
	all = append(all, visit)
	p1 := w.person("p1")
	for _, c := range []struct {
		name string
		q    event.Query
		keep func(e cairn.Event) bool
	}{
		{"kinds", event.Query{Kinds: []cairn.EventKind{cairn.OfPerson, cairn.OfTask}}, func(e cairn.Event) bool { return e.Kind == cairn.OfPerson }},
		{"a person and the visitor who became one", event.Query{Person: p1, Kinds: []cairn.EventKind{cairn.Track}}, func(e cairn.Event) bool {
			return e.Kind == cairn.Track && (e.Person == p1 || !e.Anon.IsZero())
		}},
		{"a part of the name in any case", event.Query{Name: "sHaRed 1"}, func(e cairn.Event) bool { return strings.Contains(e.Name, "Shared") }},
		{"signs of patterns stand for themselves", event.Query{Name: "100%"}, func(e cairn.Event) bool { return strings.Contains(e.Name, "100%") }},
		{"and match nothing else", event.Query{Name: "Report_"}, func(cairn.Event) bool { return false }},
		{"from", event.Query{From: noon.Add(-100 * time.Minute), Kinds: []cairn.EventKind{cairn.Track}}, func(e cairn.Event) bool { return !e.At.Before(noon.Add(-100 * time.Minute)) }},
		{"to", event.Query{To: noon.Add(-100 * time.Minute)}, func(e cairn.Event) bool { return !e.At.After(noon.Add(-100 * time.Minute)) }},
	} {
		c.q.Account, c.q.Limit = acct("a1"), 500
		var want []cairn.Event
		for _, e := range all {
			if c.keep(e) {
				want = append(want, e)
			}
		}
		got := must(w.Timeline(t.Context(), cairn.Everything, c.q))(t).Events
		same(t, c.name, sorted(names(want, idOf)), sorted(names(got, idOf)))
	}
	got := must(w.Timeline(t.Context(), cairn.Everything, event.Query{Account: acct("a1"), Name: "Searched"}))(t).Events
	var personal map[string]string
	if len(got) != 1 || json.Unmarshal(got[0].Personal, &personal) != nil || personal["q"] != "secret" {
		t.Errorf("what is personal was not opened: %+v", got)
	}
	if !slices.ContainsFunc(all, func(e cairn.Event) bool { return e.Person == p1 }) {
		t.Error("the world has no event of the person")
	}
}
