package app

import (
	"context"

	"cairn"
	"cairn/internal/ingest"
)

// A RejectList is rejects, newest first and without what they contain, with
// how many there are and what was ever refused.
type RejectList struct {
	Rejects []ingest.Reject      `json:"rejects"`
	Total   int64                `json:"total"`
	Counts  []ingest.RejectCount `json:"counts"`
}

// Rejects lists what was refused.
var Rejects = Op[ingest.RejectQuery, RejectList]{"rejects", func(ctx context.Context, h House, q ingest.RejectQuery, _ func(Progress)) (out RejectList, err error) {
	if out.Rejects, err = h.Rejects.Refused(ctx, cairn.Everything, q); err != nil {
		return out, err
	}
	for i := range out.Rejects {
		if err := maskReject(ctx, h, &out.Rejects[i]); err != nil {
			return out, err
		}
		out.Rejects[i].Body, out.Rejects[i].Mended = "", ""
	}
	if out.Total, err = h.Rejects.RefusedCount(ctx, cairn.Everything, q); err != nil {
		return out, err
	}
	out.Counts, err = h.Rejects.RejectCounts(ctx, cairn.Everything, q.Source)
	return out, err
}}

// A RejectAsked names one reject. What is personal in it is shown only when
// asked for.
type RejectAsked struct {
	ID       int64 `json:"id"`
	Personal bool  `json:"personal"`
}

// A RejectShown is one reject with what the door would say of it now.
type RejectShown struct {
	Reject  ingest.Reject  `json:"reject"`
	Verdict ingest.Verdict `json:"verdict"`
}

// Reject shows one record that was refused.
var Reject = Op[RejectAsked, RejectShown]{"reject", func(ctx context.Context, h House, q RejectAsked, _ func(Progress)) (out RejectShown, err error) {
	if out.Reject, err = h.Rejects.Reject(ctx, cairn.Everything, q.ID); err != nil {
		return out, err
	}
	verdicts, err := h.Rejects.Check(ctx, []ingest.Reject{out.Reject})
	if err != nil {
		return out, err
	}
	out.Verdict = verdicts[0]
	if q.Personal {
		return out, nil
	}
	if err := maskReject(ctx, h, &out.Reject); err != nil {
		return out, err
	}
	out.Verdict.Reason = ingest.MaskReason(out.Reject.Text(), out.Verdict.Reason)
	return out, nil
}}

// maskReject hides what is personal in a reject.
func maskReject(ctx context.Context, h House, j *ingest.Reject) error {
	src, err := h.Sources.Source(ctx, j.Source)
	if err != nil && cairn.KindOf(err) != cairn.NotFound {
		return err
	}
	text := ingest.Mask(src, j.Text())
	j.Body = ingest.Mask(src, j.Body)
	j.Reason = ingest.MaskReason(j.Body, j.Reason)
	if j.Mended != "" {
		j.Mended = text
	}
	if a := j.Again; a != nil {
		j.Again = &ingest.Refused{At: a.At, Code: a.Code, Field: a.Field, Reason: ingest.MaskReason(text, a.Reason)}
	}
	return nil
}

// A RejectText is what one reject shall say.
type RejectText struct {
	ID   int64  `json:"id"`
	Text string `json:"text"` // a JSON object
}

// MendReject keeps the text of one reject as it was edited.
var MendReject = Op[RejectText, None]{"reject-mend", func(ctx context.Context, h House, t RejectText, _ func(Progress)) (None, error) {
	return None{}, h.Rejects.Mend(ctx, cairn.House, t.ID, t.Text)
}}

// A RejectPatch mends many rejects in the same way.
type RejectPatch struct {
	Query    ingest.RejectQuery `json:"query"`
	Patch    ingest.Patch       `json:"patch"`
	Preview  bool               `json:"preview"` // show the first ones and change nothing
	Personal bool               `json:"personal"`
}

// A RejectPatched is what a patch did, or would do.
type RejectPatched struct {
	Tally    ingest.Tally     `json:"tally"`
	Previews []ingest.Preview `json:"previews,omitempty"`
}

// PatchRejects mends what a query finds by a patch, or previews that.
var PatchRejects = Op[RejectPatch, RejectPatched]{"reject-patch", func(ctx context.Context, h House, p RejectPatch, _ func(Progress)) (out RejectPatched, err error) {
	if !p.Preview {
		out.Tally, err = h.Rejects.Apply(ctx, cairn.House, p.Query, p.Patch)
		return out, err
	}
	if out.Previews, err = h.Rejects.Preview(ctx, cairn.Everything, p.Query, p.Patch); err != nil || p.Personal {
		return out, err
	}
	for i := range out.Previews {
		v := &out.Previews[i]
		after := v.Reject
		after.Body = v.After
		if err := maskReject(ctx, h, &after); err != nil {
			return out, err
		}
		if err := maskReject(ctx, h, &v.Reject); err != nil {
			return out, err
		}
		v.After = after.Body
		v.Verdict.Reason = ingest.MaskReason(v.After, v.Verdict.Reason)
	}
	return out, nil
}}

// ReplayRejects sends what a query finds through the door again.
var ReplayRejects = Op[ingest.RejectQuery, ingest.Tally]{"reject-replay", func(ctx context.Context, h House, q ingest.RejectQuery, _ func(Progress)) (ingest.Tally, error) {
	return h.Rejects.Replay(ctx, cairn.House, q)
}}

// A RejectMove dismisses rejects, or opens them again.
type RejectMove struct {
	Query ingest.RejectQuery `json:"query"`
	To    ingest.RejectState `json:"to"`
}

// MoveRejects gives what a query finds another state.
var MoveRejects = Op[RejectMove, ingest.Tally]{"reject-move", func(ctx context.Context, h House, m RejectMove, _ func(Progress)) (ingest.Tally, error) {
	return h.Rejects.Move(ctx, cairn.House, m.Query, m.To)
}}
