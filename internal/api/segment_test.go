package api

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/ingest"
	"cairn/internal/store/sqlite"
)

// now is shortly after the requests of the SDKs were recorded.
var now = time.Date(2026, 11, 21, 19, 5, 0, 0, time.UTC)

// A counter is the store of the tests: a real one, of which Append can be made
// to fail.
type counter struct {
	ingest.Store
	sick error
}

func (c *counter) Append(ctx context.Context, events []cairn.Event) ([]event.Admitted, error) {
	if c.sick != nil {
		return nil, c.sick
	}
	return c.Store.Append(ctx, events)
}

// A house is a running front door with one source.
type house struct {
	*httptest.Server
	store *counter
	keys  ingest.Keys
	key   string
}

func open(t *testing.T) *house {
	t.Helper()
	ctx := context.Background()
	log := slog.New(slog.DiscardHandler)
	s, err := sqlite.Open(ctx, t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.SaveSource(ctx, cairn.House, ingest.Source{Name: "segment"}, "", now); err != nil {
		t.Fatal(err)
	}
	h := &house{store: &counter{Store: s}, keys: s}
	if _, h.key, err = s.AddKey(ctx, cairn.House, ingest.Key{Source: "segment", Name: "Website"}, now); err != nil {
		t.Fatal(err)
	}
	door := ingest.New(h.store, func() time.Time { return now })
	door.Limits = &ingest.Limiter{Spend: s.SpendKey}
	h.Server = httptest.NewServer(Segment(door, s, log))
	t.Cleanup(h.Close)
	return h
}

// send makes a request and returns the status and the body.
func (h *house) send(t *testing.T, method, path string, body []byte, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(method, h.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, b
}

// post sends a body with the key as the user name and reads the answer.
func (h *house) post(t *testing.T, path, body string) (int, answer) {
	t.Helper()
	res, b := h.send(t, "POST", path, []byte(body), "Authorization", basic(h.key))
	var a answer
	if err := json.Unmarshal(b, &a); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	return res.StatusCode, a
}

func basic(user string) string {
	r := httptest.NewRequest("GET", "/", nil)
	r.SetBasicAuth(user, "")
	return r.Header.Get("Authorization")
}

// logged returns all events of the log.
func (h *house) logged(t *testing.T) []cairn.Event {
	t.Helper()
	var out []cairn.Event
	for part := range cairn.Partitions {
		events, err := h.store.After(context.Background(), part, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, events...)
	}
	return out
}

// A recording is one request as an official SDK sent it.
type recording struct {
	Client   string   `json:"client"`
	Method   string   `json:"method"`
	URL      string   `json:"url"`
	Headers  []string `json:"rawHeaders"`
	Text     string   `json:"body_text"`
	Packed   []byte   `json:"body_base64"`
	BodySize int      `json:"body_bytes"`
}

func recordings(t *testing.T) map[string]recording {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "ingest", "testdata", "segment", "clients", "*.json"))
	if err != nil || len(files) != 10 {
		t.Fatalf("%d recordings, %v", len(files), err)
	}
	out := map[string]recording{}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var r recording
		if err := json.Unmarshal(raw, &r); err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = r
	}
	return out
}

func (r recording) body() []byte {
	if r.Packed != nil {
		return r.Packed
	}
	return []byte(r.Text)
}

// headers returns those of the recording with the key replaced by ours.
func (r recording) headers(key string) []string {
	var out []string
	for i := 0; i+1 < len(r.Headers); i += 2 {
		name, value := r.Headers[i], r.Headers[i+1]
		switch strings.ToLower(name) {
		case "host", "connection", "content-length", "accept-encoding":
			continue
		case "authorization":
			value = basic(key)
		}
		out = append(out, name, value)
	}
	return out
}

