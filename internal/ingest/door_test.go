package ingest

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
)

func admit(t *testing.T, d *Door, src Source, recs ...Record) []Verdict {
	t.Helper()
	v, err := d.Admit(context.Background(), src, recs)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestOneBadRecordDoesNotHoldUpTheOthers(t *testing.T) {
	d, m := newDoor()
	got := admit(t, d, shop,
		Record{Index: 0, Kind: cairn.Track, Name: "Report Created", ID: "1", Keys: cairn.Keys{Account: "acme"}},
		Record{Index: 1, Kind: cairn.OfContract, ID: "2", Keys: cairn.Keys{Account: "acme", Record: "c-1"}, Props: map[string]any{"mrr": "a lot"}},
		Record{Index: 2, Kind: cairn.Track, Name: "Report Created", ID: "3", Keys: cairn.Keys{Account: "acme"}, At: now.AddDate(0, 0, -1)},
		Record{Index: 3, Kind: cairn.Track, Name: "Report Created", ID: "1", Keys: cairn.Keys{Account: "acme"}},
	)
	id := func(of string) cairn.EventID { return cairn.EventID{ID: cairn.HashID("event", "segment", of)} }
	want := []Verdict{
		{Index: 0, Status: Accepted, ID: id("1")},
		{Index: 1, Status: Rejected, Code: CodeNumber, Field: "mrr", Reason: "It is not an amount: a plain decimal number such as 1204.50 is needed."},
		{Index: 2, Status: Late, ID: id("3")},
		{Index: 3, Status: Duplicate, ID: id("1")},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
	arrival := Arrival{Source: "segment", Hour: now, Rejected: 1, Last: now} // the others are counted where they are appended
	if diff := cmp.Diff([]Arrival{arrival}, m.arrivals); diff != "" {
		t.Errorf("arrivals (-want +got):\n%s", diff)
	}
	if len(m.rejects) != 1 || m.rejects[0].Field != "mrr" || !strings.Contains(m.rejects[0].Body, "a lot") {
		t.Errorf("the refused record is not kept: %+v", m.rejects)
	}
}

func TestEveryReasonToRefuseNamesItsField(t *testing.T) {
	acme := cairn.Keys{Account: "acme"}
	of := func(kind cairn.EventKind, props map[string]any) Record {
		return Record{Kind: kind, Keys: cairn.Keys{Account: "acme", Person: "u-1", Record: "r-1"}, Props: props}
	}
	for _, c := range []struct {
		name  string
		rec   Record
		field string
	}{
		{"unknown kind", Record{Kind: "rumour", Keys: acme}, "kind"},
		{"track without a name", Record{Kind: cairn.Track, Keys: acme}, "name"},
		{"blank name", Record{Kind: cairn.Track, Name: " ", Keys: acme}, "name"},
		{"no key", Record{Kind: cairn.Track, Name: "x"}, "keys"},
		{"id of 100 characters", Record{Kind: cairn.Track, Name: "x", Keys: acme, ID: strings.Repeat("é", 100)}, "id"},
		{"negative count", Record{Kind: cairn.Track, Name: "x", Keys: acme, N: -1}, "n"},
		{"account without its key", Record{Kind: cairn.OfAccount, Keys: cairn.Keys{Person: "u-1"}}, "account"},
		{"person without a key", Record{Kind: cairn.OfPerson, Keys: acme}, "person"},
		{"contract without an id", Record{Kind: cairn.OfContract, Keys: acme}, "record"},
		{"alias without the previous key", Record{Kind: cairn.Alias, Keys: cairn.Keys{Person: "u-1"}}, "previous"},
		{"key with a zero byte", Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "a\x00b"}}, "account"},
		{"key too long", Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Person: strings.Repeat("k", 256)}}, "person"},
		{"key that is not UTF-8", Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Person: "\xff"}}, "person"},
		{"before 1970", Record{Kind: cairn.Track, Name: "x", Keys: acme, At: time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)}, "at"},
		{"larger than 32 KB", Record{Kind: cairn.Track, Name: "x", Keys: acme, Props: map[string]any{"blob": strings.Repeat("x", MaxEvent)}}, "props"},
		{"not JSON", Record{Kind: cairn.Track, Name: "x", Keys: acme, Props: map[string]any{"f": func() {}}}, "props"},
		{"found through an unknown contract", Record{Kind: cairn.Track, Name: "x", Via: Via{cairn.OfContract, "c-9"}}, "contract"},
		{"found through an unknown person", Record{Kind: cairn.Track, Name: "x", Via: Via{cairn.OfPerson, "u-9"}}, "person"},
		{"found through an event", Record{Kind: cairn.Track, Name: "x", Via: Via{cairn.Track, "e"}}, "via"},
		{"mrr with three decimals", of(cairn.OfContract, map[string]any{"mrr": json.Number("1.005")}), "mrr"},
		{"mrr as a fraction", of(cairn.OfContract, map[string]any{"mrr": "1/3"}), "mrr"},
		{"mrr with a huge exponent", of(cairn.OfContract, map[string]any{"mrr": "1e999999999"}), "mrr"},
		{"yen with decimals", of(cairn.OfInvoice, map[string]any{"amount": "10.5", "currency": "JPY"}), "amount"},
		{"currency", of(cairn.OfContract, map[string]any{"currency": "Euro"}), "currency"},
		{"renewal date", of(cairn.OfContract, map[string]any{"renews": "soon"}), "renews"},
		{"seats", of(cairn.OfContract, map[string]any{"seats": 2.5}), "seats"},
		{"auto renewal", of(cairn.OfContract, map[string]any{"auto_renew": "perhaps"}), "auto_renew"},
		{"status of a contract", of(cairn.OfContract, map[string]any{"status": "happy"}), "status"},
		{"nps of 11", of(cairn.OfAnswer, map[string]any{"survey": "nps", "score": 11}), "score"},
		{"csat of 0", of(cairn.OfAnswer, map[string]any{"survey": "csat", "score": "0"}), "score"},
		{"ces of 8", of(cairn.OfAnswer, map[string]any{"survey": "ces", "score": 8.0}), "score"},
		{"score that is no number", of(cairn.OfAnswer, map[string]any{"score": "NaN"}), "score"},
		{"survey", of(cairn.OfAnswer, map[string]any{"survey": "gut feeling"}), "survey"},
		{"mood", of(cairn.Interaction, map[string]any{"mood": "meh"}), "mood"},
		{"state of a task", of(cairn.OfTask, map[string]any{"state": "lost"}), "state"},
		{"a name that no index holds", of(cairn.OfAccount, map[string]any{"owner": strings.Repeat("x", 1001)}), "owner"},
		{"a name with a zero byte", of(cairn.OfPerson, map[string]any{"name": "a\x00b"}), "name"},
		{"a field whose name has a zero byte", of(cairn.OfTicket, map[string]any{"a\x00b": 1}), "props"},
		{"a field with a long name", of(cairn.OfPerson, map[string]any{strings.Repeat("f", 256): 1}), "props"},
		{"two bad fields: the first by name", of(cairn.OfInvoice, map[string]any{"paid_at": "x", "due": "x"}), "due"},
		{"what the reader found", Record{Problem: cairn.Errorf(cairn.Invalid, "no").At("row 3")}, "row 3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, m := newDoor()
			got := admit(t, d, shop, c.rec)[0]
			if got.Status != Rejected || got.Field != c.field || got.Reason == "" || !slices.Contains(Codes, got.Code) {
				t.Errorf("got %+v, want a rejection that names %q", got, c.field)
			}
			if len(m.all) != 0 || len(m.rejects) != 1 {
				t.Errorf("%d events and %d rejects, want 0 and 1", len(m.all), len(m.rejects))
			}
		})
	}
}

