package signal

import "math/bits"

// union returns the numbers that are in any of the sets.
func union(sets [][]uint64) []uint64 {
	words := 0
	for _, s := range sets {
		words = max(words, len(s))
	}
	out := make([]uint64, words)
	for _, s := range sets {
		for i, w := range s {
			out[i] |= w
		}
	}
	return out
}

// size returns how many numbers are in any of the sets.
func size(sets [][]uint64) int {
	n := 0
	for _, w := range union(sets) {
		n += bits.OnesCount64(w)
	}
	return n
}

// has reports whether n is in the set.
func has(set []uint64, n uint32) bool {
	i := int(n / 64)
	return i < len(set) && set[i]&(1<<(n%64)) != 0
}
