package keep

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"

	"cairn"
)

func itoa(n int) string { return strconv.Itoa(n) }

func parseFloat(text string) (float64, error) {
	f, err := strconv.ParseFloat(text, 64)
	if err == nil && (f < 0 || math.IsNaN(f)) {
		err = strconv.ErrRange
	}
	return f, err
}

// Memos remember something for the house.
type Memos interface {
	Memo(ctx context.Context, name string) (string, error)
	Remember(ctx context.Context, name, body string) error
}

// Levels are the parts of the disk, or of the quota, in percent, from which on
// it is told that room runs out.
var Levels = []int{70, 85, 95}

// What room is measured against.
const (
	ByDisk  = "disk"
	ByQuota = "quota"
)

// A Status tells how much room there is and for how long.
type Status struct {
	Disk
	Quota   int64  `json:"quota_bytes,omitempty"`
	By      string `json:"by,omitempty"` // disk or quota: what is nearer to its end; empty: neither can be told
	Used    int64  `json:"used_bytes"`   // of Of
	Of      int64  `json:"of_bytes"`
	Percent int    `json:"percent"`
	Level   int    `json:"level"` // 0, 70, 85 or 95

	// At what pace, which is told on asking only.
	PerDay  int64     `json:"bytes_per_day,omitempty"` // about
	Left    int       `json:"days_left,omitempty"`     // until nothing is left at this pace; 0: not within ten years
	Full    time.Time `json:"full,omitzero"`
	Fastest []Growth  `json:"fastest,omitempty"` // at most five
}

// A Growth is how much of something arrives a day.
type Growth struct {
	Key
	PerDay int64 `json:"bytes_per_day"`
	Events int64 `json:"events_per_day"`
}

// statusOf tells how much of disk or quota is used.
func statusOf(d Disk, quota int64) Status {
	s := Status{Disk: d, Quota: quota}
	share := -1.0
	take := func(by string, used, of int64) {
		if part := float64(used) / float64(of); of > 0 && part > share {
			share, s.By, s.Used, s.Of = part, by, used, of
		}
	}
	take(ByDisk, d.Total-d.Avail-d.Free, d.Total)
	take(ByQuota, d.Data, quota)
	if share < 0 {
		return s
	}
	s.Percent = min(int(share*100), 999)
	for _, l := range Levels {
		if s.Percent >= l {
			s.Level = l
		}
	}
	return s
}

// Sentence says in words what a level means.
func (s Status) Sentence() string {
	switch s.By {
	case ByDisk:
		return fmt.Sprintf("The disk is %d %% full: %s of %s are left.", s.Percent, Bytes(s.Of-s.Used), Bytes(s.Of))
	case ByQuota:
		return fmt.Sprintf("Cairn's data takes %d %% of the room that it may take: %s of %s.", s.Percent, Bytes(s.Used), Bytes(s.Of))
	}
	return fmt.Sprintf("Cairn's data takes %s.", Bytes(s.Data))
}

// Others reports whether it is not Cairn's data that fills the disk.
func (s Status) Others() bool { return s.Level > 0 && s.By == ByDisk && s.Data < s.Used/4 }

// Bytes writes a size as people say it.
func Bytes(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB", "PB"}
	f, u := float64(n), 0
	for math.Abs(f) >= 999.5 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	if u > 0 && math.Abs(f) < 9.95 {
		return fmt.Sprintf("%.1f %s", f, units[u])
	}
	return fmt.Sprintf("%.0f %s", f, units[u])
}

// statusAge is how long a look at the disk is good for.
const statusAge = 15 * time.Second

// Room tells how much room there is, as it was a moment ago.
func (s *Service) Room(ctx context.Context) (Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.at.IsZero() && time.Since(s.at) < statusAge {
		return s.last, nil
	}
	p, _, err := s.Policy(ctx)
	if err != nil {
		return Status{}, err
	}
	d, err := s.Store.Disk(ctx)
	if err != nil {
		return Status{}, err
	}
	s.last, s.at = statusOf(d, p.Quota), time.Now()
	return s.last, nil
}

// forget has the room looked at again at the next question.
func (s *Service) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at = time.Time{}
}

