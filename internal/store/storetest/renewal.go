package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

// Renewals is the contract of what is asked about records over all accounts;
// see outcome.Store.
func Renewals(t *testing.T, open Opener) {
	ctx := context.Background()
	acme, beta := cairn.Space("").Account("acme"), cairn.Space("").Account("beta")
	renewal := func(key string) cairn.RecordID { return cairn.Space("").Record(cairn.OfRenewal, key) }

	t.Run("KeysAreThoseOfTheSourcesWithinTheScope", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10"}`},
			said{id: "2", kind: cairn.OfContract, account: "beta", record: "c2", props: `{"mrr":"10"}`},
			said{id: "3", kind: cairn.OfRenewal, account: "beta", record: "r1", props: `{"probability":80}`})
		contract := func(key string) cairn.RecordID { return cairn.Space("").Record(cairn.OfContract, key) }
		for _, c := range []struct {
			scope cairn.Scope
			want  map[cairn.RecordID]string
		}{
			{cairn.Everything, map[cairn.RecordID]string{contract("c1"): "c1", contract("c2"): "c2"}},
			{cairn.Scope{Accounts: []cairn.AccountID{acme}}, map[cairn.RecordID]string{contract("c1"): "c1"}},
			{cairn.Scope{}, map[cairn.RecordID]string{}},
		} {
			got, err := s.RecordKeys(ctx, c.scope, cairn.OfContract)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
		if _, err := s.RecordKeys(ctx, cairn.Everything, cairn.Track); err == nil {
			t.Error("events have keys")
		}
	})

	t.Run("RecordsStandWithWhatIsPersonalOpened", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfRenewal, account: "acme", record: "r1", props: `{"probability":80}`, secret: `{"next_step":"Call Ann"}`},
			said{id: "2", kind: cairn.OfRenewal, account: "beta", record: "r2", props: `{"probability":20}`},
			said{id: "3", kind: cairn.OfRenewal, account: "acme", record: "r1", at: epoch.Add(time.Hour), props: `{"probability":60}`})
		for _, c := range []struct {
			scope cairn.Scope
			want  map[string][2]string
		}{
			{cairn.Everything, map[string][2]string{"r1": {"60", "Call Ann"}, "r2": {"20", ""}}},
			{cairn.Scope{Accounts: []cairn.AccountID{beta}}, map[string][2]string{"r2": {"20", ""}}},
		} {
			ids := []cairn.RecordID{renewal("r1"), renewal("r2"), renewal("r3")}
			for range 600 {
				ids = append(ids, renewal("none"))
			}
			records, err := s.Standing(ctx, c.scope, ids)
			if err != nil {
				t.Fatal(err)
			}
			got := map[string][2]string{}
			for _, r := range records {
				got[r.Key] = [2]string{r.Text("probability"), r.Text("next_step")}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		}
	})

	t.Run("SeveralAccountsAreToldTogether", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfAccount, account: "acme", props: `{"name":"Acme","owner":"ada@cairn.example"}`},
			said{id: "2", kind: cairn.OfAccount, account: "beta", props: `{"name":"Beta"}`})
		got, err := s.Several(ctx, cairn.Scope{Accounts: []cairn.AccountID{acme}}, []cairn.AccountID{acme, beta, acme})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 1 || got[acme].Name != "Acme" || got[acme].Owner != "ada@cairn.example" {
			t.Errorf("%+v", got)
		}
	})
}
