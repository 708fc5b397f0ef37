package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ledger"
	"cairn/internal/outcome"
	"cairn/internal/signal"
	"cairn/internal/work"
)

// An accountView is the page of one account at one moment.
type accountView struct {
	Account cairn.Account // as it stood at At, as far as its fields go
	At      time.Time     // the moment shown; zero: now
	Vector  cairn.Vector
	Signals cairn.Signals
	Meaning signal.Catalogue // of the signals
	Groups  []accountReasonGroup
	Days    int               // how far back it is compared
	Before  accountComparison // with so many days before
	Weeks   int               // how much history is shown

	Fields        []accountField
	People        []cairn.Person
	Aims          []accountAim // what would turn it
	Contracts     []accountContract
	Policy        ledger.Policy // by which contracts count
	Opportunities []outcome.Listed
	Invoices      []cairn.Record
	Tickets       []cairn.Record
	Answers       []cairn.Record
	Tasks         []work.Item // open and snoozed, in the order of the day
	Closed        []work.Item // the last ones done or dismissed
	PastTasks     []cairn.Record

	Timeline accountTimelineView
	Note     accountNote
	Written  accountNote       // what was just written down, to be shown before the log's index has it
	Undo     *undo             // of what was just done to a task, when no script is there to show it
	Users    map[string]string // the people of Cairn by id, for whoever wrote something down
	Version  int64
	Known    *account.Known // under which ids; nil: not asked for
	Loss     *accountLoss   // how it was lost; nil: it was not, or the page shows the past
	Done     identityDone
}

// Past reports whether the page shows another moment than now.
func (av accountView) Past() bool { return !av.At.IsZero() }

// Moment is the moment shown.
func (av accountView) Moment(v View) time.Time {
	if av.Past() {
		return av.At
	}
	return v.Now
}

// accountSpans are the spans that are offered, in days.
var accountSpans = []int{7, 30, 90}

// An accountTimelineView is one page of the timeline under a filter.
type accountTimelineView struct {
	Filter    accountTimelineFilter
	Days      []accountDay
	Next      string
	People    []cairn.Person // who can be filtered by
	Products  []string       // whose events there are, when there are several
	Base      url.Values     // what else the address of the account says
	ID        cairn.AccountID
	Dropped   int64 // how often something else happened that is not kept one by one
	DroppedAt time.Time
}

// An accountField is one field of the account with who said so.
type accountField struct {
	Name string
	cairn.Said
}

// account shows one account, now or as of a past day.
func (s *site) account(w http.ResponseWriter, r *http.Request, v View) error {
	id, moved, err := s.accountID(w, r, v)
	if err != nil || moved {
		return err
	}
	switch partOf(r) {
	case "timeline-list", "timeline-more":
		return s.accountTimelinePart(w, r, v, id)
	case "history":
		return s.accountHistoryPart(w, r, v, id)
	case "adoption":
		return s.accountAdoptionPart(w, r, v, id)
	case "changed":
		return s.accountChangedPart(w, r, v, id)
	}
	av, err := s.accountView(r, v, id)
	if err != nil {
		return err
	}
	s.accountUndo(r, v, &av)
	return s.renderAccount(w, r, v, av, http.StatusOK)
}

// accountUndo shows what was just done to a task, for browsers without script.
func (s *site) accountUndo(r *http.Request, v View, av *accountView) {
	id, err := cairn.ParseID(r.FormValue("task"))
	if r.FormValue("did") == "" || err != nil {
		return
	}
	if item, err := s.Work.Task(r.Context(), v.Scope(), cairn.RecordID{ID: id}); err == nil {
		av.Undo = &undo{Verb: r.FormValue("did"), Item: item, Back: av.path()}
	}
}

func (s *site) renderAccount(w http.ResponseWriter, r *http.Request, v View, av accountView, status int) error {
	p := Page{
		Title: av.Account.Name, Active: "accounts", Wide: true, Charts: true,
		Crumbs: []Crumb{{"Accounts", "/accounts"}},
		Head:   accountHead(v, av, false), Date: accountDate(v, av), Action: accountAction(av),
	}
	return s.write(w, r, status, frame(v, p, accountPage(v, av)))
}

