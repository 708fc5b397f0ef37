package storetest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// Sources is the contract of ingest.Sources and of what the door tells it.
func Sources(t *testing.T, open Opener) {
	w := newWorld(t, open(t))
	t.Run("AWriteKeyLeadsToItsSource", func(t *testing.T) { writeKeys(t, w) })
	t.Run("ArrivalsAddUpByHour", func(t *testing.T) { arrivals(t, w) })
	t.Run("TheNewestRejectsAreKept", func(t *testing.T) { rejects(t, w) })
	t.Run("RecordsKnowWhoseTheyAre", func(t *testing.T) { recordOwners(t, newWorld(t, open(t))) })
}

func writeKeys(t *testing.T, w *world) {
	ctx := t.Context()
	src := ingest.Source{Name: "segment", Several: ingest.Unclaimed, Personal: []string{"nickname"}}
	if err := w.SaveSource(ctx, author, src); err != nil {
		t.Fatal(err)
	}
	src.Space, src.Several = "shop", ingest.Latest
	if err := w.SaveSource(ctx, author, src); err != nil {
		t.Fatal(err)
	}
	one, two := must(w.NewKey(ctx, author, "segment"))(t), must(w.NewKey(ctx, author, "segment"))(t)
	for _, key := range []string{one, two} {
		if !regexp.MustCompile(`^wk_[0-9A-Za-z]{32}$`).MatchString(key) {
			t.Errorf("write key %q", key)
		}
		same(t, "source of a key", src, must(w.SourceByKey(ctx, key))(t))
	}
	same(t, "source by name", src, must(w.Source(ctx, "segment"))(t))
	sums := must(w.Summaries(ctx, cairn.Everything, noon))(t)
	same(t, "hints", []string{one[:7] + "…", two[:7] + "…"}, sums[0].Keys)

	_, err := w.SourceByKey(ctx, "wk_wrong")
	wantKind(t, err, cairn.Unauthentic)
	_, err = w.Source(ctx, "nothing")
	wantKind(t, err, cairn.NotFound)
	_, err = w.NewKey(ctx, author, "nothing")
	wantKind(t, err, cairn.NotFound)
	_, err = w.NewKey(ctx, cairn.Actor{}, "segment")
	wantKind(t, err, cairn.Forbidden)
	wantKind(t, w.SaveSource(ctx, cairn.Actor{}, src), cairn.Forbidden)
	wantKind(t, w.SaveSource(ctx, author, ingest.Source{}), cairn.Invalid)
}

func arrivals(t *testing.T, w *world) {
	ctx := t.Context()
	if err := w.SaveSource(ctx, author, ingest.Source{Name: "crm"}); err != nil {
		t.Fatal(err)
	}
	arrive := func(at time.Time, accepted, duplicate, late, rejected int64) {
		t.Helper()
		a := ingest.Arrival{Source: "crm", Hour: at, Accepted: accepted, Duplicate: duplicate, Late: late, Rejected: rejected, Last: at}
		if err := w.Arrived(ctx, a, nil); err != nil {
			t.Fatal(err)
		}
	}
	arrive(noon.Add(-48*time.Hour), 100, 0, 0, 0) // too long ago for the hours
	arrive(noon.Add(-47*time.Hour), 7, 0, 0, 0)
	arrive(noon.Add(10*time.Minute), 1, 2, 3, 4)
	arrive(noon.Add(5*time.Minute), 10, 20, 30, 40)
	sum := must(w.Summaries(ctx, cairn.Everything, noon.Add(30*time.Minute)))(t)[0]
	same(t, "name", "crm", sum.Source.Name)
	same(t, "in all", ingest.Arrival{Source: "crm", Accepted: 118, Duplicate: 22, Late: 33, Rejected: 44, Last: noon.Add(10 * time.Minute)}, sum.Total)
	same(t, "hours", 48, len(sum.Hours))
	same(t, "the oldest", ingest.Arrival{Source: "crm", Hour: noon.Add(-47 * time.Hour), Accepted: 7, Last: noon.Add(-47 * time.Hour)}, sum.Hours[0])
	same(t, "a gap", ingest.Arrival{Source: "crm", Hour: noon.Add(-46 * time.Hour)}, sum.Hours[1])
	same(t, "the newest", ingest.Arrival{Source: "crm", Hour: noon, Accepted: 11, Duplicate: 22, Late: 33, Rejected: 44, Last: noon.Add(10 * time.Minute)}, sum.Hours[47])
	for _, scope := range []cairn.Scope{{}, only("a1")} {
		same(t, "sources in a scope", 0, len(must(w.Summaries(ctx, scope, noon))(t)))
	}
}

