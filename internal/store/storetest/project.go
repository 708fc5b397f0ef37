package storetest

import (
	"context"
	"testing"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
	"cairn/internal/signal"
	"cairn/internal/store/sqlstore"
)

// Project is the contract of state that is projected where it is admitted.
func Project(t *testing.T, open Opener) {
	ctx := context.Background()
	id := cairn.Space("").Account("acme")
	field := func(t *testing.T, s *sqlstore.Store, name string, at time.Time) cairn.Said {
		t.Helper()
		rs, err := s.Records(ctx, cairn.Everything, id, cairn.OfAccount, at)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			if v, ok := r.Fields[name]; ok {
				return v
			}
		}
		return cairn.Said{}
	}

	t.Run("APatchLeavesAbsentFieldsAloneAndNullClears", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfAccount, account: "acme", props: `{"name":"Acme","industry":"Toys","plan":"pro"}`},
			said{id: "2", kind: cairn.OfAccount, account: "acme", at: epoch.Add(time.Hour), props: `{"name":"Acme Ltd","plan":null}`})
		for name, want := range map[string]string{"name": `"Acme Ltd"`, "industry": `"Toys"`, "plan": ""} {
			if got := string(field(t, s, name, time.Time{}).Value); got != want {
				t.Errorf("%s is %s, want %s", name, got, want)
			}
		}
		a, err := s.Account(ctx, cairn.Everything, id)
		if err != nil || a.Name != "Acme Ltd" {
			t.Errorf("the account is called %q, %v", a.Name, err)
		}
	})

	t.Run("TheOrderOfSourcesDecidesThenTheLatest", func(t *testing.T) {
		s := open(t)
		s.Configure(signal.Settings{Zone: time.UTC, Currency: "EUR", Precedence: cairn.Precedence{"crm"}})
		admit(t, s,
			said{id: "1", source: "crm", kind: cairn.OfAccount, account: "acme", props: `{"owner":"crm@x.example"}`},
			said{id: "2", source: "product", kind: cairn.OfAccount, account: "acme", at: epoch.Add(time.Hour), props: `{"owner":"product@x.example"}`},
			said{id: "3", source: "support", kind: cairn.OfAccount, account: "acme", at: epoch.Add(2 * time.Hour), props: `{"owner":"support@x.example"}`})
		if got := field(t, s, "owner", time.Time{}); got.Source != "crm" || !got.At.Equal(epoch) {
			t.Errorf("%s said %s at %v", got.Source, got.Value, got.At)
		}
		admit(t, s, said{id: "4", source: "crm", kind: cairn.OfAccount, account: "acme", at: epoch.Add(3 * time.Hour), props: `{"owner":null}`})
		if got := field(t, s, "owner", time.Time{}); got.Source != "support" {
			t.Errorf("after crm took it back, %q is shown", got.Source)
		}
		// As of then.
		if got := field(t, s, "owner", epoch.Add(90*time.Minute)); got.Source != "crm" {
			t.Errorf("as of then %q is shown", got.Source)
		}
	})

	t.Run("AnOlderPatchThatArrivesLateDoesNotWin", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfAccount, account: "acme", at: epoch, props: `{"name":"New"}`},
			said{id: "2", kind: cairn.OfAccount, account: "acme", at: epoch.Add(-time.Hour), seen: epoch.Add(time.Hour), props: `{"name":"Old"}`})
		if got := string(field(t, s, "name", time.Time{}).Value); got != `"New"` {
			t.Errorf("name is %s", got)
		}
	})

	t.Run("APersonsStreamFollowsTheGroupCall", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", person: "ann"},
			said{id: "2", kind: cairn.OfAccount, account: "acme", person: "ann", at: epoch.Add(time.Hour)})
		if n := streams(t, s, "acme"); n != 2 {
			t.Errorf("acme consists of %d streams, want its own and ann's", n)
		}
		people, err := s.People(ctx, cairn.Everything, id)
		if err != nil || len(people) != 1 || people[0].Key != "ann" {
			t.Errorf("people are %v, %v", people, err)
		}
	})

	t.Run("AUserOfSeveralAccountsIsUnclaimedUnlessTheSourceSaysLatest", func(t *testing.T) {
		s := open(t)
		two := []said{
			{id: "1", person: "ann"},
			{id: "2", kind: cairn.OfAccount, account: "acme", person: "ann", at: epoch},
			{id: "3", kind: cairn.OfAccount, account: "zenith", person: "ann", at: epoch.Add(time.Hour)},
		}
		admit(t, s, two...)
		if a, z := streams(t, s, "acme"), streams(t, s, "zenith"); a != 1 || z != 1 {
			t.Errorf("acme has %d streams and zenith %d, want 1 each", a, z)
		}
		if err := s.SaveSource(ctx, cairn.House, ingest.Source{Name: "product", Several: ingest.Latest}, "", epoch); err != nil {
			t.Fatal(err)
		}
		admit(t, s, said{id: "4", kind: cairn.OfAccount, account: "zenith", person: "ann", at: epoch.Add(2 * time.Hour)})
		if a, z := streams(t, s, "acme"), streams(t, s, "zenith"); a != 1 || z != 2 {
			t.Errorf("with the rule, acme has %d streams and zenith %d, want 1 and 2", a, z)
		}
	})

	t.Run("AVisitorsStreamFollowsThePersonTheyTurnOutToBe", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", anon: "cookie-1"},
			said{id: "2", kind: cairn.OfAccount, account: "acme", person: "ann"},
			said{id: "3", kind: cairn.OfPerson, person: "ann", anon: "cookie-1"})
		if n := streams(t, s, "acme"); n != 3 {
			t.Errorf("acme consists of %d streams, want its own, ann's and the visitor's", n)
		}
	})

	t.Run("ScopedMethodsSeeOnlyTheirAccounts", func(t *testing.T) {
		s := open(t)
		admit(t, s, said{id: "1", account: "acme"}, said{id: "2", account: "zenith"})
		one := cairn.Scope{Accounts: []cairn.AccountID{id}}
		for scope, want := range map[*cairn.Scope]int{{}: 0, &one: 1, {All: true}: 2} {
			p, err := s.Accounts(ctx, *scope, account.Query{})
			if err != nil || len(p.Accounts) != want || p.Total != want {
				t.Errorf("scope %+v sees %d accounts of %d, %v; want %d", *scope, len(p.Accounts), p.Total, err, want)
			}
		}
		if _, err := s.Account(ctx, one, cairn.Space("").Account("zenith")); cairn.KindOf(err) != cairn.NotFound {
			t.Errorf("an account outside the scope gives %v", err)
		}
	})
}

