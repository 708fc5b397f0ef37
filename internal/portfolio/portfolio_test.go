package portfolio

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/vector"
)

const today = cairn.Day(20_000)

func id(name string) cairn.AccountID { return cairn.Space("").Account(name) }

// A ledger is how accounts were scored, day by day, and their owners.
type ledger struct {
	scored map[string][]account.Scored
	owner  map[string]string
}

func (l ledger) ScoredOn(_ context.Context, scope cairn.Scope, day cairn.Day, f func(cairn.AccountID, account.Scored)) error {
	for name, all := range l.scored {
		var last *account.Scored
		for i := range all {
			if all[i].Day <= day {
				last = &all[i]
			}
		}
		if last != nil && scope.Sees(id(name)) {
			f(id(name), *last)
		}
	}
	return nil
}

func (l ledger) Shown(_ context.Context, f func(func(string, cairn.AccountID) string) error) error {
	return f(func(field string, a cairn.AccountID) string {
		for name := range l.scored {
			switch {
			case id(name) != a:
			case field == "name":
				return name
			case field == "owner":
				return l.owner[name]
			}
		}
		return ""
	})
}

func (l ledger) Among(_ context.Context, scope cairn.Scope, where string, f func(func(cairn.AccountID) bool) error) error {
	return f(func(a cairn.AccountID) bool { return scope.Sees(a) && (where == "" || a == id(where)) })
}

func (l ledger) service() *Service {
	return &Service{
		Scores: l, Fields: l, Now: func() time.Time { return today.Start(time.UTC).Add(time.Hour) }, Zone: func() *time.Location { return time.UTC },
		Models: func(context.Context) ([]vector.Model, error) { return []vector.Model{vector.Default()}, nil },
	}
}

// at is how one was scored some days ago.
func at(ago cairn.Day, level cairn.Points, way cairn.Way) account.Scored {
	d := account.Scored{Day: today - ago, Known: level >= 0, Way: way, Model: vector.Default().Name, Rev: 1}
	if d.Known {
		d.Level, d.Band = level*1000, vector.Default().Band(level*1000)
	}
	return d
}

func few() ledger {
	return ledger{
		scored: map[string][]account.Scored{
			"acme":  {at(200, 80, cairn.Steady), at(30, 35, cairn.Falling)},
			"beta":  {at(200, 50, cairn.Steady), at(100, 20, cairn.Falling), at(10, 75, cairn.Rising)},
			"gamma": {at(120, 90, cairn.Steady)},
			"delta": {at(40, 60, cairn.Unknown)},
			"empty": {at(150, -1, cairn.Unknown)},
		},
		owner: map[string]string{"acme": "ada", "beta": "ada", "gamma": "ben"},
	}
}

