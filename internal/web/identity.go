package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/event"
	"cairn/internal/ingest"
)

// identityRoutes are the pages of who is who: what is unclaimed, people, and
// merging.
func (s *site) identityRoutes(mux *http.ServeMux) {
	if s.Identity.IdentityStore == nil {
		return
	}
	mux.Handle("GET /unclaimed", s.page(s.unclaimed))
	mux.Handle("POST /unclaimed", s.page(s.changeUnclaimed))
	mux.Handle("POST /identity/undo", s.page(s.undoIdentity))
	mux.Handle("GET /accounts/{id}/merge", s.page(s.mergeAccount))
	mux.Handle("POST /accounts/{id}/merge", s.page(s.doMergeAccount))
	mux.Handle("POST /accounts/{id}/parent", s.page(s.setParent))
	mux.Handle("GET /people/{id}", s.page(s.person))
	mux.Handle("GET /people/{id}/merge", s.page(s.mergePerson))
	mux.Handle("POST /people/{id}/merge", s.page(s.doMergePerson))
}

// A waiting is how many wait to be claimed, asked for now and then.
type waitingCount struct {
	mu    sync.Mutex
	n     int
	until time.Time
}

// waiting returns how many wait for somebody to say whose they are.
func (s *site) waiting(ctx context.Context, v View) int {
	if s.Identity.IdentityStore == nil {
		return 0
	}
	s.waits.mu.Lock()
	defer s.waits.mu.Unlock()
	if now := time.Now(); now.After(s.waits.until) {
		n, err := s.Identity.WaitingCount(ctx, v.Scope())
		if err != nil {
			s.Log.WarnContext(ctx, "what is unclaimed was not counted", "cause", err)
			return s.waits.n
		}
		s.waits.n, s.waits.until = n, now.Add(3*time.Second)
	}
	return s.waits.n
}

// recount has the next page count anew.
func (s *site) recount() {
	s.waits.mu.Lock()
	s.waits.until = time.Time{}
	s.waits.mu.Unlock()
}

// An identityDone is what was just done, with the way back.
type identityDone struct {
	Text string
	Ties []string // that undo it
	Back string
}

// doneOf reads what was just done from the address.
func doneOf(r *http.Request, back string) identityDone {
	words := map[string]string{
		"claimed": "Claimed. History counts from its first day; levels follow in a moment.",
		"made":    "Made into accounts of their own.", "ignored": "Ignored. They are kept.", "undone": "Undone. Everything stands as it did before.",
		"merged": "Merged. Everything counts here from now on; the level follows in a moment.", "parent": "The parent is set.",
	}
	return identityDone{Text: words[r.FormValue("done")], Ties: r.URL.Query()["tie"], Back: back}
}

// doneAddress is back with what was done.
func doneAddress(back, done string, ties ...cairn.Tie) string {
	path, query, _ := strings.Cut(back, "?")
	q, _ := url.ParseQuery(query)
	q.Del("tie")
	q.Set("done", done)
	for i, t := range ties {
		if i < 50 { // an address has its limits; each can be undone where it is shown
			q.Add("tie", t.ID.String())
		}
	}
	return addressOf(path, q)
}

// An unclaimedView is the page of what nobody has said whose it is.
type unclaimedView struct {
	account.Tray
	Query account.TrayQuery
	Done  identityDone
}

// unclaimedKinds are the kinds as people choose them.
var unclaimedKinds = []struct{ Key, Label string }{
	{"", "All"}, {"account", "Accounts"}, {"person", "People"}, {"record", "Records"}, {"visitor", "Visitors"},
}

func (u unclaimedView) address(q account.TrayQuery) string {
	v := url.Values{}
	for name, text := range map[string]string{"kind": q.What, "q": q.Search, "cursor": q.Cursor} {
		if text != "" {
			v.Set(name, text)
		}
	}
	if q.Aside {
		v.Set("ignored", "1")
	}
	return addressOf("/unclaimed", v)
}

func (u unclaimedView) of(kind string) string {
	q := u.Query
	q.What, q.Cursor = kind, ""
	return u.address(q)
}

func (u unclaimedView) ignored(yes bool) string {
	q := u.Query
	q.Aside, q.Cursor = yes, ""
	return u.address(q)
}

func (u unclaimedView) more() string {
	q := u.Query
	q.Cursor = u.Next
	return u.address(q)
}

// count is how many of a kind wait; "" is all but visitors.
func (u unclaimedView) count(kind string) int {
	if kind == "" {
		return u.Open()
	}
	return u.Counts[kind]
}

