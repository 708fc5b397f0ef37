package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/watch"
)

var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

func day(text string) cairn.Day {
	t, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return cairn.Day(t.Unix() / 86400)
}

// A desk is the store of what was said of some accounts.
type desk struct {
	said    []Stated
	changes map[cairn.AccountID]int64
	reads   int
}

func account(name string) cairn.AccountID { return cairn.Space("").Account(name) }

// say adds that a source said something of a record on a day.
func (d *desk) say(kind cairn.EventKind, of, key, on, fields string, seen ...string) {
	at := day(on).Start(time.UTC).Add(9 * time.Hour)
	id := cairn.Space("").Record(kind, key)
	if kind == cairn.OfAccount {
		id = account(of).Record()
	}
	i := slices.IndexFunc(d.said, func(s Stated) bool { return s.Record == id })
	if i < 0 {
		i = len(d.said)
		d.said = append(d.said, Stated{Kind: kind, Account: account(of), Record: id, Key: key})
	}
	known := at
	if len(seen) > 0 {
		known = day(seen[0]).Start(time.UTC)
	}
	var props map[string]json.RawMessage
	if err := json.Unmarshal([]byte(fields), &props); err != nil {
		panic(err)
	}
	for name, v := range props {
		d.said[i].Facts = append(d.said[i].Facts, cairn.Fact{Kind: kind, Record: id, Field: name, Source: "billing", At: at, Seen: known, Event: cairn.EventID{ID: cairn.HashID(on, fields)}, Value: v})
	}
	if d.changes == nil {
		d.changes = map[cairn.AccountID]int64{}
	}
	d.changes[account(of)]++
}

func (d *desk) Stated(_ context.Context, scope cairn.Scope, kind cairn.EventKind, _ []string, f func(Stated) error) error {
	for _, s := range d.said {
		if s.Kind == kind && scope.Sees(s.Account) {
			d.reads++
			if err := f(s); err != nil {
				return err
			}
		}
	}
	return nil
}

// Changes and Stamps tell of invoices only, whatever was said of.
func (d *desk) Changes(_ context.Context, kind cairn.EventKind) (out [watch.Shards]int64, _ error) {
	if kind == cairn.OfInvoice {
		for id, n := range d.changes {
			out[watch.ShardOf(id)] += n
		}
	}
	return out, nil
}

func (d *desk) Stamps(_ context.Context, kind cairn.EventKind, some watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	out := map[cairn.AccountID]watch.Stamp{}
	for id, n := range d.changes {
		if kind == cairn.OfInvoice && slices.Compare(id.ID[:], some.From.ID[:]) >= 0 && (some.To.IsZero() || slices.Compare(id.ID[:], some.To.ID[:]) < 0) {
			out[id] = watch.Stamp{Records: 1, Versions: n}
		}
	}
	return out, nil
}

func (d *desk) AccountsByID(_ context.Context, scope cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	out := map[cairn.AccountID]cairn.Account{}
	for _, id := range ids {
		if scope.Sees(id) {
			out[id] = cairn.Account{ID: id}
		}
	}
	return out, nil
}

func (d *desk) service(rates ...ledger.Rate) *Service {
	return &Service{Store: d, Now: func() time.Time { return noon }, Settings: func() Settings {
		return Settings{Zone: time.UTC, Currency: "EUR", Rates: rates}
	}}
}

// lines writes findings so that they can be compared.
func lines(t *testing.T, d *desk, at time.Time) []string {
	t.Helper()
	r, err := d.service().Report(context.Background(), cairn.Everything, at)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{}
	for _, k := range Kinds {
		for _, f := range r.Findings(k) {
			text := fmt.Sprintf("%s %s %s %dd %s", f.Kind, f.Key, f.Amount, f.Days, f.On)
			if f.Times > 0 {
				text += fmt.Sprintf(" %d times, paid %v", f.Times, f.Paid)
			}
			if f.Status != "" {
				text += " " + f.Status
			}
			out = append(out, text)
		}
	}
	return out
}

