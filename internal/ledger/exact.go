package ledger

import (
	"math"
	"math/big"
	"math/bits"
)

// An exact is a product of whole numbers over another, which is rounded once,
// at the end.
type exact struct {
	num, den int64
	wide     *big.Rat // instead, once the numbers are too large
}

func exactly(n int64) exact { return exact{num: n, den: 1} }

// times multiplies by a fraction of positive numbers.
func (e exact) times(num, den int64) exact {
	if e.wide == nil {
		n, ok := product(e.num, num)
		d, ok2 := product(e.den, den)
		if ok && ok2 {
			return exact{num: n, den: d}
		}
		e.wide = big.NewRat(e.num, e.den)
	}
	return exact{wide: new(big.Rat).Mul(e.wide, big.NewRat(num, den))}
}

// less subtracts a whole number, and stops at 0.
func (e exact) less(n int64) exact {
	if e.wide == nil {
		if off, ok := product(n, e.den); ok {
			return exact{num: max(0, e.num-off), den: e.den}
		}
		e.wide = big.NewRat(e.num, e.den)
	}
	left := new(big.Rat).Sub(e.wide, new(big.Rat).SetInt64(n))
	if left.Sign() < 0 {
		left.SetInt64(0)
	}
	return exact{wide: left}
}

// plus adds a fraction of small numbers.
func (e exact) plus(num, den int64) exact {
	return exact{num: e.num*den + num*e.den, den: e.den * den}
}

func product(a, b int64) (int64, bool) {
	if a < 0 {
		p, ok := product(-a, b)
		return -p, ok && a != math.MinInt64
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	return int64(lo), hi == 0 && lo <= math.MaxInt64
}

// round returns the nearest whole number, of two equally near the even one.
func (e exact) round() int64 {
	if e.wide == nil {
		return divide(e.num, e.den)
	}
	q, r := new(big.Int).QuoRem(new(big.Int).Abs(e.wide.Num()), e.wide.Denom(), new(big.Int))
	switch c := r.Lsh(r, 1).Cmp(e.wide.Denom()); {
	case c > 0, c == 0 && q.Bit(0) == 1:
		q.Add(q, big.NewInt(1))
	}
	if !q.IsInt64() {
		return math.MaxInt64
	}
	return int64(e.wide.Sign()) * q.Int64()
}

// divide is n/d to the nearest, half to even; d is over 0.
func divide(n, d int64) int64 {
	q, r := n/d, n%d
	if r < 0 {
		r = -r
	}
	if r > d-r || r == d-r && q%2 != 0 {
		if n < 0 {
			return q - 1
		}
		return q + 1
	}
	return q
}
