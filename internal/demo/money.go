package demo

import (
	"fmt"
	"maps"

	"cairn"
	"cairn/internal/ingest"
)

const currency = "EUR"

// amount writes cents as a decimal amount.
func amount(cents int64) string { return fmt.Sprintf("%d.%02d", cents/100, cents%100) }

func (t *teller) contractKey() string { return fmt.Sprintf("con-%04d", t.a.n) }

// contract is what billing says of the contract of a: its terms, renewals,
// expansions, a contraction, notice and end.
func (t *teller) contract() {
	a := t.a
	begin := max(a.since, a.first(t.Company))
	next := t.renewal(begin)
	signed := map[string]any{
		"product": "Quillmere " + a.plan.name, "mrr": amount(a.mrr(begin)), "currency": currency,
		"seats": a.seatsOn(begin), "start": date(a.since), "renews": date(next), "status": "active", "auto_renew": true,
	}
	maps.Copy(signed, t.conditions())
	if until := t.introduced(); until > begin {
		signed["discount_percent"], signed["discount_until"] = introduction, date(until)
	}
	t.terms(begin, "signed", signed)
	for ; next < t.horizon && !a.gone(next); next = months(next, a.term) {
		t.terms(next, "renewed-"+next.String(), map[string]any{
			"renews": date(months(next, a.term)), "status": "active", "mrr": amount(a.mrr(next)),
		})
	}
	for i, s := range a.growth {
		if s.day > begin {
			t.changed(s.day, fmt.Sprintf("expanded-%d", i))
		}
	}
	if cut, ok := a.contraction(); ok && cut > begin {
		t.changed(cut, "contracted")
	}
	t.notice()
}

// introduction is the percentage that some pay less at first: what policies
// count differently.
const introduction = 20

// introduced is until when a pays less than the list says; 0: it never did.
func (t *teller) introduced() cairn.Day {
	if !t.dice(t.a.n, moneyTheme, 13).chance(0.2) {
		return 0
	}
	return months(t.a.since, 3)
}

func (t *teller) terms(d cairn.Day, id string, fields map[string]any) {
	roll := t.dice(t.a.n, moneyTheme, keyNumber(id))
	late := 0
	if roll.chance(0.12) {
		late = 1
	}
	t.tellLate("billing", d, roll.office(), late, "contract-"+id, t.patch(cairn.OfContract, t.contractKey(), fields))
}

func (t *teller) changed(d cairn.Day, id string) {
	t.terms(d, id, map[string]any{"mrr": amount(t.a.mrr(d)), "seats": t.a.seatsOn(d)})
}

// renewal is the first day of renewal after d.
func (t *teller) renewal(d cairn.Day) cairn.Day {
	for n := 1; ; n++ {
		if next := months(t.a.since, n*t.a.term); next > d {
			return next
		}
	}
}

// notice is what a customer who leaves says before, and the end. Who does not
// pay gives no notice.
func (t *teller) notice() {
	a := t.a
	if !a.cause.Loses() {
		return
	}
	roll := t.dice(a.n, moneyTheme, 7)
	given := workday(a.lost - cairn.Day(roll.between(8, 32)))
	if a.cause != LatePayer && a.troubled(given) {
		t.terms(given, "notice", map[string]any{"auto_renew": false, "cancelled_at": date(given)})
		if a.saved != 0 && given <= a.saved {
			t.terms(a.saved+1, "kept", map[string]any{"auto_renew": true, "cancelled_at": nil})
		}
	}
	if a.leaves() {
		end := map[string]any{"status": "cancelled", "auto_renew": false}
		if a.cause == LatePayer {
			end["cancelled_at"] = date(a.lost)
		}
		t.terms(a.lost, "ended", end)
	}
}

// paying is how a pays: of the small plans most do by card, which is replaced
// in time, but for some that nobody thinks of before it has expired (R112).
func (t *teller) paying() {
	a, roll := t.a, t.dice(t.a.n, moneyTheme, 11)
	if !roll.chance([...]float64{0.9, 0.7, 0.3, 0.1}[a.plan.rank()]) {
		t.billed(max(a.since, a.first(t.Company)), "pays", map[string]any{"payment_method": "transfer"})
		return
	}
	begin := max(a.since, a.first(t.Company))
	expires := months(begin, roll.between(2, 30))
	t.billed(begin, "pays", map[string]any{"payment_method": "card", "card_expires": month(expires)})
	for n := 0; expires < t.horizon && !a.gone(expires); n++ {
		early := cairn.Day(roll.between(12, 70))
		if roll.chance(0.12) {
			early = -cairn.Day(roll.between(5, 40)) // thought of too late
		}
		on := expires - early
		expires = months(expires, 36)
		t.billed(on, fmt.Sprintf("card-%d", n), map[string]any{"card_expires": month(expires)})
	}
}

