package usage

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"cairn"
	"cairn/internal/signal"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A Progress is how far work in the background has come.
type Progress struct {
	Done, Of int64
	Running  bool
}

// A job is work in the background whose last result is kept.
type job[T any] struct {
	result   T
	at       time.Time     // when the result was made; zero: never
	took     time.Duration // how long that took
	running  chan struct{} // closed when the run under way ends; nil: there is none
	done, of atomic.Int64
	err      error
}

// patience is how long a page waits for work that is quick; what takes longer
// is shown with its progress.
const patience = 250 * time.Millisecond

// fresh is how long a result is used again at least; one that took long, for
// twenty times as long as it took.
const fresh = 20 * time.Second

// run returns the newest result of a job, begins another run when it is old,
// and waits for the first a moment, or with wait until it is there.
func run[T any](ctx context.Context, s *Service, j *job[T], wait bool, do func(ctx context.Context, done, of *atomic.Int64) (T, error)) (T, Progress, error) {
	s.mu.Lock()
	if j.running == nil && time.Since(j.at) > max(fresh, 20*j.took) {
		begin(s, j, do)
	}
	running, has := j.running, !j.at.IsZero()
	s.mu.Unlock()
	if running != nil && (wait || !has) {
		enough := make(<-chan time.Time)
		if !wait {
			enough = time.After(patience)
		}
		select {
		case <-running:
		case <-enough:
		case <-ctx.Done():
			return j.result, Progress{}, ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{Done: j.done.Load(), Of: j.of.Load(), Running: j.running != nil}
	if !p.Running && j.err != nil {
		return j.result, p, j.err
	}
	return j.result, p, nil
}

func begin[T any](s *Service, j *job[T], do func(ctx context.Context, done, of *atomic.Int64) (T, error)) {
	end, start := make(chan struct{}), time.Now()
	j.running, j.err = end, nil
	j.done.Store(0)
	j.of.Store(0)
	ctx := s.Lifetime
	if ctx == nil {
		ctx = context.Background()
	}
	go func() {
		result, err := do(ctx, &j.done, &j.of)
		s.mu.Lock()
		defer s.mu.Unlock()
		if j.err = err; err == nil {
			j.result, j.at, j.took = result, time.Now(), time.Since(start)
		}
		j.running = nil
		close(end)
	}()
}

// A Reach is how many accounts and people each event had in 28 days, and which
// accounts did most.
type Reach struct {
	At       time.Time
	Events   map[[2]string]Reached // by product and name
	Accounts []cairn.AccountID     // those with the most events, at most 20
}

// Reached is how far one event reaches. A person known at several accounts
// counts in each.
type Reached struct{ Accounts, People int }

const reachDays = 28

// Reach counts, in the background, what each event reaches.
func (s *Service) Reach(ctx context.Context, wait bool) (Reach, Progress, error) {
	return run(ctx, s, &s.reach, wait, s.countReach)
}

func (s *Service) countReach(ctx context.Context, done, of *atomic.Int64) (Reach, error) {
	defs, err := s.Definitions(ctx)
	if err != nil {
		return Reach{}, err
	}
	r := Reach{At: s.Now(), Events: map[[2]string]Reached{}}
	today := cairn.DayOf(r.At, defs.Settings.Zone)
	type busy struct {
		id cairn.AccountID
		n  int64
	}
	var most []busy
	err = s.everybody(ctx, 0, today-reachDays+1, today, done, of, func(id cairn.AccountID, st *signal.State) {
		people, n := map[[2]string]*roaring.Bitmap{}, int64(0)
		for k, t := range st.Tallies {
			if !signal.IsEvent(k.Name) || t.N <= 0 {
				continue
			}
			n += t.N
			key := [2]string{k.Product, k.Name}
			if people[key] == nil {
				people[key] = roaring.New()
			}
			people[key].Or(t.People)
		}
		for key, b := range people {
			e := r.Events[key]
			e.Accounts++
			e.People += int(b.GetCardinality())
			r.Events[key] = e
		}
		if n > 0 {
			most = append(most, busy{id, n})
		}
	})
	if err != nil {
		return Reach{}, err
	}
	slices.SortFunc(most, func(a, b busy) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id.String(), b.id.String())) })
	for _, b := range most[:min(len(most), 20)] {
		r.Accounts = append(r.Accounts, b.id)
	}
	return r, nil
}

// everybody goes through the usage of all accounts, or of the first so many:
// ids are hashes, so that those are a random sample and always the same.
func (s *Service) everybody(ctx context.Context, most int, from, to cairn.Day, done, of *atomic.Int64, f func(cairn.AccountID, *signal.State)) error {
	ids, err := s.Store.AccountIDs(ctx)
	if err != nil {
		return err
	}
	if most > 0 {
		ids = ids[:min(most, len(ids))]
	}
	of.Store(int64(len(ids)))
	for part := range slices.Chunk(ids, 64) {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.Store.Usage(ctx, part, from, to, func(id cairn.AccountID, st *signal.State) error {
			f(id, st)
			return nil
		}); err != nil {
			return err
		}
		done.Add(int64(len(part)))
	}
	return nil
}
