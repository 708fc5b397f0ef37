package revenue

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
	"cairn/internal/watch"
)

// house is a store of a few contracts, and a book.
type house struct {
	book.Store
	contracts []contract
	traits    map[string]map[cairn.AccountID]string
	renamed   map[cairn.AccountID]int64 // how often what is said of an account was written again
	risk      map[cairn.AccountID]Risk
	read      int
	pages     map[string][]book.Revision
}

type contract struct {
	account, key string
	words        []word
}

// A word is what was said at a time, and learnt at another.
type word struct{ at, seen, fields string }

func id(name string) cairn.AccountID { return cairn.AccountID{ID: cairn.HashID(name)} }

func when(s string) time.Time {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return t
}

func (h *house) Facts(_ context.Context, scope cairn.Scope, _ cairn.EventKind, f func(cairn.AccountID, cairn.RecordID, []cairn.Fact) error) error {
	h.read++
	for _, c := range h.contracts {
		if !scope.Sees(id(c.account)) {
			continue
		}
		var facts []cairn.Fact
		for _, w := range c.words {
			var fields map[string]json.RawMessage
			if err := json.Unmarshal([]byte(w.fields), &fields); err != nil {
				return err
			}
			for name, v := range fields {
				seen := w.seen
				if seen == "" {
					seen = w.at
				}
				facts = append(facts, cairn.Fact{Field: name, Source: "billing", At: when(w.at), Seen: when(seen), Event: cairn.EventID{ID: cairn.HashID(c.key, w.at)}, Value: v})
			}
		}
		if err := f(id(c.account), cairn.RecordID{ID: cairn.HashID(c.key)}, facts); err != nil {
			return err
		}
	}
	return nil
}

// within reports whether a span has an account.
func within(some watch.Span, a cairn.AccountID) bool {
	return slices.Compare(a.ID[:], some.From.ID[:]) >= 0 && (some.To.IsZero() || slices.Compare(a.ID[:], some.To.ID[:]) < 0)
}

func (h *house) Changes(ctx context.Context, kind cairn.EventKind) (out [watch.Shards]int64, _ error) {
	stamps, err := h.Stamps(ctx, kind, watch.Span{})
	for a, s := range stamps {
		out[watch.ShardOf(a)] += s.Records<<32 + s.Versions
	}
	return out, err
}

func (h *house) Stamps(_ context.Context, kind cairn.EventKind, some watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	out := map[cairn.AccountID]watch.Stamp{}
	if kind == cairn.OfAccount {
		for _, values := range h.traits {
			for a, v := range values {
				if within(some, a) {
					s := out[a]
					s.Records, s.Versions = 1, s.Versions+int64(len(v))+h.renamed[a]
					out[a] = s
				}
			}
		}
		return out, nil
	}
	for _, c := range h.contracts {
		if !within(some, id(c.account)) {
			continue
		}
		s := out[id(c.account)]
		s.Records++
		for _, w := range c.words {
			s.Versions += int64(len(w.fields))
		}
		out[id(c.account)] = s
	}
	return out, nil
}

func (h *house) Fields(_ context.Context, scope cairn.Scope, f func(cairn.AccountID, map[string]cairn.Said)) error {
	all := map[cairn.AccountID]map[string]cairn.Said{}
	for field, values := range h.traits {
		for a, v := range values {
			if !scope.Sees(a) || v == "" {
				continue
			}
			if all[a] == nil {
				all[a] = map[string]cairn.Said{}
			}
			text, err := json.Marshal(v)
			if err != nil {
				return err
			}
			all[a][field] = cairn.Said{Value: text}
		}
	}
	for a, fields := range all {
		f(a, fields)
	}
	return nil
}

func (h *house) AtRisk(context.Context, cairn.Scope) (map[cairn.AccountID]Risk, error) {
	return h.risk, nil
}

func (h *house) Page(_ context.Context, page string) (book.Revision, error) {
	if len(h.pages[page]) == 0 {
		return book.Revision{}, cairn.Errorf(cairn.NotFound, "There is no such page.")
	}
	return h.pages[page][len(h.pages[page])-1], nil
}

