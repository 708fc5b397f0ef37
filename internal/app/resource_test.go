package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/revenue"
	"cairn/internal/store/storetest"
)

// A program is somebody who uses the resource API with a key.
type program struct {
	*testing.T
	*App
	url, key string
}

// programOf serves a Cairn to a program whose key has some scopes.
func programOf(t *testing.T, a *App, scopes ...ingest.KeyScope) *program {
	t.Helper()
	srv := httptest.NewServer(a.Handler())
	t.Cleanup(srv.Close)
	p := &program{T: t, App: a, url: srv.URL}
	return p.with(scopes...)
}

// with is the same with a key of other scopes.
func (p *program) with(scopes ...ingest.KeyScope) *program {
	p.Helper()
	made, err := asked(p.T, p.App, SourceKeyAdd, ingest.Key{Source: "program", Scopes: scopes})
	if err != nil {
		p.Fatal(err)
	}
	q := *p
	q.key = made.Text
	return &q
}

// ask makes a request and reads the answer, whose status it expects.
func (p *program) ask(status int, method, path, body string, headers ...string) map[string]any {
	p.Helper()
	r, err := http.NewRequest(method, p.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		p.Fatal(err)
	}
	if p.key != "" {
		r.Header.Set("Authorization", "Bearer "+p.key)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		p.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.Fatal(err)
	}
	out := map[string]any{}
	if err := json.Unmarshal(text, &out); err != nil || res.StatusCode != status {
		p.Fatalf("%s %s answers %d, want %d: %s", method, path, res.StatusCode, status, text)
	}
	kind := "application/json"
	if status >= 400 {
		kind = "application/problem+json"
	}
	if got := res.Header.Get("Content-Type"); got != kind {
		p.Errorf("%s %s answers with %s", method, path, got)
	}
	return out
}

// get walks through an answer: names of objects, places of lists.
func get(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch at := p.(type) {
		case string:
			m, ok := v.(map[string]any)
			if !ok {
				t.Fatalf("%v: %v is no object", path, v)
			}
			v = m[at]
		case int:
			l, ok := v.([]any)
			if !ok || len(l) <= at {
				t.Fatalf("%v: %v has no place %d", path, v, at)
			}
			v = l[at]
		}
	}
	return v
}

func wants(t *testing.T, v any, want any, path ...any) {
	t.Helper()
	if got := get(t, v, path...); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v is %v, want %v", path, got, want)
	}
}

func TestTheResourceAPIAnswersOnlyWhoMay(t *testing.T) {
	p := programOf(t, counted(t), ingest.MayRead)
	p.ask(200, "GET", "/metrics", "")
	wants(t, p.ask(403, "PUT", "/meaningful", `{"meaningful":{}}`), "forbidden", "kind")
	wants(t, p.ask(403, "GET", "/unclaimed?personal=true", ""), "forbidden", "kind")
	p.with(ingest.MayWrite).ask(403, "GET", "/metrics", "")
	none := *p
	none.key = ""
	wants(t, none.ask(401, "GET", "/metrics", ""), "unauthentic", "kind")
	none.key = "rk_wrong"
	none.ask(401, "GET", "/metrics", "")

	wants(t, p.ask(400, "GET", "/unclaimed?colour=red", ""), "invalid", "kind")
	wants(t, p.ask(400, "GET", "/unclaimed?kind=cat", ""), "kind", "field")
	wants(t, p.ask(404, "GET", "/nothing", ""), "not_found", "kind")
	wants(t, p.ask(404, "GET", "/metrics/none", ""), "name", "field")
	manage := p.with(ingest.MayRead, ingest.MayManage)
	broken := manage.ask(400, "POST", "/merges", `{"from":`)
	if strings.Contains(fmt.Sprint(broken), "from") {
		t.Errorf("what was sent is echoed: %v", broken)
	}
	wants(t, manage.ask(400, "POST", "/merges", `{"from":"acme"}`), "invalid", "kind")
	wants(t, manage.ask(400, "POST", "/unclaimed/claim", `{"ids":null,"new":true}`), "ids", "field")
	wants(t, manage.ask(400, "POST", "/merges", `{"from":"acme","into":"b","cat":1}`), "cat", "field")
	if _, err := asked(t, p.App, SourceKeyAdd, ingest.Key{Source: "program", Scopes: []ingest.KeyScope{ingest.MayManage}}); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("a key that may manage and not read: %v", err)
	}
}

