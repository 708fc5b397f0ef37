package web

import (
	"errors"
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

func (s *site) policyRoutes(mux *http.ServeMux) {
	mux.Handle("GET /revenue/compare", s.page(s.comparePolicies))
	mux.Handle("GET /revenue/policy", s.page(s.policies))
	mux.Handle("POST /revenue/policy/use", s.page(s.usePolicy))
	mux.Handle("POST /revenue/policy/restore", s.page(s.restorePolicies))
	mux.Handle("GET /revenue/policy/edit", s.page(s.policyForm))
	mux.Handle("POST /revenue/policy/edit", s.page(s.savePolicy))
	mux.Handle("POST /revenue/policy/delete", s.page(s.deletePolicy))
}

// A compareView is what two policies say of the same months, side by side.
type compareView struct {
	revenueView
	revenue.Comparison
	TotalA, TotalB ledger.Sums
	Lens           lens
}

func (s *site) compareView(r *http.Request, v View, a, b string) (t compareView, err error) {
	if t.Asked, err = s.revenueAsked(r); err != nil {
		return t, err
	}
	t.At, t.Asked.Policy, t.Asked.By, t.Asked.Booked = knownOn(t.Asked, v), a, "", false
	d, _, err := s.Revenue.Definitions(r.Context())
	if err != nil {
		return t, err
	}
	t.Policies = d.All()
	if t.Comparison, err = s.Revenue.Compare(r.Context(), v.Scope(), t.Asked, b); err != nil {
		return t, err
	}
	t.Report.Currency, t.Report.Policy = t.Currency, t.A
	if n := len(t.SumsA); n > 0 {
		t.Asked.From, t.Asked.To = t.SumsA[0].Month, t.SumsA[n-1].Month
	}
	t.TotalA, t.TotalB = ledger.Total(t.SumsA), ledger.Total(t.SumsB)
	t.Lens, err = s.lens(r, v)
	return t, err
}

func (s *site) comparePolicies(w http.ResponseWriter, r *http.Request, v View) error {
	d, _, err := s.Revenue.Definitions(r.Context())
	if err != nil {
		return err
	}
	a, b := firstOf(r.FormValue("a"), inUse(d)), r.FormValue("b")
	if b == "" { // the first that is another
		all := d.All()
		b = all[slices.IndexFunc(all, func(p ledger.Policy) bool { return p.Name != a })].Name
	}
	t, err := s.compareView(r, v, a, b)
	if err != nil {
		return err
	}
	p := Page{Title: "Two policies", Active: "revenue", Wide: true, Date: lensDate(v, t.Lens), Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Policy", "/revenue/policy"}}}
	return s.render(w, r, v, p, comparePage(v, t))
}

// inUse is the name of the policy that the workspace's figures follow.
func inUse(d revenue.Definitions) string { return firstOf(d.Policy, ledger.Presets[0].Name) }

// A compared is one figure under both policies.
type compared struct {
	Name, A, B string
	Money      bool
	Differs    bool
}

// figures are the sums of some months under both policies.
func (t compareView) figures(v View, a, b ledger.Sums) []compared {
	f, g := a.Figures(t.Currency), b.Figures(t.Currency)
	m := func(name string, x, y int64) compared {
		return compared{name, v.MoneyExact(t.money(x)), v.MoneyExact(t.money(y)), true, x != y}
	}
	p := func(name string, x, y *float64) compared {
		return compared{name, share(v, x), share(v, y), false, share(v, x) != share(v, y)}
	}
	n := func(name string, x, y int) compared {
		return compared{name, v.Count(int64(x)), v.Count(int64(y)), false, x != y}
	}
	return []compared{
		m("Start", a.Start, b.Start), m("New", a.New, b.New), m("Expansion", a.Expansion, b.Expansion), m("Reactivation", a.Reactivation, b.Reactivation),
		m("Contraction", a.Contraction, b.Contraction), m("Churn", a.Churn, b.Churn), m("Exchange rates", a.Effect, b.Effect), m("End", a.End, b.End),
		p("Gross retention", t.KeptA.GRR(), t.KeptB.GRR()), p("Net retention", t.KeptA.NRR(), t.KeptB.NRR()), // as the leader's home has them
		n("Customers lost", a.CustomersLost, b.CustomersLost), p("Churn of all", f.ChurnBase, g.ChurnBase), p("Churn of eligible", f.ChurnCould, g.ChurnCould),
	}
}

// why says in words which question decides a difference.
func (t compareView) why(d revenue.Difference) string {
	var out []string
	for _, q := range d.Asks {
		out = append(out, fmt.Sprintf("%s: %s, not %s", q.Text, q.Answer(t.A), q.Answer(t.B)))
	}
	return strings.Join(out, "; ")
}

// pair leads to another pair of policies over the same months.
func (t compareView) pair(path, a, b string) string {
	return t.address(path, "a", a, "b", b, "policy", "")
}

// movements leads to those of one account.
func (t compareView) movements(d revenue.Difference, policy string) string {
	return t.address("/revenue/movements/"+d.Account.String(), "policy", policy)
}

// A policyView is the page of the policies there are, and of which one is used.
type policyView struct {
	Definitions revenue.Definitions
	Rev         int
	Use         string
	Tried       *compareView // what would change, when another is to be used
	Revisions   []book.Revision
	Done        string // what was just done, with the revision before it
	Before      int
}

// Own reports whether a policy is one of the workspace's own.
func (t policyView) Own(p ledger.Policy) bool {
	_, err := ledger.Preset(p.Name)
	return err != nil
}

func (s *site) policies(w http.ResponseWriter, r *http.Request, v View) error {
	var t policyView
	var err error
	if t.Definitions, t.Rev, err = s.Revenue.Definitions(r.Context()); err != nil {
		return err
	}
	t.Use = inUse(t.Definitions)
	if t.Revisions, err = s.Revenue.Revisions(r.Context()); err != nil {
		return err
	}
	if try := r.FormValue("try"); try != "" && try != t.Use {
		tried, err := s.compareView(r, v, t.Use, try)
		if err != nil {
			return err
		}
		t.Tried = &tried
	}
	if before, err := strconv.Atoi(r.FormValue("before")); err == nil && before == t.Rev-1 {
		t.Done, t.Before = shorten(r.FormValue("did"), 200), before
	}
	return s.render(w, r, v, Page{Title: "Revenue", Active: "revenue", Wide: true}, policyPage(v, t))
}

// didPolicy leads back to the page with a way to undo what was done.
func didPolicy(w http.ResponseWriter, r *http.Request, did string, before int) error {
	http.Redirect(w, r, addressOf("/revenue/policy", url.Values{"did": {did}, "before": {strconv.Itoa(before)}}), http.StatusSeeOther)
	return nil
}

// redefine changes what counts on top of the revision that the form is of.
func (s *site) redefine(r *http.Request, v View, note string, change func(*revenue.Definitions) error) (int, error) {
	if err := onlyAdmins(v); err != nil {
		return 0, err
	}
	d, rev, err := s.Revenue.Definitions(r.Context())
	if err != nil {
		return rev, err
	}
	if base, err := strconv.Atoi(r.PostFormValue("rev")); err != nil || base != rev {
		return rev, cairn.Errorf(cairn.Conflict, "Somebody else changed the policies meanwhile. Look at them and save again.")
	}
	if err := change(&d); err != nil {
		return rev, err
	}
	_, err = s.Revenue.Define(r.Context(), v.Actor(), d, rev, note)
	return rev, err
}

func (s *site) usePolicy(w http.ResponseWriter, r *http.Request, v View) error {
	name := r.PostFormValue("policy")
	note := firstOf(strings.TrimSpace(r.PostFormValue("note")), "Figures follow the policy "+name+".")
	before, err := s.redefine(r, v, note, func(d *revenue.Definitions) error {
		d.Policy = name
		return nil
	})
	if err != nil {
		return err
	}
	return didPolicy(w, r, "Figures follow the policy "+name+" now.", before)
}

func (s *site) restorePolicies(w http.ResponseWriter, r *http.Request, v View) error {
	if err := onlyAdmins(v); err != nil {
		return err
	}
	rev, err := strconv.Atoi(r.PostFormValue("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "Say which revision.").At("rev")
	}
	_, before, err := s.Revenue.Definitions(r.Context())
	if err != nil {
		return err
	}
	if err := s.Revenue.Restore(r.Context(), v.Actor(), rev); err != nil {
		return err
	}
	return didPolicy(w, r, fmt.Sprintf("Policies are as of revision %d again.", rev), before)
}

// A policyFormView is the form of a policy of the workspace's own.
type policyFormView struct {
	Policy  ledger.Policy
	Was     string // its name until now; "": it is new
	Rev     int
	Note    string
	Problem *cairn.Error
	typed   url.Values // with the problem
}

var policyFormPage = Page{Title: "A policy of your own", Active: "revenue", Crumbs: []Crumb{{"Revenue", "/revenue"}, {"Policy", "/revenue/policy"}}}

func (s *site) policyForm(w http.ResponseWriter, r *http.Request, v View) error {
	d, rev, err := s.Revenue.Definitions(r.Context())
	if err != nil {
		return err
	}
	name := firstOf(r.FormValue("name"), r.FormValue("copy"), inUse(d))
	all := d.All()
	i := slices.IndexFunc(all, func(p ledger.Policy) bool { return p.Name == name })
	if i < 0 {
		return cairn.Errorf(cairn.NotFound, "There is no policy %q.", shorten(name, 60)).At("name")
	}
	t := policyFormView{Policy: all[i], Rev: rev}
	if r.FormValue("name") != "" {
		t.Was = name
	} else {
		t.Policy.Name, t.Policy.Title = "", "after "+all[i].Name
	}
	return s.render(w, r, v, policyFormPage, policyFormBody(v, t))
}

// policyOf reads the form.
func policyOf(r *http.Request) (p ledger.Policy, err error) {
	p.Name, p.Title = strings.ToLower(strings.TrimSpace(r.PostFormValue("name"))), strings.TrimSpace(r.PostFormValue("title"))
	for _, q := range ledger.Questions {
		if e := q.Set(&p, r.PostFormValue(q.Key)); e != nil && err == nil {
			err = e
		}
	}
	return p, err
}

func (s *site) savePolicy(w http.ResponseWriter, r *http.Request, v View) error {
	p, err := policyOf(r)
	t := policyFormView{Policy: p, Was: r.PostFormValue("was"), Note: strings.TrimSpace(r.PostFormValue("note"))}
	t.Rev, _ = strconv.Atoi(r.PostFormValue("rev"))
	before := 0
	if err == nil {
		before, err = s.redefine(r, v, firstOf(t.Note, "The policy "+p.Name+" was written."), func(d *revenue.Definitions) error { return t.into(d) })
	}
	if err == nil {
		return didPolicy(w, r, "The policy "+p.Name+" is saved.", before)
	}
	if k := cairn.KindOf(err); k != cairn.Invalid && k != cairn.Conflict {
		return err
	}
	t.Problem, t.typed = asError(err), r.PostForm
	var e *cairn.Error
	if errors.As(err, &e) {
		t.Problem.Field = e.Field
	}
	return s.write(w, r, http.StatusUnprocessableEntity, frame(v, policyFormPage, policyFormBody(v, t)))
}

// value is what the form has as the answer to a question: what was typed.
func (t policyFormView) value(q ledger.Question) string {
	if t.typed.Has(q.Key) {
		return t.typed.Get(q.Key)
	}
	return q.Value(t.Policy)
}

// into puts the policy of the form into what counts.
func (t policyFormView) into(d *revenue.Definitions) error {
	if err := t.Policy.Check(); err != nil {
		return err
	}
	at := slices.IndexFunc(d.Policies, func(p ledger.Policy) bool { return p.Name == t.Was })
	if other := slices.IndexFunc(d.Policies, func(p ledger.Policy) bool { return p.Name == t.Policy.Name }); other >= 0 && other != at {
		return cairn.Errorf(cairn.Conflict, "There is a policy %s already. Give this one another name.", t.Policy.Name).At("name")
	}
	d.Policies = slices.Clone(d.Policies)
	if at < 0 || t.Was == "" {
		d.Policies = append(d.Policies, t.Policy)
		return nil
	}
	if d.Policy == t.Was {
		d.Policy = t.Policy.Name
	}
	d.Policies[at] = t.Policy
	return nil
}

func (s *site) deletePolicy(w http.ResponseWriter, r *http.Request, v View) error {
	name := r.PostFormValue("policy")
	before, err := s.redefine(r, v, "The policy "+name+" was taken away.", func(d *revenue.Definitions) error {
		if d.Policy == name {
			return cairn.Errorf(cairn.Conflict, "Figures follow the policy %s. Choose another one first.", name).At("policy")
		}
		d.Policies = slices.DeleteFunc(slices.Clone(d.Policies), func(p ledger.Policy) bool { return p.Name == name })
		return nil
	})
	if err != nil {
		return err
	}
	return didPolicy(w, r, "The policy "+name+" is gone.", before)
}
