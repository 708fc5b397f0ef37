package revenue

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/sheet"
	"cairn/internal/survival"
)

// company is three customers of January, one of February, of which one leaves
// in March, one grows, and one leaves and comes back.
func company() *house {
	one := func(account, at, fields string, more ...word) contract {
		return contract{account, "c-" + account + at, append([]word{{at: at, fields: fields}}, more...)}
	}
	return &house{
		contracts: []contract{
			one("a", "2023-01-10", `{"mrr":"100","product":"base"}`),
			one("b", "2023-01-20", `{"mrr":"200","product":"base"}`, word{at: "2023-03-05", fields: `{"mrr":"500"}`}),
			one("c", "2023-01-31", `{"mrr":"300","end":"2023-03-10","product":"base"}`),
			one("d", "2023-02-15", `{"mrr":"50","end":"2023-03-15","product":"plus"}`),
			one("d", "2023-05-02", `{"mrr":"70","product":"plus"}`),
			one("e", "2022-06-01", `{"mrr":"1000","product":"plus"}`), // came before the months that are asked for
		},
		traits: map[string]map[cairn.AccountID]string{
			"segment": {id("a"): "small", id("b"): "large", id("c"): "large", id("d"): "small", id("e"): "large"},
			"name":    {id("a"): "Acme", id("b"): "Beta", id("c"): "Corvid", id("d"): "Delta", id("e"): "Ember"},
		},
	}
}

func serviceOf(h *house, now string) *Service {
	return &Service{Store: h, Book: h, Now: func() time.Time { return when(now) }, Settings: func() Settings { return Settings{Zone: time.UTC, Currency: "EUR"} }}
}

func cohortsAsked(t *testing.T, by, where string) Query {
	return Query{From: month(t, "2023-01"), To: month(t, "2023-05"), By: by, Where: where}
}

// shown writes rows as what is left of how many, and of what they pay.
func shown(c Cohorts) []string {
	var out []string
	for _, r := range append(append([]CohortRow{}, c.Rows...), c.All) {
		text := r.Name() + ":"
		for age := range r.Left {
			text += fmt.Sprintf(" %d/%d %d/%d", r.Left[age].Customers, r.Of[age].Customers, r.Left[age].MRR/100, r.Of[age].MRR/100)
		}
		out = append(out, text)
	}
	return out
}

func TestCohortsTellWhatIsLeftByMonthAndByValue(t *testing.T) {
	for name, c := range map[string]struct {
		by, where string
		want      []string
	}{
		"by month": {"", "", []string{
			"2023-01: 3/3 600/600 3/3 600/600 2/3 600/600 2/3 600/600 2/3 600/600",
			"2023-02: 1/1 50/50 0/1 0/50 0/1 0/50 1/1 70/50",
			"2023-03:" + " 0/0 0/0 0/0 0/0 0/0 0/0", "2023-04: 0/0 0/0 0/0 0/0", "2023-05: 0/0 0/0",
			"all: 4/4 650/650 3/4 600/650 2/4 600/650 3/4 670/650 2/3 600/600",
		}},
		"by a field of accounts": {"segment", "", []string{
			"large: 2/2 500/500 2/2 500/500 1/2 500/500 1/2 500/500 1/2 500/500",
			"small: 2/2 150/150 1/2 100/150 1/2 100/150 2/2 170/150 1/1 100/100",
			"all: 4/4 650/650 3/4 600/650 2/4 600/650 3/4 670/650 2/3 600/600",
		}},
		"of one value of a field of accounts": {"", "segment:small", []string{
			"2023-01: 1/1 100/100 1/1 100/100 1/1 100/100 1/1 100/100 1/1 100/100",
			"2023-02: 1/1 50/50 0/1 0/50 0/1 0/50 1/1 70/50",
			"2023-03:" + " 0/0 0/0 0/0 0/0 0/0 0/0", "2023-04: 0/0 0/0 0/0 0/0", "2023-05: 0/0 0/0",
			"all: 2/2 150/150 1/2 100/150 1/2 100/150 2/2 170/150 1/1 100/100",
		}},
		"by a field of contracts": {"product", "", []string{
			"base: 3/3 600/600 3/3 600/600 2/3 600/600 2/3 600/600 2/3 600/600",
			"plus: 1/1 50/50 0/1 0/50 0/1 0/50 1/1 70/50",
			"all: 4/4 650/650 3/4 600/650 2/4 600/650 3/4 670/650 2/3 600/600",
		}},
		"of one value, by another field": {"product", "segment:small", []string{
			"base: 1/1 100/100 1/1 100/100 1/1 100/100 1/1 100/100 1/1 100/100",
			"plus: 1/1 50/50 0/1 0/50 0/1 0/50 1/1 70/50",
			"all: 2/2 150/150 1/2 100/150 1/2 100/150 2/2 170/150 1/1 100/100",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := serviceOf(company(), "2023-05-20").Cohorts(t.Context(), cairn.Everything, cohortsAsked(t, c.by, c.where))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.want, shown(got)); d != "" {
				t.Errorf("(-want +got)\n%s", d)
			}
		})
	}
}

