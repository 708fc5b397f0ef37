package app

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"cairn"
)

// LockName is the file in the data directory that whoever opened the store
// holds locked. It names the holder for people; the lock itself is flock(2)
// and ends with the process, however that ends.
const LockName = "cairn.lock"

// A Lock is the right to open the store in a data directory.
type Lock struct{ f *os.File }

// LockDir makes the data directory if need be and takes its lock for the
// holder, described in a few words such as "cairn serve". When somebody else
// holds it the error is a cairn.Conflict that says who.
func LockDir(dir, holder string) (*Lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, cairn.Errorf(cairn.Unavailable, "The data directory %s cannot be made.", dir).At("data").Because(err)
	}
	path := filepath.Join(dir, LockName)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, cairn.Errorf(cairn.Unavailable, "%s cannot be opened.", path).At("data").Because(err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		defer f.Close()
		return nil, cairn.Errorf(cairn.Conflict, "The data directory %s is in use by %s.", dir, holderOf(f)).At("data")
	}
	if err != nil {
		f.Close()
		return nil, cairn.Errorf(cairn.Unavailable, "%s cannot be locked.", path).At("data").Because(err)
	}
	_ = name(f, holder) // on a full disk it stays nameless
	return &Lock{f}, nil
}

// Release gives the directory free.
func (l *Lock) Release() error { return l.f.Close() }

// name writes who holds the lock.
func name(f *os.File, holder string) error {
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err := f.WriteAt(fmt.Appendf(nil, "%s (process %d)\n", holder, os.Getpid()), 0)
	return err
}

func holderOf(f *os.File) string {
	b, err := io.ReadAll(io.LimitReader(f, 200))
	if s := strings.TrimSpace(string(b)); err == nil && s != "" {
		return s
	}
	return "another process"
}
