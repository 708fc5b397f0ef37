package demo

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"hash"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"cairn"
	"cairn/internal/ingest"
)

var until = time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC)

func write(t *testing.T, h hash.Hash, batches []Batch) {
	t.Helper()
	if err := json.NewEncoder(h).Encode(batches); err != nil {
		t.Fatal(err)
	}
}

// days returns a hash of each day that c tells, in the given order of days.
func days(t *testing.T, c *Company, order []cairn.Day) map[cairn.Day]string {
	t.Helper()
	out := map[cairn.Day]string{}
	for _, d := range order {
		h := sha256.New()
		write(t, h, c.Day(d))
		out[d] = fmt.Sprintf("%x", h.Sum(nil))
	}
	return out
}

func history(c *Company) []cairn.Day {
	var out []cairn.Day
	for d := c.Start(); d < c.End(); d++ {
		out = append(out, d)
	}
	return out
}

func TestEqualSeedAndEndTellEqualRecords(t *testing.T) {
	a, b := New(7, 40, 6, until), New(7, 40, 6, until)
	order := history(a)
	if diff := cmp.Diff(days(t, a, order), days(t, b, order)); diff != "" {
		t.Errorf("two companies of one seed differ (-first +second):\n%s", diff)
	}
	other := days(t, New(8, 40, 6, until), order)
	same := 0
	for d, h := range days(t, a, order) {
		if other[d] == h {
			same++
		}
	}
	if same > 0 {
		t.Errorf("%d days are equal under another seed", same)
	}
}

func TestADayDoesNotDependOnTheDaysToldBefore(t *testing.T) {
	a, b := New(3, 30, 6, until), New(3, 30, 6, until)
	forward := history(a)
	backward := slices.Clone(forward)
	slices.Reverse(backward)
	var skipping []cairn.Day
	for i := 0; i < len(backward); i += 3 {
		skipping = append(skipping, backward[i])
	}
	want, got := days(t, a, forward), days(t, b, skipping)
	for d, h := range got {
		if want[d] != h {
			t.Errorf("%v differs when told out of order", d)
		}
	}
}

func TestARescueChangesOnlyWhatComesAfterIt(t *testing.T) {
	plain, saved := New(5, 60, 12, until), New(5, 60, 12, until)
	rescues := 0
	for i, a := range saved.customers {
		if !a.cause.Loses() {
			continue
		}
		day := max(a.onset+20, saved.start+1)
		if day >= a.lost {
			continue
		}
		rescues++
		alone := New(5, 60, 12, until)
		alone.save(alone.customers[i], day)
		for d := max(day-45, alone.start); d <= day && d < alone.end; d++ {
			x, y := delivered(plain, plain.customers[i], d), delivered(alone, alone.customers[i], d)
			if diff := cmp.Diff(x, y); diff != "" {
				t.Fatalf("%s (%s), saved on %v: %v changed (-before +after):\n%s", a.key, a.cause, day, d, diff)
			}
		}
		if alone.customers[i].gone(a.lost) {
			t.Errorf("%s is lost although it was saved", a.key)
		}
	}
	if rescues < 10 {
		t.Errorf("only %d rescues were tried", rescues)
	}
}

// delivered is what arrives of one customer on a day.
func delivered(c *Company, a *customer, d cairn.Day) []ingest.Record {
	var out []ingest.Record
	for _, x := range slices.Concat(a.told(c, d), c.usage(a, d), c.lateUsage(a, d)) {
		out = append(out, x.record)
	}
	return out
}

// A ledger is what a whole history comes to.
type ledger struct {
	company *Company
	counts  map[string]int                                 // by source and kind
	use     map[string]map[cairn.Day]int                   // meaningful events by account
	told    map[cairn.EventKind]map[string][]ingest.Record // the others, by kind and account
}

// whole is the history of the company that everybody gets.
var whole = sync.OnceValue(func() ledger {
	l := ledger{New(1, 200, 18, until), map[string]int{}, map[string]map[cairn.Day]int{}, map[cairn.EventKind]map[string][]ingest.Record{}}
	for _, d := range history(l.company) {
		for _, b := range l.company.Day(d) {
			for _, r := range b.Records {
				if !strings.HasPrefix(r.ID, faultID) {
					l.add(b.Source, r)
				}
			}
		}
	}
	return l
})

func (l ledger) add(source string, r ingest.Record) {
	l.counts[source+"/"+string(r.Kind)]++
	account := r.Keys.Account
	switch {
	case r.Name == "Signed In" || r.Name == "Page Viewed":
	case r.Kind == cairn.Track:
		if l.use[account] == nil {
			l.use[account] = map[cairn.Day]int{}
		}
		l.use[account][cairn.DayOf(r.At, time.UTC)]++
	default:
		if l.told[r.Kind] == nil {
			l.told[r.Kind] = map[string][]ingest.Record{}
		}
		l.told[r.Kind][account] = append(l.told[r.Kind][account], r)
	}
}

