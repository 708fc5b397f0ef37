package sqlstore

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/klauspost/compress/s2"

	"cairn"
)

// The row of a vector is written at every turn of its account. It keeps the
// vector and the signals field after field, without their names: numbers as
// varints, texts and lists behind their length, times in microseconds; then in
// S2, the fast one of the Snappy family. That is a tenth of what JSON costs.

// packedForm is the first byte: another number will say that there are other
// fields.
const packedForm = 1

// maxPacked bounds what unpacking makes of a few bytes.
const maxPacked = 16 << 20

var errPacked = errors.New("sqlstore: a packed row is damaged")

func packVector(v *cairn.Vector) []byte {
	p := packer{make([]byte, 0, 4096)}
	p.b = append(p.b, packedForm)
	p.time(v.At)
	p.flag(v.Known)
	p.int(int64(v.Level))
	p.text(string(v.Way))
	p.int(int64(v.Slope))
	p.text(v.Model)
	p.int(int64(v.Rev))
	p.text(v.Counted)
	p.text(v.Why)
	p.length(len(v.Reasons), v.Reasons == nil)
	for i := range v.Reasons {
		p.reason(&v.Reasons[i])
	}
	p.length(len(v.Trail), v.Trail == nil)
	for _, m := range v.Trail {
		p.time(m.At)
		p.int(int64(m.Level))
		p.flag(m.Known)
		p.text(m.Gap)
	}
	return s2.Encode(nil, p.b)
}

func unpackVector(packed []byte) (v cairn.Vector, err error) {
	u, err := unpack(packed)
	if err != nil || u == nil {
		return v, err
	}
	v.At = u.time()
	v.Known = u.flag()
	v.Level = cairn.Points(u.int())
	v.Way = cairn.Way(u.text())
	v.Slope = cairn.Points(u.int())
	v.Model = u.text()
	v.Rev = int(u.int())
	v.Counted = u.text()
	v.Why = u.text()
	v.Reasons = unpackList(u, u.reason)
	v.Trail = unpackList(u, func() (m cairn.Mark) {
		m.At = u.time()
		m.Level = cairn.Points(u.int())
		m.Known = u.flag()
		m.Gap = u.text()
		return m
	})
	return v, u.end()
}

func packSignals(s cairn.Signals) []byte {
	p := packer{make([]byte, 0, 4096)}
	p.b = append(p.b, packedForm)
	p.length(len(s), s == nil)
	for _, name := range slices.Sorted(maps.Keys(s)) {
		v := s[name]
		p.text(name)
		p.flag(v.Known)
		p.number(v.Number)
		p.text(v.Text)
		p.time(v.Fresh)
		p.text(v.Why)
		p.stale(v.Stale)
	}
	return s2.Encode(nil, p.b)
}

func unpackSignals(packed []byte) (cairn.Signals, error) {
	u, err := unpack(packed)
	if err != nil || u == nil {
		return nil, err
	}
	list := unpackList(u, func() (v cairn.Signal) {
		v.Name = u.text()
		v.Known = u.flag()
		v.Number = u.number()
		v.Text = u.text()
		v.Fresh = u.time()
		v.Why = u.text()
		v.Stale = u.stale()
		return v
	})
	if err := u.end(); err != nil || list == nil {
		return nil, err
	}
	out := make(cairn.Signals, len(list))
	for _, v := range list {
		out[v.Name] = v
	}
	return out, nil
}

type packer struct{ b []byte }

func (p *packer) int(n int64)      { p.b = binary.AppendVarint(p.b, n) }
func (p *packer) time(t time.Time) { p.int(cairn.Micros(t)) }
func (p *packer) flag(v bool)      { p.b = append(p.b, byte(one(v))) }

func (p *packer) number(v float64) {
	if n := int64(v); float64(n) == v && (n != 0 || !math.Signbit(v)) { // as most are
		p.flag(true)
		p.int(n)
		return
	}
	p.flag(false)
	p.b = binary.BigEndian.AppendUint64(p.b, math.Float64bits(v))
}

func (p *packer) text(s string) {
	p.b = binary.AppendUvarint(p.b, uint64(len(s)))
	p.b = append(p.b, s...)
}

