package ingest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding"
	"errors"
	"hash"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"cairn"
)

// Sizes of a bulk body. Its memory does not depend on how long it is.
const (
	bulkBatch  = 500     // lines that are admitted together
	bulkAhead  = 1000    // lines that are read while others are admitted
	bulkBytes  = 4 << 20 // bytes of those
	bulkSave   = time.Second / 2
	MaxBulkKey = 255 // bytes of an idempotency key
)

// A BulkProgress is how far a body has come that was sent under an
// idempotency key.
type BulkProgress struct {
	Source    string    `json:"source"`
	Key       string    `json:"key"`
	Lines     int64     `json:"lines"` // settled: everything up to this line is admitted or kept as rejected
	Accepted  int64     `json:"accepted"`
	Late      int64     `json:"late"`
	Duplicate int64     `json:"duplicate"`
	Rejected  int64     `json:"rejected"`
	Done      bool      `json:"done"`  // the body was read to its end
	Begun     time.Time `json:"begun"` // when the first line came
	Touched   time.Time `json:"touched"`
	Sum       []byte    `json:"-"` // state of a SHA-256 over the lines
}

// A BulkStore remembers how far bulk bodies have come.
type BulkStore interface {
	// Bulk returns the progress under a key of a source; cairn.NotFound when
	// there is none.
	Bulk(ctx context.Context, source, key string) (BulkProgress, error)
	// SaveBulk keeps p if the lines settled are still was (-1: the key is new),
	// or it is a cairn.Conflict: another request under the same key went on.
	SaveBulk(ctx context.Context, p BulkProgress, was int64) error
}

// A BulkVerdict is the answer to one line.
type BulkVerdict struct {
	Line    int64         `json:"line"`
	ID      cairn.EventID `json:"id,omitzero"`
	Verdict Status        `json:"verdict"`
	Code    string        `json:"code,omitempty"`
	Field   string        `json:"field,omitempty"`
	Reason  string        `json:"reason,omitempty"`
	Note    string        `json:"note,omitempty"`
}

// A BulkTotal is the last line of the answer. Under a key it counts what all
// requests under the key have settled.
type BulkTotal struct {
	Done      bool         `json:"done"` // the body was read to its end
	Lines     int64        `json:"lines"`
	Next      int64        `json:"next"`              // the line to go on at
	Skipped   int64        `json:"skipped,omitempty"` // settled by an earlier request under the key
	Accepted  int64        `json:"accepted"`
	Late      int64        `json:"late"`
	Duplicate int64        `json:"duplicate"`
	Rejected  int64        `json:"rejected"`
	Error     *BulkProblem `json:"error,omitempty"` // why it was not
	Cause     error        `json:"-"`               // of Error, for operators
}

// A BulkProblem is why a body was not read to its end. Everything before is
// settled.
type BulkProblem struct {
	Kind   string `json:"kind"`
	Line   int64  `json:"line"` // that could not be read or admitted
	Detail string `json:"detail"`
}

// A Bulk is one request that carries a body of messages, one a line.
type Bulk struct {
	Door   *Door
	Store  BulkStore
	Source Source
	Key    string // idempotency key; empty: none
	From   int64  // number of the body's first line; 0 is 1
	// Spend waits until n more records may be sent; nil: at once.
	Spend func(ctx context.Context, n int) error
	// Answer is given the verdicts of a batch, in order.
	Answer func([]BulkVerdict) error
	// Stop makes a read of the body that is under way fail: nothing more is
	// wanted of it; nil: it ends by itself.
	Stop func()
}

// errStopped ends a body whose server stops.
var errStopped = cairn.Errorf(cairn.Unavailable, "The server is stopping. Everything before is settled: go on at this line.")

