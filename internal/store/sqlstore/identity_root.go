package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"cairn"
)

// A pointer is the tie of an id that counts.
type pointer struct {
	target cairn.ID
	hand   int64
	at     int64
	event  cairn.ID
}

func (p pointer) stronger(q pointer) int {
	return cmp.Or(cmp.Compare(p.hand, q.hand), cmp.Compare(p.at, q.at), bytes.Compare(p.event[:], q.event[:]))
}

// pointers returns the tie that counts of each of ids in a slot.
func (ad *admission) pointers(ctx context.Context, slot cairn.Slot, ids []cairn.ID) (map[cairn.ID]pointer, error) {
	out := map[cairn.ID]pointer{}
	for some := range slices.Chunk(ids, atOnce) {
		var st statement
		st.add(`
			/* identity_root.pointers */
			select subject, target, hand, at, event from tie where slot = ? and undone = 0 and `, string(slot))
		in(&st, "subject", some)
		rows, err := ad.tx.QueryContext(ctx, st.String(), st.args...)
		if err != nil {
			return nil, err
		}
		for rows.Next() {
			var id cairn.ID
			var p pointer
			if err := rows.Scan(&id, &p.target, &p.hand, &p.at, &p.event); err != nil {
				rows.Close()
				return nil, err
			}
			if q, ok := out[id]; !ok || p.stronger(q) > 0 {
				out[id] = p
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rootBy follows pointers from an id to its root. Where they run in a circle,
// the id whose tie is the strongest of the circle stands alone.
func rootBy(id cairn.ID, by map[cairn.ID]pointer) cairn.ID {
	var path []cairn.ID
	for {
		if i := slices.Index(path, id); i >= 0 {
			circle := path[i:]
			return slices.MaxFunc(circle, func(a, b cairn.ID) int { return by[a].stronger(by[b]) })
		}
		p, ok := by[id]
		if !ok || p.target == id {
			return id
		}
		path = append(path, id)
		id = p.target
	}
}

// component returns the ids that share a root with any of ids, or with any to
// which their ties lead, with these ties: nothing beyond them changes when a
// tie among them does.
func (ad *admission) component(ctx context.Context, ids ...cairn.ID) ([]ident, map[cairn.ID]pointer, error) {
	for {
		all, by, err := ad.related(ctx, ids)
		if err != nil {
			return nil, nil, err
		}
		in := map[cairn.ID]bool{}
		for _, n := range all {
			in[n.id] = true
		}
		beyond := len(ids)
		for _, p := range by { // a tie that was outdone until now may lead elsewhere
			if !in[p.target] && !slices.Contains(ids, p.target) {
				ids = append(ids, p.target)
			}
		}
		if len(ids) == beyond {
			return all, by, nil
		}
	}
}

// related returns the ids that share a root with any of ids, with their ties.
func (ad *admission) related(ctx context.Context, ids []cairn.ID) ([]ident, map[cairn.ID]pointer, error) {
	var st statement
	st.add(`
		/* identity_root.related */
		select ` + identColumns + ` from identity where root in (select root from identity where `)
	in(&st, "id", ids)
	st.add(`) order by id`)
	rows, err := ad.tx.QueryContext(ctx, st.String(), st.args...)
	if err != nil {
		return nil, nil, err
	}
	all, err := scanIdents(rows)
	if err != nil {
		return nil, nil, err
	}
	every := make([]cairn.ID, len(all))
	for i, n := range all {
		every[i] = n.id
	}
	by, err := ad.pointers(ctx, cairn.Into, every)
	return all, by, err
}

// move writes what has become of an id.
func (ad *admission) move(ctx context.Context, n ident) error {
	_, err := ad.tx.ExecContext(ctx, `
		/* identity_root.move */
		update identity set root = $2, holder = $3 where id = $1`, n.id, n.root, n.holder)
	return err
}