// length tells a list that is nil from one that is empty.
func (p *packer) length(n int, none bool) {
	if !none {
		n++
	}
	p.b = binary.AppendUvarint(p.b, uint64(n))
}

func (p *packer) reason(r *cairn.Reason) {
	p.text(r.Signal)
	p.text(r.Group)
	p.text(r.Label)
	p.number(r.Value)
	p.flag(r.Known)
	p.int(int64(r.Points))
	p.int(int64(r.Of))
	p.text(r.Text)
	p.text(r.Rule)
	p.text(r.Fresh)
	p.stale(r.Stale)
}

func (p *packer) stale(s *cairn.Stale) {
	p.flag(s != nil)
	if s != nil {
		p.time(s.Since)
		p.text(s.Source)
		p.text(s.Why)
	}
}

// An unpacker reads what a packer wrote. After damage it reads zeros, and end
// says so.
type unpacker struct {
	all string // of which the texts that are read are parts
	at  int
	bad bool
}

// unpack opens what was packed; nil: nothing was, in no bytes.
func unpack(packed []byte) (*unpacker, error) {
	if len(packed) == 0 {
		return nil, nil
	}
	n, err := s2.DecodedLen(packed)
	if err != nil || n > maxPacked {
		return nil, fmt.Errorf("%w: it says that it is %d bytes long: %v", errPacked, n, err)
	}
	b, err := s2.Decode(nil, packed)
	if err != nil || len(b) == 0 || b[0] != packedForm {
		return nil, fmt.Errorf("%w: %v", errPacked, err)
	}
	return &unpacker{all: string(b), at: 1}, nil
}

func (u *unpacker) end() error {
	if u.bad || u.at != len(u.all) {
		return errPacked
	}
	return nil
}

// take returns the next n bytes.
func (u *unpacker) take(n uint64) string {
	if u.bad || n > uint64(len(u.all)-u.at) {
		u.bad = true
		return ""
	}
	s := u.all[u.at : u.at+int(n)]
	u.at += int(n)
	return s
}

func (u *unpacker) uint() uint64 {
	var n uint64
	for shift := 0; shift < 64; shift += 7 {
		b := u.take(1)
		if b == "" {
			return 0
		}
		n |= uint64(b[0]&0x7f) << shift
		if b[0] < 0x80 {
			return n
		}
	}
	u.bad = true
	return 0
}

func (u *unpacker) int() int64 {
	n := u.uint()
	return int64(n>>1) ^ -int64(n&1)
}

func (u *unpacker) time() time.Time { return cairn.FromMicros(u.int()) }
func (u *unpacker) text() string    { return u.take(u.uint()) }

func (u *unpacker) flag() bool {
	b := u.take(1)
	u.bad = u.bad || b > "\x01"
	return b == "\x01"
}

func (u *unpacker) number() float64 {
	if u.flag() {
		return float64(u.int())
	}
	if b := u.take(8); b != "" {
		return math.Float64frombits(binary.BigEndian.Uint64([]byte(b)))
	}
	return 0
}

func (u *unpacker) reason() (r cairn.Reason) {
	r.Signal = u.text()
	r.Group = u.text()
	r.Label = u.text()
	r.Value = u.number()
	r.Known = u.flag()
	r.Points = cairn.Points(u.int())
	r.Of = cairn.Points(u.int())
	r.Text = u.text()
	r.Rule = u.text()
	r.Fresh = u.text()
	r.Stale = u.stale()
	return r
}

func (u *unpacker) stale() *cairn.Stale {
	if !u.flag() {
		return nil
	}
	s := &cairn.Stale{Since: u.time()}
	s.Source = u.text()
	s.Why = u.text()
	return s
}

// unpackList reads a list; nil stays nil.
func unpackList[T any](u *unpacker, one func() T) []T {
	n := u.uint()
	if n == 0 {
		return nil
	}
	if n--; n > uint64(len(u.all)-u.at) { // each has a byte at least
		u.bad = true
		return nil
	}
	out := make([]T, 0, n)
	for range n {
		if u.bad {
			return nil
		}
		out = append(out, one())
	}
	return out
}
