package sqlstore

import (
	"encoding/base64"
	"encoding/json"
	"iter"
	"strconv"
	"strings"

	"cairn"
)

// A statement is a text that grows together with its parameters.
type statement struct {
	text strings.Builder
	args []any
}

// add appends text, in which each ? becomes the number of the next of args.
func (q *statement) add(text string, args ...any) {
	for _, a := range args {
		before, after, _ := strings.Cut(text, "?")
		q.args = append(q.args, a)
		q.text.WriteString(before + "$" + strconv.Itoa(len(q.args)))
		text = after
	}
	q.text.WriteString(text)
}

func (q *statement) String() string { return q.text.String() }

// within adds a condition that holds for the accounts that the scope sees.
func (q *statement) within(scope cairn.Scope, column string) {
	if scope.All {
		q.add("1 = 1")
		return
	}
	in(q, column, scope.Accounts)
}

// whole adds a condition that holds when the scope is everything: for what
// belongs to no account.
func (q *statement) whole(scope cairn.Scope) {
	if scope.All {
		q.add("1 = 1")
		return
	}
	q.add("1 = 0")
}

// in adds a condition that column is one of values.
func in[T any](q *statement, column string, values []T) {
	if len(values) == 0 {
		q.add("1 = 0")
		return
	}
	args := make([]any, len(values))
	for i, v := range values {
		args[i] = v
	}
	q.add(column+" in (?"+strings.Repeat(", ?", len(values)-1)+")", args...)
}

// A chunk is a part of many values that one statement asks for. Texts differ
// by the size of a chunk only, of which there are few, so that all are parsed
// once; the last value fills what is too much.
type chunk struct{ args []any }

var chunkSizes = []int{1, 4, 16, 64}

// inChunks goes through values chunk by chunk.
func inChunks[T any](values []T, arg func(T) any) iter.Seq[chunk] {
	return func(yield func(chunk) bool) {
		for len(values) > 0 {
			size := chunkSizes[len(chunkSizes)-1]
			for _, n := range chunkSizes {
				if n >= len(values) {
					size = n
					break
				}
			}
			args := make([]any, size)
			for i := range args {
				args[i] = arg(values[min(i, len(values)-1)])
			}
			if !yield(chunk{args}) {
				return
			}
			values = values[min(size, len(values)):]
		}
	}
}

// marks writes the chunk's parameters from $first on.
func (c chunk) marks(first int) string {
	b := make([]byte, 0, 6*len(c.args))
	for i := range c.args {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = strconv.AppendInt(append(b, '$'), int64(first+i), 10)
	}
	return string(b)
}

// limit returns n within 1 and most, and usual for 0.
func limit(n, usual, most int) int {
	if n <= 0 {
		return usual
	}
	return min(n, most)
}

// encodeCursor makes an opaque text of a place in a list.
func encodeCursor(v any) string {
	b, _ := json.Marshal(v) // plain structs of ours
	return base64.RawURLEncoding.EncodeToString(b)
}

// decodeCursor reads what encodeCursor wrote.
func decodeCursor(text string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		err = json.Unmarshal(b, v)
	}
	if err != nil {
		return errCursor.Because(err)
	}
	return nil
}

var errCursor = cairn.Errorf(cairn.Invalid, "This is not the cursor of a page of this list. Start again from the first page.").At("cursor")
