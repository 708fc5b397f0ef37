package web

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ingest"
	"cairn/internal/work"
)

// houseSource is the source of everything that people do on pages.
const houseSource = "cairn"

// An undo is the way back from what was just done to a task.
type undo struct {
	Verb string // "done", "snoozed", "dismissed", "reopened", "outcome"
	Item work.Item
	Back string // the page it was done on
}

// Text says what was done.
func (u undo) Text() string {
	switch u.Verb {
	case "done":
		return "Done"
	case "snoozed":
		return "Snoozed"
	case "dismissed":
		return "Dismissed"
	case "outcome":
		return "Written down"
	}
	return "Open again"
}

// Reversible reports whether there is a way back. What came of a task is said
// when it is closed, so that the way back from there opens it again.
func (u undo) Reversible() bool {
	return u.Verb == "done" || u.Verb == "snoozed" || u.Verb == "dismissed" || u.Verb == "outcome"
}

// changeTask does one thing to a task: done, snooze, dismiss, reopen, outcome.
// Each is an event. A task that changed since the page was made is refused.
func (s *site) changeTask(w http.ResponseWriter, r *http.Request, v View) error {
	id, err := cairn.ParseID(r.PathValue("id"))
	if err != nil {
		return cairn.Errorf(cairn.NotFound, "There is no such task.")
	}
	item, err := s.Work.Task(r.Context(), v.Scope(), cairn.RecordID{ID: id})
	if err != nil {
		return err
	}
	if seen := r.PostFormValue("version"); seen != "" && seen != strconv.FormatInt(item.Version, 10) {
		return cairn.Errorf(cairn.Conflict, "“%s” was changed meanwhile, so nothing was done to it. The page shows it as it stands now.", item.Task.Title)
	}
	verb, props, err := taskPatch(r, v, item.Task)
	if err != nil {
		return err
	}
	props["by"] = v.Actor().ID
	rec := ingest.Record{
		Kind: cairn.OfTask, Name: verb, At: v.Now, Keys: cairn.Keys{Record: item.Task.Key}, Props: props,
		ID: fmt.Sprintf("%s/%s/%d", item.Task.Key, verb, item.Version), // a second press of the button is a duplicate
	}
	if err := s.admit(r.Context(), rec); err != nil {
		return err
	}
	return s.answerTask(w, r, v, verb, item)
}

// taskPatch returns what happens to the task, as a verb in the past and the
// fields that change.
func taskPatch(r *http.Request, v View, t cairn.Task) (string, map[string]any, error) {
	props := map[string]any{"play": t.Play}
	if t.Play == "" {
		delete(props, "play")
	}
	outcome := strings.TrimSpace(r.PostFormValue("outcome"))
	if len(outcome) > 4000 {
		return "", nil, cairn.Errorf(cairn.TooLarge, "An outcome has at most 4,000 characters.").At("outcome")
	}
	now := v.Now.UTC().Format(time.RFC3339Nano)
	switch r.PathValue("verb") {
	case "done", "dismiss":
		props["closed"] = now
		if outcome != "" {
			props["outcome"] = outcome
		}
		if r.PathValue("verb") == "done" {
			props["state"] = string(cairn.TaskDone)
			return "done", props, nil
		}
		props["state"] = string(cairn.TaskDismissed)
		return "dismissed", props, nil
	case "snooze":
		until, err := snoozeUntil(r.PostFormValue("until"), v)
		if err != nil {
			return "", nil, err
		}
		props["state"], props["until"] = string(cairn.TaskSnoozed), until.UTC().Format(time.RFC3339)
		return "snoozed", props, nil
	case "reopen":
		props["state"], props["until"], props["closed"], props["outcome"] = string(cairn.TaskOpen), nil, nil, nil
		return "reopened", props, nil
	case "outcome":
		if outcome == "" {
			return "", nil, cairn.Errorf(cairn.Invalid, "Write down what came of it first.").At("outcome")
		}
		props["outcome"] = outcome
		return "outcome", props, nil
	}
	return "", nil, cairn.Errorf(cairn.NotFound, "Nothing of that name can be done to a task.")
}