// accountID reads the account from the address. A key, domain or name stands
// there as well, for links from elsewhere, and leads to the account's own
// address: then moved is true and the answer has been given.
func (s *site) accountID(w http.ResponseWriter, r *http.Request, v View) (id cairn.AccountID, moved bool, err error) {
	text := r.PathValue("id")
	if raw, err := cairn.ParseID(text); err == nil {
		id = cairn.AccountID{ID: raw}
		if s.Identity.IdentityStore == nil {
			return id, false, nil
		}
		// One that was merged into another leads there.
		now, err := s.Identity.Holder(r.Context(), v.Scope(), id)
		if err != nil || now == id || r.Method != http.MethodGet {
			return now, false, err
		}
		http.Redirect(w, r, addressOf("/accounts/"+now.String(), r.URL.Query()), http.StatusSeeOther)
		return now, true, nil
	}
	id, err = s.Accounts.Find(r.Context(), v.Scope(), text)
	if err != nil {
		return id, false, cairn.Errorf(cairn.NotFound, "There is no account %q, or you may not see it.", shorten(text, 80)).Because(err)
	}
	if r.Method != http.MethodGet {
		return id, false, nil
	}
	http.Redirect(w, r, addressOf("/accounts/"+id.String(), r.URL.Query()), http.StatusSeeOther)
	return id, true, nil
}

// accountMoment reads the day that a page is to be shown as of: the end of it.
// Today, and what is not yet, is now, the zero time.
func accountMoment(q url.Values, v View) (time.Time, error) {
	text := q.Get("at")
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, v.Zone)
	if err != nil {
		return time.Time{}, cairn.Errorf(cairn.Invalid, "%q is not a day. Write it as 2026-03-01.", shorten(text, 40)).At("at")
	}
	d := cairn.DayOf(t, v.Zone)
	if d >= v.Today() {
		return time.Time{}, nil
	}
	return d.End(v.Zone).Add(-time.Microsecond), nil
}

func (s *site) accountView(r *http.Request, v View, id cairn.AccountID) (accountView, error) {
	ctx, scope := r.Context(), v.Scope()
	q := r.URL.Query()
	av := accountView{Note: newAccountNote(), Days: accountDaysBefore(q), Weeks: accountWeeks(q)}
	var err error
	if av.At, err = accountMoment(q, v); err != nil {
		return av, err
	}
	if av.Account, err = s.Accounts.Account(ctx, scope, id); err != nil {
		return av, err
	}
	if av.Version, err = s.Work.Version(ctx, id); err != nil {
		return av, err
	}
	if err = s.accountMeasure(ctx, v, &av); err != nil {
		return av, err
	}
	if err = s.accountRecords(ctx, v, &av); err != nil {
		return av, err
	}
	if err = s.accountAims(ctx, v, &av); err != nil {
		return av, err
	}
	if s.Identity.IdentityStore != nil && !av.Past() {
		known, err := s.Identity.Known(ctx, scope, id)
		if err != nil {
			return av, err
		}
		av.Known = &known
		av.Done = doneOf(r, av.path())
	}
	if !av.Past() {
		if av.Loss, err = s.accountLoss(ctx, av.Account); err != nil {
			return av, err
		}
	}
	if av.Users, err = s.userNames(ctx); err != nil {
		return av, err
	}
	if av.Before, err = s.accountCompared(ctx, v, av); err != nil {
		return av, err
	}
	av.Timeline, err = s.accountTimeline(ctx, q, v, av)
	return av, err
}

// accountMeasure sets vector and signals: as last measured, or as of the past.
func (s *site) accountMeasure(ctx context.Context, v View, av *accountView) (err error) {
	av.Vector, av.Signals = av.Account.Vector, av.Account.Signals
	if av.Meaning, err = s.Usage.Catalogue(ctx); err != nil {
		return err
	}
	if av.Past() || av.Vector.At.IsZero() {
		av.Vector, av.Signals, err = s.Explain.Explain(ctx, v.Scope(), av.Account.ID, av.At)
		if err != nil {
			return err
		}
	}
	av.Groups = accountReasonGroups(av.Vector.Reasons)
	if av.Past() {
		av.Account = accountAsOf(av.Account, *av, v)
	}
	return nil
}

