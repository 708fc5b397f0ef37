package storetest

import (
	"encoding/json"
	"sync"
	"testing"

	"cairn"
	"cairn/internal/book"
)

// Book is the contract of book.Store.
func Book(t *testing.T, open Opener) {
	s := open(t)
	t.Run("APageIsItsRevisions", func(t *testing.T) { pages(t, s) })
	t.Run("OfTwoWhoChangeARevisionOneWins", func(t *testing.T) { race(t, s) })
	t.Run("WhatIsNotAPageIsRefused", func(t *testing.T) { notAPage(t, s) })
}

var author = cairn.Actor{Kind: cairn.ByPerson, ID: "1", Name: "Ann", Mail: "ann@example.com"}

func pages(t *testing.T, s book.Store) {
	ctx := t.Context()
	write := func(page string, base int, body string, day int) book.Revision {
		t.Helper()
		return must(s.Write(ctx, author, page, base, json.RawMessage(body), "because", days(day)))(t)
	}
	one := write("rule/a", 0, `{"below": 40}`, 9)
	two := write("rule/a", 1, `{"below": 50}`, 5)
	b := write("rule/b", 0, `[]`, 7)
	write("rulebook", 0, `1`, 7)

	quiet := author
	quiet.Mail = ""
	same(t, "what was written", book.Revision{Page: "rule/a", Rev: 2, At: days(5), By: quiet, Note: "because", Body: json.RawMessage(`{"below": 50}`)}, two)
	same(t, "newest", two, must(s.Page(ctx, "rule/a"))(t))
	same(t, "at the moment it began", two, must(s.PageAt(ctx, "rule/a", days(5)))(t))
	same(t, "before it", one, must(s.PageAt(ctx, "rule/a", days(6)))(t))
	same(t, "all", []book.Revision{two, one}, must(s.Revisions(ctx, "rule/a"))(t))
	same(t, "by the beginning of the name", []book.Revision{two, b}, must(s.Pages(ctx, "rule/"))(t))
	same(t, "no pattern", 0, len(must(s.Pages(ctx, "rule_"))(t)))

	_, err := s.PageAt(ctx, "rule/a", days(10))
	wantKind(t, err, cairn.NotFound)
	_, err = s.Page(ctx, "rule/c")
	wantKind(t, err, cairn.NotFound)
	for _, base := range []int{0, 1, 3} {
		_, err = s.Write(ctx, author, "rule/a", base, json.RawMessage(`{}`), "", noon)
		wantKind(t, err, cairn.Conflict)
	}
}

func race(t *testing.T, s book.Store) {
	var wg sync.WaitGroup
	errs := make(chan error, 8)
	for range cap(errs) {
		wg.Go(func() {
			_, err := s.Write(t.Context(), author, "model/raced", 0, json.RawMessage(`{}`), "", noon)
			errs <- err
		})
	}
	wg.Wait()
	close(errs)
	won := 0
	for err := range errs {
		if err == nil {
			won++
		} else {
			wantKind(t, err, cairn.Conflict)
		}
	}
	same(t, "winners", 1, won)
	same(t, "revisions", 1, len(must(s.Revisions(t.Context(), "model/raced"))(t)))
}

func notAPage(t *testing.T, s book.Store) {
	for _, c := range []struct {
		by         cairn.Actor
		page, body string
		want       cairn.Kind
	}{
		{cairn.Actor{}, "settings", `{}`, cairn.Forbidden},
		{author, "", `{}`, cairn.Invalid},
		{author, "settings", `{`, cairn.Invalid},
		{author, "settings", ``, cairn.Invalid},
	} {
		_, err := s.Write(t.Context(), c.by, c.page, 0, json.RawMessage(c.body), "", noon)
		wantKind(t, err, c.want)
	}
}
