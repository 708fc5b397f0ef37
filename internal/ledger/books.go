package ledger

import "cairn"

// Books hold the movements of many customers in little memory: some 24 bytes
// a movement. What caused one is not in them; [Deriver.Derive] tells it again.
type Books struct {
	at       map[cairn.AccountID]int32
	accounts []entry
	moves    []move
	runs     []run
	dues     []due
	lost     int // of moves, runs and dues, those that nobody's entry names any more
}

// An entry is where in moves, runs and dues those of one customer are.
type entry struct {
	account     cairn.AccountID
	move, moves int32
	run, runs   int32
	due, dues   int32
	known       int32
}

// A move is a Movement.
type move struct {
	amount     int64
	day, since int32
	kind       byte
	came       int8
}

// A due is a Due.
type due struct {
	record cairn.RecordID
	amount int64
	day    int32
}

// A run are months that follow each other in which one could leave.
type run struct{ from, n int32 }

var kinds = []Kind{New, Expansion, Contraction, Churn, Reactivation, Effect}

var kindCode = map[Kind]byte{New: 0, Expansion: 1, Contraction: 2, Churn: 3, Reactivation: 4, Effect: 5}

// NewBooks returns empty books.
func NewBooks() *Books { return &Books{at: map[cairn.AccountID]int32{}} }

// Len returns how many customers are in b, those without movements included.
func (b *Books) Len() int { return len(b.accounts) }

// Set puts a customer's movements in place of what was there.
func (b *Books) Set(account cairn.AccountID, r *Result) {
	i, ok := b.at[account]
	if !ok {
		i = int32(len(b.accounts))
		b.at[account] = i
		b.accounts = append(b.accounts, entry{account: account})
	}
	e := &b.accounts[i]
	b.lost += int(e.moves + e.runs + e.dues)
	e.known = int32(r.Known)
	e.move, e.moves = int32(len(b.moves)), int32(len(r.Movements))
	for _, m := range r.Movements {
		b.moves = append(b.moves, move{m.Amount, int32(m.Day), int32(m.Since), kindCode[m.Kind], int8(m.Came)})
	}
	e.due, e.dues = int32(len(b.dues)), int32(len(r.Dues))
	for _, d := range r.Dues {
		b.dues = append(b.dues, due{d.Record, d.Amount, int32(d.Day)})
	}
	e.run = int32(len(b.runs))
	for j, m := range r.Could {
		if j > 0 && r.Could[j-1]+1 == m {
			b.runs[len(b.runs)-1].n++
			continue
		}
		b.runs = append(b.runs, run{int32(m), 1})
	}
	e.runs = int32(len(b.runs)) - e.run
	if b.lost > 1000 && b.lost > (len(b.moves)+len(b.runs)+len(b.dues))/2 {
		b.pack()
	}
}

// pack drops what nobody's entry names.
func (b *Books) pack() {
	var moves []move
	var runs []run
	var dues []due
	for i := range b.accounts {
		e := &b.accounts[i]
		m, r, d := b.moves[e.move:e.move+e.moves], b.runs[e.run:e.run+e.runs], b.dues[e.due:e.due+e.dues]
		e.move, e.run, e.due = int32(len(moves)), int32(len(runs)), int32(len(dues))
		moves, runs, dues = append(moves, m...), append(runs, r...), append(dues, d...)
	}
	b.moves, b.runs, b.dues, b.lost = moves, runs, dues, 0
}

// Each calls f with every customer's movements, without their causes. The
// result is only lent.
func (b *Books) Each(f func(*Result)) {
	var r Result
	for i := range b.accounts {
		b.result(i, &r)
		f(&r)
	}
}

// Of returns the movements of one customer, without their causes.
func (b *Books) Of(account cairn.AccountID) (Result, bool) {
	var r Result
	i, ok := b.at[account]
	if ok {
		b.result(int(i), &r)
	}
	return r, ok
}

func (b *Books) result(i int, r *Result) {
	e := &b.accounts[i]
	r.Account, r.Known, r.Movements, r.Could, r.Dues = e.account, cairn.Day(e.known), r.Movements[:0], r.Could[:0], r.Dues[:0]
	for _, m := range b.moves[e.move : e.move+e.moves] {
		r.Movements = append(r.Movements, Movement{
			Account: e.account, Day: cairn.Day(m.day), Kind: kinds[m.kind], Amount: m.amount, Since: cairn.Day(m.since), Came: int(m.came),
		})
	}
	for _, d := range b.dues[e.due : e.due+e.dues] {
		r.Dues = append(r.Dues, Due{e.account, d.record, cairn.Day(d.day), d.amount})
	}
	for _, x := range b.runs[e.run : e.run+e.runs] {
		for k := range x.n {
			r.Could = append(r.Could, Month(x.from+k))
		}
	}
}

