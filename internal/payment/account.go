package payment

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// A Kind is what keeps somebody from paying.
type Kind string

// The kinds, in the order of how much is lost already.
const (
	Late    Kind = "late"    // an invoice is past its due day and not paid
	Failed  Kind = "failed"  // an attempt to collect an invoice failed
	Card    Kind = "card"    // the card that pays expires, or has expired
	Stopped Kind = "stopped" // disputed, given up, or billing says so of the contract
)

// Kinds are all of them.
var Kinds = []Kind{Late, Failed, Card, Stopped}

// A Finding is one thing that keeps an account from paying.
type Finding struct {
	Kind    Kind
	Account cairn.AccountID
	Record  cairn.RecordID // the invoice; of a card, the account or contract that names it; of what is stopped either
	Of      cairn.EventKind
	Key     string      // of the record, as its source names it
	Amount  cairn.Money // of the invoice; of a card, what is first to be charged after it has expired
	On      cairn.Day   // when it was due; when the last attempt failed; the last day of the card; when it was stopped
	Days    int         // late; since the last attempt; until the card expires, below 0 when it has; since it was stopped
	Times   int         // attempts that failed
	Paid    bool        // the invoice was paid since
	Next    []Charge    // that fall after the card expires, the first first
	Status  string      // of what is stopped
}

// Open reports whether something is still to be done about f.
func (f Finding) Open() bool { return !f.Paid }

// A Customer is all that keeps one account from paying, with what it pays.
type Customer struct {
	Account  cairn.AccountID
	MRR      int64 // as the ledger counts it, in its currency; what stands at stake
	Invoices int   // issued by then
	Due      int   // of these, due within a year
	Untimely int   // of these, not paid in time
	Findings []Finding
}

// A Stated is what was said of one record.
type Stated struct {
	Kind    cairn.EventKind
	Account cairn.AccountID
	Record  cairn.RecordID
	Key     string
	Facts   []cairn.Fact
}

// A Reader judges what was said of one account.
type Reader struct {
	ledger.Reader
	Policy ledger.Policy
	Rates  *ledger.Rates
	At     time.Time // as of then
}

// How far back and ahead one looks, in days.
const (
	Back  = 90 // attempts that failed
	Ahead = 60 // cards that expire
	year  = 365
)

// fields are those that are read of each kind.
var fields = map[cairn.EventKind][]string{
	cairn.OfInvoice: {"amount", "currency", "issued", "due", "paid_at", "failed_payments", "status"},
	cairn.OfAccount: {"payment_method", "card_expires", "status"},
}

// Customer judges what was said of one account, in any order.
func (r Reader) Customer(account cairn.AccountID, said []Stated) Customer {
	j := &judged{Reader: r, Customer: Customer{Account: account}, day: cairn.DayOf(r.At.Add(-time.Microsecond), r.Zone), stander: ledger.NewStander(r.Policy, r.Rates)}
	for _, s := range said {
		facts := slices.DeleteFunc(slices.Clone(s.Facts), func(f cairn.Fact) bool {
			return f.At.After(r.At) || !r.Known.IsZero() && f.Seen.After(r.Known)
		})
		if len(facts) == 0 {
			continue
		}
		s.Facts = facts
		rec := cairn.Record{ID: s.Record, Kind: s.Kind, Key: s.Key, Fields: r.Precedence.Choose(facts, r.At)}
		switch s.Kind {
		case cairn.OfInvoice:
			j.invoice(rec, s)
		case cairn.OfContract:
			j.contract(rec, s)
		case cairn.OfAccount:
			j.account(rec)
		}
	}
	j.cards()
	slices.SortStableFunc(j.Findings, func(a, b Finding) int { return cmp.Or(cmp.Compare(b.Days, a.Days), cmp.Compare(a.Key, b.Key)) })
	return j.Customer
}

// A judged is a customer under way.
type judged struct {
	Reader
	Customer
	day     cairn.Day
	stander *ledger.Stander
	issues  []Issue
	open    []Charge // invoices that wait for their money, by due day
	own     *holder  // the card that the account itself names
	method  string   // by which the account pays
	left    bool     // it is said to have left
	holders []holder // cards that contracts name
	bare    int64    // MRR of contracts that name no card
	running int      // contracts in force
	known   int      // contracts
}

// A holder is a record that names a card, with what hangs on it.
type holder struct {
	rec     cairn.Record
	expires cairn.Day
	mrr     int64
}

func (j *judged) dayOf(rec cairn.Record, field string) cairn.Day {
	text := rec.Text(field)
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return cairn.DayOf(t, time.UTC)
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return cairn.DayOf(t, j.Zone)
	}
	return 0
}

