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
	return g, g.Key.At(r.Header.Get("Origin"), r.URL.Path)
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
