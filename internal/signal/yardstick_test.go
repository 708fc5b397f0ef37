package signal

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestQuantilesInterpolateBetweenOrderStatistics(t *testing.T) {
	// R: quantile(c(1,2,3,4,10), c(0,.05,.5,.9,1)) is 1.0 1.2 3.0 7.6 10.0
	y := Quantiles([]float64{10, 2, 1, 4, 3})
	for i, want := range map[int]float64{0: 1, 1: 1.2, 10: 3, 18: 7.6, 20: 10} {
		if math.Abs(y.Q[i]-want) > 1e-9 {
			t.Errorf("quantile %d %%: %v, want %v", i*5, y.Q[i], want)
		}
	}
	if m, ok := y.Median(); !ok || m != 3 {
		t.Errorf("median %v", m)
	}
	if _, ok := Quantiles(nil).Median(); ok {
		t.Error("nothing has a median")
	}
}

func TestARankGrowsWithTheValueAndStaysWithinAHundred(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.Float64Range(0, 50), 1, 40)
		y := Quantiles(some.Draw(t, "values"))
		a, b := rapid.Float64Range(-5, 60).Draw(t, "a"), rapid.Float64Range(-5, 60).Draw(t, "b")
		ra, _ := y.Rank(min(a, b))
		rb, _ := y.Rank(max(a, b))
		if ra < 0 || rb > 100 || ra > rb+1e-9 {
			t.Fatalf("rank of %v is %v, of %v %v", min(a, b), ra, max(a, b), rb)
		}
	})
}

func TestAnAccountIsRankedOnlyAmongEnough(t *testing.T) {
	s := folded(did(1, 1, "A"), did(1, 2, "A"))
	values := make([]float64, FewestPeers)
	for i := range values {
		values[i] = float64(i)
	}
	c := New(Settings{})
	got := c.Measure(s, Yardsticks{Active28: Quantiles(values)}, noon)[PeerRank]
	if want := 2.0 / 9 * 100; !got.Known || math.Abs(got.Number-want) > 1e-9 {
		t.Errorf("got %+v, want %v", got, want)
	}
	if got := c.Measure(s, Yardsticks{Active28: Quantiles(values[1:])}, noon)[PeerRank]; got.Known {
		t.Errorf("ranked among nine: %+v", got)
	}
	if diff := got.Fresh.Compare(noon); diff > 0 || got.Fresh.IsZero() {
		t.Errorf("fresh %v", got.Fresh)
	}
}
