package web

import (
	"fmt"
	"math"
	"strings"

	"cairn"
)

// tilt is the angle of the arrow for a slope, in degrees, up positive: 15
// points in 30 days or more are as steep as it gets.
func tilt(v cairn.Vector) float64 {
	switch v.Way {
	case cairn.Rising, cairn.Falling:
		a := math.Round(float64(v.Slope) / 1000 / 15 * 60)
		a = math.Min(math.Abs(a), 60)
		a = math.Max(a, 18)
		if v.Way == cairn.Falling {
			a = -a
		}
		return a
	}
	return 0
}

// wayWord is the way in words, with its steepness.
func wayWord(v cairn.Vector) string {
	n := int(math.Abs(float64(v.Slope)/1000) + 0.5)
	points := "points"
	if n == 1 {
		points = "point"
	}
	switch v.Way {
	case cairn.Rising:
		return fmt.Sprintf("rising %d %s in 30 days", n, points)
	case cairn.Falling:
		return fmt.Sprintf("falling %d %s in 30 days", n, points)
	case cairn.Steady:
		return "steady"
	}
	return "too little history to tell the way"
}

// glyphText is the glyph for those who do not see it.
func glyphText(v cairn.Vector) string {
	if !v.Known {
		return "Level not known"
	}
	return fmt.Sprintf("Level %d of 100, %s", v.Level.Round(), wayWord(v))
}

// glyphWhy is what the glyph says on hover and focus.
func glyphWhy(v cairn.Vector) string {
	switch {
	case v.Why != "":
		return v.Why
	case !v.Known:
		return "Nothing has been measured yet."
	}
	return glyphText(v) + "."
}

// wayClass colours by state: rising, steady, falling, unknown.
func wayClass(v cairn.Vector) string {
	if !v.Known {
		return "unknown"
	}
	switch v.Way {
	case cairn.Rising, cairn.Steady, cairn.Falling:
		return string(v.Way)
	}
	return "unsure"
}

func levelText(v cairn.Vector) string {
	if !v.Known {
		return "–"
	}
	return fmt.Sprint(v.Level.Round())
}

// scale is the width of the filled part of the glyph's short scale, of 24.
func scale(v cairn.Vector) string {
	return fmt.Sprintf("%.1f", 24*float64(min(max(v.Level, 0), cairn.Full))/float64(cairn.Full))
}

// sparkline places the known levels of a trail in a box of w by h, with a gap
// where nothing was known. The scale is the trail's own, at least 30 points
// high, so that noise does not look like a cliff.
type sparkline struct {
	Lines []string // points of polylines
	X, Y  string   // of the last known level
	Text  string
}

func sparkOf(trail []cairn.Mark, w, h float64) (s sparkline, ok bool) {
	lo, hi, known := cairn.Full, cairn.Points(0), 0
	var first, last cairn.Points
	for _, m := range trail {
		if !m.Known {
			continue
		}
		if known++; known == 1 {
			first = m.Level
		}
		last = m.Level
		lo, hi = min(lo, m.Level), max(hi, m.Level)
	}
	if known < 2 {
		return s, false
	}
	if hi-lo < 30_000 {
		mid := (hi + lo) / 2
		lo = min(max(mid-15_000, 0), cairn.Full-30_000)
		hi = lo + 30_000
	}
	var line []string
	flush := func() {
		if len(line) > 1 {
			s.Lines = append(s.Lines, strings.Join(line, " "))
		}
		line = nil
	}
	const pad = 2.5
	for i, m := range trail {
		if !m.Known {
			flush()
			continue
		}
		x := pad + (w-2*pad)*float64(i)/float64(max(len(trail)-1, 1))
		y := pad + (h-2*pad)*(1-float64(m.Level-lo)/float64(hi-lo))
		s.X, s.Y = fmt.Sprintf("%.1f", x), fmt.Sprintf("%.1f", y)
		line = append(line, s.X+","+s.Y)
	}
	flush()
	s.Text = fmt.Sprintf("From %d to %d in %d weeks", first.Round(), last.Round(), len(trail)-1)
	return s, true
}
