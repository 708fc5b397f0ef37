package storetest

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/book"
	"cairn/internal/ingest"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// Sources is the contract of ingest.Sources and of what the door tells it.
func Sources(t *testing.T, open Opener) {
	w := newWorld(t, open(t))
	t.Run("AnEarlierRevisionIsRestored", func(t *testing.T) { restored(t, newWorld(t, open(t))) })
	t.Run("AWriteKeyLeadsToItsSource", func(t *testing.T) { writeKeys(t, w) })
	t.Run("KeysAreRotatedExpireAndAreWithdrawn", func(t *testing.T) { keysEnd(t, w) })
	t.Run("ArrivalsAddUpByHour", func(t *testing.T) { arrivals(t, w) })
	t.Run("BreachesAddUpByHour", func(t *testing.T) { breaches(t, w) })
	t.Run("AlarmsBeginOnceAndMakeStaleWhatIsFed", func(t *testing.T) { alarms(t, newWorld(t, open(t))) })
	t.Run("ASampleIsOfOneSourceAndOpened", func(t *testing.T) { sample(t, newWorld(t, open(t))) })
	t.Run("RecordsKnowWhoseTheyAre", func(t *testing.T) { recordOwners(t, newWorld(t, open(t))) })
}

func writeKeys(t *testing.T, w *world) {
	ctx := t.Context()
	src := ingest.Source{Name: "segment", Several: ingest.Unclaimed, Personal: []string{"nickname"}}
	if err := w.SaveSource(ctx, author, src, "", noon); err != nil {
		t.Fatal(err)
	}
	src.Space, src.Several = "shop", ingest.Latest
	if err := w.SaveSource(ctx, author, src, "", noon); err != nil {
		t.Fatal(err)
	}
	src.Rev = 2
	one, oneText := key(t, w, ingest.Key{Source: "segment", Name: "Website"})
	two, twoText := key(t, w, ingest.Key{Source: "segment", Scopes: []ingest.KeyScope{ingest.MayRead}})
	for text, want := range map[string]string{oneText: `^wk_[0-9A-Za-z]{32}$`, twoText: `^rk_[0-9A-Za-z]{32}$`} {
		if !regexp.MustCompile(want).MatchString(text) {
			t.Errorf("key %q", text)
		}
		same(t, "source of a key", src, must(w.Grant(ctx, text, noon))(t).Source)
	}
	same(t, "source by name", src, must(w.Source(ctx, "segment"))(t))
	sums := must(w.Summaries(ctx, cairn.Everything, noon))(t)
	one.LastUsed, two.LastUsed = "2026-03-15", "2026-03-15"
	same(t, "keys", []ingest.Key{one, two}, sums[0].Keys)
	same(t, "hint", oneText[:7]+"…", one.Hint)

	_, err := w.Grant(ctx, "wk_wrong", noon)
	wantKind(t, err, cairn.Unauthentic)
	_, err = w.Source(ctx, "nothing")
	wantKind(t, err, cairn.NotFound)
	_, _, err = w.AddKey(ctx, author, ingest.Key{Source: "nothing"}, noon)
	wantKind(t, err, cairn.NotFound)
	for _, by := range []cairn.Actor{{}, {Kind: cairn.ByKey}} {
		_, _, err = w.AddKey(ctx, by, ingest.Key{Source: "segment"}, noon)
		wantKind(t, err, cairn.Forbidden)
	}
	wantKind(t, w.SaveSource(ctx, cairn.Actor{}, src, "", noon), cairn.Forbidden)
	wantKind(t, w.SaveSource(ctx, author, ingest.Source{}, "", noon), cairn.Invalid)
	src.Rev = 1
	wantKind(t, w.SaveSource(ctx, author, src, "", noon), cairn.Conflict)
}

// key makes a key.
func key(t *testing.T, w *world, k ingest.Key) (ingest.Key, string) {
	t.Helper()
	k, text, err := w.AddKey(t.Context(), author, k, noon)
	if err != nil {
		t.Fatal(err)
	}
	return k, text
}

