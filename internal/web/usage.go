package web

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/signal"
	"cairn/internal/usage"
)

func (s *site) usageRoutes(mux *http.ServeMux) {
	mux.Handle("GET /usage", s.page(s.meaningful))
	mux.Handle("GET /live/usage", s.page(s.meaningfulLive))
	mux.Handle("POST /usage", s.page(s.chooseMeaningful))
	mux.Handle("POST /usage/try", s.page(s.tryMeaningful))
	mux.Handle("POST /usage/restore", s.page(s.restoreMeaningful))
	mux.Handle("POST /usage/product", s.page(s.productAsAll))
	mux.Handle("POST /usage/groups", s.page(s.saveGroup))
	mux.Handle("POST /usage/groups/delete", s.page(s.deleteGroup))
	mux.Handle("GET /usage/metrics", s.page(s.metrics))
	mux.Handle("GET /usage/metrics/new", s.page(s.newMetric))
	mux.Handle("POST /usage/metrics", s.page(s.saveMetric))
	mux.Handle("POST /usage/metrics/try", s.page(s.tryMetric))
	mux.Handle("GET /usage/metrics/{name}", s.page(s.metric))
	mux.Handle("POST /usage/metrics/{name}/delete", s.page(s.deleteMetric))
	mux.Handle("GET /usage/drivers", s.page(s.drivers))
}

// MostEvents is how many event names the page shows; the rest are found by
// the command line.
const mostEvents = 1000

// allProducts is what a choice for every product is called in an address.
const allProducts = "*"

// A meaningfulView is the page on which one says what counts.
type meaningfulView struct {
	usage.Catalogue
	Set       int    // which group of accounts; signal.Everybody
	Product   string // allProducts, or the one that is chosen for
	Own       bool   // the product has a choice of its own
	Rows      []meaningfulRow
	Hidden    int // rows that are not shown
	Ticked    int
	OnlyNamed bool     // events not seen yet do not count
	Suggested []string // ticked by the address, and not saved
	Effects   []usage.Effect
	Revisions []book.Revision
	Progress  []Progress
	Fields    []string // of accounts, that groups may be told by
	Group     signal.Set
	Error     *cairn.Error
}

// A meaningfulRow is an event name with whether it counts.
type meaningfulRow struct {
	usage.Event
	Products  []string
	Suggested bool
}

// forWhom says for which accounts and product.
func (t meaningfulView) forWhom() string {
	out := ""
	if t.Set >= 0 {
		out = " for the accounts of " + t.Group.Name
	}
	if t.Product != allProducts {
		out += " in " + productName(t.Product)
	}
	return out
}

// base is the choice that the page is about.
func (t meaningfulView) base() signal.Choice {
	if t.Product == allProducts {
		if t.Set >= 0 {
			return t.Choice.Sets[t.Set].Choice
		}
		return t.Choice.Choice
	}
	return t.Choice.For(t.Set, t.Product)
}

// address leads to the page about a set and a product.
func meaningfulAddress(set int, product string) string {
	q := url.Values{}
	if set >= 0 {
		q.Set("group", strconv.Itoa(set))
	}
	if product != allProducts {
		q.Set("product", product)
		q.Set("own", "1")
	}
	if len(q) == 0 {
		return "/usage"
	}
	return "/usage?" + q.Encode()
}

// about reads which set and product an address or form is about.
func about(r *http.Request, m signal.Meaningful) (set int, product string, err error) {
	set, product = signal.Everybody, allProducts
	if text := r.FormValue("group"); text != "" && text != "new" {
		if set, err = strconv.Atoi(text); err != nil || set < 0 || set >= len(m.Sets) {
			return 0, "", cairn.Errorf(cairn.NotFound, "There is no such group of accounts.").At("group")
		}
	}
	if r.FormValue("own") != "" {
		product = r.FormValue("product")
	}
	return set, product, nil
}