// accountAsOf returns a with its measured columns as of the moment of av.
func accountAsOf(a cairn.Account, av accountView, v View) cairn.Account {
	a.Vector, a.Signals = av.Vector, av.Signals
	a.MRR, a.Renews, a.LastSeen = cairn.Money{}, time.Time{}, time.Time{}
	if n, ok := av.Signals.Number(signal.MRR); ok {
		a.MRR = cairn.Money{Minor: int64(n), Currency: v.Currency}
	}
	today := cairn.DayOf(av.At, v.Zone)
	if n, ok := av.Signals.Number(signal.RenewsIn); ok {
		a.Renews = (today + cairn.Day(n)).Start(v.Zone)
	}
	if n, ok := av.Signals.Number(signal.SinceActivity); ok {
		a.LastSeen = (today - cairn.Day(n)).Start(v.Zone)
	}
	return a
}

// accountRecords sets what sources say of the account and what belongs to it.
func (s *site) accountRecords(ctx context.Context, v View, av *accountView) error {
	scope, id := v.Scope(), av.Account.ID
	var own, contracts []cairn.Record
	for _, of := range []struct {
		kind cairn.EventKind
		into *[]cairn.Record
	}{
		{cairn.OfAccount, &own}, {cairn.OfContract, &contracts}, {cairn.OfInvoice, &av.Invoices},
		{cairn.OfTicket, &av.Tickets}, {cairn.OfAnswer, &av.Answers},
	} {
		var err error
		if *of.into, err = s.Accounts.Records(ctx, scope, id, of.kind, av.At); err != nil {
			return err
		}
	}
	av.Fields = accountFieldsOf(own)
	if err := s.accountContracts(ctx, v, av, contracts); err != nil {
		return err
	}
	if av.Past() {
		av.Account = accountNamed(av.Account, own)
	}
	var err error
	if av.People, err = s.accountPeople(ctx, v, id); err != nil {
		return err
	}
	if av.Past() {
		av.PastTasks, err = s.Accounts.Records(ctx, scope, id, cairn.OfTask, av.At)
		return err
	}
	if av.Tasks, err = s.Work.Tasks(ctx, scope, work.Query{
		Account: id, States: []cairn.TaskState{cairn.TaskOpen, cairn.TaskSnoozed}, Limit: 100,
	}, v.Now); err != nil {
		return err
	}
	av.Closed, err = s.Work.Tasks(ctx, scope, work.Query{
		Account: id, States: []cairn.TaskState{cairn.TaskDone, cairn.TaskDismissed}, Limit: 10,
	}, v.Now)
	return err
}

// accountPeople are the people of an account, those who decide most first. Of
// one who was erased nothing is left but that there was somebody.
func (s *site) accountPeople(ctx context.Context, v View, id cairn.AccountID) ([]cairn.Person, error) {
	people, err := s.Accounts.People(ctx, v.Scope(), id)
	if err != nil {
		return nil, err
	}
	people = slices.Clone(people)
	for i, p := range people {
		if p.Erased {
			people[i] = cairn.Person{ID: p.ID, Account: p.Account, Role: p.Role, LastSeen: p.LastSeen, Erased: true}
		}
	}
	slices.SortStableFunc(people, func(a, b cairn.Person) int {
		return cmp.Or(cmp.Compare(accountRoleRank(b.Role), accountRoleRank(a.Role)), b.LastSeen.Compare(a.LastSeen))
	})
	return people, nil
}

// accountFieldsOf lists the fields of the account's own record by name.
func accountFieldsOf(own []cairn.Record) []accountField {
	var out []accountField
	for _, rec := range own {
		for _, name := range sortedKeys(rec.Fields) {
			out = append(out, accountField{name, rec.Fields[name]})
		}
	}
	return out
}

