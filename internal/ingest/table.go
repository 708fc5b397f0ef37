package ingest

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"path"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/klauspost/compress/zstd"

	"cairn"
)

// maxRow is how many bytes one row of a file may have.
const maxRow = 1 << 20

// A row is one row of a file. Exactly one of cells and object is set, unless
// problem says why the row could not be read.
type row struct {
	number  int            // as a spreadsheet counts: the header, if there is one, is row 1
	cells   []string       // parallel to the columns of the table
	object  map[string]any // of a file of JSON objects
	raw     []byte         // as it stands in the file
	problem *cairn.Error
	key     string // what the ids of its records are made of, where they have none; see [plan.key]
}

// A table is a file of rows, read once from its start in constant memory.
type table interface {
	// columns are the names in the header; nil when every row has its own.
	columns() []string
	// next returns io.EOF after the last row. A row that cannot be read has a
	// problem; an error ends the file.
	next() (row, error)
	// separator is what stands between the cells; 0 when there are none.
	separator() byte
}

// Formats of files.
const (
	FormatCSV    = "csv"
	FormatNDJSON = "ndjson"
)

// remarks are the columns that a file of rejected rows has besides its own.
// When it is imported again they are ignored, but for the last: by it the
// records of a mended row keep their ids, so that those of them that were taken
// the first time are not taken twice.
var remarks = []string{"_row", "_field", "_reason", rowKey}

const rowKey = "_row_key"

// openTable finds out what r holds: gzip, Zstandard or neither, which encoding of text, and,
// unless format says so, whether it is a table with separators or JSON lines.
func openTable(name, format string, r io.Reader) (table, error) {
	name = strings.ToLower(path.Base(name))
	text, err := openText(r)
	if err != nil {
		return nil, err
	}
	start, err := text.Peek(4096)
	if err != nil && err != io.EOF {
		return nil, unreadable(err)
	}
	if len(bytes.TrimSpace(start)) == 0 && err == io.EOF {
		return nil, cairn.Errorf(cairn.Invalid, "The file is empty.")
	}
	if format == "" {
		if format, err = formatOf(strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), ".zst"), start); err != nil {
			return nil, err
		}
	}
	switch format {
	case FormatCSV:
		return newCSV(text)
	case FormatNDJSON:
		return &jsonTable{lines: lines{in: text}}, nil
	}
	return nil, cairn.Errorf(cairn.Invalid, "%q is not a format: csv or ndjson is needed.", format)
}

func formatOf(name string, start []byte) (string, error) {
	start = bytes.TrimSpace(start)
	switch ext := path.Ext(name); {
	case len(start) > 0 && start[0] == '[' && ext != ".csv" && ext != ".tsv":
		return "", cairn.Errorf(cairn.Invalid, "The file is one JSON array. Write one object to a line (jq -c '.[]').")
	case ext == ".ndjson", ext == ".jsonl", ext == ".json":
		return FormatNDJSON, nil
	case ext != ".csv" && ext != ".tsv" && len(start) > 0 && start[0] == '{':
		return FormatNDJSON, nil
	}
	return FormatCSV, nil
}

// openText returns the text of r as UTF-8 without a byte order mark.
func openText(r io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(r, 64<<10)
	magic, _ := in.Peek(4)
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		z, err := gzip.NewReader(in)
		if err != nil {
			return nil, unreadable(err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
		magic, _ = in.Peek(4)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		z, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		if err != nil {
			return nil, unreadable(err)
		}
		in = bufio.NewReaderSize(z, 64<<10)
		magic, _ = in.Peek(4)
	case bytes.HasPrefix(magic, []byte("PK\x03\x04")):
		return nil, cairn.Errorf(cairn.Invalid, "The file is a zip archive, perhaps a spreadsheet. Save it as CSV.")
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0xef, 0xbb, 0xbf}):
		_, _ = in.Discard(3)
	case bytes.HasPrefix(magic, []byte{0xff, 0xfe}):
		_, _ = in.Discard(2)
		return bufio.NewReaderSize(&utf16Reader{in: in, order: binary.LittleEndian}, 64<<10), nil
	case bytes.HasPrefix(magic, []byte{0xfe, 0xff}):
		_, _ = in.Discard(2)
		return bufio.NewReaderSize(&utf16Reader{in: in, order: binary.BigEndian}, 64<<10), nil
	}
	return in, nil
}

// unreadable says that the bytes of a file could not be had.
func unreadable(err error) error {
	return cairn.Errorf(cairn.Invalid, "The file cannot be read to its end: it is damaged, cut short or not accessible.").Because(err)
}

// A utf16Reader turns UTF-16 into UTF-8.
type utf16Reader struct {
	in    *bufio.Reader
	order binary.ByteOrder
	out   []byte // of a character that did not fit
}

func (u *utf16Reader) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(u.out) == 0 {
			c, err := u.char()
			if err != nil {
				if n > 0 {
					return n, nil
				}
				return 0, err
			}
			u.out = utf8.AppendRune(u.out[:0], c)
		}
		k := copy(p[n:], u.out)
		n, u.out = n+k, u.out[k:]
	}
	return n, nil
}

func (u *utf16Reader) char() (rune, error) {
	c, err := u.unit()
	if err != nil || !utf16.IsSurrogate(c) {
		return c, err
	}
	low, err := u.unit()
	if err != nil {
		return 0, err
	}
	return utf16.DecodeRune(c, low), nil
}

func (u *utf16Reader) unit() (rune, error) {
	var b [2]byte
	if _, err := io.ReadFull(u.in, b[:]); err != nil {
		return 0, err
	}
	return rune(u.order.Uint16(b[:])), nil
}
