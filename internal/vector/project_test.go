package vector

import (
	"math/rand/v2"
	"testing"
	"time"

	"cairn"
)

// marksOf are levels a week apart, the last at the first moment of 2026.
func marksOf(levels ...float64) []cairn.Mark {
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	out := make([]cairn.Mark, len(levels))
	for i, l := range levels {
		out[i] = cairn.Mark{At: end.AddDate(0, 0, -7*(len(levels)-1-i)), Level: cairn.Points(l * 1000), Known: l >= 0}
	}
	return out
}

func in(weeks int) time.Time { return time.Date(2026, 1, 1+7*weeks, 0, 0, 0, 0, time.UTC) }

func TestALineGoesOnAndStaysWithinTheScale(t *testing.T) {
	for _, tt := range []struct {
		name             string
		trail            []cairn.Mark
		weeks            int
		level, low, high float64
	}{
		{"straight down", marksOf(80, 78, 76, 74, 72, 70), 5, 60, 60, 60},
		{"to the bottom and no further", marksOf(80, 78, 76, 74, 72, 70), 50, 0, 0, 0},
		{"to the top and no further", marksOf(70, 75, 80, 85, 90), 10, 100, 100, 100},
		{"flat", marksOf(50, 50, 50, 50, 50), 26, 50, 50, 50},
		{"what is not known is left out", marksOf(80, -1, 76, 74, -1, 70), 5, 60, 60, 60},
		{"now it is what it is", marksOf(20, 90, 30, 70, 44), 0, 44, 44, 44},
	} {
		p := Project(tt.trail, in(tt.weeks))
		if !p.Known || p.Level != cairn.Points(tt.level*1000) || p.Low != cairn.Points(tt.low*1000) || p.High != cairn.Points(tt.high*1000) {
			t.Errorf("%s: %+v, want %v (%v to %v)", tt.name, p, tt.level, tt.low, tt.high)
		}
	}
	if p := Project(marksOf(50, -1, 60, 70), in(4)); p.Known {
		t.Errorf("three levels lead to %+v", p)
	}
}

// Where a line and its noise are what they are said to be, about as many of the
// levels to come lie within the interval as it says: more rather than fewer,
// since it allows for the slope and the noise one after the other.
func TestTheIntervalHoldsWhatItSays(t *testing.T) {
	dice := rand.New(rand.NewPCG(3, 9))
	const rounds = 4000
	for _, weeks := range []int{1, 4, 12} {
		within := 0
		for range rounds {
			slope := dice.Float64() - 0.5
			level := func(i int) float64 { return 50 + slope*float64(i) + 4*dice.NormFloat64() }
			var levels []float64
			for i := range 14 {
				levels = append(levels, level(i-13))
			}
			p := Project(marksOf(levels...), in(weeks))
			if next := cairn.Points(level(weeks) * 1000); next >= p.Low && next <= p.High {
				within++
			}
			if p.Low > p.Level || p.Level > p.High {
				t.Fatalf("%+v is in no order", p)
			}
		}
		if share := float64(within) / rounds; share < ProjectedShare-0.04 || share > 0.95 {
			t.Errorf("%d weeks ahead: %.3f are within, want about %v", weeks, share, ProjectedShare)
		}
	}
}
