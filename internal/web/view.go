package web

import (
	"bytes"
	"net/http"
	"time"

	"github.com/a-h/templ"

	"cairn"
	"cairn/internal/auth"
	"cairn/internal/keep"
	"cairn/internal/reply"
)

// A View is what every component of one response may need: who looks, when,
// and how numbers and times are written.
type View struct {
	Session  auth.Session // zero when nobody is signed in
	Now      time.Time
	Zone     *time.Location
	Currency string
	Address  string      // of this server, without a slash at the end
	Path     string      // with the query: where this page is
	Theme    string      // "light", "dark" or "" (as the system says)
	Partial  bool        // htmx asked for a part of a page
	Room     keep.Status // that runs out; zero: there is enough, or the person does not look after it
	Waiting  int         // how many arrivals wait for somebody to say whose they are

	numbers numbers
	assets  *assets
	revenue bool // there are pages about it
	models  bool // there are pages about models and signals
}

func (s *site) view(r *http.Request) View {
	set := s.Settings()
	v := View{
		Now: s.Now(), Zone: set.Zone, Currency: set.Currency, Address: set.Address,
		Path: r.URL.RequestURI(), Partial: r.Header.Get("HX-Request") == "true",
		numbers: numbersOf(set.Locale), assets: s.assets, revenue: s.Revenue != nil, models: s.Model != nil,
	}
	if v.Zone == nil {
		v.Zone = time.UTC
	}
	if v.Currency == "" {
		v.Currency = "EUR"
	}
	if v.Address == "" {
		v.Address = address(r)
	}
	if c, err := r.Cookie("theme"); err == nil && (c.Value == "light" || c.Value == "dark") {
		v.Theme = c.Value
	}
	return v
}

func address(r *http.Request) string {
	if r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

// Asset returns the address of an asset, which changes with its content.
func (v View) Asset(name string) string { return v.assets.path(name) }

// Actor is who looks.
func (v View) Actor() cairn.Actor { return v.Session.User.Actor() }

// Scope is what the actor may see.
func (v View) Scope() cairn.Scope { return v.Actor().Scope() }

// Today is the workspace's calendar day.
func (v View) Today() cairn.Day { return cairn.DayOf(v.Now, v.Zone) }

// A Crumb is one step of the way to a page.
type Crumb struct{ Name, Href string }

// A Page is what the frame says about the page inside it.
type Page struct {
	Title  string // of the browser's tab and, unless Head is set, the page's one h1
	Active string // which entry of the rail: "today", "accounts", "sources"
	Crumbs []Crumb
	Head   templ.Component // instead of the title; must hold the page's h1
	Date   templ.Component // the date control, where the page shows state
	Action templ.Component // the primary action
	Charts bool            // the page has charts
	Wide   bool            // uses the whole width of the window
}

// render writes body within the frame.
func (s *site) render(w http.ResponseWriter, r *http.Request, v View, p Page, body templ.Component) error {
	return s.write(w, r, http.StatusOK, frame(v, p, body))
}

// write renders c whole before the first byte leaves, so that a page is never
// half a page.
func (s *site) write(w http.ResponseWriter, r *http.Request, status int, c templ.Component) error {
	var b bytes.Buffer
	if err := c.Render(r.Context(), &b); err != nil {
		reply.Log(r, s.Log, err)
		http.Error(w, "Something went wrong on our side.", http.StatusInternalServerError)
		return nil
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes()) // the browser may be gone; nobody else is to be told
	return nil
}