func TestARoleOrStatusThatIsNotKnownIsKeptAsATrait(t *testing.T) {
	d, m := newDoor()
	keys := cairn.Keys{Account: "acme", Person: "u-1"}
	got := admit(t, d, shop,
		Record{Kind: cairn.OfPerson, Keys: keys, Props: map[string]any{"role": "editor", "opted_out": true}},
		Record{Kind: cairn.OfAccount, Keys: keys, Props: map[string]any{"status": json.Number("7")}},
		Record{Kind: cairn.OfPerson, Keys: keys, Props: map[string]any{"role": "Admin"}},
	)
	for i, want := range []struct{ props, note string }{
		{`{"opted_out":true,"role":null,"role_as_sent":"editor"}`, "role_as_sent"},
		{`{"status":null,"status_as_sent":7}`, "status_as_sent"},
		{`{"role":"administrator"}`, ""},
	} {
		if got[i].Status != Accepted || string(m.all[i].Props) != want.props || !strings.Contains(got[i].Note, want.note) || want.note == "" && got[i].Note != "" {
			t.Errorf("%+v %s, want %s", got[i], m.all[i].Props, want.props)
		}
	}
}

func TestFieldsAreKeptInTheFormThatIsReadLater(t *testing.T) {
	d, m := newDoor()
	admit(t, d, shop,
		Record{Kind: cairn.OfContract, Keys: cairn.Keys{Account: "acme", Record: "c-1"}, Props: map[string]any{
			"mrr": json.Number("1204.50"), "currency": "eur", "start": json.Number("1700000000"), "renews": "2027-01-31",
			"seats": "12", "auto_renew": "yes", "status": "Active", "cancelled_at": nil, "end": "", "discount": 0.1,
		}},
		Record{Kind: cairn.OfPerson, Keys: cairn.Keys{Person: "u-1"}, Props: map[string]any{"role": "Economic Buyer", "opted_out": json.Number("1")}},
		Record{Kind: cairn.OfPerson, Keys: cairn.Keys{Person: "u-2"}, Props: map[string]any{"role": "Admin"}},
	)
	for i, want := range []string{
		`{"auto_renew":true,"cancelled_at":null,"currency":"EUR","discount":0.1,"end":null,"mrr":1204.50,"renews":"2027-01-31","seats":12,"start":"2023-11-14T22:13:20Z","status":"active"}`,
		`{"opted_out":true,"role":"economic_buyer"}`,
		`{"role":"administrator"}`,
	} {
		if diff := cmp.Diff(want, string(m.all[i].Props)); diff != "" {
			t.Errorf("event %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestAnEventLandsInTheStreamOfItsKeys(t *testing.T) {
	pepper := cairn.Pepper("pepper")
	space := cairn.Space("crm")
	account, person, anon := space.Account("acme"), pepper.Person(space, "u-1"), pepper.Anonymous(space, "v-1")
	contract := space.Record(cairn.OfContract, "c-1")
	for _, c := range []struct {
		name string
		rec  Record
		want cairn.StreamID
	}{
		{"account first", Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "acme", Person: "u-1", Anonymous: "v-1"}}, account.Stream()},
		{"account of the context", Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Person: "u-1"}, Context: map[string]any{"groupId": "acme"}}, account.Stream()},
		{"then the person", Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Person: "u-1", Anonymous: "v-1"}}, person.Stream()},
		{"then the visitor", Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Anonymous: "v-1"}}, anon.Stream()},
		{"a record of nobody", Record{Kind: cairn.OfContract, Keys: cairn.Keys{Record: "c-1"}}, contract.Stream()},
		{"a record of a person", Record{Kind: cairn.OfTicket, Keys: cairn.Keys{Record: "t-1", Person: "u-1"}}, person.Stream()},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, m := newDoor()
			admit(t, d, Source{Name: "crm", Space: space}, c.rec)
			if got := m.all[0].Stream; got != c.want {
				t.Errorf("stream %s, want %s", got, c.want)
			}
		})
	}
}

