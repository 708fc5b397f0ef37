package outcome

import (
	"cmp"
	"slices"
	"time"

	"cairn"
	"cairn/internal/ledger"
)

// A Leaver is one customer who left, as the ledger books it under a policy, with
// what was said of why. Amounts are minor units.
type Leaver struct {
	Account cairn.AccountID
	Name    string
	Value   string    // of the dimension that was asked for
	On      cairn.Day // as booked
	MRR     int64     // that was lost
	Since   cairn.Day // when the customer had come, or come back
	Back    cairn.Day // when it came back; 0: it has not
	Said    LossSaid
}

// Early reports whether the customer left within 90 days of the sale (R089).
func (l Leaver) Early() bool { return l.On-l.Since <= ledger.Early }

// Open reports whether nobody has said why yet (R135).
func (l Leaver) Open() bool { return l.Said.Reason == "" }

// A LossSaid is what was said of why a customer left.
type LossSaid struct {
	On          cairn.Day // as they say; 0: nobody said a day
	Reason      string    // a key of the workspace's list, or what was said in other words; "": nothing
	Detail      string
	Unavoidable bool // as somebody claims
	Evidence    string
	Audit       string // "", confirmed or rejected
	ClaimedBy   string // actor; "": a source, or nobody
	AuditedBy   string
	Asked       cairn.Day // when the customer was asked
	Source      string    // who told the reason
	At          time.Time // when
	Contract    bool      // the reason is a field of a contract
	Trait       bool      // the reason is a field of the account
	facts       []cairn.Fact
}

// Audits of a claim.
const (
	Confirmed = "confirmed"
	Rejected  = "rejected"
)

// Waits reports whether it is claimed that nothing could be done, and nobody
// else has looked at it.
func (s LossSaid) Waits() bool { return s.Unavoidable && s.Audit == "" }

// ByPeople reports whether people wrote something down on a page.
func (s LossSaid) ByPeople() bool {
	return slices.ContainsFunc(s.facts, func(f cairn.Fact) bool { return f.Source == House })
}

// Version grows with whatever is said.
func (s LossSaid) Version() int64 {
	var last time.Time
	for _, f := range s.facts {
		if f.At.After(last) {
			last = f.At
		}
	}
	if last.IsZero() {
		return 0
	}
	return cairn.Micros(last)
}

// House is the source of what people write down on pages. What it says of a
// loss counts before other sources.
const House = "cairn"

// A Contradiction is a loss that somebody tells of and the ledger does not
// book: the customer goes on paying, or never did.
type Contradiction struct {
	Account cairn.AccountID
	Name    string
	On      cairn.Day
	Since   cairn.Day // when the customer that goes on had come; 0: it never did
	Said    LossSaid
}

// A LossReader joins what was said with what is booked.
type LossReader struct {
	Zone       *time.Location
	Precedence cairn.Precedence
	Known      time.Time // only what was known by then; zero: all
	Reasons    Reasons
}

// A LossRecord are the facts about one loss, of any sources.
type LossRecord []cairn.Fact

// known returns what of r was known.
func (r LossReader) known(facts []cairn.Fact) []cairn.Fact {
	if r.Known.IsZero() {
		return facts
	}
	return slices.DeleteFunc(slices.Clone(facts), func(f cairn.Fact) bool { return f.Seen.After(r.Known) })
}

func (r LossReader) choose(facts []cairn.Fact) cairn.Record {
	order := r.Precedence
	if !slices.Contains(order, House) {
		order = append(cairn.Precedence{House}, order...)
	}
	return cairn.Record{Fields: order.Choose(facts, time.Time{})}
}

// A stint is the time for which a customer was one, and what follows until it
// came back: whatever is said of why it left belongs to it.
type stint struct {
	from, until cairn.Day // until: when it came back; 0: it has not
	left        *ledger.Movement
	records     []LossRecord
}

// stints returns the stints of a customer, oldest first. That with which one
// came back begins where the one before ends.
func stints(r *ledger.Result) []stint {
	var out []stint
	for i := range r.Movements {
		m := &r.Movements[i]
		switch m.Came {
		case 1:
			if n := len(out); n > 0 {
				out[n-1].until = m.Since
			}
			out = append(out, stint{from: m.Since})
		case -1:
			out[len(out)-1].left = m
		}
	}
	return out
}

func (s stint) holds(d cairn.Day) bool { return d >= s.from && (s.until == 0 || d < s.until) }

