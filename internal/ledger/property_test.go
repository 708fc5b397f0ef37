package ledger

import (
	"encoding/json"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cairn"
)

// drawTerms draws what a source may say, sensible or not.
func drawTerms(rt *rapid.T, at cairn.Day) Terms {
	some := func(name string, share int) cairn.Day {
		if rapid.IntRange(0, 9).Draw(rt, name+" said") >= share {
			return 0
		}
		return at + cairn.Day(rapid.IntRange(-60, 200).Draw(rt, name))
	}
	t := Terms{
		From: at, Event: cairn.EventID{ID: cairn.HashID(strconv.Itoa(int(at)))},
		Status:   Status(rapid.SampledFrom([]Status{Unsaid, Active, Active, Active, Trialing, Paused, PastDue, Unpaid, Ended}).Draw(rt, "status")),
		Amount:   rapid.SampledFrom([]int64{0, 1, 999, 1000, 5000, 12345, 1_000_000}).Draw(rt, "amount"),
		Every:    rapid.SampledFrom([]Interval{Monthly, Monthly, {3, Months}, {1, Years}, {1, Weeks}, {10, Days}}).Draw(rt, "every"),
		Currency: rapid.SampledFrom([]string{"USD", "USD", "EUR"}).Draw(rt, "currency"),
		Usage:    rapid.IntRange(0, 9).Draw(rt, "usage") == 0,
		Start:    some("start", 5), End: some("end", 2), Cancelled: some("cancelled", 2), Trial: some("trial", 1),
		Pause: some("pause", 1), Resume: some("resume", 1), Renews: some("renews", 3), Refunded: some("refunded", 1),
		Lapses: rapid.IntRange(0, 9).Draw(rt, "lapses") == 0,
		Term:   rapid.SampledFrom([]Interval{{}, Monthly, {1, Years}}).Draw(rt, "term"),
	}
	for range rapid.IntRange(0, 2).Draw(rt, "discounts") {
		d := Discount{From: some("from", 5), Until: some("until", 5)}
		if rapid.Bool().Draw(rt, "percent") {
			d.Percent = rapid.Int64Range(0, 100_000).Draw(rt, "percent of")
		} else {
			d.Off = rapid.Int64Range(0, 5000).Draw(rt, "off")
		}
		t.Discounts = append(t.Discounts, d)
	}
	return t
}

const epoch = cairn.Day(19358) // 2023-01-01

func drawLines(rt *rapid.T) []Line {
	var out []Line
	for n := range rapid.IntRange(1, 4).Draw(rt, "lines") {
		l := Line{Record: cairn.RecordID{ID: cairn.HashID(strconv.Itoa(n))}, Account: acme}
		at := epoch + cairn.Day(rapid.IntRange(-100, 300).Draw(rt, "begins"))
		for range rapid.IntRange(1, 5).Draw(rt, "terms") {
			l.Terms = append(l.Terms, drawTerms(rt, at))
			at += cairn.Day(rapid.IntRange(1, 120).Draw(rt, "later"))
		}
		out = append(out, l)
	}
	return out
}

func drawPolicy(rt *rapid.T) Policy {
	p := rapid.SampledFrom(Presets).Draw(rt, "policy")
	p.Netting = rapid.SampledFrom([]Netting{ByDay, ByMonth}).Draw(rt, "netting")
	p.SameMonth = rapid.SampledFrom([]SameMonth{SameMonthBoth, SameMonthIgnored}).Draw(rt, "same month")
	p.Second = rapid.SampledFrom([]Second{SecondExpansion, SecondNew}).Draw(rt, "second")
	p.Free = rapid.SampledFrom([]Free{FreeChurn, FreeContraction}).Draw(rt, "free")
	p.Pause = rapid.SampledFrom([]Pause{PauseChurn, PauseContraction, PauseKeep}).Draw(rt, "pause")
	p.Rates = rapid.SampledFrom([]RatesPolicy{RateFixed, RateMonthly}).Draw(rt, "rates")
	p.ChurnAt = rapid.SampledFrom([]ChurnAt{WhenEnded, WhenPeriodEnd, WhenSaid}).Draw(rt, "churn at")
	return p
}

var drawnRates = NewRates("USD", []Rate{
	{"EUR", 0, 11, 10}, {"EUR", epoch + 31, 12, 10}, {"EUR", epoch + 90, 105, 100}, {"EUR", epoch + 180, 1333, 1000},
})

