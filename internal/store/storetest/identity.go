package storetest

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
	"cairn/internal/turn"
	"cairn/internal/watch"
)

// A tale is events and ties about a few accounts, people and records.
type tale struct {
	pepper cairn.Pepper
	events []cairn.Event
}

// salesforce is a source with ids of its own.
var salesforce = ingest.Source{Name: "salesforce", Space: "salesforce", Verifies: true}

// a returns how an account of a tale is called: a0.. share the common ids, s0.. are the
// CRM's own.
func (tale) a(name string) (cairn.Ref, string) {
	space, source := cairn.Space(""), "product"
	if strings.HasPrefix(name, "s") {
		space, source = "salesforce", "salesforce"
	}
	return cairn.Ref{What: cairn.AnAccount, ID: space.Account(name).ID, Space: space, Key: name}, source
}

func (t tale) p(name string) cairn.Ref {
	return cairn.Ref{What: cairn.APerson, ID: t.pepper.Person("", name).ID}
}

func (t *tale) at(hours int) time.Time { return epoch.Add(time.Duration(hours) * time.Hour) }

// say adds an event, with ids for the keys that are not empty.
func (t *tale) say(kind cairn.EventKind, acct, person, anon, record, props, secret string, hours int) cairn.Event {
	s := said{id: fmt.Sprint(len(t.events)), kind: kind, account: acct, person: person, anon: anon, record: record, props: props, secret: secret, at: t.at(hours)}
	e := s.event(t.pepper)
	if acct != "" {
		ref, source := t.a(acct)
		e.Account, e.Source = cairn.AccountID{ID: ref.ID}, source
		e.Stream = e.Account.Stream()
		if kind == cairn.OfAccount {
			e.Record = e.Account.Record()
		}
	}
	if kind == cairn.OfPerson && person == "" {
		e.Record = e.Anon.Record()
	}
	if kind == cairn.Alias {
		e.Anon, e.Record = t.pepper.Anonymous("", anon), t.pepper.Person("", anon).Record()
		e.Stream = e.Person.Stream()
	}
	t.events = append(t.events, e)
	return e
}

// tie adds what somebody says about whose an id is.
func (t *tale) tie(slot cairn.Slot, subject, target cairn.Ref, hours int) cairn.Event {
	x := cairn.Tie{
		ID: cairn.EventID{ID: cairn.HashID("tie", fmt.Sprint(len(t.events)))}, Slot: slot, Subject: subject, Target: target,
		By: "Ann", Hand: true, At: t.at(hours),
	}
	e, err := x.Event(x.At)
	if err != nil {
		panic(err)
	}
	t.events = append(t.events, e)
	return e
}

// undo adds that a tie counts no more.
func (t *tale) undo(e cairn.Event, hours int) cairn.Event {
	was, err := cairn.TieOf(&e)
	if err != nil {
		panic(err)
	}
	return t.tie(cairn.Undo, was.Subject, cairn.Ref{ID: was.ID.ID}, hours)
}

// telling draws a tale.
func telling(t *rapid.T, pepper cairn.Pepper) *tale {
	out := &tale{pepper: pepper}
	accounts := []string{"a0", "a1", "a2", "s0", "s1"}
	people := []string{"p0", "p1", "p2"}
	pick := func(from []string, what string) string { return rapid.SampledFrom(from).Draw(t, what) }
	or := func(from []string, what string) string {
		if rapid.Bool().Draw(t, "no "+what) {
			return ""
		}
		return pick(from, what)
	}
	var ties []cairn.Event
	for range rapid.IntRange(3, 30).Draw(t, "events") {
		hours := rapid.IntRange(0, 6).Draw(t, "hours")
		switch rapid.IntRange(0, 12).Draw(t, "kind") {
		case 0, 1:
			a, p := or(accounts, "account"), or(people, "person")
			if a == "" && p == "" {
				p = "p0"
			}
			out.say(cairn.Track, a, p, "", "", "", "", hours)
		case 2:
			out.say(cairn.Track, "", "", pick([]string{"v0", "v1"}, "visitor"), "", "", "", hours)
		case 3:
			out.say(cairn.OfAccount, pick(accounts, "account"), or(people, "person"), "", "", fmt.Sprintf(`{"name":"N%d","domain":"d%d.example"}`, hours, hours%3), "", hours)
		case 4:
			out.say(cairn.OfPerson, or(accounts, "account"), pick(people, "person"), pick([]string{"v0", "v1"}, "visitor"), "", "", fmt.Sprintf(`{"email":"m%d@d1.example"}`, hours%3), hours)
		case 5:
			out.say(cairn.Alias, "", pick(people, "person"), pick([]string{"v0", "p0", "p1"}, "previous"), "", "", "", hours)
		case 6, 7:
			out.say(cairn.OfContract, or(accounts, "account"), "", "", pick([]string{"c0", "c1"}, "contract"), fmt.Sprintf(`{"mrr":%d}`, 100+hours), "", hours)
		case 8:
			x, _ := out.a(pick(accounts, "subject"))
			y, _ := out.a(pick(accounts, "target"))
			ties = append(ties, out.tie(cairn.Into, x, y, hours))
		case 9:
			ties = append(ties, out.tie(cairn.Into, out.p(pick(people, "subject")), out.p(pick(people, "target")), hours))
		case 10:
			x := out.p(pick(people, "subject"))
			if rapid.Bool().Draw(t, "record") {
				x = cairn.Ref{What: cairn.AStream, ID: cairn.Space("").Record(cairn.OfContract, pick([]string{"c0", "c1"}, "contract")).Stream().ID}
			}
			y, _ := out.a(pick(accounts, "target"))
			ties = append(ties, out.tie(cairn.Home, x, y, hours))
		case 11:
			x, _ := out.a(pick(accounts, "subject"))
			ties = append(ties, out.tie(cairn.Aside, x, cairn.Ref{}, hours))
		case 12:
			if len(ties) > 0 {
				out.undo(ties[rapid.IntRange(0, len(ties)-1).Draw(t, "which")], hours)
			}
		}
	}
	return out
}

