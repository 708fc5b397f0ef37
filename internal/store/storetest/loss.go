package storetest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
)

// Losses is the contract of what was said of losses; see outcome.LossStore.
func Losses(t *testing.T, open Opener) {
	ctx := context.Background()
	acme, beta := cairn.Space("").Account("acme"), cairn.Space("").Account("beta")
	type word struct {
		Account cairn.AccountID
		Field   string
		Value   string
		At      time.Time
		Seen    time.Time
		Sealed  bool
	}
	s := open(t)
	later := epoch.Add(48 * time.Hour)
	admit(t, s,
		said{id: "1", kind: cairn.OfLoss, account: "acme", record: "l1", props: `{"reason":"price"}`, secret: `{"detail":"The new board cut it"}`},
		said{id: "2", kind: cairn.OfLoss, account: "beta", record: "l2", props: `{"reason":"closed","unavoidable":true}`, secret: `{"evidence":"Court register"}`},
		said{id: "3", kind: cairn.OfLoss, account: "acme", record: "l1", at: epoch.Add(time.Hour), seen: later, props: `{"reason":null}`},
		said{id: "4", kind: cairn.OfContract, account: "acme", record: "c1", props: `{"mrr":"10","cancel_reason":"budget"}`},
		said{id: "5", kind: cairn.OfAccount, account: "acme", props: `{"churn_reason":"budget","segment":"big"}`})
	words := func(t *testing.T, scope cairn.Scope, kind cairn.EventKind, fields ...string) map[cairn.RecordID][]word {
		t.Helper()
		out := map[cairn.RecordID][]word{}
		err := s.Words(ctx, scope, kind, fields, func(a cairn.AccountID, r cairn.RecordID, facts []cairn.Fact) error {
			if out[r] != nil {
				t.Errorf("record %v comes again", r)
			}
			byField := map[string][]word{}
			for _, f := range facts {
				if f.Event.IsZero() || f.Source == "" || f.Kind != kind {
					t.Errorf("nobody said %+v", f)
				}
				byField[f.Field] = append(byField[f.Field], word{a, f.Field, string(f.Value), f.At, f.Seen, f.Sealed})
			}
			for _, field := range []string{"reason", "detail", "unavoidable", "evidence", "cancel_reason", "churn_reason", "mrr"} {
				out[r] = append(out[r], byField[field]...)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	loss := func(key string) cairn.RecordID { return cairn.Space("").Record(cairn.OfLoss, key) }

	t.Run("AllThatWasSaidIsToldWithWhatIsPersonal", func(t *testing.T) {
		want := map[cairn.RecordID][]word{
			loss("l1"): {{acme, "reason", `"price"`, epoch, epoch, false}, {acme, "reason", "", epoch.Add(time.Hour), later, false}, {acme, "detail", `"The new board cut it"`, epoch, epoch, true}},
			loss("l2"): {{beta, "reason", `"closed"`, epoch, epoch, false}, {beta, "unavoidable", "true", epoch, epoch, false}, {beta, "evidence", `"Court register"`, epoch, epoch, true}},
		}
		if diff := cmp.Diff(want, words(t, cairn.Everything, cairn.OfLoss)); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
		delete(want, loss("l1"))
		if diff := cmp.Diff(want, words(t, cairn.Scope{Accounts: []cairn.AccountID{beta}}, cairn.OfLoss)); diff != "" {
			t.Errorf("of one account (-want +got)\n%s", diff)
		}
		if got := words(t, cairn.Scope{}, cairn.OfLoss); len(got) != 0 {
			t.Errorf("nobody sees %v", got)
		}
	})

	t.Run("AccountsSayOfThemselves", func(t *testing.T) {
		got := words(t, cairn.Scope{Accounts: []cairn.AccountID{acme, beta}}, cairn.OfAccount, "churn_reason")
		want := map[cairn.RecordID][]word{acme.Record(): {{acme, "churn_reason", `"budget"`, epoch, epoch, false}}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})

	t.Run("OnlyNamedFieldsAreTold", func(t *testing.T) {
		want := map[cairn.RecordID][]word{cairn.Space("").Record(cairn.OfContract, "c1"): {{acme, "cancel_reason", `"budget"`, epoch, epoch, false}}}
		if diff := cmp.Diff(want, words(t, cairn.Everything, cairn.OfContract, "cancel_reason", "churn_reason")); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}
