package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"cairn"
	"cairn/internal/book"
)

const revisionColumns = `b.page, b.rev, b.at, b.actor, b.note, b.body`

func scanRevision(rows interface{ Scan(...any) error }) (book.Revision, error) {
	var r book.Revision
	var at int64
	var actor, body string
	if err := rows.Scan(&r.Page, &r.Rev, &at, &actor, &r.Note, &body); err != nil {
		return r, err
	}
	r.At, r.Body = cairn.FromMicros(at), json.RawMessage(body)
	return r, json.Unmarshal([]byte(actor), &r.By)
}

// Write adds a revision on top of another; see [book.Store].
func (s *Store) Write(ctx context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (book.Revision, error) {
	switch {
	case by.Kind == "":
		return book.Revision{}, cairn.Errorf(cairn.Forbidden, "Only who is signed in may change the book.")
	case page == "":
		return book.Revision{}, cairn.Errorf(cairn.Invalid, "A page needs a name.").At("page")
	case !json.Valid(body):
		return book.Revision{}, cairn.Errorf(cairn.Invalid, "The body of page %s is not JSON.", page).At("body")
	}
	by.Mail = "" // an address is personal; the book is not
	actor, err := json.Marshal(by)
	if err != nil {
		return book.Revision{}, err
	}
	r := book.Revision{Page: page, Rev: base + 1, At: cairn.FromMicros(cairn.Micros(at)), By: by, Note: note, Body: body}
	err = s.write(ctx, People, func(tx *Tx) error {
		var newest int
		if err := tx.QueryRowContext(ctx, `
			/* book.Write */
			select coalesce(max(rev), 0) from book where page = $1`, page).Scan(&newest); err != nil {
			return err
		}
		added := int64(0)
		if newest == base {
			res, err := tx.ExecContext(ctx, `
				/* book.Write */
				insert into book (page, rev, at, actor, note, body) values ($1, $2, $3, $4, $5, $6)
				on conflict (page, rev) do nothing`, page, r.Rev, cairn.Micros(at), string(actor), note, string(body))
			if err != nil {
				return err
			}
			if added, err = res.RowsAffected(); err != nil {
				return err
			}
		}
		if added == 0 {
			return cairn.Errorf(cairn.Conflict, "Page %s has moved on since revision %d. Look at its newest revision and change that.", page, base).At("rev")
		}
		return nil
	})
	if err == nil {
		s.ring("book")
	}
	return r, err
}

func (s *Store) revision(ctx context.Context, page, query string, args ...any) (book.Revision, error) {
	r, err := scanRevision(s.db.QueryRowContext(ctx, query, args...))
	if errors.Is(err, sql.ErrNoRows) {
		return book.Revision{}, cairn.Errorf(cairn.NotFound, "The book has no page %q.", page).At("page")
	}
	return r, err
}

// Page returns the newest revision of a page; see [book.Store].
func (s *Store) Page(ctx context.Context, page string) (book.Revision, error) {
	return s.revision(ctx, page, `
		/* book.Page */
		select `+revisionColumns+` from book b where b.page = $1 order by b.rev desc limit 1`, page)
}

// PageAt returns the revision that held at t; see [book.Store].
func (s *Store) PageAt(ctx context.Context, page string, t time.Time) (book.Revision, error) {
	return s.revision(ctx, page, `
		/* book.PageAt */
		select `+revisionColumns+` from book b where b.page = $1 and b.at <= $2 order by b.rev desc limit 1`, page, cairn.Micros(t))
}

// Pages returns the newest revisions of pages by name; see [book.Store].
func (s *Store) Pages(ctx context.Context, prefix string) ([]book.Revision, error) {
	return s.revisions(ctx, `
		/* book.Pages */
		select `+revisionColumns+` from book b
		where substr(b.page, 1, $1) = $2 and b.rev = (select max(n.rev) from book n where n.page = b.page)
		order by b.page`, len([]rune(prefix)), prefix)
}

// Revisions returns all revisions of a page, newest first.
func (s *Store) Revisions(ctx context.Context, page string) ([]book.Revision, error) {
	return s.revisions(ctx, `
		/* book.Revisions */
		select `+revisionColumns+` from book b where b.page = $1 order by b.rev desc`, page)
}

func (s *Store) revisions(ctx context.Context, query string, args ...any) ([]book.Revision, error) {
	rows, err := s.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []book.Revision
	for rows.Next() {
		r, err := scanRevision(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