// world0 opens a store in which every tale has the same ids.
func world0(t testing.TB, open Opener) *sqlstore.Store {
	t.Helper()
	s := open(t)
	ctx := context.Background()
	if err := s.UsePepper(ctx, [32]byte{1}); err != nil {
		t.Fatal(err)
	}
	for _, src := range []ingest.Source{salesforce, {Name: "product", Several: ingest.Latest}} {
		if err := s.SaveSource(ctx, cairn.House, src, "", epoch); err != nil {
			t.Fatal(err)
		}
	}
	s.Configure(signal.Settings{Zone: time.UTC, Currency: "EUR", Precedence: cairn.Precedence{"cairn", "salesforce"}})
	return s
}

// told appends events in chunks and returns how things stand then.
func told(t testing.TB, s *sqlstore.Store, events []cairn.Event, chunk int) string {
	t.Helper()
	for some := range slices.Chunk(events, chunk) {
		before := stampsOf(t, s)
		if _, err := s.Append(context.Background(), some); err != nil {
			t.Fatal(err)
		}
		before.counted(t, stampsOf(t, s))
	}
	return standing(t, s)
}

// stamps are those of all accounts, by the kind of record, and how many
// changes were counted of them.
type stamps struct {
	of      map[cairn.EventKind]map[cairn.AccountID]watch.Stamp
	changes map[cairn.EventKind][watch.Shards]int64
}

