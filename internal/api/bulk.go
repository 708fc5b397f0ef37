package api

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/reply"
)

// How long a bulk request waits.
const (
	bulkIdle  = 5 * time.Minute  // for the next byte of the body, and for the sender to read an answer
	bulkLimit = 30 * time.Second // for a key that has sent as much as it may
)

// Bulk serves bodies of any size, one message a line, answered line by line
// while they are still being read, and says how far one has come that broke
// off. Requests end soon after stopping does.
func Bulk(door *ingest.Door, keys ingest.Keys, store ingest.BulkStore, stopping context.Context, log *slog.Logger) http.Handler {
	b := &bulk{door: door, keys: keys, store: store, stopping: stopping, log: log, running: map[[2]string]*bulkRun{}}
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/events:bulk", reply.Handler(log, func(w http.ResponseWriter, r *http.Request) error { return again(b.take(w, r)) }))
	mux.Handle("GET /api/v1/events:bulk", reply.Handler(log, b.progress))
	return anyOrigin(mux)
}

type bulk struct {
	door     *ingest.Door
	keys     ingest.Keys
	store    ingest.BulkStore
	stopping context.Context
	log      *slog.Logger

	mu      sync.Mutex
	running map[[2]string]*bulkRun // by source and idempotency key
}

// A bulkRun is a request under way.
type bulkRun struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// progress says how far the body under a key has come.
func (b *bulk) progress(w http.ResponseWriter, r *http.Request) error {
	g, err := grant(b.keys, r, headerKey(r), ingest.MayWrite)
	if err != nil {
		return err
	}
	key := r.URL.Query().Get("key")
	if err := checkBulkKey(key, "key"); err != nil {
		return err
	}
	if key == "" {
		return cairn.Errorf(cairn.Invalid, "Name the Idempotency-Key of the body: ?key=…").At("key")
	}
	p, err := b.store.Bulk(r.Context(), g.Source.Name, key)
	if err != nil {
		return err
	}
	type told struct {
		ingest.BulkProgress
		Next int64 `json:"next"`
	}
	reply.JSON(w, http.StatusOK, told{p, p.Lines + 1})
	return nil
}

func checkBulkKey(key, field string) error {
	if len(key) > ingest.MaxBulkKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		return cairn.Errorf(cairn.Invalid, "An Idempotency-Key has at most %d printable ASCII characters.", ingest.MaxBulkKey).At(field)
	}
	return nil
}

// take admits a body line by line.
func (b *bulk) take(w http.ResponseWriter, r *http.Request) error {
	g, err := grant(b.keys, r, headerKey(r), ingest.MayWrite)
	if err != nil {
		return err
	}
	key := r.Header.Get("Idempotency-Key")
	if err := checkBulkKey(key, "Idempotency-Key"); err != nil {
		return err
	}
	from, err := fromLine(r)
	if err != nil {
		return err
	}
	ctx, done := b.begin(r.Context(), g.Source.Name, key)
	defer done()

	rc := http.NewResponseController(w)
	if err := rc.EnableFullDuplex(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if r.ProtoMajor == 1 {
		// What is left of a body that is not read to its end must not be taken
		// for the next request.
		w.Header().Set("Connection", "close")
	}
	hurry := func() { _ = rc.SetReadDeadline(time.Now()) } // or the reader waits for a sender that waits for us
	defer context.AfterFunc(ctx, hurry)()
	body, closeBody, err := unpack(&patient{ctx, r.Body, rc}, r.Header.Get("Content-Encoding"))
	if err != nil {
		return err
	}
	defer closeBody()

	out := newSpool(w, rc)
	run := ingest.Bulk{
		Door: b.door, Store: b.store, Source: g.Source, Key: key, From: from, Stop: hurry,
		Spend:  func(ctx context.Context, n int) error { return b.spend(ctx, g.Key, n) },
		Answer: func(vs []ingest.BulkVerdict) error { return out.lines(vs) },
	}
	defer out.close()
	total, err := run.Run(ctx, body)
	if err != nil {
		return err
	}
	if total.Cause != nil {
		reply.Log(r, b.log, total.Cause)
	}
	_ = out.line(total) // a sender that is gone asks how far it came
	return nil
}

// begin notes that a body of a source is being read under a key. A request
// that is still under way with the same key is ended first: its sender is gone.
func (b *bulk) begin(ctx context.Context, source, key string) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	unstop := context.AfterFunc(b.stopping, cancel)
	if key == "" {
		return ctx, func() { unstop(); cancel() }
	}
	run, id := &bulkRun{cancel, make(chan struct{})}, [2]string{source, key}
	b.mu.Lock()
	before := b.running[id]
	b.running[id] = run
	b.mu.Unlock()
	if before != nil {
		before.cancel()
		select {
		case <-before.ended:
		case <-time.After(5 * time.Second):
		}
	}
	return ctx, func() {
		b.mu.Lock()
		if b.running[id] == run {
			delete(b.running, id)
		}
		b.mu.Unlock()
		close(run.ended)
		unstop()
		cancel()
	}
}