func TestEveryRecordedRequestOfAnOfficialSDKIsAcceptedOnce(t *testing.T) {
	h := open(t)
	total := 0
	for name, r := range recordings(t) {
		t.Run(name, func(t *testing.T) {
			if n := len(r.body()); n != r.BodySize {
				t.Fatalf("the recording has %d bytes of %d", n, r.BodySize)
			}
			for _, want := range []ingest.Status{ingest.Accepted, ingest.Duplicate} {
				res, body := h.send(t, r.Method, r.URL+"?verdicts=1", r.body(), r.headers(h.key)...)
				var a answer
				if err := json.Unmarshal(body, &a); err != nil {
					t.Fatal(err)
				}
				if res.StatusCode != 200 || !a.Success || len(a.Rejected) != 0 || len(a.Verdicts) == 0 {
					t.Fatalf("%d: %s", res.StatusCode, body)
				}
				if res.Header.Get("Access-Control-Allow-Origin") != "*" {
					t.Error("a browser may not read the answer")
				}
				for _, v := range a.Verdicts {
					if v.Status == ingest.Late && want == ingest.Accepted {
						continue
					}
					if v.Status != want {
						t.Errorf("%+v, want %s", v, want)
					}
				}
				if want == ingest.Accepted {
					total += len(a.Verdicts)
				}
			}
		})
	}
	if got := len(h.logged(t)); got != total || total != 65 {
		t.Errorf("%d events in the log, %d were sent", got, total)
	}
}

func TestARecordedIdentifyOfABrowserReachesTheLogWithItsAddressSealed(t *testing.T) {
	h := open(t)
	r := recordings(t)["segment-analytics-next_002.json"]
	h.send(t, r.Method, r.URL, r.body(), r.headers(h.key)...)
	events := h.logged(t)
	if len(events) != 1 {
		t.Fatalf("%d events", len(events))
	}
	e := events[0]
	if string(e.Props) != `{"plan":"pro"}` || string(e.Personal) != `{"email":"tim@example.org"}` {
		t.Errorf("props %s, personal %s", e.Props, e.Personal)
	}
	want := cairn.Keys{Person: "user-4001", Anonymous: "7043bf1e-d1b8-4888-91d1-78f0387f1cb5"}
	if diff := cmp.Diff(want, e.Keys); diff != "" || e.Kind != cairn.OfPerson {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestTheKeyIsTakenWhereverAnSDKPutsIt(t *testing.T) {
	h := open(t)
	const call = `{"userId":"u","event":"x"%s}`
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
	}{
		{"user name", fmt.Sprintf(call, ""), []string{"Authorization", basic(h.key)}, 200},
		{"bearer", fmt.Sprintf(call, ""), []string{"Authorization", "bearer " + h.key}, 200},
		{"body", fmt.Sprintf(call, `,"writeKey":"`+h.key+`"`), nil, 200},
		{"user name before body", fmt.Sprintf(call, `,"writeKey":"other"`), []string{"Authorization", basic(h.key)}, 200},
		{"wrong user name", fmt.Sprintf(call, `,"writeKey":"`+h.key+`"`), []string{"Authorization", basic("wk_wrong")}, 401},
		{"wrong in the body", fmt.Sprintf(call, `,"writeKey":"wk_wrong"`), nil, 401},
		{"not a text", fmt.Sprintf(call, `,"writeKey":17`), nil, 401},
		{"nowhere", fmt.Sprintf(call, ""), nil, 401},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := h.send(t, "POST", "/v1/track", []byte(c.body), c.headers...)
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d: %s", res.StatusCode, c.status, body)
			}
			if bytes.Contains(body, []byte(h.key)) {
				t.Error("the answer repeats the key")
			}
		})
	}
}

func TestEveryPathTakesItsCall(t *testing.T) {
	h := open(t)
	for path, call := range map[string]string{
		"identify": "identify", "track": "track", "page": "page", "screen": "screen", "group": "group", "alias": "alias",
		"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias",
		"batch": "", "b": "", "import": "", "import/": "",
	} {
		body := `{"userId":"u","event":"x","groupId":"acme","previousId":"v"}`
		want := cairn.EventKind(call)
		switch call {
		case "":
			body, want = `{"batch":[{"type":"track","userId":"u","event":"x"}]}`, cairn.Track
		case "page", "screen":
			want = cairn.Track
		case "identify":
			want = cairn.OfPerson
		case "group":
			want = cairn.OfAccount
		}
		before := len(h.logged(t))
		status, a := h.post(t, "/v1/"+path, body)
		if status != 200 || len(a.Rejected) != 0 {
			t.Errorf("/v1/%s: %d %+v", path, status, a)
		}
		kinds := map[cairn.EventKind]bool{}
		events := h.logged(t)
		for _, e := range events {
			kinds[e.Kind] = true
		}
		if len(events) != before+1 || !kinds[want] {
			t.Errorf("/v1/%s: %d events more, kinds %v", path, len(events)-before, kinds)
		}
	}
}

