package model

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/turn"
	"cairn/internal/vector"
)

func sourcegraph(t *testing.T) vector.Model {
	t.Helper()
	b, err := os.ReadFile("testdata/sourcegraph.yaml")
	if err != nil {
		t.Fatal(err)
	}
	m, err := Parse(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// The score and its thresholds are those that Sourcegraph published
// (Customer Health Score, in its public handbook).
func TestAPublishedScoreIsExpressedWithoutCode(t *testing.T) {
	m := sourcegraph(t)
	if err := m.Check(signal.New(signal.Settings{})); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name                        string
		sentiment                   string
		versions, defects, asks, pc float64
		level                       cairn.Points
		grade                       string
	}{
		{"all healthy", "Healthy", 2, 1, 9, 80, 100_000, "Healthy"},
		{"on every border", "Concerning", 4, 5, 15, 50, 45_001, "Concerning"}, // 15 + 15·(33.34·0.5)/100 + 55·0.5
		{"all poor", "poor", 5, 6, 16, 49.9, 0, "Poor"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			sig := cairn.Signals{"trait.ta_sentiment": {Known: true, Text: tt.sentiment}}
			for name, v := range map[string]float64{"trait.versions_behind": tt.versions, "trait.defect_tickets_90d": tt.defects, "trait.question_tickets_90d": tt.asks, signal.LicenceUse: tt.pc} {
				sig[name] = cairn.Signal{Known: true, Number: v}
			}
			level, ok, _ := m.Rate(sig)
			if !ok || level != tt.level || m.Grade(level).Name != tt.grade {
				t.Errorf("%s, %s; want %s, %s", level, m.Grade(level).Name, tt.level, tt.grade)
			}
		})
	}
	// As published, 2 to 4 versions and up to 2 versions both hold 2.
	text, err := Text(m)
	if err != nil {
		t.Fatal(err)
	}
	both, err := Parse(strings.Replace(text, "from: 2\n      to: 4", "from: 1\n      to: 4", 1))
	if err == nil {
		err = both.Check(signal.New(signal.Settings{}))
	}
	if err == nil || !strings.Contains(err.Error(), "overlap") {
		t.Errorf("bands that overlap: %v\n%s", err, text)
	}
}

func TestAModelIsTheSameAsTextAndBack(t *testing.T) {
	for _, m := range []vector.Model{vector.Default(), sourcegraph(t)} {
		text, err := Text(m)
		if err != nil {
			t.Fatal(err)
		}
		back, err := Parse(text)
		if err != nil {
			t.Fatalf("%v\n%s", err, text)
		}
		if diff := cmp.Diff(m, back); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if _, err := Parse("name: m\nscales: []"); err == nil || !strings.Contains(err.Error(), "scales") {
		t.Errorf("an unknown field: %v", err)
	}
}

// measured is a store of a hundred accounts with 0 to 99 active people, every
// tenth of which nothing is known.
type measured struct{}

func (measured) Measured(_ context.Context, scope cairn.Scope, f func(Account) error) error {
	for i := range 100 {
		id := cairn.Space("").Account(fmt.Sprint(i))
		if !scope.Sees(id) {
			continue
		}
		s := cairn.Signal{Name: signal.Active28, Known: true, Number: float64(i), Fresh: time.Unix(int64(i), 0)}
		if i%10 == 0 {
			s = cairn.Signal{Name: signal.Active28, Why: "Nobody knows."}
		}
		if err := f(Account{ID: id, Key: fmt.Sprint(i), Name: fmt.Sprint("Account ", i), Signals: cairn.Signals{
			signal.Active28: s, "trait.plan": {Name: "trait.plan", Known: true, Text: []string{"gold", "free"}[i%2]}}}); err != nil {
			return err
		}
	}
	return nil
}

func plain(name string, best float64) vector.Model {
	return vector.Model{Name: name, Groups: []vector.Group{{Name: "All", Weight: 100, Leaves: []vector.Leaf{{Signal: signal.Active28, Weight: 100, Best: best}}}}}
}

func trying() *Service {
	return &Service{Store: measured{}, Definitions: func(context.Context) (turn.Definitions, error) {
		return turn.Definitions{Models: vector.Models{plain("default", 100)}, Catalogue: signal.New(signal.Settings{})}, nil
	}}
}

func TestATrialSaysWhatWouldChange(t *testing.T) {
	s := trying()
	same, err := s.Try(t.Context(), cairn.Everything, plain("default", 100))
	if err != nil || same.Changed != 0 || len(same.Moved) != 0 || same.Accounts != 90 || same.Before.None != 10 {
		t.Fatalf("%+v, %v", same, err)
	}
	if diff := cmp.Diff(same.Before.Tens, [10]int{9, 9, 9, 9, 9, 9, 9, 9, 9, 9}); diff != "" {
		t.Error(diff)
	}
	half, err := s.Try(t.Context(), cairn.Everything, plain("default", 50))
	if err != nil || half.Changed != 90 {
		t.Fatalf("%+v, %v", half, err)
	}
	// 1 to 39 were poor: from 20 on they are fair, from 35 on good. 40 to 69 were fair, all are good.
	if len(half.Moved) != 45 || half.Moved[0].Name != "Account 49" || half.Moved[0].Before.Level != 49_000 || half.Moved[0].After.Level != 98_000 {
		t.Errorf("%d moved, first %+v", len(half.Moved), half.Moved[0])
	}
	var grades []int
	for _, c := range half.After.Grades {
		grades = append(grades, c.Accounts)
	}
	if diff := cmp.Diff([]int{18, 13, 59}, grades); diff != "" {
		t.Errorf("grades (-want +got):\n%s", diff)
	}
	// For some accounts only, the others stay as they are.
	gold := plain("gold", 50)
	gold.For = []signal.Test{{Field: "trait.plan", Op: "is", Value: "gold"}}
	some, err := s.Try(t.Context(), cairn.Everything, gold)
	if err != nil || some.Changed != 40 || some.Moved[0].After.Model != "gold" {
		t.Errorf("%+v, %v", some, err)
	}
	only := plain("default", 50)
	only.For = gold.For
	if _, err := s.Try(t.Context(), cairn.Everything, only); err == nil || !strings.Contains(err.Error(), "rates all accounts") {
		t.Errorf("no model for the rest: %v", err)
	}
	one := cairn.Scope{Accounts: []cairn.AccountID{cairn.Space("").Account("7")}}
	if few, err := s.Try(t.Context(), one, plain("default", 50)); err != nil || few.Accounts != 1 {
		t.Errorf("of one account: %+v, %v", few, err)
	}
}

func TestASignalTellsWhoseItIsAndHowItIsDistributed(t *testing.T) {
	s := trying()
	got, err := s.Signal(t.Context(), cairn.Everything, signal.Active28)
	if err != nil {
		t.Fatal(err)
	}
	if got.Accounts != 100 || got.Known != 90 || got.Spread[10] != 50 || got.Spread[0] != 1 || got.Spread[20] != 99 || got.Fresh.Unix() != 99 {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff([]Said{{"Nobody knows.", 10}}, got.Missing); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"the model default"}, got.Readers); diff != "" {
		t.Error(diff)
	}
	plan, err := s.Signal(t.Context(), cairn.Everything, "trait.plan")
	if err != nil || len(plan.Texts) != 2 || plan.Texts[0] != (Said{"free", 50}) || plan.Spread != nil {
		t.Errorf("%+v, %v", plan, err)
	}
	if _, err := s.Signal(t.Context(), cairn.Everything, "usage.joy"); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("no such signal: %v", err)
	}
}