func TestAnAccountIsFoundThroughAnotherRecordAlsoOfTheSameBatch(t *testing.T) {
	d, m := newDoor()
	acme := cairn.Space("").Account("acme")
	admit(t, d, shop,
		Record{Kind: cairn.OfContract, ID: "1", Keys: cairn.Keys{Account: "acme", Record: "c-1"}},
		Record{Kind: cairn.OfInvoice, ID: "2", Keys: cairn.Keys{Record: "i-1"}, Via: Via{cairn.OfContract, "c-1"}},
		Record{Kind: cairn.OfPerson, ID: "3", Keys: cairn.Keys{Account: "acme", Person: "u-1"}},
		Record{Kind: cairn.Track, Name: "x", ID: "4", Via: Via{cairn.OfPerson, "u-1"}},
	)
	admit(t, d, shop,
		Record{Kind: cairn.OfTicket, ID: "5", Keys: cairn.Keys{Record: "t-1"}, Via: Via{cairn.OfInvoice, "i-1"}},
		Record{Kind: cairn.OfContract, ID: "6", Keys: cairn.Keys{Record: "c-1"}, Props: map[string]any{"seats": 3}},
	)
	for i, e := range m.all {
		if e.Stream != acme.Stream() {
			t.Errorf("event %d landed in stream %s, want the account's", i, e.Stream)
		}
		if i < 5 && (e.Account != acme || e.Keys.Account != "acme") {
			t.Errorf("event %d is of account %q", i, e.Keys.Account)
		}
	}
	if last := m.all[5]; !last.Account.IsZero() || last.Keys.Account != "" {
		t.Errorf("a patch that names no account got one: %+v", last.Keys)
	}
}

