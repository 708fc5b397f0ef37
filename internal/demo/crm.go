package demo

import (
	"fmt"

	"cairn"
	"cairn/internal/ingest"
)

// early is when a morning's synchronisation says what the evening before left.
const early = 6 * 3600

// entry is the account as the CRM first knows it, and what it becomes.
func (t *teller) entry() {
	a := t.a
	first := a.first(t.Company)
	status := cairn.Customer
	if first < a.since {
		status = cairn.Trial
	}
	t.account(first, early, "entry", map[string]any{
		"name": a.name, "domain": a.domain(), "owner": a.csm, "status": string(status), "industry": a.industry,
		"plan": a.plan.name, "sold_by": a.soldBy, "created_at": date(min(first, a.since)),
	})
	if status == cairn.Trial {
		t.account(a.since, early, "signed", map[string]any{"status": string(cairn.Customer)})
	}
	if a.cause == BadHandOff { // nobody feels responsible
		for i, after := range []cairn.Day{20, 55} {
			d := t.dice(a.n, talkTheme, int64(-10-i))
			next := staff[d.IntN(len(staff))].Mail
			t.account(workday(a.since+after), 10*3600, fmt.Sprintf("handed-%d", i), map[string]any{"owner": next})
		}
	}
	if a.cause == Advocate {
		t.account(workday(a.since+200), 15*3600, "reference", map[string]any{"reference": true})
	}
	t.rival()
}

// rival is a competitor's widget seen on the customer's pages (R116).
func (t *teller) rival() {
	d := t.dice(t.a.n, talkTheme, -20)
	day := workday(t.a.lost - cairn.Day(d.between(20, 60)))
	if t.a.cause.Loses() && d.chance(0.3) && t.a.troubled(day) {
		t.account(day, 9*3600, "rival", map[string]any{"competitor_seen": date(day)})
	}
}

func (t *teller) account(d cairn.Day, second int, id string, props map[string]any) {
	keys := cairn.Keys{Account: t.a.key}
	t.tell("crm", d, second, id, func() ingest.Record {
		return ingest.Record{Kind: cairn.OfAccount, Keys: keys, Props: props}
	})
}

// ending is what the CRM writes down when a customer has left: with the reason
// that was given, which is not always the true one.
func (t *teller) ending() {
	a := t.a
	if !a.leaves() {
		return
	}
	d := t.dice(a.n, talkTheme, -30)
	reason := given[a.cause]
	if d.chance(0.2) {
		reason = "price"
	}
	t.account(a.lost+1, 9*3600, "churned", map[string]any{"status": string(cairn.Churned), "churn_reason": reason})
	t.followUp()
}

// followUp is what Quillmere's people learn when they call a customer some
// time after it has left (R135): mostly the true reason, now and then only the
// price that the customer named first, and of some they learn nothing. What
// they call unavoidable is not always so (R095).
func (t *teller) followUp() {
	a, d := t.a, t.dice(t.a.n, talkTheme, -31)
	called := workday(a.lost + cairn.Day(d.between(4, 24)))
	said := map[string]any{"on": date(a.lost), "reason": learnt[a.cause], "detail": d.pick(partingWords[a.cause]), "asked_on": date(called)}
	switch roll := d.Float64(); {
	case roll < 0.2:
		return
	case roll < 0.32:
		said["reason"], said["detail"] = "price", "They say that it costs too much. Nobody asked further."
	case roll < 0.5 && a.cause == LatePayer:
		said["reason"], said["unavoidable"], said["evidence"] = "closed", true, "Their office no longer answers the phone."
	case roll < 0.5 && a.cause == LostChampion:
		said["reason"], said["unavoidable"], said["evidence"] = "acquired", true, "Press release: they are part of a larger group now."
	}
	t.tell("crm", called, 15*3600, "follow-up", t.patch(cairn.OfLoss, fmt.Sprintf("loss-%04d", a.n), said))
}

// learnt are the reasons as Quillmere tells them, of the usual list.
var learnt = map[Cause]string{
	BadHandOff: "outcome", LostChampion: "champion_left", UnresolvedTickets: "service",
	LatePayer: "payment", LowAdoption: "outcome", BadFit: "bad_fit",
}

