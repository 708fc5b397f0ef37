package revenue

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/ledger"
)

// leavers are four customers of whom one leaves in May: acme is bound for a
// year, beta and gamma are not, and delta came in April and left in May.
var leavers = []contract{
	{"acme", "a1", []word{{"2022-11-03", "", `{"amount":"1200","interval":"annual","start":"2022-11-03","status":"active","product":"Core"}`}}},
	{"beta", "b1", []word{{"2023-01-10", "", `{"mrr":"50","month_to_month":true,"product":"Core"}`}, {"2023-04-05", "", `{"mrr":"40"}`}}},
	{"delta", "d1", []word{{"2023-04-02", "", `{"mrr":"30","month_to_month":true,"product":"Extra","status":"active"}`}, {"2023-05-20", "2023-05-25", `{"status":"cancelled","cancelled_at":"2023-05-20"}`}}},
	{"gamma", "g1", []word{{"2023-02-10", "", `{"mrr":"10","month_to_month":true,"product":"Extra"}`}}},
}

func leaving() *house {
	return &house{contracts: leavers, traits: map[string]map[cairn.AccountID]string{
		"owner": {id("acme"): "ada", id("delta"): "ada"}, "name": {id("delta"): "Delta"},
	}}
}

func churn(t *testing.T, s *Service, q Query) ChurnReport {
	t.Helper()
	r, err := s.Churn(context.Background(), cairn.Everything, q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestChurnIsToldOnBothBasesWithTheMonthBefore(t *testing.T) {
	r := churn(t, service(leaving()), months("2023-05", "2023-06"))
	if len(r.Groups) != 1 || len(r.Groups[0].Months) != 2 || len(r.Groups[0].Before) != 2 {
		t.Fatalf("%+v", r.Groups)
	}
	may := r.Months(r.Groups[0])[0]
	if may.CustomersStart != 4 || may.CustomersLost != 1 || *may.Rate != 0.25 || may.CustomersCould != 3 || *may.RateCould != 1.0/3 || *may.Reduction != 0.25 {
		t.Errorf("customers: %+v", may)
	}
	if may.Start != "180.00" || may.CouldMRR != "80.00" || may.Lost != "30.00" || *may.LostCould != 0.375 || may.LostEarly != 1 {
		t.Errorf("money: %+v", may)
	}
	if may.Up != 3 || may.Renewed != 2 || *may.Retention != 0.75 || may.UpMRR != "80.00" || may.RenewedMRR != "50.00" {
		t.Errorf("renewals: %+v", may)
	}
	if all := r.Together(r.Groups[0]); all.CustomersLost != 1 || all.CustomersStart != 4 || *all.Reduction != 0.25 {
		t.Errorf("together: %+v", all)
	}
	if june := r.Months(r.Groups[0])[1]; june.Up != 0 {
		t.Errorf("June is not over, and nothing has come up in it: %+v", june)
	}
}

func TestChurnByAFieldOfAccountsAndOfContracts(t *testing.T) {
	s := service(leaving())
	for _, c := range []struct {
		by    string
		value string
		start int
		could int
		up    int
		lost  int
	}{
		{"owner", "ada", 2, 1, 1, 1}, {"owner", "", 2, 2, 2, 0}, {"product", "Core", 2, 1, 1, 0}, {"product", "Extra", 2, 2, 2, 1},
		{"contract.month_to_month", "true", 3, 3, 3, 1},
	} {
		q := months("2023-05", "2023-05")
		q.By = c.by
		r := churn(t, s, q)
		i := slices.IndexFunc(r.Groups, func(g ChurnGroup) bool { return g.Value == c.value })
		if i < 0 {
			t.Errorf("%s: no %q", c.by, c.value)
			continue
		}
		f := r.Months(r.Groups[i])[0]
		if *f.Value != c.value || f.CustomersStart != c.start || f.CustomersCould != c.could || f.Up != c.up || f.CustomersLost != c.lost {
			t.Errorf("%s %q: %+v", c.by, c.value, f)
		}
		for b, want := range map[Behind]int{AtStart: c.start, Eligible: c.could, DueOnes: c.up, LostOnes: c.lost, AtEnd: c.start - c.lost} {
			who, err := s.Who(context.Background(), cairn.Everything, q, c.value, b, 10)
			if err != nil || who.Count != want || len(who.Customers) != want {
				t.Errorf("%s %q opens %d customers of %s, want %d: %v", c.by, c.value, who.Count, b, want, err)
			}
		}
	}
}

func TestChurnAsKnownThen(t *testing.T) {
	q := months("2023-05", "2023-05")
	q.Known = when("2023-06-02")
	if f := churn(t, service(leaving()), q); f.Groups[0].Months[0].CustomersLost != 1 {
		t.Errorf("%+v", f.Groups[0].Months)
	}
	q.Known = when("2023-05-22") // nobody knew of delta
	if f := churn(t, service(leaving()), q); f.Groups[0].Months[0].CustomersLost != 0 || f.Groups[0].Months[0].Up != 0 {
		t.Errorf("%+v", f.Groups[0].Months)
	}
}

// TestEveryCountOpensThoseItCounts: whom a figure counts are as many as it says.
func TestEveryCountOpensThoseItCounts(t *testing.T) {
	s := service(leaving())
	q := months("2023-05", "2023-05")
	for b, want := range map[Behind][]Counted{
		AtStart:    {{id("acme"), id("acme").String(), 100_00, day("2022-11-03"), 0, 0}, {id("beta"), id("beta").String(), 40_00, day("2023-01-10"), 0, 0}, {id("delta"), "Delta", 30_00, day("2023-04-02"), day("2023-05-20"), 0}, {id("gamma"), id("gamma").String(), 10_00, day("2023-02-10"), 0, 0}},
		Eligible:   {{id("beta"), id("beta").String(), 40_00, day("2023-01-10"), 0, 0}, {id("delta"), "Delta", 30_00, day("2023-04-02"), day("2023-05-20"), 0}, {id("gamma"), id("gamma").String(), 10_00, day("2023-02-10"), 0, 0}},
		LostOnes:   {{id("delta"), "Delta", 30_00, day("2023-04-02"), day("2023-05-20"), 0}},
		LostEarly:  {{id("delta"), "Delta", 30_00, day("2023-04-02"), day("2023-05-20"), 0}},
		DueOnes:    {{id("beta"), id("beta").String(), 40_00, day("2023-01-10"), 0, 1}, {id("delta"), "Delta", 30_00, day("2023-04-02"), 0, 1}, {id("gamma"), id("gamma").String(), 10_00, day("2023-02-10"), 0, 1}},
		RenewedOne: {{id("beta"), id("beta").String(), 40_00, day("2023-01-10"), 0, 1}, {id("gamma"), id("gamma").String(), 10_00, day("2023-02-10"), 0, 1}},
		NotRenewed: {{id("delta"), "Delta", 30_00, day("2023-04-02"), 0, 1}},
		NewOnes:    nil,
	} {
		got, err := s.Who(context.Background(), cairn.Everything, q, "", b, 10)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Customers); diff != "" || got.Count != len(want) {
			t.Errorf("%s: %d (-want +got)\n%s", b, got.Count, diff)
		}
	}
	april := months("2023-04", "2023-04")
	got, err := s.Who(context.Background(), cairn.Everything, april, "", NewEarly, 10)
	if err != nil || got.Count != 1 || got.Customers[0].Left != day("2023-05-20") {
		t.Errorf("new in April, lost within 90 days: %+v, %v", got, err)
	}
	april.By = "owner"
	if got, err = s.Who(context.Background(), cairn.Everything, april, "ada", NewOnes, 10); err != nil || got.Count != 1 || got.Sum != 30_00 {
		t.Errorf("new in April of ada: %+v, %v", got, err)
	}
	if _, err := s.Who(context.Background(), cairn.Everything, q, "", "luck", 10); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("%v", err)
	}
}