func TestAnAliasBringsWhatWasSentUnderTheEarlierIdToTheAccount(t *testing.T) {
	for _, aliasFirst := range []bool{false, true} {
		h := open(t)
		alias := `{"type":"alias","userId":"u-new","previousId":"u-old"},{"type":"alias","userId":"u-new","previousId":"visitor"}`
		calls := `{"type":"track","userId":"u-old","event":"x"},{"type":"track","anonymousId":"visitor","event":"x"},{"type":"group","userId":"u-new","groupId":"acme"}`
		batch := calls + "," + alias
		if aliasFirst {
			batch = alias + "," + calls
		}
		if status, a := h.post(t, "/v1/batch", `{"batch":[`+batch+`]}`); status != 200 || len(a.Rejected) != 0 {
			t.Fatalf("%d %+v", status, a)
		}
		pepper, err := h.store.Pepper(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		old := pepper.Person("", "u-old").Record()
		owners, err := h.store.Owners(context.Background(), []cairn.RecordID{old})
		if err != nil {
			t.Fatal(err)
		}
		if got := owners[old].Key; got != "acme" {
			t.Errorf("alias first %t: the events of the earlier id belong to %q", aliasFirst, got)
		}
	}
}

func TestABatchWithOneBadRecordKeepsTheOthers(t *testing.T) {
	h := open(t)
	status, a := h.post(t, "/v1/batch?verdicts=1", `{"batch":[
		{"type":"track","userId":"u","event":"x"},
		{"type":"track","userId":"u"},
		{"type":"group","userId":"u","groupId":"acme","traits":{"seats":"many"}},
		{"type":"track","userId":"u","event":"y","timestamp":"2026-11-20T09:00:00Z"}]}`)
	want := answer{Success: true,
		Rejected: []rejected{
			{1, ingest.CodeMissing, "event", "A track call needs the name of its event."},
			{2, ingest.CodeNumber, "seats", "It is not a whole number of 0 or more."},
		},
		Verdicts: []ingest.Verdict{
			{Index: 0, Status: ingest.Accepted},
			{Index: 1, Status: ingest.Rejected, Code: ingest.CodeMissing, Field: "event", Reason: "A track call needs the name of its event."},
			{Index: 2, Status: ingest.Rejected, Code: ingest.CodeNumber, Field: "seats", Reason: "It is not a whole number of 0 or more."},
			{Index: 3, Status: ingest.Late},
		},
	}
	for i, v := range a.Verdicts {
		if v.ID.IsZero() == (v.Status != ingest.Rejected) {
			t.Errorf("verdict %d has the id %s", i, v.ID)
		}
		a.Verdicts[i].ID = cairn.EventID{}
	}
	if diff := cmp.Diff(want, a); diff != "" || status != 200 {
		t.Errorf("status %d (-want +got):\n%s", status, diff)
	}
	if n := len(h.logged(t)); n != 2 {
		t.Errorf("%d events in the log", n)
	}
	if _, b := h.send(t, "POST", "/v1/t", []byte(`{"userId":"u","event":"z"}`), "Authorization", basic(h.key)); string(b) != `{"success":true,"rejected":[]}`+"\n" {
		t.Errorf("without a reject: %s", b)
	}
}

func pack(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(body); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGzipIsUnpackedWhateverTheHeadersSay(t *testing.T) {
	h := open(t)
	body := pack(t, []byte(`{"batch":[{"type":"track","userId":"u","event":"x"}]}`))
	for _, headers := range [][]string{
		{"Content-Encoding", "gzip", "Content-Type", "application/x-www-form-urlencoded"}, // as rudder-sdk-node sends
		{"Content-Type", "application/json"},
	} {
		res, b := h.send(t, "POST", "/v1/batch", body, append(headers, "Authorization", basic(h.key))...)
		if res.StatusCode != 200 {
			t.Errorf("%v: %d %s", headers, res.StatusCode, b)
		}
	}
	if n := len(h.logged(t)); n != 2 {
		t.Errorf("%d events", n)
	}
}

func TestABodyThatCannotBeReadIsRefusedAsAWhole(t *testing.T) {
	h := open(t)
	packed := pack(t, []byte(`{"userId":"u","event":"x"}`))
	big := []byte(`{"userId":"u","event":"` + strings.Repeat("x", ingest.MaxBatch) + `"}`)
	for _, c := range []struct {
		name     string
		body     []byte
		encoding string
		status   int
		says     string
	}{
		{"not JSON", []byte(`{"userId":"u",}`), "", 400, "byte 15"},
		{"form fields", []byte(`userId=u`), "", 400, "byte 1"},
		{"empty", nil, "", 400, "byte 0"},
		{"too large", big, "", 413, "500 KB"},
		{"too large when unpacked", pack(t, big), "gzip", 413, "500 KB"},
		{"gzip cut off", packed[:len(packed)-9], "gzip", 400, "to its end"},
		{"only looks like gzip", []byte{0x1f, 0x8b, 1, 2, 3}, "gzip", 400, "not gzip"},
		{"unknown encoding", []byte(`{}`), "br", 400, "gzip is"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := h.send(t, "POST", "/v1/track", c.body, "Authorization", basic(h.key), "Content-Encoding", c.encoding)
			if res.StatusCode != c.status || !bytes.Contains(body, []byte(c.says)) {
				t.Errorf("%d %s, want %d and %q", res.StatusCode, body, c.status, c.says)
			}
			if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
				t.Errorf("content type %q", got)
			}
		})
	}
	if n := len(h.logged(t)); n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestASenderIsAskedToTryAgainWhenTheStoreCannotTakeIt(t *testing.T) {
	h := open(t)
	for sick, want := range map[error]int{
		cairn.Errorf(cairn.Unavailable, "Not now."): 503, cairn.Errorf(cairn.TooMany, "Not now."): 429, errors.New("no connection"): 503,
	} {
		h.store.sick = sick
		res, body := h.send(t, "POST", "/v1/track", []byte(`{"userId":"u","event":"x","messageId":"m"}`), "Authorization", basic(h.key))
		if res.StatusCode != want || res.Header.Get("Retry-After") == "" {
			t.Errorf("%v: %d, Retry-After %q, %s", sick, res.StatusCode, res.Header.Get("Retry-After"), body)
		}
	}
	h.store.sick = nil
	if status, a := h.post(t, "/v1/track?verdicts=1", `{"userId":"u","event":"x","messageId":"m"}`); status != 200 || a.Verdicts[0].Status != ingest.Accepted {
		t.Errorf("the retry: %d %+v", status, a)
	}
}

func TestABrowserMayCallFromAnyPage(t *testing.T) {
	h := open(t)
	res, _ := h.send(t, "OPTIONS", "/v1/t", nil, "Origin", "https://app.example.org", "Access-Control-Request-Method", "POST",
		"Access-Control-Request-Headers", "authorization,content-type,x-retry-count", "Access-Control-Request-Private-Network", "true")
	got := map[string]string{}
	for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Allow-Private-Network"} {
		got[name] = res.Header.Get(name)
	}
	want := map[string]string{
		"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS, POST",
		"Access-Control-Allow-Headers": "authorization,content-type,x-retry-count", "Access-Control-Allow-Private-Network": "true",
	}
	if diff := cmp.Diff(want, got); diff != "" || res.StatusCode != 204 {
		t.Errorf("%d (-want +got):\n%s", res.StatusCode, diff)
	}
	res, _ = h.send(t, "POST", "/v1/t", []byte(`{`), "Authorization", basic("wk_wrong"))
	if res.StatusCode != 401 || res.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("a page cannot read why it was refused: %d", res.StatusCode)
	}
}