// month is the one of a day, as it stands on a card.
func month(d cairn.Day) string { return d.String()[:len("2026-08")] }

// billed is what billing says of the account itself.
func (t *teller) billed(d cairn.Day, id string, fields map[string]any) {
	if d >= t.horizon || t.a.gone(d) || d < t.a.first(t.Company) {
		return
	}
	keys := cairn.Keys{Account: t.a.key}
	roll := t.dice(t.a.n, moneyTheme, keyNumber(id))
	t.tell("billing", d, roll.office(), "account-"+id, func() ingest.Record {
		return ingest.Record{Kind: cairn.OfAccount, Keys: keys, Props: fields}
	})
}

// A bill is one invoice, with what becomes of it.
type bill struct {
	n        int
	issued   cairn.Day
	due      cairn.Day
	paid     cairn.Day // 0: never
	failures []cairn.Day
	cents    int64
}

// invoices are the bills of a: every month, or every quarter in advance.
func (t *teller) invoices() {
	a := t.a
	period := 1
	if a.term == 12 {
		period = 3
	}
	for n := 0; ; n++ {
		day := months(a.since, n*period)
		if day >= t.horizon || a.gone(day) {
			return
		}
		if day >= a.first(t.Company) {
			t.invoice(t.bill(n, day, period))
		}
	}
}

// bill decides what becomes of the n-th invoice of a (R109, R112).
func (t *teller) bill(n int, issued cairn.Day, period int) bill {
	a := t.a
	roll := t.dice(a.n, invoiceTheme, int64(n))
	b := bill{n: n, issued: issued, due: issued + 14, cents: a.mrr(issued) * int64(period)}
	for m := range period { // what is paid in advance may go on beyond it
		if months(issued, m) < t.introduced() {
			b.cents -= a.mrr(issued) * introduction / 100
		}
	}
	b.paid = b.due - cairn.Day(roll.between(0, 12))
	if roll.chance(0.07) {
		b.paid = b.due + cairn.Day(roll.between(2, 14))
	}
	if a.cause == LatePayer && issued >= a.onset && (a.saved == 0 || issued <= a.saved) {
		worse := int(issued - a.onset)
		b.paid = b.due + cairn.Day(20+worse/2+roll.between(0, 8))
		if worse > 20 {
			b.failures = []cairn.Day{b.due - 3, b.due + 1, b.due + 8}
		}
		if worse > 40 {
			b.paid = 0
		}
	}
	if a.cause == LatePayer && a.saved != 0 && issued <= a.saved && (b.paid == 0 || b.paid > a.saved+9) {
		b.paid = a.saved + cairn.Day(roll.between(3, 9))
	}
	return b
}

func (t *teller) invoice(b bill) {
	key := fmt.Sprintf("inv-%04d-%03d", t.a.n, b.n)
	say := func(d cairn.Day, id string, fields map[string]any) {
		roll := t.dice(t.a.n, invoiceTheme, keyNumber(key+id))
		late := 0
		if roll.chance(0.15) {
			late = 1
		}
		t.tellLate("billing", d, roll.office(), late, key+"-"+id, t.patch(cairn.OfInvoice, key, fields))
	}
	say(b.issued, "issued", map[string]any{
		"amount": amount(b.cents), "currency": currency, "issued": date(b.issued), "due": date(b.due), "status": "open",
		"failed_payments": 0,
	})
	for i, d := range b.failures {
		if b.paid == 0 || d < b.paid {
			say(d, fmt.Sprintf("failed-%d", i+1), map[string]any{"status": "failed", "failed_payments": i + 1})
		}
	}
	switch {
	case b.paid == 0 && t.a.leaves():
		say(t.a.lost+30, "void", map[string]any{"status": "void"})
	case b.paid != 0 && (!t.a.leaves() || b.paid < t.a.lost+25):
		say(b.paid, "paid", map[string]any{"status": "paid", "paid_at": date(b.paid)})
	}
}
