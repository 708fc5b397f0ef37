package vector

import (
	"regexp"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/signal"
)

func TestReasonsAreSentencesThatPeopleSay(t *testing.T) {
	tests := []struct {
		signal string
		value  float64
		also   map[string]float64
		want   string
	}{
		{signal.LicenceUse, 25, map[string]float64{signal.Active28: 3, signal.Seats: 12}, "3 of 12 seats were used in the last 28 days"},
		{signal.LicenceUse, 100, map[string]float64{signal.Active28: 1, signal.Seats: 1}, "1 of 1 seat was used in the last 28 days"},
		{signal.LicenceUse, 25, nil, "25 % of the seats were used in the last 28 days"},
		{signal.Active28, 0, nil, "Nobody was active in the last 28 days"},
		{signal.Active28, 1, nil, "1 person was active in the last 28 days"},
		{signal.Active28, 4, nil, "4 people were active in the last 28 days"},
		{signal.ActiveChange, -33.3, nil, "33 % fewer people were active than in the 28 days before"},
		{signal.ActiveChange, 0, nil, "As many people were active as in the 28 days before"},
		{signal.DaysActive, 0, nil, "The product was not used in the last 28 days"},
		{signal.SinceActivity, 0, nil, "The product was last used today"},
		{signal.SinceActivity, 1, nil, "The product was last used yesterday"},
		{signal.SinceActivity, 41, nil, "The product was last used 41 days ago"},
		{signal.OldestOpen, 19, map[string]float64{signal.OpenTickets: 1}, "Oldest open ticket is 19 days old"},
		{signal.OldestOpen, 1, nil, "Oldest open ticket is 1 day old"},
		{signal.OldestOpen, 0, map[string]float64{signal.OpenTickets: 0}, "No ticket is open"},
		{signal.OldestOpen, 0, map[string]float64{signal.OpenTickets: 1}, "Oldest open ticket is 0 days old"},
		{signal.OpenTickets, 1, nil, "1 ticket is open"},
		{signal.EscalatedOpen, 2, nil, "2 tickets are escalated"},
		{signal.MedianClose, 1, nil, "Half of the tickets were closed within 1 hour"},
		{signal.MedianClose, 96, nil, "Half of the tickets were closed within 4 days"},
		{signal.Reopened, 2, nil, "Tickets were reopened twice in the last 90 days"},
		{signal.Overdue, 0, nil, "No invoice is overdue"},
		{signal.Overdue, 1, nil, "An invoice is 1 day overdue"},
		{signal.FailedPayments, 0, nil, "No payment failed in the last 90 days"},
		{signal.SinceChampion, 41, nil, "The champion was last seen 41 days ago"},
		{signal.Champion, 0, nil, "The account has no champion"},
		{signal.NPS, 9, nil, "The last recommendation score was 9 of 10"},
		{signal.Mood, -1, nil, "The mood at the last talk was bad"},
		{"trait.employees", 120, nil, "employees: 120"},
	}
	for _, tt := range tests {
		sig := known(tt.also)
		def, _ := signal.Find(tt.signal)
		if got := spoken(cairn.Reason{Signal: tt.signal, Label: def.Label, Value: tt.value, Known: true}, sig); got != tt.want {
			t.Errorf("%s of %v: %q, want %q", tt.signal, tt.value, got, tt.want)
		}
	}
}

func TestTheScaleIsToldWithItsUnit(t *testing.T) {
	for want, l := range map[string]Leaf{
		"0 at 30 days … full at 1 day":     {Signal: signal.OldestOpen, Worst: 30, Best: 1},
		"0 at 20 % … full at 80 %":         {Signal: signal.LicenceUse, Worst: 20, Best: 80},
		"0 at no … full at yes":            {Signal: signal.Champion, Worst: 0, Best: 1},
		"0 at −1 … full at 1":              {Signal: signal.Mood, Worst: -1, Best: 1},
		"0 at 0 people … full at 1 person": {Signal: signal.Active28, Worst: 0, Best: 1},
	} {
		if got := l.Scale(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// spoken is what a leaf without bands says.
func spoken(r cairn.Reason, sig cairn.Signals) string {
	return (&Leaf{}).says(r, cairn.Signal{}, sig, -1)
}

var illSpoken = regexp.MustCompile(`%!|\b1 (people|days|tickets|events|seats|points|hours|invoices|payments)\b|\bone (people|days|tickets)\b|  |of No|-`)

func TestNoSentenceIsIllSpoken(t *testing.T) {
	whole := rapid.Map(rapid.IntRange(0, 60), func(n int) float64 { return float64(n) })
	rapid.Check(t, func(t *rapid.T) {
		for _, d := range signal.Defs() {
			number := whole
			if d.Unit == "%" || d.Unit == "hours" {
				number = rapid.Float64Range(0, 100)
			}
			a, b := number.Draw(t, "a"), number.Draw(t, "b")
			r, s := cairn.Reason{Signal: d.Name, Label: d.Label, Value: a, Known: true}, cairn.Reason{Signal: d.Name, Label: d.Label, Value: b, Known: true, Points: 1500}
			r.Text, s.Text = spoken(r, nil), spoken(s, nil)
			for _, text := range []string{r.Text, (&pair{r, s, true, true, 1500}).change().Text, why(cairn.Vector{Known: true, Way: cairn.Rising, Slope: 1000, Reasons: []cairn.Reason{s}})} {
				if illSpoken.MatchString(text) || unicode.IsLower([]rune(text)[0]) {
					t.Fatalf("%s from %v to %v: %q", d.Name, a, b, text)
				}
			}
		}
	})
}

func TestTheWhyNamesWhatCostsMost(t *testing.T) {
	v := cairn.Vector{Known: true, Level: 62_400, Way: cairn.Falling, Slope: -8_200, Reasons: []cairn.Reason{
		{Text: "Nobody complained", Points: 40_000, Of: 40_000},
		{Text: "Oldest open ticket is 19 days old", Points: 2_400, Of: 10_000},
		{Text: "3 of 12 seats were used in the last 28 days", Points: 20_000, Of: 50_000},
	}}
	want := "Level 62, falling by 8 points in 30 days: 3 of 12 seats were used in the last 28 days, and oldest open ticket is 19 days old."
	if got := why(v); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	v.Reasons = v.Reasons[:1]
	if got := why(v); !strings.HasSuffix(got, ": nobody complained.") {
		t.Errorf("where nothing costs much: %s", got)
	}
}
