package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ingest"
	"cairn/internal/keep"
)

// A keepingDefinition is how long single events are kept, as it is written.
type keepingDefinition struct {
	Ends  []endTold `json:"ends" doc:"Of several that fit an event the one that names the event holds, then the one that names the source. None: everything is kept for ever."`
	Quota int64     `json:"quota_bytes,omitempty" minimum:"0" doc:"Most that Cairn's data should take, to be warned; 0: the disk."`
}

// An endTold says how long single usage events are kept.
type endTold struct {
	Source string `json:"source,omitempty" doc:"Empty: any."`
	Event  string `json:"event,omitempty" doc:"Empty: any."`
	Keep   string `json:"keep" doc:"How long: 90 days, 13 months, 2 years, for ever."`
}

func keepingOf(p keep.Policy) keepingDefinition {
	out := keepingDefinition{Ends: []endTold{}, Quota: p.Quota}
	for _, e := range p.Ends {
		out.Ends = append(out.Ends, endTold{e.Source, e.Event, e.Span()})
	}
	return out
}

// policy reads d and checks it.
func (d keepingDefinition) policy() (keep.Policy, error) {
	p := keep.Policy{Quota: d.Quota}
	for i, t := range d.Ends {
		e := keep.End{Source: t.Source, Event: t.Event}
		if err := keep.ParseSpan(t.Keep, &e); err != nil {
			return p, at(err, "ends."+strconv.Itoa(i)+".keep")
		}
		p.Ends = append(p.Ends, e)
	}
	return p, p.Check()
}

// A keepingTold is how events are kept, and what of them.
type keepingTold struct {
	keepingDefinition
	Rev     int           `json:"rev" doc:"Of its page in the book; 0: nobody set anything."`
	Begins  *time.Time    `json:"drops_from,omitempty" doc:"Nothing is dropped because of it before."`
	Holds   heldTold      `json:"holds" doc:"What the log holds, and what of it is past its end."`
	Dropped []droppedTold `json:"dropped" doc:"What is gone."`
	Room    roomTold      `json:"room" doc:"How much room there is."`
}

// A heldTold is what the log holds under a policy.
type heldTold struct {
	Events   int64        `json:"events" doc:"Usage events in the log."`
	Bytes    int64        `json:"bytes" doc:"About what they take."`
	Due      int64        `json:"due_events" doc:"Of them past their end."`
	DueBytes int64        `json:"due_bytes" doc:"About what those take."`
	Months   []dueMonth   `json:"due_months" doc:"Those past their end, by the month in which they happened."`
	Names    []heldNameOf `json:"names" doc:"By source and event, what takes most room first."`
	Stays    []string     `json:"metrics_that_stay" doc:"Metrics that look into properties of what is past its end, and stay right."`
}

type dueMonth struct {
	Month  string `json:"month" doc:"Such as 2026-01."`
	Events int64  `json:"events" doc:"That would go."`
}

type heldNameOf struct {
	Source   string `json:"source" doc:"That sent it."`
	Event    string `json:"event" doc:"Its name."`
	Events   int64  `json:"events" doc:"In the log."`
	Bytes    int64  `json:"bytes" doc:"About."`
	Keep     string `json:"keep" doc:"How long they are kept."`
	First    string `json:"first" doc:"Day of the oldest."`
	Last     string `json:"last" doc:"Day of the newest."`
	Due      int64  `json:"due_events" doc:"Past their end."`
	DueBytes int64  `json:"due_bytes" doc:"About."`
}

type droppedTold struct {
	Source string    `json:"source" doc:"That sent it."`
	Event  string    `json:"event" doc:"Its name."`
	Events int64     `json:"events" doc:"That are gone."`
	Bytes  int64     `json:"bytes" doc:"About what they took."`
	First  time.Time `json:"first" doc:"When the oldest of them happened."`
	Last   time.Time `json:"last" doc:"When the newest did."`
	At     time.Time `json:"dropped" doc:"When the last of them was dropped."`
}

type roomTold struct {
	By       string `json:"by" enum:"disk,quota," doc:"What is nearer to its end; empty: neither can be told."`
	Used     int64  `json:"used_bytes" doc:"Of of_bytes."`
	Of       int64  `json:"of_bytes" doc:"All that there is."`
	Percent  int    `json:"percent" doc:"Used."`
	Level    int    `json:"level" doc:"0, or 70, 85 or 95: the warning that it has reached."`
	PerDay   int64  `json:"bytes_per_day" doc:"About what arrives a day."`
	DaysLeft int    `json:"days_left" doc:"Until nothing is left at this pace; 0: not within ten years, or not known."`
}

type keepingCheck struct {
	Body struct {
		Keeping keepingDefinition `json:"keeping" doc:"All of it."`
	}
}

type keepingPut struct {
	Body struct {
		Keeping keepingDefinition `json:"keeping" doc:"All of it."`
		Rev     *int              `json:"rev,omitempty" minimum:"0" doc:"The revision it is based on; absent: whatever there is. Another one meanwhile is a 409."`
		Note    string            `json:"note,omitempty" maxLength:"500" doc:"Why, for the book."`
	}
}

