package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/usage"
)

// with returns the choice with the rows ticked as they are. What stands in the
// choice and not on the page stays as it is.
func (t meaningfulView) with(shown, ticked []string, onlyNamed bool) signal.Meaningful {
	was := t.base()
	var c signal.Choice
	if onlyNamed {
		c.Only = slices.Clone(ticked)
		for _, n := range was.Only {
			if !slices.Contains(shown, n) {
				c.Only = append(c.Only, n)
			}
		}
		slices.Sort(c.Only)
	} else {
		c.Except = []string{}
		for _, n := range shown {
			if !slices.Contains(ticked, n) {
				c.Except = append(c.Except, n)
			}
		}
		old := was.Except
		if old == nil && len(was.Only) == 0 {
			old = signal.DefaultExcept()
		}
		for _, n := range old {
			if !slices.Contains(shown, n) {
				c.Except = append(c.Except, n)
			}
		}
		slices.Sort(c.Except)
	}
	return t.put(c)
}

// put returns the whole choice with c in the place that the page is about.
func (t meaningfulView) put(c signal.Choice) signal.Meaningful {
	m := copyOf(t.Choice)
	products := &m.Products
	if t.Set >= 0 {
		products = &m.Sets[t.Set].Products
	}
	switch {
	case t.Product != allProducts:
		if *products == nil {
			*products = map[string]signal.Choice{}
		}
		(*products)[t.Product] = c
	case t.Set >= 0:
		m.Sets[t.Set].Choice = c
	default:
		m.Choice = c
	}
	return m
}

// copyOf returns a choice that shares nothing with m.
func copyOf(m signal.Meaningful) signal.Meaningful {
	var out signal.Meaningful
	b, err := json.Marshal(m)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	if err != nil {
		return m
	}
	return out
}

// posted reads what the form says.
func (s *site) posted(r *http.Request) (meaningfulView, signal.Meaningful, error) {
	var t meaningfulView
	var err error
	if t.Choice, t.Rev, err = s.Usage.Choice(r.Context()); err != nil {
		return t, t.Choice, err
	}
	if t.Set, t.Product, err = about(r, t.Choice); err != nil {
		return t, t.Choice, err
	}
	m := t.with(r.PostForm["shown"], r.PostForm["counts"], r.PostFormValue("new") == "no")
	if r.PostFormValue("new") == "no" && len(r.PostForm["counts"]) == 0 {
		return t, m, cairn.Errorf(cairn.Invalid, "Nothing would count. Tick at least one event.").At("counts")
	}
	return t, m, nil
}

func (s *site) tryMeaningful(w http.ResponseWriter, r *http.Request, v View) error {
	t, m, err := s.posted(r)
	if err != nil && cairn.KindOf(err) != cairn.Invalid {
		return err
	}
	ids, found := s.accountsNamed(r, v, r.PostFormValue("accounts"))
	if err == nil {
		err = found
	}
	if err == nil {
		t.Effects, err = s.Usage.TryChoice(r.Context(), v.Scope(), m, ids)
	}
	if err != nil {
		t.Error = asError(err)
	}
	return s.write(w, r, http.StatusOK, meaningfulEffect(v, t))
}

func asError(err error) *cairn.Error {
	p := problemOf(err)
	out := cairn.Errorf(cairn.KindOf(err), "%s", p.Text)
	if e := (*cairn.Error)(nil); errors.As(err, &e) {
		out.Field = e.Field
	}
	return out
}

// accountsNamed finds the accounts that somebody names, with commas between;
// none is nil.
func (s *site) accountsNamed(r *http.Request, v View, text string) ([]cairn.AccountID, error) {
	var ids []cairn.AccountID
	for _, name := range strings.Split(text, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if len(ids) == usage.Previewed {
			return nil, cairn.Errorf(cairn.Invalid, "Name at most %d accounts to try it on.", usage.Previewed).At("accounts")
		}
		id, err := s.Accounts.Find(r.Context(), v.Scope(), name)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, nil
}

func (s *site) chooseMeaningful(w http.ResponseWriter, r *http.Request, v View) error {
	t, m, err := s.posted(r)
	if err != nil {
		return err
	}
	rev, err := strconv.Atoi(r.PostFormValue("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "The form is incomplete. Load the page again.").At("rev").Because(err)
	}
	return s.choose(w, r, v, m, rev, firstOf(strings.TrimSpace(r.PostFormValue("note")), t.what()), meaningfulAddress(t.Set, t.Product))
}

// what says in the book which part of the choice was changed.
func (t meaningfulView) what() string {
	out := "What counts for everybody"
	if t.Set >= 0 {
		out = "What counts for " + t.Choice.Sets[t.Set].Name
	}
	if t.Product != allProducts {
		out += " in " + productName(t.Product)
	}
	return out + "."
}

func (s *site) choose(w http.ResponseWriter, r *http.Request, v View, m signal.Meaningful, rev int, note, to string) error {
	if _, err := s.Usage.Choose(r.Context(), v.Actor(), m, rev, note); err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

func (s *site) restoreMeaningful(w http.ResponseWriter, r *http.Request, v View) error {
	rev, err := strconv.Atoi(r.PostFormValue("rev"))
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "The form is incomplete. Load the page again.").At("rev").Because(err)
	}
	if _, err := s.Usage.Restore(r.Context(), v.Actor(), rev); err != nil {
		return err
	}
	http.Redirect(w, r, "/usage", http.StatusSeeOther)
	return nil
}

// productAsAll ends a product's own choice.
func (s *site) productAsAll(w http.ResponseWriter, r *http.Request, v View) error {
	m, rev, err := s.Usage.Choice(r.Context())
	if err != nil {
		return err
	}
	set, product, err := about(r, m)
	if err != nil {
		return err
	}
	m = copyOf(m)
	if set >= 0 {
		delete(m.Sets[set].Products, product)
	} else {
		delete(m.Products, product)
	}
	return s.choose(w, r, v, m, rev, productName(product)+" as all products.", meaningfulAddress(set, product))
}

// saveGroup adds a group of accounts, which begins with what counts for all,
// or changes by what it is told.
func (s *site) saveGroup(w http.ResponseWriter, r *http.Request, v View) error {
	m, rev, err := s.Usage.Choice(r.Context())
	if err != nil {
		return err
	}
	m = copyOf(m)
	set, _, err := about(r, m)
	if err != nil {
		return err
	}
	if set < 0 {
		m.Sets = append(m.Sets, signal.Set{Choice: m.Choice, Products: copyOf(m).Products})
		set = len(m.Sets) - 1
	}
	m.Sets[set].Name = strings.TrimSpace(r.PostFormValue("name"))
	m.Sets[set].All = testsOf(r, "field", "op", "value")
	return s.choose(w, r, v, m, rev, "Accounts of the group "+m.Sets[set].Name+".", meaningfulAddress(set, allProducts))
}

func (s *site) deleteGroup(w http.ResponseWriter, r *http.Request, v View) error {
	m, rev, err := s.Usage.Choice(r.Context())
	if err != nil {
		return err
	}
	set, _, err := about(r, m)
	if err != nil {
		return err
	}
	if set < 0 {
		return cairn.Errorf(cairn.NotFound, "There is no such group of accounts.").At("group")
	}
	m = copyOf(m)
	name := m.Sets[set].Name
	m.Sets = slices.Delete(m.Sets, set, set+1)
	return s.choose(w, r, v, m, rev, "Without the group "+name+".", "/usage")
}
