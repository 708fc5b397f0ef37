package web

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"cairn"
	"cairn/internal/payment"
	"cairn/internal/watch"
)

// A desk is the store of a few invoices, contracts and accounts.
type desk struct {
	said     []payment.Stated
	accounts map[cairn.AccountID]cairn.Account
}

func (d *desk) say(kind cairn.EventKind, id cairn.AccountID, key string, at time.Time, fields string) {
	var props map[string]json.RawMessage
	if err := json.Unmarshal([]byte(fields), &props); err != nil {
		panic(err)
	}
	s := payment.Stated{Kind: kind, Account: id, Record: cairn.Space("").Record(kind, key), Key: key}
	if kind == cairn.OfAccount {
		s.Record = id.Record()
	}
	i := slices.IndexFunc(d.said, func(x payment.Stated) bool { return x.Record == s.Record })
	if i < 0 {
		i = len(d.said)
		d.said = append(d.said, s)
	}
	for name, v := range props {
		d.said[i].Facts = append(d.said[i].Facts, cairn.Fact{Kind: kind, Record: s.Record, Field: name, Source: "billing", At: at, Seen: at, Event: cairn.EventID{ID: cairn.HashID(key, fields)}, Value: v})
	}
}

func (d *desk) Stated(_ context.Context, scope cairn.Scope, kind cairn.EventKind, _ []string, f func(payment.Stated) error) error {
	for _, s := range d.said {
		if s.Kind == kind && scope.Sees(s.Account) {
			if err := f(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *desk) Changes(context.Context, cairn.EventKind) (none [watch.Shards]int64, _ error) {
	return none, nil
}

func (d *desk) Stamps(context.Context, cairn.EventKind, watch.Span) (map[cairn.AccountID]watch.Stamp, error) {
	return map[cairn.AccountID]watch.Stamp{}, nil
}

func (d *desk) AccountsByID(_ context.Context, _ cairn.Scope, ids []cairn.AccountID) (map[cairn.AccountID]cairn.Account, error) {
	out := map[cairn.AccountID]cairn.Account{}
	for _, id := range ids {
		out[id] = d.accounts[id]
	}
	return out, nil
}

// owing is the service behind the page of payments; empty: nothing is known;
// well: everybody pays.
func owing(empty, well bool) *payment.Service {
	d := &desk{accounts: map[cairn.AccountID]cairn.Account{}}
	for i, name := range []string{"Acme", "Beta <b>", "=Gamma", ""} {
		if empty {
			break
		}
		id := cairn.AccountID{ID: cairn.HashID("owing", fmt.Sprint(i))}
		d.accounts[id] = cairn.Account{ID: id, Name: name, Owner: []string{"ana@x.example", "", "bo@x.example", ""}[i]}
		day := func(n int) string { return noon.AddDate(0, 0, n).Format(time.DateOnly) }
		d.say(cairn.OfContract, id, fmt.Sprint("con", i), noon.AddDate(-1, 0, 0), `{"mrr":"100.50"}`)
		d.say(cairn.OfInvoice, id, fmt.Sprint("paid", i), noon.AddDate(0, -2, 0), fmt.Sprintf(`{"amount":"100.50","issued":%q,"due":%q,"status":"paid"}`, day(-60), day(-46)))
		if well {
			continue
		}
		d.say(cairn.OfInvoice, id, fmt.Sprint("late", i), noon.AddDate(0, 0, -45-30*i), fmt.Sprintf(`{"amount":"100.50","issued":%q,"due":%q,"status":"open","currency":%q}`, day(-30-30*i), day(-16-30*i), []string{"EUR", "EUR", "USD", "JPY"}[i]))
		d.say(cairn.OfInvoice, id, fmt.Sprint("failed", i), noon.AddDate(0, 0, -9), fmt.Sprintf(`{"amount":"7","due":%q,"failed_payments":2,"status":%q}`, day(5), []string{"failed", "paid", "disputed", "uncollectible"}[i]))
		d.say(cairn.OfAccount, id, "", noon.AddDate(-1, 0, 0), fmt.Sprintf(`{"card_expires":%q}`, noon.AddDate(0, i-1, 0).Format("2006-01")))
		d.say(cairn.OfContract, id, fmt.Sprint("due", i), noon.AddDate(0, 0, -3), `{"mrr":"5","status":"past_due","card_expires":"2020-01"}`)
	}
	return &payment.Service{Store: d, Now: func() time.Time { return noon }, Settings: func() payment.Settings {
		return payment.Settings{Zone: time.UTC, Currency: "EUR"}
	}}
}

func owingSite(empty, well bool) http.Handler {
	c := fullCompany()
	return New(Deps{
		Usage: counting(c, nil), Revenue: earning(empty), Payments: owing(empty, well), Accounts: c, Explain: c, History: c, Work: c, Sources: c, Door: c, Auth: c, Users: c,
		Now: func() time.Time { return noon },
	})
}

func TestPaymentsPageRendersEmptyWellAndFull(t *testing.T) {
	for _, tt := range []struct {
		empty, well bool
		says        string
	}{{true, false, "No invoice and no contract is known"}, {false, true, "Nothing keeps anybody from paying"}, {false, false, "late-title"}} {
		for _, query := range []string{"", "?kind=late", "?kind=failed&owner=ana@x.example", "?kind=card&owner=-", "?kind=stopped", "?age=31-60&kind=late", "?at=2020-01-01", "?at=" + noon.AddDate(0, 0, -20).Format(time.DateOnly)} {
			res := ask(t, owingSite(tt.empty, tt.well), "GET", "/revenue/payments"+query, nil)
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s, empty %v: %d\n%s", query, tt.empty, res.StatusCode, res.body)
			}
			sound(t, res.body)
			if query == "" && !strings.Contains(res.body, tt.says) {
				t.Errorf("the page does not say %q", tt.says)
			}
		}
	}
}

func TestPaymentsPageOpensWithWhatIsLateAndAboutToFail(t *testing.T) {
	body := ask(t, owingSite(false, false), "GET", "/revenue/payments", nil).body
	lead := between(body, `<p class="lead-line today-lead">`, "</p>")
	for _, want := range []string{"201 € and $101", "is late: ", "invoices of ", "could not be collected", "cards have expired or are about to stop paying", "are disputed or given up"} {
		want = strings.ReplaceAll(want, " €", "\u00a0€")
		if !strings.Contains(lead, want) {
			t.Errorf("the page does not open with %q: %q", want, lead)
		}
	}
	id := cairn.AccountID{ID: cairn.HashID("owing", "1")}
	for _, want := range []string{"/accounts/" + id.String() + "#money", "Beta &lt;b&gt;", "31 to 60 days", "the payment is disputed"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page does not say %q", want)
		}
	}
}

func TestPaymentsRefuseWhatCannotBeAsked(t *testing.T) {
	for path, want := range map[string]int{
		"/revenue/payments?kind=luck": http.StatusNotFound, "/revenue/payments?at=March": http.StatusBadRequest, "/revenue/payments?age=7": http.StatusBadRequest,
	} {
		if res := ask(t, owingSite(false, false), "GET", path, nil); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", path, res.StatusCode, want)
		}
	}
}

func TestPaymentsAsAFileAreWhatThePageShows(t *testing.T) {
	res := ask(t, owingSite(false, false), "GET", "/revenue/payments.csv?kind=late", nil)
	if res.StatusCode != http.StatusOK || !strings.HasPrefix(res.Header.Get("Content-Type"), "text/csv") || !strings.Contains(res.body, "=Gamma") ||
		!strings.Contains(res.body, "late0,100.50,EUR") || strings.Contains(res.body, "failed0") {
		t.Errorf("%d %s\n%s", res.StatusCode, res.Header.Get("Content-Type"), res.body)
	}
}

func TestPaymentsAreFilteredByAge(t *testing.T) {
	h := owingSite(false, false)
	body := ask(t, h, "GET", "/revenue/payments?kind=late&age=31-60", nil).body
	if !strings.Contains(body, `<option value="31-60" selected>31 to 60 days</option>`) {
		t.Error("the form does not say which age is shown")
	}
}