func TestPersonalPartsOfAPatchWithoutKeysAreSealedUnderTheSamePerson(t *testing.T) {
	d, m := newDoor()
	admit(t, d, shop, Record{Kind: cairn.OfTicket, ID: "1", Keys: cairn.Keys{Account: "acme", Person: "u-1", Record: "t-1"}, Props: map[string]any{"subject": "It hurts"}})
	admit(t, d, shop, Record{Kind: cairn.OfTicket, ID: "2", Keys: cairn.Keys{Record: "t-1"}, Props: map[string]any{"subject": "It hurts more"}})
	if a, b := m.all[0].Subject(), m.all[1].Subject(); a != b {
		t.Errorf("subjects %s and %s differ", a, b)
	}
}

func TestATimeToComeBecomesNowAndIsRefusedInAFile(t *testing.T) {
	rec := func(at time.Time) Record {
		return Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "acme"}, At: at}
	}
	d, m := newDoor()
	admit(t, d, shop, rec(now.Add(5*time.Minute)), rec(now.Add(5*time.Minute+time.Microsecond)), rec(time.Time{}))
	for i, want := range []struct {
		at     time.Time
		skewed bool
	}{{now.Add(5 * time.Minute), false}, {now, true}, {now, false}} {
		if e := m.all[i]; !e.At.Equal(want.at) || e.Skewed != want.skewed {
			t.Errorf("event %d at %s, skewed %t; want %s, %t", i, e.At, e.Skewed, want.at, want.skewed)
		}
	}
	file := Source{Name: "import", File: true}
	got := admit(t, d, file, rec(now.Add(time.Hour)))[0]
	if got.Status != Rejected || got.Field != "at" || got.Reason != "The time lies in the future." {
		t.Errorf("got %+v", got)
	}
}

