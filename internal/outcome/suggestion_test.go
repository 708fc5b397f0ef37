package outcome

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// suggested returns what is suggested of the only account.
func (s *shop) suggested(t *testing.T) string {
	t.Helper()
	all, err := s.service().Suggestions(context.Background(), cairn.Everything)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, one := range all {
		out = append(out, one.Reason()+" "+strings.Join(one.Holds, "; "))
	}
	return strings.TrimSpace(strings.Join(out, " | "))
}

// using is an account that has had value, with signals.
func (s *shop) using(licences, change float64) {
	a := s.healthy()
	a.Signals[signal.LicenceUse] = cairn.Signal{Known: true, Number: licences}
	a.Signals[signal.ActiveChange] = cairn.Signal{Known: true, Number: change}
	s.accounts[a.ID] = *a
}

func TestASignalSuggestsFromItsBorderOn(t *testing.T) {
	for _, tt := range []struct {
		licences, change float64
		want             string
	}{
		{89.9, 24, ""}, {90, 0, "90 % of the seats were used in the last 28 days (from 90 % on)"}, {118.26, 0, "118.3 % of the seats were used in the last 28 days (from 90 % on)"},
		{91, 60, "60 % more people were active than in the 28 days before (from 25 % on)"}, // further over its border
	} {
		s := &shop{}
		s.using(tt.licences, tt.change)
		if got := s.suggested(t); got != tt.want {
			t.Errorf("%v and %v: %q, want %q", tt.licences, tt.change, got, tt.want)
		}
	}
}

func TestASuggestionSaysWhyItIsTooEarly(t *testing.T) {
	s := &shop{}
	s.using(95, 0)
	for id, a := range s.accounts {
		a.Vector.Level = 30_000
		s.accounts[id] = a
	}
	if got := s.suggested(t); got != "95 % of the seats were used in the last 28 days (from 90 % on) the level is 30, below 40" {
		t.Errorf("%q", got)
	}
}

func TestWhatWasAnsweredIsNotSuggestedAgainForATime(t *testing.T) {
	licences := `"suggested":"usage.licence_use"`
	for _, tt := range []struct {
		name, said string
		quiet      bool
	}{
		{"an upsell is open", `{"type":"upsell"}`, true},
		{"a cross-sell is open", `{"type":"cross_sell"}`, false},
		{"it was lost last week", `{"type":"upsell","stage":"lost","closed":"2026-03-24",` + licences + `}`, true},
		{"it was lost 90 days ago", `{"type":"upsell","stage":"lost","closed":"2025-12-31",` + licences + `}`, true},
		{"it was lost 91 days ago", `{"type":"upsell","stage":"lost","closed":"2025-12-30",` + licences + `}`, false},
		{"dismissed until today", `{"stage":"dismissed","until":"2026-03-31",` + licences + `}`, true},
		{"dismissed until yesterday", `{"stage":"dismissed","until":"2026-03-30",` + licences + `}`, false},
		{"another was dismissed", `{"stage":"dismissed","until":"2027-03-30","suggested":"usage.events_28d"}`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &shop{}
			s.using(95, 0)
			s.say("o", tt.said, noon)
			if quiet := s.suggested(t) == ""; quiet != tt.quiet {
				t.Errorf("quiet is %v", quiet)
			}
		})
	}
}

func TestASuggestionIsTakenOrDismissedForAReason(t *testing.T) {
	s := &shop{}
	s.using(95, 0)
	one, err := s.service().Suggested(context.Background(), cairn.Everything, cairn.Space("").Account("acme"), signal.LicenceUse)
	if err != nil {
		t.Fatal(err)
	}
	if got := one.Take(); got["type"] != "upsell" || got["suggested"] != signal.LicenceUse || got["name"] != "95 % of the seats were used in the last 28 days (from 90 % on)" {
		t.Errorf("%v", got)
	}
	today := cairn.DayOf(noon, time.UTC)
	for _, wrong := range []struct {
		why   string
		days  int
		field string
	}{{" ", 30, "why"}, {strings.Repeat("x", 301), 30, "why"}, {"later", 7, "days"}} {
		_, _, err := one.Dismiss(wrong.why, wrong.days, today)
		if e, ok := err.(*cairn.Error); !ok || e.Field != wrong.field {
			t.Errorf("%v: %v", wrong, err)
		}
	}
	key, fields, err := one.Dismiss("they hire in May", 30, today)
	if err != nil || fields["until"] != "2026-04-30" {
		t.Fatalf("%v, %v", fields, err)
	}
	s.say(key, fmt.Sprintf(`{"stage":"dismissed","suggested":%q,"until":%q,"held":"they hire in May"}`, fields["suggested"], fields["until"]), noon)
	if got := s.suggested(t); got != "" {
		t.Errorf("dismissed it says %q", got)
	}
	if list, err := s.service().List(context.Background(), cairn.Everything); err != nil || len(list) != 0 {
		t.Errorf("what was dismissed is an opportunity: %v, %v", list, err)
	}
	if _, err := s.service().Suggested(context.Background(), cairn.Scope{}, cairn.Space("").Account("acme"), signal.LicenceUse); err == nil {
		t.Error("it is suggested beyond the scope")
	}
}

func TestAccountsOfOpportunitiesAreAskedForOnce(t *testing.T) {
	s := &shop{}
	s.healthy()
	for i := range 50 {
		s.say(fmt.Sprint(i), `{"type":"upsell"}`, noon)
	}
	if list, err := s.service().List(context.Background(), cairn.Everything); err != nil || len(list) != 50 || s.asked != 1 {
		t.Errorf("%d listed, asked %d times, %v", len(list), s.asked, err)
	}
}
