package ledger

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
)

func on(s string) cairn.Day {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		panic(err)
	}
	return cairn.Day(t.Unix() / 86400)
}

// coming returns the renewals of a line of terms, as of a day.
func coming(t *testing.T, today string, terms ...Terms) ([]Renewal, Loose) {
	t.Helper()
	for i := range terms {
		terms[i].Currency, terms[i].Every = "EUR", Monthly
	}
	d := NewDeriver(Presets[0], NewRates("EUR", nil), on(today)+2000)
	out, loose, problem := d.Renewals(&Line{Terms: terms}, on(today), nil)
	if problem != nil {
		t.Fatal(problem.Text)
	}
	return out, loose
}

func TestALineComesUpWhenItsTermIsOver(t *testing.T) {
	year := Interval{1, Years}
	a := Terms{From: on("2024-01-15"), Start: on("2024-01-15"), Amount: 100_00, Renews: on("2025-01-15")}
	with := func(t Terms, change func(*Terms)) Terms { change(&t); return t }
	for _, c := range []struct {
		name  string
		today string
		terms []Terms
		want  []Renewal
	}{
		{"open", "2024-06-01", []Terms{a}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Original: 100_00, Open: true},
		}},
		{"renewed on its day, for more", "2025-02-01", []Terms{a, with(a, func(t *Terms) { t.From, t.Renews, t.Amount = on("2025-01-15"), on("2026-01-15"), 120_00 })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Settled: on("2025-01-15"), Original: 100_00, Booked: 120_00},
			{Due: on("2026-01-15"), From: on("2025-01-15"), Months: 12, Original: 120_00, Open: true},
		}},
		{"renewed two months early", "2024-12-01", []Terms{a, with(a, func(t *Terms) { t.From, t.Renews, t.Amount = on("2024-11-15"), on("2026-01-15"), 90_00 })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Settled: on("2024-11-15"), Original: 100_00, Booked: 90_00},
		}},
		{"a correction, long before", "2024-06-01", []Terms{a, with(a, func(t *Terms) { t.From, t.Renews = on("2024-02-01"), on("2025-03-01") })}, []Renewal{
			{Due: on("2025-03-01"), Months: 14, Original: 100_00, Open: true},
		}},
		{"nobody says anything, and it goes on", "2025-02-01", []Terms{a}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Original: 100_00, Booked: 100_00},
			{Due: on("2026-01-15"), From: on("2025-01-15"), Months: 12, Original: 100_00, Open: true},
		}},
		{"it does not renew by itself", "2025-02-01", []Terms{with(a, func(t *Terms) { t.Lapses = true })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Ended: on("2025-01-15"), Original: 100_00},
		}},
		{"it does not, and was signed ten days late", "2025-02-01", []Terms{with(a, func(t *Terms) { t.Lapses = true }), with(a, func(t *Terms) { t.From, t.Renews, t.Lapses = on("2025-01-25"), on("2026-01-15"), true })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Settled: on("2025-01-25"), Original: 100_00, Booked: 100_00},
			{Due: on("2026-01-15"), From: on("2025-01-15"), Months: 12, Original: 100_00, Open: true},
		}},
		{"notice was given and stands", "2024-12-20", []Terms{a, with(a, func(t *Terms) { t.From, t.Cancelled = on("2024-12-01"), on("2024-12-01") })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Noticed: on("2024-12-01"), Original: 100_00, Open: true},
		}},
		{"notice was given and taken back", "2024-12-20", []Terms{a, with(a, func(t *Terms) { t.From, t.Cancelled = on("2024-12-01"), on("2024-12-01") }), with(a, func(t *Terms) { t.From = on("2024-12-10") })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Noticed: on("2024-12-01"), Back: on("2024-12-10"), Original: 100_00, Open: true},
		}},
		{"it ended within its term", "2024-12-20", []Terms{a, with(a, func(t *Terms) { t.From, t.Status = on("2024-09-01"), Ended })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Ended: on("2024-09-01"), Original: 100_00},
		}},
		{"a fixed end", "2024-06-01", []Terms{with(a, func(t *Terms) { t.Renews, t.End = 0, on("2026-01-15") })}, []Renewal{
			{Due: on("2026-01-15"), Months: 24, Original: 100_00, Open: true},
		}},
		{"by its term alone", "2025-02-01", []Terms{with(a, func(t *Terms) { t.Renews, t.Term = 0, year })}, []Renewal{
			{Due: on("2025-01-15"), Months: 12, Original: 100_00, Booked: 100_00},
			{Due: on("2026-01-15"), From: on("2025-01-15"), Months: 12, Original: 100_00, Open: true},
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, _ := coming(t, c.today, c.terms...)
			for i := range got {
				if got[i].Begun != on("2024-01-15") {
					t.Errorf("it began on %v", got[i].Begun)
				}
				if got[i].From == got[i].Begun {
					got[i].From = 0
				}
				got[i].Begun, got[i].Auto = 0, false
			}
			if c.name == "renewed two months early" {
				got = got[:1] // what is next is open
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestFromMonthToMonthThereAreMonthsAndNoRenewals(t *testing.T) {
	a := Terms{From: on("2024-01-15"), Start: on("2024-01-15"), Amount: 50_00, Term: Monthly}
	got, loose := coming(t, "2024-06-20", a)
	want := Loose{Kept: 5, Next: on("2024-07-15"), MRR: 50_00}
	if diff := cmp.Diff(want, loose); diff != "" || len(got) > 0 {
		t.Errorf("%d renewals, (-want +got)\n%s", len(got), diff)
	}
	end := a
	end.From, end.Status = on("2024-04-15"), Ended
	_, loose = coming(t, "2024-06-20", a, end)
	if diff := cmp.Diff(Loose{Kept: 2, Lost: 1}, loose); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Whatever is said of a line, its renewals follow each other, and what is open
// comes last.
func TestRenewalsOfALineFollowEachOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := rapid.Custom(func(t *rapid.T) cairn.Day {
			return on("2022-01-01") + cairn.Day(rapid.IntRange(0, 1500).Draw(t, "day"))
		})
		maybe := func(name string) cairn.Day {
			if rapid.Bool().Draw(t, name+" is said") {
				return day.Draw(t, name)
			}
			return 0
		}
		l := Line{}
		from := on("2022-01-01")
		for i := range rapid.IntRange(1, 6).Draw(t, "terms") {
			from += cairn.Day(rapid.IntRange(1, 200).Draw(t, "later"))
			l.Terms = append(l.Terms, Terms{
				From: from, Amount: int64(rapid.IntRange(0, 3).Draw(t, "amount")) * 100, Currency: "EUR", Every: Monthly,
				Status: rapid.SampledFrom([]Status{Unsaid, Active, Paused, Ended, Trialing}).Draw(t, "status"),
				Start:  maybe("start"), End: maybe("end"), Cancelled: maybe("cancelled"), Renews: maybe("renews"),
				Lapses: rapid.Bool().Draw(t, "lapses"), Term: rapid.SampledFrom([]Interval{{}, Monthly, {3, Months}, {1, Years}}).Draw(t, "term"),
			})
			_ = i
		}
		today := from + cairn.Day(rapid.IntRange(0, 900).Draw(t, "today"))
		d := NewDeriver(Presets[0], NewRates("EUR", nil), today+2000)
		got, loose, _ := d.Renewals(&l, today, nil)
		last := cairn.Day(0)
		for i, r := range got {
			switch {
			case r.Due <= r.From || r.Due < last || r.From < r.Begun:
				t.Fatalf("%d of %+v begins before what came before", i, got)
			case r.Open && (i != len(got)-1 || r.Due <= today || r.Booked != 0 || loose.Next != 0):
				t.Fatalf("%d of %+v is open", i, got)
			case r.Original <= 0 || r.Booked < 0 || r.Ended != 0 && (r.Booked != 0 || r.Ended > max(r.Due, r.Settled)):
				t.Fatalf("%d of %+v is worth nothing, or ended and did not", i, got)
			}
			last = r.Due
		}
	})
}