func (j *judged) invoice(rec cairn.Record, s Stated) {
	i := Invoice{Status: rec.Text("status"), Issued: j.dayOf(rec, "issued"), Due: j.dayOf(rec, "due"), Paid: whenPaid(rec.Text("paid_at"))}
	if !i.Issues(j.day) {
		return
	}
	j.Invoices++
	amount, _ := rec.Money("amount", j.Currency)
	j.issues = append(j.issues, Issue{i.Issued, amount})
	if in, known := i.Punctual(j.At, j.day, j.Zone); known && i.Due > j.day-year {
		if j.Due++; !in {
			j.Untimely++
		}
	}
	unpaid := i.Unpaid(j.At)
	if unpaid {
		j.open = append(j.open, Charge{On: i.Due, Amount: amount, Key: rec.Key})
	}
	f := Finding{Account: s.Account, Record: rec.ID, Of: cairn.OfInvoice, Key: rec.Key, Amount: amount, Paid: !unpaid}
	switch late := i.DaysLate(j.day); {
	case i.Stopped(j.At):
		g := f
		g.Kind, g.Status = Stopped, i.Status
		g.On = cairn.DayOf(rec.Fields["status"].At, j.Zone)
		g.Days = int(j.day - g.On)
		j.Findings = append(j.Findings, g)
	case unpaid && late > 0:
		g := f
		g.Kind, g.On, g.Days = Late, i.Due, late
		j.Findings = append(j.Findings, g)
	}
	if times, last := Failures(s.Facts, j.Precedence); times > 0 {
		f.Kind, f.Times, f.On = Failed, times, cairn.DayOf(last, j.Zone)
		if f.Days = int(j.day - f.On); f.Days <= Back && i.Status != "void" {
			j.Findings = append(j.Findings, f)
		}
	}
}

// Failures returns how many attempts to collect an invoice failed, and when the
// last did. A source that counts none says with the status failed that there
// was one.
func Failures(facts []cairn.Fact, p cairn.Precedence) (times int, last time.Time) {
	sorted := slices.Clone(facts)
	slices.SortFunc(sorted, cairn.Fact.Later)
	seen := 0
	for _, f := range sorted {
		switch f.Field {
		case "failed_payments":
			n := cairn.Record{Fields: p.Choose(sorted, f.At)}
			if count, ok := n.Number("failed_payments"); ok {
				if int(count) > seen {
					last = f.At
				}
				seen, times = int(count), int(count)
			}
		case "status":
			if seen == 0 && strings.Trim(string(f.Value), `"`) == "failed" {
				times, last = max(times, 1), f.At
			}
		}
	}
	return times, last
}

func (j *judged) contract(rec cairn.Record, s Stated) {
	j.known++
	reading := j.History(s.Record, s.Account, s.Facts).All()
	stands, _ := j.stander.On(reading.Line, j.day)
	if stands.InForce {
		j.running++
		j.MRR += stands.MRR
	}
	status := strings.ToLower(rec.Text("status"))
	if status == "past_due" || status == "unpaid" {
		on := cairn.DayOf(rec.Fields["status"].At, j.Zone)
		j.Findings = append(j.Findings, Finding{
			Kind: Stopped, Account: s.Account, Record: rec.ID, Of: cairn.OfContract, Key: rec.Key, Status: status, On: on, Days: int(j.day - on),
		})
	}
	if !stands.InForce {
		return
	}
	expires, named := Expiry(rec.Text("card_expires"))
	switch method := rec.Text("payment_method"); {
	case method != "" && !ByCard(method):
	case named:
		j.holders = append(j.holders, holder{rec, expires, stands.MRR})
	default:
		j.bare += stands.MRR
	}
}

func (j *judged) account(rec cairn.Record) {
	j.method = rec.Text("payment_method")
	status := strings.ToLower(rec.Text("status"))
	j.left = status == string(cairn.Churned) || status == string(cairn.Ignored)
	if expires, named := Expiry(rec.Text("card_expires")); named {
		j.own = &holder{rec: rec, expires: expires}
	}
}

// cards adds those that expire soon or have expired, and that somebody who is a
// customer still pays with.
func (j *judged) cards() {
	if j.left || j.known > 0 && j.running == 0 {
		return
	}
	if j.own != nil && ByCard(j.method) && (j.known == 0 || j.running > len(j.holders)) {
		j.own.mrr = j.bare
		j.holders = append(j.holders, *j.own)
	}
	for _, h := range j.holders {
		if int(h.expires-j.day) > Ahead {
			continue
		}
		f := Finding{
			Kind: Card, Account: j.Account, Record: h.rec.ID, Of: h.rec.Kind, Key: h.rec.Key, On: h.expires, Days: int(h.expires - j.day), Next: j.after(h),
		}
		if len(f.Next) > 0 {
			f.Amount = f.Next[0].Amount
		}
		j.Findings = append(j.Findings, f)
	}
}

// after returns the charges that fall after a card has expired: those that
// stand there, and the first that is to be expected.
func (j *judged) after(h holder) (out []Charge) {
	for _, c := range j.open {
		if c.On > h.expires {
			out = append(out, c)
		}
	}
	if c, ok := Expect(j.issues, max(h.expires, j.day)); ok {
		out = append(out, c)
	} else if h.mrr > 0 {
		next := ledger.Monthly.Next(max(h.expires, j.day)+1, max(h.expires, j.day)+1)
		out = append(out, Charge{On: next, Amount: cairn.Money{Minor: h.mrr, Currency: j.Rates.Home}, Every: ledger.Monthly.String()})
	}
	slices.SortFunc(out, func(a, b Charge) int { return cmp.Compare(a.On, b.On) })
	return out
}

// MarshalJSON writes a charge with its day.
func (c Charge) MarshalJSON() ([]byte, error) {
	type plain Charge
	return json.Marshal(struct {
		On string `json:"on"`
		plain
	}{c.On.String(), plain(c)})
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Charge) UnmarshalJSON(b []byte) error {
	type plain Charge
	told := struct {
		On string `json:"on"`
		*plain
	}{plain: (*plain)(c)}
	if err := json.Unmarshal(b, &told); err != nil {
		return err
	}
	t, err := time.Parse(time.DateOnly, told.On)
	if err != nil {
		return err
	}
	c.On = cairn.DayOf(t, time.UTC)
	return nil
}
