// Package portfolio tells how all accounts are doing together, as they were
// scored on two days: how levels are distributed, who moved from which grade to
// which, by any field of accounts, and who moved most.
package portfolio

import (
	"cmp"
	"context"
	"math"
	"slices"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/vector"
)

// Scores tells how accounts stood scored at the end of a day.
type Scores interface {
	ScoredOn(ctx context.Context, scope cairn.Scope, day cairn.Day, f func(cairn.AccountID, account.Scored)) error
}

// Fields tells what is shown of the fields of accounts.
type Fields interface {
	Shown(ctx context.Context, f func(value func(field string, a cairn.AccountID) string) error) error
	// Among calls f with whom a filter lets pass.
	Among(ctx context.Context, scope cairn.Scope, where string, f func(lets func(cairn.AccountID) bool) error) error
}

// A Service is what pages and commands ask.
type Service struct {
	Scores Scores
	Fields Fields
	Models func(ctx context.Context) ([]vector.Model, error)
	Now    func() time.Time
	Zone   func() *time.Location
}

// A Query asks about all accounts on two days.
type Query struct {
	From  cairn.Day `json:"from"`  // 0: 90 days before To
	To    cairn.Day `json:"to"`    // 0: today
	By    string    `json:"by"`    // a field of accounts; "": owner
	Where string    `json:"where"` // only some accounts; one condition such as owner:ann@example.com a line
}

// usualDays is how far back is looked unless somebody says otherwise.
const usualDays = 90

// Fill fills in what is not said.
func (q Query) Fill(today cairn.Day) (Query, error) {
	q.To = cmp.Or(q.To, today)
	q.From = cmp.Or(q.From, q.To-usualDays)
	q.By = cmp.Or(q.By, "owner")
	switch {
	case q.To > today:
		return q, cairn.Errorf(cairn.Invalid, "The second day is still to come.").At("to")
	case q.From >= q.To:
		return q, cairn.Errorf(cairn.Invalid, "The first day must lie before the second.").At("from")
	}
	return q, nil
}

// The states beside grades in which an account may be.
const (
	Unknown = "Not known"    // it was scored, and no level was known
	Absent  = "Not yet here" // it was not scored by then
)

// A Band is a grade and how many accounts have it.
type Band struct {
	vector.Grade
	Accounts int `json:"accounts"`
}

// A Flow is how many accounts went from one grade to another, or stayed.
type Flow struct {
	From     string `json:"from"` // a grade's name, [Unknown] or [Absent]
	To       string `json:"to"`
	Accounts int    `json:"accounts"`
}

// A Group is the accounts of one value of the field.
type Group struct {
	Value    string   `json:"value"`
	Accounts int      `json:"accounts"`
	Known    int      `json:"known"`
	Mean     *float64 `json:"mean"`   // of the known levels, 0 to 100
	Before   *float64 `json:"before"` // of those of them that were known on the first day, then
	Rising   int      `json:"rising"`
	Falling  int      `json:"falling"`
	Bands    []int    `json:"bands"` // accounts by grade, in the order of Report.Bands
}

// A Mover is an account whose level moved.
type Mover struct {
	Account cairn.AccountID `json:"account"`
	Name    string          `json:"name"`
	Owner   string          `json:"owner"`
	From    account.Scored  `json:"from"`
	To      account.Scored  `json:"to"`
	Model   bool            `json:"model"` // another model, or revision, scored it
}

// By is how far it moved; 0 where either level is not known.
func (m Mover) By() cairn.Points {
	if !m.From.Known || !m.To.Known {
		return 0
	}
	return m.To.Level - m.From.Level
}

// A Report is what was asked for.
type Report struct {
	Query
	Accounts int     `json:"accounts"` // scored by the second day
	Known    int     `json:"known"`
	Tens     [10]int `json:"tens"` // levels of 0 to under 10, … 90 to 100
	Before   [10]int `json:"tens_before"`
	Bands    []Band  `json:"bands"` // the lowest first
	Unknown  int     `json:"unknown"`
	Flows    []Flow  `json:"flows"`
	Groups   []Group `json:"groups"` // the lowest mean first
	Movers   []Mover `json:"movers"` // at most MostMovers, the furthest first
	Same     int     `json:"same"`   // whose grade is what it was
}

