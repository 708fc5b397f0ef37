package web

import (
	"cmp"
	"fmt"
	"slices"

	"cairn"
)

func tabIndex(i int) string {
	if i == 0 {
		return "0"
	}
	return "-1"
}

// strongest returns the reasons that cost the level most, then those that are
// missing.
func strongest(reasons []cairn.Reason, n int) []cairn.Reason {
	out := slices.Clone(reasons)
	slices.SortStableFunc(out, func(a, b cairn.Reason) int {
		if a.Known != b.Known {
			if a.Known {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.Of-b.Points, a.Of-a.Points)
	})
	return out[:min(n, len(out))]
}

func reasonShare(r cairn.Reason) float64 {
	if r.Of <= 0 {
		return 0
	}
	return float64(r.Points) / float64(r.Of)
}

func reasonLook(r cairn.Reason) string {
	switch s := reasonShare(r); {
	case s < 0.4:
		return "low"
	case s < 0.75:
		return "middle"
	}
	return "full"
}

func reasonWidth(r cairn.Reason) string {
	return fmt.Sprintf("width:%.0f%%", 100*min(max(reasonShare(r), 0), 1))
}
