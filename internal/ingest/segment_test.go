package ingest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

// read reads one call as it arrives at [now].
func read(t *testing.T, call, body string) []Record {
	t.Helper()
	e, err := ReadSegment(call, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	recs := e.Records(now)
	for i := range recs {
		recs[i].Body, recs[i].Shared = "", nil
	}
	return recs
}

func TestEachCallBecomesItsKindOfRecord(t *testing.T) {
	at := time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC)
	const common = `"messageId":"m","timestamp":"2026-11-21T19:00:00Z"`
	for _, c := range []struct {
		call, body string
		want       Record
	}{
		{"track", `{"userId":"u","anonymousId":"v","event":"Report Created","properties":{"n":12345678901234567890},"context":{"groupId":"acme","ip":"1"},` + common + `}`,
			Record{Kind: cairn.Track, Name: "Report Created", Keys: cairn.Keys{Account: "acme", Person: "u", Anonymous: "v"},
				Props: map[string]any{"n": json.Number("12345678901234567890")}, Context: map[string]any{"groupId": "acme", "ip": "1"}}},
		{"page", `{"anonymousId":"v","name":"Home","category":"Docs","properties":{"title":"T","category":"Mine"},` + common + `}`,
			Record{Kind: cairn.Track, Name: "Page Viewed", Keys: cairn.Keys{Anonymous: "v"}, Props: map[string]any{"title": "T", "name": "Home", "category": "Mine"}}},
		{"screen", `{"userId":"u","name":"Home",` + common + `}`,
			Record{Kind: cairn.Track, Name: "Screen Viewed", Keys: cairn.Keys{Person: "u"}, Props: map[string]any{"name": "Home"}}},
		{"identify", `{"userId":17,"anonymousId":"v","traits":{"firstName":"Ada","lastName":"Lovelace","createdAt":"2025-01-15","logins":5},"context":{"groupId":7},` + common + `}`,
			Record{Kind: cairn.OfPerson, Keys: cairn.Keys{Account: "7", Person: "17", Anonymous: "v"}, Context: map[string]any{"groupId": json.Number("7")},
				Props: map[string]any{"firstName": "Ada", "lastName": "Lovelace", "name": "Ada Lovelace", "created_at": "2025-01-15", "logins": json.Number("5")}}},
		{"group", `{"userId":"u","groupId":"acme","traits":{"name":"Acme","createdAt":"2025-01-15"},"context":{"groupId":"other"},` + common + `}`,
			Record{Kind: cairn.OfAccount, Keys: cairn.Keys{Account: "acme", Person: "u"}, Context: map[string]any{"groupId": "other"},
				Props: map[string]any{"name": "Acme", "created_at": "2025-01-15"}}},
		{"alias", `{"userId":"u","previousId":"v",` + common + `}`,
			Record{Kind: cairn.Alias, Keys: cairn.Keys{Person: "u", Previous: "v"}}},
	} {
		t.Run(c.call, func(t *testing.T) {
			c.want.ID, c.want.At, c.want.Stamp = "m", at, at
			if diff := cmp.Diff([]Record{c.want}, read(t, c.call, c.body)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			inBatch := fmt.Sprintf(`{"batch":[{"type":%q,%s]}`, c.call, c.body[1:])
			if diff := cmp.Diff([]Record{c.want}, read(t, "batch", inBatch)); diff != "" {
				t.Errorf("in a batch (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatABatchSaysHoldsForItsItemsUnlessTheySayOtherwise(t *testing.T) {
	got := read(t, "batch", `{"sentAt":"2026-11-21T19:30:00Z","context":{"groupId":"acme","locale":"en","app":{"name":"a"}},"integrations":{"All":true},"batch":[
		{"type":"track","userId":"u","event":"x","timestamp":"2026-11-21T19:00:00Z","context":{"locale":"de"}},
		{"type":"track","userId":"u","event":"x","timestamp":"2026-11-21T19:00:00Z","sentAt":"2026-11-21T19:00:01Z","context":{"groupId":"other"}}]}`)
	if diff := cmp.Diff(map[string]any{"groupId": "acme", "locale": "de", "app": map[string]any{"name": "a"}}, got[0].Context); diff != "" {
		t.Errorf("context (-want +got):\n%s", diff)
	}
	if got[0].Keys.Account != "acme" || got[1].Keys.Account != "other" {
		t.Errorf("accounts %q and %q", got[0].Keys.Account, got[1].Keys.Account)
	}
	if want := now.Add(-30 * time.Minute); !got[0].At.Equal(want) {
		t.Errorf("corrected to %s, want %s", got[0].At, want)
	}
	if want := now.Add(-time.Second); !got[1].At.Equal(want) {
		t.Errorf("corrected to %s, want %s", got[1].At, want)
	}
}

func TestTheSendersClockIsCorrected(t *testing.T) {
	stamp := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return at.UTC()
	}
	for _, c := range []struct {
		name, times string
		at, stamp   time.Time
	}{
		{"no times", `"x":1`, time.Time{}, time.Time{}},
		{"null", `"timestamp":null`, time.Time{}, time.Time{}},
		{"timestamp only", `"timestamp":"2026-11-20T10:00:00.5Z"`, stamp("2026-11-20T10:00:00.5Z"), stamp("2026-11-20T10:00:00.5Z")},
		{"slow clock", `"timestamp":"2020-01-01T00:00:00Z","sentAt":"2020-01-01T00:00:10Z"`, now.Add(-10 * time.Second), stamp("2020-01-01T00:00:00Z")},
		{"the original counts", `"originalTimestamp":"2020-01-01T00:00:00Z","timestamp":"2021-01-01T00:00:00Z","sentAt":"2020-01-01T00:00:10Z"`, now.Add(-10 * time.Second), stamp("2020-01-01T00:00:00Z")},
		{"nanoseconds", `"timestamp":"2026-11-21T19:00:00.123456789+01:00","sentAt":"2026-11-21T18:00:00.123456790Z"`, now.Add(-1), stamp("2026-11-21T18:00:00.123456789Z")},
		{"after it was sent", `"timestamp":"2026-11-21T19:00:10Z","sentAt":"2026-11-21T19:00:00Z"`, now.Add(10 * time.Second), stamp("2026-11-21T19:00:10Z")},
		{"sent at nonsense", `"timestamp":"2026-11-21T19:00:00Z","sentAt":"yesterday"`, stamp("2026-11-21T19:00:00Z"), stamp("2026-11-21T19:00:00Z")},
		{"no zone", `"timestamp":"2026-11-21T19:00:00.5"`, stamp("2026-11-21T19:00:00.5Z"), stamp("2026-11-21T19:00:00.5Z")},
		{"one digit", `"timestamp":"2015-2-02T00:30:12.984Z"`, stamp("2015-02-02T00:30:12.984Z"), stamp("2015-02-02T00:30:12.984Z")},
		{"milliseconds", `"timestamp":1763751600500`, stamp("2025-11-21T19:00:00.5Z"), stamp("2025-11-21T19:00:00.5Z")},
		{"seconds as text", `"timestamp":"1763751600"`, stamp("2025-11-21T19:00:00Z"), stamp("2025-11-21T19:00:00Z")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := read(t, "track", `{"userId":"u","event":"x",`+c.times+`}`)[0]
			if !got.At.Equal(c.at) || !got.Stamp.Equal(c.stamp) || got.Problem != nil {
				t.Errorf("at %s stamp %s problem %v; want %s, %s", got.At, got.Stamp, got.Problem, c.at, c.stamp)
			}
		})
	}
}

func TestAnItemThatCannotBeReadNamesItsField(t *testing.T) {
	for _, c := range []struct{ name, call, item, field string }{
		{"no event", "track", `{"userId":"u"}`, "event"},
		{"event is an object", "track", `{"userId":"u","event":{}}`, "event"},
		{"event is blank", "track", `{"userId":"u","event":" "}`, "event"},
		{"nobody", "track", `{"event":"x"}`, "userId"},
		{"nobody in identify", "identify", `{"userId":null,"anonymousId":""}`, "userId"},
		{"group without groupId", "group", `{"userId":"u"}`, "groupId"},
		{"alias without previousId", "alias", `{"userId":"u"}`, "previousId"},
		{"alias without userId", "alias", `{"anonymousId":"v","previousId":"w"}`, "userId"},
		{"userId is a list", "track", `{"userId":[1],"event":"x"}`, "userId"},
		{"userId is too long", "track", `{"userId":"` + strings.Repeat("u", 256) + `","event":"x"}`, "userId"},
		{"userId has a zero byte", "track", `{"userId":"a\u0000b","event":"x"}`, "userId"},
		{"messageId has 100 characters", "track", `{"userId":"u","event":"x","messageId":"` + strings.Repeat("m", 100) + `"}`, "messageId"},
		{"properties are a list", "track", `{"userId":"u","event":"x","properties":[]}`, "properties"},
		{"traits are a text", "identify", `{"userId":"u","traits":"x"}`, "traits"},
		{"context is a number", "track", `{"userId":"u","event":"x","context":1}`, "context"},
		{"the account in the context", "track", `{"userId":"u","event":"x","context":{"groupId":{}}}`, "context.groupId"},
		{"timestamp", "track", `{"userId":"u","event":"x","timestamp":"soon"}`, "timestamp"},
		{"timestamp before 1970", "track", `{"userId":"u","event":"x","timestamp":"1969-01-01T00:00:00Z"}`, "timestamp"},
		{"timestamp is true", "track", `{"userId":"u","event":"x","timestamp":true}`, "timestamp"},
		{"type", "batch", `{"type":"shout","userId":"u"}`, "type"},
		{"no type", "batch", `{"userId":"u","event":"x"}`, "type"},
		{"not an object", "batch", `"track"`, ""},
		{"null", "batch", `null`, ""},
		{"too large", "track", `{"userId":"u","event":"x","properties":{"blob":"` + strings.Repeat("x", MaxEvent) + `"}}`, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := c.item
			if c.call == "batch" {
				body = `{"batch":[` + c.item + `]}`
			}
			e, err := ReadSegment(c.call, []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			got := e.Records(now)[0]
			if got.Problem == nil || got.Problem.Field != c.field || got.Problem.Text == "" || got.Body != c.item {
				t.Errorf("problem %v, want one of field %q", got.Problem, c.field)
			}
		})
	}
}

func TestABodyThatCannotBeReadNamesTheByte(t *testing.T) {
	for _, c := range []struct{ name, call, body, text string }{
		{"empty", "track", ``, "byte 0"},
		{"cut off", "track", `{"userId":`, "byte 10"},
		{"not JSON", "batch", `{"batch":[{"type":x}]}`, "byte 19"},
		{"more after it", "track", `{} {}`, "byte 4"},
		{"a list", "batch", ` [1]`, "byte 2"},
		{"form fields", "track", `event=x&userId=u`, "byte 1"},
		{"no batch", "batch", `{"type":"track"}`, "list of calls"},
		{"batch is an object", "import", `{"batch":{}}`, "list of calls"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := ReadSegment(c.call, []byte(c.body))
			if cairn.KindOf(err) != cairn.Invalid || !strings.Contains(cairn.TextOf(err), c.text) {
				t.Errorf("got %v, want %q", err, c.text)
			}
		})
	}
	if _, err := ReadSegment("batch", bytes.Repeat([]byte(" "), MaxBatch+1)); cairn.KindOf(err) != cairn.TooLarge {
		t.Errorf("501 KB: %v", err)
	}
}

func TestEventsBeyond2500AreRefusedOneByOne(t *testing.T) {
	item := `{"type":"track","userId":"u","event":"x"}`
	body := `{"batch":[` + strings.Repeat(item+",", MaxBatchEvents+1) + item + `]}`
	d, m := newDoor()
	e, err := ReadSegment("batch", []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got := admit(t, d, shop, e.Records(now)...)
	for i, v := range got {
		want := Accepted
		if i >= MaxBatchEvents {
			want = Rejected
		}
		if v.Status != want || v.Index != i {
			t.Fatalf("event %d: %+v", i, v)
		}
	}
	if len(m.all) != MaxBatchEvents || len(got) != MaxBatchEvents+2 {
		t.Errorf("%d of %d accepted", len(m.all), len(got))
	}
}

func TestAByteOrderMarkIsNotInTheWay(t *testing.T) {
	if got := read(t, "track", "\xef\xbb\xbf"+`{"userId":"u","event":"x"}`); got[0].Problem != nil {
		t.Error(got[0].Problem)
	}
}

// A payload is one of the Segment specification's examples.
type payload struct {
	Source  string          `json:"source"`
	Payload json.RawMessage `json:"payload"`
}

// specification returns the payloads of testdata/segment/spec_payloads.json
// with the call that each is an example of.
func specification(t testing.TB) (calls []string, bodies []json.RawMessage) {
	raw, err := os.ReadFile(filepath.Join("testdata", "segment", "spec_payloads.json"))
	if err != nil {
		t.Fatal(err)
	}
	var payloads []payload
	if err := json.Unmarshal(raw, &payloads); err != nil {
		t.Fatal(err)
	}
	for _, p := range payloads {
		var m map[string]any
		if err := json.Unmarshal(p.Payload, &m); err != nil {
			t.Fatal(err)
		}
		call, _ := m["type"].(string)
		switch {
		case call != "":
		case m["batch"] != nil:
			call = "batch"
		case m["event"] != nil:
			call = "track"
		case m["groupId"] != nil:
			call = "group"
		case m["previousId"] != nil:
			call = "alias"
		case m["traits"] != nil:
			call = "identify"
		default:
			call = "page"
		}
		calls, bodies = append(calls, call), append(bodies, p.Payload)
	}
	return calls, bodies
}

func TestTheExamplesOfTheSpecificationAreAccepted(t *testing.T) {
	calls, bodies := specification(t)
	if len(calls) != 13 {
		t.Fatalf("%d payloads", len(calls))
	}
	d, m := newDoor()
	refused := 0
	for i, call := range calls {
		e, err := ReadSegment(call, bodies[i])
		if err != nil {
			t.Fatalf("payload %d: %v", i, err)
		}
		for _, v := range admit(t, d, shop, e.Records(now)...) {
			// Two examples are cut short and name nobody, which the
			// specification itself forbids.
			if v.Status == Rejected && v.Field == "userId" {
				refused++
			} else if v.Status != Accepted && v.Status != Late && v.Status != Duplicate {
				t.Errorf("payload %d (%s): %+v\n%s", i, call, v, bodies[i])
			}
		}
	}
	if refused != 2 || len(m.all) < 12 {
		t.Errorf("%d refused, %d accepted", refused, len(m.all))
	}
}

func FuzzReadSegment(f *testing.F) {
	calls, bodies := specification(f)
	for i, call := range calls {
		f.Add(call, []byte(bodies[i]))
	}
	f.Add("batch", []byte(`{"batch":[null,1,{"type":"track","userId":1e400,"event":"\ud800","timestamp":1e300}],"context":[],"sentAt":1}`))
	f.Add("identify", []byte(`{"userId":"u","traits":{"mrr":"1e9","email":{"a":[[{}]]}},"context":{"groupId":true}}`))
	f.Fuzz(func(t *testing.T, call string, body []byte) {
		e, err := ReadSegment(call, body)
		if err != nil {
			if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.TooLarge {
				t.Fatalf("%v of %v", k, err)
			}
			return
		}
		d, m := newDoor()
		recs := e.Records(now)
		verdicts, err := d.Admit(t.Context(), shop, recs)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range verdicts {
			if v.Index != i || v.Status == Rejected && v.Reason == "" {
				t.Fatalf("verdict %d: %+v", i, v)
			}
		}
		for _, e := range m.all {
			if e.At.IsZero() || e.At.After(now.Add(skew)) || e.ID.IsZero() || e.Stream.IsZero() {
				t.Fatalf("event %+v", e)
			}
			for _, part := range []json.RawMessage{e.Props, e.Personal} {
				if part != nil && !json.Valid(part) {
					t.Fatalf("not JSON: %q", part)
				}
			}
		}
	})
}

func BenchmarkReadSegment(b *testing.B) {
	raw, err := os.ReadFile(filepath.Join("testdata", "segment", "clients", "segment-analytics-node_002.json"))
	if err != nil {
		b.Fatal(err)
	}
	var sent struct {
		Text string `json:"body_text"`
	}
	if err := json.Unmarshal(raw, &sent); err != nil {
		b.Fatal(err)
	}
	n := 0
	for b.Loop() {
		e, err := ReadSegment("batch", []byte(sent.Text))
		if err != nil {
			b.Fatal(err)
		}
		n += len(e.Records(now))
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/1000/float64(n), "µs/event")
}
