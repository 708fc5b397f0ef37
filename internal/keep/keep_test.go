package keep

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/signal"
)

func day(text string) cairn.Day { return dayOf(text) }

func TestOfSeveralEndsTheOneThatSaysMostHolds(t *testing.T) {
	p := Policy{Ends: []End{{Days: 400}, {Source: "web", Days: 300}, {Event: "Page Viewed", Days: 60}, {Source: "web", Event: "Page Viewed", ForEver: true}, {Event: "Kept", ForEver: true}}}
	today := day("2026-11-22")
	for _, c := range []struct {
		source, event string
		want          cairn.Day
	}{
		{"api", "Run", today - 400}, {"web", "Run", today - 300}, {"api", "Page Viewed", today - 60}, {"web", "Page Viewed", 0}, {"web", "Kept", 0},
	} {
		if got := p.Before(c.source, c.event, today); got != c.want {
			t.Errorf("%s of %s is kept from %v, want %v", c.event, c.source, got, c.want)
		}
	}
	if got := (Policy{}).Before("web", "Run", today); got != 0 {
		t.Errorf("without a word something is dropped before %v", got)
	}
}

func TestAMonthEndsOnItsDayOrItsLast(t *testing.T) {
	for _, c := range []struct {
		months      int
		today, want string
	}{
		{1, "2026-11-22", "2026-10-22"}, {1, "2026-03-31", "2026-02-28"}, {13, "2026-11-22", "2025-10-22"}, {12, "2028-02-29", "2027-02-28"}, {24, "2026-01-15", "2024-01-15"},
	} {
		if got := (End{Months: c.months}).before(day(c.today)); got != day(c.want) {
			t.Errorf("%d months before %s is %v, want %s", c.months, c.today, got, c.want)
		}
	}
	// A later day never keeps from an earlier one: what is dropped stays dropped.
	for m := 1; m < 30; m++ {
		for d, was := day("2023-12-01"), cairn.Day(0); d < day("2026-03-05"); d++ {
			if got := (End{Months: m}).before(d); got < was {
				t.Fatalf("%d months before %v is %v, and of the day before %v", m, d, got, was)
			} else {
				was = got
			}
		}
	}
}

func TestASpanIsReadAsItIsWritten(t *testing.T) {
	for _, text := range []string{"30 days", "90 days", "1 month", "13 months", "for ever"} {
		var e End
		if err := ParseSpan(text, &e); err != nil || e.Span() != text {
			t.Errorf("%q is read as %q: %v", text, e.Span(), err)
		}
	}
	for text, want := range map[string]string{"90d": "90 days", "2 years": "24 months", "1Y": "12 months", " 13  Months ": "13 months", "forever": "for ever"} {
		var e End
		if err := ParseSpan(text, &e); err != nil || e.Span() != want {
			t.Errorf("%q is read as %q, want %q: %v", text, e.Span(), want, err)
		}
	}
	for _, text := range []string{"", "90", "days", "-3 days", "0 days", "3 weeks", "1.5 years", "9999999 days", "90 days or so"} {
		if err := ParseSpan(text, &End{}); err == nil || cairn.KindOf(err) != cairn.Invalid {
			t.Errorf("%q is taken for a span: %v", text, err)
		}
	}
}

