package turn

import (
	"testing"

	"cairn"
)

func FuzzPlace(f *testing.F) {
	f.Add("dGhlbiA1MA")
	f.Add("dGhlbiAtMQ")
	f.Add("dGhlbiA5OTk5OTk5OTk5OTk5OTk5OTk5OQ")
	f.Fuzz(func(t *testing.T, cursor string) {
		if n, err := readOffset(cursor); n < 0 || err != nil && cairn.KindOf(err) != cairn.Invalid {
			t.Fatalf("%q is %d, %v", cursor, n, err)
		}
	})
}
