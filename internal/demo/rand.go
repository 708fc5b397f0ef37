package demo

import (
	"math"
	"math/rand/v2"

	"cairn"
)

// A theme separates the streams of one customer.
type theme uint64

const (
	profileTheme theme = iota + 1
	staffTheme
	usageTheme
	lateTheme
	weekTheme
	moneyTheme
	invoiceTheme
	ticketTheme
	surveyTheme
	talkTheme
	careTheme
	pulseTheme
	faultTheme
	houseTheme
	renewalTheme
)

// A dice is a stream of draws.
type dice struct{ *rand.Rand }

// dice returns the stream of a customer (-1: of the house), a theme and a
// number within it. Equal arguments give equal streams.
func (c *Company) dice(customer int, t theme, n int64) dice {
	return dice{rand.New(rand.NewPCG(mix(uint64(c.Seed), uint64(customer)+1), mix(uint64(t), uint64(n))))}
}

// mix is the finaliser of SplitMix64 over both.
func mix(a, b uint64) uint64 {
	z := a*0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// keyNumber turns a key into a number for [Company.dice].
func keyNumber(key string) int64 {
	id := cairn.HashID("demo", key)
	var n uint64
	for _, b := range id[:8] {
		n = n<<8 | uint64(b)
	}
	return int64(n)
}

// between returns a whole number from lo to hi, both included.
func (d dice) between(lo, hi int) int {
	if hi <= lo {
		return lo
	}
	return lo + d.IntN(hi-lo+1)
}

// in returns a number from lo to hi.
func (d dice) in(lo, hi float64) float64 { return lo + (hi-lo)*d.Float64() }

// chance is true with probability p.
func (d dice) chance(p float64) bool { return d.Float64() < p }

// poisson draws a count with the given mean (Knuth; means here are small).
func (d dice) poisson(mean float64) int {
	if mean <= 0 {
		return 0
	}
	limit, p, n := math.Exp(-mean), 1.0, 0
	for {
		if p *= d.Float64(); p < limit {
			return n
		}
		n++
	}
}

// pick returns one of the words.
func (d dice) pick(words []string) string { return words[d.IntN(len(words))] }

// office returns a second of the day within working hours, most often around
// eleven and three.
func (d dice) office() int {
	peak := 11.0
	if d.chance(0.5) {
		peak = 15
	}
	h := peak + d.NormFloat64()*1.6
	return int(min(max(h, 7), 18.9) * 3600)
}
