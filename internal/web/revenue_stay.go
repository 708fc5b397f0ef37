package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
)

// Memos keep small things under a name.
type Memos interface {
	Memo(ctx context.Context, name string) (string, error)
	Remember(ctx context.Context, name, body string) error
}

// Staying are the parts of an address that stay with whoever chose them: whom
// one looks at and how it is booked, not of when. The first page also keeps by
// which field.
var (
	staying     = []string{"where", "policy"}
	stayingHome = []string{"where", "policy", "by"}
)

// stay leads whoever opens a page about revenue without saying what to see to
// what they chose last, on whichever of these pages, and remembers what they
// choose. An address that says anything is the view, for everybody.
func (s *site) stay(w http.ResponseWriter, r *http.Request, v View, parts []string) (moved bool, err error) {
	if s.Memos == nil || v.Session.User.ID == "" {
		return false, nil
	}
	name := "revenue/" + v.Session.User.ID
	text, err := s.Memos.Memo(r.Context(), name)
	if err != nil {
		return false, err
	}
	had, err := url.ParseQuery(text)
	if err != nil {
		return false, err
	}
	said := r.URL.Query()
	cleared := said.Has("clear")
	if cleared {
		said.Del("clear")
		said.Del("where")
		had.Del("where")
	}
	if len(said) == 0 && !cleared {
		for name := range had {
			if !slices.Contains(parts, name) {
				had.Del(name)
			}
		}
		if len(had) > 0 {
			http.Redirect(w, r, addressOf(r.URL.Path, had), http.StatusSeeOther)
		}
		return len(had) > 0, nil
	}
	for _, part := range parts {
		had.Del(part)
		for _, value := range said[part] {
			if value != "" {
				had.Add(part, value)
			}
		}
	}
	if now := had.Encode(); now != text {
		if err := s.Memos.Remember(r.Context(), name, now); err != nil {
			return false, err
		}
	}
	if cleared {
		http.Redirect(w, r, addressOf(r.URL.Path, said), http.StatusSeeOther)
	}
	return cleared, nil
}

// staysOn serves a page about revenue that keeps what was chosen last.
func (s *site) staysOn(page func(http.ResponseWriter, *http.Request, View) error) func(http.ResponseWriter, *http.Request, View) error {
	return func(w http.ResponseWriter, r *http.Request, v View) error {
		if moved, err := s.stay(w, r, v, staying); err != nil || moved {
			return err
		}
		return page(w, r, v)
	}
}