// MostMovers is how many accounts are named that moved.
const MostMovers = 20

// Report tells how the accounts of the scope were scored on both days. Grades
// are those that the models in force name; what was scored in a band that a
// model no longer has counts in its highest.
func (s *Service) Report(ctx context.Context, scope cairn.Scope, q Query) (Report, error) {
	t, err := s.read(ctx, scope, q)
	if err != nil {
		return Report{}, err
	}
	return *t.r, s.Fields.Shown(ctx, func(value func(string, cairn.AccountID) string) error {
		t.end(value)
		return nil
	})
}

// Who returns the accounts of one flow, or with "" for either grade of all that
// end or begin in the other, the furthest moved first.
func (s *Service) Who(ctx context.Context, scope cairn.Scope, q Query, from, to string) ([]Mover, Query, error) {
	t, err := s.read(ctx, scope, q)
	if err != nil {
		return nil, q, err
	}
	var out []Mover
	for _, p := range t.pairs {
		if (from == "" || t.from(p) == from) && (to == "" || t.grade(p.is) == to) {
			out = append(out, p.mover())
		}
	}
	sortMovers(out)
	return out, t.r.Query, s.Fields.Shown(ctx, func(value func(string, cairn.AccountID) string) error {
		name(out, value)
		return nil
	})
}

func (s *Service) read(ctx context.Context, scope cairn.Scope, q Query) (*tally, error) {
	q, err := q.Fill(cairn.DayOf(s.Now(), s.Zone()))
	if err != nil {
		return nil, err
	}
	models, err := s.Models(ctx)
	if err != nil {
		return nil, err
	}
	t := newTally(&Report{Query: q}, models)
	return t, s.Fields.Among(ctx, scope, q.Where, func(lets func(cairn.AccountID) bool) error {
		then := map[cairn.AccountID]account.Scored{}
		if err := s.Scores.ScoredOn(ctx, scope, q.From, func(a cairn.AccountID, d account.Scored) { then[a] = d }); err != nil {
			return err
		}
		return s.Scores.ScoredOn(ctx, scope, q.To, func(a cairn.AccountID, d account.Scored) {
			if lets == nil || lets(a) {
				was, there := then[a]
				t.add(pair{a, was, d, there})
			}
		})
	})
}

// A pair is one account on both days.
type pair struct {
	account cairn.AccountID
	was, is account.Scored
	there   bool // it was scored by the first day
}

type tally struct {
	r      *Report
	models map[string]vector.Model
	pairs  []pair
	flows  map[[2]string]int
}

func newTally(r *Report, models []vector.Model) *tally {
	t := &tally{r: r, models: map[string]vector.Model{}, flows: map[[2]string]int{}}
	r.Flows, r.Groups, r.Movers = []Flow{}, []Group{}, []Mover{}
	for _, m := range models {
		t.models[m.Name] = m
		for _, g := range m.AllGrades() {
			if !slices.ContainsFunc(r.Bands, func(b Band) bool { return b.Name == g.Name }) {
				r.Bands = append(r.Bands, Band{Grade: g})
			}
		}
	}
	slices.SortStableFunc(r.Bands, func(a, b Band) int { return cmp.Compare(a.From, b.From) })
	return t
}

// grade returns the name of the grade in which an account was scored.
func (t *tally) grade(d account.Scored) string {
	if !d.Known {
		return Unknown
	}
	m, ok := t.models[d.Model]
	if !ok { // it is deleted
		m = vector.Default()
		return m.Grade(d.Level).Name
	}
	all := m.AllGrades()
	return all[min(d.Band, len(all)-1)].Name
}

func ten(level cairn.Points) int { return min(max(int(level/10_000), 0), 9) }

// from returns the grade in which an account was on the first day.
func (t *tally) from(p pair) string {
	if !p.there {
		return Absent
	}
	return t.grade(p.was)
}