func TestOtherMethodsAndPathsAreAnswered(t *testing.T) {
	h := open(t)
	for _, c := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/v1/track", 405}, {"HEAD", "/v1/track", 405}, {"DELETE", "/v1/batch", 405}, {"OPTIONS", "/v1/batch", 204},
		{"POST", "/v1/unknown", 404}, {"HEAD", "/v1/projects/" + h.key + "/settings", 200}, {"POST", "/v1/projects/x/settings", 405},
	} {
		res, _ := h.send(t, c.method, c.path, nil)
		if res.StatusCode != c.status {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, res.StatusCode, c.status)
		}
		if c.status == 405 && res.Header.Get("Allow") == "" {
			t.Errorf("%s %s does not say what is allowed", c.method, c.path)
		}
	}
}

func TestTheSettingsSendABrowserToUsAndToNobodyElse(t *testing.T) {
	h := open(t)
	host := strings.TrimPrefix(h.URL, "http://")
	for _, c := range []struct {
		name                string
		headers             []string
		apiHost, apiProtocl string
	}{
		{"directly", nil, host + "/v1", "http"},
		{"behind a proxy", []string{"X-Forwarded-Proto", "https", "X-Forwarded-Host", "cairn.example.org, inner"}, "cairn.example.org/v1", "https"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res, body := h.send(t, "GET", "/v1/projects/"+h.key+"/settings", nil, c.headers...)
			var got struct {
				Integrations map[string]struct{ APIKey, APIHost, Protocol string } `json:"integrations"`
				Metrics      struct{ SampleRate int }                              `json:"metrics"`
				Remote       []string                                              `json:"remotePlugins"`
			}
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatal(err)
			}
			s := got.Integrations["Segment.io"]
			if res.StatusCode != 200 || len(got.Integrations) != 1 || s.APIKey != h.key || s.APIHost != c.apiHost || s.Protocol != c.apiProtocl {
				t.Errorf("%d: %s", res.StatusCode, body)
			}
			if got.Metrics.SampleRate != 0 || got.Remote == nil || len(got.Remote) != 0 {
				t.Errorf("the SDK would call others: %s", body)
			}
		})
	}
	if res, _ := h.send(t, "GET", "/v1/projects/wk_wrong/settings", nil); res.StatusCode != 401 {
		t.Errorf("a wrong key: %d", res.StatusCode)
	}
}