// Join returns the losses of a customer, oldest first, each with what was said
// of it, and what was said of losses that are not booked.
func (r LossReader) Join(res *ledger.Result, records []LossRecord) ([]Leaver, []Contradiction) {
	all := stints(res)
	var odd []Contradiction
	for _, rec := range records {
		facts := r.known(rec)
		said := r.choose(facts)
		if !tells(said) {
			continue
		}
		on := r.day(said, facts)
		i := slices.IndexFunc(all, func(s stint) bool { return s.holds(on) })
		if i >= 0 && all[i].left != nil {
			all[i].records = append(all[i].records, facts)
			continue
		}
		c := Contradiction{Account: res.Account, On: on, Said: r.said(facts)}
		if i >= 0 {
			c.Since = all[i].from
		}
		odd = append(odd, c)
	}
	var losses []Leaver
	for _, s := range all {
		if s.left == nil {
			continue
		}
		losses = append(losses, Leaver{
			Account: res.Account, On: s.left.Day, MRR: s.left.Amount, Since: s.from, Back: s.until,
			Said: r.said(slices.Concat(s.records...)),
		})
	}
	slices.SortFunc(odd, func(a, b Contradiction) int { return cmp.Compare(a.On, b.On) })
	return losses, odd
}

// tells reports whether anything is said of a loss.
func tells(rec cairn.Record) bool {
	return slices.ContainsFunc([]string{"on", "reason", "detail", "unavoidable", "evidence"}, func(f string) bool { return rec.Text(f) != "" })
}

// day is the day of which something is said: the one that is told, else that
// on which it was said first.
func (r LossReader) day(rec cairn.Record, facts []cairn.Fact) cairn.Day {
	if d := r.dayOf(rec, "on"); d != 0 {
		return d
	}
	first := time.Time{}
	for _, f := range facts {
		if first.IsZero() || f.At.Before(first) {
			first = f.At
		}
	}
	return cairn.DayOf(first, r.Zone)
}

// dayOf reads a field that holds a day, or a moment of one.
func (r LossReader) dayOf(rec cairn.Record, field string) cairn.Day {
	text := rec.Text(field)
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return cairn.Day(t.Unix() / 86400)
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return cairn.DayOf(t, r.Zone)
	}
	return 0
}

// said reads facts about one loss. A word that says that nobody knows is no
// reason.
func (r LossReader) said(facts []cairn.Fact) LossSaid {
	rec := r.choose(facts)
	s := LossSaid{
		On: r.dayOf(rec, "on"), Reason: r.Reasons.read(rec.Text("reason")), Detail: rec.Text("detail"),
		Unavoidable: rec.Bool("unavoidable"), Evidence: rec.Text("evidence"), Audit: rec.Text("audit"),
		ClaimedBy: rec.Text("claimed_by"), AuditedBy: rec.Text("audited_by"), Asked: r.dayOf(rec, "asked_on"), facts: facts,
	}
	if !s.Unavoidable {
		s.Audit, s.AuditedBy, s.ClaimedBy = "", "", ""
	}
	if s.Reason != "" {
		s.Source, s.At = rec.Fields["reason"].Source, rec.Fields["reason"].At
	}
	return s
}

// reasonFields are those of contracts in which sources say why.
var reasonFields = []string{"cancel_reason", "churn_reason"}

// FromContracts fills in what contracts say of why, where nothing else does.
func (r LossReader) FromContracts(losses []Leaver, contracts []LossRecord) {
	for _, facts := range contracts {
		facts = r.known(facts)
		rec := r.choose(facts)
		for _, field := range reasonFields {
			reason := r.Reasons.read(rec.Text(field))
			if reason == "" {
				continue
			}
			said := rec.Fields[field]
			on := cmp.Or(r.dayOf(rec, "end"), r.dayOf(rec, "cancelled_at"), cairn.DayOf(said.At, r.Zone))
			for i := range losses {
				l := &losses[i]
				if !(stint{from: l.Since, until: l.Back}).holds(on) || l.Said.Reason != "" && (!l.Said.Contract || !said.At.After(l.Said.At)) {
					continue
				}
				l.Said.Reason, l.Said.Source, l.Said.At, l.Said.Contract = reason, said.Source, said.At, true
			}
			break
		}
	}
}

// FromAccount fills in what the account itself says of why, where nothing else
// does. A source says it of the loss in whose time it does, and of the last for
// ever after.
func (r LossReader) FromAccount(losses []Leaver, account LossRecord) {
	rec := r.choose(r.known(account))
	for _, field := range traitFields {
		said, reason := rec.Fields[field], r.Reasons.read(rec.Text(field))
		for i := range losses {
			l := &losses[i]
			if reason == "" || l.Said.Reason != "" || !(stint{from: l.Since, until: l.Back}).holds(cairn.DayOf(said.At, r.Zone)) {
				continue
			}
			l.Said.Reason, l.Said.Source, l.Said.At, l.Said.Trait = reason, said.Source, said.At, true
		}
	}
}

// traitFields are those of accounts in which sources say why.
var traitFields = []string{"churn_reason", "cancel_reason", "reason_for_churn"}
