package api

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A RejectTold is a record that was refused.
type RejectTold struct {
	ID      int64           `json:"id" doc:"Of the rejected record."`
	Source  string          `json:"source" doc:"That sent it."`
	State   string          `json:"state" enum:"open,replayed,dismissed" doc:"What became of it."`
	Seen    time.Time       `json:"seen" doc:"When it came."`
	Index   int             `json:"index" doc:"Its place in what was sent."`
	File    bool            `json:"file" doc:"It came from a file."`
	Code    string          `json:"code" doc:"Why it was refused, as in verdicts."`
	Field   string          `json:"field" doc:"What to correct; may be empty."`
	Reason  string          `json:"reason" doc:"The same in words. What it quotes is masked without personal, unless it is not personal."`
	Message json.RawMessage `json:"message,omitempty" doc:"The record as it stands: as mended, else as sent. Without personal, stars stand for what is personal. Absent: it is not JSON (see text), or was erased."`
	Text    string          `json:"text,omitempty" doc:"What was sent, where it is not JSON. Only with personal."`
	Mended  bool            `json:"mended" doc:"The message is not as it was sent."`
	By      string          `json:"by,omitempty" doc:"Who mended or closed it last."`
	Closed  *time.Time      `json:"closed,omitempty" doc:"When it was replayed or dismissed."`
	Outcome string          `json:"outcome,omitempty" doc:"Of the replay: accepted, late or duplicate."`
	Event   string          `json:"event,omitempty" doc:"The event that the replay made, or that was there."`
	Again   *againTold      `json:"again,omitempty" doc:"The last replay was refused too."`
}

type againTold struct {
	At     time.Time `json:"at" doc:"When."`
	Code   string    `json:"code" doc:"Why, as in verdicts."`
	Field  string    `json:"field" doc:"What to correct."`
	Reason string    `json:"reason" doc:"In words."`
}

// rejectOf tells a reject, with stars for what is personal unless it may be
// told.
func rejectOf(src ingest.Source, j ingest.Reject, personal bool) RejectTold {
	out := RejectTold{ID: j.ID, Source: j.Source, State: string(j.State), Seen: j.Seen, Index: j.Index, File: j.File, Code: j.Code, Field: j.Field,
		Reason: j.Reason, Mended: j.Mended != "", By: j.By, Closed: timePointer(j.Closed), Outcome: string(j.Outcome)}
	if !j.Event.IsZero() {
		out.Event = j.Event.String()
	}
	if j.Again != nil {
		out.Again = &againTold{j.Again.At, j.Again.Code, j.Again.Field, j.Again.Reason}
	}
	text := j.Text()
	if !personal {
		text = ingest.Mask(src, text)
		out.Reason = ingest.MaskReason(ingest.Mask(src, j.Body), out.Reason)
		if out.Again != nil {
			out.Again.Reason = ingest.MaskReason(text, out.Again.Reason)
		}
	}
	switch {
	case json.Valid([]byte(text)):
		out.Message = json.RawMessage(text)
	case personal:
		out.Text = text
	}
	return out
}

// A rejectChoice says which rejected records are meant.
type rejectChoice struct {
	IDs    []int64 `json:"ids,omitempty" maxItems:"1000" doc:"These."`
	Source string  `json:"source,omitempty" doc:"Of this source."`
	Code   string  `json:"code,omitempty" doc:"Refused for this reason."`
	Field  string  `json:"field,omitempty" doc:"With this field to correct."`
	Text   string  `json:"text,omitempty" doc:"Whose message contains this, in any case."`
	Since  string  `json:"since,omitempty" doc:"Refused since this time or day."`
	Until  string  `json:"until,omitempty" doc:"Refused before this time or day."`
	All    bool    `json:"all,omitempty" doc:"All that there are; needed where nothing else is said."`
}

func (c rejectChoice) query() (q ingest.RejectQuery, err error) {
	q = ingest.RejectQuery{IDs: c.IDs, Source: c.Source, Code: c.Code, Field: c.Field, Text: c.Text}
	if !c.All && len(c.IDs) == 0 && c.Source == "" && c.Code == "" && c.Field == "" && c.Text == "" && c.Since == "" && c.Until == "" {
		return q, cairn.Errorf(cairn.Invalid, "Say which: ids, source, code, field, text, since or until, or all of them.").At("all")
	}
	q.From, q.To, err = span(c.Since, c.Until)
	return q, err
}

