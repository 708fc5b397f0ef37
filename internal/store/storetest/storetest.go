// Package storetest is the contract that every store keeps. Each engine runs
// all of it.
package storetest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/store/sqlstore"
)

// An Opener opens an empty workspace that is closed when the test ends.
type Opener func(t testing.TB) *sqlstore.Store

// Run runs the whole contract.
func Run(t *testing.T, open Opener) {
	for _, part := range []struct {
		name string
		run  func(t *testing.T, open Opener)
	}{
		{"Log", Log}, {"Project", Project}, {"Seal", Seal}, {"Erasure", Erasure}, {"Fold", Fold}, {"Rebuild", Rebuild}, {"Counted", Counted}, {"Turns", Turns},
		{"Accounts", Accounts}, {"Identity", Identity}, {"Match", Match}, {"Registry", Registry}, {"Work", Work}, {"Contracts", Contracts}, {"Losses", Losses}, {"Renewals", Renewals}, {"Payments", Payments}, {"Auth", Auth}, {"Book", Book}, {"Sources", Sources}, {"Rejects", Rejects}, {"Bulk", Bulk}, {"Feed", Feed},
		{"Keep", Keep},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open) })
	}
}

var epoch = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// A said is an event in the making.
type said struct {
	id, source    string
	kind          cairn.EventKind
	name          string
	account       string
	person        string
	anon          string
	record        string
	at, seen      time.Time
	props, secret string
}

// event fills in what the door would.
func (s said) event(pepper cairn.Pepper) cairn.Event {
	if s.source == "" {
		s.source = "product"
	}
	if s.kind == "" {
		s.kind = cairn.Track
	}
	if s.name == "" {
		s.name = "Report Created"
	}
	if s.at.IsZero() {
		s.at = epoch
	}
	if s.seen.IsZero() {
		s.seen = s.at
	}
	space := cairn.Space("")
	e := cairn.Event{
		ID: cairn.EventID{ID: cairn.HashID("event", s.source, s.id)}, Kind: s.kind, Name: s.name, Source: s.source,
		At: s.at, Seen: s.seen, Stamp: s.at, N: 1,
		Keys: cairn.Keys{Account: s.account, Person: s.person, Anonymous: s.anon, Record: s.record},
	}
	if s.props != "" {
		e.Props = []byte(s.props)
	}
	if s.secret != "" {
		e.Personal = []byte(s.secret)
	}
	if s.account != "" {
		e.Account = space.Account(s.account)
	}
	if s.person != "" {
		e.Person = pepper.Person(space, s.person)
	}
	if s.anon != "" {
		e.Anon = pepper.Anonymous(space, s.anon)
	}
	switch {
	case s.kind == cairn.OfAccount:
		e.Record = e.Account.Record()
	case s.kind == cairn.OfPerson:
		e.Record = e.Person.Record()
	case s.record != "":
		e.Record = space.Record(s.kind, s.record)
	}
	switch {
	case s.account != "":
		e.Stream = e.Account.Stream()
	case s.person != "":
		e.Stream = e.Person.Stream()
	case s.anon != "":
		e.Stream = e.Anon.Stream()
	default:
		e.Stream = e.Record.Stream()
	}
	return e
}

// admit appends what is said in one call and returns it as admitted.
func admit(t testing.TB, s *sqlstore.Store, what ...said) []cairn.Event {
	t.Helper()
	ctx := context.Background()
	pepper, err := s.Pepper(ctx)
	if err != nil {
		t.Fatal(err)
	}
	events := make([]cairn.Event, len(what))
	for i, w := range what {
		if w.id == "" {
			w.id = fmt.Sprintf("auto-%d-%v", i, w)
		}
		events[i] = w.event(pepper)
	}
	out, err := s.Append(ctx, events)
	if err != nil {
		t.Fatal(err)
	}
	for i := range out {
		events[i].Pos = out[i].Pos
	}
	return events
}

// everything reads the whole log, partition by partition.
func everything(t testing.TB, s *sqlstore.Store) []cairn.Event {
	t.Helper()
	var out []cairn.Event
	for p := range cairn.Partitions {
		n := int64(0)
		for {
			es, err := s.After(context.Background(), p, n, 1000)
			if err != nil {
				t.Fatal(err)
			}
			if len(es) == 0 {
				break
			}
			for _, e := range es {
				if e.Pos.N != n+1 || e.Pos.Part != p {
					t.Fatalf("partition %d: after position %d comes %v", p, n, e.Pos)
				}
				n = e.Pos.N
			}
			out = append(out, es...)
		}
	}
	return out
}

// Count returns how many events the log holds.
func Count(t testing.TB, s *sqlstore.Store) int {
	t.Helper()
	return len(everything(t, s))
}

// Fill appends up to n events, ten at a time, and returns how many were new
// before the first error.
func Fill(s *sqlstore.Store, n int) (taken int, err error) {
	ctx := context.Background()
	pepper, err := s.Pepper(ctx)
	if err != nil {
		return 0, err
	}
	for i := 0; i < n; i += 10 {
		var es []cairn.Event
		for j := range 10 {
			es = append(es, said{id: fmt.Sprintf("fill-%d", i+j), account: "acme", person: "ann", secret: `{"text":"some words to fill a page with"}`}.event(pepper))
		}
		out, err := s.Append(ctx, es)
		if err != nil {
			return taken, err
		}
		for _, a := range out {
			if !a.Duplicate {
				taken++
			}
		}
	}
	return taken, nil
}

// Written compares text with a checked-in file beside the test. With
// CAIRN_TEST_WRITE set it writes the file instead, and fails so that nobody
// takes that for a pass.
func Written(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("CAIRN_TEST_WRITE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		t.Fatalf("%s was written; run the test again without CAIRN_TEST_WRITE", file)
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs; CAIRN_TEST_WRITE=1 writes it anew (-want +got)\n%s", file, diff)
	}
}
