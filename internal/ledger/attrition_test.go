package ledger

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
)

// attritions adds up customers, each with its lines, under a policy.
func attritions(t testing.TB, policy, from, to, last string, customers ...[]Line) []Attrition {
	t.Helper()
	p, err := Preset(policy)
	if err != nil {
		t.Fatal(err)
	}
	return attritionsUnder(t, p, from, to, last, customers...)
}

func attritionsUnder(t testing.TB, p Policy, from, to, last string, customers ...[]Line) []Attrition {
	t.Helper()
	a, err := ParseMonth(from)
	if err != nil {
		t.Fatal(err)
	}
	b, err := ParseMonth(to)
	if err != nil {
		t.Fatal(err)
	}
	d := NewDeriver(p, NewRates("USD", nil), day(t, last))
	tally, more := NewTally(a, b), NewAttritionTally(a, b)
	for _, ls := range customers {
		var r Result
		d.Derive(ls, &r)
		tally.Add(&r)
		more.Add(&r)
		more.CameUp(d.Ups(ls, nil))
	}
	return more.Months(tally.Months())
}

// TestEligibleBaseLeavesOutWhoIsBound: of four customers one is bound until
// January and one until July; of the two from month to month one leaves in
// May (R069, R071, R092, R093, R094).
func TestEligibleBaseLeavesOutWhoIsBound(t *testing.T) {
	yearly := func(start, amount string) []Line {
		return lines(t, []said{{start, `{"amount":"` + amount + `","interval":"annual","start":"` + start + `","status":"active"}`}})
	}
	monthly := []said{{"2023-02-10", `{"mrr":"100","month_to_month":true,"start":"2023-02-10","status":"active"}`}}
	months := attritions(t, "cairn", "2023-05", "2023-07", "2023-08-15",
		yearly("2023-01-05", "2400"), yearly("2022-07-20", "1200"), lines(t, monthly), lines(t, ends(monthly, "2023-05-20")))
	may := months[0].Figures(Attrition{}, "USD", day(t, "2023-08-15"))
	p := func(f float64) *float64 { return &f }
	want := AttritionFigures{
		Month: "2023-05", CustomersStart: 4, CustomersLost: 1, Rate: p(0.25), CustomersCould: 2, RateCould: p(0.5),
		Start: "500.00", Lost: "100.00", Contracted: "0.00", Expanded: "0.00", LostRate: p(0.2), CouldMRR: "200.00", LostCould: p(0.5),
		MRRChurn: p(0.2), MRRExpansion: p(0), Growth: p(-0.2), NewWatched: false,
		Retention: p(0.75), RetentionMRR: p(0.8), Up: 2, Renewed: 1, Renewal: p(0.5), UpMRR: "200.00", RenewedMRR: "100.00", RenewalMRR: p(0.5),
	}
	if diff := cmp.Diff(want, may); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	june := months[1].Figures(months[0], "USD", day(t, "2023-08-15"))
	if *june.Rate != 0 || *june.Reduction != -0.25 || june.CustomersCould != 1 {
		t.Errorf("June: %+v", june)
	}
	if july := months[2]; july.CustomersCould != 2 || july.CouldMRR != 200_00 || july.Up != 2 || july.Renewed != 2 {
		t.Errorf("July, in which a year ends: %+v", july)
	}
	all := TotalAttrition(months)
	if all.CustomersLost != 1 || all.Left != 1 || all.Up != 5 || all.Renewed != 4 || all.CouldMRR != 500_00 || all.Start != 500_00 || all.End != 400_00 {
		t.Errorf("together: %+v", all)
	}
}

// TestRetentionAndRenewalAreNotTheSameWithATerm: a yearly contract that is
// broken off in May was not retained, and never came up (R094).
func TestRetentionAndRenewalAreNotTheSameWithATerm(t *testing.T) {
	broken := lines(t, ends([]said{{"2023-01-05", `{"amount":"1200","interval":"annual","start":"2023-01-05","status":"active"}`}}, "2023-05-20"))
	may := attritions(t, "cairn", "2023-05", "2023-05", "2023-08-15", broken)[0]
	f := may.Figures(Attrition{}, "USD", day(t, "2023-08-15"))
	if *f.Retention != 0 || f.Up != 0 || f.Renewal != nil {
		t.Errorf("%+v", f)
	}
}

// TestNoticeIsARenewalLostWhenTheTermEnds: under a policy that books churn when
// notice is given, the contract still comes up when its term ends.
func TestNoticeIsARenewalLostWhenTheTermEnds(t *testing.T) {
	p := Presets[0]
	p.ChurnAt = WhenSaid
	words := []said{
		{"2022-07-20", `{"amount":"1200","interval":"annual","start":"2022-07-20","renews":"2023-07-20","status":"active"}`},
		{"2023-04-03", `{"cancelled_at":"2023-04-03"}`},
	}
	months := attritionsUnder(t, p, "2023-04", "2023-07", "2023-08-15", lines(t, words))
	if m := months[0]; m.CustomersLost != 1 || m.Up != 0 {
		t.Errorf("April: %+v", m)
	}
	if m := months[3]; m.Up != 1 || m.Renewed != 0 || m.UpMRR != 100_00 {
		t.Errorf("July: %+v", m)
	}
}