// Run admits a body line by line, reading on while lines are admitted, but no
// further than some hundred lines ahead. The total says how far it came. An
// error is returned only when nothing was answered.
func (b *Bulk) Run(ctx context.Context, body io.Reader) (BulkTotal, error) {
	u := &bulkRun{Bulk: b, queue: newLineQueue(), was: -1}
	if err := u.begin(ctx); err != nil {
		return BulkTotal{}, err
	}
	var reading sync.WaitGroup
	reading.Go(func() { u.read(body) })
	err := u.all(ctx)
	stopped := ctx.Err() != nil // before Stop, which may end ctx too
	u.queue.stop()              // the reader, which may wait for room
	if err != nil && u.Stop != nil {
		u.Stop()
	}
	reading.Wait()
	end := u.queue.ended()
	switch {
	case stopped && (end == nil || errors.Is(end, os.ErrDeadlineExceeded) || errors.Is(end, context.Canceled)):
		err = errStopped
	case err == nil && end != io.EOF:
		err = unread(end)
	}
	u.p.Done = u.p.Done || err == nil
	if saved := u.save(context.WithoutCancel(ctx), true); err == nil && saved != nil {
		err, u.p.Done = saved, false
	}
	if err != nil && u.p.Lines == u.start {
		return BulkTotal{}, err
	}
	return u.total(err), nil
}

// A bulkRun is a bulk body being read.
type bulkRun struct {
	*Bulk
	queue *lineQueue
	p     BulkProgress
	sum   hash.Hash
	was   int64 // lines as they were last saved; -1: never
	done  bool  // as it was last saved
	saved time.Time
	start int64 // lines that were settled before
	first int64 // number of the body's first line
	skip  int64 // lines of the body that are settled already and still to come
	skip0 int64 // of them in all
	check bool  // they are compared with what was sent before
}

// begin finds out where to go on.
func (u *bulkRun) begin(ctx context.Context) error {
	u.sum, u.first = sha256.New(), max(u.From, 1)
	now := u.Door.Now().UTC().Truncate(time.Microsecond)
	u.p = BulkProgress{Source: u.Source.Name, Key: u.Key, Begun: now, Touched: now}
	if u.Key == "" {
		u.p.Lines, u.start = u.first-1, u.first-1
		return nil
	}
	p, err := u.Store.Bulk(ctx, u.Source.Name, u.Key)
	switch {
	case err == nil:
		u.p, u.was, u.done = p, p.Lines, p.Done
	case cairn.KindOf(err) != cairn.NotFound:
		return err
	}
	u.start = u.p.Lines
	if u.first > u.p.Lines+1 {
		return cairn.Errorf(cairn.Conflict, "Under this key %d lines are settled: go on at line %d.", u.p.Lines, u.p.Lines+1).At("from")
	}
	u.skip = u.p.Lines - (u.first - 1)
	u.skip0 = u.skip
	u.check = u.first == 1 && u.skip > 0
	if !u.check && u.p.Lines > 0 {
		return u.restore()
	}
	return nil
}

// restore goes on with the sum where it was saved.
func (u *bulkRun) restore() error {
	return u.sum.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.p.Sum)
}

// same reports whether the lines skipped are those that were sent before.
func (u *bulkRun) same() bool {
	before := sha256.New()
	if before.(encoding.BinaryUnmarshaler).UnmarshalBinary(u.p.Sum) != nil {
		return false
	}
	return bytes.Equal(before.Sum(nil), u.sum.Sum(nil))
}

var errOther = cairn.Errorf(cairn.Conflict, "This Idempotency-Key was used for another body. Nothing of this one was taken: send it under a key of its own.").At("Idempotency-Key")

// read reads lines and turns them into records, until the body or the queue
// ends.
func (u *bulkRun) read(body io.Reader) {
	in := bufio.NewReaderSize(body, 64<<10)
	for n := u.first; ; n++ {
		l, err := readLine(in)
		if err != nil {
			u.queue.end(err)
			return
		}
		if l.n = n; n == 1 {
			l.text = bytes.TrimPrefix(l.text, []byte("\xef\xbb\xbf"))
		}
		if n > u.start { // else it is settled
			l.read(u.Door.Now(), u.Key, u.p.Begun)
		}
		if !u.queue.push(l) {
			return
		}
	}
}

