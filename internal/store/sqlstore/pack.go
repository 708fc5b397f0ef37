package sqlstore

import (
	"encoding/json"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// maxPacked bounds what unpack makes of a few bytes.
const maxPacked = 16 << 20

// pack writes v as JSON in S2, the fast one of the Snappy family: the row of a
// vector is written at every turn of its account, and a third as long so.
func pack(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return s2.Encode(nil, b), nil
}

// unpack reads what pack wrote. Nothing was packed in no bytes.
func unpack(b []byte, into any) error {
	if len(b) == 0 {
		return nil
	}
	n, err := s2.DecodedLen(b)
	if err == nil && n > maxPacked {
		err = fmt.Errorf("it says that it is %d bytes long", n)
	}
	var text []byte
	if err == nil {
		text, err = s2.Decode(nil, b)
	}
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("sqlstore: packed text: %w", err)
	}
	return nil
}
