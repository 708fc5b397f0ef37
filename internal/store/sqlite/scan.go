package sqlite

import (
	"encoding/binary"
	"fmt"
	"sync"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"

	"cairn/internal/store/sqlstore"
)

// A scanner reads many rows on a connection of its own, without the driver: that
// one locks and unlocks for every column, copies every value twice and asks for
// its declared type, which together take twice as long as the reading. Walking
// through the log is the one place where that counts.
type scanner struct {
	path string

	mu    sync.Mutex
	tls   *libc.TLS
	db    uintptr
	stmts map[string]uintptr
	out   uintptr // room for one pointer
	shut  bool
}

// A scanError is what SQLite answers; [engine.Trouble] knows its code.
type scanError struct {
	code int
	text string
}

func (e *scanError) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.text, e.code) }

// Code is that of SQLite.
func (e *scanError) Code() int { return e.code }

// Scan calls f with each row of a query whose arguments are numbers.
func (s *scanner) Scan(text string, args []int64, f func(sqlstore.Cells) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st, err := s.statement(text)
	if err != nil {
		return err
	}
	defer lib.Xsqlite3_reset(s.tls, st)
	for i, a := range args {
		if rc := lib.Xsqlite3_bind_int64(s.tls, st, int32(i+1), a); rc != lib.SQLITE_OK {
			return s.failed(rc)
		}
	}
	row := cells{s.tls, st}
	for {
		switch rc := lib.Xsqlite3_step(s.tls, st); rc {
		case lib.SQLITE_ROW:
			if err := f(row); err != nil {
				return err
			}
		case lib.SQLITE_DONE:
			return nil
		default:
			return s.failed(rc)
		}
	}
}

// statement returns a text, parsed once.
func (s *scanner) statement(text string) (uintptr, error) {
	if err := s.open(); err != nil {
		return 0, err
	}
	if st, ok := s.stmts[text]; ok {
		return st, nil
	}
	c, err := libc.CString(text)
	if err != nil {
		return 0, err
	}
	defer libc.Xfree(s.tls, c)
	if rc := lib.Xsqlite3_prepare_v2(s.tls, s.db, c, -1, s.out, 0); rc != lib.SQLITE_OK {
		return 0, s.failed(rc)
	}
	st := s.pointer()
	s.stmts[text] = st
	return st, nil
}

// open opens the connection at the first use.
func (s *scanner) open() error {
	switch {
	case s.shut:
		return fmt.Errorf("sqlite: the database is closed")
	case s.db != 0:
		return nil
	}
	s.tls = libc.NewTLS()
	s.stmts = map[string]uintptr{}
	s.out = libc.Xcalloc(s.tls, 1, 8)
	path, err := libc.CString(s.path)
	if err != nil {
		return err
	}
	defer libc.Xfree(s.tls, path)
	rc := lib.Xsqlite3_open_v2(s.tls, path, s.out, lib.SQLITE_OPEN_READONLY|lib.SQLITE_OPEN_NOMUTEX, 0)
	s.db = s.pointer()
	if rc != lib.SQLITE_OK {
		err := s.failed(rc)
		s.free()
		return err
	}
	lib.Xsqlite3_busy_timeout(s.tls, s.db, 10_000)
	return nil
}

// pointer is what the library last wrote to out.
func (s *scanner) pointer() uintptr {
	return uintptr(binary.NativeEndian.Uint64(libc.GoBytes(s.out, 8)))
}

func (s *scanner) failed(rc int32) error {
	return &scanError{int(rc), libc.GoString(lib.Xsqlite3_errstr(s.tls, rc))}
}

// Close ends the connection.
func (s *scanner) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shut = true
	if s.tls != nil {
		s.free()
	}
	return nil
}

func (s *scanner) free() {
	for _, st := range s.stmts {
		lib.Xsqlite3_finalize(s.tls, st)
	}
	lib.Xsqlite3_close_v2(s.tls, s.db)
	libc.Xfree(s.tls, s.out)
	s.tls.Close()
	s.tls, s.db, s.stmts, s.out = nil, 0, nil, 0
}

// cells are the columns of the row that a statement stands on.
type cells struct {
	tls *libc.TLS
	st  uintptr
}

// Number returns an integer.
func (c cells) Number(i int) int64 { return lib.Xsqlite3_column_int64(c.tls, c.st, int32(i)) }

// Bytes returns text or bytes, which are good until the next row; nil when
// there are none.
func (c cells) Bytes(i int) []byte {
	p := lib.Xsqlite3_column_blob(c.tls, c.st, int32(i))
	if p == 0 {
		return nil
	}
	return libc.GoBytes(p, int(lib.Xsqlite3_column_bytes(c.tls, c.st, int32(i))))
}