// streams returns how many streams an account consists of.
func streams(t testing.TB, s *sqlstore.Store, key string) int {
	t.Helper()
	n, err := s.StreamCount(context.Background(), cairn.Space("").Account(key))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// Seal is the contract of what is personal.
func Seal(t *testing.T, open Opener) {
	ctx := context.Background()
	t.Run("WithThePersonErasedNothingPersonalIsReadAndCountsStay", func(t *testing.T) {
		s := open(t)
		sent := admit(t, s,
			said{id: "1", account: "acme", person: "ann@acme.example", secret: `{"email":"ann@acme.example"}`, props: `{"plan":"pro"}`},
			said{id: "2", kind: cairn.OfPerson, account: "acme", person: "ann@acme.example", secret: `{"name":"Ann Other","email":"ann@acme.example"}`, props: `{"role":"champion"}`})
		if _, err := s.Erase(ctx, cairn.House, sent[0].Person, ""); err != nil {
			t.Fatal(err)
		}
		for _, e := range everything(t, s) {
			if e.Personal != nil || e.Keys.Person != "" {
				t.Errorf("event %v still tells %s %q", e.Pos, e.Personal, e.Keys.Person)
			}
			if e.Name == "" || e.Person.IsZero() {
				t.Errorf("event %v lost what is not personal", e.Pos)
			}
		}
		people, err := s.People(ctx, cairn.Everything, cairn.Space("").Account("acme"))
		if err != nil || len(people) != 1 {
			t.Fatalf("people are %v, %v", people, err)
		}
		if p := people[0]; !p.Erased || p.Name != "" || p.Mail != "" || p.Key != "" {
			t.Errorf("the person is still %+v", p)
		}
		found, err := s.Accounts(ctx, cairn.Everything, account.Query{Search: "ann"})
		if err != nil || found.Total != 0 {
			t.Errorf("search still finds %d, %v", found.Total, err)
		}
	})
}

// Eraser is who erases in tests.
var Eraser = cairn.House

// Personal admits what is personal of one person, in every place it can be
// said, and returns who that is and what must not be found once erased.
func Personal(t testing.TB, s *sqlstore.Store) (id cairn.PersonID, address, name string) {
	t.Helper()
	address, name = "quirina.zwolle@acme.example", "Quirina Zwolle"
	sent := admit(t, s,
		said{id: "1", kind: cairn.OfPerson, account: "acme", person: address, secret: `{"name":"` + name + `","email":"` + address + `"}`, props: `{"role":"champion"}`},
		said{id: "2", account: "acme", person: address, anon: "cookie", secret: `{"text":"mail me at ` + address + `"}`},
		said{id: "3", kind: cairn.OfTicket, record: "t-1", account: "acme", person: address, secret: `{"subject":"` + name + ` cannot sign in"}`, props: `{"status":"open"}`},
		said{id: "4", kind: cairn.Interaction, name: "call", account: "acme", person: address, secret: `{"text":"Spoke with ` + name + `"}`})
	again := admit(t, s, said{id: "5", kind: cairn.OfPerson, source: "crm", account: "acme", person: "q.zwolle", secret: `{"name":"` + name + `","email":"` + address + `"}`})
	x := account.Identity{IdentityStore: s, Now: func() time.Time { return epoch }}
	must(x.Merge(context.Background(), Eraser, again[0].Person.ID, sent[0].Person.ID))(t)
	w := &world{TB: t, Store: s}
	w.send(w.mender(), "batch", `{"batch":[{"type":"identify","userId":"`+address+`","traits":{"name":"`+name+`"},"timestamp":"of `+address+`"},
		{"type":"contract","id":"c","groupId":"acme","through":{"ticket":"`+address+`"},"traits":{"mrr":"of `+name+` <`+address+`>"}}]}`)
	fold(t, s, &signal.Folder{Log: s, Store: s, Live: true})
	return sent[0].Person, address, name
}
