package ingest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"cairn"
)

// A jsonTable reads one JSON object from each line that is not empty.
type jsonTable struct {
	lines  lines
	number int
}

func (t *jsonTable) columns() []string { return nil }
func (t *jsonTable) separator() byte   { return 0 }

func (t *jsonTable) next() (row, error) {
	for {
		l, err := t.lines.next()
		if err != nil {
			return row{}, err
		}
		t.number++
		text := bytes.TrimSpace(l.text)
		if len(text) == 0 {
			continue
		}
		r := row{number: t.number, raw: text}
		if l.cut {
			r.problem = cairn.Errorf(cairn.Invalid, "The line is longer than %d KiB.", maxRow>>10)
			return r, nil
		}
		r.object, r.problem = rowObject(text)
		return r, nil
	}
}

// rowObject reads one JSON object without the remarks of a rejects file. Numbers
// keep their digits.
func rowObject(text []byte) (map[string]any, *cairn.Error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		var at *json.SyntaxError
		if errors.As(err, &at) {
			return nil, cairn.Errorf(cairn.Invalid, "The line is not JSON at character %d.", at.Offset)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, cairn.Errorf(cairn.Invalid, "The line ends in the middle of its JSON.")
		}
		return nil, cairn.Errorf(cairn.Invalid, "The line is not a JSON object.")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, cairn.Errorf(cairn.Invalid, "The line holds more than one JSON object.")
	}
	if o == nil {
		return nil, cairn.Errorf(cairn.Invalid, "The line is not a JSON object.")
	}
	for _, c := range remarks {
		delete(o, c)
	}
	return o, nil
}