// TestIdentitiesHold: whatever sources say and whatever the policy, start and
// movements make the end, portfolio growth is expansion less churn, gross
// retention is not above net retention or 1, customers add up, and the end is
// what the lines themselves are worth.
func TestIdentitiesHold(t *testing.T) {
	from, to := MonthOf(epoch)-6, MonthOf(epoch)+30
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPolicy(rt)
		ls := drawLines(rt)
		d := NewDeriver(p, drawnRates, to.Last())
		var r Result
		d.Derive(ls, &r)
		tally := NewTally(from, to)
		tally.Add(&r)
		months := tally.Months()
		for i, s := range months {
			if s.Start+s.New+s.Expansion+s.Reactivation+s.Effect-s.Contraction-s.Churn != s.End {
				rt.Fatalf("%v does not add up: %+v", s.Month, s)
			}
			if s.CustomersStart+s.CustomersNew+s.CustomersBack-s.CustomersLost != s.CustomersEnd {
				rt.Fatalf("%v: customers do not add up: %+v", s.Month, s)
			}
			if i > 0 && (months[i-1].End != s.Start || months[i-1].CustomersEnd != s.CustomersStart) {
				rt.Fatalf("%v does not begin where the month before ended", s.Month)
			}
			if s.Start < 0 || s.CustomersEnd < 0 || s.CustomersEnd > 1 || s.CustomersCould > s.CustomersStart {
				rt.Fatalf("%v: %+v", s.Month, s)
			}
			checkShares(rt, s)
		}
		checkMovements(rt, &r)
		if p.SameMonth == SameMonthBoth || p.Netting == ByMonth {
			checkWorth(rt, ls, p, months)
		}
	})
}

func checkShares(rt *rapid.T, s Sums) {
	f := s.Figures("USD")
	if s.Start == 0 {
		if f.NRR != nil || f.GRR != nil || f.Growth != nil {
			rt.Fatalf("shares of nothing: %+v", f)
		}
		return
	}
	const e = 1e-9
	if d := *f.Growth - (*f.MRRExpansion - *f.MRRChurn); d > e || d < -e {
		rt.Fatalf("growth %v, expansion %v, churn %v", *f.Growth, *f.MRRExpansion, *f.MRRChurn)
	}
	if d := *f.Growth - (*f.NRR - 1); d > e || d < -e {
		rt.Fatalf("growth %v, NRR %v", *f.Growth, *f.NRR)
	}
	if *f.GRR > min(1, *f.NRR)+e {
		rt.Fatalf("GRR %v over 1 or NRR %v", *f.GRR, *f.NRR)
	}
}

func checkMovements(rt *rapid.T, r *Result) {
	is := false
	for i, m := range r.Movements {
		if m.Amount < 0 && m.Kind != Effect || m.Amount == 0 && m.Kind != Churn || len(m.Causes) == 0 {
			rt.Fatalf("movement %d: %+v", i, m)
		}
		if m.Came == 1 && is || m.Came != 1 && !is || i > 0 && m.Day < r.Movements[i-1].Day {
			rt.Fatalf("movement %d cannot follow: %+v", i, r.Movements)
		}
		is = m.Came == 1 || is && m.Came != -1
	}
}

// checkWorth adds up at each end of a month what each line alone is worth.
func checkWorth(rt *rapid.T, ls []Line, p Policy, months []Sums) {
	for _, s := range months {
		sum := int64(0)
		for i := range ls {
			d := NewDeriver(p, drawnRates, months[len(months)-1].Month.Last())
			if problem := d.walk(&ls[i], 0); problem != nil {
				rt.Fatal(problem)
			}
			worth := int64(0)
			for _, st := range d.steps {
				if st.day <= s.Month.Last() {
					worth = st.minor
				}
			}
			sum += worth
		}
		if sum != s.End {
			rt.Fatalf("%v ends with %d, the lines are worth %d", s.Month, s.End, sum)
		}
	}
}

// TestOrderOfLinesDoesNotMatter: the same lines in another order give the same
// movements.
func TestOrderOfLinesDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, ls := drawPolicy(rt), drawLines(rt)
		var a, b Result
		NewDeriver(p, drawnRates, epoch+900).Derive(ls, &a)
		other := slices.Clone(ls)
		slices.Reverse(other)
		NewDeriver(p, drawnRates, epoch+900).Derive(other, &b)
		if len(a.Movements) != len(b.Movements) {
			rt.Fatalf("%v, %v", a.Movements, b.Movements)
		}
		for i, m := range a.Movements {
			n := b.Movements[i]
			if m.Day != n.Day || m.Kind != n.Kind || m.Amount != n.Amount || len(m.Causes) != len(n.Causes) {
				rt.Fatalf("%+v, %+v", m, n)
			}
		}
	})
}

