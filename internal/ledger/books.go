package ledger

import "cairn"

// Books hold the movements of many customers in little memory: some 24 bytes
// a movement. What caused one is not in them; [Deriver.Derive] tells it again.
type Books struct {
	at       map[cairn.AccountID]int32
	accounts []entry
	moves    []move
	runs     []run
	lost     int // of moves and runs, those that nobody's entry names any more
}

// An entry is where in moves and runs those of one customer are.
type entry struct {
	account     cairn.AccountID
	move, moves int32
	run, runs   int32
}

// A move is a Movement.
type move struct {
	amount     int64
	day, since int32
	kind       byte
	came       int8
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
	b.lost += int(e.moves + e.runs)
	e.move, e.moves = int32(len(b.moves)), int32(len(r.Movements))
	for _, m := range r.Movements {
		b.moves = append(b.moves, move{m.Amount, int32(m.Day), int32(m.Since), kindCode[m.Kind], int8(m.Came)})
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
	if b.lost > 1000 && b.lost > (len(b.moves)+len(b.runs))/2 {
		b.pack()
	}
}

// pack drops what nobody's entry names.
func (b *Books) pack() {
	var moves []move
	var runs []run
	for i := range b.accounts {
		e := &b.accounts[i]
		m, r := b.moves[e.move:e.move+e.moves], b.runs[e.run:e.run+e.runs]
		e.move, e.run = int32(len(moves)), int32(len(runs))
		moves, runs = append(moves, m...), append(runs, r...)
	}
	b.moves, b.runs, b.lost = moves, runs, 0
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
	r.Account, r.Movements, r.Could = e.account, r.Movements[:0], r.Could[:0]
	for _, m := range b.moves[e.move : e.move+e.moves] {
		r.Movements = append(r.Movements, Movement{
			Account: e.account, Day: cairn.Day(m.day), Kind: kinds[m.kind], Amount: m.amount, Since: cairn.Day(m.since), Came: int(m.came),
		})
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
	var r Result
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
		b.result(i, &r)
		t.Add(&r)
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
	start, end := from.First(), to.Last()
	for i := range b.accounts {
		e := &b.accounts[i]
		if e.moves == 0 || !of(e.account) {
			continue
		}
		var before, after int64
		was, is := false, false
		for _, m := range b.moves[e.move : e.move+e.moves] {
			amount := m.amount
			if k := kinds[m.kind]; k == Contraction || k == Churn {
				amount = -amount
			}
			if cairn.Day(m.day) < start {
				before += amount
				was = m.came == 1 || was && m.came != -1
			}
			if cairn.Day(m.day) <= end {
				after += amount
				is = m.came == 1 || is && m.came != -1
			}
		}
		if !was {
			continue
		}
		k.Start += before
		k.Gross += min(before, after)
		k.Net += after
		k.CustomersStart++
		if is {
			k.CustomersKept++
		}
	}
	return k
}
