package sqlstore

import (
	"context"
	"database/sql"
	"errors"
)

// Memo returns what the house remembered under a name, and "" when nothing.
func (s *Store) Memo(ctx context.Context, name string) (body string, err error) {
	err = s.db.QueryRowContext(ctx, `
		/* Memo */
		select body from memo where name = $1`, name).Scan(&body)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return body, err
}

// Remember keeps something for the house under a name; "" forgets it.
func (s *Store) Remember(ctx context.Context, name, body string) error {
	return s.write(ctx, Turns, func(tx *Tx) error {
		if body == "" {
			_, err := tx.ExecContext(ctx, `
				/* Remember */
				delete from memo where name = $1`, name)
			return err
		}
		_, err := tx.ExecContext(ctx, `
			/* Remember */
			insert into memo (name, body) values ($1, $2) on conflict (name) do update set body = excluded.body`, name, body)
		return err
	})
}
