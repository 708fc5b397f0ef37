package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"cairn"
	"cairn/internal/app"
	"cairn/internal/book"
	"cairn/internal/signal"
	"cairn/internal/vector"
)

// A Score measures how fast accounts are scored: the pure functions in memory,
// and a model change over all accounts of a server, which measures each of them
// with the series of its way, while pages are read.
type Score struct {
	Accounts int
	Keep     string // a directory in which the filled server stays, and is used again if it is there; "": none
	Say      func(string)
}

// A ScoreResult is what cairn bench score --json prints; see docs/cli.md.
type ScoreResult struct {
	Accounts     int     `json:"accounts"`
	Cores        int     `json:"cores"`
	Pure         float64 `json:"pure_per_s_per_core"`    // measure and rate at one moment, reasons included
	PureVectors  float64 `json:"vectors_per_s_per_core"` // with all that is made once of a state, and the series of the way
	Facts        int     `json:"facts_per_account"`      // of the accounts in memory
	Tallies      int     `json:"tallies_per_account"`
	Fill         float64 `json:"fill_s"`
	Change       float64 `json:"model_change_s"` // until every account was scored by the new model
	Persisted    float64 `json:"persisted_per_s"`
	CPU          float64 `json:"cpu_us_per_account"` // of the server's process, the pages included
	Pages        Took    `json:"pages"`              // meanwhile
	PagesBefore  Took    `json:"pages_idle"`
	MemoryMB     int64   `json:"memory_mb"`
	WrittenBytes float64 `json:"bytes_written_per_account"` // 0: not known
}

// inMemory is how many different accounts the pure functions are tried on.
const inMemory = 500

// Run measures.
func (b Score) Run(ctx context.Context) (r ScoreResult, err error) {
	if b.Accounts < 1 || b.Accounts > 1_000_000 {
		return r, cairn.Errorf(cairn.Invalid, "There may be 1 to 1000000 accounts.").At("accounts")
	}
	r.Accounts, r.Cores = b.Accounts, cores()
	b.Say("Accounts are scored in memory.")
	b.pure(&r)
	f := filling{accounts: b.Accounts, keep: b.Keep, say: b.Say, send: b.fill}
	s, err := f.start(ctx)
	if err != nil {
		return r, err
	}
	defer s.stop()
	b.Say(fmt.Sprintf("%d accounts with a contract and twelve events each.", b.Accounts))
	if r.Fill, _, err = f.fill(ctx, s); err != nil {
		return r, err
	}
	reader, err := newReader(ctx, s)
	if err != nil {
		return r, err
	}
	quiet, stop := context.WithTimeout(ctx, 5*time.Second)
	idle, err := reader.read(quiet)
	stop()
	if err != nil {
		return r, err
	}
	r.PagesBefore = took(idle.all())
	b.Say("A model is published, and every account is scored by it.")
	return r, b.change(ctx, s, reader, &r)
}

// change publishes another model and waits until all accounts are scored by it.
func (b Score) change(ctx context.Context, s *server, reader *reader, r *ScoreResult) error {
	was, err := app.Call(ctx, s.link, app.ModelShow, app.ModelQuery{Name: vector.Default().Name}, nil)
	if err != nil {
		return err
	}
	m := was.Model
	m.Groups[0].Leaves[0].Weight, m.Groups[0].Leaves[1].Weight = m.Groups[0].Leaves[1].Weight, m.Groups[0].Leaves[0].Weight
	text, err := book.Text(m)
	if err != nil {
		return err
	}
	cpu, written, begun := s.cpu(), s.written(), time.Now()
	if _, err := app.Call(ctx, s.link, app.ModelPublish, app.ModelText{Text: text, Note: "measured"}, nil); err != nil {
		return err
	}
	reading, stop := context.WithCancel(ctx)
	type readings struct {
		times times
		err   error
	}
	pages := make(chan readings, 1)
	go func() {
		t, err := reader.read(reading)
		pages <- readings{t, err}
	}()
	err = s.settled(ctx)
	r.Change = time.Since(begun).Seconds()
	r.CPU = float64((s.cpu() - cpu).Microseconds()) / float64(b.Accounts)
	if n := s.written() - written; n > 0 {
		r.WrittenBytes = float64(n) / float64(b.Accounts)
	}
	r.Persisted = float64(b.Accounts) / r.Change
	r.MemoryMB = s.memory() >> 20
	stop()
	if got := <-pages; err == nil {
		r.Pages, err = took(got.times.all()), got.err
	}
	if err != nil {
		return err
	}
	return b.scored(ctx, s, m.Name, was.Rev)
}

// scored fails unless the accounts that a list shows first were scored by a
// later revision.
func (b Score) scored(ctx context.Context, s *server, name string, rev int) error {
	for i := range min(b.Accounts, 20) {
		x, err := app.Call(ctx, s.link, app.Measured, leaderAccount(i*(b.Accounts/min(b.Accounts, 20))), nil)
		if err != nil {
			return err
		}
		if x.Vector.Model != name || x.Vector.Rev <= rev || !x.Vector.Known {
			return fmt.Errorf("bench: an account stands at model %s revision %d, known %v", x.Vector.Model, x.Vector.Rev, x.Vector.Known)
		}
	}
	return nil
}