// waits is a Cairn at which an account of the CRM's own ids and a person wait,
// and the CRM has sent something wrong.
func waits(t *testing.T) *App {
	a := counted(t)
	now := a.Clock.Now()
	crm := ingest.Source{Name: "crm", Space: "crm"}
	if err := a.Store.SaveSource(t.Context(), cairn.House, crm, "", now); err != nil {
		t.Fatal(err)
	}
	verdicts, err := a.Door.Admit(t.Context(), crm, []ingest.Record{
		{Kind: cairn.OfAccount, ID: "1", At: now, Keys: cairn.Keys{Account: "0018"}, Props: map[string]any{"name": "ACME Ltd"}},
		{Kind: cairn.OfContract, ID: "2", At: now, Keys: cairn.Keys{Account: "0018", Record: "c-1"}, Props: map[string]any{"mrr": 100}},
		{Kind: cairn.OfContract, ID: "3", At: now, Keys: cairn.Keys{Account: "0018", Record: "c-2", Person: "ann@acme.example"}, Props: map[string]any{"status": "running", "comment": "Ann said so"}},
	})
	if err != nil || verdicts[2].Status != ingest.Rejected {
		t.Fatalf("%+v %v", verdicts, err)
	}
	if _, err := a.Door.Admit(t.Context(), ingest.Source{Name: "product"}, []ingest.Record{
		{Kind: cairn.OfPerson, ID: "4", At: now, Keys: cairn.Keys{Person: "stray"}, Props: map[string]any{"name": "Gil Lobe", "email": "gil@globex.example"}},
		{Kind: cairn.OfAccount, ID: "5", At: now, Keys: cairn.Keys{Account: "globex"}, Props: map[string]any{"name": "Globex", "plan": "gold", "billing_email": "gil@globex.example"}},
		{Kind: cairn.OfAccount, ID: "6", At: now, Keys: cairn.Keys{Account: "acme"}, Props: map[string]any{"plan": "tin", "billing_email": "ann@acme.example"}},
	}); err != nil {
		t.Fatal(err)
	}
	settle(t, a)
	return a
}

func TestWhoIsWhoIsSaidThroughTheAPI(t *testing.T) {
	a := waits(t)
	p := programOf(t, a, ingest.MayRead, ingest.MayManage)
	tray := p.ask(200, "GET", "/unclaimed", "")
	wants(t, tray, 1, "counts", "account")
	if text := fmt.Sprint(tray); strings.Contains(text, "Gil") || strings.Contains(text, "gil@") {
		t.Errorf("somebody is named to who may not read that: %s", text)
	}
	all := p.with(ingest.MayRead, ingest.MayReadPersonal).ask(200, "GET", "/unclaimed?personal=true&kind=person", "")
	wants(t, all, "Gil Lobe", "unclaimed", 0, "name")
	stray := get(t, all, "unclaimed", 0, "id").(string)

	preview := p.ask(200, "POST", "/unclaimed/preview", `{"ids":["crm: 0018","`+stray+`"],"account":"acme"}`)
	wants(t, preview, "acme", "account", "key")
	wants(t, preview, 1, "claims", 0, "records")
	wants(t, preview, 1, "claims", 1, "events")

	body := `{"ids":["crm: 0018"],"account":"acme"}`
	first := p.ask(200, "POST", "/unclaimed/claim", body, "Idempotency-Key", "k1")
	tie := get(t, first, "ties", 0, "id").(string)
	wants(t, p.ask(200, "POST", "/unclaimed/claim", body, "Idempotency-Key", "k1"), tie, "ties", 0, "id")
	wants(t, first, "into", "ties", 0, "says")
	if again := p.ask(200, "POST", "/unclaimed/claim", `{"ids":["crm: 0018"],"account":"globex"}`, "Idempotency-Key", "k1"); get(t, again, "ties", 0, "id") == tie {
		t.Error("another request under the same key was not made")
	}
	wants(t, p.ask(200, "GET", "/accounts/globex/identity", ""), "0018", "names", 1, "key")
	p.ask(200, "DELETE", "/ties/"+get(t, p.ask(200, "GET", "/accounts/globex/identity", ""), "names", 1, "tie", "id").(string), "")
	if by := get(t, first, "ties", 0, "by").(string); !strings.Contains(by, "program") {
		t.Errorf("said by %s", by)
	}
	known := p.ask(200, "GET", "/accounts/acme/identity", "")
	wants(t, known, "0018", "names", 1, "key")
	wants(t, known, tie, "names", 1, "tie", "id")
	wants(t, p.ask(200, "DELETE", "/ties/"+tie, ""), true, "undone")
	wants(t, p.ask(200, "DELETE", "/ties/"+tie, ""), true, "undone")
	wants(t, p.ask(200, "GET", "/ties/"+tie, ""), true, "undone")
	if names := get(t, p.ask(200, "GET", "/accounts/acme/identity", ""), "names").([]any); len(names) != 1 {
		t.Errorf("undone, and acme is known as %v", names)
	}
	wants(t, p.ask(400, "POST", "/unclaimed/claim", `{"ids":["crm: 0018"]}`), "account", "field")
	wants(t, p.ask(400, "POST", "/unclaimed/claim", `{"ids":["`+stray+`","what?"],"account":"acme"}`), "ids.1", "field")

	wants(t, p.ask(200, "POST", "/unclaimed/ignore", `{"ids":["`+stray+`"]}`), "aside", "ties", 0, "says")
	wants(t, p.ask(200, "GET", "/unclaimed?ignored=true", ""), stray, "unclaimed", 0, "id")
}

