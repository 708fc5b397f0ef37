package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/ingest"
	"cairn/internal/store/sqlite"
	"cairn/internal/store/sqlstore"
)

// A yard is a running bulk endpoint with one source.
type yard struct {
	*httptest.Server
	store *sqlstore.Store
	door  *ingest.Door
	key   string
	stop  context.CancelFunc
}

func openYard(t *testing.T, http2 bool) *yard {
	t.Helper()
	ctx := t.Context()
	log := slog.New(slog.DiscardHandler)
	s, err := sqlite.Open(ctx, t.TempDir(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	if err := s.SaveSource(ctx, cairn.House, ingest.Source{Name: "warehouse"}, "", now); err != nil {
		t.Fatal(err)
	}
	_, key, err := s.AddKey(ctx, cairn.House, ingest.Key{Source: "warehouse"}, now)
	if err != nil {
		t.Fatal(err)
	}
	y := &yard{store: s, key: key, door: ingest.New(s, func() time.Time { return now })}
	stopping, stop := context.WithCancel(context.Background())
	y.stop = stop
	y.Server = httptest.NewUnstartedServer(Bulk(y.door, s, s, stopping, log))
	if y.EnableHTTP2 = http2; http2 {
		y.StartTLS()
	} else {
		y.Start()
	}
	t.Cleanup(func() { stop(); y.Close() })
	return y
}

// bulk sends a body and returns the status, the verdicts and the total.
func (y *yard) bulk(t *testing.T, query string, body io.Reader, headers ...string) (int, []ingest.BulkVerdict, ingest.BulkTotal) {
	t.Helper()
	r, err := http.NewRequest("POST", y.URL+"/api/v1/events:bulk"+query, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+y.key)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := y.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var vs []ingest.BulkVerdict
	var total ingest.BulkTotal
	if res.StatusCode != 200 {
		return res.StatusCode, nil, total
	}
	lines := json.NewDecoder(res.Body)
	for {
		var raw json.RawMessage
		if err := lines.Decode(&raw); err == io.EOF {
			return res.StatusCode, vs, total
		} else if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(raw, []byte(`"next":`)) {
			if err := json.Unmarshal(raw, &total); err != nil {
				t.Fatal(err)
			}
			continue
		}
		var v ingest.BulkVerdict
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatal(err)
		}
		vs = append(vs, v)
	}
}

func (y *yard) events(t *testing.T) (n int64) {
	t.Helper()
	ends, err := y.store.Ends(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range ends {
		n += e
	}
	return n
}

// tracks are n messages from number first on.
func tracks(first, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"type":"track","event":"Report Created","userId":"u-%d","messageId":"m-%d","context":{"groupId":"g-%d"}}`+"\n", i%50, first+i, i%9)
	}
	return b.String()
}

func TestEveryLineIsAnsweredInOrderWithItsVerdict(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		y := openYard(t, h2)
		long := `{"type":"track","event":"x","userId":"u","properties":{"blob":"` + strings.Repeat("x", 100<<10) + `"}}`
		body := strings.Join([]string{
			`{"type":"track","event":"Saved","userId":"u","messageId":"1","timestamp":"2026-11-21T19:00:00Z"}`,
			`{"type":"track","event":"Saved","userId":"u","messageId":"1","timestamp":"2026-11-21T19:00:00Z"}`,
			`{"type":"track","event":"Saved","userId":"u","messageId":"2","timestamp":"2026-11-20T19:00:00Z"}`,
			``,
			`{"type":"track"`,
			`{"type":"track","userId":"u"}`,
			long,
			`{"type":"contract","id":"c-1","groupId":"acme","traits":{"mrr":"120.50"},"messageId":"3"}` + "\r",
			`{"type":"identify","userId":"u","traits":{"role":"editor"},"messageId":"4"}`,
		}, "\n")
		status, got, total := y.bulk(t, "", strings.NewReader(body))
		type short struct {
			line    int64
			verdict ingest.Status
			code    string
			note    bool
		}
		var shorts []short
		for _, v := range got {
			shorts = append(shorts, short{v.Line, v.Verdict, v.Code, v.Note != ""})
			if v.ID.IsZero() != (v.Verdict == ingest.Rejected) {
				t.Errorf("line %d has the id %s", v.Line, v.ID)
			}
		}
		want := []short{
			{1, ingest.Accepted, "", false}, {2, ingest.Duplicate, "", false}, {3, ingest.Late, "", false}, {5, ingest.Rejected, ingest.CodeJSON, false},
			{6, ingest.Rejected, ingest.CodeMissing, false}, {7, ingest.Rejected, ingest.CodeLarge, false}, {8, ingest.Accepted, "", false}, {9, ingest.Accepted, "", true},
		}
		if fmt.Sprint(shorts) != fmt.Sprint(want) {
			t.Errorf("got\n%v, want\n%v", shorts, want)
		}
		if status != 200 || !total.Done || total.Lines != 9 || total.Next != 10 || total.Accepted != 3 || total.Late != 1 || total.Duplicate != 1 || total.Rejected != 3 || total.Error != nil {
			t.Errorf("%d %+v", status, total)
		}
	}
}

func TestABulkBodyMayBePacked(t *testing.T) {
	y := openYard(t, false)
	pack := func(coding, text string) []byte {
		var b bytes.Buffer
		var w io.WriteCloser = gzip.NewWriter(&b)
		if coding == "zstd" {
			w, _ = zstd.NewWriter(&b)
		}
		io.WriteString(w, text)
		w.Close()
		return b.Bytes()
	}
	for i, c := range []struct{ packed, header string }{{"gzip", "gzip"}, {"zstd", "zstd"}, {"gzip", ""}, {"zstd", ""}} {
		status, vs, total := y.bulk(t, "", bytes.NewReader(pack(c.packed, tracks(i*1000, 1000))), "Content-Encoding", c.header)
		if status != 200 || len(vs) != 1000 || !total.Done || total.Accepted != 1000 {
			t.Errorf("%+v: %d, %d verdicts, %+v", c, status, len(vs), total)
		}
		// Cut off in the middle, or spoilt there: everything before stands.
		whole := pack(c.packed, tracks(10_000+i*5_000, 5_000))
		spoilt := append([]byte(nil), whole...)
		for k := len(spoilt) / 2; k < len(spoilt)/2+40; k++ {
			spoilt[k] ^= 0xa5
		}
		for name, bad := range map[string][]byte{"cut": whole[:len(whole)/2], "spoilt": spoilt} {
			status, vs, total := y.bulk(t, "", bytes.NewReader(bad), "Content-Encoding", c.header)
			if status == 400 && c.packed == "zstd" {
				continue // a block that is broken from its start
			}
			if status != 200 || total.Done || total.Error == nil || total.Error.Kind != "invalid" || total.Error.Line != total.Next {
				t.Errorf("%+v %s: %d %+v %+v", c, name, status, total, total.Error)
			}
			var settled int64
			for _, v := range vs {
				if v.Verdict != ingest.Rejected {
					settled++
				}
			}
			if int64(len(vs)) != total.Lines || settled != total.Accepted+total.Duplicate {
				t.Errorf("%+v %s: %d verdicts, %+v", c, name, len(vs), total)
			}
		}
	}
	for name, c := range map[string]struct{ body, coding string }{
		"not gzip": {tracks(0, 1), "gzip"}, "not zstd": {tracks(0, 1), "zstd"}, "brotli": {"x", "br"}, "broken gzip": {"\x1f\x8bnonsense", "gzip"},
	} {
		if status, _, _ := y.bulk(t, "", strings.NewReader(c.body), "Content-Encoding", c.coding); status != 400 {
			t.Errorf("%s: %d", name, status)
		}
	}
}

func TestAnswersComeWhileTheBodyIsStillBeingSent(t *testing.T) {
	for _, h2 := range []bool{false, true} {
		y := openYard(t, h2)
		in, out := io.Pipe()
		r, _ := http.NewRequest("POST", y.URL+"/api/v1/events:bulk", in)
		r.Header.Set("Authorization", basic(y.key))
		answered := make(chan *http.Response, 1)
		go func() {
			res, err := y.Client().Do(r)
			if err != nil {
				t.Error(err)
			}
			answered <- res
		}()
		io.WriteString(out, tracks(0, 1))
		res := <-answered
		lines := bufio.NewScanner(res.Body)
		for i := range 20 {
			if !lines.Scan() || !strings.HasPrefix(lines.Text(), fmt.Sprintf(`{"line":%d,`, i+1)) {
				t.Fatalf("line %d: %s %v", i, lines.Text(), lines.Err())
			}
			io.WriteString(out, tracks(i+1, 1))
		}
		out.Close()
		for lines.Scan() {
		}
		if !strings.Contains(lines.Text(), "") || lines.Err() != nil {
			t.Error(lines.Err())
		}
		res.Body.Close()
		if n := y.events(t); n != 21 {
			t.Errorf("%d events", n)
		}
	}
}

// Many clients read nothing before they have sent everything.
func TestASenderThatReadsNothingUntilTheEndIsAnsweredToo(t *testing.T) {
	y := openYard(t, false)
	const n = 50_000
	conn, err := net.Dial("tcp", strings.TrimPrefix(y.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.(*net.TCPConn).SetReadBuffer(256 << 10)
	fmt.Fprintf(conn, "POST /api/v1/events:bulk HTTP/1.1\r\nHost: x\r\nAuthorization: %s\r\nTransfer-Encoding: chunked\r\n\r\n", basic(y.key))
	w := bufio.NewWriter(conn)
	chunk := strings.Repeat(`{"type":"track","userId":"u"}`+"\n", 1000) // each is answered with more than it has
	for range n / 1000 {
		fmt.Fprintf(w, "%x\r\n%s\r\n", len(chunk), chunk)
	}
	io.WriteString(w, "0\r\n\r\n")
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	count, last := 0, ""
	for lines := bufio.NewScanner(res.Body); lines.Scan(); count++ {
		last = lines.Text()
	}
	if count != n+1 || !strings.Contains(last, fmt.Sprintf(`"done":true,"lines":%d`, n)) {
		t.Errorf("%d lines, the last one %s", count, last)
	}
}

func TestAKilledConnectionGoesOnUnderItsKeyAndEveryRecordCountsOnce(t *testing.T) {
	y := openYard(t, false)
	const n = 12_000
	body := tracks(0, n/2) + strings.Repeat(`{"type":"track","event":"Clicked","userId":"u"}`+"\n", n/2) // the second half has neither ids nor times
	kill := func(after int) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(y.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /api/v1/events:bulk HTTP/1.1\r\nHost: x\r\nIdempotency-Key: nightly 7\r\nAuthorization: %s\r\nContent-Length: %d\r\n\r\n", basic(y.key), len(body))
		io.WriteString(conn, body[:after])
		time.Sleep(time.Duration(after%7) * 5 * time.Millisecond)
		conn.Close()
	}
	for _, after := range []int{10, len(body) / 5, len(body) / 2, len(body) * 3 / 4, len(body) - 3} {
		kill(after)
	}
	status, vs, total := y.bulk(t, "", strings.NewReader(body), "Idempotency-Key", "nightly 7")
	if status != 200 || !total.Done || total.Lines != n || total.Accepted+total.Duplicate != n || total.Error != nil {
		t.Fatalf("%d %+v %+v", status, total, total.Error)
	}
	if int64(len(vs))+total.Skipped != n || len(vs) > 0 && vs[0].Line != total.Skipped+1 {
		t.Errorf("%d verdicts after %d that were settled before", len(vs), total.Skipped)
	}
	if got := y.events(t); got != n {
		t.Errorf("%d events of %d", got, n)
	}
	res, err := y.Client().Do(func() *http.Request {
		r, _ := http.NewRequest("GET", y.URL+"/api/v1/events:bulk?key=nightly+7", nil)
		r.Header.Set("Authorization", basic(y.key))
		return r
	}())
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var told struct {
		Lines, Next int64
		Done        bool
	}
	if err := json.NewDecoder(res.Body).Decode(&told); err != nil || told.Lines != n || told.Next != n+1 || !told.Done {
		t.Errorf("%+v %v", told, err)
	}
	for name, c := range map[string]struct {
		query, body, key string
		status           int
	}{
		"another body under the key": {"", tracks(5, 20_000), "nightly 7", 409},
		"a gap":                      {"?from=20000", "", "nightly 7", 409},
		"a bad line number":          {"?from=0", "", "nightly 7", 400},
		"a key that is too long":     {"", "", strings.Repeat("k", 256), 400},
	} {
		if status, _, _ := y.bulk(t, c.query, strings.NewReader(c.body), "Idempotency-Key", c.key); status != c.status {
			t.Errorf("%s: %d, want %d", name, status, c.status)
		}
	}
}

func TestABulkRequestNeedsAKeyThatMayWrite(t *testing.T) {
	y := openYard(t, false)
	_, reader, err := y.store.AddKey(t.Context(), cairn.House, ingest.Key{Source: "warehouse", Scopes: []ingest.KeyScope{ingest.MayRead}}, now)
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]int{"wk_wrong": 401, "": 401, reader: 403} {
		for _, method := range []string{"POST", "GET"} {
			r, _ := http.NewRequest(method, y.URL+"/api/v1/events:bulk?key=k", strings.NewReader(tracks(0, 1)))
			if key != "" {
				r.Header.Set("Authorization", basic(key))
			}
			res, err := y.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			res.Body.Close()
			if res.StatusCode != want {
				t.Errorf("%s with %q: %d, want %d", method, key, res.StatusCode, want)
			}
		}
	}
	if n := y.events(t); n != 0 {
		t.Errorf("%d events", n)
	}
}

func TestABulkRequestEndsWhenTheServerStops(t *testing.T) {
	y := openYard(t, false)
	in, out := io.Pipe()
	r, _ := http.NewRequest("POST", y.URL+"/api/v1/events:bulk", in)
	r.Header.Set("Authorization", basic(y.key))
	go io.WriteString(out, tracks(0, 3))
	res, err := y.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	for range 3 {
		lines.Scan()
	}
	y.stop()
	if !lines.Scan() || !strings.Contains(lines.Text(), `"next":4`) || !strings.Contains(lines.Text(), `"unavailable"`) {
		t.Errorf("the last line: %s %v", lines.Text(), lines.Err())
	}
	out.Close()
}

func TestABulkBodyIsSlowedDownByTheLimitsOfItsKey(t *testing.T) {
	y := openYard(t, false)
	y.door.Limits = &ingest.Limiter{Spend: y.store.SpendKey}
	key := func(l ingest.Limits) string {
		t.Helper()
		_, text, err := y.store.AddKey(t.Context(), cairn.House, ingest.Key{Source: "warehouse", Limits: l}, now)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	y.key = key(ingest.Limits{PerSecond: 4000, Burst: 500})
	start := time.Now()
	status, vs, total := y.bulk(t, "", strings.NewReader(tracks(0, 3000)))
	if status != 200 || !total.Done || len(vs) != 3000 {
		t.Errorf("%d %+v", status, total)
	}
	if took := time.Since(start); took < 300*time.Millisecond {
		t.Errorf("3000 records at 4000 a second took %s", took)
	}
	y.key = key(ingest.Limits{PerDay: 600})
	status, vs, total = y.bulk(t, "", strings.NewReader(tracks(10_000, 3000)))
	if status != 200 || total.Done || total.Error == nil || total.Error.Kind != "too_many" || total.Next != int64(len(vs))+1 || len(vs) < 600 || len(vs) >= 3000 {
		t.Errorf("%d %d verdicts %+v %+v", status, len(vs), total, total.Error)
	}
	if status, _, _ = y.bulk(t, "", strings.NewReader(tracks(20_000, 10))); status != 429 {
		t.Errorf("a key that has nothing left: %d", status)
	}
}

// A body of many lines is read in memory that does not grow with it.
func TestABulkBodyIsReadInConstantMemory(t *testing.T) {
	y := openYard(t, false)
	const n = 30_000
	in, out := io.Pipe()
	var most uint64
	go func() {
		for i := range n / 1000 {
			io.WriteString(out, strings.Repeat(fmt.Sprintf(`{"type":"track","event":"x","userId":"u","messageId":"%d","properties":{"a":"%s"}}`+"\n", i, strings.Repeat("b", 300)), 1000))
			if i%5 == 4 {
				var m runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&m)
				most = max(most, m.HeapAlloc)
			}
		}
		out.Close()
	}()
	status, vs, total := y.bulk(t, "", in)
	if status != 200 || !total.Done || len(vs) != n {
		t.Fatalf("%d %+v", status, total)
	}
	// The body has 11 MB; the verdicts that this test itself collects have 6.
	if most > 40<<20 {
		t.Errorf("the heap grew to %d MB", most>>20)
	}
}

// A void takes everything and keeps nothing: a disk is too slow for fuzzing.
type void struct{ ingest.Store }

func (void) Append(_ context.Context, events []cairn.Event) ([]event.Admitted, error) {
	return make([]event.Admitted, len(events)), nil
}
func (void) Arrived(context.Context, ingest.Arrival, []ingest.Reject) error { return nil }

func FuzzBulkBody(f *testing.F) {
	f.Add([]byte(tracks(0, 3)), "")
	f.Add([]byte("{}\n\n{\n\x00"), "k")
	f.Add([]byte("\x1f\x8b\x08"), "")
	f.Add([]byte("\x28\xb5\x2f\xfd\x00"), "")
	s, err := sqlite.Open(context.Background(), f.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { s.Close() })
	door := ingest.New(void{s}, func() time.Time { return now })
	f.Fuzz(func(t *testing.T, raw []byte, key string) {
		body, done, err := unpack(bytes.NewReader(raw), "")
		if err != nil {
			return
		}
		defer done()
		answered := int64(0)
		b := ingest.Bulk{Door: door, Store: s, Source: ingest.Source{Name: "fuzz"}, Answer: func(vs []ingest.BulkVerdict) error {
			for _, v := range vs {
				if v.Line <= answered {
					t.Fatalf("line %d after line %d", v.Line, answered)
				}
				answered = v.Line
			}
			return nil
		}}
		total, err := b.Run(t.Context(), body)
		if err == nil && total.Lines < answered {
			t.Fatalf("%+v, but line %d was answered", total, answered)
		}
	})
}
