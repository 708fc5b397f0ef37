package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"time"

	"cairn"
	"cairn/internal/ledger"
	"cairn/internal/survival"
)

// A Metrics measures the ledger and the estimators of survival on made-up
// subscriptions in memory: what is reckoned, without what is read.
type Metrics struct {
	Subscriptions int
	Years         int
	Say           func(string)
}

// A MetricsResult is what cairn bench metrics --json prints; see docs/cli.md.
type MetricsResult struct {
	Subscriptions int     `json:"subscriptions"`
	Customers     int     `json:"customers"`
	Years         int     `json:"years"`
	Cores         int     `json:"cores"`
	Policy        string  `json:"policy"`
	Movements     int     `json:"movements"`
	Recompute     float64 `json:"recompute_s"`
	PerSecond     float64 `json:"subscriptions_per_s"`
	MonthSums     float64 `json:"month_sums_ms"`
	ByDimension   float64 `json:"by_dimension_s"`
	Cohorts       float64 `json:"cohorts_s"`
	CohortMonths  int     `json:"cohort_months"`
	Lifetimes     int     `json:"lifetimes"`
	KM            float64 `json:"km_s"`
	KMFromCSV     float64 `json:"km_csv_s"`
	BooksMB       float64 `json:"books_mb"`
	MemoryMB      float64 `json:"memory_mb"` // that the process took, the made-up subscriptions included
}

// dimensions is how many values the dimension has that is asked for.
const dimensions = 20

// Run measures.
func (b Metrics) Run(ctx context.Context) (MetricsResult, error) {
	r := MetricsResult{Subscriptions: b.Subscriptions, Years: b.Years, Cores: runtime.GOMAXPROCS(0), Policy: ledger.Presets[0].Name}
	switch {
	case b.Subscriptions < 1 || b.Subscriptions > 20_000_000:
		return r, cairn.Errorf(cairn.Invalid, "The subscriptions are 1 to 20,000,000.").At("subscriptions")
	case b.Years < 1 || b.Years > 20:
		return r, cairn.Errorf(cairn.Invalid, "The years are 1 to 20.").At("years")
	}
	b.Say("Making " + strconv.Itoa(b.Subscriptions) + " subscriptions …")
	customers := b.customers()
	r.Customers = len(customers)
	from := ledger.MonthOf(begin)
	to := from + ledger.Month(12*b.Years-1)
	if err := ctx.Err(); err != nil {
		return r, err
	}

	b.Say("Booking them …")
	before := heap()
	start := time.Now()
	shelves := b.book(customers, to.Last())
	r.Recompute = time.Since(start).Seconds()
	r.PerSecond = float64(b.Subscriptions) / r.Recompute
	r.BooksMB = heap() - before

	whole := func(cairn.AccountID) (string, bool) { return "", true }
	tally := ledger.NewTally(from, to)
	for _, t := range eachShelf(shelves, func(s *ledger.Books) *ledger.Tally { return s.Tally(from, to, whole)[""] }) {
		if t != nil {
			tally.Merge(t)
		}
	}
	r.MonthSums = 1000 * timed(func() {
		for _, s := range tally.Months() {
			s.Figures("EUR")
		}
	})
	r.ByDimension = timed(func() { b.byDimension(shelves, from, to) })
	r.CohortMonths = int(to-from) + 1
	r.Cohorts = timed(func() {
		all := ledger.NewCohorts(from, to)
		for _, c := range eachShelf(shelves, func(s *ledger.Books) *ledger.Cohorts {
			return s.Cohorts(from, to, func(cairn.AccountID) bool { return true })
		}) {
			all.Merge(c)
		}
	})
	if err := ctx.Err(); err != nil {
		return r, err
	}
	b.Say("Estimating how long they stay …")
	for _, s := range shelves {
		s.Each(func(one *ledger.Result) { r.Movements += len(one.Movements) })
	}
	lives := lifetimes(customers, to.Last())
	r.Lifetimes = lives.Len()
	var err error
	r.KM = timed(func() { _, err = survival.KaplanMeier(lives, survival.Log) })
	if err != nil {
		return r, err
	}
	text := asCSV(lives)
	r.KMFromCSV = timed(func() {
		var table survival.Table
		if table, err = survival.Read(bytes.NewReader(text), survival.Columns{}); err == nil {
			_, err = survival.KaplanMeier(table.Groups[0].Lifetimes, survival.Log)
		}
	})
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r.MemoryMB = float64(m.Sys) / 1e6
	runtime.KeepAlive(customers)
	return r, err
}

// begin is the first day on which a subscription may begin.
const begin = cairn.Day(19358) // 2023-01-01

