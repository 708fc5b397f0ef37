package ingest

import (
	"bufio"
	"bytes"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"cairn"
)

// A csvTable reads rows with separators as RFC 4180 has them, and also takes
// a quote inside a cell that is not quoted. A quote that is never closed costs
// one row, not the rest of the file: reading goes on at the next line.
type csvTable struct {
	lines  lines
	comma  byte
	names  []string
	kept   []int // for each name its place in the file, without the remarks
	key    int   // where the row's key stands; -1: the file has none
	width  int   // cells of a row in the file
	number int
	fields []byte // of the row being read
	ends   []int
}

func newCSV(in *bufio.Reader) (*csvTable, error) {
	t := &csvTable{lines: lines{in: in}, comma: ','}
	first, err := t.lines.peek()
	if err != nil {
		return nil, err
	}
	t.comma = separatorOf(first.text)
	if mark, ok := bytes.CutPrefix(first.text, []byte("sep=")); ok && len(bytes.TrimRight(mark, "\n")) == 1 {
		t.comma, t.number = mark[0], 1
		_, _ = t.lines.next()
	}
	header, err := t.read()
	if err == io.EOF {
		return nil, cairn.Errorf(cairn.Invalid, "The file has no header.")
	}
	if err != nil {
		return nil, err
	}
	if header.problem != nil {
		return nil, cairn.Errorf(cairn.Invalid, "The header cannot be read. %s", header.problem.Text)
	}
	return t, t.name(header.cells)
}

// name takes the header: every column has a name and no two the same.
func (t *csvTable) name(header []string) error {
	t.width, t.key = len(header), -1
	for i, c := range header {
		c = strings.TrimSpace(c)
		if c == "" {
			c = "column_" + strconv.Itoa(i+1)
		}
		if slices.Contains(remarks, c) {
			if c == rowKey {
				t.key = i
			}
			continue
		}
		if slices.Contains(t.names, c) {
			return cairn.Errorf(cairn.Invalid, "The header names column %q twice.", c).At(c)
		}
		t.names, t.kept = append(t.names, c), append(t.kept, i)
	}
	return nil
}

// separatorOf returns the separator that occurs most often in the header
// outside quotes; a comma when there is none.
func separatorOf(header []byte) byte {
	counts, quoted := map[byte]int{}, false
	for _, c := range header {
		switch {
		case c == '"':
			quoted = !quoted
		case !quoted:
			counts[c]++
		}
	}
	best := byte(',')
	for _, c := range []byte{';', '\t', '|'} {
		if counts[c] > counts[best] {
			best = c
		}
	}
	return best
}

func (t *csvTable) columns() []string { return t.names }
func (t *csvTable) separator() byte   { return t.comma }

func (t *csvTable) next() (row, error) {
	r, err := t.read()
	if err != nil || r.problem != nil {
		return r, err
	}
	if len(r.cells) != t.width {
		r.problem = cairn.Errorf(cairn.Invalid, "The row has %d cells and the header has %d.", len(r.cells), t.width).Coded(CodeJSON)
		r.cells = nil
		return r, nil
	}
	for i, c := range r.cells {
		if !utf8.ValidString(c) {
			r.problem = cairn.Errorf(cairn.Invalid, "The text is not UTF-8. Save the file as UTF-8.").Coded(CodeText)
			if k := slices.Index(t.kept, i); k >= 0 {
				r.problem = r.problem.At(t.names[k])
			}
			r.cells = nil
			return r, nil
		}
	}
	if t.key >= 0 {
		r.key = r.cells[t.key]
	}
	if len(t.kept) != t.width {
		kept := make([]string, len(t.kept))
		for i, k := range t.kept {
			kept[i] = r.cells[k]
		}
		r.cells = kept
	}
	return r, nil
}

// read returns the next row that is not an empty line, whatever its width.
func (t *csvTable) read() (row, error) {
	for {
		first, err := t.lines.next()
		if err != nil {
			return row{}, err
		}
		if len(bytes.TrimRight(first.text, "\n")) == 0 {
			continue
		}
		t.number++
		r := row{number: t.number, raw: first.text}
		if first.cut {
			r.problem = cairn.Errorf(cairn.Invalid, "The row is longer than %d KiB.", maxRow>>10).Coded(CodeLarge)
			return r, nil
		}
		r.problem, err = t.split(&r.raw)
		if err != nil {
			return row{}, err
		}
		if r.problem != nil {
			t.lines.unread()
			r.raw = first.text
			return r, nil
		}
		r.cells = t.cells()
		return r, nil
	}
}

