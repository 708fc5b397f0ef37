package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// Rejects is the contract of ingest.Rejects, and of a Mender upon it.
func Rejects(t *testing.T, open Opener) {
	t.Run("TheNewestAreKeptAndTheOthersCounted", func(t *testing.T) { rejectsKept(t, newWorld(t, open(t))) })
	t.Run("AreFoundByWhatIsKnownOfThem", func(t *testing.T) { rejectsFound(t, newWorld(t, open(t))) })
	t.Run("AreMendedAndReplayedOnce", func(t *testing.T) { rejectsReplayed(t, newWorld(t, open(t))) })
	t.Run("ManyAreMendedByOnePatch", func(t *testing.T) { rejectsPatched(t, newWorld(t, open(t))) })
	t.Run("AreDismissedAndOpenedAgain", func(t *testing.T) { rejectsDismissed(t, newWorld(t, open(t))) })
}

// refuse has n records of a source refused, whose messages say their number.
func (w *world) refuse(source, code, field string, n int) {
	w.Helper()
	var rs []ingest.Reject
	for i := range n {
		rs = append(rs, ingest.Reject{Source: source, State: ingest.RejectOpen, Seen: noon, Index: i, Code: code, Field: field,
			Reason: "unreadable", Body: fmt.Sprintf(`{"n":%d}`, i)})
	}
	if err := w.Arrived(w.Context(), ingest.Arrival{Source: source, Hour: noon, Rejected: int64(n), Last: noon}, rs); err != nil {
		w.Fatal(err)
	}
}

func rejectsKept(t *testing.T, w *world) {
	ctx := t.Context()
	w.KeepRejects(1000)
	w.refuse("crm", "missing", "at", 2)
	w.refuse("import", "missing", "at", 900)
	w.refuse("import", "not_a_date", "at", 103)
	got := must(w.Refused(ctx, cairn.Everything, ingest.RejectQuery{Source: "import", Limit: 1000}))(t)
	if len(got) != 1000 {
		t.Fatalf("%d rejects are kept", len(got))
	}
	same(t, "the newest", ingest.Reject{ID: got[0].ID, Source: "import", State: ingest.RejectOpen, Seen: noon, Index: 102, Code: "not_a_date", Field: "at",
		Reason: "unreadable", Body: `{"n":102}`}, got[0])
	same(t, "the oldest", 3, got[999].Index)
	for i := 1; i < len(got); i++ {
		if got[i].ID >= got[i-1].ID {
			t.Fatalf("reject %d does not come before the one that is older", i)
		}
	}
	want := []ingest.RejectCount{
		{Source: "import", Code: "missing", Field: "at", Refused: 900, Evicted: 3, Last: noon},
		{Source: "import", Code: "not_a_date", Field: "at", Refused: 103, Last: noon},
	}
	same(t, "counts", want, must(w.RejectCounts(ctx, cairn.Everything, "import"))(t))

	// What is closed makes room first, and nobody counts it as lost.
	if err := w.CloseRejects(ctx, author, noon, []ingest.Closing{{ID: got[0].ID, State: ingest.RejectDismissed}}); err != nil {
		t.Fatal(err)
	}
	w.refuse("import", "not_a_date", "at", 1)
	counts := must(w.RejectCounts(ctx, cairn.Everything, "import"))(t)
	same(t, "evicted while a closed one was there", int64(3), counts[0].Evicted)
	same(t, "dismissed for ever", int64(1), counts[1].Dismissed)
	for _, n := range []int{1500, 1000} {
		w.refuse("flood", "missing", "", n)
		same(t, "kept of a flood", int64(1000), must(w.RefusedCount(ctx, cairn.Everything, ingest.RejectQuery{Source: "flood"}))(t))
	}
	flood := must(w.RejectCounts(ctx, cairn.Everything, "flood"))(t)[0]
	same(t, "counts of a flood", ingest.RejectCount{Source: "flood", Code: "missing", Refused: 2500, Evicted: 1500, Last: noon}, flood)
	same(t, "open of a flood", int64(1000), flood.Open())

	same(t, "of another source", 2, len(must(w.Rejects(ctx, cairn.Everything, "crm", 0))(t)))
	same(t, "of all", "flood", must(w.Rejects(ctx, cairn.Everything, "", 1))(t)[0].Source)
	for _, scope := range []cairn.Scope{{}, only("a1")} {
		same(t, "rejects in a scope", 0, len(must(w.Rejects(ctx, scope, "", 0))(t)))
		same(t, "counts in a scope", 0, len(must(w.RejectCounts(ctx, scope, ""))(t)))
		same(t, "a count in a scope", int64(0), must(w.RefusedCount(ctx, scope, ingest.RejectQuery{}))(t))
	}
	long := ingest.Reject{Source: "long", State: ingest.RejectOpen, Seen: noon, Body: strings.Repeat("x", 40<<10)}
	if err := w.Arrived(ctx, ingest.Arrival{Source: "long", Hour: noon}, []ingest.Reject{long}); err != nil {
		t.Fatal(err)
	}
	same(t, "bytes of a long body", 32<<10, len(must(w.Rejects(ctx, cairn.Everything, "long", 0))(t)[0].Body))
}

