package web

import (
	"crypto/rand"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"cairn"
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
		http.SetCookie(w, cookie(r, formCookie, token, time.Time{}))
	}
	v.Session.CSRF = token
	return s.write(w, r, status, signInPage(v, mail, local(r.FormValue("next")), problem, len(users) == 0))
}

// signIn begins a session. Too many failures for one address or from one
// place make both wait.
func (s *site) signIn(w http.ResponseWriter, r *http.Request, v View) error {
	mail := strings.ToLower(strings.TrimSpace(r.PostFormValue("mail")))
	c, err := r.Cookie(formCookie)
	if err != nil || subtle.ConstantTimeCompare([]byte(c.Value), []byte(r.PostFormValue("csrf"))) != 1 {
		return s.showSignIn(w, r, v, http.StatusForbidden, mail, "This form had grown old. Please sign in again.")
	}
	from, _, _ := net.SplitHostPort(r.RemoteAddr)
	who := []string{"mail " + mail, "from " + from}
	if s.attempts.tooMany(s.Now(), who...) {
		return s.showSignIn(w, r, v, http.StatusTooManyRequests, mail, "There were many failed attempts. Wait five minutes, then try again.")
	}
	session, err := s.Auth.SignIn(r.Context(), mail, r.PostFormValue("password"))
	if err != nil {
		if cairn.KindOf(err) != cairn.Unauthentic {
			return err
		}
		s.attempts.failed(s.Now(), who...)
		return s.showSignIn(w, r, v, http.StatusUnauthorized, mail, "This address and password do not belong together. Check both and try again.")
	}
	s.attempts.forget(who[0])
	http.SetCookie(w, cookie(r, sessionCookie, session.Token, session.Expires))
	http.Redirect(w, r, local(r.PostFormValue("next")), http.StatusSeeOther)
	return nil
}

func (s *site) signOut(w http.ResponseWriter, r *http.Request, v View) error {
	if err := s.Auth.SignOut(r.Context(), v.Session.Token); err != nil {
		return err
	}
	http.SetCookie(w, cookie(r, sessionCookie, "", time.Unix(1, 0)))
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

func cookie(r *http.Request, name, value string, expires time.Time) *http.Cookie {
	return &http.Cookie{
		Name: name, Value: value, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: strings.HasPrefix(address(r), "https:"), Expires: expires,
	}
}

// attempts counts failed sign-ins of the last minutes.
type attempts struct {
	mu   sync.Mutex
	seen map[string][]time.Time
}

const (
	attemptsWindow = 5 * time.Minute
	attemptsMax    = 10
)

func newAttempts() *attempts { return &attempts{seen: map[string][]time.Time{}} }

// tooMany reports whether any of the names has failed too often of late.
func (a *attempts) tooMany(now time.Time, names ...string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, n := range names {
		recent := 0
		for _, t := range a.seen[n] {
			if now.Sub(t) < attemptsWindow {
				recent++
			}
		}
		if recent >= attemptsMax {
			return true
		}
	}
	return false
}

func (a *attempts) failed(now time.Time, names ...string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.seen) > 10_000 {
		for n, ts := range a.seen {
			if now.Sub(ts[len(ts)-1]) >= attemptsWindow {
				delete(a.seen, n)
			}
		}
	}
	for _, n := range names {
		ts := append(a.seen[n], now)
		a.seen[n] = ts[max(0, len(ts)-attemptsMax):]
	}
}

func (a *attempts) forget(name string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.seen, name)
}
