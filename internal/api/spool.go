package api

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"sync"
	"time"

	"cairn/internal/ingest"
)

// spoolMemory is how many bytes of answers wait in memory for a sender that
// does not read them yet.
const spoolMemory = 1 << 20

// A spool takes answers at once and hands them on as fast as the sender reads
// them. Many clients read nothing before their whole body is sent; if we
// waited for them, both would wait for ever. So what memory has no room for
// waits in a temporary file.
type spool struct {
	w  http.ResponseWriter
	rc *http.ResponseController

	mu       sync.Mutex
	moved    *sync.Cond
	memory   []byte // older than everything in the file
	file     *os.File
	from, to int64 // what of the file is still to be handed on
	err      error
	closing  bool
	started  bool
	done     chan struct{}
}

func newSpool(w http.ResponseWriter, rc *http.ResponseController) *spool {
	s := &spool{w: w, rc: rc, done: make(chan struct{})}
	s.moved = sync.NewCond(&s.mu)
	return s
}

// lines writes verdicts, one on a line.
func (s *spool) lines(vs []ingest.BulkVerdict) error {
	var b bytes.Buffer
	for _, v := range vs {
		if err := ndjson(&b, v); err != nil {
			return err
		}
	}
	return s.put(b.Bytes())
}

// line writes one value on a line.
func (s *spool) line(v any) error {
	var b bytes.Buffer
	if err := ndjson(&b, v); err != nil {
		return err
	}
	return s.put(b.Bytes())
}

// put takes some bytes, and fails when nobody is there to read any more.
func (s *spool) put(p []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started {
		s.started = true
		s.w.Header().Set("Content-Type", "application/x-ndjson")
		s.w.Header().Set("X-Content-Type-Options", "nosniff")
		s.w.Header().Set("X-Accel-Buffering", "no")
		go s.deliver()
	}
	switch {
	case s.err != nil:
		return s.err
	case s.from == s.to && len(s.memory)+len(p) <= spoolMemory:
		s.memory = append(s.memory, p...)
	default:
		if err := s.spill(p); err != nil {
			return err
		}
	}
	s.moved.Signal()
	return nil
}

// spill writes to the temporary file, which nobody else can name.
func (s *spool) spill(p []byte) error {
	if s.file == nil {
		f, err := os.CreateTemp("", "cairn-answers-")
		if err != nil {
			return err
		}
		_ = os.Remove(f.Name()) // where that cannot be, close does it
		s.file = f
	}
	n, err := s.file.WriteAt(p, s.to)
	s.to += int64(n)
	return err
}

// deliver hands on what was put until the spool is closed and empty.
func (s *spool) deliver() {
	defer close(s.done)
	buf := make([]byte, 0, 64<<10)
	for {
		var err error
		if buf, err = s.next(buf); err == io.EOF {
			return
		}
		if err == nil {
			_ = s.rc.SetWriteDeadline(time.Now().Add(bulkIdle)) // not every connection has one
			if _, err = s.w.Write(buf); err == nil {
				err = s.rc.Flush()
			}
		}
		if err != nil {
			s.mu.Lock()
			s.err = err
			s.mu.Unlock()
			return
		}
	}
}

// next waits for something to hand on.
func (s *spool) next(buf []byte) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.memory) == 0 && s.from == s.to && !s.closing {
		s.moved.Wait()
	}
	switch {
	case len(s.memory) > 0:
		buf = append(buf[:0], s.memory...)
		s.memory = s.memory[:0]
	case s.from < s.to:
		buf = buf[:min(int64(64<<10), s.to-s.from)]
		if _, err := s.file.ReadAt(buf, s.from); err != nil {
			return buf, err
		}
		if s.from += int64(len(buf)); s.from == s.to {
			s.from, s.to = 0, 0
			return buf, s.file.Truncate(0)
		}
	default:
		return buf, io.EOF
	}
	return buf, nil
}

// close waits until the sender has read everything, or is gone.
func (s *spool) close() {
	s.mu.Lock()
	s.closing = true
	s.moved.Signal()
	started := s.started
	s.mu.Unlock()
	if started {
		<-s.done
	}
	if s.file != nil {
		_ = os.Remove(s.file.Name())
		_ = s.file.Close()
	}
	_ = s.rc.SetWriteDeadline(time.Time{}) // for the next request on the connection
}
