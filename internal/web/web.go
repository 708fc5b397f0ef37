// Package web is what people see: server-rendered pages, one file per page,
// made of typed components. It asks the capabilities and never the store.
package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/auth"
	"cairn/internal/event"
	"cairn/internal/ingest"
	"cairn/internal/keep"
	"cairn/internal/model"
	"cairn/internal/outcome"
	"cairn/internal/payment"
	"cairn/internal/portfolio"
	"cairn/internal/reply"
	"cairn/internal/revenue"
	"cairn/internal/usage"
	"cairn/internal/vector"
	"cairn/internal/work"
)

// An Admitter is the front door: what people do on a page goes in there like
// everything else.
type Admitter interface {
	Admit(ctx context.Context, src ingest.Source, records []ingest.Record) ([]ingest.Verdict, error)
}

// An Auth knows who is asking.
type Auth interface {
	// SignIn returns a new session; a wrong address or password is
	// cairn.Unauthentic, and too many of them are cairn.TooMany.
	SignIn(ctx context.Context, mail, password string) (auth.Session, error)
	// Session returns the session of a token; cairn.Unauthentic when there is none.
	Session(ctx context.Context, token string) (auth.Session, error)
	SignOut(ctx context.Context, token string) error
}

// Users lists who can sign in and own accounts.
type Users interface {
	Users(ctx context.Context) ([]auth.User, error)
}

// Settings are the workspace's own, as pages need them.
type Settings struct {
	Zone     *time.Location // nil is UTC
	Currency string         // ISO 4217; empty is EUR
	Locale   string         // how numbers are written: "en", "de", "fr", "ch"; empty is en
	Address  string         // the public address, such as "https://cairn.example.com"; empty: as the request says
}

// A Progress is long work under way: the demo's feed, a rebuild, an import.
type Progress struct {
	Name string // what is being done, as a sentence's subject: "Feeding the demo company"
	Done int64
	Of   int64  // 0: not known
	Note string // what Done and Of count: "days of history"
}

// A Differ says why a level changed between two moments.
type Differ interface {
	Diff(ctx context.Context, scope cairn.Scope, id cairn.AccountID, from, to time.Time) (vector.Difference, error)
}

// Deps are what pages are made of. Optional ones say so.
type Deps struct {
	Accounts      account.Store
	Identity      account.Identity
	Explain       account.Explainer
	Past          account.Historian
	Diff          Differ // optional: what changed is told leaf by leaf only
	History       event.History
	Work          work.Store
	Sources       ingest.Sources
	Rejects       *ingest.Mender // optional: what was refused cannot be mended
	Door          Admitter
	Usage         *usage.Service
	Model         *model.Service         // optional: there are no pages about models and signals
	Portfolio     *portfolio.Service     // optional: there is no page about all accounts together
	Keep          *keep.Service          // optional: there is no page about how long events are kept
	Revenue       *revenue.Service       // optional: there are no pages about it
	Renewals      *outcome.Renewals      // optional: there are no pages about them
	Payments      *payment.Service       // optional: there is no page about them
	Memos         Memos                  // optional: what people chose last does not stay
	Opportunities *outcome.Opportunities // optional: there are no pages about them
	Losses        *outcome.Losses        // optional: there are no pages about who left
	Auth          Auth
	Users         Users
	Settings      func() Settings   // optional
	Progress      func() []Progress // optional
	Ready         func() error      // optional: why this server cannot serve yet
	Now           func() time.Time  // the workspace's clock; optional: time.Now
	Log           *slog.Logger      // optional
}

// site serves the pages.
type site struct {
	Deps
	assets *assets
	cross  *http.CrossOriginProtection
	waits  waitingCount
}

// New returns the web interface, with its assets under /asset/ and its health
// under /healthz and /readyz.
func New(d Deps) http.Handler {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	if d.Settings == nil {
		d.Settings = func() Settings { return Settings{} }
	}
	if d.Progress == nil {
		d.Progress = func() []Progress { return nil }
	}
	s := &site{Deps: d, assets: newAssets(), cross: http.NewCrossOriginProtection()}
	mux := http.NewServeMux()
	mux.Handle("GET /asset/", s.assets)
	mux.HandleFunc("GET /healthz", s.healthz)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /signin", s.open(s.signInForm))
	mux.Handle("POST /signin", s.open(s.signIn))
	mux.Handle("POST /signout", s.page(s.signOut))
	mux.Handle("GET /{$}", s.page(func(w http.ResponseWriter, r *http.Request, v View) error {
		http.Redirect(w, r, "/today", http.StatusSeeOther)
		return nil
	}))
	mux.Handle("GET /palette", s.page(s.palette))
	s.todayRoutes(mux)
	s.sourceRoutes(mux)
	s.rejectRoutes(mux)
	s.accountRoutes(mux)
	s.usageRoutes(mux)
	s.keepRoutes(mux)
	s.modelRoutes(mux)
	s.portfolioRoutes(mux)
	s.revenueRoutes(mux)
	s.renewalRoutes(mux)
	s.paymentRoutes(mux)
	s.opportunityRoutes(mux)
	s.churnRoutes(mux)
	s.lossRoutes(mux)
	s.identityRoutes(mux)
	mux.Handle("/", s.page(func(http.ResponseWriter, *http.Request, View) error {
		return cairn.Errorf(cairn.NotFound, "There is no page at this address.")
	}))
	return secure(squeeze(mux))
}

// A page handles one request of a signed-in person. What it returns is shown
// as a page, or within one when htmx asked.
type page func(w http.ResponseWriter, r *http.Request, v View) error

// page serves p to signed-in people only, and changes nothing without the
// session's token.
func (s *site) page(p page) http.Handler {
	return s.open(func(w http.ResponseWriter, r *http.Request, v View) error {
		c, err := r.Cookie(sessionCookie)
		if err != nil {
			return s.toSignIn(w, r)
		}
		v.Session, err = s.Auth.Session(r.Context(), c.Value)
		switch {
		case cairn.KindOf(err) == cairn.Unauthentic && err != nil:
			return s.toSignIn(w, r)
		case err != nil:
			return err
		}
		v.Session.Token = c.Value
		if err := checkCSRF(r, v.Session); err != nil {
			return err
		}
		if !v.Partial && r.Method == http.MethodGet {
			v.Waiting = s.waiting(r.Context(), v)
			v.Room = s.warning(r, v)
		}
		return p(w, r, v)
	})
}

// open serves p to everybody.
func (s *site) open(p page) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := s.view(r)
		err := s.cross.Check(r)
		if err != nil {
			err = cairn.Errorf(cairn.Forbidden, "This request came from another site, so nothing was changed.").Because(err)
		} else {
			r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
			err = p(w, r, v)
		}
		if err != nil {
			s.fail(w, r, v, err)
		}
	})
}

// fail shows err: as a page, or as a message on the page when htmx asked.
func (s *site) fail(w http.ResponseWriter, r *http.Request, v View, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	reply.Log(r, s.Log, err)
	p := problemOf(err)
	if v.Partial {
		s.write(w, r, p.Status, toast(v, p.Title, p.Text, nil))
		return
	}
	s.write(w, r, p.Status, problemPage(v, p))
}