func TestTheCompanyHasTheSizeThatWasAskedFor(t *testing.T) {
	counts := whole().counts
	t.Logf("%v", counts)
	for name, want := range map[string][2]int{
		"product/track":    {250_000, 400_000},
		"crm/account":      {200, 1500},
		"crm/person":       {2000, 8000},
		"crm/interaction":  {800, 4000},
		"billing/contract": {600, 4000},
		"billing/invoice":  {2500, 9000},
		"support/ticket":   {3000, 16000},
		"survey/answer":    {1000, 6000},
	} {
		if n := counts[name]; n < want[0] || n > want[1] {
			t.Errorf("%s: %d records, want %d to %d", name, n, want[0], want[1])
		}
	}
}

func TestAQuarterIsLostAndHalfOfTheRestGrows(t *testing.T) {
	for seed := range int64(5) {
		c := New(seed, 200, 18, until)
		lost, grown, causes := 0, 0, map[Cause]int{}
		for _, x := range c.Truth() {
			causes[x.Cause]++
			switch {
			case !x.Lost.IsZero() && x.Lost.Before(until):
				lost++
			case slices.ContainsFunc(x.Grown, func(g time.Time) bool { return g.Before(until) }):
				grown++
			}
			if !x.Lost.IsZero() && !x.Cause.Loses() {
				t.Errorf("seed %d: %s is lost without a cause (%s)", seed, x.Account, x.Cause)
			}
			if x.Cause.Loses() && !x.Onset.Before(x.Lost.AddDate(0, 0, -30)) {
				t.Errorf("seed %d: %s: the cause %s begins on %v and ends on %v", seed, x.Account, x.Cause, x.Onset, x.Lost)
			}
		}
		if lost < 44 || lost > 60 {
			t.Errorf("seed %d: %d of 200 are lost if nobody helps", seed, lost)
		}
		if rest := 200 - lost; grown*100 < rest*33 || grown*100 > rest*55 {
			t.Errorf("seed %d: %d of %d grow", seed, grown, rest)
		}
		for _, cause := range append(slices.Clone(losing), growing...) {
			if causes[cause] == 0 {
				t.Errorf("seed %d: nobody has the cause %s", seed, cause)
			}
		}
	}
}

func TestEveryRecordKeepsToTheVocabulary(t *testing.T) {
	c := New(2, 80, 12, until)
	senders := map[string]bool{}
	for _, s := range Sources() {
		senders[s.Name] = true
	}
	ids, faults, again, late := map[string]bool{}, 0, 0, 0
	for _, d := range history(c) {
		last := at(d, 0)
		for _, b := range c.Day(d) {
			if b.At.Before(last) || b.At.Before(at(d, 0)) || !b.At.Before(at(d+1, 0)) {
				t.Fatalf("%v: a batch of %s arrives at %v, after one at %v", d, b.Source, b.At, last)
			}
			last = b.At
			if !senders[b.Source] || len(b.Records) == 0 {
				t.Fatalf("%v: a batch of %q with %d records", d, b.Source, len(b.Records))
			}
			for i, r := range b.Records {
				if r.Index != i {
					t.Errorf("%s stands at %d and says %d", r.ID, i, r.Index)
				}
				if strings.HasPrefix(r.ID, faultID) {
					faults++
					continue
				}
				if ids[b.Source+r.ID] {
					again++
				}
				ids[b.Source+r.ID] = true
				if cairn.DayOf(r.At, time.UTC) < d {
					late++
				}
				if r.At.After(b.At) || !r.At.Before(until) || r.At.Before(at(c.Start(), 0)) || !r.At.Equal(r.Stamp) {
					t.Errorf("%s of %s happened at %v and arrived at %v", r.ID, b.Source, r.At, b.At)
				}
				if problem := wrong(r); problem != "" {
					t.Errorf("%s of %s: %s: %v", r.ID, b.Source, problem, r.Props)
				}
			}
		}
	}
	if faults == 0 || again == 0 || late == 0 {
		t.Errorf("%d faults, %d repeated and %d late records: some of each are wanted", faults, again, late)
	}
}

var words = map[string][]string{
	"account.status":   {"lead", "trial", "customer", "churned", "ignored"},
	"contract.status":  {"active", "cancelled", "trial", "paused"},
	"invoice.status":   {"open", "paid", "failed", "void"},
	"ticket.status":    {"open", "pending", "solved", "closed"},
	"ticket.priority":  {"low", "normal", "high", "urgent"},
	"person.role":      {"user", "administrator", "champion", "sponsor", "economic_buyer", "beneficiary"},
	"answer.survey":    {"nps", "csat", "ces"},
	"interaction.type": {"note", "call", "meeting", "mail"},
	"interaction.mood": {"good", "neutral", "bad"},
}

