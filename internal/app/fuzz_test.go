package app

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/config"
)

// Whatever a command sends through the socket is answered with one line that
// holds an answer or a problem.
func FuzzSocket(f *testing.F) {
	ops := operations()
	for i := range ops {
		f.Add(uint(i), []byte(`null`))
		f.Add(uint(i), []byte(`{}`))
	}
	f.Add(uint(1), []byte(`{"Account":"acme","At":"2026-03-01T00:00:00Z"}`))
	f.Add(uint(10), []byte(`{"Source":{"Name":"x"},"File":true,"Records":[{"Kind":"track","Name":"x","Keys":{"Account":"a"},"Props":{"a":1e400}}]}`))
	a, err := New(context.Background(), config.Config{Data: f.TempDir()}, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.Close() })
	h := Handler(a.House(), slog.New(slog.DiscardHandler))
	f.Fuzz(func(t *testing.T, op uint, body []byte) {
		name := ops[op%uint(len(ops))].name()
		if name == Demo.Name || name == Rebuild.Name { // they work for long, whatever they are given
			return
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/op/"+name, strings.NewReader(string(body))))
		text := strings.TrimSuffix(w.Body.String(), "\n")
		last := text[strings.LastIndex(text, "\n")+1:]
		if !strings.HasPrefix(last, `{"out":`) && !strings.HasPrefix(last, `{"error":{"kind":`) {
			t.Fatalf("%s of %q is answered with %q", name, body, text)
		}
	})
}

// Whatever stands where the server's socket should be, a command ends with an
// answer or with a sentence.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte("{\"progress\":{\"done\":1}}\n{\"out\":1}\n"))
	f.Add([]byte(`{"error":{"kind":99,"text":"x"}}`))
	f.Add([]byte(`{"out":`))
	dir := f.TempDir()
	l, err := net.Listen("unix", filepath.Join(dir, SocketName))
	if err != nil {
		f.Fatal(err)
	}
	var body []byte
	srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Write(body)
	})}
	go srv.Serve(l)
	f.Cleanup(func() { srv.Close() })
	c := newClient(dir)
	f.Fuzz(func(t *testing.T, text []byte) {
		body = text
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, err := c.call(ctx, "x", []byte("null"), func(Progress) {}); err != nil && cairn.TextOf(err) == cairn.TextOf(io.EOF) {
			t.Fatalf("%q gives %v, which says nothing", text, err)
		}
	})
}
