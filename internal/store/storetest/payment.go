package storetest

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/payment"
)

// Payments is the contract of what was said of records of a kind; see
// payment.Store.
func Payments(t *testing.T, open Opener) {
	ctx := context.Background()
	acme, beta := cairn.Space("").Account("acme"), cairn.Space("").Account("beta")
	only := cairn.Scope{Accounts: []cairn.AccountID{beta}}

	t.Run("FieldsThatAreAskedForAreToldRecordByRecord", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfInvoice, account: "acme", record: "i1", props: `{"amount":"10","due":"2026-03-01","memo":"x"}`, secret: `{"note":"of Zoe"}`},
			said{id: "2", kind: cairn.OfInvoice, account: "acme", record: "i1", at: epoch.Add(time.Hour), props: `{"amount":null}`},
			said{id: "3", kind: cairn.OfInvoice, account: "beta", record: "i2", props: `{"amount":"20"}`},
			said{id: "4", kind: cairn.OfContract, account: "beta", record: "c1", props: `{"amount":"30"}`},
			said{id: "5", kind: cairn.OfAccount, account: "beta", props: `{"card_expires":"2026-04","name":"Beta"}`})
		told := func(scope cairn.Scope, kind cairn.EventKind, fields ...string) (out []string) {
			t.Helper()
			err := s.Stated(ctx, scope, kind, fields, func(x payment.Stated) error {
				var words []string
				for _, f := range x.Facts {
					words = append(words, f.Field+"="+string(f.Value))
				}
				slices.Sort(words)
				name := map[cairn.AccountID]string{acme: "acme", beta: "beta"}[x.Account]
				out = append(out, name+" "+string(x.Kind)+" "+x.Key+" "+strings.Join(words, ","))
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(out)
			return out
		}
		for _, tt := range []struct {
			got, want []string
		}{
			{told(cairn.Everything, cairn.OfInvoice, "amount", "due"), []string{`acme invoice i1 amount=,amount="10",due="2026-03-01"`, `beta invoice i2 amount="20"`}},
			{told(cairn.Everything, cairn.OfInvoice), []string{`acme invoice i1 amount=,amount="10",due="2026-03-01",memo="x"`, `beta invoice i2 amount="20"`}},
			{told(only, cairn.OfInvoice, "amount"), []string{`beta invoice i2 amount="20"`}},
			{told(only, cairn.OfAccount, "card_expires"), []string{`beta account  card_expires="2026-04"`}},
			{told(cairn.Scope{}, cairn.OfInvoice, "amount"), nil},
		} {
			if diff := cmp.Diff(tt.want, tt.got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	})

	t.Run("AccountsByIDKeepsToTheScope", func(t *testing.T) {
		s := open(t)
		admit(t, s,
			said{id: "1", kind: cairn.OfAccount, account: "acme", props: `{"name":"Acme","owner":"ana@x.example"}`},
			said{id: "2", kind: cairn.OfAccount, account: "beta", props: `{"name":"Beta"}`})
		got, err := s.AccountsByID(ctx, cairn.Everything, []cairn.AccountID{acme, beta, {}})
		if err != nil || len(got) != 2 || got[acme].Name != "Acme" || got[acme].Owner != "ana@x.example" {
			t.Errorf("%v, %v", got, err)
		}
		if got, err = s.AccountsByID(ctx, only, []cairn.AccountID{acme, beta}); err != nil || len(got) != 1 || got[beta].Name != "Beta" {
			t.Errorf("the scope sees %v, %v", got, err)
		}
	})
}
