package signal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
)

var noon = time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)

func person(n int) cairn.PersonID {
	return cairn.PersonID{ID: cairn.HashID("person", fmt.Sprint(n))}
}

func recordID(k cairn.EventKind, n int) cairn.RecordID {
	return cairn.Space("").Record(k, fmt.Sprint(n))
}

func daysAgo(n float64) time.Time { return noon.Add(-time.Duration(n * 24 * float64(time.Hour))) }

// did is a meaningful event of person p (0: nobody), n days before noon.
func did(n float64, p int, name string) cairn.Event {
	e := cairn.Event{Kind: cairn.Track, Name: name, Source: "product", At: daysAgo(n), N: 1}
	if p > 0 {
		e.Person = person(p)
	}
	return e
}

// stated is a patch of a record by a source, n days before noon. Fields are JSON.
func stated(n float64, k cairn.EventKind, id int, source, fields string) cairn.Event {
	at := daysAgo(n)
	e := cairn.Event{
		ID:   cairn.EventID{ID: cairn.HashID(source, fmt.Sprint(n), string(k), fmt.Sprint(id), fields)},
		Kind: k, Source: source, At: at, Seen: at, Record: recordID(k, id), Props: json.RawMessage(fields), N: 1,
	}
	if k == cairn.OfPerson {
		e.Person = person(id)
		e.Record = e.Person.Record()
	}
	return e
}

func talked(n float64, mood string) cairn.Event {
	return cairn.Event{Kind: cairn.Interaction, Source: "cairn", At: daysAgo(n), N: 1, Props: json.RawMessage(`{"type":"call","mood":"` + mood + `"}`)}
}

func folded(events ...cairn.Event) *State {
	s := NewState(time.UTC)
	for _, e := range events {
		s.Fold(e)
	}
	return s
}

// history draws events of every kind over some months.
func history(t *rapid.T, label string, from, to time.Time) []cairn.Event {
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return from.Add(time.Duration(rapid.Int64Range(0, int64(to.Sub(from)/time.Second)).Draw(t, "seconds")) * time.Second)
	})
	patches := map[cairn.EventKind][]string{
		cairn.OfAccount:  {`{"status":"customer","seats":12}`, `{"plan":"gold","industry":null}`, `{"seats":"20","industry":"steel"}`},
		cairn.OfPerson:   {`{"role":"champion"}`, `{"role":"user","opted_out":true}`, `{"role":null}`},
		cairn.OfContract: {`{"mrr":"1204.50","currency":"EUR","start":"2025-06-01","renews":"2026-06-01","seats":10}`, `{"status":"cancelled"}`, `{"status":"active","mrr":900}`},
		cairn.OfInvoice:  {`{"due":"2026-01-15","issued":"2026-01-01","status":"open"}`, `{"paid_at":"2026-02-20","status":"paid"}`, `{"failed_payments":2}`},
		cairn.OfTicket:   {`{"opened":"2026-02-01T08:00:00Z","status":"open"}`, `{"status":"closed","closed":"2026-02-03T10:00:00Z"}`, `{"reopened":1,"status":"open","escalated":true}`},
		cairn.OfAnswer:   {`{"survey":"nps","score":9}`, `{"survey":"csat","score":2,"answered":"2026-02-01"}`},
	}
	kinds := []cairn.EventKind{cairn.Track, cairn.Track, cairn.Track, cairn.Interaction, cairn.OfAccount, cairn.OfPerson, cairn.OfContract, cairn.OfInvoice, cairn.OfTicket, cairn.OfAnswer}
	one := rapid.Custom(func(t *rapid.T) cairn.Event {
		k := rapid.SampledFrom(kinds).Draw(t, "kind")
		when := at.Draw(t, "at")
		switch k {
		case cairn.Track:
			e := did(0, rapid.IntRange(0, 5).Draw(t, "person"), rapid.SampledFrom([]string{"Report Created", "Page Viewed", "File Shared", ""}).Draw(t, "name"))
			e.At, e.Product = when, rapid.SampledFrom([]string{"", "app"}).Draw(t, "product")
			e.N = rapid.Int64Range(1, 3).Draw(t, "n")
			e.Props = json.RawMessage(rapid.SampledFrom([]string{``, `{"value":2.5}`, `{"value":"0.1"}`, `{"value":null}`}).Draw(t, "props"))
			return e
		case cairn.Interaction:
			e := talked(0, rapid.SampledFrom([]string{"good", "bad", ""}).Draw(t, "mood"))
			e.At = when
			return e
		}
		e := stated(0, k, rapid.IntRange(1, 3).Draw(t, "id"), rapid.SampledFrom([]string{"crm", "billing", "support"}).Draw(t, "source"),
			rapid.SampledFrom(patches[k]).Draw(t, "fields"))
		e.At, e.Seen = when, when.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "delay"))*time.Hour)
		return e
	})
	events := rapid.SliceOfN(one, 0, 60).Draw(t, label)
	for i := range events {
		events[i].ID = cairn.EventID{ID: cairn.HashID(label, fmt.Sprint(i))}
	}
	return events
}