func keysEnd(t *testing.T, w *world) {
	ctx := t.Context()
	if err := w.SaveSource(ctx, author, ingest.Source{Name: "shop"}, "", noon); err != nil {
		t.Fatal(err)
	}
	old, text := key(t, w, ingest.Key{Source: "shop", Name: "Website", Kinds: []cairn.EventKind{cairn.Track}, Expires: noon.AddDate(0, 0, 30)})
	same(t, "what the key may write", old.Kinds, must(w.Grant(ctx, text, noon))(t).Source.Only)

	next, nextText, err := w.RotateKey(ctx, author, "shop", old.ID, 7*24*time.Hour, noon.AddDate(0, 0, 1))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "the new one's end", noon.AddDate(0, 0, 31), next.Expires)
	same(t, "its name", "Website", next.Name)
	end := noon.AddDate(0, 0, 8)
	for when, works := range map[time.Time]bool{noon.AddDate(0, 0, 2): true, end.Add(-time.Second): true, end: false} {
		_, err := w.Grant(ctx, text, when)
		if works != (err == nil) {
			t.Errorf("the rotated key at %v: %v", when, err)
		}
		must(w.Grant(ctx, nextText, when))(t)
	}
	_, err = w.Grant(ctx, text, end)
	same(t, "why the rotated key is refused", "The key “Website” ("+old.Hint+") expired on 23 Mar 2026, 12:00 UTC. Another key has taken its place.", cairn.TextOf(err))
	if _, _, err := w.RotateKey(ctx, author, "shop", old.ID, 0, end); cairn.KindOf(err) != cairn.Conflict {
		t.Errorf("an expired key is rotated: %v", err)
	}

	must(w.WithdrawKey(ctx, author, "shop", next.ID, false, noon.AddDate(0, 0, 9)))(t)
	_, err = w.Grant(ctx, nextText, noon.AddDate(0, 0, 9))
	wantKind(t, err, cairn.Unauthentic)
	same(t, "why the withdrawn key is refused", "The key “Website” ("+next.Hint+") was withdrawn on 24 Mar 2026, 12:00 UTC.", cairn.TextOf(err))
	must(w.WithdrawKey(ctx, author, "shop", next.ID, true, noon.AddDate(0, 0, 9)))(t)
	must(w.Grant(ctx, nextText, noon.AddDate(0, 0, 9)))(t)

	next.Name, next.Origins, next.Expires = "Shop", []string{"https://Shop.example"}, time.Time{}
	changed := must(w.ChangeKey(ctx, author, next, noon.AddDate(0, 0, 10)))(t)
	same(t, "origins", []string{"https://shop.example"}, changed.Origins)
	must(w.Grant(ctx, nextText, noon.AddDate(1, 0, 0)))(t)
	for i, want := range []int64{5, 12} {
		same(t, "sent on a day", want, must(w.SpendKey(ctx, next.ID, 20_000, int64(5+2*i)))(t))
	}
	same(t, "sent on the next", 1, must(w.SpendKey(ctx, next.ID, 20_001, 1))(t))
	_, err = w.WithdrawKey(ctx, author, "shop", 9_999, false, noon)
	wantKind(t, err, cairn.NotFound)

	var notes []string
	for _, r := range must(w.Revisions(ctx, "source/shop/keys"))(t) {
		notes = append(notes, r.Note)
		same(t, "who changed the keys", author.ID, r.By.ID)
		if strings.Contains(string(r.Body), text) || strings.Contains(string(r.Body), nextText) {
			t.Error("a key stands in the book")
		}
	}
	same(t, "what was done with the keys", []string{
		"Changed key “Shop” (" + next.Hint + ").", "Took back the withdrawal of key “Website” (" + next.Hint + ").", "Withdrew key “Website” (" + next.Hint + ").",
		"Rotated key “Website” (" + old.Hint + ") to " + next.Hint + "; the old one ends on 23 Mar 2026, 12:00 UTC.", "Made key “Website” (" + old.Hint + ").",
	}, notes)
}

