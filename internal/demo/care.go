package demo

import (
	"cmp"
	"slices"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A handling is what the owner of a task does with it, and when.
type handling struct {
	day      cairn.Day // not before
	second   int
	neglect  bool // left lying for weeks
	dismiss  bool
	snooze   bool // once, for a week, before anything else
	pleasant bool
}

// neglected is how old a task that was left lying becomes.
const neglected = 45

// handle decides it from the task's key alone, so that the same task is always
// handled alike.
func (c *Company) handle(t cairn.Task) handling {
	roll := c.dice(-1, careTheme, keyNumber(t.Key))
	patience := [...]int{5, 3, 5, 9}[min(max(t.Priority, 0), 3)]
	h := handling{second: roll.office(), day: cairn.DayOf(t.Planned, time.UTC) + cairn.Day(1+roll.IntN(patience+1))}
	switch x := roll.Float64(); {
	case x < 0.06:
		h.neglect, h.dismiss = true, true
		h.day += neglected
	case x < 0.16:
		h.dismiss = true
	case x < 0.28:
		h.snooze = true
	}
	h.pleasant = roll.chance(0.6)
	return h
}

// React tells what Quillmere's people do on day d about these tasks: nothing
// yet, snooze it, dismiss it, or talk to the customer and close it. Where the
// talk turns a customer round who was about to be lost, the days after d are
// told accordingly. Asked again, it answers the same.
func (c *Company) React(tasks []cairn.Task, d cairn.Day) []Batch {
	if w := d.Weekday(); w == time.Saturday || w == time.Sunday || season(d) < 0.1 {
		return nil
	}
	tasks = slices.Clone(tasks)
	slices.SortFunc(tasks, func(x, y cairn.Task) int { return cmp.Compare(x.Key, y.Key) })
	var out []delivery
	for _, t := range tasks {
		h := c.handle(t)
		a := c.byID[t.Account]
		if a == nil || d < h.day || d < a.first(c) {
			continue
		}
		switch {
		case h.snooze && t.State == cairn.TaskOpen && t.Until.IsZero():
			out = append(out, c.change(a, t, d, h, map[string]any{
				"state": string(cairn.TaskSnoozed), "until": at(workday(d+7), 7*3600).Format(time.RFC3339),
			}))
		case h.dismiss:
			out = append(out, c.close(a, t, d, h, cairn.TaskDismissed, "No longer needed."))
		default:
			out = append(out, c.visit(a, t, d, h)...)
		}
	}
	return bundle(out)
}

// visit talks to the customer and closes the task with what came of it.
func (c *Company) visit(a *customer, t cairn.Task, d cairn.Day, h handling) []delivery {
	mood, outcome := "neutral", "Talked to them. No cause for alarm."
	switch saved := a.saved == d || c.rescues(a, d); {
	case saved:
		c.save(a, d)
		mood, outcome = "good", rescued[a.cause]
	case a.gone(d):
		mood, outcome = "bad", "They have left. Wrote down why."
	case a.troubled(d):
		mood, outcome = "bad", "Talked to them. They are unhappy, and nothing was agreed."
	case h.pleasant:
		mood, outcome = "good", "Good talk. Everything runs as they hoped."
	}
	kind := "call"
	switch t.Type {
	case "mail", "meeting":
		kind = t.Type
	}
	props := map[string]any{"type": kind, "mood": mood, "text": outcome, "by": cmp.Or(t.Owner, a.csm)}
	if p, ok := a.who("champion", d); ok {
		props["who"] = []any{p.name}
	}
	r := ingest.Record{Kind: cairn.Interaction, Name: interactionNames[kind], ID: careID(t, "talk"),
		At: at(d, h.second), Keys: cairn.Keys{Account: a.key}, Props: props}
	r.Stamp = r.At
	return []delivery{{"cairn", r.At, r}, c.close(a, t, d, h, cairn.TaskDone, outcome)}
}

var rescued = map[Cause]string{
	BadHandOff:        "Started again from the beginning, with a named contact and a date for the training.",
	LostChampion:      "Met the successor, who wants to carry on. Training next week.",
	UnresolvedTickets: "Support has taken their open tickets first. They accept the plan.",
	LatePayer:         "Agreed on instalments with their finance. They stay.",
	LowAdoption:       "Two more teams get a training. They want to use what they have bought.",
	BadFit:            "Found a way to do what they need with templates.",
}

// rescues reports whether a talk on day d brings a back: it is not too late,
// and they are among those who can be brought back at all.
func (c *Company) rescues(a *customer, d cairn.Day) bool {
	return a.saved == 0 && a.fated(d) && d < a.lost-10 && c.dice(a.n, careTheme, 0).chance(rescue[a.cause])
}

func (c *Company) save(a *customer, d cairn.Day) {
	if a.saved == 0 {
		a.saved, a.story = d, nil
	}
}

func (c *Company) close(a *customer, t cairn.Task, d cairn.Day, h handling, state cairn.TaskState, outcome string) delivery {
	return c.change(a, t, d, h, map[string]any{
		"state": string(state), "outcome": outcome, "closed": at(d, h.second).Format(time.RFC3339),
	})
}

// change is the patch of a task.
func (c *Company) change(a *customer, t cairn.Task, d cairn.Day, h handling, fields map[string]any) delivery {
	r := ingest.Record{
		Kind: cairn.OfTask, Name: fields["state"].(string), ID: careID(t, fields["state"].(string)),
		At: at(d, h.second), Keys: cairn.Keys{Account: a.key, Record: t.Key}, Props: fields,
	}
	r.Stamp = r.At
	return delivery{"cairn", r.At, r}
}

// careID is short however long the task's key is.
func careID(t cairn.Task, what string) string {
	return "care-" + cairn.HashID("demo-care", t.Key).String() + "-" + what
}

// A Memory is what a demo must remember to go on after a restart.
type Memory struct {
	Seed     int64                `json:"seed"`
	Accounts int                  `json:"accounts"`
	Months   int                  `json:"months"`
	Until    string               `json:"until"` // date
	Done     string               `json:"done"`  // the last finished day; empty: none
	Rescued  map[string]cairn.Day `json:"rescued,omitempty"`
}

// Memory returns what the company must remember when everything up to and
// including day done has been told; zero: nothing has.
func (c *Company) Memory(done cairn.Day) Memory {
	m := Memory{Seed: c.Seed, Accounts: c.Accounts, Months: c.Months, Until: c.end.String(), Rescued: map[string]cairn.Day{}}
	if done != 0 {
		m.Done = done.String()
	}
	for _, a := range c.customers {
		if a.saved != 0 {
			m.Rescued[a.key] = a.saved
		}
	}
	return m
}

// Remember makes the company of a memory, and returns the first day that it
// has not told yet.
func Remember(m Memory) (*Company, cairn.Day, error) {
	until, err := time.Parse(time.DateOnly, m.Until)
	if err != nil {
		return nil, 0, cairn.Errorf(cairn.Invalid, "The demo's end %q is not a date.", m.Until).Because(err)
	}
	c := New(m.Seed, m.Accounts, m.Months, until)
	for _, a := range c.customers {
		a.saved = m.Rescued[a.key]
	}
	if m.Done == "" {
		return c, c.start, nil
	}
	done, err := time.Parse(time.DateOnly, m.Done)
	if err != nil {
		return nil, 0, cairn.Errorf(cairn.Invalid, "The demo's last day %q is not a date.", m.Done).Because(err)
	}
	return c, cairn.DayOf(done, time.UTC) + 1, nil
}
