package keep

import (
	"context"
	"log/slog"
	"time"

	"cairn"
	"cairn/internal/book"
)

// StageName is what dropping is called where stages are listed.
const StageName = "keep"

// Grace is how long after an end was set nothing is dropped because of it: so
// long it can be undone as if it had never been.
const Grace = 15 * time.Minute

// again is how often the log is looked through for what came late.
const again = time.Hour

// A Dropper is the stage that drops what is past its end: after midnight,
// after somebody set an end, and every hour for what came late.
type Dropper struct {
	Store Store
	Book  book.Store
	Zone  func() *time.Location
	Log   *slog.Logger

	seen   int       // revision that was worked on
	day    cairn.Day // on which
	looked time.Time // when it was found that nothing is due
	sweep  *Sweep    // under way
	policy Policy    // of the sweep
	gone   int
	most   int
}

// Beat drops a bounded number of events and reports whether there may be more.
func (d *Dropper) Beat(ctx context.Context, now time.Time) (bool, error) {
	p, rev, err := Read(ctx, d.Book)
	if err != nil {
		return false, err
	}
	if len(p.Ends) == 0 || now.Before(rev.At.Add(Grace)) {
		d.sweep = nil
		return false, nil
	}
	today := cairn.DayOf(now, d.Zone())
	if d.sweep == nil || rev.Rev != d.seen || today != d.day {
		if rev.Rev == d.seen && today == d.day && now.Sub(d.looked) < again {
			return false, nil
		}
		d.sweep = nil
		if err := d.begin(ctx, p, today, now); err != nil {
			return false, err
		}
		d.seen, d.day, d.looked = rev.Rev, today, now
		if d.sweep == nil {
			return false, nil
		}
	}
	return d.step(ctx, now)
}

// begin makes a sweep over the days on which something is due, if any.
func (d *Dropper) begin(ctx context.Context, p Policy, today cairn.Day, now time.Time) error {
	held, err := d.Store.Held(ctx)
	if err != nil {
		return err
	}
	due := p.due(held, today)
	if len(due) == 0 {
		return nil
	}
	zone := d.Zone()
	from, to, n := due[0].Day, due[0].Day, int64(0)
	for _, h := range due {
		from, to, n = min(from, h.Day), max(to, h.Day), n+h.N
	}
	d.policy, d.gone = p, 0
	d.sweep = &Sweep{
		From: from.Start(zone), To: to.End(zone), At: now,
		Before: func(source, name string) time.Time {
			if day := p.Before(source, name, today); day > 0 {
				return day.Start(zone)
			}
			return time.Time{}
		},
	}
	d.Log.Info("dropping events that are past their end", "events", n, "from", from, "to", to)
	return nil
}

// hold is how long one transaction may hold the writer.
const hold = 20 * time.Millisecond

func (d *Dropper) step(ctx context.Context, now time.Time) (bool, error) {
	if d.most == 0 {
		d.most = 200
	}
	d.sweep.At = now
	s, err := d.Store.Drop(ctx, *d.sweep, d.most)
	if err != nil {
		if cairn.KindOf(err) == cairn.Conflict { // somebody else is at it
			d.sweep, d.looked = nil, time.Time{}
			return false, nil
		}
		return false, err
	}
	if s.Waits {
		d.looked, d.seen = time.Time{}, 0 // ask again from the start
		d.sweep = nil
		return false, nil
	}
	d.sweep.Place, d.gone = s.Place, d.gone+s.Dropped
	if s.Dropped > 0 && s.Held > 0 {
		d.most = min(max(int(float64(s.Looked)*float64(hold)/float64(s.Held)), 50), 2000)
	}
	if s.Done {
		if d.gone > 0 {
			d.Log.Info("dropped events that were past their end", "events", d.gone)
		}
		d.sweep = nil
		return false, nil
	}
	return true, nil
}

// Rest leaves the writer to others as long as a step took.
func (d *Dropper) Rest(busy time.Duration) time.Duration { return busy }

// Next returns when there is something to do though nothing wakes the stage.
func (d *Dropper) Next(ctx context.Context) (time.Time, error) {
	_, rev, err := Read(ctx, d.Book)
	if err != nil || rev.Rev == 0 || rev.Rev == d.seen {
		return time.Time{}, err
	}
	return rev.At.Add(Grace), nil
}

// due returns what of held is past its end.
func (p Policy) due(held []Held, today cairn.Day) []Held {
	var out []Held
	for _, h := range held {
		if h.Day < p.Before(h.Source, h.Event, today) {
			out = append(out, h)
		}
	}
	return out
}
