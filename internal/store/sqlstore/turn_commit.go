package sqlstore

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"time"

	"cairn"
	"cairn/internal/turn"
)

// CommitTurns keeps what turns found; see [turn.Store]. The rows are written
// out before the writer is held, and as many in one transaction as the last
// ones say hold it for [Hold].
func (s *Store) CommitTurns(ctx context.Context, rs []turn.Result) error {
	rs = slices.Clone(rs)
	slices.SortFunc(rs, func(a, b turn.Result) int { return bytes.Compare(a.Due.Account.ID[:], b.Due.Account.ID[:]) })
	found := make([]turnRow, len(rs))
	for i := range rs {
		var err error
		if found[i], err = s.turnRow(&rs[i]); err != nil {
			s.oweAll(rs)
			return err
		}
	}
	for len(rs) > 0 {
		n := min(max(int(s.turns.most.Load()), 8), len(rs))
		if err := s.commitSome(ctx, found[:n]); err != nil {
			s.oweAll(rs)
			return err
		}
		rs, found = rs[n:], found[n:]
	}
	s.ring("page")
	return nil
}

func (s *Store) oweAll(rs []turn.Result) {
	for _, r := range rs {
		s.recent.drop(r.Due.Account)
		s.turns.owe([]turn.Due{r.Due})
	}
}

func (s *Store) commitSome(ctx context.Context, found []turnRow) error {
	var kept []turnRow
	var versions map[cairn.AccountID]int64
	var held time.Duration
	err := s.write(ctx, Turns, func(tx *Tx) (err error) {
		start := time.Now()
		defer func() { held = time.Since(start) }()
		if kept, versions, err = s.release(ctx, tx, found); err != nil || len(kept) == 0 {
			return err
		}
		return s.writeTurns(ctx, tx, kept)
	})
	if err != nil {
		return err
	}
	if held > 0 {
		s.turns.most.Store(min(int64(float64(len(found))*float64(Hold)/float64(held)), 512))
	}
	planned := false
	for _, row := range kept {
		s.turns.end(row.r.Due)
		s.recent.took(row.r, versions[row.r.Due.Account])
		planned = planned || len(row.r.Actions) > 0
	}
	if planned {
		s.ring("action")
	}
	return nil
}

// A turnRow is a result with what is written of it.
type turnRow struct {
	r             *turn.Result
	body, signals []byte
	actions       []string
}

func (s *Store) turnRow(r *turn.Result) (row turnRow, err error) {
	row.r, row.body, row.signals = r, packVector(&r.Vector), packSignals(r.Signals)
	for _, a := range r.Actions {
		body, err := json.Marshal(a)
		if err != nil {
			return row, err
		}
		row.actions = append(row.actions, string(body))
	}
	return row, nil
}

// release gives back the leases and says when the next turns are due, and
// returns the results whose lease was still this node's, with the versions that
// their accounts have then: another node takes the others' turns. An account that was touched meanwhile stays due.
func (s *Store) release(ctx context.Context, tx *Tx, found []turnRow) ([]turnRow, map[cairn.AccountID]int64, error) {
	type standing struct{ at, since, mark, lease, quiet, version, rest int64 }
	now := map[cairn.AccountID]standing{}
	for in := range inChunks(found, func(row turnRow) any { return row.r.Due.Account }) {
		rows, err := tx.QueryContext(ctx, `
			/* turn.release */
			select d.account, d.at, d.since, d.mark, d.lease, d.quiet, d.version, a.version from due d join account a on a.id = d.account
			where d.account in (`+in.marks(1)+`) order by d.account`+s.engine.Update("d"), in.args...)
		if err != nil {
			return nil, nil, err
		}
		for rows.Next() {
			var id cairn.AccountID
			var st standing
			if err := rows.Scan(&id, &st.at, &st.since, &st.mark, &st.lease, &st.quiet, &st.version, &st.rest); err != nil {
				rows.Close()
				return nil, nil, err
			}
			now[id] = st
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, nil, err
		}
	}
	var kept []turnRow
	var accounts [][]byte
	var nodes []string
	var at, since, mark, lease, quiet, version []int64
	versions := make(map[cairn.AccountID]int64, len(found))
	for _, row := range found {
		d := row.r.Due
		st, ok := now[d.Account]
		if !ok || !s.holds(d, st.lease) {
			s.recent.drop(d.Account)
			continue
		}
		if st.mark == d.Mark {
			st.at, st.quiet = cairn.Micros(row.r.Next), 0
			st.since = st.at
		} else {
			st.since = cairn.Micros(row.r.At) // it goes to the end of the queue
		}
		kept = append(kept, row)
		accounts, nodes = append(accounts, row.r.Due.Account.ID[:]), append(nodes, "")
		at, since, mark, lease, quiet = append(at, st.at), append(since, st.since), append(mark, st.mark), append(lease, st.lease), append(quiet, st.quiet)
		version = append(version, st.version+1)
		versions[d.Account] = st.version + 1 + st.rest
	}
	if len(kept) == 0 {
		return nil, nil, nil
	}
	return kept, versions, s.engine.Insert(ctx, tx, "due", "on conflict (account) do update set node = excluded.node, at = excluded.at, since = excluded.since, quiet = excluded.quiet, version = excluded.version",
		Col{"account", accounts}, Col{"at", at}, Col{"since", since}, Col{"mark", mark}, Col{"lease", lease}, Col{"node", nodes}, Col{"quiet", quiet},
		Col{"version", version})
}

