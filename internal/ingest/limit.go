package ingest

import (
	"context"
	"math"
	"sync"
	"time"

	"cairn"
)

// Limits are how many records a key may send; the zero value limits nothing.
type Limits struct {
	PerSecond int64 `json:"per_second,omitempty"` // on average, on each server
	Burst     int64 `json:"burst,omitempty"`      // at once; 0: as many as in ten seconds
	PerDay    int64 `json:"per_day,omitempty"`    // of the workspace's days, over all servers
}

func (l Limits) burst() int64 {
	if l.Burst > 0 {
		return l.Burst
	}
	return 10 * l.PerSecond
}

// Check refuses limits that nobody could keep.
func (l Limits) Check() error {
	switch {
	case l.PerSecond < 0 || l.Burst < 0 || l.PerDay < 0:
		return cairn.Errorf(cairn.Invalid, "A limit cannot be less than 0, which means none.").At("limits")
	case l.Burst > 0 && l.PerSecond == 0:
		return cairn.Errorf(cairn.Invalid, "A burst needs a number of records per second.").At("limits.burst")
	case l.PerSecond > 1e9 || l.Burst > 1e9 || l.PerDay > 1e12:
		return cairn.Errorf(cairn.Invalid, "This limit is larger than anything that could arrive. Leave it empty for none.").At("limits")
	}
	return nil
}

// A Quota is how a key stands against the limit that is nearest.
type Quota struct {
	Limit     int64
	Remaining int64
	Reset     time.Duration // until Remaining is Limit again
	Wait      time.Duration // until something is taken again; 0: now
}

// A Limiter keeps keys to their limits. Records per second are counted on this
// server alone. Records per day are counted in the store, which is told of them
// every few seconds: several servers together may go over by what they take
// within that time.
//
// A request is taken as a whole or not at all. One that is larger than what is
// left is taken when anything is left, and what it took too much has to be
// waited for: so a batch is never too large for ever.
type Limiter struct {
	// Spend adds to what a key has sent on a day and returns the sum.
	Spend func(ctx context.Context, key int64, day cairn.Day, n int64) (int64, error)
	Zone  func() *time.Location

	mu   sync.Mutex
	keys map[int64]*spent
}

// spent is what a key has sent.
type spent struct {
	left float64 // of the burst
	at   time.Time
	day  cairn.Day
	sum  int64     // on the day, as the store knows it
	more int64     // which the store does not know yet
	told time.Time // when the store was asked last
}

// tell is how long the store is not told of what a key sent.
const tell = 5 * time.Second

// Take counts n records of a key, or refuses them with a cairn.TooMany. For a
// key without limits it does nothing.
func (l *Limiter) Take(ctx context.Context, k Key, n int64, now time.Time) (Quota, error) {
	if k.Limits == (Limits{}) || l == nil {
		return Quota{}, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.of(k, now)
	q := Quota{Limit: math.MaxInt64, Remaining: math.MaxInt64}
	if k.Limits.PerDay > 0 {
		if err := l.day(ctx, k, s, now); err != nil {
			return q, err
		}
		q = dayQuota(k, s, l.zone(), now)
	}
	if k.Limits.PerSecond > 0 {
		s.fill(k.Limits, now)
		if b := s.quota(k.Limits); b.Wait > q.Wait || q.Wait == 0 && b.Remaining < q.Remaining {
			q = b
		}
	}
	if q.Wait > 0 {
		return q, cairn.Errorf(cairn.TooMany, "The key %s has sent as much as it may: %s. Send this again in %s.", k.Label(), k.Limits, seconds(q.Wait))
	}
	s.left -= float64(n)
	s.more += n
	q.Remaining = max(q.Remaining-n, 0)
	return q, nil
}

func (l *Limiter) zone() *time.Location {
	if l.Zone == nil {
		return time.UTC
	}
	return l.Zone()
}

func (l *Limiter) of(k Key, now time.Time) *spent {
	if l.keys == nil {
		l.keys = map[int64]*spent{}
	}
	s := l.keys[k.ID]
	if s == nil {
		s = &spent{left: float64(k.Limits.burst()), at: now}
		l.keys[k.ID] = s
	}
	return s
}

// fill adds what has come free since the last look.
func (s *spent) fill(limits Limits, now time.Time) {
	if d := now.Sub(s.at); d > 0 {
		s.left += d.Seconds() * float64(limits.PerSecond)
		s.at = now
	}
	s.left = min(s.left, float64(limits.burst()))
}

func (s *spent) quota(limits Limits) Quota {
	rate, full := float64(limits.PerSecond), float64(limits.burst())
	q := Quota{Limit: limits.burst(), Remaining: int64(max(s.left, 0)), Reset: duration((full - s.left) / rate)}
	if s.left < 1 {
		q.Wait = max(duration((1-s.left)/rate), time.Second)
	}
	return q
}

func duration(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// day learns from the store what the key has sent today, and tells it what it
// does not know, unless it was told just now.
func (l *Limiter) day(ctx context.Context, k Key, s *spent, now time.Time) error {
	today := cairn.DayOf(now, l.zone())
	if today == s.day && now.Sub(s.told) < tell && s.sum+s.more < k.Limits.PerDay {
		return nil
	}
	if today != s.day && s.day != 0 && s.more > 0 {
		if _, err := l.Spend(ctx, k.ID, s.day, s.more); err != nil {
			return err
		}
		s.more = 0
	}
	if today == s.day && s.more == 0 && now.Sub(s.told) < tell {
		return nil
	}
	sum, err := l.Spend(ctx, k.ID, today, s.more)
	if err != nil {
		return err
	}
	s.day, s.sum, s.more, s.told = today, sum, 0, now
	return nil
}

func dayQuota(k Key, s *spent, zone *time.Location, now time.Time) Quota {
	end := s.day.End(zone).Sub(now)
	q := Quota{Limit: k.Limits.PerDay, Remaining: max(k.Limits.PerDay-s.sum-s.more, 0), Reset: end}
	if q.Remaining == 0 {
		q.Wait = max(end, time.Second)
	}
	return q
}

// String says what a key may send.
func (l Limits) String() string {
	per, day := "", ""
	if l.PerSecond > 0 {
		per = several(l.PerSecond) + " a second"
	}
	if l.PerDay > 0 {
		day = several(l.PerDay) + " a day"
	}
	if per != "" && day != "" {
		return per + " and " + day
	}
	return per + day
}

func several(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return groups(n) + " records"
}

// groups writes a number with gaps between thousands.
func groups(n int64) string {
	s := []byte{}
	for i := 0; n > 0 || i == 0; i++ {
		if i > 0 && i%3 == 0 {
			s = append([]byte{','}, s...)
		}
		s = append([]byte{byte('0' + n%10)}, s...)
		n /= 10
	}
	return string(s)
}

func seconds(d time.Duration) string {
	switch n := int64(math.Ceil(d.Seconds())); {
	case n == 1:
		return "a second"
	case n < 120:
		return groups(n) + " seconds"
	case n < 7200:
		return groups((n+59)/60) + " minutes"
	default:
		return groups((n+3599)/3600) + " hours"
	}
}