func shuffled(t *rapid.T, events []cairn.Event) []cairn.Event {
	out := append([]cairn.Event(nil), events...)
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1))
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

func TestTheSameEventsGiveTheSameBytesInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := history(t, "events", daysAgo(200), noon)
		a, b := folded(events...), folded(shuffled(t, events)...)
		if !bytes.Equal(a.Canonical(), b.Canonical()) {
			t.Fatal("the order of events shows in the state")
		}
		c := New(Settings{Precedence: cairn.Precedence{"billing"}})
		if diff := cmp.Diff(c.Measure(a, nil, noon), c.Measure(b, nil, noon)); diff != "" {
			t.Fatalf("the order of events shows in the signals (-want +got):\n%s", diff)
		}
	})
}

func TestStreamsMergedEqualOneStream(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := history(t, "events", daysAgo(200), noon)
		a, b := NewState(time.UTC), NewState(time.UTC)
		for _, e := range events {
			if rapid.Bool().Draw(t, "first stream") {
				a.Fold(e)
			} else {
				b.Fold(e)
			}
		}
		before := b.Canonical()
		a.Merge(b)
		if !bytes.Equal(a.Canonical(), folded(events...).Canonical()) {
			t.Fatal("two streams merged differ from one")
		}
		if !bytes.Equal(b.Canonical(), before) {
			t.Fatal("merging changed the other state")
		}
	})
}

func TestOnlyMeaningfulActivityIsUseAndAnotherChoiceNeedsNoOtherTallies(t *testing.T) {
	s := folded(did(1, 1, "Report Created"), did(1, 2, "Page Viewed"), did(1, 3, "Interaction"), talked(1, "good"))
	if s.Tallies[Key{"", cairn.DayOf(daysAgo(1), time.UTC), Interaction}].N != 1 {
		t.Error("a track event was counted as an interaction")
	}
	for _, tt := range []struct {
		choice       Choice
		events, want float64
	}{
		{Choice{}, 2, 2}, // a track event called Interaction is no interaction
		{Choice{Except: []string{"Report Created"}}, 2, 2},
		{Choice{Except: []string{}}, 3, 3},
		{Choice{Only: []string{"Page Viewed"}}, 1, 1},
		{Choice{Except: []string{"Report Created", "Page Viewed", "(tracked) Interaction"}}, 0, 0},
	} {
		got := New(Settings{Meaningful: Meaningful{Choice: tt.choice}}).Measure(s, nil, noon)
		events, known := got.Number(Events28)
		if people, _ := got.Number(Active28); events != tt.events || people != tt.want || known != (tt.want > 0) {
			t.Errorf("%+v: %v events of %v people, want %v of %v", tt.choice, events, people, tt.events, tt.want)
		}
	}
}

func TestValuesAddUpInMillionths(t *testing.T) {
	s := NewState(time.UTC)
	for _, props := range []string{`{"value":0.1}`, `{"value":"0.2"}`, `{"value":true}`, `{"value":1e300}`, `{"other":5}`, ``} {
		e := did(0, 1, "Bought")
		e.Props, e.N = json.RawMessage(props), 3
		s.Fold(e)
	}
	got := s.Tallies[Key{"", cairn.DayOf(noon, time.UTC), "Bought"}]
	if got.Sum != 900_000 || got.N != 18 {
		t.Errorf("sum %d of %d, want 900000 of 18", got.Sum, got.N)
	}
}

func TestADayIsThatOfTheZone(t *testing.T) {
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	s := NewState(zone)
	e := did(0, 1, "Report Created")
	e.At = time.Date(2026, 3, 31, 3, 0, 0, 0, time.UTC) // still the 30th there
	s.Fold(e)
	if _, ok := s.Tallies[Key{"", cairn.DayOf(e.At.Add(-24*time.Hour), time.UTC), "Report Created"}]; !ok {
		t.Errorf("tallied under %v", s.keys())
	}
}

func TestAPatchBecomesFactsAndNullClears(t *testing.T) {
	s := folded(stated(1, cairn.OfAccount, 1, "crm", `{"plan":"gold","seats":null}`))
	got := map[string]string{}
	for _, f := range s.Facts {
		got[f.Field] = string(f.Value)
		if f.Field == "seats" && f.Value != nil {
			t.Error("null did not become a clearing fact")
		}
	}
	if diff := cmp.Diff(map[string]string{"plan": `"gold"`, "seats": ""}, got); diff != "" {
		t.Errorf("facts (-want +got):\n%s", diff)
	}
}
