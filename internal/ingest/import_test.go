package ingest

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"cairn"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func number(s string) json.Number { return json.Number(s) }

// acceptAll answers as a door that takes whatever could be read.
func acceptAll(_ context.Context, recs []Record) ([]Verdict, error) {
	out := make([]Verdict, len(recs))
	for i, r := range recs {
		out[i] = Verdict{Index: r.Index, Status: Accepted}
		if r.Problem != nil {
			out[i] = Verdict{Index: r.Index, Status: Rejected, Field: r.Problem.Field, Reason: r.Problem.Text}
		}
	}
	return out, nil
}

// through returns an importer that gives its records to a door.
func through(d *Door) Importer {
	return Importer{Now: now, Admit: func(ctx context.Context, recs []Record) ([]Verdict, error) {
		return d.Admit(ctx, Source{Name: "import", File: true}, recs)
	}}
}

// A buffer is a file of rejects in memory.
type buffer struct {
	bytes.Buffer
	ext    string
	closed bool
}

func (b *buffer) Close() error { b.closed = true; return nil }

func (b *buffer) open(ext string) (io.WriteCloser, string, error) {
	b.ext = ext
	return b, "f.rejects." + ext, nil
}

func TestASecondImportChangesNothing(t *testing.T) {
	b, err := os.ReadFile("../../mappings/nova.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/import/nova.csv")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range []*Mapping{mapping(t, string(b)), nil} {
		d, store := newDoor()
		im := through(d)
		im.Kind, im.Mapping = "events", m
		first, err := im.Run(t.Context(), "nova.csv", bytes.NewReader(text), nil)
		if d := cmp.Diff(Report{Read: 200, Accepted: 200}, first); d != "" || err != nil {
			t.Errorf("first (-want +got)\n%s%v", d, err)
		}
		// As a gzip, and later.
		d.Now = func() time.Time { return now.AddDate(0, 1, 0) }
		second, err := im.Run(t.Context(), "nova.csv.gz", strings.NewReader(zipped(string(text))), nil)
		if d := cmp.Diff(Report{Read: 200, Duplicate: 200}, second); d != "" || err != nil {
			t.Errorf("second (-want +got)\n%s%v", d, err)
		}
		if len(store.all) != 200 {
			t.Errorf("%d events", len(store.all))
		}
	}
}

func TestRowsWithoutAnIdAreKnownByContentAndPlaceAmongEqualOnes(t *testing.T) {
	d, store := newDoor()
	im := through(d)
	im.Kind = "events"
	run := func(text string, want Report) {
		t.Helper()
		got, err := im.Run(t.Context(), "f.csv", strings.NewReader(text), nil)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("(-want +got)\n%s%v", d, err)
		}
	}
	run("at,user,event\n2024-01-01,zoe,Clicked\n2024-01-01,zoe,Clicked\n2024-01-01,max,Clicked\n", Report{Read: 3, Accepted: 3})
	run("at,user,event\n2024-01-01,zoe,Clicked\n2024-01-01,zoe,Clicked\n2024-01-01,max,Clicked\n", Report{Read: 3, Duplicate: 3})
	// In another order, with the columns in another order, and grown by a third equal row.
	run("event,user,at\nClicked,max,2024-01-01\nClicked,zoe,2024-01-01\nClicked,zoe,2024-01-01\nClicked,zoe,2024-01-01\n", Report{Read: 4, Duplicate: 3, Accepted: 1})
	if len(store.all) != 4 {
		t.Errorf("%d events", len(store.all))
	}
}

func TestRowsWithoutATimeAreRecognisedHoweverMuchLater(t *testing.T) {
	d, store := newDoor()
	im := through(d)
	im.Kind = "accounts"
	for i, want := range []Report{{Read: 1, Accepted: 1}, {Read: 1, Duplicate: 1}} {
		got, err := im.Run(t.Context(), "f.csv", strings.NewReader("id,name\nacme,Acme\n"), nil)
		if d := cmp.Diff(want, got); d != "" || err != nil {
			t.Errorf("run %d (-want +got)\n%s%v", i, d, err)
		}
		d.Now = func() time.Time { return now.AddDate(1, 0, 0) }
	}
	if e := store.all[0]; !e.At.Equal(now) || e.Stamp.IsZero() {
		t.Errorf("at %v, stamp %v: the stamp is what the memory of ids goes by", e.At, e.Stamp)
	}
	im.AsOf = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	if _, err := im.Run(t.Context(), "f.csv", strings.NewReader("id,name\nbeta,Beta\n"), nil); err != nil {
		t.Fatal(err)
	}
	if e := store.all[1]; !e.At.Equal(im.AsOf) {
		t.Errorf("at %v", e.At)
	}
}