// spend counts n records against the limits of a key. Where it has to wait a
// little it does: the sender sees that its body is taken more slowly.
func (b *bulk) spend(ctx context.Context, k ingest.Key, n int) error {
	for {
		if k.Limits == (ingest.Limits{}) || b.door.Limits == nil {
			return nil
		}
		q, err := b.door.Limits.Take(ctx, k, int64(n), time.Now().UTC())
		if err == nil || cairn.KindOf(err) != cairn.TooMany || q.Wait > bulkLimit {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(max(q.Wait, 10*time.Millisecond)):
		}
	}
}

// fromLine reads the number of the body's first line.
func fromLine(r *http.Request) (int64, error) {
	text := r.URL.Query().Get("from")
	if text == "" {
		return 1, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, cairn.Errorf(cairn.Invalid, "?from= takes the number of the body's first line, from 1 on.").At("from")
	}
	return n, nil
}

// unpack returns a body as it was before it was packed. Packed bodies are
// known by their first bytes too, since not every client that packs says so.
func unpack(body io.Reader, coding string) (io.Reader, func(), error) {
	in, none := bufio.NewReaderSize(body, 64<<10), func() {}
	coding = strings.ToLower(strings.TrimSpace(coding))
	switch coding {
	case "", "identity", "gzip", "x-gzip", "zstd":
	default:
		return nil, none, cairn.Errorf(cairn.Invalid, "This content encoding is not understood: gzip and zstd are.").At("Content-Encoding")
	}
	start, err := in.Peek(4)
	if err != nil && err != io.EOF {
		return nil, none, cairn.Errorf(cairn.Invalid, "The body could not be read.").Because(err)
	}
	switch {
	case bytes.HasPrefix(start, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, none, cairn.Errorf(cairn.Invalid, "The body is not gzip.").Because(err)
		}
		return z, none, nil
	case bytes.HasPrefix(start, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(32<<20))
		if err != nil {
			return nil, none, cairn.Errorf(cairn.Invalid, "The body is not zstd.").Because(err)
		}
		return z, z.Close, nil
	case len(start) > 0 && coding == "zstd", len(start) > 0 && strings.HasSuffix(coding, "gzip"):
		return nil, none, cairn.Errorf(cairn.Invalid, "The body is not packed as its Content-Encoding says.").At("Content-Encoding")
	}
	return in, none, nil
}

// A patient reader gives the sender some minutes for each read.
type patient struct {
	ctx context.Context
	r   io.Reader
	rc  *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	if p.ctx.Err() != nil {
		return 0, p.ctx.Err()
	}
	_ = p.rc.SetReadDeadline(time.Now().Add(bulkIdle)) // not every connection has one
	if p.ctx.Err() != nil {
		_ = p.rc.SetReadDeadline(time.Now())
	}
	return p.r.Read(b)
}

// ndjson writes one value on a line.
func ndjson(b *bytes.Buffer, v any) error {
	e := json.NewEncoder(b)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
