package ingest

import (
	"context"
	"maps"
	"sync"
	"time"
)

// A Ledger counts breaches of contracts in memory and writes them down every
// few seconds: what is counted since is lost with the process, and nothing but
// counts is.
type Ledger struct {
	Store interface {
		Breached(ctx context.Context, breaches []Breach) error
	}

	mu      sync.Mutex
	written time.Time
	pages   map[string]*page
}

// A page is what was counted of one source in one hour under one revision.
type page struct {
	of      *agreed
	hour    time.Time
	counts  []int64
	unknown map[string]int64
}

// writes is how long breaches are kept in memory.
const writes = 5 * time.Second

// add counts what a call found.
func (l *Ledger) add(ctx context.Context, source string, h *held, now time.Time) error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	due := l.fill(source, h, now.Truncate(time.Hour))
	if now.Sub(l.written) >= writes || now.Before(l.written) {
		due = append(due, l.take()...)
		l.written = now
	}
	l.mu.Unlock()
	return l.write(ctx, due)
}

// fill counts into the page of the hour, and returns what another page held.
func (l *Ledger) fill(source string, h *held, hour time.Time) (due []Breach) {
	if l.pages == nil {
		l.pages = map[string]*page{}
	}
	p := l.pages[source]
	if p == nil || p.of != h.agreed || !p.hour.Equal(hour) {
		if p != nil {
			due = p.of.breaches(source, p.hour, p.counts, p.unknown)
		}
		p = &page{of: h.agreed, hour: hour, counts: make([]int64, len(h.counts)), unknown: map[string]int64{}}
		l.pages[source] = p
	}
	for i, n := range h.counts {
		p.counts[i] += n
	}
	for name, n := range h.unknown {
		if _, known := p.unknown[name]; !known && len(p.unknown) >= mostNames {
			name = others
		}
		p.unknown[name] += n
	}
	return due
}

// take empties the pages.
func (l *Ledger) take() []Breach {
	var out []Breach
	for source, p := range l.pages {
		out = append(out, p.of.breaches(source, p.hour, p.counts, p.unknown)...)
		clear(p.counts)
		clear(p.unknown)
	}
	return out
}

// Flush writes down what is in memory.
func (l *Ledger) Flush(ctx context.Context) error {
	l.mu.Lock()
	due := l.take()
	l.mu.Unlock()
	return l.write(ctx, due)
}

func (l *Ledger) write(ctx context.Context, due []Breach) error {
	if len(due) == 0 {
		return nil
	}
	return l.Store.Breached(ctx, due)
}

// ready remembers what was made of the sources' definitions, by revision.
type ready struct {
	mu sync.RWMutex
	of map[string]prepared
}

// prepared is what the door needs of a source, made once for each revision.
type prepared struct {
	rev      int
	classes  classes
	contract *agreed
}

// prepare returns what the door needs of a source. One without a revision is
// not remembered.
func (r *ready) prepare(src Source) prepared {
	r.mu.RLock()
	p, ok := r.of[src.Name]
	r.mu.RUnlock()
	if ok && src.Rev > 0 && p.rev == src.Rev {
		return p
	}
	p = prepared{rev: src.Rev, classes: newClasses(src), contract: agree(src.Contract)}
	if src.Rev == 0 {
		return p
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	of := maps.Clone(r.of) // readers may hold the old one
	if of == nil || len(of) > 1000 {
		of = map[string]prepared{}
	}
	of[src.Name] = p
	r.of = of
	return p
}

// declared adds what a contract says of what is personal.
func (c *Contract) declared(to map[string]class, lower func(string) string) {
	if c == nil {
		return
	}
	for _, r := range c.Rules {
		for _, f := range r.Fields {
			switch {
			case f.Personal == nil:
			case *f.Personal:
				to[lower(f.Name)] = personal
			default:
				if _, said := to[lower(f.Name)]; !said {
					to[lower(f.Name)] = plain
				}
			}
		}
	}
}
