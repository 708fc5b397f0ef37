package signal

import (
	"context"
	"sync/atomic"
	"time"

	"cairn"
)

// A Rebuilder is the stage that folds the log into a generation beside the one
// that is served. What the served one has read is folded whole: as many
// partitions at a time as fit into memory, from their beginning, and their rows
// are written once, in slices that leave the writer free between them. Until the
// last slice has moved the cursors those partitions count as not begun: whoever
// comes after a process that was killed begins them anew and writes the same
// rows over. What the served generation has not read is folded in beats, as it
// is by a [Folder].
type Rebuilder struct {
	Store RebuildStore
	Gen   int
	// Tallies is how many are in memory at most, but for one stream that has
	// more by itself; 0: 500,000, which take some 100 bytes each, and what is
	// remembered of people as much again.
	Tallies int

	beats   Folder
	round   *round
	orphans map[int][]cairn.StreamID // of which the origin tells, by partition; nil: not asked yet
	passes  int                      // over one partition, each about some of its streams
	slice   int                      // rows that the writer takes in its time
	events  []cairn.Event            // of a step, to be used again
	under   atomic.Int64             // see Under
}

// Under is how many events the work amounts to that was done in partitions of
// which the cursors have not moved yet. Reading is half of the work.
func (r *Rebuilder) Under() int64 { return r.under.Load() }

// note says how far the round has come.
func (r *Rebuilder) note() {
	rd := r.round
	if rd == nil {
		r.under.Store(0)
		return
	}
	all, read := int64(0), rd.at
	for i, m := range rd.moves {
		all += m.To
		if i < rd.part {
			read += m.To
		}
	}
	done := float64(read) / float64(all) / 2
	if rd.writing && rd.w.Len() > 0 {
		done += (1 - float64(len(rd.rows))/float64(rd.w.Len())) / 2
	}
	r.under.Store(int64((float64(rd.pass) + done) / float64(r.passes) * float64(all)))
}

// A RebuildStore keeps what is folded whole.
type RebuildStore interface {
	Log
	FoldStore
	// Folded returns how far the current generation has read each partition.
	Folded(ctx context.Context) ([cairn.Partitions]int64, error)
	// Walk appends to into the events of a partition in (from, to], at most
	// limit of them, with no more than the fold looks at.
	Walk(ctx context.Context, part int, from, to int64, limit int, into []cairn.Event) ([]cairn.Event, error)
	// Origins returns the streams of which the log has lost a part.
	Origins(ctx context.Context) ([]cairn.StreamID, error)
	// Begin has streams begin with their people's numbers, and with what they
	// had come to when the log lost a part of them.
	Begin(ctx context.Context, w *Whole, streams []cairn.StreamID) error
	// CommitWhole writes a slice, which is a cairn.Conflict where the leases are
	// not this node's any more, and returns how long it held the writer.
	CommitWhole(ctx context.Context, b WholeBeat) (held time.Duration, err error)
	// Pressed reports whether admission needs all the room that it can get.
	Pressed() bool
}

// A WholeBeat is a slice of what partitions were folded to. The last one moves
// the cursors; those before leave no trace that anybody reads.
type WholeBeat struct {
	Gen     int
	Moves   []Move
	Numbers []Number
	Rows    []TallyRow
	Last    bool
	Volumes map[VolumeKey]Volume
	Slot    int // of Volumes
}

const (
	wholeTallies = 500_000 // see Rebuilder.Tallies; and how many events partitions have that are folded together
	wholeStep    = 10_000  // events that a step reads
	maxPasses    = 256
)

// How many rows a slice has before it is known how long they take, and at most.
const (
	firstSlice = 1000
	maxSlice   = 20_000
)

// A round is some partitions that are folded whole.
type round struct {
	gen, slot int
	moves     []Move
	pass      int // of Rebuilder.passes
	w         *Whole
	volumes   map[VolumeKey]Volume // of all passes

	part int   // of moves: which is read
	at   int64 // up to where

	writing bool
	numbers []Number  // not written yet
	rows    []Ordered // not written yet
}

func (r *Rebuilder) most() int {
	if r.Tallies > 0 {
		return r.Tallies
	}
	return wholeTallies
}

// step is how many events a step reads.
func (r *Rebuilder) step() int { return min(r.most(), wholeStep) }

// Rest leaves admission two thirds of the time when it needs it.
func (r *Rebuilder) Rest(busy time.Duration) time.Duration {
	if r.Store.Pressed() {
		return 2 * busy
	}
	return 0
}

// Beat does a bounded part of the work and reports whether there was any.
func (r *Rebuilder) Beat(ctx context.Context, now time.Time) (worked bool, err error) {
	if r.round == nil {
		if err := r.begin(ctx); err != nil {
			return false, err
		}
	}
	if r.round == nil {
		r.beats.Log, r.beats.Store, r.beats.Gen = r.Store, r.Store, r.Gen
		return r.beats.Beat(ctx, now)
	}
	err = r.advance(ctx)
	if err != nil {
		r.round = nil
	}
	r.note()
	return err == nil, err
}