func trayQueryOf(r *http.Request) account.TrayQuery {
	q := account.TrayQuery{Search: strings.TrimSpace(r.FormValue("q")), Cursor: r.FormValue("cursor"), Aside: r.FormValue("ignored") != ""}
	if k := r.FormValue("kind"); slices.ContainsFunc(unclaimedKinds, func(u struct{ Key, Label string }) bool { return u.Key == k }) {
		q.What = k
	}
	return q
}

func (s *site) unclaimed(w http.ResponseWriter, r *http.Request, v View) error {
	u := unclaimedView{Query: trayQueryOf(r)}
	var err error
	if u.Tray, err = s.Identity.Tray(r.Context(), v.Scope(), u.Query); err != nil {
		return err
	}
	u.Done = doneOf(r, u.address(u.Query))
	return s.render(w, r, v, Page{Title: "Unclaimed", Active: "unclaimed", Wide: true}, unclaimedPage(v, u))
}

// changeUnclaimed claims, makes accounts or ignores what was chosen.
func (s *site) changeUnclaimed(w http.ResponseWriter, r *http.Request, v View) error {
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "The form cannot be read.").Because(err)
	}
	back := local(r.PostFormValue("back"))
	do, one, _ := strings.Cut(r.PostFormValue("do"), " ") // a suggestion names one and its account
	texts, to := r.PostForm["id"], strings.TrimSpace(r.PostFormValue("account"))
	if one != "" {
		id, account, _ := strings.Cut(one, " ")
		texts, to = []string{id}, account
	}
	ids, err := idsOf(texts)
	if err != nil {
		return err
	}
	var ties []cairn.Tie
	done := "claimed"
	switch do {
	case "claim":
		if to == "" {
			return cairn.Errorf(cairn.Invalid, "Say which account they belong to, by its name, key or domain.").At("account")
		}
		var into cairn.AccountID
		if into, err = s.Accounts.Find(r.Context(), v.Scope(), to); err == nil {
			ties, err = s.Identity.Claim(r.Context(), v.Actor(), ids, into)
		}
	case "new":
		done = "made"
		ties, err = s.Identity.Claim(r.Context(), v.Actor(), ids, cairn.AccountID{})
	case "ignore":
		done = "ignored"
		ties, err = s.Identity.Ignore(r.Context(), v.Actor(), ids)
	default:
		err = cairn.Errorf(cairn.Invalid, "Choose what to do with them.").At("do")
	}
	if err != nil {
		return err
	}
	s.recount()
	http.Redirect(w, r, doneAddress(back, done, ties...), http.StatusSeeOther)
	return nil
}

func idsOf(texts []string) ([]cairn.ID, error) {
	var out []cairn.ID
	for _, t := range texts {
		id, err := cairn.ParseID(t)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// undoIdentity takes back what the ties said.
func (s *site) undoIdentity(w http.ResponseWriter, r *http.Request, v View) error {
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "The form cannot be read.").Because(err)
	}
	ids, err := idsOf(r.PostForm["tie"])
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := s.Identity.Undo(r.Context(), v.Actor(), cairn.EventID{ID: id}); err != nil {
			return err
		}
	}
	s.recount()
	http.Redirect(w, r, doneAddress(local(r.PostFormValue("back")), "undone"), http.StatusSeeOther)
	return nil
}

// A mergeView is the page on which two become one.
type mergeView struct {
	Name    string // of the one whose page led here
	ID      cairn.ID
	People  bool
	With    string // what was typed
	Other   string // its id, once found
	Into    bool   // the one whose page led here is the one that stays
	Preview *account.Preview
	Problem string
	Zone    *time.Location
}

func (m mergeView) path() string {
	if m.People {
		return "/people/" + m.ID.String()
	}
	return "/accounts/" + m.ID.String()
}

// turned is the same merge the other way round.
func (m mergeView) turned() string {
	q := url.Values{"with": {m.With}}
	if m.Into {
		q.Set("stays", "other")
	}
	return addressOf(m.path()+"/merge", q)
}

func (s *site) mergeAccount(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := s.Accounts.Find(r.Context(), v.Scope(), r.PathValue("id"))
	if err != nil {
		return err
	}
	a, err := s.Accounts.Account(r.Context(), v.Scope(), id)
	if err != nil {
		return err
	}
	m := mergeView{Name: a.Name, ID: id.ID, With: strings.TrimSpace(r.FormValue("with")), Into: r.FormValue("stays") != "other", Zone: v.Zone}
	if m.With != "" {
		other, err := s.Accounts.Find(r.Context(), v.Scope(), m.With)
		if err != nil {
			m.Problem = cairn.TextOf(err)
		} else {
			s.previewMerge(r.Context(), v, &m, other.ID)
		}
	}
	p := Page{Title: "Merge", Active: "accounts", Crumbs: []Crumb{{"Accounts", "/accounts"}, {a.Name, m.path()}}}
	return s.render(w, r, v, p, mergePage(v, m))
}

