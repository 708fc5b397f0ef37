package api

import (
	"net/http"
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
