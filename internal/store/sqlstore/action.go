package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"time"

	"cairn"
)

// Planned returns actions that are not yet done; see [action.Store]. Of
// several nodes one is given any.
func (s *Store) Planned(ctx context.Context, limit int) ([]cairn.Action, error) {
	if !s.leads() {
		return nil, nil
	}
	rows, err := s.db.QueryContext(ctx, `
		/* action.Planned */
		select body, state, result, done_at from action where state = 'planned' order by at, id limit $1`, limit)
	if err != nil {
		return nil, err
	}
	return scanActions(rows)
}

// Actions returns the actions about an account; see [action.Store].
func (s *Store) Actions(ctx context.Context, scope cairn.Scope, account cairn.AccountID, limit int) ([]cairn.Action, error) {
	if !scope.Sees(account) {
		return nil, cairn.Errorf(cairn.NotFound, "There is no such account.")
	}
	rows, err := s.db.QueryContext(ctx, `
		/* action.Actions */
		select body, state, result, done_at from action where account = $1 order by at desc, id limit $2`, account, limit)
	if err != nil {
		return nil, err
	}
	return scanActions(rows)
}

func scanActions(rows *sql.Rows) ([]cairn.Action, error) {
	defer rows.Close()
	var out []cairn.Action
	for rows.Next() {
		var a cairn.Action
		var body string
		var done int64
		if err := rows.Scan(&body, &a.State, &a.Result, &done); err != nil {
			return nil, err
		}
		state, result := a.State, a.Result
		if err := json.Unmarshal([]byte(body), &a); err != nil {
			return nil, err
		}
		a.State, a.Result, a.DoneAt = state, result, cairn.FromMicros(done)
		out = append(out, a)
	}
	return out, rows.Err()
}

// Finish records the result of an action; see [action.Store].
func (s *Store) Finish(ctx context.Context, id cairn.ActionID, state cairn.ActionState, result string, at time.Time) error {
	return s.write(ctx, Turns, func(tx *Tx) error {
		_, err := tx.ExecContext(ctx, `
			/* action.Finish */
			update action set state = $2, result = $3, done_at = $4 where id = $1`, id, string(state), result, cairn.Micros(at))
		return err
	})
}
