package model

import (
	"cmp"
	"context"
	"slices"

	"cairn"
	"cairn/internal/vector"
)

// A Trial is what another model would change, over all accounts, from what
// their last turns measured. Ways are not tried: they need the past of each
// account, which a preview of one does.
type Trial struct {
	Accounts int      `json:"accounts"` // that have a level in either
	Before   Spread   `json:"before"`
	After    Spread   `json:"after"`
	Moved    []Moved  `json:"moved"` // those whose grade changes, the largest change first; at most MostMoved
	Changed  int      `json:"changed"`
	Warnings []string `json:"warnings"`
}

// MostMoved is how many accounts a trial names.
const MostMoved = 200

// A Spread is how levels are distributed.
type Spread struct {
	Tens   [10]int `json:"tens"`   // levels from 0 to below 10, …, from 90 to 100
	Grades []Count `json:"grades"` // by the grades of each account's model
	None   int     `json:"none"`   // without a level
	Mean   float64 `json:"mean"`   // points, of those with one
	sum    cairn.Points
	n      int
}

// A Count is how many accounts have a grade.
type Count struct {
	Grade    vector.Grade `json:"grade"`
	Accounts int          `json:"accounts"`
}

// A Moved is an account that another model sees in another grade.
type Moved struct {
	ID     cairn.AccountID `json:"id"`
	Key    string          `json:"key"`
	Name   string          `json:"name"`
	Owner  string          `json:"owner"`
	Before Rated           `json:"before"`
	After  Rated           `json:"after"`
}

// A Rated account is what a model makes of one.
type Rated struct {
	Model string       `json:"model"`
	Known bool         `json:"known"`
	Level cairn.Points `json:"level"`
	Grade string       `json:"grade"` // empty: it has no level
}

// Try tells what a model would change if it were published.
func (s *Service) Try(ctx context.Context, scope cairn.Scope, m vector.Model) (Trial, error) {
	t := Trial{Moved: []Moved{}, Warnings: append([]string{}, m.Warnings()...)}
	defs, err := s.Definitions(ctx)
	if err != nil {
		return t, err
	}
	if err := check(defs, m); err != nil {
		return t, err
	}
	was, will := defs.Models, with(defs, m)
	err = s.Store.Measured(ctx, scope, func(a Account) error {
		before, after := t.Before.add(was, a.Signals), t.After.add(will, a.Signals)
		if before.Known || after.Known {
			t.Accounts++
		}
		if before.Level != after.Level || before.Known != after.Known {
			t.Changed++
		}
		if before.Grade != after.Grade {
			t.Moved = append(t.Moved, Moved{a.ID, a.Key, a.Name, a.Owner, before, after})
		}
		return nil
	})
	slices.SortFunc(t.Moved, func(a, b Moved) int {
		return cmp.Or(cmp.Compare(b.by(), a.by()), byName(a.Name, b.Name), cmp.Compare(a.Key, b.Key))
	})
	t.Moved = t.Moved[:min(len(t.Moved), MostMoved)]
	t.Before.end(was)
	t.After.end(will)
	return t, err
}

func (m Moved) by() cairn.Points {
	return max(m.After.Level-m.Before.Level, m.Before.Level-m.After.Level)
}

// add rates an account and counts its level.
func (s *Spread) add(models vector.Models, sig cairn.Signals) Rated {
	m := models.For(sig)
	r := Rated{Model: m.Name}
	if r.Level, r.Known = m.Level(sig); !r.Known {
		s.None++
		return r
	}
	g := m.Grade(r.Level)
	r.Grade = g.Name
	s.Tens[min(int(r.Level/10_000), 9)]++
	s.sum, s.n = s.sum+r.Level, s.n+1
	i := slices.IndexFunc(s.Grades, func(c Count) bool { return c.Grade == g })
	if i < 0 {
		i = len(s.Grades)
		s.Grades = append(s.Grades, Count{Grade: g})
	}
	s.Grades[i].Accounts++
	return r
}

// end adds the grades that nobody has, and orders them.
func (s *Spread) end(models vector.Models) {
	for _, m := range models {
		for _, g := range m.AllGrades() {
			if !slices.ContainsFunc(s.Grades, func(c Count) bool { return c.Grade == g }) {
				s.Grades = append(s.Grades, Count{Grade: g})
			}
		}
	}
	slices.SortStableFunc(s.Grades, func(a, b Count) int {
		return cmp.Or(cmp.Compare(a.Grade.From, b.Grade.From), cmp.Compare(a.Grade.Name, b.Grade.Name))
	})
	if s.n > 0 {
		s.Mean = float64(s.sum) / 1000 / float64(s.n)
	}
}
