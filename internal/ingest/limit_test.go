package ingest

import (
	"context"
	"testing"
	"time"

	"cairn"
)

// spending is what the store knows of keys' days.
type spending map[int64]map[cairn.Day]int64

func (s spending) spend(_ context.Context, key int64, day cairn.Day, n int64) (int64, error) {
	if s[key] == nil {
		s[key] = map[cairn.Day]int64{}
	}
	s[key][day] += n
	return s[key][day], nil
}

func TestAKeyWithoutLimitsIsNotLookedAt(t *testing.T) {
	var l Limiter // with no store to ask
	if q, err := l.Take(t.Context(), Key{ID: 1}, 1e9, time.Unix(0, 0)); err != nil || q != (Quota{}) || l.keys != nil {
		t.Errorf("%+v, %v", q, err)
	}
}

func TestRecordsASecondAreTakenInBurstsAndWaitedFor(t *testing.T) {
	l, seen := Limiter{}, time.Unix(1e9, 0)
	k := Key{ID: 1, Name: "Shop", Hint: "wk_1…", Limits: Limits{PerSecond: 10, Burst: 50}}
	for _, step := range []struct {
		after  time.Duration
		n      int64
		remain int64
		wait   time.Duration
	}{
		{0, 20, 30, 0},
		{0, 60, 0, 0}, // more than is left: taken, and waited for
		{0, 1, 0, 3100 * time.Millisecond},
		{3 * time.Second, 1, 0, time.Second},
		{200 * time.Millisecond, 1, 1, 0},
		{time.Hour, 50, 0, 0},
		{time.Second, 4, 6, 0},
	} {
		seen = seen.Add(step.after)
		q, err := l.Take(t.Context(), k, step.n, seen)
		if (err != nil) != (step.wait > 0) || q.Remaining != step.remain || q.Wait.Round(time.Millisecond) != step.wait || q.Limit != 50 {
			t.Errorf("%+v: %+v, %v", step, q, err)
		}
		if err != nil && cairn.KindOf(err) != cairn.TooMany {
			t.Errorf("%+v: %v", step, err)
		}
	}
}

func TestADaysRecordsAreCountedOverAllServersAndAfterARestart(t *testing.T) {
	store := spending{}
	k := Key{ID: 1, Hint: "wk_1…", Limits: Limits{PerDay: 100}}
	one, two := Limiter{Spend: store.spend}, Limiter{Spend: store.spend}
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	take := func(l *Limiter, n int64, at time.Time) Quota {
		t.Helper()
		q, _ := l.Take(t.Context(), k, n, at)
		return q
	}
	take(&one, 60, noon)
	take(&one, 1, noon.Add(6*time.Second)) // tells the store of the 60
	if q := take(&two, 30, noon.Add(7*time.Second)); q.Remaining != 10 || q.Wait != 0 {
		t.Errorf("the second server: %+v", q)
	}
	take(&two, 10, noon.Add(20*time.Second))
	if q := take(&two, 1, noon.Add(20*time.Second)); q.Wait != 12*time.Hour-20*time.Second || q.Limit != 100 {
		t.Errorf("the day is spent: %+v", q)
	}
	if q := take(&Limiter{Spend: store.spend}, 1, noon.Add(21*time.Second)); q.Wait == 0 {
		t.Errorf("after a restart: %+v", q)
	}
	if q := take(&two, 1, noon.Add(13*time.Hour)); q.Wait != 0 || q.Remaining != 99 {
		t.Errorf("the next day: %+v", q)
	}
	if day := cairn.DayOf(noon, time.UTC); store[1][day] != 100 {
		t.Errorf("of the first day the store knows %d", store[1][day])
	}
}
