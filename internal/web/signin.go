package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"

	"cairn"
	"cairn/internal/reply"
)

const (
	sessionCookie = "cairn_session"
	formCookie    = "cairn_form" // the token of forms before there is a session
)

var everything = cairn.Everything

// signInForm shows the way in; with nobody who could sign in, how to make somebody.
func (s *site) signInForm(w http.ResponseWriter, r *http.Request, v View) error {
	return s.showSignIn(w, r, v, http.StatusOK, "", "")
}

func (s *site) showSignIn(w http.ResponseWriter, r *http.Request, v View, status int, mail, problem string) error {
	users, err := s.Users.Users(r.Context())
	if err != nil {
		return err
	}
	token := ""
	if c, err := r.Cookie(formCookie); err == nil {
		token = c.Value
	}
	if len(token) < 26 {
		token = rand.Text()
		http.SetCookie(w, cookie(r, formCookie, token))
	}
	v.Session.CSRF = token
	return s.write(w, r, status, signInPage(v, mail, local(r.FormValue("next")), problem, len(users) == 0))
}

// signIn begins a session.
func (s *site) signIn(w http.ResponseWriter, r *http.Request, v View) error {
	mail := strings.ToLower(strings.TrimSpace(r.PostFormValue("mail")))
	c, err := r.Cookie(formCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(r.PostFormValue("csrf"))) != 1 {
		return s.showSignIn(w, r, v, http.StatusForbidden, mail, "This form had grown old. Please sign in again.")
	}
	session, err := s.Auth.SignIn(r.Context(), mail, r.PostFormValue("password"))
	if kind := cairn.KindOf(err); err != nil && (kind == cairn.Unauthentic || kind == cairn.TooMany) {
		return s.showSignIn(w, r, v, reply.Status(err), mail, cairn.TextOf(err))
	}
	if err != nil {
		return err
	}
	http.SetCookie(w, cookie(r, sessionCookie, session.Token))
	http.Redirect(w, r, local(r.PostFormValue("next")), http.StatusSeeOther)
	return nil
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request, v View) error {
	if err := s.Auth.SignOut(r.Context(), v.Session.Token); err != nil {
		return err
	}
	http.SetCookie(w, cookie(r, sessionCookie, ""))
	http.Redirect(w, r, "/signin", http.StatusSeeOther)
	return nil
}

// toSignIn leads to the way in and from there back.
func (s *site) toSignIn(w http.ResponseWriter, r *http.Request) error {
	next := "/today"
	if r.Method == http.MethodGet && r.Header.Get("HX-Request") == "" {
		next = local(r.URL.RequestURI())
	}
	to := "/signin?next=" + url.QueryEscape(next)
	if r.Header.Get("HX-Request") == "true" {
		w.Header().Set("HX-Redirect", to)
		w.WriteHeader(http.StatusOK)
		return nil
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// local returns to when it leads to a page of this server, else Today.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") ||
		strings.HasPrefix(to, "//") || strings.ContainsAny(to, "\\\r\n\t") || u.Path == "/" {
		return "/today"
	}
	return to
}

// cookie lasts as long as browsers allow, 400 days: how long a session lasts
// is decided where it is kept. An empty value removes it.
func cookie(r *http.Request, name, value string) *http.Cookie {
	c := &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(address(r), "https:"), MaxAge: 400 * 24 * 3600,
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c
}
