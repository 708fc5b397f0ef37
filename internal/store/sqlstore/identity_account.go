package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"slices"

	"cairn"
)

// settleAccounts works out anew which account each of ids is, and everything
// that follows from it.
func (ad *admission) settleAccounts(ctx context.Context, ids ...cairn.ID) error {
	all, by, err := ad.component(ctx, ids...)
	if err != nil {
		return err
	}
	spaces := map[cairn.ID]string{}
	for _, n := range all {
		spaces[n.id] = n.space
	}
	alive := func(root cairn.ID) bool {
		p, ok := by[root]
		return spaces[root] == "" || ok && p.target == root
	}
	touched := map[cairn.AccountID]bool{} // whose set of ids changes: roots, before and after
	var changed []ident
	for _, was := range all {
		now := was
		now.root, now.holder = rootBy(was.id, by), cairn.ID{}
		if alive(now.root) {
			now.holder = now.root
		}
		if now.root == was.root && now.holder == was.holder {
			continue
		}
		touched[cairn.AccountID{ID: was.root}], touched[cairn.AccountID{ID: now.root}] = true, true
		if err := ad.move(ctx, now); err != nil {
			return err
		}
		changed = append(changed, now)
	}
	ad.holders = nil
	for _, n := range changed {
		if err := ad.moveStreams(ctx, n); err != nil {
			return err
		}
	}
	for _, n := range changed {
		if err := ad.reclaim(ctx, n); err != nil {
			return err
		}
	}
	return ad.reshape(ctx, touched)
}

// moveStreams gives the stream and the records of an account's id to whose
// they are now.
func (ad *admission) moveStreams(ctx context.Context, n ident) error {
	id := cairn.AccountID{ID: n.id}
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity_account.moveStreams */
		update stream set account = $2 where id = $1`, id.Stream(), n.holder); err != nil {
		return err
	}
	if _, err := ad.changeAll(ctx, `
		/* identity_account.moveStreams */
		select kind, id, account from record where named = $1`, n.id); err != nil {
		return err
	}
	if _, err := ad.changeAll(ctx, `
		/* identity_account.moveStreams */
		update record set account = coalesce($2, (select s.account from stream s where s.id = record.stream and s.kind = 'record')), version = version + 1
		where named = $1 returning kind, id, account`, n.id, n.holder); err != nil {
		return err
	}
	// Records that came before their account was named have streams of their own.
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity_account.moveStreams */
		select s.id from record r join stream s on s.id = r.stream where r.named = $1 and s.kind = 'record'`, n.id)
	if err != nil {
		return err
	}
	streams, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for _, s := range streams {
		if err := ad.settleStream(ctx, cairn.StreamID{ID: s}); err != nil {
			return err
		}
	}
	return nil
}

