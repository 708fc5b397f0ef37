package ledger

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

var acme = cairn.AccountID{ID: cairn.HashID("acme")}

func day(t testing.TB, s string) cairn.Day {
	t.Helper()
	d, err := time.Parse(time.DateOnly, s)
	if err != nil {
		t.Fatal(err)
	}
	return cairn.Day(d.Unix() / 86400)
}

// A said is what a source says on a day: fields as JSON.
type said struct {
	day, fields string
}

// lines makes the lines of one customer in dollars out of what was said of
// each of its contracts.
func lines(t testing.TB, contracts ...[]said) []Line {
	t.Helper()
	r := Reader{Zone: time.UTC, Currency: "USD"}
	var out []Line
	for i, words := range contracts {
		l, problem := r.Line(cairn.RecordID{ID: cairn.HashID("contract", strconv.Itoa(i))}, acme, facts(t, words))
		if problem != nil {
			t.Fatal(problem.Text)
		}
		out = append(out, *l)
	}
	return out
}

func facts(t testing.TB, words []said) []cairn.Fact {
	t.Helper()
	var out []cairn.Fact
	for i, w := range words {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal([]byte(w.fields), &fields); err != nil {
			t.Fatalf("%s: %v", w.fields, err)
		}
		at := day(t, w.day).Start(time.UTC)
		for name, v := range fields {
			if string(v) == "null" {
				v = nil
			}
			out = append(out, cairn.Fact{Field: name, Source: "billing", At: at, Seen: at, Event: cairn.EventID{ID: cairn.HashID(w.day, strconv.Itoa(i))}, Value: v})
		}
	}
	return out
}

// moved writes movements as a reader would: "2023-01-05 new 166.67".
func moved(t testing.TB, policy string, last string, ls []Line) []string {
	t.Helper()
	p, err := Preset(policy)
	if err != nil {
		t.Fatal(err)
	}
	return movedUnder(t, p, NewRates("USD", nil), last, ls)
}

func movedUnder(t testing.TB, p Policy, rates *Rates, last string, ls []Line) []string {
	t.Helper()
	var r Result
	NewDeriver(p, rates, day(t, last)).Derive(ls, &r)
	if len(r.Problems) > 0 {
		t.Fatal(r.Problems)
	}
	out := []string{}
	for _, m := range r.Movements {
		out = append(out, fmt.Sprintf("%v %s %s", m.Day, m.Kind, Decimal(m.Amount, rates.Home)))
		if len(m.Causes) == 0 {
			t.Errorf("%s has no cause", out[len(out)-1])
		}
	}
	return out
}

var (
	gold   = []said{{"2023-01-05", `{"amount": "2000", "interval": "annual", "start": "2023-01-05", "status": "active"}`}}
	silver = []said{{"2023-02-10", `{"amount": "60", "interval": "monthly", "start": "2023-02-10", "status": "active"}`}}
)

func ends(words []said, day string) []said {
	return append(slices.Clone(words), said{day, fmt.Sprintf(`{"status": "cancelled", "cancelled_at": %q}`, day)})
}

