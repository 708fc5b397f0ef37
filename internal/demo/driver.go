package demo

import (
	"context"
	"slices"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A Door admits records: the front door of a Cairn.
type Door interface {
	Admit(ctx context.Context, src ingest.Source, records []ingest.Record) ([]ingest.Verdict, error)
}

// A Clock is what the Cairn takes for now. It is only ever set forwards.
type Clock interface{ Set(time.Time) }

// A Driver lets a company live: it drives the clock, delivers what happens and
// lets Quillmere's people work off their tasks.
type Driver struct {
	Company *Company
	From    cairn.Day // the first day not yet told; 0: the first day of history
	Door    Door
	Clock   Clock
	// Settle folds what was admitted and takes the turns that are due at now,
	// until nothing is left to do.
	Settle func(ctx context.Context, now time.Time) error
	// OpenTasks are those that are open, and the snoozed whose time has come.
	OpenTasks func(ctx context.Context) ([]cairn.Task, error)
	// Done is told what to remember after each day, and before a day's care
	// when it rescues somebody. After a crash the days since are told again,
	// and are duplicates at the door.
	Done     func(ctx context.Context, m Memory) error
	Progress func(done, total int) // days; may be nil

	Every   int    // days between settles; 0: 7
	Daily   int    // but daily in so many days before the end; 0: 30
	Visitor string // address of the owner whose tasks are left to the visitor

	Now  func() time.Time                           // of the real world; nil: time.Now
	Wait func(context.Context, time.Duration) error // nil: a timer
}

// Sources are the senders of the demo, as the workspace must know them. The
// last is Cairn itself.
func Sources() []ingest.Source {
	var out []ingest.Source
	for _, name := range sources {
		out = append(out, source(name))
	}
	return out
}

func source(name string) ingest.Source {
	return ingest.Source{Name: name, Several: ingest.Unclaimed}
}

// History tells all days up to the end of history, and leaves the clock at its
// end with everything settled. Broken off, it goes on at the day it was at.
func (d *Driver) History(ctx context.Context) error { return d.until(ctx, d.Company.end) }

// CatchUp tells all days up to today, also those after the end of history, and
// leaves the clock at its midnight with everything settled. It comes before
// [Driver.Live], while the stages do not run yet.
func (d *Driver) CatchUp(ctx context.Context) error {
	return d.until(ctx, max(cairn.DayOf(d.now(), time.UTC), d.Company.end))
}

// until tells the days before end, each at its own time.
func (d *Driver) until(ctx context.Context, end cairn.Day) error {
	start := d.Company.start
	d.From = max(d.From, start)
	if d.From >= end {
		d.progress(int(end-start), int(end-start))
		return nil
	}
	if err := d.midnight(ctx, d.From, end); err != nil {
		return err
	}
	for ; d.From < end; d.From++ {
		d.progress(int(d.From-start), int(end-start))
		if err := d.day(ctx, d.From, end); err != nil {
			return err
		}
	}
	d.progress(int(end-start), int(end-start))
	return nil
}

func (d *Driver) progress(done, total int) {
	if d.Progress != nil {
		d.Progress(done, total)
	}
}

// day tells one day and ends it.
func (d *Driver) day(ctx context.Context, day, end cairn.Day) error {
	open, err := d.OpenTasks(ctx)
	if err != nil {
		return err
	}
	if day >= d.Company.end-holiday {
		open = d.others(open)
	}
	care, err := d.care(ctx, open, day)
	if err != nil {
		return err
	}
	for _, b := range merge(d.Company.Day(day), care) {
		d.Clock.Set(b.At)
		if err := d.deliver(ctx, b); err != nil {
			return err
		}
	}
	if err := d.midnight(ctx, day+1, end); err != nil {
		return err
	}
	return d.Done(ctx, d.Company.Memory(day))
}

// midnight begins a day: on some of them everything is derived and decided.
func (d *Driver) midnight(ctx context.Context, day, end cairn.Day) error {
	now := at(day, 0)
	d.Clock.Set(now)
	if !d.settles(day, end) {
		return nil
	}
	return d.Settle(ctx, now)
}

// settles reports whether the midnight at which a day begins is one to settle
// at.
func (d *Driver) settles(day, end cairn.Day) bool {
	every, daily := d.Every, d.Daily
	if every == 0 {
		every = 7
	}
	if daily == 0 {
		daily = 30
	}
	return day >= end-cairn.Day(daily) || int(day-d.Company.start)%every == 0
}

// holiday is how many days before the end of history the one went away as whom
// a visitor signs in, so that there is something to do today.
const holiday = 12

// others are the tasks that are not the visitor's.
func (d *Driver) others(tasks []cairn.Task) []cairn.Task {
	return slices.DeleteFunc(tasks, func(t cairn.Task) bool { return d.Visitor != "" && t.Owner == d.Visitor })
}

// care is what Quillmere's people do about these tasks on a day. A rescue is
// remembered before anybody hears of it, so that a crash cannot undo it.
func (d *Driver) care(ctx context.Context, tasks []cairn.Task, day cairn.Day) ([]Batch, error) {
	before := len(d.Company.Memory(0).Rescued)
	out := d.Company.React(tasks, day)
	if m := d.Company.Memory(day - 1); len(m.Rescued) > before {
		return out, d.Done(ctx, m)
	}
	return out, nil
}

// deliver brings a batch to the door. That some records are refused is part of
// the story.
func (d *Driver) deliver(ctx context.Context, b Batch) error {
	_, err := d.Door.Admit(ctx, source(b.Source), b.Records)
	return err
}

// merge joins two ordered lists of batches in order.
func merge(x, y []Batch) []Batch {
	out := make([]Batch, 0, len(x)+len(y))
	for len(x) > 0 && len(y) > 0 {
		if y[0].At.Before(x[0].At) {
			out, y = append(out, y[0]), y[1:]
		} else {
			out, x = append(out, x[0]), x[1:]
		}
	}
	return append(append(out, x...), y...)
}
