package storetest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/revenue"
	"cairn/internal/store/sqlstore"
	"cairn/internal/turn"
	"cairn/internal/watch"
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

	t.Run("PagesReachEachRecordOfTheScopeOnce", func(t *testing.T) {
		s := open(t)
		var words []said
		for i := range 7 {
			words = append(words, said{id: fmt.Sprint(i), kind: cairn.OfContract, account: []string{"acme", "beta"}[i%2], record: fmt.Sprint("c", i), props: `{"mrr":"10"}`})
		}
		admit(t, s, append(words, said{id: "i", kind: cairn.OfInvoice, account: "acme", record: "i1", props: `{"amount":"10"}`})...)
		page := func(scope cairn.Scope, q account.RecordsQuery) (keys []string) {
			q.Kind, q.Limit = cairn.OfContract, 2
			for {
				rs, err := s.RecordPage(ctx, scope, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rs {
					keys = append(keys, r.Key)
				}
				if len(rs) < q.Limit {
					slices.Sort(keys)
					return keys
				}
				last := rs[len(rs)-1]
				q.After = account.RecordPlace{Account: last.Account, Record: last.ID}
			}
		}
		if diff := cmp.Diff([]string{"c0", "c1", "c2", "c3", "c4", "c5", "c6"}, page(cairn.Everything, account.RecordsQuery{})); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		odd := []string{"c1", "c3", "c5"}
		if diff := cmp.Diff(odd, page(cairn.Scope{Accounts: []cairn.AccountID{beta}}, account.RecordsQuery{})); diff != "" {
			t.Errorf("in scope (-want +got)\n%s", diff)
		}
		if diff := cmp.Diff(odd, page(cairn.Everything, account.RecordsQuery{Account: beta})); diff != "" {
			t.Errorf("of one (-want +got)\n%s", diff)
		}
		if got := page(cairn.Scope{Accounts: []cairn.AccountID{acme}}, account.RecordsQuery{Account: beta}); len(got) != 0 {
			t.Errorf("out of scope %v", got)
		}
		if diff := cmp.Diff([]string{"c3"}, page(cairn.Everything, account.RecordsQuery{IDs: []cairn.RecordID{contract("c3"), contract("none")}})); diff != "" {
			t.Errorf("by id (-want +got)\n%s", diff)
		}
	})

	t.Run("EveryChangeOfAContractIsCountedWhereItsAccountIs", func(t *testing.T) {
		s := open(t)
		count := func() [watch.Shards]int64 {
			t.Helper()
			n, err := s.Changes(ctx, cairn.OfContract)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		var want [watch.Shards]int64
		expect := func(what string) {
			t.Helper()
			if diff := cmp.Diff(want, count()); diff != "" {
				t.Errorf("%s (-want +got)\n%s", what, diff)
			}
		}
		expect("nothing was said")
		admit(t, s, said{id: "1", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10"}`})
		want[watch.ShardOf(acme)]++
		expect("a contract is new")
		admit(t, s, said{id: "2", kind: cairn.OfAccount, account: "acme", props: `{"name":"Acme"}`}, said{id: "3", account: "acme"})
		expect("something else was said")
		admit(t, s, said{id: "4", kind: cairn.OfContract, account: "beta", record: "c1", at: epoch.Add(time.Hour), props: `{"mrr":"20"}`})
		want[watch.ShardOf(acme)]++
		want[watch.ShardOf(beta)]++
		expect("it is another's")
		if _, err := s.Changes(ctx, "weather"); err == nil {
			t.Error("a kind that is none has changes")
		}
	})

	t.Run("StampsTellWhoseContractsChanged", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10"}`},
			said{id: "2", kind: cairn.OfContract, account: "beta", record: "c2", props: `{"mrr":"10"}`})
		before, err := s.Stamps(ctx, cairn.OfContract, watch.Span{})
		if err != nil {
			t.Fatal(err)
		}
		admit(t, s, said{id: "3", kind: cairn.OfContract, account: "acme", record: "c1", at: epoch.Add(time.Hour), props: `{"mrr":"20"}`})
		after, err := s.Stamps(ctx, cairn.OfContract, watch.Span{})
		if err != nil {
			t.Fatal(err)
		}
		if len(before) != 2 || len(after) != 2 || before[acme] == after[acme] || before[beta] != after[beta] {
			t.Errorf("%v, then %v", before, after)
		}
	})

	t.Run("StampsOfASpanAreThoseOfItsAccounts", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10"}`},
			said{id: "2", kind: cairn.OfContract, account: "beta", record: "c2", props: `{"mrr":"10"}`},
			said{id: "3", kind: cairn.OfAccount, account: "acme", props: `{"name":"Acme"}`})
		low, high := acme, beta
		if slices.Compare(low.ID[:], high.ID[:]) > 0 {
			low, high = high, low
		}
		for _, c := range []struct {
			kind cairn.EventKind
			some watch.Span
			want []cairn.AccountID
		}{
			{cairn.OfContract, watch.Span{To: high}, []cairn.AccountID{low}},
			{cairn.OfContract, watch.Span{From: high}, []cairn.AccountID{high}},
			{cairn.OfAccount, watch.Span{}, []cairn.AccountID{acme}},
		} {
			got, err := s.Stamps(ctx, c.kind, c.some)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, slices.Collect(maps.Keys(got))); diff != "" {
				t.Errorf("%s of %v (-want +got)\n%s", c.kind, c.some, diff)
			}
		}
	})

	t.Run("AtRiskIsWhoIsLowOrFalling", func(t *testing.T) {
		s := open(t)
		w := newWorld(t, s)
		for _, key := range []string{"acme", "beta", "gamma", "delta"} {
			w.admit(w.did(key, "ann of "+key, "Opened", days(1)))
		}
		w.fold()
		low, falling, fine := level(40, cairn.Rising, 0), level(80, cairn.Falling, -9000), level(40, cairn.Steady, 0)
		low.Vector.Level--
		w.measure(noon, map[string]turn.Result{"acme": low, "beta": falling, "gamma": fine})
		want := map[cairn.AccountID]revenue.Risk{acme: {Level: 39_999, Way: cairn.Rising}, beta: {Level: 80_000, Way: cairn.Falling}}
		got, err := s.AtRisk(ctx, cairn.Everything)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		delete(want, acme)
		got, err = s.AtRisk(ctx, cairn.Scope{Accounts: []cairn.AccountID{beta}})
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("of one: %v (-want +got)\n%s", err, diff)
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
