package signal

import (
	"context"
	"time"

	"cairn"
)

// StageName is what the fold is called where stages are listed and rebuilt.
const StageName = "fold"

// A Folder is the stage that folds the log into tallies and the timeline's
// index, in beats. Facts about records are projected at the door already; an
// event of one only makes its account due.
type Folder struct {
	Log   Log
	Store FoldStore
	Gen   int  // generation that is written; 0: the current one
	Live  bool // accounts become due; false for a rebuild, which decides nothing
	most  int
	first int // partition that is read first: each in its turn

	behind bool          // the last beat left something unread
	hold   time.Duration // how long the next one may hold the writer
}

// How long a fold rests that has caught up with the log: twice as long as that
// took it, within these bounds. What arrives meanwhile is folded together:
// the more of it concerns one stream, the less each costs.
const (
	shortestRest = 50 * time.Millisecond
	longestRest  = 400 * time.Millisecond
)

// Rest is how long the fold may wait before its next beat.
func (f *Folder) Rest(busy time.Duration) time.Duration {
	if f.behind {
		return 0
	}
	return min(max(2*busy, shortestRest), longestRest)
}

// A Log is what the fold reads.
type Log interface {
	// AfterSealed returns events after a position; what is personal stays sealed.
	AfterSealed(ctx context.Context, part int, n int64, limit int) ([]cairn.Event, error)
	Ends(ctx context.Context) ([cairn.Partitions]int64, error)
}

// A FoldStore keeps what is folded. CommitFold is one transaction: after a
// crash either the beat is folded and the cursors moved, or neither.
type FoldStore interface {
	// Cursors leases partitions of a generation (0: the current one) for this
	// node and returns the generation with where they stand.
	Cursors(ctx context.Context, stage string, gen int) (int, []Cursor, error)
	// CommitFold returns how long it held the writer, and a cairn.Conflict when
	// a cursor was moved by another.
	CommitFold(ctx context.Context, b Beat) (held time.Duration, err error)
	// Counters returns what a generation tallies beside names, which never
	// changes within it.
	Counters(ctx context.Context, gen int) (*Counters, error)
	Settings() Settings
}

// A Cursor is how far a stage has read one partition, under a lease.
type Cursor struct {
	Part  int
	N     int64
	Lease int64
}

// A Beat is what one step of the fold changes.
type Beat struct {
	Gen     int
	Live    bool
	Moves   []Move
	Streams map[cairn.StreamID]*Delta
	Events  []Entry
	Volumes map[VolumeKey]Volume
	Slot    int       // of Volumes: no other node has it while this one's leases last
	Seen    time.Time // the latest of its events

	counters *Counters
}

// A VolumeKey names what is counted over all streams, for the list of event
// names: so that the list need not look at each stream.
type VolumeKey struct {
	Day                   cairn.Day
	Product, Name, Source string
}

// A Volume is how often an event happened, and when last.
type Volume struct {
	N    int64
	Last time.Time
}

// A Move is a cursor's step.
type Move struct {
	Cursor
	To int64
}

// A Delta is what a beat adds to one stream.
type Delta struct {
	State *State
	Late  bool   // everything in it happened on an earlier day than it was learnt
	Feeds []Feed // what came from which source
}

// An Entry is a line of the timeline's index.
type Entry struct {
	Stream cairn.StreamID
	At     time.Time
	Pos    cairn.Position
}

// How long a beat may hold the writer: how many events it takes follows from
// how long the last one took. A fold that stays behind may hold it longer from
// beat to beat, up to longestHold: every beat waits for the disk and for the
// door, and the more events share that, the sooner it catches up.
const (
	hold        = 20 * time.Millisecond
	longestHold = 80 * time.Millisecond
)

// Beat folds what is new, a bounded number of events, and reports whether
// there was any.
func (f *Folder) Beat(ctx context.Context, _ time.Time) (worked bool, err error) {
	if f.most == 0 {
		f.most = 500
	}
	gen, cursors, err := f.Store.Cursors(ctx, StageName, f.Gen)
	if err != nil {
		return false, err
	}
	ends, err := f.Log.Ends(ctx)
	if err != nil {
		return false, err
	}
	set := f.Store.Settings()
	counters, err := f.Store.Counters(ctx, gen)
	if err != nil {
		return false, err
	}
	b := Beat{Gen: gen, Live: f.Live, Streams: map[cairn.StreamID]*Delta{}, Volumes: map[VolumeKey]Volume{}, counters: counters}
	if len(cursors) > 0 {
		b.Slot = cursors[0].Part
	}
	left := f.most
	f.behind = false
	for i := range cursors {
		c := cursors[(f.first+i)%len(cursors)]
		if ends[c.Part] <= c.N {
			continue
		}
		if left <= 0 {
			f.first, f.behind = (f.first+i)%len(cursors), true
			break
		}
		events, err := f.Log.AfterSealed(ctx, c.Part, c.N, left)
		if err != nil {
			return false, err
		}
		to := ends[c.Part] // where the end of the log was lost there is nothing
		if len(events) > 0 {
			to = events[len(events)-1].Pos.N
		}
		for i := range events {
			b.add(&events[i], set)
		}
		b.Moves = append(b.Moves, Move{c, to})
		f.behind = f.behind || to < ends[c.Part]
		left -= len(events)
	}
	if len(b.Moves) == 0 {
		return false, nil
	}
	return true, f.commit(ctx, b, f.most-left)
}

// commit keeps a beat of n events, and learns from how long that took how
// many the next one may have.
func (f *Folder) commit(ctx context.Context, b Beat, n int) error {
	took, err := f.Store.CommitFold(ctx, b)
	if f.hold = max(f.hold/2, hold); f.behind {
		f.hold = min(4*f.hold, longestHold)
	}
	if err == nil && took > 0 && n > 0 {
		f.most = min(max(int(float64(n)*float64(f.hold)/float64(took)), 100), 5000)
	}
	return err
}

func (b *Beat) add(e *cairn.Event, set Settings) {
	d := b.Streams[e.Stream]
	if d == nil {
		d = &Delta{State: NewState(set.Zone), Late: true}
		d.State.Counters = b.counters
		b.Streams[e.Stream] = d
	}
	d.Late = d.Late && Late(e, set.Zone)
	d.State.Fold(*e)
	if e.Kind == cairn.Track {
		b.volume(e, set)
	}
	d.feed(e)
	if e.Seen.After(b.Seen) {
		b.Seen = e.Seen
	}
	b.Events = append(b.Events, Entry{e.Stream, e.At, e.Pos})
}

// Late reports whether nothing is decided because of e: it happened on an
// earlier day than it was learnt. Who is who is no news about how anybody is
// doing either.
func Late(e *cairn.Event, zone *time.Location) bool {
	return e.Kind == cairn.OfIdentity || cairn.DayOf(e.At, zone) < cairn.DayOf(e.Seen, zone)
}

func (b *Beat) volume(e *cairn.Event, set Settings) {
	k := VolumeKey{cairn.DayOf(e.At, set.Zone), e.Product, tracked(e.Name), e.Source}
	v := b.Volumes[k]
	v.N += max(e.N, 1)
	if e.At.After(v.Last) {
		v.Last = e.At
	}
	b.Volumes[k] = v
}
