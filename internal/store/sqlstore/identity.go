package sqlstore

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"cairn"
)

// Whose an id is follows from what was said about it and from nothing else:
// each id has at most one tie that counts, ties lead to a root, and the root
// is who all ids on the way are. Events, records and memberships keep the ids
// as sent; only what is derived from them changes when a tie does, so that
// undoing a tie ends where everything stood without it.

// An ident is the row of one id.
type ident struct {
	id     cairn.ID
	what   cairn.What
	space  string
	key    string
	root   cairn.ID
	holder cairn.ID // zero: it waits
}

const identColumns = `id, what, space, key, root, holder`

func scanIdents(rows *sql.Rows) ([]ident, error) {
	defer rows.Close()
	var out []ident
	for rows.Next() {
		var n ident
		if err := rows.Scan(&n.id, &n.what, &n.space, &n.key, &n.root, &n.holder); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, rows.Err()
}

// meetIdent makes the row of an id that nothing was said about, and reports
// whether it is new.
func (ad *admission) meetIdent(ctx context.Context, r cairn.Ref, e *cairn.Event) (bool, error) {
	holder := bytesOf(r.ID)
	if r.What == cairn.AnAccount && r.Space != "" {
		holder = nil
	}
	res, err := ad.tx.ExecContext(ctx, `
		/* identity.meetIdent */
		insert into identity (id, what, space, key, source, first, root, holder)
		values ($1, $2, $3, $4, $5, $6, $1, $7) on conflict do nothing`,
		r.ID, string(r.What), string(r.Space), r.Key, e.Source, cairn.Micros(e.At), holder)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// spaceOf returns the space in which an event's source says its account's key.
func (ad *admission) spaceOf(ctx context.Context, e *cairn.Event) (cairn.Space, error) {
	if cairn.Space("").Account(e.Keys.Account) == e.Account {
		return "", nil
	}
	if e.Kind == cairn.OfIdentity {
		t, err := cairn.TieOf(e)
		return t.Subject.Space, err
	}
	src, err := ad.source(ctx, e.Source)
	if err == nil && src.Space.Account(e.Keys.Account) == e.Account {
		return src.Space, nil
	}
	return cairn.Space(e.Source), err // the setting was changed since
}

// rootOf returns who an id is now.
func (ad *admission) rootOf(ctx context.Context, id cairn.ID) (root cairn.ID, tied bool, err error) {
	err = ad.tx.QueryRowContext(ctx, `
		/* identity.rootOf */
		select root from identity where id = $1`, id).Scan(&root)
	if errors.Is(err, sql.ErrNoRows) {
		return id, false, nil
	}
	return root, true, err
}

// holderOf returns the account that an account's id stands for now; zero when
// it waits.
func (ad *admission) holderOf(ctx context.Context, id cairn.AccountID) (cairn.AccountID, error) {
	if h, ok := ad.holders[id]; ok {
		return h, nil
	}
	var h cairn.AccountID
	err := ad.tx.QueryRowContext(ctx, `
		/* identity.holderOf */
		select holder from identity where id = $1`, id).Scan(&h)
	if errors.Is(err, sql.ErrNoRows) {
		return h, nil
	}
	if ad.holders == nil {
		ad.holders = map[cairn.AccountID]cairn.AccountID{}
	}
	ad.holders[id] = h
	return h, err
}

// group returns all ids that have a root, the root's own first.
func (ad *admission) group(ctx context.Context, root cairn.ID) ([]cairn.ID, error) {
	out := []cairn.ID{root}
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity.group */
		select id from identity where root = $1 and id <> $1 order by id`, root)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var id cairn.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// hear keeps what an event says about whose an id is, and draws the
// consequences.
func (ad *admission) hear(ctx context.Context, e *cairn.Event) error {
	t, err := cairn.TieOf(e)
	if err != nil {
		return err
	}
	if t.Slot == cairn.Undo {
		return ad.undo(ctx, t)
	}
	for _, r := range []cairn.Ref{t.Subject, t.Target} {
		if r.What == cairn.AStream || r.ID.IsZero() {
			continue
		}
		isNew, err := ad.meetIdent(ctx, r, e)
		if err != nil {
			return err
		}
		if isNew && r.What == cairn.AnAccount {
			if err := ad.reshape(ctx, map[cairn.AccountID]bool{{ID: r.ID}: true}); err != nil {
				return err
			}
		}
	}
	body, err := json.Marshal(t)
	if err != nil {
		return err
	}
	// What was undone before it arrived stays undone.
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.hear */
		insert into tie (id, subject, slot, target, hand, at, event, undone, body) values ($1, $2, $3, $4, $5, $6, $1, 0, $7)
		on conflict (id) do update set subject = excluded.subject, slot = excluded.slot, target = excluded.target,
			hand = excluded.hand, at = excluded.at, body = excluded.body`,
		t.ID, t.Subject.ID, string(t.Slot), t.Target.ID, one(t.Hand), cairn.Micros(t.At), string(body)); err != nil {
		return err
	}
	return ad.settle(ctx, t, e)
}

// undo makes a tie count no more, be it known yet or not.
func (ad *admission) undo(ctx context.Context, u cairn.Tie) error {
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity.undo */
		insert into tie (id, slot, hand, at, event, undone, body) values ($1, '', 0, 0, $1, 1, '')
		on conflict (id) do update set undone = 1`, u.Target.ID); err != nil {
		return err
	}
	var body string
	if err := ad.tx.QueryRowContext(ctx, `
		/* identity.undo */
		select body from tie where id = $1`, u.Target.ID).Scan(&body); err != nil || body == "" {
		return err
	}
	var t cairn.Tie
	if err := json.Unmarshal([]byte(body), &t); err != nil {
		return err
	}
	return ad.settle(ctx, t, nil)
}

// settle draws the consequences of a tie that counts from now on, or no more.
func (ad *admission) settle(ctx context.Context, t cairn.Tie, e *cairn.Event) error {
	switch {
	case t.Slot == cairn.Into && t.Subject.What == cairn.AnAccount:
		return ad.settleAccounts(ctx, t.Subject.ID, t.Target.ID)
	case t.Slot == cairn.Into:
		return ad.settlePeople(ctx, t.Subject.ID, t.Target.ID)
	case t.Slot == cairn.Home && t.Subject.What == cairn.AStream:
		return ad.settleStream(ctx, cairn.StreamID{ID: t.Subject.ID})
	case t.Slot == cairn.Home:
		root, _, err := ad.rootOf(ctx, t.Subject.ID)
		if err != nil {
			return err
		}
		ad.touchTarget(ctx, t.Target)
		return ad.claim(ctx, cairn.PersonID{ID: root})
	case t.Slot == cairn.Aside:
		return ad.settleAside(ctx, t.Subject)
	}
	return nil
}

// touchTarget has the page of an account that somebody was given to, or taken
// from, show so.
func (ad *admission) touchTarget(ctx context.Context, r cairn.Ref) {
	if h, err := ad.holderOf(ctx, cairn.AccountID{ID: r.ID}); err == nil && !h.IsZero() {
		ad.due[h], ad.dirty[h] = true, true
	}
}

// said keeps what a source says with a call: that a visitor or an earlier key
// is this person. Of each source the latest counts. It reports whether who
// that is may be somebody else than before.
func (ad *admission) said(ctx context.Context, subject cairn.Ref, target cairn.PersonID, e *cairn.Event) (bool, error) {
	id := cairn.HashID("said", subject.ID.String(), e.Source)
	var was cairn.ID
	var at int64
	var event cairn.ID
	err := ad.tx.QueryRowContext(ctx, `
		/* identity.said */
		select target, at, event from tie where id = $1`, id).Scan(&was, &at, &event)
	now := cairn.Micros(e.At)
	switch {
	case errors.Is(err, sql.ErrNoRows):
	case err != nil:
		return false, err
	case cmp.Or(cmp.Compare(now, at), bytes.Compare(e.ID.ID[:], event[:])) <= 0:
		return false, nil
	}
	t := cairn.Tie{
		ID: cairn.EventID{ID: id}, Slot: cairn.Into, Subject: subject,
		Target: cairn.Ref{What: cairn.APerson, ID: target.ID}, Why: "said by " + e.Source, By: e.Source, At: e.At,
	}
	body, err := json.Marshal(t)
	if err != nil {
		return false, err
	}
	if was.IsZero() {
		for _, r := range []cairn.Ref{t.Subject, t.Target} {
			if _, err := ad.meetIdent(ctx, r, e); err != nil {
				return false, err
			}
		}
	} else if was != target.ID {
		if _, err := ad.meetIdent(ctx, t.Target, e); err != nil {
			return false, err
		}
	}
	if _, err = ad.tx.ExecContext(ctx, `
		/* identity.said */
		insert into tie (id, subject, slot, target, hand, at, event, undone, body) values ($1, $2, 'into', $3, 0, $4, $5, 0, $6)
		on conflict (id) do update set target = excluded.target, at = excluded.at, event = excluded.event, body = excluded.body`,
		id, subject.ID, target.ID, now, e.ID, string(body)); err != nil || was != target.ID {
		return true, err
	}
	var others bool // whom another source says: its word may count no more
	err = ad.tx.QueryRowContext(ctx, `
		/* identity.said */
		select exists (select 1 from tie where subject = $1 and slot = 'into' and id <> $2)`, subject.ID, id).Scan(&others)
	return others, err
}
