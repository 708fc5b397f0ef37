package ingest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/expr"
)

// A cell is where one value of a record comes from. A nil cell gives nothing.
type cell struct {
	label   string // what an error calls it: the column, else the field
	column  string
	index   int // of the column among the cells of the row; -1: none
	fixed   any
	program *expr.Program
	split   string
	as      string
	dates   dateReader
	zone    *time.Location
	comma   bool // "," separates the decimals
	clear   bool // an empty cell clears the field
	max     bool // a time to come is now
}

// raw returns what stands there, and nil when nothing does.
func (c *cell) raw(in *reading) (any, *cairn.Error) {
	switch {
	case c == nil:
		return nil, nil
	case c.program != nil:
		v, err := c.program.Value(in.variables())
		if err != nil {
			return nil, cairn.Errorf(cairn.Invalid, "%s", cairn.TextOf(err)).At(c.label)
		}
		return v, nil
	case c.column == "":
		return c.fixed, nil
	case in.row.object != nil:
		return lookUp(in.row.object, c.column), nil
	case c.index < 0:
		return nil, nil
	}
	s := strings.TrimSpace(in.row.cells[c.index])
	if s == "" {
		return nil, nil
	}
	return s, nil
}

// lookUp finds a member of an object, or of an object in it by a path with dots.
func lookUp(o map[string]any, path string) any {
	if v, ok := o[path]; ok {
		return v
	}
	head, tail, ok := strings.Cut(path, ".")
	if !ok {
		return nil
	}
	inner, ok := o[head].(map[string]any)
	if !ok {
		return nil
	}
	return lookUp(inner, tail)
}

func (c *cell) text(in *reading) (string, *cairn.Error) {
	v, problem := c.raw(in)
	if v == nil || problem != nil {
		return "", problem
	}
	switch v := v.(type) {
	case bool:
		return strconv.FormatBool(v), nil
	case time.Time:
		return v.Format(time.RFC3339Nano), nil
	case uint64:
		return strconv.FormatUint(v, 10), nil
	}
	s, ok := textOf(v)
	if !ok {
		return "", c.wrong(CodeText, "This is a list or an object where a text is needed.")
	}
	return s, nil
}

func (c *cell) wrong(code, format string, args ...any) *cairn.Error {
	return cairn.Errorf(cairn.Invalid, format, args...).At(c.label).Coded(code)
}

func (c *cell) truth(in *reading) (bool, *cairn.Error) {
	v, problem := c.raw(in)
	if v == nil || problem != nil {
		return false, problem
	}
	b, ok := truthOf(v)
	if !ok {
		return false, c.wrong(CodeValue, "This is neither true nor false.")
	}
	return b, nil
}

func truthOf(v any) (bool, bool) {
	if b, ok := v.(bool); ok {
		return b, true
	}
	s, _ := textOf(v)
	switch strings.ToLower(s) {
	case "true", "yes", "y", "t", "1":
		return true, true
	case "false", "no", "n", "f", "0":
		return false, true
	}
	return false, false
}

// count returns how often a row counts: once when nothing is said.
func (c *cell) count(in *reading) (int64, *cairn.Error) {
	s, problem := c.text(in)
	if problem != nil || s == "" {
		return 1, problem
	}
	n, err := strconv.ParseFloat(s, 64)
	if err != nil || n < 0 || n > 1e12 || n != float64(int64(n)) {
		return 0, c.wrong(CodeNumber, "%q is not a whole number of 0 or more.", cut(s, 40))
	}
	return int64(n), nil
}

// moment returns a time, and false when there is none.
func (c *cell) moment(in *reading) (dated, bool, *cairn.Error) {
	v, problem := c.raw(in)
	if v == nil || problem != nil {
		return dated{}, false, problem
	}
	d, problem := c.dateOf(v)
	return d, true, problem
}

func (c *cell) dateOf(v any) (dated, *cairn.Error) {
	if t, ok := v.(time.Time); ok {
		return dated{t: t.UTC()}, nil
	}
	s, ok := textOf(v)
	if ok {
		if d, ok := c.dates(s, c.zone); ok {
			return d, nil
		}
	}
	if _, day := namedDay(s, c.zone); day {
		return dated{}, c.wrong(CodeDate, "%q could be day first or month first. Say which in a mapping: date: dmy, or date: mdy.", cut(s, 40))
	}
	return dated{}, c.wrong(CodeDate, "%q is not a date in a form that is read here.", cut(s, 40))
}

