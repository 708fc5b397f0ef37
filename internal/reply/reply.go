// Package reply turns results and errors into HTTP answers, for all surfaces.
// A handler returns its error; what the status is, what the actor reads and
// what the operator finds in the log is decided here and nowhere else.
package reply

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"cairn"
)

// Status returns the HTTP status of err, and 200 of nil.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	switch cairn.KindOf(err) {
	case cairn.Invalid:
		return http.StatusBadRequest
	case cairn.Unauthentic:
		return http.StatusUnauthorized
	case cairn.Forbidden:
		return http.StatusForbidden
	case cairn.NotFound:
		return http.StatusNotFound
	case cairn.Conflict:
		return http.StatusConflict
	case cairn.TooLarge:
		return http.StatusRequestEntityTooLarge
	case cairn.TooMany:
		return http.StatusTooManyRequests
	case cairn.Busy, cairn.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// retryAfter is how many seconds a sender should wait, by kind.
var retryAfter = map[cairn.Kind]string{
	cairn.TooMany:     "10",
	cairn.Busy:        "30",
	cairn.Unavailable: "5",
}

// Headers sets what goes with err's status: Retry-After where a retry is
// wanted and nobody knew better when, and how to say who is asking where that is not known.
func Headers(h http.Header, err error) {
	kind := cairn.KindOf(err)
	if s, ok := retryAfter[kind]; ok && h.Get("Retry-After") == "" {
		h.Set("Retry-After", s)
	}
	if kind == cairn.Unauthentic {
		h.Set("WWW-Authenticate", `Bearer realm="cairn"`)
	}
}

// A Details is a problem as RFC 9457 describes it.
type Details struct {
	Title  string `json:"title" doc:"The status in words."`
	Status int    `json:"status" doc:"The HTTP status."`
	Detail string `json:"detail" doc:"What is wrong, in a sentence for people."`
	Kind   string `json:"kind" doc:"The same in a word that programs may rely on."`
	Field  string `json:"field,omitempty" doc:"What to correct, as a path such as ids.0."`
}

// Problem answers with err as problem details and logs its cause. The actor
// reads the error's text only.
func Problem(w http.ResponseWriter, r *http.Request, log *slog.Logger, err error) {
	Log(r, log, err)
	d := DetailsOf(err)
	Headers(w.Header(), err)
	write(w, "application/problem+json", d.Status, d)
}

// DetailsOf returns what the actor reads of err.
func DetailsOf(err error) Details {
	status := Status(err)
	d := Details{Title: http.StatusText(status), Status: status, Detail: cairn.TextOf(err), Kind: cairn.KindOf(err).String()}
	var e *cairn.Error
	if errors.As(err, &e) {
		d.Field = e.Field
	}
	return d
}

// Log tells the operator what failed on our side. It names the route and not
// the path or the text, which may hold keys or what somebody typed.
func Log(r *http.Request, log *slog.Logger, err error) {
	if Status(err) < http.StatusInternalServerError || errors.Is(err, context.Canceled) {
		return
	}
	cause := err
	var e *cairn.Error
	if errors.As(err, &e) && e.Cause != nil {
		cause = e.Cause
	}
	log.ErrorContext(r.Context(), "a request failed", "method", r.Method, "route", r.Pattern, "kind", cairn.KindOf(err).String(), "cause", cause)
}

// JSON answers with v.
func JSON(w http.ResponseWriter, status int, v any) {
	write(w, "application/json", status, v)
}

func write(w http.ResponseWriter, kind string, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n')) // the client may be gone; nobody else is to be told
}

// Handler is an http.Handler out of a function that returns what went wrong
// before it has answered.
func Handler(log *slog.Logger, serve func(w http.ResponseWriter, r *http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := serve(w, r); err != nil {
			Problem(w, r, log, err)
		}
	})
}
