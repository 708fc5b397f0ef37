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
			r.problem = cairn.Errorf(cairn.Invalid, "The line is longer than %d KiB.", maxRow>>10).Coded(CodeLarge)
			return r, nil
		}
		r.object, r.problem = rowObject(text)
		r.key, _ = r.object[rowKey].(string)
		for _, c := range remarks {
			delete(r.object, c)
		}
		return r, nil
	}
}

// rowObject reads one JSON object. Numbers keep their digits.
func rowObject(text []byte) (map[string]any, *cairn.Error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var o map[string]any
	if err := d.Decode(&o); err != nil {
		var at *json.SyntaxError
		if errors.As(err, &at) {
			return nil, cairn.Errorf(cairn.Invalid, "The line is not JSON at character %d.", at.Offset).Coded(CodeJSON)
		}
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return nil, cairn.Errorf(cairn.Invalid, "The line ends in the middle of its JSON.").Coded(CodeJSON)
		}
		return nil, cairn.Errorf(cairn.Invalid, "The line is not a JSON object.").Coded(CodeJSON)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, cairn.Errorf(cairn.Invalid, "The line holds more than one JSON object.").Coded(CodeJSON)
	}
	if o == nil {
		return nil, cairn.Errorf(cairn.Invalid, "The line is not a JSON object.").Coded(CodeJSON)
	}
	return o, nil
}