func (s *site) previewMerge(ctx context.Context, v View, m *mergeView, other cairn.ID) {
	from, into := other, m.ID
	if !m.Into {
		from, into = into, from
	}
	p, err := s.Identity.Preview(ctx, v.Scope(), from, into)
	if err != nil {
		m.Problem = cairn.TextOf(err)
		return
	}
	m.Other, m.Preview = other.String(), &p
}

func (s *site) doMergeAccount(w http.ResponseWriter, r *http.Request, v View) error {
	return s.doMerge(w, r, v, "/accounts/")
}

func (s *site) doMergePerson(w http.ResponseWriter, r *http.Request, v View) error {
	return s.doMerge(w, r, v, "/people/")
}

func (s *site) doMerge(w http.ResponseWriter, r *http.Request, v View, path string) error {
	ids, err := idsOf([]string{r.PostFormValue("from"), r.PostFormValue("into")})
	if err != nil {
		return err
	}
	t, err := s.Identity.Merge(r.Context(), v.Actor(), ids[0], ids[1])
	if err != nil {
		return err
	}
	s.recount()
	http.Redirect(w, r, doneAddress(path+t.Target.ID.String(), "merged", t), http.StatusSeeOther)
	return nil
}

// setParent sets the parent of an account by hand, or takes that back.
func (s *site) setParent(w http.ResponseWriter, r *http.Request, v View) error {
	id, _, err := s.accountID(w, r, v)
	if err != nil {
		return err
	}
	a, err := s.Accounts.Account(r.Context(), v.Scope(), id)
	if err != nil {
		return err
	}
	var value any
	if text := strings.TrimSpace(r.PostFormValue("parent")); text != "" {
		parent, err := s.Accounts.Find(r.Context(), v.Scope(), text)
		if err != nil {
			return err
		}
		if err := s.Identity.CheckParent(r.Context(), id, parent); err != nil {
			return err
		}
		value = parent.String()
	}
	if err := s.admit(r.Context(), ingest.Record{
		Kind: cairn.OfAccount, Keys: cairn.Keys{Account: a.Key}, In: a.Space, At: v.Now, Props: map[string]any{"parent": value},
	}); err != nil {
		return err
	}
	http.Redirect(w, r, doneAddress("/accounts/"+id.String(), "parent")+"#identity", http.StatusSeeOther)
	return nil
}

// A personView is the page of a person.
type personView struct {
	account.Somebody
	Days map[cairn.AccountID][]accountDay // what was done last, at each account
	Done identityDone
}

func (p personView) path() string { return "/people/" + p.Person.ID.String() }

func (s *site) person(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := cairn.ParseID(r.PathValue("id"))
	if err != nil {
		return cairn.Errorf(cairn.NotFound, "There is no page at this address.")
	}
	p := personView{Days: map[cairn.AccountID][]accountDay{}}
	if p.Somebody, err = s.Identity.Somebody(r.Context(), v.Scope(), cairn.PersonID{ID: id}); err != nil {
		return err
	}
	if p.Person.ID.ID != id {
		http.Redirect(w, r, addressOf(p.path(), r.URL.Query()), http.StatusSeeOther)
		return nil
	}
	for i, n := range p.Names {
		if n.Ref.ID == id { // only here, where the person is shown anyway
			p.Names[i].Ref.Key = p.Person.Key
		}
	}
	names, err := s.userNames(r.Context())
	if err != nil {
		return err
	}
	for i, at := range p.Places {
		if i == 10 {
			break
		}
		page, err := s.History.Timeline(r.Context(), v.Scope(), event.Query{Account: at.Account, Person: p.Person.ID, Limit: 20})
		if err != nil {
			return err
		}
		p.Days[at.Account] = accountDays(page, names, v.Zone)
	}
	p.Done = doneOf(r, p.path())
	return s.render(w, r, v, Page{Title: somebodyName(p.Person), Active: "accounts", Crumbs: []Crumb{{"Accounts", "/accounts"}}, Wide: true}, personPage(v, p))
}

// somebodyName is what a person is called on a page of their own.
func somebodyName(p cairn.Person) string {
	switch {
	case p.Erased:
		return "Details erased"
	case p.Name != "":
		return p.Name
	case p.Mail != "":
		return p.Mail
	case p.Key != "":
		return p.Key
	}
	return "Somebody"
}

