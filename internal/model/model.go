// Package model keeps the models by which accounts are rated: who reads them,
// what another one would change, and publishing it. A model is a page of the
// book; it is tried on every account before it is published, and after that
// all are rated again, about which nothing is decided.
package model

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/turn"
	"cairn/internal/vector"
)

// A Store tells what was measured of accounts at their last turn.
type Store interface {
	// Measured calls f with each account of the scope that has had a turn.
	Measured(ctx context.Context, scope cairn.Scope, f func(Account) error) error
}

// An Account is what a turn last measured of one.
type Account struct {
	ID      cairn.AccountID
	Key     string
	Name    string
	Owner   string
	Signals cairn.Signals
}

// A Service is what pages and commands ask.
type Service struct {
	Store       Store
	Book        book.Store
	Definitions func(ctx context.Context) (turn.Definitions, error)
	// Changed puts in force what the book says now, and has every account
	// measured again, about which nothing is decided.
	Changed func(ctx context.Context) error
	Now     func() time.Time
}

// A Published model is a revision of one, with what there is to know about it.
type Published struct {
	vector.Model
	Rev      int       `json:"rev"`
	At       time.Time `json:"at"`
	By       string    `json:"by"`
	Note     string    `json:"note"`
	Warnings []string  `json:"warnings"`
}