// TestTheFutureChangesNothing: what is looked at only until a day has the same
// movements until then.
func TestTheFutureChangesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p, ls := drawPolicy(rt), drawLines(rt)
		p.Netting, p.SameMonth = ByDay, SameMonthBoth
		last := epoch + cairn.Day(rapid.IntRange(0, 600).Draw(rt, "last"))
		var some, all Result
		NewDeriver(p, drawnRates, last).Derive(ls, &some)
		NewDeriver(p, drawnRates, epoch+900).Derive(ls, &all)
		until := 0
		for _, m := range all.Movements {
			if m.Day <= last {
				until++
			}
		}
		if until != len(some.Movements) {
			rt.Fatalf("%d movements until %v, and %d of all", len(some.Movements), last, until)
		}
	})
}

func TestRoundingIsThatOfFractions(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.Int64Range(-1<<50, 1<<50).Draw(rt, "n")
		e, want := exactly(n), new(big.Rat).SetInt64(n)
		for range rapid.IntRange(0, 6).Draw(rt, "factors") {
			num, den := rapid.Int64Range(0, 100_000).Draw(rt, "num"), rapid.Int64Range(1, 100_000).Draw(rt, "den")
			e, want = e.times(num, den), want.Mul(want, big.NewRat(num, den))
		}
		got := e.round()
		off := new(big.Rat).Sub(want, new(big.Rat).SetInt64(got))
		switch c := off.Abs(off).Cmp(big.NewRat(1, 2)); {
		case !want.Num().IsInt64() || len(want.FloatString(0)) > 18: // beyond what is an amount
		case c > 0, c == 0 && got%2 != 0:
			rt.Fatalf("%v rounded to %d", want, got)
		}
	})
}

func TestMonthsAreThoseOfTheCalendar(t *testing.T) {
	for d := cairn.Day(-200_000); d < 200_000; d += 13 {
		y, m, n := time.Unix(int64(d)*86400, 0).UTC().Date()
		month, of := civil(d)
		if month != Month(y*12+int(m)-1) || int(of) != n || month.First() > d || month.Last() < d || MonthOf(month.Last()) != month {
			t.Fatalf("day %v: month %v, %d", d, month, of)
		}
	}
}

func TestIntervalsAreReadAsTheyAreWritten(t *testing.T) {
	for text, want := range map[string]Interval{
		"monthly": {1, Months}, "Annual": {1, Years}, "3 months": {3, Months}, "P1Y": {1, Years}, "P3M": {3, Months},
		"2 weeks": {2, Weeks}, "semi-annual": {6, Months}, "every 2 quarters": {6, Months}, "12_months": {12, Months},
	} {
		got, err := ParseInterval(text)
		if err != nil || got != want {
			t.Errorf("%q is %v, %v; want %v", text, got, err, want)
		}
		if again, err := ParseInterval(got.String()); err != nil || again != got {
			t.Errorf("%q is written %q", text, got)
		}
	}
	for _, text := range []string{"", "often", "0 months", "3", "-1 month", "99999 years"} {
		if got, err := ParseInterval(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func FuzzDiscounts(f *testing.F) {
	f.Add(`[{"percent": 10, "duration": "once"}]`)
	f.Add(`[{"percent": "12.5", "until": "2023-05-01"}, {"amount": 3, "months": 2}]`)
	f.Fuzz(func(t *testing.T, text string) {
		if !json.Valid([]byte(text)) {
			return
		}
		r := Reader{Zone: time.UTC, Currency: "USD"}
		fs := facts(t, []said{{"2023-01-10", `{"mrr": "100"}`}})
		fs = append(fs, cairn.Fact{Field: "discounts", At: fs[0].At, Event: fs[0].Event, Value: json.RawMessage(text)})
		l, problem := r.Line(cairn.RecordID{}, acme, fs)
		if problem != nil {
			return
		}
		var out Result
		NewDeriver(Presets[0], NewRates("USD", nil), epoch+600).Derive([]Line{*l}, &out)
		for _, m := range out.Movements {
			if m.Amount < 0 {
				t.Fatalf("%s: %+v", text, m)
			}
		}
	})
}

// many are the lines of made-up customers over five years: most are one
// subscription that grows and perhaps ends.
func many(n int) [][]Line {
	r := rand.New(rand.NewPCG(3, 4))
	out := make([][]Line, n)
	for i := range out {
		id := cairn.ID{byte(i), byte(i >> 8), byte(i >> 16), 1}
		start := epoch + cairn.Day(r.IntN(1500))
		l := Line{Record: cairn.RecordID{ID: id}, Account: cairn.AccountID{ID: id}}
		every := Monthly
		if r.IntN(2) == 0 {
			every = Interval{1, Years}
		}
		amount := int64(1000 + r.IntN(100_000))
		for at := start; at < epoch+1826; at += cairn.Day(60 + r.IntN(400)) {
			l.Terms = append(l.Terms, Terms{From: at, Status: Active, Amount: amount, Every: every, Currency: "USD", Start: start})
			amount += int64(r.IntN(5000)) - 1500
		}
		if r.IntN(3) == 0 {
			last := l.Terms[len(l.Terms)-1]
			last.From += cairn.Day(20 + r.IntN(200))
			last.Status, last.Cancelled = Ended, last.From
			l.Terms = append(l.Terms, last)
		}
		out[i] = []Line{l}
	}
	return out
}

func BenchmarkMovements(b *testing.B) {
	customers := many(100_000)
	d := NewDeriver(Presets[0], NewRates("USD", nil), epoch+1826)
	var r Result
	for b.Loop() {
		tally := NewTally(MonthOf(epoch), MonthOf(epoch)+59)
		for _, ls := range customers {
			d.Derive(ls, &r)
			tally.Add(&r)
		}
	}
	b.ReportMetric(float64(len(customers)*b.N)/b.Elapsed().Seconds(), "subscriptions/s")
}

// TestBookedMonthsAddUpWithTheirCorrections: whatever was known when months
// were closed and whatever is known now, under each preset, every month begins
// where the one before ended and adds up with its correction, and the last one
// that is open ends with the truth.
func TestBookedMonthsAddUpWithTheirCorrections(t *testing.T) {
	from, to := MonthOf(epoch)-2, MonthOf(epoch)+30
	for _, p := range Presets {
		t.Run(p.Name, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				months := func() []Sums {
					var r Result
					NewDeriver(p, drawnRates, to.Last()).Derive(drawLines(rt), &r)
					tally := NewTally(from, to)
					tally.Add(&r)
					return tally.Months()
				}
				then, now := months(), months()
				closed := map[Month]Sums{}
				for _, s := range then[:rapid.IntRange(0, len(then)-1).Draw(rt, "closed")] {
					closed[s.Month] = s
				}
				got := Booked(now, closed)
				for i, s := range got {
					if s.Start+s.New+s.Expansion+s.Reactivation+s.Effect+s.Correction-s.Contraction-s.Churn != s.End {
						rt.Fatalf("%v does not add up: %+v", s.Month, s)
					}
					if i > 0 && got[i-1].End != s.Start {
						rt.Fatalf("%v begins with %d, the month before ended with %d", s.Month, s.Start, got[i-1].End)
					}
				}
				if last := got[len(got)-1]; last.End != now[len(now)-1].End {
					rt.Fatalf("the last month ends with %d, the truth is %d", last.End, now[len(now)-1].End)
				}
			})
		})
	}
}