func rejects(t *testing.T, w *world) {
	ctx := t.Context()
	many := func(source string, n int) {
		t.Helper()
		var rs []ingest.Reject
		for i := range n {
			rs = append(rs, ingest.Reject{Source: source, Seen: noon, Index: i, Field: "at", Reason: "unreadable", Body: fmt.Sprintf(`{"n":%d}`, i)})
		}
		if err := w.Arrived(ctx, ingest.Arrival{Source: source, Hour: noon, Rejected: int64(n), Last: noon}, rs); err != nil {
			t.Fatal(err)
		}
	}
	many("crm", 2)
	many("import", 9_000)
	many("import", 1_003)
	got := must(w.Rejects(ctx, cairn.Everything, "import", 20_000))(t)
	if len(got) != 10_000 {
		t.Fatalf("%d rejects are kept", len(got))
	}
	same(t, "the newest", ingest.Reject{ID: got[0].ID, Source: "import", Seen: noon, Index: 1_002, Field: "at", Reason: "unreadable", Body: `{"n":1002}`}, got[0])
	same(t, "the oldest", 3, got[9_999].Index)
	for i := 1; i < len(got); i++ {
		if got[i].ID >= got[i-1].ID {
			t.Fatalf("reject %d does not come before the one that is older", i)
		}
	}
	same(t, "of another source", 2, len(must(w.Rejects(ctx, cairn.Everything, "crm", 0))(t)))
	same(t, "of all", "import", must(w.Rejects(ctx, cairn.Everything, "", 1))(t)[0].Source)
	for _, scope := range []cairn.Scope{{}, only("a1")} {
		same(t, "rejects in a scope", 0, len(must(w.Rejects(ctx, scope, "", 0))(t)))
	}
	long := ingest.Reject{Source: "long", Seen: noon, Body: strings.Repeat("x", 40<<10)}
	if err := w.Arrived(ctx, ingest.Arrival{Source: "long", Hour: noon}, []ingest.Reject{long}); err != nil {
		t.Fatal(err)
	}
	same(t, "bytes of a long body", 32<<10, len(must(w.Rejects(ctx, cairn.Everything, "long", 0))(t)[0].Body))
}

func recordOwners(t *testing.T, w *world) {
	w.admit(
		w.an(cairn.OfContract, cairn.Keys{Account: "a1", Record: "c1"}, days(9), fields{"mrr": 1}, nil),
		w.an(cairn.OfTicket, cairn.Keys{Person: "p1", Record: "t1"}, days(9), fields{"status": "open"}, nil),
		w.an(cairn.OfInvoice, cairn.Keys{Record: "i1"}, days(9), fields{"amount": 1}, nil),
		w.did("a2", "", "Report Created", days(9)),
		w.did("", "p2", "Report Created", days(9)),
	)
	id := func(k cairn.EventKind, key string) cairn.RecordID { return cairn.Space("").Record(k, key) }
	ask := []cairn.RecordID{
		id(cairn.OfContract, "c1"), id(cairn.OfTicket, "t1"), id(cairn.OfInvoice, "i1"),
		acct("a2").Record(), w.person("p2").Record(), w.person("p1").Record(), id(cairn.OfContract, "unknown"),
	}
	p1, p2 := w.person("p1"), w.person("p2")
	want := map[cairn.RecordID]ingest.Owner{
		ask[0]: {Account: acct("a1"), Key: "a1", Stream: acct("a1").Stream()},
		ask[1]: {Person: p1, Stream: p1.Stream()},
		ask[2]: {Stream: ask[2].Stream()},
		ask[3]: {Account: acct("a2"), Key: "a2", Stream: acct("a2").Stream()},
		ask[4]: {Person: p2, Stream: p2.Stream()},
		ask[5]: {Person: p1, Stream: p1.Stream()},
	}
	same(t, "owners", want, must(w.Owners(t.Context(), ask))(t))

	w.admit(w.an(cairn.OfAccount, cairn.Keys{Account: "a3", Person: "p1"}, days(8), nil, nil))
	got := must(w.Owners(t.Context(), ask))(t)
	same(t, "a claimed person's ticket", ingest.Owner{Account: acct("a3"), Key: "a3", Person: p1, Stream: p1.Stream()}, got[ask[1]])
	same(t, "a claimed person", ingest.Owner{Account: acct("a3"), Key: "a3", Person: p1, Stream: p1.Stream()}, got[ask[5]])

	var many []cairn.RecordID
	for i := range 1200 {
		many = append(many, id(cairn.OfTicket, fmt.Sprint("t", i)))
	}
	same(t, "among many", 1, len(must(w.Owners(t.Context(), many))(t)))
	same(t, "among none", 0, len(must(w.Owners(t.Context(), nil))(t)))
}