// accountNamed returns a with name, domain, owner and status as its record said then.
func accountNamed(a cairn.Account, own []cairn.Record) cairn.Account {
	for _, rec := range own {
		a.Name = firstOf(rec.Text("name"), a.Name)
		a.Domain = firstOf(rec.Text("domain"), a.Domain)
		a.Owner = rec.Text("owner")
		if s := cairn.Status(rec.Text("status")); s != "" {
			a.Status = s
		}
	}
	return a
}

// accountRoleRank orders people by what they decide.
func accountRoleRank(role string) int {
	return slices.Index([]string{"user", "beneficiary", "administrator", "champion", "sponsor", "economic_buyer"}, role)
}

// accountDaysBefore reads how far back an address compares.
func accountDaysBefore(q url.Values) int { return oneOfSpans(q.Get("days"), accountSpans) }

// accountCompared compares the moment of av with so many days before.
func (s *site) accountCompared(ctx context.Context, v View, av accountView) (accountComparison, error) {
	from := av.Moment(v).AddDate(0, 0, -av.Days)
	if s.Diff != nil && !av.Past() {
		d, err := s.Diff.Diff(ctx, v.Scope(), av.Account.ID, from, v.Now)
		if err != nil {
			return accountComparison{}, err
		}
		out := compareAccount(d.From, d.To)
		out.Causes = d.Causes
		return out, nil
	}
	// The past is shown as the model in force sees it, so that nothing is the model's doing.
	then, _, err := s.Explain.Explain(ctx, v.Scope(), av.Account.ID, from)
	if err != nil {
		return accountComparison{}, err
	}
	return compareAccount(then, av.Vector), nil
}

// accountAt reads the account at the moment of the address, as far as the
// parts that are asked for alone need it.
func (s *site) accountAt(r *http.Request, v View, id cairn.AccountID) (accountView, error) {
	q := r.URL.Query()
	av := accountView{Days: accountDaysBefore(q), Weeks: accountWeeks(q)}
	var err error
	if av.At, err = accountMoment(q, v); err != nil {
		return av, err
	}
	av.Account, err = s.Accounts.Account(r.Context(), v.Scope(), id)
	return av, err
}

// accountChangedPart answers with the comparison over another span.
func (s *site) accountChangedPart(w http.ResponseWriter, r *http.Request, v View, id cairn.AccountID) error {
	av, err := s.accountAt(r, v, id)
	if err != nil {
		return err
	}
	if err = s.accountMeasure(r.Context(), v, &av); err != nil {
		return err
	}
	if av.Before, err = s.accountCompared(r.Context(), v, av); err != nil {
		return err
	}
	w.Header().Set("HX-Replace-Url", av.address(v, av.At))
	return s.write(w, r, http.StatusOK, accountChangedSection(v, av, false))
}

// accountTimelinePart answers with the timeline under another filter, or with
// its next page.
func (s *site) accountTimelinePart(w http.ResponseWriter, r *http.Request, v View, id cairn.AccountID) error {
	av, err := s.accountAt(r, v, id)
	if err != nil {
		return err
	}
	if av.People, err = s.accountPeople(r.Context(), v, id); err != nil {
		return err
	}
	if av.Users, err = s.userNames(r.Context()); err != nil {
		return err
	}
	tv, err := s.accountTimeline(r.Context(), r.URL.Query(), v, av)
	if err != nil {
		return err
	}
	if partOf(r) == "timeline-more" {
		return s.write(w, r, http.StatusOK, accountTimelineDays(v, tv))
	}
	w.Header().Set("HX-Replace-Url", tv.address(tv.Filter))
	return s.write(w, r, http.StatusOK, accountTimelineList(v, tv))
}