// Models returns those in force, in the order in which an account is held
// against them.
func (s *Service) Models(ctx context.Context) ([]Published, error) {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Published, 0, len(defs.Models))
	for _, m := range defs.Models {
		p, err := s.Model(ctx, m.Name)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// Model returns the newest revision of a model; cairn.NotFound when there is
// none of that name, or it was deleted.
func (s *Service) Model(ctx context.Context, name string) (Published, error) {
	r, err := s.Book.Page(ctx, vector.PageOf(name))
	if cairn.KindOf(err) == cairn.NotFound || err == nil && vector.Deleted(r.Body) {
		return Published{}, cairn.Errorf(cairn.NotFound, "There is no model %q.", name).At("name")
	}
	if err != nil {
		return Published{}, err
	}
	return published(r)
}

func published(r book.Revision) (Published, error) {
	p := Published{Rev: r.Rev, At: r.At, By: r.By.Name, Note: r.Note, Warnings: []string{}}
	if err := json.Unmarshal(r.Body, &p.Model); err != nil {
		return p, fmt.Errorf("page %s, revision %d: %w", r.Page, r.Rev, err)
	}
	p.Model.Rev = r.Rev
	p.Warnings = append(p.Warnings, p.Model.Warnings()...)
	return p, nil
}

// Revisions returns all revisions of a model, newest first; one that deleted
// it has no groups.
func (s *Service) Revisions(ctx context.Context, name string) ([]Published, error) {
	rs, err := s.Book.Revisions(ctx, vector.PageOf(name))
	if err != nil {
		return nil, err
	}
	if len(rs) == 0 {
		return nil, cairn.Errorf(cairn.NotFound, "There is no model %q.", name).At("name")
	}
	out := make([]Published, len(rs))
	for i, r := range rs {
		if out[i], err = published(r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Check refuses a model that could not be rated or would leave accounts
// without one, naming the field to correct.
func (s *Service) Check(ctx context.Context, m vector.Model) error {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return err
	}
	return check(defs, m)
}

func check(defs turn.Definitions, m vector.Model) error {
	if err := m.Check(defs.Catalogue); err != nil {
		return err
	}
	if len(m.For) > 0 && !slices.ContainsFunc(defs.Models, func(o vector.Model) bool { return o.Name != m.Name && len(o.For) == 0 }) {
		return cairn.Errorf(cairn.Invalid, "No other model rates all accounts. One must be left without conditions.").At("for")
	}
	return nil
}

// with returns the models in force as they would be with another one.
func with(defs turn.Definitions, m vector.Model) vector.Models {
	out := slices.Clone(defs.Models)
	i := slices.IndexFunc(out, func(o vector.Model) bool { return o.Name == m.Name })
	if i < 0 {
		out = append(out, m)
	} else {
		out[i] = m
	}
	var order []string
	for _, o := range defs.Models {
		order = append(order, o.Name)
	}
	return vector.InOrder(out, order)
}

// Publish writes a model on top of revision base (0: it is new). The base line
// of every rule begins anew: nothing fires because a model changed.
func (s *Service) Publish(ctx context.Context, by cairn.Actor, m vector.Model, base int, note string) (Published, error) {
	if err := s.Check(ctx, m); err != nil {
		return Published{}, err
	}
	body, err := json.Marshal(m)
	if err != nil {
		return Published{}, err
	}
	return s.write(ctx, by, m.Name, base, body, note)
}

func (s *Service) write(ctx context.Context, by cairn.Actor, name string, base int, body json.RawMessage, note string) (Published, error) {
	if base == 0 {
		was, err := s.Book.Page(ctx, vector.PageOf(name))
		switch {
		case err != nil && cairn.KindOf(err) != cairn.NotFound:
			return Published{}, err
		case err == nil && !vector.Deleted(was.Body):
			return Published{}, cairn.Errorf(cairn.Conflict, "There is a model %q already, at revision %d.", name, was.Rev).At("name")
		case err == nil:
			base = was.Rev // it was deleted, and comes back
		}
	}
	r, err := s.Book.Write(ctx, by, vector.PageOf(name), base, body, note, s.Now())
	if err != nil {
		return Published{}, err
	}
	if err := s.Changed(ctx); err != nil {
		return Published{}, err
	}
	return published(r)
}

// Restore publishes an earlier revision again, as a new one.
func (s *Service) Restore(ctx context.Context, by cairn.Actor, name string, rev int) (Published, error) {
	all, err := s.Revisions(ctx, name)
	if err != nil {
		return Published{}, err
	}
	i := slices.IndexFunc(all, func(p Published) bool { return p.Rev == rev && len(p.Groups) > 0 })
	if i < 0 {
		return Published{}, cairn.Errorf(cairn.NotFound, "The model %q has no revision %d to go back to.", name, rev).At("rev")
	}
	return s.Publish(ctx, by, all[i].Model, all[0].Rev, fmt.Sprintf("As in revision %d.", rev))
}

// Delete ends a model; its accounts are rated by the next that is for them.
// The last one that rates all accounts is kept.
func (s *Service) Delete(ctx context.Context, by cairn.Actor, name string) error {
	m, err := s.Model(ctx, name)
	if err != nil {
		return err
	}
	defs, err := s.Definitions(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(defs.Models, func(o vector.Model) bool { return o.Name != name && len(o.For) == 0 }) {
		return cairn.Errorf(cairn.Conflict, "No other model rates all accounts, so this one stays.").At("name")
	}
	if _, err := s.Book.Write(ctx, by, vector.PageOf(name), m.Rev, json.RawMessage("null"), "Deleted.", s.Now()); err != nil {
		return err
	}
	return s.Changed(ctx)
}

// Order says in which order an account is held against the models.
func (s *Service) Order(ctx context.Context, by cairn.Actor, names []string) error {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return err
	}
	for i, n := range names {
		if _, ok := defs.Models.Named(n); !ok {
			return cairn.Errorf(cairn.Invalid, "There is no model %q.", n).At(fmt.Sprintf("models.%d", i))
		}
		if slices.Index(names, n) != i {
			return cairn.Errorf(cairn.Invalid, "%s stands twice in the order.", n).At(fmt.Sprintf("models.%d", i))
		}
	}
	body, err := json.Marshal(vector.Order{Models: names})
	if err != nil {
		return err
	}
	was, err := s.Book.Page(ctx, vector.OrderPage)
	if err != nil && cairn.KindOf(err) != cairn.NotFound {
		return err
	}
	if _, err := s.Book.Write(ctx, by, vector.OrderPage, was.Rev, body, "In the order "+strings.Join(names, ", ")+".", s.Now()); err != nil {
		return err
	}
	return s.Changed(ctx)
}

// Text writes a model as people edit it; Parse reads it again.
func Text(m vector.Model) (string, error) { return book.Text(m) }

// Parse reads a model as YAML or JSON. A field that is not known is refused.
func Parse(text string) (vector.Model, error) {
	var m vector.Model
	err := book.Parse(text, &m)
	return m, err
}

// byName compares without regard to case.
func byName(a, b string) int { return cmp.Compare(strings.ToLower(a), strings.ToLower(b)) }
