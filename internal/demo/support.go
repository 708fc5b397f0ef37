package demo

import (
	"fmt"
	"math"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// A ticket is one request to support, with what becomes of it.
type ticket struct {
	key       string
	subject   string
	priority  string
	by        person
	opened    cairn.Day
	second    int
	escalated cairn.Day // 0: not
	reopened  cairn.Day // 0: not
	solved    cairn.Day // the last time; 0: not within the story
	score     int       // CSAT answer; 0: none
}

// tickets are the requests of a, a few a quarter when all is well. Many are
// no bad sign as long as they are solved quickly (R097, R103, R114).
func (t *teller) tickets() {
	a := t.a
	first := a.first(t.Company)
	for n, from := 0, first-first%30; from < t.horizon && !a.gone(from); n, from = n+1, from+30 {
		roll := t.dice(a.n, ticketTheme, int64(from))
		count := roll.poisson(t.ticketRate(from))
		if a.cause == UnresolvedTickets && a.fated(from+15) {
			count = max(count, 2)
		}
		for i := range count {
			if tk, ok := t.ticket(from, i); ok {
				t.request(tk)
			}
		}
	}
}

// ticketRate is how many tickets a opens in the 30 days from d, on average, if
// nobody helps.
func (t *teller) ticketRate(d cairn.Day) float64 {
	a := t.a
	rate := 0.35 * math.Sqrt(float64(len(a.people))/8)
	switch {
	case a.cause == UnresolvedTickets && a.fated(d+15):
		rate += 2.4
	case a.cause == BadFit && a.fated(d+15):
		rate += 1.2
	case d < a.since+30:
		rate += 0.8
	case a.cause == Milestones, a.cause == Advocate:
		rate += 0.6
	}
	return rate
}

// ticket decides the i-th ticket of the 30 days from a day. Its draws are its
// own, so that a rescue changes nothing that was opened before it.
func (t *teller) ticket(from cairn.Day, i int) (ticket, bool) {
	a := t.a
	roll := t.dice(a.n, ticketTheme, int64(from)<<8|int64(i+1))
	tk := ticket{key: fmt.Sprintf("tic-%04d-%d-%d", a.n, from/30, i), opened: workday(from + cairn.Day(roll.IntN(30)))}
	tk.second = roll.office()
	p, ok := a.who([]string{"administrator", "champion", "user"}[roll.IntN(3)], tk.opened)
	spared := a.saved != 0 && tk.opened > a.saved && a.fated(tk.opened) && i > 0
	if !ok || spared || tk.opened < a.first(t.Company) || a.gone(tk.opened) {
		return tk, false
	}
	tk.by = p
	tk.subject, tk.priority = roll.pick(ordinarySubjects), []string{"low", "normal", "normal", "high"}[roll.IntN(4)]
	tk.solved = tk.opened + cairn.Day(roll.between(0, 4))
	pain := a.cause == UnresolvedTickets && a.troubled(tk.opened) && (roll.chance(0.85) || i == 0)
	if a.cause == BadFit && a.troubled(tk.opened) {
		tk.subject = roll.pick(misfitSubjects)
	}
	if pain {
		t.painful(&tk, roll)
	}
	if roll.chance(0.4) {
		tk.score = score(roll, int(tk.solved-tk.opened), pain)
	}
	return tk, true
}

// painful makes tk one that drags on: reopened, escalated, or never solved.
func (t *teller) painful(tk *ticket, roll dice) {
	tk.subject, tk.priority = roll.pick(painfulSubjects), []string{"high", "urgent"}[roll.IntN(2)]
	tk.solved = tk.opened + cairn.Day(roll.between(14, 70))
	tk.escalated = tk.opened + cairn.Day(roll.between(3, 9))
	if roll.chance(0.5) {
		tk.reopened = tk.opened + cairn.Day(roll.between(4, 10))
	}
	quick := cairn.Day(roll.between(2, 8))
	if s := t.a.saved; s != 0 && tk.solved > s {
		tk.solved = s + quick
	}
}

func score(roll dice, days int, pain bool) int {
	if pain {
		return roll.between(1, 2)
	}
	return max(3, 5-days/2-roll.IntN(2))
}

// request tells a ticket from its opening to its end.
func (t *teller) request(tk ticket) {
	keys := cairn.Keys{Account: t.a.key, Person: tk.by.key, Record: tk.key}
	say := func(d cairn.Day, second int, verb string, fields map[string]any) {
		if t.a.leaves() && d > t.a.lost+4 {
			return
		}
		t.tell("support", d, second, tk.key+"-"+verb, func() ingest.Record {
			return ingest.Record{Kind: cairn.OfTicket, Name: verb, Keys: keys, Props: fields}
		})
	}
	opened := at(tk.opened, tk.second).Format(time.RFC3339)
	say(tk.opened, tk.second, "opened", map[string]any{
		"subject": tk.subject, "status": "open", "priority": tk.priority, "opened": opened, "reopened": 0, "escalated": false,
	})
	if tk.reopened != 0 && tk.reopened < tk.solved {
		say(tk.reopened-2, 15*3600, "answered", map[string]any{"status": "solved", "closed": date(tk.reopened - 2)})
		say(tk.reopened, 9*3600, "reopened", map[string]any{"status": "open", "closed": nil, "reopened": 1})
	}
	if tk.escalated != 0 && tk.escalated < tk.solved {
		say(tk.escalated, 16*3600, "escalated", map[string]any{"escalated": true, "priority": "urgent"})
	}
	second := min(tk.second+5400, 68000)
	if tk.solved > tk.opened {
		second = 14 * 3600
	}
	say(tk.solved, second, "solved", map[string]any{"status": "solved", "closed": at(tk.solved, second).Format(time.RFC3339)})
	if t.a.leaves() && tk.solved > t.a.lost+4 && tk.opened <= t.a.lost {
		say(t.a.lost+4, 10*3600, "closed", map[string]any{"status": "closed", "closed": date(t.a.lost + 4)})
	}
	if tk.score > 0 && !t.a.gone(tk.solved+1) {
		t.answer(tk.by, tk.solved+1, "csat", tk.key, tk.score)
	}
}