func TestNobodySeesTheCohortsOfOthers(t *testing.T) {
	got, err := serviceOf(company(), "2023-05-20").Cohorts(t.Context(), cairn.Scope{Accounts: []cairn.AccountID{id("a")}}, cohortsAsked(t, "segment", ""))
	if err != nil || got.All.Left[0].Customers != 1 || len(got.Rows) != 1 {
		t.Errorf("%v %v", shown(got), err)
	}
}

func TestCohortCellOpensItsCustomers(t *testing.T) {
	s := serviceOf(company(), "2023-05-20")
	small := "small"
	for name, c := range map[string]struct {
		by   string
		cell CohortCell
		want []string
	}{
		"of a month":     {"", CohortCell{Month: month(t, "2023-01"), Age: 2}, []string{"Corvid 300 0 false 2023-03-10", "Beta 200 500 true 1970-01-01", "Acme 100 100 true 1970-01-01"}},
		"of a value":     {"segment", CohortCell{Value: &small, Age: 1}, []string{"Delta 50 0 false 2023-03-15", "Acme 100 100 true 1970-01-01"}},
		"the old enough": {"segment", CohortCell{Value: &small, Age: 4}, []string{"Acme 100 100 true 1970-01-01"}},
		"who is back":    {"", CohortCell{Month: month(t, "2023-02"), Age: 3}, []string{"Delta 50 70 true 1970-01-01"}},
	} {
		got, err := s.CohortMembers(t.Context(), cairn.Everything, cohortsAsked(t, c.by, ""), c.cell)
		if err != nil {
			t.Fatal(err)
		}
		var text []string
		for _, m := range got.All {
			text = append(text, fmt.Sprint(m.Name, " ", m.Start/100, " ", m.MRR/100, " ", m.There, " ", m.Left))
		}
		if d := cmp.Diff(c.want, text); d != "" {
			t.Errorf("%s (-want +got)\n%s", name, d)
		}
	}
	if _, err := s.CohortMembers(t.Context(), cairn.Everything, cohortsAsked(t, "", ""), CohortCell{Age: -1}); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("an age below 0: %v", err)
	}
}

func TestManyValuesShareARow(t *testing.T) {
	h := &house{traits: map[string]map[cairn.AccountID]string{"owner": {}}}
	for i := range mostRows + 5 {
		name := fmt.Sprintf("n%03d", i)
		h.contracts = append(h.contracts, contract{name, name, []word{{at: "2023-01-10", fields: `{"mrr":"10"}`}}})
		h.traits["owner"][id(name)] = name
	}
	got, err := serviceOf(h, "2023-05-20").Cohorts(t.Context(), cairn.Everything, cohortsAsked(t, "owner", ""))
	if err != nil {
		t.Fatal(err)
	}
	if last := got.Rows[len(got.Rows)-1]; len(got.Rows) != mostRows || last.Name() != "6 others" || last.Left[0].Customers != 6 || got.All.Left[0].Customers != mostRows+5 {
		t.Errorf("%d rows, the last %s of %d, all %d", len(got.Rows), last.Name(), last.Left[0].Customers, got.All.Left[0].Customers)
	}
}