func stampsOf(t testing.TB, s *sqlstore.Store) stamps {
	t.Helper()
	out := stamps{map[cairn.EventKind]map[cairn.AccountID]watch.Stamp{}, map[cairn.EventKind][watch.Shards]int64{}}
	for _, kind := range []cairn.EventKind{cairn.OfAccount, cairn.OfContract, cairn.OfTicket, cairn.OfTask} {
		of, err := s.Stamps(t.Context(), kind, watch.Span{})
		if err != nil {
			t.Fatal(err)
		}
		changes, err := s.Changes(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		out.of[kind], out.changes[kind] = of, changes
	}
	return out
}

// counted fails where records of an account changed and nobody counted it: a
// page would go on showing what was.
func (before stamps) counted(t testing.TB, after stamps) {
	t.Helper()
	for kind, of := range after.of {
		for _, side := range []map[cairn.AccountID]watch.Stamp{of, before.of[kind]} {
			for account := range side {
				i := watch.ShardOf(account)
				if of[account] != before.of[kind][account] && before.changes[kind][i] == after.changes[kind][i] {
					t.Errorf("a %s of %v changed and was not counted", kind, account)
				}
			}
		}
	}
}

func standing(t testing.TB, s *sqlstore.Store) string {
	t.Helper()
	out, err := s.DumpStanding(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// differ shows the lines that only one of two dumps has.
func differ(want, got string) string {
	var b strings.Builder
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for _, l := range w {
		if !slices.Contains(g, l) {
			b.WriteString("- " + l + "\n")
		}
	}
	for _, l := range g {
		if !slices.Contains(w, l) {
			b.WriteString("+ " + l + "\n")
		}
	}
	return b.String()
}

// seen is what is measured from, of every account that stands alone, and the
// tallies.
func seen(t testing.TB, s *sqlstore.Store) string {
	t.Helper()
	ctx := context.Background()
	fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
	page, err := s.Accounts(ctx, cairn.Everything, account.Query{})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, a := range page.Accounts {
		st, err := s.State(ctx, a.ID, epoch.AddDate(0, 0, 3), epoch.AddDate(0, 0, 3))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %s\n", a.ID, a.First, st.Canonical())
	}
	tallies, err := s.DumpFold(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range strings.Split(tallies, "\n") {
		if strings.HasPrefix(l, "tally") {
			b.WriteString(l + "\n")
		}
	}
	return b.String()
}

// Identity is the contract of who is who.
func Identity(t *testing.T, open Opener) {
	ctx := context.Background()
	checks := flag.Lookup("rapid.checks")
	was := checks.Value.String()
	if was == "100" { // not asked for on the command line: each check opens several stores
		checks.Value.Set("25")
		defer checks.Value.Set(was)
	}

	t.Run("AnyOrderOfTheSameEventsEndsInTheSame", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			a, b, c := world0(t, open), world0(t, open), world0(t, open)
			defer func() {
				for _, s := range []*sqlstore.Store{a, b, c} {
					s.Close()
				}
			}()
			tale := telling(r, must(a.Pepper(ctx))(t))
			want := told(t, a, tale.events, 1)
			shuffled := slices.Clone(tale.events)
			seed := rapid.Uint64().Draw(r, "seed")
			rand.New(rand.NewPCG(seed, 7)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			if d := differ(want, told(t, b, shuffled, rapid.IntRange(1, 9).Draw(r, "chunk"))); d != "" {
				r.Errorf("shuffled arrival ends otherwise:\n%s", d)
			}
			// The log itself, partition by partition, as a projection from the start reads it.
			if d := differ(want, told(t, c, everything(t, a), 1000)); d != "" {
				r.Errorf("a projection from the log ends otherwise:\n%s", d)
			}
		})
	})

	t.Run("AMergeThatIsUndoneLeavesNothing", func(t *testing.T) {
		rapid.Check(t, func(r *rapid.T) {
			s := world0(t, open)
			defer s.Close()
			tale := telling(r, must(s.Pepper(ctx))(t))
			for _, name := range []string{"a0", "a1", "s0"} { // both are known before
				tale.say(cairn.Track, name, "p0", "", "", "", "", 1)
			}
			tale.say(cairn.Track, "", "p1", "", "", "", "", 1)
			before := told(t, s, tale.events, 7)
			measured := seen(t, s)
			n := len(tale.events)
			x, y := tale.p("p0"), tale.p("p1")
			if rapid.Bool().Draw(r, "accounts") {
				x, _ = tale.a(rapid.SampledFrom([]string{"a0", "s0"}).Draw(r, "merged"))
				y, _ = tale.a("a1")
			}
			merge := tale.tie(cairn.Into, x, y, 9)
			tale.undo(merge, 10)
			told(t, s, tale.events[n:n+1], 1)
			seen(t, s)
			if d := differ(before, told(t, s, tale.events[n+1:], 1)); d != "" {
				r.Errorf("after merge and un-merge it stands otherwise:\n%s", d)
			}
			if d := differ(measured, seen(t, s)); d != "" {
				r.Errorf("after merge and un-merge it is measured otherwise:\n%s", d)
			}
		})
	})

	t.Run("AMergedAccountIsFoundUnderItsOldKeyAndWhatArrivesIsTheSurvivors", func(t *testing.T) {
		s := world0(t, open)
		tale := &tale{pepper: must(s.Pepper(ctx))(t)}
		a0, _ := tale.a("a0")
		a1, _ := tale.a("a1")
		tale.say(cairn.OfAccount, "a0", "", "", "", `{"name":"Acme","owner":"ann@x.example"}`, "", 0)
		tale.say(cairn.OfAccount, "a1", "p0", "", "", `{"name":"Acme Ltd","industry":"Toys"}`, "", 1)
		tale.say(cairn.OfTask, "a1", "", "", "task-1", `{"state":"open"}`, "", 1)
		tale.say(cairn.Track, "", "p0", "", "", "", "", 1)
		merge := tale.tie(cairn.Into, a1, a0, 2)
		told(t, s, tale.events, 100)
		n := len(tale.events)
		survivor := cairn.AccountID{ID: a0.ID}
		same(t, "streams of the survivor", 3, streams(t, s, "a0"))
		for _, text := range []string{"a1", "a0", a1.ID.String()} {
			if id, err := s.Find(ctx, cairn.Everything, text); err != nil || id != survivor {
				t.Errorf("%s finds %v, %v", text, id, err)
			}
		}
		got := must(s.Account(ctx, cairn.Everything, survivor))(t)
		same(t, "name, owner and tasks", "Acme Ltd ann@x.example 1", fmt.Sprintf("%s %s %d", got.Name, got.Owner, got.OpenTasks))
		page := must(s.Accounts(ctx, cairn.Everything, account.Query{Search: "a1"}))(t)
		same(t, "accounts found by the old key", 1, page.Total)
		_, err := s.Account(ctx, cairn.Everything, cairn.AccountID{ID: a1.ID})
		wantKind(t, err, cairn.NotFound)
		same(t, "people", 1, len(must(s.People(ctx, cairn.Everything, survivor))(t)))

		// Old keys go on arriving.
		tale.say(cairn.Track, "a1", "p2", "", "", "", "", 3)
		tale.say(cairn.OfContract, "a1", "", "", "c9", `{"mrr":5}`, "", 3)
		told(t, s, tale.events[n:], 100)
		same(t, "contracts of the survivor", 1, len(must(s.Records(ctx, cairn.Everything, survivor, cairn.OfContract, time.Time{}))(t)))
		same(t, "people of the survivor", 2, len(must(s.People(ctx, cairn.Everything, survivor))(t)))

		n = len(tale.events)
		tale.undo(merge, 4)
		told(t, s, tale.events[n:], 100)
		same(t, "contracts after un-merging", 0, len(must(s.Records(ctx, cairn.Everything, survivor, cairn.OfContract, time.Time{}))(t)))
		back := must(s.Account(ctx, cairn.Everything, cairn.AccountID{ID: a1.ID}))(t)
		same(t, "the other one", "Acme Ltd 1", fmt.Sprintf("%s %d", back.Name, back.OpenTasks))
		same(t, "the first one", "Acme", must(s.Account(ctx, cairn.Everything, survivor))(t).Name)
		same(t, "people of the other one", 2, len(must(s.People(ctx, cairn.Everything, back.ID))(t)))
		same(t, "streams of the other one", 2, streams(t, s, "a1"))
	})

	t.Run("TwoKeysOfOnePersonCountOnce", func(t *testing.T) {
		s := world0(t, open)
		tale := &tale{pepper: must(s.Pepper(ctx))(t)}
		for i, p := range []string{"p0", "p1", "p2"} {
			tale.say(cairn.Track, "a0", p, "", "", "", "", i)
		}
		tale.tie(cairn.Into, tale.p("p0"), tale.p("p1"), 5)
		told(t, s, tale.events, 100)
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		id, _ := tale.a("a0")
		st := must(s.State(ctx, cairn.AccountID{ID: id.ID}, epoch.AddDate(0, 0, 1), epoch.AddDate(0, 0, 1)))(t)
		counted := uint64(0)
		for k, v := range st.Tallies {
			if k.Name == "Report Created" {
				counted = v.People.GetCardinality()
			}
		}
		same(t, "people who created reports", uint64(2), counted)
		same(t, "people listed", 2, len(must(s.People(ctx, cairn.Everything, cairn.AccountID{ID: id.ID}))(t)))
	})

	t.Run("AMergeDecidesNothing", func(t *testing.T) {
		s := world0(t, open)
		tale := &tale{pepper: must(s.Pepper(ctx))(t)}
		a0, _ := tale.a("a0")
		a1, _ := tale.a("a1")
		tale.say(cairn.Track, "a0", "p0", "", "", "", "", 0)
		tale.say(cairn.Track, "a1", "p1", "", "", "", "", 0)
		told(t, s, tale.events, 100)
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		now := epoch.AddDate(0, 0, 2)
		settle := func() []turn.Due {
			t.Helper()
			due := must(s.Due(ctx, now, 10))(t)
			var rs []turn.Result
			for _, d := range due {
				rs = append(rs, turn.Result{Due: d, At: now, Next: now.AddDate(0, 0, 1), Vector: cairn.Vector{At: now, Way: cairn.Unknown}})
			}
			if err := s.CommitTurns(ctx, rs); err != nil {
				t.Fatal(err)
			}
			return due
		}
		settle()
		n := len(tale.events)
		tale.tie(cairn.Into, a1, a0, 50)
		told(t, s, tale.events[n:], 1)
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		due := settle()
		if len(due) != 1 || due[0].Account.ID != a0.ID || !due[0].Quiet {
			t.Errorf("due after the merge: %+v, want the survivor only, quietly", due)
		}
	})
}

// Match is the contract of recognising who is who.
func Match(t *testing.T, open Opener) {
	ctx := context.Background()
	settle := func(t *testing.T, s *sqlstore.Store) {
		t.Helper()
		m := account.Matcher{Store: s}
		for range 20 {
			worked, err := m.Beat(ctx, epoch.AddDate(0, 0, 5))
			if err != nil {
				t.Fatal(err)
			}
			if !worked {
				return
			}
		}
		t.Fatal("matching does not end")
	}
	for _, c := range []struct {
		name string
		tell func(*tale)
		want string // whose s0 is
	}{
		{"ByAnExternalID", func(x *tale) {
			x.say(cairn.OfAccount, "a0", "", "", "", `{"external_ids":{"salesforce":"s0"}}`, "", 0)
			x.say(cairn.OfAccount, "s0", "", "", "", `{"name":"Acme"}`, "", 1)
		}, "a0"},
		{"ByAnExternalIDThatItStatesItself", func(x *tale) {
			x.say(cairn.OfAccount, "s0", "", "", "", `{"external_ids":{"common":"a1"}}`, "", 1)
			x.say(cairn.Track, "a1", "p0", "", "", "", "", 2)
		}, "a1"},
		{"ByAVerifiedDomain", func(x *tale) {
			x.say(cairn.OfAccount, "s0", "", "", "", `{"domain":"WWW.Acme.example"}`, "", 1)
			x.say(cairn.OfAccount, "a0", "", "", "", `{"verified_domains":["acme.example"]}`, "", 2)
		}, "a0"},
		{"NotByADomainThatNobodyVerified", func(x *tale) {
			x.say(cairn.OfAccount, "s0", "", "", "", `{"domain":"acme.example"}`, "", 1)
			x.say(cairn.OfAccount, "a0", "", "", "", `{"domain":"acme.example"}`, "", 2)
		}, ""},
		{"NotByAPublicDomain", func(x *tale) {
			x.say(cairn.OfAccount, "s0", "", "", "", `{"domain":"gmail.com"}`, "", 1)
			x.say(cairn.OfAccount, "a0", "", "", "", `{"verified_domains":["gmail.com"]}`, "", 2)
		}, ""},
		{"NotWhenTwoHaveTheDomain", func(x *tale) {
			x.say(cairn.OfAccount, "a0", "", "", "", `{"verified_domains":["acme.example"]}`, "", 2)
			x.say(cairn.OfAccount, "a1", "", "", "", `{"verified_domains":["acme.example"]}`, "", 2)
			x.say(cairn.OfAccount, "s0", "", "", "", `{"domain":"acme.example"}`, "", 1)
		}, ""},
		{"ByTheAddressOfAKnownPerson", func(x *tale) {
			x.say(cairn.OfPerson, "a2", "p0", "", "", "", `{"email":"ann@acme.example"}`, 1)
			x.say(cairn.OfAccount, "s0", "", "", "", "", `{"email":"Ann@acme.example"}`, 1)
		}, "a2"},
		{"AnExternalIDBeforeADomain", func(x *tale) {
			x.say(cairn.OfAccount, "a0", "", "", "", `{"verified_domains":"acme.example, acme.test"}`, "", 0)
			x.say(cairn.OfAccount, "s0", "", "", "", `{"domain":"acme.test","external_ids":{"common":"a1"}}`, "", 1)
			x.say(cairn.Track, "a1", "p0", "", "", "", "", 2)
		}, "a0"}, // a1 was not known yet, and the domain decided
	} {
		t.Run(c.name, func(t *testing.T) {
			s := world0(t, open)
			x := &tale{pepper: must(s.Pepper(ctx))(t)}
			c.tell(x)
			for i := range x.events {
				told(t, s, x.events[i:i+1], 1)
				settle(t, s)
			}
			s0, _ := x.a("s0")
			holder, err := s.Holder(ctx, cairn.Everything, cairn.AccountID{ID: s0.ID})
			want, _ := x.a(c.want)
			if c.want == "" {
				wantKind(t, err, cairn.NotFound)
				return
			}
			if err != nil || holder.ID != want.ID {
				t.Errorf("s0 is %v, %v; want %s", holder, err, c.want)
			}
			// Said in the log, so that reading it again needs no deciding.
			again := world0(t, open)
			if d := differ(standing(t, s), told(t, again, everything(t, s), 100)); d != "" {
				t.Errorf("read again it stands otherwise:\n%s", d)
			}
			if worked, err := (&account.Matcher{Store: s}).Beat(ctx, epoch); worked || err != nil {
				t.Errorf("there is more to decide: %v, %v", worked, err)
			}
		})
	}

	t.Run("AMatchThatWasUndoneIsNotMadeAgain", func(t *testing.T) {
		s := world0(t, open)
		x := &tale{pepper: must(s.Pepper(ctx))(t)}
		x.say(cairn.OfAccount, "a0", "", "", "", `{"verified_domains":["acme.example"]}`, "", 0)
		x.say(cairn.OfAccount, "s0", "", "", "", `{"domain":"acme.example"}`, "", 1)
		told(t, s, x.events, 10)
		settle(t, s)
		var match cairn.Event
		for _, e := range everything(t, s) {
			if e.Kind == cairn.OfIdentity {
				match = e
			}
		}
		if why := must(cairn.TieOf(&match))(t).Why; why != "domain acme.example, verified by product" {
			t.Errorf("the reason is %q", why)
		}
		n := len(x.events)
		x.undo(match, 200)
		x.say(cairn.OfAccount, "s0", "", "", "", `{"domain":"acme.example","website":"https://acme.example/"}`, "", 201)
		told(t, s, x.events[n:], 10)
		settle(t, s)
		s0, _ := x.a("s0")
		_, err := s.Holder(ctx, cairn.Everything, cairn.AccountID{ID: s0.ID})
		wantKind(t, err, cairn.NotFound)
	})

	t.Run("AContactOfTheCRMIsTheUserOfTheSameAddress", func(t *testing.T) {
		s := world0(t, open)
		x := &tale{pepper: must(s.Pepper(ctx))(t)}
		x.say(cairn.OfPerson, "a0", "p0", "", "", "", `{"email":"ann@acme.example","name":"Ann"}`, 0)
		x.say(cairn.OfAccount, "s0", "", "", "", `{"name":"Acme"}`, "", 0)
		e := x.say(cairn.OfPerson, "s0", "contact-1", "", "", "", `{"email":"ann@acme.example","title":"Head of IT"}`, 1)
		contact := x.pepper.Person("salesforce", "contact-1")
		last := &x.events[len(x.events)-1]
		last.Person, last.Record = contact, contact.Record()
		_ = e
		told(t, s, x.events, 10)
		settle(t, s)
		a0, _ := x.a("a0")
		people := must(s.People(ctx, cairn.Everything, cairn.AccountID{ID: a0.ID}))(t)
		if len(people) != 1 || people[0].Name != "Ann" || people[0].Title != "Head of IT" || people[0].Key != "p0" {
			t.Errorf("people are %+v", people)
		}
		// And so the CRM's account is hers.
		s0, _ := x.a("s0")
		if h, err := s.Holder(ctx, cairn.Everything, cairn.AccountID{ID: s0.ID}); err != nil || h.ID != a0.ID {
			t.Errorf("the account of the CRM is %v, %v", h, err)
		}
	})

	t.Run("AUserWithoutAnAccountIsKnownByTheirDomain", func(t *testing.T) {
		s := world0(t, open)
		x := &tale{pepper: must(s.Pepper(ctx))(t)}
		x.say(cairn.OfPerson, "", "p0", "", "", "", `{"email":"ann@acme.example"}`, 0)
		x.say(cairn.OfPerson, "", "p1", "", "", "", `{"email":"bob@gmail.com"}`, 0)
		x.say(cairn.OfAccount, "a0", "", "", "", `{"verified_domains":["acme.example","gmail.com"]}`, "", 1)
		told(t, s, x.events, 10)
		settle(t, s)
		same(t, "streams of a0", 2, streams(t, s, "a0"))
		a0, _ := x.a("a0")
		same(t, "people of a0", 1, len(must(s.People(ctx, cairn.Everything, cairn.AccountID{ID: a0.ID}))(t)))
	})
}

// Registry is the contract of what people do about who is who.
func Registry(t *testing.T, open Opener) {
	ctx := context.Background()
	by := cairn.Actor{Kind: cairn.ByPerson, ID: "u1", Name: "Ann"}
	start := func(t *testing.T) (*sqlstore.Store, *tale, account.Identity) {
		s := world0(t, open)
		x := &tale{pepper: must(s.Pepper(ctx))(t)}
		now := epoch
		return s, x, account.Identity{IdentityStore: s, Now: func() time.Time { now = now.Add(time.Second); return now }}
	}

	t.Run("WhatWaitsIsClaimedIgnoredAndTakenBack", func(t *testing.T) {
		s, x, id := start(t)
		x.say(cairn.OfAccount, "a0", "", "", "", `{"name":"Acme","domain":"acme.example"}`, "", 0)
		x.say(cairn.OfAccount, "s0", "", "", "", `{"name":"Acme Corp","domain":"acme.example"}`, "", 1)
		x.say(cairn.OfContract, "s0", "", "", "c0", `{"mrr":10}`, "", 1)
		x.say(cairn.Track, "", "p0", "", "", "", "", 2)
		x.say(cairn.Track, "", "", "v0", "", "", "", 2)
		x.say(cairn.OfContract, "", "", "", "c1", `{"mrr":7}`, "", 3)
		told(t, s, x.events, 100)
		fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
		tray := must(id.Tray(ctx, cairn.Everything, account.TrayQuery{}))(t)
		same(t, "what waits", "record person account", names(tray.Waiting, func(w account.Waiting) string { return w.Kind }))
		same(t, "how many", 3, must(id.WaitingCount(ctx, cairn.Everything))(t))
		same(t, "visitors", 1, tray.Counts["visitor"])
		acct := tray.Waiting[2]
		if acct.Name != "Acme Corp" || acct.Events != 2 || len(acct.Chance) != 1 || acct.Chance[0].Name != "Acme" || acct.Chance[0].By.Sure() {
			t.Errorf("the account that waits: %+v", acct)
		}
		if out := must(id.Tray(ctx, cairn.Scope{}, account.TrayQuery{}))(t); len(out.Waiting) != 0 || out.Open() != 0 {
			t.Errorf("who may see nothing sees %+v", out)
		}

		a0, _ := x.a("a0")
		var all []cairn.ID
		for _, w := range tray.Waiting {
			all = append(all, w.Ref.ID)
		}
		ties := must(id.Claim(ctx, by, all, cairn.AccountID{ID: a0.ID}))(t)
		same(t, "streams of the account", 4, streams(t, s, "a0"))
		same(t, "contracts", 2, len(must(s.Records(ctx, cairn.Everything, cairn.AccountID{ID: a0.ID}, cairn.OfContract, time.Time{}))(t)))
		same(t, "people", 1, len(must(s.People(ctx, cairn.Everything, cairn.AccountID{ID: a0.ID}))(t)))
		same(t, "waiting then", 0, must(id.WaitingCount(ctx, cairn.Everything))(t))
		known := must(id.Known(ctx, cairn.Everything, cairn.AccountID{ID: a0.ID}))(t)
		same(t, "names and what was given", "2 2", fmt.Sprintf("%d %d", len(known.Names), len(known.Given)))
		for _, tie := range ties {
			must(id.Undo(ctx, by, tie.ID))(t)
		}
		_, err := id.Undo(ctx, by, ties[0].ID)
		wantKind(t, err, cairn.Conflict)
		same(t, "streams after undoing", 1, streams(t, s, "a0"))
		same(t, "waiting again", 3, must(id.WaitingCount(ctx, cairn.Everything))(t))

		ignored := must(id.Ignore(ctx, by, all[:1]))(t)
		same(t, "waiting after ignoring", 2, must(id.WaitingCount(ctx, cairn.Everything))(t))
		aside := must(id.Tray(ctx, cairn.Everything, account.TrayQuery{Aside: true}))(t)
		if len(aside.Waiting) != 1 || aside.Waiting[0].Aside == nil || aside.Waiting[0].Aside.ID != ignored[0].ID {
			t.Errorf("ignored: %+v", aside.Waiting)
		}
		_, err = id.Claim(ctx, by, all, cairn.AccountID{})
		wantKind(t, err, cairn.Invalid) // a record is no account
		must(id.Claim(ctx, by, all[2:], cairn.AccountID{}))(t)
		s0, _ := x.a("s0")
		same(t, "the new account", "Acme Corp salesforce", func() string {
			a := must(s.Account(ctx, cairn.Everything, cairn.AccountID{ID: s0.ID}))(t)
			return a.Name + " " + string(a.Space)
		}())
		_, err = id.Ignore(ctx, cairn.Actor{}, all)
		wantKind(t, err, cairn.Forbidden)
	})

	t.Run("APreviewSaysWhatWouldMoveAndWhichFieldWins", func(t *testing.T) {
		s, x, id := start(t)
		x.say(cairn.OfAccount, "a0", "p0", "", "", `{"name":"Acme","industry":"Toys"}`, "", 0)
		x.say(cairn.OfAccount, "a1", "p1", "", "", `{"name":"Acme Ltd","industry":"Toys"}`, "", 1)
		x.say(cairn.OfTask, "a1", "", "", "t1", `{"state":"open"}`, "", 1)
		told(t, s, x.events, 100)
		a0, _ := x.a("a0")
		a1, _ := x.a("a1")
		before := standing(t, s)
		p := must(id.Preview(ctx, cairn.Everything, a1.ID, a0.ID))(t)
		same(t, "to move", "1 1 1 1", fmt.Sprintf("%d %d %d %d", p.Streams, p.People, p.Records, p.Tasks))
		if len(p.Clashes) != 1 || p.Clashes[0].Field != "name" || string(p.Clashes[0].Then.Value) != `"Acme Ltd"` {
			t.Errorf("clashes are %+v", p.Clashes)
		}
		same(t, "nothing changed", before, standing(t, s))
		_, err := id.Merge(ctx, by, a0.ID, a0.ID)
		wantKind(t, err, cairn.Conflict)
		_, err = id.Merge(ctx, by, a0.ID, x.p("p0").ID)
		wantKind(t, err, cairn.Invalid)
		must(id.Merge(ctx, by, a1.ID, a0.ID))(t)
		same(t, "name then", "Acme Ltd", must(s.Account(ctx, cairn.Everything, cairn.AccountID{ID: a0.ID}))(t).Name)
		_, err = id.Merge(ctx, by, a1.ID, a0.ID)
		wantKind(t, err, cairn.Conflict)
	})

	t.Run("ParentsMakeFamiliesAndNoCircles", func(t *testing.T) {
		s, x, id := start(t)
		x.say(cairn.OfAccount, "a0", "", "", "", `{"name":"Group"}`, "", 0)
		x.say(cairn.OfAccount, "a1", "", "", "", `{"name":"Middle","parent":"a0"}`, "", 0)
		x.say(cairn.OfAccount, "a2", "", "", "", `{"name":"Small","parent":"a1"}`, "", 0)
		told(t, s, x.events, 100)
		of := func(name string) cairn.AccountID { r, _ := x.a(name); return cairn.AccountID{ID: r.ID} }
		k := must(id.Known(ctx, cairn.Everything, of("a1")))(t)
		kin := func(ks []account.Kin) string { return names(ks, func(k account.Kin) string { return k.Name }) }
		same(t, "parents and children", "Group Small", kin(k.Parents)+" "+kin(k.Children))
		same(t, "who says so", "product", k.Parent.Source)
		page := must(s.Accounts(ctx, cairn.Everything, account.Query{Family: of("a0")}))(t)
		same(t, "the family", "Group Middle Small", names(page.Accounts, func(a cairn.Account) string { return a.Name }))
		same(t, "a branch", 2, must(s.Accounts(ctx, cairn.Everything, account.Query{Family: of("a1")}))(t).Total)
		err := id.CheckParent(ctx, of("a0"), of("a2"))
		wantKind(t, err, cairn.Conflict)
		if err == nil || !strings.Contains(err.Error(), "Group → Small → Middle → Group") {
			t.Errorf("the circle is told as %v", err)
		}
		wantKind(t, id.CheckParent(ctx, of("a0"), of("a0")), cairn.Conflict)
		// What a source says cannot be refused: the page tells, and nothing runs for ever.
		n := len(x.events)
		x.say(cairn.OfAccount, "a0", "", "", "", `{"parent":"a2"}`, "", 1)
		told(t, s, x.events[n:], 1)
		k = must(id.Known(ctx, cairn.Everything, of("a0")))(t)
		same(t, "circle", "Group → Small → Middle → Group", k.Circle)
		same(t, "parents in a circle", 0, len(k.Parents))
		same(t, "the family of a circle", 3, must(s.Accounts(ctx, cairn.Everything, account.Query{Family: of("a0")}))(t).Total)
	})

	t.Run("WhatNamesNoAccountFollowsTheRuleOrTheWordOfAPerson", func(t *testing.T) {
		for rule, want := range map[ingest.SeveralRule]string{ingest.Unclaimed: "", ingest.Latest: "a1", ingest.Primary: "a0"} {
			s, x, id := start(t)
			if err := s.SaveSource(ctx, cairn.House, ingest.Source{Name: "product", Several: rule}, "", epoch); err != nil {
				t.Fatal(err)
			}
			x.say(cairn.OfAccount, "a0", "p0", "", "", "", "", 0)
			x.say(cairn.OfAccount, "a1", "p0", "", "", "", "", 1)
			x.say(cairn.Track, "", "p0", "", "", "", "", 2)
			told(t, s, x.events, 1)
			home := func() string {
				p := must(id.Somebody(ctx, cairn.Everything, cairn.PersonID{ID: x.p("p0").ID}))(t)
				same(t, "places", 2, len(p.Places))
				for _, at := range p.Places {
					if at.Home {
						return at.Name
					}
				}
				return ""
			}
			same(t, string(rule), want, home())
			a0, _ := x.a("a0")
			must(id.Claim(ctx, by, []cairn.ID{x.p("p0").ID}, cairn.AccountID{ID: a0.ID}))(t)
			same(t, string(rule)+", by hand", "a0", home())
		}
	})
}
