package storetest

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"cairn"
	"cairn/internal/signal"
)

// BenchAppend appends batches of 100 events of 1,000 accounts and 5,000
// people from eight senders at once, and reports events per second.
func BenchAppend(b *testing.B, open Opener) {
	s := open(b)
	pepper, err := s.Pepper(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	b.SetParallelism(4)
	start := time.Now()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			first := n.Add(100) - 100
			es := make([]cairn.Event, 100)
			for i := range es {
				k := first + int64(i)
				es[i] = said{
					id: fmt.Sprint("bench-", k), account: fmt.Sprint("acct-", k%1000), person: fmt.Sprint("person-", k%5000),
					at: epoch.Add(time.Duration(k) * time.Second), props: `{"report":"weekly","rows":120}`, secret: `{"ip":"192.0.2.1"}`,
				}.event(pepper)
			}
			if _, err := s.Append(context.Background(), es); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(n.Load())/time.Since(start).Seconds(), "events/s")
}

// BenchFold folds what BenchAppend would append, and reports events per second.
func BenchFold(b *testing.B, open Opener) {
	const events = 20_000
	for range b.N {
		b.StopTimer()
		s := open(b)
		var what []said
		for k := range events {
			what = append(what, said{
				id: fmt.Sprint("bench-", k), account: fmt.Sprint("acct-", k%1000), person: fmt.Sprint("person-", k%5000),
				at: epoch.Add(time.Duration(k) * time.Second),
			})
		}
		admit(b, s, what...)
		b.StartTimer()
		start := time.Now()
		fold(b, s, &signal.Folder{Log: s, Store: s, Live: true})
		b.ReportMetric(events/time.Since(start).Seconds(), "events/s")
	}
}
