package reply

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

func TestEachKindHasOneStatus(t *testing.T) {
	for kind, want := range map[cairn.Kind]int{
		cairn.Internal: 500, cairn.Invalid: 400, cairn.Unauthentic: 401, cairn.Forbidden: 403, cairn.NotFound: 404,
		cairn.Conflict: 409, cairn.TooLarge: 413, cairn.TooMany: 429, cairn.Busy: 503, cairn.Unavailable: 503,
	} {
		if got := Status(cairn.Errorf(kind, "x")); got != want {
			t.Errorf("%s: %d, want %d", kind, got, want)
		}
	}
	if Status(nil) != 200 || Status(errors.New("x")) != 500 {
		t.Error("nil or a foreign error has the wrong status")
	}
}

// ask serves one request that ends in err and returns the answer and the log.
func ask(t *testing.T, err error) (*http.Response, Details, string) {
	t.Helper()
	var log strings.Builder
	h := Handler(slog.New(slog.NewTextHandler(&log, nil)), func(http.ResponseWriter, *http.Request) error { return err })
	mux := http.NewServeMux()
	mux.Handle("GET /people/{key}", h)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/people/ada@example.org?q=ada", nil))
	var d Details
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	return w.Result(), d, log.String()
}

func TestAProblemShowsTheTextAndTheFieldButNotTheCause(t *testing.T) {
	res, d, log := ask(t, cairn.Errorf(cairn.Invalid, "The date cannot be read.").At("3.renews").Because(errors.New("secret")))
	want := Details{Title: "Bad Request", Status: 400, Detail: "The date cannot be read.", Kind: "invalid", Field: "3.renews"}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := res.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	if log != "" {
		t.Errorf("a mistake of the sender is in the log: %s", log)
	}
}

func TestAnInternalFailureIsLoggedWithItsCauseAndWithoutWhatWasAsked(t *testing.T) {
	_, d, log := ask(t, errors.New("table is gone"))
	if d.Status != 500 || strings.Contains(d.Detail, "table") {
		t.Errorf("got %+v", d)
	}
	if !strings.Contains(log, "table is gone") || !strings.Contains(log, "/people/{key}") || strings.Contains(log, "ada") {
		t.Errorf("log: %s", log)
	}
	if _, _, log := ask(t, context.Canceled); log != "" {
		t.Errorf("a client that left is in the log: %s", log)
	}
}

func TestARetryIsAskedForWhereItHelps(t *testing.T) {
	for kind, want := range map[cairn.Kind]string{cairn.TooMany: "10", cairn.Unavailable: "5", cairn.Busy: "30", cairn.Invalid: ""} {
		res, _, _ := ask(t, cairn.Errorf(kind, "x"))
		if got := res.Header.Get("Retry-After"); got != want {
			t.Errorf("%s: Retry-After %q, want %q", kind, got, want)
		}
	}
	res, _, _ := ask(t, cairn.Errorf(cairn.Unauthentic, "x"))
	if res.Header.Get("WWW-Authenticate") == "" {
		t.Error("401 does not say how to say who is asking")
	}
}

func TestWhatCannotBeWrittenIsAFailureAndNotHalfAnAnswer(t *testing.T) {
	w := httptest.NewRecorder()
	JSON(w, 200, func() {})
	if w.Code != 500 {
		t.Errorf("status %d", w.Code)
	}
}
