package postgres

import (
	"context"
	"database/sql"

	"cairn/internal/store/sqlstore"
)

// Room tells how large the database is. The disk is another machine's and
// cannot be seen. What deleted rows left is used again, but not told apart.
func (engine) Room(ctx context.Context, db *sql.DB) (r sqlstore.Room, err error) {
	err = db.QueryRowContext(ctx, `
		/* postgres.Room */
		select pg_database_size(current_database())`).Scan(&r.Data)
	return r, err
}