func (t *tally) add(p pair) {
	r := t.r
	t.pairs = append(t.pairs, p)
	r.Accounts++
	from, to := t.from(p), t.grade(p.is)
	if p.there && p.was.Known {
		r.Before[ten(p.was.Level)]++
	}
	if p.is.Known {
		r.Known++
		r.Tens[ten(p.is.Level)]++
	} else {
		r.Unknown++
	}
	if i := t.band(to); i >= 0 {
		r.Bands[i].Accounts++
	}
	if from == to {
		r.Same++
	}
	t.flows[[2]string{from, to}]++
}

// band returns which of the report's bands a grade is; -1: none.
func (t *tally) band(name string) int {
	return slices.IndexFunc(t.r.Bands, func(b Band) bool { return b.Name == name })
}

// end sums up what was added.
func (t *tally) end(value func(string, cairn.AccountID) string) {
	r := t.r
	order := func(name string) int {
		switch name {
		case Absent:
			return -2
		case Unknown:
			return -1
		}
		return t.band(name)
	}
	for k, n := range t.flows {
		r.Flows = append(r.Flows, Flow{k[0], k[1], n})
	}
	slices.SortFunc(r.Flows, func(a, b Flow) int { return cmp.Or(order(a.From)-order(b.From), order(a.To)-order(b.To)) })
	t.groups(value)
	t.movers(value)
}

// A sum adds up levels.
type sum struct {
	level cairn.Points
	n     int
}

func (s *sum) add(level cairn.Points) { s.level, s.n = s.level+level, s.n+1 }

func (s sum) mean() *float64 {
	if s.n == 0 {
		return nil
	}
	m := math.Round(float64(s.level)/float64(s.n)) / 1000
	return &m
}

func (t *tally) groups(value func(string, cairn.AccountID) string) {
	type sums struct {
		Group
		now, before sum
	}
	by := map[string]*sums{}
	for _, p := range t.pairs {
		v := value(t.r.By, p.account)
		g := by[v]
		if g == nil {
			g = &sums{Group: Group{Value: v, Bands: make([]int, len(t.r.Bands))}}
			by[v] = g
		}
		g.Accounts++
		if !p.is.Known {
			continue
		}
		g.Known++
		g.now.add(p.is.Level)
		if p.there && p.was.Known {
			g.before.add(p.was.Level)
		}
		switch p.is.Way {
		case cairn.Rising:
			g.Rising++
		case cairn.Falling:
			g.Falling++
		}
		if i := t.band(t.grade(p.is)); i >= 0 {
			g.Bands[i]++
		}
	}
	for _, g := range by {
		g.Mean, g.Group.Before = g.now.mean(), g.before.mean()
		t.r.Groups = append(t.r.Groups, g.Group)
	}
	low := func(g Group) float64 {
		if g.Mean == nil {
			return math.Inf(1)
		}
		return *g.Mean
	}
	slices.SortFunc(t.r.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(low(a), low(b)), cmp.Compare(b.Accounts, a.Accounts), cmp.Compare(a.Value, b.Value))
	})
}

func (p pair) mover() Mover {
	return Mover{Account: p.account, From: p.was, To: p.is, Model: p.there && (p.was.Model != p.is.Model || p.was.Rev != p.is.Rev)}
}

func (t *tally) movers(value func(string, cairn.AccountID) string) {
	var all []Mover
	for _, p := range t.pairs {
		if p.there && p.was.Known && p.is.Known && p.was.Level != p.is.Level {
			all = append(all, p.mover())
		}
	}
	sortMovers(all)
	t.r.Movers = append(t.r.Movers, all[:min(len(all), MostMovers)]...)
	name(t.r.Movers, value)
}

func sortMovers(all []Mover) {
	far := func(m Mover) cairn.Points { return max(m.By(), -m.By()) }
	slices.SortFunc(all, func(a, b Mover) int {
		return cmp.Or(cmp.Compare(far(b), far(a)), slices.Compare(a.Account.ID[:], b.Account.ID[:]))
	})
}

func name(all []Mover, value func(string, cairn.AccountID) string) {
	for i := range all {
		m := &all[i]
		m.Name, m.Owner = cmp.Or(value("name", m.Account), m.Account.String()), value("owner", m.Account)
	}
}
