package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/keep"
	"cairn/internal/signal"
)

func (s *site) keepRoutes(mux *http.ServeMux) {
	if s.Keep == nil {
		return
	}
	mux.Handle("GET /keeping", s.page(s.keeping))
	mux.Handle("GET /live/keeping", s.page(s.keepingLive))
	mux.Handle("POST /keeping", s.page(s.setEnd))
	mux.Handle("POST /keeping/try", s.page(s.tryEnd))
	mux.Handle("POST /keeping/unset", s.page(s.unsetEnd))
	mux.Handle("POST /keeping/quota", s.page(s.setQuota))
	mux.Handle("POST /keeping/restore", s.page(s.restoreKeeping))
	mux.Handle("POST /keeping/hide", s.page(s.hideRoom))
}

// A keepView is the page about how long events are kept.
type keepView struct {
	keep.Preview // of the policy in force
	Rev          book.Revision
	Begins       time.Time // nothing is dropped before
	Room         keep.Status
	Dropped      []signal.Dropped
	Revisions    []book.Revision
	Helps        []keep.Row // what an end would free, where room runs out
	Form         keepForm
	Tried        *keep.Preview // with the end of the form
	Problem      *cairn.Error
	Quota        string // as it was typed
	QuotaProblem *cairn.Error
}

// A keepForm is an end as somebody is setting it.
type keepForm struct{ Source, Event, For, Note string }

// spans are what the form offers; others can be typed.
var spans = []string{"30 days", "90 days", "6 months", "13 months", "25 months", "for ever"}

// Waiting reports whether events wait for the end of the grace.
func (t keepView) Waiting(v View) bool { return t.Due > 0 && v.Now.Before(t.Begins) }

// Dropping reports whether events are being dropped.
func (t keepView) Dropping(v View) bool { return t.Due > 0 && !v.Now.Before(t.Begins) }

// Sources and Names are what there is to choose from.
func (t keepView) Sources() []string {
	return distinct(t.Rows, func(r keep.Row) string { return r.Source })
}
func (t keepView) Names() []string {
	return distinct(t.Rows, func(r keep.Row) string { return r.Event })
}