// partingWords are what customers said when they were called.
var partingWords = map[Cause][]string{
	BadHandOff:        {"Nobody showed them how to begin after the contract was signed.", "They waited for weeks to be set up, and then had another way."},
	LostChampion:      {"The one who had brought it in left, and nobody took it over.", "The new head of the department works with what she knows."},
	UnresolvedTickets: {"Their problems stayed open for months.", "They were told twice that it was mended, and it was not."},
	LatePayer:         {"Three reminders stayed unanswered.", "Their bank returned the direct debit."},
	LowAdoption:       {"Two people used it in the end.", "It never became a part of their day."},
	BadFit:            {"It cannot do what they were sold.", "They needed another kind of product from the start."},
}

var given = map[Cause]string{
	BadHandOff: "never started", LostChampion: "new management", UnresolvedTickets: "quality",
	LatePayer: "payment", LowAdoption: "not used", BadFit: "missing features",
}

// chances are what the CRM knows of more that a may buy: what led to each
// expansion, what came to nothing, and what is open now (R132).
func (t *teller) chances() {
	a := t.a
	for i, s := range a.growth {
		d := t.dice(a.n, talkTheme, -60-int64(i))
		id := fmt.Sprintf("opp-%04d-%d", a.n, i)
		seen := s.day - cairn.Day(d.between(18, 50))
		t.chance(seen, id, "seen", map[string]any{
			"name": fmt.Sprintf("%d more seats", s.seats), "type": "upsell", "product": "Quillmere " + a.plan.name, "amount": amount(int64(s.seats) * a.plan.seat), "currency": currency,
			"stage": "open", "close": date(s.day),
		})
		t.chance(s.day, id, "won", map[string]any{"stage": "won", "closed": date(s.day)})
	}
	d := t.dice(a.n, talkTheme, -70)
	if !d.chance(0.3) {
		return
	}
	seen, extra := workday(t.end-cairn.Day(d.between(4, 70))), d.between(3, 12)
	fields := map[string]any{
		"name": fmt.Sprintf("%d more seats", extra), "type": "upsell", "product": "Quillmere " + a.plan.name, "amount": amount(int64(extra) * a.plan.seat),
		"currency": currency, "stage": "open", "close": date(seen + cairn.Day(d.between(30, 110))),
	}
	if d.chance(0.4) {
		fields["name"], fields["type"], fields["product"], fields["amount"] = "Quillmere Forms", "cross_sell", "Quillmere Forms", amount(int64(d.between(80, 1600))*100)
	}
	id := fmt.Sprintf("opp-%04d-now", a.n)
	t.chance(seen, id, "seen", fields)
	if d.chance(0.2) {
		lost := workday(seen + cairn.Day(d.between(5, 25)))
		t.chance(lost, id, "lost", map[string]any{"stage": "lost", "closed": date(lost)})
	}
}

// chance is what the CRM says of one of them on a day on which a is a customer.
func (t *teller) chance(d cairn.Day, id, what string, fields map[string]any) {
	if d <= t.a.since || t.a.gone(d) || what == "won" && d-50 <= t.a.first(t.Company) {
		return
	}
	t.tell("crm", d, t.dice(t.a.n, talkTheme, keyNumber(id+what)).office(), id+"-"+what, t.patch(cairn.OfOpportunity, id, fields))
}

// staffing is the people as the CRM knows them: who comes, who leaves, who no
// longer wants mail (R111).
func (t *teller) staffing() {
	a := t.a
	for _, p := range a.people {
		join := max(p.join, a.first(t.Company))
		if a.gone(join) || p.leave != 0 && p.leave <= join {
			continue
		}
		t.person(p, join, early+60, "joined", map[string]any{
			"name": p.name, "email": p.mail(a), "title": p.title, "role": p.role, "created_at": date(max(join, p.join)),
		})
		if noted := workday(p.leave + cairn.Day(p.tells)); p.leave != 0 && !a.gone(noted) {
			t.person(p, noted, 11*3600, "left", map[string]any{"role": nil, "left": date(p.leave)})
		}
	}
	t.optOuts()
	t.heir()
}

func (t *teller) person(p person, d cairn.Day, second int, id string, props map[string]any) {
	keys := cairn.Keys{Account: t.a.key, Person: p.key}
	t.tell("crm", d, second, p.key+"-"+id, func() ingest.Record {
		return ingest.Record{Kind: cairn.OfPerson, Keys: keys, Props: props}
	})
}

