package outcome

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
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

// A shelf is a store of contracts and of what people said, and a book.
type shelf struct {
	book.Store
	facts map[cairn.EventKind][]cairn.Fact
	owner map[cairn.RecordID]cairn.AccountID
	keys  map[cairn.RecordID]string
	pages map[string]book.Revision
	n     int
	told  int // records of which the facts were asked for
}

func newShelf() *shelf {
	return &shelf{
		facts: map[cairn.EventKind][]cairn.Fact{}, owner: map[cairn.RecordID]cairn.AccountID{}, keys: map[cairn.RecordID]string{}, pages: map[string]book.Revision{},
	}
}

func account(name string) cairn.AccountID { return cairn.Space("").Account(name) }

// say adds what was said of a record on a day.
func (s *shelf) say(kind cairn.EventKind, who, key, day string, fields map[string]any) {
	at := mid(day)
	id := cairn.Space("").Record(kind, key)
	s.owner[id], s.keys[id] = account(who), key
	s.n++
	for name, v := range fields {
		b, _ := json.Marshal(v)
		s.facts[kind] = append(s.facts[kind], cairn.Fact{
			Kind: kind, Record: id, Field: name, Source: "crm", At: at, Seen: at, Event: cairn.EventID{ID: cairn.HashID(fmt.Sprint(s.n))}, Value: b,
		})
	}
}

func mid(day string) time.Time {
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		panic(err)
	}
	return t.Add(12 * time.Hour)
}

func dayOf(s string) cairn.Day { return cairn.DayOf(mid(s), time.UTC) }

func (s *shelf) Facts(_ context.Context, scope cairn.Scope, kind cairn.EventKind, f func(cairn.AccountID, cairn.RecordID, []cairn.Fact) error) error {
	var order []cairn.RecordID
	by := map[cairn.RecordID][]cairn.Fact{}
	for _, x := range s.facts[kind] {
		if by[x.Record] == nil {
			order = append(order, x.Record)
		}
		by[x.Record] = append(by[x.Record], x)
	}
	slices.SortStableFunc(order, func(a, b cairn.RecordID) int { return compareIDs(s.owner[a], s.owner[b]) })
	for _, id := range order {
		if !scope.Sees(s.owner[id]) {
			continue
		}
		s.told++
		if err := f(s.owner[id], id, by[id]); err != nil {
			return err
		}
	}
	return nil
}

func (s *shelf) Changes(_ context.Context, kind cairn.EventKind) (out [watch.Shards]int64, _ error) {
	for _, f := range s.facts[kind] {
		out[watch.ShardOf(s.owner[f.Record])]++
	}
	return out, nil
}

func (s *shelf) Stamps(_ context.Context, kind cairn.EventKind, some watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	out := map[cairn.AccountID]watch.Stamp{}
	for _, f := range s.facts[kind] {
		a := s.owner[f.Record]
		if slices.Compare(a.ID[:], some.From.ID[:]) >= 0 && (some.To.IsZero() || slices.Compare(a.ID[:], some.To.ID[:]) < 0) {
			stamp := out[a]
			stamp.Versions++
			out[a] = stamp
		}
	}
	return out, nil
}

func (s *shelf) RecordKeys(context.Context, cairn.Scope, cairn.EventKind) (map[cairn.RecordID]string, error) {
	return s.keys, nil
}

func (s *shelf) Standing(_ context.Context, _ cairn.Scope, ids []cairn.RecordID) ([]cairn.Record, error) {
	var out []cairn.Record
	for _, id := range ids {
		out = append(out, cairn.Record{ID: id, Fields: map[string]cairn.Said{"next_step": {Value: []byte(`"Call Ann"`)}}})
	}
	return out, nil
}

func (s *shelf) Several(_ context.Context, _ cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	out := map[cairn.AccountID]cairn.Account{}
	for _, id := range ids {
		out[id] = cairn.Account{ID: id, Name: "Account " + id.String()[:4], Owner: "ada@cairn.example"}
	}
	return out, nil
}

func (s *shelf) Traits(_ context.Context, _ cairn.Scope, field string) (map[cairn.AccountID]string, error) {
	return map[cairn.AccountID]string{account("acme"): field + " of Acme"}, nil
}

