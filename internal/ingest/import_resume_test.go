package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"cairn"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// An import that is broken off anywhere, and goes on where it said it was,
// ends as one that was not: also where rows have no id of their own and say
// the same as others, and where what was taken since is taken again.
func TestAnImportGoesOnWhereItWasBrokenOff(t *testing.T) {
	var text strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&text, `{"at":"2024-01-%02d","user":"zoe","account":"acme","event":"Clicked"`, 1+i%28)
		if i%3 == 0 {
			fmt.Fprintf(&text, `,"id":"e-%d"`, i)
		}
		if i%500 == 7 {
			text.WriteString(`,"at":"2099-01-01"`)
		}
		text.WriteString("}\n")
	}
	ids := func(m *memory) map[cairn.EventID]bool {
		out := map[cairn.EventID]bool{}
		for _, e := range m.all {
			out[e.ID] = true
		}
		return out
	}
	d, whole := newDoor()
	im := through(d)
	im.Kind = "events"
	want, err := im.Run(t.Context(), "f.ndjson", strings.NewReader(text.String()), nil)
	if err != nil || want.Read != 12_000 || want.Rejected != 24 {
		t.Fatalf("%+v, %v", want, err)
	}

	d, broken := newDoor()
	im = through(d)
	im.Kind = "events"
	admit, full := im.Admit, cairn.Errorf(cairn.Unavailable, "The disk is full.")
	calls := 0
	im.Admit = func(ctx context.Context, recs []Record) ([]Verdict, error) {
		if calls++; calls%3 == 0 {
			return nil, full
		}
		out, err := admit(ctx, recs)
		if calls%4 == 0 { // killed before it heard the answer
			return nil, full
		}
		return out, err
	}
	im.Reached = func(_ context.Context, m Mark) { im.From = m }
	var got Report
	for runs := 1; ; runs++ {
		was := im.From
		if got, err = im.Run(t.Context(), "f.ndjson", strings.NewReader(text.String()), nil); err == nil {
			break
		}
		if !errors.Is(err, full) || runs > 20 {
			t.Fatalf("run %d: %v", runs, err)
		}
		if im.From.Report.Read < was.Report.Read || im.From.Report.Read%importBatch != 0 {
			t.Fatalf("run %d: broken off at %+v, it goes on at %+v", runs, was, im.From)
		}
	}
	if d := cmp.Diff(ids(whole), ids(broken)); d != "" {
		t.Errorf("events of a whole import and of a broken one differ (-want +got)\n%s", d)
	}
	if got.Read != want.Read || got.Rejected < want.Rejected || got.Accepted+got.Duplicate != want.Accepted+want.Duplicate {
		t.Errorf("in the end there are %+v, want %+v", got, want)
	}

	im.From = Mark{Report{Read: 13_000}}
	if _, err := im.Run(t.Context(), "f.ndjson", strings.NewReader(text.String()), nil); cairn.KindOf(err) != cairn.Conflict {
		t.Errorf("a file that became shorter gives %v", err)
	}
}

func TestMessagesAreImportedAsTheyAre(t *testing.T) {
	const lines = `{"type":"track","messageId":"m1","userId":"zoe","event":"Clicked","timestamp":"2024-01-01T10:00:00Z","sentAt":"2024-01-01T10:00:05Z","context":{"groupId":"acme"}}
{"type":"track","messageId":"m1","userId":"zoe","event":"Clicked","timestamp":"2024-01-01T10:00:00Z","context":{"groupId":"acme"}}
{"type":"group","userId":"zoe","groupId":"acme","traits":{"name":"Acme"},"timestamp":"2024-01-01T10:00:00Z"}
{"type":"identify","userId":"zoe","traits":{"email":"zoe@acme.example"},"timestamp":"2024-01-02T10:00:00Z"}
{"type":"track","userId":"zoe","event":"Clicked","timestamp":"2024-01-03T10:00:00Z"}
{"type":"track","userId":"zoe","event":"Clicked"}
{"type":"bounce","userId":"zoe"}
{"type":"track","event":"Clicked","timestamp":"2024-01-03T10:00:00Z"}
[1]
`
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed)
	if err != nil {
		t.Fatal(err)
	}
	z.Write([]byte(lines))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	d, m := newDoor()
	im := through(d)
	im.Kind = Messages
	var refused []string
	im.Refused = func(r Refusal) { refused = append(refused, r.String()) }
	got, err := im.Run(t.Context(), "f.ndjson.zst", &packed, nil)
	if diff := cmp.Diff(Report{Read: 9, Accepted: 4, Duplicate: 1, Rejected: 4}, got); err != nil || diff != "" {
		t.Errorf("(-want +got)\n%s%v", diff, err)
	}
	want := []string{
		"row 6, column timestamp: The time is missing.",
		"row 7, column type: It must be one of ",
		"row 8, column userId: A userId or an anonymousId is needed.",
		"row 9: The line is not a JSON object.",
	}
	for i := range want {
		if i >= len(refused) || !strings.HasPrefix(refused[i], want[i]) {
			t.Errorf("refused are %q, want %q", refused, want)
			break
		}
	}
	if at := m.all[0].At; at.Hour() != 10 || at.Second() != 0 || at.Year() != 2024 {
		t.Errorf("when the message was sent moved it to %v", at)
	}
	again, err := im.Run(t.Context(), "f.ndjson", strings.NewReader(lines), nil)
	if err != nil || again.Accepted != 0 || again.Duplicate != 5 {
		t.Errorf("imported again: %+v, %v", again, err)
	}
	im.Mapping = &Mapping{}
	if _, err := im.Run(t.Context(), "f.ndjson", strings.NewReader(lines), nil); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("with a mapping: %v", err)
	}
	im.Mapping = nil
	if _, err := im.Run(t.Context(), "f.csv", strings.NewReader("a,b\n1,2\n"), nil); cairn.KindOf(err) != cairn.Invalid {
		t.Errorf("out of a table: %v", err)
	}
}