func TestLateIsMeasuredInTheZoneOfTheWorkspace(t *testing.T) {
	d, _ := newDoor()
	kiritimati := time.FixedZone("UTC+14", 14*3600)
	rec := Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "acme"}, At: now.Add(-12 * time.Hour)}
	if got := admit(t, d, shop, rec)[0].Status; got != Accepted {
		t.Errorf("in UTC %s", got)
	}
	d.Zone = func() *time.Location { return kiritimati }
	rec.Name = "y"
	if got := admit(t, d, shop, rec)[0].Status; got != Late {
		t.Errorf("in Kiritimati %s", got)
	}
}

func TestARecordWithoutIdIsKnownByItsContent(t *testing.T) {
	d, m := newDoor()
	rec := Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "acme"}, At: now, Props: map[string]any{"a": 1}}
	other := rec
	other.Props = map[string]any{"a": 2}
	got := admit(t, d, shop, rec, other, rec)
	if got[0].Status != Accepted || got[1].Status != Accepted || got[2].Status != Duplicate {
		t.Errorf("got %+v", got)
	}
	rec.At = time.Time{} // nothing tells two of these apart, so they are two
	if got := admit(t, d, shop, rec, rec); got[0].Status != Accepted || got[1].Status != Accepted {
		t.Errorf("without a time: %+v", got)
	}
	file := Source{Name: "import", File: true}
	admit(t, d, file, rec)
	now2 := func() time.Time { return now.Add(time.Hour) }
	if got := admit(t, New(m, now2), file, rec)[0].Status; got != Duplicate {
		t.Errorf("the second import of a row without a time is %s", got)
	}
}

func TestAFullDiskAdmitsNothingAndSaysSo(t *testing.T) {
	d, m := newDoor()
	m.full = true
	_, err := d.Admit(context.Background(), shop, []Record{{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "a"}}, {}})
	if cairn.KindOf(err) != cairn.Unavailable {
		t.Errorf("got %v", err)
	}
	if len(m.arrivals) != 0 || len(m.rejects) != 0 {
		t.Error("something was counted of a call that will be sent again")
	}
}

func TestARecordThatIsSafeIsAcceptedEvenWhenItsNeighbourCannotBeKept(t *testing.T) {
	d, m := newDoor()
	m.deaf = true
	var log strings.Builder
	d.Log = slog.New(slog.NewTextHandler(&log, nil))
	if got := admit(t, d, shop, Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "a"}}, Record{Kind: "odd"})[0].Status; got != Accepted {
		t.Errorf("got %s", got)
	}
	if !strings.Contains(log.String(), "rejects could not be kept") {
		t.Errorf("the operator is not told: %q", log.String())
	}
}

