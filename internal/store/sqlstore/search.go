package sqlstore

import (
	"context"
	"strings"
	"unicode"

	"cairn"
)

const (
	maxTokens    = 20 // words kept of one account or person
	maxTokenSize = 64 // bytes kept of one word
	endOfWords   = "\xff"
)

// tokens returns the different lower-case words of texts, at most maxTokens.
// A word with an @ is kept whole, and its parts are words too.
func tokens(texts ...string) []string {
	var out []string
	have := map[string]bool{}
	add := func(w string) {
		w = cut(w)
		if w != "" && !have[w] && len(out) < maxTokens {
			have[w] = true
			out = append(out, w)
		}
	}
	for _, text := range texts {
		for _, field := range strings.Fields(strings.ToLower(text)) {
			if strings.Contains(field, "@") {
				add(strings.Trim(field, `<>,;"'()`))
			}
			for _, w := range words(field) {
				add(w)
			}
		}
	}
	return out
}

// searched returns the words of what somebody typed, each of which must begin
// a token. An address stays whole.
func searched(text string) []string {
	var out []string
	for _, field := range strings.Fields(strings.ToLower(text)) {
		if strings.Contains(field, "@") {
			out = append(out, cut(field))
			continue
		}
		for _, w := range words(field) {
			out = append(out, cut(w))
		}
	}
	return out
}

func words(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) })
}

func cut(w string) string {
	if len(w) > maxTokenSize {
		return w[:maxTokenSize]
	}
	return w
}

// putTokens makes the words of texts, and no others, what an account or a
// person is found by. It writes only what differs from before.
func putTokens(ctx context.Context, tx *Tx, what string, id cairn.ID, texts ...string) error {
	had := map[string]bool{}
	rows, err := tx.QueryContext(ctx, `
		/* putTokens */
		select word from token where id = $1 and what = $2`, id, what)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var w []byte
		if err := rows.Scan(&w); err != nil {
			return err
		}
		had[string(w)] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, w := range tokens(texts...) {
		if had[w] {
			delete(had, w)
			continue
		}
		if _, err := tx.ExecContext(ctx, `
			/* putTokens */
			insert into token (word, what, id) values ($1, $2, $3)`, []byte(w), what, id); err != nil {
			return err
		}
	}
	for w := range had {
		if _, err := tx.ExecContext(ctx, `
			/* putTokens */
			delete from token where word = $1 and what = $2 and id = $3`, []byte(w), what, id); err != nil {
			return err
		}
	}
	return nil
}

// found adds a condition that each word of text begins a token of the account
// or of one of its people.
func (q *statement) found(text, account string) {
	for _, w := range searched(text) {
		from, to := []byte(w), []byte(w+endOfWords)
		q.add(` and `+account+` in (
			select id from token where word >= ? and word < ? and what = 'account'
			union
			select i.holder from token t join member b on b.person = t.id join identity i on i.id = b.account
			where t.word >= ? and t.word < ? and t.what = 'person')`, from, to, from, to)
	}
}