// begin looks for partitions that are not begun.
func (r *Rebuilder) begin(ctx context.Context) error {
	gen, cursors, err := r.Store.Cursors(ctx, StageName, r.Gen)
	if err != nil {
		return err
	}
	folded, err := r.Store.Folded(ctx)
	if err != nil {
		return err
	}
	var moves []Move
	events := int64(0)
	for _, c := range cursors {
		to := folded[c.Part]
		if c.N > 0 || to == 0 {
			continue
		}
		if events += to; len(moves) > 0 && events > int64(r.most()) {
			break
		}
		moves = append(moves, Move{c, to})
	}
	if len(moves) == 0 {
		return nil
	}
	r.passes = max(r.passes, 1)
	r.round = &round{gen: gen, slot: cursors[0].Part, moves: moves, volumes: map[VolumeKey]Volume{}}
	return r.read(ctx)
}

// read begins a pass over the partitions of the round.
func (r *Rebuilder) read(ctx context.Context) error {
	counters, err := r.Store.Counters(ctx, r.round.gen)
	if err != nil {
		return err
	}
	r.round.w = NewWhole(r.Store.Settings().Zone, counters)
	r.round.part, r.round.at, r.round.writing = 0, 0, false
	return nil
}

func (r *Rebuilder) advance(ctx context.Context) error {
	switch rd := r.round; {
	case rd.part < len(rd.moves):
		return r.fold(ctx)
	case !rd.writing:
		return r.order(ctx)
	}
	return r.write(ctx)
}

// fold reads some events.
func (r *Rebuilder) fold(ctx context.Context) (err error) {
	rd := r.round
	m := rd.moves[rd.part]
	if r.events, err = r.Store.Walk(ctx, m.Part, rd.at, m.To, r.step(), r.events[:0]); err != nil {
		return err
	}
	var begun []cairn.StreamID
	met := map[cairn.StreamID]bool{}
	for i := range r.events {
		if id := r.events[i].Stream; r.takes(id) && !met[id] && !rd.w.Has(id) {
			begun, met[id] = append(begun, id), true
		}
	}
	if err := r.Store.Begin(ctx, rd.w, begun); err != nil {
		return err
	}
	for i := range r.events {
		e := &r.events[i]
		if rd.pass == 0 {
			rd.w.Volume(e)
		}
		if r.takes(e.Stream) {
			rd.w.Fold(e)
		}
	}
	if rd.w.Len() > r.most() && r.split() {
		return r.read(ctx)
	}
	if len(r.events) < r.step() {
		rd.part, rd.at = rd.part+1, 0
	} else {
		rd.at = r.events[len(r.events)-1].Pos.N
	}
	return nil
}

// takes reports whether a stream is of this pass.
func (r *Rebuilder) takes(id cairn.StreamID) bool {
	return r.passes == 1 || (int(id.ID[15])&(maxPasses-1))%r.passes == r.round.pass
}

// split makes the round smaller, and reports whether it can be.
func (r *Rebuilder) split() bool {
	rd := r.round
	switch {
	case len(rd.moves) > 1:
		rd.moves = rd.moves[:len(rd.moves)/2]
	case rd.pass == 0 && r.passes < maxPasses:
		r.passes *= 2
	default:
		return false
	}
	return true
}

// order ends the reading of a pass: what only the origin tells of is added, and
// the rows are put in order.
func (r *Rebuilder) order(ctx context.Context) error {
	rd := r.round
	if r.orphans == nil {
		all, err := r.Store.Origins(ctx)
		if err != nil {
			return err
		}
		r.orphans = map[int][]cairn.StreamID{}
		for _, id := range all {
			r.orphans[id.Partition()] = append(r.orphans[id.Partition()], id)
		}
	}
	var begun []cairn.StreamID
	for _, m := range rd.moves {
		for _, id := range r.orphans[m.Part] {
			if r.takes(id) && !rd.w.Has(id) {
				begun = append(begun, id)
			}
		}
	}
	if err := r.Store.Begin(ctx, rd.w, begun); err != nil {
		return err
	}
	rd.numbers, rd.rows, rd.writing = rd.w.Fresh(), rd.w.Order(), true
	if rd.pass == 0 {
		rd.volumes = rd.w.Volumes()
	}
	return nil
}

// write writes a slice, and after the last one ends the pass.
func (r *Rebuilder) write(ctx context.Context) (err error) {
	rd := r.round
	if r.slice == 0 {
		r.slice = firstSlice
	}
	n := min(r.slice, r.most(), len(rd.rows))
	b := WholeBeat{Gen: rd.gen, Moves: rd.moves, Slot: rd.slot, Numbers: rd.numbers}
	if b.Rows, err = rd.w.Rows(rd.rows[:n]); err != nil {
		return err
	}
	end := n == len(rd.rows)
	if end && rd.pass == r.passes-1 {
		b.Last, b.Volumes = true, rd.volumes
	}
	held, err := r.Store.CommitWhole(ctx, b)
	if err != nil {
		return err
	}
	if held > 0 && n > firstSlice/2 {
		r.slice = min(max(int(float64(n)*float64(hold)/float64(held)), firstSlice/10), maxSlice)
	}
	rd.numbers, rd.rows = nil, rd.rows[n:]
	switch {
	case b.Last:
		r.round = nil
	case end:
		rd.pass++
		return r.read(ctx)
	}
	return nil
}