// reclaim settles anew whose those are who are said to belong to an account's
// id, or were given to it.
func (ad *admission) reclaim(ctx context.Context, n ident) error {
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity_account.reclaim */
		select distinct s.person from member m left join identity i on i.id = m.person
		join stream s on s.person = coalesce(i.root, m.person)
		where m.account = $1 and m.said = 1
		union
		select coalesce(i.root, t.subject) from tie t left join identity i on i.id = t.subject
		where t.target = $1 and t.slot = 'home' and t.undone = 0`, n.id)
	if err != nil {
		return err
	}
	people, err := scanIDs(rows)
	if err != nil {
		return err
	}
	for _, p := range people {
		if err := ad.claim(ctx, cairn.PersonID{ID: p}); err != nil {
			return err
		}
		if err := ad.settleStream(ctx, cairn.StreamID{ID: p}); err != nil { // when it is a stream that was given
			return err
		}
	}
	return nil
}

func scanIDs(rows *sql.Rows) ([]cairn.ID, error) {
	defer rows.Close()
	var out []cairn.ID
	for rows.Next() {
		var id cairn.ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// reshape makes rows of accounts that have come to stand alone, takes those
// away that no longer do, and shows anew what is said of them.
func (ad *admission) reshape(ctx context.Context, touched map[cairn.AccountID]bool) error {
	ids := make([]cairn.AccountID, 0, len(touched))
	for id := range touched {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b cairn.AccountID) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	for _, id := range ids {
		root, _, err := ad.rootOf(ctx, id.ID)
		if err != nil {
			return err
		}
		holder, err := ad.holderOf(ctx, id)
		if err != nil {
			return err
		}
		if holder == id {
			if err := ad.raise(ctx, id); err != nil {
				return err
			}
			ad.due[id], ad.dirty[id] = true, true
		} else if err := ad.lower(ctx, id); err != nil {
			return err
		}
		if root != id.ID {
			err = ad.blank(ctx, id.Record())
		} else {
			err = ad.redraw(ctx, cairn.OfAccount, root)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// blank empties what is shown under an id that is another name of somebody:
// it is shown there. What was said stays among the facts.
func (ad *admission) blank(ctx context.Context, id cairn.RecordID) error {
	if _, err := ad.changeAll(ctx, `
		/* identity_account.blank */
		delete from record where id = $1 and first = 0 returning kind, id, account`, id); err != nil { // it never said anything itself
		return err
	}
	_, err := ad.changeAll(ctx, `
		/* identity_account.blank */
		update record set doc = '{}', sealed = null, state = '', owner = '', version = version + 1 where id = $1 returning kind, id, account`, id)
	return err
}

// blankPerson does so for a person, who stays found by the key.
func (ad *admission) blankPerson(ctx context.Context, id cairn.PersonID) error {
	if err := ad.blank(ctx, id.Record()); err != nil {
		return err
	}
	var key string
	err := ad.tx.QueryRowContext(ctx, `
		/* identity_account.blankPerson */
		update person set name = '', mail = '', title = '', role = '', opted_out = 0 where id = $1 and erased = 0 returning key`, id).Scan(&key)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	return putTokens(ctx, ad.tx, "person", id.ID, key)
}

// raise makes the row of an account that stands alone, unless it has one.
func (ad *admission) raise(ctx context.Context, id cairn.AccountID) error {
	var key string
	var first, since int64
	if err := ad.tx.QueryRowContext(ctx, `
		/* identity_account.raise */
		select i.key, i.first, coalesce((select min(s.first) from stream s where s.account = i.id and s.kind <> 'said'), 0) from identity i where i.id = $1`, id).
		Scan(&key, &first, &since); err != nil {
		return err
	}
	if since > 0 {
		first = since
	}
	// The version goes on where a row that was taken away may have been.
	if _, err := ad.tx.ExecContext(ctx, `
		/* identity_account.raise */
		insert into account (id, key, name, domain, owner, status, first, version)
		values ($1, $2, $2, '', '', 'customer', $3, $4)
		on conflict (id) do update set first = excluded.first`, id, key, first, cairn.Micros(ad.new[0].Seen)); err != nil {
		return err
	}
	return ad.accountTokens(ctx, id)
}

// lower takes away the row of an account that is another's name now, with
// what was measured of it. What was decided about it stays.
func (ad *admission) lower(ctx context.Context, id cairn.AccountID) error {
	delete(ad.due, id)
	delete(ad.dirty, id)
	for _, q := range []string{
		`/* identity_account.lower */ delete from account where id = $1`, // first: who marks it due locks this row
		`/* identity_account.lower */ delete from token where id = $1 and what = 'account'`,
		`/* identity_account.lower */ delete from due where account = $1`,
		`/* identity_account.lower */ delete from vector where account = $1`,
		`/* identity_account.lower */ delete from measure where account = $1`,
	} {
		if _, err := ad.tx.ExecContext(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}

// accountTokens makes an account found by its name, its domain and by every
// key under which it is known.
func (ad *admission) accountTokens(ctx context.Context, id cairn.AccountID) error {
	var name, domain string
	if err := ad.tx.QueryRowContext(ctx, `
		/* identity_account.accountTokens */
		select name, domain from account where id = $1`, id).Scan(&name, &domain); err != nil {
		return err
	}
	rows, err := ad.tx.QueryContext(ctx, `
		/* identity_account.accountTokens */
		select `+identColumns+` from identity where root = $1 and what = 'account' order by case when id = $1 then 0 else 1 end, id limit 20`, id)
	if err != nil {
		return err
	}
	known, err := scanIdents(rows)
	if err != nil {
		return err
	}
	texts := []string{name, domain}
	for _, n := range known {
		texts = append(texts, n.key)
	}
	return putTokens(ctx, ad.tx, "account", id.ID, texts...)
}