// TestEarlyChurnIsToldOfTheMonthOfSale: of two customers who came in May one
// left within 90 days, in July (R089).
func TestEarlyChurnIsToldOfTheMonthOfSale(t *testing.T) {
	came := []said{{"2023-05-02", `{"mrr":"10","month_to_month":true,"start":"2023-05-02","status":"active"}`}}
	months := attritions(t, "cairn", "2023-05", "2023-07", "2023-09-30", lines(t, came), lines(t, ends(came, "2023-07-10")))
	f := months[0].Figures(Attrition{}, "USD", day(t, "2023-09-30"))
	if f.CustomersNew != 2 || f.NewEarly != 1 || *f.NewEarlyShare != 0.5 || !f.NewWatched || f.LostEarly != 0 {
		t.Errorf("May: %+v", f)
	}
	if f := months[2].Figures(months[1], "USD", day(t, "2023-09-30")); f.LostEarly != 1 || f.NewEarly != 0 || f.NewEarlyShare != nil {
		t.Errorf("July: %+v", f)
	}
	if f := months[0].Figures(Attrition{}, "USD", day(t, "2023-08-29")); f.NewWatched {
		t.Error("on 29 August the days of who came on 31 May are not over")
	}
}

// TestAttritionHolds: whatever sources say and whatever the policy, those who
// could leave are some of those at the start and paid some of it, those who
// left could, and no more is renewed than came up.
func TestAttritionHolds(t *testing.T) {
	from, to := MonthOf(epoch)-6, MonthOf(epoch)+30
	rapid.Check(t, func(rt *rapid.T) {
		ls := drawLines(rt)
		d := NewDeriver(drawPolicy(rt), drawnRates, to.Last())
		var r Result
		d.Derive(ls, &r)
		tally, more := NewTally(from, to), NewAttritionTally(from, to)
		tally.Add(&r)
		more.Add(&r)
		more.CameUp(d.Ups(ls, nil))
		for _, a := range more.Months(tally.Months()) {
			if a.CouldMRR < 0 || a.CouldMRR > a.Start || a.CustomersCould == a.CustomersStart && a.CouldMRR != a.Start {
				rt.Fatalf("%v: %d of %d could leave", a.Month, a.CouldMRR, a.Start)
			}
			if a.Left > a.CustomersCould || a.Left > a.CustomersLost || a.LeftMRR > a.CouldMRR {
				rt.Fatalf("%v: who left could: %+v", a.Month, a)
			}
			if a.Renewed > a.Up || a.RenewedMRR > a.UpMRR || a.Up > len(ls) || a.NewEarly > a.CustomersNew {
				rt.Fatalf("%v: %+v", a.Month, a)
			}
		}
	})
}

// TestFromMonthToMonthRenewalIsRetention: of customers with one contract from
// month to month, those renew who stay (R092).
func TestFromMonthToMonthRenewalIsRetention(t *testing.T) {
	from, to := MonthOf(epoch), MonthOf(epoch)+24
	rapid.Check(t, func(rt *rapid.T) {
		d := NewDeriver(Presets[0], NewRates("USD", nil), to.Last())
		tally, more := NewTally(from, to), NewAttritionTally(from, to)
		for range rapid.IntRange(1, 8).Draw(rt, "customers") {
			at := epoch + cairn.Day(rapid.IntRange(-60, 300).Draw(rt, "begins"))
			l := Line{Account: acme, Terms: []Terms{{From: at, Start: at, Status: Active, Amount: 1000, Every: Monthly, Term: Monthly, Currency: "USD"}}}
			if rapid.Bool().Draw(rt, "ends") {
				end := l.Terms[0]
				end.From, end.Status = at+cairn.Day(rapid.IntRange(1, 400).Draw(rt, "after")), Ended
				l.Terms = append(l.Terms, end)
			}
			var r Result
			d.Derive([]Line{l}, &r)
			tally.Add(&r)
			more.Add(&r)
			more.CameUp(d.Ups([]Line{l}, nil))
		}
		for _, a := range more.Months(tally.Months()) {
			if a.Up != a.CustomersStart || a.Up-a.Renewed != a.Left || a.UpMRR != a.Start || a.UpMRR-a.RenewedMRR != a.LeftMRR {
				rt.Fatalf("%v: %+v", a.Month, a)
			}
		}
	})
}
