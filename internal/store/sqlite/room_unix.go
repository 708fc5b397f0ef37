//go:build linux || darwin || freebsd

package sqlite

import "syscall"

// diskOf returns the size of the file system that holds a directory, and what
// is left on it for who is not root.
func diskOf(dir string) (total, avail int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, 0, err
	}
	total, avail = sizeOf(int64(s.Blocks), int64(s.Bfree), int64(s.Bavail), int64(s.Bsize))
	return total, avail, nil
}

// sizeOf counts as the size what is used and what is left for who is not root,
// as df does: what is kept for root is neither, and nobody would ever fill it.
func sizeOf(blocks, free, avail, size int64) (total, left int64) {
	return (blocks - free + avail) * size, avail * size
}
