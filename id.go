package cairn

import (
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// An ID is 128 bits. It is written as 32 hexadecimal digits and stored as 16
// bytes. The zero ID names nothing.
type ID [16]byte

// AccountID names an account; see [Space.Account].
type AccountID struct{ ID }

// PersonID names a person without telling who it is: it is made under the
// workspace's secret pepper; see [Pepper.Person].
type PersonID struct{ ID }

// StreamID names a stream: what a record was admitted to.
type StreamID struct{ ID }

// EventID is made of the source and the producer's own id, so that a retry
// carries the same one.
type EventID struct{ ID }

// RecordID names a record that sources describe by patches: an account, a
// person, a contract, an invoice, a ticket, an answer or a task.
type RecordID struct{ ID }

// ActionID names one effect; it is made of the action's key.
type ActionID struct{ ID }

// HashID returns the first 128 bits of SHA-256 over the parts, each preceded
// by its length, so that ("ab","c") and ("a","bc") differ.
func HashID(parts ...string) ID {
	h := sha256.New()
	var n [4]byte
	for _, p := range parts {
		binary.BigEndian.PutUint32(n[:], uint32(len(p)))
		h.Write(n[:])
		h.Write([]byte(p))
	}
	var id ID
	copy(id[:], h.Sum(nil))
	return id
}

// ParseID reads 32 hexadecimal digits.
func ParseID(s string) (ID, error) {
	var id ID
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(id) {
		return id, Errorf(Invalid, "%q is not an id: 32 hexadecimal digits are needed.", s)
	}
	copy(id[:], b)
	return id, nil
}

// IsZero reports whether id names nothing.
func (id ID) IsZero() bool { return id == ID{} }

func (id ID) String() string { return hex.EncodeToString(id[:]) }

// MarshalText writes 32 hexadecimal digits, and nothing for the zero ID.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return []byte{}, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText reads what MarshalText writes.
func (id *ID) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	v, err := ParseID(string(b))
	*id = v
	return err
}

// Value stores id as 16 bytes and the zero ID as null.
func (id ID) Value() (driver.Value, error) {
	if id.IsZero() {
		return nil, nil
	}
	return id[:], nil
}

// Scan reads what Value stored.
func (id *ID) Scan(v any) error {
	switch v := v.(type) {
	case nil:
		*id = ID{}
		return nil
	case []byte:
		if len(v) == len(id) {
			copy(id[:], v)
			return nil
		}
	}
	return fmt.Errorf("cairn: cannot scan %T into an id", v)
}

// Partitions is the number of partitions of the log, fixed for ever.
const Partitions = 64

// Partition returns the partition of the log that s belongs to: FNV-1a 64 of
// its 16 bytes, modulo [Partitions]. It is the same on every engine for ever.
func (s StreamID) Partition() int {
	h := uint64(14695981039346656037)
	for _, b := range s.ID {
		h = (h ^ uint64(b)) * 1099511628211
	}
	return int(h % Partitions)
}
