package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"cairn"
	"cairn/internal/account"
)

// A destination is one place that the palette leads to.
type destination struct {
	Icon, Name, Note, Href string
	Vector                 *cairn.Vector
}

// A destinations is a titled group of them.
type destinations struct {
	Title string
	Items []destination
}

var pages = []destination{
	{Icon: "home", Name: "Today", Note: "Your tasks, in order", Href: "/today"},
	{Icon: "users", Name: "Everybody's tasks", Note: "Today", Href: "/today?who=everybody"},
	{Icon: "user", Name: "Nobody's tasks", Note: "Today", Href: "/today?who=nobody"},
	{Icon: "building", Name: "Accounts", Note: "All customers with level and way", Href: "/accounts"},
	{Icon: "trending-down", Name: "Accounts that are falling", Note: "Accounts", Href: "/accounts?way=falling"},
	{Icon: "click", Name: "What counts as usage", Note: "Meaningful Activity", Href: "/usage"},
	{Icon: "chart-line", Name: "Metrics", Note: "What this workspace measures itself", Href: "/usage/metrics"},
	{Icon: "users", Name: "What people who stay do early", Note: "Usage", Href: "/usage/drivers"},
	{Icon: "adjustments-horizontal", Name: "Models of the Success Vector", Note: "What makes up a level", Href: "/models"},
	{Icon: "list-check", Name: "Signals", Note: "What is measured of every account", Href: "/signals"},
	{Icon: "history", Name: "Keeping", Note: "How long events are kept, room on the disk", Href: "/keeping"},
	{Icon: "currency-euro", Name: "Revenue", Note: "What customers pay, month by month", Href: "/revenue"},
	{Icon: "currency-euro", Name: "Policies of revenue", Note: "What counts as churn, compared", Href: "/revenue/policy"},
	{Icon: "currency-euro", Name: "Closed months", Note: "Revenue", Href: "/revenue/closing"},
	{Icon: "users", Name: "Cohorts", Note: "Revenue", Href: "/revenue/cohorts"},
	{Icon: "plug", Name: "Sources", Note: "What arrives, keys and snippets", Href: "/sources"},
}

// palette answers what is typed into the search: pages, accounts, people.
func (s *site) palette(w http.ResponseWriter, r *http.Request, v View) error {
	q := strings.TrimSpace(r.FormValue("q"))
	groups, err := s.find(r.Context(), v, q)
	if err != nil {
		return err
	}
	return s.write(w, r, http.StatusOK, paletteResults(v, q, groups))
}

func (s *site) find(ctx context.Context, v View, q string) ([]destinations, error) {
	var groups []destinations
	found := slices.DeleteFunc(slices.Clone(pagesLike(q)), func(d destination) bool {
		return !v.revenue && strings.HasPrefix(d.Href, "/revenue") || !v.models && (d.Href == "/models" || d.Href == "/signals")
	})
	if len(found) > 0 {
		groups = append(groups, destinations{"Go to", found})
	}
	if q == "" {
		return groups, nil
	}
	page, err := s.Accounts.Accounts(ctx, v.Scope(), account.Query{Search: q, Limit: 8})
	if err != nil {
		return nil, err
	}
	var accounts, people []destination
	for i, a := range page.Accounts {
		accounts = append(accounts, destination{Icon: "building", Name: a.Name, Note: a.Domain, Href: "/accounts/" + a.ID.String(), Vector: &page.Accounts[i].Vector})
		if i >= 5 || likeWords(q, a.Name, a.Domain, a.Key) {
			continue
		}
		found, err := s.peopleLike(ctx, v, a, q)
		if err != nil {
			return nil, err
		}
		people = append(people, found...)
	}
	if len(people) > 0 {
		groups = append([]destinations{{"People", people}}, groups...)
	}
	if len(accounts) > 0 {
		groups = append([]destinations{{"Accounts", accounts}}, groups...)
	}
	return groups, nil
}

// peopleLike returns the people for whom an account was found.
func (s *site) peopleLike(ctx context.Context, v View, a cairn.Account, q string) ([]destination, error) {
	people, err := s.Accounts.People(ctx, v.Scope(), a.ID)
	if err != nil {
		return nil, err
	}
	var out []destination
	for _, p := range people {
		if len(out) < 3 && likeWords(q, p.Name, p.Mail) {
			name := p.Name
			if name == "" {
				name = p.Mail
			}
			out = append(out, destination{Icon: "user", Name: name, Note: strings.Trim(p.Title+" · "+a.Name, " ·"), Href: "/accounts/" + a.ID.String() + "#people"})
		}
	}
	return out, nil
}

func pagesLike(q string) []destination {
	if q == "" {
		return pages
	}
	var out []destination
	for _, p := range pages {
		if likeWords(q, p.Name) {
			out = append(out, p)
		}
	}
	return out
}

// likeWords reports whether every word of q begins a word of the texts.
func likeWords(q string, texts ...string) bool {
	split := func(r rune) bool { return strings.ContainsRune(" .@-_/,'", r) }
	words := strings.FieldsFunc(strings.ToLower(strings.Join(texts, " ")), split)
	for _, want := range strings.FieldsFunc(strings.ToLower(q), split) {
		found := false
		for _, w := range words {
			found = found || strings.HasPrefix(w, want)
		}
		if !found {
			return false
		}
	}
	return true
}
