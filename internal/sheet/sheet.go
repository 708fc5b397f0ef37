// Package sheet writes tables as files: CSV for programs, XLSX for people.
//
// A [Table] says what its columns are and hands over its rows one by one, so
// that a table of a hundred thousand rows takes no more memory than one of a
// hundred. Cells are typed: what is an amount, a share or a day in Cairn is
// one in the sheet too, and can be added up and sorted there. Text is text: a
// name such as "=1+1" is no formula to whoever opens the file.
package sheet

import (
	"iter"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cairn"
)

// A Table is what one file, or one sheet of a workbook, holds.
type Table struct {
	Name    string   // of the sheet, and of the file when it is saved, such as "cohorts"
	Same    []Fact   // what holds for every row, such as the policy: first columns of CSV, the sheet "About" of XLSX
	About   []Fact   // what else that sheet tells, such as when the table was made
	Columns []Column // at least one
	Rows    iter.Seq2[[]Cell, error]
}

// A Fact holds for all rows of a table.
type Fact struct {
	Key  string // as a column of CSV is called: "policy"
	Cell Cell
}

// A Column is one column of a table. The type of what is in it is said by the
// cells.
type Column struct {
	Key   string // as it is called in CSV and JSON: "customers_start"
	Title string // as it is called in XLSX; "": the key in words
	Wide  int    // in characters; 0: as wide as what is in it
}

// Columns returns columns of these keys.
func Columns(keys ...string) []Column {
	var out []Column
	for _, k := range keys {
		out = append(out, Column{Key: k})
	}
	return out
}

// Of returns rows made of the elements of a slice.
func Of[T any](all []T, row func(T) []Cell) iter.Seq2[[]Cell, error] {
	return func(yield func([]Cell, error) bool) {
		for _, x := range all {
			if !yield(row(x), nil) {
				return
			}
		}
	}
}

// title is what a column is called for people.
func (c Column) title() string {
	if c.Title != "" {
		return c.Title
	}
	words := strings.NewReplacer("_", " ", ".", " ").Replace(c.Key)
	first, size := utf8.DecodeRuneInString(words)
	if size == 0 {
		return ""
	}
	return string(unicode.ToUpper(first)) + words[size:]
}

// A kind is the type of a cell.
type kind uint8

const (
	none kind = iota
	text
	number
	money
	percent
	date
)

// A Cell is one typed value. Its zero value is empty, which is not 0.
type Cell struct {
	kind   kind
	digits uint8  // decimals of an amount
	text   string // of text; of anything else the number as XLSX has it
	plain  string // as CSV has it, where that differs
}

// Text returns a cell of text; empty text is an empty cell.
func Text(s string) Cell {
	if s == "" {
		return Cell{}
	}
	return Cell{kind: text, text: s}
}

// Count returns a cell that holds a whole number.
func Count[N ~int | ~int32 | ~int64](n N) Cell {
	return Cell{kind: number, text: strconv.FormatInt(int64(n), 10)}
}

// Number returns a cell that holds any number; nil, and what is no number, is
// an empty cell.
func Number(f *float64) Cell {
	if f == nil || math.IsNaN(*f) || math.IsInf(*f, 0) {
		return Cell{}
	}
	return Cell{kind: number, text: strconv.FormatFloat(*f, 'g', -1, 64)}
}

// Share returns a cell that holds a share: percent for people, the share
// itself for programs. Nil, a share of nothing, is an empty cell.
func Share(f *float64) Cell {
	c := Number(f)
	if c.kind == number {
		c.kind = percent
	}
	return c
}

// Money returns a cell that holds an amount in major units, exactly. The
// currency is not in the cell: name it once for the table.
func Money(m cairn.Money) Cell {
	plain, _, _ := strings.Cut(m.String(), " ")
	return Cell{kind: money, text: plain, digits: uint8(cairn.MinorDigits(m.Currency))}
}

// Date returns a cell that holds a day; day 0 is an empty cell.
func Date(d cairn.Day) Cell {
	if d == 0 {
		return Cell{}
	}
	const epoch = 25569 // days from the one that sheets count from
	return Cell{kind: date, text: strconv.Itoa(int(d) + epoch), plain: d.String()}
}

// Time returns a cell that tells a moment, in UTC, as text.
func Time(t time.Time) Cell {
	if t.IsZero() {
		return Cell{}
	}
	return Text(t.UTC().Format(time.RFC3339))
}

// asText is the cell as CSV has it.
func (c Cell) asText() string {
	switch {
	case c.plain != "":
		return c.plain
	case c.kind == text && formula(c.text):
		return "'" + c.text
	}
	return c.text
}

// formula reports whether a sheet would take text for a formula.
func formula(s string) bool { return s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) }