// keepingRevisions are what was ever set, the latest first.
type keepingRevisions struct {
	Revisions []keepingRevision `json:"revisions" doc:"The latest first."`
}

type keepingRevision struct {
	Rev    int       `json:"rev" doc:"Its number."`
	At     time.Time `json:"at" doc:"When it was written."`
	Author string    `json:"author" doc:"Who wrote it."`
	Note   string    `json:"note" doc:"Why."`
}

func (a *resources) keeping() {
	const group = "Keeping"
	add(a, operation{http.MethodGet, "/keeping", "get-keeping", group, ingest.MayRead, "How long single events are kept, what the log holds, what was dropped, and how much room there is", ""}, a.kept)
	add(a, operation{http.MethodPost, "/keeping/preview", "preview-keeping", group, ingest.MayRead, "What other ends would drop", "Drops and saves nothing."}, a.previewKeeping)
	add(a, operation{http.MethodPut, "/keeping", "put-keeping", group, ingest.MayManage, "Set how long single events are kept",
		"Nothing is dropped for 15 minutes, in which it can be taken back by putting what was before. What events came to stays: counts, people and levels of every past day."}, a.putKeeping)
	add(a, operation{http.MethodGet, "/keeping/revisions", "list-keeping-revisions", group, ingest.MayRead, "What was ever set", ""}, a.keepingHistory)
}

func (a *resources) kept(ctx context.Context, _ caller, _ *struct{}) (keepingTold, error) {
	p, rev, err := a.Keep.Policy(ctx)
	if err != nil {
		return keepingTold{}, err
	}
	return a.keptUnder(ctx, p, rev)
}

// keptUnder tells what a policy means.
func (a *resources) keptUnder(ctx context.Context, p keep.Policy, rev book.Revision) (keepingTold, error) {
	out := keepingTold{Rev: rev.Rev, Dropped: []droppedTold{}}
	if rev.Rev > 0 {
		out.Begins = timePointer(rev.At.Add(keep.Grace))
	}
	held, err := a.Keep.TryPolicy(ctx, p)
	if err != nil {
		return out, err
	}
	out.keepingDefinition, out.Holds = keepingOf(held.Policy), holds(held)
	dropped, err := a.Keep.Store.Dropped(ctx)
	if err != nil {
		return out, err
	}
	for _, d := range dropped {
		out.Dropped = append(out.Dropped, droppedTold{d.Source, d.Name, d.N, d.Bytes, d.First, d.Last, d.At})
	}
	room, err := a.Keep.RoomAhead(ctx, held)
	out.Room = roomTold{room.By, room.Used, room.Of, room.Percent, room.Level, room.PerDay, room.Left}
	return out, err
}

func holds(p keep.Preview) heldTold {
	out := heldTold{Events: p.Events, Bytes: p.Bytes, Due: p.Due, DueBytes: p.DueBytes, Months: []dueMonth{}, Names: []heldNameOf{}, Stays: append([]string{}, p.Stays...)}
	for _, m := range p.Months {
		out.Months = append(out.Months, dueMonth{m.Month, m.N})
	}
	for _, r := range p.Rows {
		out.Names = append(out.Names, heldNameOf{r.Source, r.Event, r.N, r.Bytes, r.Keep, r.First.String(), r.Last.String(), r.Due, r.DueBytes})
	}
	return out
}

func (a *resources) previewKeeping(ctx context.Context, _ caller, in *keepingCheck) (heldTold, error) {
	p, err := in.Body.Keeping.policy()
	if err != nil {
		return heldTold{}, err
	}
	held, err := a.Keep.TryPolicy(ctx, p)
	return holds(held), err
}

func (a *resources) putKeeping(ctx context.Context, by caller, in *keepingPut) (keepingTold, error) {
	p, err := in.Body.Keeping.policy()
	if err != nil {
		return keepingTold{}, err
	}
	_, was, err := a.Keep.Policy(ctx)
	if err != nil {
		return keepingTold{}, err
	}
	if in.Body.Rev != nil && *in.Body.Rev != was.Rev {
		return keepingTold{}, cairn.Errorf(cairn.Conflict, "Somebody set ends meanwhile: they have revision %d.", was.Rev).At("rev")
	}
	rev, err := a.Keep.Save(ctx, by.Actor, p, was.Rev, in.Body.Note)
	if err != nil {
		return keepingTold{}, err
	}
	return a.keptUnder(ctx, p, rev)
}

func (a *resources) keepingHistory(ctx context.Context, _ caller, _ *struct{}) (keepingRevisions, error) {
	out := keepingRevisions{[]keepingRevision{}}
	revs, err := a.Keep.History(ctx)
	for _, r := range revs {
		out.Revisions = append(out.Revisions, keepingRevision{r.Rev, r.At, r.By.Name, r.Note})
	}
	return out, err
}
