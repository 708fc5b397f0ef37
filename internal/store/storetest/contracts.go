package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/store/sqlstore"
)

// Contracts is the contract of what was said of contracts; see revenue.Store.
func Contracts(t *testing.T, open Opener) {
	ctx := context.Background()
	acme, beta := cairn.Space("").Account("acme"), cairn.Space("").Account("beta")
	type word struct {
		Account cairn.AccountID
		Field   string
		Value   string
		At      time.Time
		Seen    time.Time
	}
	all := func(t *testing.T, s *sqlstore.Store, scope cairn.Scope) map[cairn.RecordID][]word {
		t.Helper()
		out := map[cairn.RecordID][]word{}
		done := map[cairn.AccountID]bool{}
		var last cairn.AccountID
		err := s.Facts(ctx, scope, cairn.OfContract, func(a cairn.AccountID, r cairn.RecordID, facts []cairn.Fact) error {
			if a != last && done[a] {
				t.Errorf("%v comes again", a)
			}
			if _, twice := out[r]; twice {
				t.Errorf("contract %v comes again", r)
			}
			last, done[a] = a, true
			for _, f := range facts {
				if f.Event.IsZero() || f.Source == "" {
					t.Errorf("nobody said %+v", f)
				}
				out[r] = append(out[r], word{a, f.Field, string(f.Value), f.At, f.Seen})
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	contract := func(key string) cairn.RecordID { return cairn.Space("").Record(cairn.OfContract, key) }
	later := epoch.Add(48 * time.Hour)

	t.Run("AllThatWasSaidIsToldAccountByAccount", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10.50"}`},
			said{id: "2", kind: cairn.OfContract, account: "beta", record: "c2", props: `{"mrr":"20"}`},
			said{id: "3", kind: cairn.OfContract, account: "acme", record: "c3", props: `{"mrr":"30"}`},
			said{id: "4", kind: cairn.OfContract, account: "acme", record: "c1", at: epoch.Add(time.Hour), seen: later, props: `{"mrr":null}`},
			said{id: "5", kind: cairn.OfInvoice, account: "acme", record: "i1", props: `{"amount":"10.50"}`})
		want := map[cairn.RecordID][]word{
			contract("c1"): {{acme, "mrr", `"10.50"`, epoch, epoch}, {acme, "mrr", "", epoch.Add(time.Hour), later}},
			contract("c2"): {{beta, "mrr", `"20"`, epoch, epoch}},
			contract("c3"): {{acme, "mrr", `"30"`, epoch, epoch}},
		}
		if diff := cmp.Diff(want, all(t, s, cairn.Everything)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		delete(want, contract("c1"))
		delete(want, contract("c3"))
		if diff := cmp.Diff(want, all(t, s, cairn.Scope{Accounts: []cairn.AccountID{beta}})); diff != "" {
			t.Errorf("of one account (-want +got)\n%s", diff)
		}
	})

	t.Run("TheMarkDiffersWhenAContractDoes", func(t *testing.T) {
		s := open(t)
		mark := func() string {
			t.Helper()
			m, err := s.ContractsMark(ctx)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		none := mark()
		admit(t, s, said{id: "1", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10"}`})
		one := mark()
		admit(t, s, said{id: "2", kind: cairn.OfAccount, account: "acme", props: `{"name":"Acme"}`}, said{id: "3", account: "acme"})
		same := mark()
		admit(t, s, said{id: "4", kind: cairn.OfContract, account: "acme", record: "c1", at: epoch.Add(time.Hour), props: `{"mrr":"20"}`})
		if none == one || one != same || same == mark() {
			t.Errorf("marks %q, %q, %q, %q", none, one, same, mark())
		}
	})

	t.Run("StampsTellWhoseContractsChanged", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10"}`},
			said{id: "2", kind: cairn.OfContract, account: "beta", record: "c2", props: `{"mrr":"10"}`})
		before, err := s.ContractStamps(ctx)
		if err != nil {
			t.Fatal(err)
		}
		admit(t, s, said{id: "3", kind: cairn.OfContract, account: "acme", record: "c1", at: epoch.Add(time.Hour), props: `{"mrr":"20"}`})
		after, err := s.ContractStamps(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if len(before) != 2 || len(after) != 2 || before[acme] == after[acme] || before[beta] != after[beta] {
			t.Errorf("%v, then %v", before, after)
		}
	})

	t.Run("TraitsAreWhatIsShown", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfAccount, account: "acme", props: `{"industry":"Toys","seats":12}`},
			said{id: "2", kind: cairn.OfAccount, account: "beta", props: `{"name":"Beta"}`},
			said{id: "3", kind: cairn.OfAccount, account: "acme", at: epoch.Add(time.Hour), props: `{"industry":"Games"}`})
		for field, want := range map[string]map[cairn.AccountID]string{
			"industry": {acme: "Games"}, "seats": {acme: "12"}, "name": {beta: "Beta"}, "nothing": {},
		} {
			got, err := s.Traits(ctx, cairn.Everything, field)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got)\n%s", field, diff)
			}
		}
	})
}