func TestTheIdsOfRowsDependOnNothingButTheFile(t *testing.T) {
	cell := rapid.StringMatching(`[a-c ]{0,2}`)
	rapid.Check(t, func(t *rapid.T) {
		header := []string{"at", "event", "user", "x", "y"}
		var rows [][]string
		for range rapid.IntRange(1, 20).Draw(t, "rows") {
			rows = append(rows, []string{"2024-01-01", "Clicked", "zoe", cell.Draw(t, "x"), cell.Draw(t, "y")})
		}
		turn := rapid.Permutation([]int{0, 1, 2, 3, 4}).Draw(t, "order of columns")
		comma := rapid.SampledFrom([]rune{',', ';', '\t'}).Draw(t, "separator")
		write := func(turn []int, comma rune) string {
			var b strings.Builder
			w := csv.NewWriter(&b)
			w.Comma = comma
			for _, r := range append([][]string{header}, rows...) {
				turned := make([]string, len(r))
				for i, j := range turn {
					turned[i] = r[j]
				}
				if err := w.Write(turned); err != nil {
					t.Fatal(err)
				}
			}
			w.Flush()
			return b.String()
		}
		ids := func(text string) (out []string) {
			im := Importer{Kind: "events", Admit: func(ctx context.Context, recs []Record) ([]Verdict, error) {
				for _, r := range recs {
					out = append(out, r.ID)
				}
				return acceptAll(ctx, recs)
			}}
			if _, err := im.Run(context.Background(), "f.csv", strings.NewReader(text), nil); err != nil {
				t.Fatal(err)
			}
			return out
		}
		want := ids(write([]int{0, 1, 2, 3, 4}, ','))
		if d := cmp.Diff(want, ids(write(turn, comma))); d != "" {
			t.Fatalf("(-want +got)\n%s", d)
		}
		seen := map[string]bool{}
		for _, id := range want {
			if seen[id] {
				t.Fatalf("id %s twice", id)
			}
			seen[id] = true
		}
	})
}

func TestRejectedRowsCanBeMendedAndImportedAgain(t *testing.T) {
	d, store := newDoor()
	im := through(d)
	im.Kind = "events"
	var rejects buffer
	im.Rejects = rejects.open
	text := "id;at;user;event;note\n" +
		"1;2024-01-01;zoe;Clicked;\"two\nlines; and \"\"quotes\"\"\"\n" +
		"2;01/02/2024;zoe;Clicked;ambiguous\n" +
		"3;2024-01-01;zoe;;no name\n" +
		"4;2099-01-01;zoe;Clicked;to come\n" +
		"5;2024-01-01;;Clicked;nobody\n" +
		"6;2024-01-01;zoe\n" +
		"7;2024-01-01;zoe;Clicked;\n"
	got, err := im.Run(t.Context(), "f.csv", strings.NewReader(text), nil)
	if d := cmp.Diff(Report{Read: 7, Accepted: 2, Rejected: 5, Rejects: "f.rejects.csv"}, got); d != "" || err != nil {
		t.Fatalf("(-want +got)\n%s%v", d, err)
	}
	if !rejects.closed {
		t.Error("the file of rejects was left open")
	}
	want := "id;at;user;event;note;_row;_field;_reason;_row_key\n" +
		"2;01/02/2024;zoe;Clicked;ambiguous;3;at;\"\"\"01/02/2024\"\" could be day first or month first. Say which in a mapping: date: dmy, or date: mdy.\"\n" +
		"3;2024-01-01;zoe;;no name;4;event;An event needs a name.\n" +
		"4;2099-01-01;zoe;Clicked;to come;5;at;The time lies in the future.\n" +
		"5;2024-01-01;;Clicked;nobody;6;keys;An account, a person, a visitor or a record must be named.\n" +
		"6;2024-01-01;zoe;;;;7;;The row has 3 cells and the header has 5.\n"
	want = strings.Replace(want, "6;2024-01-01;zoe;;;;7;;", "\"6;2024-01-01;zoe\";;;;;7;;", 1)
	got1 := regexp.MustCompile(`(?m);([0-9a-f]{64}-0)?$`).ReplaceAllString(rejects.String(), "")
	if d := cmp.Diff(want, got1); d != "" {
		t.Errorf("(-want +got)\n%s", d)
	}
	mended := strings.NewReplacer("01/02/2024;", "2024-02-01;", "zoe;;no name", "zoe;Clicked;no name", "2099-", "2019-",
		";;Clicked;nobody", ";max;Clicked;nobody", "\"6;2024-01-01;zoe\";;;;", "6;2024-01-01;zoe;Clicked;").Replace(rejects.String())
	again, err := im.Run(t.Context(), "f.csv.rejects.csv", strings.NewReader(mended), nil)
	if d := cmp.Diff(Report{Read: 5, Accepted: 5}, again); d != "" || err != nil {
		t.Errorf("(-want +got)\n%s%v", d, err)
	}
	for _, e := range store.all {
		if strings.Contains(string(e.Props)+string(e.Personal), "_reason") {
			t.Errorf("a remark became a property: %s", e.Props)
		}
	}
	if len(store.rejects) != 5 || len(store.all) != 7 {
		t.Errorf("the door keeps %d rejects and %d events", len(store.rejects), len(store.all))
	}
}

