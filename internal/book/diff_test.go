package book

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestADiffShowsWhatChangedAndALittleAboutIt(t *testing.T) {
	got := Diff("a\nb\nc\nd\ne\n", "a\nb\nx\nd\ne\nf", 1)
	want := []Line{{" ", "b"}, {"-", "c"}, {"+", "x"}, {" ", "d"}, {" ", "e"}, {"+", "f"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if Diff("a\n", "a", 3) != nil {
		t.Error("nothing changed")
	}
}

func TestADiffHasBothTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) []string {
			return rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 9).Draw(t, name)
		}
		a, b := text("before"), text("after")
		var before, after []string
		for _, l := range Diff(strings.Join(a, "\n"), strings.Join(b, "\n"), 100) {
			if l.Sign != "+" {
				before = append(before, l.Text)
			}
			if l.Sign != "-" {
				after = append(after, l.Text)
			}
		}
		if strings.Join(a, "\n") == strings.Join(b, "\n") {
			return
		}
		if strings.Join(before, "\n") != strings.Join(a, "\n") || strings.Join(after, "\n") != strings.Join(b, "\n") {
			t.Fatalf("%q to %q is %q to %q", a, b, before, after)
		}
	})
}
