package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

var plan = said{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "status": "active"}`}

// TestPolicies is a row for each question on which the tools differ.
func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		name   string
		policy string
		lines  [][]said
		want   []string
	}{
		{"a trial is a lead", "stripe", [][]said{{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "status": "trial"}`}, {"2023-02-10", `{"status": "active"}`}}},
			[]string{"2023-02-10 new 100.00"}},
		{"a trial with a date ends by itself", "stripe", [][]said{{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "status": "active", "trial_end": "2023-01-24"}`}}},
			[]string{"2023-01-24 new 100.00"}},
		{"a trial that never paid is nothing", "chartmogul", [][]said{{{"2023-01-10", `{"start": "2023-01-10", "status": "trial"}`}, {"2023-01-24", `{"status": "cancelled"}`}}}, []string{}},
		{"a discount that is added is contraction, and expansion when it expires", "chartmogul",
			[][]said{{plan, {"2023-03-10", `{"discount_percent": 20, "discount_duration": "repeating", "discount_months": 2}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 20.00", "2023-05-10 expansion 20.00"}},
		{"a discount once lasts one interval", "profitwell", [][]said{{{"2023-01-10", `{"amount": "90", "interval": "quarter", "start": "2023-01-10", "discount_amount": "30", "discount_duration": "once"}`}}},
			[]string{"2023-01-10 new 20.00", "2023-04-10 expansion 10.00"}},
		{"a coupon of 100% on a payer is churn", "baremetrics", [][]said{{plan, {"2023-03-10", `{"discount_percent": 100, "discount_duration": "forever"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 churn 100.00"}},
		{"who pays nothing any more stays", "chartmogul", [][]said{{plan, {"2023-03-10", `{"mrr": "0"}`}, {"2023-04-10", `{"mrr": "50"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 100.00", "2023-04-10 expansion 50.00"}},
		{"who pays nothing any more has churned, and is back later", "stripe", [][]said{{plan, {"2023-03-10", `{"mrr": "0"}`}, {"2023-04-10", `{"mrr": "50"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 churn 100.00", "2023-04-10 reactivation 50.00"}},
		{"who stayed for nothing and then leaves is a customer lost", "chartmogul", [][]said{{plan, {"2023-03-10", `{"mrr": "0"}`}, {"2023-04-10", `{"status": "cancelled", "end": "2023-04-10"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 100.00", "2023-04-10 churn 0.00"}},
		{"a pause is a downgrade to nothing", "profitwell", [][]said{{plan, {"2023-03-10", `{"status": "paused"}`}, {"2023-05-10", `{"status": "active"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 100.00", "2023-05-10 expansion 100.00"}},
		{"a pause with dates", "profitwell", [][]said{{plan, {"2023-03-01", `{"paused_at": "2023-03-10", "resumes_at": "2023-05-10"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-10 contraction 100.00", "2023-05-10 expansion 100.00"}},
		{"a pause changes nothing", "stripe", [][]said{{plan, {"2023-03-10", `{"status": "paused"}`}, {"2023-05-10", `{"status": "active"}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"past due counts until it is cancelled", "chartmogul", [][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"past due for 30 days is churn", "baremetrics", [][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}, {"2023-03-20", `{"seats": 3}`}}},
			[]string{"2023-01-10 new 100.00", "2023-04-09 churn 100.00"}},
		{"past due and paid in time is nothing", "baremetrics", [][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}, {"2023-04-01", `{"status": "active"}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"given up to collect does not count", "stripe", [][]said{{plan, {"2023-03-10", `{"status": "past_due"}`}, {"2023-04-01", `{"status": "unpaid"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-04-01 churn 100.00"}},
		{"cancelled when it ends in billing", "stripe", [][]said{{plan, {"2023-03-15", `{"status": "cancelled", "cancelled_at": "2023-03-15"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-15 churn 100.00"}},
		{"cancelled when what was paid for is over", "chartmogul", [][]said{{plan, {"2023-03-15", `{"status": "cancelled", "cancelled_at": "2023-03-15"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-04-10 churn 100.00"}},
		{"notice alone ends nothing before the term does", "stripe", [][]said{{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "renews": "2024-01-10", "status": "active"}`}, {"2023-09-01", `{"cancelled_at": "2023-09-01"}`}}},
			[]string{"2023-01-10 new 100.00", "2024-01-10 churn 100.00"}},
		{"notice taken back", "stripe", [][]said{{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "renews": "2023-10-10", "status": "active"}`}, {"2023-09-01", `{"cancelled_at": "2023-09-01"}`}, {"2023-09-20", `{"cancelled_at": null, "renews": "2024-10-10"}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"notice, and the end at the term with the old notice in it", "stripe", [][]said{{plan, {"2023-09-01", `{"cancelled_at": "2023-09-01", "end": "2023-10-10"}`}, {"2023-10-10", `{"status": "cancelled"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-10-10 churn 100.00"}},
		{"what does not renew by itself ends", "stripe", [][]said{{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "renews": "2024-01-10", "auto_renew": false}`}}},
			[]string{"2023-01-10 new 100.00", "2024-01-10 churn 100.00"}},
		{"an end that is told late counts when it was", "stripe", [][]said{{plan, {"2023-05-20", `{"mrr": "150"}`}, {"2023-06-20", `{"status": "cancelled", "cancelled_at": "2023-04-15"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-04-15 churn 100.00"}},
		{"a beginning that is told late counts when it was", "stripe", [][]said{{{"2023-03-10", `{"mrr": "100", "start": "2023-01-10"}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"signed and not begun", "stripe", [][]said{{{"2023-01-01", `{"mrr": "100", "start": "2023-04-01", "status": "active"}`}}},
			[]string{"2023-04-01 new 100.00"}},
		{"a new term of a line that runs is no beginning", "stripe", [][]said{{plan, {"2023-12-01", `{"start": "2024-01-10", "mrr": "120"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-12-01 expansion 20.00"}},
		{"a line that is taken up again", "stripe", [][]said{{plan, {"2023-03-15", `{"status": "cancelled", "cancelled_at": "2023-03-15"}`}, {"2023-06-01", `{"status": "active"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-15 churn 100.00", "2023-06-01 reactivation 100.00"}},
		{"who comes back is new", "baremetrics", [][]said{{plan, {"2023-03-15", `{"status": "cancelled", "end": "2023-03-15"}`}}, {{"2023-08-01", `{"mrr": "70", "start": "2023-08-01"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-15 churn 100.00", "2023-08-01 new 70.00"}},
		{"come and gone within a month: both", "stripe", [][]said{{plan, {"2023-01-20", `{"status": "cancelled", "end": "2023-01-20"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-01-20 churn 100.00"}},
		{"come and gone within a month: neither", "profitwell", [][]said{{plan, {"2023-01-20", `{"status": "cancelled", "end": "2023-01-20"}`}}, {{"2023-08-01", `{"mrr": "70", "start": "2023-08-01"}`}}},
			[]string{"2023-08-01 new 70.00"}},
		{"up and down within a month is nothing between its ends", "cairn", [][]said{{plan, {"2023-03-05", `{"mrr": "150"}`}, {"2023-03-15", `{"mrr": "100"}`}, {"2023-04-05", `{"mrr": "90"}`}, {"2023-04-15", `{"mrr": "120"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-04-15 expansion 20.00"}},
		{"metered amounts are left out", "stripe", [][]said{{plan}, {{"2023-02-10", `{"mrr": "33.33", "usage": true}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"metered amounts are rolled in", "profitwell", [][]said{{plan}, {{"2023-02-10", `{"mrr": "33.33", "usage": true}`}}},
			[]string{"2023-01-10 new 100.00", "2023-02-10 expansion 33.33"}},
		{"a refund of a monthly plan is ignored", "profitwell", [][]said{{plan, {"2023-03-15", `{"refunded_at": "2023-03-15"}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"a refund of an annual plan ends it", "profitwell", [][]said{{{"2023-01-10", `{"amount": "1200", "interval": "annual", "start": "2023-01-10"}`}, {"2023-03-15", `{"refunded_at": "2023-03-15"}`}}},
			[]string{"2023-01-10 new 100.00", "2023-03-15 churn 100.00"}},
		{"a sale has no MRR", "cairn", [][]said{{plan}, {{"2023-02-10", `{"amount": "5000", "type": "one_off"}`}}},
			[]string{"2023-01-10 new 100.00"}},
		{"a membership has", "cairn", [][]said{{{"2023-02-10", `{"amount": "60", "interval": "annual", "type": "membership"}`}}},
			[]string{"2023-02-10 new 5.00"}},
		{"tax is none of it", "chartmogul", [][]said{{{"2023-02-10", `{"amount": "119", "tax": "19", "interval": "month"}`}}},
			[]string{"2023-02-10 new 100.00"}},
		{"half a cent goes to the even one", "cairn", [][]said{{{"2023-01-10", `{"amount": "0.30", "interval": "annual", "start": "2023-01-10"}`}, {"2023-02-10", `{"amount": "0.42"}`}}},
			[]string{"2023-01-10 new 0.02", "2023-02-10 expansion 0.02"}},
	} {
		t.Run(c.policy+": "+c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, moved(t, c.policy, "2024-06-30", lines(t, c.lines...))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestSecondSubscriptionIsNewWhereThePolicySaysSo(t *testing.T) {
	p := Presets[1]
	p.Second = SecondNew
	got := movedUnder(t, p, NewRates("USD", nil), "2023-06-30", lines(t, gold, ends(silver, "2023-04-10")))
	want := []string{"2023-01-05 new 166.67", "2023-02-10 new 60.00", "2023-04-10 contraction 60.00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestWhoComesBackLateIsNewWhereThePolicySaysSo(t *testing.T) {
	p := Presets[1]
	p.Return = 90
	ls := lines(t, ends([]said{plan}, "2023-02-10"), []said{{"2023-05-10", `{"mrr": "10", "start": "2023-05-10", "end": "2023-06-10"}`}}, []said{{"2023-09-09", `{"mrr": "10"}`}})
	got := movedUnder(t, p, NewRates("USD", nil), "2023-12-31", ls)
	want := []string{"2023-01-10 new 100.00", "2023-02-10 churn 100.00", "2023-05-10 reactivation 10.00", "2023-06-10 churn 10.00", "2023-09-09 new 10.00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func rates(t *testing.T) *Rates {
	return NewRates("USD", []Rate{
		{"EUR", day(t, "2023-01-01"), 110, 100}, {"EUR", day(t, "2023-02-01"), 120, 100}, {"EUR", day(t, "2023-02-15"), 130, 100}, {"EUR", day(t, "2023-03-01"), 115, 100},
		{"JPY", day(t, "2023-01-01"), 7, 1000},
	})
}

func TestRatesOfTheBeginningMoveNothing(t *testing.T) {
	ls := lines(t, []said{{"2023-01-10", `{"mrr": "100", "currency": "EUR"}`}, {"2023-02-10", `{"mrr": "150"}`}}, []said{{"2023-01-10", `{"mrr": "1000", "currency": "JPY"}`}})
	got := movedUnder(t, Presets[1], rates(t), "2023-06-30", ls)
	want := []string{"2023-01-10 new 117.00", "2023-02-10 expansion 55.00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestTheEffectOfRatesIsAMovementApart(t *testing.T) {
	p, err := Preset("stripe")
	if err != nil {
		t.Fatal(err)
	}
	ls := lines(t, []said{{"2023-01-10", `{"mrr": "100", "currency": "EUR", "start": "2023-01-10"}`}, {"2023-02-20", `{"mrr": "150"}`}, {"2023-03-01", `{"mrr": "200"}`}, {"2023-04-01", `{"status": "cancelled", "end": "2023-04-01"}`}})
	got := movedUnder(t, p, rates(t), "2023-06-30", ls)
	want := []string{"2023-01-10 new 110.00", "2023-02-01 currency 10.00", "2023-02-20 expansion 60.00", "2023-03-01 currency -7.50", "2023-03-01 expansion 57.50", "2023-04-01 churn 230.00"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestALineWithoutARateIsAProblemAndNotZero(t *testing.T) {
	ls := lines(t, []said{{"2023-01-10", `{"mrr": "100", "currency": "GBP"}`}}, []said{plan})
	var r Result
	NewDeriver(Presets[0], rates(t), day(t, "2023-06-30")).Derive(ls, &r)
	if len(r.Problems) != 1 || r.Problems[0].Record != ls[0].Record || len(r.Movements) != 1 || r.Movements[0].Amount != 100_00 {
		t.Errorf("%+v", r)
	}
}

func TestAContractWithoutAPriceIsAProblemAndNotZero(t *testing.T) {
	r := Reader{Zone: time.UTC, Currency: "USD"}
	l, problem := r.Line(cairn.RecordID{}, acme, facts(t, []said{{"2023-01-10", `{"start": "2023-01-10"}`}}))
	if l != nil || problem == nil {
		t.Errorf("%v, %v", l, problem)
	}
}

func TestNumbersThatWouldTakeForEverAreNotRead(t *testing.T) {
	r := Reader{Zone: time.UTC, Currency: "USD"}
	for _, fields := range []string{`{"amount": 1e999999999}`, `{"unit_amount": "1e999999999", "seats": 2}`, `{"mrr": "1/3"}`} {
		if l, problem := r.Line(cairn.RecordID{}, acme, facts(t, []said{{"2023-01-10", fields}})); l != nil || problem == nil {
			t.Errorf("%s: %v, %v", fields, l, problem)
		}
	}
	l, problem := r.Line(cairn.RecordID{}, acme, facts(t, []said{{"2023-01-10", `{"mrr": "10", "discounts": [{"percent": 1e999999999}, {"amount": 1e999999999}]}`}}))
	if problem != nil || len(l.Terms[0].Discounts) != 0 {
		t.Errorf("%+v, %v", l, problem)
	}
}

func TestWhatWasLearntLaterWasNotKnownThen(t *testing.T) {
	fs := facts(t, []said{plan, {"2023-02-01", `{"mrr": "80"}`}})
	for i := range fs {
		fs[i].Seen = fs[i].At
		if fs[i].At.After(day(t, "2023-01-31").Start(time.UTC)) {
			fs[i].Seen = day(t, "2023-03-05").Start(time.UTC) // told a month late
		}
	}
	for _, c := range []struct {
		known string
		want  []string
	}{
		{"2023-03-01", []string{"2023-01-10 new 100.00"}},
		{"2023-03-06", []string{"2023-01-10 new 100.00", "2023-02-01 contraction 20.00"}},
	} {
		r := Reader{Zone: time.UTC, Currency: "USD", Known: day(t, c.known).Start(time.UTC)}
		l, problem := r.Line(cairn.RecordID{}, acme, fs)
		if problem != nil {
			t.Fatal(problem)
		}
		if diff := cmp.Diff(c.want, moved(t, "cairn", "2023-06-30", []Line{*l})); diff != "" {
			t.Errorf("known on %s (-want +got)\n%s", c.known, diff)
		}
	}
	r := Reader{Zone: time.UTC, Currency: "USD", Known: day(t, "2023-01-01").Start(time.UTC)}
	if l, problem := r.Line(cairn.RecordID{}, acme, fs); l != nil || problem != nil {
		t.Errorf("a contract that nobody knew of: %v, %v", l, problem)
	}
}

func TestWhoCouldLeave(t *testing.T) {
	for _, c := range []struct {
		name  string
		lines [][]said
		want  []string
	}{
		{"from month to month: every one after the first", [][]said{{{"2023-03-10", `{"mrr": "10"}`}}}, []string{"2023-04", "2023-05", "2023-06"}},
		{"a year: when it renews", [][]said{{{"2022-05-10", `{"amount": "120", "interval": "annual", "start": "2022-05-10"}`}}}, []string{"2023-05"}},
		{"a year that is paid by the month", [][]said{{{"2022-05-10", `{"mrr": "10", "term": "1 year", "start": "2022-05-10"}`}}}, []string{"2023-05"}},
		{"until a date and not before", [][]said{{{"2022-05-10", `{"mrr": "10", "renews": "2023-04-01"}`}, {"2023-04-01", `{"renews": "2024-04-01"}`}}}, []string{"2023-04"}},
		{"two lines: when both can end", [][]said{{{"2022-05-10", `{"mrr": "10", "term": "1 year", "start": "2022-05-10"}`}}, {{"2022-11-10", `{"mrr": "10", "term": "6 months", "start": "2022-11-10"}`}}}, []string{"2023-05"}},
		{"two lines of which one is bound", [][]said{{{"2022-05-10", `{"mrr": "10", "term": "1 year", "start": "2022-05-10"}`}}, {{"2022-06-10", `{"mrr": "10", "term": "1 year", "start": "2022-06-10"}`}}}, []string{}},
		{"who left could", [][]said{{{"2022-05-10", `{"mrr": "10", "term": "1 year", "start": "2022-05-10"}`}, {"2023-02-15", `{"status": "cancelled", "end": "2023-02-15"}`}}}, []string{"2023-02"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r Result
			NewDeriver(Presets[0], NewRates("USD", nil), day(t, "2023-06-30")).Derive(lines(t, c.lines...), &r)
			got := []string{}
			for _, m := range r.Could {
				if m.First() >= day(t, "2023-01-01") {
					got = append(got, m.String())
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestPresetsAreSound(t *testing.T) {
	for _, p := range Presets {
		if err := p.Check(); err != nil {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
	if _, err := Preset("recurly"); cairn.KindOf(err) != cairn.NotFound {
		t.Errorf("error %v, want that there is no such policy", err)
	}
	p := Presets[0]
	p.Pause = "perhaps"
	if err := p.Check(); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("error %v, want an invalid policy", err)
	}
}