func (s *site) mergePerson(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := cairn.ParseID(r.PathValue("id"))
	if err != nil {
		return cairn.Errorf(cairn.NotFound, "There is no page at this address.")
	}
	p, err := s.Identity.Somebody(r.Context(), v.Scope(), cairn.PersonID{ID: id})
	if err != nil {
		return err
	}
	m := mergeView{Name: somebodyName(p.Person), ID: p.Person.ID.ID, People: true, With: strings.TrimSpace(r.FormValue("with")), Into: r.FormValue("stays") != "other", Zone: v.Zone}
	if m.With != "" {
		other, err := s.findPerson(r.Context(), v, m.With, p)
		if err != nil {
			m.Problem = cairn.TextOf(err)
		} else {
			s.previewMerge(r.Context(), v, &m, other)
		}
	}
	pg := Page{Title: "Merge", Active: "accounts", Crumbs: []Crumb{{"Accounts", "/accounts"}, {m.Name, m.path()}}}
	return s.render(w, r, v, pg, mergePage(v, m))
}

// findPerson finds somebody by an id, an address or a name among those who are
// at the same accounts.
func (s *site) findPerson(ctx context.Context, v View, text string, near account.Somebody) (cairn.ID, error) {
	text = strings.TrimPrefix(text, v.Address+"/people/")
	if id, err := cairn.ParseID(text); err == nil {
		return id, nil
	}
	var found []cairn.PersonID
	for _, at := range near.Places {
		people, err := s.Accounts.People(ctx, v.Scope(), at.Account)
		if err != nil {
			return cairn.ID{}, err
		}
		for _, p := range people {
			same := strings.EqualFold(p.Key, text) || strings.EqualFold(p.Mail, text) || strings.EqualFold(p.Name, text)
			if same && p.ID != near.Person.ID && !slices.Contains(found, p.ID) {
				found = append(found, p.ID)
			}
		}
	}
	switch len(found) {
	case 1:
		return found[0].ID, nil
	case 0:
		return cairn.ID{}, cairn.Errorf(cairn.NotFound, "Nobody at the same accounts has the id, address or name “%s”. The address of a person’s page works too.", shorten(text, 80))
	}
	return cairn.ID{}, cairn.Errorf(cairn.Conflict, "Several people are called “%s”: give the address of one’s page.", shorten(text, 80))
}

// whyWords say why an id stands for somebody.
func whyWords(n account.Name) string {
	if n.Tie == nil {
		return "its own id"
	}
	t := *n.Tie
	switch {
	case t.Subject.ID == t.Target.ID:
		return "made an account by " + t.By
	case t.Slot == cairn.Home && t.Hand:
		return "given by " + t.By
	case t.Hand:
		return "merged by " + t.By
	}
	return "matched: " + t.Why
}

// keyWords are an id as people read it.
func keyWords(r cairn.Ref) string {
	switch {
	case r.What == cairn.AVisitor:
		return "a visitor"
	case r.What == cairn.AStream:
		return "a record"
	case r.Key == "":
		return "a person"
	case r.Space == "":
		return r.Key
	}
	return string(r.Space) + ": " + r.Key
}

// waitingName is what something that waits is called.
func waitingName(w account.Waiting) string {
	for _, s := range []string{w.Name, w.Ref.Key, w.Facts["e-mail"], w.Facts["id"]} {
		if s != "" {
			return s
		}
	}
	return "Somebody unknown"
}

func saidText(s cairn.Said) string {
	return shorten(cairn.Record{Fields: map[string]cairn.Said{"x": s}}.Text("x"), 80)
}

func join(words []string) string { return strings.Join(words, ", ") }

// identityWords say in words what an event about who is who says.
func identityWords(e cairn.Event) (title, detail string) {
	t, err := cairn.TieOf(&e)
	if err != nil {
		return "Identity changed", ""
	}
	subject, target := keyWords(t.Subject), keyWords(t.Target)
	switch {
	case t.Slot == cairn.Undo:
		return "What was said about " + subject + " was undone", "by " + t.By
	case t.Slot == cairn.Aside:
		return subject + " was ignored", "by " + t.By
	case t.Subject.ID == t.Target.ID:
		return subject + " was made an account of its own", "by " + t.By
	case t.Slot == cairn.Home:
		title = subject + " was claimed for " + target
	case t.Hand:
		title = subject + " was merged into " + target
	default:
		title = subject + " was matched with " + target
	}
	if t.Why != "" {
		return title, t.Why
	}
	return title, "by " + t.By
}