func (s *site) meaningfulView(r *http.Request, v View) (meaningfulView, error) {
	var t meaningfulView
	var err error
	if t.Catalogue, err = s.Usage.Events(r.Context(), false); err != nil {
		return t, err
	}
	if t.Set, t.Product, err = about(r, t.Choice); err != nil {
		return t, err
	}
	if t.Set >= 0 {
		t.Group = t.Choice.Sets[t.Set]
		_, t.Own = t.Group.Products[t.Product]
	} else {
		_, t.Own = t.Choice.Products[t.Product]
	}
	t.OnlyNamed = len(t.base().Only) > 0
	t.Suggested = r.URL.Query()["tick"]
	t.rows()
	t.Progress = s.Progress()
	if t.Revisions, err = s.Usage.Choices(r.Context()); err != nil {
		return t, err
	}
	t.Fields, err = s.groupFields(r, v)
	return t, err
}

// rows joins the events of all products by name, or takes those of one.
func (t *meaningfulView) rows() {
	choice, at := t.base(), map[string]int{}
	for _, e := range t.Events {
		if t.Product != allProducts && e.Product != t.Product {
			continue
		}
		i, known := at[e.Name]
		if !known {
			at[e.Name] = len(t.Rows)
			row := meaningfulRow{Event: e, Products: []string{e.Product}}
			row.Weeks = slices.Clone(e.Weeks)
			row.Counts = choice.Counts(e.Name)
			if slices.Contains(t.Suggested, e.Name) && !row.Counts {
				row.Counts, row.Suggested = true, true
			}
			t.Rows = append(t.Rows, row)
			continue
		}
		t.Rows[i].join(e)
	}
	slices.SortStableFunc(t.Rows, func(a, b meaningfulRow) int { return cmp.Compare(b.Recent, a.Recent) })
	t.Hidden = max(0, len(t.Rows)-mostEvents)
	t.Rows = t.Rows[:len(t.Rows)-t.Hidden]
	for _, row := range t.Rows {
		if row.Counts {
			t.Ticked++
		}
	}
}

// join adds the same name in another product.
func (row *meaningfulRow) join(e usage.Event) {
	row.Products = append(row.Products, e.Product)
	row.Recent, row.Before, row.Ever = row.Recent+e.Recent, row.Before+e.Before, row.Ever+e.Ever
	row.Joined, row.People = max(row.Joined, e.Joined), max(row.People, e.People)
	for i := range row.Weeks {
		row.Weeks[i] += e.Weeks[i]
	}
	if e.Last.After(row.Last) {
		row.Last = e.Last
	}
	row.Sources = append(row.Sources, e.Sources...)
	slices.Sort(row.Sources)
	row.Sources = slices.Compact(row.Sources)
}

// groupFields are what groups of accounts are told by: what is known of the
// accounts with the most events.
func (s *site) groupFields(r *http.Request, v View) ([]string, error) {
	reach, _, err := s.Usage.Reach(r.Context(), false)
	if err != nil {
		return nil, err
	}
	names := map[string]bool{}
	for _, id := range reach.Accounts[:min(5, len(reach.Accounts))] {
		_, signals, err := s.Explain.Explain(r.Context(), v.Scope(), id, v.Now)
		if err != nil {
			return nil, err
		}
		for name := range signals {
			if strings.HasPrefix(name, "trait.") || strings.HasPrefix(name, "contract.") || strings.HasPrefix(name, "account.") {
				names[name] = true
			}
		}
	}
	return sortedKeys(names), nil
}

func (s *site) meaningful(w http.ResponseWriter, r *http.Request, v View) error {
	t, err := s.meaningfulView(r, v)
	if err != nil {
		return err
	}
	if len(t.Suggested) > 0 {
		t.Effects, err = s.Usage.TryChoice(r.Context(), v.Scope(), t.with(t.names(), t.ticked(), t.OnlyNamed), nil)
	} else {
		t.Effects, err = s.Usage.TryChoice(r.Context(), v.Scope(), t.Choice, nil)
	}
	if err != nil {
		return err
	}
	return s.showMeaningful(w, r, v, t)
}

func (s *site) showMeaningful(w http.ResponseWriter, r *http.Request, v View, t meaningfulView) error {
	return s.render(w, r, v, Page{Title: "Usage", Active: "usage", Wide: true}, meaningfulPage(v, t))
}

