package outcome

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
	"cairn/internal/watch"
)

func id(name string) cairn.AccountID { return cairn.AccountID{ID: cairn.HashID(name)} }

func when(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func day(s string) cairn.Day { return cairn.Day(when(s).Unix() / 86400) }

// A word is what a source said on a day, and when that was learnt.
type word struct{ source, at, seen, fields string }

// told makes the facts of one record.
func told(words ...word) LossRecord {
	var out LossRecord
	for i, w := range words {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(w.fields), &fields); err != nil {
			panic(w.fields)
		}
		if w.seen == "" {
			w.seen = w.at
		}
		for name, v := range fields {
			if string(v) == "null" {
				v = nil
			}
			out = append(out, cairn.Fact{Field: name, Source: w.source, At: when(w.at), Seen: when(w.seen), Event: cairn.EventID{ID: cairn.HashID(w.at, w.fields, fmt.Sprint(i))}, Value: v})
		}
	}
	return out
}

// stay are the movements of one who came and left, by pairs of days; the last
// may stay.
func stay(name string, days ...string) *ledger.Result {
	r := &ledger.Result{Account: id(name)}
	for i, d := range days {
		m := ledger.Movement{Account: r.Account, Day: day(d), Amount: 100_00, Since: day(d), Came: 1, Kind: ledger.New}
		switch {
		case i%2 == 1:
			m.Kind, m.Came, m.Since = ledger.Churn, -1, day(days[i-1])
		case i > 0:
			m.Kind = ledger.Reactivation
		}
		r.Movements = append(r.Movements, m)
	}
	return r
}

func reader() LossReader { return LossReader{Zone: time.UTC, Reasons: UsualReasons()} }