func TestAccountsAndPeopleAreMergedThroughTheAPI(t *testing.T) {
	p := programOf(t, waits(t), ingest.MayRead, ingest.MayManage)
	body := `{"from":"globex","into":"acme"}`
	preview := p.ask(200, "POST", "/merges/preview", body)
	wants(t, preview, "globex", "from", "key")
	wants(t, preview, "•••", "clashes", 0, "from") // billing_email
	wants(t, preview, "gold", "clashes", 1, "from")
	told := p.with(ingest.MayRead, ingest.MayReadPersonal).ask(200, "POST", "/merges/preview?personal=true", body)
	wants(t, told, "gil@globex.example", "clashes", 0, "from")
	if l := get(t, preview, "after", "level"); l == nil {
		t.Errorf("no level of both as one: %v", preview)
	}
	merged := p.ask(200, "POST", "/merges", body, "Idempotency-Key", "m1")
	wants(t, p.ask(200, "POST", "/merges", body, "Idempotency-Key", "m1"), get(t, merged, "id"), "id")
	wants(t, p.ask(409, "POST", "/merges", body), "conflict", "kind")
	known := p.ask(200, "GET", "/accounts/acme/identity", "")
	wants(t, known, "globex", "names", 1, "key")
	p.ask(200, "DELETE", "/ties/"+get(t, merged, "id").(string), "")
	p.ask(200, "GET", "/accounts/globex/identity", "")

	waiting := p.ask(200, "POST", "/merges/preview", `{"from":"crm: 0018","into":"acme"}`)
	wants(t, waiting, 1, "streams")
	wants(t, waiting, nil, "after")

	people := p.ask(200, "POST", "/merges", `{"from":"p0","into":"p1","people":true}`)
	wants(t, people, "person", "subject", "what")
	somebody := p.ask(200, "GET", "/people/p0/identity", "")
	wants(t, somebody, get(t, people, "target", "id"), "person")
	wants(t, somebody, nil, "key")
	wants(t, p.with(ingest.MayRead, ingest.MayReadPersonal).ask(200, "GET", "/people/p0/identity?personal=true", ""), "p1", "key")
	wants(t, p.ask(404, "POST", "/merges", `{"from":"nobody","into":"p1","people":true}`), "from", "field")
}

