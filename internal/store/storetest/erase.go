package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/account"
	"cairn/internal/ingest"
)

// Erasure is the contract of erasing a person under all ids.
func Erasure(t *testing.T, open Opener) {
	ctx := context.Background()
	t.Run("ReachesEveryIdThatWasMergedAndVisitors", func(t *testing.T) {
		w := newWorld(t, open(t))
		sent := admit(t, w.Store,
			said{id: "1", kind: cairn.OfPerson, account: "acme", person: "ann@acme.example", secret: `{"name":"Ann Other","email":"ann@acme.example"}`},
			said{id: "2", kind: cairn.OfPerson, source: "crm", account: "acme", person: "c-17", secret: `{"name":"A. Other"}`},
			said{id: "3", anon: "cookie-1", secret: `{"ip":"203.0.113.9"}`},
			said{id: "4", kind: cairn.OfPerson, person: "ann@acme.example", anon: "cookie-1", secret: `{"title":"CFO"}`})
		x := account.Identity{IdentityStore: w.Store, Now: func() time.Time { return noon }}
		ann := sent[1].Person // whichever of them is asked for
		must(x.Merge(ctx, author, ann.ID, sent[0].Person.ID))(t)
		before := must(w.Erasing(ctx, ann, ""))(t)
		same(t, "ids", 3, len(before.IDs))
		same(t, "keys", []string{"ann@acme.example", "c-17"}, before.Keys())
		same(t, "as previewed", before, must(w.Erase(ctx, Eraser, ann, ""))(t))
		for _, e := range everything(t, w.Store) {
			if e.Personal != nil || e.Keys.Person != "" {
				t.Errorf("event %v still tells %s %q", e.Pos, e.Personal, e.Keys.Person)
			}
		}
		if _, err := w.Erase(ctx, cairn.Actor{}, ann, ""); cairn.KindOf(err) != cairn.Forbidden {
			t.Errorf("nobody may erase: %v", err)
		}
		same(t, "keys afterwards", 0, len(must(w.Erasing(ctx, ann, ""))(t).Keys()))
	})

	t.Run("ReachesWhatWasRefusedAndNamesThem", func(t *testing.T) {
		w := newWorld(t, open(t))
		m := w.mender()
		batch := `{"batch":[
			{"type":"track","userId":"ann@acme.example","event":"","messageId":"1"},
			{"type":"identify","userId":"bob@acme.example","traits":{"phone":"` + strings.Repeat("9", 1200) + `","manager":"ann@acme.example"},"messageId":"2"},
			{"type":"contract","id":"c-1","groupId":"acme","traits":{"mrr":"a lot, says ann@acme.example"},"messageId":"3"},
			{"type":"track","userId":"joann@acme.example","event":"","messageId":"4"}]}`
		w.send(m, "batch", batch)
		same(t, "refused again", int64(4), must(m.Replay(ctx, author, ingest.RejectQuery{}))(t).Rejected)
		ann := w.person("ann@acme.example")
		same(t, "those that name her", 3, len(must(w.Erasing(ctx, ann, "ann@acme.example"))(t).Rejects))
		must(w.Erase(ctx, Eraser, ann, "ann@acme.example"))(t)
		same(t, "left open", int64(1), must(w.RefusedCount(ctx, cairn.Everything, ingest.RejectQuery{}))(t))
		for _, j := range must(w.Refused(ctx, cairn.Everything, ingest.RejectQuery{State: ingest.RejectDismissed}))(t) {
			if j.Body != "" || j.Reason != "" || j.Again != nil || j.Mended != "" || j.Code == "" {
				t.Errorf("an emptied reject is %+v", j)
			}
		}
		dismissed := int64(0)
		for _, c := range must(w.RejectCounts(ctx, cairn.Everything, ""))(t) {
			dismissed += c.Dismissed
		}
		same(t, "dismissed for ever", int64(3), dismissed)
		same(t, "hers afterwards", 0, len(must(w.Erasing(ctx, ann, "ann@acme.example"))(t).Rejects))
	})

	t.Run("OfSomebodyWhoIsSentAgainWhatWasSealedBeforeStaysClosed", func(t *testing.T) {
		s := open(t)
		ann := func(id string) cairn.Event {
			return admit(t, s, said{id: id, kind: cairn.OfPerson, account: "acme", person: "ann", anon: "cookie", secret: `{"name":"Ann Other"}`},
				said{id: id + "v", anon: "cookie", secret: `{"ip":"203.0.113.9"}`})[0]
		}
		must(s.Erase(ctx, Eraser, ann("1").Person, ""))(t)
		ann("2")
		opened := 0
		for _, e := range everything(t, s) {
			if e.Personal != nil {
				opened++
			}
		}
		same(t, "events that can be read", 2, opened)
		people := must(s.People(ctx, cairn.Everything, cairn.Space("").Account("acme")))(t)
		if len(people) != 1 || !people[0].Erased || people[0].Name != "" {
			t.Errorf("the name came back: %+v", people)
		}
	})
}
