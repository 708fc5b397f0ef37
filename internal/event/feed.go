package event

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"time"

	"cairn"
)

// A Cursor is how far somebody has read the log: the last position in each
// partition. Positions are given without gaps and become visible in order, so
// whoever reads on from a cursor misses nothing, however many nodes write; what
// was dropped before it was read is told of.
type Cursor [cairn.Partitions]int64

// cursorForm is the first byte of a written cursor.
const cursorForm = 1

// String writes c as text that says nothing to whoever holds it.
func (c Cursor) String() string {
	b := []byte{cursorForm}
	for _, n := range c {
		b = binary.AppendUvarint(b, uint64(n))
	}
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return base64.RawURLEncoding.EncodeToString(b)
}

var errCursor = cairn.Errorf(cairn.Invalid, "This is not a cursor of this feed. Take the one of the last answer as it is, or begin without one.").At("cursor")

// ParseCursor reads what String wrote.
func ParseCursor(text string) (c Cursor, _ error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return c, errCursor.Because(err)
	}
	if len(b) < 5 || b[0] != cursorForm || crc32.ChecksumIEEE(b[:len(b)-4]) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return c, errCursor
	}
	b = b[1 : len(b)-4]
	for p := range c {
		n, size := binary.Uvarint(b)
		if size <= 0 || n >= 1<<48 {
			return Cursor{}, errCursor
		}
		c[p], b = int64(n), b[size:]
	}
	if len(b) != 0 {
		return Cursor{}, errCursor
	}
	return c, nil
}

// A FeedQuery asks for events after a cursor.
type FeedQuery struct {
	After    Cursor
	Source   string          // empty: all
	Kind     cairn.EventKind // empty: all
	Name     string          // exactly; empty: all
	Account  cairn.AccountID // whose streams it has now; zero: all
	Since    time.Time       // Seen not before; zero: from the start
	Personal bool            // open what is sealed
	Limit    int             // 0 is 1000, at most 10000
}

// A Fed event is one of the feed, with the account that its stream belongs to
// now; zero: nobody's.
type Fed struct {
	cairn.Event
	Owner    cairn.AccountID
	OwnerKey string // as the account was first called
}

// A FeedPage is events in the order of each partition, with the cursor behind
// them. It may be empty though there is more, where a filter left out much.
type FeedPage struct {
	Events  []Fed
	Cursor  Cursor
	More    bool
	Dropped int64 // events on the way to Cursor that are gone, because an end was set for them; of a narrowed feed as many at most
}

// A Feed is the log as others read it.
type Feed interface {
	Feed(ctx context.Context, scope cairn.Scope, q FeedQuery) (FeedPage, error)
	// Ends returns the cursor behind everything there is.
	Ends(ctx context.Context) ([cairn.Partitions]int64, error)
	// Hear returns a channel that rings after commits, until it is let go.
	Hear(name string) (bell <-chan struct{}, let func())
}
