package web

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
)

func TestMoneyIsWrittenAsTheWorkspaceWritesIt(t *testing.T) {
	eur := cairn.Money{Minor: 123456789, Currency: "EUR"}
	for _, tt := range []struct {
		locale, plain, exact string
		m                    cairn.Money
	}{
		{"en", "1,234,568\u00a0€", "1,234,567.89\u00a0€", eur},
		{"de-DE", "1.234.568\u00a0€", "1.234.567,89\u00a0€", eur},
		{"fr", "1\u202f234\u202f568\u00a0€", "1\u202f234\u202f567,89\u00a0€", eur},
		{"en", "$1,205", "$1,204.50", cairn.Money{Minor: 120450, Currency: "USD"}},
		{"en", "¥1,204", "¥1,204", cairn.Money{Minor: 1204, Currency: "JPY"}},
		{"en", "12\u00a0CHF", "12\u00a0CHF", cairn.Money{Minor: 1200, Currency: "CHF"}},
		{"en", "−5\u00a0€", "−5\u00a0€", cairn.Money{Minor: -500, Currency: "EUR"}},
		{"en", "–", "–", cairn.Money{}},
	} {
		v := View{numbers: numbersOf(tt.locale)}
		if diff := cmp.Diff([]string{tt.plain, tt.exact}, []string{v.Money(tt.m), v.MoneyExact(tt.m)}); diff != "" {
			t.Errorf("%s %v (-want +got)\n%s", tt.locale, tt.m, diff)
		}
	}
}

func TestCountsAreTheirDigitsInThrees(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(-1<<50, 1<<50).Draw(t, "n")
		s := View{}.Count(n)
		for i, part := range strings.Split(strings.TrimPrefix(s, "−"), ",") {
			if len(part) > 3 || len(part) == 0 || i > 0 && len(part) != 3 {
				t.Fatalf("%d is %q", n, s)
			}
		}
		if strings.HasPrefix(s, "−") != (n < 0) {
			t.Fatalf("%d is %q", n, s)
		}
	})
}

func TestMomentsAreWrittenAsPeopleSayThem(t *testing.T) {
	v := View{Now: noon, Zone: time.UTC}
	for d, want := range map[time.Duration]string{
		0: "just now", 5 * time.Minute: "5 min ago", 3 * time.Hour: "3 h ago", 13 * time.Hour: "yesterday", 40 * time.Hour: "2 days ago",
		-30 * time.Minute: "in 30 min", -20 * time.Hour: "tomorrow", -12 * 24 * time.Hour: "in 12 days", 400 * 24 * time.Hour: "19 Oct 2025",
	} {
		if got := v.Ago(noon.Add(-d)); got != want {
			t.Errorf("%v ago is %q, want %q", d, got, want)
		}
	}
	for days, want := range map[int]string{-40: "40 days late", -1: "1 day late", 0: "today", 1: "tomorrow", 3: "Thursday", 7: "30 Nov", 60: "22 Jan 2027"} {
		if got := v.Due(noon.AddDate(0, 0, days)); got != want {
			t.Errorf("due in %d days is %q, want %q", days, got, want)
		}
	}
	if v.Ago(time.Time{}) != "never" || v.Due(time.Time{}) != "no date" {
		t.Error("no time has no words")
	}
}

func TestDaysAreThoseOfTheWorkspacesZone(t *testing.T) {
	auckland := time.FixedZone("NZDT", 13*3600)
	v := View{Now: noon, Zone: auckland} // 00:20 on the 24th there
	if got := v.DayAgo(noon.Add(-30 * time.Minute)); got != "yesterday" {
		t.Errorf("half an hour ago is %q", got)
	}
}

func TestTheGlyphTellsTheWayByAngleShapeAndWord(t *testing.T) {
	seen := map[string]bool{}
	for _, tt := range []struct {
		way         cairn.Way
		slope       cairn.Points
		angle       float64
		class, text string
	}{
		{cairn.Rising, 30_000, 60, "rising", "Level 50 of 100, rising 30 points in 30 days"},
		{cairn.Rising, 2_500, 18, "rising", "Level 50 of 100, rising 3 points in 30 days"},
		{cairn.Steady, 900, 0, "steady", "Level 50 of 100, steady"},
		{cairn.Falling, -1_000, -18, "falling", "Level 50 of 100, falling 1 point in 30 days"},
		{cairn.Falling, -10_000, -40, "falling", "Level 50 of 100, falling 10 points in 30 days"},
		{cairn.Unknown, 0, 0, "unsure", "Level 50 of 100, too little history to tell the way"},
	} {
		v := cairn.Vector{Known: true, Level: 50_000, Way: tt.way, Slope: tt.slope}
		if tilt(v) != tt.angle || wayClass(v) != tt.class || glyphText(v) != tt.text {
			t.Errorf("%s %v: %v %q %q", tt.way, tt.slope, tilt(v), wayClass(v), glyphText(v))
		}
		var b strings.Builder
		if err := glyphMark(cairn.Vector{Known: true, Level: 50_000, Way: tt.way}).Render(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
		seen[b.String()] = true
	}
	if len(seen) != 4 {
		t.Errorf("%d drawings for four ways", len(seen))
	}
}

func TestAMissingLevelIsHollowWithItsReasonAndNeverZero(t *testing.T) {
	var b strings.Builder
	v := cairn.Vector{Why: "No event has arrived within 90 days."}
	if err := glyph(v, "").Render(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "glyph-hollow") || !strings.Contains(b.String(), v.Why) || strings.Contains(b.String(), ">0<") {
		t.Error(b.String())
	}
}

func TestASparklineBreaksWhereNothingWasKnown(t *testing.T) {
	known := func(l int) cairn.Mark { return cairn.Mark{Known: true, Level: cairn.Points(l * 1000)} }
	s, ok := sparkOf([]cairn.Mark{known(40), known(42), {}, known(44), known(60)}, 88, 24)
	if !ok || len(s.Lines) != 2 || s.Text != "From 40 to 60 in 4 weeks" {
		t.Errorf("%+v", s)
	}
	if _, ok := sparkOf([]cairn.Mark{{}, known(4)}, 88, 24); ok {
		t.Error("one level makes no line")
	}
}