// TestAQuestionIsAnsweredAsItIsSet: each answer of each preset, set on another,
// is that answer.
func TestAQuestionIsAnsweredAsItIsSet(t *testing.T) {
	for _, a := range Presets {
		for _, b := range Presets {
			p := a
			for _, q := range Questions {
				if err := q.Set(&p, q.Value(b)); err != nil || q.Answer(p) != q.Answer(b) || q.Answer(b) == "" {
					t.Errorf("%s of %s on %s: %q, %v", q.Key, b.Name, a.Name, q.Answer(p), err)
				}
			}
			p.Name, p.Title = b.Name, b.Title
			if p != b {
				t.Errorf("all answers of %s on %s are %+v: a question is missing", b.Name, a.Name, p)
			}
		}
		for _, q := range Questions {
			if err := q.Set(&a, "perhaps"); err == nil {
				t.Errorf("%s takes any answer", q.Key)
			}
		}
	}
}

// TestDecidesNamesTheQuestionsThatMatter of a customer with a discount for a
// while, who is past due for long.
func TestDecidesNamesTheQuestionsThatMatter(t *testing.T) {
	ls := lines(t, []said{{"2023-01-10", `{"mrr": "100", "start": "2023-01-10", "discount_percent": 50, "discount_duration": "repeating", "discount_months": 2}`}, {"2023-06-10", `{"status": "past_due"}`}})
	keys := func(a, b string, from, to string) (out []string) {
		t.Helper()
		p, err := Preset(a)
		if err != nil {
			t.Fatal(err)
		}
		q, err := Preset(b)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range Decides(p, q, NewRates("USD", nil), day(t, "2023-12-31"), ls, MonthOf(day(t, from)), MonthOf(day(t, to))) {
			out = append(out, x.Key)
		}
		return out
	}
	for _, c := range []struct {
		a, b, from, to string
		want           []string
	}{
		{"cairn", "stripe", "2023-01-01", "2023-03-31", []string{"discounts"}},
		{"stripe", "baremetrics", "2023-06-01", "2023-12-31", []string{"past_due_days"}},
		{"cairn", "chartmogul", "2023-01-01", "2023-12-31", nil},
	} {
		if got := keys(c.a, c.b, c.from, c.to); !slices.Equal(got, c.want) {
			t.Errorf("%s and %s from %s: %v, want %v", c.a, c.b, c.from, got, c.want)
		}
	}
}