func (s *shelf) Page(_ context.Context, page string) (book.Revision, error) {
	if r, ok := s.pages[page]; ok {
		return r, nil
	}
	return book.Revision{}, cairn.Errorf(cairn.NotFound, "There is no such page.")
}

func (s *shelf) Pages(_ context.Context, prefix string) (out []book.Revision, _ error) {
	for name, r := range s.pages {
		if strings.HasPrefix(name, prefix) {
			out = append(out, r)
		}
	}
	return out, nil
}

func (s *shelf) Write(_ context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (book.Revision, error) {
	if _, ok := s.pages[page]; ok {
		return book.Revision{}, cairn.Errorf(cairn.Conflict, "The page has moved on.")
	}
	s.pages[page] = book.Revision{Page: page, Rev: base + 1, At: at, By: by, Note: note, Body: body}
	return s.pages[page], nil
}

// desk returns what asks about the shelf on a day.
func (s *shelf) desk(today string) *Renewals {
	return &Renewals{Store: s, Book: s, Basis: func(_ context.Context, known time.Time) (revenue.Basis, error) {
		at := mid(today)
		if !known.IsZero() {
			at = known
		}
		return revenue.Basis{
			Policy: ledger.Presets[0], Reader: ledger.Reader{Zone: time.UTC, Currency: "EUR", Known: known}, Rates: ledger.NewRates("EUR", nil),
			Currency: "EUR", At: at, Today: cairn.DayOf(at, time.UTC), Mark: today,
		}, nil
	}}
}

// yearly signs a contract for a year, again and again, until it is lost.
func (s *shelf) yearly(who, start string, times int, lost bool) {
	from := mid(start)
	key := "con-" + who
	s.say(cairn.OfContract, who, key, start, map[string]any{"mrr": "100.00", "start": start, "renews": from.AddDate(1, 0, 0).Format(time.DateOnly), "status": "active", "product": "Team", "auto_renew": true})
	for i := range times {
		day := from.AddDate(i+1, 0, 0)
		s.say(cairn.OfContract, who, key, day.Format(time.DateOnly), map[string]any{"renews": day.AddDate(1, 0, 0).Format(time.DateOnly)})
	}
	if lost {
		s.say(cairn.OfContract, who, key, from.AddDate(times+1, 0, 0).Format(time.DateOnly), map[string]any{"status": "cancelled"})
	}
}

// company is 20 customers with a past of two years, of whom 4 were lost, and
// Acme, who comes up on 15 May 2026.
func company() *shelf {
	s := newShelf()
	for i := range 20 {
		s.yearly(fmt.Sprintf("c%02d", i), fmt.Sprintf("2023-%02d-10", 1+i%12), 1, i%5 == 0)
	}
	s.yearly("acme", "2024-05-15", 1, false)
	return s
}

func board(t *testing.T, r *Renewals, q RenewalQuery) Board {
	t.Helper()
	b, err := r.Renewals(t.Context(), cairn.Everything, q)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func find(t *testing.T, b Board, contract string) Renewal {
	t.Helper()
	for _, r := range b.Rows {
		if r.Contract == contract {
			return r
		}
	}
	t.Fatalf("%s is not among %d rows", contract, len(b.Rows))
	return Renewal{}
}

func quarter(t *testing.T, text string) Quarter {
	t.Helper()
	q, err := ParseQuarter(text)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestAQuarterReadsAsItIsWritten(t *testing.T) {
	for _, s := range []string{"2026-Q1", "2026-Q4", "1999-Q3"} {
		if q := quarter(t, s); q.String() != s || QuarterOf(q.First()) != q || QuarterOf(q.Last()) != q || QuarterOf(q.Last()+1) != q+1 {
			t.Errorf("%s is %v, %v to %v", s, q, q.First(), q.Last())
		}
	}
	for _, s := range []string{"", "2026", "2026-Q5", "2026-Q0", "2026-Q1x", "26-Q1", "2026-q1"} {
		if _, err := ParseQuarter(s); cairn.KindOf(err) != cairn.Invalid {
			t.Errorf("%q is taken: %v", s, err)
		}
	}
}

func TestTheChanceIsTakenFromComparableContracts(t *testing.T) {
	b := board(t, company().desk("2026-03-01"), RenewalQuery{Quarter: quarter(t, "2026-Q2")})
	r := find(t, b, "con-acme")
	if !r.Open || r.Original != 100_00 || r.Due != dayOf("2026-05-15") || r.Days() != 75 {
		t.Errorf("%+v", r.Renewal)
	}
	// 21 came up after a year, and 4 of 20 were lost after two: all renewed but
	// those that were lost in their second year, of which 12 or more are known.
	if !r.Estimate.Known || r.Estimate.Of < 12 || r.Estimate.Chance < 0.6 || r.Estimate.Chance > 0.95 || !strings.Contains(r.Estimate.Why(), " yearly contracts ") {
		t.Errorf("%+v: %s", r.Estimate, r.Estimate.Why())
	}
	// As of a day on which nobody had come up yet, nothing is said.
	early := board(t, company().desk("2026-03-01"), RenewalQuery{Quarter: quarter(t, "2024-Q1"), At: mid("2023-12-20")})
	if early.Of != 0 || len(early.Rows) == 0 || early.Rows[0].Estimate.Known || early.Total.Outlook.Unknown != early.Total.Original {
		t.Errorf("%d cases, %+v", early.Of, early.Total)
	}
}

func TestAQuarterAddsUp(t *testing.T) {
	s := company()
	d := s.desk("2026-03-01")
	for q := quarter(t, "2023-Q4"); q <= quarter(t, "2026-Q4"); q++ {
		b := board(t, d, RenewalQuery{Quarter: q})
		o := b.Total.Outlook
		if b.Total.Booked+b.Total.Lost > b.Total.Original || o.Worst != b.Total.Booked || o.Best != b.Total.Original-b.Total.Lost || o.Low > o.High || o.Expected > o.Best || o.Expected < o.Worst {
			t.Errorf("%v: %+v", q, b.Total)
		}
		var months, count int64
		for _, m := range b.Months {
			months += m.Original
			count += int64(m.Count)
		}
		if months != b.Total.Original || int(count) != len(b.Rows) {
			t.Errorf("%v: months come to %d of %d", q, months, b.Total.Original)
		}
	}
}

func TestPeopleSayWhatTheyThinkAndModelAndPeopleDiffer(t *testing.T) {
	s := company()
	s.say(cairn.OfRenewal, "acme", "deal-1", "2026-02-01", map[string]any{"contract": "con-acme", "due": "2026-05-20", "probability": 20, "owner": "bo@cairn.example", "next_step_due": "2026-03-10"})
	d := s.desk("2026-03-01")
	b := board(t, d, RenewalQuery{Quarter: quarter(t, "2026-Q2")})
	r := find(t, b, "con-acme")
	if !r.Differs() || r.Disagreement() >= 0 || r.Owner != "bo@cairn.example" || r.Needs() != "call" || r.Human.Next != "Call Ann" {
		t.Errorf("%+v, needs %q", r.Human, r.Needs())
	}
	if b.Total.Called != 1 || b.Total.Human >= b.Total.Outlook.Expected {
		t.Errorf("%+v", b.Total)
	}
	for show, want := range map[string]int{"disagree": 1, "closed": 0, "call": len(b.Rows), "contradicted": 0} {
		if got := board(t, d, RenewalQuery{Quarter: b.Quarter, Show: show}); len(got.Rows) != want || got.All != len(b.Rows) {
			t.Errorf("%s: %d rows, want %d", show, len(got.Rows), want)
		}
	}
	for q, want := range map[RenewalQuery]int{{Owner: "bo@cairn.example"}: 1, {Owner: "-"}: 0, {Field: "industry", Value: "industry of acme"}: 1} {
		q.Quarter = b.Quarter
		if got := board(t, d, q); len(got.Rows) != want {
			t.Errorf("%+v: %d rows, want %d", q, len(got.Rows), want)
		}
	}
	// Before they said so, they had said nothing.
	if r := find(t, board(t, d, RenewalQuery{Quarter: b.Quarter, At: mid("2026-01-15")}), "con-acme"); r.Human.Chance != nil {
		t.Errorf("%+v", r.Human)
	}
}

func TestWhatContractsSayCountsAndContradictionsAreShown(t *testing.T) {
	for _, c := range []struct {
		name          string
		contract      map[string]any // said on its day; nil: nothing
		said          map[string]any
		today         string
		outcome       string
		booked        int64
		contradiction bool
	}{
		{"nobody says anything", nil, nil, "2026-05-01", "", 0, false},
		{"people say so before its day", nil, map[string]any{"outcome": "upsell", "booked": "150.00"}, "2026-05-01", Upsell, 150_00, false},
		{"people say it is lost before its day", nil, map[string]any{"outcome": "loss"}, "2026-05-01", Loss, 0, false},
		{"contracts say so", map[string]any{"renews": "2027-05-15", "mrr": "120.00"}, nil, "2026-06-01", Upsell, 120_00, false},
		{"contracts say less", map[string]any{"renews": "2027-05-15", "mrr": "80.00"}, nil, "2026-06-01", Downsell, 80_00, false},
		{"both say the same", map[string]any{"status": "cancelled"}, map[string]any{"outcome": "loss"}, "2026-06-01", Loss, 0, false},
		{"people say it is lost, and it goes on", map[string]any{"renews": "2027-05-15"}, map[string]any{"outcome": "loss"}, "2026-06-01", Renewed, 100_00, true},
		{"people say another amount", map[string]any{"renews": "2027-05-15", "mrr": "120.00"}, map[string]any{"outcome": "upsell", "booked": "130.00"}, "2026-06-01", Upsell, 120_00, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := company()
			if c.contract != nil {
				s.say(cairn.OfContract, "acme", "con-acme", "2026-05-15", c.contract)
			}
			if c.said != nil {
				c.said["contract"], c.said["due"] = "con-acme", "2026-05-15"
				s.say(cairn.OfRenewal, "acme", "deal-1", "2026-04-20", c.said)
			}
			r := find(t, board(t, s.desk(c.today), RenewalQuery{Quarter: quarter(t, "2026-Q2")}), "con-acme")
			outcome, booked := r.Outcome()
			if outcome != c.outcome || booked != c.booked || r.Contradicted() != c.contradiction || r.Closed() != (c.outcome != "") {
				t.Errorf("%s with %d, contradiction %v", outcome, booked, r.Contradicted())
			}
		})
	}
}

func TestNoticeDaysAreCountedBackAndAWarningComesWhenTheyPass(t *testing.T) {
	s := company()
	s.say(cairn.OfContract, "acme", "con-acme", "2025-05-16", map[string]any{"notice_days": 60, "paper": "customer", "price_lock": "2027-01-01"})
	r := find(t, board(t, s.desk("2026-03-12"), RenewalQuery{Quarter: quarter(t, "2026-Q2")}), "con-acme")
	if r.By != dayOf("2026-03-16") || r.Unheard() || r.Paper != "customer" || r.Lock != dayOf("2027-01-01") {
		t.Errorf("%v %v %s %v", r.By, r.Unheard(), r.Paper, r.Lock)
	}
	if b := board(t, s.desk("2026-03-12"), RenewalQuery{Quarter: quarter(t, "2026-Q2")}); b.Passing != 1 {
		t.Errorf("%d pass this week", b.Passing)
	}
	if b := board(t, s.desk("2026-03-20"), RenewalQuery{Quarter: quarter(t, "2026-Q2"), Show: "notice"}); len(b.Rows) != 1 {
		t.Errorf("%d rows are unheard of", len(b.Rows))
	}
}

func TestFromMonthToMonthIsAPoolAndNoRow(t *testing.T) {
	s := company()
	s.say(cairn.OfContract, "loose", "con-loose", "2025-01-05", map[string]any{"mrr": "50.00", "start": "2025-01-05", "month_to_month": true})
	s.say(cairn.OfContract, "left", "con-left", "2025-01-05", map[string]any{"mrr": "50.00", "start": "2025-01-05", "month_to_month": true})
	s.say(cairn.OfContract, "left", "con-left", "2025-06-05", map[string]any{"status": "cancelled"})
	b := board(t, s.desk("2026-03-01"), RenewalQuery{Quarter: quarter(t, "2026-Q1")})
	p := b.Pool
	if p.Count != 1 || p.MRR != 50_00 || p.Kept != 13+4 || p.Of != 13+5 || p.Months != 1 || p.Left.Expected >= 50_00 || p.Left.Expected < 45_00 || p.Left.Low > p.Left.High {
		t.Errorf("%+v", p)
	}
}

func TestWhatIsSaidIsCheckedAndHasAWayBack(t *testing.T) {
	d := company().desk("2026-03-01")
	r, b, err := d.Find(t.Context(), cairn.Everything, "con-acme", 0)
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) *string { return &s }
	p, err := r.Say(b.Currency, Saying{Probability: text("80"), Next: text("Call Ann"), NextDue: text("2026-03-09"), Outcome: text("upsell"), Booked: text("120.5")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"contract": r.Record.String(), "due": "2026-05-15", "amount": "100.00", "currency": "EUR", "probability": 80, "next_step": "Call Ann",
		"next_step_due": "2026-03-09", "outcome": "upsell", "booked": "120.5", "closed": "2026-03-01",
	}
	if diff := cmp.Diff(want, p.Fields); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	back, err := r.Say(b.Currency, p.Before)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"probability", "next_step", "next_step_due", "outcome", "booked", "closed"} {
		if v, ok := back.Fields[field]; !ok || v != nil {
			t.Errorf("the way back says %v of %s", v, field)
		}
	}
	if _, ok := back.Fields["owner"]; ok {
		t.Error("the way back says something of the owner")
	}
	for field, say := range map[string]Saying{
		"probability": {Probability: text("101")}, "forecast": {Forecast: text("1e9")}, "booked": {Outcome: text("downsell"), Booked: text("100")},
		"outcome": {Outcome: text("maybe")}, "next_step_due": {Next: text("Call")}, "next_step": {NextDue: text("2026-04-01")},
	} {
		_, err := r.Say(b.Currency, say)
		if e, ok := err.(*cairn.Error); !ok || e.Field != field || e.Kind != cairn.Invalid {
			t.Errorf("%s: %v", field, err)
		}
	}
	if _, err := r.Say(b.Currency, Saying{Outcome: text("upsell")}); err == nil {
		t.Error("an upsell needs an amount")
	}
	if _, _, err := d.Find(t.Context(), cairn.Everything, "con-none", 0); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("there is no such contract: %v", err)
	}
	if same, _, err := d.Find(t.Context(), cairn.Everything, r.Record.String(), dayOf("2026-05-15")); err != nil || same.Due != r.Due {
		t.Errorf("by its id: %+v, %v", same.Renewal, err)
	}
	if _, _, err := d.Find(t.Context(), cairn.Scope{}, "con-acme", 0); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("who may see nothing finds it: %v", err)
	}
}