func distinct(rows []keep.Row, of func(keep.Row) string) []string {
	var out []string
	for _, r := range rows {
		out = append(out, of(r))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// PastEnd are the rows of a preview of which something goes.
func pastEnd(p keep.Preview) []keep.Row {
	return slices.DeleteFunc(slices.Clone(p.Rows), func(r keep.Row) bool { return r.Due == 0 })
}

// version changes with what the live part shows.
func (t keepView) version(v View) string {
	return cairn.HashID(fmt.Sprint(t.Rev.Rev, t.Due, t.Waiting(v), t.Room.Percent)).String()[:12]
}

func (s *site) keepView(ctx context.Context, form keepForm) (t keepView, err error) {
	p, rev, err := s.Keep.Policy(ctx)
	if err != nil {
		return t, err
	}
	t.Rev, t.Form = rev, form
	if rev.Rev > 0 {
		t.Begins = rev.At.Add(keep.Grace)
	}
	if t.Preview, err = s.Keep.TryPolicy(ctx, p); err != nil {
		return t, err
	}
	if t.Room, err = s.Keep.RoomAhead(ctx, t.Preview); err != nil {
		return t, err
	}
	if t.Dropped, err = s.Keep.Store.Dropped(ctx); err != nil {
		return t, err
	}
	if p.Quota > 0 {
		t.Quota = keep.Bytes(p.Quota)
	}
	if t.Room.Level > 0 {
		if t.Helps, err = s.helps(ctx, p); err != nil {
			return t, err
		}
	}
	t.Revisions, err = s.Keep.History(ctx)
	return t, err
}

// helpSpan is the end that is proposed where room runs out.
const helpSpan = "90 days"

// helps returns the events of which an end would free most.
func (s *site) helps(ctx context.Context, p keep.Policy) ([]keep.Row, error) {
	all := keep.End{}
	if err := keep.ParseSpan(helpSpan, &all); err != nil {
		return nil, err
	}
	would, err := s.Keep.TryPolicy(ctx, keep.Policy{Ends: []keep.End{all}})
	if err != nil {
		return nil, err
	}
	rows := slices.DeleteFunc(pastEnd(would), func(r keep.Row) bool { return p.Says(r.Source, r.Event) || p.Says("", r.Event) })
	slices.SortStableFunc(rows, func(a, b keep.Row) int { return cmp.Compare(b.DueBytes, a.DueBytes) })
	return rows[:min(3, len(rows))], nil
}

var keepPage = Page{Title: "Keeping", Active: "sources", Crumbs: []Crumb{{"Sources", "/sources"}}}

func (s *site) keeping(w http.ResponseWriter, r *http.Request, v View) error {
	f := keepForm{Source: r.FormValue("source"), Event: r.FormValue("event"), For: r.FormValue("for")}
	t, err := s.keepView(r.Context(), f)
	if err != nil {
		return err
	}
	if f.For != "" {
		s.tryForm(r.Context(), &t)
	}
	return s.render(w, r, v, keepPage, keepingPage(v, t))
}

func (s *site) keepingLive(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.keepView(r.Context(), keepForm{})
	if err != nil {
		return err
	}
	if t.version(v) == r.FormValue("v") {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.write(w, r, http.StatusOK, keepUpdate(v, t))
}

// tryForm fills in what the end of the form would mean.
func (s *site) tryForm(ctx context.Context, t *keepView) {
	p, err := t.Form.with(t.Policy)
	if err == nil {
		var tried keep.Preview
		if tried, err = s.Keep.TryPolicy(ctx, p); err == nil {
			t.Tried = &tried
		}
	}
	if err != nil {
		t.Problem = asError(err)
	}
}

func (f keepForm) with(p keep.Policy) (keep.Policy, error) {
	e := keep.End{Source: f.Source, Event: f.Event}
	if err := keep.ParseSpan(f.For, &e); err != nil {
		return p, err
	}
	p = p.With(e)
	return p, p.Check()
}

func keepFormOf(r *http.Request) keepForm {
	form := func(name string) string { return strings.TrimSpace(r.PostFormValue(name)) }
	return keepForm{form("source"), r.PostFormValue("event"), form("for"), form("note")}
}

func (s *site) tryEnd(w http.ResponseWriter, r *http.Request, v View) error {
	p, rev, err := s.Keep.Policy(r.Context())
	if err != nil {
		return err
	}
	t := keepView{Form: keepFormOf(r), Rev: rev}
	t.Policy = p
	s.tryForm(r.Context(), &t)
	return s.write(w, r, http.StatusOK, keepEffect(v, t))
}

// onlyAdmins refuses who may not drop what others need.
func onlyAdmins(v View) error {
	if !v.Session.User.Admin {
		return cairn.Errorf(cairn.Forbidden, "Only an administrator may change how long events are kept.")
	}
	return nil
}

// setEnd sets an end. What drops events at once has to be said twice.
func (s *site) setEnd(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	t, err := s.keepView(r.Context(), keepFormOf(r))
	if err != nil {
		return err
	}
	s.tryForm(r.Context(), &t)
	if t.Problem == nil && t.Tried.Due > t.Due && r.PostFormValue("sure") != "1" {
		t.Problem = cairn.Errorf(cairn.Invalid, "Tick that you know that they are gone for good.").At("sure")
	}
	if t.Problem == nil {
		base, err := strconv.Atoi(r.PostFormValue("rev"))
		if err != nil || base != t.Rev.Rev {
			t.Problem = cairn.Errorf(cairn.Conflict, "Somebody else changed what is kept meanwhile. Look at it and save again.")
		} else if _, err := s.Keep.Save(r.Context(), v.Actor(), t.Tried.Policy, base, t.Form.Note); err == nil {
			http.Redirect(w, r, "/keeping", http.StatusSeeOther)
			return nil
		} else if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.Conflict {
			return err
		} else {
			t.Problem = asError(err)
		}
	}
	return s.write(w, r, http.StatusUnprocessableEntity, frame(v, keepPage, keepingPage(v, t)))
}

func (s *site) unsetEnd(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	p, rev, err := s.Keep.Policy(r.Context())
	if err != nil {
		return err
	}
	e := keep.End{Source: r.PostFormValue("source"), Event: r.PostFormValue("event")}
	if _, err := s.Keep.Save(r.Context(), v.Actor(), p.Without(e.Source, e.Event), rev.Rev, "No end for "+e.What()+"."); err != nil {
		return err
	}
	http.Redirect(w, r, "/keeping", http.StatusSeeOther)
	return nil
}

func (s *site) setQuota(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	p, rev, err := s.Keep.Policy(r.Context())
	if err != nil {
		return err
	}
	text := strings.TrimSpace(r.PostFormValue("quota"))
	p.Quota = 0
	if text != "" {
		p.Quota, err = keep.ParseBytes(text)
	}
	if err == nil {
		note := "Cairn may take the disk."
		if p.Quota > 0 {
			note = "Cairn may take " + keep.Bytes(p.Quota) + "."
		}
		if _, err = s.Keep.Save(r.Context(), v.Actor(), p, rev.Rev, note); err == nil {
			http.Redirect(w, r, "/keeping", http.StatusSeeOther)
			return nil
		}
	}
	if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.Conflict {
		return err
	}
	t, fill := s.keepView(r.Context(), keepForm{})
	if fill != nil {
		return fill
	}
	t.Quota, t.QuotaProblem = text, asError(err)
	return s.write(w, r, http.StatusUnprocessableEntity, frame(v, keepPage, keepingPage(v, t)))
}

func (s *site) restoreKeeping(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	rev, err := strconv.Atoi(r.PostFormValue("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "Say which revision.").At("rev")
	}
	if _, err := s.Keep.Restore(r.Context(), v.Actor(), rev); err != nil {
		return err
	}
	http.Redirect(w, r, "/keeping", http.StatusSeeOther)
	return nil
}

// roomCookie is up to which level somebody does not want to be told of room on
// every page.
const roomCookie = "room"

// warning is what the frame tells of room that runs out.
func (s *site) warning(r *http.Request, v View) keep.Status {
	if s.Keep == nil || !v.Session.User.Admin {
		return keep.Status{}
	}
	st, err := s.Keep.Room(r.Context())
	if err != nil {
		s.Log.Warn("it cannot be told how much room there is", "err", err)
		return keep.Status{}
	}
	if c, err := r.Cookie(roomCookie); err == nil {
		if hidden, err := strconv.Atoi(c.Value); err == nil && st.Level <= hidden {
			return keep.Status{}
		}
	}
	return st
}

// hideRoom hides the warning until the next level is reached, for a month at
// most.
func (s *site) hideRoom(w http.ResponseWriter, r *http.Request, v View) error {
	st, err := s.Keep.Room(r.Context())
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{
		Name: roomCookie, Value: strconv.Itoa(st.Level), Path: "/", MaxAge: 30 * 24 * 3600, HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: strings.HasPrefix(v.Address, "https://"),
	})
	to := r.PostFormValue("to")
	if !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") {
		to = "/keeping"
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// nextLevel is the level at which a hidden warning comes back; 0: at none.
func nextLevel(level int) int {
	for _, l := range keep.Levels {
		if l > level {
			return l
		}
	}
	return 0
}

// keepSays is what a revision of the policy says.
func keepSays(r book.Revision) string {
	p, err := keep.ParsePolicy(string(r.Body))
	if err != nil {
		return "revision " + strconv.Itoa(r.Rev)
	}
	text := p.Sentence()
	if p.Quota > 0 {
		text += "; at most " + keep.Bytes(p.Quota)
	}
	return text
}

// capital begins a sentence.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

func isOrAre(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

// roomLook colours a level.
func roomLook(s keep.Status) string {
	if s.Level >= 95 {
		return "bad"
	}
	return "warn"
}