// TestWhatIsSaidBelongsToTheStintInWhichItsDayLies: acme left on 20 May, came
// back on 1 August and left again on 3 October.
func TestWhatIsSaidBelongsToTheStintInWhichItsDayLies(t *testing.T) {
	acme := stay("acme", "2023-01-10", "2023-05-20", "2023-08-01", "2023-10-03")
	for _, c := range []struct{ name, on, first, second string }{
		{"on the day", "2023-05-20", "price", ""},
		{"before it, as another policy books it", "2023-04-02", "price", ""},
		{"after it, until it came back", "2023-07-31", "price", ""},
		{"on the day it came back", "2023-08-01", "", "price"},
		{"long after the last", "2024-02-01", "", "price"},
	} {
		losses, odd := reader().Join(acme, []LossRecord{told(word{"crm", "2024-03-01", "", `{"on":"` + c.on + `","reason":"price"}`})})
		if len(losses) != 2 || len(odd) != 0 {
			t.Fatalf("%s: %+v %+v", c.name, losses, odd)
		}
		if diff := cmp.Diff([]string{c.first, c.second}, []string{losses[0].Said.Reason, losses[1].Said.Reason}); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
	losses, _ := reader().Join(acme, nil)
	if l := losses[0]; l.On != day("2023-05-20") || l.Since != day("2023-01-10") || l.Back != day("2023-08-01") || l.MRR != 100_00 || l.Early() || !l.Open() {
		t.Errorf("%+v", l)
	}
	if !losses[1].Early() || losses[1].Back != 0 {
		t.Errorf("%+v", losses[1])
	}
}

func TestLossesOfThoseWhoStillPayAreContradictions(t *testing.T) {
	say := []LossRecord{told(word{"crm", "2023-06-01", "", `{"on":"2023-05-30","reason":"price"}`})}
	losses, odd := reader().Join(stay("acme", "2023-01-10"), say)
	if len(losses) != 0 || len(odd) != 1 || odd[0].Since != day("2023-01-10") || odd[0].On != day("2023-05-30") || odd[0].Said.Reason != "price" {
		t.Errorf("still a customer: %+v %+v", losses, odd)
	}
	if _, odd = reader().Join(&ledger.Result{Account: id("beta")}, say); len(odd) != 1 || odd[0].Since != 0 {
		t.Errorf("never one: %+v", odd)
	}
	if _, odd = reader().Join(stay("acme", "2023-06-10"), say); len(odd) != 1 || odd[0].Since != 0 {
		t.Errorf("before it came: %+v", odd)
	}
}

func TestPeopleCountBeforeSourcesFieldByField(t *testing.T) {
	imported := told(word{"crm", "2023-06-01", "", `{"on":"2023-05-20","reason":"pricing","detail":"too dear"}`})
	person := told(word{House, "2023-05-25", "", `{"on":"2023-05-20","reason":"competitor","asked_on":"2023-05-24"}`})
	losses, _ := reader().Join(stay("acme", "2023-01-10", "2023-05-20"), []LossRecord{imported, person})
	s := losses[0].Said
	if s.Reason != "competitor" || s.Detail != "too dear" || s.Source != House || s.Asked != day("2023-05-24") || !s.ByPeople() {
		t.Errorf("%+v", s)
	}
}

func TestWordsOfSourcesAreReadAsReasons(t *testing.T) {
	for said, want := range map[string]string{
		"pricing": "price", "Missing Features": "product_gap", "bad_fit": "bad_fit", "Went out of business": "closed",
		"unknown": "", " N/A ": "", "we moved to Mars": "we moved to Mars",
	} {
		losses, _ := reader().Join(stay("acme", "2023-01-10", "2023-05-20"), []LossRecord{told(word{"crm", "2023-06-01", "", fmt.Sprintf(`{"on":"2023-05-20","reason":%q}`, said)})})
		if got := losses[0].Said.Reason; got != want {
			t.Errorf("%q is read as %q, want %q", said, got, want)
		}
	}
}

func TestLossesAsKnownThen(t *testing.T) {
	say := []LossRecord{told(word{"crm", "2023-05-21", "2023-07-01", `{"on":"2023-05-20","reason":"price"}`})}
	r := reader()
	r.Known = when("2023-06-01")
	if losses, _ := r.Join(stay("acme", "2023-01-10", "2023-05-20"), say); !losses[0].Open() {
		t.Errorf("nobody knew on 1 June: %+v", losses[0].Said)
	}
	r.Known = when("2023-07-02")
	if losses, _ := r.Join(stay("acme", "2023-01-10", "2023-05-20"), say); losses[0].Open() {
		t.Error("it was known on 2 July")
	}
}

func TestContractsSayWhyWhereNothingElseDoes(t *testing.T) {
	acme := stay("acme", "2023-01-10", "2023-05-20", "2023-08-01", "2023-10-03")
	losses, _ := reader().Join(acme, []LossRecord{told(word{"crm", "2023-10-05", "", `{"on":"2023-10-03","reason":"price"}`})})
	reader().FromContracts(losses, []LossRecord{
		told(word{"billing", "2024-01-01", "", `{"end":"2023-05-20","cancel_reason":"support"}`}),
		told(word{"billing", "2023-10-03", "", `{"churn_reason":"features"}`}),
	})
	if s := losses[0].Said; s.Reason != "service" || !s.Contract || s.Source != "billing" {
		t.Errorf("%+v", s)
	}
	if s := losses[1].Said; s.Reason != "price" || s.Contract {
		t.Errorf("%+v", s)
	}
}

// lost returns the loss of acme with what was said of it.
func lost(words ...word) Leaver {
	losses, _ := reader().Join(stay("acme", "2023-01-10", "2023-05-20"), []LossRecord{told(words...)})
	return losses[0]
}

var (
	ada = cairn.Actor{Kind: cairn.ByPerson, ID: "1", Name: "Ada"}
	ben = cairn.Actor{Kind: cairn.ByPerson, ID: "2", Name: "Ben"}
)

func TestSayNamesWhatToCorrect(t *testing.T) {
	for _, c := range []struct {
		name  string
		s     LossSaying
		field string
		says  string
	}{
		{"nothing", LossSaying{}, "reason", "every loss has a reason"},
		{"not on the list", LossSaying{Reason: "weather"}, "reason", "not on the list"},
		{"no evidence", LossSaying{Reason: "closed", Unavoidable: true, Evidence: "  "}, "evidence", "with evidence only"},
		{"not to be called so", LossSaying{Reason: "price", Unavoidable: true, Evidence: "x"}, "unavoidable", "Was bought, Went out of business"},
		{"no day", LossSaying{Reason: "price", Asked: "May"}, "asked_on", "not a day"},
		{"to come", LossSaying{Reason: "price", Asked: "2023-07-01"}, "asked_on", "still to come"},
		{"too long", LossSaying{Reason: "price", Detail: strings.Repeat("a", longestText+1)}, "detail", "at most"},
	} {
		_, err := lost().Say(c.s, UsualReasons(), day("2023-06-15"), ada)
		e, ok := err.(*cairn.Error)
		if !ok || e.Field != c.field || !strings.Contains(e.Text, c.says) {
			t.Errorf("%s: %v, want an error at %s that says %q", c.name, err, c.field, c.says)
		}
	}
}

// TestAClaimIsAuditedBySomebodyElse: what ada claims, ada cannot audit; what
// ben found goes when something else is claimed (R095).
func TestAClaimIsAuditedBySomebodyElse(t *testing.T) {
	p, err := lost().Say(LossSaying{Reason: "closed", Unavoidable: true, Evidence: "Court register 12/2023"}, UsualReasons(), day("2023-06-15"), ada)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"on": "2023-05-20", "reason": "closed", "detail": nil, "unavoidable": true, "evidence": "Court register 12/2023", "asked_on": nil,
		"claimed_by": "1", "audit": nil, "audited_by": nil, "by": "1",
	}
	if diff := cmp.Diff(want, p.Fields); diff != "" || p.Key != "loss-"+id("acme").String()+"-2023-01-10" {
		t.Errorf("%s (-want +got)\n%s", p.Key, diff)
	}
	claim := word{House, "2023-06-15", "", `{"on":"2023-05-20","reason":"closed","unavoidable":true,"evidence":"Court register 12/2023","claimed_by":"1"}`}
	if _, err := lost(claim).Audit("confirm", ada); cairn.KindOf(err) != cairn.Forbidden {
		t.Errorf("by who claimed it: %v", err)
	}
	if _, err := lost(claim).Audit("maybe", ben); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("neither confirmed nor rejected: %v", err)
	}
	if _, err := lost().Audit("confirm", ben); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("nothing is claimed: %v", err)
	}
	if p, err = lost(claim).Audit("confirm", ben); err != nil || p.Fields["audit"] != "confirmed" || p.Fields["audited_by"] != "2" {
		t.Errorf("%+v, %v", p, err)
	}
	audited := lost(claim, word{House, "2023-06-16", "", `{"audit":"confirmed","audited_by":"2"}`})
	if audited.Said.Audit != Confirmed || audited.Said.Waits() {
		t.Errorf("%+v", audited.Said)
	}
	same := LossSaying{Reason: "closed", Unavoidable: true, Evidence: "Court register 12/2023", Detail: "more"}
	if p, err = audited.Say(same, UsualReasons(), day("2023-06-20"), ada); err != nil {
		t.Fatal(err)
	}
	if _, ok := p.Fields["audit"]; ok {
		t.Error("the audit is lost though the claim is the same")
	}
	same.Evidence = "A letter"
	if p, err = audited.Say(same, UsualReasons(), day("2023-06-20"), ben); err != nil || p.Fields["claimed_by"] != "2" {
		t.Errorf("%+v, %v", p.Fields, err)
	}
	if audit, ok := p.Fields["audit"]; !ok || audit != nil {
		t.Error("the audit stays though the evidence is another")
	}
}