func TestMetricsAndMeaningfulActivityAreSetThroughTheAPI(t *testing.T) {
	a := counted(t)
	p := programOf(t, a, ingest.MayRead, ingest.MayManage)
	metric := `{"name":"pages","title":"Pages made","count":"sum","events":["Report Created"],"property":"pages","days":28,"where":[{"field":"pages","op":"at_least","value":1}]}`
	checked := p.ask(200, "POST", "/metrics/check", `{"metric":`+metric+`,"accounts":["acme"]}`)
	if v := get(t, checked, "accounts", 0, "value"); v == nil {
		t.Errorf("not measured: %v", checked)
	}
	wants(t, p.ask(400, "POST", "/metrics/check", `{"metric":{"name":"x","title":"X","count":"sum","events":["Report Created"],"days":28}}`), "property", "field")
	wants(t, p.ask(200, "GET", "/metrics", ""), "[]", "metrics")
	put := p.ask(200, "PUT", "/metrics/pages", `{"metric":`+metric+`,"note":"for the board"}`)
	wants(t, put, 1, "rev")
	wants(t, put, "at_least", "where", 0, "op")
	wants(t, p.ask(409, "PUT", "/metrics/pages", `{"metric":`+metric+`}`), "conflict", "kind")
	wants(t, p.ask(409, "PUT", "/metrics/pages", `{"metric":`+metric+`,"rev":7}`), "conflict", "kind")
	wants(t, p.ask(400, "PUT", "/metrics/other", `{"metric":`+metric+`}`), "metric.name", "field")
	wants(t, p.ask(200, "GET", "/metrics/pages", ""), "Pages made", "title")
	wants(t, p.ask(200, "DELETE", "/metrics/pages", ""), true, "done")
	p.ask(404, "DELETE", "/metrics/pages", "")

	was := p.ask(200, "GET", "/meaningful", "")
	wants(t, was, 1, "rev")
	wants(t, was, "Page Viewed", "meaningful", "except", 0)
	all := `{"except":[]}` // everything counts, which is not what nothing said means
	effects := p.ask(200, "POST", "/meaningful/check", `{"meaningful":`+all+`,"accounts":["acme"]}`)
	wants(t, effects, 1, "effects", 0, "before", "active_people_28d")
	wants(t, effects, 3, "effects", 0, "after", "active_people_28d")
	wants(t, p.ask(409, "PUT", "/meaningful", `{"meaningful":`+all+`,"rev":3}`), "conflict", "kind")
	now := p.ask(200, "PUT", "/meaningful", `{"meaningful":`+all+`,"rev":1}`)
	wants(t, now, "[]", "meaningful", "except")
	wants(t, now, 2, "rev")
	back := p.ask(200, "PUT", "/meaningful", `{"meaningful":{}}`)
	wants(t, back, nil, "meaningful", "except")
	wants(t, p.ask(400, "PUT", "/meaningful", `{"meaningful":{"sets":[{"name":"Big","all":[]}]}}`), "sets.0.all", "field")
	wants(t, p.ask(200, "GET", "/event-names", ""), "Page Viewed", "event_names", 0, "name")
}

func TestHowLongEventsAreKeptIsSetThroughTheAPI(t *testing.T) {
	a := counted(t)
	p := programOf(t, a, ingest.MayRead, ingest.MayManage)
	was := p.ask(200, "GET", "/keeping", "")
	wants(t, was, 0, "rev")
	wants(t, was, "[]", "ends")
	if n, _ := get(t, was, "holds", "events").(float64); n == 0 {
		t.Errorf("the log holds nothing: %v", was)
	}
	ends := `{"ends":[{"event":"Page Viewed","keep":"90 days"},{"keep":"for ever"}]}`
	preview := p.ask(200, "POST", "/keeping/preview", `{"keeping":`+ends+`}`)
	wants(t, preview, get(t, was, "holds", "events"), "events")
	wants(t, p.ask(200, "GET", "/keeping", ""), 0, "rev")
	wants(t, p.ask(400, "PUT", "/keeping", `{"keeping":{"ends":[{"keep":"a while"}]}}`), "ends.0.keep", "field")
	wants(t, p.ask(400, "PUT", "/keeping", `{"keeping":{"ends":[{"keep":"3 days"}]}}`), "ends.0.days", "field")
	put := p.ask(200, "PUT", "/keeping", `{"keeping":`+ends+`,"rev":0,"note":"little is looked up"}`)
	wants(t, put, 1, "rev")
	wants(t, put, "90 days", "ends", 1, "keep")
	if get(t, put, "drops_from") == nil {
		t.Error("it is not told from when on events are dropped")
	}
	wants(t, p.ask(409, "PUT", "/keeping", `{"keeping":{"ends":[]},"rev":0}`), "conflict", "kind")
	wants(t, p.ask(200, "PUT", "/keeping", `{"keeping":{"ends":[]},"rev":1}`), "[]", "ends")
	revs := p.ask(200, "GET", "/keeping/revisions", "")
	wants(t, revs, 2, "revisions", 0, "rev")
	wants(t, revs, "little is looked up", "revisions", 1, "note")
	wants(t, p.with(ingest.MayRead).ask(403, "PUT", "/keeping", `{"keeping":{"ends":[]}}`), "forbidden", "kind")
}