func TestWhatManySendersSendAtOnceIsKeptExactly(t *testing.T) {
	d, m := newDoor()
	const senders, calls = 16, 20
	var wg sync.WaitGroup
	for s := range senders {
		wg.Go(func() {
			src := Source{Name: fmt.Sprint("source-", s%2)}
			for i := range calls {
				recs := []Record{
					{Kind: cairn.Track, Name: "x", ID: fmt.Sprint(s, "/", i), Keys: cairn.Keys{Account: "a"}},
					{Kind: "odd"},
				}
				if _, err := d.Admit(context.Background(), src, recs); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	sum := map[string]Arrival{}
	for _, a := range m.arrivals {
		s := sum[a.Source]
		s.Rejected += a.Rejected
		sum[a.Source] = s
	}
	want := Arrival{Rejected: senders / 2 * calls}
	if diff := cmp.Diff(map[string]Arrival{"source-0": want, "source-1": want}, sum); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(m.rejects) != senders*calls {
		t.Errorf("%d rejects kept", len(m.rejects))
	}
}

func TestTheKeptBodyOfARejectIsNoLargerThanAnEvent(t *testing.T) {
	d, m := newDoor()
	admit(t, d, shop, Record{Kind: cairn.Track, Name: "x", Body: strings.Repeat("ü", MaxEvent), Problem: cairn.Errorf(cairn.TooLarge, "big")})
	if n := len(m.rejects[0].Body); n > MaxEvent || n < MaxEvent-3 {
		t.Errorf("body has %d bytes", n)
	}
}

// anyRecord draws records of all kinds, good and bad.
func anyRecord(t *rapid.T) Record {
	key := rapid.SampledFrom([]string{"", "a", "b", "ada@example.org"})
	return Record{
		Kind: rapid.SampledFrom(append([]cairn.EventKind{cairn.Track, cairn.Interaction, cairn.Alias, "odd"}, cairn.RecordKinds...)).Draw(t, "kind"),
		Name: rapid.SampledFrom([]string{"", "Report Created", "Page Viewed"}).Draw(t, "name"),
		ID:   fmt.Sprint(rapid.IntRange(1, 1_000_000).Draw(t, "id")),
		At:   now.Add(-time.Duration(rapid.IntRange(-10, 3000).Draw(t, "minutes ago")) * time.Minute),
		Keys: cairn.Keys{
			Account: key.Draw(t, "account"), Person: key.Draw(t, "person"), Anonymous: key.Draw(t, "anonymous"),
			Record: key.Draw(t, "record"), Previous: key.Draw(t, "previous"),
		},
		Props: rapid.MapOf(
			rapid.SampledFrom([]string{"name", "email", "mrr", "score", "status", "role", "comment", "plan", "start", "seats"}),
			rapid.SampledFrom([]any{nil, "x", "12", "2026-01-31", "ada@example.org", true, 3, 4.25, map[string]any{"email": "a", "n": 1}, []any{"+49 30 1234567"}}),
		).Draw(t, "props"),
	}
}

func TestAdmittingABatchTwiceMakesEveryAcceptedRecordADuplicate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, m := newDoor()
		recs := rapid.SliceOfN(rapid.Custom(anyRecord), 1, 20).Draw(t, "records")
		if rapid.Bool().Draw(t, "without ids") {
			for i := range recs {
				recs[i].ID = ""
			}
		}
		first, err := d.Admit(context.Background(), shop, recs)
		if err != nil {
			t.Fatal(err)
		}
		events := len(m.all)
		second, err := d.Admit(context.Background(), shop, recs)
		if err != nil {
			t.Fatal(err)
		}
		for i := range first {
			want := first[i]
			if want.Status != Rejected {
				want.Status = Duplicate
			}
			if diff := cmp.Diff(want, second[i]); diff != "" {
				t.Fatalf("record %d (-want +got):\n%s", i, diff)
			}
		}
		if len(m.all) != events {
			t.Fatalf("%d events after the second time, %d after the first", len(m.all), events)
		}
	})
}

func TestTwoClicksAtTheSameMomentAreTwo(t *testing.T) {
	d, m := newDoor()
	click := Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Account: "acme"}}
	admit(t, d, shop, click)
	admit(t, d, shop, click)
	if len(m.all) != 2 {
		t.Errorf("%d events", len(m.all))
	}
}

func BenchmarkAdmit(b *testing.B) {
	d, _ := newDoor()
	recs := make([]Record, 100)
	for i := 0; b.Loop(); i++ {
		for j := range recs {
			recs[j] = Record{
				Index: j, Kind: cairn.Track, Name: "Report Exported", ID: fmt.Sprint(i, "-", j), At: now, Stamp: now,
				Keys:    cairn.Keys{Account: "acme", Person: "u-1", Anonymous: "0f7043bf-1ed1-4808-8891-d178f0387f1c"},
				Props:   map[string]any{"format": "csv", "rows": json.Number("12000"), "duration_ms": json.Number("843.25"), "nested": map[string]any{"a": []any{json.Number("1")}}},
				Context: map[string]any{"ip": "8.8.8.8", "userAgent": "Mozilla/5.0", "locale": "en-US", "page": map[string]any{"path": "/", "url": "https://example.org/"}},
			}
		}
		if _, err := d.Admit(context.Background(), shop, recs); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(recs)), "µs/event")
}