// writeTurns writes what turns found.
func (s *Store) writeTurns(ctx context.Context, tx *Tx, found []turnRow) error {
	for _, write := range []func(context.Context, *Tx, []turnRow) error{s.writeVectors, s.writeMeasures, s.writeScores, s.writeDecisions, s.writeActions} {
		if err := write(ctx, tx, found); err != nil {
			return err
		}
	}
	return pageChanged(ctx, tx)
}

func (s *Store) writeVectors(ctx context.Context, tx *Tx, found []turnRow) error {
	n := len(found)
	ints := func() []int64 { return make([]int64, n) }
	texts := func() []string { return make([]string, n) }
	accounts := make([][]byte, n)
	at, known, level, slope, mrr, renews, seen, base, people := ints(), ints(), ints(), ints(), ints(), ints(), ints(), ints(), ints()
	way, currency := texts(), texts()
	body, signals := make([][]byte, n), make([][]byte, n)
	for i, row := range found {
		r, v := row.r, &row.r.Vector
		accounts[i], body[i], signals[i] = r.Due.Account.ID[:], row.body, row.signals
		at[i], known[i], level[i], way[i], slope[i] = cairn.Micros(r.At), one(v.Known), int64(v.Level), string(v.Way), int64(v.Slope)
		mrr[i], currency[i], renews[i], seen[i] = r.MRR.Minor, r.MRR.Currency, cairn.Micros(r.Renews), cairn.Micros(r.LastSeen)
		base[i], people[i] = 1, active(r.Signals)
	}
	return s.engine.Insert(ctx, tx, "vector", `on conflict (account) do update set at = excluded.at, known = excluded.known, level = excluded.level,
		way = excluded.way, slope = excluded.slope, mrr = excluded.mrr, currency = excluded.currency, renews = excluded.renews,
		last_seen = excluded.last_seen, base = excluded.base, active = excluded.active, body = excluded.body, signals = excluded.signals`,
		Col{"account", accounts}, Col{"at", at}, Col{"known", known}, Col{"level", level}, Col{"way", way}, Col{"slope", slope}, Col{"mrr", mrr},
		Col{"currency", currency}, Col{"renews", renews}, Col{"last_seen", seen}, Col{"base", base}, Col{"active", people},
		Col{"body", body}, Col{"signals", signals})
}

func (s *Store) writeDecisions(ctx context.Context, tx *Tx, found []turnRow) error {
	var accounts [][]byte
	var rules, whys []string
	var revs, at, holds, fire, fired, pos []int64
	for _, row := range found {
		for _, d := range row.r.Decisions {
			accounts, rules, whys = append(accounts, d.Account.ID[:]), append(rules, d.Rule), append(whys, d.Why)
			revs, at, pos = append(revs, int64(d.Rev)), append(at, cairn.Micros(d.At)), append(pos, d.Pos)
			holds, fire, fired = append(holds, one(d.Holds)), append(fire, one(d.Fire)), append(fired, one(d.Fire)*cairn.Micros(d.At))
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	return s.engine.Insert(ctx, tx, "decision", `on conflict (account, rule) do update set rev = excluded.rev, at = excluded.at,
		holds = excluded.holds, fire = excluded.fire, fired = case when excluded.fired > 0 then excluded.fired else decision.fired end,
		why = excluded.why, pos = excluded.pos`,
		Col{"account", accounts}, Col{"rule", rules}, Col{"rev", revs}, Col{"at", at}, Col{"holds", holds}, Col{"fire", fire},
		Col{"fired", fired}, Col{"why", whys}, Col{"pos", pos})
}

func (s *Store) writeActions(ctx context.Context, tx *Tx, found []turnRow) error {
	for _, row := range found {
		for i, a := range row.r.Actions {
			if _, err := tx.ExecContext(ctx, `
				/* turn.writeActions */
				insert into action (id, key, kind, account, play, rev, why, body, at, state, result, done_at)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'planned', '', 0) on conflict do nothing`,
				a.ID, a.Key, a.Kind, a.Account, a.Play, a.Rev, a.Why, row.actions[i], cairn.Micros(a.At)); err != nil {
				return err
			}
		}
	}
	return nil
}
