package sqlstore

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"cairn"
	"cairn/internal/watch"
)

// A changedKey is where a change of a record is counted: by its kind and the
// shard of whose it is.
type changedKey struct {
	kind  cairn.EventKind
	shard int
}

// change notes that a record of a kind changed that is, or was, an account's.
// What belongs to nobody is asked for by nobody.
func (ad *admission) change(kind cairn.EventKind, id cairn.RecordID, whose cairn.AccountID) {
	if kind == cairn.OfAccount || kind == cairn.OfPerson {
		whose = cairn.AccountID(id)
	}
	if whose.IsZero() {
		return
	}
	ad.changed[changedKey{kind, watch.ShardOf(whose)}]++
}

// countChanges writes what was noted. It is the last thing that a transaction
// writes, and in order, so that nobody waits for it for long.
func (ad *admission) countChanges(ctx context.Context) error {
	if len(ad.changed) == 0 {
		return nil
	}
	keys := slices.SortedFunc(maps.Keys(ad.changed), func(a, b changedKey) int {
		return cmp.Or(cmp.Compare(a.kind, b.kind), a.shard-b.shard)
	})
	var kinds []string
	var shards, ns []int64
	for _, k := range keys {
		kinds, shards, ns = append(kinds, string(k.kind)), append(shards, int64(k.shard)), append(ns, ad.changed[k])
	}
	return ad.s.engine.Insert(ctx, ad.tx, "record_change", "on conflict (kind, shard) do update set n = record_change.n + excluded.n",
		Col{"kind", kinds}, Col{"shard", shards}, Col{"n", ns})
}

// changeAll notes the records that a statement chooses, which gives their
// kinds, ids and accounts.
func (ad *admission) changeAll(ctx context.Context, statement string, args ...any) (n int, err error) {
	rows, err := ad.tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var kind string
		var id cairn.RecordID
		var whose cairn.AccountID
		if err := rows.Scan(&kind, &id, &whose); err != nil {
			return n, err
		}
		ad.change(cairn.EventKind(kind), id, whose)
		n++
	}
	return n, rows.Err()
}

// Changes counts how often records of a kind changed, by the shard of whose
// they are; see [watch.Store].
func (s *Store) Changes(ctx context.Context, kind cairn.EventKind) (out [watch.Shards]int64, err error) {
	if !kind.IsRecord() {
		return out, fmt.Errorf("%q is no kind of record", kind)
	}
	rows, err := s.db.QueryContext(ctx, `
		/* changed.Changes */
		select shard, n from record_change where kind = $1`, string(kind))
	if err != nil {
		return out, err
	}
	defer rows.Close()
	for rows.Next() {
		var shard int
		var n int64
		if err := rows.Scan(&shard, &n); err != nil {
			return out, err
		}
		out[shard] = n
	}
	return out, rows.Err()
}