// snoozeUntil reads a date as the first moment of that day.
func snoozeUntil(s string, v View) (time.Time, error) {
	t, err := time.ParseInLocation(time.DateOnly, s, v.Zone)
	switch {
	case err != nil:
		return t, cairn.Errorf(cairn.Invalid, "Choose the day on which it comes back.").At("until")
	case !t.After(v.Now):
		return t, cairn.Errorf(cairn.Invalid, "Choose a day after today.").At("until")
	case t.After(v.Now.AddDate(2, 0, 0)):
		return t, cairn.Errorf(cairn.Invalid, "Choose a day within two years.").At("until")
	}
	return t, nil
}

// A snooze is one preset.
type snooze struct {
	Name string
	Day  time.Time
}

func snoozes(v View) []snooze {
	d := v.Today()
	monday := cairn.Day(1)
	for (d + monday).Weekday() != time.Monday {
		monday++
	}
	at := func(n cairn.Day) time.Time { return (d + n).Start(v.Zone) }
	return []snooze{{"Tomorrow", at(1)}, {"In 3 days", at(3)}, {"Next Monday", at(monday)}, {"In two weeks", at(14)}}
}

// answerTask shows what was done, with the way back: beside the page when
// htmx asked, else on the page it was done on.
func (s *site) answerTask(w http.ResponseWriter, r *http.Request, v View, verb string, item work.Item) error {
	back := local(r.PostFormValue("back"))
	if !v.Partial {
		u, _ := url.Parse(back)
		q := u.Query()
		q.Set("did", verb)
		q.Set("task", item.Task.ID.String())
		u.RawQuery = q.Encode()
		http.Redirect(w, r, u.String(), http.StatusSeeOther)
		return nil
	}
	fresh, err := s.Work.Task(r.Context(), v.Scope(), item.Task.ID)
	if err != nil {
		return err
	}
	u := undo{Verb: verb, Item: fresh, Back: back}
	w.Header().Set("HX-Trigger", "cairn:changed")
	return s.write(w, r, http.StatusOK, toast(v, u.Text(), item.Task.Title, undoForm(v, u)))
}

// addTask plans a task by hand.
func (s *site) addTask(w http.ResponseWriter, r *http.Request, v View) error {
	title := strings.TrimSpace(r.PostFormValue("title"))
	if title == "" || len(title) > 300 {
		return cairn.Errorf(cairn.Invalid, "Say what is to be done, in at most 300 characters.").At("title")
	}
	due, err := time.ParseInLocation(time.DateOnly, r.PostFormValue("due"), v.Zone)
	if err != nil {
		return cairn.Errorf(cairn.Invalid, "Choose the day on which it is due.").At("due")
	}
	id, err := s.Accounts.Find(r.Context(), v.Scope(), strings.TrimSpace(r.PostFormValue("account")))
	if err != nil {
		return err
	}
	a, err := s.Accounts.Account(r.Context(), v.Scope(), id)
	if err != nil {
		return err
	}
	key := "by-hand-" + rand.Text()
	err = s.admit(r.Context(), ingest.Record{
		Kind: cairn.OfTask, Name: "planned", ID: key, At: v.Now, Keys: cairn.Keys{Account: a.Key, Record: key}, In: a.Space,
		Props: map[string]any{
			"title": title, "why": "Planned by hand", "type": "task", "owner": v.Session.User.Mail, "priority": 3,
			"due": due.UTC().Format(time.RFC3339), "state": string(cairn.TaskOpen),
			"planned": v.Now.UTC().Format(time.RFC3339), "by": v.Actor().ID,
		},
	})
	if err != nil {
		return err
	}
	back := local(r.PostFormValue("back"))
	if v.Partial {
		w.Header().Set("HX-Trigger", "cairn:changed")
		return s.write(w, r, http.StatusOK, toast(v, "Added", title+", "+a.Name, nil))
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
	return nil
}

// admit sends one record in at the front door and returns its refusal as an error.
func (s *site) admit(ctx context.Context, recs ...ingest.Record) error {
	src, err := s.Sources.Source(ctx, houseSource)
	if cairn.KindOf(err) == cairn.NotFound && err != nil {
		src, err = ingest.Source{Name: houseSource}, nil
	}
	if err != nil {
		return err
	}
	verdicts, err := s.Door.Admit(ctx, src, recs)
	if err != nil {
		return err
	}
	for _, d := range verdicts {
		if d.Status == ingest.Rejected {
			return cairn.Errorf(cairn.Invalid, "%s", d.Reason).At(d.Field)
		}
	}
	return nil
}
