package ingest

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"strconv"
	"strings"

	"cairn"
)

// A rejectWriter writes refused rows as they were, with why, so that they can
// be mended in place and imported again.
type rejectWriter struct {
	file  io.WriteCloser
	path  string
	width int         // columns of the file
	csv   *csv.Writer // nil: JSON lines
	json  *bufio.Writer
}

func newRejects(open func(ext string) (io.WriteCloser, string, error), t table) (*rejectWriter, error) {
	ext := FormatCSV
	if t.separator() == 0 {
		ext = FormatNDJSON
	}
	file, path, err := open(ext)
	if err != nil {
		return nil, err
	}
	w := &rejectWriter{file: file, path: path, width: len(t.columns())}
	if t.separator() == 0 {
		w.json = bufio.NewWriter(file)
		return w, nil
	}
	w.csv = csv.NewWriter(file)
	w.csv.Comma = rune(t.separator())
	return w, unwritable(w.csv.Write(append(t.columns()[:w.width:w.width], remarks...)))
}

func unwritable(err error) error {
	if err == nil {
		return nil
	}
	return cairn.Errorf(cairn.Unavailable, "The file of rejected rows cannot be written.").Because(err)
}

func (w *rejectWriter) write(r row, x Refusal, key string) error {
	if w.csv == nil {
		return w.writeJSON(r, x, key)
	}
	cells := append([]string(nil), r.cells...)
	if r.cells == nil {
		// It could not be split into cells: it stands whole in the first.
		cells = make([]string, w.width)
		if w.width > 0 {
			cells[0] = strings.TrimRight(string(r.raw), "\r\n")
		}
	}
	return unwritable(w.csv.Write(append(cells, strconv.Itoa(x.Row), x.Field, x.Reason, key)))
}

func (w *rejectWriter) writeJSON(r row, x Refusal, key string) error {
	o := maps.Clone(r.object)
	if o == nil {
		o = map[string]any{"_line": string(r.raw)}
	}
	o["_row"], o["_field"], o["_reason"], o[rowKey] = x.Row, x.Field, x.Reason, key
	b, err := json.Marshal(o)
	if err != nil {
		return unwritable(err)
	}
	_, err = w.json.Write(append(b, '\n'))
	return unwritable(err)
}

// close ends the file; w may be nil.
func (w *rejectWriter) close() error {
	if w == nil {
		return nil
	}
	var err error
	if w.csv != nil {
		w.csv.Flush()
		err = w.csv.Error()
	} else {
		err = w.json.Flush()
	}
	if closing := w.file.Close(); err == nil {
		err = closing
	}
	return unwritable(err)
}
