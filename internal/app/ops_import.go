package app

import (
	"context"
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
