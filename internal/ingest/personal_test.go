package ingest

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
)

func TestWhatLooksPersonalIsSealed(t *testing.T) {
	for _, c := range []struct {
		name   string
		kind   cairn.EventKind
		props  string
		open   string
		sealed string
	}{
		{"names of people", cairn.OfPerson,
			`{"name":"Ada","first":"A","lastName":"L","title":"Countess","job_title":"Analyst","plan":"pro","role":"user","last_seen":"2026-01-01","logins":5,"age":36}`,
			`{"plan":"pro","role":"user","last_seen":"2026-01-01","logins":5}`,
			`{"name":"Ada","first":"A","lastName":"L","title":"Countess","job_title":"Analyst","age":36}`},
		{"a company of a person keeps its name", cairn.OfPerson,
			`{"company":{"name":"Initech","employees":420},"company_name":"Initech"}`,
			`{"company":{"name":"Initech","employees":420},"company_name":"Initech"}`, `null`},
		{"names of accounts, products and events are not people's", cairn.OfAccount,
			`{"name":"Initech","owner":"csm@example.org","plan":"pro","employees":329,"phone":"+49 30 123456","address":{"city":"Berlin"}}`,
			`{"name":"Initech","owner":"csm@example.org","plan":"pro","employees":329}`,
			`{"phone":"+49 30 123456","address":{"city":"Berlin"}}`},
		{"by name", cairn.Track,
			`{"userIP":"x","user_agent":"curl","ipAddress":"?","e_mail":"x","Phone Number":301,"birthDay":"x","avatarUrl":"x","streetName":"x","firstname":"x","display_name":"x","note":"x","searchQuery":"x","zip":10115}`,
			`null`,
			`{"userIP":"x","user_agent":"curl","ipAddress":"?","e_mail":"x","Phone Number":301,"birthDay":"x","avatarUrl":"x","streetName":"x","firstname":"x","display_name":"x","note":"x","searchQuery":"x","zip":10115}`},
		{"who it was, and secrets", cairn.Track,
			`{"userId":17,"device_id":"x","created_by":"u-1","recipient":"Ada","api_key":"x","password":"x","sessionId":"x"}`,
			`null`,
			`{"userId":17,"device_id":"x","created_by":"u-1","recipient":"Ada","api_key":"x","password":"x","sessionId":"x"}`},
		{"ids of things, and who sorts by what", cairn.Track,
			`{"report_id":"x","orderId":17,"sort_by":"name","recipient_count":3,"token_count":12,"contact_type":"lead","from":"pro","to":"team"}`,
			`{"report_id":"x","orderId":17,"sort_by":"name","recipient_count":3,"token_count":12,"contact_type":"lead","from":"pro","to":"team"}`,
			`null`},
		{"names that only speak of it", cairn.Track,
			`{"email_count":3,"email_verified":true,"message_type":"welcome","address_count":"2","name":"Leap Mat","title":"Docs","feature":"f1","equipment":"x","description_length":12,"subtitle":"s"}`,
			`{"email_count":3,"email_verified":true,"message_type":"welcome","address_count":"2","name":"Leap Mat","title":"Docs","feature":"f1","equipment":"x","description_length":12,"subtitle":"s"}`,
			`null`},
		{"by value", cairn.Track,
			`{"a":"ada@example.org","b":"ask <ada@example.org>","c":"+49 30 1234567","d":"(030) 123 45 67","e":"555-123-4567","f":"8.8.8.8","g":"2001:db8::1","h":"https://x.org/?q=ada","i":"Mozilla/5.0 (X11)","j":"030 1234567"}`,
			`null`,
			`{"a":"ada@example.org","b":"ask <ada@example.org>","c":"+49 30 1234567","d":"(030) 123 45 67","e":"555-123-4567","f":"8.8.8.8","g":"2001:db8::1","h":"https://x.org/?q=ada","i":"Mozilla/5.0 (X11)","j":"030 1234567"}`},
		{"values that are not", cairn.Track,
			`{"a":"2026-11-21","b":"2026-11-21T19:04:21.055Z","c":"1204.50","d":"12345678","e":"1.84.3","f":"https://x.org/docs","g":"@segment/analytics-node","h":"10:30","i":"f1","j":"01-02-2026","k":"really?","l":"550e8400-e29b-41d4-a716-446655440000"}`,
			`{"a":"2026-11-21","b":"2026-11-21T19:04:21.055Z","c":"1204.50","d":"12345678","e":"1.84.3","f":"https://x.org/docs","g":"@segment/analytics-node","h":"10:30","i":"f1","j":"01-02-2026","k":"really?","l":"550e8400-e29b-41d4-a716-446655440000"}`,
			`null`},
		{"objects are walked, and lists are sealed whole", cairn.Track,
			`{"order":{"total":12,"contact":{"name":"Ada","vip":true}},"cart":[{"sku":1,"note":"gift"}],"tags":["a","b"],"seen_by":["a","x@y.org"]}`,
			`{"order":{"total":12,"contact":{"vip":true}},"tags":["a","b"]}`,
			`{"order":{"contact":{"name":"Ada"}},"cart":[{"sku":1,"note":"gift"}],"seen_by":["a","x@y.org"]}`},
		{"a key may be an address", cairn.Track, `{"votes":{"ada@example.org":3}}`, `null`, `{"votes":{"ada@example.org":3}}`},
		{"a field of a record is not divided", cairn.OfContract, `{"billing":{"email":"a@b.cd","terms":30},"mrr":10}`, `{"mrr":10}`, `{"billing":{"email":"a@b.cd","terms":30}}`},
		{"null goes where its name belongs", cairn.OfPerson, `{"email":null,"plan":null}`, `{"plan":null}`, `{"email":null}`},
		{"an answer", cairn.OfAnswer, `{"survey":"nps","score":9,"comment":"fine"}`, `{"survey":"nps","score":9}`, `{"comment":"fine"}`},
		{"a ticket", cairn.OfTicket, `{"subject":"Help","status":"open"}`, `{"status":"open"}`, `{"subject":"Help"}`},
		{"an interaction", cairn.Interaction, `{"type":"call","mood":"good","text":"ok","who":["Ada"],"next_step":"write"}`, `{"type":"call","mood":"good"}`, `{"text":"ok","who":["Ada"],"next_step":"write"}`},
		{"a task of a play", cairn.OfTask, `{"title":"Call","why":"level fell","outcome":"done","play":"save","owner":"csm@example.org","reasons":[{"text":"3 of 12"}]}`,
			`{"title":"Call","why":"level fell","outcome":"done","play":"save","owner":"csm@example.org","reasons":[{"text":"3 of 12"}]}`, `null`},
		{"a task of a person", cairn.OfTask, `{"title":"Call Ada","state":"open","owner":"csm@example.org"}`, `{"state":"open","owner":"csm@example.org"}`, `{"title":"Call Ada"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			props, ok := decodeObject([]byte(c.props))
			if !ok {
				t.Fatal("bad test")
			}
			open, sealed := newClasses(Source{}).split(c.kind, props)
			compare(t, "open", c.open, open)
			compare(t, "sealed", c.sealed, sealed)
		})
	}
}

// compare compares what JSON text and m say.
func compare(t *testing.T, what, want string, m map[string]any) {
	t.Helper()
	var w, g any
	b, _ := json.Marshal(m)
	json.Unmarshal([]byte(want), &w)
	json.Unmarshal(b, &g)
	if diff := cmp.Diff(w, g); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestWhatASourceDeclaresHolds(t *testing.T) {
	c := newClasses(Source{Personal: []string{"Badge", "order.buyer"}, Plain: []string{"message", "order.note", "email"}})
	props, _ := decodeObject([]byte(`{"badge":"B-17","message":"Saved","email":"a@b.cd","order":{"buyer":"x","note":"y","total":1},"buyer":"z"}`))
	open, sealed := c.split(cairn.Track, props)
	compare(t, "open", `{"message":"Saved","email":"a@b.cd","order":{"note":"y","total":1},"buyer":"z"}`, open)
	compare(t, "sealed", `{"badge":"B-17","order":{"buyer":"x"}}`, sealed)
}

func TestTheContextIsPersonalButForTheLibraryAndTheGroup(t *testing.T) {
	d, m := newDoor()
	context := map[string]any{"ip": "8.8.8.8", "locale": "en", "library": map[string]any{"name": "x"}, "groupId": json.Number("55")}
	admit(t, d, shop,
		Record{Kind: cairn.Track, Name: "x", Keys: cairn.Keys{Person: "u"}, Context: context},
		Record{Kind: cairn.OfPerson, Keys: cairn.Keys{Person: "u"}, Props: map[string]any{"plan": "pro"}, Context: context},
	)
	if got := m.all[0]; string(got.Personal) != `{"context":{"ip":"8.8.8.8","locale":"en"}}` || got.Props != nil || got.Keys.Account != "55" {
		t.Errorf("%s %s %+v", got.Props, got.Personal, got.Keys)
	}
	// The fields of a patch are the record's; where it was sent from is not one.
	if got := m.all[1]; got.Personal != nil || string(got.Props) != `{"plan":"pro"}` || got.Keys.Account != "55" {
		t.Errorf("%s %s %+v", got.Props, got.Personal, got.Keys)
	}
}

func TestNothingIsLostByDividingAndNoAddressStaysOpen(t *testing.T) {
	leaf := rapid.SampledFrom([]any{nil, "x", "ada@example.org", "+49 30 1234567", true, json.Number("3")})
	name := rapid.SampledFrom([]string{"email", "name", "plan", "note", "contact", "n", "list"})
	object := rapid.Custom(func(t *rapid.T) map[string]any {
		m := map[string]any{}
		for range rapid.IntRange(0, 5).Draw(t, "size") {
			v := leaf.Draw(t, "leaf")
			switch rapid.IntRange(0, 3).Draw(t, "shape") {
			case 0:
				v = map[string]any{name.Draw(t, "inner"): v, "other": leaf.Draw(t, "other")}
			case 1:
				v = []any{v, leaf.Draw(t, "second")}
			}
			m[name.Draw(t, "name")] = v
		}
		return m
	})
	rapid.Check(t, func(t *rapid.T) {
		props := object.Draw(t, "props")
		kind := rapid.SampledFrom([]cairn.EventKind{cairn.Track, cairn.OfPerson, cairn.OfAccount, cairn.OfTicket}).Draw(t, "kind")
		open, sealed := newClasses(Source{}).split(kind, props)
		if diff := cmp.Diff(props, joined(open, sealed)); diff != "" {
			t.Fatalf("something was lost (-want +got):\n%s", diff)
		}
		if kind == cairn.OfAccount {
			delete(open, "name") // is an account's whatever it says
		}
		b, _ := json.Marshal(open)
		if looksLikeMail(string(b)) {
			t.Fatalf("an address stays open: %s", b)
		}
		if kind.IsRecord() {
			for name := range open {
				if _, both := sealed[name]; both {
					t.Fatalf("field %s of a record has two values", name)
				}
			}
		}
	})
}

func joined(a, b map[string]any) map[string]any {
	out := map[string]any{}
	for k, v := range a {
		out[k] = v
	}
	for k, v := range b {
		if x, ok := out[k].(map[string]any); ok {
			v = joined(x, v.(map[string]any))
		}
		out[k] = v
	}
	return out
}

func TestNamesAreSplitIntoWords(t *testing.T) {
	for name, want := range map[string][]string{
		"firstName": {"first", "name"}, "userIP": {"user", "ip"}, "IPAddress": {"ip", "address"}, "e-mail": {"e", "mail"},
		"Phone Number": {"phone", "number"}, "snake_case_9": {"snake", "case", "9"}, "": nil, "ÜberName": {"über", "name"}, "A": {"a"},
	} {
		if diff := cmp.Diff(want, words(name)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}
}