func (t meaningfulView) names() (out []string) {
	for _, row := range t.Rows {
		out = append(out, row.Name)
	}
	return out
}

func (t meaningfulView) ticked() (out []string) {
	for _, row := range t.Rows {
		if row.Counts {
			out = append(out, row.Name)
		}
	}
	return out
}

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
	return cairn.Errorf(cairn.KindOf(err), "%s", p.Text)
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

// testsOf reads rows of conditions; rows without a field are left out.
func testsOf(r *http.Request, field, op, value string) []signal.Test {
	var out []signal.Test
	fields, ops, values := r.PostForm[field], r.PostForm[op], r.PostForm[value]
	for i, f := range fields {
		if f = strings.TrimSpace(f); f == "" || i >= len(ops) || i >= len(values) {
			continue
		}
		out = append(out, signal.Test{Field: f, Op: ops[i], Value: valueOf(ops[i], values[i])})
	}
	return out
}

// valueOf reads a value as somebody typed it: a list where the comparison
// takes one, a number or truth where it looks like one.
func valueOf(op, text string) any {
	one := func(t string) any {
		t = strings.TrimSpace(t)
		if n, err := strconv.ParseFloat(t, 64); err == nil {
			return n
		}
		switch t {
		case "true", "yes":
			return true
		case "false", "no":
			return false
		}
		return t
	}
	switch op {
	case "exists", "missing":
		return nil
	case "in", "not_in":
		list := []any{}
		for _, part := range strings.Split(text, ",") {
			if strings.TrimSpace(part) != "" {
				list = append(list, one(part))
			}
		}
		return list
	case "contains":
		return strings.TrimSpace(text)
	}
	return one(text)
}

// valueText is a value as a form shows it.
func valueText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case []any:
		words := make([]string, len(v))
		for i, w := range v {
			words[i] = valueText(w)
		}
		return strings.Join(words, ", ")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return fmt.Sprint(v)
}

// threeTests are the conditions with empty rows behind them, to fill in.
func threeTests(all []signal.Test) []signal.Test {
	out := slices.Clone(all)
	for len(out) < 3 || len(out) == len(all) {
		out = append(out, signal.Test{Op: "is"})
	}
	return out
}

func productName(p string) string {
	if p == "" {
		return "the main product"
	}
	return p
}

// meaningfulVersion changes with what the live part shows.
func (t meaningfulView) version() string {
	var b strings.Builder
	fmt.Fprint(&b, t.At.Unix(), t.Rev, len(t.Events), t.Counting.Running, t.Counting.Done, t.Progress)
	return cairn.HashID(b.String()).String()[:12]
}

// working reports whether something is under way that the page waits for.
func (t meaningfulView) working() bool { return t.Counting.Running || len(t.Progress) > 0 }

func (s *site) meaningfulLive(w http.ResponseWriter, r *http.Request, v View) error {
	var t meaningfulView
	var err error
	if t.Catalogue, err = s.Usage.Events(r.Context(), false); err != nil {
		return err
	}
	t.Progress = s.Progress()
	if t.version() == r.FormValue("v") {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return s.write(w, r, http.StatusOK, meaningfulUpdate(v, t))
}

// trendOf draws weeks as bars in a box of 72 by 20.
func trendOf(weeks []int64) []bar {
	var most int64 = 1
	for _, n := range weeks {
		most = max(most, n)
	}
	out := make([]bar, len(weeks))
	for i, n := range weeks {
		h := 0.0
		if n > 0 {
			h = max(float64(n)/float64(most)*20, 1)
		}
		out[i] = bar{X: i * 6, Y: fmt.Sprintf("%.1f", 20-h), H: fmt.Sprintf("%.1f", h), Accepted: n}
	}
	return out
}

func trendText(v View, weeks []int64) string {
	words := make([]string, len(weeks))
	for i, n := range weeks {
		words[i] = v.Count(n)
	}
	return fmt.Sprintf("Each of the last %d weeks: %s", len(weeks), strings.Join(words, ", "))
}