// cells returns what split found, in one piece of memory.
func (t *csvTable) cells() []string {
	all, out, start := string(t.fields), make([]string, len(t.ends)), 0
	for i, end := range t.ends {
		out[i], start = all[start:end], end
	}
	return out
}

// split finds the cells of the row that begins with text, and adds to text
// the lines that it reads because a quoted cell has line breaks.
func (t *csvTable) split(text *[]byte) (problem *cairn.Error, err error) {
	t.fields, t.ends = t.fields[:0], t.ends[:0]
	for rest, more := *text, true; more; {
		if bytes.HasPrefix(rest, []byte{'"'}) {
			if rest, problem, err = t.quoted(rest[1:], text); problem != nil || err != nil {
				return problem, err
			}
			more = len(rest) > 0 && rest[0] == t.comma
			if more {
				rest = rest[1:]
			}
		} else {
			var cell []byte
			if cell, rest, more = bytes.Cut(rest, []byte{t.comma}); !more {
				cell = bytes.TrimSuffix(cell, []byte("\n"))
			}
			t.fields = append(t.fields, cell...)
		}
		t.ends = append(t.ends, len(t.fields))
	}
	return nil, nil
}

// quoted takes a cell whose opening quote has been read and returns what
// follows its closing quote: a separator, a line break or nothing.
func (t *csvTable) quoted(rest []byte, text *[]byte) ([]byte, *cairn.Error, error) {
	for {
		end := bytes.IndexByte(rest, '"')
		if end < 0 {
			t.fields = append(t.fields, rest...)
			next, ok, err := t.lines.more(len(*text))
			if err != nil {
				return nil, nil, err
			}
			if !ok {
				return nil, cairn.Errorf(cairn.Invalid, "A quote is opened and never closed."), nil
			}
			*text = append(*text, next...)
			rest = next
			continue
		}
		t.fields = append(t.fields, rest[:end]...)
		rest = rest[end+1:]
		switch {
		case len(rest) == 0, rest[0] == '\n', rest[0] == t.comma:
			return rest, nil, nil
		case rest[0] != '"':
			return nil, cairn.Errorf(cairn.Invalid, "A quote inside a quoted cell is not doubled."), nil
		}
		t.fields = append(t.fields, '"')
		rest = rest[1:]
	}
}

// lines reads line by line and can put back those that were read on trial.
type lines struct {
	in   *bufio.Reader
	held []line // put back, next first
	past []line // read by more since the last next
	err  error
}

// A line ends with "\n" unless it is the last and has none; "\r\n" has
// become "\n". One that is cut was longer than maxRow and its tail is gone.
type line struct {
	text []byte
	cut  bool
}

// next returns the next line, or io.EOF.
func (l *lines) next() (line, error) {
	l.past = l.past[:0]
	return l.take()
}

// more returns the line after those read since next, and false when there is
// none or when the row, which has so many bytes, would become too long.
func (l *lines) more(have int) ([]byte, bool, error) {
	if have > maxRow {
		return nil, false, nil
	}
	n, err := l.take()
	if err == io.EOF {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	l.past = append(l.past, n)
	return n.text, !n.cut, nil
}

// unread puts back all lines that more returned.
func (l *lines) unread() {
	l.held = append(slices.Clone(l.past), l.held...)
	l.past = l.past[:0]
}

func (l *lines) take() (line, error) {
	if len(l.held) > 0 {
		n := l.held[0]
		l.held = l.held[1:]
		return n, nil
	}
	if l.err != nil {
		return line{}, l.err
	}
	return l.fetch()
}

func (l *lines) fetch() (n line, err error) {
	for {
		part, err := l.in.ReadSlice('\n')
		if room := maxRow - len(n.text); len(part) > room {
			part, n.cut = part[:room], true
		}
		n.text = append(n.text, part...)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF:
			if l.err = io.EOF; len(n.text) == 0 {
				return n, io.EOF
			}
			n.text = bytes.TrimSuffix(n.text, []byte("\r"))
		case err != nil:
			l.err = unreadable(err)
			return n, l.err
		case bytes.HasSuffix(n.text, []byte("\r\n")):
			n.text = append(n.text[:len(n.text)-2], '\n')
		}
		return n, nil
	}
}

// peek returns the first line without taking it.
func (l *lines) peek() (line, error) {
	n, err := l.next()
	if err == nil {
		l.held = append([]line{n}, l.held...)
	}
	return n, err
}