func span(since, until string) (from, to time.Time, err error) {
	if since != "" {
		if from, err = momentOf("since", since); err != nil {
			return from, to, err
		}
	}
	if until != "" {
		to, err = momentOf("until", until)
	}
	return from, to, err
}

type rejectsAsked struct {
	Source   string `query:"source" doc:"Of this source."`
	State    string `query:"state" enum:"open,replayed,dismissed,any" default:"open" doc:"In this state."`
	Code     string `query:"code" doc:"Refused for this reason."`
	Field    string `query:"field" doc:"With this field to correct."`
	Text     string `query:"text" doc:"Whose message contains this, in any case."`
	Since    string `query:"since" doc:"Refused since this time or day."`
	Until    string `query:"until" doc:"Refused before this time or day."`
	Cursor   string `query:"cursor" doc:"Of the page before."`
	Limit    int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"At most so many."`
	Personal bool   `query:"personal" doc:"With what is personal; needs the scope personal too."`
}

type rejectsTold struct {
	Rejects []RejectTold   `json:"rejects" doc:"The newest first."`
	Total   int64          `json:"total" doc:"How many there are in all."`
	Counts  []refusalCount `json:"counts" doc:"Why records of the source were ever refused, the most first."`
	Cursor  string         `json:"cursor,omitempty" doc:"Pass it to get the next page; absent on the last one."`
}

type rejectAsked struct {
	ID       int64 `path:"id" doc:"Of the rejected record."`
	Personal bool  `query:"personal" doc:"With what is personal; needs the scope personal too."`
}

// A rejectShown is a rejected record with what the door would say of it now.
type rejectShown struct {
	RejectTold
	Verdict verdictTold `json:"verdict" doc:"What the door would say of it if it were sent as it stands."`
}

type verdictTold struct {
	Status string `json:"status" enum:"accepted,late,duplicate,rejected" doc:"As in verdicts."`
	Code   string `json:"code,omitempty" doc:"Why it would be refused."`
	Field  string `json:"field,omitempty" doc:"What to correct."`
	Reason string `json:"reason,omitempty" doc:"In words."`
	Note   string `json:"note,omitempty" doc:"What would be kept otherwise than it was sent."`
}

func verdictOf(v ingest.Verdict) verdictTold {
	return verdictTold{string(v.Status), v.Code, v.Field, v.Reason, v.Note}
}

type rejectPut struct {
	ID   int64 `path:"id" doc:"Of the rejected record."`
	Body struct {
		Message map[string]any `json:"message" doc:"The record as it is to be."`
	}
}

// A patchStep is one step of a patch.
type patchStep struct {
	Op    string `json:"op" enum:"rename,set,drop,convert" doc:"What is done to the field. A step that does not fit a record leaves it alone."`
	Field string `json:"field" doc:"A path such as traits.status."`
	To    string `json:"to,omitempty" doc:"Of rename: the new path."`
	Value any    `json:"value,omitempty" doc:"Of set: the value."`
	As    string `json:"as,omitempty" enum:"number,integer,text,truth,date,lower" doc:"Of convert: what it is made."`
}

type rejectsMend struct {
	Body struct {
		Which rejectChoice `json:"which" doc:"Of those that are open."`
		Patch []patchStep  `json:"patch" minItems:"1" doc:"Carried out in order."`
	}
}

type rejectsPreview struct {
	Personal bool `query:"personal" doc:"With what is personal; needs the scope personal too."`
	Body     struct {
		Which rejectChoice `json:"which" doc:"Of those that are open; the newest five are shown."`
		Patch []patchStep  `json:"patch,omitempty" doc:"Carried out in order; none: as they stand."`
	}
}

type previewsTold struct {
	Total    int64        `json:"total" doc:"How many the patch would be tried on."`
	Previews []mendedTold `json:"previews" doc:"Of the newest five."`
}

type mendedTold struct {
	Reject  RejectTold      `json:"reject" doc:"As it stands."`
	After   json.RawMessage `json:"after,omitempty" doc:"The message as it would be."`
	Changed bool            `json:"changed" doc:"Whether that is anything else."`
	Verdict verdictTold     `json:"verdict" doc:"What the door would say of it then."`
}

type rejectsMove struct {
	Body struct {
		Which rejectChoice `json:"which" doc:"Which ones."`
	}
}

// A tallyTold says what became of many.
type tallyTold struct {
	Matched   int64 `json:"matched" doc:"That were found."`
	Changed   int64 `json:"changed" doc:"That were mended, dismissed or opened."`
	Accepted  int64 `json:"accepted" doc:"That were taken."`
	Late      int64 `json:"late" doc:"That were taken, about an earlier day."`
	Duplicate int64 `json:"duplicate" doc:"That were there already."`
	Rejected  int64 `json:"rejected" doc:"That were refused again: they stay open, with why."`
}

func tallyOf(t ingest.Tally) tallyTold { return tallyTold(t) }

func (a *resources) rejects() {
	const group = "Rejects"
	add(a, operation{http.MethodGet, "/rejects", "list-rejects", group, ingest.MayRead, "What was refused", ""}, a.listRejects)
	add(a, operation{http.MethodGet, "/rejects/{id}", "get-reject", group, ingest.MayRead, "One rejected record", ""}, a.reject)
	add(a, operation{http.MethodPut, "/rejects/{id}", "mend-reject", group, ingest.MayManage, "Mend one", "What was sent is kept beside it. Nothing is sent before it is replayed."}, a.mend)
	add(a, operation{http.MethodPost, "/rejects/preview", "preview-rejects", group, ingest.MayRead, "What a patch would make of many", "Changes nothing."}, a.previewRejects)
	add(a, operation{http.MethodPost, "/rejects/mend", "mend-rejects", group, ingest.MayManage, "Mend many by a patch", ""}, a.mendRejects)
	add(a, operation{http.MethodPost, "/rejects/replay", "replay-rejects", group, ingest.MayManage, "Send them through the door again",
		"Each under its own id, so that it counts once however often it is replayed. Those that are open."}, a.replayRejects)
	add(a, operation{http.MethodPost, "/rejects/dismiss", "dismiss-rejects", group, ingest.MayManage, "Put them aside", "Those that are open."}, a.moveRejects(ingest.RejectDismissed))
	add(a, operation{http.MethodPost, "/rejects/reopen", "reopen-rejects", group, ingest.MayManage, "Open dismissed ones again", ""}, a.moveRejects(ingest.RejectOpen))
}

// sourcesOf finds the sources of rejects, whose contracts say what is
// personal. One that nobody added is known by its name only.
func (a *resources) sourcesOf(ctx context.Context, list []ingest.Reject) (map[string]ingest.Source, error) {
	out := map[string]ingest.Source{}
	for _, j := range list {
		if _, ok := out[j.Source]; ok {
			continue
		}
		src, err := a.Sources.Source(ctx, j.Source)
		if err != nil && cairn.KindOf(err) != cairn.NotFound {
			return nil, err
		}
		out[j.Source] = src
	}
	return out, nil
}

func (a *resources) listRejects(ctx context.Context, by caller, in *rejectsAsked) (rejectsTold, error) {
	out := rejectsTold{Rejects: []RejectTold{}, Counts: []refusalCount{}}
	if err := by.mayPersonal(in.Personal); err != nil {
		return out, err
	}
	q := ingest.RejectQuery{Source: in.Source, Code: in.Code, Field: in.Field, Text: in.Text, Limit: in.Limit, State: ingest.RejectState(in.State)}
	if in.State == "any" {
		q.State, q.Any = "", true
	}
	var err error
	if q.From, q.To, err = span(in.Since, in.Until); err != nil {
		return out, err
	}
	if out.Total, err = a.Rejects.RefusedCount(ctx, by.Scope(), q); err != nil {
		return out, err
	}
	if in.Cursor != "" {
		if q.Before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil || q.Before < 1 {
			return out, cairn.Errorf(cairn.Invalid, "This is not the cursor of a page.").At("cursor")
		}
	}
	list, err := a.Rejects.Refused(ctx, by.Scope(), q)
	if err != nil {
		return out, err
	}
	sources, err := a.sourcesOf(ctx, list)
	if err != nil {
		return out, err
	}
	for _, j := range list {
		out.Rejects = append(out.Rejects, rejectOf(sources[j.Source], j, in.Personal))
	}
	if len(list) == in.Limit {
		out.Cursor = strconv.FormatInt(list[len(list)-1].ID, 10)
	}
	counts, err := a.Rejects.RejectCounts(ctx, by.Scope(), in.Source)
	out.Counts = refusalCounts(counts)
	return out, err
}

func (a *resources) reject(ctx context.Context, by caller, in *rejectAsked) (rejectShown, error) {
	var out rejectShown
	if err := by.mayPersonal(in.Personal); err != nil {
		return out, err
	}
	j, err := a.Rejects.Reject(ctx, by.Scope(), in.ID)
	if err != nil {
		return out, err
	}
	list := []ingest.Reject{j}
	verdicts, err := a.Rejects.Check(ctx, list)
	if err != nil {
		return out, err
	}
	sources, err := a.sourcesOf(ctx, list)
	out = rejectShown{rejectOf(sources[j.Source], j, in.Personal), verdictOf(verdicts[0])}
	if !in.Personal {
		out.Verdict.Reason = ingest.MaskReason(string(out.Message), out.Verdict.Reason)
	}
	return out, err
}

func (a *resources) mend(ctx context.Context, by caller, in *rejectPut) (rejectShown, error) {
	text, err := json.Marshal(in.Body.Message)
	if err != nil {
		return rejectShown{}, err
	}
	if err := a.Rejects.Mend(ctx, by.Actor, in.ID, string(text)); err != nil {
		return rejectShown{}, err
	}
	return a.reject(ctx, by, &rejectAsked{ID: in.ID})
}

func patchOf(steps []patchStep) ingest.Patch {
	p := make(ingest.Patch, len(steps))
	for i, s := range steps {
		p[i] = ingest.Step(s)
	}
	return p
}

func (a *resources) previewRejects(ctx context.Context, by caller, in *rejectsPreview) (previewsTold, error) {
	out := previewsTold{Previews: []mendedTold{}}
	if err := by.mayPersonal(in.Personal); err != nil {
		return out, err
	}
	q, err := in.Body.Which.query()
	if err != nil {
		return out, err
	}
	if out.Total, err = a.Rejects.RefusedCount(ctx, by.Scope(), q); err != nil {
		return out, err
	}
	q.Limit = 5
	list, err := a.Rejects.Preview(ctx, by.Scope(), q, patchOf(in.Body.Patch))
	if err != nil {
		return out, err
	}
	for _, p := range list {
		sources, err := a.sourcesOf(ctx, []ingest.Reject{p.Reject})
		if err != nil {
			return out, err
		}
		src := sources[p.Reject.Source]
		after := p.Reject
		after.Mended = p.After
		told := rejectOf(src, after, in.Personal)
		t := mendedTold{rejectOf(src, p.Reject, in.Personal), told.Message, p.Changed, verdictOf(p.Verdict)}
		if !in.Personal {
			t.Verdict.Reason = ingest.MaskReason(string(told.Message), t.Verdict.Reason)
		}
		out.Previews = append(out.Previews, t)
	}
	return out, nil
}

func (a *resources) mendRejects(ctx context.Context, by caller, in *rejectsMend) (tallyTold, error) {
	q, err := in.Body.Which.query()
	if err != nil {
		return tallyTold{}, err
	}
	t, err := a.Rejects.Apply(ctx, by.Actor, q, patchOf(in.Body.Patch))
	return tallyOf(t), err
}

func (a *resources) replayRejects(ctx context.Context, by caller, in *rejectsMove) (tallyTold, error) {
	q, err := in.Body.Which.query()
	if err != nil {
		return tallyTold{}, err
	}
	t, err := a.Rejects.Replay(ctx, by.Actor, q)
	return tallyOf(t), err
}

func (a *resources) moveRejects(to ingest.RejectState) func(context.Context, caller, *rejectsMove) (tallyTold, error) {
	return func(ctx context.Context, by caller, in *rejectsMove) (tallyTold, error) {
		q, err := in.Body.Which.query()
		if err != nil {
			return tallyTold{}, err
		}
		t, err := a.Rejects.Move(ctx, by.Actor, q, to)
		return tallyOf(t), err
	}
}