func TestWhatKeepsCustomersFromPaying(t *testing.T) {
	d := &desk{}
	d.say(cairn.OfInvoice, "acme", "late", "2026-01-10", `{"amount":"99.50","issued":"2026-01-10","due":"2026-02-09","status":"open"}`)
	d.say(cairn.OfInvoice, "acme", "due today", "2026-03-01", `{"amount":"5","due":"2026-03-31"}`)
	d.say(cairn.OfInvoice, "acme", "paid", "2026-01-10", `{"amount":"7","due":"2026-02-09","status":"paid","paid_at":"2026-02-20"}`)
	d.say(cairn.OfInvoice, "acme", "void", "2026-01-10", `{"amount":"7","due":"2026-02-09","status":"void"}`)
	d.say(cairn.OfInvoice, "beta", "failing", "2026-03-01", `{"amount":"20","due":"2026-04-10","status":"open","failed_payments":0}`)
	d.say(cairn.OfInvoice, "beta", "failing", "2026-03-11", `{"failed_payments":1}`)
	d.say(cairn.OfInvoice, "beta", "failing", "2026-03-21", `{"failed_payments":2,"status":"failed"}`)
	d.say(cairn.OfInvoice, "beta", "recovered", "2026-02-01", `{"amount":"30","due":"2026-02-15","failed_payments":1}`)
	d.say(cairn.OfInvoice, "beta", "recovered", "2026-02-19", `{"status":"paid","paid_at":"2026-02-19"}`)
	d.say(cairn.OfInvoice, "beta", "long ago", "2025-11-01", `{"amount":"30","failed_payments":1,"status":"paid"}`)
	d.say(cairn.OfInvoice, "gamma", "disputed", "2026-03-29", `{"amount":"8","due":"2026-03-20","status":"disputed"}`)
	d.say(cairn.OfContract, "gamma", "given up", "2026-03-30", `{"mrr":"10","status":"unpaid"}`)
	want := []string{
		"late late 99.50 EUR 50d 2026-02-09",
		"failed recovered 30.00 EUR 58d 2026-02-01 1 times, paid true",
		"failed failing 20.00 EUR 10d 2026-03-21 2 times, paid false",
		"stopped disputed 8.00 EUR 2d 2026-03-29 disputed",
		"stopped given up 0.00 1d 2026-03-30 unpaid",
	}
	if diff := cmp.Diff(want, lines(t, d, time.Time{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestThePastIsAsItWasKnownThen(t *testing.T) {
	d := &desk{}
	d.say(cairn.OfInvoice, "acme", "inv", "2026-01-01", `{"amount":"10","due":"2026-01-15","status":"open"}`)
	d.say(cairn.OfInvoice, "acme", "inv", "2026-02-01", `{"status":"paid","paid_at":"2026-02-01"}`, "2026-02-20") // told late
	at := func(text string) time.Time { return day(text).End(time.UTC) }
	for when, want := range map[string][]string{
		"2026-01-10": {}, "2026-01-20": {"late inv 10.00 EUR 5d 2026-01-15"},
		"2026-02-10": {"late inv 10.00 EUR 26d 2026-01-15"}, "2026-02-21": {},
	} {
		if diff := cmp.Diff(want, lines(t, d, at(when))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", when, diff)
		}
	}
}

func TestACardThatExpiresNamesTheInvoicesThatFallAfterIt(t *testing.T) {
	d := &desk{}
	d.say(cairn.OfAccount, "acme", "acme", "2026-01-01", `{"card_expires":"2026-04","payment_method":"card"}`)
	d.say(cairn.OfContract, "acme", "con", "2026-01-01", `{"mrr":"40","start":"2026-01-01"}`)
	d.say(cairn.OfInvoice, "acme", "one", "2026-01-05", `{"amount":"120","issued":"2026-01-05","due":"2026-01-19","status":"paid"}`)
	d.say(cairn.OfInvoice, "acme", "two", "2026-03-28", `{"amount":"123","issued":"2026-03-28","due":"2026-05-02"}`)
	d.say(cairn.OfAccount, "beta", "beta", "2026-01-01", `{"card_expires":"2026-04","payment_method":"transfer"}`) // the card is not what pays
	d.say(cairn.OfContract, "beta", "con b", "2026-01-01", `{"mrr":"40"}`)
	d.say(cairn.OfAccount, "gone", "gone", "2026-01-01", `{"card_expires":"2026-04"}`)
	d.say(cairn.OfContract, "gone", "con g", "2026-01-01", `{"mrr":"40","end":"2026-02-01"}`)
	d.say(cairn.OfContract, "own", "con o", "2026-01-01", `{"mrr":"40","card_expires":"2026-02"}`)
	d.say(cairn.OfAccount, "later", "later", "2026-01-01", `{"card_expires":"2026-07"}`)
	r, err := d.service().Report(context.Background(), cairn.Everything, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	cards := r.Findings(Card)
	if len(cards) != 2 || cards[0].Account != account("own") || cards[0].Days != -31 || cards[1].Account != account("acme") || cards[1].Days != 30 {
		t.Fatalf("%+v", cards)
	}
	want := []Charge{
		{On: day("2026-05-02"), Amount: cairn.Money{Minor: 12300, Currency: "EUR"}, Key: "two"},
		{On: day("2026-06-28"), Amount: cairn.Money{Minor: 12300, Currency: "EUR"}, Every: "3 months"},
	}
	if diff := cmp.Diff(want, cards[1].Next); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if next := cards[0].Next; len(next) != 1 || next[0].Amount.Minor != 4000 || next[0].Every != "month" {
		t.Errorf("without invoices: %+v", next)
	}
}

func TestMoneyOfAnotherCurrencyStandsApartWithoutARate(t *testing.T) {
	d := &desk{}
	d.say(cairn.OfInvoice, "acme", "a", "2026-01-01", `{"amount":"10","due":"2026-01-15"}`)
	d.say(cairn.OfInvoice, "acme", "b", "2026-01-01", `{"amount":"10","due":"2026-03-01","currency":"USD"}`)
	d.say(cairn.OfInvoice, "acme", "c", "2026-01-01", `{"amount":"1000","due":"2026-03-25","currency":"JPY"}`)
	s := d.service(ledger.Rate{Currency: "USD", Num: 1, Den: 4})
	r, err := s.Report(context.Background(), cairn.Everything, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	want := Sum{Money: cairn.Money{Minor: 1250, Currency: "EUR"}, Apart: []cairn.Money{{Minor: 1000, Currency: "JPY"}}}
	if diff := cmp.Diff(want, r.Sum(r.Findings(Late))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	var counts []int
	for _, a := range r.Ageing(r.Findings(Late)) {
		counts = append(counts, len(a.Findings))
	}
	if diff := cmp.Diff([]int{2, 0, 1, 0}, counts); diff != "" {
		t.Errorf("ages (-want +got):\n%s", diff)
	}
}

// TestWhatIsRememberedIsWhatWouldBeFound: after any changes, what is mended is
// what a service without a memory finds.
func TestWhatIsRememberedIsWhatWouldBeFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &desk{}
		s := d.service()
		for range rapid.IntRange(1, 5).Draw(t, "rounds") {
			for range rapid.IntRange(0, 4).Draw(t, "changes") {
				n := rapid.IntRange(0, 9).Draw(t, "invoice")
				d.say(cairn.OfInvoice, fmt.Sprint("a", n%3), fmt.Sprint("inv", n), day("2026-01-01").String(),
					rapid.SampledFrom([]string{`{"amount":"10","due":"2026-02-01"}`, `{"status":"paid"}`, `{"status":"disputed"}`, `{"failed_payments":2}`, `{"due":"2026-03-30"}`}).Draw(t, "patch"))
			}
			got, err := s.Report(context.Background(), cairn.Everything, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			want, err := d.service().Report(context.Background(), cairn.Everything, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want.Customers, got.Customers); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
		}
	})
}

func TestOnlyWhatChangedIsReadAgain(t *testing.T) {
	d := &desk{}
	for i := range 50 {
		d.say(cairn.OfInvoice, fmt.Sprint("a", i), fmt.Sprint("inv", i), "2026-01-01", `{"amount":"10","due":"2026-02-01"}`)
	}
	s := d.service()
	read := func(want int) {
		t.Helper()
		r, err := s.Report(context.Background(), cairn.Everything, time.Time{})
		if err != nil || len(r.Customers) != 50 || d.reads != want {
			t.Fatalf("%d customers after %d reads, want %d; %v", len(r.Customers), d.reads, want, err)
		}
	}
	read(50)
	read(50)
	d.say(cairn.OfInvoice, "a7", "inv7", "2026-02-03", `{"status":"paid"}`)
	read(51)
}

func TestTheScopeDecidesWhoIsSeen(t *testing.T) {
	d := &desk{}
	d.say(cairn.OfInvoice, "acme", "a", "2026-01-01", `{"amount":"10","due":"2026-01-15"}`)
	d.say(cairn.OfInvoice, "beta", "b", "2026-01-01", `{"amount":"10","due":"2026-01-15"}`)
	only := cairn.Scope{Accounts: []cairn.AccountID{account("beta")}}
	for _, at := range []time.Time{{}, noon} {
		r, err := d.service().Report(context.Background(), only, at)
		if err != nil || len(r.Customers) != 1 || r.Customers[0].Account != account("beta") {
			t.Errorf("%+v, %v", r.Customers, err)
		}
	}
}
