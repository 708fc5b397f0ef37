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
	size := int64(s.Bsize)
	return int64(s.Blocks) * size, int64(s.Bavail) * size, nil
}
