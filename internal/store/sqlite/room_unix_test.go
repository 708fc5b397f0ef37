//go:build linux || darwin || freebsd

package sqlite

import "testing"

// df says that 42 % of this file system are used; a large part of it is kept
// for root.
func TestWhatIsKeptForRootIsNoRoom(t *testing.T) {
	total, left := sizeOf(66_053_021, 56_092_625, 13_914_920, 4096)
	if total != 97_793_294_336 || left != 56_995_512_320 {
		t.Errorf("%d bytes of which %d are left", total, left)
	}
	if used := (total - left) * 100 / total; used != 41 {
		t.Errorf("%d %% are used", used)
	}
}