func (t *teller) optOuts() {
	a, d := t.a, t.dice(t.a.n, talkTheme, -40)
	rate := 0.02
	if a.cause.Loses() {
		rate = 0.1
	}
	for _, p := range a.people {
		day := max(p.join, t.start) + cairn.Day(d.between(30, 400))
		if a.cause.Loses() {
			day = a.onset + cairn.Day(d.between(15, 80))
		}
		if d.chance(rate) && p.here(day) && !a.gone(day) && (!a.cause.Loses() || a.troubled(day)) {
			t.person(p, workday(day), 16*3600, "opted-out", map[string]any{"opted_out": true})
		}
	}
}

// heir is the new champion whom a rescue finds where the old one left.
func (t *teller) heir() {
	a := t.a
	if a.saved == 0 || a.cause != LostChampion {
		return
	}
	day := workday(a.saved + 7)
	if p, ok := a.who("user", day); ok {
		t.person(p, day, 11*3600, "promoted", map[string]any{"role": "champion"})
	}
}

// talks are the calls, meetings and notes of Quillmere's people with a.
func (t *teller) talks() {
	a := t.a
	first := a.first(t.Company)
	if a.since >= first {
		kickoff := workday(a.since + 3)
		if a.cause == BadHandOff {
			kickoff = workday(a.since + 27)
		} else {
			t.talk(workday(a.since+13), "meeting", "training", 0)
		}
		t.talk(kickoff, "call", "kick-off", 0)
	}
	every := cairn.Day(120 - 25*min(3, a.plan.rank()))
	for n, day := 1, a.since+every; day < t.horizon && !a.gone(day); n, day = n+1, day+every {
		d := t.dice(a.n, talkTheme, int64(n))
		if a.cause == BadHandOff && !d.chance(0.3) {
			continue
		}
		kind := []string{"call", "meeting", "mail", "note"}[d.IntN(4)]
		t.talk(workday(day+cairn.Day(d.between(0, 12))), kind, fmt.Sprintf("talk-%d", n), n)
	}
}

func (p plan) rank() int {
	for i, q := range plans {
		if q.name == p.name {
			return i
		}
	}
	return 0
}

// talk is one of them. Its mood follows how a does on that day.
func (t *teller) talk(day cairn.Day, kind, id string, n int) {
	a := t.a
	if day < a.first(t.Company) || a.gone(day) {
		return
	}
	d := t.dice(a.n, talkTheme, 1000+int64(n)+keyNumber(id)%1000)
	mood, text := t.mood(day, d)
	props := map[string]any{"type": kind, "mood": mood, "text": text, "by": a.csm}
	if p, ok := a.who([]string{"champion", "administrator", "sponsor"}[d.IntN(3)], day); ok {
		props["who"] = []any{p.name}
	}
	if mood == "bad" && d.chance(0.5) {
		props["next_step"], props["next_step_due"] = "Find out who decides, and call", date(workday(day+7))
	}
	keys := cairn.Keys{Account: a.key}
	t.tell("crm", day, d.office(), id, func() ingest.Record {
		return ingest.Record{Kind: cairn.Interaction, Name: interactionNames[kind], Keys: keys, Props: props}
	})
}

var interactionNames = map[string]string{"call": "Call", "meeting": "Meeting", "mail": "Mail", "note": "Note"}

func (t *teller) mood(day cairn.Day, d dice) (mood, text string) {
	h := t.a.feeling(day, t.Company) + d.in(-0.15, 0.15)
	switch {
	case h > 0.85:
		return "good", d.pick(goodNotes)
	case h > 0.5:
		return "neutral", d.pick(plainNotes)
	}
	return "bad", d.pick(badNotes)
}

// feeling is how content the people of a are on day d, from 0 to about 1.2.
// It is not their use: with unresolved tickets or a bad fit it falls first.
func (a *customer) feeling(d cairn.Day, c *Company) float64 {
	f := a.spirit * a.course(d)
	if a.saved != 0 && d > a.saved {
		return min(f+0.7*smooth(float64(d-a.saved)/40), 0.9)
	}
	if a.troubled(d) && (a.cause == UnresolvedTickets || a.cause == BadFit || a.cause == BadHandOff) {
		f -= 0.35 * smooth(float64(d-a.onset)/30)
	}
	if a.cause == LatePayer || a.cause == Wobble {
		f = 0.8 * a.spirit
	}
	return f
}