func TestForecastsAreWrittenDownOnceAndGradedAsTheyWere(t *testing.T) {
	s := company()
	s.say(cairn.OfRenewal, "c05", "deal-5", "2024-12-01", map[string]any{"contract": "con-c05", "due": "2025-06-10", "probability": 90})
	s.say(cairn.OfRenewal, "c06", "deal-6", "2024-12-01", map[string]any{"contract": "con-c06", "due": "2025-07-10", "probability": 95})
	k := &Keeper{Renewals: s.desk("2025-04-03"), Leads: func() bool { return true }, Zone: func() *time.Location { return time.UTC }}
	for i, want := range []bool{true, false} {
		if done, err := k.Beat(t.Context(), mid("2025-04-03")); err != nil || done != want {
			t.Fatalf("beat %d: %v, %v", i, done, err)
		}
	}
	if next, _ := k.Next(t.Context()); !next.Equal(time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("it comes again at %v", next)
	}
	again := &Keeper{Renewals: s.desk("2025-04-09"), Leads: k.Leads, Zone: k.Zone}
	if done, err := again.Beat(t.Context(), mid("2025-04-09")); err != nil || done {
		t.Fatalf("it is written twice: %v, %v", done, err)
	}
	// What the book says counts, even if it is worked out otherwise today.
	page := s.pages[SnapshotPages+"2025-Q2"]
	var snap Snapshot
	if err := json.Unmarshal(page.Body, &snap); err != nil {
		t.Fatal(err)
	}
	for i := range snap.Rows {
		half := 0.5
		snap.Rows[i].Chance = &half
	}
	snap.Outlook.Expected = 123
	page.Body, _ = json.Marshal(snap)
	s.pages[page.Page] = page

	g, err := s.desk("2026-03-01").Grades(t.Context(), cairn.Everything, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	var written, not *Grade
	for i := range g.Quarters {
		switch g.Quarters[i].Quarter.String() {
		case "2025-Q2":
			written = &g.Quarters[i]
		case "2025-Q1":
			not = &g.Quarters[i]
		}
	}
	if written == nil || written.Made.IsZero() || written.Outlook.Expected != 123 || math.Abs(*written.Scores.Model-0.25) > 1e-12 || written.Scores.Called != 1 || math.Abs(*written.Scores.Human-0.81) > 1e-9 {
		t.Errorf("%+v", written)
	}
	if not == nil || !not.Made.IsZero() || not.Renewals == 0 || not.Booked > not.Original || not.Renewed > not.Renewals {
		t.Errorf("%+v", not)
	}
	total := 0
	for _, b := range g.Model {
		total += b.N
	}
	if total != g.All.Count || g.All.Called != 2 || len(g.Human) == 0 {
		t.Errorf("%d of %+v are in bins", total, g.All)
	}
	if early, err := s.desk("2026-03-01").Grades(t.Context(), cairn.Everything, mid("2025-03-01")); err != nil || len(early.Quarters) > 0 && early.Quarters[0].Quarter >= quarter(t, "2025-Q1") {
		t.Errorf("as of then: %+v, %v", early.Quarters, err)
	}
}

func TestFiguresSayWhatTheBoardDoes(t *testing.T) {
	b := board(t, company().desk("2026-03-01"), RenewalQuery{Quarter: quarter(t, "2026-Q2"), Sort: "-amount"})
	f := b.Figures()
	body, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"quarter":"2026-Q2"`, `"original":"100.00"`, `"original_year":"1200.00"`, `"booked":null`, `"contract":"con-acme"`, `"problems":[]`} {
		if !strings.Contains(string(body), want) {
			t.Errorf("the figures do not say %s", want)
		}
	}
	for field, q := range map[string]RenewalQuery{"show": {Show: "all"}, "sort": {Sort: "luck"}, "field": {Value: "x"}} {
		_, err := company().desk("2026-03-01").Renewals(t.Context(), cairn.Everything, q)
		if e, ok := err.(*cairn.Error); !ok || e.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestAFilterNarrowsRenewalsAndThePoolAlike(t *testing.T) {
	s := company()
	d := s.desk("2026-03-01")
	all := board(t, d, RenewalQuery{Quarter: quarter(t, "2026-Q2")})
	only := find(t, all, "con-acme").Account
	d.Among = func(_ context.Context, scope cairn.Scope, where string, f func(func(cairn.AccountID) bool) error) error {
		return f(func(a cairn.AccountID) bool { return scope.Sees(a) && a == only && where == "segment:big" })
	}
	some := board(t, d, RenewalQuery{Quarter: all.Quarter, Where: "segment:big"})
	if len(some.Rows) != 1 || some.Rows[0].Account != only || some.All != 1 || some.Pool.Count > all.Pool.Count {
		t.Errorf("%d rows of %d, pool of %d", len(some.Rows), some.All, some.Pool.Count)
	}
	if some.Kept != all.Kept || some.Of != all.Of {
		t.Error("what is comparable depends on whom one looks at")
	}
}

func TestWhatChangedIsReadAgainAndNothingElse(t *testing.T) {
	s := company()
	kept := s.desk("2026-03-01")
	q := RenewalQuery{Quarter: quarter(t, "2026-Q2")}
	board(t, kept, q)
	dice := rand.New(rand.NewPCG(4, 2))
	for i := range 40 {
		who := fmt.Sprintf("c%02d", dice.IntN(20))
		switch dice.IntN(4) {
		case 0:
			s.yearly(who, fmt.Sprintf("2024-%02d-11", 1+dice.IntN(12)), 1, false)
		case 1:
			s.say(cairn.OfContract, who, "con-"+who, fmt.Sprintf("2026-02-%02d", 1+dice.IntN(25)), map[string]any{"mrr": fmt.Sprint(50 + dice.IntN(500))})
		case 2:
			s.say(cairn.OfContract, who, "con-"+who, "2026-02-27", map[string]any{"status": "cancelled"})
		case 3:
			s.say(cairn.OfRenewal, who, "r-"+who, fmt.Sprintf("2026-02-%02d", 1+dice.IntN(25)), map[string]any{"contract": "con-" + who, "probability": dice.IntN(100)})
		}
		s.told = 0
		got := board(t, kept, q)
		if s.told > 30 {
			t.Fatalf("after step %d facts of %d records were read", i, s.told)
		}
		if diff := cmp.Diff(board(t, s.desk("2026-03-01"), q), got, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Fatalf("after step %d a fresh reading differs (-fresh +kept)\n%s", i, diff)
		}
	}
}