func rejectsFound(t *testing.T, w *world) {
	ctx := t.Context()
	put := func(seen time.Time, code, field, body string) {
		t.Helper()
		r := ingest.Reject{Source: "crm", State: ingest.RejectOpen, Seen: seen, Code: code, Field: field, Body: body}
		if err := w.Arrived(ctx, ingest.Arrival{Source: "crm", Hour: noon, Rejected: 1, Last: seen}, []ingest.Reject{r}); err != nil {
			t.Fatal(err)
		}
	}
	put(days(3), "missing", "event", `{"userId":"ANN"}`)
	put(days(2), "missing", "userId", `{"event":"x"}`)
	put(days(1), "not_a_date", "timestamp", `{"userId":"bob"}`)
	for i := range 450 { // more than one page is read to find a text
		put(days(1), "too_large", "", fmt.Sprintf(`{"i":%d}`, i))
	}
	all := must(w.Refused(ctx, cairn.Everything, ingest.RejectQuery{Source: "crm", Limit: 1000}))(t)
	same(t, "all", 453, len(all))
	for _, c := range []struct {
		name string
		q    ingest.RejectQuery
		want int64
	}{
		{"code", ingest.RejectQuery{Code: "missing"}, 2},
		{"field", ingest.RejectQuery{Field: "timestamp"}, 1},
		{"from", ingest.RejectQuery{From: days(2)}, 452},
		{"to", ingest.RejectQuery{To: days(2)}, 1},
		{"text in any case", ingest.RejectQuery{Text: "ann"}, 1},
		{"a text far back", ingest.RejectQuery{Text: `"event":"x"`}, 1},
		{"a text that is nowhere", ingest.RejectQuery{Text: "zoe"}, 0},
		{"ids", ingest.RejectQuery{IDs: []int64{all[0].ID, all[452].ID}}, 2},
		{"another source", ingest.RejectQuery{Source: "shop"}, 0},
		{"closed", ingest.RejectQuery{State: ingest.RejectDismissed}, 0},
		{"in any state", ingest.RejectQuery{Any: true}, 453},
	} {
		same(t, c.name, c.want, must(w.RefusedCount(ctx, cairn.Everything, c.q))(t))
		c.q.Limit = 1000
		same(t, c.name+", listed", int(c.want), len(must(w.Refused(ctx, cairn.Everything, c.q))(t)))
	}
	q := ingest.RejectQuery{Source: "crm", Limit: 100}
	seen := map[int64]bool{}
	for {
		page := must(w.Refused(ctx, cairn.Everything, q))(t)
		for _, j := range page {
			if seen[j.ID] {
				t.Fatalf("reject %d is on two pages", j.ID)
			}
			seen[j.ID] = true
		}
		if len(page) < q.Limit {
			break
		}
		q.Before = page[len(page)-1].ID
	}
	same(t, "page by page", 453, len(seen))
	_, err := w.Refused(ctx, cairn.Everything, ingest.RejectQuery{IDs: make([]int64, 1001)})
	wantKind(t, err, cairn.Invalid)
}

// mender is one over the world's store, at noon.
func (w *world) mender() *ingest.Mender {
	door := ingest.New(w.Store, func() time.Time { return noon })
	return &ingest.Mender{Rejects: w.Store, Door: door, Source: w.Source}
}

// send gives a request of the Segment HTTP API to the door.
func (w *world) send(m *ingest.Mender, call, body string) []ingest.Verdict {
	w.Helper()
	e, err := ingest.ReadSegment(call, []byte(body))
	if err != nil {
		w.Fatal(err)
	}
	v, err := m.Door.Admit(w.Context(), ingest.Source{Name: "shop"}, e.Records(m.Door.Now()))
	if err != nil {
		w.Fatal(err)
	}
	return v
}

