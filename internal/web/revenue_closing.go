package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

func (s *site) closingRoutes(mux *http.ServeMux) {
	mux.Handle("GET /revenue/closing", s.page(s.closing))
	mux.Handle("POST /revenue/closing", s.page(s.closeMonth))
	mux.Handle("POST /revenue/closing/reopen", s.page(s.reopenMonth))
	mux.Handle("POST /revenue/closing/restore", s.page(s.restoreClosed))
}

// A closingView is the page of the months that are closed.
type closingView struct {
	revenueView
	Closed      []revenue.Closing // under the workspace's policy, the latest first
	Corrections compareView
	Month       string            // that is to be closed or opened
	Would       []revenue.Closing // be booked
	WouldOpen   []revenue.Closing
	Problem     *cairn.Error
	Revisions   []book.Revision
	Done        string
	Before      int
}

var closingPage = Page{Title: "Revenue", Active: "revenue", Wide: true}

func (s *site) closingView(r *http.Request, v View) (t closingView, err error) {
	if t.revenueView, err = s.revenueView(r, v); err != nil {
		return t, err
	}
	all, err := s.Revenue.Closings(r.Context())
	if err != nil {
		return t, err
	}
	for _, c := range slices.Backward(all) {
		if c.Policy == t.Report.Policy.Name {
			t.Closed = append(t.Closed, c)
		}
	}
	if t.Corrections.Comparison, err = s.Revenue.Corrections(r.Context(), v.Scope()); err != nil {
		return t, err
	}
	t.Corrections.Report.Currency = firstOf(t.Corrections.Currency, t.Report.Currency)
	t.Revisions, err = s.Revenue.ClosedRevisions(r.Context())
	if err != nil {
		return t, err
	}
	t.Month = (ledger.MonthOf(v.Today()) - 1).String()
	if before, err := strconv.Atoi(r.FormValue("before")); err == nil && before == t.newest()-1 {
		t.Done, t.Before = shorten(r.FormValue("did"), 200), before
	}
	return t, nil
}

// newest is the revision in force.
func (t closingView) newest() int {
	if len(t.Revisions) == 0 {
		return 0
	}
	return t.Revisions[0].Rev
}

func (s *site) closing(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.closingView(r, v)
	if err != nil {
		return err
	}
	for name, try := range map[string]func(ledger.Month) error{
		"month": func(m ledger.Month) (err error) {
			t.Would, err = s.Revenue.WouldClose(r.Context(), v.Actor(), m)
			return err
		},
		"reopen": func(m ledger.Month) (err error) {
			t.WouldOpen, err = s.Revenue.WouldReopen(r.Context(), m)
			return err
		},
	} {
		text := r.FormValue(name)
		if text == "" {
			continue
		}
		t.Month = shorten(text, 20)
		m, err := ledger.ParseMonth(text)
		if err == nil {
			err = try(m)
		}
		if err != nil && cairn.KindOf(err) == cairn.Internal {
			return err
		}
		if err != nil {
			t.Problem = asError(err)
		}
	}
	return s.render(w, r, v, closingPage, closingBody(v, t))
}

// didClose leads back to the page with a way to undo what was done.
func (s *site) didClose(w http.ResponseWriter, r *http.Request, did string) error {
	all, err := s.Revenue.ClosedRevisions(r.Context())
	if err != nil {
		return err
	}
	http.Redirect(w, r, addressOf("/revenue/closing", url.Values{"did": {did}, "before": {strconv.Itoa(len(all) - 1)}}), http.StatusSeeOther)
	return nil
}

func (s *site) closeMonth(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	m, err := ledger.ParseMonth(r.PostFormValue("month"))
	if err != nil {
		return err
	}
	done, err := s.Revenue.Close(r.Context(), v.Actor(), m, strings.TrimSpace(r.PostFormValue("note")))
	if err != nil {
		return err
	}
	return s.didClose(w, r, fmt.Sprintf("%s closed, until %s.", v.several(len(done), "month is", "months are"), monthName(m)))
}

func (s *site) reopenMonth(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	m, err := ledger.ParseMonth(r.PostFormValue("month"))
	if err != nil {
		return err
	}
	n, err := s.Revenue.Reopen(r.Context(), v.Actor(), m, strings.TrimSpace(r.PostFormValue("note")))
	if err != nil {
		return err
	}
	return s.didClose(w, r, fmt.Sprintf("%s open again, from %s on.", v.several(n, "month is", "months are"), monthName(m)))
}

func (s *site) restoreClosed(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	rev, err := strconv.Atoi(r.PostFormValue("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "Say which revision.").At("rev")
	}
	if err := s.Revenue.RestoreClosed(r.Context(), v.Actor(), rev); err != nil {
		return err
	}
	return s.didClose(w, r, "What was done last is undone.")
}
