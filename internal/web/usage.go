package web

import (
	"cmp"
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