// RoomAhead tells also how fast the data grows, what grows most, and until
// when there is room at this pace.
func (s *Service) RoomAhead(ctx context.Context, p Preview) (Status, error) {
	st, err := s.Room(ctx)
	if err != nil {
		return st, err
	}
	for _, r := range p.Rows {
		if r.PerDay > 0 {
			st.Fastest = append(st.Fastest, Growth{r.Key, r.PerDay, int64(math.Ceil(float64(r.PerDay) * float64(r.N) / float64(max(r.Bytes, 1))))})
			st.PerDay += r.PerDay
		}
	}
	slices.SortFunc(st.Fastest, func(a, b Growth) int { return cmp.Compare(b.PerDay, a.PerDay) })
	st.Fastest = st.Fastest[:min(5, len(st.Fastest))]
	m, err := s.memory(ctx)
	if err != nil {
		return st, err
	}
	if pace := m.pace(); pace > 0 {
		st.PerDay = pace
	}
	if st.By != "" && st.PerDay > 0 {
		if left := max(st.Of-st.Used, 0) / st.PerDay; left < 3653 {
			st.Left = int(left)
			st.Full = (s.today() + cairn.Day(left)).Start(s.zone())
		}
	}
	return st, nil
}

// A memory is what the house remembers of its room: which level was told of
// last, and how large the data was at the end of days.
type memory struct {
	Level int      `json:"level"`
	Days  []sample `json:"days"`
}

type sample struct {
	Day  cairn.Day `json:"day"`
	Data int64     `json:"data"`
}

const (
	roomMemo    = "room"
	mostSamples = 28
)

func (s *Service) memory(ctx context.Context) (memory, error) {
	var m memory
	body, err := s.Memos.Memo(ctx, roomMemo)
	if err != nil || body == "" {
		return m, err
	}
	return m, json.Unmarshal([]byte(body), &m)
}

// pace is how many bytes the data has grown a day, of the days that are
// remembered; 0: fewer than three, or it did not grow.
func (m memory) pace() int64 {
	if len(m.Days) < 2 {
		return 0
	}
	a, b := m.Days[0], m.Days[len(m.Days)-1]
	if b.Day-a.Day < 3 {
		return 0
	}
	return max((b.Data-a.Data)/int64(b.Day-a.Day), 0)
}

// A Watcher is the stage that tells when room runs out: once for each level
// that is reached, also when the server was restarted between. It changes
// nothing and makes no room.
type Watcher struct {
	Service *Service
	Leads   func() bool // of several nodes one tells
	Log     *slog.Logger

	looked time.Time
}

// slack is by how many percent a level must be left before that counts.
const slack = 2

// WatchName is what the watch over room is called where stages are listed.
const WatchName = "room"

// Beat looks once a minute at how much room there is.
func (w *Watcher) Beat(ctx context.Context, now time.Time) (bool, error) {
	if !w.Leads() || time.Since(w.looked) < time.Minute {
		return false, nil
	}
	s := w.Service
	st, err := s.Room(ctx)
	if err != nil {
		return false, err
	}
	m, err := s.memory(ctx)
	if err != nil {
		return false, err
	}
	w.looked = time.Now()
	today, was := cairn.DayOf(now, s.zone()), m.Level
	if st.Level < was && st.Percent >= was-slack {
		st.Level = was // to and fro about a level is told of once
	}
	news := st.Level != was
	if n := len(m.Days); n == 0 || m.Days[n-1].Day < today {
		m.Days, news = append(m.Days, sample{today, st.Data}), true
		m.Days = m.Days[max(0, len(m.Days)-mostSamples):]
	}
	if !news {
		return false, nil
	}
	m.Level = st.Level
	body, err := json.Marshal(m)
	if err != nil {
		return false, err
	}
	if err := s.Memos.Remember(ctx, roomMemo, string(body)); err != nil {
		return false, err
	}
	return false, w.tell(ctx, st, was)
}

// tell writes into the log that a level was reached, or left.
func (w *Watcher) tell(ctx context.Context, st Status, was int) error {
	switch {
	case st.Level < was:
		w.Log.Info("there is room again", "percent", st.Percent, "of", st.By)
		return nil
	case st.Level == was:
		return nil
	}
	p, _, err := w.Service.Policy(ctx)
	if err != nil {
		return err
	}
	preview, err := w.Service.TryPolicy(ctx, p)
	if err != nil {
		return err
	}
	if st, err = w.Service.RoomAhead(ctx, preview); err != nil {
		return err
	}
	args := []any{"percent", st.Percent, "of", st.By, "used_bytes", st.Used, "of_bytes", st.Of, "bytes_per_day", st.PerDay, "days_left", st.Left}
	if len(st.Fastest) > 0 {
		args = append(args, "fastest_source", st.Fastest[0].Source, "fastest_event", st.Fastest[0].Event)
	}
	w.Log.Warn("room runs out; nothing is dropped by itself: make room, or set an end under Keeping", args...)
	return nil
}