// all settles batch after batch.
func (u *bulkRun) all(ctx context.Context) error {
	for {
		lines := u.queue.take(bulkBatch)
		if len(lines) == 0 {
			if u.skip > 0 && u.queue.ended() == io.EOF {
				return errOther
			}
			return nil
		}
		for u.skip > 0 && len(lines) > 0 {
			if u.check {
				lines[0].addTo(u.sum)
			}
			u.skip--
			lines = lines[1:]
			if u.skip == 0 && u.check && !u.same() {
				return errOther
			}
		}
		if len(lines) == 0 {
			continue
		}
		if err := u.settle(ctx, lines); err != nil {
			return err
		}
	}
}

// settle admits some lines and answers them. A blank line gets no answer.
func (u *bulkRun) settle(ctx context.Context, lines []bulkLine) error {
	recs := make([]Record, 0, len(lines))
	for i := range lines {
		if !lines[i].blank() {
			recs = append(recs, lines[i].rec)
		}
	}
	if u.Spend != nil && len(recs) > 0 {
		if err := u.Spend(ctx, len(recs)); err != nil {
			return err
		}
	}
	verdicts, err := u.Door.Admit(ctx, u.Source, recs)
	if err != nil {
		return err
	}
	answers := make([]BulkVerdict, len(verdicts))
	for i, v := range verdicts {
		u.count(v.Status)
		answers[i] = BulkVerdict{Line: int64(v.Index), ID: v.ID, Verdict: v.Status, Code: v.Code, Field: v.Field, Reason: v.Reason, Note: v.Note}
	}
	for i := range lines {
		lines[i].addTo(u.sum)
	}
	u.p.Lines = lines[len(lines)-1].n
	u.p.Done = false
	if err := u.save(ctx, false); err != nil {
		return err
	}
	if len(answers) == 0 {
		return nil
	}
	return u.Answer(answers)
}

func (u *bulkRun) count(s Status) {
	switch s {
	case Accepted:
		u.p.Accepted++
	case Late:
		u.p.Late++
	case Duplicate:
		u.p.Duplicate++
	case Rejected:
		u.p.Rejected++
	}
}

// save keeps the progress, at most every half second and at the end. What is
// settled and not saved yet is found to be there when it is sent again.
func (u *bulkRun) save(ctx context.Context, last bool) error {
	if u.Key == "" || !last && time.Since(u.saved) < bulkSave {
		return nil
	}
	if u.was == u.p.Lines && u.done == u.p.Done || u.was < 0 && u.p.Lines == 0 && !u.p.Done {
		return nil
	}
	if u.p.Lines > u.start { // the sum is that of the lines settled
		sum, err := u.sum.(encoding.BinaryMarshaler).MarshalBinary()
		if err != nil {
			return err
		}
		u.p.Sum = sum
	}
	u.p.Touched = u.Door.Now().UTC().Truncate(time.Microsecond)
	if err := u.Store.SaveBulk(ctx, u.p, u.was); err != nil {
		return err
	}
	u.was, u.done, u.saved = u.p.Lines, u.p.Done, time.Now()
	return nil
}

func (u *bulkRun) total(err error) BulkTotal {
	t := BulkTotal{
		Done: u.p.Done, Lines: u.p.Lines, Next: u.p.Lines + 1, Skipped: u.skip0 - u.skip,
		Accepted: u.p.Accepted, Late: u.p.Late, Duplicate: u.p.Duplicate, Rejected: u.p.Rejected,
	}
	if err != nil {
		t.Done, t.Cause = false, err
		t.Error = &BulkProblem{Kind: cairn.KindOf(err).String(), Line: t.Next, Detail: cairn.TextOf(err)}
	}
	return t
}

// unread says what is wrong with a body that broke off. An error of ours says
// it itself.
func unread(err error) error {
	var e *cairn.Error
	if errors.As(err, &e) {
		return e
	}
	return cairn.Errorf(cairn.Invalid, "The body cannot be read any further: it was cut off, or its compression is broken. Everything before is settled.").Because(err)
}

// A bulkLine is one line of a body.
type bulkLine struct {
	n    int64
	text []byte // at most MaxEvent and one bytes of it
	size int    // of the whole line
	sum  []byte // of a line that is too long to be kept whole
	rec  Record
}