func TestAPolicyThatCannotBeNamesWhatToCorrect(t *testing.T) {
	for _, c := range []struct {
		p     Policy
		field string
	}{
		{Policy{Ends: []End{{}}}, "ends.0.days"}, {Policy{Ends: []End{{Days: 90}, {Event: "x", Days: 29}}}, "ends.1.days"},
		{Policy{Ends: []End{{Days: 90, Months: 3}}}, "ends.0.days"}, {Policy{Ends: []End{{Days: -90}}}, "ends.0.days"},
		{Policy{Ends: []End{{Event: "x", Days: 90}, {Event: "x", Months: 5}}}, "ends.1.event"}, {Policy{Quota: -1}, "quota_bytes"},
		{Policy{Ends: []End{{Months: 1000}}}, "ends.0.days"},
	} {
		var e *cairn.Error
		if err := c.p.Check(); err == nil {
			t.Errorf("%+v passes", c.p)
		} else if e = err.(*cairn.Error); e.Field != c.field {
			t.Errorf("%+v: %q at %s, want %s", c.p, e.Text, e.Field, c.field)
		}
	}
	text, err := PolicyText(Policy{Ends: []End{{Event: "Page Viewed", Days: 90}}, Quota: 5e9})
	if err != nil {
		t.Fatal(err)
	}
	p, err := ParsePolicy(text)
	if err != nil || p.Ends[0].Days != 90 || p.Quota != 5e9 {
		t.Errorf("%q is read as %+v: %v", text, p, err)
	}
	if _, err := ParsePolicy("ends: [{evnt: x, days: 90}]"); err == nil || !strings.Contains(err.Error(), "evnt") {
		t.Errorf("a slip of the pen: %v", err)
	}
}

