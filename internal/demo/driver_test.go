package demo

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/event"
	"cairn/internal/ingest"
)

// A house is a Cairn in memory behind the real front door. Instead of rules,
// it plans a task for each account whose people did little in a week.
type house struct {
	now     time.Time
	door    *ingest.Door
	events  map[cairn.EventID]cairn.Event
	order   []cairn.EventID
	rejects []ingest.Reject
	tasks   map[string]cairn.Task
	use     map[cairn.AccountID]map[cairn.Day]int
	keys    map[cairn.AccountID]string
	settled []time.Time
	memory  *Memory
	fail    int  // admissions until the next crash; 0: none
	full    bool // the disk is full at the next admission
}

var errCrash = errors.New("the house crashed")

func newHouse() *house {
	h := &house{
		events: map[cairn.EventID]cairn.Event{}, tasks: map[string]cairn.Task{},
		use: map[cairn.AccountID]map[cairn.Day]int{}, keys: map[cairn.AccountID]string{},
	}
	h.door = ingest.New(h, func() time.Time { return h.now })
	return h
}

func (h *house) Set(t time.Time) {
	if t.Before(h.now) {
		panic(fmt.Sprintf("the clock goes back from %v to %v", h.now, t))
	}
	h.now = t
}

func (h *house) Append(_ context.Context, events []cairn.Event) ([]event.Admitted, error) {
	if h.fail > 0 {
		if h.fail--; h.fail == 0 {
			return nil, errCrash
		}
	}
	if h.full {
		h.full = false
		return nil, cairn.Errorf(cairn.Unavailable, "The disk is full.")
	}
	out := make([]event.Admitted, len(events))
	for i, e := range events {
		if _, known := h.events[e.ID]; known {
			out[i].Duplicate = true
			continue
		}
		h.events[e.ID] = e
		h.order = append(h.order, e.ID)
		h.keys[e.Account] = e.Keys.Account
		switch e.Kind {
		case cairn.Track:
			if h.use[e.Account] == nil {
				h.use[e.Account] = map[cairn.Day]int{}
			}
			h.use[e.Account][cairn.DayOf(e.At, time.UTC)]++
		case cairn.OfTask:
			t := h.tasks[e.Keys.Record]
			t.State = cairn.TaskState(e.Name)
			t.Until = e.At.AddDate(0, 0, 7)
			h.tasks[t.Key] = t
		}
	}
	return out, nil
}

func (h *house) After(context.Context, int, int64, int) ([]cairn.Event, error) { return nil, nil }

func (h *house) Ends(context.Context) (ends [cairn.Partitions]int64, err error) { return ends, nil }

func (h *house) Pepper(context.Context) (cairn.Pepper, error) { return cairn.Pepper("pepper"), nil }

func (h *house) Owners(context.Context, []cairn.RecordID) (map[cairn.RecordID]ingest.Owner, error) {
	return nil, nil
}

func (h *house) Arrived(_ context.Context, _ ingest.Arrival, rejects []ingest.Reject) error {
	h.rejects = append(h.rejects, rejects...)
	return nil
}

func (h *house) settle(_ context.Context, now time.Time) error {
	h.settled = append(h.settled, now)
	today := cairn.DayOf(now, time.UTC)
	for id, key := range h.keys {
		week, before := 0, 0
		for d := today - 7; d < today; d++ {
			week, before = week+h.use[id][d], before+h.use[id][d-7]
		}
		if today%7 == 0 && week <= before*2/3 {
			task := cairn.Task{Key: "task:" + key + ":" + now.Format(time.DateOnly), Account: id, Planned: now, State: cairn.TaskOpen,
				Priority: 2, Type: "call", Owner: staff[0].Mail}
			if _, known := h.tasks[task.Key]; !known {
				h.tasks[task.Key] = task
			}
		}
	}
	return nil
}