func rejectsReplayed(t *testing.T, w *world) {
	ctx := t.Context()
	m := w.mender()
	w.send(m, "batch", `{"sentAt":"2026-03-15T11:00:00Z","context":{"groupId":"acme"},"batch":[
		{"type":"track","userId":"ann","event":"","messageId":"m-1","timestamp":"2026-03-15T10:00:00Z"},
		{"type":"track","userId":"ann"}]}`)
	w.send(m, "group", `{"groupId":"acme","traits":{"seats":"many"},"messageId":"m-2","timestamp":"2026-03-15T10:00:00Z","writeKey":"wk_secret"}`)
	open := must(w.Refused(ctx, cairn.Everything, ingest.RejectQuery{Source: "shop"}))(t)
	same(t, "refused", 3, len(open))
	for _, j := range open {
		if strings.Contains(j.Body, "wk_secret") {
			t.Errorf("a key is kept: %s", j.Body)
		}
	}
	before := Count(t, w.Store)

	// As it is, it is refused again: it stays open and is not counted anew.
	tally := must(m.Replay(ctx, author, ingest.RejectQuery{Source: "shop"}))(t)
	same(t, "as they are", ingest.Tally{Matched: 3, Rejected: 3}, tally)
	open = must(w.Refused(ctx, cairn.Everything, ingest.RejectQuery{Source: "shop"}))(t)
	same(t, "refused again", 3, len(open))
	if a := open[0].Again; a == nil || a.Field != "seats" || a.Code != ingest.CodeNumber {
		t.Errorf("why it was refused again: %+v", a)
	}
	counts := must(w.RejectCounts(ctx, cairn.Everything, "shop"))(t)
	same(t, "counts", 2, len(counts))
	same(t, "the most first", int64(2), counts[0].Refused)

	texts := []string{
		`{"type":"group","groupId":"acme","traits":{"seats":12},"messageId":"m-2","timestamp":"2026-03-15T10:00:00Z"}`,
		strings.Replace(open[1].Body, `"userId"`, `"event":"Saved","userId"`, 1),
		strings.Replace(open[2].Body, `"event":""`, `"event":"Saved"`, 1),
	}
	for i, text := range texts {
		if err := m.Mend(ctx, author, open[i].ID, text); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, m.Mend(ctx, author, open[0].ID, "nonsense"), cairn.Invalid)
	mended := must(m.Reject(ctx, cairn.Everything, open[0].ID))(t)
	same(t, "as sent", open[0].Body, mended.Body)
	same(t, "as mended", texts[0], mended.Mended)
	check := must(m.Check(ctx, []ingest.Reject{mended}))(t)
	same(t, "what the door would say", ingest.Accepted, check[0].Status)
	same(t, "nothing was admitted by checking", before, Count(t, w.Store))

	// The sender corrected itself meanwhile and sent the last one again.
	w.send(m, "batch", `{"sentAt":"2026-03-15T12:00:00Z","context":{"groupId":"acme"},"batch":[
		{"type":"track","userId":"ann","event":"Saved","messageId":"m-1","timestamp":"2026-03-15T10:00:00Z"}]}`)
	tally = must(m.Replay(ctx, author, ingest.RejectQuery{Source: "shop"}))(t)
	same(t, "mended", ingest.Tally{Matched: 3, Accepted: 2, Duplicate: 1}, tally)
	same(t, "events", before+3, Count(t, w.Store))
	done := must(w.Refused(ctx, cairn.Everything, ingest.RejectQuery{State: ingest.RejectReplayed}))(t)
	same(t, "replayed", 3, len(done))
	same(t, "what became of the last", ingest.Duplicate, done[2].Outcome)
	for _, j := range done {
		if j.By != author.Name || !j.Closed.Equal(noon) || j.Event.IsZero() || j.Again != nil {
			t.Errorf("%+v", j)
		}
	}
	// The sender's clock was an hour slow: it is corrected as it would have been.
	for _, e := range everything(t, w.Store) {
		if e.Kind == cairn.Track && !e.Stamp.Equal(noon) && !e.At.Equal(noon.Add(-time.Hour)) && !e.At.Equal(noon.Add(-2*time.Hour)) {
			t.Errorf("an event at %s", e.At)
		}
		if e.Kind == cairn.Track && e.Keys.Account != "acme" {
			t.Errorf("the batch's account is lost: %+v", e.Keys)
		}
	}
	same(t, "again", ingest.Tally{}, must(m.Replay(ctx, author, ingest.RejectQuery{Source: "shop"}))(t))
	wantKind(t, m.Mend(ctx, author, done[0].ID, texts[0]), cairn.Conflict)
	_, err := m.Reject(ctx, cairn.Everything, 999_999)
	wantKind(t, err, cairn.NotFound)
	_, err = m.Replay(ctx, cairn.Actor{}, ingest.RejectQuery{})
	wantKind(t, err, cairn.Forbidden)
	wantKind(t, w.MendRejects(ctx, cairn.Actor{}, nil), cairn.Forbidden)
	wantKind(t, w.CloseRejects(ctx, cairn.Actor{}, noon, nil), cairn.Forbidden)
}