func TestUndoTakesBackWhatWasWrittenLast(t *testing.T) {
	first := word{House, "2023-06-15", "", `{"on":"2023-05-20","reason":"price","unavoidable":false,"by":"1"}`}
	second := word{House, "2023-06-16", "", `{"on":"2023-05-20","reason":"competitor","unavoidable":false,"detail":"x","by":"2"}`}
	p, ok := lost(first, second, word{"crm", "2023-06-17", "", `{"on":"2023-05-20","reason":"features"}`}).Undo(ben)
	if diff := cmp.Diff(map[string]any{"on": "2023-05-20", "reason": "price", "unavoidable": false, "detail": nil, "by": "2"}, p.Fields); diff != "" || !ok {
		t.Errorf("(-want +got)\n%s", diff)
	}
	p, ok = lost(first).Undo(ada)
	if diff := cmp.Diff(map[string]any{"on": nil, "reason": nil, "unavoidable": nil, "by": "1"}, p.Fields); diff != "" || !ok {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if _, ok := lost(word{"crm", "2023-06-17", "", `{"on":"2023-05-20","reason":"features"}`}).Undo(ada); ok {
		t.Error("nobody wrote anything down here")
	}
}

func TestReasonsCheckNamesWhatToCorrect(t *testing.T) {
	if err := UsualReasons().Check(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		rs    Reasons
		field string
	}{
		{"none", nil, "reasons"},
		{"a key", Reasons{{Key: "Too dear", Title: "Too dear"}}, "reasons.0.key"},
		{"no title", Reasons{{Key: "price"}}, "reasons.0.title"},
		{"twice", Reasons{{Key: "price", Title: "Price"}, {Key: "price", Title: "Price"}}, "reasons.1.key"},
		{"one word for two", Reasons{{Key: "price", Title: "Price", Words: []string{"cost"}}, {Key: "value", Title: "Value", Words: []string{"Cost"}}}, "reasons.1.words"},
		{"nobody knows", Reasons{{Key: "price", Title: "Price", Words: []string{"unknown"}}}, "reasons.0.words"},
		{"too many", make(Reasons, mostReasons+1), "reasons"},
	} {
		e, ok := c.rs.Check().(*cairn.Error)
		if !ok || e.Field != c.field {
			t.Errorf("%s: %v, want an error at %s", c.name, e, c.field)
		}
	}
}

// desk is a ledger, a store and a book of a few losses.
type desk struct {
	book.Store
	results   []*ledger.Result
	losses    map[cairn.AccountID][]LossRecord
	contracts map[cairn.AccountID][]LossRecord
	accounts  map[cairn.AccountID][]LossRecord
	traits    map[string]map[cairn.AccountID]string
	pages     []book.Revision
	asked     int // accounts whose contracts were read
}

func (d *desk) Each(_ context.Context, scope cairn.Scope, _ revenue.Query, f func(*ledger.Result)) (string, ledger.Policy, cairn.Day, error) {
	for _, r := range d.results {
		if scope.Sees(r.Account) {
			f(r)
		}
	}
	return "EUR", ledger.Presets[0], day("2023-12-15"), nil
}

// Among lets only those pass of whom results tell, where anything is asked.
func (d *desk) Among(_ context.Context, scope cairn.Scope, where string, f func(func(cairn.AccountID) bool) error) error {
	return f(func(a cairn.AccountID) bool {
		return scope.Sees(a) && (where == "" || slices.ContainsFunc(d.results, func(r *ledger.Result) bool { return r.Account == a }))
	})
}

func (d *desk) Words(_ context.Context, scope cairn.Scope, kind cairn.EventKind, fields []string, f func(cairn.AccountID, cairn.RecordID, []cairn.Fact) error) error {
	of := d.losses
	if kind == cairn.OfContract {
		of = d.contracts
		d.asked += len(scope.Accounts)
	}
	if kind == cairn.OfAccount {
		of = d.accounts
	}
	for a, records := range of {
		for i, r := range records {
			if !scope.Sees(a) {
				continue
			}
			if err := f(a, cairn.RecordID{ID: cairn.HashID(fmt.Sprint(a, i))}, r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *desk) Shown(_ context.Context, f func(func(string, cairn.AccountID) string) error) error {
	return f(func(field string, a cairn.AccountID) string { return d.traits[field][a] })
}

func (d *desk) Changes(_ context.Context, kind cairn.EventKind) (out [watch.Shards]int64, _ error) {
	if kind == cairn.OfContract {
		for a, records := range d.contracts {
			out[watch.ShardOf(a)] += said(records)
		}
	}
	return out, nil
}

// said counts what was said.
func said(records []LossRecord) (n int64) {
	for _, r := range records {
		n += int64(len(r))
	}
	return n
}

func (d *desk) Stamps(_ context.Context, kind cairn.EventKind, some watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	out := map[cairn.AccountID]watch.Stamp{}
	for a, records := range d.contracts {
		if kind == cairn.OfContract && slices.Compare(a.ID[:], some.From.ID[:]) >= 0 && (some.To.IsZero() || slices.Compare(a.ID[:], some.To.ID[:]) < 0) {
			out[a] = watch.Stamp{Versions: said(records)}
		}
	}
	return out, nil
}

func (d *desk) Page(context.Context, string) (book.Revision, error) {
	if len(d.pages) == 0 {
		return book.Revision{}, cairn.Errorf(cairn.NotFound, "There is no such page.")
	}
	return d.pages[len(d.pages)-1], nil
}

func (d *desk) Write(_ context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (book.Revision, error) {
	if base != len(d.pages) {
		return book.Revision{}, cairn.Errorf(cairn.Conflict, "The page has moved on.")
	}
	d.pages = append(d.pages, book.Revision{Page: page, Rev: base + 1, At: at, By: by, Note: note, Body: body})
	return d.pages[base], nil
}

func several() (*desk, *Losses) {
	say := func(fields string) []LossRecord { return []LossRecord{told(word{"crm", "2023-11-01", "", fields})} }
	d := &desk{
		results: []*ledger.Result{
			stay("acme", "2023-01-10", "2023-05-20"), stay("beta", "2023-01-10", "2023-10-20"), stay("gamma", "2023-09-10", "2023-11-02"),
			stay("delta", "2022-01-10", "2023-12-01"), stay("stays", "2023-01-10"),
		},
		losses: map[cairn.AccountID][]LossRecord{
			id("acme"):  say(`{"on":"2023-05-20","reason":"price"}`),
			id("beta"):  say(`{"on":"2023-10-20","reason":"closed","unavoidable":true,"evidence":"x","audit":"confirmed"}`),
			id("gamma"): say(`{"on":"2023-11-02","reason":"acquired","unavoidable":true,"evidence":"y"}`),
			id("stays"): say(`{"on":"2023-10-30","reason":"price"}`),
			id("never"): say(`{"on":"2023-10-31","reason":"price"}`),
		},
		traits: map[string]map[cairn.AccountID]string{"name": {id("beta"): "Beta"}, "owner": {id("beta"): "ada", id("gamma"): "ada"}},
	}
	return d, &Losses{
		Store: d, Book: d, Ledger: d, Now: func() time.Time { return when("2023-12-15") },
		Settings: func() revenue.Settings { return revenue.Settings{Zone: time.UTC, Currency: "EUR"} },
	}
}

func names(r LossReport) []string {
	known := map[cairn.AccountID]string{id("acme"): "acme", id("beta"): "beta", id("gamma"): "gamma", id("delta"): "delta"}
	out := []string{}
	for _, l := range r.Losses {
		out = append(out, known[l.Account])
	}
	return out
}

func months(from, to string) LossQuery {
	a, err := ledger.ParseMonth(from)
	if err != nil {
		panic(err)
	}
	b, err := ledger.ParseMonth(to)
	if err != nil {
		panic(err)
	}
	return LossQuery{Query: revenue.Query{From: a, To: b}}
}

func TestLossesOfMonthsAreListedAndAddedUp(t *testing.T) {
	_, s := several()
	r, err := s.Losses(context.Background(), cairn.Everything, months("2023-10", "2023-12"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"delta", "gamma", "beta"}, names(r)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want := LossSum{Customers: 3, MRR: 300_00, Open: 1, OpenMRR: 100_00, Early: 1, Claimed: 2, ClaimedMRR: 200_00, Audited: 1, Confirmed: 1, ConfirmedMRR: 100_00}
	if diff := cmp.Diff(want, r.All); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if len(r.ByReason) != 3 || r.ByReason[2].Key != "" || r.ByReason[0].Title != "Was bought" {
		t.Errorf("%+v", r.ByReason)
	}
	if len(r.Odd) != 2 || r.Odd[0].Account != id("never") || r.Odd[1].Since != day("2023-01-10") {
		t.Errorf("%+v", r.Odd)
	}
	if r.Losses[2].Name != "Beta" || r.Losses[1].Name != id("gamma").String() {
		t.Errorf("%+v", r.Losses)
	}
	if r, err = s.Losses(context.Background(), cairn.Everything, LossQuery{}); err != nil || len(r.Losses) != 4 || r.Asked.From.String() != "2023-01" {
		t.Errorf("of the last twelve months: %+v, %v", r, err)
	}
}

func TestLossesAreNarrowedDown(t *testing.T) {
	ada := "ada"
	for _, c := range []struct {
		name string
		set  func(*LossQuery)
		want []string
	}{
		{"a reason", func(q *LossQuery) { q.Reason = "closed" }, []string{"beta"}},
		{"open", func(q *LossQuery) { q.Only = "open" }, []string{"delta"}},
		{"early", func(q *LossQuery) { q.Only = "early" }, []string{"gamma"}},
		{"unavoidable", func(q *LossQuery) { q.Only = "unavoidable" }, []string{"gamma", "beta"}},
		{"unaudited", func(q *LossQuery) { q.Only = "unaudited" }, []string{"gamma"}},
		{"confirmed", func(q *LossQuery) { q.Only = "confirmed" }, []string{"beta"}},
		{"an owner", func(q *LossQuery) { q.By, q.Value = "owner", &ada }, []string{"gamma", "beta"}},
	} {
		_, s := several()
		q := months("2023-10", "2023-12")
		c.set(&q)
		r, err := s.Losses(context.Background(), cairn.Everything, q)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, names(r)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", c.name, diff)
		}
	}
	_, s := several()
	if _, err := s.Losses(context.Background(), cairn.Everything, LossQuery{Only: "sad"}); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("%v", err)
	}
}

func TestLossesByADimension(t *testing.T) {
	d, s := several()
	q := months("2023-10", "2023-12")
	q.By = "owner"
	r, err := s.Losses(context.Background(), cairn.Everything, q)
	if err != nil || len(r.ByValue) != 2 || r.ByValue[0].Key != "ada" || r.ByValue[0].Customers != 2 || r.ByValue[1].Open != 1 {
		t.Errorf("%+v, %v", r.ByValue, err)
	}
	d.contracts = map[cairn.AccountID][]LossRecord{id("delta"): {told(word{"billing", "2023-01-01", "", `{"product":"Core"}`})}}
	q.By = "product"
	if r, err = s.Losses(context.Background(), cairn.Everything, q); err != nil || len(r.ByValue) != 2 || r.ByValue[0].Key != "Core" || r.ByValue[0].Customers != 1 {
		t.Errorf("%+v, %v", r.ByValue, err)
	}
}

func TestOnlyContractsOfThoseWithoutAReasonAreRead(t *testing.T) {
	d, s := several()
	d.contracts = map[cairn.AccountID][]LossRecord{
		id("delta"): {told(word{"billing", "2023-12-01", "", `{"cancel_reason":"budget"}`})},
		id("gamma"): {told(word{"billing", "2023-12-01", "", `{"cancel_reason":"budget"}`})},
	}
	r, err := s.Losses(context.Background(), cairn.Everything, months("2023-10", "2023-12"))
	if err != nil || r.Losses[0].Said.Reason != "price" || r.Losses[1].Said.Reason != "acquired" || d.asked != 1 {
		t.Errorf("%+v, %d, %v", r.Losses, d.asked, err)
	}
}

func TestContractsAreReadAgainWhenTheyChangeAndWhatIsPersonalEveryTime(t *testing.T) {
	d, s := several()
	of := func(reason string) []LossRecord {
		return []LossRecord{told(word{"billing", "2023-12-01", "", fmt.Sprintf(`{"cancel_reason":%q}`, reason)})}
	}
	d.contracts = map[cairn.AccountID][]LossRecord{id("delta"): of("budget")}
	for i, step := range []struct {
		change func()
		reason string
		asked  int
	}{
		{func() {}, "price", 1},
		{func() {}, "price", 1},
		{func() { d.contracts[id("delta")] = append(d.contracts[id("delta")], of("competitor")...) }, "price", 2},
		{func() { d.contracts[id("delta")] = append(of("competitor"), of("budget")...)[:1] }, "competitor", 3},
		{func() { d.contracts[id("delta")][0][0].Sealed = true; d.contracts[id("beta")] = of("budget") }, "competitor", 3},
		{func() { d.contracts[id("delta")] = append(d.contracts[id("delta")], of("budget")...) }, "competitor", 4},
		{func() {}, "competitor", 5},
	} {
		step.change()
		r, err := s.Losses(context.Background(), cairn.Everything, months("2023-10", "2023-12"))
		if err != nil || r.Losses[0].Said.Reason != step.reason || d.asked != step.asked {
			t.Errorf("step %d: %q after %d, want %q after %d, %v", i, r.Losses[0].Said.Reason, d.asked, step.reason, step.asked, err)
		}
	}
}

func TestLossesOfOneCustomer(t *testing.T) {
	_, s := several()
	r, err := s.Of(context.Background(), id("acme"), LossQuery{})
	if err != nil || len(r.Losses) != 1 || r.Losses[0].Said.Reason != "price" || r.Currency != "EUR" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReasonsOfTheWorkspaceAreReadBack(t *testing.T) {
	ctx := context.Background()
	_, s := several()
	own := Reasons{{Key: "weather", Title: "The weather", Words: []string{"price"}, Unavoidable: true}}
	if rs, rev, err := s.Reasons(ctx); err != nil || rev != 0 || len(rs) != len(UsualReasons()) {
		t.Errorf("%v, %d, %v", rs, rev, err)
	}
	if _, err := s.SetReasons(ctx, ada, own, 0, ""); err != nil {
		t.Fatal(err)
	}
	rs, rev, err := s.Reasons(ctx)
	if diff := cmp.Diff(own, rs); diff != "" || rev != 1 || err != nil {
		t.Errorf("%d, %v (-want +got)\n%s", rev, err, diff)
	}
	r, err := s.Losses(ctx, cairn.Everything, months("2023-05", "2023-05"))
	if err != nil || r.Losses[0].Said.Reason != "weather" {
		t.Errorf("%+v, %v", r.Losses, err)
	}
	if _, err := s.SetReasons(ctx, ada, nil, 1, ""); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("%v", err)
	}
}

func TestTheAccountSaysWhyWhereNothingElseDoes(t *testing.T) {
	d, s := several()
	said := func(text string) LossRecord {
		return LossRecord{{Field: "churn_reason", Source: "crm", At: mid("2023-12-10"), Seen: mid("2023-12-10"), Value: []byte(text)}}
	}
	d.accounts = map[cairn.AccountID][]LossRecord{id("delta"): {said(`"price"`)}, id("beta"): {said(`"price"`)}}
	r, err := s.Losses(context.Background(), cairn.Everything, months("2023-10", "2023-12"))
	if err != nil {
		t.Fatal(err)
	}
	if l := r.Losses[0]; l.Account != id("delta") || l.Open() || !l.Said.Trait || l.Said.Source != "crm" || l.Said.Unavoidable || l.Said.Audit != "" || l.Said.ByPeople() {
		t.Errorf("%+v", l)
	}
	if l := r.Losses[2]; l.Said.Reason != "closed" || l.Said.Trait {
		t.Errorf("what was written down gives way to the account: %+v", l.Said)
	}
	if r.All.Open != 0 || r.All.Audited != 1 {
		t.Errorf("%+v", r.All)
	}
	q := months("2023-10", "2023-12")
	q.Known = mid("2023-12-09")
	if r, err = s.Losses(context.Background(), cairn.Everything, q); err != nil || !r.Losses[0].Open() {
		t.Errorf("what was not known yet is told: %+v, %v", r.Losses[0], err)
	}
}
