package web

import (
	"compress/gzip"
	"net/http"
	"strings"
	"sync"

	"cairn"
	"cairn/internal/auth"
)

// policy is the Content-Security-Policy of every page: nothing from anywhere
// else, no script within a page.
const policy = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
	"frame-ancestors 'none'; base-uri 'none'; form-action 'self'"

// secure sets the headers that every response carries.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// checkCSRF refuses a change that does not carry the session's token.
func checkCSRF(r *http.Request, session auth.Session) error {
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	got := r.Header.Get("X-CSRF-Token")
	if got == "" {
		got = r.PostFormValue("csrf")
	}
	if !session.Allows(got) {
		return cairn.Errorf(cairn.Forbidden, "This form has grown old, so nothing was changed. Load the page again and repeat the step.")
	}
	return nil
}

// squeeze compresses what is written in HTML; assets come compressed.
func squeeze(next http.Handler) http.Handler {
	pool := sync.Pool{New: func() any { g, _ := gzip.NewWriterLevel(nil, 4); return g }}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") || strings.HasPrefix(r.URL.Path, "/asset/") {
			next.ServeHTTP(w, r)
			return
		}
		sw := &squeezed{ResponseWriter: w, pool: &pool}
		defer sw.close()
		next.ServeHTTP(sw, r)
	})
}

// squeezed begins to compress at the first byte of HTML.
type squeezed struct {
	http.ResponseWriter
	pool  *sync.Pool
	gz    *gzip.Writer
	begun bool
}

func (s *squeezed) WriteHeader(status int) {
	if !s.begun {
		s.begun = true
		h := s.Header()
		if strings.HasPrefix(h.Get("Content-Type"), "text/html") && status != http.StatusNoContent && status != http.StatusNotModified {
			h.Set("Content-Encoding", "gzip")
			h.Add("Vary", "Accept-Encoding")
			h.Del("Content-Length")
			s.gz = s.pool.Get().(*gzip.Writer)
			s.gz.Reset(s.ResponseWriter)
		}
	}
	s.ResponseWriter.WriteHeader(status)
}

func (s *squeezed) Write(b []byte) (int, error) {
	if !s.begun {
		s.WriteHeader(http.StatusOK)
	}
	if s.gz != nil {
		return s.gz.Write(b)
	}
	return s.ResponseWriter.Write(b)
}

func (s *squeezed) close() {
	if s.gz != nil {
		s.gz.Close()
		s.pool.Put(s.gz)
	}
}