func arrivals(t *testing.T, w *world) {
	ctx := t.Context()
	if err := w.SaveSource(ctx, author, ingest.Source{Name: "crm"}, "", noon); err != nil {
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

func breaches(t *testing.T, w *world) {
	ctx := t.Context()
	one := ingest.Breach{Source: "shop", Hour: noon, Rule: "Ordered", Field: "amount", Problem: ingest.Missing, N: 3}
	two, old, other := one, one, one
	two.Problem, old.Hour, other.Source = ingest.WrongType, noon.Add(-time.Hour), "crm"
	for _, all := range [][]ingest.Breach{{one, two, old, other}, {one}, nil} {
		if err := w.Breached(ctx, all); err != nil {
			t.Fatal(err)
		}
	}
	one.N = 6
	same(t, "of an hour", []ingest.Breach{one, two}, must(w.Breaches(ctx, cairn.Everything, "shop", noon))(t))
	same(t, "of two", 3, len(must(w.Breaches(ctx, cairn.Everything, "shop", noon.Add(-time.Hour)))(t)))
	same(t, "in a scope", 0, len(must(w.Breaches(ctx, only("a1"), "shop", noon))(t)))
	hours := must(w.Arrivals(ctx, cairn.Everything, "crm", noon.Add(-47*time.Hour)))(t)
	same(t, "hours with arrivals", 2, len(hours))
	same(t, "arrivals in a scope", 0, len(must(w.Arrivals(ctx, cairn.Scope{}, "crm", noon.Add(-47*time.Hour)))(t)))
}

func alarms(t *testing.T, w *world) {
	ctx := t.Context()
	if err := w.SaveSource(ctx, author, ingest.Source{Name: "crm"}, "", noon); err != nil {
		t.Fatal(err)
	}
	ticket := w.an(cairn.OfTicket, cairn.Keys{Account: "a2", Record: "t1"}, noon, fields{"status": "open"}, nil)
	other := w.did("a3", "p3", "Clicked", noon)
	other.Source = "web"
	w.admit(w.did("a1", "p1", "Clicked", noon), w.did("a1", "p1", "Clicked", noon.Add(time.Hour)), ticket, other)
	w.fold()
	w.fold()
	got := must(w.Feeds(ctx, []cairn.AccountID{acct("a1"), acct("a2"), acct("a3")}, []string{"product", "crm"}))(t)
	same(t, "what feeds", map[cairn.AccountID][]signal.Feed{
		acct("a1"): {{Source: "product", Kind: cairn.Track, First: noon}}, acct("a2"): {{Source: "crm", Kind: cairn.OfTicket, First: noon}},
	}, got)

	a := ingest.Alarm{Source: ticket.Source, Kind: ingest.Silent, Heard: noon, Began: noon.Add(6 * time.Hour), Stale: true, Why: "Silent."}
	drift := ingest.Alarm{Source: "web", Kind: ingest.Drifting, Rule: "Clicked", Heard: noon, Began: noon.Add(time.Hour), Why: "Odd."}
	w.measure(noon, nil)
	for range 2 { // another node has seen the same
		if err := w.CommitWatch(ctx, noon, []ingest.Alarm{a, drift}, nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	var due []cairn.AccountID
	for _, d := range must(w.Due(ctx, noon.Add(time.Minute), 10))(t) {
		due = append(due, d.Account)
		w.GiveBack([]turn.Due{d})
	}
	same(t, "who is measured again", []cairn.AccountID{acct("a2")}, due)

	open := must(w.Alarms(ctx, cairn.Everything, "", noon.AddDate(0, 0, 1)))(t)
	same(t, "alarms", 2, len(open))
	a.ID, drift.ID = open[0].ID, open[1].ID
	same(t, "the newest", a, open[0])
	same(t, "alarms in a scope", 0, len(must(w.Alarms(ctx, only("a1"), "", noon))(t)))
	silence := signal.Silence{Source: a.Source, Heard: a.Heard, From: a.Began}
	for at, n := range map[time.Time]int{noon: 0, a.Began: 1, noon.AddDate(1, 0, 0): 1} {
		same(t, fmt.Sprint("silences at ", at), n, len(must(w.Silences(ctx, at, at))(t)))
	}
	a.Ended = noon.Add(20 * time.Hour)
	if err := w.CommitWatch(ctx, noon, nil, []ingest.Alarm{a}, nil); err != nil {
		t.Fatal(err)
	}
	silence.To = a.Ended
	same(t, "a silence that ended", []signal.Silence{silence}, must(w.Silences(ctx, noon, noon.AddDate(0, 0, 9)))(t))
	same(t, "after it", 0, len(must(w.Silences(ctx, a.Ended, noon.AddDate(0, 0, 9)))(t)))
	same(t, "alarms that last", []ingest.Alarm{drift}, must(w.Alarms(ctx, cairn.Everything, "", a.Ended))(t))
	late := ticket // what it could not send while it was silent, and what only happened early
	late.ID, late.At, late.Seen = cairn.EventID{ID: cairn.HashID("late")}, noon.Add(10*time.Hour), noon.AddDate(0, 0, 2)
	early := late
	early.ID, early.At = cairn.EventID{ID: cairn.HashID("early")}, noon.Add(-time.Hour)
	w.admit(late, early)
	if out := must(w.Append(ctx, []cairn.Event{late}))(t); !out[0].Duplicate {
		t.Error("what was sent twice counts twice")
	}
	filling := must(w.Filling(ctx))(t)
	same(t, "silences that are being filled", 1, len(filling))
	a.Late = 1
	same(t, "what came later", a, filling[0])
	a.Filled = noon.AddDate(0, 0, 2)
	if err := w.CommitWatch(ctx, a.Filled, nil, nil, []ingest.Alarm{a}); err != nil {
		t.Fatal(err)
	}
	silence.Filled = a.Filled
	same(t, "a silence that was filled", []signal.Silence{silence}, must(w.Silences(ctx, noon, noon.AddDate(0, 0, 9)))(t))
	same(t, "those that are being filled", 0, len(must(w.Filling(ctx))(t)))
	again := a
	again.Late, again.Filled = 0, time.Time{}
	again.Began, again.Ended, again.ID = noon.Add(30*time.Hour), time.Time{}, 0
	if err := w.CommitWatch(ctx, noon, []ingest.Alarm{again}, nil, nil); err != nil {
		t.Fatal(err)
	}
	same(t, "of one source", 2, len(must(w.Alarms(ctx, cairn.Everything, a.Source, noon))(t)))
	sources, heard, err := w.Watched(ctx)
	if err != nil || len(sources) != 1 || sources[0].Name != "crm" {
		t.Errorf("watched: %v %v %v", sources, heard, err)
	}
}

func sample(t *testing.T, w *world) {
	ctx := t.Context()
	e := w.an(cairn.Track, cairn.Keys{Account: "a1", Person: "p1"}, noon, fields{"rows": 1}, fields{"email": "a@b.example"})
	e.Name, e.Source = "Report Created", "shop"
	w.admit(e, w.did("a1", "p1", "Clicked", noon))
	got := must(w.Sample(ctx, cairn.Everything, "shop", noon))(t)
	same(t, "events", 1, len(got))
	same(t, "name", "Report Created", got[0].Name)
	same(t, "what is personal", `{"email":"a@b.example"}`, string(got[0].Personal))
	same(t, "since later", 0, len(must(w.Sample(ctx, cairn.Everything, "shop", noon.Add(time.Second)))(t)))
	same(t, "in a scope", 0, len(must(w.Sample(ctx, only("a1"), "shop", noon))(t)))
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

func restored(t *testing.T, w *world) {
	ctx := t.Context()
	for _, hours := range []int{6, 24} {
		src, _ := w.Source(ctx, "crm")
		src.Name, src.Cadence = "crm", &ingest.Cadence{Hours: hours}
		if err := w.SaveSource(ctx, author, src, "", noon); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, ingest.RestoreSource(ctx, w, author, "crm", 1, 1, noon), cairn.Conflict) // made of a page that has moved on
	wantKind(t, ingest.RestoreSource(ctx, w, author, "crm", 3, 2, noon), cairn.NotFound)
	if err := ingest.RestoreSource(ctx, w, author, "crm", 1, 2, noon); err != nil {
		t.Fatal(err)
	}
	got := must(w.Source(ctx, "crm"))(t)
	same(t, "cadence", 6, got.Cadence.Hours)
	same(t, "revision", 3, got.Rev)
	list := must(ingest.RevisionsOf(ctx, w, "crm"))(t)
	same(t, "note", "As in revision 1.", list[0].Note)
	same(t, "what it changed", []book.Line{{Sign: " ", Text: "cadence:"}, {Sign: "-", Text: "  every_hours: 24"}, {Sign: "+", Text: "  every_hours: 6"}}, list[0].Changed)
}