// TestPublishedExamples are the worked examples that the tools print, under
// the policy that follows each; where they stand is beside them.
func TestPublishedExamples(t *testing.T) {
	for _, c := range []struct {
		name   string // and source
		policy string
		lines  [][]said
		want   []string
	}{
		{
			"4 x Gold yearly at $500: New Business MRR $166.67; help.chartmogul.com 201244842", "chartmogul",
			[][]said{{{"2023-01-05", `{"unit_amount": "500", "seats": 4, "interval": "year", "start": "2023-01-05"}`}}},
			[]string{"2023-01-05 new 166.67"},
		},
		{
			"the same customer adds 2 x Silver monthly, $60: Expansion; help.chartmogul.com 201244842", "chartmogul",
			[][]said{gold, silver},
			[]string{"2023-01-05 new 166.67", "2023-02-10 expansion 60.00"},
		},
		{
			"cancels the $60 subscription, another is active: Contraction; help.chartmogul.com 201244842", "chartmogul",
			[][]said{gold, ends(silver, "2023-04-10")},
			[]string{"2023-01-05 new 166.67", "2023-02-10 expansion 60.00", "2023-04-10 contraction 60.00"},
		},
		{
			"cancels the last, yearly subscription: Churn at the end of the paid period; help.chartmogul.com 201244842", "chartmogul",
			[][]said{ends(gold, "2023-06-15")},
			[]string{"2023-01-05 new 166.67", "2024-01-05 churn 166.67"},
		},
		{
			"$90 for a 3-month plan: MRR $30; dev.chartmogul.com how-mrr-is-calculated", "chartmogul",
			[][]said{{{"2023-01-05", `{"amount": "90", "interval": "3 months"}`}}},
			[]string{"2023-01-05 new 30.00"},
		},
		{
			"annual $1,200: MRR 100; support.stripe.com billing-analytics", "stripe",
			[][]said{{{"2023-01-05", `{"amount": "1200", "interval": "annual"}`}}},
			[]string{"2023-01-05 new 100.00"},
		},
		{
			"a 50% forever coupon halves it; support.stripe.com billing-analytics", "stripe",
			[][]said{{{"2023-01-05", `{"amount": "1200", "interval": "annual", "discount_percent": 50, "discount_duration": "forever"}`}}},
			[]string{"2023-01-05 new 50.00"},
		},
		{
			"once and repeating coupons leave it unchanged; support.stripe.com billing-analytics", "stripe",
			[][]said{{{"2023-01-05", `{"amount": "100", "interval": "month", "discounts": [{"percent": 50, "duration": "once"}, {"percent": 20, "duration": "repeating", "months": 3}]}`}}},
			[]string{"2023-01-05 new 100.00"},
		},
		{
			"$120 annual with 10% discount: MRR 9; learn.profitwell.com calculating-metrics", "profitwell",
			[][]said{{{"2023-01-05", `{"amount": "120", "interval": "annual", "discount_percent": 10}`}}},
			[]string{"2023-01-05 new 9.00"},
		},
		{
			"$120 annual: 10; help.baremetrics.com 5380330", "baremetrics",
			[][]said{{{"2023-01-05", `{"amount": "120", "interval": "annual"}`}}},
			[]string{"2023-01-05 new 10.00"},
		},
		{
			"$10 a month with a 50% lifetime coupon: 5; help.baremetrics.com 5380330", "baremetrics",
			[][]said{{{"2023-01-05", `{"amount": "10", "interval": "month", "discount_percent": 50, "discount_duration": "forever"}`}}},
			[]string{"2023-01-05 new 5.00"},
		},
		{
			"10 x $10 a month: 100; help.baremetrics.com 5380330", "baremetrics",
			[][]said{{{"2023-01-05", `{"unit_amount": "10", "seats": 10, "interval": "month"}`}}},
			[]string{"2023-01-05 new 100.00"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, moved(t, c.policy, "2024-06-30", lines(t, c.lines...))); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// TestStripesGlossary: 100 subscriptions of $100 a month and 50 of $600 a year
// are 12,500 a month (docs.stripe.com/billing/subscriptions/analytics/glossary;
// its formula prints 800/12, its result follows from 600/12).
func TestStripesGlossary(t *testing.T) {
	p, err := Preset("stripe")
	if err != nil {
		t.Fatal(err)
	}
	d := NewDeriver(p, NewRates("USD", nil), day(t, "2023-01-31"))
	tally := NewTally(MonthOf(day(t, "2023-01-01")), MonthOf(day(t, "2023-01-01")))
	var r Result
	for i := range 150 {
		text := `{"amount": "100", "interval": "month"}`
		if i >= 100 {
			text = `{"amount": "600", "interval": "year"}`
		}
		d.Derive(lines(t, []said{{"2023-01-05", text}}), &r)
		tally.Add(&r)
	}
	if got := tally.Months()[0].Figures("USD").End; got != "12500.00" {
		t.Errorf("%s", got)
	}
}

// TestPublishedShares: ChartMogul's gross and net churn, and Notion's and
// Vitally's net retention, with their sources in docs/revenue.md.
func TestPublishedShares(t *testing.T) {
	for _, c := range []struct {
		name     string
		s        Sums
		nrr, grr float64
	}{
		{"start 100, churn 10, contraction 10, expansion 10", Sums{Start: 100, Churn: 10, Contraction: 10, Expansion: 10}, 0.9, 0.8},
		{"start 1,000k, churn 25k, contraction 25k, expansion 150k", Sums{Start: 1_000_000, Churn: 25_000, Contraction: 25_000, Expansion: 150_000}, 1.1, 0.95},
		{"start 100,000, expansion 15,000, churn 8,000", Sums{Start: 100_000, Churn: 8_000, Expansion: 15_000}, 1.07, 0.92},
	} {
		f := c.s.Figures("USD")
		if math.Abs(*f.NRR-c.nrr) > 1e-12 || math.Abs(*f.GRR-c.grr) > 1e-12 {
			t.Errorf("%s: NRR %v, GRR %v", c.name, *f.NRR, *f.GRR)
		}
		if math.Abs(*f.Growth-(*f.NRR-1)) > 1e-12 || math.Abs(*f.MRRChurn-(1-*f.GRR)) > 1e-12 {
			t.Errorf("%s: growth %v and churn %v do not agree", c.name, *f.Growth, *f.MRRChurn)
		}
	}
	if n := (Sums{Start: 100, Churn: 10, Contraction: 10, Expansion: 10}).NetChurn(); *n != 0.1 {
		t.Errorf("net churn %v, want 0.1", *n)
	}
}

// TestPublishedValuesOfCustomers are the worked examples of what a customer is
// worth and what one costs to win, with their sources.
func TestPublishedValuesOfCustomers(t *testing.T) {
	// help.chartmogul.com/hc/en-us/articles/203359061: ARPA 100, churn 5 %, the average of six months.
	var months []Sums
	for _, lost := range []int{90, 4, 6, 5, 5, 2, 8} { // the first is too long ago to count
		months = append(months, Sums{CustomersStart: 100, CustomersLost: lost})
	}
	churn, ok := TrailingChurn(months)
	if worth, known := Lifetime(100_00, churn); !ok || !known || worth != 2000_00 {
		t.Errorf("ChartMogul's customer is worth %d, %v, of churn %v", worth, known, churn)
	}
	// The Notion template "Metric Calculation Templates": ARPU 500 of which 80 % is margin, churn 5 %.
	if worth, known := Lifetime(500_00*80/100, 0.05); !known || worth != 8000_00 {
		t.Errorf("Notion's customer is worth %d, %v", worth, known)
	}
	// The same: 50,000 spent on 25 customers; www.totango.com/glossary/customer-retention-cost-crc: 200,000 on 1,000.
	if a, b := PerHead(50_000_00, 25), PerHead(200_000_00, 1000); a != 2000_00 || b != 200_00 {
		t.Errorf("a customer costs %d and %d", a, b)
	}
	if _, known := Lifetime(100_00, 0); known || PerHead(5, 0) != 0 || PerHead(5, 2) != 2 || PerHead(7, 2) != 4 {
		t.Error("nobody was lost, or nobody is there, or half a cent goes wrong")
	}
	if _, ok := TrailingChurn(nil); ok {
		t.Error("the churn of no month is known")
	}
}

// TestContractValues are Zuora's examples: 10 units of $5 for 12 months, and 7
// more from 18 August to the end of the year; a list price of $8.
func TestContractValues(t *testing.T) {
	from, to := day(t, "2023-08-18"), day(t, "2023-12-31")
	for _, c := range []struct {
		name string
		got  int64
		want string
	}{
		{"10 units for a year", Value(50_00, day(t, "2023-01-01"), day(t, "2023-12-31"), ThirtyDays), "600.00"},
		{"at list price", Value(80_00, day(t, "2023-01-01"), day(t, "2023-12-31"), ThirtyDays), "960.00"},
		{"7 units, months of 30 days", Value(35_00, from, to, ThirtyDays), "156.33"},
		{"7 units, actual days", Value(35_00, from, to, ActualDays), "155.81"},
		{"7 units at list price", Value(56_00, from, to, ThirtyDays), "250.13"},
		{"the other way round", Value(35_00, to, from, ThirtyDays), "0.00"},
	} {
		if got := Decimal(c.got, "USD"); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// TestRavenstack compares with a plain reckoning of the same file: sums by
// account at the ends of months.
func TestRavenstack(t *testing.T) {
	rows := table(t, "testdata/ravenstack_2023H1.csv")
	r := Reader{Zone: time.UTC, Currency: "EUR"}
	by := map[string][]Line{}
	for _, row := range rows {
		words := []said{{iso(row["start_date"]), fmt.Sprintf(`{"mrr": %q, "currency": "USD", "start": %q, "status": %q}`,
			row["mrr_amount"], iso(row["start_date"]), map[bool]string{true: "trial", false: "active"}[row["is_trial"] == "TRUE"])}}
		if end := iso(row["end_date"]); end != "" {
			words = append(words, said{end, fmt.Sprintf(`{"status": "cancelled", "cancelled_at": %q, "end": %q}`, end, end)})
		}
		account := cairn.AccountID{ID: cairn.HashID(row["account_id"])}
		l, problem := r.Line(cairn.RecordID{ID: cairn.HashID(row["subscription_id"])}, account, facts(t, words))
		if problem != nil {
			t.Fatal(problem)
		}
		by[row["account_id"]] = append(by[row["account_id"]], *l)
	}
	from := MonthOf(day(t, "2023-01-01"))
	tally := NewTally(from, from+5)
	d := NewDeriver(Presets[0], NewRates("USD", nil), day(t, "2023-06-30"))
	var out Result
	for _, ls := range by {
		d.Derive(ls, &out)
		tally.Add(&out)
	}
	for i, want := range table(t, "testdata/ravenstack_mrr_movements_2023H1.csv") {
		s := tally.Months()[i]
		f := s.Figures("USD")
		for _, c := range []struct{ name, got string }{
			{"month", f.Month}, {"starting_mrr", f.Start}, {"new", f.New}, {"expansion", f.Expansion}, {"reactivation", f.Reactivation},
			{"contraction", f.Contraction}, {"churn", f.Churn}, {"ending_mrr", f.End},
			{"start_logos", strconv.Itoa(s.CustomersStart)}, {"new_logos", strconv.Itoa(s.CustomersNew)}, {"reactivated_logos", strconv.Itoa(s.CustomersBack)},
			{"churned_logos", strconv.Itoa(s.CustomersLost)}, {"end_logos", strconv.Itoa(s.CustomersEnd)},
		} {
			if strings.TrimSuffix(c.got, ".00") != want[c.name] {
				t.Errorf("%s: %s is %s, want %s", want["month"], c.name, c.got, want[c.name])
			}
		}
		for _, c := range []struct {
			name string
			got  *float64
		}{{"grr", f.GRR}, {"nrr", f.NRR}, {"logo_churn", f.ChurnBase}, {"gross_mrr_churn", f.MRRChurn}, {"net_mrr_churn_chartmogul", s.NetChurn()}, {"quick_ratio", f.QuickRatio}} {
			w, err := strconv.ParseFloat(want[c.name], 64)
			if (err != nil) != (c.got == nil) || c.got != nil && math.Abs(*c.got-w) > 1e-12 {
				t.Errorf("%s: %s is %v, want %s", want["month"], c.name, c.got, want[c.name])
			}
		}
	}
}

// iso turns 31-12-2023 round.
func iso(s string) string {
	if p := strings.Split(s, "-"); len(p) == 3 {
		return p[2] + "-" + p[1] + "-" + p[0]
	}
	return ""
}

func table(t *testing.T, name string) []map[string]string {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var out []map[string]string
	for _, r := range rows[1:] {
		m := map[string]string{}
		for i, name := range rows[0] {
			m[name] = r[i]
		}
		out = append(out, m)
	}
	return out
}
