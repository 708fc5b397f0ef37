package ingest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

func TestARecordWrittenAsAMessageIsReadAsTheSameRecord(t *testing.T) {
	at := time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
	for name, want := range map[string]Record{
		"track": {Kind: cairn.Track, Name: "Report Created", ID: "m-1", At: at, Stamp: at, Keys: cairn.Keys{Account: "acme", Person: "ann", Anonymous: "v"},
			Product: "reports", N: 3, Props: map[string]any{"pages": json.Number("12345678901234567890")}},
		"group":    {Kind: cairn.OfAccount, Keys: cairn.Keys{Account: "acme"}, At: at, Stamp: at, Props: map[string]any{"name": "Acme", "plan": nil}},
		"identify": {Kind: cairn.OfPerson, Keys: cairn.Keys{Account: "acme", Person: "ann"}, Props: map[string]any{"name": "Ann"}},
		"alias":    {Kind: cairn.Alias, Keys: cairn.Keys{Person: "ann", Previous: "v"}},
		"contract": {Kind: cairn.OfContract, Keys: cairn.Keys{Record: "c-1", Account: "acme"}, At: at, Stamp: at, Props: map[string]any{"mrr": "10.50"}},
		"invoice":  {Kind: cairn.OfInvoice, Keys: cairn.Keys{Record: "i-1"}, Via: Via{cairn.OfContract, "c-1"}, Name: "paid", Props: map[string]any{"amount": "10"}},
		"ticket":   {Kind: cairn.OfTicket, Keys: cairn.Keys{Record: "t-1", Person: "ann"}, Props: map[string]any{"subject": "<help>"}},
		"answer":   {Kind: cairn.OfAnswer, Keys: cairn.Keys{Record: "a-1", Person: "ann"}, Props: map[string]any{"score": json.Number("9")}},
	} {
		t.Run(name, func(t *testing.T) {
			got := ReadMessage([]byte(want.Message()), at)
			if !strings.Contains(want.Message(), `"type":"`+name+`"`) {
				t.Errorf("it is no %s: %s", name, want.Message())
			}
			got.Body = ""
			if got.Props != nil && len(got.Props) == 0 && want.Props == nil {
				got.Props = nil
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAMessageBeyondTheSegmentAPIIsCheckedToo(t *testing.T) {
	for _, c := range []struct{ name, text, field string }{
		{"a contract without an id", `{"type":"contract","groupId":"a"}`, "id"},
		{"a task from outside", `{"type":"task","id":"t","groupId":"a"}`, "type"},
		{"a count of nothing", `{"type":"track","event":"x","userId":"u","count":0}`, "count"},
		{"a count in words", `{"type":"track","event":"x","userId":"u","count":"three"}`, "count"},
		{"through two records", `{"type":"invoice","id":"i","through":{"contract":"c","ticket":"t"}}`, "through"},
		{"through nothing", `{"type":"invoice","id":"i","through":{"contract":""}}`, "through"},
		{"through a text", `{"type":"invoice","id":"i","through":"c"}`, "through"},
		{"traits that are a list", `{"type":"ticket","id":"i","traits":[1]}`, "traits"},
	} {
		if got := ReadMessage([]byte(c.text), now); got.Problem == nil || got.Problem.Field != c.field || got.Problem.Code == "" {
			t.Errorf("%s: %+v", c.name, got.Problem)
		}
	}
}

func TestAMaskedMessageShowsNothingPersonal(t *testing.T) {
	got := Mask(Source{Plain: []string{"nickname"}}, `{"type":"track","event":"Report Shared","userId":"ann@acme.example","messageId":"m-1","writer":"x",
		"properties":{"report":"Q3","pages":12,"comment":"please look","user":{"name":"Ann","seat":4},"nickname":"zed"},
		"context":{"groupId":"acme","ip":"203.0.113.9"}}`)
	var m map[string]any
	if err := json.Unmarshal([]byte(got), &m); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"type": "track", "event": "Report Shared", "userId": stars, "messageId": "m-1", "writer": stars,
		"properties": map[string]any{"report": "Q3", "pages": 12.0, "comment": stars, "nickname": "zed", "user": map[string]any{"name": stars, "seat": 4.0}},
		"context":    map[string]any{"groupId": "acme", "ip": stars},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := Mask(Source{}, "ann@acme.example;x"); got != "" {
		t.Errorf("what is not JSON is shown: %s", got)
	}
}

func TestAPatchChangesWhatItSaysAndNothingElse(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		p                Patch
	}{
		{"rename within", `{"a":{"b":1}}`, `{"a":{"c":1}}`, Patch{{Op: "rename", Field: "a.b", To: "a.c"}}},
		{"rename into a new object", `{"a":1}`, `{"x":{"y":{"z":1}}}`, Patch{{Op: "rename", Field: "a", To: "x.y.z"}}},
		{"a name with dots", `{"t":{"a.b":1}}`, `{"t":{"c":1}}`, Patch{{Op: "rename", Field: "t.a.b", To: "t.c"}}},
		{"a name that is taken", `{"a":1,"b":2}`, "", Patch{{Op: "rename", Field: "a", To: "b"}}},
		{"a way that is barred", `{"a":1,"b":2}`, "", Patch{{Op: "rename", Field: "a", To: "b.c"}}},
		{"set", `{"a":1}`, `{"a":1,"t":{"status":"x"}}`, Patch{{Op: "set", Field: "t.status", Value: "x"}}},
		{"set null", `{"a":1}`, `{"a":null}`, Patch{{Op: "set", Field: "a"}}},
		{"drop", `{"a":1,"b":2}`, `{"b":2}`, Patch{{Op: "drop", Field: "a"}}},
		{"drop what is not there", `{"a":1}`, "", Patch{{Op: "drop", Field: "b.c"}}},
		{"number with separators", `{"a":"1,204.50"}`, `{"a":1204.50}`, Patch{{Op: "convert", Field: "a", As: "number"}}},
		{"number as Germans write it", `{"a":"1.204,50 €"}`, `{"a":1204.50}`, Patch{{Op: "convert", Field: "a", As: "number"}}},
		{"thousands", `{"a":"1,204"}`, `{"a":1204}`, Patch{{Op: "convert", Field: "a", As: "number"}}},
		{"leading zeros", `{"a":"-007"}`, `{"a":-7}`, Patch{{Op: "convert", Field: "a", As: "number"}}},
		{"no number", `{"a":"a few"}`, "", Patch{{Op: "convert", Field: "a", As: "number"}}},
		{"integer", `{"a":"12.0"}`, `{"a":12}`, Patch{{Op: "convert", Field: "a", As: "integer"}}},
		{"no integer", `{"a":"12.5"}`, "", Patch{{Op: "convert", Field: "a", As: "integer"}}},
		{"text", `{"a":12345678901234567890}`, `{"a":"12345678901234567890"}`, Patch{{Op: "convert", Field: "a", As: "text"}}},
		{"truth", `{"a":"Yes"}`, `{"a":true}`, Patch{{Op: "convert", Field: "a", As: "truth"}}},
		{"date", `{"a":"31.01.2026"}`, `{"a":"2026-01-31T00:00:00Z"}`, Patch{{Op: "convert", Field: "a", As: "date"}}},
		{"no date", `{"a":"soon"}`, "", Patch{{Op: "convert", Field: "a", As: "date"}}},
		{"lower", `{"a":"Customer"}`, `{"a":"customer"}`, Patch{{Op: "convert", Field: "a", As: "lower"}}},
		{"an object", `{"a":{"b":1}}`, "", Patch{{Op: "convert", Field: "a", As: "text"}}},
		{"what is not JSON", `a;b`, "", Patch{{Op: "set", Field: "a", Value: 1}}},
		{"one after the other", `{"a":"1"}`, `{"b":1}`, Patch{{Op: "rename", Field: "a", To: "b"}, {Op: "convert", Field: "b", As: "number"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if err := c.p.Check(); err != nil {
				t.Fatal(err)
			}
			got, changed := c.p.Apply(c.text)
			if want := c.want; changed != (want != "") || changed && got != want || !changed && got != c.text {
				t.Errorf("%s %t, want %s", got, changed, want)
			}
		})
	}
	for _, p := range []Patch{nil, {{Op: "bend", Field: "a"}}, {{Op: "drop"}}, {{Op: "rename", Field: "a"}}, {{Op: "convert", Field: "a", As: "gold"}}} {
		if cairn.KindOf(p.Check()) != cairn.Invalid {
			t.Errorf("%+v is taken", p)
		}
	}
}

func FuzzPatch(f *testing.F) {
	f.Add(`{"a":{"b":"1,5"}}`, "a.b", "c.d")
	f.Add(`{"a.b":1,"a":2}`, "a.b", "a.b.c")
	f.Fuzz(func(t *testing.T, text, field, to string) {
		for _, p := range []Patch{
			{{Op: "rename", Field: field, To: to}}, {{Op: "set", Field: field, Value: to}}, {{Op: "drop", Field: field}},
			{{Op: "convert", Field: field, As: "number"}}, {{Op: "convert", Field: field, As: "date"}},
		} {
			got, changed := p.Apply(text)
			if !changed && got != text {
				t.Fatalf("%s became %s unseen", text, got)
			}
			if changed && !json.Valid([]byte(got)) {
				t.Fatalf("%s is no JSON", got)
			}
		}
	})
}

func FuzzMessage(f *testing.F) {
	f.Add([]byte(`{"type":"track","event":"x","userId":"u","count":2,"through":{"contract":"c"}}`))
	f.Add([]byte(`{"type":"contract","id":"c","traits":{"mrr":"1"}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := ReadMessage(raw, now)
		if r.Problem != nil {
			return
		}
		r.Body = ""
		if again := ReadMessage([]byte(r.Message()), now); again.Problem == nil && (again.Kind != r.Kind || again.Keys != r.Keys || max(again.N, 1) != max(r.N, 1)) {
			t.Fatalf("%+v became %+v", r, again)
		}
		Mask(Source{}, string(raw))
	})
}