func namedDay(s string, z *time.Location) (dated, bool) {
	r, err := forms{"dmy", "mdy"}.compile()
	if err != nil {
		return dated{}, false
	}
	return r(s, z)
}

// put gives the field what the cell holds. Nothing is left alone, unless an
// empty cell is said to clear.
func (c *cell) put(in *reading, field string, to map[string]any) *cairn.Error {
	v, problem := c.raw(in)
	if problem != nil {
		return problem
	}
	if v == nil {
		if c.clear || in.isNull(c) {
			to[field] = nil
		}
		return nil
	}
	if v, problem = c.convert(v, in.row.object == nil && c.column != ""); problem == nil {
		to[field] = v
	}
	return problem
}

// isNull reports whether a JSON object says null, which clears.
func (in *reading) isNull(c *cell) bool {
	if in.row.object == nil || c.column == "" {
		return false
	}
	v, there := in.row.object[c.column]
	return there && v == nil
}

// convert returns v as the type that is asked for, or, when it was written as
// text in a table, as what it looks like.
func (c *cell) convert(v any, written bool) (any, *cairn.Error) {
	if s, ok := v.(string); ok && c.split != "" {
		parts := []any{}
		for p := range strings.SplitSeq(s, c.split) {
			if p = strings.TrimSpace(p); p != "" {
				parts = append(parts, p)
			}
		}
		return parts, nil
	}
	switch c.as {
	case "text":
		s, ok := textOf(v)
		if !ok {
			return v, nil
		}
		return s, nil
	case "date":
		d, problem := c.dateOf(v)
		if problem != nil {
			return nil, problem
		}
		return d.String(), nil
	case "bool":
		b, ok := truthOf(v)
		if !ok {
			return nil, c.wrong(CodeValue, "This is neither true nor false.")
		}
		return b, nil
	case "number":
		n, ok := c.number(v)
		if !ok {
			s, _ := textOf(v)
			return nil, c.wrong(CodeNumber, "%q is not a number.", cut(s, 40))
		}
		return n, nil
	}
	if written {
		return c.guess(v), nil
	}
	if t, ok := v.(time.Time); ok {
		return t.Format(time.RFC3339Nano), nil
	}
	return v, nil
}

// number reads a decimal number exactly.
func (c *cell) number(v any) (json.Number, bool) {
	s, ok := textOf(v)
	if !ok {
		return "", false
	}
	if _, text := v.(string); text && c.comma {
		s = strings.Replace(strings.ReplaceAll(s, ".", ""), ",", ".", 1)
	}
	s = strings.TrimPrefix(s, "+")
	if !decimal(s) {
		return "", false
	}
	// JSON knows no leading zeros.
	sign, digits := "", s
	if strings.HasPrefix(s, "-") {
		sign, digits = "-", s[1:]
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" || digits[0] == '.' {
		digits = "0" + digits
	}
	return json.Number(sign + digits), true
}

var looksNumber = regexp.MustCompile(`^-?(0|[1-9]\d{0,14})(\.\d{1,9})?$`)

// guess tells numbers and truth values from text. What begins with a zero or
// has more digits than a number holds is an id and stays text.
func (c *cell) guess(v any) any {
	s, ok := v.(string)
	if !ok {
		return v
	}
	switch strings.ToLower(s) {
	case "true":
		return true
	case "false":
		return false
	}
	n := s
	if c.comma {
		n = strings.Replace(n, ",", ".", 1)
	}
	if looksNumber.MatchString(n) {
		return json.Number(n)
	}
	return s
}

// typeOf returns how a field of the vocabulary is read from a file; the door
// checks the rest.
func typeOf(kind cairn.EventKind, field string) string {
	if !kind.IsRecord() {
		return ""
	}
	_, known := vocabulary[kind][field]
	switch {
	case !known:
		return ""
	case slices.Contains(dateFields, field):
		return "date"
	case slices.Contains(numberFields, field):
		return "number"
	}
	return "text"
}

// Of the vocabulary, in every kind of record that has them.
var (
	dateFields   = []string{"created_at", "start", "renews", "end", "cancelled_at", "issued", "due", "paid_at", "opened", "closed", "answered", "on", "asked_on"}
	numberFields = []string{"mrr", "amount", "score", "seats", "failed_payments", "reopened"}
)