func TestAccountsMoveBetweenGrades(t *testing.T) {
	r, err := few().service().Report(t.Context(), cairn.Everything, Query{})
	if err != nil {
		t.Fatal(err)
	}
	want := []Flow{
		{Absent, "Fair", 1}, {Unknown, Unknown, 1}, {"Poor", "Good", 1}, {"Good", "Poor", 1}, {"Good", "Good", 1},
	}
	if diff := cmp.Diff(want, r.Flows); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if r.Accounts != 5 || r.Known != 4 || r.Unknown != 1 || r.Same != 2 || r.From != today-90 || r.To != today {
		t.Errorf("%+v", r)
	}
	if r.Tens != [10]int{3: 1, 6: 1, 7: 1, 9: 1} || r.Before != [10]int{2: 1, 8: 1, 9: 1} {
		t.Errorf("tens %v, before %v", r.Tens, r.Before)
	}
	var names []string
	for _, m := range r.Movers {
		names = append(names, m.Name+" "+m.Owner+" "+m.By().String())
	}
	if diff := cmp.Diff([]string{"beta ada 55", "acme ada -45"}, names); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestGroupsSaySoWhereTheirLevelsAreAndWere(t *testing.T) {
	r, err := few().service().Report(t.Context(), cairn.Everything, Query{})
	if err != nil {
		t.Fatal(err)
	}
	n := func(f float64) *float64 { return &f }
	want := []Group{
		{Value: "ada", Accounts: 2, Known: 2, Mean: n(55), Before: n(50), Rising: 1, Falling: 1, Bands: []int{1, 0, 1}},
		{Value: "", Accounts: 2, Known: 1, Mean: n(60), Bands: []int{0, 1, 0}},
		{Value: "ben", Accounts: 1, Known: 1, Mean: n(90), Before: n(90), Bands: []int{0, 0, 1}},
	}
	if diff := cmp.Diff(want, r.Groups); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheAccountsOfAFlowAreNamed(t *testing.T) {
	s := few().service()
	for _, tt := range []struct{ from, to, want string }{
		{"Poor", "Good", "beta"}, {"", "Good", "beta gamma"}, {"Good", "", "acme gamma"}, {Absent, "", "delta"}, {Unknown, Unknown, "empty"}, {"Poor", "Poor", ""},
	} {
		who, q, err := s.Who(t.Context(), cairn.Everything, Query{}, tt.from, tt.to)
		var names []string
		for _, m := range who {
			names = append(names, m.Name)
		}
		if got := strings.Join(names, " "); err != nil || got != tt.want || q.To != today {
			t.Errorf("%q to %q: %q, want %q, %v", tt.from, tt.to, got, tt.want, err)
		}
	}
}

func TestAFilterAndAScopeNarrowTheReport(t *testing.T) {
	s := few().service()
	r, err := s.Report(t.Context(), cairn.Everything, Query{Where: "acme"})
	if err != nil || r.Accounts != 1 || len(r.Flows) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	if r, err = s.Report(t.Context(), cairn.Scope{Accounts: []cairn.AccountID{id("beta")}}, Query{}); err != nil || r.Accounts != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	for _, q := range []Query{{From: today}, {To: today + 1}, {From: today - 5, To: today - 9}} {
		if _, err := s.Report(t.Context(), cairn.Everything, q); cairn.KindOf(err) != cairn.Invalid {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// Whatever was scored, every account is in one flow, and those that end in a
// grade are those that have it.
func TestFlowsAndGroupsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := ledger{scored: map[string][]account.Scored{}, owner: map[string]string{}}
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g"} {
			ago := cairn.Day(300)
			for range rapid.IntRange(0, 5).Draw(t, "days") {
				ago -= cairn.Day(rapid.IntRange(1, 60).Draw(t, "gap"))
				l.scored[name] = append(l.scored[name], at(max(ago, 0), cairn.Points(rapid.IntRange(-1, 100).Draw(t, "level")), cairn.Rising))
			}
			l.owner[name] = rapid.SampledFrom([]string{"", "ada", "ben"}).Draw(t, "owner")
		}
		r, err := l.service().Report(context.Background(), cairn.Everything, Query{})
		if err != nil {
			t.Fatal(err)
		}
		flows, ends, groups, tens := 0, map[string]int{}, 0, 0
		for _, f := range r.Flows {
			flows += f.Accounts
			ends[f.To] += f.Accounts
		}
		for i, b := range r.Bands {
			n := 0
			for _, g := range r.Groups {
				n += g.Bands[i]
			}
			if ends[b.Name] != b.Accounts || n != b.Accounts {
				t.Fatalf("%s: %d flow there, %d in groups, %d have it", b.Name, ends[b.Name], n, b.Accounts)
			}
		}
		for _, g := range r.Groups {
			groups += g.Accounts
		}
		for _, n := range r.Tens {
			tens += n
		}
		if flows != r.Accounts || groups != r.Accounts || tens != r.Known || r.Known+r.Unknown != r.Accounts || ends[Unknown] != r.Unknown {
			t.Fatalf("%d flow, %d in groups, %d in tens, of %+v", flows, groups, tens, r)
		}
	})
}
