package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// A lens is through what pages about revenue are seen: whose figures, and as
// known on which day. It lives in the address, and goes along from each of
// these pages to the next.
type lens struct {
	Path   string
	Said   url.Values      // all that the address says
	Fields []revenue.Field // of accounts, by which one can narrow
	At     cairn.Day       // as known at the end of this day; 0: now
}

// carried are the parts of an address that go along from page to page.
var carried = []string{"where", "at", "policy", "from", "to"}

// passing are the parts of an address that only say what was just done.
var passing = []string{"did", "clear", "skip"}

// newLens reads what an address says.
func newLens(path string, said url.Values, v View) lens {
	l := lens{Path: path, Said: url.Values{}}
	for name, values := range said {
		if !slices.Contains(passing, name) {
			l.Said[name] = slices.DeleteFunc(slices.Clone(values), func(s string) bool { return s == "" && name != "value" })
		}
	}
	if known, err := accountMoment(l.Said, v); err == nil && !known.IsZero() {
		l.At = cairn.DayOf(known, v.Zone)
	}
	return l
}

// lensOf reads the address of the page that is shown.
func lensOf(v View) lens {
	u, err := url.ParseRequestURI(v.Path)
	if err != nil {
		return newLens("/revenue", nil, v)
	}
	return newLens(u.Path, u.Query(), v)
}

// lens reads the address of a page, and by what one can narrow it.
func (s *site) lens(r *http.Request, v View) (l lens, err error) {
	l = lensOf(v)
	if s.Revenue != nil {
		l.Fields, err = s.Revenue.Fields(r.Context())
	}
	return l, err
}

// where are the conditions that figures are narrowed by.
func (l lens) where() []revenue.Where {
	all, err := revenue.ParseWhere(strings.Join(l.Said["where"], "\n"))
	if err != nil {
		return nil // the page itself refuses it
	}
	return all
}

// clear reports whether nothing stands between who looks and the figures.
func (l lens) clear() bool { return len(l.where()) == 0 && l.At == 0 }

// to leads to the same page, with other conditions. Where none are left, the
// address says so, since a bare one means those that were chosen last.
func (l lens) to(where []revenue.Where) string {
	q := l.but("where")
	for _, w := range where {
		q.Add("where", w.Text())
	}
	if len(where) == 0 {
		q.Set("clear", "1")
	}
	return addressOf(l.Path, q)
}

// without leads to the same page without one of the conditions.
func (l lens) without(one revenue.Where) string {
	return l.to(slices.DeleteFunc(l.where(), func(w revenue.Where) bool { return w == one }))
}

// then leads to the same page as known at the end of a day; 0: now.
func (l lens) then(day cairn.Day) string {
	q := l.but("at")
	if day != 0 {
		q.Set("at", day.String())
	}
	return addressOf(l.Path, q)
}

// but is what the address says, without one part.
func (l lens) but(part string) url.Values {
	q := url.Values{}
	for name, values := range l.Said {
		if name != part && len(values) > 0 {
			q[name] = values
		}
	}
	return q
}

// along leads to another page, seen through the same lens.
func (l lens) along(path string) string {
	q := url.Values{}
	for _, name := range carried {
		values := l.Said[name]
		if name == "from" || name == "to" { // of some pages these are no months
			values = slices.DeleteFunc(slices.Clone(values), func(s string) bool { _, err := ledger.ParseMonth(s); return err != nil })
		}
		if len(values) > 0 {
			q[name] = values
		}
	}
	return addressOf(path, q)
}

// A hiddenField is a part of the address that a form takes along unseen.
type hiddenField struct{ Name, Value string }

// hidden are the parts that a form takes along which asks for one of them.
func (l lens) hidden(part string) []hiddenField {
	var out []hiddenField
	for name, values := range l.but(part) {
		for _, value := range values {
			out = append(out, hiddenField{name, value})
		}
	}
	slices.SortFunc(out, func(a, b hiddenField) int {
		return strings.Compare(a.Name+"\x00"+a.Value, b.Name+"\x00"+b.Value)
	})
	return out
}

// kept are the parts that a form takes along which asks for everything else.
func (l lens) kept() []hiddenField {
	var out []hiddenField
	for _, w := range l.where() {
		out = append(out, hiddenField{"where", w.Text()})
	}
	if l.At != 0 {
		out = append(out, hiddenField{"at", l.At.String()})
	}
	return out
}

// keep puts them into an address.
func (l lens) keep(q url.Values) {
	for _, h := range l.kept() {
		q.Add(h.Name, h.Value)
	}
}

// conditions are what a filter offers, as it is written in the address.
func (l lens) conditions() []string {
	var out []string
	for _, f := range l.Fields {
		for _, value := range f.Values[:min(len(f.Values), 40)] {
			out = append(out, f.Name+":"+value)
		}
	}
	return out[:min(len(out), 300)]
}

// lensAsked reads how one looks, without the months.
func lensAsked(r *http.Request, v View) (revenue.Query, error) {
	q := revenue.Query{Policy: r.FormValue("policy"), By: r.FormValue("by")}
	where, err := revenue.ParseWhere(strings.Join(r.Form["where"], "\n"))
	if err != nil {
		return q, err
	}
	q.Where = revenue.WhereText(where)
	q.Known, err = accountMoment(url.Values{"at": r.Form["at"]}, v)
	return q, err
}

// untilThen brings the months of a question to those that had begun when it
// is asked, where it is asked of a past day.
func untilThen(q *revenue.Query, v View) {
	if q.Known.IsZero() {
		return
	}
	last := ledger.MonthOf(knownOn(*q, v))
	if q.To > last {
		q.To = last
	}
	if q.From > last {
		q.From = last - 11
	}
}