// pure times the functions themselves on one core.
func (b Score) pure(r *ScoreResult) {
	now := time.Now().UTC().Truncate(24 * time.Hour).Add(12 * time.Hour)
	catalogue, m := signal.New(signal.Settings{Zone: time.UTC}), vector.Default()
	made := make([]*signal.State, inMemory)
	for i := range made {
		made[i] = someState(rand.New(rand.NewPCG(uint64(i), 5)), now)
		r.Facts, r.Tallies = r.Facts+len(made[i].Facts), r.Tallies+len(made[i].Tallies)
	}
	r.Facts, r.Tallies = r.Facts/inMemory, r.Tallies/inMemory
	begun, n := time.Now(), 0
	for _, st := range made { // each for the first time
		m.Vector(func(t time.Time) cairn.Signals { return catalogue.Measure(st, nil, t) }, time.UTC, now)
		n++
	}
	r.PureVectors = float64(n) / time.Since(begun).Seconds()
	n = 0
	for begun = time.Now(); time.Since(begun) < 2*time.Second; {
		for _, st := range made {
			m.Rate(catalogue.Measure(st, nil, now))
			n++
		}
	}
	r.Pure = float64(n) / time.Since(begun).Seconds()
}

// someState is what is known of an account of middle size: twelve people who do
// six kinds of things on a third of the days of half a year, a contract, six
// invoices, four tickets, three answers.
func someState(dice *rand.Rand, now time.Time) *signal.State {
	st := signal.NewState(time.UTC)
	n := 0
	at := func(days int) time.Time {
		return now.AddDate(0, 0, -days).Add(-time.Duration(dice.IntN(600)) * time.Minute)
	}
	state := func(kind cairn.EventKind, key string, days int, fields string) {
		n++
		t := at(days)
		st.Fold(cairn.Event{ID: cairn.EventID{ID: cairn.HashID(strconv.Itoa(n))}, Kind: kind, Source: "bench", Record: cairn.Space("").Record(kind, key), At: t, Seen: t, Props: []byte(fields)})
	}
	day := func(days int) string { return now.AddDate(0, 0, -days).Format(time.DateOnly) }
	for d := range 180 {
		if dice.IntN(3) > 0 {
			continue
		}
		for range 1 + dice.IntN(8) {
			st.Fold(cairn.Event{Kind: cairn.Track, Name: fmt.Sprint("Did ", dice.IntN(6)), Person: cairn.PersonID{ID: cairn.HashID(strconv.Itoa(dice.IntN(12)))}, At: at(d), N: 1})
		}
	}
	state(cairn.OfAccount, "a", 170, `{"status":"customer","plan":"gold","industry":"steel"}`)
	state(cairn.OfContract, "c", 170, fmt.Sprintf(`{"mrr":"1204.50","currency":"EUR","start":%q,"renews":%q,"seats":20,"status":"active"}`, day(170), day(-195)))
	for i := range 6 {
		state(cairn.OfInvoice, fmt.Sprint("i", i), 30*i+20, fmt.Sprintf(`{"amount":"1204.50","currency":"EUR","issued":%q,"due":%q,"status":"open"}`, day(30*i+20), day(30*i+6)))
		state(cairn.OfInvoice, fmt.Sprint("i", i), 30*i+4, fmt.Sprintf(`{"status":"paid","paid_at":%q}`, day(30*i+4)))
	}
	for i := range 4 {
		state(cairn.OfTicket, fmt.Sprint("t", i), 40*i+9, fmt.Sprintf(`{"status":"open","opened":%q,"priority":"normal"}`, day(40*i+9)))
		state(cairn.OfTicket, fmt.Sprint("t", i), 40*i+5, fmt.Sprintf(`{"status":"closed","closed":%q}`, day(40*i+5)))
	}
	for i := range 3 {
		state(cairn.OfAnswer, fmt.Sprint("s", i), 50*i+12, fmt.Sprintf(`{"survey":"nps","score":%d,"answered":%q}`, 6+i, day(50*i+12)))
	}
	return st
}

// fill sends accounts with a contract and twelve events of the last weeks each.
func (b Score) fill(ctx context.Context, s *server) error {
	dice := rand.New(rand.NewPCG(uint64(b.Accounts), 11))
	today := time.Now().UTC()
	leader := LeaderPages{Accounts: b.Accounts}
	var batch []map[string]any
	for i := range b.Accounts {
		batch = append(append(batch, leader.account(dice, i)...), leader.contract(dice, i, today)...)
		for e := range 12 {
			batch = append(batch, map[string]any{
				"type": "track", "event": fmt.Sprint("Did ", dice.IntN(5)), "messageId": fmt.Sprintf("e-%d-%d", i, e), "userId": fmt.Sprintf("p-%d-%d", i, dice.IntN(4)),
				"context":   map[string]any{"groupId": leaderAccount(i)},
				"timestamp": today.Add(-time.Duration(dice.IntN(80*24)) * time.Hour).Format(time.RFC3339),
			})
		}
		if len(batch) >= contractsAtOnce || i == b.Accounts-1 {
			if err := s.send(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}