// rowsOf are the rows of a table as CSV has them.
func rowsOf(t *testing.T, table sheet.Table) (n int) {
	t.Helper()
	for cells, err := range table.Rows {
		if err != nil || len(cells) > len(table.Columns) {
			t.Fatalf("row %d has %d cells for %d columns: %v", n, len(cells), len(table.Columns), err)
		}
		n++
	}
	return n
}

func TestTablesHaveARowForWhatIsShown(t *testing.T) {
	s := serviceOf(company(), "2023-05-20")
	c, err := s.Cohorts(t.Context(), cairn.Everything, cohortsAsked(t, "segment", "segment:large"))
	if err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, c.Table(true)); n != 2 || len(c.Table(true).Columns) != 3+5 {
		t.Errorf("%d rows of cohorts, %d columns", n, len(c.Table(true).Columns))
	}
	y, err := s.Stays(t.Context(), cairn.Everything, StayQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if n := rowsOf(t, y.Figures().Table()); n != 2 {
		t.Errorf("%d rows of survival", n)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

func TestStayIsTheFirstOneInMonthsUntilNow(t *testing.T) {
	got, err := serviceOf(company(), "2023-05-20").Stays(t.Context(), cairn.Everything, StayQuery{})
	if err != nil {
		t.Fatal(err)
	}
	// d lasts 28 days, c 38; e is watched for 353 days, a and b for 130 and 120.
	if got.All.N != 5 || got.All.Ended != 2 || got.Back != 1 || got.Late != 0 || got.Unseen != 0 {
		t.Fatalf("%+v", got)
	}
	p := got.All.Points
	if len(p) != 2 || !near(p[0].Time, 28/MonthDays) || !near(p[0].Survival, 0.8) || !near(p[1].Time, 38/MonthDays) || !near(p[1].Survival, 0.6) {
		t.Errorf("%+v", p)
	}
	if risk := got.All.AtRisk([]float64{0, 1, 6}); cmp.Diff([]int{5, 4, 1}, risk) != "" {
		t.Errorf("at risk %v", risk)
	}
}

func TestWhoWasThereBeforeRecordsBeginEntersLate(t *testing.T) {
	h := company()
	h.contracts = append(h.contracts,
		contract{"f", "f", []word{{at: "2023-01-15", fields: `{"mrr":"10","start":"2020-01-01"}`}}},
		contract{"g", "g", []word{{at: "2023-01-15", fields: `{"mrr":"10","start":"2020-01-01","end":"2021-01-01"}`}}})
	s := serviceOf(h, "2023-05-20")
	got, err := s.Stays(t.Context(), cairn.Everything, StayQuery{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Late != 1 || got.Unseen != 1 || got.All.N != 6 {
		t.Errorf("%d late, %d unseen, %d in all", got.Late, got.Unseen, got.All.N)
	}
	if risk := got.All.AtRisk([]float64{0, 40}); cmp.Diff([]int{5, 1}, risk) != "" {
		t.Errorf("who entered late is at risk at once: %v", risk)
	}
	whole, err := s.Stays(t.Context(), cairn.Everything, StayQuery{Complete: true})
	if err != nil || whole.Late != 0 || whole.Unseen != 0 || whole.All.N != 7 || whole.All.Ended != 3 {
		t.Errorf("records that hold everybody: %+v %v", whole, err)
	}
	since, err := s.Stays(t.Context(), cairn.Everything, StayQuery{Complete: true, Since: 19402}) // 2023-02-14
	if err != nil || since.Late != 5 || since.Unseen != 1 {
		t.Errorf("since February: %d late, %d unseen, %v", since.Late, since.Unseen, err)
	}
}

func TestGroupsAreComparedAndEachCountOpens(t *testing.T) {
	s := serviceOf(company(), "2023-05-20")
	q := StayQuery{Query: Query{By: "segment"}, Interval: survival.LogLog}
	got, err := s.Stays(t.Context(), cairn.Everything, q)
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Groups) != 2 || got.Groups[0].Name() != "large" || got.Groups[0].N != 3 || got.Test == nil || got.Test.Freedom != 1 || got.Untested != "" {
		t.Fatalf("%+v", got)
	}
	// The same by hand, of the days that each was watched.
	test, err := survival.Compare([]survival.Lifetimes{
		{Time: []float64{353, 120, 38}, Ended: []bool{false, false, true}},
		{Time: []float64{130, 28}, Ended: []bool{false, true}},
	})
	if err != nil || !near(test.ChiSquared, got.Test.ChiSquared) || !near(test.P, got.Test.P) {
		t.Errorf("chi² %v, want %v; %v", got.Test.ChiSquared, test.ChiSquared, err)
	}
	for _, g := range got.Groups {
		for _, at := range []float64{0, 1, 1.5, 6} {
			members, err := s.StayMembers(t.Context(), cairn.Everything, q, StayCell{Value: &g.Value, What: StayWatched, From: at})
			if want := g.AtRisk([]float64{at})[0]; err != nil || len(members) != want {
				t.Errorf("%s at %v: %d customers, want %d; %v", g.Value, at, len(members), want, err)
			}
		}
		members, err := s.StayMembers(t.Context(), cairn.Everything, q, StayCell{Value: &g.Value, What: StayLeft, From: 0, To: 12})
		if err != nil || len(members) != g.Ended || members[0].Name == "" {
			t.Errorf("%s: %v left, want %d; %v", g.Value, members, g.Ended, err)
		}
	}
	if _, err := s.StayMembers(t.Context(), cairn.Everything, q, StayCell{What: "luck"}); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("customers behind nothing: %v", err)
	}
}

func TestNothingIsEstimatedOfNobody(t *testing.T) {
	got, err := serviceOf(&house{}, "2023-05-20").Stays(t.Context(), cairn.Everything, StayQuery{})
	if err != nil || got.All.N != 0 || len(got.All.Points) != 0 || got.Horizon != 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, ok := got.Project(); ok {
		t.Error("something is projected of nobody")
	}
	for _, q := range []StayQuery{{Interval: "wide"}, {Horizon: -1}} {
		if _, err := serviceOf(company(), "2023-05-20").Stays(t.Context(), cairn.Everything, q); cairn.KindOf(err) != cairn.Invalid {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

// TestProjectionIsFittedToWholeYears: of those who come each month a share
// leaves after a year and a smaller one after two.
func TestProjectionIsFittedToWholeYears(t *testing.T) {
	h := &house{}
	for i := range 100 {
		end := ""
		switch {
		case i < 30:
			end = `,"end":"2020-12-20"`
		case i < 45:
			end = `,"end":"2021-12-20"`
		}
		name := fmt.Sprint("n", i)
		h.contracts = append(h.contracts, contract{name, name, []word{{at: "2020-01-01", fields: `{"mrr":"10"` + end + `}`}}})
	}
	got, err := serviceOf(h, "2022-06-20").Stays(t.Context(), cairn.Everything, StayQuery{})
	if err != nil {
		t.Fatal(err)
	}
	p, ok := got.Project()
	want, err := survival.FitBeta([]float64{1, 0.7, 0.55})
	if err != nil {
		t.Fatal(err)
	}
	if !ok || len(p.Seen) != 3 || len(p.Share) != 3+ahead || math.Abs(p.Model.Alpha-want.Alpha) > 1e-6 || math.Abs(p.Share[2]-0.55) > 0.001 {
		t.Errorf("%+v, want %+v", p, want)
	}
}