func rejectsPatched(t *testing.T, w *world) {
	ctx := t.Context()
	m := w.mender()
	const many = 1203
	var batch []string
	for i := range many {
		batch = append(batch, fmt.Sprintf(`{"type":"contract","id":"c-%d","groupId":"acme","traits":{"MRR":"1.204,50 €","mrr":"","status":"running"},"timestamp":"2026-03-01T00:00:00Z"}`, i))
	}
	for len(batch) > 0 {
		n := min(1000, len(batch))
		w.send(m, "batch", `{"batch":[`+strings.Join(batch[:n], ",")+`]}`)
		batch = batch[n:]
	}
	q := ingest.RejectQuery{Source: "shop", Code: ingest.CodeValue, Field: "status"}
	same(t, "refused", int64(many), must(w.RefusedCount(ctx, cairn.Everything, q))(t))
	p := ingest.Patch{
		{Op: "set", Field: "traits.status", Value: "active"}, {Op: "drop", Field: "traits.mrr"},
		{Op: "rename", Field: "traits.MRR", To: "traits.mrr"}, {Op: "convert", Field: "traits.mrr", As: "number"},
	}
	same(t, "mended", ingest.Tally{Matched: many, Changed: many}, must(m.Apply(ctx, author, q, p))(t))
	same(t, "a step that changes nothing", ingest.Tally{Matched: many}, must(m.Apply(ctx, author, q, p[:1]))(t))
	_, err := m.Apply(ctx, author, q, nil)
	wantKind(t, err, cairn.Invalid)
	same(t, "replayed", ingest.Tally{Matched: many, Late: many}, must(m.Replay(ctx, author, q))(t))
	same(t, "contracts", many, Count(t, w.Store))
	c := must(w.RejectCounts(ctx, cairn.Everything, "shop"))(t)[0]
	same(t, "counts", ingest.RejectCount{Source: "shop", Code: ingest.CodeValue, Field: "status", Refused: many, Replayed: many, Last: noon}, c)
}

func rejectsDismissed(t *testing.T, w *world) {
	ctx := t.Context()
	m := w.mender()
	w.refuse("crm", "missing", "at", 700)
	w.refuse("crm", "too_large", "", 3)
	q := ingest.RejectQuery{Source: "crm", Code: "missing"}
	same(t, "dismissed", ingest.Tally{Matched: 700, Changed: 700}, must(m.Move(ctx, author, q, ingest.RejectDismissed))(t))
	same(t, "open", int64(3), must(w.RefusedCount(ctx, cairn.Everything, ingest.RejectQuery{}))(t))
	same(t, "not replayed", ingest.Tally{}, must(m.Replay(ctx, author, q))(t))
	same(t, "dismissed for ever", int64(700), must(w.RejectCounts(ctx, cairn.Everything, "crm"))(t)[0].Dismissed)
	same(t, "opened", ingest.Tally{Matched: 700, Changed: 700}, must(m.Move(ctx, author, q, ingest.RejectOpen))(t))
	same(t, "none is dismissed", int64(0), must(w.RejectCounts(ctx, cairn.Everything, "crm"))(t)[0].Dismissed)
	same(t, "open again", int64(703), must(w.RefusedCount(ctx, cairn.Everything, ingest.RejectQuery{}))(t))
	_, err := m.Move(ctx, author, q, ingest.RejectReplayed)
	wantKind(t, err, cairn.Invalid)
}