func TestAKeyIsUsedForWhatItIsMeantForOnly(t *testing.T) {
	h := open(t)
	body := []byte(`{"batch":[{"type":"track","userId":"u","event":"Report Created"},{"type":"identify","userId":"u"}]}`)
	made := func(k ingest.Key) string {
		k.Source = "segment"
		_, text, err := h.keys.AddKey(t.Context(), cairn.House, k, now)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	for _, c := range []struct {
		name    string
		key     ingest.Key
		headers []string
		status  int
		says    string
	}{
		{"read only", ingest.Key{Name: "Feed", Scopes: []ingest.KeyScope{ingest.MayRead}}, nil, 403, "may read and not write"},
		{"another page", ingest.Key{Origins: []string{"https://app.example.com"}}, []string{"Origin", "https://evil.example"}, 403, "may be used by pages of https://app.example.com only"},
		{"no page", ingest.Key{Origins: []string{"https://app.example.com"}}, nil, 403, "may be used by pages of"},
		{"its page", ingest.Key{Origins: []string{"https://app.example.com"}}, []string{"Origin", "https://app.example.com"}, 200, `"rejected":[]`},
		{"another endpoint", ingest.Key{Paths: []string{"/v1/track"}}, nil, 403, "may be used at /v1/track only"},
		{"all below", ingest.Key{Paths: []string{"/v1/"}}, nil, 200, `"rejected":[]`},
		{"one kind", ingest.Key{Kinds: []cairn.EventKind{cairn.Track}}, nil, 200, `"rejected":[{"index":1,"code":"not_allowed","field":"kind","reason":"The key may write track records only, and this is of kind person."}]`},
	} {
		res, answer := h.send(t, "POST", "/v1/batch", body, append(c.headers, "Authorization", basic(made(c.key)))...)
		if res.StatusCode != c.status || !strings.Contains(string(answer), c.says) {
			t.Errorf("%s: %d %s", c.name, res.StatusCode, answer)
		}
	}
}

func TestTheSettingsAreForEveryKeyThatMaySendACall(t *testing.T) {
	h := open(t)
	page := "https://app.example.com"
	same := []string{"Sec-Fetch-Site", "same-origin", "X-Forwarded-Proto", "https", "X-Forwarded-Host", "app.example.com"}
	for _, c := range []struct {
		name     string
		key      ingest.Key
		headers  []string
		settings int
		call     int // of what POST /v1/t answers
	}{
		{"limited to a call", ingest.Key{Paths: []string{"/v1/track"}}, nil, 200, 200},
		{"limited to its short name", ingest.Key{Paths: []string{"/v1/t"}}, nil, 200, 200},
		{"limited to batches", ingest.Key{Paths: []string{"/v1/batch"}}, nil, 200, 403},
		{"limited to all calls", ingest.Key{Paths: []string{"/v1/"}}, nil, 200, 200},
		{"limited to bulk bodies", ingest.Key{Paths: []string{"/api/v1/events:bulk"}}, nil, 403, 403},
		{"limited to another interface", ingest.Key{Paths: []string{"/api/"}}, nil, 403, 403},
		{"its page", ingest.Key{Paths: []string{"/v1/t"}, Origins: []string{page}}, []string{"Origin", page}, 200, 200},
		{"its page, which we serve too", ingest.Key{Origins: []string{page}}, same, 200, 200},
		{"another page", ingest.Key{Paths: []string{"/v1/t"}, Origins: []string{page}}, []string{"Origin", "https://evil.example"}, 403, 403},
		{"reads only", ingest.Key{Scopes: []ingest.KeyScope{ingest.MayRead}}, nil, 403, 403},
	} {
		c.key.Source = "segment"
		_, text, err := h.keys.AddKey(t.Context(), cairn.House, c.key, now)
		if err != nil {
			t.Fatal(err)
		}
		if res, body := h.send(t, "GET", "/v1/projects/"+text+"/settings", nil, c.headers...); res.StatusCode != c.settings {
			t.Errorf("%s: the settings: %d %s", c.name, res.StatusCode, body)
		}
		body := []byte(`{"userId":"u","event":"Report Created","writeKey":"` + text + `"}`)
		if res, body := h.send(t, "POST", "/v1/t", body, c.headers...); res.StatusCode != c.call {
			t.Errorf("%s: a call: %d %s", c.name, res.StatusCode, body)
		}
	}
}

func TestAKeyThatHasSentAsMuchAsItMayIsToldWhenToComeAgain(t *testing.T) {
	h := open(t)
	_, text, err := h.keys.AddKey(t.Context(), cairn.House, ingest.Key{Source: "segment", Name: "Shop", Limits: ingest.Limits{PerSecond: 1, Burst: 3, PerDay: 1000}}, now)
	if err != nil {
		t.Fatal(err)
	}
	body := []byte(`{"batch":[{"type":"track","userId":"u","event":"A"},{"type":"track","userId":"u","event":"B"}]}`)
	send := func(agent string) *http.Response {
		res, _ := h.send(t, "POST", "/v1/batch", body, "Authorization", basic(text), "User-Agent", agent)
		return res
	}
	first := send("curl")
	if first.StatusCode != 200 || first.Header.Get("RateLimit-Limit") != "3" || first.Header.Get("RateLimit-Remaining") != "1" || first.Header.Get("Retry-After") != "" {
		t.Errorf("the first: %d %v", first.StatusCode, first.Header)
	}
	send("curl")
	for agent, digits := range map[string]int{"curl": 1, "analytics-node-next/latest": 13} {
		res := send(agent)
		if res.StatusCode != 429 || res.Header.Get("RateLimit-Remaining") != "0" || len(res.Header.Get("X-RateLimit-Reset")) != digits {
			t.Errorf("%s: %d %v", agent, res.StatusCode, res.Header)
		}
		if after := res.Header.Get("Retry-After"); after < "1" || after > "3" || len(after) != 1 {
			t.Errorf("%s: again after %q", agent, after)
		}
	}
	if n := h.send1(t); n != 200 {
		t.Errorf("a key without limits: %d", n)
	}
}

// send1 sends one event with the key that has no limits.
func (h *house) send1(t *testing.T) int {
	res, _ := h.send(t, "POST", "/v1/track", []byte(`{"userId":"u","event":"A"}`), "Authorization", basic(h.key))
	if res.Header.Get("RateLimit-Limit") != "" {
		t.Error("there is a limit where none is set")
	}
	return res.StatusCode
}
