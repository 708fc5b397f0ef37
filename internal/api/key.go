package api

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// grant returns what a key that came with a request allows, and refuses a use
// that it is not meant for. A key ends by the machine's clock.
func grant(keys ingest.Keys, r *http.Request, text string, scope ingest.KeyScope) (ingest.Grant, error) {
	if text == "" {
		return ingest.Grant{}, cairn.Errorf(cairn.Unauthentic, "A key is needed: as the user name of Basic authorization, as a Bearer token, or as writeKey in the body.")
	}
	g, err := keys.Grant(r.Context(), text, time.Now().UTC())
	if err != nil {
		return g, err
	}
	if err := g.Key.May(scope); err != nil {
		return g, err
	}
	return g, g.Key.At(origin(r), endpoints(r.URL.Path)...)
}

// origin is that of the page that asks; empty when no page does. A browser
// does not name it when a page asks its own server for something.
func origin(r *http.Request) string {
	o := r.Header.Get("Origin")
	if o == "" && r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return scheme(r) + "://" + host(r)
	}
	return o
}

// endpoints are the names under which a key may be limited to a path: a call
// has a long and a short one, and the settings of the browser SDK are for
// whoever may send any call at all.
func endpoints(path string) []string {
	path = strings.TrimSuffix(path, "/")
	name, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return []string{path}
	}
	settings := strings.HasPrefix(name, "projects/") && strings.HasSuffix(name, "/settings")
	out := []string{path}
	for short, call := range shortPaths {
		if settings || name == short || name == call {
			out = append(out, "/v1/"+short, "/v1/"+call)
		}
	}
	return out
}

// spend counts n records against the limits of a key, if it has any, and says
// in the answer's headers how it stands.
func spend(w http.ResponseWriter, r *http.Request, door *ingest.Door, k ingest.Key, n int) error {
	if k.Limits == (ingest.Limits{}) || door.Limits == nil {
		return nil
	}
	now := time.Now().UTC()
	q, err := door.Limits.Take(r.Context(), k, int64(n), now)
	if err != nil && cairn.KindOf(err) != cairn.TooMany {
		return err
	}
	h := w.Header()
	whole := func(d time.Duration) string { return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10) }
	h.Set("RateLimit-Limit", strconv.FormatInt(q.Limit, 10))
	h.Set("RateLimit-Remaining", strconv.FormatInt(q.Remaining, 10))
	h.Set("RateLimit-Reset", whole(q.Reset))
	if err == nil {
		return nil
	}
	h.Set("Retry-After", whole(q.Wait))
	// Of the SDKs that look at this header, those for Node take it for the
	// moment in milliseconds, and those for browsers for seconds from now.
	h.Set("X-RateLimit-Reset", whole(q.Wait))
	if strings.HasPrefix(r.UserAgent(), "analytics-node") {
		h.Set("X-RateLimit-Reset", strconv.FormatInt(now.Add(q.Wait).UnixMilli(), 10))
	}
	return err
}

// headerKey returns the key of the Authorization header: the user name of
// Basic, or the token of Bearer.
func headerKey(r *http.Request) string {
	if user, _, ok := r.BasicAuth(); ok {
		return user
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return ""
}
