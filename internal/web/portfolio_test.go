package web

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/portfolio"
	"cairn/internal/vector"
)

// A roster is the names and owners of a company's accounts.
type roster struct{ *company }

func (s roster) Shown(_ context.Context, f func(func(string, cairn.AccountID) string) error) error {
	return f(func(field string, id cairn.AccountID) string {
		for _, a := range s.accounts {
			switch {
			case a.ID != id:
			case field == "name":
				return a.Name
			case field == "owner":
				return a.Owner
			}
		}
		return ""
	})
}

func (s roster) Among(_ context.Context, scope cairn.Scope, where string, f func(func(cairn.AccountID) bool) error) error {
	return f(func(a cairn.AccountID) bool { return scope.Sees(a) && where != "owner:nobody" })
}

// together is a site with accounts that were scored; empty: none was.
func together(empty bool) http.Handler {
	c := fullCompany()
	today := cairn.DayOf(noon, time.UTC)
	if !empty {
		c.scored = map[cairn.AccountID][]account.Scored{}
		for i, a := range c.accounts {
			scored := func(day cairn.Day, level cairn.Points, way cairn.Way) account.Scored {
				return account.Scored{Day: day, Known: true, Level: level * 1000, Way: way, Band: vector.Default().Band(level * 1000), Model: vector.Default().Name, Rev: 1}
			}
			c.scored[a.ID] = []account.Scored{scored(today-200, cairn.Points(10+i*17%90), cairn.Steady), scored(today-cairn.Day(i), cairn.Points(95-i*23%90), cairn.Falling)}
		}
	}
	return New(Deps{
		Usage: counting(c, c.accounts), Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c, Now: func() time.Time { return noon },
		Portfolio: &portfolio.Service{
			Scores: c, Fields: roster{c}, Now: func() time.Time { return noon }, Zone: func() *time.Location { return time.UTC },
			Models: func(context.Context) ([]vector.Model, error) { return []vector.Model{vector.Default()}, nil },
		},
	})
}

func TestPortfolioPagesRenderEmptyAndFull(t *testing.T) {
	for _, empty := range []bool{true, false} {
		h := together(empty)
		for _, path := range []string{"/portfolio", "/portfolio?by=segment&where=owner:nobody", "/portfolio?from=2026-01-01&to=2026-06-01", "/portfolio/accounts", "/portfolio/accounts?was=Poor&is=Good"} {
			res := ask(t, h, "GET", path, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s (empty %v) answers %d: %s", path, empty, res.StatusCode, res.body)
			}
			sound(t, res.body)
		}
	}
	has(t, ask(t, together(true), "GET", "/portfolio", nil).body, "Nothing was scored")
	page := ask(t, together(false), "GET", "/portfolio", nil).body
	has(t, page, "moved up a grade", "From grade to grade", "By owner", "Who moved most")
	for _, want := range []string{"/portfolio/accounts?from=", "is=Good", `id="portfolio-flow-data"`, "/portfolio.csv?"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q", want)
		}
	}
	file := ask(t, together(false), "GET", "/portfolio.csv", nil).body
	if !strings.Contains(file, "mean_before") || !strings.Contains(file, "poor") {
		t.Errorf("the file begins %.200q", file)
	}
	if file = ask(t, together(false), "GET", "/portfolio/accounts.csv?is=Good", nil).body; !strings.Contains(file, "level_before") {
		t.Errorf("the file begins %.200q", file)
	}
	for _, path := range []string{"/portfolio?from=May", "/portfolio?from=2026-12-01&to=2026-01-01", "/portfolio?to=2099-01-01", "/portfolio?where=x"} {
		if res := ask(t, together(false), "GET", path, nil); res.StatusCode != http.StatusBadRequest {
			t.Errorf("%s answers %d", path, res.StatusCode)
		}
	}
}
