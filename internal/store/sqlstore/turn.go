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
	back := s.turns.owed()
	if some, err := s.anyDue(ctx, now); len(back) == 0 && (err != nil || !some) {
		return nil, err
	}
	var out []turn.Due
	err := s.write(ctx, Turns, func(tx *Tx) (err error) {
		if err := s.giveBack(ctx, tx, back); err != nil {
			return err
		}
		out, err = scanDue(tx.QueryContext(ctx, `
			/* turn.Due */
			update due set lease = lease + 1, node = $2
			where account in (select account from due where at <= $1 and node not in (`+s.alive()+`) order by at, account limit $3 `+s.engine.Skip()+`)
			returning account, mark, lease, quiet`, cairn.Micros(now), s.member.name, limit))
		return err
	})
	if err != nil {
		s.turns.owe(back)
		return nil, err
	}
	return out, nil
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
	mu   sync.Mutex
	back []turn.Due
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
	var at sql.NullInt64
	err := s.db.QueryRowContext(ctx, `
		/* turn.NextDue */
		select min(at) from due where node not in (`+s.alive()+`)`).Scan(&at)
	if err != nil || !at.Valid {
		return time.Time{}, err
	}
	return time.UnixMicro(max(at.Int64, 1)).UTC(), nil
}

// Load returns what a turn needs to know of an account; see [turn.Store].
func (s *Store) Load(ctx context.Context, d turn.Due, now time.Time) (turn.Loaded, error) {
	l := turn.Loaded{Due: d, Held: map[string]cairn.Decision{}, Open: map[string]bool{}}
	var first int64
	a := &l.Account
	err := s.db.QueryRowContext(ctx, `
		/* turn.Load */
		select id, key, name, domain, owner, status, first from account where id = $1`, d.Account).Scan(
		&a.ID, &a.Key, &a.Name, &a.Domain, &a.Owner, &a.Status, &first)
	if err != nil {
		return l, err
	}
	a.First = cairn.FromMicros(first)
	if l.Pos, err = s.folded(ctx); err != nil {
		return l, err
	}
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
func (s *Store) folded(ctx context.Context) (n int64, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* turn.folded */
		select coalesce(sum(n), 0) from cursor where stage = 'fold'
			and gen = coalesce((select current from generation where stage = 'fold'), 1)`).Scan(&n)
	return n, err
}

func (s *Store) loadPrev(ctx context.Context, l *turn.Loaded) error {
	var body, signals string
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
	if err := json.Unmarshal([]byte(body), &prev.Vector); err != nil {
		return err
	}
	prev.Signals, err = signalsOf(signals)
	l.Prev = &prev
	return err
}

// signalsOf reads signals as the vector table keeps them.
func signalsOf(text string) (cairn.Signals, error) {
	var out cairn.Signals
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, err
	}
	for name, v := range out {
		v.Name = name
		out[name] = v
	}
	return out, nil
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

// CommitTurns keeps what turns found; see [turn.Store].
func (s *Store) CommitTurns(ctx context.Context, rs []turn.Result) error {
	for len(rs) > 0 {
		var done int
		var planned bool
		err := s.write(ctx, Turns, func(tx *Tx) error {
			start := time.Now()
			done, planned = 0, false
			for _, r := range rs {
				if done > 0 && time.Since(start) > Hold*3/4 {
					break
				}
				if err := s.commitTurn(ctx, tx, r); err != nil {
					return err
				}
				planned = planned || len(r.Actions) > 0
				done++
			}
			return pageChanged(ctx, tx)
		})
		if err != nil {
			for _, r := range rs {
				s.turns.owe([]turn.Due{r.Due})
			}
			return err
		}
		rs = rs[done:]
		if planned {
			s.ring("action")
		}
	}
	s.ring("page")
	return nil
}

func (s *Store) commitTurn(ctx context.Context, tx *Tx, r turn.Result) error {
	res, err := tx.ExecContext(ctx, `
		/* turn.commitTurn */
		update due set node = '', at = case when mark = $3 then $4 else at end, quiet = case when mark = $3 then 0 else quiet end
		where account = $1 and lease = $2`, r.Due.Account, r.Due.Lease, r.Due.Mark, cairn.Micros(r.Next))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return err // the lease was lost: another node takes this turn
	}
	body, err := json.Marshal(r.Vector)
	if err != nil {
		return err
	}
	signals, err := json.Marshal(r.Signals)
	if err != nil {
		return err
	}
	v := r.Vector
	if _, err := tx.ExecContext(ctx, `
		/* turn.commitTurn */
		insert into vector (account, at, known, level, way, slope, mrr, currency, renews, last_seen, base, active, body, signals)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13)
		on conflict (account) do update set at = excluded.at, known = excluded.known, level = excluded.level, way = excluded.way,
			slope = excluded.slope, mrr = excluded.mrr, currency = excluded.currency, renews = excluded.renews,
			last_seen = excluded.last_seen, base = 1, active = excluded.active, body = excluded.body, signals = excluded.signals`,
		r.Due.Account, cairn.Micros(r.At), one(v.Known), int64(v.Level), string(v.Way), int64(v.Slope), r.MRR.Minor, r.MRR.Currency,
		cairn.Micros(r.Renews), cairn.Micros(r.LastSeen), active(r.Signals), string(body), string(signals)); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `
		/* turn.commitTurn */
		insert into vector_day (account, day, known, level, way, model, rev) values ($1, $2, $3, $4, $5, $6, $7)
		on conflict (account, day) do update set known = excluded.known, level = excluded.level, way = excluded.way,
			model = excluded.model, rev = excluded.rev`,
		r.Due.Account, int64(cairn.DayOf(r.At.Add(-time.Microsecond), s.Settings().Zone)), one(v.Known), int64(v.Level), string(v.Way), v.Model, v.Rev); err != nil {
		return err
	}
	if err := s.commitDecisions(ctx, tx, r); err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `
		/* turn.commitTurn */
		update account set version = version + 1 where id = $1`, r.Due.Account)
	return err
}

func (s *Store) commitDecisions(ctx context.Context, tx *Tx, r turn.Result) error {
	for _, d := range r.Decisions {
		var fired int64
		if d.Fire {
			fired = cairn.Micros(d.At)
		}
		if _, err := tx.ExecContext(ctx, `
			/* turn.commitDecisions */
			insert into decision (account, rule, rev, at, holds, fire, fired, why, pos) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
			on conflict (account, rule) do update set rev = excluded.rev, at = excluded.at, holds = excluded.holds, fire = excluded.fire,
				fired = case when excluded.fired > 0 then excluded.fired else decision.fired end, why = excluded.why, pos = excluded.pos`,
			d.Account, d.Rule, d.Rev, cairn.Micros(d.At), one(d.Holds), one(d.Fire), fired, d.Why, d.Pos); err != nil {
			return err
		}
	}
	for _, a := range r.Actions {
		body, err := json.Marshal(a)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `
			/* turn.commitDecisions */
			insert into action (id, key, kind, account, play, rev, why, body, at, state, result, done_at)
			values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'planned', '', 0) on conflict do nothing`,
			a.ID, a.Key, a.Kind, a.Account, a.Play, a.Rev, a.Why, string(body), cairn.Micros(a.At)); err != nil {
			return err
		}
	}
	return nil
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