func (l *bulkLine) blank() bool { return l.size == 0 }

// addTo adds the line to a sum over lines.
func (l *bulkLine) addTo(h hash.Hash) {
	if l.sum != nil {
		h.Write(l.sum)
	} else {
		h.Write(l.text)
	}
	h.Write([]byte{'\n'})
}

// read makes the line into a record. One without an id and a time of its own
// is known by the key and its number, so that it counts once.
func (l *bulkLine) read(now time.Time, key string, begun time.Time) {
	if l.blank() {
		return
	}
	if l.size > MaxEvent {
		l.rec = Record{Problem: cairn.Errorf(cairn.TooLarge, "The line is larger than %d KB.", MaxEvent>>10).Coded(CodeLarge), Body: cut(string(l.text), MaxEvent)}
	} else {
		l.rec = ReadMessage(l.text, now)
	}
	if l.rec.Problem == nil && l.rec.ID == "" && l.rec.Stamp.IsZero() && key != "" {
		l.rec.ID, l.rec.Stamp, l.rec.At = cairn.HashID("bulk", key, strconv.FormatInt(l.n, 10)).String(), begun, now
	}
	l.rec.Index = int(l.n)
}

// readLine reads one line without its end and white space around it. The last
// one need not end. A line that is cut off by an error is no line.
func readLine(in *bufio.Reader) (bulkLine, error) {
	var l bulkLine
	var long hash.Hash
	for {
		part, err := in.ReadSlice('\n')
		end := err == nil
		if end {
			part = part[:len(part)-1]
		}
		if room := MaxEvent + 1 - len(l.text); room >= len(part) && long == nil {
			l.text = append(l.text, part...)
		} else {
			if long == nil {
				long = sha256.New()
				long.Write(l.text)
			}
			long.Write(part)
			if room > 0 {
				l.text = append(l.text, part[:min(room, len(part))]...)
			}
		}
		l.size += len(part)
		switch {
		case err == bufio.ErrBufferFull:
			continue
		case err == io.EOF && l.size == 0:
			return l, io.EOF
		case err != nil && err != io.EOF:
			return l, err
		}
		if long != nil {
			l.sum = long.Sum(nil)
			return l, nil
		}
		l.text = bytes.TrimSpace(l.text)
		l.size = len(l.text)
		return l, nil
	}
}

// A lineQueue holds the lines that were read and not yet admitted, so many and
// so large as is good for memory.
type lineQueue struct {
	mu    sync.Mutex
	moved *sync.Cond
	lines []bulkLine
	bytes int
	err   error // how the body ended
	shut  bool
}

func newLineQueue() *lineQueue {
	q := &lineQueue{}
	q.moved = sync.NewCond(&q.mu)
	return q
}

// push waits for room. It reports false when nobody takes any more.
func (q *lineQueue) push(l bulkLine) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for !q.shut && (len(q.lines) >= bulkAhead || q.bytes >= bulkBytes) {
		q.moved.Wait()
	}
	if q.shut {
		return false
	}
	q.lines, q.bytes = append(q.lines, l), q.bytes+len(l.text)
	q.moved.Broadcast()
	return true
}

// take waits for a line and returns those that are there, at most most; none
// when the body has ended.
func (q *lineQueue) take(most int) []bulkLine {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.lines) == 0 && q.err == nil && !q.shut {
		q.moved.Wait()
	}
	n := min(most, len(q.lines))
	out := append([]bulkLine(nil), q.lines[:n]...)
	q.lines = append(q.lines[:0], q.lines[n:]...)
	clear(q.lines[len(q.lines):cap(q.lines)])
	for i := range out {
		q.bytes -= len(out[i].text)
	}
	q.moved.Broadcast()
	return out
}

func (q *lineQueue) end(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.err == nil {
		q.err = err
	}
	q.moved.Broadcast()
}

// ended returns how the body ended; nil when it did not.
func (q *lineQueue) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.err
}

func (q *lineQueue) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.shut = true
	q.moved.Broadcast()
}
