package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"cairn"
	"cairn/internal/ingest"
)

// keepBulk is how long the progress of a body is remembered after its last
// line.
const keepBulk = 30 * 24 * time.Hour

// Bulk returns how far a body has come; see [ingest.BulkStore].
func (s *Store) Bulk(ctx context.Context, source, key string) (ingest.BulkProgress, error) {
	p := ingest.BulkProgress{Source: source, Key: key}
	var begun, touched int64
	err := s.db.QueryRowContext(ctx, `
		/* bulk.Bulk */
		select lines, accepted, late, duplicate, rejected, done, begun, touched, sum from bulk where source = $1 and key = $2`, source, key).Scan(
		&p.Lines, &p.Accepted, &p.Late, &p.Duplicate, &p.Rejected, &p.Done, &begun, &touched, &p.Sum)
	if errors.Is(err, sql.ErrNoRows) {
		return p, cairn.Errorf(cairn.NotFound, "Nothing was sent under this key, or more than 30 days ago.").At("key")
	}
	p.Begun, p.Touched = cairn.FromMicros(begun), cairn.FromMicros(touched)
	return p, err
}

// SaveBulk keeps how far a body has come; see [ingest.BulkStore].
func (s *Store) SaveBulk(ctx context.Context, p ingest.BulkProgress, was int64) error {
	done := 0
	if p.Done {
		done = 1
	}
	return s.write(ctx, Door, func(tx *Tx) error {
		var res sql.Result
		var err error
		if was < 0 {
			if _, err := tx.ExecContext(ctx, `
				/* bulk.SaveBulk */
				delete from bulk where touched < $1`, cairn.Micros(p.Touched.Add(-keepBulk))); err != nil {
				return err
			}
			res, err = tx.ExecContext(ctx, `
				/* bulk.SaveBulk */
				insert into bulk (source, key, lines, accepted, late, duplicate, rejected, done, begun, touched, sum)
				values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing`,
				p.Source, p.Key, p.Lines, p.Accepted, p.Late, p.Duplicate, p.Rejected, done, cairn.Micros(p.Begun), cairn.Micros(p.Touched), p.Sum)
		} else {
			res, err = tx.ExecContext(ctx, `
				/* bulk.SaveBulk */
				update bulk set lines = $1, accepted = $2, late = $3, duplicate = $4, rejected = $5, done = $6, touched = $7, sum = $8
				where source = $9 and key = $10 and lines = $11`,
				p.Lines, p.Accepted, p.Late, p.Duplicate, p.Rejected, done, cairn.Micros(p.Touched), p.Sum, p.Source, p.Key, was)
		}
		if err != nil {
			return err
		}
		n, err := res.RowsAffected()
		if err == nil && n == 0 {
			err = cairn.Errorf(cairn.Conflict, "Another request under the same Idempotency-Key went on; ask how far it has come.").At("Idempotency-Key")
		}
		return err
	})
}
