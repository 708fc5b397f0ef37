package signal

import "math/bits"

// each calls f with every number in the set.
func each(set []uint64, f func(n int)) {
	for i, w := range set {
		for ; w != 0; w &= w - 1 {
			f(i*64 + bits.TrailingZeros64(w))
		}
	}
}

// size returns how many numbers are in the union of the sets.
func size(sets [][]uint64) int {
	words := 0
	for _, s := range sets {
		words = max(words, len(s))
	}
	n := 0
	for i := range words {
		var w uint64
		for _, s := range sets {
			if i < len(s) {
				w |= s[i]
			}
		}
		n += bits.OnesCount64(w)
	}
	return n
}

// has reports whether n is in the set.
func has(set []uint64, n uint32) bool {
	i := int(n / 64)
	return i < len(set) && set[i]&(1<<(n%64)) != 0
}
