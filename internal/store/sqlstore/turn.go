package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"cairn"
	"cairn/internal/rule"
	"cairn/internal/signal"
	"cairn/internal/turn"
)

// Due leases accounts whose turn has come; see [turn.Store].
func (s *Store) Due(ctx context.Context, now time.Time, limit int) ([]turn.Due, error) {
	if err := s.join(ctx, true); err != nil {
		return nil, err
	}
	if s.engine.Single() {
		return s.dueAlone(ctx, now, limit)
	}
	back := s.turns.owed()
	if some, err := s.anyDue(ctx, now); len(back) == 0 && (err != nil || !some) {
		return nil, err
	}
	var out []turn.Due
	err := s.write(ctx, Turns, func(tx *Tx) (err error) {
		if err := s.giveBack(ctx, tx, back); err != nil {
			return err
		}
		out = nil
		for _, part := range dueParts(limit) {
			found, err := scanDue(tx.QueryContext(ctx, `
				/* turn.Due */
				update due set lease = lease + 1, node = $2
				where account in (select account from due where `+part.which+` and node not in (`+s.alive()+`)
					order by at, since limit $3 `+s.engine.Skip()+`)
				returning account, mark, lease, quiet`, cairn.Micros(now), s.member.name, part.most-len(out)))
			if err != nil {
				return err
			}
			out = append(out, found...)
		}
		return s.noteVersions(ctx, tx, out)
	})
	if err != nil {
		s.turns.owe(back)
		return nil, err
	}
	return out, nil
}

type duePart struct {
	which string
	most  int
}

// dueParts are the accounts that are due as of $1: those whose day has come have
// half of the places at most, and those that something touched what is left.
func dueParts(limit int) []duePart {
	return []duePart{{"at > 0 and at <= $1", (limit + 1) / 2}, {"at <= 0 and at <= $1", limit}}
}

// dueAlone leases in memory: no other process has the database, and one that
// ends takes its leases along.
func (s *Store) dueAlone(ctx context.Context, now time.Time, limit int) ([]turn.Due, error) {
	for _, d := range s.turns.owed() {
		s.turns.end(d)
	}
	var out []turn.Due
	taken := s.turns.count()
	for _, part := range dueParts(limit) {
		found, err := scanDue(s.db.QueryContext(ctx, `
			/* turn.dueAlone */
			select account, mark, lease, quiet from due where `+part.which+` order by at, since limit $2`, cairn.Micros(now), part.most+taken))
		if err != nil {
			return nil, err
		}
		for _, d := range found {
			if len(out) < part.most && s.turns.begin(&d) {
				out = append(out, d)
			}
		}
	}
	if err := s.noteVersions(ctx, s.db, out); err != nil {
		for _, d := range out {
			s.turns.end(d)
		}
		return nil, err
	}
	return out, nil
}

// holds reports whether a turn is still this node's; lease is the number in the
// row.
func (s *Store) holds(d turn.Due, lease int64) bool {
	if s.engine.Single() {
		return s.turns.has(d)
	}
	return d.Lease == lease
}

// noteVersions notes how far the log is folded and what version each account
// is at: what is remembered of an account counts if it is not older.
func (s *Store) noteVersions(ctx context.Context, q querier, ds []turn.Due) error {
	if len(ds) == 0 {
		return nil
	}
	pos, err := folded(ctx, q)
	if err != nil {
		return err
	}
	versions := map[cairn.AccountID]int64{}
	for in := range inChunks(ds, func(d turn.Due) any { return d.Account }) {
		if err := scanVersions(versions)(q.QueryContext(ctx, `
			/* turn.noteVersions */
			select a.id, a.version + d.version from account a join due d on d.account = a.id where a.id in (`+in.marks(1)+`)`, in.args...)); err != nil {
			return err
		}
	}
	for i := range ds {
		ds[i].Version, ds[i].Pos = versions[ds[i].Account], pos
	}
	return nil
}

// scanVersions reads rows of id and version and closes them.
func scanVersions(into map[cairn.AccountID]int64) func(*sql.Rows, error) error {
	return func(rows *sql.Rows, err error) error {
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id cairn.AccountID
			var version int64
			if err := rows.Scan(&id, &version); err != nil {
				return err
			}
			into[id] = version
		}
		return rows.Err()
	}
}

func scanDue(rows *sql.Rows, err error) ([]turn.Due, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []turn.Due
	for rows.Next() {
		var d turn.Due
		if err := rows.Scan(&d.Account, &d.Mark, &d.Lease, &d.Quiet); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	slices.SortFunc(out, func(a, b turn.Due) int { return bytes.Compare(a.Account.ID[:], b.Account.ID[:]) })
	return out, rows.Err()
}

// turns are those that this node has leased and could not take. They are given
// back with the next that it leases: the database may be away just now.
type turns struct {
	most atomic.Int64 // in one transaction
	mu   sync.Mutex
	back []turn.Due

	// Where one process has the database: the leases, and the last number given.
	leased map[cairn.AccountID]int64
	last   int64
}

// begin leases a turn unless it is leased.
func (t *turns) begin(d *turn.Due) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.leased[d.Account]; ok {
		return false
	}
	if t.leased == nil {
		t.leased = map[cairn.AccountID]int64{}
	}
	t.last++
	d.Lease = t.last
	t.leased[d.Account] = d.Lease
	return true
}

