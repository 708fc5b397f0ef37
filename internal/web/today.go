package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
	"cairn/internal/work"
)

func (s *site) todayRoutes(mux *http.ServeMux) {
	mux.Handle("GET /today", s.page(s.today))
	mux.Handle("GET /live/today", s.page(s.todayLive))
	mux.Handle("GET /today/moved/{id}", s.page(s.todayMoved))
	mux.Handle("POST /tasks", s.page(s.addTask))
	mux.Handle("POST /tasks/{id}/{verb}", s.page(s.changeTask))
}

// renewalDays is how far ahead Today looks for renewals.
const renewalDays = 30

// A day in somebody's work: what Today shows.
type todayView struct {
	Who      string // "me", "everybody" or "nobody"
	Items    []work.Item
	Done     int // closed since midnight
	Moved    []work.Moved
	Renewals []cairn.Account
	Renewing cairn.Money // a year's worth of all Renewals in the workspace's currency
	Falling  int         // of Renewals
	Progress []Progress
	Newborn  bool // no account is known yet
	Version  string
	Undo     *undo            // of what was just done, when no script is there to show it
	Sources  []ingest.Summary // with alarms; for who looks at everybody's
}

// owner is the owner whose tasks and accounts are asked for.
func (t todayView) owner(v View) string {
	switch t.Who {
	case "everybody":
		return ""
	case "nobody":
		return "-"
	}
	return v.Session.User.Mail
}

// Accounts is how many accounts the tasks are about.
func (t todayView) Accounts() int {
	seen := map[cairn.AccountID]bool{}
	for _, i := range t.Items {
		seen[i.Account.ID] = true
	}
	return len(seen)
}

// LateTasks is how many tasks should have been done before today.
func (t todayView) LateTasks(v View) (n int) {
	for _, i := range t.Items {
		if v.Late(i.Task.Due) {
			n++
		}
	}
	return n
}

// address of this view of Today.
func (t todayView) address() string { return whoAddress("/today", t.Who) }

func whoAddress(path, who string) string {
	if who == "me" {
		return path
	}
	return path + "?who=" + url.QueryEscape(who)
}

// renewing leads to the accounts behind Renewals, of one way or of all.
func (t todayView) renewing(v View, way cairn.Way) string {
	return accountsFilter{Owner: t.owner(v), Status: cairn.Customer, Way: way, Renews: renewalDays, Sort: "renews"}.address()
}

// liveAddress asks for what changed since this view.
func (t todayView) liveAddress() string {
	return "/live/today?who=" + t.Who + "&v=" + url.QueryEscape(t.Version)
}

func whoOf(r *http.Request) string {
	switch who := r.FormValue("who"); who {
	case "everybody", "nobody":
		return who
	}
	return "me"
}

func (s *site) today(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.todayView(r.Context(), v, whoOf(r))
	if err != nil {
		return err
	}
	if verb := r.FormValue("did"); verb != "" {
		if id, err := cairn.ParseID(r.FormValue("task")); err == nil {
			if item, err := s.Work.Task(r.Context(), v.Scope(), cairn.RecordID{ID: id}); err == nil {
				t.Undo = &undo{Verb: verb, Item: item, Back: t.address()}
			}
		}
	}
	p := Page{Title: "Today", Active: "today"}
	if !t.Newborn {
		p.Action = todayTools(v, t)
	}
	return s.render(w, r, v, p, todayPage(v, t))
}

// todayLive answers with the parts of Today when anything on it has changed
// since the version that the browser shows.
func (s *site) todayLive(w http.ResponseWriter, r *http.Request, v View) error {
	version, err := s.todayVersion(r.Context(), v)
	if err != nil {
		return err
	}
	if version == r.FormValue("v") {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	t, err := s.todayView(r.Context(), v, whoOf(r))
	if err != nil {
		return err
	}
	return s.write(w, r, http.StatusOK, todayUpdate(v, t))
}

// todayVersion changes whenever Today would look different: with the data,
// with work under way, and at midnight.
func (s *site) todayVersion(ctx context.Context, v View) (string, error) {
	n, err := s.Work.Version(ctx, cairn.AccountID{})
	out := fmt.Sprintf("%d-%d", n, v.Today())
	for _, p := range s.Progress() {
		out += fmt.Sprintf("-%d.%d", p.Done, p.Of)
	}
	return out, err
}

func (s *site) todayView(ctx context.Context, v View, who string) (todayView, error) {
	t := todayView{Who: who, Progress: s.Progress()}
	var err error
	// The version is read first: what changes while the rest is read shows at the next look.
	if t.Version, err = s.todayVersion(ctx, v); err != nil {
		return t, err
	}
	all, err := s.Accounts.Accounts(ctx, v.Scope(), account.Query{Limit: 1})
	if err != nil {
		return t, err
	}
	if t.Newborn = all.Total == 0; t.Newborn {
		return t, nil
	}
	owner := t.owner(v)
	if t.Items, err = s.Work.Tasks(ctx, v.Scope(), work.Query{Owner: owner}, v.Now); err != nil {
		return t, err
	}
	if t.Done, err = s.Work.ClosedSince(ctx, v.Scope(), owner, v.Today().Start(v.Zone)); err != nil {
		return t, err
	}
	if owner == "" { // who looks at everybody's accounts looks after their sources too
		if t.Sources, err = s.Sources.Summaries(ctx, v.Scope(), v.Now); err != nil {
			return t, err
		}
		t.Sources = sourcesView{Sources: t.Sources}.Alarmed()
	}
	if t.Moved, err = s.Work.Moved(ctx, v.Scope(), owner, v.Today(), 6); err != nil {
		return t, err
	}
	return t, s.renewals(ctx, v, &t)
}

// renewals fills in which accounts renew soon and what stands behind them.
func (s *site) renewals(ctx context.Context, v View, t *todayView) error {
	until := (v.Today() + renewalDays).End(v.Zone).Add(-time.Second)
	page, err := s.Accounts.Accounts(ctx, v.Scope(), account.Query{Owner: t.owner(v), Status: cairn.Customer, RenewsBy: until, Sort: "renews", Limit: 500})
	if err != nil {
		return err
	}
	t.Renewals = slices.DeleteFunc(page.Accounts, func(a cairn.Account) bool { return v.Late(a.Renews) })
	t.Renewing.Currency = v.Currency
	for _, a := range t.Renewals {
		if a.MRR.Currency == v.Currency {
			t.Renewing.Minor += a.MRR.Minor * 12
		}
		if a.Vector.Known && a.Vector.Way == cairn.Falling {
			t.Falling++
		}
	}
	return nil
}

// todayMoved says why one account's level moved since the last day before
// today on which it was measured.
func (s *site) todayMoved(w http.ResponseWriter, r *http.Request, v View) error {
	raw, err := cairn.ParseID(r.PathValue("id"))
	if err != nil {
		return err
	}
	id, yesterday := cairn.AccountID{ID: raw}, v.Today()-1
	before, _, err := s.Explain.Explain(r.Context(), v.Scope(), id, yesterday.End(v.Zone).Add(-time.Second))
	if err != nil {
		return err
	}
	now, _, err := s.Explain.Explain(r.Context(), v.Scope(), id, v.Now)
	if err != nil {
		return err
	}
	return s.write(w, r, http.StatusOK, movedWhy(compareAccount(before, now)))
}