func TestSourcesAndRejectsAreSeenToThroughTheAPI(t *testing.T) {
	a := waits(t)
	p := programOf(t, a, ingest.MayRead, ingest.MayManage)
	personal := p.with(ingest.MayRead, ingest.MayManage, ingest.MayReadPersonal)
	sources := p.ask(200, "GET", "/sources", "")
	wants(t, sources, "crm", "sources", 1, "name")
	wants(t, sources, 1, "sources", 1, "refused", 0, "open")
	wants(t, p.ask(200, "GET", "/sources/program", ""), "active", "keys", 0, "state")
	wants(t, p.ask(404, "GET", "/sources/none", ""), "name", "field")
	wants(t, p.ask(200, "GET", "/alarms?since=2020-01-01", ""), "[]", "alarms")
	wants(t, p.ask(400, "GET", "/alarms?since=soon", ""), "since", "field")

	list := p.ask(200, "GET", "/rejects?source=crm", "")
	wants(t, list, 1, "total")
	wants(t, list, "unknown_value", "rejects", 0, "code")
	for _, secret := range []string{"ann@acme", "Ann said"} {
		if strings.Contains(fmt.Sprint(list), secret) {
			t.Errorf("%q is told to who may not read it: %v", secret, list)
		}
	}
	wants(t, personal.ask(200, "GET", "/rejects?source=crm&personal=true", ""), "Ann said so", "rejects", 0, "message", "traits", "comment")
	path := fmt.Sprint("/rejects/", get(t, list, "rejects", 0, "id"))
	wants(t, p.ask(200, "GET", path, ""), "rejected", "verdict", "status")

	which := `{"which":{"source":"crm","code":"unknown_value"},"patch":[{"op":"set","field":"traits.status","value":"active"}]}`
	preview := p.ask(200, "POST", "/rejects/preview", which)
	wants(t, preview, "accepted", "previews", 0, "verdict", "status")
	wants(t, preview, "active", "previews", 0, "after", "traits", "status")
	wants(t, p.ask(200, "POST", "/rejects/mend", which), 1, "changed")
	wants(t, p.ask(400, "POST", "/rejects/replay", `{"which":{}}`), "all", "field")
	wants(t, p.ask(200, "POST", "/rejects/dismiss", `{"which":{"all":true}}`), 1, "changed")
	wants(t, p.ask(200, "POST", "/rejects/reopen", `{"which":{"all":true}}`), 1, "changed")
	wants(t, p.ask(200, "POST", "/rejects/replay", `{"which":{"source":"crm"}}`), 1, "accepted")
	done := p.ask(200, "GET", "/rejects?state=replayed", "")
	wants(t, done, "accepted", "rejects", 0, "outcome")
	wants(t, p.ask(409, "PUT", path, `{"message":{"type":"contract"}}`), "conflict", "kind")
	p.ask(404, "GET", "/rejects/99999", "")
}

// docs/api-resources.md is made of the description that the server gives of
// itself, so that it cannot say anything else.
func TestTheResourceAPIIsWrittenDown(t *testing.T) {
	a := counted(t)
	srv := httptest.NewServer(a.Handler())
	defer srv.Close()
	res, err := http.Get(srv.URL + "/api/v1/openapi.json")
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("the description cannot be read: %v %v", res, err)
	}
	res.Body.Close()
	o := a.resources().OpenAPI()
	for name, s := range o.Components.Schemas.Map() {
		for field, p := range s.Properties {
			if p.Description == "" {
				t.Errorf("%s.%s is not described", name, field)
			}
		}
	}
	storetest.Written(t, "../../docs/api-resources.md", reference(o))
}

