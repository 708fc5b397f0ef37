package storetest

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// Bulk is the contract of ingest.BulkStore, and of a body that breaks off and
// goes on upon it.
func Bulk(t *testing.T, open Opener) {
	t.Run("RemembersHowFarABodyHasCome", func(t *testing.T) { bulkProgress(t, newWorld(t, open(t))) })
	t.Run("ABodyThatBrokeOffGoesOn", func(t *testing.T) { bulkResumed(t, newWorld(t, open(t))) })
}

func bulkProgress(t *testing.T, w *world) {
	ctx := t.Context()
	_, err := w.Bulk(ctx, "crm", "k")
	wantKind(t, err, cairn.NotFound)
	p := ingest.BulkProgress{Source: "crm", Key: "k", Lines: 500, Accepted: 400, Late: 50, Duplicate: 40, Rejected: 10, Begun: noon, Touched: noon, Sum: []byte{1, 2}}
	if err := w.SaveBulk(ctx, p, -1); err != nil {
		t.Fatal(err)
	}
	same(t, "as saved", p, must(w.Store.Bulk(ctx, "crm", "k"))(t))
	wantKind(t, w.SaveBulk(ctx, p, -1), cairn.Conflict)
	wantKind(t, w.SaveBulk(ctx, p, 499), cairn.Conflict)
	p.Lines, p.Done, p.Touched = 700, true, noon.Add(time.Minute)
	if err := w.SaveBulk(ctx, p, 500); err != nil {
		t.Fatal(err)
	}
	same(t, "as moved", p, must(w.Store.Bulk(ctx, "crm", "k"))(t))
	_, err = w.Store.Bulk(ctx, "shop", "k")
	wantKind(t, err, cairn.NotFound)
	other := ingest.BulkProgress{Source: "crm", Key: "later", Begun: noon, Touched: noon.AddDate(0, 0, 31)}
	if err := w.SaveBulk(ctx, other, -1); err != nil {
		t.Fatal(err)
	}
	_, err = w.Store.Bulk(ctx, "crm", "k")
	wantKind(t, err, cairn.NotFound) // forgotten after 30 days
}

// A cut body ends with an error after some bytes.
type cutBody struct {
	io.Reader
}

func (c cutBody) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func bulkResumed(t *testing.T, w *world) {
	ctx := t.Context()
	door := ingest.New(w.Store, func() time.Time { return noon })
	var body strings.Builder
	const lines = 2345
	for i := range lines {
		switch i % 5 {
		case 0:
			fmt.Fprintf(&body, `{"type":"track","event":"Saved","userId":"u-%d","messageId":"m-%d"}`+"\n", i%7, i)
		case 1:
			fmt.Fprintf(&body, `{"type":"track","event":"Saved","userId":"u-%d"}`+"\n", i%7) // neither id nor time
		case 2:
			fmt.Fprintf(&body, `{"type":"track","userId":"u-%d"}`+"\n", i) // refused
		case 3:
			fmt.Fprintf(&body, `{"type":"invoice","id":"i-%d","groupId":"acme","timestamp":"2026-03-01T00:00:00Z","traits":{"amount":"%d.50"}}`+"\n", i, i)
		case 4:
			body.WriteString("\n")
		}
	}
	text := body.String()
	run := func(from int64, r io.Reader) (ingest.BulkTotal, []ingest.BulkVerdict, error) {
		t.Helper()
		var got []ingest.BulkVerdict
		b := ingest.Bulk{Door: door, Store: w.Store, Source: ingest.Source{Name: "crm"}, Key: "k", From: from,
			Answer: func(v []ingest.BulkVerdict) error { got = append(got, v...); return nil }}
		total, err := b.Run(ctx, r)
		return total, got, err
	}
	first, verdicts, err := run(0, cutBody{strings.NewReader(text[:len(text)/2+7])})
	if err != nil || first.Done || first.Error == nil || first.Error.Kind != "invalid" || first.Next != first.Lines+1 {
		t.Fatalf("%+v %v", first, err)
	}
	last := int64(0)
	for _, v := range verdicts {
		if v.Line <= last {
			t.Fatalf("line %d is answered after line %d", v.Line, last)
		}
		last = v.Line
	}
	p := must(w.Store.Bulk(ctx, "crm", "k"))(t)
	same(t, "remembered", first.Lines, p.Lines)

	// A gap is refused, and so is another body under the same key.
	_, _, err = run(first.Next+1, strings.NewReader(""))
	wantKind(t, err, cairn.Conflict)
	_, _, err = run(0, strings.NewReader(strings.Replace(text, "u-0", "u-x", 1)))
	wantKind(t, err, cairn.Conflict)
	_, _, err = run(0, strings.NewReader("{}\n"))
	wantKind(t, err, cairn.Conflict)
	same(t, "nothing of them was taken", first.Lines, must(w.Store.Bulk(ctx, "crm", "k"))(t).Lines)

	// Some lines from where it broke off, then all of it again from the start.
	rest := strings.SplitAfter(text, "\n")
	second, verdicts, err := run(first.Next, strings.NewReader(strings.Join(rest[first.Lines:first.Lines+100], "")))
	if err != nil || !second.Done || second.Lines != first.Lines+100 {
		t.Fatalf("%+v %v", second, err)
	}
	if verdicts[0].Line != first.Next {
		t.Errorf("it went on at line %d, not %d", verdicts[0].Line, first.Next)
	}
	third, verdicts, err := run(0, strings.NewReader(text))
	if err != nil || !third.Done || third.Skipped != second.Lines || third.Lines != lines {
		t.Fatalf("%+v %v", third, err)
	}
	same(t, "answered the third time", int(lines-second.Lines)*4/5, len(verdicts))
	fourth, verdicts, err := run(0, strings.NewReader(text))
	if err != nil || len(verdicts) != 0 || fourth.Skipped != lines {
		t.Errorf("%+v %d %v", fourth, len(verdicts), err)
	}
	fourth.Skipped = third.Skipped
	same(t, "the same total", third, fourth)
	want := ingest.BulkTotal{Done: true, Lines: lines, Next: lines + 1, Skipped: second.Lines,
		Accepted: lines / 5 * 2, Late: lines / 5, Rejected: lines / 5}
	same(t, "total", want, third)
	same(t, "events", lines/5*3, Count(t, w.Store))
	same(t, "kept as rejected", int64(lines/5), must(w.RejectCounts(ctx, cairn.Everything, "crm"))(t)[0].Refused)
}
