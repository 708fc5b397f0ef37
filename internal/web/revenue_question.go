package web

import (
	"net/http"
	"net/url"
	"strings"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/revenue"
)

// A question is what a page about revenue is asked: which months, under which
// policy, by which field, of whom, and as known when. Its parts stay in every
// address that the page leads to.
type question struct {
	Asked    revenue.Query
	At       cairn.Day // as known at the end of this day; 0: now
	Policies []ledger.Policy
	Fields   []revenue.Field // of accounts, by which one can ask
	Besides  [][2]string     // what else the page is asked: names and values
}

// question reads what an address asks for.
func (s *site) question(r *http.Request, v View) (t question, err error) {
	if t.Asked, err = s.revenueAsked(r); err != nil {
		return t, err
	}
	t.At = knownOn(t.Asked, v)
	d, _, err := s.Revenue.Definitions(r.Context())
	if err != nil {
		return t, err
	}
	t.Policies = d.All()
	t.Fields, err = s.Revenue.Fields(r.Context())
	return t, err
}

// query is the question as an address says it, changed in some of its parts: a
// name and its value each. Of conditions there may be several, one a line.
func (t question) query(change ...string) url.Values {
	q := url.Values{}
	set := func(name, value string) {
		q.Del(name)
		for line := range strings.SplitSeq(value, "\n") {
			if line != "" {
				q.Add(name, line)
			}
		}
	}
	if t.Asked.From != 0 {
		set("from", t.Asked.From.String())
		set("to", t.Asked.To.String())
	}
	set("policy", t.Asked.Policy)
	set("by", t.Asked.By)
	if t.At != 0 {
		set("at", t.At.String())
	}
	set("where", t.Asked.Where)
	if t.Asked.Booked {
		set("booked", "1")
	}
	if t.Asked.Part != nil {
		q.Set("value", *t.Asked.Part) // the empty one too
	}
	for _, b := range t.Besides {
		set(b[0], b[1])
	}
	for i := 0; i+1 < len(change); i += 2 {
		set(change[i], change[i+1])
	}
	return q
}

// address leads to the same question, changed in some of its parts.
func (t question) address(path string, change ...string) string {
	return addressOf(path, t.query(change...))
}

// where are the conditions that figures are narrowed by.
func (t question) where() []revenue.Where {
	all, _ := revenue.ParseWhere(t.Asked.Where) // it was read before
	return all
}

// with leads to the same question narrowed by one more condition.
func (t question) with(path string, one revenue.Where) string {
	return t.address(path, "where", revenue.WhereText(append(t.where(), one)), "by", "")
}

// lens is through what the page is seen, with the fields that it offers.
func (t question) lens(v View) lens {
	l := lensOf(v)
	l.Fields = t.Fields
	return l
}
