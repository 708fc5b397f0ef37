package app

import (
	"context"
	"encoding/json"
	"time"

	"cairn/internal/ingest"
)

// Check answers as Admit would, but for duplicates, and admits nothing.
var Check = Op[Delivery, []ingest.Verdict]{"check", func(ctx context.Context, h House, d Delivery, _ func(Progress)) ([]ingest.Verdict, error) {
	d.Source.File = d.File
	return h.Door.Check(ctx, d.Source, d.Records)
}}

// A Told is what time it is in the workspace, and in which zone.
type Told struct {
	Now  time.Time `json:"now"`
	Zone string    `json:"zone"` // such as "Europe/Paris"
}

// Clocks tells the time.
var Clocks = Op[None, Told]{"clock", func(_ context.Context, h House, _ None, _ func(Progress)) (Told, error) {
	c := Told{Now: h.Now(), Zone: time.UTC.String()}
	if h.Zone != nil {
		c.Zone = h.Zone().String()
	}
	return c, nil
}}

// Memos remember things by name; "" forgets one.
type Memos interface {
	Memo(ctx context.Context, name string) (string, error)
	Remember(ctx context.Context, name, body string) error
}

// An ImportMark is how far the import of one file is taken for good. File is
// what the file is known by, whatever it is called and wherever it lies.
type ImportMark struct {
	File string
	Mark ingest.Mark // zero: none, or forget it
}

// ImportFrom returns where an import of the file was broken off.
var ImportFrom = Op[string, ingest.Mark]{"import_from", func(ctx context.Context, h House, file string, _ func(Progress)) (m ingest.Mark, err error) {
	body, err := h.Memos.Memo(ctx, "import/"+file)
	if err != nil || body == "" {
		return m, err
	}
	return m, json.Unmarshal([]byte(body), &m)
}}

// ImportReached remembers how far the import of a file is taken.
var ImportReached = Op[ImportMark, None]{"import_reached", func(ctx context.Context, h House, in ImportMark, _ func(Progress)) (None, error) {
	if in.Mark == (ingest.Mark{}) {
		return None{}, h.Memos.Remember(ctx, "import/"+in.File, "")
	}
	body, err := json.Marshal(in.Mark)
	if err != nil {
		return None{}, err
	}
	return None{}, h.Memos.Remember(ctx, "import/"+in.File, string(body))
}}