func (t *turns) has(d turn.Due) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.leased[d.Account] == d.Lease
}

// end ends a lease, if it is still that one.
func (t *turns) end(d turn.Due) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.leased[d.Account] == d.Lease {
		delete(t.leased, d.Account)
	}
}

func (t *turns) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.leased)
}

func (t *turns) are() map[cairn.AccountID]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.leased)
}

func (t *turns) owe(ds []turn.Due) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.back = append(t.back, ds...)
}

func (t *turns) owed() []turn.Due {
	t.mu.Lock()
	defer t.mu.Unlock()
	back := t.back
	t.back = nil
	return back
}

// GiveBack lets the turns be taken again; see [turn.Store].
func (s *Store) GiveBack(ds []turn.Due) { s.turns.owe(ds) }

func (s *Store) giveBack(ctx context.Context, tx *Tx, ds []turn.Due) error {
	for _, d := range ds {
		if _, err := tx.ExecContext(ctx, `
			/* turn.giveBack */
			update due set node = '' where account = $1 and lease = $2 and node = $3`, d.Account, d.Lease, s.member.name); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) anyDue(ctx context.Context, now time.Time) (some bool, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* turn.anyDue */
		select exists (select 1 from due where at <= $1 and node not in (`+s.alive()+`))`, cairn.Micros(now)).Scan(&some)
	return some, err
}

// NextDue returns when the next account is due that nobody has leased; see
// [turn.Store]. Who notices that a node is dead wakes those who wait.
func (s *Store) NextDue(ctx context.Context) (time.Time, error) {
	if s.engine.Single() {
		return s.nextAlone(ctx)
	}
	var at sql.NullInt64
	err := s.db.QueryRowContext(ctx, `
		/* turn.NextDue */
		select min(at) from due where node not in (`+s.alive()+`)`).Scan(&at)
	if err != nil || !at.Valid {
		return time.Time{}, err
	}
	return time.UnixMicro(max(at.Int64, 1)).UTC(), nil
}

func (s *Store) nextAlone(ctx context.Context) (time.Time, error) {
	leased := s.turns.are()
	rows, err := s.db.QueryContext(ctx, `
		/* turn.nextAlone */
		select account, at from due order by at limit $1`, len(leased)+1)
	if err != nil {
		return time.Time{}, err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.AccountID
		var at int64
		if err := rows.Scan(&id, &at); err != nil {
			return time.Time{}, err
		}
		if _, ok := leased[id]; !ok {
			return time.UnixMicro(max(at, 1)).UTC(), nil
		}
	}
	return time.Time{}, rows.Err()
}

// Load returns what a turn needs to know of an account; see [turn.Store]. What
// is remembered from its last turn and from beats of the fold since is not read
// again.
func (s *Store) Load(ctx context.Context, d turn.Due, now time.Time) (turn.Loaded, error) {
	set := s.Settings()
	today := cairn.DayOf(now, set.Zone)
	if l, ok := s.recent.take(d, today); ok {
		return l, nil
	}
	l, err := s.load(ctx, d, now)
	if err != nil {
		return l, err
	}
	var version int64
	if err := s.db.QueryRowContext(ctx, `
		/* turn.Load */
		select a.version + d.version from account a join due d on d.account = a.id where a.id = $1`, d.Account).Scan(&version); err != nil {
		return l, err
	}
	merged, err := s.anyMerged(ctx, d.Account)
	if err == nil && version == d.Version && !merged { // nothing came in between
		s.recent.keep(l, version, today)
	}
	return l, err
}

func (s *Store) load(ctx context.Context, d turn.Due, now time.Time) (turn.Loaded, error) {
	l := turn.Loaded{Due: d, Held: map[string]cairn.Decision{}, Open: map[string]bool{}}
	var first int64
	a := &l.Account
	err := s.db.QueryRowContext(ctx, `
		/* turn.load */
		select id, key, name, domain, owner, status, first from account where id = $1`, d.Account).Scan(
		&a.ID, &a.Key, &a.Name, &a.Domain, &a.Owner, &a.Status, &first)
	if err != nil {
		return l, err
	}
	a.First = cairn.FromMicros(first)
	if l.State, err = s.State(ctx, d.Account, now, now); err != nil {
		return l, err
	}
	if err := s.loadPrev(ctx, &l); err != nil {
		return l, err
	}
	if err := s.loadHeld(ctx, &l); err != nil {
		return l, err
	}
	return l, s.loadOpen(ctx, &l)
}

// folded returns how many events the current generation of the fold has read.
func folded(ctx context.Context, q querier) (n int64, err error) {
	err = q.QueryRowContext(ctx, `
		/* turn.folded */
		select coalesce(sum(n), 0) from cursor where stage = 'fold'
			and gen = coalesce((select current from generation where stage = 'fold'), 1)`).Scan(&n)
	return n, err
}

func (s *Store) loadPrev(ctx context.Context, l *turn.Loaded) error {
	var body, signals []byte
	err := s.db.QueryRowContext(ctx, `
		/* turn.loadPrev */
		select body, signals from vector where account = $1 and base = 1`, l.Due.Account).Scan(&body, &signals)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	prev := rule.Input{Account: l.Account}
	if prev.Vector, err = unpackVector(body); err != nil {
		return err
	}
	prev.Signals, err = unpackSignals(signals)
	l.Prev = &prev
	return err
}

func (s *Store) loadHeld(ctx context.Context, l *turn.Loaded) error {
	rows, err := s.db.QueryContext(ctx, `
		/* turn.loadHeld */
		select rule, rev, at, holds, fire, why, pos from decision where account = $1`, l.Due.Account)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		d := cairn.Decision{Account: l.Due.Account}
		var at int64
		if err := rows.Scan(&d.Rule, &d.Rev, &at, &d.Holds, &d.Fire, &d.Why, &d.Pos); err != nil {
			return err
		}
		d.At = cairn.FromMicros(at)
		l.Held[d.Rule] = d
	}
	return rows.Err()
}

// loadOpen notes the plays that have a task open, or planned and not yet made.
func (s *Store) loadOpen(ctx context.Context, l *turn.Loaded) error {
	rows, err := s.db.QueryContext(ctx, `
		/* turn.loadOpen */
		select doc from record where account = $1 and kind = 'task' and state in ('open', 'snoozed')`, l.Due.Account)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var doc string
		if err := rows.Scan(&doc); err != nil {
			return err
		}
		r := cairn.Record{}
		if err := json.Unmarshal([]byte(doc), &r.Fields); err != nil {
			return err
		}
		l.Open[r.Text("play")] = true
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	planned, err := s.db.QueryContext(ctx, `
		/* turn.loadOpen */
		select play from action where account = $1 and state = 'planned'`, l.Due.Account)
	if err != nil {
		return err
	}
	defer planned.Close()
	for planned.Next() {
		var name string
		if err := planned.Scan(&name); err != nil {
			return err
		}
		l.Open[name] = true
	}
	return planned.Err()
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Decisions returns the last decision of each rule about an account, by rule.
func (s *Store) Decisions(ctx context.Context, scope cairn.Scope, id cairn.AccountID) ([]cairn.Decision, error) {
	if !scope.Sees(id) {
		return nil, cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	l := turn.Loaded{Due: turn.Due{Account: id}, Held: map[string]cairn.Decision{}}
	if err := s.loadHeld(ctx, &l); err != nil {
		return nil, err
	}
	out := slices.Collect(maps.Values(l.Held))
	slices.SortFunc(out, func(a, b cairn.Decision) int { return cmp.Compare(a.Rule, b.Rule) })
	return out, nil
}

// active is the number that the yardstick of use is made of.
func active(s cairn.Signals) int64 {
	if n, ok := s.Number(signal.Active28); ok {
		return int64(n)
	}
	return -1
}

// Yardsticks returns those of the days from `from` to `to`. Those of the last
// day are made, from what was measured last, if nobody made them yet; see
// [turn.Store].
func (s *Store) Yardsticks(ctx context.Context, from, to cairn.Day) (signal.Yard, error) {
	yard, err := s.PastYardsticks(ctx, from, to)
	if err != nil || yard[to] != nil {
		return yard, err
	}
	rows, err := s.db.QueryContext(ctx, `
		/* turn.Yardsticks */
		select active from vector where active >= 0`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var values []float64
	for rows.Next() {
		var n float64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		values = append(values, n)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	body, err := json.Marshal(signal.Quantiles(values))
	if err != nil {
		return nil, err
	}
	if err := s.write(ctx, Turns, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `
			/* turn.Yardsticks */
			insert into yardstick (day, signal, body) values ($1, $2, $3) on conflict do nothing`, int64(to), signal.Active28, string(body))
		return err
	}); err != nil {
		return nil, err
	}
	return s.PastYardsticks(ctx, from, to) // another node may have been first
}

// PastYardsticks returns those that were made on the days from `from` to `to`.
func (s *Store) PastYardsticks(ctx context.Context, from, to cairn.Day) (signal.Yard, error) {
	rows, err := s.db.QueryContext(ctx, `
		/* turn.PastYardsticks */
		select day, signal, body from yardstick where day >= $1 and day <= $2`, int64(from), int64(to))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	yard := signal.Yard{}
	for rows.Next() {
		var day cairn.Day
		var name, body string
		if err := rows.Scan(&day, &name, &body); err != nil {
			return nil, err
		}
		var y signal.Yardstick
		if err := json.Unmarshal([]byte(body), &y); err != nil {
			return nil, err
		}
		if yard[day] == nil {
			yard[day] = signal.Yardsticks{}
		}
		yard[day][name] = y
	}
	return yard, rows.Err()
}
