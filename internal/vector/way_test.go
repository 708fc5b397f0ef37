package vector

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/signal"
)

var monday = time.Date(2026, 3, 30, 0, 0, 0, 0, time.UTC)

// weekly returns marks a week apart; a negative level is not known.
func weekly(levels ...float64) []cairn.Mark {
	out := make([]cairn.Mark, len(levels))
	for i, l := range levels {
		out[i] = cairn.Mark{At: monday.AddDate(0, 0, 7*i), Level: cairn.Points(l * 1000), Known: l >= 0}
	}
	return out
}

func TestTheSlopeIsTheTheilSenLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var marks []cairn.Mark
		at := monday
		for range rapid.IntRange(0, 14).Draw(t, "marks") {
			at = at.Add(time.Duration(rapid.IntRange(1, 400).Draw(t, "hours")) * time.Hour)
			marks = append(marks, cairn.Mark{At: at, Level: cairn.Points(rapid.IntRange(0, 100_000).Draw(t, "level")), Known: rapid.IntRange(0, 4).Draw(t, "known") > 0})
		}
		way, slope := (Course{}).Of(marks)
		want, n := bruteForce(marks)
		if n < 4 {
			if way != cairn.Unknown || slope != 0 {
				t.Fatalf("%d known marks: %s %d", n, way, slope)
			}
			return
		}
		if way == cairn.Unknown || math.Abs(float64(slope)-want) > 0.501 {
			t.Fatalf("slope %d, brute force says %v", slope, want)
		}
	})
}

// bruteForce finds the median of all pairwise slopes by its definition: as many
// lie below as above.
func bruteForce(marks []cairn.Mark) (float64, int) {
	var slopes []float64
	n := 0
	for i, a := range marks {
		if !a.Known {
			continue
		}
		n++
		for _, b := range marks[i+1:] {
			if b.Known {
				slopes = append(slopes, float64(b.Level-a.Level)/(b.At.Sub(a.At).Seconds()/(30*86400)))
			}
		}
	}
	slices.Sort(slopes)
	if len(slopes) == 0 {
		return 0, n
	}
	return (slopes[(len(slopes)-1)/2] + slopes[len(slopes)/2]) / 2, n
}

func TestTheWayHasABandWithTwoEdges(t *testing.T) {
	perWeek := func(points float64) float64 { return points * 7 / 30 }
	line := func(n int, from, slope float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = from + float64(i)*perWeek(slope)
		}
		return out
	}
	// Falls by 6 a month for seven weeks, then hardly at all.
	eases := append(line(7, 80, -6), line(7, 80+7*perWeek(-6), -0.1)...)
	for _, tt := range []struct {
		name   string
		levels []float64
		want   cairn.Way
	}{
		{"too few", []float64{90, 70, 50}, cairn.Unknown},
		{"too few known", []float64{-1, -1, 90, 70, -1, 50}, cairn.Unknown},
		{"four are enough", []float64{-1, 90, 80, 70, 60}, cairn.Falling},
		{"level", line(14, 50, 0), cairn.Steady},
		{"within the band from the start", line(14, 50, 3), cairn.Steady},
		{"beyond the outer edge", line(14, 50, 4.1), cairn.Rising},
		{"downward", line(14, 50, -4.1), cairn.Falling},
		{"one wild week does not count", []float64{50, 50, 50, 50, 5, 50, 50, 50, 50, 50, 50, 50, 50, 50}, cairn.Steady},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if way, slope := (Course{}).Of(weekly(tt.levels...)); way != tt.want {
				t.Errorf("%s at %v, want %s", way, slope, tt.want)
			}
		})
	}
	way, slope := (Course{}).Of(weekly(eases...))
	if slope <= -Enter || slope >= -Leave {
		t.Fatalf("a slope of %v does not lie between the edges", slope)
	}
	if way != cairn.Falling {
		t.Errorf("between the edges a fall goes on: got %s", way)
	}
}

func TestTheWayDependsOnTheSeriesAlone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := rapid.SliceOfN(rapid.Float64Range(0, 100), 14, 14).Draw(t, "levels")
		now := monday.AddDate(0, 0, rapid.IntRange(0, 3000).Draw(t, "days")).Add(time.Hour)
		ends := WeekEnds(now, time.UTC, Weeks)
		m := Model{Name: "m", Groups: []Group{{Name: "G", Weight: 100, Leaves: []Leaf{{Signal: signal.Active28, Weight: 100, Worst: 0, Best: 100}}}}}
		asked := 0
		v := m.Vector(func(at time.Time) cairn.Signals {
			asked++
			i := slices.IndexFunc(ends, at.Equal)
			if i < 0 {
				i = Weeks
			}
			return known(map[string]float64{signal.Active28: levels[i]})
		}, time.UTC, now)
		way, slope := (Course{}).Of(v.Trail)
		if asked != 14 || len(v.Trail) != 14 || v.Way != way || v.Slope != slope {
			t.Fatalf("asked %d times; %s %d, of the trail alone %s %d", asked, v.Way, v.Slope, way, slope)
		}
		if last := v.Trail[13]; last.Level != v.Level || !last.At.Equal(now) {
			t.Fatalf("the last mark is %+v, the vector at %v", last, v.Level)
		}
	})
}

func TestWeeksEndOnSundayMidnightInTheZone(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York") // summer time began on 8 March 2026
	if err != nil {
		t.Fatal(err)
	}
	for _, now := range []time.Time{
		time.Date(2026, 3, 30, 0, 0, 0, 0, zone), // a week end itself is now, not a mark before it
		time.Date(2026, 3, 30, 0, 0, 1, 0, zone),
		time.Date(2026, 4, 5, 23, 59, 0, 0, zone),
	} {
		ends := WeekEnds(now, zone, Weeks)
		if len(ends) != Weeks || !ends[Weeks-1].Before(now) || now.Sub(ends[Weeks-1]) > 7*24*time.Hour {
			t.Fatalf("at %v the last week end is %v", now, ends[Weeks-1])
		}
		for i, e := range ends {
			local := e.In(zone)
			if local.Weekday() != time.Monday || local.Hour() != 0 || local.Minute() != 0 {
				t.Errorf("a week ends at %v", local)
			}
			if i > 0 && cairn.DayOf(e, zone)-cairn.DayOf(ends[i-1], zone) != 7 {
				t.Errorf("from %v to %v", ends[i-1], e)
			}
		}
	}
}

func TestAnAccountWithoutHistoryHasNoLevelAndNoWay(t *testing.T) {
	v := Default().Vector(func(time.Time) cairn.Signals { return cairn.Signals{} }, time.UTC, monday)
	if v.Known || v.Way != cairn.Unknown || v.Level != 0 || v.Why == "" {
		t.Errorf("%+v", v)
	}
	for _, m := range v.Trail {
		if m.Known {
			t.Errorf("a mark of nothing is known: %+v", m)
		}
	}
}