func (h *house) open(context.Context) ([]cairn.Task, error) {
	var out []cairn.Task
	for _, key := range slices.Sorted(maps.Keys(h.tasks)) {
		t := h.tasks[key]
		if t.State == cairn.TaskOpen || t.State == cairn.TaskSnoozed && t.Until.Before(h.now) {
			out = append(out, t)
		}
	}
	return out, nil
}

// driver makes one that goes on with what the house remembers.
func (h *house) driver(t *testing.T, accounts, months int) *Driver {
	t.Helper()
	c, from, err := Open(Options{Accounts: accounts, Months: months, Until: until.Format(time.DateOnly)}, h.memory, until.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return &Driver{
		Company: c, From: from, Door: h.door, Clock: h, Settle: h.settle, OpenTasks: h.open,
		Done: func(_ context.Context, m Memory) error { h.memory = &m; return nil },
	}
}

// log is what the house holds, in order, with the time it was seen.
func (h *house) log() []string {
	var out []string
	for _, id := range h.order {
		e := h.events[id]
		out = append(out, fmt.Sprint(e.ID, e.Kind, e.Name, e.Source, e.At, e.Seen, e.Keys, string(e.Props), string(e.Personal)))
	}
	return out
}

func TestHistoryEntersByTheFrontDoor(t *testing.T) {
	h := newHouse()
	d := h.driver(t, 60, 12)
	last, total := 0, 0
	d.Progress = func(done, of int) {
		if done < last {
			t.Errorf("progress went back from %d to %d", last, done)
		}
		last, total = done, of
	}
	if err := d.History(t.Context()); err != nil {
		t.Fatal(err)
	}
	if last != total || total != int(d.Company.End()-d.Company.Start()) {
		t.Errorf("progress ended at %d of %d", last, total)
	}
	if !h.now.Equal(until) || !h.settled[len(h.settled)-1].Equal(until) || !h.settled[0].Equal(at(d.Company.Start(), 0)) {
		t.Errorf("the clock ends at %v; settled from %v to %v", h.now, h.settled[0], h.settled[len(h.settled)-1])
	}
	for _, r := range h.rejects {
		if !strings.Contains(r.Body, faultID) {
			t.Errorf("refused: %s %s: %s", r.Field, r.Reason, r.Body)
		}
	}
	if len(h.rejects) == 0 {
		t.Error("nothing was refused")
	}
	states := map[cairn.TaskState]int{}
	for _, task := range h.tasks {
		states[task.State]++
	}
	for _, s := range []cairn.TaskState{cairn.TaskOpen, cairn.TaskDone, cairn.TaskDismissed} {
		if states[s] == 0 {
			t.Errorf("no task is %s: %v", s, states)
		}
	}
	if states[cairn.TaskDone] < len(h.tasks)/2 {
		t.Errorf("most tasks should be done: %v", states)
	}
	rescued := 0
	for _, x := range d.Company.Truth() {
		if !x.Rescued.IsZero() {
			rescued++
		}
	}
	if rescued == 0 {
		t.Error("nobody was rescued")
	}
}

func TestTwoHousesOfOneSeedHoldEqualLogs(t *testing.T) {
	logs := [2][]string{}
	for i := range logs {
		h := newHouse()
		if err := h.driver(t, 30, 6).History(t.Context()); err != nil {
			t.Fatal(err)
		}
		logs[i] = h.log()
	}
	if diff := cmp.Diff(logs[0], logs[1]); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}

func TestHistoryGoesOnAfterACrash(t *testing.T) {
	want := newHouse()
	if err := want.driver(t, 25, 6).History(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, after := range []int{1, 7, 60, 333, 900} {
		h := newHouse()
		h.fail = after
		if err := h.driver(t, 25, 6).History(t.Context()); !errors.Is(err, errCrash) {
			t.Fatalf("no crash after %d admissions: %v", after, err)
		}
		h.now = time.Time{} // the new process sets its clock itself
		if err := h.driver(t, 25, 6).History(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want.held(), h.held()); diff != "" {
			t.Errorf("after a crash at %d (-want +got):\n%.2000s", after, diff)
		}
	}
}

// held are the names and ids of all events, sorted.
func (h *house) held() []string {
	var out []string
	for id, e := range h.events {
		out = append(out, fmt.Sprint(e.Source, e.Kind, e.Name, id, e.At))
	}
	slices.Sort(out)
	return out
}

func TestLiveMovesWithinMinutesAndLeavesTheVisitorsTasksAlone(t *testing.T) {
	h := newHouse()
	d := h.driver(t, 60, 6)
	if err := d.History(t.Context()); err != nil {
		t.Fatal(err)
	}
	began := until.AddDate(0, 0, 3).Add(9*time.Hour + 17*time.Minute)
	d.Now = func() time.Time { return began }
	if err := d.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !h.now.Equal(until.AddDate(0, 0, 3)) {
		t.Errorf("after catching up the clock shows %v", h.now)
	}
	visitors := 0
	for key, task := range h.tasks {
		if task.State == cairn.TaskOpen && visitors < 5 {
			visitors++
			task.Planned, task.Owner = until.AddDate(0, 0, -100), "visitor@quillmere.example"
			h.tasks[key] = task
		}
	}
	d.Visitor = "visitor@quillmere.example"
	h.now = began
	d.Now = func() time.Time { return h.now }
	ctx, cancel := context.WithCancel(t.Context())
	grew, before, pauses := 0, 0, 0
	d.Wait = func(ctx context.Context, pause time.Duration) error {
		if n := len(h.order); n > before {
			grew, before = grew+1, n
		}
		pauses++
		h.full = pauses%50 == 0
		if h.now = h.now.Add(pause); h.now.After(began.Add(40 * time.Hour)) {
			cancel()
		}
		return ctx.Err()
	}
	start := len(h.order)
	if err := d.Live(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if waits := 50 + 40*3600/75; grew < waits*9/10 {
		t.Errorf("something happened in %d of about %d pauses", grew, waits)
	}
	perDay := (len(h.order) - start) * 24 / 40
	if perDay > 2500 {
		t.Errorf("%d events on a day are too many to be true", perDay)
	}
	for _, id := range h.order[start:] {
		if e := h.events[id]; e.At.After(e.Seen) || e.Seen.Before(began) {
			t.Errorf("%s of %s happened at %v and was seen at %v", e.Name, e.Source, e.At, e.Seen)
		}
	}
	for _, task := range h.tasks {
		if task.Owner == d.Visitor && task.State != cairn.TaskOpen {
			t.Errorf("the visitor's task %s is %s", task.Key, task.State)
		}
	}
	if h.memory.Done != "2026-03-14" {
		t.Errorf("the last finished day is %s", h.memory.Done)
	}
}

func TestADemoThatWasBegunIsGoneOnWith(t *testing.T) {
	begun := New(4, 20, 3, until).Memory(dayOf(2026, 2, 1))
	for _, x := range []struct {
		name string
		o    Options
		kind cairn.Kind
		ok   bool
	}{
		{"nothing asked", Options{}, 0, true},
		{"the same asked", Options{Accounts: 20, Months: 3, Seed: 4, Until: "2026-03-10"}, 0, true},
		{"another seed", Options{Seed: 5}, cairn.Conflict, false},
		{"another end", Options{Until: "2026-03-11"}, cairn.Conflict, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			c, from, err := Open(x.o, &begun, until.AddDate(1, 0, 0))
			if !x.ok {
				if err == nil || cairn.KindOf(err) != x.kind {
					t.Fatalf("got %v", err)
				}
				return
			}
			if err != nil || from != dayOf(2026, 2, 2) || c.Accounts != 20 {
				t.Errorf("goes on at %v (%v)", from, err)
			}
		})
	}
	for _, o := range []Options{{Accounts: -1}, {Months: 1000}, {Until: "yesterday"}, {Until: "2027-01-01"}} {
		if _, _, err := Open(o, nil, until); cairn.KindOf(err) != cairn.Invalid || err == nil {
			t.Errorf("%+v: got %v", o, err)
		}
	}
}
