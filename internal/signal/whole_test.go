package signal

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
)

// The clocks of a zone tell the same day as the calendar does, at the turns of
// summer time, where midnight is skipped, and where a day was.
func TestClocksTellTheDayOfTheCalendar(t *testing.T) {
	for _, name := range []string{"UTC", "Europe/Paris", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia", "Africa/Monrovia", "Asia/Beirut"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		c := clocks{zone: zone}
		r := rand.New(rand.NewPCG(1, 2))
		look := func(at time.Time) {
			if got, want := cairn.Day(c.of(at)), cairn.DayOf(at, zone); got != want {
				t.Fatalf("%s: %v is on %v, not on %v", name, at, want, got)
			}
		}
		look(time.Time{})
		for range 20_000 {
			look(time.UnixMicro(r.Int64N(2_500_000_000_000_000)).UTC())
		}
		for at := time.Unix(0, 0); at.Year() < 2038; {
			_, at = at.In(zone).ZoneBounds()
			if at.IsZero() {
				break
			}
			for _, d := range []time.Duration{-24 * time.Hour, -time.Hour, -time.Microsecond, 0, time.Microsecond, time.Hour, 24 * time.Hour} {
				look(at.Add(d))
			}
		}
	}
}

// Whatever people a tally has, its row is what roaring writes for them.
func TestPeopleOfAWholeAreBitmaps(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	w := NewWhole(time.UTC, nil)
	for range 3000 {
		var c count
		want := roaring.New()
		for range r.IntN(80) {
			n := uint32(r.IntN([]int{8, 63, 64, 65, 200, 100_000}[r.IntN(6)]))
			c.add(n)
			want.Add(n)
		}
		want.RunOptimize()
		bytes, err := want.ToBytes()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time as remembered
			if got, err := w.people(&c); err != nil || string(got) != string(bytes) {
				t.Fatalf("%v is written as %x, not %x: %v", want, got, bytes, err)
			}
		}
	}
}

func TestADamagedOriginIsRefused(t *testing.T) {
	w := NewWhole(time.UTC, nil)
	for _, people := range [][]byte{nil, {1}, []byte("no bitmap of anybody")} {
		if err := w.Origin(TallyRow{Key: Key{Name: "x"}, People: people}); err == nil {
			t.Errorf("%x is taken for people", people)
		}
	}
}

// BenchmarkWhole folds events of 100 accounts over 30 days, of which every
// fifth has a value.
func BenchmarkWhole(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	events := make([]cairn.Event, 100_000)
	for i := range events {
		e := &events[i]
		a := r.IntN(100)
		*e = cairn.Event{Kind: cairn.Track, Name: fmt.Sprint("Event ", r.IntN(5)), Source: "product", At: time.UnixMicro(1_790_000_000_000_000 + int64(i)*26_000_000), N: 1, Props: []byte(`{"plan":"standard","rows":128}`)}
		e.Account = cairn.Space("").Account(fmt.Sprint(a))
		e.Stream, e.Person.ID = e.Account.Stream(), cairn.HashID(fmt.Sprint(a, r.IntN(10)))
		if r.IntN(5) == 0 {
			e.Props = []byte(`{"plan":"standard","value":128}`)
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		w := NewWhole(time.UTC, nil)
		for i := range events {
			w.Fold(&events[i])
			w.Volume(&events[i])
		}
		if _, err := w.Rows(w.Order()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(events)), "ns/event")
}
