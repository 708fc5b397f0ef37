package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"

	"cairn/internal/store/sqlstore"
)

// Room tells how large the database is and how large its disk. Pages that
// deleted rows left are free within the file: they are written again before it
// grows.
func (engine) Room(ctx context.Context, db *sql.DB) (r sqlstore.Room, err error) {
	var pages, free, size int64
	var file string
	for _, q := range []struct {
		text string
		into *int64
	}{{`/* sqlite.Room */ pragma page_count`, &pages}, {`/* sqlite.Room */ pragma freelist_count`, &free}, {`/* sqlite.Room */ pragma page_size`, &size}} {
		if err := db.QueryRowContext(ctx, q.text).Scan(q.into); err != nil {
			return r, err
		}
	}
	if err := db.QueryRowContext(ctx, `
		/* sqlite.Room */
		select file from pragma_database_list where name = 'main'`).Scan(&file); err != nil {
		return r, err
	}
	r.Data, r.Free = (pages-free)*size, free*size
	if i, err := os.Stat(file + "-wal"); err == nil {
		r.Data += i.Size()
	}
	r.Total, r.Avail, err = diskOf(filepath.Dir(file))
	return r, err
}
