package ledger

import (
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"cairn"
)

// TestBooksTellWhatWasPutIn: whatever is put in, again and again, is told as it
// was put in last, and added up as it would be without books.
func TestBooksTellWhatWasPutIn(t *testing.T) {
	from, to := MonthOf(epoch)-6, MonthOf(epoch)+30
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPolicy(rt)
		d := NewDeriver(p, drawnRates, to.Last())
		b := NewBooks()
		want := map[cairn.AccountID]Result{}
		for range rapid.IntRange(1, 12).Draw(rt, "times") {
			account := cairn.AccountID{ID: cairn.HashID(strconv.Itoa(rapid.IntRange(0, 3).Draw(rt, "who")))}
			ls := drawLines(rt)
			for i := range ls {
				ls[i].Account = account
			}
			var r Result
			d.Derive(ls, &r)
			b.Set(account, &r)
			want[account] = r
			if rapid.IntRange(0, 3).Draw(rt, "pack") == 0 {
				b.pack()
			}
		}
		if b.Len() != len(want) {
			rt.Fatalf("%d customers, want %d", b.Len(), len(want))
		}
		tally, cohorts, ages := NewTally(from, to), NewCohorts(from, to), Ages{}
		for account, w := range want {
			got, ok := b.Of(account)
			if diff := cmp.Diff(w, got, cmpopts.IgnoreFields(Movement{}, "Causes"), cmpopts.IgnoreUnexported(Result{}), cmpopts.IgnoreFields(Result{}, "Problems"), cmpopts.EquateEmpty()); !ok || diff != "" {
				rt.Fatalf("(-want +got)\n%s", diff)
			}
			tally.Add(&w)
			cohorts.Add(&w)
			ages.Add(&w, from, to)
		}
		got := b.Tally(from, to, func(cairn.AccountID) (string, bool) { return "", true })
		if got[""] == nil {
			got[""] = NewTally(from, to)
		}
		if diff := cmp.Diff(tally.Months(), got[""].Months()); diff != "" {
			rt.Fatalf("(-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(cohorts.Rows(), b.Cohorts(from, to, func(cairn.AccountID) bool { return true }).Rows()); diff != "" {
			rt.Fatalf("cohorts (-want +got)\n%s", diff)
		}
		checkCohorts(rt, cohorts, tally.Months(), want)
		together := Together(cohorts.Rows())
		ages.grow(len(together.Left)) // nobody may be as old
		if diff := cmp.Diff(together, ages, cmpopts.IgnoreUnexported(Ages{})); diff != "" {
			rt.Fatalf("by age (-cohorts put together +customers added)\n%s", diff)
		}
	})
}

// checkCohorts: what is left of all cohorts at the end of a month is what
// there is at the end of that month, of those who came since.
func checkCohorts(rt *rapid.T, c *Cohorts, months []Sums, all map[cairn.AccountID]Result) {
	for i, s := range months {
		customers, mrr := 0, int64(0)
		for _, row := range c.Rows() {
			if age := int(s.Month - row.Month); age >= 0 {
				customers, mrr = customers+row.Left[age].Customers, mrr+row.Left[age].MRR
			}
		}
		before := 0
		for _, r := range all {
			if len(r.Movements) > 0 && MonthOf(r.Movements[0].Day) < months[0].Month {
				before++
			}
		}
		if before == 0 && (customers != s.CustomersEnd || mrr != s.End) {
			rt.Fatalf("month %d: cohorts have %d and %d, the month ends with %d and %d", i, customers, mrr, s.CustomersEnd, s.End)
		}
	}
}
