package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"time"

	"cairn/internal/store/sqlstore"
)

// The write-ahead log is copied into the database by a connection of its own,
// beside the writer, every checkpointEvery: a page that was written many times
// meanwhile is copied once. Only when the log has grown past longLog frames,
// which a writer that never pauses brings about, is the rest copied between two
// transactions, so that the next one begins it anew.
const (
	checkpointEvery = 4 * time.Second
	longLog         = 16_000
)

// checkpoint copies until the store closes.
func checkpoint(s *sqlstore.Store, path string, log *slog.Logger) error {
	db, err := sql.Open("sqlite", dsn(path, false))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	s.WithLifetime(func(ctx context.Context) {
		defer db.Close()
		tick := time.NewTicker(checkpointEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			if !s.Written() {
				continue
			}
			if err := shorten(ctx, s, db); err != nil && ctx.Err() == nil && log != nil {
				log.Warn("the write-ahead log could not be shortened", "err", err)
			}
		}
	})
	return nil
}

func shorten(ctx context.Context, s *sqlstore.Store, db *sql.DB) error {
	frames, err := copyLog(ctx, db)
	if err != nil || frames < longLog {
		return err
	}
	return s.Between(ctx, func(ctx context.Context, writer *sql.DB) error {
		_, err := copyLog(ctx, writer)
		return err
	})
}

// copyLog copies what no reader still needs elsewhere and returns how many
// frames the log has.
func copyLog(ctx context.Context, db *sql.DB) (frames int, err error) {
	var busy, copied int
	if err := db.QueryRowContext(ctx, `
		/* sqlite.copyLog */
		pragma wal_checkpoint(passive)`).Scan(&busy, &frames, &copied); err != nil {
		return 0, fmt.Errorf("sqlite: checkpoint: %w", err)
	}
	return frames, nil
}