// reference is the description as a page.
func reference(o *huma.OpenAPI) string {
	var b strings.Builder
	b.WriteString(`# Resource API

JSON over HTTP for what the pages and the command line do: who is who, metrics, Meaningful Activity, sources, what was refused, and how long events are kept. How keys, errors and repeated requests work is in [api.md](api.md#resources). This page is made of the description that every server gives of itself at ` + "`/api/v1/openapi.json`" + ` (OpenAPI 3.1, for generating clients).
`)
	group := ""
	for _, op := range operationsOf(o) {
		if op.Tags[0] != group {
			group = op.Tags[0]
			fmt.Fprintf(&b, "\n## %s\n", group)
		}
		fmt.Fprintf(&b, "\n### `%s %s`\n\n%s. %s\n", op.Method, op.Path, op.Summary, strings.Join(strings.Fields(op.Description), " "))
		if len(op.Parameters) > 0 {
			b.WriteString("\n| parameter | in | |\n|---|---|---|\n")
		}
		for _, p := range op.Parameters {
			fmt.Fprintf(&b, "| `%s` | %s | %s |\n", p.Name, p.In, limits(p.Schema, p.Description))
		}
		if op.RequestBody != nil {
			fields(&b, "body", o, op.RequestBody.Content["application/json"].Schema)
		}
		fields(&b, "answer", o, op.Responses["200"].Content["application/json"].Schema)
	}
	b.WriteString("\n## Types\n")
	all := o.Components.Schemas.Map()
	var names []string
	for name := range all {
		if !strings.HasSuffix(name, "Body") || name == "MergeBody" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, "\n### %s\n", name)
		fields(&b, "field", o, all[name])
	}
	return b.String()
}

// operationsOf are all of them, in the order of their groups.
func operationsOf(o *huma.OpenAPI) []*huma.Operation {
	groups := []string{"Identity", "Metrics", "Meaningful Activity", "Sources", "Rejects", "Keeping"}
	var out []*huma.Operation
	for _, p := range o.Paths {
		for _, op := range []*huma.Operation{p.Get, p.Post, p.Put, p.Delete} {
			if op != nil {
				out = append(out, op)
			}
		}
	}
	slices.SortFunc(out, func(a, b *huma.Operation) int {
		if n := slices.Index(groups, a.Tags[0]) - slices.Index(groups, b.Tags[0]); n != 0 {
			return n
		}
		return strings.Compare(a.Path+a.Method, b.Path+b.Method)
	})
	return out
}