// Tally adds up customers by month, group by group: of says which group one
// belongs to, and reports whether it counts at all.
func (b *Books) Tally(from, to Month, of func(cairn.AccountID) (string, bool)) map[string]*Tally {
	out := map[string]*Tally{}
	var last string
	var t *Tally
	for i := range b.accounts {
		group, ok := of(b.accounts[i].account)
		if !ok || b.accounts[i].moves == 0 {
			continue
		}
		if t == nil || group != last {
			if t = out[group]; t == nil {
				t = NewTally(from, to)
				out[group] = t
			}
			last = group
		}
		e := &b.accounts[i]
		for _, m := range b.moves[e.move : e.move+e.moves] {
			t.move(m)
		}
		for _, r := range b.runs[e.run : e.run+e.runs] {
			t.run(r)
		}
	}
	return out
}

// Cohorts returns the cohorts of those whom of counts.
func (b *Books) Cohorts(from, to Month, of func(cairn.AccountID) bool) *Cohorts {
	c := NewCohorts(from, to)
	b.Each(func(r *Result) {
		if of(r.Account) {
			c.Add(r)
		}
	})
	return c
}

// Kept is what was left at the end of a stretch of time of those who were
// customers at its start: the cohort's own retention, in which nobody who came
// since counts.
type Kept struct {
	Start          int64 // MRR
	Gross          int64 // of it still paid: of nobody more than at the start
	Net            int64 // paid by them at the end
	CustomersStart int
	CustomersKept  int
}

// GRR is the share that is still paid.
func (k Kept) GRR() *float64 { return share(k.Gross, k.Start) }

// NRR is what they pay at the end by what they paid at the start.
func (k Kept) NRR() *float64 { return share(k.Net, k.Start) }

// Logos is the share of customers that stayed, or is back.
func (k Kept) Logos() *float64 { return share(int64(k.CustomersKept), int64(k.CustomersStart)) }

// Kept returns what was left at the end of to of those who were there before
// from began, of the customers of counts.
func (b *Books) Kept(from, to Month, of func(cairn.AccountID) bool) Kept {
	var k Kept
	b.Stood(from, to, of, func(s *Stood) {
		if !s.Was {
			return
		}
		k.Start += s.Start
		k.Gross += s.Gross()
		k.Net += s.End
		k.CustomersStart++
		if s.Is {
			k.CustomersKept++
		}
	})
	return k
}

// A Stood is how one customer stood before some months and at their end.
type Stood struct {
	Account cairn.AccountID
	Start   int64 // MRR
	End     int64
	Was     bool      // a customer before them
	Is      bool      // a customer at their end
	Since   cairn.Day // when it had come, or come back, last
	Lost    cairn.Day // when it left last, within them; 0: it did not
	Early   bool      // it left within [Early] days of the sale
	Could   bool      // it could leave in one of them
}

// Gross is what is still paid of what was, without what was sold since.
func (s *Stood) Gross() int64 { return min(s.Start, s.End) }

// Stood calls f with how each customer stood that of counts. What it is given
// is only lent.
func (b *Books) Stood(from, to Month, of func(cairn.AccountID) bool, f func(*Stood)) {
	start, end := int32(from.First()), int32(to.Last())
	var s Stood
	for i := range b.accounts {
		e := &b.accounts[i]
		if e.moves == 0 || !of(e.account) {
			continue
		}
		s = Stood{Account: e.account}
		for _, m := range b.moves[e.move : e.move+e.moves] {
			if m.day > end {
				break
			}
			amount := m.amount
			if k := kinds[m.kind]; k == Contraction || k == Churn {
				amount = -amount
			}
			s.End += amount
			s.Is = m.came == 1 || s.Is && m.came != -1
			if m.came == 1 {
				s.Since = cairn.Day(m.day)
			}
			switch {
			case m.day < start:
				s.Start, s.Was = s.End, s.Is
			case m.came == -1:
				s.Lost, s.Early = cairn.Day(m.day), m.day-m.since <= Early
			}
		}
		for _, r := range b.runs[e.run : e.run+e.runs] {
			s.Could = s.Could || r.from <= int32(to) && r.from+r.n > int32(from)
		}
		f(&s)
	}
}

// A Due is the day on which what one pays is to be renewed.
type Due struct {
	Account cairn.AccountID
	Record  cairn.RecordID
	Day     cairn.Day
	Amount  int64 // MRR of the contract
}

// Dues calls f with what is to be renewed from one day to before another.
func (b *Books) Dues(from, until cairn.Day, f func(Due)) {
	for i := range b.accounts {
		e := &b.accounts[i]
		for _, d := range b.dues[e.due : e.due+e.dues] {
			if day := cairn.Day(d.day); day >= from && day < until {
				f(Due{e.account, d.record, day, d.amount})
			}
		}
	}
}