func (h *house) Write(_ context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (book.Revision, error) {
	if base != len(h.pages[page]) {
		return book.Revision{}, cairn.Errorf(cairn.Conflict, "The page has moved on.")
	}
	if h.pages == nil {
		h.pages = map[string][]book.Revision{}
	}
	r := book.Revision{Page: page, Rev: base + 1, At: at, By: by, Note: note, Body: body}
	h.pages[page] = append(h.pages[page], r)
	return r, nil
}

func service(h *house) *Service {
	return &Service{
		Store: h, Book: h, Now: func() time.Time { return when("2023-06-15") },
		Settings: func() Settings { return Settings{Zone: time.UTC, Currency: "EUR"} },
	}
}

func months(from, to string) Query {
	a, err := ledger.ParseMonth(from)
	if err != nil {
		panic(err)
	}
	b, err := ledger.ParseMonth(to)
	if err != nil {
		panic(err)
	}
	return Query{From: a, To: b}
}

var toys = []contract{
	{"acme", "a1", []word{{"2023-01-10", "", `{"mrr":"100","product":"Core"}`}, {"2023-04-05", "", `{"mrr":"130"}`}}},
	{"acme", "a2", []word{{"2023-03-10", "", `{"mrr":"20","product":"Extra"}`}}},
	{"beta", "b1", []word{{"2023-02-10", "", `{"mrr":"50","product":"Core"}`}, {"2023-05-20", "2023-06-10", `{"status":"cancelled","end":"2023-05-20"}`}}},
}

// told writes a report's months shortly, leaving out those without movement.
func told(t *testing.T, s *Service, q Query) []string {
	t.Helper()
	r, err := s.Report(context.Background(), cairn.Everything, q)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, f := range r.Figures() {
		text := f.Month
		if f.Value != nil {
			text = *f.Value + " " + text
		}
		for _, x := range []struct{ name, amount string }{{"new", f.New}, {"expansion", f.Expansion}, {"reactivation", f.Reactivation}, {"contraction", f.Contraction}, {"churn", f.Churn}} {
			if x.amount != "0.00" {
				text += " " + x.name + " " + x.amount
			}
		}
		if strings.Contains(text, ".") {
			out = append(out, text+" = "+f.End)
		}
	}
	return out
}

func TestReportAddsUpAllCustomers(t *testing.T) {
	got := told(t, service(&house{contracts: toys}), months("2023-01", "2023-12"))
	want := []string{
		"2023-01 new 100.00 = 100.00", "2023-02 new 50.00 = 150.00", "2023-03 expansion 20.00 = 170.00",
		"2023-04 expansion 30.00 = 200.00", "2023-05 churn 50.00 = 150.00",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMonthsThatHaveNotBegunAreLeftOut(t *testing.T) {
	r, err := service(&house{contracts: toys}).Report(context.Background(), cairn.Everything, months("2023-05", "2023-12"))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Groups[0].Months; len(got) != 2 || got[0].Start != 200_00 {
		t.Errorf("%+v", got)
	}
}

func TestReportByAFieldOfAccounts(t *testing.T) {
	h := &house{contracts: toys, traits: map[string]map[cairn.AccountID]string{"industry": {id("acme"): "Toys"}}}
	q := months("2023-04", "2023-05")
	q.By = "industry"
	want := []string{" 2023-05 churn 50.00 = 0.00", "Toys 2023-04 expansion 30.00 = 150.00"}
	if diff := cmp.Diff(want, told(t, service(h), q)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReportByProductKeepsALedgerForEach(t *testing.T) {
	q := months("2023-03", "2023-04")
	q.By = "product"
	want := []string{"Core 2023-04 expansion 30.00 = 180.00", "Extra 2023-03 new 20.00 = 20.00"}
	if diff := cmp.Diff(want, told(t, service(&house{contracts: toys}), q)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReportAsKnownThen(t *testing.T) {
	q := months("2023-05", "2023-06")
	q.Known = when("2023-06-01")
	if got := told(t, service(&house{contracts: toys}), q); len(got) != 0 {
		t.Errorf("on 1 June nobody knew of %v", got)
	}
	q.Known = when("2023-06-11")
	if diff := cmp.Diff([]string{"2023-05 churn 50.00 = 150.00"}, told(t, service(&house{contracts: toys}), q)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestScopeSeesItsAccountsOnly(t *testing.T) {
	r, err := service(&house{contracts: toys}).Report(context.Background(), cairn.Scope{Accounts: []cairn.AccountID{id("beta")}}, months("2023-02", "2023-02"))
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Groups[0].Months[0].End; got != 50_00 {
		t.Errorf("%d", got)
	}
}

func TestReportIsRememberedWhileNothingChanges(t *testing.T) {
	h := &house{contracts: toys}
	s := service(h)
	q := months("2023-01", "2023-06")
	first := told(t, s, q)
	again := told(t, s, q)
	if h.read != 1 || !cmp.Equal(first, again) {
		t.Errorf("read %d times", h.read)
	}
	h.contracts = h.contracts[:1]
	if diff := cmp.Diff([]string{"2023-01 new 100.00 = 100.00", "2023-04 expansion 30.00 = 130.00"}, told(t, s, q)); diff != "" {
		t.Errorf("after a change (-want +got)\n%s", diff)
	}
	if _, err := s.Define(context.Background(), cairn.House, Definitions{Policy: "stripe"}, 0, ""); err != nil {
		t.Fatal(err)
	}
	r, err := s.Report(context.Background(), cairn.Everything, q)
	if err != nil || r.Policy.Name != "stripe" {
		t.Errorf("after another choice: %s, %v", r.Policy.Name, err)
	}
}

// TestBooksAreMendedAsTheyWouldBeMade: after changes, those whose contracts
// changed are booked again, and what is told is what a new service tells.
func TestBooksAreMendedAsTheyWouldBeMade(t *testing.T) {
	h := &house{contracts: slices.Clone(toys), traits: map[string]map[cairn.AccountID]string{"industry": {id("acme"): "Toys", id("gamma"): "Games"}}, renamed: map[cairn.AccountID]int64{}}
	s := service(h)
	q := months("2023-01", "2023-06")
	told(t, s, q)
	for _, by := range []string{"product", "industry"} {
		p := q
		p.By = by
		told(t, s, p)
	}
	for name, change := range map[string]func(){
		"another contract": func() {
			h.contracts = append(h.contracts, contract{"gamma", "g1", []word{{"2023-03-10", "", `{"mrr":"7"}`}}})
		},
		"a changed one": func() { h.contracts[0] = contract{"acme", "a1", []word{{"2023-01-10", "", `{"mrr":"99"}`}}} },
		"one fewer":     func() { h.contracts = h.contracts[1:] },
		"one without a price": func() {
			h.contracts = append(h.contracts, contract{"delta", "d1", []word{{"2023-03-10", "", `{"seats":7}`}}})
		},
		"an account of another industry": func() {
			h.traits["industry"][id("acme")] = "Books"
			h.renamed[id("acme")]++
		},
		"an account that is told of": func() { h.traits["industry"][id("beta")] = "Toys" },
		"one that has a price": func() {
			h.contracts = append(h.contracts, contract{"eta", "e1", []word{{"2023-02-10", "", `{"mrr":"0.01"}`}}})
		},
	} {
		change()
		for _, ask := range []func(*Query){func(*Query) {}, func(q *Query) { q.By = "product" }, func(q *Query) { q.By = "industry" }, func(q *Query) { q.Where = "industry:Toys\nindustry:" }} {
			p := q
			ask(&p)
			if diff := cmp.Diff(told(t, service(h), p), told(t, s, p)); diff != "" {
				t.Errorf("%s, by %q where %q (-want +got)\n%s", name, p.By, p.Where, diff)
			}
		}
		a, err := s.Report(context.Background(), cairn.Everything, q)
		if err != nil {
			t.Fatal(err)
		}
		b, err := service(h).Report(context.Background(), cairn.Everything, q)
		if err != nil || a.Contracts != b.Contracts || !cmp.Equal(a.Problems, b.Problems) {
			t.Errorf("%s: %d contracts with %v, want %d with %v", name, a.Contracts, a.Problems, b.Contracts, b.Problems)
		}
	}
}

func TestContractsInOneOtherCurrencyAreToldInIt(t *testing.T) {
	h := &house{contracts: []contract{{"acme", "a1", []word{{"2023-01-10", "", `{"mrr":"100","currency":"USD"}`}}}}}
	r, err := service(h).Report(context.Background(), cairn.Everything, months("2023-01", "2023-01"))
	if err != nil {
		t.Fatal(err)
	}
	if r.Currency != "USD" || r.Groups[0].Months[0].End != 100_00 || len(r.Problems) != 0 {
		t.Errorf("%+v", r)
	}
}

func TestContractsWithoutARateAreNamedAndLeftOut(t *testing.T) {
	h := &house{contracts: append([]contract{{"usd", "u1", []word{{"2023-01-10", "", `{"mrr":"100","currency":"USD"}`}}}}, toys...)}
	s := service(h)
	q := months("2023-01", "2023-01")
	r, err := s.Report(context.Background(), cairn.Everything, q)
	if err != nil {
		t.Fatal(err)
	}
	if r.Currency != "EUR" || r.Groups[0].Months[0].End != 100_00 || len(r.Problems) != 1 || r.Problems[0].Account != id("usd") {
		t.Errorf("%+v", r)
	}
	rates := []SaidRate{{"USD", "2023-01-01", "0.95"}}
	if _, err := s.Define(context.Background(), cairn.House, Definitions{Said: rates}, 0, ""); err != nil {
		t.Fatal(err)
	}
	if r, err = s.Report(context.Background(), cairn.Everything, q); err != nil || r.Groups[0].Months[0].End != 195_00 || len(r.Problems) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestDefineNamesWhatToCorrect(t *testing.T) {
	own := ledger.Presets[0]
	own.Name = "ours"
	for _, c := range []struct {
		name  string
		d     Definitions
		field string
	}{
		{"no such policy", Definitions{Policy: "recurly"}, "policy"},
		{"a day", Definitions{Said: []SaidRate{{"USD", "1.1.2023", "1"}}}, "rates.0.day"},
		{"a currency", Definitions{Said: []SaidRate{{"dollars", "2023-01-01", "1"}}}, "rates.0.currency"},
		{"no rate", Definitions{Said: []SaidRate{{"USD", "2023-01-01", "0"}}}, "rates.0.rate"},
		{"a fraction", Definitions{Said: []SaidRate{{"USD", "2023-01-01", "1/3"}}}, "rates.0.rate"},
		{"a preset's name", Definitions{Policies: []ledger.Policy{ledger.Presets[1]}}, "policies.0.name"},
	} {
		_, err := service(&house{}).Define(context.Background(), cairn.House, c.d, 0, "")
		e, ok := err.(*cairn.Error)
		if !ok || e.Field != c.field {
			t.Errorf("%s: %v, want an error at %s", c.name, err, c.field)
		}
	}
	if _, err := service(&house{}).Define(context.Background(), cairn.House, Definitions{Policy: "ours", Policies: []ledger.Policy{own}}, 0, ""); err != nil {
		t.Errorf("a policy of one's own: %v", err)
	}
}

func TestCompareNamesTheAccountsThatDiffer(t *testing.T) {
	h := &house{
		contracts: append([]contract{{"gamma", "g1", []word{{"2023-01-10", "", `{"mrr":"100","discount_percent":50,"discount_duration":"repeating","discount_months":2}`}}}}, toys...),
		traits:    map[string]map[cairn.AccountID]string{"name": {id("gamma"): "Gamma"}},
	}
	q := months("2023-01", "2023-03")
	c, err := service(h).Compare(context.Background(), cairn.Everything, q, "stripe")
	if err != nil {
		t.Fatal(err)
	}
	want := []Difference{
		{Account: id("gamma"), Name: "Gamma", Month: "2023-01", A: "new 50.00", B: "new 100.00", By: "50.00", Minor: 50_00, Why: []string{"discounts"}},
		{Account: id("gamma"), Name: "Gamma", Month: "2023-03", A: "expansion 50.00", B: "–", By: "-50.00", Minor: -50_00, Why: []string{"discounts"}},
	}
	if diff := cmp.Diff(want, c.Differ, cmpopts.IgnoreFields(Difference{}, "Asks")); diff != "" || c.Accounts != 1 || c.MonthsA[0].End != "150.00" || c.MonthsB[0].End != "200.00" {
		t.Errorf("%+v (-want +got)\n%s", c, diff)
	}
}

func TestReportRefusesWhatCannotBeAsked(t *testing.T) {
	for name, q := range map[string]Query{"the other way round": months("2023-05", "2023-01"), "too long": months("0001-01", "2023-01"), "no such policy": {Policy: "recurly"}} {
		if _, err := service(&house{}).Report(context.Background(), cairn.Everything, q); cairn.KindOf(err) == cairn.Internal {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestFiguresAreNarrowedToAccountsOfSomeFields(t *testing.T) {
	h := &house{contracts: toys, traits: map[string]map[cairn.AccountID]string{"owner": {id("acme"): "ann", id("beta"): "bob"}, "tier": {id("acme"): "gold"}}}
	q := months("2023-02", "2023-02")
	for where, want := range map[string]int64{
		"": 150_00, "owner:ann": 100_00, "owner:bob": 50_00, "owner:ann\nowner:bob": 150_00, "owner:ann\ntier:gold": 100_00,
		"tier:": 50_00, "owner:bob\ntier:gold": 0, "owner:cy": 0, "weather:fine": 0,
	} {
		q.Where = where
		r, err := service(h).Report(context.Background(), cairn.Everything, q)
		if err != nil {
			t.Fatal(err)
		}
		got := int64(0)
		if len(r.Groups) > 0 {
			got = r.Groups[0].Months[0].End
		}
		if got != want {
			t.Errorf("where %q: %d, want %d", where, got, want)
		}
	}
	for _, where := range []string{"ann", ":ann", "product:Core"} {
		q.Where = where
		if _, err := service(h).Report(context.Background(), cairn.Everything, q); cairn.KindOf(err) != cairn.Invalid {
			t.Errorf("where %q: %v", where, err)
		}
	}
}

func TestFieldsTellKindsOfAccountsApart(t *testing.T) {
	h := &house{traits: map[string]map[cairn.AccountID]string{"name": {}, "industry": {}, "owner": {}}}
	for i := range 40 {
		a := id(fmt.Sprint(i))
		h.traits["name"][a], h.traits["owner"][a] = fmt.Sprint("Account ", i), []string{"ann", "bob", "ann"}[i%3]
		if i < 2 {
			h.traits["industry"][a] = []string{"Toys", "Games"}[i]
		}
	}
	got, err := service(h).Fields(context.Background())
	want := []Field{{Name: "owner", Values: []string{"ann", "bob"}}, {Name: "industry", Values: []string{"Games", "Toys"}}}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got)\n%s", err, diff)
	}
}

// TestMovementsTellWhatCausedThem: what was said of which contract, by whom,
// when it happened and when it was learnt, and the exchange rate.
func TestMovementsTellWhatCausedThem(t *testing.T) {
	h := &house{
		contracts: []contract{
			{"acme", "a1", []word{{"2023-01-10", "", `{"mrr":"100","seats":10,"currency":"USD"}`}, {"2023-04-05", "2023-04-09", `{"mrr":"130","seats":13}`}}},
			{"beta", "b1", []word{{"2023-02-10", "", `{"mrr":"50","end":"2023-05-01"}`}}},
		},
		traits: map[string]map[cairn.AccountID]string{"name": {id("acme"): "Acme"}},
	}
	s := service(h)
	if _, err := s.Define(context.Background(), cairn.House, Definitions{Said: []SaidRate{{"USD", "2023-01-01", "0.9376"}}}, 0, ""); err != nil {
		t.Fatal(err)
	}
	got, err := s.Movements(context.Background(), cairn.Everything, months("2023-04", "2023-05"), "", 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Explain(context.Background(), Query{}, &got); err != nil {
		t.Fatal(err)
	}
	rate := &ledger.Used{Currency: "USD", Home: "EUR", Rate: "0.9376", Day: cairn.DayOf(when("2023-01-01"), time.UTC), On: "2023-01-01"}
	want := []Moved{
		{Account: id("beta"), Name: id("beta").String(), On: "2023-05-01", Kind: ledger.Churn, Text: "50.00", Causes: []ledger.Because{{
			Cause: ledger.Cause{Record: cairn.RecordID{ID: cairn.HashID("b1")}, Event: cairn.EventID{ID: cairn.HashID("b1", "2023-02-10")}, Amount: -50_00},
			Why:   "it ended then",
			Changes: []ledger.Change{
				{Field: "mrr", New: "50", Source: "billing", At: when("2023-02-10"), Seen: when("2023-02-10")},
				{Field: "end", New: "2023-05-01", Source: "billing", At: when("2023-02-10"), Seen: when("2023-02-10")},
			},
		}}},
		{Account: id("acme"), Name: "Acme", On: "2023-04-05", Kind: ledger.Expansion, Text: "28.13", Causes: []ledger.Because{{
			Cause: ledger.Cause{Record: cairn.RecordID{ID: cairn.HashID("a1")}, Event: cairn.EventID{ID: cairn.HashID("a1", "2023-04-05")}, Amount: 28_13},
			Rate:  rate,
			Changes: []ledger.Change{
				{Field: "mrr", Old: "100", New: "130", Source: "billing", At: when("2023-04-05"), Seen: when("2023-04-09")},
				{Field: "seats", Old: "10", New: "13", Source: "billing", At: when("2023-04-05"), Seen: when("2023-04-09")},
			},
		}}},
	}
	if diff := cmp.Diff(want, got.Movements, cmpopts.IgnoreFields(Moved{}, "Day", "Since", "Amount"), cmpopts.IgnoreFields(ledger.Cause{}, "Day")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got.Count != 2 || got.Accounts != 2 || got.Sum != 78_13 {
		t.Errorf("%d movements of %d accounts, %d", got.Count, got.Accounts, got.Sum)
	}
	if second, err := s.Movements(context.Background(), cairn.Everything, months("2023-04", "2023-05"), "", 1, 1); err != nil || len(second.Movements) != 1 || second.Movements[0].Name != "Acme" {
		t.Errorf("the second: %+v, %v", second, err)
	}
	one, err := s.Account(context.Background(), cairn.Everything, Query{}, id("acme"))
	if err != nil || len(one.Movements) != 2 || one.Movements[1].Kind != ledger.New || one.Sum != 121_89 {
		t.Errorf("all of Acme: %+v, %v", one, err)
	}
}

// TestBehindAFigureAreItsAccounts: the accounts of each figure add up to it.
func TestBehindAFigureAreItsAccounts(t *testing.T) {
	h := &house{
		contracts: append([]contract{
			{"gamma", "g1", []word{{"2023-06-01", "", `{"mrr":"70","renews":"2023-08-01"}`}}},
			{"gamma", "g2", []word{{"2023-06-01", "", `{"mrr":"7","renews":"2023-07-01"}`}}},
			{"delta", "d1", []word{{"2023-01-01", "", `{"mrr":"10","renews":"2023-07-01"}`}, {"2023-06-02", "", `{"cancelled_at":"2023-06-02"}`}}},
		}, toys...),
		risk: map[cairn.AccountID]Risk{id("gamma"): {Level: 30_000, Way: cairn.Falling}, id("beta"): {Level: 10_000}},
	}
	for f, want := range map[Figure]string{
		OfStart: "3 of 210.00, 160.00 kept", OfEnd: "3 of 237.00", OfKept: "3 of 210.00, 160.00 kept", OfLost: "1 of 50.00, 0.00 kept",
		OfEarly: "0", OfEligible: "2 of 200.00, 150.00 kept", OfRenewals: "1 due 77.00 in 2", OfRisk: "1 of 77.00",
	} {
		got, err := service(h).Behind(context.Background(), cairn.Everything, months("2023-05", "2023-06"), f, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(got.Count)
		switch {
		case f == OfEnd || f == OfRisk:
			text += " of " + ledger.Decimal(got.End, "EUR")
		case got.Dues > 0:
			text += fmt.Sprintf(" due %s in %d", ledger.Decimal(got.Due, "EUR"), got.Dues)
		case got.Count > 0:
			text += " of " + ledger.Decimal(got.Start, "EUR") + ", " + ledger.Decimal(got.Gross, "EUR") + " kept"
		}
		if text != want || len(got.List) != got.Count {
			t.Errorf("%s: %s (%d listed), want %s", f, text, len(got.List), want)
		}
	}
	if _, err := service(h).Behind(context.Background(), cairn.Everything, Query{}, "luck", 0, 10); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("a figure that is none: %v", err)
	}
}