func TestChurnSeesTheAccountsOfItsScopeOnly(t *testing.T) {
	s := service(leaving())
	only := cairn.Scope{Accounts: []cairn.AccountID{id("beta")}}
	r, err := s.Churn(context.Background(), only, months("2023-05", "2023-05"))
	if err != nil {
		t.Fatal(err)
	}
	if m := r.Groups[0].Months[0]; m.CustomersStart != 1 || m.CouldMRR != 40_00 || m.Up != 1 || m.CustomersLost != 0 {
		t.Errorf("%+v", m)
	}
	for _, b := range []Behind{AtStart, DueOnes} {
		if got, err := s.Who(context.Background(), only, months("2023-05", "2023-05"), "", b, 10); err != nil || got.Count != 1 {
			t.Errorf("%s: %+v, %v", b, got, err)
		}
	}
}

// TestContractsThatCameUpAreMendedAsTheyWouldBeMade: after changes, what is
// told is what a new service tells.
func TestContractsThatCameUpAreMendedAsTheyWouldBeMade(t *testing.T) {
	h := leaving()
	h.contracts = slices.Clone(leavers)
	s := service(h)
	q := months("2023-04", "2023-06")
	churn(t, s, q)
	for name, change := range map[string]func(){
		"a changed one": func() {
			h.contracts[1] = contract{"beta", "b1", []word{{"2023-01-10", "", `{"mrr":"7","month_to_month":true}`}}}
		},
		"another": func() {
			h.contracts = append(h.contracts, contract{"omega", "o1", []word{{"2023-01-10", "", `{"mrr":"3","month_to_month":true}`}}})
		},
		"one fewer": func() { h.contracts = h.contracts[1:] },
	} {
		change()
		if diff := cmp.Diff(churn(t, service(h), q).Groups, churn(t, s, q).Groups); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

func day(s string) cairn.Day { return cairn.Day(when(s).Unix() / 86400) }

// Of one who leaves one product and takes another, the ledger of each product
// has a movement where that of all has none.
func TestMovementsOfOneProductAreThoseOfItsLedger(t *testing.T) {
	h := leaving()
	h.contracts = append(slices.Clone(leavers),
		contract{"beta", "b2", []word{{"2023-04-05", "", `{"mrr":"25","month_to_month":true,"product":"Extra","status":"active"}`}}},
		contract{"none", "n1", []word{{"2023-03-02", "", `{"mrr":"7","month_to_month":true,"status":"active"}`}}})
	s := service(h)
	q := months("2023-01", "2023-06")
	q.By = "product"
	r, err := s.Report(context.Background(), cairn.Everything, q)
	if err != nil || len(r.Groups) != 3 {
		t.Fatalf("%+v, %v", r.Groups, err)
	}
	seen := 0
	for _, g := range r.Groups {
		all := ledger.Total(g.Months)
		for kind, want := range map[ledger.Kind]int64{
			ledger.New: all.New, ledger.Expansion: all.Expansion, ledger.Contraction: all.Contraction, ledger.Churn: all.Churn, ledger.Reactivation: all.Reactivation,
		} {
			q.Part = &g.Value
			p, err := s.Movements(context.Background(), cairn.Everything, q, kind, 0, 100)
			if err == nil {
				err = s.Explain(context.Background(), q, &p)
			}
			if err != nil || p.Sum != want {
				t.Errorf("%s of %q: %d, want %d, %v", kind, g.Value, p.Sum, want, err)
			}
			for _, m := range p.Movements {
				if seen++; len(m.Causes) == 0 {
					t.Errorf("%s of %q on %s has no cause", kind, g.Value, m.On)
				}
			}
		}
	}
	if seen != 7 {
		t.Errorf("%d movements", seen)
	}
	other := "Other"
	q.Part = &other
	if p, err := s.Movements(context.Background(), cairn.Everything, q, "", 0, 100); err != nil || p.Count != 0 {
		t.Errorf("nobody has it: %+v, %v", p, err)
	}
}
