// Package api holds the endpoints that other programs use.
package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/reply"
)

// shortPaths are the paths that browser SDKs use: the first letter of a call.
var shortPaths = map[string]string{
	"i": "identify", "t": "track", "p": "page", "s": "screen", "g": "group", "a": "alias", "b": "batch",
}

// Segment serves the Segment HTTP API under /v1/, so that every SDK made for
// it is a client. Whatever the content type says, a body is JSON, perhaps
// under gzip. The answer is 200 whenever the body could be read, and names
// the records that were refused: an SDK drops a whole batch on anything else.
func Segment(door *ingest.Door, keys ingest.Keys, log *slog.Logger) http.Handler {
	s := segment{door: door, keys: keys}
	mux := http.NewServeMux()
	post := func(path, call string) {
		h := reply.Handler(log, func(w http.ResponseWriter, r *http.Request) error { return again(s.take(w, r, call)) })
		mux.Handle("POST /v1/"+path, h)
		mux.Handle("POST /v1/"+path+"/{$}", h)
	}
	for _, call := range append([]string{"batch", "import"}, ingest.Calls...) {
		post(call, call)
	}
	for path, call := range shortPaths {
		post(path, call)
	}
	mux.Handle("GET /v1/projects/{writeKey}/settings", reply.Handler(log, s.settings))
	return anyOrigin(mux)
}

type segment struct {
	door *ingest.Door
	keys ingest.Keys
}

// An answer is the response to a call. Verdicts are there when asked for.
type answer struct {
	Success  bool             `json:"success"`
	Rejected []rejected       `json:"rejected"`
	Verdicts []ingest.Verdict `json:"verdicts,omitempty"`
}

type rejected struct {
	Index  int    `json:"index"`
	Code   string `json:"code"`
	Field  string `json:"field"`
	Reason string `json:"reason"`
}

// take admits what a call carries. Who is asking is checked before the body is
// read, unless the key is in the body.
func (s segment) take(w http.ResponseWriter, r *http.Request, call string) error {
	key := headerKey(r)
	var g ingest.Grant
	var err error
	if key != "" {
		if g, err = grant(s.keys, r, key, ingest.MayWrite); err != nil {
			return err
		}
	}
	body, err := readBody(w, r)
	if err != nil {
		return err
	}
	envelope, err := ingest.ReadSegment(call, body)
	if err != nil {
		return err
	}
	if key == "" {
		if g, err = grant(s.keys, r, envelope.WriteKey, ingest.MayWrite); err != nil {
			return err
		}
	}
	records := envelope.Records(s.door.Now())
	if err := spend(w, r, s.door, g.Key, len(records)); err != nil {
		return err
	}
	verdicts, err := s.door.Admit(r.Context(), g.Source, records)
	if err != nil {
		return err
	}
	out := answer{Success: true, Rejected: []rejected{}}
	for _, v := range verdicts {
		if v.Status == ingest.Rejected {
			out.Rejected = append(out.Rejected, rejected{v.Index, v.Code, v.Field, v.Reason})
		}
	}
	if r.URL.Query().Get("verdicts") == "1" {
		out.Verdicts = verdicts
	}
	reply.JSON(w, http.StatusOK, out)
	return nil
}

// again asks the sender to try again after a failure of ours: nothing of the
// call was admitted then, and with its ids it can be sent twice.
func again(err error) error {
	if err == nil || cairn.KindOf(err) != cairn.Internal {
		return err
	}
	return cairn.Errorf(cairn.Unavailable, "Something went wrong on our side and nothing was taken. Send this again.").Because(err)
}

// readBody reads a body of at most [ingest.MaxBatch] bytes, before and after
// it is unpacked. Packed bodies are known by their first bytes, since not
// every client that packs says so.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	switch coding := strings.ToLower(r.Header.Get("Content-Encoding")); coding {
	case "", "identity", "gzip", "x-gzip":
	default:
		return nil, cairn.Errorf(cairn.Invalid, "This content encoding is not understood: gzip is.").At("Content-Encoding")
	}
	body, err := readAll(http.MaxBytesReader(w, r.Body, ingest.MaxBatch))
	if err != nil || !bytes.HasPrefix(body, []byte{0x1f, 0x8b}) {
		return body, err
	}
	z, err := gzip.NewReader(bytes.NewReader(body))
	if err != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The body is not gzip.").Because(err)
	}
	return readAll(z)
}

func readAll(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, ingest.MaxBatch+1))
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over), len(body) > ingest.MaxBatch:
		return nil, cairn.Errorf(cairn.TooLarge, "The request is larger than %d KB: send smaller batches.", ingest.MaxBatch>>10)
	case err != nil:
		return nil, cairn.Errorf(cairn.Invalid, "The body could not be read to its end.").Because(err)
	}
	return body, nil
}

// settings tells the browser SDK, when its cdnURL is Cairn, to send its calls
// here and nothing to anybody else.
func (s segment) settings(w http.ResponseWriter, r *http.Request) error {
	key := r.PathValue("writeKey")
	if _, err := grant(s.keys, r, key, ingest.MayWrite); err != nil {
		return err
	}
	type object = map[string]any
	enabled := object{"__default": object{"enabled": true, "integrations": object{}}}
	w.Header().Set("Cache-Control", "private, max-age=120")
	reply.JSON(w, http.StatusOK, object{
		"integrations": object{"Segment.io": object{
			"apiKey":                key,
			"apiHost":               host(r) + "/v1",
			"protocol":              scheme(r),
			"addBundledMetadata":    true,
			"unbundledIntegrations": []string{},
			"maybeBundledConfigIds": object{},
			"versionSettings":       object{"version": "4.4.7", "componentTypes": []string{"browser"}},
		}},
		"plan":                      object{"track": enabled, "identify": enabled, "group": enabled},
		"edgeFunction":              object{},
		"analyticsNextEnabled":      true,
		"middlewareSettings":        object{},
		"enabledMiddleware":         object{},
		"metrics":                   object{"sampleRate": 0},
		"legacyVideoPluginsEnabled": false,
		"remotePlugins":             []string{},
	})
	return nil
}

// host and scheme are those under which the client reached us, also through a
// proxy that says so.
func host(r *http.Request) string {
	if h := firstOf(r.Header.Get("X-Forwarded-Host")); h != "" {
		return h
	}
	return r.Host
}

func scheme(r *http.Request) string {
	if s := firstOf(r.Header.Get("X-Forwarded-Proto")); s == "http" || s == "https" {
		return s
	}
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

func firstOf(list string) string {
	first, _, _ := strings.Cut(list, ",")
	return strings.TrimSpace(first)
}

// anyOrigin lets pages of any origin call next: a write key may only write,
// and no cookie is read.
func anyOrigin(next http.Handler) http.Handler {
	const methods = "GET, HEAD, OPTIONS, POST"
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Retry-After, RateLimit-Limit, RateLimit-Remaining, RateLimit-Reset, X-RateLimit-Reset")
		if r.Method != http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		h.Set("Allow", methods)
		h.Set("Access-Control-Allow-Methods", methods)
		h.Set("Access-Control-Max-Age", "86400")
		h.Set("Vary", "Access-Control-Request-Headers")
		headers := r.Header.Get("Access-Control-Request-Headers")
		if headers == "" {
			headers = "Authorization, Content-Type, Content-Encoding, X-Retry-Count"
		}
		h.Set("Access-Control-Allow-Headers", headers)
		if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
			h.Set("Access-Control-Allow-Private-Network", "true")
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
