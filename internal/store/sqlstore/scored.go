package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"cairn"
	"cairn/internal/account"
)

// wayCodes are the ways as they are stored.
var wayCodes = []cairn.Way{cairn.Unknown, cairn.Falling, cairn.Steady, cairn.Rising}

// unknownLevel is stored where no level is known.
const unknownLevel = -1

// shapeOf packs way and band.
func shapeOf(way cairn.Way, band int) int64 {
	for code, w := range wayCodes {
		if w == way {
			return int64(code + len(wayCodes)*band)
		}
	}
	return int64(len(wayCodes) * band)
}

// writeScores writes how accounts were scored on the day of their turn, where
// that differs from what stands already. What was written on a day that is
// over is never touched again: late events, rebuilds and other models change
// what is seen now, not what was said then.
func (s *Store) writeScores(ctx context.Context, tx *Tx, found []turnRow) error {
	zone, numbers := s.Settings().Zone, map[string]int64{}
	var accounts [][]byte
	var days, models, levels, shapes, revs, pos []int64
	for _, row := range found {
		if row.r.Stands {
			continue
		}
		v := &row.r.Vector
		model, ok := numbers[v.Model]
		if !ok {
			var err error
			if model, err = s.scorer(ctx, tx, v.Model); err != nil {
				return err
			}
			numbers[v.Model] = model
		}
		level := int64(v.Level)
		if !v.Known {
			level = unknownLevel
		}
		accounts, models = append(accounts, row.r.Due.Account.ID[:]), append(models, model)
		days = append(days, int64(cairn.DayOf(row.r.At.Add(-time.Microsecond), zone)))
		levels, shapes = append(levels, level), append(shapes, shapeOf(v.Way, row.r.Band))
		revs, pos = append(revs, int64(v.Rev)), append(pos, row.r.Due.Pos)
	}
	if len(accounts) == 0 {
		return nil
	}
	return s.engine.Insert(ctx, tx, "scored", `on conflict (account, day) do update set model = excluded.model, level = excluded.level,
		shape = excluded.shape, rev = excluded.rev, pos = excluded.pos`,
		Col{"account", accounts}, Col{"day", days}, Col{"model", models}, Col{"level", levels}, Col{"shape", shapes}, Col{"rev", revs}, Col{"pos", pos})
}

// scorer returns the number of a model, which it is given when it scores first.
// A number is remembered once it is sure to be there: not by the transaction
// that gives it, which may fail.
func (s *Store) scorer(ctx context.Context, tx *Tx, name string) (n int64, err error) {
	if n, ok := s.scorers.Load(name); ok {
		return n.(int64), nil
	}
	done, err := tx.ExecContext(ctx, `
		/* scored.scorer */
		insert into scorer (n, name) select coalesce(max(n), 0) + 1, $1 from scorer where true on conflict do nothing`, name)
	if err != nil {
		return 0, err
	}
	given, err := done.RowsAffected()
	if err != nil {
		return 0, err
	}
	err = tx.QueryRowContext(ctx, `
		/* scored.scorer */
		select n from scorer where name = $1`, name).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("the model %q got no number: another node numbers models at this moment", name) // the turn is taken again
	}
	if err == nil && given == 0 {
		s.scorers.Store(name, n)
	}
	return n, err
}

// scoredColumns are those that scanScored reads.
const scoredColumns = ` d.day, d.level, d.shape, m.name, d.rev, d.pos `

func scanScored(rows *sql.Rows, more ...any) (d account.Scored, err error) {
	var level, shape int64
	err = rows.Scan(append([]any{&d.Day, &level, &shape, &d.Model, &d.Rev, &d.Pos}, more...)...)
	if d.Known = level != unknownLevel; d.Known {
		d.Level = cairn.Points(level)
	}
	d.Way, d.Band = wayCodes[shape%int64(len(wayCodes))], int(shape)/len(wayCodes)
	return d, err
}

// Scored returns how an account was scored from day to day; see
// [account.Store].
func (s *Store) Scored(ctx context.Context, scope cairn.Scope, id cairn.AccountID, from, to cairn.Day) ([]account.Scored, error) {
	var st statement
	st.add(`
		/* scored.Scored */
		select`+scoredColumns+`from scored d join scorer m on m.n = d.model
		where d.account = ? and d.day <= ? and d.day >= coalesce((select max(b.day) from scored b where b.account = ? and b.day <= ?), ?) and `,
		id, int64(to), id, int64(from), int64(from))
	st.within(scope, "d.account")
	st.add(` order by d.day`)
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []account.Scored
	for rows.Next() {
		d, err := scanScored(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

// ScoredOn calls f with how each account of the scope stood scored at the end
// of a day; see [account.Store].
func (s *Store) ScoredOn(ctx context.Context, scope cairn.Scope, day cairn.Day, f func(cairn.AccountID, account.Scored)) error {
	var st statement
	st.add(`
		/* scored.ScoredOn */
		select`+scoredColumns+`, a.id from account a cross join scored d cross join scorer m -- in this order, or SQLite goes through all days
		where d.account = a.id and m.n = d.model and a.status <> 'ignored' and d.day = (select max(b.day) from scored b where b.account = a.id and b.day <= ?) and `, int64(day))
	st.within(scope, "a.id")
	rows, err := s.db.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.AccountID
		d, err := scanScored(rows, &id)
		if err != nil {
			return err
		}
		f(id, d)
	}
	return rows.Err()
}
