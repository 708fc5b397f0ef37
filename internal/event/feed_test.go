package event

import (
	"testing"

	"pgregory.net/rapid"

	"cairn"
)

func TestACursorIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c Cursor
		for p := range c {
			c[p] = rapid.Int64Range(0, 1<<48-1).Draw(t, "n")
		}
		got, err := ParseCursor(c.String())
		if err != nil || got != c {
			t.Fatalf("%v became %v, %v", c, got, err)
		}
	})
	var c Cursor
	for p := range c {
		c[p] = 2_000_000
	}
	if n := len(c.String()); n > 400 {
		t.Errorf("a cursor of 128 million events has %d characters", n)
	}
	for _, bad := range []string{"", "x", "!!", c.String() + "A", c.String()[1:], c.String()[:len(c.String())-2]} {
		if _, err := ParseCursor(bad); cairn.KindOf(err) != cairn.Invalid || err == nil {
			t.Errorf("%q is taken for a cursor", bad)
		}
	}
}

func FuzzCursor(f *testing.F) {
	f.Add(Cursor{1, 2, 3}.String())
	f.Add("AQ")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := ParseCursor(text)
		if err == nil && c.String() != text {
			t.Fatalf("%q is read as %q", text, c.String())
		}
	})
}
