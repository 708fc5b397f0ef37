package demo

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// How often something happens while the company lives in real time: often in
// the first minutes, when somebody is likely to look, and then so that a
// visitor sees something move soon without a day holding much more than a day.
const (
	brisk    = 12 * time.Second
	briskFor = 10 * time.Minute
	calm     = 75 * time.Second
)

// Live goes on in real time until ctx ends. It never sets the clock, which by
// now follows the real time, and leaves settling to the stages that run. Of
// today, what has happened by now is told at once; what is still to come is
// brought forward, so that something always happens soon.
func (d *Driver) Live(ctx context.Context) error {
	began := d.now()
	d.From = max(d.From, d.Company.start)
	for ctx.Err() == nil {
		today := max(cairn.DayOf(d.now(), time.UTC), d.Company.end)
		for ; d.From < today; d.From++ {
			if err := d.missed(ctx, d.From); err != nil {
				return err
			}
		}
		if err := d.today(ctx, today, began); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// missed tells a day through which this machine slept, all at once.
func (d *Driver) missed(ctx context.Context, day cairn.Day) error {
	if err := d.deliverAll(ctx, d.Company.Day(day)); err != nil {
		return err
	}
	return d.Done(ctx, d.Company.Memory(day))
}

func (d *Driver) deliverAll(ctx context.Context, batches []Batch) error {
	for _, b := range batches {
		if err := d.deliver(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// passing reports whether the door may well open again, as when a disk is full
// for a while: then the same is delivered later.
func passing(err error) bool {
	switch cairn.KindOf(err) {
	case cairn.Busy, cairn.TooMany, cairn.Unavailable:
		return true
	}
	return false
}

func (d *Driver) now() time.Time {
	if d.Now != nil {
		return d.Now().UTC()
	}
	return time.Now().UTC()
}

func (d *Driver) wait(ctx context.Context, t time.Duration) error {
	if d.Wait != nil {
		return d.Wait(ctx, t)
	}
	timer := time.NewTimer(t)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// today lives through one day in real time, and returns when it is over.
func (d *Driver) today(ctx context.Context, day cairn.Day, began time.Time) error {
	queue, err := d.todays(ctx, day)
	if err != nil {
		return err
	}
	for {
		now := d.now()
		if cairn.DayOf(now, time.UTC) > day {
			d.From = day + 1
			return d.Done(ctx, d.Company.Memory(day))
		}
		batches, left := d.next(queue, now, day)
		switch err := d.deliverAll(ctx, batches); {
		case err == nil:
			queue = left
		case !passing(err):
			return err
		}
		pace := calm
		if now.Sub(began) < briskFor {
			pace = brisk
		}
		if err := d.wait(ctx, pace); err != nil {
			return err
		}
	}
}

// todays is everything that happens today, one by one in order. The visitor's
// own tasks are left to the visitor.
func (d *Driver) todays(ctx context.Context, day cairn.Day) ([]delivery, error) {
	open, err := d.OpenTasks(ctx)
	if err != nil {
		return nil, err
	}
	care, err := d.care(ctx, d.others(open), day)
	if err != nil {
		return nil, err
	}
	var queue []delivery
	for _, b := range merge(d.Company.Day(day), care) {
		for _, r := range b.Records {
			queue = append(queue, delivery{b.Source, b.At, r})
		}
	}
	slices.SortStableFunc(queue, func(x, y delivery) int {
		return cmp.Or(x.record.At.Compare(y.record.At), cmp.Compare(x.record.ID, y.record.ID))
	})
	return queue, nil
}

// next takes from the queue what has happened by now. When that is nothing the
// next thing is brought forward, and when the day holds nothing more somebody
// works late.
func (d *Driver) next(queue []delivery, now time.Time, day cairn.Day) ([]Batch, []delivery) {
	past := 0
	for past < len(queue) && !queue[past].record.At.After(now) {
		past++
	}
	due := slices.Clone(queue[:past])
	queue = queue[past:]
	switch {
	case len(due) > 0:
	case len(queue) > 0:
		early := queue[0]
		early.record.At = now
		due, queue = append(due, early), queue[1:]
	default:
		due = d.Company.pulse(now, day)
	}
	for i := range due {
		due[i].seen = now
	}
	return bundle(due), queue
}

// pulse is somebody working late: one of those who would be seen on an
// ordinary day does one thing more.
func (c *Company) pulse(now time.Time, day cairn.Day) []delivery {
	roll := c.dice(-1, pulseTheme, now.Unix())
	for range 50 {
		if len(c.customers) == 0 {
			break
		}
		a := c.customers[roll.IntN(len(c.customers))]
		if !roll.chance(a.health(day, c)) {
			continue
		}
		p := a.people[roll.IntN(len(a.people))]
		if !p.here(day) || !roll.chance(p.likely) {
			continue
		}
		name, props := a.deed(c, day, roll)
		r := ingest.Record{
			Kind: cairn.Track, Name: name, ID: fmt.Sprintf("ev-%s-%d-n", p.key, now.Unix()),
			At: now, Stamp: now, Keys: cairn.Keys{Account: a.key, Person: p.key}, Props: props,
		}
		return []delivery{{"product", now, r}}
	}
	return nil
}
