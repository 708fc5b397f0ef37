package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
	"cairn/internal/turn"
)

// noon is the moment around which the worlds of these tests turn.
var noon = time.Date(2026, 3, 15, 12, 0, 0, 0, time.UTC)

// days returns the moment n days before noon.
func days(n int) time.Time { return noon.AddDate(0, 0, -n) }

// A world fills a store through its log.
type world struct {
	testing.TB
	*sqlstore.Store
	pepper cairn.Pepper
	n      int
}

func newWorld(t testing.TB, s *sqlstore.Store) *world {
	t.Helper()
	p, err := s.Pepper(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.Configure(signal.Settings{Zone: time.UTC, Currency: "EUR", Precedence: cairn.Precedence{"cairn", "crm", "billing"}})
	return &world{TB: t, Store: s, pepper: p}
}

// acct returns the id of the account called key.
func acct(key string) cairn.AccountID { return cairn.Space("").Account(key) }

func (w *world) person(key string) cairn.PersonID { return w.pepper.Person("", key) }

// fields are the properties of an event or the fields of a patch.
type fields map[string]any

func (w *world) json(f fields) json.RawMessage {
	w.Helper()
	if f == nil {
		return nil
	}
	b, err := json.Marshal(f)
	if err != nil {
		w.Fatal(err)
	}
	return b
}

// an makes an event, learnt of as it happened, in the stream its keys name.
func (w *world) an(k cairn.EventKind, keys cairn.Keys, at time.Time, plain, personal fields) cairn.Event {
	w.n++
	e := cairn.Event{
		ID: cairn.EventID{ID: cairn.HashID("test", fmt.Sprint(w.n))}, Kind: k, Name: "updated", Source: "crm",
		At: at, Seen: at, Keys: keys, N: 1, Props: w.json(plain), Personal: w.json(personal),
	}
	if keys.Record != "" {
		e.Record = cairn.Space("").Record(k, keys.Record)
		e.Stream = e.Record.Stream()
	}
	if keys.Anonymous != "" {
		e.Anon = w.pepper.Anonymous("", keys.Anonymous)
		e.Stream = e.Anon.Stream()
	}
	if keys.Person != "" {
		e.Person = w.person(keys.Person)
		e.Stream = e.Person.Stream()
	}
	if keys.Account != "" {
		e.Account = acct(keys.Account)
		e.Stream = e.Account.Stream()
	}
	switch k {
	case cairn.OfAccount:
		e.Record = e.Account.Record()
	case cairn.OfPerson:
		e.Record = e.Person.Record()
	}
	return e
}

// did makes an event of somebody doing something.
func (w *world) did(account, person, name string, at time.Time) cairn.Event {
	e := w.an(cairn.Track, cairn.Keys{Account: account, Person: person}, at, nil, nil)
	e.Name, e.Source = name, "product"
	return e
}

// admit appends events, each of which must be new.
func (w *world) admit(events ...cairn.Event) {
	w.Helper()
	out, err := w.Append(w.Context(), events)
	if err != nil {
		w.Fatal(err)
	}
	for i, a := range out {
		if a.Duplicate {
			w.Fatalf("event %d was taken for a duplicate", i)
		}
	}
}

// fold folds all that is in the log.
func (w *world) fold() {
	w.Helper()
	f := signal.Folder{Log: w, Store: w, Live: true}
	for worked := true; worked; {
		var err error
		if worked, err = f.Beat(w.Context(), noon); err != nil {
			w.Fatal(err)
		}
	}
}

// measure commits a turn at a moment for each account of found that is due.
func (w *world) measure(at time.Time, found map[string]turn.Result) {
	w.Helper()
	due, err := w.Due(w.Context(), at, 1000)
	if err != nil {
		w.Fatal(err)
	}
	by := map[cairn.AccountID]turn.Due{}
	for _, d := range due {
		by[d.Account] = d
	}
	var rs []turn.Result
	for key, r := range found {
		d, ok := by[acct(key)]
		if !ok {
			w.Fatalf("account %s is not due", key)
		}
		r.Due, r.At, r.Next = d, at, at.Add(time.Hour)
		if r.Vector.At = at; r.Vector.Model == "" {
			r.Vector.Model, r.Vector.Rev = "default", 1
		}
		rs = append(rs, r)
		delete(by, acct(key))
	}
	if err := w.CommitTurns(w.Context(), rs); err != nil {
		w.Fatal(err)
	}
	// What was leased beside is given back, so that it can be leased again.
	var rest []turn.Result
	for _, d := range by {
		rest = append(rest, turn.Result{Due: d, At: at, Next: at.Add(time.Hour), Vector: cairn.Vector{At: at, Way: cairn.Unknown}})
	}
	if err := w.CommitTurns(w.Context(), rest); err != nil {
		w.Fatal(err)
	}
}

// level returns what a turn finds: a level in points and a way.
func level(points int, way cairn.Way, slope cairn.Points) turn.Result {
	return turn.Result{Vector: cairn.Vector{Known: true, Level: cairn.Points(points) * 1000, Way: way, Slope: slope}}
}

// worth adds the money to what a turn finds.
func worth(r turn.Result, minor int64, renews, seen time.Time) turn.Result {
	r.MRR, r.Renews, r.LastSeen = cairn.Money{Minor: minor, Currency: "EUR"}, renews, seen
	return r
}

// only is the scope of one account.
func only(key string) cairn.Scope { return cairn.Scope{Accounts: []cairn.AccountID{acct(key)}} }

// must returns a function that returns v, and ends the test when there was an
// error: must(f())(t).
func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func wantKind(t testing.TB, err error, want cairn.Kind) {
	t.Helper()
	if err == nil || cairn.KindOf(err) != want {
		t.Errorf("got error %v, want one of kind %v", err, want)
	}
}

func same[T any](t testing.TB, what string, want, got T) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// names returns what is in list by name, joined by spaces.
func names[T any](list []T, name func(T) string) string {
	var out []string
	for _, v := range list {
		out = append(out, name(v))
	}
	return strings.Join(out, " ")
}

// sorted returns the words of text in order.
func sorted(text string) string {
	out := strings.Fields(text)
	slices.Sort(out)
	return strings.Join(out, " ")
}