func TestRejectedJSONLinesCanBeMendedAndImportedAgain(t *testing.T) {
	d, _ := newDoor()
	im := through(d)
	im.Kind = "events"
	var rejects buffer
	im.Rejects = rejects.open
	text := `{"id":"1","at":"2024-01-01","userId":"zoe","event":"Clicked","n":2}
{"id":"2","at":"02.01.2024","userId":"zoe","event":"Clicked","deep":{"big":12345678901234567890}}
{"id":"3",
`
	got, err := im.Run(t.Context(), "f.ndjson", strings.NewReader(text), nil)
	if d := cmp.Diff(Report{Read: 3, Accepted: 1, Rejected: 2, Rejects: "f.rejects.ndjson"}, got); d != "" || err != nil {
		t.Fatalf("(-want +got)\n%s%v", d, err)
	}
	lines := strings.Split(rejects.String(), "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], "12345678901234567890") || !strings.Contains(lines[1], `"_line":"{\"id\":\"3\","`) {
		t.Errorf("got %q", lines)
	}
	again, err := im.Run(t.Context(), "f.ndjson", strings.NewReader(strings.Replace(lines[0], "02.01.2024", "2024-01-02", -1)), nil)
	if d := cmp.Diff(Report{Read: 1, Accepted: 1}, again); d != "" || err != nil {
		t.Errorf("(-want +got)\n%s%v", d, err)
	}
}

func TestARowIsFoundThroughItsContract(t *testing.T) {
	d, store := newDoor()
	im := through(d)
	im.Kind = "contracts"
	if _, err := im.Run(t.Context(), "c.csv", strings.NewReader("contract,account,mrr,start\nc1,acme,10,2024-01-01\n"), nil); err != nil {
		t.Fatal(err)
	}
	im.Mapping = mapping(t, "kind: events\nat: day\nevent: what\nn: times\nvia: {kind: contract, key: contract}")
	im.Kind = ""
	got, err := im.Run(t.Context(), "u.csv", strings.NewReader("contract,day,what,times\nc1,2024-01-02,Used,9\nc1,2024-01-02,Used,0\nc9,2024-01-02,Used,1\n"), nil)
	if d := cmp.Diff(Report{Read: 3, Accepted: 1, Rejected: 1, Skipped: 1}, got); d != "" || err != nil {
		t.Fatalf("(-want +got)\n%s%v", d, err)
	}
	if e := store.all[1]; e.Keys.Account != "acme" || e.N != 9 {
		t.Errorf("account %q, n %d", e.Keys.Account, e.N)
	}
}

func TestCheckSaysWhatWouldHappenAndWritesNothing(t *testing.T) {
	d, store := newDoor()
	im := Importer{Kind: "events", Now: now, Admit: func(ctx context.Context, recs []Record) ([]Verdict, error) {
		return d.Check(ctx, Source{Name: "import", File: true}, recs)
	}}
	got, err := im.Run(t.Context(), "f.csv", strings.NewReader("at,user,event\n2024-01-01,zoe,Clicked\n2099-01-01,zoe,Clicked\n,zoe,Clicked\n"), nil)
	if d := cmp.Diff(Report{Read: 3, Accepted: 1, Rejected: 2}, got); d != "" || err != nil {
		t.Errorf("(-want +got)\n%s%v", d, err)
	}
	if len(store.all)+len(store.rejects)+len(store.arrivals) != 0 {
		t.Errorf("something was written: %d events, %d rejects, %d arrivals", len(store.all), len(store.rejects), len(store.arrivals))
	}
}

func TestRecordsReachTheDoorInBatchesAndAFailureStops(t *testing.T) {
	var text strings.Builder
	text.WriteString("id,at,user,event\n")
	for i := range 5000 {
		fmt.Fprintf(&text, "%d,2024-01-01,zoe,Clicked\n", i)
	}
	var sizes []int
	full := cairn.Errorf(cairn.Unavailable, "The disk is full.")
	var told int64
	im := Importer{Kind: "events", Admit: func(ctx context.Context, recs []Record) ([]Verdict, error) {
		sizes = append(sizes, len(recs))
		if len(sizes) == 3 {
			return nil, full
		}
		return acceptAll(ctx, recs)
	}}
	got, err := im.Run(t.Context(), "f.csv", strings.NewReader(text.String()), func(n int64) { told = n })
	if d := cmp.Diff(Report{Read: 5000, Accepted: 4000}, got); d != "" || !errors.Is(err, full) {
		t.Errorf("(-want +got)\n%s%v", d, err)
	}
	if d := cmp.Diff([]int{importBatch, importBatch, 1000}, sizes); d != "" || told != int64(text.Len()) {
		t.Errorf("(-want +got)\n%s%d bytes told", d, told)
	}
}

func TestAnImportStopsWhenItIsToldTo(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	im := Importer{Kind: "accounts", Admit: acceptAll}
	if _, err := im.Run(ctx, "f.csv", strings.NewReader("id\n1\n"), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func BenchmarkImport(b *testing.B) {
	text, err := os.ReadFile("testdata/import/nova.csv")
	if err != nil {
		b.Fatal(err)
	}
	yaml, err := os.ReadFile("../../mappings/nova.yaml")
	if err != nil {
		b.Fatal(err)
	}
	im := Importer{Mapping: mapping(b, string(yaml)), Admit: acceptAll}
	for b.Loop() {
		if _, err := im.Run(b.Context(), "nova.csv", bytes.NewReader(text), nil); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(200*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// A row makes a person and an event. The event is refused and the person is
// taken; when the row is mended only the event is new, also in a copy of the
// file that has only this row.
func TestAMendedRowOfSeveralRecordsAddsOnlyWhatWasRefused(t *testing.T) {
	for _, c := range []struct{ name, text, bad, good string }{
		{"f.csv", "at,user,event,role\n2024-01-01,zoe,Clicked,admin\n2024-01-01,max,Clicked,user\n2099-01-01,max,Clicked,user\n", "2099-", "2023-"},
		{"f.ndjson", `{"at":"2024-01-01","user":"zoe","event":"Clicked","role":"admin"}` + "\n" + `{"at":"2099-01-01","user":"max","event":"Clicked","role":"user"}` + "\n", "2099-", "2023-"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, store := newDoor()
			im := through(d)
			im.Mapping = mapping(t, "records:\n- kind: people\n  person: user\n  fields: {role: role}\n- kind: events\n  person: user\n  event: event\n  at: at\n")
			im.Kind = "events"
			var rejects buffer
			im.Rejects = rejects.open
			first, err := im.Run(t.Context(), c.name, strings.NewReader(c.text), nil)
			if err != nil || first.Rejected != 1 {
				t.Fatalf("%+v %v", first, err)
			}
			taken := len(store.all)
			mended := strings.ReplaceAll(rejects.String(), c.bad, c.good)
			for i, want := range []Report{{Read: 1, Accepted: 1}, {Read: 1, Duplicate: 1}} {
				got, err := im.Run(t.Context(), "again-"+c.name, strings.NewReader(mended), nil)
				if d := cmp.Diff(want, got); d != "" || err != nil {
					t.Errorf("time %d (-want +got)\n%s%v", i, d, err)
				}
			}
			if n := len(store.all) - taken; n != 1 || store.all[taken].Kind != cairn.Track {
				t.Errorf("mending added %d events", n)
			}
		})
	}
}