// customers makes subscriptions: nine in ten customers have one, the others
// three. Half are paid by the year. They grow, shrink, get discounts, pause,
// and one in three ends.
func (b Metrics) customers() [][]ledger.Line {
	r := rand.New(rand.NewPCG(uint64(b.Subscriptions), uint64(b.Years)))
	days := 365 * b.Years
	var out [][]ledger.Line
	for n := 0; n < b.Subscriptions; {
		var id cairn.AccountID
		binary.BigEndian.PutUint64(id.ID[:], r.Uint64())
		binary.BigEndian.PutUint64(id.ID[8:], uint64(len(out)))
		some := 1
		if r.IntN(10) == 0 {
			some = 3
		}
		var lines []ledger.Line
		for range min(some, b.Subscriptions-n) {
			lines = append(lines, b.line(r, id, days))
			n++
		}
		out = append(out, lines)
	}
	return out
}

func (b Metrics) line(r *rand.Rand, account cairn.AccountID, days int) ledger.Line {
	l := ledger.Line{Account: account}
	binary.BigEndian.PutUint64(l.Record.ID[:], r.Uint64())
	t := ledger.Terms{
		Status: ledger.Active, Amount: int64(1000 + r.IntN(100_000)), Every: ledger.Monthly, Currency: "EUR",
		Start: begin + cairn.Day(r.IntN(days)),
	}
	if r.IntN(2) == 0 {
		t.Every = ledger.Interval{N: 1, Unit: ledger.Years}
	}
	if r.IntN(5) == 0 {
		t.Discounts = []ledger.Discount{{Percent: 20_000, Until: t.Start + 90}}
	}
	t.From = t.Start
	binary.BigEndian.PutUint64(t.Event.ID[:], r.Uint64())
	for {
		l.Terms = append(l.Terms, t)
		t.From += cairn.Day(60 + r.IntN(600))
		if t.From >= begin+cairn.Day(days) {
			return l
		}
		binary.BigEndian.PutUint64(t.Event.ID[:], r.Uint64())
		switch r.IntN(6) {
		case 0, 1:
			t.Status, t.Cancelled = ledger.Ended, t.From
			l.Terms = append(l.Terms, t)
			return l
		case 2:
			t.Amount -= t.Amount / 10
		default:
			t.Amount += int64(r.IntN(10_000))
		}
	}
}

// book books customers, on as many cores as there are.
func (b Metrics) book(customers [][]ledger.Line, last cairn.Day) []*ledger.Books {
	out := make([]*ledger.Books, runtime.GOMAXPROCS(0))
	var wait sync.WaitGroup
	for i := range out {
		wait.Go(func() {
			d, s := ledger.NewDeriver(ledger.Presets[0], ledger.NewRates("EUR", nil), last), ledger.NewBooks()
			var r ledger.Result
			for j := i * len(customers) / len(out); j < (i+1)*len(customers)/len(out); j++ {
				d.Derive(customers[j], &r)
				s.Set(r.Account, &r)
			}
			out[i] = s
		})
	}
	wait.Wait()
	return out
}

// eachShelf calls f with each of the books, side by side.
func eachShelf[T any](shelves []*ledger.Books, f func(*ledger.Books) T) []T {
	out := make([]T, len(shelves))
	var wait sync.WaitGroup
	for i, s := range shelves {
		wait.Go(func() { out[i] = f(s) })
	}
	wait.Wait()
	return out
}

func (b Metrics) byDimension(shelves []*ledger.Books, from, to ledger.Month) {
	values := make([]string, dimensions)
	for i := range values {
		values[i] = "value " + strconv.Itoa(i)
	}
	all := map[string]*ledger.Tally{}
	for _, tallies := range eachShelf(shelves, func(s *ledger.Books) map[string]*ledger.Tally {
		return s.Tally(from, to, func(a cairn.AccountID) (string, bool) { return values[int(a.ID[15])%dimensions], true })
	}) {
		for value, t := range tallies {
			if all[value] == nil {
				all[value] = ledger.NewTally(from, to)
			}
			all[value].Merge(t)
		}
	}
	for _, t := range all {
		for _, s := range t.Months() {
			s.Figures("EUR")
		}
	}
}

// lifetimes are how long subscriptions lasted, in days.
func lifetimes(customers [][]ledger.Line, last cairn.Day) survival.Lifetimes {
	var out survival.Lifetimes
	for _, lines := range customers {
		for _, l := range lines {
			first, t := l.Terms[0].Start, l.Terms[len(l.Terms)-1]
			if t.Status == ledger.Ended {
				out.Add(float64(t.From-first), true)
			} else {
				out.Add(float64(last-first), false)
			}
		}
	}
	return out
}

func asCSV(l survival.Lifetimes) []byte {
	var b bytes.Buffer
	b.WriteString("time,event\n")
	for i, t := range l.Time {
		b.WriteString(strconv.FormatFloat(t, 'f', -1, 64))
		if l.Ended[i] {
			b.WriteString(",1\n")
		} else {
			b.WriteString(",0\n")
		}
	}
	return b.Bytes()
}

// timed returns the seconds that f took.
func timed(f func()) float64 {
	start := time.Now()
	f()
	return time.Since(start).Seconds()
}

// heap returns how many megabytes are in use.
func heap() float64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / 1e6
}