// accountTimeline reads one page of the timeline as the address asks.
func (s *site) accountTimeline(ctx context.Context, q url.Values, v View, av accountView) (accountTimelineView, error) {
	f := readAccountTimelineFilter(q)
	out := accountTimelineView{Filter: f, People: av.People, Base: av.base(v, av.At), ID: av.Account.ID}
	var err error
	if out.Products, err = s.History.Products(ctx, v.Scope(), av.Account.ID); err != nil {
		return out, err
	}
	page, err := s.History.Timeline(ctx, v.Scope(), f.query(av.Account.ID, av.At))
	if err != nil {
		return out, err
	}
	names := av.names()
	if err := s.recordNames(ctx, v, av.Account.ID, names); err != nil {
		return out, err
	}
	out.Days, out.Next = accountDays(page, names, v.Zone), page.Next
	out.Dropped, out.DroppedAt = page.Dropped, page.DroppedAt
	return out, nil
}

// recordNames adds what tasks and tickets are called, by their id.
func (s *site) recordNames(ctx context.Context, v View, id cairn.AccountID, names map[string]string) error {
	for _, kind := range []cairn.EventKind{cairn.OfTask, cairn.OfTicket} {
		records, err := s.Accounts.Records(ctx, v.Scope(), id, kind, time.Time{})
		if err != nil {
			return err
		}
		for _, r := range records {
			names[r.ID.String()] = firstOf(r.Text("title"), r.Text("subject"))
		}
	}
	return nil
}

// accountLive answers with what has changed since the version that the browser
// shows, or with nothing.
func (s *site) accountLive(w http.ResponseWriter, r *http.Request, v View) error {
	id, _, err := s.accountID(w, r, v)
	if err != nil {
		return err
	}
	version, err := s.Work.Version(r.Context(), id)
	if err != nil {
		return err
	}
	if strconv.FormatInt(version, 10) == r.FormValue("version") {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	av, err := s.accountView(r, v, id)
	if err != nil {
		return err
	}
	return s.write(w, r, http.StatusOK, accountLiveParts(v, av))
}

// accountWrite takes in what was written down: through the door, like
// everything else. With something to correct, the form comes back as it was.
func (s *site) accountWrite(w http.ResponseWriter, r *http.Request, v View) error {
	id, _, err := s.accountID(w, r, v)
	if err != nil {
		return err
	}
	if err := r.ParseForm(); err != nil {
		return cairn.Errorf(cairn.Invalid, "This form cannot be read.").Because(err)
	}
	note, ok := readAccountNote(r.PostForm).check(v.Now, v.Zone)
	a, err := s.Accounts.Account(r.Context(), v.Scope(), id)
	if err != nil {
		return err
	}
	if ok {
		err = s.admit(r.Context(), note.records(v.Actor(), a, v.Now, v.Zone)...)
		if err != nil {
			note.Errors = map[string]string{"": "This was not written down: " + cairn.TextOf(err) + " What you typed is still here."}
			s.Log.Error("interaction not admitted", "error", err)
		}
	}
	if ok && err == nil && !v.Partial {
		http.Redirect(w, r, "/accounts/"+id.String()+"#timeline", http.StatusSeeOther)
		return nil
	}
	av, viewErr := s.accountView(r, v, id)
	if viewErr != nil {
		return viewErr
	}
	if ok && err == nil {
		av.Written = note
		av.Timeline.Days = withWritten(av.Timeline, note, v, writtenEntry(v, a, note, av.names()))
		return s.write(w, r, http.StatusOK, accountWritten(v, av))
	}
	av.Note = note
	if v.Partial {
		return s.write(w, r, http.StatusUnprocessableEntity, accountWriteForm(v, av, true))
	}
	return s.renderAccount(w, r, v, av, http.StatusUnprocessableEntity)
}

// userNames names the people of Cairn by their id.
func (s *site) userNames(ctx context.Context) (map[string]string, error) {
	users, err := s.Users.Users(ctx)
	if err != nil {
		return nil, err
	}
	names := map[string]string{}
	for _, u := range users {
		names[u.ID] = firstOf(u.Name, u.Mail)
	}
	return names, nil
}

// names are what the page calls people: users of Cairn by their id, people of
// the account by their key.
func (av accountView) names() map[string]string {
	names := map[string]string{}
	for _, p := range av.People {
		if !p.Erased {
			names[p.Key] = accountPersonName(p)
		}
	}
	for id, name := range av.Users {
		names[id] = name
	}
	return names
}