var dates = []string{"created_at", "start", "renews", "cancelled_at", "issued", "due", "paid_at", "opened", "closed", "answered", "next_step_due"}

// wrong says what is wrong with a record, or nothing.
func wrong(r ingest.Record) string {
	if r.Keys.Account == "" || r.ID == "" || len(r.ID) > ingest.MaxID {
		return "no account, or no id that a door takes"
	}
	if r.Kind == cairn.Track && (r.Name == "" || r.Keys.Person == "") {
		return "no name or no person"
	}
	if r.Kind.IsRecord() && r.Kind != cairn.OfAccount && r.Kind != cairn.OfPerson && r.Keys.Record == "" {
		return "no record"
	}
	for name, v := range r.Props {
		text, isText := v.(string)
		if list, ok := words[string(r.Kind)+"."+name]; ok && v != nil && !slices.Contains(list, text) {
			return name + " is no word of the vocabulary"
		}
		if slices.Contains(dates, name) && v != nil {
			if _, err := time.Parse(time.RFC3339, text); err != nil {
				if _, err := time.Parse(time.DateOnly, text); err != nil {
					return name + " is no date"
				}
			}
		}
		if name == "mrr" || name == "amount" {
			if m, err := cairn.ParseMoney(text, "EUR"); err != nil || m.Minor <= 0 {
				return name + " is no amount"
			}
		}
		if at := strings.IndexByte(text, '@'); isText && at >= 0 && !strings.HasSuffix(text, ".example") || name == "domain" && !strings.HasSuffix(text, ".example") {
			return name + " names a domain that may exist"
		}
		if n, ok := v.(int); ok && name == "score" && (n < 0 || n > 10 || r.Props["survey"] == "csat" && (n < 1 || n > 5)) {
			return "the score is outside its scale"
		}
	}
	return ""
}

func TestUseFallsWeeksBeforeALoss(t *testing.T) {
	c, use := whole().company, whole().use
	sum := func(key string, from, to cairn.Day) (n int) {
		for d := from; d < to; d++ {
			n += use[key][d]
		}
		return n
	}
	perSeat := map[Cause][]float64{}
	for i, x := range c.Truth() {
		a := c.customers[i]
		end := c.end
		if !x.Lost.IsZero() && x.Lost.Before(until) {
			end = a.lost
			if n := sum(x.Account, end, c.end); n > 0 {
				t.Errorf("%s was lost on %v and did %d things since", x.Account, end, n)
			}
		} else if x.Cause.Loses() || a.since > c.end-90 {
			continue
		}
		perSeat[x.Cause] = append(perSeat[x.Cause], float64(sum(x.Account, end-30, end))/float64(a.seatsOn(end)))
	}
	healthy := mean(perSeat[Steadfast])
	for _, cause := range losing {
		if got := mean(perSeat[cause]); !(got < healthy*0.75) {
			t.Errorf("%s: %.2f events per seat in the 30 days before the loss; the steady have %.2f", cause, got, healthy)
		}
	}
	for _, cause := range growing {
		if got := mean(perSeat[cause]); !(got > healthy*0.9) {
			t.Errorf("%s: %.2f events per seat at the end; the steady have %.2f", cause, got, healthy)
		}
	}
}

func mean(x []float64) float64 {
	if len(x) == 0 {
		return math.NaN()
	}
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	return sum / float64(len(x))
}

func TestEachCauseLeavesItsMark(t *testing.T) {
	c, told := whole().company, whole().told
	invoices, tickets, people := told[cairn.OfInvoice], told[cairn.OfTicket], told[cairn.OfPerson]
	marks := map[Cause][]float64{}
	for _, x := range c.Truth() {
		if x.Cause.Loses() && !x.Lost.Before(until) || x.Onset.Before(at(c.start, 0)) {
			continue
		}
		count := func(records []ingest.Record, has func(ingest.Record) bool) (n float64) {
			for _, r := range records {
				if has(r) {
					n++
				}
			}
			return n
		}
		n := 0.0
		switch x.Cause {
		case LatePayer:
			n = count(invoices[x.Account], func(r ingest.Record) bool { return r.Props["status"] == "failed" })
		case UnresolvedTickets:
			n = count(tickets[x.Account], func(r ingest.Record) bool { return r.Props["escalated"] == true })
		case LostChampion:
			n = count(people[x.Account], func(r ingest.Record) bool { return r.Props["left"] != nil && r.Props["role"] == nil })
		default:
			continue
		}
		if n == 0 {
			t.Errorf("%s: nothing shows that the cause is %s", x.Account, x.Cause)
		}
		marks[x.Cause] = append(marks[x.Cause], n)
	}
	if len(marks) != 3 {
		t.Errorf("marks of %d causes were looked for", len(marks))
	}
}