// fields writes the fields of a type, or a link to it.
func fields(b *strings.Builder, what string, o *huma.OpenAPI, s *huma.Schema) {
	if s.Ref != "" {
		name := s.Ref[strings.LastIndex(s.Ref, "/")+1:]
		if !strings.HasSuffix(name, "Body") || name == "MergeBody" {
			fmt.Fprintf(b, "\n%s: %s\n", strings.ToUpper(what[:1])+what[1:], linkTo(name))
			return
		}
		s = o.Components.Schemas.Map()[name]
	}
	fmt.Fprintf(b, "\n| %s | type | |\n|---|---|---|\n", what)
	var names []string
	for name := range s.Properties {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { // what is needed first
		need := func(n string) int { return -slices.Index(append([]string{""}, s.Required...), n) }
		if (need(a) < 0) != (need(b) < 0) {
			return need(a) - need(b)
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		p := s.Properties[name]
		optional := ""
		if !slices.Contains(s.Required, name) {
			optional = "?"
		}
		fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", name, optional, typed(p), limits(p, p.Description))
	}
}

func linkTo(name string) string { return "[" + name + "](#" + strings.ToLower(name) + ")" }

// typed is the type of a value.
func typed(s *huma.Schema) string {
	null := ""
	if s.Nullable {
		null = " or null"
	}
	switch {
	case s.Ref != "":
		return linkTo(s.Ref[strings.LastIndex(s.Ref, "/")+1:]) + null
	case s.Type == "array":
		return "list of " + typed(s.Items) + null
	case s.Type == "object":
		if of, ok := s.AdditionalProperties.(*huma.Schema); ok {
			return "object of " + typed(of) + null
		}
		return "object" + null
	case s.Type == "":
		return "any"
	case s.Format == "date-time":
		return "time" + null
	case s.Type == "boolean":
		return "truth" + null
	case s.Type == "string":
		return "text" + null
	}
	return s.Type + null
}

// limits adds to what a field is what it may be.
func limits(s *huma.Schema, text string) string {
	var more []string
	if len(s.Enum) > 0 {
		var words []string
		for _, e := range s.Enum {
			words = append(words, fmt.Sprint("`", e, "`"))
		}
		more = append(more, "One of "+strings.Join(words, ", ")+".")
	}
	if s.Default != nil {
		more = append(more, fmt.Sprintf("Unless said: `%v`.", s.Default))
	}
	if s.Minimum != nil && s.Maximum != nil {
		more = append(more, fmt.Sprintf("%v to %v.", *s.Minimum, *s.Maximum))
	}
	if s.MaxItems != nil {
		more = append(more, fmt.Sprintf("At most %d.", *s.MaxItems))
	}
	if s.MaxLength != nil {
		more = append(more, fmt.Sprintf("At most %d characters.", *s.MaxLength))
	}
	return strings.ReplaceAll(strings.Join(append([]string{text}, more...), " "), "|", `\|`)
}

func TestContractsAreReadAndWrittenThroughTheResourceAPI(t *testing.T) {
	a := counted(t)
	p := programOf(t, a, ingest.MayRead, ingest.MayWrite)
	wants(t, p.ask(400, "PUT", "/contracts/c-1", `{"account":"acme","fields":{"mrr":"a lot"}}`), "body.fields.mrr", "field")
	wants(t, p.ask(404, "GET", "/contracts/c-1", ""), "not_found", "kind")
	made := p.ask(200, "PUT", "/contracts/c-1", `{"account":"acme","at":"2026-01-10T00:00:00Z","fields":{"amount":"1200","interval":"annual","start":"2026-01-10","currency":"EUR","product":"Core"}}`, "Idempotency-Key", "one")
	wants(t, made, "Core", "fields", "product", "value")
	wants(t, made, "program", "fields", "product", "source")
	wants(t, made, "acme", "account", "key")
	again := p.ask(200, "PUT", "/contracts/c-1", `{"account":"acme","at":"2026-01-10T00:00:00Z","fields":{"amount":"1200","interval":"annual","start":"2026-01-10","currency":"EUR","product":"Core"}}`, "Idempotency-Key", "one")
	if n, m := len(get(t, made, "history").([]any)), len(get(t, again, "history").([]any)); n != 5 || m != n {
		t.Errorf("%d things were said, and after a retry %d", n, m)
	}
	// What is known needs no account any more; null clears.
	changed := p.ask(200, "PUT", "/contracts/c-1", `{"at":"2026-03-10T00:00:00Z","fields":{"amount":"1800","product":null}}`)
	wants(t, changed, "1800", "fields", "amount", "value")
	if _, there := get(t, changed, "fields").(map[string]any)["product"]; there {
		t.Error("a field that was cleared is shown")
	}
	wants(t, p.ask(400, "PUT", "/contracts/c-2", `{"fields":{"mrr":"10"}}`), "invalid", "kind")
	p.ask(200, "PUT", "/contracts/c-3", `{"account":"acme","at":"2026-02-10T00:00:00Z","fields":{"mrr":"10","start":"2026-02-10"}}`)

	// Pages of one reach all, each once.
	seen := map[string]bool{}
	for cursor := ""; ; {
		page := p.ask(200, "GET", "/contracts?account=acme&limit=1&cursor="+cursor, "")
		seen[fmt.Sprint(get(t, page, "records", 0, "key"))] = true
		next, more := page["cursor"]
		if !more {
			break
		}
		cursor = next.(string)
	}
	if len(seen) != 2 || !seen["c-1"] || !seen["c-3"] {
		t.Errorf("listed %v", seen)
	}
	wants(t, p.ask(400, "GET", "/contracts?cursor=zzz", ""), "cursor", "field")

	got, err := asked(t, a, RevenueMovements, MovementQuestion{Account: "acme", Query: revenue.Query{Policy: "chartmogul"}})
	if err != nil {
		t.Fatal(err)
	}
	var booked []string
	for _, m := range got.Movements {
		booked = append(booked, m.On+" "+string(m.Kind)+" "+m.Text)
	}
	slices.Sort(booked)
	if diff := cmp.Diff([]string{"2026-01-10 new 100.00", "2026-02-10 expansion 10.00", "2026-03-10 expansion 50.00"}, booked); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}

	for path, body := range map[string]string{
		"renewals": `{"account":"acme","fields":{"contract":"c-1","probability":80}}`, "losses": `{"account":"acme","fields":{"on":"2026-05-01","reason":"price"}}`,
		"opportunities": `{"account":"acme","fields":{"title":"More seats","amount":"500"}}`,
	} {
		put := p.ask(200, "PUT", "/"+path+"/x-1", body)
		if len(get(t, put, "history").([]any)) == 0 {
			t.Errorf("%s: %v", path, put)
		}
		wants(t, p.ask(200, "GET", "/"+path, ""), "x-1", "records", 0, "key")
	}
	wants(t, p.with(ingest.MayRead).ask(403, "PUT", "/contracts/c-1", `{"fields":{"mrr":"1"}}`), "forbidden", "kind")
}