func TestASizeIsReadInItsUnits(t *testing.T) {
	for text, want := range map[string]int64{"50 GB": 50e9, "1.5tb": 15e11, "512 MiB": 512 << 20, "0": 0, "1000": 1000} {
		if got, err := ParseBytes(text); err != nil || got != want {
			t.Errorf("%q is %d, want %d: %v", text, got, want, err)
		}
	}
	for _, text := range []string{"", "GB", "-5 GB", "5 apples", "1e300 TB", "NaN"} {
		if n, err := ParseBytes(text); err == nil {
			t.Errorf("%q is taken for %d bytes", text, n)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 KB", 18_400_000: "18 MB", 999_999_999: "1.0 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestWhatIsNearerToItsEndIsToldOf(t *testing.T) {
	for _, c := range []struct {
		d           Disk
		quota       int64
		by          string
		percent, at int
	}{
		{Disk{Data: 10, Total: 100, Avail: 60}, 0, ByDisk, 40, 0},
		{Disk{Data: 10, Total: 100, Avail: 30}, 0, ByDisk, 70, 70},
		{Disk{Data: 10, Free: 5, Total: 100, Avail: 30}, 0, ByDisk, 65, 0}, // free within the file is used first
		{Disk{Data: 9, Total: 100, Avail: 60}, 10, ByQuota, 90, 85},
		{Disk{Data: 30}, 10, ByQuota, 300, 95},
		{Disk{Data: 30}, 0, "", 0, 0}, // another machine's disk
		{Disk{Data: 1, Total: 100, Avail: 4}, 100, ByDisk, 96, 95},
	} {
		if s := statusOf(c.d, c.quota); s.By != c.by || s.Percent != c.percent || s.Level != c.at {
			t.Errorf("%+v of %d: %d %% of %q, level %d", c.d, c.quota, s.Percent, s.By, s.Level)
		}
	}
}

// A shed is a store in memory.
type shed struct {
	disk  Disk
	held  []Held
	drops []Sweep
	revs  []book.Revision
	memos map[string]string
}

func (s *shed) Held(context.Context) ([]Held, error) { return s.held, nil }
func (s *shed) Weights(context.Context) (map[Key]float64, error) {
	return map[Key]float64{{}: 100, {"web", "Page Viewed"}: 200}, nil
}
func (s *shed) Dropped(context.Context) ([]signal.Dropped, error) { return nil, nil }
func (s *shed) Drop(_ context.Context, sw Sweep, _ int) (Swept, error) {
	s.drops = append(s.drops, sw)
	return Swept{Done: true}, nil
}
func (s *shed) Disk(context.Context) (Disk, error)                  { return s.disk, nil }
func (s *shed) Memo(_ context.Context, name string) (string, error) { return s.memos[name], nil }
func (s *shed) Remember(_ context.Context, name, body string) error {
	s.memos[name] = body
	return nil
}
func (s *shed) Write(_ context.Context, by cairn.Actor, page string, base int, body json.RawMessage, note string, at time.Time) (book.Revision, error) {
	if base != len(s.revs) {
		return book.Revision{}, cairn.Errorf(cairn.Conflict, "moved on")
	}
	s.revs = append(s.revs, book.Revision{Page: page, Rev: base + 1, At: at, By: by, Note: note, Body: body})
	return s.revs[base], nil
}
func (s *shed) Page(context.Context, string) (book.Revision, error) {
	if len(s.revs) == 0 {
		return book.Revision{}, cairn.Errorf(cairn.NotFound, "no page")
	}
	return s.revs[len(s.revs)-1], nil
}
func (s *shed) PageAt(ctx context.Context, page string, _ time.Time) (book.Revision, error) {
	return s.Page(ctx, page)
}
func (s *shed) Pages(context.Context, string) ([]book.Revision, error) { return s.revs, nil }
func (s *shed) Revisions(context.Context, string) ([]book.Revision, error) {
	out := slices.Clone(s.revs)
	slices.Reverse(out)
	return out, nil
}

var now = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

func service(s *shed) *Service {
	if s.memos == nil {
		s.memos = map[string]string{}
	}
	return &Service{Store: s, Book: s, Memos: s, Now: func() time.Time { return now }, Settings: func() signal.Settings {
		return signal.Settings{Zone: time.UTC, Metrics: []signal.Metric{{Name: "m", Title: "Gold pages", Count: signal.CountEvents, Days: 28, Events: []string{"Page Viewed"}, Where: []signal.Test{{Field: "plan", Op: "is", Value: "gold"}}}}}
	}}
}

func TestAPreviewSaysWhatWouldGo(t *testing.T) {
	s := &shed{held: []Held{
		{Key{"web", "Page Viewed"}, day("2026-05-03"), 10}, {Key{"web", "Page Viewed"}, day("2026-11-20"), 28}, {Key{"api", "Run"}, day("2026-05-03"), 7}, {Key{"api", "Run"}, day("2026-06-01"), 1},
	}}
	p, err := service(s).TryPolicy(t.Context(), Policy{Ends: []End{{Event: "Page Viewed", Days: 90}}})
	if err != nil {
		t.Fatal(err)
	}
	if p.Due != 10 || p.DueBytes != 2000 || p.Events != 46 || p.Bytes != 38*200+8*100 || len(p.Rows) != 2 || len(p.Stays) != 1 || len(p.Months) != 1 || p.Months[0] != (Month{"2026-05", 10}) {
		t.Errorf("%+v", p)
	}
	if r := p.Rows[0]; r.Event != "Page Viewed" || r.PerDay != 200 || r.Keep != "90 days" || r.Before != day("2026-08-24") || r.First != day("2026-05-03") {
		t.Errorf("%+v", r)
	}
	b, err := json.Marshal(p.Rows[0])
	if err != nil {
		t.Fatal(err)
	}
	var r Row
	if err := json.Unmarshal(b, &r); err != nil || r.Before != p.Rows[0].Before || r.First != p.Rows[0].First || r.N != 38 {
		t.Errorf("%s is read as %+v: %v", b, r, err)
	}
}

func TestNothingIsDroppedWithinTheGraceOrWithoutAWord(t *testing.T) {
	s := &shed{held: []Held{{Key{"web", "Page Viewed"}, day("2026-05-03"), 10}}}
	svc := service(s)
	d := &Dropper{Store: s, Book: s, Zone: func() *time.Location { return time.UTC }, Log: slog.New(slog.DiscardHandler)}
	beat := func(at time.Time, want int, why string) {
		t.Helper()
		if _, err := d.Beat(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if len(s.drops) != want {
			t.Errorf("%s: %d sweeps, want %d", why, len(s.drops), want)
		}
	}
	beat(now, 0, "nobody set an end")
	if _, err := svc.Save(t.Context(), cairn.House, Policy{Ends: []End{{Days: 90}}}, 0, ""); err != nil {
		t.Fatal(err)
	}
	beat(now.Add(Grace-time.Second), 0, "within the grace")
	if next, err := d.Next(t.Context()); err != nil || !next.Equal(now.Add(Grace)) {
		t.Errorf("it looks again at %v: %v", next, err)
	}
	beat(now.Add(Grace), 1, "after it")
	beat(now.Add(Grace+time.Minute), 1, "a minute later")
	beat(now.Add(Grace+again), 2, "an hour later, for what came late")
	beat(now.AddDate(0, 0, 1), 3, "a day later")
	if _, err := svc.Restore(t.Context(), cairn.House, 0); err != nil {
		t.Fatal(err)
	}
	beat(now.AddDate(0, 0, 2), 3, "when it was taken back")
	if got := s.drops[0].Before("web", "Page Viewed"); !got.Equal(day("2026-08-24").Start(time.UTC)) || !s.drops[0].From.Equal(day("2026-05-03").Start(time.UTC)) {
		t.Errorf("it dropped what was before %v, from %v", got, s.drops[0].From)
	}
}

func TestRoomThatRunsOutIsToldOfOnceForEachLevel(t *testing.T) {
	s := &shed{disk: Disk{Data: 10e9, Total: 100e9, Avail: 40e9}, held: []Held{{Key{"web", "Page Viewed"}, day("2026-11-20"), 28}}}
	var log bytes.Buffer
	look := func(avail int64) string {
		t.Helper()
		log.Reset()
		s.disk.Avail = avail
		svc := service(s) // as after a restart
		w := &Watcher{Service: svc, Leads: func() bool { return true }, Log: slog.New(slog.NewTextHandler(&log, nil))}
		for range 2 {
			if _, err := w.Beat(t.Context(), now); err != nil {
				t.Fatal(err)
			}
		}
		return log.String()
	}
	if text := look(40e9); text != "" {
		t.Errorf("there is room, and the log says %s", text)
	}
	if text := look(28e9); strings.Count(text, "WARN") != 1 || !strings.Contains(text, "percent=72") || !strings.Contains(text, "Page Viewed") {
		t.Errorf("at 72 %% the log says %s", text)
	}
	for avail, want := range map[int64]string{28e9: "", 27e9: "", 31e9: ""} { // also a little under the level again
		if text := look(avail); text != want {
			t.Errorf("with %d left the log says %s", avail, text)
		}
	}
	if text := look(4e9); strings.Count(text, "WARN") != 1 || !strings.Contains(text, "percent=96") {
		t.Errorf("at 96 %% the log says %s", text)
	}
	if text := look(60e9); strings.Count(text, "INFO") != 1 {
		t.Errorf("when there is room again the log says %s", text)
	}
	var quiet bytes.Buffer
	w := &Watcher{Service: service(s), Leads: func() bool { return false }, Log: slog.New(slog.NewTextHandler(&quiet, nil))}
	s.disk.Avail = 1e9
	if _, err := w.Beat(t.Context(), now); err != nil || quiet.Len() > 0 {
		t.Errorf("one that does not lead says %s, %v", quiet.String(), err)
	}
}

func TestThePaceIsThatOfTheLastDays(t *testing.T) {
	m := memory{Days: []sample{{day("2026-11-12"), 10e9}, {day("2026-11-22"), 20e9}}}
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	s := &shed{disk: Disk{Data: 20e9, Total: 100e9, Avail: 50e9}, memos: map[string]string{roomMemo: string(b)}}
	st, err := service(s).RoomAhead(t.Context(), Preview{})
	if err != nil || st.PerDay != 1e9 || st.Left != 50 || !st.Full.Equal(time.Date(2027, 1, 11, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v, %v", st, err)
	}
}
