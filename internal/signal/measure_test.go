package signal

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"cairn"
)

// missing is what a table says of a missing signal: how its why begins.
type missing string

func TestEverySignalMeasuresWhatItSays(t *testing.T) {
	use := did(1, 1, "Report Created")
	tests := []struct {
		name   string
		signal string
		events []cairn.Event
		want   any // a number, or missing with the beginning of why
	}{
		{"nobody ever came", Active28, nil, missing("No use of the product")},
		{"only pages were viewed", Active28, []cairn.Event{did(1, 1, "Page Viewed")}, missing("No use of the product")},
		{"two people, one twice", Active28, []cairn.Event{did(1, 1, "A"), did(2, 1, "A"), did(3, 2, "A")}, 2},
		{"a visitor who is not signed in is nobody", Active28, []cairn.Event{did(1, 0, "A")}, 0},
		{"the 28th day counts", Active28, []cairn.Event{did(27, 1, "A")}, 1},
		{"the 29th does not, and use has ended", Active28, []cairn.Event{did(28, 1, "A")}, 0},
		{"seven days", Active7, []cairn.Event{did(6, 1, "A"), did(7, 2, "A")}, 1},
		{"half of the people left", ActiveChange, []cairn.Event{did(1, 1, "A"), did(40, 1, "A"), did(40, 2, "A"), did(60, 3, "A")}, -50},
		{"everybody left", ActiveChange, []cairn.Event{did(30, 1, "A"), did(60, 3, "A")}, -100},
		{"too short a history to compare", ActiveChange, []cairn.Event{did(1, 1, "A"), did(40, 2, "A")}, missing("The account is not yet known for 56")},
		{"nobody before to compare with", ActiveChange, []cairn.Event{did(1, 1, "A"), did(80, 2, "A")}, missing("Nobody was active in the 28")},
		{"days active", DaysActive, []cairn.Event{did(1, 1, "A"), did(1, 2, "B"), did(5, 1, "A"), did(30, 1, "A")}, 2},
		{"events", Events28, []cairn.Event{did(1, 1, "A"), did(1, 2, "B"), did(5, 1, "Page Viewed")}, 2},
		{"distinct events", Distinct28, []cairn.Event{did(1, 1, "A"), did(2, 2, "B"), did(3, 1, "A"), did(3, 1, "Page Viewed"), did(40, 1, "C")}, 2},
		{"days since activity", SinceActivity, []cairn.Event{did(5, 1, "A"), did(1, 1, "Page Viewed")}, 5},
		{"licence use", LicenceUse, []cairn.Event{use, stated(9, cairn.OfContract, 1, "crm", `{"seats":4}`)}, 25},
		{"licence use by the account's own seats", LicenceUse, []cairn.Event{use, stated(9, cairn.OfAccount, 1, "crm", `{"seats":"2"}`)}, 50},
		{"licence use without seats", LicenceUse, []cairn.Event{use}, missing("The number of seats")},
		{"no yardstick", PeerRank, []cairn.Event{use}, missing("Too few accounts")},

		{"no ticket ever", OpenTickets, nil, missing("No ticket is known")},
		{"one open, one closed", OpenTickets, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "support", `{"status":"open"}`),
			stated(9, cairn.OfTicket, 2, "support", `{"status":"open"}`),
			stated(5, cairn.OfTicket, 2, "support", `{"status":"solved"}`)}, 1},
		{"closed in the future of the moment", OpenTickets, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "import", `{"status":"closed","opened":"2026-03-20","closed":"2026-04-10"}`)}, 1},
		{"closed by its field alone", OpenTickets, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "import", `{"opened":"2026-03-20","closed":"2026-03-25"}`)}, 0},
		{"said to be open after it was closed", OpenTickets, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "support", `{"status":"closed","closed":"2026-03-22"}`),
			stated(5, cairn.OfTicket, 1, "support", `{"status":"open","reopened":1}`)}, 1},
		{"not yet opened", OpenTickets, []cairn.Event{stated(9, cairn.OfTicket, 1, "import", `{"opened":"2026-05-01"}`)}, missing("No ticket is known")},
		{"age of the oldest", OldestOpen, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "support", `{"opened":"2026-03-12T12:00:00Z"}`),
			stated(9, cairn.OfTicket, 2, "support", `{"opened":"2026-03-30"}`)}, 19},
		{"no open ticket is no days old", OldestOpen, []cairn.Event{stated(9, cairn.OfTicket, 1, "support", `{"status":"closed"}`)}, 0},
		{"median of an even number", MedianClose, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "support", `{"opened":"2026-03-01T00:00:00Z","closed":"2026-03-01T10:00:00Z"}`),
			stated(9, cairn.OfTicket, 2, "support", `{"opened":"2026-03-01T00:00:00Z","closed":"2026-03-01T20:00:00Z"}`)}, 15},
		{"closed when its status said so", MedianClose, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "support", `{"status":"open"}`), stated(7, cairn.OfTicket, 1, "support", `{"status":"solved"}`)}, 48},
		{"closed too long ago", MedianClose, []cairn.Event{
			stated(150, cairn.OfTicket, 1, "support", `{"opened":"2025-11-01","closed":"2025-11-02"}`)}, missing("No ticket was closed")},
		{"reopened", Reopened, []cairn.Event{
			stated(100, cairn.OfTicket, 1, "support", `{"reopened":1}`), stated(5, cairn.OfTicket, 1, "support", `{"reopened":3}`)}, 2},
		{"escalated and open", EscalatedOpen, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "support", `{"status":"open","escalated":true}`),
			stated(9, cairn.OfTicket, 2, "support", `{"status":"closed","escalated":true}`)}, 1},
		{"tickets in 90 days", Tickets90, []cairn.Event{
			stated(9, cairn.OfTicket, 1, "support", `{"status":"open"}`), stated(95, cairn.OfTicket, 2, "support", `{"status":"open"}`)}, 1},

		{"no invoice ever", Overdue, nil, missing("No invoice is known")},
		{"overdue", Overdue, []cairn.Event{stated(40, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-11"}`)}, 20},
		{"due today", Overdue, []cairn.Event{stated(40, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-31"}`)}, 0},
		{"paid after the moment", Overdue, []cairn.Event{stated(40, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-11","status":"paid","paid_at":"2026-04-02"}`)}, 20},
		{"paid", Overdue, []cairn.Event{stated(40, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-11","paid_at":"2026-03-12"}`)}, 0},
		{"void", OpenInvoices, []cairn.Event{stated(40, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-11","status":"void"}`)}, 0},
		{"issued later", OpenInvoices, []cairn.Event{stated(40, cairn.OfInvoice, 1, "billing", `{"issued":"2026-04-01"}`)}, missing("No invoice is known")},
		{"open", OpenInvoices, []cairn.Event{stated(40, cairn.OfInvoice, 1, "billing", `{"issued":"2026-03-01"}`)}, 1},
		{"failed payments", FailedPayments, []cairn.Event{
			stated(40, cairn.OfInvoice, 1, "billing", `{"failed_payments":2}`), stated(30, cairn.OfInvoice, 2, "billing", `{"status":"failed"}`)}, 3},
		{"what is overdue", OverdueAmount, []cairn.Event{
			stated(40, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-11","amount":"10.50"}`), stated(40, cairn.OfInvoice, 2, "billing", `{"due":"2026-03-30","amount":"4"}`),
			stated(40, cairn.OfInvoice, 3, "billing", `{"due":"2026-03-31","amount":"100"}`)}, 1450},
		{"overdue in another currency", OverdueAmount, []cairn.Event{
			stated(40, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-11","amount":"10.50","currency":"USD"}`)}, missing("An overdue invoice is in USD")},
		{"paid on the day, late, and not at all", LateShare, []cairn.Event{
			stated(90, cairn.OfInvoice, 1, "billing", `{"due":"2026-03-01","status":"paid","paid_at":"2026-03-01"}`),
			stated(90, cairn.OfInvoice, 2, "billing", `{"due":"2026-03-01","status":"paid","paid_at":"2026-03-04"}`),
			stated(90, cairn.OfInvoice, 3, "billing", `{"due":"2026-03-01"}`), stated(90, cairn.OfInvoice, 4, "billing", `{"due":"2026-04-01"}`),
			stated(90, cairn.OfInvoice, 5, "billing", `{"due":"2026-03-01","paid_at":"2026-02-27T10:00:00Z"}`)}, 50},
		{"nothing fell due", LateShare, []cairn.Event{stated(9, cairn.OfInvoice, 1, "billing", `{"due":"2026-04-01"}`)}, missing("No invoice fell due")},
		{"failed and open, failed and paid since", FailingInvoices, []cairn.Event{
			stated(30, cairn.OfInvoice, 1, "billing", `{"status":"failed"}`), stated(30, cairn.OfInvoice, 2, "billing", `{"failed_payments":3,"status":"open"}`),
			stated(30, cairn.OfInvoice, 3, "billing", `{"failed_payments":1,"status":"paid"}`)}, 2},
		{"the month of the card ends it", CardExpiresIn, []cairn.Event{stated(9, cairn.OfAccount, 1, "billing", `{"card_expires":"2026-04"}`)}, 30},
		{"an expired card", CardExpiresIn, []cairn.Event{stated(9, cairn.OfAccount, 1, "billing", `{"card_expires":"2026-02"}`)}, -31},
		{"a contract's card before the account's", CardExpiresIn, []cairn.Event{
			stated(9, cairn.OfAccount, 1, "billing", `{"card_expires":"2026-03"}`), stated(9, cairn.OfContract, 1, "billing", `{"mrr":1,"card_expires":"2026-04"}`)}, 30},
		{"paid by transfer", CardExpiresIn, []cairn.Event{stated(9, cairn.OfAccount, 1, "billing", `{"card_expires":"2026-03","payment_method":"transfer"}`)}, missing("No card is known")},
		{"a card of who has left", CardExpiresIn, []cairn.Event{
			stated(9, cairn.OfAccount, 1, "billing", `{"card_expires":"2026-03"}`), stated(9, cairn.OfContract, 1, "billing", `{"mrr":1,"status":"cancelled"}`)}, missing("No contract is in force")},
		{"disputed, given up and past due", Stopped, []cairn.Event{
			stated(40, cairn.OfInvoice, 1, "billing", `{"status":"disputed"}`), stated(40, cairn.OfInvoice, 2, "billing", `{"status":"uncollectible"}`),
			stated(40, cairn.OfContract, 1, "billing", `{"mrr":1,"status":"past_due"}`)}, 3},
		{"failed long ago", FailedPayments, []cairn.Event{stated(140, cairn.OfInvoice, 1, "billing", `{"failed_payments":2}`)}, 0},

		{"no contract", MRR, nil, missing("No contract is known.")},
		{"money is exact", MRR, []cairn.Event{
			stated(9, cairn.OfContract, 1, "crm", `{"mrr":"0.10"}`), stated(9, cairn.OfContract, 2, "crm", `{"mrr":0.2}`)}, 30},
		{"a twelfth of a year is rounded to the cent", MRR, []cairn.Event{stated(9, cairn.OfContract, 1, "crm", `{"mrr":83.3333333}`)}, 8333},
		{"cancelled, paused, on trial and to come", MRR, []cairn.Event{
			stated(9, cairn.OfContract, 1, "crm", `{"mrr":1,"status":"cancelled"}`), stated(9, cairn.OfContract, 2, "crm", `{"mrr":2,"status":"paused"}`),
			stated(9, cairn.OfContract, 3, "crm", `{"mrr":4,"status":"trial"}`), stated(9, cairn.OfContract, 4, "crm", `{"mrr":8,"start":"2026-05-01"}`),
			stated(9, cairn.OfContract, 5, "crm", `{"mrr":16,"cancelled_at":"2026-03-30"}`), stated(9, cairn.OfContract, 6, "crm", `{"mrr":32,"end":"2026-03-30"}`),
			stated(9, cairn.OfContract, 7, "crm", `{"mrr":64,"renews":"2026-03-30","auto_renew":false}`)}, 0},
		{"a price for an interval", MRR, []cairn.Event{
			stated(9, cairn.OfContract, 1, "crm", `{"amount":"1200","interval":"annual"}`), stated(9, cairn.OfContract, 2, "crm", `{"unit_amount":"2.50","seats":4,"tax":"1"}`)}, 10900},
		{"past its renewal, which it does by itself", MRR, []cairn.Event{stated(9, cairn.OfContract, 1, "crm", `{"mrr":1,"renews":"2026-03-01"}`)}, 100},
		{"in another currency", MRR, []cairn.Event{stated(9, cairn.OfContract, 1, "crm", `{"mrr":1,"currency":"usd"}`)}, missing("A contract is in USD")},
		{"not an amount", MRR, []cairn.Event{stated(9, cairn.OfContract, 1, "crm", `{"mrr":"much"}`)}, missing("The monthly amount")},
		{"the CRM is asked before others", MRR, []cairn.Event{
			stated(9, cairn.OfContract, 1, "crm", `{"mrr":1}`), stated(1, cairn.OfContract, 1, "erp", `{"mrr":2}`)}, 100},
		{"earliest renewal to come", RenewsIn, []cairn.Event{
			stated(9, cairn.OfContract, 1, "crm", `{"renews":"2026-06-29"}`), stated(9, cairn.OfContract, 2, "crm", `{"renews":"2026-04-10"}`),
			stated(9, cairn.OfContract, 3, "crm", `{"renews":"2026-03-01"}`), stated(9, cairn.OfContract, 4, "crm", `{"renews":"2026-04-01","status":"cancelled"}`)}, 10},
		{"no renewal is known", RenewsIn, []cairn.Event{stated(9, cairn.OfContract, 1, "crm", `{"mrr":1}`)}, missing("No renewal of an active contract")},
		{"under contract since the first start", ContractTenure, []cairn.Event{
			stated(9, cairn.OfContract, 1, "crm", `{"start":"2026-03-01","status":"cancelled"}`), stated(9, cairn.OfContract, 2, "crm", `{"start":"2026-03-21"}`)}, 30},
		{"not begun", ContractTenure, []cairn.Event{stated(9, cairn.OfContract, 1, "crm", `{"start":"2026-05-01"}`)}, missing("The contract has not begun")},
		{"seats", Seats, []cairn.Event{
			stated(9, cairn.OfContract, 1, "crm", `{"seats":5}`), stated(9, cairn.OfContract, 2, "crm", `{"seats":7}`), stated(9, cairn.OfContract, 3, "crm", `{"seats":7,"status":"cancelled"}`)}, 12},
		{"contract without seats", Seats, []cairn.Event{stated(9, cairn.OfContract, 1, "crm", `{"mrr":5}`)}, missing("No active contract states")},

		{"never asked", NPS, nil, missing("Nobody has answered the recommendation")},
		{"the latest answer counts", NPS, []cairn.Event{
			stated(9, cairn.OfAnswer, 1, "survey", `{"survey":"nps","score":9,"answered":"2026-03-01"}`), stated(5, cairn.OfAnswer, 2, "survey", `{"survey":"nps","score":3,"answered":"2026-02-01"}`)}, 9},
		{"each survey on its own", CSAT, []cairn.Event{
			stated(9, cairn.OfAnswer, 1, "survey", `{"survey":"csat","score":4}`), stated(5, cairn.OfAnswer, 2, "survey", `{"survey":"nps","score":3}`)}, 4},
		{"effort", CES, []cairn.Event{stated(9, cairn.OfAnswer, 1, "survey", `{"survey":"CES","score":"6"}`)}, 6},
		{"days since an answer", SinceAnswer, []cairn.Event{stated(5, cairn.OfAnswer, 2, "survey", `{"survey":"csat","score":3}`)}, 5},
		{"no answer", SinceAnswer, nil, missing("Nobody has answered a survey")},

		{"no roles", Champion, []cairn.Event{use}, missing("Nobody's role")},
		{"no champion among them", Champion, []cairn.Event{stated(5, cairn.OfPerson, 1, "crm", `{"role":"user"}`)}, 0},
		{"a champion", Champion, []cairn.Event{stated(5, cairn.OfPerson, 1, "crm", `{"role":"Champion"}`)}, 1},
		{"the champion was seen, also by a page", SinceChampion, []cairn.Event{
			stated(50, cairn.OfPerson, 1, "crm", `{"role":"champion"}`), did(20, 1, "A"), did(12, 1, "Page Viewed"), did(1, 2, "A")}, 12},
		{"of two champions the one seen last", SinceChampion, []cairn.Event{
			stated(50, cairn.OfPerson, 1, "crm", `{"role":"champion"}`), stated(50, cairn.OfPerson, 2, "crm", `{"role":"champion"}`), did(20, 1, "A"), did(7, 2, "A")}, 7},
		{"a champion who never came", SinceChampion, []cairn.Event{stated(5, cairn.OfPerson, 1, "crm", `{"role":"champion"}`), did(1, 2, "A")}, missing("The champion has not been seen")},
		{"no longer champion", SinceChampion, []cairn.Event{
			stated(50, cairn.OfPerson, 1, "crm", `{"role":"champion"}`), stated(5, cairn.OfPerson, 1, "crm", `{"role":"user"}`), use}, missing("Nobody is marked")},
		{"opted out", OptedOut, []cairn.Event{stated(50, cairn.OfPerson, 1, "crm", `{"opted_out":true}`), stated(50, cairn.OfPerson, 2, "crm", `{"opted_out":false}`)}, 1},
		{"nobody stated", OptedOut, []cairn.Event{use}, missing("No source has stated")},
		{"people stated and seen, each once", KnownPeople, []cairn.Event{
			stated(50, cairn.OfPerson, 1, "crm", `{"role":"user"}`), did(3, 1, "A"), did(3, 2, "A"), did(9, 2, "Page Viewed"), did(40, 4, "A"), stated(50, cairn.OfPerson, 3, "crm", `{"role":"user"}`)}, 3},
		{"nobody known", KnownPeople, nil, missing("Nobody at the account")},

		{"we talked", SinceTalk, []cairn.Event{talked(9, ""), talked(4, "")}, 4},
		{"we never talked", SinceTalk, nil, missing("No call")},
		{"the last mood noted", Mood, []cairn.Event{talked(9, "good"), talked(4, "bad"), talked(1, "")}, -1},
		{"of one day the later mood", Mood, []cairn.Event{talked(4, "bad"), talked(4.1, "good")}, -1},
		{"no mood", Mood, []cairn.Event{talked(1, "")}, missing("No mood")},

		{"tenure from the first event", Tenure, []cairn.Event{did(40, 0, "Page Viewed"), use}, 40},
		{"tenure as stated", Tenure, []cairn.Event{use, stated(1, cairn.OfAccount, 1, "crm", `{"created_at":"2026-01-01"}`)}, 89},
		{"tenure of nothing", Tenure, nil, missing("Nothing was known")},
	}
	catalogue := New(Settings{Precedence: cairn.Precedence{"crm"}})
	tested := map[string]bool{}
	for _, tt := range tests {
		tested[tt.signal] = true
		t.Run(tt.signal+"/"+tt.name, func(t *testing.T) {
			got := catalogue.Measure(folded(tt.events...), nil, noon)[tt.signal]
			if why, ok := tt.want.(missing); ok {
				if got.Known || !strings.HasPrefix(got.Why, string(why)) || !got.Fresh.IsZero() {
					t.Errorf("got %+v, want missing: %s…", got, why)
				}
				return
			}
			if want := float64(tt.want.(int)); !got.Known || got.Number != want || got.Why != "" {
				t.Errorf("got %+v, want %v", got, want)
			}
			if got.Fresh.IsZero() || got.Fresh.After(noon) {
				t.Errorf("fresh %v", got.Fresh)
			}
		})
	}
	for _, d := range catalogue.Defs() {
		if !tested[d.Name] {
			t.Errorf("%s is not tested", d.Name)
		}
	}
}

func TestTheCatalogueDescribesWhatIsMeasured(t *testing.T) {
	c := New(Settings{})
	measured := c.Measure(NewState(time.UTC), nil, noon)
	if len(c.Defs()) < 25 {
		t.Errorf("%d signals", len(c.Defs()))
	}
	for _, d := range c.Defs() {
		s, ok := measured[d.Name]
		if !ok || s.Known || s.Why == "" || s.Name != d.Name {
			t.Errorf("%s of an account without history: %+v", d.Name, s)
		}
		if d.Label == "" || d.Type == "" || d.Group == "" || d.Source == "" || !strings.HasSuffix(d.Description, ".") {
			t.Errorf("incomplete: %+v", d)
		}
		delete(measured, d.Name)
	}
	if len(measured) > 0 {
		t.Errorf("measured without being described: %v", measured)
	}
}

func TestTraitsAreTheAccountsOwnFields(t *testing.T) {
	s := folded(
		stated(9, cairn.OfAccount, 1, "crm", `{"name":"Acme","industry":"Steel","employees":"120","tags":["a"],"vip":true,"plan":"gold"}`),
		stated(2, cairn.OfAccount, 1, "crm", `{"plan":null}`))
	got := New(Settings{}).Measure(s, nil, noon)
	want := map[string]cairn.Signal{
		"trait.industry":  {Name: "trait.industry", Known: true, Text: "Steel", Fresh: daysAgo(9)},
		"trait.employees": {Name: "trait.employees", Known: true, Number: 120, Fresh: daysAgo(9)},
		"trait.vip":       {Name: "trait.vip", Known: true, Text: "true", Fresh: daysAgo(9)},
	}
	traits := map[string]cairn.Signal{}
	for name, s := range got {
		if strings.HasPrefix(name, "trait.") {
			traits[name] = s
		}
	}
	if diff := cmp.Diff(want, traits); diff != "" {
		t.Errorf("traits (-want +got):\n%s", diff)
	}
	if d, ok := Find("trait.sales_region"); !ok || d.Label != "sales region" {
		t.Errorf("a trait is described as %+v", d)
	}
}

func TestWhatHappensLaterChangesNothingBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		moment := daysAgo(float64(rapid.IntRange(10, 100).Draw(t, "days ago")))
		past := history(t, "past", daysAgo(200), moment)
		midnight := cairn.DayOf(moment, time.UTC).End(time.UTC)
		future := history(t, "future", midnight, noon.AddDate(0, 1, 0))
		c := New(Settings{Precedence: cairn.Precedence{"crm"}})
		then, now := folded(past...), folded(append(past, future...)...)
		for _, at := range []time.Time{moment, midnight} {
			want, got := c.Measure(then, nil, at), c.Measure(now, nil, at)
			// One at midnight to the microsecond has happened by then.
			if diff := cmp.Diff(want, got); diff != "" && !anyAt(future, midnight) {
				t.Fatalf("as of %v (-before +after):\n%s", at, diff)
			}
		}
	})
}

func anyAt(events []cairn.Event, at time.Time) bool {
	for _, e := range events {
		if e.At.Equal(at) {
			return true
		}
	}
	return false
}

func TestAMidnightIsTheEndOfTheDayBefore(t *testing.T) {
	s := folded(did(0, 1, "A"), did(1, 2, "A"))
	midnight := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	got := New(Settings{}).Measure(s, nil, midnight)
	if n, _ := got.Number(Active28); n != 1 {
		t.Errorf("%v people, want 1: what the day that begins brings has not happened", n)
	}
	if n, _ := got.Number(SinceActivity); n != 0 {
		t.Errorf("%v days since activity, want 0", n)
	}
}

func TestUseBeforeWhatWasLoadedIsRemembered(t *testing.T) {
	day := cairn.DayOf(noon, time.UTC)
	s := NewState(time.UTC)
	s.Before, s.Window, s.First = day-400, day-200, daysAgo(900)
	s.People = []cairn.PersonID{person(1)}
	s.Fold(stated(500, cairn.OfPerson, 1, "crm", `{"role":"champion"}`))
	got := New(Settings{}).Measure(s, nil, noon)
	for name, want := range map[string]float64{Active28: 0, DaysActive: 0, SinceActivity: 400, SinceChampion: 201, KnownPeople: 1} {
		if n, ok := got.Number(name); !ok || n != want {
			t.Errorf("%s: %+v, want %v", name, got[name], want)
		}
	}
	if got[ActiveChange].Known {
		t.Errorf("change of nobody against nobody: %+v", got[ActiveChange])
	}
}

func TestTheIndexShowsWhatThePrecedenceChooses(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := cairn.Precedence{"billing", "crm"}
		s := folded(history(t, "events", daysAgo(5), noon)...)
		records, _ := recordsOf(s.Facts, p)
		at := daysAgo(rapid.Float64Range(0, 6).Draw(t, "days ago"))
		for kind, of := range records {
			for _, r := range of {
				var facts []cairn.Fact
				for _, f := range s.Facts {
					if f.Kind == kind && f.Record == r.id {
						facts = append(facts, f)
					}
				}
				want := p.Choose(facts, at)
				rec := cairn.Record{Fields: want}
				for _, f := range r.fields {
					v, known := r.at(f.name, at)
					said, chosen := want[f.name]
					if known != chosen || known && (v.text != rec.Text(f.name) || !v.at.Equal(said.At)) {
						t.Fatalf("%s.%s: index has %+v, precedence chooses %+v", kind, f.name, v, said)
					}
				}
			}
		}
	})
}

// A typical account: 200 days of 8 kinds of event by 30 people, 200 facts.
func typical() *State {
	s := NewState(time.UTC)
	for d := range 200 {
		for n := range 8 {
			for p := range 4 {
				s.Fold(did(float64(d), 1+(d*7+n*5+p*3)%30, fmt.Sprintf("Event %d", n)))
			}
		}
	}
	for i := range 10 {
		at := float64(i * 15)
		s.Fold(stated(at, cairn.OfTicket, i, "support", `{"status":"open","opened":"2026-01-01","priority":"high","escalated":false}`))
		s.Fold(stated(at/2, cairn.OfTicket, i, "support", `{"status":"closed","closed":"2026-02-01","reopened":1}`))
		s.Fold(stated(at, cairn.OfInvoice, i, "billing", `{"due":"2026-01-01","issued":"2025-12-01","status":"paid","paid_at":"2026-01-03"}`))
		s.Fold(stated(at, cairn.OfPerson, i+1, "crm", `{"role":"champion","opted_out":false}`))
		s.Fold(stated(at, cairn.OfAnswer, i, "survey", `{"survey":"nps","score":8,"answered":"2026-02-01"}`))
	}
	s.Fold(stated(100, cairn.OfContract, 1, "crm", `{"mrr":"1204.50","currency":"EUR","start":"2025-06-01","renews":"2026-06-01","seats":40,"status":"active"}`))
	s.Fold(stated(100, cairn.OfAccount, 1, "crm", `{"status":"customer","industry":"steel","plan":"gold"}`))
	return s
}

func BenchmarkMeasure(b *testing.B) {
	s, c := typical(), New(Settings{})
	c.Measure(s, nil, noon)
	b.ReportAllocs()
	for b.Loop() {
		c.Measure(s, nil, noon)
	}
}

// What one turn costs: the index and 14 moments.
func BenchmarkTurn(b *testing.B) {
	s, c := typical(), New(Settings{})
	b.ReportAllocs()
	for b.Loop() {
		s.index = nil
		for w := range 14 {
			c.Measure(s, nil, noon.AddDate(0, 0, -7*w))
		}
	}
}
