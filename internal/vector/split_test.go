package vector

import (
	"testing"

	"pgregory.net/rapid"

	"cairn"
)

func TestTheFourCausesSumToTheWholeChange(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := map[Mix]cairn.Points{}
		level := func(m Mix) cairn.Points {
			if _, ok := levels[m]; !ok {
				levels[m] = cairn.Points(rapid.IntRange(0, 100_000).Draw(t, "level"))
			}
			return levels[m]
		}
		s := SplitOf(level)
		if whole := level(Mix{true, true, true, true}) - level(Mix{}); s.Whole() != whole {
			t.Fatalf("%+v sums to %d, the level changed by %d", s, s.Whole(), whole)
		}
	})
}

func TestACauseThatChangesNothingHasNoPart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		levels := map[Mix]cairn.Points{}
		s := SplitOf(func(m Mix) cairn.Points {
			m.Model = false
			if _, ok := levels[m]; !ok {
				levels[m] = cairn.Points(rapid.IntRange(0, 100_000).Draw(t, "level"))
			}
			return levels[m]
		})
		if s.Model < 0 || s.Model > 1 { // 1: a thousandth that rounding left
			t.Fatalf("the model changed nothing and has %d", s.Model)
		}
	})
}

// Where what causes do is added up, each has what it does; where two must meet,
// they share it.
func TestCausesHaveWhatTheyDo(t *testing.T) {
	s := SplitOf(func(m Mix) (level cairn.Points) {
		for _, c := range []struct {
			is bool
			by cairn.Points
		}{{m.Data, 9_000}, {m.Time, -4_000}, {m.Missing, 500}, {m.Model, 7}} {
			if c.is {
				level += c.by
			}
		}
		return level + 50_000
	})
	if want := (Split{9_000, -4_000, 500, 7}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
	s = SplitOf(func(m Mix) cairn.Points {
		if m.Data && m.Time {
			return 10_000
		}
		return 0
	})
	if want := (Split{5_000, 5_000, 0, 0}); s != want {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func TestAsMuchIsKnownAsThere(t *testing.T) {
	here := cairn.Signals{"a": {Known: true, Number: 1}, "b": {}, "c": {Known: true, Number: 3}}
	there := cairn.Signals{"a": {Known: true, Number: 10}, "b": {Known: true, Number: 20}, "c": {Why: "gone"}}
	got := Known(here, there, here, there)
	if v, ok := got.Number("a"); !ok || v != 1 {
		t.Errorf("a is %v %v", v, ok)
	}
	if v, ok := got.Number("b"); !ok || v != 20 {
		t.Errorf("b is %v %v", v, ok)
	}
	if _, ok := got.Number("c"); ok || got["c"].Why != "gone" {
		t.Errorf("c is %+v", got["c"])
	}
}
