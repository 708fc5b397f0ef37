package api

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A shelf is a running feed beside a bulk endpoint.
type shelf struct {
	*yard
	feed             *httptest.Server
	reader, personal string // keys
	end              context.CancelFunc
}

func openShelf(t *testing.T) *shelf {
	t.Helper()
	y := openYard(t, false)
	stopping, end := context.WithCancel(context.Background())
	s := &shelf{yard: y, end: end, feed: httptest.NewServer(Feed(y.store, y.store, y.store, stopping, slog.New(slog.DiscardHandler)))}
	t.Cleanup(func() { end(); s.feed.Close() })
	for key, scopes := range map[*string][]ingest.KeyScope{&s.reader: {ingest.MayRead}, &s.personal: {ingest.MayRead, ingest.MayReadPersonal}} {
		var err error
		if _, *key, err = y.store.AddKey(t.Context(), cairn.House, ingest.Key{Source: "warehouse", Scopes: scopes}, now); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func (s *shelf) get(t *testing.T, key, query, accept string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.feed.URL+"/api/v1/events"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	if key != "" {
		r.Header.Set("Authorization", "Bearer "+key)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return res
}

// read returns the events and the end of an answer in lines.
func (s *shelf) read(t *testing.T, key, query string) (events []fed, end feedEnd) {
	t.Helper()
	res := s.get(t, key, query, "")
	if res.StatusCode != 200 || res.Header.Get("Content-Type") != "application/x-ndjson" {
		b, _ := io.ReadAll(res.Body)
		t.Fatalf("%d %s: %s", res.StatusCode, res.Header.Get("Content-Type"), b)
	}
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var f fed
		if end.Cursor != "" {
			t.Fatal("a line after the last one")
		}
		if strings.HasPrefix(lines.Text(), `{"cursor":`) {
			if err := json.Unmarshal(lines.Bytes(), &end); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			t.Fatal(err)
		}
		events = append(events, f)
	}
	if end.Cursor == "" {
		t.Fatal("the last line has no cursor")
	}
	return events, end
}

const shared = `{"type":"track","event":"Report Shared","userId":"ann","messageId":"s-1","timestamp":"2026-11-21T19:01:00Z","properties":{"pages":12,"comment":"please look"},"context":{"groupId":"acme"}}`

func TestTheFeedIsReadPageByPageToItsEnd(t *testing.T) {
	s := openShelf(t)
	s.bulk(t, "", strings.NewReader(tracks(0, 250)))
	seen := map[cairn.EventID]bool{}
	query := "?limit=40"
	for pages := 0; ; pages++ {
		events, end := s.read(t, s.reader, query)
		for _, e := range events {
			if seen[e.ID] || e.Person == nil || e.Person.Key != "" || e.Account == nil || e.Account.Key == "" || e.Source != "warehouse" || e.Type != "track" || e.Count != 1 {
				t.Fatalf("%+v", e)
			}
			seen[e.ID] = true
		}
		query = "?limit=40&cursor=" + end.Cursor
		if !end.More {
			break
		}
		if pages > 20 {
			t.Fatal("there is no end")
		}
	}
	if len(seen) != 250 {
		t.Errorf("%d events", len(seen))
	}
	if events, _ := s.read(t, s.reader, "?cursor=end"); len(events) != 0 {
		t.Errorf("%d events after the end", len(events))
	}
	var page struct {
		Events []fed `json:"events"`
		feedEnd
	}
	res := s.get(t, s.reader, "?limit=3", "application/json")
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil || len(page.Events) != 3 || !page.More || page.Cursor == "" {
		t.Errorf("%+v %v", page, err)
	}
}

func TestWhatIsPersonalIsInTheFeedOnlyForAKeyThatMayReadIt(t *testing.T) {
	s := openShelf(t)
	s.bulk(t, "", strings.NewReader(shared))
	events, _ := s.read(t, s.reader, "")
	if e := events[0]; string(e.Properties) != `{"pages":12}` || e.Personal != nil || e.Person.Key != "" || e.Account.Key != "acme" {
		t.Errorf("%+v", e)
	}
	events, _ = s.read(t, s.personal, "?personal=1")
	if e := events[0]; !strings.Contains(string(e.Personal), "please look") || e.Person.Key != "ann" {
		t.Errorf("%+v", e)
	}
	if events, _ = s.read(t, s.personal, ""); events[0].Personal != nil {
		t.Error("it was not asked for")
	}
	for name, c := range map[string]struct {
		key, query string
		want       int
	}{
		"personal without the scope": {s.reader, "?personal=1", 403}, "a write key": {s.key, "", 403}, "no key": {"", "", 401}, "a wrong key": {"wk_x", "", 401},
		"a bad cursor": {s.reader, "?cursor=abc", 400}, "a bad limit": {s.reader, "?limit=0", 400}, "too high a limit": {s.reader, "?limit=10001", 400},
		"a bad wait": {s.reader, "?wait=2h", 400}, "a bad time": {s.reader, "?since=yesterday", 400}, "a slip of the pen": {s.reader, "?sources=crm", 400},
		"an unknown account": {s.reader, "?account=nobody", 404}, "a bad flag": {s.reader, "?personal=perhaps", 400},
	} {
		if res := s.get(t, c.key, c.query, ""); res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", name, res.StatusCode, c.want)
		}
	}
}

func TestTheFeedIsNarrowed(t *testing.T) {
	s := openShelf(t)
	s.bulk(t, "", strings.NewReader(tracks(0, 30)+shared+"\n"+`{"type":"invoice","id":"i-1","groupId":"acme","traits":{"amount":"10"}}`))
	for query, want := range map[string]int{
		"?name=Report+Shared": 1, "?type=invoice": 1, "?kind=track": 31, "?account=acme": 2, "?source=warehouse&type=track&account=acme": 1,
		"?source=crm": 0, "?since=2026-11-21": 32, "?since=2026-11-22T00:00:00Z": 0,
	} {
		if events, _ := s.read(t, s.reader, query); len(events) != want {
			t.Errorf("%s: %d events, want %d", query, len(events), want)
		}
	}
	events, _ := s.read(t, s.reader, "?type=invoice")
	if e := events[0]; e.Record == nil || e.Record.Key != "i-1" || e.Person != nil {
		t.Errorf("%+v", e)
	}
}

func TestTheFeedWaitsForTheNextEvent(t *testing.T) {
	s := openShelf(t)
	_, end := s.read(t, s.reader, "")
	got := make(chan []fed, 1)
	go func() {
		events, _ := s.read(t, s.reader, "?wait=30s&name=Report+Shared&cursor="+end.Cursor)
		got <- events
	}()
	select {
	case e := <-got:
		t.Fatalf("it did not wait: %v", e)
	case <-time.After(50 * time.Millisecond):
	}
	s.bulk(t, "", strings.NewReader(tracks(0, 3))) // of no interest
	s.bulk(t, "", strings.NewReader(shared))
	select {
	case e := <-got:
		if len(e) != 1 || e[0].Name != "Report Shared" {
			t.Errorf("%+v", e)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("nothing woke it")
	}
	if events, end := s.read(t, s.reader, "?wait=0.05s&cursor=end"); len(events) != 0 || end.More {
		t.Errorf("%v %+v", events, end)
	}
	waiting := make(chan bool, 1)
	go func() { s.read(t, s.reader, "?wait=30s&cursor=end"); waiting <- true }()
	time.Sleep(30 * time.Millisecond)
	s.end()
	select {
	case <-waiting:
	case <-time.After(10 * time.Second):
		t.Error("a server that stops is held up by who waits")
	}
}

func FuzzFeedQuery(f *testing.F) {
	f.Add("cursor=end&limit=3&wait=30s&since=2026-01-01&type=track&personal=1")
	f.Add("limit=-1&wait=1e9h")
	f.Fuzz(func(t *testing.T, query string) {
		r := httptest.NewRequest("GET", "/api/v1/events", nil)
		r.URL.RawQuery = query
		if r.URL.Query().Get("account") != "" || r.URL.Query().Get("cursor") == "end" {
			return // these ask the store
		}
		q, wait, err := (feeder{}).query(r)
		if err == nil && (q.Limit < 1 || q.Limit > feedLimit || wait < 0 || wait > feedWait) {
			t.Fatal(fmt.Sprint(q, wait))
		}
	})
}
