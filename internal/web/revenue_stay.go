package web

import (
	"context"
	"net/http"
	"net/url"
)

// Memos keep small things under a name.
type Memos interface {
	Memo(ctx context.Context, name string) (string, error)
	Remember(ctx context.Context, name, body string) error
}

// staying are the parts of an address that stay with whoever chose them: what
// is looked at, and not of when.
var staying = []string{"where", "by", "policy"}

// stay leads whoever opens the page of revenue without saying what to see to
// what they chose last, and remembers what they choose. An address that says
// anything is the view, for everybody.
func (s *site) stay(w http.ResponseWriter, r *http.Request, v View) (moved bool, err error) {
	if s.Memos == nil || v.Session.User.ID == "" {
		return false, nil
	}
	name := "revenue/" + v.Session.User.ID
	had, err := s.Memos.Memo(r.Context(), name)
	if err != nil {
		return false, err
	}
	said := r.URL.Query()
	if said.Has("clear") {
		if err := s.Memos.Remember(r.Context(), name, ""); err != nil {
			return false, err
		}
		http.Redirect(w, r, "/revenue", http.StatusSeeOther)
		return true, nil
	}
	if len(said) == 0 {
		if had != "" {
			http.Redirect(w, r, "/revenue?"+had, http.StatusSeeOther)
		}
		return had != "", nil
	}
	chosen := url.Values{}
	for _, part := range staying {
		for _, value := range said[part] {
			if value != "" {
				chosen.Add(part, value)
			}
		}
	}
	if now := chosen.Encode(); now != had {
		return false, s.Memos.Remember(r.Context(), name, now)
	}
	return false, nil
}
