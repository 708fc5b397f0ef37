package sqlstore

import (
	"bytes"
	"context"
	"testing"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
)

// A bitmap of people that is damaged is an error, never a panic and never
// another set of people unseen.
func FuzzBitmap(f *testing.F) {
	for _, people := range [][]uint32{nil, {0}, {1, 2, 3, 70_000}, many(5000), many(70_000)} {
		b := roaring.BitmapOf(people...)
		b.RunOptimize()
		text, err := b.ToBytes()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text, text)
		f.Add(text[:len(text)/2], text)
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		a, err := bitmap(bytes.Clone(one))
		if err != nil {
			return
		}
		b, err := bitmap(bytes.Clone(two))
		if err != nil {
			return
		}
		n := a.GetCardinality()
		a.Or(b)
		if a.GetCardinality() < n {
			t.Fatalf("together they are %d, one alone %d", a.GetCardinality(), n)
		}
		a.RunOptimize()
		text, err := a.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := bitmap(text)
		if err != nil || !again.Equals(a) {
			t.Fatalf("what was written is not read again: %v", err)
		}
	})
}

func many(n int) (out []uint32) {
	for i := range n {
		out = append(out, uint32(i*3))
	}
	return out
}

// What is sealed opens to what it was, and anything else is refused.
func FuzzSealed(f *testing.F) {
	a, err := newKey(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		f.Fatal(err)
	}
	subject := cairn.HashID("fuzz")
	const kept = `{"k":{},"p":{}}`
	good := sealWith(a, subject, []byte(kept)) // another one in each process
	f.Add(good, []byte("x"))
	f.Add(good[:20], []byte(""))
	f.Add([]byte{}, []byte("{}"))
	s := &Store{}
	s.keys.put(subject, a)
	f.Fuzz(func(t *testing.T, box, plain []byte) {
		if len(box) >= len(subject) { // the key of another subject would be asked for
			box = append(bytes.Clone(subject[:]), box[len(subject):]...)
		}
		if len(box) >= len(subject)+nonceSize { // a shorter one is refused by open, as below
			if got, _, err := openBox(a, box); err == nil && string(got) != kept {
				t.Fatalf("% x opens to %q", box, got)
			}
		} else if got, err := s.open(context.Background(), box); err == nil && len(got) > 0 {
			t.Fatalf("% x opens to %q", box, got)
		}
		if got, err := s.open(context.Background(), sealWith(a, subject, plain)); err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("%q was sealed and opens to %q, %v", plain, got, err)
		}
	})
}

func FuzzCursor(f *testing.F) {
	f.Add(encodeCursor(place{Sort: "level", Number: 3}))
	f.Add("e30")
	f.Add("bnVsbA")
	f.Fuzz(func(t *testing.T, text string) {
		var p place
		if err := decodeCursor(text, &p); err != nil {
			if cairn.KindOf(err) != cairn.Invalid {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		var again place
		if err := decodeCursor(encodeCursor(p), &again); err != nil || again != p {
			t.Fatalf("%+v is read as %+v, %v", p, again, err)
		}
		var q statement
		if err := q.after(column{value: "v", missing: "m"}, p.Sort, text); err != nil && cairn.KindOf(err) != cairn.Invalid {
			t.Fatal(err)
		}
	})
}

// What is packed in the tables may be damaged, and is an error then; what is
// read is written and read the same again.
func FuzzPacked(f *testing.F) {
	vector, signals := packedExample()
	f.Add(packVector(&vector))
	f.Add(packSignals(signals))
	f.Add([]byte{})
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}) // says that it is long
	f.Fuzz(func(t *testing.T, packed []byte) {
		if got, err := unpackSignals(packed); err == nil {
			for name, v := range got {
				if v.Name != name {
					t.Fatalf("%q stands under %q", v.Name, name)
				}
			}
			again, err := unpackSignals(packSignals(got))
			if err != nil || !bytes.Equal(packSignals(again), packSignals(got)) {
				t.Fatalf("%v is read as %v, %v", got, again, err)
			}
		}
		if got, err := unpackVector(packed); err == nil {
			again, err := unpackVector(packVector(&got))
			if err != nil || !bytes.Equal(packVector(&again), packVector(&got)) {
				t.Fatalf("%v is read as %v, %v", got, again, err)
			}
		}
	})
}
